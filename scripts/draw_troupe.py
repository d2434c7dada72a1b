"""Draw the bundled characters: a gallery, each at rest and acting, and a sheet of all 52 shapes of each.

python scripts/draw_troupe.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from commedia.characters.bundled import TROUPE
from commedia.characters.character import Character
from commedia.characters.face_frame import face_frame_of
from commedia.characters.open import open_character
from commedia.characters.posing import Poser
from commedia.geometry.rotations import wxyz_from_axis_angle, wxyz_from_yaw_pitch_roll
from commedia.outputs.preview.drawing import draw_text
from commedia.outputs.preview.player import Player
from commedia.rigging.sheet import draw_sheet
from commedia.structures import RigPose

CELL_PX = (400, 320)
"""Height and width."""
SHEET_TILE_PX = 116
BACKGROUND = (40, 43, 48)
SMILE = {
    "mouthSmileLeft": 0.9,
    "mouthSmileRight": 0.9,
    "cheekSquintLeft": 0.6,
    "cheekSquintRight": 0.6,
    "jawOpen": 0.15,
}
SURPRISE = {"jawOpen": 0.6, "browInnerUp": 0.8, "browOuterUpLeft": 0.8, "browOuterUpRight": 0.8}
ACTING = ((0.0, 0.0, {}), (28.0, -4.0, SMILE), (-24.0, 4.0, SURPRISE))
"""Yaw and pitch in degrees, and blendshapes: of every row."""


def main() -> None:
    """Draw both pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/sheets")
    characters = [open_character(Path(name)) for name in TROUPE]
    Image.fromarray(np.hstack([_column(one) for one in characters])).save(folder / "troupe.jpg", quality=86)
    Image.fromarray(np.vstack([_shapes(one) for one in characters])).save(folder / "troupe-shapes.jpg", quality=70)


def _column(character: Character) -> UInt8[np.ndarray, "h w 3"]:
    player, names, cells = Player(character), character.rig.morph_names, []
    straight = wxyz_from_axis_angle(np.zeros(3))
    for yaw_deg, pitch_deg, blendshapes in ACTING:
        turn = wxyz_from_yaw_pitch_roll(np.radians([yaw_deg, pitch_deg, 0.0]))
        pose = RigPose(np.array([blendshapes.get(name, 0.0) for name in names]), turn, straight, straight)
        cells.append(np.full((*CELL_PX, 3), BACKGROUND, np.uint8))
        player.draw(pose, cells[-1], opacity=1.0)
    column = np.vstack(cells)
    draw_text(column, character.name, (12.0, 20.0), size_px=18, colour=(255, 240, 140))
    return column


def _shapes(character: Character) -> UInt8[np.ndarray, "h w 3"]:
    rest, frame = Poser(character).at_rest(), face_frame_of(character.document)
    assert frame is not None
    positions = np.concatenate([own for _, own in rest])
    face = np.einsum("nk,nkc->nc", frame.weights, positions[frame.vertices])
    tints = [np.ones((1, 3), np.float32)] * len(rest)
    return draw_sheet(character, frame.head_from_scene.rotation, face, tints, tile_px=SHEET_TILE_PX)


if __name__ == "__main__":
    main()
