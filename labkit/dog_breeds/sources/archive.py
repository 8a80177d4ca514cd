"""Unpack a zip or tar archive of pictures after checking what it holds.

Nothing in the archive decides where a byte is written: the names on disk are built from the
checked ids, and an archive with a name that leads elsewhere is refused whole.
"""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from labkit.dog_breeds.pictures import is_sidecar
from labkit.dog_breeds.sources.layout import (
    LABELS,
    PICTURES,
    match_pictures,
    parse_labels,
)
from labkit.files import errors_in_a_sentence, reason, require_room
from labkit.words import some

_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a compression that this Python cannot undo
    RuntimeError,  # a password, which zipfile reports so
    ValueError,  # a name or a date that cannot be one
)
_CHUNK = 2**20
_LABELS_LIMIT = 64 * 2**20
# JPEG pictures hardly shrink; what swells a hundredfold past a gibibyte is a zip bomb.
_SWELL_LIMIT = 100
_SWELL_FLOOR = 2**30


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Args:
        name: Its path in the archive, with forward slashes.
        size: Its declared size in bytes.
        open: Function without arguments that opens it for reading bytes.
    """

    name: str
    size: int
    open: Callable


class NotAnArchiveError(ValueError):
    """The file is something else than an archive, or a damaged one."""


class UnreadableError(Exception):
    """A part of the archive cannot be read; :func:`open_members` words it for the user."""


def extract_pictures(archive, directory, progress=True):
    """Unpack ``labels.csv`` and ``train/`` from an archive, checking all of it first.

    They may lie at the archive's root or one folder down; anything else in the archive, such
    as Kaggle's ``test/``, is left out. The checksums of a zip or a compressed tar are
    compared; a plain tar has none.

    Args:
        archive: Path of a zip or tar archive; a tar may be compressed.
        directory: Empty folder to write into (str or path). After an error it is to be
            thrown away.
        progress: Whether to show a bar when it takes more than a second.

    Raises:
        NotAnArchiveError: A web page, another kind of file, or a damaged archive.
        ValueError: Not the pictures looked for, labels and pictures that do not match, or
            an archive that is not safe to unpack.
        OSError: No room on the disk, or the file system refused.
    """
    archive = Path(archive)
    with open_members(archive) as members:
        home = _find_home(members, archive)
        labels = members[f"{home}{LABELS}"]
        pictures = _pick_pictures(members, home, labels, archive)
        _check_room([labels, *pictures], archive, directory)
        _write_all([labels, *pictures], len(home), Path(directory), progress)


@contextmanager
def open_members(archive):
    """Open an archive as a mapping from names to files, checking that each name is safe.

    Args:
        archive: Path of a zip or tar archive.

    Yields:
        A dict from name (str) to :class:`Member`, folders left out, in the archive's order.

    Raises:
        NotAnArchiveError: A web page, another kind of file, or a damaged archive, also when
            the damage is met inside the ``with`` block.
        ValueError: A name that leads out of its folder, a link, or a name that comes twice.
    """
    opener = _OPENERS[sniff(archive)]
    try:
        with opener(archive) as listing:
            yield _by_name(listing, archive)
    except UnreadableError as error:
        raise NotAnArchiveError(
            f"{archive} cannot be unpacked ({error}): it is damaged, cut short or locked "
            f"with a password; get it once more."
        ) from None


def sniff(path):
    """Tell from its first bytes what kind of archive a file is.

    Args:
        path: Path of the file.

    Returns:
        ``"zip"`` or ``"tar"``.

    Raises:
        NotAnArchiveError: Neither of the two; a web page is named as such.
        OSError: The file is not there or may not be read.
    """
    advice = "give it permission to be read, or get the archive once more"
    with errors_in_a_sentence(f"{path} cannot be read", advice), open(path, "rb") as file:
        head = file.read(1024)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if is_web_page(head):
        raise NotAnArchiveError(
            f"{path} is a web page and not an archive: the link has expired or asks for a login; "
            f"log in with a browser and get the archive once more."
        )
    if not head:
        raise NotAnArchiveError(f"{path} is empty; get the archive once more.")
    if not _is_tar(path):
        raise NotAnArchiveError(
            f"{path} is neither a zip nor a tar archive; give one with {LABELS} and {PICTURES}/."
        )
    return "tar"


def is_web_page(head):
    """Tell a web page by its first bytes.

    Args:
        head: The first bytes of a file, a few hundred at least where there are as many.

    Returns:
        True or False.

    Example:
        >>> is_web_page(b"  <!DOCTYPE html><html>"), is_web_page(b"PK")
        (True, False)
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<!doctype html", b"<html")) or (
        text.startswith(b"<") and b"<html" in text
    )


def _is_tar(path):
    try:
        return tarfile.is_tarfile(path)
    except (*_DAMAGE, OSError):  # a compressed file that breaks off
        return False


@contextmanager
def _reading():
    """Turn what the standard library raises on a damaged archive into one error.

    It stands around reading alone: an OSError from writing is another matter.
    """
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        raise UnreadableError(reason(error)) from None


def _read(call, *arguments):
    with _reading():
        return call(*arguments)


@contextmanager
def _open_zip(path):
    with _read(zipfile.ZipFile, path) as archive:
        yield [
            (
                Member(
                    info.filename.replace("\\", "/"), info.file_size, partial(archive.open, info)
                ),
                stat.S_ISLNK(info.external_attr >> 16),
            )
            for info in archive.infolist()
            if not info.is_dir()
        ]


@contextmanager
def _open_tar(path):
    with _read(tarfile.open, path) as archive:
        yield [
            (Member(info.name, info.size, partial(archive.extractfile, info)), not info.isreg())
            for info in list(_walk_tar(archive, path))
            if not info.isdir()
        ]


def _walk_tar(archive, path):
    """Yield every entry, and read on to the end, where the checksum of a compressed tar stands."""
    while info := _read(archive.next):
        # Before going on, which would unpack all that this entry claims to hold.
        _refuse_swelling(info.offset_data + info.size, path)
        yield info
    while _read(archive.fileobj.read, _CHUNK):
        _refuse_swelling(archive.fileobj.tell(), path)


_OPENERS = {"zip": _open_zip, "tar": _open_tar}


def _chunks(member):
    """Yield the bytes of a member in pieces."""
    with _reading(), member.open() as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _by_name(listing, archive):
    members = {}
    for member, is_link in listing:
        # Archives made by hand name their files ./labels.csv.
        name = member.name.removeprefix("./")
        if _leads_elsewhere(name):
            raise _unsafe(archive, f"{member.name!r} leads out of its folder")
        if is_link:
            raise _unsafe(archive, f"{member.name!r} is a link or a device and no file")
        if name in members:
            raise _unsafe(archive, f"it holds {member.name!r} twice")
        members[name] = Member(name, member.size, member.open)
    return members


def _unsafe(archive, why):
    return ValueError(f"{archive} is not safe to unpack: {why}; get the archive from its source.")


def _leads_elsewhere(name):
    return name.startswith("/") or ".." in name.split("/") or name[1:2] == ":"


def _find_home(members, archive):
    """Return the folder of labels.csv in the archive, "" or "name/"."""
    homes = [
        name.removesuffix(LABELS)
        for name in members
        if PurePosixPath(name).name == LABELS and name.count("/") <= 1
    ]
    if "" in homes:
        return ""
    if len(homes) == 1:
        return homes[0]
    what = f"{len(homes)} files {LABELS}" if homes else f"no {LABELS}"
    all_there = some(members) or "no file at all"
    raise ValueError(
        f"{archive} is not the archive of dog breeds: it holds {what} at its root or one folder "
        f"down, but {all_there}; give the one with {LABELS} and {PICTURES}/, or unpack it and give "
        f"the folder, if it holds a folder for each breed."
    )


def _pick_pictures(members, home, labels, archive):
    """Return the labelled pictures of train/ as members, after matching them with the labels."""
    prefix = f"{home}{PICTURES}/"
    pictures = {
        name.removeprefix(prefix): member
        for name, member in members.items()
        if name.startswith(prefix)
        and not any(map(is_sidecar, name.removeprefix(prefix).split("/")))
    }
    breeds = parse_labels(_read_labels(labels, archive), f"{LABELS} in {archive}")
    wanted = set(match_pictures(breeds, pictures.keys(), archive).values())
    return [member for name, member in pictures.items() if name in wanted]


def _read_labels(labels, archive):
    if labels.size > _LABELS_LIMIT:
        raise ValueError(
            f"{archive} is not the archive of dog breeds: its {LABELS} has {labels.size:,} bytes, "
            f"and {_LABELS_LIMIT:,} are allowed; get the archive from its source."
        )
    return b"".join(_chunks(labels))


def _check_room(members, archive, directory):
    """Refuse what would fill the disk, before writing any of it."""
    needed = sum(member.size for member in members)
    _refuse_swelling(needed, archive)
    require_room(f"Unpacking {archive}", needed, directory)


def _refuse_swelling(needed, archive):
    packed = Path(archive).stat().st_size
    if needed > max(_SWELL_FLOOR, _SWELL_LIMIT * packed):
        raise _unsafe(archive, f"its {packed:,} bytes would swell to {needed:,}")


def _write_all(members, skipped, directory, progress):
    (directory / PICTURES).mkdir()
    bar = tqdm(members, desc="Unpacking", unit=" files", delay=1, disable=not progress)
    for member in bar:
        with open(directory / member.name[skipped:], "xb") as target:
            target.writelines(_chunks(member))
