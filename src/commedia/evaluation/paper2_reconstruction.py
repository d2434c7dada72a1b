"""Table `paper2-table-1`: what each part of paper 2 changes of shape, points and colours, on drawn people. Torch.

Networks are named by the caller: `--variants prior=FILE blendshapes=FILE albedo=FILE parsing=FILE final=FILE`, and
others under names of their own (another seed); beside them the network of `--sfn`, and the mean face.
"""

from collections.abc import Mapping

import numpy as np

from commedia.errors import CommediaError
from commedia.evaluation import entries
from commedia.evaluation.metrics import area_under_curve
from commedia.evaluation.paper2_people import CROP_MM, KNOWING, PersonErrors, read_drawn_people
from commedia.evaluation.paper3_constraints import named_networks
from commedia.evaluation.paper_tracking import LIMIT
from commedia.evaluation.person_readers import open_person_reader
from commedia.evaluation.person_reading import FaceByFace, MeanFace, PersonReader
from commedia.evaluation.published import PAPERS, published
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress

NAME = "paper2-table-1"
ROWS = ("prior", "blendshapes", "albedo", "parsing", "final")
"""Names of --variants, in the order of the paper's rows A, B, C, D and its own."""
COLUMNS = ("3D mm", "3D SD", "size free", "NME %", "AUC", "photo")
SCANS = ("paper, BU-3DFE", "paper, FaceWarehouse")
MEAN_FACE, DRAWN = "mean face", "drawn"
GOAL_SHARE = 0.75


def paper2_table_1(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Read every person of the shards with every network there is."""
    if not settings.shards:
        raise CommediaError("this table needs shards of drawn people with their truth; name them with --shards")
    readers = open_readers(settings)
    errors, people = read_drawn_people(readers, settings.shards, settings.limit, progress)
    frames = len(next(iter(errors.values())).shape_mm)
    return entries.with_reasons(_table(errors, people, frames), _not_here())


def open_readers(settings: EvaluationSettings) -> dict[str, PersonReader]:
    """The mean face, the network of --sfn, and those of --variants, by name."""
    found = {name: open_person_reader(file) for name, file in named_networks(settings).items()}
    first = next(iter(found.values()))
    return ({MEAN_FACE: MeanFace(first)} if isinstance(first, FaceByFace) else {}) | found


def measured(errors: PersonErrors) -> tuple[Cell, ...]:
    """The numbers of a row, in the order of `COLUMNS`."""
    return (
        float(np.mean(errors.shape_mm)),
        float(np.std(errors.shape_mm)),
        float(np.mean(errors.scaled_mm)),
        float(np.mean(errors.nme)) if errors.nme else None,
        area_under_curve(np.array(errors.diagonal), LIMIT) if errors.diagonal else None,
        float(np.mean(errors.photo)) if errors.photo else None,
    )


def _table(errors: Mapping[str, PersonErrors], people: int, frames: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, row in zip(ROWS, published("table-1", "eccv2020").rows, strict=True):
        rows.append((row.name, SCANS[0], *row.values[:2], None, *row.values[4:], entries.PUBLISHED_ONLY))
        rows.append((row.name, SCANS[1], *row.values[2:4], None, None, None, None, entries.PUBLISHED_ONLY))
        missing = "" if name in errors else f"not measured: no network; --variants {name}=FILE measures it"
        ours = measured(errors[name]) if name in errors else (None,) * len(COLUMNS)
        rows.append((row.name, DRAWN, *ours, missing))
    for row in published("table-2a", "eccv2020").rows:
        for number, scans in enumerate(SCANS):
            values = row.values[2 * number : 2 * number + 2]
            rows.append((row.name, scans, *values, None, None, None, None, entries.PUBLISHED_ONLY))
    others = {name: one for name, one in errors.items() if name not in (*ROWS, *KNOWING)}
    rows += [(f"ours, {name}", DRAWN, *measured(one), "") for name, one in others.items()]
    rows += [(name, DRAWN, *measured(errors[name]), "knows that much of the truth") for name in KNOWING]
    notes = (
        f"Paper: {PAPERS['eccv2020']}, Tables 1 and 2a; its NME is on AFLW2000-3D, AUC on 300VW, photo on CelebA.",
        f"Ours: {frames} frames of {people} drawn people whom nobody was trained on, with blendshapes and folds of "
        "their own; all frames of a person are read together.",
        "3D: root mean square distance of the face's vertices (without eyeballs and mouth) from the true ones of that "
        f"frame, within {CROP_MM:g} mm of the nose tip, after the best rigid motion; mean and deviation over frames. "
        "'Size free': after the best motion and scale.",
        f"NME and AUC (error over the diagonal of the box, up to {LIMIT}) of the 68 points, in crops by the true ones. "
        "Photo: mean distance of colours (0 to 255) where the face is drawn and nothing is before it; '-' of networks "
        "that draw nothing.",
        f"'{MEAN_FACE}' is everybody at rest, with the points of the first network.",
    )
    title = "Paper 2: what each part changes, on drawn people"
    return Table(NAME, title, ("method", "faces", *COLUMNS, "remark"), tuple(rows), notes, _goals(errors))


def _goals(errors: Mapping[str, PersonErrors]) -> tuple[Goal, ...]:
    goals = [entries.rows_measured({name: one for name, one in errors.items() if name not in KNOWING})]
    if {"prior", "final"} <= set(errors):
        share = np.mean(errors["final"].shape_mm) / np.mean(errors["prior"].shape_mm)
        goals.append(Goal("3D error of final over prior", float(share), GOAL_SHARE, at_most=True))
    return tuple(goals)


def _not_here() -> Table:
    """The paper's own columns, and why ours are of drawn people."""
    rows = (
        ("BU-3DFE", "given to institutions on request; its dense correspondence (FML's) was never published"),
        ("FaceWarehouse scans", "given to institutions on request"),
        ("AFLW2000-3D", "where you have it: 'commedia evaluate paper2-table-2 --root DIR'"),
        (
            "300VW",
            "where you have it: 'commedia evaluate paper-table-4 --root DIR', whose columns are paper 2's Table 2c",
        ),
        ("CelebA, 1000 pictures", "which thousand is not published"),
    )
    return Table(f"{NAME}-sets", "The paper's data sets", ("set", "why our columns are not of it"), rows)
