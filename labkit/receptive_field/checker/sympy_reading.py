"""Read a formula from a sympy expression, into the same tree as from text."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from labkit.receptive_field.checker.formula import (
    MINUS_ONE,
    Add,
    Big,
    Call,
    Item,
    Multiply,
    Name,
    Node,
    Number,
    Power,
    UnreadableError,
)
from labkit.receptive_field.checker.reading import Reading, check_names, check_powers

_DEEPEST = 40
_MOST_PARTS = 600
_FUNCTIONS = {
    sympy.floor: "floor",
    sympy.ceiling: "ceil",
    sympy.Abs: "abs",
    sympy.Min: "min",
    sympy.Max: "max",
    sympy.Mod: "mod",
}


def read_sympy(expression: Any, one_layer: bool) -> tuple[Reading, ...]:
    """Read a sympy expression, or the right side of a sympy equation.

    Args:
        expression: symbols are matched by their names; ``k[l]``, ``k(l)`` and, under a sum over
            l, a symbol named ``k_l`` are all the kernel of layer l.
        one_layer: whether it is a recurrence (in r, k, s, d) rather than a closed form.

    Returns:
        The single way to read it.

    Raises:
        UnreadableError: naming the part that has no place in a formula.
    """
    if isinstance(expression, sympy.Equality):
        expression = expression.rhs
    size = sum(1 for _, _ in zip(sympy.preorder_traversal(expression), range(_MOST_PARTS + 1),
                                 strict=False))  # fmt: skip
    if size > _MOST_PARTS:
        raise UnreadableError(f"it has more than {_MOST_PARTS} parts")
    node = _Converter(one_layer).node(expression)
    check_names(node, frozenset("rksd") if one_layer else frozenset({"L"}))
    check_powers(node)
    return (Reading(node),)


class _Converter:
    """Convert a sympy expression, part by part, by a whitelist of types."""

    def __init__(self, one_layer: bool):
        self._one_layer = one_layer
        self._depth = 0

    def node(self, part: Any) -> Node:
        """Convert one part."""
        for kind, convert in self._CONVERSIONS:
            if isinstance(part, kind):
                self._depth += 1
                if self._depth > _DEEPEST:
                    raise UnreadableError("it is nested too deeply")
                converted = convert(self, part)
                self._depth -= 1
                return converted
        raise UnreadableError(f"{part} ({type(part).__name__}) has no place in a formula")

    def _rational(self, part: sympy.Rational) -> Node:
        return Number(Fraction(int(part.p), int(part.q)))

    def _float(self, part: sympy.Float) -> Node:
        return Number(Fraction(str(part)))

    def _symbol(self, part: sympy.Symbol) -> Node:
        letter, _, index = part.name.replace("{", "").replace("}", "").partition("_")
        if index and letter in ("r", "k", "s", "d"):
            return Name(letter) if self._one_layer else Item(letter, _index(index))
        return Name(part.name)

    def _item(self, part: Any) -> Node:
        letter = str(part.base) if isinstance(part, sympy.Indexed) else part.func.__name__
        indices = part.indices if isinstance(part, sympy.Indexed) else part.args
        if letter not in ("r", "k", "s", "d") or len(indices) != 1:
            raise UnreadableError(f"{part} is not a parameter of a layer, such as k[l]")
        if self._one_layer:
            return Name(letter)
        return Item(letter, self.node(indices[0]))

    def _add(self, part: sympy.Add) -> Node:
        return Add(tuple(map(self.node, part.args)))

    def _mul(self, part: sympy.Mul) -> Node:
        return Multiply(tuple(map(self.node, part.args)))

    def _pow(self, part: sympy.Pow) -> Node:
        return Power(self.node(part.base), self.node(part.exp))

    def _function(self, part: Any) -> Node:
        return Call(_FUNCTIONS[part.func], tuple(map(self.node, part.args)))

    def _big(self, part: Any) -> Node:
        if self._one_layer or len(part.limits) != 1 or len(part.limits[0]) != 3:
            raise UnreadableError(f"{part} is not a sum or product over one letter")
        variable, first, last = part.limits[0]
        kind = "sum" if isinstance(part, sympy.Sum) else "prod"
        return Big(kind, self.node(part.function), variable.name, self.node(first), self.node(last))

    _CONVERSIONS: tuple[tuple[Any, Callable[..., Node]], ...] = (
        (sympy.Rational, _rational),
        (sympy.Float, _float),
        (sympy.Symbol, _symbol),
        ((sympy.Indexed, AppliedUndef), _item),
        (sympy.Add, _add),
        (sympy.Mul, _mul),
        (sympy.Pow, _pow),
        (tuple(_FUNCTIONS), _function),
        ((sympy.Sum, sympy.Product), _big),
    )


def _index(text: str) -> Node:
    """Read the index in the name of a symbol such as ``k_l``, ``k_3`` or ``k_l-1``."""
    name, sign, number = text.partition("-")
    name, sign, number = text.partition("+") if not sign else (name, sign, number)
    whole = Number(Fraction(number)) if number.isdecimal() else None
    base = Number(Fraction(name)) if name.isdecimal() else Name(name)
    if not sign:
        return base
    if whole is None:
        raise UnreadableError(f"{text} is not the number of a layer")
    return Add((base, Multiply((MINUS_ONE, whole)) if sign == "-" else whole))
