"""The mistakes that are known by name, each a formula that is compared with a wrong answer.

The comparison is a proof: answer − mistake + truth has to be proved like any other answer. So a
mistake is recognised in whatever notation and however it is written. What is said of each stands
in the catalogues, in the section "checker: mistakes", under the same name.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from labkit.receptive_field.checker.formula import ZERO, Call, Node
from labkit.receptive_field.checker.reading import read_text

TRUTH = {
    True: "s (r - 1) + d (k - 1) + 1",
    False: "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i<l} s_i",
}
# Several formulas under one name are the same mistake.
MISTAKES: Mapping[bool, tuple[tuple[str, str], ...]] = {
    True: (
        ("forward direction", "r + s d (k - 1)"),
        ("stride forgotten", "r + d (k - 1)"),
        ("r for r - 1", "s r + d (k - 1)"),
        ("r for r - 1", "s r + d (k - 1) + 1"),
        ("missing + 1", "s (r - 1) + d (k - 1)"),
        ("1 too many", "s (r - 1) + d (k - 1) + 2"),
        ("own stride on the kernel", "s (r + d (k - 1))"),
        ("own stride on the kernel", "s (r - 1) + s d (k - 1) + 1"),
        ("own stride on the kernel", "s (r - 1) + s k"),
        ("own stride on the kernel", "s r + s d (k - 1) + 1"),
        ("dilation on the stride", "d s (r - 1) + d (k - 1) + 1"),
        ("dilation on the stride", "d (s (r - 1) + k)"),
        ("d k", "s (r - 1) + d k"),
        ("d k", "s (r - 1) + d k + 1"),
        ("d k - 1", "s (r - 1) + d k - 1"),
        ("dilation forgotten", "s (r - 1) + k"),
        ("kernels multiplied", "r k"),
        ("kernels multiplied", "r k s"),
        ("kernels multiplied", "k s"),
        ("kernels added", "r + k"),
        ("size of the output", "(r - k)/s + 1"),
        ("size of the output", "(r - d (k - 1) - 1)/s + 1"),
        ("size of the output", "(r - k)/s"),
        ("odd kernels only", "s (r - 1) + 2 floor(k/2) + 1"),
        ("odd kernels only", "s (r - 1) + 2 floor(k/2)"),
        ("odd kernels only", "s (r - 1) + 2 floor((k - 1)/2) + 1"),
    ),
    False: (
        ("product up to l", "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i=1}^{l} s_i"),
        ("product over all layers", "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i=1}^{L} s_i"),
        ("missing + 1", "Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i<l} s_i"),
        ("1 too many", "2 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i<l} s_i"),
        ("k for k - 1", "1 + Σ_{l=1}^{L} d_l k_l ∏_{i<l} s_i"),
        ("k for k - 1", "Σ_{l=1}^{L} d_l k_l ∏_{i<l} s_i"),
        ("layers reversed", "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i=l+1}^{L} s_i"),
        ("strides added", "1 + Σ_{l=1}^{L} d_l (k_l - 1) Σ_{i=1}^{l-1} s_i"),
        ("strides added", "1 + Σ_{l=1}^{L} d_l (k_l - 1) (1 + Σ_{i=1}^{l-1} s_i)"),
        ("strides added", "1 + Σ_{l=1}^{L} d_l (k_l - 1) Σ_{i=1}^{l} s_i"),
        ("strides added", "d_1 (k_1 - 1) + 1 + Σ_{l=2}^{L} d_l (k_l - 1) Σ_{i=1}^{l-1} s_i"),
        ("only the last stride", "d_1 (k_1 - 1) + 1 + Σ_{l=2}^{L} d_l (k_l - 1) s_{l-1}"),
        ("own stride instead", "1 + Σ_{l=1}^{L} d_l (k_l - 1) s_l"),
        ("dilation multiplied on", "1 + Σ_{l=1}^{L} (k_l - 1) ∏_{i<l} d_i s_i"),
        ("dilation multiplied on", "1 + Σ_{l=1}^{L} (k_l - 1) ∏_{i=1}^{l} d_i ∏_{i<l} s_i"),
        ("dilation multiplied on", "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i<l} d_i s_i"),
        ("d k - 1", "1 + Σ_{l=1}^{L} (d_l k_l - 1) ∏_{i<l} s_i"),
        ("dilation forgotten", "1 + Σ_{l=1}^{L} (k_l - 1) ∏_{i<l} s_i"),
        ("kernels multiplied", "∏_{l=1}^{L} k_l"),
        ("kernels multiplied", "∏_{l=1}^{L} k_l s_l"),
        ("kernels added", "Σ_{l=1}^{L} k_l"),
        ("kernels added", "1 + Σ_{l=1}^{L} k_l"),
        ("strides forgotten", "1 + Σ_{l=1}^{L} d_l (k_l - 1)"),
        ("one stride for all", "1 + Σ_{l=1}^{L} d_l (k_l - 1) s_l^{l-1}"),
        ("one stride for all", "1 + Σ_{l=1}^{L} d_l (k_l - 1) s_1^{l-1}"),
        ("one stride for all", "1 + Σ_{l=1}^{L} d_l (k_l - 1) s_L^{l-1}"),
        ("one stride for all", "1 + Σ_{l=1}^{L} d_l (k_l - 1) 2^{l-1}"),
        ("one kernel for all", "1 + L (k_1 - 1)"),
        ("one kernel for all", "1 + 2 L"),
        ("first layer forgotten", "1 + Σ_{l=2}^{L} d_l (k_l - 1) ∏_{i<l} s_i"),
        ("last layer forgotten", "1 + Σ_{l=1}^{L-1} d_l (k_l - 1) ∏_{i<l} s_i"),
        ("one layer off", "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i=1}^{l-2} s_i"),
        ("one layer off", "1 + Σ_{l=1}^{L} d_l (k_l - 1) ∏_{i=2}^{l-1} s_i"),
    ),
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
