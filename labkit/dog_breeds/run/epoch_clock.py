"""How long each epoch took, kept on disk for the case that a training is taken up again."""

import csv
import time
from contextlib import suppress
from pathlib import Path

import keras


class EpochClock(keras.callbacks.Callback):
    """Time every epoch, its validation included.

    Args:
        path: CSV file that keeps the times as they come; ``None`` keeps them in memory only.

    Attributes:
        times: dict of the epoch's number, from 0, to ``(seconds, core_seconds)``: by the clock
            on the wall, and as all cores of this process worked them.

    Example:
        >>> clock = EpochClock()
        >>> clock.on_epoch_begin(0); clock.on_epoch_end(0)
        >>> clock.times[0][0] >= 0
        True
    """

    def __init__(self, path=None):
        super().__init__()
        self.path = None if path is None else Path(path).expanduser()
        self.times = _read(self.path)

    def on_epoch_begin(self, epoch, logs=None):
        """Note when the epoch began."""
        self._began = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        """Note what the epoch took, on disk too."""
        began, worked = self._began
        self.times[epoch] = (time.perf_counter() - began, time.process_time() - worked)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", newline="") as file:
                # The empty line before it ends one that a kill has torn.
                seconds, core_seconds = self.times[epoch]
                file.write(f"\n{epoch},{seconds:.6f},{core_seconds:.6f},end\n")


def _read(path):
    """Return the times in a file; an epoch that was trained twice counts as the last time."""
    times = {}
    if path is not None and path.is_file():
        for row in csv.reader(path.read_text().splitlines()):
            with suppress(ValueError):
                epoch, seconds, core_seconds, end = row
                if end == "end":
                    times[int(epoch)] = float(seconds), float(core_seconds)
    return times
