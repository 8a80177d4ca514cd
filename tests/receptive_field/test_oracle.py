"""The two oracles: against hand-counted sets, against each other, and their traps."""

import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from reaching_positions import reaching_positions

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.input_gradients import float64
from labkit.receptive_field.oracle import gradient_extent, gradient_map, linear_copy


def line(*chain, size=20, channels=1):
    return keras.Sequential([keras.Input((size, channels)), *chain])


#: What a process of its own does, and prints what of the wing is loaded after each step.
STEPS = """
import sys
from ast import literal_eval

def show():
    prefix = "labkit.receptive_field."
    print(sorted(m.rsplit(".", 1)[-1] for m in sys.modules if m.startswith(prefix)))
    for module in [m for m in sys.modules if m.split(".")[0] == "labkit"]:
        del sys.modules[module]

sys.path.append(sys.argv[1])
import reaching_positions
show()
import labkit.receptive_field.oracle
show()
import labkit.receptive_field.analysis
show()
"""


def test_neither_oracle_loads_what_it_is_to_check_nor_the_other_way_round():
    run = subprocess.run(
        [sys.executable, "-c", STEPS, Path(__file__).parent],
        capture_output=True,
        text=True,
        check=True,
    )
    by_sets, by_gradient, by_analyse = (set(literal_eval(s)) for s in run.stdout.splitlines())
    analyse = {"analysis", "layer_rules", "rule_registry", "model_graph", "unit_fields", "reads"}
    assert by_sets == set()
    assert "oracle" in by_gradient and not by_gradient & analyse
    assert analyse <= by_analyse and "oracle" not in by_analyse


@pytest.mark.parametrize("packed", [lambda x: x, lambda x: [x], lambda x: {"picture": x}])
def test_inputs_and_outputs_in_any_structure(packed):
    start = keras.Input((20, 1), name="picture")
    inner_start = keras.Input((20, 1), name="picture")
    inner = keras.Model(packed(inner_start), layers.Conv1D(1, 3)(inner_start))
    model = keras.Model(packed(start), packed(layers.Conv1D(1, 2)(inner(packed(start)))))
    assert gradient_extent(model, unit=(4,)) == ((4, 7),)
    assert reaching_positions(model, unit=(4,))[0].tolist() == [4, 5, 6, 7]
    assert analyse(model).final.axes[0].input_range(4) == (4, 7)


class TestSets:
    def test_by_hand(self):
        # Unit 2 reads pool units 2, 4, 6, which read pairs.
        model = line(layers.MaxPooling1D(2), layers.Conv1D(1, 3, dilation_rate=2))
        (positions,) = reaching_positions(model, unit=(2,))
        assert positions.tolist() == [4, 5, 8, 9, 12, 13]

    def test_same_padding_by_hand(self):
        # 5 positions, 3 units: one position of padding before and behind.
        model = line(layers.Conv1D(1, 3, strides=2, padding="same"), size=5)
        found = [reaching_positions(model, unit=(u,))[0].tolist() for u in range(3)]
        assert found == [[0, 1], [1, 2, 3], [3, 4]]

    def test_transposed_by_hand(self):
        # Position i lands on 2i, 2i + 1, 2i + 2.
        model = line(layers.Conv1DTranspose(1, 3, strides=2), size=4)
        found = [reaching_positions(model, unit=(u,))[0].tolist() for u in range(5)]
        assert found == [[0], [0], [0, 1], [1], [1, 2]]

    def test_output_padding_counts_also_where_a_configuration_leaves_it_out(self, monkeypatch):
        layer = layers.Conv1DTranspose(1, 4, strides=3, padding="same", output_padding=1)
        model = line(layer, size=16)
        told = layers.Conv1DTranspose.get_config

        def as_keras_3_13(self):
            return {key: value for key, value in told(self).items() if key != "output_padding"}

        monkeypatch.setattr(layers.Conv1DTranspose, "get_config", as_keras_3_13)
        assert gradient_extent(model, unit=(23,)) == ((7, 8),)
        assert gradient_extent(model, unit=(22,)) == ((7, 7),)

    def test_padding_alone_is_the_empty_set(self):
        (positions,) = reaching_positions(line(layers.ZeroPadding1D(2)), unit=(0,))
        assert positions.tolist() == []

    def test_padding_alone_along_one_axis_empties_both(self):
        model = keras.Sequential([keras.Input((5, 5, 1)), layers.ZeroPadding2D(((2, 0), (0, 0)))])
        assert [p.tolist() for p in reaching_positions(model, unit=(0, 3))] == [[], []]

    def test_layers_by_name_and_by_call(self):
        start = keras.Input((20, 1))
        shared = layers.Conv1D(1, 3, name="shared")
        inner = keras.Sequential([keras.Input((None, 1)), shared], name="inner")
        model = keras.Model(start, inner(inner(start)))
        assert len(reaching_positions(model, "inner/shared", unit=(5,))[0]) == 3
        assert len(reaching_positions(model, "inner/shared #2", unit=(5,))[0]) == 5

    def test_a_model_of_open_size(self):
        model = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, (2, 3))])
        assert [len(p) for p in reaching_positions(model, input_size=(9, 9))] == [2, 3]
        with pytest.raises(ValueError, match="give input_size"):
            reaching_positions(model)

    def test_what_does_not_exist(self):
        model = line(layers.Conv1D(1, 3))
        with pytest.raises(ValueError, match="no layer 'dense'"):
            reaching_positions(model, "dense")
        with pytest.raises(ValueError, match="no unit"):
            reaching_positions(model, unit=(18,))
        with pytest.raises(ValueError, match="does not fit"):
            reaching_positions(model, unit=(1, 1))
        with pytest.raises(NotImplementedError, match=r"LSTM"):
            reaching_positions(line(layers.LSTM(2)), unit=())
        with pytest.raises(ValueError, match="squeeze_excitation is"):
            reaching_positions(model, squeeze_excitation="no")

    def test_flattened_units_keep_their_position(self):
        model = keras.Sequential([keras.Input((4, 3, 1)), layers.Flatten(), layers.Dense(2)])
        assert [len(p) for p in reaching_positions(model, unit=())] == [4, 3]


class TestGradient:
    def test_the_extent_of_dilation_not_the_count(self):
        model = line(layers.Conv1D(1, 3, dilation_rate=2))
        assert gradient_extent(model, unit=(4,)) == ((4, 8),)

    def test_all_positive_weights_with_maximum_pooling(self):
        """On the network as it stands, every channel would pick the same position."""
        positive = keras.initializers.Constant(0.1)
        chain = [
            layer
            for _ in range(3)
            for layer in (layers.Conv1D(4, 3, kernel_initializer=positive), layers.MaxPooling1D())
        ]
        model = line(*chain, size=60)
        assert gradient_extent(model, unit=(2,)) == ((16, 37),)

    def test_dead_activations(self):
        dead = layers.Conv1D(
            2, 3, activation="relu", bias_initializer=keras.initializers.Constant(-9.0)
        )
        assert gradient_extent(line(dead), unit=(3,)) == ((3, 5),)

    def test_no_underflow_where_float32_has_it(self):
        """The rim of 100 layers weighs 3 ** -100, below the smallest float32."""
        model = line(*(layers.Conv1D(1, 3) for _ in range(100)), size=300)
        assert gradient_extent(model, unit=(40,)) == ((40, 240),)
        assert gradient_map(model, unit=(40,))[40] < np.finfo("float32").tiny

    def test_shares_add_up_to_1(self):
        model = line(layers.Conv1D(3, 4), layers.MaxPooling1D(3, 2), layers.Conv1D(1, 2))
        assert gradient_map(model, unit=(2,)).sum() == pytest.approx(1)

    @pytest.mark.parametrize(
        ("turned", "seen"), [(1, (5, 7)), (2, (2, 4))], ids=["line", "channels"]
    )
    def test_turned_round(self, turned, seen):
        """Pictures for VGG16 have their channels turned round, and the line may be as well."""
        start = keras.Input((10, 3))
        made = layers.Conv1D(1, 3)(keras.ops.flip(start, turned))
        assert gradient_extent(keras.Model(start, made), unit=(2,)) == (seen,)

    def test_the_model_stays_as_it_was(self):
        start = keras.Input((12, 6, 2))
        conv = layers.Conv2D(2, 3)
        model = keras.Model(start, keras.ops.mean(layers.Permute((2, 1, 3))(conv(start)), axis=1))
        before = model.get_config()
        gradient_extent(model, unit=(3,))
        assert model.get_config() == before
        # A second node would make this ambiguous.
        assert conv.output.shape == (None, 10, 4, 2)

    def test_a_layer_on_the_way(self):
        inside = keras.Sequential([keras.Input((None, 2)), layers.Conv1D(1, 3, name="b")], name="s")
        model = line(layers.Conv1D(2, 3, name="a"), inside, layers.Conv1D(1, 5, name="c"))
        assert gradient_extent(model, "a", unit=(0,)) == ((0, 2),)
        assert gradient_extent(model, "s/b", unit=(0,)) == ((0, 4),)
        assert gradient_extent(model, "c", unit=(0,)) == ((0, 8),)
        with pytest.raises(ValueError, match="no layer 'd'"):
            gradient_extent(model, "d")
        with pytest.raises(ValueError, match="no unit"):
            gradient_extent(model, "c", unit=(99,))

    def test_a_copy_is_small(self):
        model = keras.applications.MobileNet(
            weights=None, include_top=False, input_shape=(64, 64, 3)
        )
        with float64():
            copy = linear_copy(model)
        assert copy.count_params() < 1000 < model.count_params()
        assert copy.output.shape == (1, 2, 2, 1)

    def test_layers_of_ones_own(self):
        class Blur(layers.Layer):
            def call(self, x):
                return x

        model = line(Blur(), layers.Conv1D(1, 3))
        with pytest.raises(NotImplementedError, match=r"blur.*replace=lambda"):
            gradient_extent(model)
        wide = layers.AveragePooling1D(5, 1, dtype="float64")
        found = gradient_extent(
            model, unit=(2,), replace=lambda layer: wide if isinstance(layer, Blur) else None
        )
        assert found == ((2, 8),)

    def test_channels_first_without_a_processor_that_has_it(self):
        start = keras.Input((2, 12, 10))
        tensor = layers.Conv2D(3, (3, 2), data_format="channels_first", padding="same")(start)
        tensor = layers.MaxPooling2D((2, 1), data_format="channels_first")(tensor)
        model = keras.Model(start, layers.Concatenate(axis=1)([tensor, tensor]))
        assert gradient_extent(model, unit=(2, 4)) == ((3, 6), (4, 5))

    def test_wrong_arguments(self):
        model = line(layers.Conv1D(1, 3), size=None)
        assert gradient_extent(model, unit=np.array([4]), input_size=[np.int64(9)]) == ((4, 6),)
        for size in (9, (9, 9), (True,), "9"):
            with pytest.raises(ValueError, match=r"input_size=.* must be a sequence of 1 whole"):
                gradient_extent(model, input_size=size)
        for unit in ((True,), ("1",), (1, 1), (7,), (-8,), 4):
            with pytest.raises(ValueError, match="There is no unit"):
                gradient_extent(model, unit=unit, input_size=(9,))
        with pytest.raises(ValueError, match="squeeze_excitation='no' must be one of"):
            gradient_extent(model, input_size=(9,), squeeze_excitation="no")

    def test_padding_alone(self):
        assert gradient_extent(line(layers.ZeroPadding1D(2)), unit=(0,)) == (None,)
