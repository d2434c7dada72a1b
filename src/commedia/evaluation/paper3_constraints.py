"""Table `paper3-constraints`: what paper 3's two constraints change, on drawn people nobody was trained on.

Networks are named by the caller (`--variants NAME=FILE`), beside the one of `--sfn`; several frames of each person are
in the shards of `--shards` (`scripts/make_synthetic.py --stream test --frames-per-person 8`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import process_time

import numpy as np
from jaxtyping import Float, Int

from commedia.data.shards import read_encoded
from commedia.errors import BadShard, CommediaError
from commedia.evaluation.metrics import blendshape_scores, correlation
from commedia.evaluation.paper_runtime import parameter_count
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.protocol import RegressorProtocol
from commedia.faces.sfn import open_sfn
from commedia.faces.weights import find_weights
from commedia.retarget.possible import contradiction, possible_expression

COLUMNS = (
    *("network", "identity drift", "between people", "drift / between", "identity correlation"),
    *("expression error", "AUC", "correlation", "active error", "at rest", "contradiction"),
)
LEAST_FRAMES = 2
TIMED = 50
"""Crops by which networks are timed."""


@dataclass(frozen=True)
class People:
    """Truth, or what a network says, of frames of people; row by row."""

    person: Int[np.ndarray, " n"]
    """Numbered from 0; the frames of one are in order."""
    identity: Float[np.ndarray, "n i"]
    expression: Float[np.ndarray, "n e"]


def paper3_constraints(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Read every frame with every network, in crops that the true points place."""
    if not settings.shards:
        raise CommediaError("this table needs shards of drawn people with several frames each; name them with --shards")
    files = named_networks(settings)
    readers = {name: open_sfn(file, threads=1) for name, file in files.items()}
    truth, read = read_people(readers, settings.shards, settings.limit, progress)
    rows: list[tuple[Cell, ...]] = []
    for name, people in read.items():
        rows.append((name, *measured(people, truth)))
        resolved = People(people.person, people.identity, possible_expression(people.expression))
        rows.append((f"{name}, --possible", *measured(resolved, truth)))
    notes = (
        f"{len(truth.person)} frames of {truth.person.max() + 1} drawn people "
        f"({', '.join(path.name for path in settings.shards)}); each moves blendshapes in a style of their own, every "
        "frame has another expression, pose and light.",
        "Identity drift: mean absolute difference from a person's first frame, in standard deviations of the head's "
        "components (as Fig. 5 of Mo et al. 2022); between people: the same from one person's first frame to the next "
        "person's. Who says the same of everybody drifts little: therefore both, and the correlation with the truth.",
        "Correlations are medians over components and blendshapes; contradiction is the mean weight of the weaker "
        "blendshape of the 26 pairs; the truth has none.",
    )
    table = Table("paper3-constraints", "Paper 3's constraints on drawn people", COLUMNS, tuple(rows), notes)
    return [table, costs_table(files, milliseconds(readers, settings.shards[0]))]


def milliseconds(readers: Mapping[str, RegressorProtocol], shard: Path) -> dict[str, float]:
    """Median processor time of each network for one crop, cut and decoded; they take turns on the same crops."""
    spent: dict[str, list[float]] = {name: [] for name in readers}
    for encoded in islice(read_encoded(shard), TIMED):
        image = encoded.decoded().image
        for face in encoded.faces[:1]:
            crop = crop_from_landmarks(face.landmarks_px)
            for name, regressor in readers.items():
                start = process_time()
                regressor.regress(image, [crop])
                spent[name].append(1000 * (process_time() - start))
    return {name: float(np.median(times)) for name, times in spent.items()}


def costs_table(files: Mapping[str, str], times_ms: Mapping[str, float]) -> Table:
    """What each network weighs, and how long it takes."""
    rows = []
    for name, file in files.items():
        path = find_weights(file)
        rows.append((name, parameter_count(path), path.stat().st_size / 1e6, times_ms[name]))
    notes = (f"One crop on one thread, by the processor's clock: the median of {TIMED}, all networks in turn on each.",)
    return Table(
        "paper3-costs", "Sizes and times of the same networks", ("network", "numbers", "MB", "ms"), tuple(rows), notes
    )


def read_people(
    readers: Mapping[str, RegressorProtocol], shards: Sequence[Path], limit: int | None, progress: Progress
) -> tuple[People, dict[str, People]]:
    """Truth and readings, in the same order; people with one frame are left out."""
    names, truth, read = [], [], {name: [] for name in readers}
    for path in shards:
        for done, encoded in enumerate(islice(read_encoded(path), limit)):
            progress(f"reading {path.name}", done, limit or 0)
            face = encoded.faces[0] if len(encoded.faces) == 1 else None
            if face is None or face.identity_name is None or face.identity is None or face.expression is None:
                continue
            names.append(f"{path}/{face.identity_name}")
            truth.append((face.identity, face.expression))
            image, crop = encoded.decoded().image, crop_from_landmarks(face.landmarks_px)
            for name, regressor in readers.items():
                (params,) = regressor.regress(image, [crop])
                read[name].append((params.identity, params.expression))
    _, number, counts = np.unique(names, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(counts[number] >= LEAST_FRAMES) if names else np.zeros(0, int)
    if not len(kept):
        raise BadShard(f"nobody is in two frames of {', '.join(path.name for path in shards)}")
    _, person = np.unique(number[kept], return_inverse=True)
    return _people(person, truth, kept), {name: _people(person, said, kept) for name, said in read.items()}


def measured(people: People, truth: People) -> tuple[float, ...]:
    """The numbers of a row, in the order of `COLUMNS` without the name."""
    drift, between = identity_drift(people)
    scores = blendshape_scores(people.expression, truth.expression)
    active = np.abs(people.expression - truth.expression)[truth.expression > 0.5]
    return (
        drift,
        between,
        drift / max(between, 1e-9),
        _median_correlation(people.identity, truth.identity),
        float(np.abs(people.expression - truth.expression).mean()),
        float(np.nanmean([score.ranking for score in scores])),
        _median_correlation(people.expression, truth.expression),
        float(active.mean()) if len(active) else float("nan"),
        float(people.expression[truth.expression == 0].mean()),
        float(contradiction(people.expression).mean()),
    )


def identity_drift(people: People) -> tuple[float, float]:
    """Mean absolute difference of identities from their person's first frame, and from person to person."""
    _, first = np.unique(people.person, return_index=True)
    start = people.identity[first]
    later = np.ones(len(people.person), bool)
    later[first] = False
    drift = np.abs(people.identity - start[people.person])[later].mean()
    return float(drift), float(np.abs(start - np.roll(start, 1, axis=0)).mean())


def _people(person: np.ndarray, rows: list[tuple[np.ndarray, np.ndarray]], kept: np.ndarray) -> People:
    identity, expression = (np.stack([row[part] for row in rows])[kept] for part in (0, 1))
    return People(person, identity, expression)


def _median_correlation(said: Float[np.ndarray, "n k"], truth: Float[np.ndarray, "n k"]) -> float:
    return float(np.median([correlation(said[:, k], truth[:, k]) for k in range(truth.shape[1])]))


def named_networks(settings: EvaluationSettings) -> dict[str, str]:
    """The network of --sfn, and `NAME=FILE` pairs with names of the caller's own."""
    pairs = [text.partition("=") for text in settings.variants]
    for text, (name, sign, file) in zip(settings.variants, pairs, strict=True):
        if not (name and sign and file):
            raise CommediaError(f"--variants takes NAME=FILE, not '{text}'")
    return {Path(settings.sfn).stem: settings.sfn, **{name: file for name, _, file in pairs}}
