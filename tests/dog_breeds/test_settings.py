"""The settings: one line or one variable chooses, and a wrong choice is told."""

import dataclasses

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
        ({"batchsize": 1}, "no setting 'batchsize'; there are name"),
        ({"scratch_epochs": 0}, "scratch_epochs=0 must be positive"),
        ({"target_size": (64, -1)}, r"target_size=\(64, -1\) must be positive"),
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
    assert len(lines) == len(dataclasses.fields(settings))
    assert lines[0].split() == ["name", "'drawn'"]
