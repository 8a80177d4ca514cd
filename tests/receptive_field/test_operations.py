"""Multiply-adds against published counts, and against sums of ones."""

from math import prod

import keras
import numpy as np
import pytest
from keras import layers, ops

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.model_graph import read_graph
from labkit.receptive_field.operations import multiply_adds


def counted(model):
    """Count every call of a model of known sizes."""
    return {
        call.name: multiply_adds(call, call.input_shapes, call.output_shapes[0])
        for call in read_graph(model).calls
    }


def only(*chain, shape=(9, 11, 4)):
    model = keras.Sequential([keras.Input(shape), *chain])
    return list(counted(model).values())[-1]


@pytest.mark.parametrize(
    ("name", "published"),
    [
        # Simonyan and Zisserman 2015 as counted in He et al. 2016, section 3.3 and table 1.
        ("VGG16", 15.5e9),
        ("ResNet50", 3.8e9),
        # Howard et al. 2017, table 4; Huang et al. 2017, figure 3.
        ("MobileNet", 569e6),
        ("DenseNet121", 2.87e9),
    ],
)
def test_published_counts(name, published, undrawn_weights):
    model = getattr(keras.applications, name)(weights=None)
    assert sum(counted(model).values()) == pytest.approx(published, rel=0.03)


#: Layers whose every product is one term of a sum: with ones for weights and input, and no
#: border, the sum of all outputs is the number of products.
LINEAR = {
    "conv": lambda: layers.Conv2D(5, 3, use_bias=False),
    "strided": lambda: layers.Conv2D(5, (3, 2), strides=2, use_bias=False),
    "dilated": lambda: layers.Conv2D(5, 3, dilation_rate=2, use_bias=False),
    "grouped": lambda: layers.Conv2D(6, 3, groups=2, use_bias=False),
    "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
    "transposed": lambda: layers.Conv2DTranspose(5, 3, strides=2, use_bias=False),
    "dense": lambda: layers.Dense(7, use_bias=False),
    "einsum": lambda: layers.EinsumDense("...d,de->...e", 7),
    "einsum of two": lambda: layers.EinsumDense("abcd,cde->abe", (9, 7)),
    "einsum with dots": lambda: layers.EinsumDense("...d,de->...e", 7),
    "over time": lambda: layers.TimeDistributed(layers.Conv1D(5, 3, use_bias=False)),
    "dense over time": lambda: layers.TimeDistributed(layers.Dense(5, use_bias=False)),
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_sum_of_ones(name):
    shape = (9, 11, 4)
    model = keras.Sequential([keras.Input(shape), LINEAR[name]()])
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    products = float(ops.sum(model(np.ones((1, *shape)))))
    assert list(counted(model).values()) == [products]


#: Shapes of kernels, and operations that are given them.
KERNELS = {
    "convolution": ((3, 2, 4, 5), lambda x, k: ops.conv(x, k)),
    "depthwise": ((3, 2, 4, 2), lambda x, k: ops.depthwise_conv(x, k)),
    "transposed": ((3, 2, 5, 4), lambda x, k: ops.conv_transpose(x, k, strides=2)),
    "einsum": ((4, 7), lambda x, k: ops.einsum("bhwc,cd->bhwd", x, k)),
    "einsum with dots": ((4, 7), lambda x, k: ops.einsum("cd,...c->...d", k, x)),
    "einsum along": ((9, 6), lambda x, k: ops.einsum("bhwc,hk->bkwc", x, k)),
}


@pytest.mark.parametrize("name", KERNELS)
def test_operations_with_a_kernel_by_the_sum_of_ones(name):
    shape, function = KERNELS[name]
    start, kernel = keras.Input((9, 11, 4)), np.ones(shape, "float32")
    made = function(start, kernel)
    products = float(ops.sum(function(np.ones((1, 9, 11, 4), "float32"), kernel)))
    assert list(counted(keras.Model(start, made)).values())[-1] == products


def test_a_product_of_einsum_over_pairs_of_places():
    start = keras.Input((5, 7, 4))
    scores = ops.einsum("bhwc,bhvc->bhwv", start, start)
    assert list(counted(keras.Model(start, scores)).values()) == [5 * 7 * 7 * 4]
    moved = ops.einsum("bhwc->bwhc", start)
    assert list(counted(keras.Model(start, moved)).values()) == [0]
    three = ops.einsum("bhwc,cd,de->bhwe", start, np.ones((4, 4)), np.ones((4, 4)))
    assert list(counted(keras.Model(start, three)).values()) == [None]


@pytest.mark.parametrize(("axes", "shapes"), [(2, [(5, 4), (7, 4)]), ((1, 2), [(4, 5), (7, 4)])])
def test_a_layer_that_multiplies_two_tensors(axes, shapes):
    first, second = map(keras.Input, shapes)
    model = keras.Model([first, second], layers.Dot(axes)([first, second]))
    assert list(counted(model).values()) == [5 * 7 * 4]


@pytest.mark.parametrize("batch", [None, 1, 2])
def test_behind_what_is_unknown_costs_are_those_of_one_picture(batch):
    start = keras.Input((6, 4), batch_size=batch)
    model = keras.Model(start, layers.Dense(5)(ops.top_k(start, 2)[0]))
    assert [layer.operations for layer in analyse(model)][-1] == 6 * 2 * 5


def test_windows_in_the_batch_belong_to_one_picture():
    start = keras.Input((6, 8, 4))
    windows = ops.reshape(start, (-1, 3, 2, 4, 2, 4))
    windows = ops.reshape(ops.transpose(windows, (0, 1, 3, 2, 4, 5)), (-1, 4, 4))
    mixed = layers.MultiHeadAttention(2, 3, name="mix")(windows, windows)
    model = keras.Model(start, layers.Dense(5, name="dense")(mixed))
    one = keras.Input((4, 4))
    alone = keras.Model(one, layers.MultiHeadAttention(2, 3, name="mix")(one, one))
    found = analyse(model)
    assert found["dense"].operations == 6 * 8 * 4 * 5
    assert found["mix"].operations == 12 * counted(alone)["mix"]


def test_channels_first():
    built = layers.Conv2D(5, 3, data_format="channels_first")
    assert only(built, shape=(4, 9, 11)) == only(layers.Conv2D(5, 3))


def test_a_separable_convolution_is_its_two_parts():
    parts = [layers.DepthwiseConv2D(3, 2, depth_multiplier=2), layers.Conv2D(5, 1)]
    model = keras.Sequential([keras.Input((9, 11, 4)), *parts])
    whole = only(layers.SeparableConv2D(5, 3, 2, depth_multiplier=2))
    assert whole == sum(counted(model).values())
    start, kernels = keras.Input((9, 11, 4)), (np.ones((3, 3, 4, 2)), np.ones((1, 1, 8, 5)))
    operation = keras.Model(start, ops.separable_conv(start, *kernels, strides=2))
    assert list(counted(operation).values()) == [whole]


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "Bidirectional", "RNN"])
def test_recurrence_uses_each_kernel_once_a_step(kind):
    build = {
        "Bidirectional": lambda units: layers.Bidirectional(layers.LSTM(units)),
        "RNN": lambda units: layers.RNN(layers.GRUCell(units)),
    }.get(kind, getattr(layers, kind))
    model = keras.Sequential([keras.Input((12, 4)), build(5)])
    kernels = [weight for weight in model.weights if "kernel" in weight.path]
    assert list(counted(model).values()) == [12 * sum(prod(w.shape) for w in kernels)]


def test_convolutional_recurrence():
    model = keras.Sequential([keras.Input((6, 20, 3)), layers.ConvLSTM1D(5, 4)])
    kernels = sum(prod(w.shape) for w in model.weights if "kernel" in w.path)
    assert list(counted(model).values()) == [6 * 17 * kernels]


def test_attention():
    query, value = keras.Input((7, 6)), keras.Input((9, 6))
    tensor = layers.MultiHeadAttention(2, 4, value_dim=3, output_shape=5, name="crossed")(
        query, value
    )
    projections = 7 * 6 * 8 + 9 * 6 * 8 + 9 * 6 * 6 + 7 * 6 * 5
    found = counted(keras.Model([query, value], tensor))
    assert found["crossed"] == projections + 7 * 9 * (8 + 6)
    tensor = layers.Attention(name="plain")([query, value])
    assert counted(keras.Model([query, value], tensor))["plain"] == 7 * 9 * (6 + 6)


def test_attention_that_makes_several_dimensions_and_has_a_gate():
    start = keras.Input((7, 6))
    attention = layers.MultiHeadAttention(2, 4, value_dim=3, output_shape=(5, 2), use_gate=True)
    found = counted(keras.Model(start, attention(start, start)))
    kernels = [weight for weight in attention.weights if "kernel" in weight.path]
    assert list(found.values()) == [7 * sum(prod(w.shape) for w in kernels) + 7 * 7 * 2 * (4 + 3)]
    grouped = layers.GroupQueryAttention(3, 4, 2, use_gate=True)
    found = counted(keras.Model(start, grouped(start, start)))
    kernels = [weight for weight in grouped.weights if "kernel" in weight.path]
    assert list(found.values()) == [7 * sum(prod(w.shape) for w in kernels) + 7 * 7 * 2 * 12]


def test_attention_along_one_axis_only():
    start = keras.Input((5, 7, 6))
    tensor = layers.MultiHeadAttention(2, 4, attention_axes=(2,), name="rows")(start, start)
    alone = keras.Input((7, 6))
    row = layers.MultiHeadAttention(2, 4, name="row")(alone, alone)
    one = counted(keras.Model(alone, row))["row"]
    assert counted(keras.Model(start, tensor))["rows"] == 5 * one


def test_a_product_of_two_tensors():
    left, right = keras.Input((7, 6)), keras.Input((6, 4))
    found = counted(keras.Model([left, right], ops.matmul(left, right)))
    assert list(found.values()) == [7 * 6 * 4]
    fixed = counted(keras.Model(left, ops.matmul(left, np.ones((6, 4), "float32"))))
    assert next(n for name, n in fixed.items() if "matmul" in name) == 7 * 6 * 4


ONES = {
    "conv": lambda x: ops.conv(x, np.ones((3, 2, 4, 5), "float32"), 2),
    "depthwise": lambda x: ops.depthwise_conv(x, np.ones((3, 2, 4, 2), "float32")),
    "matrix": lambda x: ops.einsum("bhwc,cd->bhwd", x, np.ones((4, 7), "float32")),
    "two tensors": lambda x: ops.einsum("bhwc,bvwc->bhv", x, x),
}


@pytest.mark.parametrize("name", ONES)
def test_the_sum_of_ones_of_an_operation(name):
    start = keras.Input((9, 11, 4))
    model = keras.Model(start, ONES[name](start))
    products = float(ops.sum(model(np.ones((1, 9, 11, 4)))))
    assert list(counted(model).values())[-1] == products


def test_convolutions_of_kernels_cost_what_their_layers_do():
    def costs(made):
        return list(counted(keras.Model(start, made)).values())

    start = keras.Input((9, 11, 4))
    deep, single, turned = (
        np.ones(shape, "float32") for shape in ((3, 3, 4, 2), (1, 1, 8, 5), (3, 3, 5, 4))
    )
    layer = layers.SeparableConv2D(5, 3, depth_multiplier=2)
    assert costs(ops.separable_conv(start, deep, single)) == [only(layer)]
    assert costs(ops.conv_transpose(start, turned, 2)) == [only(layers.Conv2DTranspose(5, 3, 2))]


def test_einsum_of_three_whose_cost_depends_on_their_order():
    start = keras.Input((9, 11, 4))
    made = ops.einsum("bhwc,bvwc,bvwd->bhd", start, start, start)
    assert list(counted(keras.Model(start, made)).values()) == [None]


def test_an_embedding_is_a_product_on_its_way_back_alone():
    start = keras.Input((6,), dtype="int32")
    embedding = layers.ReversibleEmbedding(9, 4)
    there = counted(keras.Model(start, embedding(start)))
    assert list(there.values()) == [0]
    features = keras.Input((6, 4))
    back = counted(keras.Model(features, embedding(features, reverse=True)))
    assert list(back.values()) == [6 * 4 * 9]


def windows(mapped=lambda x: x):
    """Cut 8 steps into 4 windows, which lie in the batch, and weigh the features of each."""
    start = keras.Input((8, 4))
    cut = mapped(ops.reshape(start, (-1, 2, 4)))
    return keras.Model(start, layers.Dense(5, name="dense")(cut))


def test_windows_of_a_picture_are_all_of_its_costs():
    assert analyse(windows())["dense"].operations == 8 * 4 * 5
    start = keras.Input((8, 4))
    back = ops.reshape(windows()(start), (-1, 8, 5))
    found = analyse(keras.Model(start, layers.Dense(3, name="last")(back)))
    assert found["last"].operations == 8 * 5 * 3


def test_behind_what_is_unknown_it_is_not_known_how_many_windows_there_are():
    assert analyse(windows(lambda x: ops.map(ops.relu, x)))["dense"].operations is None
    start = keras.Input((8, 4))
    cut = ops.reshape(ops.map(ops.relu, start), (-1, 2, 4))
    found = analyse(keras.Model(start, layers.Dense(5, name="dense")(cut)))
    assert found["dense"].operations is None
    whole = ops.reshape(ops.map(ops.relu, start), (-1, 4, 8))
    found = analyse(keras.Model(start, layers.Dense(5, name="dense")(whole)))
    assert found["dense"].operations == 8 * 4 * 5


def test_operations_that_are_given_kernels_or_two_tensors():
    start, other = keras.Input((7, 6)), keras.Input((5, 6))
    kernel = np.ones((3, 4, 6), "float32")
    one = {
        "einsum": ops.einsum("btc,cd->btd", start, np.ones((6, 4), "float32")),
        "along": ops.einsum("ts,bsc->btc", np.ones((2, 7), "float32"), start),
        "transposed": ops.conv_transpose(start, kernel, 2, data_format="channels_last"),
        "separable": ops.separable_conv(
            start, np.ones((3, 6, 2), "float32"), np.ones((1, 12, 4), "float32")
        ),
    }
    found = {name: sum(counted(keras.Model(start, made)).values()) for name, made in one.items()}
    assert found == {
        "einsum": 7 * 6 * 4,
        "along": 2 * 7 * 6,
        "transposed": 7 * 3 * 4 * 6,
        "separable": 5 * (3 * 12 + 12 * 4),
    }
    heads = [layers.Reshape((each.shape[1], 2, 3))(each) for each in (start, other)]
    two = [
        (ops.einsum("btc,bsc->bts", start, other), 7 * 5 * 6),
        (ops.einsum("btc,bsc,bsd->btd", start, other, other), None),
        (ops.dot_product_attention(heads[0], heads[1], heads[1]), 7 * 5 * (6 + 6)),
    ]
    for made, cost in two:
        assert list(counted(keras.Model([start, other], made)).values())[-1] == cost


@pytest.mark.parametrize(
    "layer",
    [
        layers.MaxPooling2D(),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.UpSampling2D(),
        layers.ZeroPadding2D(),
        layers.GlobalAveragePooling2D(),
    ],
)
def test_what_multiplies_no_weight_counts_nothing(layer):
    assert only(layer) == 0


def test_a_dense_layer_costs_nothing_known_at_a_size_it_was_not_built_for():
    chain = [layers.Conv1D(2, 3), layers.Flatten(), layers.Dense(5, name="head")]
    model = keras.Sequential([keras.Input((9, 1)), *chain])
    assert analyse(model)["head"].operations == 7 * 2 * 5
    assert analyse(model, 8)["head"].operations is None


def test_what_is_unknown_is_none_and_never_nothing():
    assert only(layers.Lambda(lambda x: x)) is None
    assert only(layers.Conv2D(2, 3), shape=(None, 9, 4)) is None

    class Own(layers.Layer):
        def call(self, inputs):
            return inputs

    class OtherCall(layers.Dense):
        def call(self, inputs):
            return ops.square(super().call(inputs))

    class SameCall(layers.Dense):
        pass

    assert only(Own()) is None
    assert only(OtherCall(3)) is None
    assert only(SameCall(3)) == only(layers.Dense(3)) == 9 * 11 * 4 * 3
    assert only(layers.TimeDistributed(OtherCall(3))) is None
    assert only(layers.RNN(OwnCell()), shape=(9, 4)) is None
    assert only(layers.RNN(layers.LSTMCell(2))) is None


class OwnCell(layers.Layer):
    state_size = 4

    def call(self, inputs, states):
        return inputs, states


def test_attention_costs_the_same_however_its_arguments_are_given():
    query, value, key = keras.Input((5, 4)), keras.Input((7, 3)), keras.Input((7, 2))
    attention = layers.MultiHeadAttention(2, 3)
    for made in (
        attention(query, value, key),
        attention(query=query, value=value, key=key),
        attention(query, key=key, value=value),
    ):
        model = keras.Model([query, value, key], made)
        (call,) = read_graph(model).calls
        # Of the three projections and, for each of 5 places, scores, sums and the way out.
        cost = multiply_adds(call, call.input_shapes, made.shape)
        assert cost == 6 * (5 * 4 + 7 * 3 + 7 * 2) + 5 * 7 * 12 + 5 * 6 * 4
