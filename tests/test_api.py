"""The public names are a promise: adding one is a decision, and losing one is a break. Change this list on purpose."""

import inspect
import subprocess
import sys

import pytest

import commedia
from commedia.folder import retarget_folder

NAMES = (
    *("EXPRESSION_NAMES", "Box", "Character", "CommediaError", "Face", "FaceParams", "Frame", "HeadPose", "Moment"),
    *("Person", "RigPose", "TrackedFace", "TrackedFrame", "Tracker", "calibrate", "open_models"),
    *("personalize", "read_person", "retarget", "track"),
)
ARGUMENTS = {
    commedia.track: ["path", "models", "person"],
    commedia.retarget: [
        *("path", "output", "character", "cast", "models", "preview", "preview_style", "overwrite", "formats", "rate"),
        *("angles", "mapping", "edit", "person", "causal", "look", "progress", "report"),
    ],
    retarget_folder: ["path", "output", "character", "cast", "models", "mapping", "edit", "person", "look", "options"],
    commedia.calibrate: ["path", "models"],
    commedia.personalize: [
        *("inputs", "output", "person", "formats", "models", "overwrite", "effort", "progress"),
    ],
    commedia.read_person: ["path", "head"],
    commedia.open_models: ["mfn", "sfn", "flip_average", "head"],
}


def test_names_of_the_package():
    assert sorted(commedia.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(commedia))
    with pytest.raises(AttributeError, match="retraget"):
        commedia.retraget  # noqa: B018


@pytest.mark.parametrize("verb", ARGUMENTS, ids=lambda verb: verb.__name__)
def test_arguments(verb):
    assert list(inspect.signature(verb).parameters) == ARGUMENTS[verb]


def test_everything_public_says_what_it_is():
    for name in NAMES:
        thing = getattr(commedia, name)
        assert name == "EXPRESSION_NAMES" or (thing.__doc__ and not thing.__doc__.startswith(f"{name}("))


def test_names_are_verbs_whatever_was_imported_before():
    """`commedia.retarget` is a folder too, and must not hide the verb."""
    program = """
import sys
for before in (
    "",
    "import commedia.retarget.cast",
    "import commedia.pipeline",
    "from commedia import track",
    "from commedia import *",
):
    for name in [name for name in sys.modules if name.partition(".")[0] == "commedia"]:
        del sys.modules[name]
    exec(before, {})
    import commedia, commedia.retarget.cast
    from commedia import retarget
    assert retarget is commedia.retarget and retarget.__module__ == "commedia.pipeline", before
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
