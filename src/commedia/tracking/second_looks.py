"""Crops to what is read there; whoever is not surely seen in theirs is read again, where they may rather be."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
from jaxtyping import UInt8

from commedia.faces.crop import Crop
from commedia.faces.protocol import RegressorProtocol
from commedia.structures import FaceParams
from commedia.tracking.candidates import Candidate, is_mislaid
from commedia.tracking.models import Models
from commedia.tracking.settings import TrackerSettings
from commedia.tracking.turned import may_be_turned, read_turned


def read_twice(
    image: UInt8[np.ndarray, "h w 3"],
    candidates: Sequence[Candidate],
    crops: Sequence[Crop],
    models: Models,
    settings: TrackerSettings,
) -> tuple[list[Crop], list[FaceParams]]:
    """A crop of each candidate to the crop where they are seen best, and what is read there.

    Who is known is looked for where they were detected, who is new at every roll.
    """
    crops, params = list(crops), list(models.regressor.regress(image, list(crops)))
    for place, who in enumerate(candidates):
        if who.face is not None and is_mislaid(who, params[place], settings.lifecycle):
            seen = _surer(image, crops[place], params[place], who.detected_crop, models.regressor)
            crops[place], params[place] = seen
    unsure = (place for place, who in enumerate(candidates) if may_be_turned(who, params[place]))
    for place in islice(unsure, settings.turned_budget):
        if (turned := read_turned(image, candidates[place], params[place], models)) is not None:
            crops[place], params[place] = turned
    return crops, params


def _surer(
    image: UInt8[np.ndarray, "h w 3"], crop: Crop, read: FaceParams, other: Crop, regressor: RegressorProtocol
) -> tuple[Crop, FaceParams]:
    """What was read in one crop, or what is in another one where a face is seen more surely."""
    (again,) = regressor.regress(image, [other])
    return (other, again) if (again.presence or 0.0) > (read.presence or 0.0) else (crop, read)
