"""The effective field against the theory of Luo et al. (2016)."""

import keras
import numpy as np
import pytest
from keras import layers

from labkit.receptive_field.effective import effective_receptive_field
from labkit.receptive_field.effective_field import THRESHOLD
from labkit.receptive_field.input_gradients import input_gradient


def stack(depth, kernel=3, *, channels=1, initializer="glorot_uniform", size=101):
    chain = [
        layers.Conv2D(
            channels, kernel, padding="same", use_bias=False, kernel_initializer=initializer
        )
        for _ in range(depth)
    ]
    return keras.Sequential([keras.Input((size, size, channels)), *chain])


def uniform(depth, kernel=3, **options):
    return stack(depth, kernel, initializer=keras.initializers.Constant(kernel**-2.0), **options)


@pytest.mark.parametrize(("depth", "kernel"), [(5, 3), (10, 3), (4, 5), (6, 2)])
def test_sigma_of_uniform_weights(depth, kernel):
    """n layers of width k spread like n draws from k places: variance n (k² − 1) / 12."""
    field = effective_receptive_field(uniform(depth, kernel), samples=1)
    assert field.sigma == pytest.approx([np.sqrt(depth * (kernel**2 - 1) / 12)] * 2, abs=0.005)
    assert field.theoretical_size == (depth * (kernel - 1) + 1,) * 2


def test_the_effective_share_falls_with_depth():
    shares = [effective_receptive_field(uniform(n), samples=1).share for n in (5, 40)]
    assert shares == pytest.approx([0.76, 0.28], abs=0.01)


def test_the_profile_is_close_to_its_gaussian():
    field = effective_receptive_field(uniform(20), samples=1)
    assert np.abs(field.profile(0) - field.gaussian(0)).max() < 0.01 * field.gaussian(0).max()
    assert field.gaussian(0).sum() == pytest.approx(1, abs=1e-6)
    assert field.centre == pytest.approx((50, 50), abs=1e-6)


def test_random_weights_spread_the_magnitude_by_the_root_of_2():
    keras.utils.set_random_seed(1)
    model = stack(20, channels=8)
    energy = effective_receptive_field(model, samples=8, quantity="energy")
    magnitude = effective_receptive_field(model, samples=8)
    theory = np.sqrt(20 * 8 / 12)
    assert energy.sigma == pytest.approx([theory] * 2, rel=0.1)
    assert np.divide(magnitude.sigma, energy.sigma) == pytest.approx([np.sqrt(2)] * 2, rel=0.1)
    assert np.allclose(magnitude.strength**2, energy.strength)


def test_axes_are_counted_from_either_end_and_checked():
    model = keras.Sequential([keras.Input((9, 8, 1)), layers.Conv2D(1, (3, 1))])
    field = effective_receptive_field(model, samples=1)
    assert np.array_equal(field.profile(-1), field.profile(np.int64(1)))
    assert len(field.profile(-2)) == len(field.gaussian(-2)) == 9
    for axis in (2, -3, True, "0", 0.0):
        with pytest.raises(ValueError, match=r"axis=.* must be a whole number from -2 to 1"):
            field.profile(axis)


def test_nothing_outside_the_theoretical_field():
    keras.utils.set_random_seed(2)
    field = effective_receptive_field(stack(4, channels=4, size=31), unit=(3, 20), samples=2)
    assert field.field == ((0, 7), (16, 24))
    inside = np.zeros((31, 31), bool)
    inside[0:8, 16:25] = True
    assert (field.strength[~inside] == 0).all()
    assert (field.strength[inside] > 0).all()


def test_the_seed_decides():
    keras.utils.set_random_seed(3)
    model = stack(2, channels=2, size=15)
    model.add(layers.ReLU())
    one, same = (effective_receptive_field(model, samples=3, seed=5) for _ in range(2))
    other = effective_receptive_field(model, samples=3, seed=6)
    assert np.array_equal(one.strength, same.strength)
    assert not np.array_equal(one.strength, other.strength)
    more = effective_receptive_field(model, samples=4, seed=5)
    assert not np.array_equal(one.strength, more.strength)


def test_numbers_of_numpy_are_numbers():
    model = uniform(1, size=9)
    numbers = {"samples": 1, "batch_size": 2, "seed": 3, "unit": (4, 4)}
    plain = effective_receptive_field(model, **numbers)
    same = effective_receptive_field(model, **{k: np.int64(v) for k, v in numbers.items()
                                               if k != "unit"}, unit=np.array((4, 4)))  # fmt: skip
    assert np.array_equal(plain.strength, same.strength) and plain.unit == same.unit == (4, 4)


def test_samples_differ():
    keras.utils.set_random_seed(4)
    model = stack(1, channels=2, size=9)
    alone, two = (effective_receptive_field(model, samples=n) for n in (1, 2))
    assert not np.allclose(alone.strength, two.strength)


def test_the_size_of_a_batch_changes_nothing_but_rounding():
    keras.utils.set_random_seed(3)
    model = stack(2, channels=2, size=15)
    model.add(layers.ReLU())
    fields = [effective_receptive_field(model, samples=4, batch_size=b) for b in (1, 3, 4)]
    assert np.allclose(fields[0].strength, fields[1].strength, rtol=1e-4)
    assert np.allclose(fields[0].strength, fields[2].strength, rtol=1e-4)


def test_the_effective_size_counts_what_is_above_the_threshold():
    field = effective_receptive_field(uniform(6), samples=1)
    side = np.sqrt((field.strength > THRESHOLD).sum())
    assert field.effective_size == pytest.approx(side)
    assert field.strength.max() == 1


def test_a_layer_on_the_way_and_a_model_of_open_size():
    model = keras.applications.VGG16(weights=None, include_top=False)
    field = effective_receptive_field(model, "block2_pool", input_size=(40, 48), samples=1)
    assert field.strength.shape == (40, 48)
    assert (field.layer, field.unit) == ("block2_pool", (5, 6))
    assert field.theoretical_size == (16, 16)
    with pytest.raises(ValueError, match="give input_size"):
        effective_receptive_field(model)


@pytest.mark.parametrize("shape", [(30, 2), (9, 10, 11, 1)])
def test_other_numbers_of_axes(shape):
    axes = len(shape) - 1
    convolution = layers.Conv1D if axes == 1 else layers.Conv3D
    model = keras.Sequential([keras.Input(shape), convolution(2, 3), convolution(2, 3)])
    field = effective_receptive_field(model, samples=1)
    assert field.strength.shape == shape[:-1]
    assert field.theoretical_size == (5,) * axes


def test_a_unit_behind_flattening():
    model = keras.Sequential([keras.Input((6, 5, 1)), layers.Flatten(), layers.Dense(3)])
    field = effective_receptive_field(model, samples=1)
    assert field.field == ((0, 5), (0, 4))
    assert (field.strength > 0).all()


def test_channels_first():
    start = keras.Input((2, 12, 10))
    padded = layers.ZeroPadding2D(1, data_format="channels_first")(start)
    field = effective_receptive_field(keras.Model(start, padded), unit=(3, 4), samples=1)
    assert field.strength.shape == (12, 10)
    assert field.field == ((2, 2), (3, 3))
    assert field.strength[2, 3] == field.strength.sum() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantity": "power"}, r"quantity='power' must be one of 'energy', 'magnitude'"),
        ({"samples": 0}, "samples=0 must be a whole number, 1 or more"),
        ({"samples": True}, "samples=True must be"),
        ({"batch_size": 1.5}, r"batch_size=1\.5 must be"),
        ({"batch_size": "4"}, "batch_size='4' must be"),
        ({"seed": -1}, "seed=-1 must be a whole number, 0 or more"),
        ({"unit": (9, 9)}, r"unit=\(9, 9\) does not fit: .* \(9, 9\) units"),
        ({"unit": (1,)}, r"unit=\(1,\) must be a sequence of 2 whole numbers"),
        ({"unit": (1, True)}, r"unit=\(1, True\) must be"),
        ({"unit": 4}, "unit=4 must be"),
        ({"unit": np.array(4)}, r"unit=array\(4\) must be"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        effective_receptive_field(stack(1, size=9), **options)


def test_a_dead_unit_is_no_picture():
    dead = layers.Conv2D(1, 3, activation="relu", bias_initializer=keras.initializers.Constant(-99))
    with pytest.raises(ValueError, match=r"is 0\.0 at its strongest"):
        effective_receptive_field(keras.Sequential([keras.Input((9, 9, 1)), dead]), samples=1)


def test_gradients_by_hand():
    model = keras.Sequential([keras.Input((4, 1)), layers.Rescaling(3.0), layers.ReLU()])
    inputs = np.array([[[1.0], [-1.0], [2.0], [3.0]]], "float32")
    gradient = input_gradient(model, inputs, np.array([[[1.0], [1.0], [0.0], [2.0]]]))
    assert gradient.ravel().tolist() == [3, 0, 0, 6]


def test_tokens_have_one_place_each():
    start = keras.Input((8, 8, 2))
    tokens = layers.Reshape((4, 3))(layers.Conv2D(3, 4, strides=4)(start))
    field = effective_receptive_field(keras.Model(start, tokens), unit=(2,), samples=1)
    assert field.field == ((4, 7), (0, 3))
    inside = field.strength[4:8, :4]
    assert (inside > 0).all() and field.strength.sum() == pytest.approx(inside.sum())
