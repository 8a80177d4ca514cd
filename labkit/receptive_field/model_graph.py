"""The calls of a Keras model in the order in which they run, nested models unrolled.

This is the one module that reads attributes Keras does not document
(``_keras_history`` and ``_inbound_nodes``, the same from Keras 3.0 on). The
documented ways cost seconds on a large network, because they call every layer
again; a test compares this walk with one of them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import count

import keras


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
        output_shape: static shape of the first tensor made.
        arguments: positional arguments of the call; ``keywords``: the others.
    """

    name: str
    operation: object = field(repr=False)
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[tuple, ...]
    output_shape: tuple
    arguments: tuple = field(default=(), repr=False)
    keywords: dict = field(default_factory=dict, repr=False)

    @property
    def kind(self):
        """Name of the layer's or the operation's class."""
        return type(self.operation).__name__


@dataclass(frozen=True)
class ModelGraph:
    """A model as numbered tensors and the calls between them.

    Args:
        inputs: number of each input tensor, in the order of ``model.inputs``.
        outputs: number of each output tensor, in the order of ``model.outputs``.
        calls: every call on a way from an input to an output, readers after makers.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[Call, ...]


def read_graph(model):
    """Read the calls of a functional or sequential model.

    Args:
        model: a built ``keras.Model``; nested models are unrolled, each call by itself.

    Returns:
        A :class:`ModelGraph`.

    Raises:
        TypeError: if ``model`` is no Keras model.
        ValueError: if the model, or one inside it, has no graph: a subclass of
            ``keras.Model`` or a ``Sequential`` that does not know its input yet.

    Example:
        >>> import keras
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3, name="conv")])
        >>> [call.name for call in read_graph(line).calls]
        ['conv']
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"A Keras model is needed, and this is a {type(model).__name__}: "
            "pass a keras.Model, for example keras.applications.VGG16(weights=None)."
        )
    _check_has_graph(model)
    numbers = count()
    inputs = tuple(next(numbers) for _ in model.inputs)
    calls = []
    outputs = _unroll(model, inputs, "", calls, numbers)
    return ModelGraph(inputs, tuple(outputs), tuple(_with_distinct_names(calls)))


def _check_has_graph(model):
    if getattr(model, "inputs", None) and getattr(model, "outputs", None):
        return
    if isinstance(model, keras.Sequential):
        raise ValueError(
            f"The Sequential model {model.name!r} does not know its input yet: "
            "give it a keras.Input as its first entry, or call it once on data."
        )
    raise ValueError(
        f"The model {model.name!r} is a subclass of keras.Model, so its layers are called "
        "inside Python code that cannot be read: rebuild it as keras.Model(inputs, outputs)."
    )


def _unroll(model, input_numbers, prefix, calls, numbers):
    """Append the calls of ``model`` to ``calls``; return the numbers of its outputs."""
    number_of = {id(t): n for t, n in zip(model.inputs, input_numbers, strict=True)}
    for node in _nodes_in_order(model):
        operation, tensors = node.operation, node.input_tensors
        inputs = tuple(number_of[id(tensor)] for tensor in tensors)
        name = prefix + operation.name
        if isinstance(operation, keras.Model):
            _check_has_graph(operation)
            outputs = _unroll(operation, inputs, name + "/", calls, numbers)
        else:
            outputs = tuple(next(numbers) for _ in node.outputs)
            calls.append(_call(name, node, inputs, outputs))
        number_of.update(zip(map(id, node.outputs), outputs, strict=True))
    return [number_of[id(tensor)] for tensor in model.outputs]


def _call(name, node, inputs, outputs):
    return Call(
        name=name,
        operation=node.operation,
        inputs=inputs,
        outputs=outputs,
        input_shapes=tuple(tensor.shape for tensor in node.input_tensors),
        output_shape=node.outputs[0].shape,
        arguments=node.arguments.args,
        keywords=node.arguments.kwargs,
    )


def _nodes_in_order(model):
    """List the nodes between the inputs and the outputs, deepest first, as Keras prints them."""
    entries = {id(tensor) for tensor in model.inputs}
    makers = {}
    finished = _readers_after_makers(model.outputs, entries, makers)
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
            makers[id(node)] = _makers_of(node.input_tensors, entries)
            stack.append((node, True))
            stack.extend((maker, False) for maker in reversed(makers[id(node)]))
    return finished


def _makers_of(tensors, entries):
    """Return the node that made each tensor, but for the model's own inputs."""
    histories = [tensor._keras_history for tensor in tensors if id(tensor) not in entries]
    return [history.operation._inbound_nodes[history.node_index] for history in histories]


def _with_distinct_names(calls):
    """Number the calls of a layer that is called more than once."""
    uses, turns = Counter(call.name for call in calls), Counter()
    for call in calls:
        turns[call.name] += 1
        again = uses[call.name] > 1
        yield replace(call, name=f"{call.name} #{turns[call.name]}") if again else call
