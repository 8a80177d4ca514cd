"""Every family of ``keras.applications``: ``analyse`` against sets and against the gradient."""

import keras
import numpy as np
import pytest
from lacking import where_keras_has
from reaching_positions import reaching_positions

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.oracle import gradient_extent

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
#: The other axis may be short: what it does not see changes nothing along the long one.
SHORT = 96


def long(size, axis):
    return (size, SHORT) if axis == 0 else (SHORT, size)


@pytest.mark.parametrize("axis", [0, 1], ids=["height", "width"])
@pytest.mark.parametrize("name", where_keras_has(*FAMILIES))
def test_family(name, axis):
    size, length = FAMILIES[name]
    shape = long(length, axis)
    builder = getattr(keras.applications, name)
    model = builder(weights=None, include_top=False, input_shape=(*shape, 3))
    free, strict = analyse(model, squeeze_excitation="ignore").final, analyse(model).final
    assert free.axes[axis].size == size
    check(model, free.axes[axis], axis, "ignore")
    if strict != free:
        check(model, strict.axes[axis], axis, "whole image")
        assert strict.axes[axis].size == length


def check(model, found, axis, gates):
    """Compare the unit in the middle with the sets and with the gradient."""
    first, last = found.input_range(found.output_size // 2)
    assert last - first + 1 == found.size
    # None of these networks has a hole.
    positions = reaching_positions(model, squeeze_excitation=gates)[axis]
    assert np.array_equal(positions, np.arange(first, last + 1))
    assert gradient_extent(model, squeeze_excitation=gates)[axis] == (first, last)


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


@pytest.mark.parametrize(
    "name", where_keras_has("DenseNet121", "InceptionV3", "NASNetMobile", "EfficientNetB0")
)
def test_layers_inside_a_family(name):
    """Some layers on the way, near a border and in the middle, by sets."""
    model = getattr(keras.applications, name)(
        weights=None, include_top=False, input_shape=(224, 224, 3)
    )
    result = analyse(model)
    for layer in list(result)[10 :: len(result) // 9]:
        if None in layer.dims:
            continue
        for place in (0, layer.axes[0].output_size // 2):
            positions = reaching_positions(model, layer.name, unit=(place, place))
            found = [(p[0], p[-1]) if p.size else None for p in positions]
            assert found == [axis.input_range(place) for axis in layer.axes], layer.name
