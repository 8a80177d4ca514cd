"""LaTeX in the order a teacher writes: 1 + Σ …, s r + k − s, s (r − 1).

Sympy's own order is alphabetical, and puts the r of ``s[l] * (r[l] - 1)`` first. Only the order
changes here; what is printed is the equation itself.
"""

import re
from math import inf

from sympy import Add, Derivative, Expr, Indexed, Mul, Product, Sum
from sympy.printing.latex import LatexPrinter

_LETTERS = "dPskrpabc"


def latex(expression: Expr) -> str:
    r"""Write an expression as LaTeX, without dollar signs.

    Args:
        expression: any sympy expression or equation.

    Returns:
        The LaTeX text.

    Example:
        >>> from labkit.receptive_field.derivation.notation import RECURRENCE
        >>> print(latex(RECURRENCE))
        {s}_{l} {r}_{l} + {k}_{l} - {s}_{l}
    """
    return _Printer({"order": "none"}).doprint(expression)


class _Printer(LatexPrinter):
    def _as_ordered_terms(self, expr, order=None):
        return sorted(expr.args, key=_term_rank)

    def _print_Mul(self, expr):
        return super()._print_Mul(Mul(*sorted(expr.args, key=_factor_rank), evaluate=False))

    def _print_Indexed(self, expr: Indexed) -> str:
        # In braces of its own, a prime stands before the index instead of above it.
        return re.sub(r"^\{(\w+'+)\}", r"\1", super()._print_Indexed(expr))

    def _print_Derivative(self, expr: Derivative) -> str:
        (variable,) = expr.variables
        return rf"\frac{{\partial {self._print(expr.expr)}}}{{\partial {self._print(variable)}}}"


def _term_rank(term: Expr) -> tuple:
    """Order terms: sums last, layers by their number, minus after plus, numbers at the end."""
    numbers = [int(index) for item in term.atoms(Indexed) for index in item.indices
               if index.is_Integer]  # fmt: skip
    return (
        isinstance(term, Sum),
        max(numbers, default=inf if term.is_negative else 0),
        term.could_extract_minus_sign() and not isinstance(term, Add),
        term.is_Number,
        -len(Mul.make_args(term)),
        _factor_rank(min(Mul.make_args(term), key=_factor_rank)),
    )


def _factor_rank(factor: Expr) -> tuple:
    """Order factors: numbers, single symbols, brackets, products."""
    kind = 3 * isinstance(factor, Product | Sum) or 2 * isinstance(factor, Add)
    kind = kind or (not factor.is_Number)
    letter = _LETTERS.find(str(factor)[0]) if isinstance(factor, Indexed) else len(_LETTERS)
    return kind, letter, str(factor)
