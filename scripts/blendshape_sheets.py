"""Draw, blendshape by blendshape, the crops in which SFN says it moves most: is it so? For people to look at and to
count.

python scripts/blendshape_sheets.py --shards shards/lfw-002.tar --clips clips/*.mp4 -o runs/blendshapes

Writes `blendshapes-NN.png`, five blendshapes each, and `values.csv` with what was read. MediaPipe and the fit cannot
judge cheeks, tongue or nose; eyes can. Crops of one clip stand at least a second apart, and no more than three of it in
one row.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_NAMES
from commedia.data.shards import read_encoded
from commedia.errors import CommediaError
from commedia.faces.crop import crop_from_landmarks, crop_image
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.sfn import open_sfn
from commedia.sources.open import open_frames
from commedia.tracking.models import open_models
from commedia.tracking.tracker import Tracker
from commedia.training.sheets import grid_of, write_picture

STRONGEST, COLUMNS, BLENDSHAPES_PER_SHEET = 20, 10, 5
TILE_PX, HEADING_PX = 128, 24
MOST_OF_ONE_CLIP = 3


class Prediction(NamedTuple):
    """One face as SFN reads it."""

    source: str
    from_clip: bool
    crop: UInt8[np.ndarray, "128 128 3"]
    expression: Float[np.ndarray, "52"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, nargs="*", default=[], help="labelled photographs, one face each")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="videos of people")
    parser.add_argument("--sfn", default="sfn-desktop", help="shipped weights by name, or an ONNX file")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    try:
        predictions = [*of_shards(given.shards, given.sfn), *of_clips(given.clips, given.sfn)]
    except CommediaError as error:
        print(f"unit_sheets: {error}", file=sys.stderr)
        return 2
    if not predictions:
        print("unit_sheets: no face was read; name --shards or --clips with faces in them", file=sys.stderr)
        return 2
    given.output.mkdir(parents=True, exist_ok=True)
    count = len(EXPRESSION_NAMES)
    for first in range(0, count, BLENDSHAPES_PER_SHEET):
        sheet = np.concatenate(
            [row_of(blendshape, predictions) for blendshape in range(first, min(first + BLENDSHAPES_PER_SHEET, count))]
        )
        write_picture(given.output / f"blendshapes-{first:02d}.png", sheet)
    _write_values(given.output / "values.csv", predictions)
    return 0


def of_shards(paths: Iterable[Path], weights: str) -> Iterator[Prediction]:
    """Read every labelled face by itself."""
    sfn = open_sfn(weights, threads=1)
    for path in paths:
        for encoded in read_encoded(path):
            image = encoded.decoded().image
            for face in encoded.faces:
                crop = crop_from_landmarks(face.landmarks_px)
                params = sfn.regress(image, [crop])[0]
                yield Prediction(path.stem, False, crop_image(image, crop, TILE_PX), params.expression)


def of_clips(paths: Iterable[Path], weights: str) -> Iterator[Prediction]:
    """Follow everyone and keep one picture of each a second."""
    models = open_models(sfn=weights)
    for path in paths:
        with open_frames(path) as source:
            due: dict[int, float] = {}
            for frame, tracked in Tracker(models).follow(source):
                for face in tracked.faces:
                    time_s = float(tracked.time_s)
                    if face.status != "tracked" or time_s < due.get(face.id, 0.0):
                        continue
                    due[face.id] = time_s + 1.0
                    crop = crop_from_landmarks(landmarks_of_faces([face.params])[0])
                    yield Prediction(path.stem, True, crop_image(frame.image, crop, TILE_PX), face.params.expression)


def row_of(blendshape: int, predictions: list[Prediction]) -> UInt8[np.ndarray, "h w 3"]:
    """The strongest of one unit under its name and their values."""
    of_clip: Counter[str] = Counter()
    tiles: list[np.ndarray] = []
    for prediction in sorted(predictions, key=lambda one: -one.expression[blendshape]):
        of_clip[prediction.source] += prediction.from_clip
        if of_clip[prediction.source] <= MOST_OF_ONE_CLIP and len(tiles) < STRONGEST:
            tiles.append(_tile(prediction, float(prediction.expression[blendshape])))
    drawn = grid_of(tiles, COLUMNS)
    heading = np.zeros((HEADING_PX, drawn.shape[1], 3), np.uint8)
    cv2.putText(heading, EXPRESSION_NAMES[blendshape], (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1)
    return np.concatenate([heading, drawn])


def _tile(prediction: Prediction, value: float) -> UInt8[np.ndarray, "128 128 3"]:
    tile = prediction.crop.copy()
    cv2.putText(tile, f"{value:.2f}", (3, TILE_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 0), 1)
    return tile


def _write_values(path: Path, predictions: list[Prediction]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("source", *EXPRESSION_NAMES))
        table.writerows((one.source, *(f"{value:.3f}" for value in one.expression)) for one in predictions)


if __name__ == "__main__":
    sys.exit(main())
