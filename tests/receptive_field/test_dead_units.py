"""What sees nothing silences, by what ``analyse`` says against what changes."""

import keras
import numpy as np
import pytest
from changing_positions import check_every_unit
from keras import layers, ops
from test_constants import ONE, line, padded

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.reads import one_to_one

L = layers

# Keras warns of what is a constant, and where a mask ends.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*softmax over axis:UserWarning", "ignore:.*destroy the mask:UserWarning"
)

NOTHING = "by units that see nothing"


class Token(L.Layer):
    """Puts a token of its own before the others, and adds to each its place."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]))
        self.places = self.add_weight(shape=(1, shape[1] + 1, shape[-1]))

    def call(self, inputs):
        token = ops.repeat(self.token, ops.shape(inputs)[0], axis=0)
        return ops.concatenate([token, inputs], axis=1) + self.places


def attended(x, keys=None, values=None):
    """Write attention out, as a model of its own does."""
    keys, values = x if keys is None else keys, x if values is None else values
    scores = ops.matmul(L.Dense(3)(x), ops.swapaxes(L.Dense(3, use_bias=False)(keys), 1, 2))
    return ops.matmul(ops.softmax(scores / 50), values)


def both_ways(x):
    return L.Bidirectional(L.LSTM(2, return_sequences=True))(x)


def in_a_model(layer):
    """Put a layer into a model of its own."""
    start = keras.Input((8, 3))
    return keras.Model(start, layer(start))


def extending(base):
    """Make a class that extends one of Keras and computes what that does."""
    return type(f"My{base.__name__}", (base,), {})


#: Functions of a tensor of shape (batch, 8, 3) that are followed to the place.
FOLLOWED = {
    "queries that see nothing": lambda x: L.Attention()([padded(x), x[:, 2:6]]),
    "attention to itself, padded": lambda x: L.MultiHeadAttention(1, 2)(*[padded(x)] * 2),
    "the past of itself, padded": lambda x: L.MultiHeadAttention(1, 2)(
        *[padded(x)] * 2, use_causal_mask=True
    ),
    "some values that see nothing": lambda x: L.Attention()([x, padded(x[:, :2]), x[:, 2:7]]),
    "channels that silence each other": lambda x: (
        L.Concatenate()([L.ZeroPadding1D((2, 0))(x), L.ZeroPadding1D((0, 2))(x)])
        * L.Concatenate()([L.ZeroPadding1D((0, 2))(x), L.ZeroPadding1D((2, 0))(x)])
    ),
    "a gate of zeros": lambda x: x + padded(x)[:, 2:10] * padded(x)[:, :1],
    "zeros of its size": lambda x: ops.concatenate([ops.zeros_like(x[:, :2]), x[:, :6]], axis=1),
    "ones of its size": lambda x: x[:, ::2] * ops.ones_like(x[:, :4]) + ops.zeros_like(x[:, 4:]),
    "a token": lambda x: attended(Token()(x)),
    "a token beside others": lambda x: L.LayerNormalization()(x + attended(Token()(x))[:, 1:]),
    "two layers of a token": lambda x: attended(L.Dense(3)(attended(Token()(x)))),
    "padding with a bias": lambda x: attended(L.Dense(3)(padded(x))),
    "padding with a bias as a gate": lambda x: x * ops.sigmoid(L.Dense(3)(padded(x))[:, :8]),
    "two in line, of which one is padded": lambda x: (
        L.Concatenate()([x, padded(x)[:, :8]]) * L.Conv1D(6, 1)(x)
    ),
    "steps of a mask": lambda x: L.LSTM(2, return_sequences=True)(L.Masking()(x)),
    "steps of a mask from behind": lambda x: L.GRU(2, return_sequences=True, go_backwards=True)(
        L.Masking()(x)
    ),
    "steps of a mask both ways": lambda x: L.Bidirectional(
        L.GRU(2, return_sequences=True), merge_mode=None
    )(L.Masking()(x))[1],
    "the mean of what is not masked": lambda x: L.GlobalAveragePooling1D()(L.Masking()(x)),
    "padding scaled by channels": lambda x: L.UnitNormalization()(padded(x)),
    "padded steps of a mask": lambda x: L.GRU(2, return_sequences=True)(L.Masking()(padded(x))),
    "the mean of what is not masked nor padded": lambda x: L.GlobalAveragePooling1D()(
        L.Masking()(padded(x))
    ),
    "steps of a mask in a model": lambda x: in_a_model(L.LSTM(2, return_sequences=True))(
        L.Masking()(x)
    ),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_is_silenced_place_by_place(name):
    check_every_unit(line(FOLLOWED[name]), analyse)


REFUSED = {
    "zeros of its size": (lambda x: x * ops.flip(ops.zeros_like(x), 1), NOTHING),
    "channels that silence each other": (
        lambda x: (
            L.Concatenate()([L.ZeroPadding1D((2, 0))(x), L.ZeroPadding1D((0, 2))(x)])
            * L.ReLU()(L.Concatenate()([L.ZeroPadding1D((0, 2))(x), L.ZeroPadding1D((2, 0))(x)]))
        ),
        NOTHING,
    ),
    "a token of zeros": (
        lambda x: attended(ops.concatenate([np.zeros((1, 1, 3), "float32"), x], axis=1)),
        NOTHING,
    ),
    "ones that become zeros": (
        lambda x: x * (ops.concatenate([np.ones((1, 1, 3), "float32"), x], axis=1) - 1.0)[:, :8],
        NOTHING,
    ),
    "ones to which another constant is added": (
        lambda x: (
            x * (ops.concatenate([np.ones((1, 1, 3), "float32"), x], axis=1) + (-1.0))[:, :8]
        ),
        NOTHING,
    ),
    "values that are all a bias": (
        lambda x: attended(x, values=L.Dense(3)(L.ZeroPadding1D((8, 0))(x)[:, :8])),
        NOTHING,
    ),
    "queries": (lambda x: L.Attention()([padded(x), x[:, :3], x[:, 4:7]]), NOTHING),
    "values": (lambda x: L.Attention()([x, padded(x)[:, :2], x[:, :2]]), NOTHING),
    "keys": (lambda x: L.MultiHeadAttention(1, 2)(x, x[:, :2], padded(x)[:, :2]), NOTHING),
    "keys and values": (lambda x: L.MultiHeadAttention(1, 2)(x, padded(x)[:, :2]), NOTHING),
    "keys by name": (
        lambda x: L.MultiHeadAttention(1, 2)(query=x, value=x[:, :2], key=padded(x)[:, :2]),
        NOTHING,
    ),
    "the first values": (
        lambda x: L.Attention()([x, padded(x)[:, :8], x], use_causal_mask=True),
        NOTHING,
    ),
    "scores": (
        lambda x: L.Attention()([padded(x)] * 2, return_attention_scores=True)[1],
        NOTHING,
    ),
    "masked queries": (lambda x: L.Attention()([L.Masking()(padded(x))] * 2), NOTHING),
    "masked factors": (
        lambda x: L.Multiply()([L.LSTM(2, return_sequences=True)(L.Masking()(padded(x)))] * 2),
        NOTHING,
    ),
    "masked steps that see something": (
        lambda x: L.GRU(2, return_sequences=True)(
            L.GroupNormalization(1)(L.Masking()(padded(x)))
        ),
        NOTHING,
    ),
    "masked steps both ways": (
        lambda x: L.Bidirectional(L.GRU(2, return_sequences=True))(L.Masking()(padded(x))),
        NOTHING,
    ),
    "product of padded channels": (
        lambda x: ops.prod(ops.pad(x, [(0, 0), (0, 0), (0, 1)]), axis=-1),
        NOTHING,
    ),
    "running product": (lambda x: ops.cumprod(padded(x), axis=1), NOTHING),
    "product": (lambda x: ops.prod(padded(x), axis=1), NOTHING),
    "product of channels": (
        lambda x: ops.prod(ops.concatenate([padded(x), padded(padded(x))[:, :11]], -1), axis=-1),
        NOTHING,
    ),
    "products of features of both ways": (
        lambda x: ops.einsum("btc,btd->btcd", both_ways(x), both_ways(x)),
        "features that see different things",
    ),
    "products of padded channels": (
        lambda x: ops.matmul(
            ops.swapaxes(ops.pad(x, [(0, 0), (0, 0), (0, 1)]), 1, 2), L.Conv1D(4, 1)(x)
        )[:, 3:],
        NOTHING,
    ),
    "gated halves": (lambda x: ops.glu(L.ZeroPadding1D((2, 0))(x), axis=1), NOTHING),
    "scaled": (lambda x: L.UnitNormalization(axis=1)(padded(x)), NOTHING),
    "scaled at each step": (
        lambda x: L.TimeDistributed(L.UnitNormalization(axis=1))(
            ops.reshape(L.ZeroPadding1D(2)(x), (-1, 3, 4, 3))
        ),
        NOTHING,
    ),
    "both ways multiplied": (
        lambda x: L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode="mul")(padded(x)),
        NOTHING,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_unknown(name):
    function, why = REFUSED[name]
    assert why in analyse(line(function)).final.unknown


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: extending(L.MultiHeadAttention)(1, 2)(x, padded(x)[:, :2]), NOTHING),
        (lambda x: extending(L.UnitNormalization)(axis=1)(padded(x)), NOTHING),
        (lambda x: extending(L.Softmax)()(x[..., :1]), ONE),
        (lambda x: L.TimeDistributed(extending(L.Softmax)())(x[..., :1]), ONE),
        (lambda x: L.TimeDistributed(extending(L.UnitNormalization)(axis=1))(
            ops.reshape(L.ZeroPadding1D(2)(x), (-1, 3, 4, 3))), NOTHING),
        (lambda x: extending(L.Bidirectional)(L.LSTM(2, return_sequences=True))(x)[..., :2],
         "features that see different things"),
    ],
)  # fmt: skip
def test_what_extends_a_layer_of_keras_is_silenced_as_that_is(function, why):
    final = analyse(line(function)).final
    assert why in final.unknown


def test_a_product_of_a_class_of_its_own_is_silenced_by_zeros():
    check_every_unit(line(lambda x: extending(L.Multiply)()([padded(x)[:, :8], x])), analyse)


def test_a_weight_beside_a_border_of_zeros_is_not_taken_for_zeros():
    class Joined(Token):
        def call(self, inputs):
            return ops.concatenate([self.token, inputs], axis=1)

    start = keras.Input((8, 3), batch_size=1)
    joined = Joined()(padded(start))
    found = analyse(keras.Model(start, start * joined[:, :8]))
    assert NOTHING in found.final.unknown


def test_rows_without_keys_of_their_own_are_told_apart():
    """Along columns a row of padding meets itself alone, and values there are all the same."""
    start = keras.Input((4, 5, 2))
    moved = L.ZeroPadding2D(((1, 0), (0, 0)))(start)[:, :4]
    model = keras.Model(start, L.MultiHeadAttention(1, 2, attention_axes=(2,))(start, moved))
    assert NOTHING in analyse(model).final.unknown


def test_rules_of_users_and_what_is_ignored_stand():
    model = line(lambda x: L.Attention(name="look")([padded(x), x[:, :3], x[:, 4:7]]))
    assert analyse(model, ignore="attention").final.input_range(2) == ((0, 0),)
    model = line(lambda x: L.Multiply(name="gate")([padded(x), L.ReLU()(padded(x + 1))[:, :1]]))
    assert NOTHING in analyse(model).final.unknown
    assert analyse(model, rules={"gate": lambda layer, axis: one_to_one(axis)}).final.size


def test_features_of_both_ways_that_become_places_are_unknown():
    start = keras.Input((8, 5))
    both = L.Bidirectional(L.LSTM(2, return_sequences=True))(start)
    for made in (L.Add()([start[:, :, 1:], both]), both + start[:, :, 1:]):
        unknown = analyse(keras.Model(start, made), input_axes=(1, 2)).final.unknown
        assert "features that see different things" in unknown
