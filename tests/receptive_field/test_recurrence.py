import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.receptive_field.known_networks import ALEXNET, SMALL_VGG, VGG16, VGG19
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.recurrence import closed_form, receptive_field, trace

FIELDS = [(SMALL_VGG, 76), (VGG16, 212), (VGG19, 268), (ALEXNET, 195)]

# Published: field, effective stride and effective padding of every layer of VGG16.
VGG16_ROWS = {
    "conv1_1": (3, 1, 1), "conv1_2": (5, 1, 2), "pool1": (6, 2, 2),
    "conv2_1": (10, 2, 4), "conv2_2": (14, 2, 6), "pool2": (16, 4, 6),
    "conv3_1": (24, 4, 10), "conv3_2": (32, 4, 14), "conv3_3": (40, 4, 18), "pool3": (44, 8, 18),
    "conv4_1": (60, 8, 26), "conv4_2": (76, 8, 34), "conv4_3": (92, 8, 42), "pool4": (100, 16, 42),
    "conv5_1": (132, 16, 58), "conv5_2": (164, 16, 74), "conv5_3": (196, 16, 90),
    "pool5": (212, 32, 90),
}  # fmt: skip

chains = st.lists(
    st.builds(
        Layer,
        kernel=st.integers(1, 11),
        stride=st.integers(1, 5),
        dilation=st.integers(1, 9),
        padding=st.integers(0, 6),
    ),
    max_size=12,
)


def positions_read(layers, unit):
    """Collect, tap by tap, every input position that one unit reads."""
    positions = {unit}
    for layer in reversed(layers):
        positions = {
            layer.stride * place - layer.padding + layer.dilation * tap
            for place in positions
            for tap in range(layer.kernel)
        }
    return positions


def forward(layers):
    """Apply the recurrence in the wrong direction, as a port of the lab did."""
    width = 0
    for layer in layers[1:]:
        width = layer.stride * width + layer.kernel - layer.stride
    return width


@pytest.mark.parametrize(("layers", "field"), FIELDS)
def test_published_fields(layers, field):
    assert receptive_field(layers) == closed_form(layers) == field


def test_the_forward_recurrence_is_caught_by_asymmetric_networks():
    wrong = [forward(layers) for layers, _ in FIELDS]
    assert wrong == [88, 212, 240, 35]  # only VGG16 comes out right, by coincidence
    assert sum(forward(layers) != receptive_field(layers) for layers, _ in FIELDS) == 3


def test_order_matters():
    layers = [Layer(3, stride=2), Layer(5)]
    assert (receptive_field(layers), receptive_field(layers[::-1])) == (11, 7)


@settings(deadline=None)
@given(chains)
def test_recurrence_equals_closed_form(layers):
    assert receptive_field(layers) == closed_form(layers)


@settings(deadline=None)
@given(st.lists(st.builds(Layer, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3),
                          st.integers(0, 2)), max_size=4))  # fmt: skip
def test_trace_equals_the_set_of_positions_read(layers):
    for depth, row in enumerate(trace(layers), start=1):
        first = positions_read(layers[:depth], 0)
        second = positions_read(layers[:depth], 1)
        assert row.size == max(first) - min(first) + 1
        assert row.effective_stride == min(second) - min(first)
        assert row.effective_padding == -min(first)
        assert row.centre == Fraction(min(first) + max(first), 2)


@settings(deadline=None)
@given(chains)
def test_last_row_of_the_trace_is_the_receptive_field(layers):
    sizes = [1, *(row.size for row in trace(layers))]
    assert sizes[-1] == receptive_field(layers)
    assert sizes == sorted(sizes)


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


def test_no_layers():
    assert receptive_field([]) == closed_form([]) == 1
    assert trace([]) == ()
    assert "size" in str(trace([]))


def test_every_row_of_vgg16():
    rows = {r.name: (r.size, r.effective_stride, r.effective_padding) for r in trace(VGG16)}
    assert rows == VGG16_ROWS
    assert list(rows) == list(VGG16_ROWS)
    assert trace(VGG16)[-1].centre == Fraction(31, 2)


def test_alexnet_as_published():
    last = trace(ALEXNET)[-1]
    assert (last.size, last.effective_stride, last.effective_padding) == (195, 32, 64)


def test_trace_as_text_as_html_and_as_rows():
    table = trace([Layer(3, name="a<b"), Layer(2, stride=2)])
    assert [line.split()[0] for line in str(table).splitlines()] == ["layer", "a<b", "layer"]
    assert len({len(line) for line in str(table).splitlines()}) == 1
    html = table._repr_html_()
    assert "a&lt;b" in html and "<td>1.5</td>" in html and html.count("<tr>") == 3
    assert table.rows()[1] == {
        "name": "layer 2", "size": 4, "effective_stride": 2, "effective_padding": 0,
        "centre": Fraction(3, 2),
    }  # fmt: skip


@pytest.mark.parametrize("function", [receptive_field, trace, closed_form])
def test_refuses_what_is_no_layer(function):
    with pytest.raises(TypeError, match=r"layers\[0\] is 3"):
        function([3])


def test_huge_networks_stay_exact():
    assert receptive_field([Layer(3, stride=2)] * 1000) == 1 + 2 * (2**1000 - 1)


def test_importing_the_wing_loads_nothing_heavy():
    code = (
        "import sys, labkit.receptive_field as rf; rf.receptive_field(rf.VGG16); "
        "print([m for m in ('keras', 'tensorflow', 'sympy', 'matplotlib', 'numpy', "
        "'labkit.dog_breeds') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
