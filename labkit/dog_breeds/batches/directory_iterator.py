"""Batches from a directory of class folders, ready for `fit` on any backend."""

from copy import copy
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from labkit.dog_breeds import damage, pictures
from labkit.dog_breeds.batches.ahead import (
    Ahead,
    Foresight,
    shuffled_by_keras,
    single_threaded_opencv,
)
from labkit.dog_breeds.batches.augmentation import (
    transform_batch,
    transformations,
    uniform_table,
)
from labkit.dog_breeds.batches.cache import CACHES, open_cache
from labkit.dog_breeds.batches.directory import list_pictures
from labkit.dog_breeds.batches.epochs import EpochBatches, epoch_order
from labkit.dog_breeds.batches.memory import Buffers
from labkit.files import fingerprint
from labkit.machine import usable_cores
from labkit.words import require_one_of, require_whole, require_whole_numbers

CLASS_MODES = ("categorical", "sparse", "binary", "input", None)
CHANNELS = {"rgb": 3, "grayscale": 1}
_THREADS = 4  # More wait for Python's lock: 16 of them make half as many pictures a second.


class DirectoryIterator(EpochBatches):
    """Yield augmented batches of the pictures in a directory, in threads of its own.

    Made by :meth:`ImageDataGenerator.flow_from_directory`, which says what the arguments
    mean. Takes part in Keras as any `keras.utils.PyDataset`: `fit` asks for one batch after
    the other, and the next ones are prepared meanwhile, on every backend alike.

    - `batches.batch(epoch, i)` is batch i of an epoch, and follows from these and the seed alone:
      `x`, or `(x, y)` if there are labels. x is `(n, height, width, channels)`, float32 or
      uint8; y is float32: `(n, classes)` for `"categorical"`, `(n,)` for `"sparse"` and
      `"binary"`.
    - `batches[i]` is batch i of the epoch in the attribute `epoch`, whoever asks, in any order.
    - `for x, y in batches` goes through one epoch, and the next such loop through the next.
    - `next(batches)` goes on without end.
    - `fit` goes through one epoch after the other. It asks for the batches of each in an order
      of its own, which `keras.utils.set_random_seed` fixes; `shuffle=False` leaves them in theirs.

    Leave `steps_per_epoch` out of `fit`, which knows `len(batches)`: where it is smaller, Keras
    3 gives every second epoch only what the one before left over. `drop_remainder=True` of
    `flow_from_directory` makes epochs of whole batches.

    Attributes:
        samples: Number of pictures; `n` is the same.
        num_classes: Number of classes.
        class_indices: Dict of class names to indices.
        filenames: List of paths relative to the directory, by class and then by name.
        filepaths: List of full paths.
        classes: Int32 array: the class of each picture; `labels` is the same.
        image_shape: `(height, width, channels)`.
        epoch: Number of the current epoch from 0; may be set, to resume a training.
        seed: What everything random follows from.
        seeded: Whether the seed was given, rather than drawn.
        cache: `"memory"`, `"disk"` or None.
        cache_report: A sentence that says which cache it is, and why.
        threads: Number of threads.
    """

    def __init__(
        self,
        directory,
        image_data_generator,
        *,
        target_size,
        color_mode,
        classes,
        class_mode,
        batch_size,
        shuffle,
        seed,
        follow_links,
        interpolation,
        cache,
        cache_directory,
        workers,
        undecodable,
        drop_remainder,
    ):
        super().__init__()
        require_one_of("color_mode", color_mode, CHANNELS)
        require_one_of("class_mode", class_mode, CLASS_MODES)
        require_one_of("interpolation", interpolation, pictures.INTERPOLATIONS)
        require_one_of("cache", cache, CACHES)
        require_one_of("undecodable", undecodable, ("refuse", "skip"))
        self.directory, self.image_data_generator = directory, image_data_generator
        self.color_mode, self.class_mode, self.interpolation = color_mode, class_mode, interpolation
        self.shuffle, self.drop_remainder = shuffle, drop_remainder
        self.target_size = require_whole_numbers("target_size", target_size, 2)
        self.batch_size = require_whole("batch_size", batch_size)
        self.seed = _fresh_seed() if seed is None else require_whole("seed", seed, 0)
        self.seeded = seed is not None
        given = min(usable_cores(), _THREADS) if workers is None else workers
        self.threads = require_whole("workers", given)
        self.image_shape = (*self.target_size, CHANNELS[color_mode])

        self._listing = list_pictures(directory, classes, follow_links)
        self._cache, self.cache_report = self._open_cache(cache, cache_directory)
        self._take_whole(undecodable)
        self._require_batches()
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")

        self._begin()

    def _begin(self):
        self.dtype = self.image_data_generator.dtype
        self._draw_last = lru_cache(maxsize=2)(self._draw)
        self._buffers = Buffers((self.batch_size, *self.image_shape), self.dtype)
        self._ahead = Ahead(self._compute, self.threads)
        self._foresight = Foresight(range(len(self)))

    def in_bytes(self):
        """Return these batches before the rescale, in a quarter of the bytes.

        Returns:
            A pair: a `DirectoryIterator` of uint8 batches, with the same pictures, seed and
            cache and an epoch of its own, and the factor that makes its `x` the `x` of these
            batches, to the last bit in float32. None where bytes cannot hold these pictures:
            those of a `preprocessing_function`, of a channel shift, or without a rescale.
        """
        generator = self.image_data_generator
        fractions = generator.preprocessing_function or generator.channel_shift_range
        if generator.rescale is None or fractions or self.class_mode == "input":
            return None
        other = copy(self)
        other.image_data_generator = replace(generator, rescale=None, dtype="uint8")
        other._begin()
        return other, generator.rescale

    # What there is.

    @property
    def samples(self):
        """Number of pictures."""
        return len(self.filenames)

    n = samples

    @property
    def num_classes(self):
        """Number of classes."""
        return len(self.class_indices)

    @property
    def class_indices(self):
        """Dict of class names to indices."""
        return self._listing.class_indices

    @property
    def labels(self):
        """Class of each picture, int32."""
        return self.classes

    @property
    def filepaths(self):
        """Full path of each picture."""
        return [str(Path(self.directory, name)) for name in self.filenames]

    @property
    def cache(self):
        """Which cache is in use: `"memory"`, `"disk"` or None."""
        return self._cache.kind

    def __repr__(self):
        return (
            f"<{self.samples} pictures of {self.num_classes} classes in {len(self)} batches of "
            f"{self.batch_size}, {'×'.join(map(str, self.image_shape))} {self.dtype}, "
            f"cache: {self.cache}>"
        )

    # One batch after the other.

    def __len__(self):
        whole, rest = divmod(self.samples, self.batch_size)
        return whole if self.drop_remainder or rest == 0 else whole + 1

    def batch(self, epoch, index):
        """Return one batch, and have the next ones prepared, as many as there are threads.

        Args:
            epoch: Number of the epoch, from 0.
            index: Number of the batch in it, from 0 to `len(batches) - 1`.

        Returns:
            `x`, or `(x, y)` if there are labels.
        """
        following = self._foresight.after(index, self.threads)
        return self._ahead.get((epoch, index), [(epoch, later) for later in following])

    def on_epoch_begin(self):
        """Foresee in which order Keras is going to ask, so that batches are ready by then."""
        super().on_epoch_begin()
        number = len(self)
        self._foresight = Foresight(shuffled_by_keras(number), range(number))

    def _compute(self, key):
        """Make one batch; the key (epoch, index) and the seed say everything about it."""
        epoch, index = key
        order, uniforms = self._draw_last(epoch)
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        height, width, channels = self.image_shape
        generator = self.image_data_generator
        drawn = transformations(generator, uniforms[chosen], height, width)
        x = self._buffers.empty((len(chosen), *self.image_shape))
        function = generator.preprocessing_function
        with single_threaded_opencv:
            transform_batch(
                map(self._picture, self._rows[chosen].tolist()),
                drawn,
                x[..., 0] if channels == 1 else x,
                generator.fill_mode,
                generator.cval,
                generator.rescale if function is None else None,
            )
        if function is not None:
            for picture in x:
                picture[...] = generator.standardize(picture)
        return x if self.class_mode is None else (x, self._targets(chosen, x))

    def _draw(self, epoch):
        """Draw what the seed says about an epoch: the order, and a row of numbers a picture."""
        number = self.samples
        order = epoch_order(self.seed, epoch, number) if self.shuffle else np.arange(number)
        return order, uniform_table(self.seed, epoch, number)

    def _targets(self, chosen, x):
        if self.class_mode == "input":
            return x.copy()
        of_class = self.classes[chosen]
        if self.class_mode == "categorical":
            return np.eye(self.num_classes, dtype=np.float32)[of_class]
        return of_class.astype(np.float32)

    # Pictures, as decoded and resized.

    def _picture(self, row):
        """Return the picture in a row of the listing, uint8, in its target size."""
        path = str(self._listing.directory / self._listing.filenames[row])
        return self._cache.get(row, partial(self._load, path))

    def _load(self, path, out=None):
        return pictures.load(path, self.target_size, self.color_mode, self.interpolation, out)

    def _open_cache(self, kind, cache_directory):
        folder = Path(self.directory).resolve()
        beside = folder.parent if cache_directory is None else Path(cache_directory)
        if cache_directory is not None and kind in ("auto", "disk"):
            beside.mkdir(parents=True, exist_ok=True)
        height, width = self.target_size
        which = fingerprint(str(folder), tuple(self.class_indices)).hex()[:8]
        name = f".{folder.name}-{height}x{width}-{self.color_mode}-{self.interpolation}-{which}"
        shape = (len(self._listing.filenames), *self.image_shape)
        return open_cache(
            kind,
            shape[:-1] if self.color_mode == "grayscale" else shape,
            beside / f"{name}.cache",
            self._fingerprint,
        )

    def _fingerprint(self):
        looks = (self.target_size, self.color_mode, self.interpolation, cv2.__version__)
        listing = self._listing
        return fingerprint(looks, pictures.states_of(listing.directory, listing.filenames))

    def _take_whole(self, undecodable):
        """Refuse pictures that are damaged, or leave them out, before an epoch has its length."""
        names = self._listing.filenames
        damaged = damage.find_damaged(self.directory, names)
        if undecodable == "refuse":
            damage.refuse(damaged)
        damage.warn_left_out(damaged, stacklevel=4)
        self._rows = np.flatnonzero([name not in damaged for name in names])
        self.classes = self._listing.classes[self._rows]
        self.filenames = [names[row] for row in self._rows]

    def _require_batches(self):
        if self.class_mode == "binary" and self.num_classes != 2:
            raise ValueError(
                f'class_mode="binary" needs 2 classes, and {self.directory} has '
                f'{self.num_classes}; use "categorical" or "sparse".'
            )
        if len(self) == 0:
            raise ValueError(
                f"{self.directory} has {self.samples} decodable pictures, too few for a batch of "
                f"{self.batch_size}; take a smaller batch_size, or drop_remainder=False."
            )


def _fresh_seed():
    """Draw a seed that can be written down and used again."""
    return int(np.random.SeedSequence().generate_state(1)[0])
