"""Singles are collected in blocks: the array they become is the pictures, in order, whatever their number."""

import numpy as np
import pytest

from commedia.training.pictures import STORED_SIZE, _Stack

BLOCK = 4
"""What `_Stack` does at 512 it does at any size, a hundred times faster."""


@pytest.mark.parametrize("count", [1, BLOCK, BLOCK + 3, 3 * BLOCK + 1])
def test_every_single_is_there_once_and_in_order(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Stack, "BLOCK", BLOCK)
    rng = np.random.default_rng(count)
    images = rng.integers(0, 256, (count, STORED_SIZE, STORED_SIZE, 3), np.uint8)
    stack = _Stack()
    for image in images:
        stack.append(image)
    assert len(stack) == count
    np.testing.assert_array_equal(stack.whole(), images)
    assert len(stack) == 0
