"""Answers in any notation, made alike: a value for each network, and what can be proved."""

import sys
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from labkit.receptive_field.checker import wording
from labkit.receptive_field.checker.evaluation import (
    FOR_MISTAKES,
    FOR_NUMBERS,
    FOR_PROOFS,
    FOR_SHRINKING,
    Budget,
    Evaluator,
)
from labkit.receptive_field.checker.formula import (
    Node,
    TooCostlyError,
    UndefinedError,
    letters,
)
from labkit.receptive_field.checker.functions import FunctionAnswer, exact
from labkit.receptive_field.checker.meaning import Reading
from labkit.receptive_field.checker.mistakes import difference, named
from labkit.receptive_field.checker.networks import ALWAYS, Case, Chain, Condition, OneLayer
from labkit.receptive_field.checker.proofs import (
    proves_closed_form,
    proves_for_depth,
    proves_recurrence,
)
from labkit.receptive_field.checker.reading import read_text
from labkit.receptive_field.checker.wording import refused

# Padding never counts; a formula with p in it is tried where it would show.
_PADDED = {"p": 1}


class FormulaAnswer:
    """An answer that was read into a formula.

    Args:
        reading: the formula.
        one_layer: whether it is a recurrence.
        ways: in how many ways the answer can be read, which share the steps.
    """

    is_function = False

    def __init__(self, reading: Reading, one_layer: bool, ways: int = 1):
        self.read = reading
        self._one_layer = one_layer
        self._ways = ways
        self._for_numbers = Budget(FOR_NUMBERS // ways)
        self._for_proofs = Budget(FOR_PROOFS // ways)
        # For all comparisons with known mistakes together, but for their proofs.
        self._for_samples = Budget(FOR_PROOFS // ways)
        self.uses_dilation = "d" in reading.letters

    def value(self, case: Case) -> Any:
        """Return the formula's value for a network; of several, one that is not the truth."""
        evaluator = self._evaluator(case, self._for_numbers)
        values = map(evaluator.value, self.read.nodes)
        first = next(values)
        return next((value for value in (first, *values) if value != case.truth), first)

    def _evaluator(self, case: Case, budget: Budget) -> Evaluator:
        if isinstance(case, OneLayer):
            (numbers,) = case.each_layer()
            return Evaluator({**numbers, **_PADDED}, budget=budget)
        return Evaluator({"L": len(case.k), **_PADDED}, _item_of(case), budget)

    def terms(self, case: Case) -> tuple[Any, ...]:
        """Return the values of the formula's terms for a network, sums term by term."""
        evaluator = self._evaluator(case, Budget(FOR_SHRINKING))
        return tuple(evaluator.terms(self.read.node))

    def grant(self, steps: int) -> None:
        """Allow that many more steps for values."""
        self._for_numbers = Budget(steps // self._ways)

    def proves(self, dilated: bool, condition: Condition = ALWAYS) -> bool:
        """Tell whether it is proved for all networks that meet a condition."""
        nodes = self.read.nodes
        return all(self._proves(node, dilated, condition, self._for_proofs) for node in nodes)

    def _proves(self, node: Node, dilated: bool, condition: Condition, budget: Budget) -> bool:
        if "p" in letters(node):
            return False
        if self._one_layer:
            return proves_recurrence(
                lambda **symbols: Evaluator(symbols, budget=budget).value(node),
                dilated,
                condition,
                budget,
            )
        return proves_closed_form(node, dilated, condition, budget)

    def proves_for_depth(self, depth: int, dilated: bool) -> bool:
        """Tell whether it is proved for all networks of one depth."""
        return "p" not in self.read.letters and all(
            proves_for_depth(node, depth, dilated, ALWAYS, self._for_proofs)
            for node in self.read.nodes
        )

    def mistake(self, dilated: bool) -> str:
        """Return the name of the known mistake that it makes, or nothing."""

        def proves(one: Node, other: Node) -> bool:
            gap = difference(one, other, self._one_layer)
            if not all(self._agrees(gap, case) for case in _samples(self._one_layer, dilated)):
                return False
            budget = Budget(FOR_MISTAKES)
            if self._proves(gap, dilated, ALWAYS, budget):
                return True
            depths = () if self._one_layer else (1, 2, 3)
            proofs = (proves_for_depth(gap, depth, dilated, ALWAYS, budget) for depth in depths)
            return bool(depths) and all(proofs)

        samples = _samples(self._one_layer, dilated)
        for node in self.read.nodes:
            if not all(self._agrees(node, case) for case in samples):
                return named(node, self._one_layer, proves)
        return ""

    def _agrees(self, node: Node, case: Case) -> bool:
        try:
            return self._evaluator(case, self._for_samples).value(node) == case.truth
        except (TooCostlyError, UndefinedError):
            return False


@lru_cache(maxsize=4)
def _samples(one_layer: bool, dilated: bool) -> tuple[Case, ...]:
    """Return a few networks that tell most formulas apart."""
    if one_layer:
        return OneLayer(5, 4, 3, 2 if dilated else 1), OneLayer(2, 3, 7, 5 if dilated else 1)
    ones = (1, 1, 1)
    return (
        Chain((4, 3, 6), (3, 5, 2), (2, 3, 5) if dilated else ones),
        Chain((3, 2), (2, 7), (3, 1) if dilated else (1, 1)),
    )


class CalledAnswer:
    """An answer that is a Python function, called for values and translated for proofs.

    Args:
        function: the student's function.
        one_layer: whether it is a recurrence.
    """

    is_function = True
    read = None

    def __init__(self, function: Any, one_layer: bool):
        self.function = FunctionAnswer(function, one_layer)
        node = self.function.formula()
        self._formula = None if node is None else FormulaAnswer(Reading((node,)), one_layer)
        read = self.function.letters if node is None else self.function.letters | letters(node)
        self.uses_dilation = "d" in read
        self.may_use_dilation = node is None and "layers" in read
        self.last_tried: Case | None = None

    def value(self, case: Case) -> Any:
        """Return the function's value for a network, which it may change as it likes."""
        self.last_tried = case
        return exact(self.function.call(_arguments_of(case)))

    def grant(self, steps: int) -> None:
        """Leave a function's steps uncounted: its time is limited instead."""

    def proves(self, dilated: bool, condition: Condition = ALWAYS) -> bool:
        """Tell whether its translation is proved for all networks that meet a condition."""
        return bool(self._formula and self._formula.proves(dilated, condition))

    def proves_for_depth(self, depth: int, dilated: bool) -> bool:
        """Tell whether its translation is proved for all networks of one depth."""
        return bool(self._formula and self._formula.proves_for_depth(depth, dilated))

    def mistake(self, dilated: bool) -> str:
        """Return the name of the known mistake that its translation makes, or nothing."""
        return self._formula.mistake(dilated) if self._formula else ""


Answer = FormulaAnswer | CalledAnswer


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
        readings = read_text(answer, one_layer)
    elif sympy is not None and isinstance(answer, sympy.Basic):
        from labkit.receptive_field.checker.sympy_reading import read_sympy

        readings = read_sympy(answer, one_layer)
    elif isinstance(answer, int | float) and not isinstance(answer, bool):
        readings = read_text(_written_out(answer), one_layer)
    elif callable(answer):
        yield CalledAnswer(answer, one_layer)
        return
    else:
        raise refused("no answer", type=type(answer).__name__)
    for reading in readings:
        yield FormulaAnswer(reading, one_layer, len(readings))


def _written_out(number: int | float) -> str:
    """Write a number in digits, as a formula has it."""
    if abs(number) < 1e15:  # which nan is not
        return format(Decimal(str(number)), "f")
    raise refused("number alone")


def _item_of(chain: Chain) -> Any:
    """Return a function from a letter and a layer's number to the number."""

    def item(letter: str, number: int) -> int:
        values = getattr(chain, letter)
        if not 1 <= number <= len(values):
            shown = str(number).replace("-", "−")
            raise UndefinedError(wording.NO_LAYER.format(letter=letter, number=shown))
        return values[number - 1]

    return item


def _arguments_of(case: Case) -> dict[str, Any]:
    """Return everything that a student's function can ask for."""
    if isinstance(case, OneLayer):
        return next(case.each_layer())
    lists = {letter: list(getattr(case, letter)) for letter in "ksd"}
    return {**lists, "L": len(case.k), "layers": list(_layers(case))}


@lru_cache(maxsize=4096)
def _layers(chain: Chain) -> tuple:
    return chain.layers()
