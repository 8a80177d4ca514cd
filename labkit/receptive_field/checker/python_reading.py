"""Read an expression of Python into a formula, from its syntax tree and without running it.

The tree is the standard library's; it is walked by a whitelist, and whatever is not on it is
refused. Lists are read by what stands at each place, so that ``enumerate``, ``zip``, ``reversed``
and slices need no list.
"""

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any

from labkit.receptive_field.checker.formula import (
    MINUS_ONE,
    ONE,
    ZERO,
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
    UnreadableError,
    added,
    children,
    linear,
    minus,
    plus,
)
from labkit.receptive_field.checker.meaning import (
    FUNCTIONS,
    called,
    is_place,
    letter_of,
    with_index,
)
from labkit.receptive_field.checker.tokens import Cleaned
from labkit.receptive_field.checker.wording import PARTS, refused

_ATTRIBUTES = {"kernel": "k", "stride": "s", "dilation": "d"}
_MODULES = frozenset({"math", "np", "numpy", "sympy", "sp"})
_PYTHON = re.compile(
    r"\b(?:def|lambda|len|range|enumerate|zip|reversed|import|while)\b|\bfor\b.*\bin\b"
    r"|[A-Za-z]\[[^\]]*:[^\]]*\]|\b(?:sum|prod)\s*\(\s*[A-Za-z_]+\s*\)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Row:
    """Hold a list that is known by what stands at each place.

    Args:
        first: its first place.
        last: its last place.
        at: what stands at a place: a formula, or a tuple of such.
        sliced: whether it is a part of a list, of which Python silently takes less, or counts
            from the end, where the list is too short.
    """

    first: Node
    last: Node
    at: Callable[[Node], Any]
    sliced: bool = False

    @property
    def length(self) -> Node:
        """The number of places."""
        return added(minus(self.last, self.first), ONE)

    def backwards(self) -> "Row":
        """Return the list from its end to its beginning."""
        ends = Add((self.first, self.last))
        return Row(self.first, self.last, lambda place: self.at(minus(ends, place)), self.sliced)


def negative(node: ast.expr) -> int:
    """Return n where ``-n`` is written out, else 0."""
    match node:
        case ast.UnaryOp(ast.USub(), ast.Constant(int(number))):
            return number
    return 0


class ExpressionReader:
    """Read expressions of Python; a name that is not known is a number, or a list where used so.

    Args:
        one_layer: whether they speak of one layer, in a recurrence.
        counts_from: the number of the first layer, 0 as lists have it or 1 as on paper.
        on_paper: whether the text is mathematics in the notation of Python, in which ``/`` divides
            exactly and ``np.prod`` is a product, rather than a program.
        offsets: gives the place of a node in the student's text, for messages.
    """

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
        return value

    def value(self, tree: ast.expr) -> Any:
        """Read an expression whose value is a number, a list or a tuple."""
        for kind, read in self._READERS:
            if isinstance(tree, kind):
                return getattr(self, read)(tree)
        raise self.refusal(tree, "not read")

    def row(self, tree: ast.expr) -> Row:
        """Read an expression whose value is a list."""
        if isinstance(tree, ast.Name) and tree.id not in self.names:
            return self._list(tree.id, tree)
        value = self.value(tree)
        if not isinstance(value, Row):
            raise self.refusal(tree, "number for list")
        return value

    def refusal(self, tree: ast.AST, kind: str) -> UnreadableError:
        """Return an error that shows the part that it refuses, and says why."""
        shown = ast.unparse(tree)
        shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
        return refused("part", self._offset(tree), part=repr(shown), reason=PARTS[kind])

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
        indexed = with_index(Name(tree.id, self._offset(tree) or 0))
        return self._counted(indexed) if isinstance(indexed, Item) else indexed

    def _counted(self, item: Item) -> Item:
        shift = 0 if self._one_layer else 1 - self._counts_from
        return Item(item.letter, plus(item.index, shift), item.at)

    def _unary(self, tree: ast.UnaryOp) -> Node:
        operand = self.node(tree.operand)
        match tree.op:
            case ast.USub():
                return Multiply((MINUS_ONE, operand))
            case ast.UAdd():
                return operand
        raise self.refusal(tree, "not exact")

    def _binary(self, tree: ast.BinOp) -> Node:
        one, other = self.node(tree.left), self.node(tree.right)
        match tree.op:
            case ast.Add():
                return Add((one, other))
            case ast.Sub():
                return Add((one, Multiply((MINUS_ONE, other))))
            case ast.Mult():
                return Multiply((one, other))
            case ast.Div() if self._on_paper:
                return Divide(one, other)
            case ast.FloorDiv():
                return Call("floor", (Divide(one, other),))
            case ast.Mod():
                return Call("mod", (one, other))
            case ast.Pow() if self._on_paper or isinstance(tree.right, ast.Constant):
                return Power(one, other, self._offset(tree) or 0)
        raise self.refusal(tree, "not exact")

    def _call(self, tree: ast.Call) -> Any:
        function = self._function(tree.func)
        if tree.keywords:
            raise self.refusal(tree, "named arguments")
        if function in ("sum", "prod"):
            return self._folded(function, tree)
        if function in ("range", "enumerate", "zip", "reversed"):
            return getattr(self, f"_{function}")(tree)
        if function in ("list", "tuple"):
            return self._only_list(tree)
        if function == "len" and len(tree.args) == 1:
            return self._length(tree)
        if function not in FUNCTIONS:
            return self._applied(tree)
        return called(function, tuple(map(self.node, tree.args)), self._offset(tree))

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
            case ast.Attribute(_, name):
                raise refused("numpy", self._offset(tree), name=name)
            case ast.Name(name) if len(tree.args) == 1 and letter_of(name):
                index = self.node(tree.args[0])
                if is_place(index, self._one_layer):
                    return self._counted(Item(name, index, self._offset(tree) or 0))
                return Multiply((self._name(tree.func), index))
        if isinstance(tree.func, ast.Name) or len(tree.args) != 1:
            raise self.refusal(tree, "function")
        return Multiply((self.node(tree.func), self.node(tree.args[0])))

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
        first, last = Number(Fraction(self._counts_from)), plus(Name("L"), -shift)
        return Row(first, last, lambda place: Item(name, added(place, Number(Fraction(shift))), at))

    def _subscript(self, tree: ast.Subscript) -> Any:
        row = self.row(tree.value)
        if isinstance(tree.slice, ast.Slice):
            return self._slice(row, tree.slice)
        back = negative(tree.slice)
        return row.at(plus(row.last, 1 - back) if back else self._place(row, tree.slice))

    def _place(self, row: Row, tree: ast.expr) -> Node:
        """Return the place that an index means, counted from where a list begins."""
        return added(self.node(tree), plus(row.first, -self._counts_from))

    def _slice(self, row: Row, tree: ast.Slice) -> Row:
        if tree.step is not None:
            if tree.lower is None and tree.upper is None and negative(tree.step) == 1:
                return row.backwards()
            raise self.refusal(tree, "slice step")
        return Row(
            row.first if tree.lower is None else self._end(row, tree.lower),
            row.last if tree.upper is None else plus(self._end(row, tree.upper), -1),
            row.at,
            sliced=True,
        )

    def _end(self, row: Row, tree: ast.expr) -> Node:
        back = negative(tree)
        return plus(row.last, 1 - back) if back else self._place(row, tree)

    def _range(self, tree: ast.Call) -> Row:
        if not 1 <= len(tree.args) <= 3:
            raise self.refusal(tree, "range")
        ends = [self.node(end) for end in tree.args[:2]]
        start, stop = (ZERO, ends[0]) if len(ends) == 1 else ends
        if len(tree.args) == 3 and negative(tree.args[2]) == 1:
            upwards = Row(plus(stop, 1), start, lambda place: place)
            return upwards.backwards()
        if len(tree.args) == 3:
            raise self.refusal(tree, "range step")
        return Row(start, plus(stop, -1), lambda place: place)

    def _enumerate(self, tree: ast.Call) -> Row:
        if not 1 <= len(tree.args) <= 2:
            raise self.refusal(tree, "enumerate")
        row = self.row(tree.args[0])
        shift = minus(self.node(tree.args[1]) if tree.args[1:] else ZERO, row.first)
        return replace(row, at=lambda place: (added(place, shift), row.at(place)))

    def _length(self, tree: ast.Call) -> Node:
        (whole,) = tree.args
        if isinstance(whole, ast.Name) and letter_of(whole.id) not in ("k", "s", "d"):
            raise refused("length", self._offset(whole))
        row = self.row(whole)
        if row.sliced:
            raise self.refusal(tree, "length of a part")
        return row.length

    def _zip(self, tree: ast.Call) -> Row:
        rows = [self.row(part) for part in tree.args]
        if not rows or any(minus(row.length, rows[0].length) != ZERO for row in rows):
            raise self.refusal(tree, "zip")
        shifts = [minus(row.first, rows[0].first) for row in rows]

        def at(place: Node) -> tuple:
            return tuple(row.at(added(place, by)) for row, by in zip(rows, shifts, strict=True))

        return Row(rows[0].first, rows[0].last, at, any(row.sliced for row in rows))

    def _reversed(self, tree: ast.Call) -> Row:
        return self._only_list(tree).backwards()

    def _only_list(self, tree: ast.Call) -> Row:
        if len(tree.args) != 1:
            raise self.refusal(tree, "one list")
        return self.row(tree.args[0])

    def _folded(self, kind: str, tree: ast.Call) -> Node:
        """Read ``sum`` or ``prod`` of a list."""
        if not 1 <= len(tree.args) <= (2 if kind == "sum" else 1):
            raise self.refusal(tree, "one list")
        total = self._fold(kind, tree.args[0])
        return Add((self.node(tree.args[1]), total)) if tree.args[1:] else total

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
        inner = body(Name(variable))
        if isinstance(inner, Row | tuple):
            raise self.refusal(tree, "list of numbers")
        if row.sliced and not _read_in(row.at(Name(variable))) <= _read_in(inner):
            raise self.refusal(tree, "length of a part")
        return Big(kind, inner, variable, row.first, row.last, self._offset(tree) or 0)

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


# Text in the notation of Python.


def is_python(text: str) -> bool:
    """Tell whether a text is written in Python rather than in the notation of mathematics."""
    return bool(_PYTHON.search(text))


def read_python(text: Cleaned, one_layer: bool, counts_from: int) -> tuple[Node, ...]:
    """Read the sides of an equation, or a single formula, from Python that is never run.

    Args:
        text: an expression, an assignment, a ``lambda``, or a ``def`` with a ``return``.
        one_layer: whether it speaks of one layer, in a recurrence.
        counts_from: the number of the first layer in it, 0 or 1.

    Returns:
        The sides; layers are counted from 1 in them, and letters are the text's own.

    Raises:
        UnreadableError: with the reason and the place.
    """
    source, places = _in_ascii(text)
    statement = _parsed(source, places)
    offset = _offsets(source, places)
    if counts_from and not one_layer and _counts_by_itself(statement):
        raise refused("program", places[0])
    reader = ExpressionReader(one_layer, counts_from, offsets=offset)
    match statement:
        case ast.Expr(ast.Lambda(_, body)) | ast.Expr(body) | ast.Return(body):
            return (reader.node(body),)
        case ast.FunctionDef(body=[ast.Return(ast.expr() as body)]):
            return (reader.node(body),)
        case ast.Assign([ast.Name()], ast.Lambda(_, body)):
            return (reader.node(body),)
        case ast.Assign(targets, body):
            return tuple(map(reader.node, (*targets, body)))
        case ast.FunctionDef():
            from labkit.receptive_field.checker.translation import translated_program

            return (translated_program(statement, one_layer, offset),)
    raise refused("program", places[0])


def _counts_by_itself(statement: ast.stmt) -> bool:
    """Tell whether lists count from 0 whatever is meant: in programs, in parts, in enumerate."""
    own = ast.Lambda | ast.FunctionDef | ast.Slice
    return any(
        isinstance(node, own) or (isinstance(node, ast.Name) and node.id == "enumerate")
        for node in ast.walk(statement)
    )


def _parsed(source: str, places: tuple[int, ...]) -> ast.stmt:
    """Parse one statement; as if typed at a prompt, because Python looks for files otherwise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (statement,) = ast.parse(f"{source}\n\n", mode="single").body
    except SyntaxError as error:
        if "multiple statements" in error.msg:
            raise refused("program", places[0]) from None
        at = _offset_of(source, error.lineno or 1, (error.offset or 1) - 1)
        raise refused("python", places[min(at, len(places) - 1)], reason=error.msg) from None
    except (ValueError, MemoryError, RecursionError):
        raise refused("program", places[0]) from None
    return statement


def _in_ascii(text: Cleaned) -> tuple[str, tuple[int, ...]]:
    """Write powers as Python does, and drop what stands around a program."""
    characters, places = [], []
    for character, place in zip(text.text, text.places, strict=False):
        plain = {"^": "**", "∏": "prod", "Σ": "sum"}.get(character, character)
        characters += plain
        places += [place] * len(plain)
    source = "".join(characters)
    blank = len(source) - len(source.lstrip())
    return source.strip().rstrip(".;"), (*places[blank:], text.places[-1])


def _offset_of(source: str, line: int, column: int) -> int:
    return sum(len(text) for text in source.splitlines(keepends=True)[: line - 1]) + column


def _offsets(source: str, places: tuple[int, ...]) -> Callable[[ast.AST], int | None]:
    """Return a function from a node to its place in the student's text."""

    def offset(tree: ast.AST) -> int | None:
        if not hasattr(tree, "lineno"):
            return None
        line = source.splitlines()[tree.lineno - 1]
        column = len(line.encode()[: tree.col_offset].decode(errors="ignore"))
        return places[min(_offset_of(source, tree.lineno, column), len(places) - 1)]

    return offset


def _by_layers(row: Row) -> Row:
    """Let a list of one parameter run over the layers' own numbers."""
    variable = Name("")
    item = row.at(variable)
    form = linear(item.index) if isinstance(item, Item) else None
    if form is None or form.coefficients != (("", 1),):
        return row
    by = form.constant
    return replace(row, first=plus(row.first, by), last=plus(row.last, by),
                   at=lambda place: row.at(plus(place, -by)))  # fmt: skip


def _read_in(value: Any) -> frozenset[Node]:
    """Return which layers are read whenever a value is computed; all lists are of one length."""
    if isinstance(value, Item):
        return frozenset({value.index})
    parts = value if isinstance(value, tuple) else () if isinstance(value, Big) else children(value)
    return frozenset().union(*map(_read_in, parts))
