"""The command that runs the lab and records it, on a handful of drawn dogs."""

import contextlib
import csv
import json

import keras
import pytest
from data_sets import few_drawn_dogs, write

from labkit import load_settings
from labkit.dog_breeds.run import Plan, read_record, run, stages
from labkit.dog_breeds.run.__main__ import main

SMALL = """--set target_size=(16,16) --set filters=(4,8) --set dense=(8,) --set scratch_epochs=2
--set head_epochs=2 --set fine_tuning_epochs=1""".split()


@pytest.fixture(scope="module")
def dogs(tmp_path_factory):
    """Return 60 dogs of three breeds, one of them twice, under two breeds."""
    folder = write(tmp_path_factory.mktemp("dogs"), few_drawn_dogs(20, breeds=3))
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # The first of a breed in the file validates, so the last trains.
    one, other, _ = sorted({row["breed"] for row in rows})
    first = next(row for row in rows if row["breed"] == one)
    last = [row for row in rows if row["breed"] == other][-1]
    picture = (folder / "train" / f"{first['id']}.jpg").read_bytes()
    (folder / "train" / f"{last['id']}.jpg").write_bytes(picture)
    return folder, first, last


@pytest.fixture
def command(dogs, tmp_path, capsys):
    """Return a function that runs the command, and what it printed."""

    def run_command(*words, out="record"):
        given = ["--data", str(dogs[0]), "--out", str(tmp_path / out), *SMALL, *words]
        code = main(given)
        return code, capsys.readouterr()

    return run_command


def test_the_whole_lab_is_recorded(command, dogs, tmp_path):
    code, printed = command()
    assert code == 0, printed.err
    record = read_record(tmp_path / "record")
    assert [stage["stage"] for stage in record.facts["stages"]] == [
        "scratch",
        "head",
        "fine_tuning",
    ]
    assert [len(record.history(s)) for s in ("scratch", "head", "fine_tuning")] == [2, 2, 1]
    data = record.facts["data"]
    assert (data["pictures"], data["training"], data["validation"], data["breeds"]) == (
        60,
        48,
        12,
        3,
    )
    sizes = [(s["parameters"], s["trained_parameters"]) for s in record.facts["stages"]]
    assert sizes[0][0] == sizes[0][1] and sizes[1][0] > sizes[1][1] and sizes[2][0] == sizes[2][1]
    for stage in record.facts["stages"]:
        assert 0 <= stage["validation_accuracy"] <= stage["validation_top5_accuracy"] == 1
        assert stage["seconds"] > 0
        assert stage["training_loss"] != pytest.approx(stage["validation_loss"], rel=1e-3)
        assert sum(record.seconds(stage["stage"])) == pytest.approx(stage["seconds"], abs=0.1)
    # Both were measured on the same network and pictures, once by Keras and once here.
    last = record.facts["stages"][-1]["validation_accuracy"]
    assert last == pytest.approx(sum(record.facts["breed_accuracies"].values()) / 3, abs=1e-3)
    wrong = sum(pair["pictures"] for pair in record.facts["confusions"])
    assert wrong == pytest.approx(12 * (1 - last), abs=1e-3)
    assert "Recorded in" in printed.out and "fine_tuning" in printed.out


def test_a_picture_under_two_breeds_is_reported(command, dogs, tmp_path):
    _, first, last = dogs
    assert command("--stages", "head")[0] == 0
    flaws = read_record(tmp_path / "record").facts["data"]["flaws"]
    assert (flaws["copies"], flaws["contradictory"]) == (1, 1)
    (pair,) = flaws["across_the_split"]
    assert (pair["validation"], pair["breed"]) == (first["id"], first["breed"])
    assert pair["breeds_in_training"] == [last["breed"]]


def test_a_record_names_no_folder_of_the_machine(command, dogs, tmp_path):
    assert command("--stages", "head", "--directory", str(tmp_path / "pictures"))[0] == 0
    for path in (tmp_path / "record").iterdir():
        assert str(tmp_path) not in path.read_text()
        assert str(dogs[0].parent) not in path.read_text()
    said = read_record(tmp_path / "record").facts["command"]
    assert said.startswith("python -m labkit.dog_breeds.run --data") and "--out record" in said


def test_each_seed_is_a_repetition(command, tmp_path):
    words = ("--stages", "head", "--seeds", "5", "6", "--cached-features")
    assert command(*words)[0] == 0
    record = read_record(tmp_path / "record")
    assert record.seeds == (5, 6)
    assert record.history("head", 5) != record.history("head", 6)
    # The command repeats what it has recorded, within what rounding does.
    code, printed = command(*words, "--compare", str(tmp_path / "record"), out="again")
    assert code == 0 and "before" in printed.out
    again = read_record(tmp_path / "again")
    for seed in record.seeds:
        assert again.history("head", seed).loss == pytest.approx(
            record.history("head", seed).loss, rel=1e-3
        )


def test_cached_features_give_what_pictures_give(command, tmp_path):
    assert command("--stages", "head", "fine_tuning", out="pictures")[0] == 0
    assert command("--stages", "head", "fine_tuning", "--cached-features", out="features")[0] == 0
    pictures, features = (read_record(tmp_path / name) for name in ("pictures", "features"))
    assert features.facts["cached_features"] and not pictures.facts["cached_features"]
    for stage in ("head", "fine_tuning"):
        assert features.history(stage).val_loss == pytest.approx(
            pictures.history(stage).val_loss, rel=0.02
        ), stage
        assert features.result(stage)["validation_loss"] == pytest.approx(
            pictures.result(stage)["validation_loss"], rel=0.02
        ), stage


def test_the_wrong_scaling_is_another_network(command, tmp_path):
    assert command("--stages", "head", out="own")[0] == 0
    assert command("--stages", "head", "--preprocessing", "none", out="none")[0] == 0
    own, none = (read_record(tmp_path / name) for name in ("own", "none"))
    assert (own.facts["preprocessing"], none.facts["preprocessing"]) == ("own", "none")
    assert own.history("head").loss[0] != pytest.approx(none.history("head").loss[0], rel=1e-3)


def test_an_interrupted_run_goes_on(dogs, tmp_path, monkeypatch):
    settings = load_settings("drawn").replace(
        target_size=(16, 16),
        filters=(4, 8),
        dense=(8,),
        head_epochs=3,
        checkpoints=str(tmp_path / "kept"),
    )
    plan = Plan(("head",), (7,))
    whole = run(dogs[0], settings.replace(checkpoints=None), tmp_path / "whole", plan, "", False)

    class Killed(BaseException):
        pass

    class KillerClock(stages.EpochClock):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Killed
            super().on_epoch_begin(epoch, logs)

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(stages, "EpochClock", KillerClock)
        run(dogs[0], settings, tmp_path / "record", plan, "", False)
    assert not (tmp_path / "record").exists()
    fitted = []
    monkeypatch.setattr(
        keras.Model,
        "fit",
        lambda *a, fit=keras.Model.fit, **k: fitted.append(k["initial_epoch"]) or fit(*a, **k),
    )
    resumed = run(dogs[0], settings, tmp_path / "record", plan, "", False)
    assert fitted == [2]
    assert resumed.history("head").val_loss == pytest.approx(
        whole.history("head").val_loss, rel=1e-3
    )
    assert all(seconds > 0 for seconds in resumed.seconds("head"))
    # What was kept for this run is gone, so that a repetition is one.
    assert list((tmp_path / "kept").iterdir()) == []
    run(dogs[0], settings, tmp_path / "again" / "record", plan, "", False)
    assert fitted == [2, 0]


def test_a_run_takes_nothing_from_one_with_other_settings(dogs, tmp_path, monkeypatch):
    settings = load_settings("drawn").replace(
        target_size=(16, 16), dense=(8,), head_epochs=1, checkpoints=str(tmp_path / "kept")
    )
    plan = Plan(("head",), (7,))

    def full(record, folder):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(stages, "write_record", full)
        run(dogs[0], settings, tmp_path / "first" / "record", plan, "", False)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    flipped = settings.replace(augmentation={"horizontal_flip": True})
    other = run(dogs[0], flipped, tmp_path / "second" / "record", plan, "", False)
    alone = run(
        dogs[0], flipped.replace(checkpoints=None), tmp_path / "third" / "record", plan, "", False
    )
    assert other.history("head").loss == pytest.approx(alone.history("head").loss, rel=1e-4)


@pytest.mark.parametrize(
    "words, said",
    [
        (["--stages", "fine_tuning"], "name both"),
        (["--cached-features", "--stages", "scratch"], "Only the stage head"),
        (["--cached-features", "--set", "augmentation={'horizontal_flip': True}"], "augmented"),
        (["--set", "batch_size"], "write --set NAME=VALUE"),
        (["--set", "batchsize=3"], "There is no setting 'batchsize'"),
        (["--set", "batch_size=-3"], "must be positive"),
        (["--setting", "painted"], "there are no such settings"),
        (["--set", "devices=100"], "devices=100"),
        (["--data", "no_such_archive.zip"], "no_such_archive.zip"),
        (["--set", "base=vgg99", "--set", "weights=None"], "vgg99"),
        (["--compare", "no_such_record"], "is no record"),
    ],
)
def test_a_request_that_cannot_be_met_is_answered_in_a_sentence(command, tmp_path, words, said):
    code, printed = command(*words)
    assert code == 2
    assert said in printed.err.splitlines()[-1]
    assert printed.err.splitlines()[-1].startswith("run: ")
    assert not (tmp_path / "record").exists()


def test_an_existing_folder_is_refused_before_any_work(command, tmp_path, monkeypatch):
    (tmp_path / "record").mkdir()
    monkeypatch.setattr(stages.labkit, "fetch", None)
    code, printed = command()
    assert code == 2 and "exists already" in printed.err


def test_settings_are_recorded_as_text_can_hold_them(command, tmp_path):
    assert command("--stages", "head")[0] == 0
    settings = json.loads((tmp_path / "record" / "facts.json").read_text())["settings"]
    assert settings["target_size"] == [16, 16]
    assert not {"directory", "source", "checkpoints"} & set(settings)
