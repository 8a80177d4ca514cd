"""The class sizes of the photographs are those of the original lab."""

import math

from labkit import photograph_class_sizes


def test_breeds_pictures_and_split_are_the_lab_s():
    sizes = photograph_class_sizes()
    validating = sum(math.ceil(size / 5) for size in sizes.sizes)
    assert (len(sizes), sizes.total) == (120, 10_222)
    assert (sizes.total - validating, validating) == (8_127, 2_095)
    assert list(sizes.sizes) == sorted(sizes.sizes)
