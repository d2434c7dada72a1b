"""The networks a tracker sees with: what finds faces, what reads them, and how they are opened."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import UInt8

from commedia.face_model.model import HeadModel
from commedia.faces.embedding import open_embedding
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.mfn import open_mfn
from commedia.faces.protocol import DetectorProtocol, EmbedderProtocol, Landmarker, RegressorProtocol
from commedia.faces.sfn import SfnPredictor, open_sfn
from commedia.faces.tiled import TiledDetector
from commedia.faces.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.structures import Face

FOLLOW_CONFIDENCE, FAINT_CONFIDENCE = 0.2, 0.1
"""Least confidence of a detection that may go on with somebody known (`TrackLifecycle.birth_confidence` begins anybody
new), and of one that may be somebody in a photograph, if the regressor is sure."""


@dataclass(frozen=True)
class Models:
    """What sees."""

    detector: DetectorProtocol
    """Finds all faces of a picture."""
    regressor: RegressorProtocol
    """Reads single faces from full-resolution crops."""
    tiled: DetectorProtocol | None = None
    """Finds small faces too, for more time; asked now and then, and while somebody is small."""
    landmarker: Landmarker = landmarks_of_faces
    """Places the landmarks of what was read: on the head, or where people would mark them."""
    embedder: EmbedderProtocol | None = None
    """Tells people apart; without one, only places and a coarse appearance do."""

    def of_head(self, head: HeadModel) -> "Models":
        """Take these models with the landmarks of a head, such as a `Person`'s: its own points, without marks."""
        if isinstance(self.regressor, SfnPredictor) and self.regressor.head is head:
            return self
        return replace(self, landmarker=partial(landmarks_of_faces, head=head))

    def careful(self) -> "Models":
        """Take these models with every face read twice, the second time mirrored, where the regressor can."""
        if not isinstance(self.regressor, SfnPredictor):
            return self
        return replace(self, regressor=replace(self.regressor, flip_average=True))

    def largest(self, count: int) -> "Models":
        """Take these models for the `count` largest faces only."""
        tiled = None if self.tiled is None else LargestFaces(self.tiled, count)
        return replace(self, detector=LargestFaces(self.detector, count), tiled=tiled)


@dataclass(frozen=True)
class LargestFaces:
    """A detector that keeps the largest faces of another one."""

    detector: DetectorProtocol
    count: int

    def detect(self, image: UInt8[np.ndarray, "h w 3"]) -> list[Face]:
        """Find at most `count` faces; their order stays. What is faint takes nobody's place."""
        found = [face for face in self.detector.detect(image) if face.confidence >= FOLLOW_CONFIDENCE]
        kept = sorted(found, key=lambda face: -face.box.width_px * face.box.height_px)[: self.count]
        return [face for face in found if any(face is other for other in kept)]


def open_models(
    mfn: str = DEFAULT_MFN, sfn: str = DEFAULT_SFN, *, flip_average: bool = False, head: HeadModel | None = None
) -> Models:
    """Open networks by name or path. MFN also reports doubtful faces: the tracker only follows people with them.

    `flip_average` reads every face twice, the second time mirrored: nearer the truth, for twice the time of SFN. `head`
    is the head whose parameters and landmarks are read, such as a `Person`'s; None is the default head.
    """
    detector = open_mfn(mfn, threshold=FAINT_CONFIDENCE, head=head)
    regressor, embedder = open_sfn(sfn, flip_average=flip_average, head=head), open_embedding()
    return Models(detector, regressor, TiledDetector(detector), regressor.landmarks, embedder)
