"""ICT-FaceKit's scanned people and its expressions, on our topology: our head is laid over its neutral face."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from components import FLIP
from smooth import harmonic

from commedia.conventions import EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.face_model.model import REGIONS
from commedia.geometry.closest import ClosestPoints
from commedia.geometry.meshes import smooth_normals
from commedia.retarget.deformation_transfer import transfer_deformations
from commedia.rigging.blendshapes import interpolated, lay, part_vertices, target_sides
from commedia.rigging.pieces import fit_sphere
from commedia.rigging.registration import Landmarks
from commedia.rigging.slits import side_of_triangle
from commedia.rigging.template import Template, head_vertices

CENTIMETRE = 0.01
SKIN_END = 14062
"""Vertices before this are face, neck, mouth cavity and eye sockets."""
EYEBALLS = {"left_eye": (21451, 23021), "right_eye": (23021, 24591)}
JAW_LINE, BROWS_END = 17, 27
JAW_WEIGHT, BROW_WEIGHT = 0.01, 0.2
"""Against 1 for the other landmarks: the surface says where these slide to."""
FARTHEST_M = 0.006
LEAST_COSINE = 0.3
SPACING_M = 0.002
STILL_M = 1e-5


@dataclass(frozen=True)
class Scans:
    """The file: metres, displacements per weight 1 or standard deviation."""

    neutral: np.ndarray
    triangles: np.ndarray
    landmarks: np.ndarray
    shapes: np.ndarray
    """In the order of `EXPRESSION_NAMES`; zeros where the file has none."""
    identities: np.ndarray


@dataclass(frozen=True)
class Registered:
    """The scans on our vertices, in the head frame, metres."""

    skin: np.ndarray
    """Our skin on the neutral face of the scans."""
    shapes: np.ndarray
    """Displacements of that skin by each of `EXPRESSION_NAMES`."""
    neutral: np.ndarray
    """The whole head: skin, eyeballs, teeth and tongue."""
    identities: np.ndarray
    """Displacements of the whole head per standard deviation."""


def read_scans(path: Path) -> Scans:
    """Read `ict-facekit.npz`."""
    with np.load(path, allow_pickle=False) as file:
        named = dict(zip(file["expression_names"].tolist(), file["expression"].astype(np.float64), strict=True))
        nothing = np.zeros(file["neutral"].shape)
        shapes = [_named(named, name, nothing) for name in EXPRESSION_NAMES]
        return Scans(
            file["neutral"].astype(np.float64) * CENTIMETRE,
            file["triangles"].astype(np.int64),
            file["landmarks"].astype(np.int64),
            np.stack(shapes) * CENTIMETRE,
            file["identity"].astype(np.float64) * CENTIMETRE,
        )


def _named(named: dict[str, np.ndarray], name: str, nothing: np.ndarray) -> np.ndarray:
    """Sides are `_L` and `_R` there, and `browInnerUp` and `cheekPuff` are in two halves."""
    sided = name.replace("Left", "_L").replace("Right", "_R")
    if name in named:
        return named[name]
    if sided in named:
        return named[sided]
    return named.get(f"{name}_L", nothing) + named.get(f"{name}_R", nothing)


def registered(template: Template, scans: Scans) -> Registered:
    """Lay our head over the neutral face and carry shapes and identities to its vertices."""
    weights = np.ones(len(scans.landmarks))
    weights[:JAW_LINE], weights[JAW_LINE:BROWS_END] = JAW_WEIGHT, BROW_WEIGHT
    landmarks = Landmarks(np.arange(len(weights)), scans.neutral[scans.landmarks], weights)
    triangles = scans.triangles[(scans.triangles < SKIN_END).all(axis=1)]
    laid, target = lay(template, scans.neutral, triangles, landmarks)
    fields = laid.fitted.head_from_target.offsets(np.concatenate([scans.shapes, scans.identities]))
    shapes, moved = np.split(carried(template, laid.skin, target, triangles, fields), [len(scans.shapes)])
    neutral, moved = _whole(template, laid.skin, moved, target, fields[len(shapes) :], laid.fitted.identity)
    return Registered(laid.skin, shapes, neutral, moved)


def carried(
    template: Template, skin: np.ndarray, target: np.ndarray, triangles: np.ndarray, fields: np.ndarray
) -> np.ndarray:
    """Return displacements (k, w, 3) of a target at our skin that lies on it, (k, s, 3); what is hidden goes along."""
    sides = side_of_triangle(target_sides(template, skin, target, triangles), triangles)
    surface = ClosestPoints(target, triangles, SPACING_M, sides)
    normals = smooth_normals(skin, template.triangles)
    hits = surface.closest(skin, normals, least_cosine=LEAST_COSINE, sides=template.sides)
    known = hits.found & (hits.distance < FARTHEST_M) & (template.shown > 0)
    return harmonic(template.triangles, known, interpolated(fields, triangles, hits))


def transferred(template: Template, skin: np.ndarray, shapes: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Return the displacements (52, s, 3) of one skin as another's, exactly mirrored."""
    still = np.flatnonzero(np.linalg.norm(shapes, axis=-1).max(axis=0) < STILL_M)
    moved = transfer_deformations(skin, skin + shapes, onto, template.triangles.astype(np.int32), anchors=still) - onto
    mirror = np.searchsorted(template.vertices, template.head.mirror_vertex[template.vertices])
    return (moved + moved[list(EXPRESSION_MIRROR)][:, mirror] * FLIP) / 2


def _whole(
    template: Template, skin: np.ndarray, moved: np.ndarray, target: np.ndarray, fields: np.ndarray, who: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add what is not skin: eyeballs take the scans' places and sizes, teeth and tongue go with the lips."""
    head = template.head
    neutral = head_vertices(head, who)
    lips = np.isin(template.vertices, _lips(template))
    inside = np.concatenate([part_vertices(head, "teeth"), part_vertices(head, "tongue")])
    whole = np.zeros((len(fields), *neutral.shape))
    neutral[inside] += (skin[lips] - neutral[template.vertices[lips]]).mean(axis=0)
    whole[:, inside] = moved[:, lips].mean(axis=1, keepdims=True)
    neutral[template.vertices], whole[:, template.vertices] = skin, moved
    for name, (start, end) in EYEBALLS.items():
        rows, theirs = part_vertices(head, name), target[start:end]
        (center, radius), (own_center, own_radius) = fit_sphere(theirs), fit_sphere(neutral[rows])
        unit = (neutral[rows] - own_center) / own_radius
        neutral[rows] = center + unit * radius
        shift = fields[:, start:end].mean(axis=1)
        outwards = (theirs - center) / radius
        growth = np.einsum("knc,nc->k", fields[:, start:end] - shift[:, None], outwards) / (outwards**2).sum()
        whole[:, rows] = shift[:, None] + unit * growth[:, None, None]
    return neutral, whole


def _lips(template: Template) -> np.ndarray:
    names = [REGIONS.index(name) for name in ("upper_lip", "lower_lip")]
    return np.flatnonzero(np.isin(template.head.vertex_region, names))
