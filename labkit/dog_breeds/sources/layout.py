"""Kaggle's layout: ``labels.csv`` with the columns id and breed beside ``train/<id>.jpg``.

A picture may have any other suffix of one, in any case.
"""

import csv
import io
import os
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from labkit.dog_breeds.pictures import is_picture
from labkit.files import in_a_sentence
from labkit.words import count, some

LABELS = "labels.csv"
PICTURES = "train"
SUFFIX = ".jpg"

_HEADER = ["id", "breed"]
# Both become names of files and folders, so neither may lead out of its folder, hide
# itself, or be a name that Windows refuses.
FORBIDDEN = r'[/\\:*?"<>|\x00-\x1f]'
_NAME = re.compile(r'\s*(?!\.)[^/\\:*?"<>|\x00-\x1f]*[^/\\:*?"<>|\x00-\x1f. ]\s*')
# File systems allow a name 255 bytes; the suffix is to find room too.
_LONGEST = 240


def read_labels(directory):
    """Read the labels of a folder and check them against its pictures.

    Two ids may hold the same picture: the photographs do have such pairs, and
    :func:`labkit.duplicates` finds them.

    Args:
        directory: Folder that holds ``labels.csv`` and ``train/`` (str or path).

    Returns:
        A dict from id to breed, both str, in the file's order.

    Raises:
        FileNotFoundError: ``labels.csv`` or ``train/`` is not there.
        ValueError: The labels are not as they should be or contradict themselves, a label
            has no picture, or a picture has no label.
        OSError: The file system does not let them be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "labels.csv").write_text("id,breed\\n7f,pug\\n03,beagle\\n")
        >>> (folder / "train").mkdir()
        >>> for name in ("03", "7f"):
        ...     (folder / "train" / f"{name}.jpg").touch()
        >>> read_labels(folder)
        {'7f': 'pug', '03': 'beagle'}
    """
    return read_data_set(directory)[0]


def read_data_set(directory):
    """Read the labels of a folder, as :func:`read_labels` does, and the names of its pictures.

    Args:
        directory: Folder that holds ``labels.csv`` and ``train/`` (str or path).

    Returns:
        Two dicts in the file's order, both from id: to the breed, and to the name of the picture
        in ``train/``.
    """
    directory = Path(directory).expanduser()
    try:
        _require_layout(directory)
        content, names = (directory / LABELS).read_bytes(), file_names(directory / PICTURES)
    except OSError as error:
        raise unreadable(error, directory) from None
    labels = parse_labels(content, directory / LABELS)
    return labels, match_pictures(labels, names, directory)


def unreadable(error, where):
    """Word an error of the operating system that came from reading.

    Args:
        error: An OSError; one that is a sentence already is returned as it is.
        where: What was to be read, where the error itself does not say.

    Returns:
        An OSError of the same type.

    Example:
        >>> print(unreadable(PermissionError(13, "Permission denied", "a.jpg"), "."))
        a.jpg cannot be read (Permission denied); give it permission to be read, or replace it.
    """
    problem = f"{error.filename or where} cannot be read"
    return in_a_sentence(error, problem, "give it permission to be read, or replace it")


def parse_labels(content, where):
    """Parse the bytes of a ``labels.csv`` into a dict from id to breed.

    Args:
        content: The file's bytes, UTF-8, with or without a byte-order mark.
        where: Name of the file for messages.

    Returns:
        A dict from id to breed, both str, in the file's order, never empty.

    Raises:
        ValueError: Not UTF-8 text, another header, a row without exactly two fields, an id
            or breed that cannot name a file, an id on two rows, ids or breeds that some
            file systems take for one, or no row at all.

    Example:
        >>> parse_labels(b"id,breed\\r\\n7f,pug\\r\\n", "labels.csv")
        {'7f': 'pug'}
    """
    rows = _read_rows(_decode(content, where), where)
    if not rows:
        raise ValueError(f"{where} is empty: below 'id,breed' it needs one row for each picture.")
    _check_rows(rows, where)
    pairs = [(picture_id.strip(), breed.strip()) for _, (picture_id, breed) in rows]
    labels = dict(pairs)
    if len(labels) < len(pairs):
        raise _repeated_ids(pairs, where)
    _check_spelling("ids", labels, where)
    _check_spelling("breeds", set(labels.values()), where)
    return labels


def file_names(folder):
    """List the names of the files in a folder.

    Args:
        folder: Folder to look into (str or path), not its subfolders.

    Returns:
        A set of str.
    """
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}


def match_pictures(labels, names, where):
    """Match labels and pictures one to one.

    Args:
        labels: Dict from id to breed.
        names: Set of the names of the files beside each other; those that are no pictures
            are passed over.
        where: Name of the folder or archive for messages.

    Returns:
        A dict from id to the name of its file, in the labels' order.

    Raises:
        ValueError: A label has no picture, or a picture no label, as has the second of an id.

    Example:
        >>> match_pictures({"7f": "pug"}, {"7f.JPG", "Thumbs.db"}, "dogs")
        {'7f': '7f.JPG'}
    """
    pictures = sorted(filter(is_picture, names), key=lambda name: (not name.endswith(SUFFIX), name))
    found = {}
    for name in pictures:
        found.setdefault(os.path.splitext(name)[0], name)
    if missing := [f"{picture_id}{SUFFIX}" for picture_id in labels if picture_id not in found]:
        raise ValueError(
            f"{count(len(missing), 'label')} in {where} without a picture: {PICTURES}/ lacks "
            f"{some(missing)}; add the pictures or remove their rows "
            f"from {LABELS}."
        )
    files = {picture_id: found[picture_id] for picture_id in labels}
    if extra := sorted(set(pictures) - set(files.values())):
        raise ValueError(
            f"{count(len(extra), 'picture')} in {where} without a label: {LABELS} has no row for "
            f"{some(extra)} in {PICTURES}/; add the rows or move the pictures away."
        )
    return files


def find_layout(directory):
    """Find the folder that holds ``labels.csv``: the given one, or one folder down.

    Args:
        directory: Folder to look into (str or path).

    Returns:
        The path of the folder that holds ``labels.csv``.

    Raises:
        FileNotFoundError: It is in neither place.
        ValueError: More than one subfolder holds one.
    """
    directory = Path(directory)
    if (directory / LABELS).is_file():
        return directory
    below = sorted(path.parent for path in directory.glob(f"*/{LABELS}") if path.is_file())
    if not below:
        raise FileNotFoundError(
            f"{directory} holds no {LABELS}, nor does a folder in it, nor a folder of pictures for "
            f"each class; give the folder that holds {LABELS} and {PICTURES}/, or class folders."
        )
    if len(below) > 1:
        raise ValueError(
            f"{directory} has {len(below)} folders with a {LABELS}: "
            f"{some(path.name for path in below)}; give one of them."
        )
    return below[0]


def _require_layout(directory):
    if not directory.is_dir():
        raise FileNotFoundError(
            f"There is no folder {directory}; labkit.fetch(source, directory) makes one."
        )
    if not (directory / LABELS).is_file():
        raise FileNotFoundError(
            f"{directory} holds no {LABELS}; give the folder that labkit.fetch returned."
        )
    if not (directory / PICTURES).is_dir():
        raise FileNotFoundError(
            f"{directory} holds {LABELS} but no folder {PICTURES}/ with the pictures; put it "
            f"there, or fetch into another folder."
        )


def _decode(content, where):
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{where} is not UTF-8 text; save it again as CSV in UTF-8 with the columns id,breed."
        ) from None


def _read_rows(text, where):
    """Return (line number, row) pairs below the header, blank lines left out."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise ValueError(f"{where} is no CSV file at line {reader.line_num}: {error}.") from None
    if [name.strip() for name in header] != _HEADER:
        raise _wrong_header(header, text, where)
    return rows


def _wrong_header(header, text, where):
    if not text.strip():
        return ValueError(
            f"{where} is empty; its first line must be 'id,breed', with one row for each picture "
            f"below."
        )
    start = ",".join(header)[:60]
    if ";" in start or "\t" in start:
        parted = "semicolons" if ";" in start else "tabs"
        return ValueError(
            f"{where} parts its columns by {parted} (it starts with {start!r}); save it again as "
            f"CSV with commas, so that the first line is 'id,breed'."
        )
    return ValueError(
        f"{where} starts with {start!r}; the first line must be 'id,breed': rename the columns, or "
        f"put that line above the rows."
    )


def _check_rows(rows, where):
    for line, row in rows:
        if len(row) != 2:
            raise ValueError(
                f"{where} has {count(len(row), 'field')} at line {line}; each line needs two: "
                f"id,breed."
            )
        for column, value in zip(_HEADER, row, strict=True):
            if not _NAME.fullmatch(value) or len(value.encode()) > _LONGEST:
                raise _bad_name(line, column, value, where)


def _bad_name(line, column, value, where):
    if _NAME.fullmatch(value):
        return ValueError(
            f"{where} has the {column} {value[:20]!r}… at line {line}, which is too long to name a "
            f"file; {_LONGEST} bytes are allowed."
        )
    if not value.strip():
        return ValueError(f"{where} has an empty {column} at line {line}; fill it in.")
    return ValueError(
        f"{where} has the {column} {value!r} at line {line}, which cannot name a file: it must not "
        f'begin or end with a dot, nor hold any of / \\ : * ? " < > | or a control character.'
    )


def _repeated_ids(pairs, where):
    breeds = defaultdict(list)
    for picture_id, breed in pairs:
        breeds[picture_id].append(breed)
    repeated = {picture_id: names for picture_id, names in breeds.items() if len(names) > 1}
    example, names = next(iter(repeated.items()))
    what = f"as {' and '.join(names)}" if len(set(names)) > 1 else f"each time as {names[0]}"
    return ValueError(
        f"{where} has {count(len(repeated), 'id')} on more than one row, for example "
        f"{example!r} {what}; keep one row for each picture."
    )


def on_any_disk(name):
    """Return what all names have in common that are one file on a Mac or on Windows.

    Args:
        name: A str.

    Returns:
        A str.

    Example:
        >>> on_any_disk("Rex") == on_any_disk("REX")
        True
    """
    # The same accent may be written as one character or as two.
    return unicodedata.normalize("NFC", name).casefold()


def _check_spelling(what, names, where):
    """Refuse names that would share one file or folder on a Mac or Windows."""
    spellings = defaultdict(list)
    for name in names:
        spellings[on_any_disk(name)].append(name)
    for alike in spellings.values():
        if len(alike) > 1:
            advice = "spell them alike" if what == "breeds" else "rename all but one of them"
            raise ValueError(
                f"{where} has the {what} {some(sorted(alike))}, which differ only in upper and "
                f"lower case or in how accents are written, and on some disks are one; {advice}."
            )
