"""Read a formula from text, without ever evaluating it as a program.

A hand-written parser goes from the tokens to a :class:`~.formula.Node`. It knows the arithmetic
of the lab, sums, products and a handful of functions; whatever else stands in the text is
refused with the reason and the place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from labkit.receptive_field.checker.budget import FOR_READING, Budget
from labkit.receptive_field.checker.evaluation import Evaluator
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
    TooCostlyError,
    UndefinedError,
    UnreadableError,
    children,
    free_names,
    letters,
    plus,
)
from labkit.receptive_field.checker.tokens import Token, tokens

_DEEPEST = 40
_DEEPEST_TREE = 150
_LARGEST_EXPONENT = 16
_MOST_REMAINDERS = 30
_FUNCTIONS = {
    "floor": ("floor", 1), "ceil": ("ceil", 1), "ceiling": ("ceil", 1), "abs": ("abs", 1),
    "Abs": ("abs", 1), "min": ("min", None), "Min": ("min", None), "max": ("max", None),
    "Max": ("max", None), "mod": ("mod", 2), "Mod": ("mod", 2),
}  # fmt: skip
_ALIASES = {
    "kernel": "k", "kernels": "k", "kernel_size": "k", "stride": "s", "strides": "s",
    "dilation": "d", "dilations": "d", "dilation_rate": "d",
}  # fmt: skip
_KEYWORDS = frozenset({"for", "in", "range", "len", *_FUNCTIONS})
_CLOSING = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "⌈": "⌉"}
_STARTS_FACTOR = frozenset({"number", "word", "(", "[", "{", "⌊", "⌈", "frac", "Σ", "∏"})
_END = "the end"


@dataclass(frozen=True)
class Reading:
    """Hold one way to read an answer.

    Args:
        node: the formula, layers counted from 1.
        counts_from: the number of the first layer in the answer's own notation, 0 or 1.
    """

    node: Node
    counts_from: int = 1

    @property
    def letters(self) -> frozenset[str]:
        """The layer parameters and names that occur."""
        return letters(self.node)


@dataclass(frozen=True)
class _Slice:
    """Hold ``s[first:last]``, which means something inside a sum or product only."""

    letter: str
    first: Node | None
    last: Node | None
    at: int


def read_recurrence(text: str) -> tuple[Reading, ...]:
    """Read the right side of a recurrence in r, k, s and d.

    Args:
        text: the formula, with or without ``r_{l-1} =`` before it.

    Returns:
        The single way to read it.

    Raises:
        UnreadableError: with the reason and the place.
    """
    parser = _Parser(text, one_layer=True)
    node = parser.whole()
    check_powers(node)
    return (Reading(node),)


def read_closed_form(text: str) -> tuple[Reading, ...]:
    """Read a closed form in k, s, d and L.

    Args:
        text: the formula, with or without ``r_0 =`` before it.

    Returns:
        The ways to read it. There are two where Python's notation leaves open whether the
        layers count from 0, as lists do, or from 1, as on the blackboard.

    Raises:
        UnreadableError: with the reason and the place.
    """
    parser = _Parser(text)
    readings = [Reading(parser.whole())]
    if parser.pythonic:
        readings.insert(0, Reading(_Parser(text, counts_from=0).whole(), 0))
    for reading in readings:
        check_names(reading.node, frozenset({"L"}))
        check_powers(reading.node)
    return tuple(readings)


class _Parser:
    """Parse one text by recursive descent, one method for each rule of the grammar."""

    def __init__(self, text: str, one_layer: bool = False, counts_from: int = 1):
        self._one_layer = one_layer
        self._counts_from = counts_from
        self._tokens = _spelled_out(_right_side(tokens(text)), one_layer)
        self._end = Token(_END, "", len(text))
        self._place = 0
        self._depth = 0
        self._remainders = 0
        self._set_aside: dict[int, tuple[Node, int]] = {}
        self._layer_letter: str | None = None
        self.pythonic = False

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

    def _meets_word(self, *words: str) -> Token | None:
        token = self._peek()
        return self._next() if token.kind == "word" and token.text in words else None

    def _expect(self, kind: str) -> Token:
        token = self._peek()
        if token.kind != kind:
            raise _unexpected(token, f"{kind!r} must stand here")
        return self._next()

    def _deeper(self, rule: Callable[[], Node]) -> Node:
        """Follow a rule one level down, to a limit, so that no text exhausts the stack."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnreadableError("it is nested too deeply", self._peek().at)
        node = rule()
        self._depth -= 1
        return node

    # The grammar.

    def whole(self) -> Node:
        """Parse the whole text."""
        node = self._sum()
        token = self._peek()
        if token.kind != _END:
            raise _unexpected(token, "it does not fit here")
        check_depth(node)
        return node

    def _sum(self) -> Node:
        return self._deeper(self._sum_here)

    def _sum_here(self) -> Node:
        terms = [self._term()]
        while sign := self._meets("+", "-"):
            term = self._term()
            terms.append(term if sign.kind == "+" else Multiply((MINUS_ONE, term)))
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def _term(self) -> Node:
        """Parse factors; side by side means multiplied."""
        node = self._signed()
        while True:
            if self._meets("/"):
                node = _times(node, Divide(ONE, self._factor(self._signed)))
            elif mark := (self._meets("//", "%") or self._infix_mod()):
                self._remainders += 1
                if self._remainders > _MOST_REMAINDERS:
                    reason = f"it has more than {_MOST_REMAINDERS} divisions with remainder"
                    raise UnreadableError(reason, mark.at)
                other = self._signed()
                whole = mark.kind == "//"
                node = (
                    Call("floor", (Divide(node, other),)) if whole else Call("mod", (node, other))
                )
            elif self._meets("*"):
                node = _times(node, self._factor(self._signed))
            elif self._starts_factor():
                node = _times(node, self._factor(self._power))
            else:
                return node

    def _factor(self, rule: Callable[[], Node]) -> Node:
        """Follow a rule, or take what it gave when a product before left this factor over.

        Without that each product inside a product would read twice all that follows it.
        """
        if self._place in self._set_aside:
            node, self._place = self._set_aside[self._place]
            return node
        return rule()

    def _infix_mod(self) -> Token | None:
        written_as_function = self._peek(1).kind == "("
        return None if written_as_function else self._meets_word("mod")

    def _starts_factor(self) -> bool:
        token = self._peek()
        return token.kind in _STARTS_FACTOR and token.text not in ("for", "in")

    def _signed(self) -> Node:
        if self._meets("-"):
            return Multiply((MINUS_ONE, self._deeper(self._signed)))
        if self._meets("+"):
            return self._deeper(self._signed)
        return self._power()

    def _power(self) -> Node:
        base = self._atom()
        if mark := self._meets("^"):
            return Power(base, self._deeper(self._signed), mark.at)
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
                return Divide(self._braces(), self._braces())
            case "Σ" | "∏":
                return self._deeper(lambda: self._big(token))
            case "word":
                return self._word(token)
        raise _unexpected(token, "a number, a name or a bracket must stand here")

    def _closed_by(self, mark: str) -> Node:
        node = self._sum()
        self._expect(mark)
        return node

    def _braces(self) -> Node:
        self._expect("{")
        return self._closed_by("}")

    def _word(self, token: Token) -> Node:
        word = _ALIASES.get(token.text, token.text)
        if word in _FUNCTIONS:
            return self._call(token)
        if word == "len" and not self._one_layer:
            return self._length(token)
        if self._one_layer:
            return self._parameter_of_the_layer(word, token)
        if word in ("k", "s", "d"):
            return self._parameter(word, token)
        if word == "r":
            raise UnreadableError("a closed form does not contain r", token.at)
        if len(word) == 1:
            return Name(word, token.at)
        raise _unknown(token, "k, s, d with an index, L, and the letters of Σ and ∏")

    def _call(self, token: Token) -> Node:
        function, wanted = _FUNCTIONS[token.text]
        self._expect("(")
        arguments = [self._sum()]
        while self._meets(","):
            arguments.append(self._sum())
        self._expect(")")
        if len(arguments) != wanted and (wanted or len(arguments) < 2):
            raise UnreadableError(f"{token.text} takes {wanted or 'two or more'} values", token.at)
        return Call(function, tuple(arguments))

    def _length(self, token: Token) -> Node:
        self._expect("(")
        word = self._next()
        if _ALIASES.get(word.text, word.text) not in ("k", "s", "d"):
            raise UnreadableError("len is for k, s or d", word.at)
        self._expect(")")
        self.pythonic = True
        return Name("L", token.at)

    # One layer's parameters, in the recurrence.

    def _parameter_of_the_layer(self, word: str, token: Token) -> Node:
        if word not in ("r", "k", "s", "d"):
            raise _unknown(token, "r, k, s and d")
        index = self._index()
        if index is not None:
            self._require_this_layer(word, index, token)
        return Name(word, token.at)

    def _require_this_layer(self, word: str, index: Node, token: Token) -> None:
        if not isinstance(index, Name) or index.name in "rksd":
            reason = f"the recurrence speaks of one layer l: write {word} or {word}_l"
            raise UnreadableError(reason, token.at)
        self._layer_letter = self._layer_letter or index.name
        if index.name != self._layer_letter:
            reason = f"it speaks of two layers, {self._layer_letter} and {index.name}"
            raise UnreadableError(reason, token.at)

    def _index(self) -> Node | None:
        """Parse ``_l``, ``_{l}``, ``_(l)`` or ``[l]`` where one stands here."""
        if self._meets("["):
            return self._deeper(lambda: self._index_until("]"))
        if not self._meets("_"):
            return None
        if mark := self._meets("{", "("):
            return self._deeper(lambda: self._index_until(_CLOSING[mark.kind]))
        return self._single_index()

    def _single_index(self) -> Node:
        token = self._next()
        if token.kind == "number":
            return Number(Fraction(token.text))
        if token.kind == "word" and len(token.text) == 1:
            return Name(token.text, token.at)
        raise _unexpected(token, "an index must stand here")

    def _index_until(self, closing: str) -> Node:
        """Parse an index, in which letters are names and not parameters."""
        outer, self._one_layer = self._one_layer, False
        try:
            return self._closed_by(closing)
        finally:
            self._one_layer = outer

    # The parameters of all layers, sums and products, in the closed form.

    def _parameter(self, letter: str, token: Token) -> Node | _Slice:
        if self._is_slice():
            return self._slice(letter, token)
        index = self._deeper(lambda: self._closed_by(")")) if self._meets("(") else self._index()
        if index is None:
            return _Slice(letter, None, None, token.at)
        index = index if self._counts_from else _from_end(index)
        return Item(letter, plus(index, 1 - self._counts_from), token.at)

    def _is_slice(self) -> bool:
        """Look ahead for a colon inside the bracket that opens here."""
        if self._peek().kind != "[":
            return False
        depth, ahead = 0, 0
        while (kind := self._peek(ahead).kind) != _END:
            depth += (kind in "([{") - (kind in ")]}")
            if depth == 0:
                return False
            if kind == ":" and depth == 1:
                return True
            ahead += 1
        return False

    def _slice(self, letter: str, token: Token) -> _Slice:
        self._expect("[")
        first = None if self._peek().kind == ":" else self._sum()
        self._expect(":")
        last = None if self._peek().kind == "]" else self._sum()
        self._expect("]")
        self.pythonic = True
        return _Slice(letter, first, last, token.at)

    def _big(self, token: Token) -> Node:
        if self._one_layer:
            raise UnreadableError("the recurrence needs neither sums nor products", token.at)
        kind = "sum" if token.kind == "Σ" else "prod"
        if self._peek().kind == "(":
            return self._big_call(kind, token)
        variable, first, last = self._bounds(token)
        body = self._term() if kind == "sum" else self._product_body(variable)
        return Big(kind, body, variable, first, last, token.at)

    def _bounds(self, token: Token) -> tuple[str, Node, Node]:
        """Parse ``_{l=1}^{L}``, ``_{i<l}``, ``_{1≤i<l}`` or ``_l``, in either order."""
        upper = self._group() if self._meets("^") else None
        if not self._meets("_"):
            raise UnreadableError(f"the bounds of {token.text} are missing", token.at)
        variable, first, last = self._lower_group(token)
        if upper is None and self._meets("^"):
            upper = self._group()
        if upper is not None and last is None:
            return variable, first, upper
        if upper is None and last is not None:
            return variable, first, last
        raise UnreadableError(
            f"the upper bound of {token.text} is missing or given twice", token.at
        )

    def _group(self) -> Node:
        if mark := self._meets("{", "("):
            return self._deeper(lambda: self._closed_by(_CLOSING[mark.kind]))
        return self._single_index()

    def _lower_group(self, token: Token) -> tuple[str, Node, Node | None]:
        mark = self._meets("{", "(")
        if mark is None:
            return self._variable(), ONE, Name("L", token.at)
        bounds = self._range()
        self._expect(_CLOSING[mark.kind])
        return bounds

    def _range(self) -> tuple[str, Node, Node | None]:
        """Parse what stands under Σ: ``l=1``, ``i<l``, ``1≤i<l`` or ``l``."""
        if self._peek(1).kind == "=":
            variable = self._variable()
            self._next()
            return variable, self._sum(), None
        first = ONE
        if self._peek().kind != "word" or self._peek(1).kind not in ("<", "<=", "}", ")"):
            first = self._sum()
            first = plus(first, 1) if self._relation() == "<" else first
        elif self._peek(2).kind == "word" and self._peek(3).kind in ("<", "<="):
            first = Name(self._peek().text, self._next().at)
            first = plus(first, 1) if self._relation() == "<" else first
        variable = self._variable()
        if self._peek().kind in ("}", ")"):
            return variable, first, Name("L", self._peek().at)
        relation = self._relation()
        last = self._sum()
        return variable, first, plus(last, -1) if relation == "<" else last

    def _relation(self) -> str:
        token = self._next()
        if token.kind not in ("<", "<="):
            raise _unexpected(token, "a bound such as l=1 or i<l must stand here")
        return token.kind

    def _variable(self) -> str:
        token = self._next()
        if token.kind != "word" or len(token.text) != 1:
            raise _unexpected(token, "the letter that runs must stand here")
        if token.text in "rksdL":
            raise UnreadableError(f"{token.text} already has a meaning here", token.at)
        return token.text

    def _product_body(self, variable: str) -> Node:
        """Parse the factors that belong to a ∏: the first, and more while they mention i."""
        body = self._signed()
        while True:
            place = self._place
            divides = self._meets("/")
            if not divides and not self._meets("*") and not self._starts_factor():
                return body
            start = self._place
            factor = self._factor(self._signed if start > place else self._power)
            if isinstance(factor, _Slice) or variable not in free_names(factor):
                self._set_aside[start] = factor, self._place
                self._place = place
                return body
            body = _times(body, Divide(ONE, factor) if divides else factor)

    def _big_call(self, kind: str, token: Token) -> Node:
        """Parse ``Sum(body, (l, 1, L))``, ``sum(body for l in range(L))`` or ``prod(s[:l])``."""
        self._expect("(")
        body = self._sum()
        if isinstance(body, _Slice):
            node = self._over_slice(kind, body)
        elif self._meets_word("for"):
            node = Big(kind, body, *self._comprehension(), token.at)
        elif self._meets(","):
            node = Big(kind, body, *self._limits(), token.at)
        else:
            raise _unexpected(self._peek(), f"{token.text} needs bounds, such as (l, 1, L)")
        self._expect(")")
        return node

    def _limits(self) -> tuple[str, Node, Node]:
        self._expect("(")
        variable = self._variable()
        self._expect(",")
        first = self._sum()
        self._expect(",")
        return variable, first, self._closed_by(")")

    def _comprehension(self) -> tuple[str, Node, Node]:
        self.pythonic = True
        variable = self._variable()
        if not (self._meets_word("in") and self._meets_word("range")):
            raise _unexpected(self._peek(), "'in range(…)' must stand here")
        self._expect("(")
        ends = [self._sum()]
        if self._meets(","):
            ends.append(self._sum())
        self._expect(")")
        first = ends[0] if len(ends) == 2 else Number(Fraction(0))
        return variable, first, plus(ends[-1], -1)

    def _over_slice(self, kind: str, part: _Slice) -> Node:
        """Turn ``s[a:b]`` into the layers from a to b − 1, in the answer's own counting."""
        self.pythonic = True
        shift = 1 - self._counts_from
        first = ONE if part.first is None else plus(_from_end(part.first), shift)
        last = Name("L", part.at) if part.last is None else plus(_from_end(part.last), shift - 1)
        variable = f"{part.letter}:{part.at}"
        return Big(kind, Item(part.letter, Name(variable), part.at), variable, first, last, part.at)


def _from_end(bound: Node) -> Node:
    """Read a negative number as Python does, counted from the end of the list."""
    match bound:
        case Multiply((Number(sign), Number(value))) if sign == -1:
            return Add((Name("L"), Number(-value)))
    return bound


def _times(one: Node, other: Node) -> Node:
    """Multiply, in one flat product rather than in a deep tree."""
    factors = one.factors if isinstance(one, Multiply) else (one,)
    return Multiply((*factors, other))


def _right_side(found: tuple[Token, ...]) -> tuple[Token, ...]:
    """Drop ``r_0 =`` or the like where it stands before the formula."""
    depth = 0
    for place, token in enumerate(found):
        depth += (token.kind in "([{") - (token.kind in ")]}")
        if token.kind == "=" and depth == 0:
            if not 0 < place <= 12 or found[0].kind != "word" or found[0].text[0] not in "rRfF":
                raise UnreadableError("only the side that r equals is wanted", token.at)
            return found[place + 1 :]
    return found


def _spelled_out(found: tuple[Token, ...], one_layer: bool) -> tuple[Token, ...]:
    """Split words such as ``sr`` into letters that are multiplied, and ``kl`` into ``k_l``."""
    known = _KEYWORDS | _ALIASES.keys()
    parts: list[Token] = []
    for token in found:
        if token.kind == "word" and len(token.text) > 1 and token.text not in known:
            parts += _letters_of(token, one_layer)
        else:
            parts.append(token)
    return tuple(parts)


def _letters_of(token: Token, one_layer: bool) -> list[Token]:
    first, rest = token.text[0], token.text[1:]
    each = [Token("word", letter, token.at + n) for n, letter in enumerate(token.text)]
    if first in "rksd" and rest in (("l",) if one_layer else ("l", "i", "j", "m", "n")):
        return [each[0], Token("_", "_", token.at), each[1]]
    if one_layer and set(token.text) <= set("rksd"):
        return each
    return [token]


def _unexpected(token: Token, reason: str) -> UnreadableError:
    met = "the formula ends" if token.kind == _END else f"here stands {token.text!r}"
    return UnreadableError(f"{met}, but {reason}", token.at)


def _unknown(token: Token, known: str) -> UnreadableError:
    return UnreadableError(f"{token.text!r} is not a name here; the names are {known}", token.at)


def check_depth(node: Node) -> None:
    """Refuse a tree so deep that walking it could exhaust the stack.

    Args:
        node: the formula.

    Raises:
        UnreadableError: where more parts than 150 stand inside one another.
    """
    layer, depth = [node], 0
    while layer:
        depth += 1
        if depth > _DEEPEST_TREE:
            raise UnreadableError("it is nested too deeply")
        layer = [child for parent in layer for child in children(parent)]


def check_names(node: Node, bound: frozenset[str]) -> None:
    """Insist that each name is bound and each parameter has its layer.

    Args:
        node: the formula, as the parser leaves it.
        bound: the names that mean something outside every sum and product.

    Raises:
        UnreadableError: naming the first name that means nothing.
    """
    if isinstance(node, _Slice):
        letter = node.letter
        raise UnreadableError(
            f"{letter} needs the number of its layer, such as {letter}_l", node.at
        )
    if isinstance(node, Name) and node.name not in bound:
        reason = f"{node.name!r} has no meaning here: no Σ or ∏ around it runs over {node.name}"
        raise UnreadableError(reason, node.at)
    if not isinstance(node, Big):
        for child in children(node):
            check_names(child, bound)
        return
    if node.variable in bound:
        raise UnreadableError(f"{node.variable} already runs in another Σ or ∏", node.at)
    check_names(node.first, bound)
    check_names(node.last, bound)
    check_names(node.body, bound | {node.variable})


def check_powers(node: Node, budget: Budget | None = None) -> None:
    """Refuse huge and broken exponents before anything is computed.

    Args:
        node: the formula.
        budget: the steps that all exponents together may spend.

    Raises:
        UnreadableError: naming the first exponent that is out of reach.
    """
    budget = budget or Budget(FOR_READING)
    if isinstance(node, Power) and not letters(node.exponent):
        try:
            exponent = Evaluator({}, budget=budget).value(node.exponent)
        except (TooCostlyError, UndefinedError) as error:
            raise UnreadableError(f"the exponent is out of reach: {error}", node.at) from None
        if not isinstance(exponent, int) or abs(exponent) > _LARGEST_EXPONENT:
            reason = f"exponents are whole numbers up to {_LARGEST_EXPONENT}"
            raise UnreadableError(reason, node.at)
    for child in children(node):
        check_powers(child, budget)
