"""The package's own data files are the published ones, to the last byte."""

import hashlib
import shutil
import subprocess
from importlib.resources import files

import pytest

from labkit.dog_breeds.packaged import SUMS, packaged_file, published_hashes

HOME = files("labkit.dog_breeds")
DATA = {path.name for path in HOME.iterdir() if path.name.endswith((".h5", ".csv", ".zip"))}


def test_every_data_file_has_a_hash():
    assert set(published_hashes()) == DATA
    assert len(DATA) == 5


@pytest.mark.parametrize("name", sorted(DATA))
def test_hash_is_that_of_the_file(name):
    content = (HOME / name).read_bytes()
    assert published_hashes()[name] == hashlib.sha256(content).hexdigest()
    with packaged_file(name) as path:
        assert path.read_bytes() == content


def test_the_usual_program_reads_the_list():
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("no sha256sum here")
    subprocess.run([program, "--check", "--strict", "--quiet", SUMS], cwd=str(HOME), check=True)


def test_line_ends_of_windows_change_nothing(tmp_path, monkeypatch):
    name = "photograph_class_sizes.csv"
    shutil.copy(str(HOME / SUMS), tmp_path)
    (tmp_path / name).write_bytes((HOME / name).read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr("labkit.dog_breeds.packaged.files", lambda _: tmp_path)
    with packaged_file(name) as path:
        assert path.name == name
