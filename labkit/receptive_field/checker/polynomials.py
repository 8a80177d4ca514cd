"""Polynomials with rational coefficients: as much of them as the proofs need, and nothing to load.

sympy has them too, and the tests compare. But importing sympy takes longer than all else that a
verdict needs, and would treble what a page of the book has to load before its first one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import product
from operator import add, sub

Monomial = tuple[int, ...]


class Polynomial:
    """A polynomial in a fixed number of symbols.

    Args:
        terms: maps the exponents of the symbols to a coefficient, an int or a Fraction; terms
            whose coefficient is zero are left out.

    Example:
        >>> x, y = Polynomial.symbols(2)
        >>> (x + y) * (x + y) == x * x + x * y * Polynomial.number(2, 2) + y * y
        True
    """

    __slots__ = ("terms",)
    __hash__ = None

    def __init__(self, terms: Mapping[Monomial, int | Fraction]):
        self.terms = {monomial: factor for monomial, factor in terms.items() if factor}

    @classmethod
    def number(cls, value: int | Fraction, size: int) -> Polynomial:
        """Return a number as a polynomial in ``size`` symbols."""
        return cls({(0,) * size: value})

    @classmethod
    def symbols(cls, size: int) -> tuple[Polynomial, ...]:
        """Return ``size`` symbols, each as a polynomial."""
        return tuple(
            cls({tuple(int(place == own) for place in range(size)): 1}) for own in range(size)
        )

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __add__(self, other: Polynomial) -> Polynomial:
        return _summed([*self.terms.items(), *other.terms.items()])

    def __mul__(self, other: Polynomial) -> Polynomial:
        return _summed(
            (tuple(map(add, one, another)), factor * other_factor)
            for one, factor in self.terms.items()
            for another, other_factor in other.terms.items()
        )

    @property
    def constant(self) -> int | Fraction:
        """The term without a symbol."""
        return next((factor for monomial, factor in self.terms.items() if not any(monomial)), 0)

    @property
    def is_constant(self) -> bool:
        """Whether it contains no symbol."""
        return not any(map(any, self.terms))

    @property
    def degrees(self) -> Monomial:
        """The highest exponent of each symbol; nothing for zero."""
        return tuple(map(max, zip(*self.terms, strict=True)))

    def cancelled(self, under: Polynomial) -> tuple[Polynomial, Polynomial]:
        """Cancel what all terms share with a divisor of a single term, whose factor becomes 1."""
        ((divisor, factor),) = under.terms.items()
        shared = tuple(map(min, zip(*self.terms, divisor, strict=True)))
        over = {
            tuple(map(sub, monomial, shared)): Fraction(own) / factor
            for monomial, own in self.terms.items()
        }
        return Polynomial(over), Polynomial({tuple(map(sub, divisor, shared)): 1})

    def shifted(self) -> Polynomial:
        """Put 1 plus the symbol in the place of every symbol."""
        return _summed(
            (lower, factor * math.prod(map(math.comb, monomial, lower)))
            for monomial, factor in self.terms.items()
            for lower in product(*(range(exponent + 1) for exponent in monomial))
        )


def _summed(terms: Iterable[tuple[Monomial, int | Fraction]]) -> Polynomial:
    """Add up terms, of which several may have the same exponents."""
    total: dict[Monomial, int | Fraction] = {}
    for monomial, factor in terms:
        total[monomial] = total.get(monomial, 0) + factor
    return Polynomial(total)
