"""The oracle of sets: the exact positions of the input that reach a unit, by walking backwards.

The model is written out as a list of calls from its own configuration, with the sizes that
Keras itself computes. Then the set of positions needed of each tensor, one boolean mask per
dimension, is pushed back from one unit to the input, by brute force: every tap of every
kernel is tried. Borders, inner ones too, and gaps come out by themselves.

Slow and plain on purpose, and independent of ``analyse``: it imports nothing of labkit.
"""

from dataclasses import dataclass, field

import keras
import numpy as np


def reaching_positions(
    model, layer=None, unit=None, input_size=None, *, squeeze_excitation="whole image"
):
    """Find the positions of the input that reach one unit, gaps and borders counted.

    Sets are followed per dimension. Where paths of different shapes meet, as 1 × 7 beside
    7 × 1, the answer for an axis is every row (or column) of which any pixel is read.

    Args:
        model: a functional or sequential ``keras.Model`` with one input.
        layer: path of a layer, such as ``"backbone/conv1"``, with ``" #2"`` behind it for its
            second call; default: the layer behind the model's first output.
        unit: the unit's place, one integer per dimension of the layer's output without batch
            and channels; default: the middle.
        input_size: positions along each spatial axis; needed where the model leaves it open.
        squeeze_excitation: ``"whole image"`` follows gates as what they are; ``"ignore"``
            leaves out a factor of size 1 beside a larger one in a product.

    Returns:
        A tuple of one sorted integer array per spatial axis of the input.

    Raises:
        ValueError: if the layer, the unit or the size does not exist.
        NotImplementedError: for a layer that this oracle does not know.

    Example:
        >>> import keras
        >>> line = keras.Sequential(
        ...     [keras.Input((12, 1)), keras.layers.Conv1D(1, 3, dilation_rate=2)])
        >>> reaching_positions(line, unit=(4,))
        (array([4, 6, 8]),)
    """
    script = written_out(model, input_size)
    return positions_of(script, layer, unit, squeeze_excitation=squeeze_excitation)


def written_out(model, input_size=None):
    """Write a model out once, to ask :func:`positions_of` about many of its units."""
    if len(model.inputs) != 1:
        raise ValueError(f"This oracle takes models with one input; this one has {model.inputs}.")
    script = _Script()
    start = script.add(_sized(model.inputs[0].shape, input_size))
    script.last = _write(model, [start], "", script)[0]
    return script


def positions_of(script, layer=None, unit=None, *, squeeze_excitation="whole image"):
    """Find what :func:`reaching_positions` finds, in a model that is written out."""
    if squeeze_excitation not in ("whole image", "ignore"):
        raise ValueError(f"squeeze_excitation is 'whole image' or 'ignore': {squeeze_excitation!r}")
    call = _wanted(script, layer)
    needed = _push_back(script, call, unit, squeeze_excitation == "ignore")
    nothing = [np.zeros(size, bool) for size in script.shapes[0][1:]]
    return _positions(needed.get(0, nothing), _spatial_dims(script))


def _sized(shape, input_size):
    """Fill the input's spatial sizes in; the batch is one picture."""
    shape = [1, *shape[1:]]
    if input_size is None:
        if None in shape:
            raise ValueError(f"The model's input is {tuple(shape)}: give input_size.")
        return shape
    first = 2 if keras.config.image_data_format() == "channels_first" else 1
    open_dims = [dim for dim, size in enumerate(shape) if size is None]
    dims = open_dims if len(open_dims) == len(input_size) else range(first, first + len(input_size))
    for dim, size in zip(dims, input_size, strict=True):
        shape[dim] = size
    return shape


# The model written out


@dataclass
class _Call:
    name: str
    operation: object
    arguments: tuple
    keywords: dict
    reads: list
    makes: list


@dataclass
class _Script:
    """Tensors by number, 0 the input, with their shapes, and the calls between them in order."""

    shapes: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    tally: dict = field(default_factory=dict)
    last: int = 0

    def add(self, shape):
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1


@dataclass(frozen=True)
class _Ref:
    """Stands for a tensor inside the arguments of a call."""

    number: int


def _write(model, inputs, prefix, script):
    """Append the calls of a model; return the numbers of its output tensors."""
    if isinstance(model, keras.Sequential):
        return _write_chain(model, inputs, prefix, script)
    config = model.get_config()
    if "input_layers" not in config:
        raise NotImplementedError(f"{model.name!r} is no functional model")
    operations = {operation.name: operation for operation in model.operations}
    made = {}
    names = [entry[0] for entry in _entries(config["input_layers"])]
    for name, number in zip(names, inputs, strict=True):
        made[name, 0, 0] = number
    waiting = [
        (entry["name"], place, node)
        for entry in config["layers"]
        for place, node in enumerate(entry["inbound_nodes"])
    ]
    while waiting:
        waiting = _write_ready(waiting, operations, made, prefix, script)
    return [made[tuple(entry)] for entry in _entries(config["output_layers"])]


def _entries(nested):
    """Flatten Keras' references [name, node, tensor] out of lists and dictionaries."""
    if isinstance(nested, dict):
        return [entry for key in sorted(nested) for entry in _entries(nested[key])]
    if nested and isinstance(nested[0], str):
        return [nested]
    return [entry for part in nested for entry in _entries(part)]


def _write_ready(waiting, operations, made, prefix, script):
    """Write every node whose inputs are there; return the others."""
    left = []
    for name, place, node in waiting:
        refs = list(_tensor_references(node))
        if all(ref in made for ref in refs):
            arguments = _filled(tuple(node["args"]), made)
            keywords = _filled(node["kwargs"], made)
            outputs = _write_call(prefix, operations[name], arguments, keywords, script)
            made.update({(name, place, i): number for i, number in enumerate(outputs)})
        else:
            left.append((name, place, node))
    if len(left) == len(waiting):
        raise NotImplementedError(f"cannot order the calls {[entry[0] for entry in left]}")
    return left


def _tensor_references(nested):
    if isinstance(nested, dict):
        if nested.get("class_name") == "__keras_tensor__":
            yield tuple(nested["config"]["keras_history"])
            return
        nested = list(nested.values())
    if isinstance(nested, (list, tuple)):
        for part in nested:
            yield from _tensor_references(part)


def _filled(nested, made):
    """Put numbers of tensors for their descriptions."""
    if isinstance(nested, dict):
        kind = nested.get("class_name")
        if kind == "__keras_tensor__":
            return _Ref(made[tuple(nested["config"]["keras_history"])])
        if kind in ("__slice__", "__ellipsis__", "__numpy__", "__tensor__"):
            return keras.saving.deserialize_keras_object(nested)
        return {key: _filled(value, made) for key, value in nested.items()}
    if isinstance(nested, (list, tuple)):
        return type(nested)(_filled(part, made) for part in nested)
    return nested


def _write_chain(model, inputs, prefix, script):
    for layer in model.layers:
        inputs = _write_call(prefix, layer, (_Ref(inputs[0]),), {}, script)
    return inputs


def _write_call(prefix, operation, arguments, keywords, script):
    reads = [ref.number for ref in _refs((arguments, keywords))]
    name = prefix + operation.name
    if isinstance(operation, keras.Model):
        return _write(operation, reads, name + "/", script)
    if isinstance(operation, keras.layers.InputLayer):
        return reads
    makes = [script.add(shape) for shape in _made_shapes(operation, arguments, keywords, script)]
    script.tally[name] = script.tally.get(name, 0) + 1
    script.calls.append(
        _Call(f"{name} #{script.tally[name]}", operation, arguments, keywords, reads, makes)
    )
    return makes


def _refs(nested):
    if isinstance(nested, _Ref):
        yield nested
    elif isinstance(nested, dict):
        yield from _refs(list(nested.values()))
    elif isinstance(nested, (list, tuple)):
        for part in nested:
            yield from _refs(part)


def _made_shapes(operation, arguments, keywords, script):
    """Let Keras itself say the shape of what a call makes."""

    def tensors(nested):
        if isinstance(nested, _Ref):
            return keras.KerasTensor(script.shapes[nested.number])
        if isinstance(nested, dict):
            return {key: tensors(value) for key, value in nested.items()}
        if isinstance(nested, (list, tuple)):
            return type(nested)(map(tensors, nested))
        return nested

    made = operation.compute_output_spec(*tensors(arguments), **tensors(keywords))
    return [tensor.shape for tensor in (made if isinstance(made, (list, tuple)) else [made])]


# The way back


def _wanted(script, layer):
    """Find the call by its path, or the one that made the model's output."""
    if layer is None:
        return next(call for call in script.calls if script.last in call.makes)
    paths = (layer, f"{layer} #1")
    found = [call for call in script.calls if call.name in paths]
    if not found:
        raise ValueError(f"The model has no layer {layer!r}.")
    return found[0]


def _push_back(script, call, unit, ignore_gates):
    """Mark one unit as needed and walk from its call to the input; return what is needed."""
    made = call.makes[0]
    needed = {made: _one_unit(script.shapes[made], unit)}
    for earlier in reversed(script.calls[: script.calls.index(call) + 1]):
        masks = needed.get(earlier.makes[0])
        if masks is None:
            continue
        for place, number in enumerate(earlier.reads):
            if not (ignore_gates and _is_gate(script, earlier, number)):
                back = _read_back(script, earlier, place, masks)
                _mark(needed, number, back)
    return needed


def _one_unit(shape, unit):
    """Return masks that mark one unit with all its channels; the batch has no mask."""
    sizes = shape[1:]
    masks = [np.ones(size, bool) for size in sizes]
    dims = _spatial(len(shape))
    places = [sizes[dim - 1] // 2 for dim in dims] if unit is None else list(unit)
    if len(places) != len(dims):
        raise ValueError(f"unit={unit} does not fit an output of shape {shape}.")
    for dim, place in zip(dims, places, strict=True):
        if not -sizes[dim - 1] <= place < sizes[dim - 1]:
            raise ValueError(f"There is no unit {unit} in an output of shape {shape}.")
        masks[dim - 1][:] = False
        masks[dim - 1][place] = True
    return masks


def _spatial(rank, data_format=None):
    """Return the dimensions that are neither batch nor channels."""
    if (data_format or keras.config.image_data_format()) == "channels_first":
        return range(2, rank)
    return range(1, rank - 1)


def _spatial_dims(script):
    formats = [getattr(call.operation, "data_format", None) for call in script.calls]
    data_format = next(filter(None, formats), None)
    return _spatial(len(script.shapes[0]), data_format)


def _positions(masks, dims):
    return tuple(np.flatnonzero(masks[dim - 1]) for dim in dims)


def _is_gate(script, call, number):
    """Say whether a factor has one position where another has more."""
    if type(call.operation).__name__ != "Multiply":
        return False
    areas = {n: np.prod([script.shapes[n][d] for d in _spatial(4)]) for n in call.reads}
    return areas[number] == 1 and max(areas.values()) > 1


def _mark(needed, number, masks):
    if not all(mask.any() for mask in masks):
        # Along one axis only padding is read, so nothing is read at all.
        return
    known = needed.get(number)
    needed[number] = masks if known is None else [a | b for a, b in zip(known, masks, strict=True)]


def _read_back(script, call, place, masks):
    """Return what one call needs of one of its inputs, given what is needed of its output."""
    read, made = script.shapes[call.reads[place]], script.shapes[call.makes[0]]
    if getattr(call.operation, "layer", None) is not None:
        raise NotImplementedError(f"{call.name}: layers around layers")
    kind = type(call.operation).__name__
    for families, back in _BACK:
        if kind in families:
            return back(_Question(call, kind, place, read, made, masks, script))
    raise NotImplementedError(f"The set oracle does not know the layer {call.name!r} ({kind}).")


@dataclass(frozen=True)
class _Question:
    call: _Call
    kind: str
    place: int
    read: tuple
    made: tuple
    masks: list
    script: _Script

    @property
    def layer(self):
        return self.call.operation

    def spatial(self):
        data_format = getattr(self.layer, "data_format", None) or "channels_last"
        return list(_spatial(len(self.read), data_format))

    def nothing(self):
        return [np.zeros(size, bool) for size in self.read[1:]]

    def all(self):
        return [np.ones(size, bool) for size in self.read[1:]]


def _number_for(value, i):
    return value if isinstance(value, int) else value[i]


def _convolved(q):
    """Try every tap of the kernel at every needed unit."""
    back = q.all()
    pool = "Pool" in q.kind
    for i, dim in enumerate(q.spatial()):
        kernel = _number_for(q.layer.pool_size if pool else q.layer.kernel_size, i)
        stride = _number_for(q.layer.strides, i)
        dilation = 1 if pool else _number_for(q.layer.dilation_rate, i)
        size, units = q.read[dim], q.made[dim]
        reach = (kernel - 1) * dilation + 1
        before = {
            "valid": 0,
            "causal": reach - 1,
            "same": max((units - 1) * stride + reach - size, 0) // 2,
        }[q.layer.padding]
        hit = np.zeros(size, bool)
        for unit in np.flatnonzero(q.masks[dim - 1]):
            for tap in range(kernel):
                at = unit * stride + tap * dilation - before
                if 0 <= at < size:
                    hit[at] = True
        back[dim - 1] = hit
    return back


def _spread(q):
    """Try where every tap of every position lands."""
    back = q.all()
    for i, dim in enumerate(q.spatial()):
        kernel = _number_for(q.layer.kernel_size, i)
        stride = _number_for(q.layer.strides, i)
        dilation = _number_for(q.layer.dilation_rate, i)
        size, units = q.read[dim], q.made[dim]
        whole = (size - 1) * stride + (kernel - 1) * dilation + 1
        before = max(whole - units, 0) // 2 if q.layer.padding == "same" else 0
        wanted = q.masks[dim - 1]
        back[dim - 1] = np.array(
            [
                any(
                    0 <= position * stride + tap * dilation - before < units
                    and wanted[position * stride + tap * dilation - before]
                    for tap in range(kernel)
                )
                for position in range(size)
            ]
        )
    return back


def _pooled_everywhere(q):
    return q.all()


def _adaptively_pooled(q):
    back = [mask.copy() for mask in q.masks]
    for dim in q.spatial():
        size, units = q.read[dim], q.made[dim]
        hit = np.zeros(size, bool)
        for unit in np.flatnonzero(q.masks[dim - 1]):
            hit[unit * size // units : -(-(unit + 1) * size // units)] = True
        back[dim - 1] = hit
    return back


def _bordered(q):
    """Copy the overlap of the axis before and after a border came or went."""
    back = [mask.copy() for mask in q.masks]
    crop = q.kind.startswith("Crop")
    widths = q.layer.cropping if crop else q.layer.padding
    pairs = [widths] if isinstance(widths[0], int) else widths
    for dim, (before, _) in zip(q.spatial(), pairs, strict=True):
        moved = before if crop else -before
        hit = np.zeros(q.read[dim], bool)
        for unit in np.flatnonzero(q.masks[dim - 1]):
            if 0 <= unit + moved < len(hit):
                hit[unit + moved] = True
        back[dim - 1] = hit
    return back


def _enlarged(q):
    back = [mask.copy() for mask in q.masks]
    way = getattr(q.layer, "interpolation", "nearest")
    for dim in q.spatial():
        back[dim - 1] = _influence(q.read[dim], q.made[dim], way)[q.masks[dim - 1]].any(axis=0)
    return back


def _influence(size, units, interpolation):
    """Ask Keras which positions each unit is interpolated from, with one picture per position."""
    if interpolation == "nearest" and units % size == 0:
        return np.repeat(np.eye(size, dtype=bool), units // size, axis=0)
    one_lit = np.eye(size, dtype="float32").reshape(size, size, 1, 1)
    resized = keras.ops.image.resize(
        one_lit, (units, 1), interpolation=interpolation, data_format="channels_last"
    )
    return np.abs(keras.ops.convert_to_numpy(resized)[:, :, 0, 0].T) > 1e-6


def _copied(q):
    """Align the shapes from the right; a dimension of size 1 serves all positions."""
    masks = q.masks[len(q.masks) - (len(q.read) - 1) :]
    return [
        mask if mask.size == size else np.array([mask.any()])
        for mask, size in zip(masks, q.read[1:], strict=True)
    ]


def _concatenated(q):
    dim = q.layer.axis % len(q.read)
    sizes = [q.script.shapes[number][dim] for number in q.call.reads]
    start = sum(sizes[: q.place])
    back = [mask.copy() for mask in q.masks]
    back[dim - 1] = q.masks[dim - 1][start : start + sizes[q.place]]
    return back


def _dense(q):
    return [*(mask.copy() for mask in q.masks[:-1]), np.ones(q.read[-1], bool)]


def _mixed(q):
    """Need all of a dimension along which values are normalised together."""
    if q.kind in ("BatchNormalization", "Normalization"):
        return _copied(q)
    if q.kind == "GroupNormalization":
        dims = range(1, len(q.read))
    elif q.kind == "MultiHeadAttention":
        axes = q.layer.get_config()["attention_axes"] or range(1, len(q.read) - 1)
        dims = (*axes, -1)
    else:
        dims = q.layer.axis
    dims = {dim % len(q.read) for dim in ([dims] if isinstance(dims, int) else dims)}
    return [
        np.ones_like(mask) if dim in dims else mask.copy()
        for dim, mask in enumerate(q.masks, start=1)
    ]


def _reshaped(q):
    """Carry the full set of needed entries over, then look at it per dimension."""
    full = np.ones((), bool)
    for mask in q.masks:
        full = np.logical_and.outer(full, mask)
    full = full.reshape(q.read[1:])
    dims = range(full.ndim)
    return [full.any(axis=tuple(other for other in dims if other != dim)) for dim in dims]


def _permuted(q):
    order = q.layer.dims if q.kind == "Permute" else q.layer.axes[1:]
    back = [None] * len(q.masks)
    for mask, dim in zip(q.masks, order, strict=True):
        back[dim - 1] = mask
    return back


def _reduced(q):
    rank = len(q.read)
    dims = range(rank) if q.layer.axis is None else np.atleast_1d(q.layer.axis)
    dims = {int(dim) % rank for dim in dims}
    kept = iter(q.masks)
    back = []
    for dim in range(1, rank):
        if dim in dims:
            back.append(np.ones(q.read[dim], bool))
            if q.layer.keepdims:
                next(kept)
        else:
            back.append(next(kept))
    return back


def _subscripted(q):
    """Index an array of positions the way the tensor was indexed."""
    key = q.call.arguments[1] if len(q.call.arguments) > 1 else q.call.keywords["key"]
    key = tuple(key) if isinstance(key, (list, tuple)) else (key,)
    grid = np.arange(np.prod(q.read)).reshape(q.read)[key]
    full = np.ones((1,), bool)
    for mask in q.masks:
        full = np.logical_and.outer(full, mask)
    hit = np.zeros(np.prod(q.read), bool)
    hit[grid[full.reshape(grid.shape)]] = True
    hit = hit.reshape(q.read)[0]
    dims = range(hit.ndim)
    return [hit.any(axis=tuple(other for other in dims if other != dim)) for dim in dims]


def _padded(q):
    widths = list(q.layer.pad_width)
    widths = widths * len(q.read) if len(widths) == 1 else widths
    back = []
    for mask, (before, _), size in zip(q.masks, widths[1:], q.read[1:], strict=True):
        back.append(mask[before : before + size])
    return back


def _with_dimensions(*names):
    return {name.replace("ND", f"{n}D") for name in names for n in (1, 2, 3)}


_BACK = (
    (
        _with_dimensions(
            "ConvND", "DepthwiseConvND", "SeparableConvND", "MaxPoolingND", "AveragePoolingND"
        ),
        _convolved,
    ),
    (_with_dimensions("ConvNDTranspose"), _spread),
    (_with_dimensions("GlobalAveragePoolingND", "GlobalMaxPoolingND"), _pooled_everywhere),
    (
        _with_dimensions("AdaptiveAveragePoolingND", "AdaptiveMaxPoolingND"),
        _adaptively_pooled,
    ),
    (_with_dimensions("ZeroPaddingND", "CroppingND"), _bordered),
    (_with_dimensions("UpSamplingND") | {"Resizing", "Resize"}, _enlarged),
    ({"Concatenate"}, _concatenated),
    ({"Dense"}, _dense),
    (
        {
            "BatchNormalization",
            "Normalization",
            "LayerNormalization",
            "GroupNormalization",
            "MultiHeadAttention",
            "RMSNormalization",
            "UnitNormalization",
            "Softmax",
        },
        _mixed,
    ),
    ({"Flatten", "Reshape", "Squeeze", "ExpandDims"}, _reshaped),
    ({"Permute", "Transpose"}, _permuted),
    ({"Mean", "Sum", "Max", "Min", "Amax", "Amin"}, _reduced),
    ({"GetItem"}, _subscripted),
    ({"Pad"}, _padded),
    (
        {
            *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Identity", "Masking"),
            *("Rescaling", "Dropout", "GaussianNoise", "LayerScale", "CustomScaleLayer"),
            *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Divide"),
            *("TrueDivide", "Relu", "Relu6", "Sigmoid", "Tanh", "Gelu", "Silu", "Square"),
            *_with_dimensions("SpatialDropoutND"),
        },
        _copied,
    ),
)
