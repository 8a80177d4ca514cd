"""Lab 1's figures: what they show is what they were given."""

import itertools

import cv2
import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from labkit import (
    ImageDataGenerator,
    plot_class_sizes,
    plot_history,
    plot_picture_sizes,
    plot_runs,
    plot_transformations,
)
from labkit import plot_samples as samples
from labkit.dog_breeds.class_sizes import ClassSizes
from labkit.dog_breeds.figures import (
    plot_accuracies,
    plot_pictures,
    plot_prediction,
    plot_predictions,
    smooth,
)
from labkit.dog_breeds.history import History
from labkit.dog_breeds.packaged import Recorded
from labkit.dog_breeds.prediction import Prediction
from labkit.figure_style import _apart


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "train").mkdir()
    rows = ["id,breed"]
    for number in range(12):
        breed = ("red_dog", "green_dog", "blue_dog")[number % 3]
        picture = np.zeros((20, 30, 3), np.uint8)
        picture[..., 2 - number % 3] = 250
        cv2.imwrite(str(tmp_path / "train" / f"{number:02}.jpg"), picture)
        rows.append(f"{number:02},{breed}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def images(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


class TestClassSizes:
    def test_a_bar_per_breed_smallest_first(self):
        axes = plot_class_sizes(ClassSizes(("small_dog", "big_dog"), (30, 40))).axes[0]
        assert [bar.get_width() for bar in axes.patches] == [30, 40]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["small dog", "big dog"]

    def test_many_breeds_name_the_extremes(self):
        axes = plot_class_sizes(
            ClassSizes(tuple(f"dog_{n}" for n in range(60)), tuple(range(66, 126)))
        ).axes[0]
        assert {text.get_text() for text in axes.texts} == {"dog 0: 66", "dog 59: 125"}

    def test_refuses_nothing(self):
        with pytest.raises(ValueError, match="no breed to draw"):
            plot_class_sizes(ClassSizes((), ()))


class TestSamples:
    def test_titles_belong_to_their_pictures(self, directory):
        figure = samples(directory, count=6, seed=1)
        for axes in figure.axes:
            channel = ("red dog", "green dog", "blue dog").index(axes.get_title())
            assert axes.images[0].get_array().mean(axis=(0, 1)).argmax() == channel

    @pytest.mark.parametrize("seed", range(4))
    def test_every_breed_before_any_comes_again(self, directory, seed):
        titles = [axes.get_title() for axes in samples(directory, count=6, seed=seed).axes]
        assert set(titles[:3]) == set(titles[3:]) == {"red dog", "green dog", "blue dog"}

    def test_the_seed_decides(self, directory):
        first, again, other = (
            [axes.get_title() for axes in samples(directory, count=9, seed=s).axes]
            for s in (0, 0, 1)
        )
        assert first == again != other

    def test_refuses_a_folder_without_labels(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"labels\.csv"):
            samples(tmp_path)


def points(axes):
    return [line for line in axes.lines if line.get_marker() not in ("None", None)]


def fits(axes):
    return [line for line in axes.lines if line.get_marker() in ("None", None)]


class TestHistory:
    HISTORY = History((3.0, 2.0, 1.0), (0.1, 0.2, 0.3), (4.0, 5.0, 6.0), (0.4, 0.5, 0.6))

    def test_draws_every_epoch_of_each_curve(self):
        accuracy, loss = plot_history(self.HISTORY).axes
        drawn = [list(line.get_ydata()) for line in points(accuracy)]
        assert drawn == [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
        assert list(loss.lines[0].get_ydata()) == [3.0, 2.0, 1.0]
        assert points(loss)[0].get_linestyle() == "-"  # joined

    def test_marks_where_the_base_was_unfrozen(self):
        _, loss = plot_history(self.HISTORY, begins=2).axes
        assert "base unfrozen" in [text.get_text() for text in loss.texts]

    def test_names_stand_at_the_ends_of_their_curves_and_apart(self):
        close = History((3.0, 2.0), (0.1, 0.50), (4.0, 2.1), (0.4, 0.51))
        for axes in plot_history(close).axes:
            axes.figure.canvas.draw()
            low, high = (text.get_window_extent() for text in axes.texts)
            assert 0 < high.y0 - low.y1 < 0.5 * low.height
            assert {text.xy[0] for text in axes.texts} == {2}

    def test_without_validation_there_is_one_curve_a_panel(self):
        history = History.from_curves({"loss": [2.0, 1.0], "top_5": [0.5, 0.75]})
        top, loss = plot_history(history).axes
        assert [axes.get_ylabel() for axes in (top, loss)] == ["top_5", "loss"]
        assert [text.get_text() for text in loss.texts] == ["training"]
        assert top.get_ylim()[1] == pytest.approx(1.02)

    def test_takes_what_keras_fit_returns(self):
        of_keras = keras.callbacks.History()
        of_keras.history = {"loss": [2.0, 1.0], "val_loss": [3.0, 4.0], "learning_rate": [0.1, 0.1]}
        [loss] = plot_history(of_keras).axes
        assert [list(line.get_ydata()) for line in points(loss)] == [[2.0, 1.0], [3.0, 4.0]]

    def test_a_metric_that_not_every_epoch_has_is_not_drawn(self):
        history = History((2.0, 1.0), (None, 0.2), (4.0, 5.0), (None, 0.5))
        assert [axes.get_ylabel() for axes in plot_history(history).axes] == ["loss"]

    def test_what_changes_when_the_base_is_unfrozen_is_not_smoothed_away(self):
        curve = (0.2,) * 6 + (0.8,) * 6
        accuracy, _ = plot_history(History(curve, curve, curve, curve), begins=6).axes
        drawn = [list(line.get_ydata()) for line in fits(accuracy) if len(line.get_xdata()) == 6]
        assert len(drawn) == 4
        for stage in drawn:
            np.testing.assert_allclose(stage, stage[0], atol=1e-9)

    def test_refuses_an_empty_history(self):
        with pytest.raises(ValueError, match="no epoch yet"):
            plot_history(History())


class TestSmooth:
    def test_keeps_a_line(self):
        line = 3 - 0.5 * np.arange(20)
        np.testing.assert_allclose(smooth(line), line, atol=1e-9)

    def test_takes_out_noise(self):
        random = np.random.default_rng(0)
        curve = np.sin(np.arange(60) / 20)
        noisy = curve + random.normal(0, 0.3, 60)
        assert np.abs(smooth(noisy, 6) - curve).mean() < 0.5 * np.abs(noisy - curve).mean()

    def test_agrees_with_weights_by_hand(self):
        values = np.random.default_rng(1).random(9)
        weight = {d: (1 - (abs(d) / 3) ** 3) ** 3 for d in range(-2, 3)}
        expected = sum(weight[d] * values[4 + d] for d in weight) / sum(weight.values())
        assert smooth(values, 2)[4] == pytest.approx(expected)
        assert smooth(values, 2)[0] == values[0]
        near = smooth(values, 1)
        assert smooth(values, 5)[1] == pytest.approx(near[1])

    def test_follows_a_loss_that_falls_and_stays(self):
        """A wide regression lay at 1.5 where the loss was 0.5."""
        epochs = np.arange(55)
        loss = 0.5 + 2.5 * np.exp(-epochs / 3)
        assert np.abs(smooth(loss) - loss).max() < 0.15

    def test_lies_within_the_points_around_and_never_changes_sides(self):
        random = np.random.default_rng(2)
        lower = random.random(40)
        upper = lower + random.random(40) ** 8
        assert (smooth(lower) <= smooth(upper)).all()
        for epoch, height in enumerate(smooth(lower)):
            around = lower[max(0, epoch - 3) : epoch + 4]
            assert around.min() <= height <= around.max()


def test_accuracies_are_written_beside_their_points():
    axes = plot_accuracies({"a": (0.9, 0.5), "b": (0.8, 0.75)}, chance=0.1).axes[0]
    assert {text.get_text() for text in axes.texts} == {"0.90", "0.50", "0.80", "0.75", "guessing"}
    with pytest.raises(ValueError, match="no network to compare"):
        plot_accuracies({})


def test_predictions_mark_the_true_breed():
    figure = plot_predictions(
        np.zeros((2, 4, 4, 3)),
        np.array([[0.1, 0.6, 0.2, 0.1], [0.5, 0.3, 0.15, 0.05]]),
        [1, 3],
        ["a_dog", "b_dog", "c_dog", "d_dog"],
    )
    written = [[text.get_text() for text in axes.texts] for axes in figure.axes[1::2]]
    assert written[0][:4] == ["60%", "b dog ✓", "20%", "c dog"]  # a and d are equally likely
    assert written[1] == ["50%", "a dog", "30%", "b dog", "15%", "c dog"]
    assert figure.axes[0].get_title() == "b dog"
    with pytest.raises(ValueError, match="as many of each"):
        plot_predictions(np.zeros((1, 4, 4, 3)), np.zeros((2, 3)), [0], ["a"])
    with pytest.raises(ValueError, match=r"There are 0 pictures.* at least one"):
        plot_predictions(np.zeros((0, 4, 4, 3)), np.zeros((0, 3)), [], ["a"])


def test_long_names_are_broken_and_stay_beside_each_other():
    names = "american_staffordshire_terrier", "staffordshire_bullterrier", "appenzeller"
    breeds = [*names, "x" * 99]
    shares = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    figure = plot_predictions(np.zeros((3, 4, 4, 3)), shares, [0, 1, 2], breeds)
    names = [axes.texts[1::2] for axes in figure.axes[1::2]]
    assert names[0][0].get_text() == "american\nstaffordshire\nterrier ✓"
    assert names[0][1].get_text() == "staffordshire\nbullterrier"
    assert names[1][0].get_text().endswith("…") and names[1][0].get_text().count("\n") == 2
    figure.draw_without_rendering()
    # The third stands in a row of its own.
    for left, right in itertools.pairwise(figure.axes[1:4:2]):
        ends = max(text.get_window_extent().x1 for text in left.texts)
        assert ends < min(text.get_window_extent().x0 for text in right.texts)
    for axes in figure.axes[1::2]:
        boxes = [text.get_window_extent() for text in axes.texts[1::2]]
        assert all(above.y0 > below.y1 for above, below in itertools.pairwise(boxes))


def test_a_prediction_is_drawn_with_its_names():
    grey = np.full((8, 8, 3), 128, np.uint8)
    picture, bars = plot_prediction(Prediction(("a_dog", "b_dog"), (0.75, 0.25), grey)).axes
    np.testing.assert_array_equal(picture.images[0].get_array(), grey)
    assert [bar.get_width() for bar in bars.patches] == [0.75, 0.25]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["a dog", "b dog"]


def test_pictures_need_a_title_each():
    with pytest.raises(ValueError, match="1 pictures and 2 titles"):
        plot_pictures(np.zeros((1, 4, 4, 3)), ["a", "b"])


def test_damaged_pictures_are_no_samples(directory):
    for number in range(3):
        (directory / "train" / f"{number:02}.jpg").write_bytes(b"no picture")
    assert len(images(samples(directory, count=12))) == 9
    for path in (directory / "train").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"04.jpg' and 7 more cannot be decoded"):
        samples(directory)


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


def run_of(*curves):
    histories = tuple(History(c, c, c, c) for c in curves)
    ends = tuple(c[-1] for c in curves)
    return Recorded(tuple(range(len(curves))), histories, ends, ends, 100)


class TestRuns:
    def test_the_mean_is_drawn_over_the_seeds_and_named_at_its_end(self):
        axes = plot_runs({"a": run_of((0.2, 0.4), (0.4, 0.8)), "b": run_of((0.1, 0.2))}).axes[0]
        lines = [line.get_ydata().tolist() for line in axes.lines]
        expected = [[0.2, 0.4], [0.4, 0.8], [0.3, 0.6], [0.1, 0.2], [0.1, 0.2]]
        np.testing.assert_allclose(lines, expected)
        assert [text.get_text() for text in axes.texts] == ["a", "b"]
        assert [text.xy[1] for text in axes.texts] == pytest.approx([0.6, 0.2])

    def test_names_keep_apart_and_in_order(self):
        heights = [0.5, 0.9, 0.52, 0.51, 0.1]
        apart = _apart(heights, 0.1)
        assert np.argsort(apart).tolist() == np.argsort(heights).tolist()
        assert min(np.diff(sorted(apart))) > 0.1 - 1e-9
        assert apart[1] == 0.9 and apart[4] == 0.1

    def test_none_and_too_many_are_refused(self):
        for runs in ({}, {str(n): run_of((0.1,)) for n in range(7)}):
            with pytest.raises(ValueError, match="draw one to 6"):
                plot_runs(runs)
