"""What tests of receptive fields in several files share."""

import keras
import pytest


@pytest.fixture
def undrawn_weights(monkeypatch):
    """Let new networks have zeros: drawing weights takes seconds, and here none is looked at."""
    drawn = keras.initializers.VarianceScaling
    monkeypatch.setattr(drawn, "__call__", keras.initializers.Zeros())
