"""Layers with a rule of their own kind: what ``analyse`` says against what changes."""

from functools import partial

import keras
import numpy as np
import pytest
from changing_positions import changed_by_position, check_every_unit
from keras import layers, ops

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.reads import Axis
from labkit.receptive_field.rule_registry import known_rule

L = layers


def one(layer, *shape):
    start = keras.Input(shape)
    return keras.Model(start, layer(start))


@pytest.mark.parametrize(
    "options",
    [
        {"padding": "same"},
        {"padding": "valid"},
        {"padding": "valid", "strides": 2},
        {"padding": "same", "strides": 3},
        {"padding": "valid", "dilation_rate": 2},
    ],
)
@pytest.mark.parametrize("kernel", [2, 3])
def test_a_convolutional_recurrence_of_known_length(kernel, options):
    layer = L.ConvLSTM1D(2, kernel, activation="linear", **options)
    check_every_unit(one(layer, 3, 14, 2), analyse)


def test_a_convolutional_recurrence_far_from_the_borders():
    model = one(L.ConvLSTM2D(2, (3, 5)), 4, 60, 60, 1)
    assert analyse(model).final.size == (4, 3 + 3 * 2, 5 + 3 * 4)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": "same", "go_backwards": True},
        {"strides": 2, "return_state": True},
        {"padding": "same", "dilation_rate": 2},
    ],
)
@pytest.mark.parametrize("kernel", [2, 3])
def test_every_step_of_a_convolutional_recurrence(kernel, options):
    layer = L.ConvLSTM1D(1, kernel, activation="linear", return_sequences=True, **options)
    start = keras.Input((4, 11, 1))
    made = keras.tree.flatten(layer(start))
    check_every_unit(keras.Model(start, made[0]), analyse)
    for state in made[1:]:
        check_every_unit(keras.Model(start, state), analyse)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_convolutional_recurrences_one_upon_the_other(data_format):
    """Their field widens twice as fast: a step of the second reads all those before it."""
    options = {"return_sequences": True, "data_format": data_format, "padding": "same"}
    first = data_format == "channels_first"
    start = keras.Input((5, 1, 64, 64) if first else (5, 64, 64, 1))
    x = L.ConvLSTM2D(1, (3, 1), **options)(start)
    final = analyse(keras.Model(start, L.ConvLSTM2D(1, (3, 1), **options)(x))).final
    last_step, first_step = (4, 32, 32), (0, 32, 32)
    assert final.input_range(first_step) == ((0, 0), (30, 34), (32, 32))
    assert final.input_range(last_step) == ((0, 4), (26, 38), (32, 32))


@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "go_backwards": True}])
def test_a_convolutional_recurrence_of_steps_that_see_differently_far(options):
    start = keras.Input((3, 11, 1))
    first = {"strides": 2, "padding": "same", "return_sequences": True}
    x = L.ConvLSTM1D(1, 3, activation="linear", **first)(start)
    x = L.ConvLSTM1D(1, 2, activation="linear", **options)(x)
    check_every_unit(keras.Model(start, x), analyse)


def test_steps_that_cannot_be_followed_are_not_guessed():
    layer = L.ConvLSTM1D(2, 3, return_sequences=True)
    assert "their number is known" in analyse(one(layer, None, 9, 1)).final.unknown


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("reads_itself", [True, False])
def test_a_convolutional_recurrence_starts_from_the_state_of_another(sequences, reads_itself):
    start = keras.Input((3, 9, 1))
    options = {"padding": "same", "activation": "linear"}
    x, *states = L.ConvLSTM1D(1, 3, return_sequences=True, return_state=True, **options)(start)
    x = x[:, :2] if reads_itself else keras.ops.ones((1, 2, 9, 1))
    decoder = L.ConvLSTM1D(1, 2, return_sequences=sequences, **options)
    model = keras.Model(start, decoder(x, initial_state=states))
    check_every_unit(model, analyse, one_by_one=True)


def test_the_memory_that_a_convolutional_recurrence_is_given_is_read_in_place():
    start = keras.Input((9, 1))
    far = L.Conv1D(1, 3, padding="causal", dilation_rate=4)(start)
    near = L.Conv1D(1, 1)(start)
    options = {"padding": "same", "return_sequences": True, "activation": "linear"}
    x = keras.ops.ones((1, 2, 9, 1))
    made = L.ConvLSTM1D(1, 3, **options)(x, initial_state=[near, far])
    check_every_unit(keras.Model(start, made), analyse, one_by_one=True)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("reach", [1, 2, 3, 20])
@pytest.mark.parametrize(
    "kind", [partial(L.MultiHeadAttention, 2, 3), partial(L.GroupQueryAttention, 3, 4, 2)]
)
def test_attention_within_a_sliding_window(kind, reach, causal):
    start = keras.Input((9, 4))
    x = kind(sliding_window=reach)(start, start, use_causal_mask=causal)
    check_every_unit(keras.Model(start, x), analyse)


def test_a_sliding_window_over_another_sequence_is_not_guessed():
    start = keras.Input((9, 4))
    layer = L.MultiHeadAttention(2, 3, sliding_window=2)
    found = analyse(keras.Model(start, layer(start, L.MaxPooling1D(2)(start))))
    assert "a sequence that attends to itself" in found.final.unknown
    masked = layer(start, start, attention_mask=np.tri(9, dtype=bool))
    assert "constant mask" in analyse(keras.Model(start, masked)).final.unknown


def test_an_embedding_on_its_way_back_mixes_features_alone():
    start = keras.Input((9, 4))
    x = L.ReversibleEmbedding(7, 4)(L.Conv1D(4, 3)(start), reverse=True)
    check_every_unit(keras.Model(start, x), analyse)
    # As many entries as features: no shape tells the two ways apart.
    x = L.ReversibleEmbedding(4, 4)(L.DepthwiseConv1D(3)(start), reverse=True)
    check_every_unit(keras.Model(start, L.Conv1D(2, 2)(x)), analyse)


@pytest.mark.parametrize("kind", [L.Attention, lambda **k: L.MultiHeadAttention(2, 3, **k)])
def test_attention_scores(kind):
    start = keras.Input((6, 2))
    query, value = L.Conv1D(2, 3)(start), L.Conv1D(2, 2)(start[:, 1:6])
    layer = kind()
    tensors = (query, value) if isinstance(layer, L.MultiHeadAttention) else ([query, value],)
    _, scores = layer(*tensors, return_attention_scores=True)
    check_every_unit(keras.Model(start, scores), analyse)


def test_attention_scores_of_which_keras_misstates_the_number():
    start = keras.Input((6, 2))
    layer = L.MultiHeadAttention(2, 3)
    _, scores = layer(start, start[:, 1:4], return_attention_scores=True)
    assert scores.shape[2:] == (6, 6)
    assert "of the same length" in analyse(keras.Model(start, scores)).final.unknown


def test_attention_scores_behind_a_causal_mask_are_not_guessed():
    start = keras.Input((6, 2))
    options = {"return_attention_scores": True, "use_causal_mask": True}
    made = L.MultiHeadAttention(2, 3)(start, start, **options)
    assert "without a causal mask" in analyse(keras.Model(start, made[1])).final.unknown
    assert analyse(keras.Model(start, made[0])).final.unknown is None


@pytest.mark.parametrize(
    "options",
    [
        {"window": "hann"},
        {"window": "hamming", "padding": "same"},
        {"window": "hann", "periodic": True, "expand_dims": True},
        {"window": "hamming", "mode": "imag"},
        {"window": "hann", "mode": "psd", "fft_length": 16},
    ],
)
def test_a_spectrogram(options):
    layer = L.STFTSpectrogram(frame_length=8, frame_step=4, **{"mode": "magnitude", **options})
    model = one(layer, 30, 1)
    kernels = model.get_weights()
    check = check_every_unit(model, analyse, keep_weights=True)
    assert all(map(np.array_equal, kernels, model.get_weights()))
    assert check.final.effective_stride == 4


def test_a_hann_window_begins_and_ends_with_zero():
    final = analyse(one(L.STFTSpectrogram(frame_length=256, frame_step=128), 4000, 1)).final
    assert (final.size, final.effective_stride, final.centre) == (254, 128, 127.5)


@pytest.mark.parametrize("window", ["hann", "hamming"])
@pytest.mark.parametrize("length", [16, 12])
def test_a_mel_spectrogram_mirrors_the_ends(length, window):
    layer = L.MelSpectrogram(
        num_mel_bins=4,
        sampling_rate=64,
        fft_length=16,
        sequence_length=length,
        sequence_stride=5,
        window=window,
        min_freq=0,
        power_to_db=False,
    )
    model = one(layer, 41)
    final = analyse(model, input_axes=1).final
    changed = changed_by_position(model, channels=False, raised_by=30.0).any(axis=1)
    assert final.size == length - (window == "hann")
    for unit in range(final.output_size):
        touched = np.flatnonzero(changed[:, unit])
        assert final.axes[0].input_range(unit) == (touched.min(), touched.max())


def test_a_mel_spectrogram_of_which_keras_misstates_the_shape_leaves_the_others():
    layer = L.MelSpectrogram(fft_length=64, sequence_stride=32, name="mel")
    start = keras.Input((3, 200))
    assert layer(start).shape != layer(np.zeros((1, 3, 200))).shape
    found = analyse(keras.Model(start, layer(L.ReLU(name="first")(start))))
    assert found["first"].size == 1
    assert "Keras states another shape" in found["mel"].unknown


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("fft_length", [None, 1, 4, 6, 8, 12])
def test_each_frequency_reads_where_its_wave_is_not_zero(fft_length, part):
    start = keras.Input((8, 1))
    parts = ops.rfft(ops.swapaxes(start, 1, 2), fft_length)
    final = analyse(keras.Model(start, parts), input_axes=(1,)).layers[-2 + part]
    length = fft_length or 8
    turns = np.outer(range(length // 2 + 1), range(min(length, 8))) / length
    waves = np.abs((np.cos, np.sin)[part](2 * np.pi * turns)) > 1e-9
    expected = [np.flatnonzero(wave) for wave in waves]
    expected = [((int(kept[0]), int(kept[-1])),) if len(kept) else None for kept in expected]
    assert [final.input_range(unit) for unit in np.ndindex(*final.units.values())] == expected


def test_the_imaginary_part_of_what_is_real_reads_nothing_at_the_first_frequency():
    start = keras.Input((8, 1))
    line = ops.swapaxes(start, 1, 2)
    made = ops.fft((line, ops.zeros_like(line)))
    real, imaginary = analyse(keras.Model(start, made), input_axes=(1,)).layers[-2:]
    assert [real.input_range(unit) for unit in (0, 2)] == [((0, 7),), ((0, 6),)]
    assert [imaginary.input_range(unit) for unit in (0, 2)] == [None, ((1, 7),)]


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("shape", ["hann", "hamming", None])
@pytest.mark.parametrize("length", [7, 8])
def test_frames_read_where_the_wave_of_some_frequency_is_not_zero(length, shape, part):
    start = keras.Input((24,))
    parts = ops.stft(start, length, 4, length, window=shape, center=False)
    final = analyse(keras.Model(start, parts[part]), input_axes=(1,)).final
    turns = np.outer(range(length // 2 + 1), range(length)) / length
    waves = np.abs((np.cos, np.sin)[part](2 * np.pi * turns)).max(axis=0) > 1e-9
    waves[0] &= shape != "hann"
    kept = 4 + np.flatnonzero(waves)
    assert final.input_range(1) == ((kept[0], kept[-1]),)


def test_frames_of_one_sample_have_no_imaginary_part():
    start = keras.Input((24,))
    parts = ops.stft(start, 1, 1, 1, window=None, center=False)
    assert "the weight 0" in analyse(keras.Model(start, parts[1]), input_axes=(1,)).final.unknown


@pytest.mark.parametrize(
    "options", [{}, {"center": False}, {"window": None}, {"window": "hamming"}, {"length": 9}]
)
@pytest.mark.parametrize("lengths", [(8, 4, 8), (6, 3, 8), (8, 3, 8)])
def test_what_frames_make_that_are_laid_over_each_other(lengths, options):
    start = keras.Input((5, 5))
    made = ops.istft((start, L.Dense(5)(start)), *lengths, **options)
    check_every_unit(keras.Model(start, made), analyse)


def test_what_comes_back_from_frequencies_is_not_guessed():
    start = keras.Input((8, 1))
    back = ops.irfft(ops.rfft(ops.swapaxes(start, 1, 2)))
    assert "padded with zeros" in analyse(keras.Model(start, back)).final.unknown
    line = keras.Input((5, 3))
    longer = keras.Model(line, ops.istft((line, line), 4, 1, 4, length=9))
    assert "shorter than its length" in analyse(longer).final.unknown


@pytest.mark.parametrize(
    ("mode", "shape", "ranges"),
    [
        ("int", (6,), {(0,): ((0, 0),), (5,): ((5, 5),)}),
        ("int", (6, 3), {(5,): ((5, 5),)}),
        ("one_hot", (6,), {(0,): ((0, 0),), (5,): ((5, 5),)}),
        ("one_hot", (6, 1), {(0,): ((0, 0),), (5,): ((5, 5),)}),
        ("count", (6,), {(): ((0, 5),)}),
        ("multi_hot", (6,), {(): ((0, 5),)}),
    ],
)
def test_categories(mode, shape, ranges):
    start = keras.Input(shape)
    bins = L.Discretization(bin_boundaries=[0.0, 1.0], output_mode=mode)(start)
    made = bins if mode == "int" else L.Dense(2)(bins)
    final = analyse(keras.Model(start, made), input_axes=(1,)).final
    for unit, expected in ranges.items():
        assert final.input_range(unit) == expected


def test_categories_counted_in_several_dimensions_are_not_guessed():
    start = keras.Input((6, 3))
    count = L.Discretization(bin_boundaries=[0.0, 1.0], output_mode="count")
    assert "counts categories" in analyse(keras.Model(start, count(start))).final.unknown


def test_a_random_crop_passes_pictures_of_its_own_size():
    assert analyse(one(L.RandomCrop(6, 5), 6, 5, 1)).final.size == 1
    assert "crops in training alone" in analyse(one(L.RandomCrop(6, 5), 8, 5, 1)).final.unknown


class InTraining(L.Layer):
    """Says to a layer inside that it trains, which Keras obeys at inference too."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def call(self, x):
        return self.inside(x, training=True)


def test_what_acts_as_in_training():
    start, norm = keras.Input((9, 2)), L.BatchNormalization()
    assert analyse(keras.Model(start, norm(start))).final.size == 1
    # A graph that runs at inference overrules this.
    assert analyse(keras.Model(start, norm(start, training=True))).final.size == 1
    assert analyse(keras.Model(start, InTraining(norm)(start))).final.size == 9
    alone = keras.Input(batch_shape=(1, 9, 2))
    assert analyse(keras.Model(alone, InTraining(norm)(alone))).final.size == 9


@keras.saving.register_keras_serializable("test_layer_rules")
class Cell(L.Layer):
    """A step that keeps a sum of what it has read, or what it was given at the start."""

    state_size = output_size = 2

    def __init__(self, keeps, **options):
        super().__init__(**options)
        self.keeps = keeps

    def get_config(self):
        return {**super().get_config(), "keeps": self.keeps}

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 2))

    def call(self, inputs, states):
        made = inputs @ self.kernel + (states[0] if self.keeps else 0)
        return made, [made if self.keeps else states[0]]


def test_a_cell_of_ones_own_is_tried():
    keeping = L.RNN(Cell(keeps=True), return_sequences=True)
    check_every_unit(one(keeping, 6, 3), analyse)
    forgetful = L.RNN(Cell(keeps=False))
    stack = L.RNN([L.GRUCell(2), Cell(keeps=False)])
    for layer in (forgetful, stack, L.Bidirectional(forgetful)):
        assert "cell of its own" in analyse(one(layer, 6, 3)).final.unknown


class Passing(Cell):
    """A step that passes on what it has read: of no step are more than two read together."""

    state_size = (2, 2)

    def call(self, inputs, states):
        now, (before, _) = inputs @ self.kernel, states
        return now + before if self.keeps else before, [now, before]


class Late(Cell):
    """A step that tells what it kept, and reads the next only for the one behind it."""

    def call(self, inputs, states):
        return states[0] + 0, [inputs @ self.kernel + states[0]]


def test_a_cell_that_loses_what_it_has_read_or_tells_it_late_is_not_guessed():
    for cell in (Passing(keeps=True), Passing(keeps=False), Late(keeps=True)):
        for options in ({"return_sequences": True}, {}, {"return_state": True}):
            assert "cell of its own" in analyse(one(L.RNN(cell, **options), 6, 3)).final.unknown
    # Of two steps nothing is lost.
    passing = L.RNN(Passing(keeps=True), return_sequences=True)
    check_every_unit(one(passing, 2, 3), analyse)
    ends = L.RNN(Passing(keeps=True), return_state=True)(start := keras.Input((2, 3)))
    last = analyse(keras.Model(start, ends)).layers
    assert all("cell of its own" in each.unknown for each in last[1:])


def test_chance_is_not_followed():
    start, shift = keras.Input((9, 9, 2)), L.RandomTranslation(0.1, 0.1)
    assert analyse(keras.Model(start, shift(start))).final.size == 1
    unknown = analyse(keras.Model(start, InTraining(shift)(start))).final.unknown
    assert "chance decides" in unknown


def test_constant_masks_are_not_passed_over():
    start, mask = keras.Input((4, 4)), np.tril(np.ones((1, 4, 4), bool))
    for end in (
        L.Softmax(axis=1)(start, mask),
        L.Softmax(axis=1)(start, mask=mask),
        L.MultiHeadAttention(2, 2)(start, start, attention_mask=np.stack([mask, ~mask], 1)),
    ):
        assert "constant mask" in analyse(keras.Model(start, end)).final.unknown


# Rules that say what of a layer they read


class Watched:
    """Stands for a layer, and notes which of its attributes are read."""

    def __init__(self, layer):
        self.layer, self.read = layer, set()

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self.layer, name)


WITH_SETTINGS = [
    (L.Conv1D(4, 3, padding="causal"), (8, 4)),
    (L.Conv2D(4, 3, groups=2), (8, 8, 4)),
    (L.Conv3D(4, 3, 2, padding="same"), (8, 8, 8, 4)),
    (L.SeparableConv1D(4, 3), (8, 4)),
    (L.SeparableConv2D(4, 3, dilation_rate=2), (8, 8, 4)),
    (L.DepthwiseConv1D(3), (8, 4)),
    (L.DepthwiseConv2D(3, data_format="channels_first", depth_multiplier=2), (4, 8, 8)),
    *((getattr(L, f"{kind}Pooling{n}D")(2), (8,) * n + (4,)) for kind in ("Max", "Average")
      for n in (1, 2, 3)),
    *((getattr(L, f"Global{kind}Pooling{n}D")(keepdims=keep), (8,) * n + (4,))
      for kind in ("Max", "Average") for n in (1, 2, 3) for keep in (True, False)),
    *((getattr(L, f"{name}{n}D")(1), (8,) * n + (4,)) for name in ("ZeroPadding", "Cropping")
      for n in (1, 2, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape"), WITH_SETTINGS, ids=lambda value: str(value)[:40])
def test_a_rule_reads_no_more_of_a_layer_than_it_says(layer, shape):
    known, watched = known_rule(layer), Watched(layer)
    # Nor does it read the call: there is none.
    for dim in range(1, len(shape) + 1):
        known(watched, Axis(dim, (None, *shape)))
    assert watched.read and watched.read <= set(known.settings)
    assert hasattr(layer, known.settings[0])


@pytest.mark.parametrize(
    "alike",
    [
        [L.Conv2D(4, size, padding="same", dilation_rate=rate, groups=groups)
         for size in (3, (3, 5)) for rate in (1, 2) for groups in (1, 2)],
        [L.DepthwiseConv2D(3, stride, padding=padding)
         for stride in (1, 2) for padding in ("same", "valid")],
        [kind(size, 1, padding="same")
         for kind in (L.MaxPooling2D, L.AveragePooling2D) for size in (1, 2, 3)],
        [L.ZeroPadding2D(((0, 2), (1, 1))), L.ZeroPadding2D(1), L.ZeroPadding2D(((2, 0), (1, 1)))],
        [L.Cropping2D(((0, 2), (1, 1))), L.Cropping2D(1), L.Cropping2D(((2, 0), (1, 1)))],
    ],
    ids=lambda alike: type(alike[0]).__name__,
)  # fmt: skip
def test_layers_that_read_one_tensor_differ_as_they_do_alone(alike):
    start = keras.Input((16, 16, 4))
    together = analyse(keras.Model(start, [layer(start) for layer in alike]))
    for layer in alike:
        # Another layer of the same configuration, which has not been called yet.
        alone = analyse(one(type(layer).from_config(layer.get_config()), 16, 16, 4)).final
        assert together[layer.name].axes == alone.axes
        for axis, other in zip(together[layer.name].axes, alone.axes, strict=True):
            assert np.array_equal(axis.seen, other.seen)


def test_height_and_width_are_followed_once_where_they_are_alike_again():
    start = keras.Input((16, 16, 1))
    # The last row and the last column see nothing, so each axis is counted along both at first.
    moved = L.Cropping2D(((1, 0), (1, 0)))(L.ZeroPadding2D(((0, 1), (0, 1)))(start))
    joined = L.Add()([start, moved])
    model = keras.Model(start, L.MaxPooling2D(3, 1, padding="same", name="alike")(joined))
    height, width = analyse(model)["alike"].axes
    assert height.input_range(15) == width.input_range(15) == (14, 15)
    assert height.seen is width.seen and height.fields is width.fields
