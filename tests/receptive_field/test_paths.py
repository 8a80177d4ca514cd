"""Widest and narrowest paths against every path there is, walked position by position."""

import functools
import random

import keras
import pytest
from keras import layers

from labkit.receptive_field import SMALL_VGG, VGG16, receptive_field, trace
from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.reads import UnreadableLayer
from labkit.receptive_field.rule_registry import register_rule

SIZE = 96


class RandomNetwork:
    """A network of one axis as a list of nodes, and the same as a Keras model."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.nodes = {"input": ("input", (), 0)}
        self.tensors = {"input": keras.Input((SIZE, 1))}
        for number in range(self.dice.randint(6, 16)):
            self.add(f"n{number}")
        # Names that are not read by others are no loss: the last node is looked at alone.
        self.last = f"n{number}"
        self.model = keras.Model(self.tensors["input"], self.tensors[self.last])

    def add(self, name):
        kinds = ["conv"] * 3 + ["join"] * 6 + ["down", "up", "transposed"]
        kind = self.dice.choice(kinds)
        before = self.dice.choice(list(self.nodes)[-4:])
        level = self.nodes[before][2]
        others = [n for n, (_, _, other) in self.nodes.items() if other == level and n != before]
        if kind == "join" and others:
            pair = before, self.dice.choice(others)
            layer = layers.Concatenate(name=name)
            self.nodes[name] = "join", pair, level
            self.tensors[name] = layer([self.tensors[each] for each in pair])
            return
        if kind == "down" and level < 2:
            layer, op, level = layers.MaxPooling1D(2, name=name), ("down",), level + 1
        elif kind == "up" and level > 0:
            layer, op, level = layers.UpSampling1D(2, name=name), ("up",), level - 1
        elif kind == "transposed" and level > 0:
            kernel = self.dice.choice([1, 1, 2, 3, 4])
            layer = layers.Conv1DTranspose(1, kernel, 2, padding="same", name=name)
            op, level = ("transposed", kernel), level - 1
        else:
            kernel, dilation = self.dice.choice([1, 2, 3, 5]), self.dice.choice([1, 1, 2])
            layer = layers.Conv1D(1, kernel, dilation_rate=dilation, padding="same", name=name)
            op = "conv", kernel, dilation
        self.nodes[name] = op, (before,), level
        self.tensors[name] = layer(self.tensors[before])

    def paths(self, name):
        """List every path from the input to a node, as names."""
        if name == "input":
            return [()]
        return [(*path, name) for before in self.nodes[name][1] for path in self.paths(before)]

    def widths(self, path):
        """Walk back along a path from some units far from the borders; list the widths."""
        found = []
        for unit in range(40, 48):
            positions = {unit}
            for name in reversed(path):
                positions = {p for u in positions for p in read(self.nodes[name][0], u)}
            if positions:
                found.append(max(positions) - min(positions) + 1)
        return found


def read(op, unit):
    """List what one unit reads, borders left aside."""
    match op:
        case ("conv", kernel, dilation):
            before = (kernel - 1) * dilation // 2
            return [unit - before + dilation * tap for tap in range(kernel)]
        case ("down",):
            return [2 * unit, 2 * unit + 1]
        case ("up",):
            return [unit // 2]
        case ("transposed", kernel):
            cut = max(kernel - 2, 0) // 2
            return [(unit + cut - tap) // 2 for tap in range(kernel) if (unit + cut - tap) % 2 == 0]
    return [unit]


drawn = functools.cache(RandomNetwork)


@pytest.mark.parametrize("seed", range(60))
def test_against_every_path(seed):
    network = drawn(seed)
    found = analyse(network.model)
    widths = {path: network.widths(path) for path in network.paths(network.last)}
    widest, narrowest = found.widest_path(), found.narrowest_path()
    assert widest.size == max(max(each, default=0) for each in widths.values())
    assert narrowest.size == min(min(each) for each in widths.values() if each)
    assert max(widths[widest.names]) == widest.size
    assert min(widths[narrowest.names]) == narrowest.size
    assert found.smallest_size() == narrowest.size <= widest.size <= found.final.size


def test_the_networks_have_paths_to_choose_from():
    counts = [len(drawn(seed).paths(drawn(seed).last)) for seed in range(60)]
    assert max(counts) > 8
    assert sum(count > 1 for count in counts) > 20


def odd_units_of(first, second):
    """Join two ways to twice as many units, and look at every second one, from unit 1 on."""
    start = keras.Input((16, 1))
    ways = [way(start) for way in (first, second)]
    joined = layers.Cropping1D((1, 1), name="crop")(layers.Add(name="sum")(ways))
    return analyse(keras.Model(start, layers.Conv1D(1, 1, strides=2, name="odd")(joined)))


def transposed(kernel, name):
    return layers.Conv1DTranspose(1, kernel, strides=2, padding="same", name=name)


def test_a_way_that_reaches_some_units_only_beats_none_that_reaches_others():
    def wide(start):
        return layers.UpSampling1D(2, name="up")(layers.Conv1D(1, 3, padding="same")(start))

    for pair in ((transposed(1, "even"), wide), (wide, transposed(1, "even"))):
        found = odd_units_of(*pair)
        assert found.narrowest_path().size == found.widest_path().size == 3
        assert "up" in found.narrowest_path().names


def test_a_way_must_win_for_every_unit():
    # Even units see two positions along both; odd ones two along the first, one along the second.
    found = odd_units_of(transposed(4, "four"), transposed(3, "three"))
    assert found.narrowest_path().names[0] == "three"
    assert found.narrowest_path().size == 1
    assert found.widest_path().size == 2


def residual():
    start = keras.Input((40, 40, 1))
    tensor = layers.Conv2D(2, 5, padding="same", name="stem")(start)
    inner = layers.Conv2D(2, (3, 1), padding="same", name="tall")(tensor)
    joined = layers.Add(name="sum")([tensor, inner])
    return keras.Model(start, layers.Conv2D(1, 3, name="head")(joined), name="residual")


def test_axes_have_paths_of_their_own():
    found = analyse(residual())
    assert found.widest_path(axis=0).names == ("stem", "tall", "sum", "head")
    assert found.widest_path(axis=0).size == 9
    assert found.widest_path(axis=1).size == found.narrowest_path(axis=1).size == 7
    assert found.smallest_size() == 7
    assert found.smallest_size("tall") == (7, 5)


def test_a_path_prints_what_widens():
    text = str(analyse(residual()).widest_path())
    assert text.startswith("Widest path to head of residual, along the height")
    assert [line.split() for line in text.splitlines()[4:]] == [
        *(["stem", "5"], ["tall", "7"], ["head", "9"])
    ]
    assert "<table>" in analyse(residual()).narrowest_path("sum")._repr_html_()


def test_the_smallest_stands_in_table_and_rows():
    found = analyse(residual())
    table = found.table()
    column = table.headings.index("smallest")
    assert [row[column] for row in table.rows] == ["5", "7×5", "5", "7"]
    assert [row["smallest_size_height"] for row in found.rows()] == [5, 7, 5, 7]
    plain = keras.Sequential([keras.Input((9, 1)), layers.Conv1D(1, 3)])
    assert "smallest" not in analyse(plain).table().headings


def test_a_gate_is_the_widest_path_and_not_the_narrowest():
    start = keras.Input((20, 1))
    tensor = layers.Conv1D(2, 3, name="conv")(start)
    gate = layers.GlobalAveragePooling1D(keepdims=True, name="squeeze")(tensor)
    model = keras.Model(start, layers.Multiply(name="gate")([tensor, gate]))
    found = analyse(model)
    assert found.widest_path().names == ("conv", "squeeze", "gate")
    assert found.widest_path().size == 20
    assert found.narrowest_path().names == ("conv", "gate")
    assert found.narrowest_path().size == 3
    assert analyse(model, squeeze_excitation="ignore").widest_path().size == 3


def test_published_shortcuts():
    # Along its shortcuts ResNet50 has a 7-wide convolution and a 3-wide pooling, then kernels of 1.
    resnet = keras.applications.ResNet50(weights=None, include_top=False)
    found = analyse(resnet, 224)
    stem = [Layer(7, stride=2), Layer(3, stride=2)]
    assert found.narrowest_path().size == receptive_field(stem) == 11
    assert found.widest_path().size == found.final.size == 483
    assert receptive_field(found.widest_path().chain()) == 483


class TestChains:
    def test_known_networks(self, undrawn_weights):
        vgg16 = keras.applications.VGG16(weights=None)
        chain = analyse(vgg16).chain()
        assert [(c.kernel, c.stride, c.padding) for c in chain] == [
            (c.kernel, c.stride, c.padding) for c in VGG16
        ]
        assert chain[0].name == "block1_conv1"

    def test_every_number_is_found(self):
        chain = [
            layers.ZeroPadding1D(3),
            layers.Conv1D(1, 7, strides=2),
            layers.ReLU(),
            layers.Conv1D(1, 3, dilation_rate=4, padding="same"),
            layers.Conv1D(1, 2, dilation_rate=3),
        ]
        found = analyse(keras.Sequential([keras.Input((90, 1)), *chain]))
        numbers = [(c.kernel, c.stride, c.dilation, c.padding) for c in found.chain()]
        assert numbers == [(7, 2, 1, 3), (3, 1, 4, 4), (2, 1, 3, 0)]
        last = trace(found.chain())[-1]
        assert (last.size, last.centre) == (found.final.size, found.final.centre)

    def test_padding_behind_the_last_layer_stays(self):
        chain = [layers.Conv1D(1, 3), layers.ZeroPadding1D(2)]
        found = analyse(keras.Sequential([keras.Input((9, 1)), *chain]))
        assert trace(found.chain())[-1].effective_padding == found.final.effective_padding == 2

    def test_the_explorer_opens_with_it(self):
        model = keras.Sequential([keras.Input((200, 200, 3))])
        for number in range(4):
            model.add(layers.Conv2D(1, 3, padding="same", name=f"a{number}"))
            model.add(layers.Conv2D(1, 3, padding="same", name=f"b{number}"))
            model.add(layers.MaxPooling2D(name=f"p{number}"))
        opened = analyse(model).explorer()
        assert receptive_field(opened.layers) == receptive_field(SMALL_VGG)
        assert opened.link == "explorer.html#network=" + "-".join(["3-3-2s2"] * 4)
        assert analyse(model).explorer("p0").link == "explorer.html#network=3-3-2s2"

    @pytest.mark.parametrize(
        ("chain", "message"),
        [
            ([layers.UpSampling1D(2, name="up")], "'up' is no plain layer"),
            ([layers.Cropping1D(2, name="c"), layers.Conv1D(1, 3, name="v")], "'v'.* cropped by 2"),
            ([layers.Cropping1D(2, name="c"), layers.ReLU(name="r")], "Up to .*'r'.* cropped by 2"),
            ([layers.Resizing(7, 7, name="r")], "'r' is no plain layer"),
        ],
    )
    def test_what_is_no_chain(self, chain, message):
        shape = (20, 20, 1) if isinstance(chain[0], layers.Resizing) else (20, 1)
        with pytest.raises(ValueError, match=message):
            analyse(keras.Sequential([keras.Input(shape), *chain])).chain()

    def test_branches_are_no_chain_but_a_path_is(self):
        found = analyse(residual())
        with pytest.raises(ValueError, match=r"'sum' joins several paths.*widest_path\(\).chain"):
            found.chain()
        assert [layer.kernel for layer in found.widest_path().chain()] == [5, 3, 3]
        assert len(found.chain("stem")) == 1


class TestBorders:
    @pytest.mark.parametrize("size", [32, 64, 100, 224])
    def test_vgg16(self, size):
        found = analyse(keras.applications.VGG16(weights=None, include_top=False), size)
        rows = trace(VGG16)
        before = [1, *(row.size for row in rows)]
        wasted = [i for i in range(len(rows)) if before[i] > size]
        assert [layer.name for layer in found.border_layers()] == [found[i].name for i in wasted]
        assert found.border_layers(size) == found.border_layers()

    def test_the_smallest_input_wastes_nothing_and_one_less_does(self):
        for model in (keras.applications.VGG16(weights=None, include_top=False), residual()):
            found = analyse(model)
            size = found.smallest_input()
            assert not found.border_layers(size)
            assert found.border_layers(size - 1)
        assert size == 5

    def test_what_does_not_widen_is_never_wasted(self):
        chain = [layers.Conv1D(1, 9), layers.Conv1D(1, 1), layers.GlobalAveragePooling1D()]
        found = analyse(keras.Sequential([keras.Input((20, 1)), *chain]))
        assert found.border_layers(1) == ()
        assert found.smallest_input() == 1

    def test_only_the_axes_that_a_layer_widens_count(self):
        chain = [layers.Conv2D(1, (9, 3)), layers.Conv2D(1, (1, 3), name="wide")]
        found = analyse(keras.Sequential([keras.Input((20, 20, 1)), *chain]))
        assert [layer.name for layer in found.border_layers((20, 2))] == ["wide"]
        assert found.border_layers((2, 20)) == ()
        assert found.smallest_input() == (1, 3)


class TestSeenFromInside:
    @pytest.mark.parametrize(
        ("name", "of", "on"),
        [
            ("VGG16", "block3_conv3", "block1_pool"),
            ("ResNet50", "conv3_block2_out", "conv2_block1_out"),
            ("MobileNetV2", "block_6_expand", "block_3_project_BN"),
        ],
    )
    def test_as_a_model_that_begins_there(self, name, of, on):
        model = getattr(keras.applications, name)(weights=None, include_top=False)
        whole = analyse(model, 96, of=of, on=on)
        part = keras.Model(model.get_layer(on).output, model.get_layer(of).output)
        inside = analyse(part, whole.input_size)
        assert whole.final.axes == inside.final.axes
        assert whole.outputs == (of,)
        assert {layer.name for layer in whole} == {layer.name for layer in inside}
        unit = (3, 2)
        assert whole.final.input_range(unit) == inside.final.input_range(unit)

    def test_of_alone_keeps_what_leads_there(self):
        found = analyse(residual(), of="tall")
        assert [layer.name for layer in found] == ["stem", "tall"]
        assert found.final.name == "tall"
        assert found.final.size == (7, 5)

    def test_beside_the_layer_nothing_counts(self):
        found = analyse(residual(), on="tall")
        assert [layer.name for layer in found] == ["sum", "head"]
        assert found["sum"].size == 1
        assert found.final.size == 3
        assert found.widest_path().names == ("sum", "head")
        assert found.smallest_input() == 1

    def test_broadcasting_beside_what_is_not_traced(self):
        start = keras.Input((20, 1))
        tensor = layers.Conv1D(2, 3, name="conv")(start)
        gate = layers.GlobalAveragePooling1D(keepdims=True, name="squeeze")(tensor)
        gate = layers.Dense(2, name="weight")(gate)
        model = keras.Model(start, layers.Multiply(name="gate")([tensor, gate]))
        found = analyse(model, on="squeeze")
        assert found.final.size == 1
        assert found.final.sees_whole_input

    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"of": "nothing"}, "no layer 'nothing'"),
            ({"on": "nothing"}, "no layer 'nothing'"),
            ({"on": "head"}, "on='head': no layer reads it"),
            ({"on": "tall", "of": "stem"}, "Of what reads 'tall': The model has no layer 'stem'"),
        ],
    )
    def test_refusals(self, keywords, message):
        with pytest.raises((KeyError, ValueError), match=message):
            analyse(residual(), **keywords)

    def test_of_a_layer_with_several_outputs_each_is_counted_on_by_its_name(self):
        start = keras.Input((20, 4))
        parts = keras.ops.split(start, 2, axis=1)
        model = keras.Model(start, layers.Conv1D(2, 3, name="conv")(parts[1]))
        row = parts[1]._keras_history.operation.name
        with pytest.raises(ValueError, match=f"on='{row}': no layer reads it"):
            analyse(model, on=row)
        assert analyse(model, on=f"{row} [1]").final.input_range(0) == ((0, 2),)

    def test_a_layer_without_places_cannot_be_counted_on(self):
        chain = [layers.GlobalAveragePooling1D(name="mean"), layers.Dense(3)]
        model = keras.Sequential([keras.Input((9, 1)), layers.Conv1D(1, 3), *chain])
        with pytest.raises(ValueError, match=r"on='mean' cannot be counted on: its units"):
            analyse(model, on="mean")


class Opaque(layers.Layer):
    def call(self, inputs):
        return inputs


@register_rule(Opaque)
def not_to_be_told(layer, axis):
    raise UnreadableLayer("is opaque")


class TestRefusals:
    def test_arguments(self):
        found = analyse(residual())
        for ask in (found.widest_path, found.narrowest_path, found.chain, found.explorer):
            with pytest.raises(KeyError, match="no layer 'heat'"):
                ask("heat")
            with pytest.raises(ValueError, match="axis=2 must be one of 0, 1"):
                ask(axis=2)
        for sizes in (0, "64", (64,), (64, 64, 64), 1.5):
            with pytest.raises(ValueError, match=r"input_size=.* must be"):
                found.border_layers(sizes)

    def test_a_size_is_needed_for_borders(self):
        model = keras.Sequential([keras.Input((None, 1)), layers.Conv1D(1, 3)])
        with pytest.raises(ValueError, match="size of the input is unknown"):
            analyse(model).border_layers()
        assert analyse(model).border_layers(5) == ()
        assert analyse(model).smallest_input() == 1

    def test_what_cannot_be_told_is_refused_and_marked(self):
        start = keras.Input((25, 1))
        half = layers.AveragePooling1D(2, padding="same", name="half")(start)
        odd = layers.UpSampling1D(2)(half)
        odd = layers.Cropping1D((0, 1))(odd)
        thirds = Opaque(name="opaque")(odd)
        found = analyse(keras.Model(start, layers.Add(name="sum")([start, thirds])))
        for ask in (found.widest_path, found.narrowest_path, found.smallest_size):
            with pytest.raises(ValueError, match="'sum'"):
                ask()
        with pytest.raises(ValueError, match="'opaque'"):
            found.smallest_input()
        assert found.smallest_size("half") == 2
        assert found.rows()[-1]["smallest_size"] is None
        assert "'opaque'" in found.rows()[-1]["unknown"]

    def test_a_path_through_a_layer_of_which_nothing_is_known_is_not_told(self):
        """Each input of the product can be followed, but one may silence the other."""
        start = keras.Input((9, 1))
        shifted = layers.ZeroPadding1D((3, 0))(layers.Cropping1D((0, 3))(start))
        mixed = layers.Conv1D(1, 1, use_bias=False)(shifted)
        product = layers.Multiply(name="product")([mixed, start])
        found = analyse(keras.Model(start, layers.Conv1D(1, 3, name="conv")(product)))
        assert found["product"].unknown and found["conv"].unknown
        for ask in (found.widest_path, found.narrowest_path, found.smallest_size):
            for name in ("product", "conv"):
                with pytest.raises(ValueError, match=f"'{name}'.* not known"):
                    ask(name)
        assert [row["smallest_size"] for row in found.rows()[-2:]] == [None, None]
