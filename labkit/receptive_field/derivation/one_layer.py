"""One layer: from what a unit reads to the recurrence, with and without dilation."""

from sympy import Add, Eq, Expr, IndexedBase, Integer, Symbol, expand, symbols

from labkit.receptive_field.derivation.notation import (
    DILATED_RECURRENCE,
    RECURRENCE,
    L,
    d,
    k,
    l,
    r,
    require,
    require_equal,
    require_left,
    s,
    stated,
)
from labkit.receptive_field.derivation.step import Step

_ZERO, _ONE = Integer(0), Integer(1)
_j0 = Symbol("j_0", integer=True)
_stride, _dilation = symbols("stride dilation", integer=True, positive=True)
# A unit has `before` and `after` neighbours among the r, a tap has `earlier` and `later` ones
# among the k. They are free of each other and never negative, so a sign proved with them holds
# for every unit and every tap, whatever the parity of k.
_before, _after, _earlier, _later = symbols(
    "before after earlier later", integer=True, nonnegative=True
)


def _width(
    equation_side: Expr,
    before: Expr = _before,
    after: Expr = _after,
    earlier: Expr = _earlier,
    later: Expr = _later,
    dilation: Expr = _ONE,
) -> tuple[Expr, Expr]:
    """Return a side of an equation and the proved width of the hull, in the slack symbols."""

    def position(unit: Expr, tap: Expr) -> Expr:
        return _stride * unit + dilation * tap

    units, taps = before + after + 1, earlier + later + 1
    first, last = position(_j0, 0), position(_j0 + units - 1, taps - 1)
    some = position(_j0 + before, earlier)
    require(expand(some - first).is_nonnegative, f"{first} is not the first position read")
    require(expand(last - some).is_nonnegative, f"{last} is not the last position read")
    meanings = {r[l]: units, k[l]: taps, s[l]: _stride, d[l]: dilation}
    return equation_side.subs(meanings), last - first + 1


_ENDS = Add(s[l] * (_j0 + r[l] - 1) + k[l] - 1, -s[l] * _j0, _ONE, evaluate=False)
_WIDENED = IndexedBase("k'")[l]


def _check_single_tap(equation: Eq) -> None:
    require_left(equation, r[l - 1])
    require_equal(*_width(equation.rhs, earlier=_ZERO, later=_ZERO))


def _check_ends(equation: Eq) -> None:
    require_left(equation, _ENDS)
    require(not equation.rhs.has(_j0), "the width must not depend on j_0")
    require_equal(*_width(equation.lhs))
    require_equal(*_width(equation.rhs))


def _check_recurrence(equation: Eq) -> None:
    require_left(equation, r[l - 1])
    require_equal(*_width(equation.rhs))


def _check_start(equation: Eq) -> None:
    """One unit of the last layer is a range from that unit to itself."""
    require_left(equation, r[L])
    require_equal(equation.rhs, _j0 - _j0 + 1)


def _check_widened_kernel(equation: Eq) -> None:
    require_left(equation, _WIDENED)
    one_unit = {"before": _ZERO, "after": _ZERO, "dilation": _dilation}
    require_equal(*_width(equation.rhs, **one_unit))


def _check_dilated_recurrence(equation: Eq) -> None:
    require_left(equation, r[l - 1])
    require_equal(equation.rhs, RECURRENCE.subs(k[l], d[l] * (k[l] - 1) + 1))
    require_equal(*_width(equation.rhs, dilation=_dilation))


SINGLE_TAP = Step(
    "A kernel of width one",
    "With $k_l = 1$, unit $j$ reads the single position $s_l j$. The $r_l$ neighbouring units "
    "$j_0, \\dots, j_0 + r_l - 1$ read from $s_l j_0$ to $s_l (j_0 + r_l - 1)$.",
    stated(r[l - 1], s[l] * (r[l] - 1) + 1),
    _check_single_tap,
)
ENDS = Step(
    "A kernel of any width",
    "Unit $j$ reads $\\{ s_l j + i : 0 \\le i < k_l \\}$. No position is smaller than the first "
    "tap of the first unit, none larger than the last tap of the last one, be $k_l$ odd or even. "
    "From end to end, with nothing counted twice, that is",
    stated(_ENDS, s[l] * (r[l] - 1) + k[l]),
    _check_ends,
)
RECURRENCE_STEP = Step(
    "The recurrence",
    "That width is what the units of layer $l$ read of the layer before.",
    stated(r[l - 1], RECURRENCE),
    _check_recurrence,
)
START = Step(
    "Where it starts",
    "The question is asked of one unit of the last layer, and one unit is one wide.",
    stated(r[L], 1),
    _check_start,
)
WIDENED_KERNEL = Step(
    "Dilation widens the kernel",
    "With dilation, tap $i$ reads $s_l j + d_l i$. One unit then reaches from $0$ to "
    "$d_l (k_l - 1)$, holes included: as wide as an undilated kernel of width $k'_l$.",
    stated(_WIDENED, d[l] * (k[l] - 1) + 1),
    _check_widened_kernel,
)
DILATED_RECURRENCE_STEP = Step(
    "The recurrence with dilation",
    "Only the ends matter to the hull, so $k'_l$ takes the place of $k_l$.",
    stated(r[l - 1], DILATED_RECURRENCE),
    _check_dilated_recurrence,
)
