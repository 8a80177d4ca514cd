"""Write drawn dogs in Kaggle's layout: ``labels.csv`` and ``train/<id>.jpg``."""

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from labkit.dog_breeds.sources.staging import occupied

from .breeds import LAB_BREEDS, LAB_COUNTS
from .drawing import check_breeds, check_seed, check_size, draw_dog, picture_seed

#: Heights and widths of the pictures, in pixels: like photographs, they differ.
SIZES = ((120, 160), (128, 160), (128, 152), (140, 140), (152, 128), (160, 120))
_USUAL_COUNT = 40
_STAGING = ".drawing"
_QUALITY = 88


def write_drawn_dogs(
    directory, breeds=LAB_BREEDS, counts=None, seed=2021, size=None, progress=True
):
    """Write drawn dogs as Kaggle lays out its photographs.

    The folder receives ``labels.csv`` (header ``id,breed``, rows in shuffled order) and
    ``train/<id>.jpg``. All pictures are first written to a hidden folder inside, which an
    interrupted run takes away and a killed one leaves to the next run to take away. A folder
    that holds the complete set is left alone.

    Args:
        directory: the folder to fill (str or path); made if missing.
        breeds: sequence of :class:`Breed` with different names.
        counts: dict from breed's name to its number of pictures, at least 1; by default the
            lab's own numbers, 40 for breeds outside it.
        seed: integer ≥ 0; the same seed writes the same bytes.
        size: (height, width) of all pictures, or None for sizes that vary as photographs' do.
        progress: whether to show a progress bar.

    Returns:
        The folder, a :class:`pathlib.Path`.

    Raises:
        TypeError: one of `breeds` is not a Breed.
        ValueError: no breeds, two breeds of one name, or an impossible count, seed or size.
        FileExistsError: the folder holds other pictures or labels.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "dogs"
        >>> counts = dict.fromkeys((breed.name for breed in LAB_BREEDS), 1)
        >>> _ = write_drawn_dogs(folder, counts=counts, size=(48, 48), progress=False)
        >>> (folder / "labels.csv").read_text().splitlines()[0]
        'id,breed'
        >>> len(list((folder / "train").iterdir()))
        12
    """
    directory = Path(directory)
    breeds = tuple(breeds)
    check_breeds(breeds)
    check_seed(seed)
    if size is not None:
        check_size(size)
    rows = _plan(breeds, _resolve_counts(breeds, counts), seed)
    if _is_complete(directory, rows) and not (directory / _STAGING).exists():
        return directory
    _refuse_other_content(directory, rows)
    with occupied(directory), _staging(directory) as folder:
        # Only now: another process may have been at it.
        _refuse_other_content(directory, rows)
        if not _is_complete(directory, rows):
            _write_pictures(folder / "train", rows, seed, size, progress)
            (folder / "labels.csv").write_bytes(_labels(rows))
            _move_in(folder, directory)
    return directory


def first_pictures(breeds=LAB_BREEDS, seed=2021):
    """Draw the first picture of each breed, as :func:`write_drawn_dogs` writes it.

    Args:
        breeds: sequence of :class:`Breed`.
        seed: integer ≥ 0.

    Yields:
        The file's name and its bytes.

    Example:
        >>> [len(name) for name, content in first_pictures(LAB_BREEDS[:2])]
        [36, 36]
    """
    for breed in breeds:
        yield f"{_picture_id(breed.name, 0, seed)}.jpg", _draw_jpeg(breed, 0, seed, None)


def _resolve_counts(breeds, counts):
    """Give the number of pictures of each breed."""
    if counts is None:
        return {breed.name: LAB_COUNTS.get(breed.name, _USUAL_COUNT) for breed in breeds}
    for breed in breeds:
        number = counts.get(breed.name)
        if not isinstance(number, Integral) or number < 1:
            raise ValueError(
                f"counts has {number!r} for {breed.name!r}; give a whole number of pictures "
                f"of at least 1."
            )
    return {breed.name: counts[breed.name] for breed in breeds}


def _plan(breeds, counts, seed):
    """List (id, breed, index) of all pictures in the file's shuffled order."""
    rows = [
        (_picture_id(breed.name, index, seed), breed, index)
        for breed in breeds
        for index in range(counts[breed.name])
    ]
    order = np.random.default_rng([int(seed), 1]).permutation(len(rows))
    return [rows[position] for position in order]


def _picture_id(name, index, seed):
    """Name a picture by 32 hex digits, as Kaggle does."""
    return hashlib.blake2b(f"{name}/{index}/{seed}".encode(), digest_size=16).hexdigest()


def _labels(rows):
    lines = ["id,breed", *(f"{name},{breed.name}" for name, breed, _ in rows)]
    return ("\n".join(lines) + "\n").encode()


def _is_complete(directory, rows):
    labels = directory / "labels.csv"
    if not labels.is_file() or labels.read_bytes() != _labels(rows):
        return False
    return _names(directory / "train") == {f"{name}.jpg" for name, _, _ in rows}


def _names(folder):
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _refuse_other_content(directory, rows):
    """Refuse to mix drawn dogs with pictures or labels that are not theirs."""
    if directory.exists() and not directory.is_dir():
        raise FileExistsError(f"{directory} is a file; give a folder for the drawn dogs.")
    labels = directory / "labels.csv"
    foreign = _names(directory / "train") - {f"{name}.jpg" for name, _, _ in rows}
    if foreign or (labels.exists() and labels.read_bytes() != _labels(rows)):
        raise FileExistsError(
            f"{directory} already holds other pictures or labels; give an empty or new folder, "
            f"or remove its labels.csv and train/ first."
        )


@contextmanager
def _staging(directory):
    """Lend an empty hidden folder in `directory` that vanishes afterwards."""
    folder = directory / _STAGING
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move_in(folder, directory):
    """Move the finished set in; labels.csv comes last and so vouches for the pictures."""
    if (directory / "train").is_dir():
        # What an earlier run left half-moved are pictures of this very set: write them anew.
        shutil.rmtree(directory / "train")
    os.replace(folder / "train", directory / "train")
    os.replace(folder / "labels.csv", directory / "labels.csv")


def _write_pictures(folder, rows, seed, size, progress):
    folder.mkdir()

    def write(row):
        name, breed, index = row
        (folder / f"{name}.jpg").write_bytes(_draw_jpeg(breed, index, seed, size))

    with ThreadPoolExecutor(max_workers=2) as pool:
        done = pool.map(write, rows)
        for _ in tqdm(done, "drawing dogs", len(rows), unit="picture", disable=not progress):
            pass


def _draw_jpeg(breed, index, seed, size):
    """Draw one picture; return the bytes of its file."""
    number = picture_seed(breed, index, seed)
    picture = draw_dog(breed, number, size or SIZES[number % len(SIZES)])
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise OSError(f"OpenCV could not encode picture {index} of {breed.name} as JPEG.")
    return data.tobytes()
