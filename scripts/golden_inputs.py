"""What goes into the commands of `golden_record.py`: bundled photographs, clips, results of earlier cases."""

import os
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

REPO = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("COMMEDIA_SHARED") or REPO.parent / "shared").resolve()
CLIPS = {
    "obama": "3ddfa-obama.mp4",
    "dafoe": "smirk-dafoe.mp4",
    "walking": "intel_previews-face-demographics-walking.gif",
}

Make = Callable[[Path, Path], object]
"""Takes the folder of the record and the file to make."""


def packaged(package: str, file: str) -> Make:
    """A package and a file of it in; makes a copy."""
    folders = (find_spec(package) or sys.exit(f"{package} is not installed")).submodule_search_locations or []
    return lambda root, target: shutil.copyfile(Path(folders[0], file), target)


def result(file: str) -> Make:
    """A result of an earlier case in; makes a copy."""
    return lambda root, target: shutil.copyfile(root / file, target)


def photos(labels: str = "") -> Make:
    """The text of a list in, or none; makes a folder of both photographs and the list."""

    def make(root: Path, target: Path) -> None:
        target.mkdir()
        for name in ("one.png", "two.jpg"):
            shutil.copyfile(ready(root, name), target / name)
        if labels:
            (target / "expressions.csv").write_text(labels, encoding="utf-8")

    return make


def beginning(clip: str, frames: int = 24) -> Make:
    """A shared clip in; makes its first frames."""

    def make(root: Path, target: Path) -> None:
        with av.open(str(SHARED / "data" / "clips" / clip)) as container:
            pictures = [frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), frames)]
        film(target, pictures)

    return make


def pair(root: Path, target: Path) -> None:
    """The record's folder in; makes a clip in which the camera moves over both photographs, side by side."""
    one, two = (np.asarray(Image.open(ready(root, name)).convert("RGB")) for name in ("one.png", "two.jpg"))
    film(target, [np.hstack([one[i : 300 + i, 90 + i : 390 + i], two[:300, 120 - i : 420 - i]]) for i in range(24)])


def film(path: Path, pictures: list[np.ndarray]) -> None:
    """RGB pictures of one even size in; writes an MP4 of 24 frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "16", "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


INPUTS: dict[str, Make] = {
    "one.png": packaged("skimage", "data/astronaut.png"),
    "two.jpg": packaged("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "photos": photos(),
    "expressions": photos("image,category\none.png,smile\ntwo.jpg,mouth open\n"),
    "pair.mp4": pair,
    "face.glb": result("photo-formats/out/person-01.glb"),
    "bare.obj": result("photo-formats/out/person-01.obj"),
    "take.jsonl": result("video/out/take.jsonl"),
    "face.csv": result("video/out/person-01.csv"),
    "valid.glb": lambda root, target: shutil.copyfile(SHARED / "data/characters/valid/Asian_F_1_Default.glb", target),
    "valid.toml": result("shared-map-valid/out/valid.toml"),
    **{f"{name}.mp4": beginning(file) for name, file in CLIPS.items()},
}


def ready(root: Path, name: str) -> Path:
    """The record's folder and the name of an input in; its path out, made when it is not there yet."""
    path = root / "inputs" / name
    if not path.exists() and name in INPUTS:
        INPUTS[name](root, path)
    return path
