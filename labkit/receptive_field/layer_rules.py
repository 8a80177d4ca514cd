"""One small rule per type of layer: which positions of its input a unit reads.

A rule is a function of a layer and one :class:`~labkit.receptive_field.reads.Axis` that
returns a :class:`~labkit.receptive_field.reads.Reads`. It is called for every input tensor, every
output and every dimension that can be traced back to the picture, or holds the channels. One
that returns a :class:`~labkit.receptive_field.reads.Rearranged` speaks for all dimensions.
"""

from dataclasses import replace

import keras
import numpy as np

from labkit.receptive_field.constants import (
    MASKED,
    OF_ONE,
    beside_constants,
    by_kernels,
    constants,
    is_single_entry,
    kept_taps,
    looking_at,
    refuse_masks,
)
from labkit.receptive_field.operation_rules import mixing, placed_operands, spelt_out
from labkit.receptive_field.reads import (
    Axis,
    Listed,
    Reads,
    Rearranged,
    Reshaped,
    Silenced,
    SizeProblem,
    Transposed,
    UnreadableLayer,
    adaptive_pool,
    everything,
    future,
    listed,
    nothing,
    one_to_one,
    part,
    past,
    repeat,
    resize,
    transposed_window,
    widened,
    window,
)
from labkit.receptive_field.rule_registry import (
    as_tuple,
    at,
    in_dimensions,
    keeping_places,
    rule,
    rule_for,
    settled_by,
)

# Convolution and pooling

#: What a rule reads of a layer that moves a window.
_WINDOW = ("kernel_size", "strides", "dilation_rate", "padding", "data_format")


@rule(*in_dimensions("ConvND"), *in_dimensions("SeparableConvND", 1, 2))
@rule("Conv", "SeparableConv", "ExtractPatches", place="ops")
@settled_by(*_WINDOW, "groups", "filters")
def convolution(layer, axis):
    """Let a unit read a window, and all channels or those of its group."""
    place = axis.spatial(_data_format(layer))
    if place is None:
        if not _has_a_size(layer):
            return _channels_of_kernel(layer, axis)
        groups = getattr(layer, "groups", 1)
        return everything(axis) if groups == 1 else _in_groups(axis, groups, layer.filters)
    return _convolved(layer, axis, place)


@rule(*in_dimensions("DepthwiseConvND", 1, 2))
@rule("DepthwiseConv", place="ops")
@settled_by(*_WINDOW, "depth_multiplier")
def _depthwise_convolution(layer, axis):
    place = axis.spatial(_data_format(layer))
    if place is not None:
        return _convolved(layer, axis, place)
    if hasattr(layer, "depth_multiplier"):
        return repeat(axis, layer.depth_multiplier)
    reads = repeat(axis, _kernel(axis).shape[-1])
    return by_kernels(reads, _constant_kernel(layer, axis))


def _data_format(layer):
    return layer.data_format or keras.config.image_data_format()


def _kernel(axis):
    """Return the kernel that an operation is given."""
    if axis.input:
        raise UnreadableLayer("has a kernel that depends on the picture, which has no rule")
    return axis.call.arguments[1]


def _kernel_size(layer, axis):
    for name in ("kernel_size", "size"):
        if hasattr(layer, name):
            return getattr(layer, name)
    return tuple(_kernel(axis).shape)


def _in_groups(axis, groups, made):
    """Let each group of channels read its own share."""
    if axis.size is None:
        return everything(axis)
    share = axis.size // groups
    first = np.arange(made) // (made // groups) * share
    return listed(axis, first, first + share - 1, "reads channels in groups")


def _convolved(layer, axis, place):
    reads = window(
        axis,
        at(_kernel_size(layer, axis), place),
        at(layer.strides, place),
        at(layer.dilation_rate, place),
        layer.padding,
    )
    for kernel in _constant_kernel(layer, axis):
        reads = kept_taps(axis, reads, kernel, place)
    return reads


def _constant_kernel(layer, axis):
    """List the kernel that an operation is given, unless it is a weight."""
    return [] if _has_a_size(layer) else constants(_kernel(axis))


def _has_a_size(layer):
    """Say whether a layer or operation tells its kernel's size, and so is not given the kernel."""
    return hasattr(layer, "kernel_size") or hasattr(layer, "size")


def _channels_of_kernel(operation, axis):
    """Let a unit read all channels, unless the kernel of an operation is zero for some of them."""
    kernels = constants(axis.call.arguments[1:])
    if axis.call.kind == "SeparableConv" and not all(kernel.all() for kernel in kernels):
        raise Silenced("has constant kernels with zeros, which have no rule here")
    return by_kernels(everything(axis), kernels)


@rule(*in_dimensions("ConvNDTranspose"))
@rule("ConvTranspose", place="ops")
def _transposed_convolution(layer, axis):
    place = axis.spatial(_data_format(layer))
    if place is None:
        return by_kernels(everything(axis), _constant_kernel(layer, axis))
    reads = transposed_window(
        axis,
        at(_kernel_size(layer, axis), place),
        at(layer.strides, place),
        at(layer.dilation_rate, place),
        layer.padding,
        at(layer.output_padding, place),
    )
    for kernel in _constant_kernel(layer, axis):
        # The first tap reaches furthest ahead, so that a unit reads with it what lies last.
        reads = kept_taps(axis, reads, kernel, place, backwards=True)
    return reads


@rule(*in_dimensions("MaxPoolingND"), *in_dimensions("AveragePoolingND"))
@rule("MaxPool", "AveragePool", place="ops")
@settled_by("pool_size", "strides", "padding", "data_format")
def _pooling(layer, axis):
    place = axis.spatial(_data_format(layer))
    if place is None:
        return one_to_one(axis)
    size = at(layer.pool_size, place)
    strides = size if layer.strides is None else at(layer.strides, place)
    return window(axis, size, strides, padding=layer.padding)


@rule(*in_dimensions("AdaptiveAveragePoolingND"), *in_dimensions("AdaptiveMaxPoolingND"))
@rule("AdaptiveMaxPool", "AdaptiveAveragePool", place="ops")
def _adaptive_pooling(layer, axis):
    place = axis.spatial(_data_format(layer))
    reads = one_to_one(axis) if place is None else adaptive_pool(axis, layer.output_size[place])
    # Of the operation with channels last Keras 3.15 does.
    if len(axis.made) != axis.rank or axis.made[axis.dim] not in (None, reads.size):
        raise Silenced("makes another shape than Keras states: use the layer of this name")
    return reads


@rule(*in_dimensions("GlobalAveragePoolingND"), *in_dimensions("GlobalMaxPoolingND"))
@settled_by("data_format", "keepdims")
def _global_pooling(layer, axis):
    # A mask of the steps has no channels.
    if axis.rank == 2 or axis.spatial(layer.data_format) is not None:
        return everything(axis, 1, axis.dim) if layer.keepdims else everything(axis)
    return one_to_one(axis, axis.dim if layer.keepdims else 1)


# Borders and resolution


@rule(*in_dimensions("ZeroPaddingND"))
@settled_by("padding", "data_format")
def _zero_padding(layer, axis):
    return _with_border(axis, layer, layer.padding, 1)


@rule(*in_dimensions("CroppingND"))
@settled_by("cropping", "data_format")
def _cropping(layer, axis):
    return _with_border(axis, layer, layer.cropping, -1)


def _with_border(axis, layer, border, sign):
    # The one-dimensional layers have neither a data_format nor a pair per axis.
    place = axis.spatial(getattr(layer, "data_format", "channels_last"))
    if place is None:
        return one_to_one(axis)
    before, after = border[place] if isinstance(border[0], (tuple, list)) else border
    return window(axis, 1, padding=(sign * before, sign * after))


@rule(*in_dimensions("UpSamplingND"))
def _upsampling(layer, axis):
    place = axis.spatial(getattr(layer, "data_format", "channels_last"))
    if place is None:
        return one_to_one(axis)
    times = at(layer.size, place)
    interpolation = getattr(layer, "interpolation", "nearest")
    if interpolation == "nearest":
        return repeat(axis, times)
    return _enlarged(axis, times, interpolation)


def _enlarged(axis, times, interpolation):
    """Interpolate to a multiple of the size, which may be unknown: only the ratio counts."""
    reads = resize(Axis(0, (1,)), times, interpolation)
    size = None if axis.size is None else axis.size * times
    return Reads(reads.offsets, size, reads.stride, reads.divisor, axis.dim)


@rule("Resizing")
def _resizing(layer, axis):
    return _resized(layer, axis, (layer.height, layer.width))


@rule("Resize", place="ops")
def _resize_operation(operation, axis):
    return _resized(operation, axis, operation.size)


def _resized(layer, axis, sizes):
    place = axis.spatial(layer.data_format)
    if place is None:
        return one_to_one(axis)
    if sizes[place] is None:
        raise SizeProblem("resizes to a size that depends on the input's: give input_size")
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or layer.antialias:
        raise UnreadableLayer("crops, pads or antialiases while it resizes, which has no rule")
    return resize(axis, sizes[place], layer.interpolation)


@rule("CenterCrop")
def _centre_crop(layer, axis):
    place = axis.spatial(layer.data_format)
    if place is None:
        return one_to_one(axis)
    size = (layer.height, layer.width)[place]
    if axis.size is None or axis.size < size:
        raise UnreadableLayer(f"crops to {size} positions and has {axis.size} to crop from")
    before = (axis.size - size) // 2
    return window(axis, 1, padding=(-before, before + size - axis.size))


# Each position alone


@rule("ReLU", "LeakyReLU", "PReLU", "ELU", "Identity", "Masking", "ActivityRegularization")
@rule("Rescaling", "Normalization", "Embedding")
@rule("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise")
@rule(*in_dimensions("SpatialDropoutND"))
@rule("LayerScale", "CustomScaleLayer", place="applications")
@keeping_places
def _each_position(layer, axis):
    return one_to_one(axis)


@rule("CategoryEncoding", "Discretization", "Hashing", "IntegerLookup", "StringLookup")
def _categories(layer, axis):
    """Let a category be its number, or features: of each entry, or of all along the last."""
    if layer.output_mode not in ("int", "one_hot") and axis.rank > 2:
        raise UnreadableLayer("counts categories in several dimensions, which has no rule")
    is_last, of_each = axis.dim == axis.rank - 1, len(axis.made) > axis.rank
    if is_last and not of_each and layer.output_mode != "int":
        return everything(axis)
    return one_to_one(axis)


@rule("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
@keeping_places
def _joining(layer, axis):
    return beside_constants(axis, one_to_one(axis))


@rule("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomShear")
@rule("RandomBrightness", "RandomContrast", "RandomErasing", "RandomPerspective")
@rule("RandomHue", "RandomSaturation", "RandomSharpness", "RandomGrayscale", "RandomInvert")
@rule("RandomColorJitter", "RandomColorDegeneration", "RandomPosterization")
@rule("RandomGaussianBlur", "RandomElasticTransform", "AugMix", "RandAugment", "CutMix", "MixUp")
@keeping_places
def _in_training_alone(layer, axis):
    if axis.call.acts_as_in_training:
        raise UnreadableLayer("is called with training=True, and then chance decides what it reads")
    return one_to_one(axis)


@rule("BatchNormalization")
@keeping_places
def _batch_normalisation(layer, axis):
    if not axis.call.acts_as_in_training:
        return one_to_one(axis)
    return mixing(axis, [dim for dim in range(1, axis.rank) if dim != layer.axis % axis.rank])


@rule("Concatenate")
@rule("Concatenate", "Stack", place="ops")
def _concatenation(layer, axis):
    if layer.axis % axis.rank == 0:
        raise UnreadableLayer("joins pictures along the batch, which has no rule")
    if axis.dim != layer.axis % axis.rank:
        return one_to_one(axis)
    place, shapes = placed_operands(axis)
    # What is stacked has size 1 along the new dimension, constants too.
    stacked = axis.call.kind == "Stack"
    sizes = [1 if stacked else shape[axis.dim] for shape in shapes]
    if None in sizes:
        raise SizeProblem("joins parts of unknown size end to end: give input_size")
    return part(axis, sum(sizes[:place]), sum(sizes))


# Mixing along given dimensions


@rule("Softmax")
def _softmax(layer, axis):
    refuse_masks(axis.call)
    return mixing(axis, layer.axis)


@rule("LayerNormalization", "RMSNormalization", "UnitNormalization")
def _normalised_along(layer, axis):
    return mixing(axis, layer.axis)


@rule("Activation")
@keeping_places
def _activation(layer, axis):
    # What the function mixes is found by trying it: see activations.py.
    return one_to_one(axis)


@rule("GroupNormalization")
def _group_normalisation(layer, axis):
    """Mix all positions of a group of channels, which may lie along an axis of the picture."""
    channel = layer.axis % axis.rank
    channels = axis.shape[channel]
    width = channels and (1 if layer.groups == -1 else channels // layer.groups)
    if width == 1 and is_single_entry(axis.shape, {*range(1, axis.rank)} - {channel}):
        if axis.rank == 2:
            raise Silenced(OF_ONE)
        return nothing(axis)
    if axis.dim != channel or layer.groups == 1 or axis.size is None:
        return everything(axis, axis.size, axis.dim)
    if width == 1:
        return one_to_one(axis)
    first = np.arange(axis.size) // width * width
    return listed(axis, first, first + width - 1, "is normalised in groups")


@rule("AutoContrast", "Equalization")
def _contrast_of_the_picture(layer, axis):
    """Scale by what is darkest and lightest in each channel, at inference too."""
    if axis.spatial(layer.data_format) is None:
        return one_to_one(axis)
    return everything(axis, axis.size, axis.dim)


# Attention


@rule("MultiHeadAttention", "GroupedQueryAttention", "GroupQueryAttention")
def _multi_head_attention(layer, axis):
    argument, _ = axis.call.argument(axis.input)
    dims = getattr(layer, "attention_axes", None) or range(1, axis.rank - 1)
    reach = getattr(layer, "sliding_window", getattr(layer, "_sliding_window", None))
    refuse_masks(axis.call, but=() if reach else ("attention_mask",))
    if reach:
        return _in_a_band(axis, argument, reach)
    return _attended(axis, argument, {dim % axis.rank for dim in as_tuple(dims)})


def _in_a_band(axis, argument, reach):
    """Let each step read those less than ``reach`` steps away, as layers do with a sliding window.

    Of one tensor that attends to itself; so it does not matter whose weight is always 1.
    """
    if axis.output or axis.rank != 3 or len(set(axis.call.inputs)) > 1:
        raise UnreadableLayer(
            "attends within a sliding window, which has a rule only for what a sequence that "
            "attends to itself makes, without its scores"
        )
    if axis.dim == 2:
        return everything(axis)
    if argument == "query":
        return one_to_one(axis)
    if axis.call.is_causal:
        return window(axis, reach, padding="causal")
    return window(axis, 2 * reach - 1, padding="same")


@rule("Attention", "AdditiveAttention")
def _attention(layer, axis):
    refuse_masks(axis.call)
    given = axis.call.arguments[:1], axis.call.keywords.get("inputs")
    if not all(array.all() for array in constants(given)):
        raise Silenced("has constant queries, keys or values with zeros, which have no rule")
    argument, _ = axis.call.argument(axis.input)
    if argument == "inputs":
        place, _ = placed_operands(axis)
        argument = ("query", "value", "key")[place]
    if axis.dim == axis.rank - 1 and argument == "value" and not axis.output:
        return _features_of_values(axis)
    return _attended(axis, argument, {1})


@rule("DotProductAttention", place="ops")
def _attention_of_heads(operation, axis):
    """Let each head attend for itself; one of keys and values may serve several of queries."""
    refuse_masks(axis.call)
    argument, _ = axis.call.argument(axis.input)
    query, value, _ = axis.call.attended(axis.shapes)
    if query[3] != value[3]:
        raise UnreadableLayer("has values of another width than its queries, which Keras misstates")
    if argument in ("query", "key", "value") and axis.dim == 2:
        return repeat(axis, axis.made[2] // axis.size)
    if argument == "value" and axis.dim == 3:
        return one_to_one(axis)
    return _attended(axis, argument, {1})


def _features_of_values(axis):
    """Let a sum of values that are not projected mix their features through its weights alone."""
    _, value, _ = axis.call.attended(axis.shapes)
    if value[1] == 1:
        return one_to_one(axis)
    if axis.call.is_causal:
        raise UnreadableLayer("takes the first value feature by feature, and mixes those behind")
    return everything(axis)


def _attended(axis, argument, dims):
    """Let a query read itself and, along some dimensions, all keys and values."""
    if argument not in ("query", "value", "key"):
        raise UnreadableLayer(f"takes a {argument} that depends on the picture, which has no rule")
    query, value, _ = axis.call.attended(axis.shapes)
    causal, one_key = axis.call.is_causal, is_single_entry(value, dims)
    has_mask = bool(constants(axis.call.keywords.get("attention_mask")))
    if has_mask and (axis.output or causal or dims != {1}):
        raise Silenced(MASKED)
    if axis.output:
        # Of heads, Keras states as many keys as queries, and has another number at times.
        misstated = len(axis.made) > 3 and query[1] != value[1]
        if misstated or one_key or causal or dims != {1}:
            raise Silenced(
                "gives its attention scores, which have a rule only where a query meets a value "
                "along one axis, of the same length for several heads, and without a causal mask, "
                "and only for two keys or more"
            )
        return _score(axis, argument)
    if axis.dim == axis.rank - 1:
        return everything(axis)
    if has_mask:
        return looking_at(axis, argument, (query[1], value[1]))
    if one_key and argument != "value":
        # Its weight is 1, whoever asks.
        return nothing(axis, query[axis.dim])
    if argument == "query" and causal and axis.dim in dims:
        return _weighing(axis)
    if argument == "query" or axis.dim not in dims:
        return one_to_one(axis)
    units = query[axis.dim]
    if not causal:
        return everything(axis, units, axis.dim)
    if dims != {1}:
        raise UnreadableLayer("masks the future along several dimensions, which has no rule")
    if units is None and axis.size is not None:
        raise UnreadableLayer("masks the future of queries whose number is unknown")
    reads = past(axis, units=units)
    return _but_the_first(reads) if argument == "key" else reads


def _but_the_first(reads):
    """Let the first unit read nothing: it meets one key, whose weight is 1."""
    if reads.listed is None:
        return reads
    first, last = reads.listed.first.copy(), reads.listed.last
    first[0] = last[0] + 1
    return replace(reads, listed=Listed(first, last))


def _score(axis, argument):
    """Let a score read its own query and, as it is a share of their sum, all keys."""
    query_dim, key_dim = len(axis.made) - 2, len(axis.made) - 1
    if axis.dim != 1:
        return everything(axis)
    if argument == "value" and len(axis.call.operands) > 2:
        # The keys are others.
        return nothing(axis, axis.size, key_dim)
    if argument == "query":
        return one_to_one(axis, query_dim)
    return everything(axis, axis.size, key_dim)


def _weighing(axis):
    """Let unit t weigh what came before it; the first has nothing to choose from."""
    if axis.size is None:
        return one_to_one(axis)
    units = np.arange(axis.size)
    return _but_the_first(replace(one_to_one(axis), listed=Listed(units, units)))


# Recurrence


@rule("RNN", "LSTM", "GRU", "SimpleRNN")
def _recurrence(layer, axis):
    """Let step t see what came before it; states, and the last step, have seen everything."""
    if axis.rank > 3:
        raise UnreadableLayer("runs over more than steps and features, which has no rule")
    refuse_masks(axis.call)
    _refuse_what_forgets(axis, layer)
    if axis.output or not layer.return_sequences or not _is_of_steps(axis):
        return everything(axis)
    return future(axis, in_order_of_steps=True) if layer.go_backwards else past(axis)


def _refuse_what_forgets(axis, *recurrences):
    """Refuse cells of somebody's own that may leave aside what came before."""
    _, steps, *_, features = (axis.shapes or axis.call.input_shapes)[0]
    for layer in recurrences:
        if not _remembers(layer.cell, features, steps, with_states=axis.output > 0):
            raise UnreadableLayer(
                "has a cell of its own that cannot be seen to keep what it has read"
            )


def _remembers(cell, features, steps, with_states):
    """Say whether all that a cell makes at a step has read that step and all before it."""
    if type(cell).__module__.startswith("keras."):
        # Of others in a stack it is not known how many features they are given.
        return all(_remembers(each, None, 0, False) for each in getattr(cell, "cells", ()))
    try:
        of_input, of_state, sizes = _one_step(cell, features)
    except Exception:
        return False
    size, ends = sum(sizes), np.cumsum([0, *sizes] if with_states else [])
    made = [slice(size, None), *map(slice, ends[:-1], ends[1:])]
    # What is passed on from place to place, and lost at the last, is so within as many steps.
    steps = 2 * size if steps is None else min(2 * size, steps)
    for _ in range(steps):
        if not all(of_input[part].any() for part in made):
            return False
        before, of_input = of_input, of_state[of_input[:size]].any(axis=0)
        if np.array_equal(before, of_input):
            break
    return True


def _one_step(cell, features):
    """Find what changes with the input of a cell, and with each entry of its state.

    Returns:
        Two boolean arrays, over the entries of the new state and those of what is made behind
        them; the second has a row for each entry of the state. And the sizes of the states.
    """
    sizes, random = keras.tree.flatten(cell.state_size), np.random.default_rng(0)
    rows = 2 + sum(sizes)
    inputs = np.repeat(random.normal(size=(1, features)), rows, axis=0)
    states = np.repeat(random.normal(size=(1, rows - 2)), rows, axis=0)
    inputs[1] = random.normal(size=features)
    states[2:] += np.diag(random.normal(size=rows - 2))
    parts = np.split(states.astype("float32"), np.cumsum(sizes)[:-1], axis=1)
    parts = keras.tree.pack_sequence_as(cell.state_size, parts)
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    made, new = cell(inputs.astype("float32"), parts)
    flat = [keras.ops.convert_to_numpy(each) for each in (*keras.tree.flatten(new), made)]
    flat = np.concatenate([each.reshape(rows, -1) for each in flat], axis=1)
    changed = ~np.isclose(flat[1:], flat[:1], rtol=1e-5, atol=1e-6)
    return changed[0], changed[1:], sizes


def _is_of_steps(axis):
    """Say whether an axis is that of the steps, of a sequence or of its mask."""
    is_by_step = axis.rank > 2 or axis.call.argument(axis.input)[0] == "mask"
    return axis.dim == 1 and is_by_step


@rule("Bidirectional")
def _both_ways(layer, axis):
    refuse_masks(axis.call)
    _refuse_what_forgets(axis, layer.forward_layer, layer.backward_layer)
    if axis.output > (layer.merge_mode is None) or not _is_of_steps(axis):
        return everything(axis)
    if not layer.return_sequences:
        return everything(axis)
    if layer.merge_mode is not None:
        return everything(axis, axis.size, axis.dim)
    # The steps of the second layer are turned round; they come in the order of the first.
    if layer.forward_layer.go_backwards:
        raise UnreadableLayer("has a forward layer that goes backwards, which has no rule")
    return future(axis) if axis.output else past(axis)


@rule(*in_dimensions("ConvLSTMND"))
def convolutional_recurrence(layer, axis):
    """Widen the window of the last step by what each step convolves of the one before.

    Where steps differ in more, ``call_fields`` follows the state step by step instead.
    """
    inner = Axis(axis.dim - 1, (axis.shape[0], *axis.shape[2:]))
    place = inner.spatial(layer.data_format)
    if axis.dim == 1 or place is None:
        return everything(axis)
    if axis.shape[1] is None:
        raise SizeProblem("convolves its state once a step, and their number is unknown: give it")
    steps, kernel = axis.shape[1] - 1, at(layer.kernel_size, place)
    before, after = (kernel - 1) // 2 * steps, kernel // 2 * steps
    return widened(_convolved(layer, inner, place), before, after, axis.size)


def convolution_of_the_state(layer, axis):
    """Let a step of a convolutional recurrence read the state that the one before it left."""
    place = axis.spatial(layer.data_format)
    if place is None:
        return everything(axis)
    return window(axis, at(layer.kernel_size, place), padding="same")


@rule("Dense")
def _dense(layer, axis):
    return everything(axis) if axis.dim == axis.rank - 1 else one_to_one(axis)


@rule("ReversibleEmbedding")
def _reversible_embedding(layer, axis):
    """Look each entry up, or, on the way back, weigh its features."""
    return _dense(layer, axis) if is_reversed(axis.call) else one_to_one(axis)


def is_reversed(call):
    """Say whether a reversible embedding is asked for the way back."""
    return bool(call.keywords.get("reverse"))


@rule("EinsumDense")
def _einsum_dense(layer, axis):
    read, made = layer.equation.replace(" ", "").split("->")
    read = read.split(",")[0]
    if "..." in read and axis.rank - len(read) != len(axis.made) - len(made):
        raise UnreadableLayer("has an output_shape that does not fit the dots of its equation")
    letter, made = spelt_out(read, axis.rank)[axis.dim], spelt_out(made, len(axis.made))
    return one_to_one(axis, made.index(letter)) if letter in made else everything(axis)


# New shapes


@rule("Reshape")
def _reshape(layer, axis):
    return Rearranged((Reshaped((None, *layer.target_shape)),))


@rule("Flatten")
def _flatten(layer, axis):
    flat = Reshaped((None, -1))
    if layer.data_format == "channels_first" and axis.rank > 2:
        return Rearranged((Transposed((0, *range(2, axis.rank), 1)), flat))
    return Rearranged((flat,))


@rule("Permute")
def _permute(layer, axis):
    return one_to_one(axis, 1 + layer.dims.index(axis.dim))


@rule("RepeatVector")
def _repeat_vector(layer, axis):
    return one_to_one(axis, axis.dim + 1)


# Layers around a layer


@rule("TimeDistributed")
def _time_distributed(layer, axis):
    if axis.dim == 1:
        return one_to_one(axis)
    shape = (axis.shape[0], *axis.shape[2:])
    inner = Axis(axis.dim - 1, shape, axis.call, shapes=(shape,))
    reads = rule_for(layer.layer)(layer.layer, inner)
    if isinstance(reads, Rearranged):
        return Rearranged(tuple(_with_time(move) for move in reads.moves))
    return replace(reads, dim=None if reads.dim is None else reads.dim + 1)


def _with_time(move):
    """Leave the dimension of time where it is, behind the batch."""
    if isinstance(move, Reshaped):
        return Reshaped((None, *move.shape))
    return Transposed((0, *(dim + 1 for dim in move.order)))


@rule("RandomCrop")
def _random_crop(layer, axis):
    place = axis.spatial(layer.data_format)
    size = None if place is None else (layer.height, layer.width)[place]
    if size in (None, axis.size):
        return one_to_one(axis)
    raise UnreadableLayer(
        "crops in training alone: at inference the picture passes whole, and is not of the size "
        "that Keras tells the layers behind it"
    )


@rule("SpectralNormalization")
def _wrapped(layer, axis):
    return rule_for(layer.layer)(layer.layer, axis)
