"""The numbers of ten examination items on training image classifiers, by the lab's own rules.

Every function draws the numbers of one item, whose words stand under its name in
``examination.toml``, and returns what that item's gaps hold. They are small enough for pencil,
paper and a pocket calculator.
"""

from math import log

import numpy as np

from labkit.dog_breeds.errors import log_losses, wilson_interval
from labkit.dog_breeds.folders import validation_size
from labkit.questions.examination import pick
from labkit.words import listed

BREEDS = ("beagle", "collie", "poodle", "whippet")


def guessing(random):
    """Draw the sizes of four breeds, and a number of breeds of one size."""
    sizes = [10 * n for n in _different(random, range(3, 10), len(BREEDS))]
    classes = pick(random, (20, 50, 100, 120, 200))
    return {
        "pictures": _counted(sizes),
        "classes": classes,
        "chance": 1 / classes,
        "commonest": max(sizes) / sum(sizes),
        "two_commonest": sum(sorted(sizes)[-2:]) / sum(sizes),
    }


def split_and_steps(random):
    """Draw the sizes of four breeds, which are split one by one, and a batch size."""
    sizes = [pick(random, range(31, 80)) for _ in BREEDS]
    batch = pick(random, (8, 16, 32))
    validating = sum(map(validation_size, sizes))
    training = sum(sizes) - validating
    return {
        "pictures": _counted(sizes),
        "batch": batch,
        "training": training,
        "steps": training // batch,
        "batches": -(-validating // batch),
    }


def matrices(random):
    """Draw a shift and a zoom, and where their two products take a pixel."""
    down, right = (10 * pick(random, (-3, -2, 2, 3)) for _ in range(2))
    tall, wide = _different(random, (0.5, 0.8, 1.2, 1.5), 2)
    y, x = (10 * pick(random, range(2, 9)) for _ in range(2))
    pixel = np.array([y, x, 1])
    shift = np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])
    zoom = np.diag([tall, wide, 1])
    places = [*(shift @ zoom @ pixel)[:2], *(zoom @ shift @ pixel)[:2]]
    names = ("row", "column", "other_row", "other_column")
    written = f"(1 0 {down}; 0 1 {right}; 0 0 1)".replace("-", "−")
    drawn = {"shift": written, "tall": tall, "wide": wide, "y": y, "x": x}
    return drawn | dict(zip(names, map(round, places), strict=True))


def parameters_of_a_block(random):
    """Draw two convolutions before a pooling, which has no parameters."""
    channels, kernel = pick(random, (1, 3)), pick(random, (3, 5))
    one, two = (pick(random, (4, 5, 6, 8, 10, 12, 16, 20)) for _ in range(2))
    drawn = {"one": one, "two": two, "kernel": kernel}
    return drawn | {
        "colours": "three colours" if channels == 3 else "one channel, grey",
        "first": (kernel**2 * channels + 1) * one,
        "second": (kernel**2 * one + 1) * two,
        "pooling": 0,
        "factor": 1,
    }


def sizes_of_maps(random):
    """Draw the height of pictures, and a convolution that begins three layers."""
    kernel, stride = pick(random, (3, 5, 7)), pick(random, (1, 2))
    height = pick(random, range(40, 101, 4))
    valid = (height - kernel) // stride + 1
    pooled = valid // 2
    drawn = {"kernel": kernel, "stride": stride, "height": height}
    return drawn | {"valid": valid, "pooled": pooled, "same": -(-pooled // 2)}


def flattened_or_averaged(random):
    """Draw the maps at a network's end, and a dense layer behind them."""
    side, maps = pick(random, (4, 5, 6, 7, 8)), pick(random, (32, 64, 100, 128))
    units = pick(random, (10, 50, 100))
    drawn = {"side": side, "maps": maps, "units": units}
    return drawn | {
        "flattened": (side**2 * maps + 1) * units,
        "averaged": (maps + 1) * units,
    }


def early_stopping(random):
    """Draw losses, and the patience of who watches them."""
    patience = pick(random, (2, 3))
    best = pick(random, (4, 5, 6))
    losses = _turning(random, best, patience)
    epochs = " | ".join(map(str, range(1, len(losses) + 1)))
    ruler = " | ".join(["--:"] * len(losses))
    row = " | ".join(f"{loss:.2f}" for loss in losses)
    return {
        "table": f"| epoch | {epochs} |\n| :-- | {ruler} |\n| validation loss | {row} |",
        "patience": patience,
        "ordinal": "second" if patience == 2 else "third",
        "best": best,
        "last": best + patience,
    }


def frozen_parameters(random):
    """Draw a base, and a head that trains before it does."""
    base = 1000 * pick(random, range(20, 100))
    maps, units, classes = (pick(random, o) for o in ((32, 64, 96), (10, 20, 50), (5, 10, 12)))
    head = (maps + 1) * units + (units + 1) * classes
    drawn = {"base": base, "maps": maps, "units": units, "classes": classes}
    return drawn | {"head": head, "all": base + head}


def sure_of_an_accuracy(random):
    """Draw how many pictures are right, and an accuracy in their Wilson interval or outside."""
    total = pick(random, (50, 100, 200))
    right = round(total * pick(random, (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)))
    low, high = wilson_interval(right, total)
    inside = pick(random, (True, False))
    drawn = {"right": right, "total": total, "low": low, "high": high}
    return drawn | {
        "other": round(high - 0.02, 2) if inside else round(high + 0.06, 2),
        "verdict": "It lies inside" if inside else "It lies outside",
        "follows": "may be luck" if inside else "is hardly luck",
    }


def cross_entropy(random):
    """Draw three probabilities, powers of two, and a number of breeds to guess among."""
    powers = [pick(random, (1, 2, 3, 4, 5, 6)) for _ in range(3)]
    # Not as good as the network: which of two is better must have an answer.
    classes = 2 ** pick(random, [power for power in (3, 4, 5, 6) if 3 * power != sum(powers)])
    given = [2.0**-power for power in powers]
    rows = [[each, 1 - each] for each in given]
    loss = float(np.mean(log_losses(rows, [0, 0, 0])))
    return {
        "classes": classes,
        "loss": loss,
        "even_odds": log(classes),
        "shares": listed([f"1/{2**power}" for power in powers]),
        "better": "Better" if loss < log(classes) else "Not better",
    }


def _counted(sizes):
    """Write how many pictures there are of each breed."""
    return listed([f"{size} of the {breed}" for size, breed in zip(sizes, BREEDS, strict=True)])


def _different(random, options, number):
    """Pick several options, no two of them the same."""
    left, picked = list(options), []
    for _ in range(number):
        picked.append(left.pop(int(random.random() * len(left))))
    return picked


def _turning(random, best, patience):
    """Make losses that are lowest at an epoch, rise once before, and fall again too late."""
    hundredths = [240]
    for epoch in range(2, best + 1):
        # The rise in epoch 3 ends nothing yet: the next loss is lower than all before.
        step = 3 if epoch == 3 else -20 - pick(random, range(10))
        hundredths.append(hundredths[-1] + step)
    lowest = hundredths[-1]
    hundredths += [lowest + pick(random, range(2, 12)) for _ in range(patience)]
    hundredths += [lowest + 1, lowest - 3]
    return [number / 100 for number in hundredths]
