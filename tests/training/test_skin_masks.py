"""Skin masks of photographs: as the parser says, laid where the crop was cut; what is known better stays."""

from dataclasses import dataclass, replace

import numpy as np

from commedia.data.truth import COVERED, PARSE_UNKNOWN
from commedia.face_model.model import PARSE_CLASSES
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.parser import ParserPredictor
from commedia.faces.session import OnnxSession
from commedia.training.face_model import default_face_model
from commedia.training.pictures import FaceCrops
from commedia.training.skin_masks import with_skin_masks
from tests.training.drawings import drawn_picture


@dataclass
class Reddest:
    """A network that says that red pixels are skin, and all others background."""

    seen: int = 0

    def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        pixels = given["pixels"]
        self.seen += len(pixels)
        red = (pixels[:, 0] > 0.6) & (pixels[:, 2] < 0.4)
        found = np.zeros((len(pixels), len(PARSE_CLASSES), *red.shape[1:]), np.float32)
        found[:, PARSE_CLASSES.index("skin")], found[:, 0] = red, ~red
        return [found[:, :, ::2, ::2]]

    def parser(self) -> ParserPredictor:
        return ParserPredictor(OnnxSession(self, "pixels", ("classes",), 64, {}))


def pictures(count: int) -> FaceCrops:
    from commedia.training.labels import arrays_from_faces, joined

    layer, rng = default_face_model().landmarks, np.random.default_rng(0)
    faces = joined([arrays_from_faces(drawn_picture(rng, layer, 1, 176).faces) for _ in range(count)])
    images = np.zeros((count, 176, 176, 3), np.uint8)
    images[:, :, 88:] = (255, 0, 0)
    flags = np.ones(count, bool)
    return FaceCrops(images, faces, flags, flags, np.full(count, ""), np.full(count, ""))


def test_skin_lies_where_the_picture_shows_it() -> None:
    some = pictures(40)
    network = Reddest()
    masks = with_skin_masks(some, network.parser()).masks
    assert masks is not None
    assert network.seen == 40
    for row in range(40):
        crop = crop_from_landmarks(some.faces.landmarks[row])
        x, y = np.meshgrid(np.arange(176) + 0.5, np.arange(176) + 0.5)
        inside = np.hypot(x - crop.center_px[0], y - crop.center_px[1]) < 0.48 * crop.side_px
        assert (masks[row, :, 93:][inside[:, 93:]] > 200).mean() > 0.97
        assert (masks[row, :, :83][inside[:, :83]] < 50).mean() > 0.97
        # The circle around the crop's corners: nothing is said beyond it.
        beyond = np.hypot(x - crop.center_px[0], y - crop.center_px[1]) > 0.75 * crop.side_px
        assert not masks[row][beyond].any()


def test_masks_of_data_sets_and_exact_maps_stay() -> None:
    some = pictures(3)
    given = np.full((3, 176, 176), 255, np.uint8)
    given[0, :48] = 7
    parse = np.full((3, 176, 176), PARSE_UNKNOWN, np.uint8)
    parse[1], parse[1, :10], parse[1, 10:20] = PARSE_CLASSES.index("nose"), COVERED, PARSE_CLASSES.index("left_eye")
    network = Reddest()
    masks = with_skin_masks(replace(some, masks=given, parse=parse), network.parser()).masks
    assert masks is not None
    assert network.seen == 1
    np.testing.assert_array_equal(masks[0], given[0])
    assert not masks[1, :20].any()
    assert (masks[1, 20:] == 255).all()
    assert (masks[2] < 50).any()
    assert (given == 255).any(), "what was given is not written to"
