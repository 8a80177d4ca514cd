"""Positions: where a field begins, ends and has its middle, by the same recurrence and sum."""

from sympy import Eq, Expr, IndexedBase, Integer, Sum, symbols

from labkit.receptive_field.derivation.every_depth import LEMMA
from labkit.receptive_field.derivation.notation import (
    DILATED_RECURRENCE,
    L,
    P,
    a,
    b,
    c,
    d,
    j,
    k,
    l,
    name_products,
    p,
    r,
    require,
    require_equal,
    require_left,
    s,
    stated,
    stride_product,
    summand,
)
from labkit.receptive_field.derivation.step import Step

_stride, _dilation = symbols("stride dilation", integer=True, positive=True)
_padding = symbols("padding", integer=True, nonnegative=True)
_first = symbols("first", integer=True)
# Of the units and taps that are read, some lie before any other one, and some after it.
_before, _after, _earlier, _later = symbols(
    "before after earlier later", integer=True, nonnegative=True
)
u = IndexedBase("u")

_BEGIN = s[l] * a[l] - p[l]
_END = s[l] * b[l] - p[l] + d[l] * (k[l] - 1)
_MIDDLE = s[l] * c[l] - p[l] + d[l] * (k[l] - 1) / 2


def _position(unit: Expr, tap: Expr) -> Expr:
    """Return what a tap of a unit reads."""
    return _stride * unit - _padding + _dilation * tap


_last = _first + _before + _after
_some = _position(_first + _before, _earlier)
_MEANINGS = {
    **{a[l]: _first, b[l]: _last, k[l]: _earlier + _later + 1},
    **{s[l]: _stride, p[l]: _padding, d[l]: _dilation},
}


def _check_begin(equation: Eq) -> None:
    require_left(equation, a[l - 1])
    begin = _position(_first, Integer(0))
    require((_some - begin).expand().is_nonnegative, f"{begin} is not the first position read")
    require_equal(equation.rhs.subs(_MEANINGS), begin)


def _check_end(equation: Eq) -> None:
    require_left(equation, b[l - 1])
    end = _position(_last, _earlier + _later)
    require((end - _some).expand().is_nonnegative, f"{end} is not the last position read")
    require_equal(equation.rhs.subs(_MEANINGS), end)


def _check_width(equation: Eq) -> None:
    """Put the two ends into the width, in which the padding cancels."""
    require_left(equation, b[l - 1] - a[l - 1] + 1)
    require_equal(_END - _BEGIN + 1, equation.rhs.subs(r[l], b[l] - a[l] + 1))


def _check_middle(equation: Eq) -> None:
    require_left(equation, c[l - 1])
    between = (_BEGIN + _END) / 2
    require_equal(between, equation.rhs.subs(c[l], (a[l] + b[l]) / 2))


def _check_difference(equation: Eq) -> None:
    require_left(equation, P[l - 1] * a[l - 1] - P[l] * a[l])
    left = equation.lhs.subs({a[l - 1]: _BEGIN, P[l]: LEMMA.equation.rhs})
    require_equal(left, equation.rhs)


def _require_telescoped(found: Expr, place: IndexedBase, recurrence: Expr) -> None:
    """Insist on the sum of P[l − 1] x[l − 1] − P[l] x[l] over all layers, with x[L] = j.

    As for the width, sympy sums the differences; only the two ends remain, and both are known.
    """
    added = P[l - 1] * recurrence - LEMMA.equation.rhs * place[l]
    require_equal(name_products(summand(1 + found - P[L] * j, Integer(1))), added)
    ends = Sum(u[l - 1] - u[l], (l, 1, L)).doit()
    known = {u[0]: P[0] * place[0], u[L]: P[L] * place[L]}
    require_equal(ends.subs(known).subs({P[0]: 1, place[L]: j}), place[0] - P[L] * j)


def _check_start_of_unit(equation: Eq) -> None:
    """Sum the differences; a minus before the sum is one before each of its terms."""
    require_left(equation, a[0])
    total = P[L] * j - equation.rhs
    require(isinstance(total, Sum), f"{equation.rhs} is not a sum taken from P[L] j")
    _require_telescoped(P[L] * j + total.func(-total.function, *total.limits), a, _BEGIN)


def _check_centre(equation: Eq) -> None:
    require_left(equation, c[0])
    _require_telescoped(equation.rhs, c, _MIDDLE)


BEGIN = Step(
    "Where a field begins",
    "Padding puts $p_l$ positions before the first, so tap $i$ of unit $j$ reads $s_l j - p_l + "
    "d_l i$. Nothing lies before the first tap of the first unit, $a_l$.",
    stated(a[l - 1], _BEGIN),
    _check_begin,
)
END = Step(
    "Where a field ends",
    "Nothing lies after the last tap, $i = k_l - 1$, of the last unit, $b_l$.",
    stated(b[l - 1], _END),
    _check_end,
)
WIDTH = Step(
    "Padding widens nothing",
    "From $a_{l-1}$ to $b_{l-1}$, both counted, the padding cancels. With $r_l = b_l - a_l + 1$ "
    "the recurrence of the width is back: padding moves a field and leaves it as wide as it was.",
    stated(b[l - 1] - a[l - 1] + 1, DILATED_RECURRENCE),
    _check_width,
)
DIFFERENCE = Step(
    "A difference for positions",
    "Measure $a_l$ in input positions, $P_l a_l$. Passing a layer adds a term without any $a$.",
    stated(P[l - 1] * a[l - 1] - P[l] * a[l], -p[l] * P[l - 1]),
    _check_difference,
)
START_OF_UNIT = Step(
    "Effective stride and effective padding",
    "Add the differences, with $a_L = j$ for unit $j$ of the last layer. Neighbouring units begin "
    "$P_L$ positions apart: the effective stride. The first begins so far before the input as "
    "the sum says: the effective padding.",
    stated(a[0], P[L] * j - Sum(p[l] * stride_product(l - 1), (l, 1, L))),
    _check_start_of_unit,
)
MIDDLE = Step(
    "The middle of a field",
    "Half-way between the ends, $c_l = (a_l + b_l)/2$: a position, or between two of them.",
    stated(c[l - 1], _MIDDLE),
    _check_middle,
)
CENTRE = Step(
    "The centre",
    "Telescoping once more. A layer moves the centre to the middle of its kernel, "
    "$d_l (k_l - 1)/2$ further on, and back by what it pads in front. Where the two are equal, the "
    "centre stays.",
    stated(c[0], P[L] * j + Sum((d[l] * (k[l] - 1) / 2 - p[l]) * stride_product(l - 1), (l, 1, L))),
    _check_centre,
)
