"""Archives: what is unpacked, what is refused, and that nothing is written outside."""

import io
import random
import stat
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from labkit.dog_breeds.sources.archive import NotAnArchiveError, extract_pictures, sniff

LABELS = b"id,breed\nb,pug\na,beagle\n"
FILES = {"labels.csv": LABELS, "train/a.jpg": b"first" * 99, "train/b.jpg": b"second"}


def make_zip(path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def unpack(archive, tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    extract_pictures(archive, target, progress=False)
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}


def refuse(archive, tmp_path, sentence, kind=ValueError):
    with pytest.raises(kind, match=sentence) as caught:
        unpack(archive, tmp_path)
    assert "\n" not in str(caught.value)
    assert str(archive) in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()} - {archive.name}
    assert written <= {"labels.csv", "a.jpg", "b.jpg"}


@pytest.mark.parametrize("prefix", ["", "dog-breed-identification/", "./", "./dogs/"])
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_root_or_one_folder_down(tmp_path, make, prefix):
    archive = make(tmp_path / "x", {prefix + name: data for name, data in FILES.items()})
    assert unpack(archive, tmp_path) == FILES


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_by_content_whatever_its_name(tmp_path, mode):
    assert unpack(make_tar(tmp_path / "dogs.zip", FILES, mode), tmp_path) == FILES


def test_labels_at_the_root_come_before_those_one_folder_down(tmp_path):
    files = FILES | {"old/labels.csv": b"id,breed\nz,pug\n"}
    assert unpack(make_zip(tmp_path / "x.zip", files), tmp_path) == FILES


def test_zip_of_windows_with_backslashes(tmp_path):
    files = {f"dogs\\{name}".replace("/", "\\"): data for name, data in FILES.items()}
    assert unpack(make_zip(tmp_path / "x.zip", files), tmp_path) == FILES


def test_all_else_is_left_out(tmp_path):
    more = {
        "test/c.jpg": b"?",
        "sample_submission.csv": b"?",
        "train/.DS_Store": b"?",
        "train/._a.jpg": b"?",
        "__MACOSX/._labels.csv": b"?",
        "train/Thumbs.db": b"?",
    }
    assert unpack(make_zip(tmp_path / "x.zip", FILES | more), tmp_path) == FILES


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page .* asks for a login"),
        (b"\xef\xbb\xbf \n<HTML lang=en>", "a web page"),
        (b"<?xml version='1.0'?><html>", "a web page"),
        (b"", "is empty"),
        (b"id,breed\na,pug\n", "neither a zip nor a tar"),
        (b"\xff\xd8\xff\xe0", "neither a zip nor a tar"),
        (b"\x1f\x8b\x08\x00broken", "neither a zip nor a tar"),
        (b"PK\x03\x04 and then nothing", "cannot be unpacked .*cut short"),
    ],
)
def test_no_archive(tmp_path, content, sentence):
    archive = tmp_path / "x.zip"
    archive.write_bytes(content)
    refuse(archive, tmp_path, sentence, NotAnArchiveError)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "is not the archive of dog breeds: .*no file at all"),
        ({"train/a.jpg": b""}, "is not the archive of dog breeds: it holds no labels.csv"),
        ({"x/y/labels.csv": LABELS}, "it holds no labels.csv at its root or one folder down"),
        ({"x/labels.csv": LABELS, "y/labels.csv": LABELS}, "it holds 2 files labels.csv"),
        ({"labels.csv": b"a,b\n1,2\n", "train/a.jpg": b""}, "the first line must be 'id,breed'"),
        ({"labels.csv": LABELS, "train/a.jpg": b""}, r"1 label .* lacks 'b.jpg'"),
        (FILES | {"train/c.jpg": b""}, r"1 picture .* no row for 'c.jpg'"),
        (FILES | {"train/more/c.jpg": b""}, r"1 picture .* no row for 'more/c.jpg'"),
        (FILES | {"labels.csv": LABELS + b"a,pug\n"}, "'a' as beagle and pug"),
        (FILES | {"labels.csv": LABELS + b"../../c,pug\n"}, "cannot name a file"),
    ],
)
def test_wrong_archive(tmp_path, files, sentence):
    refuse(make_zip(tmp_path / "x.zip", files), tmp_path, sentence)


OUT = ["../evil.jpg", "/evil.jpg", "train/../../evil.jpg", "C:/evil.jpg", ".."]


@pytest.mark.parametrize(
    ("make", "name"),
    # A backslash parts folders in a zip of Windows; in a tar it is a letter.
    [(make, name) for make in (make_zip, make_tar) for name in OUT] + [(make_zip, "..\\evil.jpg")],
)
def test_names_that_lead_out(tmp_path, make, name):
    refuse(make(tmp_path / "x", FILES | {name: b"evil"}), tmp_path, "leads out of its folder")


def test_link_in_a_zip(tmp_path):
    archive = make_zip(tmp_path / "x.zip", FILES)
    info = zipfile.ZipInfo("train/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(info, "/etc/passwd")
    refuse(archive, tmp_path, "'train/link' is a link or a device")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_link_or_device_in_a_tar(tmp_path, kind):
    archive = make_tar(tmp_path / "x.tar", FILES, "w")
    info = tarfile.TarInfo("train/link")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(archive, "a") as file:
        file.addfile(info)
    refuse(archive, tmp_path, "'train/link' is a link or a device")


def test_same_name_twice(tmp_path):
    archive = make_zip(tmp_path / "x.zip", FILES)
    with zipfile.ZipFile(archive, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("train/a.jpg", b"other")
    refuse(archive, tmp_path, "holds 'train/a.jpg' twice")


def test_zip_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("labkit.dog_breeds.sources.archive._SWELL_FLOOR", 2**16)
    archive = make_zip(tmp_path / "x.zip", FILES | {"train/a.jpg": bytes(2**20)})
    refuse(archive, tmp_path, r"would swell to 1,048,\d+")


def test_bytes_that_compress_well_are_no_bomb(tmp_path):
    files = FILES | {"train/a.jpg": bytes(2**20)}
    assert unpack(make_zip(tmp_path / "x.zip", files), tmp_path) == files


def test_labels_too_large_to_be_labels(tmp_path, monkeypatch):
    monkeypatch.setattr("labkit.dog_breeds.sources.archive._LABELS_LIMIT", 10)
    refuse(make_zip(tmp_path / "x.zip", FILES), tmp_path, r"its labels.csv has 24 bytes")


def test_full_disk_is_noticed_before_writing(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    refuse(make_zip(tmp_path / "x.zip", FILES), tmp_path, r"takes 525 bytes .* 100 free", OSError)
    assert list((tmp_path / "out").iterdir()) == []


def test_password(tmp_path):
    archive = make_zip(tmp_path / "x.zip", FILES)
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            content[place + offset] |= 1  # the flag of an encrypted file
    archive.write_bytes(content)
    refuse(archive, tmp_path, "locked with a password", NotAnArchiveError)


def test_flipped_bit_is_found_by_the_checksum(tmp_path):
    archive = make_zip(tmp_path / "x.zip", FILES, zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"second", b"secund"))
    refuse(archive, tmp_path, r"Bad CRC-32 for file 'train/b.jpg'", NotAnArchiveError)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_cut_short_anywhere(tmp_path, make):
    whole = make(tmp_path / "whole", FILES).read_bytes()
    for length in range(1, len(whole) - 64 if make is make_tar else len(whole), 7):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "x").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut short|neither a zip nor a tar|not the archive"):
            unpack(folder / "x", folder)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_any_damage_is_refused_in_a_sentence_or_harmless(tmp_path, make):
    """Flip bytes at random: the pictures come out right, or a ValueError names the archive."""
    whole = make(tmp_path / "whole", FILES).read_bytes()
    rng = random.Random(0)
    outcomes = set()
    for trial in range(300):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= rng.randrange(1, 256)
        folder = tmp_path / str(trial)
        folder.mkdir()
        (folder / "x").write_bytes(content)
        try:
            assert unpack(folder / "x", folder) == FILES
        except ValueError as error:
            assert str(folder / "x") in str(error)
            outcomes.add("refused")
        else:
            outcomes.add("whole")
    assert outcomes == {"refused", "whole"}


def test_archive_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse_to_open(*_):
        raise PermissionError(13, "Permission denied")

    archive = make_zip(tmp_path / "x.zip", FILES)
    monkeypatch.setattr("builtins.open", refuse_to_open)
    with pytest.raises(PermissionError, match=r"x.zip cannot be read \(Permission denied\)"):
        sniff(archive)


def test_sniff(tmp_path):
    assert sniff(make_zip(tmp_path / "a", FILES)) == "zip"
    assert sniff(make_tar(tmp_path / "b", FILES)) == "tar"
