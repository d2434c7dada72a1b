"""A bare character in, a character with the 52 units out: the files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.errors import CommediaError
from commedia.outputs.atomic import written_aside
from commedia.rigging.glb import rigged_glb
from commedia.rigging.pairs import read_pairs
from commedia.rigging.registration import Marks, align
from commedia.rigging.sculpt import Sculpt, read_bare
from commedia.rigging.sheet import draw_sheet, png_bytes
from commedia.rigging.sight import find_marks
from commedia.rigging.template import load_template
from commedia.rigging.units import make_units


@dataclass(frozen=True)
class Made:
    """What was written."""

    character: Character
    glb: Path
    sheet: Path
    landmarks: int
    """How many were used."""


def make_rig(source: Path, output: Path, pairs: Path | None = None) -> Made:
    """Read a character without blendshapes, and write it with the 52 units as GLB, and their contact sheet beside it.

    Args:
        source: `.obj`, `.glb`, `.gltf` or `.vrm`.
        output: A `.glb` file; the sheet is a `.png` of the same name.
        pairs: Landmarks as TOML; without, they are looked for in renders of the character.
    """
    if output.suffix.lower() not in (".glb", ".vrm"):
        raise CommediaError(f"the rig is written as GLB, so {output} should end in .glb")
    sculpt = read_bare(source)
    marks = find_marks(sculpt) if pairs is None else read_pairs(pairs, sculpt)
    data = rigged_glb(sculpt, make_units(sculpt.vertices, sculpt.triangles, marks))
    character = character_from_bytes(data, output.stem)
    picture = png_bytes(draw_sheet(character, align(load_template(), marks).rotation, framed(sculpt, marks)))
    sheet = output.with_suffix(".png")
    with written_aside(output) as file, written_aside(sheet) as beside:
        file.write(data)
        beside.write(picture)
    return Made(character, output, sheet, len(marks.numbers))


def framed(sculpt: Sculpt, marks: Marks) -> np.ndarray:
    """The corners of our mean face where it lies on the character: what a picture of the face must show."""
    template = load_template()
    skin = template.skin(np.zeros(len(template.head.identity_mirror)))
    return align(template, marks).inverse().points(skin[template.shown == 1])
