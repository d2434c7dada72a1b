"""Who a face is: the crop follows the face, and what ships tells drawn people apart."""

import numpy as np
import pytest

from commedia.conventions import LANDMARK_MIRROR
from commedia.data.sample import PictureSample
from commedia.errors import WeightsMismatch
from commedia.faces.crop import Crop
from commedia.faces.embedding import FIVE_PLACES, FIVE_POINTS, chip_crop, open_embedding
from commedia.faces.session import check_metadata
from commedia.faces.weights import DEFAULT_EMBEDDING, find_weights
from commedia.geometry.placement import affine_between, warp
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.shards import single_pictures


@pytest.mark.parametrize("roll", [0.0, 0.4, -2.5])
def test_five_points_in_their_places_give_back_the_crop(roll: float) -> None:
    wanted = Crop(np.array([40.0, 70.0], np.float32), 120.0, roll)
    landmarks = np.full((68, 2), np.nan, np.float32)
    landmarks[list(FIVE_POINTS)] = wanted.center_px + wanted.side_px * np.array(FIVE_PLACES) @ wanted.image_from_crop.T
    found = chip_crop(landmarks)
    np.testing.assert_allclose(found.center_px, wanted.center_px, atol=1e-3)
    assert (found.side_px, found.roll) == (pytest.approx(120, rel=1e-5), pytest.approx(roll, abs=1e-5))


@pytest.fixture(scope="module")
def drawn() -> list[PictureSample]:
    """People that no network was trained on."""
    return list(single_pictures("test", 31, 12, load_backgrounds(None, "test")))


def test_a_face_is_itself_turned_shrunk_and_mirrored_and_nobody_else(drawn: list[PictureSample]) -> None:
    embedding, looks, again = open_embedding(), [], []
    for number, picture in enumerate(drawn):
        points = picture.faces[0].landmarks_px
        looks.append(embedding.embed(picture.image, [points])[0])
        angle = 0.5 * (-1) ** number
        turn = 0.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        affine = affine_between(turn, np.full(2, picture.image.shape[0] / 2), np.full(2, 90.0))
        moved = points @ affine[:, :2].T + affine[:, 2]
        again.append(embedding.embed(warp(picture.image, affine, (180, 180)), [moved.astype(np.float32)])[0])
    cosine = np.array(looks) @ np.array(again).T
    np.testing.assert_allclose(np.linalg.norm(looks, axis=1), 1, atol=1e-4)
    assert (cosine.argmax(axis=1) == np.arange(len(drawn))).all()
    assert np.median(np.diag(cosine)) > 0.9 > np.median(cosine[~np.eye(len(drawn), dtype=bool)])


def test_a_mirrored_face_is_the_same_to_the_last_digit(drawn: list[PictureSample]) -> None:
    embedding, picture = open_embedding(), drawn[0]
    points, width = picture.faces[0].landmarks_px, picture.image.shape[1]
    mirrored = (points * [-1, 1] + [width - 1, 0])[list(LANDMARK_MIRROR)].astype(np.float32)
    one, other = (
        embedding.embed(image, [at])[0] for image, at in ((picture.image, points), (picture.image[:, ::-1], mirrored))
    )
    assert one @ other > 0.98


def test_it_does_not_depend_on_the_head_and_other_networks_do() -> None:
    path = find_weights(DEFAULT_EMBEDDING)
    said = {"network": "embedding", "head_sha256": "0" * 64}
    check_metadata(path.name, said, ("embedding",), kind="embedding", outputs=("embedding",), of_head=False)
    with pytest.raises(WeightsMismatch, match="another head"):
        check_metadata(path.name, said, ("embedding",), kind="embedding", outputs=("embedding",))


def test_many_at_once_are_what_they_are_one_by_one(drawn: list[PictureSample]) -> None:
    embedding, picture = open_embedding(), drawn[0]
    points = [picture.faces[0].landmarks_px, picture.faces[0].landmarks_px + 3]
    together = embedding.embed(picture.image, points)
    np.testing.assert_allclose(together, [embedding.embed(picture.image, [one])[0] for one in points], atol=1e-4)
