"""The walk over a model's graph, against Keras' documented way to follow calls."""

import sys

import keras
import pytest
from keras import layers
from lacking import where_keras_has

from labkit.receptive_field.model_graph import read_graph


def spied_calls(model):
    """Follow the calls with ``clone_model``, which is documented, and calls every layer again."""
    calls = []

    def call(layer, *arguments, **keywords):
        calls.append(layer.name)
        return layer(*arguments, **keywords)

    keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    return calls


# A chain, and a graph of every kind of path: it adds, joins, crops and branches from afar.
@pytest.mark.parametrize("name", where_keras_has("VGG16", "NASNetMobile"))
def test_the_same_calls_as_keras(name, monkeypatch, undrawn_weights):
    # More blocks of the second have the same paths again.
    module = sys.modules[keras.applications.NASNetMobile.__module__]
    whole = module.NASNet
    few = {"num_blocks": 1}
    monkeypatch.setattr(module, "NASNet", lambda *shape, **given: whole(*shape, **given | few))
    model = getattr(keras.applications, name)(
        weights=None, include_top=False, input_shape=(224, 224, 3)
    )
    found = [call.name for call in read_graph(model).calls if call.name != model.layers[0].name]
    assert sorted(found) == sorted(spied_calls(model))


def test_readers_come_after_makers():
    model = keras.applications.MobileNetV2(weights=None, include_top=False)
    graph = read_graph(model)
    made = set(graph.inputs)
    for call in graph.calls:
        assert set(call.inputs) <= made
        made |= set(call.outputs)
    assert set(graph.outputs) <= made


def test_only_the_way_to_the_outputs_counts():
    start = keras.Input((8, 1))
    kept, dropped = layers.ReLU(name="kept")(start), layers.ReLU(name="dropped")(start)
    assert [call.name for call in read_graph(keras.Model(start, kept)).calls] == ["kept"]
    both = read_graph(keras.Model(start, [kept, dropped]))
    assert {call.name for call in both.calls} == {"kept", "dropped"}
    assert len(both.outputs) == 2


def test_a_model_between_two_tensors_of_another():
    start = keras.Input((8, 1))
    middle = layers.ReLU(name="before")(start)
    end = layers.ReLU(name="behind")(middle)
    assert [call.name for call in read_graph(keras.Model(middle, end)).calls] == ["behind"]


def test_nested_calls_carry_their_path_and_number():
    inner = keras.Sequential([keras.Input((8, 1)), layers.ReLU(name="relu")], name="inner")
    start = keras.Input((8, 1))
    names = [call.name for call in read_graph(keras.Model(start, inner(inner(start)))).calls]
    assert names == ["inner/relu #1", "inner/relu #2"]


def test_several_inputs_keep_their_order():
    left, right = keras.Input((8, 1)), keras.Input((8, 1))
    graph = read_graph(keras.Model([left, right], layers.Subtract()([right, left])))
    assert graph.calls[-1].inputs == graph.inputs[::-1]


def test_a_model_of_keras_2_is_told_so():
    older = type("Functional", (), {"__module__": "tf_keras.src.engine.functional"})
    mine = type("Mine", (older,), {})
    with pytest.raises(TypeError, match=r"This Mine is a model of Keras 2, from tf_keras"):
        read_graph(mine())
