"""Data sets for tests, as dicts from name to bytes; how they are packed, and how a folder looks."""

import csv
import io
import tarfile
import zipfile
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

#: Two breeds of four pictures each.
ROWS = [(f"{breed[0]}{number}", breed) for number in range(4) for breed in ("pug", "beagle")]


def jpeg(shade=128, size=(24, 32)):
    """Encode a picture of one shade of grey."""
    return cv2.imencode(".jpg", np.full((*size, 3), shade, np.uint8))[1].tobytes()


def labels(rows=ROWS):
    """Return the bytes of a ``labels.csv`` with (id, breed) rows."""
    return "".join(f"{','.join(row)}\n" for row in [("id", "breed"), *rows]).encode()


def good_files(rows=ROWS):
    """Return a data set of small pictures, no two alike."""
    shades = range(40, 40 + 8 * len(rows), 8)
    pictures = {f"train/{row[0]}.jpg": jpeg(s) for row, s in zip(rows, shades, strict=True)}
    return {"labels.csv": labels(rows), **pictures}


def few_drawn_dogs(per_breed, breeds=12):
    """Return the first so many pictures of each of so many drawn breeds, and their labels."""
    with zipfile.ZipFile(files("labkit.dog_breeds") / "drawn_dogs.zip") as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    rows = list(csv.reader(io.StringIO(whole["labels.csv"].decode())))
    left = dict.fromkeys(sorted({breed for _, breed in rows[1:]})[:breeds], per_breed)
    chosen = []
    for picture_id, breed in rows[1:]:
        if left.get(breed, 0) > 0:
            left[breed] -= 1
            chosen.append((picture_id, breed))
    pictures = {f"train/{name}.jpg": whole[f"train/{name}.jpg"] for name, _ in chosen}
    return {"labels.csv": labels(chosen), **pictures}


def write(folder, contents):
    """Write files into a folder, which is made; return it."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def make_zip(path, contents, compression=zipfile.ZIP_DEFLATED, more=()):
    """Write files into a zip, and more (name or ZipInfo, content) pairs; return its path."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in [*contents.items(), *more]:
            archive.writestr(name, content)
    return path


def make_tar(path, contents, mode="w:gz", more=()):
    """Write files into a tar, and more TarInfo entries without content; return its path."""
    with tarfile.open(path, mode) as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in more:
            archive.addfile(info)
    return path


def snapshot(folder):
    """Return every file's bytes and every folder's name; hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in Path(folder).rglob("*")
    }


def pictures_of(folder):
    """Return a data set's files without the receipt that fetch writes beside them."""
    names = {name: data for name, data in snapshot(folder).items() if data is not None}
    return {name: data for name, data in names.items() if name != ".source.json"}


def states_of(folder):
    """Return what tells whether a file was written again: its inode and the time of it."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in Path(folder).rglob("*")
        if path.is_file()
    }
