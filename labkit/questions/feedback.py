"""What a check says of an answer that a student has typed, in the box that every lab uses."""

from dataclasses import dataclass
from html import escape
from typing import Literal

from labkit.language import phrase

Status = Literal["right", "not yet", "unanswered"]

# Blue, vermilion and grey of Okabe and Ito: told apart by every kind of eye. The mark and the word
# say the same without colour.
_LOOKS = {
    "right": ("✓", "right", "#0072B2"),
    "not yet": ("✗", "wrong", "#D55E00"),
    "unanswered": ("…", "unanswered", "#999999"),
}


@dataclass(frozen=True)
class Feedback:
    """Say whether an answer is right; as a condition it is true only then.

    Args:
        status: ``"right"``, ``"not yet"`` or ``"unanswered"``.
        message: what to say besides: one sentence or two, as plain text; may be empty.

    Example:
        >>> print(Feedback("not yet", "Mind the biases."))
        ✗ Not yet. Mind the biases.
        >>> bool(Feedback("unanswered", ""))
        False
    """

    status: Status
    message: str = ""

    def __bool__(self):
        return self.status == "right"

    def __str__(self):
        mark, word, _ = _LOOKS[self.status]
        return f"{mark} {phrase('questions', word)} {self.message}".rstrip()

    __repr__ = __str__

    def _repr_html_(self):
        mark, word, colour = _LOOKS[self.status]
        style = f"border-left: 0.4em solid {colour}; padding: 0.3em 0.8em"
        said = f"<strong>{mark} {phrase('questions', word)}</strong> {escape(self.message)}"
        return f'<div style="{style}">{said}</div>'


def feedback(answer, slips, praise):
    """Judge an answer by what is wrong with it.

    Args:
        answer: what the student gave; ``None`` where the blank is still blank.
        slips: iterable of sentences, one for each thing that is wrong, the first to mend first.
            It is not looked at where there is no answer.
        praise: what to say where nothing is wrong.

    Returns:
        A :class:`Feedback` that names the first slip alone.

    Example:
        >>> print(feedback(3, ["Too small." for answer in [3] if answer < 4], "Two squared."))
        ✗ Not yet. Too small.
        >>> print(feedback(None, [], "Two squared."))
        … Not answered yet. The lab goes on without it.
    """
    if answer is None:
        return Feedback("unanswered", phrase("questions", "goes on"))
    slip = next(iter(slips), None)
    return Feedback("right", praise) if slip is None else Feedback("not yet", slip)
