"""Check a student's formula: prove it, or find the smallest network on which it fails."""

import math
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from labkit.receptive_field.checker.answers import Answer, CalledAnswer, read_answer
from labkit.receptive_field.checker.budget import FOR_SHRINKING
from labkit.receptive_field.checker.conditions import CONDITIONS, Condition
from labkit.receptive_field.checker.formula import (
    TooCostlyError,
    UndefinedError,
    UnreadableError,
)
from labkit.receptive_field.checker.functions import (
    StoppedError,
    TookTooLongError,
    UnansweredError,
    watched,
)
from labkit.receptive_field.checker.networks import (
    Case,
    large_chains,
    large_layers,
    small_chains,
    small_layers,
)
from labkit.receptive_field.checker.shrinking import shrunk
from labkit.receptive_field.checker.verdict import CounterExample, Verdict, network_text

_SECONDS_FOR_CALLS = 0.4
_DEEPEST_WITH_SYMBOLS = 6
_ENOUGH = 10
_PATIENCE = 25
_MOST_CONDITIONS = 2
_BLANK = re.compile(r"(?:[\s_.…?]|TODO|todo)*")
_TOO_COSTLY = Verdict(
    "unreadable",
    "This cannot be tried: even for the smallest network its numbers or its loops are too large.",
)
_UNANSWERED = Verdict("unanswered", "No answer yet: write your formula, then run this cell again.")


def check_recurrence(answer: Any, dilation: bool | None = None) -> Verdict:
    r"""Check a recurrence for the receptive field, :math:`r_{l-1}` from :math:`r_l`.

    The truth is :math:`s_l (r_l - 1) + d_l (k_l - 1) + 1`.

    Args:
        answer: text such as ``"s*r + k - s"``, ``"s_l r_l + k_l − s_l"`` or LaTeX; a sympy
            expression in symbols of these names; or a Python function whose arguments are
            named r, k, s and, with dilation, d. Text is read, never run.
        dilation: whether the dilation d may differ from 1; by default, whether the answer
            contains d.

    Returns:
        A :class:`Verdict`. A counter-example is the smallest by the sum of its numbers.

    Example:
        >>> print(check_recurrence("s_l r_l + k_l − s_l").status)
        proved
        >>> print(check_recurrence("s*r + s*(k - 1) + 1 - s"))
        ✗ wrong: Not yet: k=2, s=2, r=1: yours gives 3, the truth is 2; it is right when every
        stride is 1 and when every k is 1.
    """
    return _check(answer, True, dilation)


def check_closed_form(answer: Any, dilation: bool | None = None) -> Verdict:
    r"""Check a closed form for the receptive field of a network of L layers.

    The truth is :math:`1 + \sum_{l=1}^{L} d_l (k_l - 1) \prod_{i=1}^{l-1} s_i`, layers being
    numbered from the input, L at least 1.

    Args:
        answer: text such as ``"1 + Sum((k[l]-1)*Product(s[i], (i, 1, l-1)), (l, 1, L))"``, the
            same with Σ and ∏, in LaTeX, or as ``sum(… for l in range(L))``; a sympy expression;
            or a Python function of lists named k, s and, with dilation, d (or of ``layers``).
            Text is read, never run.
        dilation: whether dilations may differ from 1; by default, whether the answer contains d.

    Returns:
        A :class:`Verdict`. A counter-example has as few layers as possible, then the smallest
        sum of its numbers.

    Example:
        >>> check_closed_form("1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i").status
        'proved'
        >>> wrong = check_closed_form("1 + Σ_{l=1}^{L} d_l (k_l − 1) ∏_{i=1}^{l} s_i")
        >>> print(wrong.counter_example)
        k=2, s=2, d=1: yours gives 3, the truth is 2
    """
    return _check(answer, False, dilation)


def _check(answer: Any, one_layer: bool, dilation: bool | None) -> Verdict:
    """Read an answer and judge it, and turn whatever goes wrong into a verdict."""
    if answer is None or answer is Ellipsis:
        return _UNANSWERED
    text = answer if isinstance(answer, str) else ""
    if isinstance(answer, str) and len(answer) < 50 and _BLANK.fullmatch(answer):
        return replace(_UNANSWERED, answer=text)
    verdicts = []
    try:
        for reading in read_answer(answer, one_layer):
            verdicts.append(_judged(reading, one_layer, dilation))
            if verdicts[-1].status == "proved":
                break
    except UnreadableError as error:
        message = f"This cannot be read: {error.reason}."
        return Verdict("unreadable", message, answer=text, spot=error.at if text else None)
    except UnansweredError:
        return _UNANSWERED
    return replace(min(verdicts, key=_preference), answer=text)


def _preference(verdict: Verdict) -> tuple:
    """Put the reading first under which the answer does best."""
    example = verdict.counter_example
    has_value = example is None or not isinstance(example.yours, str)
    return ("proved", "consistent", "wrong", "unreadable").index(verdict.status), not has_value


def _judged(answer: Answer, one_layer: bool, dilation: bool | None) -> Verdict:
    """Judge one reading; a function gets a limited time."""
    dilated = answer.uses_dilation if dilation is None else dilation
    judge = _Judge(answer, one_layer, dilated).verdict
    if not isinstance(answer, CalledAnswer):
        return judge()
    try:
        return watched(judge, answer.function)
    except TookTooLongError:
        case = answer.last_tried
        at = f" on {network_text(case.values(dilated))}" if case else ""
        message = f"Your function did not come back within half a second{at}: is a loop endless?"
        return Verdict("unreadable", message)


@dataclass(frozen=True)
class _Trial:
    """Hold what an answer gave for one network, or why it gave nothing."""

    case: Case
    yours: Any
    right: bool


@dataclass(frozen=True)
class _Judge:
    """Judge one answer: small networks first, then a proof, then large networks."""

    answer: Answer
    one_layer: bool
    dilated: bool

    def verdict(self) -> Verdict:
        """Return the verdict."""
        small = small_layers if self.one_layer else small_chains
        large = large_layers if self.one_layer else large_chains
        deadline = time.monotonic() + _SECONDS_FOR_CALLS
        trials = list(self._trials(small(self.dilated), deadline))
        if not trials:
            return _TOO_COSTLY
        wrong = next((trial for trial in trials if not trial.right), None)
        if wrong is not None:
            return self._wrong(wrong, trials)
        if self.answer.proves(self.dilated):
            return self._proved(len(trials))
        more = list(self._trials(large(self.dilated), deadline))
        wrong = next((trial for trial in more if not trial.right), None)
        if wrong is not None:
            return self._wrong(self._smaller(wrong), trials)
        return self._consistent(trials + more)

    def _trials(self, cases: Sequence[Case], deadline: float) -> Iterator[_Trial]:
        """Try networks in order, without those that cost too much, until time or patience ends."""
        too_costly = 0
        for case in cases:
            late = self.answer.is_function and time.monotonic() > deadline
            if late or too_costly > _PATIENCE:
                return
            try:
                yield self._trial(case)
            except TooCostlyError:
                too_costly += 1

    def _trial(self, case: Case) -> _Trial:
        try:
            yours = self.answer.value(case)
        except UndefinedError as error:
            return _Trial(case, str(error), False)
        except StoppedError as error:
            return _Trial(case, f"it stops with {error}", False)
        return _Trial(case, yours, _agrees(yours, case.truth))

    def _smaller(self, trial: _Trial) -> _Trial:
        """Make the network of a failed trial as small as a few hundred more trials can."""
        failed = [trial]
        deadline = time.monotonic() + _SECONDS_FOR_CALLS

        def fails(case: Case) -> bool:
            if self.answer.is_function and time.monotonic() > deadline:
                raise TooCostlyError("time is up")
            smaller = self._trial(case)
            if not smaller.right:
                failed.append(smaller)
            return not smaller.right

        self.answer.grant(FOR_SHRINKING)
        with suppress(TooCostlyError):
            shrunk(trial.case, fails)
        return failed[-1]

    def _wrong(self, trial: _Trial, trials: list[_Trial]) -> Verdict:
        stopped = isinstance(trial.yours, str) and trial.yours.startswith("it stops with ")
        if stopped and trial is trials[0]:
            at = network_text(trial.case.values(self.dilated))
            return Verdict("unreadable", f"Your function cannot be used: {trial.yours}, on {at}.")
        example = CounterExample(
            trial.case.values(self.dilated), trial.case.layers(), trial.yours, trial.case.truth
        )
        right_when = tuple(self._right_when(trials))
        tail = f"; it is right {_listed(right_when)}" if right_when else ""
        message = f"Not yet: {example}{tail}."
        return Verdict(
            "wrong", message, example, right_when, len(trials), reading=self.answer.reading
        )

    def _right_when(self, trials: list[_Trial]) -> Iterator[str]:
        """Yield the conditions that make a wrong answer right, the widest first."""
        if all(trial.right for trial in trials):
            return
        found: list[Condition] = []
        for condition in CONDITIONS:
            if not self._fits(condition, trials) or _is_contained(condition, found, trials):
                continue
            proved = self.answer.proves(self.dilated, condition)
            if proved or not found:
                found.append(condition)
                yield f"when {condition.phrase}" + ("" if proved else " as far as tried")
            if len(found) == _MOST_CONDITIONS:
                break
        if not self.one_layer and (depth := self._right_up_to(trials)):
            yield "for one layer" if depth == 1 else f"for up to {depth} layers"

    def _fits(self, condition: Condition, trials: list[_Trial]) -> bool:
        """Tell whether the answer is right wherever a condition holds."""
        if "d" in condition.changes and not self.dilated:
            return False
        if not (condition.for_chains or self.one_layer):
            return False
        fitting = [trial for trial in trials if condition.fits(trial.case)]
        return len(fitting) >= _ENOUGH and all(trial.right for trial in fitting)

    def _right_up_to(self, trials: list[_Trial]) -> int:
        """Return up to how many layers the answer is proved."""
        wrong_from = min(len(trial.case.k) for trial in trials if not trial.right)
        return self._proved_depth(wrong_from - 1)

    def _proved_depth(self, deepest: int) -> int:
        for depth in range(1, deepest + 1):
            if not self.answer.proves_for_depth(depth, self.dilated):
                return depth - 1
        return deepest

    def _proved(self, tried: int) -> Verdict:
        without = " without dilation" if not self.dilated else ""
        letters = "r, k, s and d" if self.dilated else "r, k and s"
        message = (
            f"Right for every layer{without}, proved: it equals the true recurrence whatever "
            f"{letters} are."
            if self.one_layer
            else f"Right for every network{without}, proved by induction on the number of layers."
        )
        return Verdict("proved", message, tried=tried, reading=self.answer.reading)

    def _consistent(self, trials: list[_Trial]) -> Verdict:
        depth = 0 if self.one_layer else self._proved_depth(_DEEPEST_WITH_SYMBOLS)
        deepest = 0 if self.one_layer else max((len(t.case.k) for t in trials), default=0)
        reach = f" of up to {deepest} layers" if deepest else ""
        proof = f"a proof for up to {depth} layers" if depth else "no proof"
        message = (
            f"No counter-example among {len(trials):,} networks{reach}, and {proof}; "
            "for all networks it is neither proved nor disproved."
        )
        return Verdict("consistent", message, tried=len(trials), reading=self.answer.reading)


def _listed(phrases: Sequence[str]) -> str:
    *others, last = phrases
    return f"{', '.join(others)} and {last}" if others else last


def _agrees(yours: Any, truth: int) -> bool:
    """Compare exactly, or within rounding where a function computes in floats."""
    if isinstance(yours, float):
        return math.isclose(yours, truth, rel_tol=1e-12)
    return yours == truth


def _is_contained(condition: Condition, wider: list[Condition], trials: list[_Trial]) -> bool:
    """Tell whether a wider condition already says what this one would."""
    fitting = [trial.case for trial in trials if condition.fits(trial.case)]
    return any(all(map(other.fits, fitting)) for other in wider)
