"""What a page needs of Keras networks: their layers as plain data, their weights as few bytes."""

import keras
import numpy as np
from keras import layers

from labkit.words import require, require_one_of

#: Layers that do nothing once a network is trained.
_SILENT = (layers.InputLayer, layers.Dropout)

#: The largest weight of a tensor is so many steps, which with the sign takes twelve bits.
_STEPS = 2047
#: A network is stored as what differs from another one where no weight differs by more than a
#: tenth of the largest in its tensor; the largest difference is then so many steps.
_NEAR, _STEPS_OF_DIFFERENCE = 1 / 10, 20


def shown_layers(model):
    """List the layers of a network that change what passes through.

    Args:
        model: a built ``keras.Model``.

    Returns:
        A list of Keras layers, from the pictures to the scores.

    Example:
        >>> from labkit.dog_breeds.networks import small_vgg
        >>> [layer.name for layer in shown_layers(small_vgg((8, 8, 3), 2, (4,), (5,)))][-3:]
        ['global_average_pooling', 'dense1', 'softmax']
    """
    return [layer for layer in model.layers if not isinstance(layer, _SILENT)]


def layer_values(model, pictures):
    """Compute the values behind each of :func:`shown_layers`.

    Args:
        model: a network whose layers follow each other in a straight line.
        pictures: float32 ``(count, height, width, channels)``, as the network takes them.

    Returns:
        A list of float arrays, one for each layer; the first axis is that of the pictures.

    Raises:
        ValueError: the layers, one after the other, do not give what the network gives.

    Example:
        >>> line = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.ReLU()])
        >>> [values.shape for values in layer_values(line, np.ones((5, 3), np.float32))]
        [(5, 2), (5, 2)]
    """
    values, outputs = [], pictures
    for layer in shown_layers(model):
        outputs = layer(outputs)
        values.append(keras.ops.convert_to_numpy(outputs))
    if not np.allclose(values[-1], scores_of(model, pictures), atol=1e-4):
        raise ValueError(
            f"The layers of {model.name!r} do not follow each other in a straight line, and only "
            "such a network can be looked into."
        )
    return values


def scores_of(model, pictures):
    """Compute what a network says of pictures.

    Not by ``predict``, which makes a function of each network first: that takes longer than a few
    pictures do, and TensorFlow warns of it.

    Args:
        model: any network.
        pictures: float32 ``(count, height, width, channels)``, as the network takes them.

    Returns:
        Float array ``(count, classes)``.

    Example:
        >>> line = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
        >>> scores_of(line, np.ones((5, 3), np.float32)).shape
        (5, 2)
    """
    return keras.ops.convert_to_numpy(model(pictures, training=False))


def describe_layers(model, fields):
    """Describe a network's layers as plain data.

    Args:
        model: a network in a straight line, made of rescalings by a number, convolutions of
            stride 1 with ``padding="same"``, maximum poolings, a global average pooling and
            dense layers; activations are ReLU, softmax on the last layer, or none.
        fields: what ``labkit.receptive_field.analyse`` says of it.

    Returns:
        A list of dicts: ``name``, ``kind``, ``shape`` of the output, ``field`` with ``size``,
        ``stride`` and ``padding`` in pixels (``None`` where every unit sees the whole picture),
        and what else the kind needs.

    Raises:
        ValueError: a layer of another kind.

    Example:
        >>> from types import SimpleNamespace
        >>> line = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="scores")])
        >>> whole = SimpleNamespace(is_global=True)
        >>> describe_layers(line, {"scores": whole})[0]["weight_shape"]
        [3, 2]
    """
    described, shape = [], model.input_shape
    for layer in shown_layers(model):
        name, kind = f"The kind of the layer {layer.name!r}", type(layer).__name__
        require_one_of(name, kind, tuple(_DETAILS))
        shape = layer.compute_output_shape(shape)
        described.append(_describe(layer, shape, fields[layer.name]))
    return described


def _describe(layer, shape, field):
    kind = type(layer).__name__
    return {
        "name": layer.name,
        "kind": kind,
        "shape": list(shape[1:]),
        "field": None if field.is_global else _describe_field(layer, field),
        **_DETAILS[kind](layer),
    }


def _describe_field(layer, field):
    """Return the field of a layer's units, the same along both sides of the picture."""
    sides = {(a.size, a.effective_stride, a.effective_padding) for a in field.axes}
    require(len(sides) == 1, f"the field of {layer.name!r}", sides, "square")
    return dict(zip(("size", "stride", "padding"), map(int, sides.pop()), strict=True))


def _rescaling(layer):
    plain = np.ndim(layer.scale) == 0 and np.ndim(layer.offset) == 0
    require(plain, f"the scale of {layer.name!r}", layer.scale, "one number for all colours")
    return {"scale": float(layer.scale), "offset": float(layer.offset)}


def _convolution(layer):
    options = (layer.strides, layer.dilation_rate, layer.groups, layer.padding)
    plain = options == ((1, 1), (1, 1), 1, "same")
    allowed = "stride 1, dilation 1, one group and padding='same'"
    require(plain, f"the convolution {layer.name!r}", options, allowed)
    return _weighted(layer)


def _pooling(layer):
    tiles = layer.pool_size == layer.strides and layer.padding == "valid"
    require(tiles, f"the strides of {layer.name!r}", layer.strides, "its pool size, unpadded")
    return {"pool": list(layer.pool_size)}


def _weighted(layer):
    require(layer.use_bias, f"use_bias of {layer.name!r}", layer.use_bias, "True")
    name = layer.activation.__name__
    require_one_of(f"The activation of {layer.name!r}", name, ("relu", "softmax", "linear"))
    return {"activation": name, "weight_shape": list(layer.kernel.shape)}


#: The kinds of layer that the page can compute, and what each has beyond name, shape and field.
_DETAILS = {
    "Rescaling": _rescaling,
    "Conv2D": _convolution,
    "MaxPooling2D": _pooling,
    "GlobalAveragePooling2D": lambda layer: {},
    "Dense": _weighted,
}


def pack(models):
    """Write the weights of several networks as bytes, each a little rounded.

    A weight is a whole number of steps. A network that another one before it resembles, as a
    fine-tuned one does the frozen one, is stored as differences from that. All tensors follow each
    other, each as unsigned numbers of 16 bits: all low bytes, then all high bytes, which zip
    better apart.

    Args:
        models: dict from names to ``keras.Model``.

    Returns:
        The bytes; a dict that says of each network by name: ``differs_from``, another name or
        ``None``; ``zero``, the number that stands for 0; ``steps``, one for each tensor; and a
        dict of copies of the networks that have the rounded weights.

    Example:
        >>> line = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
        >>> packed, scales, _ = pack({"first": line, "again": line})
        >>> len(packed), scales["again"]["differs_from"], scales["again"]["zero"]
        (32, 'first', 20)
    """
    chunks, scales, whole, rounded = [], {}, {}, {}
    for name, model in models.items():
        tensors = [np.asarray(weight, np.float64) for weight in model.get_weights()]
        near = next((other for other in whole if _resemble(tensors, whole[other])), None)
        start = [np.zeros_like(tensor) for tensor in tensors] if near is None else whole[near]
        zero = _STEPS if near is None else _STEPS_OF_DIFFERENCE
        counts, steps = _all_counted(tensors, start, zero)
        scales[name] = {"differs_from": near, "zero": zero, "steps": steps}
        chunks += [_in_planes(count + zero) for count in counts]
        found = [s + count * step for s, count, step in zip(start, counts, steps, strict=True)]
        # In float32, as Keras and the page hold them.
        found = [tensor.astype(np.float32) for tensor in found]
        if near is None:
            whole[name] = found
        rounded[name] = keras.models.clone_model(model)
        rounded[name].set_weights(found)
    return b"".join(chunks), scales, rounded


def _resemble(tensors, others):
    return [t.shape for t in tensors] == [o.shape for o in others] and all(
        np.abs(tensor - other).max() <= _NEAR * np.abs(other).max()
        for tensor, other in zip(tensors, others, strict=True)
    )


def _all_counted(tensors, start, most):
    """Return tensors as whole numbers of steps from where they start, and the steps."""
    distances = [tensor - other for tensor, other in zip(tensors, start, strict=True)]
    steps = [float(np.abs(distance).max()) / most for distance in distances]
    pairs = zip(distances, steps, strict=True)
    return [np.round(distance / (step or 1)).astype(int) for distance, step in pairs], steps


def _in_planes(numbers):
    pairs = numbers.astype("<u2").reshape(-1).view(np.uint8).reshape(-1, 2)
    return pairs.T.tobytes()
