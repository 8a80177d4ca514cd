"""Figures of pictures before a network sees them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labkit import ImageDataGenerator, plot_picture_sizes, plot_transformations


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_each_picture_is_a_point_at_its_width_and_height():
    axes = plot_picture_sizes(np.array([(300, 400), (500, 375)])).axes[0]
    points = axes.lines[1].get_xydata()
    assert points.tolist() == [[400, 300], [375, 500]]
    assert axes.get_xlim()[1] > 500 and axes.get_ylim()[1] > 500
    with pytest.raises(ValueError, match="no picture"):
        plot_picture_sizes([])


class TestTransformations:
    def rows(self, picture, **arguments):
        figure = plot_transformations(ImageDataGenerator(**arguments), picture)
        drawn = [[axes.images[0].get_array() for axes in figure.axes[i : i + 5] if axes.images]
                 for i in range(0, len(figure.axes), 5)]  # fmt: skip
        return dict(zip([a.get_title(loc="left") for a in figure.axes[::5]], drawn, strict=True))

    def test_a_row_goes_from_one_end_to_the_other_by_the_picture_itself(self, soft_picture):
        picture = soft_picture(40, 60)
        rows = self.rows(picture, width_shift_range=0.1, fill_mode="nearest")
        left, _, middle, _, right = rows["move sideways"]
        np.testing.assert_array_equal(middle, picture)
        # A tenth of the width is six pixels.
        np.testing.assert_array_equal(left[:, 6:], picture[:, :-6])
        np.testing.assert_array_equal(right[:, :-6], picture[:, 6:])

    def test_each_transformation_has_a_row_and_they_end_with_all(self, soft_picture):
        rows = self.rows(
            soft_picture(24, 24),
            horizontal_flip=True,
            rotation_range=30,
            width_shift_range=0.2,
            height_shift_range=[-5, 5],
            zoom_range=0.2,
            brightness_range=(0.5, 1.5),
        )
        names = "flip, turn, move sideways, move up and down, zoom, stretch, brighten"
        assert list(rows) == [*names.split(", "), "all of them at random"]
        assert [len(row) for row in rows.values()] == [2, *[5] * 7]
        np.testing.assert_array_equal(rows["flip"][1], rows["flip"][0][:, ::-1])
        assert rows["brighten"][0].mean() < rows["brighten"][-1].mean()

    def test_what_a_generator_does_not_do_has_no_row(self, soft_picture):
        assert list(self.rows(soft_picture(16, 16))) == ["all of them at random"]

    def test_refuses_a_file_that_is_no_picture(self, tmp_path):
        (tmp_path / "no.jpg").write_text("words")
        with pytest.raises(ValueError, match=r"no\.jpg cannot be decoded"):
            plot_transformations(ImageDataGenerator(rotation_range=9), tmp_path / "no.jpg")
