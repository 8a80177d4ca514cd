"""Tables of an analysis: rows that change, ranges of names, one layer, widths, and files."""

import csv
import errno
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest
from keras import layers

from labkit.receptive_field.analysis import analyse


@pytest.fixture(scope="module")
def blocks():
    """Convolutions, each with normalisation and activation behind it."""
    model = keras.Sequential([keras.Input((40, 40, 1))], name="blocks")
    for number, strides in enumerate((1, 2, 1)):
        model.add(layers.Conv2D(2, 3, strides, name=f"conv{number}"))
        model.add(layers.BatchNormalization(name=f"norm{number}"))
        model.add(layers.ReLU(name=f"relu{number}"))
    return analyse(model)


def first_cells(table):
    return [row[0] for row in table.rows]


def test_only_rows_that_change(blocks):
    table = blocks.table(changes=True)
    assert first_cells(table) == ["conv0 … relu0", "conv1 … relu1", "conv2 … relu2"]
    assert [row[1] for row in table.rows] == ["Conv2D"] * 3
    sizes = [row[table.headings.index("size")] for row in table.rows]
    assert sizes == ["3", "5", "9"]


def test_a_shared_row_costs_what_its_layers_cost_together():
    model = keras.Sequential([keras.Input((9, 1))])
    for _ in range(2):
        model.add(layers.Conv1D(10, 1))
    table = analyse(model).table(changes=True)
    assert [row[-1] for row in table.rows] == [str(9 * 10 + 9 * 10 * 10)]


def test_a_range_of_names_or_numbers(blocks):
    names = ["conv1", "norm1", "relu1", "conv2"]
    assert first_cells(blocks.table("conv1", "conv2")) == names
    assert first_cells(blocks.table(3, 6)) == names
    assert first_cells(blocks.table(None, "norm0")) == ["conv0", "norm0"]
    assert [layer.name for layer in blocks["conv1":"conv2"]] == names
    assert [layer.name for layer in blocks[:"norm0"]] == ["conv0", "norm0"]
    assert [layer.name for layer in blocks[-2:]] == ["norm2", "relu2"]


def test_one_layer(blocks):
    lines = dict(blocks.table("conv1").rows)
    assert lines["units"] == "18"
    assert lines["size"] == "5"
    assert lines["multiply-adds"] == f"{18 * 18 * 9 * 2 * 2 / 1000:.1f} k"
    assert str(blocks.table("conv1")).startswith("conv1 (Conv2D). Receptive fields of blocks")


def test_one_layer_has_a_column_for_each_axis_that_differs():
    model = keras.Sequential([keras.Input((20, 20, 1)), layers.Conv2D(1, (3, 5), name="c")])
    table = analyse(model).table("c")
    assert table.headings == ("quantity", "height", "width")
    assert ("size", "3", "5") in table.rows


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_is_wider_than_asked_and_nothing_is_lost(blocks, width):
    text = str(blocks.table(width=width))
    assert max(map(len, text.splitlines())) <= width
    wide = blocks.table()
    for heading in wide.headings:
        assert heading in text
    for row in wide.rows:
        for cell in row:
            assert cell in text


def test_long_names_break():
    start = keras.Input((9, 1))
    name = "a_very_long_name_of_a_layer_that_no_phone_can_show"
    model = keras.Model(start, layers.GlobalAveragePooling1D(name=name)(start), name="long")
    lines = str(analyse(model).table(width=40)).splitlines()
    assert max(map(len, lines)) <= 40
    assert "".join(line.split()[0] for line in lines[4:7]) == name


def test_notes_are_filled_too():
    model = keras.Sequential([keras.Input((8, 1)), layers.Conv1DTranspose(1, 3, 2)])
    text = str(analyse(model).table(width=50))
    assert "upsampling" in text
    assert max(map(len, text.splitlines())) <= 50


def test_a_cost_is_written_to_three_digits():
    model = keras.Sequential([keras.Input((9, 1)), layers.Conv1D(4, 3), layers.Conv1D(900, 3)])
    assert [row[-1] for row in analyse(model).table().rows] == ["84", "54 k"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda found: found.table(width=39), r"width=39 must be a whole number, 40 or more"),
        (lambda found: found.table(width="80"), "width='80' must be a whole number"),
        (lambda found: found.table("conv2", "conv1"), "'conv1' runs before 'conv2'"),
        (lambda found: found.table("conv9"), "no layer 'conv9'"),
        (lambda found: found.table("conv1", "conv9"), "no layer 'conv9'"),
        (lambda found: found["conv1":"conv9"], "no layer 'conv9'"),
    ],
)
def test_refusals(blocks, ask, message):
    with pytest.raises((ValueError, KeyError), match=message):
        ask(blocks)


class TestPhases:
    def test_neighbours_that_differ_stand_one_by_one(self):
        model = keras.Sequential([keras.Input((8, 1)), layers.Conv1DTranspose(1, 3, 2, name="up")])
        lines = dict(analyse(model).table("up").rows)
        # Unit 0 reads position 0 and, with the last tap, the one before it; unit 1 reads one.
        assert (lines["unit 0 sees"], lines["unit 1 sees"]) == ("-1 … 0", "0 … 0")
        assert analyse(model)["up"].ranges_by_phase == ((-1, 0), (0, 0))
        assert (lines["size"], lines["smallest"]) == ("2", "1")

    def test_many_are_cut_short_and_none_is_marked(self):
        model = keras.Sequential([keras.Input((8, 1)), layers.Conv1DTranspose(1, 2, 20, name="up")])
        rows = analyse(model).table("up").rows
        phases = [row for row in rows if "unit " in row[0]]
        assert phases[2] == ("unit 2 sees", "–")
        assert phases[-1] == ("up to unit 19", "…")
        assert len(phases) == 9

    def test_axes_side_by_side(self):
        up = layers.UpSampling2D((2, 1), name="up")
        table = analyse(keras.Sequential([keras.Input((8, 8, 1)), up])).table("up")
        assert table.headings == ("quantity", "height", "width")
        assert ("unit 1 sees", "0 … 0", "–") in table.rows


def dilated(rate, **options):
    return analyse(plain(rate, **options))


def plain(rate, name="one", prefix="", kind=layers.Conv1D):
    chain = [kind(2, 3, name=f"{prefix}a"), kind(2, 3, dilation_rate=rate, name=f"{prefix}b")]
    shape = (20, 1) if kind is layers.Conv1D else (20, 20, 1)
    return keras.Sequential([keras.Input(shape), *chain], name=name)


class TestCompare:
    def test_only_layers_that_differ_stand_in_it(self):
        table = dilated(1, name="one").compare(dilated(3, name="three"))
        assert table.caption == "From one to three"
        (row,) = table.rows
        cells = dict(zip(table.headings, row, strict=True))
        assert cells["layer"] == "b"
        assert cells["size"] == "5 → 9"
        assert cells["stride"] == "1"
        assert cells["units"] == "16 → 12"
        assert cells["multiply-adds"] == f"{16 * 3 * 2 * 2} → {12 * 3 * 2 * 2}"
        assert table.notes == (f"Multiply-adds of all layers: {18 * 6 + 192} → {18 * 6 + 144}.",)

    def test_the_same_model_does_not_differ(self):
        table = dilated(2).compare(dilated(2))
        assert table.rows == ()
        assert "No layer differs." in str(table)
        assert "No layer differs." in table._repr_html_()

    def test_layers_that_one_model_lacks(self):
        chain = [layers.Conv1D(2, 3, name="a"), layers.MaxPooling1D(name="pool")]
        other = analyse(keras.Sequential([keras.Input((20, 1)), *chain]))
        rows = {row[0]: row for row in dilated(1).compare(other).rows}
        assert list(rows) == ["b", "pool"]
        assert rows["b"][2] == "5 → –"
        assert rows["pool"][2] == "– → 4"

    def test_without_a_common_name_the_order_counts(self):
        (row,) = dilated(1).compare(dilated(2, prefix="other_")).rows
        assert row[:3] == ("b", "16 → 14", "5 → 7")

    def test_refusals(self):
        other = keras.Sequential([keras.Input((20, 1)), layers.MaxPooling1D(name="pool")])
        with pytest.raises(TypeError, match=r"this is Sequential: compare\(analyse\(other\)\)"):
            dilated(1).compare(other)
        with pytest.raises(
            ValueError, match=r"share no layer's name \('a', 'b' here, 'pool' there"
        ):
            dilated(1).compare(analyse(other))
        with pytest.raises(ValueError, match="1 and 2 axes"):
            dilated(1).compare(dilated(1, kind=layers.Conv2D))
        inside = analyse(plain(1), on="a")
        for pair in ((dilated(1), inside), (inside, dilated(1))):
            with pytest.raises(ValueError, match=r"One model is seen on 'a' .*: analyse both"):
                pair[0].compare(pair[1])
        assert inside.compare(analyse(plain(3), on="a")).rows[0][2] == "3 → 7"


@pytest.fixture(scope="module")
def found():
    chain = [layers.Conv2D(2, (3, 5), name='a "quoted", name'), layers.GlobalAveragePooling2D()]
    return analyse(keras.Sequential([keras.Input((20, 24, 1)), *chain], name="cross"))


def test_csv_holds_the_rows(found):
    read = list(csv.DictReader(io.StringIO(found.to_csv())))
    for line, row in zip(read, found.rows(), strict=True):
        assert line == {key: "" if value is None else str(value) for key, value in row.items()}


def test_json_holds_the_rows_and_the_model(found):
    read = json.loads(found.to_json())
    assert read["layers"] == found.rows()
    assert read["model"] == "cross"
    assert read["input_size"] == {"height": 20, "width": 24}
    assert read["outputs"] == list(found.outputs)
    assert read["operations"] == found.operations == 18 * 20 * 15 * 2
    assert read["on"] is None
    inside = analyse(plain(1), on="a")
    assert json.loads(inside.to_json())["on"] == "a"


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_files_are_written_whole_or_not_at_all(found, kind, tmp_path):
    write = getattr(found, f"to_{kind}")
    path = tmp_path / f"fields.{kind}"
    assert write(path) is None
    assert path.read_text(encoding="utf-8") == write()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with pytest.raises(OSError, match=r"cannot be written.*choose a folder"):
        write(tmp_path / "nowhere" / "fields")


def test_a_disk_that_fills_up_leaves_the_file_of_before(found, tmp_path, monkeypatch):
    path = tmp_path / "fields.csv"
    path.write_text("of before")

    def half(self, text, **options):
        self.write_bytes(text[: len(text) // 2].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match=r"cannot be written \(No space left on device\)"):
        found.to_csv(path)
    assert path.read_bytes() == b"of before"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_data_frame_is_asked_of_pandas(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=lambda rows: rows))
    assert found.to_dataframe() == found.rows()


def test_without_pandas_there_is_advice(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install pandas, or take analysis.rows\(\)"):
        found.to_dataframe()
