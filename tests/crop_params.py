"""What networks would say of known faces: the inverses of how their answers are read."""

import numpy as np

from commedia.faces.crop import DECIMETRES_PER_METRE, Crop, CropParams, params_in_crops
from commedia.geometry.rotations import canonical_wxyz, inverse_wxyz, multiply_wxyz, wxyz_from_axis_angle
from commedia.structures import FaceParams


def face_params_from_crop_params(blendshapes: CropParams, crop: Crop) -> FaceParams:
    """Place a network's prediction of a crop in the whole image."""
    one = CropParams(*(np.asarray(part, dtype=np.float32)[None] for part in blendshapes))
    return params_in_crops(one, [crop])[0]


def crop_params_from_face_params(params: FaceParams, crop: Crop) -> CropParams:
    """Say a face of the whole image relative to a crop: the inverse of `face_params_from_crop_params`, with z = 0."""
    scale = params.pose.px_per_m / (DECIMETRES_PER_METRE * crop.side_px)
    x, y = (params.pose.origin_px - crop.center_px) @ crop.image_from_crop / (crop.side_px * scale)
    translation = np.array([x, -y, 0], dtype=np.float32)
    wxyz = multiply_wxyz(inverse_wxyz(wxyz_from_axis_angle(np.array([0, 0, crop.roll]))), params.pose.wxyz)
    return CropParams(params.identity, params.expression, canonical_wxyz(wxyz), translation, float(scale))


def encode_corners(corners: np.ndarray, index: np.ndarray, anchors: np.ndarray, cells: int) -> np.ndarray:
    """Find the tx, ty, tw, th that make chosen rows say these boxes: the inverse of `decode_corners`."""
    count = len(anchors)
    cell = np.stack([index // count % cells, index // count // cells], axis=1)
    inside = np.clip((corners[:, :2] + corners[:, 2:]) / 2 * cells - cell, 1e-4, 1 - 1e-4)
    growth = np.log((corners[:, 2:] - corners[:, :2]) * cells / anchors[index % count])
    return np.concatenate([np.log(inside / (1 - inside)), growth], axis=1).astype(corners.dtype)
