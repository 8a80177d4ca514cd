from fractions import Fraction
from math import ceil, floor

import pytest
import sympy
from hypothesis import event, given, settings
from hypothesis import strategies as st

from labkit.receptive_field.checker import check_recurrence
from labkit.receptive_field.checker.answers import read_answer
from labkit.receptive_field.layers import Layer

r, k, s, d = sympy.symbols("r k s d", integer=True, positive=True)
plain_r, plain_k, plain_s = sympy.symbols("r k s")
at_l = {letter: sympy.IndexedBase(letter)[sympy.Symbol("l")] for letter in "rksd"}

RIGHT = [
    "s*r + k - s",
    "s_l r_l + k_l − s_l",
    "r_{l-1} = s_l r_l + k_l - s_l",
    "rₗ₋₁ = sₗ·rₗ + kₗ − sₗ",
    r"s_{l} \cdot r_{l} + k_{l} - s_{l}",
    r"$r_{l-1} = s_l \left( r_l - 1 \right) + k_l$",
    "s(r-1) + k",
    "(r - 1)s + (k - 1) + 1",
    "sr + k - s",
    "k + s*r - s",
    "s[l]*r[l] + k[l] - s[l]",
    "stride*(r - 1) + kernel_size",
    "s*(r-1) + 2*(k//2) + k%2",
    "s*(r-1) + floor(k/2) + ceil(k/2)",
    r"s_l (r_l - 1) + \lfloor k_l/2 \rfloor + \lceil k_l / 2 \rceil",
    "s*(r-1) + 6*(k//6) + k mod 6",
    "((2r-1)s - s)/2 + k",
    r"\frac{2 s r + 2 k - 2 s}{2}",
    "0.5*k + 0.5*k + s*(r - 1.0)",
    "(s*r*k + k^2 - s*k)/k",
    "((s+1)**2 - (s-1)**2)/4 * (r-1) + k",
    "max(s*r + k - s, 1)",
    "abs(s*(r-1)) + k",
    "min(r, r + s)*s + k - s",
    "1 + s_i(r_i − 1) + k_i − 1",
    "s*(r-1) + d*(k-1) + 1",
    "s_l (r_l − 1) + d_l (k_l − 1) + 1",
    r"r_{l-1} = s_l r_l - s_l + d_l k_l - d_l + 1",
    "stride*(r-1) + dilation*(kernel-1) + 1",
    "d k − d + 1 + s r − s",
    s * r + k - s,
    s * (r - 1) + d * (k - 1) + 1,
    plain_s * plain_r + plain_k - plain_s,
    sympy.Eq(sympy.Symbol("r_{l-1}"), s * (sympy.Symbol("r_l") - 1) + k),
    at_l["s"] * (at_l["r"] - 1) + at_l["d"] * (at_l["k"] - 1) + 1,
    s * (r - 1) + 2 * sympy.floor(k / 2) + sympy.Mod(k, 2),
    sympy.Symbol("s_l") * (sympy.Symbol("r_l") - 1) + sympy.Symbol("k_l"),
    sympy.Float("0.5") * 2 * k + s * (r - 1),
    lambda r, k, s: s * r + k - s,
    lambda k, s, r: (r - 1) * s + k,
    lambda r, kernel, stride, dilation=1: stride * (r - 1) + dilation * (kernel - 1) + 1,
]

# The answer, the smallest network it fails on, its value there, and the truth.
WRONG = [
    ("r + k - 1", {"k": 1, "s": 2, "r": 2}, 2, 3),
    ("s*r + k - 1", {"k": 1, "s": 2, "r": 1}, 2, 1),
    ("s*r + k", {"k": 1, "s": 1, "r": 1}, 2, 1),
    ("s*r + k + s", {"k": 1, "s": 1, "r": 1}, 3, 1),
    ("r*k + s", {"k": 1, "s": 1, "r": 1}, 2, 1),
    ("k r + s − k", {"k": 2, "s": 1, "r": 1}, 1, 2),
    ("s*(r-1) + s*(k-1) + 1", {"k": 2, "s": 2, "r": 1}, 3, 2),
    ("s_l r_l + k_l − s_l + 1", {"k": 1, "s": 1, "r": 1}, 2, 1),
    ("s*(r-1) + 2*floor(k/2) + 1", {"k": 2, "s": 1, "r": 1}, 3, 2),
    ("s*(r-1) + 2*floor((k-1)/2) + 1", {"k": 2, "s": 1, "r": 1}, 1, 2),
    ("s*r", {"k": 2, "s": 1, "r": 1}, 1, 2),
    ("k", {"k": 1, "s": 1, "r": 2}, 1, 2),
    ("7", {"k": 1, "s": 1, "r": 1}, 7, 1),
    ("s*r + max(k - s, 0)", {"k": 1, "s": 2, "r": 1}, 2, 1),
    (r"\frac{s_l r_l + k_l}{2}", {"k": 2, "s": 1, "r": 1}, Fraction(3, 2), 2),
    ("s^r + k - s", {"k": 1, "s": 1, "r": 2}, 1, 2),
    ("-s*r + k + s", {"k": 1, "s": 1, "r": 2}, 0, 2),
    ("s*(r-1) + k + floor(s/500)", {"k": 1, "s": 500, "r": 1}, 2, 1),
    ("s*(r-1) + k + floor(r k / 10**12)", None, None, None),
    ("s*r + k - s + (k-1)(k-2)(k-3)(k-4)(k-5)(k-6)(k-7)(k-8)",
     {"k": 9, "s": 1, "r": 1}, 9 + 40320, 9),
    ("s*(r-1) + d*k", {"k": 1, "s": 1, "r": 1, "d": 2}, 2, 1),
    ("s*r + d*(k - 1) + 1", {"k": 1, "s": 1, "r": 1, "d": 1}, 2, 1),
    ("s*(r-1) + s*d*(k-1) + 1", {"k": 2, "s": 2, "r": 1, "d": 1}, 3, 2),
    ("d*s*(r-1) + d*(k-1) + 1", {"k": 1, "s": 1, "r": 2, "d": 2}, 3, 2),
    (s * r + k, {"k": 1, "s": 1, "r": 1}, 2, 1),
    (k + s * sympy.floor(r / 2), {"k": 1, "s": 1, "r": 3}, 2, 3),
    (lambda r, k, s: r + k - 1, {"k": 1, "s": 2, "r": 2}, 2, 3),
    (lambda r, k, s: s * r + k - s if s <= k else s * r, {"k": 1, "s": 2, "r": 1}, 2, 1),
]  # fmt: skip


def spelled(value):
    """Name a case; a function prints its place in memory, which no two processes share."""
    return "function" if callable(value) else str(value)


@pytest.mark.parametrize("answer", RIGHT, ids=spelled)
def test_right_recurrences_are_proved(answer):
    verdict = check_recurrence(answer)
    assert verdict.status == "proved", verdict
    assert verdict.counter_example is None


@pytest.mark.parametrize(("answer", "network", "yours", "truth"), WRONG, ids=spelled)
def test_wrong_recurrences_get_the_smallest_counter_example(answer, network, yours, truth):
    verdict = check_recurrence(answer)
    assert verdict.status == "wrong", verdict
    if network is not None:
        example = verdict.counter_example
        assert (dict(example.values), example.yours, example.truth) == (network, yours, truth)


def test_the_message_has_all_numbers():
    verdict = check_recurrence("s*(r-1) + s*(k-1) + 1")
    assert "k=2, s=2, r=1: yours gives 3, the truth is 2" in verdict.message
    assert verdict.counter_example.layers == (Layer(2, 2),)
    assert "every stride is 1" in verdict.message


@pytest.mark.parametrize(
    ("answer", "conditions"),
    [
        ("s*(r-1) + 2*floor(k/2) + 1", ["when k is odd"]),
        ("s*(r-1) + 2*floor(k/2)", ["when k is even"]),
        ("r + k - 1", ["when every stride is 1", "when r is 1"]),
        ("s*r + max(k - s, 0)", ["when no stride is larger than its k"]),
        ("s*r", ["when k equals s"]),
        ("k", ["when r is 1"]),
        ("s*(r-1) + d*k", ["when every dilation is 1"]),
        ("s*r + k", []),
        ("7", []),
    ],
)
def test_says_when_a_wrong_recurrence_is_right(answer, conditions):
    assert list(check_recurrence(answer).right_when) == conditions


@pytest.mark.parametrize(
    "answer",
    [
        "s*(r-1) + k + floor(s/10**15)/10**15*0",
        "s*(r-1) + k + floor(k s r/10**14)/10**15 - floor(k s r/10**14)/10**15",
        "s*r + k - s + 0*r**r",
        "s*(r-1) + k + floor(1/(s+10**15))",
        lambda r, k, s: s * r + k - s if k < 10**16 else 0,
    ],
)
def test_what_cannot_be_decided_is_consistent_and_no_more(answer):
    verdict = check_recurrence(answer)
    assert verdict.status == "consistent", verdict
    assert "neither proved nor disproved" in verdict.message
    assert verdict.tried >= 16


@pytest.mark.parametrize(
    "far", ["floor(s/5)", "floor(s/50)", "floor(k/1000)", "floor(r/10**6)", "(r//977)", "(k s//7)",
            "floor(s/10**14)", "floor(s/(10**16*10))"]
)  # fmt: skip
def test_a_difference_far_out_is_never_proved(far):
    assert check_recurrence(f"s*(r-1) + k + {far}").status in ("wrong", "consistent")


def test_a_denominator_that_vanishes_somewhere_is_no_proof():
    verdict = check_recurrence("(s*r + k - s)*(k - 3)/(k - 3)")
    assert verdict.status == "wrong"
    assert verdict.counter_example.yours == "a division by zero"
    assert check_recurrence("(s*r + k - s)*(k - 10**7)/(k - 10**7)").status == "consistent"


def test_dilation_is_asked_for_or_seen():
    plain, dilated = "s*r + k - s", "s*(r-1) + d*(k-1) + 1"
    assert "without dilation" in check_recurrence(plain).message
    assert "without dilation" not in check_recurrence(dilated).message
    verdict = check_recurrence(plain, dilation=True)
    assert dict(verdict.counter_example.values) == {"k": 2, "s": 1, "r": 1, "d": 2}
    assert "when every dilation is 1" in verdict.right_when
    assert check_recurrence(dilated, dilation=False).status == "proved"
    assert check_recurrence("s*(r-1) + d*k", dilation=False).status == "proved"


letters = st.sampled_from("rks")
atoms = letters | st.integers(0, 4).map(str)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", " - ", "*"]), inner).map(
            lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"
        ),
        st.tuples(inner, st.sampled_from("23")).map(lambda parts: f"({parts[0]}//{parts[1]})"),
        st.tuples(inner, st.sampled_from("23")).map(lambda parts: f"({parts[0]}%{parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"max({parts[0]}, {parts[1]})"),
        inner.map(lambda part: f"abs({part})"),
        inner.map(lambda part: f"({part})/2"),
    ),
    max_leaves=6,
)
shapes = st.sampled_from(
    ["s*(r-1) + k + ({})", "s*(r-1) + k + ({0}) - ({0})", "s*(r-1) + k + 0*({})", "{}",
     "s*(r-1) + 2*(k//2) + k%2 + ({0}) - ({0})"]
)  # fmt: skip
numbers = st.integers(1, 40)


def python_says(answer, r, k, s):
    """Let Python itself evaluate an answer that this test has put together."""
    exact = {name: Fraction(number) for name, number in (("r", r), ("k", k), ("s", s))}
    return eval(answer, {"__builtins__": {"max": max, "abs": abs}}, exact)


@settings(max_examples=80, deadline=None)
@given(shapes, expressions, st.lists(st.tuples(numbers, numbers, numbers), min_size=20))
def test_a_proof_is_never_wrong(shape, inner, networks):
    """Prove without looking for counter-examples first, so that nothing hides a wrong proof."""
    text = shape.format(inner)
    (answer,) = read_answer(text, one_layer=True)
    event(f"proved: {answer.proves(dilated=False)}")
    if answer.proves(dilated=False):
        for r, k, s in networks:
            assert python_says(text, r, k, s) == s * (r - 1) + k


@settings(max_examples=40, deadline=None)
@given(shapes, expressions)
def test_a_counter_example_is_never_right(shape, inner):
    text = shape.format(inner)
    verdict = check_recurrence(text)
    if verdict.status == "wrong":
        example = verdict.counter_example
        assert python_says(text, **dict(example.values)) == example.yours != example.truth


def test_floor_and_ceil_agree_with_python():
    verdict = check_recurrence("floor(7/2) + ceil(7/2) + 7 % 4 - (-7) // 2 - mod(-7, 4)")
    assert verdict.counter_example.yours == floor(3.5) + ceil(3.5) + 7 % 4 - (-7) // 2 - (-7) % 4
