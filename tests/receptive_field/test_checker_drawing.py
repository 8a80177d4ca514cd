import re

import pytest

from labkit.receptive_field import check_closed_form, check_recurrence
from labkit.receptive_field.checker.drawing import drawing
from labkit.receptive_field.checker.verdict import CounterExample
from labkit.receptive_field.layers import Layer


def drawn(layers, truth, yours=1, **values):
    example = CounterExample(tuple(values.items()), tuple(layers), yours, truth)
    return drawing(example)


def circles(svg):
    """Return for each row, from the top, where its units stand and which of them are filled."""
    rows = {}
    for x, y, rest in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="7" (.*?)/>', svg):
        rows.setdefault(float(y), []).append((float(x), "fill" in rest))
    return [rows[y] for y in sorted(rows)]


def test_each_unit_is_drawn_and_what_is_read_is_filled():
    top, below = circles(drawn([Layer(2, stride=3)], truth=5, r=2))
    assert [filled for _, filled in top] == [True, True]
    assert [filled for _, filled in below] == [True, True, False, True, True]


def test_units_stand_over_the_middle_of_what_they_read():
    top, middle, below = circles(drawn([Layer(3), Layer(2, stride=2)], truth=4))
    assert len(top) == 1 and len(middle) == 2 and len(below) == 4
    assert top[0][0] == pytest.approx((middle[0][0] + middle[1][0]) / 2)
    assert top[0][0] == pytest.approx((below[0][0] + below[3][0]) / 2)


def test_each_line_joins_a_unit_and_what_it_reads():
    svg = drawn([Layer(3, dilation=2)], truth=5)
    assert svg.count("stroke-opacity") == 3
    assert [filled for _, filled in circles(svg)[1]] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("yours", "bars"),
    [(3, ["the truth: 2", "yours: 3"]), (0, ["the truth: 2"]), ("a", ["the truth: 2"])],
)
def test_both_widths_are_named_where_both_can_be_drawn(yours, bars):
    assert re.findall(r">([^<>]+)</text>", drawn([Layer(2)], truth=2, yours=yours)) == bars


def test_it_is_described_for_those_who_do_not_see_it():
    svg = drawing(check_recurrence("s*r + k - 1").counter_example)
    assert (
        'role="img" aria-label="The network: k=1, s=2, r=1: yours gives 2, the truth is 1"' in svg
    )


def test_what_a_reader_wrote_is_no_markup():
    assert "<b>" not in drawn([Layer(2)], truth=2, yours="<b>", r=1)


@pytest.mark.parametrize("layers", [[Layer(1)] * 7, [Layer(41)]])
def test_what_is_too_large_is_not_drawn(layers):
    assert drawn(layers, truth=41) == ""


def test_every_counter_example_of_a_chain_is_drawn_with_its_layers():
    example = check_closed_form("1 + Sum(k[l]-1, (l, 1, L))").counter_example
    assert len(circles(drawing(example))) == len(example.layers) + 1
