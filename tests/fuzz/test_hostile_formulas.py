"""The checker under hundreds of hostile texts, and the watch itself under texts that do act."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import fuzz_formulas
import judge_formulas
import pytest
from fuzz_formulas import fuzz
from hostile_formulas import CANARY, HostileFormulas

from labkit.receptive_field.checker import Verdict

SEED = 2021
STRINGS = 300


@pytest.fixture(scope="module")
def report():
    return fuzz(SEED, STRINGS, workers=1, progress=False)


def test_no_text_runs_anything_raises_warns_or_takes_too_much(report):
    """A violation is an event, an exception, a second's work, 200 MB, or what is no sentence."""
    assert report["violations"] == []


def test_every_text_was_judged_both_ways(report):
    assert report["strings"] == STRINGS
    assert sum(report["statuses"].values()) == report["checks"] == 2 * STRINGS


def test_every_common_kind_of_verdict_occurred(report):
    least = {"proved": 2, "wrong": 15, "unanswered": 1, "unreadable": 300}
    assert {status: n for status, n in least.items() if report["statuses"].get(status, 0) < n} == {}


def test_texts_depend_on_seed_and_number_only():
    one, same, other = HostileFormulas(1), HostileFormulas(1), HostileFormulas(2)
    texts = [one.text(number) for number in range(300)]
    assert texts[::-1] == [same.text(number) for number in reversed(range(300))]
    assert sum(a != b for a, b in zip(texts, map(other.text, range(300)), strict=True)) > 290
    assert len(set(texts)) > 270
    assert any(CANARY in text for text in texts)


@pytest.fixture(scope="module")
def watcher():
    # Once: an audit hook cannot be taken back.
    return judge_formulas.Watcher()


def test_memory_that_was_given_back_is_seen():
    program = (
        "import judge_formulas as j; before = j.memory(); bytearray(2**28); "
        "print((j.memory() - before) // 2**20)"
    )
    folder = str(Path(judge_formulas.__file__).parent)
    grown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": fuzz_formulas.search_path()},
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert 250 <= int(grown.stdout) <= 270


class TestTheWatch:
    """A checker that does what none may do is caught, whatever it is."""

    @pytest.fixture
    def judged(self, monkeypatch, watcher):
        def judged(act, verdict=None):
            verdict = verdict or Verdict("unreadable", "This cannot be read.")

            def check(text, dilation=None):
                act()
                return verdict

            check.__name__ = "check"
            monkeypatch.setattr(judge_formulas, "check_recurrence", check)
            monkeypatch.setattr(judge_formulas, "check_closed_form", check)
            report = judge_formulas.Report(judge_formulas.memory())
            judge_formulas.judge("k", 0, watcher, report)
            return report.violations

        return judged

    def test_an_innocent_checker_is_innocent(self, judged):
        assert judged(lambda: None) == []

    @pytest.mark.parametrize(
        ("act", "said"),
        [
            (lambda: eval("1 + 1"), "event compile"),
            (lambda: exec("x = 1"), "event exec"),
            (lambda: open(os.devnull).close(), "event open"),
            (lambda: os.system("true"), "event os.system"),
            (lambda: __import__("this_module_does_not_exist"), "raised ModuleNotFoundError"),
            (lambda: 1 / 0, "raised ZeroDivisionError"),
            (lambda: warnings.warn("careful", UserWarning, stacklevel=1), "raised UserWarning"),
            (lambda: sum(range(20_000_000)), "took"),
        ],
    )
    def test_an_act_is_seen(self, judged, act, said, monkeypatch):
        monkeypatch.setattr(judge_formulas, "MOST_SECONDS", 0.1)
        assert any(said in violation for violation in judged(act))

    def test_a_process_that_has_grown_is_seen(self, judged, monkeypatch):
        readings = iter([0, 2**20, 2**28])
        monkeypatch.setattr(judge_formulas, "memory", lambda: next(readings))
        (violation,) = judged(lambda: None)
        assert "brought memory to 256 MB above the start" in violation

    @pytest.mark.parametrize(
        ("verdict", "said"),
        [
            (Verdict("unreadable", "No sentence"), "no sentence"),
            (Verdict("unreadable", "Long. " * 300 + "."), "no sentence"),
            (Verdict("unreadable", "Two\nlines."), "no sentence"),
            (Verdict("perhaps", "Well."), "raised KeyError"),
            (Verdict("unreadable", "Where.", spot=7), "outside the text"),
            (Verdict("unreadable", "\x1b[31m."), "control characters"),
        ],
    )
    def test_a_bad_verdict_is_seen(self, judged, verdict, said):
        assert any(said in violation for violation in judged(lambda: None, verdict))


def test_a_process_that_dies_or_hangs_is_a_violation(monkeypatch, tmp_path):
    program = tmp_path / "judge.py"
    program.write_text(
        "import os, sys, time\n"
        "open(sys.argv[-1] + '/current', 'w').write(sys.argv[2])\n"
        "time.sleep(60) if sys.argv[2] == '1' else os._exit(9)\n"
    )
    monkeypatch.setattr(fuzz_formulas, "_JUDGE", program)
    monkeypatch.setattr(fuzz_formulas, "_PATIENCE", 1)
    report = fuzz(SEED, 10, progress=False)
    assert any("ended the process with 9" in line for line in report["violations"])
    assert any("hangs" in line and "number 1," in line for line in report["violations"])
