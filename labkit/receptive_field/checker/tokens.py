"""Cut the text of a formula into tokens, from plain text, Unicode and LaTeX alike.

The tokens that come out are few: numbers, words, brackets, operators and the marks ``Σ`` and
``∏``. Nothing is interpreted here and nothing is evaluated anywhere.
"""

import re
from dataclasses import dataclass

from labkit.receptive_field.checker.formula import UnreadableError

LONGEST = 600
_LONGEST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class Token:
    """Hold a token: its kind (``number``, ``word`` or the mark itself), text and place."""

    kind: str
    text: str
    at: int


_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789+-=()aeoxhklmnpstijruv")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱⁿˡʲᵏᵐᴸ", "0123456789+-=()inljkmL")

_MARKS = {
    "**": "^", "^": "^", "//": "//", "<=": "<=", "≤": "<=", "⩽": "<=", "<": "<", "=": "=",
    "+": "+", "-": "-", "−": "-", "–": "-", "*": "*", "·": "*", "×": "*", "∙": "*", "⋅": "*",
    "∗": "*", "/": "/", "÷": "/", "∕": "/", "⁄": "/", "%": "%", "(": "(", ")": ")", "[": "[",
    "]": "]", "{": "{", "}": "}", ",": ",", ":": ":", "_": "_", "Σ": "Σ", "∑": "Σ", "Π": "∏",
    "∏": "∏", "⌊": "⌊", "⌋": "⌋", "⌈": "⌈", "⌉": "⌉",
}  # fmt: skip
_COMMANDS = {
    "sum": "Σ", "prod": "∏", "cdot": "*", "times": "*", "ast": "*", "div": "/", "le": "<=",
    "leq": "<=", "leqslant": "<=", "lt": "<", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈",
    "rceil": "⌉", "frac": "frac", "dfrac": "frac", "tfrac": "frac", "lbrack": "[", "rbrack": "]",
    "mod": "%",
    "bmod": "%",
}  # fmt: skip
_SPACING = frozenset(
    "left right limits nolimits displaystyle textstyle quad qquad big Big bigg Bigg bigl bigr "
    "Bigl Bigr biggl biggr Biggl Biggr".split()
)
_WORDS = {
    "sum": "Σ", "Sum": "Σ", "summation": "Σ", "prod": "∏", "Prod": "∏", "product": "∏",
    "Product": "∏", "ℓ": "l",
}  # fmt: skip

_TOKEN = re.compile(
    r"""(?P<space>\s+|\\[,;:!\ ]|\$|~)
      | (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
      | \\(?P<command>[A-Za-z]+)
      | (?P<word>kernel_size|dilation_rate|[A-Za-z]+|ℓ)
      | (?P<subscript>[₀-₉₊-₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ]+)
      | (?P<superscript>[⁰¹²³⁴-⁹⁺-⁾ⁱⁿˡʲᵏᵐᴸ]+)
      | (?P<mark>\*\*|//|<=|==|[^\w\s]|[_ΣΠ])
    """,
    re.VERBOSE,
)


def tokens(text: str) -> tuple[Token, ...]:
    """Cut a text into tokens.

    Args:
        text: the formula, at most 600 characters.

    Returns:
        The tokens in order, each with its place in the text.

    Raises:
        UnreadableError: naming the first character that belongs to no formula.
    """
    if len(text) > LONGEST:
        raise UnreadableError(f"it is longer than {LONGEST} characters", LONGEST)
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnreadableError(f"the character {text[at]!r} has no place in a formula", at)
        found += _classified(match, at)
        at = match.end()
    return tuple(found)


def _classified(match: re.Match, at: int) -> list[Token]:
    """Return the tokens that one match stands for."""
    kind, text = match.lastgroup, match.group(match.lastgroup)
    match kind:
        case "space":
            return []
        case "number":
            if len(text) > _LONGEST_NUMBER:
                raise UnreadableError(f"a number has more than {_LONGEST_NUMBER} digits", at)
            return [Token("number", text, at)]
        case "command":
            return _command(text, at)
        case "word":
            return [Token(_WORDS[text], text, at)] if _WORDS.get(text, "l") != "l" else [
                Token("word", _WORDS.get(text, text), at)
            ]  # fmt: skip
        case "subscript":
            return _raised_or_lowered("_", text.translate(_SUBSCRIPTS), at)
        case "superscript":
            return _raised_or_lowered("^", text.translate(_SUPERSCRIPTS), at)
    if text not in _MARKS:
        raise UnreadableError(f"{text!r} has no place in a formula", at)
    return [Token(_MARKS[text], text, at)]


def _command(name: str, at: int) -> list[Token]:
    """Return what a LaTeX command stands for."""
    if name in _SPACING:
        return []
    if name == "ell":
        return [Token("word", "l", at)]
    if name not in _COMMANDS:
        raise UnreadableError(f"the LaTeX command \\{name} has no place in a formula", at)
    return [Token(_COMMANDS[name], f"\\{name}", at)]


def _raised_or_lowered(mark: str, plain: str, at: int) -> list[Token]:
    """Write a run of small characters as a mark and a group in braces."""
    inner = [Token(token.kind, token.text, at + token.at) for token in tokens(plain)]
    return [Token(mark, mark, at), Token("{", "{", at), *inner, Token("}", "}", at)]
