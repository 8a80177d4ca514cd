"""Cut the text of a formula into tokens, from plain text, Unicode and LaTeX alike.

The tokens that come out are few: numbers, words, brackets, operators and the marks ``Σ`` and
``∏``. Nothing is interpreted here and nothing is evaluated anywhere.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.receptive_field.checker.wording import refused

LONGEST = 600
_LONGEST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class Token:
    """Hold a token: its kind (``number``, ``word`` or the mark itself), text and place."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Cleaned:
    """Hold a text without what copying and Python's escapes did to it.

    Args:
        text: the text.
        places: where each of its characters, and its end, stood in the original.
        repaired: the LaTeX commands that were put back where Python had read an escape.
    """

    text: str
    places: tuple[int, ...]
    repaired: tuple[str, ...] = ()


_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789+-=()aeoxhklmnpstijruv")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱⁿˡʲᵏᵐᴸ", "0123456789+-=()inljkmL")

# What copying leaves behind and nobody sees.
_UNSEEN = frozenset("\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\ufe0e\ufe0f")
_ALIKE = {
    **dict.fromkeys("−–—‐‑‒﹣⁃➖", "-"),
    **dict.fromkeys("·×∙⋅∗✕✖⨯", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("′’‘", "'"),
    **dict.fromkeys("⋯…", "…"),
    **dict.fromkeys("≔≡≜←", "="),
    "ℓ": "l", "≤": "≤", "⩽": "≤", "≥": "≥", "⩾": "≥", "∑": "Σ", "Π": "∏", "ℛ": "R", "`": " ",
}  # fmt: skip
_MARKS = {
    "**": "^", "^": "^", "//": "//", "<=": "<=", "≤": "<=", "<": "<", "=": "=", "==": "=",
    ":=": "=", "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "(": "(", ")": ")", "[": "[",
    "]": "]", "{": "{", "}": "}", r"\{": "{", r"\}": "}", ",": ",", ":": ":", ";": ",", "_": "_",
    "Σ": "Σ", "∏": "∏", "⌊": "⌊", "⌋": "⌋", "⌈": "⌈", "⌉": "⌉", ".": ".", "..": "..", "'": "'",
    "...": "dots", "…": "dots", "∈": "∈", "≥": ">=", ">=": ">=", ">": ">", "∀": "word",
}  # fmt: skip
_COMMANDS = {
    "sum": "Σ", "Sigma": "Σ", "prod": "∏", "Pi": "∏", "cdot": "*", "times": "*", "ast": "*",
    "div": "/", "le": "<=", "leq": "<=", "leqslant": "<=", "lt": "<", "lfloor": "⌊",
    "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "frac": "frac", "dfrac": "frac", "tfrac": "frac",
    "cfrac": "frac", "lbrack": "[", "rbrack": "]", "lbrace": "{", "rbrace": "}", "mod": "%",
    "bmod": "%", "in": "∈", "ge": ">=", "geq": ">=", "geqslant": ">=", "gt": ">",
    **dict.fromkeys("equiv coloneqq triangleq leftarrow gets".split(), "="), "prime": "'",
    "dots": "dots", "cdots": "dots", "ldots": "dots", "dotsb": "dots", "dotsc": "dots",
}  # fmt: skip
_LETTERS = {"ell": "l", "max": "max", "min": "min", "forall": "for all"}
_FONTS = "text textrm textit textbf textsf texttt mathrm mathit mathbf mathsf mathtt mathcal "
_FONTS += "operatorname boldsymbol bm mbox"
_SPACING = frozenset(
    "left right mleft mright limits nolimits displaystyle textstyle scriptstyle quad qquad big Big "
    "bigg Bigg bigl bigr bigm Bigl Bigr biggl biggr Biggl Biggr nonumber notag rm it mathstrut "
    f"thinspace enspace boxed {_FONTS}".split()
)
_WORDS = {
    "sum": "Σ", "Sum": "Σ", "summation": "Σ", "prod": "∏", "Prod": "∏", "product": "∏",
    "Product": "∏",
}  # fmt: skip
# What Python makes of LaTeX in quotes without an r before them.
_ESCAPES = {"\t": "t", "\r": "r", "\f": "f", "\b": "b", "\a": "a", "\v": "v", "\n": "n"}
# What can stand before a formula or a function's name, or behind a formula, and says nothing.
_EMPTY = re.compile(
    r"\A\s*return\b|\b(?:math|np|numpy|sympy|sp)\.(?=[A-Za-z])|(?<!\\)#.*"
    r"|\\q?quad\s*\([0-9.]+\)(?=[\s$\\\]]*\Z)"
)
# Braces around a sign make LaTeX set it closer.
_BRACED_SIGN = re.compile(r"\{(\s*(?:\\cdot|\\times|[-+*=])\s*)\}")
_COMMAND = re.compile(r"[A-Za-z]*")
_READABLE = _COMMANDS.keys() | _LETTERS.keys() | _SPACING | {"begin"}

_TOKEN = re.compile(
    rf"""(?P<space>\s+|\\[,;:!\ ]|\\\\|\\[()\[\]]|[$~&]
          |\\(?:begin|end|color|textcolor)\s*\{{[a-z]+\*?\}}|\\(?:tag|label)\*?\s*\{{[^}}]*\}}
          |\\(?:text|mbox)\s*\{{[\s.,;]*\}})
      | (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
      | \\(?:{"|".join(_FONTS.split())})\s*\{{\s*(?P<name>[A-Za-z]+(?:(?:\\?_|\ )[A-Za-z]+)*)\s*\}}
      | \\(?P<command>[A-Za-z]+)
      | (?P<word>[A-Za-z]+(?:\\?_[A-Za-z]{{2,}})*)
      | (?P<subscript>[₀-₉₊-₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ]+)
      | (?P<superscript>[⁰¹²³⁴-⁹⁺-⁾ⁱⁿˡʲᵏᵐᴸ]+)
      | (?P<mark>\*\*|//|<=|>=|==|:=|\.\.\.|\.\.|\\[{{}}]|[^\w\s]|[_Σ])
    """,
    re.VERBOSE,
)


def cleaned(text: str) -> Cleaned:
    """Drop what nobody sees in a text, and write alike what looks alike.

    Args:
        text: as it was typed or pasted, at most 600 characters.

    Returns:
        The text in plain letters, digits and signs, with the place of each character.

    Raises:
        UnreadableError: where it is too long.
    """
    if len(text) > LONGEST:
        raise refused("too long", LONGEST, most=LONGEST)
    characters, places, repaired = [], [], []
    for at, character in enumerate(text):
        command = _escaped(text, at)
        if command:
            repaired.append(command)
        plain = f"\\{_ESCAPES[character]}" if command else _plain(character)
        characters += plain
        places += [at] * len(plain)
    blank = _EMPTY.sub(lambda match: " " * len(match.group()), "".join(characters))
    blank = _BRACED_SIGN.sub(r" \1 ", blank)
    return Cleaned(blank, (*places, len(text)), tuple(repaired))


def _escaped(text: str, at: int) -> str:
    """Return the LaTeX command that Python read as an escape at a place, or nothing."""
    if text[at] not in _ESCAPES:
        return ""
    name = _ESCAPES[text[at]] + _COMMAND.match(text, at + 1).group()
    return name if len(name) > 2 and name in _READABLE else ""


def _plain(character: str) -> str:
    if character in _UNSEEN:
        return ""
    if "\uff01" <= character <= "\uff5e" or "\U0001d400" <= character <= "\U0001d7ff":
        character = unicodedata.normalize("NFKC", character)
    return _ALIKE.get(character, character)


def tokens(text: str | Cleaned) -> tuple[Token, ...]:
    """Cut a text into tokens.

    Args:
        text: the formula.

    Returns:
        The tokens in order, each with its place in the text; without the full stop at its end.

    Raises:
        UnreadableError: naming the first character that belongs to no formula.
    """
    text = text if isinstance(text, Cleaned) else cleaned(text)
    found = list(_tokens(text))
    while found and found[-1].kind in (".", ","):
        del found[-1]
    return tuple(found)


def _tokens(text: Cleaned) -> Iterator[Token]:
    at = 0
    while at < len(text.text):
        match = _TOKEN.match(text.text, at)
        if match is None:
            raise refused("character", text.places[at], character=repr(text.text[at]))
        yield from _classified(match, text.places[at])
        at = match.end()


def _classified(match: re.Match, at: int) -> list[Token]:
    """Return the tokens that one match stands for."""
    kind, text = match.lastgroup, match.group(match.lastgroup)
    match kind:
        case "space":
            return []
        case "number" if len(text) > _LONGEST_NUMBER:
            raise refused("long number", at, most=_LONGEST_NUMBER)
        case "number":
            return [Token("number", text, at)]
        case "command":
            return _command(text, at)
        case "word" | "name":
            word = re.sub(r"\\?_| ", "_", text)
            return [Token(_WORDS.get(word, "word"), word, at)]
        case "subscript":
            return _raised_or_lowered("_", text.translate(_SUBSCRIPTS), at)
        case "superscript":
            return _raised_or_lowered("^", text.translate(_SUPERSCRIPTS), at)
    if text not in _MARKS:
        raise refused("character", at, character=repr(text))
    return [Token(_MARKS[text], text, at)]


def _command(name: str, at: int) -> list[Token]:
    """Return what a LaTeX command stands for."""
    if name in _SPACING:
        return []
    if name in _LETTERS:
        return [Token("word", _LETTERS[name], at)]
    if name not in _COMMANDS:
        raise refused("command", at, command=f"\\{name}")
    return [Token(_COMMANDS[name], f"\\{name}", at)]


def _raised_or_lowered(mark: str, plain: str, at: int) -> list[Token]:
    """Write a run of small characters as a mark and a group in braces."""
    inner = [Token(token.kind, token.text, at + token.at) for token in tokens(plain)]
    return [Token(mark, mark, at), Token("{", "{", at), *inner, Token("}", "}", at)]
