"""Fit a network's marks, which say where people mark the 68 points, to training photographs, and keep them in its file.

python scripts/fit_marks.py sfn-desktop sfn-mobile --faces FACES

Prints errors on photographs that a fit did not see: in five parts, no person in two of them.
"""

import argparse
import sys
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.errors import CommediaError
from commedia.face_model.model import load_head
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.marks import MARKS, Marks, marks_to_text
from commedia.faces.sfn import SfnPredictor, open_sfn
from commedia.faces.weights import find_weights
from commedia.labelling.marks import MarkedFaces, fitted_marks
from commedia.labelling.pictures import PictureGroup
from commedia.networks.export import note_in_file

WEIGHTS = {"helen-train": 4.0, "ytf-train": 0.22}
"""Of one face. People marked helen point by point, as they did the sets that others measure on; of ytf there are four
times as many faces, frames of videos that were marked with the help of a program, some way off."""
PARTS = 5
INNER = slice(17, None)


def read_set(network: SfnPredictor, path: Path, weight: float) -> tuple[MarkedFaces, np.ndarray]:
    """Read every marked face in the crop of its marks; also says in which part each person is."""
    faces, marks, parts = [], [], []
    for picture in PictureGroup(path.stem, (path,)):
        if picture.gold_px is not None:
            faces += network.regress(picture.decoded(), [crop_from_landmarks(picture.gold_px)])
            marks.append(picture.gold_px)
            parts.append(zlib.crc32((picture.identity_name or picture.key).encode()) % PARTS)
    return MarkedFaces(faces, np.array(marks), np.full(len(faces), weight)), np.array(parts)


def joined(sets: list[MarkedFaces]) -> MarkedFaces:
    """Faces of several sets."""
    marks_px, weight = (np.concatenate([getattr(one, name) for one in sets]) for name in ("marks_px", "weight"))
    return MarkedFaces([face for one in sets for face in one.faces], marks_px, weight)


def unseen_errors(sets: list[MarkedFaces], parts: list[np.ndarray]) -> list[Float[np.ndarray, "n 68"]]:
    """Errors on each set's faces by marks that were fitted to the other parts of all sets."""
    errors = [np.zeros((len(one.faces), 68)) for one in sets]
    for part in range(PARTS):
        others = joined([one.chosen(own != part) for one, own in zip(sets, parts, strict=True)])
        marks = fitted_marks(others, load_head())
        for error, one, own in zip(errors, sets, parts, strict=True):
            error[own == part] = one.chosen(own == part).errors(load_head(), marks)
    return errors


def fit(name: str, folder: Path) -> Marks:
    """Read both sets with a network, print what marks are worth on faces they did not see, and fit them to all."""
    network = open_sfn(name)
    read = [read_set(network, folder / f"{one}-000.tar", weight) for one, weight in WEIGHTS.items()]
    sets, parts = [faces for faces, _ in read], [own for _, own in read]
    for title, one, unseen in zip(WEIGHTS, sets, unseen_errors(sets, parts), strict=True):
        for kind, error in (("the head's points", one.errors(load_head(), None)), ("marks", unseen)):
            inner = error[:, INNER].mean()
            print(f"{name} on {title}, {kind}: NME {100 * error.mean():.3f} %, inner {100 * inner:.3f}")
    return fitted_marks(joined(sets), load_head())


def main() -> int:
    parser = argparse.ArgumentParser(description="Fit the marks of networks, and keep them in their files.")
    parser.add_argument("networks", nargs="+", help="names of shipped weights, or .onnx files")
    parser.add_argument("--faces", type=Path, required=True, help=f"folder of {' and '.join(WEIGHTS)}, as tar files")
    given = parser.parse_args()
    try:
        for name in given.networks:
            note_in_file(find_weights(name), MARKS, marks_to_text(fit(name, given.faces)))
    except CommediaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
