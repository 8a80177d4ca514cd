"""Fill a folder so that a killed run leaves nothing half-written under its final name."""

import json
import os
import shutil
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from labkit.dog_breeds.sources.layout import LABELS, PICTURES
from labkit.files import exclusive, in_a_sentence, replacing

#: The unfinished folder, inside the folder to fill, so that renaming never copies.
UNFINISHED = ".fetching"
#: Says where a folder's pictures came from. Written last into the unfinished folder.
RECEIPT = ".source.json"


@contextmanager
def occupied(directory):
    """Make a folder if need be and keep other processes out; take it away if it stays empty.

    Args:
        directory: Folder to work in (path).

    Yields:
        None.

    Raises:
        NotADirectoryError: It is a file.
        OSError: It cannot be made.
    """
    with ExitStack() as stack:
        made = _make_and_lock(directory, stack)
        try:
            yield
        finally:
            # Before the lock goes: whoever waits for it looks whether the folder is still there.
            if made and not any(directory.iterdir()):
                directory.rmdir()


def _make_and_lock(directory, stack):
    """Return whether the folder was made, once it is locked and still there."""
    while True:
        made = _make_directory(directory)
        with ExitStack() as attempt, suppress(FileNotFoundError):
            expected = directory.stat()
            attempt.enter_context(exclusive(directory))
            if os.path.samestat(directory.stat(), expected):
                stack.enter_context(attempt.pop_all())
                return made


def _make_directory(directory):
    """Make the folder; return whether it was not there before."""
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        if directory.is_dir():
            return False
        if isinstance(error, FileExistsError):
            raise NotADirectoryError(
                f"{directory} is a file; give a folder to put the pictures in."
            ) from None
        problem = f"The folder {directory} cannot be made"
        raise in_a_sentence(error, problem, "choose another directory") from None
    return True


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
    unfinished = directory / UNFINISHED
    if not (unfinished / RECEIPT).is_file():
        _refuse_remains(directory)
        _fill_anew(unfinished, fill, receipt)
    _publish(unfinished, directory)


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


def _fill_anew(unfinished, fill, receipt):
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir()
        fill(unfinished)
        # The receipt vouches for all the rest, so it must not be there in part.
        with replacing(unfinished / RECEIPT) as partial:
            partial.write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")
    except BaseException as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        problem = f"The pictures cannot be written to {unfinished.parent}"
        advice = "choose another directory, or make room there and call fetch again"
        raise in_a_sentence(error, problem, advice) from None


def _publish(unfinished, directory):
    """Move everything into place; labels.csv and the receipt last, which make it a data set."""
    if (unfinished / LABELS).exists() and (directory / LABELS).exists():
        _refuse_remains(directory)
    order = {LABELS: 1, RECEIPT: 2}
    for path in sorted(unfinished.iterdir(), key=lambda path: order.get(path.name, 0)):
        os.replace(path, directory / path.name)
    unfinished.rmdir()
