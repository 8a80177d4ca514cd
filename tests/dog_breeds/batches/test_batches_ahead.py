"""Work ahead: every value once, in threads, nothing kept that is not wanted."""

import random
import threading

import cv2
import pytest

from labkit.dog_breeds.batches.ahead import (
    Ahead,
    Foresight,
    shuffled_by_keras,
    single_threaded_opencv,
)


def test_values_are_computed_once_and_in_other_threads():
    computed = []

    def compute(key):
        computed.append((key, threading.current_thread()))
        return key * 10

    ahead = Ahead(compute, workers=2)
    values = [ahead.get(key, following=range(key + 1, min(key + 3, 8))) for key in range(8)]
    assert values == [key * 10 for key in range(8)]
    assert sorted(key for key, _ in computed) == list(range(8))
    assert threading.main_thread() not in {thread for _, thread in computed}


def test_what_follows_is_begun_before_it_is_asked_for():
    begun = threading.Event()
    ahead = Ahead(lambda key: begun.set() if key == 2 else None, workers=1)
    ahead.get(1, following=[2])
    assert begun.wait(10)


def test_value_handed_out_is_not_kept():
    ahead = Ahead(lambda key: [key], workers=1)
    assert ahead.get(1) is not ahead.get(1)


def test_what_is_no_longer_wanted_is_dropped():
    ahead = Ahead(lambda key: key, workers=1)
    ahead.get(1, following=[2, 3])
    ahead.get(7, following=[8])
    assert set(ahead._futures) == {8}


def test_error_reaches_who_asked_and_the_next_try_starts_anew():
    tries = []

    def compute(key):
        tries.append(key)
        if len(tries) == 1:
            raise ValueError("no dog")
        return key

    ahead = Ahead(compute, workers=1)
    with pytest.raises(ValueError, match="no dog"):
        ahead.get(1)
    assert ahead.get(1) == 1


SHUFFLED = [3, 0, 4, 1, 2]


@pytest.mark.parametrize(
    ("asked", "following"),
    [
        (range(5), [[1, 2], [2, 3], [3, 4], [4], []]),
        (SHUFFLED, [[0, 4], [4, 1], [1, 2], [2], []]),
        ([2, 4, 1, 3], [[], [], [2], [0, 4]]),  # 4, 1 and the first are as foreseen
        ([0, 4, 1, 2], [[1, 2], [1, 2], [2], []]),
        ([3, 0, 2, 4, 0, 1, 2, 3], [[0, 4], [4, 1], [], [], [1, 2], [2, 3], [3, 4], [4]]),
    ],
)
def test_what_follows_is_guessed_by_what_came_true(asked, following):
    foresight = Foresight(SHUFFLED, range(5))
    assert [foresight.after(number, 2) for number in asked] == following


def test_shuffle_of_keras_is_foreseen_and_no_random_state_changed():
    random.seed(3)
    before = random.getstate()
    foreseen = shuffled_by_keras(40)
    assert random.getstate() == before
    numbers = list(range(40))
    random.shuffle(numbers)
    assert foreseen == numbers != list(range(40))


def test_opencv_threads_are_as_they_were_once_all_are_outside():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        with single_threaded_opencv:
            with single_threaded_opencv:
                assert cv2.getNumThreads() == 1
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)
