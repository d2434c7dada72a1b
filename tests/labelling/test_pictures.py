import numpy as np
import pytest

from commedia.errors import BadShard, UnreadableMedia
from commedia.labelling.inputs import group_inputs
from commedia.labelling.pictures import SourcePicture

from .fakes import write_pictures


def test_tars_of_one_name_form_one_group_with_their_records(tmp_path):
    gold = np.arange(136, dtype=np.float32).reshape(68, 2)
    first = write_pictures(
        tmp_path / "set-000.tar", 2, [{"source": "s", "identity": "Ann", "landmarks68": gold.tolist()}, {}]
    )
    second = write_pictures(tmp_path / "set-001.tar", 1)
    (group,) = group_inputs([first, second])
    pictures = list(group)
    assert group.name == "set"
    assert len(group) == len(pictures) == 3
    assert (pictures[0].source, pictures[0].identity_name) == ("s/p0", "Ann")
    np.testing.assert_array_equal(pictures[0].gold_px, gold)
    assert pictures[1].gold_px is None
    assert pictures[2].source == "set-001/p0"
    assert pictures[2].decoded().shape == (192, 192, 3)


def test_a_folder_is_a_group_and_other_files_in_it_are_not_pictures(tmp_path):
    folder = tmp_path / "album"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.jpg").write_bytes(b"x")
    (folder / "notes.txt").write_bytes(b"x")
    (group,) = group_inputs([folder])
    assert group.name == "album"
    assert [picture.key for picture in group] == ["deep/a.jpg"]


def test_text_named_jpg():
    picture = SourcePicture("notes.jpg", b"only words", "x/notes.jpg", None, None)
    with pytest.raises(UnreadableMedia, match=r"'notes\.jpg' is not a picture"):
        picture.decoded()


def test_inputs_that_hold_nothing(tmp_path):
    empty = write_pictures(tmp_path / "empty.tar", 0)
    with pytest.raises(BadShard, match="holds no pictures"):
        list(group_inputs([empty])[0])
    with pytest.raises(UnreadableMedia, match="there is no"):
        group_inputs([tmp_path / "absent.tar"])
    (tmp_path / "void").mkdir()
    with pytest.raises(UnreadableMedia, match="holds no pictures"):
        group_inputs([tmp_path / "void"])
    (tmp_path / "talk.mp4").write_bytes(b"x")
    with pytest.raises(UnreadableMedia, match="neither a tar file"):
        group_inputs([tmp_path / "talk.mp4"])


def test_a_tar_that_is_cut_short_or_none(tmp_path):
    whole = write_pictures(tmp_path / "a.tar", 3)
    (tmp_path / "cut.tar").write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(BadShard, match="not a whole tar file"):
        list(group_inputs([tmp_path / "cut.tar"])[0])
    (tmp_path / "text.tar").write_bytes(b"only words")
    with pytest.raises(BadShard, match="not a whole tar file"):
        list(group_inputs([tmp_path / "text.tar"])[0])


def test_a_record_with_wrong_landmarks(tmp_path):
    path = write_pictures(tmp_path / "a.tar", 1, [{"landmarks68": [[1, 2]]}])
    with pytest.raises(BadShard, match="record of 'p0'"):
        list(group_inputs([path])[0])
