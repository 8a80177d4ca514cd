"""The graph inside a layer whose ``call`` is made of other layers and operations of Keras.

Such a layer, a residual block say, is called once more on symbolic tensors; what it calls is
then read like the graph of a model. One picture at a time: with a batch of one, windows that
are moved into the batch can be followed.

Like ``model_graph``, this module reads attributes that Keras does not document.
"""

import inspect
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps

import keras

from labkit.receptive_field.reads import UnreadableLayer

#: How much of another's message is shown.
_SHOWN = 120
#: What Python asks a variable to compute with another operand, from either side.
_OPERATORS = [
    f"__{side}{name}__"
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
    for side in ("", "r")
] + [f"__{name}__" for name in ("lt", "le", "gt", "ge")]


@dataclass(frozen=True)
class Trace:
    """What a layer's ``call`` made of symbolic tensors.

    Args:
        inputs: the symbolic tensors that it was called with, in the order of its arguments.
        outputs: what it returned, one after the other; not all need be symbolic.
        lasting: the ids of what was there before the call.
    """

    inputs: list = field(repr=False)
    outputs: list = field(repr=False)
    lasting: frozenset = field(repr=False)

    def name_of(self, operation):
        """Name what was called; leave out the number that Keras gives anew with every trace."""
        if id(operation) in self.lasting:
            return operation.name
        return re.sub(r"_\d+$", "", operation.name)


@contextmanager
def traced(layer, arguments, keywords, shapes):
    """Call a layer on symbolic tensors, and forget the calls on leaving.

    Args:
        layer: a built layer or model.
        arguments: positional arguments as in a model, symbolic tensors among them;
            ``keywords``: the others.
        shapes: for each symbolic tensor the shape to call with, batch included.

    Returns:
        A context manager that yields the :class:`Trace`, to be read inside of it.

    Raises:
        UnreadableLayer: if ``call`` uses anything but layers and operations of Keras, depends on
            values or on an unknown size.
    """
    inside = _operations_inside(layer)
    tensors, given = [], iter(shapes)

    def stand_in(value):
        if not isinstance(value, keras.KerasTensor):
            return value
        tensors.append(keras.KerasTensor(next(given), dtype=value.dtype))
        return tensors[-1]

    arguments, keywords = keras.tree.map_structure(stand_in, (arguments, keywords))
    with _without_new_nodes(inside):
        outputs = _called(layer, arguments, _without_training(layer, keywords))
        yield Trace(tensors, outputs, frozenset(map(id, inside)))


def _operations_inside(layer):
    """List a layer, the layers inside it, and the operations of models among them."""
    inside = {id(each): each for each in layer._flatten_layers()}
    for each in list(inside.values()):
        if isinstance(each, keras.Model) and hasattr(each, "operations"):
            inside.update((id(operation), operation) for operation in each.operations)
    return list(inside.values())


def _called(layer, arguments, keywords):
    try:
        with _operators_that_give_way(), _weights_that_stay(), _at_inference(layer):
            if isinstance(layer, keras.layers.TimeDistributed):
                return [_at_each_step(layer.layer, *arguments)]
            return keras.tree.flatten(layer.call(*arguments, **keywords))
    except UnreadableLayer:
        raise
    except Exception as problem:
        raise UnreadableLayer(_reason(problem)) from problem


@contextmanager
def _weights_that_stay():
    """Refuse to follow what writes into weights, such as a mask into those of a kernel."""
    assign = keras.Variable.assign

    def assign_if_whole(self, value):
        # Those of floats are weights; chance keeps its seeds in whole numbers.
        if "float" in self.dtype:
            raise UnreadableLayer("writes into its weights while it runs")
        return assign(self, value)

    is_own = "assign" in vars(keras.Variable)
    keras.Variable.assign = assign_if_whole
    try:
        yield
    finally:
        if is_own:
            keras.Variable.assign = assign
        else:
            del keras.Variable.assign


@contextmanager
def _at_inference(layer):
    """Let the layers inside know that the model does not train, as they do when it runs."""
    layer._get_call_context().training = False
    try:
        yield
    finally:
        layer._maybe_reset_call_context()


def _at_each_step(layer, inputs):
    """Write out what ``TimeDistributed`` means: the steps of time are entries of a batch."""
    _, steps, *rest = inputs.shape
    outputs = layer(keras.ops.reshape(inputs, (-1, *rest)))
    batch = -1 if steps else inputs.shape[0]
    return keras.ops.reshape(outputs, (batch, steps or -1, *outputs.shape[1:]))


def _without_training(layer, keywords):
    """Say training=False to a ``call`` that asks, whatever was said when the model was built."""
    keywords = {name: value for name, value in keywords.items() if name != "training"}
    asks = "training" in inspect.signature(layer.call).parameters
    return {**keywords, "training": False} if asks else keywords


def _reason(problem):
    """Say in one line what stopped the call."""
    text = " ".join(str(problem).split()) or type(problem).__name__
    if "KerasTensor" in text:
        return "uses more than layers and operations of Keras"
    return f"cannot be followed at this size of input ({text[:_SHOWN]})"


@contextmanager
def _without_new_nodes(operations):
    """Take the calls back that tracing adds to layers and operations."""
    lists = [
        nodes
        for operation in operations
        for nodes in (operation._inbound_nodes, operation._outbound_nodes)
    ]
    lengths = list(map(len, lists))
    try:
        yield
    finally:
        for nodes, length in zip(lists, lengths, strict=True):
            del nodes[length:]


@contextmanager
def _operators_that_give_way():
    """Let ``variable * tensor`` and ``array * tensor`` be what ``tensor * variable`` is.

    Keras makes an operation of the latter; the former it tries to compute at once, and fails.
    """
    own = {name: vars(keras.Variable).get(name) for name in _OPERATORS}
    for name in _OPERATORS:
        setattr(keras.Variable, name, _giving_way(getattr(keras.Variable, name)))
    keras.KerasTensor.__array_ufunc__ = None
    try:
        yield
    finally:
        del keras.KerasTensor.__array_ufunc__
        for name, method in own.items():
            if method is None:
                delattr(keras.Variable, name)
            else:
                setattr(keras.Variable, name, method)


def _giving_way(operator):
    @wraps(operator)
    def giving_way(self, other):
        if isinstance(other, keras.KerasTensor):
            return NotImplemented
        return operator(self, other)

    return giving_way
