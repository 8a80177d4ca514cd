"""Tables of values: what a table does is what the arithmetic does."""

import numpy as np
import pytest

from labkit.dog_breeds.batches.tones import GREYS, brightened, channel_shifted, tables, tone


@pytest.mark.parametrize("factor", [0, 0.37, 1, 1.5, 300])
def test_brightness_of_every_value(factor):
    # In float32, as Pillow computes it.
    expected = [min(255, int(np.float32(factor) * np.float32(grey))) for grey in range(256)]
    assert brightened(GREYS, factor).tolist() == expected


def test_channel_shift_stays_in_the_range_of_the_picture():
    assert channel_shifted([10, 50, 90], 30, darkest=10, brightest=90).tolist() == [40, 80, 90]
    assert channel_shifted([10, 50, 90], -30, darkest=10, brightest=90).tolist() == [10, 20, 60]


def test_rescale_comes_last():
    table = tables([1.5], rescale=1 / 255, dtype="float32")
    np.testing.assert_array_equal(table[0], brightened(GREYS, 1.5) * np.float32(1 / 255))
    assert table.max() == 1


def test_one_table_for_each_brightness():
    table = tables(np.array([0.5, 1.0]), None, "uint8")
    assert table.dtype == np.uint8
    np.testing.assert_array_equal(table, [np.arange(256) // 2, np.arange(256)])


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_tone_looks_every_value_up_and_writes_where_it_should(shape, dtype):
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    table = tables([0.7], 2.0, dtype)[0]
    cells = np.zeros((3, *shape), dtype)
    tone(picture, table, cells[1])
    np.testing.assert_array_equal(cells[1], table[picture])
    assert not cells[[0, 2]].any()
