"""Everyone tracked in a take, as read, to the same people as the whole take shows them: for files, not live.

Read once, a take says who each person is, how their face rests, and what comes next; so said a second time, identity is
that of all frames, rest is 0, jitter is gone and nothing lags, the eyes of a blink agree, and short moments unseen are
bridged.

Faces are kept as rows of numbers, 369 bytes each: ten minutes of one person at 30 frames per second are 7 MB, and three
times that for the moment in which they are settled, whatever the size of the pictures, of which none is kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.faces.protocol import Landmarker
from commedia.structures import Box, FaceParams, HeadPose, Status, TrackedFace, TrackedFrame
from commedia.tracking.gaps import bridged
from commedia.tracking.identity import prediction_weight, robust_mean
from commedia.tracking.lids import agreeing_lids
from commedia.tracking.neutral import Neutral, neutral_of_take
from commedia.tracking.same_people import Seen, same_people
from commedia.tracking.settings import TrackLifecycle
from commedia.tracking.track import SOMEBODY, Likeness
from commedia.tracking.turned import SURE_PRESENCE
from commedia.tracking.zero_phase import EXPRESSION, steady_places, steady_rotations, unwrapped, zero_phase

STATUSES: tuple[Status, ...] = ("tracked", "held", "fading")
ROW = np.dtype(
    [
        *(("frame", "<i4"), ("status", "u1"), ("confidence", "<f4"), ("weight", "<f4"), ("presence", "<f4")),
        ("box", "<f4", (2, 2)),
        *(("expression", "<f4", EXPRESSION_COUNT), ("wxyz", "<f4", 4), ("origin_px", "<f4", 2), ("px_per_m", "<f4")),
        ("identity", "<f2", IDENTITY_COUNT),
    ]
)
"""One face in one frame. `weight` is how much it says about who that is, 0 where it was not seen; `presence` is NaN
where no crop was read."""
BLOCK = 256
ONE_PERSON = 0.75
"""Least likeness of two ids that become one. Stricter than on coming back: all of a take are compared with all."""
SMALL_PX = 32.0
"""A crop whose face is smaller is easily a face: the dot of an i, 20 px, had a median presence of .98. A stream cannot
ask that much of single looks: people of that size would come late or not at all."""
BLINKS = [EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]]

Rows = np.ndarray
"""Rows of one person, of type `ROW`, by frame."""


@dataclass(frozen=True)
class WholePerson:
    """What a whole take says about one person."""

    identity: Float[np.ndarray, "i"]
    neutral: Neutral
    """Of the readings, and taken away from them; nothing where the person is seen too briefly."""


class WholeTake:
    """Collects a take frame by frame with `add`; `settle` then reads it as a whole, and `frames` gives it back."""

    def __init__(self, *, find_neutral: bool = True):
        """`find_neutral` is not wanted where somebody's rest is known already."""
        self._find_neutral = find_neutral
        self._times_s: list[Fraction] = []
        self._waiting: dict[int, list[tuple]] = {}
        self._blocks: dict[int, list[Rows]] = {}
        self.people: dict[int, WholePerson] = {}
        """By id; known once settled."""
        self.nobody: dict[int, int] = {}
        """In how many frames a thing was taken for somebody, by the id it had; known once settled, and left out."""

    def add(self, tracked: TrackedFrame) -> None:
        """Take in the next frame, as `Tracker.follow` gives it when it does not smooth."""
        for face in tracked.faces:
            waiting = self._waiting.setdefault(face.id, [])
            waiting.append(_row(len(self._times_s), face))
            if len(waiting) == BLOCK:
                self._flush(face.id)
        self._times_s.append(tracked.time_s)

    def join(self, likenesses: Mapping[int, Likeness], recalled: Mapping[int, int]) -> list[tuple[int, int]]:
        """Give one id to whoever is one person by all looks at them, before settling; who was lost may be back.

        `recalled` says who was somebody else after all: `Recognition.recalled`. Returns who became whom.
        """
        for person in self._waiting:
            self._flush(person)
        # The latest first: 3 may be 2, which is 1.
        renamed = [(other, recalled[other]) for other in sorted(recalled.keys() & self._blocks.keys(), reverse=True)]
        for other, person in renamed:
            self._rename(other, person)
        people = {
            person: Seen(likenesses[person], set(_seen_in(self._blocks[person])))
            for person in likenesses.keys() & self._blocks.keys()
        }
        same = list(same_people(people, ONE_PERSON).items())
        for other, person in same:
            self._rename(other, person)
        return renamed + same

    def _rename(self, other: int, person: int) -> None:
        self._blocks.setdefault(person, []).extend(self._blocks.pop(other))
        self._waiting.setdefault(person, [])
        del self._waiting[other]

    def settle(self) -> dict[int, dict[str, float]]:
        """Read what was collected as a whole, once, after the last frame; returns how each face rests, by id and
        blendshape."""
        times_s = np.array([float(time_s) for time_s in self._times_s])
        for person in sorted(self._waiting):
            self._flush(person)
            rows = _in_order(np.concatenate(self._blocks.pop(person)))
            if _is_nobody(rows):
                self.nobody[person] = len(rows)
                continue
            self.people[person] = _settled(rows, times_s[rows["frame"]], find_neutral=self._find_neutral)
            self._blocks[person] = [rows]
        return {person: whole.neutral.named() for person, whole in self.people.items()}

    def frames(self, landmarker: Landmarker) -> Iterator[TrackedFrame]:
        """Every frame that was added, with everyone as the whole take shows them."""
        rows = {person: self._blocks[person][0] for person in sorted(self.people)}
        begins = {person: int(own["frame"][0]) for person, own in rows.items()}
        places = dict.fromkeys(rows, 0)
        for index, time_s in enumerate(self._times_s):
            there = []
            for person in [person for person in places if begins[person] <= index]:
                own, place = rows[person], places[person]
                if own["frame"][place] == index:
                    there.append((person, own[place]))
                    places[person] += 1
                    if places[person] == len(own):
                        del places[person]
            params = [_params(row, self.people[person].identity) for person, row in there]
            points = landmarker(params)
            faces = (_face(*who, face, at) for who, face, at in zip(there, params, points, strict=True))
            yield TrackedFrame(index, time_s, tuple(faces))

    def _flush(self, person: int) -> None:
        """Make rows of what waits; nothing may."""
        self._blocks.setdefault(person, []).append(np.array(self._waiting[person], dtype=ROW))
        self._waiting[person].clear()


def _seen_in(blocks: Sequence[Rows]) -> list[int]:
    """Frames in which somebody is tracked."""
    return [int(frame) for rows in blocks for frame in rows["frame"][rows["status"] == STATUSES.index("tracked")]]


def _in_order(rows: Rows) -> Rows:
    """Rows of one person by frame, of several in one frame the one that was seen: under another id they may have been
    fading when they came back."""
    rows = rows[np.lexsort((rows["status"], rows["frame"]))]
    return rows[np.diff(rows["frame"], prepend=-1) > 0]


def _is_nobody(rows: Rows) -> bool:
    """Say whether the median look from near gives less than it has to for somebody; no look is no doubt."""
    judged = rows[np.isfinite(rows["presence"])]
    if not len(judged):
        return False
    doubtful = float(rows["confidence"].max()) < TrackLifecycle.birth_confidence
    small = float(np.median(np.ptp(judged["box"], axis=1).max(1))) < SMALL_PX
    asked = SURE_PRESENCE if doubtful or small else SOMEBODY
    return float(np.median(judged["presence"])) < asked


def read_as_whole(frames: Iterable[TrackedFrame], landmarker: Landmarker) -> list[TrackedFrame]:
    """A short take, as `Tracker.follow` gives it when it does not smooth, to the same take as the whole shows it."""
    take = WholeTake()
    for tracked in frames:
        take.add(tracked)
    take.settle()
    return list(take.frames(landmarker))


def _settled(rows: Rows, times_s: Float[np.ndarray, "n"], *, find_neutral: bool) -> WholePerson:
    """Change the rows of one person to what the whole of them shows; also says who that is."""
    seen = rows["status"] == STATUSES.index("tracked")
    identity = robust_mean(rows["identity"], rows["weight"])
    expression = zero_phase(bridged(rows["expression"], seen, times_s), times_s, EXPRESSION)
    neutral = _neutral(expression[seen], times_s[seen], rows["wxyz"][seen]) if find_neutral else Neutral()
    expression = neutral.applied(expression)
    expression[:, BLINKS] = agreeing_lids(expression[:, BLINKS], times_s)
    rows["expression"] = expression
    rows["wxyz"] = steady_rotations(bridged(unwrapped(rows["wxyz"]), seen, times_s), times_s)
    _settle_places(rows, seen, times_s)
    return WholePerson(identity, neutral)


def _neutral(
    expression: Float[np.ndarray, "n 52"], times_s: Float[np.ndarray, "n"], wxyz: Float[np.ndarray, "n 4"]
) -> Neutral:
    # The last element of the rotation matrix.
    return neutral_of_take(expression, times_s, 1 - 2 * (wxyz[:, 1] ** 2 + wxyz[:, 2] ** 2))


def _settle_places(rows: Rows, seen: Bool[np.ndarray, "n"], times_s: Float[np.ndarray, "n"]) -> None:
    """Steady where the head is and how large, and take the box along."""
    origin_px, px_per_m = (bridged(rows[name], seen, times_s) for name in ("origin_px", "px_per_m"))
    origin_px, px_per_m = steady_places(origin_px, px_per_m, times_s)
    growth = (px_per_m / rows["px_per_m"])[:, None, None]
    rows["box"] = origin_px[:, None] + growth * (rows["box"] - rows["origin_px"][:, None])
    rows["origin_px"], rows["px_per_m"] = origin_px, px_per_m


def _row(frame: int, face: TrackedFace) -> tuple:
    params, pose, box = face.params, face.params.pose, face.box
    weight = 0.0
    if face.status == "tracked":
        judged = params.presence is not None
        weight = prediction_weight(face.confidence, pose.wxyz, refined=judged)
        weight *= params.presence if params.presence is not None else 1.0
    corners = ((box.left_px, box.top_px), (box.right_px, box.bottom_px))
    about = (frame, STATUSES.index(face.status), face.confidence, max(weight, 1e-6 * (face.status == "tracked")))
    presence = np.nan if params.presence is None or face.status != "tracked" else params.presence
    return (*about, presence, corners, params.expression, pose.wxyz, pose.origin_px, pose.px_per_m, params.identity)


def _params(row: np.void, identity: Float[np.ndarray, "i"]) -> FaceParams:
    pose = HeadPose(row["wxyz"].copy(), row["origin_px"].copy(), float(row["px_per_m"]))
    return FaceParams(identity, row["expression"].copy(), pose)


def _face(person: int, row: np.void, params: FaceParams, points: Float[np.ndarray, "68 2"]) -> TrackedFace:
    (left, top), (right, bottom) = row["box"].tolist()
    return TrackedFace(
        person, STATUSES[row["status"]], Box(left, top, right, bottom), params, points, float(row["confidence"])
    )
