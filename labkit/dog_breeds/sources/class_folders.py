"""Pictures that lie in a folder for each class, brought into the layout of the photographs.

So come Stanford Dogs (``Images/n02085620-Chihuahua/…``), Imagewoof (``train/…`` and ``val/…``)
and what one sorts by hand. The pictures are linked or copied; their own folder is not changed.
"""

import itertools
import os
import re
import warnings
from collections import Counter

from labkit.dog_breeds.pictures import (
    UNREADABLE,
    is_picture,
    is_sidecar,
    pictures_below,
    states_of,
)
from labkit.dog_breeds.sources.layout import (
    FORBIDDEN,
    LABELS,
    PICTURES,
    on_any_disk,
    parse_labels,
)
from labkit.files import fingerprint, link_or_copy
from labkit.tables import as_csv
from labkit.words import some

#: Folders that hold class folders and are none. What validates comes first, as in ``reorganise``.
_PARTS = ("val", "valid", "validation", "val_sorted", "test", "train", "training", "train_sorted")
_WRAPPERS = (*_PARTS, "images")


def find_class_folders(directory):
    """Find the folders that hold the pictures of one class each.

    Args:
        directory: Folder that holds them, be it one or two folders down (path).

    Returns:
        A list of paths, those of a validation part first; empty if there are none.

    Raises:
        ValueError: Pictures lie beside class folders, or folders of classes beside folders of
            pictures, so that some have no class.
    """
    folders = _folders_in(directory)
    wrappers = [folder for folder in folders if _wraps(folder, len(folders) == 1)]
    if not wrappers and any(folder.name.casefold() in _PARTS for folder in folders):
        return []  # a part of some other layout
    loose = [folder.name for folder in folders if folder not in wrappers] if wrappers else []
    _refuse_loose(directory, [*_pictures_in(directory), *loose] if folders else [])
    if not wrappers:
        return folders
    return [found for wrapper in wrappers for found in find_class_folders(wrapper)]


def _folders_in(directory):
    """Return the folders that hold pictures, by their part of the data and then by name."""
    folders = [
        path
        for path in directory.iterdir()
        if path.is_dir() and not is_sidecar(path.name) and pictures_below(path)
    ]
    order = {name: place for place, name in enumerate(_PARTS)}
    return sorted(folders, key=lambda p: (order.get(p.name.casefold(), len(order)), p.name))


def _pictures_in(directory):
    return sorted(path.name for path in directory.iterdir() if is_picture(path.name))


def _wraps(folder, alone):
    """Say whether a folder holds class folders rather than the pictures of a class."""
    called_so = alone or folder.name.casefold() in _WRAPPERS
    return called_so and not _pictures_in(folder)


def _refuse_loose(directory, names):
    if names:
        raise ValueError(
            f"{directory} holds a folder for each class, and {some(names)} beside them, of no "
            f"class: move what has none away, or give the folder that holds class folders alone."
        )


def describe_class_folders(directory):
    """Condense which pictures there are, and their sizes and times, into hexadecimal digits.

    Args:
        directory: Folder that holds class folders (path).

    Returns:
        A str, another one once pictures were added, removed or changed.
    """
    return fingerprint(states_of(directory, pictures_below(directory))).hex()


def bring_from_class_folders(directory, destination):
    """Bring ``labels.csv`` and ``train/`` into a folder, of pictures in class folders.

    Args:
        directory: Folder that holds them (path).
        destination: Empty folder to write into (path).

    Raises:
        ValueError: A folder's name cannot be a breed's, or pictures have no class.
        OSError: The destination cannot be written to, or its disk is full.
    """
    rows = [
        (folder.name, folder / name)
        for folder in find_class_folders(directory)
        for name in pictures_below(folder)
    ]
    _warn_of_unreadable(directory)
    ids = give_ids(rows)
    labelled = ((name, breed) for name, (breed, _) in zip(ids, rows, strict=True))
    content = as_csv([("id", "breed"), *labelled]).encode()
    parse_labels(content, f"{LABELS} made of {directory}")
    (destination / PICTURES).mkdir()
    for name, (_, path) in zip(ids, rows, strict=True):
        target = destination / PICTURES / f"{name}{path.suffix}"
        link_or_copy(os.path.realpath(path), target, destination / "copy.part")
    (destination / LABELS).write_bytes(content)


def _warn_of_unreadable(directory):
    kinds = Counter(path.suffix.lower() for path in directory.rglob("*") if path.is_file())
    if left_out := [f"{kinds[kind]:,} {kind}" for kind in UNREADABLE if kinds[kind]]:
        warnings.warn(
            f"Left out, because OpenCV does not read them: {', '.join(left_out)} in {directory}; "
            f"save them as .jpg, delete what was made of the folder, and fetch it again.",
            stacklevel=2,
        )


def give_ids(rows):
    """Name pictures by their files, and by more where that is not enough to tell them apart.

    Args:
        rows: Sequence of pairs (breed, path of the picture).

    Returns:
        A list of ids, no two of which are one name on any disk.

    Example:
        >>> from pathlib import Path
        >>> give_ids([("pug", Path("pug/IMG_1.jpg")), ("pug", Path("pug/Rex.JPG"))])
        ['IMG_1', 'Rex']
        >>> give_ids([("pug", Path("pug/1.jpg")), ("collie", Path("collie/1.png"))])
        ['pug_1', 'collie_1']
    """
    stems = [re.sub(FORBIDDEN, "_", path.stem).strip(" .") or "picture" for _, path in rows]
    common = Counter(map(on_any_disk, stems))
    taken = {stem for stem, number in common.items() if number == 1}
    ids = []
    for (breed, _), stem in zip(rows, stems, strict=True):
        if common[on_any_disk(stem)] > 1:
            numbered = (f"{breed}_{stem}_{number}" for number in itertools.count(2))
            names = itertools.chain([f"{breed}_{stem}"], numbered)
            stem = next(name for name in names if on_any_disk(name) not in taken)
            taken.add(on_any_disk(stem))
        ids.append(stem)
    return ids
