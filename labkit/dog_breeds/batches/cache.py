"""Keep decoded, resized pictures after their first use: in memory, on disk, or not at all.

All three answer `get(index, load)` with the same picture, so a cache changes the time that
an epoch takes and nothing else.
"""

import hashlib
import logging
import math
import os
import zlib
from pathlib import Path

import numpy as np

from labkit.dog_breeds.batches.memory import free_memory
from labkit.files import exclusive, free_room, reason, replacing, reserve

CACHES = ("auto", "memory", "disk", None)
_SHARE_OF_MEMORY = 0.5  # The rest is for the model, and for a second generator's cache.
_SHARE_OF_DISK = 0.8
_MAGIC = b"labkit pictures1"
_HEADER = len(_MAGIC) + hashlib.sha256().digest_size
_PAGE = 4096
_FILLED = 1 << 32  # Marks a checksum, which itself may be 0.

_logger = logging.getLogger(__name__)


class NoCache:
    """Load every picture anew."""

    kind = None

    def get(self, index, load):
        """Return what `load(None)` makes of the picture."""
        return load(None)


class MemoryCache:
    """Keep pictures in memory. Pages are taken when first written, so it grows as it fills.

    Args:
        shape: `(pictures, height, width[, channels])`, uint8.
    """

    kind = "memory"

    def __init__(self, shape):
        self._pictures = np.empty(shape, np.uint8)
        self._filled = np.zeros(shape[0], bool)

    def get(self, index, load):
        """Return picture `index`, of which `load(out)` writes the pixels the first time."""
        if not self._filled[index]:
            load(self._pictures[index])
            self._filled[index] = True
        return self._pictures[index]


class DiskCache:
    """Keep pictures in one memory-mapped file that outlives the run.

    The file holds a fingerprint of the pictures' files, one checksum a picture, and the
    pixels. A picture is trusted only if its checksum is there and agrees: what a killed run
    or a crashed machine left half-written is decoded again. A file with another fingerprint
    is replaced.

    Args:
        path: The cache file; made if it is missing.
        shape: `(pictures, height, width[, channels])`, uint8.
        fingerprint: 32 bytes that change whenever the pixels would.

    Raises:
        ValueError: If the file cannot be made.
    """

    kind = "disk"

    def __init__(self, path, shape, fingerprint):
        self.path = Path(path)
        self._shape = shape
        self._header = _MAGIC + fingerprint
        # Pixels begin on a page of their own, where mapping is quickest.
        self._start = _PAGE * math.ceil((_HEADER + 8 * shape[0]) / _PAGE)
        try:
            with exclusive(self.path.parent) as alone:
                if not self._is_current():
                    self._create(alone)
            self._sums = np.memmap(self.path, "<u8", "r+", _HEADER, shape[:1])
            self._pictures = np.memmap(self.path, np.uint8, "r+", self._start, shape)
        except OSError as error:
            raise ValueError(
                f"The cache file {self.path} of {_gigabytes(self._size)} cannot be used "
                f"({reason(error)}): pass another cache_directory, or "
                'cache="memory" or cache=None.'
            ) from None
        self._trusted = np.zeros(shape[0], bool)

    def get(self, index, load):
        """Return picture `index`, of which `load(out)` writes the pixels if need be."""
        picture = self._pictures[index]
        if not self._trusted[index]:
            if self._sums[index] != self._sum(picture):
                load(picture)
                self._sums[index] = self._sum(picture)
            self._trusted[index] = True
        return picture

    @property
    def _size(self):
        return self._start + math.prod(self._shape)

    @staticmethod
    def _sum(picture):
        return _FILLED | zlib.crc32(picture)

    def _is_current(self):
        if not self.path.exists() or self.path.stat().st_size != self._size:
            return False
        with open(self.path, "rb") as file:
            return file.read(_HEADER) == self._header

    def _create(self, alone):
        """Reserve the file, under a passing name until it is whole.

        Whoever still uses a stale file of that name keeps what they have mapped.
        """
        # Without locks another process may be at the same file, under a name of its own.
        passing = None if alone else self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        with replacing(self.path, passing) as partial, open(partial, "wb") as file:
            # A disk that fills up later would kill the process that maps the file.
            reserve(file, self._size)
            file.write(self._header)


def open_cache(kind, shape, path, fingerprint):
    """Open the cache that was asked for, or the one that there is room for.

    `"auto"` takes memory if the pictures fill at most half of what is free, else the disk
    if they fit there, else none.

    Args:
        kind: One of :data:`CACHES`.
        shape: `(pictures, height, width[, channels])`, uint8.
        path: Where a cache on disk would lie.
        fingerprint: Function that returns 32 bytes, other ones whenever the pixels would
            be; called for a cache on disk alone, for it looks at every file.

    Returns:
        The cache, and a sentence that says what it is and why.

    Raises:
        ValueError: If there is no room for what was asked for.
    """
    size, memory, disk = math.prod(shape), free_memory(), free_room(path.parent)
    needs = f"{shape[0]:,} pictures take {_gigabytes(size)}"
    chosen = _choose(size, memory, disk) if kind == "auto" else kind
    if chosen == "memory" and size > memory:
        raise ValueError(
            f'cache="memory" has no room: {needs}, {_gigabytes(memory)} of memory are free; '
            'pass cache="disk", cache=None or a smaller target_size.'
        )
    report = {
        "memory": f"Kept in memory after first use: {needs}, of {_gigabytes(memory)} free.",
        "disk": f"Kept on disk after first use, in {path}: {needs}, of {_gigabytes(disk)} free.",
        None: f"Decoded anew in each epoch: {needs}, of {_gigabytes(memory)} of memory and "
        f"{_gigabytes(disk)} of disk free.",
    }[chosen]
    _logger.info(report)
    return _open(chosen, shape, path, fingerprint), report


def _choose(size, memory, disk):
    if size <= _SHARE_OF_MEMORY * memory:
        return "memory"
    return "disk" if size <= _SHARE_OF_DISK * disk else None


def _open(kind, shape, path, fingerprint):
    if kind == "memory":
        return MemoryCache(shape)
    return NoCache() if kind is None else DiskCache(path, shape, fingerprint())


def _gigabytes(size):
    return f"{size / 1e9:.2f} GB"
