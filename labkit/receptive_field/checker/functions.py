"""Answers that are Python functions: their arguments, their values, and a watch over each call.

A call runs in a thread of its own, line by line under :func:`sys.settrace`, so that an endless loop
ends, one that catches every exception too; where there are no threads, as in a browser, it runs in
place. What a call prints is held back, and where the system can, its memory is limited.
"""

import gc
import inspect
import io
import math
import os
import queue
import re
import reprlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from fractions import Fraction
from numbers import Rational
from types import FrameType
from typing import Any

from labkit.receptive_field.checker.formula import (
    Node,
    TooCostlyError,
    UndefinedError,
    UnreadableError,
)
from labkit.receptive_field.checker.meaning import ARGUMENTS, argument_letter
from labkit.receptive_field.checker.translation import translated
from labkit.receptive_field.checker.wording import refused, said

try:
    import resource
except ImportError:  # On Windows and in browsers.
    resource = None

SECONDS_FOR_ONE_CALL = 0.25
# Without threads no clock tells running from waiting, for a busy machine say.
_SECONDS_IN_PLACE = 2
_SECONDS_TO_WAIT = 0.75
_MOST_WAITS = 8
_MOST_MEMORY = 50 * 2**20
_LONGEST_ERROR = 200
_LONGEST_SHOWN = 60
_LINE = re.compile(r"\s+")
_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = _LONGEST_SHOWN + 1
# The processor's time of this thread, which a busy machine leaves alone; not every system has it.
_clock = getattr(time, "thread_time", time.perf_counter)


class UnansweredError(Exception):
    """Say that a function is still the stub that the exercise gave."""


class StoppedError(UndefinedError):
    """Say with which error a function stopped."""


class TookTooLongError(Exception):
    """Say that a function did not come back."""


class _TimeIsUp(BaseException):
    """Interrupt a function; not an Exception, so that ``except Exception`` lets it through."""


class _Held(io.TextIOBase):
    """Take what is printed, keep nothing, and remember that there was something."""

    printed = False

    def write(self, text: str) -> int:
        self.printed = True
        return len(text)


class FunctionCalls:
    """Call a function with what its arguments are named for.

    Args:
        function: takes some of r, k, s, d for a recurrence; lists k, s, d, their length L, or
            ``layers`` for a closed form.
        one_layer: whether it is a recurrence.

    Raises:
        UnreadableError: naming an argument that has no meaning here.
    """

    def __init__(self, function: Callable[..., Any], one_layer: bool):
        self._function = function
        self._one_layer = one_layer
        self._arguments = _arguments(function, one_layer)
        self.letters = frozenset(letter for letter, _ in self._arguments.values())
        self._held = _Held()
        self._watch: _Watch | None = None

    @property
    def printed(self) -> bool:
        """Whether it has printed anything so far."""
        return self._held.printed

    def formula(self) -> Node | None:
        """Return the formula that the function was translated into, if that could be done."""
        letters = {name: letter for name, (letter, _) in self._arguments.items()}
        return translated(self._function, letters, self._one_layer)

    def call(self, values: Mapping[str, Any]) -> Any:
        """Call the function and return its result as it is.

        Raises:
            UnansweredError: where it returns nothing, or raises NotImplementedError.
            StoppedError: where it raises anything else.
            TooCostlyError: where it needs more than 50 MB.
            TookTooLongError: where it takes longer than a quarter of a second, or two seconds
                where there are no threads.
        """
        in_order = [values[a] for a, alone in self._arguments.values() if alone]
        by_name = {n: values[a] for n, (a, alone) in self._arguments.items() if not alone}
        self._watch = self._watch or _Watch()
        try:
            # From here, not in the thread, which may never get to its end.
            held = redirect_stdout(self._held), redirect_stderr(self._held)
            with held[0], held[1], _limited_memory(), _garbage_left():
                result, error = self._watch.call(lambda: self._function(*in_order, **by_name))
        except TookTooLongError:
            self.close()
            raise
        if isinstance(error, NotImplementedError):
            raise UnansweredError
        if isinstance(error, MemoryError):
            raise TooCostlyError
        if error is not None:
            raise StoppedError(said("stopped", error=_in_words(error))) from error
        if inspect.iscoroutine(result):
            result.close()
            raise refused("async")
        if result is None or result is Ellipsis:
            raise UnansweredError
        return result

    def close(self) -> None:
        """End the thread in which the function was called."""
        if self._watch:
            self._watch.close()
            self._watch = None


class _Watch:
    """Run jobs one after the other in a thread of their own, each for a limited time."""

    def __init__(self):
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue = queue.SimpleQueue()
        self._given_up = False
        self._until = 0.0
        self._threaded = True
        self._thread = threading.Thread(target=self._work, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._threaded = False

    def call(self, job: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        """Return what a job returns and what it raises, or raise TookTooLongError."""
        if not self._threaded:
            self._do(job)
        else:
            self._jobs.put(job)
        try:
            result, error = self._outcome()
        except BaseException:
            self._given_up = True
            raise
        if isinstance(error, _TimeIsUp):
            raise TookTooLongError
        return result, error

    def _outcome(self) -> tuple[Any, BaseException | None]:
        """Wait for what a job gives, longer where a busy machine does not let it run."""
        for _ in range(_MOST_WAITS):
            with suppress(queue.Empty):
                return self._outcomes.get(timeout=_SECONDS_TO_WAIT)
            if not _is_kept_waiting(self._thread, self._until):
                break
        raise TookTooLongError

    def close(self) -> None:
        """Let the thread end when nothing is left to do."""
        self._jobs.put(None)

    def _work(self) -> None:
        while not self._given_up and (job := self._jobs.get()) is not None:
            self._do(job)

    def _do(self, job: Callable[[], Any]) -> None:
        """Do a job, and put down what it returned or raised."""
        seconds = SECONDS_FOR_ONE_CALL if self._threaded else _SECONDS_IN_PLACE
        until = self._until = _clock() + seconds
        look = time.perf_counter() + seconds

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            if self._given_up or (time.perf_counter() > look and _clock() > until):
                self._stop(frame)
            return trace

        before = sys.gettrace()
        try:
            sys.settrace(trace)
            try:
                outcome = job(), None
            finally:
                sys.settrace(before)
        except BaseException as error:
            outcome = None, error
        self._outcomes.put(outcome)

    def _stop(self, frame: FrameType | None) -> None:
        """End what runs in this thread, by an exception unless some handler could swallow it.

        In a browser, which has no threads, all of Python ends then; the page starts it anew.
        """
        while frame and frame.f_code is not _Watch._do.__code__:
            if frame.f_code.co_exceptiontable and sys.platform == "emscripten":
                os._exit(1)
            if frame.f_code.co_exceptiontable and self._threaded:
                self._given_up = True
                self._outcomes.put((None, _TimeIsUp()))
                threading.Event().wait()
            frame = frame.f_back
        raise _TimeIsUp


def _is_kept_waiting(thread: threading.Thread, until: float) -> bool:
    """Tell whether a thread could run, and its time is not over; known on Linux only."""
    try:
        with open(f"/proc/self/task/{thread.native_id}/stat") as numbers:
            state, *fields = numbers.read().rpartition(")")[2].split()
        used = sum(map(int, fields[10:12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return False
    return state in "RD" and used < until


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Collect no garbage: where a session holds much, one collection takes longer than a call."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _limited_memory() -> Iterator[None]:
    """Let this process take so much more memory and no more, where the system has such a limit."""
    try:
        with open("/proc/self/statm") as sizes:
            pages = int(sizes.read().split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
    except (AttributeError, OSError):
        yield
        return
    most = pages * resource.getpagesize() + _MOST_MEMORY
    if before[0] == resource.RLIM_INFINITY or before[0] > most:
        resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _arguments(function: Callable[..., Any], one_layer: bool) -> dict[str, tuple[str, bool]]:
    """Return for each argument the letter it stands for, and whether it goes by position."""
    wanted = ", ".join(ARGUMENTS[one_layer])
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise refused("arguments unknown", wanted=wanted) from None
    found = {}
    for parameter in parameters:
        letter = argument_letter(parameter.name, one_layer)
        if letter:
            found[parameter.name] = (letter, parameter.kind is parameter.POSITIONAL_ONLY)
        elif parameter.default is parameter.empty:
            raise refused("argument", name=parameter.name, wanted=wanted)
    if not found:
        raise refused("no arguments", wanted=wanted)
    return found


def exact(value: Any) -> int | Fraction | float:
    """Return a function's result as a plain number.

    Args:
        value: what the function returned; numbers of numpy and sympy are welcome.

    Returns:
        An int or Fraction where the number is exact, else a float.

    Raises:
        UnreadableError: where it is not a number.
        UndefinedError: where it is infinite or not a number in the sense of floats.
    """
    if isinstance(value, bool | str | bytes):
        raise _no_number(value)
    try:
        if isinstance(value, Rational):
            fraction = Fraction(int(value.numerator), int(value.denominator))
            return fraction.numerator if fraction.denominator == 1 else fraction
        number = value.__index__() if hasattr(value, "__index__") else float(value)
    except Exception:  # A class of one's own may raise anything here.
        raise _no_number(value) from None
    if isinstance(number, float) and not math.isfinite(number):
        raise UndefinedError(said("not finite", number=number))
    return int(number) if number == int(number) else number


def _no_number(value: Any) -> UnreadableError:
    try:
        shown = _LINE.sub(" ", _SHORT.repr(value))
    except Exception:
        shown = said("something", type=type(value).__name__)
    shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
    return refused("no number", shown=shown)


def _in_words(error: BaseException) -> str:
    """Write an error as its name and one line."""
    try:
        text = "".join(c if c.isprintable() else " " for c in str(error)[:_LONGEST_ERROR])
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
