"""How much memory this process may still take, without asking for a package."""

import os
from pathlib import Path

_CGROUP_V2 = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))
_CGROUP_V1 = (
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_WHERE_NOTHING_IS_KNOWN = 2 * 10**9


def free_memory():
    """Return the bytes that may be taken before the machine or the container runs short.

    Linux says what is available, and a container what it allows; the smaller counts. Where
    only the size of the memory is known, half of it is taken to be free, and where nothing
    is known, 2 GB.
    """
    known = [
        left
        for left in (_available(), _left_in_cgroup(*_CGROUP_V2), _left_in_cgroup(*_CGROUP_V1))
        if left is not None
    ]
    return min(known, default=_half_of_all())


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


def _half_of_all():
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return _WHERE_NOTHING_IS_KNOWN
