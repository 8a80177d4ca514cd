"""The calls of a Keras model in the order in which they run, nested models unrolled.

This is the one module that reads attributes Keras does not document
(``_keras_history`` and ``_inbound_nodes``, the same from Keras 3.0 on). The
documented ways cost seconds on a large network, because they call every layer
again; a test compares this walk with one of them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import Parameter, signature
from itertools import count

import keras

from labkit.receptive_field.chosen_rules import left_out
from labkit.receptive_field.composite_layers import traced
from labkit.receptive_field.reads import UnreadableLayer
from labkit.receptive_field.rule_registry import kind_in_keras


@dataclass(frozen=True)
class Call:
    """One call of one layer or operation.

    A layer that is used twice makes two calls.

    Args:
        name: path of the layer, such as ``"backbone/conv1"``; a layer that is called
            several times gets ``" #1"``, ``" #2"``, ... behind it.
        operation: the Keras layer or operation.
        inputs: numbers of the tensors read.
        outputs: numbers of the tensors made.
        input_shapes: static shape of each tensor read, batch included, ``None`` if unknown.
        output_shapes: static shape of each tensor made.
        arguments: positional arguments of the call; ``keywords``: the others.
        rule: what says which positions a unit reads; ``None`` if it is not known.
        obstacle: why a layer without a rule could not be unrolled.
    """

    name: str
    operation: object = field(repr=False)
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[tuple, ...]
    output_shapes: tuple[tuple, ...]
    arguments: tuple = field(default=(), repr=False)
    keywords: dict = field(default_factory=dict, repr=False)
    rule: object = field(default=None, repr=False)
    obstacle: str | None = None

    def argument(self, index):
        """Name the argument of the call that an input tensor is, or is part of.

        Args:
            index: number of the input, 0 the first.

        Returns:
            The name of the argument and the tensor's place in it: ``("query", 0)``.
        """
        names = [
            name
            for name, parameter in signature(self.operation.call).parameters.items()
            if parameter.kind is not Parameter.KEYWORD_ONLY
        ]
        given = [*zip(names, self.arguments, strict=False), *sorted(self.keywords.items())]
        places = [
            (name, place)
            for name, value in given
            for place in range(sum(map(_is_tensor, keras.tree.flatten(value))))
        ]
        return places[index]

    @cached_property
    def operands(self):
        """The tensors and arrays among the arguments, one after the other."""
        given = keras.tree.flatten((self.arguments, self.keywords))
        return [value for value in given if hasattr(value, "shape")]

    def attended(self, input_shapes):
        """Return the shapes of an attention's query, value and key, constants among them.

        Args:
            input_shapes: shape of each tensor read, batch included, ``None`` where unknown.

        Returns:
            Three tuples; of values that are keys too the same.
        """
        sizes = iter(input_shapes)
        shape_of = {
            id(operand): tuple(next(sizes) if _is_tensor(operand) else operand.shape)
            for operand in self.operands
        }
        listed = keras.tree.flatten((self.arguments, self.keywords.get("inputs")))
        order = ("query", "value", "key")
        if self.kind == "DotProductAttention":
            order = ("query", "key", "value")
        given = dict(zip(order, listed, strict=False)) | self.keywords
        key = given["value"] if given.get("key") is None else given["key"]
        return tuple([shape_of[id(each)] for each in (given["query"], given["value"], key)])

    def shapes_made(self, input_shapes):
        """Ask Keras for the shapes of the outputs at other sizes of the inputs.

        Args:
            input_shapes: shape of each tensor read, batch included, ``None`` where unknown.

        Returns:
            A tuple of shapes.

        Raises:
            ValueError: if Keras refuses them.
        """
        tensors = iter(input_shapes)

        def resized(value):
            if not _is_tensor(value):
                return value
            return keras.KerasTensor(next(tensors), dtype=value.dtype)

        arguments, keywords = keras.tree.map_structure(resized, (self.arguments, self.keywords))
        # Not every layer that is told whether it trains asks for that here.
        keywords.pop("training", None)
        made = self.operation.compute_output_spec(*arguments, **keywords)
        return tuple(tensor.shape for tensor in keras.tree.flatten(made))

    @property
    def is_causal(self):
        """Whether no query of an attention reads what comes behind it."""
        of_call = self.keywords.get("use_causal_mask")
        return bool(of_call or getattr(self.operation, "is_causal", False))

    @property
    def acts_as_in_training(self):
        """Whether a layer does at inference what it does in training."""
        return self.keywords.get("training") is True

    @property
    def class_name(self):
        """Name of the layer's or the operation's class."""
        return type(self.operation).__name__

    @property
    def kind(self):
        """Name of the class of Keras that this is or extends, which says what it computes."""
        return kind_in_keras(type(self.operation))


def _is_tensor(value):
    return isinstance(value, keras.KerasTensor)


@dataclass(frozen=True)
class ModelGraph:
    """A model as numbered tensors and the calls between them.

    Args:
        inputs: number of each input tensor, in the order of ``model.inputs``.
        outputs: number of each output tensor, in the order of ``model.outputs``.
        calls: every call on a way from an input to an output, readers after makers.
        has_composites: whether layers without a rule were unrolled, or could not be: then
            :func:`read_graph` may say more if it is told sizes that the model leaves open.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[Call, ...]
    has_composites: bool = False


def read_graph(model, rule_of=None, shapes=None):
    """Read the calls of a functional or sequential model.

    Args:
        model: a built ``keras.Model``; nested models are unrolled, each call by itself.
        rule_of: function of an operation and its path that returns its rule, ``None`` if there
            is none. A layer without one is unrolled like a model if its ``call`` is made of
            layers and operations of Keras. Default: no layer is.
        shapes: shape of each input, batch 1: then every layer is called anew at this size, which
            takes milliseconds a layer. Default: the shapes that the model was built for.

    Returns:
        A :class:`ModelGraph`.

    Raises:
        TypeError: if ``model`` is no Keras model.
        ValueError: if the model has no graph: a subclass of ``keras.Model`` or a
            ``Sequential`` that does not know its input yet.

    Example:
        >>> import keras
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3, name="conv")])
        >>> [call.name for call in read_graph(line).calls]
        ['conv']
    """
    if not isinstance(model, keras.Model):
        raise TypeError(_no_model(model))
    _check_has_graph(model)
    reader = _Reader(rule_of, anew=shapes is not None)
    inputs = reader.new_numbers(model.inputs)
    if shapes is None:
        outputs = reader.unroll(model.inputs, model.outputs, inputs, "")
    else:
        outputs = reader.enter(model, (model.input,), {}, shapes, inputs, "")
    calls = tuple(_with_distinct_names(reader.calls))
    return ModelGraph(inputs, tuple(outputs), calls, reader.has_composites)


def _no_model(given):
    """Say what was given instead of a model."""
    kind = type(given).__name__
    if any(base.__module__.startswith("tf_keras") for base in type(given).__mro__):
        return (
            f"This {kind} is a model of Keras 2, from tf_keras, and analyse reads Keras 3: "
            "build it with keras instead of tf_keras, or save it with model.save('model.h5') and "
            "load it with keras.saving.load_model('model.h5')."
        )
    return (
        f"A Keras model is needed, and this is a {kind}: "
        "pass a keras.Model, for example keras.applications.VGG16(weights=None)."
    )


def _check_has_graph(model):
    if _has_graph(model):
        return
    if isinstance(model, keras.Sequential):
        if not model.layers:
            raise ValueError(f"The Sequential model {model.name!r} has no layers: add some.")
        raise ValueError(
            f"The Sequential model {model.name!r} does not know its input yet: "
            "give it a keras.Input as its first entry, or call it once on data."
        )
    raise ValueError(
        f"The model {model.name!r} is a subclass of keras.Model and has no graph of its own: "
        "call it on an input, x = keras.Input(shape), and pass keras.Model(x, model(x))."
    )


def _has_graph(model):
    """Say whether a model is what lies between its inputs and outputs."""
    defines_call = next(base for base in type(model).__mro__ if "call" in vars(base))
    of_keras = defines_call.__module__.startswith("keras.")
    return bool(of_keras and getattr(model, "inputs", None) and getattr(model, "outputs", None))


class _Reader:
    """Collects the calls of a model and of the models and layers inside it."""

    def __init__(self, rule_of, anew=False):
        self.rule_of, self.anew = rule_of, anew
        self.calls, self.numbers, self.has_composites = [], count(), False

    def new_numbers(self, tensors):
        """Return the next number for each tensor."""
        return tuple([next(self.numbers) for _ in tensors])

    def unroll(self, starts, ends, input_numbers, prefix, trace=None):
        """Append the calls between symbolic tensors; return the numbers of the ends.

        Args:
            starts, ends: the tensors; ``input_numbers``: the numbers of the starts.
            prefix: what the names begin with.
            trace: the :class:`~labkit.receptive_field.composite_layers.Trace` of which they are
                part, if they are.
        """
        number_of = {id(t): n for t, n in zip(starts, input_numbers, strict=True)}
        for node in _nodes_in_order(starts, ends):
            inputs = tuple([number_of[id(tensor)] for tensor in node.input_tensors])
            name = trace.name_of(node.operation) if trace else node.operation.name
            outputs = self._read(node, inputs, prefix + name, trace, tuple(input_numbers))
            number_of.update(zip(map(id, node.outputs), outputs, strict=True))
        # What is made without any input has no number yet.
        return [number_of[id(end)] if id(end) in number_of else next(self.numbers) for end in ends]

    def enter(self, layer, arguments, keywords, shapes, input_numbers, prefix):
        """Call a layer or a model anew and append what it calls."""
        with traced(layer, arguments, keywords, shapes) as trace:
            return self.unroll(trace.inputs, trace.outputs, input_numbers, prefix, trace)

    def _read(self, node, inputs, name, trace, given):
        """Append what one node calls; return the numbers of the tensors that it makes.

        Functions that it runs may read all that the graph around it is ``given``.
        """
        operation = node.operation
        if isinstance(operation, keras.Model) and _has_graph(operation):
            # What is masked is given its mask as one more input, which layers inside may read.
            has_mask = len(inputs) > len(operation.inputs)
            self.has_composites = self.has_composites or has_mask
            if self.anew or has_mask:
                return self._entered(node, inputs, name)
            return self.unroll(operation.inputs, operation.outputs, inputs, name + "/")
        if type(operation).__name__ == "ConvertToTensor":
            # A symbolic tensor is one already: Keras converts what enters a model.
            return inputs[:1]
        rule = self.rule_of and self.rule_of(operation, name)
        if self.rule_of and rule is None and isinstance(operation, keras.layers.Layer):
            self.has_composites = True
            return self._entered(node, inputs, name)
        inputs = inputs[:1] if rule is left_out else inputs
        if rule is None and _runs_functions(node):
            inputs = (*inputs, *given)
        call = _call(name, node, inputs, self.new_numbers(node.outputs), rule=rule)
        if trace is None:
            # What a graph says of training, a model that runs overrules; a ``call`` is obeyed.
            call.keywords.pop("training", None)
        return self._append(call)

    def _entered(self, node, inputs, name):
        """Append the calls inside of a layer, or the layer itself if it cannot be entered."""
        # A batch that is known holds windows of one picture.
        shapes = [(tensor.shape[0] or 1, *tensor.shape[1:]) for tensor in node.input_tensors]
        given = node.operation, node.arguments.args, node.arguments.kwargs, shapes
        made, before = self.new_numbers(node.outputs), len(self.calls)
        try:
            outputs = self.enter(*given, inputs, name + "/")
            if len(outputs) != len(made):
                raise UnreadableLayer("gives another number of tensors when it is entered")
        except UnreadableLayer as problem:
            del self.calls[before:]
            return self._append(_call(name, node, inputs, made, obstacle=str(problem)))
        return [
            self._passed_on(name, node.input_tensors[inputs.index(number)], number, new)
            if number in inputs
            else number
            for number, new in zip(outputs, made, strict=True)
        ]

    def _passed_on(self, name, tensor, number, new):
        """Give a row to a layer that at inference returns what it is given."""
        shapes = (tuple(tensor.shape),)
        identity = keras.layers.Identity()
        rule = self.rule_of and self.rule_of(identity, name)
        self._append(Call(name, identity, (number,), (new,), shapes, shapes, (tensor,), rule=rule))
        return new

    def _append(self, call):
        self.calls.append(call)
        return call.outputs


def _call(name, node, inputs, outputs, rule=None, obstacle=None):
    return Call(
        name=name,
        operation=node.operation,
        inputs=inputs,
        outputs=outputs,
        input_shapes=tuple([tensor.shape for tensor in node.input_tensors]),
        output_shapes=tuple([tensor.shape for tensor in node.outputs]),
        arguments=node.arguments.args,
        keywords=dict(node.arguments.kwargs),
        rule=rule,
        obstacle=obstacle,
    )


def _runs_functions(node):
    """Say whether a node is given functions, such as branches."""
    return any(map(callable, keras.tree.flatten((node.arguments.args, node.arguments.kwargs))))


def _nodes_in_order(starts, ends):
    """List the nodes between symbolic tensors, deepest first, as Keras prints them."""
    entries = {id(tensor) for tensor in starts}
    makers = {}
    finished = _readers_after_makers(ends, entries, makers)
    depth = dict.fromkeys(makers, 0)
    for node in reversed(finished):
        below = depth[id(node)] + 1
        for maker in makers[id(node)]:
            if depth[id(maker)] < below:
                depth[id(maker)] = below
    # The sort is stable: nodes of one depth keep their order.
    return sorted(finished, key=lambda node: -depth[id(node)])


def _readers_after_makers(tensors, entries, makers):
    """Order nodes topologically, without recursion: a chain may have 10,000 layers.

    The nodes that each node reads are written into ``makers``.
    """
    stack, finished = [(node, False) for node in _makers_of(tensors, entries)], []
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
            finished.append(node)
        elif id(node) not in makers:
            read = makers[id(node)] = _makers_of(node.input_tensors, entries)
            stack.append((node, True))
            stack.extend([(maker, False) for maker in reversed(read) if id(maker) not in makers])
    return finished


def _makers_of(tensors, entries):
    """Return the node that made each tensor, but for the model's own inputs."""
    makers = []
    for tensor in tensors:
        if isinstance(tensor, keras.KerasTensor) and id(tensor) not in entries:
            operation, place, _ = _history(tensor)
            makers.append(operation._inbound_nodes[place])
    return makers


def _history(tensor):
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        raise UnreadableLayer("makes a tensor of which Keras does not tell where it comes from")
    return history


def _with_distinct_names(calls):
    """Number the calls of a layer that is called more than once."""
    uses, turns = Counter(call.name for call in calls), Counter()
    for call in calls:
        if uses[call.name] > 1:
            turns[call.name] += 1
            call = replace(call, name=f"{call.name} #{turns[call.name]}")
        yield call
