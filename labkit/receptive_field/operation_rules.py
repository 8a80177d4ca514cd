"""One small rule per operation of ``keras.ops``, in the form of ``layer_rules``.

What only moves values along a dimension is not written down case by case: Keras is asked, see
:mod:`~labkit.receptive_field.rearrangement`.
"""

import keras
import numpy as np

from labkit.receptive_field.constants import (
    OF_ONE,
    SUMS,
    beside_constants,
    chosen,
    constants,
    without_zeros,
)
from labkit.receptive_field.reads import (
    Reads,
    Rearranged,
    Reshaped,
    Silenced,
    SizeProblem,
    Transposed,
    UnreadableLayer,
    everything,
    nothing,
    one_to_one,
    past,
    repeat,
    window,
)
from labkit.receptive_field.rearrangement import rearranged
from labkit.receptive_field.rule_registry import as_tuple, rule

#: Names for dimensions; no equation of Keras has them.
_LETTERS = [chr(code) for code in range(0x100, 0x140)]


# Each position alone


@rule(
    *"Absolute Abs Fabs Negative Square Sqrt Cbrt Rsqrt Reciprocal Exp Exp2 Expm1 Log Log1p Log2 "
    "Log10 Sign Signbit Sin Cos Tan Sinc Sinh Cosh Tanh Arcsin Arccos Arctan Arcsinh Arccosh "
    "Arctanh Deg2rad Rad2deg Floor Ceil Round Trunc Clip NanToNum Cast SaturateCast "
    "ConvertToTensor StopGradient Identity Copy Real Imag Conjugate Angle "
    "Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SoftShrink SparsePlus "
    "Silu Squareplus LogSigmoid LeakyRelu HardSigmoid HardSilu Elu Selu Gelu Celu TanhShrink "
    "HardTanh HardShrink Threshold Erf Erfc Erfinv Logdet Digitize SearchSorted "
    "Add Subtract Multiply Divide TrueDivide FloorDivide DivideNoNan Maximum Minimum Fmax Fmin "
    "Power Mod Fmod Arctan2 Hypot Heaviside Logaddexp Logaddexp2 Where Equal NotEqual Greater "
    "GreaterEqual Less LessEqual Isclose Isfinite Isinf Isnan LogicalAnd LogicalOr LogicalXor "
    "LogicalNot".split(),
    place="ops",
)
def _each_position(operation, axis):
    """Align shapes from the right, as broadcasting does."""
    return beside_constants(axis, one_to_one(axis, axis.dim + len(axis.made) - axis.rank))


@rule("BatchNorm", place="ops")
def _each_place(operation, axis):
    return one_to_one(axis)


@rule("ZerosLike", "OnesLike", "FullLike", "EmptyLike", place="ops")
def _of_the_same_shape(operation, axis):
    """Fill a shape: asked about only where what it is filled with is computed, or random."""
    if axis.input or axis.rank < 3:
        raise Silenced("makes a constant, which has a rule for places and none for features alone")
    return nothing(axis)


@rule("OneHot", place="ops")
def _one_hot(operation, axis):
    return one_to_one(axis, axis.dim + (axis.dim >= operation.axis % len(axis.made)))


@rule("RGBToGrayscale", "RGBToHSV", "HSVToRGB", place="ops")
def _colours(operation, axis):
    if axis.spatial(operation.data_format) is not None:
        return one_to_one(axis)
    return everything(axis, axis.made[axis.dim], axis.dim)


# Mixing, sums and reductions along dimensions


def mixing(axis, dims):
    """Mix all positions along ``dims`` and keep their number."""
    mixed = axis.dim in {dim % axis.rank for dim in as_tuple(dims)}
    return everything(axis, axis.size, axis.dim) if mixed else one_to_one(axis)


@rule("Softmax", "LogSoftmax", "Sparsemax", "RMSNorm", "LayerNorm", "Normalize", place="ops")
@rule("Sort", "Argsort", place="ops")
def _mixing_along(operation, axis):
    return mixing(axis, range(axis.rank) if operation.axis is None else operation.axis)


@rule("TopK", place="ops")
def _largest(operation, axis):
    if axis.shape[-1] == 1 and axis.output:
        raise Silenced(OF_ONE)
    if axis.dim == axis.rank - 1:
        return everything(axis, operation.k, axis.dim)
    return one_to_one(axis)


@rule("FFT2", "IFFT2", place="ops")
def _fourier_of_planes(operation, axis):
    return mixing(axis, (-2, -1))


@rule("Cumsum", "Cumprod", place="ops")
def _running(operation, axis):
    if operation.axis is None:
        raise UnreadableLayer("runs over all dimensions as if they were one: give an axis")
    return past(axis) if axis.dim == operation.axis % axis.rank else one_to_one(axis)


@rule(
    *"Mean Sum Max Min Amax Amin Prod Var Std Median All Any Logsumexp CountNonzero Ptp Argmax "
    "Argmin Nanmax Nanmean Nanmin Nansum Nanvar Nanstd Nanprod Norm".split(),
    place="ops",
)
def _reduction(operation, axis):
    return _reduced(axis, operation.axis, getattr(operation, "keepdims", False))


@rule("Moments", place="ops")
def _moments(operation, axis):
    return _reduced(axis, operation.axes, operation.keepdims)


def _reduced(axis, dims, kept):
    dims = range(axis.rank) if dims is None else as_tuple(dims)
    dims = {dim % axis.rank for dim in dims}
    if axis.dim in dims:
        return everything(axis, 1, axis.dim) if kept else everything(axis)
    return one_to_one(axis, axis.dim if kept else axis.dim - sum(d < axis.dim for d in dims))


@rule("Diff", place="ops")
def _differences(operation, axis):
    is_along = axis.dim == operation.axis % axis.rank
    return window(axis, operation.n + 1) if is_along else one_to_one(axis)


@rule("Glu", place="ops")
def _gated(operation, axis):
    if axis.dim != operation.axis % axis.rank:
        return one_to_one(axis)
    if axis.size is None:
        raise SizeProblem("multiplies halves of a dimension of unknown size: give input_size")
    return Reads((0, axis.size // 2), axis.size // 2, dim=axis.dim)


# Products over dimensions


@rule("Einsum", place="ops")
def _einsum(operation, axis):
    operands, arrow, made = operation.subscripts.replace(" ", "").partition("->")
    if not arrow:
        raise UnreadableLayer(f"has subscripts without an arrow, {operation.subscripts!r}: add one")
    return _by_letters(axis, operands.split(","), made)


@rule("Matmul", place="ops")
def _matmul(operation, axis):
    ranks = _operand_ranks(axis)
    first = "k" if ranks[0] == 1 else "...ik"
    second = "k" if ranks[1] == 1 else "...kj"
    return _by_letters(axis, (first, second), "..." + "i" * (ranks[0] > 1) + "j" * (ranks[1] > 1))


@rule("Tensordot", place="ops")
def _tensordot(operation, axis):
    axes, ranks = operation.axes, _operand_ranks(axis)
    if isinstance(axes, int):
        axes = (range(ranks[0] - axes, ranks[0]), range(axes))
    return _side_by_side(axis, axes)


@rule("Dot", place="ops")
def _dot(operation, axis):
    return _side_by_side(axis, (-1, max(_operand_ranks(axis)[1] - 2, 0)))


def _side_by_side(axis, axes):
    """Sum over pairs of dimensions; those that are left stand side by side."""
    ranks = _operand_ranks(axis)
    first, second = _LETTERS[: ranks[0]], _LETTERS[-ranks[1] :]
    for one, other in zip(*map(as_tuple, axes), strict=True):
        second[other] = first[one]
    left = [c for c in first if c not in second] + [c for c in second if c not in first]
    return _by_letters(axis, (first, second), left)


@rule("Dot")
def _dot_layer(layer, axis):
    ranks = [len(shape) for shape in axis.call.input_shapes]
    one, other = (layer.axes, layer.axes) if isinstance(layer.axes, int) else layer.axes
    first, second = _LETTERS[: ranks[0]], _LETTERS[-ranks[1] :]
    second[0], second[other] = first[0], first[one]
    left = [letter for letter in first[1:] + second[1:] if letter != first[one]]
    return _by_letters(axis, (first, second), [first[0], *left])


def _by_letters(axis, operands, made):
    """Let a dimension that stays read position by position, and one summed over everything."""
    place, _ = placed_operands(axis)
    letters = spelt_out(operands[place], axis.rank)
    letter = letters[axis.dim]
    if letters.count(letter) > 1:
        raise UnreadableLayer("takes a diagonal, which has no rule")
    made = spelt_out(made, len(axis.made))
    reads = one_to_one(axis, made.index(letter)) if letter in made else everything(axis)
    for operand, value in zip(operands, axis.call.operands, strict=True):
        for array in constants(value):
            if not array.all():
                of_array = spelt_out(operand, array.ndim)
                reads = _beside_zeros(axis, reads, array != 0, (of_array, letters, made))
    return reads


def _beside_zeros(axis, reads, kept, letters):
    """Leave out what a constant factor silences, if it is said along one dimension.

    Args:
        axis, reads: what is read beside other factors.
        kept: boolean array, where the constant is not zero.
        letters: those of the constant, of what is read and of what is made.
    """
    own, read, made = letters
    place = own.index(read[axis.dim]) if read[axis.dim] in own else -1
    summed, new = set(own) - set(made), set(own) - set(read)
    alone = len(set(own)) == len(own) and reads.listed is None
    if alone and not summed and not new:
        return without_zeros(axis, reads, kept, place)
    if not alone or summed & new or len(summed) != 1 or set(own) - summed != new or len(new) > 1:
        raise Silenced(SUMS)
    if place < 0:
        return reads
    pairs = np.moveaxis(kept, place, 0).reshape(kept.shape[place], -1)
    return chosen(axis, pairs, *map(made.index, new))


def spelt_out(letters, rank):
    """Give each dimension a letter; those of the dots are counted from the right."""
    if "..." not in letters:
        return list(letters)
    ahead, behind = letters.split("...")
    dots = rank - len(ahead) - len(behind)
    return [*ahead, *reversed(_LETTERS[:dots]), *behind]


def placed_operands(axis):
    """Return which of a call's operands the axis belongs to, constants counted, and all shapes."""
    shapes, place, tensors = [], None, 0
    for value in axis.call.operands:
        if isinstance(value, keras.KerasTensor):
            place = len(shapes) if tensors == axis.input else place
            shapes.append(axis.shapes[tensors] if axis.shapes else value.shape)
            tensors += 1
        else:
            shapes.append(tuple(value.shape))
    return place, shapes


def _operand_ranks(axis):
    return [len(shape) for shape in placed_operands(axis)[1]]


# Moving values along dimensions


@rule("Roll", "Flip", "Fliplr", "Flipud", "Tile", "Slice", "PadImages", "CropImages", place="ops")
@rule("Split", "ArraySplit", "Hsplit", "Vsplit", "Dsplit", place="ops")
def _moving(operation, axis):
    if axis.call.kind == "Roll" and operation.axis is None and axis.rank > 1:
        raise UnreadableLayer("rolls over all dimensions as if they were one: give an axis")
    return rearranged(axis)


@rule("Rot90", place="ops")
def _quarter_turns(operation, axis):
    first, second = (dim % axis.rank for dim in operation.axes)
    turns = operation.k % 4
    if axis.dim not in (first, second):
        return one_to_one(axis)
    made = first + second - axis.dim if turns % 2 else axis.dim
    if turns % 2 == 0 and axis.shape[first] != axis.shape[second]:
        raise UnreadableLayer("makes half a turn, of which Keras misstates the shape")
    if turns == 0:
        return one_to_one(axis)
    # A turn by one reads the second dimension backwards, one by three the first.
    if turns != 2 and (axis.dim == second) != (turns == 1):
        return one_to_one(axis, made)
    if axis.size is None:
        raise SizeProblem("turns a picture of unknown size: give input_size")
    return Reads((axis.size - 1,), axis.size, -1, dim=made)


@rule("Pad", place="ops")
def _pad(operation, axis):
    if operation.mode != "constant":
        return rearranged(axis)
    widths = operation.pad_width
    return window(axis, 1, padding=tuple(widths[axis.dim if len(widths) > 1 else 0]))


@rule("Repeat", place="ops")
def _repeat(operation, axis):
    if operation.axis is None:
        raise UnreadableLayer("repeats over all dimensions at once: give an axis")
    if axis.dim != operation.axis % axis.rank:
        return one_to_one(axis)
    times = np.unique(operation.repeats)
    return repeat(axis, int(times[0])) if len(times) == 1 else rearranged(axis)


@rule("Take", place="ops")
def _take(operation, axis):
    table, indices = axis.call.arguments[:2]
    if operation.axis == 0 and not isinstance(table, keras.KerasTensor):
        # What is looked up has a place for each index, and its features behind.
        return one_to_one(axis)
    if isinstance(indices, keras.KerasTensor):
        raise UnreadableLayer("takes what is computed, not fixed positions")
    indices = np.asarray(keras.ops.convert_to_numpy(indices))
    if operation.axis is None or indices.ndim > 1:
        raise UnreadableLayer("takes by indices of several dimensions or without an axis")
    if indices.ndim == 1:
        return rearranged(axis)
    return _one_place(axis, operation.axis % axis.rank, int(indices))


@rule("Unstack", place="ops")
def _unstack(operation, axis):
    return _one_place(axis, operation.axis % axis.rank, axis.output)


def _one_place(axis, dim, place, made=None):
    """Take one place along a dimension, which disappears."""
    if axis.dim != dim:
        return one_to_one(axis, axis.dim - (axis.dim > dim) if made is None else made)
    if place < 0 and axis.size is None:
        raise SizeProblem("counts from the end of a dimension of unknown size: give input_size")
    return Reads((place if place >= 0 else place + axis.size,), 1)


@rule("GetItem", place="ops")
def _get_item(operation, axis):
    """Follow a subscript such as ``x[:, None, ::-1, 3]``, dimension by dimension."""
    call = axis.call
    key = call.arguments[1] if len(call.arguments) > 1 else call.keywords["key"]
    parts = list(key) if isinstance(key, (tuple, list)) else [key]
    rest = [slice(None)] * (axis.rank - sum(p is not None and p is not Ellipsis for p in parts))
    at_dots = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    parts[at_dots : at_dots + 1] = rest
    read, made = -1, 0
    for taken in parts:
        read += taken is not None
        if taken is not None and read == axis.dim:
            return _taken(axis, taken, made)
        made += not isinstance(taken, (int, np.integer))
    raise UnreadableLayer(f"has a subscript that is not understood, {key!r}")


def _taken(axis, taken, dim):
    if isinstance(taken, (int, np.integer)):
        return _one_place(axis, axis.dim, int(taken))
    if not isinstance(taken, slice):
        raise UnreadableLayer("takes positions by an array: use keras.ops.take")
    if taken == slice(None):
        return one_to_one(axis, dim)
    start, stop, step = taken.start or 0, taken.stop, taken.step or 1
    if axis.size is None:
        if stop is None and step > 0 and start >= 0:
            return Reads((start,), None, step, dim=dim)
        raise SizeProblem("takes a part of a dimension of unknown size: give input_size")
    units = range(axis.size)[taken]
    return Reads((units.start,), len(units), units.step, dim=dim)


# New dimensions and other orders


@rule("Reshape", "Ravel", place="ops")
def _reshape(operation, axis):
    shape = list(getattr(operation, "newshape", (-1,)))
    if shape[0] in (None, axis.call.input_shapes[axis.input][0]):
        shape[0] = None
    elif -1 not in shape:
        # Windows in the batch, or out of it: of how many pictures is left open.
        shape[0] = -1
    return Rearranged((Reshaped(tuple(shape)),))


@rule("ExpandDims", place="ops")
def _expand_dims(operation, axis):
    rank = len(axis.made)
    new = {dim % rank for dim in as_tuple(operation.axis)}
    return one_to_one(axis, [dim for dim in range(rank) if dim not in new][axis.dim])


@rule("Squeeze", place="ops")
def _squeeze(operation, axis):
    dims = operation.axis
    if dims is None:
        gone = {dim for dim, size in enumerate(axis.shape) if size == 1}
    else:
        gone = {dim % axis.rank for dim in as_tuple(dims)}
    if axis.dim in gone:
        return Reads(range(1), 1)
    return one_to_one(axis, axis.dim - sum(dim < axis.dim for dim in gone))


@rule("BroadcastTo", place="ops")
def _broadcast_to(operation, axis):
    dim = axis.dim + len(axis.made) - axis.rank
    if axis.size == 1:
        return everything(axis, axis.made[dim], dim)
    return one_to_one(axis, dim)


@rule("Transpose", "Swapaxes", "Moveaxis", place="ops")
def _transpose(operation, axis):
    # Dimension i is given the size i, so that the shape that Keras makes is the order.
    (order,) = axis.call.shapes_made([tuple(range(axis.rank))])
    return Rearranged((Transposed(order),))


@rule("DepthToSpace", place="ops")
def _depth_to_space(operation, axis):
    size = operation.block_size
    if None in axis.shape[1:]:
        place = axis.spatial(operation.data_format)
        return everything(axis) if place is None else repeat(axis, size)
    height, width, channels = _channels_last(operation, axis.shape[1:])
    moves = (
        Reshaped((None, height, width, size, size, channels // size**2)),
        Transposed((0, 1, 3, 2, 4, 5)),
        Reshaped((None, height * size, width * size, channels // size**2)),
    )
    return _in_format(operation, moves)


@rule("SpaceToDepth", place="ops")
def _space_to_depth(operation, axis):
    size = operation.block_size
    if None in axis.shape[1:]:
        place = axis.spatial(operation.data_format)
        return everything(axis) if place is None else window(axis, size, size)
    height, width, channels = _channels_last(operation, axis.shape[1:])
    moves = (
        Reshaped((None, height // size, size, width // size, size, channels)),
        Transposed((0, 1, 3, 2, 4, 5)),
        Reshaped((None, height // size, width // size, size * size * channels)),
    )
    return _in_format(operation, moves)


def _channels_last(operation, sizes):
    return sizes if operation.data_format == "channels_last" else (*sizes[1:], sizes[0])


def _in_format(operation, moves):
    """Do what is written for channels last in the operation's own format."""
    if operation.data_format == "channels_first":
        moves = (Transposed((0, 2, 3, 1)), *moves, Transposed((0, 3, 1, 2)))
    return Rearranged(moves)
