"""Laws of what paper 1 leaves out: nothing is lost without being counted, and what stays is untouched."""

from dataclasses import replace
from pathlib import Path

import pytest

from commedia.data.datasets.filters import PAPER_RULES, FilterRules, filtered
from commedia.data.datasets.items import DatasetFace, DatasetItem, StoredPicture
from commedia.data.datasets.table import DATASETS, open_dataset
from commedia.data.datasets.tree import LeftOut
from commedia.structures import Box

from .trees import TREES, picture


def face(width: float, height: float, *flags: str) -> DatasetFace:
    return DatasetFace(Box(0.0, 0.0, float(width), float(height)), flags=frozenset(flags))


@pytest.fixture
def item(tmp_path: Path) -> DatasetItem:
    picture(tmp_path / "a.png", width=200, height=100)
    return DatasetItem("set", "a.png", StoredPicture(tmp_path / "a.png"), (), "none", None, None, True)


def test_the_numbers_of_the_paper(item: DatasetItem):
    left_out = LeftOut()
    faces = (face(4, 2), face(3.9, 50), face(50, 1.9))  # 2 % of 200 x 100 is 4 x 2
    (kept,) = filtered([replace(item, faces=faces)], left_out)
    assert kept.faces == faces[:1]
    assert left_out.counts == {"a face is smaller than 2% of its picture": 2}


def test_a_crowd_goes_whole_and_twenty_are_no_crowd(item: DatasetItem):
    left_out = LeftOut()
    items = [replace(item, faces=(face(10, 10),) * count) for count in (20, 21)]
    assert [len(kept.faces) for kept in filtered(items, left_out)] == [20]
    assert left_out.counts == {"the picture has more than 20 faces": 1}
    # Faces too small to keep are still a crowd.
    assert not list(filtered([replace(item, faces=(face(1, 1),) * 21)], LeftOut()))


def test_a_picture_that_loses_every_face_goes_and_one_that_never_had_any_stays(item: DatasetItem):
    left_out = LeftOut()
    assert list(filtered([item, replace(item, faces=(face(1, 1),))], left_out)) == [item]
    assert left_out.counts["no face of the picture is left"] == 1


def test_flags_are_refused_only_where_asked(item: DatasetItem):
    flagged = replace(item, faces=(face(9, 9, "invalid"), face(9, 9)))
    assert list(filtered([flagged], LeftOut())) == [flagged]
    left_out = LeftOut()
    (kept,) = filtered([flagged], left_out, FilterRules(refused_flags=frozenset({"invalid"})))
    assert kept.faces == flagged.faces[1:]
    assert left_out.counts == {"a face is flagged invalid": 1}


def test_a_picture_that_cannot_be_read_is_counted(item: DatasetItem):
    item.picture.path.write_bytes(b"no picture")
    left_out = LeftOut()
    assert not list(filtered([item], left_out))
    assert left_out.counts == {"the picture cannot be read": 1}
    assert "a.png" in str(left_out)


@pytest.mark.parametrize("name", DATASETS)
def test_filtering_any_set_twice_is_filtering_it_once(name: str, tmp_path: Path):
    TREES[name][0](tmp_path)
    once = list(filtered(open_dataset(name, tmp_path), LeftOut(), PAPER_RULES))
    left_out = LeftOut()
    assert [item.key for item in filtered(once, left_out)] == [item.key for item in once]
    assert not left_out.counts
