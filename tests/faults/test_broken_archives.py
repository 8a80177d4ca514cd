"""Archives that are none, or not the right one, or not safe: one sentence, and nothing changed."""

import gzip
import hashlib
import stat
import struct
import tarfile
import zipfile
import zlib
from functools import partial

import pytest
from broken_places import answer
from data_sets import good_files, make_tar, make_zip, pictures_of, snapshot, write

from labkit import fetch
from labkit.dog_breeds.sources.archive import NotAnArchiveError

FILES = good_files()


def made_of(content):
    """Return a function that writes these bytes where an archive should be."""
    return lambda path: path.write_bytes(content)


def zip_with(contents):
    """Return a function that writes a zip of the good files and more."""
    return lambda path: make_zip(path, FILES | contents)


def tar_with(name):
    """Return a function that writes a tar of the good files and one more of this name."""
    return lambda path: make_tar(path, FILES | {name: b"evil"})


def truncated_zip(path):
    whole = make_zip(path, FILES).read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])


def truncated_tar(path):
    path.write_bytes(make_tar(path, FILES).read_bytes()[:-100])


def wrong_checksum(path):
    whole = make_zip(path, FILES, zipfile.ZIP_STORED).read_bytes()
    path.write_bytes(whole.replace(FILES["train/p2.jpg"], FILES["train/p1.jpg"], 1))


def locked(path):
    """Write a zip whose entries say that they are encrypted."""
    content = bytearray(make_zip(path, FILES).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            content[place + offset] |= 1
    path.write_bytes(content)


def same_name_twice(path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        make_zip(path, FILES, more=[("train/p0.jpg", b"other")])


def link_in_a_zip(path):
    info = zipfile.ZipInfo("train/link.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    make_zip(path, FILES, more=[(info, "/etc/passwd")])


def link_in_a_tar(path, kind):
    info = tarfile.TarInfo("train/link.jpg")
    info.type, info.linkname = kind, "/etc/passwd"
    make_tar(path, FILES, more=[info])


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


PAGE = b"<!DOCTYPE html><html><title>Sign in</title><body>Password:</body></html>"
NO_ARCHIVE = "neither a zip nor a tar archive; give one with labels.csv"
CUT = "is damaged, cut short .*; get it once more"
OTHER = "not the archive of dog breeds: it holds "
OUT = "leads out of its folder; get the archive from its source"
LINK = "'train/link.jpg' is a link or a device and no file; get"
SWELL = "get the archive from its source"

#: What lies where an archive should be, how it is made, and what fetch says.
BROKEN = {
    "missing": (
        lambda path: None,
        FileNotFoundError,
        "no archive or folder .*dogs.zip .*; give the path of one",
    ),
    "login page": (
        made_of(PAGE),
        NotAnArchiveError,
        "a web page and not an archive: .*log in with a browser",
    ),
    "login page with a BOM": (made_of(b"\xef\xbb\xbf \n<HTML lang=en>"), ValueError, "a web page"),
    "login page in XHTML": (made_of(b"<?xml version='1.0'?><html>"), ValueError, "a web page"),
    "nothing": (made_of(b""), NotAnArchiveError, "is empty; get the archive once more"),
    "lecture notes": (made_of(b"%PDF-1.7 lecture notes"), NotAnArchiveError, NO_ARCHIVE),
    "labels alone": (made_of(b"id,breed\na,pug\n"), NotAnArchiveError, NO_ARCHIVE),
    "broken gzip": (made_of(b"\x1f\x8b\x08\x00broken"), NotAnArchiveError, NO_ARCHIVE),
    "head of a zip": (made_of(b"PK\x03\x04 and then nothing"), NotAnArchiveError, CUT),
    "truncated zip": (truncated_zip, NotAnArchiveError, CUT),
    "truncated tar": (truncated_tar, NotAnArchiveError, CUT),
    "wrong checksum": (
        wrong_checksum,
        NotAnArchiveError,
        "Bad CRC-32 for file 'train/p2.jpg'.*get it once more",
    ),
    "password": (locked, NotAnArchiveError, "locked with a password; get it once more"),
    "empty zip": (lambda path: make_zip(path, {}), ValueError, f"{OTHER}no labels.*no file at all"),
    "another data set": (
        lambda path: make_zip(path, {"annotations.csv": b"id,breed\n", "images/a.jpg": b""}),
        ValueError,
        f"{OTHER}no labels.csv at its root or one folder down, but 'annotations.csv', 'images/a",
    ),
    "labels two folders down": (
        lambda path: make_zip(path, {f"x/y/{name}": data for name, data in FILES.items()}),
        ValueError,
        f"{OTHER}no labels.csv at its root or one folder down",
    ),
    "two data sets": (
        lambda path: make_zip(path, {"x/labels.csv": b"", "y/labels.csv": b""}),
        ValueError,
        f"{OTHER}2 files labels.csv",
    ),
    "picture in a folder of train": (
        zip_with({"train/more/c.jpg": b""}),
        ValueError,
        "1 picture .* no row for 'more/c.jpg'",
    ),
    "labels too large": (
        zip_with({"labels.csv": bytes(2**26 + 1)}),
        ValueError,
        "its labels.csv has 67,108,865 bytes, and 67,108,864 are allowed; get",
    ),
    "parent name": (zip_with({"../escaped.jpg": b"evil"}), ValueError, f"'../escaped.jpg' {OUT}"),
    "parent name further down": (zip_with({"train/../../x.jpg": b"evil"}), ValueError, OUT),
    "parent itself": (zip_with({"..": b"evil"}), ValueError, OUT),
    "parent name of Windows": (zip_with({"..\\x.jpg": b"evil"}), ValueError, f"'../x.jpg' {OUT}"),
    "absolute name": (zip_with({"/tmp/x.jpg": b"evil"}), ValueError, f"'/tmp/x.jpg' {OUT}"),
    "drive name": (zip_with({"C:\\x.jpg": b"evil"}), ValueError, f"'C:/x.jpg' {OUT}"),
    "parent name in a tar": (tar_with("../x.jpg"), ValueError, OUT),
    "parent name further down in a tar": (tar_with("train/../../x.jpg"), ValueError, OUT),
    "parent itself in a tar": (tar_with(".."), ValueError, OUT),
    "absolute name in a tar": (tar_with("/tmp/x.jpg"), ValueError, OUT),
    "drive name in a tar": (tar_with("C:/x.jpg"), ValueError, OUT),
    "same name twice": (same_name_twice, ValueError, "it holds 'train/p0.jpg' twice; get"),
    "link in a zip": (link_in_a_zip, ValueError, LINK),
    "link in a tar": (partial(link_in_a_tar, kind=tarfile.SYMTYPE), ValueError, LINK),
    "hard link": (partial(link_in_a_tar, kind=tarfile.LNKTYPE), ValueError, LINK),
    "device": (partial(link_in_a_tar, kind=tarfile.FIFOTYPE), ValueError, LINK),
    "zip bomb": (zip_bomb, ValueError, f"bytes would swell to 1,153,433,615; {SWELL}"),
    "tar bomb": (tar_bomb, ValueError, f"bytes would swell to 2,147,484,160; {SWELL}"),
    "padded tar": (padded_tar, ValueError, rf"bytes would swell to [\d,]+; {SWELL}"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archive(name, tmp_path, monkeypatch):
    """The sentence; the folder is as it was, whatever was in it; and a good archive goes on."""
    if name == "padded tar":
        monkeypatch.setattr("labkit.dog_breeds.sources.archive._SWELL_FLOOR", 2**24)
    make, kind, sentence = BROKEN[name]
    archive, folder = tmp_path / "dogs.zip", tmp_path / "inner" / "out"
    make(archive)
    write(folder, {"notes.txt": b"mine"})
    before = snapshot(tmp_path)
    assert str(archive) in answer(lambda: fetch(archive, folder, progress=False), kind, sentence)
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
