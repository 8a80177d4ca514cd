"""Read an expression of Python into a formula, from its syntax tree and without running it.

The tree is the standard library's; it is walked by a whitelist, and whatever is not on it is
refused. Lists are read by what stands at each place, so that ``enumerate``, ``zip``, ``reversed``
and slices need no list.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any

from labkit.language import phrase
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
    UnreadableError,
    added,
    minus,
)
from labkit.receptive_field.checker.meaning import (
    FUNCTIONS,
    called,
    is_place,
    letter_of,
    with_index,
)
from labkit.receptive_field.checker.wording import refused

_ATTRIBUTES = {"kernel": "k", "stride": "s", "dilation": "d"}
_ARITHMETIC = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Mod: operator.mod,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
}  # fmt: skip
_MODULES = frozenset({"math", "np", "numpy", "sympy", "sp"})


@dataclass(frozen=True)
class Row:
    """Hold a list that is known by what stands at each place.

    Args:
        first: its first place.
        last: its last place.
        at: what stands at a place: a formula, or a tuple of such.
        sliced: whether it is a part of a list, of which Python silently takes less, or counts
            from the end, where the list is too short.
        used_up: whether it is what zip, reversed or enumerate gives: one loop uses it up.
    """

    first: Node
    last: Node
    at: Callable[[Node], Any]
    sliced: bool = False
    used_up: bool = False

    @property
    def length(self) -> Node:
        """The number of places."""
        return added(minus(self.last, self.first), ONE)

    def backwards(self) -> "Row":
        """Return the list from its end to its beginning."""
        ends = self.first + self.last
        return replace(self, at=lambda place: self.at(minus(ends, place)))


class ExpressionReader:
    """Read expressions of Python; a name that is not known is a number, or a list where used so.

    Args:
        one_layer: whether they speak of one layer, in a recurrence.
        counts_from: the number of the first layer, 0 as lists have it or 1 as on paper.
        on_paper: whether the text is mathematics in the notation of Python, in which ``/`` divides
            exactly and ``np.prod`` is a product, rather than a program.
        offsets: gives the place of a node in the student's text, for messages.
    """

    # Whether a name means only what it was given, and whatever could stop Python is refused.
    strict = False

    def __init__(
        self,
        one_layer: bool,
        counts_from: int = 0,
        on_paper: bool = True,
        offsets: Callable[[ast.AST], int | None] = lambda node: None,
    ):
        self.names: dict[str, Any] = {}
        self._one_layer = one_layer
        self._counts_from = counts_from
        self._on_paper = on_paper
        self._offset = offsets
        self._bound: frozenset[str] = frozenset()
        self._ranges: dict[str, tuple[Linear, Linear]] = {}
        self._fresh = count(1)

    def node(self, tree: ast.expr) -> Node:
        """Read an expression whose value is a number.

        Raises:
            UnreadableError: naming the part that is not on the whitelist.
        """
        value = self.value(tree)
        if isinstance(value, Row):
            whole = tree
            while isinstance(whole, ast.Subscript):
                whole = whole.value
            raise refused("needs its layer", self._offset(tree), name=ast.unparse(whole))
        if isinstance(value, tuple):
            raise self.refusal(tree, "list for number")
        if isinstance(value, Item) and value.letter == "layers":
            raise self.refusal(tree, "layer for number")
        return value

    def value(self, tree: ast.expr) -> Any:
        """Read an expression whose value is a number, a list or a tuple."""
        for kind, read in self._READERS:
            if isinstance(tree, kind):
                return getattr(self, read)(tree)
        raise self.refusal(tree, "not read")

    def row(self, tree: ast.expr) -> Row:
        """Read an expression whose value is a list."""
        if isinstance(tree, ast.Name) and tree.id not in self.names and not self.strict:
            return self._list(tree.id, tree)
        value = self.value(tree)
        if not isinstance(value, Row):
            raise self.refusal(tree, "number for list")
        return value

    def _lasting_row(self, tree: ast.expr) -> Row:
        row = self.row(tree)
        if row.used_up and self.strict:
            raise self.refusal(tree, "no list")
        return row

    def refusal(self, tree: ast.AST, kind: str) -> UnreadableError:
        """Return an error that shows the part that it refuses, and says why."""
        shown = ast.unparse(tree)
        shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
        reason = phrase("checker: parts", kind)
        return refused("part", self._offset(tree), part=repr(shown), reason=reason)

    def _tuple(self, tree: ast.Tuple | ast.List) -> tuple:
        return tuple(map(self.value, tree.elts))

    # Numbers.

    def _constant(self, tree: ast.Constant) -> Node:
        value = tree.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refusal(tree, "only numbers")
        if isinstance(value, float) and not self._on_paper:
            raise self.refusal(tree, "decimal point")
        if not abs(value) < 1e15:
            raise refused("number alone", self._offset(tree))
        return Number(Fraction(str(value)))

    def _name(self, tree: ast.Name) -> Any:
        if tree.id in self.names:
            return self.names[tree.id]
        if self.strict:
            raise self.refusal(tree, "no meaning")
        indexed = with_index(Name(tree.id, self._offset(tree) or 0))
        return self._counted(indexed) if isinstance(indexed, Item) else indexed

    def _counted(self, item: Item) -> Item:
        shift = 0 if self._one_layer else 1 - self._counts_from
        return Item(item.letter, item.index.plus(shift), item.at)

    def _built(self, node: Node, tree: ast.AST) -> Node:
        """Return a formula that was put together, as it is."""
        return node

    def _unary(self, tree: ast.UnaryOp) -> Node:
        operand = self.node(tree.operand)
        match tree.op:
            case ast.USub():
                return self._built(-operand, tree)
            case ast.UAdd():
                return operand
        raise self.refusal(tree, "not exact")

    def _binary(self, tree: ast.BinOp) -> Node:
        one, other = self.node(tree.left), self.node(tree.right)
        kind = type(tree.op)
        known = isinstance(tree.right, ast.Constant) if kind is ast.Pow else kind is not ast.Div
        if kind not in (*_ARITHMETIC, ast.Pow) or not (known or self._on_paper):
            raise self.refusal(tree, "not exact")
        if kind is ast.Pow:
            whole = Call("^", (one, other), self._offset(tree) or 0)
        else:
            whole = _ARITHMETIC[kind](one, other)
        return self._built(whole, tree)

    def _call(self, tree: ast.Call) -> Any:
        function = self._function(tree.func)
        if tree.keywords:
            raise self.refusal(tree, "named arguments")
        if function in FUNCTIONS:
            return called(function, tuple(map(self.node, tree.args)), self._offset(tree))
        if function not in self._OF_LISTS:
            return self._applied(tree)
        read, most = self._OF_LISTS[function]
        if not 1 <= len(tree.args) <= most:
            raise self.refusal(tree, "arguments")
        return getattr(self, read)(tree)

    def _function(self, tree: ast.expr) -> str:
        """Return the name of a function, of those modules that everybody means."""
        match tree:
            case ast.Name(name):
                return name if name not in self.names else ""
            case ast.Attribute(ast.Name(module), name) if module not in self.names:
                return name if module in _MODULES else ""
        return ""

    def _applied(self, tree: ast.Call) -> Node:
        """Read brackets after what is no function: an index where it can be one, or a factor."""
        match tree.func:
            case ast.Attribute(ast.Name(module), name) if module in _MODULES:
                raise refused("numpy", self._offset(tree), name=name)
            case ast.Name(name) if len(tree.args) == 1 and letter_of(name):
                index = self.node(tree.args[0])
                if is_place(index, self._one_layer):
                    return self._counted(Item(name, index, self._offset(tree) or 0))
                return self._name(tree.func) * index
        if isinstance(tree.func, ast.Name) or len(tree.args) != 1:
            raise self.refusal(tree, "function")
        return self.node(tree.func) * self.node(tree.args[0])

    def _attribute(self, tree: ast.Attribute) -> Node:
        value = self.value(tree.value)
        letter = _ATTRIBUTES.get(tree.attr)
        if letter and isinstance(value, Item) and value.letter == "layers":
            return Item(letter, value.index, value.at)
        raise self.refusal(tree, "attribute")

    # Lists.

    def _list(self, name: str, tree: ast.AST) -> Row:
        at = self._offset(tree) or 0
        shift = 1 - self._counts_from
        first, last = Number(Fraction(self._counts_from)), Name("L").plus(-shift)
        return Row(first, last, lambda place: Item(name, added(place, Number(Fraction(shift))), at))

    def _subscript(self, tree: ast.Subscript) -> Any:
        row = self._lasting_row(tree.value)
        if isinstance(tree.slice, ast.Slice):
            return self._slice(row, tree.slice)
        place = self._place(row, tree.slice)
        self._require(tree, "leaves the list", minus(place, row.first), minus(row.last, place))
        return row.at(place)

    def _place(self, row: Row, tree: ast.expr) -> Node:
        """Return the place that an index means, from the end of the list where it is negative."""
        index = self.node(tree)
        if self.never_negative(minus(MINUS_ONE, index)):
            return added(row.last, ONE, index)
        self._require(tree, "either end", index)
        return added(index, row.first.plus(-self._counts_from))

    def _slice(self, row: Row, tree: ast.Slice) -> Row:
        if tree.step is not None:
            if tree.lower is tree.upper is None and self._is_minus_one(tree.step):
                return row.backwards()
            raise self.refusal(tree, "slice step")
        after = added(row.last, ONE)
        first = row.first if tree.lower is None else self._place(row, tree.lower)
        end = after if tree.upper is None else self._place(row, tree.upper)
        inside = minus(first, row.first), minus(end, row.first), minus(after, end)
        self._require(tree, "cut short", *inside)
        return Row(first, added(end, MINUS_ONE), row.at, sliced=not self.strict)

    def _is_minus_one(self, tree: ast.expr) -> bool:
        return self.node(tree).linear() == Linear(-1)

    def _require(self, tree: ast.AST, kind: str, *nodes: Node) -> None:
        """Refuse a part of a program where one of these can be negative."""
        if self.strict and not all(map(self.never_negative, nodes)):
            raise self.refusal(tree, kind)

    def never_negative(self, node: Node) -> bool:
        """Tell whether a linear form is at least 0 for every network, at every place."""
        form = node.linear()
        if form is None:
            return False
        for variable, (first, last) in reversed(self._ranges.items()):
            if times := form.of(variable):
                form = form.without(variable).plus(first if times > 0 else last, times)
        smallest = form.constant + sum(times for _, times in form.coefficients)
        known = all(name in "rksdL" and times > 0 for name, times in form.coefficients)
        return known and smallest >= 0

    @contextmanager
    def _within(self, variable: str, first: Node, last: Node) -> Iterator[None]:
        """Know between which places a variable runs."""
        ends = first.linear(), last.linear()
        if None not in ends:
            self._ranges[variable] = ends
        try:
            yield
        finally:
            self._ranges.pop(variable, None)

    def _range(self, tree: ast.Call) -> Row:
        ends = [self.node(end) for end in tree.args[:2]]
        start, stop = (ZERO, ends[0]) if len(ends) == 1 else ends
        if not tree.args[2:]:
            return Row(start, stop.plus(-1), lambda place: place)
        if not self._is_minus_one(tree.args[2]):
            raise self.refusal(tree, "range step")
        return Row(stop.plus(1), start, lambda place: place).backwards()

    def _enumerate(self, tree: ast.Call) -> Row:
        row = self.row(tree.args[0])
        shift = minus(self.node(tree.args[1]) if tree.args[1:] else ZERO, row.first)
        return replace(row, at=lambda place: (added(place, shift), row.at(place)), used_up=True)

    def _length(self, tree: ast.Call) -> Node:
        (whole,) = tree.args
        named = isinstance(whole, ast.Name) and not self.strict
        if named and letter_of(whole.id) not in ("k", "s", "d"):
            raise refused("length", self._offset(whole))
        row = self._lasting_row(whole)
        self._require(tree, "length of a part", row.length)
        if row.sliced:
            raise self.refusal(tree, "length of a part")
        return row.length

    def _zip(self, tree: ast.Call) -> Row:
        rows = [self.row(part) for part in tree.args]
        if any(minus(row.length, rows[0].length) != ZERO for row in rows):
            raise self.refusal(tree, "zip")
        shifts = [minus(row.first, rows[0].first) for row in rows]

        def at(place: Node) -> tuple:
            return tuple(row.at(added(place, by)) for row, by in zip(rows, shifts, strict=True))

        return Row(rows[0].first, rows[0].last, at, any(row.sliced for row in rows), True)

    def _reversed(self, tree: ast.Call) -> Row:
        return replace(self._lasting_row(tree.args[0]).backwards(), used_up=True)

    def _listed(self, tree: ast.Call) -> Row:
        return replace(self.row(tree.args[0]), used_up=False)

    def _sum(self, tree: ast.Call) -> Node:
        total = self._fold("sum", tree.args[0])
        return self.node(tree.args[1]) + total if tree.args[1:] else total

    def _prod(self, tree: ast.Call) -> Node:
        return self._fold("prod", tree.args[0])

    def _fold(self, kind: str, tree: ast.expr) -> Node:
        if isinstance(tree, ast.GeneratorExp | ast.ListComp):
            return self._comprehended(kind, tree.elt, list(tree.generators))
        if isinstance(tree, ast.BinOp | ast.UnaryOp | ast.Constant):
            raise refused("no bounds", self._offset(tree), name=kind)
        row = _by_layers(self.row(tree))
        return self._big(kind, row.at, row, self._fresh_variable(row), tree)

    def _big(
        self, kind: str, body: Callable[[Node], Any], row: Row, variable: str, tree: ast.AST
    ) -> Node:
        """Put a sum or product together, over a part of a list only where each place is read."""
        with self._within(variable, row.first, row.last):
            inner = body(Name(variable))
        if isinstance(inner, Row | tuple):
            raise self.refusal(tree, "list of numbers")
        if row.sliced and not _read_in(row.at(Name(variable))) <= _read_in(inner):
            raise self.refusal(tree, "length of a part")
        whole = Big(kind, inner, variable, row.first, row.last, self._offset(tree) or 0)
        return self._built(whole, tree)

    def _fresh_variable(self, row: Row) -> str:
        return f"{':' if row.sliced else ''}{next(self._fresh)}"

    def _comprehended(self, kind: str, body: ast.expr, generators: list[ast.comprehension]) -> Node:
        first, *others = generators
        if first.ifs or first.is_async:
            raise self.refusal(first.iter, "condition")
        row = self.row(first.iter)
        variable = self._variable(first.target, row)
        outer = self.names, self._bound

        def inner(place: Node) -> Node:
            self.names = {**self.names, **self.targets(first.target, row.at(place))}
            self._bound |= {variable}
            return self._comprehended(kind, body, others) if others else self.node(body)

        try:
            return self._big(kind, inner, row, variable, first.iter)
        finally:
            self.names, self._bound = outer

    def _variable(self, target: ast.expr, row: Row) -> str:
        """Keep the student's letter where it stands for the place and nothing else has it."""
        place = Name("")
        while isinstance(target, ast.Tuple) and target.elts and isinstance(row.at(place), tuple):
            target, row = target.elts[0], replace(row, at=lambda at, of=row: of.at(at)[0])
        name = target.id if isinstance(target, ast.Name) and row.at(place) == place else ""
        taken = self._bound | set("rksdpL")
        kept = len(name) == 1 and name not in taken and not row.sliced
        return name if kept else self._fresh_variable(row)

    def targets(self, target: ast.expr, value: Any) -> dict[str, Any]:
        """Return what a loop's or an assignment's names mean, from what they are given."""
        match target:
            case ast.Name(name):
                return {name: value}
            case ast.Tuple(parts) | ast.List(parts) if isinstance(value, tuple):
                if len(parts) == len(value):
                    return {
                        name: meaning
                        for part, given in zip(parts, value, strict=True)
                        for name, meaning in self.targets(part, given).items()
                    }
        raise self.refusal(target, "names do not fit")

    _READERS: tuple[tuple[type, str], ...] = (
        (ast.Constant, "_constant"), (ast.Name, "_name"), (ast.UnaryOp, "_unary"),
        (ast.BinOp, "_binary"), (ast.Call, "_call"), (ast.Attribute, "_attribute"),
        (ast.Subscript, "_subscript"), (ast.Tuple, "_tuple"),
    )  # fmt: skip
    # What reads a function of lists, and how many arguments it takes at most.
    _OF_LISTS: Mapping[str, tuple[str, int]] = {
        "sum": ("_sum", 2), "prod": ("_prod", 1), "range": ("_range", 3), "zip": ("_zip", 9),
        "enumerate": ("_enumerate", 2), "reversed": ("_reversed", 1), "len": ("_length", 1),
        "list": ("_listed", 1), "tuple": ("_listed", 1),
    }  # fmt: skip


def _by_layers(row: Row) -> Row:
    """Let a list of one parameter run over the layers' own numbers."""
    variable = Name("")
    item = row.at(variable)
    form = item.index.linear() if isinstance(item, Item) else None
    if form is None or form.coefficients != (("", 1),):
        return row
    by = form.constant
    return replace(row, first=row.first.plus(by), last=row.last.plus(by),
                   at=lambda place: row.at(place.plus(-by)))  # fmt: skip


def _read_in(value: Any) -> frozenset[Node]:
    """Return which layers are read whenever a value is computed; all lists are of one length."""
    if isinstance(value, Item):
        return frozenset({value.index})
    parts = (
        value if isinstance(value, tuple) else () if isinstance(value, Big) else value.children()
    )
    return frozenset().union(*map(_read_in, parts))
