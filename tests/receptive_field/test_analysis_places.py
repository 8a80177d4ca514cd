"""Places that a reshape, a recurrence, attention or a border gives: ``analyse`` against gradients.

Every unit of every model is compared with what the gradient of the model itself touches.
"""

import keras
import pytest
from keras import layers as L
from keras import ops
from touched import touched

from labkit.receptive_field.analysis import analyse


def conv(filters=2, kernel=3, **keywords):
    return L.Conv2D(filters, kernel, **({"padding": "same"} | keywords))


def shuffled(x, height, width, channels):
    """Turn four groups of channels into two by two pixels."""
    x = L.Reshape((height, width, 2, 2, channels))(x)
    return L.Reshape((2 * height, 2 * width, channels))(L.Permute((1, 3, 2, 4, 5))(x))


def to_depth(x, height, width, channels):
    """Turn two by two pixels into channels, the reverse."""
    x = L.Reshape((height, 2, width, 2, channels))(x)
    return L.Reshape((height, width, 4 * channels))(L.Permute((1, 3, 2, 4, 5))(x))


def test_axes_that_changed_places_stay_apart():
    """Height and width are alike, and a layer makes along one what the other counts."""
    start = keras.Input((10, 10, 1))
    x = conv(1, (3, 1))(L.Permute((2, 1, 3))(start))
    found = analyse(keras.Model(start, [x, conv(1, (1, 5))(x)]))
    first, second = (found[name] for name in found.outputs)
    assert first.size == (1, 3)
    assert second.size == (5, 3)
    assert second.input_range((2, 7)) == ((5, 9), (1, 3))


# Reshapes


def pixel_shuffle(x):
    return conv(1)(shuffled(conv(8)(x), 6, 5, 2))


def pixel_shuffle_after_torch(x):
    """Channels run slowest, as PyTorch has them."""
    x = L.Reshape((6, 5, 2, 2, 2))(conv(8)(x))
    return L.Reshape((12, 10, 2))(L.Permute((1, 4, 2, 5, 3))(x))


def space_to_depth(x):
    return conv(2)(to_depth(x, 4, 4, 2))


def depthwise_between(x):
    return shuffled(L.DepthwiseConv2D(3, padding="same")(to_depth(x, 4, 4, 2)), 4, 4, 2)


def groups_between(x):
    return shuffled(conv(8, groups=2)(to_depth(x, 4, 4, 2)), 4, 4, 2)


def passed_through(x):
    """The detail of YOLOv2: half the resolution, beside the depth."""
    deep = conv(3)(L.AveragePooling2D(2)(x))
    return conv(2)(L.Concatenate()([to_depth(conv()(x), 4, 4, 2), deep]))


def windows(x):
    parts = L.Permute((1, 3, 2, 4, 5))(L.Reshape((2, 4, 2, 4, 2))(x))
    tokens = L.Reshape((4, 16, 2))(parts)
    tokens = L.MultiHeadAttention(1, 2, attention_axes=(2,))(tokens, tokens)
    parts = L.Permute((1, 3, 2, 4, 5))(L.Reshape((2, 2, 4, 4, 2))(tokens))
    return conv(1)(L.Add()([x, L.Reshape((8, 8, 2))(parts)]))


def grid_of_windows(x):
    """Attention among every other position, as MaxViT's grid has it."""
    parts = L.Permute((2, 4, 1, 3, 5))(L.Reshape((4, 2, 4, 2, 2))(x))
    tokens = L.Reshape((4, 16, 2))(parts)
    tokens = L.MultiHeadAttention(1, 2, attention_axes=(2,))(tokens, tokens)
    parts = L.Permute((3, 1, 4, 2, 5))(L.Reshape((2, 2, 4, 4, 2))(tokens))
    return L.Reshape((8, 8, 2))(parts)


def windows_in_the_batch(x):
    parts = ops.transpose(ops.reshape(x, (-1, 2, 4, 2, 4, 2)), (0, 1, 3, 2, 4, 5))
    tokens = ops.reshape(parts, (-1, 16, 2))
    tokens = L.MultiHeadAttention(1, 2)(tokens, tokens)
    parts = ops.transpose(ops.reshape(tokens, (-1, 2, 2, 4, 4, 2)), (0, 1, 3, 2, 4, 5))
    return conv(1)(x + ops.reshape(parts, (-1, 8, 8, 2)))


def patches(x):
    x = L.Reshape((4, 3))(L.Conv2D(3, 4, strides=4)(x))
    return L.Dense(2)(L.LayerNormalization()(x))


def tokens_with_a_class(x):
    x = L.Reshape((4, 3))(L.Conv2D(3, 4, strides=4)(x))
    token = L.Reshape((1, 3))(L.Dense(3)(L.GlobalAveragePooling1D()(x)))
    return L.Concatenate(axis=1)([token, x])


def convolution_over_tokens(x):
    return L.Conv1D(3, 4, strides=2)(L.Reshape((64, 3))(conv(3)(x)))


def mixing_of_tokens(x):
    x = L.Reshape((4, 3))(L.Conv2D(3, 4, strides=4)(x))
    return L.Add()([x, L.Permute((2, 1))(L.Dense(4)(L.Permute((2, 1))(x)))])


def detection(x):
    large = conv(4, strides=2)(x)
    heads = [L.Reshape((-1, 4))(conv(8)(level)) for level in (large, conv(4, strides=2)(large))]
    return L.Concatenate(axis=1)(heads)


def rows_that_do_not_divide(x):
    return conv(1, padding="valid")(L.Reshape((16, 4, 3))(conv(3)(x)))


def flat_and_back(x):
    return L.Reshape((4, 16, 2))(L.Flatten()(conv()(x)))


def flat_and_dense(x):
    return L.Dense(3)(L.Flatten()(conv(padding="valid")(x)))


def columns_as_steps(x):
    """A network that reads text: columns of pixels in order."""
    x = L.Permute((2, 1, 3))(L.AveragePooling2D(2)(conv(3)(x)))
    return L.LSTM(2, return_sequences=True)(L.Reshape((4, 12))(x))


def one_channel_left_out(x):
    return L.LSTM(2, return_sequences=True)(L.Reshape((8, 8))(conv(1)(x)))


PLANES = (
    *(space_to_depth, depthwise_between, groups_between, passed_through, windows),
    *(grid_of_windows, windows_in_the_batch, patches, tokens_with_a_class, convolution_over_tokens),
    *(mixing_of_tokens, detection, rows_that_do_not_divide, flat_and_back, flat_and_dense),
    *(columns_as_steps, one_channel_left_out),
)


# Channels that become places


def interleaved(x):
    return L.Reshape((18, 2))(L.Concatenate()([L.Conv1D(2, 3, padding="same")(x), x]))


def zeros_between(x):
    x = ops.pad(x, ((0, 0), (0, 0), (0, 2)))
    return L.Conv1D(1, 1, use_bias=False)(L.Reshape((18, 2))(x))


def half_of_the_channels(x):
    return L.Concatenate()([L.Conv1D(2, 3, padding="same")(x), x])[..., 2:]


# Recurrence and attention


def recurrence_after_a_stride(x):
    x = L.Conv1D(2, 3, strides=2, padding="same")(x)
    return L.Conv1D(1, 2)(L.LSTM(2, return_sequences=True)(x))


def recurrence_backwards(x):
    return L.GRU(2, return_sequences=True, go_backwards=True)(x)


def both_ways(x):
    return L.Bidirectional(L.LSTM(2, return_sequences=True))(x)


def both_ways_apart(x):
    forwards, backwards = L.Bidirectional(L.SimpleRNN(2, return_sequences=True), merge_mode=None)(x)
    return L.Concatenate()([forwards[:, 4:], backwards[:, :5]])


def state_of_a_recurrence(x):
    return L.LSTM(2, return_sequences=True, return_state=True)(x)[2]


def encoder_and_decoder(x):
    _, *state = L.LSTM(2, return_sequences=True, return_state=True)(x[:, :5])
    return L.LSTM(2, return_sequences=True)(x[:, 5:], initial_state=state)


def causal_attention(x):
    x = L.Conv1D(2, 2, padding="causal")(x)
    return L.MultiHeadAttention(1, 2)(x, x, use_causal_mask=True)


def causal_attention_to_others(x):
    return L.Attention()([x, x[:, 2:6]], use_causal_mask=True)


def attention_to_others(x):
    return L.AdditiveAttention()([x, L.AveragePooling1D(2)(x)[:, :2]])


# Borders, orders, activations


def padding_after_a_softmax(x):
    return L.Conv1D(1, 2)(L.ZeroPadding1D((3, 2))(L.Softmax(axis=1)(x)))


def repeated(x):
    x = L.RepeatVector(4)(L.GlobalAveragePooling1D()(L.Conv1D(2, 3)(x)))
    return L.ZeroPadding1D(1)(x)


def turned_round(x):
    return L.Conv1D(1, 2, padding="causal")(L.Conv1D(2, 3, padding="causal")(x)[:, ::-2])


def beside_itself_turned_round(x):
    x = L.Conv1D(2, 3, padding="causal")(x)
    return x + x[:, ::-1]


def end_to_end(x):
    return L.Conv1D(1, 2)(L.Concatenate(axis=1)([L.Conv1D(2, 3)(x), x]))


def activation_along_places(x):
    return L.Conv1D(2, 3, activation=lambda t: ops.softmax(t, axis=1))(x)


def activation_along_channels(x):
    return L.Activation(lambda t: t * ops.mean(t, axis=-1, keepdims=True))(x)


LINES = (
    *(interleaved, zeros_between, half_of_the_channels, recurrence_after_a_stride),
    *(recurrence_backwards, both_ways, both_ways_apart, state_of_a_recurrence),
    *(encoder_and_decoder, causal_attention, causal_attention_to_others, attention_to_others),
    *(padding_after_a_softmax, repeated, turned_round, beside_itself_turned_round, end_to_end),
    *(activation_along_places, activation_along_channels),
)


# Paths that see nothing but padding


def dead_above_and_below(x):
    wide = L.ZeroPadding2D(((2, 0), (0, 0)))(conv(1, (1, 5))(x))
    return L.Add()([wide, L.ZeroPadding2D(((0, 2), (0, 0)))(x)])


def dead_and_convolved(x):
    return conv(1, (2, 3))(L.ZeroPadding2D(1)(dead_above_and_below(x)))


def dead_along_both(x):
    x = dead_above_and_below(x)
    left = L.ZeroPadding2D(((0, 0), (2, 1)))(x)
    return L.Average()([left, L.ZeroPadding2D(((0, 0), (0, 3)))(conv(1)(x))])


def dead_phases(x):
    wide = L.Conv2DTranspose(1, (1, 3), strides=(2, 1), padding="same")(x)
    return L.Add()([wide, L.Conv2DTranspose(1, (3, 1), strides=(2, 1), padding="same")(x)])


def dead_tokens(x):
    x = L.ZeroPadding2D(((0, 1), (2, 0)))(conv()(x))
    return L.Conv1D(1, 2)(L.Reshape((63, 2))(x))


def odd_size(x):
    half = L.AveragePooling2D(2, padding="same")(x)
    return conv(1)(L.Add()([x, L.Resizing(6, 9)(half)]))


def pyramid(x):
    levels = [conv(2, strides=2)(x)]
    for _ in range(2):
        levels.append(conv(2, strides=2)(levels[-1]))
    up = levels.pop()
    while levels:
        level = levels.pop()
        size = level.shape[1:3]
        up = L.Add()([level, L.Resizing(*size, interpolation="nearest")(up)])
    return conv(1)(up)


UNEVEN = (
    *(dead_above_and_below, dead_and_convolved, dead_along_both, dead_phases, dead_tokens),
    *(odd_size, pyramid),
)


def named(builders):
    return pytest.mark.parametrize("build", builders, ids=lambda build: build.__name__)


def compare(model, input_size=None, **channels):
    """Compare what every unit of the last layer sees with its gradient."""
    expected = touched(model, input_size, **channels)
    final = analyse(model, input_size).final
    assert final.unknown is None
    assert {unit: final.input_range(unit) for unit in expected} == expected
    return final


@named(PLANES)
def test_planes(build):
    start = keras.Input((8, 8, 2))
    compare(keras.Model(start, build(start)))


@named((pixel_shuffle, pixel_shuffle_after_torch))
def test_pixels_out_of_channels(build):
    start = keras.Input((6, 5, 2))
    final = compare(keras.Model(start, build(start)))
    assert final.effective_stride == 1 / 2


@named(LINES)
def test_lines(build):
    start = keras.Input((9, 2))
    compare(keras.Model(start, build(start)))


@named(UNEVEN)
def test_uneven(build):
    start = keras.Input((6, 9 if build is odd_size else 7, 1))
    compare(keras.Model(start, build(start)))


@named((detection, patches, passed_through, columns_as_steps))
def test_sizes_that_the_model_leaves_open(build):
    start = keras.Input((8, 8, 2))
    fixed = analyse(keras.Model(start, build(start))).final
    open_start = keras.Input((None, None, 2))
    try:
        model = keras.Model(open_start, build(open_start))
    except ValueError:
        pytest.skip("Keras itself does not build it without a size")
    assert analyse(model, (8, 8)).final.units == fixed.units
    compare(model, (8, 8))


def test_tokens_of_a_picture_that_is_open_along_one_axis():
    start = keras.Input((None, 6, 1))
    model = keras.Model(start, L.Reshape((-1, 2))(L.Conv2D(2, 3)(start)))
    final = analyse(model).final
    assert final.units == {1: None} and "give input_size" in final.axes[0].why_no_stride
    compare(model, (5, 6))


@pytest.mark.parametrize("behind", [L.Identity(), L.Conv2D(2, 3, padding="same")])
def test_units_that_see_nothing_where_one_axis_is_open(behind):
    start = keras.Input((4, None, 2))
    single = L.Conv2DTranspose(2, 1, (1, 2))(start)
    double = L.Conv2DTranspose(2, (3, 2), (1, 2), padding="same")(start)
    model = keras.Model(start, behind(L.Add()([single, double])))
    final, sized = analyse(model).final, analyse(model, (4, 5)).final
    assert final.units == {1: 4, 2: None}
    assert final.sizes_by_phase == sized.sizes_by_phase
    compare(model, (4, 5))


def test_a_border_in_time_made_of_zeros_where_one_axis_is_open():
    start = keras.Input((4, None, 2))
    shifted = keras.ops.concatenate([keras.ops.zeros_like(start[:, :1]), start[:, :-1]], axis=1)
    final = analyse(keras.Model(start, conv(kernel=(1, 3))(shifted))).final
    assert final.units == {1: 4, 2: None}
    assert [final.axes[0].input_range(unit) for unit in range(3)] == [None, (0, 0), (1, 1)]


def test_pictures_that_were_moved_behind_queries_and_keys_are_no_places():
    start = keras.Input((6, 3))
    heads = keras.ops.reshape(L.Dense(12)(start), (-1, 6, 3, 2, 2))
    final = analyse(keras.Model(start, keras.ops.transpose(heads, (2, 0, 3, 1, 4)))).final
    assert final.units == {2: 2, 3: 6}
    assert final.input_range((1, 4)) == ((4, 4),)


class TestStrides:
    def test_what_a_reshape_keeps_has_one(self):
        start = keras.Input((16, 16, 1))
        final = analyse(keras.Model(start, space_to_depth_of(start))).final
        assert (final.size, final.effective_stride, final.effective_padding) == (2, 2, 0)

    def test_tokens_have_none_and_say_why(self):
        start = keras.Input((8, 8, 2))
        final = analyse(keras.Model(start, patches(start))).final
        assert final.size == 4 and final.units == {1: 4} and final.dims == (1, 1)
        for axis in final.axes:
            assert axis.effective_stride is None
            assert (
                axis.why_no_stride == "units are counted along several axes or dimensions at once"
            )

    def test_what_takes_turns_has_none(self):
        start = keras.Input((8, 8, 2))
        for axis in analyse(keras.Model(start, conv(1)(grid_of_windows(start)))).final.axes:
            assert axis.size == 8
            assert axis.effective_stride is None and axis.why_no_stride

    def test_paths_of_different_strides_have_none_and_say_why(self):
        start = keras.Input((6, 9, 1))
        half = L.AveragePooling2D(2, padding="same")(start)
        sum_of_both = L.Add(name="sum")([start, L.Resizing(6, 9)(half)])
        result = analyse(keras.Model(start, sum_of_both))
        assert result.final.axes[0].effective_stride == 1
        assert result.final.axes[1].effective_stride is None
        why = "joins paths of effective strides 1 and 10/9"
        assert result.final.axes[1].why_no_stride == why
        assert f"No common stride (–) from sum on: {why}." in str(result)


def space_to_depth_of(x):
    return to_depth(x, 8, 8, 1)


class TestAxesOfTheInput:
    """Which dimensions of the input are places."""

    def test_channels_first_by_permuting(self):
        start = keras.Input((9, 8, 2))
        x = L.ZeroPadding2D(((1, 0), (0, 2)), data_format="channels_first")(
            L.Permute((3, 1, 2))(start)
        )
        x = L.UpSampling2D((2, 1), data_format="channels_first")(x)
        final = compare(keras.Model(start, x), channels=1)
        assert final.dims == (2, 3)

    def test_channels_first_from_the_beginning(self):
        start = keras.Input((2, 6, 5))
        x = conv()(L.Permute((2, 3, 1))(start))
        model = keras.Model(start, L.Permute((3, 1, 2))(x))
        assert analyse(model).input_dims == (2, 3)
        compare(model, channels=1, input_channels=1)

    def test_a_picture_without_channels(self):
        start = keras.Input((9, 8))
        x = conv(1, (3, 2), padding="valid")(L.Reshape((9, 8, 1))(L.Rescaling(2.0)(start)))
        model = keras.Model(start, x)
        assert analyse(model).input_dims == (1, 2)
        compare(model, input_channels=None)

    def test_a_picture_without_channels_that_becomes_depth(self):
        start = keras.Input((8, 8))
        model = keras.Model(start, conv()(space_to_depth_from_flat(start)))
        assert analyse(model).input_dims == (1, 2)
        compare(model, input_channels=None)

    def test_pixels_in_a_row(self):
        start = keras.Input((72,))
        model = keras.Model(start, conv(1, (3, 2))(L.Reshape((9, 8, 1))(start)))
        assert analyse(model).final.dims == ((1, 2),)
        compare(model, input_channels=None)

    def test_steps_of_pictures(self):
        start = keras.Input((3, 6, 6, 1))
        x = L.TimeDistributed(L.Flatten())(L.TimeDistributed(L.Conv2D(2, 3))(start))
        compare(keras.Model(start, L.GRU(2, return_sequences=True)(x)))

    def test_what_no_layer_settles_is_as_keras_is_set(self):
        start = keras.Input((6, 5))
        model = keras.Model(start, L.Rescaling(2.0)(start))
        assert analyse(model).input_dims == (1,)

    def test_the_caller_may_settle_it(self):
        start = keras.Input((6, 5))
        model = keras.Model(start, L.Rescaling(2.0)(start))
        assert analyse(model, input_axes=(1, 2)).input_size == (6, 5)
        assert analyse(model, input_axes=2).final.dims == (2,)

    def test_layers_that_contradict_each_other(self):
        """Rows beside columns: neither may count as the channels of the other in silence."""
        start = keras.Input((9, 7))
        rows = L.Conv1D(2, 3, padding="same", name="rows")(start)
        columns = L.Conv1D(9, 3, padding="same", name="columns")(L.Permute((2, 1))(start))
        columns = L.Dense(2)(L.Permute((2, 1))(columns))
        model = keras.Model(start, L.Add()([rows, columns]))
        said = r"'columns' takes dimension 1 .* for channels, and 'rows' takes it for places: .*"
        with pytest.raises(ValueError, match=said + r"input_axes=\(2,\)\.$"):
            analyse(model)
        assert analyse(model, input_axes=(1,))["rows"].size == 3
        assert analyse(model, input_axes=(2,))["columns"].size == 3
        assert analyse(model, input_axes=(1, 2))["columns"].input_range(3)[1] == (2, 4)

    def test_rows_of_a_picture_beside_the_picture(self):
        start = keras.Input((9, 8))
        rows = L.Dense(3)(L.Dense(3)(L.LSTM(3, name="rows")(start)))
        x = L.GlobalMaxPooling2D()(L.Conv2D(2, 3, name="conv")(L.Reshape((9, 8, 1))(start)))
        with pytest.raises(ValueError, match=r"'rows' takes dimension 2 .* 'conv' takes it for"):
            analyse(keras.Model(start, L.Concatenate()([rows, x])))

    def test_channels_that_become_pixels_contradict_nothing(self):
        start = keras.Input((6, 5, 4))
        pixels = shuffled(start, 6, 5, 1)
        beside = L.UpSampling2D()(conv(1)(start))
        model = keras.Model(start, L.Add()([L.ZeroPadding2D(0)(pixels), beside]))
        assert compare(model).dims == (1, 2)

    def test_weights_of_channels_contradict_nothing(self):
        """What convolves along pooled channels makes no places of them."""
        start = keras.Input((9, 8, 4))
        x = L.DepthwiseConv2D(3, padding="same")(start)
        gate = L.Conv1D(1, 3, padding="same")(L.Reshape((4, 1))(L.GlobalAveragePooling2D()(x)))
        x = conv()(L.Multiply()([x, L.Reshape((1, 1, 4))(gate)]))
        assert analyse(keras.Model(start, x)).input_dims == (1, 2)

    @pytest.mark.parametrize("axes", [(0, 1), (2, 1), (1, 1), (3,), (), "1", 1.5])
    def test_axes_that_do_not_fit(self, axes):
        start = keras.Input((6, 5))
        with pytest.raises(ValueError, match=r"input_axes=.* does not fit: give the spatial"):
            analyse(keras.Model(start, L.Rescaling(2.0)(start)), input_axes=axes)


def space_to_depth_from_flat(x):
    return L.Reshape((4, 4, 4))(L.Permute((1, 3, 2, 4))(L.Reshape((4, 2, 4, 2))(x)))


def test_units_between_others_that_read_nothing():
    """A stride beyond the kernel leaves gaps, along what is no axis of the input too."""
    start = keras.Input((6, 5, 2))
    options = {"strides": (1, 3), "output_padding": 0, "data_format": "channels_first"}
    model = keras.Model(start, L.Conv2DTranspose(1, (2, 1), **options)(start))
    final = analyse(model, input_axes=(1, 2)).final
    seen = [final.input_range((0, unit)) for unit in range(4)]
    assert seen == [((0, 5), (0, 0)), None, None, ((0, 5), (0, 0))]


def test_contrast_is_of_the_whole_picture():
    start = keras.Input((6, 5, 3))
    final = analyse(keras.Model(start, L.AutoContrast(value_range=(0, 1))(start))).final
    assert final.input_range((2, 2)) == ((0, 5), (0, 4))


def test_a_place_that_a_reshape_leaves_alone_meets_one_that_is_cut_out():
    start = keras.Input((2, 4, 8))
    depth = to_depth(start, 1, 2, 8)
    joined = L.Concatenate(axis=3)([depth[:, 0:1, 0:1], L.CenterCrop(1, 1)(depth)])
    final = analyse(keras.Model(start, joined)).final
    for unit in range(64):
        row, column = unit % 32 // 16, unit % 16 // 8
        assert final.input_range((0, 0, unit)) == ((row, row), (column, column))


def test_outputs_have_rows_of_their_own():
    start = keras.Input((9, 2))
    every, last, _ = L.LSTM(2, return_sequences=True, return_state=True, name="lstm")(start)
    result = analyse(keras.Model(start, [every, last]))
    assert result.outputs == ("lstm", "lstm [1]")
    assert [result[name].input_range(place) for name, place in (("lstm", 3), ("lstm [1]", ()))] == [
        ((0, 3),),
        ((0, 8),),
    ]
