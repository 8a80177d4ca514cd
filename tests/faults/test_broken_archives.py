"""Archives that are none, or not the right one, or not safe: one sentence, and nothing changed."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib

import pytest
from broken_places import answer, good_files, make_zip, pictures_of, snapshot, write

from labkit import fetch
from labkit.dog_breeds.sources.archive import NotAnArchiveError

FILES = good_files()


def missing(path):
    """Write nothing."""


def login_page(path):
    path.write_bytes(b"<!DOCTYPE html><html><title>Sign in</title><body>Password:</body></html>")


def nothing(path):
    path.touch()


def other_file(path):
    path.write_bytes(b"%PDF-1.7 lecture notes")


def truncated_zip(path):
    whole = make_zip(path, FILES).read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])


def truncated_tar(path):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(path.read_bytes()[:-100])


def wrong_checksum(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    path.write_bytes(path.read_bytes().replace(FILES["train/p2.jpg"], FILES["train/p1.jpg"], 1))


def another_data_set(path):
    make_zip(path, {"annotations.csv": b"id,breed\n", "images/a.jpg": b""})


def parent_name(path):
    make_zip(path, FILES | {"train/../../../escaped.jpg": b"evil"})


def absolute_name(path):
    make_zip(path, FILES | {"/tmp/labkit-escaped.jpg": b"evil"})


def drive_name(path):
    make_zip(path, FILES | {"C:\\escaped.jpg": b"evil"})


def link(path):
    info = zipfile.ZipInfo("train/link.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    make_zip(path, FILES)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")


def hard_link(path):
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("train/link.jpg")
        info.type, info.linkname = tarfile.LNKTYPE, "/etc/passwd"
        archive.addfile(info)


def zip_bomb(path, mebibytes=1100):
    """Write a zip of one picture of a gibibyte of zeros, which would unpack without complaint."""
    piece, crc = bytes(2**20), 0
    for _ in range(mebibytes):
        crc = zlib.crc32(piece, crc)
    deflate = zlib.compressobj(9, wbits=-15)
    deflate.compress(b"")
    block = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
    packed = block * mebibytes + deflate.flush()
    name, size = b"train/a.jpg", mebibytes * 2**20
    facts = struct.pack("<HHHLLLHH", 8, 0, 33, crc, len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + struct.pack("<HH", 20, 0) + facts + name
    central = b"PK\x01\x02" + struct.pack("<HHH", 20, 20, 0) + facts + bytes(14) + name
    rows = b"id,breed\na,pug\n"
    plain = struct.pack("<HHHLLLHH", 0, 0, 33, zlib.crc32(rows), len(rows), len(rows), 10, 0)
    start = len(local) + len(packed)
    local += packed + b"PK\x03\x04" + struct.pack("<HH", 20, 0) + plain + b"labels.csv" + rows
    central += b"PK\x01\x02" + struct.pack("<HHH", 20, 20, 0) + plain
    central += struct.pack("<HHHLL", 0, 0, 0, 0, start) + b"labels.csv"
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 2, 2, len(central), len(local), 0)
    path.write_bytes(local + central + end)


def tar_bomb(path):
    """Write a compressed tar of 2 MB that claims, and holds, two gibibytes."""
    info = tarfile.TarInfo("train/a.jpg")
    info.size = 2**31
    path.write_bytes(gzip.compress(info.tobuf()) + gzip.compress(bytes(2**20)) * 2048)


def padded_tar(path):
    """Write a whole tar, behind which 64 mebibytes of zeros follow."""
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("labels.csv"))
    path.write_bytes(path.read_bytes() + gzip.compress(bytes(2**20)) * 64)


BROKEN = {
    missing: (FileNotFoundError, "no archive or folder .*dogs.zip .*; give the path of one"),
    login_page: (NotAnArchiveError, "a web page and not an archive: .*log in with a browser"),
    nothing: (NotAnArchiveError, "is empty; get the archive once more"),
    other_file: (NotAnArchiveError, "neither a zip nor a tar archive; give one with labels.csv"),
    truncated_zip: (NotAnArchiveError, "is damaged, cut short .*; get it once more"),
    truncated_tar: (NotAnArchiveError, "is damaged, cut short .*; get it once more"),
    wrong_checksum: (NotAnArchiveError, "Bad CRC-32 for file 'train/p2.jpg'.*get it once more"),
    another_data_set: (ValueError, "not the archive of dog breeds: it holds no labels.csv"),
    parent_name: (ValueError, "'train/../../../escaped.jpg' leads out of its folder; get"),
    absolute_name: (ValueError, "'/tmp/labkit-escaped.jpg' leads out of its folder; get"),
    drive_name: (ValueError, "'C:/escaped.jpg' leads out of its folder; get"),
    link: (ValueError, "'train/link.jpg' is a link or a device and no file; get"),
    hard_link: (ValueError, "'train/link.jpg' is a link or a device and no file; get"),
    zip_bomb: (ValueError, "bytes would swell to 1,153,433,615; get the archive from its source"),
    tar_bomb: (ValueError, "bytes would swell to 2,147,484,160; get the archive from its source"),
    padded_tar: (ValueError, r"bytes would swell to [\d,]+; get the archive from its source"),
}


@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__)
def test_broken_archive(make, tmp_path, monkeypatch):
    """The sentence; the folder is as it was, whatever was in it; and a good archive goes on."""
    if make is padded_tar:
        monkeypatch.setattr("labkit.dog_breeds.sources.archive._SWELL_FLOOR", 2**24)
    kind, sentence = BROKEN[make]
    archive, folder = tmp_path / "dogs.zip", tmp_path / "inner" / "out"
    make(archive)
    write(folder, {"notes.txt": b"mine"})
    before = snapshot(tmp_path)
    answer(lambda: fetch(archive, folder, progress=False), kind, sentence)
    assert snapshot(tmp_path) == before
    make_zip(archive, FILES)
    assert fetch(archive, folder, progress=False) == folder
    assert pictures_of(folder) == FILES | {"notes.txt": b"mine"}


def test_the_zip_bomb_is_a_real_one(tmp_path):
    zip_bomb(tmp_path / "x.zip", mebibytes=3)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("train/a.jpg") == bytes(3 * 2**20)


GIVEN = "0" * 64


@pytest.mark.parametrize("sha256", [GIVEN, GIVEN.upper()])
def test_archive_with_another_hash(sha256, tmp_path):
    archive, folder = make_zip(tmp_path / "dogs.zip", FILES), tmp_path / "out"
    answer(
        lambda: fetch(archive, folder, sha256=sha256, progress=False),
        ValueError,
        f"dogs.zip has the sha256 [0-9a-f]{{64}} and not {GIVEN}: .*get it once more",
    )
    assert not folder.exists()


def test_archive_with_the_hash_asked_for(tmp_path):
    import hashlib

    archive, folder = make_zip(tmp_path / "dogs.zip", FILES), tmp_path / "out"
    right = hashlib.sha256(archive.read_bytes()).hexdigest()
    for _ in range(2):
        assert fetch(archive, folder, sha256=right, progress=False) == folder
    answer(
        lambda: fetch(archive, folder, sha256=GIVEN),
        FileExistsError,
        "not fetched with the sha256 0{16}….*; .* choose another directory, or leave sha256 out",
    )
    assert pictures_of(folder) == FILES


@pytest.mark.parametrize(
    ("source", "sha256", "sentence"),
    [
        ("drawn", GIVEN, "sha256 belongs to an archive or an address, not to the source 'drawn'"),
        ("kaggle", GIVEN, "not to the source 'kaggle'; leave it out"),
        ("dogs.zip", "abc", "sha256='abc' is no SHA-256; give its 64 hexadecimal digits"),
    ],
)
def test_hash_that_makes_no_sense(source, sha256, sentence, tmp_path):
    answer(lambda: fetch(source, tmp_path / "out", sha256=sha256), ValueError, sentence)


def test_name_too_long_for_a_path(tmp_path):
    answer(lambda: fetch("x" * 300, tmp_path / "out"), OSError, r"cannot be read \(File name too")
