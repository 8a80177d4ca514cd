"""Polynomials against sympy's own."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.receptive_field.checker.polynomials import Polynomial

SIZE = 3
LETTERS = sympy.symbols(f"x:{SIZE}")

#: The same polynomials each time, and however long sympy takes.
whenever = settings(deadline=None, derandomize=True)

monomials = st.tuples(*[st.integers(0, 3)] * SIZE)
factors = st.integers(-5, 5) | st.fractions(-3, 3, max_denominator=4)
polynomials = st.dictionaries(monomials, factors, max_size=6).map(Polynomial)
single_terms = st.builds(lambda m, f: Polynomial({m: f}), monomials, factors.filter(bool))


def as_sympy(polynomial):
    return sympy.Add(
        *(
            sympy.Rational(factor.numerator, factor.denominator)
            * sympy.Mul(*(x**e for x, e in zip(LETTERS, monomial, strict=True)))
            for monomial, factor in polynomial.terms.items()
        )
    )


def same(one, other):
    return sympy.expand(one - other) == 0


@whenever
@given(polynomials, polynomials)
def test_sums_and_products(one, other):
    assert same(as_sympy(one + other), as_sympy(one) + as_sympy(other))
    assert same(as_sympy(one * other), as_sympy(one) * as_sympy(other))
    assert (one == other) == same(as_sympy(one), as_sympy(other))


@whenever
@given(polynomials)
def test_what_is_told_of_one(one):
    theirs = sympy.Poly(as_sympy(one), *LETTERS)
    assert len(one) == len(theirs.terms()) * bool(one)
    assert bool(one) == (theirs != 0)
    assert one.constant == theirs.eval(dict.fromkeys(LETTERS, 0))
    assert one.is_constant == theirs.is_ground
    assert one.degrees == (tuple(map(theirs.degree, LETTERS)) if one else ())


@whenever
@given(polynomials)
def test_shifted_by_one(one):
    theirs = as_sympy(one).xreplace({x: x + 1 for x in LETTERS})
    assert same(as_sympy(one.shifted()), theirs)


@whenever
@given(polynomials, single_terms)
def test_cancelling_keeps_the_quotient_and_leaves_nothing_to_cancel(over, under):
    short_over, short_under = over.cancelled(under)
    assert short_over * under == over * short_under
    ((divisor, factor),) = short_under.terms.items()
    assert factor == 1
    shared = [min(e) for e in zip(divisor, *short_over.terms, strict=True)] if over else divisor
    assert not any(shared)


def test_symbols_and_numbers():
    x, y = Polynomial.symbols(2)
    assert (x * y).terms == {(1, 1): 1} and Polynomial.number(7, 2).terms == {(0, 0): 7}
    assert not Polynomial.number(0, 2)
    with pytest.raises(TypeError):
        hash(x)
