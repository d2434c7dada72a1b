"""How far to believe each of the 68 gold landmarks of a face, given how the face is turned.

People mark the contour on the visible silhouette, while our contour landmarks are fixed points of the jaw. On a
frontal face the two agree across the contour but not along it; on a turned face the far side agrees in neither.
"""

import numpy as np
from jaxtyping import Float

from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz

_CONTOUR_COUNT = 17
_ALONG_SHARE = 0.1
"""Weight of the error along the contour against that across it: no mark says where on the jaw a point belongs."""
_FAR_SIDE_FROM, _FAR_SIDE_TO = np.radians(10.0), np.radians(30.0)


def gold_weights(
    gold: Float[np.ndarray, "b 68 2"], wxyz: Float[np.ndarray, "b 4"], sigma: float
) -> Float[np.ndarray, "b 68 2 2"]:
    """Inverse covariance of each landmark's error, in the blendshape of `gold`, for faces turned about as `wxyz`
    says."""
    weights = np.tile(np.eye(2), (*gold.shape[:2], 1, 1))
    along = np.gradient(gold[:, :_CONTOUR_COUNT], axis=1)
    along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    outer = along[..., :, None] * along[..., None, :]
    weights[:, :_CONTOUR_COUNT] = np.eye(2) - (1 - _ALONG_SHARE) * outer
    weights[:, :_CONTOUR_COUNT] *= contour_weight(wxyz)[..., None, None]
    return weights / sigma**2


def contour_weight(wxyz: Float[np.ndarray, "b 4"]) -> Float[np.ndarray, "b 17"]:
    """Say how far a contour mark is a mark on the jaw: 0.5 on the near side, down to 0 on the side turned away."""
    yaw = yaw_pitch_roll_from_wxyz(wxyz)[:, :1]
    # Point 0 is on the subject's right. Turning to the subject's left (positive yaw) hides the left side.
    side = np.linspace(-1, 1, _CONTOUR_COUNT)[None]
    hidden = np.clip((np.abs(yaw) - _FAR_SIDE_FROM) / (_FAR_SIDE_TO - _FAR_SIDE_FROM), 0, 1)
    away = np.clip(side * np.sign(yaw) + 0.2, 0, 1)
    return 0.5 * (1 - np.minimum(1, hidden * away * 2))
