"""What the units of one tensor see, while layers move, split and join its dimensions.

The index along a dimension is written in digits, as 23 is written in tens and ones. A tensor
of the picture has one digit a dimension; a reshape of 16 rows to (8, 2) splits the digit of the
rows into one of 8 and one of 2, and tokens of a picture have the digits of both its axes in one
dimension. What a unit sees along an axis of the input is a function of some digits. Permuting
and reshaping thus move digits about and change no field; layers that read along a dimension
read along its digits.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from math import prod
from operator import itemgetter

import numpy as np

from labkit.receptive_field import grid_fields
from labkit.receptive_field.grid_fields import GridFields, has_none
from labkit.receptive_field.reads import Reshaped, SizeProblem, UnreadableLayer
from labkit.receptive_field.unit_fields import (
    GLOBAL,
    INPUT,
    NOWHERE,
    Clipped,
    Uneven,
    UnitFields,
    clipped,
    everything_of,
    reading,
    union,
    whole_picture,
)


class Digit:
    """One factor of the index along a dimension; the same object wherever it is moved.

    Args:
        size: how many values it takes, ``None`` if unknown.
        is_channel: whether it counts channels, or what was a channel.
    """

    __slots__ = ("is_channel", "size")

    def __init__(self, size, is_channel=False):
        self.size, self.is_channel = size, is_channel

    def __repr__(self):
        return f"Digit({self.size}{', channel' if self.is_channel else ''})"


@dataclass(frozen=True, eq=False)
class AxisMap:
    """What the units of a tensor see along one axis of the input.

    Args:
        digits: those on which it depends.
        fields: far from the borders: ``GLOBAL``, :class:`Uneven`, a :class:`UnitFields` if it
            depends on one digit, a :class:`GridFields` of as many otherwise.
        seen: a :class:`Clipped` with one dimension a digit; ``None`` if the size of the input
            is unknown.
        misalignment: distance between the outermost centres of the paths joined last.
    """

    digits: tuple[Digit, ...]
    fields: UnitFields | GridFields | Uneven | None
    seen: Clipped | None = None
    misalignment: Fraction = Fraction(0)

    @cached_property
    def has_dead(self):
        """Whether some units see nothing."""
        if not has_none(self.fields) and None in self.fields.fields:
            return True
        return self.seen is not None and np.count_nonzero(self.seen.first > self.seen.last) > 0

    @cached_property
    def is_dead(self):
        """Whether no unit sees anything."""
        if self.seen is not None:
            return bool((self.seen.first > self.seen.last).all())
        return not has_none(self.fields) and not any(self.fields.fields)

    @cached_property
    def seen_by_all(self):
        """First and last position of every unit, if they share them in memory, else ``None``."""
        return self.seen and _of_all(self.seen)


@dataclass(frozen=True, eq=False)
class TensorFields:
    """A tensor: the digits of its dimensions, and what its units see.

    Args:
        dims: the digits of each dimension, batch included, the last one running fastest.
        axes: one :class:`AxisMap` per axis of the input.
        mixed: whether its channels see different things, which the axes leave aside: each is
            taken to see what all do.

    Worked out from these: ``shape``, the size of each dimension, ``None`` where unknown; ``held``,
    the dimensions that hold an axis or a part of one; ``channel_dim``, the one that counts
    channels, ``None`` if none does; ``places``, the digits of the dimensions, ``None`` for channels
    without an axis; ``is_plain``, whether each dimension and each axis has one digit at most and no
    axis lies among the channels or in the batch.
    """

    dims: tuple[tuple[Digit, ...], ...]
    axes: tuple[AxisMap, ...]
    mixed: bool = False

    shape: tuple = field(init=False)
    held: tuple[int, ...] = field(init=False)
    channel_dim: int | None = field(init=False)
    places: tuple = field(init=False)
    is_plain: bool = field(init=False)

    def __post_init__(self):
        self.__dict__.update(_worked_out(self.dims, tuple([axis.digits for axis in self.axes])))


@lru_cache(maxsize=4096)
def _worked_out(dims, by_axis):
    """Work out what follows from the digits of the dimensions, and from those of each axis."""
    digits = {digit for own in by_axis for digit in own}
    held = tuple([i for i, dim in enumerate(dims) if not digits.isdisjoint(dim)])
    channels = [i for i, dim in enumerate(dims) if i and any([d.is_channel for d in dim])]
    simple = all([len(dim) == 1 for dim in dims]) and len(channels) < 2
    plain = simple and all([len(own) < 2 for own in by_axis])
    channel = _channel_dim(dims, by_axis, channels)
    aside = None if channel in held else channel
    return {
        "shape": tuple([size_of(dim) for dim in dims]),
        "held": held,
        "channel_dim": channel,
        "places": tuple([None if i == aside else dim for i, dim in enumerate(dims)]),
        "is_plain": plain and channel not in held and 0 not in held,
    }


def _channel_dim(dims, by_axis, found):
    """Find the last dimension that counts channels, best one that counts nothing else."""
    pure = [i for i in found if all([digit.is_channel for digit in dims[i]])]
    if pure:
        return pure[-1]
    mixed = [i for i in found if not _is_place(dims[i], by_axis)]
    return mixed[-1] if mixed else None


def _is_place(digits, by_axis):
    """Say whether one channel lies beside a whole axis, as after it was left out."""
    if size_of([digit for digit in digits if digit.is_channel]) != 1:
        return False
    return sum(bool(own) and set(own) <= set(digits) for own in by_axis) == 1


def new_digits(dims, dim, size, is_channel):
    """Return the one digit that a dimension gets; tensors of one shape share theirs.

    So what follows from digits is worked out once. A digit that was moved to another dimension
    is not given twice.

    Args:
        dims: the digits of all dimensions, ``None`` where there are none yet.
        dim: the dimension; ``size``, ``is_channel``: of its digit.
    """
    usual = _usual_digits(dim, size, is_channel)
    for other, digits in enumerate(dims):
        if digits and usual[0] in digits and other != dim:
            return (Digit(size, is_channel),)
    return usual


@lru_cache(maxsize=4096)
def _usual_digits(dim, size, is_channel):
    return (Digit(size, is_channel),)


def size_of(digits):
    """Return how many values digits take together, ``None`` if unknown."""
    if len(digits) == 1:
        return digits[0].size
    sizes = [digit.size for digit in digits]
    return None if None in sizes else prod(sizes)


def input_fields(shape, spatial, channels):
    """Return the tensor of the picture itself: position j sees position j.

    Args:
        shape: its shape, batch included, ``None`` where unknown.
        spatial: its dimensions that are axes to trace.
        channels: its dimensions that count channels.

    Returns:
        A :class:`TensorFields`.
    """
    dims = tuple(_usual_digits(dim, size, dim in channels) for dim, size in enumerate(shape))
    pictures = {size: whole_picture(size) for size in {shape[dim] for dim in spatial} - {None}}
    # Axes of one size share their numbers: what is alike is computed once.
    axes = tuple(AxisMap(dims[dim], INPUT, pictures.get(shape[dim])) for dim in spatial)
    return TensorFields(dims, axes)


def counts_pictures(digit):
    """Say whether a digit counts the pictures of a batch, wherever it was moved."""
    return digit is _usual_digits(0, digit.size, False)[0]


def pieces_in_batch(tensor):
    """Count the entries that one picture has in the batch, such as its windows; else ``None``."""
    return size_of([digit for digit in tensor.dims[0] if not counts_pictures(digit)])


class ChannelsMatter(Exception):
    """Channels that see different things become places: they must be followed one by one."""


#: As many units at most are compared with others' one by one; to share more saves nothing.
_MOST_COMPARED = 4096


class Memory:
    """Remembers, within one analysis, what came of reading the same fields in the same way.

    Args:
        each_channel: whether channels that see different things are followed one by one, even
            where no layer has made places of them.
    """

    def __init__(self, each_channel=False):
        self.each_channel = each_channel
        self._known, self._answers, self._seen, self._clipped = {}, {}, {}, {}
        #: Numbers of tensors in which what sees nothing is zero, as far as they are known.
        self.zero_where_dead = set()

    def answer(self, question, ask):
        """Return an answer, asking for it once; a question holds all that it depends on."""
        if question not in self._answers:
            self._answers[question] = ask()
        return self._answers[question]

    def read(self, axis, reads):
        """Read along an axis that depends on one digit; return its fields and what is seen."""
        key = (id(axis.fields), id(axis.seen), reads)
        if key not in self._known:
            seen = axis.seen and self._inside(axis.seen, reads)
            # The axis is kept too, so that no other object takes its place in memory.
            self._known[key] = axis, reading(axis.fields, reads), seen
        return self._known[key][1:]

    def _inside(self, seen, reads):
        """Return what is seen inside the picture; fields grow on where this is long the same."""
        _known(reads.size)
        key = id(seen), reads
        if key not in self._clipped:
            self._clipped[key] = seen, self.shared(clipped(seen, reads))
        return self._clipped[key][1]

    def shared(self, seen):
        """Return the one :class:`Clipped` of the same positions, so that alike is one object."""
        if seen.first.size > _MOST_COMPARED or 0 in seen.first.strides:
            return seen
        content = seen.first.tobytes(), seen.last.tobytes(), seen.first.shape
        return self._seen.setdefault(content, seen)


def _known(size):
    if size is None:
        raise SizeProblem("makes a number of units that is unknown: give input_size")
    return size


# Along one axis


def _changed(axis, digits, grid, ends):
    """Let an axis depend on other digits.

    Args:
        axis: an :class:`AxisMap`; ``digits``: the new ones.
        grid: does it to fields that can be counted with.
        ends: does it to the positions that are seen.
    """
    fields = axis.fields if has_none(axis.fields) else grid(axis.fields)
    return AxisMap(digits, fields, axis.seen and ends(axis.seen))


def _each(change, seen):
    """Change the array of first positions, and that of the last."""
    return Clipped(change(seen.first), change(seen.last))


def _behind(seen, place):
    """Put one digit behind the others."""
    return _each(lambda ends: np.moveaxis(ends, place, -1), seen)


def _with(digits, place, *new):
    return (*digits[:place], *new, *digits[place + 1 :])


def _read(axis, digit, made, reads, memory):
    """Let an axis be read along one of its digits."""
    if digit not in axis.digits:
        return axis
    # Channels do not go on: what each reads is listed, and no border is left aside.
    list_all = digit.is_channel and None not in (digit.size, made.size)
    if len(axis.digits) == 1 and not list_all:
        return AxisMap((made,), *memory.read(axis, reads))
    place = axis.digits.index(digit)

    def grid(fields):
        if list_all:
            return grid_fields.listed_along(fields, place, reads, digit.size)
        return grid_fields.read_along(fields, place, reads)

    def ends(seen):
        made = clipped(_behind(seen, place), reads)
        return _each(lambda ends: np.moveaxis(ends, -1, place), made)

    return _changed(axis, _with(axis.digits, place, made), grid, ends)


def _without(axis, digit, grid, ends):
    """Let an axis depend on one digit less: ``grid`` does it to fields, ``ends`` to positions."""
    if digit not in axis.digits:
        return axis
    place = axis.digits.index(digit)
    return _changed(
        axis,
        _with(axis.digits, place),
        lambda fields: grid(fields, place),
        lambda seen: ends(_behind(seen, place)),
    )


def contracted(axis, digit):
    """Let every unit read all along one digit."""
    if axis.digits == (digit,):
        if axis.seen is None:
            return AxisMap((), GLOBAL)
        return _seeing((), *map(int, everything_of(axis.seen)), ())
    return _without(
        axis,
        digit,
        lambda fields, place: grid_fields.contracted(fields, place, digit.size),
        everything_of,
    )


def _reading_all(axis, digits, new):
    """Let every unit read all along some digits; with units along ``new``, unless it is None."""
    if not any(digit in axis.digits for digit in digits):
        return axis
    for digit in digits:
        axis = contracted(axis, digit)
    # Units of an unknown number all see the same, and need not be counted.
    is_counted = new and (axis.seen is None or new.size is not None)
    return _spread_along(axis, new) if is_counted else axis


def _spread_along(axis, digit):
    """Let an axis be counted along one more digit, which changes nothing yet."""
    digits = [*axis.digits, digit]
    fields, seen = in_order(axis, digits)
    if seen is not None:
        shape = (*seen.first.shape[:-1], _known(digit.size))
        seen = Clipped(*(np.broadcast_to(ends, shape) for ends in seen))
    return AxisMap(tuple(digits), fields, seen)


def _chosen(axis, digit):
    """Stay at the first place along one digit."""
    first = partial(_each, itemgetter((..., 0)))
    return _without(axis, digit, grid_fields.chosen, first)


def _split(axis, digit, outer, inner):
    """Write one digit as two."""
    if digit not in axis.digits:
        return axis
    place = axis.digits.index(digit)

    def ends(seen):
        shape = _with(seen.first.shape, place, outer.size, inner.size)
        return _each(lambda ends: ends.reshape(shape), seen)

    digits = _with(axis.digits, place, outer, inner)
    return _changed(axis, digits, lambda f: grid_fields.split(f, place, inner.size), ends)


def _merged(axis, digits, made):
    """Count several digits as one. Every digit that the axis depends on may be among others."""
    if not any(digit in axis.digits for digit in digits):
        return axis
    others = [digit for digit in axis.digits if digit not in digits]
    sizes, shape = [digit.size for digit in digits], [digit.size for digit in others]
    if None in (sizes[1:] if axis.seen is None else (*sizes, *shape)):
        raise SizeProblem(
            "reads along a dimension that a reshape made of parts of unknown size: give input_size"
        )

    def ends(seen):
        return _each(lambda e: np.broadcast_to(e, (*shape, *sizes)).reshape(*shape, -1), seen)

    apart = AxisMap((), *in_order(axis, [*others, *digits]))
    return _changed(
        apart, (*others, made), lambda f: grid_fields.merged(f, len(others), sizes), ends
    )


def in_order(axis, digits):
    """Return fields and positions of an axis with its digits in an order, others among them."""
    if tuple(digits) == axis.digits:
        return axis.fields, axis.seen
    places = [digits.index(digit) for digit in axis.digits]
    fields, seen = axis.fields, axis.seen
    if not has_none(fields):
        fields = grid_fields.with_digits(fields, places, len(digits))
    if seen is not None:
        order = np.argsort(places)
        others = [i for i in range(len(digits)) if i not in places]
        seen = Clipped(*(np.expand_dims(ends.transpose(order), others) for ends in seen))
    return fields, seen


def compact(axes):
    """Leave out of each axis the digits along which it does not change, if another has them."""
    if all([len(axis.digits) < 2 for axis in axes]):
        return axes
    for place, axis in enumerate(axes):
        if len(axis.digits) < 2:
            continue
        others = {d for i, each in enumerate(axes) if i != place for d in each.digits}
        for digit in axis.digits:
            if digit in others and not _changes_along(axis, axis.digits.index(digit)):
                axis = _chosen(axis, digit)
        axes = (*axes[:place], axis, *axes[place + 1 :])
    return _sharing(axes)


def _sharing(axes):
    """Let axes of one digit along which the same is seen share it again: it is followed once."""
    first, *others = axes
    return (first, *(_like(axis, first) if _sees_as(axis, first) else axis for axis in others))


def _like(axis, other):
    return AxisMap(axis.digits, other.fields, other.seen, axis.misalignment)


def _sees_as(axis, other):
    same = len(axis.digits) == len(other.digits) == 1 and axis.fields == other.fields
    ends = axis.seen, other.seen
    return same and (ends[0] is ends[1] or (None not in ends and _same_ends(*ends)))


def _changes_along(axis, place):
    grid = axis.fields if isinstance(axis.fields, GridFields) else None
    if grid and (grid.steps[place] or grid.periods[place] > 1):
        return True
    if axis.seen is None:
        return isinstance(axis.fields, Uneven)
    return any((ends != ends.take([0], axis=place)).any() for ends in axis.seen)


# The whole tensor


def read_along_dims(tensor, reads_by_dim, rank, memory, hold=()):
    """Let a tensor be read along its dimensions.

    Args:
        tensor: a :class:`TensorFields`.
        reads_by_dim: dictionary from a dimension to the
            :class:`~labkit.receptive_field.reads.Reads` along it.
        rank: number of dimensions of the output, batch included.
        memory: a :class:`Memory`.
        hold: dimensions to count along, though nothing depends on them yet.

    Returns:
        The digits of each dimension of the output, ``None`` where no dimension was read into
        it; and one :class:`AxisMap` per axis.
    """
    dims, axes = [None] * rank, tensor.axes
    if rank and tensor.dims and 0 not in reads_by_dim:
        dims[0] = tensor.dims[0]
    for dim, reads in reads_by_dim.items():
        digits = tensor.dims[dim]
        is_counted = dim in tensor.held or dim in hold
        if reads.dim is None and not is_counted:
            continue
        if reads.size != tensor.shape[dim] or not reads.is_one_to_one or reads.dim is None:
            new = _read_digits(tensor.dims, dim, reads)
            if is_counted:
                axes = _along_dim(digits, new[0], axes, reads, memory, dim in hold)
            digits = new
        if reads.dim is not None:
            dims[reads.dim] = digits
    return dims, compact(axes)


def along_plain_axes(axes, read, memory):
    """Let axes of one digit at most be read, without a look at the dimensions.

    Args:
        axes: those of a tensor that is plain.
        read: dictionary from a digit to the new one and the
            :class:`~labkit.receptive_field.reads.Reads`; the others stay as they are.
        memory: a :class:`Memory`.

    Returns:
        A tuple of :class:`AxisMap`.
    """
    if not read:
        return axes
    made = []
    for axis in axes:
        digit = axis.digits[0] if axis.digits else None
        made.append(_read(axis, digit, *read[digit], memory) if digit in read else axis)
    return tuple(made)


def _read_digits(dims, dim, reads):
    """Return the digits of what is read of a dimension: channels, if it counts nothing else."""
    is_channel = bool(dims[dim]) and all([digit.is_channel for digit in dims[dim]])
    if reads.dim == dim:
        return new_digits(dims, dim, reads.size, is_channel)
    return (Digit(reads.size, is_channel),)


def _along_dim(digits, new, axes, reads, memory, hold):
    """Let the digits of a dimension be read, into a new one; return the axes."""
    if reads.offsets is None:
        return tuple([_reading_all(axis, digits, reads.dim is not None and new) for axis in axes])
    made, axes = in_one_digit(digits, axes)
    if hold and not any(made in axis.digits for axis in axes):
        axes = (_spread_along(axes[0], made), *axes[1:])
    axes = tuple([_read(axis, made, new, reads, memory) for axis in axes])
    if reads.dim is None:
        if reads.size != 1:
            raise UnreadableLayer(f"leaves {reads.size} units without a dimension")
        axes = tuple(_chosen(axis, new) for axis in axes)
    return axes


def in_one_digit(digits, axes):
    """Count the digits of one dimension as one; return that one and the axes."""
    if len(digits) == 1:
        return digits[0], axes
    made = Digit(size_of(digits), any(digit.is_channel for digit in digits))
    axes = tuple(_merged(axis, list(digits), made) for axis in axes)
    return made, _dead_together(axes, made)


# Units that see nothing


def _dead_together(axes, digit):
    """Make units see nothing along any axis that depends on a digit if they do along one."""
    concerned = [axis for axis in axes if digit in axis.digits]
    dead = [axis for axis in concerned if axis.has_dead]
    if not dead or len(concerned) < 2:
        return axes
    return tuple(_masked(axis, dead) if axis in concerned else axis for axis in axes)


def _masked(axis, dead):
    """Let an axis know of the units that see nothing along others."""
    dead = [_dead_part(each) for each in dead if each is not axis]
    if not dead or axis.is_dead:
        return axis
    digits = list(dict.fromkeys(d for each in (axis, *dead) for d in each.digits))
    (fields, seen), *others = [in_order(each, digits) for each in (axis, *dead)]
    if not has_none(fields):
        fields = grid_fields.masked(fields, [f for f, _ in others if not has_none(f)])
    if any([ends is None for _, ends in others]):
        # Which units see nothing along an axis of unknown size cannot be listed.
        seen = None
    if seen is not None:
        gone = np.zeros((1,) * len(digits), bool)
        for _, ends in others:
            gone = gone | (ends.first > ends.last)
        seen = Clipped(np.where(gone, NOWHERE, seen.first), np.where(gone, -NOWHERE, seen.last))
        seen = Clipped(*(np.broadcast_to(ends, [d.size for d in digits]) for ends in seen))
    return AxisMap(tuple(digits), fields, seen)


def _dead_part(axis):
    """Leave out the digits on which it does not depend whether units see nothing."""
    for digit in axis.digits:
        place = axis.digits.index(digit)
        grid = None if has_none(axis.fields) else axis.fields
        if grid and grid_fields.emptiness_changes_along(grid, place):
            continue
        gone = None if axis.seen is None else axis.seen.first > axis.seen.last
        if gone is None or (gone == gone.take([0], axis=place)).all():
            axis = _chosen(axis, digit)
    return axis


def silenced_by(factors, made):
    """Let units of a product see nothing where one of its factors, which is zero there, does.

    Args:
        factors: a :class:`TensorFields` for each factor; they broadcast as Keras' do.
        made: the product, as if its factors were added.

    Returns:
        A :class:`TensorFields`; ``None`` if a factor counts its units in another way.
    """
    dead = []
    for tensor in factors:
        new, axes = {}, [axis for axis in tensor.axes if axis.has_dead]
        for own, common in zip(reversed(tensor.dims), reversed(made.dims), strict=False):
            if size_of(own) == 1 != size_of(common):
                for digit in own:
                    axes = [_chosen(axis, digit) for axis in axes]
                continue
            if len(common) == 1 < len(own):
                digit, axes = in_one_digit(own, axes)
                own = (digit,)
            if [digit.size for digit in own] != [digit.size for digit in common]:
                return None
            new.update(zip(own, common, strict=True))
        dead += [renamed(axis, new) for axis in axes]
    return replace(made, axes=compact(tuple(_masked(axis, dead) for axis in made.axes)))


# New places


def rearranged(tensor, moves):
    """Give the values of a tensor new places.

    Args:
        tensor: a :class:`TensorFields`.
        moves: as in :class:`~labkit.receptive_field.reads.Rearranged`.

    Returns:
        A :class:`TensorFields`.
    """
    dims, axes = tensor.dims, tensor.axes
    for move in moves:
        if isinstance(move, Reshaped):
            dims, axes = _reshaped(dims, axes, move.shape)
        else:
            dims = tuple(dims[dim] for dim in move.order)
    made = TensorFields(dims, compact(axes), tensor.mixed)
    others = [digit for i, dim in enumerate(dims) for digit in dim if i != made.channel_dim]
    if made.mixed and any(digit.is_channel for digit in others):
        raise ChannelsMatter
    return made


def _reshaped(dims, axes, shape):
    """Share the digits of all dimensions out among those of a new shape."""
    if shape and shape[0] is None:
        inner, axes = _reshaped(dims[1:], axes, shape[1:])
        return (dims[0], *inner), axes
    shape = _completed(tuple(map(size_of, dims)), shape)
    left = [digit for digits in dims for digit in digits]
    behind, ahead = [], []
    opening = shape.index(-1) if -1 in shape else 0
    for size in reversed(shape[opening:][1:] if -1 in shape else shape):
        taken, left, axes = _take(left, size, axes, behind=True)
        behind.insert(0, taken)
    if -1 in shape:
        for size in shape[:opening]:
            taken, left, axes = _take(left, size, axes, behind=False)
            ahead.append(taken)
        return (*ahead, tuple(left), *behind), axes
    if behind:
        # What is left has size 1, or there is no place for it.
        behind[0] = (*left, *behind[0])
    if behind and not behind[-1]:
        # A last dimension of one entry is a channel, as Keras has it.
        behind[-1] = (Digit(1, is_channel=True),)
    return tuple(behind), axes


_OPEN = "reshapes a dimension of unknown size: give input_size"


def _completed(read, shape):
    """Put the size for -1 where it can be told; refuse what does not fit."""
    if None in shape:
        raise SizeProblem(_OPEN)
    known = None not in read
    others = prod(size for size in shape if size != -1)
    if known and (prod(read) % others if -1 in shape else prod(read) != others):
        raise SizeProblem(f"is built for another size of input: {read} does not fit {shape}")
    if known and -1 in shape:
        return tuple(prod(read) // others if size == -1 else size for size in shape)
    return shape


def _take(digits, size, axes, behind):
    """Take digits from one end until they count to a size, splitting what is too large.

    Returns:
        The digits taken, those left, and the axes.
    """
    digits, taken = list(digits), []
    end = -1 if behind else 0
    if size == 1 and digits and digits[end].size == 1:
        # A dimension of one entry stays itself, and what it counts, such as channels.
        return (digits.pop(end),), digits, axes
    while size > 1:
        digit = _next(digits, size, end)
        if size % digit.size == 0:
            size //= digit.size
            taken.append(digit)
            continue
        if digit.size % size:
            other = _next(digits, size, end)
            both = (other, digit) if behind else (digit, other)
            digit, axes = in_one_digit(both, axes)
            digits.insert(len(digits) if behind else 0, digit)
            continue
        pair, axes = _halves(digit, size, axes, behind)
        digits.insert(len(digits) if behind else 0, pair[0])
        taken.append(pair[1])
        size = 1
    return tuple(reversed(taken) if behind else taken), digits, axes


def _next(digits, size, end):
    """Take a digit from one end of a list; it must be there, and its size known."""
    if not digits:
        raise SizeProblem(f"is built for another size of input: no {size} are left")
    digit = digits.pop(end)
    if digit.size is None and counts_pictures(digit):
        raise UnreadableLayer("reshapes a batch of which it is not known what it holds")
    if digit.size is None:
        raise SizeProblem(_OPEN)
    return digit


def _halves(digit, size, axes, behind):
    """Split a digit; return what is left of it, what is taken, and the axes."""
    rest = Digit(digit.size // size, digit.is_channel)
    taken = Digit(size, digit.is_channel)
    outer, inner = (rest, taken) if behind else (taken, rest)
    return (rest, taken), tuple(_split(axis, digit, outer, inner) for axis in axes)


# Several inputs


def joined(branches, alone, memory):
    """Join what one call reads of several inputs, which broadcast as Keras' do.

    Args:
        branches: for each input what :func:`read_along_dims` returns.
        alone: whether each unit reads of one of them only, as after joining end to end.
        memory: a :class:`Memory`.

    Returns:
        The digits of each dimension, ``None`` where no input has one; one :class:`AxisMap`
        per axis.
    """
    dims = branches[0][0]
    if any([other != dims for other, _ in branches]):
        branches = [(list(dims), axes) for dims, axes in _told_apart(branches)]
        dims = [_common_digits(branches, dim) for dim in range(len(dims))]
    by_branch = [axes for _, axes in branches]
    different = {_what_is_seen(axis): axis for axes in by_branch for axis in axes}
    if any([axis.has_dead for axis in different.values()]):
        by_branch = _with_dead_paths(by_branch)
    return dims, compact(tuple(_unions(zip(*by_branch, strict=True), alone, memory)))


def _told_apart(branches):
    """Give a digit that two inputs have in different dimensions another name in the second.

    So it is where a tensor meets itself transposed, as queries meet keys.
    """
    home = {}
    for dims, axes in branches:
        there = [(digit, dim) for dim, digits in enumerate(dims) for digit in digits or ()]
        new = {d: Digit(d.size, d.is_channel) for d, dim in there if home.setdefault(d, dim) != dim}
        if not new:
            yield dims, axes
            continue
        renewed = [digits and tuple(new.get(d, d) for d in digits) for digits in dims]
        yield renewed, tuple(renamed(axis, new) for axis in axes)


def spread(dims, axes, shape):
    """Repeat what has one place where inputs that are not traced have more, as Keras does.

    Args:
        dims, axes: as :func:`read_along_dims` returns them.
        shape: of the output, batch included.

    Returns:
        The digits of each dimension, and the axes.
    """
    dims = list(dims)
    for dim, size in enumerate(shape):
        digits = dims[dim]
        if dim and digits is not None and size_of(digits) == 1 != size:
            for digit in digits:
                axes = tuple(_chosen(axis, digit) for axis in axes)
            dims[dim] = (Digit(size, any(digit.is_channel for digit in digits)),)
    return dims, axes


def _common_digits(branches, dim):
    """Bring the branches to the same digits along a dimension; return those."""
    first = branches[0][0][dim]
    if all([dims[dim] is first for dims, _ in branches]):
        return first
    there = [i for i, (dims, _) in enumerate(branches) if dims[dim] is not None]
    size = _common_size({size_of(branches[i][0][dim]) for i in there})
    whole = [i for i in there if size_of(branches[i][0][dim]) == size]
    _count_alike(branches, dim, whole)
    common = branches[whole[0]][0][dim]
    for i in there:
        own = branches[i][0][dim]
        if own is common:
            continue
        if i in whole:
            new = dict(zip(own, common, strict=True))
            axes = tuple(renamed(axis, new) for axis in branches[i][1])
        else:
            axes = branches[i][1]
            for digit in own:
                axes = tuple(_chosen(axis, digit) for axis in axes)
        branches[i] = branches[i][0], axes
    return common


def _common_size(sizes):
    known = sizes - {None, 1}
    if len(known) > 1:
        raise SizeProblem(
            f"joins paths of {' and '.join(map(str, sorted(known)))} positions: "
            "this size of input does not fit the model"
        )
    if None in sizes:
        return None if not known else next(iter(known))
    return next(iter(known), 1)


def _count_alike(branches, dim, whole):
    """Count in one digit what the branches write in different ones."""
    sizes = {tuple(d.size for d in branches[i][0][dim]) for i in whole}
    if len(sizes) < 2:
        return
    for i in whole:
        dims, axes = branches[i]
        # Windows are counted through, pictures of unknown number that hold them are not.
        first, *others = dims[dim] or (None,)
        kept = int(bool(others) and first.size is None and counts_pictures(first))
        digit, axes = in_one_digit(dims[dim][kept:], axes)
        branches[i] = [*dims[:dim], (*dims[dim][:kept], digit), *dims[dim + 1 :]], axes


def renamed(axis, new):
    """Let an axis depend on other digits of the same sizes: ``new`` gives each its stand-in."""
    digits = tuple(new.get(digit, digit) for digit in axis.digits)
    if digits == axis.digits:
        return axis
    return AxisMap(digits, axis.fields, axis.seen, axis.misalignment)


def _with_dead_paths(by_branch):
    """Let the axes of each branch know of its units that see nothing, where it matters."""
    alike = [_all_alike(axes) for axes in zip(*by_branch, strict=True)]
    return [
        tuple(
            axis if same else _masked(axis, [each for each in axes if each.has_dead])
            for axis, same in zip(axes, alike, strict=True)
        )
        for axes in by_branch
    ]


def _all_alike(axes):
    first, *others = axes
    return all(
        axis.digits == first.digits
        and axis.fields == first.fields
        and (axis.seen is first.seen or _same_ends(axis.seen, first.seen))
        for axis in others
    )


def _same_ends(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _what_is_seen(axis):
    """Tell what axes have in common along which the same is seen, as in square pictures."""
    return id(axis.fields), id(axis.seen)


def _unions(columns, alone, memory):
    """Join axis by axis; axes of one digit along which the same is seen are joined once."""
    known = {}
    for axes in columns:
        digits = axes[0].digits
        simple = len(digits) == 1 and all([axis.digits == digits for axis in axes])
        key = tuple(map(_what_is_seen, axes)) if simple else axes
        if key not in known:
            known[key] = _union(axes, alone, memory)
        made = known[key]
        yield made if key is axes else AxisMap(digits, made.fields, made.seen, made.misalignment)


def _union(axes, alone, memory):
    """Join what several inputs see along one axis."""
    digits = list(dict.fromkeys(digit for axis in axes for digit in axis.digits))
    if all(list(axis.digits) == digits for axis in axes):
        pairs = [(axis.fields, axis.seen) for axis in axes]
    else:
        pairs = [in_order(axis, digits) for axis in axes]
    fields = [pair[0] for pair in pairs]
    seen = None
    if all([pair[1] is not None for pair in pairs]):
        seen = memory.shared(_joint_ends([pair[1] for pair in pairs]))
    if alone:
        united = Uneven("joins its inputs end to end")
    elif any(isinstance(each, GridFields) for each in fields) and not any(map(has_none, fields)):
        united = grid_fields.union_of_grids(fields, [digit.size for digit in digits])
    else:
        united = union(fields)
    return AxisMap(tuple(digits), united, seen, _apart(fields))


_TOGETHER = Fraction(0)


def _apart(found):
    """Return the distance between the outermost centres of unit 0."""
    first = [f.fields[0] for f in found if not has_none(f) and f.fields[0]]
    twice = [field.first + field.last for field in first]
    apart = max(twice) - min(twice) if twice else 0
    return Fraction(apart, 2) if apart else _TOGETHER


def _joint_ends(found):
    first, *others = found
    for other in others:
        if other is not first:
            first = _joint_pair(first, other)
    return first


def _joint_pair(one, other):
    """Join what two paths see; where one of them sees the same everywhere, and all, keep it so."""
    for wide, narrow in ((one, other), (other, one)):
        ends = _of_all(wide)
        if ends and ends[0] <= narrow.first.min() and ends[1] >= narrow.last.max():
            shape = np.broadcast_shapes(wide.first.shape, narrow.first.shape)
            return _everywhere(*ends, shape)
    return Clipped(np.minimum(one.first, other.first), np.maximum(one.last, other.last))


def _of_all(seen):
    """Return first and last if all units share one entry of memory and see something."""
    steps = zip(seen.first.strides, seen.first.shape, strict=True)
    if any([step for step, size in steps if size > 1]) or not seen.first.size:
        return None
    place = (0,) * seen.first.ndim
    ends = Clipped(int(seen.first[place]), int(seen.last[place]))
    return ends if ends.first <= ends.last else None


# Tensors of which every unit sees the same


def seen_by_all(tensor):
    """Return what every unit sees along each axis, ``None`` if they do not all see everything.

    Args:
        tensor: a :class:`TensorFields`.

    Returns:
        A list of pairs (first, last).
    """
    found = []
    for axis in tensor.axes:
        if axis.fields is not GLOBAL or not axis.seen_by_all:
            return None
        found.append(axis.seen_by_all)
    return found


def seeing_all(tensor, ends):
    """Let every unit see the same.

    Args:
        tensor: a :class:`TensorFields`, whose places are kept.
        ends: as from :func:`seen_by_all`.

    Returns:
        A :class:`TensorFields`; ``None`` if some units of the tensor see nothing.
    """
    axes = []
    for axis, pair in zip(tensor.axes, ends, strict=True):
        if axis.has_dead:
            return None
        axes.append(_seeing(axis.digits, *pair, axis.seen.first.shape))
    # The digits stay, and with them all that is worked out from them.
    made = object.__new__(TensorFields)
    made.__dict__.update(tensor.__dict__, axes=tuple(axes))
    return made


@lru_cache(maxsize=256)
def _seeing(digits, first, last, shape):
    return AxisMap(digits, GLOBAL, _everywhere(first, last, shape))


@lru_cache(maxsize=256)
def _everywhere(first, last, shape):
    ends = np.array([first, last], np.int32)
    return Clipped(*(np.broadcast_to(end, shape) for end in ends))
