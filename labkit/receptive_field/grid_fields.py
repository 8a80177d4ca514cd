"""Fields of units that are counted along several digits at once.

A reshape can spread an axis of the input over several dimensions of a tensor, or lay several
axes into one. What a unit sees along one axis is then a function of several whole numbers, its
digits. Far from the borders it repeats along each of them: the digit d = q · period + f moves
the field of phase f by q · step. With one digit this is a
:class:`~labkit.receptive_field.unit_fields.UnitFields`.
"""

from fractions import Fraction
from itertools import product
from math import gcd, lcm, prod
from typing import NamedTuple

from labkit.receptive_field.unit_fields import (
    GLOBAL,
    Positions,
    Uneven,
    UnitFields,
    join,
    positions_inside,
    positions_read,
    turned,
)


class GridFields(NamedTuple):
    """The fields of all units along one axis of the input, borders left aside.

    Args:
        periods: period along each digit; ``steps``: by how much a period moves the fields.
        fields: the field of every phase, the last digit running fastest.
    """

    periods: tuple[int, ...]
    steps: tuple[int, ...]
    fields: tuple[Positions | None, ...]

    def of(self, *units):
        """Return the :class:`Positions` of one unit, ``None`` if it sees none."""
        place, by = 0, 0
        for unit, period, step in zip(units, self.periods, self.steps, strict=True):
            turns, phase = divmod(unit, period)
            place, by = place * period + phase, by + turns * step
        field = self.fields[place]
        return field and field.moved(by)


def as_grid(fields):
    """Return a :class:`UnitFields` as a grid of one digit; a grid as it is."""
    if isinstance(fields, UnitFields):
        return GridFields((fields.period,), (fields.step,), fields.fields)
    return fields


def as_simple(grid):
    """Return a grid of one digit as :class:`UnitFields`; another one as it is."""
    if isinstance(grid, GridFields) and len(grid.periods) == 1:
        return UnitFields(grid.periods[0], grid.steps[0], grid.fields)
    return grid


def has_none(fields):
    """Say whether there are no fields to count with: everything is seen, or all is listed."""
    return fields is GLOBAL or isinstance(fields, Uneven)


def _evaluated(periods, steps, of):
    """Make a grid of a function of the phases."""
    phases = product(*map(range, periods))
    return as_simple(GridFields(tuple(periods), tuple(steps), tuple(of(*p) for p in phases)))


def _with(values, place, *new):
    return (*values[:place], *new, *values[place + 1 :])


def read_along(fields, place, reads):
    """Return the fields of units that read along one digit.

    Args:
        fields: :class:`UnitFields` or :class:`GridFields`.
        place: which digit; ``reads``: the :class:`~labkit.receptive_field.reads.Reads`.

    Returns:
        A :class:`UnitFields`, :class:`GridFields` or :class:`Uneven`.
    """
    if reads.uneven:
        return Uneven(reads.uneven)
    grid = as_grid(fields)
    period, step = turned(grid.periods[place], grid.steps[place], reads)

    def of(*units):
        read = positions_read(reads, units[place])
        return join(grid.of(*_with(units, place, position)) for position in read)

    return _evaluated(_with(grid.periods, place, period), _with(grid.steps, place, step), of)


def listed_along(fields, place, reads, size):
    """Return the fields of units that read along one digit, one by one, borders counted.

    Args:
        fields, place, reads: as for :func:`read_along`; the number of units is known.
        size: number of positions along the digit.
    """
    grid = as_grid(fields)

    def of(*units):
        read = positions_inside(reads, units[place], size)
        return join(grid.of(*_with(units, place, position)) for position in read)

    return _evaluated(_with(grid.periods, place, reads.size), _with(grid.steps, place, 0), of)


def contracted(fields, place, size):
    """Return the fields of units that read everything along one digit of several.

    Args:
        fields, place: as for :func:`read_along`.
        size: number of positions along the digit, ``None`` if unknown.
    """
    grid = as_grid(fields)
    if grid.steps[place] == 0 and grid.periods[place] == 1:
        size = 1
    if size is None:
        return Uneven("each unit reads all of a part whose size is unknown: give input_size")

    def of(*units):
        units = (*units[:place], None, *units[place:])
        return join(grid.of(*_with(units, place, i)) for i in range(size))

    return _evaluated(_with(grid.periods, place), _with(grid.steps, place), of)


def chosen(fields, place, unit=0):
    """Return the fields of the units at one place along a digit."""
    grid = as_grid(fields)

    def of(*units):
        return grid.of(*units[:place], unit, *units[place:])

    return _evaluated(_with(grid.periods, place), _with(grid.steps, place), of)


def split(fields, place, inner):
    """Write one digit as two: d = outer · inner + rest.

    Args:
        fields, place: as for :func:`read_along`.
        inner: size of the new inner digit, at least 1.
    """
    grid = as_grid(fields)
    period, step = grid.periods[place], grid.steps[place]
    turns = period // gcd(period, inner)
    periods = _with(grid.periods, place, turns, min(period, inner))
    steps = _with(grid.steps, place, turns * inner // period * step, step)

    def of(*units):
        digit = units[place] * inner + units[place + 1]
        return grid.of(*units[:place], digit, *units[place + 2 :])

    return _evaluated(periods, steps, of)


def merged(fields, place, sizes):
    """Count all digits from one on as one digit, the last running fastest.

    Args:
        fields, place: as for :func:`read_along`.
        sizes: size of each digit that is merged; that of the first may be unknown.
    """
    grid = as_grid(fields)
    inner = sizes[1:]
    periods = (*grid.periods[:place], grid.periods[place] * prod(inner))

    def of(*units):
        number, digits = units[-1], []
        for size in reversed(inner):
            number, digit = divmod(number, size)
            digits.append(digit)
        return grid.of(*units[:-1], number, *reversed(digits))

    return _shortest(as_grid(_evaluated(periods, grid.steps[: place + 1], of)))


def _shortest(grid):
    """Find the shortest period of the same fields along the last digit."""
    *others, whole = grid.periods
    rate = Fraction(grid.steps[-1], whole)
    for period in range(1, whole):
        if whole % period or (rate * period).denominator > 1:
            continue
        shorter = _evaluated((*others, period), (*grid.steps[:-1], int(rate * period)), grid.of)
        if _evaluated(grid.periods, grid.steps, as_grid(shorter).of) == as_simple(grid):
            return shorter
    return as_simple(grid)


def with_digits(fields, places, number):
    """Count along more digits, which change nothing.

    Args:
        fields: as for :func:`read_along`.
        places: for each of its digits, its place among the new ones, in any order.
        number: how many digits there are then.
    """
    grid = as_grid(fields)
    periods, steps = [1] * number, [0] * number
    for place, period, step in zip(places, grid.periods, grid.steps, strict=True):
        periods[place], steps[place] = period, step
    return _evaluated(periods, steps, lambda *units: grid.of(*(units[p] for p in places)))


#: As many places along a digit are listed one by one at most, such as those of a window.
_MOST_LISTED = 256


def union_of_grids(branches, sizes):
    """Return what a unit sees that joins the same unit of several grids of the same digits.

    Args:
        branches: :class:`UnitFields` or :class:`GridFields`.
        sizes: number of places along each digit, ``None`` where unknown.

    Returns:
        A :class:`UnitFields`, :class:`GridFields` or :class:`Uneven`.
    """
    grids = [as_grid(branch) for branch in branches]
    for place, size in enumerate(sizes):
        if _may_be_listed(grids, place, size):
            grids = [_listed(grid, place, size) for grid in grids]
    periods = [lcm(*column) for column in zip(*(grid.periods for grid in grids), strict=True)]
    rates = [_rates(grid) for grid in grids]
    if len(set(rates)) > 1:
        return Uneven("joins paths of different effective strides")
    steps = [int(rate * period) for rate, period in zip(rates[0], periods, strict=True)]
    return _evaluated(periods, steps, lambda *units: join(grid.of(*units) for grid in grids))


def _rates(grid):
    return tuple(Fraction(s, p) for s, p in zip(grid.steps, grid.periods, strict=True))


def _may_be_listed(grids, place, size):
    """Say whether paths move apart along a digit that is part of another, as within a window."""
    rates = [_rates(grid) for grid in grids]
    if size is None or size > _MOST_LISTED or len({rate[place] for rate in rates}) == 1:
        return False
    return all(rate[place] < max(rate) for rate in rates)


def _listed(grid, place, size):
    """Write the fields along a digit of known size one by one."""
    return as_grid(
        _evaluated(_with(grid.periods, place, size), _with(grid.steps, place, 0), grid.of)
    )


def emptiness_changes_along(fields, place):
    """Say whether some units see nothing, and others do, for their place along a digit alone."""
    grid = as_grid(fields)

    def seen(*units):
        return grid.of(*units) is not None

    first = _evaluated(
        grid.periods, grid.steps, lambda *units: seen(*units[:place], 0, *units[place + 1 :])
    )
    return first != _evaluated(grid.periods, grid.steps, seen)


def masked(fields, others):
    """Leave only those units that see something along every axis.

    Args:
        fields: the fields along one axis.
        others: those along the other axes, all of the same digits.
    """
    grids = [as_grid(fields), *map(as_grid, others)]
    if all(None not in grid.fields for grid in grids[1:]):
        return fields
    columns = zip(*(grid.periods for grid in grids), strict=True)
    periods = [lcm(*column) for column in columns]
    first = grids[0]
    steps = [s * (p // q) for s, p, q in zip(first.steps, periods, first.periods, strict=True)]

    def of(*units):
        return first.of(*units) if all(grid.of(*units) for grid in grids) else None

    return _evaluated(periods, steps, of)
