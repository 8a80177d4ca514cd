"""Pre-train the small base that comes with labkit, on drawn dogs of other breeds.

This is how ``drawn_vgg.weights.h5`` was made, and makes it again:

    python -m labkit.dog_breeds.pretraining
"""

import argparse
import os
import sys
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np

from labkit.dog_breeds.networks import DRAWN_WEIGHTS, base_layers, compile_lab, pretrained
from labkit.dog_breeds.sources.drawn_dogs import draw_many, pretraining_breeds
from labkit.dog_breeds.training import train

SIZE = (64, 64)
_VALIDATION_SHARE = 0.1


def pretrain(breeds=60, per_breed=250, epochs=24, seed=2021, batch_size=32, progress=True):
    """Train the small VGG to tell drawn breeds apart that the lab never shows.

    Args:
        breeds: number of pre-training breeds, at least 2.
        per_breed: pictures of each breed, at least 10; a tenth validates.
        epochs: how often all pictures are shown; the learning rate falls by a cosine.
        seed: what drawings, weights and order start from.
        batch_size: pictures in a batch.
        progress: show progress bars.

    Returns:
        ``(model, history)``: the trained network with its head, and its curves.

    Raises:
        ValueError: a number is too small.

    Example:
        >>> model, history = pretrain(2, 20, epochs=1, progress=False)
        >>> model.output_shape
        (None, 2)
    """
    if per_breed < 10:
        raise ValueError(f"per_breed={per_breed!r} must be at least 10, so that a tenth validates.")
    keras.utils.set_random_seed(seed)
    pictures, labels = draw_many(pretraining_breeds(breeds), per_breed, seed=seed, size=SIZE)
    validating = np.arange(len(labels)) % round(1 / _VALIDATION_SHARE) == 0
    batches = MemoryBatches(pictures[~validating], labels[~validating], breeds, batch_size, seed)
    validation = MemoryBatches(pictures[validating], labels[validating], breeds, batch_size)
    model = pretrained("small_vgg", weights=None, classes=breeds, input_shape=(*SIZE, 3), dense=())
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * len(batches), warmup_target=1e-3, warmup_steps=len(batches), alpha=0.01
    )
    compile_lab(model)
    model.optimizer.learning_rate = rate
    return model, train(model, batches, validation, epochs, progress=progress)


def save_base(model, path):
    """Save the weights of the base alone, as a headless base loads them.

    Args:
        model: a network from :func:`pretrain`.
        path: the file to write, ending in ``.weights.h5``; written whole or not at all.

    Returns:
        The path.

    Raises:
        ValueError: the path does not end in ``.weights.h5``.

    Example:
        >>> save_base(None, "weights.txt")
        Traceback (most recent call last):
        ...
        ValueError: 'weights.txt' must end in .weights.h5, as Keras' weights files do.
    """
    path = Path(path)
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"{str(path)!r} must end in .weights.h5, as Keras' weights files do.")
    body = base_layers(model)
    inputs = keras.Input(model.input_shape[1:])
    outputs = inputs
    for layer in body[1:]:
        outputs = layer(outputs)
    partial = path.with_name(f"partial_{path.name}")
    keras.Model(inputs, outputs).save_weights(partial)
    os.replace(partial, path)
    return path


class MemoryBatches(keras.utils.PyDataset):
    """Serve pictures held in memory, in [0, 1], at random flipped and shifted.

    Args:
        pictures: uint8 ``(count, height, width, 3)``.
        labels: ``count`` class indices.
        classes: number of classes.
        batch_size: pictures in a batch.
        seed: shuffles and augments from it; ``None`` leaves order and pictures alone.

    Returns:
        Item ``i`` is a float32 batch of pictures and one of one-hot labels.

    Example:
        >>> batches = MemoryBatches(np.zeros((3, 8, 8, 3), np.uint8), np.array([0, 1, 0]), 2, 2)
        >>> [pictures.shape for pictures, labels in (batches[i] for i in range(len(batches)))]
        [(2, 8, 8, 3), (1, 8, 8, 3)]
    """

    def __init__(self, pictures, labels, classes, batch_size, seed=None):
        super().__init__()
        self.pictures = pictures
        self.targets = np.eye(classes, dtype=np.float32)[labels]
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self):
        """Return the number of batches, the last partial one included."""
        return -(-len(self.pictures) // self.batch_size)

    def __getitem__(self, index):
        """Return one batch of pictures and targets."""
        order = np.arange(len(self.pictures))
        if self.seed is not None:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(order)
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        pictures = self.pictures[chosen].astype(np.float32) / 255
        if self.seed is not None:
            pictures = _flip_and_shift(
                pictures, np.random.default_rng((self.seed, self.epoch, index))
            )
        return pictures, self.targets[chosen]

    def on_epoch_end(self):
        """Go on to the next order."""
        self.epoch += 1


def _flip_and_shift(pictures, random, reach=6):
    """Flip half of the pictures and move each by a few pixels, repeating the border."""
    height, width = pictures.shape[1:3]
    pad = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = np.pad(pictures, pad, mode="edge")
    moved = np.empty_like(pictures)
    for position, picture in enumerate(padded):
        down, right = random.integers(0, 2 * reach + 1, 2)
        moved[position] = picture[down : down + height, right : right + width]
        if random.random() < 0.5:
            moved[position] = moved[position, :, ::-1]
    return moved


def main(arguments=None):
    """Pre-train and save the base, and print what was reached.

    Args:
        arguments: command-line arguments; ``None`` takes the process's.

    Returns:
        None.

    Example:
        >>> main(["--help"])
        Traceback (most recent call last):
        ...
        SystemExit: 0
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--breeds", type=int, default=60, help="pre-training breeds")
    parser.add_argument("--per-breed", type=int, default=250, help="pictures of each")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=2021)
    parser.add_argument(
        "--output", default=str(files(__package__) / DRAWN_WEIGHTS), help="the weights file"
    )
    options = parser.parse_args(arguments)
    model, history = pretrain(options.breeds, options.per_breed, options.epochs, options.seed)
    path = save_base(model, options.output)
    print(
        f"{path.name}: {path.stat().st_size:,} bytes, validation accuracy on "
        f"{options.breeds} breeds {history.val_accuracy[-1]:.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
