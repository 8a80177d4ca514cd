"""What the letters of an answer mean, and what an equation says of the quantity that is asked.

Every notation is read into the same tree, in the answer's own letters. Here they become r, k, s,
d, p and L; the asked quantity is solved for; and the index says whether the direction is right.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from labkit.receptive_field.checker.evaluation import (
    FOR_READING,
    LARGEST_EXPONENT,
    Budget,
    Evaluator,
)
from labkit.receptive_field.checker.formula import (
    MINUS_ONE,
    ONE,
    ZERO,
    Big,
    Call,
    Item,
    Linear,
    Name,
    Node,
    Number,
    TooCostlyError,
    UndefinedError,
    UnreadableError,
    affine,
    joined,
    parts,
)
from labkit.receptive_field.checker.notation import by_spelling
from labkit.receptive_field.checker.wording import known_names, meaning_of, refused, said
from labkit.receptive_field.checker.writing import written

_DEEPEST_TREE = 150
_LETTER = by_spelling("letters for names, without underscores and in small letters")
_ROLES = by_spelling("names for the field that say which")
# What else an argument of a function may be called; in a formula, ks is a product.
_ARGUMENTS = by_spelling("letters for arguments of functions alone")
ARGUMENTS = {True: ("r", "k", "s", "d"), False: ("k", "s", "d", "L", "layers")}
# What each function is called in a formula, and how many values it takes: None where two or more.
FUNCTIONS = {
    "floor": ("floor", 1), "ceil": ("ceil", 1), "ceiling": ("ceil", 1), "abs": ("abs", 1),
    "Abs": ("abs", 1), "min": ("min", None), "Min": ("min", None), "max": ("max", None),
    "Max": ("max", None), "mod": ("mod", 2), "Mod": ("mod", 2),
}  # fmt: skip
# Letters that may be the field where the equation shows it, and something else elsewhere.
_PERHAPS_R = frozenset("fnwxyFNWXY")
_PERHAPS_L = frozenset("nNmMT")
# No text can contain this name.
_ASKED = "what is asked"
_INDEXED = re.compile(r"([A-Za-z]+)_\{?([a-zA-Z0-9]+)(?:(-|\+|_|m|minus)_?([0-9]+))?\}?")


@dataclass(frozen=True)
class Reading:
    """Hold one way to read an answer.

    Args:
        nodes: the formulas that the answer says the asked quantity equals, one for each link of
            a chain of equations; layers are counted from 1.
        counts_from: the number of the first layer in the answer's own notation, 0 or 1.
        renamed: each name that was read as another, with that other.
        forward: whether it is an equation for the field of the later layer.
        repaired: the LaTeX commands that Python had read as escapes.
    """

    nodes: tuple[Node, ...]
    counts_from: int = 1
    renamed: tuple[tuple[str, str], ...] = ()
    forward: bool = False
    repaired: tuple[str, ...] = ()

    @property
    def node(self) -> Node:
        """The formula, the first where there are several."""
        return self.nodes[0]


def letter_of(name: str) -> str:
    """Return which of r, k, s, d, p, j and L a name stands for, or nothing.

    Args:
        name: any name, such as ``kernel_size``, ``K`` or ``RF``.

    Example:
        >>> letter_of("kernel_size"), letter_of("RF"), letter_of("q")
        ('k', 'r', '')
    """
    plain = name.replace("_", "").lower()
    return _LETTER.get(plain, "") or ("r" if role_of(name) else "")


def argument_letter(name: str, one_layer: bool) -> str:
    """Return what an argument of a function stands for, or nothing.

    Args:
        name: any name, such as ``kernels`` or ``k_l``.
        one_layer: whether the function is a recurrence.

    Returns:
        One of ``ARGUMENTS``.
    """
    plain = name.replace("_", "")
    letter = _ARGUMENTS.get(plain) or _LETTER.get(plain, "")
    return letter if letter in ARGUMENTS[one_layer] else ""


def called(name: str, arguments: tuple[Node, ...], at: int | None) -> Call:
    """Call one of ``FUNCTIONS``.

    Raises:
        UnreadableError: where it takes another number of values.
    """
    function, wanted = FUNCTIONS[name]
    if len(arguments) != wanted and (wanted or len(arguments) < 2):
        raise refused("arguments", at, name=name, wanted=wanted or said("two or more"))
    return Call(function, arguments)


def role_of(name: str) -> str:
    """Return ``"asked"`` or ``"given"`` where a name for the field says which of the two it is.

    Args:
        name: any name, such as ``r_in`` or ``output_size``.
    """
    first, _, rest = name.lower().partition("_")
    if first in _ROLES:
        return _ROLES[first] if not rest or _LETTER.get(rest.replace("_", "")) == "r" else ""
    stem, _, last = name.lower().rpartition("_")
    known = _LETTER.get(stem.replace("_", "")) == "r" or stem in _PERHAPS_R
    return _ROLES.get(last, "") if known else ""


def is_place(index: Node, one_layer: bool) -> bool:
    """Tell whether what stands in brackets after a name is a layer's number.

    Args:
        index: what stands there.
        one_layer: whether the formula speaks of one layer l, so that a number alone is a factor.
    """
    form = index.linear()
    if form is None:
        return False
    names = [name for name, _ in form.coefficients]
    if any(len(name) > 1 or letter_of(name) in ("r", "k", "s", "d", "p") for name in names):
        return False
    return len(names) == 1 and form.of(names[0]) == 1 if one_layer else True


def readings(
    read: Callable[[int], tuple[Node, ...]], one_layer: bool, as_lists: bool = False
) -> tuple[Reading, ...]:
    """Understand an answer in each way in which its layers may be counted.

    Args:
        read: reads the sides of the answer, from the number of its first layer.
        one_layer: whether it is a recurrence.
        as_lists: whether it is in the notation of Python, whose lists count from 0; elsewhere
            this is tried only where a layer 0 is named.

    Returns:
        The readings, the likeliest first.

    Raises:
        UnreadableError: where there is none.
    """
    found: dict[tuple[Node, ...], Reading] = {}
    refusals = []
    for counts_from in (1,) if one_layer else (0, 1) if as_lists else (1, 0):
        try:
            sides = read(counts_from)
            reading = understood(sides, one_layer, counts_from)
            found.setdefault(reading.nodes, reading)
        except UnreadableError as error:
            refusals.append(error)
            continue
        if not as_lists and not any(map(_names_layer_0, sides)):
            break
    if not found:
        raise refusals[0]
    return tuple(found.values())


def _names_layer_0(node: Node) -> bool:
    place = node.index if isinstance(node, Item) else node.first if isinstance(node, Big) else None
    if place is not None and place.linear() == Linear(0):
        return not (isinstance(node, Item) and letter_of(node.letter) == "r")
    return any(map(_names_layer_0, node.children()))


def understood(sides: tuple[Node, ...], one_layer: bool, counts_from: int = 1) -> Reading:
    """Give the letters of an answer their meaning, and solve it for the asked quantity.

    Args:
        sides: the sides of an equation, or the one formula, in the answer's own letters.
        one_layer: whether it is a recurrence.
        counts_from: the number of the first layer in the answer's own notation.

    Returns:
        The reading, in r, k, s, d, p and L.

    Raises:
        UnreadableError: where a name means nothing or two things, where no side names what is
            asked, and where the index shows the other direction.
    """
    for side in sides:
        check_depth(side)
    meaning = (_OneLayer if one_layer else _AllLayers)(sides, counts_from)
    nodes = tuple(_solved(tuple(map(meaning.translated, sides)), one_layer))
    for node in nodes:
        check_powers(node)
    return Reading(nodes, counts_from, tuple(meaning.renamed.items()), meaning.forward)


def with_index(name: Name) -> Name | Item:
    """Read the index in a name such as ``k_l`` or ``r_{l-1}``, which Python and sympy leave.

    Args:
        name: any name.

    Returns:
        The parameter, as the answer numbers its layer; the name itself where it has no index.
    """
    match = _INDEXED.fullmatch(name.name)
    if match is None or letter_of(name.name):
        return name
    letter, index, sign, number = match.groups()
    place = Number(Fraction(index)) if index.isdecimal() else Name(index, name.at)
    away = int(number or 0) * (1 if sign == "+" else -1)
    return Item(letter, place.plus(away), name.at)


def _parts(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[Name | Item]:
    """Yield all parameters and free names of a formula, indices left out."""
    match node:
        case Item():
            yield node
        case Name(name):
            if name not in bound:
                yield node
        case Big(_, body, variable, first, last):
            yield from _parts(first, bound)
            yield from _parts(last, bound)
            yield from _parts(body, bound | {variable})
        case _:
            for part in node.children():
                yield from _parts(part, bound)


def _raw(part: Name | Item) -> str:
    return part.letter if isinstance(part, Item) else part.name


class _Meaning:
    """What is common to the meaning of recurrences and closed forms."""

    one_layer: bool

    def __init__(self, sides: tuple[Node, ...], counts_from: int):
        self._sides = sides
        self._counts_from = counts_from
        self._parts = [part for side in sides for part in _parts(side)]
        self.renamed: dict[str, str] = {}
        self._raw_of: dict[str, str] = {}
        self.forward = False

    def _note(self, raw: str, letter: str, at: int) -> str:
        """Note how a name was read; two letters for one thing may be two things."""
        other = self._raw_of.setdefault(letter, raw)
        if other != raw and other.lower() == raw.lower():
            raise refused("two names", at, one=other, other=raw, letter=letter)
        if raw != letter:
            self.renamed[raw] = letter
        return letter

    def _unknown(self, part: Name | Item) -> UnreadableError:
        if self._bare(part):
            return _no_name(part, part.at, self.one_layer)
        raw = _raw(part)
        kind = "unknown" if len(raw) == 1 else "words"
        return refused(kind, part.at, word=raw, names=known_names(self.one_layer))

    def _bare(self, part: Name | Item) -> bool:
        return any(part is side for side in self._sides) and len(self._sides) > 1


class _OneLayer(_Meaning):
    """The meaning of a recurrence: one layer's k, s and d, and r before it and after it."""

    one_layer = True

    def __init__(self, sides: tuple[Node, ...], counts_from: int):
        super().__init__(sides, counts_from)
        fields = [part for part in self._parts if letter_of(_raw(part)) == "r"]
        self._fields = fields or [part for part in self._parts if self._moves(_raw(part))]
        self._others = [part for part in self._parts if part not in self._fields]
        self._refuse_sums()
        self._place_of = {id(part): self._place(part) for part in self._parts}
        self._asked = set(map(id, self._asked_fields()))
        self._refuse_other_layers()
        bare = {id(part) for part in self._fields if self._bare(part)}
        self.forward = bool(bare and self._asked and not bare & self._asked)

    def _moves(self, raw: str) -> bool:
        """Tell whether a letter is the field because it stands on both sides."""
        sides = [side for side in self._sides if any(_raw(p) == raw for p in _parts(side))]
        return raw in _PERHAPS_R and len(sides) > 1

    def _refuse_sums(self) -> None:
        found = [big for side in self._sides for big in side.bigs()]
        if not found:
            return
        indices = [p.index.linear() for p in self._fields if isinstance(p, Item)]
        places = [form.constant for form in indices if form is not None]
        if places and places[0] > places[-1]:
            raise refused("forward", self._fields[0].at, known="r_{l−1}")
        raise refused("recurrence with sums", found[0].at)

    def _place(self, part: Name | Item) -> int | None:
        """Return at which distance from layer l something stands, None where it has no index."""
        raw = _raw(part)
        if letter_of(raw) == "j" or letter_of(raw.partition("_")[0]) == "j":
            raise refused("jump, forward", part.at, name=raw)
        if part not in self._fields and letter_of(raw) in ("", "L"):
            if raw in ("f", "F"):
                raise refused("f of one layer", part.at, name=raw)
            raise self._unknown(part)
        if isinstance(part, Name):
            return None
        form = part.index.linear()
        names = form.coefficients if form else ()
        if len(names) != 1 or names[0][1] != 1 or letter_of(names[0][0]) in ("r", "k", "s", "d"):
            raise refused("one layer", part.at, word=raw)
        layer = self._raw_of.setdefault("layer", names[0][0])
        if layer != names[0][0]:
            raise refused("two layers", part.at, one=layer, other=names[0][0])
        return form.constant

    def _places(self, parts: Iterable[Name | Item]) -> set[int]:
        return {self._place_of[id(part)] for part in parts} - {None}

    def _asked_fields(self) -> list[Name | Item]:
        """Find the fields that are asked for, by their index, their name or where they stand."""
        if len(self._sides) == 1:
            self._refuse_asked()
            return []
        indexed = [part for part in self._fields if isinstance(part, Item)]
        names = [part for part in self._fields if isinstance(part, Name)]
        if not indexed:
            return self._asked_by_name()
        low, *high = sorted(self._places(indexed))
        if high == [low + 1]:
            for part in names:
                raise refused("asked twice", part.at)
            return [part for part in indexed if self._place_of[id(part)] == low]
        if high:
            one, other = self._shown(low), self._shown(high[-1])
            raise refused("two layers", self._fields[0].at, one=one, other=other)
        layer = max(self._places(self._others), default=0)
        named = [part for part in names if role_of(part.name) == "asked" or self._bare(part)]
        if low == layer - 1 or (low == layer and named):
            return named if low == layer else indexed
        kind = "index on left" if all(map(self._bare, self._fields)) else "same index"
        raise refused(kind, indexed[0].at, shown=self._shown(low))

    def _refuse_asked(self) -> None:
        """Insist that a formula without an equation holds none but the given field."""
        layers = self._places(self._others) or {0}
        for part in self._fields:
            place = self._place_of[id(part)]
            if place is not None and place not in layers:
                raise refused("index on left", part.at, shown=self._shown(place))
            if role_of(_raw(part)) == "asked":
                raise refused("forward", part.at, known=_raw(part))

    def _asked_by_name(self) -> list[Name | Item]:
        bare = [part for part in self._fields if self._bare(part)]
        named = [part for part in self._fields if role_of(_raw(part)) == "asked"]
        if named and (len(named) < len(self._fields) or not bare):
            return named
        if not bare and self._fields:
            raise refused("asked twice", self._fields[0].at)
        return bare[:1]

    def _refuse_other_layers(self) -> None:
        """Insist that k, s and d are those of the layer between the two fields."""
        given = self._places(part for part in self._fields if id(part) not in self._asked)
        asked = self._places(part for part in self._fields if id(part) in self._asked)
        expected = given | {place + 1 for place in asked}
        for part in self._others:
            place = self._place_of[id(part)]
            if place is None or not expected or place in expected:
                continue
            bare = [self._place_of[id(p)] for p in self._fields if self._bare(p)]
            if bare and bare[0] == max(expected):
                raise refused("forward", part.at, known=self._shown(min(expected) - 1))
            one, other = (self._shown(at)[2:].strip("{}") for at in (place, max(expected)))
            raise refused("two layers", part.at, one=one, other=other)

    def _shown(self, place: int) -> str:
        layer = Name(self._raw_of.get("layer", "l"))
        return written(Item("r", layer.plus(place)))

    def translated(self, node: Node) -> Node:
        """Write a side in r, k, s, d, p and what is asked."""
        if not isinstance(node, Name | Item):
            return node.rebuilt(self.translated)
        if id(node) in self._asked:
            self._renamed_field(node, "r_{l−1}")
            return Name(_ASKED, node.at)
        if any(node is part for part in self._fields):
            self._renamed_field(node, "r_l" if len(self._sides) > 1 else "r")
            return Name("r", node.at)
        raw = _raw(node)
        return Name(self._note(raw, letter_of(raw), node.at), node.at)

    def _renamed_field(self, node: Name | Item, meaning: str) -> None:
        raw = _raw(node)
        meaning = "r" if isinstance(node, Item) else meaning
        if raw != "r":
            self.renamed[raw] = meaning if self.renamed.get(raw, meaning) == meaning else "r"


class _AllLayers(_Meaning):
    """The meaning of a closed form: each layer's k, s and d, and their number L."""

    one_layer = False

    def __init__(self, sides: tuple[Node, ...], counts_from: int):
        super().__init__(sides, counts_from)
        self._depth = self._name_of_the_depth()
        self._refuse_fields()

    def _name_of_the_depth(self) -> str:
        """Return the name that stands for L: the one free name that can."""
        free = {part.name for part in self._parts if isinstance(part, Name)}
        known = [name for name in free if name == "L" or letter_of(name) == "L"]
        if known:
            return min(known)
        bound = {big.variable for side in self._sides for big in side.bigs()}
        candidates = (free & _PERHAPS_L) - bound
        return min(candidates) if len(candidates) == 1 else "L"

    def _is_field(self, part: Name | Item) -> bool:
        raw = _raw(part)
        known = letter_of(raw) == "r" and raw.lower() not in _ROLES
        return known or (raw in _PERHAPS_R - {self._depth} and self._bare(part))

    def _is_asked(self, part: Name | Item) -> bool:
        if not self._is_field(part) or len(self._sides) == 1:
            return False
        if isinstance(part, Name):
            return True
        form = part.index.plus(self._counts_from - 1).linear()
        return form in (Linear(0), Linear(0, ((self._depth, 1),)))

    def _refuse_fields(self) -> None:
        first = next(filter(self._is_asked, self._parts), None)
        for part in self._parts:
            other = isinstance(first, Item) and isinstance(part, Item) and part != first
            if self._is_field(part) and (other or not self._is_asked(part)):
                if len(self._sides) == 1:
                    raise refused("contains r", part.at)
                layer = part.index if isinstance(part, Item) else None
                taken = meaning_of(letter_of(layer.name)) if isinstance(layer, Name) else ""
                if taken:
                    raise refused("letter taken", layer.at, letter=layer.name, meaning=taken)
                raise refused("recurrence", part.at, shown=self._written(part))

    def _written(self, part: Name | Item) -> str:
        if isinstance(part, Name):
            return part.name
        return written(Item(part.letter, part.index.plus(self._counts_from - 1)))

    def translated(
        self, node: Node, bound: frozenset[str] = frozenset(), in_product: bool = False
    ) -> Node:
        """Write a side in k, s, d, p, L and what is asked."""
        match node:
            case Name() | Item() if self._is_asked(node):
                return Name(_ASKED, node.at)
            case Name(name):
                return node if name in bound else self._name(node)
            case Item():
                return self._item(node, bound, in_product)
            case Big(kind, body, variable, first, last, at):
                if variable in bound | {"L", "p"}:
                    raise refused("already runs", at, letter=variable)
                ends = (self.translated(end, bound, in_product) for end in (first, last))
                inner = body, bound | {variable}, in_product or kind == "prod"
                return Big(kind, self.translated(*inner), variable, *ends, at)
        return node.rebuilt(lambda part: self.translated(part, bound, in_product))

    def _name(self, part: Name) -> Node:
        name, letter = part.name, letter_of(part.name)
        if name == self._depth:
            return Name(self._note(name, "L", part.at), part.at)
        if letter == "p":
            return Name("p", part.at)
        if letter in ("k", "s", "d"):
            raise refused("needs its layer", part.at, name=letter)
        if letter == "j":
            raise refused("jump", part.at, name=name)
        if len(name) > 1 or self._bare(part):
            raise self._unknown(part)
        raise refused("unbound", part.at, letter=name)

    def _item(self, item: Item, bound: frozenset[str], in_product: bool) -> Node:
        raw, letter = item.letter, letter_of(item.letter)
        if letter == "j":
            raise refused("jump", item.at, name=self._written(item))
        if (raw == "S" and not in_product) or raw in ("f", "F"):
            raise refused(raw.upper(), item.at, name=self._written(item))
        if letter == "p":
            return Name("p", item.at)
        if letter not in ("k", "s", "d"):
            raise self._unknown(item)
        for part in _parts(item.index, bound):
            if isinstance(part, Item):
                raise refused("index", part.at, name=part.letter)
            if part.name != self._depth:
                raise refused("unbound", part.at, letter=part.name)
        index = item.index
        if self._depth not in bound:
            index = index.substitute(self._depth, Name("L", item.at))
        return Item(self._note(raw, letter, item.at), index, item.at)


# Equations.


def _no_name(side: Node, at: int | None, one_layer: bool) -> UnreadableError:
    """Refuse a side of an equation that should be what is asked, and is another name."""
    asked = said("asked of a layer" if one_layer else "asked of networks")
    return refused("left side", at, shown=written(side), asked=asked)


def _solved(sides: tuple[Node, ...], one_layer: bool) -> Iterator[Node]:
    """Yield what the asked quantity equals, by each link of a chain."""
    if len(sides) == 1:
        yield sides[0]
        return
    asks = [side for side in sides if _ASKED in side.letters()]
    if not asks:
        raise _no_name(sides[0], _start(sides[0]), one_layer)
    first = min(asks, key=lambda side: not isinstance(side, Name))
    for side in [side for side in sides if side != first] or asks[:1]:
        yield _isolated(first, side)


def _start(node: Node) -> int | None:
    places = [part.at for part in _parts(node)]
    return min(places, default=None)


def _isolated(side: Node, other: Node) -> Node:
    """Solve an equation in which the asked quantity stands linearly."""
    if _ASKED in other.letters():
        side, other = side + _negative(other), ZERO
    shown = written(side).replace(_ASKED, "r")
    times, rest = affine(side, _ASKED, refused("asked in a power", _start(side), shown=shown))
    if times == ZERO:
        raise refused("asked cancels", _start(side))
    if rest != ZERO:
        terms = [other, *map(_negative, parts("+", rest))]
        other = joined("+", terms[1:] if other == ZERO else terms)
    if times == MINUS_ONE:
        return _negative(other)
    return other if times == ONE else other / times


def _negative(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(-node.value)
    match node:
        case Call("*", (sign, positive)) if sign == MINUS_ONE:
            return positive
    return -node


# What every formula has to be.


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
            raise refused("too deep")
        layer = [child for parent in layer for child in parent.children()]


def check_powers(node: Node, budget: Budget | None = None) -> None:
    """Refuse huge and broken exponents before anything is computed.

    Args:
        node: the formula.
        budget: the steps that all exponents together may spend.

    Raises:
        UnreadableError: naming the first exponent that is out of reach.
    """
    budget = budget or Budget(FOR_READING)
    match node:
        case Call("^", (_, exponent)) if not exponent.letters():
            _check_exponent(exponent, node.at, budget)
    for child in node.children():
        check_powers(child, budget)


def _check_exponent(node: Node, at: int, budget: Budget) -> None:
    try:
        exponent = Evaluator({}, budget=budget).value(node)
    except (TooCostlyError, UndefinedError) as error:
        raise refused("exponent out of reach", at, reason=error) from None
    if not isinstance(exponent, int) or abs(exponent) > LARGEST_EXPONENT:
        raise refused("exponent", at, most=LARGEST_EXPONENT)
