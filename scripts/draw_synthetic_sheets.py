"""Draw the contact sheets of `docs/sheets/`: single faces, every second with its landmarks, and crowds with boxes.

python scripts/draw_synthetic_sheets.py --backgrounds photos.tar --out docs/sheets
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from commedia.data.sample import PictureSample
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.crowds import crowd_pictures
from commedia.synthetic.shards import single_pictures


def marked(picture: PictureSample, *, boxes: bool) -> np.ndarray:
    """Draw the truth over a picture."""
    image = picture.image.copy()
    for face in picture.faces:
        corners = (
            np.round([face.box.left_px, face.box.top_px, face.box.right_px, face.box.bottom_px]).astype(int).tolist()
        )
        if boxes:
            cv2.rectangle(image, corners[:2], corners[2:], (255, 230, 0), 1)
        for x, y in np.round(face.landmarks_px * 8).astype(int).tolist():
            cv2.circle(image, (x, y), 4 if boxes else 9, (0, 255, 0), -1, cv2.LINE_AA, 3)
    return image


def sheet(images: list[np.ndarray], columns: int, cell: int) -> np.ndarray:
    """Lay pictures out in rows."""
    cells = [cv2.resize(image, (cell, cell), interpolation=cv2.INTER_AREA) for image in images]
    return np.concatenate([np.concatenate(cells[at : at + columns], 1) for at in range(0, len(cells), columns)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backgrounds", type=Path, help="tar of photographs; made-up backdrops when not given")
    parser.add_argument("--out", type=Path, default=Path("docs/sheets"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    backgrounds = load_backgrounds(given.backgrounds, "test")
    face_crops = [
        marked(picture, boxes=False) if number % 2 else picture.image
        for number, picture in enumerate(single_pictures("test", 77, 96, backgrounds))
    ]
    crowds = [marked(picture, boxes=True) for picture in crowd_pictures("test", 77, 12, backgrounds, size=320)]
    given.out.mkdir(parents=True, exist_ok=True)
    for name, drawn in (("faces", sheet(face_crops, 12, 128)), ("crowds", sheet(crowds, 4, 320))):
        path = given.out / f"synthetic-{name}.jpg"
        cv2.imwrite(str(path), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 72])
        print(f"{path}: {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
