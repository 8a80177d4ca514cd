"""The oracle of changes: raise one position of the input, and see which units change.

The model runs as it is, with positive weights, on positive random inputs; whatever its layers
are, nothing needs to be known of them. For small models, since every position is tried.
It imports nothing of labkit.
"""

from itertools import product

import keras
import numpy as np


def changed_by_position(
    model,
    input_size=None,
    *,
    seed=0,
    raised_by=3.0,
    one_by_one=False,
    keep_weights=False,
    channels=True,
):
    """Find which units of an output change with each position of the input.

    Args:
        model: a ``keras.Model`` with one input of shape (batch, *positions, channels). Its
            weights are overwritten with positive ones.
        input_size: positions along each axis, where the model leaves them open.
        seed: of the weights and the inputs.
        raised_by: what is added to a position at least; above 1, the span of the inputs, so that
            a maximum follows.
        one_by_one: whether the model takes one picture at a time.
        keep_weights: whether the weights are what matters, as in a spectrogram.
        channels: whether the input has a dimension of channels.

    Returns:
        A boolean array of shape (*positions, *output without batch).
    """
    rng = np.random.default_rng(seed)
    if not keep_weights:
        _make_positive(model, rng)
    positions, channels = _split(model.inputs[0].shape, input_size, channels)
    places = list(product(*map(range, positions)))
    pictures = np.repeat(rng.uniform(0.5, 1.5, (1, *positions, *channels)), len(places) + 1, 0)
    for number, place in enumerate(places, start=1):
        # Unevenly: what all channels share, a normalisation takes away.
        pictures[(number, *place)] += raised_by * rng.uniform(1, 2, channels)
    made = np.asarray(_output(model, pictures.astype("float32"), one_by_one))
    made = made.astype(float)
    changes = np.abs(made[1:] - made[:1]) > 1e-6 * (1e-6 + np.abs(made[:1]))
    return changes.reshape(*positions, *made.shape[1:])


def _split(shape, input_size, has_channels):
    positions, channels = (shape[1:-1], shape[-1:]) if has_channels else (shape[1:], ())
    return tuple(input_size or positions), tuple(channels)


def _make_positive(model, rng):
    for weight in model.weights:
        if weight.dtype.startswith("float") and "moving" not in weight.path:
            weight.assign(rng.uniform(0.2, 1.0, weight.shape) / max(1, np.sqrt(weight.shape[0])))


def _output(model, pictures, one_by_one):
    if not one_by_one:
        made = keras.tree.flatten(model(pictures, training=False))[0]
        return keras.ops.convert_to_numpy(made)
    # Compiled: step by step a recurrence would take most of a second for all of them.
    made = [model.predict_on_batch(picture) for picture in np.split(pictures, len(pictures))]
    return np.concatenate([keras.tree.flatten(each)[0] for each in made])


def extents(changed, axes, dims):
    """List the first and last position that each unit reads along each axis of the input.

    Args:
        changed: what :func:`changed_by_position` returns.
        axes: number of axes of the input.
        dims: dimensions of the output, batch = 0, that count places; entries along the others
            are taken together.

    Returns:
        A dictionary from units, one entry per dimension, to one pair per axis; to ``None``
        where a unit reads nothing.
    """
    outputs = range(1, changed.ndim - axes + 1)
    merged = changed.any(axis=tuple(axes + dim - 1 for dim in outputs if dim not in dims))
    found = {}
    for unit in np.ndindex(*merged.shape[axes:]):
        touched = np.nonzero(merged[(..., *unit)])
        found[unit] = None
        if touched[0].size:
            found[unit] = tuple((int(t.min()), int(t.max())) for t in touched)
    return found


def check_every_unit(model, analyse, one_by_one=False, keep_weights=False, **options):
    """Compare what ``analyse`` says of every unit of the output with what changes.

    Args:
        model: as for :func:`changed_by_position`.
        analyse: the function that is tested.
        one_by_one, keep_weights: as for :func:`changed_by_position`.
        options: for ``analyse``.

    Returns:
        What ``analyse`` returns.
    """
    result = analyse(model, **options)
    final = result.final
    assert final.unknown is None
    size = options.get("input_size")
    changed = changed_by_position(model, size, one_by_one=one_by_one, keep_weights=keep_weights)
    for unit, expected in extents(changed, len(final.axes), list(final.units)).items():
        assert final.input_range(unit) == expected, f"unit {unit}"
    return result
