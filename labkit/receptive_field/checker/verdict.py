"""What a check answers: a status, one sentence, and the counter-example as data."""

from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import Literal

from labkit.receptive_field.checker.writing import in_short
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
        return f"{len(value)} times {value[0]}"
    return str(value)


@dataclass(frozen=True)
class CounterExample:
    """Hold a network on which an answer fails.

    Args:
        values: each letter with its number, or with one number for each layer.
        layers: the network itself, from the input to the output.
        yours: the answer's value, or the reason why it has none.
        truth: the true value.

    Example:
        >>> from labkit.receptive_field import check_recurrence
        >>> print(check_recurrence("s*r + k - 1").counter_example)
        k=1, s=2, r=1: yours gives 2, the truth is 1
    """

    values: tuple[tuple[str, int | tuple[int, ...]], ...]
    layers: tuple[Layer, ...]
    yours: int | Fraction | float | str
    truth: int

    def __str__(self) -> str:
        network = network_text(self.values)
        has_none = isinstance(self.yours, str)
        yours = (
            f"yours has no value ({self.yours})"
            if has_none
            else f"yours gives {in_short(self.yours)}"
        )
        return f"{network}: {yours}, the truth is {self.truth}"


@dataclass(frozen=True)
class Verdict:
    """Hold the outcome of a check; it prints as a sentence and shows as a box in a notebook.

    Args:
        status: ``proved``, ``wrong``, ``consistent`` (no counter-example found, and no proof),
            ``unanswered`` or ``unreadable``.
        message: one sentence for the student.
        counter_example: the smallest network on which the answer fails, where it is wrong.
        right_when: the conditions under which a wrong answer is right, as far as they are known.
        tried: on how many networks the answer was tried.
        reading: the formula as it was understood.
        answer: the answer's text, where it was text.
        spot: the place in that text which cannot be read, counted from 0.

    Example:
        >>> from labkit.receptive_field import check_recurrence
        >>> check_recurrence("s*r + k - 1").right_when
        ('when every stride is 1',)
    """

    status: Status
    message: str
    counter_example: CounterExample | None = None
    right_when: tuple[str, ...] = ()
    tried: int = 0
    reading: str = ""
    answer: str = ""
    spot: int | None = None

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
        parts = [f"{_MARKS[self.status]} {self.status}: {self.message}", self.pointer]
        return "\n".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        lines = [f"<strong>{_MARKS[self.status]} {self.status}</strong> {escape(self.message)}"]
        if self.pointer:
            lines.append(f"<pre>{escape(self.pointer)}</pre>")
        if self.reading:
            lines.append(f"<small>Read as: <code>{escape(self.reading)}</code></small>")
        style = f"border-left: 0.4em solid {_COLOURS[self.status]}; padding: 0.3em 0.8em"
        return f'<div style="{style}">{"<br>".join(lines)}</div>'

    def _repr_markdown_(self) -> str:
        parts = [f"**{_MARKS[self.status]} {self.status}** {self.message}"]
        parts += [f"```text\n{self.pointer}\n```"] if self.pointer else []
        parts += [f"Read as: `{self.reading}`"] if self.reading else []
        return "\n\n".join(parts)


def _printable(line: str) -> str:
    """Replace what would disturb the caret's place."""
    return "".join(character if character.isprintable() else " " for character in line)
