"""The verb: pictures and videos of one person in, their rig and their profile out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from commedia.characters.default_head import own_character, own_glb
from commedia.errors import CommediaError, OutputFailed, UnknownName
from commedia.face_model.model import head_or_default
from commedia.face_model.person import Person
from commedia.face_model.person_file import LONGEST_ID, SUFFIX, write_person
from commedia.faces.points import open_points
from commedia.files import write_file
from commedia.outputs.files.usd import UsdWriter
from commedia.outputs.files.usd_rig import load_usd
from commedia.personal.choose import chosen_cuts
from commedia.personal.make import Effort, Made, make_person
from commedia.personal.watch import Tell, expanded, watched, who_is_meant
from commedia.tracking.models import Models, open_models

FORMATS = ("glb", "usd", "commedia")
USD_RATE = Fraction(30)


@dataclass(frozen=True)
class PersonalSummary:
    """What was made, for people and machines."""

    person: str
    files: tuple[Path, ...]
    frames: int
    """Of which the rig is made."""
    unseen_frames: int
    """By which it was judged."""
    missing: tuple[str, ...]
    """What of a face was not seen; there the rig moves as the head model does."""
    prior_error: float | None
    """Photometric error on the unseen frames, 0 to 1, of the head model with the skin of the pictures; None without."""
    own_error: float | None
    """The same of the person's rig."""
    is_kept: bool
    """Whether what was written is the person's rig; otherwise it is the head model with their identity and skin."""
    own_blendshapes: tuple[str, ...]
    median_cosine: float | None
    """Of own blendshapes with the head model's: near 1 they move as themselves."""
    wrinkle_maps: tuple[str, ...]
    """With what their skin changes, where that makes unseen frames more like themselves."""
    skin_error: float | None
    """How far the skin at rest, as the rig's frames show it, is from the unseen frames', in doublings of linear
    colour."""
    wrinkled_skin_error: float | None
    """The same with the wrinkle maps."""
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "files": [str(path) for path in self.files]}


def personalize(
    inputs: Sequence[Path | str],
    output: Path | str,
    *,
    person: int | None = None,
    formats: Sequence[str] = (),
    models: Models | None = None,
    overwrite: bool = False,
    effort: Effort | None = None,
    progress: Tell = lambda stage, done, total: None,
) -> PersonalSummary:
    """Turn videos, pictures or folders of one person into a rig that is theirs, and a profile for `retarget`.

    Args:
        inputs: What shows the person.
        output: The file to write; its ending is one of `FORMATS`. The profile, `.commedia`, is always written too.
        person: Who is meant, by their number in the first input where somebody has it; None is the most seen.
        formats: Other `FORMATS` to write beside it.
        models: Networks to use instead of the shipped ones.
        overwrite: Replace files that are there.
        effort: How much work it is worth.
        progress: Told a stage, what is done of it and how much there is.
    """
    output = Path(output)
    targets = _targets(output, formats, overwrite)
    takes, notes = watched(expanded([Path(path) for path in inputs]), models or open_models(), progress)
    meant = who_is_meant(takes, person)
    cuts, missing = chosen_cuts(takes, meant, progress)
    head, finder = head_or_default(None), open_points()
    made = make_person(output.stem[:LONGEST_ID], cuts, head, effort or Effort(), progress, finder=finder)
    without = [take.path.name for place, take in enumerate(takes) if place not in meant]
    if without:
        notes.append(f"the person is not in {', '.join(without)}")
    summary = PersonalSummary(
        made.person.id,
        tuple(targets.values()),
        len(cuts.made_of),
        len(cuts.unseen),
        tuple(missing),
        _number(made.judgement.prior),
        _number(made.judgement.own) if made.judgement.is_kept or cuts.unseen else None,
        made.judgement.is_kept,
        tuple(made.cosines),
        float(np.median(list(made.cosines.values()))) if made.cosines else None,
        tuple(one.name for one in made.person.wrinkles),
        _number(made.judgement.skin),
        _number(made.judgement.wrinkled),
        (*notes, *_remarks(made, len(cuts.unseen))),
    )
    return replace(summary, files=tuple(write(made.person, targets, summary)))


def write(person: Person, targets: Mapping[str, Path], summary: PersonalSummary) -> list[Path]:
    """Write a person as each of `FORMATS` that is asked for; returns all files, pictures beside them included."""
    written: list[Path] = []
    for name, path in targets.items():
        if name == "glb":
            write_file(path, own_glb(person))
        elif name == "usd":
            writer = UsdWriter(path, own_character(person), USD_RATE)
            writer.close()
            written += writer.paths[1:]
        else:
            told = {key: value for key, value in summary.to_json().items() if key not in ("files", "notes", "person")}
            write_person(path, person, told)
        written.append(path)
    return written


def _targets(output: Path, formats: Sequence[str], overwrite: bool) -> dict[str, Path]:
    """The files to write, by format; raises before any work where one cannot be."""
    named = output.suffix.lower().removeprefix(".")
    if named not in FORMATS:
        raise CommediaError(
            f"'{output}' ends in none of {', '.join('.' + name for name in FORMATS)}; name one of these files"
        )
    for name in formats:
        if name not in FORMATS:
            raise UnknownName("format", name, FORMATS)
    targets = {named: output}
    targets |= {name: output.with_suffix(f".{name}") for name in (*formats, SUFFIX[1:]) if name not in targets}
    if "usd" in targets:
        load_usd()
    there = [path for path in targets.values() if path.exists()]
    if there and not overwrite:
        raise OutputFailed(f"'{there[0]}' is there already; choose another name, or pass --overwrite")
    return targets


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)


def _remarks(made: Made, unseen: int) -> list[str]:
    remarks = ["skin, hair and shape are those of the pictures: a likeness; ask people before you pass it on"]
    if not unseen:
        remarks.append(
            "no frame could be kept aside to judge by, so this is the head model with their identity and skin"
        )
    elif not made.judgement.is_kept:
        remarks.append(
            "their own shape was no better on unseen frames, so this is the head model with their identity and skin"
        )
    if not made.has_look:
        remarks.append(
            "no picture shows them large, bright, in colour and from the front, so plain colours are assumed"
        )
    return remarks
