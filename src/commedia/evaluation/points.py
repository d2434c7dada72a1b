"""Table `points`: how far the points network's points, and SFN's, are from the head's own, and how alike errors are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, islice

import numpy as np
from jaxtyping import Bool, Float

from commedia.data.shards import read_shard
from commedia.errors import BadShard, CommediaError
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.points import open_points
from commedia.faces.sfn import open_sfn
from commedia.geometry.rotations import matrix_from_wxyz

OURS = "points network"
COLUMNS = ("points", "faces", "NME %", "mm per axis", "neighbours", "frames", "sure")
NOTES = (
    "In crops that the true points place. NME: mean distance over the root of the area of the tight box.",
    "mm per axis: root mean square, by the size that SFN reads. neighbours: correlation of the errors of points that "
    "follow each other, across and down; frames: share of errors' variance that is the same in all pictures of a "
    "person, '-' where nobody is seen twice. Errors that are independent have 0 of both.",
    "sure: mean length of errors as weighed by how sure the network is; 2 is right.",
    "turned: angle between where the head looks and the camera; jaw: the first 17 points, of which the far ones are "
    "out of sight from 30 degrees or so.",
)
TURNED_DEG = 30.0


@dataclass(frozen=True)
class Errors:
    """Of one way to find points, in millimetres and upright as the crop."""

    off_mm: Float[np.ndarray, "n p 2"]
    share: Float[np.ndarray, "n p"]
    """Distance in % of the root of the area of the box."""
    weighed: Float[np.ndarray, "n p"] | None = None

    def of(self, faces: Bool[np.ndarray, "n"], points: slice) -> "Errors":
        """The same of some faces and points."""
        weighed = None if self.weighed is None else self.weighed[faces, points]
        return Errors(self.off_mm[faces, points], self.share[faces, points], weighed)


@dataclass(frozen=True)
class Shown:
    """What is known of the faces that were looked at."""

    people: list[str]
    turned_deg: Float[np.ndarray, "n"]


def points(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure on the single faces of shards whose points are the head's own."""
    if not settings.shards:
        raise CommediaError("this table needs held-back shards of drawn faces; name them with --shards")
    errors, shown = read_shards(settings, progress)
    rows = [(name, *measured(one, shown.people)) for name, one in errors.items()]
    ours, every = errors[OURS], np.ones(len(shown.people), dtype=bool)
    front = shown.turned_deg < TURNED_DEG
    parts = (
        (f"turned less than {TURNED_DEG:.0f} degrees", front, slice(None)),
        ("more", ~front, slice(None)),
        ("jaw", every, slice(0, 17)),
        ("all others", every, slice(17, None)),
    )
    rows += [
        (f"{OURS}, {part}", *measured(ours.of(faces, among), list(compress(shown.people, faces))))
        for part, faces, among in parts
        if faces.any()
    ]
    return [Table("points", "The 68 points of drawn faces", COLUMNS, tuple(rows), NOTES)]


def read_shards(settings: EvaluationSettings, progress: Progress) -> tuple[dict[str, Errors], Shown]:
    """Errors of both ways to find points, and who is seen how, face by face."""
    sfn, finder = open_sfn(settings.sfn, threads=1), open_points(threads=1)
    samples = (sample for path in settings.shards for sample in read_shard(path) if len(sample.faces) == 1)
    rows, people, turned = [], [], []
    for number, sample in enumerate(islice(samples, settings.limit)):
        (face,) = sample.faces
        truth = face.landmarks_px
        crop = crop_from_landmarks(truth)
        (read,) = sfn.regress(sample.image, [crop])
        seen = finder.find(sample.image, [crop])
        mm_per_px = 1000 * crop.image_from_crop / read.pose.px_per_m
        weighed = np.linalg.norm(np.einsum("pij,pj->pi", seen.sure[0], seen.points_px[0] - truth), axis=-1)
        both = [one - truth for one in (seen.points_px[0], landmarks_of_faces([read])[0])]
        share = 100 / np.sqrt(np.ptp(truth, axis=0).prod())
        rows.append([(off @ mm_per_px, share * np.linalg.norm(off, axis=-1)) for off in both] + [weighed])
        people.append(face.identity_name or "")
        turned.append(np.degrees(np.arccos(np.clip(matrix_from_wxyz(face.pose.wxyz)[2, 2], -1, 1))))
        progress("finding points", number, settings.limit or 0)
    if not rows:
        raise BadShard(f"no single face in {', '.join(path.name for path in settings.shards)}")
    ours, theirs, weighed = zip(*rows, strict=True)
    (off, share), (their_off, their_share) = (
        [np.stack(part) for part in zip(*one, strict=True)] for one in (ours, theirs)
    )
    errors = {OURS: Errors(off, share, np.stack(weighed)), "SFN": Errors(their_off, their_share)}
    return errors, Shown(people, np.array(turned))


def measured(errors: Errors, people: Sequence[str]) -> tuple[Cell, ...]:
    """The numbers of a row, in the order of `COLUMNS`."""
    off = errors.off_mm - errors.off_mm.mean(0)
    sure = None if errors.weighed is None else float(errors.weighed.mean())
    return (
        len(off),
        float(errors.share.mean()),
        float(np.sqrt(np.square(errors.off_mm).mean())),
        alike(off[:, :-1], off[:, 1:]),
        shared_by_frames(off, people),
        sure,
    )


def alike(one: Float[np.ndarray, "n p 2"], other: Float[np.ndarray, "n p 2"]) -> float:
    """Mean correlation of centred errors, point by point."""
    both, sizes = (one * other).sum((0, 2)), [np.square(part).sum((0, 2)) for part in (one, other)]
    return float((both / np.sqrt(sizes[0] * sizes[1]).clip(1e-12)).mean())


def shared_by_frames(off: Float[np.ndarray, "n p 2"], people: Sequence[str]) -> float | None:
    """Correlation of the errors of two frames of a person, over all such pairs; None where there is none."""
    names = np.array(people)
    groups = [off[names == name] for name in sorted(set(people) - {""})]
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return None
    # All pairs of a group: the square of the sum without the squares.
    pairs = sum(float(np.square(group.sum(0)).sum() - np.square(group).sum()) for group in groups)
    count = sum(len(group) * (len(group) - 1) for group in groups)
    spread = sum(float(np.square(group).sum()) for group in groups) / sum(len(group) for group in groups)
    return pairs / count / max(spread, 1e-12)
