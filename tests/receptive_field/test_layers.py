import dataclasses
import pickle

import numpy as np
import pytest

from labkit.receptive_field.layers import Layer, as_layers

ARGUMENTS = ("kernel", "stride", "dilation", "padding")


def build(argument, value):
    return Layer(**{"kernel": 3, argument: value})


def test_defaults():
    layer = Layer(5)
    assert (layer.kernel, layer.stride, layer.dilation, layer.padding, layer.name) == (
        5, 1, 1, 0, "",
    )  # fmt: skip


def test_is_frozen_hashable_and_pickles():
    layer = Layer(3, 2, 4, 1, "conv")
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.kernel = 5
    assert len({layer, Layer(3, 2, 4, 1, "conv")}) == 1
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("value", [True, False, 3.0, 2.5, "3", None, (3, 3), float("nan")])
def test_refuses_what_is_no_integer(argument, value):
    with pytest.raises(TypeError) as caught:
        build(argument, value)
    message = str(caught.value)
    assert f"{argument}={value!r}" in message
    assert "one of " in message and "1, 2" in message


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_refuses_integers_that_are_too_small(argument):
    with pytest.raises(ValueError, match=f"{argument}=-1 is not possible.*one of"):
        build(argument, -1)


@pytest.mark.parametrize("argument", ARGUMENTS[:3])
def test_only_padding_may_be_zero(argument):
    with pytest.raises(ValueError, match=f"{argument}=0 is not possible.*one of 1, 2, 3"):
        build(argument, 0)
    assert build("padding", 0).padding == 0


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_takes_numpy_integers_and_keeps_plain_ones(argument):
    assert type(getattr(build(argument, np.int32(2)), argument)) is int


def test_refuses_a_name_that_is_no_text():
    with pytest.raises(TypeError, match="name=7"):
        Layer(3, name=7)


def test_reach_is_the_width_between_the_outer_taps():
    for kernel, dilation in [(1, 9), (2, 1), (2, 5), (3, 2), (7, 3)]:
        taps = [dilation * tap for tap in range(kernel)]
        assert Layer(kernel, dilation=dilation).reach == max(taps) - min(taps) + 1


def test_as_layers_keeps_order_and_takes_any_iterable():
    layers = [Layer(3), Layer(5)]
    assert as_layers(iter(layers)) == tuple(layers)


def test_as_layers_names_the_item_that_is_wrong():
    with pytest.raises(TypeError, match=r"layers\[1\] is \(3, 1\)"):
        as_layers([Layer(3), (3, 1)])
    with pytest.raises(TypeError, match="put it into a list"):
        as_layers(Layer(3))
    with pytest.raises(TypeError, match="not a list of layers"):
        as_layers(7)
