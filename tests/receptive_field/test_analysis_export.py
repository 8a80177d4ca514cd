"""An analysis as CSV, JSON and a data frame."""

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
