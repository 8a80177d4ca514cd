"""Which dimensions an activation mixes: tried, where it is not one of Keras' own."""

import keras
import numpy as np

from labkit.receptive_field.reads import UnreadableLayer

#: Keras' own that mix the last dimension; its others work on each entry alone.
_ALONG_THE_LAST = {"softmax", "log_softmax", "sparsemax"}


def mixed_dims(operation, shape):
    """List the dimensions that a layer's own activation mixes.

    Args:
        operation: a Keras layer or operation.
        shape: shape of its output, batch included, ``None`` where unknown.

    Returns:
        A set of dimensions, the batch not among them.

    Raises:
        UnreadableLayer: if the activation is somebody's own function and cannot be tried.

    Example:
        >>> import keras
        >>> sorted(mixed_dims(keras.layers.Activation("softmax"), (None, 8, 3)))
        [2]
    """
    activation = getattr(operation, "activation", None)
    if activation is None:
        return (
            _mixed_inside(operation, shape)
            if isinstance(operation, keras.layers.Wrapper)
            else set()
        )
    # A recurrence applies its activation to the features of one step.
    if isinstance(operation, keras.layers.RNN):
        return set()
    module = getattr(activation, "__module__", None) or ""
    if module.startswith("keras.src.activations."):
        own = getattr(activation, "__name__", "") in _ALONG_THE_LAST
        return {len(shape) - 1} if own else set()
    return _tried(activation, len(shape))


def _mixed_inside(wrapper, shape):
    """List what the layer inside a wrapper mixes; one may stand for a step of time."""
    if isinstance(wrapper, keras.layers.TimeDistributed):
        return {dim + 1 for dim in mixed_dims(wrapper.layer, shape[1:])}
    return mixed_dims(wrapper.layer, shape)


#: How often, and how large, a function is tried: it may mix only where values are extreme.
_SCALES = (0.1, 1.0, 10.0)
_SIZES = (2, 3, 5, 4, 3)


def _tried(activation, rank):
    """Change one entry after another and look which others change."""
    shape = (1, *_SIZES[: rank - 1])
    mixed = set()
    for seed, scale in enumerate(_SCALES):
        values = np.random.default_rng(seed).normal(0, scale, shape).astype("float32")
        usual = _applied(activation, values)
        for place in np.ndindex(shape):
            for change in (-3.0, 3.0):
                other = values.copy()
                other[place] += change * scale
                changed = np.argwhere(_applied(activation, other) != usual)
                for dim in range(1, rank):
                    if (changed[:, dim] != place[dim]).any():
                        mixed.add(dim)
    return mixed


def _applied(activation, values):
    """Apply the function; one that fails, or gives another shape, cannot be tried."""
    try:
        made = keras.ops.convert_to_numpy(activation(keras.ops.convert_to_tensor(values)))
    except Exception as problem:
        raise UnreadableLayer(
            "has an activation of its own that cannot be tried on small tensors: "
            f"{str(problem).strip().splitlines()[0] if str(problem).strip() else 'it fails'}"
        ) from None
    if made.shape != values.shape:
        raise UnreadableLayer("has an activation of its own that changes the shape")
    return made
