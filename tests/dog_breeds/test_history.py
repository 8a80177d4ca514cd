"""The curves of a training: joined, named, and none without its figures."""

import pytest

from labkit.dog_breeds.history import History


def test_histories_join_and_must_be_even():
    joined = History((1.0,), (0.1,), (2.0,), (0.2,)) + History((3.0,), (0.3,), (4.0,), (0.4,))
    assert joined.val_loss == (2.0, 4.0)
    with pytest.raises(ValueError, match="one figure per epoch each"):
        History((1.0,), (), (), ())


def test_a_metric_that_earlier_trainings_lack_is_not_told_of_them():
    """As when a metric is added and a training of before is taken up again."""
    half = History((1.0, 2.0), None, (3.0, 4.0), None)
    assert (half.accuracy, half.metrics) == ((None, None), ("loss",))
    whole = History((1.0,), (0.1,), (2.0,), (0.2,))
    assert whole.metrics == ("loss", "accuracy")
    assert (half + whole).accuracy == (None, None, 0.1)
    assert (half + whole).metrics == ("loss",)


def test_further_metrics_have_their_curves():
    first = History.from_curves({"loss": [2.0], "top_5": [0.5], "learning_rate": [0.1]})
    assert first["top_5"] == (0.5,) and first.val_loss == (None,)
    assert first.metrics == ("loss", "top_5")
    joined = first + History((1.0,), (0.1,), (2.0,), (0.2,))
    assert joined["top_5"] == (0.5, None) and joined.loss == (2.0, 1.0)
    assert joined.metrics == ("loss",)
    with pytest.raises(KeyError, match="no curve 'val_top_5'; there are loss, accuracy"):
        first["val_top_5"]
