"""The effective receptive field: how much each position in the field really counts.

Inside the theoretical field the centre counts far more than the rim, because more paths lead
from it to the unit. Many random inputs show it: the gradient of a unit, averaged over them,
falls off like a Gaussian.
"""

import keras
import numpy as np
from tqdm import tqdm

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.effective_field import EffectiveField
from labkit.receptive_field.input_gradients import input_gradient
from labkit.words import require_one_of, require_whole, require_whole_numbers

_QUANTITIES = ("energy", "magnitude")


def effective_receptive_field(
    model,
    layer=None,
    unit=None,
    input_size=None,
    *,
    samples=8,
    quantity="magnitude",
    seed=0,
    batch_size=4,
    progress=False,
):
    """Measure how strongly each position of the input moves one unit.

    For each sample, an input of independent standard normal values, the unit's channels are
    summed with independent standard normal weights and differentiated by the input. Squares
    are averaged over samples and input channels: the energy. Its root is the magnitude.

    Args:
        model: a functional or sequential ``keras.Model`` with one input; its own weights
            are used, in inference mode.
        layer: name of a layer of the model; default: the layer behind its first output.
        unit: the unit's place, one integer per dimension of the layer's output but batch and
            channels; default: the middle.
        input_size: positions along each spatial axis; needed where the model leaves it open.
        samples: number of random inputs, at least 1.
        quantity: ``"magnitude"`` or ``"energy"``.
        seed: integer, at least 0; the same seed gives the same field.
        batch_size: inputs per step, at least 1; more takes more memory.
        progress: whether to show a progress bar.

    Returns:
        An :class:`~labkit.receptive_field.effective_field.EffectiveField`.

    Raises:
        ValueError: if an argument is out of range, or if the unit's gradient is 0 everywhere
            or not finite.

    Source:
        W. Luo, Y. Li, R. Urtasun, R. Zemel, "Understanding the Effective Receptive Field in
        Deep Convolutional Neural Networks", NeurIPS 2016, arXiv:1701.04128.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(0)
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])
        >>> effective_receptive_field(line, samples=1).field
        ((3, 5),)
    """
    require_one_of("quantity", quantity, _QUANTITIES)
    samples = require_whole("samples", samples)
    batch_size = require_whole("batch_size", batch_size)
    seed = require_whole("seed", seed, 0)
    analysis = analyse(model, input_size)
    if None in analysis.input_size:
        raise ValueError(
            f"The model {model.name!r} leaves the size of its input open: give input_size, "
            "for example input_size=224."
        )
    seen = analysis.final if layer is None else analysis[layer]
    unit = _unit(unit, seen)
    output = model.outputs[0] if layer is None else model.get_layer(layer).output
    part = keras.Model(model.inputs[0], output)
    # A generator for each sample: the field does not depend on the size of a batch.
    generators = [np.random.default_rng((seed, sample)) for sample in range(samples)]
    batches = [generators[done : done + batch_size] for done in range(0, samples, batch_size)]
    energy = sum(
        _energy(part, analysis, seen, unit, batch)
        for batch in tqdm(batches, disable=not progress, desc="effective receptive field")
    )
    return EffectiveField(
        strength=_normalised(energy if quantity == "energy" else np.sqrt(energy), seen.name),
        quantity=quantity,
        layer=seen.name,
        unit=unit,
        field=seen.input_range(unit if seen.units else ()),
        theoretical_size=tuple(axis.size for axis in seen.axes),
    )


def _unit(unit, seen):
    """Return the unit's place, the middle by default; a layer without places has one unit."""
    if seen.unknown:
        raise ValueError(f"What {seen.name!r} sees is unknown: {seen.unknown}.")
    sizes = tuple(seen.units.values()) or (1,) * len(seen.axes)
    if unit is None:
        return tuple(size // 2 for size in sizes)
    unit = require_whole_numbers("unit", unit, number=len(sizes), least=0)
    if not all(u < n for u, n in zip(unit, sizes, strict=True)):
        raise ValueError(f"unit={unit} does not fit: {seen.name!r} has {sizes} units.")
    return unit


def _energy(model, analysis, seen, unit, generators):
    """Add up the squared gradients of a batch, over inputs and channels."""
    shape = list(model.inputs[0].shape[1:])
    for dim, size in zip(analysis.input_dims, analysis.input_size, strict=True):
        shape[dim - 1] = size
    inputs = np.stack([random.standard_normal(shape) for random in generators])
    made = model.compute_output_shape(inputs.shape)
    weights = np.stack(
        [_at_unit(made[1:], tuple(seen.units), unit, random) for random in generators]
    )
    gradient = input_gradient(model, inputs.astype(model.inputs[0].dtype), weights)
    others = tuple(dim for dim in range(gradient.ndim) if dim not in analysis.input_dims)
    return (gradient.astype("float64") ** 2).sum(axis=others)


def _at_unit(shape, dims, unit, random):
    """Return random weights for one unit's channels, 0 elsewhere; no batch."""
    place = [slice(None)] * len(shape)
    for dim, position in zip(dims, unit, strict=bool(dims)):
        place[dim - 1] = position
    weights = np.zeros(shape)
    weights[tuple(place)] = random.standard_normal(weights[tuple(place)].shape)
    return weights


def _normalised(strength, name):
    """Scale the strongest position to 1."""
    strongest = strength.max()
    if not np.isfinite(strongest) or strongest == 0:
        raise ValueError(
            f"The gradient of {name!r} is {strongest} at its strongest, so there is nothing to "
            "show: check that the weights are finite and that the unit is not dead."
        )
    return strength / strongest
