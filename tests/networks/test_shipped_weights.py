"""What ships is what its cards say, and sees; weights to train from are the network that ships."""

import json
import re
from hashlib import sha256

import numpy as np
import pytest
import torch

from commedia.conventions import LANDMARK_MIRROR
from commedia.data.sample import PictureSample
from commedia.data.truth import COVERED, PARSE_UNKNOWN
from commedia.evaluation.metrics import normalised_mean_error
from commedia.evaluation.parser import truth_in_crop
from commedia.face_model.model import PARSE_CLASSES, load_head
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.identity import open_identity
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.parser import open_parser
from commedia.faces.points import open_points
from commedia.faces.sfn import open_sfn
from commedia.faces.weights import DEFAULT_IDENTITY, WEIGHTS_FOLDER, find_weights, shipped_weights
from commedia.networks.export import parity
from commedia.networks.registry import HALF_TOLERANCE
from commedia.networks.weights import WHOLE, named_weights, network_from_weights, trainable_weights
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.shards import single_pictures

SFNS = [name for name in shipped_weights() if name.startswith("sfn")]


def test_cards_name_the_files_beside_them() -> None:
    for name in shipped_weights():
        card = json.loads((WEIGHTS_FOLDER / f"{name}.card.json").read_text(encoding="utf-8"))
        assert card["name"] == name
        assert set(card["files"]) == {path.name for path in WEIGHTS_FOLDER.glob(f"{name}.*") if path.suffix != ".json"}
        # Where a commit is not known, a note says what is.
        assert all(re.match("[0-9a-f]{7}", stage["commit"]) or card["note"] for stage in card["stages"])
        assert card["metrics"]
        for file, facts in card["files"].items():
            stored = (WEIGHTS_FOLDER / file).read_bytes()
            assert (facts["sha256"], facts["bytes"]) == (sha256(stored).hexdigest(), len(stored)), file


@pytest.mark.parametrize("name", SFNS)
def test_people_mark_faces_near_the_points_of_the_head(name: str) -> None:
    marks = open_sfn(name, threads=1).marks
    assert marks is not None, "run scripts/fit_marks.py"
    across = np.linalg.norm(marks.rest[:, :2], axis=1)
    assert 0.001 < np.median(across) < 0.01, "metres"
    assert across.max() < 0.03


def test_points_are_as_near_as_those_of_sfn_and_mirrored_in_a_mirror(drawn: list[PictureSample]) -> None:
    sfn, finder, order = open_sfn(threads=1), open_points(threads=1), list(LANDMARK_MIRROR)
    ours, theirs, apart = [], [], []
    for picture in drawn:
        truth = picture.faces[0].landmarks_px
        crop = crop_from_landmarks(truth)
        found = finder.find(picture.image, [crop]).points_px[0]
        ours.append(normalised_mean_error(found, truth))
        theirs.append(normalised_mean_error(landmarks_of_faces(sfn.regress(picture.image, [crop]))[0], truth))
        width = picture.image.shape[1]
        flipped = np.array([width, 0], np.float32) + truth[order] * np.array([-1, 1], np.float32)
        mirrored = finder.find(np.ascontiguousarray(picture.image[:, ::-1]), [crop_from_landmarks(flipped)]).points_px[
            0
        ]
        back = np.array([width, 0]) + mirrored[order] * np.array([-1, 1])
        apart.append(normalised_mean_error(back.astype(np.float32), found))
    assert np.median(ours) < 0.85 * np.median(theirs) < 0.03
    # The file says the mean of both: what is left is how pixels of the crops are mixed.
    assert np.median(apart) < 0.002


def test_sfn_for_phones_is_two_megabytes() -> None:
    assert find_weights("sfn-mobile").stat().st_size <= 2_000_000


def test_points_are_five_quarters_of_a_megabyte() -> None:
    assert find_weights("points-desktop").stat().st_size <= 1_300_000


@pytest.mark.parametrize("name", DEFAULT_IDENTITY)
def test_identity_is_two_megabytes(name: str) -> None:
    assert find_weights(name).stat().st_size <= 2_110_000


def test_the_identity_network_is_nearer_to_people_than_sfn(drawn: list[PictureSample]) -> None:
    head = load_head()
    sfn, network = open_sfn(threads=1), open_identity(head=head, threads=1)
    ours, theirs, nobody = [], [], []
    for picture in drawn:
        crop, truth = crop_from_landmarks(picture.faces[0].landmarks_px), picture.faces[0].identity
        assert truth is not None
        said = (
            network.read(picture.image, [crop]).identity[0],
            sfn.regress(picture.image, [crop])[0].identity,
            0 * truth,
        )
        for found, one in zip((ours, theirs, nobody), said, strict=True):
            found.append(np.linalg.norm((one - truth) @ network.rest.mm_from_identity))
    assert np.mean(ours) < 0.95 * np.mean(theirs) < 0.95 * np.mean(nobody)


@pytest.mark.parametrize("name", trainable_weights(WHOLE))
def test_both_files_hold_the_same_network(name: str) -> None:
    torch.manual_seed(0)
    rows = parity(network_from_weights(named_weights(name, WHOLE)), find_weights(name), batches=(1,))
    assert max(row.difference for row in rows) < HALF_TOLERANCE


@pytest.fixture(scope="module")
def drawn() -> list[PictureSample]:
    """24 faces that no network was trained on."""
    return list(single_pictures("test", 7, 24, load_backgrounds(None, "test")))


@pytest.mark.parametrize("name", SFNS)
def test_every_sfn_sees_drawn_faces_and_that_a_wall_is_none(name: str, drawn: list[PictureSample]) -> None:
    sfn = open_sfn(name, threads=1)
    errors, seen, chance = [], [], np.random.default_rng(0)
    for picture in drawn:
        face = picture.faces[0]
        crop = crop_from_landmarks(face.landmarks_px)
        read = sfn.regress(picture.image, [crop])
        errors.append(100 * normalised_mean_error(landmarks_of_faces(read)[0], face.landmarks_px))
        wall = np.full_like(picture.image, 150) + chance.integers(0, 9, picture.image.shape, dtype=np.uint8)
        (nobody,) = sfn.regress(wall, [crop])
        assert nobody.presence is not None
        assert nobody.presence < 0.5
        assert read[0].presence is not None
        seen.append(read[0].presence > 0.5)
    assert np.median(errors) < 4.5
    assert np.mean(seen) > 0.9


def test_the_parser_sees_what_drawn_faces_show() -> None:
    parser, both, either = open_parser(threads=1), np.zeros(len(PARSE_CLASSES)), np.zeros(len(PARSE_CLASSES))
    for picture in single_pictures("test", 8, 16, load_backgrounds(None, "test"), truth=True):
        crop = crop_from_landmarks(picture.faces[0].landmarks_px)
        said = parser.parse(picture.image, [crop])[0].argmax(0)
        assert picture.parse is not None
        truth = truth_in_crop(picture.parse, picture.image.shape[1], crop, len(said))
        truth = np.where(truth == COVERED, 0, truth)
        for number in range(len(PARSE_CLASSES)):
            both[number] += ((said == number) & (truth == number)).sum()
            either[number] += (((said == number) | (truth == number)) & (truth != PARSE_UNKNOWN)).sum()
    found = dict(zip(PARSE_CLASSES, both / either, strict=True))
    assert found["skin"] > 0.8
    assert found["nose"] > 0.65
    assert np.mean(list(found.values())[1:]) > 0.5
