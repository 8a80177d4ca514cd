"""A way to find a receptive field that knows nothing of how ``analyse`` does it: the gradient.

What one unit sees is where its gradient with respect to the input is not zero.

The gradient of a network as it stands is no reliable witness: maximum pooling passes one
position on and, if all weights are positive, the same one for every channel; ReLU and the
sigmoid cut gradients to zero, and ReLU and maximum pooling swallow NaN; float32 underflows
in deep networks. So a copy is differentiated that has the same borders, strides, kernels and
paths and none of these traps:

- one channel; every kernel the mean over its taps; no bias, in float64;
- average pooling instead of maximum pooling;
- the mean instead of every join, products and channels side by side included;
- no activation, dropout or normalisation, but a mean where a layer mixes positions.

What counts is the *extent* of the touched positions, not their number: dilation leaves holes.
"""

from math import prod

import keras
import numpy as np
from keras import layers

from labkit.receptive_field.input_gradients import float64, input_gradient
from labkit.words import is_whole, require_one_of, require_whole_numbers


def gradient_extent(
    model, layer=None, unit=None, input_size=None, *, squeeze_excitation="whole image", replace=None
):
    """Find the first and last position of the input that one unit's gradient touches.

    Args:
        model: a functional or sequential ``keras.Model`` with one input.
        layer: name of a layer; default: the layer behind the model's first output. A layer
            inside a functional model inside the model cannot be named.
        unit: the unit's place, one integer per dimension of the layer's output without batch
            and channels; default: the middle.
        input_size: positions along each spatial axis; needed where the model leaves it open.
            Large enough that borders do not cut the field, if its size is wanted.
        squeeze_excitation: ``"whole image"`` follows gates as what they are; ``"ignore"``
            leaves out a factor of one position beside a larger one in a product.
        replace: function of a layer that returns a linear layer for one channel to put in its
            place, or ``None`` to leave that to the oracle: for layers of your own.

    Returns:
        A tuple of (first, last), one pair per spatial axis of the input; ``None`` instead of
        the pair if the unit sees nothing but padding.

    Raises:
        ValueError: if the layer, the unit or the size does not exist.
        NotImplementedError: if there is no copy of a layer.

    Example:
        >>> import keras
        >>> line = keras.Sequential(
        ...     [keras.Input((12, 1)), keras.layers.Conv1D(1, 3, dilation_rate=2)])
        >>> gradient_extent(line, unit=(4,))
        ((4, 8),)
    """
    gradient = gradient_map(
        model, layer, unit, input_size, squeeze_excitation=squeeze_excitation, replace=replace
    )
    touched = np.nonzero(gradient)
    return tuple((int(axis.min()), int(axis.max())) if axis.size else None for axis in touched)


def gradient_map(
    model, layer=None, unit=None, input_size=None, *, squeeze_excitation="whole image", replace=None
):
    """Return the gradient of one unit of the one-channel linear copy.

    Args:
        model, layer, unit, input_size, squeeze_excitation, replace: as for :func:`gradient_extent`.

    Returns:
        A float64 array with the spatial shape of the input. Its entries are at least 0 and,
        where no border takes part, add up to 1: the share of each position in the unit.

    Raises:
        ValueError: if the layer, the unit or the size does not exist.
        NotImplementedError: if there is no copy of a layer.

    Example:
        >>> import keras
        >>> line = keras.Sequential([keras.Input((5, 1)), keras.layers.Conv1D(1, 2)])
        >>> gradient_map(line, unit=(1,)) == [0, 0.5, 0.5, 0, 0]
        array([ True,  True,  True,  True,  True])
    """
    if len(model.inputs) != 1:
        raise ValueError(f"This oracle takes models with one input; this one has {model.inputs}.")
    with float64():
        copy = linear_copy(
            model, layer, input_size, squeeze_excitation=squeeze_excitation, replace=replace
        )
        weights = _one_lit(copy.output.shape, unit)
        # The copy is linear, so any input gives the same gradient.
        gradient = input_gradient(copy, np.ones(copy.input.shape), weights)
    return gradient[0, ..., 0]


def _one_lit(shape, unit):
    places = shape[1:-1]
    unit = tuple(size // 2 for size in places) if unit is None else unit
    fits = np.shape(unit) == (len(places),) and all(
        is_whole(place, -size) and place < size for place, size in zip(unit, places, strict=True)
    )
    if not fits:
        raise ValueError(f"There is no unit {unit} in an output of shape {shape}.")
    weights = np.zeros(shape)
    weights[(0, *unit)] = 1
    return weights


def linear_copy(
    model, layer=None, input_size=None, *, squeeze_excitation="whole image", replace=None
):
    """Build the one-channel linear copy of a model, up to one layer.

    Args:
        model, layer, input_size, squeeze_excitation, replace: as for :func:`gradient_extent`.

    Returns:
        A ``keras.Model`` in float64, channels last, batch size 1; under JAX, call this and
        the model inside of :func:`~labkit.receptive_field.input_gradients.float64`.

    Raises:
        ValueError: if the layer or the size does not exist.
        NotImplementedError: if there is no copy of a layer.
    """
    require_one_of("squeeze_excitation", squeeze_excitation, ("whole image", "ignore"))
    channels_first = _is_channels_first(model)
    shape = _one_channel(model.inputs[0].shape, input_size, channels_first)
    start = _entry(model, shape)
    copier = _Copier(channels_first, replace, squeeze_excitation == "ignore")
    end = copier.run(model, start)
    if layer is not None:
        if layer not in copier.made:
            raise ValueError(f"The model has no layer {layer!r} outside the models inside it.")
        end = copier.made[layer]
    return keras.Model(start, keras.tree.flatten(end)[0])


def _entry(model, shape):
    """Make an input for the copy, named as the model's own: dictionaries go by the name."""
    return keras.Input(batch_shape=shape, dtype="float64", name=model.inputs[0].name)


def _is_channels_first(model):
    formats = [getattr(layer, "data_format", None) for layer in _layers(model)]
    known = next(filter(None, formats), keras.config.image_data_format())
    return known == "channels_first"


def _layers(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _one_channel(shape, input_size, channels_first):
    spatial = list(shape[2:] if channels_first else shape[1:-1])
    if input_size is not None:
        spatial = require_whole_numbers("input_size", input_size, number=len(spatial))
    if None in spatial:
        raise ValueError(f"The model's input is {shape}: give input_size.")
    return (1, *spatial, 1)


class _Copier:
    """Calls linear stand-ins for the layers of a model, each made once."""

    def __init__(self, channels_first, replace, ignore_gates):
        self.channels_first, self.replace = channels_first, replace
        self.ignore_gates = ignore_gates
        self.stand_ins, self.made, self.path = {}, {}, []

    def run(self, model, start):
        """Run the copy of a model on a symbolic tensor of one channel."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                start = self.call(layer, start)
            return start
        structure = keras.tree.pack_sequence_as(model.input, [start])
        return keras.models.clone_model(
            model,
            input_tensors=structure,
            clone_function=lambda layer: layer,
            call_function=self.call,
        ).output

    def call(self, layer, *arguments, **keywords):
        """Call the stand-in of a layer, or run the copy of a model inside the model."""
        if isinstance(layer, keras.Sequential):
            self.path.append(layer.name)
            made = self.run(layer, arguments[0])
            self.path.pop()
        elif isinstance(layer, keras.Model):
            made = self._copy_inside(layer, arguments[0])
        else:
            made = self._stand_in(layer, arguments, keywords)
        self._remember(layer.name, made)
        return made

    def _copy_inside(self, model, start):
        """Copy a functional model by itself: its tensors are not those of the whole."""
        (start,) = keras.tree.flatten(start)
        entry = _entry(model, start.shape)
        inside = _Copier(self.channels_first, self.replace, self.ignore_gates)
        return keras.Model(entry, inside.run(model, entry))(start)

    def _remember(self, name, made):
        path = "/".join([*self.path, name])
        turn = sum(known.split(" #")[0] == path for known in self.made) + 1
        self.made[path if turn == 1 else f"{path} #{turn}"] = made

    def _stand_in(self, layer, arguments, keywords):
        given = keras.tree.flatten((arguments, keywords))
        tensors = [value for value in given if isinstance(value, keras.KerasTensor)]
        if self.ignore_gates and type(layer).__name__ == "Multiply":
            tensors = _without_gates(tensors)
        if id(layer) not in self.stand_ins:
            self.stand_ins[id(layer)] = self._made_for(layer, tensors)
        stand_in = self.stand_ins[id(layer)]
        if type(layer).__name__ in _WITH_ARGUMENTS:
            return stand_in(*arguments, **keywords)
        return stand_in(tensors if len(tensors) > 1 else tensors[0])

    def _made_for(self, layer, tensors):
        """Return a linear layer for one channel."""
        replaced = self.replace and self.replace(layer)
        if replaced:
            return replaced
        kind = type(layer).__name__
        in_space = _joins_spatially(layer, tensors[0], self.channels_first)
        if len(tensors) > 1 and kind in _JOINS and not in_space:
            return layers.Average(dtype="float64")
        for kinds, make in _STAND_INS:
            if kind in kinds:
                return make(layer, tensors[0], self.channels_first)
        raise NotImplementedError(
            f"There is no linear copy of the layer {layer.name!r} ({kind}): "
            "give one with replace=lambda layer: ..."
        )


def _without_gates(tensors):
    """Leave out factors of one position beside larger ones; the copy has channels last."""
    areas = [prod(tensor.shape[1:-1]) for tensor in tensors]
    return [t for t, area in zip(tensors, areas, strict=True) if area > 1 or max(areas) == 1]


def _joins_spatially(layer, tensor, channels_first):
    """Say whether a concatenation joins its inputs end to end in space."""
    if type(layer).__name__ != "Concatenate":
        return False
    rank = len(tensor.shape)
    return layer.axis % rank != (1 if channels_first else rank - 1)


def _mean_kernel(shape, dtype=None):
    """Initialise a kernel to the mean over its taps, and to a sum over the channels made."""
    return keras.ops.full(shape, 1 / prod(shape[:-1]), dtype=dtype)


#: What a configuration changes to for the copy, where it has such an entry.
_ONE_CHANNEL = {
    "dtype": "float64",
    "data_format": "channels_last",
    "activation": "linear",
    "use_bias": False,
    **dict.fromkeys(("filters", "units", "groups", "depth_multiplier"), 1),
    **{f"{part}_initializer": _mean_kernel for part in ("kernel", "depthwise", "pointwise")},
}


def _linear(layer, tensor, channels_first):
    """Make a layer anew for one channel, with an average in place of a maximum."""
    config = layer.get_config()
    if hasattr(layer, "output_padding"):
        # Keras 3.13, which Colab has, leaves it out.
        config["output_padding"] = layer.output_padding
    for key in config:
        if key.endswith(("_regularizer", "_constraint")) or key.startswith("lora_"):
            config[key] = None
    changes = {key: _ONE_CHANNEL[key] for key in config.keys() & _ONE_CHANNEL}
    average = getattr(layers, type(layer).__name__.replace("Max", "Average"))
    return average.from_config(config | changes)


def _pooling(layer, tensor, channels_first):
    """Pool with a convolution: TensorFlow has no float64 pooling along three axes."""
    convolution = getattr(layers, f"Conv{len(tensor.shape) - 2}D")
    mean = {"use_bias": False, "kernel_initializer": _mean_kernel, "dtype": "float64"}
    return convolution(1, layer.pool_size, layer.strides, layer.padding, **mean)


def _reshape(layer, tensor, channels_first):
    """Reshape one channel instead of many."""
    target = list(layer.target_shape)
    target.pop(0 if channels_first else -1)
    if -1 not in target and prod(target) != prod(tensor.shape[1:]):
        raise NotImplementedError(
            f"The layer {layer.name!r} reshapes to {layer.target_shape} and mixes channels "
            "with positions: give a linear copy with replace=lambda layer: ..."
        )
    return layers.Reshape((*target, 1), dtype="float64")


def _identity(layer, tensor, channels_first):
    """Leave out what reads one position each."""
    return layers.Identity(dtype="float64")


def _operation(operation, tensor, channels_first):
    """Make the operation anew: calling it would add to the graph it is part of."""
    return type(operation).from_config(operation.get_config())


class _MeanAlong(layers.Layer):
    """Add to each position the mean along given dimensions: linear, and it mixes them all."""

    def __init__(self, dims):
        super().__init__(dtype="float64")
        self.dims = dims

    def call(self, x):
        return (x + keras.ops.mean(x, axis=self.dims, keepdims=True)) / 2


def _normalisation(layer, tensor, channels_first):
    """Keep what a normalisation mixes beside the channels."""
    rank = len(tensor.shape)
    channels = 1 if channels_first else rank - 1
    dims = range(1, rank)
    if type(layer).__name__ != "GroupNormalization":
        dims = [layer.axis] if isinstance(layer.axis, int) else layer.axis
    dims = {dim % rank for dim in dims} - {channels}
    if channels_first:
        dims = {dim - 1 for dim in dims}
    return _MeanAlong(tuple(dims)) if dims else layers.Identity(dtype="float64")


def _with_dimensions(*names):
    return {name.replace("ND", f"{n}D") for name in names for n in (1, 2, 3)}


_JOINS = {
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"),
    *("Divide", "TrueDivide", "CustomScaleLayer"),
}
_ALONE = {
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Identity", "Masking", "Rescaling"),
    *("BatchNormalization", "Normalization", "Dropout", "GaussianNoise", "LayerScale"),
    *("Relu", "Relu6", "Sigmoid", "Tanh", "Gelu", "Silu", "Square", "HardSigmoid", "HardSilu"),
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide"),
    *_with_dimensions("SpatialDropoutND"),
}
#: Operations that take more than tensors.
_WITH_ARGUMENTS = {"GetItem", "Pad", "Mean", "Sum", "ExpandDims", "Squeeze"}
_STAND_INS = (
    (_ALONE, _identity),
    (
        {
            *_with_dimensions("ConvND", "ConvNDTranspose", "DepthwiseConvND", "SeparableConvND"),
            *_with_dimensions("GlobalMaxPoolingND", "GlobalAveragePoolingND"),
            *_with_dimensions("AdaptiveMaxPoolingND", "AdaptiveAveragePoolingND"),
            *_with_dimensions("ZeroPaddingND", "CroppingND", "UpSamplingND"),
            *("Dense", "Resizing", "Flatten", "Permute"),
        },
        _linear,
    ),
    (_with_dimensions("MaxPoolingND", "AveragePoolingND"), _pooling),
    ({"Resize", "Flip", *_WITH_ARGUMENTS}, _operation),
    ({"Reshape"}, _reshape),
    (
        {
            *("LayerNormalization", "GroupNormalization", "RMSNormalization"),
            *("UnitNormalization", "Softmax"),
        },
        _normalisation,
    ),
)
