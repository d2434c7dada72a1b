"""Parse maps of photographs: a drawn face's fit is its map, and what the picture does not bear out is unknown."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from commedia.data.sample import PictureSample
from commedia.data.shards import EncodedPicture, read_encoded, write_shard
from commedia.data.truth import COVERED, PARSE_UNKNOWN
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.shards import single_pictures

SIZE = 120


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return run_path(str(Path(__file__).parents[2] / "scripts" / "parse_photographs.py"))


@pytest.fixture(scope="module")
def drawn() -> list[PictureSample]:
    return list(single_pictures("test", 5, 6, load_backgrounds(None, "test"), size=SIZE, truth=True))


def test_the_fit_of_an_exact_label_is_the_exact_map(script: dict[str, Any], drawn: list[PictureSample]) -> None:
    agreed = []
    for picture in drawn:
        found = script["fitted_map"](picture.faces[0], (SIZE, SIZE))
        assert picture.parse is not None
        known = picture.parse != COVERED
        agreed.append((found == picture.parse)[known].mean())
    # Labels know nothing of how a person's own blendshapes differ, nor of perspective.
    assert np.median(agreed) > 0.93
    assert min(agreed) > 0.85


def test_what_the_picture_does_not_bear_out_is_unknown(script: dict[str, Any]) -> None:
    skin, nose = script["SKIN"], script["NOSE"]
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    fit = np.where(np.hypot(x - 60, y - 60) < 40, skin, 0).astype(np.uint8)
    fit[np.hypot(x - 60, y - 60) < 10] = nose
    fit[(abs(x - 45) < 4) & (abs(y - 45) < 3)] = 4
    rng = np.random.default_rng(0)
    image = (np.array([200, 150, 120]) + rng.normal(0, 4, (SIZE, SIZE, 3))).clip(0, 255).astype(np.uint8)
    image[25:40, 40:80] = (40, 30, 25)
    kept = script["trusted"](image, fit, 80.0)
    assert (kept[28:37, 50:70] == PARSE_UNKNOWN).mean() > 0.95, "a fringe over the forehead"
    assert (kept[50:90, 40:80] == fit[50:90, 40:80]).mean() > 0.97
    assert (kept[43:48, 42:49] == 4).all(), "eyes have their own colours"
    assert kept[5, 5] == 0
    assert kept[60, 99] == kept[60, 101] == PARSE_UNKNOWN, "the outline"


def test_shards_gain_maps(script: dict[str, Any], drawn: list[PictureSample], tmp_path: Path) -> None:
    plain = [replace(picture, parse=None, truth=None, kind="labelled") for picture in drawn[:3]]
    nobody = replace(plain[0], faces=(replace(plain[0].faces[0], identity=None),))
    write_shard(tmp_path / "in.tar", [*plain, nobody])
    assert write_shard(tmp_path / "out.tar", script["parsed"](read_encoded(tmp_path / "in.tar"))) == 3
    before, after = (list[EncodedPicture](read_encoded(tmp_path / name)) for name in ("in.tar", "out.tar"))
    assert [one.jpeg for one in after] == [one.jpeg for one in before[:3]]
    parse = after[0].decoded().parse
    assert parse is not None
    assert {1, PARSE_UNKNOWN, 0} <= set(np.unique(parse).tolist())
