"""Examination papers whose numbers come from a seed: each student gets another, with its key.

A lab's items stand in its wing: their words in ``labkit/<lab>/examination.toml``, in the order of
the paper, and in ``examination.py`` beside it a function for each, of the same name, which draws
its numbers and computes its key.

Usage: ``python -m labkit.questions.examination --lab receptive_field --seed 7 [--key]``
"""

import argparse
import tomllib
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pkgutil import iter_modules
from random import Random

import labkit
from labkit.tables import print_as_utf8
from labkit.words import count, is_number, require, require_whole


@dataclass(frozen=True)
class Value:
    """Hold one number that an item asks for.

    Args:
        name: what it is, as the item's text calls it: ``"(a) field"``.
        number: the right number, finite.
        unit: what it counts, ``""`` for a pure number.
        tolerance: what counts as right differs by at most this, 0 or more.

    Example:
        >>> value = Value("(a) share", 0.694, tolerance=0.005)
        >>> print(value), value.accepts(0.69), value.accepts(0.7)
        (a) share: 0.694, ± 0.005
        (None, True, False)
    """

    name: str
    number: float
    unit: str = ""
    tolerance: float = 0

    def accepts(self, answer):
        """Say whether a number counts as right.

        Args:
            answer: a finite number.

        Returns:
            A bool.

        Raises:
            ValueError: it is no finite number.
        """
        require(is_number(answer), "answer", answer, "a finite number")
        # Rounding, of the key or of a sum by hand, must not decide.
        return bool(abs(answer - self.number) <= self.tolerance + 1e-9)

    def __str__(self):
        whole = self.number == int(self.number) and not self.tolerance
        number = f"{int(self.number):,}" if whole else f"{self.number:.3f}"
        number = number.replace("-", "\N{MINUS SIGN}")
        within = f", ± {self.tolerance}" if self.tolerance else ""
        return f"{self.name}: {number} {self.unit}".rstrip() + within


@dataclass(frozen=True)
class Mark:
    """Hold what a number of points is given for.

    Args:
        points: 1 or more.
        what: what a script must show for them, a phrase.

    Example:
        >>> print(Mark(1, "begins at the output"))
        1 point: begins at the output
    """

    points: int
    what: str

    def __str__(self):
        return f"{count(self.points, 'point')}: {self.what}"


@dataclass(frozen=True)
class Item:
    """Hold one item of an examination, with its key and its marking scheme.

    Args:
        title: what it is about, a few words.
        section: the section of the lab in which it was learnt, 1 or more.
        text: the question, Markdown; each number that it asks for bears a letter.
        key: the numbers that are right, one :class:`Value` for each letter.
        scheme: one :class:`Mark` for each thing that earns points.
        answer: a model answer to what it asks for in words, Markdown; may be empty.

    Example:
        >>> Item("sum", 1, "(a) 1 + 1?", (Value("(a) sum", 2),), (Mark(1, "the sum"),)).points
        1
    """

    title: str
    section: int
    text: str
    key: tuple[Value, ...]
    scheme: tuple[Mark, ...]
    answer: str = ""

    @property
    def points(self):
        """Sum the points of the scheme."""
        return sum(mark.points for mark in self.scheme)


def labs():
    """List the labs that have examination items.

    Returns:
        Names of labs, sorted.

    Example:
        >>> labs()
        ['dog_breeds', 'receptive_field']
    """
    wings = (module.name for module in iter_modules(labkit.__path__) if module.ispkg)
    found = {wing: find_spec(f"labkit.{wing}.examination") for wing in wings}
    return sorted(wing for wing, spec in found.items() if spec and spec.name != __spec__.name)


def paper(lab, seed):
    """Draw the examination of one student.

    Args:
        lab: the name of a lab, one of :func:`labs`.
        seed: a whole number, 0 or more; the same gives the same paper under every Python.

    Returns:
        A tuple of :class:`Item`, in the order of the lab.

    Raises:
        ValueError: there is no such lab, or the seed is no such number.

    Example:
        >>> items = paper("receptive_field", 7)
        >>> len(items), items == paper("receptive_field", 7), items == paper("receptive_field", 8)
        (10, True, False)
    """
    known = labs()
    require(lab in known, "lab", lab, f"one of {', '.join(map(repr, known))}")
    seed = require_whole("seed", seed, 0)
    numbers = import_module(f"labkit.{lab}.examination")
    words = files(f"labkit.{lab}").joinpath("examination.toml").read_text(encoding="utf-8")
    # A stream of its own for each item: a new one leaves the numbers of the others as they are.
    return tuple(
        _item(item, getattr(numbers, name)(Random(f"{lab} {name} {seed}")))
        for name, item in tomllib.loads(words).items()
    )


def _item(words, gaps):
    """Fill an item's gaps."""
    return Item(
        words["title"],
        words["section"],
        _filled(words["text"], gaps),
        tuple(
            Value(**value | {"name": value["name"].format(**gaps), "number": gaps[value["number"]]})
            for value in words["key"]
        ),
        tuple(Mark(points, what.format(**gaps)) for points, what in words["scheme"]),
        _filled(words.get("answer", ""), gaps),
    )


def _filled(text, gaps):
    """Make each paragraph one line, and fill the gaps of all."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "\n\n".join(paragraphs).format(**gaps)


def pick(random, options):
    """Pick one of several by ``random.random()``, the one method that Python never changes.

    Args:
        random: a ``random.Random``.
        options: a sequence, not empty.

    Returns:
        One of its items.

    Example:
        >>> pick(Random(1), "abc") in "abc"
        True
    """
    return options[int(random.random() * len(options))]


def as_markdown(items, title, key=False):
    """Write a paper for print.

    Args:
        items: sequence of :class:`Item`.
        title: its heading.
        key: whether keys and marking schemes stand below each item.

    Returns:
        Markdown.

    Example:
        >>> one = Item("sum", 1, "(a) 1 + 1?", (Value("(a) sum", 2),), (Mark(1, "the sum"),))
        >>> print(as_markdown([one], "Paper 7"))
        # Paper 7
        <BLANKLINE>
        1 item, 1 point
        <BLANKLINE>
        ## 1. Sum (1 point)
        <BLANKLINE>
        (a) 1 + 1?
    """
    points = count(sum(item.points for item in items), "point")
    parts = [f"# {title}", f"{count(len(items), 'item')}, {points}"]
    for number, item in enumerate(items, 1):
        heading = item.title[0].upper() + item.title[1:]
        parts += [f"## {number}. {heading} ({count(item.points, 'point')})", item.text]
        parts += [key_as_markdown(item)] if key else []
    return "\n\n".join(parts)


def key_as_markdown(item):
    """Write an item's key, its model answer and its marking scheme.

    Args:
        item: an :class:`Item`.

    Returns:
        Markdown.

    Example:
        >>> one = Item("sum", 1, "(a) 1 + 1?", (Value("(a) sum", 2),), (Mark(1, "the sum"),))
        >>> print(key_as_markdown(one))
        **Key** (section 1 of the lab)
        <BLANKLINE>
        - (a) sum: 2
        <BLANKLINE>
        **Marks**
        <BLANKLINE>
        - 1 point: the sum
    """
    parts = [f"**Key** (section {item.section} of the lab)"]
    parts += ["\n".join(f"- {value}" for value in item.key)] if item.key else []
    parts += [item.answer] if item.answer else []
    parts += ["**Marks**", "\n".join(f"- {mark}" for mark in item.scheme)]
    return "\n\n".join(parts)


def main(arguments=None):
    """Print one student's paper as Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m labkit.questions.examination",
        description="Print an examination paper whose numbers come from a seed, as Markdown.",
    )
    parser.add_argument("--lab", required=True, choices=labs(), help="which lab it examines")
    parser.add_argument("--seed", required=True, type=int, help="a number for each student")
    parser.add_argument("--key", action="store_true", help="with keys and marking schemes")
    given = parser.parse_args(arguments)
    try:
        items = paper(given.lab, given.seed)
    except ValueError as error:
        parser.error(str(error))
    print(as_markdown(items, f"{given.lab}, paper {given.seed}", given.key))


if __name__ == "__main__":
    print_as_utf8()
    main()
