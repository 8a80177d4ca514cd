"""The receptive field of every layer of a Keras model, in exact integers.

One walk over the calls of the model's graph. What the units of each tensor see follows from
what those of the tensors before it see, by the rule of the layer between: far from the borders,
and, if the size of the input is known, with all borders counted.
"""

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import prod

import numpy as np

from labkit.receptive_field.analysis_result import Analysis, LayerField
from labkit.receptive_field.call_fields import outputs_of
from labkit.receptive_field.chosen_rules import GATES, chosen_rules
from labkit.receptive_field.dead_units import (
    BY_NOTHING,
    CONCERNED,
    SIZED_ALIKE,
    filled,
    keeps_zeros,
    may_be_silenced,
    maybe_zeros,
    multiplies_by,
    weighs_all,
    zero_where_dead,
)
from labkit.receptive_field.input_axes import spatial_dims
from labkit.receptive_field.layer_fields import axis_fields, unknown_fields
from labkit.receptive_field.model_graph import read_graph
from labkit.receptive_field.operations import multiply_adds
from labkit.receptive_field.paths import Step, Walked
from labkit.receptive_field.reads import SizeProblem, UnreadableLayer
from labkit.receptive_field.rule_registry import is_own
from labkit.receptive_field.tensor_fields import (
    ChannelsMatter,
    Memory,
    TensorFields,
    input_fields,
    pieces_in_batch,
    seeing_all,
    seen_by_all,
    silenced_by,
)
from labkit.receptive_field.unit_fields import GLOBAL
from labkit.words import ended, is_whole, require_one_of

_SQUEEZE_EXCITATION = ("whole image", "ignore")


def analyse(
    model,
    input_size=None,
    *,
    squeeze_excitation="whole image",
    input_name=None,
    input_axes=None,
    rules=None,
    ignore=(),
    strict=False,
    of=None,
    on=None,
):
    """Compute what the units of every layer see of the input.

    Sizes follow the literature: of a unit far from the borders. Borders, those inside the
    network too, are counted where a size of the input is known, in
    :meth:`~labkit.receptive_field.analysis_result.AxisField.input_range` and
    ``sees_whole_input``.

    A unit reads what it is computed from, whatever the weights and the picture: ``x - x`` reads x,
    and so does a rectifier of what is never positive. Constants of the model count as what they
    are: where a mask or a window is zero, nothing is read.

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
        input_axes: dimensions of the input that are spatial, batch = 0, such as ``(1, 2)``;
            default: as the layers take them, and what none of them settles as Keras is set, with
            channels last.
        rules: dictionary from the path of a layer, as the table names it, to a rule for it
            alone; see :func:`~labkit.receptive_field.rule_registry.register_rule`.
        ignore: what to leave out, so that unit j reads position j of the first input: any of
            ``"squeeze_excitation"``, ``"normalization"`` (over groups, layers and instances)
            and ``"attention"``, paths of layers, and classes of layers or their names.
        of: name of a layer; only the layers on the way to it are then analysed, and it is the
            :attr:`~labkit.receptive_field.analysis_result.Analysis.final` one.
        on: name of a layer whose units are then counted instead of input positions: what the
            layers behind it see of it.
        strict: whether to refuse a model with a layer that has no rule. Otherwise that layer,
            and what depends on it, has an ``unknown`` that says why.

    Returns:
        An :class:`~labkit.receptive_field.analysis_result.Analysis`.

    Raises:
        TypeError: if ``model`` is no Keras model.
        KeyError: if there is no layer ``of`` or ``on``.
        ValueError: if a size is missing or does not fit, if a rule makes another number of units
            than Keras, if ``rules`` or ``ignore`` name a layer that is not there, or, if
            ``strict``, if a layer has no rule (see
            :func:`~labkit.receptive_field.rule_registry.register_rule`).

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
        >>> analyse(vgg16, of="block3_conv3", on="block1_pool").final.size
        18
    """
    require_one_of("squeeze_excitation", squeeze_excitation, _SQUEEZE_EXCITATION)
    chosen = chosen_rules(rules, ignore)
    if GATES in chosen.ignored:
        squeeze_excitation = "ignore"
    with _without_collection():
        graph, number, picture = _graph_and_picture(
            model, chosen, input_size, input_name, input_axes
        )
        walk = _Walk(graph, strict, Memory(), squeeze_excitation == "ignore")
        found = _analysis(model.name, walk, graph.inputs[number], picture)
        found = found if on is None else _seen_on(found, on, walk)
        return found if of is None else _up_to(found, of)


@contextmanager
def _without_collection():
    """Hold the search for reference cycles back: among a network's objects it takes seconds."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Nothing is moved among the generations: networks that are dropped would stay in memory.
        if enabled:
            gc.enable()


def _analysis(model_name, walk, number, picture):
    """Analyse the calls behind a tensor, which counts as the picture."""
    start = input_fields(picture.shape, picture.dims, picture.channels)
    try:
        main, without_gates = walk.both(number, start)
    except ChannelsMatter:
        walk = replace(walk, memory=Memory(each_channel=True))
        main, without_gates = walk.both(number, start)
    return Analysis(
        model_name=model_name,
        input_size=picture.sizes,
        layers=_layers(walk.graph, number, picture, main, without_gates),
        outputs=_output_names(walk.graph, main),
        input_dims=picture.dims,
        walked=Walked(number, start, partial(walk.steps, main), walk.follow),
    )


def _graph_and_picture(model, chosen, input_size, input_name, input_axes):
    """Read the model's graph, layers made of layers at the size of input that is asked about."""
    graph, number = read_graph(model, chosen.rule_of), _traced_input(model, input_name)
    picture = _picture(model, graph, number, input_size, input_axes)
    if graph.has_composites and picture.shape != model.inputs[number].shape:
        shapes = [(1, *tensor.shape[1:]) for tensor in model.inputs]
        shapes[number] = (1, *picture.shape[1:])
        graph = read_graph(model, chosen.rule_of, shapes)
    chosen.require_names_of(graph.calls)
    return graph, number, picture


# The input


@dataclass(frozen=True)
class _Picture:
    """The input that is traced to: its shape, and which dimensions are spatial."""

    shape: tuple
    dims: tuple[int, ...]

    @property
    def sizes(self):
        """Positions along each axis, ``None`` if unknown."""
        return tuple(self.shape[dim] for dim in self.dims)

    @property
    def channels(self):
        """The other dimensions, but for the batch."""
        return tuple(dim for dim in range(1, len(self.shape)) if dim not in self.dims)


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


def _picture(model, graph, number, input_size, input_axes):
    """Return the traced input with its sizes filled in."""
    shape = list(model.inputs[number].shape)
    dims = spatial_dims(graph, graph.inputs[number], tuple(shape), input_axes)
    if not dims:
        raise ValueError(
            f"The input of {model.name!r} has shape {tuple(shape)} and so no spatial axis: "
            "a receptive field needs at least (batch, length, channels). If a dimension is "
            "spatial all the same, say so, for example input_axes=(1,)."
        )
    for dim, size in zip(dims, _checked_sizes(input_size, len(dims)), strict=True):
        shape[dim] = size if size is not None else shape[dim]
    return _Picture(tuple(shape), dims)


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


# The walk


@dataclass(frozen=True)
class _Unknown:
    """A tensor of which cannot be told what its units see; ``why`` as a sentence's end."""

    why: str
    shape: tuple


@dataclass(frozen=True)
class _Walk:
    """Follows the fields from the picture through all calls."""

    graph: object
    strict: bool
    memory: Memory
    ignore_gates: bool

    def both(self, number, start):
        """Follow the fields with gates as they count, and without them."""
        without_gates, has_gates = self.run(number, start, ignore_gates=True)
        if not has_gates or self.ignore_gates:
            return without_gates, without_gates
        return self.run(number, start, False, without_gates)[0], without_gates

    def steps(self, tensors):
        """List the calls on the way, at the sizes that are known now."""
        for call in self.graph.calls:
            read = self._read(call, tensors, self.ignore_gates)
            if read:
                shapes = _shapes(call.inputs, call.input_shapes, tensors)
                made = _shapes(call.outputs, call.output_shapes, tensors)
                names = tuple(_row_name(call, output) for output in range(len(call.outputs)))
                sized = replace(call, input_shapes=shapes, output_shapes=made)
                unknown = [n for n in call.outputs if isinstance(tensors.get(n), _Unknown)]
                yield Step(sized, names, tuple(index for index, _ in read), frozenset(unknown))

    def follow(self, call, read):
        """Return what is known of the outputs of a call that reads these inputs alone."""
        try:
            return self._made(call, read)
        except (ChannelsMatter, ValueError) as problem:
            return [_Unknown(str(problem), shape) for shape in call.output_shapes]

    def _read(self, call, tensors, ignore_gates):
        """List which inputs of a call count, with what is known of them."""
        kind = call.kind
        if kind in SIZED_ALIKE and len(call.inputs) == 1 and is_own(call.rule):
            return []
        read = [(i, tensors[n]) for i, n in enumerate(call.inputs) if n in tensors]
        return _without_gates(read) if ignore_gates and kind == "Multiply" else read

    def run(self, number, start, ignore_gates, without_gates=None):
        """Follow the fields once.

        Args:
            number: of the input tensor; ``start``: its fields.
            ignore_gates: whether to leave gates out.
            without_gates: what came of it before without them; saves time.

        Returns:
            What is known of each tensor, by its number, in the order in which they are made,
            and whether gates were left out.
        """
        tensors, left_out = {number: start}, False
        for call in self.graph.calls:
            read = self._read(call, tensors, ignore_gates)
            if not read:
                continue
            if len(read) < len(call.inputs) and not left_out:
                left_out = len(read) < sum(n in tensors for n in call.inputs)
            made = without_gates and self._made_alike(call, read, without_gates)
            made = made or self._made(call, read)
            tensors.update(zip(call.outputs, made, strict=True))
        return tensors, left_out

    def _made_alike(self, call, read, without_gates):
        """Take over what came without gates, or its places, where all units see the same.

        Most of a network lies behind its first gate, and there every unit sees everything.
        """
        tensors = [tensor for _, tensor in read]
        before = [without_gates[call.inputs[index]] for index, _ in read]
        beside = [without_gates[number] for number in call.outputs]
        if any([isinstance(each, _Unknown) for each in (*tensors, *beside)]):
            return None
        if len(read) == 1 and (tensors == before or beside == before):
            return beside if tensors == before else tensors
        first, *others = [seen_by_all(tensor) for tensor in tensors]
        if first is None or any([ends != first for ends in others]):
            return None
        made = [seeing_all(each, first) for each in beside]
        return None if None in made else made

    def _made(self, call, read):
        """Return what is known of the outputs of a call."""
        for _, tensor in read:
            if isinstance(tensor, _Unknown):
                return [_Unknown(tensor.why, shape) for shape in call.output_shapes]
        is_silenced = self._may_be_silenced(call, read)
        if is_silenced and not self._by_zeros(call, read):
            return [self._unknown(call, BY_NOTHING, shape) for shape in call.output_shapes]
        try:
            made = outputs_of(call, read, self.memory)
        except SizeProblem as problem:
            if not _is_open_beside(call, read):
                raise ValueError(f"{_named(call)} {problem}.") from None
            made = [UnreadableLayer(_OPEN_BESIDE)] * len(call.outputs)
        if is_silenced and isinstance(made[0], TensorFields):
            factors = [tensor for _, tensor in read]
            made = [silenced_by(factors, made[0]) or UnreadableLayer(BY_NOTHING)]
        if keeps_zeros(call, read, self.memory.zero_where_dead):
            self.memory.zero_where_dead.update(call.outputs)
        for place, tensor in enumerate(made):
            if isinstance(tensor, UnreadableLayer):
                made[place] = self._unknown(call, tensor, call.output_shapes[place])
        return made

    def _may_be_silenced(self, call, read):
        """Say whether what sees nothing may keep a call from reading some of what it is given."""
        if call.kind not in CONCERNED or not is_own(call.rule):
            return False
        if multiplies_by(call, self._maybe_zeros):
            return True
        if not may_be_silenced(call, [each for _, each in read], self.memory):
            return False
        return not weighs_all(call, read, self._filled)

    def _by_zeros(self, call, read):
        """Say whether what sees nothing is zero, so that a product reads nothing else there."""
        if call.kind != "Multiply" or multiplies_by(call, self._maybe_zeros):
            return False
        known = self.memory.zero_where_dead
        return not any(tensor.mixed for _, tensor in read) and zero_where_dead(call, read, known)

    @cached_property
    def _maybe_zeros(self):
        """The tensors that hold zeros of the size of another, or may do so."""
        return maybe_zeros(self.graph)

    @cached_property
    def _filled(self):
        """The tensors in which units that see nothing are not zero; asked for in few networks."""
        return filled(self.graph)

    def _unknown(self, call, problem, shape):
        if self.strict:
            raise ValueError(ended(f"{_named(call)} {problem}")) from None
        name = _named(call)
        return _Unknown(f"{name[0].lower()}{name[1:]} {problem}", shape)


_OPEN_BESIDE = "depends on the size of another input, which the model leaves open"


def _is_open_beside(call, read):
    """Say whether a size is unknown that is not the picture's, so that nobody can give it."""
    known = all(axis.seen is not None for _, tensor in read for axis in tensor.axes)
    shapes = dict(enumerate(call.input_shapes)) | {i: tensor.shape for i, tensor in read}
    return known and any(None in shape[1:] for shape in shapes.values())


def _shapes(numbers, static, tensors):
    """Return the shapes of tensors: those that are known now, else those of the model."""
    # Of what is left out, the first input alone is read.
    known = [
        tensors[number].shape if number in tensors else shape
        for number, shape in zip(numbers, static, strict=False)
    ]
    return (*known, *static[len(known) :])


def _named(call):
    return f"The layer {call.name!r} ({call.class_name})"


def _without_gates(read):
    """Leave out inputs of a product that are global on every axis, if another is not."""
    kept = [
        (index, tensor)
        for index, tensor in read
        if isinstance(tensor, _Unknown) or not all(axis.fields is GLOBAL for axis in tensor.axes)
    ]
    return kept or read


# The result


def _layers(graph, start, picture, main, without_gates):
    """Name what was found; fields without gates stand beside it where they differ."""
    rows, known, inputs = [], {}, (start, *graph.inputs)
    # Of what lies behind an unknown layer it is not known what one entry of the batch holds.
    certain = not _may_cut(graph.calls, main)
    wanted = {number for call in graph.calls for number in call.inputs} | set(graph.outputs)
    for call in graph.calls:
        for output, number in enumerate(call.outputs):
            if number not in main or number in inputs:
                continue
            if output and number not in wanted:
                continue
            # Most layers change nothing of what those before them see.
            tensors = main[number], without_gates[number]
            if tensors not in known:
                known[tensors] = _told(*tensors, picture, known)
            told = known[tensors]
            cost = 0 if output else _operations(call, main, certain)
            rows.append(
                LayerField(_row_name(call, output), call.class_name, *told, operations=cost)
            )
    return tuple(rows)


def _row_name(call, output):
    """Name the row of one output of a call: the first one as the layer."""
    return call.name if output == 0 else f"{call.name} [{output}]"


def _told(tensor, beside, picture, known):
    """Say of a tensor what :class:`LayerField` holds behind name and type."""
    if isinstance(tensor, _Unknown):
        axes = unknown_fields(picture.sizes, tensor.why)
        return axes, None, (None,) * len(axes), {}, tensor.why
    axes, dims, units = _axis_fields(tensor, picture, known)
    other = None
    if beside is not tensor and not isinstance(beside, _Unknown):
        other, _, _ = _axis_fields(beside, picture, known)
        if [axis.fields for axis in axes] == [axis.fields for axis in other]:
            other = None
    return axes, other, dims, units


def _axis_fields(tensor, picture, known):
    """Say what is seen along each axis, once for tensors of the same places and axes."""
    key = tensor.places, tensor.axes
    if key not in known:
        known[key] = axis_fields(tensor, picture.sizes)
    return known[key]


def _operations(call, tensors, certain):
    """Count the multiply-adds of a call for one picture, at the sizes that are known now."""
    if getattr(call.rule, "keeps_places", False):
        return 0
    read, made = _shapes(call.inputs, call.input_shapes, tensors), tensors[call.outputs[0]]
    cost = multiply_adds(call, read, made.shape)
    if not cost:
        return cost
    if isinstance(made, _Unknown):
        return cost if certain else None
    parts = pieces_in_batch(made)
    return parts and cost * parts


def _may_cut(calls, tensors):
    """Say whether pictures, or what is not known of them, may lie in parts in the batch."""
    unknown = {n for n, tensor in tensors.items() if isinstance(tensor, _Unknown)}
    return bool(unknown) and (
        any(_may_cut_one(call) for call in calls if not unknown.isdisjoint(call.outputs))
        or any(pieces_in_batch(t) != 1 for n, t in tensors.items() if n not in unknown)
    )


def _may_cut_one(call):
    """Say whether a call may make more entries of the batch, or of another size."""
    if call.kind != "Reshape":
        return call.kind in ("Repeat", "Tile", "Concatenate", "Pad")
    before, after = call.input_shapes[0][1:], call.output_shapes[0][1:]
    return None in (*before, *after) or prod(before) != prod(after)


def _output_names(graph, tensors):
    """Name the row of each output of the model that depends on the picture."""
    maker = {
        number: _row_name(call, output)
        for call in graph.calls
        for output, number in enumerate(call.outputs)
        if number in graph.outputs
    }
    names = tuple(maker[n] for n in graph.outputs if n in tensors and n in maker)
    if not names:
        raise ValueError("No output of the model depends on the chosen input: nothing to analyse.")
    return names


# Seen from inside


def _seen_on(found, name, walk):
    """Analyse what the layers behind one of them see of its units."""
    layer = found[name]
    if not layer.units:
        why = layer.unknown or "its units have no place on an axis"
        raise ValueError(f"on={name!r} cannot be counted on: {why}. Choose a layer before it.")
    number, calls = found.walked.number_of(layer.name), []
    for step in found.walked.steps:
        calls.append(step.call)
        if number in step.call.outputs:
            shape = step.call.output_shapes[step.call.outputs.index(number)]
    if not any(number in call.inputs for call in calls):
        raise ValueError(f"on={name!r}: no layer reads it. Choose a layer before it.")
    walk = replace(walk, graph=replace(walk.graph, calls=tuple(calls)), memory=Memory())
    seen = _analysis(found.model_name, walk, number, _Picture(shape, tuple(layer.units)))
    return replace(seen, on=layer.name)


def _up_to(found, name):
    """Keep the layers on the way to one of them."""
    try:
        layer = found[name]
    except KeyError as problem:
        if found.on is None:
            raise
        raise KeyError(f"Of what reads {found.on!r}: {problem.args[0]}") from None
    needed, steps = {found.walked.number_of(layer.name)}, []
    for step in reversed(found.walked.steps):
        if needed.intersection(step.call.outputs):
            needed.update(step.call.inputs)
            steps.insert(0, step)
    names = {name for step in steps for name in step.names}
    return replace(
        found,
        layers=tuple(each for each in found.layers if each.name in names),
        outputs=(layer.name,),
        walked=replace(found.walked, list_steps=lambda: steps),
    )
