"""Table `neutral`: does a face at rest stay at rest, on photographs in which MediaPipe sees no expression."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import CommediaError
from commedia.evaluation.mediapipe import ibug_points
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.sfn import open_sfn
from commedia.files import named_aside, sha256_of
from commedia.labelling.pictures import PictureGroup, SourcePicture
from commedia.labelling.teacher import Teacher

COUNT = 500
AT_REST, EYES_AT_REST = 0.25, 0.5
"""MediaPipe's largest scores on a neutral photograph: of mouth, jaw and raised brows; of gaze, lids and lowered brows,
of which it sees more in faces at rest. `eyeSquint`, of which it sees .4 in half of all faces, does not count."""
LIMITS = np.array(
    [
        1.0 if name.startswith("eyeSquint") else EYES_AT_REST if name.startswith(("eye", "browDown")) else AT_REST
        for name in EXPRESSION_NAMES
    ]
)
BROW = EXPRESSION_INDEX["browInnerUp"]
HIGH_PERCENTILE = 95
"""What faces at rest hardly exceed: `tracking.neutral` takes no more than about that away from anybody."""
GOAL_MEAN, GOAL_BROW = 0.05, 0.10


@dataclass(frozen=True)
class NeutralPhotos:
    """The photographs that were chosen, in the order of their files."""

    keys: tuple[str, ...]
    points_px: Float[np.ndarray, "n 68 2"]
    """MediaPipe's."""
    scores: Float[np.ndarray, "n 52"]
    looked_at: int
    """Photographs that were read to find these."""


def neutral(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Read the first neutral photographs of LFW in crops placed by MediaPipe's points."""
    group = PictureGroup("lfw", tuple(sorted(settings.file("faces").glob("lfw-*.tar"), reverse=True)))
    count = min(COUNT, settings.limit or COUNT)
    photos = _chosen(group, count, settings, progress)
    if not photos.keys:
        raise CommediaError("MediaPipe finds no neutral face among the photographs faces/lfw-*.tar of --data")
    regressor = open_sfn(settings.sfn, threads=1, flip_average=settings.flip_average)
    points = dict(zip(photos.keys, photos.points_px, strict=True))
    read = []
    for picture in _pictures(group, points):
        progress("neutral photographs", len(read), len(points))
        crop = crop_from_landmarks(points[picture.source])
        read.append(regressor.regress(picture.decoded(), [crop])[0].expression)
    progress("neutral photographs", len(points), len(points))
    return [neutral_table(np.array(read), photos)]


def is_neutral(scores: Float[np.ndarray, "52"]) -> bool:
    """Say whether MediaPipe sees no expression."""
    return bool((scores <= LIMITS).all())


def neutral_table(read: Float[np.ndarray, "n 52"], photos: NeutralPhotos) -> Table:
    """Mean of every blendshape, the largest of ours first."""
    ours, theirs = read.mean(axis=0), photos.scores.mean(axis=0)
    high = np.percentile(read, HIGH_PERCENTILE, axis=0)
    rows: list[tuple[Cell, ...]] = [("all", float(ours.mean()), None, float(theirs.mean()))]
    for index in np.argsort(-ours):
        rows.append((EXPRESSION_NAMES[index], float(ours[index]), float(high[index]), float(theirs[index])))
    goals = (
        Goal("mean over all blendshapes", float(ours.mean()), GOAL_MEAN, at_most=True),
        Goal("mean browInnerUp", float(ours[BROW]), GOAL_BROW, at_most=True),
    )
    notes = (
        f"{len(read)} photographs: of {photos.looked_at} of LFW, last file first, those on which no score of MediaPipe "
        f"is above {AT_REST} (gaze, lids and browDown: {EYES_AT_REST}; eyeSquint does not count).",
        "Read in crops placed by MediaPipe's points. MediaPipe sees the whole picture, which is twice the face's box.",
        "The photographs may have been trained on, with labels; see the card of the weights.",
    )
    return Table(
        "neutral",
        "Neutral photographs",
        ("mean of", "SFN", f"SFN, {HIGH_PERCENTILE} % below", "MediaPipe"),
        tuple(rows),
        notes,
        goals,
    )


def _pictures(group: PictureGroup, wanted: dict[str, np.ndarray]) -> Iterator[SourcePicture]:
    left = set(wanted)
    for picture in group:
        if not left:
            return
        if picture.source in left:
            left.remove(picture.source)
            yield picture


def _chosen(group: PictureGroup, count: int, settings: EvaluationSettings, progress: Progress) -> NeutralPhotos:
    """Find the photographs, or remember them."""
    landmarker = settings.landmarker_file()
    if landmarker is None:
        raise CommediaError("this table needs MediaPipe's face landmarker; say where it is with --landmarker")
    name = f"neutral-{count}-{AT_REST:g}-{EYES_AT_REST:g}-{_digest(group.paths)}-{sha256_of(landmarker)[:8]}.npz"
    memory = settings.teacher_folder() / name
    if not memory.is_file():
        photos = _search(group, count, landmarker, progress)
        with named_aside(memory, ".npz") as aside:
            np.savez_compressed(
                aside, keys=photos.keys, points=photos.points_px, scores=photos.scores, looked_at=photos.looked_at
            )
    with np.load(memory, allow_pickle=False) as kept:
        keys = tuple(map(str, kept["keys"]))
        return NeutralPhotos(keys, kept["points"], kept["scores"], int(kept["looked_at"]))


def _search(group: PictureGroup, count: int, landmarker: Path, progress: Progress) -> NeutralPhotos:
    keys, points, scores, looked_at = [], [], [], 0
    with Teacher(landmarker) as teacher:
        for picture in group:
            progress("MediaPipe", len(keys), count)
            looked_at += 1
            prediction = teacher.read(picture.decoded())
            if prediction is not None and is_neutral(prediction.scores):
                keys.append(picture.source)
                points.append(ibug_points(prediction))
                scores.append(prediction.scores)
            if len(keys) == count:
                break
    progress("MediaPipe", count, count)
    return NeutralPhotos(tuple(keys), np.array(points).reshape(-1, 68, 2), np.array(scores).reshape(-1, 52), looked_at)


def _digest(paths: tuple[Path, ...]) -> str:
    return "".join(sha256_of(path)[:4] for path in paths)
