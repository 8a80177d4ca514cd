"""The fields that ``analyse`` finds, against published figures and by hand."""

import gc
import inspect
import sys
import time
import tracemalloc
import weakref
from contextlib import contextmanager
from fractions import Fraction

import keras
import numpy as np
import pytest
from keras import layers

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.reads import Reads, UnreadableLayer, one_to_one, window
from labkit.receptive_field.rule_registry import register_rule

# name in Keras: field, effective stride, effective padding
VGG16 = {
    "block1_conv1": (3, 1, 1),
    "block1_pool": (6, 2, 2),
    "block2_conv1": (10, 2, 4),
    "block2_pool": (16, 4, 6),
    "block3_conv1": (24, 4, 10),
    "block3_conv2": (32, 4, 14),
    "block3_pool": (44, 8, 18),
    "block4_conv1": (60, 8, 26),
    "block4_conv2": (76, 8, 34),
    "block4_pool": (100, 16, 42),
    "block5_conv1": (132, 16, 58),
    "block5_conv2": (164, 16, 74),
    "block5_pool": (212, 32, 90),
}


def network(name, size=None):
    builder = getattr(keras.applications, name)
    return builder(weights=None, include_top=False, input_shape=(size, size, 3))


def line(*chain, size=64, channels=1):
    return keras.Sequential([keras.Input((size, channels)), *chain])


@contextmanager
def recursion_limit(limit):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def plane():
    return keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 3)])


def numbers(found):
    return found.size, found.effective_stride, found.effective_padding


@pytest.fixture(scope="module")
def vgg16():
    return analyse(network("VGG16", 224))


@pytest.mark.parametrize("name", VGG16)
def test_every_row_of_vgg16(vgg16, name):
    assert numbers(vgg16[name]) == VGG16[name]


def test_vgg16_has_centres_and_sizes(vgg16):
    assert vgg16["block1_conv1"].centre == 0
    assert vgg16.final.centre == Fraction(31, 2)
    assert vgg16.final.output_size == 7
    assert vgg16.final.sees_whole_input is False


def alexnet():
    return keras.Sequential(
        [
            keras.Input((227, 227, 3)),
            layers.Conv2D(4, 11, strides=4),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(4, 5, padding="same"),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(4, 3, padding="same"),
            layers.Conv2D(4, 3, padding="same"),
            layers.Conv2D(4, 3, padding="same"),
            layers.MaxPooling2D(3, 2),
        ]
    )


def small_vgg():
    model = keras.Sequential([keras.Input((224, 224, 3))])
    for _ in range(4):
        model.add(layers.Conv2D(2, 3, padding="same"))
        model.add(layers.Conv2D(2, 3, padding="same"))
        model.add(layers.MaxPooling2D())
    return model


@pytest.mark.parametrize(
    ("build", "size", "stride", "padding"),
    [
        # A recurrence run forwards gives 35, 88 and 240 for the first three.
        (alexnet, 195, 32, 64),
        (small_vgg, 76, 16, 30),
        # One network of each family: tests/receptive_field/test_analysis_families.py.
        ("ResNet152", 1507, 32, 753),
    ],
)
def test_published_networks(build, size, stride, padding, undrawn_weights):
    model = network(build, 224) if isinstance(build, str) else build()
    assert numbers(analyse(model).final) == (size, stride, padding)


class TestSizeOfTheInput:
    def test_unknown_size_is_enough_where_nothing_depends_on_it(self):
        final = analyse(network("VGG16")).final
        assert numbers(final) == (212, 32, 90)
        assert final.output_size is None
        assert final.sees_whole_input is None

    def test_same_padding_with_a_stride_needs_it(self):
        with pytest.raises(ValueError, match=r"pads 'same' with a stride above 1.*input_size"):
            analyse(network("Xception"))

    def test_same_padding_follows_it(self):
        model = line(layers.Conv1D(1, 3, strides=2, padding="same"), size=None)
        assert analyse(model, 8).final.effective_padding == 0
        assert analyse(model, 9).final.effective_padding == 1

    @pytest.mark.parametrize("size", [64, np.int64(64), [64, 64], np.array([64, 64])])
    def test_one_number_serves_all_axes_and_numpys_are_numbers(self, size):
        found = analyse(plane(), size).input_size
        assert found == (64, 64) and {type(each) for each in found} == {int}

    @pytest.mark.parametrize(
        "size", [(64,), (64, 64, 3), (0, 64), (64, True), True, 6.5, "64", np.array(6.5)]
    )
    def test_wrong_sizes_are_refused(self, size):
        with pytest.raises(ValueError, match=r"input_size=.*does not fit"):
            analyse(plane(), size)

    def test_a_model_built_for_another_size_is_refused(self):
        branch = keras.Input((8, 1))
        half = layers.MaxPooling1D()(branch)
        fixed = layers.Cropping1D((0, 4))(branch)
        model = keras.Model(branch, layers.Add()([half, fixed]))
        with pytest.raises(ValueError, match=r"'add.*joins paths of 6 and 8 positions"):
            analyse(model, 12)

    def test_nothing_left_is_refused(self):
        with pytest.raises(ValueError, match="leaves nothing of an axis of 4 positions"):
            analyse(line(layers.Conv1D(1, 5), size=None), 4)


class TestBordersInsideTheNetwork:
    def test_padding_after_a_crop_hides_what_was_cropped(self):
        model = line(layers.Cropping1D(3), layers.ZeroPadding1D(3), layers.Conv1D(1, 3), size=20)
        axis = analyse(model).final.axes[0]
        assert axis.input_range(0) is None
        assert axis.input_range(2) == (3, 4)
        assert axis.input_range(-1) is None
        assert axis.size == 3

    def test_global_pooling_sees_what_is_left(self):
        model = line(layers.Cropping1D(3), layers.GlobalAveragePooling1D(), size=20)
        axis = analyse(model).final.axes[0]
        assert axis.is_global
        assert axis.size == 14
        assert axis.sees_whole_input is False
        assert axis.input_range(0) == (3, 16)

    def test_a_stride_can_leave_the_last_position_unseen(self):
        model = line(layers.MaxPooling1D(2), layers.GlobalMaxPooling1D(), size=9)
        assert analyse(model).final.axes[0].input_range(0) == (0, 7)

    def test_units_are_checked(self):
        axis = analyse(line(layers.Conv1D(1, 3), size=10)).final.axes[0]
        assert axis.input_range(np.int64(7)) == (7, 9)
        for unit in (8, True, 1.5, "1"):
            with pytest.raises(IndexError, match=f"no unit {unit!r}: there are 8"):
                axis.input_range(unit)
        with pytest.raises(ValueError, match="size of the input is unknown"):
            analyse(line(layers.Conv1D(1, 3), size=None)).final.axes[0].input_range(0)


class TestHoles:
    def test_dilation_leaves_them(self):
        model = line(*(layers.Conv1D(1, 3, dilation_rate=2) for _ in range(3)))
        axis = analyse(model).final.axes[0]
        assert (axis.size, axis.positions_read) == (13, 7)
        assert axis.holes == tuple((i, i) for i in range(1, 13, 2))

    def test_a_stride_above_the_kernel_leaves_them(self):
        model = line(*(layers.Conv1D(1, 2, strides=3) for _ in range(2)))
        axis = analyse(model).final.axes[0]
        assert (axis.size, axis.positions_read, axis.holes) == (5, 4, ((2, 2),))

    def test_a_later_layer_can_fill_them(self):
        model = line(layers.Conv1D(1, 3, dilation_rate=2), layers.Conv1D(1, 2))
        axis = analyse(model).final.axes[0]
        assert (axis.size, axis.holes) == (6, ())

    def test_two_shifted_branches_leave_one_between_them(self):
        start = keras.Input((40, 1))
        left = layers.Cropping1D((0, 4))(layers.Conv1D(1, 3)(start))
        right = layers.Cropping1D((4, 0))(layers.Conv1D(1, 3)(start))
        axis = analyse(keras.Model(start, layers.Add()([left, right]))).final.axes[0]
        assert (axis.size, axis.holes, axis.misalignment) == (7, ((3, 3),), 4)

    def test_sets_too_wide_to_track_are_not_guessed(self):
        chain = [layers.MaxPooling1D(2, 3) for _ in range(13)]
        axis = analyse(line(*chain, size=None)).final.axes[0]
        assert axis.size == 1 + sum(3**i for i in range(13))
        assert axis.positions_read == 2**13
        axis = analyse(line(*chain, layers.MaxPooling1D(2, 3), size=None)).final.axes[0]
        assert axis.size == 1 + sum(3**i for i in range(14))
        assert axis.positions_read is None
        assert axis.holes is None


class TestUpsampling:
    def test_a_fractional_stride_and_the_phases(self):
        axis = analyse(line(layers.Conv1DTranspose(1, 3, strides=2), size=None)).final.axes[0]
        assert axis.effective_stride == Fraction(1, 2)
        assert axis.sizes_by_phase == (2, 1)
        assert axis.size == 2

    def test_down_and_up_again_keeps_the_phases_exact(self):
        model = line(layers.AveragePooling1D(4), layers.UpSampling1D(4), layers.Conv1D(1, 3))
        axis = analyse(model).final.axes[0]
        assert axis.effective_stride == 1
        assert axis.sizes_by_phase == (4, 4, 8, 8)

    def test_a_kernel_below_the_stride_leaves_units_without_input(self):
        axis = analyse(line(layers.Conv1DTranspose(1, 1, strides=2))).final.axes[0]
        assert axis.sizes_by_phase == (1, 0)
        assert axis.input_range(1) is None


class TestGraphs:
    def test_different_strides_do_not_join(self):
        start = keras.Input((16, 1))
        half = layers.MaxPooling1D(2)(start)
        crop = layers.Cropping1D(4)(start)
        model = keras.Model(start, layers.Add(name="sum")([half, crop]))
        for axis in analyse(model)["sum"].axes:
            assert axis.effective_stride is None
            assert axis.why_no_stride == "joins paths of effective strides 2 and 1"
            assert [axis.input_range(unit) for unit in (0, 7)] == [(0, 4), (11, 15)]

    def test_shared_layers_are_reported_per_call(self):
        start = keras.Input((32, 1))
        shared = layers.Conv1D(1, 3, name="shared")
        result = analyse(keras.Model(start, shared(shared(start))))
        assert [layer.name for layer in result] == ["shared #1", "shared #2"]
        assert [layer.size for layer in result] == [3, 5]
        with pytest.raises(KeyError, match="called 2 times"):
            result["shared"]

    def test_models_inside_models_are_unrolled(self):
        block = keras.Sequential(
            [keras.Input((None, 2)), layers.Conv1D(2, 3, name="conv")], name="block"
        )
        inner_start = keras.Input((None, 2))
        inner = keras.Model(
            inner_start,
            layers.Add()([block(inner_start), layers.Cropping1D(1)(inner_start)]),
            name="inner",
        )
        start = keras.Input((64, 2))
        result = analyse(keras.Model(start, inner(inner(start))))
        assert result["inner/block/conv #2"].size == 5
        assert result.final.size == 5

    def test_a_model_with_two_pictures_asks_which(self):
        left, right = keras.Input((16, 1), name="left"), keras.Input((16, 1), name="right")
        both = layers.Add()([layers.Conv1D(1, 3)(left), layers.Conv1D(1, 3)(right)])
        model = keras.Model([left, right], layers.Conv1D(1, 5)(both))
        with pytest.raises(ValueError, match=r"several inputs.*input_name='left'"):
            analyse(model)
        assert analyse(model, input_name="right").final.size == 7
        with pytest.raises(ValueError, match="no input 'middle'"):
            analyse(model, input_name="middle")

    def test_the_one_picture_among_other_inputs_is_found(self):
        picture, number = keras.Input((16, 1)), keras.Input((3,))
        pooled = layers.GlobalAveragePooling1D()(layers.Conv1D(3, 3)(picture))
        model = keras.Model([picture, number], layers.Add()([pooled, number]))
        assert analyse(model).final.axes[0].is_global

    @pytest.mark.parametrize("size", [None, 9])
    @pytest.mark.parametrize(
        "meet",
        [
            lambda asked, read: layers.MultiHeadAttention(1, 2)(asked, read),
            lambda asked, read: asked + keras.ops.mean(read, axis=1, keepdims=True),
        ],
    )
    def test_what_is_as_long_as_another_input_that_is_open(self, meet, size):
        read, asked = keras.Input((size, 3), name="read"), keras.Input((None, 3), name="asked")
        model = keras.Model([read, asked], layers.Conv1D(2, 3)(meet(asked, read)))
        final = analyse(model, 9, input_name="read").final
        assert final.units == {1: None} and final.size == 9
        assert analyse(model, 9, input_name="asked").final.units == {1: 7}

    @pytest.mark.parametrize(
        ("meet", "why"),
        [
            (lambda asked, read: layers.Concatenate(axis=1)([asked, read]), "another input"),
            (
                lambda asked, read: layers.MultiHeadAttention(1, 2)(
                    asked, read, use_causal_mask=True
                ),
                "whose number is unknown",
            ),
        ],
    )
    def test_what_depends_on_how_long_another_input_is_refuses_no_other_layer(self, meet, why):
        read, asked = keras.Input((9, 3), name="read"), keras.Input((None, 3), name="asked")
        first = layers.Conv1D(3, 3, name="first")(read)
        result = analyse(keras.Model([read, asked], meet(asked, first)), input_name="read")
        assert result["first"].input_range(6) == ((6, 8),)
        assert why in result.final.unknown

    def test_a_chain_deeper_than_the_recursion_limit(self):
        """Of 300 layers, under a limit that leaves 150 calls: Keras is slow to build 2000."""
        start = tensor = keras.Input((None, 1))
        for _ in range(300):
            tensor = layers.ZeroPadding1D(1)(tensor)
        with recursion_limit(10_000):
            model = keras.Model(start, tensor)
        with recursion_limit(len(inspect.stack(0)) + 150):
            final = analyse(model).final
        assert final.effective_padding == 300

    def test_three_axes_that_differ(self):
        model = keras.Sequential(
            [
                keras.Input((20, 21, 22, 1)),
                layers.Conv3D(1, (1, 3, 5), strides=(1, 2, 1)),
                layers.MaxPooling3D((2, 1, 1)),
            ]
        )
        final = analyse(model).final
        assert final.size == (2, 3, 5)
        assert final.effective_stride == (2, 2, 1)

    def test_pictures_without_a_dimension_for_channels(self):
        model = keras.Sequential(
            [keras.Input((28, 28)), layers.Reshape((28, 28, 1)), layers.Conv2D(1, 3)]
        )
        assert analyse(model).input_size == (28, 28)
        assert analyse(model).final.size == 3

    def test_words(self):
        model = keras.Sequential(
            [keras.Input((50,), dtype="int32"), layers.Embedding(9, 4), layers.Conv1D(2, 5)]
        )
        assert analyse(model).final.size == 5

    def test_channels_first(self):
        start = keras.Input((3, 40, 50))
        tensor = layers.ZeroPadding2D(((1, 2), (3, 4)), data_format="channels_first")(start)
        tensor = layers.Permute((2, 3, 1))(tensor)
        tensor = layers.Conv2D(2, (3, 5), data_format="channels_last")(tensor)
        result = analyse(keras.Model(start, tensor))
        assert result.input_size == (40, 50)
        assert result.final.size == (3, 5)
        assert result.final.effective_padding == (1, 3)

    def test_no_spatial_axis(self):
        with pytest.raises(ValueError, match="no spatial axis"):
            analyse(keras.Sequential([keras.Input((5,)), layers.Dense(2)]))

    def test_what_is_no_model(self):
        with pytest.raises(TypeError, match="this is a list"):
            analyse([1])
        with pytest.raises(ValueError, match="does not know its input yet"):
            analyse(keras.Sequential([layers.Conv1D(1, 3)]))
        with pytest.raises(ValueError, match="has no layers"):
            analyse(keras.Sequential([keras.Input((9, 1))]))

        class Own(keras.Model):
            pass

        with pytest.raises(ValueError, match=r"subclass of keras\.Model"):
            analyse(Own())


@pytest.fixture(scope="module")
def gated():
    start = keras.Input((64, 64, 4))
    tensor = layers.Conv2D(4, 3, padding="same", name="conv")(start)
    gate = layers.GlobalAveragePooling2D()(tensor)
    gate = layers.Reshape((1, 1, 4))(gate)
    gate = layers.Dense(4, activation="sigmoid")(gate)
    tensor = layers.Multiply(name="gated")([tensor, gate])
    return keras.Model(start, layers.Conv2D(4, 3, padding="same", name="last")(tensor))


class TestSqueezeAndExcitation:
    def test_counts_as_the_whole_image_with_both_reported(self, gated):
        last = analyse(gated)["last"]
        assert all(axis.is_global for axis in last.axes)
        assert last.size == 64
        assert last.sees_whole_input is True
        assert [axis.size for axis in last.axes_without_gates] == [5, 5]

    def test_can_be_ignored(self, gated):
        result = analyse(gated, squeeze_excitation="ignore")
        assert numbers(result.final) == (5, 1, 2)
        assert result.final.axes_without_gates is None

    def test_a_product_of_positions_is_no_gate(self):
        start = keras.Input((32, 1))
        wide = layers.Conv1D(1, 5, padding="same")(start)
        model = keras.Model(start, layers.Multiply()([start, wide]))
        assert analyse(model, squeeze_excitation="ignore").final.size == 5

    def test_a_global_branch_that_is_added_is_no_gate(self):
        start = keras.Input((32, 1))
        pooled = layers.GlobalAveragePooling1D(keepdims=True)(start)
        model = keras.Model(start, layers.Add()([start, pooled]))
        assert analyse(model, squeeze_excitation="ignore").final.axes[0].is_global

    def test_a_factor_that_is_global_along_one_axis_is_no_gate(self):
        start = keras.Input((32, 32, 1))
        strip = keras.ops.mean(layers.Conv2D(1, 3, padding="same")(start), axis=1, keepdims=True)
        model = keras.Model(start, layers.Multiply()([start, strip]))
        height, width = analyse(model, squeeze_excitation="ignore").final.axes
        assert height.is_global
        assert width.size == 3

    def test_other_words_are_refused(self, gated):
        with pytest.raises(ValueError, match=r"squeeze_excitation=.* must be one of"):
            analyse(gated, squeeze_excitation="whole")


class Smooth(layers.Layer):
    """Stands for a layer of somebody's own."""

    width = 5

    def call(self, x):
        return x


class SmoothWider(Smooth):
    width = 7


class TestRules:
    def test_an_unknown_layer_is_named_and_the_way_out_shown(self):
        class Unheard(layers.Layer):
            def call(self, x):
                return keras.ops.reshape(x, self.compute_output_shape(x.shape)) * float(x[0, 0, 0])

            def compute_output_shape(self, shape):
                return shape

        with pytest.raises(ValueError) as caught:
            analyse(line(Unheard(name="odd")), strict=True)
        message = str(caught.value)
        assert "'odd' (Unheard) has no rule" in message
        # What the message shows works as it stands.
        shown = [text.strip() for text in message.splitlines() if text.startswith("    ")]
        exec("\n".join(shown).rstrip("."), {"Unheard": Unheard})
        assert analyse(line(Unheard())).final.size == 3

    def test_a_rule_of_ones_own_serves_subclasses_too(self):
        register_rule(Smooth, lambda layer, axis: window(axis, layer.width, padding="same"))
        assert analyse(line(Smooth(), Smooth())).final.size == 9
        assert analyse(line(SmoothWider())).final.size == 7

    def test_the_nearest_class_wins(self):
        class Other(Smooth):
            pass

        register_rule(Smooth, lambda layer, axis: window(axis, layer.width, padding="same"))
        register_rule(Other)(lambda layer, axis: one_to_one(axis))
        assert analyse(line(Other())).final.size == 1

    def test_a_subclass_of_a_keras_layer_needs_none(self):
        class Mine(layers.Conv1D):
            pass

        assert analyse(line(Mine(1, 3))).final.size == 3

    def test_a_lambda_is_followed_unless_it_computes_with_something_else(self):
        assert analyse(line(layers.Lambda(lambda x: x[:, 2:] + x[:, :-2]))).final.size == 3
        other = layers.Lambda(lambda x: x * float(x[0, 0, 0]), output_shape=(64, 1))
        with pytest.raises(ValueError, match=r"uses more than .* of Keras.*rules=\{name: rule\}"):
            analyse(line(other), strict=True)

    def test_a_rule_for_one_layer_by_name(self):
        three = {"odd": lambda layer, axis: window(axis, 3, padding="same")}
        both = line(layers.Dense(1, name="odd"), layers.Dense(1))
        assert [layer.size for layer in analyse(both, rules=three)] == [3, 3]
        with pytest.raises(ValueError, match=r"no layer 'od' .*did you mean 'odd'"):
            analyse(both, rules={"od": three["odd"]})
        with pytest.raises(TypeError, match="rules=3 does not fit"):
            analyse(both, rules=3)

    def test_a_rule_that_fails_leaves_the_other_rows(self):
        fails = {"odd": lambda layer, axis: axis.size / 0}
        model = line(layers.Conv1D(1, 3, name="first"), layers.ReLU(name="odd"))
        result = analyse(model, rules=fails)
        assert result["first"].size == 3
        assert "has a rule that fails (ZeroDivisionError" in result["odd"].unknown

    def test_a_resizing_to_an_open_size_asks_for_the_size(self):
        start = keras.Input((None, None, 1))
        model = keras.Model(start, layers.Resizing(None, None)(start))
        with pytest.raises(ValueError, match="give input_size"):
            analyse(model)

    def test_a_rule_must_return_reads(self):
        class Wrong(Smooth):
            pass

        register_rule(Wrong, lambda layer, axis: 3)
        with pytest.raises(ValueError, match="rule that returns 3"):
            analyse(line(Wrong()), strict=True)

    @pytest.mark.parametrize("offsets", [[0, 1], (0.5,), "01", 2])
    def test_offsets_that_are_no_whole_numbers_leave_the_other_rows(self, offsets):
        wrong = {"odd": lambda layer, axis: Reads(offsets, axis.size, dim=axis.dim)}
        model = line(layers.Conv1D(1, 3, name="first"), layers.ReLU(name="odd"))
        result = analyse(model, rules=wrong)
        assert result["first"].size == 3
        assert "has a rule that returns the offsets" in result["odd"].unknown

    def test_a_window_of_no_positions_leaves_the_other_rows(self):
        wrong = {"odd": lambda layer, axis: window(axis, 0)}
        model = line(layers.Conv1D(1, 3, name="first"), layers.ReLU(name="odd"))
        result = analyse(model, rules=wrong)
        assert result["first"].size == 3
        assert "a window of no positions" in result["odd"].unknown

    @pytest.mark.parametrize("wrong", ["Conv2D", Smooth(), int])
    def test_only_classes_of_layers_have_rules(self, wrong):
        with pytest.raises(TypeError, match="needs a class of layers"):
            register_rule(wrong, one_to_one)

    def test_only_functions_are_rules(self):
        with pytest.raises(TypeError, match="must be a function"):
            register_rule(Smooth, "same")

    def test_ends_joined_in_space_have_fields_and_no_stride(self):
        start = keras.Input((16, 1))
        model = keras.Model(start, layers.Concatenate(axis=1)([start, start]))
        axis = analyse(model).final.axes[0]
        assert [axis.input_range(unit) for unit in (0, 15, 16, 31)] == [
            *((0, 0), (15, 15), (0, 0), (15, 15))
        ]
        assert axis.why_no_stride == "joins its inputs end to end"


class TestWhatIsUnknown:
    """A layer without a rule leaves the others their rows."""

    @pytest.fixture
    def result(self):
        class Unheard(layers.Layer):
            def call(self, x):
                return x

        start = keras.Input((12, 1))
        odd = Unheard(name="odd")(layers.Conv1D(1, 3, name="before")(start))
        ends = [layers.Conv1D(1, 3, name="behind")(odd), layers.Conv1D(1, 5, name="beside")(start)]
        return analyse(
            keras.Model(start, ends), rules={"odd": lambda layer, axis: unreadable(axis)}
        )

    def test_the_rest_stands(self, result):
        assert (result["before"].size, result["beside"].size) == (3, 5)
        assert result["before"].unknown is result["beside"].unknown is None

    def test_it_and_what_depends_on_it_say_why(self, result):
        for name in ("odd", "behind"):
            assert result[name].unknown == "the layer 'odd' (Unheard) reads what it likes"
            assert result[name].size is result[name].effective_stride is None
            assert result[name].sees_whole_input is None
        with pytest.raises(ValueError, match="What 'behind' sees is unknown: the layer 'odd'"):
            result["behind"].input_range((0,))

    def test_the_table_says_so_once(self, result):
        text = str(result)
        assert text.count("reads what it likes") == 1


def unreadable(axis):
    raise UnreadableLayer("reads what it likes")


class TestKerasIsAsked:
    """The number of units of every rule is compared with Keras'."""

    class Halved(layers.Layer):
        def call(self, x):
            return x[:, ::2]

    def test_a_rule_that_makes_others_is_an_error(self):
        register_rule(self.Halved, lambda layer, axis: one_to_one(axis))
        with pytest.raises(
            ValueError, match=r"'half' \(Halved\) makes 32 units along dimension 1, .* says 64"
        ):
            analyse(line(self.Halved(name="half")))

    def test_at_the_size_that_is_asked_about(self):
        register_rule(self.Halved, lambda layer, axis: one_to_one(axis))
        model = line(self.Halved(name="half"), size=None)
        with pytest.raises(ValueError, match=r"makes 9 units along dimension 1, .* says 17"):
            analyse(model, 17)

    def test_a_rule_of_the_places_need_not_know_of_channels(self):
        class Wide(self.Halved):
            def call(self, x):
                return x[:, :-4]

        register_rule(Wide, lambda layer, axis: window(axis, 5))
        assert analyse(line(Wide(), channels=2)).final.size == 5


def test_neither_memory_nor_time_grows_with_units_times_offsets():
    """Two orders of magnitude lie between these bounds and what units × offsets would take."""
    many = [
        line(layers.UpSampling1D(300), size=2000),
        line(layers.Conv1DTranspose(1, 1024, strides=256), size=2000),
        keras.Sequential([keras.Input((4095, 4095, 1)), layers.Resizing(4096, 4096)]),
    ]
    for model in many:
        tracemalloc.start()
        start = time.process_time()
        analyse(model)
        seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 100e6 and seconds < 3


def test_the_search_for_cycles_is_on_again_after_an_error():
    assert gc.isenabled()
    with pytest.raises(ValueError, match="leaves nothing"):
        analyse(line(layers.Conv1D(1, 5), size=None), 4)
    assert gc.isenabled()


def test_networks_that_are_dropped_leave_memory():
    gc.collect()
    alive = weakref.WeakSet()
    for _ in range(20):
        outputs = inputs = keras.Input((64, 64, 3))
        for _ in range(25):
            outputs = layers.MaxPooling2D(3, 1, padding="same")(outputs)
        network = keras.Model(inputs, outputs)
        alive.add(network)
        analyse(network)
    # Python's own search for cycles finds them now and then; here it found all but eight or fewer.
    assert len(alive) < 15
