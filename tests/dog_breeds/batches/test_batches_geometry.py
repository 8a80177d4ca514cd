"""The fused matrix: what it looks at, and widening the edges, which must change nothing."""

import cv2
import numpy as np
import pytest

from labkit.dog_breeds.batches.geometry import BORDERS, matrices, views, warp


def moved(picture, parameters, fill_mode, widen=True):
    height, width = picture.shape[:2]
    composed = matrices(parameters, height, width)
    view = views(composed, height, width, fill_mode)[0] if widen else (composed[0], [0, 0, 0, 0])
    return warp(picture, view, np.empty_like(picture), fill_mode)


def test_whole_pixels_move_exactly(soft_picture):
    picture = soft_picture(12, 12, 3)
    np.testing.assert_array_equal(
        moved(picture, {"tx": 3, "ty": -2}, "nearest")[2:, :-3], picture[:-2, 3:]
    )


def test_quarter_turn_is_exact(soft_picture):
    picture = soft_picture(13, 13, 3)
    turned = moved(picture, {"theta": 90.0}, "nearest")
    np.testing.assert_array_equal(turned, np.rot90(picture, 1))


def test_flip_comes_last(soft_picture):
    picture = soft_picture(12, 12, 3)
    shifted = moved(picture, {"tx": 3}, "nearest")
    both = moved(picture, {"tx": 3, "flip_horizontal": True, "flip_vertical": True}, "nearest")
    np.testing.assert_array_equal(both, shifted[::-1, ::-1])


def test_reflect_repeats_the_edge_pixel(soft_picture):
    picture = soft_picture(12, 12, 3)
    seen = moved(picture, {"tx": -3}, "reflect")[:, :3]
    np.testing.assert_array_equal(seen, picture[:, 2::-1])


@pytest.mark.parametrize("fill_mode", BORDERS)
@pytest.mark.parametrize("shape", [(31, 44, 3), (44, 31)], ids=str)
def test_widening_changes_nothing(fill_mode, shape, soft_picture):
    picture = soft_picture(*shape[:2], 3).reshape(*shape[:2], 3)[
        ..., : shape[2] if shape[2:] else 1
    ]
    picture = np.ascontiguousarray(picture).reshape(shape)
    random = np.random.default_rng(3)
    for _ in range(40):
        draw = {
            "theta": random.uniform(-180, 180),
            "tx": random.uniform(-30, 30),
            "ty": random.uniform(-30, 30),
            "zx": random.uniform(0.5, 1.5),
            "zy": random.uniform(0.5, 1.5),
        }
        difference = cv2.absdiff(
            moved(picture, draw, fill_mode), moved(picture, draw, fill_mode, widen=False)
        )
        assert difference.max() <= 1
        assert np.count_nonzero(difference) < 0.01 * difference.size


def test_edges_are_widened_as_much_as_needed_and_no_further():
    composed = matrices({"tx": np.array([0.0, 2.5, -2.5, 100.0])}, 10, 10)
    margins = [margin for _, margin in views(composed, 10, 10, "reflect")]
    assert margins == [[0, 0, 0, 0], [0, 0, 0, 4], [0, 0, 4, 0], [0, 0, 0, 0]]
    assert all(margin == [0, 0, 0, 0] for _, margin in views(composed, 10, 10, "constant"))
