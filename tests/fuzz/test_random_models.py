"""Random models: whatever ``analyse`` says of a layer, changing the input entry by entry agrees."""

from collections import Counter

import keras
import numpy as np
import pytest
from fuzz_models import faults, fuzz
from random_models import Program, Statement, random_program, shrunk
from reach_by_trial import reach_by_trial

from labkit.receptive_field import rule_registry
from labkit.receptive_field.reads import one_to_one, window

# Keras warns of what is a constant, and where a mask ends.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*softmax over axis:UserWarning", "ignore:.*destroy the mask:UserWarning"
)

SEED = 2031
MODELS = 100
#: So many of them are looked into; the others show that chance draws layers of every kind.
LOOKED_INTO = 32


@pytest.fixture(scope="module")
def programs():
    return [random_program(f"{SEED}-{number}") for number in range(MODELS)]


@pytest.fixture(scope="module")
def fuzzed(programs):
    return fuzz(programs[:LOOKED_INTO])


def test_nothing_false_is_said_of_any_layer(fuzzed):
    failing, _ = fuzzed
    told = [f"{program}\n# {found}\n" for program, found, _ in failing]
    assert not told, "\n".join(told)


#: What is not known, by words of the reason that is given.
UNANSWERED = (
    *("attention scores", "features that see different things", "units that see nothing"),
    *("single entry", "masks have no rule", "silenced by a constant", "a constant that has zeros"),
    *("constant kernel", "masks the future along several", "feature by feature"),
)


def test_nearly_every_layer_is_answered(fuzzed):
    _, tally = fuzzed
    refused = {reason: count for reason, count in tally.items() if reason != "answered"}
    assert not [r for r in refused if not any(words in r for words in UNANSWERED)]
    # Of thousands, one in six: constants, masks and what sees nothing are drawn on purpose.
    assert sum(refused.values()) <= 0.25 * tally["answered"], refused


def test_layers_of_every_kind_are_drawn(programs):
    text = "\n".join(map(str, programs))
    for word in (
        *("Conv1D", "Conv2D", "Conv3D", "Transpose(", "Pooling", "UpSampling", "Resizing"),
        *("ZeroPadding", "Cropping", "Reshape", "Flatten", "Permute", "swapaxes", "moveaxis"),
        *("Dense", "EinsumDense", "LSTM", "GRU", "return_state", "Bidirectional", "go_backwards"),
        *("Attention", "use_causal_mask", "attention_axes", "Normalization", "Concatenate"),
        *("channels_first", "causal", "dilation_rate", "split", "stack", "roll", "flip", "None,"),
        *("np.float32", "masked(", "ops.conv(", "ops.einsum", "ops.where", "softmax(", "L.Masking"),
        *("AdditiveAttention", "GroupQueryAttention", "return_attention_scores", "L.Multiply"),
    ):
        assert word in text, word
    lengths = Counter(len(program.statements) for program in programs)
    assert min(lengths) == 1 and max(lengths) >= 6


def test_programs_depend_on_the_seed_only(programs):
    assert [random_program(f"{SEED}-{number}") for number in range(8)] == programs[:8]
    assert [random_program(f"{SEED + 1}-{number}") for number in range(8)] != programs[:8]


def program(shape, *codes):
    """Write a chain as a program whose last dimension holds channels."""
    statements = [
        Statement(f"x{i + 1}", code, (f"x{i}", *(["x0"] if "{1}" in code else [])))
        for i, code in enumerate(codes)
    ]
    return Program(shape, len(shape) - 1, tuple(statements))


@pytest.mark.parametrize(
    ("code", "unit", "entries"),
    [
        ("L.Conv1D(1, 3, dilation_rate=2)({0})", (1, 0), [1, 3, 5]),
        ("L.MaxPooling1D(2)({0})", (1, 0), [2, 3]),
        ("L.Reshape((3, 2))({0})", (2, 1), [5]),
        ("L.LSTM(1, return_sequences=True)({0})", (2, 0), [0, 1, 2]),
        ("ops.flip({0}, axis=1)", (1, 0), [4]),
        ("L.ZeroPadding1D(1)({0})", (0, 0), []),
        ("L.Multiply()([{0}, {0}])", (3, 0), [3]),
        ("L.Softmax(axis=1)({0})", (0, 0), [0, 1, 2, 3, 4, 5]),
        ("L.Softmax()({0})", (0, 0), []),
        ("{0} * np.float32([[0]] * 3 + [[2]] * 3)", (2, 0), []),
        ("ops.maximum({0}, 9.0)", (2, 0), [2]),
        ("L.Multiply()([{0}, L.ZeroPadding1D((1, 0))({0})[:, :6]])", (0, 0), []),
        ("masked([1, 0, 1], 1, 3)({0})", (1, 0), [1, 3]),
        ("ops.softmax({0} - np.float32([[0]] * 4 + [[1e4]] * 2), axis=1)", (0, 0), [0, 1, 2, 3]),
        (
            "L.LSTM(1)(L.Masking()(ops.pad({0}, [(0, 0), (0, 3), (0, 0)])))",
            (0,),
            [0, 1, 2, 3, 4, 5],
        ),
        ("L.AdditiveAttention()([{0}, {0}[:, 2:3]])", (4, 0), [2]),
    ],
)
def test_the_oracle_sees_what_is_known(code, unit, entries):
    reached = reach_by_trial(program((6, 1), code))["x1"]
    assert np.flatnonzero(reached[(..., *unit)]).tolist() == entries


def test_the_oracle_interpolates_what_changes_little():
    steps = 'L.ConvLSTM1D(1, 2, padding="same", return_sequences=True)({0})'
    weak = program((8, 8, 2), steps, 'L.UpSampling2D(2, interpolation="bilinear")({0})')
    assert reach_by_trial(weak)["x2"][:, 6, :, 7, 1, 0].any()


def test_a_wrong_rule_is_seen_and_the_model_made_small(monkeypatch):
    long = program(
        (12, 2),
        "L.Conv1D(2, 3)({0})",
        "L.UpSampling1D(2)({0})",
        "L.Cropping1D((2, 1))({0})",
        "L.Dense(3)({0})",
    )
    assert faults(long) == []

    def shifted(layer, axis):
        if axis.spatial("channels_last") is None:
            return one_to_one(axis)
        return window(axis, 1, padding=(-1, -2))

    monkeypatch.setitem(rule_registry._GIVEN, keras.layers.Cropping1D, shifted)
    (failing,), _ = fuzz([long])
    small, found, _ = failing
    assert [statement.code for statement in small.statements] == ["L.Cropping1D((2, 1))({0})"]
    assert found


def test_shrinking_keeps_what_fails():
    long = program((8, 1), "L.ReLU()({0})", "{0} + {1}", "L.Flatten()({0})", "L.Dense(2)({0})")
    small = shrunk(long, lambda smaller: "Flatten" in str(smaller))
    assert [statement.code for statement in small.statements] == ["L.Flatten()({0})"]
    assert small.tensors()[small.statements[-1].target].shape == (None, 8)
