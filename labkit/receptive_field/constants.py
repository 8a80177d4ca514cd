"""What constants keep a call from reading though its rule says it may.

A factor of zero silences the others, a mask hides positions, and the softmax of a single entry is
1 whatever that is. Where constants do this along each dimension by itself, or in a few such parts,
it is followed; the rest is refused.
Weights are no constants: what a layer learns counts as if it were not zero. Nor are values
followed: ``x - x`` reads x.
"""

from dataclasses import replace
from inspect import signature
from math import prod
from numbers import Number

import keras
import numpy as np

from labkit.receptive_field.reads import (
    Listed,
    Silenced,
    UnreadableLayer,
    everything,
    listed,
    one_to_one,
)
from labkit.receptive_field.rule_registry import kind_in_keras

# Constant operands

#: What is this far below the rest is nothing behind a softmax.
_HIDES = 50
MASKED = "hides what a constant mask says, and masks have no rule"
_ZEROS = "is silenced by a constant everywhere, or in a pattern of too many parts"
SUMS = "sums with a constant that has zeros, and so not over everything"
_TIMES = {"Multiply", "Divide", "TrueDivide", "FloorDivide", "DivideNoNan", "Mod", "Fmod", "Power"}


def constants(arguments):
    """List the arrays and numbers among the arguments of a call, without tensors and weights."""
    return [
        keras.ops.convert_to_numpy(value)
        for value in keras.tree.flatten(arguments)
        if isinstance(value, Number)
        or (hasattr(value, "shape") and not isinstance(value, (keras.KerasTensor, keras.Variable)))
    ]


def beside_constants(axis, reads):
    """Leave out of what is read position by position what a constant operand silences.

    Args:
        axis: the :class:`~labkit.receptive_field.reads.Axis` of a call that joins its operands
            position by position.
        reads: what it reads if no operand is a constant.

    Returns:
        A :class:`~labkit.receptive_field.reads.Reads`.

    Raises:
        Silenced: if a constant hides positions from a softmax, or silences everything or what has
            too many parts.
    """
    call, given = axis.call, (axis.call.arguments, axis.call.keywords)
    begins = bool(constants(call.arguments[:1]))
    for number, array in enumerate(constants(given)):
        place = array.ndim - len(axis.made) + reads.dim
        if axis.size == 1 and place >= 0 and array.shape[place] > 1:
            reads = everything(axis, array.shape[place], reads.dim)
        if call.kind == "Where" and begins and not number:
            taken = isinstance(call.arguments[1], keras.KerasTensor) and not axis.input
            reads = without_zeros(axis, reads, (array != 0) == taken, place)
        elif call.kind == "Power" and begins:
            if not array.all():
                raise Silenced("raises zeros to a power, whose sign alone may matter")
            reads = without_zeros(axis, reads, array != 1, place)
        elif call.kind in _TIMES:
            reads = without_zeros(axis, reads, array != 0, place)
        elif call.kind in ("LogicalAnd", "LogicalOr"):
            reads = without_zeros(axis, reads, array == (call.kind == "LogicalAnd"), place)
        elif call.kind in ("Add", "Subtract") and _hides(array, place):
            raise Silenced(MASKED)
    return reads


def _hides(array, place):
    """Say whether a constant that is added before a softmax would hide positions from it."""
    if array.ndim > 1 and sorted(array.shape)[-2] > 1:
        return array.dtype == bool or np.ptp(array) > _HIDES
    if place < 0 or array.shape[place] == 1:
        return False
    # A ramp of positions grows as far, and hides nothing that a bias would not.
    return array.dtype == bool or np.diff(np.unique(array)).max(initial=0) > _HIDES


def without_zeros(axis, reads, kept, place):
    """Let units read nothing where a constant is zero.

    Args:
        axis: the :class:`~labkit.receptive_field.reads.Axis`; ``reads``: what it reads without.
        kept: boolean array, where the constant is not zero.
        place: which of its dimensions lies along the axis, below 0 if none does.

    Returns:
        A :class:`~labkit.receptive_field.reads.Reads`.

    Raises:
        Silenced: if the pattern has too many parts, or leaves nothing.
    """
    if kept.all():
        return reads
    boxes = _boxes(kept)
    if not 0 < len(boxes) <= _MOST_BOXES:
        raise Silenced(_ZEROS)
    reads = replace(reads, turns=len(boxes))
    along = boxes[axis.turn][place] if place >= 0 else np.ones(1, bool)
    if along.all():
        return reads
    if len(along) != axis.size:
        raise Silenced(_ZEROS)
    units = np.arange(len(along))
    # Zeros at the ends are borders: what lies far from them is as it was.
    inside = along[along.argmax() : len(along) - along[::-1].argmax()]
    listed = Listed(np.where(along, units, 1), np.where(along, units, 0))
    return replace(reads, listed=listed, uneven=None if inside.all() else _ZEROS)


def chosen(axis, pairs, dim=None):
    """Let each unit sum over those positions that a constant does not silence.

    Args:
        axis: the :class:`~labkit.receptive_field.reads.Axis` that is summed over.
        pairs: boolean array, positions by units: whether the constant is not zero.
        dim: dimension of the output that holds the units; ``None``: there is one unit.

    Returns:
        A :class:`~labkit.receptive_field.reads.Reads`.

    Raises:
        Silenced: if a unit sums over positions with gaps between, or all sum over nothing.
    """
    if pairs.all():
        return everything(axis)
    count, first = pairs.sum(axis=0), pairs.argmax(axis=0)
    last = np.where(count, len(pairs) - 1 - pairs[::-1].argmax(axis=0), first - 1)
    if axis.size != len(pairs) or not count.any() or (last - first + 1 > count).any():
        raise Silenced(SUMS)
    reads = listed(axis, first, last, SUMS)
    return replace(reads, dim=dim)


def by_kernels(reads, kernels):
    """Let channels see different things where constant kernels are zero for some of them.

    Args:
        reads: the :class:`~labkit.receptive_field.reads.Reads` along the channels.
        kernels: list of arrays, their last two dimensions those of channels.

    Returns:
        A :class:`~labkit.receptive_field.reads.Reads`.
    """
    alike = [(kernel != 0) == (kernel != 0).any(axis=(-2, -1), keepdims=True) for kernel in kernels]
    return reads if all(map(np.all, alike)) else replace(reads, differing=True)


#: Into so many whole rows and columns at most a pattern is taken apart.
_MOST_BOXES = 8


def _boxes(kept):
    """Take a pattern apart into some that keep whole rows and columns: sides, one a dimension."""
    if kept.ndim == 0:
        return [()] if kept else []
    lines = kept.reshape(len(kept), -1)
    return [
        ((lines == line).all(axis=1), *sides)
        for line in np.unique(lines, axis=0)
        for sides in _boxes(line.reshape(kept.shape[1:]))
    ]


def kept_taps(axis, reads, kernel, place, *, backwards=False):
    """Leave out of the taps of a window along an axis those at which a constant kernel is zero.

    Args:
        axis: the :class:`~labkit.receptive_field.reads.Axis`.
        reads: what it reads without zeros, an offset for each tap.
        kernel: array, its first dimensions those in space, the last two those of channels.
        place: which of these the axis is.
        backwards: whether the first tap has the last offset.

    Returns:
        A :class:`~labkit.receptive_field.reads.Reads`.

    Raises:
        Silenced: if the zeros make a pattern of too many parts, or all is zero.
    """
    kept = (kernel != 0).any(axis=(-2, -1))
    if kept.all():
        return reads
    boxes = _boxes(kept)
    if not 0 < len(boxes) <= _MOST_BOXES:
        raise Silenced("has a constant kernel of too many patterns, or of zeros alone")
    side = boxes[axis.turn][place][:: -1 if backwards else 1]
    left = [tap for tap, stays in zip(reads.offsets, side, strict=True) if stays]
    steps = set(np.diff(left).tolist())
    offsets = range(left[0], left[-1] + 1, *steps) if len(steps) == 1 else tuple(left)
    return replace(reads, offsets=offsets, turns=len(boxes))


def refuse_masks(call, *, but=()):
    """Refuse constant masks among the arguments of a layer, but for those of some names.

    Raises:
        UnreadableLayer: if there is one; Silenced: if it may leave one entry, which is then taken
            as it is, along whatever dimension.
    """
    given = call.keywords
    if len(call.arguments) > 1:
        names = signature(call.operation.call).parameters
        given = given | dict(zip(names, call.arguments, strict=False))
    given = [v for name, v in given.items() if name.endswith(("mask", "bias")) and name not in but]
    # A number says whether there is a causal mask.
    masks = [array for array in constants(given) if array.ndim]
    if any(map(_may_leave_one, masks)):
        raise Silenced(MASKED)
    if masks:
        raise UnreadableLayer(MASKED)


def _may_leave_one(mask):
    """Say whether a mask leaves one entry or none along some dimension, as far as it is boolean."""
    along = [np.count_nonzero(mask, axis=dim) for dim in range(mask.ndim) if mask.shape[dim] > 1]
    return mask.dtype != bool or any((count < 2).any() for count in along)


def looking_at(axis, argument, shape):
    """Let a query look at those keys alone that a constant mask leaves it.

    Args:
        axis: the :class:`~labkit.receptive_field.reads.Axis` of steps of an attention.
        argument: ``"query"``, ``"key"`` or ``"value"``.
        shape: number of queries and of keys.

    Returns:
        A :class:`~labkit.receptive_field.reads.Reads`.

    Raises:
        Silenced: if the mask is another one for other pictures or heads, leaves a query nothing,
            or keys with others between.
    """
    (mask,) = constants(axis.call.keywords["attention_mask"])
    kept = mask.reshape(mask.shape[-2:]) != 0 if mask.size == prod(mask.shape[-2:]) else mask
    if kept.shape != shape or not kept.any(axis=1).all():
        raise Silenced(MASKED)
    # The one key that is left has the weight 1, whoever asks.
    weighs = kept.sum(axis=1) > 1
    if argument == "query":
        return without_zeros(axis, one_to_one(axis), weighs, 0)
    pairs = kept.T & weighs if argument == "key" else kept.T
    if pairs.all():
        return everything(axis, len(kept), axis.dim)
    return replace(chosen(axis, pairs, axis.dim), uneven="looks at what a mask leaves it")


# A single entry

#: What takes the level or the scale of some entries away, or tells one of them by its place.
LEVELLING = frozenset(
    "Softmax LogSoftmax Sparsemax LayerNorm LayerNormalization Argsort Var Std Ptp Nanvar Nanstd "
    "Argmax Argmin Moments TimeDistributed".split()
)
OF_ONE = "works on a single entry and makes a constant of it, whatever it is"


def refuse_single_entry(operation, shape, output):
    """Refuse what makes a constant of the one entry that it has, such as a softmax.

    Args:
        operation: a Keras layer or operation of a kind in ``LEVELLING``.
        shape: of its input, batch included, ``None`` where unknown.
        output: which of its outputs is asked about, 0 the first.

    Raises:
        Silenced: if it does.
    """
    kind = kind_in_keras(type(operation))
    if kind == "TimeDistributed":
        step = (shape[0], *shape[2:])
        return refuse_single_entry(operation.layer, step, output)
    if kind not in LEVELLING or (kind == "Moments" and not output):
        return
    dims = operation.axes if kind == "Moments" else operation.axis
    if is_single_entry(shape, range(1, len(shape)) if dims is None else dims):
        raise Silenced(OF_ONE)


def is_single_entry(shape, dims):
    """Say whether a tensor has one entry along some dimensions together."""
    dims = (dims,) if isinstance(dims, int) else dims
    return all(shape[dim] == 1 for dim in dims)
