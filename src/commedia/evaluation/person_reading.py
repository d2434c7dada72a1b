"""Several pictures of one person to their face in 3D, picture by picture: what paper 2's networks do, and how any other
network that reads faces takes part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8

from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import HeadModel, head_or_default
from commedia.faces.crop import Crop
from commedia.faces.identity import IdentityPredictor, KnownPerson, SeenIdentity, open_identity
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.protocol import RegressorProtocol
from commedia.faces.sfn import open_sfn
from commedia.structures import FaceParams

Image = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True)
class PersonReading:
    """What is said of n pictures of one person."""

    vertices: Float[np.ndarray, "n v 3"]
    """Of the default head's mesh: metres of the head frame, before pose."""
    landmarks_px: Float[np.ndarray, "n 68 2"]
    """In the pixels of each picture."""
    drawn: UInt8[np.ndarray, "n s s 3"] | None = None
    """Each face drawn again as it lies in its crop, at any one size; None of what draws none."""
    mask: Bool[np.ndarray, "n s s"] | None = None
    """Where it was drawn."""


@runtime_checkable
class PersonReader(Protocol):
    """Reads a person."""

    def read(self, images: Sequence[Image], crops: Sequence[Crop]) -> PersonReading:
        """Read pictures of one person, with the crop that the face fills in each."""
        ...


@runtime_checkable
class PointsReader(Protocol):
    """Reads a person whose points somebody knows: what better points would be worth."""

    def read_points(
        self, images: Sequence[Image], crops: Sequence[Crop], points_px: Sequence[Float[np.ndarray, "68 2"]]
    ) -> PersonReading:
        """As `PersonReader.read`, told where the 68 points truly are in each picture."""
        ...


@dataclass(frozen=True)
class FaceByFace:
    """A network that reads one crop alone: who it is, is the mean over the pictures, or what
    the identity network says, and so what it does."""

    regressor: RegressorProtocol
    head: HeadModel
    identifier: IdentityPredictor | None = None

    def read(self, images: Sequence[Image], crops: Sequence[Crop]) -> PersonReading:
        """Read each picture; the head model's blendshapes are everybody's."""
        faces = [self.regressor.regress(image, [crop])[0] for image, crop in zip(images, crops, strict=True)]
        faces = of_one_person(faces, self.identifier and known_person(self.identifier, images, crops))
        identity = faces[0].identity
        vertices = [vertices_from_params(self.head.model, identity, face.expression) for face in faces]
        return PersonReading(np.stack(vertices), np.stack(landmarks_of_faces(faces, self.head)))


@dataclass(frozen=True)
class MeanFace:
    """Says that everybody is the mean head at rest: what knowing nothing but the pose scores."""

    posed: FaceByFace

    def read(self, images: Sequence[Image], crops: Sequence[Crop]) -> PersonReading:
        """Take the points of the network that poses it, and nothing else."""
        read = self.posed.read(images, crops)
        return replace(read, vertices=np.broadcast_to(self.posed.head.model.mean, read.vertices.shape))


def of_one_person(faces: Sequence[FaceParams], known: KnownPerson | None) -> list[FaceParams]:
    """Give faces the mean of their identities, or what is known of who they are and what they do."""
    if known is None:
        identity = np.mean([face.identity for face in faces], axis=0).astype(np.float32)
        return [replace(face, identity=identity) for face in faces]
    who, rows = known.identity.astype(np.float32), zip(faces, known.expression, strict=True)
    return [replace(face, identity=who, expression=expression) for face, expression in rows]


def known_person(identifier: IdentityPredictor, images: Sequence[Image], crops: Sequence[Crop]) -> KnownPerson:
    """Who pictures of one person show, with the crop that the face fills in each."""
    seen = [identifier.read(image, [crop]) for image, crop in zip(images, crops, strict=True)]
    return identifier.of_one_person(SeenIdentity(*(np.concatenate(part) for part in zip(*seen, strict=True))))


def face_by_face(name: str) -> FaceByFace:
    """Open a network that reads crops, by the name of shipped weights or an .onnx file."""
    return FaceByFace(open_sfn(name, threads=1), head_or_default(None))


def identified(name: str) -> FaceByFace:
    """The same, but who it is and what it does says the identity network."""
    reader = face_by_face(name)
    return replace(reader, identifier=open_identity(head=reader.head, threads=1))
