"""Caches give what was put in, trust nothing half-written, and fit where they are put."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from labkit.dog_breeds.batches import cache as caches
from labkit.dog_breeds.batches.cache import DiskCache, MemoryCache, NoCache, open_cache
from labkit.files import fingerprint

SHAPE = (6, 4, 5, 3)
MARK = fingerprint("these files")


def picture(index):
    return np.random.default_rng(index).integers(0, 256, SHAPE[1:], np.uint8)


class Loader:
    """Load pictures and count how often."""

    def __init__(self):
        self.loaded = []

    def __call__(self, index):
        def load(out):
            self.loaded.append(index)
            if out is None:
                return picture(index)
            out[...] = picture(index)
            return out

        return load


def make(kind, tmp_path):
    return {
        "none": NoCache,
        "memory": lambda: MemoryCache(SHAPE),
        "disk": lambda: DiskCache(tmp_path / "c", SHAPE, MARK),
    }[kind]()


def read(cache, loader, indices=range(SHAPE[0])):
    for index in indices:
        np.testing.assert_array_equal(cache.get(index, loader(index)), picture(index))


@pytest.mark.parametrize(("kind", "loads"), [("none", 2), ("memory", 1), ("disk", 1)])
def test_each_picture_comes_back_and_is_loaded_as_often_as_need_be(kind, loads, tmp_path):
    cache, loader = make(kind, tmp_path), Loader()
    for _ in range(2):
        read(cache, loader)
    assert sorted(loader.loaded) == sorted(list(range(SHAPE[0])) * loads)


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_failed_load_leaves_nothing_behind(kind, tmp_path):
    cache, loader = make(kind, tmp_path), Loader()

    def fail(out):
        out[...] = 7
        raise OSError

    with pytest.raises(OSError):
        cache.get(2, fail)
    read(cache, loader)


def test_disk_cache_outlives_the_run(tmp_path):
    read(make("disk", tmp_path), Loader(), indices=[0, 3])
    loader = Loader()
    read(make("disk", tmp_path), loader)
    assert loader.loaded == [1, 2, 4, 5]


@pytest.mark.parametrize("byte", [0, 17, -1])
def test_picture_whose_checksum_does_not_agree_is_loaded_again(byte, tmp_path):
    read(make("disk", tmp_path), Loader())
    start, size = 4096, 4 * 5 * 3
    data = bytearray((tmp_path / "c").read_bytes())
    place = start + 2 * size + byte % size
    data[place] ^= 1
    (tmp_path / "c").write_bytes(data)
    loader = Loader()
    read(make("disk", tmp_path), loader)
    assert loader.loaded == [2]


def test_black_picture_is_told_from_none(tmp_path):
    def load(out):
        out[...] = 0
        return out

    make("disk", tmp_path).get(0, load)
    again = make("disk", tmp_path)
    assert not again.get(0, None).any()  # None cannot be called.
    loader = Loader()
    read(again, loader, [1])
    assert loader.loaded == [1]


@pytest.mark.parametrize(
    ("shape", "mark"),
    [(SHAPE, fingerprint("others")), ((7, *SHAPE[1:]), MARK)],
    ids=["files", "size"],
)
def test_stale_cache_is_replaced_while_another_still_uses_it(shape, mark, tmp_path):
    old = make("disk", tmp_path)
    read(old, Loader())
    loader = Loader()
    new = DiskCache(tmp_path / "c", shape, mark)
    read(new, loader)
    assert loader.loaded == list(range(6))
    read(old, Loader())
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_cut_file_is_replaced(tmp_path):
    read(make("disk", tmp_path), Loader())
    os.truncate(tmp_path / "c", 4000)
    loader = Loader()
    read(make("disk", tmp_path), loader)
    assert loader.loaded == list(range(6))


KILLED = """
import sys, numpy as np
sys.path.insert(0, sys.argv[2])
from test_batches_cache import MARK, SHAPE, Loader
from labkit.dog_breeds.batches.cache import DiskCache
cache, loader = DiskCache(sys.argv[1], SHAPE, MARK), Loader()
cache.get(0, loader(0)), cache.get(1, loader(1))
def stuck(out):
    out[:2] = 9
    print("half", flush=True)
    import time; time.sleep(60)
cache.get(2, stuck)
"""


def test_killed_run_leaves_what_was_whole_and_nothing_else(tmp_path):
    here = os.path.dirname(__file__)
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path / "c", here], stdout=subprocess.PIPE, text=True
    )
    with run:
        assert run.stdout.readline() == "half\n"
        run.send_signal(signal.SIGKILL)
    loader = Loader()
    read(make("disk", tmp_path), loader)
    assert loader.loaded == [2, 3, 4, 5]


def test_partial_file_of_a_killed_run_is_replaced(tmp_path):
    (tmp_path / ".c.part").write_bytes(b"half")
    read(make("disk", tmp_path), Loader())
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_without_locks_the_partial_file_of_another_process_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("labkit.files.fcntl", None)
    (tmp_path / ".c.part").write_bytes(b"another's")
    read(make("disk", tmp_path), Loader())
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()}[".c.part"] == 9
    assert (tmp_path / "c").exists()


def test_full_disk_is_reported_and_nothing_is_left(tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caches, "reserve", no_space)
    with pytest.raises(ValueError, match=r"cannot be used \(No space left.*cache_directory"):
        make("disk", tmp_path)
    assert list(tmp_path.iterdir()) == []


SIZE = int(np.prod(SHAPE))


@pytest.mark.parametrize(
    ("memory", "disk", "kind"),
    [
        (2 * SIZE, 0, "memory"),
        (2 * SIZE - 1, 2 * SIZE, "disk"),
        (2 * SIZE - 1, SIZE, None),
        (0, 0, None),
    ],
)
def test_auto_takes_what_there_is_room_for(memory, disk, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(caches, "free_memory", lambda: memory)
    monkeypatch.setattr(caches, "free_room", lambda folder: disk)
    cache, report = open_cache("auto", SHAPE, tmp_path / "c", lambda: MARK)
    assert cache.kind == kind
    assert "6 pictures take 0.00 GB" in report


def test_files_are_looked_at_for_a_cache_on_disk_only(tmp_path):
    def never():
        raise AssertionError

    for kind in ("memory", None):
        open_cache(kind, SHAPE, tmp_path / "c", never)
    with pytest.raises(AssertionError):
        open_cache("disk", SHAPE, tmp_path / "c", never)


def test_memory_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(caches, "free_memory", lambda: SIZE - 1)
    with pytest.raises(ValueError, match=r'no room: 6 pictures take .*cache="disk"'):
        open_cache("memory", SHAPE, tmp_path / "c", lambda: MARK)


def test_folder_that_does_not_exist_has_no_room(tmp_path, monkeypatch):
    monkeypatch.setattr(caches, "free_memory", lambda: 0)
    for folder, kind in ((tmp_path / "gone", None), (tmp_path, "disk")):
        assert open_cache("auto", SHAPE, folder / "c", lambda: MARK)[0].kind == kind
