"""Ask MediaPipe where its points are on our head: paint heads, detect, and trace each point back to the surface."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from regions import BROW_OUTLINE, inside_outline

from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import PARTS, REGIONS, HeadModel
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll
from commedia.render.rasterize_numpy import rasterize

SIZE_PX = 640
PX_PER_M = SIZE_PX / 0.34
POINT_COUNT = 478
IRIS_COUNT = 10
IRIS_ANGLE_DEG, PUPIL_ANGLE_DEG = 25.0, 9.0
VIEWS_DEG = ((0, 0), (-12, 0), (12, 0), (-28, 4), (28, -4), (-45, 0), (45, 0), (0, -16), (0, 16))
IDENTITIES = 13
MIDDLE_TURN_DEG = 30.0
PAINT = {
    **{name: (0.95, 0.95, 0.95) for name in ("left_eye", "right_eye")},
    **{"upper_lip": (0.72, 0.38, 0.36), "lower_lip": (0.75, 0.42, 0.40), "inner_mouth": (0.35, 0.12, 0.12)},
    **{"teeth": (0.93, 0.92, 0.88), "tongue": (0.75, 0.35, 0.35), "scalp": (0.30, 0.22, 0.16)},
}
BROW = (0.25, 0.17, 0.12)
SKIN, BACKDROP = (0.82, 0.62, 0.52), (0.55, 0.60, 0.65)


@dataclass(frozen=True)
class Sighting:
    """One detection: where on the mesh each point lies, and how squarely it was seen (0: not at all).

    A point on the far side of a turned head lands on whatever is before it, so only the near side counts: the left for
    negative yaw.
    """

    yaw_deg: float

    triangle: np.ndarray
    barycentric: np.ndarray
    weight: np.ndarray


class Teacher:
    """MediaPipe's face landmarker on single pictures."""

    def __init__(self, model: Path):
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)), min_face_detection_confidence=0.2
        )
        self._landmarker = vision.FaceLandmarker.create_from_options(options)

    def close(self) -> None:
        """Free the graph; MediaPipe complains when the interpreter has to."""
        self._landmarker.close()

    def points_px(self, image: np.ndarray) -> np.ndarray | None:
        """Return (478, 2) pixels, or None where no face was found."""
        import mediapipe

        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        faces = self._landmarker.detect(picture).face_landmarks
        height, width = image.shape[:2]
        return np.array([(p.x * width, p.y * height) for p in faces[0]]) if faces else None


def sightings(head: HeadModel, teacher: Teacher) -> Iterator[Sighting]:
    """Look at the mean head and at pairs of opposite identities from all sides; opposites cancel their bias."""
    rng = np.random.default_rng(11)
    nobody = np.zeros(len(head.model.expression_basis))
    for index in range(IDENTITIES):
        if index % 2:
            drawn = rng.normal(size=len(head.model.identity_basis)) * 0.8
        identity = np.zeros(len(head.model.identity_basis)) if index == 0 else drawn * (1 if index % 2 else -1)
        vertices = vertices_from_params(head.model, identity, nobody)
        for yaw_deg, pitch_deg in VIEWS_DEG:
            image, triangle, barycentric, facing = painted(head, vertices, yaw_deg=yaw_deg, pitch_deg=pitch_deg)
            found = teacher.points_px(image)
            if found is not None:
                column, row = np.floor(found).astype(int).clip(0, SIZE_PX - 1).T
                seen = triangle[row, column]
                weight = np.where(seen >= 0, facing[row, column].clip(0) ** 3, 0.0)
                yield Sighting(yaw_deg, seen, barycentric[row, column], weight)


def mirror_pairs(head: HeadModel, teacher: Teacher) -> np.ndarray:
    """Return for each point its number in a mirrored picture, from detections of mirrored pictures."""
    cost = np.zeros((POINT_COUNT, POINT_COUNT))
    for yaw_deg in (0, -20, 20):
        image = painted(head, head.model.mean, yaw_deg=yaw_deg, pitch_deg=0)[0]
        straight, flipped = teacher.points_px(image), teacher.points_px(image[:, ::-1])
        assert straight is not None, "MediaPipe does not see the mean head"
        assert flipped is not None, "MediaPipe does not see the mean head in a mirror"
        back = flipped * [-1, 1] + [SIZE_PX, 0]
        cost += np.linalg.norm(straight[:, None] - back[None], axis=-1)
    from scipy.optimize import linear_sum_assignment

    partner = linear_sum_assignment(cost + cost.T)[1]
    assert (partner[partner] == np.arange(POINT_COUNT)).all(), "the pairs do not pair"
    return partner


def painted(
    head: HeadModel, vertices: np.ndarray, *, yaw_deg: float, pitch_deg: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw a head with skin, lips, brows and irises; return picture, triangle, barycentric and cosine to the viewer."""
    turn = matrix_from_wxyz(wxyz_from_yaw_pitch_roll(np.deg2rad(np.array([yaw_deg, pitch_deg, 0.0]))))
    turned = vertices @ turn.T
    pixels = turned * [PX_PER_M, -PX_PER_M, PX_PER_M] + [SIZE_PX / 2, 0.46 * SIZE_PX, 0]
    triangles = head.model.triangles
    fragments = rasterize(pixels, triangles, SIZE_PX, SIZE_PX, cull_back=True)
    corner = triangles[fragments.triangle.clip(0)]
    hit = fragments.triangle >= 0

    def blended(values: np.ndarray) -> np.ndarray:
        return (values[corner] * fragments.barycentric[..., None]).sum(axis=2)

    normal = blended(_normals(turned, triangles))
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    albedo = blended(np.array([PAINT.get(name, SKIN) for name in REGIONS])[head.vertex_region])
    _paint_brows(albedo, blended(head.model.mean), hit)
    _paint_irises(albedo, head, vertices, blended(vertices), fragments.triangle)
    lights = np.array([[0.25, 0.45, 0.85], [-0.6, 0.1, 0.8]])
    light = 0.35 + (normal @ (lights / np.linalg.norm(lights, axis=1, keepdims=True)).T).clip(0) @ [0.5, 0.2]
    picture = np.where(hit[..., None], albedo * light[..., None], BACKDROP)
    return (
        (picture.clip(0, 1) * 255).astype(np.uint8),
        fragments.triangle,
        fragments.barycentric,
        np.where(hit, normal[..., 2], 0),
    )


def _paint_brows(albedo: np.ndarray, mean_position: np.ndarray, hit: np.ndarray) -> None:
    """Fill the outline pixel by pixel; the mesh is too coarse there to carry a brow on its vertices."""
    folded = np.abs(mean_position[..., :1]) * [1, 0] + mean_position[..., :2] * [0, 1]
    front = hit & (mean_position[..., 2] > 0)
    albedo[front] = np.where(inside_outline(folded[front], BROW_OUTLINE)[:, None], BROW, albedo[front])


def _paint_irises(
    albedo: np.ndarray, head: HeadModel, vertices: np.ndarray, position: np.ndarray, triangle: np.ndarray
) -> None:
    for name in ("left_eye", "right_eye"):
        part = head.triangle_part == PARTS.index(name)
        direction = position - vertices[np.unique(head.model.triangles[part])].mean(axis=0)
        cosine = direction[..., 2] / np.maximum(np.linalg.norm(direction, axis=-1), 1e-9)
        eye = (triangle >= 0) & part[triangle.clip(0)]
        albedo[eye & (cosine > np.cos(np.deg2rad(IRIS_ANGLE_DEG)))] = (0.30, 0.22, 0.15)
        albedo[eye & (cosine > np.cos(np.deg2rad(PUPIL_ANGLE_DEG)))] = 0.02


def _normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normals = np.zeros_like(vertices)
    for column in range(3):
        np.add.at(normals, triangles[:, column], np.cross(b - a, c - a))
    return normals
