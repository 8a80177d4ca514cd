"""What comes with the package: data files, the flaws of the drawn dogs, curves of long trainings.

Each file is checked against its hash before use. ``SHA256SUMS`` beside them is in the format of
``sha256sum``, which checks them too.
"""

import csv
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files

from labkit.dog_breeds.history import CURVES, History
from labkit.tables import as_html, as_text
from labkit.words import did_you_mean, listed

SUMS = "SHA256SUMS"
RECORDED = "recorded_runs.csv"
#: What a row says of the network that a whole stage has left.
REACHED = ("training_accuracy", "validation_accuracy")
_FLAWS = ("flaw", "picture", "labelled", "shows", "copy of")
#: Digits of an id that are shown.
_DIGITS = 8


@contextmanager
def packaged_file(name):
    """Lend a data file of the package after checking it.

    Args:
        name: The file's name.

    Yields:
        Its path.

    Raises:
        ValueError: The file is not the one that labkit was published with.

    Example:
        >>> with packaged_file("photograph_class_sizes.csv") as path:
        ...     print(path.name)
        photograph_class_sizes.csv
    """
    with as_file(files(__package__) / name) as path:
        if (found := _sha256(path)) != (expected := published_hashes()[name]):
            raise ValueError(
                f"{name} in the labkit package has the sha256 {found[:16]}… and not "
                f"{expected[:16]}…: it was damaged or changed; install labkit once more."
            )
        yield path


def packaged_rows(name):
    """Read a CSV file of the package after checking it.

    Args:
        name: The file's name.

    Returns:
        A list of dicts from the headings to a row's text.

    Raises:
        ValueError: As :func:`packaged_file` does.

    Example:
        >>> packaged_rows("photograph_class_sizes.csv")[0]
        {'breed': 'affenpinscher', 'pictures': '80'}
    """
    with packaged_file(name) as path:
        return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def published_hashes():
    """Read the hashes of the data files.

    Returns:
        A dict from file name to 64 hexadecimal digits.

    Example:
        >>> len(published_hashes()["drawn_dogs.zip"])
        64
    """
    lines = (files(__package__) / SUMS).read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def _sha256(path):
    content = path.read_bytes()
    if path.suffix == ".csv":
        # A checkout on Windows may have given the text other line ends.
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class PlantedFlaw:
    """One picture that does not belong where it lies.

    Args:
        flaw: What is wrong, in words.
        id: The picture's id.
        breed: The breed that it is labelled with.
        shows: The breed that it shows.
        original: The id of the picture that it is a copy of; empty if it is none.
    """

    flaw: str
    id: str
    breed: str
    shows: str
    original: str


class PlantedFlaws(tuple):
    """A tuple of :class:`PlantedFlaw` that prints as a table, with the first digits of ids."""

    def __str__(self):
        return as_text(_FLAWS, self._shown(), words=len(_FLAWS))

    __repr__ = __str__

    def _repr_html_(self):
        return as_html(_FLAWS, self._shown())

    def _shown(self):
        return [
            (each.flaw, each.id[:_DIGITS], each.breed, each.shows, each.original[:_DIGITS] or "–")
            for each in self
        ]


def planted_flaws():
    """Tell which flaws were planted among the drawn dogs: the answer to looking for them.

    Returns:
        :class:`PlantedFlaws`, a tuple of :class:`PlantedFlaw`.

    Source:
        The program that drew the dogs, ``tools/draw_dogs``, which planted them.

    Example:
        >>> for flaw in planted_flaws():
        ...     print(flaw.flaw, flaw.breed, flaw.shows)
        copy across the split marmalade_spitz marmalade_spitz
        copy across the split inkwell_shepherd inkwell_shepherd
        copy under two breeds pepperdot_pointer patchwork_terrier
        wrong label biscuit_corgling mossy_shagling
    """
    return PlantedFlaws(PlantedFlaw(**row) for row in packaged_rows("planted_flaws.csv"))


@dataclass(frozen=True)
class Recorded:
    """Hold one stage of a recorded run, which was repeated from several seeds.

    Args:
        seeds: what each repetition started from (tuple of int), and so the others.
        histories: tuple of :class:`labkit.dog_breeds.history.History`.
        training: accuracies of the finished networks on training pictures as they are.
        validation: likewise on validation pictures.
        pictures: how many pictures validated.

    Example:
        >>> from labkit import recorded
        >>> recorded("fine_tuned", "head").seeds
        (2021,)
    """

    seeds: tuple[int, ...]
    histories: tuple[History, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    pictures: int


def recorded(run, stage):
    """Look up a training that ``python -m labkit.dog_breeds.run`` has recorded.

    Args:
        run: its name: a folder of ``book/results``.
        stage: ``"scratch"``, ``"head"`` or ``"fine_tuning"``.

    Returns:
        :class:`Recorded`.

    Raises:
        ValueError: there is no such run, or it has no such stage.

    Example:
        >>> found = recorded("fine_tuned", "head")
        >>> found.pictures, len(found.histories[0])
        (2095, 10)
    """
    rows = packaged_rows(RECORDED)
    runs = dict.fromkeys(row["run"] for row in rows)
    if run not in runs:
        raise ValueError(f"No run {run!r} is recorded{did_you_mean(run, runs)}: {', '.join(runs)}.")
    rows = [row for row in rows if row["run"] == run]
    stages = dict.fromkeys(row["stage"] for row in rows)
    if stage not in stages:
        raise ValueError(f"The run {run!r} has no stage {stage!r}, but {listed(list(stages))}.")
    by_seed = {}
    for row in rows:
        if row["stage"] == stage:
            by_seed.setdefault(int(row["seed"]), []).append(row)
    last = [each[-1] for each in by_seed.values()]
    return Recorded(
        tuple(by_seed),
        tuple(map(_history, by_seed.values())),
        *(tuple(float(row[name]) for row in last) for name in REACHED),
        int(last[0]["validation_pictures"]),
    )


def _history(rows):
    return History(*(tuple(float(row[name]) for row in rows) for name in CURVES))
