"""What a check answers: a status, one sentence, and the counter-example as data."""

from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from typing import Any, Literal

from labkit.receptive_field.checker.formula import Node
from labkit.receptive_field.checker.wording import said
from labkit.receptive_field.checker.writing import in_latex, in_mathml, in_short, written
from labkit.receptive_field.layers import Layer

Status = Literal["proved", "wrong", "consistent", "unanswered", "unreadable"]
_MARKS = {"proved": "✓", "wrong": "✗", "consistent": "≈", "unanswered": "…", "unreadable": "?"}
# Blue, vermilion, sky, grey and orange of Okabe and Ito: told apart by every kind of eye. The
# mark and the word say the same without colour.
_COLOURS = {
    "proved": "#0072B2",
    "wrong": "#D55E00",
    "consistent": "#56B4E9",
    "unanswered": "#999999",
    "unreadable": "#E69F00",
}


def network_text(values: tuple[tuple[str, int | tuple[int, ...]], ...]) -> str:
    """Write a network as ``k=2, s=2, r=1`` or ``k=(3, 1), s=(2, 1)``."""
    return ", ".join(f"{letter}={_short(value)}" for letter, value in values)


def _short(value: int | tuple[int, ...]) -> str:
    """Write a long row of equal numbers as its length and the number."""
    if isinstance(value, tuple) and len(value) > 6 and len(set(value)) == 1:
        return said("times", length=len(value), value=value[0])
    return str(value)


@dataclass(frozen=True)
class CounterExample:
    """Hold a network on which an answer fails.

    Args:
        values: each letter with its number, or with one number for each layer.
        layers: the network itself, from the input to the output.
        yours: the answer's value, or the reason why it has none.
        truth: the true value.
        your_terms: what a formula adds up there, where it adds up a few terms.
        true_terms: what the truth adds up.
        smallest: whether it is known that no smaller network fails: for one layer by the sum of
            its numbers; for a chain by the number of layers, then by the sum of all numbers.

    Example:
        >>> from labkit.receptive_field import check_recurrence
        >>> print(check_recurrence("s*r + k - 1").counter_example)
        k=1, s=2, r=1: yours gives 2, the truth is 1
    """

    values: tuple[tuple[str, int | tuple[int, ...]], ...]
    layers: tuple[Layer, ...]
    yours: int | Fraction | float | str
    truth: int
    your_terms: tuple[int | Fraction, ...] = ()
    true_terms: tuple[int, ...] = ()
    smallest: bool = False

    def __str__(self) -> str:
        network = network_text(self.values)
        if isinstance(self.yours, str):
            return said("has no value", network=network, reason=self.yours, truth=self.truth)
        yours = in_short(self.yours)
        return said("has value", network=network, yours=yours, truth=self.truth)

    @property
    def added_up(self) -> str:
        """The terms of the answer there beside those of the truth, as a sentence."""
        if not self.your_terms:
            return ""
        yours = _added_up(self.your_terms, self.yours)
        return said("added up", yours=yours, truth=_added_up(self.true_terms, self.truth))

    def plot(self) -> Any:
        """Draw the network: the units that are asked about and every position that they read.

        Returns:
            A ``matplotlib.figure.Figure``.

        Raises:
            ValueError: where the field is too wide to draw each position.
        """
        from labkit.receptive_field.figures import plot_neurons

        return plot_neurons(self.layers, units=dict(self.values).get("r", 1))


def _added_up(terms: tuple[int | Fraction, ...], total: Any) -> str:
    signed = "".join(f" {'−' if term < 0 else '+'} {in_short(abs(term))}" for term in terms)
    return f"{signed.removeprefix(' + ').strip()} = {in_short(total)}"


@dataclass(frozen=True)
class Verdict:
    """Hold the outcome of a check; it prints as a sentence and shows as a box in a notebook.

    Args:
        status: ``proved``, ``wrong``, ``consistent`` (no counter-example found, and no proof),
            ``unanswered`` or ``unreadable``.
        message: one sentence for the student.
        counter_example: a small network on which the answer fails, where it is wrong.
        right_when: the conditions under which a wrong answer is right, as far as they are known.
        tried: on how many networks the answer was tried.
        formulas: the formula as it was understood; several where a chain of equations says so.
        answer: the answer's text, where it was text.
        spot: the place in that text which cannot be read, counted from 0.
        mistake: the name of the known mistake that a wrong answer makes.
        hints: what helps on with a wrong answer: the direction, then the term, then the place.
        notes: how letters, layers and commands were read.

    Example:
        >>> from labkit.receptive_field import check_recurrence
        >>> check_recurrence("s*r + k - 1").right_when
        ('when every stride is 1',)
    """

    status: Status
    message: str
    counter_example: CounterExample | None = None
    right_when: tuple[str, ...] = ()
    # How many fit into the time depends on the machine.
    tried: int = field(default=0, repr=False)
    formulas: tuple[Node, ...] = field(default=(), repr=False)
    answer: str = ""
    spot: int | None = None
    mistake: str = ""
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def _status(self) -> str:
        """The status with its mark, in the language in use."""
        return f"{_MARKS[self.status]} {said(f'status {self.status}')}"

    @property
    def reading(self) -> str:
        """The formula as it was understood, as text that can be read again."""
        return " = ".join(map(written, self.formulas))

    @property
    def pointer(self) -> str:
        """The line of the answer that cannot be read, with a caret under the spot."""
        if self.spot is None:
            return ""
        start = self.answer.rfind("\n", 0, self.spot) + 1
        line = self.answer[start:].split("\n", 1)[0]
        column = min(self.spot - start, 60)
        begin = max(0, self.spot - start - 60)
        return f"{_printable(line[begin : begin + 76])}\n{' ' * column}^"

    def __str__(self) -> str:
        first = f"{self._status}: {self.message}"
        return "\n".join(part for part in (first, *self.notes, self.pointer) if part)

    def _repr_html_(self) -> str:
        lines = [f"<strong>{self._status}</strong> {escape(self.message)}"]
        if self.counter_example and self.counter_example.added_up:
            lines.append(escape(self.counter_example.added_up))
        if self.pointer:
            lines.append(f"<pre>{escape(self.pointer)}</pre>")
        if self.formulas:
            lines.append(f"{said('read as')} {in_mathml(self.formulas)}")
        lines += map(escape, self.notes)
        style = f"border-left: 0.4em solid {_COLOURS[self.status]}; padding: 0.3em 0.8em"
        return f'<div style="{style}">{"<br>".join(lines)}{self._hints_by_degrees()}</div>'

    def _hints_by_degrees(self) -> str:
        """Put each hint inside the one before, closed until somebody asks for it."""
        inside = ""
        for number, hint in reversed(list(enumerate(self.hints, start=1))):
            summary = f"<summary>{said(f'hint {number}')}</summary>"
            inside = f"<details>{summary}<div>{escape(hint)}</div>{inside}</details>"
        return inside

    def _repr_markdown_(self) -> str:
        parts = [f"**{self._status}** {self.message}"]
        parts += [f"```text\n{self.pointer}\n```"] if self.pointer else []
        parts += [f"{said('read as')} ${in_latex(self.formulas)}$"] if self.formulas else []
        return "\n\n".join((*parts, *self.notes))


def _printable(line: str) -> str:
    """Replace what would disturb the caret's place."""
    return "".join(character if character.isprintable() else " " for character in line)
