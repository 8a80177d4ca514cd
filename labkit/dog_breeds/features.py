"""What a frozen base says of pictures that never change, computed once instead of every epoch."""

import keras
import numpy as np
from tqdm import tqdm

from labkit.dog_breeds.batches.epochs import EpochBatches, epoch_order
from labkit.dog_breeds.networks import chain, head_layers
from labkit.words import require_whole


def split_at_head(network):
    """Split a network from :func:`labkit.pretrained` where the dense part of its head begins.

    Args:
        network: a network from :func:`labkit.pretrained`.

    Returns:
        ``(body, head)``, two Keras models that share the network's layers: pictures
        ``(batch, height, width, 3)`` to features ``(batch, channels)``, averaged over the
        places; and features to probabilities ``(batch, classes)``. Training the head trains
        the network.

    Raises:
        ValueError: the model has no head from :func:`labkit.pretrained`.

    Example:
        >>> from labkit import pretrained
        >>> body, head = split_at_head(pretrained("small_vgg", "drawn", 12, (64, 64, 3)))
        >>> body.output_shape, head.output_shape
        ((None, 96), (None, 12))
    """
    average, *dense = head_layers(network)
    features = keras.Input(average.output.shape[1:], name="features")
    body = keras.Model(network.inputs[0], average.output, name=f"{network.name}_body")
    return body, keras.Model(features, chain(dense, features), name=f"{network.name}_head")


def compute_features(body, batches, progress=True):
    """Compute the features of every picture.

    Args:
        body: what turns pictures into features; see :func:`split_at_head`.
        batches: what ``flow_from_directory`` returns, with ``shuffle=False`` and without
            augmentation.
        progress: show a bar.

    Returns:
        ``(features, targets)``, float32 arrays with a row for each picture, in the order of
        ``batches.filenames``.

    Raises:
        ValueError: the batches are shuffled or leave pictures out.

    Example:
        >>> compute_features(None, None)
        Traceback (most recent call last):
        ...
        ValueError: Features want batches in the files' order, with all pictures: ...
    """
    if getattr(batches, "shuffle", True) or batches.drop_remainder:
        raise ValueError(
            "Features want batches in the files' order, with all pictures: give "
            "flow_from_directory shuffle=False and leave drop_remainder out."
        )
    numbers = tqdm(range(len(batches)), "Features", disable=not progress, unit="batch")
    rows = [(body.predict_on_batch(x), y.copy()) for x, y in map(batches.__getitem__, numbers)]
    features, targets = zip(*rows, strict=True)
    return np.concatenate(features).astype(np.float32), np.concatenate(targets)


class FeatureBatches(EpochBatches):
    """Shuffle features into batches, anew for each epoch, in the order that pictures would have.

    Which epoch it is, the attribute ``epoch`` says: see
    :class:`labkit.dog_breeds.batches.epochs.EpochBatches`.

    Args:
        features: float32 ``(pictures, channels)``.
        targets: float32 ``(pictures, classes)``.
        batch_size: features in a batch, a positive integer.
        shuffle: False keeps the order, and the last, smaller batch.
        seed: what the order of every epoch follows from.

    Raises:
        ValueError: there are fewer pictures than fill one batch; the size or the seed is no whole
            number.

    Example:
        >>> batches = FeatureBatches(np.zeros((5, 3)), np.eye(5), batch_size=2, shuffle=False)
        >>> len(batches), batches[2][0].shape
        (3, (1, 3))
    """

    def __init__(self, features, targets, batch_size, shuffle=True, seed=0):
        super().__init__()
        batch_size, seed = require_whole("batch_size", batch_size), require_whole("seed", seed, 0)
        if shuffle and len(features) < batch_size:
            raise ValueError(
                f"{len(features)} pictures do not fill a batch of {batch_size}: give a smaller "
                "batch_size."
            )
        self.features, self.targets = features, targets
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed

    def __len__(self):
        whole, rest = divmod(len(self.features), self.batch_size)
        return whole if self.shuffle or not rest else whole + 1

    def batch(self, epoch, index):
        """Return ``(features, targets)`` of a batch, by the number of its epoch and its own."""
        chosen = slice(index * self.batch_size, (index + 1) * self.batch_size)
        if self.shuffle:
            chosen = epoch_order(self.seed, epoch, len(self.features))[chosen]
        return self.features[chosen], self.targets[chosen]
