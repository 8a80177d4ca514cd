"""What a picture file is; how one is read, decoded and brought to size.

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
from contextlib import nullcontext, suppress

import cv2
import numpy as np

from labkit.files import reason

#: Keras' suffixes, and some that it passes over: what is a picture is not left out in silence.
SUFFIXES = tuple(".png .jpg .jpeg .jpe .jfif .bmp .ppm .tif .tiff .gif .webp".split())
#: Pictures of cameras and telephones that OpenCV does not read.
UNREADABLE = tuple(".heic .heif .avif .dng .cr2 .cr3 .nef .arw .jxl".split())
#: Files and folders that systems put beside pictures: Windows, macOS, network drives.
_SIDECARS = frozenset(
    (
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "__macosx",
    )
)
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
JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
ADVICE = 'pass undecodable="skip" to flow_from_directory to go on without such pictures.'


class UndecodableError(ValueError):
    """A file that bears a picture's name but cannot be decoded as a whole.

    Args:
        path: The file.
        reason: Why, in words.
        was_read: Whether its bytes were had; else nothing is known of them.
        advice: What to do, an imperative; as for one picture of a folder if it is left out.
    """

    def __init__(self, path, reason, was_read=True, advice=f"replace or delete it, or {ADVICE}"):
        super().__init__(f"{path} cannot be decoded ({reason}): {advice}")
        self.path, self.reason, self.was_read = path, reason, was_read


def is_sidecar(name):
    """Say whether a system put a file or a folder there, for itself and not for the user.

    Args:
        name: Name of a file or a folder, without the folders above it.

    Returns:
        True or False; True for whatever is hidden by a dot.

    Example:
        >>> is_sidecar("Thumbs.db"), is_sidecar(".DS_Store"), is_sidecar("pug")
        (True, True, False)
    """
    return name.startswith(".") or name.casefold() in _SIDECARS


def is_picture(name):
    """Say whether a file name is a picture's.

    Args:
        name: File name without folders.

    Returns:
        True or False; False for what systems put beside pictures.

    Example:
        >>> is_picture("7f.JPG"), is_picture("._7f.jpg"), is_picture("Thumbs.db")
        (True, False, False)
    """
    return name.lower().endswith(SUFFIXES) and not is_sidecar(name)


def pictures_below(folder, follow_links=False):
    """List the pictures in a folder and in those below it.

    Args:
        folder: Folder to look into (str or path).
        follow_links: Whether to enter linked folders.

    Returns:
        A list of paths relative to the folder (str), by folder and then by name.
    """
    found = []
    for place, folders, names in os.walk(folder, followlinks=follow_links):
        folders[:] = [name for name in folders if not is_sidecar(name)]
        below = "" if place == os.fspath(folder) else os.path.relpath(place, folder)
        found.append((below, sorted(filter(is_picture, names))))
    return [os.path.join(below, name) for below, names in sorted(found) for name in names]


def states_of(folder, names):
    """Say what tells each file from another one of its name.

    Args:
        folder: The folder that holds them (str or path).
        names: Their names in it, a sequence of str.

    Returns:
        A list of tuples (name, bytes, nanoseconds of the last change), without files that are gone.
    """
    states = []
    for name in names:
        with suppress(OSError):
            state = os.stat(os.path.join(folder, name))
            states.append((name, state.st_size, state.st_mtime_ns))
    return states


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
    with one_at_a_time_if_large(data):
        picture = decode(path, data, target_size, color_mode, interpolation)
        return resize(picture, target_size, interpolation, out)


def one_at_a_time_if_large(data):
    """Return a context in which no other thread decodes, if the picture is a large one.

    Args:
        data: Bytes of a picture file.
    """
    height, width = picture_size(data) or (0, 0)
    return _one_large_at_a_time if height * width > _LARGE else nullcontext()


def contents(path):
    """Return the bytes of a file, or raise UndecodableError."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UndecodableError(path, reason(error), was_read=False) from None


def read(path):
    """Return the bytes of a picture file that is not cut short, or raise UndecodableError.

    Keras notices what is cut short; some decoders fill up with grey. A JPEG or a PNG ends
    with a mark. A file that does not, or of another kind, is given to Pillow, which notices
    what is missing and pardons what is too much. What is damaged inside takes more looking:
    :mod:`~labkit.dog_breeds.damage`.
    """
    data = contents(path)
    if not _ends_as_it_should(data[:8], data[-8:]):
        require_pillow_reads(path, data)
    return data


def _ends_as_it_should(head, tail):
    return (head.startswith(JPEG_START) and tail.endswith(_JPEG_END)) or (
        head.startswith(PNG_START) and tail.endswith(_PNG_END)
    )


def require_pillow_reads(path, data):
    """Refuse what Pillow cannot decode as a whole."""
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
    require_bounded(path, data)
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


def require_bounded(path, data):
    """Refuse more than :data:`LARGEST` pixels, by what the picture's head states."""
    height, width = picture_size(data) or (0, 0)
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
    if data.startswith(PNG_START) and data[12:16] == b"IHDR":
        return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    return jpeg_size(data)


def jpeg_size(data):
    """Read height and width from the head of a JPEG.

    Args:
        data: Bytes of a picture file.

    Returns:
        `(height, width)` as stored, or None where no frame header is found.
    """
    for marker, start, _ in jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and start + 9 <= len(data):
            return (
                int.from_bytes(data[start + 5 : start + 7], "big"),
                int.from_bytes(data[start + 7 : start + 9], "big"),
            )
    return None


def jpeg_segments(data):
    """Go through the segments of a JPEG, up to the head of its first scan.

    Args:
        data: Bytes of a picture file; no JPEG has none.

    Yields:
        A segment's marker (int), its start and its end in the data.
    """
    place = 2 if data.startswith(JPEG_START) else len(data)
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        yield marker, place, end
        if marker == 0xDA:
            return
        place = end


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
