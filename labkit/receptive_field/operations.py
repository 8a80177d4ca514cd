"""What a layer costs: its multiply-adds for one picture.

Counted as the literature does: products with weights, and those of attention. Adding biases,
activations, normalisation, pooling and interpolation count nothing, and a product with a padded
zero counts as any other.
"""

from math import prod

import keras
from keras import layers

# Each registers its rules on import: what has one is known.
from labkit.receptive_field import operation_rules  # noqa: F401
from labkit.receptive_field.layer_rules import is_reversed
from labkit.receptive_field.rule_registry import known_rule

_COUNTS = {}
#: What multiplies in a way that is not counted here, so that its cost is unknown.
_UNCOUNTED = set(
    "Lambda STFTSpectrogram MelSpectrogram StackedRNNCells Cross Dot Inner Kron Outer Tensordot "
    "Vdot Corrcoef Correlate FFT FFT2 IFFT2 RFFT IRFFT STFT ISTFT CDist GaussianBlur SobelEdges "
    "SSIM AffineTransform PerspectiveTransform ElasticTransform ScaleAndTranslate Map Scan "
    "AssociativeScan Switch WhileLoop ForiLoop Cond VectorizedMap JVP".split()
)


def multiply_adds(call, read, made):
    """Count the multiply-adds of one call for one entry of the batch.

    Args:
        call: the :class:`~labkit.receptive_field.model_graph.Call`.
        read: shape of each tensor read, batch included, ``None`` where unknown.
        made: shape of the first tensor made.

    Returns:
        An int; ``None`` if a size is unknown, or what the layer does.

    Source:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR
        2016, which counts so in its table 1.

    Example:
        >>> from labkit.receptive_field.model_graph import read_graph
        >>> line = keras.Sequential([keras.Input((9, 4)), keras.layers.Conv1D(2, 3)])
        >>> multiply_adds(read_graph(line).calls[0], [(None, 9, 4)], (None, 7, 2))
        168
    """
    count = _count_for(call.operation)
    if count is None:
        return None
    if count is _nothing:
        return 0
    try:
        return count(call.operation, [tuple(shape) for shape in read], tuple(made), call)
    except TypeError:
        # A size that is unknown cannot be multiplied.
        return None


def _count_for(operation):
    """Return the function that counts, ``None`` if the cost is unknown."""
    for base in type(operation).__mro__:
        if base.__module__.startswith("keras.src."):
            return _COUNTS.get(base.__name__) or _nothing_for(base, operation)
        if "call" in vars(base):
            # A layer of one's own that does something else than the class it stands on.
            return None
    return None


def _nothing_for(base, operation):
    if base.__name__ in _UNCOUNTED or base in (keras.Layer, keras.Operation):
        return None
    return _nothing if known_rule(operation) else None


def _nothing(layer, read, made, call):
    return 0


def _counts(*names):
    """Register a function that counts for the classes of these names."""

    def register(count):
        _COUNTS.update(dict.fromkeys(names, count))
        return count

    return register


# Convolution


def _split(shape, data_format):
    """Return the places of a tensor, and its channels."""
    if (data_format or keras.config.image_data_format()) == "channels_first":
        return prod(shape[2:]), shape[1]
    return prod(shape[1:-1]), shape[-1]


@_counts("Conv1D", "Conv2D", "Conv3D")
def _convolution(layer, read, made, call):
    places, _ = _split(made, layer.data_format)
    _, channels = _split(read[0], layer.data_format)
    return places * prod(layer.kernel_size) * (channels // layer.groups) * layer.filters


@_counts("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise_convolution(layer, read, made, call):
    places, channels_made = _split(made, layer.data_format)
    return places * prod(layer.kernel_size) * channels_made


@_counts("SeparableConv1D", "SeparableConv2D")
def _separable_convolution(layer, read, made, call):
    places, _ = _split(made, layer.data_format)
    _, channels = _split(read[0], layer.data_format)
    between = channels * layer.depth_multiplier
    return places * between * (prod(layer.kernel_size) + layer.filters)


@_counts("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def _transposed_convolution(layer, read, made, call):
    places, channels = _split(read[0], layer.data_format)
    return places * prod(layer.kernel_size) * channels * layer.filters


@_counts("Conv", "DepthwiseConv")
def _convolution_operation(operation, read, made, call):
    places, _ = _split(made, operation.data_format)
    return places * prod(call.arguments[1].shape)


@_counts("SeparableConv")
def _separable_convolution_operation(operation, read, made, call):
    places, _ = _split(made, operation.data_format)
    return places * sum(prod(kernel.shape) for kernel in call.operands[1:])


@_counts("ConvTranspose")
def _transposed_convolution_operation(operation, read, made, call):
    places, _ = _split(read[0], operation.data_format)
    return places * prod(call.operands[1].shape)


# Dense layers and products


@_counts("Dense")
def _dense(layer, read, made, call):
    features = read[0][-1]
    if (getattr(layer.input_spec, "axes", None) or {}).get(-1, features) != features:
        # Built behind a picture of another size: there is no such product.
        return None
    return prod(made[1:]) * features


@_counts("ReversibleEmbedding")
def _embedding(layer, read, made, call):
    """Count the way back, which is a product with the table; the way there looks up."""
    return prod(made[1:]) * read[0][-1] if is_reversed(call) else 0


@_counts("EinsumDense")
def _einsum_dense(layer, read, made, call):
    operands, letters_made = layer.equation.replace(" ", "").split("->")
    sizes = _letters(operands.split(",")[0], read[0]) | _letters(letters_made, made)
    return prod(sizes.values())


def _letters(letters, shape):
    """Give each letter of an equation its size, and the first one, of the batch, 1."""
    sizes = _sizes(letters, shape)
    batch = next(iter(sizes))
    return sizes | {batch: 1}


def _sizes(letters, shape):
    """Give each letter its size; dots stand for dimensions, numbered here from the right."""
    before, dots, after = letters.partition("...")
    between = range(len(before) + len(after) - len(shape), 0) if dots else ()
    return dict(zip([*before, *between, *after], shape, strict=True))


@_counts("Matmul")
def _matmul(operation, read, made, call):
    first = call.arguments[0]
    return prod(made[1:]) * (first.shape[-1] or read[0][-1])


@_counts("Dot")
def _dot(layer, read, made, call):
    if not isinstance(layer, keras.layers.Layer):
        return None
    return prod(made[1:]) * read[0][layer.axes if isinstance(layer.axes, int) else layer.axes[0]]


@_counts("Einsum")
def _einsum(operation, read, made, call):
    operands, arrow, letters_made = operation.subscripts.replace(" ", "").partition("->")
    operands = operands.split(",")
    if len(operands) == 1:
        return 0
    if len(operands) > 2 or not arrow:
        # What several factors cost depends on their order.
        return None
    shapes, sizes, pictures = iter(read), {}, []
    for letters, operand in zip(operands, call.operands, strict=True):
        is_tensor = isinstance(operand, keras.KerasTensor)
        own = _sizes(letters, next(shapes) if is_tensor else operand.shape)
        pictures += list(own)[:is_tensor]
        sizes |= own
    own = _sizes(letters_made, made)
    if {*pictures} != {*list(own)[:1]}:
        # It sums over the batch, or puts it somewhere else.
        return None
    return prod((sizes | own | dict.fromkeys(pictures, 1)).values())


# Attention and recurrence


@_counts("MultiHeadAttention")
def _multi_head_attention(layer, read, made, call):
    query, value, key = call.attended(read)
    keys, values = layer.num_heads * layer.key_dim, layer.num_heads * layer.value_dim
    along = [dim % len(value) for dim in layer.attention_axes or range(1, len(value) - 1)]
    seen = prod(value[dim] for dim in along)
    gate = values if getattr(layer, "_use_gate", False) else 0
    projected = prod(query[1:]) * (keys + gate) + prod(key[1:]) * keys + prod(value[1:]) * values
    places = prod(query[1:-1])
    return projected + places * seen * (keys + values) + values * prod(made[1:])


@_counts("GroupedQueryAttention", "GroupQueryAttention")
def _grouped_query_attention(layer, read, made, call):
    query, value, key = call.attended(read)
    wide = layer.num_query_heads * layer.head_dim
    narrow = layer.num_key_value_heads * layer.head_dim
    asked = wide * (2 if getattr(layer, "use_gate", False) else 1)
    projected = prod(query[1:]) * asked + (prod(key[1:]) + prod(value[1:])) * narrow
    return projected + query[1] * value[1] * 2 * wide + query[1] * wide * made[-1]


@_counts("Attention", "AdditiveAttention")
def _attention(layer, read, made, call):
    query, value, _ = call.attended(read)
    return query[1] * value[1] * (query[2] + value[2])


@_counts("DotProductAttention")
def _attention_of_heads(operation, read, made, call):
    query, value, _ = call.attended(read)
    return 2 * prod(query[1:]) * value[1]


_GATES = {layers.SimpleRNNCell: 1, layers.GRUCell: 3, layers.LSTMCell: 4}


@_counts("RNN", "SimpleRNN", "LSTM", "GRU")
def _recurrence(layer, read, made, call):
    gates = _GATES.get(type(layer.cell))
    if gates is None or len(read[0]) > 3:
        return None
    _, steps, features = read[0]
    return steps * gates * layer.cell.units * (features + layer.cell.units)


@_counts("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def _convolutional_recurrence(layer, read, made, call):
    step = (made[0], *made[2:]) if layer.return_sequences else made
    places, _ = _split(step, layer.data_format)
    _, channels = _split((read[0][0], *read[0][2:]), layer.data_format)
    taps = prod(layer.kernel_size)
    return read[0][1] * places * 4 * layer.filters * taps * (channels + layer.filters)


# Layers around a layer


def _of(layer, read, made, call):
    count = _count_for(layer)
    return count and count(layer, read, made, call)


@_counts("Bidirectional")
def _both_ways(layer, read, made, call):
    return sum(_of(each, read, made, call) for each in (layer.forward_layer, layer.backward_layer))


@_counts("TimeDistributed")
def _time_distributed(layer, read, made, call):
    one_step = [(shape[0], *shape[2:]) for shape in (*read, made)]
    return read[0][1] * _of(layer.layer, one_step[:-1], one_step[-1], call)


@_counts("SpectralNormalization")
def _wrapped(layer, read, made, call):
    return _of(layer.layer, read, made, call)
