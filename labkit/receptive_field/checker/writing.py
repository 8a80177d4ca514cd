"""Write a formula back, so that a student sees how an answer was understood.

One writer serves text, MathML and LaTeX. Where a formula is drawn, what a Σ or a ∏ runs over stands
in brackets unless it is a single name, so that its scope can be seen.
"""

import math
from fractions import Fraction

from labkit.receptive_field.checker.formula import (
    MINUS_ONE,
    ONE,
    Big,
    Call,
    Item,
    Name,
    Node,
    Number,
    joined,
    parts,
)
from labkit.receptive_field.checker.wording import said

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
        return said("long fraction", digits=digits)
    return said("long number", digits=digits)


_TEXT, _MATHML, _LATEX = range(3)
# How each part is written in the three, around parts that are written.
_TEMPLATES = {
    "number": ("{}", "<mn>{}</mn>", "{}"),
    "name": ("{}", "<mi>{}</mi>", "{}"),
    "function": ("{}", "<mi>{}</mi>", r"\operatorname{{{}}}"),
    "item": ("{}_{}", "<msub><mi>{}</mi><mrow>{}</mrow></msub>", "{}_{{{}}}"),
    "power": ("{}^{}", "<msup><mrow>{}</mrow><mrow>{}</mrow></msup>", "{{{}}}^{{{}}}"),
    # Without a line to draw it, a fraction needs brackets.
    "fraction": ("", "<mfrac><mrow>{}</mrow><mrow>{}</mrow></mfrac>", r"\frac{{{}}}{{{}}}"),
    "brackets": ("{}{}{}", "<mrow><mo>{}</mo>{}<mo>{}</mo></mrow>", r"\left{} {} \right{}"),
    "big": (
        "{}_{{{}={}}}^{{{}}} {}",
        "<mrow><munderover><mo>{}</mo><mrow>{}<mo>=</mo>{}</mrow><mrow>{}</mrow></munderover>{}"
        "</mrow>",
        "{}_{{{}={}}}^{{{}}} {}",
    ),
    "sign": (" {} ", "<mo>{}</mo>", " {} "),
}
# Signs that are not written as they are.
_SIGNS = {
    "·": ("·", "<mo>&#x2062;</mo>", r" \, "),
    "/": ("/", "<mo>/</mo>", " / "),
    "−": (" − ", "<mo>−</mo>", " - "),
    ",": (", ", "<mo>,</mo>", ", "),
}
_MARKS = {
    "Σ": ("Σ", "∑", r"\sum"), "∏": ("∏", "∏", r"\prod"),
    "⌊": ("⌊", "⌊", r"\lfloor"), "⌋": ("⌋", "⌋", r"\rfloor"),
    "⌈": ("⌈", "⌈", r"\lceil"), "⌉": ("⌉", "⌉", r"\rceil"),
}  # fmt: skip


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
        notation: its column in the tables.
    """

    def __init__(self, notation: int):
        self._column = notation
        self._drawn = notation != _TEXT

    def _as(self, part: str, *inner: object) -> str:
        return _TEMPLATES[part][self._column].format(*inner)

    def text(self, node: Node) -> str:
        """Write a formula."""
        return self._written(node)[0]

    def _inside(self, node: Node, strength: int) -> str:
        """Write a part, in brackets where it binds less than what is around it."""
        text, own = self._written(node)
        return text if own >= strength else self._in_brackets("()", text)

    def _in_brackets(self, pair: str, inner: str) -> str:
        left, right = map(self._mark, pair)
        return self._as("brackets", left, inner, right)

    def _mark(self, mark: str) -> str:
        return _MARKS[mark][self._column] if mark in _MARKS else mark

    def _sign(self, sign: str) -> str:
        return _SIGNS[sign][self._column] if sign in _SIGNS else self._as("sign", sign)

    def _written(self, node: Node) -> tuple[str, int]:
        """Return the text of a formula and how strongly it holds together."""
        match node:
            case Number(value):
                return self._number(value)
            case Name(name):
                return self._as("name", name), _ATOM
            case Item(letter, index):
                place = self._place(index)
                braced = place if len(place) == 1 or self._drawn else f"{{{place}}}"
                return self._as("item", letter, braced), _ATOM
            case Call("+", terms):
                return self._terms(terms), _SUM
            case Call("*", factors):
                return self._factors(factors)
            case Call("/", (over, under)):
                return self._fraction(over, under)
            case Call("^", (base, exponent)):
                raised = self._inside(exponent, _SUM if self._drawn else _ATOM)
                return self._as("power", self._inside(base, _ATOM), raised), _PRODUCT
            case Call(function, arguments):
                return self._call(function, arguments), _ATOM
            case Big():
                return self._big(node), _PRODUCT
        raise TypeError(f"{node!r} is not a formula")

    def _number(self, value: Fraction) -> tuple[str, int]:
        if value < 0:
            return self._sign("−").strip() + self._number(-value)[0], _SUM
        if value.denominator == 1:
            return self._as("number", value), _ATOM
        return self._fraction(*(Number(Fraction(part)) for part in value.as_integer_ratio()))

    def _terms(self, terms: tuple[Node, ...]) -> str:
        first, *others = terms
        text = self._inside(first, _SUM)
        for term in others:
            negative, rest = _signed(term)
            text += self._sign("−" if negative else "+")
            apart = negative or len(parts("+", rest)) > 1
            text += self._inside(rest, _PRODUCT if apart else _SUM)
        return text

    def _factors(self, factors: tuple[Node, ...]) -> tuple[str, int]:
        first, *rest = factors
        if first == MINUS_ONE and rest:
            return self._sign("−").strip() + self._factors(tuple(rest))[0], _SUM
        text = self._inside(first, _PRODUCT)
        for factor in rest:
            match factor:
                case Call("/", (over, under)) if over == ONE and self._drawn:
                    text = self._as("fraction", text, self.text(under))
                case Call("/", (over, under)) if over == ONE:
                    text += self._sign("/") + self._inside(under, _ATOM)
                case _:
                    text += self._sign("·") + self._inside(factor, _PRODUCT)
        return text, _PRODUCT

    def _fraction(self, over: Node, under: Node) -> tuple[str, int]:
        if self._drawn:
            return self._as("fraction", self.text(over), self.text(under)), _PRODUCT
        parts = self._inside(over, _PRODUCT), self._inside(under, _ATOM)
        return self._sign("/").join(parts), _PRODUCT

    def _call(self, function: str, arguments: tuple[Node, ...]) -> str:
        if function in ("<=", "=="):
            return self._sign({"<=": "≤", "==": "="}[function]).join(map(self.text, arguments))
        marks = {"floor": "⌊⌋", "ceil": "⌈⌉", "abs": "||"}.get(function, "")
        inner = self._sign(",").join(map(self.text, arguments))
        if marks and self._drawn:
            return self._in_brackets(marks, inner)
        return self._as("function", function) + self._in_brackets("()", inner)

    def _big(self, node: Big) -> str:
        if not node.variable.isalpha():
            used = node.letters() | {big.variable for big in node.bigs()}
            letter = next(letter for letter in SPARE if letter not in used)
            body = node.body.substitute(node.variable, Name(letter))
            return self._big(Big(node.kind, body, letter, node.first, node.last))
        mark = "Σ" if node.kind == "sum" else "∏"
        mark, variable = self._mark(mark), self._as("name", node.variable)
        body = self._inside(node.body, _ATOM if self._drawn else _PRODUCT)
        ends = self._place(node.first), self._place(node.last)
        return self._as("big", mark, variable, *ends, body)

    def _place(self, node: Node) -> str:
        """Write an index or a bound, in which numbers add up and names come first."""
        form = node.linear()
        return self.text(node if form is None else form.node())


def _signed(node: Node) -> tuple[bool, Node]:
    """Take a minus off a formula, and tell whether there was one."""
    match node:
        case Number(value) if value < 0:
            return True, Number(-value)
        case Call("*", (Number(value), *rest)) if value < 0 and rest:
            factors = (*([Number(-value)] if value != -1 else []), *rest)
            return True, joined("*", factors)
    return False, node
