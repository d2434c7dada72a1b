"""The square crop SFN reads, and parameters relative to it. Refuses to decide which faces deserve a crop.

A crop turns with the face, so that eyes are level in it: a network then need not learn every face at every roll. Crop
units: u = turn_back((x, y)_px - center_px) / side_px, so the crop spans [-0.5, 0.5], y down. Networks measure the head
in decimetres, so that their outputs are of order one. MFN's per-face parameters are in the same units, relative to the
upright square that has the box's centre and area.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from commedia.geometry.boxes import tight_box
from commedia.geometry.placement import cut_square
from commedia.geometry.rotations import canonical_wxyz
from commedia.structures import Box, Face, FaceParams, HeadPose

CROP_SCALE = 1.5
"""Side of SFN's crop over the longer side of the tight box of the 68 landmarks."""

PADDING_GREY = 128
"""Value of every channel where a crop or a letterbox leaves the picture."""

DECIMETRES_PER_METRE = 10.0


@dataclass(frozen=True)
class Crop:
    """A square of the image; may reach beyond its edges."""

    center_px: Float[np.ndarray, "2"]
    side_px: float
    """Positive."""
    roll: float = 0.0
    """Radians: a face with this roll in the image stands upright in the crop."""

    @property
    def image_from_crop(self) -> Float[np.ndarray, "2 2"]:
        """The turn from crop axes to image axes, both y down."""
        cosine, sine = math.cos(self.roll), math.sin(self.roll)
        return np.array([[cosine, sine], [-sine, cosine]], dtype=np.float32)


class CropParams(NamedTuple):
    """One face, or one per row, as a network says it; `z` of the translation has no meaning under weak perspective."""

    identity: Float[np.ndarray, "*b i"]
    expression: Float[np.ndarray, "*b e"]
    wxyz: Float[np.ndarray, "*b 4"]
    translation: Float[np.ndarray, "*b 3"]
    """Decimetres, camera axes (y up)."""
    scale: float | Float[np.ndarray, "*b"]
    """Crop sides per decimetre."""


def upright_roll(landmarks_px: Float[np.ndarray, "68 2"]) -> float:
    """Say by which roll a face is turned in the picture, from the line of the eyes and that from eyes to mouth.

    Near a profile the first line vanishes and the second decides. Unlike the roll of a head pose, it needs no depth.
    """
    sums = np.add.reduceat(landmarks_px, _EYES_AND_MOUTH, axis=0)[:3]
    (right_x, right_y), (left_x, left_y), (mouth_x, mouth_y) = (sums / _COUNTS).tolist()
    across_x, across_y = left_x - right_x, left_y - right_y
    down_x, down_y = mouth_x - (left_x + right_x) / 2, mouth_y - (left_y + right_y) / 2
    return math.atan2(down_x - across_y, across_x + down_y)


_EYES_AND_MOUTH, _COUNTS = (36, 42, 48, 60), np.array([[6], [6], [12]], dtype=np.float32)
"""First points of the right eye, the left one, the outer lips and what follows; how many each of the three has."""


def crop_from_landmarks(landmarks_px: Float[np.ndarray, "68 2"], *, scale: float = CROP_SCALE) -> Crop:
    """Place the square crop around landmarks, turned with the face."""
    turned = Crop(landmarks_px[0], 1.0, upright_roll(landmarks_px))
    image_from_crop = turned.image_from_crop
    box = tight_box((landmarks_px - turned.center_px) @ image_from_crop)
    center = turned.center_px + image_from_crop @ np.array(box.center_px, dtype=np.float32)
    side = scale * max(box.width_px, box.height_px, 1.0)
    return Crop(center.astype(np.float32), float(side), turned.roll)


AROUND = (
    *((0.0, 0.0, 1.0), (-0.02, 0.0, 1.03), (0.02, 0.0, 1.03), (0.0, -0.02, 0.97), (0.0, 0.02, 0.97)),
    *((x, y, 1.0) for x in (-0.02, 0.02) for y in (-0.02, 0.02)),
)
"""Crops in which fits have a face read: how far right and down of its own, in its sides, and how many times as large.
The mean of what is said errs less than one; as many lie on the left as on the right, or a mirror would change it."""


def around(crop: Crop) -> list[Crop]:
    """The crops of `AROUND` for one face."""
    return [
        Crop(
            (crop.center_px + crop.side_px * crop.image_from_crop @ np.array([right, down])).astype(np.float32),
            crop.side_px * larger,
            crop.roll,
        )
        for right, down, larger in AROUND
    ]


def crop_from_box(box: Box) -> Crop:
    """Take the square with the centre and the area of a box: the reference of MFN's face parameters."""
    return Crop(np.array(box.center_px, dtype=np.float32), float(np.sqrt(box.width_px * box.height_px)))


FACE_BOX_SCALE, FACE_BOX_DROP = 1.29, 0.12
"""Side of SFN's crop over the root of a face box's area, and how far its centre lies below the box's, as a share of the
box's height. Of 1,500 heads of the model (yaw, pitch and roll of 25, 10 and 10 degrees; standard deviations 0.04 and
0.03). SFN's points in such a crop differ from those in MFN's by 0.5 % of the face on the drawn troupe and by 0.65 % on
group photographs: no more than reading a face again in the crop of its own points changes them."""


def crop_of_face_box(box: Box) -> Crop:
    """A face's box, hairline to chin and ear to ear, to the crop SFN would read; upright, as a box shows no roll."""
    square = crop_from_box(box)
    drop = np.array([0, FACE_BOX_DROP * box.height_px], dtype=np.float32)
    return Crop(square.center_px + drop, FACE_BOX_SCALE * square.side_px)


def crop_of_face(face: Face) -> Crop:
    """A detected face to the crop SFN reads it in: by its landmarks, or by its box where it has no other."""
    return crop_of_face_box(face.box) if face.landmarks_px is None else crop_from_landmarks(face.landmarks_px)


def crop_image(image: UInt8[np.ndarray, "h w 3"], crop: Crop, size: int) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """Resample a crop to size x size pixels; grey where it leaves the picture."""
    turned = crop.image_from_crop
    return np.asarray(cut_square(image, turned, crop.center_px, crop.side_px, size, grey=PADDING_GREY), dtype=np.uint8)


def params_in_crops(crop_params: CropParams, crops: Sequence[Crop]) -> list[FaceParams]:
    """Place a network's predictions, one per row of `crop_params`, in the whole image.

    Eq. 2 of Chaudhuri et al. 2019: u = f (R V + t), with f = `scale` and lengths in decimetres.
    """
    if not crops:
        return []
    sides, rolls = np.array([(crop.side_px, crop.roll) for crop in crops], dtype=np.float32).T
    px_per_dm = sides * crop_params.scale
    x, y = (px_per_dm[:, None] * crop_params.translation[:, :2]).T
    cosine, sine = np.cos(rolls), np.sin(rolls)
    turned = np.array([cosine * x - sine * y, -cosine * y - sine * x]).T
    origins = (np.array([crop.center_px for crop in crops]) + turned).astype(np.float32)
    wxyz = canonical_wxyz(_rolled(np.asarray(crop_params.wxyz, dtype=np.float32), rolls[:, None]))
    return [
        FaceParams(identity, expression, HeadPose(rotation, origin, DECIMETRES_PER_METRE * size))
        for identity, expression, rotation, origin, size in zip(
            crop_params.identity, crop_params.expression, wxyz, origins, px_per_dm.tolist(), strict=True
        )
    ]


def _rolled(wxyz: Float[np.ndarray, "b 4"], rolls: Float[np.ndarray, "b 1"]) -> Float[np.ndarray, "b 4"]:
    """Turn rotations about the viewing axis: the product from the left with cos(roll / 2) + k sin(roll / 2)."""
    return np.cos(rolls / 2) * wxyz + np.sin(rolls / 2) * _K * wxyz[:, ::-1]


_K = np.array([-1, -1, 1, 1], dtype=np.float32)
"""Signs of the quaternion's product with k, which turns its numbers round: k (w, x, y, z) = (-z, -y, x, w)."""
