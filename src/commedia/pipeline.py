"""The sentence: frames from a source go through the tracker, are retargeted, and are sent to every output.

Frame --detect--> Face --regress--> FaceParams --track--> TrackedFace --retarget--> RigPose --send--> Sink
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from commedia.errors import UnreadableMedia
from commedia.outputs.delivery import Delivery
from commedia.outputs.people import DEFAULT_FORMATS, check_formats
from commedia.outputs.results import result_folder
from commedia.outputs.summary import Summary
from commedia.retarget.acting import Acting, Calibration, calibration_from
from commedia.retarget.cast import Cast
from commedia.retarget.mapping import Mapping
from commedia.sources.folder import named_pictures
from commedia.sources.open import open_source
from commedia.structures import TrackedFrame
from commedia.tracking.models import Models, open_models
from commedia.tracking.tracker import Tracker

Progress = Callable[[int, int | None], None]
"""Told the frames done and the frames expected, None where nobody knows."""


def track(path: Path | str, *, models: Models | None = None) -> Iterator[TrackedFrame]:
    """Read everyone in a photo, a GIF, a video, a folder of photos or recorded motion, frame by frame."""
    with open_source(path) as source:
        for _, tracked in Tracker(models).follow(source):
            yield tracked


def retarget(
    path: Path | str,
    output: Path | str,
    *,
    character: Path | str | Cast | None = None,
    models: Models | None = None,
    preview: bool = True,
    overwrite: bool = False,
    formats: Sequence[str] = DEFAULT_FORMATS,
    rate: Fraction | None = None,
    mapping: str | Mapping | None = None,
    acting: Acting | None = None,
    progress: Progress = lambda done, expected: None,
) -> Summary:
    """Turn a photo, a GIF, a video or recorded motion into files per person, a take file and a preview.

    Args:
        path: What to watch, or a file of motion: a take, or a table or JSON of ARKit units.
        output: Folder for the results; made when missing. Results appear in it only when all are complete.
        character: A glTF file that everybody plays, or a `Cast`; by default the head model with everybody's own face.
        models: Networks to use instead of the shipped ones.
        preview: Draw the preview, which costs more time than everything else.
        overwrite: Replace the results of an earlier run.
        formats: What each person becomes: names of `outputs.people.FORMATS`.
        mapping: Which unit moves which morph: a shipped table by name, or one of your own; None finds one by name.
        acting: Changes what characters play, such as a `Calibration`; the take keeps what was measured.
        rate: Frames per second at which a table of motion counts its timecodes, where it does not show.
        progress: Called after every frame.
    """
    with open_source(path, rate=rate) as source, result_folder(Path(output), overwrite=overwrite) as folder:
        check_formats(formats, is_still=source.info.is_still)
        cast = character if isinstance(character, Cast) else Cast(character, mapping=mapping, acting=acting)
        with Delivery(folder, source, cast, preview=preview, formats=formats) as delivery:
            for frame, tracked in Tracker(models).follow(source):
                delivery.send(frame, tracked)
                progress(tracked.index + 1, source.info.frame_count)
        return delivery.summary(Path(output))


def calibrate(path: Path | str, *, models: Models | None = None) -> Calibration:
    """Learn a neutral face, and from a recording of some length the range too, from whoever is seen longest.

    Args:
        path: A photo of the face at rest, a video of it, or a take.
        models: Networks to use instead of the shipped ones.
    """
    readings: dict[int, list[np.ndarray]] = defaultdict(list)
    for tracked in track(path, models=models):
        for face in tracked.faces:
            if face.status == "tracked":
                readings[face.id].append(face.params.expression)
    return calibration_from(max(readings.values(), key=len, default=[]))


def retarget_folder(
    path: Path,
    output: Path,
    *,
    character: Path | str | None = None,
    models: Models | None = None,
    mapping: str | Mapping | None = None,
    acting: Acting | None = None,
    **options: Any,
) -> list[Summary]:
    """Retarget each picture of a folder for itself, into a folder of its own name. Options are those of `retarget`.

    Unreadable pictures are named in the notes of the last summary; when all are unreadable, that is an error.
    """
    cast, models = Cast(character, mapping=mapping, acting=acting), models or open_models()
    summaries, problems = [], []
    for picture, name in named_pictures(path):
        try:
            summaries.append(retarget(picture, output / name, character=cast, models=models, **options))
        except UnreadableMedia as error:
            problems.append(str(error))
    if not summaries:
        raise UnreadableMedia(f"none of the {len(problems)} pictures in '{path}' can be read; {problems[0]}")
    return [*summaries[:-1], replace(summaries[-1], notes=(*summaries[-1].notes, *problems))]
