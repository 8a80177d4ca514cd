"""Which rule an operation of Keras has: written here, or given by a user."""

from functools import cache
from types import FunctionType

import keras

from labkit.receptive_field.reads import UnreadableLayer

#: Rules by class, from users; and those written here, by the name of the class in Keras.
_GIVEN, _WRITTEN = {}, {}
_OWN = set()


def register_rule(layer_class, rule=None):
    """Tell ``analyse`` what a type of layer reads; its subclasses inherit the rule.

    Args:
        layer_class: a subclass of ``keras.layers.Layer`` or ``keras.Operation``.
        rule: function ``rule(layer, axis)`` that returns what unit j reads along one axis,
            built with :func:`~labkit.receptive_field.reads.window`,
            :func:`~labkit.receptive_field.reads.one_to_one` or another function of that
            module. Left out, a decorator is returned.

    Returns:
        The rule, or the decorator.

    Raises:
        TypeError: if ``layer_class`` is no such class or ``rule`` cannot be called.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> from labkit.receptive_field.reads import one_to_one, window
        >>> class Blur(keras.layers.Layer):
        ...     size = 5
        ...     def call(self, inputs):
        ...         return keras.ops.average_pool(inputs, self.size, 1, "same")
        >>> @register_rule(Blur)
        ... def blur(layer, axis):
        ...     if axis.spatial("channels_last") is None:
        ...         return one_to_one(axis)
        ...     return window(axis, kernel=layer.size, padding="same")
        >>> analyse(keras.Sequential([keras.Input((9, 1)), Blur()])).final.size
        5
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.Operation)):
        raise TypeError(
            f"register_rule needs a class of layers as its first argument, not {layer_class!r}: "
            "pass for example MyLayer itself, neither its name nor one layer of it."
        )
    if rule is None:
        return lambda function: register_rule(layer_class, function)
    if not callable(rule):
        raise TypeError(
            f"The rule for {layer_class.__name__} must be a function of (layer, axis), "
            f"not {rule!r}."
        )
    _GIVEN[layer_class] = rule
    return rule


def rule_for(operation, obstacle=None):
    """Return the rule of a layer or operation, its nearest base class' if it has none.

    Args:
        operation: a Keras layer or operation.
        obstacle: what its ``call`` does that cannot be followed, for the message.

    Returns:
        The rule, a function of (layer, axis).

    Raises:
        UnreadableLayer: if neither its class nor a base class has one.
    """
    rule = known_rule(operation)
    if rule:
        return rule
    obstacle = obstacle or "is not known"
    if not _has_class_of_its_own(operation):
        raise UnreadableLayer(
            f"has no rule, and what it does {obstacle}. Say what its unit j reads along an axis, "
            "by the name of its row: analyse(model, rules={name: rule})"
        )
    raise UnreadableLayer(
        f"has no rule, and its call {obstacle}. Say what its unit j reads along an axis, here a "
        "window of 3 positions:\n"
        "    from labkit.receptive_field import register_rule\n"
        "    from labkit.receptive_field.reads import window\n"
        f"    register_rule({type(operation).__name__}, "
        'lambda layer, axis: window(axis, kernel=3, padding="same"))'
    )


def _has_class_of_its_own(operation):
    """Say whether a rule for its class would be a rule for it alone."""
    return isinstance(operation, keras.layers.Layer) and not isinstance(
        operation, keras.layers.Lambda
    )


def known_rule(operation):
    """Return the rule of a layer or operation, ``None`` if there is none."""
    if isinstance(operation, keras.layers.Wrapper) and known_rule(operation.layer) is None:
        return None
    return _rule_of_class(type(operation))


def _rule_of_class(operation_class):
    other_call = False
    for base in operation_class.__mro__:
        if base in _GIVEN:
            return _GIVEN[base]
        name = _name_in_keras(base)
        if name in _WRITTEN:
            # A layer of Keras with another ``call`` reads something else.
            return None if other_call else _WRITTEN[name]
        other_call = other_call or (name is None and _computes_otherwise(base, operation_class))
    return None


#: What a subclass may say anew without reading anything else.
_HARMLESS = {
    *("__init__", "build", "get_config", "from_config", "compute_mask", "get_build_config"),
    *("compute_output_shape", "compute_output_spec", "build_from_config", "count_params"),
}


def _computes_otherwise(base, operation_class):
    """Say whether a class has its own ``call``, or a method or property that Keras' may use."""
    own = {
        name
        for name, value in vars(base).items()
        if isinstance(value, (property, FunctionType)) and name not in _HARMLESS
    }
    of_keras = [each for each in operation_class.__mro__ if _name_in_keras(each)]
    return any(name in vars(each) for each in of_keras for name in own)


@cache
def _name_in_keras(base):
    """Name a class of Keras, exported or not; ``None`` if it is none."""
    parts = base.__module__.split(".")
    if parts[0] != "keras":
        return None
    place = parts[2] if parts[1] == "src" else parts[1]
    return f"{place}.{base.__name__}"


@cache
def kind_in_keras(operation_class):
    """Name the class of Keras that a class of layers or operations is, or extends.

    Args:
        operation_class: a subclass of ``keras.Operation``.

    Returns:
        The name of the nearest one, as it is called where it is defined.

    Example:
        >>> import keras
        >>> class Gate(keras.layers.Multiply): pass
        >>> kind_in_keras(Gate)
        'Multiply'
    """
    return next(base.__name__ for base in operation_class.__mro__ if _name_in_keras(base))


def is_own(rule):
    """Say whether a rule is one of those written here, and no user's."""
    return rule in _OWN


def rule(*names, place="layers"):
    """Register a rule for classes of Keras, as a decorator.

    Args:
        names: names of classes; what this version of Keras lacks does no harm.
        place: the part of Keras that has them: ``"layers"``, ``"ops"`` or ``"applications"``.
    """

    def register(function):
        _WRITTEN.update((f"{place}.{name}", function) for name in names)
        _OWN.add(function)
        return function

    return register


def keeping_places(function):
    """Mark a rule by which at inference unit j reads position j of every input, everywhere.

    So it need not be asked about each: half of a network's layers have such a rule.
    """
    function.keeps_places = True
    return function


def settled_by(*settings):
    """Mark a rule that reads nothing of a layer but some attributes, as a decorator.

    So of layers that are alike in them, and read tensors of one shape, one is asked.

    Args:
        settings: names of the attributes; the first one a layer must have, others it may lack.
    """

    def mark(function):
        function.settings = settings
        return function

    return mark


def in_dimensions(name, *dimensions):
    """Return the layer names for the given numbers of dimensions, such as Conv1D, Conv2D."""
    return [name.replace("ND", f"{n}D") for n in dimensions or (1, 2, 3)]


def at(value, place):
    """Take an argument's value for one axis; Keras stores one number for all, or one each."""
    return value[place] if isinstance(value, (tuple, list)) else value


def as_tuple(dims):
    """Return one dimension or several as a tuple."""
    return (dims,) if isinstance(dims, int) else tuple(dims)
