"""Which rules count in one analysis: those given by name, and what is to be left out."""

from dataclasses import dataclass

import keras

from labkit.receptive_field.reads import Silenced, one_to_one
from labkit.receptive_field.rule_registry import known_rule
from labkit.words import did_you_mean

#: The word for gates; they are left out where they multiply, see ``analysis``.
GATES = "squeeze_excitation"
#: Classes of Keras by the word that leaves them out.
_CLASSES = {
    "normalization": (
        *("GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"),
        *("LayerNorm", "RMSNorm", "Normalize"),
    ),
    "attention": (
        *("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention"),
        *("GroupQueryAttention", "DotProductAttention"),
    ),
}


@dataclass(frozen=True)
class ChosenRules:
    """The rules of one analysis.

    Args:
        by_name: dictionary from the path of a layer, such as ``"backbone/roll"``, to its rule.
        ignored: what is left out: words, paths, classes and their names.
    """

    by_name: dict
    ignored: tuple

    def rule_of(self, operation, name):
        """Return the rule of a layer or operation, ``None`` if there is none."""
        if self.is_ignored(operation, name):
            return left_out
        return self.by_name.get(name) or known_rule(operation)

    def is_ignored(self, operation, name):
        """Say whether a layer or operation is left out: unit j then reads position j."""
        if not self.ignored:
            return False
        classes = _class_names(operation)
        return any(
            any(isinstance(each, entry) for each in _unwrapped(operation))
            if isinstance(entry, type)
            else entry == name or not classes.isdisjoint(_CLASSES.get(entry, (entry,)))
            for entry in self.ignored
        )

    def require_names_of(self, calls):
        """Refuse paths that the model does not have.

        Args:
            calls: each :class:`~labkit.receptive_field.model_graph.Call` of the model.

        Raises:
            ValueError: if there is one.
        """
        if not self.by_name and not self.ignored:
            return
        paths = {call.name.split(" #")[0] for call in calls}
        self._require(self.by_name, paths, "")
        classes = set().union(*(_class_names(call.operation) for call in calls))
        given = [entry for entry in self.ignored if isinstance(entry, str)]
        words = (GATES, *_CLASSES)
        others = f", a class or its name, or one of {', '.join(words)}"
        self._require(given, paths | classes | set(words), others)

    @staticmethod
    def _require(names, known, others):
        for name in names:
            if name not in known:
                raise ValueError(
                    f"There is no layer {name!r} to give a rule to or to ignore"
                    f"{did_you_mean(name, known)}: take a path from the table, without "
                    f"' #' and number{others}."
                )


def _class_names(operation):
    return {base.__name__ for each in _unwrapped(operation) for base in type(each).__mro__}


def _unwrapped(operation):
    """List a layer and those that it wraps, as ``TimeDistributed`` does."""
    found = [operation]
    while isinstance(found[-1], keras.layers.Wrapper):
        found.append(found[-1].layer)
    return found


def chosen_rules(rules=None, ignore=()):
    """Check what a caller of ``analyse`` gives.

    Args:
        rules, ignore: as for :func:`~labkit.receptive_field.analysis.analyse`.

    Returns:
        A :class:`ChosenRules`.

    Raises:
        TypeError: if they are of the wrong kind.
    """
    rules = {} if rules is None else rules
    if not (isinstance(rules, dict) and all(map(callable, rules.values()))):
        raise TypeError(
            f"rules={rules!r} does not fit: give a dictionary from the path of a layer, such as "
            "'backbone/roll', to a function of (layer, axis)."
        )
    ignored = tuple(ignore) if isinstance(ignore, (list, tuple, set)) else (ignore,)
    for entry in ignored:
        is_class = isinstance(entry, type) and issubclass(entry, keras.Operation)
        if not (is_class or isinstance(entry, str)):
            raise TypeError(
                f"ignore={ignore!r} does not fit: give some of {', '.join((GATES, *_CLASSES))}, "
                "paths of layers, classes of layers and their names."
            )
    return ChosenRules(dict(rules), ignored)


def left_out(layer, axis):
    """Let unit j read position j of the first input, and of that alone."""
    name, _ = axis.call.argument(0)
    given = axis.call.keywords
    if name in ("key", "value") and (name not in given or given.get("query") is not given[name]):
        raise Silenced("cannot be ignored: it answers queries that are not among what it is given")
    return one_to_one(axis)
