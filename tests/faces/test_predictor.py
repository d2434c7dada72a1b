"""From ONNX files to faces: small random networks with known answers, and files that are not what they say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from crop_params import crop_params_from_face_params, encode_corners, face_params_from_crop_params
from fakes import fake_landmarks
from onnx import TensorProto, helper, numpy_helper

from commedia.conventions import EXPRESSION_MIRROR
from commedia.errors import UnknownName, WeightsMismatch
from commedia.face_model.model import load_head
from commedia.faces.crop import (
    Crop,
    CropParams,
    crop_from_box,
    crop_image,
)
from commedia.faces.grid import ROW_COUNT
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.marks import MARKS, marks_from_rows, marks_to_text
from commedia.faces.mfn import MFN_OUTPUTS, MfnPredictor, open_mfn
from commedia.faces.protocol import DetectorProtocol, RegressorProtocol
from commedia.faces.session import OnnxSession, open_session, pixels_from_images
from commedia.faces.sfn import SFN_OUTPUTS, open_sfn
from commedia.faces.weights import find_weights, shipped_weights
from commedia.geometry.rotations import between_wxyz, mirrored_wxyz
from commedia.networks.export import note_in_file
from commedia.structures import Box

ANCHORS = np.array([[1.0, 1.0], [2.0, 2.5]], dtype=np.float32)
SIZES = {"identity": 50, "expression": 52, "wxyz": 4, "translation": 3, "scale": 1}


def write_sfn(path: Path, sizes: dict[str, int] = SIZES, **metadata: str) -> Path:
    """A network whose outputs are linear in the mean colour of the crop: y = W rgb + b."""
    rng = np.random.default_rng(3)
    nodes, weights = [helper.make_node("ReduceMean", ["pixels"], ["rgb"], axes=[2, 3], keepdims=0)], []
    for name, size in sizes.items():
        bias = np.full(size, 0.3, np.float32)
        weights += [
            numpy_helper.from_array(rng.normal(size=(3, size)).astype(np.float32) * 0.2, f"{name}_weight"),
            numpy_helper.from_array(bias, f"{name}_bias"),
        ]
        nodes.append(helper.make_node("Gemm", ["rgb", f"{name}_weight", f"{name}_bias"], [name]))
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", size]) for name, size in sizes.items()]
    return write_model(path, nodes, weights, outputs, 16, {"network": "sfn", **metadata})


def write_mfn(path: Path, grid: np.ndarray, **metadata: str) -> Path:
    """A network that answers with the same grid for every picture."""
    nodes = [helper.make_node("Constant", [], ["grid"], value=numpy_helper.from_array(grid[None]))]
    output = helper.make_tensor_value_info("grid", TensorProto.FLOAT, [1, *grid.shape])
    said = {"network": "mfn", "anchors": json.dumps(ANCHORS.tolist()), **metadata}
    return write_model(path, nodes, [], [output], 32, said)


def write_model(path: Path, nodes: list, weights: list, outputs: list, size: int, metadata: dict[str, str]) -> Path:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["b", 3, size, size])
    graph = helper.make_graph(nodes, "fake", [pixels], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)


def test_sfn_reads_all_crops_at_once_as_it_would_alone(tmp_path: Path, rng: np.random.Generator):
    sfn = open_sfn(str(write_sfn(tmp_path / "tiny.onnx")), threads=1)
    assert isinstance(sfn, RegressorProtocol)
    image = picture(rng)
    crops = [Crop(np.array([x, 40], np.float32), 30.0) for x in (30, 60, 90)]
    together = sfn.regress(image, crops)
    for crop, params in zip(crops, together, strict=True):
        (alone,) = sfn.regress(image, [crop])
        np.testing.assert_allclose(params.expression, alone.expression, atol=1e-6)
        np.testing.assert_allclose(params.pose.origin_px, alone.pose.origin_px, atol=1e-3)
        assert np.linalg.norm(params.pose.wxyz) == pytest.approx(1, abs=1e-5)
        crop_params = crop_params_from_face_params(params, crop)
        assert params.pose.px_per_m == pytest.approx(10 * crop_params.scale * 30)
    assert sfn.regress(image, []) == []


def test_sfn_says_whether_anybody_is_there_where_it_was_taught_to(tmp_path: Path, rng: np.random.Generator):
    crops = [Crop(np.array([x, 40], np.float32), 30.0) for x in (30, 60)]
    taught = open_sfn(str(write_sfn(tmp_path / "taught.onnx", SIZES | {"presence": 1})), threads=1)
    image = picture(rng)
    said = [params.presence for params in taught.regress(image, crops)]
    pixels = pixels_from_images(np.stack([crop_image(image, crop, 16) for crop in crops]))
    np.testing.assert_allclose(said, taught.network.run(pixels)["presence"][:, 0], atol=1e-6)
    untaught = open_sfn(str(write_sfn(tmp_path / "untaught.onnx")), threads=1)
    assert [params.presence for params in untaught.regress(image, crops)] == [None, None]


def test_landmarks_are_where_people_mark_them_as_far_as_the_file_says(tmp_path: Path, rng: np.random.Generator):
    path, other = write_sfn(tmp_path / "tiny.onnx"), replace(load_head(), sha256="another")
    unmarked = open_sfn(str(path), threads=1)
    faces = unmarked.regress(picture(rng), [Crop(np.array([45, 40], np.float32), 32.0)])
    own = landmarks_of_faces(faces)[0]
    np.testing.assert_array_equal(unmarked.landmarks(faces)[0], own)
    marks = marks_from_rows(rng.normal(0, 1e-3, (103, 204)).astype(np.float32))
    note_in_file(path, MARKS, marks_to_text(marks))
    marked = open_sfn(str(path), threads=1)
    np.testing.assert_allclose(marked.landmarks(faces)[0], landmarks_of_faces(faces, marks=marks)[0], atol=0.01)
    assert np.abs(marked.landmarks(faces)[0] - own).max() > 0.1
    assert marked.network.metadata == unmarked.network.metadata | {MARKS: marks_to_text(marks)}
    np.testing.assert_array_equal(open_sfn(str(path), threads=1, head=other).landmarks(faces)[0], own)


def test_careful_reading_of_a_mirrored_picture_is_the_mirrored_reading(tmp_path: Path, rng: np.random.Generator):
    """A network that only sees the mean colour says the same of both pictures; what is left is the mirror's work."""
    flip_average = open_sfn(
        str(write_sfn(tmp_path / "tiny.onnx", SIZES | {"presence": 1})), threads=1, flip_average=True
    )
    image = picture(rng)
    crops = [Crop(np.array([x, 40], np.float32), 32.0, roll) for x, roll in ((30, 0.0), (60, 0.4))]
    mirrored = [Crop(np.array([120 - x, 40], np.float32), 32.0, -roll) for x, roll in ((30, 0.0), (60, 0.4))]
    identity_mirror = load_head().identity_mirror
    for plain, turned in zip(
        flip_average.regress(image, crops),
        flip_average.regress(np.ascontiguousarray(image[:, ::-1]), mirrored),
        strict=True,
    ):
        np.testing.assert_allclose(turned.identity, plain.identity * identity_mirror, atol=1e-4)
        np.testing.assert_allclose(turned.expression, plain.expression[list(EXPRESSION_MIRROR)], atol=1e-4)
        np.testing.assert_allclose(turned.pose.wxyz, mirrored_wxyz(plain.pose.wxyz), atol=1e-4)
        np.testing.assert_allclose(turned.pose.origin_px, [120, 0] + plain.pose.origin_px * [-1, 1], atol=1e-2)
        assert turned.pose.px_per_m == pytest.approx(plain.pose.px_per_m, rel=1e-4)
        assert turned.presence == pytest.approx(plain.presence, abs=1e-4)


def test_careful_reading_is_half_way_between_both(tmp_path: Path, rng: np.random.Generator):
    sfn = open_sfn(str(write_sfn(tmp_path / "tiny.onnx", SIZES | {"presence": 1})), threads=1)
    crop = Crop(np.array([45, 40], np.float32), 32.0)
    image = picture(rng)
    (alone,) = sfn.regress(image, [crop])
    (both,) = replace(sfn, flip_average=True).regress(image, [crop])
    assert both.presence == alone.presence, "who is there must not depend on how they are read"
    assert not np.allclose(alone.expression, both.expression, atol=1e-3)
    # This network answers alike for the mirrored crop.
    middle = (alone.expression + alone.expression[list(EXPRESSION_MIRROR)]) / 2
    np.testing.assert_allclose(both.expression, middle, atol=1e-4)
    turned_there, turned_back = alone.pose.wxyz, mirrored_wxyz(alone.pose.wxyz)
    np.testing.assert_allclose(both.pose.wxyz, between_wxyz(turned_there, turned_back, 0.5), atol=1e-4)


def known_grid(letterboxed: np.ndarray, crop_params: CropParams) -> np.ndarray:
    """A 9 x 9 grid that says one face at a box (fractions of the square), in the cell of its centre."""
    rng = np.random.default_rng(5)
    grid = rng.normal(size=(9 * 9 * len(ANCHORS), ROW_COUNT)).astype(np.float32)
    grid[:, 4] = -6
    column, row = ((letterboxed[:2] + letterboxed[2:]) / 2 * 9).astype(int)
    index = np.array([(row * 9 + column) * len(ANCHORS) + 1])
    grid[index, :4] = encode_corners(letterboxed[None], index, ANCHORS, 9)
    logit_expression = np.log(crop_params.expression / (1 - crop_params.expression))
    logit_scale = np.log(crop_params.scale / (1 - crop_params.scale))
    parts = (
        np.array([3.0]),
        crop_params.identity,
        logit_expression,
        crop_params.wxyz,
        crop_params.translation,
        np.array([logit_scale]),
    )
    grid[index, 4:] = np.concatenate(parts).astype(np.float32)
    return grid


@pytest.fixture
def crop_params(rng: np.random.Generator) -> CropParams:
    return CropParams(
        identity=rng.normal(size=50).astype(np.float32),
        expression=rng.uniform(0.05, 0.95, 52).astype(np.float32),
        wxyz=np.array([0.8, 0, 0.6, 0], np.float32),
        translation=np.array([0.1, -0.2, 0], np.float32),
        scale=0.4,
    )


def test_mfn_places_a_known_face_in_the_whole_picture(tmp_path: Path, crop_params: CropParams):
    # The picture is 640 x 320, so the square holds it at rows 0.25 to 0.75; the box is 160 x 96 px around (320, 120).
    square = np.array([0.375, 0.3625, 0.625, 0.5125], np.float32)
    mfn = open_mfn(str(write_mfn(tmp_path / "known.onnx", known_grid(square, crop_params))), threads=1)
    assert isinstance(mfn, DetectorProtocol)
    assert isinstance(mfn, RegressorProtocol)
    mfn = MfnPredictor(mfn.network, mfn.anchors, landmarker=fake_landmarks)
    (face,) = mfn.detect(np.zeros((320, 640, 3), np.uint8))
    box = Box(240.0, 72.0, 400.0, 168.0)
    found = (face.box.left_px, face.box.top_px, face.box.right_px, face.box.bottom_px)
    np.testing.assert_allclose(found, (240, 72, 400, 168), atol=0.05)
    assert face.confidence == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-5)
    expected = face_params_from_crop_params(crop_params, crop_from_box(box))
    np.testing.assert_allclose(face.params.pose.origin_px, expected.pose.origin_px, atol=0.1)
    np.testing.assert_allclose(face.params.pose.wxyz, expected.pose.wxyz, atol=1e-5)
    np.testing.assert_allclose(face.params.expression, crop_params.expression, atol=1e-5)
    assert face.params.pose.px_per_m == pytest.approx(expected.pose.px_per_m, rel=1e-3)


def test_mfn_reads_the_surest_face_of_a_crop(tmp_path: Path, crop_params: CropParams):
    square = np.array([0.3, 0.3, 0.7, 0.7], np.float32)
    mfn = open_mfn(str(write_mfn(tmp_path / "known.onnx", known_grid(square, crop_params))), threads=1)
    (params,) = mfn.regress(np.zeros((200, 200, 3), np.uint8), [Crop(np.array([100, 100], np.float32), 50.0)])
    expected = face_params_from_crop_params(crop_params, Crop(np.array([100, 100], np.float32), 20.0))
    np.testing.assert_allclose(params.pose.origin_px, expected.pose.origin_px, atol=0.05)
    assert params.pose.px_per_m == pytest.approx(expected.pose.px_per_m, rel=1e-3)


def test_pixels_are_planes_between_zero_and_one(rng: np.random.Generator):
    image = picture(rng)
    planes = pixels_from_images(image[None])
    np.testing.assert_allclose(planes[0, 1], image[..., 1] / 255, atol=1e-6)


def open_as(kind: str, path: Path) -> OnnxSession:
    return open_session(path, kind=kind, outputs=MFN_OUTPUTS if kind == "mfn" else SFN_OUTPUTS, threads=1)


def test_a_network_taken_for_another_is_refused(tmp_path: Path):
    with pytest.raises(WeightsMismatch, match=r"tiny\.onnx says it is 'sfn', expected 'mfn'"):
        open_as("mfn", write_sfn(tmp_path / "tiny.onnx"))
    with pytest.raises(WeightsMismatch, match="lacks the outputs identity"):
        open_as("sfn", write_mfn(tmp_path / "m.onnx", np.zeros((2, ROW_COUNT), np.float32), network="sfn"))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    path = tmp_path / "text.onnx"
    path.write_text("hello")
    with pytest.raises(WeightsMismatch, match=r"cannot read text\.onnx"):
        open_as("sfn", path)


@pytest.mark.parametrize("anchors", ["[[1, 2, 3]]", "many", "[]"])
def test_unreadable_anchors_are_refused(tmp_path: Path, anchors: str):
    path = write_mfn(tmp_path / "m.onnx", np.zeros((2, ROW_COUNT), np.float32), anchors=anchors)
    with pytest.raises(WeightsMismatch, match="anchors"):
        open_mfn(str(path), threads=1)


def test_a_wrong_head_is_refused(tmp_path: Path):
    path = write_sfn(tmp_path / "tiny.onnx", head_sha256="0" * 64)
    with pytest.raises(WeightsMismatch, match="head"):
        open_as("sfn", path)


def test_an_unknown_name_lists_what_there_is(tmp_path: Path):
    write_sfn(tmp_path / "sfn-desktop.onnx")
    assert shipped_weights(tmp_path) == ["sfn-desktop"]
    assert find_weights("sfn-desktop", tmp_path) == tmp_path / "sfn-desktop.onnx"
    with pytest.raises(UnknownName, match="unknown weights 'sfn-deskto'; did you mean 'sfn-desktop'"):
        find_weights("sfn-deskto", tmp_path)
    for file in ("sfn-desktop.onnx", str(tmp_path / "sfn-desktop.safetensors")):
        with pytest.raises(
            UnknownName, match=r"there is no such file, or it is not an \.onnx file; known: sfn-desktop"
        ):
            find_weights(file, tmp_path)


def test_weights_that_a_wheel_leaves_out_are_said_to_be_in_the_repository(tmp_path: Path):
    (tmp_path / "cpem-mobile.card.json").write_text("{}")
    with pytest.raises(UnknownName, match=r"'cpem-mobile'; 'cpem-mobile\.onnx' is in the repository, in src/commedia"):
        find_weights("cpem-mobile", tmp_path)
    write_sfn(tmp_path / "cpem-mobile.onnx")
    assert find_weights("cpem-mobile", tmp_path).is_file()


def test_a_network_that_only_detects_leaves_everybody_at_rest_in_the_middle_of_the_box(tmp_path: Path) -> None:
    corners = np.array([[0.25, 0.25, 0.5, 0.75]], np.float32)
    grid = np.full((2 * 16, 5), -9.0, np.float32)
    row = np.array([2 * (4 * 2 + 1)])  # the cell of the box's centre, in 4 x 4 cells of two anchors
    grid[row, :4], grid[row, 4] = encode_corners(corners, row, ANCHORS, 4), 3.0
    (face,) = open_mfn(str(write_mfn(tmp_path / "boxes.onnx", grid))).detect(np.zeros((100, 100, 3), np.uint8))
    box = face.box
    assert (box.left_px, box.top_px, box.right_px, box.bottom_px) == pytest.approx((25, 25, 50, 75), abs=0.1)
    assert face.params.expression.max() < 1e-4
    np.testing.assert_allclose(face.params.identity, 0)
    np.testing.assert_allclose(face.params.pose.wxyz, [1, 0, 0, 0])
    np.testing.assert_allclose(face.params.pose.origin_px, [37.5, 50], atol=0.1)
