import random
from math import prod

import pytest
import sympy

from labkit.receptive_field import ORIGINAL_DILATION_FORMULA, VGG16, closed_form
from labkit.receptive_field.checker import check_closed_form
from labkit.receptive_field.checker.answers import read_answer
from labkit.receptive_field.checker.networks import Network
from labkit.receptive_field.layers import Layer

L, l, i, j = sympy.symbols("L l i j", integer=True)  # noqa: E741
k, s, d = map(sympy.IndexedBase, "ksd")
Sum, Product, Function = sympy.Sum, sympy.Product, sympy.Function

RIGHT = [
    "1 + Sum((k[l]-1)*Product(s[i], (i,1,l-1)), (l,1,L))",
    "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i",
    r"1 + \sum_{l=1}^{L} (k_l-1) \prod_{i=1}^{l-1} s_i",
    r"$r_0 = 1 + \sum\limits_{l=1}^{L} \left(k_l - 1\right) \prod_{i=1}^{l-1} s_i$",
    r"1 + \sum_{l=1}^L (k_l - 1) \prod_{i<l} s_i",
    "1 + Σ_{l=1}^L (k_l − 1) ∏_{1≤i<l} s_i",
    "1 + Σₗ₌₁ᴸ (kₗ − 1) ∏ᵢ₌₁ˡ⁻¹ sᵢ",
    "r_0 = 1 + ∑_l (k_l − 1) ∏_{i<l} s_i",
    r"1 + \sum_{l=1}^{L} \prod_{i=1}^{l-1} s_i (k_l - 1)",
    "1 + sum_{j=1}^{L} (k_j - 1) prod_{m=1}^{j-1} s_m",
    "k_1 + Σ_{l=2}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i",
    "1 + Σ_{l=0}^{L-1} (k_{l+1} − 1) ∏_{i=1}^{l} s_i",
    "1 + Σ_{l=1}^{L-1} (k_l − 1) ∏_{i<l} s_i + (k_L − 1) ∏_{i=1}^{L-1} s_i",
    "1 + Σ_{j=0}^{L-1} (k_{L-j} − 1) ∏_{i=1}^{L-j-1} s_i",
    "∏_{i=1}^{L} s_i + Σ_{l=1}^{L} (k_l − s_l) ∏_{i<l} s_i",
    "1 + Σ_{l=1}^{L} k_l ∏_{i<l} s_i − Σ_{l=1}^{L} ∏_{i<l} s_i",
    "1 + Σ_{l=1}^{L} (k_l − 1)/s_l ∏_{i=1}^{l} s_i",
    "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=2}^{l} s_{i−1}",
    "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_{l−i}",
    "(2 + 2 Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i) / 2",
    "1 + Σ_{l=1}^{L} (k_l − 1) (∏_{i<l} s_i^2)/(∏_{i<l} s_i)",
    "1 + sum((k[l]-1)*prod(s[:l]) for l in range(L))",
    "1 + sum((k[l] - 1) * prod(s[i] for i in range(l)) for l in range(len(k)))",
    "1 + sum((k[l]-1)*prod(s[i] for i in range(1, l)) for l in range(1, L+1))",
    "k[0] + sum((k[l]-1)*prod(s[:l]) for l in range(1, L))",
    "k[-1]*prod(s[:-1]) + 1 - prod(s[:-1]) + sum((k[l]-1)*prod(s[:l]) for l in range(L-1))",
    "prod(s) + sum((k[l]-s[l])*prod(s[:l]) for l in range(L))",
    "1 + Σ_{l=1}^{L} d_l (k_l − 1) ∏_{i=1}^{l−1} s_i",
    r"1 + \sum_{l=1}^{L} d_l (k_l-1) \prod_{i=1}^{l-1} s_i",
    "1 + sum(d[l]*(k[l]-1)*prod(s[:l]) for l in range(L))",
    "1 + Σ_{l=1}^{L} (d_l k_l − d_l) ∏_{i<l} s_i",
    "∏_{l=1}^{L} s_l + Σ_{l=1}^{L} (d_l (k_l − 1) + 1 − s_l) ∏_{i<l} s_i",
    1 + Sum((k[l] - 1) * Product(s[i], (i, 1, l - 1)), (l, 1, L)),
    1 + Sum(d[l] * (k[l] - 1) * Product(s[i], (i, 1, l - 1)), (l, 1, L)),
    Sum((Function("k")(j) - 1) * Product(Function("s")(i), (i, 1, j - 1)), (j, 1, L)) + 1,
    sympy.Eq(
        sympy.Symbol("r_0"), 1 + Sum((k[l + 1] - 1) * Product(s[i], (i, 1, l)), (l, 0, L - 1))
    ),
]

# The answer, the kernels, strides (and dilations) of the smallest network, its value, the truth.
WRONG = [
    (ORIGINAL_DILATION_FORMULA, (2, 2, 1), 3, 2),
    ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l} s_i", (2, 2), 3, 2),
    ("1 + Σ_{l=1}^{L} (k_l − 1)", ((1, 2), (2, 1)), 2, 3),
    ("Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i", (1, 1), 0, 1),
    ("1 + Σ_{l=1}^{L} k_l ∏_{i<l} s_i", (1, 1), 2, 1),
    ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{L} s_i", (2, 2), 3, 2),
    ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=l+1}^{L} s_i", ((2, 1), (1, 2)), 3, 2),
    ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−2} s_i", ((1, 2), (2, 1)), 2, 3),
    ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=2}^{l−1} s_i", ((1, 2), (2, 1)), 2, 3),
    ("1 + Σ_{l=2}^{L} (k_l − 1) ∏_{i<l} s_i", (2, 1), 1, 2),
    ("1 + Σ_{l=1}^{L-1} (k_l − 1) ∏_{i<l} s_i", (2, 1), 1, 2),
    ("1 + Σ_{l=1}^{L} (k_l − 1) Σ_{i=1}^{l−1} s_i", (2, 1), 1, 2),
    ("1 + Σ_{l=1}^{L} (k_l − s_l) ∏_{i<l} s_i", (1, 2), 0, 1),
    ("1 + L (k_1 − 1)", ((1, 2), (1, 1)), 1, 2),
    ("∏_{l=1}^{L} k_l", ((2, 2), (1, 1)), 4, 3),
    ("k_1", ((1, 2), (1, 1)), 1, 2),
    ("Σ_{l=1}^{L} floor(k_l/300) + 1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i", (300, 1), 301, 300),
    ("1 + sum((k[l]-1)*prod(s[:l+1]) for l in range(L))", (2, 2), 3, 2),
    ("1 + sum((k[l]-1)*prod(s) for l in range(L))", (2, 2), 3, 2),
    ("1 + sum((k[l]-1)*prod(s[1:l+1]) for l in range(L))", ((1, 2), (1, 2)), 3, 2),
    ("1 + Σ_{l=1}^{L} d_l k_l ∏_{i<l} s_i", (1, 1, 1), 2, 1),
    ("1 + Σ_{l=1}^{L} (d_l k_l − 1) ∏_{i<l} s_i", (1, 1, 2), 2, 1),
    ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} d_i s_i", (2, 1, 2), 2, 3),
    (r"1 + \sum_{l=1}^{L} (k_l-1) \prod_{i=1}^{l} s_i", (2, 2), 3, 2),
    (1 + Sum((k[l] - 1) * Product(s[i], (i, 1, l)), (l, 1, L)), (2, 2), 3, 2),
    (1 + L * (k[1] - 1), ((1, 2), (1, 1)), 1, 2),
]  # fmt: skip


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_right_closed_forms_are_proved_for_every_depth(answer):
    verdict = check_closed_form(answer)
    assert verdict.status == "proved", verdict
    assert "induction" in verdict.message
    # Its reading can be read again, and means the same.
    if isinstance(answer, str):
        again = check_closed_form(verdict.reading)
        assert (again.status, again.reading) == ("proved", verdict.reading)


@pytest.mark.parametrize(("answer", "network", "yours", "truth"), WRONG, ids=str)
def test_wrong_closed_forms_get_the_smallest_counter_example(answer, network, yours, truth):
    verdict = check_closed_form(answer)
    assert verdict.status == "wrong", verdict
    example = verdict.counter_example
    assert example.truth == closed_form(example.layers)
    shown = tuple(value for _, value in example.values)
    assert (shown, example.yours, example.truth) == (network, yours, truth)


def test_the_erratum_of_the_original_lab_is_found_by_itself():
    verdict = check_closed_form(ORIGINAL_DILATION_FORMULA)
    assert str(verdict.counter_example) == "k=2, s=2, d=1: yours gives 3, the truth is 2"
    assert verdict.counter_example.layers == (Layer(2, 2),)
    assert "when every stride is 1" in verdict.right_when
    (answer,) = read_answer(ORIGINAL_DILATION_FORMULA, one_layer=False)
    vgg16 = Network(*(tuple(getattr(layer, name) for layer in VGG16)
                    for name in ("kernel", "stride", "dilation")))  # fmt: skip
    assert (answer.value(vgg16), vgg16.truth) == (243, 212)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("1 + Σ_{l=1}^{L} (k_l − 1)", {"when every stride is 1"}),
        ("1 + Σ_{l=1}^{L} (k_l − 1)", {"for one layer"}),
        ("1 + Σ_{l=1}^{L} 2*floor(k_l/2) ∏_{i<l} s_i", {"when k is odd"}),
        ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} d_i s_i", {"when every dilation is 1"}),
        ("1 + (k_1 − 1) + Σ_{l=2}^{L} (k_l − 1) s_1", {"for up to 2 layers"}),
        ("1 + Σ_{l=1}^{L} k_l ∏_{i<l} s_i", set()),
    ],
)
def test_says_when_a_wrong_closed_form_is_right(answer, expected):
    right_when = set(check_closed_form(answer, dilation="d_" in answer).right_when)
    assert expected <= right_when
    assert bool(expected) == bool(right_when)


@pytest.mark.parametrize(
    "answer",
    [
        "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i + floor(L/200)",
        "1 + Σ_{l=1}^{L} (k_l − 1) (∏_{i=1}^{L} s_i)/(∏_{i=l}^{L} s_i)",
        "Σ_{l=1}^{L} (1/L + (k_l − 1) ∏_{i<l} s_i)",
    ],
)
def test_what_is_right_for_small_networks_only_is_never_called_proved(answer):
    verdict = check_closed_form(answer)
    assert verdict.status == "consistent", verdict
    assert "neither proved nor disproved" in verdict.message
    assert "a proof for up to 6 layers" in verdict.message


def test_where_even_small_depths_are_open_no_proof_is_claimed():
    far = "floor(Σ_{l=1}^{L} floor(k_l/10**14)/1000)"
    verdict = check_closed_form(f"1 + Σ_{{l=1}}^{{L}} (k_l − 1) ∏_{{i<l}} s_i + {far}")
    assert verdict.status == "consistent"
    assert "no proof" in verdict.message


@pytest.mark.parametrize("far", [101, 102])
def test_a_difference_in_deep_networks_is_never_proved(far):
    answer = f"1 + Σ_{{l=1}}^{{L}} (k_l − 1) ∏_{{i<l}} s_i + floor(L/{far})"
    verdict = check_closed_form(answer)
    assert verdict.status == ("wrong" if far <= 101 else "consistent")
    if far <= 101:
        assert len(verdict.counter_example.layers) == far
        assert f"k={far} times 1" in verdict.message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=0}^{l−1} s_i", "s_0 does not exist"),
        ("1 + Σ_{l=1}^{L} (k_{l+1} − 1) ∏_{i=1}^{l} s_i", "k_2 does not exist"),
        ("1 + Σ_{l=0}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i", "k_0 does not exist"),
        ("1 + Σ_{l=1}^{L} (k_{l/2} − 1) ∏_{i=1}^{l−1} s_i", "not whole"),
        ("1 + Σ_{l=1}^{L} (k_l − 1)/(l − 1) ∏_{i=1}^{l−1} s_i", "division by zero"),
    ],
)
def test_a_formula_without_a_value_is_wrong_and_says_why(answer, reason):
    verdict = check_closed_form(answer)
    assert verdict.status == "wrong"
    assert reason in verdict.counter_example.yours and reason in verdict.message


def test_dilation_is_asked_for_or_seen():
    plain = "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i"
    assert "without dilation" in check_closed_form(plain).message
    verdict = check_closed_form(plain, dilation=True)
    assert str(verdict.counter_example) == "k=2, s=1, d=2: yours gives 2, the truth is 3"
    assert "when every dilation is 1" in verdict.right_when
    assert check_closed_form(ORIGINAL_DILATION_FORMULA, dilation=False).status == "wrong"


def test_the_reading_shows_how_an_answer_was_understood():
    verdict = check_closed_form("1 + sum((k[l]-1)*prod(s[:l]) for l in range(L))")
    assert verdict.reading == "1 + Σ_{l=0}^{L − 1} (k_{l + 1} − 1)·∏_{i=1}^{l} s_i"


BODIES = ["(k_l − 1)", "(k_l − 1)", "k_l", "d_l (k_l − 1)", "(k_l − s_l)", "(k_{l+1} − 1)"]
FACTORS = ["s_i", "s_i", "s_i", "s_{i+1}", "d_i", "s_i s_i", "s_{l-i}"]
REST = ["1", "1", "0", "k_1", "∏_{i=1}^{L} s_i", "∏_{i=1}^{L-1} s_i", "L", "2"]
MORE = ["", "", "− Σ_{l=1}^{L} ∏_{i=1}^{l-1} s_i", "+ (k_L − 1) ∏_{i=1}^{L-1} s_i", "− 1"]


def chance_formula(dice):
    body, factor, more = dice.choice(BODIES), dice.choice(FACTORS), dice.choice(MORE)
    first, last = dice.choice("1102"), dice.choice(["L", "L", "L-1"])
    product = f"∏_{{i={dice.choice('112')}}}^{{{dice.choice(['l-1', 'l-1', 'l', 'l-2'])}}} {factor}"
    return f"{dice.choice(REST)} + Σ_{{l={first}}}^{{{last}}} {body} {product} {more}"


def test_a_proof_by_induction_is_never_wrong():
    """Prove formulas put together at random, and try what is proved on deep networks."""
    dice = random.Random(7)
    proved = set()
    for text in {chance_formula(dice) for _ in range(700)}:
        answer = next(read_answer(text, one_layer=False))
        if not answer.proves(answer.uses_dilation):
            continue
        proved.add(text)
        for depth in (1, 2, 3, 7, 13):
            kernels, strides, dilations = (
                tuple(dice.randint(1, 5) for _ in range(depth)) for _ in range(3)
            )
            dilations = dilations if answer.uses_dilation else (1,) * depth
            truth = 1 + sum(
                dilations[n] * (kernels[n] - 1) * prod(strides[:n]) for n in range(depth)
            )
            assert answer.value(Network(kernels, strides, dilations)) == truth, text
    assert len(proved) >= 4
