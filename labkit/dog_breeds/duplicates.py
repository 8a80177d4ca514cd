"""Find pictures that are there more than once, be it at another size or in another compression."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm
from tqdm.contrib.concurrent import thread_map

from labkit.dog_breeds import pictures
from labkit.dog_breeds.damage import find_damaged, refuse, warn_left_out
from labkit.dog_breeds.sources.layout import PICTURES, read_data_set, unreadable
from labkit.files import sha256_of
from labkit.words import count, require_one_of

#: Grey levels, of 255, by which two small copies may differ on average (root mean square).
#: Of the photographs, copies that were scaled from 224 to 90 pixels differ by 2.3 to 4.7, and
#: the nearest pictures that are not wholly the same by 10.
THRESHOLD = 7.0

_SIDE = 32
_COARSE = 8
_BLOCK = 1024
_THREADS = 2
_BAR_AFTER = 2  # Seconds.


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


def duplicates(directory, by="appearance"):
    """Find pictures that are there more than once: a flaw of the data, which training hides.

    Args:
        directory: Folder that holds ``labels.csv`` and ``train/`` (str or path).
        by: What makes two files one picture: ``"appearance"``, that they look alike, whatever
            their size and compression, which takes some seconds for 10,000 pictures and
            leaves out damaged ones with a warning; or ``"bytes"``, that they are the same to
            the last byte.

    Returns:
        :class:`Duplicates`, a tuple of :class:`Duplicate` in the labels' order of their first
        ids. Printed, it says how many there are and names those with different breeds.

    Raises:
        FileNotFoundError: ``labels.csv`` or ``train/`` is not there.
        ValueError: Labels and pictures do not match, or ``by`` is neither of the two.
        OSError: A picture cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "labels.csv").write_text("id,breed\\n7f,pug\\n03,boxer\\n")
        >>> (folder / "train").mkdir()
        >>> for name in ("03", "7f"):
        ...     _ = (folder / "train" / f"{name}.jpg").write_bytes(b"the same")
        >>> [(twin.ids, twin.contradicts) for twin in duplicates(folder, by="bytes")]
        [(('7f', '03'), True)]
    """
    require_one_of("by", by, ("appearance", "bytes"))
    labels, files = read_data_set(directory)
    find = _same_bytes if by == "bytes" else _alike
    groups = find(files, Path(directory).expanduser() / PICTURES)
    order = {name: place for place, name in enumerate(labels)}
    found = sorted((sorted(names, key=order.get) for names in groups), key=lambda n: order[n[0]])
    return Duplicates(Duplicate(tuple(names), tuple(labels[n] for n in names)) for names in found)


def _alike(files, folder):
    damaged = find_damaged(folder, list(files.values()))
    refuse({name: error for name, error in damaged.items() if not error.was_read})
    warn_left_out(damaged, stacklevel=3)
    names = [name for name in files if files[name] not in damaged]
    groups = find_lookalikes([folder / files[name] for name in names])
    return [[names[place] for place in group] for group in groups]


def _same_bytes(files, folder):
    try:
        same_size = _group(files, lambda name: os.path.getsize(folder / files[name]))
        candidates = [name for names in same_size for name in names]
        return _group(candidates, lambda name: sha256_of(folder / files[name]))
    except OSError as error:
        raise unreadable(error, folder) from None


def _group(names, key):
    """Return the groups of at least two names that share a key."""
    groups = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def find_lookalikes(paths, threshold=THRESHOLD):
    """Group pictures that look alike.

    Each picture is averaged down to 32 × 32 pixels; two of them are one photograph if these
    differ by at most ``threshold`` grey levels, root mean square. To spare most of the work,
    pairs are first compared at 8 × 8 pixels, where the difference can only be smaller: it is
    that of means.

    Args:
        paths: Picture files, a sequence of paths.
        threshold: Grey levels between 0 and 255.

    Returns:
        A list of lists of positions in ``paths``, at least two in each, rising.

    Raises:
        labkit.dog_breeds.pictures.UndecodableError: A file is no picture.

    Example:
        >>> find_lookalikes([])
        []
    """
    small = _shrink(paths)
    return _components(len(small), _pairs(small, threshold))


def _shrink(paths):
    """Return all pictures as one array `(n, 32, 32, 3)`, float32."""
    small = np.empty((len(paths), _SIDE, _SIDE, 3), np.float32)

    def shrink(place):
        small[place] = pictures.load(paths[place], (_SIDE, _SIDE), interpolation="area")

    look = {"desc": "Comparing pictures", "delay": _BAR_AFTER, "tqdm_class": tqdm}
    thread_map(shrink, range(len(paths)), max_workers=_THREADS, **look)
    return small


def _pairs(small, threshold):
    """Yield pairs of positions, the first below the second."""
    side = _SIDE // _COARSE
    coarse = small.reshape(len(small), _COARSE, side, _COARSE, side, 3).mean((2, 4))
    coarse = coarse.reshape(len(small), 3 * _COARSE**2)
    # About the mean, rounding in the squares below stays far under one grey level.
    coarse -= coarse.mean(0) if len(coarse) else 0
    squares = (coarse**2).sum(1)
    # One more grey level than wanted, for that rounding.
    limit = coarse.shape[1] * (threshold + 1) ** 2
    for start in range(0, len(coarse), _BLOCK):
        block = slice(start, start + _BLOCK)
        distances = squares[block, None] + squares - 2 * coarse[block] @ coarse.T
        for first, second in zip(*np.nonzero(distances <= limit), strict=True):
            first += start
            if first < second and _difference(small[first], small[second]) <= threshold:
                yield int(first), int(second)


def _difference(first, second):
    """Root mean square of the differences, in grey levels."""
    return float(np.sqrt(np.mean((first - second) ** 2)))


def _components(number, pairs):
    """Join pairs that share a member into groups."""
    home = list(range(number))
    for first, second in pairs:
        old, new = sorted((home[first], home[second]), reverse=True)
        home = [new if place == old else place for place in home]
    return _group(range(number), home.__getitem__)
