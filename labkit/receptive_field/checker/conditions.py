"""The conditions under which a wrong formula may still be right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.receptive_field.checker.networks import Case

Symbolic = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """Hold a condition on a network, once for numbers and once for symbols.

    Args:
        phrase: completes "it is right when …".
        holds: tells whether it holds for the numbers of one layer, given by their letters.
        changes: for each letter that it touches, what takes the place of that letter's symbol,
            from symbols that are positive integers.
        for_chains: whether it can be asked of each layer of a chain by itself.
    """

    phrase: str
    holds: Callable[[Mapping[str, int]], bool]
    changes: Mapping[str, Callable[[Symbolic], Any]]
    for_chains: bool = True

    def fits(self, case: Case) -> bool:
        """Tell whether a network meets the condition in every layer."""
        return all(self.holds(layer) for layer in case.each_layer())

    def apply(self, symbols: Symbolic) -> dict[str, Any]:
        """Put symbols that meet the condition in the place of free ones."""
        changed = {letter: change(symbols) for letter, change in self.changes.items()}
        return {**symbols, **changed}


ALWAYS = Condition("always", lambda layer: True, {})

# The wider condition stands before those that it contains.
CONDITIONS = (
    Condition("every dilation is 1", lambda layer: layer["d"] == 1, {"d": lambda v: 1}),
    Condition(
        "no stride is larger than its k",
        lambda layer: layer["s"] <= layer["k"],
        {"k": lambda v: v["s"] + v["k"] - 1},
        for_chains=False,
    ),
    Condition("every stride is 1", lambda layer: layer["s"] == 1, {"s": lambda v: 1}),
    Condition("k is odd", lambda layer: layer["k"] % 2 == 1, {"k": lambda v: 2 * v["k"] - 1}),
    Condition("k is even", lambda layer: layer["k"] % 2 == 0, {"k": lambda v: 2 * v["k"]}),
    Condition(
        "k equals s",
        lambda layer: layer["k"] == layer["s"],
        {"k": lambda v: v["s"]},
        for_chains=False,
    ),
    Condition("r is 1", lambda layer: layer["r"] == 1, {"r": lambda v: 1}, for_chains=False),
    Condition("every k is 1", lambda layer: layer["k"] == 1, {"k": lambda v: 1}),
    Condition(
        "every stride and every dilation is 1",
        lambda layer: layer["s"] == layer["d"] == 1,
        {"s": lambda v: 1, "d": lambda v: 1},
    ),
)
