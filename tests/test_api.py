"""The public names are a promise: adding one is a decision, and losing one is a break. Change this list on purpose."""

import inspect
import types

import commedia
from commedia import pipeline

NAMES = (
    *("Box", "CommediaError", "Face", "FaceParams", "Frame", "HeadPose", "RigPose", "TrackedFace", "TrackedFrame"),
    "__version__",
)
ARGUMENTS = {
    "track": ["path", "models"],
    "retarget": [
        *("path", "output", "character", "models", "preview", "overwrite", "formats", "rate"),
        *("mapping", "acting", "progress"),
    ],
    "retarget_folder": ["path", "output", "character", "models", "mapping", "acting", "options"],
    "calibrate": ["path", "models"],
}


def test_names_of_the_package():
    found = {
        name
        for name, value in vars(commedia).items()
        if not isinstance(value, types.ModuleType) and (name == "__version__" or not name.startswith("_"))
    }
    assert found == set(NAMES)


def test_arguments_of_the_pipeline():
    for name, arguments in ARGUMENTS.items():
        assert list(inspect.signature(getattr(pipeline, name)).parameters) == arguments


def test_everything_public_says_what_it_is():
    for name in (*NAMES, *ARGUMENTS):
        thing = getattr(commedia, name, None) or getattr(pipeline, name, None)
        assert name == "__version__" or (thing.__doc__ and not thing.__doc__.startswith(f"{name}("))
