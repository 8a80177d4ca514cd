"""Ten examination items on receptive fields; their keys come from the recurrence itself.

Every function makes one item from a ``random.Random``; its numbers are small enough for pencil and
paper.
"""

from itertools import count
from math import sqrt

from labkit.questions.examination import Item, Mark, Value, pick
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.recurrence import receptive_field, trace
from labkit.words import count as written

POSITIONS = "input positions"


def field_of_a_chain(random):
    """Ask for the field of three layers."""
    chain = [
        Layer(pick(random, (2, 3, 5)), stride=pick(random, (2, 3))),
        Layer(pick(random, (2, 3, 4, 5)), stride=pick(random, (1, 2))),
        Layer(pick(random, (2, 3)), stride=pick(random, (1, 2, 3))),
    ]
    return Item(
        "the field of a chain",
        2,
        f"A network has three layers, in one dimension.\n\n{_table(chain)}\n\n"
        "(a) How many input positions wide is the receptive field of one unit of layer 3, from the "
        "first position to the last? Show each step.",
        (Value("(a) field", receptive_field(chain), POSITIONS),),
        (
            Mark(1, "begins with one unit of layer 3 and goes back to the input"),
            Mark(1, "each step by r → s (r − 1) + k, or an argument that amounts to it"),
            Mark(1, "the number"),
        ),
    )


def field_of_blocks(random):
    """Ask for field and effective stride of a network of blocks, as VGG is one."""
    blocks, convolutions = pick(random, (2, 3)), pick(random, (1, 2, 3, 4))
    kernel, pooling = pick(random, (3, 5)), pick(random, (2, 3))
    block = [Layer(kernel)] * convolutions + [Layer(pooling, stride=pooling)]
    last = trace(block * blocks)[-1]
    times = "one convolution" if convolutions == 1 else f"{convolutions} convolutions"
    return Item(
        "a network of blocks",
        4,
        f"A network has {blocks} blocks. Each block has {times} of width {kernel} and stride 1, "
        f"and after them one pooling of width {pooling} and stride {pooling}.\n\n"
        "(a) How many input positions wide is the receptive field of one unit of the last pooling?"
        "\n\n"
        "(b) How many input positions apart are the fields of two neighbouring units of the last "
        "pooling?",
        (
            Value("(a) field", last.size, POSITIONS),
            Value("(b) effective stride", last.effective_stride, POSITIONS),
        ),
        (
            Mark(1, "each kernel counts with the product of the strides before it"),
            Mark(1, "the poolings count as kernels too"),
            Mark(1, "the number in (a)"),
            Mark(1, "the number in (b), the product of all strides"),
        ),
    )


def gaps_of_dilation(random):
    """Ask what a dilated kernel spans, skips, and what closes its gaps."""
    layer = Layer(pick(random, range(2, 8)), dilation=pick(random, range(2, 8)))
    return Item(
        "dilation and its gaps",
        5,
        f"A layer has a kernel of {layer.kernel} taps, dilation {layer.dilation} and stride 1.\n\n"
        "(a) How many input positions wide is the receptive field of one of its units, from the "
        "first position read to the last?\n\n"
        "(b) How many positions inside that field does the unit not read?\n\n"
        "(c) A second layer without dilation and with stride 1 is put on top. How many taps must "
        "its kernel have at least, so that the field of one of its units has no gaps?",
        (
            Value("(a) field", receptive_field([layer]), POSITIONS),
            Value("(b) gaps", layer.reach - layer.kernel, POSITIONS),
            Value("(c) kernel", layer.dilation, "taps"),
        ),
        (
            Mark(1, "(a) by d (k − 1) + 1"),
            Mark(1, "(b) the width less the taps"),
            Mark(1, "(c) as many neighbouring units as the taps lie apart, d"),
        ),
    )


def fewest_layers(random):
    """Ask how deep a network must be to see far enough, without strides and with them."""
    kernel, wanted = pick(random, (3, 5, 7)), pick(random, range(30, 130, 5))

    def fewest(stride):
        fields = ((n, receptive_field([Layer(kernel, stride=stride)] * n)) for n in count(1))
        return next(n for n, field in fields if field >= wanted)

    return Item(
        "deep enough",
        6,
        f"All layers of a network have a kernel of width {kernel}. One unit of its last layer "
        f"must have a receptive field of at least {wanted} input positions.\n\n"
        "(a) How many layers does it take at least, if all strides are 1?\n\n"
        "(b) And if all strides are 2?\n\n"
        "(c) What is the price of (b)? One sentence.",
        (Value("(a) depth", fewest(1), "layers"), Value("(b) depth", fewest(2), "layers")),
        (
            Mark(1, "(a) adds k − 1 for each layer"),
            Mark(1, "the number in (a)"),
            Mark(1, "(b) adds k − 1 times a power of two for each layer"),
            Mark(1, "the number in (b)"),
            Mark(1, "(c) resolution"),
        ),
        "(c) Resolution: with each layer half of the positions that were left are lost.",
    )


def doubling_dilation(random):
    """Ask for the field of doubling dilations, and for its price in weights."""
    depth, kernel, first = (pick(random, o) for o in ((3, 4, 5, 6), (2, 3, 4, 5), (1, 2, 3)))
    dilations = [first * 2**number for number in range(depth)]
    field = receptive_field([Layer(kernel, dilation=dilation) for dilation in dilations])
    return Item(
        "doubling dilation",
        6,
        f"A network in one dimension has {depth} layers with one channel each and without biases. "
        f"Each has a kernel of {kernel} taps and stride 1; from the input on their dilations are "
        f"{', '.join(map(str, dilations))}.\n\n"
        "(a) How many input positions wide is the receptive field of one unit of the last layer?"
        "\n\n"
        "(b) How many weights do all layers have together?\n\n"
        "(c) A single layer without dilation is to reach as far. How many weights does it have?",
        (
            Value("(a) field", field, POSITIONS),
            Value("(b) weights", depth * kernel, "weights"),
            Value("(c) weights", field, "weights"),
        ),
        (
            Mark(1, "(a) sums the dilations times k − 1, and adds 1"),
            Mark(1, "the number in (a)"),
            Mark(1, "(b) k for each layer, whatever its dilation"),
            Mark(1, "(c) one weight for each position of the field"),
        ),
    )


def one_more_tap(random):
    """Ask what one more tap is worth in a layer that has strides and dilation about it."""
    place = pick(random, (2, 3, 4))
    strides = [pick(random, (2, 3)), pick(random, (1, 2, 3)), pick(random, (1, 2)), 2]
    chain = [Layer(3, stride=s, dilation=pick(random, (1, 2, 3))) for s in strides]
    old = chain[place - 1]
    wider = Layer(old.kernel + 1, stride=old.stride, dilation=old.dilation)
    widened = [*chain[: place - 1], wider, *chain[place:]]
    return Item(
        "one more tap",
        6,
        f"A network has four layers, in one dimension.\n\n{_table(chain, dilation=True)}\n\n"
        f"The kernel of layer {place} gets one more tap: it has 4 instead of 3.\n\n"
        "(a) By how many input positions does the receptive field of one unit of layer 4 grow?\n\n"
        "(b) Which of the strides does your answer not depend on? One sentence.",
        (Value("(a) growth", receptive_field(widened) - receptive_field(chain), POSITIONS),),
        (
            Mark(1, f"(a) takes the product of the strides before layer {place}"),
            Mark(1, f"(a) times the dilation of layer {place}"),
            Mark(1, f"(b) the stride of layer {place} itself and those of later layers, if any"),
        ),
        f"(b) Not on that of layer {place} itself, nor on those of later layers, if any: only "
        "strides nearer to the input spread what it reads.",
    )


def own_stride(random):
    """Ask for the slip of the printed solution: a layer that counts its own stride."""
    chain = [
        Layer(pick(random, (2, 3, 4)), stride=pick(random, (2, 3))),
        Layer(pick(random, (3, 5)), stride=pick(random, (1, 2))),
        Layer(pick(random, (2, 3)), stride=pick(random, (2, 3))),
    ]
    slip, product = 1, 1
    for layer in chain:
        product *= layer.stride
        slip += (layer.kernel - 1) * product
    return Item(
        "a formula that counts one stride too many",
        5,
        f"A network has three layers, in one dimension.\n\n{_table(chain)}\n\n"
        "Somebody computes the receptive field of one unit of layer 3 as\n\n"
        "r = 1 + (k₁ − 1) s₁ + (k₂ − 1) s₁ s₂ + (k₃ − 1) s₁ s₂ s₃ .\n\n"
        "(a) What does that give?\n\n"
        "(b) How many input positions wide is the field really?\n\n"
        "(c) What does a layer's stride do, and what does it not do? One sentence.",
        (
            Value("(a) by the formula", slip, POSITIONS),
            Value("(b) field", receptive_field(chain), POSITIONS),
        ),
        (
            Mark(1, "the number in (a)"),
            Mark(1, "(b) stops each product before the layer's own stride"),
            Mark(1, "the number in (b)"),
            Mark(1, "(c) spreads the layer's units; does not widen what one of them reads"),
        ),
        "(c) It sets the layer's units apart, which widens the field of layers after it; it does "
        "not widen what one of its own units reads.",
    )


def where_it_lies(random):
    """Ask for the place of a field: effective stride and padding."""
    chain = [
        Layer(pick(random, (3, 5)), stride=pick(random, (1, 2)), padding=pick(random, (0, 1))),
        Layer(pick(random, (2, 3)), stride=2, padding=pick(random, (0, 1))),
        Layer(3, stride=1, padding=pick(random, (0, 1))),
    ]
    unit = pick(random, (1, 2, 3, 4, 5))
    last = trace(chain)[-1]
    first = unit * last.effective_stride - last.effective_padding
    return Item(
        "where a field lies",
        4,
        f"A network has three layers, in one dimension.\n\n{_table(chain, padding=True)}\n\n"
        "Padding is the number of positions added before the first position of a layer's input. "
        "Input positions and the units of each layer are numbered from 0; a negative number is a "
        "position in the padding.\n\n"
        f"(a) What is the number of the first input position of the receptive field of unit {unit} "
        "of layer 3?\n\n"
        "(b) And of the last?",
        (
            Value("(a) first position", first),
            Value("(b) last position", first + last.size - 1),
        ),
        (
            Mark(1, "the field's width"),
            Mark(1, "the effective stride, times the unit's number"),
            Mark(1, "each padding counts with the strides before it, and moves the field back"),
            Mark(1, "both numbers"),
        ),
    )


def what_counts(random):
    """Ask how field and spread grow with depth, where all weights are equal."""
    kernel, depths = pick(random, ((3, (6, 24)), (5, (2, 8, 18)), (7, (1, 4, 9, 16))))
    depth, times = pick(random, depths), pick(random, (4, 9, 16, 25))

    def field(layers):
        return receptive_field([Layer(kernel)] * layers)

    def spread(layers):
        return sqrt(layers * (kernel**2 - 1) / 12)

    return Item(
        "what a unit really uses",
        7,
        f"A network has {written(depth, 'layer')} of width {kernel} and stride 1, and all of its "
        "weights are equal. A path from a unit to the input is moved by each layer by a random "
        "tap, with the variance (k² − 1)/12.\n\n"
        "(a) How many input positions wide is the receptive field?\n\n"
        "(b) What is the spread σ, in input positions, of where the paths end?\n\n"
        f"(c) The network becomes {times} times as deep. By what factor does σ grow?\n\n"
        "(d) Does the share of the field that counts grow or shrink? One sentence.",
        (
            Value("(a) field", field(depth), POSITIONS),
            Value("(b) spread", spread(depth), POSITIONS, 0.01),
            Value("(c) factor", spread(times * depth) / spread(depth), "", 0.01),
        ),
        (
            Mark(1, "the number in (a)"),
            Mark(1, "(b) adds variances and takes the root"),
            Mark(1, "the number in (c)"),
            Mark(1, "(d) it shrinks, because σ grows with the root of the depth"),
        ),
        f"(d) It shrinks: the field grows from {field(depth)} to {field(times * depth)} positions, "
        "nearly as much as the depth; σ grows by the root of that.",
    )


def proof_by_induction(random):
    """Ask for a proof for every depth, and for one number that the formula gives."""
    pairs = ((2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (3, 3), (5, 3), (7, 3), (4, 4), (7, 4))
    kernel, stride = pick(random, pairs)
    depth = pick(random, (3, 4, 5))
    c = (kernel - 1) // (stride - 1)
    times, less = ("", "") if c == 1 else (f"{c} · ", f" − {c - 1}")
    begin = "1" if c == 1 else f"{c} · 1 − {c - 1} = 1"
    back = f"{stride} · (r(L) − 1) + {kernel}"
    return Item(
        "a proof for every depth",
        3,
        f"All L layers of a network have a kernel of width {kernel} and stride {stride}. Let r(L) "
        "be the width of the receptive field of one unit of the last layer, in input positions; "
        "without any layer, r(0) = 1.\n\n"
        f"(a) Prove by induction that r(L) = {times}{stride}^L{less} for every L ≥ 0.\n\n"
        f"(b) What is r({depth})?",
        (Value(f"(b) r({depth})", receptive_field([Layer(kernel, stride=stride)] * depth)),),
        (
            Mark(1, "(a) the beginning, L = 0"),
            Mark(1, f"(a) the step from L to L + 1 by the recurrence, r(L + 1) = {back}"),
            Mark(2, "(a) the step is calculated to its end, for an L that is not a number"),
            Mark(1, "the number in (b)"),
        ),
        f"(a) For L = 0 the formula gives {begin}. One more layer at the input makes r(L + 1) = "
        f"{back}. If the claim holds for L, that is {stride} · ({times}{stride}^L − {c}) + "
        f"{kernel} = {times}{stride}^(L + 1) − {stride * c} + {kernel} = "
        f"{times}{stride}^(L + 1){less}, the claim for L + 1.",
    )


def _table(chain, dilation=False, padding=False):
    """Write layers as a Markdown table, from the input on."""
    columns = ["kernel", "stride", *["dilation"] * dilation, *["padding"] * padding]
    rows = [
        [str(number), *(str(getattr(layer, column)) for column in columns)]
        for number, layer in enumerate(chain, 1)
    ]
    rows[0][0] += ", reads the input"
    lines = [["layer", *columns], [":--", *["--:"] * len(columns)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


ITEMS = (
    field_of_a_chain,
    proof_by_induction,
    field_of_blocks,
    where_it_lies,
    gaps_of_dilation,
    own_stride,
    fewest_layers,
    one_more_tap,
    doubling_dilation,
    what_counts,
)
