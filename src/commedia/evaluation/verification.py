"""Table `embedding`: are two pictures of one person told from pictures of two, of people nobody trained on.

Crops are placed by the points that SFN reads, as they are while tracking. LFW: photographs taken years apart; YouTube
Faces: other frames of the same clips.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from commedia.data.held_people import HELD_SHARE, is_held
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import Crop, crop_from_landmarks
from commedia.faces.embedding import open_embedding
from commedia.faces.sfn import SfnPredictor, open_sfn
from commedia.labelling.pictures import PictureGroup, SourcePicture

SETS = {"LFW": "lfw-*.tar", "YouTube Faces, other frames": "ytf-dev-*.tar"}
STORED_SCALE = 2.0
"""Side of a stored picture over its face."""
SEEN = 0.9
"""Least presence of a face that counts."""
PAIRS_A_PERSON, MOST_PAIRS = 6, 3000
FOLDS = 10
FALSE_SHARE = 0.01
LEAST_SAME = 0.95


class Verification(NamedTuple):
    """How well cosines of pairs tell one person from two."""

    accuracy: float
    """With the threshold that is best on the other nine tenths, mean of ten."""
    same: float
    """Share of pairs of one person above all but `FALSE_SHARE` of the pairs of two: at `threshold`."""
    equal_error: float
    threshold: float


def embedding(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Verify pairs of held-back people."""
    rows: list[tuple[Cell, ...]] = []
    goals: list[Goal] = []
    for name, pattern in SETS.items():
        paths = tuple(sorted(settings.file("faces").glob(pattern)))
        looks, people = _looks(name, paths, settings, progress)
        same, other = pairs_of(people, np.random.default_rng(0))
        cosines = ((looks[pairs[:, 0]] * looks[pairs[:, 1]]).sum(axis=1) for pairs in (same, other))
        found = verified(*cosines)
        rows.append((name, len(np.unique(people)), len(people), len(same), *found))
        goals.append(Goal(f"one person found, 1 % of two for one, {name}", found.same, LEAST_SAME, at_most=False))
    columns = ("set", "people", "pictures", "pairs of each kind", *Verification._fields)
    notes = (
        f"{HELD_SHARE:.0%} of the people, by a hash of the name; none of them was trained on, in either set.",
        f"At most {PAIRS_A_PERSON} pairs a person and {MOST_PAIRS} in all, and as many of two people, drawn at random.",
        f"accuracy: {FOLDS} folds, threshold from the others. same: of pairs of one person, those above all but 1 % of "
        "pairs of two, whose cosines are below threshold.",
    )
    return [Table("embedding", "One person or two, people never trained on", columns, tuple(rows), notes, tuple(goals))]


def _looks(
    name: str, paths: tuple, settings: EvaluationSettings, progress: Progress
) -> tuple[Float[np.ndarray, "n e"], np.ndarray]:
    """Everybody held back in a set, as the embedding sees them, and their names."""
    regressor, embedder = open_sfn(settings.sfn), open_embedding()
    pictures = [picture for picture in PictureGroup(name, paths) if picture.identity_name]
    held = is_held(np.array([picture.identity_name for picture in pictures]))
    chosen = [picture for picture, kept in zip(pictures, held, strict=True) if kept][: settings.limit]
    looks, people = [], []
    for index, picture in enumerate(chosen):
        progress(name, index, len(chosen))
        if (points := _points(picture, regressor)) is not None:
            looks.append(embedder.embed(picture.decoded(), [points])[0])
            people.append(picture.identity_name)
    progress(name, len(chosen), len(chosen))
    return np.array(looks), np.array(people)


def _points(picture: SourcePicture, regressor: SfnPredictor) -> Float[np.ndarray, "68 2"] | None:
    """Read the face in the middle of a stored picture, twice, as tracking does; None where none is seen."""
    image = picture.decoded()
    height, width = image.shape[:2]
    crop = Crop(np.array([width / 2, height / 2], np.float32), 1.5 / STORED_SCALE * max(width, height))
    (points,) = regressor.landmarks(regressor.regress(image, [crop]))
    (face,) = regressor.regress(image, [crop_from_landmarks(points)])
    return regressor.landmarks([face])[0] if face.presence is None or face.presence >= SEEN else None


def pairs_of(people: np.ndarray, rng: np.random.Generator) -> tuple[Int[np.ndarray, "n 2"], Int[np.ndarray, "n 2"]]:
    """Names of pictures to pairs of places that show one person, and as many that show two."""
    same: list[tuple[int, int]] = []
    for person in np.unique(people):
        rows = rng.permutation(np.flatnonzero(people == person))
        every = [(int(a), int(b)) for place, a in enumerate(rows) for b in rows[place + 1 :]]
        same += [every[k] for k in rng.permutation(len(every))[:PAIRS_A_PERSON]]
    same = [same[k] for k in rng.permutation(len(same))[:MOST_PAIRS]]
    other: list[tuple[int, int]] = []
    while len(other) < len(same):
        first, second = (int(row) for row in rng.integers(len(people), size=2))
        if people[first] != people[second]:
            other.append((first, second))
    return np.array(same, dtype=np.int64).reshape(-1, 2), np.array(other, dtype=np.int64).reshape(-1, 2)


def verified(same: Float[np.ndarray, "n"], other: Float[np.ndarray, "m"]) -> Verification:
    """Cosines of pairs that show one person, and of pairs that show two, to how well they are told apart."""
    threshold = float(np.quantile(other, 1 - FALSE_SHARE))
    cosine, truth = np.concatenate([same, other]), np.arange(len(same) + len(other)) < len(same)
    candidates = np.unique(cosine)
    rejected = np.searchsorted(np.sort(same), candidates) / len(same)
    accepted = 1 - np.searchsorted(np.sort(other), candidates) / len(other)
    equal = np.abs(rejected - accepted).argmin()
    fold = np.random.default_rng(0).permutation(len(cosine)) % FOLDS
    right = [
        ((cosine[fold == k] >= _best_threshold(cosine[fold != k], truth[fold != k])) == truth[fold == k]).mean()
        for k in range(FOLDS)
    ]
    equal_error = float(rejected[equal] + accepted[equal]) / 2
    return Verification(float(np.mean(right)), float((same > threshold).mean()), equal_error, threshold)


def _best_threshold(cosine: Float[np.ndarray, "n"], truth: np.ndarray) -> float:
    """The threshold from which on most pairs are judged rightly."""
    order = np.argsort(cosine)
    rightly = np.cumsum(~truth[order]) - np.cumsum(truth[order])
    best = int(rightly.argmax())
    return float(cosine[order[best : best + 2]].mean())
