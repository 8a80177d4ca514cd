"""The wing as a whole: what it offers, and that importing it stays cheap."""

import importlib

import pytest

import labkit.receptive_field as wing


@pytest.mark.parametrize("name", wing.__all__)
def test_every_public_name_loads(name):
    assert getattr(wing, name).__doc__


def test_no_name_is_offered_twice():
    assert len(wing.__all__) == len(set(wing.__all__))
    assert set(wing.__all__) <= set(dir(wing))


def test_unknown_names_say_what_there_is():
    with pytest.raises(AttributeError, match=r"no name 'analyze'.*analyse"):
        wing.analyze  # noqa: B018


@pytest.mark.parametrize("name", ["derivation", "explorer"])
def test_a_function_is_not_hidden_by_its_module(name):
    importlib.import_module(f"labkit.receptive_field.{name}")
    assert callable(getattr(wing, name))
