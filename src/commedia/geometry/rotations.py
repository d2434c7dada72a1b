"""Conversions `target_from_source` between rotation matrices, `wxyz` quaternions, axis-angle and Euler angles.

Right-handed, on column vectors, stable near the identity. Numpy only; the torch twins live beside the networks.
"""

import numpy as np
from jaxtyping import Float

_FIRST, _SECOND = np.indices((4, 4))
_PRODUCT = np.zeros((4, 4, 4))
"""Hamilton's table: what the products of two quaternions' numbers give to each number of their product."""
_PRODUCT[_FIRST, _SECOND, _FIRST ^ _SECOND] = ((1, 1, 1, 1), (1, -1, 1, -1), (1, -1, -1, 1), (1, 1, -1, -1))
_MATRIX = np.einsum("ibk,kja,j->ijab", _PRODUCT[:, 1:], _PRODUCT[:, :, 1:], np.array([1, -1, -1, -1]))
"""What the products of a unit quaternion's numbers give to each element of its matrix, whose columns are q e q*."""


def canonical_wxyz(wxyz: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 4"]:
    """Normalise, and choose of the two equal quaternions the one with w >= 0. Zero becomes the identity."""
    length = np.maximum(_length(wxyz), 1e-12)
    unit = wxyz / np.copysign(length, wxyz[..., :1])
    if (nothing := length[..., 0] <= 1e-12).any():
        unit[nothing] = (1, 0, 0, 0)
    return unit


def matrix_from_wxyz(wxyz: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 3 3"]:
    """Turn unit quaternions into rotation matrices."""
    # As products and one table it takes a fifth of the time of writing out each element, and every frame asks often.
    products = (wxyz[..., :, None] * wxyz[..., None, :]).reshape(*wxyz.shape[:-1], 16)
    return (products @ _MATRIX.reshape(16, 9).astype(wxyz.dtype)).reshape(*wxyz.shape[:-1], 3, 3)


def wxyz_from_matrix(matrix: Float[np.ndarray, "*b 3 3"]) -> Float[np.ndarray, "*b 4"]:
    """Turn rotation matrices into quaternions with w >= 0; divides by the largest divisor, so no angle is special."""
    m = matrix
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    ones = np.ones_like(m00)
    candidates = np.stack(
        [
            np.stack([ones + m00 + m11 + m22, m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0],
                      m[..., 1, 0] - m[..., 0, 1]], -1),
            np.stack([m[..., 2, 1] - m[..., 1, 2], ones + m00 - m11 - m22, m[..., 1, 0] + m[..., 0, 1],
                      m[..., 0, 2] + m[..., 2, 0]], -1),
            np.stack([m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] + m[..., 0, 1], ones - m00 + m11 - m22,
                      m[..., 2, 1] + m[..., 1, 2]], -1),
            np.stack([m[..., 1, 0] - m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2],
                      ones - m00 - m11 + m22], -1),
        ],
        axis=-2,
    )  # fmt: skip
    best = np.argmax(np.diagonal(candidates, axis1=-2, axis2=-1), axis=-1)[..., None, None]
    return canonical_wxyz(np.take_along_axis(candidates, best, axis=-2)[..., 0, :])


def multiply_wxyz(first: Float[np.ndarray, "*b 4"], second: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 4"]:
    """Compose: the result rotates by `second`, then by `first`."""
    products = first[..., :, None] * second[..., None, :]
    return products.reshape(*products.shape[:-2], 16) @ _PRODUCT.reshape(16, 4).astype(products.dtype)


def inverse_wxyz(wxyz: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 4"]:
    """Invert unit quaternions."""
    return wxyz * np.array([1, -1, -1, -1], dtype=wxyz.dtype)


def wxyz_from_axis_angle(axis_angle: Float[np.ndarray, "*b 3"]) -> Float[np.ndarray, "*b 4"]:
    """Turn rotation vectors (axis times radians) into quaternions with w >= 0."""
    half = np.maximum(_length(axis_angle) / 2, 1e-20)
    xyz = axis_angle * (np.sin(half) / half / 2)
    return canonical_wxyz(np.concatenate([np.cos(half), xyz], axis=-1))


def axis_angle_from_wxyz(wxyz: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 3"]:
    """Turn quaternions into rotation vectors of at most pi radians."""
    unit = canonical_wxyz(wxyz)
    sine = _length(unit[..., 1:])
    angle = 2 * np.arctan2(sine, unit[..., :1])
    return unit[..., 1:] * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0)


def wxyz_from_yaw_pitch_roll(yaw_pitch_roll: Float[np.ndarray, "*b 3"]) -> Float[np.ndarray, "*b 4"]:
    """Compose Ry(yaw) Rx(pitch) Rz(roll): roll acts first. Signs as in `conventions.py`."""
    half = yaw_pitch_roll / 2
    (yaw_c, pitch_c, roll_c), (yaw_s, pitch_s, roll_s) = (np.moveaxis(part(half), -1, 0) for part in (np.cos, np.sin))
    # Of yaw and pitch together, then with roll.
    w, x, y, z = yaw_c * pitch_c, yaw_c * pitch_s, yaw_s * pitch_c, -yaw_s * pitch_s
    composed = np.zeros((*w.shape, 4), dtype=half.dtype)
    composed[..., 0], composed[..., 1] = w * roll_c - z * roll_s, x * roll_c + y * roll_s
    composed[..., 2], composed[..., 3] = y * roll_c - x * roll_s, z * roll_c + w * roll_s
    return canonical_wxyz(composed)


def yaw_pitch_roll_from_wxyz(wxyz: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 3"]:
    """Take apart Ry(yaw) Rx(pitch) Rz(roll); pitch is in [-pi/2, pi/2]."""
    m = matrix_from_wxyz(canonical_wxyz(wxyz))
    yaw = np.arctan2(m[..., 0, 2], m[..., 2, 2])
    pitch = np.arcsin(np.clip(-m[..., 1, 2], -1, 1))
    roll = np.arctan2(m[..., 1, 0], m[..., 1, 1])
    return np.stack([yaw, pitch, roll], axis=-1)


def mirrored_wxyz(wxyz: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 4"]:
    """Reflect a rotation in the plane x = 0: what a mirror shows of a turning head."""
    return wxyz * np.array([1, 1, -1, -1], dtype=wxyz.dtype)


def between_wxyz(
    first: Float[np.ndarray, "*b 4"], second: Float[np.ndarray, "*b 4"], share: float
) -> Float[np.ndarray, "*b 4"]:
    """Turn from `first` (share 0) towards `second` (share 1) the shorter way, at constant speed."""
    way = axis_angle_from_wxyz(multiply_wxyz(second, inverse_wxyz(first)))
    return canonical_wxyz(multiply_wxyz(wxyz_from_axis_angle(share * way), first))


def continuous_wxyz(wxyz: Float[np.ndarray, "n 4"], last: Float[np.ndarray, "4"] | None) -> Float[np.ndarray, "n 4"]:
    """Choose signs along a track so that neighbours are close: q and -q are one rotation, but not half way between.

    `last` is the quaternion before the first, None at the start of the track.
    """
    before = np.concatenate([wxyz[:1] if last is None else last[None], wxyz[:-1]])
    flips = np.where((wxyz * before).sum(axis=1) < 0, -1.0, 1.0)
    # `before` holds unflipped neighbours, except for `last`; signs therefore multiply up along the track.
    return wxyz * np.cumprod(flips)[:, None]


def _length(vectors: Float[np.ndarray, "*b k"]) -> Float[np.ndarray, "*b 1"]:
    # `linalg.norm` takes three times as long, and every frame asks often.
    return np.sqrt(np.einsum("...k,...k->...", vectors, vectors))[..., None]
