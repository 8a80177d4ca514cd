"""What the tests of broken input share: real faults, and the look at an answer.

Disks are filled and made read-only for real, in child processes with mounts of their own that
vanish with them. Tests often run as root, whom permissions do not bind; a child then gives up
the two capabilities that make it so.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_NO_MOUNT = 97


def assert_one_sentence(text):
    """A sentence says what is wrong, and after a colon or semicolon what to do next."""
    assert "\n" not in text, text
    assert text.endswith("."), text
    assert 40 < len(text) < 700, text
    assert ";" in text or ": " in text, text
    assert "Errno" not in text and "Traceback" not in text, text


def answer(call, kind, sentence):
    """Call what must be refused; return the one sentence that it is refused with."""
    with pytest.raises(kind, match=sentence) as caught:
        call()
    assert_one_sentence(str(caught.value))
    # Nothing of a library's own traceback stands above it.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


_PROLOGUE = """
import json, os, sys
from pathlib import Path
folder = Path(sys.argv[1])
said = {}
def tell(name, value): said[name] = value
def ask(name, call):
    try:
        value = call()
    except Exception as error:
        said[name] = [type(error).__name__, str(error)]
        return None
    said[name] = ["", str(value)]
    return value
def files(where=folder):
    return sorted(str(p.relative_to(where)) for p in where.rglob("*") if p.is_file())
def fill(path, spare=0):
    # Take all room but so many bytes.
    room = os.statvfs(path.parent)
    path.write_bytes(bytes(room.f_bavail * room.f_frsize - spare))
"""


def in_child(code, folder, *, mount=None, bound_by_permissions=False, environment=None):
    """Run code in a process of its own and return what it told.

    Args:
        code: Python; ``folder`` is the given one, ``ask(name, call)`` records an answer or an
            error, ``tell(name, value)`` a value, ``fill(path, spare)`` takes a disk's room.
        folder: Where the broken place lies.
        mount: ``"size=300k"`` or other options of a tmpfs upon the folder; or ``"ro"`` to let
            it be what it is, read-only.
        bound_by_permissions: Whether permissions are to hold for root too.
        environment: More environment variables.

    Returns:
        A dict from name to value, or to ``[error's type, sentence]``.
    """
    program = f"{_PROLOGUE}\n{textwrap.dedent(code)}\nprint(json.dumps(said))"
    command = [sys.executable, "-c", program, str(folder)]
    if bound_by_permissions and os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    if mount:
        command = [*_with_mount(mount, folder), *command]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
    )
    if mount and done.returncode == _NO_MOUNT:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _with_mount(options, folder):
    how = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'
        if options == "ro"
        else f'mount -t tmpfs -o {options} tmpfs "$1"'
    )
    script = f'{{ {how}; }} || exit {_NO_MOUNT}; shift; exec "$@"'
    mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *mapped, "sh", "-c", script, "sh", str(folder)]


def assert_refused(said, kind, *words):
    """Look at what a child was answered."""
    assert said[0] == kind, said
    assert_one_sentence(said[1])
    for word in words:
        assert word in said[1], said
