"""Each operation of ``keras.ops`` by itself: what ``analyse`` says against what changes."""

import keras
import numpy as np
import pytest
from changing_positions import changed_by_position, check_every_unit, extents
from keras import layers, ops
from packaging.version import Version

from labkit.receptive_field.analysis import analyse

L = layers
_rng = np.random.default_rng(0)
_NUMBERS = np.arange(1, 501, dtype="float32")


def attended(x, **options):
    """Let two heads attend, each with half of the features."""

    def heads(features):
        return ops.reshape(L.Dense(4)(features), (-1, features.shape[1], 2, 2))

    query, key = heads(x), heads(x[:, 3:])
    return ops.dot_product_attention(query, key, key, **options)


#: Functions of a tensor of shape (batch, 12, 3) behind a convolution of width 3.
ALONG_A_LINE = {
    "flip": lambda x: ops.flip(x, axis=1),
    "flip channels": lambda x: ops.flip(x, axis=-1),
    "roll": lambda x: ops.roll(x, 3, axis=1),
    "roll back": lambda x: ops.roll(x, -2, axis=1),
    "roll by most": lambda x: ops.roll(x, 9, axis=1),
    "take": lambda x: ops.take(x, [7, 1, 1, 4], axis=1),
    "take channels": lambda x: ops.take(x, [2, 0], axis=-1),
    "take one": lambda x: ops.take(x, 5, axis=1),
    "take the last": lambda x: ops.take(x, -1, axis=1),
    "tile": lambda x: ops.tile(x, (1, 3, 1)),
    "repeat": lambda x: ops.repeat(x, 3, axis=1),
    "repeat unevenly": lambda x: ops.repeat(x, np.array([1, 2] * 6), axis=1),
    "slice": lambda x: ops.slice(x, (0, 2, 0), (1, 7, 2)),
    "reflect": lambda x: ops.pad(x, ((0, 0), (3, 2), (0, 0)), mode="reflect"),
    "symmetric": lambda x: ops.pad(x, ((0, 0), (2, 4), (0, 0)), mode="symmetric"),
    "pad with ones": lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 0)), constant_values=1),
    "a new dimension": lambda x: x[:, None],
    "a new dimension behind": lambda x: x[..., None],
    "backwards": lambda x: x[:, ::-1],
    "every third backwards": lambda x: x[:, -2:1:-3],
    "a part": lambda x: x[:, 2:-3:2],
    "one position": lambda x: x[:, 4],
    "one channel": lambda x: x[..., 1],
    "depthwise convolution": lambda x: ops.depthwise_conv(x, np.ones((4, 3, 2), "float32"), 2),
    "separable convolution": lambda x: ops.separable_conv(
        x, np.ones((3, 3, 1), "float32"), np.ones((1, 3, 2), "float32")
    ),
    "swapaxes": lambda x: ops.swapaxes(x, 1, 2),
    "moveaxis": lambda x: ops.moveaxis(x, 1, -1),
    "expand and squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 2), 2),
    "broadcast": lambda x: ops.broadcast_to(x[:, None], (1, 4, 12, 3)),
    "broadcast a mean": lambda x: ops.broadcast_to(ops.mean(x, 1, keepdims=True), (1, 5, 3)),
    "stack": lambda x: ops.stack([x, x * 2], axis=2),
    "stack with a constant": lambda x: ops.stack([ops.ones((1, 12, 3)), x], axis=1)[:, 1],
    "one of a stack": lambda x: ops.stack([x[:, 1:], x[:, :-1]], axis=2)[:, :, 1],
    "join with a constant": lambda x: ops.concatenate([ops.ones((1, 3, 3)), x], axis=1),
    "stack in front": lambda x: ops.stack([x, x * 2], axis=1),
    "first of a split": lambda x: ops.split(x, 3, axis=1)[0],
    "last of a split": lambda x: ops.split(x, [2, 5], axis=1)[2],
    "sum of a split": lambda x: ops.add(*ops.split(x, 2, axis=1)),
    "unstack": lambda x: ops.unstack(x, axis=1)[3],
    "unstack channels": lambda x: ops.unstack(x, axis=-1)[1],
    "matmul": lambda x: ops.matmul(x, _rng.uniform(0.1, 1, (3, 5)).astype("float32")),
    "matmul along": lambda x: ops.matmul(_rng.uniform(0.1, 1, (7, 12)).astype("float32"), x),
    "matmul with itself": lambda x: ops.matmul(x, ops.swapaxes(x, 1, 2)),
    "matmul with a vector": lambda x: ops.matmul(x, np.ones(3, "float32")),
    "attention": lambda x: ops.matmul(ops.softmax(ops.einsum("bqc,bkc->bqk", x, x) / 50), x),
    "attention of heads": attended,
    "causal attention of heads": lambda x: attended(x, is_causal=True),
    "einsum with dots": lambda x: ops.einsum("...c,cd->...d", x, np.ones((3, 2), "float32")),
    "einsum along": lambda x: ops.einsum("btc,ts->bsc", x, np.ones((12, 4), "float32")),
    "tensordot": lambda x: ops.tensordot(x, np.ones((3, 2), "float32"), axes=1),
    "dot": lambda x: ops.dot(x, np.ones((3, 2), "float32")),
    "normalize": lambda x: ops.normalize(x, axis=-1),
    "normalize along": lambda x: ops.normalize(x, axis=1),
    "cumsum": lambda x: ops.cumsum(x, axis=1),
    "moments": lambda x: x - 0.5 * ops.moments(x, axes=1, keepdims=True)[0],
    "glu": lambda x: ops.glu(ops.concatenate([x, x], -1)),
    "glu along": lambda x: ops.glu(x, axis=1),
    "adaptive pooling": lambda x: ops.adaptive_average_pool(
        ops.swapaxes(x, 1, 2), (5,), data_format="channels_first"
    ),
    "beside a mean of all": lambda x: x - 0.5 * ops.mean(x),
    "filled with a mean of all": lambda x: ops.full_like(x, ops.mean(x)),
    "norm of each": lambda x: ops.norm(x, axis=-1),
    "second norm along": lambda x: ops.norm(x, ord=2, axis=1, keepdims=True),
    "norm of all": lambda x: ops.norm(x, axis=(1, 2)),
    "one of many": lambda x: ops.one_hot(ops.cast(20 * x[..., 0], "int32"), 500),
    "one of many in front": lambda x: ops.max(
        ops.one_hot(ops.cast(20 * x, "int32"), 500, axis=1) * _NUMBERS[:, None, None], axis=1
    ),
    "looked up": lambda x: ops.take(_rng.normal(size=(500, 2)), ops.cast(20 * x, "int32"), axis=0),
    "logsumexp": lambda x: ops.logsumexp(x, axis=1),
    "differences": lambda x: ops.diff(x, n=2, axis=1),
    "norm": lambda x: x / ops.norm(x, axis=-1, keepdims=True),
    "norm along": lambda x: ops.norm(x, axis=1),
    "largest along": lambda x: ops.top_k(ops.swapaxes(x, 1, 2), 3)[0],
    "largest channels": lambda x: ops.top_k(x, 2)[0],
    "zeros in front": lambda x: ops.concatenate([ops.zeros_like(x[:, :2]), x], axis=1),
    "spectrum of reals": lambda x: ops.fft2((x, ops.zeros_like(x)))[0],
    "einsum layer with dots": lambda x: L.EinsumDense("...tc,ts->...sc", (5, 3))(x),
    "dot layer": lambda x: L.Dot(axes=(2, 2))([x, x[:, ::2]]),
    "dot layer along": lambda x: L.Dot(axes=1)([x, x]),
}

#: Functions of a tensor of shape (batch, 8, 12, 4).
IN_A_PLANE = {
    "depth to space": lambda x: ops.depth_to_space(x, 2),
    "space to depth": lambda x: ops.space_to_depth(x, 2),
    "space to depth and back": lambda x: ops.depth_to_space(ops.space_to_depth(x, 2), 2),
    "roll both": lambda x: ops.roll(x, (-2, 3), axis=(1, 2)),
    "flip both": lambda x: ops.flip(x, axis=(1, 2)),
    "swap": lambda x: ops.swapaxes(x, 1, 2),
    "a quarter turn": lambda x: ops.rot90(x, axes=(1, 2)),
    "a quarter turn back": lambda x: ops.rot90(x, 3, axes=(1, 2)),
    "half a turn": lambda x: ops.rot90(x[:, :, :8], -2, axes=(1, 2)),
    "a turn the other way": lambda x: ops.rot90(x, 1, axes=(2, -3)),
    "no turn": lambda x: ops.rot90(x[:, :, 2:10], 4, axes=(1, 2)),
    "moveaxis": lambda x: ops.moveaxis(x, (1, 2), (2, 1)),
    "reflect": lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="reflect"),
    "patches": lambda x: ops.image.extract_patches(x, (3, 2), strides=(2, 2)),
    "one tap of patches": lambda x: ops.reshape(
        ops.image.extract_patches(x, (3, 2), strides=(2, 2), padding="same"), (-1, 4, 6, 6, 4)
    )[:, :, :, 4],
    "each tap of patches": lambda x: ops.reshape(
        ops.image.extract_patches(x, (2, 3), strides=1, dilation_rate=2), (-1, 6, 8, 6, 4)
    ),
    "crop": lambda x: ops.image.crop_images(x, 1, 2, target_height=5, target_width=6),
    "pad": lambda x: ops.image.pad_images(x, 1, 2, target_height=12, target_width=15),
    "grey": lambda x: ops.image.rgb_to_grayscale(x[..., :3]),
    "hue": lambda x: ops.image.rgb_to_hsv(
        ops.concatenate([x[:, 1:, :, :1], x[:, :-1, :, 1:3]], axis=-1) / 9
    ),
    "value of the hue": lambda x: ops.image.rgb_to_hsv(
        ops.concatenate([x[:, 1:, :, :1], x[:, :-1, :, 1:3]], axis=-1) / 9
    )[..., 1:2],
    "one row": lambda x: x[:, 3],
    "rows as channels": lambda x: ops.einsum("bhwc,hd->bdwc", x, np.ones((8, 2), "float32")),
    "focus": lambda x: ops.concatenate(
        [x[:, ::2, ::2], x[:, 1::2, ::2], x[:, ::2, 1::2], x[:, 1::2, 1::2]], axis=-1
    ),
}

#: What Keras lacks or cannot run itself before 3.15: Colab's has 3.13.
NEW = ("depth to space", "space to depth", "space to depth and back", "flip both", "patches")
NEW += ("one tap of patches", "each tap of patches", "matmul with a vector")


def skip_what_keras_lacks(name):
    if name in NEW and Version(keras.__version__) < Version("3.15"):
        pytest.skip(f"Keras {keras.__version__} cannot do this itself")


def behind_a_convolution(function, shape, convolution):
    start = keras.Input(shape)
    return keras.Model(start, function(convolution(start)))


@pytest.mark.parametrize("name", ALONG_A_LINE)
def test_along_a_line(name):
    skip_what_keras_lacks(name)
    # Where the batch is written out, it is one.
    names, ends = ("slice", "broadcast", "broadcast a mean"), ("constant", "of all")
    one = name in names or name.endswith(ends)
    convolution = L.Conv1D(3, 3, padding="same")
    check_every_unit(behind_a_convolution(ALONG_A_LINE[name], (12, 2), convolution), analyse, one)


@pytest.mark.parametrize("name", IN_A_PLANE)
def test_in_a_plane(name):
    skip_what_keras_lacks(name)
    convolution = L.Conv2D(4, (1, 3), padding="same")
    check_every_unit(behind_a_convolution(IN_A_PLANE[name], (8, 12, 2), convolution), analyse)


@pytest.mark.parametrize("options", [{"padding": "same"}, {"padding": "valid"}])
def test_a_transposed_convolution_reads_what_the_layer_reads(options):
    """Keras 3.15 mixes up the arguments when it runs the operation in a model."""
    start, options = keras.Input((12, 3)), {"strides": 3, **options}
    operation = ops.conv_transpose(start, ops.ones((4, 2, 3)), **options)
    layer = L.Conv1DTranspose(2, 4, **options)(start)
    made, expected = (analyse(keras.Model(start, end)).final for end in (operation, layer))
    assert made.output_size == expected.output_size
    units = range(made.output_size)
    assert [made.input_range(u) for u in units] == [expected.input_range(u) for u in units]


def test_a_picture_and_itself_transposed():
    start = keras.Input((5, 5, 2))
    check_every_unit(keras.Model(start, start + ops.swapaxes(start, 1, 2)), analyse)


def test_each_channel_of_a_depthwise_convolution_is_read_alone():
    """Seen where channels become places behind it."""
    start = keras.Input((7, 4))
    x = ops.depthwise_conv(start, np.ones((1, 4, 2), "float32"))
    model = keras.Model(start, layers.Conv1D(1, 1)(ops.swapaxes(x, 1, 2)))
    final = analyse(model, input_axes=(1, 2)).final
    changed = extents(changed_by_position(model, channels=False), 2, list(final.units))
    assert {unit: final.input_range(unit) for unit in changed} == changed


@pytest.mark.parametrize("convolve", [ops.conv, ops.conv_transpose, ops.depthwise_conv])
def test_channels_of_which_a_constant_kernel_moves_each_to_another_side(convolve):
    start, kernel = keras.Input((9, 2)), np.zeros((3, 2, 2), "float32")
    if convolve is ops.depthwise_conv:
        kernel = kernel[..., :1]
    kernel[0, 0] = kernel[1, 1, -1] = kernel[2, 1] = 1
    moved = convolve(start, kernel, 1, padding="same")
    assert analyse(keras.Model(start, moved)).final.input_range(4) == ((3, 5),)
    unknown = analyse(keras.Model(start, moved[..., :1])).final.unknown
    assert "other ones for other channels" in unknown


@pytest.mark.parametrize("data_format", [None, "channels_last"])
def test_adaptive_pooling_of_which_keras_misstates_the_shape_is_one_row_alone(data_format):
    start = keras.Input((8, 6, 4))
    pooled = ops.adaptive_max_pool(start, (3, 2), data_format=data_format)
    found = analyse(keras.Model(start, [pooled, L.Conv2D(1, 3, name="beside")(start)]))
    assert found["beside"].size == 3
    if pooled.shape[1:] != (3, 2, 4):
        assert "another shape than Keras states" in found.final.unknown


def test_a_kernel_that_depends_on_the_picture_is_not_guessed():
    start = keras.Input((9, 2), batch_size=1)
    made = ops.conv(start, ops.reshape(start[:, :4], (2, 2, 2)))
    assert "kernel that depends" in analyse(keras.Model(start, made)).final.unknown


@pytest.mark.parametrize("axis", [-1, 1])
def test_one_of_many_numbers(axis):
    def hot(x):
        return ops.one_hot(x, 5, axis=axis)

    start = keras.Input((9,), dtype="int32")
    made = L.Conv1D(2, 3)(hot(start) if axis == -1 else ops.swapaxes(hot(start), 1, 2))
    final = analyse(keras.Model(start, made)).final
    assert [final.input_range(unit) for unit in (0, 6)] == [((0, 2),), ((6, 8),)]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: ops.top_k(ops.mean(x, axis=2, keepdims=True), 1)[1], "single entry"),
        (lambda x: L.EinsumDense("...c,cd->...d", (9, 4))(x), "does not fit the dots"),
        (lambda x: attended(x, mask=np.eye(9, 6, dtype=bool)[None, None]), "mask"),
        (lambda x: attended(x, bias=np.zeros((1, 1, 9, 6), "float32")), "mask"),
        (
            lambda x: ops.dot_product_attention(x[:, :, None], x[:, :, None], x[:, :, None, :2]),
            "another width",
        ),
    ],
    ids=["place of one", "shape", "mask", "bias", "width"],
)
def test_what_hides_or_states_another_shape_is_not_guessed(function, why):
    start = keras.Input((9, 3))
    assert why in analyse(keras.Model(start, function(start))).final.unknown


def test_rolling_over_all_dimensions_at_once_is_not_guessed():
    start = keras.Input((4, 3))
    assert "give an axis" in analyse(keras.Model(start, ops.roll(start, 2))).final.unknown


@pytest.mark.parametrize(
    "product",
    [
        lambda x: ops.matmul(keras.layers.ZeroPadding2D(2)(x), ops.swapaxes(x, 2, 3)[:, :1]),
        lambda x: ops.einsum("bijc,bic->bijc", keras.layers.ZeroPadding2D((0, 2))(x), x[:, :, 0]),
        lambda x: keras.layers.AveragePooling2D(1)(keras.layers.ZeroPadding2D(2)(x)) * x[:, :1, :1],
        lambda x: ops.power(keras.layers.ZeroPadding2D(2)(x), x[:, :1, :1]),
        lambda x: ops.where(keras.layers.ZeroPadding2D(2)(x) > 0, x[:, :1, :1], 1.0),
    ],
    ids=["matmul", "einsum", "operator", "power", "where"],
)
def test_a_product_with_units_that_see_nothing_is_unknown(product):
    start = keras.Input((4, 6, 3))
    field = analyse(keras.Model(start, product(start))).final
    assert "by units that see nothing" in field.unknown


@pytest.mark.parametrize(
    "product",
    [
        lambda x: L.ZeroPadding2D(2)(x) * x[:, :1, :1],
        lambda x: L.Multiply()([L.ZeroPadding2D(2)(x), x[:, :1, :1]]),
        lambda x: L.ZeroPadding2D(((2, 0), (0, 1)))(x) * L.ZeroPadding2D(((1, 1), (1, 0)))(x),
        lambda x: (
            x[:, :, None] * ops.stack([ops.pad(x, _WIDTHS)[:, :, i:][:, :, :6] for i in (0, 2)], 2)
        ),
        lambda x: ops.sum(_taps(x) * ops.softmax(L.Conv2D(9, 3, padding="same")(x))[..., None], 3),
        lambda x: (_taps(x) * L.Dense(9)(x)[..., None])[:, :, :, 6],
    ],
    ids=["operator", "layer", "two borders", "stack", "involution", "one tap of it"],
)
def test_a_product_with_a_border_of_zeros_reads_nothing_there(product):
    start = keras.Input((4, 6, 3))
    check_every_unit(keras.Model(start, product(start)), analyse)


_WIDTHS = ((0, 0), (0, 0), (1, 1), (0, 0))


def _taps(x):
    """List the positions in reach of each, apart from its channels."""
    skip_what_keras_lacks("patches")
    patches = ops.image.extract_patches(x, 3, strides=1, padding="same")
    return ops.reshape(patches, (-1, 4, 6, 9, 3))


def test_a_product_of_a_padded_tensor_with_itself_reads_nothing_beyond_the_picture():
    start = keras.Input((4, 6, 3))
    padded = keras.layers.ZeroPadding2D(2)(start)
    axes = analyse(keras.Model(start, padded * ops.sigmoid(padded))).final.axes
    assert axes[0].input_range(0) is None and axes[0].input_range(2) == (0, 0)
