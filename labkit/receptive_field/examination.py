"""The numbers of ten examination items on receptive fields; keys come from the recurrence itself.

Every function draws the numbers of one item, whose words stand under its name in
``examination.toml``, and returns what that item's gaps hold. They are small enough for pencil and
paper.
"""

from itertools import count
from math import sqrt

from labkit.questions.examination import pick
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.recurrence import receptive_field, trace
from labkit.words import count as counted


def field_of_a_chain(random):
    """Draw three layers."""
    chain = [
        Layer(pick(random, (2, 3, 5)), stride=pick(random, (2, 3))),
        Layer(pick(random, (2, 3, 4, 5)), stride=pick(random, (1, 2))),
        Layer(pick(random, (2, 3)), stride=pick(random, (1, 2, 3))),
    ]
    return {"table": _table(chain), "field": receptive_field(chain)}


def proof_by_induction(random):
    """Draw kernel and stride of a formula for every depth, and a depth to try it with."""
    pairs = ((2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (3, 3), (5, 3), (7, 3), (4, 4), (7, 4))
    kernel, stride = pick(random, pairs)
    depth = pick(random, (3, 4, 5))
    c = (kernel - 1) // (stride - 1)
    times, less = ("", "") if c == 1 else (f"{c} · ", f" − {c - 1}")
    drawn = {"kernel": kernel, "stride": stride, "depth": depth}
    formula = {"c": c, "times": times, "less": less, "subtracted": stride * c}
    return (
        drawn
        | formula
        | {
            "begin": "1" if c == 1 else f"{c} · 1 − {c - 1} = 1",
            "back": f"{stride} · (r(L) − 1) + {kernel}",
            "field": receptive_field([Layer(kernel, stride=stride)] * depth),
        }
    )


def field_of_blocks(random):
    """Draw a network of blocks, as VGG is one."""
    blocks, convolutions = pick(random, (2, 3)), pick(random, (1, 2, 3, 4))
    kernel, pooling = pick(random, (3, 5)), pick(random, (2, 3))
    block = [Layer(kernel)] * convolutions + [Layer(pooling, stride=pooling)]
    last = trace(block * blocks)[-1]
    drawn = {"blocks": blocks, "kernel": kernel, "pooling": pooling}
    return drawn | {
        "convolutions": "one convolution" if convolutions == 1 else f"{convolutions} convolutions",
        "field": last.size,
        "stride": last.effective_stride,
    }


def where_it_lies(random):
    """Draw three layers with padding, and a unit whose field is sought."""
    chain = [
        Layer(pick(random, (3, 5)), stride=pick(random, (1, 2)), padding=pick(random, (0, 1))),
        Layer(pick(random, (2, 3)), stride=2, padding=pick(random, (0, 1))),
        Layer(3, stride=1, padding=pick(random, (0, 1))),
    ]
    unit = pick(random, (1, 2, 3, 4, 5))
    last = trace(chain)[-1]
    first = unit * last.effective_stride - last.effective_padding
    table = _table(chain, padding=True)
    return {"table": table, "unit": unit, "first": first, "last": first + last.size - 1}


def gaps_of_dilation(random):
    """Draw a dilated kernel."""
    layer = Layer(pick(random, range(2, 8)), dilation=pick(random, range(2, 8)))
    gaps = layer.reach - layer.kernel
    field = receptive_field([layer])
    return {"kernel": layer.kernel, "dilation": layer.dilation, "field": field, "gaps": gaps}


def own_stride(random):
    """Draw three layers, and make the printed solution's slip: a layer counts its own stride."""
    chain = [
        Layer(pick(random, (2, 3, 4)), stride=pick(random, (2, 3))),
        Layer(pick(random, (3, 5)), stride=pick(random, (1, 2))),
        Layer(pick(random, (2, 3)), stride=pick(random, (2, 3))),
    ]
    slip, product = 1, 1
    for layer in chain:
        product *= layer.stride
        slip += (layer.kernel - 1) * product
    return {"table": _table(chain), "slip": slip, "field": receptive_field(chain)}


def fewest_layers(random):
    """Draw a kernel and a field that it must reach, without strides and with them."""
    kernel, wanted = pick(random, (3, 5, 7)), pick(random, range(30, 130, 5))

    def fewest(stride):
        fields = ((n, receptive_field([Layer(kernel, stride=stride)] * n)) for n in count(1))
        return next(n for n, field in fields if field >= wanted)

    return {"kernel": kernel, "wanted": wanted, "unstrided": fewest(1), "strided": fewest(2)}


def one_more_tap(random):
    """Draw a layer that gets one more tap, with strides and dilation about it."""
    place = pick(random, (2, 3, 4))
    strides = [pick(random, (2, 3)), pick(random, (1, 2, 3)), pick(random, (1, 2)), 2]
    chain = [Layer(3, stride=s, dilation=pick(random, (1, 2, 3))) for s in strides]
    old = chain[place - 1]
    wider = Layer(old.kernel + 1, stride=old.stride, dilation=old.dilation)
    widened = [*chain[: place - 1], wider, *chain[place:]]
    growth = receptive_field(widened) - receptive_field(chain)
    return {"table": _table(chain, dilation=True), "place": place, "growth": growth}


def doubling_dilation(random):
    """Draw layers whose dilations double."""
    depth, kernel, first = (pick(random, o) for o in ((3, 4, 5, 6), (2, 3, 4, 5), (1, 2, 3)))
    dilations = [first * 2**number for number in range(depth)]
    return {
        "depth": depth,
        "kernel": kernel,
        "dilations": ", ".join(map(str, dilations)),
        "weights": depth * kernel,
        "field": receptive_field([Layer(kernel, dilation=dilation) for dilation in dilations]),
    }


def what_counts(random):
    """Draw a depth, and how many times it grows, where all weights are equal."""
    kernel, depths = pick(random, ((3, (6, 24)), (5, (2, 8, 18)), (7, (1, 4, 9, 16))))
    depth, times = pick(random, depths), pick(random, (4, 9, 16, 25))

    def spread(layers):
        return sqrt(layers * (kernel**2 - 1) / 12)

    drawn = {"layers": counted(depth, "layer"), "kernel": kernel, "times": times}
    return drawn | {
        "field": receptive_field([Layer(kernel)] * depth),
        "deep_field": receptive_field([Layer(kernel)] * times * depth),
        "spread": spread(depth),
        "factor": spread(times * depth) / spread(depth),
    }


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
