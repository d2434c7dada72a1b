"""Numbers from predictions and truth: pure functions, one definition each, no files and no networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.geometry.boxes import intersection_over_union, tight_box
from commedia.geometry.rotations import canonical_wxyz
from commedia.structures import Box

EVERY_POINT = slice(None)


def normalised_mean_error(
    predicted_px: Float[np.ndarray, "l 2"], truth_px: Float[np.ndarray, "l 2"], among: slice = EVERY_POINT
) -> float:
    """Mean distance over sqrt(w h) of the tight box of all true points; of the points `among` them, all by default.

    The AFLW2000-3D protocol of 3DDFA (Zhu et al. 2016), which papers 1 to 3 follow.
    """
    box = tight_box(truth_px)
    distance = np.linalg.norm(predicted_px - truth_px, axis=-1)[among].mean()
    return float(distance / np.sqrt(box.width_px * box.height_px))


def diagonal_error(predicted_px: Float[np.ndarray, "l 2"], truth_px: Float[np.ndarray, "l 2"]) -> float:
    """Mean distance over the diagonal of the tight box of the true points (paper 1, section 4.2, for 300VW)."""
    box = tight_box(truth_px)
    distance = np.linalg.norm(predicted_px - truth_px, axis=-1).mean()
    return float(distance / np.hypot(box.width_px, box.height_px))


def area_under_curve(errors: Float[np.ndarray, " n"], limit: float) -> float:
    """Mean share of errors below e, for e from 0 to `limit`: 1 when all are 0, 0 when none is below the limit."""
    return float(np.clip(1 - errors / limit, 0, 1).mean())


def mean_per_yaw_bin(
    errors: Float[np.ndarray, " n"],
    yaw_deg: Float[np.ndarray, " n"],
    edges_deg: tuple[float, ...] = (0.0, 30.0, 60.0, 91.0),
) -> Float[np.ndarray, " bins"]:
    """Mean error by absolute yaw, (low, high] with the first bin closed; NaN for an empty bin."""
    bins = np.clip(np.searchsorted(np.array(edges_deg), np.abs(yaw_deg), side="left") - 1, 0, len(edges_deg) - 2)
    means = [errors[bins == index].mean() if (bins == index).any() else np.nan for index in range(len(edges_deg) - 1)]
    return np.array(means)


def geodesic_deg(first: Float[np.ndarray, "*b 4"], second: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b"]:
    """Angle of the rotation from one orientation to the other, 0 to 180; q and -q are the same orientation."""
    cosine = np.abs((canonical_wxyz(first) * canonical_wxyz(second)).sum(axis=-1))
    return np.degrees(2 * np.arccos(np.clip(cosine, -1, 1)))


def correlation(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    """Pearson's correlation; 0 when either does not move, as it then says nothing about the other."""
    a, b = first - first.mean(), second - second.mean()
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / norm) if norm > 1e-12 else 0.0


def ranking_quality(scores: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"]) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half."""
    ups, downs = int(positive.sum()), int((~positive).sum())
    if ups == 0 or downs == 0:
        return float("nan")
    values, place = np.unique(scores, return_inverse=True)
    counts = np.bincount(place, minlength=len(values))
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    return float((mean_rank[place][positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


class BlendshapeScore(NamedTuple):
    """How well one expression blendshape is read."""

    active_error: float
    """Mean absolute error where the truth is above `ACTIVE`; NaN when it never is."""
    error: float
    """Mean absolute error over everything."""
    false_activation: float
    """Mean prediction where the truth is 0; NaN when it never is."""
    ranking: float
    """ROC area of active (above `ACTIVE`) against resting (truth 0)."""
    active_count: int


ACTIVE = 0.5
"""A blendshape is really active above this."""


def blendshape_scores(predicted: Float[np.ndarray, "n e"], truth: Float[np.ndarray, "n e"]) -> list[BlendshapeScore]:
    """Score every expression blendshape against exact truth."""
    error = np.abs(predicted - truth)
    scores = []
    for blendshape in range(truth.shape[1]):
        active, resting = truth[:, blendshape] > ACTIVE, truth[:, blendshape] == 0
        either = active | resting
        scores.append(
            BlendshapeScore(
                _mean(error[active, blendshape]),
                _mean(error[:, blendshape]),
                _mean(predicted[resting, blendshape]),
                ranking_quality(predicted[either, blendshape], active[either]),
                int(active.sum()),
            )
        )
    return scores


def active_error(predicted: Float[np.ndarray, "n e"], truth: Float[np.ndarray, "n e"]) -> float:
    """Mean absolute error over all (face, blendshape) where the truth is above `ACTIVE`."""
    return _mean(np.abs(predicted - truth)[truth > ACTIVE])


@dataclass(frozen=True)
class Matches:
    """Detections of one picture set against its reference."""

    found: tuple[int, ...]
    """Indices of required references that were found."""
    missed: tuple[int, ...]
    """Indices of required references that were not."""
    right: tuple[int, ...]
    """Indices of predictions on a required reference."""
    false: tuple[int, ...]
    """Indices of predictions on nothing. Those on an optional reference are in neither."""


def match_boxes(
    predicted: list[Box], confidence: list[float], required: list[Box], optional: list[Box], *, overlap: float = 0.5
) -> Matches:
    """Match predictions to references, most confident first, each to the free required reference it overlaps most.

    A prediction that meets no free required reference is dropped from the count when it overlaps an optional one (a
    face too small or too unsure to be asked for), which any number of predictions may do; else it is a false alarm. The
    rule is COCO's for crowds and for objects outside the size range.
    """
    free = set(range(len(required)))
    found, right, false = [], [], []
    for index in sorted(range(len(predicted)), key=lambda i: -confidence[i]):
        overlaps = {k: intersection_over_union(predicted[index], required[k]) for k in free}
        best = max(overlaps, key=lambda k: overlaps[k], default=None)
        if best is not None and overlaps[best] >= overlap:
            free.remove(best)
            found.append(best)
            right.append(index)
        elif not any(intersection_over_union(predicted[index], box) >= overlap for box in optional):
            false.append(index)
    return Matches(tuple(sorted(found)), tuple(sorted(free)), tuple(sorted(right)), tuple(sorted(false)))


def average_precision(confidence: Float[np.ndarray, " n"], right: Bool[np.ndarray, " n"], references: int) -> float:
    """COCO's: precision, made falling from the right, averaged at 101 recalls."""
    if references == 0:
        return float("nan")
    hits = np.cumsum(right[np.argsort(-confidence, kind="stable")])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    recall = hits / references
    index = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.where(index < len(precision), np.append(precision, 0)[np.minimum(index, len(precision))], 0).mean())


@dataclass(frozen=True)
class PictureBoxes:
    """What was found in one picture, and what is there."""

    found: list[Box]
    confidence: list[float]
    required: list[Box]
    optional: list[Box]
    """Finding one is neither right nor wrong."""


class CocoPrecision(NamedTuple):
    """COCO's three numbers, 0 to 1; NaN without references."""

    ap: float
    """Mean over the overlaps .50, .55, ... .95."""
    ap50: float
    ap75: float


COCO_OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
COCO_MOST = 100
"""Detections of one picture that count, most confident first."""


def coco_precision(pictures: Sequence[PictureBoxes]) -> CocoPrecision:
    """Average precision over ten overlaps, each of 101 recalls; the same as pycocotools, area `all`."""
    values = [_precision_at(pictures, overlap) for overlap in COCO_OVERLAPS]
    return CocoPrecision(float(np.mean(values)), values[0], values[COCO_OVERLAPS.index(0.75)])


def _precision_at(pictures: Sequence[PictureBoxes], overlap: float) -> float:
    confidence: list[float] = []
    right: list[bool] = []
    for one in pictures:
        order = sorted(range(len(one.found)), key=lambda i: -one.confidence[i])[:COCO_MOST]
        scores = [one.confidence[i] for i in order]
        matches = match_boxes([one.found[i] for i in order], scores, one.required, one.optional, overlap=overlap)
        # In their own order, so that equal confidences are counted as COCO does.
        counted = sorted((*matches.right, *matches.false))
        confidence += [scores[index] for index in counted]
        right += [index in matches.right for index in counted]
    references = sum(len(one.required) for one in pictures)
    return average_precision(np.array(confidence, np.float64), np.array(right, dtype=bool), references)


def id_switches(ids: list[Int[np.ndarray, " _"]], centers_px: list[Float[np.ndarray, "_ 2"]]) -> int:
    """Count how often the face nearest to where one was a frame ago carries another id.

    Judges continuity by place alone, so it needs no truth; assumes that faces move less per frame than they are apart.
    """
    switches = 0
    for before in range(len(ids) - 1):
        now = before + 1
        if len(ids[before]) == 0 or len(ids[now]) == 0:
            continue
        distance = np.linalg.norm(centers_px[before][:, None] - centers_px[now][None], axis=-1)
        ahead, back = distance.argmin(axis=1), distance.argmin(axis=0)
        mutual = np.flatnonzero(back[ahead] == np.arange(len(ahead)))
        switches += int((ids[before][mutual] != ids[now][ahead[mutual]]).sum())
    return switches


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")
