"""Features of a frozen base: a head trained on them is the head trained on the pictures."""

import cv2
import keras
import numpy as np
import pytest

from labkit import ImageDataGenerator, freeze, pretrained, small_vgg, train
from labkit.dog_breeds.features import FeatureBatches, compute_features, split_at_head
from labkit.dog_breeds.networks import compile_lab, head_layers

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(37):
        breed = folder / ("pug", "boxer", "beagle")[number % 3]
        breed.mkdir(exist_ok=True)
        picture = random.integers(0, 120, (16, 16, 3), np.uint8)
        picture[..., number % 3] += 120
        cv2.imwrite(str(breed / f"{number:02}.png"), picture)
    return folder


def flow(pictures, **options):
    generator = ImageDataGenerator(rescale=1 / 255)
    return generator.flow_from_directory(pictures, target_size=(16, 16), batch_size=8, **options)


@pytest.fixture
def network():
    keras.utils.set_random_seed(5)
    return freeze(pretrained("small_vgg", "drawn", 3, (16, 16, 3), dense=(8,)), 1e-2)


def test_the_two_parts_make_the_whole(network):
    body, head = split_at_head(network)
    some = np.random.default_rng(1).random((4, 16, 16, 3), "float32")
    whole = network.predict(some, verbose=0)
    parts = head.predict(body.predict(some, verbose=0), verbose=0)
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
    assert head.layers[1:] == head_layers(network)[1:]


def test_a_head_learns_the_same_from_features_as_from_pictures(network, pictures):
    start = network.get_weights()
    plain = flow(pictures, shuffle=False)
    by_pictures = train(
        network, flow(pictures, seed=9, drop_remainder=True), plain, 2, progress=False
    )
    learnt = network.get_weights()
    network.set_weights(start)
    body, head = split_at_head(network)
    features = compute_features(body, plain, progress=False)
    compile_lab(head, 1e-2)
    shuffled = FeatureBatches(*features, batch_size=8, seed=9)
    in_order = FeatureBatches(*features, batch_size=8, shuffle=False)
    by_features = train(head, shuffled, in_order, 2, progress=False)
    for curve, figures in vars(by_pictures).items():
        assert vars(by_features)[curve] == pytest.approx(figures, rel=1e-3), curve
    for here, there in zip(network.get_weights(), learnt, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-2, atol=1e-4)
    assert any((here != there).any() for here, there in zip(start, learnt, strict=True))


def test_features_stand_in_the_order_of_the_files(network, pictures):
    body, _ = split_at_head(network)
    plain = flow(pictures, shuffle=False)
    features, targets = compute_features(body, plain, progress=False)
    assert features.shape == (37, 96)
    assert features.dtype == targets.dtype == np.float32
    assert targets.argmax(axis=1).tolist() == plain.classes.tolist()


@pytest.mark.parametrize("options", [{"shuffle": True}, {"shuffle": False, "drop_remainder": True}])
def test_batches_in_another_order_or_incomplete_are_refused(network, pictures, options):
    with pytest.raises(ValueError, match="files' order, with all pictures"):
        compute_features(split_at_head(network)[0], flow(pictures, **options))


def test_a_network_without_a_new_head_is_refused():
    with pytest.raises(ValueError, match=r"build it with labkit\.pretrained"):
        split_at_head(small_vgg((16, 16, 3), 2, filters=(4,)))


def test_every_epoch_has_an_order_of_its_own_and_each_feature_at_most_once():
    batches = FeatureBatches(np.arange(20.0)[:, None], np.eye(20), batch_size=6, seed=1)
    orders = []
    for batches.epoch in range(3):
        orders.append(np.concatenate([batches[i][0][:, 0] for i in range(len(batches))]).tolist())
    assert len(batches) == 3
    assert all(len(set(order)) == 18 for order in orders)
    assert len(set(map(tuple, orders))) == 3


def test_fit_alone_shuffles_anew_in_every_epoch_and_by_hand_batches_stay_the_same():
    # As numbers of a layer: JAX warns of float64.
    features, targets = np.arange(20, dtype="float32")[:, None], np.eye(20, dtype="float32")
    batches = FeatureBatches(features, targets, np.int64(6), seed=1)
    first = [batches[i][0].ravel().tolist() for i in range(3)]
    head = keras.Sequential([keras.layers.Dense(20)])
    head.compile("sgd", "mse")
    head.fit(batches, epochs=2, verbose=0)
    assert batches.epoch == 2
    assert [batches.batch(0, i)[0].ravel().tolist() for i in range(3)] == first
    assert [batches[i][0].ravel().tolist() for i in range(3)] != first


@pytest.mark.parametrize("wrong", [{"batch_size": "6"}, {"batch_size": 0}, {"seed": True}])
def test_what_is_no_whole_number_is_refused(wrong):
    with pytest.raises(ValueError, match="must be a whole number"):
        FeatureBatches(np.zeros((9, 2)), np.eye(9), **({"batch_size": 6} | wrong))


def test_fewer_features_than_a_batch_are_refused():
    with pytest.raises(ValueError, match="do not fill a batch of 32"):
        FeatureBatches(np.zeros((3, 2)), np.eye(3), batch_size=32)
