"""Laws of deformation transfer: oneself, scale, mirror; the paper's own objective as oracle; meshes that do not fit."""

import numpy as np
import pytest

from commedia.retarget.deformation_transfer import BadCorrespondence, transfer_deformations

pytest.importorskip("scipy")

FLIP = np.array([-1.0, 1, 1])
OCTAHEDRON = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float64)
OCTAHEDRON_TRIANGLES = np.array(
    [[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4], [1, 0, 5], [2, 1, 5], [3, 2, 5], [0, 3, 5]], dtype=np.int32
)


def two_pieces(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A head and an eyeball, so to say."""
    vertices = np.concatenate([OCTAHEDRON * [1, 1.3, 0.8], OCTAHEDRON * 0.2 + [0.4, 0.3, 0.6]])
    triangles = np.concatenate([OCTAHEDRON_TRIANGLES, OCTAHEDRON_TRIANGLES + 6])
    return vertices + 0.05 * rng.standard_normal(vertices.shape), triangles


def shapes(rng: np.random.Generator, vertices: np.ndarray, count: int = 2) -> np.ndarray:
    return vertices + 0.2 * rng.standard_normal((count, *vertices.shape))


def test_onto_itself_it_changes_nothing(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    deformed = shapes(rng, source)
    np.testing.assert_allclose(transfer_deformations(source, deformed, source, triangles), deformed, atol=1e-9)


def test_a_neutral_stays_neutral(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    target = source * [1.2, 0.9, 1.1] + 0.05 * rng.standard_normal(source.shape)
    np.testing.assert_allclose(transfer_deformations(source, source[None], target, triangles)[0], target, atol=1e-9)


def test_a_face_twice_as_large_moves_twice_as_far(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    deformed = shapes(rng, source)
    found = transfer_deformations(source, deformed, 2 * source + [3, 4, 5], triangles)
    np.testing.assert_allclose(found, 2 * deformed + [3, 4, 5], atol=1e-8)


def test_in_a_mirror_it_is_mirrored(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    target = source * [1.2, 0.9, 1.1] + 0.05 * rng.standard_normal(source.shape)
    deformed, turned = shapes(rng, source), triangles[:, ::-1].copy()
    expected = transfer_deformations(source, deformed, target, triangles) * FLIP
    found = transfer_deformations(source * FLIP, deformed * FLIP, target * FLIP, turned)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_it_minimises_the_papers_objective_with_its_fourth_vertices(rng: np.random.Generator):
    """Written out as in the paper, dense, with a fourth vertex per triangle and one anchor."""
    source, target = OCTAHEDRON + 0.1 * rng.standard_normal((6, 3)), OCTAHEDRON + 0.1 * rng.standard_normal((6, 3))
    (deformed,) = shapes(rng, source, 1)
    triangles = OCTAHEDRON_TRIANGLES
    found = transfer_deformations(source, deformed[None], target, triangles, anchors=np.array([0]))[0]

    def frame(vertices: np.ndarray, triangle: np.ndarray) -> np.ndarray:
        first, second = vertices[triangle[1]] - vertices[triangle[0]], vertices[triangle[2]] - vertices[triangle[0]]
        normal = np.cross(first, second)
        return np.stack([first, second, normal / np.sqrt(np.linalg.norm(normal))], axis=1)

    rows, right = [], []
    for number, triangle in enumerate(triangles):
        gradient = frame(deformed, triangle) @ np.linalg.inv(frame(source, triangle))
        inverse = np.linalg.inv(frame(target, triangle))
        pick = np.zeros((3, 6 + len(triangles)))
        pick[:, triangle[0]] = -1
        pick[range(3), [triangle[1], triangle[2], 6 + number]] = 1
        rows.append(inverse.T @ pick)
        right.append(gradient.T)
    matrix, wanted = np.concatenate(rows), np.concatenate(right)
    wanted = wanted - matrix[:, :1] * target[0]
    solved = np.linalg.lstsq(matrix[:, 1:], wanted, rcond=None)[0]
    np.testing.assert_allclose(found[0], target[0])
    np.testing.assert_allclose(found[1:], solved[:5], atol=1e-8)


def test_unmatched_triangles_keep_their_shape(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    target = source + 0.05 * rng.standard_normal(source.shape)
    correspondence = np.where(np.arange(16) < 8, np.arange(16), -1)
    deformed = shapes(rng, source)
    found = transfer_deformations(
        source, deformed, target, triangles, target_triangles=triangles, correspondence=correspondence
    )
    whole = transfer_deformations(source, deformed, target, triangles)
    np.testing.assert_allclose(found[:, 6:], np.stack([target[6:]] * 2), atol=1e-9)
    assert np.abs(found[:, :6] - target[:6]).max() > 0.1
    gained = (found - whole)[:, :6]
    # The same face but for where it stands: the scale and the rest do not depend on the eyeball.
    np.testing.assert_allclose(gained - gained[:, :1], 0, atol=1e-8)


def test_another_topology_with_a_correspondence(rng: np.random.Generator):
    """Vertices renumbered and triangles shuffled are the same face."""
    source, triangles = two_pieces(rng)
    order, shuffled = rng.permutation(12), rng.permutation(16)
    target_triangles = np.argsort(order)[triangles[shuffled]].astype(np.int32)
    deformed = shapes(rng, source)
    found = transfer_deformations(
        source, deformed, source[order], triangles, target_triangles=target_triangles, correspondence=shuffled
    )
    np.testing.assert_allclose(found, deformed[:, order], atol=1e-9)


def test_flat_triangles_and_lone_vertices_do_no_harm(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    source = np.concatenate([source, [[5.0, 5, 5]]])
    triangles = np.concatenate([triangles, [[0, 0, 1], [2, 2, 2]]]).astype(np.int32)
    deformed = shapes(rng, source)
    found = transfer_deformations(source, deformed, source, triangles)
    np.testing.assert_allclose(found[:, :12], deformed[:, :12], atol=1e-8)
    np.testing.assert_allclose(found[:, 12], np.stack([source[12]] * 2))


def test_everything_anchored_stays(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    found = transfer_deformations(source, shapes(rng, source), source, triangles, anchors=np.arange(12))
    np.testing.assert_array_equal(found, np.stack([source] * 2))


def test_what_does_not_fit_is_said(rng: np.random.Generator):
    source, triangles = two_pieces(rng)
    deformed = shapes(rng, source)
    with pytest.raises(BadCorrespondence, match="need a correspondence"):
        transfer_deformations(source, deformed, source[:-1], triangles[:8])
    with pytest.raises(BadCorrespondence, match="names vertex 99 of 12"):
        transfer_deformations(source, deformed, source, np.array([[0, 1, 99]], dtype=np.int32))
    with pytest.raises(BadCorrespondence, match="anchor 40"):
        transfer_deformations(source, deformed, source, triangles, anchors=np.array([40]))
    with pytest.raises(BadCorrespondence, match="up to 16, expected one of -1 to 15"):
        transfer_deformations(
            source, deformed, source, triangles, target_triangles=triangles, correspondence=np.arange(1, 17)
        )
