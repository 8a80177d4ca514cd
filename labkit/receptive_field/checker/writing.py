"""Write a formula back as text, so that a student sees how an answer was understood."""

import math
from fractions import Fraction

from labkit.receptive_field.checker.formula import (
    MINUS_ONE,
    ONE,
    Add,
    Big,
    Call,
    Divide,
    Item,
    Linear,
    Multiply,
    Name,
    Node,
    Number,
    Power,
    is_slice,
    linear,
    substitute,
)

_SUM, _PRODUCT, _ATOM = 1, 2, 3
_MOST_BITS_SHOWN = 200


def in_short(number: int | Fraction | float) -> str:
    """Write a number out, or say how long it is where nobody would read it.

    Args:
        number: any number.

    Returns:
        At most some 130 characters.

    Example:
        >>> in_short(Fraction(1, 3)), in_short(10**5000)
        ('1/3', 'a number of about 5001 digits')
    """
    if isinstance(number, float):
        return str(number)
    longest = max(abs(number.numerator), number.denominator)
    if longest.bit_length() <= _MOST_BITS_SHOWN:
        return str(number)
    digits = int(longest.bit_length() * math.log10(2)) + 1
    if number.denominator != 1:
        return f"a fraction of numbers of up to about {digits} digits"
    return f"a number of about {digits} digits"


def written(node: Node) -> str:
    """Write a formula in Unicode.

    Args:
        node: the formula, layers counted from 1.

    Returns:
        Text such as ``1 + Σ_{l=1}^{L} (k_l − 1)·∏_{i=1}^{l − 1} s_i``, which can be read again.
    """
    return _written(node)[0]


def _inside(node: Node, strength: int) -> str:
    """Write a part, in brackets where it binds less than what is around it."""
    text, own = _written(node)
    return text if own >= strength else f"({text})"


def _written(node: Node) -> tuple[str, int]:
    """Return the text of a formula and how strongly it holds together."""
    match node:
        case Number(value):
            strength = _ATOM if value >= 0 and value.denominator == 1 else _SUM
            return str(value).replace("-", "−"), strength
        case Name(name):
            return name, _ATOM
        case Item(letter, index):
            return f"{letter}_{_braced(index)}", _ATOM
        case Add(terms):
            return _terms(terms), _SUM
        case Multiply(factors):
            return _factors(factors)
        case Divide(over, under):
            return f"{_inside(over, _PRODUCT)}/{_inside(under, _ATOM)}", _PRODUCT
        case Power(base, exponent):
            return f"{_inside(base, _ATOM)}^{_inside(exponent, _ATOM)}", _PRODUCT
        case Call(function, arguments):
            return f"{function}({', '.join(map(written, arguments))})", _ATOM
        case Big(kind, body, variable, first, last) if is_slice(node):
            renamed = substitute(body, variable, Name("i"))
            return _written(Big(kind, renamed, "i", first, last))
        case Big(kind, body, variable, first, last):
            mark = "Σ" if kind == "sum" else "∏"
            bounds = f"_{{{variable}={_place(first)}}}^{{{_place(last)}}}"
            return f"{mark}{bounds} {_inside(body, _PRODUCT)}", _PRODUCT
    raise TypeError(f"{node!r} is not a formula")


def _terms(terms: tuple[Node, ...]) -> str:
    first, *others = (_inside(term, _PRODUCT if _is_big(term) else _SUM) for term in terms)
    return first + "".join(
        f" − {text.removeprefix('−')}" if text.startswith("−") else f" + {text}" for text in others
    )


def _factors(factors: tuple[Node, ...]) -> tuple[str, int]:
    first, *rest = factors
    if first == MINUS_ONE and rest:
        return f"−{_factors(tuple(rest))[0]}", _SUM
    text = _inside(first, _PRODUCT)
    for factor in rest:
        inverse = isinstance(factor, Divide) and factor.over == ONE
        text += f"/{_inside(factor.under, _ATOM)}" if inverse else f"·{_inside(factor, _PRODUCT)}"
    return text, _PRODUCT


def _is_big(node: Node) -> bool:
    return isinstance(node, Big)


def _place(node: Node) -> str:
    """Write an index or a bound, in which numbers add up."""
    form: Linear | None = linear(node)
    if form is None:
        return written(node)
    parts = [(c < 0, f"{abs(c)}·{name}" if abs(c) > 1 else name) for name, c in form.coefficients]
    parts.sort()
    if form.constant or not parts:
        parts.append((form.constant < 0, str(abs(form.constant))))
    (negative, text), *others = parts
    signed = "".join(f" {'−' if minus else '+'} {part}" for minus, part in others)
    return ("−" if negative else "") + text + signed


def _braced(index: Node) -> str:
    text = _place(index)
    return text if len(text) == 1 else f"{{{text}}}"
