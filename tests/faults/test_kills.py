"""Whatever is killed goes on as if nothing had happened: a sample of what ``make faults`` does."""

import random
import re

import pytest

pytest.importorskip("fcntl", reason="SIGKILL and locks are a POSIX matter")

import kills
from attack import LOOKS, attack, evenly, prepare, serve


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    kills.preload_keras()
    return prepare(tmp_path_factory.mktemp("given"))


def trial_of(work, given, home, **options):
    return kills.Trial(work, given, home, LOOKS.get(work, lambda folder: None), **options)


@pytest.mark.parametrize(
    ("work", "wanted"),
    [("fetch_drawn", 4), ("fetch_archive", 5), ("sort", 5), ("sort_by_copies", 3)],
)
def test_ends_as_an_undisturbed_run(work, wanted, given, tmp_path):
    trial = trial_of(work, given, tmp_path, twice=False)
    for _ in attack(trial, wanted, random.Random(1)):
        pass
    assert trial.kills >= wanted


def test_cache_on_disk_loses_nothing_and_leaves_nothing(given, tmp_path):
    trial = trial_of("keep_decoded", given, tmp_path)
    trial.kill_at(trial.whole.steps.index(_find(trial, "rename")))
    assert trial.kills == 1


def test_download_is_resumed(given, tmp_path):
    with serve(given) as server:
        trial = trial_of("fetch_address", given, tmp_path, twice=False)
        steps = [n for n, step in enumerate(trial.whole.steps) if step == "write"]
        trial.kill_at(steps[len(steps) // 4], 3)
    assert trial.kills == 2
    assert any(start > 0 for start in server.starts)


@pytest.mark.parametrize("work", ["fetch_archive", "sort"])
def test_two_at_once_end_well_and_so_does_one_of_two_killed(work, given, tmp_path):
    trial = trial_of(work, given, tmp_path, twice=False)
    trial.run_two()
    trial.run_two(fatal=len(trial.whole.steps) // 2)
    assert trial.kills == 1


def test_training_has_the_same_curves_and_weights_bit_for_bit(given, tmp_path):
    trial = trial_of("train", given, tmp_path, twice=False)
    trial.kill_in("checkpoints/")
    assert trial.kills == 1
    folder, file = sorted(trial.tree)
    assert folder == "checkpoints" and re.fullmatch(r"checkpoints/[0-9a-f]{16}\.weights\.h5", file)


class TestTheHarnessItself:
    """It must see what it is there to see."""

    def test_stray_file(self, given, tmp_path):
        trial = trial_of("sort", given, tmp_path, twice=False)
        del trial.tree["sorted/val_sorted"]
        with pytest.raises(AssertionError, match=r"'sorted/val_sorted'.* on one side only"):
            trial.kill_at(3)

    def test_other_bytes(self, given, tmp_path):
        trial = trial_of("fetch_archive", given, tmp_path, twice=False)
        trial.tree["data/labels.csv"] = "other"
        with pytest.raises(AssertionError, match=r"'data/labels.csv'\] differ"):
            trial.kill_at(3)

    def test_error_of_the_work(self, given, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(AssertionError, match="FileNotFoundError"):
            trial_of("sort", tmp_path / "empty", tmp_path)

    def test_half_a_data_set(self, given, tmp_path):
        trial = trial_of("fetch_archive", given, tmp_path, twice=False)
        folder = tmp_path / "half"
        kills.Child("fetch_archive", folder, given).end()
        LOOKS["fetch_archive"](folder)
        labels = folder / "data" / "labels.csv"
        rows = labels.read_text().splitlines()[:-1]
        labels.write_text("\n".join(rows))
        with pytest.raises((AssertionError, ValueError)):
            trial.look(folder)


def _find(trial, name):
    return next(step for step in trial.whole.steps if step.startswith(name))


def test_evenly():
    assert evenly(10, 4) == [0, 3, 6, 9]
    assert evenly(3, 9) == [0, 1, 2]
    assert evenly(5, 0) == []
