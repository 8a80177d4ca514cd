"""Sets of positions for all units at once, against sets written out one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lacking import where_keras_has

from labkit.receptive_field.reads import (
    Axis,
    Reads,
    UnreadableLayer,
    adaptive_pool,
    resize,
    transposed_window,
    window,
)
from labkit.receptive_field.unit_fields import (
    GLOBAL,
    INPUT,
    UNCOUNTED,
    Positions,
    Uneven,
    UnitFields,
    clipped,
    join,
    reading,
    union,
    whole_picture,
)


def members(field):
    if field is None:
        return set()
    mask = (1 << field.width) - 1 if field.mask is None else field.mask
    return {field.first + i for i in range(field.width) if mask >> i & 1}


def read_one_by_one(reads, unit):
    """Write out (stride · unit + offset) / divisor."""
    numerators = [reads.stride * unit + offset for run in reads.runs for offset in run]
    return {n // reads.divisor for n in numerators if n % reads.divisor == 0}


some_reads = st.builds(
    Reads,
    offsets=st.one_of(
        st.builds(
            lambda a, k, d: range(a, a + k * d, d),
            st.integers(-5, 5),
            st.integers(1, 4),
            st.integers(1, 3),
        ),
        st.sets(st.integers(-5, 5), min_size=1).map(lambda s: tuple(sorted(s))),
    ),
    size=st.just(9),
    stride=st.integers(1, 4),
    divisor=st.integers(1, 4),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(some_reads, min_size=1, max_size=3), st.integers(-7, 7))
def test_any_layers_after_another(layers, unit):
    fields, expected = INPUT, {unit}
    for reads in layers:
        fields = reading(fields, reads)
    for reads in reversed(layers):
        expected = set().union(*(read_one_by_one(reads, u) for u in expected))
    assert members(fields.of(unit)) == expected


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(1, 12), some_reads)
def test_borders(size, reads):
    seen = clipped(whole_picture(size), reads)
    for unit in range(reads.size):
        inside = read_one_by_one(reads, unit) & set(range(size))
        if inside:
            assert (seen.first[unit], seen.last[unit]) == (min(inside), max(inside))
        else:
            assert seen.first[unit] > seen.last[unit]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sets(st.integers(0, 12), min_size=1), min_size=1, max_size=4))
def test_joined_sets(sets):
    def positions(values):
        first = min(values)
        return Positions(first, max(values), sum(1 << (v - first) for v in values))

    joined = join([join([positions(s)] * 2) for s in sets])
    assert members(joined) == set().union(*sets)


def test_a_full_mask_is_no_mask():
    assert join([Positions(0, 2), Positions(3, 4)]).mask is None
    assert join([Positions(0, 2, 0b101), Positions(1, 1)]).mask is None
    assert join([Positions(0, 2, 0b101), Positions(1, 3)]).mask is None
    assert join([Positions(0, 4), Positions(1, 2)]) == Positions(0, 4)


def test_sets_too_wide_are_marked_so():
    assert join([Positions(0, 0), Positions(1 << 21, 1 << 21)]).mask == UNCOUNTED
    assert join([Positions(0, 4, UNCOUNTED), Positions(9, 9)]).mask == UNCOUNTED
    # What covers it all leaves nothing to count.
    assert join([Positions(0, 4, UNCOUNTED), Positions(0, 9)]).mask is None


def test_unions():
    two = UnitFields(2, 2, (Positions(0, 0), Positions(0, 1)))
    joined = union([two, INPUT])
    assert joined.period == 2
    assert [members(joined.of(u)) for u in range(4)] == [{0}, {0, 1}, {2}, {2, 3}]
    assert union([two, GLOBAL]) is GLOBAL
    uneven = union([INPUT, UnitFields(1, 2, (Positions(0, 0),))])
    assert uneven == Uneven("joins paths of effective strides 1 and 2")


@pytest.mark.parametrize("n", [5, 8])
@pytest.mark.parametrize("bins", [1, 3, 8, 11])
def test_adaptive_bins(n, bins):
    reads = adaptive_pool(Axis(1, (None, n, 1)), bins)
    for j in range(bins):
        expected = set(range(j * n // bins, -(-(j + 1) * n // bins)))
        assert read_one_by_one(reads, j) == expected


@pytest.mark.parametrize(
    "way", where_keras_has("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
)
@pytest.mark.parametrize(("n", "units"), [(4, 12), (4, 8), (6, 4), (5, 7), (7, 7)])
def test_interpolation_against_keras(n, units, way):
    """One picture per position, of which only that position is lit."""
    import keras

    lit = np.eye(n, dtype="float32").reshape(n, n, 1, 1)
    resized = keras.ops.image.resize(
        lit, (units, 1), interpolation=way, data_format="channels_last"
    )
    weights = np.abs(keras.ops.convert_to_numpy(resized)[:, :, 0, 0]) > 1e-6
    reads = resize(Axis(1, (None, n, 1)), units, way)
    for j in range(units):
        inside = read_one_by_one(reads, j) & set(range(n))
        assert inside == set(np.flatnonzero(weights[:, j]))


def test_what_needs_a_size_says_so():
    unknown = Axis(1, (None, None, 1))
    for make in (
        lambda: window(unknown, 3, 2, padding="same"),
        lambda: resize(unknown, 4),
        lambda: adaptive_pool(unknown, 4),
    ):
        with pytest.raises(UnreadableLayer, match="input_size"):
            make()
    assert window(unknown, 3, padding="same").size is None
    assert transposed_window(unknown, 3, 2).size is None
    with pytest.raises(UnreadableLayer, match="only valid, same and causal"):
        window(unknown, 3, padding="full")
    with pytest.raises(UnreadableLayer, match="'area', which has no rule"):
        resize(Axis(1, (None, 4, 1)), 2, "area")


def test_spatial_axes_by_data_format():
    shape = (None, 8, 9, 3)
    assert [Axis(d, shape).spatial("channels_last") for d in (1, 2, 3)] == [0, 1, None]
    assert [Axis(d, shape).spatial("channels_first") for d in (1, 2, 3)] == [None, 0, 1]
