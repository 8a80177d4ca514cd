"""Read a formula from text, without ever evaluating it as a program.

What is written in Python is left to :mod:`~.python_reading`. For the notation of mathematics, a
hand-written parser goes from the tokens to one :class:`~.formula.Node` for each side of an
equation. It knows the arithmetic of the lab, sums, products and a handful of functions. What the
letters mean is not its business: :mod:`~.meaning` says so, for every notation alike.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

from labkit.receptive_field.checker.evaluation import DEEPEST
from labkit.receptive_field.checker.formula import (
    ONE,
    ZERO,
    Big,
    Call,
    Item,
    Name,
    Node,
    Number,
    UnreadableError,
    joined,
)
from labkit.receptive_field.checker.meaning import (
    FUNCTIONS,
    Reading,
    called,
    is_place,
    letter_of,
    readings,
)
from labkit.receptive_field.checker.python_reading import is_python, read_python
from labkit.receptive_field.checker.tokens import Cleaned, Token, cleaned, tokens
from labkit.receptive_field.checker.wording import known_names, meaning_of, refused, said

_NUMPY = re.compile(r"\b(?:cumprod|cumsum|accumulate|array|arange|asarray)\b")
_CLOSING = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "⌈": "⌉"}
_STARTS_FACTOR = frozenset({"number", "word", "(", "[", "{", "⌊", "⌈", "frac", "Σ", "∏"})
_END = "the end"
# LaTeX takes one letter for an index: s_lr_l is s_l r_l. The last index is a token of its own.
_SIDE_BY_SIDE = re.compile(r"[rksd](?:_[a-z][rksd])+", re.IGNORECASE)
# What introduces a condition behind a formula, or goes on with a sentence.
_PROSE = frozenset(
    {*"with where and let using taking convention the by for if before after".split(), "for all"}
)


def read_text(text: str, one_layer: bool) -> tuple[Reading, ...]:
    """Read a recurrence in r, k, s and d, a closed form in k, s, d and L, or an equation for r.

    Args:
        text: the formula, with or without ``r_{l-1} =`` or ``r_0 =`` before it.
        one_layer: whether it is a recurrence.

    Returns:
        The ways to read it. Those of a closed form differ where layers may be counted from 0 or
        from 1: Python's lists count from 0 and the blackboard from 1, so that this comes first.

    Raises:
        UnreadableError: with the reason and the place.
    """
    clean = cleaned(text)
    if numpy := _NUMPY.search(clean.text):
        raise refused("numpy", clean.places[numpy.start()], name=numpy.group())
    python = is_python(clean.text)
    read = read_python if python else read_sides
    found = readings(lambda counts_from: read(clean, one_layer, counts_from), one_layer, python)
    return tuple(replace(reading, repaired=clean.repaired) for reading in found)


def read_sides(text: str | Cleaned, one_layer: bool, counts_from: int = 1) -> tuple[Node, ...]:
    """Read the sides of an equation, or the one side of a formula that stands alone.

    Args:
        text: the formula in the notation of mathematics.
        one_layer: whether it speaks of one layer, in a recurrence.
        counts_from: the number of the first layer in it, 0 or 1.

    Returns:
        The sides; layers are counted from 1 in them, and letters are the text's own.

    Raises:
        UnreadableError: with the reason and the place.
    """
    found = _spelled_out(tokens(text), one_layer)
    found, at = (found, None) if one_layer else _without_stride_0(found)
    if at is not None and counts_from == 0:
        raise refused("two formulas", at)
    end = len(text.text if isinstance(text, Cleaned) else text)
    cut = [(_without_arguments(side, found), at) for side, at in _sides(found, end)]
    sides = tuple(_Parser(*side, one_layer, counts_from).whole() for side in cut)
    if at is None:
        return sides
    sides = tuple(map(_product_from_1, sides))
    if any(map(_needs_stride_0, sides)):
        raise refused("two formulas", at)
    return sides


def _without_stride_0(found: tuple[Token, ...]) -> tuple[tuple[Token, ...], int | None]:
    """Take "with s_0 = 1" off the end, and say where it stood.

    It goes with products that begin at 0, as in ∏_{i=0}^{l−1} s_i, though layers count from 1.
    """
    last = [token for token in found if token.kind not in "{}()"][-5:]
    shown = ["=" if token.kind == "=" else token.text for token in last[1:]]
    if not last or letter_of(last[0].text) != "s" or shown != list("_0=1"):
        return found, None
    start = place = found.index(last[0])
    while start and (found[start - 1].text in _PROSE or found[start - 1].kind in (",", "(")):
        start -= 1
    return (found[:start], found[start].at) if 0 < start < place else (found, None)


def _product_from_1(node: Node) -> Node:
    """Let the products of strides alone that begin at 0 begin at 1, which s_0 = 1 allows."""
    match node:
        case Big("prod", Item(letter, Name(index)), variable, Number(0), last, at):
            if letter_of(letter) == "s" and index == variable:
                return Big("prod", node.body, variable, ONE, last, at)
    return node.rebuilt(_product_from_1)


def _needs_stride_0(node: Node) -> bool:
    """Tell whether s_0 still stands in a formula, by itself or where an index runs from 0."""
    match node:
        case Item(letter, Number(0)):
            return letter_of(letter) == "s"
        case Big(_, body, variable, Number(0)):
            return _needs_stride_0(body.substitute(variable, ZERO))
    return any(map(_needs_stride_0, node.children()))


def _sides(found: tuple[Token, ...], end: int) -> Iterator[tuple[tuple[Token, ...], int]]:
    """Cut at each sign of equality that stands outside all brackets, or as sympy's Eq does."""
    while found and found[0].kind == "{" and _closing(found) == len(found) - 1:
        found = found[1:-1]
    depth, start, equals, cuts, begin = 0, 0, "=", 0, found
    if [token.text for token in found[:2]] == ["Eq", "("] and found[-1].kind == ")":
        found, equals = found[2:-1], ","
    for place, token in enumerate(found):
        depth += (token.kind in "([{") - (token.kind in ")]}")
        if depth == 0 and token.kind == equals:
            yield found[start:place], token.at
            start, cuts = place + 1, cuts + 1
        elif depth == 0 and token.kind == ",":
            raise refused("two formulas", token.at)
    if equals == "," and cuts != 1:
        raise refused("arguments", begin[0].at, name="Eq", wanted=2)
    yield found[start:], end


def _without_arguments(side: tuple[Token, ...], found: tuple[Token, ...]) -> tuple[Token, ...]:
    """Leave out what fields are said to be functions of, as in ``r_{l-1}(r_l, k_l) - k_l = …``."""
    kept: list[Token] = []
    at = 0
    while at < len(side):
        end = at + _length_of_name(side[at:])
        name, rest = side[at:end], side[end:]
        closed = name and rest and rest[0].kind == "(" and _closing(rest) < len(rest)
        inner = rest[1 : _closing(rest)] if closed else ()
        is_field = bool(name) and letter_of(name[0].text) == "r"
        is_side = at == 0 and len(rest) == len(inner) + 2
        kept += side[at : max(end, at + 1)]
        at = max(end, at + 1)
        if inner and (is_field or is_side) and _are_arguments(inner, name, found):
            at = end + len(inner) + 2
    return tuple(kept)


def _are_arguments(
    inner: tuple[Token, ...], name: tuple[Token, ...], found: tuple[Token, ...]
) -> bool:
    """Tell whether what stands in brackets behind a name are its arguments, and no factor.

    They are where each is another name that stands elsewhere too; a single one may be a factor,
    unless it is a field, or its meaning that of no parameter.
    """
    commas = [n for n, token in enumerate(inner) if token.kind == ","]
    starts, ends = (0, *(n + 1 for n in commas)), (*commas, len(inner))
    arguments = [inner[start:end] for start, end in zip(starts, ends, strict=True)]
    is_name = name[0].text not in FUNCTIONS and all(
        0 < len(each) == _length_of_name(each) for each in arguments
    )
    if not is_name:
        return False
    letter = letter_of(inner[0].text)
    alone = letter == "r" or (len(name) > 1 and letter not in ("k", "s", "d", "p"))
    applied = commas or (alone and letter_of(name[0].text) == "r")
    whole, own = _plain_text(found), _plain_text(name)
    texts = [_plain_text(each) for each in arguments]
    return bool(applied) and all(text != own and whole.count(text) > 1 for text in texts)


def _length_of_name(found: tuple[Token, ...]) -> int:
    """Count the tokens of the name that stands first, with an index or without; 0 if none does."""
    kinds = [token.kind for token in found]
    if kinds[:1] != ["word"]:
        return 0
    if kinds[1:2] == ["["]:
        return 2 + _closing(found[1:])
    return 3 + _closing(found[2:]) if kinds[1:2] in (["_"], ["^"]) else 1


def _plain_text(found: tuple[Token, ...]) -> str:
    """Write tokens so that ``k_l`` and ``k_{l}`` look alike."""
    return re.sub(r"{ (\S+) }", r"\1", f" {' '.join(token.text for token in found)} ")


def _once(rule: Callable[["_Parser"], Node]) -> Callable[["_Parser"], Node]:
    """Follow a rule once at each place, however often what follows from it is taken back.

    Brackets that may be an index, and factors that may belong to a ∏, would cost 2ⁿ otherwise.
    """

    def follow(parser: "_Parser") -> Node:
        asked = rule.__name__, parser._place
        if asked not in parser._known:
            parser._known[asked] = rule(parser), parser._place
        node, parser._place = parser._known[asked]
        return node

    return follow


def _closing(found: tuple[Token, ...]) -> int:
    """Return the place of the bracket that closes the first one, or one behind all."""
    depths = accumulate((token.kind in "([{") - (token.kind in ")]}") for token in found)
    return next((place for place, depth in enumerate(depths) if depth == 0), len(found))


class _Parser:
    """Parse one side by recursive descent, one method for each rule of the grammar."""

    def __init__(self, found: tuple[Token, ...], end: int, one_layer: bool, counts_from: int):
        self._one_layer = one_layer
        self._counts_from = counts_from
        self._tokens = found
        self._end = Token(_END, "", end)
        self._place = 0
        self._depth = 0
        self._known: dict[tuple[str, int], tuple[Node, int]] = {}

    # The tokens.

    def _peek(self, ahead: int = 0) -> Token:
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else self._end

    def _next(self) -> Token:
        token = self._peek()
        self._place += 1
        return token

    def _meets(self, *kinds: str) -> Token | None:
        return self._next() if self._peek().kind in kinds else None

    def _expect(self, kind: str) -> Token:
        token = self._peek()
        if token.kind != kind:
            raise _unexpected(token, said("expected mark", mark=kind))
        return self._next()

    def _deeper(self, rule: Callable[[], Node]) -> Node:
        """Follow a rule one level down, to a limit, so that no text exhausts the stack."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise refused("too deep", self._peek().at)
        node = rule()
        self._depth -= 1
        return node

    # The grammar.

    def whole(self) -> Node:
        """Parse the whole side."""
        node = self._sum()
        token = self._peek()
        if token.kind != _END:
            raise _unexpected(token, said("expected nothing"))
        return node

    @_once
    def _sum(self) -> Node:
        return self._deeper(self._terms)

    def _terms(self) -> Node:
        terms = [self._term()]
        while sign := self._meets("+", "-"):
            term = self._term()
            terms.append(term if sign.kind == "+" else -term)
        return joined("+", terms)

    def _term(self) -> Node:
        """Parse factors; side by side means multiplied."""
        node = self._signed()
        while True:
            if self._meets("/"):
                node *= ONE / self._signed()
            elif mark := (self._meets("//", "%") or self._infix_mod()):
                other = self._signed()
                node = node // other if mark.kind == "//" else node % other
            elif self._meets("*") or self._infix_times():
                node *= self._signed()
            elif self._peek().kind in _STARTS_FACTOR:
                node *= self._power()
            else:
                return node

    def _infix_mod(self) -> Token | None:
        token = self._peek()
        infix = token.text == "mod" and token.kind == "word" and self._peek(1).kind != "("
        return self._next() if infix else None

    def _infix_times(self) -> Token | None:
        """Take an x between two factors as ×, as in ``(r - 1) x s``."""
        token = self._peek()
        infix = token.text in ("x", "X") and token.kind == "word"
        return self._next() if infix and self._peek(1).kind in _STARTS_FACTOR else None

    def _signed(self) -> Node:
        if self._meets("-"):
            return -self._deeper(self._signed)
        if self._meets("+"):
            return self._deeper(self._signed)
        return self._power()

    @_once
    def _power(self) -> Node:
        base = self._atom()
        if mark := self._meets("^"):
            return Call("^", (base, self._deeper(self._signed)), mark.at)
        return base

    def _atom(self) -> Node:
        token = self._next()
        match token.kind:
            case "number":
                return Number(Fraction(token.text))
            case "(" | "[" | "{":
                return self._closed_by(_CLOSING[token.kind])
            case "⌊":
                return Call("floor", (self._closed_by("⌋"),))
            case "⌈":
                return Call("ceil", (self._closed_by("⌉"),))
            case "frac":
                return self._braces() / self._braces()
            case "Σ" | "∏":
                return self._deeper(lambda: self._big(token))
            case "word":
                known = token.text in FUNCTIONS
                arguments = self._arguments() if known else ()
                return called(token.text, arguments, token.at) if known else self._named(token)
        raise _unexpected(token, said("expected atom"))

    def _closed_by(self, mark: str) -> Node:
        node = self._sum()
        self._expect(mark)
        return node

    def _braces(self) -> Node:
        if token := self._meets("number"):
            return Number(Fraction(token.text))
        self._expect("{")
        return self._closed_by("}")

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        arguments = [self._sum()]
        while self._meets(","):
            arguments.append(self._sum())
        self._expect(")")
        return tuple(arguments)

    # Names and their indices.

    def _named(self, token: Token) -> Node:
        """Parse a name with its index, as in ``k_l``, ``k[l]``, ``k(l)`` or ``k^{(l)}``."""
        if token.text in _PROSE:
            raise refused("words", token.at, word=token.text, names=known_names(self._one_layer))
        index = self._index() or self._index_above()
        if index is None and letter_of(token.text):
            index = self._index_in("[") or self._index_in("(")
        if isinstance(index, Name) and len(index.name) > 1:
            return Name(f"{token.text}_{index.name}", token.at)
        if index is None:
            return Name(token.text, token.at)
        shift = 0 if self._one_layer else 1 - self._counts_from
        return Item(token.text, index.plus(shift), token.at)

    def _index(self) -> Node | None:
        """Parse ``_l``, ``_{l}`` or ``_(l)`` where one stands here."""
        if not self._meets("_"):
            return None
        bracketed = self._peek().kind in ("{", "(")
        index = self._group()
        number = self._peek().kind == "_" and self._peek(1).kind == "number"
        if number and self._one_layer and not bracketed:
            self._next()
            return index.plus(-int(Fraction(self._next().text)))
        return index

    def _single_index(self) -> Node:
        token = self._next()
        if token.kind == "number":
            return Number(Fraction(token.text))
        if token.kind == "word":
            return Name(token.text, token.at)
        raise _unexpected(token, said("expected index"))

    def _index_above(self) -> Node | None:
        """Parse an index in brackets that is raised: ``^{(l)}``, ``^{[l]}`` or ``^[l]``."""
        ahead = [self._peek(place).kind for place in range(3)]
        if ahead[0] != "^" or not (ahead[1] == "[" or ahead[1:] in (["{", "("], ["{", "["])):
            return None
        start = self._place
        self._next()
        braced = self._meets("{")
        index = self._deeper(lambda: self._closed_by(_CLOSING[self._next().kind]))
        if braced and not self._meets("}"):
            self._place = start
            return None
        return index

    def _index_in(self, mark: str) -> Node | None:
        """Parse brackets after a name as an index where they hold a layer's number."""
        if self._peek().kind != mark:
            return None
        start = self._place
        self._next()
        index = self._deeper(lambda: self._closed_by(_CLOSING[mark]))
        if is_place(index, self._one_layer):
            return index
        self._place = start
        return None

    # Sums and products.

    def _big(self, token: Token) -> Node:
        kind = "sum" if token.kind == "Σ" else "prod"
        if self._peek().kind == "[":
            raise refused("mathematica", token.at, name=token.text)
        bounded = [self._peek(ahead).kind for ahead in (1, 2)] == ["word", "="]
        if self._peek().kind == "(" and not bounded:
            return self._big_call(kind, token)
        variable, first, last = self._bounds(token)
        body = self._term() if kind == "sum" else self._product_body(variable)
        return Big(kind, body, variable, first, last, token.at)

    def _bounds(self, token: Token) -> tuple[str, Node, Node]:
        """Parse ``_{l=1}^{L}``, ``_{i<l}``, ``_{1≤i<l}``, ``_l`` or ``(l=1..L)``, in any order."""
        upper = self._group() if self._meets("^") else None
        if not self._meets("_") and (upper or self._peek().kind != "("):
            raise refused("no bounds", token.at, name=token.text)
        if mark := self._meets("{", "("):
            variable, first, last, open_ended = self._range()
            self._expect(_CLOSING[mark.kind])
        else:
            variable, open_ended = self._variable(self._single_index()), True
            first = last = None
        if upper is None and self._meets("^"):
            upper = self._group()
        if (upper is None) == (last is None) and not open_ended:
            raise refused("upper bound", token.at, name=token.text)
        first = first or Number(Fraction(self._counts_from))
        return variable, first, upper or last or Name("L", token.at).plus(self._counts_from - 1)

    def _group(self) -> Node:
        if mark := self._meets("{", "("):
            return self._deeper(lambda: self._closed_by(_CLOSING[mark.kind]))
        return self._single_index()

    def _range(self) -> tuple[str, Node | None, Node | None, bool]:
        """Parse what stands under Σ: ``l=1``, ``l=1..L``, ``i<l``, ``1≤i<l`` or ``l``.

        Returns:
            The letter that runs, its first and last value, and whether it may run without an end.
        """
        parts, signs = [self._sum()], ""
        while sign := self._meets("=", "..", "<", "<="):
            signs += sign.kind
            parts.append(self._sum())
        first = last = None
        match signs, parts:
            case "", [variable]:
                pass
            case "=" | "=..", [variable, first, *ends]:
                last = ends[0] if ends else None
            case "<" | "<=", [Name() as variable, last]:
                last = last.plus(-1 if signs == "<" else 0)
            case "<" | "<=", [first, variable]:
                first = first.plus(1 if signs == "<" else 0)
            case "<<" | "<<=" | "<=<" | "<=<=", [first, variable, last]:
                first = first.plus(0 if signs.startswith("<=") else 1)
                last = last.plus(0 if signs.endswith("=") else -1)
            case _:
                raise refused("bounds", self._peek().at)
        if self._peek().kind in (",", ">", ">="):
            raise refused("bounds", self._peek().at)
        return self._variable(variable), first, last, last is None and signs != "="

    def _variable(self, node: Node) -> str:
        """Take what was read as the letter that runs."""
        if not isinstance(node, Name) or len(node.name) != 1:
            raise refused("bounds", self._peek().at)
        if taken := meaning_of(node.name):
            raise refused("letter taken", node.at, letter=node.name, meaning=taken)
        return node.name

    def _product_body(self, variable: str) -> Node:
        """Parse the factors that belong to a ∏: the first, and more while they mention i."""
        body = self._signed()
        while True:
            place = self._place
            divides = self._meets("/")
            if not divides and not self._meets("*") and self._peek().kind not in _STARTS_FACTOR:
                return body
            factor = self._signed() if self._place > place else self._power()
            if variable not in factor.free_names():
                self._place = place
                return body
            body *= ONE / factor if divides else factor

    def _big_call(self, kind: str, token: Token) -> Node:
        """Parse ``Sum(body, (l, 1, L))`` or ``sum(body, l=1..L)``."""
        self._expect("(")
        body = self._sum()
        if not self._meets(","):
            raise refused("no bounds", token.at, name=token.text)
        if self._peek().kind == "(":
            variable, *ends = self._arguments()
            whole = self._variable(variable), *ends
        else:
            whole = self._range()[:3]
        if len(whole) != 3 or None in whole:
            raise refused("upper bound", token.at, name=token.text)
        self._expect(")")
        return Big(kind, body, *whole, token.at)


def _spelled_out(found: tuple[Token, ...], one_layer: bool) -> tuple[Token, ...]:
    """Split words such as ``sr`` into letters that are multiplied, and ``kl`` into ``k_l``."""
    parts: list[Token] = []
    for token in found:
        word = token.text
        if token.kind == "word" and len(word) > 1 and word not in FUNCTIONS and not letter_of(word):
            parts += _letters_of(token, one_layer)
        else:
            parts.append(token)
    return tuple(parts)


def _letters_of(token: Token, one_layer: bool) -> list[Token]:
    first, rest = token.text[0], token.text[1:]
    kinds = ("_" if letter == "_" else "word" for letter in token.text)
    each = [Token(kind, token.text[n], token.at + n) for n, kind in enumerate(kinds)]
    if first in "rksd" and rest in (("l",) if one_layer else ("l", "i", "j", "m", "n")):
        return [each[0], Token("_", "_", token.at), each[1]]
    run_together = one_layer and set(token.text.lower()) <= set("rksd")
    return each if run_together or _SIDE_BY_SIDE.fullmatch(token.text) else [token]


def _unexpected(token: Token, reason: str) -> UnreadableError:
    """Say what does not fit, with the cure where it is a known one."""
    if token.kind in ("dots", "∈", "'", "."):
        return refused(token.kind, token.at)
    return refused("unexpected" if token.kind != _END else "ends", token.at, met=repr(token.text),
                   reason=reason)  # fmt: skip
