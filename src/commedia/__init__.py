"""Watch everyone in a picture, a video or a camera, and let each of them wear a 3D character.

    Frame --detect--> Face --regress--> FaceParams --track--> TrackedFace --retarget--> RigPose --send--> Sink

Each arrow is one folder and each noun one frozen dataclass of :mod:`commedia.structures`. Importing this package loads
neither a network nor a reader of media; its verbs load what they need when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from commedia.conventions import EXPRESSION_NAMES
from commedia.errors import CommediaError
from commedia.structures import Box, Face, FaceParams, Frame, HeadPose, Moment, RigPose, TrackedFace, TrackedFrame

if TYPE_CHECKING:
    from commedia.calibration import calibrate
    from commedia.characters.character import Character
    from commedia.face_model.person import Person
    from commedia.face_model.person_file import read_person
    from commedia.personal.personalize import personalize
    from commedia.pipeline import retarget, track
    from commedia.tracking.models import open_models
    from commedia.tracking.tracker import Tracker

# The folder of that name is imported here and its name taken back: imported later, it would hide the verb.
importlib.import_module("commedia.retarget")
del globals()["retarget"]

__version__ = "0.1.0"
__all__ = [
    "EXPRESSION_NAMES", "Box", "Character", "CommediaError", "Face", "FaceParams", "Frame", "HeadPose", "Moment",
    "Person", "RigPose", "TrackedFace", "TrackedFrame", "Tracker", "calibrate", "open_models", "personalize",
    "read_person", "retarget", "track",
]  # fmt: skip
_HOMES = {
    "Character": "commedia.characters.character",
    "Person": "commedia.face_model.person",
    "Tracker": "commedia.tracking.tracker",
    "calibrate": "commedia.calibration",
    "open_models": "commedia.tracking.models",
    "personalize": "commedia.personal.personalize",
    "read_person": "commedia.face_model.person_file",
    "retarget": "commedia.pipeline",
    "track": "commedia.pipeline",
}
"""Where the names live that are loaded when they are asked for."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
