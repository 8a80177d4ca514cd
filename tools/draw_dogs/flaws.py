"""Flaws planted among the lab's dogs, of the kinds that the photographs have.

Each takes the place of one picture, under its id and its label: numbers and split stay.
"""

import csv
import io
from dataclasses import dataclass

import cv2
import numpy as np

from .breeds import LAB_BREEDS, Breed
from .data_set import SEED, draw_jpeg, encode_jpeg, picture_id

_BREEDS = {breed.name: breed for breed in LAB_BREEDS}
#: A copy's edges against its original's, and its JPEG quality: the photographs' are scaled too.
_SCALE, _QUALITY = 0.8, 75


@dataclass(frozen=True)
class Flaw:
    """One picture that is not what its label promises, or that is there already.

    Args:
        breed: the :class:`Breed` that it is labelled with.
        index: its number among the pictures of that breed; it takes the place of that one.
        shows: the :class:`Breed` that it shows.
        original: the number, among the pictures of `shows`, of the one that it is a copy of; or
            None for a drawing that is there once.
        kind: what is wrong, in words.
    """

    breed: Breed
    index: int
    shows: Breed
    original: int | None
    kind: str


_SPLIT = "copy across the split"
#: Two copies across the split, one under another breed, and one dog with a wrong label.
LAB_FLAWS = (
    Flaw(_BREEDS["marmalade_spitz"], 45, _BREEDS["marmalade_spitz"], 14, _SPLIT),
    Flaw(_BREEDS["inkwell_shepherd"], 15, _BREEDS["inkwell_shepherd"], 32, _SPLIT),
    Flaw(
        _BREEDS["pepperdot_pointer"], 21, _BREEDS["patchwork_terrier"], 24, "copy under two breeds"
    ),
    Flaw(_BREEDS["biscuit_corgling"], 34, _BREEDS["mossy_shagling"], None, "wrong label"),
)
#: Number of the one drawing that the lab shows under a wrong label alone.
_UNSEEN = 104


def plant(files, flaws=LAB_FLAWS, seed=SEED):
    """Put flaws into a data set.

    Args:
        files: dict from name to bytes, of :func:`.data_set.draw_files`.
        flaws: sequence of :class:`Flaw`.
        seed: the one that `files` were drawn from.

    Returns:
        A new dict with the same names in the same order.

    Raises:
        KeyError: the original of a copy is not in `files`.
    """
    return files | {
        _file(flaw.breed, flaw.index, seed): _content(flaw, files, seed) for flaw in flaws
    }


def _content(flaw, files, seed):
    if flaw.original is None:
        return draw_jpeg(flaw.shows, _UNSEEN, seed)
    return smaller_copy(files[_file(flaw.shows, flaw.original, seed)])


def _file(breed, index, seed):
    return f"train/{picture_id(breed, index, seed)}.jpg"


def smaller_copy(content):
    """Copy a picture at another size and in another compression.

    Args:
        content: the bytes of a JPEG.

    Returns:
        The bytes of another JPEG, four fifths as wide and as high.
    """
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    small = cv2.resize(picture, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    return encode_jpeg(small, _QUALITY)


def list_flaws(flaws=LAB_FLAWS, seed=SEED):
    """Write down what was planted, as labkit reads it.

    Args:
        flaws: sequence of :class:`Flaw`.
        seed: the one that the pictures were drawn from.

    Returns:
        The bytes of a CSV file with the columns flaw, id, breed, shows, original; the last one
        the id of the copied picture, or empty.

    Example:
        >>> list_flaws(()).decode().strip()
        'flaw,id,breed,shows,original'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("flaw", "id", "breed", "shows", "original"))
    for flaw in flaws:
        name = picture_id(flaw.breed, flaw.index, seed)
        copied = flaw.original is not None
        original = picture_id(flaw.shows, flaw.original, seed) if copied else ""
        writer.writerow((flaw.kind, name, flaw.breed.name, flaw.shows.name, original))
    return text.getvalue().encode("ascii")
