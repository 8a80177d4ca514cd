"""Make a large counter-example small, number by number, as long as it stays one."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from labkit.receptive_field.checker.networks import Case, Chain, OneLayer

_MOST_TRIALS = 3000


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return a network that no single smaller number keeps a counter-example.

    Args:
        case: a network on which an answer fails.
        fails: tells whether the answer fails on a network.

    Returns:
        A network on which it still fails, after at most 3000 trials.
    """
    trials = 0
    while trials < _MOST_TRIALS:
        for smaller in _smaller(case):
            trials += 1
            if fails(smaller):
                case = smaller
                break
        else:
            return case
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Yield networks with one layer or one number less, the boldest steps first."""
    if isinstance(case, OneLayer):
        for letter in "dsrk":
            yield from (
                replace(case, **{letter: number}) for number in _less(getattr(case, letter))
            )
        return
    depth = len(case.k)
    for letter in "dsk":
        if set(getattr(case, letter)) != {1}:
            yield replace(case, **{letter: (1,) * depth})
    for kept in _less(depth):
        yield Chain(case.k[:kept], case.s[:kept], case.d[:kept])
    for layer in range(depth if depth > 1 else 0):
        yield Chain(*(_without(values, layer) for values in (case.k, case.s, case.d)))
    for letter in "dsk":
        values = getattr(case, letter)
        for layer, value in enumerate(values):
            for number in _less(value):
                changed = (*values[:layer], number, *values[layer + 1 :])
                yield replace(case, **{letter: changed})


def _without(values: tuple[int, ...], layer: int) -> tuple[int, ...]:
    return values[:layer] + values[layer + 1 :]


def _less(value: int) -> Iterator[int]:
    """Yield smaller numbers: 1, then by half, by a quarter, … and by one."""
    step = value - 1
    while step:
        yield value - step
        step //= 2
