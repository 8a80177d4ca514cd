"""Memory: taken once and used again, and how much of it is free.

Fresh memory is slow: the system hands it out page by page and wipes each page. A batch of
32 float32 pictures is 19 MB, and to touch that anew takes about as long as to augment it.
"""

import math
import threading
import weakref
from collections import deque
from pathlib import Path

import numpy as np

from labkit.machine import total_memory

_PAGE = 4096
_CGROUP_V2 = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))
_CGROUP_V1 = (
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_WHERE_NOTHING_IS_KNOWN = 2 * 10**9
_of_thread = threading.local()


class Buffers:
    """Hand out arrays whose memory comes back here once nobody refers to it any more.

    Args:
        shape: Shape of the largest array that will be asked for.
        dtype: Its dtype, and that of all others.
        spare: How many unused blocks of memory to keep at most.

    Example:
        >>> buffers = Buffers((32, 8, 8, 3), "float32")
        >>> buffers.empty((5, 8, 8, 3)).shape
        (5, 8, 8, 3)
    """

    def __init__(self, shape, dtype, spare=8):
        self._dtype = np.dtype(dtype)
        self._block = math.prod(shape) * self._dtype.itemsize
        self._free = deque(maxlen=spare)

    def empty(self, shape):
        """Return an array with arbitrary content, aligned to a page.

        Args:
            shape: Tuple of ints; no larger in all than the shape given at first.

        Returns:
            An array that is nobody else's for as long as it, or any view of it, is alive.
        """
        try:
            memory = self._free.pop()
        except IndexError:
            memory = self._take()
        # Every view will refer to this array, because it owns no memory and stands on none
        # that is an array; numpy would else let views pass over it, and it would die early.
        whole = np.frombuffer(memory, self._dtype, math.prod(shape))
        weakref.finalize(whole, self._free.append, memory).atexit = False
        return whole.reshape(shape)

    def _take(self):
        memory = np.empty(self._block + _PAGE, np.uint8)
        start = -memory.ctypes.data % _PAGE
        return memoryview(memory[start : start + self._block])


def scratch(name, shape, dtype):
    """Return an array with arbitrary content, valid until this thread asks for it again.

    Each thread takes its memory once and uses it for every picture.

    Args:
        name: What it is for; each name has memory of its own.
        shape: Tuple of ints.
        dtype: As numpy takes it.

    Returns:
        A contiguous array.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = getattr(_of_thread, name, None)
    if memory is None or memory.size < size:
        memory = np.empty(size, np.uint8)
        setattr(_of_thread, name, memory)
    return memory[:size].view(dtype).reshape(shape)


def free_memory():
    """Return the bytes that may be taken before the machine or the container runs short.

    Linux says what is available, and a container what it allows; the smaller counts. Where
    only the size of the memory is known, half of it is taken to be free, and where nothing
    is known, 2 GB.
    """
    told = (_available(), _left_in_cgroup(*_CGROUP_V2), _left_in_cgroup(*_CGROUP_V1))
    known = [left for left in told if left is not None]
    return min(known, default=total_memory() // 2 or _WHERE_NOTHING_IS_KNOWN)


def _available(meminfo=Path("/proc/meminfo")):
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kilobytes[0]) * 1024 if kilobytes else None


def _left_in_cgroup(limit, usage):
    """Return what a control group leaves, or None where there is none or no limit.

    A group counts the files it has read as used, although they make room on demand.
    """
    try:
        allowed, used = limit.read_text().strip(), int(usage.read_text())
        files = _reclaimable(usage.with_name("memory.stat"))
    except (OSError, ValueError):
        return None
    return max(0, int(allowed) - used + files) if allowed.isdigit() else None


def _reclaimable(statistics):
    entries = dict(line.split() for line in statistics.read_text().splitlines())
    return int(entries.get("inactive_file", 0))
