"""Answers in any notation, made alike: a value for each network, and what can be proved."""

import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

from labkit.receptive_field.checker.budget import FOR_NUMBERS, FOR_PROOFS, Budget
from labkit.receptive_field.checker.conditions import ALWAYS, Condition
from labkit.receptive_field.checker.evaluation import Evaluator
from labkit.receptive_field.checker.every_depth_proof import (
    expanded_truth,
    layer_symbols,
    proves_closed_form,
    proves_for_depth,
)
from labkit.receptive_field.checker.formula import (
    CannotProveError,
    TooCostlyError,
    UndefinedError,
    UnreadableError,
)
from labkit.receptive_field.checker.functions import (
    FunctionAnswer,
    StoppedError,
    UnansweredError,
    exact,
)
from labkit.receptive_field.checker.networks import Case, Chain, OneLayer
from labkit.receptive_field.checker.one_layer_proof import proves_recurrence
from labkit.receptive_field.checker.quotients import Quotient
from labkit.receptive_field.checker.reading import Reading, read_closed_form, read_recurrence
from labkit.receptive_field.checker.writing import written

_LARGEST_EXACT_FLOAT = 2**53


class Answer(Protocol):
    """What judging needs of an answer, whatever notation it came in."""

    reading: str
    uses_dilation: bool
    is_function: bool

    def value(self, case: Case) -> Any:
        """Return the answer's value for a network."""

    def grant(self, steps: int) -> None:
        """Allow that many more steps for values."""

    def proves(self, dilated: bool, condition: Condition = ALWAYS) -> bool:
        """Tell whether it is proved for all networks that meet a condition."""

    def proves_for_depth(self, depth: int, dilated: bool) -> bool:
        """Tell whether it is proved for all networks of one depth."""


class FormulaAnswer:
    """An answer that was read into a formula.

    Args:
        reading: the formula.
        one_layer: whether it is a recurrence.
        ways: in how many ways the answer can be read, which share the steps.
    """

    is_function = False

    def __init__(self, reading: Reading, one_layer: bool, ways: int = 1):
        self._node = reading.node
        self._one_layer = one_layer
        self._ways = ways
        self._for_numbers = Budget(FOR_NUMBERS // ways)
        self._for_proofs = Budget(FOR_PROOFS // ways)
        self.reading = written(reading.node)
        self.uses_dilation = "d" in reading.letters

    def value(self, case: Case) -> Any:
        """Return the formula's value for a network."""
        if isinstance(case, OneLayer):
            (numbers,) = case.each_layer()
            return Evaluator(numbers, budget=self._for_numbers).value(self._node)
        return Evaluator({"L": len(case.k)}, _item_of(case), self._for_numbers).value(self._node)

    def grant(self, steps: int) -> None:
        """Allow that many more steps for values."""
        self._for_numbers = Budget(steps // self._ways)

    def proves(self, dilated: bool, condition: Condition = ALWAYS) -> bool:
        """Tell whether it is proved for all networks that meet a condition."""
        if self._one_layer:
            return proves_recurrence(
                lambda **symbols: Evaluator(symbols, budget=self._for_proofs).value(self._node),
                dilated,
                condition,
                self._for_proofs,
            )
        return proves_closed_form(self._node, dilated, condition, self._for_proofs)

    def proves_for_depth(self, depth: int, dilated: bool) -> bool:
        """Tell whether it is proved for all networks of one depth."""
        return proves_for_depth(self._node, depth, dilated, budget=self._for_proofs)


class CalledAnswer:
    """An answer that is a Python function.

    Args:
        function: the student's function.
        one_layer: whether it is a recurrence.
    """

    is_function = True
    reading = ""

    def __init__(self, function: Any, one_layer: bool):
        self.function = FunctionAnswer(function, one_layer)
        self._one_layer = one_layer
        self.uses_dilation = bool(self.function.letters & {"d", "layers"})
        self.last_tried: Case | None = None

    def value(self, case: Case) -> Any:
        """Return the function's value for a network, which it may change as it likes."""
        self.last_tried = case
        result = self.function.call(_arguments_of(case))
        if not isinstance(result, int | Fraction) and case.truth > _LARGEST_EXACT_FLOAT:
            raise TooCostlyError("floats and fixed-width integers end before this number")
        return exact(result)

    def grant(self, steps: int) -> None:
        """Leave a function's steps uncounted: its time is limited instead."""

    def proves(self, dilated: bool, condition: Condition = ALWAYS) -> bool:
        """Tell whether it is proved, which takes a recurrence in nothing but arithmetic."""
        if not self._one_layer or not self.function.is_plain_arithmetic:
            return False
        return proves_recurrence(self._on_symbols, dilated, condition)

    def proves_for_depth(self, depth: int, dilated: bool) -> bool:
        """Tell whether it is right when it runs on symbols, for all networks of one depth."""
        if "layers" in self.function.letters:
            return False
        item = layer_symbols(depth, dilated)
        lists = {
            letter: [item(letter, number) for number in range(1, depth + 1)] for letter in "ksd"
        }
        try:
            gap = self._on_symbols(**lists, L=depth) - expanded_truth(item, depth)
            return gap.same_as(0) if isinstance(gap, Quotient) else gap == 0
        except (CannotProveError, TooCostlyError, UndefinedError, TypeError):
            return False

    def _on_symbols(self, **symbols: Any) -> Any:
        """Run the function on symbols; where it stops, nothing is proved."""
        try:
            result = self.function.call(symbols)
        except (StoppedError, UnansweredError) as error:
            raise CannotProveError("it does not run on symbols") from error
        return result if isinstance(result, Quotient) else exact(result)


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
        readings = read_recurrence(answer) if one_layer else read_closed_form(answer)
    elif sympy is not None and isinstance(answer, sympy.Basic):
        from labkit.receptive_field.checker.sympy_reading import read_sympy

        readings = read_sympy(answer, one_layer)
    elif isinstance(answer, int | float) and not isinstance(answer, bool):
        text = _written_out(answer)
        readings = read_recurrence(text) if one_layer else read_closed_form(text)
    elif callable(answer):
        yield CalledAnswer(answer, one_layer)
        return
    else:
        raise UnreadableError(
            "an answer is text, a sympy expression or a Python function, "
            f"not a {type(answer).__name__}"
        )
    for reading in readings:
        yield FormulaAnswer(reading, one_layer, len(readings))


def _written_out(number: int | float) -> str:
    """Write a number in digits, as a formula has it."""
    if abs(number) < 1e15:  # which nan is not
        return format(Decimal(str(number)), "f")
    raise UnreadableError("a number that stands alone has up to 15 digits")


def _item_of(chain: Chain) -> Any:
    """Return a function from a letter and a layer's number to the number."""

    def item(letter: str, number: int) -> int:
        values = getattr(chain, letter)
        if not 1 <= number <= len(values):
            raise UndefinedError(f"{letter}_{number} does not exist".replace("_-", "_−"))
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
