r"""Prove a recurrence for every layer, and a closed form for every depth.

A recurrence is an identity of rational functions, after a split by remainders if need be. A closed
form is proved by induction on the number of layers.

With :math:`F(L)` the answer and :math:`P_N` the product of the first N strides, it is proved for
all networks that :math:`F(N+1) - F(N) = d_{N+1} (k_{N+1} - 1) P_N`, which is what one more layer
adds to the true closed form. The parameters of layers N, N + 1, … are symbols here; so are the
sums and products over the first N layers, and only their first and last terms are ever split off.
The splitting needs N to be at least some small :math:`N_0`; up to there the answer is multiplied
out and compared with the truth as a polynomial in all parameters.
"""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

from labkit.receptive_field.checker.evaluation import Budget, Evaluator, divided, raised
from labkit.receptive_field.checker.formula import (
    Big,
    Call,
    CannotProveError,
    Item,
    Linear,
    Name,
    Node,
    Number,
    TooCostlyError,
    UndefinedError,
)
from labkit.receptive_field.checker.networks import Condition
from labkit.receptive_field.checker.quotients import Quotient, Symbols

_SYMBOLS = 48
_DEEPEST_START = 6
_FARTHEST = 6
# Each entry splits some letters by their remainder: ("k", 2) looks at odd and even k apart; and
# ("k", 0) looks at k = 1 and all larger k apart.
_SPLITS = (
    (),
    *(((letter, 0),) for letter in "ksrd"),
    (("k", 0), ("s", 0), ("r", 0)),
    *(((letter, modulus),) for modulus in (2, 3, 4, 5, 6) for letter in "ksrd"),
    *(((one, 2), (other, 2)) for one, other in ("ks", "kr", "sr", "kd")),
    *(((one, 3), (other, 3)) for one, other in ("ks", "kr", "sr")),
    (("k", 2), ("s", 2), ("r", 2)),
)


def proves_recurrence(node: Node, dilated: bool, condition: Condition, budget: Budget) -> bool:
    """Tell whether a recurrence is proved for all layers that meet a condition.

    Args:
        node: the answer.
        dilated: whether the dilation is free rather than 1.
        condition: what the layers have to meet.
        budget: the steps that the proof may spend.

    Returns:
        True where the answer equals s(r − 1) + d(k − 1) + 1 for all of them.
    """
    for split in _SPLITS:
        try:
            return all(
                _holds(node, _symbols(dict(split), remainders, dilated, condition, budget), budget)
                for remainders in product(*(range(modulus or 2) for _, modulus in split))
            )
        except CannotProveError:
            continue
        except (TooCostlyError, ArithmeticError):
            return False
    return False


def _symbols(
    moduli: dict[str, int],
    remainders: tuple[int, ...],
    dilated: bool,
    condition: Condition,
    budget: Budget,
) -> dict[str, Any]:
    """Return symbols for r, k, s and d, those that are split in one of their parts."""
    symbols = Symbols(4, budget)
    values: dict[str, Any] = {letter: symbols.positive(letter) for letter in "rksd"}
    for (letter, modulus), remainder in zip(moduli.items(), remainders, strict=True):
        larger = values[letter] + 1 if remainder else 1 + 0 * values[letter]
        values[letter] = modulus * values[letter] - remainder if modulus else larger
    if not dilated:
        values["d"] = values["d"] - values["d"] + 1
    return condition.apply(values)


def _holds(node: Node, symbols: dict[str, Any], budget: Budget) -> bool:
    truth = _expanded_truth(lambda letter, _: symbols[letter], 1, symbols["r"])
    return _same(Evaluator(symbols, budget=budget).value(node), truth)


def proves_closed_form(node: Node, dilated: bool, condition: Condition, budget: Budget) -> bool:
    """Tell whether a closed form is proved for every chain whose layers meet a condition.

    Args:
        node: the answer, layers counted from 1.
        dilated: whether the dilations are free rather than 1.
        condition: what each layer has to meet.
        budget: the steps that the proof may spend.

    Returns:
        True where the answer equals the receptive field for every number of layers from 1 on.
    """
    try:
        start = _step_holds(_along_the_layers(node), dilated, condition, budget)
        return all(
            proves_for_depth(node, depth, dilated, condition, budget)
            for depth in range(1, start + 1)
        )
    except (CannotProveError, TooCostlyError, UndefinedError):
        return False


def proves_for_depth(
    node: Node, depth: int, dilated: bool, condition: Condition, budget: Budget
) -> bool:
    """Tell whether a closed form is proved for every chain of one depth.

    Args:
        node: the answer, layers counted from 1.
        depth: the number of layers, at least 1.
        dilated: whether the dilations are free rather than 1.
        condition: what each layer has to meet.
        budget: the steps that the proof may spend.

    Returns:
        True where the answer equals the receptive field for all of them.
    """
    symbols = Symbols(_SYMBOLS, budget)

    def item(letter: str, number: int) -> Any:
        if not 1 <= number <= depth:
            raise UndefinedError
        return _parameter(symbols, letter, number, dilated, condition)

    try:
        found = Evaluator({"L": depth}, item, budget).value(node)
        return _same(found, _expanded_truth(item, depth))
    except (CannotProveError, TooCostlyError, UndefinedError):
        return False


def _expanded_truth(item: Any, depth: int, width: Any = 1) -> Any:
    """Multiply the receptive field out, from the last layer to the first."""
    for number in range(depth, 0, -1):
        kernel, stride, dilation = (item(letter, number) for letter in "ksd")
        width = stride * (width - 1) + dilation * (kernel - 1) + 1
    return width


def _parameter(
    symbols: Symbols, letter: str, place: Any, dilated: bool, condition: Condition
) -> Any:
    if letter == "d" and not dilated:
        return 1
    symbol = symbols.positive((letter, place))
    change = condition.changes.get(letter)
    return symbol if change is None else change({letter: symbol})


def _same(one: Any, other: Any) -> bool:
    gap = one - other
    return gap.same_as(0) if isinstance(gap, Quotient) else gap == 0


def _step_holds(node: Node, dilated: bool, condition: Condition, budget: Budget) -> int:
    """Prove the step from N to N + 1, and return from which N on it holds."""
    symbols = Symbols(_SYMBOLS, budget)
    here = _LargeNetwork(symbols, 0, dilated, condition)
    deeper = _LargeNetwork(symbols, 1, dilated, condition)
    new = Linear(1, (("N", 1),))
    added = (
        deeper.parameter("d", new)
        * (deeper.parameter("k", new) - 1)
        * here.strides_of_the_first_layers()
    )
    if not _same(deeper.value(node) - here.value(node), added):
        raise CannotProveError("one more layer adds something else")
    start = max(here.start, deeper.start, 1)
    if start > _DEEPEST_START:
        raise CannotProveError("the induction would start too deep")
    return start


class _LargeNetwork(Evaluator):
    """Evaluate a formula for a network of N + extra layers, N unknown but at least ``start``.

    Places are linear forms in N. A sum or product from a fixed place to one that moves with N
    is a symbol for what it is in a network of N layers, and the few terms beyond that.
    """

    def __init__(self, symbols: Symbols, extra: int, dilated: bool, condition: Condition):
        super().__init__({"L": Linear(extra, (("N", 1),))}, budget=symbols.budget)
        self._symbols = symbols
        self._extra = extra
        self._dilated = dilated
        self._condition = condition
        self.start = 0

    def parameter(self, letter: str, place: Linear) -> Any:
        """Return the parameter of the layer at a place, which has to exist."""
        if place.of("N"):
            self._require(place.constant <= self._extra)
            self._require_start(1 - place.constant)
        else:
            self._require(place.constant >= 1)
            self._require_start(place.constant - self._extra)
        return _parameter(self._symbols, letter, place, self._dilated, self._condition)

    def strides_of_the_first_layers(self) -> Any:
        """Return the product of the strides of layers 1 to N."""
        return self._run_of("s", Linear(1), Linear(0, (("N", 1),)))

    def _require(self, holds: bool) -> None:
        if not holds:
            raise CannotProveError("a layer that does not exist, or a range that runs backwards")

    def _require_start(self, start: int) -> None:
        self.start = max(self.start, start)

    def _place(self, node: Node) -> Linear:
        """Return where an index or a bound stands: at a number, or at a distance from N."""
        form = node.linear()
        if form is None:
            raise CannotProveError("a place that is no linear form")
        total = Linear(form.constant)
        for name, coefficient in form.coefficients:
            total = total.plus(self._names[name], coefficient)
        if total.of("N") not in (0, 1) or abs(total.constant) > 50:
            raise CannotProveError("a place that is neither fixed nor at a distance from N")
        return total

    def _name(self, node: Name) -> Any:
        place = self._names[node.name]
        return place.constant + (self._symbols.positive("N") if place.of("N") else 0)

    def _item(self, node: Item) -> Any:
        return self.parameter(node.letter, self._place(node.index))

    def _call(self, node: Call) -> Any:
        if node.function in ("<=", "=="):
            gap = None
            if None not in map(Node.linear, node.arguments):
                one, other = map(self._place, node.arguments)
                gap = other.plus(one, -1)
            if gap is not None and gap.of("N"):
                # Far enough out the two are apart, and in which order is known.
                self._require_start(abs(gap.constant) + 1)
                return node.function == "<=" and gap.of("N") > 0
        return super()._call(node)

    def _big(self, node: Big) -> Any:
        first, last = self._place(node.first), self._place(node.last)
        if node.kind == "prod":
            return self._product(node, node.body, first, last)
        explicit = self._places(first, last)
        if explicit is not None:
            return sum((self._at(node, place) for place in explicit), start=0)
        # The symbol stands for the sum in a network of N layers, the rest is what L adds.
        reach = last.constant - self._extra
        self._require_start(first.constant - 1 - reach)
        total = self._symbols.unknown((*self._key(node, first), reach))
        for number in range(reach + 1, last.constant + 1):
            total = total + self._at(node, Linear(number, last.coefficients))
        return total

    def _places(self, first: Linear, last: Linear) -> list[Linear] | None:
        """List the places from first to last where their number is known, else None."""
        if first.of("N") != last.of("N"):
            self._require(bool(last.of("N")))
            return None
        self._require(last.constant - first.constant <= 2 * _FARTHEST)
        numbers = range(first.constant, last.constant + 1)
        return [Linear(number, first.coefficients) for number in numbers]

    def _key(self, node: Big, first: Linear) -> tuple:
        """Name the part of a sum up to N by all that its value depends on."""
        free = sorted(node.body.free_names() - {node.variable})
        return "sum", node.body, node.variable, first, *((name, self._names[name]) for name in free)

    def _product(self, node: Big, body: Node, first: Linear, last: Linear) -> Any:
        """Multiply a body factor by factor, so that equal products get equal symbols."""
        match body:
            case Call("*", factors):
                return math.prod(self._product(node, factor, first, last) for factor in factors)
            case Call("/", (over, under)):
                return divided(
                    self._product(node, over, first, last), self._product(node, under, first, last)
                )
            case Call("^", (base, Number(exponent))) if exponent.denominator == 1:
                return raised(self._product(node, base, first, last), int(exponent))
            case Number(value) if value == 1:
                return 1
            case Item(letter, index):
                form = index.linear()
                if form is not None and form.of(node.variable) in (1, -1):
                    return self._run_from_to(letter, form, node.variable, first, last)
        explicit = self._places(first, last)
        if explicit is None:
            raise CannotProveError("a product of something else than parameters")
        factor = Big("prod", body, node.variable, node.first, node.last)
        return math.prod(self._at(factor, place) for place in explicit)

    def _run_from_to(
        self, letter: str, index: Linear, variable: str, first: Linear, last: Linear
    ) -> Any:
        """Multiply one letter's parameters along an index that moves with the variable."""
        rest = self._place(index.without(variable).node())
        if index.of(variable) == 1:
            return self._run_of(letter, rest.plus(first), rest.plus(last))
        return self._run_of(letter, rest.plus(last, -1), rest.plus(first, -1))

    def _run_of(self, letter: str, first: Linear, last: Linear) -> Any:
        """Multiply one letter's parameters from a place to another."""
        self._require({first.of("N"), last.of("N")} <= {0, 1})
        explicit = self._places(first, last)
        if explicit is not None:
            return math.prod((self.parameter(letter, place) for place in explicit), start=1)
        self._require(1 <= first.constant <= _FARTHEST)
        self._require_start(first.constant - 1 - min(last.constant, 0))
        if isinstance(self.parameter(letter, Linear(1)), int):
            return 1
        product = self._symbols.positive(("run", letter))
        for number in range(1, first.constant):
            product = product / self.parameter(letter, Linear(number))
        self._require(abs(last.constant) <= _FARTHEST)
        for number in range(1, last.constant + 1):
            product = product * self.parameter(letter, Linear(number, last.coefficients))
        for number in range(last.constant + 1, 1):
            product = product / self.parameter(letter, Linear(number, last.coefficients))
        return product


def _along_the_layers(node: Node) -> Node:
    """Let sums and products run over the layers' own numbers, upwards, so that equals look equal.

    A product of s_{L−j} over j from L − l to L − 1 becomes one of s_i over i from 1 to l; a sum
    that counts layers from the last one counts from the first one instead.
    """
    node = node.rebuilt(_along_the_layers)
    match node:
        case Big(kind, body, variable, first, last, at):
            ends = first.linear(), last.linear()
            index = next((form for form in _places_in(body) if abs(form.of(variable)) == 1), None)
            if index is None or None in ends:
                return node
            sign, rest = index.of(variable), index.without(variable)
            if {big.variable for big in body.bigs()} & {name for name, _ in rest.coefficients}:
                return node
            moved = Linear(0).plus(Linear(0, ((variable, 1),)).plus(rest, -1), sign)
            body = body.substitute(variable, moved.node()).simplified()
            ends = [rest.plus(end, sign).node() for end in ends][::sign]
            return Big(kind, body, variable, *ends, at)
    return node


def _places_in(node: Node) -> Iterator[Linear]:
    """Yield the linear forms at which a formula reads layers: its own first, then its bounds'."""
    if isinstance(node, Big):
        inner = [node.last, node.first]
    elif isinstance(node, Item):
        inner = [node.index]
    else:
        inner = []
        parts = sorted(node.children(), key=lambda part: isinstance(part, Big))
        for part in parts:
            yield from _places_in(part)
    yield from (form for form in map(Node.linear, inner) if form is not None)
