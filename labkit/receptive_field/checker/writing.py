"""Write a formula back, so that a student sees how an answer was understood.

One writer serves text, MathML and LaTeX. Where a formula is drawn, what a Σ or a ∏ runs over stands
in brackets unless it is a single name, so that its scope can be seen.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from labkit.receptive_field.checker import wording
from labkit.receptive_field.checker.formula import (
    MINUS_ONE,
    ONE,
    Add,
    Big,
    Call,
    Divide,
    Item,
    Multiply,
    Name,
    Node,
    Number,
    Power,
    children,
    letters,
    linear,
    substitute,
)

_SUM, _PRODUCT, _ATOM = 1, 2, 3
_MOST_BITS_SHOWN = 200
# Letters for what a sum or product runs over, where it has none of its own.
SPARE = "ijmnqtuvwabcefgh"


def in_short(number: int | Fraction | float) -> str:
    """Write a number out, or say how long it is where nobody would read it.

    Args:
        number: any number.

    Returns:
        At most some 130 characters.

    Example:
        >>> in_short(Fraction(1, 3)), in_short(10**5000)
        ('1/3', 'a number of about 5001 digits')
    """
    if isinstance(number, float):
        return str(number)
    longest = max(abs(number.numerator), number.denominator)
    if longest.bit_length() <= _MOST_BITS_SHOWN:
        return str(number)
    digits = int(longest.bit_length() * math.log10(2)) + 1
    if number.denominator != 1:
        return wording.LONG_FRACTION.format(digits=digits)
    return wording.LONG_NUMBER.format(digits=digits)


@dataclass(frozen=True)
class _Notation:
    """Hold how one notation writes each part of a formula, from parts that are written."""

    number: Callable[[str], str]
    name: Callable[[str], str]
    sign: Callable[[str], str]
    brackets: Callable[[str, str, str], str]
    item: Callable[[str, str], str]
    power: Callable[[str, str], str]
    big: Callable[[str, str, str, str, str], str]
    called: Callable[[str], str]
    # Where fractions are drawn with a line; elsewhere they need brackets.
    fraction: Callable[[str, str], str] | None = None


def _braced(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


_TEXT = _Notation(
    number=str,
    name=str,
    sign=lambda sign: sign if sign in "·/" else f"{sign} " if sign == "," else f" {sign} ",
    brackets=lambda left, inner, right: f"{left}{inner}{right}",
    item=lambda letter, index: f"{letter}_{_braced(index)}",
    power=lambda base, exponent: f"{base}^{exponent}",
    big=lambda mark, variable, first, last, body: (
        f"{mark}_{{{variable}={first}}}^{{{last}}} {body}"
    ),
    called=str,
)
_MATHML = _Notation(
    number=lambda text: f"<mn>{text}</mn>",
    name=lambda text: f"<mi>{text}</mi>",
    sign=lambda sign: f"<mo>{'&#x2062;' if sign == '·' else sign}</mo>",
    brackets=lambda left, inner, right: f"<mrow><mo>{left}</mo>{inner}<mo>{right}</mo></mrow>",
    item=lambda letter, index: f"<msub><mi>{letter}</mi><mrow>{index}</mrow></msub>",
    power=lambda base, exponent: f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>",
    big=lambda mark, variable, first, last, body: (
        f"<mrow><munderover><mo>{'∑' if mark == 'Σ' else mark}</mo>"
        f"<mrow>{variable}<mo>=</mo>{first}</mrow><mrow>{last}</mrow></munderover>{body}</mrow>"
    ),
    called=lambda name: f"<mi>{name}</mi>",
    fraction=lambda over, under: f"<mfrac><mrow>{over}</mrow><mrow>{under}</mrow></mfrac>",
)
_LATEX = _Notation(
    number=str,
    name=str,
    sign=lambda sign: {"·": r" \, ", "−": " - ", ",": ", "}.get(sign, f" {sign} "),
    brackets=lambda left, inner, right: (
        rf"\left{_LATEX_BRACKETS.get(left, left)} {inner} \right{_LATEX_BRACKETS.get(right, right)}"
    ),
    item=lambda letter, index: f"{letter}_{{{index}}}",
    power=lambda base, exponent: f"{{{base}}}^{{{exponent}}}",
    big=lambda mark, variable, first, last, body: (
        rf"\{'sum' if mark == 'Σ' else 'prod'}_{{{variable}={first}}}^{{{last}}} {body}"
    ),
    called=lambda name: rf"\operatorname{{{name}}}",
    fraction=lambda over, under: rf"\frac{{{over}}}{{{under}}}",
)
_LATEX_BRACKETS = {"⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil"}


def written(node: Node) -> str:
    """Write a formula in Unicode.

    Args:
        node: the formula, layers counted from 1.

    Returns:
        Text such as ``1 + Σ_{l=1}^{L} (k_l − 1)·∏_{i=1}^{l − 1} s_i``, which can be read again.
    """
    return _Writer(_TEXT).text(node)


def in_mathml(nodes: tuple[Node, ...]) -> str:
    """Write formulas that are equal as MathML, which browsers show without any library.

    Args:
        nodes: the formulas, layers counted from 1.

    Returns:
        One ``math`` element.
    """
    sides = "<mo>=</mo>".join(f"<mrow>{_Writer(_MATHML).text(node)}</mrow>" for node in nodes)
    return f'<math display="block">{sides}</math>'


def in_latex(nodes: tuple[Node, ...]) -> str:
    """Write formulas that are equal as LaTeX.

    Args:
        nodes: the formulas, layers counted from 1.

    Returns:
        LaTeX for mathematics, without dollar signs.
    """
    return " = ".join(_Writer(_LATEX).text(node) for node in nodes)


class _Writer:
    """Write formulas in one notation.

    Args:
        notation: how each part is written.
    """

    def __init__(self, notation: _Notation):
        self._in = notation

    def text(self, node: Node) -> str:
        """Write a formula."""
        return self._written(node)[0]

    def _inside(self, node: Node, strength: int) -> str:
        """Write a part, in brackets where it binds less than what is around it."""
        text, own = self._written(node)
        return text if own >= strength else self._in.brackets("(", text, ")")

    def _written(self, node: Node) -> tuple[str, int]:
        """Return the text of a formula and how strongly it holds together."""
        match node:
            case Number(value):
                return self._number(value)
            case Name(name):
                return self._in.name(name), _ATOM
            case Item(letter, index):
                return self._in.item(letter, self._place(index)), _ATOM
            case Add(terms):
                return self._terms(terms), _SUM
            case Multiply(factors):
                return self._factors(factors)
            case Divide(over, under):
                return self._fraction(over, under)
            case Power(base, exponent):
                return self._power(base, exponent), _PRODUCT
            case Call(function, arguments):
                return self._call(function, arguments), _ATOM
            case Big():
                return self._big(node), _PRODUCT
        raise TypeError(f"{node!r} is not a formula")

    def _number(self, value: Fraction) -> tuple[str, int]:
        if value < 0:
            return self._in.sign("−").lstrip(" ").rstrip(" ") + self._number(-value)[0], _SUM
        if value.denominator == 1:
            return self._in.number(str(value)), _ATOM
        return self._fraction(*(Number(Fraction(part)) for part in value.as_integer_ratio()))

    def _terms(self, terms: tuple[Node, ...]) -> str:
        first, *others = terms
        text = self._inside(first, _SUM)
        for term in others:
            negative, rest = _signed(term)
            text += self._in.sign("−" if negative else "+")
            text += self._inside(rest, _PRODUCT if negative or isinstance(rest, Add) else _SUM)
        return text

    def _factors(self, factors: tuple[Node, ...]) -> tuple[str, int]:
        first, *rest = factors
        if first == MINUS_ONE and rest:
            sign = self._in.sign("−").strip()
            return sign + self._factors(tuple(rest))[0], _SUM
        text = self._inside(first, _PRODUCT)
        for factor in rest:
            inverse = isinstance(factor, Divide) and factor.over == ONE
            if inverse and self._in.fraction is not None:
                text = self._in.fraction(text, self.text(factor.under))
            elif inverse:
                text += self._in.sign("/") + self._inside(factor.under, _ATOM)
            else:
                text += self._in.sign("·") + self._inside(factor, _PRODUCT)
        return text, _PRODUCT

    def _fraction(self, over: Node, under: Node) -> tuple[str, int]:
        if self._in.fraction is not None:
            return self._in.fraction(self.text(over), self.text(under)), _PRODUCT
        parts = self._inside(over, _PRODUCT), self._inside(under, _ATOM)
        return self._in.sign("/").join(parts), _PRODUCT

    def _power(self, base: Node, exponent: Node) -> str:
        drawn = self._in.fraction is not None
        raised = self.text(exponent) if drawn else self._inside(exponent, _ATOM)
        return self._in.power(self._inside(base, _ATOM), raised)

    def _call(self, function: str, arguments: tuple[Node, ...]) -> str:
        if function in ("<=", "=="):
            return self._in.sign({"<=": "≤", "==": "="}[function]).join(map(self.text, arguments))
        marks = {"floor": "⌊⌋", "ceil": "⌈⌉", "abs": "||"}.get(function, "")
        inner = self._in.sign(",").join(map(self.text, arguments))
        if marks and self._in.fraction is not None:
            return self._in.brackets(marks[0], inner, marks[1])
        return self._in.called(function) + self._in.brackets("(", inner, ")")

    def _big(self, node: Big) -> str:
        if not node.variable.isalpha():
            used = letters(node) | {big.variable for big in _bigs(node)}
            letter = next(letter for letter in SPARE if letter not in used)
            body = substitute(node.body, node.variable, Name(letter))
            return self._big(Big(node.kind, body, letter, node.first, node.last))
        mark = "Σ" if node.kind == "sum" else "∏"
        ends = self._place(node.first), self._place(node.last)
        body = self._inside(node.body, _PRODUCT if self._in.fraction is None else _ATOM)
        return self._in.big(mark, self._in.name(node.variable), *ends, body)

    def _place(self, node: Node) -> str:
        """Write an index or a bound, in which numbers add up and names come first."""
        form = linear(node)
        if form is None:
            return self.text(node)
        ordered = sorted(form.coefficients, key=lambda pair: pair[1] < 0)
        parts = [_multiple(name, times) for name, times in ordered]
        if form.constant or not parts:
            parts.append(Number(Fraction(form.constant)))
        return self._terms(tuple(parts))


def _multiple(name: str, times: int) -> Node:
    factors = (Name(name),) if abs(times) == 1 else (Number(Fraction(abs(times))), Name(name))
    signed = (MINUS_ONE, *factors) if times < 0 else factors
    return signed[0] if len(signed) == 1 else Multiply(signed)


def _signed(node: Node) -> tuple[bool, Node]:
    """Take a minus off a formula, and tell whether there was one."""
    match node:
        case Number(value) if value < 0:
            return True, Number(-value)
        case Multiply((sign, *rest)) if sign == MINUS_ONE and rest:
            return True, rest[0] if len(rest) == 1 else Multiply(tuple(rest))
    return False, node


def _bigs(node: Node) -> list[Big]:
    inner = [big for part in children(node) for big in _bigs(part)]
    return [node, *inner] if isinstance(node, Big) else inner
