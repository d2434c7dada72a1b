"""What a run made, as facts: for the table on the screen and for machines. Prints nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUMMARY_VERSION = 1


@dataclass(frozen=True)
class PersonSummary:
    """One person of a take."""

    id: int
    tracked_frames: int
    """Frames in which the person was really seen."""
    first_s: float
    last_s: float
    files: tuple[Path, ...]
    """The character and the motion; empty for somebody seen too briefly."""


@dataclass(frozen=True)
class Summary:
    """One take: what came in, who was found, what was written."""

    source: Path
    output: Path
    frames: int
    duration_s: float
    """From the first to the last frame."""
    people: tuple[PersonSummary, ...]
    files: tuple[Path, ...]
    """Everything written, the people's files included."""
    notes: tuple[str, ...]
    """What a reader of the result has to know, one sentence each."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, paths as text."""
        return {
            "version": SUMMARY_VERSION,
            "source": str(self.source),
            "output": str(self.output),
            "frames": self.frames,
            "duration_s": self.duration_s,
            "people": [
                {
                    "id": person.id,
                    "tracked_frames": person.tracked_frames,
                    "first_s": person.first_s,
                    "last_s": person.last_s,
                    "files": [str(path) for path in person.files],
                }
                for person in self.people
            ],
            "files": [str(path) for path in self.files],
            "notes": list(self.notes),
        }
