"""The symbols of the derivation, and the few moves that several checks share.

Layers are numbered 1 to L from the input to the output. Layer l has the kernel ``k[l]``, the
stride ``s[l]`` and the dilation ``d[l]``; one unit of the last layer reads ``r[l]`` neighbouring
units of layer l, and ``r[0]`` input positions. ``P[l]`` is the product of the first l strides.
Layer l pads ``p[l]`` positions in front. What is read of it runs from ``a[l]`` to ``b[l]``, with
the middle ``c[l]``, and ``j`` is the number of the unit asked about.
"""

from sympy import Eq, Expr, IndexedBase, Product, Sum, Symbol, Wild, symbols

from labkit.receptive_field.derivation.step import ProofError

L, l, i, m, n = symbols("L l i m n", integer=True, positive=True)  # noqa: E741 (the letter of the lab)
j = Symbol("j", integer=True)
r, k, s, d, p, P, a, b, c = map(IndexedBase, "rksdpPabc")
r_0 = Symbol("r_0")
DEEPEST = 8

RECURRENCE = s[l] * r[l] + k[l] - s[l]
DILATED_RECURRENCE = s[l] * (r[l] - 1) + d[l] * (k[l] - 1) + 1


def stride_product(last: Expr, first: Expr = 1) -> Product:
    """Return the product of the strides of layers ``first`` to ``last``."""
    return Product(s[i], (i, first, last))


CLOSED_FORM = 1 + Sum((k[l] - 1) * stride_product(l - 1), (l, 1, L))
DILATED_CLOSED_FORM = 1 + Sum(d[l] * (k[l] - 1) * stride_product(l - 1), (l, 1, L))


def stated(left: Expr, right: Expr) -> Eq:
    """Write an equation down as it is: whether it holds is for the step's check to say."""
    return Eq(left, right, evaluate=False)


def require(holds: bool, reason: str) -> None:
    """Raise a ProofError with the reason unless the claim holds."""
    if not holds:
        raise ProofError(reason)


def require_left(equation: Eq, expected: Expr) -> None:
    """Insist that the left side is what the step speaks of."""
    require(equation.lhs == expected, f"the left side must be {expected}, not {equation.lhs}")


def require_equal(found: Expr, expected: Expr) -> None:
    """Insist that two expressions are equal as polynomials."""
    gap = (found - expected).expand()
    require(gap == 0, f"{found} differs from {expected} by {gap}")


def at_layer(formula: Expr, layer: Expr) -> Expr:
    """Write a formula for layer l for another layer."""
    return formula.subs(l, layer)


def unroll(recurrence: Expr, depth: int, down_to: int = 0) -> Expr:
    """Apply the recurrence from ``r[depth] = 1`` down to ``r[down_to]``, without any theory."""
    width = 1
    for layer in range(depth, down_to, -1):
        width = at_layer(recurrence, layer).subs(r[layer], width)
    return width


def name_products(expression: Expr) -> Expr:
    """Write the product of the first x strides as ``P[x]``; other products stay as they are."""
    last = Wild("last")
    return expression.replace(stride_product(last), lambda last: P[last])


def summand(expression: Expr, first: Expr) -> Expr:
    """Return what is summed in ``1 + Sum(…, (l, first, L))``, or refuse another shape."""
    total = expression - 1
    fits = isinstance(total, Sum) and total.limits == ((l, first, L),)
    require(fits, f"{expression} is not 1 plus a sum over l from {first} to L")
    return total.function
