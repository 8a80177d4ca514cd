"""What letters mean, what equations say, and which mistake a wrong answer makes."""

import math

import pytest
import sympy

from labkit.language import phrases
from labkit.receptive_field import figures
from labkit.receptive_field.checker import check_closed_form, check_recurrence, mistakes, networks
from labkit.receptive_field.checker.meaning import letter_of
from labkit.receptive_field.checker.reading import read_text
from labkit.receptive_field.checker.wording import said

FIELD = "Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i"

RIGHT_RECURRENCES = [
    "s_l (r_l - 1) + k_l = r_{l-1}",
    "r_{l-1} - k_l = s_l (r_l - 1)",
    "2 r_{l-1} = 2 s_l r_l + 2 k_l - 2 s_l",
    "(r_{l-1} - k_l)/s_l = r_l - 1",
    "r_i = s_{i+1} (r_{i+1} - 1) + k_{i+1}",
    "-r_{l-1} = s_l - s_l r_l - k_l",
    "r_{l-1} = s_l (r_l - 1) + k_l = s_l r_l + k_l - s_l",
    "3 r_{l-1} = r_{l-1} + 2 s_l (r_l - 1) + 2 k_l",
    "r_l = (r_{l-1} - k_l)/s_l + 1",
    "r = s*(r-1) + k",
    "r_in = (r_out - 1)*stride + kernel",
    "n_{in} = S (n_{out} - 1) + K",
    "input_size = (output_size - 1)*stride + kernel_size",
    "R = s*(r-1) + k",
    "r_prev = (r - 1)*s + k",
    "x_{l-1} = s_l (x_l - 1) + k_l",
    "r_l_1 = (r_l - 1)*s + k",
    "lambda r, k, s: s*r + k - s",
    "def f(r, k, s):\n    width = s*(r - 1)\n    return width + k",
    "𝑠·(𝑟−1)+𝑘",
    "s＊（r－１）＋k",
    "\ufeffs*r\u200b + k ‒ s",
    "s_l \times (r_l - 1) + k_l",
    "\frac{2 s r + 2 k - 2 s}{2}",
    r"\[ r_{l-1} = s_l (r_l - 1) + k_l. \]",
    r"\begin{align*} \mathrm{RF}_{l-1} &= s_l\,(\mathrm{RF}_l - 1) + k_l \end{align*}",
    "s^{[l]}(r^{[l]} - 1) + k^{[l]}",
    "k + s*(r - 1)  # the last window starts s*(r - 1) further",
    "r ← s·(r−1) + k",
    r"r_{l-1} \leftarrow s_l (r_l - 1) + k_l",
    "(RF - 1) x stride + kernel",
    "Eq(r_in, s*(r_out - 1) + k)",
    "input = (output - 1)*stride + kernel",
    # What sets a formula off, and is no part of it.
    r"\[ \boxed{r_{l-1} = s_l (r_l - 1) + k_l} \]",
    r"r_{l-1} = {\color{red} s_l}{\cdot}(r_l - 1) {+} \textcolor{blue}{k_l}\text{.}",
    r"r_{l-1} = s_l r_l + k_l - s_l \quad (2)",
    r"$$ s_l (r_l - 1) + k_l \qquad (3.14) $$",
    r"r_{l-1} = s_lr_l + k_l - s_l \tag*{(1)}",
    # What it is a function of is no factor.
    "r_{l-1}(r_l) = s_l r_l + k_l - s_l",
    "s_l r_l + k_l - s_l = r_{l-1}(r_{l}, k_l, s_l)",
    r"r^{(l-1)}(r^{(l)}) = s^{(l)} (r^{(l)} - 1) + k^{(l)}",
    "r_in(r_out) = (r_out - 1)*stride + kernel",
    "r_{l-1}(r_l) - k_l = s_l (r_l - 1)",
    "k_l + s_l r_l - 2 r_{l-1}(r_l) = s_l - r_{l-1}(r_l)",
]
RIGHT_CLOSED_FORMS = [
    f"1 + {FIELD} = r_0",
    f"r_0 - 1 = {FIELD}",
    f"2 r_0 = 2 + 2 {FIELD}",
    f"r_L = 1 + {FIELD}",
    f"R = 1 + {FIELD} = 1 + Σ_{{j=1}}^{{L}} (k_j − 1) ∏_{{i=1}}^{{j-1}} s_i",
    "1 + Σ_{l=1}^{n} (K_l − 1) ∏_{i<l} S_i",
    "1 + Σ_{l=1..L} (k_l − 1) ∏_{i=1..l-1} s_i",
    r"\sum_{l=0}^{n-1} (k_l - 1) \prod_{i=0}^{l-1} s_i + 1",
    "1 + Σ_{l=0}^{L-1} (k_{l+1} − 1) ∏_{i=1}^{l} s_i",
    "1 + sum((a - 1)*prod(b for b in s[:i]) for i, a in enumerate(k))",
    "f = lambda k, s: 1 + sum((k[i] - 1)*prod(s[:i]) for i in range(len(k)))",
    "1 + sum((l.kernel - 1)*prod(m.stride for m in layers[:i]) for i, l in enumerate(layers))",
    "def f(k, s):\n    r = 1\n    for a, b in zip(reversed(k), reversed(s)):\n"
    "        r = b*(r - 1) + a\n    return r",
    "Eq(r_0, 1 + Sum((k[l] - 1)*Product(s[i], (i, 1, l - 1)), (l, 1, L)))",
    # Layers count from 1, products from a stride that is none.
    r"1 + \sum_{i=1}^{n} (K_i - 1) \prod_{j=0}^{i-1} S_j, S_0 = 1",
    r"1 + \sum_{i=1}^{n} (K_i - 1) \prod_{j=0}^{i-1} S_j \quad \text{with } S_{0} = 1",
    "1 + Σ_{i=1}^{L} (k_i − 1) ∏_{j=0}^{i-1} s_j (with the convention s₀ = 1)",
    r"1 + \sum_{i=1}^{L} (k_i - 1) \prod_{j=0}^{i-1} s_j,\ \text{where}\ s_0 := 1",
    "Σ_{l=1}^{L} (k_l − 1) ∏_{1≤i<l} s_i + 1",
    "1 + ∑(l=1..L) (k_l − 1) ∏(i=1..l−1) s_i",
    r"1 + \sum_{l=1}^{L} (k_ld_l - d_l) \prod_{i=1}^{l-1} s_i",
    f"RF = r_0 = 1 + {FIELD}",
    f"r_0(L) = 1 + {FIELD}",
    f"r_0(k, s) = 1 + {FIELD}",
    f"f(k, s) = 1 + {FIELD}",
]
# Not what was asked, or not true; each is refused or wrong, and never proved.
NOT_PROVED_RECURRENCES = [
    ("r_{l+1} = s_l r_l + k_l - s_l", "forward"),
    ("r_l = s_l r_l + k_l - s_l", "same index"),
    ("r_l = s_l r_{l-1} + k_l - s_l", "other direction"),
    ("r_{l-1} + 5 = s_l (r_l - 1) + k_l", "Not yet"),
    ("r_{l-1} = s_{l-1} r_l + k_{l-1} - s_{l-1}", "two layers"),
    ("r_{l-1}^2 = (s_l r_l + k_l - s_l)^2", "solve for it"),
    ("r_{l-1} (k_l - 3) = (s_l r_l + k_l - s_l) (k_l - 3)", "division by zero"),
    ("r_{l-1}/0 = s_l r_l + k_l - s_l", "division by zero"),
    ("r_{l-1} + 0 (r_{l-1}/(k_l - 3)) = s_l r_l + k_l - s_l", "division by zero"),
    ("0 (r_{l-1} + 1/(k_l - 3)) + r_{l-1} = s_l r_l + k_l - s_l", "division by zero"),
    ("r_{l-1} = s_l r_l + k_l - s_l = s_l r_l + k_l", "Not yet"),
    ("r_{l-1} = s_l r_l + k_l = s_l r_l + k_l - s_l", "Not yet"),
    ("y_0 = s*r + k - s", "is no name"),
    ("s*r + k - s = s*r + k - s", "not clear which r"),
    ("r_{l-1} = r_{l-1}", "cancels out"),
    ("2 r_{l-1} + k - k = 2 r_{l-1}", "cancels out"),
    ("r_{l-2} = s_l r_l + k_l - s_l", "two layers"),
    ("s*r + K - s + k - k", "could mean the same"),
    ("s*(r-1) + f", "two things"),
    ("s*(r-1) + k + 0*p", "padding"),
    ("r + (k-1)*j", "jump"),
    ("r_{l-1} = s*r_l - s + k + r - r", "not clear which r"),
    ("s*(r - 1) # + k", "Not yet"),
    ("s x r + k", "Not yet"),
    ("Eq(s*(r - 1) + k)", "Eq takes 2 values"),
    ("Eq(r_{l-1}, s*(r_l - 1) + k, 3)", "Eq takes 2 values"),
    (r"r_{l-1} \ge s_l (r_l - 1) + k_l", "does not fit here"),
    ("out = (in - 1)*s + k", "asked is the other direction"),
    (r"\boxed{s_l r_l} + \boxed{k_l}", "Not yet"),
    (r"s_l r_l + k_l - s_l \quad (2) + 0", "Not yet"),
    (r"s_l r_l + k_l - s_l (2)", "Not yet"),
    ("s*r + k - s before", "without words"),
    (r"r_{l-1} = s_l (r_l - 1) + k_l \quad \text{for } l \ge 1", "without words"),
    ("r_{l-1}(s_l) = s_l r_l + k_l - s_l", "Not yet"),
    ("r_{l-1}(r_l = s_l r_l + k_l - s_l", "must stand here"),
    ("r_{l-1}(r_l - 1) = s_l r_l + k_l - s_l", "Not yet"),
    ("r_{l-1}(r_{l+1}) = s_l r_l + k_l - s_l", "two layers"),
    ("r_{l-1}(r_{l-1}) = s_l r_l + k_l - s_l", "solve for it"),
    ("r_{l-1}(r_l, 1/0) = s_l r_l + k_l - s_l", "must stand here"),
    ("f(r, k, s) = s (r - 1) + k", "r for the field"),
    ("q(r, k, s) = s (r - 1) + k", "q stands on one side"),
    ("max(r, k, s) = s (r - 1) + k", "not clear which r"),
    ("r_l(r_{l-1}) = s_l r_{l-1} + k_l - s_l", "other direction"),
]
NOT_PROVED_CLOSED_FORMS = [
    (f"r_0 + 1 = 1 + {FIELD}", "Not yet"),
    (f"r_0 = r_1 = 1 + {FIELD}", "recurrence"),
    (f"rubbish = 1 + {FIELD}", "is no name"),
    ("1 + Σ_{l=1}^{s} (k_l − 1) ∏_{i<l} s_i", "needs the number"),
    ("1 + Σ_{l=1}^{l} (k_l − 1) ∏_{i<l} s_i", "has no meaning"),
    ("1 + Σ_{l=1}^{L} (k_l − 1) S_{l-1}", "two things"),
    (f"r_0 = 1 + {FIELD} = 1 + Σ_{{l=1}}^{{L}} (k_l − 1)", "Not yet"),
    ("1 + Σ_{l=1}^{n} (k_l − 1) ∏_{i<l} s_i + L − n", "has no meaning"),
    (f"r_0 ∏_{{i=1}}^{{L}} s_i = 1 + {FIELD}", "Not yet"),
    ("1 + Σ_{i=1}^{L} (k_i − 1) ∏_{j=0}^{i-1} s_j", "Not yet"),
    ("1 + Σ_{i=1}^{L} (k_i − 1) ∏_{j=0}^{i-1} s_j, s_0 = 2", "one formula only"),
    ("1 + Σ_{i=1}^{L} (k_i − 1) ∏_{j=0}^{i} s_j, s_0 = 1", "Not yet"),
    ("1 + Σ_{i=0}^{L-1} (k_i − 1) ∏_{j=0}^{i-1} s_j, s_0 = 1", "Not yet"),
    ("1 + Σ_{i=1}^{L} (k_i − 1) s_0 ∏_{j=1}^{i-1} s_j, s_0 = 1", "one formula only"),
    ("1 + Σ_{i=1}^{L} (k_i − 1) ∏_{j=0}^{i-1} s_j^1, s_0 = 1", "one formula only"),
    ("s_0 = 1", "is no name"),
    (f"1 + {FIELD} before", "without words"),
    (f"input = 1 + {FIELD}", "is no name"),
    ("r_0 = r_L ∏_{i=1}^{L} s_i + Σ_{l=1}^{L} (k_l − s_l) ∏_{i<l} s_i", "no other r in it"),
    ("R_k = 1 + Σ_{j=1}^{k} (F_j − 1) ∏_{i=1}^{j-1} S_i", "k already has a meaning here"),
    ("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i for all l", "without words"),
]


@pytest.mark.parametrize("answer", RIGHT_RECURRENCES)
def test_right_equations_and_notations_of_recurrences_are_proved(answer):
    assert check_recurrence(answer).status == "proved", check_recurrence(answer)


@pytest.mark.parametrize("answer", RIGHT_CLOSED_FORMS)
def test_right_equations_and_notations_of_closed_forms_are_proved(answer):
    assert check_closed_form(answer).status == "proved", check_closed_form(answer)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [(check_recurrence, *case) for case in NOT_PROVED_RECURRENCES]
    + [(check_closed_form, *case) for case in NOT_PROVED_CLOSED_FORMS],
)
def test_equations_that_say_something_else_are_never_proved(check, answer, words):
    verdict = check(answer)
    assert verdict.status in ("wrong", "unreadable")
    assert words in verdict.message


r, k, s = map(sympy.IndexedBase, "rks")
l = sympy.Symbol("l")  # noqa: E741


@pytest.mark.parametrize(
    ("expression", "status"),
    [
        (sympy.Eq(r[l - 1], s[l] * (r[l] - 1) + k[l]), "proved"),
        (sympy.Eq(s[l] * (r[l] - 1) + k[l], r[l - 1]), "proved"),
        (sympy.Eq(r[l - 1] - k[l], s[l] * (r[l] - 1)), "proved"),
        (sympy.Eq(r[l + 1], s[l] * (r[l] - 1) + k[l]), "unreadable"),
        (sympy.Eq(r[l - 1] + 5, s[l] * (r[l] - 1) + k[l]), "wrong"),
        (s[l + 3] * (r[l] - 1) + k[l], "unreadable"),
        (sympy.Eq(sympy.Symbol("q"), s[l] * (r[l] - 1) + k[l]), "unreadable"),
    ],
)
def test_indices_and_sides_of_sympy_expressions_count(expression, status):
    assert check_recurrence(expression).status == status


def test_a_sympy_sum_may_count_layers_from_0():
    i, L = sympy.symbols("i L")
    product = sympy.Product(s[i], (i, 0, l - 1))
    verdict = check_closed_form(1 + sympy.Sum((k[l] - 1) * product, (l, 0, L - 1)))
    assert verdict.status == "proved"
    assert said("counted from 0") in verdict.notes


def test_a_sympy_sum_may_run_over_any_symbol():
    L, layer, i = sympy.Symbol("L"), sympy.Symbol("layer"), sympy.Dummy("i")
    product = sympy.Product(s[i], (i, 1, layer - 1))
    verdict = check_closed_form(1 + sympy.Sum((k[layer] - 1) * product, (layer, 1, L)))
    assert verdict.status == "proved"


@pytest.mark.parametrize("name", ["r_l-1", "r_{l-1}"])
def test_an_index_in_the_name_of_a_sympy_symbol_is_read(name):
    field, kernel, stride = sympy.symbols("r_l k_l s_l")
    equation = sympy.Eq(sympy.Symbol(name), stride * (field - 1) + kernel)
    assert check_recurrence(equation).status == "proved"


@pytest.mark.parametrize("name", ["k-s", "s*r", "r)+(k", "k l"])
def test_a_sympy_symbol_is_no_formula(name):
    verdict = check_recurrence(sympy.Symbol("s") * sympy.Symbol("r") + sympy.Symbol(name))
    assert verdict.status == "unreadable" and "is not a name" in verdict.message


def test_how_letters_were_read_is_shown():
    verdict = check_closed_form("1 + Σ_{l=1}^{n} (K_l − 1) ∏_{i<l} S_i")
    assert verdict.notes == ("Read K as k, S as s and n as L.",)
    assert verdict.notes[0] in str(verdict) and verdict.notes[0] in verdict._repr_html_()
    assert "\\times" in check_recurrence("s \times r + k - s").notes[0]
    assert check_recurrence("s*r + k - s").notes == ()


@pytest.mark.parametrize("name", ["kernel_size", "K", "ksize", "kernels", "filter_size"])
def test_names_of_kernels_are_known(name):
    assert letter_of(name) == "k"


@pytest.mark.parametrize("one_layer", [True, False])
def test_each_known_mistake_is_named_however_it_is_written(one_layer):
    check = check_recurrence if one_layer else check_closed_form
    for name, text in mistakes.MISTAKES[one_layer]:
        verdict = check(f"({text})/2 + ({text})/2", dilation=True)
        assert (verdict.status, verdict.mistake) == ("wrong", name)
        teaches = phrases("checker: mistakes")[name]
        assert teaches in verdict.message and "(see section " in teaches


def test_the_table_of_mistakes_and_its_wording_hold_the_same_names():
    named = {name for table in mistakes.MISTAKES.values() for name, _ in table}
    taught = phrases("checker: mistakes")
    assert named | {"padding"} == set(taught)
    assert len(taught) >= 15


def test_no_right_answer_and_no_unknown_mistake_is_named():
    assert check_recurrence("s*(r - 1) + k + 3").mistake == ""
    assert check_recurrence("s*r + k - s").mistake == ""
    for one_layer, text in mistakes.TRUTH.items():
        assert read_text(text, one_layer)[0].node not in dict(mistakes.known(one_layer)).values()


def test_a_function_with_a_mistake_is_named_too():
    def forgets_the_strides(k, s):
        return 1 + sum(width - 1 for width in k)

    assert check_closed_form(forgets_the_strides).mistake == "strides forgotten"


def test_a_mistake_in_shallow_networks_alone_is_named_as_no_other(monkeypatch):
    def few(*kind):
        # As where time ends before deeper networks are tried.
        return tuple(case for case in networks.small_networks(*kind) if len(case.k) < 3)

    def takes_the_wrong_stride_for_two(k, s):
        if len(k) == 2:
            return k[0] + (k[1] - 1) * s[1]
        return 1 + sum((k[i] - 1) * math.prod(s[:i]) for i in range(len(k)))

    monkeypatch.setattr("labkit.receptive_field.checker.check.small_networks", few)
    verdict = check_closed_form(takes_the_wrong_stride_for_two)
    assert (verdict.status, verdict.mistake) == ("wrong", "")


def test_hints_come_by_degrees():
    verdict = check_recurrence("s*r + k - 1")
    direction, term, place = verdict.hints
    assert "too large, by 1" in direction and "stride" in term and "s·(r − 1)" in place
    html = verdict._repr_html_()
    assert html.count("<details>") == 3
    assert html.index(direction) < html.index(term) < html.index(place)
    assert html.rindex("<details>") > html.index(term)
    assert all(hint not in str(verdict) for hint in verdict.hints)


def test_the_terms_of_an_answer_stand_beside_those_of_the_truth():
    example = check_closed_form("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l} s_i").counter_example
    assert example.added_up == "The terms there: yours 1 + 2 = 3; the truth 1 + 1 = 2."
    for case in (example, check_recurrence("s*r - k").counter_example):
        assert (sum(case.your_terms), sum(case.true_terms)) == (case.yours, case.truth)


def test_a_counter_example_can_be_drawn():
    example = check_recurrence("r + k - 1").counter_example
    drawn = example.plot()
    titles = [axis.get_title() for axis in drawn.axes]
    expected = figures.plot_neurons(example.layers, units=dict(example.values)["r"])
    assert titles == [axis.get_title() for axis in expected.axes]


def test_the_scope_of_sums_and_products_is_drawn_in_brackets():
    verdict = check_closed_form("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i")
    html, markdown = verdict._repr_html_(), verdict._repr_markdown_()
    assert "</munderover><mrow><mo>(</mo>" in html and "<code>" not in html
    assert r"\sum_{l=1}^{L} \left(" in markdown
