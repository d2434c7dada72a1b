"""Laws of the landmark tables, and that the cheap models say what the mesh says."""

from pathlib import Path

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT, LANDMARK_COUNT, LANDMARK_MIRROR
from commedia.errors import UnknownName
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import (
    BadLandmarkScheme,
    face_box_from_params,
    landmarks_from_params,
    load_scheme,
    points,
    read_scheme,
    reduced_model,
)
from commedia.face_model.model import REGIONS, face_vertices, load_head
from commedia.geometry.boxes import tight_box
from commedia.geometry.cameras import image_from_head
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.structures import FaceParams, HeadPose

FLIP = np.array([-1, 1, 1])


def params(rng: np.random.Generator) -> FaceParams:
    pose = HeadPose(wxyz_from_yaw_pitch_roll(rng.normal(0, 0.3, 3)), np.array([320.0, 240.0]), 900.0)
    return FaceParams(rng.standard_normal(IDENTITY_COUNT), rng.uniform(0, 0.5, EXPRESSION_COUNT), pose)


def placed(name: str) -> dict[int, np.ndarray]:
    return dict(enumerate(points(load_scheme(name), load_head().model.mean)))


@pytest.mark.parametrize(("name", "count"), [("ibug68", LANDMARK_COUNT), ("mediapipe478", 478)])
def test_tables_name_points_of_the_mesh(name: str, count: int) -> None:
    scheme = load_scheme(name)
    assert scheme.vertices.shape == (count, 3)
    assert scheme.vertices.max() < len(load_head().model.mean)
    assert (scheme.barycentric >= 0).all()
    np.testing.assert_allclose(scheme.barycentric.sum(axis=1), 1, atol=1e-3)
    assert all(scheme.labels)


def test_ibug_points_mirror_into_each_other() -> None:
    place = points(load_scheme("ibug68"), load_head().model.mean)
    np.testing.assert_allclose(place[list(LANDMARK_MIRROR)] * FLIP, place, atol=5e-4)


def test_ibug_points_are_where_the_scheme_wants_them() -> None:
    p = placed("ibug68")
    assert p[0][0] < -0.04, "0 is on the subject's right"
    assert p[16][0] > 0.04
    assert min(p, key=lambda n: p[n][1]) == 8, "8 is the lowest, the chin tip"
    assert max(range(27, 36), key=lambda n: p[n][2]) == 30, "30 is the tip of the nose"
    assert p[36][0] < p[39][0] < 0 < p[42][0] < p[45][0], "eye corners from the subject's right"
    assert p[48][0] < p[51][0] < p[54][0]
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46), (50, 58), (51, 57), (52, 56)):
        assert p[upper][1] > p[lower][1], f"{upper} is above {lower}"
    assert (np.diff([p[n][0] for n in range(17)]) > -0.004).all(), "the contour runs from right to left"
    assert all(p[n][1] > p[m][1] for n, m in ((17, 36), (19, 37), (24, 44), (26, 45))), "brows are above eyes"


@pytest.mark.parametrize("name", ["ibug68", "mediapipe478"])
def test_lip_points_stay_on_their_side_of_the_slit(name: str) -> None:
    head, scheme = load_head(), load_scheme(name)
    opened = head.model.mean + head.model.expression_basis[EXPRESSION_INDEX["jawOpen"]]
    upper, lower = ((61, 62, 63), (67, 66, 65)) if name == "ibug68" else ((81, 13, 311), (178, 14, 402))
    place = points(scheme, opened)
    assert (place[list(upper), 1] - place[list(lower), 1] > 0.015).all()


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_lid_points_meet_in_a_blink(side: str) -> None:
    head, scheme = load_head(), load_scheme("ibug68")
    blink = head.model.expression_basis[EXPRESSION_INDEX[f"eyeBlink{side}"]]
    place = points(scheme, head.model.mean + blink)
    pairs = ((43, 47), (44, 46)) if side == "Left" else ((37, 41), (38, 40))
    assert all(place[upper, 1] - place[lower, 1] < 0.0007 for upper, lower in pairs)


def test_irises_are_on_the_eyeballs() -> None:
    head, scheme = load_head(), load_scheme("mediapipe478")
    eyes = [REGIONS.index("left_eye"), REGIONS.index("right_eye")]
    assert np.isin(head.vertex_region[scheme.vertices[468:]], eyes).all()
    assert not np.isin(head.vertex_region[scheme.vertices[:468]], eyes).any()
    width = np.linalg.norm(np.ptp(points(scheme, head.model.mean)[473:478], axis=0)[:1])
    assert 0.009 < width < 0.0135, "an iris is 12 mm wide"


def test_the_reduced_model_says_what_the_mesh_says(rng: np.random.Generator) -> None:
    head, scheme = load_head(), load_scheme("mediapipe478")
    identity, expression = rng.standard_normal(IDENTITY_COUNT), rng.uniform(0, 1, EXPRESSION_COUNT)
    full = points(scheme, vertices_from_params(head.model, identity, expression))
    cheap = vertices_from_params(reduced_model(head.model, scheme), identity, expression)
    np.testing.assert_allclose(cheap, full, atol=1e-6)


def test_landmarks_and_box_are_those_of_the_projected_mesh(rng: np.random.Generator) -> None:
    head, who = load_head(), params(rng)
    vertices = vertices_from_params(head.model, who.identity, who.expression)
    expected = image_from_head(points(load_scheme("ibug68"), vertices), who.pose)
    np.testing.assert_allclose(landmarks_from_params(who), expected, atol=1e-2)
    box = tight_box(image_from_head(vertices[face_vertices(head)], who.pose))
    found = face_box_from_params(who)
    corners = [(b.left_px, b.top_px, b.right_px, b.bottom_px) for b in (found, box)]
    np.testing.assert_allclose(*corners, atol=1e-2)


def test_a_box_of_the_frontal_mean_face_runs_from_hairline_to_chin() -> None:
    pose = HeadPose(np.array([1.0, 0, 0, 0]), np.zeros(2), 1000.0)
    box = face_box_from_params(FaceParams(np.zeros(IDENTITY_COUNT), np.zeros(EXPRESSION_COUNT), pose))
    assert -90 < box.top_px < -55
    assert 95 < box.bottom_px < 125
    assert 60 < box.right_px < 80
    assert box.left_px == pytest.approx(-box.right_px, abs=1e-3)


def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'ibug68'.*mediapipe478"):
        load_scheme("ibug-68")


def test_damaged_tables_are_refused_in_a_sentence(tmp_path: Path) -> None:
    point = '[[point]]\nnumber = {}\nvertices = [1, 2, 3]\nbarycentric = [{}, 0.0, 0.0]\nlabel = "x"\n'
    cases = {
        "not = [ a table": "not a landmark table",
        point.format(3, 1.0): "numbers its points",
        point.format(0, 0.4): "do not sum to 1",
        "[[point]]\nnumber = 0\n": "not a landmark table",
    }
    for number, (text, message) in enumerate(cases.items()):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        with pytest.raises(BadLandmarkScheme, match=message):
            read_scheme(path)
