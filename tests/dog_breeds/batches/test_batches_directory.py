"""Which pictures, in which order, of which class: as Keras documents."""

import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator as KerasGenerator

from labkit.dog_breeds.batches.directory import list_pictures


def assert_as_keras(listing, keras):
    assert listing.class_indices == keras.class_indices
    assert list(listing.filenames) == keras.filenames
    np.testing.assert_array_equal(listing.classes, keras.classes)
    assert listing.classes.dtype == keras.classes.dtype


@pytest.mark.parametrize("classes", [None, ["pug", "beagle"]])
def test_listing_is_that_of_keras(classes, breeds):
    (breeds / "empty").mkdir()
    (breeds / "beagle" / "puppies" / "young").mkdir(parents=True)
    for name in ("beagle/B.JPG", "beagle/puppies/a.png", "beagle/puppies/young/b.jpeg"):
        (breeds / name).touch()
    for name in ("beagle/notes.txt", "labels.csv"):
        (breeds / name).touch()
    keras = KerasGenerator().flow_from_directory(breeds, classes=classes)
    assert_as_keras(list_pictures(breeds, classes), keras)


@pytest.mark.parametrize("follow_links", [False, True])
def test_links_are_followed_on_request(follow_links, breeds, tmp_path, write_picture, soft_picture):
    write_picture(tmp_path / "elsewhere" / "x.jpg", soft_picture(8, 8))
    (breeds / "pug" / "linked").symlink_to(tmp_path / "elsewhere")
    keras = KerasGenerator().flow_from_directory(breeds, follow_links=follow_links)
    listing = list_pictures(breeds, follow_links=follow_links)
    assert_as_keras(listing, keras)
    assert any("linked" in name for name in listing.filenames) == follow_links


def test_hidden_folders_and_files_are_passed_over(breeds):
    before = list_pictures(breeds)
    for name in (".ipynb_checkpoints", "@eaDir", "__MACOSX", "pug/@eaDir"):
        (breeds / name).mkdir()
        (breeds / name / "0.jpg").touch()
    for name in ("._0.jpg", "Thumbs.db", "desktop.ini", "Icon\r", ".DS_Store"):
        (breeds / "pug" / name).touch()
    after = list_pictures(str(breeds))
    assert after.class_indices == before.class_indices
    assert after.filenames == before.filenames


def test_pictures_that_keras_passes_over_in_silence_are_listed(breeds):
    for name in ("pug/x.gif", "pug/y.WEBP"):
        (breeds / name).touch()
    assert list_pictures(breeds, ["pug"]).filenames[-2:] == ("pug/x.gif", "pug/y.WEBP")


def test_missing_directory(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*gone; labkit.reorganise"):
        list_pictures(tmp_path / "gone")


def test_no_class_folder(tmp_path):
    (tmp_path / "1.jpg").touch()
    with pytest.raises(ValueError, match=r"has no class folder; it must hold one folder for each"):
        list_pictures(tmp_path)


def test_no_picture(tmp_path):
    (tmp_path / "pug").mkdir()
    with pytest.raises(ValueError, match=r"hold no picture \(.png, .jpg, "):
        list_pictures(tmp_path)


@pytest.mark.parametrize("classes", ["pug", [], ["pug", "pug"]])
def test_classes_must_be_different_names(classes, breeds):
    with pytest.raises(ValueError, match="must be a list of different folder names"):
        list_pictures(breeds, classes)


def test_class_without_folder_is_named(breeds):
    with pytest.raises(FileNotFoundError, match="has no folder for the class 'poodle'"):
        list_pictures(breeds, ["pug", "poodle"])
