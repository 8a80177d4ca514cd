"""fetch: every source ends in one layout, twice is once, and failures say what else to try."""

import builtins
import hashlib
import json
import os
import sys
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest
from data_sets import ROWS, good_files, jpeg, make_zip, pictures_of, states_of, write

from labkit.dog_breeds.sources import fetch, known_sources, read_labels
from labkit.dog_breeds.sources.filling import RECEIPT, UNFINISHED
from labkit.dog_breeds.sources.known_sources import KNOWN

FILES = good_files()
OTHERS = FILES | {"train/p0.jpg": jpeg(size=(90, 120))}


def packed(path, files=FILES):
    """Write a zip that changes in size when a picture does."""
    return make_zip(path, files, zipfile.ZIP_STORED)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Work in an empty folder, without a network."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


# An archive that the user has


def test_archive(tmp_path):
    archive = packed(tmp_path / "dogs.zip")
    folder = fetch(archive, tmp_path / "out", progress=False)
    assert folder == tmp_path / "out"
    assert pictures_of(folder) == FILES
    assert list(read_labels(folder).items()) == ROWS


def test_archive_one_folder_down_ends_at_the_root(tmp_path):
    archive = packed(tmp_path / "x.zip", {f"dogs/{name}": data for name, data in FILES.items()})
    assert pictures_of(fetch(str(archive), str(tmp_path / "out"), progress=False)) == FILES


@pytest.mark.parametrize("name", ["dogs.zip", "dogs.tar.gz", "dogs"])
def test_default_directory_is_named_for_the_archive(tmp_path, name):
    archive = packed(tmp_path / name)
    assert str(fetch(archive, progress=False)) == os.path.join("data", "dogs")


def test_second_call_does_nothing(tmp_path):
    archive = packed(tmp_path / "dogs.zip")
    folder = fetch(archive, tmp_path / "out", progress=False)
    before = states_of(folder)
    assert fetch(archive, tmp_path / "out", progress=False) == folder
    assert states_of(folder) == before


def test_second_call_does_not_need_the_archive(tmp_path):
    archive = packed(tmp_path / "dogs.zip")
    folder = fetch(archive, tmp_path / "out", progress=False)
    archive.unlink()
    assert fetch(archive, tmp_path / "out") == folder


def test_archive_under_another_name_is_the_same(tmp_path):
    archive = packed(tmp_path / "dogs.zip")
    fetch(archive, tmp_path / "out", progress=False)
    assert fetch(archive.rename(tmp_path / "dogs (1).zip"), tmp_path / "out")


def test_folder_with_pictures_of_another_source_is_refused(tmp_path):
    fetch(packed(tmp_path / "dogs.zip"), tmp_path / "out", progress=False)
    other = packed(tmp_path / "other.zip", OTHERS)
    before = states_of(tmp_path / "out")
    for source in (other, "drawn", "http://127.0.0.1/dogs.zip"):
        with pytest.raises(FileExistsError, match=r"pictures of another source, 'dogs.zip'"):
            fetch(source, tmp_path / "out")
    assert states_of(tmp_path / "out") == before


def test_another_archive_of_the_same_name_is_refused(tmp_path):
    fetch(packed(tmp_path / "dogs.zip"), tmp_path / "out", progress=False)
    (tmp_path / "new").mkdir()
    other = packed(tmp_path / "new/dogs.zip", OTHERS)
    with pytest.raises(FileExistsError, match=r"pictures of another source, 'dogs.zip'"):
        fetch(other, tmp_path / "out")


def test_whole_folder_without_a_receipt_is_taken_as_it_is(tmp_path):
    folder = write(tmp_path / "out", FILES)
    before = states_of(folder)
    assert fetch("kaggle", folder) == folder
    assert states_of(folder) == before


def test_whole_folder_that_lost_a_picture_is_refused(tmp_path):
    archive = packed(tmp_path / "dogs.zip")
    fetch(archive, tmp_path / "out", progress=False)
    (tmp_path / "out/train/p0.jpg").unlink()
    with pytest.raises(ValueError, match=r"lacks 'p0.jpg'"):
        fetch(archive, tmp_path / "out")


def test_other_files_in_the_directory_stay(tmp_path):
    write(tmp_path / "out", {"notes.txt": b"mine", "sub/more.txt": b"mine"})
    fetch(packed(tmp_path / "dogs.zip"), tmp_path / "out", progress=False)
    assert pictures_of(tmp_path / "out") == FILES | {"notes.txt": b"mine", "sub/more.txt": b"mine"}


@pytest.mark.parametrize("kept", ["labels.csv", "train/p0.jpg"])
def test_half_a_data_set_is_refused_and_kept(tmp_path, kept):
    write(tmp_path / "out", {kept: b"mine"})
    with pytest.raises(FileExistsError, match=r"is no whole data set, and nothing of yours"):
        fetch(packed(tmp_path / "dogs.zip"), tmp_path / "out")
    assert pictures_of(tmp_path / "out") == {kept: b"mine"}


def test_killed_unpacking_is_cleared_and_done_again(tmp_path):
    write(tmp_path / "out" / UNFINISHED, {"train/half.jpg": b"?"})
    fetch(packed(tmp_path / "dogs.zip"), tmp_path / "out", progress=False)
    assert pictures_of(tmp_path / "out") == FILES


@pytest.mark.parametrize("source", ["dogs.zip", "some/folder", "/nowhere/dogs.zip"])
def test_no_archive(source):
    with pytest.raises(FileNotFoundError, match=r"no archive or folder .*; give the path of one"):
        fetch(source)
    assert not os.path.exists("data")


@pytest.mark.parametrize("source", ["kagle", "Drawn", "url", "archive"])
def test_unknown_source(source):
    with pytest.raises(ValueError, match=rf"no source '{source}'.*'drawn', 'kaggle' and 'dropbox'"):
        fetch(source)


def test_misspelt_source():
    with pytest.raises(ValueError, match=r"'kagle' \(did you mean 'kaggle'\?\), nor a file"):
        fetch("kagle")


@pytest.mark.parametrize("source", [None, 7, b"drawn", ["drawn"]])
def test_source_of_another_type(source):
    with pytest.raises(TypeError, match=r"fetch's source is .* must be one of the sources"):
        fetch(source)


def test_directory_that_cannot_be_made(tmp_path):
    archive = packed(tmp_path / "dogs.zip")
    with pytest.raises(OSError, match=r"cannot be made \(.*\); choose another directory"):
        fetch(archive, archive / "below")


# A folder that the user has


@pytest.mark.parametrize("inner", ["", "dogs"])
def test_own_folder_is_used_in_place(tmp_path, inner):
    write(tmp_path / "mine" / inner, FILES)
    before = states_of(tmp_path / "mine")
    assert fetch(tmp_path / "mine", tmp_path / "out") == tmp_path / "mine" / inner
    assert states_of(tmp_path / "mine") == before
    assert not (tmp_path / "out").exists()


def test_folder_called_like_a_source_is_had_by_its_path(tmp_path):
    write(tmp_path / "work" / "drawn", FILES)
    assert fetch(Path("drawn")) == Path("drawn")


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(tmp_path / "mine", FILES)
    assert fetch("~/mine") == tmp_path / "mine"


# The drawn dogs


#: Over the names and bytes of all files, in the order of their names.
DRAWN_DIGEST = "7c145a304cddbf3ae2bcc5261a8485bf5a44ab46abdf0df4be185cdf52eca06d"


def digest(files):
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return total.hexdigest()


def test_drawn_dogs_are_these_bytes():
    folder = fetch("drawn", progress=False)
    assert str(folder) == os.path.join("data", "drawn")
    assert len(read_labels(folder)) == 480
    assert digest(pictures_of(folder)) == DRAWN_DIGEST
    before = states_of(folder)
    assert fetch("drawn") == folder
    assert states_of(folder) == before


@pytest.mark.parametrize("receipt", [{"bytes": None}, {"bytes": None, "sha256": "0" * 64}])
def test_drawn_dogs_of_another_version_are_not_passed_off(receipt):
    folder = write(Path("data/drawn"), FILES)
    (folder / RECEIPT).write_text(json.dumps({"source": "drawn", **receipt}))
    with pytest.raises(FileExistsError, match=r"not fetched with the sha256 .*call fetch again"):
        fetch("drawn")
    assert pictures_of(folder) == FILES


def test_drawn_dogs_that_were_damaged_in_the_package_are_refused(monkeypatch, tmp_path):
    for name in ("drawn_dogs.zip", "SHA256SUMS"):
        (tmp_path / name).write_bytes((files("labkit.dog_breeds") / name).read_bytes())
    packed(tmp_path / "drawn_dogs.zip")
    monkeypatch.setattr("labkit.dog_breeds.packaged.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"drawn_dogs.zip in the .*; install labkit once more"):
        fetch("drawn", progress=False)
    assert not os.path.exists("data/drawn")


# Links


@pytest.fixture
def server(server, tmp_path, monkeypatch):
    """The data set on a server, and Dropbox's link leading there."""
    server.content = packed(tmp_path / "served.zip").read_bytes()
    monkeypatch.setitem(KNOWN, "dropbox", replace(KNOWN["dropbox"], place=server.url))
    return server


@pytest.mark.parametrize(
    ("source", "other"),
    [("kaggle", "dropbox"), ("dropbox", "kaggle"), ("http://127.0.0.1/dogs.zip", "kaggle")],
)
def test_whoever_needs_a_network_says_what_else_to_try(source, other):
    found = KNOWN.get(source) or known_sources.at_address(source)
    assert found.advice.startswith(
        f"or try fetch('{other}'), or download the archive from https://"
    )
    assert found.advice.endswith("fetch('drawn') needs no network")
    assert not KNOWN["drawn"].advice


def test_dropbox_link_is_the_labs():
    assert KNOWN["dropbox"].place == (
        "https://www.dropbox.com/s/l7b7l5fjwwj6ad2/dog-breed-identification.zip?dl=1"
    )


def test_dropbox(server):
    folder = fetch("dropbox", progress=False)
    assert str(folder) == os.path.join("data", "dropbox")
    assert pictures_of(folder) == FILES  # and neither the archive nor notes about it
    assert fetch("dropbox") == folder
    assert len(server.asked) == 1


def test_address(server):
    folder = fetch(server.url, progress=False)
    assert str(folder) == os.path.join("data", "dogs")
    assert pictures_of(folder) == FILES


def test_unpacking_that_is_killed_keeps_the_download(server, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(known_sources, "extract_pictures", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch("dropbox", progress=False)
    assert pictures_of(fetch("dropbox", progress=False)) == FILES
    assert len(server.asked) == 1


# What a killed run leaves


def test_leftovers_of_a_run_killed_at_the_very_end_are_cleared_away(server):
    folder = fetch("dropbox", progress=False)
    (folder / UNFINISHED).mkdir()
    for name in (".download", ".download.json", ".download.part"):
        (folder / name).write_bytes(b"half a gigabyte")
    assert pictures_of(fetch("dropbox", progress=False)) == FILES
    assert not (folder / UNFINISHED).exists()


def test_files_of_the_users_that_are_called_download_stay(server):
    mine = {"data/dropbox/download": b"mine", "data/dropbox/download.json": b"mine too"}
    write(Path(), mine)
    assert pictures_of(fetch("dropbox", progress=False)).items() >= {"download": b"mine"}.items()
    assert [Path(name).read_bytes() for name in mine] == [b"mine", b"mine too"]


def test_publishing_that_was_killed_is_not_taken_for_another_source(tmp_path, monkeypatch):
    first = packed(tmp_path / "first.zip")
    second = packed(tmp_path / "second.zip", OTHERS)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("labkit.dog_breeds.sources.filling._publish", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(first, tmp_path / "out", progress=False)
    with pytest.raises(FileExistsError, match=r"of another source, 'first.zip'; choose another"):
        fetch(second, tmp_path / "out", progress=False)
    assert pictures_of(fetch(first, tmp_path / "out", progress=False)) == FILES


# Kaggle


@pytest.fixture
def kagglehub(monkeypatch, tmp_path):
    """A stand-in for the library, with the competition in its cache."""
    cache = write(tmp_path / "cache", FILES | {"test/c.jpg": b"?", "sample_submission.csv": b"?"})
    hub = SimpleNamespace(asked=[], cache=cache)

    def competition_download(handle):
        hub.asked.append(handle)
        return str(cache)

    hub.competition_download = competition_download
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    return hub


def test_kaggle(kagglehub):
    before = states_of(kagglehub.cache)
    folder = fetch("kaggle", progress=False)
    assert str(folder) == os.path.join("data", "kaggle")
    assert pictures_of(folder) == FILES
    assert os.path.samefile(folder / "train/p0.jpg", kagglehub.cache / "train/p0.jpg")
    assert states_of(kagglehub.cache) == before
    assert fetch("kaggle") == folder
    assert kagglehub.asked == ["dog-breed-identification"]


def test_kaggle_cache_of_symbolic_links(kagglehub, tmp_path):
    picture = kagglehub.cache / "train/p0.jpg"
    picture.rename(tmp_path / "blob")
    picture.symlink_to("../../blob")
    folder = fetch("kaggle")
    assert not (folder / "train/p0.jpg").is_symlink()
    assert pictures_of(folder) == FILES


def test_without_kagglehub(monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name == "kagglehub":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ModuleNotFoundError, match=r"'pip install kagglehub' .*fetch\('dropbox'\)"):
        fetch("kaggle")
    assert not os.path.exists("data/kaggle")


class UnauthenticatedError(Exception):
    """Named as kagglehub names it."""


def http_error(status):
    error = Exception(f"{status} Client Error.\n\nSee the page.")
    error.response = SimpleNamespace(status_code=status)
    return error


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (UnauthenticatedError("x"), PermissionError, r"make an API token at .*kagglehub.login"),
        (http_error(401), PermissionError, r"make an API token"),
        (http_error(403), PermissionError, r"accept the rules at https://.*/rules"),
        (http_error(500), ConnectionError, r"failed \(Exception: 500 Client Error. See the page\)"),
        (OSError("no route"), ConnectionError, r"failed \(OSError: no route\)"),
    ],
)
def test_kaggle_refuses(kagglehub, error, kind, sentence):
    def competition_download(_):
        raise error

    kagglehub.competition_download = competition_download
    with pytest.raises(kind, match=sentence) as caught:
        fetch("kaggle")
    assert "or try fetch('dropbox')" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not os.path.exists("data/kaggle")


def test_kaggle_brings_something_else(kagglehub):
    (kagglehub.cache / "labels.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no labels.csv.*or try fetch\('dropbox'\)"):
        fetch("kaggle")
