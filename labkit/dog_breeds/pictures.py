"""What a picture file is; how one is read, decoded and brought to size; how many are checked.

What differs from Keras' `load_img`, and why:

- The default is bilinear where Keras takes the nearest pixel, which leaves jagged edges.
  A picture at least twice the target's size is averaged down first, or else it would shimmer
  as with the nearest pixel. For a JPEG the decoder does that, and is the faster for it.
- A photograph is turned upright if its EXIF data say that the camera was held sideways.
- Grey pictures from colour files take the JPEG's own luma (within rounding the same).
- A picture that would fill gigabytes is refused by the size that its head states, and large
  ones are decoded one at a time, so that the threads together never hold several.

`interpolation="nearest"` on upright pictures gives Keras' pixels exactly.
"""

import io
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import cv2
import numpy as np
from tqdm import tqdm

from labkit.files import reason
from labkit.words import some

#: Keras' suffixes, and two that it passes over: what is a picture is not left out in silence.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff", ".gif", ".webp")
INTERPOLATIONS = ("bilinear", "nearest", "area")
_SAMPLING = {
    "bilinear": cv2.INTER_LINEAR,
    "nearest": cv2.INTER_NEAREST_EXACT,
    "area": cv2.INTER_AREA,
}
_FULL = {"rgb": cv2.IMREAD_COLOR_RGB, "grayscale": cv2.IMREAD_GRAYSCALE}
# IMREAD_REDUCED_COLOR_* means BGR; these are the same bits without the order of colours.
_REDUCED = {
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
#: What Pillow, too, refuses as a bomb: 537 MB of pixels. Cameras' 108 megapixels are allowed.
LARGEST = 178_956_970
#: Pixels from which on pictures are decoded one at a time: 50 MB.
_LARGE = 2**24
_one_large_at_a_time = threading.Lock()
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_THREADS = 2  # More would hold more files in memory and gain nothing on two cores.
_BAR_AFTER = 2  # Seconds: no bar for what is over before one looks.
_NAMED = 5
_ADVICE = 'pass undecodable="skip" to flow_from_directory to go on without such pictures.'


class UndecodableError(ValueError):
    """A file that bears a picture's name but cannot be decoded as a whole."""

    def __init__(self, path, reason):
        super().__init__(f"{path} cannot be decoded ({reason}): replace or delete it, or {_ADVICE}")
        self.path = path


def is_picture(name):
    """Say whether a file name is a picture's.

    Args:
        name: File name without folders.

    Returns:
        True or False; False for hidden files, such as those that macOS puts beside others.

    Example:
        >>> is_picture("7f.JPG"), is_picture("._7f.jpg"), is_picture("Thumbs.db")
        (True, False, False)
    """
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def load(path, target_size, color_mode="rgb", interpolation="bilinear", out=None):
    """Read, decode and resize one picture.

    Args:
        path: A file in one of :data:`SUFFIXES`.
        target_size: `(height, width)` in pixels.
        color_mode: `"rgb"` or `"grayscale"`.
        interpolation: One of :data:`INTERPOLATIONS`.
        out: Array of the returned shape and dtype to write to, or None for a new one.

    Returns:
        Array `(height, width, 3)` or, in grey, `(height, width)`; uint8.

    Raises:
        UndecodableError: If the file is missing, cut short or no picture.
    """
    data = read(path)
    height, width = picture_size(data) or (0, 0)
    with _one_large_at_a_time if height * width > _LARGE else nullcontext():
        picture = decode(path, data, target_size, color_mode, interpolation)
        return resize(picture, target_size, interpolation, out)


def read(path):
    """Return the bytes of a picture file that is not cut short, or raise UndecodableError.

    Keras notices what is cut short; some decoders fill up with grey. A JPEG or a PNG ends
    with a mark. A file that does not, or of another kind, is given to Pillow, which notices
    what is missing and pardons what is too much.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise UndecodableError(path, reason(error)) from None
    if not _ends_as_it_should(data[:8], data[-8:]):
        _require_pillow_reads(path, data)
    return data


def require_complete(path):
    """Refuse a file that was cut short, or is empty, by a look at its two ends.

    Args:
        path: A picture file.

    Raises:
        UndecodableError: If the picture is not whole.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(8)
            file.seek(-min(8, os.fstat(file.fileno()).st_size), os.SEEK_END)
            tail = file.read(8)
    except OSError as error:
        raise UndecodableError(path, reason(error)) from None
    if not _ends_as_it_should(head, tail):
        read(path)


def _ends_as_it_should(head, tail):
    return (head.startswith(_JPEG_START) and tail.endswith(_JPEG_END)) or (
        head.startswith(_PNG_START) and tail.endswith(_PNG_END)
    )


def _require_pillow_reads(path, data):
    from PIL import Image

    if not data:
        raise UndecodableError(path, "the file is empty")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
    except Image.DecompressionBombError:
        raise UndecodableError(path, f"it has more than {LARGEST:,} pixels") from None
    except Exception:
        # Pillow raises many kinds, and some name an object in memory rather than the file.
        raise UndecodableError(path, "it is cut short or no picture") from None


def decode(path, data, target_size, color_mode="rgb", interpolation="bilinear"):
    """Decode the bytes of a picture file; a JPEG that is far too large is made smaller by it.

    Args:
        path: The file's name, for the error.
        data: Its bytes.
        target_size: `(height, width)` in pixels; the result is not made smaller than this.
        color_mode: `"rgb"` or `"grayscale"`.
        interpolation: One of :data:`INTERPOLATIONS`; with `"bilinear"` alone is it smaller, and
            the target size read.

    Returns:
        Array `(h, w, 3)` or, in grey, `(h, w)`; uint8.

    Raises:
        UndecodableError: If the content is damaged, or has more than :data:`LARGEST` pixels.
    """
    _require_bounded(path, picture_size(data))
    reduction = jpeg_reduction(data, target_size) if interpolation == "bilinear" else 1
    flags = _FULL[color_mode] | _REDUCED.get(reduction, 0)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UndecodableError(path, error.err) from None
    if picture is None:
        raise UndecodableError(path, "its content is damaged")
    return picture


def jpeg_reduction(data, target_size):
    """Say how much smaller a JPEG may be decoded and still be no smaller than the target.

    Args:
        data: Bytes of a picture file.
        target_size: `(height, width)` in pixels.

    Returns:
        8, 4, 2 or 1; always 1 for what is no JPEG.
    """
    size = jpeg_size(data)
    if size is None:
        return 1
    # The shorter edge against the longer one: EXIF may yet swap height and width.
    factor = min(size) // max(target_size)
    return next((reduction for reduction in (8, 4, 2) if factor >= reduction), 1)


def _require_bounded(path, size):
    height, width = size or (0, 0)
    if height * width > LARGEST:
        raise UndecodableError(
            path, f"it has {width:,} × {height:,} pixels, and at most {LARGEST:,} are decoded"
        )


def picture_size(data):
    """Read height and width from the head of a JPEG or a PNG.

    Args:
        data: Bytes of a picture file.

    Returns:
        `(height, width)` as stored, or None for another kind of file.
    """
    if data.startswith(_PNG_START) and data[12:16] == b"IHDR":
        return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    return jpeg_size(data)


def jpeg_size(data):
    """Read height and width from the head of a JPEG.

    Args:
        data: Bytes of a picture file.

    Returns:
        `(height, width)` as stored, or None where no frame header is found.
    """
    if not data.startswith(_JPEG_START):
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return (
                int.from_bytes(data[place + 5 : place + 7], "big"),
                int.from_bytes(data[place + 7 : place + 9], "big"),
            )
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def resize(picture, target_size, interpolation="bilinear", out=None):
    """Bring a decoded picture to the target size, without keeping its proportions.

    Args:
        picture: Array `(h, w)` or `(h, w, 3)`, uint8.
        target_size: `(height, width)` in pixels.
        interpolation: One of :data:`INTERPOLATIONS`. `"bilinear"` averages what is at
            least twice too large.
        out: Array of the returned shape to write to, or None.

    Returns:
        Array `(height, width[, 3])`, uint8.
    """
    height, width = target_size
    if picture.shape[:2] == (height, width):
        return picture if out is None else _copied(picture, out)
    far_too_large = min(picture.shape[0] // height, picture.shape[1] // width) >= 2
    averaged = interpolation == "bilinear" and far_too_large
    sampling = _SAMPLING["area" if averaged else interpolation]
    return cv2.resize(picture, (width, height), dst=out, interpolation=sampling)


def _copied(picture, out):
    out[...] = picture
    return out


def find_undecodable(examine, items, threads=_THREADS, progress=True):
    """Look through many pictures for such that cannot be decoded.

    Args:
        examine: Called with each item; raises UndecodableError.
        items: A sequence.
        threads: Number of threads.
        progress: Whether to show a bar when it takes more than two seconds.

    Returns:
        A list as long as `items`, of UndecodableError or None.
    """

    def errors(part):
        found = []
        for item in part:
            try:
                examine(item)
                found.append(None)
            except UndecodableError as error:
                found.append(error)
            bar.update()
        return found

    # Parts rather than items: to hand over a single file takes longer than to look at it.
    size = max(1, min(64, len(items) // threads))
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    look = {"desc": "Checking pictures", "delay": _BAR_AFTER, "leave": False}
    with (
        tqdm(total=len(items), disable=not progress, **look) as bar,
        ThreadPoolExecutor(threads) as pool,
    ):
        return [error for part in pool.map(errors, parts) for error in part]


def find_damaged(folder, names, progress=True):
    """Decode every picture once, before anything is built on it.

    A JPEG is decoded at an eighth of its size, which reads all of its bytes and takes an
    eighth of a millisecond for 224 × 224 pixels.

    Args:
        folder: Folder of the pictures (str or path).
        names: Their file names, a sequence.
        progress: Whether to show a bar when it takes more than two seconds.

    Returns:
        A list of the names of those that cannot be decoded as a whole, in the given order.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with open(os.path.join(folder, "7f.jpg"), "wb") as file:
        ...     _ = file.write(b"no picture")
        >>> find_damaged(folder, ["7f.jpg"])
        ['7f.jpg']
    """

    def examine(name):
        load(os.path.join(folder, name), (1, 1), "grayscale")

    errors = find_undecodable(examine, names, progress=progress)
    return [name for name, error in zip(names, errors, strict=True) if error is not None]


def refuse(errors):
    """Raise if anything was found.

    Args:
        errors: List of UndecodableError or None.

    Raises:
        UndecodableError: The only one that was found.
        ValueError: For several, one sentence that names the first few.
    """
    found = [error for error in errors if error is not None]
    if len(found) == 1:
        raise found[0]
    if found:
        raise ValueError(f"{_named(found)} cannot be decoded: replace or delete them, or {_ADVICE}")


def warn(errors):
    """Warn of what is left out, if anything.

    Args:
        errors: List of UndecodableError or None.
    """
    found = [error for error in errors if error is not None]
    if found:
        warnings.warn(f"Left out, because undecodable: {_named(found)}.", stacklevel=5)


def _named(found):
    return some((str(error.path) for error in found), _NAMED)
