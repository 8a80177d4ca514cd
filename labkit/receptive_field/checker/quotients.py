"""Rational functions of positive integers, exact, with only such answers as hold for all of them.

A comparison answers only where the answer is the same for all values, and a division happens only
where the divisor is never zero. So a value computed with these symbols stands for every network at
once.
"""

import math
from collections.abc import Hashable
from fractions import Fraction
from typing import Any

from labkit.receptive_field.checker.evaluation import Budget
from labkit.receptive_field.checker.formula import CannotProveError, TooCostlyError
from labkit.receptive_field.checker.polynomials import Polynomial
from labkit.receptive_field.checker.wording import said

_STEPS_FOR_AN_OPERATION = 10
_STEPS_FOR_A_PRODUCT_OF_TERMS = 3
_STEPS_TO_CANCEL = 100
_STEPS_TO_CANCEL_A_TERM = 8
_MOST_BITS_OF_A_COEFFICIENT = 2000


class Symbols:
    """Hand out symbols by key, the same symbol for the same key.

    Args:
        size: how many symbols there can be.
        budget: the steps that arithmetic with them may spend.
    """

    def __init__(self, size: int, budget: Budget):
        self.budget = budget
        self._symbols = Polynomial.symbols(size)
        self._number: dict[Hashable, int] = {}
        self._unknown: set[int] = set()

    def positive(self, key: Hashable) -> "Quotient":
        """Return the symbol of a positive integer."""
        return Quotient(self, self._symbols[self._place(key)])

    def unknown(self, key: Hashable) -> "Quotient":
        """Return the symbol of a number of which nothing is known."""
        place = self._place(key)
        self._unknown.add(place)
        return Quotient(self, self._symbols[place])

    def _place(self, key: Hashable) -> int:
        place = self._number.setdefault(key, len(self._number))
        if place >= len(self._symbols):
            raise CannotProveError("there are too many symbols")
        return place

    def number(self, value: int | Fraction) -> Polynomial:
        """Return a number as a polynomial in these symbols."""
        return Polynomial.number(value, len(self._symbols))

    def require_known(self, polynomial: Polynomial) -> None:
        """Insist that nothing in a polynomial is an unknown."""
        places = {place for place, degree in enumerate(polynomial.degrees) if degree}
        if self._unknown & places:
            raise CannotProveError("nothing is known of a symbol")


class Quotient:
    """A quotient of two polynomials in the given symbols; the divisor is never zero."""

    __slots__ = ("over", "symbols", "under")
    __hash__ = None

    def __init__(self, symbols: Symbols, over: Polynomial, under: Polynomial | None = None):
        self.symbols = symbols
        self.over = over
        self.under = symbols.number(1) if under is None else under

    def __add__(self, other: Any) -> "Quotient":
        other = self._lift(other)
        if self.under == other.under:
            return self._new(self._plus(self.over, other.over), self.under)
        crossed = self._times(self.over, other.under), self._times(other.over, self.under)
        return self._new(self._plus(*crossed), self._times(self.under, other.under))

    def __mul__(self, other: Any) -> "Quotient":
        other = self._lift(other)
        return self._new(self._times(self.over, other.over), self._times(self.under, other.under))

    def __truediv__(self, other: Any) -> "Quotient":
        other = self._lift(other)
        if not other._sign():
            raise CannotProveError("the divisor may be zero")
        return self._new(self._times(self.over, other.under), self._times(self.under, other.over))

    def __pow__(self, exponent: int) -> "Quotient":
        return math.prod([self if exponent > 0 else 1 / self] * abs(exponent), start=self._lift(1))

    def __neg__(self) -> "Quotient":
        return self * -1

    def __sub__(self, other: Any) -> "Quotient":
        return self + -self._lift(other)

    def __rsub__(self, other: Any) -> "Quotient":
        return -self + other

    def __rtruediv__(self, other: Any) -> "Quotient":
        return self._lift(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __floor__(self) -> "Quotient":
        if not self.under.is_constant:
            raise CannotProveError("a floor of a true quotient")
        self.symbols.require_known(self.over)
        constant = self.over.constant
        rest = self.over + self.symbols.number(-constant)
        if any(factor.denominator != 1 for factor in rest.terms.values()):
            raise CannotProveError("the floor depends on remainders")
        return self._new(rest + self.symbols.number(math.floor(constant)))

    def __ceil__(self) -> "Quotient":
        return -math.floor(-self)

    def __abs__(self) -> "Quotient":
        return self if self >= 0 else -self

    def __bool__(self) -> bool:
        return self != 0

    def __eq__(self, other: object) -> bool:
        gap = self - other
        if not gap.over:
            return True
        if gap._sign():
            return False
        raise CannotProveError("the comparison depends on the values")

    def __ge__(self, other: Any) -> bool:
        gap = self - other
        if not gap.over or gap._sign(strict=False) > 0:
            return True
        if gap._sign() < 0:
            return False
        raise CannotProveError("the comparison depends on the values")

    def __gt__(self, other: Any) -> bool:
        return not -self >= -other

    def __le__(self, other: Any) -> bool:
        return -self >= -other

    def __lt__(self, other: Any) -> bool:
        return not self >= other

    def same_as(self, other: Any) -> bool:
        """Tell whether the two are equal for all values of the symbols."""
        return not (self - other).over

    def _plus(self, one: Polynomial, other: Polynomial) -> Polynomial:
        self.symbols.budget.spend(_STEPS_FOR_AN_OPERATION + len(one) + len(other))
        return one + other

    def _times(self, one: Polynomial, other: Polynomial) -> Polynomial:
        products = len(one) * len(other)
        self.symbols.budget.spend(
            _STEPS_FOR_AN_OPERATION + _STEPS_FOR_A_PRODUCT_OF_TERMS * products
        )
        product = one * other
        for factor in product.terms.values():
            length = factor.numerator.bit_length() + factor.denominator.bit_length()
            if length > _MOST_BITS_OF_A_COEFFICIENT:
                raise TooCostlyError(said("too large to try"))
        return product

    def _lift(self, value: Any) -> "Quotient":
        if isinstance(value, Quotient):
            return value
        if not isinstance(value, int | Fraction):
            raise CannotProveError("a symbol meets something that is not exact")
        return self._new(self.symbols.number(value))

    def _new(self, over: Polynomial, under: Polynomial | None = None) -> "Quotient":
        """Build a quotient in lowest terms as far as single terms go."""
        if under is not None and len(under) == 1:
            steps = _STEPS_TO_CANCEL + _STEPS_TO_CANCEL_A_TERM * len(over)
            self.symbols.budget.spend(0 if under.is_constant else steps)
            over, under = over.cancelled(under)
        return Quotient(self.symbols, over, under)

    def _sign(self, strict: bool = True) -> int:
        """Return 1 or -1 where the value has that sign for all values of the symbols, else 0."""
        return _sign(self.symbols, self.over, strict) * _sign(self.symbols, self.under, True)


def _sign(symbols: Symbols, polynomial: Polynomial, strict: bool) -> int:
    """Decide a sign by writing each positive integer as 1 plus something not negative."""
    symbols.require_known(polynomial)
    if not polynomial.is_constant:
        steps_for_a_term = math.prod(degree + 1 for degree in polynomial.degrees)
        symbols.budget.spend(len(polynomial) * steps_for_a_term)
    shifted = polynomial.shifted()
    if strict and not shifted.constant:
        return 0
    signs = {1 if factor > 0 else -1 for factor in shifted.terms.values()}
    return signs.pop() if len(signs) == 1 else 0
