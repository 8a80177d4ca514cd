"""One's own dog, and the competition's file."""

import csv

import keras
import numpy as np
import pytest

from labkit import ImageDataGenerator, predict, submission
from labkit.dog_breeds.saving import Provenance, remember

SIZE = (6, 8)
BREEDS = ("red_dog", "green_dog", "blue_dog")


def network(rescale=1 / 255):
    """Answer with the softmax of the mean of each channel, 30 times over."""
    model = keras.Sequential(
        [
            keras.Input((*SIZE, 3), name="pictures"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Rescaling(30.0 if rescale == 1 / 255 else 30 / 255),
            keras.layers.Softmax(),
        ]
    )
    remember(model, Provenance(BREEDS, rescale))
    return model


def picture_of(channel, shape=SIZE):
    picture = np.full((*shape, 3), 100, np.uint8)
    picture[..., channel] = 125
    return picture


class TestPredict:
    def test_a_picture_that_broke_off_inside_is_refused(
        self, tmp_path, soft_picture, write_picture
    ):
        write_picture(tmp_path / "dog.jpg", soft_picture(200, 160))
        predict(network(), tmp_path / "dog.jpg")
        content = (tmp_path / "dog.jpg").read_bytes()
        (tmp_path / "dog.jpg").write_bytes(content[:-300] + b"\xff\xd9")
        with pytest.raises(
            ValueError, match=r"\(its content is damaged.*: give another picture\.$"
        ):
            predict(network(), tmp_path / "dog.jpg")

    @pytest.mark.parametrize("rescale", [1 / 255, 1.0])
    def test_names_the_likeliest_breeds_with_their_probabilities(self, tmp_path, rescale):
        keras.utils.save_img(tmp_path / "dog.png", picture_of(1, (40, 30)), scale=False)
        said = predict(network(rescale), tmp_path / "dog.png", k=2)
        odds = np.exp(np.array([100, 125, 100]) * 30 / 255)
        assert said.breeds[0] == "green_dog" and len(said.breeds) == 2
        assert said.probabilities[0] == pytest.approx(odds[1] / odds.sum(), rel=1e-4)
        assert said.picture.shape == (*SIZE, 3) and said.picture.dtype == np.uint8
        assert str(said).splitlines()[1].split() == ["green_dog", f"{said.probabilities[0]:.1%}"]

    def test_arrays_in_bytes_and_in_fractions_are_the_same(self):
        asked = network()
        whole, parts = predict(asked, picture_of(2)), predict(asked, picture_of(2) / 255)
        assert whole.breeds == parts.breeds
        assert whole.probabilities == pytest.approx(parts.probabilities)

    def test_sees_a_picture_as_its_training_did(self, tmp_path):
        """Read, resized and scaled as batches are."""
        noise = np.random.default_rng(0).integers(0, 256, (31, 45, 3), dtype=np.uint8)
        (tmp_path / "sorted" / "red_dog").mkdir(parents=True)
        keras.utils.save_img(tmp_path / "sorted" / "red_dog" / "a.jpg", noise, scale=False)
        batches = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
            tmp_path / "sorted", SIZE, batch_size=1, shuffle=False
        )
        expected = network().predict(batches[0][0], verbose=0)[0]
        said = predict(network(), tmp_path / "sorted" / "red_dog" / "a.jpg", k=9)
        assert dict(zip(said.breeds, said.probabilities, strict=True)) == pytest.approx(
            dict(zip(BREEDS, expected, strict=True)), rel=1e-5
        )

    @pytest.mark.parametrize(
        ("picture", "error", "sentence"),
        [
            ("no_such.jpg", FileNotFoundError, "There is no picture 'no_such.jpg'"),
            (picture_of(0) * 1.0, ValueError, "go from 100 to 125: give floats from 0 to 1, or ui"),
            (picture_of(0)[None], ValueError, "and this one has .1, 6, 8, 3.; of a batch, give"),
            (picture_of(0)[..., 0], ValueError, r"must have the shape \(height, width, 3\)"),
        ],
    )
    def test_refuses(self, picture, error, sentence):
        with pytest.raises(error, match=sentence):
            predict(network(), picture)

    def test_refuses_what_nobody_can_know(self):
        asked = network()
        with pytest.raises(ValueError, match="k=0 must be a whole number, 1 or more"):
            predict(asked, picture_of(0), k=0)
        remember(asked, Provenance(BREEDS, None))
        with pytest.raises(ValueError, match="not known how the pictures were prepared"):
            predict(asked, picture_of(0))
        unknown = keras.Sequential([keras.Input((*SIZE, 3)), keras.layers.Flatten()], name="mine")
        with pytest.raises(ValueError, match="'mine' does not know its breeds' names"):
            predict(unknown, picture_of(0))


class TestSubmission:
    @pytest.fixture
    def data(self, tmp_path):
        (tmp_path / "data" / "test").mkdir(parents=True)
        for name, channel in (("b7", 0), ("a1", 1), ("c3", 2)):
            path = tmp_path / "data" / "test" / f"{name}.png"
            keras.utils.save_img(path, picture_of(channel), scale=False)
        return tmp_path / "data"

    def test_has_a_row_for_each_picture_and_a_column_for_each_breed(self, data, tmp_path):
        path = submission(network(), data, tmp_path / "out" / "mine.csv", progress=False)
        header, *rows = csv.reader(path.read_text().splitlines())
        assert header == ["id", "blue_dog", "green_dog", "red_dog"]
        assert [row[0] for row in rows] == ["a1", "b7", "c3"]
        likeliest = [header[1:][np.argmax([float(p) for p in row[1:]])] for row in rows]
        assert likeliest == ["green_dog", "red_dog", "blue_dog"]
        for row in rows:
            assert sum(map(float, row[1:])) == pytest.approx(1, abs=1e-6)

    def test_follows_the_sample(self, data, tmp_path):
        sample = "id,green_dog,red_dog,blue_dog\nc3,.3,.3,.3\na1,.3,.3,.3\n"
        (data / "sample_submission.csv").write_text(sample)
        path = submission(network(), data, tmp_path / "mine.csv", progress=False)
        header, *rows = csv.reader(path.read_text().splitlines())
        assert header == ["id", "green_dog", "red_dog", "blue_dog"]
        assert [row[0] for row in rows] == ["c3", "a1"]
        assert float(rows[0][3]) > 0.8 and float(rows[1][1]) > 0.8

    def test_refuses_a_sample_of_other_breeds_or_pictures(self, data, tmp_path):
        (data / "sample_submission.csv").write_text("id,green_dog,pug\n")
        with pytest.raises(ValueError, match="'blue_dog', 'pug', 'red_dog' stand in one alone"):
            submission(network(), data, tmp_path / "mine.csv", progress=False)
        (data / "sample_submission.csv").write_text("id,green_dog,red_dog,blue_dog\nd4,1,0,0\n")
        with pytest.raises(ValueError, match=r"lacks 'd4', which sample_submission\.csv asks for"):
            submission(network(), data, tmp_path / "mine.csv", progress=False)
        assert not (tmp_path / "mine.csv").exists()

    def test_a_broken_picture_leaves_the_file_of_before(self, data, tmp_path):
        (tmp_path / "mine.csv").write_text("before")
        (data / "test" / "c3.png").write_bytes(b"no picture")
        with pytest.raises(ValueError, match=r"c3\.png cannot be decoded"):
            submission(network(), data, tmp_path / "mine.csv", progress=False)
        assert (tmp_path / "mine.csv").read_text() == "before"
