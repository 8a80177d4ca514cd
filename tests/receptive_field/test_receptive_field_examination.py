"""Keys of the examination, against answers worked out from the items' own words.

Nothing here uses the recurrence: a field is collected position by position.
"""

import re
from itertools import count, product
from statistics import pstdev

import pytest

from labkit.questions.examination import paper

SEEDS = range(60)
PAPERS = [paper("receptive_field", seed) for seed in SEEDS]


def items(number):
    return [items[number - 1] for items in PAPERS]


def layers_of(text):
    """Read the table of a text: a dictionary for each layer, from the input on."""
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    heading, _, *rows = table
    return [dict(zip(heading[1:], map(int, row[1:]), strict=True)) for row in rows]


def read_by(layers, unit=0):
    """Collect, tap by tap, every input position that one unit reads."""
    positions = {unit}
    for layer in reversed(layers):
        stride, dilation = layer.get("stride", 1), layer.get("dilation", 1)
        positions = {
            stride * place - layer.get("padding", 0) + dilation * tap
            for place in positions
            for tap in range(layer["kernel"])
        }
    return positions


def width(layers):
    positions = read_by(layers)
    return max(positions) - min(positions) + 1


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


def keyed(item):
    return [value.number for value in item.key]


@pytest.mark.parametrize("item", items(1))
def test_field_of_a_chain(item):
    assert keyed(item) == [width(layers_of(item.text))]


@pytest.mark.parametrize("item", items(2))
def test_proof_by_induction(item):
    kernel, stride = numbers(item.text)[:2]
    layer = {"kernel": kernel, "stride": stride}
    claim = re.search(r"that r\(L\) = (.*) for every", item.text)[1]
    claim = claim.replace("·", "*").replace("−", "-").replace("^", "**")
    fields = [width([layer] * depth) for depth in range(5)]
    assert [eval(claim, {"L": depth}) for depth in range(5)] == fields
    asked = int(re.search(r"is r\((\d)\)", item.text)[1])
    assert keyed(item) == [width([layer] * asked)]


@pytest.mark.parametrize("item", items(3))
def test_field_of_blocks(item):
    text = item.text.replace("one convolution ", "1 convolution ").replace("one pooling", "")
    blocks, convolutions, kernel, one, pooling, stride = numbers(text)
    assert one == 1
    block = [{"kernel": kernel}] * convolutions + [{"kernel": pooling, "stride": stride}]
    shift = min(read_by(block * blocks, 1)) - min(read_by(block * blocks, 0))
    assert keyed(item) == [width(block * blocks), shift]


@pytest.mark.parametrize("item", items(4))
def test_where_it_lies(item):
    unit = int(re.search(r"of unit (\d)", item.text)[1])
    positions = read_by(layers_of(item.text), unit)
    assert keyed(item) == [min(positions), max(positions)]


@pytest.mark.parametrize("item", items(5))
def test_gaps_of_dilation(item):
    kernel, dilation, _ = numbers(item.text.partition("(a)")[0])
    below = [{"kernel": kernel, "dilation": dilation}]
    closing = next(
        taps
        for taps in count(1)
        if len(read_by([*below, {"kernel": taps}])) == width([*below, {"kernel": taps}])
    )
    assert keyed(item) == [width(below), width(below) - len(read_by(below)), closing]


@pytest.mark.parametrize("item", items(6))
def test_own_stride(item):
    (k1, s1), (k2, s2), (k3, s3) = (tuple(layer.values()) for layer in layers_of(item.text))
    slip = 1 + (k1 - 1) * s1 + (k2 - 1) * s1 * s2 + (k3 - 1) * s1 * s2 * s3
    assert keyed(item) == [slip, width(layers_of(item.text))]
    assert slip != width(layers_of(item.text))


@pytest.mark.parametrize("item", items(7))
def test_fewest_layers(item):
    kernel, wanted = numbers(item.text)[:2]
    for value, stride in zip(item.key, (1, 2), strict=True):
        layer = {"kernel": kernel, "stride": stride}
        assert width([layer] * value.number) >= wanted > width([layer] * (value.number - 1))


@pytest.mark.parametrize("item", items(8))
def test_one_more_tap(item):
    layers = layers_of(item.text)
    place = int(re.search(r"kernel of layer (\d)", item.text)[1])
    before = width(layers)
    layers[place - 1]["kernel"] += 1
    assert "it has 4 instead of 3" in item.text and layers[place - 1]["kernel"] == 4
    assert keyed(item) == [width(layers) - before]


@pytest.mark.parametrize("item", items(9))
def test_doubling_dilation(item):
    depth, kernel, _, *dilations = numbers(item.text.partition("(a)")[0])
    assert len(dilations) == depth
    layers = [{"kernel": kernel, "dilation": dilation} for dilation in dilations]
    one = next(taps for taps in count(1) if width([{"kernel": taps}]) >= width(layers))
    assert keyed(item) == [width(layers), depth * kernel, one]


@pytest.mark.parametrize("item", items(10))
def test_what_counts(item):
    depth, kernel = numbers(item.text)[:2]
    times = int(re.search(r"becomes (\d+) times", item.text)[1])
    field, spread, factor = keyed(item)
    assert field == width([{"kernel": kernel}] * depth)
    assert spread == pytest.approx(spread_of_paths(kernel, depth))
    assert factor**2 == pytest.approx(times)


def spread_of_paths(kernel, depth):
    """Follow every path, or, where there are too many, add the variances of its taps."""
    if kernel**depth <= 10_000:
        return pstdev(map(sum, product(range(kernel), repeat=depth)))
    return (depth * pstdev(range(kernel)) ** 2) ** 0.5
