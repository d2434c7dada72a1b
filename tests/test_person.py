"""A person with a face of their own goes through tracking, GLB, preview and take; nothing on the way fetches a head."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from fakes import Person as Actor
from fakes import World, fake_params
from rigs import tracked
from stage import film, models_for, talking

from commedia.characters.default_head import default_head_glb
from commedia.characters.gltf import character_from_bytes, read_character
from commedia.characters.posing import pose_character
from commedia.characters.skin import SIZE_PX, texture_of
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.data.datasets.samples import pose_from_landmarks
from commedia.errors import UnknownName
from commedia.face_model import model as model_file
from commedia.face_model.calibration import Calibration
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import landmarks_from_params, load_scheme, points
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import HeadModel, Interaction, load_head
from commedia.face_model.person import BadPerson, Person
from commedia.faces.landmarks import landmarks_of_faces
from commedia.formats.take import TakeReader
from commedia.geometry.cameras import image_from_head
from commedia.labelling.fit import DenseTargets
from commedia.labelling.label import default_fitter
from commedia.labelling.samples import params_of
from commedia.outputs.people import FORMATS
from commedia.outputs.preview.page import PreviewPage
from commedia.pipeline import retarget
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.rigging.template import load_template
from commedia.structures import Box, FaceParams, Frame, Moment, RigPose, TrackedFrame
from commedia.synthetic.heads import draw_heads
from commedia.synthetic.performers import sample_performers, stream_rng
from commedia.training.face_model import default_face_model

SOURCE = Path(__file__).resolve().parents[1] / "src" / "commedia"
GREEN = np.array([20, 230, 20], np.uint8)
JAW, SMILE = EXPRESSION_INDEX["jawOpen"], EXPRESSION_INDEX["mouthSmileLeft"]
HEAD = load_head()
REST = np.zeros(EXPRESSION_COUNT, np.float32)


@pytest.fixture(scope="module")
def template() -> HeadModel:
    """A head that is not the one that ships: taller, and known by another fingerprint."""
    return replace(HEAD, model=replace(HEAD.model, mean=HEAD.model.mean * np.float32([1, 1.1, 1])), sha256="7" * 64)


@pytest.fixture(scope="module")
def anna(template: HeadModel) -> Person:
    """Broad, with a bump on the nose; her jaw goes aside where the template's goes down; green."""
    neutral = template.model.mean * np.float32([1.25, 1, 1])
    neutral[np.argmax(neutral[:, 2]), 2] += 0.01
    jaw = np.roll(template.model.expression_basis[JAW], 1, axis=1)
    texture = np.tile(GREEN, (64, 64, 1))
    rest = np.full(EXPRESSION_COUNT, 0.1)
    calibration = Calibration(rest, np.ones(EXPRESSION_COUNT))
    return Person("anna", None, neutral, {"jawOpen": jaw}, texture, calibration, template)


@pytest.fixture
def nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> HeadModel:
        raise AssertionError("the default head was fetched although another was given")

    monkeypatch.setattr(model_file, "load_head", refused)


def own_vertices(person: Person, expression: np.ndarray) -> np.ndarray:
    """What Paper 2 calls Eq. 1, spelled out: own rest, own jaw, the template's other blendshapes."""
    assert person.neutral is not None
    assert person.blendshapes is not None
    assert person.template is not None
    basis = person.template.model.expression_basis.copy()
    basis[JAW] = person.blendshapes["jawOpen"]
    return person.neutral + np.einsum("e,evc->vc", expression.astype(np.float32), basis)


def distances(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    from scipy.spatial import KDTree

    return np.asarray(KDTree(wanted).query(found)[0])


def edit(seed: int = 1) -> FaceParams:
    face = fake_params(np.array([160.0, 120.0]), 100.0, REST, seed)
    return replace(face, expression=np.random.default_rng(seed).uniform(0, 0.6, EXPRESSION_COUNT).astype(np.float32))


def test_a_person_goes_through_everything(anna: Person, tmp_path: Path, nothing_is_fetched: None) -> None:
    world = World([Actor(1, lambda time_s: (160, 120), width_px=100, expression=talking)])
    clip, out = film(world, tmp_path / "clip.mp4"), tmp_path / "out"
    formats = [name for name in FORMATS if name in ("glb", "csv", "bvh", "vrma")]
    retarget(clip, out, models=models_for(world), person=anna, formats=formats)

    take = TakeReader(out / "take.jsonl")
    assert (take.header.person, take.header.head_sha256) == ("anna", "7" * 64)
    for frame in take:
        (face,) = frame.faces
        mesh = own_vertices(anna, face.params.expression)
        wanted = image_from_head(points(load_scheme("ibug68"), mesh), face.params.pose)
        np.testing.assert_allclose(face.landmarks_px, wanted, atol=0.03)
        assert np.abs(landmarks_from_params(face.params, anna.template) - wanted).max() > 5, "the template's would pass"

    character = read_character(out / "person-01.glb")
    straight = np.array([1.0, 0, 0, 0])
    for name in (None, "jawOpen", "mouthSmileLeft"):
        expression = REST if name is None else np.eye(EXPRESSION_COUNT, dtype=np.float32)[EXPRESSION_INDEX[name]]
        posed = pose_character(character, RigPose(expression, straight, straight, straight))
        found = np.concatenate([piece.positions for piece in posed])
        wanted = own_vertices(anna, expression)
        assert distances(found, wanted).max() < 1e-6
        assert distances(wanted, found).max() < 1e-6

    preview = cv2.VideoCapture(str(out / "preview.mp4")).read()[1][..., ::-1].astype(int)
    stage = preview[:, preview.shape[1] * 6 // 10 :]
    green = (stage[..., 1] > stage[..., 0] + 60) & (stage[..., 1] > stage[..., 2] + 60)
    assert green.mean() > 0.05


def test_the_calibration_of_a_person_is_played_and_not_recorded(anna: Person, tmp_path: Path) -> None:
    world = World([Actor(1, lambda time_s: (160, 120), width_px=100, expression=lambda time_s: REST + np.float32(0.3))])
    clip = film(world, tmp_path / "clip.mp4")
    options = {"formats": ("csv",), "preview": False, "edit": PerformanceEdit(strength=1.0)}
    retarget(clip, tmp_path / "out", models=models_for(world), person=anna, **options)
    last = list(TakeReader(tmp_path / "out" / "take.jsonl"))[-1].faces[0]
    assert last.params.expression[SMILE] == pytest.approx(0.3, abs=0.01)
    played = (tmp_path / "out" / "person-01.csv").read_text().splitlines()
    column = played[0].split(",").index("MouthSmileLeft")
    assert float(played[-1].split(",")[column]) == pytest.approx(0.2, abs=0.01)


def test_the_preview_lays_the_persons_own_mesh_over_the_picture(anna: Person) -> None:
    face = edit()
    blank = Frame(np.full((240, 320, 3), 128, np.uint8), 0, Fraction(0))
    widths = []
    for head in (anna.template, anna.head):
        page = PreviewPage(320, 240, lambda person: None, head)
        shown = tracked(replace(face, identity=0 * face.identity, expression=REST))
        shown = replace(
            shown, landmarks_px=np.zeros((68, 2), np.float32), status="held", box=Box(158.0, 118.0, 162.0, 122.0)
        )
        everyone = TrackedFrame(0, Fraction(0), (shown,))
        drawn = page.draw(Moment(blank, everyone, everyone, {}))
        picture = drawn[page.layout.found.rows_columns].astype(int)
        tinted = np.abs(picture - 128).max(axis=2) > 6
        columns = np.flatnonzero(tinted[picture.shape[0] // 2 : -2].any(axis=0))
        widths.append(np.ptp(columns))
    assert widths[1] / widths[0] == pytest.approx(1.25, abs=0.04)


def test_who_is_not_known_has_the_template(template: HeadModel) -> None:
    assert Person("nobody", template=template).head is template


def test_a_known_identity_stays_whatever_is_predicted(multilinear: HeadModel) -> None:
    rng = np.random.default_rng(0)
    identity, expression = rng.normal(size=2), rng.uniform(0, 1, EXPRESSION_COUNT)
    own = Person("ben", identity, template=multilinear).head.model
    wanted = vertices_from_params(multilinear.model, identity, expression)
    for predicted in (np.zeros(2), rng.normal(size=2)):
        np.testing.assert_allclose(vertices_from_params(own, predicted, expression), wanted, atol=1e-6)


def test_own_blendshapes_of_an_unknown_identity_leave_the_identity_free(multilinear: HeadModel) -> None:
    smile = np.random.default_rng(1).normal(0, 0.01, multilinear.model.mean.shape).astype(np.float32)
    own = Person("cleo", blendshapes={"mouthSmileLeft": smile}, template=multilinear).head.model
    identity = np.array([1.5, -0.5])
    rest = vertices_from_params(multilinear.model, identity, REST)
    np.testing.assert_allclose(vertices_from_params(own, identity, REST), rest, atol=1e-6)
    for name, moved in (("mouthSmileLeft", smile), ("jawOpen", None)):
        full = np.eye(EXPRESSION_COUNT)[EXPRESSION_INDEX[name]]
        wanted = vertices_from_params(multilinear.model, identity, full) if moved is None else rest + moved
        np.testing.assert_allclose(vertices_from_params(own, identity, full), wanted, atol=1e-6)


def test_the_mirror_image_of_a_person_has_the_mirrored_identity() -> None:
    head = load_head()
    identity = np.random.default_rng(2).normal(size=IDENTITY_COUNT).astype(np.float32)
    one, twin = (Person("d", identity * sign).head.model.mean for sign in (1, head.identity_mirror))
    np.testing.assert_allclose(one[head.mirror_vertex] * [-1, 1, 1], twin, atol=1e-6)


def test_every_evaluation_of_a_multilinear_head_agrees(multilinear: HeadModel) -> None:
    rng = np.random.default_rng(3)
    faces = [replace(edit(seed), identity=rng.normal(size=2).astype(np.float32)) for seed in (1, 2, 3)]
    layer = MorphableLayer(multilinear.model)
    for face, found in zip(faces, landmarks_of_faces(faces, multilinear), strict=True):
        np.testing.assert_allclose(found, landmarks_from_params(face, multilinear), atol=0.01)
        torch_vertices = layer(torch.from_numpy(face.identity)[None], torch.from_numpy(face.expression)[None])[0]
        reference = vertices_from_params(multilinear.model, face.identity, face.expression)
        np.testing.assert_allclose(torch_vertices.numpy(), reference, atol=1e-6)
    glb = character_from_bytes(default_head_glb(faces[0].identity, head=multilinear), "m")
    straight = np.array([1.0, 0, 0, 0])
    posed = pose_character(glb, RigPose(faces[0].expression, straight, straight, straight))
    wanted = vertices_from_params(multilinear.model, faces[0].identity, faces[0].expression)
    assert distances(np.concatenate([piece.positions for piece in posed]), wanted).max() < 1e-5


def test_colours_of_vertices_become_a_texture() -> None:
    head = load_head()
    low, high = head.model.mean.min(axis=0), head.model.mean.max(axis=0)
    colours = (head.model.mean - low) / (high - low)
    texture = texture_of(head, colours)
    middle = (head.uv[head.uv_triangles].mean(axis=1) * SIZE_PX).astype(int)
    wanted = colours[head.model.triangles].mean(axis=1) * 255
    off = np.abs(texture[middle[:, 1], middle[:, 0]] - wanted).max(axis=1)
    assert np.percentile(off, 99) < 4


def test_facts_that_do_not_fit_are_refused_in_a_sentence(template: HeadModel) -> None:
    flat = np.zeros((4, 3), np.float32)
    with pytest.raises(BadPerson, match=r"neutral of the person 'e' has the shape \(4, 3\); the template wants"):
        Person("e", neutral=flat, template=template)
    with pytest.raises(BadPerson, match="jawOpen"):
        Person("e", blendshapes={"jawOpen": flat}, template=template)
    with pytest.raises(BadPerson, match="albedo"):
        Person("e", albedo=flat, template=template)
    with pytest.raises(BadPerson, match="identity"):
        Person("e", np.zeros(3), template=template)
    with pytest.raises(UnknownName, match="did you mean 'jawOpen'"):
        Person("e", blendshapes={"jawOpn": template.model.mean}, template=template)


@pytest.fixture(scope="module")
def multilinear() -> HeadModel:
    """The default head with two components, which also change how the blendshapes move."""
    head, rng = load_head(), np.random.default_rng(9)
    basis = head.model.identity_basis[:2]
    every = [np.arange(count, dtype=np.int32) for count in (EXPRESSION_COUNT, len(head.model.mean))]
    pairs = rng.normal(0, 1e-4, (2, *map(len, every), 3)).astype(np.float32)
    return replace(head, model=replace(head.model, identity_basis=basis, interaction=Interaction(*every, pairs)))


def test_everything_off_the_live_path_takes_another_head(template: HeadModel, nothing_is_fetched: None) -> None:
    face = edit()
    wanted = landmarks_from_params(face, template)
    dense = points(load_scheme("mediapipe478"), vertices_from_params(template.model, face.identity, face.expression))
    depth_px = -dense[:, 2:] * face.pose.px_per_m
    dense_px = np.concatenate([image_from_head(dense, face.pose), depth_px], axis=1).astype(np.float32)
    targets = DenseTargets(dense_px[None], face.expression[None], np.full((1, 68, 2), np.nan, np.float32))
    refound = params_of(default_fitter(head=template).fit(targets), 0)
    assert np.abs(landmarks_from_params(refound, template) - wanted).mean() < 0.5
    assert np.abs(landmarks_from_params(refound, HEAD) - wanted).mean() > 1, "the default head was fitted"
    weights = torch.tensor(face.identity)[None], torch.tensor(face.expression)[None]
    found = default_face_model(template).landmarks(*weights)[0].detach().numpy()
    np.testing.assert_allclose(image_from_head(found, face.pose), wanted, atol=0.01)
    np.testing.assert_array_equal(
        load_template(template).skin(np.zeros(IDENTITY_COUNT)), template.model.mean[load_template(template).vertices]
    )
    mean = replace(face, identity=np.zeros(IDENTITY_COUNT, np.float32), expression=REST)
    pose = pose_from_landmarks(landmarks_from_params(mean, template), head=template)
    assert pose.px_per_m == pytest.approx(face.pose.px_per_m, rel=1e-4)
    (one,) = sample_performers(stream_rng("train", 3), 1, name="t")
    performer = replace(one, distance_m=np.inf, sizes=np.ones(52, np.float32), deviations=0 * one.deviations)
    (drawn,) = draw_heads([performer], 64, np.array([32.0]), np.zeros((1, 2)), head=template)
    truth = FaceParams(drawn.face.identity, drawn.face.expression, drawn.face.pose)
    np.testing.assert_allclose(drawn.face.landmarks_px, landmarks_from_params(truth, template), atol=0.02)


def test_the_default_head_is_fetched_in_three_files_at_most() -> None:
    files = [path for path in SOURCE.rglob("*.py") if re.search(r"\bload_head\(", path.read_text(encoding="utf-8"))]
    assert 0 < len(files) <= 3, sorted(map(str, files))
