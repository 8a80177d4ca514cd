"""Where units that see nothing keep a call from reading though its rule says it may.

A border of zeros silences what it is multiplied by, and a step that a mask hides is not read. Where
what sees nothing is known to be zero, that is followed; where it holds weights, all is read; the
rest is refused. Weights are no constants: what a layer learns counts as if it were not zero.
"""

import keras
import numpy as np

from labkit.receptive_field.constants import constants
from labkit.receptive_field.reads import Axis
from labkit.receptive_field.rule_registry import is_own, kind_in_keras
from labkit.receptive_field.tensor_fields import ChannelsMatter

# What they may silence

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


# Those that are zero

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


# Those that hold weights

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
