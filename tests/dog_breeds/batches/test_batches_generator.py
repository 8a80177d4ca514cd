"""The generator's arguments: Keras' names, and one sentence for what cannot be done."""

import inspect
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator as KerasGenerator

from labkit import ImageDataGenerator


def test_every_argument_of_keras_is_known_with_its_default():
    ours = inspect.signature(ImageDataGenerator).parameters
    for name, parameter in inspect.signature(KerasGenerator).parameters.items():
        assert ours[name].default == parameter.default, name


def test_every_argument_of_flow_from_directory_is_known(tmp_path):
    ours = list(inspect.signature(ImageDataGenerator.flow_from_directory).parameters)
    keras = inspect.signature(KerasGenerator.flow_from_directory).parameters
    for name, parameter in keras.items():
        if name not in ours:
            with pytest.raises(FileNotFoundError):  # Its default is passed over.
                ImageDataGenerator().flow_from_directory(
                    tmp_path / "gone", **{name: parameter.default}
                )
            with pytest.raises(ValueError, match=f"{name}='x' is not offered here: .* instead"):
                ImageDataGenerator().flow_from_directory(tmp_path, **{name: "x"})


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("rotation_range", -1, "rotation_range=-1 must be a number, 0 or more."),
        ("rotation_range", "30", "rotation_range='30' must be a number, 0 or more."),
        ("rotation_range", float("nan"), "rotation_range=nan must be a number"),
        ("shear_range", None, "shear_range=None must be a number"),
        ("channel_shift_range", True, "channel_shift_range=True must be a number"),
        ("width_shift_range", -0.2, "width_shift_range=-0.2 must be a number, 0 or more, or a"),
        ("height_shift_range", [], r"height_shift_range=\[\] must be"),
        ("height_shift_range", [[1]], r"height_shift_range=\[\[1\]\] must be"),
        ("height_shift_range", ["a"], r"height_shift_range=\['a'\] must be"),
        ("zoom_range", 1.0, "zoom_range=1.0 must be a number from 0 to below 1, or a pair"),
        ("zoom_range", (1.2, 0.8), r"zoom_range=\(1.2, 0.8\) must be .*the smaller first"),
        ("zoom_range", (0, 1), "zoom_range=.* positive factors"),
        ("zoom_range", (1, 2, 3), "zoom_range=.* a pair"),
        ("brightness_range", 0.5, "brightness_range=0.5 must be a pair"),
        ("brightness_range", (-1, 1), "brightness_range=.* 0 or more"),
        ("fill_mode", "mirror", "fill_mode='mirror' must be one of 'constant', 'nearest', 'ref"),
        ("fill_mode", ["reflect"], "fill_mode=.* must be one of"),
        ("cval", 300, "cval=300 must be a number from 0 to 255."),
        ("rescale", "1/255", "rescale='1/255' must be a number such as 1/255, or None."),
        ("preprocessing_function", 3, "preprocessing_function=3 must be a function, or None."),
        ("dtype", "int8", "dtype='int8' must be one of 'float32', 'uint8', None."),
        ("featurewise_center", True, "featurewise_center=True is not offered .*Normalization"),
        ("zca_whitening", True, "zca_whitening=True is not offered here"),
        ("samplewise_center", True, "samplewise_center=True .* preprocessing_function instead"),
        ("validation_split", 0.2, "validation_split=0.2 .* labkit.reorganise instead"),
        ("interpolation_order", 3, "interpolation_order=3 .* linear"),
        ("data_format", "channels_first", "data_format='channels_first' is .*Permute"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(argument, value, sentence):
    with pytest.raises(ValueError, match=sentence) as refusal:
        ImageDataGenerator(**{argument: value})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "fractions", [{"rescale": 1 / 255}, {"preprocessing_function": lambda picture: picture}]
)
def test_fractions_do_not_fit_into_uint8(fractions):
    with pytest.raises(ValueError, match=r"dtype=\"uint8\" cannot hold.*Rescaling\(1 / 255\)"):
        ImageDataGenerator(dtype="uint8", **fractions)


@pytest.mark.parametrize("name", ["flow", "flow_from_dataframe", "fit"])
def test_absent_methods_say_what_to_use(name):
    with pytest.raises(AttributeError, match=f"{name} is not offered here: .*"):
        getattr(ImageDataGenerator(), name)
    with pytest.raises(AttributeError, match="has no attribute 'flows'"):
        _ = ImageDataGenerator().flows


def test_pairs_have_one_form():
    assert ImageDataGenerator(zoom_range=[0.5, 1.5]).zoom_range == (0.5, 1.5)
    assert ImageDataGenerator(brightness_range=np.array([0.5, 1])).brightness_range == (0.5, 1)
    assert ImageDataGenerator(width_shift_range=np.array([1, 2])).width_shift_range == (1, 2)
    assert ImageDataGenerator(data_format="channels_last") == ImageDataGenerator(
        data_format="channels_last"
    )


def test_fractions_are_numbers(soft_picture):
    def drawn(number):
        generator = ImageDataGenerator(
            rotation_range=number(45, 2),
            width_shift_range=number(1, 4),
            height_shift_range=[number(1, 4), number(1, 2)],
            zoom_range=number(1, 8),
            brightness_range=(number(1, 2), number(3, 2)),
            channel_shift_range=number(5, 2),
            cval=number(7, 2),
            rescale=number(1, 8),
            fill_mode="constant",
        )
        picture = generator.random_transform(soft_picture(16, 16), seed=5)
        return generator.standardize(picture)

    np.testing.assert_array_equal(drawn(Fraction), drawn(lambda over, under: over / under))


def test_repr_shows_what_was_given():
    shown = repr(ImageDataGenerator(rotation_range=30, rescale=0.5))
    assert shown == "ImageDataGenerator(rotation_range=30, rescale=0.5)"


def test_seed_repeats_a_draw_and_none_does_not():
    generator = ImageDataGenerator(rotation_range=30, brightness_range=(0.5, 1.5))
    first = generator.get_random_transform((10, 10, 3), seed=5)
    assert first == generator.get_random_transform((10, 10, 3), seed=5)
    assert first != generator.get_random_transform((10, 10, 3), seed=6)
    free = [generator.get_random_transform((10, 10, 3))["theta"] for _ in range(2)]
    assert free[0] != free[1]


def test_random_transform_applies_what_the_seed_draws(soft_picture):
    generator = ImageDataGenerator(rotation_range=90, fill_mode="reflect")
    picture = soft_picture(32, 32)
    drawn = generator.get_random_transform(picture.shape, seed=3)
    expected = generator.apply_transform(picture, drawn)
    np.testing.assert_array_equal(generator.random_transform(picture, seed=3), expected)
    assert (expected != picture).any()


def test_standardize_preprocesses_then_rescales(soft_picture):
    picture = soft_picture(8, 8)
    generator = ImageDataGenerator(preprocessing_function=lambda x: x + 1, rescale=0.5)
    result = generator.standardize(picture)
    np.testing.assert_array_equal(result, (picture.astype(np.float32) + 1) * 0.5)
    assert result.dtype == np.float32
    assert picture.dtype == np.uint8


def test_generator_alone_loads_no_keras():
    code = (
        "import sys, numpy, labkit\n"
        "g = labkit.ImageDataGenerator(rotation_range=30)\n"
        "g.random_transform(numpy.zeros((8, 8, 3), 'uint8'))\n"
        "print([m for m in ('keras', 'tensorflow', 'scipy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
