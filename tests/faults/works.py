"""The works that are killed: each runs in a child process and ends in a folder.

Each is a function of two paths: ``folder``, which it may fill, and ``given``, which holds what
the work starts from and is only read. What it returns must be the same after any number of
kills.
"""

import contextlib
import errno
import hashlib
import os
from pathlib import Path

from tqdm import tqdm

# The lock that all bars share is a semaphore: made here, once, and not by each child.
tqdm.get_lock()

LAB = Path(__file__).parents[2] / "labs" / "dog_breeds.ipynb"
EPOCHS = 3


def fetch_drawn(folder, given):
    """Fetch the drawn dogs, all of them."""
    return _fetch("drawn", folder)


def fetch_archive(folder, given):
    """Fetch from a zip archive."""
    return _fetch(given / "dogs.zip", folder)


def fetch_address(folder, given):
    """Fetch from a web server."""
    from labkit.dog_breeds.sources import download

    download._CHUNK = 1024  # many writes, as for an archive of a usual size
    return _fetch((given / "address").read_text(), folder)


def _fetch(source, folder):
    from labkit import fetch

    return fetch(source, folder / "data", progress=False).name


def sort(folder, given):
    """Sort pictures by links."""
    from labkit import reorganise

    return str(reorganise(given / "data", folder / "sorted", progress=False))


def sort_by_copies(folder, given):
    """Sort pictures where the file system knows no links."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "no links here")

    os.link = refuse
    return sort(folder, given)


def keep_decoded(folder, given):
    """Go once through pictures that a cache on disk keeps."""
    batches = _batches(given / "sorted", cache="disk", cache_directory=folder / "cache")
    return [hashlib.sha256(pictures.tobytes()).hexdigest() for pictures, _ in batches]


def train(folder, given):
    """Train a network with dropout and batch normalisation on shuffled, augmented pictures."""
    import keras

    import labkit

    _compute_reproducibly()
    keras.utils.set_random_seed(7)
    network = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(12, activation="softmax"),
        ]
    )
    labkit.compile_lab(network, 1e-2)
    history = labkit.train(
        network,
        _batches(given / "sorted" / "train_sorted", shuffle=True, augment=True, batch_size=4),
        _batches(given / "sorted" / "val_sorted"),
        EPOCHS,
        checkpoints=folder / "checkpoints",
        progress=False,
    )
    return history.curves, _digests(network)


def train_stages(folder, given):
    """Train from scratch, then a new head, then all layers, as lab 1 does."""
    import keras

    import labkit

    _compute_reproducibly()
    keras.utils.set_random_seed(7)
    batches = (
        _batches(given / "sorted" / "train_sorted", shuffle=True, augment=True, batch_size=4),
        _batches(given / "sorted" / "val_sorted"),
    )
    results = {}

    def stage(name, network):
        history = labkit.train(
            network, *batches, 2, checkpoints=folder / "checkpoints" / name, progress=False
        )
        accuracy = labkit.evaluate(network, batches[1])
        results[name] = (history.curves, _digests(network), accuracy)

    scratch = labkit.small_vgg((16, 16, 3), 12, filters=(4, 8), dense=(8,))
    stage("scratch", labkit.compile_lab(scratch, 1e-3))
    network = labkit.pretrained("small_vgg", None, 12, (16, 16, 3), (8,), filters=(4, 8))
    stage("head", labkit.freeze(network, 1e-3))
    stage("fine_tuning", labkit.unfreeze(network, 1e-4))
    return results


def run_lab(folder, given):
    """Run lab 1's own cells, on fewer pictures, for few epochs, with checkpoints."""
    import json

    import labkit

    _compute_reproducibly()
    os.chdir(folder)
    for name in dir(labkit):
        if name.startswith("plot_"):
            setattr(labkit, name, lambda *_, **__: None)
    cells = json.loads(LAB.read_text(encoding="utf-8"))["cells"]
    names = {"__name__": "lab"}
    for cell in cells:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] == "code" and not {"set-up", "questions"} & set(tags):
            exec("".join(cell["source"]), names)
            if "form" in tags:
                names["settings"] = _shortened(names["settings"], given)
    # Keras writes the date into it; the digests below are of the same network.
    os.remove("dogs.keras")
    return {
        "histories": [
            names[f"{stage}_history"].curves for stage in ("scratch", "head", "fine_tuning")
        ],
        "accuracies": names["accuracies"],
        "network": _digests(names["network"]),
    }


def _shortened(settings, given):
    return settings.replace(
        source=str(given / "dogs.zip"),
        # Under its own name the lab would assert what needs all of the epochs.
        name="shortened",
        directory="data",
        target_size=(32, 32),
        augmentation={"horizontal_flip": True, "rotation_range": 20},
        batch_size=4,
        scratch_epochs=2,
        head_epochs=2,
        fine_tuning_epochs=2,
        checkpoints="checkpoints",
    )


def _batches(directory, *, shuffle=False, augment=False, batch_size=8, **options):
    from labkit import ImageDataGenerator

    changes = {"horizontal_flip": True, "rotation_range": 30, "zoom_range": 0.2} if augment else {}
    generator = ImageDataGenerator(rescale=1 / 255, **changes)
    with contextlib.redirect_stdout(None):
        return generator.flow_from_directory(
            directory,
            target_size=(16, 16),
            batch_size=batch_size,
            shuffle=shuffle,
            seed=5,
            **{"cache": "memory", "workers": 2} | options,
        )


def _compute_reproducibly():
    """Forbid TensorFlow what would make sums depend on which thread was first."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()


def _digests(network):
    """Condense every variable, the random states and the optimizer's included."""
    import numpy as np

    variables = [*network.variables, *network.optimizer.variables]
    return [
        (variable.path, hashlib.sha256(np.asarray(variable.numpy()).tobytes()).hexdigest())
        for variable in variables
    ]


WORKS = {
    function.__name__: function
    for function in (
        fetch_drawn,
        fetch_archive,
        fetch_address,
        sort,
        sort_by_copies,
        keep_decoded,
        train,
        train_stages,
        run_lab,
    )
}


def run(name, folder, given):
    """Run a work by its name."""
    return WORKS[name](Path(folder), Path(given))


#: Works that write HDF5 files.
TRAINING = ("train", "train_stages", "run_lab")
