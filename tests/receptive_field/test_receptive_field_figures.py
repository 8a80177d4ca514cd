"""The pictures of lab 2: what they show, and that they can be drawn small."""

import subprocess
import sys
from itertools import pairwise

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import layers
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.effective_field import EffectiveField
from labkit.receptive_field.figures import (
    plot_branches,
    plot_effective_before_after,
    plot_effective_field,
    plot_field_per_cost,
    plot_field_per_layer,
    plot_fields_over_picture,
    plot_growth,
    plot_neurons,
    plot_paths,
    plot_strategies,
    strategies,
)
from labkit.receptive_field.known_networks import VGG16
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.recurrence import trace


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    plt.close("all")


def texts(figure):
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


def widths(axes):
    return [bar.get_width() for bar in axes.patches]


def dots(axes):
    """Return the sizes at which the dots of a logarithmic axis stand, row by row."""
    (points,) = (each for each in axes.collections if len(each.get_offsets()) > 1)
    return points.get_offsets()[:, 0].tolist()


def network(name, size=224):
    return getattr(keras.applications, name)(
        weights=None, include_top=False, input_shape=(size, size, 3)
    )


def field(shape=(41, 41), sigma=5.0, quantity="magnitude", size=31):
    """A Gaussian strength in the middle of a theoretical field."""
    squares = [
        ((np.arange(n) - n // 2) ** 2).reshape([-1 if i == j else 1 for j in range(len(shape))])
        for i, n in enumerate(shape)
    ]
    edges = tuple((n // 2 - size // 2, n // 2 + size // 2) for n in shape)
    return EffectiveField(
        np.exp(-sum(squares) / (2 * sigma**2)), quantity, "conv", (20,), edges, (size,) * len(shape)
    )


def test_they_need_no_keras():
    code = (
        "import sys, labkit.receptive_field.figures;"
        "print([m for m in ('tensorflow', 'keras', 'sympy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


class TestFieldPerLayer:
    def test_one_bar_per_layer_with_its_size(self):
        axes = plot_field_per_layer(trace(VGG16)).axes[0]
        assert widths(axes) == [row.size for row in trace(VGG16)]
        assert [label.get_text() for label in axes.get_yticklabels()][-1] == "pool5"
        assert "212" in texts(axes.figure)

    def test_bars_of_one_stride_share_a_colour(self):
        rows = trace(VGG16)
        axes = plot_field_per_layer(rows).axes[0]
        pairs = {
            (row.effective_stride, bar.get_facecolor())
            for row, bar in zip(rows, axes.patches, strict=True)
        }
        assert len(pairs) == len({row.effective_stride for row in rows}) == 6

    def test_a_long_network_keeps_what_widens_the_field(self):
        result = analyse(network("ResNet50"))
        sizes = widths(plot_field_per_layer(result).axes[0])
        assert sizes == sorted(sizes)
        assert sizes[-1] == 483
        assert len(sizes) <= 30 < len(result)

    def test_a_very_long_one_is_drawn_without_names(self):
        chain = [Layer(2) for _ in range(60)]
        axes = plot_field_per_layer(trace(chain)).axes[0]
        assert [bar.get_height() for bar in axes.patches] == [row.size for row in trace(chain)]

    def test_logarithms(self):
        axes = plot_field_per_layer(trace(VGG16), log_scale=True).axes[0]
        assert axes.get_xscale() == "log"
        assert {"1", "10", "30", "100"} <= set(texts(axes.figure))
        assert dots(axes) == [row.size for row in trace(VGG16)]
        assert not axes.patches, "the length of a bar means nothing there"
        assert axes.get_xlim()[0] == 1 and axes.get_xlim()[1] > 212
        (high,) = plot_field_per_layer(trace([Layer(2)] * 60), log_scale=True).axes
        assert not high.patches and high.get_ylim()[1] > 61

    def test_a_global_layer_is_grey_and_named_so(self):
        model = keras.Sequential(
            [keras.Input((30, 1)), layers.Conv1D(1, 3), layers.GlobalMaxPooling1D()]
        )
        figure = plot_field_per_layer(analyse(model))
        assert widths(figure.axes[0]) == [3, 30]
        assert figure.axes[0].patches[1].get_facecolor() == to_rgba("#6E6E6E")
        assert "whole input" in texts(figure)

    def test_of_two_axes_the_larger(self):
        model = keras.Sequential([keras.Input((30, 30, 1)), layers.Conv2D(1, (3, 7), (1, 2))])
        figure = plot_field_per_layer(analyse(model))
        assert widths(figure.axes[0]) == [7]
        assert "2" in texts(figure)

    def test_axes_that_differ_in_stride_alone(self):
        model = keras.Sequential([keras.Input((30, 30, 1)), layers.Conv2D(1, 3, (1, 2))])
        assert widths(plot_field_per_layer(analyse(model)).axes[0]) == [3]

    def test_nothing_to_draw(self):
        model = keras.Sequential([keras.Input((None, 1)), layers.GlobalMaxPooling1D()])
        with pytest.raises(ValueError, match="no layer with a known field"):
            plot_field_per_layer(analyse(model))


def test_growth_of_several_networks():
    figure = plot_growth({"plain": trace([Layer(3)] * 5), "strided": trace([Layer(3, 2)] * 5)})
    lines = figure.axes[0].get_lines()
    assert [line.get_ydata()[-1] for line in lines] == [11, 63]
    assert {"plain 11", "strided 63"} <= set(texts(figure))
    assert len({line.get_linestyle() for line in lines}) == 2


class TestNeurons:
    def points(self, figure):
        """Return per row the places of neurons that are read, and of those that are not."""
        found = {}
        for dots in figure.axes[0].collections:
            for x, y in dots.get_offsets():
                hole = len(dots.get_facecolor()) == 0
                found.setdefault((int(y), hole), []).append(float(x))
        return found

    def test_dilation_leaves_holes(self):
        figure = plot_neurons([Layer(3, dilation=2)] * 3)
        assert "13 wide, 7 read: 6 holes" in texts(figure)
        assert self.points(figure)[0, False] == [0, 2, 4, 6, 8, 10, 12]
        assert self.points(figure)[0, True] == [1, 3, 5, 7, 9, 11]

    def test_a_stride_above_the_kernel_leaves_holes(self):
        figure = plot_neurons([Layer(2, 3), Layer(2, 3), Layer(2)])
        assert "14 wide, 8 read: 6 holes" in texts(figure)

    def test_every_unit_stands_over_the_middle_of_what_it_reads(self):
        points = self.points(plot_neurons([Layer(3, 2), Layer(3, 2)], units=2))
        assert points[1, False] == [1, 3, 5, 7, 9]
        assert points[2, False] == [3, 7]

    def test_without_holes(self):
        assert "3 wide, all read" in texts(plot_neurons([Layer(3)]))

    def test_one_line_per_tap(self):
        assert len(plot_neurons([Layer(3), Layer(2)]).axes[0].get_lines()) == 2 + 2 * 3

    def test_too_wide(self):
        with pytest.raises(ValueError, match="729 wide, too wide"):
            plot_neurons([Layer(3, 3)] * 6)

    @pytest.mark.parametrize("units", [0, True, "2", 1.5])
    def test_units_are_counted(self, units):
        with pytest.raises(ValueError, match=f"units={units!r} must be a whole number, 1 or more"):
            plot_neurons([Layer(3)], units=units)
        assert len(plot_neurons([Layer(2)], units=np.int64(3)).axes[0].get_lines()) == 6


class TestBranches:
    SHORTCUT, AHEAD = [Layer(1, stride=2)], [Layer(3, stride=2), Layer(3, padding=1)]

    def test_a_bar_is_the_field_and_a_line_joins_the_centres_of_a_unit(self):
        figure = plot_branches({"shortcut": self.SHORTCUT, "ahead": self.AHEAD}, units=2)
        (axes,) = figure.axes
        assert widths(axes) == [1, 7, 1, 7]
        assert [bar.get_x() for bar in axes.patches] == [-0.5, -2.5, 1.5, -0.5]
        centres = [list(line.get_xdata()) for line in axes.get_lines()]
        assert centres == [[0, 1], [2, 3]]
        assert {"unit 0", "unit 1", "shortcut", "ahead"} <= set(texts(figure))

    def test_padding_of_half_the_reach_brings_the_centres_together(self):
        level = [Layer(3, stride=2, padding=1), Layer(3, padding=1)]
        lines = plot_branches({"a": self.SHORTCUT, "b": level}).axes[0].get_lines()
        assert all(len(set(line.get_xdata())) == 1 for line in lines)

    def test_a_branch_without_layers_is_a_shortcut(self):
        axes = plot_branches({"shortcut": [], "kernel": [Layer(3, padding=1)]}, units=1).axes[0]
        assert widths(axes) == [1, 3]

    @pytest.mark.parametrize("branches", [{}, {"a": [], "b": [Layer(3, stride=2)]}])
    def test_branches_that_cannot_meet_are_refused(self, branches):
        with pytest.raises(ValueError, match="one or more branches that meet unit by unit"):
            plot_branches(branches)


class TestEffective:
    def test_the_box_is_the_theoretical_field(self):
        figure = plot_effective_field(field())
        (box,) = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
        assert box.get_bbox().extents.tolist() == [4.5, 4.5, 35.5, 35.5]
        assert "theoretical field: 31" in texts(figure)

    def test_the_profile_stands_beside_its_gaussian(self):
        figure = plot_effective_field(field())
        profile = figure.axes[1]
        (gaussian,) = [line for line in profile.get_lines() if len(line.get_xdata()) == 41]
        assert np.argmax(gaussian.get_ydata()) == 20
        assert any("σ = 5.0" in text for text in texts(figure))

    @pytest.mark.parametrize("shape", [(41,), (21, 21, 21)])
    def test_other_numbers_of_axes(self, shape):
        with pytest.raises(ValueError, match=r"axis=3 must be a whole number"):
            plot_effective_field(field(shape, sigma=3, size=15), axis=3)
        figure = plot_effective_field(field(shape, sigma=3, size=15))
        assert any("σ = 3.0" in text for text in texts(figure))

    def test_the_quantity_is_named(self):
        assert "mean squared gradient" in texts(plot_effective_field(field(quantity="energy")))
        assert "root mean squared gradient" in texts(plot_effective_field(field()))

    def test_before_and_after(self):
        figure = plot_effective_before_after(field(sigma=3), field(sigma=6))
        shown = texts(figure)
        assert {"before training", "after training", "effective: 13 of 31"} <= set(shown)
        assert "effective: 26 of 31" in shown

    def test_before_and_after_of_different_kinds(self):
        with pytest.raises(ValueError, match="do not compare"):
            plot_effective_before_after(field(), field(quantity="energy"))
        with pytest.raises(ValueError, match="do not compare"):
            plot_effective_before_after(field(), field((51, 51)))


@pytest.fixture(scope="module")
def vgg16():
    return analyse(network("VGG16"))


class TestBoxes:
    def boxes(self, figure):
        return {
            p.get_label(): p.get_bbox().extents.tolist()
            for p in figure.axes[0].patches
            if p.get_label()
        }

    def test_the_unit_nearest_to_the_middle(self, vgg16):
        figure = plot_fields_over_picture(np.zeros((224, 224, 3)), vgg16, ["block5_pool"])
        # Unit 3: from 3 · 32 − 90 on, 212 wide.
        assert self.boxes(figure) == {"block5_pool: 212": [5.5, 5.5, 217.5, 217.5]}

    def test_the_unit_nearest_to_a_point(self, vgg16):
        # Centres lie at 15.5 + 32 · unit: 3.6 units on, unit 4 is nearest.
        picture = np.zeros((224, 224, 3))
        figure = plot_fields_over_picture(picture, vgg16, ["block5_pool"], at=(130, 130))
        assert self.boxes(figure)["block5_pool: 212"][0] == 4 * 32 - 90 - 0.5

    def test_a_point_is_two_numbers(self, vgg16):
        picture = np.zeros((224, 224))
        plain = plot_fields_over_picture(picture, vgg16, ["block5_pool"], at=(130, 130))
        numpys = plot_fields_over_picture(
            picture, vgg16, ["block5_pool"], at=np.array((130, 130), "float32")
        )
        assert self.boxes(plain) == self.boxes(numpys)
        for at in (130, (130,), ("130", "130"), (True, 3), "ab"):
            with pytest.raises(ValueError, match=r"at=.* must be a row and a column"):
                plot_fields_over_picture(picture, vgg16, at=at)

    def test_by_default_the_last_layer_of_each_stride(self, vgg16):
        figure = plot_fields_over_picture(np.zeros((224, 224)), vgg16)
        assert len(self.boxes(figure)) == 6

    def test_what_lies_beyond_the_picture_is_shown(self, vgg16):
        picture = np.zeros((224, 224, 3), "uint8")
        figure = plot_fields_over_picture(picture, vgg16, ["block5_pool"], at=(0, 0))
        left, right = figure.axes[0].get_xlim()
        assert left < -90
        assert right > 223
        assert "grey: padding beyond the picture" in texts(figure)
        middle = plot_fields_over_picture(picture, vgg16, ["block5_pool"])
        assert "grey: padding beyond the picture" not in texts(middle)

    def test_nothing_to_draw(self):
        start = keras.Input((8, 8, 1))
        model = keras.Model(start, layers.GlobalMaxPooling2D()(start))
        with pytest.raises(ValueError, match="no box to draw"):
            plot_fields_over_picture(np.zeros((8, 8)), analyse(model))
        with pytest.raises(ValueError, match=r"got \(8,\) and 2 axes"):
            plot_fields_over_picture(np.zeros(8), analyse(model))


class TestStrategies:
    def test_in_one_dimension_one_kernel_beats_depth(self):
        fields = [field for _, _, field, _ in strategies(9, 1)]
        assert fields == [27, 19, 1023, 1023]

    def test_in_two_dimensions_depth_wins(self):
        assert [field for _, _, field, _ in strategies(9, 2)][:2] == [9, 19]

    def test_the_weights_are_equal(self):
        for dimension in (1, 2):
            for _, chain, _, _ in strategies(9, dimension):
                assert sum(layer.kernel**dimension for layer in chain) == 9 * 3**dimension

    def test_a_stride_beyond_64_bits_is_exact(self):
        assert [left for _, _, _, left in strategies(65, 1)] == [1, 1, 2**65, 1]

    def test_the_resolution_left_is_written_beside(self):
        shown = texts(plot_strategies())
        assert {"1,023\nkeeps 1 of 512", "1,023\nkeeps all", "19\nkeeps all"} <= set(shown)
        assert {"1-D, 27 weights", "2-D, 81 weights"} <= set(shown)

    @pytest.mark.parametrize("layers", [20, 62, 63, 64, 300])
    def test_fields_beyond_64_bits_are_drawn(self, layers):
        figure = plot_strategies(layers)
        texts(figure)
        for axes in figure.axes:
            assert dots(axes)[2:] == [2.0 ** (layers + 1) - 1] * 2
            ticks = [label.get_window_extent() for label in axes.get_xticklabels()]
            assert all(left.x1 < right.x0 for left, right in pairwise(ticks) if right.width)
            ends = [label.get_window_extent().x1 for label in axes.texts]
            assert max(ends) <= figure.bbox.x1

    def test_long_numbers_are_written_to_two_digits(self):
        shown = texts(plot_strategies(63))
        assert "$1.8 \\cdot 10^{19}$\nkeeps 1 of $9.2 \\cdot 10^{18}$" in shown
        assert "$1.8 \\cdot 10^{19}$\nkeeps all" in shown

    def test_more_layers_than_an_axis_holds_are_refused(self):
        with pytest.raises(ValueError, match="layers=301 must be at most 300: no axis holds"):
            plot_strategies(301)

    def test_at_least_one_layer(self):
        for count in (0, True, "9"):
            with pytest.raises(ValueError, match=f"layers={count!r} must be a whole number"):
                plot_strategies(count)
        with pytest.raises(ValueError, match=r"dimensions=\(True,\) must be a sequence"):
            plot_strategies(dimensions=(True,))


class TestFieldPerCost:
    def test_the_line_ends_at_the_cost_and_the_field(self):
        model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
        found = analyse(model)
        axes = plot_field_per_cost({"VGG16": found}).axes[0]
        ends = [(line.get_xdata()[-1], line.get_ydata()[-1]) for line in axes.lines]
        assert ends == [(found.operations, 212)] * 2
        assert axes.get_xscale() == axes.get_yscale() == "log"
        plain = plot_field_per_cost({"VGG16": found}, log_scale=False).axes[0]
        assert plain.get_xscale() == plain.get_yscale() == "linear"

    def test_refusals(self):
        open_size = keras.Sequential([keras.Input((None, 1)), layers.Conv1D(1, 3, name="c")])
        with pytest.raises(ValueError, match="'c' of 'mine' costs is unknown: give input_size"):
            plot_field_per_cost({"mine": analyse(open_size)})
        free = keras.Sequential([keras.Input((9, 1)), layers.MaxPooling1D()])
        with pytest.raises(ValueError, match="No layer of 'free' costs anything"):
            plot_field_per_cost({"free": analyse(free)})


class TestPaths:
    def branched(self):
        start = keras.Input((30, 1))
        wide = layers.Conv1D(1, 5, padding="same", name="wide")(start)
        wide = layers.Conv1D(1, 5, padding="same", name="wider")(wide)
        return analyse(keras.Model(start, layers.Add(name="sum")([start, wide])))

    def test_dots_lines_and_paths(self):
        axes = plot_paths(self.branched()).axes[0]
        widest, narrowest = axes.lines
        assert widest.get_xydata().tolist() == [[0, 1], [1, 5], [2, 9], [3, 9]]
        assert narrowest.get_xydata().tolist() == [[0, 1], [3, 1]]
        lines, dots = axes.collections
        assert {tuple(dot) for dot in dots.get_offsets()} == {(0, 1), (1, 5), (2, 9), (3, 9)}
        ends = {tuple(map(tuple, segment)) for segment in lines.get_segments()}
        assert ((0, 1), (3, 9)) in ends
        assert len(ends) == 4

    def test_a_layer_and_an_axis_are_chosen(self):
        assert "widest path: 5" in texts(plot_paths(self.branched(), "wide"))
        with pytest.raises(KeyError, match="no layer 'nothing'"):
            plot_paths(self.branched(), "nothing")
        with pytest.raises(ValueError, match="axis=1 must be one of 0"):
            plot_paths(self.branched(), axis=1)
