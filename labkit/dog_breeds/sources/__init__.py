"""Where pictures come from: drawn, from Kaggle, from a link, or a file that the user has.

Every source ends in the same layout, ``labels.csv`` beside ``train/``, so that every later
step runs on any of them. :mod:`~labkit.dog_breeds.sources.known_sources` is the table of them,
:mod:`~labkit.dog_breeds.sources.layout` knows that layout,
:mod:`~labkit.dog_breeds.sources.download` and :mod:`~labkit.dog_breeds.sources.archive` get
and check the bytes, and :mod:`~labkit.dog_breeds.sources.filling` sees to it that a killed
run leaves nothing half-written.
"""

import re
import shutil
import warnings
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from labkit.dog_breeds.damage import find_damaged
from labkit.dog_breeds.sources.class_folders import find_class_folders
from labkit.dog_breeds.sources.download import discard
from labkit.dog_breeds.sources.filling import (
    RECEIPT,
    UNFINISHED,
    fill_folder,
    occupied,
    read_receipt,
)
from labkit.dog_breeds.sources.known_sources import (
    DOWNLOAD,
    find_source,
    in_class_folders,
    require_there,
)
from labkit.dog_breeds.sources.layout import (
    LABELS,
    PICTURES,
    find_layout,
    read_data_set,
    read_labels,
    unreadable,
)
from labkit.words import count, some

__all__ = ["fetch", "read_labels"]


def fetch(source="drawn", directory=None, *, sha256=None, progress=True):
    """Bring the pictures into a folder with ``labels.csv`` and ``train/<id>.jpg``.

    Other suffixes of pictures will do as well.

    A second call finds the folder whole and does nothing. A killed download goes on where it
    broke off; a killed unpacking starts again and leaves nothing behind. All is checked
    before the folder counts as whole: the archive's checksums, the labels, and that labels
    and pictures match. Every picture is then looked at once, from an archive as from a folder,
    and a warning names those that are damaged.

    Args:
        source: One of

            - ``"drawn"``: the drawn dogs, which come with labkit and need no network;
            - ``"kaggle"``: Kaggle's competition, by your account (needs ``kagglehub``);
            - ``"dropbox"``: the lab's original link;
            - an ``http://`` or ``https://`` address of such an archive;
            - a path (str or path) of a zip or tar archive that you have;
            - a path of a folder that you have with ``labels.csv`` and ``train/``, which is used
              where it lies and not changed;
            - a path of a folder that you have with a folder for each class, as Stanford Dogs,
              Imagewoof and your own pictures come, one or two folders down. Its pictures are
              linked or copied, and named by their files.
        directory: Folder to fill (str or path); ``data/<name of the source>`` by default.
            Files in it stay. A folder that holds ``labels.csv`` is used in place instead.
        sha256: The hash that the archive or the download must have, 64 hexadecimal digits;
            None takes any, for Kaggle publishes none.
        progress: Whether to show a bar for what takes long.

    Returns:
        The path of the folder that holds ``labels.csv`` and ``train/``.

    Raises:
        FileNotFoundError: There is no such archive or folder.
        FileExistsError: The directory holds other pictures, or half a data set.
        ValueError: An unknown source; not the pictures looked for; an unsafe or damaged
            archive; another hash; labels that do not fit.
        ConnectionError: The download failed. What has arrived is kept for the next call.
        PermissionError: Kaggle wants a login or its rules accepted.
        ModuleNotFoundError: ``"kaggle"`` without kagglehub.
        OSError: The disk is full or cannot be written to.

    Example:
        >>> import tempfile
        >>> folder = fetch("drawn", Path(tempfile.mkdtemp()) / "dogs", progress=False)
        >>> len(read_labels(folder))
        480
    """
    try:
        return _fetch(source, directory, sha256, progress)
    except OSError as error:
        raise unreadable(error, source) from None


def _fetch(source, directory, sha256, progress):
    found = _with_hash(find_source(source), sha256)
    if _is_folder(found):
        try:
            home = find_layout(found.path)
        except FileNotFoundError:
            if not find_class_folders(found.path):
                raise
            found = in_class_folders(found.path)
        else:
            _warn_of_damage(home, read_data_set(home)[1], progress)
            return home
    directory = Path(directory).expanduser() if directory else found.directory
    if found.path is not None and not (directory / LABELS).is_file():
        require_there(found.path)
    _refuse_inside(directory, found)
    with occupied(directory):
        _fetch_into(directory, found, progress)
    return directory


def _is_folder(source):
    return source.path is not None and source.path.is_dir()


def _refuse_inside(directory, source):
    """Refuse to write into class folders of the user's, which are not changed."""
    if _is_folder(source) and directory.resolve().is_relative_to(source.path.resolve()):
        raise ValueError(
            f"The pictures of {source.path} cannot be laid out in {directory}, for that folder is "
            f"not changed; choose a directory outside it."
        )


def _with_hash(source, sha256):
    if sha256 is None:
        return source
    if not source.place or _is_folder(source):
        raise ValueError(
            f"sha256 belongs to an archive or an address, not to the source {source.name!r}; leave "
            f"it out."
        )
    if not re.fullmatch("[0-9a-fA-F]{64}", str(sha256)):
        raise ValueError(
            f"sha256={sha256!r} is no SHA-256; give its 64 hexadecimal digits, or leave it out."
        )
    return replace(source, sha256=sha256.lower())


def _fetch_into(directory, source, progress):
    interrupted = (directory / UNFINISHED / RECEIPT).is_file()
    whole = (directory / LABELS).is_file() and (directory / PICTURES).is_dir()
    if interrupted or not whole:
        try:
            fill_folder(directory, partial(source.fill, source, progress=progress), source.receipt)
        except (OSError, ValueError, ModuleNotFoundError) as error:
            raise _with_advice(error, source) from None
    # What was whole before, or filled by a run that was killed, may be of another source.
    if interrupted or whole:
        _check_same_source(directory, source)
    _clear_away(directory)
    _, pictures = read_data_set(directory)
    # Of a whole folder without a receipt the pictures are the user's, and never were looked at.
    if interrupted or not whole or not read_receipt(directory):
        _warn_of_damage(directory, pictures, progress)


def _warn_of_damage(directory, pictures, progress):
    """Say which pictures are damaged; they are left to the user, who may have no better ones."""
    names = list(pictures.values())
    if damaged := find_damaged(directory / PICTURES, names, progress):
        warnings.warn(
            f"{count(len(damaged), 'picture')} of {len(names):,} in {directory / PICTURES} cannot "
            f"be decoded: {some(damaged)}; replace them, or pass undecodable='skip' to "
            f"flow_from_directory to go on without them.",
            stacklevel=4,
        )


def _clear_away(directory):
    """Remove what is of no use once a folder is whole; a killed run did not come to it."""
    shutil.rmtree(directory / UNFINISHED, ignore_errors=True)
    with suppress(OSError):  # a read-only disk says so even of what is not there
        discard(directory / DOWNLOAD)


def _check_same_source(directory, source):
    """Refuse to pass off the pictures of one source as those of another."""
    receipt = read_receipt(directory)
    if not receipt:
        return
    same_size = source.size is not None and receipt.get("bytes") == source.size
    same_name = receipt.get("source") == source.name and source.size is None
    if not same_size and not same_name:
        raise FileExistsError(
            f"{directory} holds the pictures of another source, {receipt.get('source')!r}; choose "
            f"another directory for {source.name!r}, or delete that one."
        )
    if _is_folder(source) and receipt.get("sha256") != source.sha256:
        raise FileExistsError(
            f"{directory} holds the pictures of {source.path} as they were before: since then some "
            f"were added, removed or changed; delete {directory} and call fetch again, or choose "
            f"another directory."
        )
    if source.sha256 and receipt.get("sha256") != source.sha256:
        rest = ", or leave sha256 out" if source.place else ""
        raise FileExistsError(
            f"{directory} holds pictures of {receipt.get('source')!r} that were not fetched with "
            f"the sha256 {source.sha256[:16]}… and may be others; delete that folder and call "
            f"fetch again, choose another directory{rest}."
        )


def _with_advice(error, source):
    if not source.advice:
        return error
    return type(error)(f"{str(error).rstrip('.')}; {source.advice}.")
