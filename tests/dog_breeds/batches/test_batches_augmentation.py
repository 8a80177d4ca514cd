"""Augmentation: Keras' distributions, one table of numbers an epoch, Keras' pictures."""

import hashlib

import cv2
import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator as KerasGenerator
from scipy import stats

from labkit import ImageDataGenerator
from labkit.dog_breeds.batches import augmentation
from labkit.dog_breeds.batches.augmentation import (
    COLUMNS,
    one_transformation,
    transform_batch,
    transformations,
    uniform_rows,
    uniform_table,
)

# Keras reaches scipy's function by a name that scipy is going to remove.
pytestmark = pytest.mark.filterwarnings("ignore:.*scipy.ndimage.interpolation:DeprecationWarning")

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
    assert tables[0].shape == (4, len(COLUMNS))
    assert len({table.tobytes() for table in tables}) == 4
    np.testing.assert_array_equal(tables[3], uniform_table(1, 1, 4))


@pytest.mark.parametrize(
    ("seed", "epoch", "pictures", "digest"),
    [
        (0, 0, 7, "b0837e267ab76d65"),
        (3, 2, 480, "ff237bda20f8e995"),
        (123456789, 41, 10222, "537ec3399713d153"),
    ],
)
def test_draws_of_a_seed_stay_as_they_are_also_where_an_augmentation_is_added(
    seed, epoch, pictures, digest, monkeypatch
):
    def of_today():
        table = uniform_table(seed, epoch, pictures)[:, :12].astype("<f8")
        return hashlib.sha256(table.tobytes()).hexdigest()[:16]

    one = uniform_rows(np.random.default_rng(seed), 1)
    assert of_today() == digest
    for name in ("contrast", "saturation"):
        monkeypatch.setattr(augmentation, "COLUMNS", (*augmentation.COLUMNS, name))
        assert of_today() == digest
    more = uniform_table(seed, epoch, pictures)
    assert more.shape == (pictures, 14)
    assert len(np.unique(more)) == more.size
    np.testing.assert_array_equal(uniform_rows(np.random.default_rng(seed), 1)[:, :12], one)


# The same parameters give the same picture as Keras' own generator.

ALONE = {
    "nothing": {},
    "rotation": {"theta": 23.0},
    "shift along the width": {"tx": 5.3},
    "shift along the height": {"ty": -7.7},
    "zoom": {"zx": 0.83, "zy": 1.19},
    "shear": {"shear": 12.0},
    "horizontal flip": {"flip_horizontal": True},
    "vertical flip": {"flip_vertical": True},
    "both flips": {"flip_horizontal": True, "flip_vertical": True},
    "darker": {"brightness": 0.55},
    "brighter": {"brightness": 1.4},
    "channel shift": {"channel_shift_intensity": 17.4},
}
TOGETHER = {key: value for parameters in ALONE.values() for key, value in parameters.items()}
CASES = {
    **ALONE,
    "all together": TOGETHER,
    "the other way round": {
        "theta": -28.0,
        "tx": -12.5,
        "ty": 9.9,
        "zx": 1.2,
        "zy": 0.8,
        "flip_horizontal": True,
        "brightness": 0.6,
    },
    "far outside": {"theta": 45.0, "tx": 90.0, "zx": 2.5, "zy": 2.5, "flip_vertical": True},
}
SHAPES = [(64, 64, 3), (65, 65, 3), (65, 65, 1), (48, 65, 3), (49, 32, 1)]
# The two modes that Keras documents, under the names that scipy gives to what they say:
# scipy's own "wrap" overlaps the edges, and its "constant" does not interpolate there.
KERAS_FILL_MODE = {"wrap": "grid-wrap", "constant": "grid-constant"}


# OpenCV 4 rounds places to 1/32 of a pixel; OpenCV 5 is exact.
EXACT = int(cv2.__version__.split(".")[0]) >= 5
LARGEST = 2 if EXACT else 8


def by_keras(picture, parameters, fill_mode="reflect", cval=30.0):
    generator = KerasGenerator(fill_mode=KERAS_FILL_MODE.get(fill_mode, fill_mode), cval=cval)
    return generator.apply_transform(picture.astype(np.float32), dict(parameters))


def here(picture, parameters, fill_mode="reflect", cval=30.0):
    return ImageDataGenerator(fill_mode=fill_mode, cval=cval).apply_transform(picture, parameters)


def assert_close(ours, keras, mean, largest):
    difference = np.abs(ours.astype(float) - keras)
    assert difference.mean() <= mean, difference.mean()
    assert difference.max() <= largest, difference.max()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_float_pictures_equal_keras(case, shape, soft_picture):
    picture = soft_picture(*shape)
    ours = here(picture.astype(np.float32), CASES[case])
    keras = by_keras(picture, CASES[case])
    assert ours.shape == keras.shape
    assert ours.dtype == np.float32
    # A value within rounding of a whole number may fall to either side of it when
    # brightness drops the fraction.
    assert_close(ours, keras, 0.001 if EXACT else 0.3, LARGEST)
    if EXACT and "brightness" not in CASES[case]:
        assert_close(ours, keras, 0.001, 0.01)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_uint8_pictures_differ_by_rounding_only(case, shape, soft_picture):
    picture = soft_picture(*shape)
    ours, keras = here(picture, CASES[case]), by_keras(picture, CASES[case])
    assert ours.dtype == np.uint8
    assert_close(ours, keras, 0.75, LARGEST)


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "wrap", "constant"])
@pytest.mark.parametrize("case", ["all together", "the other way round", "far outside"])
def test_fill_modes_are_those_that_keras_documents(case, fill_mode, soft_picture):
    picture = soft_picture(48, 65, 3)
    keras = by_keras(picture, CASES[case], fill_mode)
    assert_close(here(picture, CASES[case], fill_mode), keras, 0.75, LARGEST)


def test_constant_fills_with_cval(soft_picture):
    moved = here(soft_picture(16, 16, 3), {"tx": 10.0}, "constant", cval=77)
    assert (moved[:, 7:] == 77).all()


def test_brightness_multiplies_and_clips_and_drops_the_fraction():
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    expected = [min(255, int(value * 1.5)) for value in range(256)]
    assert here(greys, {"brightness": 1.5}).ravel().tolist() == expected


def test_picture_given_is_not_changed_nor_handed_back(soft_picture):
    for dtype in (np.uint8, np.float32):
        picture = soft_picture(16, 16, 3).astype(dtype)
        before = picture.copy()
        for parameters in CASES.values():
            changed = here(picture, parameters)
            assert not np.shares_memory(changed, picture)
        np.testing.assert_array_equal(picture, before)


def test_many_pictures_at_once_equal_each_alone(soft_picture):
    pictures = [soft_picture(32, 32, 3, seed) for seed in range(6)]
    generator = ImageDataGenerator(
        rotation_range=40,
        zoom_range=0.3,
        shear_range=5,
        channel_shift_range=30,
        brightness_range=(0.5, 1.5),
        horizontal_flip=True,
        fill_mode="reflect",
    )
    draws = [generator.get_random_transform((32, 32, 3), seed) for seed in range(6)]
    together = {name: np.array([draw[name] for draw in draws]) for name in draws[0]}
    batch = transform_batch(pictures, together, np.empty((6, 32, 32, 3), np.float32), "reflect")
    for picture, draw, cell in zip(pictures, draws, batch, strict=True):
        np.testing.assert_array_equal(cell, generator.apply_transform(picture, draw))


def test_what_is_read_backwards_in_memory_is_understood(soft_picture):
    picture = soft_picture(16, 16, 3)
    backwards = picture[:, ::-1]
    np.testing.assert_array_equal(here(backwards, {"flip_horizontal": True}), picture)


def test_rescaled_picture_is_not_brightened(soft_picture):
    picture = soft_picture(8, 8, 3).astype(np.float32) * 2
    with pytest.raises(ValueError, match=r"values from 0 to 255.*before it is rescaled"):
        here(picture, {"brightness": 1.5})


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8, 3), (8, 8, 5)], ids=str)
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match=r"\(height, width, channels\)"):
        here(np.zeros(shape, np.uint8), {})
