"""What an analysis looks like: text, HTML, rows, names."""

from html.parser import HTMLParser

import keras
import pytest
from keras import layers

from labkit.receptive_field.analysis import analyse


@pytest.fixture(scope="module")
def same_axes():
    chain = [layers.Conv2D(2, 3, name="conv"), layers.MaxPooling2D(2, name="pool")]
    return analyse(keras.Sequential([keras.Input((20, 20, 1)), *chain], name="small"))


@pytest.fixture(scope="module")
def other_axes():
    chain = [layers.Conv2D(2, (3, 1), name="tall"), layers.Conv2D(2, (1, 4), (1, 2), name="wide")]
    return analyse(keras.Sequential([keras.Input((20, 24, 1)), *chain], name="cross"))


@pytest.fixture(scope="module")
def gated():
    start = keras.Input((16, 16, 2))
    tensor = layers.Conv2D(2, 3, name="conv")(start)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(tensor)
    return analyse(keras.Model(start, layers.Multiply(name="gate")([tensor, gate]), name="gated"))


def cells(line):
    return line.split()


class TestText:
    def test_equal_axes_stand_once(self, same_axes):
        lines = str(same_axes).splitlines()
        assert lines[0] == "Receptive fields of small, input 20 × 20"
        assert cells(lines[2])[:5] == ["layer", "type", "units", "size", "stride"]
        assert cells(lines[4]) == ["conv", "Conv2D", "18", "3", "1", "0", "1", "no", "5.83", "k"]
        assert cells(lines[5]) == ["pool", "MaxPooling2D", "9", "4", "2", "0", "1.5", "no", "0"]

    def test_columns_are_aligned(self, same_axes):
        lines = str(same_axes).splitlines()[2:6]
        ends = {
            line.index(word) + len(word) for line, word in zip(lines[:1], ["size"], strict=True)
        }
        assert {line[:end].rstrip() != "" for line in lines for end in ends} == {True}
        assert len({len(line) for line in lines}) == 1

    def test_axes_that_differ_stand_side_by_side(self, other_axes):
        assert cells(str(other_axes).splitlines()[5])[2:6] == ["18×11", "3×4", "1×2", "0"]

    def test_gates_are_explained_and_shown_both_ways(self, gated):
        text = str(gated)
        assert "size, no gates" in text
        row = next(line for line in text.splitlines() if line.startswith("gate "))
        assert cells(row) == [
            *("gate", "Multiply", "14", "all", "16", "–", "–", "–", "yes"),
            *("3", "3", "1", "0", "1", "0"),
        ]
        assert "pool the whole picture" in text

    def test_holes_phases_and_paths_are_explained_only_where_they_are(self, same_axes):
        assert "holes" not in str(same_axes)
        start = keras.Input((40, 1))
        left, right = layers.Cropping1D((0, 4))(start), layers.Cropping1D((4, 0))(start)
        text = str(analyse(keras.Model(start, layers.Add()([left, right]))))
        assert "holes" in text
        assert "Paths apart" in text
        phases = keras.Sequential([keras.Input((8, 1)), layers.Conv1DTranspose(1, 3, 2)])
        assert "upsampling" in str(analyse(phases))

    def test_what_is_unknown_is_a_question_mark(self):
        chain = [layers.Conv1D(1, 3), layers.GlobalAveragePooling1D()]
        text = str(analyse(keras.Sequential([keras.Input((None, 1)), *chain])))
        assert "input ?" in text
        assert cells(text.splitlines()[4])[-7:] == ["?", "3", "1", "0", "1", "?", "?"]
        assert cells(text.splitlines()[5])[-7:] == ["–", "all", "–", "–", "–", "?", "0"]


class _Table(HTMLParser):
    """Collects tags and text of a table."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data.strip())


class TestHtml:
    def test_the_table_is_accessible(self, same_axes):
        table = _Table(same_axes._repr_html_())
        tags = [tag for tag, _ in table.tags]
        assert tags.count("caption") == 1
        scopes = [attrs.get("scope") for tag, attrs in table.tags if tag == "th"]
        assert scopes == ["col"] * 9 + ["row"] * 2
        assert tags.count("td") == 2 * 8
        assert "Receptive fields of small, input 20 × 20" in table.texts

    def test_names_are_escaped(self):
        start = keras.Input((9, 1))
        model = keras.Model(start, layers.ReLU()(start), name="a<b>&c")
        assert "a&lt;b&gt;&amp;c" in analyse(model)._repr_html_()

    def test_notes_come_along(self, gated):
        assert "pool the whole picture" in gated._repr_html_()

    def test_lines_of_code_stay_lines(self):
        class Own(layers.Layer):
            def call(self, x):
                return keras.ops.convert_to_tensor(x.numpy())

            def compute_output_spec(self, x):
                return keras.KerasTensor(x.shape)

        start = keras.Input((9, 1))
        table = _Table(analyse(keras.Model(start, Own()(start)))._repr_html_())
        (look,) = [attrs for tag, attrs in table.tags if tag == "p"]
        assert look == {"style": "white-space: pre-wrap"}
        assert "\n    register_rule(Own, " in table.texts[-1]


class TestRows:
    def test_equal_axes_make_one_column_each(self, same_axes):
        assert same_axes.rows()[1] == {
            "layer": "pool",
            "type": "MaxPooling2D",
            "output_size": 9,
            "size": 4,
            "effective_stride": 2,
            "effective_padding": 0,
            "centre": 1.5,
            "positions_read": 4,
            "sees_whole_input": False,
            "misalignment": 0,
            "smallest_size": 4,
            "operations": 0,
            "unknown": None,
        }

    def test_axes_that_differ_make_one_column_per_axis(self, other_axes):
        row = other_axes.rows()[1]
        assert (row["size_height"], row["size_width"]) == (3, 4)
        assert "size" not in row

    def test_gates_add_columns_to_every_row(self, gated):
        rows = gated.rows()
        assert len({tuple(row) for row in rows}) == 1
        assert [row["size"] for row in rows] == [3, 14 + 2, 16]
        assert [row["size_without_gates"] for row in rows] == [3, 16, 3]
        assert rows[2]["effective_stride"] is None

    def test_values_are_plain(self, gated, other_axes):
        allowed = (str, int, float, bool, type(None))
        for row in gated.rows() + other_axes.rows():
            assert all(type(value) in allowed for value in row.values())


class TestNames:
    def test_by_name_number_and_loop(self, same_axes):
        assert same_axes["pool"] is same_axes[1] is same_axes[-1] is same_axes.final
        assert [layer.name for layer in same_axes] == ["conv", "pool"]
        assert len(same_axes) == 2

    def test_a_wrong_name_shows_near_ones(self, same_axes):
        with pytest.raises(KeyError, match=r"no layer 'poool'.*'pool'"):
            same_axes["poool"]

    def test_the_end_of_a_path_is_enough_where_it_is_one(self):
        def block(name):
            chain = [keras.Input((None, 1)), layers.Conv1D(1, 3, name="conv")]
            return keras.Sequential(chain, name=name)

        start = keras.Input((20, 1))
        one = analyse(keras.Model(start, block("a")(start)))
        assert one["conv"] is one["a/conv"]
        two = analyse(keras.Model(start, block("b")(block("a")(start))))
        with pytest.raises(KeyError, match=r"names 2 layers.*a/conv.*b/conv"):
            two["conv"]

    def test_attributes_of_a_layer(self, other_axes):
        assert other_axes["tall"].size == (3, 1)
        assert other_axes["tall"].effective_stride == 1
        with pytest.raises(AttributeError, match="no attribute 'sise'"):
            _ = other_axes.final.sise

    def test_a_layer_says_its_numbers(self, same_axes, other_axes):
        assert repr(same_axes.final) == (
            "LayerField('pool', size=4, effective_stride=2, effective_padding=0, centre=3/2)"
        )
        assert "size=(3, 4), effective_stride=(1, 2)" in repr(other_axes.final)
        assert repr(same_axes["conv"].axes[0]).startswith("AxisField(size=3, ")

    def test_several_outputs(self):
        start = keras.Input((20, 1))
        first = layers.Conv1D(1, 3, name="first")(start)
        second = layers.Conv1D(1, 5, name="second")(start)
        result = analyse(keras.Model(start, [first, second]))
        assert result.outputs == ("first", "second")
        assert result.final.name == "first"
