"""Where pictures come from: drawn, from Kaggle, from a link, or a file that the user has.

Every source ends in the same layout, ``labels.csv`` beside ``train/``, so that every later
step runs on any of them. :mod:`~labkit.dog_breeds.sources.layout` knows that layout,
:mod:`~labkit.dog_breeds.sources.download` and :mod:`~labkit.dog_breeds.sources.archive` get
and check the bytes, and :mod:`~labkit.dog_breeds.sources.staging` sees to it that a killed
run leaves nothing half-written.
"""

import hashlib
import os
import re
import shutil
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labkit.dog_breeds.sources.archive import NotAnArchiveError, extract_pictures, sniff
from labkit.dog_breeds.sources.download import discard, download_file
from labkit.dog_breeds.sources.kaggle import PAGE, bring_from_kaggle
from labkit.dog_breeds.sources.layout import (
    LABELS,
    PICTURES,
    SUFFIX,
    find_layout,
    in_a_sentence,
    read_labels,
)
from labkit.dog_breeds.sources.staging import RECEIPT, STAGING, fill_folder, occupied, read_receipt
from labkit.words import count, some

__all__ = ["fetch", "read_labels"]

DROPBOX = "https://www.dropbox.com/s/l7b7l5fjwwj6ad2/dog-breed-identification.zip?dl=1"

#: An archive on its way; hidden, so that it never bears the name of a file of the user's.
_DOWNLOAD = ".download"
_OWN_ARCHIVE = f"download the archive from {PAGE}/data and give fetch its path"
_NO_NETWORK = "fetch('drawn') needs no network"
_INSTEAD = {
    "kaggle": f"or try fetch('dropbox'), or {_OWN_ARCHIVE}; {_NO_NETWORK}",
    "dropbox": f"or try fetch('kaggle'), or {_OWN_ARCHIVE}; {_NO_NETWORK}",
    "url": f"or try fetch('kaggle'), or {_OWN_ARCHIVE}; {_NO_NETWORK}",
}


@dataclass(frozen=True)
class Source:
    """Where pictures come from.

    Args:
        kind: ``"drawn"``, ``"kaggle"``, ``"dropbox"``, ``"url"`` or ``"archive"``.
        name: What the receipt calls it: the kind, the address, or the archive's file name.
        place: The address or the path, or "".
        size: The archive's bytes where they are known, else None.
        sha256: The hash that the archive must have, 64 hexadecimal digits, or "".
    """

    kind: str
    name: str
    place: str = ""
    size: int | None = None
    sha256: str = ""

    @property
    def receipt(self):
        """What is remembered in the folder that came from here."""
        known = {"source": self.name, "bytes": self.size}
        return known | {"sha256": self.sha256} if self.sha256 else known


def fetch(source="drawn", directory=None, *, sha256=None, progress=True):
    """Bring the pictures into a folder with ``labels.csv`` and ``train/<id>.jpg``.

    A second call finds the folder whole and does nothing. A killed download goes on where it
    broke off; a killed unpacking starts again and leaves nothing behind. All is checked
    before the folder counts as whole: the archive's checksums, the labels, and that labels
    and pictures match. Every picture is then decoded once, and a warning names those that
    are damaged.

    Args:
        source: One of

            - ``"drawn"``: the drawn dogs, made on the spot without a network;
            - ``"kaggle"``: Kaggle's competition, by your account (needs ``kagglehub``);
            - ``"dropbox"``: the lab's original link;
            - an ``http://`` or ``https://`` address of such an archive;
            - a path (str or path) of a zip or tar archive that you have;
            - a path of a folder that you have, which is used where it lies and not changed.
        directory: Folder to fill (str or path); ``data/<name of the source>`` by default.
            Files in it stay. A folder given as the source is used in place instead.
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
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "labels.csv").write_text("id,breed\\n7f,pug\\n")
        >>> (folder / "train").mkdir()
        >>> (folder / "train" / "7f.jpg").touch()
        >>> fetch(folder) == folder
        True
    """
    try:
        return _fetch(source, directory, sha256, progress)
    except OSError as error:
        raise in_a_sentence(error, source) from None


def _fetch(source, directory, sha256, progress):
    path = _local_path(source)
    if path is not None and path.is_dir():
        return _use_in_place(path)
    found = _with_hash(_name_source(source, path), sha256)
    directory = Path(directory).expanduser() if directory else _default_directory(found)
    if not (directory / LABELS).is_file():
        _require_source(found, directory)
    with occupied(directory):
        _fetch_into(directory, found, progress)
    return directory


def _local_path(source):
    """Return the source as a path, or None for a name or an address."""
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"fetch's source is {source!r}; it must be {_ALLOWED}.")
    if isinstance(source, str) and (source in _NAMED or _is_address(source)):
        return None
    return Path(source).expanduser()


def _with_hash(source, sha256):
    if sha256 is None:
        return source
    if source.kind in ("drawn", "kaggle"):
        raise ValueError(
            f"sha256 belongs to an archive or an address, not to the source {source.name!r}; leave "
            f"it out."
        )
    if not re.fullmatch("[0-9a-fA-F]{64}", str(sha256)):
        raise ValueError(
            f"sha256={sha256!r} is no SHA-256; give its 64 hexadecimal digits, or leave it out."
        )
    return replace(source, sha256=sha256.lower())


def _is_address(source):
    return source.lower().startswith(("http://", "https://"))


def _name_source(source, path):
    if path is not None:
        size = path.stat().st_size if path.exists() else None
        return Source("archive", path.name, str(path), size)
    if _is_address(source):
        return Source("url", source, source)
    return Source(source, source, DROPBOX if source == "dropbox" else "")


def _require_source(source, directory):
    """Refuse a path that is not there, when nothing fetched from it is there either."""
    if source.kind != "archive" or source.size is not None:
        return
    path = Path(source.place)
    if path.suffix or len(path.parts) > 1:
        raise FileNotFoundError(
            f"There is no archive or folder {path} (looked for it from {Path.cwd()}); give the "
            f"path of one, or {_ALLOWED_NAMES}."
        )
    raise ValueError(
        f"There is no source {source.place!r}, nor a file or folder of that name; it must be "
        f"{_ALLOWED}."
    )


def _use_in_place(folder):
    home = find_layout(folder)
    read_labels(home)
    return home


def _default_directory(source):
    if source.kind not in ("url", "archive"):
        return Path("data", source.kind)
    path = urlsplit(source.place).path if source.kind == "url" else source.place
    stem = Path(unquote(path)).name.split(".")[0]
    return Path("data", stem or "archive")


def _fetch_into(directory, source, progress):
    staged = (directory / STAGING / RECEIPT).is_file()
    whole = (directory / LABELS).is_file() and (directory / PICTURES).is_dir()
    if staged or not whole:
        fill = partial(_FILLERS[source.kind], source, progress=progress)
        try:
            fill_folder(directory, fill, source.receipt)
        except (OSError, ValueError, ModuleNotFoundError) as error:
            raise _with_advice(error, source) from None
    # What was whole before, or filled by a run that was killed, may be of another source.
    if staged or whole:
        _check_same_source(directory, source)
    _clear_away(directory)
    labels = read_labels(directory)
    if (staged or not whole) and source.kind != "drawn":
        _warn_of_damage(directory, labels, progress)


def _warn_of_damage(directory, labels, progress):
    """Say which pictures are none; they are left to the user, who may have no better ones."""
    from labkit.dog_breeds.sources.decodability import find_damaged

    names = [f"{picture_id}{SUFFIX}" for picture_id in labels]
    if damaged := find_damaged(directory / PICTURES, names, progress):
        warnings.warn(
            f"{count(len(damaged), 'picture')} of {len(names):,} in {directory / PICTURES} cannot "
            f"be decoded: {some(damaged)}; replace them, or pass undecodable='skip' to "
            f"flow_from_directory to go on without them.",
            stacklevel=4,
        )


def _clear_away(directory):
    """Remove what is of no use once a folder is whole; a killed run did not come to it."""
    shutil.rmtree(directory / STAGING, ignore_errors=True)
    with suppress(OSError):  # a read-only disk says so even of what is not there
        discard(directory / _DOWNLOAD)


def _check_same_source(directory, source):
    """Refuse to pass off the pictures of one source as those of another."""
    receipt = read_receipt(directory)
    same_size = source.size is not None and receipt.get("bytes") == source.size
    same_name = receipt.get("source") == source.name and source.size is None
    if receipt and source.sha256 and receipt.get("sha256") != source.sha256:
        raise FileExistsError(
            f"{directory} holds pictures of {receipt.get('source')!r} that were not fetched with "
            f"this sha256; choose another directory, delete that one, or leave sha256 out."
        )
    if receipt and not same_size and not same_name:
        raise FileExistsError(
            f"{directory} holds the pictures of another source, {receipt.get('source')!r}; choose "
            f"another directory for {source.name!r}, or delete that one."
        )
    if receipt and source.kind == "drawn" and not _drawn_as_now(directory):
        raise FileExistsError(
            f"The dogs in {directory} were drawn by another version of labkit; delete that folder "
            f"and call fetch again, or choose another directory."
        )


def _drawn_as_now(directory):
    """Draw one dog of each breed and compare it with the folder's, byte for byte."""
    from labkit.dog_breeds.sources.drawn_dogs import LAB_BREEDS, first_pictures

    sample = first_pictures(LAB_BREEDS)
    paths = ((directory / PICTURES / name, content) for name, content in sample)
    return all(path.is_file() and path.read_bytes() == content for path, content in paths)


def _with_advice(error, source):
    if source.kind not in _INSTEAD:
        return error
    return type(error)(f"{str(error).rstrip('.')}; {_INSTEAD[source.kind]}.")


def _fill_drawn(source, staging, *, progress):
    from labkit.dog_breeds.sources.drawn_dogs import write_drawn_dogs

    # One folder down, because it keeps its own unfinished work beside the folder it is given.
    written = write_drawn_dogs(staging / "drawn", progress=progress)
    for path in list(written.iterdir()):
        os.replace(path, staging / path.name)
    written.rmdir()


def _fill_from_kaggle(source, staging, *, progress):
    bring_from_kaggle(staging)


def _fill_from_address(source, staging, *, progress):
    archive = download_file(source.place, staging.parent / _DOWNLOAD, progress=progress)
    try:
        _require_hash(archive, source)
        extract_pictures(archive, staging, progress)
    except (NotAnArchiveError, ValueError):
        # The next call must not find the same bad file again.
        discard(archive)
        raise


def _require_hash(archive, source):
    if not source.sha256:
        return
    with open(archive, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != source.sha256:
        raise ValueError(
            f"{source.place} has the sha256 {found} and not {source.sha256}: it is another file or "
            f"a damaged one; get it once more, or correct the hash."
        )


def _fill_from_archive(source, staging, *, progress):
    sniff(source.place)
    _require_hash(source.place, source)
    extract_pictures(source.place, staging, progress)


_FILLERS = {
    "drawn": _fill_drawn,
    "kaggle": _fill_from_kaggle,
    "dropbox": _fill_from_address,
    "url": _fill_from_address,
    "archive": _fill_from_archive,
}
_NAMED = ("drawn", "kaggle", "dropbox")
_ALLOWED_NAMES = "one of the sources 'drawn', 'kaggle' and 'dropbox'"
_ALLOWED = f"{_ALLOWED_NAMES}, a web address, or the path of an archive or a folder"
