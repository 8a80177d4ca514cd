"""Answers that are Python functions: their arguments, their values and their time."""

import ctypes
import dis
import inspect
import math
import re
import reprlib
import threading
import time
import types
from collections.abc import Callable, Mapping
from fractions import Fraction
from numbers import Rational
from typing import Any, TypeVar

from labkit.receptive_field.checker.formula import (
    CannotProveError,
    UndefinedError,
    UnreadableError,
)

Result = TypeVar("Result")

_SECONDS_FOR_ONE_CALL = 0.5
_SECONDS_BETWEEN_LOOKS = 0.05
_INTERRUPTIONS = 50
_SECONDS_BETWEEN_INTERRUPTIONS = 0.01
_LONGEST_ERROR = 200
_LONGEST_SHOWN = 60
_LINE = re.compile(r"\s+")
_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = _LONGEST_SHOWN + 1

_MEANINGS = {
    "r": "r r_l rl field size width receptive_field".split(),
    "k": "k k_l kl ks kernel kernels kernel_size kernel_sizes".split(),
    "s": "s s_l sl ss stride strides".split(),
    "d": "d d_l dl ds dilation dilations dilation_rate dilation_rates".split(),
    "L": "L n_layers number_of_layers depth".split(),
    "layers": "layers network chain".split(),
}
_LETTER = {name: letter for letter, names in _MEANINGS.items() for name in names}
# Arithmetic, local variables and jumps: in such code only the values of the arguments decide
# what is computed, so running it on symbols is a proof. The names cover Python 3.11 to 3.14.
_PLAIN_OPERATIONS = frozenset(
    "RESUME NOP CACHE EXTENDED_ARG NOT_TAKEN COPY SWAP POP_TOP RETURN_VALUE RETURN_CONST "
    "LOAD_CONST LOAD_SMALL_INT LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST LOAD_FAST_BORROW "
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW STORE_FAST STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST "
    "BINARY_OP UNARY_NEGATIVE UNARY_NOT TO_BOOL COMPARE_OP JUMP_FORWARD POP_JUMP_IF_TRUE "
    "POP_JUMP_IF_FALSE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE".split()
)


class UnansweredError(Exception):
    """Say that a function is still the stub that the exercise gave."""


class StoppedError(Exception):
    """Carry the error with which a function stopped, in words."""


class TookTooLongError(Exception):
    """Say that a function did not come back."""


class _TimeIsUp(BaseException):
    """Interrupt a function; not an Exception, so that ``except Exception`` lets it through."""


class FunctionAnswer:
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
        allowed = ("r", "k", "s", "d") if one_layer else ("k", "s", "d", "L", "layers")
        self._arguments = _arguments(function, allowed)
        self.running_since: float | None = None

    @property
    def letters(self) -> frozenset[str]:
        """The letters that the function takes."""
        return frozenset(letter for letter, _ in self._arguments.values())

    @property
    def is_plain_arithmetic(self) -> bool:
        """Whether nothing but the values of the arguments can decide what it computes."""
        function = self._function
        if not isinstance(function, types.FunctionType):
            return False
        code = function.__code__
        special = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
        if code.co_exceptiontable or code.co_flags & special:
            return False
        return all(step.opname in _PLAIN_OPERATIONS for step in dis.get_instructions(code))

    def call(self, values: Mapping[str, Any]) -> Any:
        """Call the function and return its result as it is.

        Raises:
            UnansweredError: where it returns nothing, or raises NotImplementedError.
            StoppedError: where it raises anything else.
        """
        in_order = [values[a] for a, alone in self._arguments.values() if alone]
        by_name = {n: values[a] for n, (a, alone) in self._arguments.items() if not alone}
        self.running_since = time.monotonic()
        try:
            result = self._function(*in_order, **by_name)
        except NotImplementedError:
            raise UnansweredError from None
        except (_TimeIsUp, CannotProveError):
            raise
        except BaseException as error:
            raise StoppedError(_in_words(error)) from None
        finally:
            self.running_since = None
        if result is None or result is Ellipsis:
            raise UnansweredError
        if inspect.iscoroutine(result):
            result.close()
            raise UnreadableError("your function is declared async; write it without")
        return result


def _arguments(
    function: Callable[..., Any], allowed: tuple[str, ...]
) -> dict[str, tuple[str, bool]]:
    """Return for each argument the letter it stands for, and whether it goes by position."""
    wanted = ", ".join(allowed)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise UnreadableError(
            f"the arguments of this function are not known; write one with arguments among {wanted}"
        ) from None
    found = {}
    for parameter in parameters:
        letter = _LETTER.get(parameter.name)
        if letter in allowed:
            found[parameter.name] = (letter, parameter.kind is parameter.POSITIONAL_ONLY)
        elif parameter.default is parameter.empty:
            raise UnreadableError(
                f"the argument {parameter.name!r} of your function has no meaning here; "
                f"name the arguments {wanted}"
            )
    if not found:
        raise UnreadableError(f"your function takes none of the arguments {wanted}")
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
        raise UndefinedError(f"{number} instead of a number")
    return int(number) if number == int(number) else number


def _no_number(value: Any) -> UnreadableError:
    try:
        shown = _LINE.sub(" ", _SHORT.repr(value))
    except Exception:
        shown = f"something of the type {type(value).__name__}"
    shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
    return UnreadableError(f"your function returns {shown}, which is not a number")


def _in_words(error: BaseException) -> str:
    """Write an error as its name and one line."""
    try:
        text = "".join(c if c.isprintable() else " " for c in str(error)[:_LONGEST_ERROR])
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def watched(job: Callable[[], Result], function: FunctionAnswer) -> Result:
    """Run a job that calls a function, and interrupt it when one call takes too long.

    The job runs in a thread of its own. A loop in Python is interrupted, also one that catches
    every exception where that can be done; a single call into C that never returns, such as
    ``sum(itertools.count())``, is beyond reach. What the function prints is printed, once for each
    network that it is tried on.

    Args:
        job: what to run.
        function: the function whose calls are timed.

    Returns:
        What the job returns; what it raises is raised here.

    Raises:
        TookTooLongError: where a call takes longer than half a second.
    """
    outcome: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            outcome.append((True, job()))
        except BaseException as error:
            outcome.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_SECONDS_BETWEEN_LOOKS)
        since = function.running_since
        if since is not None and time.monotonic() - since > _SECONDS_FOR_ONE_CALL:
            _interrupt(thread)
            raise TookTooLongError
    succeeded, result = outcome[0]
    if not succeeded:
        raise result
    return result


def _interrupt(thread: threading.Thread) -> None:
    """Raise an exception inside a thread until it ends, and give up after a moment.

    A bare ``except`` swallows it. Sooner or later it comes between that and the next ``try``.
    """
    for _ in range(_INTERRUPTIONS):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_TimeIsUp)
        )
        thread.join(_SECONDS_BETWEEN_INTERRUPTIONS)
        if not thread.is_alive():
            return
