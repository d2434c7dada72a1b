"""Table `clips`: do eyes shut, do grins keep the jaw shut, do expressions move as MediaPipe says, is anybody extra.

Follows each clip once through the tracker, as a user gets it - read twice, or with `--causal` as a stream - and once by
SFN alone in crops placed by MediaPipe's points. Frames of shut eyes and of grins are drawn, the actor beside the
character.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from commedia.conventions import EXPRESSION_COUNT
from commedia.errors import CommediaError
from commedia.evaluation.clip_measures import (
    BLINK_LEFT,
    BLINK_RIGHT,
    JAW,
    ClipTracks,
    Expressions,
    correlation_table,
    detail_tables,
    grins,
    main_expression,
    main_faces,
    moments_table,
    shut_eyes,
)
from commedia.evaluation.mediapipe import ClipReading, read_clip
from commedia.evaluation.report import Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.sheets import Stage, write_sheet
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.protocol import RegressorProtocol
from commedia.sources.open import open_frames
from commedia.structures import Frame, TrackedFace, TrackedFrame
from commedia.tracking.models import open_models
from commedia.tracking.tracker import Tracker
from commedia.tracking.whole_take import read_as_whole

MOMENTS = {"clips-grins.jpg": grins, "clips-blinks.jpg": shut_eyes}
"""By sheet, which of MediaPipe's frames are drawn on it."""
DRAWN, COLUMNS = 40, 4
"""Frames of a sheet, spread evenly over all that qualify, and how many stand in a row."""

Chosen = Mapping[str, frozenset[int]]
"""By sheet, the frames of one clip that are drawn."""


def clips(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure the clips of `--files`, by default every .mp4 of the data's `clips/`."""
    landmarker = settings.landmarker_file()
    if landmarker is None:
        raise CommediaError("this table needs MediaPipe's face landmarker; say where it is with --landmarker")
    paths = (settings.files or tuple(sorted(settings.file("clips").glob("*.mp4"))))[: settings.limit]
    readings = []
    for index, path in enumerate(paths):
        progress("MediaPipe", index, len(paths))
        readings.append(read_clip(path, landmarker, settings.teacher_folder()))
    progress("MediaPipe", len(paths), len(paths))
    chosen = {
        sheet: spread([wanted(reading.scores) & reading.shows_somebody for reading in readings])
        for sheet, wanted in MOMENTS.items()
    }
    tracks, tiles = [], {sheet: [] for sheet in MOMENTS}
    for index, (path, reading) in enumerate(zip(paths, readings, strict=True)):
        progress("clips", index, len(paths))
        read, drawn = _our_tracks(path, reading, settings, {sheet: frames[index] for sheet, frames in chosen.items()})
        tracks.append(read)
        for sheet, pictures in drawn.items():
            tiles[sheet] += pictures
    progress("clips", len(paths), len(paths))
    for sheet, pictures in tiles.items():
        write_sheet(settings.output / sheet, pictures, columns=COLUMNS)
    return [moments_table(tracks), correlation_table(tracks), *detail_tables(tracks)]


def spread(wanted: Sequence[Bool[np.ndarray, " _"]], count: int = DRAWN) -> list[frozenset[int]]:
    """Frames that qualify, clip by clip, to at most `count` of them, evenly spaced over all."""
    every = [(clip, int(frame)) for clip, frames in enumerate(wanted) for frame in np.flatnonzero(frames)]
    places = np.linspace(0, len(every) - 1, min(count, len(every))).round().astype(int)
    kept = [every[place] for place in places]
    return [frozenset(frame for clip, frame in kept if clip == number) for number in range(len(wanted))]


def _our_tracks(
    path: Path, reading: ClipReading, settings: EvaluationSettings, chosen: Chosen
) -> tuple[ClipTracks, dict[str, list[UInt8[np.ndarray, "h w 3"]]]]:
    """Follow one clip; and the chosen frames, drawn."""
    models = open_models(settings.mfn, settings.sfn)
    count = len(reading.scores)
    alone = np.full((count, EXPRESSION_COUNT), np.nan, dtype=np.float32)
    followed: list[TrackedFrame] = []
    kept: dict[int, Frame] = {}
    with open_frames(path) as source:
        # With all its models, as `commedia retarget` opens them: small false faces come from the tiles.
        for frame, tracked in islice(Tracker(models).follow(source, raw=not settings.causal), count):
            followed.append(tracked)
            if frame is None:
                continue
            if reading.seen[frame.index]:
                alone[frame.index] = _read_alone(models.regressor, frame, reading.points_px[frame.index])
            if any(frame.index in frames for frames in chosen.values()):
                kept[frame.index] = frame
    if not settings.causal:
        followed = read_as_whole(followed, models.landmarker)
    people = len({face.id for frame in followed for face in frame.faces if face.status == "tracked"})
    tracks = ClipTracks(path.stem, reading, main_expression(followed, count), alone, people)
    return tracks, _drawn(tracks, main_faces(followed), kept, chosen)


def _read_alone(
    regressor: RegressorProtocol, frame: Frame, points: Float[np.ndarray, "68 2"]
) -> Float[np.ndarray, "52"]:
    return regressor.regress(frame.image, [crop_from_landmarks(points)])[0].expression


def _drawn(
    tracks: ClipTracks, faces: Mapping[int, TrackedFace], frames: Mapping[int, Frame], chosen: Chosen
) -> dict[str, list[UInt8[np.ndarray, "h w 3"]]]:
    stage = Stage()
    return {
        sheet: [
            stage.draw(
                frames[index],
                tracks.theirs.points_px[index],
                faces.get(index),
                f"{tracks.name} {index}",
                _numbers(tracks.tracked[index]),
            )
            for index in sorted(wanted)
            if index in frames
        ]
        for sheet, wanted in chosen.items()
    }


def _numbers(expression: Expressions) -> str:
    left, right, jaw = expression[[BLINK_LEFT, BLINK_RIGHT, JAW]]
    return f"blink {left:.2f} {right:.2f}, jaw {jaw:.2f}"
