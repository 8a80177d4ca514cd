"""Count the steps that this process takes in the file system, and let it die at one of them.

Python's audit events tell of opening, renaming, linking, deleting and locking; what they leave
out (writing, and what the HDF5 library does) is wrapped. A write that is to be the last one is
torn: half of it reaches the disk.
"""

import builtins
import io
import os
import signal
import sys
import threading

_EVENTS = {
    "open": "open",
    "os.mkdir": "mkdir",
    "os.rename": "rename",
    "os.link": "link",
    "os.remove": "unlink",
    "os.rmdir": "rmdir",
    "os.truncate": "truncate",
    "os.utime": "utime",
    "os.chmod": "chmod",
    "fcntl.flock": "lock",
}
_WRAPPED = ("fsync", "sendfile", "posix_fallocate", "copy_file_range")


class Steps:
    """Count steps inside a folder; at the fatal one, the process gets SIGKILL.

    What was taken is in ``taken``, as "rename data/train": the step and its first path.

    Args:
        folder: Steps on paths below it count (str or path); those on open files always do.
        fatal: Number of the step, from 0, that kills instead of being taken; None: none does.
    """

    def __init__(self, folder, fatal=None):
        self.taken = []
        self._folder = os.path.realpath(folder)
        self._fatal = fatal
        self._lock = threading.RLock()

    def watch(self):
        """Begin to count. It cannot be ended: audit hooks stay for as long as a process runs."""
        sys.addaudithook(self._on_event)
        for name in _WRAPPED:
            if hasattr(os, name):
                setattr(os, name, self._counting(name, getattr(os, name)))
        io.open = builtins.open = self._opening(builtins.open)

    def watch_hdf5(self):
        """Count also what is written to HDF5 files, which Python's audit events do not see."""
        import h5py

        h5py.Group.create_dataset = self._in_hdf5("dataset", h5py.Group.create_dataset)
        h5py.File.close = self._in_hdf5("close", h5py.File.close)

    def take(self, name, last_words=None):
        """Count one step, or die in place of it, after ``last_words()``."""
        with self._lock:
            if len(self.taken) == self._fatal:
                if last_words:
                    last_words()
                os.kill(os.getpid(), signal.SIGKILL)
            self.taken.append(name)

    def _on_event(self, event, arguments):
        step = _EVENTS.get(event)
        if step is None or (step == "open" and not _writes(arguments)):
            return
        inside = [path for path in arguments[:2] if self._is_inside(path)]
        if inside:
            self.take(f"{step} {self._relative(inside[0])}")
        elif step == "lock":
            self.take(step)

    def _is_inside(self, path):
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self._folder + os.sep)

    def _relative(self, path):
        return os.path.relpath(os.path.abspath(os.fsdecode(path)), self._folder)

    def _counting(self, name, function):
        def counted(*arguments, **options):
            self.take(name)
            return function(*arguments, **options)

        return counted

    def _opening(self, function):
        def opened(file, mode="r", *arguments, **options):
            handle = function(file, mode, *arguments, **options)
            if set(mode) & set("wxa+") and (isinstance(file, int) or self._is_inside(file)):
                return _Written(handle, self)
            return handle

        return opened

    def _in_hdf5(self, name, function):
        def counted(thing, *arguments, **options):
            if thing and thing.file.mode == "r+":  # a closed file is false
                where = self._relative(thing.file.filename)
                self.take(f"HDF5 {name} {where}", thing.file.flush)
            return function(thing, *arguments, **options)

        return counted


class _Written:
    """A file whose every write is a step."""

    def __init__(self, file, steps):
        self._file = file
        self._steps = steps

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def __iter__(self):
        return iter(self._file)

    def write(self, content):
        def tear():
            self._file.write(content[: len(content) // 2])
            self._file.flush()

        self._steps.take("write", tear)
        return self._file.write(content)

    def writelines(self, pieces):
        for piece in pieces:
            self.write(piece)


def _writes(arguments):
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
