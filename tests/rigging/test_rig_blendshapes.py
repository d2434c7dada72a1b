"""Made blendshapes against true ones, and laws: neutral, mirror, similarity. Some minutes, so mostly `slow`."""

import numpy as np
import pytest
from strangers import Stranger, decimated, other_topology, own_topology, relative_errors

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_MIRROR, LANDMARK_MIRROR
from commedia.face_model.landmarks import points
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle
from commedia.geometry.similarity import Similarity
from commedia.rigging.blendshapes import Blendshapes, make_blendshapes
from commedia.rigging.pieces import Kind
from commedia.rigging.registration import Landmarks, LandmarksMisplaced, align
from commedia.rigging.slits import side_of_triangle, sides_from_seeds
from commedia.rigging.template import load_template

pytest.importorskip("scipy")
FLIP = np.array([-1.0, 1, 1])


@pytest.fixture(scope="module")
def stranger() -> Stranger:
    return other_topology(1)


@pytest.fixture(scope="module")
def made(stranger: Stranger) -> Blendshapes:
    return make_blendshapes(stranger.vertices, stranger.triangles, stranger.landmarks, load_template())


@pytest.mark.slow
def test_an_identity_of_ours_gets_its_own_units():
    stranger = own_topology(2)
    found = make_blendshapes(stranger.vertices, stranger.triangles, stranger.landmarks, load_template())
    assert np.mean(list(relative_errors(found.displacements, stranger).values())) <= 0.10


@pytest.mark.slow
def test_another_topology_gets_them_too(stranger: Stranger, made: Blendshapes):
    errors = relative_errors(made.displacements, stranger)
    assert np.mean(list(errors.values())) <= 0.15
    assert errors["jawOpen"] < 0.05
    assert errors["eyeBlinkLeft"] < 0.25


@pytest.mark.slow
def test_its_pieces_are_told_apart(made: Blendshapes):
    assert sorted((piece.kind.value, piece.part) for piece in made.pieces) == [
        ("eye", 0), ("eye", 1), ("face", 0), ("teeth", 0), ("teeth", 1), ("tongue", 0)
    ]  # fmt: skip
    (lower,) = (piece for piece in made.pieces if piece.kind is Kind.TEETH and piece.part == 1)
    (upper,) = (piece for piece in made.pieces if piece.kind is Kind.TEETH and piece.part == 0)
    opened = made.displacements[EXPRESSION_INDEX["jawOpen"]]
    assert opened[lower.vertices, 1].max() < -0.005
    np.testing.assert_allclose(opened[upper.vertices], 0, atol=1e-6)


@pytest.mark.slow
def test_turned_scaled_and_shifted_it_is_turned_and_scaled(stranger: Stranger, made: Blendshapes):
    turn = matrix_from_wxyz(wxyz_from_axis_angle(np.array([0.5, 2.5, -1.0])))
    there = Similarity(70.0, turn, np.array([3.0, 150.0, -20.0]))
    landmarks = Landmarks(
        stranger.landmarks.numbers, there.points(stranger.landmarks.points), stranger.landmarks.weights
    )
    found = make_blendshapes(
        there.points(stranger.vertices), stranger.triangles, landmarks, load_template()
    ).displacements
    expected = there.offsets(made.displacements)
    missed = np.linalg.norm(found - expected, axis=-1).mean() / np.linalg.norm(expected, axis=-1).mean()
    # .0005 scaled alone, .0003 turned alone, .0013 both: fits that round otherwise part a little, at lips and lids.
    assert missed < 3e-3


@pytest.mark.slow
def test_in_a_mirror_it_is_mirrored_even_inside_out(stranger: Stranger, made: Blendshapes):
    """The triangles of a mirrored mesh run clockwise when nobody turns them round."""
    numbers = np.array(LANDMARK_MIRROR)[stranger.landmarks.numbers]
    landmarks = Landmarks(numbers, stranger.landmarks.points * FLIP, stranger.landmarks.weights)
    found = make_blendshapes(stranger.vertices * FLIP, stranger.triangles, landmarks, load_template()).displacements
    expected = made.displacements[list(EXPRESSION_MIRROR)] * FLIP
    missed = np.linalg.norm(found - expected, axis=-1).mean() / np.linalg.norm(expected, axis=-1).mean()
    assert missed < 0.05


def test_alignment_undoes_a_similarity():
    template = load_template()
    skin = template.skin(np.zeros(50))
    there = Similarity(12.0, matrix_from_wxyz(wxyz_from_axis_angle(np.array([0.0, 3.0, 0.0]))), np.array([1.0, 2, 3]))
    marked = there.points(points(template.landmarks, skin))[[8, 30, 36, 45, 48, 54]]
    found = align(template, Landmarks(np.array([8, 30, 36, 45, 48, 54]), marked, np.ones(6)))
    np.testing.assert_allclose(found.points(there.points(skin)), skin, atol=1e-6)


def test_landmarks_of_no_face_are_refused_before_anything_is_fitted(stranger: Stranger):
    """Left and right swapped, or numbers counted from 1, are the mistakes one makes."""
    landmarks = stranger.landmarks
    swapped = Landmarks(np.array(LANDMARK_MIRROR), landmarks.points, landmarks.weights)
    shifted = Landmarks(landmarks.numbers[17:-1] + 1, landmarks.points[17:-1], landmarks.weights[17:-1])
    for wrong in (swapped, shifted):
        with pytest.raises(LandmarksMisplaced, match="left and right are the subject's"):
            make_blendshapes(stranger.vertices, stranger.triangles, wrong, load_template())


def test_lips_and_lids_have_two_sides_each():
    template = load_template()
    skin = template.skin(np.zeros(50))
    for upper, lower in ((2, 3), (4, 5), (6, 7)):
        above, below = skin[template.sides == upper], skin[template.sides == lower]
        assert len(above) > 100
        assert len(below) > 100
        assert above[:, 1].mean() > below[:, 1].mean() + 0.003
    # The mirror swaps the eyes, and nothing else.
    assert np.sum(template.sides == 4) == np.sum(template.sides == 6)
    assert np.sum(template.sides == 5) == np.sum(template.sides == 7)


def test_sides_go_along_the_surface_and_sealed_lips_have_none():
    """A flat ring cut open at the top: both ends are near in space and far along the ring."""
    angle = np.linspace(0.05, 2 * np.pi - 0.05, 60)
    ring = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    inner, outer = np.pad(0.008 * ring, ((0, 0), (0, 1))), np.pad(0.010 * ring, ((0, 0), (0, 1)))
    first = np.arange(59)
    triangles = np.concatenate(
        [np.stack([first, first + 60, first + 1], 1), np.stack([first + 1, first + 60, first + 61], 1)]
    )
    inside = np.zeros(120, dtype=bool)
    vertices = np.concatenate([inner, outer])
    found = sides_from_seeds(vertices, triangles, np.array([0]), np.array([59]), inside)
    assert found[:12].tolist() == [1] * 12
    assert found[48:60].tolist() == [2] * 12
    assert found[29] == 0
    bridge = side_of_triangle(found, np.array([[0, 60, 59], [0, 1, 60], [29, 0, 1]]))
    assert bridge.tolist() == [0, 1, 1]


def test_decimation_keeps_borders_and_pieces():
    head = own_topology(0)
    fewer = decimated(head.vertices, head.triangles[:4000], 1500)
    used = np.unique(fewer)
    assert len(used) <= 1500
    edges, count = np.unique(
        np.sort(np.concatenate([fewer[:, :2], fewer[:, 1:], fewer[:, ::2]]), axis=1), axis=0, return_counts=True
    )
    assert count.max() == 2
    assert (edges[:, 0] != edges[:, 1]).all()
