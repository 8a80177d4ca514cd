"""Sort pictures into a folder for each breed.

``train/`` is only read. The sorted folders hold hard links where the file system allows
them, so they take no bytes of their own; changing a sorted picture in place would therefore
change the one in ``train/`` too, while deleting it would not.
"""

import filecmp
import os
import shutil
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from labkit.dog_breeds.pictures import is_sidecar
from labkit.dog_breeds.sources.layout import LABELS, PICTURES, SUFFIX, read_data_set
from labkit.files import errors_in_a_sentence, exclusive, link_or_copy
from labkit.words import count, some

TRAINING = "train_sorted"
VALIDATION = "val_sorted"

#: One picture in this many validates.
_FOLD = 5
#: Unfinished folders, inside the destination, so that renaming never copies.
_UNFINISHED = ".sorting"


@dataclass(frozen=True)
class SortedFolders:
    """Where the sorted pictures lie, and how many there are.

    Args:
        train_sorted: Path of the training folder, with a folder for each breed in it.
        val_sorted: Path of the validation folder, with the same folders in it.
        training: Number of training pictures.
        validation: Number of validation pictures.
        breeds: Number of breeds.
    """

    train_sorted: Path
    val_sorted: Path
    training: int
    validation: int
    breeds: int

    def __str__(self):
        return (
            f"{count(self.training, 'picture')} to train and {self.validation:,} to validate, "
            f"{count(self.breeds, 'breed')}"
        )


def reorganise(directory, destination=None, *, progress=True):
    """Sort pictures into ``train_sorted/<breed>/`` and ``val_sorted/<breed>/``.

    Of each breed, in the order of ``labels.csv``, the first ceil(n / 5) pictures validate and
    the others train. A second call finds them sorted and does nothing; after a killed run it
    goes on where that one stopped. ``train/`` is never changed.

    Args:
        directory: Folder that holds ``labels.csv`` and ``train/`` (str or path).
        destination: Where to make the two folders (str or path); in ``directory`` by default.
        progress: Whether to show a bar when it takes more than two seconds.

    Returns:
        A :class:`SortedFolders`.

    Raises:
        FileNotFoundError: ``labels.csv`` or ``train/`` is not there.
        ValueError: Labels and pictures do not match, or a breed has a single picture.
        FileExistsError: The sorted folders hold what the labels do not put there. Nothing
            is written then.
        OSError: The destination cannot be written to, or its disk is full.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "labels.csv").write_text("id,breed\\n7f,pug\\n03,pug\\n")
        >>> (folder / "train").mkdir()
        >>> for name in ("03", "7f"):
        ...     (folder / "train" / f"{name}.jpg").touch()
        >>> print(reorganise(folder))
        1 picture to train and 1 to validate, 1 breed
        >>> [path.name for path in (folder / "val_sorted" / "pug").iterdir()]
        ['7f.jpg']
    """
    directory = Path(directory).expanduser()
    labels, files = read_data_set(directory)
    plan = plan_folders(labels, files)
    target = directory if destination is None else Path(destination).expanduser()
    _refuse_train(target, directory)
    advice = (
        "make room there and call reorganise again, which goes on where it stopped, or choose "
        "another destination: reorganise(data, FOLDER); sorted_directory=FOLDER in the lab's "
        "settings; --sorted FOLDER for the command"
    )
    with errors_in_a_sentence(f"The sorted folders cannot be written to {target}", advice):
        target.mkdir(parents=True, exist_ok=True)
        with exclusive(target):
            _sort_into(target, plan, directory / PICTURES, progress)
    training, validation = len(plan[TRAINING]), len(plan[VALIDATION])
    breeds = len(set(labels.values()))
    return SortedFolders(target / TRAINING, target / VALIDATION, training, validation, breeds)


def validation_size(size):
    """Return how many of a breed's pictures validate: ceil(size / 5).

    Args:
        size: Number of the breed's pictures.

    Returns:
        An int.

    Example:
        >>> [validation_size(n) for n in (2, 5, 6, 66, 126)]
        [1, 1, 2, 14, 26]
    """
    return -(-size // _FOLD)


def plan_folders(labels, files=None):
    """Decide where each picture goes.

    Args:
        labels: Dict from id to breed, in the labels' order.
        files: Dict from id to the picture's file name; by default ``<id>.jpg``.

    Returns:
        A dict from ``"val_sorted"`` and ``"train_sorted"`` to a dict from
        ``<breed>/<file name>`` to the file name.

    Raises:
        ValueError: A breed has a single picture and cannot be split.

    Example:
        >>> plan_folders({"7f": "pug", "03": "pug"})
        {'val_sorted': {'pug/7f.jpg': '7f.jpg'}, 'train_sorted': {'pug/03.jpg': '03.jpg'}}
    """
    ids = defaultdict(list)
    for picture_id, breed in labels.items():
        ids[breed].append(picture_id)
    _refuse_small_breeds(ids)
    files = {name: f"{name}{SUFFIX}" for name in labels} if files is None else files
    plan = {VALIDATION: {}, TRAINING: {}}
    for breed, names in ids.items():
        cut = validation_size(len(names))
        plan[VALIDATION] |= {f"{breed}/{files[name]}": files[name] for name in names[:cut]}
        plan[TRAINING] |= {f"{breed}/{files[name]}": files[name] for name in names[cut:]}
    return plan


def _refuse_small_breeds(ids):
    if small := sorted(breed for breed, names in ids.items() if len(names) < 2):
        raise ValueError(
            f"{count(len(small), 'breed')} with a single picture cannot be split into training and "
            f"validation: {some(small)}; add pictures, or remove the rows from {LABELS} and the "
            f"pictures from {PICTURES}/."
        )


def _refuse_train(target, directory):
    pictures = (directory / PICTURES).resolve()
    if target.resolve() == pictures or pictures in target.resolve().parents:
        raise ValueError(
            f"The sorted folders cannot go to {target}, because {PICTURES}/ is never changed; "
            f"choose a destination outside it."
        )


def _sort_into(target, plan, pictures, progress):
    """Make both folders; each gets its name when it is whole."""
    homes = {split: _home_of(split, target, plan[split], pictures) for split in plan}
    missing = {split: _missing(homes[split], plan[split], pictures) for split in plan}
    if any(missing.values()):
        (target / _UNFINISHED).mkdir(exist_ok=True)
        _place_all(homes, missing, pictures, target / _UNFINISHED / "copy.part", progress)
    for split, home in homes.items():
        if home != target / split:
            os.replace(home, target / split)
    shutil.rmtree(target / _UNFINISHED, ignore_errors=True)


def _home_of(split, target, placed, pictures):
    """Return where to go on with a split: in place, or in the folder of unfinished ones."""
    if (target / split).exists():
        return target / split
    unfinished = target / _UNFINISHED / split
    with suppress(FileExistsError):
        _missing(unfinished, placed, pictures)
        return unfinished
    # A run killed before the labels changed: its unfinished folder is of no use.
    shutil.rmtree(unfinished)
    return unfinished


def _missing(home, placed, pictures):
    """Return what of a plan is not there yet, refusing what is there against the plan."""
    found = _listing(home)
    breeds = {f"{name.split('/')[0]}/" for name in placed}
    if strange := sorted(found - placed.keys() - breeds):
        raise _sorted_before(home, f"the labels do not put {some(strange)} there", strange)
    present = sorted(found & placed.keys())
    # By size and time, which a link or a fresh copy shares, and by content only where they differ.
    if changed := [n for n in present if not filecmp.cmp(home / n, pictures / placed[n])]:
        raise _sorted_before(home, f"{some(changed)} differ from the originals", changed)
    return {name: picture for name, picture in placed.items() if name not in found}


def _sorted_before(home, reason, names):
    return FileExistsError(
        f"{home} was sorted differently before: {reason} ({count(len(names), 'name')} in all); "
        f"delete or move away {TRAINING} and {VALIDATION}, and call reorganise again."
    )


def _listing(home):
    """Return the names in a sorted folder: ``breed/`` and ``breed/file``; no system's own ones."""
    if not home.exists():
        return set()
    found = _names_in(home)
    for breed in [name for name in found if name.endswith("/")]:
        found |= {f"{breed}{name}" for name in _names_in(home / breed)}
    return found


def _names_in(folder):
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not is_sidecar(entry.name)]
        return {f"{entry.name}/" if entry.is_dir() else entry.name for entry in shown}


def _place_all(homes, missing, pictures, temporary, progress):
    """Link every missing picture into its folder."""
    originals = _originals(pictures)
    total = sum(map(len, missing.values()))
    with tqdm(total=total, desc="Sorting", unit=" files", delay=2, disable=not progress) as bar:
        for split, home in homes.items():
            for breed in {name.split("/")[0] for name in missing[split]}:
                os.makedirs(f"{home}/{breed}", exist_ok=True)
            for name, picture in missing[split].items():
                link_or_copy(originals[picture], f"{home}/{name}", temporary)
                bar.update()


def _originals(folder):
    """Map each file's name to its path; to the place a symbolic link points to.

    A hard link to a symbolic link would point nowhere from its new folder.
    """
    with os.scandir(folder) as entries:
        return {
            entry.name: os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            for entry in entries
        }
