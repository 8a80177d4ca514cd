"""The words of refusals: counted, listed, guessed at, and one check for each kind of argument."""

import math
from difflib import get_close_matches
from numbers import Real
from operator import index


def count(number, noun):
    """Write a number and a noun that agrees with it.

    Args:
        number: How many, at least 0.
        noun: Of what, in the singular.

    Returns:
        One str.

    Example:
        >>> count(1200, "label"), count(1, "label")
        ('1,200 labels', '1 label')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(names, shown=3):
    """Join the first few names for a message and count the rest.

    Args:
        names: Iterable of str.
        shown: How many to show, at least 1.

    Returns:
        One str.

    Example:
        >>> print(some("abcde"))
        'a', 'b', 'c' and 2 more
    """
    names = list(names)
    text = ", ".join(repr(name) for name in names[:shown])
    return text if len(names) <= shown else f"{text} and {len(names) - shown:,} more"


def listed(phrases, last="and"):
    """Join phrases as a sentence does.

    Args:
        phrases: Sequence of str, at least one.
        last: The word before the last of them.

    Returns:
        One str.

    Example:
        >>> listed(["drawn", "kaggle", "a path"], "or")
        'drawn, kaggle or a path'
    """
    *others, end = phrases
    return f"{', '.join(others)} {last} {end}" if others else end


def ended(text):
    """End a sentence with a full stop, unless it ends with lines of code, which are to be copied.

    Example:
        >>> ended("There is no rule"), ended("Register one:\\n    register_rule(Own, rule)")
        ('There is no rule.', 'Register one:\\n    register_rule(Own, rule)')
    """
    return text if "\n" in text else f"{text}."


def did_you_mean(word, names):
    """Name the nearest of the names that there are, as part of a sentence.

    Args:
        word: What was given.
        names: Iterable of str. Case and anything but letters and digits do not count.

    Returns:
        `` (did you mean '…'?)`` with the blank before it, or nothing if none is near.

    Example:
        >>> did_you_mean("mobilnet-v2", ["MobileNetV2", "VGG16"])
        " (did you mean 'MobileNetV2'?)"
    """
    plain = {plain_name(name): name for name in names}
    near = get_close_matches(plain_name(str(word)), plain, n=1)
    return f" (did you mean {plain[near[0]]!r}?)" if near else ""


def plain_name(name):
    """Strip a name to lower-case letters and digits, so that spellings compare.

    Example:
        >>> plain_name("MobileNet-V2")
        'mobilenetv2'
    """
    return "".join(character for character in name.lower() if character.isalnum())


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
    """Refuse what is not in a list of strings, which may contain None.

    Raises:
        ValueError: If it is not.

    Example:
        >>> require_one_of("color_mode", "blue", ("rgb", "grayscale"))
        Traceback (most recent call last):
        ValueError: color_mode='blue' must be one of 'rgb', 'grayscale'.
    """
    known = value is None or isinstance(value, str)
    require(known and value in allowed, name, value, f"one of {', '.join(map(repr, allowed))}")


def require_whole(name, value, least=1):
    """Return a whole number as a plain int, or refuse the argument.

    Args:
        name: What it is called.
        value: What was given: an int, or what NumPy or sympy has for one; no bool, no text.
        least: The smallest number allowed.

    Returns:
        An int.

    Raises:
        ValueError: If it is none, or too small.

    Example:
        >>> require_whole("batch_size", True)
        Traceback (most recent call last):
        ValueError: batch_size=True must be a whole number, 1 or more.
    """
    require(is_whole(value, least), name, value, f"a whole number, {least} or more")
    return index(value)


def require_whole_numbers(name, values, number=None, least=1):
    """Return a tuple of plain ints, or refuse the argument.

    Args:
        name: What it is called.
        values: What was given: a sequence of whole numbers, not text.
        number: How many there must be; ``None``: any number.
        least: The smallest number allowed.

    Returns:
        A tuple of int.

    Raises:
        ValueError: If it is no such sequence.

    Example:
        >>> require_whole_numbers("target_size", [64, 64], number=2)
        (64, 64)
    """
    fits = _is_sequence(values, number) and all(is_whole(value, least) for value in values)
    allowed = f"a sequence of {f'{number} ' if number else ''}whole numbers, each {least} or more"
    require(fits, name, values, allowed)
    return tuple(map(index, values))


def is_whole(value, least=-math.inf):
    """Say whether a value is a whole number of at least `least`, and no bool.

    Example:
        >>> is_whole(3), is_whole(True), is_whole("3"), is_whole(3.0)
        (True, False, False, False)
    """
    try:
        return not isinstance(value, bool) and index(value) >= least
    except TypeError:
        return False


def is_number(value, low=-math.inf, high=math.inf):
    """Say whether a value is a finite number in low...high, and no bool.

    Example:
        >>> is_number(0.5, 0, 1), is_number(math.nan), is_number("1"), is_number(False)
        (True, False, False, False)
    """
    plain = isinstance(value, Real) and not isinstance(value, bool)
    return plain and math.isfinite(value) and low <= value <= high


def is_ordered_pair(value):
    """Say whether a value is a pair of numbers, 0 or more, the smaller first.

    Example:
        >>> is_ordered_pair((0.5, 1.5)), is_ordered_pair((1.5, 0.5))
        (True, False)
    """
    numbers = _is_sequence(value, 2) and all(is_number(each, 0) for each in value)
    return numbers and value[0] <= value[1]


def _is_sequence(values, number):
    """Say whether values stand in an order, and are as many as they must, where that is given."""
    # NumPy's single numbers have a length that raises, and the shape ().
    ordered = hasattr(values, "__len__") and getattr(values, "shape", None) != ()
    sequence = ordered and not isinstance(values, str | bytes | dict | set)
    return sequence and (number is None or len(values) == number)
