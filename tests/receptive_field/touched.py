"""What every unit of a model reads, by the gradient of the model itself with random weights.

Nothing is copied or written out: the layers that Keras runs are differentiated. Weights and
inputs are positive, so that no two paths cancel, and every unit of the output is differentiated
in a batch of its own. Maxima follow one path only and rectifiers none: use neither.
"""

import numpy as np

from labkit.receptive_field.input_gradients import input_gradient

#: Entries of a gradient below this share of the largest one are rounding.
NOTHING = 1e-9


def touched(model, input_size=None, *, channels=-1, input_channels=-1, seed=0):
    """Find the first and last position of the input that each unit's gradient touches.

    Args:
        model: a ``keras.Model`` with one input and one output; its weights are overwritten.
        input_size: positions along each spatial axis, where the model leaves it open.
        channels: dimension of the output that counts channels, ``None`` if none does.
        input_channels: the same for the input.
        seed: of the weights and the input.

    Returns:
        A dictionary from the unit's place, one integer per dimension of the output but batch
        and channels, to a pair (first, last) per spatial axis, ``None`` if it reads nothing.
    """
    random = np.random.default_rng(seed)
    model.set_weights([random.uniform(0.05, 0.3, w.shape) for w in model.get_weights()])
    shape = _sized(model.inputs[0].shape[1:], input_size, input_channels)
    inputs = random.uniform(0.1, 1, (1, *shape)).astype("float32")
    made = tuple(model(inputs).shape[1:])
    kept = tuple(n for dim, n in enumerate(made, start=1) if dim not in _dims(channels, made))
    units = list(np.ndindex(*kept))
    weights = np.zeros((len(units), *made), "float32")
    for row, unit in enumerate(units):
        place = list(unit)
        for dim in _dims(channels, made):
            place.insert(dim - 1, slice(None))
        weights[(row, *place)] = 1
    gradient = np.abs(input_gradient(model, np.repeat(inputs, len(units), 0), weights))
    gradient = gradient.sum(axis=tuple(_dims(input_channels, shape)))
    return {unit: _ranges(gradient[row]) for row, unit in enumerate(units)}


def _dims(channels, shape):
    return [] if channels is None else [channels % (len(shape) + 1)]


def _sized(shape, input_size, input_channels):
    if input_size is None:
        return shape
    shape, sizes = list(shape), list(input_size)
    left = _dims(input_channels, shape)
    for dim in range(1, len(shape) + 1):
        if dim not in left:
            shape[dim - 1] = sizes.pop(0)
    return tuple(shape)


def _ranges(gradient):
    places = np.argwhere(gradient > NOTHING * max(gradient.max(), 1e-30))
    if not len(places):
        return None
    ends = zip(places.min(axis=0), places.max(axis=0), strict=True)
    return tuple((int(first), int(last)) for first, last in ends)
