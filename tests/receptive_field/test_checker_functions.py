import threading
import time
from fractions import Fraction
from math import floor, prod

import numpy as np
import pytest
import sympy

from labkit.receptive_field import closed_form, receptive_field
from labkit.receptive_field.checker import check_closed_form, check_recurrence
from labkit.receptive_field.checker.functions import FunctionAnswer, TookTooLongError, watched


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
    "function", [by_recurrence, by_sum, with_loops, emptying_its_lists, recursive]
)
def test_right_loops_are_consistent_and_proved_for_small_depths(function):
    verdict = check_closed_form(function)
    assert verdict.status == "consistent", verdict
    assert "a proof for up to 6 layers" in verdict.message
    assert verdict.tried > 100


@pytest.mark.parametrize("function", [with_numpy, with_floats, closed_form, receptive_field])
def test_right_functions_that_take_no_symbols_are_consistent(function):
    verdict = check_closed_form(function)
    assert verdict.status == "consistent", verdict


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (forwards, "k=(2, 1), s=(1, 2): yours gives 3, the truth is 2"),
        (lambda k, s: 1 + sum(k) - len(k), "k=(1, 2), s=(2, 1): yours gives 2, the truth is 3"),
        (lambda layers: len(layers), "k=2, s=1, d=1: yours gives 1, the truth is 2"),
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


@pytest.mark.parametrize(
    "function", [endless, endless_with_two_layers, stubborn, with_a_bare_except, growing]
)
def test_an_endless_loop_comes_back_with_a_verdict(function):
    before = threading.active_count()
    verdict = check_closed_form(function)
    assert verdict.status == "unreadable"
    assert "did not come back within half a second on k=" in verdict.message
    for _ in range(100):
        if threading.active_count() == before:
            return
        time.sleep(0.05)
    pytest.fail("the endless loop still runs")


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
        (lambda k, s: len([0] * 10**15), "it stops with MemoryError"),
        # Raised, not reached: on a busy machine a bottomless recursion runs out of time first.
        (raising(RecursionError()), "it stops with RecursionError"),
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
    assert check_closed_form(by_recurrence).status == "consistent"


def test_what_a_function_prints_is_printed(capsys):
    def chatty(r, k, s):
        print("trying", k)
        return s * (r - 1) + k

    assert check_recurrence(chatty).status == "consistent"
    assert capsys.readouterr().out.startswith("trying 1\n")


def test_watched_returns_and_raises_what_the_job_does():
    function = FunctionAnswer(endless, one_layer=False)
    assert watched(lambda: 7, function) == 7
    with pytest.raises(KeyError):
        watched(lambda: {}["no"], function)
    with pytest.raises(TookTooLongError):
        watched(lambda: function.call({"k": [1], "s": [1]}), function)


@pytest.mark.parametrize(
    "function",
    [
        lambda r, k, s: s * r + k - s,
        lambda s, k, r, /: s * (r - 1) + k,
        lambda r, *, k, s: s * (r - 1) + k,
        lambda r, k, s, note="": s * (r - 1) + k,
        lambda r, k, s: s * (r - 1) + k if k >= 1 else 0,
        lambda r_l, k_l, s_l: s_l * (r_l - 1) + 2 * (k_l // 2) + k_l % 2,
        lambda r, k, s: s * (r - 1) + k * 0.5 * 2,
    ],
)
def test_recurrences_in_plain_arithmetic_are_proved(function):
    assert check_recurrence(function).status == "proved"


def by_its_bits(r, k, s):
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


@pytest.mark.parametrize("function", [by_its_bits, by_a_global, with_an_except, after_a_far_bound])
def test_recurrences_that_look_at_more_than_values_are_not_called_proved(function):
    verdict = check_recurrence(function)
    assert verdict.status == "consistent", verdict


def test_a_branch_that_numbers_do_reach_is_found():
    verdict = check_recurrence(lambda r, k, s: s * (r - 1) + k if k != 1000 else 0)
    assert "k=1000, s=1, r=1: yours gives 0" in verdict.message


def test_a_decorated_function_is_no_plain_arithmetic():
    calls = []

    def counted(r, k, s):
        calls.append(r)
        return s * (r - 1) + k

    assert not FunctionAnswer(counted, one_layer=True).is_plain_arithmetic
    assert check_recurrence(counted).status == "consistent"
