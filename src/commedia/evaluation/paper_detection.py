"""Table `paper-table-2`: landmarks of SFN and MFN on LFW, and the faces that MFN finds on AFW, FDDB and WIDER FACE."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from commedia.data.datasets.filters import PAPER_RULES
from commedia.data.datasets.items import DatasetFace, DatasetItem
from commedia.data.datasets.samples import samples_from_dataset
from commedia.data.datasets.table import Dataset
from commedia.data.datasets.tree import LeftOut
from commedia.errors import CommediaError
from commedia.evaluation import entries
from commedia.evaluation.entries import Entry
from commedia.evaluation.metrics import CocoPrecision, PictureBoxes, coco_precision
from commedia.evaluation.published import PAPER, published
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.still_errors import StillErrors, curves_of_set
from commedia.faces.protocol import DetectorProtocol
from commedia.structures import Box

DETECTION_SETS = {"afw": "AFW", "fddb": "FDDB", "wider-face": "WIDER FACE"}
"""The paper measures on the first."""
LEAST_CONFIDENCE = 0.01
"""AP looks at the whole curve, so that doubtful faces are kept too."""
REFUSED_FLAGS = frozenset(("invalid",))


def paper_table_2(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure all networks there are; sets and networks that are not there leave dashes and a reason."""
    listed = entries.of_rows(published("table-2").rows, settings, ("sfn", "mfn"))
    detectors = entries.open_detectors(listed, threshold=LEAST_CONFIDENCE)
    readers = entries.sfn_readers(listed)
    reading = {one.name for one in listed if one.variant is not None and one.variant.reads}
    readers |= {name: entries.mfn_reader(detector) for name, detector in detectors.items() if name in reading}
    errors, reason, left_out = curves_of_set("lfw", readers, settings, progress, table="paper-table-2", title="LFW")
    found = {name: _precisions(name, detectors, settings, progress) for name in DETECTION_SETS}
    return entries.with_reasons(_main(listed, errors, reason, left_out, found["afw"]), _sets(detectors, found))


def _main(
    listed: list[Entry],
    errors: StillErrors | None,
    no_landmarks: str,
    left_out: str,
    afw: tuple[dict[str, CocoPrecision], str, str],
) -> Table:
    precisions, no_boxes, _ = afw
    rows: list[tuple[Cell, ...]] = []
    measured: dict[str, None] = {}
    for one in listed:
        assert one.variant is not None
        nme, share = _landmark_cells(one, errors)
        boxes = percent(precisions[one.name]) if one.name in precisions else (None,) * 3
        reasons = [no_landmarks] * one.variant.reads + [no_boxes] * (one.variant.kind == "mfn")
        remark = entries.state(one, "; ".join(dict.fromkeys(filter(None, reasons))))
        rows.append((one.name, *one.published, nme, share, *boxes, remark))
        if nme is not None or one.name in precisions:
            measured[one.name] = None
    columns = published("table-2").columns
    heads = (
        *("model", *(f"paper {name}" for name in columns)),
        *("ours NME %", "faces found", *(f"ours {name}" for name in columns[1:]), "remark"),
    )
    notes = (
        f"Paper: {PAPER}, Table 2. NME on LFW, AP on AFW, all in percent.",
        "NME over sqrt(w h) of the true points' tight box. SFN reads crops by the true points, MFN the whole picture.",
        "Who placed LFW's 68 points is not published; ours come from the list `landmarks.txt` in the set's folder.",
        f"LFW, left out: {left_out or 'nothing'}.",
    )
    title = "SFN and MFN, single scale and multi-scale"
    return Table("paper-table-2", title, heads, tuple(rows), notes, (entries.rows_measured(measured),))


def _sets(
    detectors: Mapping[str, DetectorProtocol], found: dict[str, tuple[dict[str, CocoPrecision], str, str]]
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    notes = [
        "AP is COCO's: overlaps .50 to .95, 101 recalls. Pictures with more than 20 faces are left out; faces below "
        "2 % of the picture or flagged invalid are not asked for, and finding them is no error.",
        "AFW as iBUG marked it does not list every face: whoever else is found counts as wrong, so its AP is too low. "
        "Its boxes are those of our mean head on the 68 points, from hairline to chin.",
        "Boxes of FDDB and WIDER FACE are drawn in other ways than ours, which costs overlap.",
    ]
    for name, (precisions, reason, counts) in found.items():
        title = DETECTION_SETS[name]
        for network in detectors:
            measured = percent(precisions[network]) if network in precisions else (None,) * 3
            rows.append((title, network, *measured, reason))
        if counts:
            notes.append(f"{title}: {counts}.")
    heads = ("set", "network", "AP", "AP50", "AP75", "remark")
    return Table("paper-table-2-sets", "Faces that MFN finds, set by set", heads, tuple(rows), tuple(notes))


def percent(precision: CocoPrecision) -> tuple[Cell, ...]:
    """AP, AP50 and AP75 as the paper writes them."""
    return tuple(100 * value for value in precision)


def _landmark_cells(one: Entry, errors: StillErrors | None) -> tuple[float | None, str | None]:
    if errors is None or one.name not in errors.nme:
        return None, None
    values = errors.nme[one.name]
    seen = np.isfinite(values)
    return float(values[seen].mean()) if seen.any() else None, f"{seen.sum()} of {len(values)}"


def _precisions(
    name: str, detectors: Mapping[str, DetectorProtocol], settings: EvaluationSettings, progress: Progress
) -> tuple[dict[str, CocoPrecision], str, str]:
    """By network; or why not; and what was looked at."""
    try:
        dataset = entries.find_dataset(name, settings.root)
        boxes = picture_boxes(dataset, detectors, settings.limit, progress)
    except CommediaError as error:
        return {}, entries.reason_of(error), ""
    one = next(iter(boxes.values()), [])
    counts = f"{len(one)} pictures, {sum(len(picture.required) for picture in one)} faces; left out: {dataset.left_out}"
    return {network: coco_precision(pictures) for network, pictures in boxes.items()}, "", counts


def picture_boxes(
    dataset: Dataset, detectors: Mapping[str, DetectorProtocol], limit: int | None, progress: Progress
) -> dict[str, list[PictureBoxes]]:
    """Run every network over the pictures that the paper's rules leave."""
    boxes: dict[str, list[PictureBoxes]] = {name: [] for name in detectors}
    # WIDER's training part is for training; sets without parts are taken whole.
    wanted = (item for item in dataset if not (dataset.spec.name == "wider-face" and item.split == "train"))
    usable = (item for item in wanted if _is_usable(item, dataset.left_out))
    for item, image in entries.pictures_of(dataset, usable, limit, progress):
        truth = reference_boxes(item, dataset.left_out)
        if truth is None:
            continue
        for name, detector in detectors.items():
            faces = detector.detect(image)
            found, confidence = [face.box for face in faces], [face.confidence for face in faces]
            boxes[name].append(PictureBoxes(found, confidence, *truth))
    return boxes


def reference_boxes(item: DatasetItem, left_out: LeftOut) -> tuple[list[Box], list[Box]] | None:
    """Boxes that have to be found and those that may be; None where a face has no place."""
    # Listed or not, all faces of a picture belong to one sample here; the sample gives marked faces our box.
    sample = next(samples_from_dataset([replace(item, all_faces=True)], left_out), None)
    if sample is None:
        return None
    height, width = sample.image.shape[:2]
    required, optional = [], []
    for face, placed in zip(item.faces, sample.faces, strict=True):
        asked = _is_asked_for(face, placed.box, width, height)
        (required if asked else optional).append(placed.box)
    return required, optional


def _is_usable(item: DatasetItem, left_out: LeftOut) -> bool:
    if len(item.faces) > PAPER_RULES.most_faces:
        left_out.add(f"the picture has more than {PAPER_RULES.most_faces} faces", item.source)
        return False
    return True


def _is_asked_for(face: DatasetFace, box: Box, width: int, height: int) -> bool:
    least = PAPER_RULES.smallest_face
    return not (face.flags & REFUSED_FLAGS) and box.width_px >= least * width and box.height_px >= least * height
