import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.receptive_field.closed_form import closed_form
from labkit.receptive_field.known_networks import ALEXNET, SMALL_VGG, VGG16, VGG19
from labkit.receptive_field.layers import Layer


@pytest.mark.parametrize(
    ("layers", "field"), [(SMALL_VGG, 76), (VGG16, 212), (VGG19, 268), (ALEXNET, 195)]
)
def test_published_fields(layers, field):
    assert closed_form(layers) == field


def test_no_layers():
    assert closed_form([]) == 1


def test_takes_a_generator():
    assert closed_form(Layer(3) for _ in range(4)) == 9


def test_a_layer_is_not_multiplied_by_its_own_stride():
    assert closed_form([Layer(2, stride=2)]) == 2


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 50))
def test_one_layer_counts_the_taps_from_first_to_last(kernel, stride, dilation):
    taps = range(0, dilation * kernel, dilation)
    assert closed_form([Layer(kernel, stride, dilation)]) == taps[-1] + 1


def test_the_last_stride_adds_nothing():
    for stride in range(1, 9):
        assert closed_form([Layer(3, 2), Layer(3, stride)]) == 7


def test_the_package_exports_the_function_not_the_module():
    import labkit.receptive_field.closed_form

    assert labkit.receptive_field.closed_form is closed_form
