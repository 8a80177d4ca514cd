"""The records of runs on the photographs, which the page Results at full size is made from."""

import re
import shlex
from pathlib import Path

import pytest

from labkit.dog_breeds.run.__main__ import main
from labkit.dog_breeds.run.records import FACTS, HISTORY, read_record

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "book" / "results"
PAGE = ROOT / "book" / "results_at_full_size.md"
NAMES = sorted(path.name for path in RESULTS.iterdir())


def test_there_are_records():
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_complete_and_as_it_was_written(name):
    record = read_record(RESULTS / name)
    assert sorted(path.name for path in (RESULTS / name).iterdir()) == [FACTS, HISTORY]
    assert (record.facts["data"]["pictures"], record.facts["data"]["breeds"]) == (10_222, 120)
    assert (record.facts["data"]["training"], record.facts["data"]["validation"]) == (8_127, 2_095)
    for stage in record.facts["stages"]:
        history = record.history(stage["stage"], stage["seed"])
        assert all(0 <= a <= 1 for a in history.accuracy + history.val_accuracy)
        # After the last epoch validation was measured twice, in training and by itself.
        assert history.val_accuracy[-1] == pytest.approx(stage["validation_accuracy"], abs=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_every_record(name):
    assert f'"{name}"' in PAGE.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_record_holds_neither_pictures_nor_folders(name):
    for path in (RESULTS / name).iterdir():
        assert path.stat().st_size < 50_000
        text = path.read_text()
        assert not re.search(r"(?<![\w.])/\w+/|[A-Z]:\\|\.jpg", text)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_of_a_record_is_one_that_the_program_takes(name, tmp_path, capsys):
    program, *words = read_record(RESULTS / name).facts["command"].split(" --data ")
    assert program == "python -m labkit.dog_breeds.run"
    # It goes as far as looking for the archive, which is not here.
    given = shlex.split(f"--data {words[0]}")
    given[given.index("--out") + 1] = str(tmp_path / name)
    given[given.index("--data") + 1] = str(tmp_path / "dogs.zip")
    assert main(given) == 2
    assert "dogs.zip" in capsys.readouterr().err.splitlines()[-1]
