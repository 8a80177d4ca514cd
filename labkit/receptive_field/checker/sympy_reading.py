"""Read a formula from a sympy expression, into the same tree as from text."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanAtom

from labkit.receptive_field.checker.evaluation import DEEPEST
from labkit.receptive_field.checker.formula import (
    Add,
    Big,
    Item,
    Multiply,
    Name,
    Node,
    Number,
    Power,
    plus,
)
from labkit.receptive_field.checker.meaning import Reading, called, readings, with_index
from labkit.receptive_field.checker.wording import refused

_MOST_PARTS = 600
_FUNCTIONS = (sympy.floor, sympy.ceiling, sympy.Abs, sympy.Min, sympy.Max, sympy.Mod)


def read_sympy(expression: Any, one_layer: bool) -> tuple[Reading, ...]:
    """Read a sympy expression or a sympy equation.

    Args:
        expression: an expression or an equation; symbols are matched by their names;
            ``k[l]``, ``k(l)`` and a symbol named ``k_l`` are all the kernel of layer l.
        one_layer: whether it is a recurrence (in r, k, s, d) rather than a closed form.

    Returns:
        The ways to read it, which differ where layers may be counted from 1 or from 0.

    Raises:
        UnreadableError: naming the part that has no place in a formula.
    """
    size = sum(1 for _, _ in zip(sympy.preorder_traversal(expression), range(_MOST_PARTS + 1),
                                 strict=False))  # fmt: skip
    if size > _MOST_PARTS:
        raise refused("sympy too long", most=_MOST_PARTS)
    if isinstance(expression, BooleanAtom):
        raise refused("sympy truth", part=expression)
    sides = expression.args if isinstance(expression, sympy.Equality) else (expression,)

    def read(counts_from: int) -> tuple[Node, ...]:
        return tuple(map(_Converter(counts_from).node, sides))

    return readings(read, one_layer)


class _Converter:
    """Convert a sympy expression, part by part, by a whitelist of types."""

    def __init__(self, counts_from: int):
        self._counts_from = counts_from
        self._depth = 0

    def node(self, part: Any) -> Node:
        """Convert one part."""
        for kind, convert in self._CONVERSIONS:
            if isinstance(part, kind):
                self._depth += 1
                if self._depth > DEEPEST:
                    raise refused("too deep")
                converted = convert(self, part)
                self._depth -= 1
                return converted
        raise refused("sympy", part=f"{part} ({type(part).__name__})")

    def _rational(self, part: sympy.Rational) -> Node:
        return Number(Fraction(int(part.p), int(part.q)))

    def _float(self, part: sympy.Float) -> Node:
        return Number(Fraction(str(part)))

    def _symbol(self, part: sympy.Symbol) -> Node:
        name = with_index(Name(part.name))
        return self._counted(name) if isinstance(name, Item) else name

    def _item(self, part: Any) -> Node:
        name = str(part.base) if isinstance(part, sympy.Indexed) else part.func.__name__
        indices = part.indices if isinstance(part, sympy.Indexed) else part.args
        if len(indices) != 1:
            raise refused("sympy", part=part)
        return self._counted(Item(name, self.node(indices[0])))

    def _counted(self, item: Item) -> Item:
        return Item(item.letter, plus(item.index, 1 - self._counts_from))

    def _add(self, part: sympy.Add) -> Node:
        return Add(tuple(map(self.node, part.args)))

    def _mul(self, part: sympy.Mul) -> Node:
        return Multiply(tuple(map(self.node, part.args)))

    def _pow(self, part: sympy.Pow) -> Node:
        return Power(self.node(part.base), self.node(part.exp))

    def _function(self, part: Any) -> Node:
        return called(part.func.__name__, tuple(map(self.node, part.args)), None)

    def _big(self, part: Any) -> Node:
        if len(part.limits) != 1 or len(part.limits[0]) != 3:
            raise refused("sympy bounds", part=part)
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
        (_FUNCTIONS, _function),
        ((sympy.Sum, sympy.Product), _big),
    )
