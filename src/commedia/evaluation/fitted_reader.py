"""Paper 2 without its networks, as a reader of people: what another network reads, fitted to the pictures. Torch.

All frames of a person are fitted together, as `commedia personalize` fits them (`personal/fit.py`). Lines of the
paper's Table 1 are terms of that fit; `PointsFitter` shows what better points would be worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32

from commedia.conventions import EXPRESSION_NAMES
from commedia.errors import CommediaError
from commedia.evaluation.person_reading import FaceByFace, Image, PersonReading, known_person, of_one_person
from commedia.face_model.evaluate import blendshapes_of_identity
from commedia.face_model.model import HeadModel
from commedia.faces.crop import Crop, around, crop_image
from commedia.faces.identity import IdentityPredictor, KnownPerson, open_identity
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.parser import ParserPredictor, open_parser
from commedia.faces.points import NUMBERS, PointsPredictor, open_points
from commedia.geometry.rotations import multiply_wxyz, wxyz_from_yaw_pitch_roll
from commedia.personal.fit import FOCAL_SIDES, OF_THE_MODEL, USUAL, Moments, Shots, draw, fit, place
from commedia.personal.make import begun_rig
from commedia.personal.rig import PersonalRig
from commedia.structures import FaceParams
from commedia.training.modelled_face import soft_parts

SIZE_PX = 56
PRIOR_STEPS, OWN_STEPS, POINTS_STEPS, FOUND_STEPS = 40, 50, 120, 60
"""Of a person of six frames two seconds of one core, two more, three, and one."""


class Line(NamedTuple):
    """A line of Table 1, as what is fitted and what it is compared by."""

    own_shape: bool
    own_colours: bool
    parsing: float
    blendshape_gradient: float
    points: bool = False
    """Whether it begins with the identity network's answer, and the points network's points are fitted first."""


LINES = {
    "prior": Line(False, False, 0.0, 0.0),
    "points": Line(False, False, 0.0, 0.0, points=True),
    "blendshapes": Line(True, False, 0.0, 0.0),
    "albedo": Line(True, True, 0.0, 0.0),
    "parsing": Line(True, True, 0.3, 0.0),
    "final": Line(True, True, 0.3, USUAL.blendshape_gradient, points=True),
}
BY_POINTS = OF_THE_MODEL._replace(
    photometric=0.0, gradient=0.0, landmarks=2.0, identity=3e-5, as_read=0.005, sparse=0.0, light=0.0
)
"""Points that are a few millimetres off say this much more of who it is than the spread of people and of readings."""

BY_FOUND = BY_POINTS._replace(landmarks=0.0, sure=10.0, identity=0.0, identity_read=0.1, as_read=10.0)
"""Points that a network finds know little of what the reading does not, so that a fit to them stays near that."""
DOUBT = 0.3
"""Share of the errors' mean square that is taken for independent beside how they go together on other faces."""
BESIDE_PICTURES = 0.03
"""What the terms of `BY_FOUND` weigh when pictures are compared too; as all here chosen on people of seed 11."""
HELD = {
    name: BESIDE_PICTURES * getattr(BY_FOUND, name)
    for name in ("landmarks", "sure", "identity", "identity_read", "as_read")
}
HELD_OWN = HELD | {"sure": 0.1, "identity_read": 1.0, "as_read": 5.0}
"""While a shape of one's own is fitted: near what was fitted before. Neighbouring points are wrong about together, and
so is light: a free shape follows both."""
USUAL_REACH, OWN_REACH = (0.0, 1.0), (-1.0, 2.0)
"""Of weights: who is known to go farther than the head model does, or the other way."""
STIFF = 20.0
"""How smooth a shape of one's own is there."""


@dataclass(frozen=True)
class FittedReader:
    """One line of the table."""

    reader: FaceByFace
    parser: ParserPredictor | None
    """Says where skin shows that nothing covers, and what the term of parse maps is compared with."""
    line: Line
    finder: PointsPredictor | None = None
    """Of lines with points, as is the next."""
    identifier: IdentityPredictor | None = None
    """Says who it is and what they do, to begin with and to stay near; without, the reader does."""

    def read(self, images: Sequence[Image], crops: Sequence[Crop]) -> PersonReading:
        """Read each picture, and fit one person to all."""
        known = self.identifier and known_person(self.identifier, images, crops)
        faces, shots = shots_in_crops(self.reader, images, crops, SIZE_PX, known)
        if self.parser is not None:
            parse = _parsed(self.parser, images, crops)
            shots = shots._replace(parse=parse, inside=1 - parse[..., 0])
        if self.finder is not None:
            shots = with_points(shots, self.finder, images, crops)
        rig = _begun(self.reader.head, faces, shots, known)
        moments, parsing = Moments(shots, USUAL_REACH if known is None else OWN_REACH), self.line.parsing
        trained, beside, own_beside = rig.prior_parts(), {}, {}
        if self.finder is not None:
            fit(rig, shots, moments, FOUND_STEPS, trained=trained, weights=BY_FOUND)
            trained, beside, own_beside = [], HELD, HELD_OWN | {"smooth": STIFF}
        prior = OF_THE_MODEL._replace(parsing=parsing, **beside)
        fit(rig, shots, moments, PRIOR_STEPS, trained=trained, weights=prior)
        if self.line.own_shape:
            own = {"parsing": parsing, "blendshape_gradient": self.line.blendshape_gradient}
            weights = USUAL._replace(**own, **own_beside)
            rig.set_shown(moments.expression, moments.wxyz)
            if own_beside:
                shots = shots._replace(expression=moments.expression.detach().clone())
                rig.identity_read = rig.identity.detach().clone()
            fit(rig, shots, moments, OWN_STEPS, trained=rig.own_parts(self.line.own_colours), weights=weights, seed=1)
        return _said(rig, moments, crops)


@dataclass(frozen=True)
class PointsFitter:
    """Knows where the 68 points truly are, but for independent errors of so many millimetres across and down."""

    reader: FaceByFace
    off_mm: float
    seed: int = 0

    def read(self, images: Sequence[Image], crops: Sequence[Crop]) -> PersonReading:
        """Refuse: nobody told it where the points are."""
        raise CommediaError("this reader fits people to true points, which only a table of drawn people knows")

    def read_points(
        self, images: Sequence[Image], crops: Sequence[Crop], points_px: Sequence[Float[np.ndarray, "68 2"]]
    ) -> PersonReading:
        """Fit one person to points of all pictures, and to nothing that the pictures show."""
        faces, shots = shots_in_crops(self.reader, images, crops, SIZE_PX)
        rng = np.random.default_rng(self.seed)
        off_px = [self.off_mm / 1000 * face.pose.px_per_m * rng.normal(size=(68, 2)) for face in faces]
        known = [_in_crop(points + off, crop) for points, off, crop in zip(points_px, off_px, crops, strict=True)]
        shots = shots._replace(points=torch.from_numpy(np.stack(known)))
        rig, moments = _begun(self.reader.head, faces, shots), Moments(shots)
        fit(rig, shots, moments, POINTS_STEPS, trained=rig.prior_parts(), weights=BY_POINTS)
        return replace(_said(rig, moments, crops), drawn=None, mask=None)


def fitted_reader(reader: FaceByFace, line: str) -> FittedReader:
    """One of `LINES` on top of a network's reading."""
    by_points = LINES[line].points
    finder = open_points(threads=1) if by_points else None
    identifier = open_identity(head=reader.head, threads=1) if by_points else None
    return FittedReader(reader, open_parser(threads=1), LINES[line], finder, identifier)


def with_points(shots: Shots, finder: PointsPredictor, images: Sequence[Image], crops: Sequence[Crop]) -> Shots:
    """Shots of crops with the points that a network finds in and around them, the mean of nine crops."""
    found = [finder.find(image, around(crop)) for image, crop in zip(images, crops, strict=True)]
    places = [_in_crop(seen.points_px.mean(0), crop) for seen, crop in zip(found, crops, strict=True)]
    sure = np.stack(
        [crop.side_px * seen.sure.mean(0) @ crop.image_from_crop for seen, crop in zip(found, crops, strict=True)]
    )
    together = _alone(sure, np.eye(NUMBERS) if finder.together is None else finder.together)
    parts = {"found": np.stack(places), "sure": sure.astype(np.float32), "together": together}
    return shots._replace(**{name: torch.from_numpy(part) for name, part in parts.items()})


def _alone(sure: Float[np.ndarray, "n 68 2 2"], together: Float[np.ndarray, "k k"]) -> Float32[np.ndarray, "n k k"]:
    """What makes errors of one shot's points independent: each weighed by how sure it is, then all taken apart."""
    count = len(together)
    doubted = together + DOUBT * np.trace(together) / count * np.eye(count)
    apart = np.linalg.cholesky(np.linalg.inv(doubted)).reshape(-1, 2, count)
    return np.einsum("npij,pik->npjk", sure, apart).reshape(len(sure), count, count).astype(np.float32)


def shots_in_crops(
    reader: FaceByFace, images: Sequence[Image], crops: Sequence[Crop], size: int, known: KnownPerson | None = None
) -> tuple[list[FaceParams], Shots]:
    """Read faces, with the mean of their identities or what is known, and lay each in its crop as a shot."""
    faces = [reader.regressor.regress(image, [crop])[0] for image, crop in zip(images, crops, strict=True)]
    faces = of_one_person(faces, known)
    points = landmarks_of_faces(faces, reader.head)
    rows = [
        (
            crop_image(image, crop, size) / 255,
            np.ones((size, size)),
            _in_crop(marks, crop),
            *_placed(face, crop),
            np.clip(face.expression, *(USUAL_REACH if known is None else OWN_REACH)),
        )
        for image, crop, face, marks in zip(images, crops, faces, points, strict=True)
    ]
    return faces, Shots(*(torch.from_numpy(np.stack(part).astype(np.float32)) for part in zip(*rows, strict=True)))


def _in_crop(points_px: Float[np.ndarray, "n 2"], crop: Crop) -> Float32[np.ndarray, "n 2"]:
    """Pixels of the picture to sides of the crop, from its corner."""
    return (0.5 + (points_px - crop.center_px) @ crop.image_from_crop / crop.side_px).astype(np.float32)


def _placed(face: FaceParams, crop: Crop) -> tuple[Float[np.ndarray, "4"], Float[np.ndarray, "3"]]:
    """How a face stands before the camera of its crop, where that shows it as weak perspective did."""
    pose = face.pose
    back = wxyz_from_yaw_pitch_roll(np.array([0.0, 0.0, -crop.roll]))
    x, y = _in_crop(pose.origin_px[None], crop)[0] - 0.5
    m_per_side = crop.side_px / pose.px_per_m
    return multiply_wxyz(back, pose.wxyz), m_per_side * np.array([x, -y, -FOCAL_SIDES])


def _begun(head: HeadModel, faces: Sequence[FaceParams], shots: Shots, known: KnownPerson | None = None) -> PersonalRig:
    rig = begun_rig(faces[0].identity, shots, None, head)
    if known is not None:
        rig.identity_sure = torch.from_numpy(known.sure.astype(np.float32))
    rig.parts = torch.from_numpy(soft_parts(head)[rig.mesh.vertices])
    return rig


def _parsed(parser: ParserPredictor, images: Sequence[Image], crops: Sequence[Crop]) -> torch.Tensor:
    """What a parser sees in each crop, in the pixels of its shot."""
    maps = [parser.parse(image, [crop])[0].transpose(1, 2, 0) for image, crop in zip(images, crops, strict=True)]
    fitted = [cv2.resize(one, (SIZE_PX, SIZE_PX)) for one in maps]
    return torch.from_numpy(np.stack(fitted))


@torch.no_grad()
def _said(rig: PersonalRig, moments: Moments, crops: Sequence[Crop]) -> PersonReading:
    """The heads that were fitted, in the head frame, and how they look in their crops."""
    rows = torch.arange(len(crops))
    camera, points = place(rig, moments, rows)
    drawn = draw(rig, camera, moments.light, SIZE_PX)
    mesh, model = rig.own_mesh(), rig.head.model
    own = blendshapes_of_identity(model, mesh.identity).copy()
    for name, shape in mesh.blendshapes.items():
        own[EXPRESSION_NAMES.index(name)] = shape
    heads = mesh.neutral + np.tensordot(moments.expression.numpy(), own, 1)
    return PersonReading(
        heads.astype(np.float32),
        np.stack([_in_picture(one, crop) for one, crop in zip(points.numpy(), crops, strict=True)]),
        (255 * drawn.image.clamp(0, 1)).round().byte().numpy(),
        drawn.mask.numpy(),
    )


def _in_picture(points: Float[np.ndarray, "n 2"], crop: Crop) -> Float32[np.ndarray, "n 2"]:
    return (crop.center_px + crop.side_px * (points - 0.5) @ crop.image_from_crop.T).astype(np.float32)
