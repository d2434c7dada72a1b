"""Table `paper3-table-3`: how far read faces lie from 3D scans, in millimetres. Torch is not needed.

Neither MICC Florence nor FaceWarehouse says where eyes and mouth of its scans are, nor which frames the paper read. So
a list beside one's own copy says it: `scans.csv` of `scenario,scan,pictures,marks`, a line a recording.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.data.datasets.items import StoredPicture
from commedia.data.datasets.tree import PICTURES, BadAnnotation, LeftOut, Tree, text_lines
from commedia.errors import CommediaError, UnreadableMedia
from commedia.evaluation import entries
from commedia.evaluation.entries import Entry
from commedia.evaluation.paper_expressions import CONFIDENCE
from commedia.evaluation.published import PAPERS, published
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.shape_error import FaceShape, shape_error_mm
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.formats.archives import read_surface
from commedia.face_model.formats.source import metres_from_size
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import FACE_REGIONS, REGIONS, HeadModel, head_or_default
from commedia.faces.crop import crop_of_face
from commedia.faces.mfn import open_mfn
from commedia.faces.protocol import DetectorProtocol, RegressorProtocol
from commedia.structures import FaceParams

LIST_NAME = "scans.csv"
MARKS = (36, 39, 42, 45, 30, 48, 54)
"""Of iBUG-68: corners of the eyes, tip of the nose, corners of the mouth."""
CROP_MM = 95.0


@dataclass(frozen=True)
class Scenario:
    """How one column of the table is measured."""

    name: str
    plane: bool
    """Point to plane, as on MICC; point to point as on FaceWarehouse."""
    at_rest: bool
    """Scans show a face at rest, and only who it is counts; else the picture's expression is worn."""


SCENARIOS = {
    one.name: one
    for one in (
        *(Scenario(name, plane=True, at_rest=True) for name in ("cooperative", "indoor", "outdoor")),
        Scenario("FW", plane=False, at_rest=False),
    )
}


@dataclass(frozen=True)
class Recording:
    """Pictures of one person, and the scan of their face."""

    scenario: Scenario
    scan: FaceShape
    pictures: tuple[Path, ...]
    name: str


def paper3_table_3(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Read every recording with every network there is."""
    listed = entries.of_rows(published("table-3", "aaai2022").rows, settings, ("sfn",))
    path = None if settings.root is None else settings.root / LIST_NAME
    if path is None or not path.is_file():
        where = entries.NO_ROOT if path is None else f"there is no '{LIST_NAME}' in '{settings.root}'"
        why = f"not measured: {where}; docs/paper3.md says what the list holds, and where the sets are asked for"
        return entries.with_reasons(_table(listed, {}, why, ()))
    left_out = LeftOut()
    recordings = read_scans(path, left_out)[: settings.limit]
    finder = open_mfn(settings.mfn, threads=1, threshold=CONFIDENCE)
    errors: dict[str, dict[str, list[float]]] = {}
    for name, regressor in entries.open_regressors(listed).items():
        errors[name] = {}
        for done, recording in enumerate(recordings):
            progress(name, done, len(recordings))
            error = recording_error_mm(recording, finder, regressor, left_out)
            if error is not None:
                errors[name].setdefault(recording.scenario.name, []).append(error)
    counts = {name: sum(one.scenario.name == name for one in recordings) for name in SCENARIOS}
    notes = (
        "Recordings: " + ", ".join(f"{name} {count}" for name, count in counts.items()) + f". Left out: {left_out}.",
    )
    return entries.with_reasons(_table(listed, errors, "", notes))


def read_scans(path: Path, left_out: LeftOut) -> list[Recording]:
    """Read the list; files that are not there are counted, a line that makes no sense raises BadAnnotation."""
    rows = csv.DictReader(text_lines(path), skipinitialspace=True)
    if not {"scenario", "scan", "pictures", "marks"} <= set(rows.fieldnames or []):
        raise BadAnnotation(path, "its first line has to be scenario,scan,pictures,marks", line=1)
    tree, found = Tree(path.parent, "scans", "", left_out), []
    for row in rows:
        line = rows.line_num
        if row["scenario"] not in SCENARIOS:
            known = ", ".join(SCENARIOS)
            raise BadAnnotation(path, f"unknown scenario '{row['scenario']}'; known: {known}", line=line)
        recording = tree.attempt(_recording, path.parent, row)
        found += [] if recording is None else [recording]
    if not found:
        raise CommediaError(f"'{path}' names no recording that can be read; left out: {left_out}")
    return found


def recording_error_mm(
    recording: Recording, finder: DetectorProtocol, regressor: RegressorProtocol, left_out: LeftOut
) -> float | None:
    """Error of the mean identity of all pictures, at rest or with the mean expression; None where no face is found."""
    read: list[FaceParams] = []
    for path in recording.pictures:
        try:
            image = StoredPicture(path).decoded()
        except UnreadableMedia as error:
            left_out.add("the picture cannot be read", str(error))
            continue
        faces = finder.detect(image)
        if faces:
            largest = max(faces, key=lambda face: face.box.width_px * face.box.height_px)
            read += regressor.regress(image, [crop_of_face(largest)])
    if not read:
        left_out.add("no face is found in the pictures", recording.name)
        return None
    identity, expression = (
        np.mean([getattr(one, part) for one in read], axis=0) for part in ("identity", "expression")
    )
    worn = np.zeros(EXPRESSION_COUNT, np.float32) if recording.scenario.at_rest else expression
    return scan_error_mm(recording, shape_of(head_or_default(None), identity, worn))


def scan_error_mm(recording: Recording, predicted: FaceShape) -> float:
    """ICP with free scale, as no picture says how large a face is; the root mean square over the scan's vertices."""
    return shape_error_mm(
        predicted, recording.scan, icp=True, scale=True, plane=recording.scenario.plane, crop_mm=CROP_MM
    )


def shape_of(head: HeadModel, identity: Float[np.ndarray, "50"], expression: Float[np.ndarray, "52"]) -> FaceShape:
    """The face mask of a head, without eyeballs and the inside of the mouth, and its marks."""
    shown = [name for name in FACE_REGIONS if name not in ("left_eye", "right_eye", "inner_mouth")]
    inside = np.isin(head.vertex_region, [REGIONS.index(name) for name in shown])
    whole = vertices_from_params(head.model, identity, expression)
    triangles = head.model.triangles[inside[head.model.triangles].all(1)]
    kept, numbered = np.unique(triangles, return_inverse=True)
    marks = points(load_scheme("ibug68"), whole)[list(MARKS)]
    return FaceShape(whole[kept], numbered.reshape(-1, 3).astype(np.int32), marks[MARKS.index(30)], marks)


def _recording(folder: Path, row: Mapping[str, str]) -> Recording:
    scenario, scan, pictures = SCENARIOS[row["scenario"]], folder / row["scan"], folder / row["pictures"]
    vertices, triangles = read_surface(scan)
    marks_file = folder / row["marks"]
    try:
        marks = np.loadtxt(marks_file, dtype=np.float32, ndmin=2)
    except (OSError, ValueError) as problem:
        raise BadAnnotation(marks_file, f"cannot be read as rows of x y z: {problem}") from problem
    if marks.shape != (len(MARKS), 3) or not np.isfinite(marks).all():
        raise BadAnnotation(marks_file, f"holds {marks.shape}, expected x y z of {len(MARKS)} points")
    files = sorted(path for path in pictures.iterdir() if path.suffix.lower() in PICTURES) if pictures.is_dir() else []
    if not files and not pictures.is_file():
        raise BadAnnotation(pictures, "is no picture and no folder of pictures")
    metres = metres_from_size(vertices)
    shape = FaceShape(metres * vertices, triangles, metres * marks[MARKS.index(30)], metres * marks)
    return Recording(scenario, shape, tuple(files or [pictures]), row["scan"])


def _table(
    listed: Sequence[Entry], errors: Mapping[str, Mapping[str, Sequence[float]]], reason: str, notes: Sequence[str]
) -> Table:
    columns = published("table-3", "aaai2022").columns
    rows: list[tuple[Cell, ...]] = []
    for one in listed:
        found = errors.get(one.name)
        ours: list[Cell] = []
        for name in SCENARIOS:
            part = [] if found is None else found.get(name, [])
            ours += [float(np.mean(part)), float(np.std(part))] if part else [None, None]
        missing = [name for name in SCENARIOS if found is not None and not found.get(name)]
        remark = f"not measured: no recording of {', '.join(missing)}" if missing else ""
        rows.append((one.name, *one.published, *ours, entries.state(one, reason or remark)))
    notes = (
        f"Paper: {PAPERS['aaai2022']}, Table 3; ours on the recordings of the list, mean and deviation over them.",
        f"Root mean square over the scan's vertices within {CROP_MM:g} mm of the nose tip, after ICP with free scale; "
        "point to plane, on FW point to nearest point. The scan is compared with the mean identity of all pictures, at "
        "rest; on FW with their expression.",
        *notes,
    )
    heads = ("model", *(f"paper {name}" for name in columns), *(f"ours {name}" for name in columns), "remark")
    title = "Faces against 3D scans, mm"
    return Table("paper3-table-3", title, heads, tuple(rows), notes, (entries.rows_measured(errors),))
