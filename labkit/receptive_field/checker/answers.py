"""Answers in any notation, made alike: a value for each network, and what can be proved."""

import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any

from labkit.receptive_field.checker.evaluation import (
    FOR_MISTAKES,
    FOR_NUMBERS,
    FOR_PROOFS,
    FOR_SHRINKING,
    Budget,
    Evaluator,
)
from labkit.receptive_field.checker.formula import Node, TooCostlyError, UndefinedError
from labkit.receptive_field.checker.functions import FunctionCalls, exact
from labkit.receptive_field.checker.meaning import Reading
from labkit.receptive_field.checker.mistakes import difference, named
from labkit.receptive_field.checker.networks import ALWAYS, Condition, Network, single
from labkit.receptive_field.checker.proofs import (
    proves_closed_form,
    proves_for_depth,
    proves_recurrence,
)
from labkit.receptive_field.checker.reading import read_text
from labkit.receptive_field.checker.tokens import LONGEST
from labkit.receptive_field.checker.wording import known_names, refused, said
from labkit.receptive_field.checker.writing import SPARE

# Padding never counts; a formula with p in it is tried where it would show.
_PADDED = {"p": 1}
# Symbols of sympy, such as r_l-1 or r_{l-1}; what is printed of them can be read only as that.
_MOVED_INDEX = re.compile(r"_(\w+[-+]\w+)$")
_SYMBOL = re.compile(r"\\?\w+(?:\{[\w+-]+\})?")


class Answer:
    """An answer: a formula that was read, or a function that is called for its values.

    Args:
        nodes: the formulas that it equals; none where a function was not translated into one.
        one_layer: whether it is a recurrence.
        read: how a formula was read; None for a function.
        ways: in how many ways the answer can be read, which share the steps.
        calls: what calls a function; None for a formula.
    """

    def __init__(
        self,
        nodes: tuple[Node, ...],
        one_layer: bool,
        read: Reading | None = None,
        ways: int = 1,
        calls: FunctionCalls | None = None,
    ):
        self.read = read
        self.calls = calls
        self.last_tried: Network | None = None
        self._nodes = nodes
        self._one_layer = one_layer
        self._ways = ways
        self._for_numbers = Budget(FOR_NUMBERS // ways)
        self._for_proofs = Budget(FOR_PROOFS // ways)
        # For all comparisons with known mistakes together, but for their proofs.
        self._for_samples = Budget(FOR_PROOFS // ways)
        self._letters = frozenset().union(*map(Node.letters, nodes), calls.letters if calls else ())
        self.uses_dilation = "d" in self._letters
        self.padded = bool(read) and "p" in self._letters
        self.may_use_dilation = not nodes and "layers" in self._letters

    def value(self, case: Network) -> Any:
        """Return the value for a network; of several, one that is not the truth."""
        self.last_tried = case
        if self.calls:
            return exact(self.calls.call(_arguments_of(case)))
        values = map(self._evaluator(case, self._for_numbers).value, self._nodes)
        first = next(values)
        return next((value for value in (first, *values) if value != case.truth), first)

    def _evaluator(self, case: Network, budget: Budget) -> Evaluator:
        if self._one_layer:
            (k,), (s,), (d,) = case.k, case.s, case.d
            return Evaluator({"r": case.r, "k": k, "s": s, "d": d, **_PADDED}, budget=budget)
        return Evaluator({"L": len(case.k), **_PADDED}, _item_of(case), budget)

    def terms(self, case: Network) -> tuple[Any, ...]:
        """Return the values of the formula's terms for a network, sums term by term."""
        return tuple(self._evaluator(case, Budget(FOR_SHRINKING)).terms(self._nodes[0]))

    def grant(self, steps: int) -> None:
        """Allow that many more steps for values; a function's time is limited instead."""
        self._for_numbers = Budget(steps // self._ways)

    def proves(self, dilated: bool, condition: Condition = ALWAYS, depth: int = 0) -> bool:
        """Tell whether it is proved for all networks that meet a condition, or of one depth."""
        asked = dilated, condition, self._for_proofs, depth
        return bool(self._nodes) and all(self._proves(node, *asked) for node in self._nodes)

    def _proves(
        self, node: Node, dilated: bool, condition: Condition, budget: Budget, depth: int = 0
    ) -> bool:
        if "p" in node.letters():
            return False
        if depth:
            return proves_for_depth(node, depth, dilated, condition, budget)
        prove = proves_recurrence if self._one_layer else proves_closed_form
        return prove(node, dilated, condition, budget)

    def mistake(self, dilated: bool) -> str:
        """Return the name of the known mistake that it makes, or nothing."""

        def proves(one: Node, other: Node) -> bool:
            gap = difference(one, other, self._one_layer)
            if not all(self._agrees(gap, case) for case in cases):
                return False
            asked = gap, dilated, ALWAYS, Budget(FOR_MISTAKES)
            to_depths = (self._proves(*asked, depth) for depth in (1, 2, 3))
            return self._proves(*asked) or (not self._one_layer and all(to_depths))

        cases = samples(self._one_layer, dilated)
        for node in self._nodes:
            if not all(self._agrees(node, case) for case in cases):
                return named(node, self._one_layer, proves)
        return ""

    def _agrees(self, node: Node, case: Network) -> bool:
        try:
            return self._evaluator(case, self._for_samples).value(node) == case.truth
        except (TooCostlyError, UndefinedError):
            return False


@lru_cache(maxsize=4)
def samples(one_layer: bool, dilated: bool) -> tuple[Network, ...]:
    """Return two networks that tell most formulas apart."""
    if one_layer:
        return single(5, 4, 3, 2 if dilated else 1), single(2, 3, 7, 5 if dilated else 1)
    return (
        Network((4, 3, 6), (3, 5, 2), (2, 3, 5) if dilated else (1, 1, 1)),
        Network((3, 2), (2, 7), (3, 1) if dilated else (1, 1)),
    )


def read_answer(answer: Any, one_layer: bool) -> Iterator[Answer]:
    """Read an answer in whatever notation it comes.

    Args:
        answer: text, a number, a sympy expression or a Python function.
        one_layer: whether it is a recurrence rather than a closed form.

    Yields:
        Each way to understand it, the likeliest first.

    Raises:
        UnreadableError: where there is none.
    """
    sympy = sys.modules.get("sympy")
    if isinstance(answer, str):
        text = answer
    elif sympy is not None and isinstance(answer, sympy.Basic):
        text = _sympy_text(answer, sympy, one_layer)
    elif isinstance(answer, int | float) and not isinstance(answer, bool):
        text = _written_out(answer)
    elif callable(answer):
        calls = FunctionCalls(answer, one_layer)
        node = calls.formula()
        yield Answer(() if node is None else (node,), one_layer, calls=calls)
        return
    else:
        raise refused("no answer", type=type(answer).__name__)
    readings = read_text(text, one_layer)
    for reading in readings:
        yield Answer(reading.nodes, one_layer, reading, len(readings))


def _sympy_text(answer: Any, sympy: Any, one_layer: bool) -> str:
    """Write a sympy expression or equation as sympy prints it, with names that can be read."""
    if sum(1 for _ in islice(sympy.preorder_traversal(answer), LONGEST + 1)) > LONGEST:
        raise refused("too long", most=LONGEST)
    if isinstance(answer, sympy.logic.boolalg.BooleanAtom):
        raise refused("sympy truth", part=answer)
    bound = {name for big in answer.atoms(sympy.Sum, sympy.Product) for name in big.variables}
    symbols = answer.atoms(sympy.Symbol)
    spare = filter(lambda letter: letter not in map(str, symbols), SPARE)
    names = {
        symbol: next(spare) if symbol in bound and len(str(symbol)) > 1
        else _MOVED_INDEX.sub(r"_{\1}", str(symbol))
        for symbol in sorted(symbols, key=str)
    }  # fmt: skip
    for name in names.values():
        if not _SYMBOL.fullmatch(name):
            raise refused("unknown", word=name, names=known_names(one_layer))
    answer = answer.xreplace({old: sympy.Symbol(name) for old, name in names.items()})
    sides = answer.args if isinstance(answer, sympy.Equality) else (answer,)
    try:
        return " = ".join(sympy.sstr(side, full_prec=False) for side in sides)
    except RecursionError:
        raise refused("too deep") from None


def _written_out(number: int | float) -> str:
    """Write a number in digits, as a formula has it."""
    if abs(number) < 1e15:  # which nan is not
        return format(Decimal(str(number)), "f")
    raise refused("number alone")


def _item_of(chain: Network) -> Any:
    """Return a function from a letter and a layer's number to the number."""

    def item(letter: str, number: int) -> int:
        values = getattr(chain, letter)
        if not 1 <= number <= len(values):
            shown = str(number).replace("-", "−")
            raise UndefinedError(said("no layer", letter=letter, number=shown))
        return values[number - 1]

    return item


def _arguments_of(case: Network) -> dict[str, Any]:
    """Return everything that a student's function can ask for."""
    if case.r is not None:
        return next(case.each_layer())
    lists = {letter: list(getattr(case, letter)) for letter in "ksd"}
    return {**lists, "L": len(case.k), "layers": list(_layers(case))}


@lru_cache(maxsize=4096)
def _layers(chain: Network) -> tuple:
    return chain.layers()
