"""The networks on which answers are tried, from small to large, each with the truth.

The order is documented and fixed, so that a counter-example is always the smallest:

- one layer, for a recurrence: by the sum of all numbers; then by the smaller dilation, r,
  stride and kernel;
- a chain, for a closed form: by the number of layers; then by the sum of all numbers; then by
  the smaller dilations, strides and kernels, layer by layer.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from labkit.receptive_field.layers import Layer
from labkit.receptive_field.recurrence import receptive_field

_LARGE = (7, 8, 9, 10, 12, 13, 16, 25, 31, 50, 64, 100, 101, 128, 255, 500, 1000, 1001, 1024, 4099,
          10_000, 65_537, 10**6, 10**6 + 3, 10**9, 10**9 + 7, 10**12 + 39, 10**15)  # fmt: skip
_DEPTHS = (6, 8, 10, 11, 12, 16, 25, 33, 64, 101)
_SEED = 2019


@dataclass(frozen=True, slots=True)
class OneLayer:
    """Hold one layer with r units after it, for a recurrence."""

    r: int
    k: int
    s: int
    d: int = 1

    @property
    def truth(self) -> int:
        """The width that the r units read of the layer before, counted from end to end."""
        first_tap_of_first_unit = 0
        last_tap_of_last_unit = self.s * (self.r - 1) + self.d * (self.k - 1)
        return last_tap_of_last_unit - first_tap_of_first_unit + 1

    def values(self, dilated: bool) -> tuple[tuple[str, int], ...]:
        """Return the numbers with their names."""
        numbers = (("k", self.k), ("s", self.s), ("r", self.r))
        return (*numbers, ("d", self.d)) if dilated else numbers

    def each_layer(self) -> Iterator[dict[str, int]]:
        """Yield the numbers of the layer by their letters."""
        yield {"r": self.r, "k": self.k, "s": self.s, "d": self.d}

    def layers(self) -> tuple[Layer, ...]:
        """Return the layer itself."""
        return (Layer(self.k, self.s, self.d),)


@dataclass(frozen=True, slots=True)
class Chain:
    """Hold the parameters of all layers, from the input to the output, for a closed form."""

    k: tuple[int, ...]
    s: tuple[int, ...]
    d: tuple[int, ...]

    @property
    def truth(self) -> int:
        """The receptive field, by the recurrence."""
        return receptive_field(self.layers())

    def values(self, dilated: bool) -> tuple[tuple[str, object], ...]:
        """Return the numbers with their names; those of a single layer stand alone."""
        named = (("k", self.k), ("s", self.s), ("d", self.d))
        shown = named if dilated else named[:2]
        return tuple((name, of[0] if len(of) == 1 else of) for name, of in shown)

    def each_layer(self) -> Iterator[dict[str, int]]:
        """Yield the numbers of each layer by their letters."""
        for k, s, d in zip(self.k, self.s, self.d, strict=True):
            yield {"k": k, "s": s, "d": d}

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers."""
        return tuple(map(Layer, self.k, self.s, self.d))


Case = OneLayer | Chain


@lru_cache(maxsize=2)
def small_layers(dilated: bool) -> tuple[OneLayer, ...]:
    """Return every single layer with small numbers, the smallest first.

    Args:
        dilated: whether dilations other than 1 occur.
    """
    side = range(1, 6) if dilated else range(1, 9)
    dilations = range(1, 5) if dilated else (1,)
    cases = (OneLayer(*numbers) for numbers in product(side, side, side, dilations))
    return tuple(sorted(cases, key=lambda c: (c.r + c.k + c.s + c.d, c.d, c.r, c.s, c.k)))


@lru_cache(maxsize=2)
def large_layers(dilated: bool) -> tuple[OneLayer, ...]:
    """Return a sparse sweep of single layers with large numbers.

    Args:
        dilated: whether dilations other than 1 occur.
    """
    names = ("r", "k", "s", "d") if dilated else ("r", "k", "s")
    small = {"r": 3, "k": 4, "s": 2, "d": 2 if dilated else 1}
    alone = [OneLayer(**{**small, name: large}) for large in _LARGE for name in names]
    dice = random.Random(_SEED)
    mixed = [
        OneLayer(**{**small, **{name: dice.choice(_LARGE) + dice.randrange(4) for name in names}})
        for _ in range(200)
    ]
    return tuple(alone + mixed)


@lru_cache(maxsize=2)
def small_chains(dilated: bool) -> tuple[Chain, ...]:
    """Return every chain of up to three layers with small numbers, the smallest first.

    Args:
        dilated: whether dilations other than 1 occur.
    """
    largest = ((6, 6, 6), (3, 3, 2), (2, 2, 2)) if dilated else ((8, 8, 1), (4, 4, 1), (3, 2, 1))
    chains = (
        chain
        for depth, (kernel, stride, dilation) in enumerate(largest, start=1)
        for chain in _chains(depth, kernel, stride, dilation)
    )
    return tuple(sorted(chains, key=_size))


@lru_cache(maxsize=2)
def large_chains(dilated: bool) -> tuple[Chain, ...]:
    """Return a sparse sweep of long chains, and of chains with large numbers.

    Args:
        dilated: whether dilations other than 1 occur.
    """
    dice = random.Random(_SEED)
    return (*_with_one_large_number(dilated), *_random_chains(dice, dilated))


def _chains(depth: int, kernel: int, stride: int, dilation: int) -> Iterator[Chain]:
    sides = [range(1, end + 1) for end in (kernel, stride, dilation)]
    for parameters in product(*(product(side, repeat=depth) for side in sides)):
        yield Chain(*parameters)


def _size(chain: Chain) -> tuple:
    return len(chain.k), sum(chain.k + chain.s + chain.d), chain.d, chain.s, chain.k


def _with_one_large_number(dilated: bool) -> Iterator[Chain]:
    for depth, large, name in product((1, 2, 3), _LARGE, "ksd" if dilated else "ks"):
        for layer in range(depth):
            plain = {"k": [3] * depth, "s": [2] * depth, "d": [1] * depth}
            plain[name][layer] = large
            yield Chain(**{letter: tuple(values) for letter, values in plain.items()})


def _random_chains(dice: random.Random, dilated: bool) -> Iterator[Chain]:
    for depth in (2, 3, 4, 5, *_DEPTHS):
        for _ in range(6):
            yield Chain(
                _draw(dice, depth, 7),
                _draw(dice, depth, 3),
                _draw(dice, depth, 4 if dilated else 1),
            )


def _draw(dice: random.Random, depth: int, largest: int) -> tuple[int, ...]:
    return tuple(dice.randint(1, largest) for _ in range(depth))
