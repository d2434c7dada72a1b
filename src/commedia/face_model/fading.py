"""Parameters on their way to rest: what is shown of a face that is not seen any more."""

import numpy as np

from commedia.geometry.rotations import axis_angle_from_wxyz, wxyz_from_axis_angle
from commedia.structures import FaceParams, HeadPose


def faded_params(params: FaceParams, share: float) -> FaceParams:
    """Move a share of the way, 0 to 1, to a neutral face that looks ahead; its place and size stay."""
    eased = share * share * (3 - 2 * share)
    turned = wxyz_from_axis_angle((1 - eased) * axis_angle_from_wxyz(params.pose.wxyz))
    pose = HeadPose(turned.astype(np.float32), params.pose.origin_px, params.pose.px_per_m)
    return FaceParams(params.identity, ((1 - eased) * params.expression).astype(np.float32), pose)
