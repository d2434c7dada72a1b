"""Fitted faces to the samples of `data/sample.py`: which faces are fit to learn from, and what is said of each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.data.datasets.feafa import expression_from_action_units
from commedia.data.datasets.samples import reduced
from commedia.data.sample import FaceSample, PictureSample
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.face_model.model import HeadModel
from commedia.labelling.blendshapes import eye_weight, seen_weight
from commedia.labelling.fit import DenseTargets, FittedFaces
from commedia.labelling.pictures import PictureGroup, SourcePicture
from commedia.labelling.predictions import GroupPredictions
from commedia.structures import FaceParams, HeadPose

LARGEST_ERROR = 0.04
"""Mean distance of the dense points to the fit, in face sizes, above which a face is left out."""
LARGEST_GOLD_ERROR = 0.08
"""The same for the inner gold landmarks: above it teacher and annotator looked at different faces."""

_CONTOUR_COUNT = 17


@dataclass(frozen=True)
class FittedGroup:
    """A group's faces with their fit."""

    predictions: GroupPredictions
    fitted: FittedFaces
    landmarks_px: Float[np.ndarray, "f 68 2"]
    """Projected from the fit."""
    gold_px: Float[np.ndarray, "f 68 2"]
    """NaN where there are none."""

    def gold_error(self, first: int = 0) -> Float[np.ndarray, "f"]:
        """Mean distance of fitted to gold landmarks, from point `first` on, in sizes of the gold face; NaN without."""
        span = self.gold_px.max(axis=1) - self.gold_px.min(axis=1)
        miss = np.linalg.norm(self.landmarks_px - self.gold_px, axis=-1)[:, first:].mean(axis=1)
        return miss / np.sqrt(np.prod(span, axis=-1))

    @property
    def kept(self) -> Bool[np.ndarray, "f"]:
        """Faces good enough to learn from."""
        return (self.fitted.error <= LARGEST_ERROR) & ~(self.gold_error(_CONTOUR_COUNT) > LARGEST_GOLD_ERROR)


def params_of(fitted: FittedFaces, index: int) -> FaceParams:
    """One face of a fit in our nouns."""
    pose = HeadPose(
        fitted.wxyz[index].astype(np.float32), fitted.origin_px[index].astype(np.float32), float(fitted.px_per_m[index])
    )
    return FaceParams(fitted.identity[index].astype(np.float32), fitted.expression[index].astype(np.float32), pose)


def dense_targets(
    predictions: GroupPredictions,
    gold_px: Float[np.ndarray, "f 68 2"],
    rows: Int[np.ndarray, "b"] | slice = slice(None),
    identity: Float[np.ndarray, "f i"] | None = None,
) -> DenseTargets:
    """What the fit is to explain, for some faces of a group; `identity` where it is known."""
    known = None if identity is None else identity[rows]
    return DenseTargets(predictions.points_px[rows], predictions.scores[rows], gold_px[rows], known)


def picture_samples(
    group: PictureGroup,
    faces: FittedGroup,
    label_weight: Float[np.ndarray, "52"],
    head: HeadModel,
    *,
    licence: str,
    max_side: int | None,
) -> Iterator[PictureSample]:
    """Go through a group's pictures again and emit those whose every face was read and well fitted, in order."""
    rows_of: dict[int, list[int]] = {}
    for row, picture in enumerate(faces.predictions.picture.tolist()):
        rows_of.setdefault(picture, []).append(row)
    incomplete = set(faces.predictions.unread.tolist()) | set(faces.predictions.picture[~faces.kept].tolist())
    for index, picture in enumerate(group):
        if index in incomplete or index not in rows_of:
            continue
        image = picture.decoded()
        scale = 1.0 if max_side is None else min(1.0, max_side / max(image.shape[:2]))
        samples = tuple(_face_sample(picture, faces, row, label_weight, scale, head) for row in rows_of[index])
        yield PictureSample(
            reduced(image, scale), samples, picture.source, licence, "labelled", clip=picture.clip, frame=picture.frame
        )


def _face_sample(
    picture: SourcePicture,
    faces: FittedGroup,
    row: int,
    label_weight: Float[np.ndarray, "52"],
    scale: float,
    head: HeadModel,
) -> FaceSample:
    params = params_of(faces.fitted, row)
    pose = HeadPose(
        params.pose.wxyz, (params.pose.origin_px * scale).astype(np.float32), float(params.pose.px_per_m * scale)
    )
    params = FaceParams(params.identity, params.expression, pose)
    gold = picture.gold_px
    landmarks = landmarks_from_params(params, head) if gold is None else gold * np.float32(scale)
    expression = params.expression
    weight = (seen_weight(label_weight, params.pose.wxyz) * eye_weight(expression)).astype(np.float32)
    if picture.action_units is not None:
        # What people set by hand stands above what the fit found.
        said, believed = expression_from_action_units(picture.action_units)
        expression, weight = np.where(believed > 0, said, expression), np.maximum(weight, believed)
    return FaceSample(
        box=face_box_from_params(params, head),
        landmarks_px=landmarks.astype(np.float32),
        landmark_kind="fit" if gold is None else "gold",
        pose=pose,
        identity=params.identity,
        expression=expression,
        expression_weight=weight,
        identity_name=picture.identity_name,
        action_units=picture.action_units,
    )
