"""Layers made of layers: what ``analyse`` says against what really changes."""

import keras
import numpy as np
import pytest
from changing_positions import check_every_unit
from keras import layers, ops

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.model_graph import read_graph

L = layers


class ResidualBlock(L.Layer):
    """Sublayers made in ``build``, a loop, a skip connection, and a gate of its own."""

    def __init__(self, filters, kernel, dilation, **keywords):
        super().__init__(**keywords)
        self.filters, self.kernel, self.dilation = filters, kernel, dilation

    def build(self, shape):
        causal = {"padding": "causal", "dilation_rate": self.dilation, "activation": "relu"}
        self.convolutions = [
            L.Conv1D(self.filters, self.kernel, name=f"conv{i}", **causal) for i in range(2)
        ]
        self.drop = L.SpatialDropout1D(0.2)
        self.match = L.Conv1D(self.filters, 1, name="match")

    def call(self, x, training=None):
        skip = self.match(x)
        for convolution in self.convolutions:
            x = self.drop(convolution(x), training=training)
        if training:
            x = ops.softmax(x, axis=1)
        return ops.relu(skip + x), x


class TCN(L.Layer):
    """The layer of keras-tcn: blocks in a list, skip connections added up, the last step."""

    def __init__(self, dilations, last=False, **keywords):
        super().__init__(**keywords)
        self.last = last
        self.blocks = [ResidualBlock(2, 3, d, name=f"block{d}") for d in dilations]

    def call(self, x):
        skips = []
        for block in self.blocks:
            x, skip = block(x)
            skips.append(skip)
        x = L.add(skips)
        return x[:, -1, :] if self.last else x


class ConvNeXtBlock(L.Layer):
    def build(self, shape):
        self.depthwise = L.DepthwiseConv2D(5, padding="same")
        self.norm = L.LayerNormalization(epsilon=1e-6)
        self.widen, self.narrow = L.Dense(8), L.Dense(shape[-1])
        self.gamma = self.add_weight(shape=(shape[-1],))

    def call(self, x):
        y = self.narrow(ops.gelu(self.widen(self.norm(self.depthwise(x)))))
        return x + self.gamma * y * np.float32(0.5)


class ConvBlock(L.Conv2D):
    """A layer of Keras with another ``call``: the rule of Conv2D alone would be wrong."""

    def call(self, x):
        return L.MaxPooling2D(2)(super().call(x)) + ops.ones((3,))


class Encoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.body = keras.Sequential([L.Conv1D(2, 3, strides=2), L.Conv1D(2, 2)])

    def call(self, x):
        return self.body(x)


def one(layer, *shape):
    start = keras.Input(shape)
    return keras.Model(start, layer(start))


def check(model):
    return check_every_unit(model, analyse)


def test_a_temporal_convolutional_network():
    result = check(one(TCN((1, 2, 4), name="tcn"), 40, 2))
    assert result["tcn/block4/conv1"].size == 1 + 2 * 2 * (1 + 2 + 4)
    assert [layer.name for layer in result][-1] == "tcn/add"


def test_the_last_step_of_a_temporal_convolutional_network():
    check(one(TCN((1, 2), last=True), 20, 2))


def test_a_convnext_block_with_a_scale_of_its_own():
    check(one(ConvNeXtBlock(), 9, 8, 3))


def test_a_layer_of_keras_whose_call_is_another():
    assert check(one(ConvBlock(3, 3), 10, 9, 2)).final.size == 4


def test_a_subclass_of_model_inside_a_model():
    assert check(one(Encoder(), 17, 1)).final.size == 5


def test_a_function_in_a_lambda():
    check(one(L.Lambda(lambda x: x[:, 2:] + x[:, :-2]), 12, 1))


def test_a_block_that_is_called_twice():
    block, start = ResidualBlock(2, 2, 1, name="block"), keras.Input((12, 2))
    result = check(keras.Model(start, block(block(start)[0])[0]))
    assert result["block/conv1 #2"].size == 5


def test_the_same_names_every_time():
    model = one(TCN((1,)), 9, 2)
    assert str(analyse(model)) == str(analyse(model))


def test_the_layers_are_left_as_they_were():
    layer = ConvNeXtBlock()
    model = one(layer, 9, 8, 3)
    before = [len(inside._inbound_nodes) for inside in layer._flatten_layers()]
    analyse(model)
    assert [len(inside._inbound_nodes) for inside in layer._flatten_layers()] == before
    assert layer.output is model.outputs[0]


def test_variables_compute_as_before():
    variable = keras.Variable([1.0, 2.0])
    analyse(one(ConvNeXtBlock(), 9, 8, 3))
    assert ops.convert_to_numpy(variable * np.ones(2, "float32")).tolist() == [1, 2]
    assert not hasattr(keras.KerasTensor, "__array_ufunc__")


class ByValue(L.Layer):
    def call(self, x):
        return x * float(ops.max(x))

    def compute_output_shape(self, shape):
        return shape


class Failing(ByValue):
    def call(self, x):
        raise RuntimeError("out of\n  order")


@pytest.mark.parametrize(
    ("layer", "obstacle"),
    [
        (ByValue(), "uses more than layers and operations of Keras"),
        (Failing(), "cannot be followed at this size of input (out of order)"),
    ],
)
def test_what_cannot_be_followed_says_why(layer, obstacle):
    (call,) = read_graph(one(layer, 8, 1), lambda operation, name: None).calls
    assert call.obstacle == obstacle


def test_a_layer_is_followed_as_it_is_at_inference():
    start = keras.Input((12, 2))
    check(keras.Model(start, ResidualBlock(2, 2, 1)(start, training=True)[0]))


class Choosing(L.Layer):
    """Says by another input what is done to the picture, which its functions read by themselves."""

    def call(self, x, chosen):
        return x + ops.cond(ops.mean(chosen) > 0, lambda: ops.roll(x, 2, axis=1), lambda: x)


def test_what_functions_read_by_themselves_is_not_passed_over():
    start, chosen = keras.Input((8, 1), name="picture"), keras.Input((1,), name="chosen")
    result = analyse(keras.Model([start, chosen], Choosing()(start, chosen)), input_name="picture")
    assert "(Cond) has no rule" in result.final.unknown
    assert [layer.layer_type for layer in result] == ["Cond", "Add"]


class Windows(L.Layer):
    """Means over windows, cut by a size that the layer must know."""

    def call(self, x):
        _, height, width, channels = ops.shape(x)
        x = ops.reshape(x, (-1, height // 2, 2, width, channels))
        return ops.mean(x, axis=2)

    def compute_output_shape(self, input_shape):
        """Say what JAX cannot divide while the size is open."""
        batch, height, width, channels = input_shape
        return batch, height and height // 2, width, channels


def test_a_layer_that_must_know_an_open_size():
    start = keras.Input((None, None, 2))
    inner = keras.Sequential([keras.Input((None, None, 2)), L.Conv2D(2, 3), Windows()], name="in")
    model = keras.Model(start, L.Conv2D(2, 1)(inner(L.Conv2D(2, 3, name="first")(start)) + 1.0))
    with pytest.raises(ValueError, match="cannot be followed at this size"):
        analyse(model, strict=True)
    result = check_every_unit(model, analyse, input_size=(12, 9))
    assert result.final.size == (6, 5)
    assert result[0].name == "first"
    assert str(analyse(model, (12, 9))) == str(result)


def test_a_model_at_each_step_of_time():
    frame = keras.Input((9, 8, 1))
    features = L.MaxPooling2D(2)(L.Conv2D(2, 3, name="conv")(frame))
    encoder = keras.Model(frame, features + 1.0, name="encoder")
    model = keras.Sequential([keras.Input((3, 9, 8, 1)), L.TimeDistributed(encoder, name="frames")])
    result = check(model)
    assert result["frames/encoder/conv"].size == (1, 3, 3)
    assert result.final.size == (1, 4, 4)


def test_a_model_at_each_of_an_open_number_of_steps():
    start = keras.Input((None, 9, 1))
    frame = keras.Sequential([keras.Input((9, 1)), L.Conv1D(2, 3, strides=2)])
    result = analyse(keras.Model(start, L.TimeDistributed(frame, name="frames")(start)))
    assert result[f"frames/{frame.name}/{frame.layers[0].name}"].size == (1, 3)
    assert result.final.units == {1: None, 2: 4}
    assert result.final.axes[1].input_range(3) == (6, 8)


class SwinBlock(L.Layer):
    """Attention within windows that are moved into the batch, shifted by rolling."""

    def __init__(self, window, shift, attention=None, **keywords):
        super().__init__(**keywords)
        self.window, self.shift = window, shift
        self.norm, self.mlp = L.LayerNormalization(), L.Dense(4, activation="gelu")
        self.attention = attention or L.MultiHeadAttention(1, 4)

    def call(self, x):
        _, height, width, channels = x.shape
        skip, size = x, self.window
        x = ops.roll(self.norm(x), (-self.shift, -self.shift), axis=(1, 2))
        x = ops.reshape(x, (-1, height // size, size, width // size, size, channels))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, size * size, channels))
        x = self.attention(x, x)
        x = ops.reshape(x, (-1, height // size, width // size, size, size, channels))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height, width, channels))
        return self.mlp(skip + ops.roll(x, (self.shift, self.shift), axis=(1, 2)))


@pytest.mark.parametrize("shift", [0, 1])
def test_attention_in_windows(shift):
    check(one(SwinBlock(3, shift), 6, 9, 4))


def test_two_blocks_of_attention_in_shifted_windows():
    start = keras.Input((8, 8, 4))
    check(keras.Model(start, SwinBlock(4, 2)(SwinBlock(4, 0)(start))))


class StackedHeads(L.Layer):
    """Makes queries, keys and values at once, as the authors of Swin do."""

    def __init__(self):
        super().__init__(name="heads")
        self.project = L.Dense(12, name="project")

    def build(self, x_shape, y_shape):
        self.project.build(x_shape)

    def call(self, x, y):
        x = ops.reshape(self.project(x), (-1, x.shape[1], 3, 2, 2))
        queries, keys, values = ops.unstack(ops.transpose(x, (2, 0, 3, 1, 4)), axis=0)
        weights = ops.softmax(ops.matmul(queries, ops.swapaxes(keys, 2, 3)) / 50)
        x = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))
        return ops.reshape(x, (-1, x.shape[1], 4))


def test_windows_beside_heads_in_front_of_the_batch():
    result = check(one(SwinBlock(3, 1, StackedHeads(), name="block"), 6, 9, 4))
    moved = result["block/heads/transpose #1"]
    assert moved.units == {1: 6, 2: 2, 3: 9}
    assert moved.input_range((1, 0, 0)) == ((1, 1), (4, 4))
    assert result["block/heads/project"].operations == 6 * 9 * 4 * 12


class WindowsAndTheirMeans(L.Layer):
    """Adds a token made by a layer along all windows, as windows to which it is one."""

    def build(self, shape):
        self.reduce, self.mix = L.Conv2D(4, 2, 2), L.Conv1D(4, 3, padding="same")

    def call(self, x):
        windows = ops.reshape(x, (-1, 3, 2, 4, 2, 4))
        windows = ops.reshape(ops.transpose(windows, (0, 1, 3, 2, 4, 5)), (-1, 4, 4))
        tokens = self.mix(ops.reshape(self.reduce(x), (-1, 12, 4)))
        x = ops.reshape(windows + ops.reshape(tokens, (-1, 1, 4)), (-1, 3, 4, 2, 2, 4))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 6, 8, 4))


def test_windows_that_are_counted_in_two_ways():
    check(one(WindowsAndTheirMeans(), 6, 8, 4))


@pytest.mark.parametrize(
    ("moved", "why"),
    [
        (lambda x: ops.stack([x, ops.flip(x, 1)], axis=0)[0], "joins pictures along the batch"),
        (lambda x: ops.concatenate([x, ops.flip(x, 1)], axis=0), "joins pictures along the batch"),
        (lambda x: ops.reshape(ops.repeat(x, 3, axis=0), (-1, 3, 6, 4)), "reshapes a batch"),
    ],
    ids=["stack", "concatenate", "repeat"],
)
def test_pictures_that_are_moved_in_the_batch_are_not_guessed(moved, why):
    start = keras.Input((6, 4))
    result = analyse(keras.Model(start, moved(L.Conv1D(4, 3, padding="same", name="first")(start))))
    assert result["first"].size == 3
    assert why in result.final.unknown


class SelfAttention(L.Layer):
    """Written out with einsum, heads apart, over the positions of a picture."""

    def build(self, shape):
        self.queries, self.keys, self.values = (
            self.add_weight(shape=(shape[-1], 2, 3)) for _ in range(3)
        )

    def call(self, x):
        x = ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))
        q, k, v = (
            ops.einsum("btc,chd->bthd", x, w) for w in (self.queries, self.keys, self.values)
        )
        weights = ops.softmax(ops.einsum("bqhd,bkhd->bhqk", q, k) / 50)
        return ops.einsum("bhqk,bkhd->bqhd", weights, v)


def test_attention_written_out():
    check(one(SelfAttention(), 4, 3, 2))


class Causal(L.Layer):
    def call(self, x):
        scores = ops.matmul(x, ops.swapaxes(x, 1, 2))
        hidden = np.triu(np.full((8, 8), -1e9, "float32"), 1)
        return ops.matmul(ops.softmax(scores + hidden), x)


def test_a_mask_written_out_is_not_passed_over():
    result = analyse(one(Causal(name="causal"), 8, 2))
    assert "constant mask" in result.final.unknown


class PatchEmbedding(L.Layer):
    """Patches by a convolution, a token of their class before them, and a place for each."""

    def build(self, shape):
        self.patches = L.Conv2D(4, 4, 4)
        self.token = self.add_weight(shape=(1, 1, 4))
        self.places = L.Embedding(7, 4)

    def call(self, x):
        x = self.patches(x)
        x = ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))
        token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, 4))
        return ops.concatenate([token, x], axis=1) + self.places(ops.arange(7))


def test_a_token_before_the_patches_reads_nothing():
    final = check(one(PatchEmbedding(), 8, 12, 3)).final
    assert final.input_range(0) is None
    assert final.input_range(4) == ((4, 7), (0, 3))
