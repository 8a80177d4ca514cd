"""What a record says of predictions and paths, against counts by hand."""

import shlex

import numpy as np
import pytest

from labkit.dog_breeds.run.facts import command_line, describe_predictions, without_folders


def test_confusions_and_accuracies_by_hand():
    breeds = ["boxer", "collie", "pug"]
    truth = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    predicted = np.array([0, 1, 1, 1, 0, 2, 2, 2, 0])
    told = describe_predictions(breeds, truth, predicted)
    assert told["confusions"][0] == {"breed": "boxer", "taken_for": "collie", "pictures": 2}
    others = {(pair["breed"], pair["taken_for"]): pair["pictures"] for pair in told["confusions"]}
    assert others == {("boxer", "collie"): 2, ("collie", "boxer"): 1, ("pug", "boxer"): 1}
    assert told["breed_accuracies"] == {"boxer": 0.3333, "collie": 0.5, "pug": 0.75}


def test_a_network_without_errors_confuses_nothing():
    truth = np.array([0, 1])
    assert describe_predictions(["boxer", "pug"], truth, truth)["confusions"] == []


def test_only_the_commonest_confusions_are_listed():
    breeds = [f"breed {number}" for number in range(40)]
    truth = np.arange(40)
    assert len(describe_predictions(breeds, truth, np.roll(truth, 1))["confusions"]) == 20


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--set", "base_options={'alpha': 0.75}"],
        ["--set", "target_size=(64, 64)", "--out", "a b"],
        ["it's", "$HOME's", 'say "it\'s"', "back\\slash's", "plain"],
    ],
)
def test_a_shell_splits_a_command_line_into_its_words(words):
    assert shlex.split(command_line(words)) == words


@pytest.mark.parametrize(
    "word, said",
    [
        ("/home/me/dogs.zip", "dogs.zip"),
        ("weights=/home/me/base.h5", "weights=base.h5"),
        ("https://example.org/dogs.zip", "https://example.org/dogs.zip"),
        ("base_options={'alpha': 0.75}", "base_options={'alpha': 0.75}"),
        ("kaggle", "kaggle"),
    ],
)
def test_folders_are_left_out_of_the_command(word, said):
    assert without_folders(word) == said
