"""The table of the parser: who knows scores one, truth is cut as pictures are, points enclose what they do."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.data.sample import FaceSample, PictureSample
from commedia.data.shards import write_shard
from commedia.data.truth import COVERED, PARSE_UNKNOWN
from commedia.errors import BadShard, CommediaError
from commedia.evaluation import parser
from commedia.evaluation.benchmarks import benchmark
from commedia.evaluation.parser import marked_regions, truth_in_crop
from commedia.evaluation.settings import EvaluationSettings
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import PARSE_CLASSES, load_head
from commedia.faces.crop import Crop
from commedia.faces.parser import ParserPredictor
from commedia.faces.session import OnnxSession
from commedia.structures import Box, HeadPose

SIZE = 120
NOSE = PARSE_CLASSES.index("nose")


class ByColour:
    """A network that sees skin in red, the nose in green and nothing in all else."""

    def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        pixels = given["pixels"][:, :, ::2, ::2]
        found = np.zeros((len(pixels), len(PARSE_CLASSES), *pixels.shape[2:]), np.float32)
        found[:, 1], found[:, NOSE] = pixels[:, 0] > 0.5, pixels[:, 1] > 0.5
        found[:, 0] = found[:, 1:].sum(1) == 0
        return [found]


def marks() -> np.ndarray:
    at = points(load_scheme("ibug68"), load_head().model.mean)[:, :2] * [1, -1]
    low, high = at.min(0), at.max(0)
    return (SIZE / 2 + (at - (low + high) / 2) * 0.5 * SIZE / (high - low).max()).astype(np.float32)


def face() -> FaceSample:
    pose = HeadPose(np.array([1, 0, 0, 0], np.float32), np.full(2, 60, np.float32), 400.0)
    told = np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32)
    return FaceSample(Box(20.0, 20.0, 100.0, 110.0), marks(), "synthetic", pose, *told, told[1], None)


def picture(covered: bool) -> PictureSample:
    parse, image = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE, 3), np.uint8)
    cv2.circle(parse, (60, 60), 40, 1, -1)
    cv2.circle(parse, (60, 60), 12, NOSE, -1)
    image[parse == 1], image[parse == NOSE] = (255, 0, 0), (0, 255, 0)
    if covered:
        parse[60:, :], image[60:, :] = np.where(parse[60:, :] > 0, COVERED, 0), (0, 0, 255)
    return PictureSample(image, (face(),), "made-up/1", "none", "synthetic", parse=parse[::2, ::2])


def reader(*_: object, **__: object) -> ParserPredictor:
    return ParserPredictor(OnnxSession(ByColour(), "pixels", ("classes",), 128, {}))


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    write_shard(tmp_path / "drawn.tar", [picture(False), picture(True)])
    return tmp_path / "drawn.tar"


def test_who_knows_scores_one(shard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "open_parser", reader)
    settings = EvaluationSettings(tmp_path, shards=(shard,))
    (table,) = benchmark("parser")(settings, lambda *_: None)
    found = {row[2]: row[3] for row in table.rows}
    assert {row[1] for row in table.rows} == {2}
    assert found["skin"] > 0.9
    assert found["nose"] > 0.88
    assert found["background"] > 0.9, "what is covered is background"
    assert np.isnan(found["upper_lip"])
    assert (tmp_path / "parser-drawn.jpg").is_file()


def test_truth_is_cut_as_the_picture_is() -> None:
    rng = np.random.default_rng(0)
    parse = cv2.resize(rng.integers(0, 10, (8, 8)).astype(np.uint8), (96, 96), interpolation=cv2.INTER_NEAREST)
    crop = Crop(np.array([52.0, 40.0], np.float32), 60.0, 0.4)
    found = truth_in_crop(parse, 96, crop, 48)
    for row, column in ((5, 7), (24, 24), (40, 10)):
        at = crop.center_px + crop.image_from_crop @ ((np.array([column, row]) + 0.5) / 48 - 0.5) * 60.0
        assert found[row, column] == parse[int(at[1]), int(at[0])]
    # A map of half the size says the same, but for the seams.
    assert (truth_in_crop(parse[::2, ::2], 96, crop, 48) == found).mean() > 0.9
    outside = truth_in_crop(parse, 96, Crop(np.zeros(2, np.float32), 60.0), 48)
    assert (outside[:20] == PARSE_UNKNOWN).all()


def test_points_enclose_eyes_lips_and_what_is_between() -> None:
    places = np.zeros((68, 2))
    places[36:42] = [(2, 4), (4, 2), (6, 2), (8, 4), (6, 6), (4, 6)]
    places[42:48] = np.add(places[36:42], (20, 0))
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    places[48:60] = np.stack([16 + 10 * np.cos(angle), 20 + 6 * np.sin(angle)], 1)
    places[60:68] = np.stack([16 + 6 * np.cos(angle[:8] * 1.5), 20 + 2 * np.sin(angle[:8] * 1.5)], 1)
    eyes, lips, inside = marked_regions(places, 32)
    assert eyes[4, 5]
    assert eyes[4, 25]
    assert not eyes[4, 15]
    assert inside[20, 16]
    assert not lips[20, 16]
    assert lips[24, 16]
    assert not (lips & inside).any()


def test_what_has_no_maps_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "open_parser", reader)
    with pytest.raises(CommediaError, match="name them with --shards"):
        benchmark("parser")(EvaluationSettings(tmp_path), lambda *_: None)
    plain = PictureSample(picture(False).image, (face(),), "made-up/1", "none", "synthetic")
    write_shard(tmp_path / "plain.tar", [plain])
    with pytest.raises(BadShard, match="has a parse map"):
        benchmark("parser")(EvaluationSettings(tmp_path, shards=(tmp_path / "plain.tar",)), lambda *_: None)
