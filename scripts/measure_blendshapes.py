"""Compare the default head's blendshapes with other rigs': how far they move, and how much alike.

Our head is laid over each rig's neutral face, and what the rig's shapes do there is transferred to the mean head.
`ours` and a rig's name are sizes in percent of the distance of the outer corners of the eyes (`blend.TABLE`), `Apple`
is ARKit's own; then come the cosines with each rig, and with their consensus, the mean of the rigs' shapes at equal
strength, over the area of the visible face. Rigs are only measured: nothing of theirs gets into the head.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent / "compile_head"))
from blend import TABLE, base_name, size, visible
from scans import carried, read_scans, registered, transferred

from commedia.characters.open import open_character
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.face_model.landmarks import points
from commedia.rigging.assignment import vertex_areas
from commedia.rigging.blendshapes import make_blendshapes
from commedia.rigging.landmark_search import find_landmarks
from commedia.rigging.pairs import read_pairs
from commedia.rigging.sculpt import assembled, morph_displacements
from commedia.rigging.template import Template, load_template

EYE_CORNERS = [36, 45]
# What the Autodesk Character Generator, whose heads the VALID avatars have, calls what is like one of ours.
CHARACTER_GENERATOR = {
    "eyeBlinkLeft": ["LeyeClose"], "eyeSquintLeft": ["LlowLid"], "eyeWideLeft": ["LeyeOpen"],
    "jawForward": ["JawFront"], "jawLeft": ["Ljaw"], "jawOpen": ["MouthOpen"], "mouthFunnel": ["SH_CH"],
    "mouthPucker": ["Kiss"],
    "mouthSmileLeft": ["LsmileClose"], "mouthFrownLeft": ["LmouthSad"], "mouthRollLower": ["MPB_Down"],
    "mouthRollUpper": ["MPB_Up"], "mouthLowerDownLeft": ["LlipDown"], "mouthUpperUpLeft": ["LlipUp"],
    "browOuterUpLeft": ["LLbrowUp"], "browDownLeft": ["LbrowDown", "LLbrowDown"], "browInnerUp": ["Lsad", "Rsad"],
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rigs", nargs="*", help="RIG.glb, or RIG.glb=PAIRS.toml with landmarks of its own")
    parser.add_argument("--ict", type=Path, help="ict-facekit.npz")
    arguments = parser.parse_args()
    template = load_template()
    mean = template.head.model.mean[template.vertices].astype(np.float64)
    shapes = {}
    if arguments.ict:
        scans = registered(template, read_scans(arguments.ict))
        shapes["ICT"] = transferred(template, scans.skin, scans.shapes, mean)
    for rig in arguments.rigs:
        path, _, pairs = rig.partition("=")
        shapes[Path(path).stem] = rig_shapes(template, Path(path), Path(pairs) if pairs else None, mean)
    corners = points(template.landmarks, mean)[EYE_CORNERS]
    print_table(template, shapes, float(np.linalg.norm(corners[0] - corners[1])))


def rig_shapes(template: Template, path: Path, pairs: Path | None, mean: np.ndarray) -> np.ndarray:
    """Return a rig's shapes on our mean skin, (52, s, 3); zeros where it has none."""
    sculpt = assembled(open_character(path))
    landmarks = find_landmarks(sculpt) if pairs is None else read_pairs(pairs, sculpt)
    made = make_blendshapes(sculpt.vertices, sculpt.triangles, landmarks, template)
    laid, face = made.registered, made.pieces[0].vertices
    target = laid.fitted.head_from_target.points(sculpt.vertices)
    triangles = sculpt.triangles[np.isin(sculpt.triangles[:, 0], face)]
    morphs = morph_displacements(sculpt, np.arange(len(target))).astype(np.float64)
    fields = laid.fitted.head_from_target.offsets(_named(sculpt.character.rig.morph_names, morphs))
    return transferred(template, laid.skin, carried(template, laid.skin, target, triangles, fields), mean)


def _named(names: tuple[str, ...], morphs: np.ndarray) -> np.ndarray:
    """Put morphs in the order of `EXPRESSION_NAMES`."""
    row = {name.removeprefix("h_expressions.").removesuffix("_h"): number for number, name in enumerate(names)}
    found = np.zeros((len(EXPRESSION_NAMES), *morphs.shape[1:]))
    for name, number in EXPRESSION_INDEX.items():
        # A consensus of one side is enough; transferring mirrors it.
        left = CHARACTER_GENERATOR.get(name.replace("Right", "Left"), [])
        sided = [other.replace("L", "R", 1) if name.endswith("Right") and other[0] == "L" else other for other in left]
        for wanted in [name] if name in row else sided:
            if wanted in row:
                found[number] += morphs[row[wanted]]
    return found


def print_table(template: Template, shapes: dict[str, np.ndarray], width: float) -> None:
    """One line per blendshape, of pairs the left one."""
    seen = visible(template)
    rest = template.head.model.mean[template.vertices].astype(np.float64)
    root = np.sqrt(vertex_areas(rest, template.triangles) * seen)[:, None]
    own = template.head.model.expression_basis[:, template.vertices].astype(np.float64)
    print(
        f"{'blendshape':20}{'ours':>6}{'Apple':>7}{'ratio':>7}",
        *(f"{name[:10]:>11}{'alike':>6}" for name in shapes),
        end="",
    )
    print(f"{'consensus':>11}")
    for index, name in enumerate(EXPRESSION_NAMES):
        if name.endswith("Right") or base_name(name) not in TABLE:
            continue
        ours, apple = 100 * size(own[index][seen]) / width, TABLE[base_name(name)][0]
        others = {rig: field[index] for rig, field in shapes.items()}
        consensus = sum(root * field / max(np.linalg.norm(root * field), 1e-12) for field in others.values())
        cells = (
            f"{100 * size(f[seen]) / width:11.1f}{_cosine(root * own[index], root * f):6.2f}" for f in others.values()
        )
        print(
            f"{name:20}{ours:6.1f}{apple:7.1f}{ours / apple:7.2f}",
            *cells,
            f"{_cosine(root * own[index], consensus):10.2f}",
        )


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float((first * second).sum() / max(np.linalg.norm(first) * np.linalg.norm(second), 1e-12))


if __name__ == "__main__":
    main()
