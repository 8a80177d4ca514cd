import math
from fractions import Fraction

import pytest

from labkit.receptive_field.checker.answers import read_answer
from labkit.receptive_field.checker.evaluation import Budget, Evaluator, raised
from labkit.receptive_field.checker.formula import (
    Call,
    CannotProveError,
    Name,
    Number,
    TooCostlyError,
)
from labkit.receptive_field.checker.quotients import Symbols


@pytest.fixture
def symbols():
    return Symbols(4, Budget(100_000))


@pytest.fixture
def k(symbols):
    return symbols.positive("k")


@pytest.fixture
def s(symbols):
    return symbols.positive("s")


def _remainder(value, modulus):
    node = Call("mod", (Name("value"), Number(Fraction(modulus))))
    return Evaluator({"value": value}).value(node)


def test_arithmetic_is_exact(k, s):
    assert ((k + s) ** 2 - (k - s) ** 2).same_as(4 * k * s)
    assert (k / s * s).same_as(k)
    assert (1 / (k + s) + 1 / (k + s)).same_as(2 / (k + s))
    assert not (k + 1).same_as(k)


def test_the_same_key_gives_the_same_symbol(symbols, k):
    assert symbols.positive("k").same_as(k)
    assert not symbols.positive("d").same_as(k)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (lambda k, s: k >= 1, True),
        (lambda k, s: k < 1, False),
        (lambda k, s: k > 0, True),
        (lambda k, s: k + s <= 1, False),
        (lambda k, s: k * s >= k, True),
        (lambda k, s: k + s != 0, True),
        (lambda k, s: k - k == 0, True),
        (lambda k, s: bool(k), True),
        (lambda k, s: -k < 0, True),
    ],
)
def test_what_holds_for_all_values_is_answered(question, answer, k, s):
    assert question(k, s) is answer


@pytest.mark.parametrize(
    "question",
    [
        lambda k, s: k == 1000,
        lambda k, s: k != s,
        lambda k, s: k > 1,
        lambda k, s: k <= s,
        lambda k, s: bool(k - 1),
        lambda k, s: 1 / (k - 1),
        lambda k, s: 1 / (k - s),
        lambda k, s: 1 / (k - k),
        lambda k, s: math.floor(k / 2),
        lambda k, s: _remainder(k, 3),
        lambda k, s: math.floor(k / s),
        lambda k, s: abs(k - s),
        lambda k, s: max(k, s),
        lambda k, s: raised(2, k),
        lambda k, s: k == "k",
        lambda k, s: raised(k, 99),
    ],
)
def test_what_depends_on_the_values_is_not_answered(question, k, s):
    with pytest.raises(CannotProveError):
        question(k, s)


@pytest.mark.parametrize("use", [hash, int, float, range, lambda k: [1, 2][k], lambda k: {k}])
def test_a_symbol_is_no_number(use, k):
    with pytest.raises(TypeError):
        use(k)


def test_remainders_of_odd_and_even_numbers_are_known(k):
    odd, even = 2 * k - 1, 2 * k
    assert math.floor(odd / 2).same_as(k - 1) and _remainder(odd, 2).same_as(1)
    assert math.floor(even / 2).same_as(k) and _remainder(even, 2).same_as(0)
    assert math.ceil(odd / 2).same_as(k)
    assert math.floor(-odd / 2).same_as(-k)


def test_nothing_is_known_of_an_unknown(symbols, k):
    unknown = symbols.unknown("x")
    assert (unknown - unknown).same_as(0)
    for question in (lambda: unknown > 0, lambda: k / unknown, lambda: math.floor(unknown)):
        with pytest.raises(CannotProveError):
            question()


def test_symbols_and_steps_are_limited(symbols):
    with pytest.raises(CannotProveError):
        [symbols.positive(number) for number in range(5)]
    few = Symbols(4, Budget(50))
    with pytest.raises(TooCostlyError):
        sum(few.positive(number) for number in range(4)) ** 6


@pytest.mark.parametrize(
    "text",
    [
        "(s*r + k - s)*(k - 1)/(k - 1)",
        "(s*r + k - s)*(k - s)/(k - s)",
        "(s*r + k - s)*(k - 2)(k - 3)/((k - 2)(k - 3))",
        "s*r + k - s + 0/(r - 1)",
    ],
)
def test_a_recurrence_with_a_hole_is_not_proved(text):
    """Ask the proof alone: the search for counter-examples would find these first."""
    (answer,) = read_answer(text, one_layer=True)
    assert not answer.proves(dilated=False)
    (whole,) = read_answer("(s*r + k - s)*(k + 1)/(k + 1)", one_layer=True)
    assert whole.proves(dilated=False)


@pytest.mark.parametrize(
    "text",
    [
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i (s_i + 1)",
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i (2 s_i − 1)",
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} 2 s_i",
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i k_i",
        "1 + Σ_{l=1}^{L} (k_l − 1) (∏_{i=1}^{l−1} s_i)(∏_{i=1}^{l−1} i)",
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i + k_{L+1} − k_{L+1}",
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i + (L − 1)(L − 2)(L − 3)",
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i + Σ_{l=5}^{L} 1",
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i + ∏_{i=4}^{L} s_i − ∏_{i=4}^{L} s_i^2 / s_L",
        "1 + Σ_{l=1}^{L} (k_l − 1)(l − 1)/(l − 1) ∏_{i=1}^{l−1} s_i",
    ],
)
def test_a_wrong_closed_form_is_not_proved(text):
    """Ask the proof alone: the search for counter-examples would find these first."""
    (answer,) = read_answer(text, one_layer=False)
    assert not answer.proves(dilated=False)
