"""Pre-training: the published base is the one that was trained, and fits where it belongs."""

import keras
import numpy as np
import pytest
from draw_dogs.package_data import PACKAGE
from draw_dogs.pretraining import SIZE, base_weights, main, pretrain

from labkit import base_layers, pretrained
from labkit.dog_breeds.networks import DRAWN_WEIGHTS


@pytest.fixture(scope="module")
def trained():
    return pretrain(breeds=2, per_breed=20, epochs=1, progress=False)


def features(model, pictures):
    body = base_layers(model)
    return keras.ops.convert_to_numpy(keras.Model(model.inputs[0], body[-1].output)(pictures))


def test_the_published_base_sees_what_the_trained_one_saw(trained, tmp_path):
    path = tmp_path / DRAWN_WEIGHTS
    path.write_bytes(base_weights(trained[0]))
    loaded = pretrained("small_vgg", path, classes=5, input_shape=(*SIZE, 3))
    pictures = np.random.default_rng(0).random((2, *SIZE, 3), "float32")
    np.testing.assert_allclose(features(loaded, pictures), features(trained[0], pictures))


def test_history_has_the_epochs(trained):
    assert len(trained[1]) == 1


def test_refuses_too_few_pictures():
    with pytest.raises(ValueError, match="per_breed=9 must be at least 10"):
        pretrain(per_breed=9)


def test_the_command_publishes_a_file_that_fits(tmp_path, trained, monkeypatch, capsys):
    monkeypatch.setattr("draw_dogs.pretraining.pretrain", lambda *_: trained)
    main([], package=tmp_path)
    assert f"{DRAWN_WEIGHTS} is another file now." in capsys.readouterr().out
    assert (tmp_path / "SHA256SUMS").read_text().endswith(f"  {DRAWN_WEIGHTS}\n")
    assert pretrained("small_vgg", tmp_path / DRAWN_WEIGHTS, classes=2, input_shape=(*SIZE, 3))


def test_the_weights_in_the_package_are_small():
    assert (PACKAGE / DRAWN_WEIGHTS).stat().st_size < 1_000_000
