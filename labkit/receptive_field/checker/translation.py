"""Translate a program of Python into a formula, statement by statement, without running it.

What is translated means the same in both, for every network: whole numbers, lists whose lengths
are known, choices, and loops in which each variable becomes a multiple of itself plus something.
Such a loop is a sum over a product: after it stands x = x₀ ∏ a + Σ b ∏ a. An index that may leave
its list, a divisor that may be zero, and whatever else could stop the program is refused, so that
a part of the program that does not matter to the result can be dropped.
"""

import ast
import builtins
import copy
import inspect
import linecache
import math
import types
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import reduce
from typing import Any

from labkit.receptive_field.checker.evaluation import FOR_READING, Budget
from labkit.receptive_field.checker.formula import (
    ONE,
    ZERO,
    Big,
    Call,
    Item,
    Name,
    Node,
    Number,
    TooCostlyError,
    UnreadableError,
    added,
    affine,
    choice,
    minus,
    product,
)
from labkit.receptive_field.checker.meaning import ARGUMENTS, argument_letter
from labkit.receptive_field.checker.python_expressions import ExpressionReader, Row
from labkit.receptive_field.checker.wording import refused

_LARGEST_FORMULA = 1500
# As they are now: a student's notebook may give these names to something else later.
_GENUINE = {
    **{
        name: getattr(builtins, name)
        for name in "sum len range zip reversed enumerate list tuple abs min max int".split()
    },
    **{name: getattr(math, name) for name in ("prod", "floor", "ceil")},
}
_ON_PAPER = {**_GENUINE, "math": math, "np": math, "numpy": math}
_COUNTED = {ast.Lt: (0, 1), ast.LtE: (1, 1), ast.Gt: (0, -1), ast.GtE: (1, -1)}
_SPECIAL = (
    inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    | inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
)  # fmt: skip
# All but CO_NESTED and the features of __future__, which change no code that is translated.
_FLAGS_THAT_COUNT = 0x3EF


def translated(
    function: Callable[..., Any], letters: Mapping[str, str], one_layer: bool
) -> Node | None:
    """Translate a function that can be called.

    Args:
        function: the function.
        letters: for each argument that it is called with, the letter it stands for.
        one_layer: whether r, k, s and d are numbers rather than k, s, d and layers lists.

    Returns:
        A formula that is equal to what the function returns, for all arguments; None where the
        function, or the text that it was made from, does not say enough.
    """
    if not isinstance(function, types.FunctionType) or vars(function):
        return None
    code = function.__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_freevars or code.co_flags & _SPECIAL or not letters.keys() <= set(own):
        return None
    hidden = frozenset(code.co_varnames + code.co_cellvars)

    def known(name: str) -> Any:
        found = function.__globals__.get(name, function.__builtins__.get(name))
        return None if name in hidden else found

    try:
        tree = _source(function)
        return tree and _Program(letters, one_layer, known).result(tree)
    except (UnreadableError, TooCostlyError, RecursionError):
        return None


def _source(function: types.FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    """Return the syntax tree of a function, one that gives the same code when compiled again."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    wanted = _bare(code)
    with warnings.catch_warnings(), suppress(SyntaxError, ValueError, MemoryError):
        warnings.simplefilter("ignore")  # They were given when the text was first compiled.
        tree = ast.parse(text)
        imports = [each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                decorators = getattr(node, "decorator_list", [])
                first = min(part.lineno for part in (node, *decorators))
                if first == code.co_firstlineno and wanted in map(_bare, _compiled(node, imports)):
                    return node
    return None


def _compiled(node: ast.FunctionDef | ast.Lambda, imports: list[ast.stmt]) -> list[types.CodeType]:
    """Compile a function by itself, and return all code that this gives.

    With the imports beside it too, for Python calls ``math.prod`` in another way where it sees that
    ``math`` is a module. A notebook shows it one statement of a cell at a time.
    """
    if isinstance(node, ast.Lambda):
        body: ast.stmt = ast.copy_location(ast.Expr(node), node)
    else:
        body = copy.copy(node)
        body.decorator_list = []
    beside = (ast.Module([*others, body], []) for others in ([], imports))
    wholes = [compile(tree, "", "exec", dont_inherit=True) for tree in beside]
    parts = (part for whole in wholes for part in whole.co_consts)
    return [part for part in parts if isinstance(part, types.CodeType)]


def _bare(code: types.CodeType) -> types.CodeType:
    """Return a code object without what it is called and where it stands."""
    inner = (_bare(c) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    return code.replace(
        co_filename="", co_name="", co_qualname="", co_firstlineno=1, co_linetable=b"",
        co_flags=code.co_flags & _FLAGS_THAT_COUNT, co_consts=tuple(inner),
    )  # fmt: skip


def translated_program(
    tree: ast.FunctionDef, one_layer: bool, offset: Callable[[ast.AST], int | None]
) -> Node:
    """Translate the text of a function as it is meant.

    Args:
        tree: the program. ``/`` divides exactly in it, and ``np.prod`` is a product.
        one_layer: whether r, k, s and d are numbers rather than k, s, d and layers lists.
        offset: gives the place of a node in the student's text.

    Returns:
        A formula that is equal to what the function returns.

    Raises:
        UnreadableError: with the reason and the place.
    """
    letters = {}
    for argument in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs):
        letters[argument.arg] = argument_letter(argument.arg, one_layer)
        if not letters[argument.arg]:
            wanted = ", ".join(ARGUMENTS[one_layer])
            raise refused("argument", offset(argument), name=argument.arg, wanted=wanted)
    try:
        return _Program(letters, one_layer, _ON_PAPER.get, offset).result(tree)
    except (TooCostlyError, RecursionError):
        raise refused("program too long") from None


class _Program(ExpressionReader):
    """Follow a program with formulas in the place of numbers.

    Args:
        letters: for each argument the letter it stands for.
        one_layer: whether all letters but L and layers are numbers.
        known: what a name means that the program does not assign.
        offset: gives the place of a node in the student's text, which is read on paper.
    """

    strict = True

    def __init__(
        self,
        letters: Mapping[str, str],
        one_layer: bool,
        known: Callable[[str], Any],
        offset: Callable[[ast.AST], int | None] | None = None,
    ):
        super().__init__(one_layer, 0, bool(offset), offset or (lambda node: None))
        lists = {} if one_layer else {a: v for a, v in letters.items() if v != "L"}
        self.names = {name: Name(letter) for name, letter in letters.items()}
        self.names |= {name: self._list(letter, ast.Pass()) for name, letter in lists.items()}
        self._known = known
        self._steps = Budget(FOR_READING)

    def result(self, tree: ast.FunctionDef | ast.Lambda) -> Node:
        """Return what the function returns."""
        body = tree.body if isinstance(tree, ast.FunctionDef) else [ast.Return(tree.body)]
        found = self._run(body)
        if found is None:
            raise self.refusal(tree, "no return")
        return found

    # Statements.

    def _run(self, body: Sequence[ast.stmt]) -> Node | None:
        """Follow statements, and return what they return, if they do."""
        for place, statement in enumerate(body):
            match statement:
                case ast.Return(ast.expr() as value):
                    return self._bounded(self.node(value))
                case ast.Assign(targets, value):
                    found = self.value(value)
                    for target in targets:
                        self._bind(target, found)
                case ast.AnnAssign(ast.Name() as target, _, ast.expr() as value):
                    self._bind(target, self.value(value))
                case ast.AugAssign(ast.Name(name) as target, operator, value):
                    read = ast.copy_location(ast.Name(name, ast.Load()), target)
                    whole = ast.copy_location(ast.BinOp(read, operator, value), statement)
                    self._bind(target, self.node(whole))
                case ast.Expr(ast.Constant(str())) | ast.Pass():
                    pass
                case ast.Assert(test) if self._test(test) == ONE:
                    pass
                case ast.Expr(value):
                    self.value(value)
                case ast.For(target, rows, inner, []):
                    self._loop(self.row(rows), target, inner)
                case ast.While(test, inner, []):
                    self._loop(self._counted(test, inner), None, inner)
                case ast.If():
                    return self._branch(statement, body[place + 1 :])
                case _:
                    raise self.refusal(statement, "not read")
        return None

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Tuple | ast.List) and isinstance(value, Row):
            raise self.refusal(target, "list taken apart")
        found = self.targets(target, value)
        for meaning in found.values():
            if isinstance(meaning, Row) and meaning.used_up:
                raise self.refusal(target, "iterator kept")
            self._bounded(meaning)
        self.names = {**self.names, **found}

    def _bounded(self, value: Any) -> Any:
        """Refuse what has grown too large to be worked with."""
        parts, size = list(value) if isinstance(value, tuple) else [value], 0
        while parts:
            part = parts.pop()
            size += 1
            if size > _LARGEST_FORMULA:
                raise TooCostlyError
            parts += [] if isinstance(part, Row | tuple) else part.children()
        self._steps.spend(size)
        return value

    def _branch(self, tree: ast.If, rest: Sequence[ast.stmt]) -> Node | None:
        """Follow both ways of an ``if`` and the rest, or apart where one of them may return."""
        test, before = self._test(tree.test), self.names
        if isinstance(test, Number):
            return self._run([*(tree.body if test.value else tree.orelse), *rest])
        returns = any(isinstance(part, ast.Return) for part in ast.walk(tree))
        found, after = [], []
        for way in (tree.body, tree.orelse):
            self.names = before
            found.append(self._run([*way, *rest] if returns else way))
            after.append(self.names)
        if returns:
            if None in found:
                raise self.refusal(tree, "no return")
            return self._bounded(choice(test, *found))
        yes, no = after
        self.names = {
            name: self._bounded(choice(test, yes[name], no[name]))
            for name in yes.keys() & no.keys()
            if yes[name] is no[name] or (not _is_list(yes[name]) and not _is_list(no[name]))
        }
        return self._run(rest)

    # Loops.

    def _counted(self, test: ast.expr, body: Sequence[ast.stmt]) -> Row:
        """Return the values that the variable of a while loop takes, where it counts to an end."""
        match test:
            case ast.Compare(ast.Name(name), [order], [end]) if type(order) in _COUNTED:
                reach, step = _COUNTED[type(order)]
                first, outer = self.names.get(name), self.names
                if _steps(body).get(name) == step and isinstance(first, Node):
                    self.names = _without(outer, _stores(body))
                    last = added(self.node(end), Number(Fraction(step * (reach - 1))))
                    self.names = outer
                    ends = (first, last) if step > 0 else (last, first)
                    if self.never_negative(added(minus(ends[1], ends[0]), ONE)):
                        return Row(*ends, lambda place: place)
        raise self.refusal(test, "while")

    def _loop(self, row: Row, target: ast.expr | None, body: Sequence[ast.stmt]) -> None:
        """Follow a loop, or its first turn by itself where that differs from the others."""
        before = self.names
        try:
            self._turns(row, target, body)
        except UnreadableError:
            self.names = before
            if not self.never_negative(minus(row.last, row.first)):
                raise
            self._turn(row, row.first, target, body)
            self._turns(Row(added(row.first, ONE), row.last, row.at), target, body)

    def _turn(
        self, row: Row, place: Node, target: ast.expr | None, body: Sequence[ast.stmt]
    ) -> None:
        if target is not None:
            self._bind(target, row.at(place))
        if self._run(body) is not None:
            raise self.refusal(body[0], "return in a loop")

    def _turns(self, row: Row, target: ast.expr | None, body: Sequence[ast.stmt]) -> None:
        """Follow one turn at any place, and conclude what all of them do."""
        start, place = self.names, self._fresh_variable(row)
        changed = set(_stores([*body, *([target] if target else [])]))
        steps = {} if target and _steps(body).keys() & _stores([target]) else _steps(body)
        inside, solved = _without(start, changed), {}
        for name in sorted(changed & start.keys()):
            if _is_list(start[name]):
                continue
            if name in steps and start[name].linear() is not None:
                solved[name] = self._counter(start[name], steps[name], row.first)
                inside[name] = solved[name](Name(place))
            else:
                inside[name] = Name(_symbol(name, place))
        surely = set(solved)
        with self._within(place, row.first, row.last):
            self.names = dict(inside)
            self._turn(row, Name(place), target, body)
            waiting = {
                _symbol(name, place): (name, self.names.get(name, ()))
                for name in inside.keys() & changed - solved.keys()
            }
            while waiting:
                name, solution, lasting = self._next_solution(waiting, start, place, row)
                solved[name] = solution
                surely |= set() if lasting else {name}
        self.names = _without(start, changed)
        turned = self.never_negative(minus(row.last, row.first))
        for name, solution in solved.items():
            if turned or name not in surely:
                self.names[name] = self._bounded(solution(row.last.plus(1)))

    @staticmethod
    def _counter(start: Node, step: int, first: Node) -> Callable[[Node], Node]:
        return lambda place: added(start, _product(Number(Fraction(step)), minus(place, first)))

    def _next_solution(
        self, waiting: dict[str, tuple[str, Any]], start: Mapping[str, Any], place: str, row: Row
    ) -> tuple[str, Callable[[Node], Node], bool]:
        """Solve for a variable that depends on none but itself and those that are solved."""
        symbol = next(
            (symbol for symbol, (_, node) in waiting.items()
             if not _is_list(node) and not node.free_names() & waiting.keys() - {symbol}),
            None,
        )  # fmt: skip
        if symbol is None:
            raise refused("variables")
        name, node = waiting.pop(symbol)
        factor, rest = affine(node, symbol, refused("loop"), total=True)
        lasting = factor != ZERO
        if lasting:
            solution = self._grown(start[name], factor, rest, place, row.first)
        else:
            solution = lambda turn: _put(rest, place, turn.plus(-1))  # noqa: E731
            others = [node for _, node in waiting.values() if not _is_list(node)]
            needed = any(symbol in other.free_names() for other in others)
            if needed and solution(row.first) != start[name].simplified():
                raise refused("first turn")
        for other, (of, value) in waiting.items():
            if not _is_list(value):
                value = value.substitute(symbol, solution(Name(place)))
                waiting[other] = of, self._bounded(value)
        return name, solution, lasting

    def _grown(
        self, start: Node, factor: Node, rest: Node, place: str, first: Node
    ) -> Callable[[Node], Node]:
        """Return what x becomes by x → factor x + rest, before the turn at any place."""

        def grown_by(begin: Node, end: Node) -> Node:
            if factor == ONE:
                return ONE
            variable = self._fresh_variable(Row(begin, end, lambda at: at))
            return Big("prod", _put(factor, place, Name(variable)), variable, begin, end)

        def solution(turn: Node) -> Node:
            last, number = turn.plus(-1), minus(turn, first)
            constant = factor == ONE and place not in rest.free_names()
            if rest == ZERO:
                grown = ZERO
            elif constant and self.never_negative(number):
                grown = _product(rest, number)
            else:
                variable = self._fresh_variable(Row(first, last, lambda at: at))
                term = _put(rest, place, Name(variable))
                term = _product(term, grown_by(Name(variable).plus(1), last))
                grown = Big("sum", term, variable, first, last)
            return added(_product(start, grown_by(first, last)), grown)

        return solution

    # Expressions: as the reader has them, but simplified.

    def value(self, tree: ast.expr) -> Any:
        """Read an expression whose value is a number, a list or a tuple."""
        self._steps.spend(1)
        return super().value(tree)

    def _built(self, node: Node, tree: ast.AST) -> Node:
        """Simplify what always has a value, and refuse what may have none."""
        match node:
            case Call("+", terms):
                node = added(*map(_product, terms))
            case Call("*", factors):
                node = _product(*factors)
            case Call("/" | "mod", (_, under)) | Call("floor", (Call("/", (_, under)),)):
                if not self._is_positive(under):
                    raise self.refusal(tree, "divisor")
            case Big("sum", body, variable, first, last) if variable not in body.free_names():
                length = added(minus(last, first), ONE)
                node = _product(body, length) if self.never_negative(length) else node
        return self._bounded(node)

    def _if(self, tree: ast.IfExp) -> Node:
        test = self._test(tree.test)
        return self._bounded(choice(test, self.node(tree.body), self.node(tree.orelse)))

    def _function(self, tree: ast.expr) -> str:
        """Return the name of a function that is what its name says."""
        match tree:
            case ast.Name(name) if name not in self.names:
                found = self._known(name)
            case ast.Attribute(ast.Name(module), name) if module not in self.names:
                found = getattr(math, name, None) if self._known(module) is math else None
            case _:
                found = None
        return next((name for name, genuine in _GENUINE.items() if genuine is found), "")

    def _call(self, tree: ast.Call) -> Any:
        match self._function(tree.func), tree.keywords:
            case "zip", [ast.keyword("strict", ast.Constant(bool()))]:
                tree = ast.copy_location(ast.Call(tree.func, tree.args, []), tree)
            case (("sum" | "enumerate"), [ast.keyword("start", start)]):
                tree = ast.copy_location(ast.Call(tree.func, [*tree.args, start], []), tree)
            case "int", [] if not self._on_paper and len(tree.args) == 1:
                return self.node(tree.args[0])
        return super()._call(tree)

    def _applied(self, tree: ast.Call) -> Node:
        raise self.refusal(tree, "function")

    _READERS = (*ExpressionReader._READERS, (ast.IfExp, "_if"), (ast.List, "_tuple"))

    # Conditions: 1 and 0 where they always or never hold, else a formula.

    def _test(self, tree: ast.expr) -> Node:
        match tree:
            case ast.BoolOp(ast.And(), parts):
                return reduce(lambda one, two: choice(one, two, ZERO), map(self._test, parts))
            case ast.BoolOp(ast.Or(), parts):
                return reduce(lambda one, two: choice(one, ONE, two), map(self._test, parts))
            case ast.UnaryOp(ast.Not(), part):
                return choice(self._test(part), ZERO, ONE)
            case ast.Compare(left, orders, others):
                ends = [self.node(part) for part in (left, *others)]
                links = [self._link(*link) for link in zip(orders, ends, ends[1:], strict=False)]
                return reduce(lambda one, two: choice(one, two, ZERO), links)
        found = self.value(tree)
        if isinstance(found, Row) and not found.used_up:
            return self._at_most(ONE, found.length)
        return choice(self._equal(self.node(tree), ZERO), ZERO, ONE)

    def _link(self, order: ast.cmpop, one: Node, two: Node) -> Node:
        match order:
            case ast.LtE() | ast.Gt():
                holds = self._at_most(one, two)
            case ast.GtE() | ast.Lt():
                holds = self._at_most(two, one)
            case ast.Eq() | ast.NotEq():
                holds = self._equal(one, two)
            case _:
                raise self.refusal(order, "comparison")
        contrary = isinstance(order, ast.Lt | ast.Gt | ast.NotEq)
        return choice(holds, ZERO, ONE) if contrary else holds

    def _at_most(self, one: Node, two: Node) -> Node:
        if self.never_negative(minus(two, one)):
            return ONE
        return ZERO if self._is_positive(minus(one, two)) else Call("<=", (one, two))

    def _equal(self, one: Node, two: Node) -> Node:
        gap = minus(one, two)
        if gap == ZERO:
            return ONE
        apart = self._is_positive(gap) or self._is_positive(minus(two, one))
        return ZERO if apart else Call("==", (one, two))

    def _is_positive(self, node: Node) -> bool:
        match node:
            case Item():
                return True
            case Call("*", factors):
                return all(map(self._is_positive, factors))
            case Big("prod", body):
                return self._is_positive(body)
        return self.never_negative(node.plus(-1))


def _stores(nodes: Sequence[ast.AST]) -> list[str]:
    """Return the names that a program assigns, each as often as it does."""
    return [name.id for node in nodes for name in ast.walk(node)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]  # fmt: skip


def _steps(body: Sequence[ast.stmt]) -> dict[str, int]:
    """Return the names that each turn of a loop counts up or down, once, and by how much."""
    stores = _stores(body)
    found = {}
    for statement in body:
        match statement:
            case ast.AugAssign(ast.Name(name), sign, ast.Constant(by)):
                read = name
            case ast.Assign([ast.Name(name)], ast.BinOp(ast.Name(read), sign, ast.Constant(by))):
                pass
            case _:
                continue
        known = isinstance(sign, ast.Add | ast.Sub) and type(by) is int
        if known and read == name and stores.count(name) == 1:
            found[name] = by if isinstance(sign, ast.Add) else -by
    return found


def _symbol(name: str, place: str) -> str:
    """Name what a variable is before a turn of a loop."""
    return f"{name}@{place}"


def _without(names: Mapping[str, Any], gone: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in names.items() if name not in gone}


def _is_list(value: Any) -> bool:
    return isinstance(value, Row | tuple)


def _product(*factors: Node) -> Node:
    return product(*factors, total=True)


def _put(node: Node, name: str, value: Node) -> Node:
    """Put a place in the place of a name, and write places as linear forms."""
    return node.substitute(name, value).simplified()
