"""Every family of ``keras.applications``: ``analyse`` against sets and against the gradient."""

import keras
import numpy as np
import pytest
from lacking import where_keras_has
from reaching_positions import positions_of, written_out

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.oracle import gradient_extent

pytestmark = pytest.mark.usefixtures("undrawn_weights")

# name: field without gates, and a length of input that holds it between the borders
FAMILIES = {
    "VGG16": (212, 288),
    "VGG19": (268, 352),
    "ResNet50": (483, 640),
    "ResNet50V2": (483, 640),
    "MobileNet": (315, 512),
    "MobileNetV2": (491, 640),
    "MobileNetV3Small": (639, 800),
    "MobileNetV3Large": (595, 736),
    "DenseNet121": (2071, 2240),
    "InceptionV3": (1311, 1600),
    "InceptionResNetV2": (3039, 3200),
    "Xception": (1083, 1280),
    "NASNetMobile": (2407, 2688),
    "EfficientNetB0": (851, 1024),
    "EfficientNetV2B0": (763, 960),
    "ConvNeXtTiny": (1688, 1792),
}
#: Effective padding at 224 × 224, as published; the effective stride is 32.
PADDINGS = {
    "VGG19": 118,
    "MobileNet": 126,
    "ResNet50": 241,
    "InceptionV3": 618,
    "InceptionResNetV2": 1482,
}
#: Whose layers on the way are looked at too, and how far apart the centres of joined paths lie.
LOOKED_INTO = {"DenseNet121": 0, "InceptionV3": 0, "NASNetMobile": 16, "EfficientNetB0": 0}
SHORT = 96
#: The second axis is so much longer than the first, so that neither can be taken for the other.
LONGER = 32


@pytest.mark.parametrize("name", where_keras_has(*FAMILIES))
def test_family(name):
    size, length = FAMILIES[name]
    # Built and written out once: that costs more than looking along both axes.
    model = getattr(keras.applications, name)(weights=None, include_top=False)
    shape = length, length + LONGER
    free = analyse(model, shape, squeeze_excitation="ignore").final
    strict = analyse(model, shape).final
    script = written_out(model, shape)
    assert free.size == size
    ranges = compare_with_sets(script, free, "ignore")
    # Of the gradient the other axis may be short: what it sees changes nothing along this one.
    short = length, SHORT
    assert gradient_extent(model, input_size=short, squeeze_excitation="ignore")[0] == ranges[0]
    if strict != free:
        compare_with_sets(script, strict, "whole image")
        assert strict.size == shape
        # Gates are built alike in all of them, so one shows how the gradient goes through.
        if name == "MobileNetV3Small":
            assert gradient_extent(model, input_size=short)[0] == (0, length - 1)
    if name in PADDINGS:
        final = analyse(model, 224).final
        found = final.size, final.effective_stride, final.effective_padding
        assert found == (size, 32, PADDINGS[name])
    if name in LOOKED_INTO:
        check_inside(model, LOOKED_INTO[name])


def compare_with_sets(script, final, gates):
    """Compare the unit in the middle with the sets; return what it reads along each axis."""
    ranges = [axis.input_range(axis.output_size // 2) for axis in final.axes]
    # None of these networks has a hole.
    for positions, (first, last) in zip(
        positions_of(script, squeeze_excitation=gates), ranges, strict=True
    ):
        assert np.array_equal(positions, np.arange(first, last + 1))
    return ranges


def check_inside(model, apart):
    """Compare some layers on the way, near a border and in the middle, with the sets."""
    result, script = analyse(model, 224), written_out(model, (224, 224))
    assert max(layer.axes[0].misalignment for layer in result) == apart
    for layer in list(result)[10 :: len(result) // 9]:
        if None in layer.dims:
            continue
        for place in (0, layer.axes[0].output_size // 2):
            positions = positions_of(script, layer.name, unit=(place, place))
            found = [(p[0], p[-1]) if p.size else None for p in positions]
            assert found == [axis.input_range(place) for axis in layer.axes], layer.name


def test_the_list_holds_every_family():
    """A family is what is left of a name without its size: ResNet101 is ResNet50's."""
    names = [n for n, v in vars(keras.applications).items() if n[0].isupper() and callable(v)]
    families = {
        "ConvNeXt": "ConvNeXtTiny",
        "DenseNet": "DenseNet121",
        "EfficientNetB": "EfficientNetB0",
        "EfficientNetV2": "EfficientNetV2B0",
        "Inception": "InceptionV3",
        "MobileNet": "MobileNet",
        "NASNet": "NASNetMobile",
        "ResNet": "ResNet50",
        "VGG": "VGG16",
        "Xception": "Xception",
    }
    assert set(families.values()) <= set(FAMILIES)
    for name in names:
        assert any(name.startswith(family) for family in families), name
