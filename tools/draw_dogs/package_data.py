"""Where labkit and the book keep what is drawn and trained here, and how it gets there."""

import hashlib
from pathlib import Path

from labkit.files import replacing

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "labkit" / "dog_breeds"
SUMS = "SHA256SUMS"


def replace_file(path, content):
    """Replace a file as a whole, or leave it as it is.

    Args:
        path: the file (path), which need not be there yet.
        content: its new bytes.

    Returns:
        A sentence that says what became of it.
    """
    same = path.is_file() and path.read_bytes() == content
    with replacing(path) as partial:
        partial.write_bytes(content)
    return f"{path.name} is {'the same file again, byte for byte' if same else 'another file now'}."


def publish(name, content, package=PACKAGE):
    """Put a file into the package and its hash into ``SHA256SUMS``.

    Args:
        name: the file's name.
        content: its bytes.
        package: the folder of the package's data (path).

    Returns:
        A sentence that says what became of the file there was.

    Example:
        >>> import tempfile
        >>> package = Path(tempfile.mkdtemp())
        >>> for _ in range(2):
        ...     print(publish("dogs.zip", b"dogs", package))
        dogs.zip is another file now.
        dogs.zip is the same file again, byte for byte.
    """
    said = replace_file(package / name, content)
    sums = package / SUMS
    lines = sums.read_text(encoding="ascii").splitlines() if sums.is_file() else []
    hashes = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    hashes[name] = hashlib.sha256(content).hexdigest()
    ordered = (f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    replace_file(sums, "".join(ordered).encode("ascii"))
    return said
