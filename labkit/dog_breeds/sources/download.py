"""Download a file over HTTP, going on where an earlier try broke off."""

import json
import os
import re
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from labkit.dog_breeds.sources.archive import is_web_page
from labkit.files import reason, require_room

_CHUNK = 2**18
_RETRIED = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Promise:
    """What the server said about the file when its download began.

    Args:
        url: Where it came from.
        size: Bytes in all, or None if the server did not say.
        etag: The file's version tag, or "".
        modified: The file's time stamp as an HTTP date, or "".
    """

    url: str
    size: int | None = None
    etag: str = ""
    modified: str = ""

    @property
    def validator(self):
        """The value of ``If-Range``: a strong tag, else the date, else "" (RFC 9110, 13.1.5)."""
        return self.etag if self.etag.startswith('"') else self.modified


class DroppedError(ConnectionError):
    """The connection failed in a way that a second try may mend."""


def download_file(url, path, *, progress=True, timeout=30.0, retries=3, pause=0.5):
    """Download a file, going on where an earlier call or a dropped connection broke off.

    Until it is whole the file is called ``<path>.part``; ``<path>.json`` beside it remembers
    the address and the server's version of the file, so that pieces of two versions never
    meet. A server that cannot resume is asked for the whole file.

    Args:
        url: An ``http://`` or ``https://`` address.
        path: Where to write the file (str or path), in a folder that is there.
        progress: Whether to show a bar with size and speed.
        timeout: Seconds of silence after which a connection counts as dropped.
        retries: How many times in a row to try again without a byte gained.
        pause: Seconds before the first of them; each next one doubles it.

    Returns:
        The path of the whole file.

    Raises:
        ConnectionError: The server cannot be reached, refuses, or keeps breaking off.
        ValueError: It sent a web page instead of a file.
        OSError: The disk has no room for it.
    """
    path = Path(path)
    if _promise_of(path).url != url:
        discard(path)
    if path.exists():
        return path
    part = _part(path)
    failures, most = 0, _size(part)
    while True:
        try:
            _receive(url, path, progress, timeout)
        except DroppedError as error:
            # More than ever before: a server that contradicts itself starts over and over.
            failures = 1 if _size(part) > most else failures + 1
            most = max(most, _size(part))
            if failures > retries:
                raise ConnectionError(_gave_up(url, error, _size(part))) from None
            time.sleep(pause * 2 ** (failures - 1))
        except ValueError:
            discard(path)
            raise
        else:
            os.replace(part, path)
            return path


def discard(path):
    """Delete a download, whole or not, and what was remembered about it.

    Args:
        path: The path given to :func:`download_file`.
    """
    for name in (Path(path), _part(path), _notes(path)):
        name.unlink(missing_ok=True)


def _part(path):
    return Path(f"{path}.part")


def _notes(path):
    return Path(f"{path}.json")


def _size(part):
    return part.stat().st_size if part.exists() else 0


def _promise_of(path):
    try:
        return Promise(**json.loads(_notes(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Promise(url="")


def _receive(url, path, progress, timeout):
    """Ask for what is missing and append it, once."""
    response = _ask(url, path, timeout)
    if response is None:
        return
    with closing(response):
        promise, start = _agree(url, path, response)
        if promise.size is not None:
            require_room(f"Downloading {url}", promise.size - start, path.parent)
        _append(response, path, promise, start, progress)


def _ask(url, path, timeout):
    """Return the server's response, or None if the part turns out to be the whole file."""
    have = _size(_part(path))
    try:
        return urlopen(Request(url, headers=_headers(path, have)), timeout=timeout)
    except HTTPError as error:
        with closing(error):
            return _answer_refusal(error, url, path, have)
    except (URLError, OSError, HTTPException) as error:
        raise DroppedError(reason(error)) from None
    except ValueError as error:
        raise ValueError(
            f"{url} is not an address to download from ({error}); give one that begins with "
            f"https:// and ends in the archive's name."
        ) from None


def _headers(path, have):
    # A server that compressed on the way would count other bytes than we do.
    headers = {"User-Agent": "labkit", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator := _promise_of(path).validator:
            headers["If-Range"] = validator
    return headers


def _answer_refusal(error, url, path, have):
    if error.code == 416 and have:
        if error.headers.get("Content-Range", "") == f"bytes */{have}":
            return None
        _part(path).unlink()
        raise DroppedError("the server's file has changed")
    if error.code in _RETRIED:
        raise DroppedError(f"HTTP {error.code} {reason(error)}")
    raise ConnectionError(
        f"{url} cannot be downloaded (HTTP {error.code} {reason(error)}); open it in a browser to "
        f"see why."
    )


def _agree(url, path, response):
    """Return what the server promises and the byte at which its answer starts."""
    start, size = _extent(response)
    promise = Promise(
        url, size, response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    )
    if start == 0:
        _part(path).unlink(missing_ok=True)
        _notes(path).write_text(json.dumps(asdict(promise)), encoding="utf-8")
    elif start != _size(_part(path)) or size != _promise_of(path).size:
        _part(path).unlink(missing_ok=True)
        raise DroppedError("the server's file has changed")
    return promise, start


def _extent(response):
    """Return the first byte of the answer and the size of the whole file, None if unknown."""
    if response.status == 206:
        extent = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if extent is None:
            raise DroppedError("the server sent a piece without saying which")
        return int(extent[1]), int(extent[2])
    length = response.headers.get("Content-Length", "")
    # A length that is no number is no promise: the archive's own checksums must do.
    return 0, int(length) if re.fullmatch("[0-9]+", length) else None


def _append(response, path, promise, start, progress):
    bar = tqdm(
        total=promise.size,
        initial=start,
        desc="Downloading",
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=not progress,
    )
    with bar, open(_part(path), "ab") as part:
        while chunk := _read(response):
            if part.tell() == 0 and is_web_page(chunk):
                raise ValueError(
                    f"{promise.url} leads to a web page and not to a file: the link has expired "
                    f"or asks for a login."
                )
            part.write(chunk)
            bar.update(len(chunk))
        arrived = part.tell()
    if promise.size is not None and arrived < promise.size:
        raise DroppedError(f"the connection closed after {arrived:,} of {promise.size:,} bytes")
    if promise.size is not None and arrived > promise.size:
        _part(path).unlink()
        raise DroppedError(f"the server sent {arrived:,} bytes and had promised {promise.size:,}")


def _read(response):
    try:
        return response.read1(_CHUNK)
    except (OSError, HTTPException) as error:
        raise DroppedError(reason(error)) from None


def _gave_up(url, error, have):
    kept = f" {have:,} bytes are kept and the next call goes on from there" if have else ""
    return f"{url} cannot be downloaded ({error});{kept or ' check the network and call again'}."
