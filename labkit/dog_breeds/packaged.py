"""The data files that come with the package, each checked against its hash before use.

``SHA256SUMS`` beside them is in the format of ``sha256sum``, which checks them too.
"""

import csv
import hashlib
from contextlib import contextmanager
from importlib.resources import as_file, files

SUMS = "SHA256SUMS"


@contextmanager
def packaged_file(name):
    """Lend a data file of the package after checking it.

    Args:
        name: The file's name.

    Yields:
        Its path.

    Raises:
        ValueError: The file is not the one that labkit was published with.

    Example:
        >>> with packaged_file("photograph_class_sizes.csv") as path:
        ...     print(path.name)
        photograph_class_sizes.csv
    """
    with as_file(files(__package__) / name) as path:
        if (found := _sha256(path)) != (expected := published_hashes()[name]):
            raise ValueError(
                f"{name} in the labkit package has the sha256 {found[:16]}… and not "
                f"{expected[:16]}…: it was damaged or changed; install labkit once more."
            )
        yield path


def packaged_rows(name):
    """Read a CSV file of the package after checking it.

    Args:
        name: The file's name.

    Returns:
        A list of dicts from the headings to a row's text.

    Raises:
        ValueError: As :func:`packaged_file` does.

    Example:
        >>> packaged_rows("photograph_class_sizes.csv")[0]
        {'breed': 'affenpinscher', 'pictures': '80'}
    """
    with packaged_file(name) as path:
        return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def published_hashes():
    """Read the hashes of the data files.

    Returns:
        A dict from file name to 64 hexadecimal digits.

    Example:
        >>> len(published_hashes()["drawn_dogs.zip"])
        64
    """
    lines = (files(__package__) / SUMS).read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def _sha256(path):
    content = path.read_bytes()
    if path.suffix == ".csv":
        # A checkout on Windows may have given the text other line ends.
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()
