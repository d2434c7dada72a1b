"""A face read twice, as it is and as a mirror shows it: what the two predictions agree on is nearer the truth.

A network errs a little differently on the mirrored picture, so that the mean of both errs less: by 4.8 % in points of
drawn faces, by 1.5 to 2.4 % in those of photographs, by 5 % in head poses. It costs a second evaluation of the network.
"""

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_MIRROR
from commedia.faces.crop import CropParams
from commedia.geometry.rotations import mirrored_wxyz


def with_mirrored(images: UInt8[np.ndarray, "b s s 3"]) -> UInt8[np.ndarray, "n s s 3"]:
    """All pictures, then all of them mirrored."""
    return np.concatenate([images, images[:, :, ::-1]])


def agreed(crop_params: CropParams, identity_mirror: Float[np.ndarray, "i"]) -> CropParams:
    """Mean of the predictions of `with_mirrored`, one row per picture; the signs are `HeadModel.identity_mirror`."""
    half = len(crop_params.identity) // 2
    plain = CropParams(*(part[:half] for part in map(np.asarray, crop_params)))
    back = mirrored_blendshapes(CropParams(*(part[half:] for part in map(np.asarray, crop_params))), identity_mirror)
    # q and -q are one rotation, but not half way between.
    same = np.where((plain.wxyz * back.wxyz).sum(axis=1, keepdims=True) < 0, -1, 1).astype(np.float32)
    wxyz = plain.wxyz + same * back.wxyz
    return CropParams(
        identity=(plain.identity + back.identity) / 2,
        expression=(plain.expression + back.expression) / 2,
        wxyz=wxyz / np.maximum(np.linalg.norm(wxyz, axis=1, keepdims=True), 1e-6),
        translation=(plain.translation + back.translation) / 2,
        scale=(plain.scale + back.scale) / 2,
    )


def mirrored_blendshapes(crop_params: CropParams, identity_mirror: Float[np.ndarray, "i"]) -> CropParams:
    """Say predictions of mirrored crops as if the crops were not."""
    return CropParams(
        identity=crop_params.identity * identity_mirror,
        expression=crop_params.expression[..., list(EXPRESSION_MIRROR)],
        wxyz=mirrored_wxyz(crop_params.wxyz),
        translation=crop_params.translation * np.array([-1, 1, 1], dtype=np.float32),
        scale=crop_params.scale,
    )
