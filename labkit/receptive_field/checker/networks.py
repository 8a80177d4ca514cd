"""The networks on which answers are tried, from small to large, each with the truth.

The order is documented and fixed, and of each kind no small one is left out, so that the first
counter-example among them is the smallest:

- one layer, for a recurrence: by the sum of all numbers; then by the smaller dilation, r,
  stride and kernel;
- a chain, for a closed form: by the number of layers; then by the sum of all numbers; then by
  the smaller dilations, strides and kernels, layer by layer.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise, product
from typing import Any

from labkit.receptive_field.layers import Layer
from labkit.receptive_field.recurrence import receptive_field

_LARGE = (7, 8, 9, 10, 12, 13, 16, 25, 31, 50, 64, 100, 101, 128, 255, 500, 1000, 1001, 1024, 4099,
          10_000, 65_537, 10**6, 10**6 + 3, 10**9, 10**9 + 7, 10**12 + 39, 10**15)  # fmt: skip
_DEPTHS = (*range(1, 17), 25, 33, 64, 101)
_SEED = 2019
# For one layer or for chains of 1, 2, … layers, without dilation or with it: all whose numbers add
# up to that are tried.
_LARGEST_SUMS = {
    (True, False): (20,), (True, True): (14,),
    (False, False): (16, 11, 12, 11), (False, True): (13, 11, 12),
}  # fmt: skip
# Functions may compute in numbers of the machine, and by lists of positions.
_LARGEST_FOR_FUNCTIONS = 1024
_LARGEST_OF_THE_MACHINE = 2**53
_MOST_TRIALS = 3000


@dataclass(frozen=True)
class Network:
    """Hold the parameters of all layers, from the input to the output.

    Args:
        k: the kernel of each layer.
        s: the stride of each.
        d: the dilation of each.
        r: for a recurrence, the units after its one layer; None for a closed form.
    """

    k: tuple[int, ...]
    s: tuple[int, ...]
    d: tuple[int, ...]
    r: int | None = None

    @cached_property
    def truth(self) -> int:
        """The width that the r units read, or the receptive field by the recurrence."""
        if self.r is None:
            return receptive_field(self.layers())
        return sum(self.terms())

    def terms(self) -> tuple[int, ...]:
        """What the truth adds up.

        For a recurrence the steps between units, those in a kernel, and one; for a closed form one,
        and what each layer adds.
        """
        if self.r is not None:
            return self.s[0] * (self.r - 1), self.d[0] * (self.k[0] - 1), 1
        grown = [receptive_field(self.layers()[:depth]) for depth in range(len(self.k) + 1)]
        return 1, *(after - before for before, after in pairwise(grown))

    @property
    def effort(self) -> int:
        """About how many positions a simulation visits, or how large its numbers get."""
        positions = (self.r or 1) * math.prod(self.k)
        return max(self.truth, positions, math.prod(self.s) * max(self.d))

    def values(self, dilated: bool) -> tuple[tuple[str, object], ...]:
        """Return the numbers with their names; those of a single layer stand alone."""
        shown = "ks" + ("r" if self.r else "") + ("d" if dilated else "")
        named = ((name, getattr(self, name)) for name in shown)
        return tuple((n, of[0] if n != "r" and len(of) == 1 else of) for n, of in named)

    def each_layer(self) -> Iterator[dict[str, int]]:
        """Yield the numbers of each layer by their letters."""
        for k, s, d in zip(self.k, self.s, self.d, strict=True):
            yield {"k": k, "s": s, "d": d, **({"r": self.r} if self.r else {})}

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers."""
        return tuple(map(Layer, self.k, self.s, self.d))


def single(r: int, k: int, s: int, d: int = 1) -> Network:
    """Return one layer with r units after it, for a recurrence."""
    return Network((k,), (s,), (d,), r)


@lru_cache(maxsize=4)
def small_networks(one_layer: bool, dilated: bool) -> tuple[Network, ...]:
    """Return every network of a few layers with small numbers, the smallest first.

    Args:
        one_layer: whether single layers are wanted rather than chains.
        dilated: whether dilations other than 1 occur.
    """
    chains = (
        Network(*_rows(numbers[one_layer:], depth, dilated), *numbers[:one_layer])
        for depth, largest in enumerate(_LARGEST_SUMS[one_layer, dilated], start=1)
        for numbers in _adding_up_to(largest, (2 + dilated) * depth + one_layer)
    )
    return tuple(sorted(chains, key=_size))


@lru_cache(maxsize=4)
def large_networks(one_layer: bool, dilated: bool) -> tuple[Network, ...]:
    """Return a sparse sweep of long chains, or single layers, and of large numbers.

    Args:
        one_layer: whether single layers are wanted rather than chains.
        dilated: whether dilations other than 1 occur.
    """
    dice = random.Random(_SEED)
    if one_layer:
        return tuple(_large_layers(dice, dilated))
    return (*_with_one_large_number(dilated), *_random_chains(dice, dilated))


@lru_cache(maxsize=4)
def cheap_for_functions(one_layer: bool, dilated: bool) -> tuple[Network, ...]:
    """Return those large networks that the numbers of a machine hold, the cheapest first.

    Before them comes one network of each depth, for time may end before all are tried.

    Args:
        one_layer: whether single layers are wanted rather than chains.
        dilated: whether dilations other than 1 occur.
    """
    cheap = filter(_is_cheap, large_networks(one_layer, dilated))
    cheapest_first = sorted(cheap, key=lambda case: case.effort)
    of_each_depth = {len(case.k): case for case in reversed(cheapest_first)}
    others = (case for case in cheapest_first if case is not of_each_depth[len(case.k)])
    return (*(of_each_depth[depth] for depth in sorted(of_each_depth)), *others)


def _is_cheap(case: Network) -> bool:
    largest = max(max(layer.values()) for layer in case.each_layer())
    return largest <= _LARGEST_FOR_FUNCTIONS and case.effort < _LARGEST_OF_THE_MACHINE


def _adding_up_to(largest: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield all ways to add up so many positive numbers to at most the largest."""
    if parts == 0:
        yield ()
    for first in range(1, largest - parts + 2 if parts else 0):
        for others in _adding_up_to(largest - first, parts - 1):
            yield first, *others


def _rows(numbers: tuple[int, ...], depth: int, dilated: bool) -> Iterator[tuple[int, ...]]:
    """Yield kernels, strides and dilations."""
    yield from (numbers[start : start + depth] for start in range(0, len(numbers), depth))
    yield from () if dilated else ((1,) * depth,)


def _size(case: Network) -> tuple:
    r = case.r or 0
    return len(case.k), sum(case.k + case.s + case.d) + r, case.d, r, case.s, case.k


def _large_layers(dice: random.Random, dilated: bool) -> Iterator[Network]:
    names = ("r", "k", "s", "d") if dilated else ("r", "k", "s")
    plain = {"r": 3, "k": 4, "s": 2, "d": 2 if dilated else 1}
    for large, name in product((*range(9, 65), *_LARGE), names):
        yield single(**{**plain, name: large})
    for _ in range(200):
        yield single(**{**plain, **{n: dice.choice(_LARGE) + dice.randrange(4) for n in names}})
    for _ in range(60):
        yield single(**{**plain, **{name: dice.randint(1, 1000) for name in names}})


def _with_one_large_number(dilated: bool) -> Iterator[Network]:
    for depth, large, name in product((1, 2, 3), _LARGE, "ksd" if dilated else "ks"):
        for layer in range(depth):
            plain = {"k": [3] * depth, "s": [2] * depth, "d": [1] * depth}
            plain[name][layer] = large
            yield Network(**{letter: tuple(values) for letter, values in plain.items()})


def _random_chains(dice: random.Random, dilated: bool) -> Iterator[Network]:
    for depth, _ in product(_DEPTHS, range(6)):
        # The second has few positions in many layers, for functions that visit each position.
        for k, s, d, most in ((7, 3, 4, 1000), (3, 2, 2, 3)):
            largest = k, s, d if dilated else 1
            yield Network(*(_draw(dice, depth, number, most) for number in largest))


def _draw(dice: random.Random, depth: int, largest: int, most: int) -> tuple[int, ...]:
    """Draw a number for each layer, other than 1 for so many layers at most."""
    changed = dice.sample(range(depth), min(depth, most))
    return tuple(dice.randint(1, largest) if n in changed else 1 for n in range(depth))


# Conditions under which a wrong formula may still be right.

Symbolic = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """Hold a condition on a network, once for numbers and once for symbols.

    Args:
        name: its phrase in the section "checker: conditions" of the catalogues.
        holds: tells whether it holds for the numbers of one layer, given by their letters.
        changes: for each letter that it touches, what takes the place of that letter's symbol,
            from symbols that are positive integers.
        for_chains: whether it can be asked of each layer of a chain by itself.
        hint: where to look if a formula is right only under it: the phrase "term …".
    """

    name: str
    holds: Callable[[Mapping[str, int]], bool]
    changes: Mapping[str, Callable[[Symbolic], Any]]
    for_chains: bool = True
    hint: str = ""

    def fits(self, case: Network) -> bool:
        """Tell whether a network meets the condition in every layer."""
        return all(self.holds(layer) for layer in case.each_layer())

    def apply(self, symbols: Symbolic) -> dict[str, Any]:
        """Put symbols that meet the condition in the place of free ones."""
        changed = {letter: change(symbols) for letter, change in self.changes.items()}
        return {**symbols, **changed}


ALWAYS = Condition("always", lambda layer: True, {})

# The wider condition stands before those that it contains.
CONDITIONS = (
    Condition("d = 1", lambda layer: layer["d"] == 1, {"d": lambda v: 1}, hint="d"),
    Condition("s <= k", lambda layer: layer["s"] <= layer["k"],
              {"k": lambda v: v["s"] + v["k"] - 1}, for_chains=False, hint="s"),
    Condition("s = 1", lambda layer: layer["s"] == 1, {"s": lambda v: 1}, hint="s"),
    Condition("k odd", lambda layer: layer["k"] % 2 == 1, {"k": lambda v: 2 * v["k"] - 1},
              hint="parity"),
    Condition("k even", lambda layer: layer["k"] % 2 == 0, {"k": lambda v: 2 * v["k"]},
              hint="parity"),
    Condition("k = s", lambda layer: layer["k"] == layer["s"], {"k": lambda v: v["s"]},
              for_chains=False),
    Condition("r = 1", lambda layer: layer["r"] == 1, {"r": lambda v: 1}, for_chains=False),
    Condition("k = 1", lambda layer: layer["k"] == 1, {"k": lambda v: 1}, hint="k"),
    Condition("s = d = 1", lambda layer: layer["s"] == layer["d"] == 1,
              {"s": lambda v: 1, "d": lambda v: 1}, hint="s"),
)  # fmt: skip


# Make a large counter-example small, number by number, as long as it stays one.


def shrunk(case: Network, fails: Callable[[Network], bool]) -> Network:
    """Return a network that no single smaller number keeps a counter-example.

    Args:
        case: a network on which an answer fails.
        fails: tells whether the answer fails on a network.

    Returns:
        A network on which it still fails, after at most 3000 trials.
    """
    candidates = _smaller(case)
    for _ in range(_MOST_TRIALS):
        smaller = next(candidates, None)
        if smaller is None:
            break
        if fails(smaller):
            case, candidates = smaller, _smaller(smaller)
    return case


def _smaller(case: Network) -> Iterator[Network]:
    """Yield networks with one layer or one number less, the boldest steps first."""
    depth = len(case.k)
    for letter in "dsk":
        if set(getattr(case, letter)) != {1}:
            yield replace(case, **{letter: (1,) * depth})
    for number in _less(case.r or 1):
        yield replace(case, r=number)
    for kept in _less(depth):
        yield Network(case.k[:kept], case.s[:kept], case.d[:kept])
    for layer in range(depth if depth > 1 else 0):
        yield Network(*(_put(values, layer) for values in (case.k, case.s, case.d)))
    for letter, layer in product("dsk", range(depth)):
        values = getattr(case, letter)
        for number in _less(values[layer]):
            yield replace(case, **{letter: _put(values, layer, number)})


def _put(values: tuple[int, ...], layer: int, *number: int) -> tuple[int, ...]:
    """Put a number in the place of a layer's, or nothing."""
    return (*values[:layer], *number, *values[layer + 1 :])


def _less(value: int) -> Iterator[int]:
    """Yield smaller numbers: 1, then by half, by a quarter, … and by one."""
    step = value - 1
    while step:
        yield value - step
        step //= 2
