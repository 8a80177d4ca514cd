"""Read a picture file, decode it and bring it to size.

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
from contextlib import nullcontext

import cv2
import numpy as np

FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
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


class UndecodableError(ValueError):
    """A file that bears a picture's name but cannot be decoded as a whole."""

    def __init__(self, path, reason):
        super().__init__(
            f"{path} cannot be decoded ({reason}): replace or delete it, or pass "
            'undecodable="skip" to flow_from_directory to go on without such pictures.'
        )
        self.path = path


def load(path, target_size, color_mode="rgb", interpolation="bilinear", out=None):
    """Read, decode and resize one picture.

    Args:
        path: A file in one of :data:`FORMATS`.
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
    """Return the bytes of a picture file that is whole, or raise UndecodableError."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise UndecodableError(path, error.strerror or str(error)) from None
    require_whole(path, data)
    return data


def require_whole_file(path):
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
        raise UndecodableError(path, error.strerror or str(error)) from None
    if not _ends_as_it_should(head, tail):
        read(path)


def require_whole(path, data):
    """Refuse a file that was cut short, as Keras does; some decoders fill up with grey.

    A JPEG or a PNG ends with a mark. A file that does not, or of another kind, is given to
    Pillow, which notices what is missing and pardons what is too much.

    Args:
        path: The file's name, for the error.
        data: Its bytes.

    Raises:
        UndecodableError: If the picture is not whole.
    """
    if not _ends_as_it_should(data[:8], data[-8:]):
        _require_pillow_reads(path, data)


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
        reason = "it is cut short or no picture"
        raise UndecodableError(path, reason) from None


def decode(path, data, target_size, color_mode="rgb", interpolation="bilinear"):
    """Decode the bytes of a picture file; a JPEG that is far too large is made smaller by it.

    Args:
        path: The file's name, for the error.
        data: Its bytes.
        target_size: `(height, width)` in pixels; the result is not made smaller than this.
        color_mode: `"rgb"` or `"grayscale"`.
        interpolation: One of :data:`INTERPOLATIONS`; with `"bilinear"` alone is it smaller.

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
