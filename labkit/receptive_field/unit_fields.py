"""Exact sets of input positions for all units of a layer at once.

Far from the borders the fields of a layer repeat: unit q·m + f sees the positions that
unit f sees, moved by p·m. A layer that only strides has q = 1; transposed convolution and
upsampling give different fields to neighbouring units, and q of them are kept. So one
:class:`UnitFields` says everything about infinitely many units, in exact integers.

:func:`clipped` asks the other question: what the units of a picture of a given size see,
with every border, inner ones too.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

import numpy as np


class Positions(NamedTuple):
    """A set of input positions between ``first`` and ``last``, both in it.

    ``mask`` is ``None`` if the set has no gap; ``UNCOUNTED`` if it may have gaps and is too
    wide to count them; else an integer whose bit i says whether ``first + i`` is in the set.
    """

    first: int
    last: int
    mask: int | None = None

    @property
    def width(self):
        """Extent of the set, gaps included."""
        return self.last - self.first + 1

    def moved(self, by):
        """Return the set moved by a number of positions."""
        return Positions(self.first + by, self.last + by, self.mask)


UNCOUNTED = -1
#: Gaps are tracked in sets up to this wide; a mask of that width takes 128 KiB.
WIDEST_MASK = 1 << 20


class UnitFields(NamedTuple):
    """The fields of all units of a layer along one axis, borders left aside.

    Unit ``period · m + f`` sees ``fields[f]`` moved by ``step · m``.
    A field is ``None`` if the unit sees no input at all.
    """

    period: int
    step: int
    fields: tuple[Positions | None, ...]

    def of(self, unit):
        """Return the :class:`Positions` of one unit, ``None`` if it sees none."""
        turns, phase = divmod(unit, self.period)
        field = self.fields[phase]
        return field and field.moved(turns * self.step)


#: The input itself: unit j sees position j.
INPUT = UnitFields(1, 1, (Positions(0, 0),))
#: Every unit sees all that reaches the layer.
GLOBAL = None


@dataclass(frozen=True)
class Uneven:
    """Fields that do not repeat from unit to unit, or not known: what each unit sees is listed.

    Args:
        why: the reason, as a clause.
    """

    why: str


def reading(fields, reads):
    """Return the fields of the units that read a layer.

    Args:
        fields: the :class:`UnitFields` of the layer that is read, or ``GLOBAL``.
        reads: the :class:`~labkit.receptive_field.reads.Reads`.

    Returns:
        A :class:`UnitFields`, ``GLOBAL`` or :class:`Uneven`.
    """
    if fields is GLOBAL or reads.offsets is None:
        return GLOBAL
    if isinstance(fields, Uneven):
        return fields
    if reads.uneven:
        return Uneven(reads.uneven)
    if reads.is_one_to_one:
        return fields
    return _solid_window(fields, reads) or _window(fields, reads)


def _solid_window(fields, reads):
    """Take the common short cut: overlapping fields without gaps, one for each unit."""
    offsets, field = reads.offsets, fields.fields[0]
    if fields.period > 1 or reads.divisor > 1 or field is None or field.mask is not None:
        return None
    if not isinstance(offsets, range):
        return None
    if len(offsets) > 1 and offsets.step * abs(fields.step) > field.width:
        return None
    ends = sorted((offsets[0] * fields.step, offsets[-1] * fields.step))
    reached = Positions(field.first + ends[0], field.last + ends[1])
    return UnitFields(1, fields.step * reads.stride, (reached,))


def _window(fields, reads):
    """Join the fields of every position read, for each unit of one period."""
    period, step = turned(fields.period, fields.step, reads)
    joined = [join(fields.of(i) for i in positions_read(reads, j)) for j in range(period)]
    return UnitFields(period, step, tuple(joined))


def turned(period, step, reads):
    """Return the period and the step of the units that read a layer.

    Args:
        period, step: those of the layer that is read, as in :class:`UnitFields`.
        reads: the :class:`~labkit.receptive_field.reads.Reads`.

    Returns:
        Two integers.
    """
    whole = period * reads.divisor
    made = whole // gcd(whole, reads.stride)
    return made, step * (made * reads.stride // whole)


def positions_read(reads, unit):
    """List (stride · unit + offset) / divisor wherever that is whole."""
    start, divisor = reads.stride * unit, reads.divisor
    found = []
    for run in reads.runs:
        common = gcd(run.step, divisor)
        if (start + run.start) % common:
            continue
        turn = divisor // common
        # The first of the run that gives a whole number; every turn-th one after it does.
        ahead = -((start + run.start) // common) * pow(run.step // common, -1, turn) % turn
        found += [(start + o) // divisor for o in run[ahead::turn]]
    return found


def positions_inside(reads, unit, size):
    """List the positions that a unit reads among the first ``size``, borders counted."""
    if reads.listed:
        first, last = int(reads.listed.first[unit]), int(reads.listed.last[unit])
        return range(max(first, 0), min(last, size - 1) + 1)
    return [position for position in positions_read(reads, unit) if 0 <= position < size]


def join(fields):
    """Return the union of several sets of positions.

    Args:
        fields: :class:`Positions`; ``None`` stands for the empty set.

    Returns:
        A :class:`Positions`, ``None`` if all are empty.

    Example:
        >>> join([Positions(0, 2), Positions(4, 6)])
        Positions(first=0, last=6, mask=119)
    """
    fields = sorted({field for field in fields if field}, key=lambda field: field[:2])
    if len(fields) < 2:
        return fields[0] if fields else None
    first, last = fields[0].first, max(field.last for field in fields)
    return Positions(first, last, _joint_mask(fields, first, last))


def _joint_mask(fields, first, last):
    if _touch(fields):
        return None
    if last - first >= WIDEST_MASK or any(field.mask == UNCOUNTED for field in fields):
        return UNCOUNTED
    mask = 0
    for field in fields:
        bits = (1 << field.width) - 1 if field.mask is None else field.mask
        mask |= bits << (field.first - first)
    return None if mask == (1 << (last - first + 1)) - 1 else mask


def _touch(fields):
    """Say whether the gapless ones among sorted sets cover all of them without a gap."""
    reached = fields[0].first - 1
    for field in fields:
        if field.mask is None and field.first <= reached + 1:
            reached = max(reached, field.last)
    return reached >= max(field.last for field in fields)


def union(branches):
    """Return what a unit sees that joins the same unit of several layers.

    Args:
        branches: :class:`UnitFields`, ``GLOBAL`` or :class:`Uneven`, at least one.

    Returns:
        A :class:`UnitFields`; ``GLOBAL`` if any of them is; else :class:`Uneven` if one is or
        if the strides differ, so that no field fits all units.
    """
    if GLOBAL in branches:
        return GLOBAL
    branches = list(dict.fromkeys(branches)) if branches[1:] else branches
    if len(branches) == 1:
        return branches[0]
    for branch in branches:
        if isinstance(branch, Uneven):
            return branch
    period = lcm(*(branch.period for branch in branches))
    steps = {branch.step * (period // branch.period) for branch in branches}
    if len(steps) > 1:
        strides = dict.fromkeys(str(Fraction(b.step, b.period)) for b in branches)
        return Uneven(f"joins paths of effective strides {' and '.join(strides)}")
    joined = (join(branch.of(unit) for branch in branches) for unit in range(period))
    return UnitFields(period, steps.pop(), tuple(joined))


class Clipped(NamedTuple):
    """First and last input position that each unit sees, all borders counted.

    Two integer arrays of one shape, one entry per unit; where a unit sees nothing but padding,
    ``first`` is above ``last``.
    """

    first: np.ndarray
    last: np.ndarray


#: Above every position, and far enough below the largest integer to count on.
NOWHERE = 1 << 30


def whole_picture(size):
    """Return the :class:`Clipped` of the input itself."""
    positions = np.arange(size, dtype=np.int32)
    return Clipped(positions, positions)


def clipped(seen, reads):
    """Return what the units see that read a layer, inside a picture of known size.

    Args:
        seen: the :class:`Clipped` of the layer that is read; its last dimension is the one
            along which it is read.
        reads: the :class:`~labkit.receptive_field.reads.Reads`, of known size.

    Returns:
        A :class:`Clipped`, with the units along its last dimension.
    """
    if reads.offsets is None:
        first, last = everything_of(seen)
        shape = (*first.shape, reads.size or 1)
        return Clipped(
            np.broadcast_to(first[..., None], shape), np.broadcast_to(last[..., None], shape)
        )
    if reads.is_one_to_one and reads.size == seen.first.shape[-1]:
        return seen
    if _is_one_for_all(seen.first) and _never_reads_nothing(reads, seen.first.shape[-1]):
        shape = (*seen.first.shape[:-1], reads.size)
        return Clipped(*(np.broadcast_to(ends[..., :1], shape) for ends in seen))
    take = _sliding if reads.divisor == 1 and reads.stride > 0 and not reads.listed else _gathered
    # The largest of the last ones is the smallest of their negatives.
    first, last = take(np.array([seen.first, -seen.last]), reads)
    return Clipped(first, -last)


def _is_one_for_all(ends):
    """Say whether all units along the last dimension share one entry of memory."""
    return ends.strides[-1] == 0 and ends.shape[-1] > 0


def _never_reads_nothing(reads, size):
    """Say whether it is plain that every unit reads a position inside the picture."""
    run = reads.offsets
    if reads.listed or reads.divisor > 1 or reads.stride < 1 or not isinstance(run, range):
        return False
    begins_inside = run[-1] >= 0 and reads.stride * (reads.size - 1) + run[0] < size
    return begins_inside and run.step <= size


def everything_of(seen):
    """Return the :class:`Clipped` of a unit that reads all along the last dimension."""
    return Clipped(seen.first.min(axis=-1), seen.last.max(axis=-1))


def _sliding(values, reads):
    """Take the smallest value of each window, for all units at once."""
    reach, runs = reads.stride * (reads.size - 1), reads.runs
    before = max(0, *(-run[0] for run in runs), 0)
    after = max(0, *(reach + run[-1] - values.shape[-1] + 1 for run in runs), 0)
    padded = _bordered(values, before, after)
    found = None
    for run in runs:
        start = before + run[0]
        read = padded[..., start : start + reach + (run[-1] - run[0]) + 1]
        taken = _over_taps(read, len(run), run.step)[..., :: reads.stride]
        found = taken if found is None else np.minimum(found, taken)
    return found


def _bordered(values, before, after):
    """Add entries that see nothing before and behind the last dimension."""
    size = values.shape[-1]
    padded = np.full((*values.shape[:-1], before + size + after), NOWHERE, dtype=np.int32)
    padded[..., before : before + size] = values
    return padded


def _over_taps(values, count, step):
    """Take the smallest of ``count`` entries, ``step`` apart, from each entry on."""
    covered = 1
    while covered < count:
        # What covers few taps, beside itself moved, covers up to twice as many.
        more = min(covered, count - covered)
        values = np.minimum(values[..., : -more * step], values[..., more * step :])
        covered += more
    return values


def _gathered(values, reads):
    """Take the smallest value over the positions of each unit, whatever their number."""
    size = values.shape[-1]
    found = np.full((*values.shape[:-1], reads.size), NOWHERE, dtype=np.int32)
    for first, count, step in _runs_of_positions(reads, size):
        covered, level = 1, values
        while (count >= covered).any():
            units = np.flatnonzero((count >= covered) & (count < 2 * covered))
            # Two stretches of ``covered`` positions: from the first on, and up to the last.
            behind = first[units] + step * (count[units] - covered)
            for start in (first[units], behind):
                found[..., units] = np.minimum(found[..., units], level[..., start])
            moved = _bordered(level[..., step * covered :], 0, step * covered)
            level, covered = np.minimum(level, moved[..., :size]), 2 * covered
    return found


def _runs_of_positions(reads, size):
    """List, for each run of offsets, what the units read inside the picture.

    Returns:
        Triples: the first position and the number of positions of each unit, as arrays, and
        how far positions lie apart.
    """
    if reads.listed:
        first = np.maximum(reads.listed.first, 0)
        last = np.minimum(reads.listed.last, size - 1)
        return [(first, last - first + 1, 1)]
    return [_positions_of_run(reads, run, size) for run in reads.runs]


def _positions_of_run(reads, run, size):
    start = reads.stride * np.arange(reads.size) + run.start
    common = gcd(run.step, reads.divisor)
    step, turn = run.step // common, reads.divisor // common
    ahead = -(start // common) * pow(step, -1, turn) % turn
    first = (start + ahead * run.step) // reads.divisor
    count = np.where(start % common == 0, (len(run) - 1 - ahead) // turn + 1, 0)
    skipped = np.maximum(-(first // step), 0)
    first = first + skipped * step
    count = np.minimum(count - skipped, (size - 1 - first) // step + 1)
    return first, count, step
