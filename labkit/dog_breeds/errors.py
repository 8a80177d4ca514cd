"""What a network gets wrong: how often, which breeds, which pictures, and what it looked at."""

from statistics import NormalDist

import numpy as np

from labkit.words import is_number, require, require_whole

#: Kaggle's bound: a probability of 0 would cost infinitely much.
_LEAST = 1e-15
#: As many squares cover a picture's shorter side, when their size is left open.
_SQUARES = 6


def wilson_interval(right, total, confidence=0.95):
    """Say between which bounds an accuracy lies that was measured on some pictures.

    If the same network were asked about other pictures of the kind, again and again, and each time
    such an interval computed, this share of the intervals would hold its true accuracy. Unlike
    the usual ± 1.96 standard errors, it stays within 0 and 1 and does not shrink to nothing for
    0 or all right.

    Args:
        right: number of pictures that were answered correctly, 0 to ``total``.
        total: number of pictures, 1 or more.
        confidence: the share, between 0 and 1.

    Returns:
        ``(low, high)``, floats between 0 and 1.

    Raises:
        ValueError: a number is none or out of its range.

    Source:
        E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
        1927, without correction for continuity.

    Example:
        >>> low, high = wilson_interval(60, 101)
        >>> f"{60 / 101:.2f}, {low:.2f} to {high:.2f}"
        '0.59, 0.50 to 0.68'
    """
    right, total = require_whole("right", right, 0), require_whole("total", total)
    require(right <= total, "right", right, f"at most total={total}")
    fits = is_number(confidence) and 0 < confidence < 1
    require(fits, "confidence", confidence, "a number between 0 and 1, for example 0.95")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = right / total, z**2 / total
    centre = (share + spread / 2) / (1 + spread)
    reach = np.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    # Rounding may lead past the ends, which the interval touches for none and for all right.
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def confusion_matrix(truth, predicted, classes):
    """Count which breed was taken for which.

    Args:
        truth: int ``(pictures,)``, the index of each picture's breed.
        predicted: int ``(pictures,)``, what the network answers.
        classes: number of breeds.

    Returns:
        int ``(classes, classes)``: a row for each true breed, a column for each answer. The
        diagonal is right.

    Raises:
        ValueError: the two differ in length, or an index is no breed's.

    Example:
        >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    classes = require_whole("classes", classes)
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    _require_rows(truth, predicted)
    matrix = np.zeros((classes, classes), int)
    for indices in (truth, predicted):
        _require_indices(indices, classes)
    np.add.at(matrix, (truth.astype(int), predicted.astype(int)), 1)
    return matrix


def most_confused(matrix, breeds, count=5):
    """List which breed is most often taken for which.

    Args:
        matrix: what :func:`confusion_matrix` returns.
        breeds: the breeds' names, in the order of their indices.
        count: how many to list at most.

    Returns:
        A list of ``(breed, taken_for, pictures)``, the commonest first.

    Example:
        >>> most_confused(np.array([[3, 1], [2, 5]]), ["boxer", "pug"])
        [('pug', 'boxer', 2), ('boxer', 'pug', 1)]
    """
    wrong = np.array(matrix)
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[: require_whole("count", count)]
    pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return [(breeds[i], breeds[j], int(wrong[i, j])) for i, j in pairs if wrong[i, j]]


def breed_accuracies(matrix, breeds):
    """Say how often each breed is recognised.

    Args:
        matrix: what :func:`confusion_matrix` returns.
        breeds: the breeds' names, in the order of their indices.

    Returns:
        A dict from a breed to the share of its pictures that were answered correctly, 0 to 1,
        the lowest first; breeds without a picture are left out.

    Example:
        >>> breed_accuracies(np.array([[3, 1], [5, 5]]), ["boxer", "pug"])
        {'pug': 0.5, 'boxer': 0.75}
    """
    totals, right = np.sum(matrix, axis=1), np.diagonal(matrix)
    shares = {
        breed: float(hits / total)
        for breed, hits, total in zip(breeds, right, totals, strict=True)
        if total
    }
    return dict(sorted(shares.items(), key=lambda share: share[1]))


def top_accuracy(probabilities, truth, k):
    """Measure how often the true breed is among the k likeliest.

    Args:
        probabilities: float ``(pictures, breeds)``.
        truth: int ``(pictures,)``, the index of each picture's breed.
        k: how many guesses count, a positive integer.

    Returns:
        A float between 0 and 1.

    Example:
        >>> top_accuracy(np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]), np.array([2, 1]), 2)
        0.5
    """
    truth = np.asarray(truth)
    _require_rows(truth, probabilities)
    likeliest = np.argsort(probabilities, axis=1)[:, -require_whole("k", k) :]
    return float((likeliest == truth[:, None]).any(axis=1).mean())


def log_losses(probabilities, truth):
    """Compute what each picture costs: minus the logarithm of its true breed's probability.

    Their mean is the cross-entropy that training lowers, and the log loss by which Kaggle's
    competition judges a :func:`labkit.submission`.

    Args:
        probabilities: float ``(pictures, breeds)``.
        truth: int ``(pictures,)``, the index of each picture's breed.

    Returns:
        float64 ``(pictures,)``, 0 or more; a probability of 0 counts as 1e-15, as at Kaggle.

    Raises:
        ValueError: the two differ in length, or an index is no breed's.

    Example:
        >>> log_losses(np.array([[1.0, 0.0], [0.5, 0.5]]), [0, 1]).round(2).tolist()
        [0.0, 0.69]
    """
    probabilities, truth = np.asarray(probabilities, np.float64), np.asarray(truth)
    _require_rows(truth, probabilities)
    _require_indices(truth, probabilities.shape[1])
    given = probabilities[np.arange(len(truth)), truth.astype(int)]
    # Adding 0 makes a plain zero of minus zero.
    return -np.log(np.clip(given, _LEAST, 1)) + 0.0


def highest_losses(probabilities, truth, count=6):
    """Find the pictures about which a network is most wrong.

    They are the hardest ones, and those that bear a wrong label.

    Args:
        probabilities: float ``(pictures, breeds)``.
        truth: int ``(pictures,)``, the index of each picture's breed.
        count: how many to find at most.

    Returns:
        int ``(count,)``, rows of ``truth``, the worst first.

    Example:
        >>> highest_losses(np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]), [0, 0, 0], 2).tolist()
        [1, 2]
    """
    losses = log_losses(probabilities, truth)
    return np.argsort(-losses, kind="stable")[: require_whole("count", count)]


def take_pictures(batches, rows):
    """Take single pictures out of batches.

    Args:
        batches: what ``flow_from_directory(..., shuffle=False)`` returns.
        rows: indices into ``batches.filenames``.

    Returns:
        float ``(rows, height, width, channels)``, as the network gets them.

    Raises:
        ValueError: the batches are shuffled, so that no row is a certain picture, or there is no
            such row.

    Example:
        >>> take_pictures(None, [0])
        Traceback (most recent call last):
        ...
        ValueError: Single pictures want batches in the files' order: give flow_from_directory ...
    """
    if getattr(batches, "shuffle", True):
        raise ValueError(
            "Single pictures want batches in the files' order: give flow_from_directory "
            "shuffle=False."
        )
    rows = np.asarray(rows)
    _require_indices(rows, batches.samples)
    places = [divmod(int(row), batches.batch_size) for row in rows]
    return np.stack([batches[batch][0][place] for batch, place in places])


def occlusion_map(model, picture, breed, size=None, stride=None):
    """Map what a network's answer rests on: what covering each place costs the breed.

    A square of the picture's mean colour is moved over it step by step, and each time the network
    is asked again. Where the breed loses most of its probability, there it was seen.

    Args:
        model: a trained network.
        picture: float ``(height, width, channels)``, as the network takes it.
        breed: index of the breed.
        size: the square's edge in pixels; ``None``: a sixth of the picture's shorter side.
        stride: pixels from one square to the next; ``None``: half its edge.

    Returns:
        float64 ``(height, width)``: the probability lost, averaged over all squares that cover a
        place; below 0 where covering helps the breed.

    Raises:
        ValueError: the picture is no such array, there is no such breed, or a size is no whole
            number or larger than the picture.

    Source:
        M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014,
        section 4.2.

    Example:
        >>> import keras
        >>> layers = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Softmax()]
        >>> picture = np.zeros((4, 4, 1))
        >>> picture[0, 0] = 9.0
        >>> lost = occlusion_map(keras.Sequential(layers), picture, 0, size=2, stride=2)
        >>> (lost > 0.5).astype(int).tolist()
        [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    """
    picture = np.asarray(picture, np.float32)
    if picture.ndim != 3:
        raise ValueError(
            f"A picture must have the shape (height, width, channels), and this one has "
            f"{picture.shape}; of a batch, give one at a time."
        )
    _require_indices(np.asarray([breed]), model.output_shape[-1])
    height, width = picture.shape[:2]
    size = max(1, min(height, width) // _SQUARES) if size is None else require_whole("size", size)
    require(size <= min(height, width), "size", size, f"at most {min(height, width)} pixels")
    stride = max(1, size // 2) if stride is None else require_whole("stride", stride)
    squares = [
        (slice(top, top + size), slice(left, left + size))
        for top in _places(height, size, stride)
        for left in _places(width, size, stride)
    ]
    covered = np.stack([picture, *(_cover(picture, square) for square in squares)])
    asked, *left = model.predict(covered, verbose=0)[:, breed].astype(float)
    lost, times = np.zeros((height, width)), np.zeros((height, width))
    for square, probability in zip(squares, left, strict=True):
        lost[square] += asked - probability
        times[square] += 1
    # Strides longer than the square leave gaps, about which nothing was asked.
    return np.divide(lost, times, out=np.full_like(lost, np.nan), where=times > 0)


def _places(length, size, stride):
    """Return where squares begin along one side; the last one ends with it."""
    return sorted({*range(0, length - size, stride), length - size})


def _cover(picture, square):
    covered = picture.copy()
    covered[square] = picture.mean(axis=(0, 1))
    return covered


def _require_rows(truth, others):
    if len(truth) != len(others):
        raise ValueError(
            f"There are {len(truth)} true breeds and {len(others)} answers; there must be as many "
            "of each, in the same order."
        )


def _require_indices(indices, number):
    if len(indices) and not (np.min(indices) >= 0 and np.max(indices) < number):
        raise ValueError(
            f"The indices go from {np.min(indices)} to {np.max(indices)}, and there are {number}: "
            f"give 0 to {number - 1}."
        )
