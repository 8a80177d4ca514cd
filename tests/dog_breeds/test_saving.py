"""Networks in files: they load elsewhere, answer the same, and know their breeds."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import labkit
from labkit import pretrained, small_vgg
from labkit.dog_breeds.networks import base_layers, compile_lab, freeze, unfreeze
from labkit.dog_breeds.saving import Provenance, load, provenance_of, remember, save

SMALL = (32, 32, 3)
BREEDS = ("boxer", "collie", "pug")
PICTURES = np.random.default_rng(0).random((2, *SMALL), "float32")


def answers(network):
    return network.predict(PICTURES, verbose=0)


#: Bases that want pictures in four different ways.
BASES = ("small_vgg", "vgg16", "mobilenet", "densenet121")


def run_elsewhere(code, *words):
    """Run code in a new process, where labkit cannot be imported."""
    code = f"import sys\nsys.modules['labkit'] = None\n{code}"
    environment = os.environ | {"PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]


ASK = """
import keras, numpy as np
folder, *bases = sys.argv[1:]
pictures = np.load(f"{folder}/pictures.npy")
for base in bases:
    network = keras.saving.load_model(f"{folder}/{base}.keras")
    np.save(f"{folder}/{base}.npy", keras.ops.convert_to_numpy(network(pictures)))
# And of Keras' own saving, with labkit, which is only imported.
del sys.modules["labkit"]
import labkit
keras.saving.load_model(f"{folder}/by_keras.keras")
"""


@pytest.fixture(scope="module")
def few_blocks():
    """Build DenseNets of one convolution a block: more of them are not saved in another way."""
    module = sys.modules[keras.applications.DenseNet121.__module__]
    real = module.DenseNet
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            module, "DenseNet", lambda blocks, *given, **named: real([1] * 4, *given, **named)
        )
        yield


@pytest.fixture(scope="module")
def asked_elsewhere(tmp_path_factory, few_blocks):
    """What each base answers here, and what its file answers in another process."""
    folder, here = tmp_path_factory.mktemp("elsewhere"), {}
    np.save(folder / "pictures.npy", PICTURES)
    for base in BASES:
        keras.utils.set_random_seed(1)
        network = freeze(pretrained(base, weights=None, classes=3, input_shape=SMALL))
        save(network, folder / f"{base}.keras", BREEDS)
        here[base] = keras.ops.convert_to_numpy(network(PICTURES))
    compile_lab(pretrained("small_vgg", None, 3, SMALL)).save(folder / "by_keras.keras")
    run_elsewhere(ASK, folder, *BASES)
    return here, {base: np.load(folder / f"{base}.npy") for base in BASES}


@pytest.mark.parametrize("base", BASES)
def test_a_file_loads_where_there_is_keras_alone(asked_elsewhere, base):
    here, elsewhere = asked_elsewhere
    np.testing.assert_allclose(elsewhere[base], here[base], atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's")
def test_keras_own_export_serves_what_the_network_answers(tmp_path):
    import tensorflow as tf

    network = pretrained("vgg16", None, 3, SMALL)
    network.export(tmp_path / "served", verbose=False)
    service = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_allclose(service.serve(PICTURES).numpy(), answers(network), atol=1e-5)


@pytest.mark.parametrize("how", ["save", "model.save"])
def test_breeds_and_all_the_rest_come_back(tmp_path, how):
    network = freeze(pretrained("small_vgg", None, 3, SMALL))
    known = Provenance(BREEDS, 1.0, "area", (("0123", "4567"),))
    remember(network, known)
    path = tmp_path / "dogs.keras"
    save(network, path) if how == "save" else network.save(path)
    again = load(path)
    assert provenance_of(again) == known
    np.testing.assert_allclose(answers(again), answers(network), rtol=1e-5)
    assert len(base_layers(again)) == len(base_layers(network))
    assert len(again.trainable_weights) == len(network.trainable_weights)
    assert len(unfreeze(again).trainable_weights) > len(network.trainable_weights)


def test_names_given_count_and_must_be_as_many_as_outputs(tmp_path):
    network = small_vgg(SMALL, classes=3, filters=(4,))
    with pytest.raises(ValueError, match="does not know its breeds' names, which labkit"):
        save(network, tmp_path / "dogs.keras")
    for breeds in (BREEDS[:2], "abc"):
        with pytest.raises(ValueError, match="must be the names of the network's 3 breeds"):
            save(network, tmp_path / "dogs.keras", breeds)
    save(network, tmp_path / "dogs.keras", BREEDS)
    assert provenance_of(load(tmp_path / "dogs.keras")).breeds == BREEDS


def test_a_file_of_keras_own_loads_without_names(tmp_path):
    small_vgg(SMALL, classes=3, filters=(4,)).save(tmp_path / "plain.keras")
    network = load(tmp_path / "plain.keras")
    with pytest.raises(ValueError, match="give breeds="):
        provenance_of(network)
    assert provenance_of(network, BREEDS).breeds == BREEDS


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    network = small_vgg(SMALL, classes=3, filters=(4,))
    path = save(network, tmp_path / "dogs.keras", BREEDS)
    before = path.read_bytes()

    def break_off(file):
        with open(file, "wb") as half:
            half.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(network, "save", break_off)
    with pytest.raises(OSError, match=r"cannot be written to .* \(No space left on device\); make"):
        save(network, path, BREEDS)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["dogs.keras"]


@pytest.mark.parametrize("content", [b"", b"<html>", None])
def test_what_is_no_network_is_refused(tmp_path, content):
    path = tmp_path / "dogs.keras"
    if content is None:  # cut short
        save(small_vgg(SMALL, classes=3, filters=(4,)), path, BREEDS)
        content = path.read_bytes()[:-2000]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"dogs.keras' cannot be loaded \(.*\): if it is a whole"):
        load(path)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a file name that ends in \.keras"):
        save(small_vgg(SMALL, classes=3, filters=(4,)), tmp_path / "dogs.h5", BREEDS)


def test_training_teaches_a_network_its_breeds(tmp_path):
    batches = flow(sorted_folder(tmp_path / "sorted", ("beagle", "pug")))
    network = compile_lab(small_vgg(SMALL, classes=2, filters=(4,), dense=(4,)))
    labkit.train(network, batches, None, 1, progress=False)
    network.save(tmp_path / "dogs.keras")
    known = provenance_of(load(tmp_path / "dogs.keras"))
    assert (known.breeds, known.interpolation) == (("beagle", "pug"), "bilinear")
    assert known.rescale == pytest.approx(1 / 255)
    assert json.dumps(known.breeds)


def sorted_folder(folder, breeds, pictures=4):
    """Write a folder for each breed, each with pictures of one colour."""
    for number, breed in enumerate(breeds):
        (folder / breed).mkdir(parents=True)
        for picture in range(pictures):
            colour = np.full((40, 40, 3), 40 + 60 * number + picture, "uint8")
            keras.utils.save_img(folder / breed / f"{picture}.png", colour)
    return folder


def flow(folder, rescale=1 / 255, **options):
    generator = labkit.ImageDataGenerator(rescale=rescale)
    return generator.flow_from_directory(folder, SMALL[:2], batch_size=4, seed=0, **options)
