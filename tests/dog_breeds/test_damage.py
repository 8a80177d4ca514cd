"""Damaged pictures are found, whole ones are not suspected, and each folder is read once."""

import io
import random
import struct
import zipfile
import zlib
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from labkit.dog_breeds import damage
from labkit.dog_breeds.damage import find_damaged, refuse, require_undamaged, warn_left_out
from labkit.dog_breeds.pictures import UndecodableError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """Nothing is known of any folder yet."""
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(damage, "_found", {})


@pytest.fixture(scope="module")
def drawn():
    """The drawn dogs, as bytes."""
    with zipfile.ZipFile(files("labkit.dog_breeds") / "drawn_dogs.zip") as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(".jpg")]


def encoded(picture, kind="JPEG", mode=None, **options):
    file = io.BytesIO()
    image = Image.fromarray(picture)
    (image if mode is None else image.convert(mode)).save(file, kind, **options)
    return file.getvalue()


def is_refused(data, tmp_path):
    path = tmp_path / "dog.jpg"
    path.write_bytes(data)
    try:
        require_undamaged(path)
    except UndecodableError as error:
        assert "\n" not in str(error)
        return True
    return False


def start_of_scan(data):
    head = data.rindex(b"\xff\xda")
    return head + 2 + int.from_bytes(data[head + 2 : head + 4], "big")


def broken_off(data, chance):
    return data[: chance.randint(start_of_scan(data), len(data) - 3)]


def broken_off_and_closed(data, chance):
    # With what is missing of a few bytes at the end the decoder can still make do.
    return data[: chance.randint(start_of_scan(data), len(data) - 40)] + b"\xff\xd9"


def zeroed(data, chance, number=200):
    start = chance.randint(start_of_scan(data), len(data) - 2 - number)
    return data[:start] + bytes(number) + data[start + number :]


def zeroed_a_little(data, chance):
    return zeroed(data, chance, 20)


def lost(data, chance, number=300):
    start = chance.randint(start_of_scan(data), len(data) - 2 - number)
    return data[:start] + data[start + number :]


@pytest.mark.parametrize(
    ("spoil", "least"),
    [
        (broken_off, 100),
        (broken_off_and_closed, 100),
        (zeroed, 100),
        (zeroed_a_little, 100),
        # Now and then the rest of the data happens to fill the picture.
        (lost, 97),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_of_a_hundred_damaged_dogs_so_many_are_found(spoil, least, drawn, tmp_path):
    chance = random.Random(5)
    found = sum(is_refused(spoil(data, chance), tmp_path) for data in chance.sample(drawn, 100))
    assert found >= least


def test_no_drawn_dog_is_suspected(drawn, tmp_path):
    assert not any(is_refused(data, tmp_path) for data in drawn)


KINDS = {
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    "progressive": {"progressive": True},
    "tables of its own": {"optimize": True},
    "without subsampling": {"subsampling": 0},
    "restart markers": {"restart_marker_blocks": 4},
    "RGB": {"keep_rgb": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_jpeg_is_whole_until_it_is_broken(kind, soft_picture, tmp_path):
    data = encoded(soft_picture(200, 160), **KINDS[kind])
    assert not is_refused(data, tmp_path)
    assert is_refused(data[:-300] + b"\xff\xd9", tmp_path)
    assert is_refused(data[:-300], tmp_path)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_zeros_of_a_plain_picture_are_no_damage(mode, tmp_path):
    """With tables of its own, a picture of one colour is nothing but zeros."""
    data = encoded(np.full((800, 800, 3), 200, np.uint8), mode=mode, optimize=True)
    assert bytes(50) in data[start_of_scan(data) :]
    assert not is_refused(data, tmp_path)


def test_what_cameras_add_is_no_damage(soft_picture, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "zeros: " + "\0" * 99
    data = encoded(soft_picture(200, 160), exif=exif)
    assert not is_refused(data, tmp_path)
    assert not is_refused(data + bytes(5000), tmp_path)  # a film of the moment before
    assert not is_refused(data + bytes(5000) + data, tmp_path)  # a smaller copy


def test_odd_head_does_not_hide_the_damage_behind_it(soft_picture, tmp_path):
    # A version of which libjpeg warns, and of that alone.
    data = encoded(soft_picture(200, 160)).replace(b"JFIF\0\x01", b"JFIF\0\x07")
    assert b"JFIF\0\x07" in data
    assert not is_refused(data, tmp_path)
    assert is_refused(data[:-300] + b"\xff\xd9", tmp_path)


def chunks(data):
    """Give (kind, start of content, end of content) of each chunk of a PNG."""
    place = 8
    while place < len(data):
        (length,) = struct.unpack(">L", data[place : place + 4])
        yield data[place + 4 : place + 8], place + 8, place + 8 + length
        place += 12 + length


def test_every_flipped_byte_of_a_png_is_noticed(soft_picture, tmp_path):
    data = encoded(soft_picture(20, 16), "PNG")
    assert not is_refused(data, tmp_path)
    assert not is_refused(data + b"more", tmp_path)
    for kind, start, end in chunks(data):
        for place in {start, (start + end) // 2, end}:  # the last is in the checksum
            flipped = bytearray(data)
            flipped[place] ^= 1
            assert is_refused(bytes(flipped), tmp_path), (kind, place)
    for end in (9, 20, len(data) // 2, len(data) - 5):
        assert is_refused(data[:end], tmp_path)


def test_png_with_too_few_pixels_is_noticed_though_its_checksums_agree(soft_picture, tmp_path):
    data = encoded(soft_picture(20, 16), "PNG")
    (start, end) = next((s, e) for kind, s, e in chunks(data) if kind == b"IDAT")
    few = zlib.compress(zlib.decompress(data[start:end])[:100])
    chunk = struct.pack(">L", len(few)) + b"IDAT" + few
    chunk += struct.pack(">L", zlib.crc32(b"IDAT" + few))
    assert is_refused(data[: start - 8] + chunk + data[end + 4 :], tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
@pytest.mark.parametrize("how", ["half", "empty", "text", "head only", "gone"])
def test_broken_file_is_named(how, kind, tmp_path, soft_picture, capfd):
    data = encoded(soft_picture(75, 100), kind)
    path = tmp_path / "dog.jpg"
    path.write_bytes(data)
    require_undamaged(path)
    broken = {
        "half": data[: len(data) // 2],
        "empty": b"",
        "text": b"<html>Too many requests</html>",
        "head only": data[:20],
    }
    path.write_bytes(broken.get(how, b""))
    if how == "gone":
        path.unlink()
    with pytest.raises(UndecodableError, match=r"dog.jpg cannot be decoded \(.*skip"):
        require_undamaged(path)
    assert capfd.readouterr().err == ""  # No decoder speaks before us.


def fill(folder, soft_picture, number=5):
    for position in range(number):
        (folder / f"{position}.jpg").write_bytes(encoded(soft_picture(40, 50, seed=position)))
    return [f"{position}.jpg" for position in range(number)]


def test_damaged_pictures_are_found_in_their_order(tmp_path, soft_picture):
    names = fill(tmp_path, soft_picture, 9)
    (tmp_path / "7.jpg").write_bytes(b"no picture")
    (tmp_path / "2.jpg").write_bytes(b"")
    (tmp_path / "4.jpg").unlink()
    found = find_damaged(tmp_path, names, progress=False)
    assert list(found) == ["2.jpg", "4.jpg", "7.jpg"]
    assert str(found["2.jpg"]).startswith(f"{tmp_path / '2.jpg'} cannot be decoded (the file is e")
    assert find_damaged(tmp_path, [], progress=False) == {}


def count_looks(monkeypatch):
    looked_at = []
    original = damage.require_undamaged

    def count(path):
        looked_at.append(path.name)
        original(path)

    monkeypatch.setattr(damage, "require_undamaged", count)
    return looked_at


def test_a_folder_is_looked_through_once_and_again_when_a_file_changes(
    tmp_path, soft_picture, monkeypatch
):
    names = fill(tmp_path, soft_picture)
    (tmp_path / "3.jpg").write_bytes(b"no picture")
    looked_at = count_looks(monkeypatch)
    first = find_damaged(tmp_path, names)
    assert sorted(looked_at) == names
    monkeypatch.setattr(damage, "_found", {})  # a new process
    again = find_damaged(str(tmp_path), names)
    assert len(looked_at) == 5
    assert {name: str(error) for name, error in again.items()} == {
        name: str(error) for name, error in first.items()
    }
    (tmp_path / "3.jpg").write_bytes((tmp_path / "2.jpg").read_bytes())
    assert find_damaged(tmp_path, names) == {}
    assert len(looked_at) == 10


def test_what_could_not_be_read_is_looked_at_again(tmp_path, soft_picture, monkeypatch):
    names = fill(tmp_path, soft_picture)
    (tmp_path / "3.jpg").rename(tmp_path / "elsewhere")
    looked_at = count_looks(monkeypatch)
    for _ in range(2):
        assert not find_damaged(tmp_path, names)["3.jpg"].was_read
    assert len(looked_at) == 10
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_spoilt_cache_is_made_again(content, tmp_path, soft_picture, monkeypatch):
    names = fill(tmp_path, soft_picture)
    (tmp_path / "3.jpg").write_bytes(b"no picture")
    find_damaged(tmp_path, names)
    (kept,) = (tmp_path / "cache" / "damaged").iterdir()
    kept.write_bytes(content)
    monkeypatch.setattr(damage, "_found", {})
    assert list(find_damaged(tmp_path, names)) == ["3.jpg"]


def test_without_a_cache_it_is_remembered_while_the_process_lives(
    tmp_path, soft_picture, monkeypatch
):
    names = fill(tmp_path, soft_picture)
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    looked_at = count_looks(monkeypatch)
    for _ in range(2):
        assert find_damaged(tmp_path, names) == {}
    assert len(looked_at) == 5


def test_one_several_and_none_are_refused_or_left_out(tmp_path):
    damaged = {
        f"{number}.jpg": UndecodableError(tmp_path / f"{number}.jpg", "the file is empty")
        for number in range(7)
    }
    refuse({})
    warn_left_out({})
    with pytest.raises(UndecodableError, match=r"0.jpg cannot be decoded \(the file is empty\): "):
        refuse({"0.jpg": damaged["0.jpg"]})
    with pytest.raises(ValueError, match=r"0.jpg', .*4.jpg' and 2 more cannot be decoded: "):
        refuse(damaged)
    with pytest.warns(UserWarning, match=r"Left out, .*4.jpg' and 2 more\.") as seen:
        warn_left_out(damaged)
    assert seen[0].filename == __file__
