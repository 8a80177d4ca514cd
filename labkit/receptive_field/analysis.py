"""The receptive field of every layer of a Keras model, in exact integers.

Three steps. The model's graph becomes a plan: per call, which positions of which earlier
calls a unit reads along each axis. One walk over the plan gives the fields far from the
borders; a second one, if the size of the input is known, what borders leave of them.
"""

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import keras
import numpy as np

from labkit.receptive_field.analysis_result import Analysis, AxisField, LayerField
from labkit.receptive_field.layer_rules import rule_for
from labkit.receptive_field.model_graph import read_graph
from labkit.receptive_field.reads import Axis, Reads, UnreadableLayer
from labkit.receptive_field.unit_fields import (
    GLOBAL,
    INPUT,
    clipped,
    clipped_union,
    reading,
    union,
    whole_picture,
)
from labkit.words import is_whole, require_one_of

_SQUEEZE_EXCITATION = ("whole image", "ignore")
#: The number of the picture among the steps, which count from 0.
_PICTURE = -1


def analyse(model, input_size=None, *, squeeze_excitation="whole image", input_name=None):
    """Compute what the units of every layer see of the input.

    Sizes follow the literature: of a unit far from the borders. Borders, those inside the
    network too, are counted where a size of the input is known, in
    :meth:`~labkit.receptive_field.analysis_result.AxisField.input_range` and
    ``sees_whole_input``.

    Args:
        model: a functional or sequential ``keras.Model`` with 1, 2 or 3 spatial axes; models
            inside it and layers called several times are followed call by call.
        input_size: positions along each spatial axis, such as ``(224, 224)``, or one integer
            for all; default: the model's own. Needed where the model leaves it open and
            something depends on it, such as ``same`` padding with a stride.
        squeeze_excitation: what a gate counts for that pools the whole picture and then
            multiplies channels: ``"whole image"``, with the fields without gates beside it,
            or ``"ignore"``.
        input_name: which input to trace to, for a model with several pictures as input.

    Returns:
        An :class:`~labkit.receptive_field.analysis_result.Analysis`.

    Raises:
        TypeError: if ``model`` is no Keras model.
        ValueError: if a layer has no rule (see
            :func:`~labkit.receptive_field.layer_rules.register_rule`), if a size is missing or
            does not fit, or if paths of different strides are joined.

    Source:
        A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural
        Networks", Distill, 2019, doi:10.23915/distill.00021; extended by dilation, holes,
        transposed convolution and branches with different centres.

    Example:
        >>> import keras
        >>> vgg16 = keras.applications.VGG16(weights=None, include_top=False)
        >>> final = analyse(vgg16).final
        >>> final.name, final.size, final.effective_stride, final.effective_padding
        ('block5_pool', 212, Fraction(32, 1), 90)
    """
    require_one_of("squeeze_excitation", squeeze_excitation, _SQUEEZE_EXCITATION)
    with _without_collection():
        return _analysis(model, input_size, squeeze_excitation, input_name)


@contextmanager
def _without_collection():
    """Hold the search for reference cycles back: among a network's objects it takes seconds."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _analysis(model, input_size, squeeze_excitation, input_name):
    graph = read_graph(model)
    number = _traced_input(model, input_name)
    picture = _picture(model, graph, number, input_size)
    plan = _plan(graph, graph.inputs[number], picture)
    without_gates, has_gates = _walk(plan, picture, ignore_gates=True)
    main = without_gates
    if has_gates and squeeze_excitation == "whole image":
        main, _ = _walk(plan, picture, ignore_gates=False)
    return Analysis(
        model_name=model.name,
        input_size=picture.sizes,
        layers=_layers(plan, main, without_gates),
        outputs=_output_names(plan, graph),
        input_dims=picture.dims,
    )


# The input


@dataclass(frozen=True)
class _Traced:
    """A tensor that depends on the picture: where its axes lie, and which step made it."""

    step: int
    shape: tuple
    dims: tuple[int | None, ...]

    @property
    def sizes(self):
        """Positions along each axis, ``None`` if unknown, 1 if no dimension holds it."""
        return tuple(1 if dim is None else self.shape[dim] for dim in self.dims)


def _traced_input(model, input_name):
    """Choose the input that is a picture."""
    names = [tensor.name for tensor in model.inputs]
    if input_name is not None:
        if input_name not in names:
            raise ValueError(f"The model has no input {input_name!r}; its inputs are {names}.")
        return names.index(input_name)
    if len(names) == 1:
        return 0
    pictures = [i for i, tensor in enumerate(model.inputs) if len(tensor.shape) > 2]
    if len(pictures) != 1:
        raise ValueError(
            f"The model has several inputs, {names}: say which one to trace to, "
            f"for example input_name={names[0]!r}."
        )
    return pictures[0]


def _picture(model, graph, number, input_size):
    """Return the traced input with its sizes filled in."""
    shape = list(model.inputs[number].shape)
    readers = [call for call in graph.calls if graph.inputs[number] in call.inputs]
    dims = _spatial_dims(shape, readers, graph.calls)
    if not dims:
        raise ValueError(
            f"The input of {model.name!r} has shape {tuple(shape)} and so no spatial axis: "
            "a receptive field needs at least (batch, length, channels)."
        )
    for dim, size in zip(dims, _checked_sizes(input_size, len(dims)), strict=True):
        shape[dim] = size if size is not None else shape[dim]
    return _Traced(_PICTURE, tuple(shape), dims)


def _spatial_dims(shape, readers, calls):
    """Return the dimensions of the input that are neither batch nor channels."""
    rank = len(shape)
    if any(_adds_channels(call) for call in readers):
        return tuple(range(1, rank))
    if _data_format(calls) == "channels_first":
        return tuple(range(2, rank))
    return tuple(range(1, rank - 1))


def _adds_channels(call):
    """Say whether a call appends the dimension of channels, as in pictures of one colour."""
    read, made = call.input_shapes[0], call.output_shape
    if isinstance(call.operation, keras.layers.Embedding):
        return True
    return call.kind in ("Reshape", "ExpandDims") and made in ((*read, 1), (read[0], 1, *read[1:]))


def _data_format(calls):
    """Return the data format of the first layer that has one, else Keras' setting."""
    formats = (getattr(call.operation, "data_format", None) for call in calls)
    return next(filter(None, formats), keras.config.image_data_format())


def _checked_sizes(input_size, axes):
    if input_size is None:
        return (None,) * axes
    sizes = tuple(input_size) if np.iterable(input_size) else (input_size,) * axes
    if len(sizes) != axes or not all(is_whole(size, 1) for size in sizes):
        raise ValueError(
            f"input_size={input_size!r} does not fit: give {axes} positive whole number"
            f"{'s, one per spatial axis' if axes > 1 else ''}, without batch and channels."
        )
    return tuple(map(int, sizes))


# The plan


@dataclass(frozen=True)
class _Step:
    """One call: the steps it reads and what along each axis of each."""

    call: object
    inputs: tuple[int, ...]
    reads_by_input: tuple[tuple[Reads, ...], ...]
    made: _Traced


def _plan(graph, picture_number, picture):
    """Turn the calls that depend on the picture into steps; an error in one names the layer."""
    traced, steps = {picture_number: picture}, []
    for call in graph.calls:
        read = [
            (i, _as_read(traced[number], call.input_shapes[i]))
            for i, number in enumerate(call.inputs)
            if number in traced
        ]
        if not read or isinstance(call.operation, keras.layers.InputLayer):
            continue
        try:
            step = _step(call, read, len(steps))
        except UnreadableLayer as problem:
            raise ValueError(f"The layer {call.name!r} ({call.kind}) {problem}.") from None
        steps.append(step)
        traced.update(dict.fromkeys(call.outputs, step.made))
    return steps


def _as_read(tensor, shape):
    """Lose the axes of a second output of another rank, such as the state of an LSTM."""
    if len(shape) == len(tensor.shape):
        return tensor
    return replace(tensor, shape=tuple(shape), dims=(None,) * len(tensor.dims))


def _step(call, read, number):
    by_input = [_reads_of(call, index, tensor) for index, tensor in read]
    if len(by_input) > 1:
        by_axis = [_joined(reads) for reads in zip(*by_input, strict=True)]
        by_input = list(zip(*by_axis, strict=True))
    made = _made(call, by_input[0], number)
    return _Step(call, tuple(tensor.step for _, tensor in read), tuple(by_input), made)


def _reads_of(call, index, tensor):
    """Ask the layer's rule about every axis of one input."""
    rule = rule_for(call.operation)
    shape = tuple(
        known if known is not None else static
        for known, static in zip(tensor.shape, call.input_shapes[index], strict=True)
    )
    return [_read(rule, call.operation, Axis(dim, shape, call)) for dim in tensor.dims]


def _read(rule, operation, axis):
    if axis.dim is None:
        return Reads(range(1), 1)
    reads = rule(operation, axis)
    if not isinstance(reads, Reads):
        raise UnreadableLayer(f"has a rule that returns {reads!r} and not a Reads")
    if reads.size is not None and reads.size < 1:
        raise UnreadableLayer(f"leaves nothing of an axis of {axis.size} positions")
    return reads


def _joined(reads):
    """Bring the inputs of one call to a common size, spreading what has size 1."""
    placed = [r for r in reads if r.dim is not None]
    if not placed:
        return reads
    sizes = {r.size for r in placed if r.offsets is not None} or {placed[0].size}
    size = _common_size(sizes - {1}) if sizes - {1} else 1
    return tuple(_spread(r, size, placed[0].dim) for r in reads)


def _common_size(sizes):
    known = sizes - {None}
    if len(known) > 1:
        raise UnreadableLayer(
            f"joins paths of {' and '.join(map(str, sorted(known)))} positions: "
            "this size of input does not fit the model"
        )
    return next(iter(known or sizes))


def _spread(reads, size, dim):
    if reads.offsets is None or (reads.size == 1 and size != 1):
        return Reads(None, size, dim=dim)
    fits = reads.size == size and reads.dim == dim
    return reads if fits else replace(reads, size=size, dim=dim)


def _made(call, axes, number):
    """Describe the tensor made: its static shape, with the sizes that are known now."""
    shape = list(call.output_shape)
    for reads in axes:
        if reads.dim is not None:
            shape[reads.dim] = reads.size
    return _Traced(number, tuple(shape), tuple(reads.dim for reads in axes))


# The walk


def _walk(plan, picture, ignore_gates):
    """Follow the fields from the picture to the last step.

    Returns:
        Per step, one :class:`AxisField` per axis; and whether gates were left out.
    """
    found, left_out = {_PICTURE: _input_itself(picture.sizes)}, False
    for number, step in enumerate(plan):
        read = [found[i] for i in step.inputs]
        branches = list(zip(read, step.reads_by_input, strict=True))
        may_gate = ignore_gates and step.call.kind == "Multiply"
        kept = _without_gates(branches) if may_gate else branches
        left_out = left_out or len(kept) < len(branches)
        found[number] = _axes(step, kept)
    return [found[number] for number in range(len(plan))], left_out


def _input_itself(sizes):
    """Return what position j of the input sees: position j."""
    # One object for equal axes: what is alike is computed once, see _twin.
    axes = {
        size: AxisField(INPUT, size, size, None if size is None else whole_picture(size))
        for size in sizes
    }
    return [axes[size] for size in sizes]


def _without_gates(branches):
    """Leave out inputs of a product that are global on every axis, if another is not."""
    kept = [branch for branch in branches if not all(axis.is_global for axis in branch[0])]
    return kept or branches


def _axes(step, branches):
    """Return what the units of one step see; axes that are alike are computed once."""
    axes = []
    for axis in range(len(branches[0][1])):
        twin = _twin(branches, axis)
        axes.append(axes[twin] if twin is not None else _along(step, branches, axis))
    return axes


def _twin(branches, axis):
    """Find an earlier axis along which every branch reads the same of the same."""
    for earlier in range(axis):
        if all(
            read[axis] is read[earlier] and reads[axis] == reads[earlier]
            for read, reads in branches
        ):
            return earlier
    return None


def _along(step, branches, axis):
    """Return what the units of one step see along one axis."""
    pairs = [(read[axis], reads[axis]) for read, reads in branches]
    if len(pairs) == 1 and _changes_nothing(*pairs[0]):
        return pairs[0][0]
    found = [reading(read.fields, reads) for read, reads in pairs]
    known = pairs[0][0].seen is not None
    first = pairs[0][1]
    return AxisField(
        fields=_united(step.call, found),
        output_size=None if first.dim is None else first.size,
        input_size=pairs[0][0].input_size,
        seen=clipped_union(clipped(read.seen, reads) for read, reads in pairs) if known else None,
        misalignment=_apart(found),
    )


def _changes_nothing(read, reads):
    """Say whether the units that read see the same as those that are read."""
    in_place = reads.dim is not None and reads.size == read.output_size
    return reads.is_one_to_one and in_place and not read.misalignment


def _united(call, found):
    try:
        return union(found)
    except ValueError:
        strides = dict.fromkeys(str(Fraction(f.step, f.period)) for f in found)
        raise ValueError(
            f"The layer {call.name!r} joins paths of effective strides {' and '.join(strides)}: "
            "their units lie at different places of the input, and no one field fits all. "
            "Give the paths the same product of strides."
        ) from None


def _apart(found):
    """Return the distance between the outermost centres of unit 0."""
    first = [f.fields[0] for f in found if f is not GLOBAL and f.fields[0]] if found[1:] else []
    twice = [field.first + field.last for field in first]
    return Fraction(max(twice) - min(twice), 2) if twice else Fraction(0)


# The result


def _layers(plan, main, without_gates):
    """Name what was found; fields without gates stand beside it where they differ."""
    beside = map(_if_other, without_gates, main)
    return tuple(
        LayerField(step.call.name, step.call.kind, tuple(axes), other, step.made.dims)
        for step, axes, other in zip(plan, main, beside, strict=True)
    )


def _if_other(without_gates, axes):
    same = all(a.fields == b.fields for a, b in zip(without_gates, axes, strict=True))
    return None if same else tuple(without_gates)


def _output_names(plan, graph):
    """Name the call that made each output of the model and depends on the picture."""
    maker = {number: step.call.name for step in plan for number in step.call.outputs}
    names = tuple(maker[number] for number in graph.outputs if number in maker)
    if not names:
        raise ValueError("No output of the model depends on the chosen input: nothing to analyse.")
    return names
