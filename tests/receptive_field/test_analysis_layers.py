"""Each kind of layer by itself, borders and all: ``analyse`` against both oracles."""

import keras
import numpy as np
import pytest
from keras import layers
from lacking import where_keras_has
from reaching_positions import positions_of, written_out

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.oracle import gradient_extent

SIZE = 17


def line(*chain, size=SIZE):
    return keras.Sequential([keras.Input((size, 1)), *chain])


def plane(*chain, size=(SIZE, SIZE + 3), **keywords):
    return keras.Sequential([keras.Input((*size, 2), **keywords), *chain])


def joined(*branches, size=SIZE):
    start = keras.Input((size, 2))
    ends = [branch(start) for branch in branches]
    return keras.Model(start, ends[0] if len(ends) == 1 else layers.Add()(ends))


L = layers
CHAINS = {
    "valid": [L.Conv1D(1, 4)],
    "same even kernel": [L.Conv1D(1, 4, padding="same")],
    "same with stride": [L.Conv1D(1, 5, strides=3, padding="same")],
    "stride above kernel": [L.Conv1D(1, 2, strides=5), L.Conv1D(1, 2)],
    "same, stride above kernel": [L.Conv1D(1, 2, strides=5, padding="same")],
    "causal": [L.Conv1D(1, 3, dilation_rate=2, padding="causal"), L.Conv1D(1, 2)],
    "dilation": [L.Conv1D(1, 3, dilation_rate=4), L.Conv1D(1, 2)],
    "same and dilation": [L.Conv1D(1, 3, dilation_rate=5, padding="same")],
    "groups": [L.Conv1D(4, 3), L.Conv1D(4, 3, groups=2)],
    "depthwise": [L.Conv1D(2, 2), L.DepthwiseConv1D(3, strides=2, padding="same")],
    "separable": [L.SeparableConv1D(2, 3, strides=2)],
    "transposed": [L.Conv1DTranspose(1, 3, strides=2)],
    "transposed same": [L.Conv1DTranspose(1, 4, strides=2, padding="same")],
    "transposed same odd": [L.Conv1DTranspose(1, 5, strides=3, padding="same")],
    "transposed, kernel below stride": [L.Conv1DTranspose(1, 2, strides=4)],
    "transposed same, kernel below stride": [
        L.Conv1DTranspose(1, 2, strides=4, padding="same"),
        L.Conv1D(1, 2),
    ],
    "transposed with output padding": [
        L.Conv1DTranspose(1, 4, strides=3, padding="same", output_padding=1)
    ],
    "transposed valid with output padding": [L.Conv1DTranspose(1, 3, strides=3, output_padding=2)],
    "pool": [L.MaxPooling1D(3, 2)],
    "pool same": [L.MaxPooling1D(3, 2, padding="same"), L.AveragePooling1D(2)],
    "padding": [L.ZeroPadding1D((2, 1)), L.Conv1D(1, 4)],
    "cropping": [L.Cropping1D((3, 1)), L.Conv1D(1, 2)],
    "cropping behind only": [L.Cropping1D((0, 2)), L.Conv1D(1, 2)],
    "padding behind only": [L.ZeroPadding1D((0, 2)), L.Conv1D(1, 2)],
    "crop, then pad": [L.Cropping1D((3, 2)), L.ZeroPadding1D((4, 1)), L.Conv1D(1, 3)],
    "upsampling": [L.UpSampling1D(3), L.Conv1D(1, 2)],
    "down and up": [L.MaxPooling1D(4), L.UpSampling1D(4), L.Conv1D(1, 3, padding="same")],
    "encoder and decoder": [
        L.Conv1D(2, 3, strides=2, padding="same"),
        L.Conv1D(2, 3, strides=2, padding="same"),
        L.Conv1DTranspose(2, 3, strides=2, padding="same"),
        L.Conv1DTranspose(1, 4, strides=2),
    ],
    "global pooling keeps": [L.Cropping1D(2), L.GlobalMaxPooling1D(keepdims=True)],
    "element-wise": [
        L.Conv1D(2, 3),
        L.BatchNormalization(),
        L.ReLU(),
        L.Activation("softmax"),
        L.Dropout(0.5),
        L.Dense(3),
        L.LayerNormalization(),
        L.SpatialDropout1D(0.1),
        L.Conv1D(1, 2),
    ],
    "softmax along the axis": [L.Conv1D(2, 3), L.Softmax(axis=1)],
    "normalised along the axis": [L.Conv1D(2, 3), L.LayerNormalization(axis=(1, 2))],
    "group normalisation": [L.Conv1D(2, 3), L.GroupNormalization(groups=2)],
}


def check(model, gradient=True, **options):
    """Compare every unit on the first axis, the others in the middle, with the oracles."""
    result, script = analyse(model, **options), written_out(model)
    final = result.final
    places = [(axis.output_size or 1) // 2 for axis in final.axes]
    for i, axis in enumerate(final.axes):
        if final.dims[i] is not None:
            assert axis.output_size == model.outputs[0].shape[final.dims[i]]
        for unit in range(axis.output_size or 1):
            place = [*places[:i], unit, *places[i + 1 :]]
            ranges = [a.input_range(u) for a, u in zip(final.axes, place, strict=True)]
            unit_place = tuple(
                p for p, dim in zip(place, final.dims, strict=True) if dim is not None
            )
            found = positions_of(script, unit=unit_place, **options)
            hulls = [(p[0], p[-1]) if p.size else None for p in found]
            # Nothing but padding along one axis is nothing at all.
            assert hulls[i] == (None if None in ranges else ranges[i]), f"unit {place}"
            if axis.fields is not None and hulls[i] is not None:
                assert set(found[i]) <= theoretical(axis, unit)
    if gradient:
        last = tuple(
            axis.output_size // 2
            for axis, dim in zip(final.axes, final.dims, strict=True)
            if dim is not None
        )
        ranges = tuple(axis.input_range((axis.output_size or 1) // 2) for axis in final.axes)
        expected = (None,) * len(ranges) if None in ranges else ranges
        assert gradient_extent(model, unit=last, **options) == expected
    return result


def theoretical(axis, unit):
    """Write the set of one unit out, borders left aside."""
    field = axis.fields.of(unit)
    if field is None:
        return set()
    mask = field.mask if field.mask is not None else (1 << field.width) - 1
    return {field.first + i for i in range(field.width) if mask >> i & 1}


@pytest.mark.parametrize("name", CHAINS)
def test_every_unit_of_a_chain(name):
    check(line(*CHAINS[name]))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8])
@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("kind", [L.MaxPooling1D, L.Conv1D])
def test_same_padding_at_small_sizes(kind, kernel, size):
    first = (1, kernel, 3) if kind is L.Conv1D else (kernel, 3)
    check(line(kind(*first, padding="same"), size=size))


@pytest.mark.parametrize("way", where_keras_has("nearest", "bilinear", "bicubic", "lanczos3"))
def test_upsampling_of_pictures(way):
    model = plane(L.UpSampling2D((2, 3), interpolation=way), L.Conv2D(1, 2), size=(9, 8))
    check(model, gradient=way in ("nearest", "bilinear"))


@pytest.mark.parametrize(("height", "width"), [(5, 9), (24, 18), (17, 23)])
@pytest.mark.parametrize("way", ["nearest", "bilinear"])
def test_resizing(height, width, way):
    check(plane(L.Resizing(height, width, interpolation=way), size=(17, 20)))


@pytest.mark.parametrize(
    "chain",
    [
        [L.Conv2D(2, (2, 5), strides=(1, 2)), L.MaxPooling2D((3, 1))],
        [L.ZeroPadding2D(((1, 2), (3, 0))), L.Conv2D(1, 3), L.Cropping2D(((0, 1), (2, 2)))],
        [L.Conv2D(2, 3, dilation_rate=(2, 3)), L.DepthwiseConv2D((3, 2))],
        [L.SeparableConv2D(2, (3, 2), padding="same"), L.Conv2DTranspose(1, (3, 4), (2, 1))],
        [L.Conv2D(2, 3), L.GlobalAveragePooling2D()],
        [L.Conv2D(2, 3), L.Flatten(), L.Dense(4)],
        [L.Permute((2, 1, 3)), L.Conv2D(1, (2, 5)), L.Permute((2, 1, 3))],
        [L.PReLU(), L.Conv2D(1, 3)],
    ],
    ids=lambda chain: "-".join(type(layer).__name__ for layer in chain),
)
def test_two_axes_that_differ(chain):
    check(plane(*chain, size=(16, 13)))


def test_three_axes():
    check(
        keras.Sequential(
            [
                keras.Input((9, 8, 7, 1)),
                L.Conv3D(1, (1, 2, 3), strides=(2, 1, 1)),
                L.MaxPooling3D((2, 3, 1), padding="same"),
                L.UpSampling3D((1, 2, 1)),
                L.ZeroPadding3D(((1, 0), (0, 1), (2, 2))),
                L.Cropping3D(((0, 1), (0, 0), (1, 0))),
            ]
        )
    )


@pytest.mark.skipif(
    not hasattr(L, "AdaptiveAveragePooling1D"), reason="this Keras has no adaptive pooling"
)
@pytest.mark.parametrize("bins", [1, 4, 5, 17])
def test_adaptive_pooling(bins):
    check(line(L.AdaptiveAveragePooling1D(bins)))


def test_branches():
    check(
        joined(
            lambda x: L.Conv1D(2, 3, strides=2, padding="same")(x),
            lambda x: L.Conv1D(2, 5, strides=2, padding="same", dilation_rate=1)(x),
            lambda x: L.MaxPooling1D(1, 2)(x),
        )
    )


def test_branches_side_by_side():
    start = keras.Input((SIZE, 2))
    wide, narrow = L.Conv1D(1, 3)(start), L.Cropping1D(1)(L.Conv1D(3, 1)(start))
    check(keras.Model(start, L.Conv1D(1, 2)(L.Concatenate()([wide, narrow]))))


def test_operations():
    start = keras.Input((SIZE, 6, 2))
    tensor = keras.ops.relu(L.Conv2D(2, 3)(start)) * 2.0 + 1.0
    tensor = tensor[:, 1:-2, ..., :] - tensor[:, 2:-1, :]
    tensor = keras.ops.pad(tensor, ((0, 0), (2, 1), (0, 0), (0, 0)))
    check(keras.Model(start, tensor[:, ::3]))


@pytest.mark.parametrize("kept", [True, False])
def test_means_along_an_axis(kept):
    start = keras.Input((SIZE, 9, 2))
    tensor = keras.ops.mean(L.Conv2D(2, 3)(start), axis=1, keepdims=kept)
    result = analyse(keras.Model(start, tensor))
    height, width = result.final.axes
    assert height.is_global
    assert (width.size, width.output_size) == (3, 7)
    assert result.final.dims == ((1, 2) if kept else (None, 1))


def test_a_chosen_position():
    start = keras.Input((SIZE, 1))
    final = analyse(keras.Model(start, L.Conv1D(2, 3)(start)[:, 4])).final
    assert final.axes[0].input_range(0) == (4, 6)


@pytest.mark.parametrize(
    ("chain", "whole"),
    [
        ([L.LSTM(3)], True),
        ([L.GRU(3, return_sequences=True)], False),
        ([L.Bidirectional(L.LSTM(2, return_sequences=True))], True),
        ([L.TimeDistributed(L.Dense(3))], False),
        ([L.EinsumDense("abc,cd->abd", output_shape=(None, 3))], False),
        ([L.EinsumDense("abc,bd->adc", output_shape=(3, 1))], True),
    ],
)
def test_layers_over_time(chain, whole):
    assert analyse(line(*chain)).final.axes[0].is_global is whole


def test_attention_sees_everything():
    start = keras.Input((SIZE, 4))
    tensor = L.MultiHeadAttention(2, 2)(start, L.MaxPooling1D(2)(start))
    axis = analyse(keras.Model(start, tensor)).final.axes[0]
    assert axis.is_global
    assert axis.output_size == SIZE


def test_a_layer_inside_time_distribution():
    model = keras.Sequential(
        [keras.Input((4, 12, 10, 1)), L.TimeDistributed(L.Conv2D(2, (3, 5), strides=(2, 1)))]
    )
    final = analyse(model).final
    assert final.size == (1, 3, 5)
    assert final.effective_stride == (1, 2, 1)


def test_reshapes_that_keep_an_axis_and_that_do_not():
    start = keras.Input((SIZE, 6))
    kept = analyse(
        keras.Model(start, L.Reshape((SIZE, 2, 3))(L.Conv1D(6, 3, padding="same")(start)))
    )
    assert kept.final.size == 3
    lost = analyse(keras.Model(start, L.Reshape((6, SIZE))(start)))
    # Unit u reads entries 17u to 17u + 16 of rows of six.
    assert [lost.final.input_range(u) for u in range(6)] == [
        ((17 * u // 6, (17 * u + 16) // 6),) for u in range(6)
    ]


def test_squeeze_and_excitation_against_both_oracles():
    start = keras.Input((20, 12, 4))
    tensor = L.Conv2D(4, 3, padding="same")(start)
    gate = L.Dense(4)(L.GlobalAveragePooling2D(keepdims=True)(tensor))
    model = keras.Model(start, L.Conv2D(2, 3)(L.Multiply()([tensor, gate])))
    check(model)
    check(model, squeeze_excitation="ignore")


def test_the_check_itself_can_fail():
    """A rule that is wrong by one position must not slip through."""
    right = line(L.Conv1D(1, 3, padding="same"))
    wrong = analyse(line(L.Conv1D(1, 3), size=SIZE + 2)).final.axes[0]
    script = written_out(right)
    found = [positions_of(script, unit=(u,))[0] for u in range(SIZE)]
    assert [(p[0], p[-1]) for p in found] != [wrong.input_range(u) for u in range(SIZE)]
    assert np.array_equal(found[0], [0, 1])
