"""What lab 1 reaches on the real photographs: a pre-trained base, frozen and then fine-tuned.

Needs the photographs and the base's weights, so `make bench` leaves it out.

    python benchmarks/photographs.py --source kaggle
    python benchmarks/photographs.py --source dogs.zip --base mobilenet \\
        --weights mobilenet.weights.h5 --alpha 0.75 --head-epochs 4 --fine-tuning-epochs 1
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from record import machine, write_record

import labkit
from labkit.dog_breeds.training import has_gpu

RECORD = Path(__file__).parent / "records" / "photographs.json"


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="kaggle", help="as labkit.fetch takes it")
    parser.add_argument("--directory", default="data/dog_breeds", help="receives the pictures")
    parser.add_argument("--base", default="vgg16")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--alpha", type=float, help="width of a MobileNet")
    parser.add_argument("--head-epochs", type=int, default=10)
    parser.add_argument("--fine-tuning-epochs", type=int, default=10)
    parser.add_argument("--record", type=Path, default=RECORD, help="where to write the figures")
    return parser.parse_args()


def settings_of(options):
    """Return the lab's settings for the photographs, with what the options change."""
    return labkit.load_settings("photographs").replace(
        source=options.source,
        directory=options.directory,
        base=options.base,
        weights=options.weights,
        base_options={} if options.alpha is None else {"alpha": options.alpha},
        head_epochs=options.head_epochs,
        fine_tuning_epochs=options.fine_tuning_epochs,
    )


def make_batches(folders, settings):
    """Return training and validation batches as the lab makes them."""
    flow = {"target_size": settings.target_size, "batch_size": settings.batch_size}
    augmented = labkit.ImageDataGenerator(rescale=1 / 255, **settings.augmentation)
    plain = labkit.ImageDataGenerator(rescale=1 / 255)
    return (
        augmented.flow_from_directory(
            folders.train_sorted, seed=settings.seed, drop_remainder=True, **flow
        ),
        plain.flow_from_directory(folders.val_sorted, shuffle=False, **flow),
    )


def timed_training(network, batches, epochs):
    start = time.perf_counter()
    history = labkit.train(network, *batches, epochs=epochs)
    return {
        "accuracy": [round(value, 4) for value in history.accuracy],
        "val_accuracy": [round(value, 4) for value in history.val_accuracy],
        "seconds_per_epoch": round((time.perf_counter() - start) / epochs, 1),
    }


def main():
    options = parse_options()
    settings = settings_of(options)
    keras.utils.set_random_seed(settings.seed)
    labkit.use_mixed_precision(settings.mixed_precision)
    folders = labkit.reorganise(labkit.fetch(settings.source, settings.directory))
    batches = make_batches(folders, settings)
    network = labkit.pretrained(
        settings.base,
        settings.weights,
        classes=len(batches[0].class_indices),
        input_shape=settings.input_shape,
        dense=settings.dense,
        **settings.base_options,
    )
    labkit.freeze(network, settings.head_learning_rate)
    head = timed_training(network, batches, settings.head_epochs)
    labkit.unfreeze(network, settings.fine_tuning_learning_rate)
    tuned = timed_training(network, batches, settings.fine_tuning_epochs)
    record = {
        "machine": machine("keras", "tensorflow", "tensorflow-cpu") | {"gpu": has_gpu()},
        "base": network.name.removeprefix("pretrained_"),
        "pictures": {"training": batches[0].samples, "validation": batches[1].samples},
        "classes": len(batches[0].class_indices),
        "head": head,
        "fine_tuning": tuned,
    }
    print(json.dumps(record, indent=1))
    write_record(record, options.record)


if __name__ == "__main__":
    main()
