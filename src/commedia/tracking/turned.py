"""Faces that lie on their side or stand on their head: who is not surely seen is looked for at every roll.

Detectors box such faces but guess their roll. The regressor knows roughly which way up a crop belongs, so that each
turn is read, the likely ones once more in the crop of their own points, and what is said there is believed. A picture
in which the detector finds nobody is turned itself.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from commedia.faces.crop import Crop, crop_from_landmarks, crop_of_face_box
from commedia.faces.protocol import DetectorProtocol
from commedia.geometry.boxes import corners_of, suppress
from commedia.structures import Box, Face, FaceParams
from commedia.tracking.candidates import SAME_FACE_IOU, Candidate, is_plausible
from commedia.tracking.models import Models
from commedia.tracking.settings import TrackLifecycle

SURE_PRESENCE = 0.99
"""Of 98 upright photographs (helen-dev) all had more; turned by 45 degrees and more, none had above a third."""
TURNED_PRESENCE = 0.95
"""Least presence of a face that is found turned, in the crop of an eighth of a turn and in that of the points that were
read there: the best of eight tries is easily too good."""
LIKELY_PRESENCE = 0.5
"""The same in the eighth of a turn, which need not be its own, where the detector is sure of a face. Asked of doubtful
finds too, hands and bellies passed."""
LEAST_CONFIDENCE = 0.3
"""Fainter detections are looked for upright only."""
TURNS = 8
"""An eighth of a turn leaves at most 22.5 degrees, where 95 of 100 faces still pass; at 30 half of them do."""


def may_be_turned(candidate: Candidate, params: FaceParams) -> bool:
    """Say whether somebody new is not surely seen in the crop that the detector gave."""
    if candidate.face is None or candidate.face.confidence < LEAST_CONFIDENCE:
        return False
    return candidate.track is None and params.presence is not None and params.presence < SURE_PRESENCE


def read_turned(
    image: UInt8[np.ndarray, "h w 3"], candidate: Candidate, read: FaceParams, models: Models
) -> tuple[Crop, FaceParams] | None:
    """Look for a detected face at every roll; its crop and what is read there, or None where no roll is convincing.

    Convincing is what is surer than `read`, what was read in the detector's own crop.
    """
    assert candidate.face is not None
    sure = candidate.face.confidence >= TrackLifecycle.birth_confidence
    least = LIKELY_PRESENCE if sure else TURNED_PRESENCE
    crops = turned_crops(candidate.face.box)
    first = models.regressor.regress(image, crops)
    points = models.landmarker(first)
    likely = [k for k, face in enumerate(first) if _presence(face) >= least and np.isfinite(points[k]).all()]
    again = [crop_from_landmarks(points[k]) for k in likely]
    second = models.regressor.regress(image, again) if again else []
    settled = [is_plausible(points_px, crop) for points_px, crop in zip(models.landmarker(second), again, strict=True)]
    believed = [_presence(face) * is_settled for face, is_settled in zip(second, settled, strict=True)]
    if not believed or max(believed) < max(TURNED_PRESENCE, _presence(read)):
        return None
    best = int(np.argmax(believed))
    return again[best], second[best]


def found_turned(image: UInt8[np.ndarray, "h w 3"], detector: DetectorProtocol, least: float) -> list[Face]:
    """Boxes of the faces, at `least` so sure, that a detector finds in a picture turned by a quarter, a half and three
    quarters: upright in one of these, they lie on their side or stand on their head here."""
    height, width = image.shape[:2]
    faces = [
        Face(box_turned_back(face.box, quarters, height, width), face.confidence)
        for quarters in (1, 2, 3)
        for face in detector.detect(np.ascontiguousarray(np.rot90(image, quarters)))
        if face.confidence >= least
    ]
    faces.sort(key=lambda face: -face.confidence)
    return [faces[index] for index in suppress(corners_of(face.box for face in faces), SAME_FACE_IOU)]


def box_turned_back(box: Box, quarters: int, height_px: int, width_px: int) -> Box:
    """A box in a picture that `np.rot90` turned to the same box in the picture before, of this height and width."""
    for quarter in reversed(range(quarters)):
        width = height_px if quarter % 2 else width_px
        box = Box(width - box.bottom_px, box.left_px, width - box.top_px, box.right_px)
    return box


def turned_crops(box: Box) -> list[Crop]:
    """A face's box to the crops in which the face would be upright, an eighth of a turn apart."""
    upright = crop_of_face_box(box)
    middle = np.array(box.center_px, dtype=np.float32)
    crops = [replace(upright, roll=2 * np.pi * turn / TURNS) for turn in range(TURNS)]
    # The chin, below the box's middle, turns with the face.
    return [replace(crop, center_px=middle + crop.image_from_crop @ (upright.center_px - middle)) for crop in crops]


def _presence(params: FaceParams) -> float:
    return 0.0 if params.presence is None else params.presence
