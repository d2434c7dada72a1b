"""Table `parser`: what the pixels of faces show, on drawn faces never trained on and on photographs with marked points.

Writes two sheets to look at: `parser-drawn.jpg` (face, what the parser says, truth) and `parser-photographs.jpg`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from commedia.data.shards import read_encoded
from commedia.data.truth import COVERED, PARSE_UNKNOWN
from commedia.errors import BadShard, CommediaError
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.sheets import write_sheet
from commedia.face_model.model import PARSE_CLASSES
from commedia.faces.crop import Crop, crop_from_landmarks, crop_image
from commedia.faces.parser import ParserPredictor, open_parser, painted
from commedia.geometry.placement import affine_between, fixed_point, moved_points, warp
from commedia.labelling.pictures import PictureGroup

SHOWN, TILE_PX = 40, 128
MARKED: dict[str, tuple[str, ...]] = {
    "eyes": ("left_eye", "right_eye"),
    "lips": ("upper_lip", "lower_lip"),
    "inner mouth": ("inner_mouth",),
}
"""What hand-made points enclose."""
_BITS = 4


@dataclass
class Overlap:
    """Pixels counted over pictures."""

    both: Int[np.ndarray, "k"]
    either: Int[np.ndarray, "k"]
    faces: int = 0
    tiles: list[UInt8[np.ndarray, "h w 3"]] = field(default_factory=list)

    def add(self, said: np.ndarray, truth: np.ndarray) -> None:
        """Count maps of which is where (k, s, s)."""
        self.both += (said & truth).sum((1, 2))
        self.either += (said | truth).sum((1, 2))
        self.faces += 1

    @property
    def iou(self) -> Float[np.ndarray, "k"]:
        return np.where(self.either > 0, self.both / np.maximum(self.either, 1), np.nan)


def parser(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure the parser in crops that the true points place."""
    if not settings.shards:
        raise CommediaError("this table needs held-back shards with parse maps; name them with --shards")
    reader = open_parser(settings.parser, threads=1)
    drawn = _drawn(reader, settings, progress)
    if not drawn.faces:
        names = ", ".join(path.name for path in settings.shards)
        raise BadShard(f"no picture of {names} has a parse map; scripts/make_synthetic.py --truth draws some")
    write_sheet(settings.output / "parser-drawn.jpg", drawn.tiles, columns=4)
    rows: list[tuple[Cell, ...]] = [("drawn", drawn.faces, *cell) for cell in _named(PARSE_CLASSES, drawn.iou)]
    rows.append(("drawn", drawn.faces, "mean of the nine", float(np.nanmean(drawn.iou[1:]))))
    if settings.data is not None:
        photographs = _photographs(reader, settings, progress)
        write_sheet(settings.output / "parser-photographs.jpg", photographs.tiles, columns=8)
        rows += [("helen-dev", photographs.faces, *cell) for cell in _named(tuple(MARKED), photographs.iou)]
    notes = (
        "IoU: intersection over union of all pixels of a class, of maps of 64 x 64 pixels of SFN's crops; what hair, "
        "glasses and hands cover is background.",
        "helen-dev: regions enclosed by the points people made, which is how far they can say; skin, nose and brows "
        "have no such outline. Points are whole pixels at 256, an eye there is seven map pixels wide.",
    )
    return [Table("parser", "What pixels of faces show", ("set", "faces", "region", "IoU"), tuple(rows), notes)]


def truth_in_crop(
    parse: UInt8[np.ndarray, "h w"], width: int, crop: Crop, size: int
) -> UInt8[np.ndarray, "{size} {size}"]:
    """Cut a parse map, of a picture of `width` pixels, as the picture is cut; unknown beyond its edges."""
    finer = parse.shape[1] / width
    cell, middle = finer * crop.side_px / size, np.full(2, size / 2)
    map_from_crop = affine_between(cell * crop.image_from_crop, middle, finer * crop.center_px)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return warp(parse, map_from_crop, (size, size), grey=PARSE_UNKNOWN, flags=flags)


def marked_regions(points: Float[np.ndarray, "68 2"], size: int) -> np.ndarray:
    """Fill what points enclose, in the order of `MARKED`; points in pixels of the map."""
    outlines = ([36, 37, 38, 39, 40, 41], [42, 43, 44, 45, 46, 47]), (list(range(48, 60)),), (list(range(60, 68)),)
    filled = []
    for parts in outlines:
        canvas = np.zeros((size, size), np.uint8)
        cv2.fillPoly(canvas, [fixed_point(points[part], _BITS) for part in parts], 1, shift=_BITS)
        filled.append(canvas > 0)
    eyes, mouth, inside = filled
    return np.stack([eyes, mouth & ~inside, inside])


def _drawn(reader: ParserPredictor, settings: EvaluationSettings, progress: Progress) -> Overlap:
    count = len(PARSE_CLASSES)
    found, classes = Overlap(np.zeros(count, int), np.zeros(count, int)), np.arange(count)[:, None, None]
    for path in settings.shards:
        for done, encoded in enumerate(islice(read_encoded(path), settings.limit)):
            progress(f"reading {path.name}", done, settings.limit or 0)
            picture = encoded.decoded()
            if picture.parse is None or len(picture.faces) != 1:
                continue
            crop = crop_from_landmarks(picture.faces[0].landmarks_px)
            said = reader.parse(picture.image, [crop])[0].argmax(0).astype(np.uint8)
            truth = truth_in_crop(picture.parse, encoded.size[0], crop, len(said))
            told = np.where(truth == COVERED, 0, truth)
            found.add((said == classes) & (truth != PARSE_UNKNOWN), told == classes)
            if len(found.tiles) < SHOWN:
                image = crop_image(picture.image, crop, TILE_PX)
                found.tiles.append(np.concatenate([image, painted(image, said), painted(image, truth)], axis=1))
    return found


def _photographs(reader: ParserPredictor, settings: EvaluationSettings, progress: Progress) -> Overlap:
    found = Overlap(np.zeros(len(MARKED), int), np.zeros(len(MARKED), int))
    pictures = PictureGroup("helen-dev", tuple(sorted(settings.file("faces").glob("helen-dev-*.tar"))))
    for done, picture in enumerate(islice(pictures, settings.limit)):
        progress("helen-dev", done, settings.limit or 0)
        if picture.gold_px is None:
            continue
        image, crop = picture.decoded(), crop_from_landmarks(picture.gold_px)
        said = reader.parse(image, [crop])[0].argmax(0).astype(np.uint8)
        found.add(np.stack([_shows(said, names) for names in MARKED.values()]), _marked_in(crop, picture.gold_px, said))
        if len(found.tiles) < SHOWN:
            cut = crop_image(image, crop, TILE_PX)
            found.tiles.append(np.concatenate([cut, painted(cut, said)], axis=1))
    return found


def _marked_in(crop: Crop, points_px: Float[np.ndarray, "68 2"], said: np.ndarray) -> np.ndarray:
    size = len(said)
    back = size / crop.side_px * crop.image_from_crop.T
    return marked_regions(moved_points(points_px, affine_between(back, crop.center_px, np.full(2, size / 2))), size)


def _shows(said: UInt8[np.ndarray, "s s"], names: tuple[str, ...]) -> np.ndarray:
    return np.isin(said, [PARSE_CLASSES.index(name) for name in names])


def _named(names: tuple[str, ...], iou: Float[np.ndarray, "k"]) -> Iterator[tuple[str, float]]:
    return zip(names, (float(value) for value in iou), strict=True)
