"""The mistakes that are known by name, each a formula that is compared with a wrong answer.

The formulas stand in ``mistakes.json``.

The comparison is a proof: answer − mistake + truth has to be proved like any other answer. So a
mistake is recognised in whatever notation and however it is written. What is said of each stands
in the catalogues, in the section "checker: mistakes", under the same name.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files

from labkit.receptive_field.checker.formula import ZERO, Call, Node
from labkit.receptive_field.checker.reading import read_text

TRUTH = {
    True: "s (r - 1) + d (k - 1) + 1",
    False: "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i<l} s_i",
}
_FORMULAS = json.loads(files(__package__).joinpath("mistakes.json").read_text(encoding="utf-8"))
# Several formulas under one name are the same mistake.
MISTAKES: Mapping[bool, tuple[tuple[str, str], ...]] = {
    one_layer: tuple((name, text) for name, texts in _FORMULAS[of].items() for text in texts)
    for one_layer, of in ((True, "of a layer"), (False, "of networks"))
}


@lru_cache(maxsize=2)
def known(one_layer: bool) -> tuple[tuple[str, Node], ...]:
    """Return each known mistake of recurrences or closed forms, by name, as a formula."""
    return tuple((name, read_text(text, one_layer)[0].node) for name, text in MISTAKES[one_layer])


@lru_cache(maxsize=2)
def _truth(one_layer: bool) -> Node:
    return read_text(TRUTH[one_layer], one_layer)[0].node


def named(node: Node, one_layer: bool, proves: Callable[[Node, Node], bool]) -> str:
    """Return the name of the mistake that a wrong formula makes.

    Args:
        node: the formula.
        one_layer: whether it is a recurrence.
        proves: tells whether two formulas are proved to be equal.

    Returns:
        Its name in ``MISTAKES``, or nothing where the mistake is not a known one.
    """
    if "p" in node.letters():
        without = node.substitute("p", ZERO)
        if proves(without, _truth(one_layer)):
            return "padding"
        node = without
    for name, mistake in known(one_layer):
        candidate = _plain(node) if name == "size of the output" else node
        if proves(candidate, mistake):
            return name
    return ""


def difference(one: Node, other: Node, one_layer: bool) -> Node:
    """Return a formula that is the truth exactly where two formulas are equal."""
    return one - other + _truth(one_layer)


def _plain(node: Node) -> Node:
    """Leave the rounding out of a formula, as sizes of outputs are written with and without."""
    match node:
        case Call("floor" | "ceil", (argument,)):
            return _plain(argument)
    return node.rebuilt(_plain)
