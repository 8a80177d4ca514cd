"""Pre-train the small base that comes with labkit, on drawn dogs of other breeds.

``make drawn-weights`` runs it, in some twenty minutes on two cores. It takes the lab's own way:
unpack, sort into folders, augment, train.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import keras

import labkit
from labkit.dog_breeds.networks import DRAWN_WEIGHTS

from .breeds import pretraining_breeds
from .data_set import SEED, draw_files, pack
from .package_data import PACKAGE, publish

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


def pretrain(breeds=100, per_breed=250, epochs=20, seed=SEED, progress=True):
    """Train the small VGG to tell drawn breeds apart that the lab never shows.

    Args:
        breeds: number of pre-training breeds, at least 2.
        per_breed: pictures of each breed, at least 10; a fifth validates.
        epochs: how often all pictures are shown; the learning rate falls by a cosine.
        seed: what drawings, weights and order start from.
        progress: show progress bars.

    Returns:
        ``(model, history)``: the trained network with its head, and its curves.

    Raises:
        ValueError: a number is too small.
    """
    if per_breed < 10:
        raise ValueError(f"per_breed={per_breed!r} must be at least 10, so that a fifth validates.")
    keras.utils.set_random_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        folders = _sorted_drawings(Path(folder), breeds, per_breed, seed, progress)
        batches, validation = _batches(folders, seed)
        model = labkit.pretrained(
            "small_vgg", weights=None, classes=breeds, input_shape=(*SIZE, 3), dense=()
        )
        labkit.compile_lab(model)
        model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
            0.0, epochs * len(batches), warmup_target=1e-3, warmup_steps=len(batches), alpha=0.01
        )
        return model, labkit.train(model, batches, validation, epochs, progress=progress)


def _sorted_drawings(folder, breeds, per_breed, seed, progress):
    chosen = pretraining_breeds(breeds)
    counts = {breed.name: per_breed for breed in chosen}
    archive = folder / "dogs.zip"
    archive.write_bytes(pack(draw_files(chosen, counts, seed, progress=progress)))
    drawings = labkit.fetch(archive, folder / "dogs", progress=progress)
    return labkit.reorganise(drawings, progress=progress)


def _batches(folders, seed):
    flow = {"target_size": SIZE, "seed": seed}
    augmented = labkit.ImageDataGenerator(rescale=1 / 255, **_AUGMENTATION)
    plain = labkit.ImageDataGenerator(rescale=1 / 255)
    return (
        augmented.flow_from_directory(folders.train_sorted, drop_remainder=True, **flow),
        plain.flow_from_directory(folders.val_sorted, shuffle=False, **flow),
    )


def base_weights(model):
    """Return the weights of the base alone, as a headless base loads them.

    Args:
        model: a network from :func:`pretrain`.

    Returns:
        The bytes of a ``.weights.h5`` file.
    """
    body = labkit.base_layers(model)
    inputs = keras.Input(model.input_shape[1:])
    outputs = inputs
    for layer in body[1:]:
        outputs = layer(outputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DRAWN_WEIGHTS
        keras.Model(inputs, outputs).save_weights(path)
        return path.read_bytes()


def main(arguments=None, package=PACKAGE):
    """Pre-train, put the base into the package, and print what was reached.

    Args:
        arguments: command-line arguments; ``None`` takes the process's.
        package: the folder of the package's data (path).

    Example:
        >>> main(["--help"])
        Traceback (most recent call last):
        ...
        SystemExit: 0
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--breeds", type=int, default=100, help="pre-training breeds (100)")
    parser.add_argument("--per-breed", type=int, default=250, help="pictures of each (250)")
    parser.add_argument("--epochs", type=int, default=20, help="passes over all pictures (20)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of all chance ({SEED})")
    options = parser.parse_args(arguments)
    model, history = pretrain(options.breeds, options.per_breed, options.epochs, options.seed)
    print(publish(DRAWN_WEIGHTS, base_weights(model), package))
    print(
        f"Validation accuracy on {options.breeds} breeds that the lab never shows: "
        f"{history.val_accuracy[-1]:.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
