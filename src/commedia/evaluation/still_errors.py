"""Landmark errors of several readers on the marked faces of a set of still pictures, decoded once for all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from commedia.data.datasets.items import IBUG68, DatasetFace, DatasetItem
from commedia.data.datasets.spec import MissingDataset
from commedia.data.datasets.table import Dataset
from commedia.errors import CommediaError
from commedia.evaluation.curves import write_curves
from commedia.evaluation.entries import Reader, find_dataset, pictures_of, reason_of
from commedia.evaluation.metrics import normalised_mean_error
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.geometry.rotations import matrix_from_wxyz

CURVE_LIMIT = 10.0
"""Percent; where the curves end."""


@dataclass(frozen=True)
class StillErrors:
    """One row per face."""

    yaw_deg: Float[np.ndarray, " n"]
    """Absolute; NaN where the set does not know it."""
    nme: Mapping[str, Float[np.ndarray, " n"]]
    """In percent, by reader; NaN where it found nobody."""


def curves_of_set(
    name: str,
    readers: Mapping[str, Reader],
    settings: EvaluationSettings,
    progress: Progress,
    *,
    table: str,
    title: str,
) -> tuple[StillErrors | None, str, str]:
    """Errors on a set, their curves drawn to `TABLE.png`; or why there are none; and what was left out."""
    try:
        dataset = find_dataset(name, settings.root)
        errors = still_errors(dataset, readers, settings.limit, progress)
    except CommediaError as error:
        return None, reason_of(error), ""
    write_curves(settings.output / f"{table}.png", errors.nme, CURVE_LIMIT, f"{title}: faces below an error", "NME, %")
    return errors, "", str(dataset.left_out)


def still_errors(dataset: Dataset, readers: Mapping[str, Reader], limit: int | None, progress: Progress) -> StillErrors:
    """Read every picture that has one face with 68 points; raises MissingDataset where there is none."""
    yaw: list[float] = []
    errors: dict[str, list[float]] = {name: [] for name in readers}
    marked = (item for item in dataset if _points(item) is not None)
    for item, image in pictures_of(dataset, marked, limit, progress):
        truth = _points(item)
        assert truth is not None
        yaw.append(paper_yaw_deg(item.faces[0]))
        for name, read in readers.items():
            points = read(image, truth)
            errors[name].append(float("nan") if points is None else 100 * normalised_mean_error(points, truth))
    if not yaw:
        raise MissingDataset(f"no picture of {dataset.spec.title} in '{dataset.root}' has 68 points of one face")
    return StillErrors(np.array(yaw), {name: np.array(values) for name, values in errors.items()})


def paper_yaw_deg(face: DatasetFace) -> float:
    """The absolute yaw by which AFLW2000-3D is divided: the middle angle of Rx Ry Rz, as 3DDFA counts it.

    Unlike `yaw_pitch_roll_from_wxyz`, which takes Ry Rx Rz apart: where a head also nods the two differ by degrees.
    """
    if face.wxyz is None:
        return float("nan")
    sine = matrix_from_wxyz(face.wxyz.astype(np.float64))[0, 2]
    return float(np.degrees(np.arcsin(np.clip(abs(sine), 0, 1))))


def _points(item: DatasetItem) -> Float[np.ndarray, "68 2"] | None:
    marked = item.faces[0].marked if len(item.faces) == 1 else None
    return marked.points_px if marked is not None and marked.scheme == IBUG68 else None
