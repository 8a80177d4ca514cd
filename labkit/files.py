"""Files as both wings handle them: locked, linked, replaced when whole, refused in a sentence."""

import errno
import hashlib
import os
import re
import shutil
import sys
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# What file systems answer that know no hard links, have used up their number for this
# file, would have to cross to another file system, or forbid links to others' files.
_NO_LINKS = {
    errno.EXDEV,
    errno.EMLINK,
    errno.EPERM,
    errno.EACCES,
    errno.ENOSYS,
    errno.EINVAL,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
}


@contextmanager
def exclusive(directory):
    """Keep other processes out of a folder for the length of a ``with`` block.

    Two notebooks that start at once would otherwise clear away each other's unfinished
    work. File systems without locks, and Windows, go without.

    Args:
        directory: Folder that is there (str or path).

    Yields:
        Whether they are kept out: False where there are no locks.

    Example:
        >>> with exclusive("."):
        ...     "no other process is in such a block of this folder"
        'no other process is in such a block of this folder'
    """
    if fcntl is None:
        yield False
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        yield _wait_for_lock(handle, directory)
    finally:
        # Unlocking by name, because a forked child may still hold the handle open.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _wait_for_lock(handle, directory):
    """Take the lock; return False where the file system has none."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"Waiting for another run that is at work in {directory}.", file=sys.stderr)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


@contextmanager
def replacing(path, partial=None):
    """Write a file under a passing name that becomes its own once the block has ended well.

    A killed run leaves the file of before, and at most the passing name beside it; an error
    leaves the file of before alone.

    Args:
        path: The file (str or path), in a folder that is there.
        partial: The passing name, on the same file system; by default hidden beside the file.

    Yields:
        The passing name (path), under which nothing is there yet.

    Raises:
        OSError: It cannot be written or renamed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "answer.txt"
        >>> with replacing(path) as partial:
        ...     _ = partial.write_text("42")
        >>> [found.name for found in path.parent.iterdir()]
        ['answer.txt']
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.part") if partial is None else Path(partial)
    try:
        partial.unlink(missing_ok=True)
        yield partial
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def flush(path):
    """Have a file's bytes on the disk, before a name is given to it: machines lose power, too.

    Args:
        path: The file (str or path).
    """
    # Some network file systems cannot.
    with open(path, "r+b") as file, suppress(OSError):
        os.fsync(file.fileno())


def sha256_of(path):
    """Return the SHA-256 of a file, which is read piece by piece.

    Args:
        path: The file (str or path).

    Returns:
        64 hexadecimal digits (str).

    Raises:
        OSError: It cannot be read.

    Example:
        >>> sha256_of(os.devnull)[:16]
        'e3b0c44298fc1c14'
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source, target, temporary):
    """Give a file a second name without spending bytes if that can be had.

    A copy is written under a temporary name and renamed when it is whole, so a killed run
    leaves no half file under the target's name. The source is only ever read.

    Args:
        source: The file (str or path), not a symbolic link.
        target: The new name (str or path), in a folder that is there.
        temporary: Name for an unfinished copy (str or path), on the target's file system.

    Returns:
        True for a link, False for a copy.

    Raises:
        OSError: Neither can be written.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> a, b = os.path.join(folder, "a"), os.path.join(folder, "b")
        >>> open(a, "w").close()
        >>> link_or_copy(a, b, b + ".part")
        True
        >>> os.path.samefile(a, b)
        True
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with replacing(target, temporary) as copy:
            # copy2 keeps the time stamp, by which a later run knows the copy for whole.
            shutil.copy2(source, copy)
        return False
    return True


def free_room(folder):
    """Return the bytes that may still be written to a folder's disk.

    Args:
        folder: Folder (str or path).

    Returns:
        An int; 0 where nothing may be written there.

    Example:
        >>> free_room(".") > 0
        True
    """
    return shutil.disk_usage(folder).free if os.access(folder, os.W_OK) else 0


def require_room(what, needed, folder):
    """Refuse before the first byte what would fill the disk.

    Args:
        what: What takes the room, such as ``"Unpacking dogs.zip"``.
        needed: Bytes.
        folder: Where they are to go (str or path).

    Raises:
        OSError: The disk has no room for it.

    Example:
        >>> require_room("The archive", 0, ".")
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"{what} takes {needed:,} bytes and the disk has {free:,} free; make room, or choose "
            f"a directory on another disk."
        )


def reserve(file, size):
    """Take a file's room on the disk now, so that none can be wanting while it is filled.

    Systems that cannot take room only lengthen the file.

    Args:
        file: Empty file, open for writing bytes.
        size: Bytes, at least 1.

    Raises:
        OSError: There is no room.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryFile() as file:
        ...     reserve(file, 100)
        ...     os.fstat(file.fileno()).st_size
        100
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)


def in_a_sentence(error, problem, advice):
    """Word an error of the operating system.

    Args:
        error: An OSError; one without a number is a sentence already and returned as it is.
        problem: What cannot be done, such as ``"a.jpg cannot be read"``.
        advice: What to do next, without a full stop.

    Returns:
        An OSError of the same type.

    Example:
        >>> error = PermissionError(13, "Permission denied", "a.jpg")
        >>> print(in_a_sentence(error, "a.jpg cannot be read", "give it permission to be read"))
        a.jpg cannot be read (Permission denied); give it permission to be read.
    """
    if error.errno is None:
        return error
    return type(error)(f"{problem} ({reason(error)}); {advice}.")


@contextmanager
def errors_in_a_sentence(problem, advice):
    """Word what the operating system refuses within a ``with`` block.

    Args:
        problem, advice: As for :func:`in_a_sentence`.

    Raises:
        OSError: What came up in the block, as a sentence.

    Example:
        >>> with errors_in_a_sentence("no/dog.jpg cannot be read", "give another picture"):
        ...     open("no/dog.jpg")
        Traceback (most recent call last):
        ...
        FileNotFoundError: no/dog.jpg cannot be read (No such file or directory); give another ...
    """
    try:
        yield
    except OSError as error:
        raise in_a_sentence(error, problem, advice) from None


def reason(error):
    """Return why, in the system's or a library's own words, on one line without a full stop.

    Args:
        error: An exception.

    Returns:
        A str; the name of the error's type where it says nothing.

    Example:
        >>> reason(OSError(28, "No space left on device")), reason(TimeoutError())
        ('No space left on device', 'TimeoutError')
    """
    cause = getattr(error, "reason", error)
    if isinstance(cause, Exception) and cause is not error:
        return reason(cause)
    said = getattr(error, "strerror", None) or str(cause)
    return " ".join(said.split()).rstrip(".") or type(error).__name__


def fingerprint(*facts):
    """Condense facts into 32 bytes that change whenever one of them does.

    Args:
        *facts: Values with a stable `repr`.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(repr(facts).encode()).digest()


def user_cache():
    """Return the folder for what can be computed again (path); it need not be there.

    It is ``~/.cache/labkit``, or what the environment variable ``LABKIT_CACHE`` says.

    Raises:
        RuntimeError: The user has no home.

    Example:
        >>> user_cache().is_absolute()
        True
    """
    return Path(os.environ.get("LABKIT_CACHE") or Path.home() / ".cache" / "labkit")


@cache
def page_asset(package, name):
    """Read a page's markup, style or script, less the comments and indents for its authors.

    Args:
        package: The package that holds it, ``__package__``.
        name: The file's name. Its comments begin on lines of their own.

    Returns:
        One str.

    Example:
        >>> page_asset("labkit.questions", "questions.css").count("/*")
        0
    """
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    code = re.sub(r"^ */\*[^*]*\*/|^ *//.*", "", text, flags=re.MULTILINE)
    return "\n".join(filter(None, map(str.strip, code.splitlines())))
