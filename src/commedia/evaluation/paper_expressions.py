"""Table `paper-table-5`: how far the blendshapes of nine strong expressions stay from 1, on pictures that a user lists.

The paper's own are private; a list `expressions.csv` of `image,category[,blendshape]` beside one's own replaces them.
"""

import csv
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_INDEX
from commedia.data.datasets.items import StoredPicture
from commedia.data.datasets.tree import BadAnnotation, LeftOut, Tree, text_lines
from commedia.errors import CommediaError, UnknownName, UnreadableMedia
from commedia.evaluation import entries
from commedia.evaluation.entries import Entry
from commedia.evaluation.published import PAPER, published
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_of_face
from commedia.faces.mfn import open_mfn
from commedia.faces.protocol import DetectorProtocol, RegressorProtocol
from commedia.structures import Face

LIST_NAME = "expressions.csv"
CATEGORY_FILE = Path(__file__).resolve().parents[1] / "assets" / "mappings" / "paper1-expressions.toml"
CONFIDENCE = 0.2
"""The list says that there is a face, so that a doubtful one will do."""

ExpressionReader = Callable[[UInt8[np.ndarray, "h w 3"]], Float[np.ndarray, "52"] | None]
"""A picture to the expression of its largest face; None where there is none."""


@dataclass(frozen=True)
class Category:
    """One column of the table."""

    name: str
    count: int
    """Pictures in the paper's set."""
    blendshapes: tuple[str, ...]
    labelled: bool = False
    """The list has to say which of the blendshapes it is."""


@dataclass(frozen=True)
class ListedPicture:
    """One line of the list."""

    path: Path
    category: str
    blendshapes: tuple[str, ...]
    """That ought to be 1."""


@cache
def load_categories(path: Path = CATEGORY_FILE) -> dict[str, Category]:
    """Read the nine categories, in the paper's order."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    found = {
        part["name"]: Category(**{**part, "blendshapes": tuple(part["blendshapes"])}) for part in table["category"]
    }
    for category in found.values():
        for blendshape in category.blendshapes:
            if blendshape not in EXPRESSION_INDEX:
                raise UnknownName(f"blendshape in '{path}'", blendshape, EXPRESSION_INDEX)
    return found


def paper_table_5(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Read every listed picture with every network there is."""
    listed = entries.of_rows(published("table-5").rows, settings, ("sfn", "mfn"))
    left_out = LeftOut()
    path = list_file(settings.root)
    if path is None:
        where = entries.NO_ROOT if settings.root is None else f"there is no '{LIST_NAME}' in '{settings.root}'"
        reason = f"not measured: {where} (the paper's own pictures are private)"
        return entries.with_reasons(_table(listed, {}, reason, {}, left_out))
    pictures = read_list(path, left_out)[: settings.limit]
    readers = _readers(listed, settings)
    errors: dict[str, dict[str, list[float]]] = {name: {} for name in readers}
    lost = dict.fromkeys(readers, 0)
    for index, one in enumerate(pictures):
        progress("expressions", index, len(pictures))
        try:
            image = StoredPicture(one.path).decoded()
        except UnreadableMedia as error:
            left_out.add("the picture cannot be read", str(error))
            continue
        for name, read in readers.items():
            expression = read(image)
            if expression is None:
                lost[name] += 1
            else:
                errors[name].setdefault(one.category, []).append(expression_error(expression, one.blendshapes))
    means = {name: category_means(parts) for name, parts in errors.items()}
    return entries.with_reasons(_table(listed, means, "", lost, left_out), _counts(pictures))


def list_file(root: Path | None) -> Path | None:
    """Find the list: the file itself, or the one in the folder."""
    if root is None:
        return None
    path = root if root.suffix.lower() == ".csv" else root / LIST_NAME
    return path if path.is_file() else None


def read_list(path: Path, left_out: LeftOut) -> list[ListedPicture]:
    """Read the list; a picture that is not there is counted, a line that makes no sense raises BadAnnotation."""
    rows = csv.DictReader(text_lines(path), skipinitialspace=True)
    names = rows.fieldnames or []
    if not {"image", "category"} <= set(names):
        raise BadAnnotation(
            path, f"its first line has to be image,category[,blendshape], not '{','.join(names)}'", line=1
        )
    tree = Tree(path.parent, "expressions", "", left_out)
    found = []
    for row in rows:
        line = rows.line_num
        category = _category(path, line, row["category"] or "")
        blendshapes = _blendshapes(path, line, category, (row.get("blendshape") or "").strip())
        picture = tree.attempt(tree.inside, (row["image"] or "").strip(), said_by=path, line=line)
        if picture is not None:
            found.append(ListedPicture(picture, category.name, blendshapes))
    if not found:
        raise CommediaError(f"'{path}' names no picture that is there; left out: {left_out}")
    return found


def expression_error(expression: Float[np.ndarray, "52"], blendshapes: Iterable[str]) -> float:
    """Mean of |1 - weight| over the blendshapes that ought to be 1 (paper 1, section 4.2)."""
    return float(np.mean([abs(1 - expression[EXPRESSION_INDEX[blendshape]]) for blendshape in blendshapes]))


def category_means(errors: Mapping[str, list[float]]) -> tuple[float, ...]:
    """Mean of each category, and the unweighted mean of the nine; NaN for a category without pictures, and then for
    the mean."""
    means = [float(np.mean(errors[name])) if errors.get(name) else float("nan") for name in load_categories()]
    return (*means, float(np.mean(means)))


def _category(path: Path, line: int, text: str) -> Category:
    known = {_plain(name): category for name, category in load_categories().items()}
    if _plain(text) not in known:
        raise BadAnnotation(path, f"unknown category '{text}'; known: {', '.join(load_categories())}", line=line)
    return known[_plain(text)]


def _blendshapes(path: Path, line: int, category: Category, blendshape: str) -> tuple[str, ...]:
    if blendshape and blendshape not in category.blendshapes:
        raise BadAnnotation(path, f"'{blendshape}' is none of {', '.join(category.blendshapes)}", line=line)
    if category.labelled and not blendshape:
        raise BadAnnotation(
            path, f"'{category.name}' needs a blendshape: {' or '.join(category.blendshapes)}", line=line
        )
    return (blendshape,) if blendshape else category.blendshapes


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _readers(listed: list[Entry], settings: EvaluationSettings) -> dict[str, ExpressionReader]:
    """MFN finds the face; SFN reads it in its crop, an MFN as it finds it."""
    finder = open_mfn(settings.mfn, threads=1, threshold=CONFIDENCE)
    readers = {name: in_crop(finder, regressor) for name, regressor in entries.open_regressors(listed).items()}
    return readers | {name: at_once(one) for name, one in entries.open_detectors(listed, threshold=CONFIDENCE).items()}


def in_crop(finder: DetectorProtocol, regressor: RegressorProtocol) -> ExpressionReader:
    """Read the largest face in a crop placed by the finder's points."""

    def read(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "52"] | None:
        face = _largest(finder.detect(image))
        return None if face is None else regressor.regress(image, [crop_of_face(face)])[0].expression

    return read


def at_once(detector: DetectorProtocol) -> ExpressionReader:
    """Read the largest face in the pass that finds it."""

    def read(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "52"] | None:
        face = _largest(detector.detect(image))
        return None if face is None or face.params is None else face.params.expression

    return read


def _largest(faces: list[Face]) -> Face | None:
    return max(faces, key=lambda face: face.box.width_px * face.box.height_px, default=None)


def _table(
    listed: list[Entry], means: Mapping[str, tuple[float, ...]], reason: str, lost: Mapping[str, int], left_out: LeftOut
) -> Table:
    """Two rows a network, because ten columns twice would fit on no page: the paper's numbers, and ours below."""
    columns = published("table-5").columns
    rows: list[tuple[Cell, ...]] = []
    for one in listed:
        if np.isfinite(one.published).any():
            rows.append((one.name, "paper", *one.published, "published number"))
        ours = means.get(one.name)
        remarks = [reason] if reason else []
        if ours is not None:
            empty = [name for name, value in zip(columns[:-1], ours[:-1], strict=True) if np.isnan(value)]
            remarks += [f"not measured: no picture of {', '.join(empty)}"] * bool(empty)
            remarks += [f"no face found in {lost[one.name]} pictures"] * bool(lost[one.name])
        cells = (None,) * len(columns) if ours is None else ours
        rows.append((one.name, "ours", *cells, entries.state(one, "; ".join(remarks))))
    notes = (
        f"Paper: {PAPER}, Table 5, on 1008 private pictures; ours on the pictures listed, so that the two are not of "
        "the same faces.",
        "Mean of |1 - weight| over the category's blendshapes (`assets/mappings/paper1-expressions.toml`); lower is "
        "better only on pictures as extreme as the paper's. 'mean' weighs the nine categories alike.",
        f"Left out: {left_out}.",
    )
    heads = ("model", "numbers", *columns, "remark")
    title = "Blendshapes of strong expressions, distance from 1"
    return Table("paper-table-5", title, heads, tuple(rows), notes, (entries.rows_measured(means),))


def _counts(pictures: list[ListedPicture]) -> Table:
    rows = tuple(
        (name, category.count, sum(one.category == name for one in pictures), ", ".join(category.blendshapes))
        for name, category in load_categories().items()
    )
    heads = ("category", "pictures in the paper", "pictures listed", "blendshapes")
    return Table("paper-table-5-pictures", "Pictures of each expression", heads, rows)
