"""Which dimension of its input a layer takes for channels."""

from functools import lru_cache

import keras

#: Layers that take the last dimension for features, whatever their data format.
_LAST = {
    *("Dense", "LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "Attention"),
    *("AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention", "GroupQueryAttention"),
}
#: Beginnings of the names of layers and operations that have channels where their
#: ``data_format`` says. Others have one too, and do the same to each dimension.
_FORMATTED = (
    *("Conv", "DepthwiseConv", "SeparableConv", "MaxPool", "AveragePool", "Adaptive"),
    *("GlobalAverage", "GlobalMax", "ZeroPadding", "Cropping", "UpSampling"),
    *("Resizing", "CenterCrop", "Resize", "SpatialDropout", "ExtractPatches"),
)
#: Layers that make features of each entry, so that every dimension is one of places.
_OF_ENTRIES = {"Embedding", "OneHot"}
_OTHERS = {
    "ReversibleEmbedding": "entries of a sequence",
    "BatchNormalization": "axis",
    "ConvLSTM": "format of a step",
    "TimeDistributed": "each step",
    "SpectralNormalization": "wrapped",
}


def channel_dim(operation, rank):
    """Tell which dimension an operation takes for channels.

    Args:
        operation: a Keras layer or operation.
        rank: number of dimensions of its input, batch included.

    Returns:
        A dimension, batch = 0; 0 if none of the others is; ``None`` if the operation does not
        tell.

    Example:
        >>> import keras
        >>> channel_dim(keras.layers.Conv2D(1, 3, data_format="channels_first"), rank=4)
        1
    """
    match _habit(type(operation)):
        case "entries":
            return 0
        case "entries of a sequence" if rank == 2:
            # Of what has more dimensions, the last one may be features on the way back.
            return 0
        case "last":
            return rank - 1
        case "format" if rank > 2:
            chosen = getattr(operation, "data_format", None) or keras.config.image_data_format()
            return 1 if chosen == "channels_first" else rank - 1
        case "format of a step":
            first = operation.data_format == "channels_first"
            return rank - 1 - (len(operation.kernel_size) if first else 0)
        case "axis" if isinstance(operation.axis, int):
            return operation.axis % rank
        case "each step":
            inner = channel_dim(operation.layer, rank - 1)
            return inner and inner + 1
        case "wrapped":
            return channel_dim(operation.layer, rank)
    return None


@lru_cache(maxsize=1024)
def _habit(kind):
    """Tell how a class of layers finds its channels, ``None`` if it has no say."""
    # Layers of somebody else's may have such a name, and mean something else by it.
    names = [base.__name__ for base in kind.__mro__ if base.__module__.split(".")[0] == "keras"]
    for name, habit in _OTHERS.items():
        if name in names:
            return habit
    if not _OF_ENTRIES.isdisjoint(names):
        return "entries"
    if not _LAST.isdisjoint(names):
        return "last"
    if any(name.startswith(_FORMATTED) for name in names):
        return "format"
    return None
