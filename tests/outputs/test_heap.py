"""Freed memory is given back where the C library can do that, and nothing happens elsewhere."""

import sys

import pytest

from commedia.outputs import heap


def test_it_may_be_asked_any_time() -> None:
    for _ in range(3):
        heap.give_back_freed_memory()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc gives memory back on request")
def test_small_blocks_that_were_freed_leave_the_process() -> None:
    """256 MB in blocks that glibc keeps for itself: behind the last one that is still held, nothing shrinks alone."""
    trim = heap._trim.__wrapped__()
    if trim is None:
        pytest.skip("this Linux has no glibc")
    blocks = [b"x" * 65_536 + bytes([index % 256]) for index in range(4096)]
    last = bytes(65_536)
    held = _resident_bytes()
    del blocks
    trim(0)
    assert held - _resident_bytes() > 200 * 2**20
    assert len(last) == 65_536


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert heap._trim.__wrapped__() is None


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096
