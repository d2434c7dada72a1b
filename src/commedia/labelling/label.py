"""The job: pictures in, shards out, and an account of how good the labels are.

    pictures --teacher--> predictions --fit--> parameters --samples--> shards

A group's shards appear one by one, each complete or not at all; the teacher's predictions are kept in `predictions/`
beside them, so that a second run only fits. Shards of an earlier, longer run of the same group are removed at its end.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_NAMES, LANDMARK_COUNT
from commedia.data.sample import PictureSample
from commedia.data.shards import write_shard
from commedia.errors import CommediaError, OutputFailed
from commedia.face_model.landmarks import landmark_model
from commedia.face_model.model import HeadModel, head_or_default
from commedia.faces.landmarks import landmarks_of_faces
from commedia.files import write_file
from commedia.labelling.blendshapes import load_blendshapes
from commedia.labelling.fit import DenseFitter, DenseTargets, FittedFaces, replace_rows
from commedia.labelling.inputs import group_inputs
from commedia.labelling.people import shared_identities
from commedia.labelling.pictures import PictureGroup
from commedia.labelling.predictions import Advance, GroupPredictions, Readers, read_group
from commedia.labelling.problem import FitSettings
from commedia.labelling.samples import LARGEST_ERROR, FittedGroup, dense_targets, params_of, picture_samples
from commedia.labelling.weights import point_weights

_BATCH = 256


@dataclass(frozen=True)
class LabelSettings:
    """What the shards are to be like."""

    shard_size: int = 4000
    """Pictures per shard."""
    licence: str = "unknown"
    """Terms of the pictures, kept with every sample."""
    max_side: int | None = None
    """Longest side in pixels; larger pictures are reduced."""
    replace: bool = False
    """Whether shards that were made of other inputs may go."""


@dataclass(frozen=True)
class GroupReport:
    """What became of one group."""

    name: str
    pictures: int
    faces: int
    """Read by the teacher."""
    pictures_written: int
    fit_error: float
    """Mean distance of the dense points to the fitted head over all faces, in face sizes."""
    gold_nme: float | None
    """Mean distance of the fit's 68 landmarks to gold ones over the size of the gold face."""
    agreement: dict[str, float]
    """Correlation of each blendshape's fitted weight with the teacher's score."""
    shards: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    """Whole paths of the files and folders that it was made of: two albums may have one name."""


def label_pictures(
    inputs: Sequence[Path],
    output: Path,
    readers: Readers,
    settings: LabelSettings,
    advance: Advance,
    *,
    head: HeadModel | None = None,
) -> tuple[GroupReport, ...]:
    """Label every input with `head` (None: the default) into `output`; a report per group, also `GROUP.report.json`.

    Raises CommediaError where a group would take the place of shards that were made of other inputs.
    """
    head = head_or_default(head)
    if settings.shard_size < 1:
        raise CommediaError(f"a shard holds at least one picture, not {settings.shard_size}")
    if not inputs:
        raise CommediaError("nothing to label: give tar files of pictures, folders or pictures")
    groups = group_inputs(inputs)
    if not settings.replace:
        for group in groups:
            _require_same_inputs(group, output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        return tuple(_label_group(group, output, readers, settings, advance, head) for group in groups)
    except OSError as error:
        raise OutputFailed(f"cannot write labels to '{output}': {error}") from error


def _require_same_inputs(group: PictureGroup, output: Path) -> None:
    """Refuse to replace what an earlier run made of inputs that this one was not given."""
    try:
        known = json.loads((output / f"{group.name}.report.json").read_text())
        earlier, shards = [str(name) for name in known.get("inputs", ())], [str(name) for name in known["shards"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return  # no run that came to its end
    lost = [name for name in earlier if name not in {str(path.resolve()) for path in group.paths}]
    if lost and any((output / name).exists() for name in shards):
        raise CommediaError(
            f"'{output}' already holds '{group.name}', made of {', '.join(earlier)}; this run would replace it and was "
            f"not given {', '.join(lost)}: name all inputs of a group in one call, or another --output, or --replace"
        )


def default_fitter(settings: FitSettings | None = None, *, head: HeadModel | None = None) -> DenseFitter:
    """A fitter of a head (None: the default head) to the teacher's 478 points."""
    head = head_or_default(head)
    dense, landmarks = landmark_model(head, "mediapipe478"), landmark_model(head)
    return DenseFitter(dense, landmarks, load_blendshapes(), point_weights(), settings or FitSettings())


def fit_group(
    group: PictureGroup, predictions: GroupPredictions, fitter: DenseFitter, advance: Advance, head: HeadModel
) -> FittedGroup:
    """Fit every face of a group alone, then those of people with several faces again with one identity each."""
    gold, names = _known_of(group, predictions)
    alone = _fit_batches(fitter, dense_targets(predictions, gold), f"fitting {group.name}", advance)
    usable = alone.error <= LARGEST_ERROR
    identity = shared_identities(names, alone, usable, fitter.settings.identity_ridge)
    rows = np.flatnonzero(np.isfinite(identity[:, 0]))
    fitted = alone
    if len(rows):
        again = dense_targets(predictions, gold, rows, identity)
        fitted = replace_rows(alone, rows, _fit_batches(fitter, again, f"fitting people of {group.name}", advance))
    everyone = [params_of(fitted, row) for row in range(len(gold))]
    return FittedGroup(predictions, fitted, np.stack(landmarks_of_faces(everyone, head)).astype(np.float32), gold)


def _fit_batches(fitter: DenseFitter, targets: DenseTargets, stage: str, advance: Advance) -> FittedFaces:
    total, parts = len(targets.points_px), []
    for start in range(0, total, _BATCH):
        parts.append(fitter.fit(targets.rows(slice(start, start + _BATCH))))
        advance(stage, min(start + _BATCH, total), total)
    return FittedFaces(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def _known_of(
    group: PictureGroup, predictions: GroupPredictions
) -> tuple[Float[np.ndarray, "f 68 2"], list[str | None]]:
    """Gold landmarks and name of every face, from the records of the pictures."""
    unknown = np.full((LANDMARK_COUNT, 2), np.nan, dtype=np.float32)
    known = [(unknown if picture.gold_px is None else picture.gold_px, picture.identity_name) for picture in group]
    gold, names = zip(*(known[index] for index in predictions.picture.tolist()), strict=True)
    return np.stack(gold).astype(np.float32), list(names)


def _label_group(
    group: PictureGroup, output: Path, readers: Readers, settings: LabelSettings, advance: Advance, head: HeadModel
) -> GroupReport:
    predictions = read_group(group, readers, output / "predictions" / f"{group.name}.npz", advance)
    if not len(predictions.picture):
        raise CommediaError(f"no face was found in the {predictions.picture_count} pictures of '{group.name}'")
    faces = fit_group(group, predictions, default_fitter(head=head), advance, head)
    terms = {"licence": settings.licence, "max_side": settings.max_side}
    samples = picture_samples(group, faces, load_blendshapes().weight, head, **terms)
    shards, written = _write_shards(samples, output, group.name, settings.shard_size)
    nme = np.nanmean(faces.gold_error()) if np.isfinite(faces.gold_px).any() else None
    report = GroupReport(
        name=group.name,
        pictures=predictions.picture_count,
        faces=len(predictions.picture),
        pictures_written=written,
        fit_error=float(faces.fitted.error.mean()),
        gold_nme=None if nme is None else float(nme),
        agreement=_agreement(faces),
        shards=shards,
        inputs=tuple(str(path.resolve()) for path in group.paths),
    )
    write_file(output / f"{group.name}.report.json", json.dumps(asdict(report), indent=1).encode())
    return report


def _write_shards(
    samples: Iterator[PictureSample], output: Path, name: str, shard_size: int
) -> tuple[tuple[str, ...], int]:
    names, written = [], 0
    while (first := next(samples, None)) is not None:
        names.append(f"{name}-{len(names):03d}.tar")
        written += write_shard(output / names[-1], chain([first], islice(samples, shard_size - 1)))
    for path in output.iterdir():
        if re.fullmatch(rf"{re.escape(name)}-\d{{3}}\.tar", path.name) and path.name not in names:
            path.unlink()
    return tuple(names), written


def _agreement(faces: FittedGroup) -> dict[str, float]:
    """Correlate where both vary at all; a blendshape that never moves has none and is left out."""
    pairs = zip(EXPRESSION_NAMES, faces.fitted.expression.T, faces.predictions.scores.T, strict=True)
    moving = ((name, fit, score) for name, fit, score in pairs if min(fit.std(), score.std()) > 1e-3)
    return {name: round(float(np.corrcoef(fit, score)[0, 1]), 3) for name, fit, score in moving}
