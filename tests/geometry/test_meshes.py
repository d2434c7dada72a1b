"""Normals point out of a closed surface, turn with it, and do not see the seams of a texture."""

import numpy as np

from commedia.geometry.meshes import smooth_normals, weld
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll

OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float32)
FACES = np.array(
    [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]], dtype=np.int32
)


def test_normals_of_an_octahedron_point_to_its_corners() -> None:
    np.testing.assert_allclose(smooth_normals(OCTAHEDRON, FACES), OCTAHEDRON, atol=1e-6)


def test_normals_turn_with_the_surface_and_do_not_grow_with_it(rng: np.random.Generator) -> None:
    bumpy = OCTAHEDRON + rng.normal(scale=0.1, size=OCTAHEDRON.shape).astype(np.float32)
    turn = matrix_from_wxyz(wxyz_from_yaw_pitch_roll(np.array([0.4, -0.7, 1.1])))
    turned = smooth_normals((3 * bumpy @ turn.T).astype(np.float32), FACES)
    np.testing.assert_allclose(turned, smooth_normals(bumpy, FACES) @ turn.T, atol=1e-5)


def test_a_seam_is_a_crease_unless_it_is_welded() -> None:
    corners = OCTAHEDRON[FACES].reshape(-1, 3)
    apart = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    np.testing.assert_allclose(smooth_normals(corners, apart, weld(corners)), corners, atol=1e-6)
    flat = np.repeat(corners.reshape(-1, 3, 3).mean(axis=1), 3, axis=0) * np.float32(np.sqrt(3))
    np.testing.assert_allclose(smooth_normals(corners, apart), flat, atol=1e-6)


def test_a_vertex_without_triangles_looks_ahead() -> None:
    alone = np.concatenate([OCTAHEDRON, np.full((1, 3), 5, dtype=np.float32)])
    np.testing.assert_array_equal(smooth_normals(alone, FACES)[-1], [0, 0, 1])


def test_welding_numbers_places() -> None:
    place, count = weld(np.array([[0, 0, 1], [2, 0, 0], [0, 0, 1]], dtype=np.float32))
    assert count == 2
    assert place[0] == place[2] != place[1]
    assert weld(np.zeros((0, 3), dtype=np.float32))[1] == 0
