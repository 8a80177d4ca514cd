"""Batches from a directory of class folders, ready for `fit` on any backend."""

import hashlib
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import keras
import numpy as np

from labkit.dog_breeds.batches import pictures
from labkit.dog_breeds.batches.ahead import Ahead, single_threaded_opencv, usable_cores
from labkit.dog_breeds.batches.buffers import Buffers
from labkit.dog_breeds.batches.cache import CACHES, fingerprint, open_cache
from labkit.dog_breeds.batches.directory import list_pictures
from labkit.dog_breeds.batches.parameters import epoch_order, transformations, uniform_table
from labkit.dog_breeds.batches.transformation import transform_batch
from labkit.dog_breeds.batches.undecodable import find_undecodable, refuse, warn
from labkit.words import is_whole, require, require_one_of, require_whole

CLASS_MODES = ("categorical", "sparse", "binary", "input", None)
CHANNELS = {"rgb": 3, "grayscale": 1}
_MORE_THAN_A_LOOK = 3  # Batches, of an epoch that is broken off.
_READERS = 16  # Threads that only wait for files, which on a network drive takes long.


@dataclass(frozen=True)
class _Epoch:
    """What the seed says about one epoch: the order, and a row of draws for each picture."""

    number: int
    order: np.ndarray
    uniforms: np.ndarray

    @classmethod
    def draw(cls, seed, number, pictures, shuffle):
        order = epoch_order(seed, number, pictures) if shuffle else np.arange(pictures)
        return cls(number, order, uniform_table(seed, number, pictures))


class DirectoryIterator(keras.utils.PyDataset):
    """Yield augmented batches of the pictures in a directory, in threads of its own.

    Made by :meth:`ImageDataGenerator.flow_from_directory`, which says what the arguments
    mean. Takes part in Keras as any `keras.utils.PyDataset`: `fit` asks for one batch after
    the other, and the next ones are prepared meanwhile, on every backend alike.

    - `batches[i]` is batch i of the current epoch: `x`, or `(x, y)` if there are labels. x is
      `(n, height, width, channels)`, float32 or uint8; y is float32: `(n, classes)` for
      `"categorical"`, `(n,)` for `"sparse"` and `"binary"`.
    - `for x, y in batches` goes through one epoch, and the next such loop through the next.
    - `next(batches)` goes on without end.

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
        # Threads of Keras' own would come on top of ours, and on some backends only.
        super().__init__(workers=1, use_multiprocessing=False)
        require_one_of("color_mode", color_mode, CHANNELS)
        require_one_of("class_mode", class_mode, CLASS_MODES)
        require_one_of("interpolation", interpolation, pictures.INTERPOLATIONS)
        require_one_of("cache", cache, CACHES)
        require_one_of("undecodable", undecodable, ("refuse", "skip"))
        require_whole("batch_size", batch_size, 1)
        self.directory = directory
        self.image_data_generator = image_data_generator
        self.target_size = _checked_size(target_size)
        self.color_mode = color_mode
        self.class_mode = class_mode
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.interpolation = interpolation
        self.drop_remainder = drop_remainder
        self.seed = _checked_seed(seed)
        self.threads = _checked_workers(workers)
        self.dtype = image_data_generator.dtype
        self.image_shape = (*self.target_size, CHANNELS[color_mode])

        self._listing = list_pictures(directory, classes, follow_links)
        self._cache, self.cache_report = self._open_cache(cache, cache_directory)
        self._take_decodable(undecodable)
        self._require_batches()
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")

        self._epoch = 0
        self._position = 0
        self._fitting = False
        self._lock = threading.Lock()
        self._drawn = None
        self._buffers = Buffers((batch_size, *self.image_shape), self.dtype)
        self._ahead = Ahead(self._compute, self.threads)

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

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(
                f"There is no batch {index}; an epoch has batches 0 to {len(self) - 1}."
            )
        return next(self) if self._fitting else self._batch(self._epoch, index)

    def __iter__(self):
        """Go through the current epoch, and make the next one current."""
        epoch = self._epoch
        for index in range(len(self)):
            yield self._batch(epoch, index)
        self.epoch = epoch + 1

    def __next__(self):
        """Return the next batch, of the next epoch if need be."""
        with self._lock:
            if self._position == len(self):
                self.epoch += 1
            epoch, index = self._epoch, self._position
            self._position += 1
        return self._batch(epoch, index)

    @property
    def epoch(self):
        """Number of the current epoch."""
        return self._epoch

    @epoch.setter
    def epoch(self, number):
        require_whole("epoch", number, 0)
        self._epoch = number
        self.reset()

    def reset(self):
        """Let `next` begin with the first batch of the epoch again."""
        self._position = 0

    def on_epoch_begin(self):
        """Answer Keras with one batch after the other, whichever index it asks for.

        Unless told otherwise, `fit` asks in an order that follows from no seed. It asks for
        each batch once, so the order of this class can be kept, and batches prepared ahead.
        """
        self._fitting = True
        self.reset()

    def on_epoch_end(self):
        """Go on to the next epoch: another order, other transformations.

        Keras takes a batch before it begins, to see its shape, and on JAX one more ahead of it.
        That is no epoch.
        """
        self._fitting = False
        if self._position >= min(_MORE_THAN_A_LOOK, len(self)):
            self.epoch += 1
        self.reset()

    def _batch(self, epoch, index):
        last = min(index + 1 + self.threads, len(self))  # One batch ahead for each thread.
        following = [(epoch, later) for later in range(index + 1, last)]
        return self._ahead.get((epoch, index), following)

    def _compute(self, key):
        """Make one batch; the key (epoch, index) and the seed say everything about it."""
        number, index = key
        epoch = self._epoch_number(number)
        chosen = epoch.order[index * self.batch_size : (index + 1) * self.batch_size]
        height, width, channels = self.image_shape
        generator = self.image_data_generator
        drawn = transformations(generator, epoch.uniforms[chosen], height, width)
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

    def _epoch_number(self, number):
        """Draw an epoch, or return the one drawn last; two threads may draw the same."""
        drawn = self._drawn
        if drawn is None or drawn.number != number:
            drawn = _Epoch.draw(self.seed, number, self.samples, self.shuffle)
            self._drawn = drawn
        return drawn

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
        facts = (str(folder), tuple(self.class_indices))
        which = hashlib.sha256(repr(facts).encode()).hexdigest()[:8]
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
        return fingerprint(looks, self._listing.facts())

    def _take_decodable(self, undecodable):
        """Refuse files that are no whole pictures, or leave them out.

        To refuse, a look at the ends of each file is enough for now; what is damaged inside
        is refused when its turn comes. To leave out, all must be decoded, which fills the
        cache: the length of an epoch must not change later.
        """
        rows = range(len(self._listing.filenames))
        if undecodable == "refuse":
            paths = self._listing.filepaths
            refuse(find_undecodable(pictures.require_whole_file, paths, _READERS))
            kept = np.ones(len(rows), bool)
        else:
            with single_threaded_opencv:
                errors = find_undecodable(self._picture, rows, self.threads)
            warn(errors)
            kept = np.array([error is None for error in errors])
        self._rows = np.flatnonzero(kept)
        self.classes = self._listing.classes[kept]
        self.filenames = [self._listing.filenames[row] for row in self._rows]

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


def _checked_size(target_size):
    size = tuple(target_size) if isinstance(target_size, tuple | list) else ()
    pixels = len(size) == 2 and all(is_whole(edge, 1) for edge in size)
    allowed = "(height, width), two whole numbers of pixels"
    require(pixels, "target_size", target_size, allowed)
    return size


def _checked_seed(seed):
    """Return the seed, or draw one that can be written down and used again."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    require_whole("seed", seed, 0)
    return int(seed)


def _checked_workers(workers):
    if workers is None:
        return usable_cores()
    require_whole("workers", workers, 1)
    return int(workers)
