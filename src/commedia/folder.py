"""A folder at once: each picture, video or recorded motion in it is a take of its own, with results in a folder of its
own name."""

import collections.abc
from dataclasses import replace
from pathlib import Path
from typing import Any

from commedia.errors import CommediaError, UnreadableMedia
from commedia.face_model.person import Person
from commedia.outputs.people import DEFAULT_FORMATS, check_formats
from commedia.outputs.summary import Summary
from commedia.pipeline import retarget
from commedia.retarget.cast import OWN, Cast, Given
from commedia.retarget.mapping import Mapping
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.folder import FolderSource, folder_entries, left_alone
from commedia.sources.open import open_source
from commedia.sources.source import Source
from commedia.tracking.models import Models, open_models


def retarget_folder(
    path: Path,
    output: Path,
    *,
    character: Given | None = None,
    cast: collections.abc.Mapping[int, Given] | None = None,
    models: Models | None = None,
    mapping: str | Mapping | None = None,
    edit: PerformanceEdit | None = None,
    person: Person | None = None,
    look: str = OWN,
    **options: Any,
) -> list[Summary]:
    """Retarget each picture, video or recorded motion of a folder for itself, into a folder of its own name.

    Options are those of `retarget`. What cannot be read, and what was left alone, is named in the notes of the last
    summary; when nothing can be read, that is an error.
    """
    roles = Cast(character, cast, mapping=mapping, edit=edit, person=person, look=look)
    entries, left = folder_entries(path)
    summaries, problems = [], []
    for entry in entries:
        try:
            with open_source(entry.path) as source:
                _check_motion(source, options.get("formats", DEFAULT_FORMATS))
                if models is None and source.info.pictures:
                    models = open_models(head=roles.head)
                summaries.append(retarget(source, output / entry.name, cast=roles, models=models, **options))
        except UnreadableMedia as error:
            problems.append(str(error))
    if not summaries and not problems:
        raise UnreadableMedia(FolderSource(path).notes[0])
    if not summaries:
        raise UnreadableMedia(f"none of the {len(problems)} files in '{path}' can be read; {problems[0]}")
    return [*summaries[:-1], replace(summaries[-1], notes=(*summaries[-1].notes, *problems, *left_alone(left)))]


def _check_motion(source: Source, formats: collections.abc.Sequence[str]) -> None:
    """Name the one file that a format of photographs does not fit, and go on with the others."""
    try:
        check_formats(formats, is_still=source.info.is_still)
    except CommediaError as error:
        raise UnreadableMedia(f"'{source.path.name}' was left out: {error}") from None
