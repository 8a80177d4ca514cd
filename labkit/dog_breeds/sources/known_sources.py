"""The sources that fetch knows, in one table, and those it makes of an address or a path.

A new source is one more entry of :data:`KNOWN`.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from labkit.dog_breeds.packaged import packaged_file, published_hashes
from labkit.dog_breeds.sources.archive import extract_pictures, sniff
from labkit.dog_breeds.sources.class_folders import (
    bring_from_class_folders,
    describe_class_folders,
)
from labkit.dog_breeds.sources.download import discard, download_file
from labkit.dog_breeds.sources.kaggle import PAGE, bring_from_kaggle
from labkit.files import sha256_of
from labkit.words import did_you_mean, listed

DROPBOX = "https://www.dropbox.com/s/l7b7l5fjwwj6ad2/dog-breed-identification.zip?dl=1"
DRAWN_DOGS = "drawn_dogs.zip"

#: An archive on its way; hidden, so that it never bears the name of a file of the user's.
DOWNLOAD = ".download"


@dataclass(frozen=True)
class Source:
    """Where pictures come from.

    Args:
        name: What the user and the receipt call it: its name in :data:`KNOWN`, the address, or
            the archive's file name.
        fill: Function of the source, an empty folder to write into (path) and whether to show
            bars; it writes ``labels.csv`` and ``train/``.
        online: Whether it needs a network, so that another source may help when it fails.
        place: The address or the path of an archive, whose hash a user may know, or the path of
            class folders; or "".
        folder: Name of its default folder; the source's own name by default.
        size: The archive's bytes where they are known, else None.
        sha256: The hash that the archive must have, or what tells the state of class folders,
            64 hexadecimal digits, or "".
    """

    name: str
    fill: Callable
    online: bool = False
    place: str = ""
    folder: str = ""
    size: int | None = None
    sha256: str = ""

    @property
    def directory(self):
        """The folder that is filled by default."""
        return Path("data", self.folder or self.name)

    @property
    def path(self):
        """Return where that lies which the user has (path); None for other sources."""
        return Path(self.place) if self.place and not self.online else None

    @property
    def receipt(self):
        """What is remembered in the folder that came from here."""
        known = {"source": self.name, "bytes": self.size}
        return known | {"sha256": self.sha256} if self.sha256 else known

    @property
    def advice(self):
        """What else to try when it fails, or ""."""
        if not self.online:
            return ""
        other = next(name for name, s in KNOWN.items() if s.online and name != self.name)
        return (
            f"or try fetch({other!r}), or download the archive from {PAGE}/data and give fetch its "
            f"path; fetch('drawn') needs no network"
        )


def _from_package(source, folder, progress):
    with packaged_file(DRAWN_DOGS) as archive:
        extract_pictures(archive, folder, progress)


def _from_kaggle(source, folder, progress):
    bring_from_kaggle(folder)


def _from_address(source, folder, progress):
    archive = download_file(source.place, folder.parent / DOWNLOAD, progress=progress)
    try:
        _require_hash(archive, source)
        extract_pictures(archive, folder, progress)
    except ValueError:
        # The next call must not find the same bad file again.
        discard(archive)
        raise


def _from_archive(source, folder, progress):
    sniff(source.place)
    _require_hash(source.place, source)
    extract_pictures(source.place, folder, progress)


def _from_class_folders(source, folder, progress):
    bring_from_class_folders(Path(source.place), folder)


def _require_hash(archive, source):
    if not source.sha256:
        return
    found = sha256_of(archive)
    if found != source.sha256:
        raise ValueError(
            f"{source.place} has the sha256 {found} and not {source.sha256}: it is another file or "
            f"a damaged one; get it once more, or correct the hash."
        )


#: What fetch takes by name. When one that needs a network fails, the first other one is named.
KNOWN = {
    source.name: source
    for source in (
        Source("drawn", _from_package, sha256=published_hashes()[DRAWN_DOGS]),
        Source("kaggle", _from_kaggle, online=True),
        Source("dropbox", _from_address, online=True, place=DROPBOX),
    )
}


_NAMES = f"one of the sources {listed([repr(name) for name in KNOWN])}"
_ALLOWED = f"{_NAMES}, a web address, or the path of an archive or a folder"


def find_source(source):
    """Find out what is meant by the name, the address or the path that fetch was given.

    Args:
        source: A str or a path; nothing need be there.

    Returns:
        A :class:`Source`.

    Raises:
        TypeError: It is neither of the two.

    Example:
        >>> find_source("kaggle").online, find_source("dogs.zip").path.name
        (True, 'dogs.zip')
    """
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"fetch's source is {source!r}; it must be {_ALLOWED}.")
    if source in KNOWN:
        return KNOWN[source]
    if isinstance(source, str) and is_address(source):
        return at_address(source)
    return in_archive(Path(source).expanduser())


def require_there(path):
    """Refuse the path of an archive that is not there.

    Args:
        path: A :class:`~pathlib.Path`.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: Nor does it look like a path rather than a name.

    Example:
        >>> require_there(Path("drawm"))
        Traceback (most recent call last):
        ...
        ValueError: There is no source 'drawm' (did you mean 'drawn'?), nor a file or folder of ...
    """
    if path.exists():
        return
    if path.suffix or len(path.parts) > 1:
        raise FileNotFoundError(
            f"There is no archive or folder {path} (looked for it from {Path.cwd()}); give the "
            f"path of one, or {_NAMES}."
        )
    raise ValueError(
        f"There is no source {str(path)!r}{did_you_mean(path, KNOWN)}, nor a file or folder of "
        f"that name; it must be {_ALLOWED}."
    )


def is_address(text):
    """Tell a web address from a path.

    Args:
        text: A str.

    Returns:
        True or False.

    Example:
        >>> is_address("HTTP://example.org/dogs.zip"), is_address("dogs.zip")
        (True, False)
    """
    return text.lower().startswith(("http://", "https://"))


def at_address(address):
    """Make a source of a web address.

    Args:
        address: An ``http://`` or ``https://`` address of an archive, a str.

    Returns:
        A :class:`Source`.

    Example:
        >>> str(at_address("https://example.org/my%20dogs.zip?dl=1").directory)
        'data/my dogs'
    """
    # By hand, because urlsplit would refuse some addresses that the download refuses in a sentence.
    path = re.split("[?#]", address.partition("://")[2])[0].partition("/")[2]
    folder = _stem(unquote(path))
    return Source(address, _from_address, online=True, place=address, folder=folder)


def in_archive(path):
    """Make a source of an archive that the user has.

    Args:
        path: Its path, a :class:`~pathlib.Path`; nothing need be there.

    Returns:
        A :class:`Source`.

    Example:
        >>> str(in_archive(Path("old/dogs.tar.gz")).directory)
        'data/dogs'
    """
    size = path.stat().st_size if path.exists() else None
    return Source(path.name, _from_archive, place=str(path), folder=_stem(path), size=size)


def in_class_folders(path):
    """Make a source of a folder of the user's that holds a folder for each class.

    Args:
        path: Its path, a :class:`~pathlib.Path`.

    Returns:
        A :class:`Source`, whose hash is that of the pictures' names, sizes and times.
    """
    state = describe_class_folders(path)
    name = path.resolve().name or "pictures"
    return Source(name, _from_class_folders, place=str(path), sha256=state)


def _stem(path):
    return Path(path).name.split(".")[0] or "archive"
