"""Fill a folder so that a killed run leaves nothing half-written under its final name."""

import json
import os
import shutil
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from labkit.dog_breeds.sources.layout import LABELS, PICTURES

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

#: The unfinished folder, inside the folder to fill, so that renaming never copies.
STAGING = ".fetching"
#: Says where a folder's pictures came from. Written last into the staging folder.
RECEIPT = ".source.json"


@contextmanager
def exclusive(directory):
    """Keep other processes out of a folder for the length of a ``with`` block.

    Two notebooks that start at once would otherwise clear away each other's unfinished
    work. File systems without locks, and Windows, go without.

    Args:
        directory: Folder that is there (str or path).

    Yields:
        None.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        _wait_for_lock(handle, directory)
        yield
    finally:
        # Unlocking by name, because a forked child may still hold the handle open.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _wait_for_lock(handle, directory):
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"Waiting for another run that is at work in {directory}.", file=sys.stderr)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass


def fill_folder(directory, fill, receipt):
    """Fill a folder with ``labels.csv`` and ``train/``, all or nothing.

    ``fill`` writes into a hidden folder inside; what it wrote is renamed into place once it
    is whole, ``labels.csv`` last. What a killed run left is finished or cleared away. Files
    that were in the folder before stay.

    Args:
        directory: Folder to fill, which is there and holds neither ``labels.csv`` nor
            ``train/`` (path).
        fill: Function of one argument, the path of an empty folder to write into.
        receipt: Dict of what to remember about the source, for :func:`read_receipt`.

    Raises:
        FileExistsError: The folder holds one of the two already.
        OSError: The file system refused, in a sentence.
    """
    staging = directory / STAGING
    if not (staging / RECEIPT).is_file():
        _refuse_remains(directory)
        _fill_anew(staging, fill, receipt)
    _publish(staging, directory)


def read_receipt(directory):
    """Read what :func:`fill_folder` remembered about a folder's source.

    Args:
        directory: Folder (path).

    Returns:
        The dict, or an empty one where there is none or it cannot be read.
    """
    try:
        receipt = json.loads((Path(directory) / RECEIPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return receipt if isinstance(receipt, dict) else {}


def _refuse_remains(directory):
    for name in (LABELS, PICTURES):
        if (directory / name).exists():
            raise FileExistsError(
                f"{directory} holds {name} but is no whole data set, and nothing of yours is "
                f"overwritten; choose another directory, or move {name} away."
            )


def _fill_anew(staging, fill, receipt):
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir()
        fill(staging)
        (staging / RECEIPT).write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise _in_a_sentence(error, staging.parent) from None
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _in_a_sentence(error, directory):
    """Word an error of the operating system; one that is a sentence already passes through."""
    if error.errno is None:
        return error
    return type(error)(
        f"The pictures cannot be written to {directory} ({error.strerror or error}); choose "
        f"another directory, or make room there and call fetch again."
    )


def _publish(staging, directory):
    """Move everything into place; labels.csv and the receipt last, which make it a data set."""
    if (staging / LABELS).exists() and (directory / LABELS).exists():
        _refuse_remains(directory)
    last = (LABELS, RECEIPT)
    for path in sorted(
        staging.iterdir(), key=lambda path: (path.name in last, path.name == RECEIPT)
    ):
        os.replace(path, directory / path.name)
    staging.rmdir()
