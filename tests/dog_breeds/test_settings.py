"""The settings: one line or one variable chooses, and a wrong choice is told."""

import dataclasses
import json

import numpy as np
import pytest

from labkit import load_settings


def test_drawn_is_the_default(monkeypatch):
    monkeypatch.delenv("LABKIT_SETTINGS", raising=False)
    assert load_settings().name == "drawn"


def test_the_variable_chooses_and_the_argument_wins(monkeypatch):
    monkeypatch.setenv("LABKIT_SETTINGS", "photographs")
    assert load_settings().weights == "imagenet"
    assert load_settings("drawn").weights == "drawn"


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_unknown_settings(monkeypatch, by):
    monkeypatch.setenv("LABKIT_SETTINGS", "fotographs")
    with pytest.raises(ValueError, match=r"'fotographs'.*did you mean 'photographs'"):
        load_settings("fotographs" if by == "argument" else None)


def test_frozen_and_replaced():
    settings = load_settings("drawn")
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.batch_size = 1
    assert settings.replace(target_size=(96, 64)).input_shape == (96, 64, 3)
    assert settings.target_size == (64, 64)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"batchsize": 1},
            r"no setting 'batchsize' \(did you mean 'batch_size'\?\); there",
        ),
        ({"scratch_epochs": 0}, "scratch_epochs=0 must be a whole number, 1 or more"),
        ({"batch_size": "16"}, "batch_size='16' must be a whole number"),
        ({"batch_size": True}, "batch_size=True must be a whole number"),
        ({"devices": 1.0}, "devices=1.0 must be a whole number"),
        ({"seed": -1}, "seed=-1 must be a whole number, 0 or more"),
        (
            {"target_size": (64, -1)},
            r"target_size=\(64, -1\) must be a sequence of 2 whole",
        ),
        ({"target_size": (64,)}, r"target_size=\(64,\) must be a sequence of 2 whole numbers"),
        ({"filters": "16"}, "filters='16' must be a sequence of whole numbers"),
        ({"head_learning_rate": "1e-3"}, "head_learning_rate='1e-3' must be a number above 0"),
        ({"head_learning_rate": 0.0}, "head_learning_rate=0.0 must be a number above 0"),
        ({"mixed_precision": 1}, "mixed_precision=1 must be True or False"),
        ({"augmentation": None}, "augmentation=None must be a dict"),
        (
            {"augmentation": {"rotation_rang": 30}},
            r"augmentation has no option 'rotation_rang' \(did you mean 'rotation_range'\?\); see",
        ),
        ({"augmentation": {"zoom_range": "x"}}, "zoom_range='x' must be"),
        ({"augmentation": {7: 7}}, "augmentation={7: 7} must be a dict from an option's name"),
        ({"sorted_directory": 3}, "sorted_directory=3 must be text or a path"),
        ({"base": None}, "base=None must be text or a path"),
    ],
)
def test_refuses(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_settings("drawn").replace(**changes)


def test_photographs_are_the_lab_s():
    settings = load_settings("photographs")
    assert (settings.input_shape, settings.batch_size) == ((224, 224, 3), 32)
    assert (settings.scratch_epochs, settings.head_epochs) == (100, 10)
    assert settings.fine_tuning_learning_rate < settings.head_learning_rate / 10


def test_prints_a_line_for_each_setting():
    settings = load_settings("drawn")
    lines = str(settings).splitlines()
    assert len(lines) == 1 + len(dataclasses.fields(settings))
    assert lines[1].split() == ["name", "'drawn'"]


def test_what_numpy_counts_becomes_plain_numbers():
    changes = {"batch_size": np.int64(8), "target_size": np.array([32, 48]), "devices": np.int8(1)}
    settings = load_settings("drawn").replace(**changes, head_learning_rate=np.float32(0.5))
    assert (settings.batch_size, settings.target_size, settings.devices) == (8, (32, 48), 1)
    assert json.loads(json.dumps(dataclasses.asdict(settings)))["head_learning_rate"] == 0.5


def test_claims_are_insisted_on_as_shipped_and_told_otherwise(capsys):
    drawn = load_settings("drawn")
    drawn.claim(True, "It overfits.")
    with pytest.raises(AssertionError, match="as shipped: It overfits"):
        drawn.claim(False, "It overfits.")
    for other in (drawn.replace(target_size=(96, 96)), load_settings("photographs")):
        other.claim(np.bool_(False), "It overfits.")
        other.claim(np.bool_(True), "It overfits.")
    told = ["Not so with these settings: It overfits.", "It overfits."]
    assert capsys.readouterr().out.splitlines() == ["It overfits.", *told, *told]
