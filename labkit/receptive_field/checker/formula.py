"""A formula as a small tree, and the errors that reading or evaluating one can raise.

A tree holds numbers, names, layer parameters such as ``k[l]``, arithmetic, sums and products;
nothing in it can be called, imported or looked up outside itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction


class UnreadableError(ValueError):
    """Say why an answer cannot be read, and at which character."""

    def __init__(self, reason: str, at: int | None = None):
        super().__init__(reason)
        self.reason = reason
        self.at = at


class UndefinedError(ArithmeticError):
    """Say why a formula has no value for a network."""


class TooCostlyError(ArithmeticError):
    """Say that a value needs numbers too large or loops too long to try."""


class CannotProveError(ArithmeticError):
    """Say that a question about symbols has no answer that holds for all numbers."""


class Node:
    """A formula; arithmetic with formulas builds a larger one."""

    __slots__ = ()

    def __add__(self, other: "Node") -> "Node":
        return Call("+", (*parts("+", self), other))

    def __sub__(self, other: "Node") -> "Node":
        return self + -other

    def __neg__(self) -> "Node":
        return Call("*", (MINUS_ONE, self))

    def __mul__(self, other: "Node") -> "Node":
        return Call("*", (*parts("*", self), other))

    def __truediv__(self, other: "Node") -> "Node":
        return Call("/", (self, other))

    def __floordiv__(self, other: "Node") -> "Node":
        return Call("floor", (self / other,))

    def __mod__(self, other: "Node") -> "Node":
        return Call("mod", (self, other))


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number, exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable: ``r``, ``k``, ``s``, ``d``, ``L``, or one that a sum or product binds."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Item(Node):
    """A parameter of the layer with the given number, counted from 1."""

    letter: str
    index: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An operation on formulas.

    It is one of ``+`` and ``*`` of several; ``/`` and ``^``; floor, ceil, abs, min, max and mod; a
    program's ``<=`` and ``==``; or ``if``: a condition, the value where it holds, and the value
    where it does not.
    """

    function: str
    arguments: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Big(Node):
    """A sum Σ or product ∏ of a body, over a variable from first to last."""

    kind: str
    body: Node
    variable: str
    first: Node
    last: Node
    at: int = field(default=0, compare=False)


ONE = Number(Fraction(1))
MINUS_ONE = Number(Fraction(-1))
ZERO = Number(Fraction(0))


def parts(function: str, node: Node) -> tuple[Node, ...]:
    """Return what a formula adds up or multiplies; itself where it does neither."""
    return node.arguments if isinstance(node, Call) and node.function == function else (node,)


def joined(function: str, nodes: Sequence[Node]) -> Node:
    """Add up or multiply formulas, one of them at the least."""
    return nodes[0] if len(nodes) == 1 else Call(function, tuple(nodes))


def plus(node: Node, number: int) -> Node:
    """Add an integer to a formula."""
    return node + Number(Fraction(number)) if number else node


def is_slice(node: Big) -> bool:
    """Tell whether a sum or product was written as one of a slice, such as ``prod(s[:l])``."""
    return ":" in node.variable


def children(node: Node) -> tuple[Node, ...]:
    """Return the formulas that a formula is built of."""
    match node:
        case Call(_, arguments):
            return arguments
        case Item(_, index):
            return (index,)
        case Big(_, body, _, first, last):
            return body, first, last
    return ()


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """Build a formula anew from changed parts."""
    changed = tuple(map(change, children(node)))
    match node:
        case Call(function, _, at):
            return Call(function, changed, at)
        case Item(letter, _, at):
            return Item(letter, *changed, at)
        case Big(kind, _, variable, at=at):
            return Big(kind, changed[0], variable, *changed[1:], at)
    return node


def bigs(node: Node) -> list[Big]:
    """Return the sums and products in a formula, the outer ones first."""
    inner = [big for part in children(node) for big in bigs(part)]
    return [node, *inner] if isinstance(node, Big) else inner


def letters(node: Node) -> frozenset[str]:
    """Return the letters of all layer parameters and names in a formula."""
    here = {node.letter} if isinstance(node, Item) else set()
    here |= {node.name} if isinstance(node, Name) else set()
    return frozenset(here).union(*map(letters, children(node)))


def free_names(node: Node) -> frozenset[str]:
    """Return the names in a formula that no sum or product inside it binds."""
    match node:
        case Name(name):
            return frozenset({name})
        case Big(_, body, variable, first, last):
            return (free_names(body) - {variable}) | free_names(first) | free_names(last)
    return frozenset().union(*map(free_names, children(node)))


def substitute(node: Node, name: str, value: Node) -> Node:
    """Put a formula in the place of a free name."""
    match node:
        case Name(found) if found == name:
            return value
        case Big(kind, body, variable, first, last, at) if variable == name:
            ends = substitute(first, name, value), substitute(last, name, value)
            return Big(kind, body, variable, *ends, at)
    return rebuilt(node, lambda part: substitute(part, name, value))


@dataclass(frozen=True)
class Linear:
    """A linear form: a constant, and a whole coefficient for each name."""

    constant: int
    coefficients: tuple[tuple[str, int], ...] = ()

    def of(self, name: str) -> int:
        """Return the coefficient of a name, 0 where it does not occur."""
        return dict(self.coefficients).get(name, 0)

    def without(self, name: str) -> "Linear":
        """Drop a name."""
        return Linear(self.constant, tuple(c for c in self.coefficients if c[0] != name))

    def plus(self, other: "Linear", times: int = 1) -> "Linear":
        """Add a multiple of another form."""
        total = dict(self.coefficients)
        for name, coefficient in other.coefficients:
            total[name] = total.get(name, 0) + times * coefficient
        kept = tuple(sorted((name, c) for name, c in total.items() if c))
        return Linear(self.constant + times * other.constant, kept)

    def node(self) -> Node:
        """Write the form as a formula, what is subtracted behind what is added."""
        terms = [
            Name(name) if c == 1 else Number(Fraction(c)) * Name(name)
            for name, c in sorted(self.coefficients, key=lambda pair: pair[1] < 0)
        ]
        if self.constant or not terms:
            terms.append(Number(Fraction(self.constant)))
        return joined("+", terms)


def linear(node: Node) -> Linear | None:
    """Return the linear form of a formula with whole coefficients, or None where it has none."""
    match node:
        case Number(value):
            return Linear(int(value)) if value.denominator == 1 else None
        case Name(name):
            return Linear(0, ((name, 1),))
        case Call("+", terms):
            total = Linear(0)
            for form in map(linear, terms):
                if form is None:
                    return None
                total = total.plus(form)
            return total
        case Call("*", factors):
            product = Linear(1)
            for form in map(linear, factors):
                if form is None or (form.coefficients and product.coefficients):
                    return None
                scalar, vector = (product, form) if form.coefficients else (form, product)
                product = Linear(0).plus(vector, scalar.constant)
            return product
    return None


def added(*terms: Node) -> Node:
    """Add formulas, and simplify what is linear."""
    flat = [part for term in terms for part in parts("+", term) if part != ZERO]
    form = linear(Call("+", tuple(flat)))
    if form is not None and not (len(flat) == 1 and isinstance(flat[0], Name)):
        return form.node()
    return joined("+", flat)


def minus(one: Node, other: Node) -> Node:
    """Subtract a formula from another, and simplify what is linear."""
    return added(one, -other)


def product(*factors: Node, total: bool = False) -> Node:
    """Multiply formulas, and simplify what is linear.

    Args:
        factors: the formulas.
        total: whether each has a value for every network, so that 0 times it is 0.
    """
    flat = [part for factor in factors for part in parts("*", factor)]
    form = linear(Call("*", tuple(flat)))
    if form is not None:
        return form.node()
    if total and ZERO in flat:
        return ZERO
    return joined("*", [part for part in flat if part != ONE])


def affine(
    node: Node, name: str, refusal: UnreadableError, total: bool = False
) -> tuple[Node, Node]:
    """Write a formula as a name's multiple plus what is free of it.

    Args:
        node: the formula.
        name: the name.
        refusal: what is raised where it is no such sum.
        total: whether each part has a value for every network.

    Returns:
        What the name is multiplied by, and the rest.
    """
    if name not in free_names(node):
        return ZERO, node

    def split(part: Node) -> tuple[Node, Node]:
        return affine(part, name, refusal, total)

    match node:
        case Name():
            return ONE, ZERO
        case Call("+", terms):
            times, rests = zip(*map(split, terms), strict=True)
            return added(*times), added(*rests)
        case Call("*", factors):
            with_it = [part for part in factors if name in free_names(part)]
            if len(with_it) == 1:
                others = [part for part in factors if part is not with_it[0]]
                times, rest = split(with_it[0])
                # Whatever has no value is still there, in what multiplies the name.
                rest = ZERO if rest == ZERO else product(rest, *others, total=total)
                return product(times, *others, total=total), rest
        case Call("/", (over, under)) if name not in free_names(under):
            times, rest = split(over)
            return times / under, ZERO if rest == ZERO else rest / under
        case Call("if", (test, yes, no)) if name not in free_names(test):
            times, rest = (choice(test, *pair) for pair in zip(split(yes), split(no), strict=True))
            return times, rest
        case Big("sum", body, variable, first, last) if name in free_names(body):
            if name not in free_names(first) | free_names(last):
                times, rest = (
                    part if part == ZERO else Big("sum", part, variable, first, last)
                    for part in split(body)
                )
                return times, rest
    raise refusal


def choice(test: Node, yes: Node, no: Node) -> Node:
    """Choose between two formulas by a condition, which is 1 or 0 where it is known."""
    if isinstance(test, Number):
        return yes if test.value else no
    return yes if yes == no else Call("if", (test, yes, no))


def simplified(node: Node) -> Node:
    """Write indices and bounds as linear forms, in which names may cancel."""
    match node:
        case Item(letter, index, at):
            return Item(letter, _simplified_place(index), at)
        case Big(kind, body, variable, first, last, at):
            ends = _simplified_place(first), _simplified_place(last)
            return Big(kind, simplified(body), variable, *ends, at)
    return rebuilt(node, simplified)


def _simplified_place(place: Node) -> Node:
    form = linear(place)
    return place if form is None else form.node()
