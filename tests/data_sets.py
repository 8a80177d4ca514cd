"""Data sets for tests, as dicts from name to bytes."""

import csv
import io
import zipfile
from importlib.resources import files


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


def labels(rows):
    """Return the bytes of a ``labels.csv`` with (id, breed) rows."""
    return "".join(f"{','.join(row)}\n" for row in [("id", "breed"), *rows]).encode()


def write(folder, contents):
    """Write files into a folder, which is made; return it."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def make_zip(path, contents, compression=zipfile.ZIP_DEFLATED):
    """Write files into a zip; return its path."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path
