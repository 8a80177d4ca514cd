"""Rational functions of positive integers, exact, with only such answers as hold for all of them.

Polynomials are sympy's. What is added here: a comparison answers only where the answer is the
same for all values, and a division happens only where the divisor is never zero. So a value
computed with these symbols stands for every network at once.
"""

import math
from collections.abc import Hashable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sympy import QQ
from sympy.polys.rings import PolyElement, ring

from labkit.receptive_field.checker import wording
from labkit.receptive_field.checker.evaluation import Budget
from labkit.receptive_field.checker.formula import CannotProveError, TooCostlyError

_STEPS_FOR_AN_OPERATION = 10
_STEPS_FOR_A_PRODUCT_OF_TERMS = 3
_STEPS_TO_CANCEL = 100
_STEPS_TO_CANCEL_A_TERM = 8
_MOST_BITS_OF_A_COEFFICIENT = 2000


@lru_cache(maxsize=4)
def _ring(size: int) -> tuple:
    polynomials, *generators = ring([f"g{number}" for number in range(size)], QQ)
    return polynomials, tuple(generators)


class Symbols:
    """Hand out symbols by key, the same symbol for the same key.

    Args:
        size: how many symbols there can be.
        budget: the steps that arithmetic with them may spend.
    """

    def __init__(self, size: int, budget: Budget):
        self.budget = budget
        self.polynomials, self._generators = _ring(size)
        self._number: dict[Hashable, int] = {}
        self._unknown: set[int] = set()

    def positive(self, key: Hashable) -> "Quotient":
        """Return the symbol of a positive integer."""
        return Quotient(self, self._generators[self._place(key)])

    def unknown(self, key: Hashable) -> "Quotient":
        """Return the symbol of a number of which nothing is known."""
        place = self._place(key)
        self._unknown.add(place)
        return Quotient(self, self._generators[place])

    def _place(self, key: Hashable) -> int:
        place = self._number.setdefault(key, len(self._number))
        if place >= len(self._generators):
            raise CannotProveError("there are too many symbols")
        return place

    def generators_in(self, polynomial: PolyElement) -> list[PolyElement]:
        """Return the symbols that a polynomial contains, known ones only."""
        degrees = polynomial.degrees() if polynomial else ()
        places = [place for place, degree in enumerate(degrees) if degree > 0]
        if self._unknown.intersection(places):
            raise CannotProveError("nothing is known of a symbol")
        return [self._generators[place] for place in places]


class Quotient:
    """A quotient of two polynomials in the given symbols; the divisor is never zero."""

    __slots__ = ("over", "symbols", "under")
    __hash__ = None

    def __init__(self, symbols: Symbols, over: PolyElement, under: PolyElement | None = None):
        self.symbols = symbols
        self.over = over
        self.under = symbols.polynomials.one if under is None else under

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
        if self.under != 1:
            raise CannotProveError("a floor of a true quotient")
        self.symbols.generators_in(self.over)
        constant = self.over.coeff(1)
        rest = self.over - constant
        if any(coefficient.denominator != 1 for coefficient in rest.coeffs()):
            raise CannotProveError("the floor depends on remainders")
        return self._new(rest + math.floor(constant))

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

    def _plus(self, one: PolyElement, other: PolyElement) -> PolyElement:
        self.symbols.budget.spend(_STEPS_FOR_AN_OPERATION + len(one) + len(other))
        return one + other

    def _times(self, one: PolyElement, other: PolyElement) -> PolyElement:
        products = len(one) * len(other)
        self.symbols.budget.spend(
            _STEPS_FOR_AN_OPERATION + _STEPS_FOR_A_PRODUCT_OF_TERMS * products
        )
        product = one * other
        for coefficient in product.coeffs():
            length = coefficient.numerator.bit_length() + coefficient.denominator.bit_length()
            if length > _MOST_BITS_OF_A_COEFFICIENT:
                raise TooCostlyError(wording.TOO_LARGE_TO_TRY)
        return product

    def _lift(self, value: Any) -> "Quotient":
        if isinstance(value, Quotient):
            return value
        if not isinstance(value, int | Fraction):
            raise CannotProveError("a symbol meets something that is not exact")
        exact = QQ(value.numerator, value.denominator)
        return self._new(self.symbols.polynomials.ground_new(exact))

    def _new(self, over: PolyElement, under: PolyElement | None = None) -> "Quotient":
        """Build a quotient in lowest terms as far as single terms go."""
        if under is not None and under.is_ground:
            over, under = over.quo_ground(under.coeff(1)), None
        elif under is not None and len(under) == 1:
            steps = _STEPS_TO_CANCEL + _STEPS_TO_CANCEL_A_TERM * len(over)
            self.symbols.budget.spend(steps)
            over, under = over.cancel(under)
        return Quotient(self.symbols, over, under)

    def _sign(self, strict: bool = True) -> int:
        """Return 1 or -1 where the value has that sign for all values of the symbols, else 0."""
        return _sign(self.symbols, self.over, strict) * _sign(self.symbols, self.under, True)


def _sign(symbols: Symbols, polynomial: PolyElement, strict: bool) -> int:
    """Decide a sign by writing each positive integer as 1 plus something not negative."""
    generators = symbols.generators_in(polynomial)
    if polynomial.is_ground:
        shifted = polynomial
    else:
        steps_for_a_term = math.prod(degree + 1 for degree in polynomial.degrees())
        symbols.budget.spend(len(polynomial) * steps_for_a_term)
        shifted = polynomial.compose([(generator, generator + 1) for generator in generators])
    if strict and not shifted.coeff(1):
        return 0
    signs = {1 if coefficient > 0 else -1 for coefficient in shifted.coeffs()}
    return signs.pop() if len(signs) == 1 else 0
