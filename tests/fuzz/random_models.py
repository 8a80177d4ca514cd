"""Random Keras models as short programs: reshapes, second outputs, dead paths, constants and all.

A program is a list of statements such as ``x2 = L.Conv1D(2, 3)(x1)``, so that a model on which
something fails can be printed, run by hand, and made smaller statement by statement. Nothing of
labkit is imported here.
"""

import random
from dataclasses import dataclass, replace
from math import prod

import keras
import numpy as np
from keras import layers, ops

#: Entries of one tensor at most, so that a model can be tried out entry by entry.
LARGEST = 600


@dataclass(frozen=True)
class Statement:
    """One line of a program: what is made, by which code, out of which tensors."""

    target: str
    code: str
    reads: tuple[str, ...]

    def __str__(self):
        return f"{self.target} = {self.code.format(*self.reads)}"


@dataclass(frozen=True)
class Program:
    """A model as text: the shape of its input ``x0``, and the statements that follow.

    Args:
        shape: sizes of the input without the batch.
        channels: which dimension of the shape holds channels, or ``None``.
        statements: in order; the last one makes the output.
        open_sizes: whether the model is built for any size of its input.
    """

    shape: tuple[int, ...]
    channels: int | None
    statements: tuple[Statement, ...]
    open_sizes: bool = False

    @property
    def axes(self):
        """Dimensions of the input, counted from 1 behind the batch, that are no channels."""
        return tuple(1 + i for i in range(len(self.shape)) if i != self.channels)

    def declared(self):
        """Return the input's shape as it is declared, ``None`` where it is left open."""
        is_open = [self.open_sizes and 1 + i in self.axes for i in range(len(self.shape))]
        return tuple(None if o else s for o, s in zip(is_open, self.shape, strict=True))

    def tensors(self):
        """Build the model; return its tensors by name."""
        names = dict(_NAMES)
        exec("\n".join([f"x0 = keras.Input({self.declared()})", *map(str, self.statements)]), names)
        return {name: names[name] for name in ["x0", *(s.target for s in self.statements)]}

    def __str__(self):
        lines = ["import keras", "import numpy as np", "from keras import layers as L, ops"]
        lines += ["from random_models import masked", ""]
        lines += [f"x0 = keras.Input({self.declared()})", *map(str, self.statements)]
        lines += [f"model = keras.Model(x0, {self.statements[-1].target})"]
        if self.open_sizes:
            sizes = tuple(self.shape[axis - 1] for axis in self.axes)
            lines += [f"input_size = {sizes}"]
        return "\n".join(lines)


def masked(kernel, *arguments, **options):
    """Make a convolution whose kernel is multiplied by a constant.

    Args:
        kernel: nested list of zeros and ones, a dimension for each axis.
        arguments, options: as for the layer of Keras.

    Returns:
        A layer of a subclass of ``keras.layers.Conv1D`` or ``Conv2D``.
    """
    mask = np.float32(kernel)[..., None, None]

    class Masked(getattr(layers, f"Conv{mask.ndim - 2}D")):
        def call(self, inputs):
            kernel = self.kernel * ops.cast(mask, self.compute_dtype)
            return ops.conv(
                inputs, kernel, self.strides, self.padding, "channels_last", self.dilation_rate
            )

    return Masked(*arguments, **options)


#: What programs are written with.
_NAMES = {"keras": keras, "L": layers, "np": np, "ops": ops, "masked": masked}


def random_program(seed, most_statements=8):
    """Draw a program that Keras can build.

    Args:
        seed: anything that seeds ``random.Random``, such as ``"1-17"``.
        most_statements: how long it is at most, before what is not used is dropped.

    Returns:
        A :class:`Program` of at least one statement.
    """
    dice = random.Random(seed)
    sketch = _Sketch(dice, *_input(dice))
    wanted = dice.randint(1, most_statements)
    for _ in range(20 * most_statements):
        if len(sketch.statements) >= wanted:
            break
        sketch.try_step()
    program = Program(sketch.shape, sketch.channels, tuple(sketch.statements))
    return (
        _perhaps_open(dice, needed(program)) if program.statements else random_program(f"{seed}+")
    )


def needed(program):
    """Drop the statements that the last one does not depend on."""
    wanted, kept = {program.statements[-1].target}, []
    for statement in reversed(program.statements):
        if statement.target in wanted:
            kept.append(statement)
            wanted.update(statement.reads)
    return replace(program, statements=tuple(reversed(kept)))


def smaller(program):
    """Yield programs with one statement less, the tensor it reads in its place."""
    for i, gone in enumerate(program.statements):
        if i == len(program.statements) - 1:
            if i:
                yield needed(replace(program, statements=program.statements[:-1]))
            continue
        for instead in dict.fromkeys(gone.reads):
            rest = [
                replace(s, reads=tuple(instead if n == gone.target else n for n in s.reads))
                for s in program.statements[i + 1 :]
            ]
            yield needed(replace(program, statements=(*program.statements[:i], *rest)))


def shrunk(program, fails):
    """Make a failing program as small as it gets while it fails.

    Args:
        program: a :class:`Program` on which ``fails`` is true.
        fails: function of a program; one that cannot be built counts as not failing.

    Returns:
        A :class:`Program`.
    """
    for candidate in smaller(program):
        if _builds(candidate) and fails(candidate):
            return shrunk(candidate, fails)
    closed = replace(program, open_sizes=False)
    return closed if program.open_sizes and fails(closed) else program


def _builds(program):
    try:
        program.tensors()
    except Exception:
        return False
    return True


def _perhaps_open(dice, program):
    """Leave the input's sizes open in some of the programs that can be built so."""
    opened = replace(program, open_sizes=True)
    return opened if dice.random() < 0.3 and _builds(opened) else program


def _input(dice):
    """Draw the input's shape without batch, and which of its dimensions holds channels."""
    kind = dice.choice("line line plane plane plane first bare space".split())
    channels = dice.randint(1, 2)
    if kind == "line":
        return (dice.randint(5, 20), channels), 1
    if kind == "first":
        return (channels, dice.randint(4, 8), dice.randint(4, 8)), 0
    if kind == "bare":
        return (dice.randint(4, 9), dice.randint(4, 9)), None
    if kind == "space":
        return (*(dice.randint(3, 4) for _ in range(3)), 1), 3
    return (dice.randint(4, 9), dice.randint(4, 9), channels), 2


class _Sketch:
    """A program that is being drawn, with the symbolic tensors made so far."""

    def __init__(self, dice, shape, channels):
        self.dice, self.shape, self.channels = dice, shape, channels
        self.statements, self.made = [], {"x0": keras.Input(shape)}

    def try_step(self):
        """Draw one step; leave the sketch as it was where Keras refuses it."""
        names = list(self.made)
        name = names[-1] if self.dice.random() < 0.75 else self.dice.choice(names)
        if len(names) > 2 and self.dice.random() < 0.15:
            other = self.dice.choice([n for n in names if n != name])
            steps = joined(self.dice, name, self.made[name], other, self.made[other])
        else:
            step = self.dice.choice(STEPS)
            code = step(self.dice, self.made[name].shape[1:])
            steps = [(code, (name,))] if code else []
        for code, reads in steps:
            # A step of several statements names the one before by "last".
            reads = tuple(f"x{len(self.statements)}" if n == "last" else n for n in reads)
            if not self._add(Statement(f"x{len(self.statements) + 1}", code, reads)):
                break

    def _add(self, statement):
        names = {**_NAMES, **self.made}
        try:
            exec(str(statement), names)
        except Exception:
            return False
        tensor = names[statement.target]
        sizes = getattr(tensor, "shape", (None, 0))[1:]
        fits = 0 < len(sizes) <= 5 and None not in sizes and 0 < prod(sizes) <= LARGEST
        if fits:
            self.made[statement.target] = tensor
            self.statements.append(statement)
        return fits


# Steps: functions of dice and a shape without batch that return code, or None where none fits.


def _spatial(shape, ranks=(1, 2, 3)):
    """Return how many axes a layer such as Conv1D sees, or None where there is none such."""
    return len(shape) - 1 if len(shape) - 1 in ranks else None


def _each(dice, count, low, high):
    return tuple(dice.randint(low, high) for _ in range(count))


_FIRST = ', data_format="channels_first"'


def _format(dice):
    return _FIRST if dice.random() < 0.15 else ""


def convolution(dice, shape):
    n = _spatial(shape)
    if n is None:
        return None
    kind = dice.choice(["Conv", "Conv", "Conv", "DepthwiseConv", "SeparableConv"])
    kernel = _each(dice, n, 1, 4)
    rate = dice.choice(["strides", "dilation_rate"])
    if kind == "Conv" or n == 3:
        filters, kind, rates = f"{dice.randint(1, 3)}, ", "Conv", _each(dice, n, 1, 3)
    else:
        # TensorFlow wants one rate for both axes here.
        rates = (dice.randint(1, 3),) * n
        filters = "" if kind == "DepthwiseConv" else f"{dice.randint(1, 3)}, "
    paddings = ["valid", "same", *(["causal"] if n == 1 and kind == "Conv" else [])]
    padding = dice.choice(paddings)
    if n == 3 and padding == "same":
        # In float64 TensorFlow pads by less than nothing where the stride is wider.
        kernel = tuple(map(max, kernel, rates))
    return (
        f'L.{kind}{n}D({filters}{kernel}, {rate}={rates}, padding="{padding}"'
        f"{_format(dice)})({{0}})"
    )


def transposed_convolution(dice, shape):
    n = _spatial(shape)
    if n is None:
        return None
    strides, padding = _each(dice, n, 1, 3), dice.choice(["valid", "same"])
    # TensorFlow has no dilated one on a processor, and does not run all that Keras builds.
    added = ""
    if padding == "valid" and dice.random() < 0.3:
        added = f", output_padding={tuple(dice.randint(0, s - 1) for s in strides)}"
    return (
        f"L.Conv{n}DTranspose({dice.randint(1, 2)}, {_each(dice, n, 1, 4)}, strides={strides}, "
        f'padding="{padding}"{added}{_format(dice)})({{0}})'
    )


def pooling(dice, shape):
    n = _spatial(shape)
    if n is None:
        return None
    size, strides = _each(dice, n, 1, 3), _each(dice, n, 1, 3)
    if n == 3:
        size, strides = size[:1] * 3, strides[:1] * 3
    return (
        f"L.{dice.choice(['Max', 'Average'])}Pooling{n}D({size}, {strides}, "
        f'padding="{dice.choice(["valid", "same"])}"{_format(dice)})({{0}})'
    )


def whole_pooling(dice, shape):
    n = _spatial(shape)
    kind, keeps = dice.choice(["Max", "Average"]), dice.choice([True, False])
    return n and f"L.Global{kind}Pooling{n}D(keepdims={keeps}{_format(dice)})({{0}})"


def upsampling(dice, shape):
    n = _spatial(shape)
    if n is None:
        return None
    if n == 2 and dice.random() < 0.4:
        # What is interpolated at other ratios hits positions exactly that floats miss.
        return f'L.UpSampling2D({dice.choice([2, 4])}, interpolation="bilinear")({{0}})'
    times = dice.randint(1, 3) if n == 1 else _each(dice, n, 1, 3)
    return f"L.UpSampling{n}D({times}{_format(dice) if n > 1 else ''})({{0}})"


def resizing(dice, shape):
    if len(shape) != 3:
        return None
    halved = [s // 2 if s % 2 == 0 and dice.random() < 0.5 else 2 * s for s in shape[:2]]
    return f'L.Resizing({halved[0]}, {halved[1]}, "{dice.choice(["nearest", "bilinear"])}")({{0}})'


def zero_padding(dice, shape):
    n = _spatial(shape)
    if n is None:
        return None
    pairs = tuple(_each(dice, 2, 0, 3) for _ in range(n))
    return f"L.ZeroPadding{n}D({pairs[0] if n == 1 else pairs})({{0}})"


def cropping(dice, shape):
    n = _spatial(shape)
    if n is None:
        return None
    # At times all but one position goes, so that nothing but padding may be left.
    pairs = []
    for size in shape[:n]:
        before = dice.randint(0, min(size - 1, dice.choice([2, size])))
        pairs.append((before, dice.randint(0, min(2, size - 1 - before))))
    return f"L.Cropping{n}D({pairs[0] if n == 1 else tuple(pairs)})({{0}})"


def centre_crop(dice, shape):
    if len(shape) != 3:
        return None
    return f"L.CenterCrop({dice.randint(1, shape[0])}, {dice.randint(1, shape[1])})({{0}})"


def reshaping(dice, shape):
    """Split axes into factors and merge neighbours, at random."""
    parts = [part for size in shape for part in _split(dice, size)]
    while len(parts) > 1 and (len(parts) > 5 or dice.random() < 0.5):
        i = dice.randrange(len(parts) - 1)
        parts[i : i + 2] = [parts[i] * parts[i + 1]]
    if dice.random() < 0.3:
        parts[dice.randrange(len(parts))] = -1
    return f"L.Reshape({tuple(parts)})({{0}})" if parts != list(shape) else None


def _split(dice, size):
    factors = [f for f in range(2, size) if size % f == 0]
    if factors and dice.random() < 0.5:
        factor = dice.choice(factors)
        return [factor, size // factor]
    return [size]


def space_to_depth(dice, shape):
    if len(shape) != 3 or shape[0] % 2 or shape[1] % 2:
        return None
    a, b, c = shape[0] // 2, shape[1] // 2, shape[2]
    return (
        f"L.Reshape(({a}, {b}, {4 * c}))"
        f"(L.Permute((1, 3, 2, 4, 5))(L.Reshape(({a}, 2, {b}, 2, {c}))({{0}})))"
    )


def flattening(dice, shape):
    return "L.Flatten()({0})" if len(shape) > 1 else None


def permuting(dice, shape):
    dims = list(range(1, len(shape) + 1))
    dice.shuffle(dims)
    if dims == sorted(dims):
        return None
    ways = [f"L.Permute({tuple(dims)})({{0}})", f"ops.transpose({{0}}, {(0, *dims)})"]
    if len(shape) > 1:
        a, b = dice.sample(range(1, len(shape) + 1), 2)
        ways += [f"ops.swapaxes({{0}}, {a}, {b})", f"ops.moveaxis({{0}}, {a}, {b})"]
    return dice.choice(ways)


def dense(dice, shape):
    return f"L.Dense({dice.randint(1, 4)})({{0}})"


def einsum_dense(dice, shape):
    if not 2 <= len(shape) <= 3:
        return None
    letters = "abc"[: len(shape)]
    gone = dice.choice(letters)
    made = letters.replace(gone, "z")
    sizes = [3 if letter == gone else size for letter, size in zip(letters, shape, strict=True)]
    return f'L.EinsumDense("n{letters},{gone}z->n{made}", {tuple(sizes)})({{0}})'


def recurrence(dice, shape):
    if len(shape) != 2 or shape[0] > 16:
        return None
    kind = dice.choice(["LSTM", "GRU", "SimpleRNN"])
    sequences = dice.random() < 0.7
    options = f"return_sequences={sequences}"
    if dice.random() < 0.25:
        options += ", go_backwards=True"
    if dice.random() < 0.25:
        return f"L.Bidirectional(L.{kind}(2, return_sequences={sequences}))({{0}})"
    if dice.random() < 0.4:
        return f"L.{kind}(2, {options}, return_state=True)({{0}})[{dice.randint(0, 1)}]"
    return f"L.{kind}(2, {options})({{0}})"


def convolutional_recurrence(dice, shape):
    if len(shape) != 3 or shape[0] > 8:
        return None
    options = f'padding="{dice.choice(["valid", "same"])}", return_sequences={dice.random() < 0.7}'
    return f"L.ConvLSTM1D(1, {dice.randint(1, 3)}, {options})({{0}})"


def time_distributed(dice, shape):
    if not 3 <= len(shape) <= 4:
        return None
    step = dice.choice([convolution, pooling, cropping, dense])
    code = step(dice, shape[1:]).removesuffix("({0})")
    return f"L.TimeDistributed({code.replace(_FIRST, '')})({{0}})"


def nested(dice, shape):
    """Put two layers into a model of their own."""
    codes = [step(dice, shape) for step in (convolution, dice.choice([upsampling, dense, pooling]))]
    if None in codes:
        return None
    parts = [code.removesuffix("({0})") for code in codes]
    return f"keras.Sequential([{', '.join(parts)}])({{0}})"


def attention(dice, shape):
    # Over a single position attention is a constant, and reads no more than it looks at.
    long = [dim for dim, size in enumerate(shape[:-1], start=1) if size > 1]
    if not (2 <= len(shape) <= 4 and long):
        return None
    options = ""
    if len(shape) > 2:
        axes = dice.sample(long, dice.randint(1, len(long)))
        options = f", attention_axes={tuple(sorted(axes))}"
    elif dice.random() < 0.6:
        way = dice.choice(["use_causal_mask=True", "return_attention_scores=True"])
        last = f"[{dice.randint(0, 1)}]" if "scores" in way else ""
        return f"L.MultiHeadAttention(1, 2)({{0}}, {{0}}, {way}){last}"
    elif dice.random() < 0.3:
        causal = dice.choice(["", ", use_causal_mask=True"])
        return f"L.Attention()([{{0}}, {{0}}]{causal})"
    return f"L.MultiHeadAttention(1, 2{options})({{0}}, {{0}})"


def normalisation(dice, shape):
    # Fewer than three values that are normalised together become constants.
    dims = [dim for dim, size in enumerate(shape, start=1) if size > 2]
    ways = ["L.BatchNormalization()({0})"]
    if dims:
        axis = dice.choice(dims)
        ways += [
            f"L.LayerNormalization(axis={axis})({{0}})",
            f"L.UnitNormalization(axis={axis})({{0}})",
        ]
        ways += [f"L.Softmax(axis={axis})({{0}})", f"ops.softmax({{0}}, axis={axis})"]
    if len(shape) > 1 and prod(shape[:-1]) > 2:
        ways += ["L.GroupNormalization(1)({0})", "L.GroupNormalization(-1)({0})"]
    return dice.choice(ways)


def each_position(dice, shape):
    return dice.choice(
        [
            'L.Activation("relu")({0})',
            "L.ReLU()({0})",
            "L.Rescaling(1 / 4, offset=1)({0})",
            "L.Dropout(0.5)({0})",
            "L.PReLU()({0})",
            "2 * {0} + 1",
            "{0} ** 2",
            "ops.sqrt({0})",
        ]
    )


def indexing(dice, shape):
    dim = dice.randrange(len(shape))
    size = shape[dim]
    a, b = sorted(dice.sample(range(size + 1), 2)) if size > 1 else (0, 1)
    part = dice.choice([f"{a}:{b}", "::2", "::-1", "1::3", f"{a}", f"{a - size}:", "None"])
    return f"{{0}}[:, {':, ' * dim}{part}]"


def moving(dice, shape):
    """Roll, flip, repeat, take and their kin along one dimension."""
    dim = dice.randrange(len(shape)) + 1
    size = shape[dim - 1]
    times = dice.randint(1, 3)
    widths = [(0, 0)] * (len(shape) + 1)
    widths[dim] = _each(dice, 2, 0, max(0, min(size - 1, 2)))
    tiles = [1] * (len(shape) + 1)
    tiles[dim] = times
    taken = [dice.randrange(size) for _ in range(3)]
    ways = [
        f"ops.roll({{0}}, {dice.randint(-3, 3)}, axis={dim})",
        f"ops.flip({{0}}, axis={dim})",
        f"ops.repeat({{0}}, {times}, axis={dim})",
        f"ops.tile({{0}}, {tiles})",
        f"ops.take({{0}}, {taken}, axis={dim})",
        f"ops.pad({{0}}, {widths})",
        f"ops.cumsum({{0}}, axis={dim})",
        f"ops.expand_dims({{0}}, {dim})",
    ]
    if len(shape) < 4:
        # TensorFlow mirrors no more dimensions than that.
        modes = ("reflect", "symmetric")
        ways += [f'ops.pad({{0}}, {widths}, mode="{mode}")' for mode in modes]
    return dice.choice(ways)


def splitting(dice, shape):
    dims = [i for i, size in enumerate(shape, start=1) if size > 1]
    if not dims:
        return None
    dim = dice.choice(dims)
    size = shape[dim - 1]
    whole = [k for k in range(2, size + 1) if size % k == 0]
    parts = dice.choice(whole)
    ways = [f"ops.split({{0}}, {parts}, axis={dim})[{dice.randrange(parts)}]"]
    at = dice.randint(1, size - 1)
    ways += [f"ops.split({{0}}, [{at}], axis={dim})[{dice.randint(0, 1)}]"]
    if len(shape) > 1:
        ways += [f"ops.unstack({{0}}, axis={dim})[{dice.randrange(size)}]"]
    return dice.choice(ways)


def reduction(dice, shape):
    if len(shape) < 2:
        return None
    dim = dice.randint(1, len(shape))
    name = dice.choice(["mean", "sum", "max"])
    return f"ops.{name}({{0}}, axis={dim}, keepdims={dice.choice([True, False])})"


def repeating_vector(dice, shape):
    return f"L.RepeatVector({dice.randint(1, 3)})({{0}})" if len(shape) == 1 else None


# Steps with constants, and with what sees nothing


def _side(dice, size):
    """Draw what a constant keeps along one dimension: all, a window, every other, some."""
    start = dice.randrange(size)
    window = [int(start <= i <= start + size // 2) for i in range(size)]
    every_other = [i % 2 for i in range(size)]
    return dice.choice([[1] * size, window, window, every_other, _each(dice, size, 0, 1)])


def _zeros_and_ones(dice, sizes):
    """Draw an array that keeps whole rows and columns, or all but some entries."""
    kept = np.ones(sizes, int)
    if dice.random() < 0.25:
        for _ in range(dice.randint(1, 3)):
            kept[tuple(dice.randrange(size) for size in sizes)] = 0
        return kept
    for dim, size in enumerate(sizes):
        kept *= np.reshape(_side(dice, size), (size, *(1,) * (len(sizes) - dim - 1)))
    return kept


def _constant(dice, sizes):
    """Write an array of numbers from 0 to 3."""
    kept = _zeros_and_ones(dice, sizes)
    raised = [dice.randint(1, 3) for _ in range(kept.size)]
    return f"np.float32({(kept * np.reshape(raised, sizes)).tolist()})"


def _broadcast(dice, shape):
    """Leave all but one or two sizes at 1, of some of the last dimensions."""
    kept = dice.sample(range(len(shape)), min(len(shape), dice.randint(1, 2)))
    first = dice.choice([0, min(kept)])
    return tuple(shape[dim] if dim in kept else 1 for dim in range(first, len(shape)))


def beside_constant(dice, shape):
    array = _constant(dice, _broadcast(dice, shape))
    return dice.choice(
        [
            f"{{0}} * {array}",
            f"ops.multiply({array}, {{0}})",
            f"{{0}} + {array}",
            f"ops.maximum({{0}}, {array})",
            f"ops.power({{0}}, {array})",
            f"ops.power({array}, {{0}})",
            f"{array} / ({{0}} + 1)",
            f"ops.where({array} > 0, {{0}}, 1.0)",
            f"ops.where({array} > 0, 1.0, {{0}})",
            f"ops.where({array} > 0, {{0}}, {_of_length(dice, shape, shape[0])})",
            f"ops.softmax({{0}} - 1e4 * ({array} == 0), axis={dice.randint(1, len(shape))})",
        ]
    )


def summed_with_constant(dice, shape):
    if len(shape) > 3:
        return None
    letters = "abc"[: len(shape)]
    other = "".join(dice.sample([*letters, "z"], dice.randint(1, 2)))
    array = _constant(dice, [3 if c == "z" else shape[letters.index(c)] for c in other])
    gone = dice.choice(["", *other])
    made = "".join(c for c in dict.fromkeys(letters + other) if c != gone)
    if len(shape) > 1 and dice.random() < 0.4:
        return f"ops.matmul({{0}}, {_constant(dice, (shape[-1], 2))})"
    return f'ops.einsum("n{letters},{other}->n{made}", {{0}}, {array})'


def masked_convolution(dice, shape):
    n = _spatial(shape, (1, 2))
    if n is None:
        return None
    kernel = tuple(dice.randint(2, 4 if n == 1 else 3) for _ in range(n))
    rate = dice.choice(["strides", "dilation_rate"])
    options = f'padding="{dice.choice(["valid", "same"])}", {rate}={(dice.randint(1, 2),) * n}'
    way = dice.choice(["masked", "conv", "conv", "depthwise_conv", "conv_transpose"])
    if way == "masked":
        mask = _zeros_and_ones(dice, kernel).tolist()
        return f"masked({mask}, {dice.randint(1, 3)}, {kernel}, {options})({{0}})"
    array, last = _constant(dice, kernel), shape[-1]
    features = {"conv": (last, 2), "depthwise_conv": (last, 1), "conv_transpose": (2, last)}[way]
    features = _constant(dice, features) if dice.random() < 0.4 else f"np.ones({features})"
    if way == "conv_transpose":
        options = f"strides={(dice.randint(1, 3),) * n}"
    return f"ops.{way}({{0}}, np.float32({array}[..., None, None] * {features}), {options})"


def _of_length(dice, shape, length):
    """Take a part of the first dimension, and pad it with zeros to a length."""
    size = min(length, shape[0]) if dice.random() < 0.5 else dice.randint(1, min(length, shape[0]))
    start = dice.randint(0, shape[0] - size)
    before = dice.randint(0, length - size)
    part = "{0}" if size == shape[0] else f"{{0}}[:, {start}:{start + size}]"
    if size == length:
        return part
    widths = [(0, 0), (before, length - size - before)] + [(0, 0)] * (len(shape) - 1)
    return f"ops.pad({part}, {widths})"


def attention_to_others(dice, shape):
    if len(shape) != 2:
        return _attention_of_planes(dice, shape) if len(shape) == 3 else None
    queries = dice.choice([shape[0], shape[0], dice.randint(1, shape[0] + 2)])
    keys = dice.choice([queries, queries, 1, dice.randint(1, shape[0] + 2)])
    query, value, key = (_of_length(dice, shape, length) for length in (queries, keys, keys))
    given = [query, value, *([key] if dice.random() < 0.5 else [])]
    by_heads = dice.random() < 0.5
    if not by_heads and dice.random() < 0.15:
        given[0] = f"np.float32({[[list(_each(dice, shape[1], 0, 2)) for _ in range(queries)]]})"
    mask = f"{_constant(dice, (1, queries, keys))} > 0"
    way = dice.choice(
        ["", "", "", ", use_causal_mask=True", ", return_attention_scores=True", "mask"]
    )
    if way == "mask":
        one_a_key = f"{_constant(dice, (1, keys))} > 0"
        way = f", attention_mask={mask}" if by_heads else f", mask=[None, {one_a_key}]"
    last = f"[{dice.randint(0, 1)}]" if "scores" in way else ""
    if by_heads:
        layer = dice.choice(["MultiHeadAttention(1, 2)", "MultiHeadAttention(2, 1)"])
        layer = dice.choice([layer, layer, "GroupQueryAttention(2, 2, 1)"])
        return f"L.{layer}({', '.join(given)}{way}){last}"
    layer = dice.choice(["Attention", "AdditiveAttention"])
    return f"L.{layer}()([{', '.join(given)}]{way}){last}"


def _attention_of_planes(dice, shape):
    axes = dice.choice([(1,), (2,), (1, 2)])
    length = dice.randint(1, shape[0] + 1) if 1 in axes else shape[0]
    query, value, key = (_of_length(dice, shape, size) for size in (shape[0], length, length))
    causal = dice.choice(["", "", ", use_causal_mask=True"]) if len(axes) == 1 else ""
    given = ", ".join([query, value, *([key] if dice.random() < 0.4 else [])])
    return f"L.MultiHeadAttention(1, 2, attention_axes={axes})({given}{causal})"


def product(dice, shape):
    """Multiply by what is padded, by a gate, or along a dimension."""
    other, dim = _of_length(dice, shape, shape[0]), dice.randint(1, len(shape))
    pooled = f"ops.mean({{0}}, axis={dim}, keepdims=True)"
    gate = f'L.Dense({dice.choice([1, shape[-1]])}, activation="sigmoid")({pooled})'
    halves = f"{{0}}, L.Dense({shape[-1]})({{0}})"
    ways = [
        f"L.Multiply()([{{0}}, {other}])",
        f"{other} * {{0}}",
        f"L.Multiply()([{{0}}, {gate}])",
        f"{{0}} * {pooled}",
        f"ops.glu(ops.concatenate([{halves}], axis=-1))",
        f"ops.cumprod({other}, axis={dim})",
        f"ops.prod({other}, axis={dim})",
    ]
    if len(shape) == 2:
        swapped = f"ops.swapaxes({other}, 1, 2)"
        ways += [f"ops.matmul({{0}}, {swapped})", f"ops.matmul({swapped}, {{0}})"]
    return dice.choice(ways)


def masked_recurrence(dice, shape):
    if len(shape) != 2 or shape[0] > 16:
        return None
    steps = _of_length(dice, shape, shape[0] + dice.randint(0, 3))
    kind, sequences = dice.choice(["LSTM", "GRU"]), dice.random() < 0.7
    return f"L.{kind}(2, return_sequences={sequences})(L.Masking()({steps}))"


def single_entry(dice, shape):
    """Normalise along a dimension of one entry, which may be cut out first."""
    dim = dice.randint(1, len(shape))
    start = dice.randrange(shape[dim - 1])
    one = f"{{0}}[:, {':, ' * (dim - 1)}{start}:{start + 1}]"
    place = f"ops.mean({{0}}, axis={tuple(range(1, len(shape)))}, keepdims=True)"
    return dice.choice(
        [
            f"L.Softmax(axis={dim})({one})",
            f"ops.softmax({one}, axis={dim})",
            f"L.LayerNormalization(axis={dim})({one})",
            f"L.GroupNormalization(-1)({place if len(shape) > 1 else '{0}'})",
            f"L.GroupNormalization(-1)({one})",
        ]
    )


STEPS = (
    *(convolution,) * 6,
    *(transposed_convolution, pooling, upsampling, zero_padding, cropping) * 2,
    *(whole_pooling, resizing, centre_crop, space_to_depth, flattening, einsum_dense),
    *(reshaping, permuting, dense) * 3,
    *(recurrence,) * 5,
    *(attention,) * 3,
    *(convolutional_recurrence, time_distributed, time_distributed, nested, nested),
    *(normalisation, reduction, repeating_vector),
    *(each_position, indexing, moving, splitting),
    *(beside_constant, masked_convolution, attention_to_others) * 2,
    *(summed_with_constant, product, masked_recurrence, single_entry),
)


def joined(dice, name, tensor, other, second):
    """Bring two tensors of one rank to one shape, and join them.

    Returns:
        Pairs of code and what it reads, where "last" is what the pair before makes.
    """
    shape, beside = tensor.shape[1:], second.shape[1:]
    if len(shape) != len(beside):
        return []
    common = tuple(map(min, shape, beside))
    way = dice.choice(["add", "multiply", "maximum", "concatenate", "stack", "operator", "matmul"])
    if way == "matmul" and len(shape) > 1 and shape[-1] == beside[-2]:
        return [("ops.matmul({0}, {1})", (name, other))]
    steps, last = [], name
    if shape != common:
        steps, last = [(_cut(dice, shape, common), (name,))], "last"
    # The other one is cut inside the joining statement.
    second = "{1}" if beside == common else _cut(dice, beside, common, "{1}")
    return [*steps, (_join(dice, way, len(shape), "{0}", second), (last, other))]


def _cut(dice, shape, common, name="{0}"):
    starts = [dice.randint(0, size - wanted) for size, wanted in zip(shape, common, strict=True)]
    cuts = [f"{start}:{start + size}" for start, size in zip(starts, common, strict=True)]
    return f"{name}[:, {', '.join(cuts)}]"


def _join(dice, way, rank, a, b):
    match way:
        case "multiply":
            return f"L.Multiply()([{a}, {b}])"
        case "maximum":
            return f"L.Maximum()([{a}, {b}])"
        case "concatenate":
            axis = dice.choice([-1, -1, dice.randint(1, rank)])
            return f"L.Concatenate(axis={axis})([{a}, {b}])"
        case "stack":
            return f"ops.stack([{a}, {b}], axis={dice.randint(1, rank + 1)})"
        case "operator":
            return f"{a} + {b}"
    return f"L.Add()([{a}, {b}])"
