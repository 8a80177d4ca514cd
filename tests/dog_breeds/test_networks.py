"""The networks: sizes, freezing, preprocessing, weights and errors."""

import keras
import numpy as np
import pytest

from labkit import freeze, load, pretrained, save, small_vgg, unfreeze
from labkit.dog_breeds.networks import base_layers, compile_lab, headless, preprocess

SMALL = (32, 32, 3)


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


@pytest.fixture(scope="module")
def vgg16():
    return pretrained("vgg16", weights=None, input_shape=SMALL)


class TestSmallVgg:
    def test_has_the_lab_s_parameters(self):
        model = small_vgg()
        assert model.count_params() == 5_272_248
        assert model.input_shape == (None, 224, 224, 3)
        assert model.output_shape == (None, 120)

    def test_begins_near_even_odds(self):
        probabilities = small_vgg((64, 64, 3), classes=5, filters=(8, 8)).predict(
            np.random.default_rng(0).random((4, 64, 64, 3), "float32"), verbose=0
        )
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        assert probabilities.max() < 0.9

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"filters": (64, 0)}, r"filters=\(64, 0\) must be a sequence of whole numbers"),
            ({"filters": 64}, "filters=64 must be a sequence"),
            ({"filters": (True,)}, "filters=.True,. must be a sequence of whole numbers"),
            ({"filters": "64"}, "filters='64' must be a sequence"),
            ({"dense": (1.5,)}, "dense=.*whole numbers"),
            ({"classes": 1}, "classes=1 must be a whole number, 2 or more"),
            ({"classes": "12"}, "classes='12' must be a whole number"),
            ({"input_shape": (32, 32)}, "input_shape=.* must be a sequence of 3 whole numbers"),
            ({"input_shape": (8, 8, 3)}, "too small: 4 blocks .* at least 16 pixels"),
            ({"dropout": 1}, "dropout=1 must be a share from 0 to below 1"),
            ({"dropout": "0.5"}, "dropout='0.5' must be a share"),
        ],
    )
    def test_refuses_sizes(self, arguments, sentence):
        with pytest.raises(ValueError, match=sentence):
            small_vgg(**arguments)

    def test_drops_out_after_each_dense_layer(self):
        model = small_vgg((8, 8, 3), 2, filters=(4,), dense=(8, 6), dropout=0.25)
        kinds = [type(layer).__name__ for layer in model.layers[-5:]]
        assert kinds == ["Dense", "Dropout", "Dense", "Dropout", "Dense"]
        assert {layer.rate for layer in model.layers if type(layer).__name__ == "Dropout"} == {0.25}

    def test_normalises_each_convolution_before_its_relu(self):
        model = small_vgg((8, 8, 3), 2, filters=(4,), dense=(), batch_normalization=True)
        kinds = [type(layer).__name__ for layer in model.layers[:6]]
        assert kinds == ["Conv2D", "BatchNormalization", "ReLU"] * 2
        assert {layer.activation.__name__ for layer in model.layers[:6:3]} == {"linear"}

    def test_what_numpy_counts_is_a_number(self):
        model = small_vgg(np.array([8, 8, 3]), np.int64(12), filters=(np.int32(4),), dense=[])
        assert model.output_shape == (None, 12)


class TestPretrained:
    def test_vgg16_has_the_lab_s_parameters(self, vgg16):
        assert vgg16.count_params() == 15_301_560

    @pytest.mark.parametrize("spelling", ["VGG16", "vgg_16", "Vgg-16"])
    def test_any_spelling(self, spelling):
        assert pretrained(spelling, weights=None, input_shape=SMALL).name == "pretrained_vgg16"

    @pytest.mark.parametrize("base", ["MobileNetV2", "mobilenet_v3_small", "efficientnetb0"])
    def test_other_bases_by_name(self, base):
        model = pretrained(base, weights=None, classes=7, input_shape=(64, 64, 3))
        assert model.output_shape == (None, 7)

    def test_options_reach_the_base(self):
        full = pretrained("mobilenet", weights=None, input_shape=SMALL)
        thin = pretrained("mobilenet", weights=None, input_shape=SMALL, alpha=0.25)
        assert thin.count_params() < full.count_params() / 2

    def test_drawn_weights_are_the_ones_in_the_package(self):
        first, second = (pretrained(weights="drawn", classes=3, input_shape=SMALL) for _ in "ab")
        for one, other in zip(base_layers(first), base_layers(second), strict=True):
            for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
                np.testing.assert_array_equal(a, b)

    def test_weights_from_a_file(self, tmp_path, vgg16):
        path = tmp_path / "base.weights.h5"
        body = keras.applications.VGG16(include_top=False, weights=None, input_shape=SMALL)
        body.save_weights(path)
        model = pretrained("vgg16", weights=path, input_shape=SMALL)
        kernel = model.get_layer("block5_conv3").get_weights()[0]
        np.testing.assert_array_equal(kernel, body.get_layer("block5_conv3").get_weights()[0])

    def test_weights_of_another_base_do_not_fit(self, tmp_path):
        path = tmp_path / "other.weights.h5"
        keras.applications.MobileNet(
            include_top=False, weights=None, input_shape=SMALL, alpha=0.25
        ).save_weights(path)
        with pytest.raises(ValueError, match=r"'other.weights.h5' do not fit the headless base"):
            pretrained("vgg16", weights=path, input_shape=SMALL)

    def test_damaged_weights_file(self, tmp_path):
        path = tmp_path / "damaged.weights.h5"
        path.write_bytes(b"no weights here")
        with pytest.raises(ValueError, match=r"'damaged.weights.h5' do not fit"):
            pretrained("vgg16", weights=path, input_shape=SMALL)

    def test_no_network_no_imagenet(self, monkeypatch):
        def offline(*_, **__):
            raise Exception("URL fetch failure on https://example.org: None -- unreachable")

        monkeypatch.setattr(keras.applications, "VGG16", as_function(offline, "VGG16"))
        with pytest.raises(ConnectionError, match="ImageNet weights of 'vgg16' could not be down"):
            pretrained("vgg16", input_shape=SMALL)

    @pytest.mark.parametrize(
        ("arguments", "error", "sentence"),
        [
            ({"base": "vgg17"}, ValueError, r"base='vgg17' is no network.*did you mean 'VGG1[69]'"),
            ({"weights": "no_such.h5"}, FileNotFoundError, "'no_such.h5' is neither 'imagenet'"),
            ({"preprocessing": "mine"}, ValueError, "preprocessing='mine' must be one of 'own'"),
            ({"base": "xception", "weights": "drawn"}, ValueError, "belongs to the small VGG"),
            ({"base": "small_vgg"}, ValueError, "has no ImageNet weights"),
            ({"weights": None, "alpha": 2}, ValueError, "VGG16 does not take the options"),
            ({"weights": None, "pooling": "avg"}, ValueError, "VGG16 does not take the options"),
            (
                {"base": "small_vgg", "weights": None, "alpha": 2},
                ValueError,
                r"small_vgg does not take the options \['alpha'\]; it takes \['filters', 'kernel",
            ),
            (
                {"base": "mobilenet", "weights": None, "alpha": "x"},
                ValueError,
                "MobileNet cannot be built .* with the options {'alpha': 'x'}",
            ),
        ],
    )
    def test_refuses(self, arguments, error, sentence):
        with pytest.raises(error, match=sentence):
            pretrained(**{"input_shape": SMALL, **arguments})


@pytest.fixture(scope="module")
def own_base(tmp_path_factory):
    """Save a base of one's own, with its scaling and a network inside the network."""
    inner = keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, strides=2, padding="same", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
        ],
        name="inner",
    )
    pictures = keras.Input((None, None, 3))
    maps = inner(keras.layers.Rescaling(2.0, -1.0)(pictures))
    made = keras.Model(pictures, keras.layers.Conv2D(5, 1, name="top")(maps))
    made.get_layer("inner").get_layer("norm").set_weights(np.arange(1, 17.0).reshape(4, 4))
    path = tmp_path_factory.mktemp("bases") / "my_base.keras"
    made.save(path)
    return path, made


class TestBaseFromAFile:
    @pytest.mark.parametrize("size", [(32, 32), (20, 28)])
    def test_says_what_it_said_when_it_was_saved(self, own_base, size):
        path, made = own_base
        pictures = np.random.default_rng(0).random((2, *size, 3), "float32")
        body = headless(path, None, (*size, 3))
        assert body.input_shape == (None, *size, 3)
        np.testing.assert_allclose(
            body.predict(pictures, verbose=0), made.predict(pictures, verbose=0), rtol=1e-5
        )

    def test_is_frozen_and_unfrozen_as_any_other(self, own_base):
        model = freeze(pretrained(str(own_base[0]), None, 3, SMALL, dense=(6,)))
        assert model.name == "pretrained_my_base"
        of_the_head = 5 * 6 + 6 + 6 * 3 + 3
        assert count(model.trainable_weights) == of_the_head
        # The normalisation inside stays frozen: 8 of the inner network's weights do not train.
        unfreeze(model)
        assert count(model.trainable_weights) == of_the_head + (3 * 9 * 4 + 4) + (4 * 5 + 5)
        unfreeze(model, from_layer="top")
        assert count(model.trainable_weights) == of_the_head + (4 * 5 + 5)

    def test_a_chain_of_layers_does(self, tmp_path):
        keras.Sequential([keras.Input(SMALL), keras.layers.Conv2D(2, 3)]).save(
            tmp_path / "chain.keras"
        )
        assert headless(tmp_path / "chain.keras", None, SMALL).output_shape == (None, 30, 30, 2)

    def test_what_headless_returns_does(self, tmp_path):
        saved = headless("small_vgg", "drawn", SMALL)
        saved.save(tmp_path / "drawn.keras")
        pictures = np.random.default_rng(0).random((2, *SMALL), "float32")
        again = pretrained(tmp_path / "drawn.keras", None, 3, SMALL)
        assert len(base_layers(again)) == len(saved.layers) - 1
        body = headless(tmp_path / "drawn.keras", None, SMALL)
        np.testing.assert_allclose(
            body.predict(pictures, verbose=0), saved.predict(pictures, verbose=0), rtol=1e-5
        )

    def test_computes_in_mixed_precision_where_that_is_chosen(self, own_base):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_float16")
        try:
            body = headless(own_base[0], None, SMALL)
        finally:
            keras.config.set_dtype_policy(before)
        inner = body.get_layer("inner").get_layer("conv")
        assert {inner.compute_dtype, body.get_layer("top").compute_dtype} == {"float16"}

    def test_goes_with_the_network_into_its_file(self, own_base, tmp_path):
        model = pretrained(own_base[0], None, 3, SMALL, dense=(6,))
        pictures = np.random.default_rng(0).random((2, *SMALL), "float32")
        again = load(save(model, tmp_path / "dogs.keras", breeds=["boxer", "pug", "whippet"]))
        np.testing.assert_allclose(
            again.predict(pictures, verbose=0), model.predict(pictures, verbose=0), rtol=1e-5
        )

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"weights": "imagenet"}, "'my_base.keras' has its own weights, and weights='imagen"),
            ({"weights": "drawn"}, "weights='drawn' belongs to the small VGG"),
            ({"preprocessing": "none"}, "'my_base.keras' has its preprocessing inside"),
            ({"alpha": 0.5}, "my_base.keras does not take the options"),
        ],
    )
    def test_refuses_what_it_has_no_use_for(self, own_base, arguments, sentence):
        with pytest.raises(ValueError, match=sentence):
            pretrained(**{"base": own_base[0], "weights": None} | arguments)

    @pytest.mark.parametrize(
        ("layer", "sentence"),
        [
            (keras.layers.Flatten(), r"must end in maps .* and ends in \(None, 3072\): cut it"),
            (keras.layers.Conv2D(2, 3, name="head_conv"), "has a layer 'head_conv'.*rename it"),
            (keras.layers.Conv2D(3, 3, name="preprocessing"), "has a layer 'preprocessing'"),
            (keras.layers.Reshape((64, 16, 3)), r"takes pictures of \(32, 32, 3\).*\(48, 48, 3\)"),
        ],
    )
    def test_refuses_a_network_that_takes_no_head(self, tmp_path, layer, sentence):
        pictures = keras.Input(SMALL)
        keras.Model(pictures, layer(pictures)).save(tmp_path / "base.keras")
        with pytest.raises(ValueError, match=sentence):
            pretrained(tmp_path / "base.keras", None, 3, (48, 48, 3))

    def test_refuses_two_inputs(self, tmp_path):
        pair = [keras.Input(SMALL), keras.Input(SMALL)]
        keras.Model(pair, keras.layers.Add()(pair)).save(tmp_path / "base.keras")
        with pytest.raises(ValueError, match=r"'base\.keras' is no network .* one input"):
            pretrained(tmp_path / "base.keras", None, 3, SMALL)

    def test_refuses_a_file_that_is_not_there(self):
        with pytest.raises(FileNotFoundError, match=r"There is no network 'no_such\.keras'"):
            pretrained("no_such.keras", None)


def as_function(call, name):
    def function(*args, **kwargs):
        return call(*args, **kwargs)

    function.__name__, function.__module__ = name, getattr(keras.applications, name).__module__
    return function


class TestFreeze:
    def test_leaves_the_head_to_train(self, vgg16):
        model = freeze(vgg16)
        assert count(model.trainable_weights) == 586_872
        assert count(model.non_trainable_weights) == 14_714_688
        assert sum(not layer.trainable for layer in model.layers) == 19

    def test_then_unfreeze_trains_all(self, vgg16):
        model = unfreeze(freeze(vgg16))
        assert count(model.trainable_weights) == 15_301_560
        assert model.compiled
        assert float(model.optimizer.learning_rate) == pytest.approx(1e-5)

    def test_training_changes_only_what_is_not_frozen(self):
        model = freeze(pretrained("small_vgg", weights=None, classes=2, input_shape=SMALL))
        kernel = model.get_layer("block1_conv1").get_weights()[0]
        pictures = np.random.default_rng(0).random((4, *SMALL), "float32")
        labels = np.eye(2, dtype="float32")[[0, 1, 0, 1]]
        head = model.layers[-1].get_weights()[0]
        model.run_eagerly = True  # two steps are not worth compiling
        model.fit(pictures, labels, verbose=0)
        assert not np.array_equal(model.layers[-1].get_weights()[0], head)
        np.testing.assert_array_equal(model.get_layer("block1_conv1").get_weights()[0], kernel)
        unfreeze(model, learning_rate=1e-2).fit(pictures, labels, verbose=0)
        assert not np.array_equal(model.get_layer("block1_conv1").get_weights()[0], kernel)

    def test_from_a_layer_on(self, vgg16):
        model = unfreeze(freeze(vgg16), from_layer="block5_conv1")
        frozen = [layer.name for layer in base_layers(model) if not layer.trainable]
        assert frozen[-1] == "block4_pool"
        with pytest.raises(ValueError, match="no layer 'block9'"):
            unfreeze(vgg16, from_layer="block9")

    def test_keeps_batch_normalisation_frozen(self):
        model = unfreeze(
            freeze(pretrained("mobilenet", weights=None, classes=2, input_shape=SMALL, alpha=0.25))
        )
        normalisations = [
            layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
        ]
        assert normalisations
        assert not any(layer.trainable for layer in normalisations)

    def test_keeps_loss_and_metrics(self):
        model = pretrained("small_vgg", weights=None, classes=2, input_shape=SMALL)
        model.compile(loss="mse", metrics=["mae", keras.metrics.TopKCategoricalAccuracy(1)])
        unfreeze(freeze(model))
        assert model.loss == "mse"
        model.run_eagerly = True
        model.fit(np.zeros((2, *SMALL)), np.eye(2), verbose=0)
        assert {"mae", "top_k_categorical_accuracy"} <= set(model.get_metrics_result())

    def test_keeps_what_text_cannot_say(self):
        """Objects, functions, weighted metrics, and how steps are run."""

        def half_off(truth, predicted):
            return keras.ops.mean(keras.ops.abs(truth - predicted)) / 2

        loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
        steps = 1 if keras.backend.backend() == "torch" else 2  # the only number it takes
        model = pretrained("small_vgg", weights=None, classes=2, input_shape=SMALL)
        model.compile(
            loss=loss,
            metrics=[half_off, keras.metrics.TopKCategoricalAccuracy(2, name="top")],
            weighted_metrics=[keras.metrics.CategoricalAccuracy(name="weighed")],
            loss_weights=[0.5],
            steps_per_execution=steps,
            run_eagerly=True,
        )
        unfreeze(freeze(model))
        assert model.loss is loss
        how = model.run_eagerly, model.steps_per_execution, model.jit_compile
        assert how == (True, steps, False)
        pictures, labels = np.zeros((4, *SMALL)), np.eye(2)[[0, 1, 0, 1]]
        model.fit(pictures, labels, batch_size=2, sample_weight=labels[:, 1], verbose=0)
        measured = model.evaluate(pictures, labels, verbose=0, return_dict=True)
        assert measured.keys() >= {"half_off", "top", "weighed"}
        smoothed = loss(labels, model.predict(pictures, verbose=0))
        assert measured["loss"] == pytest.approx(float(smoothed) / 2, rel=1e-4)

    def test_keeps_an_own_loss_function_and_how_steps_are_compiled(self):
        def own(truth, predicted):
            return keras.losses.categorical_crossentropy(truth, predicted) * 2

        model = pretrained("small_vgg", weights=None, classes=2, input_shape=SMALL)
        model.compile("sgd", own, jit_compile=False)
        assert compile_lab(model).loss is own
        assert model.jit_compile is False
        model.run_eagerly = True  # set after compiling, as one does to look for an error
        assert compile_lab(model).run_eagerly

    def test_refuses_a_network_without_its_head(self):
        with pytest.raises(ValueError, match="'small_vgg' has no layer whose name starts with"):
            freeze(small_vgg(SMALL, classes=2, filters=(4,)))

    @pytest.mark.parametrize("rate", [0, -1e-3, True, "0.1", float("nan")])
    def test_refuses_a_learning_rate(self, rate):
        with pytest.raises(ValueError, match=r"learning_rate=.* must be a number above 0"):
            compile_lab(small_vgg(SMALL, classes=2, filters=(4,)), rate)

    def test_weight_decay_shrinks_weights_that_nothing_else_moves(self):
        model = compile_lab(small_vgg((8, 8, 3), 2, filters=(4,), dense=()), 0.1, weight_decay=0.5)
        kernel = model.layers[0].kernel
        before = keras.ops.convert_to_numpy(kernel)
        # Of black pictures the first convolution has no gradient.
        black = np.zeros((2, 8, 8, 3), "float32")
        model.fit(black, np.eye(2, dtype="float32"), epochs=1, verbose=0)
        after = keras.ops.convert_to_numpy(kernel)
        np.testing.assert_allclose(after, before * (1 - 0.1 * 0.5), rtol=1e-4, atol=1e-7)

    @pytest.mark.parametrize("decay", [-0.1, "0.1", True])
    def test_refuses_a_weight_decay(self, decay):
        with pytest.raises(ValueError, match=r"weight_decay=.* must be a number, 0 or more"):
            compile_lab(small_vgg(SMALL, classes=2, filters=(4,)), 1e-3, weight_decay=decay)


class TestPreprocessing:
    @pytest.mark.parametrize("base", ["vgg16", "mobilenet", "densenet121", "MobileNetV3Small"])
    def test_equals_keras_own(self, base):
        module = {"densenet121": "densenet", "MobileNetV3Small": "mobilenet_v3"}.get(base, base)
        pictures = np.random.default_rng(0).random((2, 4, 4, 3), "float32")
        expected = getattr(keras.applications, module).preprocess_input(pictures.copy() * 255)
        ours = keras.ops.convert_to_numpy(preprocess(keras.ops.array(pictures), base))
        np.testing.assert_allclose(ours, expected, atol=1e-3)

    def test_none_reproduces_the_original_lab(self):
        names = [
            {layer.name for layer in pretrained("vgg16", None, 2, SMALL, preprocessing=p).layers}
            for p in ("own", "none")
        ]
        assert names[0] - names[1] >= {"preprocessing"}

    def test_survives_saving(self, tmp_path):
        model = pretrained("small_vgg", weights=None, classes=2, input_shape=SMALL)
        model.save(tmp_path / "model.keras")
        pictures = np.random.default_rng(0).random((2, *SMALL), "float32")
        again = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(
            again.predict(pictures, verbose=0), model.predict(pictures, verbose=0), rtol=1e-5
        )
        assert len(base_layers(again)) == len(base_layers(model))
