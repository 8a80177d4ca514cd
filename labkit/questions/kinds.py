"""The kinds of question: one right choice among several, or a number.

A kind is a subclass of :class:`Question` and a name in ``__all__``; it owns its markup and its key.
Text by the course's authors is inline HTML, checked so that no slip breaks the page around it.
"""

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from numbers import Real
from types import MappingProxyType

from labkit.language import phrase

__all__ = ["Answer", "Choice", "Number", "right", "wrong"]

FEWEST_WRONG = 2

#: What rounding in the computed answer may move it by, relative to its size.
ROUNDING = 1e-9

#: Elements without behaviour that may stand inside a line.
INLINE = frozenset({"b", "code", "em", "i", "kbd", "q", "strong", "sub", "sup", "var"})

#: A "<" that opens no element, and a "&" that begins no character reference.
_BARE = re.compile(r"<(?![a-zA-Z/])|&(?![a-zA-Z]+;|#\d+;)")


class Question(ABC):
    """Ask something; what every kind of question has."""

    @abstractmethod
    def controls(self):
        """Write the question and what it is answered with.

        Returns:
            HTML for the inside of a form, which can be read without the script too.
        """

    @abstractmethod
    def key(self):
        """List the verdicts by which the script judges an answer.

        Returns:
            A list as JSON has it, of ``[right, because, …]``, in the order that the script asks.
        """


@dataclass(frozen=True)
class Answer:
    """One choice's verdict and the reason for it; :func:`right` and :func:`wrong` make it.

    Args:
        is_right: whether the choice is the right one.
        because: inline HTML, the explanation shown when the choice is made. The word "Right" or
            "Not yet" is put before it.

    Raises:
        TypeError: ``because`` is not text.
        ValueError: ``because`` is empty or not inline HTML.

    Example:
        >>> Answer(True, "It only compares.")
        Answer(is_right=True, because='It only compares.')
    """

    is_right: bool
    because: str

    def __post_init__(self):
        checked_inline("an explanation", self.because)


def right(because: str) -> Answer:
    """Mark a choice as the right one.

    Args:
        because: inline HTML, why it is right.

    Returns:
        An :class:`Answer`.

    Raises:
        TypeError: ``because`` is not text.
        ValueError: ``because`` is empty or not inline HTML.

    Example:
        >>> right("It only compares.").is_right
        True
    """
    return Answer(True, because)


def wrong(because: str) -> Answer:
    """Mark a choice as a wrong one.

    Args:
        because: inline HTML, what is wrong with the thought behind it.

    Returns:
        An :class:`Answer`.

    Raises:
        TypeError: ``because`` is not text.
        ValueError: ``because`` is empty or not inline HTML.

    Example:
        >>> wrong("A convolution has weights.").is_right
        False
    """
    return Answer(False, because)


@dataclass(frozen=True)
class Choice(Question):
    """Ask for the one right choice among three or more.

    All text is inline HTML by the course's authors, such as ``<i>k</i><sub>1</sub>`` or
    ``<code>fit</code>``; it is shown as it is, so ``<`` itself is written ``&lt;``.

    Args:
        question: inline HTML.
        choices: a mapping from each choice, inline HTML, to :func:`right` or :func:`wrong`, in the
            order shown. Exactly one is right, at least two are wrong, and no two explanations are
            the same.

    Raises:
        TypeError: a text is not text, or a choice leads to something else than an answer.
        ValueError: a text is empty or not inline HTML, or the choices are not as above.

    Example:
        >>> Choice(
        ...     "Which of these layers has no parameters?",
        ...     {
        ...         "pooling": right("It only compares."),
        ...         "convolution": wrong("Each filter has weights and a bias."),
        ...         "dense": wrong("Each unit has a weight for every input."),
        ...     },
        ... ).question
        'Which of these layers has no parameters?'
    """

    question: str
    choices: Mapping[str, Answer] = field(hash=False)

    def __post_init__(self):
        checked_inline("a question", self.question)
        _check_choices(self.choices, self.question)
        object.__setattr__(self, "choices", MappingProxyType(dict(self.choices)))

    def controls(self):
        """Write a group of radio buttons under the question."""
        rows = [
            f'<label><input type="radio" name="choice" value="{number}"><span>{text}</span></label>'
            for number, text in enumerate(self.choices)
        ]
        return "\n".join(["<fieldset>", f"<legend>{self.question}</legend>", *rows, "</fieldset>"])

    def key(self):
        """List the verdict and the explanation of each choice."""
        return [[answer.is_right, answer.because] for answer in self.choices.values()]


def _check_choices(choices, question):
    """Refuse choices that a reader could not learn from."""
    if not isinstance(choices, Mapping):
        raise TypeError(f"The choices of {question!r} are no mapping: write {{'…': right('…')}}.")
    for text, answer in choices.items():
        checked_inline("a choice", text)
        if not isinstance(answer, Answer):
            raise TypeError(f"{text!r} leads to {answer!r}: write right('…') or wrong('…').")
    count = sum(answer.is_right for answer in choices.values())
    if count != 1:
        raise ValueError(f"{question!r} has {count} right choices: mark exactly one with right().")
    if len(choices) - 1 < FEWEST_WRONG:
        raise ValueError(f"{question!r} has too few wrong choices: give at least {FEWEST_WRONG}.")
    commonest, times = Counter(a.because for a in choices.values()).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{commonest!r} explains {times} choices: explain each on its own.")


@dataclass(frozen=True)
class Number(Question):
    """Ask for a number.

    All text is inline HTML by the course's authors, such as ``<i>k</i><sub>1</sub>`` or
    ``<code>fit</code>``; it is shown as it is, so ``<`` itself is written ``&lt;``.

    Args:
        question: inline HTML.
        answer: the right number, finite, best a computed one.
        because: inline HTML, why it is right.
        mistakes: a mapping from each expected wrong number to the explanation of the mistake
            behind it, inline HTML. No two explanations are the same.
        otherwise: inline HTML, a hint for any other number.
        tolerance: a number that differs by at most this much counts as the same, not negative.
        unit: plain text shown behind the field, such as ``"pixels"``.

    Raises:
        TypeError: a text is not text, or a number is not a number.
        ValueError: a text is empty or not inline HTML, a number is not finite, the tolerance is
            negative, or an expected mistake is the right answer.

    Example:
        >>> Number(
        ...     "How many weights has a 3 × 3 filter on one channel?",
        ...     answer=3 * 3,
        ...     because="One for each of its places.",
        ...     mistakes={3: "That is one row only.", 10: "The bias is not a weight."},
        ...     otherwise="Count the places of the filter.",
        ... ).answer
        9
    """

    question: str
    answer: Real
    because: str
    mistakes: Mapping[Real, str] = field(hash=False)
    otherwise: str
    tolerance: Real = 0
    unit: str = ""

    def __post_init__(self):
        checked_inline("a question", self.question)
        for text in (self.because, self.otherwise):
            checked_inline("an explanation", text)
        if self.unit:
            checked_inline("a unit", self.unit)
        object.__setattr__(self, "answer", _number("answer", self.answer))
        object.__setattr__(self, "tolerance", _number("tolerance", self.tolerance))
        if self.tolerance < 0:
            raise ValueError(f"tolerance={self.tolerance} is not possible: it is 0 or more.")
        object.__setattr__(self, "mistakes", MappingProxyType(self._checked_mistakes()))

    def _checked_mistakes(self):
        """Return the mistakes with plain numbers, or say which of them is none."""
        if not isinstance(self.mistakes, Mapping):
            raise TypeError(f"mistakes={self.mistakes!r} is no mapping: write {{7: 'Because …'}}.")
        plain = {_number("a mistake", value): text for value, text in self.mistakes.items()}
        low, high = self.interval(self.answer)
        for value, text in plain.items():
            checked_inline("an explanation", text)
            if low <= value <= high:
                raise ValueError(f"The mistake {value} is the right answer to {self.question!r}.")
        if len({*plain.values(), self.otherwise}) <= len(plain):
            raise ValueError(f"Two mistakes in {self.question!r} have the same explanation.")
        return plain

    def controls(self):
        """Write a labelled field and a button."""
        unit = f" <span>{escape(self.unit)}</span>" if self.unit else ""
        return (
            f"<label><span>{self.question}</span>\n"
            f'<input type="text" inputmode="decimal" spellcheck="false">{unit}</label>\n'
            f"<button>{escape(phrase('questions', 'check'))}</button>"
        )

    def key(self):
        """List verdict, explanation, least and greatest number; the rest has no bounds."""
        mistakes = [[False, text, *self.interval(value)] for value, text in self.mistakes.items()]
        answer = [True, self.because, *self.interval(self.answer)]
        return [answer, *mistakes, [False, self.otherwise]]

    def interval(self, value: Real) -> tuple[Real, Real]:
        """Return the least and the greatest number that count as ``value``.

        Args:
            value: a number.

        Returns:
            ``(least, greatest)``: the tolerance away, and for fractions a little more, so that
            rounding does not decide.
        """
        slack = 0 if isinstance(value + self.tolerance, int) else ROUNDING * max(1, abs(value))
        return value - self.tolerance - slack, value + self.tolerance + slack


def _number(name, value):
    """Return ``value`` as a plain integer or float, or say what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, which is not a number.")
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}, which nobody can type: give a finite number.")
    return int(value) if value == int(value) else float(value)


def checked_inline(what: str, text: str) -> str:
    """Return the text, or say why it is not inline HTML.

    Args:
        what: what the text is, for the message: "a question".
        text: inline HTML: words, character references and the elements in ``INLINE``, each closed
            and without attributes.

    Returns:
        The text as it is.

    Raises:
        TypeError: it is not text.
        ValueError: it is empty, or not inline HTML.

    Example:
        >>> checked_inline("a question", "How large is <i>r</i><sub>0</sub>?")
        'How large is <i>r</i><sub>0</sub>?'
        >>> checked_inline("a question", "Is r < k?")
        Traceback (most recent call last):
        ...
        ValueError: 'Is r < k?' is not inline HTML: write &lt; for "<" and &amp; for "&".
    """
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not text, as {what} is.")
    if not text.strip():
        raise ValueError(f"The text of {what} is empty.")
    if _BARE.search(text):
        raise ValueError(f'{text!r} is not inline HTML: write &lt; for "<" and &amp; for "&".')
    _Elements(text).check()
    return text


class _Elements(HTMLParser):
    """Follow the elements of a text, and refuse what is not inline or not closed."""

    def __init__(self, text):
        super().__init__()
        self.text, self.open = text, []

    def check(self):
        """Read the whole text."""
        self.feed(self.text)
        self.close()
        if self.open:
            raise ValueError(f"<{self.open[-1]}> is not closed in {self.text!r}.")

    def handle_starttag(self, tag, attrs):
        """Note an element that opens."""
        if tag not in INLINE or attrs:
            names = ", ".join(sorted(INLINE))
            raise ValueError(f"<{tag}> in {self.text!r} is not one of {names} without attributes.")
        self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the innermost element."""
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> in {self.text!r} closes nothing.")
