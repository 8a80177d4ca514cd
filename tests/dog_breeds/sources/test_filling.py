"""Filling a folder: all or nothing, also when it is killed half-way."""

import json
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from labkit.dog_breeds.sources.filling import (
    RECEIPT,
    UNFINISHED,
    fill_folder,
    occupied,
    read_receipt,
)
from labkit.files import exclusive


def fill(folder):
    (folder / "train").mkdir()
    (folder / "train" / "a.jpg").write_bytes(b"dog")
    (folder / "labels.csv").write_text("id,breed\na,pug\n")


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


WHOLE = [RECEIPT, "labels.csv", "train", "train/a.jpg"]


def test_fills_and_remembers_the_source(tmp_path):
    fill_folder(tmp_path, fill, {"source": "here"})
    assert contents(tmp_path) == WHOLE
    assert read_receipt(tmp_path) == {"source": "here"}


def test_other_files_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    fill_folder(tmp_path, fill, {})
    assert contents(tmp_path) == sorted([*WHOLE, "notes.txt"])


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt(), OSError(28, "full")])
def test_failure_leaves_nothing(tmp_path, error):
    def fail(folder):
        fill(folder)
        raise error

    with pytest.raises(type(error)):
        fill_folder(tmp_path, fail, {})
    assert contents(tmp_path) == []


def test_error_of_the_system_becomes_a_sentence(tmp_path):
    def fail(folder):
        raise PermissionError(13, "Permission denied", "/some/path")

    with pytest.raises(PermissionError, match=r"cannot be written to .* \(Permission denied\); "):
        fill_folder(tmp_path, fail, {})


def test_remains_of_a_killed_run_are_cleared(tmp_path):
    (tmp_path / UNFINISHED / "train").mkdir(parents=True)
    (tmp_path / UNFINISHED / "train" / "half.jpg").write_bytes(b"d")
    fill_folder(tmp_path, fill, {})
    assert contents(tmp_path) == WHOLE


@pytest.mark.parametrize("renames", [1, 2, 3])
def test_run_killed_while_renaming_is_finished(tmp_path, monkeypatch, renames):
    """Kill it after so many renames, the receipt's the first; the next call must not fill again."""
    real, done = os.replace, []

    def replace(source, target):
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(target)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        fill_folder(tmp_path, fill, {"source": "here"})
    monkeypatch.undo()
    fill_folder(tmp_path, lambda folder: pytest.fail("filled twice"), {})
    assert contents(tmp_path) == WHOLE
    assert read_receipt(tmp_path) == {"source": "here"}


@pytest.mark.parametrize("name", ["labels.csv", "train"])
def test_half_a_data_set_of_the_user_is_not_overwritten(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine").write_text("mine")
    with pytest.raises(FileExistsError, match=f"holds {name} but is no whole data set"):
        fill_folder(tmp_path, fill, {})
    assert contents(tmp_path) == [name, f"{name}/mine"]


def test_labels_that_appeared_meanwhile_are_not_overwritten(tmp_path):
    fill_folder(tmp_path, fill, {})
    (tmp_path / UNFINISHED).mkdir()
    for name in ("labels.csv", RECEIPT):
        (tmp_path / UNFINISHED / name).write_text("{}")
    with pytest.raises(FileExistsError, match=r"holds labels.csv"):
        fill_folder(tmp_path, fill, {})
    assert (tmp_path / "labels.csv").read_text() == "id,breed\na,pug\n"


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_receipt_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / RECEIPT).write_text(text, encoding="latin-1")
    assert read_receipt(tmp_path) == {}


def _hold(directory, log, held):
    with exclusive(directory):
        held.set()
        time.sleep(0.3)
        with open(log, "a") as file:
            file.write("first ")


def test_second_run_waits_for_the_first(tmp_path, capsys):
    pytest.importorskip("fcntl")
    context = multiprocessing.get_context("spawn")
    held, log = context.Event(), tmp_path / "log"
    first = context.Process(target=_hold, args=(tmp_path, log, held))
    first.start()
    assert held.wait(30)
    with exclusive(tmp_path), open(log, "a") as file:
        file.write("second")
    first.join()
    assert log.read_text() == "first second"
    assert "Waiting for another run" in capsys.readouterr().err


def test_lock_is_released(tmp_path):
    for _ in range(2):
        with exclusive(tmp_path):
            pass
    with pytest.raises(KeyError), exclusive(tmp_path):
        raise KeyError
    with exclusive(tmp_path):
        pass


def test_receipt_is_never_there_in_part(tmp_path, monkeypatch):
    """It vouches for the pictures, and a killed run may have written half of it."""
    real = os.replace

    def replace(source, target):
        if os.fspath(target).endswith(RECEIPT):
            assert json.loads(Path(source).read_text()) == {"source": "here"}
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        patch.setattr("shutil.rmtree", lambda *_, **__: None)  # nobody clears up after SIGKILL
        with pytest.raises(KeyboardInterrupt):
            fill_folder(tmp_path, fill, {"source": "here"})
    assert not (tmp_path / UNFINISHED / RECEIPT).exists()
    fill_folder(tmp_path, fill, {"source": "here"})
    assert contents(tmp_path) == WHOLE
    assert read_receipt(tmp_path) == {"source": "here"}


def test_folder_that_stays_empty_is_taken_away(tmp_path):
    with pytest.raises(KeyError), occupied(tmp_path / "a" / "b"):
        raise KeyError
    assert contents(tmp_path) == ["a"]
    (tmp_path / "mine").mkdir()
    with occupied(tmp_path / "mine"):
        pass
    assert contents(tmp_path) == ["a", "mine"]


def test_second_run_makes_the_folder_anew_that_the_first_took_away(tmp_path):
    pytest.importorskip("fcntl")
    folder, entered, leave = tmp_path / "data", threading.Event(), threading.Event()

    def fail():
        with occupied(folder):
            entered.set()
            leave.wait(30)

    first = threading.Thread(target=fail)
    first.start()
    assert entered.wait(30)
    threading.Timer(0.2, leave.set).start()
    with occupied(folder):
        (folder / "dog.jpg").write_bytes(b"dog")
    first.join()
    assert contents(folder) == ["dog.jpg"]
