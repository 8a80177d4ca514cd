"""The value of a formula for given numbers, or for given symbols.

The same code serves both: integers and fractions go in for the search of counter-examples, and
:class:`~labkit.receptive_field.checker.quotients.Quotient` symbols for the proofs.
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from labkit.receptive_field.checker.formula import (
    Big,
    Call,
    CannotProveError,
    Item,
    Name,
    Node,
    Number,
    TooCostlyError,
    UndefinedError,
    is_slice,
)
from labkit.receptive_field.checker.wording import said
from labkit.receptive_field.checker.writing import in_short

# A step is half a microsecond's work or so: a visit to one part of a formula. What costs more, such
# as a division of long numbers or a product of long polynomials, spends more steps. Verdicts so
# do not hang on a clock; all that one check may spend is worth about half a second.
# For one answer; where it can be read in two ways, each way gets half of it.
FOR_READING = 50_000
FOR_NUMBERS = 600_000
FOR_SHRINKING = 160_000
FOR_PROOFS = 250_000
# For the proof that an answer makes one known mistake.
FOR_MISTAKES = 30_000

_MOST_BITS = 4000
_BITS_FOR_A_STEP = 64
# Whole numbers below this, either way, are too short to spend a step.
_SHORT = 1 << 8 * _BITS_FOR_A_STEP - 1
_LONGEST_LOOP = 2000
LARGEST_EXPONENT = 16
# So many levels of an answer may stand inside one another.
DEEPEST = 40


class Budget:
    """Count steps down.

    Args:
        steps: how many steps may be spent.
    """

    def __init__(self, steps: int):
        self._left = steps

    def spend(self, steps: int) -> None:
        """Take steps off; what is left stays below zero once it is overdrawn.

        Raises:
            TooCostlyError: where fewer are left.
        """
        self._left -= steps
        if self._left < 0:
            raise TooCostlyError(said("too many steps"))


class Evaluator:
    """Evaluate formulas for one network.

    Args:
        names: the value of each free name.
        item: gives the value of a layer's parameter from its letter and the layer's number.
        budget: the steps that may be spent, one for each part of the formula that is visited.
    """

    def __init__(
        self,
        names: Mapping[str, Any],
        item: Callable[[str, int], Any] | None = None,
        budget: Budget | None = None,
    ):
        self._names = names
        self._item_of = item
        self._budget = budget or Budget(FOR_READING)

    def value(self, node: Node) -> Any:
        """Return the value of a formula, an int where it is whole.

        Raises:
            TooCostlyError: where it takes too many steps or too large numbers.
            UndefinedError: where it has no value.
            CannotProveError: where the answer depends on the values of symbols.
        """
        self._budget.spend(1)
        kind = type(node)
        if kind is Call:
            return self._call(node)
        if kind is Number:
            return node.exact
        if kind is Name:
            return self._name(node)
        if kind is Item:
            return self._item(node)
        return self._big(node)

    def terms(self, node: Node) -> Iterator[Any]:
        """Yield the values of the terms that a formula adds up, its outer sums term by term."""
        match node:
            case Call("+", terms):
                for term in terms:
                    yield from self.terms(term)
            case Big("sum"):
                yield from (self._at(node, place) for place in self._range_of(node))
            case _:
                yield self.value(node)

    def _name(self, node: Name) -> Any:
        return self._names[node.name]

    def _item(self, node: Item) -> Any:
        return self._item_of(node.letter, _whole(self.value(node.index), "index"))

    def _call(self, node: Call) -> Any:
        if node.function == "if":
            test, yes, no = node.arguments
            return self.value(yes if self.value(test) else no)
        fold = _FOLDS.get(node.function)
        if fold is None:
            values = [self.value(part) for part in node.arguments]
            return self._paid(_FUNCTIONS[node.function](*values))
        operation, whole = fold
        for part in node.arguments:
            whole = self._paid(operation(whole, self.value(part)))
        return whole

    def _big(self, node: Big) -> Any:
        operation, whole = _FOLDS[node.kind]
        for place in self._range_of(node):
            whole = self._paid(operation(whole, self._at(node, place)))
        return whole

    def _range_of(self, node: Big) -> range:
        """Return the places that a sum or product runs over, where they are not too many."""
        first = _whole(self.value(node.first), "lower")
        last = _whole(self.value(node.last), "upper")
        if last < first - 1 and is_slice(node):
            raise UndefinedError(said("backwards"))
        steps = max(0, last - first) + 1
        if steps > _LONGEST_LOOP:
            raise TooCostlyError(said("too many terms"))
        self._budget.spend(steps)
        return range(first, last + 1)

    def _at(self, node: Big, place: Any) -> Any:
        """Return the body of a sum or product at one place."""
        outer = self._names
        self._names = {**outer, node.variable: place}
        try:
            return self.value(node.body)
        finally:
            self._names = outer

    def _paid(self, number: Any) -> Any:
        """Pay for a number by its length, and stop before it fills the memory."""
        if isinstance(number, int):
            if -_SHORT < number < _SHORT:
                return number
            bits, steps = number.bit_length(), 0
        elif isinstance(number, Fraction):
            bits = number.numerator.bit_length() + number.denominator.bit_length()
            # Fractions are reduced by a common divisor, which takes the square of their length.
            steps = 4 + (bits // _BITS_FOR_A_STEP) ** 2 // _BITS_FOR_A_STEP
        else:
            return number
        if bits > _MOST_BITS:
            raise TooCostlyError(said("too large to try"))
        self._budget.spend(steps + bits // _BITS_FOR_A_STEP // 8)
        return number


_FOLDS = {
    **dict.fromkeys(("+", "sum"), (operator.add, 0)),
    **dict.fromkeys(("*", "prod"), (operator.mul, 1)),
}


def _plain(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _whole(value: Any, what: str) -> int:
    if isinstance(value, int):
        return value
    if isinstance(value, Fraction):
        raise UndefinedError(said("not whole", what=said(what), value=in_short(value)))
    raise CannotProveError(f"{what} depends on symbols")


def divided(over: Any, under: Any) -> Any:
    """Divide exactly, or say that the quotient does not exist."""
    if not isinstance(under, int | Fraction):
        return over / under
    if under == 0:
        raise UndefinedError(said("division by zero"))
    return _plain(Fraction(over) / under) if isinstance(over, int | Fraction) else over / under


def raised(base: Any, exponent: Any) -> Any:
    """Raise to a whole power, within bounds."""
    exponent = _whole(exponent, "exponent")
    if not isinstance(base, int | Fraction):
        if abs(exponent) > LARGEST_EXPONENT:
            raise CannotProveError("the power is too large")
        return base**exponent
    if base == 0 and exponent < 0:
        raise UndefinedError(said("division by zero"))
    parts = Fraction(base)
    bits = max(parts.numerator.bit_length(), parts.denominator.bit_length())
    if abs(base) != 1 and bits * abs(exponent) > _MOST_BITS:
        raise TooCostlyError(said("too large to try"))
    return _plain(parts**exponent)


def _remainder(value: Any, modulus: Any) -> Any:
    return value - modulus * math.floor(divided(value, modulus))


_FUNCTIONS = {
    "floor": math.floor,
    "ceil": math.ceil,
    "abs": abs,
    "min": min,
    "max": max,
    "mod": _remainder,
    "/": divided,
    "^": raised,
    "<=": operator.le,
    "==": operator.eq,
}
