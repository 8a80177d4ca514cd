"""The planted flaws: what the program plants is what labkit ships and tells of."""

import zipfile

import cv2
import numpy as np
from draw_dogs import LAB_BREEDS
from draw_dogs.__main__ import ARCHIVE, FLAWS
from draw_dogs.data_set import draw_files, draw_jpeg, picture_id
from draw_dogs.flaws import LAB_FLAWS, Flaw, list_flaws, plant
from draw_dogs.package_data import PACKAGE

FIRST, SECOND = LAB_BREEDS[:2]


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)


def name_of(breed, index):
    return f"train/{picture_id(breed, index)}.jpg"


def test_plants_in_place_and_nowhere_else():
    counts = {FIRST.name: 2, SECOND.name: 2}
    files = draw_files((FIRST, SECOND), counts, size=(40, 50), progress=False)
    flaws = (Flaw(FIRST, 0, SECOND, 1, "copy"), Flaw(SECOND, 0, FIRST, None, "wrong"))
    planted = plant(files, flaws)
    assert list(planted) == list(files)
    changed = {name for name in files if files[name] != planted[name]}
    assert changed == {name_of(FIRST, 0), name_of(SECOND, 0)}
    copy = decoded(planted[name_of(FIRST, 0)])
    assert copy.shape == (32, 40, 3)
    original = cv2.resize(decoded(files[name_of(SECOND, 1)]).astype(np.uint8), (40, 32))
    assert np.abs(copy - original).mean() < 12


def test_the_list_names_every_flaw():
    flaws = (Flaw(FIRST, 0, SECOND, 1, "copy"), Flaw(SECOND, 0, FIRST, None, "wrong"))
    assert list_flaws(flaws).decode().splitlines() == [
        "flaw,id,breed,shows,original",
        f"copy,{picture_id(FIRST, 0)},{FIRST.name},{SECOND.name},{picture_id(SECOND, 1)}",
        f"wrong,{picture_id(SECOND, 0)},{SECOND.name},{FIRST.name},",
    ]


def test_the_shipped_dogs_have_the_flaws_of_the_program():
    assert (PACKAGE / FLAWS).read_bytes() == list_flaws()
    with zipfile.ZipFile(PACKAGE / ARCHIVE) as archive:
        for flaw in LAB_FLAWS:
            shipped = decoded(archive.read(name_of(flaw.breed, flaw.index)))
            drawn = decoded(draw_jpeg(flaw.shows, 104 if flaw.original is None else flaw.original))
            drawn = cv2.resize(
                drawn.astype(np.uint8), shipped.shape[1::-1], interpolation=cv2.INTER_AREA
            )
            assert np.abs(shipped - drawn).mean() < 5
