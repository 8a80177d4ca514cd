"""Questions that answer at once: in the built page, in Colab and in JupyterLab alike.

A question is shown as HTML with a small script of its own: no kernel runs, nothing is fetched.
Nothing in it has an ``id``, and the radio buttons' names count within their own form only, so any
number of pieces, the same one twice included, may stand on one page.

Why not a library: of those tried, jupyterquiz 2.9.6 comes nearest, but its number field has no
label and too little contrast, its feedback is never announced to a screen reader, and its random
ids make the same notebook differ with every run. Extensions of Sphinx show nothing in Colab.
"""

import json
from dataclasses import dataclass

from labkit.files import page_asset
from labkit.language import language, phrases
from labkit.questions import kinds
from labkit.questions.feedback import Feedback, feedback
from labkit.questions.kinds import *  # noqa: F403
from labkit.questions.kinds import Question
from labkit.words import count

__all__ = ["Feedback", "Questions", "ask", "feedback", *kinds.__all__]

#: The phrases that the script says.
_SAID = ("right", "wrong", "count", "unreadable")


def ask(*questions: Question) -> "Questions":
    """Ask questions whose answers are explained as soon as they are given.

    A reader may try as often as wanted. The explanations stand backwards in the page, so that no
    glance at it gives an answer away; that is no secret.

    Args:
        questions: one or more questions, such as :class:`Choice` or :class:`Number`, in the
            order shown.

    Returns:
        :class:`Questions`, which a notebook shows.

    Raises:
        TypeError: one of them is no question.
        ValueError: there is none.

    Example:
        >>> from labkit.questions import Number, ask
        >>> ask(Number("How much is 2 · 3?", 2 * 3, "Twice three.", {5: "A sum."}, "Count."))
        1 question with instant feedback; a notebook or the book shows it.
    """
    return Questions(questions)


@dataclass(frozen=True, repr=False)
class Questions:
    """Questions that a notebook shows; :func:`ask` makes them.

    Args:
        questions: a tuple of questions, such as :class:`Choice` and :class:`Number`.

    Raises:
        TypeError: one of them is no question.
        ValueError: there is none.

    Example:
        >>> Questions(())
        Traceback (most recent call last):
        ...
        ValueError: There is no question: give one, such as Choice(…) or Number(…).
    """

    questions: tuple[Question, ...]

    def __post_init__(self):
        if not self.questions:
            raise ValueError("There is no question: give one, such as Choice(…) or Number(…).")
        for question in self.questions:
            if not isinstance(question, Question):
                raise TypeError(f"{question!r} is no question, such as Choice(…) or Number(…).")

    def __repr__(self):
        questions = count(len(self.questions), "question")
        it = "them" if len(self.questions) > 1 else "it"
        return f"{questions} with instant feedback; a notebook or the book shows {it}."

    def _repr_html_(self):
        forms = "\n".join(map(_form, self.questions))
        progress = '<p data-progress role="status"></p>\n' if len(self.questions) > 1 else ""
        words = {name: phrases("questions")[name] for name in _SAID}
        # JupyterLab would take arrow keys for its own; the attribute asks it not to.
        return (
            f'<div class="labkit-questions" lang="{language()}" data-lm-suppress-shortcuts="true" '
            f"data-words='{_for_attribute(json.dumps(words, ensure_ascii=False))}'>\n"
            f"<style>{page_asset(__package__, 'questions.css')}</style>\n{forms}\n{progress}"
            f"<script>{page_asset(__package__, 'questions.js')}</script>\n</div>"
        )


def _form(question):
    """Write one question; without the script it can still be read."""
    # Inside no dialog, this method sends nothing anywhere, also where scripts are off.
    start = f"<form method='dialog' autocomplete='off' data-key='{_encoded(question.key())}'>"
    return f'{start}\n{question.controls()}\n<p role="status"></p>\n</form>'


def _encoded(key):
    """Write the key backwards, for an attribute in single quotes."""
    text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    return _for_attribute(text[::-1])


def _for_attribute(text):
    """Escape a text for an attribute in single quotes."""
    return text.replace("&", "&amp;").replace("'", "&#39;")
