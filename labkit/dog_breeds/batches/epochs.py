"""Batches that are others in each epoch: each follows from its epoch and its number alone."""

import threading
import time

import keras
import numpy as np

from labkit.words import require_whole


class EpochBatches(keras.utils.PyDataset):
    """Answer `batches[i]` with batch i of the epoch that the attribute `epoch` names.

    Nothing else decides what a batch is: neither who asks, nor what was asked before. The
    epoch changes when it is set, as :func:`labkit.train` does at the begin of each; when
    Keras has gone through all batches, in `fit`, `evaluate` or `predict`; and at the end of a
    loop `for x, y in batches`.

    Subclasses define `__len__` and :meth:`batch`.

    Attributes:
        epoch: Number of the current epoch, from 0; may be set.
        waited: Seconds for which `batches[i]` has kept its callers waiting so far.
    """

    def __init__(self):
        # Threads of Keras' own would come on top of ours, and on some backends only.
        super().__init__(workers=1, use_multiprocessing=False)
        self._lock = threading.Lock()
        self.waited = 0.0
        self.epoch = 0

    def batch(self, epoch, index):
        """Return one batch, the same whenever it is asked for.

        Args:
            epoch: Number of the epoch, from 0.
            index: Number of the batch in it, from 0 to `len(batches) - 1`.
        """
        raise NotImplementedError

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(
                f"There is no batch {index}; an epoch has batches 0 to {len(self) - 1}."
            )
        if self._asked is not None:
            self._asked.add(index)
        began = time.perf_counter()
        batch = self.batch(self._epoch, index)
        self.waited += time.perf_counter() - began
        return batch

    def __iter__(self):
        """Go through the current epoch, and make the next one current."""
        epoch = self._epoch
        for index in range(len(self)):
            yield self.batch(epoch, index)
        self.epoch = epoch + 1

    def __next__(self):
        """Return the next batch, of the next epoch if need be."""
        with self._lock:
            if self._position == len(self):
                self.epoch += 1
            epoch, index = self._epoch, self._position
            self._position += 1
        return self.batch(epoch, index)

    @property
    def epoch(self):
        """Number of the current epoch, from 0."""
        return self._epoch

    @epoch.setter
    def epoch(self, number):
        self._epoch = require_whole("epoch", number, 0)
        self._asked = None
        self.reset()

    def reset(self):
        """Let `next` begin with the first batch of the epoch again."""
        self._position = 0

    def on_epoch_begin(self):
        """Note from now on which batches Keras asks for."""
        if self._asked is None:
            self._asked = set()

    def on_epoch_end(self):
        """Go on to the next epoch, if Keras has had all batches of this one.

        Keras says so also after a mere look at the shape of the first batch, or of the first two,
        and how often it looks depends on the backend. Where an epoch has no more than these,
        such a look may pass for an epoch of its own; :func:`labkit.train` sets it right.
        """
        if self._asked is not None and len(self._asked) == len(self):
            self.epoch += 1


def epoch_order(seed, epoch, pictures):
    """Shuffle the pictures for one epoch.

    Args:
        seed: Non-negative int.
        epoch: Non-negative int; each epoch has an order of its own.
        pictures: How many there are.

    Returns:
        Array `(pictures,)`, int64: a permutation of the rows.

    Example:
        >>> sorted(epoch_order(seed=1, epoch=0, pictures=3).tolist())
        [0, 1, 2]
    """
    return np.random.default_rng([seed, epoch, 1]).permutation(pictures)
