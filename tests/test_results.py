"""The records of runs on the photographs, which the page Results at full size is made from."""

import re
import shlex
from pathlib import Path

import pytest
from pack_results import packed

from labkit.dog_breeds.packaged import RECORDED, packaged_file
from labkit.dog_breeds.run.__main__ import main
from labkit.dog_breeds.run.records import FACTS, HISTORY, read_record

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "book" / "results"
PAGE = ROOT / "book" / "results_at_full_size.md"
LAB = ROOT / "labs" / "dog_breeds.ipynb"
NAMES = sorted(path.parent.relative_to(RESULTS).as_posix() for path in RESULTS.rglob(FACTS))

#: Pictures, breeds, training, validation: of the photographs and of the drawn dogs.
PHOTOGRAPHS, DRAWN = (10_222, 120, 8_127, 2_095), (480, 12, 379, 101)


def test_there_are_records():
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_complete_and_as_it_was_written(name):
    record = read_record(RESULTS / name)
    assert sorted(path.name for path in (RESULTS / name).iterdir()) == [FACTS, HISTORY]
    counts = [record.facts["data"][n] for n in ("pictures", "breeds", "training", "validation")]
    assert tuple(counts) == (DRAWN if name.startswith("drawn") else PHOTOGRAPHS)
    for stage in record.facts["stages"]:
        history = record.history(stage["stage"], stage["seed"])
        assert all(0 <= a <= 1 for a in history.accuracy + history.val_accuracy)
        # After the last epoch validation was measured twice, in training and by itself.
        assert history.val_accuracy[-1] == pytest.approx(stage["validation_accuracy"], abs=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_or_the_lab_shows_every_record(name):
    assert f'"{name}"' in PAGE.read_text() + LAB.read_text().replace('\\"', '"')


def test_the_package_holds_the_curves_of_every_record():
    """Where it does not: python tools/pack_results.py."""
    with packaged_file(RECORDED) as path:
        assert path.read_bytes().replace(b"\r\n", b"\n") == packed(RESULTS)


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
    given[given.index("--out") + 1] = str(tmp_path / "out")
    given[given.index("--data") + 1] = str(tmp_path / "dogs.zip")
    if "--compare" in given:
        given[given.index("--compare") + 1] = str(RESULTS / "vgg16")
    assert main(given) == 2
    assert "dogs.zip" in capsys.readouterr().err.splitlines()[-1]
