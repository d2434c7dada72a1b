"""Each reader on a tiny file in its very layout: the same face comes back, in metres, our axes and our sides."""

from pathlib import Path

import numpy as np
import pytest
from model_files import (
    FILES,
    KINDS,
    TRIANGLES,
    arkit_mixture,
    bfm2009_arrays,
    bfm_front_arrays,
    flame_arrays,
    flat,
    tiny,
    warehouse_people,
    write_embeddings,
    write_flame,
    write_ict,
    write_mat,
    write_npz,
    write_warehouse,
)

from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.formats.load import READERS, detect_kind, load_model
from commedia.face_model.formats.source import BadFaceModel, SourceModel
from commedia.face_model.landmarks import points
from commedia.face_model.multilinear import tensor_from_people

pytest.importorskip("scipy")
pytest.importorskip("h5py")

ATOL = 2e-6
"""Metres; the files hold single precision in blendshapes down to micrometres."""
FLIP = np.array([-1, 1, 1])


def assert_same_face(found: np.ndarray, expected: np.ndarray, atol: float = ATOL) -> None:
    """Wherever the file's origin was."""
    np.testing.assert_allclose(found - found[30], expected - expected[30], atol=atol)


def assert_modes(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found[: len(expected)], expected, atol=ATOL)


def test_every_kind_has_a_file_here():
    assert set(KINDS.values()) | {"ict"} == set(READERS)


@pytest.mark.parametrize("name", FILES)
def test_the_kind_is_told_from_the_content(name: str, tmp_path: Path):
    path = FILES[name](tmp_path)
    plain = path if name == "shape.bs" else path.rename(tmp_path / "model")
    assert detect_kind(plain) == KINDS[name]
    found = load_model(plain)
    assert found.kind == KINDS[name]
    assert len(found.expression_names) == len(found.model.expression_basis)
    nobody = np.zeros(len(found.model.identity_basis)), np.zeros(len(found.expression_names))
    np.testing.assert_array_equal(vertices_from_params(found.model, *nobody), found.model.mean)


def test_bfm2009(tmp_path: Path):
    found = load_model(FILES["bfm2009.mat"](tmp_path)).model
    assert_same_face(found.mean, tiny().mean)
    assert_modes(found.identity_basis, tiny().identity)
    # The file's triangles are clockwise.
    np.testing.assert_array_equal(found.triangles, TRIANGLES)


def test_bfm2009_colours(tmp_path: Path):
    rng, deviation = np.random.default_rng(0), np.array([[2.0], [4.0]])
    mean, basis = rng.uniform(0, 255, (204, 1)), rng.normal(size=(204, 2))
    colours = {"texMU": mean, "texPC": basis, "texEV": deviation}
    found = load_model(write_mat(tmp_path / "whole.mat", bfm2009_arrays() | colours)).albedo
    assert found is not None
    np.testing.assert_allclose(found.mean.reshape(-1), mean[:, 0] / 255, rtol=1e-5)
    np.testing.assert_allclose(found.basis.reshape(2, -1), (basis * deviation.T / 255).T, rtol=1e-5)
    assert load_model(FILES["bfm2009.mat"](tmp_path)).albedo is None


def test_bfm_front_colours_skin_and_blendshapes_of_facewarehouse(tmp_path: Path):
    rng, face = np.random.default_rng(1), tiny()
    mean, basis, skin = rng.uniform(0, 255, (1, 204)), rng.normal(size=(204, 5)), rng.integers(0, 2, (1, 68))
    arrays = bfm_front_arrays() | {"meantex": mean, "texBase": basis, "skinmask": skin}
    path = write_mat(tmp_path / "front.mat", arrays)
    shapes = tmp_path / "mean_delta_blendshape.npy"
    # The list in circulation has the viewer's left first: its first blendshape shuts the subject's right eye.
    moved = np.tensordot(arkit_mixture(), face.expression, axes=1)
    np.save(shapes, flat(moved) * 10)
    found = load_model(path, blendshapes=shapes)
    assert found.albedo is not None
    np.testing.assert_allclose(found.albedo.mean.reshape(-1), mean[0] / 255, rtol=1e-5)
    np.testing.assert_allclose(found.albedo.basis.reshape(5, -1), basis.T / 255, rtol=1e-5)
    np.testing.assert_array_equal(found.skin, skin[0] > 0)
    np.testing.assert_allclose(found.model.expression_basis, moved, atol=1e-7)
    assert len(found.expression_names) == 46
    assert found.expression_names[:2] == ("EyeBlink_R", "EyeBlink_L")
    np.save(shapes, flat(moved[:45]) * 10)
    with pytest.raises(BadFaceModel, match="45 blendshapes, expected FaceWarehouse's 46"):
        load_model(path, blendshapes=shapes)
    np.save(shapes, flat(moved)[:-3])
    with pytest.raises(BadFaceModel, match="expected 204 x any"):
        load_model(path, blendshapes=shapes)
    with pytest.raises(BadFaceModel, match="belongs to the front model"):
        load_model(FILES["bfm2009.mat"](tmp_path), blendshapes=shapes)


def test_bfm_front(tmp_path: Path):
    found = load_model(FILES["front.mat"](tmp_path))
    assert_same_face(found.model.mean, tiny().mean)
    assert_modes(found.model.identity_basis, tiny().identity)
    assert_modes(found.model.expression_basis, tiny().expression[:3])
    np.testing.assert_array_equal(found.model.triangles, TRIANGLES)
    assert found.landmarks is not None
    # The origin is behind the lids, between the eyes.
    eyes = points(found.landmarks, found.model.mean)[36:48].mean(axis=0)
    np.testing.assert_allclose(eyes, [0, 0, 0.010], atol=ATOL)


def test_bfm2017_adds_the_mean_expression(tmp_path: Path):
    found = load_model(FILES["bfm2017.h5"](tmp_path)).model
    assert_same_face(found.mean, tiny().mean)
    assert_modes(found.identity_basis, tiny().identity)
    assert_modes(found.expression_basis, tiny().expression[:4])
    np.testing.assert_array_equal(found.triangles, TRIANGLES)


def assert_flame(found: SourceModel) -> None:
    assert_same_face(found.model.mean, tiny().mean)
    assert found.model.identity_basis.shape == (300, 68, 3)
    assert_modes(found.model.identity_basis, tiny().identity)
    assert_modes(found.model.expression_basis, tiny().expression)
    np.testing.assert_allclose(found.model.mean[36:48].mean(axis=0), 0, atol=ATOL)
    np.testing.assert_array_equal(found.model.triangles, TRIANGLES)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_flame_pickles_of_every_age(protocol: int, tmp_path: Path):
    assert_flame(load_model(write_flame(tmp_path / "generic_model.pkl", flame_arrays(), protocol)))


def test_flame_as_npz(tmp_path: Path):
    found = load_model(FILES["flame.npz"](tmp_path))
    assert_flame(found)
    assert found.landmarks is None


def test_flame_landmarks_lie_beside_it(tmp_path: Path):
    write_embeddings(tmp_path)
    # The triangles of the test are no face, so that the points must not be taken for one.
    with pytest.raises(BadFaceModel, match="other axes"):
        load_model(FILES["flame.pkl"](tmp_path))
    from commedia.face_model.formats.flame import read_embedding

    static, dynamic = tmp_path / "flame_static_embedding.pkl", tmp_path / "flame_dynamic_embedding.npy"
    scheme = read_embedding(static, dynamic, TRIANGLES, 68)
    found = points(scheme, tiny().mean.astype(np.float32))
    np.testing.assert_allclose(found[:17], np.tile(tiny().mean[TRIANGLES[2, 0]], (17, 1)), atol=ATOL)
    np.testing.assert_allclose(found[17], [0.2, 0.3, 0.5] @ tiny().mean[TRIANGLES[0]], atol=ATOL)


def test_ict(tmp_path: Path):
    found = load_model(write_ict(tmp_path / "FaceXModel"))
    assert_same_face(found.model.mean, tiny().mean)
    assert_modes(found.model.identity_basis, tiny().identity)
    assert found.expression_names == ("eyeBlink_L", "eyeBlink_R", "jawLeft", "jawOpen")
    np.testing.assert_allclose(found.model.expression_basis[3], tiny().blendshape("jawOpen"), atol=ATOL)
    # Three triangles and a quad, which counts from the end of the file.
    assert found.model.triangles.tolist()[:3] == TRIANGLES[:3].tolist()
    assert found.model.triangles.tolist()[3:] == [[30, 31, 35], [30, 35, 33]]
    assert load_model(tmp_path).kind == "ict"


def test_sides_are_what_moves_not_what_it_is_called(tmp_path: Path):
    found = load_model(write_ict(tmp_path / "ict", ("eyeBlink_R", "eyeBlink_L", "jawRight", "jawOpen")))
    assert found.expression_names == ("eyeBlink_L", "eyeBlink_R", "jawLeft", "jawOpen")
    broken = write_ict(tmp_path / "broken", ("blink_L", "blink_R", "jawLeft", "jawOpen"))
    (broken / "blink_R.obj").write_bytes((broken / "blink_L.obj").read_bytes())
    with pytest.raises(BadFaceModel, match="several blendshapes that are blink_L"):
        load_model(broken)


def test_facewarehouse_folders(tmp_path: Path):
    people = warehouse_people()
    found = load_model(write_warehouse(tmp_path / "FW", people))
    model = found.model
    assert model.identity_basis.shape == (4, 68, 3)
    assert_same_face(model.mean, people[:, 0].mean(axis=0) / 10)
    weights = tensor_from_people(people, 50).weights
    for person, weight in zip(people, weights, strict=True):
        identity = (weight - weights.mean(axis=0)) / weights.std(axis=0)
        for blendshape in (0, 1, 21, 46):
            expression = np.eye(47)[blendshape][1:]
            assert_same_face(vertices_from_params(model, identity, expression), person[blendshape] / 10, 1e-5)
    assert len(model.triangles) == 5
    # Lists in circulation call the subject's right eye left.
    assert found.expression_names[:2] == ("EyeBlink_R", "EyeBlink_L")
    assert found.expression_names[20:25] == ("JawRight", "JawOpen", "JawLeft", "MouthRight", "MouthLeft")


def test_a_scan_that_numbers_its_vertices_differently_lends_no_triangles(tmp_path: Path):
    folder = write_warehouse(tmp_path / "FW", warehouse_people())
    scan = folder / "Tester_1" / "TrainingPose" / "pose_0.obj"
    lines = scan.read_text().splitlines()
    vertices = [line for line in lines if line.startswith("v ")]
    scan.write_text("\n".join([*reversed(vertices), *(line for line in lines if not line.startswith("v "))]))
    assert len(load_model(folder).model.triangles) == 0


def test_one_person_of_facewarehouse_is_linear(tmp_path: Path):
    found = load_model(FILES["shape.bs"](tmp_path)).model
    person = warehouse_people()[0]
    assert found.interaction is None
    assert found.identity_basis.shape == (0, 68, 3)
    np.testing.assert_allclose(found.expression_basis, (person[1:] - person[0]) / 10, atol=ATOL)


@pytest.mark.parametrize("axes", ["vie", "iev", "evi"])
@pytest.mark.parametrize("suffix", ["npy", "npz", "mat"])
def test_cores_in_any_order(axes: str, suffix: str, tmp_path: Path):
    made = tensor_from_people(warehouse_people(), 3)
    core = np.transpose(made.tensor, ["vie".index(axis) for axis in axes])
    path = tmp_path / f"core.{suffix}"
    if suffix == "npy":
        np.save(path, core)
    else:
        (write_npz if suffix == "npz" else write_mat)(path, {"core": core})
    found = load_model(path)
    assert found.model.mean.shape == (68, 3)
    assert found.expression_names[:2] == ("EyeBlink_R", "EyeBlink_L")
    np.testing.assert_array_equal(found.model.mean, load_model(path, axes=axes).model.mean)
    # A head upright and of a head's size, whatever the sign of the strongest component.
    assert found.model.mean[27, 1] > found.model.mean[8, 1]
    np.testing.assert_allclose(np.linalg.norm(np.ptp(found.model.mean, axis=0)), 0.3, rtol=1e-3)
    flipped = tmp_path / "flipped.npy"
    np.save(flipped, -core)
    np.testing.assert_allclose(load_model(flipped).model.mean, found.model.mean, atol=1e-6)


def test_a_core_that_says_who_is_the_mean_person(tmp_path: Path):
    people = warehouse_people()
    made = tensor_from_people(people, 4)
    arrays = {
        "tensor": made.tensor,
        "axes": np.array("vie"),
        "identity_mean": made.weights.mean(axis=0),
        "identity_std": made.weights.std(axis=0),
        "triangles": TRIANGLES,
    }
    found = load_model(write_npz(tmp_path / "core.npz", arrays)).model
    assert_same_face(found.mean, people[:, 0].mean(axis=0) / 10)
    np.testing.assert_array_equal(found.triangles, TRIANGLES)


def test_facescape(tmp_path: Path):
    found = load_model(FILES["facescape.npz"](tmp_path))
    people = warehouse_people(3)[:, :6] / 10
    model = found.model
    assert_same_face(model.mean, people[:, 0].mean(axis=0))
    np.testing.assert_array_equal(model.triangles, TRIANGLES)
    # The weights of one person are (1, 0, 0): a mean of 1/3 and a deviation of 1/2.
    identity = (np.array([1, 0, 0]) - 1 / 3) / 0.5
    assert_same_face(vertices_from_params(model, identity, np.eye(5)[2]), people[0, 3], 1e-5)


def test_the_unit_can_be_said(tmp_path: Path):
    path = FILES["shape.bs"](tmp_path)
    usual, larger = load_model(path).model, load_model(path, metres_per_unit=0.2).model
    np.testing.assert_allclose(larger.mean, 2 * usual.mean, atol=ATOL)
    np.testing.assert_allclose(larger.expression_basis, 2 * usual.expression_basis, atol=ATOL)


def test_a_mirrored_file_is_refused_where_landmarks_tell(tmp_path: Path):
    arrays = bfm_front_arrays()
    arrays["meanshape"] = (arrays["meanshape"].reshape(-1, 3) * FLIP).reshape(1, -1)
    with pytest.raises(BadFaceModel, match=r"left eye at \+x"):
        load_model(write_mat(tmp_path / "mirrored.mat", arrays))


def test_a_mirrored_model_gives_mirrored_faces(tmp_path: Path):
    plain = load_model(write_warehouse(tmp_path / "FW", warehouse_people()))
    mirrored = load_model(write_warehouse(tmp_path / "mirrored", warehouse_people() * FLIP))
    swap = {"R": "L", "L": "R"}
    assert mirrored.expression_names[:2] == tuple(n[:-1] + swap[n[-1]] for n in plain.expression_names[:2])
    identity, expression = np.array([1.0, -1, 0.5, 0]), np.linspace(0, 1, 46)
    expected = vertices_from_params(plain.model, identity, expression) * FLIP
    np.testing.assert_allclose(vertices_from_params(mirrored.model, identity, expression), expected, atol=1e-5)
