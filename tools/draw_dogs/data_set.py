"""The data set: drawn dogs as the files of Kaggle's layout, and those files as one zip."""

import hashlib
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from tqdm import tqdm

from .breeds import LAB_BREEDS, LAB_COUNTS
from .drawing import check_breeds, check_seed, draw_dog, picture_seed

#: Heights and widths of the pictures, in pixels: like photographs, they differ.
SIZES = ((120, 160), (128, 160), (128, 152), (140, 140), (152, 128), (160, 120))
#: What the lab's dogs are drawn from; another seed draws others.
SEED = 2021
_QUALITY = 88
#: The earliest time that a zip can tell: the same files give the same bytes at any time.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def draw_files(breeds=LAB_BREEDS, counts=LAB_COUNTS, seed=SEED, size=None, progress=True):
    """Draw dogs as the files in which Kaggle lays out its photographs.

    Args:
        breeds: sequence of :class:`Breed` with different names.
        counts: dict from a breed's name to its number of pictures, at least 1.
        seed: integer ≥ 0; the same seed draws the same dogs.
        size: (height, width) of all pictures, or None for sizes that vary as photographs' do.
        progress: whether to show a progress bar.

    Returns:
        A dict from name to bytes: ``labels.csv`` (header ``id,breed``, rows in shuffled order),
        then ``train/<id>.jpg`` in its order.

    Raises:
        TypeError: one of `breeds` is not a Breed.
        ValueError: no breeds, two breeds of one name, or an impossible seed or size.

    Example:
        >>> counts = {breed.name: 1 for breed in LAB_BREEDS}
        >>> files = draw_files(counts=counts, size=(48, 48), progress=False)
        >>> files["labels.csv"].splitlines()[0], len(files)
        (b'id,breed', 13)
    """
    check_breeds(breeds)
    check_seed(seed)
    rows = _plan(breeds, counts, seed)
    lines = ["id,breed", *(f"{name},{breed.name}" for name, breed, _ in rows)]
    files = {"labels.csv": ("\n".join(lines) + "\n").encode()}

    def draw(row):
        return draw_jpeg(*row[1:], seed, size)

    with ThreadPoolExecutor(max_workers=2) as pool:
        drawn = tqdm(pool.map(draw, rows), "Drawing dogs", len(rows), disable=not progress)
        files |= {f"train/{row[0]}.jpg": data for row, data in zip(rows, drawn, strict=True)}
    return files


def draw_jpeg(breed, index, seed=SEED, size=None):
    """Draw one picture of the set; return the bytes of its file.

    Args:
        breed: a :class:`Breed`.
        index: the picture's number among those of its breed, from 0.
        seed: integer ≥ 0.
        size: (height, width), or None for the one that the picture's chance decides.

    Returns:
        A JPEG, bytes.

    Example:
        >>> draw_jpeg(LAB_BREEDS[0], 0)[:2]
        b'\\xff\\xd8'
    """
    number = picture_seed(breed, index, seed)
    picture = draw_dog(breed, number, size or SIZES[number % len(SIZES)])
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return encode_jpeg(bgr)


def encode_jpeg(bgr, quality=_QUALITY):
    """Return the bytes of a JPEG file.

    Args:
        bgr: array (height, width, 3), uint8, in OpenCV's order of colours.
        quality: from 0 to 100.

    Raises:
        OSError: OpenCV could not.
    """
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise OSError("OpenCV could not encode a picture as JPEG.")
    return data.tobytes()


def picture_id(breed, index, seed=SEED):
    """Name a picture by 32 hexadecimal digits, as Kaggle does.

    Example:
        >>> picture_id(LAB_BREEDS[0], 0)
        '...'
    """
    key = f"{breed.name}/{index}/{seed}".encode()
    return hashlib.blake2b(key, digest_size=16).hexdigest()


def _plan(breeds, counts, seed):
    """List (id, breed, index) of all pictures in the file's shuffled order."""
    rows = [
        (picture_id(breed, index, seed), breed, index)
        for breed in breeds
        for index in range(counts[breed.name])
    ]
    order = np.random.default_rng([int(seed), 1]).permutation(len(rows))
    return [rows[position] for position in order]


def pack(files):
    """Pack files into a zip that is the same for the same files, whenever and wherever.

    JPEGs do not shrink, so they are stored as they are.

    Args:
        files: dict from name to bytes.

    Returns:
        The bytes of the zip.

    Example:
        >>> len(pack({"labels.csv": b"id,breed"}))
        126
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = _UNIX, 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
