"""A longer take takes no more memory: no picture and no page of it is kept, by either reading."""

import tracemalloc
from pathlib import Path

import pytest
from fakes import Person, World
from rigs import small_builder
from stage import film, models_for, talking

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.pipeline import retarget

SHORT, LONG = 6, 16
A_PICTURE = 320 * 240 * 3


def peak_bytes(folder: Path, character: Character, frames: int) -> int:
    """Of what is allocated while two people are read twice and drawn."""
    people = [
        Person(seed, lambda time_s, x=x: (x, 120), width_px=60, expression=talking) for seed, x in ((1, 80), (2, 240))
    ]
    world = World(people)
    clip = film(world, folder / f"{frames}.mp4", frames)
    tracemalloc.start()
    summary = retarget(
        clip, folder / "out", character=character, models=models_for(world), formats=["csv"], overwrite=True
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (summary.frames, [person.tracked_frames for person in summary.people]) == (frames, [frames] * 2)
    return peak


@pytest.mark.slow  # eleven seconds of a core, as every allocation is counted
def test_memory_does_not_grow_with_the_take(tmp_path: Path) -> None:
    small = character_from_bytes(small_builder(("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")).to_bytes(), "small")
    peak_bytes(tmp_path, small, 2)  # what is made once and kept, such as a character's textures, is not asked about
    short, long = (peak_bytes(tmp_path, small, frames) for frames in (SHORT, LONG))
    # Ten pictures more would be 2.3 MB, ten pages ten times that; what is read ahead are four for each thread.
    assert long < short + 4 * A_PICTURE, (short, long)
