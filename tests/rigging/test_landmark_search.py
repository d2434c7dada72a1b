"""Where landmarks are found on a drawn face must not hang on the box it was found in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commedia.characters.bundled import find_character
from commedia.characters.open import open_character
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.mfn import open_mfn
from commedia.faces.sfn import open_sfn
from commedia.outputs.preview.player import Player
from commedia.rigging.landmark_search import _read
from commedia.structures import RigPose

STRAIGHT = np.array([1, 0, 0, 0], dtype=np.float32)
LIPS = slice(48, 68)


@pytest.mark.parametrize("name", ["isabella", "flaminia", "orazio", "leandro"])
def test_a_box_without_the_chin_moves_no_lips(name: str):
    character = open_character(find_character(Path(name)))
    picture = np.full((512, 512, 3), 120, np.uint8)
    resting = RigPose(character.rig.rest_weights, STRAIGHT, STRAIGHT, STRAIGHT)
    Player(character).draw(resting, picture, opacity=1.0)
    sfn, found = open_sfn(flip_average=True), open_mfn(threshold=0.3).detect(picture)[0]
    low = found.box.top_px + 0.75 * found.box.height_px
    cut = replace(found, box=replace(found.box, bottom_px=low))
    whole, part = (landmarks_of_faces([_read(picture, face, sfn)], sfn.head)[0] for face in (found, cut))
    apart = np.linalg.norm(whole - part, axis=1)[LIPS].mean()
    assert apart < 0.01 * found.box.height_px
