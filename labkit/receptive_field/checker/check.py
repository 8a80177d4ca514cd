"""Check a student's formula: prove it, or find the smallest network on which it fails."""

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from labkit.language import listed, phrase
from labkit.receptive_field.checker import mistakes
from labkit.receptive_field.checker.answers import Answer, read_answer, samples
from labkit.receptive_field.checker.evaluation import FOR_SHRINKING
from labkit.receptive_field.checker.formula import TooCostlyError, UndefinedError, UnreadableError
from labkit.receptive_field.checker.functions import TookTooLongError, UnansweredError
from labkit.receptive_field.checker.meaning import Reading
from labkit.receptive_field.checker.networks import (
    CONDITIONS,
    Condition,
    Network,
    cheap_for_functions,
    large_networks,
    shrunk,
    small_networks,
)
from labkit.receptive_field.checker.verdict import CounterExample, Status, Verdict, network_text
from labkit.receptive_field.checker.wording import said
from labkit.receptive_field.checker.writing import in_short

_SECONDS_FOR_CALLS = 0.2
_SECONDS_FOR_A_CHEAP_CALL = 0.02
_TRIED_AT_ANY_TIME = 16  # One network of each depth.
_DEEPEST_WITH_SYMBOLS = 6
_ENOUGH = 10
_PATIENCE = 25
_MOST_CONDITIONS = 2
_MOST_TERMS = 12
_BLANK = re.compile(r"(?:[\s_.…?]|TODO|todo)*")
# Where to look, the first that fits.
_TERMS = ("s", "d", "k", "depth", "parity")


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
        >>> print(check_recurrence("s*(r - 1) + s*(k - 1) + 1"))
        ✗ wrong: Not yet: k=2, s=2, r=1: yours gives 3, the truth is 2; it is right when every
        stride is 1 and when every k is 1. The stride moves the kernel from unit to unit and does
        not stretch it: s multiplies r − 1, and k stays as it is (see section 2, a kernel of any
        width).
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
        return _unanswered()
    text = answer if isinstance(answer, str) else ""
    if isinstance(answer, str) and len(answer) < 50 and _BLANK.fullmatch(answer):
        return _unanswered(text)
    verdicts = []
    try:
        for reading in read_answer(answer, one_layer):
            verdicts.append(_judged(reading, one_layer, dilation))
            if verdicts[-1].status == "proved":
                break
    except UnreadableError as error:
        message = said("unreadable", reason=error.reason)
        return Verdict("unreadable", message, answer=text, spot=error.at if text else None)
    except UnansweredError:
        return _unanswered()
    return replace(min(verdicts, key=_preference), answer=text)


def _unanswered(text: str = "") -> Verdict:
    return Verdict("unanswered", said("unanswered"), answer=text)


def _preference(verdict: Verdict) -> tuple:
    """Put the reading first under which the answer does best."""
    example = verdict.counter_example
    has_value = example is None or not isinstance(example.yours, str)
    return ("proved", "consistent", "wrong", "unreadable").index(verdict.status), not has_value


def _judged(answer: Answer, one_layer: bool, dilation: bool | None) -> Verdict:
    """Judge one reading; a function that may know no dilation is judged without, too."""
    either = dilation is None and answer.may_use_dilation
    dilated = either or (answer.uses_dilation if dilation is None else dilation)
    try:
        verdict = _Judge(answer, one_layer, dilated).verdict()
        if either and verdict.status == "wrong":
            plain = _Judge(answer, one_layer, False).verdict()
            verdict = plain if plain.status in ("proved", "consistent") else verdict
    except UnansweredError:
        if not (answer.calls and answer.calls.printed):
            raise
        return Verdict("unreadable", said("printed instead"))
    except TookTooLongError:
        case = answer.last_tried
        at = said("on", network=network_text(case.values(dilated))) if case else ""
        verdict = Verdict("unreadable", said("endless", at=at))
    finally:
        if answer.calls:
            answer.calls.close()
    if answer.calls and answer.calls.printed:
        return replace(verdict, message=f"{verdict.message} {said('held back')}")
    return verdict


@dataclass(frozen=True)
class _Trial:
    """Hold what an answer gave for one network, or why it gave nothing."""

    case: Network
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
        small = small_networks(self.one_layer, self.dilated)
        trials = list(self._trials(small))
        if not trials:
            return Verdict("unreadable", said("too costly"))
        wrong = next((trial for trial in trials if not trial.right), None)
        if wrong is not None:
            first = small[trials.index(wrong)] is wrong.case
            return self._wrong(wrong, trials, first and self._is_smallest(wrong))
        if self.answer.proves(self.dilated):
            return self._proved(len(trials))
        trials += self._large_trials()
        wrong = next((trial for trial in trials if not trial.right), None)
        if wrong is not None:
            return self._wrong(self._smaller(wrong), trials, False)
        return self._consistent(trials)

    def _is_smallest(self, trial: _Trial) -> bool:
        """Tell whether no network of fewer layers fails, where no smaller one of as many does."""
        return self.one_layer or self._proved_depth(fewer := len(trial.case.k) - 1) == fewer

    def _trials(self, cases: Sequence[Network], growing: bool = False) -> Iterator[_Trial]:
        """Try networks in order, without those that cost too much, until time or patience ends.

        Args:
            cases: the networks.
            growing: whether they grow without an end, so that one which takes long is the last.
        """
        too_costly, answered, is_function = 0, growing, bool(self.answer.calls)
        is_late = _deadline()
        for number, case in enumerate(cases):
            before = time.process_time() if is_function else 0
            late = is_function and is_late() and not (growing and number < _TRIED_AT_ANY_TIME)
            if late or too_costly > _PATIENCE:
                return
            try:
                yield self._trial(case, growing)
                answered = True
            except UnansweredError:
                if not answered:
                    raise
                yield _Trial(case, said("returns nothing"), False)
            except TooCostlyError:
                too_costly += 1
            except TookTooLongError:
                if not growing:
                    raise
                return
            if is_function and growing and time.process_time() - before > _SECONDS_FOR_A_CHEAP_CALL:
                return

    def _large_trials(self) -> list[_Trial]:
        large = cheap_for_functions if self.answer.calls else large_networks
        return list(self._trials(large(self.one_layer, self.dilated), growing=True))

    def _trial(self, case: Network, growing: bool = False) -> _Trial:
        """Try one network; of a large one it says nothing that Python allows too few calls."""
        try:
            yours = self.answer.value(case)
        except UndefinedError as error:
            if growing and isinstance(error.__cause__, RecursionError):
                raise TookTooLongError from None
            return _Trial(case, str(error), False)
        return _Trial(case, yours, _agrees(yours, case.truth))

    def _smaller(self, trial: _Trial) -> _Trial:
        """Make the network of a failed trial as small as a few hundred more trials can."""
        failed = [trial]
        is_late = _deadline()

        def fails(case: Network) -> bool:
            if self.answer.calls and is_late():
                raise TooCostlyError
            smaller = self._trial(case)
            if not smaller.right:
                failed.append(smaller)
            return not smaller.right

        self.answer.grant(FOR_SHRINKING)
        with suppress(TooCostlyError, TookTooLongError):
            shrunk(trial.case, fails)
        return failed[-1]

    def _wrong(self, trial: _Trial, trials: list[_Trial], smallest: bool) -> Verdict:
        begin = said("stopped", error="")
        stopped = isinstance(trial.yours, str) and trial.yours.startswith(begin)
        if stopped and trial is trials[0]:
            at = network_text(trial.case.values(self.dilated))
            return Verdict("unreadable", said("unusable", reason=trial.yours, at=at))
        example = replace(self._example(trial), smallest=smallest)
        found = tuple(self._right_when([*trials, trial]))
        right_when = tuple(condition for condition, _ in found)
        right = said("right when", conditions=listed(right_when)) if right_when else ""
        begin = "wrong" if smallest else "wrong somewhere"
        message = said(begin, example=example, conditions=right)
        forward = self.answer.read and self.answer.read.forward
        # The network that fails first: what agrees on it is rare.
        mistake = "" if forward else self._mistake([trial, *trials])
        if mistake:
            message += f" {phrase('checker: mistakes', mistake)}."
        if forward:
            message += f" {said('forward')}"
        return self._said("wrong", message, counter_example=example, right_when=right_when,
                          tried=len(trials), mistake=mistake,
                          hints=self._hints(example, {hint for _, hint in found}))  # fmt: skip

    def _said(self, status: Status, message: str, **fields: Any) -> Verdict:
        """Return a verdict with all that is said of how the answer was read."""
        read = self.answer.read
        if read is None:
            return Verdict(status, message, **fields)
        return Verdict(status, message, **fields, formulas=read.nodes, notes=tuple(_notes(read)))

    def _example(self, trial: _Trial) -> CounterExample:
        case = trial.case
        values = (*case.values(self.dilated), *([("p", 1)] if self.answer.padded else []))
        terms = self._terms(trial), case.terms()
        return CounterExample(values, case.layers(), trial.yours, case.truth, *terms)

    def _terms(self, trial: _Trial) -> tuple[Any, ...]:
        """Return the terms of a formula where there are a few, each with a value."""
        read = self.answer.read
        if read is None or len(read.nodes) > 1 or isinstance(trial.yours, str):
            return ()
        with suppress(TooCostlyError, UndefinedError):
            terms = self.answer.terms(trial.case)
            return terms if len(terms) <= _MOST_TERMS else ()
        return ()

    def _mistake(self, trials: list[_Trial]) -> str:
        """Name the mistake: by a proof, or for a function by all that was tried."""
        if all(isinstance(trial.yours, str) for trial in trials if not trial.right):
            return ""
        proved = self.answer.mistake(self.dilated)
        if proved or not self.answer.calls:
            return proved
        # Time may have ended before any networks but those of a few layers were tried.
        trials = [*trials, *self._trials(samples(self.one_layer, self.dilated), growing=True)]
        for name, node in mistakes.known(self.one_layer):
            other = Answer((node,), self.one_layer)
            with suppress(TooCostlyError, UndefinedError):
                if all(other.value(trial.case) == trial.yours for trial in trials):
                    return name
        return ""

    def _hints(self, example: CounterExample, terms: set[str]) -> tuple[str, ...]:
        """Return hints by degrees: the direction, then the term, then the place."""
        place = said("place in a layer" if self.one_layer else "place in networks")
        place += said("place, dilated") if self.dilated else ""
        if isinstance(example.yours, str):
            return said("no number"), place
        gap = example.yours - example.truth
        direction = said("too large" if gap > 0 else "too small", gap=in_short(abs(gap)))
        term = next((term for term in _TERMS if term in terms), "narrow")
        return direction, said(f"term {term}"), place

    def _right_when(self, trials: list[_Trial]) -> Iterator[tuple[str, str]]:
        """Yield when a wrong answer is right, the widest first, each with the hint to give."""
        if all(trial.right for trial in trials):
            return
        found: list[Condition] = []
        large: list[_Trial] = []
        for condition in CONDITIONS:
            if not self._fits(condition, trials) or _is_contained(condition, found, trials):
                continue
            proved = self.answer.proves(self.dilated, condition)
            if not proved and not found:
                large = large or self._large_trials()
            if proved or (not found and self._fits(condition, trials + large, tried=True)):
                found.append(condition)
                holds = said("when", condition=phrase("checker: conditions", condition.name))
                yield holds + ("" if proved else said("as far as tried")), condition.hint
            if len(found) == _MOST_CONDITIONS:
                break
        if not self.one_layer and (depth := self._proved_depth(self._wrong_from(trials) - 1)):
            yield said("for layers", n=depth), "depth" if depth == 1 else ""

    def _fits(self, condition: Condition, trials: list[_Trial], tried: bool = False) -> bool:
        """Tell whether the answer is right wherever a condition holds.

        Where that is only tried, it was so with as many layers as make it wrong elsewhere.
        """
        if "d" in condition.changes and not self.dilated:
            return False
        if not (condition.for_chains or self.one_layer):
            return False
        fitting = [trial for trial in trials if condition.fits(trial.case)]
        deepest = max((len(trial.case.k) for trial in fitting), default=0)
        deep = not tried or deepest >= self._wrong_from(trials)
        return deep and len(fitting) >= _ENOUGH and all(trial.right for trial in fitting)

    def _wrong_from(self, trials: list[_Trial]) -> int:
        return min(len(trial.case.k) for trial in trials if not trial.right)

    def _proved_depth(self, deepest: int) -> int:
        """Return up to how many layers the answer is proved."""
        for depth in range(1, deepest + 1):
            if not self.answer.proves(self.dilated, depth=depth):
                return depth - 1
        return deepest

    def _proved(self, tried: int) -> Verdict:
        without = "" if self.dilated else said("without dilation")
        letters = said("letters, dilated" if self.dilated else "letters")
        proved = "proved for a layer" if self.one_layer else "proved for networks"
        message = said(proved, without=without, letters=letters)
        return self._said("proved", message, tried=tried)

    def _consistent(self, trials: list[_Trial]) -> Verdict:
        if self.answer.padded:
            return self._said("unreadable", said("padding"))
        depth = 0 if self.one_layer else self._proved_depth(_DEEPEST_WITH_SYMBOLS)
        deepest = max((len(trial.case.k) for trial in trials), default=0)
        reach = "" if self.one_layer else said("up to", n=deepest)
        reach += "" if self.dilated else said("without dilation")
        proof = said("proof", n=depth) if depth else said("no proof")
        message = said("consistent", n=len(trials), reach=reach, proof=proof)
        return self._said("consistent", message, tried=len(trials))


def _notes(read: Reading) -> Iterator[str]:
    """Yield what a student should know of how an answer was read."""
    if read.renamed:
        renamed = (said("name as letter", name=name, letter=to) for name, to in read.renamed)
        yield said("renamed", names=listed(tuple(renamed)))
    if read.counts_from == 0:
        yield said("counted from 0")
    if read.repaired:
        commands = listed(tuple(f"\\{command}" for command in read.repaired))
        yield said("repaired", commands=commands)


def _deadline() -> Callable[[], bool]:
    """Return what tells whether the time for calls is over, on a busy machine a little later."""
    of_processor = time.process_time() + _SECONDS_FOR_CALLS
    on_the_wall = time.monotonic() + 2 * _SECONDS_FOR_CALLS
    return lambda: time.process_time() > of_processor or time.monotonic() > on_the_wall


def _agrees(yours: Any, truth: int) -> bool:
    """Compare exactly, or within rounding where a function computes in floats."""
    if isinstance(yours, float):
        return math.isclose(yours, truth, rel_tol=1e-12)
    return yours == truth


def _is_contained(condition: Condition, wider: list[Condition], trials: list[_Trial]) -> bool:
    """Tell whether a wider condition already says what this one would."""
    fitting = [trial.case for trial in trials if condition.fits(trial.case)]
    return any(all(map(other.fits, fitting)) for other in wider)
