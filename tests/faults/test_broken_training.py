"""Weights that do not fit, checkpoints that cannot be written, and memory that is used up."""

import resource
import shutil
import signal
from importlib.resources import files

import keras
import numpy as np
import pytest
from broken_places import answer
from data_sets import good_files, snapshot, write

from labkit import ImageDataGenerator, evaluate, pretrained, reorganise, small_vgg, train
from labkit.dog_breeds import class_sizes, packaged
from labkit.dog_breeds.networks import DRAWN_WEIGHTS, compile_lab

SIZE = (32, 32)


def network(filters=(4,), classes=2):
    model = compile_lab(small_vgg((*SIZE, 3), classes=classes, filters=filters, dense=(4,)))
    model.run_eagerly = True  # a step is too small to be worth compiling
    return model


@pytest.fixture
def folders(tmp_path):
    return reorganise(write(tmp_path / "dogs", good_files()))


def flow(folder, batch_size=4):
    generator = ImageDataGenerator(rescale=1 / 255)
    return generator.flow_from_directory(folder, target_size=SIZE, batch_size=batch_size, seed=0)


def fit(model, folders, epochs=2, **options):
    batches, validation = flow(folders.train_sorted), flow(folders.val_sorted)
    return train(model, batches, validation, epochs, progress=False, **options)


# Weights


WRONG_WEIGHTS = {
    "another architecture": lambda path: keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            keras.layers.SeparableConv2D(16, 3),
            keras.layers.BatchNormalization(),
        ]
    ).save_weights(path),
    "other widths": lambda path: keras.Sequential(
        [keras.Input((*SIZE, 3)), keras.layers.Conv2D(7, 3)]
    ).save_weights(path),
    "web page": lambda path: path.write_bytes(b"<!doctype html><html>Sign in</html>"),
    "empty": lambda path: path.touch(),
    "cut short": lambda path: path.write_bytes(
        (files("labkit.dog_breeds") / DRAWN_WEIGHTS).read_bytes()[:100_000]
    ),
}


def test_weights_of_another_architecture(tmp_path):
    path = tmp_path / "base.weights.h5"
    for kind, write_wrong in WRONG_WEIGHTS.items():
        write_wrong(path)
        before = snapshot(tmp_path)
        answer(
            lambda: pretrained("small_vgg", weights=path, classes=2, input_shape=(*SIZE, 3)),
            ValueError,
            r"weights in 'base.weights.h5' do not fit the headless base 'small_vgg' .*; give a fi",
        )
        assert snapshot(tmp_path) == before, kind
        path.unlink()
    shutil.copy(files("labkit.dog_breeds") / DRAWN_WEIGHTS, path)
    pretrained("small_vgg", weights=path, classes=2, input_shape=(*SIZE, 3))


def test_checkpoints_of_another_architecture(folders, tmp_path, capsys):
    kept = tmp_path / "kept"
    history = fit(network(), folders, checkpoints=kept)
    before = snapshot(kept)
    fit(network(filters=(4, 8)), folders, epochs=3, checkpoints=kept)
    assert "this one differs in the network: it begins anew" in capsys.readouterr().err
    assert before.items() < snapshot(kept).items()
    assert fit(network(), folders, checkpoints=kept) == history


def test_downloaded_weights_with_another_hash(tmp_path, monkeypatch):
    """Keras' own check of what it downloaded, from a file that lies in place of the server."""
    (tmp_path / "wrong.h5").write_bytes(b"not what was published")
    real = keras.utils.get_file

    def get_file(name, origin, **options):
        options |= {"cache_dir": tmp_path / "cache"}
        return real(name, (tmp_path / "wrong.h5").as_uri(), **options)

    # Where the constructor of VGG16 looks it up.
    module = keras.applications.VGG16.__module__
    monkeypatch.setattr(f"{module}.file_utils.get_file", get_file)
    answer(
        lambda: pretrained("vgg16", classes=2, input_shape=(*SIZE, 3)),
        ConnectionError,
        "ImageNet weights of 'vgg16' could not be downloaded .*hash does not match.*; check",
    )


@pytest.mark.parametrize("name", [DRAWN_WEIGHTS, "photograph_class_sizes.csv"])
def test_packaged_file_that_was_changed(name, tmp_path, monkeypatch):
    """Of the package's own files the bytes are known, and one that differs is not used."""
    for path in (DRAWN_WEIGHTS, "photograph_class_sizes.csv", packaged.SUMS):
        shutil.copy(files("labkit.dog_breeds") / path, tmp_path / path)
    monkeypatch.setattr(packaged, "files", lambda _: tmp_path)
    use = {
        DRAWN_WEIGHTS: lambda: pretrained(weights="drawn", classes=2, input_shape=(64, 64, 3)),
        "photograph_class_sizes.csv": class_sizes.photograph_class_sizes,
    }[name]
    use()
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    answer(use, ValueError, f"{name} in the labkit package has the sha256 .*; install labkit once")


# Checkpoints


@pytest.fixture
def small_files():
    """Let no file grow beyond 20,000 bytes, which ends writing half-way as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_no_space_left_for_a_checkpoint(folders, tmp_path, small_files):
    kept = tmp_path / "kept"
    model = network(filters=(4, 32))
    fit(model, folders, epochs=1, checkpoints=kept)
    before = snapshot(kept)
    assert max(len(content) for content in before.values()) > 20_000
    small_files()
    answer(
        lambda: fit(model, folders, epochs=3, checkpoints=kept),
        OSError,
        r"checkpoints cannot be written to .*\(File too large\); make room .* goes on from",
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    assert snapshot(kept) == before
    assert len(fit(network(filters=(4, 32)), folders, epochs=3, checkpoints=kept)) == 3


def test_checkpoints_where_nothing_can_be_written(folders, tmp_path):
    """Said before the first epoch, which may take an hour, and not after it."""
    (tmp_path / "kept").write_bytes(b"mine")
    model = network()
    weights = model.get_weights()
    answer(
        lambda: fit(model, folders, checkpoints=tmp_path / "kept"),
        OSError,
        r"checkpoints cannot be written to .*\(File exists\); make room there or choose another",
    )
    assert (tmp_path / "kept").read_bytes() == b"mine"
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


# Memory


def tensorflow_error():
    tensorflow = pytest.importorskip("tensorflow")
    message = "OOM when allocating tensor with shape[32,512,224,224]\n\t [[{{node block1_conv1}}]]"
    return tensorflow.errors.ResourceExhaustedError(None, None, message)


def tensorflow_internal_error():
    tensorflow = pytest.importorskip("tensorflow")
    return tensorflow.errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: out of memory")


def xla_error():
    """As jaxlib names it, whose own class cannot be had without it."""
    kind = type("XlaRuntimeError", (RuntimeError,), {"__module__": "jaxlib.xla_extension"})
    return kind("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12884901888 bytes.")


def torch_error():
    """As torch names it, likewise."""
    kind = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch"})
    return kind("CUDA out of memory. Tried to allocate 6.12 GiB.\nGPU 0 has 15 GiB in all.")


class HoldsSoMany(keras.Model):
    """A network on an imagined GPU that has room for a few pictures at once."""

    room, error = 2, None

    def train_step(self, *batch):
        if batch[-1][0].shape[0] is None or batch[-1][0].shape[0] > self.room:
            raise self.error()
        return super().train_step(*batch)


def imagined(error):
    small = network()
    model = HoldsSoMany(small.inputs, small.outputs, name="imagined")
    model.error = error
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return model


ERRORS = [tensorflow_error, tensorflow_internal_error, xla_error, torch_error, MemoryError]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="jit hides the batch's size")
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_gpu_out_of_memory_is_answered_by_the_batch_size_to_try(error, folders, monkeypatch):
    monkeypatch.setattr("labkit.dog_breeds.devices.has_gpu", lambda: True)
    model = imagined(error)
    sentence = answer(
        lambda: fit(model, folders, epochs=1),
        MemoryError,
        r"The GPU ran out of memory with batches of 4: try batches of 2, with "
        r"settings.replace\(batch_size=2\), and run the cells from the batches on again",
    )
    assert "settings.replace(batch_size=2)" in sentence
    validation = flow(folders.val_sorted)
    history = train(model, flow(folders.train_sorted, 2), validation, 1, progress=False)
    assert len(history) == 1


def test_real_memory_used_up(folders):
    """No imagined one: the backend itself is asked for more bytes than can be counted.

    For what can be counted TensorFlow would wait ten seconds, in case that memory is given back.
    """

    class Greedy(keras.layers.Layer):
        def call(self, x):
            brightness = keras.ops.mean(x, (1, 2, 3), keepdims=True)
            many = keras.ops.tile(brightness, (1, 2**20, 2**20, 5 * 2**18))
            return keras.ops.sum(many, (1, 2, 3))[:, None] * [[1, 1]]

    inputs = keras.Input((*SIZE, 3))
    model = keras.Model(inputs, keras.layers.Softmax()(Greedy()(inputs)))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    answer(
        lambda: evaluate(model, flow(folders.train_sorted)),
        MemoryError,
        "The (GPU|computer) ran out of memory with batches of 4: try batches of 2, with",
    )


def test_batch_of_a_single_picture_cannot_be_halved(folders):
    model = imagined(xla_error)
    model.room = 0
    batches, validation = flow(folders.train_sorted, 1), flow(folders.val_sorted)
    answer(
        lambda: train(model, batches, validation, 1, progress=False),
        MemoryError,
        "with batches of a single picture: try a smaller target_size or fewer filters",
    )


def test_other_errors_of_a_step_pass_as_they_are(folders):
    def bug():
        return ValueError("the loss is out of memory of itself")

    with pytest.raises(ValueError, match="of itself"):
        fit(imagined(bug), folders, epochs=1)
