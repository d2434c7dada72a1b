"""Table `looks`: do default heads look like the people they are made of, to the embedding that knows people apart?

Of each clip one person's look is made from some frames; their head is drawn in three moments, with and without it, and
compared with other frames of everybody. A sheet shows the actor, the painted head and their own, in each moment.
"""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import process_time

import numpy as np
from jaxtyping import Float, UInt8

from commedia.characters.default_head import default_head_glb
from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import CommediaError
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.sheets import Stage, write_sheet
from commedia.face_model.model import head_or_default
from commedia.looks.look import look_of
from commedia.looks.portraits import Portraits
from commedia.retarget.cast import OWN, PAINTED, Cast
from commedia.sources.open import open_frames
from commedia.structures import Frame, TrackedFace, TrackedFrame
from commedia.tracking.models import Models, open_models
from commedia.tracking.tracker import Tracker

FRAMES, BLOCK, COMPARED_EVERY = 90, 15, 5
"""Frames of each clip; of every two blocks one makes the look, and every so many of the other show the actor."""
SIDE_PX = 320
NAMED_OF_TWELVE = 10
MOMENTS = ("calm", "jawOpen", "mouthSmileLeft")
"""Least expression of all, and the most of two blendshapes."""


@dataclass(frozen=True)
class Actor:
    """One clip: what makes a look, and what it is compared with."""

    cast: Cast
    portraits: Portraits
    person: int
    identity: Float[np.ndarray, "i"]
    moments: list[tuple[Frame, TrackedFace]]
    likeness: Float[np.ndarray, "e"]
    """Mean embedding of frames that made no look."""


def looks(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure clips of one person each, twelve of them, of `--files` or of the data's `clips/`."""
    paths = (settings.files or tuple(sorted(settings.file("clips").glob("*.mp4"))))[: settings.limit]
    models = open_models(settings.mfn, settings.sfn)
    actors = []
    for number, path in enumerate(paths):
        progress("reading", number, len(paths))
        actors += [actor] if (actor := _actor(path, models)) is not None else []
    progress("reading", len(paths), len(paths))
    if len(actors) < 2:
        raise CommediaError(f"a look is told from others by their clips, and {len(actors)} of {len(paths)} show a face")
    stages = {
        PAINTED: [Stage(SIDE_PX, Cast(look=PAINTED)) for _ in actors],
        OWN: [Stage(SIDE_PX, a.cast) for a in actors],
    }
    drawn = {look: _drawn(actors, of, progress) for look, of in stages.items()}
    tiles = [
        np.concatenate(
            [stages[OWN][row].actor(frame.image, face.landmarks_px), *(drawn[look][row][place] for look in drawn)], 1
        )
        for row, actor in enumerate(actors)
        for place, (frame, face) in enumerate(actor.moments)
    ]
    write_sheet(settings.output / "looks.jpg", tiles, columns=len(MOMENTS))
    return [looks_table(actors, {look: _cosines(actors, pictures, models) for look, pictures in drawn.items()})]


def looks_table(actors: list[Actor], cosines: dict[str, Float[np.ndarray, "n n"]]) -> Table:
    """Cosines of each head (row) with each actor to how many are nearest to their own."""
    rows: list[tuple[Cell, ...]] = []
    for look, found in cosines.items():
        own, others = np.diag(found), found[~np.eye(len(found), dtype=bool)]
        cost = _cost(actors, look)
        rows.append((look, named(found), len(actors), float(np.nanmean(own)), float(np.nanmean(others)), *cost))
    least = int(np.ceil(NAMED_OF_TWELVE / 12 * len(actors)))
    goal = Goal(
        f"heads nearer to their own actor than to the {len(actors) - 1} others",
        named(cosines[OWN]),
        least,
        at_most=False,
    )
    notes = (
        f"The first {FRAMES} frames of each clip, by blocks of {BLOCK}: one makes the look, the next is compared with.",
        "A head's embedding is the mean over three drawn moments: calm, most jawOpen, most mouthSmileLeft. A head in "
        "which no face is found is nobody's.",
        "seconds: processor time to make look and character, mean. bytes: of the GLB without a clip, mean.",
    )
    columns = ("look", "named", "actors", "cosine to own", "cosine to others", "seconds", "bytes")
    return Table("looks", "Heads that look like their people", columns, tuple(rows), notes, (goal,))


def named(cosines: Float[np.ndarray, "n n"]) -> int:
    """How many rows have their greatest value in their own column; NaN is nobody's."""
    known = np.flatnonzero(~np.isnan(cosines).any(axis=1))
    return int((cosines[known].argmax(axis=1) == known).sum())


def _actor(path: Path, models: Models) -> Actor | None:
    cast, portraits, seen = Cast(), Portraits(), list[tuple[Frame, TrackedFrame]]()
    with open_frames(path) as source:
        for frame, tracked in islice(Tracker(models).follow(source, raw=True), FRAMES):
            seen.append((frame, tracked))
            if frame.index % (2 * BLOCK) < BLOCK:
                cast.see(frame, tracked)
                portraits.see(frame, tracked)
    everyone = [face.id for _, tracked in seen for face in tracked.faces if face.status == "tracked"]
    if not everyone:
        return None
    person = max(set(everyone), key=everyone.count)
    own = [
        (frame, face)
        for frame, tracked in seen
        for face in tracked.faces
        if (face.id, face.status) == (person, "tracked")
    ]
    identity = own[-1][1].params.identity
    own = [(frame, replace(face, params=replace(face.params, identity=identity))) for frame, face in own]
    compared = [pair for pair in own if pair[0].index % (2 * BLOCK) >= BLOCK][::COMPARED_EVERY] or own[::COMPARED_EVERY]
    assert models.embedder is not None
    likeness = np.mean([models.embedder.embed(frame.image, [face.landmarks_px])[0] for frame, face in compared], axis=0)
    return Actor(cast, portraits, person, identity, _moments(own), likeness)


def _moments(own: list[tuple[Frame, TrackedFace]]) -> list[tuple[Frame, TrackedFace]]:
    expressions = np.stack([face.params.expression for _, face in own])
    most = [int(expressions[:, EXPRESSION_INDEX[name]].argmax()) for name in MOMENTS[1:]]
    return [own[index] for index in (int(expressions.sum(axis=1).argmin()), *most)]


def _drawn(actors: list[Actor], stages: list[Stage], progress: Progress) -> list[list[UInt8[np.ndarray, "s s 3"]]]:
    pictures = []
    for number, (actor, stage) in enumerate(zip(actors, stages, strict=True)):
        progress("drawing", number, len(actors))
        pictures.append([stage.character(face) for _, face in actor.moments])
    progress("drawing", len(actors), len(actors))
    return pictures


def _cosines(
    actors: list[Actor], pictures: list[list[UInt8[np.ndarray, "s s 3"]]], models: Models
) -> Float[np.ndarray, "n n"]:
    theirs = np.stack([actor.likeness / np.linalg.norm(actor.likeness) for actor in actors])
    return np.stack([embedded(drawn, models, theirs.shape[1]) @ theirs.T for drawn in pictures])


def embedded(pictures: list[UInt8[np.ndarray, "s s 3"]], models: Models, size: int) -> Float[np.ndarray, "e"]:
    """The direction of a head's embedding over the pictures in which a face is found; NaN where in none."""
    assert models.embedder is not None
    total = np.zeros(size, np.float32)
    for picture in pictures:
        for face in models.detector.detect(picture)[:1]:
            if face.landmarks_px is not None:
                total = total + models.embedder.embed(picture, [face.landmarks_px])[0]
    length = np.linalg.norm(total)
    return total / length if length > 0 else np.full_like(total, np.nan)


def _cost(actors: list[Actor], look: str) -> tuple[float, int]:
    """Processor seconds to make a head with its look, and the bytes of its GLB, means."""
    began, sizes = process_time(), []
    for actor in actors:
        made = look_of(actor.portraits.of(actor.person), actor.identity, head_or_default(None)) if look == OWN else None
        sizes.append(len(default_head_glb(actor.identity, look=made)))
    return (process_time() - began) / len(actors), int(np.mean(sizes))
