"""Glasses and shoulders as small meshes of fixed topology, so that people in different clothes are one mesh."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_RIM = 20
_TORSO_COLUMNS = 24
# Height below the neck's base, half width, half depth, offset in z: from inside the neck to below the picture.
_TORSO = np.array(
    [[0.020, 0.034, 0.036, 0.000], [0.002, 0.058, 0.056, -0.004], [-0.016, 0.080, 0.066, -0.006],
     [-0.034, 0.118, 0.076, -0.008], [-0.054, 0.158, 0.086, -0.012], [-0.078, 0.186, 0.094, -0.014],
     [-0.110, 0.200, 0.102, -0.010], [-0.180, 0.200, 0.112, 0.000], [-0.420, 0.190, 0.115, 0.000]]
)  # fmt: skip


@dataclass(frozen=True)
class Glasses:
    """Shape and paint of one pair; lengths in metres, colours linear RGB."""

    half_width_m: float
    half_height_m: float
    roundness: float
    """Exponent of the rim: 2 an ellipse, above 3 nearly a rectangle."""
    rim_m: float
    rim_colour: Float[np.ndarray, "3"]
    lens_colour: Float[np.ndarray, "3"]
    lens_alpha: float
    drop_m: float


@dataclass(frozen=True)
class Outfit:
    """Shoulders: build, turn against the head, cut and cloth."""

    build: float
    turn_share: float
    """How much of the head's yaw the shoulders follow."""
    neckline_m: float
    """Height of the collar over the neck's base."""
    v_cut: float
    colours: Float[np.ndarray, "2 3"]
    stripes: float


def sample_glasses(rng: np.random.Generator) -> Glasses | None:
    """Draw glasses for one face in five; one pair in four are sunglasses."""
    if rng.uniform() > 0.2:
        return None
    dark = rng.uniform() < 0.25
    metal = rng.uniform() < 0.35
    rim = (
        rng.uniform(0.2, 0.6, 3)
        if metal
        else rng.uniform(0, 0.06, 3) + (rng.uniform(0, 0.5, 3) * (rng.uniform() < 0.3))
    )
    return Glasses(
        half_width_m=rng.uniform(0.021, 0.031),
        half_height_m=rng.uniform(0.014, 0.026),
        roundness=rng.uniform(2.0, 4.5),
        rim_m=rng.uniform(0.0006, 0.0014) if metal else rng.uniform(0.0012, 0.0045),
        rim_colour=rim.astype(np.float32),
        lens_colour=(rng.uniform(0, 0.05, 3) if dark else rng.uniform(0.3, 1.0, 3)).astype(np.float32),
        lens_alpha=rng.uniform(0.6, 0.98) if dark else rng.uniform(0.0, 0.16),
        drop_m=rng.uniform(-0.002, 0.009) + (0.012 if rng.uniform() < 0.08 else 0.0),
    )


def sample_outfit(rng: np.random.Generator) -> Outfit:
    """Draw shoulders and what is worn on them."""
    return Outfit(
        build=rng.uniform(0.8, 1.25),
        turn_share=rng.uniform(0.0, 1.0),
        neckline_m=rng.uniform(-0.075, -0.012) if rng.uniform() < 0.75 else rng.uniform(-0.012, 0.03),
        v_cut=rng.uniform(0, 1.2) if rng.uniform() < 0.4 else 0.0,
        colours=np.square(rng.uniform(0.02, 0.95, (2, 1)) * rng.uniform(0.5, 1.0, (2, 3))).astype(np.float32),
        stripes=rng.uniform(0.2, 1) if rng.uniform() < 0.2 else 0.0,
    )


def glasses_vertices(glasses: Glasses, marks: Float[np.ndarray, "68 3"]) -> Float[np.ndarray, "g 3"]:
    """Put glasses on a face whose iBUG-68 points in the head frame are given."""
    left, right, ridge = marks[42:48].mean(0), marks[36:42].mean(0), marks[27]
    angle = np.linspace(0, 2 * np.pi, _RIM, endpoint=False)
    power = 2 / glasses.roundness
    ring = np.stack([_signed_power(np.cos(angle), power), _signed_power(np.sin(angle), power)], -1)
    pieces = []
    front = max(float(marks[27:29, 2].max()), float(marks[17:27, 2].max()) - 0.004) + 0.006
    for eye, side in ((left, 1.0), (right, -1.0)):
        centre = np.array([side * max(abs(eye[0]), glasses.half_width_m + 0.008), eye[1] - glasses.drop_m])
        for grow, back in ((-glasses.rim_m / 2, 0.0), (glasses.rim_m / 2, 0.0), (glasses.rim_m / 2, 0.003)):
            flat = centre + ring * [glasses.half_width_m + grow, glasses.half_height_m + grow]
            depth = front - back - 2.2 * np.clip(np.abs(flat[:, :1]) - 0.01, 0, None) ** 2
            pieces.append(np.concatenate([flat, depth], 1))
        pieces.append(np.array([[*centre, front - 2.2 * (abs(centre[0]) - 0.01) ** 2]]))
    inner, y, h = 0.0085, ridge[1] - glasses.drop_m * 0.8, max(glasses.rim_m, 0.001)
    pieces.append(
        np.array([[-inner, y - h, front], [inner, y - h, front], [inner, y + h, front], [-inner, y + h, front]])
    )
    for side in (1.0, -1.0):
        eye = left if side > 0 else right
        hinge = side * (max(abs(eye[0]), glasses.half_width_m + 0.008) + glasses.half_width_m)
        temple = side * (abs(marks[16 if side > 0 else 0][0]) + 0.004)
        y = eye[1] - glasses.drop_m + glasses.half_height_m * 0.4
        start_z = front - 2.2 * (abs(hinge) - 0.01) ** 2
        pieces.append(
            np.array(
                [[hinge, y - h, start_z], [temple, y - h, -0.075], [temple, y + h, -0.075], [hinge, y + h, start_z]]
            )
        )
    return np.concatenate(pieces).astype(np.float32)


def glasses_triangles() -> tuple[np.ndarray, np.ndarray]:
    """Triangles, and for each whether it is glass (1) or frame (0)."""
    pieces: list[np.ndarray] = []
    glass: list[int] = []
    step = np.arange(_RIM)
    for lens in range(2):
        base = lens * (3 * _RIM + 1)
        for first in (0, _RIM):
            a, b = base + first + step, base + first + (step + 1) % _RIM
            pieces += [np.stack([a, b, b + _RIM], 1), np.stack([a, b + _RIM, a + _RIM], 1)]
            glass += [0] * 2 * _RIM
        a, b = base + step, base + (step + 1) % _RIM
        pieces.append(np.stack([a, b, np.full(_RIM, base + 3 * _RIM)], 1))
        glass += [1] * _RIM
    for quad in range(3):
        base = 2 * (3 * _RIM + 1) + 4 * quad
        pieces.append(np.array([[base, base + 1, base + 2], [base, base + 2, base + 3]]))
        glass += [0, 0]
    return np.concatenate(pieces).astype(np.int64), np.array(glass)


def torso_vertices(outfit: Outfit) -> Float[np.ndarray, "s 3"]:
    """Shoulders around the neck's base, in their own frame: origin there, y up, facing +z."""
    angle = np.linspace(0, 2 * np.pi, _TORSO_COLUMNS)
    rows = []
    for number, (y, width, depth, z) in enumerate(_TORSO):
        build = outfit.build if number > 2 else 1.0
        power = 1.0 if number < 3 else 0.75
        x = width * build * _signed_power(np.sin(angle), power)
        rows.append(np.stack([x, np.full_like(x, y), z + depth * np.cos(angle)], -1))
    return np.concatenate(rows).astype(np.float32)


def torso_triangles() -> np.ndarray:
    """Triangles of the shoulders' grid."""
    corner = np.arange(len(_TORSO) * _TORSO_COLUMNS).reshape(len(_TORSO), _TORSO_COLUMNS)
    a, b, c, d = corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def _signed_power(value: np.ndarray, power: float) -> np.ndarray:
    return np.sign(value) * np.abs(value) ** power
