"""Faces that lie on their side or stand on their head: who is not surely seen is looked for at every roll.

Detectors box such faces but guess their roll. The regressor knows roughly which way up a crop belongs: a wrong one may
pass once, but hardly twice. So each turn is read, then read again in the crop of its own points, and believed as far
as the weaker of the two.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from commedia.faces.crop import Crop, crop_from_landmarks, crop_of_face_box
from commedia.structures import Box, FaceParams
from commedia.tracking.candidates import Candidate, is_plausible
from commedia.tracking.models import Models

SURE_PRESENCE = 0.99
"""Of 98 upright photographs (helen-dev) all had more; turned by 45 degrees and more, none had above a third."""
TURNED_PRESENCE = 0.95
"""Least presence, in both readings, of a face that is found turned: the best of eight tries is easily too good."""
TURNS = 8
"""An eighth of a turn leaves at most 22.5 degrees, where 95 of 100 faces still pass; at 30 half of them do."""


def may_be_turned(candidate: Candidate, params: FaceParams) -> bool:
    """Say whether somebody new is not surely seen in the crop that the detector gave."""
    return candidate.track is None and params.presence is not None and params.presence < SURE_PRESENCE


def read_turned(
    image: UInt8[np.ndarray, "h w 3"], candidate: Candidate, read: FaceParams, models: Models
) -> tuple[Crop, FaceParams] | None:
    """Look for a detected face at every roll; its crop and what is read there, or None where no roll is convincing.

    Convincing is what passes twice and is surer than `read`, what was read in the detector's own crop.
    """
    assert candidate.face is not None
    crops = turned_crops(candidate.face.box)
    first = models.regressor.regress(image, crops)
    points = models.landmarker(first)
    likely = [k for k, face in enumerate(first) if _presence(face) >= TURNED_PRESENCE and np.isfinite(points[k]).all()]
    again = [crop_from_landmarks(points[k]) for k in likely]
    second = models.regressor.regress(image, again) if again else []
    settled = [is_plausible(points_px, crop) for points_px, crop in zip(models.landmarker(second), again, strict=True)]
    believed = [min(_presence(first[k]), _presence(second[n])) * settled[n] for n, k in enumerate(likely)]
    if not believed or max(believed) < max(TURNED_PRESENCE, _presence(read)):
        return None
    best = int(np.argmax(believed))
    return again[best], second[best]


def turned_crops(box: Box) -> list[Crop]:
    """A face's box to the crops in which the face would be upright, an eighth of a turn apart."""
    upright = crop_of_face_box(box)
    middle = np.array(box.center_px, dtype=np.float32)
    crops = [replace(upright, roll=2 * np.pi * turn / TURNS) for turn in range(TURNS)]
    # The chin, below the box's middle, turns with the face.
    return [replace(crop, center_px=middle + crop.image_from_crop @ (upright.center_px - middle)) for crop in crops]


def _presence(params: FaceParams) -> float:
    return 0.0 if params.presence is None else params.presence
