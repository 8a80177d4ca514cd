"""One way to make batches of a folder of pictures, timed in a process of its own.

`pipeline.py` starts one such process for each candidate, and lets one after the other work.
A line on standard input is a command, a line on standard output its answer, in JSON:

    open FOLDER   begin anew, with nothing cached
    epoch         make all batches once; say how long it took
    look          make all batches once; say what is in them

All candidates do the lab's seven transformations, as far as their library allows.
"""

import json
import os
import sys
import tempfile
import threading
import time
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import cv2
import numpy as np
import psutil

from labkit.dog_breeds.settings import load_settings  # Loads nothing heavy.

SIZE = (224, 224)
BATCH = 32
WARM = 400_000_000  # Bytes; an epoch of a thousand pictures takes no more.
LAB = load_settings("photographs").augmentation
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def in_threads(make, count, threads):
    """Yield make(0), make(1), ... in order, a few of them made ahead."""
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        for index in range(count):
            waiting.append(pool.submit(make, index))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Legacy:
    """Keras' own `ImageDataGenerator`, which hides where Keras 3 put it."""

    def __init__(self, workers):
        # It reaches scipy by a name that scipy is going to remove.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        self.workers = workers

    def open(self, folder):
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        generator = ImageDataGenerator(rescale=1 / 255, **LAB)
        self.batches = generator.flow_from_directory(
            folder, target_size=SIZE, batch_size=BATCH, seed=1
        )
        # Its order is drawn by whoever comes first, and two workers would draw two.
        self.batches.on_epoch_end()

    def epoch(self):
        batches = self.batches
        if self.workers == 1:
            yield from (batches[index] for index in range(len(batches)))
        else:
            yield from in_threads(batches.__getitem__, len(batches), self.workers)
        batches.on_epoch_end()


class KerasLayers:
    """`image_dataset_from_directory`, its pictures changed by Keras' layers in a map."""

    def __init__(self, cached=False, augmented=True):
        self.cached, self.augmented = cached, augmented

    def open(self, folder):
        import keras
        import tensorflow as tf

        data = keras.utils.image_dataset_from_directory(
            folder,
            label_mode="categorical",
            image_size=SIZE,
            batch_size=None if self.cached else BATCH,
            seed=1,
        )
        if self.cached:
            narrow = data.map(lambda x, y: (tf.cast(x, tf.uint8), y), tf.data.AUTOTUNE).cache()
            count = int(narrow.cardinality())
            data = narrow.shuffle(count, seed=1).batch(BATCH)
        change = self._augment() if self.augmented else lambda x: x / 255
        data = data.map(lambda x, y: (change(tf.cast(x, tf.float32)), y), tf.data.AUTOTUNE)
        self.data = data.prefetch(tf.data.AUTOTUNE)

    def _augment(self):
        import tensorflow as tf
        from keras import layers

        moves = [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(30 / 360, fill_mode="reflect"),
            layers.RandomTranslation(0.2, 0.2, fill_mode="reflect"),
            layers.RandomZoom((-0.2, 0.2), (-0.2, 0.2), fill_mode="reflect"),
        ]

        def change(x):
            for move in moves:
                x = move(x, training=True)
            # Keras' RandomBrightness would add; the lab multiplies.
            factor = tf.random.uniform((tf.shape(x)[0], 1, 1, 1), 0.5, 1.5)
            return tf.clip_by_value(x * factor, 0, 255) / 255

        return change

    def epoch(self):
        yield from self.data


class Albumentations:
    """albumentations in threads, with OpenCV's decoder and resize."""

    def __init__(self, dtype="float32"):
        self.dtype = dtype

    def open(self, folder):
        cv2.setNumThreads(0)
        self.local = threading.local()
        names = sorted(path.name for path in Path(folder).iterdir())
        self.files = [
            (str(path), label)
            for label, name in enumerate(names)
            for path in sorted(Path(folder, name).iterdir())
        ]
        self.labels = np.eye(len(names), dtype=np.float32)
        self.random = np.random.default_rng(1)

    def epoch(self):
        order = self.random.permutation(len(self.files))
        seeds = self.random.integers(2**31, size=len(order)).tolist()

        def batch(index):
            chosen = order[index * BATCH : (index + 1) * BATCH]
            change = self._augment()
            change.set_random_seed(seeds[index])
            x = np.empty((len(chosen), *SIZE, 3), self.dtype)
            for cell, file in zip(x, chosen, strict=True):
                picture = cv2.imread(self.files[file][0], cv2.IMREAD_COLOR_RGB)
                cell[...] = change(image=cv2.resize(picture, SIZE[::-1]))["image"]
            return x, self.labels[[self.files[file][1] for file in chosen]]

        yield from in_threads(batch, -(-len(order) // BATCH), CORES)

    def _augment(self):
        """Return this thread's transformations; they cannot be shared."""
        import albumentations as A

        if not hasattr(self.local, "change"):
            affine = A.Affine(
                scale={"x": (0.8, 1.2), "y": (0.8, 1.2)},
                translate_percent={"x": (-0.2, 0.2), "y": (-0.2, 0.2)},
                rotate=(-30, 30),
                border_mode=cv2.BORDER_REFLECT,
                p=1,
            )
            still = {"contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
            brightness = A.ColorJitter(brightness=(0.5, 1.5), p=1, **still)
            change = [A.HorizontalFlip(p=0.5), affine, brightness]
            if self.dtype == "float32":
                change.append(A.ToFloat(max_value=255))
            self.local.change = A.Compose(change)
        return self.local.change


class Ours:
    """labkit's generator."""

    def __init__(self, cache=None, dtype="float32", augmented=True):
        self.cache, self.dtype, self.augmented = cache, dtype, augmented

    def open(self, folder):
        from labkit import ImageDataGenerator

        self.batches = None
        if hasattr(self, "place"):
            self.place.cleanup()
        self.place = tempfile.TemporaryDirectory()
        rescale = 1 / 255 if self.dtype == "float32" else None
        lab = LAB if self.augmented else {}
        generator = ImageDataGenerator(rescale=rescale, dtype=self.dtype, **lab)
        self.batches = generator.flow_from_directory(
            folder,
            target_size=SIZE,
            batch_size=BATCH,
            seed=1,
            cache=self.cache,
            cache_directory=self.place.name,
        )

    def epoch(self):
        yield from self.batches


CANDIDATES = {
    "ImageDataGenerator of Keras": lambda: Legacy(1),
    "ImageDataGenerator of Keras, 2 workers": lambda: Legacy(2),
    "Keras layers": KerasLayers,
    "Keras layers, cached": lambda: KerasLayers(cached=True),
    "Keras, decode and resize only": lambda: KerasLayers(augmented=False),
    "albumentations, threads": Albumentations,
    "albumentations, uint8": lambda: Albumentations("uint8"),
    "labkit": Ours,
    "labkit, memory": lambda: Ours("memory"),
    "labkit, disk": lambda: Ours("disk"),
    "labkit, uint8": lambda: Ours(dtype="uint8"),
    "labkit, memory, uint8": lambda: Ours("memory", "uint8"),
    "labkit, decode and resize only, uint8": lambda: Ours(dtype="uint8", augmented=False),
}


def resident():
    """Return the bytes that this process has in memory now."""
    return psutil.Process().memory_info().rss


def warm_memory():
    """Touch memory and give it back.

    On a virtual machine, memory that was idle for a while has gone back to the host, and is
    slow to get again: up to a third of a first epoch, for whoever comes after a pause.
    """
    np.empty(WARM, np.uint8).fill(0)


def time_epoch(candidate):
    """Make all batches, and say how long it took."""
    warm_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    pictures = sum(len(x) for x, _ in candidate.epoch())
    return {
        "pictures": pictures,
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "memory_mb": resident() / 1e6,
    }


def look(candidate):
    """Make all batches, and say what is in them, in terms that all candidates share."""
    total, labels, shapes, probes = 0, 0, set(), []
    pictures, low, high = 0, np.inf, -np.inf
    for x, y in candidate.epoch():
        x, y = np.asarray(x), np.asarray(y)
        dtype = str(x.dtype)
        greys = x.astype(np.float64) * (255 if dtype == "float32" else 1)
        shapes.add((*x.shape[1:], y.shape[1]))
        pictures += len(x)
        labels = labels + y.sum(0)
        low, high = min(low, greys.min()), max(high, greys.max())
        total = total + greys.sum(0)
        probes += [measure_probe(picture) for picture in greys]
    return {
        "pictures": pictures,
        "labels": labels.tolist(),
        "shapes": sorted(shapes),
        "dtype": dtype,
        "range": [low, high],
        "mean_picture": (total / pictures)[::8, ::8].tolist(),
        "probes": probes,
    }


# On the probe, red grows along x and green along y, and blue is constant: what was done to
# a copy of it can be read off its middle. PROBE is red and green at the centre, their growth
# across the picture, and blue.
PROBE = {"centre": 100.0, "growth": 120.0, "blue": 110.0}


def make_probe(height, width):
    """Return the probe picture."""
    y, x = np.mgrid[:height, :width]
    across = PROBE["centre"] + PROBE["growth"] * ((x + 0.5) / width - 0.5)
    down = PROBE["centre"] + PROBE["growth"] * ((y + 0.5) / height - 0.5)
    blue = np.full_like(across, PROBE["blue"])
    return np.rint(np.stack([across, down, blue], -1)).astype(np.uint8)


def measure_probe(picture):
    """Read brightness, turn, zooms, shifts and flip off the middle of a changed probe.

    On any other picture the numbers mean nothing.
    """
    edge = picture.shape[0]
    near = edge // 8
    middle = picture[edge // 2 - near : edge // 2 + near, edge // 2 - near : edge // 2 + near]
    brightness = max(middle[..., 2].mean() / PROBE["blue"], 1e-3)
    red, green = (middle[..., c] / brightness for c in (0, 1))
    scale = edge / PROBE["growth"]
    # Rows: how the place shown, x then y, changes along x and along y of the new picture.
    along = [[np.diff(grey, axis=axis).mean() * scale for axis in (1, 0)] for grey in (red, green)]
    (a, b), (c, d) = along
    flipped = a * d - b * c < 0
    turn = np.degrees(np.arctan2(-b, d))
    offset = [(grey.mean() - PROBE["centre"]) * scale / edge for grey in (red, green)]
    return [
        float(value)
        for value in (brightness, turn, np.hypot(a, c), np.hypot(b, d), *offset, flipped)
    ]


def main():
    candidate = CANDIDATES[sys.argv[1]]()
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        with redirect_stdout(sys.stderr):
            if command == "open":
                answer = candidate.open(argument)
            else:
                answer = {"epoch": time_epoch, "look": look}[command](candidate)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
