"""Check arguments, and say in one sentence what is allowed."""

import math

import numpy as np


def require(condition, name, value, allowed):
    """Refuse an argument.

    Args:
        condition: Whether it will do.
        name: What it is called.
        value: What was given.
        allowed: What would do, in words.

    Raises:
        ValueError: If it will not do.

    Example:
        >>> require(False, "cval", 300, "a number from 0 to 255")
        Traceback (most recent call last):
        ValueError: cval=300 must be a number from 0 to 255.
    """
    if not condition:
        raise ValueError(f"{name}={value!r} must be {allowed}.")


def require_one_of(name, value, allowed):
    """Refuse what is not in a list of strings, which may contain None."""
    listed = ", ".join(repr(each) for each in allowed)
    known = value is None or isinstance(value, str)
    require(known and value in allowed, name, value, f"one of {listed}")


def require_whole(name, value, least):
    """Refuse what is not a whole number, or too small."""
    require(is_whole(value, least), name, value, f"a whole number, {least} or more")


def is_whole(value, least):
    """Say whether a value is an int (and no bool) of at least `least`."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least


def is_number(value, low=-math.inf, high=math.inf):
    """Say whether a value is a finite number (and no bool) in low...high."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and low <= value <= high
    )


def is_ordered_pair(value):
    """Say whether a value is a pair of numbers, 0 or more, the smaller first."""
    return (
        isinstance(value, tuple | list | np.ndarray)
        and len(value) == 2
        and all(is_number(each, 0) for each in value)
        and value[0] <= value[1]
    )
