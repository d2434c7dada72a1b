"""Closest points against a dense search; slits that are not crossed; similarities as laws."""

import numpy as np
import pytest

from commedia.geometry.closest import ClosestPoints, closest_on_triangles
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle
from commedia.geometry.similarity import Similarity, fit_similarity

pytest.importorskip("scipy")


def test_the_closest_point_is_the_nearest_of_many(rng: np.random.Generator):
    corners = rng.standard_normal((20, 1, 3, 3))
    points = 2 * rng.standard_normal((20, 1, 3))
    places, weights = closest_on_triangles(points, corners)
    np.testing.assert_allclose(np.einsum("nkj,nkjc->nkc", weights, corners), places)
    assert (weights >= 0).all()
    u, v = (part.reshape(-1) for part in np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101)))
    inside = u + v <= 1
    grid = np.stack([1 - u - v, u, v], axis=1)[inside]
    dense = np.linalg.norm(np.einsum("gj,njc->ngc", grid, corners[:, 0]) - points, axis=2).min(axis=1)
    found = np.linalg.norm(places - points, axis=2)[:, 0]
    assert (found <= dense + 1e-9).all()
    np.testing.assert_allclose(found, dense, atol=0.03)


def test_a_triangle_without_area_is_its_edges():
    corners = np.array([[[[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]]])
    places, _ = closest_on_triangles(np.array([[[1.5, 1.0, 0]]]), corners)
    np.testing.assert_allclose(places[0, 0], [1.5, 0, 0])


def test_normals_and_sides_choose():
    """Two lips that lie on each other: from above and from below one gets one's own."""
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, -1], [0, 0.01, 0], [1, 0.01, 0], [0, 0.01, -1]])
    triangles = np.array([[0, 1, 2], [3, 5, 4]])
    surface = ClosestPoints(vertices, triangles, 0.1, np.array([3, 2]))
    below, above = np.array([[0.3, 0.004, -0.3]]), np.array([[0.3, 0.006, -0.3]])
    up, down = np.array([[0.0, 1, 0]]), np.array([[0.0, -1, 0]])
    assert surface.closest(below).triangle[0] == 0
    assert surface.closest(below, down, least_cosine=0.5).triangle[0] == 1
    assert surface.closest(above, up, least_cosine=0.5).triangle[0] == 0
    assert surface.closest(below, sides=np.array([2])).triangle[0] == 1
    assert surface.closest(above, sides=np.array([3])).triangle[0] == 0
    nothing = surface.closest(below, np.array([[1.0, 0, 0]]), least_cosine=0.5)
    assert not nothing.found[0]
    assert np.isinf(nothing.distance[0])


def test_a_similarity_is_found_again(rng: np.random.Generator):
    rotation = matrix_from_wxyz(wxyz_from_axis_angle(np.array([0.4, -2.0, 1.0])))
    there = Similarity(3.5, rotation, np.array([1.0, -2, 30]))
    points = rng.standard_normal((9, 3))
    found = fit_similarity(points, there.points(points))
    np.testing.assert_allclose(found.points(points), there.points(points), atol=1e-9)
    np.testing.assert_allclose(found.inverse().points(there.points(points)), points, atol=1e-9)
    np.testing.assert_allclose((found.inverse() @ there).points(points), points, atol=1e-9)
    mirrored = fit_similarity(points, points * [-1, 1, 1])
    assert np.linalg.det(mirrored.rotation) > 0
