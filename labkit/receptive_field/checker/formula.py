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

    def plus(self, number: int) -> "Node":
        """Add an integer."""
        return self + Number(Fraction(number)) if number else self

    def children(self) -> tuple["Node", ...]:
        """Return the formulas that it is built of."""
        match self:
            case Call(_, arguments):
                return arguments
            case Item(_, index):
                return (index,)
            case Big(_, body, _, first, last):
                return body, first, last
        return ()

    def rebuilt(self, change: Callable[["Node"], "Node"]) -> "Node":
        """Build it anew from changed parts."""
        changed = tuple(map(change, self.children()))
        match self:
            case Call(function, _, at):
                return Call(function, changed, at)
            case Item(letter, _, at):
                return Item(letter, *changed, at)
            case Big(kind, _, variable, at=at):
                return Big(kind, changed[0], variable, *changed[1:], at)
        return self

    def bigs(self) -> list["Big"]:
        """Return the sums and products in it, the outer ones first."""
        inner = [big for part in self.children() for big in part.bigs()]
        return [self, *inner] if isinstance(self, Big) else inner

    def letters(self) -> frozenset[str]:
        """Return the letters of all layer parameters and names in it."""
        own = getattr(self, "letter", getattr(self, "name", None))
        return frozenset({own} - {None}).union(*map(Node.letters, self.children()))

    def free_names(self) -> frozenset[str]:
        """Return the names in it that no sum or product inside it binds."""
        match self:
            case Name(name):
                return frozenset({name})
            case Big(_, body, variable, first, last):
                return (body.free_names() - {variable}) | first.free_names() | last.free_names()
        return frozenset().union(*map(Node.free_names, self.children()))

    def substitute(self, name: str, value: "Node") -> "Node":
        """Put a formula in the place of a free name."""
        match self:
            case Name(found) if found == name:
                return value
            case Big(kind, body, variable, first, last, at) if variable == name:
                ends = first.substitute(name, value), last.substitute(name, value)
                return Big(kind, body, variable, *ends, at)
        return self.rebuilt(lambda part: part.substitute(name, value))

    def linear(self) -> "Linear | None":
        """Return the linear form with whole coefficients, or None where there is none."""
        match self:
            case Number(value):
                return Linear(int(value)) if value.denominator == 1 else None
            case Name(name):
                return Linear(0, ((name, 1),))
            case Call("+", terms):
                total = Linear(0)
                for form in map(Node.linear, terms):
                    if form is None:
                        return None
                    total = total.plus(form)
                return total
            case Call("*", factors):
                product = Linear(1)
                for form in map(Node.linear, factors):
                    if form is None or (form.coefficients and product.coefficients):
                        return None
                    scalar, vector = (product, form) if form.coefficients else (form, product)
                    product = Linear(0).plus(vector, scalar.constant)
                return product
        return None

    def simplified(self) -> "Node":
        """Write indices and bounds as linear forms, in which names may cancel."""
        changed = self.rebuilt(Node.simplified)
        match changed:
            case Item(letter, index, at):
                return Item(letter, _as_form(index), at)
            case Big(kind, body, variable, first, last, at):
                return Big(kind, body, variable, _as_form(first), _as_form(last), at)
        return changed


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number, exact; ``exact`` is an int where it is whole."""

    value: Fraction
    exact: int | Fraction = field(init=False, compare=False, repr=False)

    def __post_init__(self):
        whole = self.value.denominator == 1
        object.__setattr__(self, "exact", self.value.numerator if whole else self.value)


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


def is_slice(node: Big) -> bool:
    """Tell whether a sum or product was written as one of a slice, such as ``prod(s[:l])``."""
    return ":" in node.variable


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


def added(*terms: Node) -> Node:
    """Add formulas, and simplify what is linear."""
    flat = [part for term in terms for part in parts("+", term) if part != ZERO]
    form = Call("+", tuple(flat)).linear()
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
    form = Call("*", tuple(flat)).linear()
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
    if name not in node.free_names():
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
            with_it = [place for place, part in enumerate(factors) if name in part.free_names()]
            if len(with_it) == 1:
                before, after = factors[: with_it[0]], factors[with_it[0] + 1 :]
                times, rest = split(factors[with_it[0]])
                # Whatever has no value is still there, in what multiplies the name.
                rest = ZERO if rest == ZERO else product(*before, rest, *after, total=total)
                return product(*before, times, *after, total=total), rest
        case Call("/", (over, under)) if name not in under.free_names():
            times, rest = split(over)
            return times / under, ZERO if rest == ZERO else rest / under
        case Call("if", (test, yes, no)) if name not in test.free_names():
            times, rest = (choice(test, *pair) for pair in zip(split(yes), split(no), strict=True))
            return times, rest
        case Big("sum", body, variable, first, last) if name in body.free_names():
            if name not in first.free_names() | last.free_names():
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


def _as_form(place: Node) -> Node:
    form = place.linear()
    return place if form is None else form.node()
