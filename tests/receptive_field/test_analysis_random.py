"""Random chains and random graphs: recurrence = closed form = sets = gradient = ``analyse``."""

import random
from itertools import pairwise

import keras
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from keras import layers
from reaching_positions import positions_of, reaching_positions, written_out

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.oracle import gradient_extent
from labkit.receptive_field.recurrence import closed_form, receptive_field, trace

RELAXED = settings(
    max_examples=36, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def build(chain, size):
    """Build a chain in Keras; a stride goes into a layer of its own beside a dilation."""
    built = [keras.Input((size, 1))]
    for layer in chain:
        if layer.padding:
            built.append(layers.ZeroPadding1D(layer.padding))
        both = layer.stride > 1 and layer.dilation > 1
        stride = 1 if both else layer.stride
        built.append(layers.Conv1D(1, layer.kernel, stride, dilation_rate=layer.dilation))
        if both:
            built.append(layers.MaxPooling1D(1, layer.stride))
    # All at once: each add() would build the whole chain anew.
    return keras.Sequential(built)


chains = st.lists(
    st.builds(
        Layer,
        kernel=st.integers(1, 4),
        stride=st.integers(1, 3),
        dilation=st.integers(1, 3),
        padding=st.integers(0, 3),
    ),
    min_size=1,
    max_size=5,
)


@RELAXED
@given(chains)
def test_chains(chain):
    size = receptive_field(chain)
    assume(size < 400)
    last = trace(chain)[-1]
    # Long enough that the field of some unit lies between the borders.
    model = build(chain, size + 2 * last.effective_padding + 2 * last.effective_stride)
    axis = analyse(model).final.axes[0]
    assert axis.size == size == closed_form(chain) == last.size
    assert axis.effective_stride == last.effective_stride
    assert axis.effective_padding == last.effective_padding
    assert axis.centre == last.centre
    unit = -(-last.effective_padding // last.effective_stride)
    (positions,) = reaching_positions(model, unit=(unit,))
    assert (positions[0], positions[-1]) == axis.input_range(unit)
    assert positions[-1] - positions[0] + 1 == size
    if not any(layer.padding for layer in chain):
        assert len(positions) == axis.positions_read
        assert holes_in(positions) == axis.holes
    assert gradient_extent(model, unit=(unit,)) == (axis.input_range(unit),)


def holes_in(positions):
    """List the runs that are missing between the first position and the last, from the first."""
    start = positions[0]
    return tuple((a + 1 - start, b - 1 - start) for a, b in pairwise(positions) if b > a + 1)


# Random graphs. Each step changes a tensor; its size is followed to keep it positive.


def convolution(draw, x):
    options = {"kernel_size": draw(st.integers(1, 4)), "dilation_rate": draw(st.integers(1, 3))}
    options["padding"] = draw(st.sampled_from(["valid", "same", "causal"]))
    return layers.Conv1D(1, **options), (options["kernel_size"] - 1) * options["dilation_rate"]


def strided(draw, x):
    kernel = draw(st.integers(1, 4))
    padding = draw(st.sampled_from(["valid", "same"]))
    return layers.Conv1D(1, kernel, draw(st.integers(2, 3)), padding=padding), kernel


def pooling(draw, x):
    return layers.MaxPooling1D(draw(st.integers(1, 3)), draw(st.integers(1, 3))), 3


def transposed(draw, x):
    stride, padding = draw(st.integers(1, 3)), draw(st.sampled_from(["valid", "same"]))
    return layers.Conv1DTranspose(1, draw(st.integers(1, 4)), stride, padding=padding), 0


def upsampling(draw, x):
    return layers.UpSampling1D(draw(st.integers(1, 3))), 0


def padding(draw, x):
    return layers.ZeroPadding1D((draw(st.integers(0, 3)), draw(st.integers(0, 3)))), 0


def cropping(draw, x):
    crop = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    return layers.Cropping1D(crop), sum(crop)


STEPS = (convolution, strided, pooling, transposed, upsampling, padding, cropping)
KEEPING = (convolution, padding, cropping)


def one_step(draw, x, steps):
    layer, loss = draw(st.sampled_from(steps))(draw, x)
    return layer(x) if x.shape[1] > loss else x


def two_branches(draw, x):
    """Send a tensor two ways, crop the longer one at random, and join them."""
    ends = []
    for _ in range(2):
        end = x
        for _ in range(draw(st.integers(0, 2))):
            end = one_step(draw, end, KEEPING)
        ends.append(end)
    short = min(end.shape[1] for end in ends)
    cut = []
    for end in ends:
        extra = end.shape[1] - short
        before = draw(st.integers(0, extra))
        cut.append(layers.Cropping1D((before, extra - before))(end) if extra else end)
    join = draw(st.sampled_from([layers.Add, layers.Concatenate, layers.Multiply]))
    return cut[0] if cut[0] is cut[1] else join()(cut)


def graph(draw):
    start = x = keras.Input((draw(st.integers(20, 45)), 1))
    for _ in range(draw(st.integers(1, 4))):
        x = two_branches(draw, x) if draw(st.booleans()) else one_step(draw, x, STEPS)
    # A last layer of one channel makes a model even of no step.
    return keras.Model(start, layers.Conv1D(1, 1)(x))


@RELAXED
@given(st.data())
def test_graphs(data):
    # Keras draws weights while it builds, which no strategy may: build inside the test.
    model = graph(data.draw)
    note(str([layer.get_config() for layer in model.layers]))
    final = analyse(model).final
    if final.unknown:
        assert "by units that see nothing" in final.unknown
        assert any(isinstance(layer, layers.Multiply) for layer in model.layers)
        return
    axis = final.axes[0]
    size = model.input.shape[1]
    free_of_borders = not any(
        isinstance(layer, layers.ZeroPadding1D) or getattr(layer, "padding", "") in BORDERS
        for layer in model.layers
    )
    script = written_out(model)
    for unit in range(axis.output_size):
        (positions,) = positions_of(script, unit=(unit,))
        expected = axis.input_range(unit)
        assert (None if not positions.size else (positions[0], positions[-1])) == expected
        field = axis.fields.of(unit)
        inside = set() if field is None else members(field)
        assert set(positions) <= inside
        if free_of_borders and not has_inner_border(model):
            assert set(positions) == {p for p in inside if 0 <= p < size}
    unit = axis.output_size // 2
    assert gradient_extent(model, unit=(unit,)) == (axis.input_range(unit),)


BORDERS = ("same", "causal")


def has_inner_border(model):
    """Say whether a layer can read beyond the end of what an earlier one made."""
    return any(isinstance(layer, layers.Conv1DTranspose) for layer in model.layers)


def members(field):
    mask = (1 << field.width) - 1 if field.mask is None else field.mask
    return {field.first + i for i in range(field.width) if mask >> i & 1}


@pytest.mark.parametrize("seed", range(3))
def test_random_planes(seed):
    """Two axes at once, with kernels, strides and branches that differ between them."""
    draw = random.Random(seed)
    start = x = keras.Input((40, 36, 1))
    for _ in range(3):
        kernel, stride = (draw.randint(1, 4), draw.randint(1, 4)), (draw.randint(1, 2), 1)
        x = layers.Conv2D(1, kernel, stride, padding=draw.choice(["same", "valid"]))(x)
        tall = layers.Conv2D(1, (draw.randint(1, 5), 1), padding="same")(x)
        wide = layers.Conv2D(1, (1, draw.randint(1, 5)), padding="same")(x)
        x = layers.Add()([tall, wide])
    model = keras.Model(start, x)
    final = analyse(model).final
    unit = tuple(axis.output_size // 2 for axis in final.axes)
    ranges = tuple(axis.input_range(u) for axis, u in zip(final.axes, unit, strict=True))
    assert tuple((p[0], p[-1]) for p in reaching_positions(model, unit=unit)) == ranges
    assert gradient_extent(model, unit=unit) == ranges
