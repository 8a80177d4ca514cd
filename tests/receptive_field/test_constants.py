"""What constants silence and hide, by what ``analyse`` says against what changes."""

import keras
import numpy as np
import pytest
from changing_positions import check_every_unit
from keras import layers, ops

from labkit.receptive_field.analysis import analyse

L = layers

# Keras warns of what is a constant, and where a mask ends.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*softmax over axis:UserWarning", "ignore:.*destroy the mask:UserWarning"
)


def padded(x):
    return L.ZeroPadding1D((2, 1))(x)


def line(function):
    """Build a model on 8 positions of 3 channels."""
    start = keras.Input((8, 3))
    return keras.Model(start, function(start))


class MaskedKernel(L.Layer):
    """Convolves with a kernel that is a weight times a constant."""

    def __init__(self, mask, convolve=ops.conv, **options):
        super().__init__()
        self.mask, self.convolve = np.array(mask, "float32"), convolve
        self.options = {"padding": "same", **options}

    def build(self, shape):
        self.kernel = self.add_weight(shape=(len(self.mask), shape[-1], 3))

    def call(self, inputs):
        kernel = self.kernel * self.mask[:, None, None]
        return self.convolve(inputs, kernel, **self.options)


class MaskedCall(L.Conv1D):
    """Is a convolution of Keras but for its kernel."""

    def call(self, inputs):
        return ops.conv(inputs, self.kernel * np.float32([1, 1, 0])[:, None, None], padding="same")


class MaskedProperty(L.Conv1D):
    """Hides a part of the kernel where Keras reads it."""

    @property
    def kernel(self):
        return self._kernel * np.float32([1, 1, 0])[:, None, None]


class MaskedOnce(L.Layer):
    """Writes the mask into the kernel, as the example of PixelCNN in Keras' documentation does."""

    def __init__(self):
        super().__init__()
        self.convolution = L.Conv1D(2, 3, padding="same")

    def build(self, shape):
        self.convolution.build(shape)

    def call(self, inputs):
        kernel = self.convolution.kernel
        kernel.assign(kernel * np.float32([1, 1, 0])[:, None, None])
        return self.convolution(inputs)


class LearnedQueries(L.Layer):
    """Asks five questions of its own, as the Perceiver does."""

    def __init__(self):
        super().__init__()
        self.attention = L.MultiHeadAttention(1, 2)

    def build(self, shape):
        self.queries = self.add_weight(shape=(1, 5, shape[-1]))
        self.attention.build((1, 5, shape[-1]), shape)

    def call(self, inputs):
        return self.attention(self.queries, inputs)


class Spread(L.Layer):
    """Spreads by a constant kernel, inside of a layer as Keras runs it there alone."""

    def __init__(self, kernel, **options):
        super().__init__()
        self.kernel, self.options = np.float32(kernel), options

    def call(self, inputs):
        return ops.conv_transpose(inputs, self.kernel, **self.options)


def two_sights(x):
    """Put what sees one position beside what sees five of them."""
    return L.Concatenate()([x, L.Conv1D(3, 5, padding="same")(x)])


#: Of a query the keys beside it, and for the last one alone itself.
BAND = np.tri(8, k=1, dtype=bool) & ~np.tri(8, k=-2, dtype=bool) & (np.arange(8) < 7)[:, None]
BAND[7, 7] = True


WINDOW = np.float32([0, 0, 1, 2, 3, 2, 1, 0])[:, None]
EVERY_OTHER = np.float32([0, 1] * 4)[:, None]

#: Functions of a tensor of shape (batch, 8, 3) that are followed to the place.
FOLLOWED = {
    "a window": lambda x: x * WINDOW,
    "a window in front": lambda x: ops.multiply(WINDOW, x),
    "a layer's window": lambda x: L.Multiply()([x, ops.tile(WINDOW[None], (1, 1, 3))]),
    "a window behind a convolution": lambda x: L.Conv1D(2, 3)(L.Conv1D(2, 2)(x) * WINDOW[1:]),
    "zeros within": lambda x: L.Conv1D(2, 2)(x * EVERY_OTHER),
    "some channels": lambda x: L.Conv1D(2, 2)(x * np.float32([1, 0, 0])),
    "a tap of zeros": lambda x: MaskedKernel([1, 1, 0])(x),
    "taps of zeros": lambda x: MaskedKernel([0, 1, 0, 0, 1])(x),
    "a tap of zeros, spread": lambda x: MaskedKernel(
        [0, 1, 1], ops.conv_transpose, strides=3, padding="valid"
    )(x),
    "a depthwise tap of zeros": lambda x: ops.depthwise_conv(
        x, np.float32([0, 1, 1])[:, None, None] * np.ones((3, 3, 1), "float32"), padding="same"
    ),
    "another call": lambda x: MaskedCall(2, 3, padding="same")(x),
    "another kernel": lambda x: MaskedProperty(2, 3, padding="same")(x),
    "one key": lambda x: L.Attention()([x, x[:, 2:3], x[:, 4:5]]),
    "one key of several heads": lambda x: L.MultiHeadAttention(2, 2)(x, x[:, 2:3]),
    "one key by name": lambda x: L.MultiHeadAttention(2, 2)(
        query=x, key=x[:, 2:3], value=x[:, 4:5]
    ),
    "one key of grouped queries": lambda x: L.GroupQueryAttention(2, 2, 1)(x, x[:, 2:3]),
    "one key beside the query": lambda x: x + L.AdditiveAttention()([x, x[:, 2:3]]),
    "keys of the past": lambda x: L.MultiHeadAttention(1, 2)(
        x, x, ops.flip(x, 1), use_causal_mask=True
    ),
    "values of the past": lambda x: L.MultiHeadAttention(1, 2)(
        x, ops.flip(x, 1), x, use_causal_mask=True
    ),
    "learned queries": lambda x: LearnedQueries()(x),
    "constant queries": lambda x: L.Attention()([np.ones((1, 5, 3), "float32"), x]),
    "one value repeated by a constant": lambda x: (
        ops.mean(x, 1, keepdims=True) * np.arange(1, 9, dtype="float32")[:, None]
    ),
    "groups of one entry": lambda x: L.GroupNormalization(-1)(x[:, 3:4]) + x,
    "the past by a mask": lambda x: L.MultiHeadAttention(1, 2)(
        x, x, attention_mask=np.tri(8)[None] > 0
    ),
    "a window of keys": lambda x: L.MultiHeadAttention(2, 2)(
        x, ops.flip(x, 1), L.Conv1D(3, 1)(x), attention_mask=BAND[None]
    ),
    "other keys than values by a mask": lambda x: L.GroupQueryAttention(2, 2, 1)(
        x[:, 2:5], x, ops.flip(x, 1), attention_mask=BAND[:3]
    ),
    "keys that no query is left": lambda x: L.MultiHeadAttention(1, 2)(
        x, x[:, 1:], attention_mask=np.float32([[0, 1, 1, 0, 0, 0, 0]] * 8)
    ),
    "scores of keys": lambda x: L.MultiHeadAttention(2, 2)(
        x[:, 1:5], x[:, 4:], x[:, 2:6], return_attention_scores=True
    )[1],
    "scores beside values": lambda x: L.Attention()(
        [x[:, 1:3], x[:, 4:], x[:, 2:6]], return_attention_scores=True
    )[1],
    "einsum": lambda x: ops.einsum("btc,t->btc", x, WINDOW[:, 0]),
    "a sum over a window": lambda x: ops.einsum("btc,t->bc", x, WINDOW[:, 0]),
    "sums over windows": lambda x: ops.einsum("btc,ts->bsc", x, np.tri(8, 5, -2, "float32")),
    "means of the past": lambda x: ops.matmul(np.tri(8, dtype="float32"), x),
    "some of the channels": lambda x: ops.matmul(
        two_sights(x), np.float32([[1, 0], [1, 1], [1, 0], [0, 0], [0, 0], [0, 0]])
    ),
    "a kernel for some of the channels": lambda x: ops.conv(
        x, np.float32([[[1], [0], [1]], [[0], [0], [1]], [[0], [0], [0]]])
    ),
    "a kernel for each channel": lambda x: ops.depthwise_conv(
        x, np.float32([[1, 0, 0], [1, 0, 1]])[..., None]
    ),
    "a spread kernel for some of the channels": lambda x: Spread([[[1, 0, 1]] * 2] * 2)(x),
    "powers of one": lambda x: ops.power(np.float32([2, 1, 1]), x)[..., 1:],
    "a pattern": lambda x: x * np.eye(8, 3, dtype="float32"),
    "a pattern that others stand beside": lambda x: ops.flip(x, 1) + x * np.eye(8, 3, 1),
    "a channel of a pattern": lambda x: (L.Conv1D(3, 2)(x) * np.tri(7, 3, -1, "float32"))[..., 1:2],
    "chosen by a constant": lambda x: ops.where(SOME[:, None], x, 0.0),
    "left by a constant": lambda x: ops.where(SOME[:, None], 1.0, x),
    "chosen from two": lambda x: ops.where(SOME[:, None], ops.flip(x, 1), L.Conv1D(3, 1)(x)),
    "chosen from what is padded": lambda x: ops.where(
        np.eye(8, 3) > 0, padded(x)[:, :8], padded(x)[:, 3:]
    ),
    "channels chosen by a constant": lambda x: ops.where(SOME[3:6], ops.mean(x, 1), 1)[..., 1:],
    "activation of a step": lambda x: L.TimeDistributed(
        L.Conv1D(2, 1, activation=lambda y: ops.softmax(y, axis=1))
    )(ops.reshape(x, (-1, 2, 4, 3))),
    "activation of a wrapped layer": lambda x: L.SpectralNormalization(
        L.Conv1D(2, 1, activation=lambda y: ops.softmax(y, axis=1))
    )(x),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_is_silenced_place_by_place(name):
    # The learned queries are those of one picture.
    check_every_unit(line(FOLLOWED[name]), analyse, one_by_one=name == "learned queries")


def test_far_from_a_window_nothing_changes_and_no_stride_holds_between_zeros():
    behind = analyse(line(lambda x: L.Conv1D(2, 2)(x * WINDOW))).final
    assert (behind.size, behind.effective_stride) == (2, 1)
    between = analyse(line(lambda x: L.Conv1D(2, 2)(x * EVERY_OTHER))).final
    assert (between.size, between.effective_stride) == (1, None)


def test_a_kernel_of_two_axes():
    start = keras.Input((6, 6, 1))
    sobel = np.float32([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[..., None, None]
    final = analyse(keras.Model(start, ops.conv(start, sobel))).final
    assert final.input_range((0, 0)) == ((0, 2), (0, 2))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    "kernel",
    [
        [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
        [[1, 1, 1], [1, 0, 0], [0, 0, 0]],
        [[1, 0, 0], [0, 0, 0], [0, 1, 1]],
    ],
)
def test_a_kernel_of_zeros_not_in_whole_rows_and_columns(kernel, padding):
    start = keras.Input((6, 7, 1))
    kernel = np.float32(kernel)[..., None, None]
    made = ops.conv(start, kernel, padding=padding)
    check_every_unit(keras.Model(start, made), analyse)
    spread = Spread(kernel, strides=(1, 2), padding=padding)(start)
    check_every_unit(keras.Model(start, spread), analyse)
    again = L.Conv2D(2, (1, 3), strides=(2, 1))(ops.depthwise_conv(made, kernel, padding=padding))
    check_every_unit(keras.Model(start, again), analyse)


def test_a_kernel_of_many_patterns_is_unknown():
    start = keras.Input((12, 12, 1))
    kernel = np.tri(9, dtype="float32")[..., None, None]
    final = analyse(keras.Model(start, ops.conv(start, kernel))).final
    assert "too many patterns" in final.unknown


HIDDEN = "constant mask"
SILENCED = "silenced by a constant"
SUMS = "sums with a constant"
ONE = "single entry"
TO_HIDE = np.float32([0, 0, 0, 0, 0, 0, -1e9, -1e9])
SOME = np.array([True] * 5 + [False] * 3)

REFUSED = {
    "all zero": (lambda x: x * 0.0, SILENCED),
    "all zero, of channels": (lambda x: ops.mean(x, 1) * 0.0, SILENCED),
    "a power of zero": (lambda x: x**0, SILENCED),
    "a power of a base of zero": (lambda x: ops.power(np.float32([0, 1, 2]), x), "sign alone"),
    "a pattern of many parts": (
        lambda x: L.Conv1D(9, 1)(padded(x)) * np.tri(11, 9, dtype="float32"),
        SILENCED,
    ),
    "a number of zeros": (lambda x: ops.mean(x, 1, keepdims=True) * WINDOW, SILENCED),
    "hidden from a softmax": (lambda x: ops.softmax(x + TO_HIDE[:, None], axis=1), HIDDEN),
    "hidden by a layer": (
        lambda x: L.Softmax(1)(L.Add()([x, ops.tile(TO_HIDE[None, :, None], (1, 1, 3))])),
        HIDDEN,
    ),
    "hidden keys": (lambda x: L.Attention()([x, x], mask=[None, SOME[None]]), HIDDEN),
    "constant queries of some features": (
        lambda x: L.Attention()([np.float32([[[0, 0, 0, 1, 1, 1]] * 2]), two_sights(x)]),
        "with zeros",
    ),
    "keys hidden from all": (
        lambda x: L.MultiHeadAttention(1, 2)(x, x, attention_mask=np.zeros((1, 8, 8))),
        HIDDEN,
    ),
    "keys with others between": (
        lambda x: L.MultiHeadAttention(1, 2)(x, x, attention_mask=EVERY_OTHER.T * np.ones((8, 1))),
        SUMS,
    ),
    "keys hidden from padded queries": (
        lambda x: L.MultiHeadAttention(1, 2)(padded(x), x, attention_mask=np.tri(11, 8)),
        "by units that see nothing",
    ),
    "hidden and causal": (
        lambda x: L.MultiHeadAttention(1, 2)(
            x, x, attention_mask=np.tri(8), use_causal_mask=True
        ),
        HIDDEN,
    ),
    "hidden features, but one": (
        lambda x: L.Softmax()(ops.mean(x, axis=1), mask=np.array([[True, False, False]])),
        HIDDEN,
    ),
    "a place of one entry": (
        lambda x: ops.top_k(ops.mean(x, axis=(1, 2))[:, None], 1)[1],
        ONE,
    ),
    "hidden steps": (lambda x: L.LSTM(2)(x, mask=SOME[None]), HIDDEN),
    "sums with gaps": (lambda x: ops.einsum("btc,t->bc", x, EVERY_OTHER[:, 0]), SUMS),
    "sums of a diagonal": (
        lambda x: ops.einsum("btc,tc->bt", x, np.eye(8, 3, dtype="float32")),
        SUMS,
    ),
    "a kernel for channels that see different things": (
        lambda x: ops.conv(two_sights(x), np.float32([[[1]] * 3 + [[0]] * 3] * 2)),
        "other channels",
    ),
    "a spread kernel for channels that see different things": (
        lambda x: Spread([[[1] * 3 + [0] * 3] * 2] * 2)(two_sights(x)),
        "other channels",
    ),
    "a channel behind a kernel of diagonals": (
        lambda x: ops.conv(x, np.float32([np.eye(3), np.zeros((3, 3))]))[..., 1:2],
        "other channels",
    ),
    "a channel behind a depthwise kernel": (
        lambda x: ops.depthwise_conv(x, np.float32([[[1], [0], [0]]] * 2))[..., 1:2],
        "other channels",
    ),
    "a separable kernel": (
        lambda x: ops.separable_conv(
            two_sights(x), np.ones((2, 6, 1), "float32"), np.eye(6, dtype="float32")[None]
        ),
        "kernels with zeros",
    ),
    "einsum that makes": (lambda x: ops.einsum("btc,s->bts", x, WINDOW[:, 0]), SUMS),
    "matmul": (lambda x: ops.matmul(x, np.zeros((3, 2), "float32")), SUMS),
    "zeros as a kernel for what has no place": (
        lambda x: ops.conv(ops.mean(x, axis=1)[:, None], np.zeros((1, 3, 1), "float32")),
        "zeros alone",
    ),
    "zeros as a kernel": (lambda x: ops.conv(x, np.zeros((3, 3, 1), "float32")), "kernel"),
    "written into weights": (lambda x: MaskedOnce()(x), "writes into its weights"),
    "softmax": (lambda x: L.Softmax()(x[..., :1]), ONE),
    "groups of one entry without a place": (
        lambda x: L.GroupNormalization(-1)(ops.mean(x, axis=1)),
        ONE,
    ),
    "hidden channels": (
        lambda x: ops.softmax(two_sights(x) + np.float32([0, 0, 0, -1e9, -1e9, -1e9])),
        HIDDEN,
    ),
    "softmax of one class": (lambda x: L.Dense(1, activation="softmax")(L.Flatten()(x)), ONE),
    "softmax of one class a step": (
        lambda x: L.TimeDistributed(L.Dense(1, activation="softmax"))(x),
        ONE,
    ),
    "own softmax": (lambda x: L.Activation(lambda y: ops.softmax(y, axis=1))(x[:, :1]), ONE),
    "normalised": (lambda x: L.LayerNormalization(axis=1)(x[:, :1]), ONE),
    "normalised at each step": (
        lambda x: L.TimeDistributed(L.LayerNormalization())(x[..., :1]),
        ONE,
    ),
    "variance": (lambda x: ops.var(x[:, :1], axis=1), ONE),
    "second moment": (lambda x: ops.moments(x[:, :1], 1)[1], ONE),
    "the largest": (lambda x: ops.argmax(x[..., :1], axis=-1), ONE),
    "scores of one key": (
        lambda x: L.Attention()([x, x[:, :1]], return_attention_scores=True)[1],
        "two keys or more",
    ),
    "scores of one key that has no place": (
        lambda x: L.Attention()([ops.mean(x, 1)[:, None]] * 2, return_attention_scores=True)[1],
        "two keys or more",
    ),
    "scores of the past that has no place": (
        lambda x: L.Attention()(
            [L.RepeatVector(3)(ops.mean(x, 1))] * 2,
            return_attention_scores=True,
            use_causal_mask=True,
        )[1],
        "without a causal mask",
    ),
    "products of channels by a kernel": (
        lambda x: ops.matmul(
            ops.swapaxes(ops.conv(x, np.float32([[[0, 1]] * 3])), 1, 2), L.Conv1D(4, 1)(x)
        ),
        "other channels",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_unknown(name):
    function, why = REFUSED[name]
    assert why in analyse(line(function)).final.unknown


def test_a_ramp_hides_nothing():
    ramp = np.arange(0, 800, 100 / 8, dtype="float32")[:8, None]
    assert analyse(line(lambda x: x + ramp)).final.size == 1


def test_following_a_call_leaves_weights_as_they_are():
    model = line(lambda x: MaskedOnce()(x))
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    analyse(model)
    assert all((weight == 1).all() for weight in model.get_weights())
    # Outside of analyse it writes as before.
    model(np.ones((1, 8, 3)))
    assert not model.get_weights()[0].all()


def test_features_that_are_places_stay_apart_where_one_value_is_taken_as_it_is():
    start = keras.Input((8, 2))
    swapped = ops.swapaxes(start, 1, 2)
    apart = L.Attention()([swapped, swapped[:, :1], swapped[:, 1:]])
    fourth = ops.swapaxes(apart, 1, 2)[:, 3:4, :1]
    found = analyse(keras.Model(start, fourth), input_axes=(1,)).final
    assert found.input_range(0) == ((3, 3),)
    past = L.Attention()([swapped, swapped], use_causal_mask=True)
    unknown = analyse(keras.Model(start, past), input_axes=(1,)).final.unknown
    assert "feature by feature" in unknown


def test_places_and_channels_in_one_dimension():
    start = keras.Input((15, 2))
    flat = L.Reshape((6,))(L.EinsumDense("nab,az->nzb", (3, 2))(start))
    masked = keras.Model(start, flat * np.float32([0, 1, 0, 2, 2, 1]))
    final = analyse(masked, input_axes=(1,)).final
    assert [final.input_range((unit,)) is None for unit in range(6)] == [True, False] * 2 + [
        False
    ] * 2
