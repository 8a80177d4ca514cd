"""Records: whole or not at all, complete, and never changed by hand."""

import copy
import json
import os

import pytest

from labkit.dog_breeds.run import records
from labkit.dog_breeds.run.records import COLUMNS, FACTS, HISTORY, Record, read_record, write_record

STAGE = {
    "seed": 1,
    "stage": "head",
    "network": "net",
    "parameters": 10,
    "trained_parameters": 4,
    "training_loss": 0.5,
    "training_accuracy": 0.9,
    "validation_loss": 0.7,
    "validation_accuracy": 0.8,
    "validation_top5_accuracy": 1.0,
    "seconds": 3.0,
    "core_seconds": 5.0,
    "pictures_per_second": 20.0,
}
COMPLETE = {
    "command": "python -m labkit.dog_breeds.run --out x",
    "date": "2026-11-23",
    "labkit": "1.0.0",
    "machine": {
        "cores": 2,
        "processor": "Fast 1",
        "memory_gb": 8.0,
        "system": "Linux",
        "accelerator": "none",
    },
    "versions": {"python": "3", "keras": "3", "backend": "jax 0", "numpy": "2", "opencv": "5"},
    "data": {
        "archive": "dogs.zip",
        "sha256": "",
        "pictures": 12,
        "breeds": 2,
        "training": 9,
        "validation": 3,
        "flaws": {"copies": 0, "contradictory": 0, "across_the_split": []},
    },
    "settings": {"name": "drawn", "target_size": [8, 8], "augmentation": {}, "batch_size": 2},
    "preprocessing": "own",
    "cached_features": False,
    "peak_memory_gb": 1.5,
    "stages": [STAGE, STAGE | {"seed": 2}],
    "confusions": [],
    "breed_accuracies": {"pug": 1.0},
}
EPOCH = {"stage": "head", "loss": 0.5, "accuracy": 0.6, "val_loss": 0.7, "val_accuracy": 0.8}
EPOCH |= {"seconds": 1.5, "core_seconds": 2.5}
ROWS = tuple(
    dict.fromkeys(COLUMNS) | EPOCH | {"seed": seed, "epoch": epoch}
    for seed in (1, 2)
    for epoch in (1, 2)
)


KINDS = {name: getattr(records, name) for name in ("COLUMNS", "_FACTS", "_STAGE")}


def paths(facts, before=()):
    """List the way to every fact, those inside of others included."""
    for name, value in facts.items():
        yield (*before, name)
        if isinstance(value, dict) and name not in ("augmentation", "breed_accuracies"):
            yield from paths(value, (*before, name))


def inside(facts, way):
    for name in way:
        facts = facts[name]
    return facts


@pytest.fixture
def folder(tmp_path):
    return write_record(Record("run", COMPLETE, ROWS), tmp_path / "run")


def test_what_was_written_is_read_again(folder):
    assert read_record(folder) == Record("run", COMPLETE, ROWS)
    assert sorted(path.name for path in folder.iterdir()) == [FACTS, HISTORY]
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


def test_curves_times_and_results_of_a_stage(folder):
    record = read_record(folder)
    assert record.seeds == (1, 2)
    assert record.history("head").val_accuracy == (0.8, 0.8)
    assert record.seconds("head", seed=2) == (1.5, 1.5)
    assert record.result("head", seed=2)["seed"] == 2


@pytest.mark.parametrize("stage, seed", [("scratch", None), ("head", 3)])
def test_a_stage_that_is_not_there_is_refused(folder, stage, seed):
    with pytest.raises(ValueError, match="it has head with 1, head with 2"):
        read_record(folder).history(stage, seed)


@pytest.mark.parametrize("way", [*paths(COMPLETE)], ids="/".join)
def test_a_missing_fact_is_refused(way):
    facts = copy.deepcopy(COMPLETE)
    del inside(facts, way[:-1])[way[-1]]
    with pytest.raises(ValueError, match=f"lacks {way[-1]!r}"):
        Record("run", facts, ROWS)


@pytest.mark.parametrize("way", [*paths(COMPLETE)], ids="/".join)
def test_a_fact_of_another_kind_is_refused(way):
    facts = copy.deepcopy(COMPLETE)
    inside(facts, way[:-1])[way[-1]] = object()
    with pytest.raises(ValueError, match="The record"):
        Record("run", facts, ROWS)


@pytest.mark.parametrize("name", STAGE)
def test_a_stage_without_one_of_its_facts_is_refused(name):
    stage = {other: value for other, value in STAGE.items() if other != name}
    with pytest.raises(ValueError, match=f"lacks {name!r}"):
        Record("run", COMPLETE | {"stages": [stage]}, ROWS[:2])


@pytest.mark.parametrize(
    "stages, rows",
    [([STAGE], ROWS), ([STAGE, STAGE | {"seed": 2}], ROWS[:2]), ([], ()), ([], ROWS)],
)
def test_stages_and_epochs_must_fit(stages, rows):
    with pytest.raises(ValueError, match="run it again"):
        Record("run", COMPLETE | {"stages": stages}, rows)


def test_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="there are scratch, head, fine_tuning"):
        Record("run", COMPLETE | {"stages": [STAGE | {"stage": "tail"}]}, ROWS)


@pytest.mark.parametrize(
    "name, old, new",
    [
        (HISTORY, "0.8", "0.9"),
        (FACTS, '"validation_accuracy": 0.8', '"validation_accuracy": 0.9'),
        (FACTS, "dogs.zip", "cats.zip"),
    ],
)
def test_a_figure_changed_by_hand_is_noticed(folder, name, old, new):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match="was changed after it was written"):
        read_record(folder)


@pytest.mark.parametrize(
    "name, text",
    [
        (FACTS, "{"),
        (FACTS, "[]"),
        (FACTS, "{}"),
        (HISTORY, ""),
        (HISTORY, "seed,stage\n1,head\n"),
        (HISTORY, ",".join(COLUMNS) + "\n1,head,one,0,0,0,0,0,0\n"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=r"'run'.*[Rr]un it again"):
        read_record(folder)


@pytest.mark.parametrize("name", [FACTS, HISTORY])
def test_half_a_record_is_none(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match="is no record"):
        read_record(folder)


def test_what_is_there_already_is_left_alone(folder):
    before = (folder / FACTS).read_bytes()
    with pytest.raises(FileExistsError, match="exists already"):
        write_record(Record("run", COMPLETE | {"date": "later"}, ROWS), folder)
    assert (folder / FACTS).read_bytes() == before


def test_a_run_that_was_killed_while_it_wrote_is_no_record(tmp_path, monkeypatch):
    record = Record("run", json.loads(json.dumps(COMPLETE)), ROWS)

    def killed(*paths):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "rename", killed)
        write_record(record, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    write_record(record, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_record_without_a_figure_that_was_added_later_stays_valid(folder, monkeypatch):
    later = {name: {**kinds, "added": float | None} for name, kinds in KINDS.items()}
    for name, kinds in later.items():
        monkeypatch.setattr(records, name, kinds)
    # Only curves of a training are part of its History; other columns are read from the rows.
    old = read_record(folder)
    assert [row["added"] for row in old.rows] == [None] * 4
    new = Record(
        "new",
        COMPLETE | {"added": 1.5, "stages": [stage | {"added": 2.5} for stage in [STAGE]]},
        tuple(row | {"added": 3.5} for row in ROWS[:2]),
    )
    read = read_record(write_record(new, folder.parent / "new"))
    assert (read.facts["added"], read.result("head")["added"]) == (1.5, 2.5)
    assert [row["added"] for row in read.rows] == [3.5, 3.5]


@pytest.mark.parametrize("name", ["_FACTS", "_STAGE"])
def test_a_figure_that_was_added_later_must_be_one(name, monkeypatch):
    monkeypatch.setattr(records, name, {**KINDS[name], "added": float | None})
    added = {"added": "much"}
    facts = COMPLETE | added if name == "_FACTS" else COMPLETE | {"stages": [STAGE | added]}
    with pytest.raises(ValueError, match="added='much', which is no number"):
        Record("run", facts, ROWS if name == "_FACTS" else ROWS[:2])


@pytest.mark.parametrize("name", ["seed", "parameters"])
def test_true_is_no_number(name):
    with pytest.raises(ValueError, match=f"{name}=True, which is no int"):
        Record("run", COMPLETE | {"stages": [STAGE | {name: True}]}, ROWS[:2])


def test_a_disk_that_refuses_is_named_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"record .*file/run cannot be written \(.*\); make room"):
        write_record(Record("run", COMPLETE, ROWS), tmp_path / "file" / "run")
