"""Do in a minute's fraction what the two labs do, and print every number that comes of it.

Usage: python train_briefly.py DOGS, a folder with labels.csv and train/, which are sorted there.
"""

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

import labkit
from labkit.dog_breeds.experiments import describe_experiment
from labkit.receptive_field import effective_receptive_field


def digest(arrays):
    """Return the SHA-256 of arrays."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def dog_breeds(data):
    """Train from scratch on augmented pictures, then a new head on the pre-trained base."""
    settings = labkit.load_settings("drawn")
    keras.utils.set_random_seed(settings.seed)
    folders = labkit.reorganise(data)
    augmentation = labkit.load_settings("photographs").augmentation
    flow = {"target_size": settings.target_size, "batch_size": settings.batch_size}
    batches = labkit.ImageDataGenerator(rescale=1 / 255, **augmentation).flow_from_directory(
        folders.train_sorted, shuffle=True, seed=settings.seed, drop_remainder=True, **flow
    )
    validation = labkit.ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folders.val_sorted, shuffle=False, **flow
    )
    classes = len(batches.class_indices)
    scratch = labkit.small_vgg(
        settings.input_shape, classes, filters=settings.filters, dense=settings.dense
    )
    labkit.compile_lab(scratch, settings.scratch_learning_rate)
    base = labkit.pretrained(
        settings.base, settings.weights, classes, settings.input_shape, dense=settings.dense
    )
    labkit.freeze(base, settings.head_learning_rate)
    found = {"class indices": batches.class_indices}
    for name, model in (("scratch", scratch), ("head", base)):
        history = labkit.train(model, batches, validation, epochs=2, progress=False)
        found[name] = {"history": asdict(history), "weights": digest(model.get_weights())}
        found[name]["predictions"] = digest([model.predict(validation, verbose=0)])
        # By which another process finds the checkpoints of a training.
        found[name]["experiment"] = describe_experiment(model, batches, validation).name
    return found


def receptive_fields():
    """Measure effective receptive fields before and after training, as lab 2 does."""
    noise = np.random.default_rng(2021).standard_normal((64, 24, 24, 1)).astype("float32")
    surroundings = keras.ops.average_pool(noise, 9, 1, "valid") * 9
    keras.utils.set_random_seed(2021)
    layers = [keras.layers.Conv2D(8, 3, activation="tanh") for _ in range(4)]
    learner = keras.Sequential([keras.Input((24, 24, 1)), *layers, keras.layers.Conv2D(1, 1)])
    before = effective_receptive_field(learner, samples=4)
    learner.compile(keras.optimizers.Adam(3e-3), "mse")
    history = learner.fit(noise, surroundings, batch_size=16, epochs=2, verbose=0)
    after = effective_receptive_field(learner, samples=4)
    return {
        "before": [*before.sigma, before.effective_size, digest([before.strength])],
        "after": [*after.sigma, after.effective_size, digest([after.strength])],
        "loss": history.history["loss"],
        "weights": digest(learner.get_weights()),
    }


if __name__ == "__main__":
    found = {"dog breeds": dog_breeds(Path(sys.argv[1])), "receptive fields": receptive_fields()}
    print(json.dumps(found))
