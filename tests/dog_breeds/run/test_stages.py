"""The command that runs the lab and records it, on a handful of drawn dogs, and its clock."""

import contextlib
import csv
import functools
import io
import json
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from data_sets import few_drawn_dogs, snapshot, write

import labkit
from labkit import load_settings
from labkit.dog_breeds.run import Plan, read_record, run, stages
from labkit.dog_breeds.run.__main__ import main

pytestmark = pytest.mark.usefixtures("eagerly")

SMALL = """--set target_size=(16,16) --set filters=(4,8) --set dense=(8,) --set scratch_epochs=2
--set head_epochs=2 --set fine_tuning_epochs=1""".split()
ONE_EPOCH = ["--set", "head_epochs=1"]


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


@pytest.fixture(scope="module")
def recorded(dogs, tmp_path_factory):
    """Return a function that runs the command, once for the same words: its folder and print."""
    home = tmp_path_factory.mktemp("home")

    @functools.cache
    def run_command(*words):
        out = home / str(run_command.cache_info().misses) / "record"
        given = ["--data", str(dogs[0]), "--directory", str(home / "pictures"), *SMALL, *words]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert main([*given, "--out", str(out)]) == 0
        return out, printed.getvalue()

    return run_command


@pytest.fixture(scope="module")
def whole(recorded):
    """The whole lab, and its networks kept: the folder of the record and what was printed."""
    return recorded("--keep")


@pytest.fixture(scope="module")
def measured(dogs):
    """Return a function that measures a kept network on the pictures that validate."""
    flow = {"target_size": (16, 16), "shuffle": False}
    folder = dogs[0] / "val_sorted"

    def measured(path):
        validation = labkit.ImageDataGenerator(rescale=1 / 255).flow_from_directory(folder, **flow)
        network = labkit.load(path)
        picture = next(folder.glob("*/*.jpg"))
        assert set(labkit.predict(network, picture).breeds) == set(validation.class_indices)
        return labkit.evaluate(network, validation)[1]

    return measured


def test_the_whole_lab_is_recorded(whole):
    folder, printed = whole
    record = read_record(folder)
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
    assert "Recorded in" in printed and "fine_tuning" in printed


def test_a_picture_under_two_breeds_is_reported(whole, dogs):
    _, first, last = dogs
    flaws = read_record(whole[0]).facts["data"]["flaws"]
    assert (flaws["copies"], flaws["contradictory"]) == (1, 1)
    (pair,) = flaws["across_the_split"]
    assert (pair["validation"], pair["breed"]) == (first["id"], first["breed"])
    assert pair["breeds_in_training"] == [last["breed"]]


def test_a_record_names_no_folder_of_the_machine(whole, dogs):
    folder, _ = whole
    for path in {*folder.iterdir()} - {*folder.glob("*.keras")}:
        assert str(folder.parents[1]) not in path.read_text()
        assert str(dogs[0].parent) not in path.read_text()
    said = read_record(folder).facts["command"]
    assert said.startswith("python -m labkit.dog_breeds.run --data") and "--out record" in said


def test_settings_are_recorded_as_text_can_hold_them(whole):
    settings = json.loads((whole[0] / "facts.json").read_text())["settings"]
    assert settings["target_size"] == [16, 16]
    assert not {"directory", "sorted_directory", "source", "checkpoints"} & set(settings)


def test_sorted_pictures_go_where_they_are_told(tmp_path, capsys):
    """As they must where the pictures' own folder is read-only."""
    dogs = write(tmp_path / "dogs", few_drawn_dogs(3, breeds=2))
    before = snapshot(dogs)
    given = ["--data", str(dogs), "--out", str(tmp_path / "record"), "--stages", "scratch", *SMALL]
    given += ["--set", "batch_size=4", "--sorted", str(tmp_path / "sorted")]
    assert main(given) == 0, capsys.readouterr().err
    assert snapshot(dogs) == before
    assert len(list((tmp_path / "sorted" / "train_sorted").glob("*/*.jpg"))) == 4
    assert str(tmp_path) not in read_record(tmp_path / "record").facts["command"]


def test_each_seed_is_a_repetition(recorded, measured):
    """Also of features, which without weights are those of each seed's own base."""
    words = "--stages head --cached-features --set weights=None --set head_epochs=1 --seeds".split()
    both, _ = recorded(*words, "5", "6", "--keep")
    record = read_record(both)
    assert record.seeds == (5, 6)
    assert record.history("head", 5) != record.history("head", 6)
    kept = {5: both / "head_seed_5.keras", 6: both / "head_seed_6.keras"}
    assert sorted(both.glob("*.keras")) == [*kept.values()]
    for seed, path in kept.items():
        told = record.result("head", seed)["validation_accuracy"]
        assert measured(path) == pytest.approx(told)
    # A seed gives by itself what it gives after another, within what rounding does.
    alone, printed = recorded(*words, "6", "--compare", str(both))
    assert "before" in printed
    assert read_record(alone).history("head").loss == pytest.approx(
        record.history("head", 6).loss, rel=1e-3
    )


@pytest.fixture
def own_base(tmp_path):
    """Return a function that saves a base of one's own, another for each seed, and its path."""

    def save_base(seed):
        keras.utils.set_random_seed(seed)
        labkit.headless("small_vgg", None, (16, 16, 3), filters=(4,)).save(
            tmp_path / "my_base.keras"
        )
        return str(tmp_path / "my_base.keras")

    return save_base


def test_a_base_from_a_file_is_one_for_all_seeds_and_named_without_its_folder(
    recorded, own_base, tmp_path
):
    words = ["--stages", "head", *ONE_EPOCH, "--set", "weights=None", "--seeds", "5", "6"]
    words += ["--set", f"base={own_base(1)}"]
    pictures, features = (
        read_record(recorded(*words, *more)[0]) for more in ((), ("--cached-features",))
    )
    for seed in (5, 6):
        assert features.history("head", seed).val_loss == pytest.approx(
            pictures.history("head", seed).val_loss, rel=0.02
        )
    assert pictures.facts["settings"]["base"] == "my_base.keras"
    assert str(tmp_path) not in json.dumps(pictures.facts)


@pytest.fixture
def began(dogs, tmp_path, monkeypatch):
    """Return a function that breaks a run off where it begins to train: its epoch and weights."""

    class Began(BaseException):
        pass

    def broken_off(model, *batches, initial_epoch, **options):
        raise Began(initial_epoch, model.get_weights())

    def began(settings, plan, out="record"):
        with monkeypatch.context() as patch, pytest.raises(Began) as caught:
            patch.setattr(keras.Model, "fit", broken_off)
            run(dogs[0], settings, tmp_path / out, plan, "", False)
        return caught.value.args

    return began


@pytest.mark.parametrize("other", ["augmentation", "base in the same file"])
def test_a_run_takes_nothing_over_from_one_that_differs(
    other, dogs, own_base, began, tmp_path, monkeypatch
):
    settings = load_settings("drawn").replace(
        target_size=(16, 16),
        dense=(8,),
        head_epochs=1,
        checkpoints=str(tmp_path / "kept"),
        base=own_base(1),
        weights=None,
    )
    plan = Plan(("head",), (7,), unfrozen=True)

    def full(record, folder, networks):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(stages, "write_record", full)
        run(dogs[0], settings, tmp_path / "record", plan, "", False)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    if other == "augmentation":
        settings = settings.replace(augmentation={"horizontal_flip": True})
    else:
        own_base(2)
    epoch, weights = began(settings, plan)
    _, expected = began(settings.replace(checkpoints=None), plan)
    assert epoch == 0
    for one, alone in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(one, alone)


def test_cached_features_give_what_pictures_give(recorded, whole):
    pictures, features = read_record(whole[0]), read_record(recorded("--cached-features")[0])
    assert features.facts["cached_features"] and not pictures.facts["cached_features"]
    for stage in ("head", "fine_tuning"):
        assert features.history(stage).val_loss == pytest.approx(
            pictures.history(stage).val_loss, rel=0.02
        ), stage
        assert features.result(stage)["validation_loss"] == pytest.approx(
            pictures.result(stage)["validation_loss"], rel=0.02
        ), stage


def test_all_layers_train_from_the_start_where_nothing_is_frozen(recorded):
    record = read_record(recorded("--stages", "head", "--unfrozen", *ONE_EPOCH)[0])
    (stage,) = record.facts["stages"]
    assert stage["stage"] == "head" and stage["trained_parameters"] == stage["parameters"]
    with pytest.raises(ValueError, match="cache none, or freeze it"):
        Plan(("head",), cached_features=True, unfrozen=True)


def test_the_wrong_scaling_is_another_network(recorded, whole):
    own = read_record(whole[0])
    # A stage draws on from the one before, so both come behind the same.
    words = ["--stages", "scratch", "head", "--preprocessing", "none", *ONE_EPOCH]
    none = read_record(recorded(*words)[0])
    assert (own.facts["preprocessing"], none.facts["preprocessing"]) == ("own", "none")
    assert own.history("head").loss[0] != pytest.approx(none.history("head").loss[0], rel=1e-3)


def test_networks_are_kept_beside_their_record(whole, measured):
    folder, _ = whole
    record = read_record(folder)
    kept = {f"{stage}_seed_2021.keras": stage for stage in ("fine_tuning", "head", "scratch")}
    assert sorted(path.name for path in folder.glob("*.keras")) == [*kept]
    assert not list(folder.parent.glob(".*"))
    for name, stage in kept.items():
        told = record.result(stage)["validation_accuracy"]
        assert measured(folder / name) == pytest.approx(told), stage


def test_an_interrupted_run_goes_on(dogs, began, tmp_path, monkeypatch):
    settings = load_settings("drawn").replace(
        target_size=(16, 16),
        filters=(4, 8),
        dense=(8,),
        head_epochs=2,
        checkpoints=str(tmp_path / "kept"),
    )
    plan = Plan(("head",), (7,))
    whole = run(dogs[0], settings.replace(checkpoints=None), tmp_path / "whole", plan, "", False)

    class Killed(BaseException):
        pass

    class KillerClock(stages.EpochClock):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise Killed
            super().on_epoch_begin(epoch, logs)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(stages, "EpochClock", KillerClock)
        run(dogs[0], settings, tmp_path / "record", plan, "", False)
    assert not (tmp_path / "record").exists()
    assert began(settings, plan)[0] == 1
    resumed = run(dogs[0], settings, tmp_path / "record", plan, "", False)
    assert resumed.history("head").val_loss == pytest.approx(
        whole.history("head").val_loss, rel=1e-3
    )
    assert all(seconds > 0 for seconds in resumed.seconds("head"))
    # What was kept for this run is gone, so that a repetition is one.
    assert list((tmp_path / "kept").iterdir()) == []
    assert began(settings, plan, "again/record")[0] == 0


@pytest.mark.parametrize(
    "words, said",
    [
        (["--stages", "fine_tuning"], "name both"),
        (["--cached-features", "--stages", "scratch"], "Only the stage head"),
        (["--cached-features", "--set", "augmentation={'horizontal_flip': True}"], "augmented"),
        (["--set", "batch_size"], "write --set NAME=VALUE"),
        (["--set", "batchsize=3"], "There is no setting 'batchsize'"),
        (["--set", "batch_size=-3"], "batch_size=-3 must be a whole number"),
        (["--seeds", "-3"], "seeds=(-3,) must be a sequence of whole numbers"),
        (["--set", "base_options={'alpha': {1}}"], "A record cannot hold {1}"),
        (["--set", "augmentation=None"], "augmentation=None must be a dict from an option's name"),
        (["--set", "augmentation={'rescale': 1}"], "must not have 'rescale', which the lab gives"),
        (["--set", "base_options=alpha"], "base_options='alpha' must be a dict from an option's"),
        (["--set", "base_options={1: 2}"], "base_options={1: 2} must be a dict from an option's"),
        (["--set", "base_options={'classes': 2}"], "must not have 'classes', which the lab gives"),
        (
            ["--stages", "head", "--set", "base_options={'alpha': 2}"],
            "small_vgg does not take the options ['alpha']; it takes ['filters', 'kernel_init",
        ),
        (["--setting", "painted"], "there are no such settings"),
        (["--set", "devices=100"], "devices=100"),
        (["--data", "no_such_archive.zip"], "no_such_archive.zip"),
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


def test_a_base_that_cannot_be_had_is_refused_before_anything_trains(command, monkeypatch):
    monkeypatch.setattr(stages.labkit, "train", None)
    code, printed = command("--set", "base=vgg99", "--set", "weights=None")
    assert code == 2 and "vgg99" in printed.err.splitlines()[-1]


def tick(clock, epoch, seconds=0.0):
    clock.on_epoch_begin(epoch)
    time.sleep(seconds)
    clock.on_epoch_end(epoch)


def test_seconds_pass_by_the_wall_and_not_for_the_cores():
    clock = stages.EpochClock()
    tick(clock, 0, 0.2)
    seconds, core_seconds = clock.times[0]
    assert seconds >= 0.2 > core_seconds >= 0


def test_times_outlive_the_process(tmp_path):
    path = tmp_path / "kept" / "head.json"
    first = stages.EpochClock(path)
    tick(first, 0)
    tick(first, 1)
    again = stages.EpochClock(path)
    assert list(again.times) == [0, 1]
    for epoch, times in first.times.items():
        assert again.times[epoch] == pytest.approx(times, abs=1e-6)
    tick(again, 1, 0.05)
    assert stages.EpochClock(path).times[1][0] >= 0.05


def test_a_kill_while_the_times_are_written_leaves_those_of_before(tmp_path, monkeypatch):
    path = tmp_path / "head.json"
    clock = stages.EpochClock(path)
    tick(clock, 0)

    def killed(file, text):
        file.write_bytes(text[:9].encode())
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "write_text", killed)
        tick(clock, 1)
    clock = stages.EpochClock(path)
    assert list(clock.times) == [0]
    tick(clock, 1)
    assert list(stages.EpochClock(path).times) == [0, 1]
