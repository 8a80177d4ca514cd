"""Ten examination items on training image classifiers, with keys by the lab's own rules.

Every function makes one item from a ``random.Random``; its numbers are small enough for pencil,
paper and a pocket calculator.
"""

from math import log

import numpy as np

from labkit.dog_breeds.errors import log_losses, wilson_interval
from labkit.dog_breeds.folders import validation_size
from labkit.questions.examination import Item, Mark, Value, pick

BREEDS = ("beagle", "collie", "poodle", "whippet")


def split_and_steps(random):
    """Ask for the split by breeds, and for the steps that an epoch takes."""
    sizes = [pick(random, range(31, 80)) for _ in BREEDS]
    batch = pick(random, (8, 16, 32))
    validating = sum(map(validation_size, sizes))
    training = sum(sizes) - validating
    return Item(
        "split and steps",
        2,
        f"A data set has these pictures: {_counted(sizes)}. Of each breed with n pictures ⌈n/5⌉ "
        "are kept for validation (⌈x⌉ is x rounded up), all others are for training.\n\n"
        "(a) How many pictures are there for training?\n\n"
        f"(b) Batches have {batch} pictures. How many training steps does an epoch have, if only "
        "full batches count?\n\n"
        "(c) How many batches does one validation take, if its last, smaller batch counts too?\n\n"
        "(d) Why is the split made breed by breed? One sentence.",
        (
            Value("(a) for training", training, "pictures"),
            Value("(b) steps", training // batch, "steps"),
            Value("(c) batches", -(-validating // batch), "batches"),
        ),
        (
            Mark(1, "(a) rounds up for each breed, not for the sum"),
            Mark(1, "(b) rounds down"),
            Mark(1, "(c) rounds up"),
            Mark(1, "(d) each breed has the same share on both sides; chance does not weigh them"),
        ),
        "(d) So that every breed has the same share in training and in validation; drawn from all "
        "pictures at random, some breeds would be examined on many pictures and others on few.",
    )


def guessing(random):
    """Ask for the accuracy and the log loss of a guess."""
    sizes = [10 * n for n in _different(random, range(3, 10), len(BREEDS))]
    classes = pick(random, (20, 50, 100, 120, 200))
    return Item(
        "guessing",
        1,
        f"A data set has these pictures: {_counted(sizes)}. A network always answers with the "
        "commonest breed.\n\n"
        "(a) What is its accuracy on these pictures?\n\n"
        "(b) Somebody names the two commonest breeds for each picture. For what share of the "
        "pictures is the right one among them?\n\n"
        f"(c) Another data set has {classes} breeds, each with equally many pictures. What is the "
        "accuracy of guessing there?",
        (
            Value("(a) accuracy", max(sizes) / sum(sizes), "", 0.005),
            Value("(b) share", sum(sorted(sizes)[-2:]) / sum(sizes), "", 0.005),
            Value("(c) accuracy", 1 / classes, "", 0.0005),
        ),
        (
            Mark(1, "(a) the largest class over all pictures"),
            Mark(1, "(b) the two largest classes over all pictures"),
            Mark(1, "(c) one over the number of breeds"),
        ),
    )


def matrices(random):
    """Ask which input position an output pixel is read from, and whether the order matters."""
    down, right = (10 * pick(random, (-3, -2, 2, 3)) for _ in range(2))
    tall, wide = _different(random, (0.5, 0.8, 1.2, 1.5), 2)
    y, x = (10 * pick(random, range(2, 9)) for _ in range(2))
    pixel = np.array([y, x, 1])
    shift = np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])
    zoom = np.diag([tall, wide, 1])
    places = [*(shift @ zoom @ pixel)[:2], *(zoom @ shift @ pixel)[:2]]
    written = f"(1 0 {down}; 0 1 {right}; 0 0 1)".replace("-", "−")
    names = ("(a) row", "(a) column", "(b) row", "(b) column")
    return Item(
        "augmentation as matrices",
        3,
        "A change of a picture is written as a matrix that takes the place (row, column, 1) of an "
        "output pixel to the place in the input that it is read from:\n\n"
        f"shift S = {written}, zoom Z = ({tall} 0 0; 0 {wide} 0; 0 0 1), "
        "rows separated by semicolons.\n\n"
        f"(a) From which row and column is the output pixel in row {y}, column {x} read, if the "
        "change is the product S · Z?\n\n"
        "(b) And if it is Z · S?\n\n"
        "(c) Which of the two, S or Z, changes the proportions of a dog? How does the matrix tell?",
        tuple(Value(name, round(place)) for name, place in zip(names, places, strict=True)),
        (
            Mark(1, "(a) the zoom acts on the pixel's place first"),
            Mark(1, "the numbers in (a)"),
            Mark(1, "the numbers in (b)"),
            Mark(1, "(c) Z, because its two factors differ"),
        ),
        "(c) Z: its diagonal holds two different factors, so lengths along the two axes change "
        "differently. S has ones there, and moves every place by the same amount.",
    )


def parameters_of_a_block(random):
    """Ask for the parameters of two convolutions and a pooling."""
    channels, kernel = pick(random, (1, 3)), pick(random, (3, 5))
    one, two = (pick(random, (4, 5, 6, 8, 10, 12, 16, 20)) for _ in range(2))
    first = (kernel**2 * channels + 1) * one
    second = (kernel**2 * one + 1) * two
    colours = "three colours" if channels == 3 else "one channel, grey"
    return Item(
        "the parameters of a block",
        4,
        f"A network begins with a convolution of {one} filters, one of {two} filters and a max "
        f"pooling of 2 × 2. Both convolutions have kernels of {kernel} × {kernel} and biases. The "
        f"pictures have {colours}.\n\n"
        "How many parameters do these have: (a) the first convolution, (b) the second, (c) the "
        "pooling?\n\n"
        "(d) The pictures become twice as high and twice as wide. By what factor does the number "
        "of parameters of the block grow?",
        (
            Value("(a) first", first, "parameters"),
            Value("(b) second", second, "parameters"),
            Value("(c) pooling", 0, "parameters"),
            Value("(d) factor", 1),
        ),
        (
            Mark(1, "(a) a weight for each place of the kernel and each channel"),
            Mark(1, "(a) and (b) one bias for each filter"),
            Mark(1, "(b) reads as many channels as the first has filters"),
            Mark(1, "(c) and (d): pooling learns nothing; kernels are shared by all places"),
        ),
    )


def sizes_of_maps(random):
    """Ask for the sizes of maps behind convolutions and poolings."""
    kernel, stride = pick(random, (3, 5, 7)), pick(random, (1, 2))
    height = pick(random, range(40, 101, 4))
    valid = (height - kernel) // stride + 1
    pooled = valid // 2
    same = -(-pooled // 2)
    return Item(
        "the sizes of maps",
        4,
        f"Pictures of {height} × {height} pixels pass three layers, one after the other:\n\n"
        f'(a) a convolution with a kernel of {kernel} × {kernel}, stride {stride}, padding "valid" '
        "(none);\n\n"
        '(b) a max pooling of 2 × 2 with stride 2, padding "valid";\n\n'
        '(c) a convolution with a kernel of 3 × 3, stride 2, padding "same".\n\n'
        "How many positions high are the maps behind each of them?",
        (
            Value("(a) height", valid, "positions"),
            Value("(b) height", pooled, "positions"),
            Value("(c) height", same, "positions"),
        ),
        (
            Mark(1, "(a) only whole kernels: (n − k)/s, rounded down, and one"),
            Mark(1, "(b) a rest that fills no window is left out"),
            Mark(1, '(c) with "same" n/s, rounded up, whatever the kernel'),
        ),
    )


def flattened_or_averaged(random):
    """Ask what global average pooling saves."""
    side, maps = pick(random, (4, 5, 6, 7, 8)), pick(random, (32, 64, 100, 128))
    units = pick(random, (10, 50, 100))
    return Item(
        "flattened or averaged",
        4,
        f"The last block of a network gives {maps} maps of {side} × {side} values. A dense layer "
        f"of {units} units, with biases, follows. How many parameters does it have,\n\n"
        "(a) if the maps are flattened into one row,\n\n"
        "(b) if global average pooling comes between?\n\n"
        "(c) What is lost by (b), and why does that not matter for telling breeds? One sentence.",
        (
            Value("(a) flattened", (side**2 * maps + 1) * units, "parameters"),
            Value("(b) averaged", (maps + 1) * units, "parameters"),
        ),
        (
            Mark(1, "(a) a weight for each place, map and unit"),
            Mark(1, "(b) a weight for each map and unit"),
            Mark(1, "the biases in both"),
            Mark(1, "(c) where a feature is; a dog is of the same breed wherever it stands"),
        ),
        "(c) Lost is where in the picture a feature was found; a dog is of the same breed wherever "
        "it stands.",
    )


def early_stopping(random):
    """Ask where early stopping ends a training, and with which weights."""
    patience = pick(random, (2, 3))
    best = pick(random, (4, 5, 6))
    losses = _turning(random, best, patience)
    rows = " | ".join(f"{loss:.2f}" for loss in losses)
    epochs = " | ".join(map(str, range(1, len(losses) + 1)))
    ruler = " | ".join(["--:"] * len(losses))
    return Item(
        "early stopping",
        6,
        "A network was trained, and had these losses on the validation pictures:\n\n"
        f"| epoch | {epochs} |\n| :-- | {ruler} |\n| validation loss | {rows} |\n\n"
        f"Suppose early stopping had watched this loss with a patience of {patience}: training "
        f"ends after the first epoch that is the {'second' if patience == 2 else 'third'} in a row "
        "without a new lowest loss, and the weights of the epoch with the lowest loss so far are "
        "restored.\n\n"
        "(a) After which epoch does training end?\n\n"
        "(b) The weights of which epoch are restored?\n\n"
        "(c) Why is the accuracy of these weights on the same validation pictures a little too "
        "good? One sentence.",
        (
            Value("(a) last epoch", best + patience),
            Value("(b) restored epoch", best),
        ),
        (
            Mark(1, "(a) counts from the lowest loss so far, not from any rise"),
            Mark(1, "(b) the epoch of the lowest loss before the end, not of the whole table"),
            Mark(1, "(c) the epoch was chosen by these very pictures; a test set was not"),
        ),
        "(c) The epoch was chosen by these pictures, so luck on them is part of what made it the "
        "best; pictures that were not used to choose would tell.",
    )


def frozen_parameters(random):
    """Ask which parameters train while a base is frozen."""
    base = 1000 * pick(random, range(20, 100))
    maps, units, classes = (pick(random, o) for o in ((32, 64, 96), (10, 20, 50), (5, 10, 12)))
    head = (maps + 1) * units + (units + 1) * classes
    return Item(
        "frozen and trained parameters",
        7,
        f"A pre-trained base without batch normalisation has {base:,} parameters and ends in "
        f"{maps} maps. Its new head is global average pooling, a dense layer of {units} units and "
        f"a dense layer of {classes} units, both with biases.\n\n"
        "(a) How many parameters train while the base is frozen?\n\n"
        "(b) How many train after the base was unfrozen and the model compiled?\n\n"
        "(c) And if it was unfrozen, but not compiled again before `fit`?\n\n"
        "(d) Why freeze at first? One sentence.",
        (
            Value("(a) frozen", head, "parameters"),
            Value("(b) unfrozen", base + head, "parameters"),
            Value("(c) not compiled", head, "parameters"),
        ),
        (
            Mark(1, "(a) the first dense layer reads one number for each map"),
            Mark(1, "(a) with biases, and nothing for the pooling"),
            Mark(1, "(b) adds the base"),
            Mark(1, "(c) as before: what trains is settled when the model is compiled"),
            Mark(1, "(d) large steps from a random head could destroy what the base has learnt"),
        ),
        "(d) While the head is random, its gradient says little about dogs and is large; at a high "
        "learning rate it would destroy what the base has learnt.",
    )


def sure_of_an_accuracy(random):
    """Ask for a Wilson interval, and for what follows from it."""
    total = pick(random, (50, 100, 200))
    right = round(total * pick(random, (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)))
    low, high = wilson_interval(right, total)
    inside = pick(random, (True, False))
    other = round(high - 0.02, 2) if inside else round(high + 0.06, 2)
    verdict = "It lies inside" if inside else "It lies outside"
    follows = "may be luck" if inside else "is hardly luck"
    return Item(
        "how sure an accuracy is",
        8,
        f"A network names {right} of {total} validation pictures correctly. With p for this share, "
        "n for the number of pictures and z = 1.96, Wilson's interval of 95 % goes from c − h to "
        "c + h, where\n\n"
        "c = (p + z²/2n) / (1 + z²/n), h = z √(p (1 − p)/n + z²/4n²) / (1 + z²/n).\n\n"
        "(a) What are its lower and (b) its upper bound?\n\n"
        f"(c) Somebody states that the true accuracy of this network is {other:.2f}. Does the "
        "measurement speak against it? One sentence.",
        (Value("(a) lower", low, "", 0.005), Value("(b) upper", high, "", 0.005)),
        (
            Mark(1, "p and n in their places"),
            Mark(1, "the number in (a)"),
            Mark(1, "the number in (b)"),
            Mark(1, f"(c) compares with the interval: the difference {follows}"),
        ),
        f"(c) {verdict} the interval: the difference {follows}.",
    )


def cross_entropy(random):
    """Ask for a log loss whose probabilities are powers of two."""
    powers = [pick(random, (1, 2, 3, 4, 5, 6)) for _ in range(3)]
    # Not as good as the network: which of two is better must have an answer.
    classes = 2 ** pick(random, [power for power in (3, 4, 5, 6) if 3 * power != sum(powers)])
    given = [2.0**-power for power in powers]
    rows = [[each, 1 - each] for each in given]
    loss = float(np.mean(log_losses(rows, [0, 0, 0])))
    written = ", ".join(f"1/{2**power}" for power in powers[:2])
    better = "Better" if loss < log(classes) else "Not better"
    return Item(
        "the loss of three answers",
        10,
        f"To the true breeds of three pictures a network gives the probabilities {written} and "
        f"1/{2 ** powers[2]}. The loss of a picture is minus the natural logarithm of the "
        "probability given to its true breed; ln 2 = 0.693.\n\n"
        "(a) What is the mean loss of the three?\n\n"
        f"(b) There are {classes} breeds. What is the loss of a network that gives all of them the "
        "same probability?\n\n"
        "(c) Is the network, on these pictures, better than that one?",
        (
            Value("(a) mean loss", loss, "", 0.01),
            Value("(b) even odds", log(classes), "", 0.01),
        ),
        (
            Mark(1, "(a) writes each loss as a multiple of ln 2"),
            Mark(1, "(a) the mean"),
            Mark(1, "(b) the logarithm of the number of breeds"),
            Mark(1, "(c) compares the two: the smaller loss is the better"),
        ),
        f"(c) {better}: {loss:.2f} against {log(classes):.2f}.",
    )


def _counted(sizes):
    """Write how many pictures there are of each breed."""
    parts = [f"{size} of the {breed}" for size, breed in zip(sizes, BREEDS, strict=True)]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


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


ITEMS = (
    guessing,
    split_and_steps,
    matrices,
    parameters_of_a_block,
    sizes_of_maps,
    flattened_or_averaged,
    early_stopping,
    frozen_parameters,
    sure_of_an_accuracy,
    cross_entropy,
)
