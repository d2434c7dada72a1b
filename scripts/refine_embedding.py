"""Shift the points of a landmark scheme along the mean head to where a fit of many photographs says they are.

    python scripts/refine_embedding.py mediapipe478 --predictions LABELS/predictions/lfw.npz [...]
    python scripts/refine_embedding.py ibug68 --predictions LABELS/predictions/{helen-train,ytf-train}.npz \\
        --pictures helen-train-000.tar ytf-train-000.tar

A point that always lands beside its target on the photographs is on the wrong spot of the head. For each point, over
all well fitted faces, the displacement d in the head frame is solved from

    residual_face = scale_face * (R_face d)_xy          in the least-squares sense, with little weight on unseen depth

then made mirror-symmetric, limited, and followed along the surface. The
table is rewritten in place: vertices and weights of each point change, comments and labels stay. Run it twice, and look
at the fit error it prints before each round.
"""

import argparse
import re
from pathlib import Path

import numpy as np

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, LANDMARK_MIRROR
from commedia.face_model.landmarks import SCHEME_FOLDER, LandmarkScheme, points, read_scheme, reduced_model
from commedia.face_model.model import HeadModel, load_head
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.labelling.blendshapes import BlendshapeTable, load_blendshapes
from commedia.labelling.fit import DenseFitter, DenseTargets, FittedFaces
from commedia.labelling.gold import contour_weight
from commedia.labelling.pictures import PictureGroup
from commedia.labelling.problem import FitSettings
from commedia.labelling.weights import ANCHORS, LIDS, LIPS, point_weights

LONGEST_SHIFT_M = 0.008
RINGS = 6
"""How many triangles far a point may walk; the walk never jumps from lip to lip or lid to lid."""
CONTOUR_COUNT = 17


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scheme", choices=("mediapipe478", "ibug68"))
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="kept by `commedia label`")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], help="tar files with gold, for ibug68")
    parser.add_argument("--faces", type=int, default=2000, help="at most so many faces, spread evenly")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    predictions = [dict(np.load(path)) for path in options.predictions]
    points_px = np.concatenate([prediction["points_px"] for prediction in predictions])
    scores = np.concatenate([prediction["scores"] for prediction in predictions])
    gold = np.full((len(points_px), 68, 2), np.nan, np.float32)
    if options.pictures:
        by_picture = [[picture.gold_px for picture in PictureGroup("gold", (path,))] for path in options.pictures]
        gold = np.stack([part[i] for part, r in zip(by_picture, predictions, strict=True) for i in r["picture"]])
        # Marks beyond the first set are of unstated origin: they serve where it has too few turned faces.
        gold[len(predictions[0]["picture"]) :, CONTOUR_COUNT:] = np.nan
    calm = calm_faces(scores) if options.scheme == "mediapipe478" else np.arange(len(scores))
    rows = np.unique(calm[np.linspace(0, len(calm) - 1, min(options.faces, len(calm))).astype(int)])
    refine(options.scheme, points_px[rows], scores[rows], gold[rows], options.rounds)


def refine(name: str, points_px: np.ndarray, scores: np.ndarray, gold: np.ndarray, rounds: int) -> None:
    head = load_head()
    path = SCHEME_FOLDER / f"{name}.toml"
    for _ in range(rounds):
        scheme = read_scheme(path)
        fitted = fit(points_px, scores, calm=name == "mediapipe478")
        goal = points_px[..., :2] if name == "mediapipe478" else gold
        shift, left_over = mean_shift(head, scheme, fitted, goal)
        shift = limited(symmetric(shift, mirror_points(scheme, head)))
        if name == "mediapipe478":
            shift = shift * freedom()
        print(f"{name}: fit error {fitted.error.mean():.3%}, of it constant {left_over:.3%} of face size;",
              f"shift median {np.median(np.linalg.norm(shift, axis=1)) * 1e3:.1f} mm,",
              f"largest {np.linalg.norm(shift, axis=1).max() * 1e3:.1f} mm")  # fmt: skip
        vertices, barycentric = walked(head, scheme, shift)
        path.write_text(rewritten(path.read_text(encoding="utf-8"), vertices, barycentric), encoding="utf-8")


def fit(points_px: np.ndarray, scores: np.ndarray, *, calm: bool = False) -> FittedFaces:
    """Fit with the tables as they are on disk now, to the dense points alone; `calm` keeps people near the mean."""
    model = load_head().model
    dense, sparse = (
        reduced_model(model, read_scheme(SCHEME_FOLDER / f"{name}.toml")) for name in ("mediapipe478", "ibug68")
    )
    blendshapes, settings = (
        (calm_blendshapes(), FitSettings(identity_ridge=20.0)) if calm else (load_blendshapes(), FitSettings())
    )
    fitter = DenseFitter(dense, sparse, blendshapes, point_weights(), settings)
    nothing = np.full((256, 68, 2), np.nan, np.float32)
    parts = []
    for start in range(0, len(points_px), 256):
        batch = slice(start, start + 256)
        parts.append(fitter.fit(DenseTargets(points_px[batch], scores[batch], nothing[: len(points_px[batch])])))
    return FittedFaces(*(np.concatenate([getattr(part, key) for part in parts]) for key in vars(parts[0])))


def freedom() -> np.ndarray:
    """How far each of the 478 points may follow, per axis.

    Lids, lips and irises lie on edge rings. Free to move, they took the mean smile of the photographs into the table:
    the fit error fell further, but the distance to gold landmarks rose from 2.2 to 2.8 % of face size. Only the width
    of the mouth and half the opening of the eyes follow, or every neutral face would purse its lips and stare.
    """
    free = np.ones((478, 3))
    free[list(ANCHORS)] = 0
    free[list(LIPS), 0] = 1
    free[list(LIDS), 1] = 0.5
    return free


def calm_blendshapes() -> BlendshapeTable:
    """Blendshapes held to the least that the teacher's scores leave: what all faces share must go into the table, not
    into a smile."""
    blendshapes = load_blendshapes()
    gaze = np.array([name.startswith("eyeLook") for name in EXPRESSION_NAMES])
    calm = np.where(gaze, blendshapes.pull, np.maximum(20.0, blendshapes.pull))
    return BlendshapeTable(blendshapes.weight, calm, blendshapes.rows)


def calm_faces(scores: np.ndarray) -> np.ndarray:
    """Rows whose mouth is near rest by the scores that can be believed."""
    moving = [
        EXPRESSION_INDEX[name] for name in ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "mouthLeft", "mouthRight")
    ]
    return np.flatnonzero(scores[:, moving].max(axis=1) < 0.15)


def mean_shift(
    head: HeadModel, scheme: LandmarkScheme, fitted: FittedFaces, goal: np.ndarray
) -> tuple[np.ndarray, float]:
    """Displacement of each point in metres of the head frame, and its mean length on the pictures in face sizes."""
    model = reduced_model(head.model, scheme)
    shape = model.mean + np.tensordot(fitted.identity, model.identity_basis, 1)
    shape = shape + np.tensordot(fitted.expression, model.expression_basis, 1)
    flip = np.array([1.0, -1.0])[:, None]
    plane = matrix_from_wxyz(fitted.wxyz)[:, :2] * flip * fitted.px_per_m[:, None, None]
    miss = goal - fitted.origin_px[:, None] - np.einsum("bij,blj->bli", plane, shape)
    size = np.sqrt(np.prod(np.ptp(goal[:, :CONTOUR_COUNT] if scheme.name == "ibug68" else goal, axis=1), axis=-1))
    weighted = np.where(np.isfinite(goal[..., 0]), ((fitted.error < 0.025) / size**2)[:, None], 0)
    if scheme.name == "ibug68":
        weighted[:, :CONTOUR_COUNT] *= contour_weight(fitted.wxyz)
    miss = np.nan_to_num(miss)
    normal = np.einsum("bl,bji,bjk->lik", weighted, plane, plane)
    right = np.einsum("bl,bji,blj->li", weighted, plane, miss)
    normal += 0.02 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    shift = np.linalg.solve(normal, right[..., None])[..., 0]
    mean_size = np.mean(size / fitted.px_per_m)
    return shift, float(np.linalg.norm(shift, axis=1).mean() / mean_size)


def mirror_points(scheme: LandmarkScheme, head: HeadModel) -> np.ndarray:
    """The number of each point's mirror image: known for 68, nearest on the mirrored head for the others."""
    if scheme.name == "ibug68":
        return np.array(LANDMARK_MIRROR)
    place = points(scheme, head.model.mean)
    distance = np.linalg.norm(place[:, None] - place[None] * np.float32([-1, 1, 1]), axis=-1)
    partner = distance.argmin(axis=1)
    # Where two points lie on one spot the nearest is ambiguous; such points are left alone, as their own partners.
    return np.where(partner[partner] == np.arange(len(partner)), partner, -1)


def symmetric(shift: np.ndarray, partner: np.ndarray) -> np.ndarray:
    mean = (shift + shift[partner] * np.array([-1, 1, 1])) / 2
    return np.where(partner[:, None] >= 0, mean, 0.0)


def limited(shift: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(shift, axis=1, keepdims=True)
    return shift * np.minimum(1, LONGEST_SHIFT_M / np.maximum(length, 1e-9))


def walked(head: HeadModel, scheme: LandmarkScheme, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and weights of the surface points nearest to the shifted ones, each searched for near where it was."""
    triangles, mean = head.model.triangles, head.model.mean.astype(np.float64)
    goal = points(scheme, mean) + shift
    touching: dict[int, list[int]] = {}
    for index, triangle in enumerate(triangles.tolist()):
        for vertex in triangle:
            touching.setdefault(vertex, []).append(index)
    vertices, barycentric = scheme.vertices.copy(), scheme.barycentric.astype(np.float64)
    for number, target in enumerate(goal):
        near: set[int] = set()
        front = {
            int(v) for v, share in zip(scheme.vertices[number], scheme.barycentric[number], strict=True) if share > 0
        }
        for _ in range(RINGS):
            found = {index for vertex in front for index in touching[vertex]} - near
            near |= found
            front = {int(vertex) for index in found for vertex in triangles[index]}
        candidates = np.array(sorted(near))
        weights = nearest_in_triangles(target, mean[triangles[candidates]])
        distance = np.linalg.norm(np.einsum("tk,tkc->tc", weights, mean[triangles[candidates]]) - target, axis=1)
        best = int(distance.argmin())
        vertices[number], barycentric[number] = triangles[candidates[best]], weights[best]
    return vertices, barycentric


def nearest_in_triangles(point: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric weights of the point of each triangle that is nearest to `point`."""
    a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    gram = np.stack(
        [np.stack([(ab * ab).sum(1), (ab * ac).sum(1)], 1), np.stack([(ab * ac).sum(1), (ac * ac).sum(1)], 1)], 1
    )
    right = np.stack([((point - a) * ab).sum(1), ((point - a) * ac).sum(1)], 1)
    inside = np.linalg.solve(gram + 1e-14 * np.eye(2), right[..., None])[..., 0]
    options = [np.column_stack([1 - inside.sum(1), inside])]
    for first, second in ((0, 1), (1, 2), (2, 0)):
        edge = corners[:, second] - corners[:, first]
        along = np.clip(((point - corners[:, first]) * edge).sum(1) / np.maximum((edge**2).sum(1), 1e-18), 0, 1)
        weights = np.zeros((len(corners), 3))
        weights[:, first], weights[:, second] = 1 - along, along
        options.append(weights)
    stacked = np.stack(options, axis=1)
    distance = np.linalg.norm(np.einsum("tok,tkc->toc", stacked, corners) - point, axis=-1)
    distance[:, 0] = np.where((stacked[:, 0] >= 0).all(axis=1), distance[:, 0], np.inf)
    return stacked[np.arange(len(corners)), distance.argmin(axis=1)]


def rewritten(text: str, vertices: np.ndarray, barycentric: np.ndarray) -> str:
    """Put new numbers into the table's text and leave the rest."""
    rows = iter(zip(vertices.tolist(), barycentric.tolist(), strict=True))
    current: list = []

    def place(match: re.Match) -> str:
        if match["key"] == "vertices":
            current[:] = next(rows)
            return f"vertices = {current[0]}"
        shares = [round(share, 4) for share in current[1]]
        shares[int(np.argmax(shares))] = round(1 - sum(shares) + max(shares), 4)
        return f"barycentric = {shares}"

    return re.sub(r"(?P<key>vertices|barycentric) = \[[^\]]*\]", place, text)


if __name__ == "__main__":
    main()
