"""Rules by name, and what is left out of an analysis."""

import keras
import pytest
from keras import layers

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.reads import one_to_one, window

L = layers


def unet(norm):
    start = keras.Input((32, 32, 2))
    skip = norm()(L.Conv2D(4, 3, padding="same", name="first")(start))
    x = norm()(L.Conv2D(4, 3, padding="same")(L.MaxPooling2D(2)(skip)))
    x = L.Concatenate()([skip, L.UpSampling2D(2)(x)])
    return keras.Model(start, norm()(L.Conv2D(4, 3, padding="same", name="last")(x)))


class InstanceNorm(L.Layer):
    def call(self, x):
        mean = keras.ops.mean(x, axis=(1, 2), keepdims=True)
        return (x - mean) * keras.ops.rsqrt(keras.ops.var(x, axis=(1, 2), keepdims=True) + 1e-3)


@pytest.mark.parametrize(
    ("norm", "ignore"),
    [
        (lambda: L.GroupNormalization(2), "normalization"),
        (lambda: L.GroupNormalization(-1), ("normalization", "attention")),
        (lambda: L.LayerNormalization(axis=(1, 2, 3)), ["normalization"]),
        (InstanceNorm, InstanceNorm),
    ],
)
def test_a_unet_as_if_it_were_not_normalised(norm, ignore):
    plain = analyse(unet(L.BatchNormalization))
    assert (
        analyse(unet(norm)).final.is_global == (True, True) or analyse(unet(norm)).final.is_global
    )
    left_out = analyse(unet(norm), ignore=ignore)
    assert left_out["last"].size == plain["last"].size == 10
    assert left_out.final.axes == plain.final.axes


def test_one_normalisation_by_its_path():
    start = keras.Input((20, 2))
    x = L.GroupNormalization(1, name="norm")(L.Conv1D(2, 3)(start))
    model = keras.Model(start, L.GroupNormalization(1, name="other")(x))
    assert analyse(model, ignore="norm")["norm"].size == 3
    assert analyse(model, ignore="norm")["other"].size == 20
    assert analyse(model, ignore=("norm", "other")).final.size == 3


def test_attention_leaves_what_asks():
    start = keras.Input((20, 4))
    keys = L.MaxPooling1D(2)(start)
    model = keras.Model(start, L.MultiHeadAttention(1, 2)(L.Conv1D(4, 3)(start), keys))
    assert analyse(model).final.size == 20
    assert analyse(model, ignore="attention").final.size == 3


def test_scores_of_attention_that_is_left_out_are_unknown():
    """Heads lie where steps lay, and here are as many: to go on would name wrong positions."""
    start = keras.Input((8, 8))
    x = L.Conv1D(8, 3, padding="same")(start)
    layer = L.MultiHeadAttention(8, 2, name="attention")
    model = keras.Model(start, layer(x, x, return_attention_scores=True))
    found = analyse(model, ignore="attention")
    assert found["attention"].size == 3
    assert "only its first output" in found["attention [1]"].unknown
    with pytest.raises(ValueError, match="only its first output"):
        analyse(model, ignore="attention", strict=True)


class LearnedQueries(L.Layer):
    """Asks questions of its own, as the decoder of DETR does."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def build(self, shape):
        self.queries = self.add_weight(shape=(1, self.number, shape[-1]))
        self.attention = L.MultiHeadAttention(1, 2)
        self.attention.build((1, self.number, shape[-1]), shape)

    def call(self, inputs):
        return self.attention(self.queries, inputs)


def test_the_name_of_a_class_stands_for_all_its_layers():
    start = keras.Input((20, 2))
    x = L.Conv1D(2, 3, padding="same", name="first")(L.Conv1D(2, 5, padding="same")(start))
    model = keras.Model(start, L.MaxPooling1D(2)(x))
    assert analyse(model, ignore="Conv1D").final.size == 2
    assert analyse(model, ignore="first").final.size == 6
    with pytest.raises(ValueError, match=r"cannot be ignored: it makes 10 units .* of 20"):
        analyse(model, ignore="MaxPooling1D", strict=True)


@pytest.mark.parametrize("number", [5, 12])
def test_attention_that_cannot_be_left_out_is_one_row_alone(number):
    """To leave out an answer to queries of its own would say that they stand for positions."""
    start = keras.Input((12, 2))
    x = L.Conv1D(2, 3, padding="same", name="first")(start)
    x = L.Add(name="sum")([x, L.MultiHeadAttention(1, 2, name="own")(x, x)])
    learned = LearnedQueries(number)(x)
    named = L.MultiHeadAttention(1, 2, name="named")(query=x, key=x, value=x)
    found = analyse(keras.Model(start, [learned, named]), ignore="attention")
    assert (found["own"].size, found["sum"].size, found["named"].size) == (3, 3, 3)
    assert "cannot be ignored" in found.final.unknown


@pytest.mark.parametrize("ignore", ["normalization", "GroupNormalization", L.GroupNormalization])
def test_a_layer_that_another_wraps_is_left_out_with_it(ignore):
    start = keras.Input((3, 20, 2))
    x = L.TimeDistributed(L.Conv1D(2, 3))(start)
    model = keras.Model(start, L.TimeDistributed(L.GroupNormalization(1))(x))
    assert analyse(model).final.size == (1, 20)
    assert analyse(model, ignore=ignore).final.size == (1, 3)


def test_gates_are_one_of_the_words():
    start = keras.Input((20, 20, 2))
    x = L.Conv2D(2, 3, padding="same")(start)
    model = keras.Model(start, L.Multiply()([x, L.GlobalAveragePooling2D(keepdims=True)(x)]))
    assert analyse(model, ignore="squeeze_excitation").final.size == 3
    assert analyse(model).final.size == 20


def test_a_rule_stops_a_layer_from_being_entered():
    class Twice(L.Layer):
        def call(self, x):
            return x + x

    start = keras.Input((20, 2))
    model = keras.Model(start, Twice(name="twice")(start))
    assert [layer.name for layer in analyse(model)] == ["twice/add"]
    seven = {"twice": lambda layer, axis: window(axis, 7, padding="same")}
    assert [(each.name, each.size) for each in analyse(model, rules=seven)] == [("twice", 7)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rules": {"od": len}}, ValueError, r"no layer 'od' .*did you mean 'odd'"),
        ({"rules": 3}, TypeError, "rules=3 does not fit"),
        ({"rules": {"odd": 3}}, TypeError, "a function of"),
        ({"rules": {"ReLU": len}}, ValueError, "no layer 'ReLU' .* without ' #' and number\\."),
        ({"ignore": "Relu"}, ValueError, r"did you mean 'ReLU'.* a class or its name"),
        ({"ignore": "normalisation"}, ValueError, "did you mean 'normalization'"),
        ({"ignore": (int,)}, TypeError, "classes of layers"),
        ({"ignore": 3}, TypeError, "ignore=3 does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(options, error, message):
    start = keras.Input((20, 2))
    with pytest.raises(error, match=message):
        analyse(keras.Model(start, L.ReLU(name="odd")(start)), **options)


@pytest.mark.parametrize("name", ["BatchNormalization", "TimeDistributed", "ExtractPatches", "RNN"])
def test_a_layer_of_ones_own_may_be_called_as_one_of_keras_is(name):
    own = type(name, (layers.Layer,), {"call": lambda self, inputs: 2 * inputs})
    start = keras.Input((9, 2))
    made = own(name="own")(start)
    behind = layers.Conv1D(1, 3)(made)
    assert analyse(keras.Model(start, behind)).final.size == 3
    rules = {"own": lambda layer, axis: one_to_one(axis)}
    ruled = analyse(keras.Model(start, behind), rules=rules)
    assert ruled.final.size == 3
