"""The 52 blendshapes: motion between MakeHuman's and ICT-FaceKit's, size as in ARKit's own face."""

import numpy as np
from scans import Registered, transferred
from smooth import harmonic, smoothed

from commedia.conventions import EXPRESSION_NAMES
from commedia.face_model.model import FACE_REGIONS, REGIONS
from commedia.rigging.template import Template

# Base name: (size, share of the scans' motion in the mixture). The size is the mean displacement of the 1 % of the
# visible face's vertices that move farthest, over the distance of the outer corners of the eyes, in percent, of ARKit's
# own face at weight 1. The share is the one that is most like other rigs (`scripts/measure_blendshapes.py`).
TABLE: dict[str, tuple[float, float]] = {
    "eyeBlink": (10.1, 0.9), "eyeLookDown": (4.3, 0.7), "eyeLookIn": (3.9, 0.8), "eyeLookOut": (3.4, 0.8),
    "eyeLookUp": (3.0, 0.9), "eyeSquint": (5.9, 0.4), "eyeWide": (3.4, 0.6), "jawForward": (11.0, 0.5),
    "jawLeft": (10.6, 0.8), "jawOpen": (50.0, 0.5), "mouthClose": (32.6, 0.6), "mouthFunnel": (15.9, 0.8),
    "mouthPucker": (13.9, 0.6), "mouthLeft": (14.8, 0.7), "mouthSmile": (20.7, 0.7), "mouthFrown": (8.1, 0.6),
    "mouthDimple": (11.8, 0.7), "mouthStretch": (16.2, 0.8), "mouthRollLower": (11.2, 0.6),
    "mouthRollUpper": (11.8, 0.5), "mouthShrugLower": (8.9, 0.5), "mouthShrugUpper": (5.9, 0.8),
    "mouthPress": (12.4, 0.7), "mouthLowerDown": (8.5, 0.7), "mouthUpperUp": (10.6, 0.7), "browDown": (9.3, 0.5),
    "browInnerUp": (12.8, 0.5), "browOuterUp": (12.9, 0.6), "cheekPuff": (11.6, 0.8), "cheekSquint": (8.5, 0.7),
    "noseSneer": (5.8, 0.6),
}  # fmt: skip
HIDDEN_FADING = 0.02
"""Per edge squared: what happens to the lips reaches a few edges into the mouth."""
BROW_SMOOTHING = 1.0
"""Twice as large as it was sculpted, the outer brow would break where its motion ends."""
FARTHEST_SHARE = 0.01
BRIDGE_M = 0.004
"""Half the width of the bridge of the nose."""
UNSEEN_M = 3e-5
"""Scans move everything a little, which nobody sees and every exported character would carry."""


def base_name(name: str) -> str:
    """Return the row of `TABLE`: sides share one."""
    bare = name.removesuffix("Left").removesuffix("Right")
    return f"{bare}Left" if bare in ("jaw", "mouth") else bare


def visible(template: Template) -> np.ndarray:
    """Return which skin vertices are of the visible face: the mask without eyeballs and mouth cavity."""
    names = [REGIONS.index(name) for name in FACE_REGIONS if name not in ("inner_mouth", "left_eye", "right_eye")]
    return np.isin(template.head.vertex_region[template.vertices], names)


def size(moved: np.ndarray) -> float:
    """Return the mean length of the farthest displacements, metres."""
    lengths = np.sort(np.linalg.norm(moved, axis=-1))
    return float(lengths[-max(1, round(FARTHEST_SHARE * len(lengths))) :].mean())


def blended(template: Template, scans: Registered, mean: np.ndarray, units: np.ndarray, width: float) -> np.ndarray:
    """Return (52, v, 3) on the mean head; `units` are MakeHuman's, `width` that between the outer eye corners."""
    rows, seen = template.vertices, visible(template)
    theirs = transferred(template, scans.skin, scans.shapes, mean[rows])
    found = units.copy()
    hidden = template.shown == 0
    for index, name in enumerate(EXPRESSION_NAMES):
        if base_name(name) not in TABLE:
            continue
        percent, share = TABLE[base_name(name)]
        own, other = units[index, rows], theirs[index]
        mixed = (1 - share) * own / _strength(own[seen]) + share * other / _strength(other[seen])
        if name.startswith("browOuterUp"):
            mixed = smoothed(template.triangles, mixed, BROW_SMOOTHING)
        gain = percent / 100 * width / size(mixed[seen])
        ratio = percent / 100 * width / size(own[seen])
        change = gain * mixed - ratio * own
        change = harmonic(template.triangles, ~hidden, change[None], fading=HIDDEN_FADING)[0]
        if not name.startswith("eyeLook"):
            found[index] *= ratio
        found[index, rows] = ratio * own + change
        if name.startswith("eye"):
            found[index] *= _side(mean[:, :1] if name.endswith("Left") else -mean[:, :1])
        found[index, np.linalg.norm(found[index], axis=1) < UNSEEN_M] = 0
    return found


def _side(outwards: np.ndarray) -> np.ndarray:
    """Return 1 on an eye's own side and 0 on the other: no eye moves the other's lids."""
    return np.clip(outwards / BRIDGE_M / 2 + 0.5, 0, 1)


def _strength(moved: np.ndarray) -> float:
    return float(np.sqrt((moved**2).sum()))
