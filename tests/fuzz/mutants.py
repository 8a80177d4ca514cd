"""Wrong answers made out of right ones, and an evaluator of them that shares no code with labkit.

An answer is a right formula or a right function in which one to three places are changed: an
operator, a number, an index, a bound, a comparison or a letter. Formulas are held as syntax trees
of Python, in which ``Sum(body, (l, 1, L))`` and ``k[l]`` mean what they mean on paper, and are
written in several notations; functions are text.

Usage: python tests/fuzz/mutants.py [--answers N] [--seed S]

The exit status is 1 where a wrong answer was proved, or one that is equal was called wrong.
"""

import argparse
import ast
import copy
import itertools
import linecache
import random
import sys
import textwrap
import time
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from tqdm import tqdm

RECURRENCES = (
    "s*r + k - s",
    "s*(r - 1) + k",
    "s*(r - 1) + d*(k - 1) + 1",
    "(s*r*2 + 2*k - 2*s)/2",
    "s*(r - 1) + 2*(k//2) + k % 2",
    "max(s*r + k - s, 1)",
    "d*k - d + 1 + s*r - s",
)
CLOSED_FORMS = (
    "1 + Sum((k[l] - 1)*Product(s[i], (i, 1, l - 1)), (l, 1, L))",
    "k[1] + Sum((k[l] - 1)*Product(s[i], (i, 1, l - 1)), (l, 2, L))",
    "1 + Sum((k[l + 1] - 1)*Product(s[i], (i, 1, l)), (l, 0, L - 1))",
    "1 + Sum(d[l]*(k[l] - 1)*Product(s[i], (i, 1, l - 1)), (l, 1, L))",
    "Product(s[i], (i, 1, L)) + Sum((k[l] - s[l])*Product(s[i], (i, 1, l - 1)), (l, 1, L))",
    "1 + Sum((k[l] - 1)/s[l]*Product(s[i], (i, 1, l)), (l, 1, L))",
    "1 + Sum((k[L - j] - 1)*Product(s[i], (i, 1, L - j - 1)), (j, 0, L - 1))",
    "1 + Sum((k[l] - 1)*Product(s[l - i], (i, 1, l - 1)), (l, 1, L))",
    "1 + Sum((k[l] - 1)*Product(s[i], (i, 1, l - 1)), (l, 1, L - 1))"
    " + (k[L] - 1)*Product(s[i], (i, 1, L - 1))",
)
FUNCTIONS_OF_A_LAYER = (
    "def f(r, k, s):\n    return s * (r - 1) + k",
    "def f(r, k, s, d):\n    return s * (r - 1) + d * (k - 1) + 1",
    "def f(r, k, s):\n    if r == 1:\n        return k\n    return s * r + k - s",
    "def f(r, k, s):\n    field = k\n    for _ in range(r - 1):\n        field += s\n"
    "    return field",
    "def f(r, k, s):\n    step = s if s >= 1 else 0\n    return max(k, 1) + step * (r - 1)",
    "def f(r, k, s):\n    if r == 1:\n        return k\n    elif s == 1:\n"
    "        return r + k - 1\n    width = s * r\n    if k > 1:\n        width += k - 1\n"
    "    return width - s + 1",
    "def f(r, k, s):\n    i = 1\n    while i < r:\n        k += s\n        i += 1\n    return k",
)
FUNCTIONS_OF_A_CHAIN = (
    """
    def f(k, s):
        field, jump = 1, 1
        for kernel, stride in zip(k, s):
            field += (kernel - 1) * jump
            jump *= stride
        return field
    """,
    """
    def f(k, s):
        field = 1
        for kernel, stride in zip(reversed(k), reversed(s)):
            field = stride * field + kernel - stride
        return field
    """,
    """
    def f(k, s, L):
        total = 1
        for l in range(L):
            step = 1
            for i in range(l):
                step *= s[i]
            total += (k[l] - 1) * step
        return total
    """,
    """
    def f(k, s):
        field, jump = k[0], 1
        for i in range(1, len(k)):
            jump *= s[i - 1]
            field += (k[i] - 1) * jump
        return field
    """,
    """
    def f(k, s):
        field, jump = 1, 1
        for i in range(len(k)):
            if i > 0:
                jump *= s[i - 1]
            field += (k[i] - 1) * jump
        return field
    """,
    """
    def f(k, s):
        field, i = k[-1], len(k) - 2
        while i >= 0:
            field = s[i] * (field - 1) + k[i]
            i -= 1
        return field
    """,
    """
    def f(k, s):
        field, jump, last = 1, 1, 1
        for kernel, stride in zip(k, s):
            jump *= last
            field += (kernel - 1) * jump
            last = stride
        return field
    """,
    """
    def f(layers):
        return 1 + sum(
            layer.dilation * (layer.kernel - 1) * prod(before.stride for before in layers[:n])
            for n, layer in enumerate(layers)
        )
    """,
    "def f(k, s):\n    return 1 + sum((k[i] - 1) * prod(s[:i]) for i in range(len(k)))",
    "def f(k, s):\n    if len(k) == 1:\n        return k[0]\n    elif len(k) == 2:\n"
    "        return k[0] + (k[1] - 1) * s[0]\n    field = k[0]\n    for i in range(1, len(k)):\n"
    "        field += (k[i] - 1) * prod(s[:i])\n    return field",
    "def f(k, s):\n    if len(k) == 1:\n        return k[0]\n"
    "    return k[0] + sum((k[i] - 1) * prod(s[:i]) for i in range(1, len(k)))",
)

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult)
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_MOST_LINES = 3000
_MOST_SECONDS = 2


@dataclass(frozen=True)
class Layer:
    """Hold a layer, for functions that take layers; labkit's own are not asked."""

    kernel: int
    stride: int
    dilation: int


@dataclass(frozen=True)
class Mutant:
    """Hold an answer to be judged: what the checker gets, and what it is equal to."""

    text: str
    answer: object
    one_layer: bool
    equal: bool


def mutants(seed, number, most_changes=1):
    """Yield so many different answers, the same for the same seed."""
    dice, seen, failures = random.Random(seed), set(), 0
    while len(seen) < number and failures < 1_000:
        kinds = RECURRENCES, CLOSED_FORMS, FUNCTIONS_OF_A_LAYER, FUNCTIONS_OF_A_CHAIN
        place = dice.choices(range(4), weights=[1, 3, 1, 4])[0]
        tree = ast.parse(textwrap.dedent(dice.choice(kinds[place])).strip())
        for _ in range(dice.randint(1, most_changes)):
            tree = changed(tree, dice)
        text = ast.unparse(tree)
        if text in seen:
            failures += 1
            continue
        seen.add(text)
        failures = 0
        one_layer, is_function = place in (0, 2), place >= 2
        given = function_of(text) if is_function else None
        compute = (lambda values, f=given: called(f, values)) if is_function else (
            lambda values, tree=tree: value(tree.body[0].value, values)
        )  # fmt: skip
        dilated = "dilation" in text or "d" in {*_words(tree)}
        answer = given or dice.choice(NOTATIONS)(tree.body[0].value, one_layer)
        yield Mutant(text if is_function else answer, answer, one_layer,
                     agrees(compute, one_layer, dilated))  # fmt: skip


def _words(tree):
    for node in ast.walk(tree):
        yield getattr(node, "id", getattr(node, "arg", ""))


def changed(tree, dice):
    """Return a tree with one place changed."""
    tree = copy.deepcopy(tree)
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    names = [name for name in names if name not in ("Sum", "Product", "sum", "prod", "range", "zip",
             "len", "max", "enumerate", "reversed")]  # fmt: skip
    places = [
        node
        for node in ast.walk(tree)
        if isinstance(
            node, ast.BinOp | ast.Constant | ast.Name | ast.Compare | ast.AugAssign | ast.Attribute
        )
    ]
    while True:
        node = dice.choice(places)
        match node:
            case ast.BinOp(_, old, _) | ast.AugAssign(_, old, _) if isinstance(old, _ARITHMETIC):
                node.op = dice.choice([kind for kind in _ARITHMETIC if not isinstance(old, kind)])()
                return tree
            case ast.Constant(int(old)):
                node.value = old + dice.choice([-1, 1]) if old else 1
                return tree
            case ast.Compare(_, [old]):
                node.ops = [dice.choice([kind for kind in _ORDERS if not isinstance(old, kind)])()]
                return tree
            case ast.Attribute(_, old):
                node.attr = dice.choice(sorted({"kernel", "stride", "dilation"} - {old}))
                return tree
            case ast.Name(old) if old in names and len(names) > 1:
                node.id = dice.choice([name for name in names if name != old])
                return tree


# The evaluator: Python's own arithmetic for functions, a few lines for formulas.


def value(tree, names):
    """Return the value of a formula; lists count from 1."""
    match tree:
        case ast.Constant(number):
            return Fraction(number)
        case ast.Name(name):
            return Fraction(names[name])
        case ast.UnaryOp(ast.USub(), part):
            return -value(part, names)
        case ast.BinOp(one, operator, two):
            one, two = value(one, names), value(two, names)
            match operator:
                case ast.Add():
                    return one + two
                case ast.Sub():
                    return one - two
                case ast.Mult():
                    return one * two
                case ast.Div():
                    return one / two
                case ast.FloorDiv():
                    return Fraction(one // two)
                case ast.Mod():
                    return one % two
        case ast.Subscript(ast.Name(letter), index):
            place = value(index, names)
            if place.denominator != 1 or not 1 <= place <= len(names[letter]):
                raise IndexError(letter)
            return Fraction(names[letter][int(place) - 1])
        case ast.Call(ast.Name("max"), parts):
            return max(value(part, names) for part in parts)
        case ast.Call(ast.Name("Sum" | "Product" as kind), [body, ast.Tuple([variable, *ends])]):
            first, last = (value(end, names) for end in ends)
            if first.denominator != 1 or last.denominator != 1 or variable.id in names:
                raise ValueError("bounds")
            parts = (value(body, {**names, variable.id: place})
                     for place in range(int(first), int(last) + 1))  # fmt: skip
            return sum(parts) if kind == "Sum" else prod(parts)
    raise TypeError(ast.dump(tree))


def called(function, names):
    """Return what a function returns, or raise after too many lines, or too long ones."""
    lines, until = itertools.count(), time.process_time() + _MOST_SECONDS

    def trace(frame, event, argument):
        # A number that is squared in each line takes few lines and no end of time.
        if next(lines) > _MOST_LINES or time.process_time() > until:
            raise TimeoutError
        return trace

    if "layers" in function.__code__.co_varnames:
        layers = [Layer(*numbers) for numbers in zip(*(names[a] for a in "ksd"), strict=True)]
        arguments = {"layers": layers}
    else:
        own = function.__code__.co_varnames[: function.__code__.co_argcount]
        arguments = {n: list(names[n]) if isinstance(names[n], tuple) else names[n] for n in own}
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(**arguments)
    finally:
        sys.settrace(before)


def function_of(text):
    """Make a function of a text that can be found again, as in a notebook."""
    name = f"<mutant {hash(text)}>"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    space = {"prod": prod}
    exec(compile(text, name, "exec"), space)
    return space["f"]


def agrees(compute, one_layer, dilated):
    """Tell whether an answer equals the truth on every network of a large sample."""
    for names, truth in _sample(one_layer, dilated):
        try:
            if compute(names) != truth:
                return False
        except Exception:
            return False
    return True


_SAMPLES = {}


def _sample(one_layer, dilated):
    key = one_layer, dilated
    if key not in _SAMPLES:
        _SAMPLES[key] = tuple(_networks(one_layer, dilated))
    return _SAMPLES[key]


def _networks(one_layer, dilated):
    """Yield networks by their letters, small, deep and large, each with the truth."""
    dice = random.Random(11)
    side = (1, 2, 3)
    if one_layer:
        rows = list(itertools.product(side, side, side, side if dilated else (1,)))
        rows += [tuple(dice.randint(1, 10**dice.randint(1, 3)) for _ in "rks") +
                 (dice.randint(1, 9) if dilated else 1,) for _ in range(60)]  # fmt: skip
        for r, k, s, d in rows:
            taps = s * (r - 1), d * (k - 1)
            yield {"r": r, "k": k, "s": s, "d": d}, sum(taps) + 1
        return
    depths = [1] * 12 + [2] * 30 + [3] * 30 + [*range(4, 20)] * 2
    for depth in depths:
        k, s, d = (tuple(dice.randint(1, top) for _ in range(depth))
                   for top in (5, 4, 4 if dilated else 1))  # fmt: skip
        # The truth as the distance between the outermost positions that one unit reads.
        furthest = 0
        for kernel, stride, dilation in list(zip(k, s, d, strict=True))[::-1]:
            furthest = furthest * stride + (kernel - 1) * dilation
        yield {"k": k, "s": s, "d": d, "L": depth}, furthest + 1


# The notations.


def _in_python(tree, one_layer):
    return ast.unparse(tree)


def _in_unicode(tree, one_layer):
    return _written(tree, ("Σ", "∏", "·", "⌊{0}/{1}⌋", "({0}) % ({1})", "({0})/({1})"))


def _in_latex(tree, one_layer):
    signs = (r"\\sum", r"\\prod", r" \\cdot ", r"\\lfloor {0}/{1} \\rfloor", r"({0}) \\bmod ({1})",
             r"\\frac{{{0}}}{{{1}}}")  # fmt: skip
    return _written(tree, tuple(sign.replace("\\\\", "\\") for sign in signs))


def _written(tree, signs):
    def inner(part):
        return _written(part, signs)

    total, product, times, floor, remainder, fraction = signs
    match tree:
        case ast.UnaryOp(_, part):
            return f"(-{inner(part)})"
        case ast.BinOp(one, operator, two):
            one, two = inner(one), inner(two)
            match operator:
                case ast.Add():
                    return f"({one} + {two})"
                case ast.Sub():
                    return f"({one} - {two})"
                case ast.Mult():
                    return f"({one}{times}{two})"
                case ast.Div():
                    return f"({fraction.format(one, two)})"
                case ast.FloorDiv():
                    return floor.format(one, two)
                case ast.Mod():
                    return f"({remainder.format(one, two)})"
        case ast.Subscript(ast.Name(letter), index):
            return f"{letter}_{{{inner(index)}}}"
        case ast.Call(ast.Name("Sum" | "Product" as kind), [body, ast.Tuple([variable, *ends])]):
            first, last = map(inner, ends)
            sign = total if kind == "Sum" else product
            return f"({sign}_{{{variable.id}={first}}}^{{{last}}} ({inner(body)}))"
    return ast.unparse(tree)


NOTATIONS = (_in_python, _in_unicode, _in_latex)


def faults(mutant):
    """Return what is wrong with the checker's judgement of an answer."""
    from labkit.receptive_field.checker import check_closed_form, check_recurrence
    from labkit.receptive_field.checker.answers import read_answer
    from labkit.receptive_field.checker.formula import UnreadableError

    if mutant.equal:
        verdict = (check_recurrence if mutant.one_layer else check_closed_form)(mutant.answer)
        return [f"called {verdict}"] if verdict.status in ("wrong", "unreadable") else []
    try:
        # The proof alone: the search for counter-examples would find most of these first.
        return ["proved" for answer in read_answer(mutant.answer, mutant.one_layer)
                if answer.proves(answer.uses_dilation)]  # fmt: skip
    except UnreadableError:
        return []


def main():
    """Judge answers, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, help="by default from the clock, and printed")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else time.time_ns() % 10**9
    print(f"Seed {seed}.")
    drawn, equal, wrong = 0, 0, []
    for mutant in tqdm(mutants(seed, options.answers, 3), total=options.answers, unit="answer"):
        drawn += 1
        equal += mutant.equal
        wrong += [f"{mutant.text!r}: {fault}" for fault in faults(mutant)]
    print(f"{drawn:,} answers, {equal:,} of them equal to the truth; {len(wrong)} faults.")
    print(*wrong[:50], sep="\n")
    return 1 if wrong or drawn < options.answers else 0


if __name__ == "__main__":
    sys.exit(main())
