"""Truth from an SFN: the paper's way to give faces of detection data sets parameters ("GT from SFN")."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.faces.crop import CROP_SCALE, crop_from_landmarks
from commedia.geometry.rotations import multiply_wxyz, wxyz_from_axis_angle
from commedia.losses.landmark import projected
from commedia.networks.heads import FaceOutputs, face_outputs
from commedia.networks.paper1.sfn import SFN_SIZE
from commedia.training.batches import pixels_from_images, unit_pixels
from commedia.training.face_model import FaceModel
from commedia.training.labels import FaceArrays, Placement, joined
from commedia.training.pictures import FaceCrops, Picture, warp

LANDMARKS_IN_BOX = 0.75
"""Side of the landmark box over the longer side of the face box, where only the latter is known: brows to chin is about
three quarters of hairline to chin."""
CHUNK = 128


def relabelled_pictures(pictures: Sequence[Picture], sfn: nn.Module, model: FaceModel) -> list[Picture]:
    """Replace identity, expression and rotation of every face, and landmarks where there were none."""
    jobs = (
        (picture.image, picture.faces.at(slice(row, row + 1)))
        for picture in pictures
        for row in range(len(picture.faces.box))
    )
    read = _relabelled(jobs, sfn, model)
    return [
        replace(picture, faces=joined([next(read) for _ in range(len(picture.faces.box))]))
        if len(picture.faces.box)
        else picture
        for picture in pictures
    ]


def relabelled_face_crops(face_crops: FaceCrops, sfn: nn.Module, model: FaceModel) -> FaceCrops:
    """The same for pictures of one face."""
    jobs = ((face_crops.images[row], face_crops.face(row)) for row in range(len(face_crops)))
    return replace(face_crops, faces=joined(list(_relabelled(jobs, sfn, model))))


def _relabelled(
    jobs: Iterable[tuple[UInt8[np.ndarray, "h w 3"], FaceArrays]], sfn: nn.Module, model: FaceModel
) -> Iterator[FaceArrays]:
    waiting: list[tuple[np.ndarray, FaceArrays, Placement]] = []
    for image, face in jobs:
        placement = _crop(face)
        waiting.append((warp(image, placement, (SFN_SIZE, SFN_SIZE), border=cv2.BORDER_CONSTANT), face, placement))
        if len(waiting) == CHUNK:
            yield from _read(waiting, sfn, model)
            waiting = []
    if waiting:
        yield from _read(waiting, sfn, model)


def _read(
    jobs: Sequence[tuple[np.ndarray, FaceArrays, Placement]], sfn: nn.Module, model: FaceModel
) -> Iterator[FaceArrays]:
    with torch.no_grad():
        outputs = face_outputs(sfn(unit_pixels(pixels_from_images([crop for crop, _, _ in jobs]))))
        landmarks = projected(model.landmarks, outputs)
    for row, (_, face, placement) in enumerate(jobs):
        turn_back = wxyz_from_axis_angle(np.array([[0.0, 0.0, -placement.roll]]))
        wxyz = multiply_wxyz(turn_back, outputs.wxyz[row : row + 1].numpy()).astype(np.float32)
        yield _filled(face, outputs, _picture_points(landmarks[row], placement), row)._replace(wxyz=wxyz)


def _filled(face: FaceArrays, outputs: FaceOutputs, landmarks: Float[np.ndarray, "68 2"], row: int) -> FaceArrays:
    sure = np.ones(1, dtype=np.float32)
    expression = outputs.expression[row : row + 1].numpy()
    return face._replace(
        identity=outputs.identity[row : row + 1].numpy(),
        identity_weight=sure,
        expression=expression,
        expression_weight=np.ones_like(expression),
        pose_weight=sure,
        landmarks=face.landmarks if face.landmark_weight[0] > 0 else landmarks[None],
        landmark_weight=sure,
    )


def _crop(face: FaceArrays) -> Placement:
    if face.landmark_weight[0] > 0:
        crop = crop_from_landmarks(face.landmarks[0])
        return Placement(-crop.roll, SFN_SIZE / crop.side_px, False, crop.center_px, np.full(2, SFN_SIZE / 2))
    box = face.box[0]
    side = LANDMARKS_IN_BOX * float((box[2:] - box[:2]).max())
    # The points end at the chin, so their box sits on the lower edge of the face box.
    center = np.array([(box[0] + box[2]) / 2, box[3] - side / 2])
    return Placement(0.0, SFN_SIZE / (CROP_SCALE * side), False, center, np.full(2, SFN_SIZE / 2))


def _picture_points(landmarks: Float[Tensor, "68 2"], placement: Placement) -> Float[np.ndarray, "68 2"]:
    """Crop units back to pixels of the picture."""
    affine = placement.target_from_source
    points = ((landmarks.numpy() + 0.5) * SFN_SIZE - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T
    return points.astype(np.float32)
