"""One small rule per type of layer: which positions of its input a unit reads.

A rule is a function of a layer and one :class:`~labkit.receptive_field.reads.Axis` that
returns a :class:`~labkit.receptive_field.reads.Reads`. It is called once for every input
tensor and every axis of it that can be traced back to the picture.
"""

from math import prod

import keras
from keras import layers

from labkit.receptive_field.reads import (
    Axis,
    Reads,
    UnreadableLayer,
    adaptive_pool,
    everything,
    one_to_one,
    repeat,
    resize,
    transposed_window,
    window,
)

_RULES = {}


def register_rule(layer_class, rule=None):
    """Tell ``analyse`` what a type of layer reads; its subclasses inherit the rule.

    Args:
        layer_class: a subclass of ``keras.layers.Layer`` or ``keras.Operation``.
        rule: function ``rule(layer, axis)`` that returns what unit j reads along one axis,
            built with :func:`~labkit.receptive_field.reads.window`,
            :func:`~labkit.receptive_field.reads.one_to_one` or another function of that
            module. Left out, a decorator is returned.

    Returns:
        The rule, or the decorator.

    Raises:
        TypeError: if ``layer_class`` is no such class or ``rule`` cannot be called.

    Example:
        >>> import keras
        >>> from labkit.receptive_field.reads import window
        >>> class Blur(keras.layers.Layer):
        ...     size = 5
        >>> @register_rule(Blur)
        ... def blur(layer, axis):
        ...     if axis.spatial("channels_last") is None:
        ...         return one_to_one(axis)
        ...     return window(axis, kernel=layer.size, padding="same")
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.Operation)):
        raise TypeError(
            f"register_rule needs a class of layers as its first argument, not {layer_class!r}: "
            "pass for example MyLayer itself, neither its name nor one layer of it."
        )
    if rule is None:
        return lambda function: register_rule(layer_class, function)
    if not callable(rule):
        raise TypeError(
            f"The rule for {layer_class.__name__} must be a function of (layer, axis), "
            f"not {rule!r}."
        )
    _RULES[layer_class] = rule
    return rule


def rule_for(operation):
    """Return the rule of a layer or operation, its nearest base class' if it has none.

    Args:
        operation: a Keras layer or operation.

    Returns:
        The rule, a function of (layer, axis).

    Raises:
        UnreadableLayer: if neither its class nor a base class has one.
    """
    for base in type(operation).__mro__:
        rule = _RULES.get(base) or _RULES.get(_registered_name(base))
        if rule:
            return rule
    kind = type(operation).__name__
    raise UnreadableLayer(
        "has no rule yet. Say what it reads, for example, if it works on each position alone:\n"
        "    from labkit.receptive_field import register_rule\n"
        "    from labkit.receptive_field.reads import one_to_one\n"
        f"    register_rule({kind}, lambda layer, axis: one_to_one(axis))"
    )


def _registered_name(base):
    """Name a class that Keras has but does not export."""
    module = base.__module__
    if module.startswith("keras.src.ops."):
        return f"keras.ops.{base.__name__}"
    if module.startswith("keras.src.applications."):
        return f"keras.applications.{base.__name__}"
    return None


def _rule(*names, where=layers, prefix=None):
    """Register a rule for the classes of these names that this version of Keras has."""

    def register(rule):
        for name in names:
            key = f"{prefix}.{name}" if prefix else getattr(where, name, None)
            if key is not None:
                _RULES[key] = rule
        return rule

    return register


def _in_dimensions(name, *dimensions):
    """Return the layer names for the given numbers of dimensions, such as Conv1D, Conv2D."""
    return [name.replace("ND", f"{n}D") for n in dimensions or (1, 2, 3)]


def _at(value, place):
    """Take an argument's value for one axis; Keras stores one number for all, or one each."""
    return value[place] if isinstance(value, (tuple, list)) else value


# Convolution and pooling


@_rule(
    *_in_dimensions("ConvND"),
    *_in_dimensions("DepthwiseConvND", 1, 2),
    *_in_dimensions("SeparableConvND", 1, 2),
)
def _convolution(layer, axis):
    place = axis.spatial(layer.data_format)
    if place is None:
        return everything(axis)
    return window(
        axis,
        _at(layer.kernel_size, place),
        _at(layer.strides, place),
        _at(layer.dilation_rate, place),
        layer.padding,
    )


@_rule(*_in_dimensions("ConvNDTranspose"))
def _transposed_convolution(layer, axis):
    place = axis.spatial(layer.data_format)
    if place is None:
        return everything(axis)
    return transposed_window(
        axis,
        _at(layer.kernel_size, place),
        _at(layer.strides, place),
        _at(layer.dilation_rate, place),
        layer.padding,
        _at(layer.output_padding, place),
    )


@_rule(*_in_dimensions("MaxPoolingND"), *_in_dimensions("AveragePoolingND"))
@_rule("MaxPool", "AveragePool", prefix="keras.ops")
def _pooling(layer, axis):
    place = axis.spatial(layer.data_format or keras.config.image_data_format())
    if place is None:
        return one_to_one(axis)
    size = _at(layer.pool_size, place)
    strides = size if layer.strides is None else _at(layer.strides, place)
    return window(axis, size, strides, padding=layer.padding)


@_rule(*_in_dimensions("AdaptiveAveragePoolingND"), *_in_dimensions("AdaptiveMaxPoolingND"))
def _adaptive_pooling(layer, axis):
    place = axis.spatial(layer.data_format)
    return one_to_one(axis) if place is None else adaptive_pool(axis, layer.output_size[place])


@_rule(*_in_dimensions("GlobalAveragePoolingND"), *_in_dimensions("GlobalMaxPoolingND"))
def _global_pooling(layer, axis):
    if axis.spatial(layer.data_format) is not None:
        return everything(axis, 1, axis.dim) if layer.keepdims else everything(axis)
    return one_to_one(axis, axis.dim if layer.keepdims else 1)


# Borders and resolution


@_rule(*_in_dimensions("ZeroPaddingND"))
def _zero_padding(layer, axis):
    return _with_border(axis, layer, layer.padding, 1)


@_rule(*_in_dimensions("CroppingND"))
def _cropping(layer, axis):
    return _with_border(axis, layer, layer.cropping, -1)


def _with_border(axis, layer, border, sign):
    # The one-dimensional layers have neither a data_format nor a pair per axis.
    place = axis.spatial(getattr(layer, "data_format", "channels_last"))
    if place is None:
        return one_to_one(axis)
    before, after = border[place] if isinstance(border[0], (tuple, list)) else border
    return window(axis, 1, padding=(sign * before, sign * after))


@_rule(*_in_dimensions("UpSamplingND"))
def _upsampling(layer, axis):
    place = axis.spatial(getattr(layer, "data_format", "channels_last"))
    if place is None:
        return one_to_one(axis)
    times = _at(layer.size, place)
    interpolation = getattr(layer, "interpolation", "nearest")
    if interpolation == "nearest":
        return repeat(axis, times)
    return _enlarged(axis, times, interpolation)


def _enlarged(axis, times, interpolation):
    """Interpolate to a multiple of the size, which may be unknown: only the ratio counts."""
    reads = resize(Axis(0, (1,)), times, interpolation)
    size = None if axis.size is None else axis.size * times
    return Reads(reads.offsets, size, reads.stride, reads.divisor, axis.dim)


@_rule("Resizing")
def _resizing(layer, axis):
    return _resized(layer, axis, (layer.height, layer.width))


@_rule("Resize", prefix="keras.ops")
def _resize_operation(operation, axis):
    return _resized(operation, axis, operation.size)


def _resized(layer, axis, sizes):
    place = axis.spatial(layer.data_format)
    if place is None:
        return one_to_one(axis)
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or layer.antialias:
        raise UnreadableLayer("crops, pads or antialiases while it resizes, which has no rule")
    return resize(axis, sizes[place], layer.interpolation)


@_rule("CenterCrop")
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


@_rule("ReLU", "LeakyReLU", "PReLU", "ELU", "Identity", "Masking", "ActivityRegularization")
@_rule("BatchNormalization", "Rescaling", "Normalization", "Embedding", "ReversibleEmbedding")
@_rule("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise")
@_rule(*_in_dimensions("SpatialDropoutND"))
@_rule("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomShear")
@_rule("RandomBrightness", "RandomContrast", "RandomErasing", "RandomPerspective")
@_rule("RandomHue", "RandomSaturation", "RandomSharpness", "RandomGrayscale", "RandomInvert")
@_rule("RandomColorJitter", "RandomColorDegeneration", "RandomPosterization", "AutoContrast")
@_rule("RandomGaussianBlur", "RandomElasticTransform", "AugMix", "RandAugment", "CutMix", "MixUp")
@_rule("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
@_rule("LayerScale", "CustomScaleLayer", prefix="keras.applications")
def _each_position(layer, axis):
    # Normalisation by a batch and random augmentation act in training only.
    return one_to_one(axis)


@_rule("Concatenate")
@_rule("Concatenate", prefix="keras.ops")
def _concatenation(layer, axis):
    if axis.dim == layer.axis % axis.rank:
        raise UnreadableLayer(
            f"joins its inputs end to end along the spatial dimension {axis.dim}, after which "
            "neighbouring units are no neighbours in the picture: analyse the parts by themselves"
        )
    return one_to_one(axis)


# Mixing along given dimensions


def _mixing(axis, dims):
    """Mix all positions along ``dims`` and keep their number."""
    mixed = axis.dim in {dim % axis.rank for dim in dims}
    return everything(axis, axis.size, axis.dim) if mixed else one_to_one(axis)


def _as_tuple(dims):
    return (dims,) if isinstance(dims, int) else tuple(dims)


@_rule("Softmax", "LayerNormalization", "RMSNormalization", "UnitNormalization")
def _normalised_along(layer, axis):
    return _mixing(axis, _as_tuple(layer.axis))


@_rule("Activation")
def _activation(layer, axis):
    mixes = getattr(layer.activation, "__name__", "") in ("softmax", "log_softmax", "sparsemax")
    return _mixing(axis, (-1,) if mixes else ())


@_rule("GroupNormalization")
def _group_normalisation(layer, axis):
    return everything(axis, axis.size, axis.dim)


@_rule("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention")
@_rule("GroupQueryAttention")
def _attention(layer, axis):
    return everything(axis, axis.size, axis.dim)


@_rule("RNN", "LSTM", "GRU", "SimpleRNN")
def _recurrence(layer, axis):
    # Unit t sees 0 ... t, the last one everything: the largest field is reported.
    keeps = axis.dim == 1 and layer.return_sequences
    return everything(axis, axis.size, axis.dim) if keeps else everything(axis)


@_rule("Bidirectional")
def _both_ways(layer, axis):
    return rule_for(layer.forward_layer)(layer.forward_layer, axis)


@_rule(*_in_dimensions("ConvLSTMND"))
def _convolutional_recurrence(layer, axis):
    raise UnreadableLayer("convolves its own state, so its field widens with every step of time")


@_rule("Dense")
def _dense(layer, axis):
    return everything(axis) if axis.dim == axis.rank - 1 else one_to_one(axis)


@_rule("EinsumDense")
def _einsum_dense(layer, axis):
    read, made = layer.equation.replace(" ", "").split("->")
    read = read.split(",")[0]
    if "..." in read:
        raise UnreadableLayer(f"has an equation with dots, {layer.equation!r}: spell it out")
    letter = read[axis.dim]
    return one_to_one(axis, made.index(letter)) if letter in made else everything(axis)


# New shapes


@_rule("Flatten", "Reshape")
@_rule("Reshape", "Ravel", "Squeeze", "ExpandDims", prefix="keras.ops")
def _reshape(layer, axis):
    """Keep an axis that stays whole and in its place; else no unit has a place any more."""
    made = axis.call.output_shape
    _check_same_count(axis.shape, made)
    before = axis.shape[1 : axis.dim]
    for dim in range(1, len(made)):
        if _same_count(before, made[1:dim]) and _same_size(axis, made[dim]):
            return one_to_one(axis, dim)
    return everything(axis)


def _check_same_count(read, made):
    if None not in read[1:] and None not in made[1:] and prod(read[1:]) != prod(made[1:]):
        raise UnreadableLayer(
            f"is built for another size of input: {tuple(read[1:])} does not fit {made[1:]}"
        )


def _same_count(read, made):
    if None in read or None in made:
        return tuple(read) == tuple(made)
    return prod(read) == prod(made)


def _same_size(axis, size):
    return axis.size == size or (size is None and axis.call.input_shapes[0][axis.dim] is None)


@_rule("Permute")
def _permute(layer, axis):
    return one_to_one(axis, 1 + layer.dims.index(axis.dim))


@_rule("RepeatVector")
def _repeat_vector(layer, axis):
    return one_to_one(axis, axis.dim + 1)


# Layers around a layer


@_rule("TimeDistributed")
def _time_distributed(layer, axis):
    if axis.dim == 1:
        return one_to_one(axis)
    if isinstance(layer.layer, keras.Model):
        raise UnreadableLayer("holds a whole model: analyse that model by itself")
    shape = (axis.shape[0], *axis.shape[2:])
    reads = rule_for(layer.layer)(layer.layer, Axis(axis.dim - 1, shape, axis.call))
    dim = None if reads.dim is None else reads.dim + 1
    return Reads(reads.offsets, reads.size, reads.stride, reads.divisor, dim)


@_rule("SpectralNormalization")
def _wrapped(layer, axis):
    return rule_for(layer.layer)(layer.layer, axis)


@_rule("Lambda")
def _lambda(layer, axis):
    raise UnreadableLayer(
        "is a Lambda, whose function cannot be looked into: use a layer of Keras, or write "
        "a subclass of keras.layers.Layer and register_rule(ThatLayer, rule)"
    )


# Operations, as in ``x + y`` or ``keras.ops.mean(x, axis=1)``


@_rule(
    *"Absolute Abs Fabs Negative Square Sqrt Rsqrt Reciprocal Exp Expm1 Log Log1p Log2 Log10 Sign "
    "Sin Cos Tan Sinh Cosh Tanh Arcsin Arccos Arctan Floor Ceil Round Trunc Clip NanToNum Cast "
    "StopGradient Identity Copy Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SoftShrink "
    "Silu Squareplus LogSigmoid LeakyRelu HardSigmoid HardSilu Elu Selu Gelu Celu TanhShrink "
    "HardTanh HardShrink Threshold Erf Erfc "
    "Add Subtract Multiply Divide TrueDivide DivideNoNan Maximum Minimum Power Mod Arctan2 "
    "Logaddexp Where Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr "
    "LogicalNot".split(),
    prefix="keras.ops",
)
def _each_position_of_all(operation, axis):
    """Align shapes from the right, as broadcasting does."""
    return one_to_one(axis, axis.dim + len(axis.call.output_shape) - axis.rank)


@_rule("Softmax", "LogSoftmax", "Sparsemax", "RMSNorm", "LayerNorm", prefix="keras.ops")
def _operation_along(operation, axis):
    return _mixing(axis, _as_tuple(operation.axis))


@_rule(
    *"Mean Sum Max Min Amax Amin Prod Var Std Median All Any Logsumexp CountNonzero Ptp".split(),
    prefix="keras.ops",
)
def _reduction(operation, axis):
    dims = range(axis.rank) if operation.axis is None else _as_tuple(operation.axis)
    dims = {dim % axis.rank for dim in dims}
    kept = getattr(operation, "keepdims", False)
    if axis.dim in dims:
        return everything(axis, 1, axis.dim) if kept else everything(axis)
    return one_to_one(axis, axis.dim if kept else axis.dim - sum(d < axis.dim for d in dims))


@_rule("Transpose", prefix="keras.ops")
def _transpose(operation, axis):
    axes = operation.axes or tuple(reversed(range(axis.rank)))
    return one_to_one(axis, [a % axis.rank for a in axes].index(axis.dim))


@_rule("Pad", prefix="keras.ops")
def _pad(operation, axis):
    if operation.mode != "constant":
        raise UnreadableLayer(f"pads with mode {operation.mode!r}, and only 'constant' has a rule")
    widths = operation.pad_width
    return window(axis, 1, padding=tuple(widths[axis.dim if len(widths) > 1 else 0]))


@_rule("Repeat", prefix="keras.ops")
def _repeat(operation, axis):
    if operation.axis is None or not isinstance(operation.repeats, int):
        raise UnreadableLayer("repeats unevenly or over all axes at once, which has no rule")
    same = axis.dim != operation.axis % axis.rank
    return one_to_one(axis) if same else repeat(axis, operation.repeats)


@_rule("GetItem", prefix="keras.ops")
def _get_item(operation, axis):
    key = _key_of(axis)
    part = key[axis.dim]
    dim = axis.dim - sum(isinstance(other, int) for other in key[: axis.dim])
    if part == slice(None):
        return one_to_one(axis, dim)
    if axis.size is None or not isinstance(part, (int, slice)):
        raise UnreadableLayer(f"takes {part} of an axis of unknown size: give input_size")
    if isinstance(part, int):
        return Reads((part % axis.size,), 1)
    units = range(axis.size)[part]
    return (
        Reads((units.start,), len(units), abs(units.step), dim=dim)
        if units.step > 0
        else (_reversed())
    )


def _key_of(axis):
    """Spell a subscript out, one entry per dimension."""
    key = axis.call.arguments[1] if len(axis.call.arguments) > 1 else axis.call.keywords["key"]
    key = tuple(key) if isinstance(key, (tuple, list)) else (key,)
    if None in key:
        raise UnreadableLayer("adds a dimension in a subscript: use keras.ops.expand_dims")
    missing = (slice(None),) * (axis.rank - len(key) + (Ellipsis in key))
    if Ellipsis not in key:
        return key + missing
    at = key.index(Ellipsis)
    return key[:at] + missing + key[at + 1 :]


def _reversed():
    raise UnreadableLayer("walks an axis backwards, which has no rule")


@_rule("Conv", "DepthwiseConv", "SeparableConv", prefix="keras.ops")
def _convolution_operation(operation, axis):
    place = axis.spatial(operation.data_format or keras.config.image_data_format())
    if place is None:
        return everything(axis)
    kernel = axis.call.arguments[1].shape[place]
    return window(
        axis,
        kernel,
        _at(operation.strides, place),
        _at(operation.dilation_rate, place),
        operation.padding,
    )
