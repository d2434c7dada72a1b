"""The 3D error: shapes whose distance is known by construction, and a slow twin that tries every triangle."""

import numpy as np
import pytest
from scipy.optimize import minimize

from commedia.errors import CommediaError
from commedia.evaluation.shape_error import FaceShape, shape_distances_mm, shape_error_mm
from commedia.geometry.closest import closest_on_triangles, triangle_normals
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle
from commedia.geometry.similarity import Similarity

EVERY = [{"icp": icp, "plane": plane, "scale": scale} for icp in (0, 1) for plane in (0, 1) for scale in (0, 1)]
EVERY = [{name: bool(value) for name, value in one.items()} for one in EVERY]


def names(options: dict) -> str:
    return "+".join(name for name, on in options.items() if on) or "plain"


def mask(rng: np.random.Generator, rows: int = 14) -> FaceShape:
    """A bumpy shield of 16 cm, nose forward, marks on it."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : rows * 1j]
    bumps = 0.012 * np.exp(-8 * (x**2 + y**2)) + 0.004 * np.sin(5 * x + 1) * np.cos(4 * y)
    z = 0.08 - 0.05 * x**2 - 0.03 * y**2 + bumps + rng.normal(0, 0.0006, x.shape)
    vertices = np.stack([0.07 * x, -0.09 * y, z], -1).reshape(-1, 3)
    index = np.arange(rows * rows).reshape(rows, rows)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)
    marks = vertices[np.linspace(0, rows * rows - 1, 9).astype(int)]
    return FaceShape(vertices, triangles, vertices[vertices[:, 2].argmax()], marks)


def moved(shape: FaceShape, by: Similarity, *, mark_noise: float = 0.0) -> FaceShape:
    marks = by.points(shape.marks)
    marks = marks + mark_noise * np.random.default_rng(5).normal(size=marks.shape)
    return FaceShape(by.points(shape.vertices), shape.triangles, by.points(shape.nose_tip), marks)


def motion(scale: float = 1.0) -> Similarity:
    rotation = matrix_from_wxyz(wxyz_from_axis_angle(np.array([0.3, -0.5, 0.2])))
    return Similarity(scale, rotation, np.array([0.4, -0.1, 2.0]))


@pytest.mark.parametrize("options", EVERY, ids=names)
def test_a_turned_and_shifted_copy_is_no_error(options: dict, rng: np.random.Generator) -> None:
    truth = mask(rng)
    copy = moved(truth, motion(), mark_noise=0.001 * options["icp"])
    assert shape_error_mm(copy, truth, **options) < 0.01


@pytest.mark.parametrize("options", EVERY, ids=names)
def test_a_larger_copy_is_an_error_unless_scale_is_free(options: dict, rng: np.random.Generator) -> None:
    truth = mask(rng)
    copy = moved(truth, motion(1.1), mark_noise=0.001 * options["icp"])
    error = shape_error_mm(copy, truth, **options)
    assert error < 0.01 if options["scale"] else error > 0.5


def test_errors_are_of_the_size_of_the_truth(rng: np.random.Generator) -> None:
    """However large the prediction says the face is, with scale the answer is the same; the truth's size counts."""
    truth, off = mask(rng), mask(np.random.default_rng(9))
    for options in ({"scale": True}, {"scale": True, "icp": True}, {"scale": True, "icp": True, "plane": True}):
        once = shape_error_mm(off, truth, **options)
        assert shape_error_mm(moved(off, motion(3.0)), truth, **options) == pytest.approx(once, rel=1e-3)
        tenfold = shape_error_mm(off, moved(truth, motion(10.0)), **options)
        assert tenfold == pytest.approx(10 * once, rel=1e-3)


def test_an_offset_along_and_across_the_surface() -> None:
    """Half of a plate's vertices are 2 mm up, half 2 mm down: 2 mm, all along the normal. Sideways: none of it."""
    plate = mask(np.random.default_rng(0))
    flat = plate.vertices * [1, 1, 0]
    sign = np.where((np.arange(14)[:, None] + np.arange(14)) % 2 == 0, 1, -1).reshape(-1)
    truth = FaceShape(flat, plate.triangles, flat[0], plate.marks)
    for axis, along_normal in ((2, 2.0), (0, 0.0)):
        offset = np.zeros_like(flat)
        offset[:, axis] = 0.002 * sign
        said = FaceShape(flat + offset, plate.triangles, flat[0], plate.marks)
        assert shape_error_mm(said, truth) == pytest.approx(2, rel=1e-6)
        assert shape_error_mm(said, truth, plane=True) == pytest.approx(along_normal, abs=1e-6)


def test_what_is_far_from_the_nose_does_not_count(rng: np.random.Generator) -> None:
    truth = mask(rng)
    far = np.linalg.norm(truth.vertices - truth.nose_tip, axis=1) > 0.06
    said = FaceShape(truth.vertices + far[:, None] * 0.01, truth.triangles, truth.nose_tip, truth.marks)
    assert shape_error_mm(said, truth) > 3
    for icp in (False, True):
        assert shape_error_mm(said, truth, icp=icp, crop_mm=60.0) < 0.01
    assert len(shape_distances_mm(said, truth, crop_mm=60.0)) == (~far).sum()
    with pytest.raises(CommediaError, match="no vertex"):
        shape_error_mm(said, FaceShape(truth.vertices, truth.triangles, truth.nose_tip + 1, truth.marks), crop_mm=5.0)


def test_shapes_that_do_not_correspond_want_icp(rng: np.random.Generator) -> None:
    fine, coarse = mask(rng, 16), mask(rng, 9)
    with pytest.raises(CommediaError, match="use ICP"):
        shape_error_mm(coarse, fine)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("plane", [False, True])
def test_icp_agrees_with_trying_every_triangle(plane: bool, scale: bool) -> None:
    """The slow twin searches motions of the prediction with a general minimiser, and all partners one by one."""
    truth, said = mask(np.random.default_rng(1), 6), moved(mask(np.random.default_rng(2), 6), motion(1.02))
    said = FaceShape(said.vertices, said.triangles, said.nose_tip, motion(1.02).points(truth.marks))
    found = shape_error_mm(said, truth, icp=True, plane=plane, scale=scale)
    there = motion(1.02).inverse()
    if not scale:
        there = Similarity(1.0, there.rotation, there.translation)

    def error(parameters: np.ndarray) -> float:
        turn = matrix_from_wxyz(wxyz_from_axis_angle(parameters[:3]))
        growth = np.exp(parameters[6]) if scale else 1.0
        step = Similarity(float(growth), turn, parameters[3:6])
        vertices = (step @ there).points(said.vertices)
        if not plane:
            pairs = np.linalg.norm(truth.vertices[:, None] - vertices[None], axis=-1)
            return 1000 * float(np.sqrt(np.square(pairs.min(1)).mean()))
        corners = np.broadcast_to(vertices[said.triangles], (len(truth.vertices), len(said.triangles), 3, 3))
        places, _ = closest_on_triangles(np.repeat(truth.vertices[:, None], corners.shape[1], 1), corners)
        away = truth.vertices[:, None] - places
        nearest = np.linalg.norm(away, axis=-1).argmin(1)
        rows, normals = np.arange(len(nearest)), triangle_normals(vertices[said.triangles])
        along = np.einsum("nk,nk->n", away[rows, nearest], normals[nearest])
        return 1000 * float(np.sqrt(np.square(along).mean()))

    start = np.zeros(7 if scale else 6)
    slow = minimize(error, start, method="Powell", options={"maxfev": 500, "xtol": 1e-5, "ftol": 1e-5}).fun
    assert 0.2 < found < error(start) + 1e-6
    assert found == pytest.approx(slow, rel=0.08)
