"""What constants, and units that see nothing, keep a call from reading though its rule says it may.

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
    Axis,
    Listed,
    Silenced,
    UnreadableLayer,
    everything,
    listed,
    one_to_one,
)
from labkit.receptive_field.rule_registry import is_own, kind_in_keras
from labkit.receptive_field.tensor_fields import ChannelsMatter

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


# Units that see nothing

#: Where one of their inputs is zero they may not read the others: unit by unit, or in sums.
_UNIT_BY_UNIT = frozenset(
    "Multiply Divide TrueDivide FloorDivide DivideNoNan Mod Fmod Power LogicalAnd LogicalOr "
    "Where".split()
)
_SUMS_OF_PRODUCTS = frozenset({"Matmul", "Einsum", "Tensordot", "Dot"})
#: The same along dimensions of one tensor; what is scaled there stays zero where it is.
_ALONG = frozenset(
    "Cumprod Prod Nanprod Glu All Any RMSNorm Normalize RMSNormalization UnitNormalization".split()
)
_ATTENTION = frozenset(
    "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention "
    "GroupedQueryAttention DotProductAttention".split()
)
_STEPWISE = frozenset("RNN LSTM GRU SimpleRNN Bidirectional".split())
CONCERNED = (
    _UNIT_BY_UNIT
    | _SUMS_OF_PRODUCTS
    | _ALONG
    | _ATTENTION
    | _STEPWISE
    | {"TimeDistributed", "GlobalAveragePooling1D"}
)
BY_NOTHING = "multiplies or chooses by units that see nothing: it may read nothing else there"


def may_be_silenced(call, tensors, memory):
    """Tell whether a factor of a product has units that see nothing, such as those of a border.

    They may be zero, and then the product does not read its other factors; or be a bias, and then
    it does.

    Args:
        call: a :class:`~labkit.receptive_field.model_graph.Call` of a kind in ``CONCERNED``.
        tensors: the :class:`~labkit.receptive_field.tensor_fields.TensorFields` that it reads.
        memory: a :class:`~labkit.receptive_field.tensor_fields.Memory`.

    Returns:
        A bool.

    Raises:
        ChannelsMatter: if some channels may silence others, and are not followed one by one.
    """
    kind = call.kind
    if kind == "Where" and constants(call.arguments[:1]):
        return False
    # A tensor that is multiplied by itself reads nothing there, whatever they are.
    itself = kind in _UNIT_BY_UNIT and all([tensor is tensors[0] for tensor in tensors])
    mixed = 0 if memory.each_channel else sum([tensor.mixed for tensor in tensors])
    is_layer = isinstance(call.operation, keras.layers.Layer)
    if kind == "Multiply" and is_layer and _is_masked(keras.tree.flatten(call.arguments)):
        # The layer takes ones for what a mask hides, and zeros where it hides all.
        return True
    if kind in _UNIT_BY_UNIT and not itself and mixed > 1:
        raise ChannelsMatter
    if mixed and kind in _ALONG | _SUMS_OF_PRODUCTS:
        raise ChannelsMatter
    if not any([_has_dead(tensor) for tensor in tensors]):
        return False
    if kind == "TimeDistributed":
        return _works_along_units(call.operation.layer, tensors[0], behind=1)
    if kind in _ALONG:
        return _works_along_units(call.operation, tensors[0])
    if kind in _STEPWISE:
        is_product = getattr(call.operation, "merge_mode", None) == "mul"
        return is_product or _is_hidden(call, *tensors)
    if kind == "GlobalAveragePooling1D":
        return _is_hidden(call, *tensors)
    if kind in _ATTENTION:
        return _meets_nothing(call, tensors)
    return len(tensors) > 1 and not itself


def _has_dead(tensor):
    return any([axis.has_dead for axis in tensor.axes])


def _works_along_units(operation, tensor, behind=0):
    """Say whether units meet others, and not only the channels of one place each other.

    Args:
        operation: a Keras layer or operation; ``tensor``: what it reads.
        behind: number of dimensions that it does not see, behind the batch.
    """
    if kind_in_keras(type(operation)) not in _ALONG:
        return False
    dims, rank = operation.axis, len(tensor.dims) - behind
    dims = (dims,) if isinstance(dims, int) else dims
    along = dims is None or any(dim % rank + behind in tensor.held for dim in dims)
    return along or tensor.mixed


def _is_masked(given):
    """Say whether some of what a layer is called on has a mask."""
    return any(getattr(value, "_keras_mask", None) is not None for value in given)


def _is_hidden(call, steps, *masks):
    """Say whether a mask, or what else is given beside steps, hides some that see something.

    Where zeros are given for what is hidden, what was seen before is hidden too.
    """
    recurrence = getattr(call.operation, "forward_layer", call.operation)
    gives_zeros = getattr(recurrence, "zero_output_for_mask", False)
    pairs = [pair for mask in masks for pair in zip(mask.axes, steps.axes, strict=True)]
    return bool(masks and gives_zeros) or any(
        mask.has_dead and not _is_dead_with(seen, mask) for mask, seen in pairs
    )


def _is_dead_with(axis, other):
    """Say whether an axis sees nothing wherever another of one digit does."""
    if None in (axis.seen, other.seen) or axis.seen.first.shape != other.seen.first.shape:
        return False
    alive = axis.seen.first <= axis.seen.last
    return axis.seen.first.ndim == 1 and not (alive & (other.seen.first > other.seen.last)).any()


def _meets_nothing(call, tensors):
    """Say whether queries, keys or values that see nothing may hide what others see.

    A query of zeros weighs all values alike, and does not read keys that see more than these. Of
    values or keys that are all the same no query matters. All is well where the three see nothing
    at the same places; or where keys and values see the same, and some of them something.
    """
    first, *others = tensors
    given = keras.tree.flatten(call.arguments)
    is_masked = _is_masked(given) or call.keywords.get("attention_mask") is not None
    if is_masked or len(call.output_shapes) > 1:
        return True
    if all(tensor.axes == first.axes for tensor in others):
        return False
    if not given or not isinstance(given[0], keras.KerasTensor):
        return True
    alike = all(tensor.axes == others[0].axes for tensor in others)
    hides = _is_dead if _meets_all(call, first) else _has_dead
    return any(map(hides, others)) or (not alike and _has_dead(first))


def _meets_all(call, query):
    """Say whether each query meets every key and value that there is."""
    dims = getattr(call.operation, "attention_axes", None)
    along_all = not dims or len(dims) == len(query.dims) - 2
    return along_all and not call.is_causal


def _is_dead(tensor):
    return any([axis.is_dead for axis in tensor.axes])


# Constants of the size of a tensor

#: Of what they are given these take the shape alone.
SIZED_ALIKE = frozenset("ZerosLike OnesLike FullLike".split())


def maybe_zeros(graph):
    """Find the tensors that have the shape of another and hold zeros, or may do so.

    Args:
        graph: a :class:`~labkit.receptive_field.model_graph.ModelGraph`.

    Returns:
        A set of numbers of tensors.
    """
    found = set()
    for call in graph.calls:
        is_made = call.kind in SIZED_ALIKE and call.kind != "OnesLike"
        if is_made or (call.kind in _MOVING and not found.isdisjoint(call.inputs)):
            found.update(call.outputs)
    return found


def multiplies_by(call, zeros):
    """Say whether a call multiplies by one of these tensors."""
    products = (_UNIT_BY_UNIT | _SUMS_OF_PRODUCTS) - {"Where"}
    return call.kind in products and not zeros.isdisjoint(call.inputs)


# Units that see nothing and are zero

_BORDERED = frozenset("ZeroPadding1D ZeroPadding2D ZeroPadding3D ExtractPatches".split())
_SUMMING = frozenset("Multiply Sum Mean".split())
#: What puts other values beside those that it is given.
_ADDING = frozenset("Pad Concatenate Stack".split())


def keeps_zeros(call, read, found):
    """Say whether what sees nothing in what a call makes is zero: a border, say, of zeros.

    Args:
        call, read: as for :func:`weighs_all`.
        found: the numbers of the tensors of which that is known.

    Returns:
        A bool.
    """
    if call.kind not in _KEEPING_ZEROS or not is_own(call.rule):
        return False
    if call.kind in _ADDING:
        given = keras.tree.flatten((call.arguments, call.keywords))
        weights = [value for value in given if isinstance(value, keras.Variable)]
        if weights or any(map(np.any, constants(given))):
            return False
    return len(read) == len(call.inputs) and zero_where_dead(call, read, found)


def zero_where_dead(call, read, found):
    """Say whether what sees nothing in what a call reads is zero."""
    return all(call.inputs[index] in found or not _has_dead(tensor) for index, tensor in read)


# Units that see nothing and hold weights

_MOVING = frozenset(
    "Reshape Flatten Permute RepeatVector Transpose Swapaxes Moveaxis ExpandDims Squeeze GetItem "
    "Split Unstack BroadcastTo Repeat Tile Roll Flip Cast Identity Dropout".split()
)
_KEEPING_ZEROS = _BORDERED | _SUMMING | _ADDING | _MOVING
#: What is not zero where all that it reads is not, whatever the weights: what moves values, what
#: does the same to each, products and sums of products.
_KEEPING = _MOVING | frozenset(
    "Activation ReLU LeakyReLU Relu LeakyRelu Gelu Silu Elu Tanh Sigmoid Exp Square Softmax "
    "Normalize RMSNormalization Dense EinsumDense".split()
)
_WEIGHING = frozenset("Multiply Divide TrueDivide Matmul Einsum".split())


def filled(graph):
    """Find the tensors in which units that see nothing hold weights, and so are not zero.

    A class token is of this kind once its place is added to it, or behind a layer with a bias.

    Args:
        graph: a :class:`~labkit.receptive_field.model_graph.ModelGraph`.

    Returns:
        A set of numbers of tensors. Of others nothing is said.
    """
    found = set(graph.inputs)
    for call in graph.calls:
        if is_own(call.rule) and (_adds_a_weight(call) or _keeps_filled(call, found)):
            found.update(call.outputs)
    return found


def _adds_a_weight(call):
    """Say whether a call adds a weight to every entry."""
    if call.kind == "Add":
        return any(isinstance(each, keras.Variable) for each in keras.tree.flatten(call.arguments))
    options = vars(call.operation) if isinstance(call.operation, keras.layers.Layer) else {}
    return any(options.get(name) is True for name in ("use_bias", "_use_bias", "center"))


def _keeps_filled(call, found):
    held = [number in found for number in call.inputs]
    if call.kind == "Add":
        return any(held)
    given = constants((call.arguments, call.keywords))
    if call.kind in ("Concatenate", "Stack"):
        # What holds constants may be zero once others are added.
        return all(held) and not given
    if call.kind in _WEIGHING:
        return all(held) and all(array.all() for array in given)
    return call.kind in _KEEPING and all(held)


def weighs_all(call, read, found):
    """Say whether a product by units that see nothing reads all the same, as they hold weights.

    A sum by shares that add up to 1 does not read these where all that it sums is the same, as
    what sees nothing may be.

    Args:
        call: a :class:`~labkit.receptive_field.model_graph.Call` with a rule.
        read: pairs of the number of an input of the call and its
            :class:`~labkit.receptive_field.tensor_fields.TensorFields`.
        found: what :func:`filled` returns.

    Returns:
        A bool.
    """
    return call.kind in _WEIGHING and all(
        not _has_dead(tensor)
        or (call.inputs[index] in found and _sums_what_sees(call, index, tensor))
        for index, tensor in read
    )


def _sums_what_sees(call, index, tensor):
    """Say whether each sum over places of an input has one that sees something."""
    summed = {
        digit
        for dim in tensor.held
        if dim and call.rule(call.operation, Axis(dim, tensor.shape, call, index)).offsets is None
        for digit in tensor.dims[dim]
    }
    if not summed:
        return True
    axes = [axis for axis in tensor.axes if axis.has_dead]
    if any(axis.seen is None or axis.digits != axes[0].digits for axis in axes):
        return False
    gone = np.any([axis.seen.first > axis.seen.last for axis in axes], axis=0)
    along = tuple(place for place, digit in enumerate(axes[0].digits) if digit in summed)
    return not gone.all(axis=along).any()
