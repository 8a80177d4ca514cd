import random
import time
from contextlib import contextmanager
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.receptive_field.checker import check_closed_form, check_recurrence
from labkit.receptive_field.checker.formula import UnreadableError
from labkit.receptive_field.checker.reading import read_text
from labkit.receptive_field.checker.writing import written

CHECKS = [check_recurrence, check_closed_form]


@pytest.fixture
def seconds_of_the_processor():
    """Lend a limit: what was checked took minutes, or did not end, before there was one."""

    @contextmanager
    def limit(seconds):
        start = time.process_time()
        yield
        assert time.process_time() - start < seconds

    return limit


both = pytest.mark.parametrize("check", CHECKS, ids=["recurrence", "closed form"])
STATUSES = {"proved", "wrong", "consistent", "unanswered", "unreadable"}

HOSTILE = {
    "import": "__import__('os').system('touch {file}')",
    "import statement": "import os; os.system('touch {file}')",
    "eval": 'eval(\'open("{file}", "w")\')',
    "exec": 'exec(\'open("{file}", "w")\')',
    "open": "open('{file}', 'w')",
    "attribute": "k.__class__.__mro__[1].__subclasses__()",
    "empty tuple": "().__class__.__bases__[0]",
    "format string": "f'{{k.__class__}}'",
    "lambda": "(lambda: open('{file}', 'w'))()",
    "walrus": "(k := 5) + k",
    "conditional": "k if open('{file}', 'w') else s",
    "comprehension": "[open('{file}', 'w') for k in range(1)]",
    "decorator": "@staticmethod\ndef f(): pass",
    "globals": "globals()['__builtins__']",
    "getattr": "getattr(k, '__class__')",
    "tower of powers": "9**9**9**9",
    "huge power": "k**(10**9)",
    "power of a power": "10**(10**(10**10))",
    "long number": "9" * 5000,
    "long text": "k+" * 100_000 + "k",
    "deep brackets": "(" * 3000 + "k" + ")" * 3000,
    "deep minus": "-" * 500 + "k",
    "deep powers": "k" + "^(k" * 200 + ")" * 200,
    "deep sums": "Σ_{{l=1}}^{{L}} " * 100 + "1",
    "deep remainders": "k" + "//2" * 190,
    "string repetition": "'a' * 10**10",
    "null byte": "s*r\0+k-s",
    "backslash newline": "s*r \\\n + k - s",
    "assignment": "k = s = 5",
    "comparison": "s*r + k - s == s*r + k - s",
    "two answers": "s*r + k - s; 5",
    "latex input": r"\input{{/etc/passwd}}",
    "latex write": r"\immediate\write18{{touch {file}}}",
    "right to left": "s*r + k\u202e - s",
    "arabic digits": "s*r + k - s + \u0663",
    "cyrillic k": "s*r + \u043a - s",
    "html": "<script>alert(1)</script>",
    "braces template": "{{{{7*7}}}}k.x",
    "infinity": "1e999",
    "nan": "nan",
    "imaginary": "k + 1j",
    "matrix": "k @ s",
    "bit shift": "1 << 10**9",
    "loop": "while True: pass",
    "yield": "(yield)",
    "await": "await k",
    "star": "*k",
    "dict": "{{'k': 1}}['k']",
    "fraction of nothing": r"\frac{{1}}",
    "sum without end": "Sum(1, (l, 1, oo))",
    "sum over a word": "sum(x for x in 'abc')",
}


@both
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_with_its_spot_and_does_nothing(check, text, tmp_path):
    file = tmp_path / "touched"
    text = text.format(file=file) if len(text) < 200 else text
    verdict = check(text)
    assert verdict.status == "unreadable", verdict
    assert verdict.spot is None or 0 <= verdict.spot <= len(text)
    assert verdict.message.endswith(".") and len(verdict.message) < 300
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    [
        "Sum(Sum(Sum(1, (i,1,10**9)), (j,1,10**9)), (l,1,L))",
        "Σ_{l=1}^{10^15} 1",
        "∏_{l=1}^{1999} ∏_{i=1}^{1999} 10^16",
        "((10^16)^16)^16",
        "∏_{l=1}^{1000} (10^16)^16",
    ],
)
def test_what_is_too_large_to_try_is_refused(text):
    verdict = check_closed_form(text)
    assert verdict.status == "unreadable"
    assert "too large" in verdict.message


@pytest.mark.parametrize(
    "text",
    [
        "Σ_{l=1}^{L} Σ_{i=1}^{L} Σ_{j=1}^{L} Σ_{m=1}^{L} Σ_{n=1}^{L} k_l",
        "Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i + L Σ_{l=1}^{L} Σ_{i=1}^{L} Σ_{j=1}^{L} Σ_{m=1}^{L} 1",
        "1 + Σ_{l=1}^{L} (k_l − 1)^16 ∏_{i<l} (s_i + k_i + 7)^16",
        "∏_{l=1}^{L} (k_l^16 + s_l^16)^16",
    ],
)
def test_costly_formulas_come_to_an_end(text):
    assert check_closed_form(text).status in ("wrong", "consistent")


TOO_LONG_NUMBERS = {
    "sum of fractions": "Σ_{l=1}^{1999} 1/l^16",
    "product of fractions": "∏_{l=1}^{1999} 1/l^16",
    "harmonic sums inside a sum": "Σ_{i=1}^{30} Σ_{l=1}^{1999} 1/(l+i k_1)",
    "product of whole numbers": "∏_{l=1}^{1000} 10^15",
    "products of fractions inside a sum": "Σ_{i=1}^{50} ∏_{l=1}^{1999} (l/(l+i+k_1))^16",
}


@pytest.mark.parametrize("text", TOO_LONG_NUMBERS.values(), ids=TOO_LONG_NUMBERS)
def test_numbers_too_long_to_try_are_refused(text, seconds_of_the_processor):
    with seconds_of_the_processor(1):
        verdict = check_closed_form(text)
    assert verdict.status == "unreadable"
    assert "too large" in verdict.message


@pytest.mark.parametrize("depth", [2, 12, 19])
def test_products_inside_products_are_read_once(depth, seconds_of_the_processor):
    with seconds_of_the_processor(1):
        verdict = check_closed_form("∏_i1(" * depth + "k_1" + ")" * depth)
    assert verdict.status == "wrong"
    assert verdict.reading.count("∏") == depth


def test_a_factor_left_over_by_a_product_is_read_as_before():
    (reading,) = read_text(
        "∏_{i=1}^{L} s_i Σ_{l=1}^{L} (k_l − 1) / ∏_{j=1}^{2} 2 · 3", one_layer=False
    )
    assert written(reading.node) == "∏_{i=1}^{L} s_i·Σ_{l=1}^{L} (k_l − 1)/(∏_{j=1}^{2} 2)·3"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 17 + "k" + "//2//2)" * 17,
        "(" * 28 + "k" + "%7)" * 28,
        "(1+2*3/floor(" * 13 + "k" + ")^2)" * 13,
    ],
)
@both
def test_deep_trees_of_few_brackets_get_a_verdict_far_down_the_stack(check, text):
    def below(depth):
        return below(depth - 1) if depth else check(text)

    text = text if check is check_recurrence else text.replace("k", "k_1")
    verdict = below(200)
    assert verdict.status in ("wrong", "unreadable")
    assert str(verdict) and verdict._repr_html_()


def test_exponents_share_their_steps(seconds_of_the_processor):
    with seconds_of_the_processor(1):
        verdict = check_recurrence("+".join(["k^(" + "+".join(["1" * 3] * 4) + ")"] * 20))
    assert verdict.status == "unreadable"
    with seconds_of_the_processor(1):
        verdict = check_closed_form("+".join(["1^{2^(-1)}"] * 50))
    assert verdict.status == "unreadable"


@pytest.mark.parametrize(
    "number",
    [10**15, -(10**15), 10**5000, 1e300, float("inf"), float("nan")],
    ids=["long", "negative", "huge", "float", "inf", "nan"],
)
@both
def test_numbers_that_stand_alone_and_are_too_long_are_unreadable(check, number):
    verdict = check(number)
    assert verdict.status == "unreadable"
    assert "up to 15 digits" in verdict.message


@both
@pytest.mark.parametrize("number", [3, 1.0, 2.5, 1e-5, 999_999_999_999_999])
def test_numbers_that_stand_alone_are_formulas(check, number):
    verdict = check(number)
    assert verdict.status == "wrong"
    assert verdict.counter_example.yours == Fraction(str(number))


def test_long_values_are_named_by_their_length():
    verdict = check_closed_form("Σ_{l=1}^{L} k_l^{16} 10^15 10^15 10^15 10^15 10^15 10^15")
    assert verdict.counter_example.yours == 10**90
    assert "yours gives a number of about 91 digits, the truth is 1" in verdict.message


@both
@pytest.mark.parametrize("blank", ["", "  ", "\n\t ", "…", "...", "?", "___", "TODO", None, ...])
def test_blank_answers_are_unanswered(check, blank):
    verdict = check(blank)
    assert verdict.status == "unanswered"
    assert verdict.message.startswith("No answer yet")


@both
@pytest.mark.parametrize("answer", [[1], {"k": 1}, b"k", True, object(), 1j, float("nan")])
def test_other_things_are_unreadable(check, answer):
    assert check(answer).status == "unreadable"


@pytest.mark.parametrize(
    ("text", "reason", "spot"),
    [
        ("s*r + q", "'q' is not a name here; the names are r, k, s and d", 6),
        ("s*r + depth", "'depth' is not a name here", 6),
        ("s*(r + k", "')' must stand here", 8),
        ("s*r + k)", "here stands ')'", 7),
        ("s*r + ", "the formula ends", 6),
        ("s*r ++* k", "here stands '*'", 6),
        ("r_{l+1} + k", "speaks of one layer", 0),
        ("s_l r_l + k_i", "two layers, l and i", 10),
        ("Σ_{l=1}^{L} k", "neither sums nor products", 0),
        ("k**17", "whole numbers up to 16", 1),
        ("k^(1/2)", "whole numbers up to 16", 1),
        ("k.bit_length()", "'.' has no place", 1),
        ("s*r + k $ s @", "'@' has no place", 12),
        ("min(k)", "two or more", 0),
        ("floor(k, s)", "takes 1 values", 0),
        ("x = s*r", "x stands on one side of the equals sign", 0),
    ],
)
def test_unreadable_recurrences_say_why_and_where(text, reason, spot):
    with pytest.raises(UnreadableError) as caught:
        read_text(text, one_layer=True)
    assert reason in caught.value.reason
    assert caught.value.at == spot


@pytest.mark.parametrize(
    ("text", "reason", "spot"),
    [
        ("1 + k", "k needs the number of its layer", 4),
        ("1 + k_l", "'l' has no meaning here", 6),
        ("1 + Σ_{l=1}^{L} k_j", "'j' has no meaning here", 18),
        ("Σ_{l=1}^{L} Σ_{l=1}^{L} k_l", "already runs in another", 12),
        ("Σ_{L=1}^{3} 1", "L already has a meaning", 3),
        ("Σ k_l", "bounds of Σ are missing", 0),
        ("Σ_{l=1} k_l", "upper bound of Σ is missing", 0),
        ("Σ_{i<l}^{L} k_i", "given twice", 0),
        ("1 + r_1", "does not contain r", 4),
        ("sum(k_l, l)", "the upper bound of sum is missing", 0),
        ("sum(k[l] for l in k)", "'in range(…)'", 18),
        ("sum(k[l] for l in range(0, L, 2))", "a range with a step is not read", 18),
        ("len(x)", "len is for k, s or d", 4),
        ("k[1:3]", "k needs the number of its layer", 0),
    ],
)
def test_unreadable_closed_forms_say_why_and_where(text, reason, spot):
    with pytest.raises(UnreadableError) as caught:
        read_text(text, one_layer=False)
    assert reason in caught.value.reason
    assert caught.value.at == spot


@pytest.mark.parametrize(
    "expression",
    [
        sympy.Symbol("q"),
        sympy.sin(sympy.Symbol("k")),
        sympy.Symbol("k") ** sympy.Rational(1, 2),
        sympy.Symbol("k") ** 100,
        sympy.oo,
        sympy.I,
        sympy.pi,
        sympy.Piecewise((1, sympy.Symbol("k") > 1), (2, True)),
        sympy.true,
        sympy.Lambda(sympy.Symbol("k"), 1),
        sympy.Integral(sympy.Symbol("k"), sympy.Symbol("k")),
        sympy.Add(*(sympy.Symbol(f"x{n}") for n in range(2000))),
    ],
    ids=lambda e: str(e)[:40],
)
@both
def test_other_sympy_expressions_are_unreadable(check, expression):
    assert check(expression).status == "unreadable"


def test_deep_sympy_expressions_are_unreadable():
    k, deep = sympy.Symbol("k"), sympy.Symbol("k")
    for _ in range(60):
        deep = sympy.floor(deep / 2 + k)
    assert check_recurrence(deep).status == "unreadable"


PIECES = [
    *"rksdlLij0123456789+-*/^()[]{},_= <.%!", "k_l", "s_i", "r_l", "d_l", "Sum", "prod(", "Σ_{",
    "∏_{", "l=1", "}^{L}", " − ", "·", r"\sum", r"\frac{", r"\left(", "range(", "for l in", "//",
    "**", "floor(", "len(k)", "ₗ₋₁", "²", "\0", "é", "漢", "\U0001f600", "__", "'", '"', "\n", ";",
    "lambda", "import", "9999999999", "1.5", "(l, 1, L)", "s[:l]",
]  # fmt: skip
SEEDS = [
    "s*r + k - s", "s*(r-1) + d*(k-1) + 1", r"s_{l} \cdot r_{l} + k_{l} - s_{l}",
    "1 + Sum((k[l]-1)*Product(s[i], (i,1,l-1)), (l,1,L))",
    "1 + Σ_{l=1}^{L} d_l (k_l − 1) ∏_{i=1}^{l−1} s_i",
    "1 + sum((k[l]-1)*prod(s[:l]) for l in range(L))",
]  # fmt: skip


def chance_text(dice):
    """Return a heap of pieces, or a formula with a few places changed."""
    if dice.random() < 0.3:
        return "".join(dice.choice(PIECES) for _ in range(dice.randint(1, 14)))
    text = list(dice.choice(SEEDS))
    for _ in range(dice.randint(1, 2)):
        place = dice.randrange(len(text))
        text[place : place + dice.randrange(3)] = dice.choice(PIECES)
    return "".join(text)


def test_random_strings():
    """Each is read or refused with a spot; a sample of them goes through the whole check."""
    dice = random.Random(20_190)
    read, checked = 0, set()
    for number in range(2_000):
        text = chance_text(dice)
        one_layer = bool(number % 2)
        try:
            readings = read_text(text, one_layer)
        except UnreadableError as error:
            assert error.reason
            assert error.at is None or 0 <= error.at <= len(text)
            continue
        read += 1
        assert readings
        if read % 2 == 0:
            checked.add(CHECKS[not one_layer](text).status)
    assert read > 60
    assert {"wrong", "proved"} <= checked <= STATUSES


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_text_gets_a_verdict(text):
    assert check_recurrence(text).status in STATUSES


def test_names_before_brackets_in_brackets_are_read_once():
    before = time.process_time()
    assert check_closed_form("k[" * 15 + "r" + "]" * 15).status == "unreadable"
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "1 + sum((a-1)*prod(s[:i]) for i, a in enumerate(k, 1))",
        "1 + sum((k[l]-1)*prod(s[:l]) for l in range(1, L+1))",
        "1 + sum((k[l]-1)*prod(s[1:l]) for l in range(1, L+1))",
        "lambda k, s: 1 + sum((k[l]-1)*prod(s[i] for i in range(1, l)) for l in range(1, L+1))",
    ],
)
def test_what_counts_from_0_by_itself_is_not_read_as_if_it_counted_from_1(text):
    assert check_closed_form(text).status == "wrong"
