"""List the pictures of a folder that has one folder for each class."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labkit.dog_breeds.pictures import SUFFIXES, is_sidecar, pictures_below


@dataclass(frozen=True)
class Listing:
    """The pictures of a directory, in Keras' order: by class, then by name.

    Args:
        directory: The folder that holds a folder for each class (Path).
        class_indices: Dict of class names to ints, 0 to classes - 1.
        filenames: Tuple of paths relative to the directory, such as `"beagle/1.jpg"`.
        classes: Int32 array: the class of each picture.
    """

    directory: Path
    class_indices: dict
    filenames: tuple
    classes: np.ndarray


def list_pictures(directory, classes=None, follow_links=False):
    """List the pictures in the class folders of a directory.

    Unlike Keras, this passes over what systems put there: `.ipynb_checkpoints` is no breed,
    macOS' `._dog.jpg` and what lies in `@eaDir` no picture. And it does not pass over `.gif`
    and `.webp`.

    Args:
        directory: The folder that holds a folder for each class.
        classes: Names of the folders to use, in the order of their indices; or None for all
            of them, by name.
        follow_links: Whether to enter linked folders inside class folders.

    Returns:
        A :class:`Listing`.

    Raises:
        FileNotFoundError: If the directory, or a class folder asked for, is not there.
        ValueError: If there is no class folder, or no picture.
    """
    directory = Path(directory)
    names = _class_names(directory) if classes is None else _checked(directory, classes)
    found = [_pictures_in(directory, name, follow_links) for name in names]
    filenames = tuple(path for paths in found for path in paths)
    if not filenames:
        raise ValueError(
            f"The class folders of {directory} hold no picture ({', '.join(SUFFIXES)}); "
            "labkit.reorganise fills them."
        )
    of_class = np.repeat(np.arange(len(names), dtype=np.int32), [len(paths) for paths in found])
    return Listing(directory, {name: i for i, name in enumerate(names)}, filenames, of_class)


def _class_names(directory):
    if not directory.is_dir():
        raise FileNotFoundError(
            f"There is no folder {directory}; labkit.reorganise makes train_sorted and "
            "val_sorted beside the pictures."
        )
    names = sorted(
        entry.name
        for entry in os.scandir(directory)
        if entry.is_dir() and not is_sidecar(entry.name)
    )
    if not names:
        raise ValueError(
            f"{directory} has no class folder; it must hold one folder for each class, as "
            "labkit.reorganise makes them."
        )
    return names


def _checked(directory, classes):
    names = list(classes)
    if isinstance(classes, str) or not names or len(set(names)) < len(names):
        raise ValueError(
            f"classes={classes!r} must be a list of different folder names, or None for all."
        )
    missing = [name for name in names if not (directory / name).is_dir()]
    if missing:
        raise FileNotFoundError(
            f"{directory} has no folder for the class {missing[0]!r}; leave classes out to "
            "take all folders that are there."
        )
    return names


def _pictures_in(directory, class_name, follow_links):
    names = pictures_below(directory / class_name, follow_links)
    return [os.path.join(class_name, name) for name in names]
