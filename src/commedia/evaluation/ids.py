"""Tables `ids`: do people keep their ids over a clip, and is everybody found; after cuts, absences and crossings, too.

Whether two people are told apart after a cut, and whether one comes back as themselves, is played with people of clips,
cut together, and with drawn performers before photographs.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from commedia.errors import MissingExtra
from commedia.evaluation.asked_once import asked_once
from commedia.evaluation.id_stories import (
    GAPS_S,
    SHOT,
    Ending,
    Somebody,
    comes_back,
    crossing_keeps_names,
    cut_keeps_apart,
    squared,
)
from commedia.evaluation.metrics import id_switches
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.sources.open import open_frames, open_source
from commedia.structures import TrackedFrame
from commedia.tracking.models import Models, open_models
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

PEOPLE = (
    *("lia-vox1.mp4", "sadtalker-talk1.mp4", "pyfeat-single_face.mp4", "smirk-dafoe.mp4", "3ddfa-obama.mp4"),
    *(f"liveportrait-{name}.mp4" for name in ("d0", "d3", "d10", "d11", "d12", "d14", "d18", "d19", "d20", "s18")),
    "liveportrait-s32.mp4",
    *(f"intel_previews-head-pose-face-detection-{who}.gif" for who in ("female", "male")),
)
"""Clips of one person each, all different people."""
STRIDE = 3
"""Of the frames of such a clip every third is shown, so that two appearances differ."""
DRAWN = 32
PARTNERS = {"clips": {"cut between two": 17, "two cross": 2}, "drawn": {"cut between two": 4, "two cross": 1}}
"""With how many of those after them in the list everybody plays a story of two; 17 are all."""
LEAST_RIGHT = 0.95


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
    """Follow the clips as `commedia retarget` would, and play the stories."""
    return [*_over_time(settings, progress), _told_apart(settings, progress)]


def _told_apart(settings: EvaluationSettings, progress: Progress) -> Table:
    models = open_models(settings.mfn, settings.sfn)
    casts = {"clips": _people_of_clips(settings), "drawn": _drawn_people(settings)}
    rows = []
    for index, (kind, cast) in enumerate(casts.items()):
        progress("stories", index, len(casts))
        pictures = [picture for somebody in cast for picture in (*somebody.pictures, somebody.place)]
        for story, play in stories(asked_once(models, pictures)).items():
            rows.append((story, kind, *_played(play, cast[: settings.limit], PARTNERS[kind].get(story, 1))))
    progress("stories", len(casts), len(casts))
    columns = ("story", "people", "played", "right as a stream", "share", "right as a whole", "share")
    goals = [
        Goal(f"{row[0]}, {row[1]}, {how}", float(row[place]), LEAST_RIGHT, at_most=False)
        for row in rows
        if row[2]
        for how, place in (("as a stream", 4), ("as a whole", 6))
    ]
    notes = (
        f"An appearance has {SHOT} frames. Right: each person has one id, the same in both appearances, and no other.",
        "Cuts: everybody of the clips with everybody, drawn people with the next four. Crossings: with the next two, "
        "drawn people with the next one; the first one hides the second.",
        "As a stream: as said frame by frame. As a whole: as `commedia retarget` reads a recording, in the end.",
    )
    return Table("id-stories", "Who is who", columns, tuple(rows), notes, tuple(goals))


def stories(models: Models) -> dict[str, Callable[[Somebody, Somebody], Ending]]:
    """What is played, by name: a person and the next one to whether all ends well."""
    back = {f"back after {gap_s} s": lambda first, _, gap_s=gap_s: comes_back(models, first, gap_s) for gap_s in GAPS_S}
    return {
        "cut between two": lambda first, second: cut_keeps_apart(models, first, second),
        **back,
        "two cross": lambda first, second: crossing_keeps_names(models, first, second),
    }


def _played(
    play: Callable[[Somebody, Somebody], Ending], cast: Sequence[Somebody], after: int
) -> tuple[int, int, float, int, float]:
    """Play a story with everybody and each of the `after` next; returns how often, and how often and which share
    rightly as a stream and as a whole."""
    pairs = pairs_in_a_ring(len(cast), after)
    endings = [play(cast[first], cast[second]) for first, second in pairs]
    live, whole = sum(ending.live for ending in endings), sum(ending.whole for ending in endings)
    share = 1 / len(pairs) if pairs else float("nan")
    return len(pairs), live, live * share, whole, whole * share


def pairs_in_a_ring(count: int, after: int) -> list[tuple[int, int]]:
    """Everybody with each of the `after` next ones, the first after the last, no two of them twice."""
    pairs: dict[frozenset[int], tuple[int, int]] = {}
    for first in range(count):
        for step in range(1, min(after, count - 1) + 1):
            second = (first + step) % count
            # The story of one person needs nobody else.
            pairs.setdefault(frozenset((first, second)), (first, second))
    return list(pairs.values())


def _people_of_clips(settings: EvaluationSettings) -> list[Somebody]:
    """The beginning of each clip, every third frame where it is long enough; the empty place is grey."""
    people = []
    for name in PEOPLE:
        frames = list(islice(open_frames(settings.file("clips", name)), STRIDE * 2 * SHOT))
        chosen = frames[:: STRIDE if len(frames) == STRIDE * 2 * SHOT else 1]
        pictures = [squared(frame.image) for frame in chosen]
        people.append(Somebody(name, pictures, np.full_like(pictures[0], 120)))
    return people


def _drawn_people(settings: EvaluationSettings) -> list[Somebody]:
    """Performers, which takes torch."""
    try:
        from commedia.evaluation.drawn_people import drawn_people
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("the table 'ids' draws performers, which", "torch", "train") from error
    return drawn_people(DRAWN, settings.file("backgrounds", "bsds500.tar"))


def _over_time(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Follow the clips as `commedia retarget` would, and count."""
    rows: list[tuple[Cell, ...]] = []
    goals: list[Goal] = []
    for index, scene in enumerate(SCENES):
        progress("clips", index, len(SCENES))
        models = open_models(settings.mfn, settings.sfn)
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
