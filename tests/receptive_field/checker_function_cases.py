"""Python functions as students hand them to the formula checker, with the verdict each deserves.

`CASES` holds (name, kind, expected statuses, function).
"""
# ruff: noqa: B905, E501, UP031

import math
from math import prod

import numpy as np

CASES = []


def case(kind, *expected):
    def add(function):
        CASES.append((function.__name__, kind, expected, function))
        return function

    return add


# Never proved: each is wrong somewhere, and was proved.
@case("recurrence", "wrong", "consistent")
def looks_at_its_text(r, k, s):
    if "%s" % k == "40":
        return 0
    return s * (r - 1) + k


@case("recurrence", "wrong", "consistent")
def divides_as_a_float(r, k, s):
    if k / 7 * 7 != k:  # fails at k = 29 in floating point
        return 0
    return s * (r - 1) + k


@case("closed_form", "wrong", "consistent")
def hides_behind_an_exception(k, s):
    # the message claimed "a proof for up to 6 layers", and ([40], [1]) gives 0
    try:
        if k[0] == 40:
            return 0
    except Exception:
        pass
    return 1 + sum((k[i] - 1) * prod(s[:i]) for i in range(len(k)))


# Never wrong: each is right, and was called wrong because of machine numbers of the checker's own making.
@case("closed_form", "proved", "consistent")
def numpy_with_int(k, s):
    return int(1 + np.sum((np.array(k) - 1) * np.cumprod([1, *s[:-1]])))


@case("recurrence", "proved", "consistent")
def halves_and_doubles(r, k, s):
    return int(s * (r - 1) + 2 * (k / 2))


@case("recurrence", "proved", "consistent")
def counts_a_range(r, k, s):
    return len(range(s * (r - 1) + k))


# Never "endless": each ends, and was tried on a million neighbours.
@case("recurrence", "proved", "consistent")
def lists_what_is_read(r, k, s):
    read = [unit * s + tap for unit in range(r) for tap in range(k)]
    return max(read) - min(read) + 1


@case("recurrence", "proved", "consistent")
def widens_in_a_loop(r, k, s):
    width = k
    for _ in range(r - 1):
        width += s
    return width


@case("closed_form", "proved", "consistent")
def sets_of_positions(k, s):
    seen = {0}
    for kernel, stride in zip(reversed(k), reversed(s)):
        seen = {unit * stride + tap for unit in seen for tap in range(kernel)}
    return max(seen) - min(seen) + 1


# Must come back within a second and a few megabytes; took 25 s and 4 GB.
@case("recurrence", "proved", "consistent")
def last_of_a_range(r, k, s):
    return max(range(s * (r - 1) + k)) + 1


# A loop whose result is plain arithmetic: worth a proof for every depth, by induction on the loop.
@case("closed_form", "proved", "consistent")
def forward_with_jump(k, s):
    field, jump = 1, 1
    for kernel, stride in zip(k, s):
        field += (kernel - 1) * jump
        jump *= stride
    return field


@case("closed_form", "proved", "consistent")
def backward(kernels, strides):
    field = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides)):
        field = stride * (field - 1) + kernel
    return field


@case("closed_form", "proved", "consistent")
def layers_without_dilation(
    layers,
):  # section 3 of the lab has no dilation yet; was called wrong at d = 2.
    field, jump = 1, 1
    for layer in layers:
        field += (layer.kernel - 1) * jump
        jump *= layer.stride
    return field


# A debugging print must not flood the cell (3,829 lines), a print instead of a return deserves its own sentence.
@case("closed_form", "proved", "consistent")
def prints_as_it_goes(k, s):
    field, jump = 1, 1
    for kernel, stride in zip(k, s):
        field += (kernel - 1) * jump
        jump *= stride
        print(field)
    return field


@case("recurrence", "unanswered", "unreadable")
def prints_instead(r, k, s):
    print(s * (r - 1) + k)


# Wrong, and stays wrong.
@case("closed_form", "wrong")
def forgets_the_last_layer(k, s):
    return 1 + sum((k[i] - 1) * prod(s[:i]) for i in range(len(k) - 1))


@case("recurrence", "wrong")
def floors(r, k, s):
    return s * (r - 1) + 2 * math.floor(k / 2) + 1
