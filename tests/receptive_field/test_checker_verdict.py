import subprocess
import sys
from itertools import pairwise

import pytest

from labkit.receptive_field.checker import Verdict, check_closed_form, check_recurrence
from labkit.receptive_field.checker.networks import large_networks, shrunk, small_networks

ALL = {
    "proved": check_recurrence("s*r + k - s"),
    "wrong": check_recurrence("s*r + k <b>"[:7]),
    "consistent": check_recurrence("s*r + k - s + 0*r**r"),
    "unanswered": check_recurrence(""),
    "unreadable": check_recurrence("s*r + <k"),
}


@pytest.mark.parametrize("status", ALL)
def test_every_verdict_shows_as_text_html_and_markdown(status):
    verdict = ALL[status]
    assert verdict.status == status
    assert status in str(verdict) and verdict.message in str(verdict)
    assert status in verdict._repr_html_() and verdict._repr_html_().startswith("<div")
    assert status in verdict._repr_markdown_() and verdict.message in verdict._repr_markdown_()
    marks = {value._repr_html_().split("<strong>")[1][0] for value in ALL.values()}
    assert len(marks) == len(ALL)


def test_the_pointer_stands_under_the_spot():
    verdict = check_recurrence("s*r + q")
    assert verdict.spot == 6
    assert str(verdict).splitlines()[-2:] == ["s*r + q", "      ^"]
    assert check_recurrence("s*r\n + k\n + qq").pointer == " + qq\n   ^"


def test_a_long_line_is_cut_around_the_spot():
    line, caret = check_recurrence("k+" * 100 + "q" + "+k" * 40).pointer.splitlines()
    assert len(line) <= 76
    assert line[caret.index("^")] == "q"


def test_what_a_student_types_cannot_break_the_page():
    html = check_recurrence("<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_a_proved_verdict_shows_its_reading():
    assert ALL["proved"].reading == "s·r + k − s"
    assert "<mi>k</mi><mo>−</mo><mi>s</mi>" in ALL["proved"]._repr_html_()
    assert "+ k - s$" in ALL["proved"]._repr_markdown_()


def test_a_verdict_is_frozen():
    with pytest.raises(AttributeError):
        ALL["proved"].status = "wrong"
    assert isinstance(ALL["proved"], Verdict)


@pytest.mark.parametrize("dilated", [False, True])
def test_networks_come_in_the_documented_order(dilated):
    layers, chains = small_networks(True, dilated), small_networks(False, dilated)
    totals = [case.r + sum(case.k + case.s + case.d) for case in layers]
    assert totals == sorted(totals)
    sizes = [(len(case.k), sum(case.k + case.s + case.d)) for case in chains]
    assert sizes == sorted(sizes)
    assert all(one != other for one, other in pairwise(chains))
    assert {case.k[0] % 2 for case in layers} == {0, 1}
    assert {len(case.k) for case in layers} == {1} and {case.r for case in chains} == {None}


@pytest.mark.parametrize("one_layer", [True, False])
def test_without_dilation_no_network_is_dilated(one_layer):
    plain = (*small_networks(one_layer, False), *large_networks(one_layer, False))
    assert {d for case in plain for d in case.d} == {1}
    assert any(max(case.d) > 1 for case in large_networks(one_layer, True))


def test_the_sweep_is_wide_and_deep():
    assert max(case.s for case in large_networks(True, False)) > (10**14,)
    assert max(len(case.k) for case in large_networks(False, False)) > 100


def test_the_truth_of_a_layer_is_what_its_units_read():
    for case in small_networks(True, True):
        ((k,), (s,), (d,)) = case.k, case.s, case.d
        read = {s * unit + d * tap for unit in range(case.r) for tap in range(k)}
        assert case.truth == max(read) - min(read) + 1


def test_shrinking_ends_at_a_network_that_nothing_smaller_replaces():
    start = max(large_networks(True, False), key=lambda case: case.s)
    assert shrunk(start, lambda case: case.s >= (123_456,)).values(False) == (
        ("k", 1), ("s", 123_456), ("r", 1),
    )  # fmt: skip
    deep = max(large_networks(False, False), key=lambda case: len(case.k))
    small = shrunk(deep, lambda case: len(case.k) >= 41 and case.k[-1] >= 2)
    assert len(small.k) == 41 and sum(small.k) == 42 and set(small.s) == {1}


def test_the_checker_loads_neither_keras_nor_the_other_lab():
    code = (
        "import sys; from labkit.receptive_field import check_recurrence, check_closed_form; "
        "check_recurrence('s*r + k - s'); check_closed_form(lambda k, s: 1); "
        "print([m for m in ('keras', 'tensorflow', 'matplotlib', 'labkit.dog_breeds') "
        "if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_closed_form_verdict_names_its_network_by_layers():
    verdict = check_closed_form("1 + Σ_{l=1}^{L} (k_l − 1)")
    assert [(layer.kernel, layer.stride) for layer in verdict.counter_example.layers] == [
        (1, 2),
        (2, 1),
    ]
