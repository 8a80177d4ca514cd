"""Which dimensions of a model's input are spatial, settled by what its layers do with them.

A shape does not tell: (28, 28) may be a picture without channels or 28 steps of 28 features. A
convolution tells, wherever its input came from: what lies in the dimension that it takes for
channels counts channels, the rest is places. So all dimensions are followed through the graph
until a layer has told of each.
"""

from dataclasses import replace

import keras

from labkit.receptive_field.call_fields import outputs_of
from labkit.receptive_field.channels import channel_dim
from labkit.receptive_field.reads import SizeProblem
from labkit.receptive_field.tensor_fields import (
    ChannelsMatter,
    Memory,
    TensorFields,
    input_fields,
)
from labkit.words import is_whole


def spatial_dims(graph, number, shape, input_axes=None):
    """Find the dimensions of an input that are neither batch nor channels.

    Args:
        graph: a :class:`~labkit.receptive_field.model_graph.ModelGraph`.
        number: the number of the input tensor; ``shape``: its shape, batch included.
        input_axes: the answer, if the caller knows it: dimensions, batch = 0.

    Returns:
        A tuple of dimensions in increasing order, empty if there is none.

    Raises:
        ValueError: if ``input_axes`` does not fit, or if it is left out and one layer takes for
            channels what another takes for places.
    """
    if input_axes is not None:
        return _checked(input_axes, len(shape))
    dims = range(1, len(shape))
    told = _told(graph, number, shape)
    channels = [dim for dim in dims if told.get(dim) == "channels"]
    if not channels and not all(told.get(dim) == "places" for dim in dims):
        first = keras.config.image_data_format() == "channels_first"
        usual = 1 if first else len(shape) - 1
        if told.get(usual) != "places":
            channels = [usual]
    return tuple(dim for dim in dims if dim not in channels)


def _checked(input_axes, rank):
    dims = tuple(input_axes) if isinstance(input_axes, (tuple, list)) else (input_axes,)
    fits = dims and all(is_whole(dim, 1) and dim < rank for dim in dims)
    if not fits or list(dims) != sorted(set(dims)):
        raise ValueError(
            f"input_axes={input_axes!r} does not fit: give the spatial dimensions of the input in "
            f"increasing order, whole numbers from 1 to {rank - 1}, where 0 is the batch."
        )
    return dims


def _told(graph, number, shape):
    """Follow all dimensions until layers have told of each: "channels" or "places".

    Channels are followed on until a layer has summed over them: another may take them for places.
    """
    start = input_fields(shape, range(1, len(shape)), ())
    # Where units lie is enough: what they see of a picture of this size is left aside.
    axes = tuple(replace(axis, seen=None) for axis in start.axes)
    tensors, told, memory = {number: TensorFields(start.dims, axes)}, {}, Memory()
    for call in graph.calls:
        if tensors.keys().isdisjoint(call.inputs):
            continue
        read = [(i, tensors[n]) for i, n in enumerate(call.inputs) if n in tensors]
        for _, tensor in read:
            _tell(call, tensor, told)
        try:
            made = outputs_of(call, read, memory)
        except (SizeProblem, ChannelsMatter):
            continue
        known = zip(call.outputs, made, strict=False)
        tensors.update((n, t) for n, t in known if _is_of_interest(t, told))
    return {dim: kind for dim, (kind, _) in told.items()}


def _is_of_interest(tensor, told):
    """Say whether layers that read a tensor may still tell something."""
    return isinstance(tensor, TensorFields) and any(
        axis.digits and (dim not in told or told[dim][0] == "channels")
        for dim, axis in enumerate(tensor.axes, start=1)
    )


def _tell(call, tensor, told):
    """Note what one call takes each dimension of the input for, if no earlier call has told.

    Raises:
        ValueError: if it takes for places what an earlier one took for channels.
    """
    channels = channel_dim(call.operation, len(tensor.dims))
    if channels is None or not set(tensor.held) - {0, channels}:
        return
    as_channels, as_places, parts = [], [], set()
    for dim, axis in enumerate(tensor.axes, start=1):
        own = set(axis.digits)
        held = {i for i, digits in enumerate(tensor.dims) if not own.isdisjoint(digits)}
        # Part of the channels may have become places, or part of the places channels: what runs
        # slowest along a dimension of places was one.
        runs_slowest = any(tensor.dims[i][0] in own for i in held - {channels})
        if channels in held and not runs_slowest:
            as_channels.append(dim)
        elif held:
            as_places.append(dim)
        if len(own) > 1 and not runs_slowest:
            parts.add(dim)
    for dim in as_places:
        kind, before = told.setdefault(dim, ("places", call.name))
        # What pools over all places may turn channels into places, to convolve along them.
        alone = len(as_places) + len(as_channels) == 1
        if kind == "channels" and dim not in parts and not alone:
            raise ValueError(_contradiction(before, call.name, dim, len(tensor.axes)))
    # Several dimensions that were flattened to features may have been places before.
    if len(as_channels) == 1:
        told.setdefault(as_channels[0], ("channels", call.name))


def _contradiction(before, name, dim, dims):
    others = tuple(other for other in range(1, dims + 1) if other != dim)
    return (
        f"The layer {before!r} takes dimension {dim} of the input for channels, and {name!r} "
        "takes it for places: say which dimensions are spatial, for example "
        f"input_axes={others}."
    )
