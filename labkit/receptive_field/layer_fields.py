"""From what the units of a tensor see to what is said of a layer, axis by axis.

A unit is a place: the entries of one place are taken together, whatever dimension counts them
as channels, and a dimension that a reshape made of several is counted through.
"""

from math import prod

from labkit.receptive_field.analysis_result import AxisField
from labkit.receptive_field.reads import SizeProblem
from labkit.receptive_field.tensor_fields import (
    AxisMap,
    Digit,
    contracted,
    counts_pictures,
    in_one_digit,
    in_order,
    size_of,
)
from labkit.receptive_field.unit_fields import Clipped, Uneven


def axis_fields(tensor, input_sizes):
    """Say what the units of a tensor see along each axis of the input.

    Args:
        tensor: a :class:`~labkit.receptive_field.tensor_fields.TensorFields`.
        input_sizes: number of input positions along each axis, ``None`` where unknown.

    Returns:
        One :class:`~labkit.receptive_field.analysis_result.AxisField` per axis; for each the
        dimension that holds it, ``None``, or a tuple of several; and the units along each
        dimension, a dictionary from the dimension to their number.
    """
    dims = _unit_dims(tensor)
    axes = tensor.axes
    if tensor.channel_dim in tensor.held:
        for digit in tensor.dims[tensor.channel_dim]:
            axes = tuple(contracted(axis, digit) for axis in axes)
    digits = {}
    for dim in dims:
        digits[dim], axes = _counted_through(tensor.dims[dim], axes, dim == 0)
    units = {dim: digit.size for dim, digit in digits.items()}
    counted = [digit for axis in axes for digit in axis.digits]
    found, held = [], []
    for axis, size in zip(axes, input_sizes, strict=True):
        holding = [dim for dim, digit in digits.items() if digit in axis.digits]
        shared = len(holding) > 1 or any([counted.count(digit) > 1 for digit in axis.digits])
        found.append(_axis_field(axis, size, [digits[dim] for dim in holding], shared))
        # The dimension that holds an axis, None if none does, all if several do.
        held.append(tuple(holding) if len(holding) > 1 else holding[0] if holding else None)
    return tuple(found), tuple(held), units


def unknown_fields(input_sizes, why):
    """Say that nothing is known of what the units of a layer see, and why."""
    return tuple(AxisField(Uneven(why), None, size) for size in input_sizes)


def _unit_dims(tensor):
    """List the dimensions that count places: neither batch, wherever it was moved, nor channels."""
    dims = [dim for dim in range(1, len(tensor.dims)) if dim != tensor.channel_dim]
    dims = [dim for dim in dims if not _is_batch(tensor.dims[dim])]
    # A batch may hold the windows of a picture.
    return [0, *dims] if 0 in tensor.held else dims


def _is_batch(digits):
    return len(digits) == 1 and counts_pictures(digits[0])


def _counted_through(digits, axes, is_batch):
    """Count the digits of a dimension as one; return that one and the axes."""
    if len(digits) == 1:
        return digits[0], axes
    held = {digit for axis in axes for digit in axis.digits}
    digits = tuple(d for d in digits if d in held or not (is_batch or counts_pictures(d)))
    if held.isdisjoint(digits):
        return Digit(size_of(digits)), axes
    try:
        return in_one_digit(digits, axes)
    except SizeProblem as problem:
        made = Digit(size_of(digits))
        return made, tuple(_uncounted(axis, digits, made, str(problem)) for axis in axes)


def _uncounted(axis, digits, made, why):
    """Give up the fields of an axis whose units cannot be counted through."""
    if set(digits).isdisjoint(axis.digits):
        return axis
    others = tuple(digit for digit in axis.digits if digit not in digits)
    return AxisMap((*others, made), Uneven(why))


def _axis_field(axis, input_size, order, shared):
    """Turn what is known of one axis into an :class:`AxisField`; units in the order of digits."""
    fields, seen = in_order(axis, order)
    if seen is not None and not order:
        seen = Clipped(*(ends.reshape(1) for ends in seen))
    sizes = [digit.size for digit in order]
    return AxisField(
        fields=fields,
        output_size=None if None in sizes or not sizes else prod(sizes),
        input_size=input_size,
        seen=seen,
        misalignment=axis.misalignment,
        shared=shared,
    )
