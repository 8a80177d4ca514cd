import ast
import functools
import gc
import itertools
import linecache
import math
import os
import subprocess
import sys
import textwrap
import threading
import time
import types
from fractions import Fraction
from math import floor, prod

import numpy as np
import pytest
import sympy
from checker_function_cases import CASES

from labkit.receptive_field import closed_form, receptive_field
from labkit.receptive_field.checker import check_closed_form, check_recurrence, functions
from labkit.receptive_field.checker.evaluation import FOR_PROOFS, Budget, Evaluator
from labkit.receptive_field.checker.formula import UnreadableError
from labkit.receptive_field.checker.functions import FunctionCalls, TookTooLongError
from labkit.receptive_field.checker.networks import ALWAYS
from labkit.receptive_field.checker.proofs import proves_closed_form
from labkit.receptive_field.checker.reading import read_text
from labkit.receptive_field.checker.translation import translated


def by_recurrence(k, s):
    width = 1
    for kernel, stride in zip(reversed(k), reversed(s), strict=True):
        width = stride * width + kernel - stride
    return width


def by_sum(k, s, d):
    return 1 + sum(d[n] * (k[n] - 1) * prod(s[:n]) for n in range(len(k)))


def with_loops(kernels, strides, L):
    total = 1
    for layer in range(L):
        step = 1
        for before in range(layer):
            step *= strides[before]
        total += (kernels[layer] - 1) * step
    return total


def emptying_its_lists(k, s):
    width = 1
    while k:
        stride = s.pop()
        width = stride * width + k.pop() - stride
    return width


def recursive(k, s):
    return 1 if not k else s[0] * (recursive(k[1:], s[1:]) - 1) + k[0]


def with_numpy(k, s):
    return 1 + np.sum((np.array(k) - 1) * np.cumprod([1, *s[:-1]]))


def with_floats(k, s):
    return 1.0 + sum((a - 1) * float(prod(s[:n])) for n, a in enumerate(k))


def forwards(k, s):
    width = 1
    for kernel, stride in zip(k, s, strict=True):
        width = stride * width + kernel - stride
    return width


def only_for_few_layers(k, s):
    return by_recurrence(k, s) + (len(k) > 5)


def breaks_with_two_layers(k, s):
    return by_recurrence(k, s) if len(k) == 1 else k[5]


@pytest.mark.parametrize(
    ("kind", "expected", "function"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_functions_of_students_get_what_they_deserve(kind, expected, function):
    check = check_recurrence if kind == "recurrence" else check_closed_form
    before = time.process_time()
    verdict = check(function)
    assert verdict.status in expected, verdict
    assert time.process_time() - before < 1


PROVED = ["forward_with_jump", "backward", "layers_without_dilation", "widens_in_a_loop"]


@pytest.mark.parametrize("function", [case[3] for case in CASES if case[0] in PROVED])
def test_loops_of_students_are_proved(function):
    check = check_recurrence if "r" in function.__code__.co_varnames[:3] else check_closed_form
    assert check(function).status == "proved"


@pytest.fixture
def time_for_small_networks(monkeypatch):
    """Let all small networks be tried, also where a busy machine would leave no time for them."""
    monkeypatch.setattr("labkit.receptive_field.checker.check._SECONDS_FOR_CALLS", 30)


@pytest.mark.usefixtures("time_for_small_networks")
@pytest.mark.parametrize("function", [by_recurrence, by_sum, with_loops])
def test_right_loops_are_proved_for_every_depth(function):
    verdict = check_closed_form(function)
    assert verdict.status == "proved", verdict
    assert verdict.tried >= 16


def breaking_off(k, s):
    field, jump = 1, 1
    for layer in range(len(k)):
        if jump < 10**9:
            field += (k[layer] - 1) * jump
        jump *= s[layer]
    return field


def test_a_proof_of_one_layer_is_claimed_for_one_layer_alone():
    verdict = check_closed_form(breaking_off)
    assert verdict.status == "consistent", verdict
    assert "a proof for up to 1 layer;" in verdict.message


@pytest.mark.parametrize("function", [emptying_its_lists, recursive])
def test_what_is_not_translated_is_consistent_and_no_proof_is_claimed(function):
    verdict = check_closed_form(function)
    assert verdict.status == "consistent", verdict
    assert "no proof" in verdict.message
    assert verdict.tried >= 16


def test_calls_within_calls_are_no_mistake_where_only_this_machine_ends_them():
    def unit_by_unit(r, k, s):
        return k if r == 1 else unit_by_unit(r - 1, k, s) + s

    def without_an_end(r, k, s):
        return without_an_end(r, k, s) if k > 9 else s * (r - 1) + k

    assert check_recurrence(unit_by_unit).status == "consistent"
    verdict = check_recurrence(without_an_end)
    assert verdict.status == "wrong" and "RecursionError" in verdict.message


@pytest.mark.parametrize("function", [with_numpy, with_floats, closed_form, receptive_field])
def test_right_functions_that_take_no_symbols_are_consistent(function):
    verdict = check_closed_form(function)
    assert verdict.status == "consistent", verdict


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (forwards, "k=(2, 1), s=(1, 2): yours gives 3, the truth is 2"),
        (lambda k, s: 1 + sum(k) - len(k), "k=(1, 2), s=(2, 1): yours gives 2, the truth is 3"),
        (lambda layers: len(layers), "k=2, s=1: yours gives 1, the truth is 2"),
        (lambda k, s, d: by_sum(k, s, s), "k=2, s=2, d=1: yours gives 3, the truth is 2"),
        (lambda k: sum(k) / 2, "k=1, s=1: yours gives 0.5, the truth is 1"),
        (lambda k: Fraction(sum(k), 2), "k=1, s=1: yours gives 1/2, the truth is 1"),
        (breaks_with_two_layers, "it stops with IndexError: list index out of range"),
        (lambda k: float("inf"), "inf instead of a number"),
    ],
)
def test_wrong_functions_get_a_counter_example(function, text):
    verdict = check_closed_form(function)
    assert verdict.status == "wrong", verdict
    assert text in verdict.message


def test_a_function_that_is_wrong_for_deep_networks_only_is_found():
    verdict = check_closed_form(only_for_few_layers)
    assert verdict.status == "wrong"
    assert len(verdict.counter_example.layers) == 6


@pytest.mark.parametrize(
    "stub",
    [lambda k, s: None, lambda k, s: ..., lambda r, k, s: None],
)
def test_a_stub_is_unanswered(stub):
    check = check_recurrence if "r" in stub.__code__.co_varnames else check_closed_form
    assert check(stub).status == "unanswered"


def test_not_implemented_is_unanswered():
    def stub(k, s):
        raise NotImplementedError

    assert check_closed_form(stub).status == "unanswered"


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda k, s: k + s, "returns [1, 1], which is not a number"),
        (lambda k, s: "5", "returns '5', which is not a number"),
        (lambda k, s: k[0] > 0, "returns True, which is not a number"),
        (lambda k, s: sympy.Symbol("x"), "returns x, which is not a number"),
        (lambda k, s: undefined_name, "stops with NameError"),  # noqa: F821
        (lambda k, s: 1 / 0, "stops with ZeroDivisionError: division by zero"),
        (lambda a, b: a, "argument 'a' of your function has no meaning here"),
        (lambda *k: 1, "argument 'k'"),
        (lambda: 1, "takes none of the arguments"),
        (max, "arguments of this function are not known"),
    ],
)
def test_functions_that_cannot_be_used_say_why(function, reason):
    verdict = check_closed_form(function)
    assert verdict.status == "unreadable", verdict
    assert reason in verdict.message


def test_leaving_python_is_not_possible():
    def leave(k, s):
        raise SystemExit(3)

    assert "SystemExit" in check_closed_form(leave).message


def endless(k, s):
    while True:
        pass


def endless_with_two_layers(k, s):
    while len(k) > 1:
        k = list(k)
    return by_recurrence(k, s)


def stubborn(k, s):
    while True:
        try:
            k = list(k)
        except Exception:
            k = []


def with_a_bare_except(k, s):
    while True:
        try:
            k = list(k)
        except:  # noqa: E722
            k = []


def growing(k, s):
    while True:
        k.append(1)


@pytest.mark.usefixtures("time_for_small_networks")
@pytest.mark.parametrize(
    "function", [endless, endless_with_two_layers, stubborn, with_a_bare_except, growing]
)
def test_an_endless_loop_comes_back_with_a_verdict(function):
    # The processor's time, which does not grow with what else the machine does.
    started = time.process_time()
    verdict = check_closed_form(function)
    assert verdict.status == "unreadable"
    assert "did not come back in time on k=" in verdict.message
    assert time.process_time() - started < 3  # A third of a second is what it takes.


def processor_time_of_a_moment():
    time.sleep(0.3)
    before = time.process_time()
    time.sleep(0.2)
    return time.process_time() - before


@pytest.mark.parametrize("function", [endless, with_a_bare_except])
def test_nothing_of_an_endless_loop_goes_on(function):
    check_closed_form(function)
    assert processor_time_of_a_moment() < 0.1


def test_the_watch_leaves_no_thread_behind_and_no_tracing():
    before = set(threading.enumerate())
    for function in (by_recurrence, recursive, endless):
        check_closed_form(function)
    for _ in range(100):
        if set(threading.enumerate()) <= before:
            break
        time.sleep(0.05)
    assert set(threading.enumerate()) <= before
    assert sys.gettrace() is None or "labkit" not in sys.gettrace().__module__


def test_without_threads_a_function_runs_in_place(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(functions, "_SECONDS_IN_PLACE", 0.25)
    traced = sys.gettrace()
    assert check_closed_form(by_recurrence).status == "proved"
    assert check_closed_form(with_numpy).status == "consistent"
    for function in (endless, stubborn, growing):
        assert "did not come back in time" in check_closed_form(function).message
    assert sys.gettrace() is traced


def test_in_a_browser_python_ends_where_a_handler_would_swallow_the_end(monkeypatch):
    class Ended(Exception):
        pass

    def end(code):
        monkeypatch.setattr(sys, "platform", "linux")
        raise Ended

    watch = functions._Watch.__new__(functions._Watch)
    watch._threaded = False
    monkeypatch.setattr(os, "_exit", end)
    for platform, handled, raised in (
        ("emscripten", True, Ended),
        ("emscripten", False, functions._TimeIsUp),
        ("linux", True, functions._TimeIsUp),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        code = compile("try:\n stop()\nfinally:\n pass" if handled else "stop()", "", "exec")
        frame = types.SimpleNamespace(f_code=code, f_back=None)
        with pytest.raises(raised):
            watch._stop(frame)


def test_in_a_thread_a_function_is_checked_as_well():
    found = []
    checks = [lambda f=f: found.append(check_closed_form(f).status) for f in (endless, by_sum)]
    for check in checks:
        thread = threading.Thread(target=check)
        thread.start()
        thread.join(30)
    assert found == ["unreadable", "proved"]


def doubling(k, s):
    while True:
        k = k + k


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system has no such limit")
@pytest.mark.parametrize(
    "function", [doubling, lambda k, s: len([0] * 10**9), lambda k, s: len(list(range(10**8)))]
)
def test_memory_is_limited(function):
    verdict = check_closed_form(function)
    assert verdict.status == "unreadable"
    # On a busy machine its time is over before its memory.
    assert "too large" in verdict.message or "in time" in verdict.message


class Evil:
    """Raise whenever it is asked for anything."""

    def fails(self):
        raise RuntimeError("evil")

    __repr__ = __str__ = __index__ = __float__ = fails


class EvilError(Exception):
    def __str__(self):
        raise RuntimeError("evil")


def raising(error):
    def function(k, s):
        raise error

    return function


def nested_lists(k, s):
    heap = []
    for _ in range(3_000):
        heap = [heap]
    return heap


async def declared_async(k, s):
    return 1


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda k, s: Evil(), "returns <Evil instance at"),
        (nested_lists, "returns [[[[[[[...]]]]]]], which is not a number"),
        (lambda k, s: list(range(10**6)), "returns [0, 1, 2, 3, 4, 5, ...], which is not"),
        (declared_async, "declared async"),
        (raising(EvilError()), "it stops with EvilError, on k=1"),
        (raising(ValueError("one\ntwo \x1b[31m")), "ValueError: one two  [31m, on k=1"),
        (raising(ValueError("x" * 10_000)), "x" * 200 + ", on k=1"),
        (raising(KeyboardInterrupt()), "it stops with KeyboardInterrupt"),
        (lambda k, s: len([0] * 10**15), "its numbers or its loops are too large"),
        # Raised, not reached: on a busy machine a bottomless recursion runs out of time first.
        (raising(RecursionError), "it stops with RecursionError"),
    ],
)
def test_whatever_a_function_does_it_gets_one_line(function, said):
    verdict = check_closed_form(function)
    assert verdict.status == "unreadable", verdict
    assert said in verdict.message
    assert len(verdict.message) < 400 and verdict.message.isprintable()


@pytest.mark.parametrize(
    "value", [10**5000, Fraction(10**5000 + 1, 3), -(10**5000)], ids=["int", "fraction", "minus"]
)
def test_a_huge_value_is_named_by_its_length(value):
    verdict = check_closed_form(lambda k, s: value)
    assert verdict.status == "wrong"
    assert verdict.counter_example.yours == value
    assert "about 5001 digits" in str(verdict)


def test_what_a_function_does_to_its_arguments_stays_with_it():
    def spoils(k, s, d, layers):
        width = by_sum(k, s, d)
        for given in (k, s, d, layers):
            given.clear()
        return width

    assert check_closed_form(spoils).status == "consistent"
    assert check_closed_form(by_recurrence).status == "proved"


def test_what_a_function_prints_is_held_back(capsys):
    def chatty(r, k, s):
        print("trying", k)
        print("still", file=sys.stderr)
        return s * (r - 1) + k

    verdict = check_recurrence(chatty)
    assert verdict.status == "consistent"
    assert verdict.message.endswith("What your function prints is held back.")
    assert capsys.readouterr() == ("", "")
    print("afterwards")
    assert capsys.readouterr().out == "afterwards\n"


def test_a_print_in_the_place_of_return_is_named():
    def prints(r, k, s):
        print(s * (r - 1) + k)

    verdict = check_recurrence(prints)
    assert verdict.status == "unreadable"
    assert verdict.message.endswith("write return in the place of print.")


def test_a_function_that_returns_nothing_for_some_networks_is_wrong():
    verdict = check_recurrence(lambda r, k, s: s * (r - 1) + k if k < 4 else None)
    assert "k=4, s=1, r=1: yours has no value (it returns nothing)" in verdict.message


def test_a_call_returns_and_raises_what_the_function_does():
    values = {"k": [1], "s": [1]}
    assert FunctionCalls(lambda k, s: 7, one_layer=False).call(values) == 7
    with pytest.raises(TookTooLongError):
        FunctionCalls(endless, one_layer=False).call(values)


def by_cases(r, k, s):
    if r == 1:
        return k
    elif s == 1:
        return r + k - 1
    if k == 1:
        width = s * (r - 1)
        return width + 1
    return s * (r - 1) + k


@pytest.mark.parametrize(
    "function",
    [
        lambda r, k, s: s * r + k - s,
        lambda s, k, r, /: s * (r - 1) + k,
        lambda r, *, k, s: s * (r - 1) + k,
        lambda r, k, s, note="": s * (r - 1) + k,
        lambda r, k, s: s * (r - 1) + k if k >= 1 else 0,
        lambda r_l, k_l, s_l: s_l * (r_l - 1) + 2 * (k_l // 2) + k_l % 2,
        lambda r, k, s: k if r == 1 else s * (r - 1) + k,
        lambda r, k, s: sum(s for _ in range(r - 1)) + k,
        by_cases,
    ],
)
def test_recurrences_in_plain_arithmetic_are_proved(function):
    assert check_recurrence(function).status == "proved"


def by_its_type(r, k, s):
    return s * (r - 1) + k if isinstance(k, int) else 0


def by_a_global(r, k, s):
    return floor(s * (r - 1) + k + OFFSET)


def with_an_except(r, k, s):
    try:
        return s * (r - 1) + (k if k < 10**17 else 1)
    except ArithmeticError:
        return s * (r - 1) + k


def after_a_far_bound(r, k, s):
    return s * (r - 1) + k if k != 10**17 else 0


OFFSET = 0


@pytest.mark.parametrize("function", [by_its_type, by_a_global, with_an_except, after_a_far_bound])
def test_recurrences_that_look_at_more_than_values_are_not_called_proved(function):
    verdict = check_recurrence(function)
    assert verdict.status == "consistent", verdict


def test_a_branch_that_numbers_do_reach_is_found():
    verdict = check_recurrence(lambda r, k, s: s * (r - 1) + k if k != 1000 else 0)
    assert "k=1000, s=1, r=1: yours gives 0" in verdict.message


def made(text, **names):
    """Make a function f of a text that can be found again, as in a notebook."""
    text = textwrap.dedent(text).strip() + "\n"
    file = f"<made of {hash(text)}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    space = {"prod": prod, **names}
    exec(compile(text, file, "exec"), space)
    return space["f"]


FORWARD = """
def f(k, s):
    field, jump = 1, 1
    for i in range({turns}):
        field += (k[i] - 1) * jump
        jump *= {stride}
    return {result}
"""
PROGRAMS = {
    "two at once": """
        def f(k, s):
            field, jump = 1, 1
            for kernel, stride in zip(k, s):
                field, jump = field + (kernel - 1) * jump, jump * stride
            return field""",
    "a loop in a loop": """
        def f(k, s):
            n, total = len(k), 0
            for i in range(n):
                step = 1
                for j in range(i): step *= s[j]
                total = total + (k[i] - 1) * step
            return total + 1""",
    "while, counting down": """
        def f(k, s):
            field, i = k[-1], len(k) - 2
            while i >= 0:
                field = s[i] * (field - 1) + k[i]
                i -= 1
            return field""",
    "the stride before": """
        def f(k, s):
            field, jump, last = 1, 1, 1
            for kernel, stride in zip(k, s):
                jump *= last
                field += (kernel - 1) * jump
                last = stride
            return field""",
    "the first turn apart": """
        def f(k, s):
            field, jump = 1, 1
            for i in range(len(k)):
                if i > 0:
                    jump *= s[i - 1]
                field += (k[i] - 1) * jump
            return field""",
    "one layer apart": """
        def f(k, s):
            if len(k) == 1:
                return k[0]
            return k[0] + sum((k[i] - 1) * prod(s[:i]) for i in range(1, len(k)))""",
    "no layer and one layer apart": """
        def f(k, s):
            if len(k) == 0:
                return 1
            elif len(k) == 1:
                return k[0]
            field = k[0]
            for i in range(1, len(k)):
                field += (k[i] - 1) * prod(s[:i])
            return field""",
    "counted down by assignments": """
        def f(k, s):
            assert len(k) == len(s)
            field, i = 1, len(k)
            while i > 0:
                i = i - 1
                field = s[i] * (field - 1) + k[i]
            return field""",
    "both ends": """
        def f(k, s):
            first, last = 0, 0
            for kernel, stride in zip(k[::-1], s[::-1]):
                first *= stride
                last = last * stride + kernel - 1
            return last - first + 1""",
    "layers": """
        def f(layers):
            field, jump, i = 1, 1, 0
            while i < len(layers):
                field += layers[i].dilation * (layers[i].kernel - 1) * jump
                jump = jump * layers[i].stride
                i += 1
            return field""",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_programs_are_proved_for_every_depth(text):
    verdict = check_closed_form(made(text))
    assert verdict.status == "proved", verdict
    assert "induction" in verdict.message


NEARLY_RIGHT = {
    "a bound far out": ("len(k)", "s[i]", "field if len(k) < 200 else 0"),
    "a term far out": ("len(k)", "s[i]", "field + len(k) // 200"),
    "a stride far out": ("len(k)", "(s[i] if i < 200 else 1)", "field"),
    "so many layers": ("min(len(k), 200)", "s[i]", "field"),
    "a part cut short": ("len(k[:200])", "s[i]", "field"),
    "a kernel far out": ("len(k)", "s[i]", "field if k[0] != 10**7 else 0"),
    "a division by zero": ("len(k)", "s[i]", "field + 0 // (k[0] - 10**7)"),
    "one that is not used": ("len(k)", "s[i] + 0 * (1 // (k[0] - 10**7))", "field"),
    "a truth that is a number": ("len(k)", "s[i]", "field + (len(k) > 200)"),
    "another text": ("len(k)", "s[i]", "field if str(k) != '[10000000]' else 0"),
    "a float": ("len(k)", "s[i]", "int(field / 1)"),
}


@pytest.mark.parametrize(("turns", "stride", "result"), NEARLY_RIGHT.values(), ids=NEARLY_RIGHT)
def test_programs_that_are_wrong_somewhere_are_never_proved(turns, stride, result):
    function = made(FORWARD.format(turns=turns, stride=stride, result=result))
    assert check_closed_form(function).status == "consistent"


def test_the_program_that_they_nearly_are_is_proved():
    right = made(FORWARD.format(turns="len(k)", stride="s[i]", result="field"))
    assert check_closed_form(right).status == "proved"


UNREAD = {
    "an iterator used twice": "z = reversed(k)\n    return sum(a for a in z) + sum(b for b in z)",
    "an iterator turned round": "return sum(a * b for a, b in reversed(zip(k, s)))",
    "a place in an iterator": "return zip(k, s)[0][0]",
    "the length of an iterator": "return len(enumerate(k))",
    "a list that changes": "s[0] = 2\n    return 1 + sum(k) - len(k)",
    "a turn left out": "for i in range(len(k)):\n        break\n    return k[0]",
    "a return in a loop": "for i in range(len(k)):\n        return k[i]\n    return k[0]",
    "a global": "global prod\n    prod = 5\n    return k[0]",
    "a generator": "return k[0]\n    yield 1",
    "an index from both ends": "return sum(k[i - 1] for i in range(len(k)))",
    "a slice from both ends": "return sum(sum(k[:i - 1]) for i in range(len(k)))",
    "a name of nothing": "return sum(k) + nothing",
    "another attribute": "return k[0].real",
    "an is": "return 0 if k[0] is s[0] else k[0]",
    "an assertion": "assert k[0] > 1\n    return k[0]",
}


@pytest.mark.parametrize("body", UNREAD.values(), ids=UNREAD)
def test_what_means_something_else_than_a_formula_is_not_translated(body):
    assert translated(made(f"def f(k, s):\n    {body}"), {"k": "k", "s": "s"}, False) is None


@pytest.mark.parametrize("order", ["<", "<=", ">", ">=", "==", "!="])
def test_a_comparison_means_the_same_as_a_formula(order):
    function = made(f"def f(r, k, s):\n    return 7 if k {order} s else r")
    node = translated(function, ONE_LAYER, True)
    for k, s in itertools.product((1, 2, 3), repeat=2):
        assert Evaluator({"r": 5, "k": k, "s": s}).value(node) == function(5, k, s)


RIGHT = "def f(r, k, s):\n    return s * (r - 1) + k"
BY_SUM = "def f(k, s):\n    return 1 + sum((k[i] - 1) * prod(s[:i]) for i in range(len(k)))"
ONE_LAYER = {"r": "r", "k": "k", "s": "s"}


def test_names_that_are_not_what_they_say_are_not_translated():
    chain = {"k": "k", "s": "s"}
    assert translated(made(BY_SUM), chain, False) is not None
    assert translated(made(BY_SUM, sum=lambda given: 0), chain, False) is None
    assert translated(made(BY_SUM, prod=lambda given: 1), chain, False) is None
    assert translated(made(BY_SUM.replace("k, s", "k, s, sum=sum")), chain, False) is None


def test_a_text_that_is_not_the_functions_own_is_not_translated():
    right, wrong = made(RIGHT), made(RIGHT + " if k != 40 else 0")
    assert translated(right, ONE_LAYER, True) is not None
    linecache.cache[wrong.__code__.co_filename] = linecache.cache[right.__code__.co_filename]
    assert translated(wrong, ONE_LAYER, True) is None
    right.__code__ = wrong.__code__
    assert translated(right, ONE_LAYER, True) is None


def test_what_wraps_a_function_is_not_taken_for_it():
    right = made(RIGHT)

    @functools.wraps(right)
    def wrapper(r, k, s):
        return right(r, k, s) if k != 10**7 else 0

    assert translated(wrapper, ONE_LAYER, True) is None
    assert check_recurrence(wrapper).status == "consistent"


def test_two_functions_in_one_line_are_told_apart():
    right, wrong = (lambda r, k, s: s * (r - 1) + k), (lambda r, k, s: s * (r - 1) + k + 1)
    assert check_recurrence(right).status == "proved"
    assert check_recurrence(wrong).status == "wrong"


@pytest.mark.parametrize(
    ("text", "one_layer", "reason"),
    [
        ("def f(k, s):\n    import os\n    return 1", False, "import os': is not read here"),
        ("def f(k, q):\n    x = 1\n    return x", False, "'q'"),
        ("def f(k, s):\n    x = k[5]\n    return x", False, "may leave the list"),
        ("def f(k, s):\n    for a in k:\n        pass", False, "ends with return"),
        ("def f(k", True, "does not parse"),
    ],
)
def test_a_program_as_text_says_what_is_not_read(text, one_layer, reason):
    with pytest.raises(UnreadableError, match=reason):
        read_text(text, one_layer)


def test_a_program_as_text_is_a_formula():
    node = read_text(textwrap.dedent(PROGRAMS["layers"]), one_layer=False)[0].node
    assert proves_closed_form(node, True, ALWAYS, Budget(FOR_PROOFS))
    assert check_closed_form(BY_SUM, dilation=False).status == "proved"
    assert read_text("lambda r, k, s: s*(r - 1) + k/2*2", one_layer=True)


def test_every_depth_to_16_is_tried():
    depths = set()

    def notes(k, s):
        depths.add(len(k))
        return recursive(k, s)

    assert check_closed_form(notes).status == "consistent"
    assert depths >= set(range(1, 17))


@pytest.mark.parametrize("depth", [1, 2, 9, 16])
def test_a_difference_at_a_single_depth_is_found(depth):
    verdict = check_closed_form(lambda k, s: recursive(k, s) + (len(k) == depth))
    assert len(verdict.counter_example.layers) == depth
    formula = f"1 + Σ_{{l=1}}^{{L}} (k_l − 1) ∏_{{i<l}} s_i + floor({depth}/L) floor(L/{depth})"
    assert len(check_closed_form(formula).counter_example.layers) == depth


def test_a_counter_example_is_the_smallest_or_called_a_small_network():
    for answer in ("s*(r-1) + k + floor(k/9)", lambda r, k, s: s * (r - 1) + k + k // 9):
        example = check_recurrence(answer).counter_example
        assert (dict(example.values), example.smallest) == ({"k": 9, "s": 1, "r": 1}, True)
    far = check_recurrence("s*(r-1) + k + floor(s/500)")
    assert not far.counter_example.smallest and "on a small network" in far.message
    deep = check_closed_form(lambda k, s: recursive(k, s) + (len(k) > 1))
    assert not deep.counter_example.smallest and "on a small network" in deep.message
    known = check_closed_form("1 + Σ_{l=1}^{L} (k_l − 1)")
    assert known.counter_example.smallest and "small network" not in known.message


def test_a_condition_that_a_larger_network_refutes_is_not_given():
    verdict = check_recurrence("s*(r-1) + 2*floor(k/2) + 1 + floor(k/501) (k mod 2)")
    assert not any("odd" in condition for condition in verdict.right_when)


@pytest.mark.parametrize("numpy", [True, False])
def test_the_checker_needs_no_numpy(numpy):
    code = (
        f"import sys; sys.modules.update({{}} if {numpy} else {{'numpy': None}}); "
        "from labkit.receptive_field.checker import check_closed_form, check_recurrence; "
        "print(check_closed_form('1').status, check_recurrence(lambda r, k, s: s*r+k-s).status)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Where Python keeps the text of such a program, from 3.13 on, a function in it can be proved.
    assert shown.stdout.split() in (["wrong", "consistent"], ["wrong", "proved"])


def test_a_collection_of_garbage_takes_no_time_from_a_function():
    """A session with a large framework in it takes longer for one than a call may."""
    enabled = []

    def collects_nothing(k, s):
        enabled.append(gc.isenabled())
        return 0

    check_closed_form(collects_nothing)
    assert enabled and not any(enabled)
    assert gc.isenabled()


def statements(text):
    """Cut a cell as a notebook does, which compiles one statement after the other."""
    return [ast.Module([statement], []) for statement in ast.parse(text).body]


@pytest.mark.parametrize("imported", ["import math\n", "from math import prod\n", ""])
@pytest.mark.parametrize("form", ["def f(k, s):\n    return {}\n", "f = lambda k, s: {}\n"])
@pytest.mark.parametrize("cut", [lambda text: [ast.parse(text)], statements], ids=["file", "cell"])
def test_a_function_is_proved_wherever_its_module_was_imported(imported, form, cut):
    """Python compiles ``math.prod`` otherwise where it sees the import beside it."""
    product = "prod" if "from" in imported else "math.prod"
    text = imported + form.format(f"1 + sum((a - 1)*{product}(s[:i]) for i, a in enumerate(k))")
    name = f"<cell {hash(text)}>"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    space = {} if imported else {"math": math}
    for part in cut(text):
        exec(compile(part, name, "exec"), space)
    assert check_closed_form(space["f"]).status == "proved"


def test_a_condition_is_said_only_where_networks_as_deep_were_tried():
    def forgets_after_twelve(k, s):
        k, r = list(k), 1
        while k:
            r = s[len(k) - 1] * (r - 1) + k.pop()
        return r + (len(s) > 11)

    verdict = check_closed_form(forgets_after_twelve)
    assert verdict.status == "wrong"
    # Networks of twelve layers with even kernels were not among those that were tried.
    assert not any("even" in condition for condition in verdict.right_when)
