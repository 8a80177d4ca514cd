"""One step of the derivation: a sentence, an equation, and the check of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit.words import did_you_mean


class ProofError(ValueError):
    """Say which step of the derivation does not hold, and why."""


@dataclass(frozen=True)
class Step:
    """Hold one step of the derivation.

    Args:
        title: a few words.
        sentence: why the equation holds, in Markdown with inline mathematics.
        equation: what the step claims, a sympy equation.
        check: a function that takes the equation, proves it from the definitions or from
            earlier equations, and raises :class:`ProofError` where it cannot.
        checked_up_to: the number of layers up to which the check tries the equation, where it
            proves nothing beyond; default ``None``, a check that proves it for all.

    Example:
        >>> from labkit.receptive_field import derivation
        >>> step = derivation()[0]
        >>> step.verify() is step
        True
    """

    title: str
    sentence: str
    equation: Any
    check: Callable[[Any], None]
    checked_up_to: int | None = None

    def verify(self) -> "Step":
        """Prove the equation anew, or check it as far as ``checked_up_to``.

        Returns:
            The step itself, so that calls can be chained.

        Raises:
            ProofError: where the equation does not hold; the message names the step.
        """
        from sympy import Equality

        if not isinstance(self.equation, Equality):
            raise ProofError(f"{self.title}: {self.equation} is not an equation.")
        try:
            self.check(self.equation)
        except ProofError as error:
            raise ProofError(f"{self.title}: {error}") from None
        return self

    def _mark(self) -> str:
        """Verify now and say how it went; the mark is earned at each showing, never stored."""
        try:
            self.verify()
        except ProofError as error:
            return f"✗ not verified: {error}"
        if self.checked_up_to is not None:
            return f"≈ checked up to {self.checked_up_to}"
        return "✓ proved"

    @property
    def latex(self) -> str:
        """The equation as LaTeX, without dollar signs."""
        from labkit.receptive_field.derivation.typesetting import latex

        return latex(self.equation)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _repr_markdown_(self) -> str:
        return f"**{self.title}.** {self.sentence}\n\n$$\n{self.latex}\n$$\n\n*{self._mark()}*\n"

    def __str__(self) -> str:
        return f"{self.title}: {self.equation}"


class Derivation(tuple):
    """Hold the steps in order: index it, loop over it, or show it whole in a notebook.

    Steps have numbers and titles. A slice is a derivation again; between titles, as in
    ``steps["The pattern":"The one lemma"]``, it includes its last step.

    Example:
        >>> from labkit.receptive_field import derivation
        >>> len(derivation()["A kernel of width one":"The recurrence"])
        3
    """

    __slots__ = ()

    def __getitem__(self, which):
        """Return a step by number or title, or a part of the derivation by a slice of either."""
        if not isinstance(which, slice):
            return super().__getitem__(self._number(which))
        last = self._number(which.stop)
        last = last + 1 if isinstance(which.stop, str) else last
        return Derivation(super().__getitem__(slice(self._number(which.start), last, which.step)))

    def _number(self, which):
        """Return the number of the step of a title; anything else as it is."""
        if not isinstance(which, str):
            return which
        titles = [step.title for step in self]
        if which not in titles:
            near = did_you_mean(which, titles) or f"; the first is {titles[0]!r}"
            raise KeyError(f"There is no step {which!r}{near}.")
        return titles.index(which)

    def verify(self) -> "Derivation":
        """Prove every step anew.

        Returns:
            The derivation itself.

        Raises:
            ProofError: naming the first step that does not hold.
        """
        for step in self:
            step.verify()
        return self

    def __str__(self) -> str:
        return "\n".join(f"{number}. {step}" for number, step in enumerate(self, start=1))

    def _repr_markdown_(self) -> str:
        return "\n".join(step._repr_markdown_() for step in self)
