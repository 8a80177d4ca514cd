"""Find pictures that show the same photograph at another size or in another compression."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from labkit.dog_breeds import pictures

#: Grey levels, of 255, by which two small copies may differ on average (root mean square).
#: Of the photographs, copies that were scaled from 224 to 90 pixels differ by 2.3 to 4.7, and
#: the nearest pictures that are not wholly the same by 10.
THRESHOLD = 7.0

_SIDE = 32
_COARSE = 8
_BLOCK = 1024
_THREADS = 2
_BAR_AFTER = 2  # Seconds.


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

    with ThreadPoolExecutor(_THREADS) as pool:
        done = pool.map(shrink, range(len(paths)))
        for _ in tqdm(done, "Comparing pictures", len(paths), delay=_BAR_AFTER):
            pass
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
    groups = {}
    for place, root in enumerate(home):
        groups.setdefault(root, []).append(place)
    return [group for group in groups.values() if len(group) > 1]
