"""Exact sets of input positions for all units of a layer at once.

Far from the borders the fields of a layer repeat: unit q·m + f sees the positions that
unit f sees, moved by p·m. A layer that only strides has q = 1; transposed convolution and
upsampling give different fields to neighbouring units, and q of them are kept. So one
:class:`UnitFields` says everything about infinitely many units, in exact integers.

:func:`clipped` asks the other question: what the units of a picture of a given size see,
with every border, inner ones too.
"""

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


def reading(fields, reads):
    """Return the fields of the units that read a layer.

    Args:
        fields: the :class:`UnitFields` of the layer that is read, or ``GLOBAL``.
        reads: the :class:`~labkit.receptive_field.reads.Reads`.

    Returns:
        A :class:`UnitFields`, or ``GLOBAL``.
    """
    if fields is GLOBAL or reads.offsets is None:
        return GLOBAL
    if reads.is_one_to_one:
        return fields
    return _solid_window(fields, reads) or _window(fields, reads)


def _solid_window(fields, reads):
    """Take the common short cut: overlapping fields without gaps, one for each unit."""
    offsets, field = reads.offsets, fields.fields[0]
    if fields.period > 1 or reads.divisor > 1 or field is None or field.mask is not None:
        return None
    touching = isinstance(offsets, range) and offsets.step * fields.step <= field.width
    if len(offsets) > 1 and not touching:
        return None
    first = field.first + offsets[0] * fields.step
    last = field.last + offsets[-1] * fields.step
    return UnitFields(1, fields.step * reads.stride, (Positions(first, last),))


def _window(fields, reads):
    """Join the fields of every position read, for each unit of one period."""
    whole = fields.period * reads.divisor
    period = whole // gcd(whole, reads.stride)
    turns = period * reads.stride // whole
    joined = [join(fields.of(i) for i in _positions_read(reads, j)) for j in range(period)]
    return UnitFields(period, fields.step * turns, tuple(joined))


def _positions_read(reads, unit):
    """List (stride · unit + offset) / divisor wherever that is whole."""
    start, offsets, divisor = reads.stride * unit, reads.offsets, reads.divisor
    if isinstance(offsets, range) and offsets.step == 1:
        offsets = range(offsets.start + (-start - offsets.start) % divisor, offsets.stop, divisor)
    return [(start + o) // divisor for o in offsets if (start + o) % divisor == 0]


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
        branches: :class:`UnitFields` or ``GLOBAL``, at least one.

    Returns:
        A :class:`UnitFields`, or ``GLOBAL`` if any of them is.

    Raises:
        ValueError: if the strides differ, so that no field fits all units.
    """
    if GLOBAL in branches:
        return GLOBAL
    branches = list(dict.fromkeys(branches)) if branches[1:] else branches
    if len(branches) == 1:
        return branches[0]
    period = lcm(*(branch.period for branch in branches))
    steps = {branch.step * (period // branch.period) for branch in branches}
    if len(steps) > 1:
        raise ValueError("strides differ")
    joined = (join(branch.of(unit) for branch in branches) for unit in range(period))
    return UnitFields(period, steps.pop(), tuple(joined))


class Clipped(NamedTuple):
    """First and last input position that each unit sees, all borders counted.

    Two integer arrays, one entry per unit; where a unit sees nothing but padding,
    ``first`` is above ``last``.
    """

    first: np.ndarray
    last: np.ndarray


_NOWHERE = np.iinfo(np.int64).max // 4


def whole_picture(size):
    """Return the :class:`Clipped` of the input itself."""
    return Clipped(np.arange(size), np.arange(size))


def clipped(seen, reads):
    """Return what the units see that read a layer, inside a picture of known size.

    Args:
        seen: the :class:`Clipped` of the layer that is read.
        reads: the :class:`~labkit.receptive_field.reads.Reads`, of known size.

    Returns:
        A :class:`Clipped`.
    """
    if reads.offsets is None:
        units = reads.size or 1
        return Clipped(np.full(units, seen.first.min()), np.full(units, seen.last.max()))
    if reads.is_one_to_one and reads.size == len(seen.first):
        return seen
    take = _sliding if reads.divisor == 1 else _gathered
    return Clipped(
        take(seen.first, reads, np.minimum, _NOWHERE), take(seen.last, reads, np.maximum, -_NOWHERE)
    )


def _sliding(values, reads, extreme, nothing):
    """Take the extreme over each window, one slice per offset."""
    reach = reads.stride * (reads.size - 1)
    before = max(0, -min(reads.offsets))
    after = max(0, reach + max(reads.offsets) - len(values) + 1)
    padded = np.concatenate([np.full(before, nothing), values, np.full(after, nothing)])
    result = np.full(reads.size, nothing)
    for offset in reads.offsets:
        start = before + offset
        extreme(result, padded[start : start + reach + 1 : reads.stride], out=result)
    return result


def _gathered(values, reads, extreme, nothing):
    """Take the extreme over all positions that are whole numbers."""
    scaled = reads.stride * np.arange(reads.size)[:, None] + np.asarray(reads.offsets)
    position = scaled // reads.divisor
    inside = (scaled % reads.divisor == 0) & (position >= 0) & (position < len(values))
    found = np.where(inside, values[np.where(inside, position, 0)], nothing)
    return extreme.reduce(found, axis=1)


def clipped_union(branches):
    """Return what units see that join the same unit of several layers."""
    first, *others = branches
    for other in others:
        first = Clipped(np.minimum(first.first, other.first), np.maximum(first.last, other.last))
    return first
