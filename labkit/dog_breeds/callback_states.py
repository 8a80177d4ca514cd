"""What callbacks remember from epoch to epoch, to be kept with a training and given back.

Keras' callbacks have no way of their own to say what they remember, such as the best loss so far
and the epochs since. But it is what changes while they are at work, so that is what is kept:
numbers, text, arrays, functions of ``keras.ops``, and containers of these. What holds anything
else, such as an open file, begins anew.
"""

import hashlib
import json
from collections import Counter
from inspect import signature

import keras
import numpy as np

#: No attribute is called so.
_ARRAY = "#array"


class CallbackStates:
    """The states of the callbacks of one training.

    Args:
        callbacks: Keras callbacks. Those of a kind are told apart by their order.
    """

    def __init__(self, callbacks):
        self.callbacks = dict(_named(callbacks))
        #: What the callbacks were when the training began, and what of it ever changed.
        self._fresh = {}
        self._changing = {name: set() for name in self.callbacks}

    def begin(self, kept):
        """Give back what was kept. To be called when each callback has begun a training.

        Args:
            kept: what :meth:`collect` has returned, or an empty dict.
        """
        for name, callback in self.callbacks.items():
            self._fresh[name] = _attributes(callback)
            for attribute, value in kept.get(name, {}).get("state", {}).items():
                setattr(callback, attribute, _decoded(value))
                self._changing[name].add(attribute)

    def collect(self):
        """Return the present states: a dict of what JSON takes, and arrays."""
        found = {}
        for name, callback in self.callbacks.items():
            now, fresh = _attributes(callback), self._fresh[name]
            self._changing[name] |= {key for key in now if not _same(now[key], fresh.get(key))}
            changing = self._changing[name]
            # The rest is memory as well that never changed: the best epoch, where it is the first.
            fixed = _parameters(callback) - changing
            found[name] = {
                "state": {key: value for key, value in now.items() if key in changing},
                "settings": {key: value for key, value in now.items() if key in fixed},
            }
        return found

    def are_set_as(self, kept):
        """Say whether the callbacks are the same, with the same settings, as those kept.

        Args:
            kept: what :meth:`collect` has returned.
        """
        return self.callbacks.keys() == kept.keys() and all(
            all(_same(now.get(key), value) for key, value in kept[name]["settings"].items())
            for name, now in ((n, _attributes(c)) for n, c in self.callbacks.items())
        )


def _named(callbacks):
    """Yield each callback under the name of its class and its number among those of it."""
    seen = Counter()
    for callback in callbacks:
        kind = type(callback).__name__
        yield f"{kind} {seen[kind]}", callback
        seen[kind] += 1


def _attributes(callback):
    """Return what can be kept of a callback's attributes, encoded."""
    found = {}
    for name, value in vars(callback).items():
        try:
            found[name] = _encoded(value)
        except TypeError:
            continue
    # Keras sets these for each call of fit.
    return {name: value for name, value in found.items() if name not in ("params", "_params")}


def _parameters(callback):
    """Name what a callback is made with: by its class, or by one that this extends."""
    return {name for kind in type(callback).__mro__ for name in signature(kind.__init__).parameters}


def _encoded(value):
    """Turn a value into what JSON takes, and arrays; raise TypeError for anything else."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encoded(entry) for entry in value]}
    if isinstance(value, dict):
        return {"dict": [[_encoded(key), _encoded(entry)] for key, entry in value.items()]}
    if callable(value) and getattr(keras.ops, getattr(value, "__name__", ""), None) is value:
        # By which a callback compares; to make out which, it turns its min_delta about.
        return {"keras.ops": value.__name__}
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _decoded(value):
    if not isinstance(value, dict):
        return value
    [(kind, entries)] = value.items()
    if kind == "keras.ops":
        return getattr(keras.ops, entries)
    if kind == "dict":
        return {_decoded(key): _decoded(entry) for key, entry in entries}
    return {"list": list, "tuple": tuple}[kind](map(_decoded, entries))


def _same(one, other):
    """Say whether two encoded values are equal, one of which may have been through JSON."""
    return _as_text(one) == _as_text(other)


def _as_text(value):
    return json.dumps(value, default=_fingerprint)


def _fingerprint(array):
    content = np.ascontiguousarray(array)
    return [str(array.dtype), array.shape, hashlib.sha256(content).hexdigest()]


def take_arrays(value, arrays):
    """Replace the arrays in an encoded value by their numbers.

    Args:
        value: what :meth:`CallbackStates.collect` returns, or a part of it.
        arrays: a list, to which they are appended.

    Returns:
        What JSON takes.

    Example:
        >>> arrays = []
        >>> take_arrays({"list": [1, np.zeros(3)]}, arrays), len(arrays)
        ({'list': [1, {'#array': 0}]}, 1)
    """
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, list):
        return [take_arrays(entry, arrays) for entry in value]
    if isinstance(value, dict):
        return {key: take_arrays(entry, arrays) for key, entry in value.items()}
    return value


def put_arrays(value, arrays):
    """Undo :func:`take_arrays`.

    Args:
        value: what it returned.
        arrays: the arrays by their numbers.
    """
    if isinstance(value, list):
        return [put_arrays(entry, arrays) for entry in value]
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return arrays[value[_ARRAY]]
        return {key: put_arrays(entry, arrays) for key, entry in value.items()}
    return value
