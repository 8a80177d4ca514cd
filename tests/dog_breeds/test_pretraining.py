"""Pre-training: the base that is saved is the one that was trained, and fits where it belongs."""

from importlib.resources import files

import keras
import numpy as np
import pytest

from labkit import base_layers, pretrained
from labkit.dog_breeds.networks import DRAWN_WEIGHTS
from labkit.dog_breeds.pretraining import SIZE, main, pretrain, save_base


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    return tmp_path_factory.mktemp("pretraining") / "dogs"


@pytest.fixture(scope="module")
def trained(drawings):
    return pretrain(drawings, breeds=2, per_breed=40, epochs=1, progress=False)


def features(model, pictures):
    body = base_layers(model)
    return keras.ops.convert_to_numpy(keras.Model(model.inputs[0], body[-1].output)(pictures))


def test_the_saved_base_sees_what_the_trained_one_saw(trained, tmp_path):
    path = save_base(trained[0], tmp_path / "base.weights.h5")
    loaded = pretrained("small_vgg", path, classes=5, input_shape=(*SIZE, 3))
    pictures = np.random.default_rng(0).random((2, *SIZE, 3), "float32")
    np.testing.assert_allclose(features(loaded, pictures), features(trained[0], pictures))
    assert [file.name for file in tmp_path.iterdir()] == ["base.weights.h5"]


def test_history_has_the_epochs(trained):
    assert len(trained[1]) == 1


def test_drawings_of_an_earlier_run_are_used_again(trained, drawings):
    before = {path: path.stat().st_mtime_ns for path in drawings.glob("train/*.jpg")}
    pretrain(drawings, breeds=2, per_breed=40, epochs=1, progress=False)
    assert before == {path: path.stat().st_mtime_ns for path in drawings.glob("train/*.jpg")}


def test_refuses_too_few_pictures(tmp_path):
    with pytest.raises(ValueError, match="per_breed=9 must be at least 10"):
        pretrain(tmp_path, per_breed=9)
    assert not any(tmp_path.iterdir())


def test_the_command_writes_a_file_that_fits(drawings, tmp_path, capsys):
    path = tmp_path / "made.weights.h5"
    sizes = ["--breeds", "2", "--per-breed", "40", "--epochs", "1"]
    main([*sizes, "--directory", str(drawings), "--output", str(path)])
    assert "made.weights.h5: " in capsys.readouterr().out
    assert pretrained("small_vgg", path, classes=2, input_shape=(*SIZE, 3))


def test_the_weights_in_the_package_are_small():
    assert (files("labkit.dog_breeds") / DRAWN_WEIGHTS).stat().st_size < 1_000_000
