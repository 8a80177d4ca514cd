"""What comes with the package: published files to the last byte, planted flaws, recorded runs."""

import hashlib
import shutil
import subprocess
from importlib.resources import files

import pytest

import labkit
from labkit import planted_flaws, recorded
from labkit.dog_breeds.folders import TRAINING, VALIDATION, plan_folders
from labkit.dog_breeds.packaged import SUMS, packaged_file, published_hashes
from labkit.dog_breeds.sources import read_labels

HOME = files("labkit.dog_breeds")
DATA = {path.name for path in HOME.iterdir() if path.name.endswith((".h5", ".csv", ".zip"))}


def test_every_data_file_has_a_hash():
    assert set(published_hashes()) == DATA
    assert len(DATA) == 5


@pytest.mark.parametrize("name", sorted(DATA))
def test_hash_is_that_of_the_file(name):
    content = (HOME / name).read_bytes()
    assert published_hashes()[name] == hashlib.sha256(content).hexdigest()
    with packaged_file(name) as path:
        assert path.read_bytes() == content


def test_the_usual_program_reads_the_list():
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("no sha256sum here")
    subprocess.run([program, "--check", "--strict", "--quiet", SUMS], cwd=str(HOME), check=True)


def test_line_ends_of_windows_change_nothing(tmp_path, monkeypatch):
    name = "photograph_class_sizes.csv"
    shutil.copy(str(HOME / SUMS), tmp_path)
    (tmp_path / name).write_bytes((HOME / name).read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr("labkit.dog_breeds.packaged.files", lambda _: tmp_path)
    with packaged_file(name) as path:
        assert path.name == name


def test_a_stage_comes_with_all_its_seeds():
    found = recorded("drawn_scratch", "scratch")
    assert found.seeds == (2021, 1, 2) and found.pictures == 101
    assert [len(history) for history in found.histories] == [55] * 3
    # After the last epoch validation was measured twice, in training and by itself.
    measured = [history.val_accuracy[-1] for history in found.histories]
    assert found.validation == pytest.approx(measured, abs=2e-3)
    assert min(found.training) > 0.95


@pytest.mark.parametrize(
    ("run", "stage", "sentence"),
    [
        ("drawn_scratsh", "scratch", "No run 'drawn_scratsh' .*did you mean 'drawn_scratch'"),
        ("drawn_scratch", "head", "has no stage 'head', but scratch"),
    ],
)
def test_what_is_not_recorded_is_refused(run, stage, sentence):
    with pytest.raises(ValueError, match=sentence):
        recorded(run, stage)


@pytest.fixture(scope="module")
def dogs(tmp_path_factory):
    return labkit.fetch("drawn", tmp_path_factory.mktemp("drawn") / "dogs", progress=False)


@pytest.fixture(scope="module")
def split_of(dogs):
    plan = plan_folders(read_labels(dogs))
    return {name.removesuffix(".jpg"): split for split in plan for name in plan[split].values()}


def test_duplicates_finds_the_copies_and_nothing_else(dogs):
    copies = {frozenset((flaw.id, flaw.original)) for flaw in planted_flaws() if flaw.original}
    found = labkit.duplicates(dogs)
    assert {frozenset(each.ids) for each in found} == copies
    assert len(copies) == 3
    assert labkit.duplicates(dogs, by="bytes") == ()  # they are smaller, and compressed anew


def test_flaws_are_what_they_are_called(dogs, split_of):
    labels = read_labels(dogs)
    for flaw in planted_flaws():
        assert labels[flaw.id] == flaw.breed
        if flaw.original:
            assert labels[flaw.original] == flaw.shows
        if flaw.flaw == "copy across the split":
            assert {split_of[flaw.id], split_of[flaw.original]} == {TRAINING, VALIDATION}
            assert flaw.breed == flaw.shows
        else:
            assert flaw.breed != flaw.shows
    contradictions = labkit.duplicates(dogs).contradictions
    (twice,) = [flaw for flaw in planted_flaws() if flaw.flaw == "copy under two breeds"]
    assert [set(each.ids) for each in contradictions] == [{twice.id, twice.original}]
    (wrong,) = [flaw for flaw in planted_flaws() if flaw.flaw == "wrong label"]
    assert not wrong.original
    assert split_of[wrong.id] == VALIDATION  # where its loss is seen


def test_prints_as_a_table_for_terminal_and_notebook():
    flaws = planted_flaws()
    heading, *lines = str(flaws).splitlines()
    assert heading.split() == ["flaw", "picture", "labelled", "shows", "copy", "of"]
    assert len(lines) == len(flaws) == 4
    for line, flaw in zip(lines, flaws, strict=True):
        assert line.startswith(flaw.flaw)
        assert flaw.id[:8] in line
        assert flaw.shows in line
    assert flaws._repr_html_().count("<tr>") == 5
