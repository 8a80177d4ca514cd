"""Which positions of its input a unit reads, along one axis.

Everything a layer can do to an axis is one rule: unit j reads the positions
(stride · j + offset) / divisor, for every offset in a fixed set for which that is a
whole number inside the input.

=====================  ==========================================  ======  =======
layer                  offsets                                     stride  divisor
=====================  ==========================================  ======  =======
convolution, pooling   −padding, −padding + dilation, ...           s       1
cropping, padding      one: +cropping, −padding                     1       1
transposed conv.       padding − dilation · (0, ..., kernel − 1)    1       s
repeating f times      −(f − 1), ..., 0                             1       f
=====================  ==========================================  ======  =======

What no such formula says is listed, unit by unit: causal attention, joining end to end, rolling.
What gives the same values new places, such as a reshape, is a :class:`Rearranged`.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np


class UnreadableLayer(ValueError):
    """A layer's effect on an axis cannot be told; the message says why, without its name."""


class Silenced(UnreadableLayer):
    """A constant silences units, whatever dimension they lie along; the message says how."""


class SizeProblem(UnreadableLayer):
    """A size of the input is missing or does not fit; the message says what to give."""


@dataclass(frozen=True)
class Axis:
    """One axis of the tensor that a layer reads, as its rule sees it.

    Args:
        dim: dimension of the tensor that holds the axis, batch = 0.
        shape: sizes of all dimensions, batch included, ``None`` where unknown.
        call: the :class:`~labkit.receptive_field.model_graph.Call`.
        input: which of the call's input tensors this is, 0 the first.
        output: which of its outputs is asked about, 0 the first.
        shapes: shapes of all input tensors of the call, at the size of input analysed.
        turn: which of several answers is asked for, 0 the first: see :class:`Reads`.
    """

    dim: int
    shape: tuple
    call: object = field(default=None, repr=False, compare=False)
    input: int = 0
    output: int = 0
    shapes: tuple = field(default=(), repr=False, compare=False)
    turn: int = 0

    @property
    def made(self):
        """Shape that Keras gives the output asked about, batch included."""
        return self.call.output_shapes[self.output]

    @property
    def size(self):
        """Number of positions, ``None`` if unknown."""
        return self.shape[self.dim]

    @property
    def rank(self):
        """Number of dimensions of the tensor, batch included."""
        return len(self.shape)

    def spatial(self, data_format):
        """Return the place of this axis among the layer's spatial axes, 0 the first.

        Args:
            data_format: ``"channels_last"`` or ``"channels_first"``.

        Returns:
            An integer, or ``None`` if the layer takes this axis for its channels.
        """
        first = 2 if data_format == "channels_first" else 1
        place = self.dim - first
        return place if 0 <= place < self.rank - 2 else None


@dataclass(frozen=True)
class Reads:
    """The positions that each unit reads along one axis.

    Args:
        offsets: a ``range``, or a tuple of integers and ranges; ``None``: every position there
            is.
        size: number of units, ``None`` if unknown or if no unit has a place any more.
        stride: integer, below 0 where units walk backwards.
        divisor: positive integer.
        dim: dimension of the output that holds the axis; ``None``: none does.
        listed: a :class:`Listed`, where borders make units read what the formula does not say.
        uneven: why no formula holds for all units, even far from the borders; then ``listed``
            alone counts.
        alone: whether a unit that reads this input reads no other, as after joining end to end.
        differing: whether each unit reads other dimensions in its own way, as channels do by a
            kernel that is zero for some of them.
        turns: how often the rule is to be asked, where a unit reads all that several answers say,
            such as the rows of a cross.
    """

    offsets: range | tuple | None
    size: int | None
    stride: int = 1
    divisor: int = 1
    dim: int | None = field(default=None, compare=False)
    listed: "Listed | None" = field(default=None, repr=False)
    uneven: str | None = field(default=None, repr=False)
    alone: bool = field(default=False, repr=False)
    differing: bool = field(default=False, repr=False)
    turns: int = field(default=1, repr=False)

    def __hash__(self):
        return self._hash

    @cached_property
    def _hash(self):
        # Asked for at every layer that reads in this way.
        return hash((self.offsets, self.size, self.stride, self.divisor, self.listed, self.uneven))

    @cached_property
    def is_one_to_one(self):
        """Whether unit j reads position j and no other; a border may still come or go."""
        plain = self.stride == self.divisor == 1 and self.listed is None
        return plain and self.offsets == _NONE_BUT_ITSELF and not (self.alone or self.differing)

    @property
    def runs(self):
        """The offsets as ranges."""
        if isinstance(self.offsets, range):
            return (self.offsets,)
        return tuple(o if isinstance(o, range) else range(o, o + 1) for o in self.offsets)


@dataclass(frozen=True, eq=False)
class Listed:
    """First and last position that each unit reads; nothing where the first is above the last.

    Args:
        first: integer array, one entry per unit; ``last``: the same.
    """

    first: np.ndarray
    last: np.ndarray


@dataclass(frozen=True)
class Rearranged:
    """The same values at new places: what reshaping and permuting do to a whole tensor.

    A rule that returns one speaks for all axes, and is asked once.

    Args:
        moves: tuple of :class:`Reshaped` and :class:`Transposed`, the first one first.

    Example:
        >>> # Four channels become a square of two by two pixels.
        >>> Rearranged((Reshaped((None, 8, 8, 2, 2)), Transposed((0, 1, 3, 2, 4)),
        ...             Reshaped((None, 16, 16))))
        Rearranged(moves=(Reshaped(shape=(None, 8, 8, 2, 2)), ...
    """

    moves: tuple


@dataclass(frozen=True)
class Reshaped:
    """Values in their order, in another shape.

    Args:
        shape: all sizes, batch included. ``None`` in the first places leaves those dimensions
            as they are, such as the batch; -1 stands once for what remains.
    """

    shape: tuple


@dataclass(frozen=True)
class Transposed:
    """Dimensions in another order: dimension i of the output is ``order[i]`` of the input."""

    order: tuple


_NONE_BUT_ITSELF = range(1)


def one_to_one(axis, dim=None):
    """Let unit j read position j: the rule of every element-wise layer.

    Args:
        axis: the :class:`Axis`.
        dim: dimension of the output that holds the axis; default: the same.

    Returns:
        A :class:`Reads`.
    """
    return _one_to_one(axis.size, axis.dim if dim is None else dim)


@lru_cache(maxsize=4096)
def _one_to_one(size, dim):
    # Most layers of a network say this, so each is made once.
    return Reads(_NONE_BUT_ITSELF, size, dim=dim)


def everything(axis, size=None, dim=None):
    """Let every unit read all positions: global pooling, attention, dense after flatten.

    Args:
        axis: the :class:`Axis`.
        size: number of units along the axis that remain; default: unknown.
        dim: dimension of the output that holds them; default: none.

    Returns:
        A :class:`Reads`.
    """
    return _everything(size, dim)


@lru_cache(maxsize=4096)
def _everything(size, dim):
    return Reads(None, size, dim=dim)


def nothing(axis, units=None, dim=None):
    """Let no unit read anything: a query that has one key alone to choose, say.

    Args:
        axis: the :class:`Axis`.
        units: number of units; default: one for each position.
        dim: dimension of the output that holds the axis; default: the same.

    Returns:
        A :class:`Reads`.
    """
    units, dim = axis.size if units is None else units, axis.dim if dim is None else dim
    if units is None:
        return Reads((), None, dim=dim)
    return Reads((), units, dim=dim, listed=Listed(np.ones(units, int), np.zeros(units, int)))


def past(axis, dim=None, units=None):
    """Let unit t read positions 0 to t: recurrence, causal attention, a cumulative sum.

    Args:
        axis: the :class:`Axis`.
        dim: dimension of the output that holds the axis; default: the same.
        units: number of units; default: one for each position.

    Returns:
        A :class:`Reads`.
    """
    why = "each unit reads everything before it"
    if axis.size is None:
        return Reads((), units, dim=axis.dim if dim is None else dim, uneven=why)
    last = np.arange(axis.size if units is None else units)
    return listed(axis, 0 * last, last, why, dim)


def future(axis, dim=None, *, in_order_of_steps=False):
    """Let unit t read positions t to the last: what recurrence backwards has seen there.

    Args:
        axis: the :class:`Axis`.
        dim: dimension of the output that holds the axis; default: the same.
        in_order_of_steps: whether unit 0 is that of the last position, which comes first.

    Returns:
        A :class:`Reads`.
    """
    why = "each unit reads everything behind it"
    if axis.size is None:
        return Reads((), None, dim=axis.dim if dim is None else dim, uneven=why)
    first = np.arange(axis.size)[:: -1 if in_order_of_steps else 1]
    return listed(axis, first, np.full_like(first, axis.size - 1), why, dim)


def listed(axis, first, last, why, dim=None):
    """Say unit by unit what is read, where no formula does: rolling, taking by index.

    Args:
        axis: the :class:`Axis`.
        first: first position that each unit reads, a sequence of integers; ``last``: the last.
            All between are read; none where ``first`` is above ``last``.
        why: why no formula holds, as a clause, such as ``"takes positions by index"``.
        dim: dimension of the output that holds the axis; default: the same.

    Returns:
        A :class:`Reads`.

    Example:
        >>> rolled = listed(Axis(1, (None, 4, 1)), [3, 0, 1, 2], [3, 0, 1, 2], "rolls around")
        >>> rolled.size
        4
    """
    first, last = np.asarray(first, dtype=np.int64), np.asarray(last, dtype=np.int64)
    dim = axis.dim if dim is None else dim
    return Reads((), len(first), dim=dim, listed=Listed(first, last), uneven=why)


def flipped(axis, dim=None):
    """Let units walk backwards: unit 0 reads the last position.

    Args:
        axis: the :class:`Axis`, of known size.
        dim: dimension of the output that holds the axis; default: the same.

    Returns:
        A :class:`Reads`.
    """
    if axis.size is None:
        raise SizeProblem("walks an axis of unknown size backwards: give input_size")
    return Reads((axis.size - 1,), axis.size, -1, dim=axis.dim if dim is None else dim)


def part(axis, start, size, dim=None):
    """Place an axis from unit ``start`` on among others: the rule of joining end to end.

    Args:
        axis: the :class:`Axis`.
        start: the unit that reads position 0.
        size: number of units in all, ``None`` if unknown.
        dim: dimension of the output that holds them; default: the same.

    Returns:
        A :class:`Reads`.
    """
    return Reads((-start,), size, dim=axis.dim if dim is None else dim, alone=True)


def window(axis, kernel, stride=1, dilation=1, padding="valid"):
    """Let unit j read a window: the rule of convolution and pooling.

    Args:
        axis: the :class:`Axis`.
        kernel: number of positions read, at least 1.
        stride: steps between windows, at least 1.
        dilation: steps inside a window, at least 1.
        padding: ``"valid"``, ``"same"``, ``"causal"``, or a pair (before, after) of integers,
            where a negative one crops.

    Returns:
        A :class:`Reads`.

    Raises:
        UnreadableLayer: if ``"same"`` padding depends on a size that is unknown.

    Example:
        >>> window(Axis(1, (None, 10, 3)), kernel=3, stride=2, padding="same")
        Reads(offsets=range(0, 3), size=5, stride=2, divisor=1, dim=1)
    """
    extent = (kernel - 1) * dilation + 1
    before, after = _padding(padding, axis.size, extent, stride)
    size = None if axis.size is None else (axis.size + before + after - extent) // stride + 1
    return _windowed(range(-before, extent - before, dilation), size, stride, axis.dim)


@lru_cache(maxsize=4096)
def _windowed(offsets, size, stride, dim):
    return Reads(offsets, size, stride, dim=dim)


def widened(reads, before, after, size):
    """Let each unit read what its neighbours read too, those that there are.

    Args:
        reads: the :class:`Reads` of a window.
        before: number of neighbours before it; ``after``: of those behind it.
        size: number of positions that are read, ``None`` if unknown.

    Returns:
        A :class:`Reads`.

    Example:
        >>> widened(window(Axis(1, (None, 9, 1)), kernel=3), 1, 1, 9).offsets
        range(-1, 4)
    """
    offsets = sorted(
        {reads.stride * n + o for n in range(-before, after + 1) for o in reads.offsets}
    )
    steps = set(np.diff(offsets).tolist())
    hull = range(offsets[0], offsets[-1] + 1, *steps) if len(steps) == 1 else tuple(offsets)
    result = replace(reads, offsets=hull)
    if size is None:
        return result
    units = np.arange(reads.size)
    first = reads.stride * np.maximum(units - before, 0) + min(reads.offsets)
    last = reads.stride * np.minimum(units + after, reads.size - 1) + max(reads.offsets)
    return replace(result, listed=Listed(np.maximum(first, 0), np.minimum(last, size - 1)))


def _padding(padding, size, extent, stride):
    """Return the positions added (before, after) the axis."""
    if not isinstance(padding, str):
        return padding
    match padding:
        case "valid":
            return 0, 0
        case "causal":
            return extent - 1, 0
        case "same":
            return _same_padding(size, extent, stride)
    raise UnreadableLayer(f"has padding {padding!r}, and only valid, same and causal are known")


def _same_padding(size, extent, stride):
    """Pad as TensorFlow does: ceil(size / stride) units, the odd position behind."""
    if stride == 1:
        total = extent - 1
    elif size is None:
        raise SizeProblem(
            "pads 'same' with a stride above 1, which depends on the size of the input: "
            "give it, for example input_size=224"
        )
    else:
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def transposed_window(axis, kernel, stride=1, dilation=1, padding="valid", output_padding=None):
    """Let position i spread over a window: the rule of transposed convolution.

    Args:
        axis: the :class:`Axis`.
        kernel: number of units that a position reaches, at least 1.
        stride: units between neighbouring positions, at least 1.
        dilation: steps inside the window, at least 1.
        padding: ``"valid"`` or ``"same"``, as Keras defines them.
        output_padding: units added behind, ``None`` for Keras' own choice.

    Returns:
        A :class:`Reads`.

    Example:
        >>> transposed_window(Axis(1, (None, 5, 3)), kernel=4, stride=2, padding="same")
        Reads(offsets=range(-2, 2), size=10, stride=1, divisor=2, dim=1)
    """
    extent = (kernel - 1) * dilation + 1
    if padding == "same":
        added = stride if output_padding is None else extent % 2 + output_padding
        before = max(extent - added, 0) // 2
    else:
        added = max(extent, stride) if output_padding is None else extent + output_padding
        before = 0
    size = None if axis.size is None else (axis.size - 1) * stride + added
    offsets = range(before - extent + 1, before + 1, dilation)
    return Reads(offsets, size, 1, stride, dim=axis.dim)


def repeat(axis, times):
    """Let each position become several units: the rule of nearest upsampling.

    Args:
        axis: the :class:`Axis`.
        times: units per position, at least 1.

    Returns:
        A :class:`Reads`.
    """
    size = None if axis.size is None else axis.size * times
    return Reads(range(1 - times, 1), size, 1, times, dim=axis.dim)


def adaptive_pool(axis, size):
    """Divide an axis into a given number of bins: the rule of adaptive pooling.

    Bin j runs from floor(j · n / size) to ceil((j + 1) · n / size).

    Args:
        axis: the :class:`Axis`.
        size: number of bins, at least 1.

    Returns:
        A :class:`Reads`.
    """
    if axis.size is None:
        raise SizeProblem("has bins that depend on the size of the input: give input_size")
    return Reads(range(1 - size, axis.size), size, axis.size, size, dim=axis.dim)


#: Reach of an interpolation on either side, in positions of the input.
_REACH = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


def resize(axis, size, interpolation="bilinear"):
    """Let an axis be interpolated at half-pixel centres: the rule of resizing.

    Unit j lies at (j + 1/2) · n / size − 1/2 of the input and reads what lies less than
    the interpolation's reach from there.

    Args:
        axis: the :class:`Axis`, of known size n.
        size: number of units, at least 1.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or
            ``"lanczos5"``.

    Returns:
        A :class:`Reads`.
    """
    if axis.size is None:
        raise SizeProblem("interpolates to a size of its own: give input_size")
    if interpolation == "nearest":
        # floor((2j + 1) n / 2 size): the numerator less its remainder.
        offsets = range(axis.size - 2 * size + 1, axis.size + 1)
    elif interpolation in _REACH:
        reach = 2 * size * _REACH[interpolation]
        offsets = range(axis.size - size - reach + 1, axis.size - size + reach)
        offsets = _without_zeros(offsets, axis.size, size, interpolation)
    else:
        raise UnreadableLayer(f"has interpolation {interpolation!r}, which has no rule")
    return Reads(offsets, size, 2 * axis.size, 2 * size, dim=axis.dim)


def _without_zeros(offsets, n, size, interpolation):
    """Leave out where a cubic or Lanczos kernel is exactly zero: at whole distances."""
    if interpolation == "bilinear":
        return offsets
    centre, apart = n - size, 2 * size
    zeros = range(centre - apart * (len(offsets) // apart), offsets.stop + apart, apart)
    runs = [range(max(z + 1, offsets.start), min(z + apart, offsets.stop)) for z in zeros]
    return tuple(sorted([r for r in runs if r] + [range(centre, centre + 1)], key=lambda r: r[0]))
