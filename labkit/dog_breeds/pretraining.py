"""Pre-train the small base that comes with labkit, on drawn dogs of other breeds.

This is how ``drawn_vgg.weights.h5`` was made, and makes it again, in some twenty minutes on
two cores:

    python -m labkit.dog_breeds.pretraining

The file is written where one works, for ``pretrained("small_vgg", weights=path)``; to publish
it, put it into the package and its hash into ``SHA256SUMS``. It takes the lab's own way: draw,
sort into folders, augment, train.
"""

import argparse
import os
import sys
from pathlib import Path

import keras

from labkit.dog_breeds.batches import ImageDataGenerator
from labkit.dog_breeds.folders import reorganise
from labkit.dog_breeds.networks import DRAWN_WEIGHTS, base_layers, compile_lab, pretrained
from labkit.dog_breeds.sources.drawn_dogs import pretraining_breeds, write_drawn_dogs
from labkit.dog_breeds.training import train

SIZE = (64, 64)
#: Gentler than the lab's: with its full strength, twenty epochs are too few for so small a base.
_AUGMENTATION = {
    "horizontal_flip": True,
    "rotation_range": 12,
    "brightness_range": (0.75, 1.25),
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
    "zoom_range": 0.12,
    "fill_mode": "reflect",
}


def pretrain(directory, breeds=100, per_breed=250, epochs=20, seed=2021, progress=True):
    """Train the small VGG to tell drawn breeds apart that the lab never shows.

    Args:
        directory: folder that receives the drawings; those of an earlier run are used again.
        breeds: number of pre-training breeds, at least 2.
        per_breed: pictures of each breed, at least 10; a fifth validates.
        epochs: how often all pictures are shown; the learning rate falls by a cosine.
        seed: what drawings, weights and order start from.
        progress: show progress bars.

    Returns:
        ``(model, history)``: the trained network with its head, and its curves.

    Raises:
        ValueError: a number is too small.
        FileExistsError: the folder holds other pictures.

    Example:
        >>> import tempfile
        >>> model, history = pretrain(tempfile.mkdtemp(), 2, 40, epochs=1, progress=False)
        Found 64 images belonging to 2 classes.
        Found 16 images belonging to 2 classes.
        >>> model.output_shape
        (None, 2)
    """
    if per_breed < 10:
        raise ValueError(f"per_breed={per_breed!r} must be at least 10, so that a fifth validates.")
    keras.utils.set_random_seed(seed)
    chosen = pretraining_breeds(breeds)
    counts = {breed.name: per_breed for breed in chosen}
    drawings = write_drawn_dogs(directory, chosen, counts, seed=seed, progress=progress)
    folders = reorganise(drawings, progress=progress)
    flow = {"target_size": SIZE, "seed": seed}
    batches = ImageDataGenerator(rescale=1 / 255, **_AUGMENTATION).flow_from_directory(
        folders.train_sorted, drop_remainder=True, **flow
    )
    validation = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folders.val_sorted, shuffle=False, **flow
    )
    model = pretrained("small_vgg", weights=None, classes=breeds, input_shape=(*SIZE, 3), dense=())
    compile_lab(model)
    model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * len(batches), warmup_target=1e-3, warmup_steps=len(batches), alpha=0.01
    )
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
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial_{path.name}")
    keras.Model(inputs, outputs).save_weights(partial)
    os.replace(partial, path)
    return path


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
    parser.add_argument("--breeds", type=int, default=100, help="pre-training breeds")
    parser.add_argument("--per-breed", type=int, default=250, help="pictures of each")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2021)
    parser.add_argument(
        "--directory", default="data/pretraining_dogs", help="folder for the drawings"
    )
    parser.add_argument("--output", default=f"data/{DRAWN_WEIGHTS}", help="the weights file")
    options = parser.parse_args(arguments)
    model, history = pretrain(
        options.directory, options.breeds, options.per_breed, options.epochs, options.seed
    )
    path = save_base(model, options.output)
    print(
        f"{path.name}: {path.stat().st_size:,} bytes, validation accuracy on "
        f"{options.breeds} breeds {history.val_accuracy[-1]:.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
