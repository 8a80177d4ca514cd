"""Lab 1's notebook with other settings and pictures than the shipped ones."""

import dataclasses
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labkit import load_settings

ROOT = Path(__file__).parents[2]
CELLS = [
    (cell["id"], "".join(cell["source"]))
    for cell in json.loads((ROOT / "labs" / "dog_breeds.ipynb").read_text("utf-8"))["cells"]
    if cell["cell_type"] == "code"
]
#: A name for a folder, as people give them, and the colour of its pictures.
MINE = {"Rex & Söhne": (1, 0.2, 0.2), "my dog (2)": (0.2, 1, 0.2), "BELLA_the-3rd": (0.2, 0.2, 1)}


def test_every_setting_is_read():
    """A setting that the lab does not read would be changed by a user in vain."""
    read = set(re.findall(r"\bsettings\.(\w+)", "\n".join(source for _, source in CELLS)))
    names = {setting.name for setting in dataclasses.fields(load_settings("drawn"))}
    assert names - read == {"name", "checkpoints"}  # the second by checkpoints_for
    assert "checkpoints_for" in read


@pytest.fixture
def my_dogs(tmp_path, soft_picture, write_picture):
    """A folder for each class, with pictures of several sizes and suffixes."""
    for seed, (name, colour) in enumerate(MINE.items()):
        for number in range(10):
            picture = soft_picture(60 + number, 90, seed=10 * seed + number) * np.array(colour)
            suffix = (".jpg", ".JPG", ".jpeg")[number % 3]
            path = tmp_path / "my_dogs" / name / f"IMG {number:03} (é){suffix}"
            write_picture(path, picture.astype(np.uint8))
    return tmp_path / "my_dogs"


def changes_in_the_book(my_dogs):
    """Return the lines that the page on teaching tells to add below the form."""
    text = (ROOT / "book" / "teaching.md").read_text("utf-8")
    lines = re.findall(r"^settings = settings\.replace\(.*$", text, re.MULTILINE)
    assert len(lines) == 3
    return "\n".join(lines).replace("/path/to/my_dogs", my_dogs.as_posix())


@pytest.mark.usefixtures("eagerly")
def test_the_changes_that_the_book_offers_run_on_pictures_of_ones_own(
    my_dogs, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABKIT_SETTINGS", raising=False)
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    space = {}
    for name, source in CELLS:
        exec(compile(source, name, "exec"), space)
        if name == "which-pictures":
            exec(changes_in_the_book(my_dogs), space)
            assert space["settings"].scratch_epochs == 10
            # A shorter lesson still: what is learnt of six pictures is not the question here.
            epochs = dict.fromkeys(("scratch_epochs", "head_epochs", "fine_tuning_epochs"), 1)
            space["settings"] = space["settings"].replace(**epochs)
    said = capsys.readouterr().out
    assert space["breeds"] == sorted(MINE)
    assert "24 pictures to train and 6 to validate, 3 breeds" in said
    assert "Nothing was planted among these pictures." in said
    # What the lab promises of the drawn dogs it tells of others, and does not insist on it.
    assert "Not so with these settings: It names at least 95 %" in said
    again = space["labkit"].load(tmp_path / "dogs.keras")
    assert set(space["labkit"].predict(again, next(my_dogs.rglob("*.JPG"))).breeds) == set(MINE)
