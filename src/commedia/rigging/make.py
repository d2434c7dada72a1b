"""A character in, a character with the 52 blendshapes out: the files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.characters.open import open_still
from commedia.conventions import EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.errors import CommediaError
from commedia.face_model.landmarks import points
from commedia.face_model.model import HeadModel
from commedia.files import written_aside
from commedia.geometry.similarity import Similarity
from commedia.rigging.blendshapes import Blendshapes, make_blendshapes
from commedia.rigging.face_frame import face_frame
from commedia.rigging.glb import rigged_glb
from commedia.rigging.landmark_search import find_landmarks
from commedia.rigging.own_shapes import Own, plan_shapes
from commedia.rigging.pairs import read_pairs
from commedia.rigging.pieces import Kind
from commedia.rigging.registration import align
from commedia.rigging.sculpt import Sculpt, assembled
from commedia.rigging.sheet import draw_sheet, png_bytes
from commedia.rigging.template import Template, load_template

TINTS = {
    Kind.FACE: np.array([0.86, 0.70, 0.62], dtype=np.float32),
    Kind.EYE: np.array([0.55, 0.68, 0.80], dtype=np.float32),
    Kind.TEETH: np.array([0.93, 0.92, 0.88], dtype=np.float32),
    Kind.TONGUE: np.array([0.80, 0.42, 0.42], dtype=np.float32),
    Kind.CARD: np.array([0.35, 0.28, 0.25], dtype=np.float32),
}
"""sRGB."""


@dataclass(frozen=True)
class MakeResult:
    """What was written."""

    character: Character
    glb: Path
    sheet: Path
    landmarks: int
    """How many were used."""
    kept: tuple[str, ...] = ()
    """The character's own shapes that are there still."""
    taken_off: tuple[str, ...] = ()
    """Its own shapes that are gone."""
    added: tuple[str, ...] = ()
    """Blendshapes that were made."""


def make_rig(
    source: Path, output: Path, pairs: Path | None = None, *, own: Own = "refuse", head: HeadModel | None = None
) -> MakeResult:
    """Read a character, write it with the 52 blendshapes as GLB, and their contact sheet beside it.

    `own` says what becomes of shapes that it has. Without `pairs` (TOML) landmarks are looked for in renders. `head`
    lends its blendshapes; None is the default head.
    """
    _check_output(source, output)
    plan = plan_shapes(open_still(source), own)
    sculpt = assembled(plan.character)
    landmarks = find_landmarks(sculpt, head) if pairs is None else read_pairs(pairs, sculpt)
    template = load_template(head)
    blendshapes = make_blendshapes(sculpt.vertices, sculpt.triangles, landmarks, template)
    rows = [EXPRESSION_INDEX[name] for name in plan.made]
    face = face_frame(sculpt, blendshapes, landmarks)
    data = rigged_glb(sculpt, blendshapes.displacements[rows], tuple(plan.made.values()), face)
    character = character_from_bytes(data, output.stem)
    placed = align(template, landmarks)
    picture = png_bytes(draw_sheet(character, placed.rotation, _framed(placed, template), _tints(sculpt, blendshapes)))
    sheet = output.with_suffix(".png")
    with written_aside(output) as file, written_aside(sheet) as beside:
        file.write(data)
        beside.write(picture)
    return MakeResult(character, output, sheet, len(landmarks.numbers), plan.kept, plan.taken_off, tuple(plan.made))


def _check_output(source: Path, output: Path) -> None:
    if output.suffix.lower() not in (".glb", ".vrm"):
        raise CommediaError(f"the rig is written as GLB, so {output} should end in .glb")
    if output.exists() and source.exists() and output.samefile(source):
        raise CommediaError(f"the rig would be written over {source}, which would lose it; name another file")


def _framed(head_from_scene: Similarity, template: Template) -> np.ndarray:
    """Where our mean face's landmarks lie on the character: what a picture of the face must show."""
    return head_from_scene.inverse().points(points(template.landmarks, template.skin(np.zeros(IDENTITY_COUNT))))


def _tints(sculpt: Sculpt, blendshapes: Blendshapes) -> list[np.ndarray]:
    """Colours for what has none: clay, and eyes and teeth that can be told from it."""
    colours = np.tile(TINTS[Kind.FACE], (len(sculpt.vertices), 1))
    for piece in blendshapes.pieces:
        colours[piece.vertices] = TINTS.get(piece.kind, TINTS[Kind.FACE])
    return [colours[patch.places] for patch in sculpt.patches]
