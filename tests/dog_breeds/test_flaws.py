"""What is said to be planted among the drawn dogs is there, and duplicates finds the copies."""

import pytest

import labkit
from labkit.dog_breeds.flaws import planted_flaws
from labkit.dog_breeds.folders import TRAINING, VALIDATION, plan_folders
from labkit.dog_breeds.sources import read_labels


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
