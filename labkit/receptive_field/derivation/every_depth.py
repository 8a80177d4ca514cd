"""Every depth: from the recurrence to the closed form, by telescoping and by induction."""

from sympy import Add, Eq, Expr, IndexedBase, Integer, Sum

from labkit.receptive_field.derivation.notation import (
    CLOSED_FORM,
    DEEPEST,
    DILATED_CLOSED_FORM,
    DILATED_RECURRENCE,
    RECURRENCE,
    L,
    P,
    at_layer,
    k,
    l,
    m,
    name_products,
    r,
    require,
    require_equal,
    require_left,
    s,
    stated,
    stride_product,
    summand,
    unroll,
)
from labkit.receptive_field.derivation.step import Step

_SHOWN = 3
u = IndexedBase("u")


def _measured(layer: Expr) -> Expr:
    """Return the term that telescopes: the steps between r[l] units, in input positions."""
    return P[layer] * (r[layer] - 1)


def _claim(layer: Expr) -> Expr:
    """Return the closed form of what the layers after ``layer`` see of it."""
    body = (k[l] - 1) * stride_product(l - 1, layer + 1)
    return 1 + Sum(body, (l, layer + 1, L))


_THREE_LAYERS = Add(
    Integer(1),
    *((k[layer] - 1) * stride_product(layer - 1).doit() for layer in range(1, _SHOWN + 1)),
    evaluate=False,
)


def _check_unrolled(equation: Eq) -> None:
    require_left(equation, r[0])
    require_equal(equation.rhs, unroll(RECURRENCE, _SHOWN))


def _agrees_with_unrolling(formula: Expr, recurrence: Expr, deepest: int) -> None:
    for depth in range(1, deepest + 1):
        require_equal(formula.subs(L, depth).doit(), unroll(recurrence, depth))


def _check_pattern(equation: Eq) -> None:
    require_left(equation, r[0])
    _agrees_with_unrolling(equation.rhs, RECURRENCE, DEEPEST)


def _check_lemma(equation: Eq) -> None:
    """It is what a product means; the check multiplies the first ones out."""
    require_left(equation, P[l])
    for layer in range(1, DEEPEST + 1):
        shorter, longer = stride_product(layer - 1).doit(), stride_product(layer).doit()
        require_equal(at_layer(equation.rhs, layer).subs(P[layer - 1], shorter), longer)


def _check_difference(equation: Eq) -> None:
    require_left(equation, _measured(l - 1) - _measured(l))
    left = equation.lhs.subs({r[l - 1]: RECURRENCE, P[l]: LEMMA.equation.rhs})
    require_equal(left, equation.rhs)


def _check_telescope(equation: Eq) -> None:
    """Let sympy sum the differences; only the two ends remain, and both are known."""
    require_left(equation, r[0])
    added = name_products(summand(equation.rhs, Integer(1)))
    require_equal(added, DIFFERENCE.equation.rhs)
    DIFFERENCE.verify()
    ends = Sum(u[l - 1] - u[l], (l, 1, L)).doit()
    known = ends.subs({u[0]: _measured(0), u[L]: _measured(L)}).subs({P[0]: 1, r[L]: 1})
    require_equal(known, r[0] - 1)


def _check_no_layers(equation: Eq) -> None:
    require_left(equation, _claim(L))
    require_equal(equation.lhs.doit(), equation.rhs)


def _check_one_more_layer(equation: Eq) -> None:
    """Peel the first term of the sum and the first factor of each product, by hand."""
    require_left(equation, at_layer(RECURRENCE, m).subs(r[m], _claim(m)))
    later = summand(_claim(m), m + 1)
    whole = summand(equation.rhs, m)
    first_term = whole.subs(l, m).doit()
    peeled_factor = s[m] * stride_product(l - 1, m + 1)
    require_equal(whole.subs(stride_product(l - 1, m), peeled_factor), s[m] * later)
    peeled = 1 + first_term + s[m] * Sum(later, (l, m + 1, L))
    require_equal(equation.lhs, peeled)
    left, right = (side.subs({m: 2, L: 4}).doit() for side in equation.args)
    require_equal(left, right)


def _check_by_induction(equation: Eq) -> None:
    """The claim at m = 0 is what base and step have proved."""
    require_left(equation, r[0])
    require(equation.rhs == _claim(Integer(0)), f"{equation.rhs} is not the claim at m = 0")
    NO_LAYERS.verify()
    ONE_MORE_LAYER.verify()
    require_equal(equation.rhs.subs(L, 2).doit(), unroll(RECURRENCE, 2))


def _check_dilated(equation: Eq) -> None:
    """The telescoping argument again, with d(k − 1) where k − 1 stood."""
    require_left(equation, r[0])
    difference = (_measured(l - 1) - _measured(l)).subs(
        {r[l - 1]: DILATED_RECURRENCE, P[l]: P[l - 1] * s[l]}
    )
    require_equal(name_products(summand(equation.rhs, Integer(1))), difference)
    _agrees_with_unrolling(equation.rhs, DILATED_RECURRENCE, deepest=4)


UNROLLED = Step(
    "Three layers, unrolled",
    "Put the recurrence into itself, from the last layer back to the input. Each kernel counts "
    "with the strides of the layers before it.",
    stated(r[0], _THREE_LAYERS),
    _check_unrolled,
)
PATTERN = Step(
    "The pattern",
    "Written as a sum, with 1 for a product without factors, it agrees with the unrolled "
    f"recurrence for $L = 1, \\dots, {DEEPEST}$, "
    "whatever the kernels and strides.",
    stated(r[0], CLOSED_FORM),
    _check_pattern,
    checked_up_to=DEEPEST,
)
LEMMA = Step(
    "The one lemma",
    "Let $P_l = \\prod_{i=1}^{l} s_i$, with $P_0 = 1$. One more factor takes it from $l - 1$ "
    "to $l$: this is what a product means, and not for a program to prove.",
    stated(P[l], P[l - 1] * s[l]),
    _check_lemma,
    checked_up_to=DEEPEST,
)
DIFFERENCE = Step(
    "Proof by telescoping: one difference",
    "Measure each $r_l - 1$ in input positions, $P_l (r_l - 1)$. By the recurrence and the "
    "lemma, passing a layer adds a term without any $r$.",
    stated(_measured(l - 1) - _measured(l), (k[l] - 1) * P[l - 1]),
    _check_difference,
)
TELESCOPE = Step(
    "Proof by telescoping: the sum",
    "Add the differences for $l = 1, \\dots, L$. All but the ends cancel: $P_0 (r_0 - 1) = r_0 "
    "- 1$ stays on one side, and $P_L (r_L - 1) = 0$ because $r_L = 1$. (Added over some of the "
    "layers only, they relate the $r$ at the two ends of these.) So for every $L$",
    stated(r[0], CLOSED_FORM),
    _check_telescope,
)
NO_LAYERS = Step(
    "Proof by induction: no layer",
    "Claim for $m$: $r_m = 1 + \\sum_{l=m+1}^{L} (k_l - 1) \\prod_{i=m+1}^{l-1} s_i$, the closed "
    "form of the layers after $m$. For $m = L$ there are none, the sum is empty, and $r_L = 1$.",
    stated(_claim(L), 1),
    _check_no_layers,
)
ONE_MORE_LAYER = Step(
    "Proof by induction: one more layer",
    "If the claim holds for $m$, the recurrence gives $r_{m-1}$. Its stride $s_m$ moves into "
    "every product, and $k_m - 1$ is the new first term: the claim for $m - 1$.",
    stated(at_layer(RECURRENCE, m).subs(r[m], _claim(m)), _claim(m - 1)),
    _check_one_more_layer,
)
INDUCTION = Step(
    "Proof by induction: the end",
    "Going down from $m = L$ to $m = 0$ gives the closed form once more.",
    stated(r[0], _claim(Integer(0))),
    _check_by_induction,
)
DILATED = Step(
    "The closed form with dilation",
    "Replace $k_l - 1$ by $d_l (k_l - 1)$ in the telescoping proof. The product still stops at "
    "$l - 1$: a layer's own stride does not widen what one of its units reads.",
    stated(r[0], DILATED_CLOSED_FORM),
    _check_dilated,
)
