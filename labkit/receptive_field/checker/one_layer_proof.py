"""Prove a recurrence: an identity of rational functions, after a split by remainders if need be."""

from collections.abc import Callable
from itertools import product
from typing import Any

from labkit.receptive_field.checker.budget import FOR_PROOFS, Budget
from labkit.receptive_field.checker.conditions import ALWAYS, Condition
from labkit.receptive_field.checker.formula import CannotProveError, TooCostlyError
from labkit.receptive_field.checker.quotients import Quotient, Symbols

# Each entry splits some letters by their remainder: ("k", 2) looks at odd and even k apart; and
# ("k", 0) looks at k = 1 and all larger k apart.
_SPLITS = (
    (),
    *(((letter, 0),) for letter in "ksrd"),
    *(((letter, modulus),) for modulus in (2, 3, 4, 5, 6) for letter in "ksrd"),
    *(((one, 2), (other, 2)) for one, other in ("ks", "kr", "sr", "kd")),
    *(((one, 3), (other, 3)) for one, other in ("ks", "kr", "sr")),
    (("k", 2), ("s", 2), ("r", 2)),
)


def proves_recurrence(
    value: Callable[..., Any],
    dilated: bool,
    condition: Condition = ALWAYS,
    budget: Budget | None = None,
) -> bool:
    """Tell whether a recurrence is proved for all layers that meet a condition.

    Args:
        value: takes r, k, s and d by name, numbers or symbols, and returns the answer's value.
        dilated: whether the dilation is free rather than 1.
        condition: what the layers have to meet.
        budget: the steps that the proof may spend.

    Returns:
        True where the answer equals s(r − 1) + d(k − 1) + 1 for all of them.
    """
    budget = budget or Budget(FOR_PROOFS)
    for split in _SPLITS:
        try:
            return all(
                _same(value, _symbols(dict(split), remainders, dilated, condition, budget))
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


def _same(value: Callable[..., Any], symbols: dict[str, Any]) -> bool:
    r, k, s, d = (symbols[letter] for letter in "rksd")
    truth = s * (r - 1) + d * (k - 1) + 1
    gap = value(**symbols) - truth
    return gap.same_as(0) if isinstance(gap, Quotient) else gap == 0
