"""Kill a work as often as wanted, run it again, and compare with a run that nobody disturbed."""

import hashlib
import multiprocessing
import os
import shutil
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path

import works
from file_system_steps import Steps

#: Imported once by the process from which the children are forked: a second each, else.
_PRELOADED = ["works", "file_system_steps", "cv2", "labkit.dog_breeds.sources"]
_PATIENCE = 120  # Seconds; a child that takes longer hangs.


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Args:
        killed: Whether SIGKILL ended it.
        result: What the work returned, if it came to its end.
        error: The traceback of an exception, "" if there was none.
        steps: Names of the file-system steps, if it came to its end.
        seconds: How long the work took.
    """

    killed: bool
    result: object = None
    error: str = ""
    steps: tuple[str, ...] = ()
    seconds: float = 0.0


class Child:
    """A child process that does one work.

    Args:
        work: Name of one of :data:`works.WORKS`.
        folder: The folder that it fills (path).
        given: The folder that it starts from (path).
        fatal: Number of the file-system step that kills it; None: none does.
    """

    def __init__(self, work, folder, given, fatal=None):
        folder.mkdir(parents=True, exist_ok=True)
        context = _context()
        self._messages, theirs = context.Pipe(duplex=False)
        arguments = (theirs, work, str(folder), str(given), fatal)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self._receive("begun")

    def kill(self, delay):
        """Send SIGKILL after some seconds, unless it ends before."""
        if not wait([self._process.sentinel], delay):
            # It may end, and be gone, between the look and the signal.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def end(self):
        """Wait for the end and return the :class:`Outcome`."""
        outcome = self._receive("ended")
        self._process.join(_PATIENCE)
        if self._process.exitcode is None:
            self._process.kill()
            raise TimeoutError("The child hangs.")
        self._messages.close()
        if outcome is None:
            assert self._process.exitcode == -signal.SIGKILL, self._process.exitcode
            return Outcome(killed=True)
        return outcome

    def _receive(self, what):
        if not self._messages.poll(_PATIENCE):
            self._process.kill()
            raise TimeoutError(f"The child has not {what} within {_PATIENCE} s.")
        try:
            return self._messages.recv()
        except EOFError:
            return None


def _context():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def preload_keras():
    """Let children start with Keras imported, if that can be forked. Call it before the first."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        _PRELOADED.append("labkit.dog_breeds.training")


def _work(messages, work, folder, given, fatal):
    """Run in the child."""
    messages.send(True)
    # On a processor, and past any proxy; read when the network library or TensorFlow starts.
    os.environ.update(
        CUDA_VISIBLE_DEVICES="-1", JAX_PLATFORMS="cpu", MPLBACKEND="agg", no_proxy="127.0.0.1"
    )
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    steps = Steps(folder, fatal)
    if work in works.TRAINING:
        steps.watch_hdf5()
    steps.watch()
    begun = time.perf_counter()
    try:
        result, error = works.run(work, folder, given), ""
    except BaseException:
        result, error = None, traceback.format_exc()
    seconds = time.perf_counter() - begun
    messages.send(Outcome(False, result, error, tuple(steps.taken), seconds))
    messages.close()
    sys.stdout.flush()
    os._exit(0)


def tree(folder):
    """Map each name below a folder to "folder", or to the digest of a file's bytes."""
    return {
        str(path.relative_to(folder)): "folder"
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
    }


@dataclass
class Trial:
    """One work under attack.

    Args:
        work: Name of one of :data:`works.WORKS`.
        given: The folder that it starts from (path).
        home: An empty folder for the trial's own use (path).
        look: Function of the half-filled folder, called after every kill; it raises
            AssertionError if the next step would take what is half for whole.
        twice: Whether to make sure first that two undisturbed runs agree.
    """

    work: str
    given: Path
    home: Path
    look: object = lambda folder: None
    twice: bool = True
    kills: int = 0
    unhurt: int = 0
    number: int = 0
    whole: Outcome = None
    tree: dict = field(default_factory=dict)

    def __post_init__(self):
        self.whole, folder = self._undisturbed()
        self.tree = tree(folder)
        if not self.twice:
            return
        again, folder = self._undisturbed()
        assert self.whole.result == again.result, f"{self.work} differs from run to run"
        assert self.tree == tree(folder), f"{self.work} differs from run to run"

    def _undisturbed(self):
        folder = self._folder()
        outcome = Child(self.work, folder, self.given).end()
        assert not outcome.error, outcome.error
        return outcome, folder

    def _folder(self):
        self.number += 1
        return self.home / f"{self.work}-{self.number}"

    def kill_at(self, *steps):
        """Kill at a step of the file system, again and again if several are given."""
        folder = self._folder()
        for step in steps:
            self._note(Child(self.work, folder, self.given, fatal=step).end(), folder)
        self._expect_whole(folder, f"killed at the steps {steps}")

    def kill_after(self, *delays):
        """Kill after some seconds, again and again if several are given."""
        folder = self._folder()
        for delay in delays:
            child = Child(self.work, folder, self.given)
            child.kill(delay)
            self._note(child.end(), folder)
        self._expect_whole(folder, f"killed after {delays} s")

    def kill_in(self, place):
        """Kill while the last file is written at a place, part of a path."""
        steps = [
            number
            for number, step in enumerate(self.whole.steps)
            if place in step and step.startswith("HDF5")
        ]
        self.kill_at(steps[-2])

    def run_two(self, fatal=None):
        """Run two at once in one folder, and kill the first at a step if one is given."""
        folder = self._folder()
        first = Child(self.work, folder, self.given, fatal=fatal)
        second = Child(self.work, folder, self.given)
        outcome = first.end()
        self._note(outcome, folder)
        self._expect(second.end(), folder, f"the second of two, the first killed at {fatal}")
        if not outcome.killed:
            self._expect(outcome, folder, "the first of two")
        shutil.rmtree(folder)

    def _note(self, outcome, folder):
        assert not outcome.error, f"{self.work}: {outcome.error}"
        self.kills += outcome.killed
        self.unhurt += not outcome.killed
        self.look(folder)

    def _expect_whole(self, folder, what):
        self._expect(Child(self.work, folder, self.given).end(), folder, what)
        shutil.rmtree(folder)

    def _expect(self, outcome, folder, what):
        where = f"{self.work}, {what}"
        assert not outcome.error, f"{where}: {outcome.error}"
        found = tree(folder)
        strange = sorted(found.keys() ^ self.tree.keys())
        assert not strange, f"{where}: {strange} on one side only"
        changed = sorted(name for name in found if found[name] != self.tree[name])
        assert not changed, f"{where}: {changed} differ"
        assert outcome.result == self.whole.result, f"{where}: another result"
