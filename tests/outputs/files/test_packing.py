"""What a GLB cannot hold is refused in one sentence, and nothing less is."""

from pathlib import Path

import pytest

from commedia.characters.builder import glb_header
from commedia.errors import OutputFailed
from commedia.outputs.files.packing import header_of

TREE = {"asset": {"version": "2.0"}}


def test_a_glb_is_refused_from_four_gibibytes_on() -> None:
    room = (1 << 32) - len(glb_header(TREE, 0))
    assert header_of(Path("a.glb"), "a GLB", TREE, room - 4) == glb_header(TREE, room - 4)
    for length in (room, 1 << 32, 1 << 40):
        with pytest.raises(OutputFailed, match=r"^cannot write a\.glb: a GLB holds at most 4 GiB$"):
            header_of(Path("a.glb"), "a GLB", TREE, length)
