"""What a run made, as facts: for the table on the screen and for machines. Prints nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from commedia.outputs.attendance import Attendance, PersonFacts
from commedia.outputs.people import SHORTEST_APPEARANCE_S, shortest_appearance
from commedia.retarget.cast import OWN, PAINTED, Cast
from commedia.sources.source import Source

SUMMARY_VERSION = 1
SAID_OF_REST = 3
"""Blendshapes at rest that a note names, the strongest."""


@dataclass(frozen=True)
class PersonSummary:
    """One person of a take."""

    id: int
    tracked_frames: int
    """Frames in which the person was really seen."""
    first_s: float
    last_s: float
    character: str
    """The file that the person played, or `default head`."""
    look: str | None
    """Of the default head: one of `retarget.cast.LOOKS`, `own` only where the person was seen well; None for others."""
    files: tuple[Path, ...]
    """The character and the motion; empty for somebody seen too briefly."""
    facts: PersonFacts


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
        return {"version": SUMMARY_VERSION, **json.loads(json.dumps(asdict(self), default=str))}


def summarize(
    source: Source,
    cast: Cast,
    seen: Attendance,
    output: Path,
    files: Mapping[int, Sequence[Path]],
    more_files: Sequence[Path],
    failures: Sequence[str],
) -> Summary:
    """What a run made, with the names it has in `output`: `files` of each person, `more_files` of all together."""
    people = tuple(
        PersonSummary(
            *(person, presence.tracked_frames, float(presence.first_s), float(presence.last_s)),
            *(cast.role(person).name, cast.look_of(person)),
            tuple(output / file.name for file in files.get(person, ())),
            seen.facts(person),
        )
        for person, presence in sorted(seen.people.items())
    )
    return Summary(
        source=source.path,
        output=output,
        frames=seen.frames,
        duration_s=float(seen.duration_s),
        people=people,
        files=(*(file for person in people for file in person.files), *(output / file.name for file in more_files)),
        notes=(*source.notes, *_remarks(source, cast, seen), *failures),
    )


def _remarks(source: Source, cast: Cast, seen: Attendance) -> list[str]:
    remarks, shortest = [], shortest_appearance(source.info, seen.frames)
    if not seen.people:
        remarks.append("no face found; every frame is in the take, without anyone")
    short = [person for person, presence in sorted(seen.people.items()) if presence.tracked_frames < shortest]
    if short:
        brief = f"seen for less than {float(SHORTEST_APPEARANCE_S)} s"
        remarks.append(f"{brief}, so only in the take: person {_listed(short)}")
    remarks += [
        f"person {person}, found in {frames} frames, is left out: close looks show no face there (--causal keeps it)"
        for person, frames in sorted(seen.nobody.items())
    ]
    played = (cast.role(person) for person in sorted(seen.people))
    remarks += dict.fromkeys(
        f"{role.name}: {note}" for role in played if role.character for note in role.character.notes
    )
    shown = [person for person in sorted(seen.people) if person not in short]
    remarks += _said_of_looks(cast, shown, pictures=source.info.pictures)
    remarks += [_said_of_rest(person, rest) for person, rest in sorted(seen.neutral.items()) if rest]
    remarks += cast.notes if seen.people else []
    absent = [person for person in cast.people if person not in seen.people]
    if absent:
        there = f"; people: {_listed(sorted(seen.people))}" if seen.people else ""
        remarks.append(f"the cast names person {_listed(absent)}, who is not in the take{there}")
    if source.info.scale < 1:
        remarks.append(f"pictures were reduced to {source.info.scale:.3f} of their size; so are pixels in the take")
    return remarks


def _said_of_looks(cast: Cast, people: Sequence[int], *, pictures: bool) -> list[str]:
    own, painted = ([person for person in people if cast.look_of(person) == look] for look in (OWN, PAINTED))
    said = []
    if cast.person is not None and cast.person.albedo is not None:
        said.append(f"who plays no other character has the face of '{cast.person.id}', which is a likeness")
    if own:
        said.append(
            f"skin, hair and eyes of person {_listed(own)} are assumed to be as in the pictures, which is a likeness; "
            "--look mask leaves it out"
        )
    if painted and cast.look == OWN:
        how = "large, bright, in colour and from the front" if pictures else "in recorded motion"
        said.append(f"no picture shows person {_listed(painted)} {how}, so plain colours are assumed")
    return said


def _said_of_rest(person: int, rest: Mapping[str, float]) -> str:
    strongest = sorted(rest, key=lambda name: -rest[name])[:SAID_OF_REST]
    others = f" and {len(rest) - len(strongest)} that are less" if len(rest) > len(strongest) else ""
    said = ", ".join(f"{name} {rest[name]:.2f}" for name in strongest)
    return f"at rest person {person} reads as {said}{others}, which was taken away"


def _listed(people: Sequence[int]) -> str:
    return ", ".join(map(str, people))
