"""Make shards of scenes with boxes only: photographs known to be without faces, and frames of clips with found faces.

python scripts/make_scenes.py --empty photos.tar --clips a.mp4 b.gif --detector ultralight-rfb-640.onnx -o scenes
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from commedia.conventions import EXPRESSION_COUNT, LANDMARK_COUNT
from commedia.data.sample import FaceSample, PictureSample
from commedia.data.shards import write_shard
from commedia.errors import CommediaError
from commedia.labelling.inputs import group_inputs
from commedia.labelling.rfb import FaceFinder
from commedia.sources.open import open_frames
from commedia.structures import Box, HeadPose
from commedia.synthetic.backgrounds import HELD_BACK
from commedia.training.decoys import add_decoys
from commedia.training.pictures import FaceCrops, load_pictures_and_face_crops

SURE, UNSURE = 0.7, 0.3
"""A picture with a face found at a confidence between the two is left out, since neither label would be safe."""
LONGEST_SIDE = 448
SMALLEST_PX = 0.02
"""Of the longer side; smaller faces are not labelled, and training does not ask for them."""


def boxed_face(box: Box) -> FaceSample:
    """A face of which nothing but the box is known: without area its landmarks are not believed."""
    center = np.array(box.center_px, dtype=np.float32)
    return FaceSample(
        box=box,
        landmarks_px=np.tile(center, (LANDMARK_COUNT, 1)),
        landmark_kind="teacher",
        pose=HeadPose(np.array([1, 0, 0, 0], dtype=np.float32), center, max(box.width_px, 1.0) / 0.15),
        identity=None,
        expression=None,
        expression_weight=np.zeros(EXPRESSION_COUNT, dtype=np.float32),
        identity_name=None,
    )


def empty_scenes(tar: Path, finder: FaceFinder, licence: str) -> Iterator[PictureSample]:
    """Go through the photographs of `synthetic/backgrounds.py`, less those that seem to show a face."""
    pictures = sorted(group_inputs([tar])[0], key=lambda picture: picture.key)[:-HELD_BACK]
    for picture in pictures:
        image = reduced(picture.decoded())
        if not finder.find(image, confidence=SURE):
            yield PictureSample(image, (), picture.source, licence, "labelled")


def decoy_scenes(scenes: list[PictureSample], faces: FaceCrops, rng: np.random.Generator) -> Iterator[PictureSample]:
    """Paint limbs, hands, backs of heads and scraps of faces into pictures without faces, so that skin is no face."""
    for scene in scenes:
        canvas = scene.image.copy()
        for _ in range(4):
            add_decoys(canvas, np.zeros((0, 4), np.float32), faces, rng)
        yield replace(scene, image=canvas, source=f"decoys/{scene.source}")


def clip_scenes(clip: Path, count: int, finder: FaceFinder, licence: str) -> Iterator[PictureSample]:
    """Label evenly spaced frames, where the detector is sure of all it sees."""
    frames = [frame.image for frame in open_frames(clip)]
    for index in np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int).tolist():
        image = reduced(frames[index])
        found = finder.find(image, confidence=UNSURE)
        if all(face.confidence >= SURE for face in found):
            smallest = SMALLEST_PX * max(image.shape)
            boxes = [face.box for face in found if max(face.box.width_px, face.box.height_px) >= smallest]
            yield PictureSample(image, tuple(map(boxed_face, boxes)), f"{clip.stem}/{index}", licence, "labelled")


def reduced(image: np.ndarray) -> np.ndarray:
    """Shrink to what training keeps of a scene."""
    scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make shards of scenes with boxes only.")
    parser.add_argument("--empty", type=Path, nargs="*", default=[], help="tars of photographs without faces")
    parser.add_argument("--decoys", type=Path, help="shard of faces: also write the empty pictures with decoys of them")
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--frames", type=int, default=25, help="of each clip")
    parser.add_argument("--detector", type=Path, required=True, help="the RFB-640 face detector, an .onnx file")
    parser.add_argument("--licence", default="research use")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    try:
        finder = FaceFinder(given.detector)
        jobs = [(tar.stem, empty_scenes(tar, finder, given.licence)) for tar in given.empty]
        if given.decoys:
            _, faces = load_pictures_and_face_crops([given.decoys])
            empty = [scene for _, scenes in jobs for scene in scenes]
            rng = np.random.default_rng(0)
            jobs = [("empty", iter(empty)), ("decoys", decoy_scenes(empty, faces, rng))]
        jobs += [(clip.stem, clip_scenes(clip, given.frames, finder, given.licence)) for clip in given.clips]
        for name, samples in jobs:
            kept = list(samples)
            write_shard(given.output / f"{name}-000.tar", kept)
            print(f"{name}: {len(kept)} pictures, {sum(len(one.faces) for one in kept)} faces", flush=True)
    except CommediaError as error:
        print(f"make_scenes: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
