"""Look through many files for such that are no whole pictures, and say so in one sentence."""

import warnings
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from labkit.dog_breeds.batches.pictures import UndecodableError

_NAMED = 5
_BAR_AFTER = 2  # Seconds: no bar for what is over before one looks.


def find_undecodable(examine, items, threads):
    """Return the error of each item, or None.

    Args:
        examine: Called with each item; raises UndecodableError.
        items: A sequence.
        threads: Number of threads.

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
    with (
        tqdm(total=len(items), desc="Checking pictures", delay=_BAR_AFTER, leave=False) as bar,
        ThreadPoolExecutor(threads) as pool,
    ):
        return [error for part in pool.map(errors, parts) for error in part]


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
        raise ValueError(
            f"{_named(found)} cannot be decoded: replace or delete them, or pass "
            'undecodable="skip" to flow_from_directory to go on without such pictures.'
        )


def warn(errors):
    """Warn of what is left out, if anything.

    Args:
        errors: List of UndecodableError or None.
    """
    found = [error for error in errors if error is not None]
    if found:
        warnings.warn(f"Left out, because undecodable: {_named(found)}.", stacklevel=5)


def _named(found):
    names = ", ".join(str(error.path) for error in found[:_NAMED])
    more = len(found) - _NAMED
    return names if more <= 0 else f"{names} and {more:,} more"
