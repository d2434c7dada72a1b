"""Readings that are fitted: shots lie where faces were read, true points bring the true face, and who asks is told."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_MIRROR
from commedia.errors import CommediaError
from commedia.evaluation import fitted_reader
from commedia.evaluation.fitted_reader import LINES, FittedReader, PointsFitter, shots_in_crops, with_points
from commedia.evaluation.person_readers import FITTED_LINES, open_person_reader
from commedia.evaluation.person_reading import FaceByFace, PointsReader
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import load_head
from commedia.faces.crop import Crop, around, crop_from_landmarks
from commedia.faces.identity import IDENTITY_OUTPUTS, IdentityPredictor
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.points import PointsPredictor
from commedia.faces.session import OnnxSession
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.personal.fit import USUAL, Moments, distance_from_found, draw, fit, loss, place
from commedia.structures import FaceParams, HeadPose

TURNS = ((0.0, 0.0, 0.4), (0.6, 0.1, -0.2), (-0.5, -0.1, 0.0), (0.2, 0.3, 0.1))
IMAGES = [np.full((120, 110, 3), 128, np.uint8)] * len(TURNS)


def faces_of(identity: np.ndarray) -> list[FaceParams]:
    turned = [wxyz_from_yaw_pitch_roll(np.array(turn)).astype(np.float32) for turn in TURNS]
    nothing, origin = np.zeros(52, np.float32), np.array([50, 60], np.float32)
    return [FaceParams(identity, nothing, HeadPose(wxyz, origin, 420.0)) for wxyz in turned]


@dataclass
class Said:
    """Says of pictures, in order, what it was given."""

    faces: list[FaceParams]
    count: int = 0

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        self.count += 1
        return [self.faces[(self.count - 1) % len(self.faces)]]


def somebody() -> tuple[np.ndarray, list[np.ndarray], list[Crop]]:
    """An identity, its points in all pictures, and crops that turn with the face."""
    identity = np.random.default_rng(4).normal(size=50).astype(np.float32)
    points = landmarks_of_faces(faces_of(identity), load_head())
    return identity, points, [crop_from_landmarks(one) for one in points]


def test_shots_show_faces_where_they_were_read() -> None:
    identity, points, crops = somebody()
    faces, shots = shots_in_crops(FaceByFace(Said(faces_of(identity)), load_head()), IMAGES, crops, 32)
    rig = fitted_reader._begun(load_head(), faces, shots)
    _, placed = place(rig, Moments(shots), torch.arange(len(crops)))
    assert max(abs(crop.roll) for crop in crops) > 0.3
    for one, expected, crop in zip(placed.detach().numpy(), points, crops, strict=True):
        # What a pinhole does to a nose 8 cm before the head's origin is a twelfth of its distance from the middle.
        apart = np.linalg.norm(fitted_reader._in_picture(one, crop) - expected, axis=1) / crop.side_px
        assert apart.mean() < 0.02


def test_true_points_bring_the_true_face_whatever_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_reader, "POINTS_STEPS", 60)
    identity, points, crops = somebody()
    reader = FaceByFace(Said(faces_of(np.zeros(50, np.float32))), load_head())
    truth = vertices_from_params(load_head().model, identity, np.zeros(52, np.float32))
    off = {}
    for off_mm in (0.0, 8.0):
        fitter = PointsFitter(reader, off_mm)
        assert isinstance(fitter, PointsReader)
        said = fitter.read_points(IMAGES, crops, points)
        marks = [np.linalg.norm(one - true, axis=1).mean() for one, true in zip(said.landmarks_px, points, strict=True)]
        off[off_mm] = np.linalg.norm(said.vertices[0] - truth, axis=1)[:2000].mean()
        assert np.mean(marks) < 0.5 + off_mm / 4
    unknown = np.linalg.norm(load_head().model.mean - truth, axis=1)[:2000].mean()
    assert off[0.0] < 0.6 * unknown
    assert off[0.0] < off[8.0]
    with pytest.raises(CommediaError, match="true points"):
        PointsFitter(reader, 1.0).read(IMAGES, crops)


@dataclass
class Finds:
    """A network that finds in crops around faces, in order, the points it was given, surer across than down."""

    points: list[np.ndarray]
    count: int = 0

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.count += 1
        found = self.points[self.count - 1]
        return [found, np.tile(np.log(np.float32([800, 1, 400])), (len(found), 68, 1))]


def finder_of(points: list[np.ndarray], crops: list[Crop]) -> PointsPredictor:
    """Finds points that were given in pixels."""
    pairs = zip(points, crops, strict=True)
    in_crops = [np.stack([fitted_reader._in_crop(one, near) - 0.5 for near in around(crop)]) for one, crop in pairs]
    return PointsPredictor(OnnxSession(Finds(in_crops), "pixels", ("points", "sure"), 16, {}))


def test_found_points_bring_the_true_face() -> None:
    identity, points, crops = somebody()
    reader = FaceByFace(Said(faces_of(np.zeros(50, np.float32))), load_head())
    faces, shots = shots_in_crops(reader, IMAGES, crops, 16)
    shots = with_points(shots, finder_of(points, crops), IMAGES, crops)
    assert shots.sure is not None
    torch.testing.assert_close(shots.sure[1, 5], torch.diag(torch.tensor([800.0, 400.0])), atol=1e-2, rtol=1e-3)
    rig, moments = fitted_reader._begun(load_head(), faces, shots), Moments(shots)
    before = distance_from_found(place(rig, moments, torch.arange(len(crops)))[1], shots).item()
    fit(rig, shots, moments, 60, trained=rig.prior_parts(), weights=fitted_reader.BY_FOUND)
    assert distance_from_found(place(rig, moments, torch.arange(len(crops)))[1], shots).item() < 0.3 * before
    model, nothing = load_head().model, np.zeros(52, np.float32)
    truth, fitted = (vertices_from_params(model, one, nothing) for one in (identity, rig.identity.detach().numpy()))
    off, unknown = (np.linalg.norm(one - truth, axis=1)[:2000].mean() for one in (fitted, model.mean))
    assert off < 0.6 * unknown


@dataclass
class Knows:
    """An identity network that says of every crop, and of the crop in a mirror, who it is."""

    identity: np.ndarray
    expression: np.ndarray

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        head, half = load_head(), len(inputs["pixels"]) // 2
        who = np.repeat([self.identity, self.identity * head.identity_mirror], half, axis=0)
        acts = np.repeat([self.expression, self.expression[list(EXPRESSION_MIRROR)]], half, axis=0)
        return [who, np.full((2 * half, 50), np.log(1e-4)), acts]


def identifier_of(identity: np.ndarray, expression: np.ndarray) -> IdentityPredictor:
    session = OnnxSession(Knows(identity, expression), "pixels", IDENTITY_OUTPUTS, 16, {})
    return IdentityPredictor((session,), load_head())


def test_a_fit_begins_with_who_is_known_and_stays_near(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FOUND_STEPS", "PRIOR_STEPS"):
        monkeypatch.setattr(fitted_reader, name, 3)
    identity, points, crops = somebody()
    acts = np.zeros(52, np.float32)
    acts[EXPRESSION_INDEX["jawOpen"]] = 1.4
    reader = FaceByFace(Said(faces_of(np.zeros(50, np.float32))), load_head())
    identifier = identifier_of(identity, acts)
    alone = replace(reader, identifier=identifier).read(IMAGES, crops)
    truth = vertices_from_params(load_head().model, identity, acts)
    np.testing.assert_allclose(alone.vertices[0], truth, atol=5e-4)
    fitted = FittedReader(reader, None, LINES["points"], finder_of(points, crops), identifier).read(IMAGES, crops)
    read = vertices_from_params(load_head().model, np.zeros(50, np.float32), np.zeros(52, np.float32))
    off, unknown = (np.linalg.norm(one - truth, axis=1)[:2000].mean() for one in (fitted.vertices[0], read))
    assert off < 0.3 * unknown


def test_errors_count_by_how_sure_a_point_is() -> None:
    identity, points, crops = somebody()
    shots = shots_in_crops(FaceByFace(Said(faces_of(identity)), load_head()), IMAGES, crops, 16)[1]
    assert distance_from_found(shots.points, shots) == 0
    shots = with_points(shots, finder_of(points, crops), IMAGES, crops)._replace(together=None)
    assert shots.found is not None
    for off, length in (([0.1, 0.0], 80.0), ([0.0, 0.1], 40.0), ([0.0, 0.0], 0.01)):
        assert distance_from_found(shots.found + torch.tensor(off), shots).item() == pytest.approx(length, rel=1e-3)


def test_errors_that_go_together_are_taken_apart() -> None:
    """Points that are surer across, whose errors are one common shift and a tenth of their own: of such errors each
    number is independent and 1, but for the doubt; a shift of all costs little, neighbours that part much."""
    identity, points, crops = somebody()
    shots = shots_in_crops(FaceByFace(Said(faces_of(identity)), load_head()), IMAGES, crops, 16)[1]
    shift = np.tile(np.eye(2), (68, 1))
    together = shift @ shift.T + 0.1 * np.eye(136)
    shots = with_points(shots, replace(finder_of(points, crops), together=together), IMAGES, crops)
    assert shots.found is not None
    assert shots.together is not None
    unsure = np.diag(np.tile([1 / 800, 1 / 400], 68))
    doubted = unsure @ (together + fitted_reader.DOUBT * 1.1 * np.eye(136)) @ unsure
    apart = shots.together[0].double().numpy()
    np.testing.assert_allclose(apart.T @ doubted @ apart, np.eye(136), atol=2e-3)
    side = torch.tensor([0.01, 0.02])
    parted = torch.where(torch.arange(68)[:, None] % 2 > 0, side, -side)
    all_shifted, every_other = (distance_from_found(shots.found + off, shots).item() for off in (side, parted))
    assert all_shifted < 0.2 * every_other
    assert every_other == pytest.approx(8 / np.sqrt(0.1 + fitted_reader.DOUBT * 1.1), rel=1e-3)


def test_points_alone_need_no_pictures() -> None:
    identity, _, crops = somebody()
    faces, shots = shots_in_crops(FaceByFace(Said(faces_of(identity)), load_head()), IMAGES, crops, 16)
    rig, rows = fitted_reader._begun(load_head(), faces, shots), torch.arange(2)
    blank = shots._replace(pixels=torch.full_like(shots.pixels, torch.nan))
    assert loss(rig, blank, Moments(blank), rows, fitted_reader.BY_POINTS, True).isfinite()
    assert loss(rig, blank, Moments(blank), rows, USUAL, True).isnan()


def test_parse_maps_pull_at_the_face_where_they_say_something_else() -> None:
    identity, _, crops = somebody()
    faces, shots = shots_in_crops(FaceByFace(Said(faces_of(identity)), load_head()), IMAGES, crops, 24)
    rig, rows = fitted_reader._begun(load_head(), faces, shots), torch.arange(1)
    moments, parsing = Moments(shots), USUAL._replace(**dict.fromkeys(USUAL._fields, 0.0))._replace(parsing=1.0)
    drawn = draw(rig, place(rig, moments, rows)[0], moments.light[rows], 24, parts=True)
    assert drawn.shares is not None
    same = drawn.shares.detach().expand(len(crops), -1, -1, -1)
    as_drawn = loss(rig, shots._replace(parse=same), moments, rows, parsing, False).item()
    other = loss(rig, shots._replace(parse=same.roll(2, 1)), moments, rows, parsing, False)
    other.backward()
    assert as_drawn < 1e-4 < 0.05 < other.item()
    assert moments.translation.grad is not None
    assert moments.translation.grad[0].abs().max() > 0
    nothing = same.clone()
    nothing[..., 0], nothing[..., 1:] = 1, 0
    assert loss(rig, shots._replace(parse=nothing), moments, rows, parsing, False).item() < 1e-4


def test_lines_are_terms_of_one_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_reader, "PRIOR_STEPS", 2)
    monkeypatch.setattr(fitted_reader, "OWN_STEPS", 2)
    identity, _, crops = somebody()
    assert tuple(LINES) == FITTED_LINES
    moved = {}
    for name in ("prior", "blendshapes"):
        reader = FittedReader(FaceByFace(Said(faces_of(identity)), load_head()), None, LINES[name])
        said = reader.read(IMAGES, crops)
        assert said.drawn is not None
        assert said.mask is not None
        assert said.mask.any()
        moved[name] = said.vertices
    assert not np.array_equal(moved["prior"], moved["blendshapes"])
    opened = open_person_reader("sfn-mobile.fit-parsing")
    assert isinstance(opened, FittedReader)
    assert opened.parser is not None
    assert opened.line == LINES["parsing"]
    points = open_person_reader("sfn-mobile.points-2")
    assert isinstance(points, PointsFitter)
    assert points.off_mm == 2
