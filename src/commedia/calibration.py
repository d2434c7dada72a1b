"""Whose neutral face and range it is that characters play by, learnt from a photo or a recording."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from commedia.face_model.calibration import Calibration, calibration_from
from commedia.pipeline import track
from commedia.tracking.models import Models


def calibrate(path: Path | str, *, models: Models | None = None) -> Calibration:
    """Learn a neutral face, and from a recording of some length the range too, from whoever is seen longest.

    Args:
        path: A photo of the face at rest, a video of it, or a take.
        models: Networks to use instead of the shipped ones.
    """
    predictions: dict[int, list[np.ndarray]] = defaultdict(list)
    for tracked in track(path, models=models):
        for face in tracked.faces:
            if face.status == "tracked":
                predictions[face.id].append(face.params.expression)
    return calibration_from(max(predictions.values(), key=len, default=[]))
