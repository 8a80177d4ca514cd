"""A second name for a file: a hard link where the file system allows it, else a copy."""

import errno
import os
import shutil

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
        # copy2 keeps the time stamp, by which a later run knows the copy for whole.
        shutil.copy2(source, temporary)
        os.replace(temporary, target)
        return False
    return True
