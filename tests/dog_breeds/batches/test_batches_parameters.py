"""Drawn parameters: Keras' keys, Keras' distributions, one table of numbers an epoch."""

import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator as KerasGenerator
from scipy import stats

from labkit import ImageDataGenerator
from labkit.dog_breeds.batches.parameters import (
    DRAWS,
    one_transformation,
    transformations,
    uniform_table,
)

LAB = {
    "rotation_range": 30,
    "brightness_range": (0.5, 1.5),
    "width_shift_range": 0.2,
    "height_shift_range": 0.1,
    "zoom_range": 0.2,
    "shear_range": 15.0,
    "channel_shift_range": 20.0,
    "horizontal_flip": True,
    "vertical_flip": True,
}
# Keras 3 draws tx from the height shift range and scales it by the height; see parameters.
KERAS_NAME = {"tx": "ty", "ty": "tx"}
MANY = 4000


def drawn_here(settings, shape, count=MANY):
    generator = ImageDataGenerator(**settings)
    return transformations(generator, uniform_table(7, 0, count), *shape[:2])


def drawn_by_keras(settings, shape, count=MANY):
    np.random.seed(7)
    generator = KerasGenerator(**settings)
    draws = [generator.get_random_transform(shape) for _ in range(count)]
    return {name: np.array([draw[name] for draw in draws]) for name in draws[0]}


@pytest.mark.parametrize(
    "name", ["theta", "tx", "ty", "shear", "zx", "zy", "channel_shift_intensity", "brightness"]
)
def test_continuous_parameters_are_distributed_as_in_keras(name):
    shape = (100, 160, 3)
    ours = drawn_here(LAB, shape)[name]
    keras = drawn_by_keras(LAB, shape)[KERAS_NAME.get(name, name)]
    assert stats.ks_2samp(ours, keras).pvalue > 0.001
    assert np.ptp(ours) > 0


@pytest.mark.parametrize("name", ["flip_horizontal", "flip_vertical"])
def test_half_of_the_pictures_are_flipped(name):
    flips = drawn_here(LAB, (100, 160, 3))[name]
    assert stats.binomtest(int(flips.sum()), MANY).pvalue > 0.001


@pytest.mark.parametrize(
    "shift", [2, 5, 1.5, [3, 7, 11], (0.1, 0.3)], ids=["int 2", "int 5", "pixels", "list", "parts"]
)
def test_shifts_in_pixels_and_lists_are_distributed_as_in_keras(shift):
    settings = {"width_shift_range": shift}
    shape = (100, 160, 3)
    ours, keras = drawn_here(settings, shape)["tx"], drawn_by_keras(settings, shape)["ty"]
    if isinstance(shift, float):
        assert stats.ks_2samp(ours, keras).pvalue > 0.001
        return
    values, counts = np.unique(ours, return_counts=True)
    keras_values, keras_counts = np.unique(keras, return_counts=True)
    np.testing.assert_allclose(values, keras_values)
    assert stats.chi2_contingency([counts, keras_counts]).pvalue > 0.001


def test_draws_of_one_picture_are_independent():
    drawn = drawn_here(LAB, (100, 100, 3))
    table = np.array([np.asarray(values, float) for values in drawn.values()])
    correlation = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(MANY)


def test_width_shift_moves_along_the_width_and_height_shift_along_the_height():
    drawn = drawn_here({"width_shift_range": 0.5, "height_shift_range": 0.1}, (100, 1000, 3))
    assert 450 < np.abs(drawn["tx"]).max() <= 500
    assert 9 < np.abs(drawn["ty"]).max() <= 10


def test_nothing_is_drawn_by_default():
    drawn = one_transformation(drawn_here({}, (10, 10, 3), count=2), 1)
    assert drawn == {
        "theta": 0,
        "tx": 0,
        "ty": 0,
        "shear": 0,
        "zx": 1,
        "zy": 1,
        "flip_horizontal": False,
        "flip_vertical": False,
        "channel_shift_intensity": None,
        "brightness": None,
    }


def test_switching_one_transformation_off_leaves_the_others_as_they_were():
    fewer = {name: value for name, value in LAB.items() if name != "rotation_range"}
    every, some = drawn_here(LAB, (64, 64, 3)), drawn_here(fewer, (64, 64, 3))
    assert (some.pop("theta") == 0).all()
    for name, values in some.items():
        np.testing.assert_array_equal(values, every[name])


def test_table_depends_on_seed_and_epoch():
    tables = [uniform_table(seed, epoch, 4) for seed in (0, 1) for epoch in (0, 1)]
    assert tables[0].shape == (4, DRAWS)
    assert len({table.tobytes() for table in tables}) == 4
    np.testing.assert_array_equal(tables[3], uniform_table(1, 1, 4))
