"""What a look inside says and carries, without a browser."""

import base64
import json
import re

import cv2
import keras
import numpy as np
import pytest
from keras import layers

import labkit
from labkit.dog_breeds.inside import favourites, look_inside
from labkit.dog_breeds.inside.plain_networks import describe_layers, layer_values, pack
from labkit.receptive_field import analyse

BREEDS = ["a_pug", "</script><b>"]


def tiny(classes=2, **options):
    return labkit.small_vgg((8, 8, 3), classes, filters=(4, 5), dense=(6,), **options)


@pytest.fixture(scope="module")
def networks():
    """Make two networks, and one that differs little from the second."""
    keras.utils.set_random_seed(3)
    first, second = tiny(), tiny()
    near = keras.models.clone_model(second)
    rng = np.random.default_rng(5)
    weights = [w + rng.normal(0, 1e-3, w.shape) * np.abs(w).max() for w in second.get_weights()]
    near.set_weights(weights)
    return {"first": first, "second": second, "near": near}


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(4).integers(0, 256, (3, 8, 8, 3)) / 255


@pytest.fixture(scope="module")
def shown(networks, pictures):
    fields = {name: analyse(network) for name, network in networks.items()}
    return look_inside(networks, fields, pictures[:2], [0, 1], BREEDS, (pictures[2:], [1]))


def unpacked(packed, scales, shapes):
    """Read the weights back, one number after the other."""
    found, at = {}, 0
    for name, scale in scales.items():
        found[name] = []
        for place, (shape, step) in enumerate(zip(shapes, scale["steps"], strict=True)):
            size = int(np.prod(shape))
            low, high = packed[at : at + size], packed[at + size : at + 2 * size]
            counts = [a + 256 * b - scale["zero"] for a, b in zip(low, high, strict=True)]
            tensor = np.array(counts, float).reshape(shape) * step
            if scale["differs_from"]:
                tensor = tensor + found[scale["differs_from"]][place]
            found[name].append(tensor)
            at += 2 * size
    assert at == len(packed)
    return found


class TestPack:
    def test_weights_are_rounded_to_half_a_step(self, networks):
        packed, scales, rounded = pack(networks)
        shapes = [w.shape for w in networks["first"].get_weights()]
        read = unpacked(packed, scales, shapes)
        for name, network in networks.items():
            for tensor, own, step, kept in zip(
                read[name],
                network.get_weights(),
                scales[name]["steps"],
                rounded[name].get_weights(),
                strict=True,
            ):
                assert np.abs(tensor - own).max() <= 0.51 * step
                assert np.abs(tensor - kept).max() <= 1e-6 * np.abs(own).max()

    def test_only_what_is_near_is_stored_as_a_difference(self, networks):
        _, scales, _ = pack(networks)
        found = {name: scale["differs_from"] for name, scale in scales.items()}
        assert found == {"first": None, "second": None, "near": "second"}

    def test_the_networks_stay_as_they_were(self, networks):
        before = networks["near"].get_weights()
        pack(networks)
        assert all(map(np.array_equal, before, networks["near"].get_weights()))


class TestLayers:
    def test_values_are_those_of_keras_submodels(self, networks, pictures):
        network, read = networks["first"], pictures.astype(np.float32)
        for layer, values in zip(network.layers, layer_values(network, read), strict=True):
            model = keras.Model(network.inputs, layer.output)
            assert np.allclose(values, model.predict(read, verbose=0), atol=1e-5)

    def test_fields_are_those_of_analyse(self, networks):
        network, found = networks["first"], analyse(networks["first"])
        for layer in describe_layers(network, found):
            (axis, _), field = found[layer["name"]].axes, layer["field"]
            assert (field is None) == axis.is_global
            for unit in range(layer["shape"][0] if field else 0):
                first = field["stride"] * unit - field["padding"]
                seen = max(first, 0), min(first + field["size"], 8) - 1
                assert seen == axis.input_range(unit)

    def test_dropout_is_left_out(self):
        network = tiny(dropout=0.5)
        names = [layer["name"] for layer in describe_layers(network, analyse(network))]
        assert names[-3:] == ["global_average_pooling", "dense1", "softmax"]


class TestFavourites:
    def test_place_of_the_largest(self):
        values = np.zeros((2, 3, 4, 3))
        values[1, 2, 3, 0] = values[0, 1, 2, 1] = 5
        assert favourites(values) == [[1, 2, 3], [0, 1, 2], None]

    def test_they_are_looked_for_among_all_pictures(self, shown):
        network = shown.data["networks"][0]
        found = {place[0] for layer in network["favourites"] for place in layer if place}
        assert found == {0, 1, 2} and len(network["scores"]) == len(shown.data["dogs"]) == 2

    def test_the_others_lie_side_by_side(self, shown, pictures):
        others = shown.data["others"]
        packed = np.frombuffer(base64.b64decode(others["picture"]), np.uint8)
        sheet = cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1] / 255
        assert others["breeds"] == [1] and sheet.shape == (8, 8 * others["columns"], 3)
        assert np.abs(sheet[:, :8].mean((0, 1)) - pictures[2].mean((0, 1))).max() < 0.05
        assert sheet[:, 16:].max() < 0.1


class TestOfBatches:
    @pytest.fixture
    def batches(self, breeds):
        plain = labkit.ImageDataGenerator(rescale=1 / 255)
        return plain.flow_from_directory(breeds, (8, 8), batch_size=4, shuffle=False)

    @pytest.fixture
    def three(self):
        network = tiny(3)
        return {"one": network}, {"one": analyse(network)}

    def test_two_dogs_of_each_breed_can_be_chosen_and_all_are_looked_through(self, batches, three):
        data = look_inside(*three, batches).data
        assert data["breeds"] == ["beagle", "collie", "pug"]
        assert [dog["breed"] for dog in data["dogs"]] == [0, 0, 1, 1, 2, 2]
        assert data["others"]["breeds"] == [0, 0, 0, 1]
        picture = np.frombuffer(base64.b64decode(data["dogs"][2]["picture"]), np.uint8)
        seen = cv2.imdecode(picture, cv2.IMREAD_COLOR)[..., ::-1]
        collie = labkit.take_pictures(batches, [batches.filenames.index("collie/0.jpg")])[0]
        assert np.abs(seen - 255 * collie).max() <= 0.51

    def test_they_are_no_more_than_a_page_carries(self, batches, three, monkeypatch):
        monkeypatch.setattr("labkit.dog_breeds.inside._MOST_PIXELS", 3 * 64 + 1)
        data = look_inside(*three, batches).data
        assert [dog["breed"] for dog in data["dogs"]] == [0, 0, 1] and not data["others"]["breeds"]

    def test_shuffled_batches_are_refused(self, breeds, three):
        plain = labkit.ImageDataGenerator(rescale=1 / 255)
        shuffled = plain.flow_from_directory(breeds, (8, 8), seed=1)
        with pytest.raises(ValueError, match="shuffle=False"):
            look_inside(*three, shuffled)

    def test_pictures_without_their_breeds_are_refused(self, three):
        with pytest.raises(ValueError, match=r"truth=None must be the breeds of the pictures"):
            look_inside(*three, np.zeros((1, 8, 8, 3)))


class TestNameInABook:
    """What glue of MyST-NB looks for in an output, so that another page can show it."""

    def test_an_output_bears_it_and_is_html_all_the_same(self, shown):
        from IPython.core.formatters import DisplayFormatter

        data, metadata = DisplayFormatter().format(shown)
        assert set(data) == {"text/html", "text/plain"}
        assert metadata["scrapbook"] == {"name": "look_inside", "mime_prefix": ""}


class TestPage:
    def test_it_cannot_be_broken_by_a_name(self, shown):
        html = shown._repr_html_()
        assert "<b>" not in html.split('data-in="data">')[1].split("</script>")[0]
        data = re.search(r'data-in="data">(.*?)</script>', html, re.DOTALL)[1]
        assert json.loads(data)["breeds"] == ["a pug", "</script><b>"]
        assert "&lt;" not in shown.summary and html.count("<script") == html.count("</script") == 3

    def test_scores_are_kerass_within_what_the_page_says_of_rounding(
        self, shown, networks, pictures
    ):
        assert 0 < shown.data["rounding"] < 0.02
        for network in shown.data["networks"]:
            scores = networks[network["name"]].predict(pictures[:2], verbose=0)
            most = shown.data["rounding"] + 1e-4
            assert np.abs(scores - network["scores"]).max() <= most

    def test_without_a_script_there_is_a_picture_and_a_sentence(self, shown):
        still = cv2.imdecode(np.frombuffer(shown.still, np.uint8), cv2.IMREAD_UNCHANGED)
        # Between the pictures whatever ground the page has, light or dark.
        assert still.shape == (256, 1344, 4) and not still[:, 256:272, 3].any()
        assert still[:, :256, 3].all() and still[:120, 272:392, 3].all()
        assert shown.summary.startswith("A drawn dog of the breed a pug. So sure")
        assert re.search(r"first \d+%, second \d+% and near \d+%\.$", shown.summary)

    def test_repr(self, shown):
        assert repr(shown) == "<a look inside first, second and near, with 2 pictures>"


class TestErrors:
    def refused(self, match, network=None, pictures=None, truth=(0,), breeds=BREEDS, fields=None):
        network = network or tiny()
        pictures = np.zeros((1, 8, 8, 3)) if pictures is None else pictures
        with pytest.raises(ValueError, match=match):
            look_inside(
                {"one": network}, fields or {"one": analyse(network)}, pictures, truth, breeds
            )

    def test_no_network(self):
        with pytest.raises(ValueError, match=r"networks=.* at least one"):
            look_inside({}, {}, np.zeros((1, 8, 8, 3)), [0], BREEDS)

    def test_weights_that_no_page_can_carry(self):
        network = labkit.small_vgg((64, 64, 3), 2)
        with pytest.raises(ValueError, match=r"have 5,\d{3},\d{3} weights together.* 2,000,000"):
            look_inside({"full": network}, {}, np.zeros((1, 64, 64, 3)), [0], BREEDS)

    def test_fields_of_another_name(self):
        self.refused("same names", fields={"two": analyse(tiny())})

    def test_pictures_of_another_size(self):
        self.refused("the shapes of 'one'", pictures=np.zeros((1, 9, 8, 3)))

    def test_pictures_in_another_range(self):
        self.refused(r"in \[0, 1\]", pictures=np.full((1, 8, 8, 3), 255))

    def test_others_that_do_not_fit(self):
        for others in [(np.zeros((1, 9, 8, 3)), [0]), (np.zeros((1, 8, 8, 3)), [2])]:
            with pytest.raises(ValueError, match=r"the shapes of 'one'|truth="):
                network = tiny()
                fields = {"one": analyse(network)}
                look_inside({"one": network}, fields, np.zeros((1, 8, 8, 3)), [0], BREEDS, others)

    def test_breeds_of_another_number(self):
        self.refused("the shapes of 'one'", breeds=["a", "b", "c"])
        self.refused("truth=", truth=[2])

    @pytest.mark.parametrize(
        ("layer", "words"),
        [
            (layers.BatchNormalization(), "BatchNormalization"),
            (layers.Conv2D(3, 3), "padding='same'"),
            (layers.Conv2D(3, 3, strides=2, padding="same"), "stride 1"),
            (layers.Conv2D(3, 3, padding="same", activation="gelu"), "gelu"),
            (layers.MaxPooling2D(3, strides=2), "strides"),
        ],
    )
    def test_a_layer_that_the_page_cannot_compute(self, layer, words):
        ending = [layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")]
        network = keras.Sequential([keras.Input((8, 8, 3)), layer, *ending])
        self.refused(words, network)

    def test_a_network_that_joins_branches(self):
        inputs = keras.Input((8, 8, 3))
        joined = layers.Add()([layers.Conv2D(3, 1, padding="same")(inputs), inputs])
        pooled = layers.GlobalAveragePooling2D()(joined)
        self.refused("Add", keras.Model(inputs, layers.Dense(2, activation="softmax")(pooled)))

    def test_a_network_that_uses_a_layer_twice(self):
        inputs = keras.Input((8, 8, 3))
        twice = layers.Conv2D(3, 1, padding="same")
        pooled = layers.GlobalAveragePooling2D()(twice(twice(inputs)))
        network = keras.Model(inputs, layers.Dense(2, activation="softmax")(pooled))
        with pytest.raises(ValueError, match="straight line"):
            layer_values(network, np.ones((1, 8, 8, 3), np.float32))
