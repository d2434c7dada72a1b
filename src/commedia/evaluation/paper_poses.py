"""Tables `paper-table-3`, `paper2-table-2`, `paper3-table-2`: 68-point error on AFLW2000-3D by yaw, annotated twice."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from commedia.data.datasets.table import DATASETS
from commedia.evaluation import entries
from commedia.evaluation.entries import Entry, Reader
from commedia.evaluation.metrics import mean_per_yaw_bin
from commedia.evaluation.published import PAPERS, PublishedTable, published
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.still_errors import StillErrors, curves_of_set

SETS = {"aflw2000-3d": "", "aflw2000-3d-reannotated": "-reannotated"}
"""Data set to ending of the table's name; the numbers in the literature are for the first."""


@dataclass(frozen=True)
class _Source:
    """A table that was published."""

    name: str
    paper: str
    """In `PAPERS`, and ..."""
    numbers: str
    """... which of its tables."""

    @property
    def published(self) -> PublishedTable:
        return published(self.numbers, self.paper)


_PAPER_1 = _Source("paper-table-3", "cvpr2019", "table-3")
_PAPER_2 = _Source("paper2-table-2", "eccv2020", "table-2")
_PAPER_3 = _Source("paper3-table-2", "aaai2022", "table-2")


def paper_table_3(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure every SFN there is on both annotations."""
    return _tables(_PAPER_1, settings, progress)


def paper2_table_2(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """The same beside the numbers of paper 2."""
    return _tables(_PAPER_2, settings, progress)


def paper3_table_2(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """The same beside the numbers of paper 3."""
    return _tables(_PAPER_3, settings, progress)


def _tables(source: _Source, settings: EvaluationSettings, progress: Progress) -> list[Table]:
    listed = entries.of_rows(source.published.rows, settings, ("sfn",))
    readers = entries.sfn_readers(listed)
    return entries.with_reasons(*(_table(source, name, listed, readers, settings, progress) for name in SETS))


def yaw_columns(errors: Float[np.ndarray, " n"], yaw_deg: Float[np.ndarray, " n"]) -> tuple[float, float, float, float]:
    """Mean error of the three bins, and the mean of these means, in which a bin with few faces weighs as much."""
    low, middle, high = map(float, mean_per_yaw_bin(errors, yaw_deg))
    return low, middle, high, (low + middle + high) / 3


def _table(
    source: _Source,
    dataset: str,
    listed: list[Entry],
    readers: dict[str, Reader],
    settings: EvaluationSettings,
    progress: Progress,
) -> Table:
    name, title = source.name + SETS[dataset], DATASETS[dataset].title
    read, reason, left_out = curves_of_set(dataset, readers, settings, progress, table=name, title=title)
    notes = []
    if read is not None:
        notes += [f"{_counts(read.yaw_deg)}; left out: {left_out}.", f"The cumulative curves are in {name}.png."]
    columns = source.published.columns
    rows = [
        (one.name, *one.published, *_measured(one, read, len(columns)), entries.state(one, reason)) for one in listed
    ]
    cited = f"{PAPERS[source.paper]}, {source.numbers.replace('-', ' ').capitalize()}"
    notes += [
        f"Paper: {cited}. NME in percent, over sqrt(w h) of the true points' tight box, in crops by them.",
        "Yaw is 3DDFA's, from the fitted pose; 'mean' is the mean of the three bins, as in the paper.",
    ]
    title = "68 points on AFLW2000-3D by yaw" + (", re-annotated" if dataset.endswith("reannotated") else "")
    heads = ("method", *(f"paper {name}" for name in columns), *(f"ours {name}" for name in columns), "remark")
    goals = (entries.rows_measured(read.nme if read else {}),) if name == source.name else ()
    return Table(name, title, heads, tuple(rows), tuple(notes), goals)


def _measured(one: Entry, read: StillErrors | None, width: int) -> tuple[Cell, ...]:
    if read is None or one.name not in read.nme:
        return (None,) * width
    return yaw_columns(read.nme[one.name], read.yaw_deg)


def _counts(yaw_deg: Float[np.ndarray, " n"]) -> str:
    low, high = int((yaw_deg <= 30).sum()), int((yaw_deg > 60).sum())
    return f"{len(yaw_deg)} faces: {low} up to 30 degrees, {len(yaw_deg) - low - high} up to 60, {high} beyond"
