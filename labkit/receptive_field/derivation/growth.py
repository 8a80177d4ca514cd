"""Growth: constant layers, limits, and the derivatives that say what widens the field most."""

from sympy import (
    Derivative,
    Eq,
    Expr,
    Function,
    Limit,
    Sum,
    Symbol,
    cancel,
    diff,
    limit,
    powdenest,
    rsolve,
)
from sympy import symbols as make_symbols

from labkit.receptive_field.derivation.notation import (
    DILATED_RECURRENCE,
    L,
    P,
    at_layer,
    d,
    k,
    l,
    m,
    n,
    name_products,
    r,
    r_0,
    require,
    require_equal,
    require_left,
    s,
    stated,
    stride_product,
    unroll,
)
from labkit.receptive_field.derivation.step import Step

_k, _s, _d = make_symbols("k s d", integer=True, positive=True)
_field = Function("r")
_CONSTANT = DILATED_RECURRENCE.subs({k[l]: _k, s[l]: _s, d[l]: _d, r[l]: _field(n)})
_SOLUTION = 1 + _d * (_k - 1) * (_s**n - 1) / (_s - 1)
_STRAIGHT = 1 + n * _d * (_k - 1)
_DOUBLED = 1 + (_k - 1) * (2**L - 1)


def _vanishes(expression: Expr) -> bool:
    """Decide whether a rational function of the parameters and their powers is zero."""
    return cancel(powdenest(expression).expand(power_exp=True)) == 0


def _check_constant(equation: Eq) -> None:
    require_left(equation, _field(n))
    solved = rsolve(_field(n + 1) - _CONSTANT, _field(n), {_field(0): 1})
    require(_vanishes(solved - equation.rhs), f"rsolve finds {solved}")


def _check_limit(equation: Eq) -> None:
    require_left(equation, Limit(_SOLUTION, _s, 1, "+-"))
    found = limit(_SOLUTION, _s, 1)
    require(_vanishes(found - equation.rhs), f"the limit is {found}")


def _check_one_layer_deeper(equation: Eq) -> None:
    require_left(equation, _field(n + 1) - _field(n))
    found = _SOLUTION.subs(n, n + 1) - _SOLUTION
    require(_vanishes(found - equation.rhs), f"one more layer adds {found}")


def _check_derivative(equation: Eq, parameter: Expr) -> None:
    """Differentiate the field cut open at layer m, then compare with unrolled networks.

    By the telescoping proof the layers before m contribute a rest and the factor P[m-1], and
    neither the rest, the factor nor r[m] contains a parameter of layer m.
    """
    require_left(equation, Derivative(r_0, parameter))
    rest = Symbol("rest")
    field = rest + P[m - 1] * (at_layer(DILATED_RECURRENCE, m) - 1)
    require_equal(name_products(equation.rhs), diff(field, parameter))
    for depth in range(1, 5):
        for layer in range(1, depth + 1):
            slope = diff(unroll(DILATED_RECURRENCE, depth), parameter.subs(m, layer))
            width = unroll(DILATED_RECURRENCE, depth, down_to=layer)
            claimed = equation.rhs.subs(m, layer).doit().subs(r[layer], width)
            require_equal(slope, claimed)


def _check_kernel(equation: Eq) -> None:
    _check_derivative(equation, k[m])


def _check_dilation(equation: Eq) -> None:
    _check_derivative(equation, d[m])


def _check_stride(equation: Eq) -> None:
    _check_derivative(equation, s[m])


def _check_last_stride(equation: Eq) -> None:
    """Put the last layer into the derivative by a stride, where r[L] is 1."""
    require_left(equation, Derivative(r_0, s[L]))
    STRIDE.verify()
    require_equal(STRIDE.equation.rhs.subs(m, L).subs(r[L], 1), equation.rhs)


def _summed(stride: int, dilation: int) -> Expr:
    """Sum the closed form for the kernel k, one stride, and the dilations 1, q, q², …"""
    return 1 + (_k - 1) * Sum(dilation ** (l - 1) * stride ** (l - 1), (l, 1, L)).doit()


def _check_doubling(equation: Eq) -> None:
    """Sum the closed form with s = 1 and doubling dilation, and with s = 2 and none."""
    require_left(equation, r[0])
    for found in (_summed(stride=1, dilation=2), _summed(stride=2, dilation=1)):
        require(_vanishes(found - equation.rhs), f"the closed form gives {found}")


CONSTANT = Step(
    "All layers alike",
    "With the same $k$, $s$ and $d$ in all of $n$ layers the recurrence is linear with constant "
    "coefficients, and sympy's `rsolve` solves it for $s > 1$. The field grows like $s^n$.",
    stated(_field(n), _SOLUTION),
    _check_constant,
)
LIMIT = Step(
    "All layers alike, stride one",
    "At $s = 1$ that formula divides by zero, but its limit exists. Without strides the field "
    "grows only linearly with depth.",
    stated(Limit(_SOLUTION, _s, 1, "+-"), _STRAIGHT),
    _check_limit,
)
DEEPER = Step(
    "What grows it most: depth",
    "One more layer adds this much. Without strides it is always the same; with strides each "
    "layer adds $s$ times what the one before it added.",
    stated(_field(n + 1) - _field(n), _d * (_k - 1) * _s**n),
    _check_one_layer_deeper,
)
KERNEL = Step(
    "What grows it most: a wider kernel",
    "One more tap in layer $m$ is worth the product of all strides before it. Late kernels "
    "therefore count most.",
    stated(Derivative(r_0, k[m]), d[m] * stride_product(m - 1)),
    _check_kernel,
)
DILATION = Step(
    "What grows it most: dilation",
    "More dilation is worth the same product, once for every gap between taps, and costs no "
    "weights.",
    stated(Derivative(r_0, d[m]), (k[m] - 1) * stride_product(m - 1)),
    _check_dilation,
)
STRIDE = Step(
    "What grows it most: stride",
    "A larger stride in layer $m$ stretches everything that comes after it, $r_m - 1$. Early "
    "strides therefore count most, at the price of resolution.",
    stated(Derivative(r_0, s[m]), (r[m] - 1) * stride_product(m - 1)),
    _check_stride,
)
LAST_STRIDE = Step(
    "The last stride adds nothing",
    "After the last layer there is nothing to stretch, $r_L - 1 = 0$.",
    stated(Derivative(r_0, s[L]), 0),
    _check_last_stride,
)
DOUBLING = Step(
    "Doubling the dilation",
    "With strides of one and the dilations $1, 2, 4, \\dots, 2^{L-1}$ the field grows as fast "
    "as with a stride of two in each layer, and the resolution stays.",
    stated(r[0], _DOUBLED),
    _check_doubling,
)
