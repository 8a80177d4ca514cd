"""Sort pictures into a folder for each breed, and count them.

``train/`` is only read. The sorted folders hold hard links where the file system allows
them, so they take no bytes of their own; changing a sorted picture in place would therefore
change the one in ``train/`` too, while deleting it would not.
"""

import filecmp
import hashlib
import os
import shutil
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tqdm import tqdm

from labkit.dog_breeds.sources.layout import (
    LABELS,
    PICTURES,
    SUFFIX,
    in_a_sentence,
    read_labels,
)
from labkit.files import exclusive, link_or_copy
from labkit.words import count, some

TRAINING = "train_sorted"
VALIDATION = "val_sorted"

#: One picture in this many validates.
_FOLD = 5
#: Unfinished folders, inside the destination, so that renaming never copies.
_STAGING = ".sorting"


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


@dataclass(frozen=True)
class ClassSizes:
    """How many pictures each breed has, from the smallest class to the largest.

    Prints as a table; :meth:`rows` gives all of it.

    Args:
        breeds: Names (tuple of str), by size and then by name.
        sizes: Number of pictures of each (tuple of int), in the same order.
    """

    breeds: tuple[str, ...]
    sizes: tuple[int, ...]

    def __len__(self):
        return len(self.breeds)

    @property
    def total(self):
        """Number of pictures of all breeds."""
        return sum(self.sizes)

    def rows(self):
        """Return a tuple of rows (breed, pictures, training, validation)."""
        return tuple(
            (breed, size, size - validation_size(size), validation_size(size))
            for breed, size in zip(self.breeds, self.sizes, strict=True)
        )

    def __str__(self):
        rows = [_COLUMNS, *self._shown()]
        width = max(len(str(row[0])) for row in rows)
        return "\n".join(
            f"{row[0]:<{width}}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows
        )

    __repr__ = __str__

    def _repr_html_(self):
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in self._shown()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _shown(self, ends=5):
        """Return the first and last rows as text, with the sum below."""
        rows = [(row[0], *(f"{n:,}" for n in row[1:])) for row in self.rows()]
        if len(rows) > 2 * ends + 1:
            rows = [*rows[:ends], ("…",) * len(_COLUMNS), *rows[-ends:]]
        sums = (sum(column) for column in list(zip(*self.rows(), strict=True))[1:])
        return [*rows, (count(len(self), "breed"), *(f"{n:,}" for n in sums))]


_COLUMNS = ("breed", "pictures", "training", "validation")


@dataclass(frozen=True)
class Duplicate:
    """One picture that a data set holds several times.

    Args:
        ids: The ids of its copies (tuple of str), in the labels' order.
        breeds: The breed each copy is labelled with (tuple of str), in the same order.
    """

    ids: tuple[str, ...]
    breeds: tuple[str, ...]

    @property
    def contradicts(self):
        """Whether the copies carry different breeds."""
        return len(set(self.breeds)) > 1


class Duplicates(tuple):
    """A tuple of :class:`Duplicate` that prints as a sentence, and a line for each contradiction.

    Example:
        >>> print(Duplicates([Duplicate(("7f", "03"), ("pug", "boxer"))]))
        1 picture is there more than once, 1 of them under different breeds:
        7f pug, 03 boxer
    """

    _SHOWN = 10

    @property
    def contradictions(self):
        """Those whose copies carry different breeds, as a tuple."""
        return tuple(found for found in self if found.contradicts)

    def __str__(self):
        if not self:
            return "No picture is there more than once."
        verb = "is" if len(self) == 1 else "are"
        number = len(self.contradictions)
        end = ":" if number else "."
        summary = (
            f"{count(len(self), 'picture')} {verb} there more than once, {number or 'none'} of "
            f"them under different breeds{end}"
        )
        more = [f"and {number - self._SHOWN:,} more"] if number > self._SHOWN else []
        return "\n".join([summary, *map(_copies, self.contradictions[: self._SHOWN]), *more])


def _copies(found):
    return ", ".join(f"{i} {breed}" for i, breed in zip(found.ids, found.breeds, strict=True))


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
    directory = Path(directory)
    labels = read_labels(directory)
    plan = plan_folders(labels)
    target = directory if destination is None else Path(destination).expanduser()
    _refuse_train(target, directory)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with exclusive(target):
            _sort_into(target, plan, directory / PICTURES, progress)
    except OSError as error:
        raise _in_a_sentence(error, target) from None
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


def plan_folders(labels):
    """Decide where each picture goes.

    Args:
        labels: Dict from id to breed, in the labels' order.

    Returns:
        A dict from ``"val_sorted"`` and ``"train_sorted"`` to a dict from
        ``<breed>/<id>.jpg`` to ``<id>.jpg``.

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
    plan = {VALIDATION: {}, TRAINING: {}}
    for breed, names in ids.items():
        cut = validation_size(len(names))
        plan[VALIDATION] |= {f"{breed}/{name}{SUFFIX}": f"{name}{SUFFIX}" for name in names[:cut]}
        plan[TRAINING] |= {f"{breed}/{name}{SUFFIX}": f"{name}{SUFFIX}" for name in names[cut:]}
    return plan


def class_sizes(directory):
    """Count the pictures of each breed.

    Args:
        directory: Folder that holds ``labels.csv`` and ``train/`` (str or path).

    Returns:
        A :class:`ClassSizes`, from the smallest class to the largest.

    Raises:
        FileNotFoundError: ``labels.csv`` or ``train/`` is not there.
        ValueError: Labels and pictures do not match.

    Example:
        >>> print(ClassSizes(("pug", "beagle"), (4, 6)))
        breed        pictures    training  validation
        pug                 4           3           1
        beagle              6           4           2
        2 breeds           10           7           3
    """
    counts = Counter(read_labels(directory).values())
    ordered = sorted(counts.items(), key=lambda item: (item[1], item[0]))
    return ClassSizes(tuple(b for b, _ in ordered), tuple(n for _, n in ordered))


def duplicates(directory, by="bytes"):
    """Find pictures that are there more than once: a flaw of the data, which training hides.

    Args:
        directory: Folder that holds ``labels.csv`` and ``train/`` (str or path).
        by: What makes two files one picture: ``"bytes"``, that they are the same to the last
            byte; or ``"appearance"``, that they look alike, whatever their size and
            compression, which takes some seconds for 10,000 pictures
            (:func:`labkit.dog_breeds.lookalikes.find_lookalikes`).

    Returns:
        :class:`Duplicates`, a tuple of :class:`Duplicate` in the labels' order of their first
        ids. Printed, it says how many there are and names those with different breeds.

    Raises:
        FileNotFoundError: ``labels.csv`` or ``train/`` is not there.
        ValueError: Labels and pictures do not match, a picture cannot be decoded (by
            appearance), or ``by`` is neither of the two.
        OSError: A picture cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "labels.csv").write_text("id,breed\\n7f,pug\\n03,boxer\\n")
        >>> (folder / "train").mkdir()
        >>> for name in ("03", "7f"):
        ...     _ = (folder / "train" / f"{name}.jpg").write_bytes(b"the same")
        >>> [(twin.ids, twin.contradicts) for twin in duplicates(folder)]
        [(('7f', '03'), True)]
    """
    if by not in ("bytes", "appearance"):
        raise ValueError(f"by={by!r} is no way to compare: give 'bytes' or 'appearance'.")
    labels = read_labels(directory)
    pictures = Path(directory) / PICTURES
    groups = _same_bytes(labels, pictures) if by == "bytes" else _alike(labels, pictures)
    order = {name: place for place, name in enumerate(labels)}
    found = sorted((sorted(names, key=order.get) for names in groups), key=lambda n: order[n[0]])
    return Duplicates(Duplicate(tuple(names), tuple(labels[n] for n in names)) for names in found)


def _alike(labels, pictures):
    from labkit.dog_breeds.lookalikes import find_lookalikes

    names = list(labels)
    groups = find_lookalikes([pictures / f"{name}{SUFFIX}" for name in names])
    return [[names[place] for place in group] for group in groups]


def _same_bytes(labels, pictures):
    try:
        return _group_by_bytes(labels, pictures)
    except OSError as error:
        raise in_a_sentence(error, pictures) from None


def _group_by_bytes(labels, pictures):
    same_size = _group(labels, lambda name: os.path.getsize(pictures / f"{name}{SUFFIX}"))
    candidates = [name for names in same_size for name in names]
    return _group(candidates, lambda name: _digest(pictures / f"{name}{SUFFIX}"))


def _group(names, key):
    """Return the groups of at least two names that share a key."""
    groups = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


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
        (target / _STAGING).mkdir(exist_ok=True)
        _place_all(homes, missing, pictures, target / _STAGING / "copy.part", progress)
    for split, home in homes.items():
        if home != target / split:
            os.replace(home, target / split)
    shutil.rmtree(target / _STAGING, ignore_errors=True)


def _home_of(split, target, placed, pictures):
    """Return where to go on with a split: in place, or in the staging folder."""
    if (target / split).exists():
        return target / split
    staged = target / _STAGING / split
    with suppress(FileExistsError):
        _missing(staged, placed, pictures)
        return staged
    # A run killed before the labels changed: its unfinished folder is of no use.
    shutil.rmtree(staged)
    return staged


def _missing(home, placed, pictures):
    """Return what of a plan is not there yet, refusing what is there against the plan."""
    found = _listing(home)
    breeds = {f"{name.split('/')[0]}/" for name in placed}
    if strange := sorted(found - placed.keys() - breeds):
        raise _sorted_before(home, f"the labels do not put {some(strange)} there", strange)
    present = sorted(found & placed.keys())
    if changed := [n for n in present if not _same(home / n, pictures / placed[n])]:
        raise _sorted_before(home, f"{some(changed)} differ from the originals", changed)
    return {name: picture for name, picture in placed.items() if name not in found}


def _sorted_before(home, reason, names):
    return FileExistsError(
        f"{home} was sorted differently before: {reason} ({count(len(names), 'name')} in all); "
        f"delete or move away {TRAINING} and {VALIDATION}, and call reorganise again."
    )


def _listing(home):
    """Return the names in a sorted folder: ``breed/`` and ``breed/file``; hidden ones left out."""
    if not home.exists():
        return set()
    breeds, others = _folders_and_files(home)
    found = {f"{breed}/" for breed in breeds} | others
    for breed in breeds:
        inner, files = _folders_and_files(home / breed)
        found |= {f"{breed}/{name}" for name in files} | {f"{breed}/{name}/" for name in inner}
    return found


def _folders_and_files(folder):
    folders, files = set(), set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                (folders if entry.is_dir() else files).add(entry.name)
    return folders, files


def _same(first, second):
    """Say whether two files hold the same; for a link or a fresh copy without reading them."""
    return filecmp.cmp(first, second, shallow=True)


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


def _in_a_sentence(error, target):
    """Word an error of the operating system; one that is a sentence already passes through."""
    if error.errno is None:
        return error
    return type(error)(
        f"The sorted folders cannot be written to {target} ({error.strerror}); make room there "
        f"and call reorganise again, which goes on where it stopped, or choose another destination."
    )
