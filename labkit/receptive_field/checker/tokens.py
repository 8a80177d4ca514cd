"""Cut the text of a formula into tokens, from plain text, Unicode and LaTeX alike.

The tokens that come out are few: numbers, words, brackets, operators and the marks ``Σ`` and
``∏``. Nothing is interpreted here and nothing is evaluated anywhere.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.receptive_field.checker.notation import NOTATION, by_spelling
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

_KINDS = by_spelling("kinds of tokens")
_LETTERS = NOTATION["commands for words"]
_FONTS = NOTATION["fonts"].split()
_SPACING = frozenset([*_FONTS, *NOTATION["commands that say nothing"].split()])
# What copying leaves behind becomes nothing.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys(NOTATION["characters that nobody sees"], ""),
        **{c: to for to, alike in NOTATION["characters that look alike"].items() for c in alike},
    }
)
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
_READABLE = (
    {name[1:] for name in _KINDS if name[0] == "\\"} | _LETTERS.keys() | _SPACING | {"begin"}
)

_TOKEN = re.compile(
    rf"""(?P<space>\s+|\\[,;:!\ ]|\\\\|\\[()\[\]]|[$~&]
          |\\(?:begin|end|color|textcolor)\s*\{{[a-z]+\*?\}}|\\(?:tag|label)\*?\s*\{{[^}}]*\}}
          |\\(?:text|mbox)\s*\{{[\s.,;]*\}})
      | (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
      | \\(?:{"|".join(_FONTS)})\s*\{{\s*(?P<name>[A-Za-z]+(?:(?:\\?_|\ )[A-Za-z]+)*)\s*\}}
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
    if "\uff01" <= character <= "\uff5e" or "\U0001d400" <= character <= "\U0001d7ff":
        character = unicodedata.normalize("NFKC", character)
    return character.translate(_PLAIN)


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
            return [Token(_KINDS.get(word, "word"), word, at)]
        case "subscript":
            return _raised_or_lowered("_", text.translate(_SUBSCRIPTS), at)
        case "superscript":
            return _raised_or_lowered("^", text.translate(_SUPERSCRIPTS), at)
    if text not in _KINDS:
        raise refused("character", at, character=repr(text))
    return [Token(_KINDS[text], text, at)]


def _command(name: str, at: int) -> list[Token]:
    """Return what a LaTeX command stands for."""
    if name in _SPACING:
        return []
    if name in _LETTERS:
        return [Token("word", _LETTERS[name], at)]
    command = f"\\{name}"
    if command not in _KINDS:
        raise refused("command", at, command=command)
    return [Token(_KINDS[command], command, at)]


def _raised_or_lowered(mark: str, plain: str, at: int) -> list[Token]:
    """Write a run of small characters as a mark and a group in braces."""
    inner = [Token(token.kind, token.text, at + token.at) for token in tokens(plain)]
    return [Token(mark, mark, at), Token("{", "{", at), *inner, Token("}", "}", at)]
