"""What the units of a call's outputs see, from what those of its inputs see.

A rule is asked about each dimension that holds an axis of the input. The answers move the
digits of :mod:`~labkit.receptive_field.tensor_fields`; then Keras is asked for the shape of the
output, and a rule that makes another number of units is an error.
"""

from dataclasses import replace
from functools import partial
from itertools import product
from math import prod

import keras

# Each registers its rules on import.
from labkit.receptive_field import layer_rules, operation_rules, spectrogram_rules  # noqa: F401
from labkit.receptive_field.activations import mixed_dims
from labkit.receptive_field.channels import channel_dim
from labkit.receptive_field.chosen_rules import left_out
from labkit.receptive_field.constants import (
    LEVELLING,
    OF_ONE,
    is_single_entry,
    refuse_single_entry,
)
from labkit.receptive_field.reads import (
    Axis,
    Reads,
    Rearranged,
    Silenced,
    SizeProblem,
    UnreadableLayer,
    one_to_one,
    part,
)
from labkit.receptive_field.rule_registry import is_own, rule_for
from labkit.receptive_field.tensor_fields import (
    ChannelsMatter,
    Digit,
    TensorFields,
    along_plain_axes,
    joined,
    new_digits,
    read_along_dims,
    rearranged,
    renamed,
    size_of,
    spread,
)
from labkit.receptive_field.unit_fields import Uneven, positions_inside
from labkit.words import is_whole


class RuleError(ValueError):
    """A rule and Keras make different numbers of units; the message names both."""


def outputs_of(call, read, memory):
    """Follow the fields through one call.

    Args:
        call: a :class:`~labkit.receptive_field.model_graph.Call`.
        read: pairs of the number of an input of the call and its
            :class:`~labkit.receptive_field.tensor_fields.TensorFields`, at least one.
        memory: a :class:`~labkit.receptive_field.tensor_fields.Memory`.

    Returns:
        For each output a :class:`~labkit.receptive_field.tensor_fields.TensorFields`, or the
        :class:`~labkit.receptive_field.reads.UnreadableLayer` that says why it cannot be told.

    Raises:
        SizeProblem: if the size of the input is missing or does not fit.
        RuleError: if the rule makes another number of units than Keras.
    """
    made = []
    for number, shape in enumerate(call.output_shapes):
        if 0 in shape:
            made.append(UnreadableLayer("makes an empty output here"))
            continue
        try:
            made.append(_with_features_alike(_output(call, read, memory, number)))
        except SizeProblem:
            raise
        except UnreadableLayer as problem:
            made.append(problem)
        except ChannelsMatter:
            if not memory.each_channel:
                raise
            why = "takes some of the features that see different things, which has no rule"
            made.append(UnreadableLayer(why))
    return made


def _with_features_alike(made):
    """Return an output, unless features that see different things have become places."""
    if not made.mixed:
        return made
    others = [digit for i, dim in enumerate(made.dims) for digit in dim if i != made.channel_dim]
    if made.channel_dim in (None, *made.held) or any(digit.is_channel for digit in others):
        raise ChannelsMatter
    return made


def _output(call, read, memory, number):
    """Follow the fields to one output of a call."""
    rule = call.rule or rule_for(call.operation, call.obstacle)
    if rule is left_out and number:
        raise UnreadableLayer("is ignored, and only its first output stands for what it reads")
    keeps_places = getattr(rule, "keeps_places", False) and not call.acts_as_in_training
    if keeps_places and _is_plain(call, read) and not _has_constants(call):
        return _activated(call, _in_place([tensor for _, tensor in read], memory), memory)
    rank = len(call.output_shapes[number])
    read = [(index, _with_channels_of(call, tensor)) for index, tensor in read]
    shapes = _shapes_read(call, read)
    if call.kind in LEVELLING and is_own(rule):
        refuse_single_entry(call.operation, shapes[read[0][0]], number)
    if rule is layer_rules.convolutional_recurrence and _is_by_step(call, read):
        return _of_steps(call, read, memory, _shapes_made(call, shapes)[number])
    if call.kind == "ExtractPatches" and memory.each_channel and is_own(rule):
        return _of_taps(call, read, memory, _shapes_made(call, shapes)[number])
    parts, parts_shapes = _parts(call, read, shapes)
    pairs = []
    for index, tensor in parts:
        asked_about = index, number, parts_shapes
        question = (_asker(call, rule), index, number, tensor.held, shapes, rank)
        ask = partial(_asked, call, rule, tensor, asked_about, rank)
        pairs += [(tensor, answer) for answer in memory.answer(question, ask)]
    if len(pairs) == 1 and _changes_nothing(*pairs[0], rank):
        shape = _shapes_made(call, shapes)[number]
        if shape == pairs[0][0].shape:
            return _activated(call, pairs[0][0], memory)
    made, shape = _made(call, pairs, memory, number, shapes)
    _check(call, rule, made.shape, shape)
    return _activated(call, made, memory)


def _asker(call, rule):
    """Name all that an answer depends on besides shapes: of alike layers one is asked."""
    settings = getattr(rule, "settings", None)
    if settings is None or not isinstance(call.operation, keras.layers.Layer):
        return call.name
    values = tuple([getattr(call.operation, setting, ...) for setting in settings])
    if values[0] is ...:
        # A layer of somebody else's, which the rule reads in another way.
        return call.name
    try:
        hash(values)
    except TypeError:
        return call.name
    return rule, values


def _made(call, pairs, memory, number, shapes):
    """Return an output of a call as its inputs are read, and the shape that Keras gives it."""
    if shapes == call.input_shapes and len(call.inputs) == len(pairs) == 1:
        # Blocks come again and again, and branches read the same in the same way.
        ((tensor, answer),), shape = pairs, call.output_shapes[number]
        told, apart = channel_dim(call.operation, len(shape)), _sees_apart(call)
        how = tensor.dims, tensor.mixed, _content(answer), told, apart, shape
        follow = partial(_followed_alone, call, tensor, answer, memory, shape, how)
        return memory.answer((tensor.axes, *how), follow), shape
    rank = len(call.output_shapes[number])
    dims, axes, mixed = _joined(pairs, rank, memory)
    shape = _shapes_made(call, shapes)[number]
    if len(pairs) < len(call.inputs):
        dims, axes = spread(dims, axes, shape)
    return _completed(call, dims, axes, mixed, shape), shape


def _content(answer):
    """Write an answer of :func:`_asked` as what can be compared."""
    if isinstance(answer, Rearranged):
        # Whoever wrote the rule may have given lists.
        return repr(answer)
    return tuple([(dim, reads.dim, reads) for dim, reads in answer.items()])


def _is_plain(call, read):
    """Say whether a call reads, at inference, tensors of the shape that it makes."""
    told, shape = channel_dim(call.operation, len(call.output_shapes[0])), call.output_shapes[0]
    for index, tensor in read:
        if not tensor.is_plain or not tensor.shape == shape == call.input_shapes[index]:
            return False
        if told not in (None, tensor.channel_dim):
            return False
    return True


def _has_constants(call):
    """Say whether a layer that joins a list of tensors has been given arrays among them."""
    given = call.arguments[0] if call.arguments else None
    return type(given) is list and len(given) > len(call.inputs)


def _in_place(tensors, memory):
    """Join tensors of one shape, position by position."""
    if len(tensors) == 1:
        return tensors[0]
    first, *others = tensors
    branches = [(first.dims, first.axes)]
    for tensor in others:
        axes = tensor.axes
        if tensor.dims != first.dims:
            new = {own[0]: common[0] for own, common in zip(tensor.dims, first.dims, strict=True)}
            axes = tuple([renamed(axis, new) for axis in axes])
        branches.append((first.dims, axes))
    dims, axes = joined(branches, False, memory)
    return TensorFields(tuple(dims), axes, any(tensor.mixed for tensor in tensors))


def _with_channels_of(call, tensor):
    """Let the channels of an input be what the layer that reads it takes for them."""
    told = channel_dim(call.operation, len(tensor.dims))
    if tensor.is_plain and told == tensor.channel_dim:
        return tensor
    dims, axes = _as_told(tensor.dims, tensor.axes, told) if told else (tensor.dims, None)
    if dims is tensor.dims:
        return tensor
    if tensor.mixed:
        raise ChannelsMatter
    return TensorFields(tuple(dims), axes)


def _parts(call, read, shapes):
    """Give what is stacked the dimension along which it is then joined end to end, of size 1."""
    if call.kind != "Stack":
        return read, shapes
    new = call.operation.axis % len(call.output_shapes[0])
    parts = [(index, _with_dimension(tensor, new)) for index, tensor in read]
    return parts, tuple((*shape[:new], 1, *shape[new:]) for shape in shapes)


def _with_dimension(tensor, new):
    """Give a tensor one more dimension, of size 1."""
    return replace(tensor, dims=(*tensor.dims[:new], (Digit(1),), *tensor.dims[new:]))


def _is_by_step(call, read):
    """Say whether what is seen along an axis in space may differ from step to step."""
    if call.operation.return_sequences or len(call.inputs) > 1:
        return True
    (_, tensor), *_ = read
    steps = set(tensor.dims[1])
    return any(
        not steps.isdisjoint(axis.digits) and not steps.issuperset(axis.digits)
        for axis in tensor.axes
    )


#: What a convolutional recurrence is called with.
_SEQUENCE, _STATE, _MEMORY = ("sequences", 0), ("initial_state", 0), ("initial_state", 1)


def _of_steps(call, read, memory, shape):
    """Follow a state that each step convolves, and join the steps end to end.

    Args:
        call: of a convolutional recurrence.
        read, memory: as for :func:`outputs_of`.
        shape: of the output.
    """
    layer, given = call.operation, {call.argument(index): tensor for index, tensor in read}
    # The sequence may be a constant where a state is given.
    sequence = call.arguments[0] if call.arguments else call.keywords["sequences"]
    entries_shape = tuple(given.get(_SEQUENCE, sequence).shape)
    if given.keys() - {_SEQUENCE, _STATE, _MEMORY} or entries_shape[1] is None:
        raise UnreadableLayer(
            "convolves its own state once a step, which has a rule only where their number is "
            "known and no mask depends on the picture"
        )
    rank, steps = len(entries_shape) - 1, range(entries_shape[1])
    state_shape = shape if len(shape) == rank else (shape[0], *shape[2:])
    before, states = [], []
    if _STATE in given:
        state = given[_STATE]
        before.append((state, _read_by(layer_rules.convolution_of_the_state, layer, state)))
    if _MEMORY in given:
        before.append((given[_MEMORY], _one_to_one(state_shape, range(1, rank), 0)))
    for step in reversed(steps) if layer.go_backwards else steps:
        pairs = list(before)
        if _SEQUENCE in given:
            taken = {1: Reads((step,), 1)} | _one_to_one(entries_shape, range(2, rank + 1), -1)
            entry_shape = (entries_shape[0], *entries_shape[2:])
            entry = _followed(call, [(given[_SEQUENCE], taken)], memory, entry_shape)
            pairs.append((entry, _read_by(layer_rules.convolution, layer, entry)))
        states.append(_followed(call, pairs, memory, state_shape))
        before = [(states[-1], _read_by(layer_rules.convolution_of_the_state, layer, states[-1]))]
    return states[-1] if len(shape) == rank else _end_to_end(call, states, memory, shape)


def _end_to_end(call, states, memory, shape):
    """List the states of all steps along a dimension of their own."""
    kept = _one_to_one(shape, range(2, len(shape)), 0)
    placed = [
        (_with_dimension(state, 1), {1: part(Axis(1, (None, 1)), place, len(states))} | kept)
        for place, state in enumerate(states)
    ]
    made = _followed(call, placed, memory, shape)
    uneven = Uneven("each step sees further than the one before it")
    axes = [replace(axis, fields=uneven) if axis.fields else axis for axis in made.axes]
    return replace(made, axes=tuple(axes))


def _of_taps(call, read, memory, shape):
    """Follow what each tap of a patch takes, and join the taps end to end along the channels.

    Args:
        call: of ``extract_patches``; the others as for :func:`_of_steps`.
    """
    operation, ((_, tensor),) = call.operation, read
    channel, rank = channel_dim(operation, len(tensor.dims)), len(tensor.dims)
    axes = [Axis(dim, tensor.shape, call) for dim in range(1, rank)]
    windows = [layer_rules.convolution(operation, a) for a in axes if a.dim != channel]
    taps = list(product(*(window.offsets for window in windows)))
    channels, pairs = tensor.shape[channel], []
    for place, tap in enumerate(taps):
        one = [replace(window, offsets=(at,)) for window, at in zip(windows, tap, strict=True)]
        beside = part(axes[channel - 1], place * channels, len(taps) * channels)
        pairs.append((tensor, {reads.dim: reads for reads in (*one, beside)}))
    dims, axes, _ = _joined(pairs, rank, memory)
    made = _completed(call, dims, axes, False, shape)
    return replace(made, mixed=tensor.mixed)


def _one_to_one(shape, dims, by):
    """Read dimensions position by position, into those that lie further on by a number."""
    return {dim: one_to_one(Axis(dim, shape), dim + by) for dim in dims}


def _read_by(rule, layer, tensor):
    return {dim: rule(layer, Axis(dim, tensor.shape)) for dim in range(1, len(tensor.dims))}


def _followed(call, pairs, memory, shape):
    """Read inputs as is said of each, and join them to a tensor of a shape."""
    return _completed(call, *_joined(pairs, len(shape), memory), shape)


def _followed_alone(call, tensor, answer, memory, shape, how):
    """Read one input: of a plain tensor the digits are worked out once, and axes follow alone."""
    by_axis = tuple([axis.digits for axis in tensor.axes])
    way = memory.answer(
        ("way", by_axis, *how), partial(_plain_way, call, tensor, answer, memory, shape)
    )
    if way is None:
        return _followed(call, [(tensor, answer)], memory, shape)
    dims, read = way
    return TensorFields(dims, along_plain_axes(tensor.axes, read, memory))


def _plain_way(call, tensor, answer, memory, shape):
    """Tell how the digits of a plain tensor are read, if each dimension is by itself.

    Returns:
        The digits of the output, and a dictionary from each digit of an axis that is read to its
        new one and the :class:`~labkit.receptive_field.reads.Reads`; ``None`` if channels or
        ends must be told apart, or an axis goes on in another dimension.
    """
    plain = tensor.is_plain and not tensor.mixed and not _sees_apart(call)
    if not plain or isinstance(answer, Rearranged):
        return None
    if any([reads.dim != dim or reads.alone for dim, reads in answer.items()]):
        return None
    if any([answer[dim].offsets is None for dim in tensor.held]):
        return None
    if _dims_with_ends(tensor, answer, memory.each_channel)[1] or _is_mixed(tensor, answer, ()):
        return None
    read, _ = read_along_dims(TensorFields(tensor.dims, ()), answer, len(shape), memory)
    made = _completed(call, read, (), False, shape).dims
    if any([made[dim] is not read[dim] for dim in tensor.held]):
        return None
    return made, {
        tensor.dims[dim][0]: (made[dim][0], answer[dim])
        for dim in tensor.held
        if made[dim] is not tensor.dims[dim] or not answer[dim].is_one_to_one
    }


def _sees_apart(call):
    """Say whether some features that a call makes see other positions than others do."""
    if call.kind == "Bidirectional":
        # Some see what comes before and others what comes behind.
        return call.operation.return_sequences and call.operation.merge_mode == "concat"
    return call.kind == "ExtractPatches" and prod(call.operation.size) > 1


def _joined(pairs, rank, memory):
    """Join what is read of the inputs of a call.

    Args:
        pairs: for each input its fields and what :func:`_asked` returns.
        rank: number of dimensions of the output.
        memory: a :class:`~labkit.receptive_field.tensor_fields.Memory`.

    Returns:
        The digits of each dimension of the output, ``None`` where none is read into it; the
        axes; and whether its channels see different things.
    """
    ends = [_dims_with_ends(*pair, memory.each_channel) for pair in pairs]
    hold = set().union(*(held for _, held in ends))
    branches = [_read(*pair, rank, memory, hold) for pair in pairs]
    mixed = any(_is_mixed(*pair, hold) for pair in pairs)
    if len(pairs) == 1:
        return *branches[0], mixed
    return *joined(branches, all(spatial for spatial, _ in ends), memory), mixed


def _dims_with_ends(tensor, answer, each_channel):
    """Find where an input is joined to others end to end, or gets units that see nothing.

    Returns:
        Whether that is in space, and the dimensions along which units must be told apart.
    """
    if isinstance(answer, Rearranged):
        return False, set()
    alone, counted = False, set()
    for dim, reads in answer.items():
        in_space = dim != tensor.channel_dim
        alone = alone or (reads.alone and in_space)
        if dim in tensor.held:
            counted.update([dim] if reads.alone else ())
        elif each_channel or in_space or not all(d.is_channel for d in tensor.dims[dim]):
            # What counts places beside channels counts places behind what is read along it.
            apart = reads.differing or _has_ends(reads, tensor.shape[dim])
            counted.update([dim] if apart else ())
    return alone, counted


def _has_ends(reads, size):
    """Say whether some units read nothing of a dimension."""
    if reads.alone:
        return True
    if reads.listed is not None:
        return bool((reads.listed.first > reads.listed.last).any())
    if reads.offsets is None or reads.uneven or None in (size, reads.size):
        return False
    if reads.is_one_to_one:
        return reads.size > size
    # Between the ends, what is empty comes again with every period.
    units = range(reads.size)
    looked_at = {*units[: reads.divisor], *units[-reads.divisor :]}
    return not all(positions_inside(reads, unit, size) for unit in looked_at)


def _is_mixed(tensor, answer, hold):
    """Say whether channels of the output see different things, and are not told apart."""
    channel = tensor.channel_dim
    if isinstance(answer, Rearranged) or channel not in answer:
        return tensor.mixed
    reads = answer[channel]
    told_apart = channel in hold or channel in tensor.held
    if reads.differing:
        if tensor.mixed:
            raise ChannelsMatter
        if told_apart:
            raise UnreadableLayer("has a constant kernel with zeros, other ones for other channels")
        return True
    if reads.offsets is None:
        return False
    taken = not reads.is_one_to_one or reads.size != tensor.shape[channel]
    if tensor.mixed and taken and not reads.alone:
        raise ChannelsMatter
    return tensor.mixed or (not told_apart and _has_ends(reads, tensor.shape[channel]))


def _changes_nothing(tensor, answer, rank):
    """Say whether a call works on each position alone and makes as many."""
    if isinstance(answer, Rearranged) or rank != len(tensor.dims):
        return False
    shape = tensor.shape
    for dim, reads in answer.items():
        if reads.dim != dim or reads.size != shape[dim] or not reads.is_one_to_one:
            return False
    return True


def _shapes_read(call, read):
    """Return the shapes of all inputs of a call at the size of input analysed."""
    shapes = list(call.input_shapes)
    for index, tensor in read:
        shapes[index] = tensor.shape
    return tuple(shapes)


def _asked(call, rule, tensor, asked_about, rank):
    """Ask the rule about one input, as often as it wants to be asked.

    Args and returns as for :func:`_asked_once`, but a list.
    """
    first = _asked_once(call, rule, tensor, asked_about, rank)
    turns = (
        1 if isinstance(first, Rearranged) else max([r.turns for r in first.values()], default=1)
    )
    others = [(*asked_about, turn) for turn in range(1, turns)]
    return [first, *(_asked_once(call, rule, tensor, other, rank) for other in others)]


def _asked_once(call, rule, tensor, asked_about, rank):
    """Ask the rule about one input.

    Args:
        asked_about: number of the input, number of the output, shapes of all inputs, and which
            turn it is.
        rank: number of dimensions of the output.

    Returns:
        A :class:`~labkit.receptive_field.reads.Rearranged`, or a dictionary from each
        dimension that was asked about to its :class:`~labkit.receptive_field.reads.Reads`.
    """
    shape, answers = tensor.shape, {}
    for dim in _dims_to_ask(call, tensor):
        try:
            reads = rule(call.operation, Axis(dim, shape, call, *asked_about))
            if isinstance(reads, Rearranged):
                return reads
            _check_reads(reads, shape[dim], rank)
        except UnreadableLayer as problem:
            # What lies along a dimension without an axis is the layer's own affair.
            if dim in tensor.held or isinstance(problem, Silenced):
                raise
        except Exception as problem:
            text = f"{type(problem).__name__}: {problem}".splitlines()[0]
            raise UnreadableLayer(f"has a rule that fails ({text})") from problem
        else:
            answers[dim] = reads
    return answers


def _dims_to_ask(call, tensor):
    """List the dimensions to ask a rule about, those with an axis first."""
    asked = sorted(range(1, len(tensor.dims)), key=lambda dim: dim not in tensor.held)
    # A batch may hold windows of a picture, and layers do the same to every entry of it.
    operation = call.operation
    is_layer = isinstance(operation, keras.layers.Layer) or hasattr(operation, "data_format")
    return asked if is_layer or 0 not in tensor.held else [0, *asked]


def _check_reads(reads, size, rank):
    if not isinstance(reads, Reads):
        raise UnreadableLayer(f"has a rule that returns {reads!r} and not a Reads")
    if reads.offsets is not None and not isinstance(reads.offsets, range):
        fits = isinstance(reads.offsets, tuple)
        if not fits or not all(isinstance(o, range) or is_whole(o) for o in reads.offsets):
            raise UnreadableLayer(
                f"has a rule that returns the offsets {reads.offsets!r}: give a range, or a tuple "
                "of whole numbers and ranges"
            )
    if isinstance(reads.offsets, range) and not reads.offsets:
        raise UnreadableLayer("has a rule that returns a window of no positions: give 1 or more")
    if reads.size is not None and reads.size < 1:
        raise SizeProblem(f"leaves nothing of an axis of {size} positions")
    if reads.dim is not None and not 0 <= reads.dim < rank:
        raise UnreadableLayer(f"has a rule that puts an axis into dimension {reads.dim} of {rank}")


def _read(tensor, answer, rank, memory, hold=()):
    """Let one input be read as a rule says; return the dimensions and the axes of the output."""
    if isinstance(answer, Rearranged):
        result = rearranged(tensor, answer.moves)
        return result.dims, result.axes
    return read_along_dims(tensor, answer, rank, memory, hold)


def _completed(call, dims, axes, mixed, shape):
    """Give every dimension of the output its digits, new ones where no input is read into it."""
    told = channel_dim(call.operation, len(shape))
    made = [
        digits if _fits(digits, size, axes) else new_digits(dims, dim, size, 0 < dim == told)
        for dim, (digits, size) in enumerate(zip(dims, shape, strict=True))
    ]
    if told:
        made, axes = _as_told(made, axes, told)
    elif len(shape) > 1 and dims[-1] is None and not _has_channels(made):
        made[-1] = new_digits(made, len(made) - 1, shape[-1], is_channel=True)
    return TensorFields(tuple(made), axes, mixed or _sees_apart(call))


def _has_channels(dims):
    return any(digit.is_channel for digits in dims for digit in digits)


def _fits(digits, size, axes):
    """Say whether digits stand for a dimension: where no axis is, they may miss its size."""
    if digits is None:
        return False
    if size is None or size_of(digits) == size:
        return True
    return any(digit in axis.digits for axis in axes for digit in digits)


def _as_told(dims, axes, told):
    """Let what a layer takes for channels be channels, and nothing else."""
    new = {
        digit: Digit(digit.size, is_channel=dim == told)
        for dim, digits in enumerate(dims)
        for digit in digits
        if dim and digit.is_channel != (dim == told)
    }
    if not new:
        return dims, axes
    dims = [tuple(new.get(digit, digit) for digit in digits) for digits in dims]
    return dims, tuple(renamed(axis, new) for axis in axes)


def _activated(call, made, memory):
    """Let the layer's own activation mix what it mixes."""
    dims = mixed_dims(call.operation, made.shape)
    if not dims:
        return made
    if is_single_entry(made.shape, dims):
        raise UnreadableLayer(f"has an activation that {OF_ONE}")
    mixed = {dim: Reads(None, made.shape[dim], dim=dim) for dim in dims if dim in made.held}
    if not mixed:
        return made
    kept = {
        dim: Reads(range(1), made.shape[dim], dim=dim)
        for dim in range(len(made.dims))
        if dim not in mixed
    }
    new, axes = read_along_dims(made, mixed | kept, len(made.dims), memory)
    return TensorFields(tuple(new), axes, made.mixed)


# What Keras makes


def _shapes_made(call, shapes):
    """Return the shape of each output: the model's own, or asked of Keras at other sizes."""
    if shapes == call.input_shapes:
        return call.output_shapes
    try:
        return call.shapes_made(shapes)
    except ValueError as problem:
        raise SizeProblem(
            f"cannot be called on {' and '.join(map(str, shapes))}: "
            f"{str(problem).strip().splitlines()[0]}"
        ) from None


def _check(call, rule, made, shape):
    """Compare the number of units with Keras'."""
    if made == shape:
        return
    for dim, (ours, keras_makes) in enumerate(zip(made, shape, strict=True)):
        if dim and None not in (ours, keras_makes) and ours != keras_makes:
            if rule is left_out:
                raise UnreadableLayer(
                    f"cannot be ignored: it makes {keras_makes} units along dimension {dim}, "
                    f"of {ours}"
                )
            raise RuleError(
                f"The layer {call.name!r} ({call.class_name}) makes {keras_makes} units along "
                f"dimension {dim}, and the rule {rule.__name__!r} says {ours}: correct the rule, "
                "or register another one with register_rule."
            )
