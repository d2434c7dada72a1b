"""Items of data sets to the samples of `data/sample.py`: what people marked is kept, what nobody knows is None.

A picture that lists every face becomes one sample. Of any other, each face becomes a sample of its own, cut out so far
that nobody else needs to be in it: whole, it would teach a detector to overlook the faces that are not listed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.data.datasets.feafa import expression_from_action_units
from commedia.data.datasets.items import IBUG68, DatasetFace, DatasetItem
from commedia.data.datasets.tree import LeftOut
from commedia.data.sample import FaceSample, LandmarkKind, PictureSample
from commedia.errors import UnreadableMedia
from commedia.face_model.landmarks import face_box_from_params, landmark_model
from commedia.face_model.model import HeadModel, head_or_default
from commedia.geometry.boxes import tight_box
from commedia.geometry.placement import warp
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_matrix
from commedia.structures import Box, FaceParams, HeadPose

CUT_SCALE = 2.0
"""Side of a cut-out over the longer side of the face's box or points, as in the project's own photographs."""

PUBLISHED_ROTATION_WEIGHT = 0.5
"""How far training may believe a rotation that comes with a picture: all are of fits to points, none was measured."""

_INNER = slice(17, 68)
"""Contour marks lie on the visible outline and say little of the pose."""
_SMALLEST_SPREAD_PX = 2.0
_TYPICAL_HEAD_WIDTH_M = 0.15


def samples_from_dataset(
    items: Iterable[DatasetItem], left_out: LeftOut, *, max_side: int | None = None, head: HeadModel | None = None
) -> Iterator[PictureSample]:
    """Decode items, at most `max_side` large, posed as `head` (None: the default); what is no sample is counted."""
    head = head_or_default(head)
    for item in items:
        known = [face for face in item.faces if _has_place(face, left_out, item.source)]
        if not known and not (item.all_faces and not item.faces):
            left_out.add("no face of the picture has a place in it; 'commedia label' finds one", item.source)
            continue
        if item.all_faces and len(known) < len(item.faces):
            left_out.add("a face of the picture has no place in it", item.source)
            continue
        try:
            image = item.picture.decoded()
        except UnreadableMedia as error:
            left_out.add("the picture cannot be read", str(error))
            continue
        faces = tuple(_sample(face, head) for face in known)
        whole = PictureSample(image, faces, item.source, item.licence, "labelled")
        moment = item.moment
        if moment is not None:
            whole = replace(whole, clip=moment.clip, frame=moment.frame)
        if len(known) == 1 and (mask := _mask_in_picture(known[0], image.shape[:2])) is not None:
            whole = replace(whole, mask=mask)
        parts = [whole] if item.all_faces else [_cut_out(whole, face) for face in faces]
        yield from (_reduced(part, max_side) for part in parts)


def pose_from_landmarks(
    landmarks_px: Float[np.ndarray, "68 2"],
    wxyz: Float[np.ndarray, "4"] | None = None,
    *,
    head: HeadModel | None = None,
) -> HeadPose:
    """Place a mean head so that its inner points fall on the marks, in the least-squares sense; None: the default head.

    The rotation is estimated too unless it is given. Good enough for a box; no training truth.
    """
    mean = landmark_model(head_or_default(head)).mean[_INNER].astype(np.float64)
    image = landmarks_px[_INNER].astype(np.float64)
    camera = (image - image.mean(axis=0)) * [1, -1]
    centred = mean - mean.mean(axis=0)
    if wxyz is None:
        # Two rows of an affine camera, from which the nearest two rows of a rotation.
        affine = np.linalg.lstsq(centred, camera, rcond=None)[0].T
        left, _, right = np.linalg.svd(affine, full_matrices=False)
        rows = left @ right
        wxyz = wxyz_from_matrix(np.stack([*rows, np.cross(rows[0], rows[1])]))
    turned = mean @ matrix_from_wxyz(wxyz.astype(np.float64)).T[:, :2]
    spread = turned - turned.mean(axis=0)
    px_per_m = max(float((spread * camera).sum() / (spread**2).sum()), 1e-3)
    origin = image.mean(axis=0) - px_per_m * turned.mean(axis=0) * [1, -1]
    return HeadPose(wxyz.astype(np.float32), origin.astype(np.float32), px_per_m)


def _has_place(face: DatasetFace, left_out: LeftOut, source: str) -> bool:
    box = face.bounds
    if box is not None and min(box.width_px, box.height_px) >= _SMALLEST_SPREAD_PX:
        return True
    left_out.add("a face has neither box nor points, or they are a single spot", source)
    return False


def _sample(face: DatasetFace, head: HeadModel) -> FaceSample:
    landmarks, kind, pose, box = _marked(face, head) or _unmarked(face)
    expression, weight = None, np.zeros(EXPRESSION_COUNT, np.float32)
    if face.action_units is not None:
        expression, weight = expression_from_action_units(face.action_units)
    return FaceSample(
        box=face.box or box,
        landmarks_px=landmarks,
        landmark_kind=kind,
        pose=pose,
        identity=None,
        expression=expression,
        expression_weight=weight,
        identity_name=face.identity_name,
        # A pose that only follows from points is for boxes; they train by themselves.
        pose_weight=0.0 if face.wxyz is None else PUBLISHED_ROTATION_WEIGHT,
        action_units=face.action_units,
    )


def _marked(face: DatasetFace, head: HeadModel) -> tuple[Float[np.ndarray, "68 2"], LandmarkKind, HeadPose, Box] | None:
    """Points with the pose they show, and the box that our detector is to find: hairline to chin, ear to ear."""
    if face.marked is None or face.marked.scheme != IBUG68:
        return None
    points = face.marked.points_px
    pose = pose_from_landmarks(points, face.wxyz, head=head)
    nobody = FaceParams(np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32), pose)
    return points, face.marked.kind, pose, face_box_from_params(nobody, head)


def _unmarked(face: DatasetFace) -> tuple[Float[np.ndarray, "68 2"], LandmarkKind, HeadPose, Box]:
    """Points on one spot, which nobody trusts (training/labels.py), and a pose that nobody trusts either."""
    box = face.box
    assert box is not None
    center = np.array(box.center_px, np.float32)
    wxyz = np.array([1, 0, 0, 0], np.float32) if face.wxyz is None else face.wxyz
    pose = HeadPose(wxyz, center, box.width_px / _TYPICAL_HEAD_WIDTH_M)
    return np.tile(center, (LANDMARK_COUNT, 1)), "teacher", pose, box


def _mask_in_picture(face: DatasetFace, size: tuple[int, int]) -> UInt8[np.ndarray, "h w"] | None:
    """Lay a skin mask where it was cut out, 0 around it; None where there is none or it cannot be read."""
    if face.mask is None or face.mask_box is None:
        return None
    try:
        mask = face.mask.decoded()[..., 0]
    except UnreadableMedia:
        return None
    box, (height, width) = face.mask_box, size
    scale = box.width_px / mask.shape[1], box.height_px / mask.shape[0]
    return warp(mask, np.array([[scale[0], 0, box.left_px], [0, scale[1], box.top_px]]), (width, height))


def _cut_out(picture: PictureSample, face: FaceSample) -> PictureSample:
    points = tight_box(face.landmarks_px)
    around = points if points.width_px > 0 else face.box
    half = CUT_SCALE / 2 * max(around.width_px, around.height_px)
    x, y = around.center_px
    height, width = picture.image.shape[:2]
    left, top = (int(np.clip(edge, 0, limit - 1)) for edge, limit in ((x - half, width), (y - half, height)))
    right, bottom = (int(np.clip(np.ceil(edge), 1, limit)) for edge, limit in ((x + half, width), (y + half, height)))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    image = np.ascontiguousarray(picture.image[top:bottom, left:right])
    mask = None if picture.mask is None else np.ascontiguousarray(picture.mask[top:bottom, left:right])
    return replace(picture, image=image, mask=mask, faces=(_moved(face, np.array([left, top], np.float32), 1.0),))


def reduced(image: UInt8[np.ndarray, "h w *c"], scale: float) -> UInt8[np.ndarray, "h2 w2 *c"]:
    """Average a picture or mask down; a scale of 1 leaves it as it is."""
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return image if scale == 1.0 else np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _reduced(picture: PictureSample, max_side: int | None) -> PictureSample:
    height, width = picture.image.shape[:2]
    scale = 1.0 if max_side is None else min(1.0, max_side / max(width, height))
    if scale == 1.0:
        return picture
    image, mask = reduced(picture.image, scale), None if picture.mask is None else reduced(picture.mask, scale)
    corner = np.zeros(2, np.float32)
    return replace(picture, image=image, mask=mask, faces=tuple(_moved(face, corner, scale) for face in picture.faces))


def _moved(face: FaceSample, corner_px: Float[np.ndarray, "2"], scale: float) -> FaceSample:
    """Say the same face in a picture whose first pixel was at `corner_px`, then scaled."""
    (x, y), box, pose = corner_px.tolist(), face.box, face.pose
    edges = (box.left_px - x, box.top_px - y, box.right_px - x, box.bottom_px - y)
    return replace(
        face,
        box=Box(*(float(edge * scale) for edge in edges)),
        landmarks_px=((face.landmarks_px - corner_px) * scale).astype(np.float32),
        pose=HeadPose(pose.wxyz, ((pose.origin_px - corner_px) * scale).astype(np.float32), pose.px_per_m * scale),
    )
