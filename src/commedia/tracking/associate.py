"""Which detected face is which track: costs from motion and appearance, then the best assignment as a whole.

Exact rather than greedy, because a greedy choice swaps two people who cross. Written out here, because scipy is no
dependency of the live path. Faces fall into small groups that compete, so the cubic cost is paid for two or three.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from commedia.structures import Box
from commedia.tracking.appearance import Appearance, appearance_distance


@dataclass(frozen=True)
class Matching:
    """How far a face may be from a track and still be it."""

    reach: float = 1.0
    """Distance from the predicted place, in face sizes, that a face may move within one step."""
    reach_per_s: float = 3.0
    """Growth of that distance with the time since the track was last seen."""
    largest_reach: float = 5.0
    size_ratio: float = 2.0
    """Largest ratio of sizes."""
    limit: float = 1.4
    """Largest motion cost (0 to 1) plus appearance distance (0 to 1) of a track seen in the last frame."""
    appearance_limit: float = 0.4
    """Largest appearance distance of a track that was lost, or across a cut. On 15 people's clips 4 % of pairs of the
    same person, up to 1.5 s apart and without clothes in view, lie above; 15 % of pairs of two people below."""
    sure_cost: float = 0.4
    """A track seen in the last frame and a face of at most this motion cost, with no rival, match without a look."""


@dataclass(frozen=True)
class Expected:
    """Where and what a track should be now."""

    box: Box
    age_s: float
    """Time since it was last seen."""
    lost: bool
    """Not seen in the last frame, or a cut lies between: then it must also look alike."""
    appearance: Appearance


def match(
    tracks: Sequence[Expected], boxes: Sequence[Box], appearance_at: Callable[[int], Appearance], matching: Matching
) -> list[tuple[int, int]]:
    """Expected tracks and detected boxes to pairs of their indices, each at most once.

    `appearance_at` describes the n-th found face; it is called only where motion alone leaves a doubt.
    """
    if not tracks or not boxes:
        return []
    motion = motion_costs(tracks, boxes, matching)
    pairs = []
    for rows, columns in competing_groups(np.isfinite(motion)):
        sure = not tracks[rows[0]].lost and motion[rows[0], columns[0]] <= matching.sure_cost
        if len(rows) == len(columns) == 1 and sure:
            pairs.append((rows[0], columns[0]))
            continue
        cost = motion[np.ix_(rows, columns)]
        for i, j in np.argwhere(np.isfinite(cost)):
            cost[i, j] = full_cost(float(cost[i, j]), tracks[rows[i]], appearance_at(columns[j]), matching)
        pairs += [(rows[i], columns[j]) for i, j in assign(cost, matching.limit)]
    return sorted(pairs)


def motion_costs(
    tracks: Sequence[Expected], boxes: Sequence[Box], matching: Matching
) -> Float[np.ndarray, "tracks boxes"]:
    """Price distance and change of size, 0 to 1; infinite out of reach."""
    expected, found = _places([track.box for track in tracks]), _places(boxes)
    size = np.sqrt(expected[:, None, 2] * found[None, :, 2])
    distance = np.linalg.norm(expected[:, None, :2] - found[None, :, :2], axis=2) / size
    growth = abs(np.log(found[None, :, 2] / expected[:, None, 2])) / np.log(matching.size_ratio)
    ages = np.array([track.age_s for track in tracks])
    reach = np.minimum(matching.reach + matching.reach_per_s * ages, matching.largest_reach)[:, None]
    cost = 0.8 * distance / reach + 0.2 * growth
    return np.where((distance <= reach) & (growth <= 1), cost, np.inf)


def full_cost(motion: float, track: Expected, appearance: Appearance, matching: Matching) -> float:
    """Add what the face looks like; infinite when a lost track would come back as somebody else."""
    distance = appearance_distance(track.appearance, appearance)
    return float("inf") if track.lost and distance > matching.appearance_limit else motion + distance


def competing_groups(possible: Bool[np.ndarray, "tracks boxes"]) -> list[tuple[list[int], list[int]]]:
    """Split rows and columns into groups that share no possible pair; those with none are left out."""
    groups: list[tuple[list[int], set[int]]] = []
    for row, reached in enumerate(possible.tolist()):
        columns = {column for column, is_reached in enumerate(reached) if is_reached}
        rivals = [group for group in groups if group[1] & columns]
        groups = [group for group in groups if not group[1] & columns]
        if columns:
            rows = [row, *(other for rival in rivals for other in rival[0])]
            groups.append((rows, columns.union(*(rival[1] for rival in rivals))))
    return sorted((sorted(rows), sorted(columns)) for rows, columns in groups)


def assign(cost: Float[np.ndarray, "n m"], limit: float) -> list[tuple[int, int]]:
    """Choose pairs of least total cost, where leaving a row alone costs `limit`. Infinite costs are never chosen.

    Shortest augmenting paths (the Hungarian method with potentials; Kuhn 1955, in Jonker and Volgenant's O(n^3) form of
    1987); each row has a private column that stands for being left alone.
    """
    rows, columns = cost.shape
    never = 1e6 * max(1.0, limit)
    alone = np.where(np.eye(rows, dtype=bool), limit, never)
    padded = np.concatenate([np.where(np.isfinite(cost), cost, never), alone], axis=1)
    row_price, column_price = np.zeros(rows), np.zeros(rows + columns)
    owner = np.full(rows + columns, -1)
    for row in range(rows):
        _augment(padded, row, owner, row_price, column_price)
    return sorted((int(owner[column]), column) for column in range(columns) if owner[column] >= 0)


def _augment(cost: np.ndarray, start: int, owner: np.ndarray, row_price: np.ndarray, column_price: np.ndarray) -> None:
    """Give row `start` a column, moving earlier rows along the cheapest chain (Dijkstra on reduced costs)."""
    count = cost.shape[1]
    distance, previous = np.full(count, np.inf), np.full(count, -1)
    done = np.zeros(count, dtype=bool)
    row, column, length = start, -1, 0.0
    while True:
        through = length + cost[row] - row_price[row] - column_price
        nearer = ~done & (through < distance)
        distance[nearer], previous[nearer] = through[nearer], column
        column = int(np.where(done, np.inf, distance).argmin())
        length = distance[column]
        done[column] = True
        if owner[column] < 0:
            break
        row = int(owner[column])
    row_price[start] += length
    settled = np.flatnonzero(done & (owner >= 0))
    row_price[owner[settled]] += length - distance[settled]
    column_price[done] -= length - distance[done]
    while column >= 0:
        before = int(previous[column])
        owner[column] = start if before < 0 else owner[before]
        column = before


def _places(boxes: Sequence[Box]) -> Float[np.ndarray, "n 3"]:
    """Centre and size of boxes."""
    return np.array([(*box.center_px, max((box.width_px * box.height_px) ** 0.5, 1e-3)) for box in boxes])
