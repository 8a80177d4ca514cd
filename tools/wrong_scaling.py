"""Why the wrong input costs VGG16 so much more than MobileNet: the same mistakes made to both.

Fed with pictures in [0, 1], MobileNet gets its input at half its range and off its centre, and
VGG16 at a 255th of its range. Which of the two decides: the network, or the size of the mistake?
So both are fed with the input they expect, with half its range, and with a 255th of it. For each,
the features of a frozen base are computed once, and the lab's head is trained on them.

    python tools/wrong_scaling.py --data ARCHIVE --vgg16 WEIGHTS --mobilenet WEIGHTS \\
        --out book/results/wrong_scaling.csv

Twenty breeds, pictures of half the usual size: some five minutes on two cores.
"""

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

import labkit
from labkit.dog_breeds.networks import compile_lab
from labkit.files import replacing

BREEDS = 20
SIZE = (112, 112)
BATCH_SIZE = 32
SEEDS = (2021, 1, 2)
EPOCHS = 20
HALF_RANGE = {"vgg16": 127.5, "mobilenet": 1.0}

#: What becomes of the input that a base expects, whose range is taken to be -half...half.
INPUTS = {
    "as expected": lambda x, half: x,
    "half the range, off centre": lambda x, half: (x + half) / 2,
    "a 255th of the range": lambda x, half: (x + half) / 255,
}


def build_base(name, weights):
    """Build a headless base: expected input in, features averaged over the places out."""
    application = {"vgg16": keras.applications.VGG16, "mobilenet": keras.applications.MobileNet}[
        name
    ]
    options = {"alpha": 0.75} if name == "mobilenet" else {}
    base = application(include_top=False, weights=None, input_shape=(*SIZE, 3), **options)
    base.load_weights(weights)
    return keras.Model(base.input, keras.ops.mean(base.output, axis=(1, 2)))


def expected_input(name, pictures):
    """Turn pictures in 0...255 into what the base was trained on."""
    module = getattr(keras.applications, name)
    return module.preprocess_input(np.array(pictures, "float32"))


def features(base, name, change, batches):
    """Compute the features of all pictures, and which breed each is of."""
    rows, breeds = [], []
    for x, y in tqdm(map(batches.__getitem__, range(len(batches))), total=len(batches)):
        rows.append(base.predict_on_batch(change(expected_input(name, x), HALF_RANGE[name])))
        breeds.append(y.copy())
    return np.concatenate(rows), np.concatenate(breeds)


def spread(rows):
    """Measure how much features differ between pictures, compared with what all have in common."""
    return float(np.sqrt(np.mean(rows.var(axis=0)) / np.mean(rows.mean(axis=0) ** 2)))


def validation_accuracy(training, validation, seed):
    """Train the lab's head on features; return its accuracy on others."""
    keras.utils.set_random_seed(seed)
    widths = (512, 512)
    hidden = [keras.layers.Dense(width, activation="relu") for width in widths]
    head = keras.Sequential([*hidden, keras.layers.Dense(BREEDS, activation="softmax")])
    compile_lab(head, 1e-3)
    head.fit(*training, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
    return head.evaluate(*validation, verbose=0, return_dict=True)["accuracy"]


def batches_of(folder, breeds):
    """Make batches of some breeds' pictures as they are, 0...255."""
    generator = labkit.ImageDataGenerator(dtype="uint8")
    return generator.flow_from_directory(
        folder, SIZE, classes=breeds, batch_size=BATCH_SIZE, shuffle=False
    )


def measure(data, weights, folder):
    """Yield a row for each network, input and seed."""
    sorted_into = labkit.reorganise(labkit.fetch(data, folder))
    breeds = sorted(path.name for path in Path(sorted_into.train_sorted).iterdir())[
        :: 120 // BREEDS
    ]
    parts = [
        batches_of(each, breeds) for each in (sorted_into.train_sorted, sorted_into.val_sorted)
    ]
    for name, file in weights.items():
        base = build_base(name, file)
        for given, change in INPUTS.items():
            training, validation = (features(base, name, change, part) for part in parts)
            for seed in SEEDS:
                yield {
                    "network": name,
                    "input": given,
                    "seed": seed,
                    "validation_pictures": len(validation[0]),
                    "spread": f"{spread(validation[0]):.4f}",
                    "accuracy": f"{validation_accuracy(training, validation, seed):.4f}",
                }


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("data", "vgg16", "mobilenet", "out"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    weights = {"vgg16": options.vgg16, "mobilenet": options.mobilenet}
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measure(options.data, weights, folder))
    with replacing(Path(options.out)) as partial, open(partial, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
