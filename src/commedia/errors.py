"""What can go wrong for a user, each as one sentence that names what was asked, what was found and what exists.

Children are named after the thing that is wrong. A developer's mistake is an `assert`, not one of these.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any


class CommediaError(Exception):
    """Anything a user can put right; the command line prints it as one line and exits with code 2."""


class UnreadableMedia(CommediaError):
    """A picture, video or folder that cannot be read."""


class BadPicture(CommediaError):
    """Something handed to a tracker that is no picture, or no time."""

    def __init__(self, found: str):
        super().__init__(
            f"a tracker takes an RGB picture, a numpy array of uint8 with shape (height, width, 3), and a time in "
            f"seconds; it was given {found}"
        )


class BadCharacter(CommediaError):
    """A character file that cannot be read, or that has nothing to animate."""


class UnknownName(CommediaError):
    """A name that is not in a table: a blendshape, a recipe, a preset, a landmark."""

    def __init__(self, kind: str, asked: str, known: Iterable[str], hint: str = ""):
        names = list(known)
        super().__init__(f"unknown {kind} '{asked}'; {hint or nearest(asked, names)}known: {', '.join(names)}")


class WeightsMismatch(CommediaError):
    """A weights file that does not fit the network, the head model or its own card."""


class BadShard(CommediaError):
    """A training shard that breaks the contract of `data/sample.py`."""


class RunExists(CommediaError):
    """A training run's folder that already holds one."""

    def __init__(self, checkpoint: object):
        super().__init__(f"'{checkpoint}' is of a run that began before: go on with --resume, or name another folder")


class MissingExtra(CommediaError):
    """A feature that needs a package which is not installed."""

    def __init__(self, feature: str, package: str, extra: str):
        wanted = f"commedia[{extra}]" if extra else "commedia"
        super().__init__(f"{feature} needs the package '{package}'; install it with: pip install '{wanted}'")


class BadAddress(CommediaError):
    """The address of a stream that cannot be read, or that cannot be used."""


class MalformedPacket(CommediaError):
    """Bytes from a network that are no packet of the protocol they came by."""


class OutputFailed(CommediaError):
    """A result that could not be written; what was there before is untouched."""


class BadRate(OutputFailed):
    """A frame rate at which no frame ever comes."""

    def __init__(self, path: Path, what: str, rate: Fraction):
        super().__init__(f"cannot write {path}: {what} needs a positive frame rate, not {rate}")


class BadCastEntry(CommediaError):
    """An entry of a cast that names no person or no file, or a person twice."""

    def __init__(self, entry: str, *, earlier: str = ""):
        form = (
            "PERSON=FILE, such as 1=hero.glb (people are numbered from 1, as in the take), default=other.glb or troupe"
        )
        problem = f"comes after '{earlier}'; give each person once" if earlier else f"is not of the form {form}"
        super().__init__(f"--cast: '{entry}' {problem}")


class IncompleteResults(OutputFailed):
    """Some outputs failed; the others are complete, and `summary` says what there is."""

    def __init__(self, failures: Iterable[str], summary: Any):
        super().__init__(f"the results in '{summary.output}' are incomplete: {'; '.join(failures)}")
        self.summary = summary


class SinkClosed(CommediaError):
    """A pose sent to a sink that was already closed."""

    def __init__(self, path: Path):
        super().__init__(f"{path} is already closed")


def optional(module: str, feature: str, extra: str, package: str = "") -> Any:
    """Import a module of a package that only `extra` brings; raises `MissingExtra` where it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(feature, package or module.partition(".")[0], extra) from error


def nearest(asked: str, known: Iterable[str]) -> str:
    """Say which known name is closest to the one asked for, or nothing when none is close."""
    by_lower = {name.lower(): name for name in known}
    match = get_close_matches(asked.lower(), by_lower, n=1)
    return f"did you mean '{by_lower[match[0]]}'? " if match else ""
