"""Many pictures at once: each picture of a folder is a take of its own, with results in a folder of its own name."""

import collections.abc
from dataclasses import replace
from pathlib import Path
from typing import Any

from commedia.errors import UnreadableMedia
from commedia.face_model.person import Person
from commedia.outputs.summary import Summary
from commedia.pipeline import retarget
from commedia.retarget.cast import Cast, Given
from commedia.retarget.mapping import Mapping
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.folder import named_pictures
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
    **options: Any,
) -> list[Summary]:
    """Retarget each picture of a folder for itself, into a folder of its own name. Options are those of `retarget`.

    Unreadable pictures are named in the notes of the last summary; when all are unreadable, that is an error.
    """
    roles = Cast(character, cast, mapping=mapping, edit=edit, person=person)
    models = models or open_models(head=roles.head)
    summaries, problems = [], []
    for picture, name in named_pictures(path):
        try:
            summaries.append(retarget(picture, output / name, cast=roles, models=models, **options))
        except UnreadableMedia as error:
            problems.append(str(error))
    if not summaries:
        raise UnreadableMedia(f"none of the {len(problems)} pictures in '{path}' can be read; {problems[0]}")
    return [*summaries[:-1], replace(summaries[-1], notes=(*summaries[-1].notes, *problems))]
