"""Disks that are full, fill up half-way or cannot be written to, and files that cannot be read.

Each is made for real in a child process: a small file system in memory, a read-only mount,
permissions that hold for root too.
"""

import itertools
import json
from pathlib import Path

import pytest
from broken_places import answer, assert_refused, in_child
from data_sets import good_files, make_zip, pictures_of, write
from http_server import without_length

GOOD = good_files()
NAMES = sorted([*GOOD, ".source.json"])


@pytest.fixture
def disk(tmp_path):
    """An empty folder, to mount something upon."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


FETCH_TWICE = """
from labkit.dog_breeds.sources import fetch
from labkit.dog_breeds.sources.layout import read_labels
(folder / "out").mkdir()
(folder / "out/notes.txt").write_text("mine")
BALLAST
ask("first", lambda: fetch(SOURCE, folder / "out", progress=False))
tell("left", files(folder / "out"))
(folder / "ballast").unlink()
ask("second", lambda: fetch(SOURCE, folder / "out", progress=False))
tell("whole", files(folder / "out"))
"""


def fetch_twice(source, ballast):
    return FETCH_TWICE.replace("SOURCE", json.dumps(str(source))).replace("BALLAST", ballast)


NO_ROOM = 'fill(folder / "ballast", spare=4096)'
#: Room for bytes, which is what is looked at beforehand, but not for so many files.
NO_FILES = """
(folder / "ballast").mkdir()
room = os.statvfs(folder).f_ffree
for number in range(room - 6):
    (folder / "ballast" / str(number)).touch()
"""


def test_full_disk_is_noticed_before_unpacking(disk, tmp_path):
    archive = make_zip(tmp_path / "dogs.zip", GOOD)
    said = in_child(fetch_twice(archive, NO_ROOM), disk, mount="size=300k")
    assert_refused(said["first"], "OSError", "takes", "bytes and the disk has", "make room, or")
    assert said["left"] == ["notes.txt"]
    assert said["second"][0] == ""
    assert said["whole"] == sorted([*NAMES, "notes.txt"])


def test_no_space_left_half_way_through_unpacking(disk, tmp_path):
    archive = make_zip(tmp_path / "dogs.zip", GOOD)
    code = fetch_twice(archive, NO_FILES).replace(
        '(folder / "ballast").unlink()', 'import shutil; shutil.rmtree(folder / "ballast")'
    )
    said = in_child(code, disk, mount="size=4m,nr_inodes=40")
    assert_refused(
        said["first"], "OSError", "cannot be written to", "No space left on device", "make room"
    )
    assert said["left"] == ["notes.txt"]
    assert said["second"][0] == ""
    assert said["whole"] == sorted([*NAMES, "notes.txt"])


def test_no_space_left_half_way_through_a_download(disk, tmp_path, server):
    """Nothing can be foreseen, for the server does not tell the length."""
    big = GOOD | {"train/Thumbs.db": bytes(range(256)) * 2000}
    server.content = make_zip(tmp_path / "dogs.zip", big).read_bytes()
    server.faults = itertools.repeat(without_length)
    code = fetch_twice(server.url, NO_ROOM)
    said = in_child(code, disk, mount="size=300k", environment={"no_proxy": "127.0.0.1"})
    assert_refused(
        said["first"], "OSError", "cannot be written to", "No space left on device", "make room"
    )
    # What has arrived is kept, and takes no picture's name.
    assert set(said["left"]) <= {"notes.txt", ".download.part", ".download.json"}
    assert said["second"][0] == "", said
    assert said["whole"] == sorted([*NAMES, "notes.txt"])


SORT_TWICE = """
from labkit.dog_breeds.folders import reorganise
BALLAST
ask("first", lambda: reorganise(DOGS, folder / "sorted"))
tell("shown", [n for n in files(folder) if "/.sorting/" not in n and "ballast" not in n])
FREE
ask("second", lambda: reorganise(DOGS, folder / "sorted"))
tell("whole", files(folder / "sorted"))
"""


@pytest.mark.parametrize(
    ("ballast", "free"),
    [
        ('fill(folder / "ballast", spare=9000)', '(folder / "ballast").unlink()'),
        (NO_FILES, 'import shutil; shutil.rmtree(folder / "ballast")'),
    ],
    ids=["bytes", "files"],
)
def test_no_space_left_half_way_through_sorting(ballast, free, disk, tmp_path):
    """Onto another disk, where links do not reach and pictures must be copied."""
    dogs = write(tmp_path / "dogs", GOOD)
    code = SORT_TWICE.replace("DOGS", repr(str(dogs)))
    code = code.replace("BALLAST", ballast).replace("FREE", free)
    said = in_child(code, disk, mount="size=300k,nr_inodes=60")
    assert_refused(
        said["first"],
        "OSError",
        "sorted folders cannot be written to",
        "No space left on device",
        "which goes on where it stopped",
    )
    assert said["shown"] == []
    assert (
        said["second"] == ["", "6 pictures to train and 2 to validate, 2 breeds"]
        or said["second"][0] == ""
    )
    assert len(said["whole"]) == 8
    assert pictures_of(dogs) == GOOD


def test_read_only_folder(disk, tmp_path):
    """What lies there is used; what would be written is refused, and goes elsewhere if asked."""
    write(disk / "dogs", GOOD)
    (disk / "empty").mkdir()
    archive = make_zip(tmp_path / "dogs.zip", GOOD)
    said = in_child(
        f"""
        from labkit import class_sizes, reorganise
        from labkit.dog_breeds.sources import fetch
        archive, elsewhere = {str(archive)!r}, Path({str(tmp_path / "elsewhere")!r})
        ask("new", lambda: fetch(archive, folder / "new", progress=False))
        ask("empty", lambda: fetch(archive, folder / "empty", progress=False))
        ask("there", lambda: fetch(folder / "dogs"))
        ask("whole", lambda: fetch("kaggle", folder / "dogs"))
        ask("sizes", lambda: class_sizes(folder / "dogs").total)
        ask("sort", lambda: reorganise(folder / "dogs"))
        ask("sort elsewhere", lambda: reorganise(folder / "dogs", elsewhere))
        ask("fetch elsewhere", lambda: fetch(archive, elsewhere / "out", progress=False))
        """,
        disk,
        mount="ro",
    )
    reason = "Read-only file system"
    assert_refused(said["new"], "OSError", "cannot be made", reason, "choose another directory")
    assert_refused(said["empty"], "OSError", "cannot be written", reason, "another directory")
    assert_refused(said["sort"], "OSError", "cannot be written", reason, "another destination")
    assert {said[name][0] for name in ("there", "whole", "sizes")} == {""}
    assert {said[name][0] for name in ("sort elsewhere", "fetch elsewhere")} == {""}
    assert pictures_of(disk) == {f"dogs/{name}": data for name, data in GOOD.items()}


def test_sorted_read_only_folder_is_used(disk):
    write(disk, GOOD)
    code = """
    from labkit.dog_breeds.folders import reorganise
    ask("sort", lambda: reorganise(folder))
    """
    assert in_child(code, disk)["sort"][0] == ""
    assert in_child(code, disk, mount="ro")["sort"][0] == ""


READ_ALL = """
from labkit.dog_breeds.pictures import load
from labkit import class_sizes, duplicates, reorganise
from labkit.dog_breeds.sources import fetch
ask("fetch", lambda: fetch(folder / "dogs"))
ask("archive", lambda: fetch(folder / "dogs.zip", folder / "out"))
ask("sizes", lambda: class_sizes(folder / "dogs"))
ask("sort", lambda: reorganise(folder / "dogs", folder / "sorted"))
ask("duplicates", lambda: duplicates(folder / "dogs", by="bytes"))
ask("lookalikes", lambda: duplicates(folder / "dogs"))
ask("picture", lambda: load(folder / "dogs/train/p1.jpg", (8, 8)).shape)
"""
#: What may not be read, and who then answers so; the others do not need it.
UNREADABLE = {
    "dogs.zip": ["archive"],
    "dogs/labels.csv": ["fetch", "sizes", "sort", "duplicates", "lookalikes"],
    "dogs/train": ["fetch", "sizes", "sort", "duplicates", "lookalikes", "picture"],
    "dogs": ["fetch", "sizes", "sort", "duplicates", "lookalikes", "picture"],
    "dogs/train/p1.jpg": ["duplicates", "lookalikes", "picture"],
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file(name, tmp_path):
    """Named, with what to do, by whatever needs it; readable again, all goes on."""
    same_size = max(map(len, GOOD.values()))
    padded = {n: c + bytes(same_size - len(c)) if "train" in n else c for n, c in GOOD.items()}
    write(tmp_path / "dogs", padded)
    make_zip(tmp_path / "dogs.zip", padded)
    path = tmp_path / name
    mode = path.stat().st_mode
    path.chmod(0o000)
    try:
        said = in_child(READ_ALL, tmp_path, bound_by_permissions=True)
    finally:
        path.chmod(mode)
    for question, (kind, sentence) in said.items():
        if question in UNREADABLE[name]:
            expected = ("PermissionError", "UndecodableError")
            assert kind in expected, (question, kind, sentence)
            assert_refused([kind, sentence], kind, Path(name).name, "Permission denied")
        else:
            assert kind == "", (question, kind, sentence)
    again = in_child(READ_ALL, tmp_path, bound_by_permissions=True)
    assert {kind for kind, _ in again.values()} == {""}


def test_directory_that_is_a_file(tmp_path):
    archive = make_zip(tmp_path / "dogs.zip", GOOD)
    (tmp_path / "out").write_bytes(b"mine")
    from labkit import fetch

    answer(lambda: fetch(archive, tmp_path / "out"), NotADirectoryError, "is a file; give a folder")
    assert (tmp_path / "out").read_bytes() == b"mine"
