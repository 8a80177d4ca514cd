"""What tells a damaged picture from a whole one. Each folder is looked through once.

Decoders fill up what is missing and say nothing, or say it where no program hears it. So

- a JPEG is decoded by a library that passes libjpeg's warnings on, at an eighth of its size: that
  reads all of its bytes and takes a quarter of a millisecond for 224 × 224 pixels. Bytes that
  were overwritten by zeros may decode without a warning, and are looked for;
- a PNG has a checksum for each of its chunks;
- the others are given to Pillow, which notices what is missing.

What no decoder can notice stays unnoticed: a few bytes of a JPEG that became others often leave a
valid file, of which the rest has another shade.
"""

import json
import os
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import simplejpeg
from tqdm import tqdm

from labkit.dog_breeds.pictures import (
    ADVICE,
    JPEG_START,
    PNG_START,
    UndecodableError,
    contents,
    decode,
    jpeg_segments,
    one_at_a_time_if_large,
    require_bounded,
    require_pillow_reads,
    states_of,
)
from labkit.files import fingerprint, replacing, user_cache
from labkit.words import some

_THREADS = 16  # Most of them wait for files, which on a network drive takes long.
_NAMED = 5
_BAR_AFTER = 2  # Seconds: no bar for what is over before one looks.
#: To be raised whenever the verdict on a file may become another.
_CHECKS = 1
#: How libjpeg's warnings of damage begin; others are of odd headers, and harm no pixel.
_WARNINGS = ("Corrupt JPEG data", "Premature end of JPEG file")
#: No coded picture has so many zero bytes in a row, if zeros do not stand for plain colour.
#: The photographs have 4 at most.
_ZEROS = bytes(16)
_FRAME, _TABLES, _SCAN = (0xC0, 0xC1), 0xC4, 0xDA
_APPLICATION = range(0xE0, 0xF0)
_CUT_SHORT = "it is cut short or no picture"

#: What was found in each folder that this process has looked through.
_found = {}


def require_undamaged(path):
    """Refuse a picture file that is damaged, as far as its decoder can tell.

    Args:
        path: A picture file (str or path).

    Raises:
        UndecodableError: It is missing, no picture, cut short, damaged or too large.

    Example:
        >>> require_undamaged("no_such.jpg")
        Traceback (most recent call last):
        ...
        labkit.dog_breeds.pictures.UndecodableError: no_such.jpg cannot be decoded (No such file ...
    """
    data = contents(path)
    if not data:
        raise UndecodableError(path, "the file is empty")
    require_bounded(path, data)
    with one_at_a_time_if_large(data):
        if data.startswith(JPEG_START):
            _require_undamaged_jpeg(path, data)
        elif data.startswith(PNG_START):
            _require_checksums(path, data)
            decode(path, data, (1, 1), "grayscale")
        else:
            require_pillow_reads(path, data)
            decode(path, data, (1, 1), "grayscale")


def _require_undamaged_jpeg(path, data):
    segments = list(jpeg_segments(data))
    # Cameras' notes are nothing that a decoder need read, or warn of.
    notes = [(start, end) for marker, start, end in segments if marker in _APPLICATION]
    try:
        simplejpeg.decode_jpeg(_without(data, notes), "GRAY", min_height=1, min_width=1)
    except ValueError as error:
        said = str(error)
        if said.startswith("Premature"):
            raise UndecodableError(path, _CUT_SHORT) from None
        if said.startswith(_WARNINGS):
            raise UndecodableError(path, f"its content is damaged: {said}") from None
        # A kind of JPEG that this library does not know; perhaps the others do.
        require_pillow_reads(path, data)
        decode(path, data, (1, 1), "grayscale")
    if _is_zeroed(data, segments):
        raise UndecodableError(path, "its content is damaged: zeros stand where pixels were")


def _without(data, gaps):
    """Return bytes less some parts of them, given as pairs (start, end) in their order."""
    starts = [0, *(end for _, end in gaps)]
    ends = [*(start for start, _ in gaps), len(data)]
    return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True))


def _is_zeroed(data, segments):
    """Say whether zeros stand in the one scan of a sequential JPEG where none can."""
    markers = {marker: end for marker, _, end in segments}
    if _SCAN not in markers or not any(frame in markers for frame in _FRAME):
        return False
    start = markers[_SCAN]
    end = data.find(b"\xff\xd9", start)
    scan = data[start : end if end > 0 else len(data)]
    # Of several scans, as of a progressive JPEG, each has tables of its own.
    if _ZEROS not in scan or b"\xff\xda" in scan:
        return False
    tables = (data[start + 4 : end] for marker, start, end in segments if marker == _TABLES)
    first_symbols = {symbol for table in tables for symbol in _symbols_of_zeros(table)}
    # Symbol 0 in all of them: a block like the one before it, with nothing in it.
    return first_symbols != {0}


def _symbols_of_zeros(tables):
    """Yield what the code of zeros alone stands for in each Huffman table of a segment."""
    while len(tables) > 17:
        yield tables[17]
        tables = tables[17 + sum(tables[1:17]) :]


def _require_checksums(path, data):
    place = len(PNG_START)
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        checksum = int.from_bytes(data[end - 4 : end], "big")
        if end <= len(data) and zlib.crc32(memoryview(data)[place + 4 : end - 4]) != checksum:
            raise UndecodableError(path, "its content is damaged: a checksum does not agree")
        if end <= len(data) and kind == b"IEND":
            return
        place = end
    raise UndecodableError(path, _CUT_SHORT)


def find_damaged(folder, names, progress=True):
    """Look through pictures for damaged ones, once for as long as their files stay as they are.

    What was found is kept in the user's cache, and read from there by later runs, unless a file
    could not be read.

    Args:
        folder: Folder of the pictures (str or path).
        names: Their file names in it, a sequence of str.
        progress: Whether to show a bar when it takes more than two seconds.

    Returns:
        A dict from the names of those that are damaged, in the given order, to an
        :class:`~labkit.dog_breeds.pictures.UndecodableError`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "7f.jpg").write_bytes(b"no picture")
        >>> print(find_damaged(folder, ["7f.jpg"])["7f.jpg"].reason)
        it is cut short or no picture
    """
    folder = Path(folder)
    which = fingerprint(_CHECKS, cv2.__version__, str(folder.resolve()), states_of(folder, names))
    reasons = _recall(which)
    if reasons is not None:
        return {name: UndecodableError(folder / name, reason) for name, reason in reasons.items()}
    found = _look_through(folder, names, progress)
    if all(error.was_read for error in found.values()):
        _keep(which, {name: error.reason for name, error in found.items()})
    return found


def _recall(which):
    """Return what was found before, or None."""
    if which not in _found:
        with suppress(OSError, ValueError, RuntimeError):
            _found[which] = json.loads(_kept_at(which).read_text(encoding="utf-8"))
    return _found.get(which)


def _keep(which, reasons):
    _found[which] = reasons
    # Without it a later run looks again, which takes some seconds.
    with suppress(OSError, RuntimeError):
        path = _kept_at(which)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, path.with_name(f"{path.name}.{os.getpid()}")) as partial:
            partial.write_text(json.dumps(reasons), encoding="utf-8")


def _kept_at(which):
    return user_cache() / "damaged" / f"{which.hex()[:32]}.json"


def _look_through(folder, names, progress):
    """Return a dict from the names of damaged pictures to their errors."""

    def errors(part):
        found = {}
        for name in part:
            try:
                require_undamaged(folder / name)
            except UndecodableError as error:
                found[name] = error
            bar.update()
        return found

    # Parts rather than pictures: to hand over a single one takes longer than to look at it.
    size = max(1, min(64, len(names) // _THREADS))
    parts = [names[start : start + size] for start in range(0, len(names), size)]
    look = {"desc": "Checking pictures", "delay": _BAR_AFTER, "leave": False}
    with (
        tqdm(total=len(names), disable=not progress, **look) as bar,
        ThreadPoolExecutor(_THREADS) as pool,
    ):
        return {name: error for part in pool.map(errors, parts) for name, error in part.items()}


def refuse(damaged):
    """Raise if anything was found.

    Args:
        damaged: What :func:`find_damaged` returned.

    Raises:
        UndecodableError: The only one that was found.
        ValueError: For several, one sentence that names the first few.
    """
    if len(damaged) == 1:
        raise next(iter(damaged.values()))
    if damaged:
        raise ValueError(
            f"{_named(damaged)} cannot be decoded: replace or delete them, or {ADVICE}"
        )


def warn_left_out(damaged, stacklevel=1):
    """Warn of what is left out, if anything.

    Args:
        damaged: What :func:`find_damaged` returned.
        stacklevel: Whose line is named: 1 for the caller's, 2 for that of its caller.
    """
    if damaged:
        said = f"Left out, because undecodable: {_named(damaged)}."
        warnings.warn(said, stacklevel=stacklevel + 1)


def _named(damaged):
    return some((str(error.path) for error in damaged.values()), _NAMED)
