"""Who is measured in a table of the paper, where the data sets lie, and why a row stays empty.

What a user does not have makes a row that says so; what a user gives and is wrong is an error.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from commedia.data.datasets.items import DatasetItem
from commedia.data.datasets.spec import MissingDataset
from commedia.data.datasets.table import DATASETS, Dataset, open_dataset
from commedia.errors import CommediaError, UnknownName, UnreadableMedia
from commedia.evaluation.published import PublishedRow, Variant, variants
from commedia.evaluation.report import Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.mfn import open_mfn
from commedia.faces.protocol import DetectorProtocol, RegressorProtocol
from commedia.faces.sfn import landmarker_of, open_sfn
from commedia.geometry.boxes import intersection_over_union, tight_box

PUBLISHED_ONLY = "published number"
SEE_BELOW = "see below"
NO_ROOT = "say where the data sets lie with --root"

Reader = Callable[[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "68 2"]], Float[np.ndarray, "68 2"] | None]
"""A picture and the true points of one face to the points that are read; None where the face is not found."""


@dataclass(frozen=True)
class Entry:
    """A row of ours: a network, or why there is none."""

    name: str
    published: tuple[float, ...]
    """The paper's numbers for this row; NaN where it has none."""
    variant: Variant | None
    """None for other people's methods."""
    file: str | None
    """An .onnx file or the name of shipped weights."""
    missing: str = ""
    """Why there is no network."""


def of_rows(rows: tuple[PublishedRow, ...], settings: EvaluationSettings, kinds: tuple[str, ...]) -> list[Entry]:
    """List the paper's rows with the networks given for them, and then the networks of --sfn and --mfn."""
    given = parse_variants(settings.variants)
    listed = []
    for row in rows:
        variant = variants()[row.variant] if row.variant else None
        file = given.get(variant.name) if variant else None
        missing = PUBLISHED_ONLY if variant is None else "" if file else _how_to_train(variant)
        listed.append(Entry(row.name, row.values, variant, file, missing))
    nothing = (float("nan"),) * len(rows[0].values)
    for kind, name in (("sfn", settings.sfn), ("mfn", settings.mfn)):
        if kind in kinds:
            own = Variant(name, "sfn" if kind == "sfn" else "mfn", recipe="")
            listed.append(Entry(f"ours, {Path(name).name}", nothing, own, name))
    return listed


def parse_variants(texts: tuple[str, ...]) -> dict[str, str]:
    """Read `NAME=FILE` pairs; raises UnknownName or CommediaError."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, file = text.partition("=")
        if not sign or not file:
            raise CommediaError(f"--variants takes NAME=FILE, not '{text}'; names: {', '.join(variants())}")
        if name not in variants():
            raise UnknownName("variant", name, variants())
        found[name] = file
    return found


def open_regressors(listed: list[Entry]) -> dict[str, RegressorProtocol]:
    """Open the single-face networks there are, by row."""
    return {name: open_sfn(file, threads=1) for name, file in _files(listed, "sfn")}


def open_detectors(listed: list[Entry], *, threshold: float) -> dict[str, DetectorProtocol]:
    """Open the multi-face networks there are, by row."""
    return {name: open_mfn(file, threads=1, threshold=threshold) for name, file in _files(listed, "mfn")}


def _files(listed: list[Entry], kind: str) -> list[tuple[str, str]]:
    return [(one.name, one.file) for one in listed if one.file and one.variant and one.variant.kind == kind]


def sfn_readers(listed: list[Entry]) -> dict[str, Reader]:
    """Open the single-face networks there are, to read in crops that the true points place."""
    return {name: sfn_reader(regressor) for name, regressor in open_regressors(listed).items()}


def sfn_reader(regressor: RegressorProtocol) -> Reader:
    """Read in the crop that the true points place."""

    def read(
        image: UInt8[np.ndarray, "h w 3"], truth_px: Float[np.ndarray, "68 2"]
    ) -> Float[np.ndarray, "68 2"] | None:
        return landmarker_of(regressor)(regressor.regress(image, [crop_from_landmarks(truth_px)]))[0]

    return read


def mfn_reader(detector: DetectorProtocol) -> Reader:
    """Read the whole picture, and take the face whose points overlap the true ones most."""

    def read(
        image: UInt8[np.ndarray, "h w 3"], truth_px: Float[np.ndarray, "68 2"]
    ) -> Float[np.ndarray, "68 2"] | None:
        wanted = tight_box(truth_px)
        found = [
            (intersection_over_union(tight_box(face.landmarks_px), wanted), face)
            for face in detector.detect(image)
            if face.landmarks_px is not None
        ]
        overlap, face = max(found, key=lambda pair: pair[0], default=(0.0, None))
        return face.landmarks_px if face is not None and overlap > 0 else None

    return read


def find_dataset(name: str, root: Path | None) -> Dataset:
    """Open a set in the folder of its name under `root`, or in `root` where that is the set itself.

    Raises MissingDataset. The folder's name is that of docs/datasets.md or the set's own; its case does not matter.
    """
    if root is None:
        raise MissingDataset(f"{DATASETS[name].title}: {NO_ROOT}")
    wanted = _folder_names(name)
    every = {folder for other in DATASETS for folder in _folder_names(other)}
    entries = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    # A folder that holds sets is none itself, although each set's reader would find something of its own in it.
    under = [path for path in entries if path.name.lower() in wanted]
    holds_sets = root.name.lower() not in wanted and any(path.name.lower() in every for path in entries)
    if not under and holds_sets:
        raise MissingDataset(
            f"{DATASETS[name].title} is not in '{root}': it has no folder {' or '.join(sorted(wanted))}"
        )
    return open_dataset(name, under[0] if under else root)


def _folder_names(name: str) -> set[str]:
    drawn = DATASETS[name].tree.splitlines()[0].split()[0].rstrip("/")
    return {name.lower(), drawn.lower()}


def reason_of(error: CommediaError) -> str:
    """Say in one line why a set could not be measured; how it has to lie is in docs/datasets.md."""
    return f"not measured: {str(error).partition('; expected')[0]}"


def pictures_of(
    dataset: Dataset, items: Iterator[DatasetItem], limit: int | None, progress: Progress
) -> Iterator[tuple[DatasetItem, UInt8[np.ndarray, "h w 3"]]]:
    """Decode up to `limit` items; those that cannot be read are counted in the set's `left_out`."""
    done = 0
    for item in items:
        if limit is not None and done >= limit:
            return
        progress(dataset.spec.name, done, limit or 0)
        try:
            image = item.picture.decoded()
        except UnreadableMedia as error:
            dataset.left_out.add("the picture cannot be read", str(error))
            continue
        done += 1
        yield item, image


def rows_measured(measured: Mapping[str, object]) -> Goal:
    """A table in which nothing could be measured is no result."""
    return Goal("rows measured", float(len(measured)), 1.0, at_most=False)


def state(one: Entry, reasons: str) -> str:
    """The last cell of a row: empty where it was measured."""
    if one.variant is None:
        return one.missing
    return "; ".join(dict.fromkeys(part for part in (one.missing, reasons) if part))


def with_reasons(*tables: Table) -> list[Table]:
    """Move long remarks out of tables of numbers, into a table that says row by row what was not measured and why."""
    kept, reasons = [], []
    for table in tables:
        place = table.columns.index("remark") if "remark" in table.columns else None
        rows = []
        for row in table.rows:
            remark = "" if place is None else str(row[place])
            if place is not None and "not measured" in remark:
                words = takewhile(lambda cell: isinstance(cell, str), row[:-1])
                reasons.append((table.title, ", ".join(map(str, words)), remark))
                row = (*row[:place], SEE_BELOW, *row[place + 1 :])
            rows.append(row)
        kept.append(replace(table, rows=tuple(rows)))
    if reasons:
        heads = ("table", "row", "why")
        kept.append(Table(f"{tables[0].name}-missing", "What was not measured, and why", heads, tuple(reasons)))
    return kept


def _how_to_train(variant: Variant) -> str:
    labels = f" on labels by {variant.labels}" if variant.labels else ""
    return (
        f"not measured: no network; 'commedia train {variant.recipe}'{labels} makes it, 'commedia export' writes it, "
        f"--variants {variant.name}=FILE.onnx measures it"
    )
