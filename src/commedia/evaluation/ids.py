"""Table `ids`: do people keep their ids over a clip, and is everybody found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commedia.evaluation.metrics import id_switches
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.sources.open import open_source
from commedia.structures import TrackedFrame
from commedia.tracking.models import open_models
from commedia.tracking.tracker import Tracker


@dataclass(frozen=True)
class Scene:
    """A clip and who is in it, counted by eye."""

    clip: str
    people: int
    throughout: bool
    """Everybody is to be seen from the first frame to the last."""


SCENES = (
    Scene("intel_previews-head-pose-face-detection-female-and-male.gif", 2, throughout=True),
    Scene("intel_previews-classroom.gif", 4, throughout=False),
)


@dataclass(frozen=True)
class IdCounts:
    """What became of ids in one clip."""

    frames: int
    people: int
    """Distinct ids that were ever tracked."""
    lasting: int
    """Ids tracked in at least half of the frames."""
    throughout: int
    """Ids tracked in every frame."""
    switches: int
    histogram: tuple[tuple[int, int], ...]
    """Faces tracked at once, and in how many frames."""


def ids(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Follow the clips as `commedia retarget` would, and count."""
    rows: list[tuple[Cell, ...]] = []
    goals: list[Goal] = []
    for index, scene in enumerate(SCENES):
        progress("clips", index, len(SCENES))
        models = open_models(settings.mfn, settings.sfn, flip_average=settings.flip_average)
        with open_source(settings.file("clips", scene.clip)) as source:
            counts = count_ids([tracked for _, tracked in Tracker(models).follow(source)])
        histogram = ", ".join(f"{faces} in {frames}" for faces, frames in counts.histogram)
        name = scene.clip.removeprefix("intel_previews-").removesuffix(".gif")
        kept = counts.people, counts.lasting, counts.throughout, counts.switches
        rows.append((name, counts.frames, scene.people, *kept, histogram))
        goals += _goals(name, scene, counts)
    progress("clips", len(SCENES), len(SCENES))
    columns = (
        *("clip", "frames", "people (by eye)", "ids", "in half of the frames", "in every frame"),
        *("switches", "faces at once: in frames"),
    )
    notes = (
        "Counted are faces seen in the frame ('tracked'), not those held or fading.",
        "A switch: the face nearest to where one was a frame ago carries another id.",
    )
    return [Table("ids", "Ids over time", columns, tuple(rows), notes, tuple(goals))]


def _goals(name: str, scene: Scene, counts: IdCounts) -> list[Goal]:
    people = float(scene.people)
    if not scene.throughout:
        return [Goal(f"ids in half of the frames of {name}", float(counts.lasting), people, at_most=False)]
    return [
        Goal(f"ids in every frame of {name}", float(counts.throughout), people, at_most=False),
        Goal(f"ids at all in {name}", float(counts.people), people, at_most=True),
    ]


def count_ids(frames: Sequence[TrackedFrame]) -> IdCounts:
    """Count ids, how long each lasts, and switches between neighbours."""
    seen = [[face for face in frame.faces if face.status == "tracked"] for frame in frames]
    lengths = Counter(face.id for faces in seen for face in faces)
    centers = [np.array([face.box.center_px for face in faces], dtype=np.float64).reshape(-1, 2) for faces in seen]
    return IdCounts(
        frames=len(frames),
        people=len(lengths),
        lasting=sum(2 * length >= len(frames) for length in lengths.values()),
        throughout=sum(length == len(frames) for length in lengths.values()),
        switches=id_switches([np.array([face.id for face in faces], dtype=np.int64) for faces in seen], centers),
        histogram=tuple(sorted(Counter(len(faces) for faces in seen).items())),
    )
