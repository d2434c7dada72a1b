"""Laws of every data set in the table; a new one is tested by being listed, once `trees.py` can write it."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from commedia.data.datasets.items import DatasetFace
from commedia.data.datasets.spec import MissingDataset
from commedia.data.datasets.table import DATASETS, Dataset, open_dataset
from commedia.errors import CommediaError, MissingExtra, UnknownName

from .trees import TREES

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "datasets.md"
MEDIA = (".jpg", ".png", ".bmp", ".avi", ".mp4")


def written(name: str, root: Path) -> Path:
    root.mkdir(exist_ok=True)
    TREES[name][0](root)
    return root


def faces_read(dataset: Dataset) -> Iterator[DatasetFace]:
    """Faces up to where reading gives up with a sentence; anything but a sentence goes through."""
    with contextlib.suppress(CommediaError):
        for item in dataset:
            yield from item.faces


@pytest.mark.parametrize("name", DATASETS)
def test_every_item_is_found_once_and_in_order(name: str, tmp_path: Path):
    dataset = open_dataset(name, written(name, tmp_path / "set"))
    for _ in range(2):  # iterating again starts again
        items = list(dataset)
        assert [(item.key, len(item.faces)) for item in items] == TREES[name][1]
        assert not dataset.left_out.counts, str(dataset.left_out)
    for item in items:
        assert (item.dataset, item.licence) == (name, DATASETS[name].licence)
        image = item.picture.decoded()
        assert image.shape[1::-1] == item.picture.size_px()
        for face in item.faces:
            assert face.wxyz is None or abs(np.linalg.norm(face.wxyz) - 1) < 1e-5


@pytest.mark.parametrize("name", DATASETS)
def test_a_missing_set_is_one_sentence_with_what_is_expected_and_what_was_found(name: str, tmp_path: Path):
    (tmp_path / "holiday.doc").touch()
    with pytest.raises(MissingDataset) as raised:
        open_dataset(name, tmp_path)
    said = str(raised.value)
    assert "holiday.doc" in said
    assert all(line in said for line in DATASETS[name].tree.splitlines())
    with pytest.raises(MissingDataset, match="no such folder"):
        open_dataset(name, tmp_path / "absent")


def test_the_nearest_name_is_offered(tmp_path: Path):
    with pytest.raises(UnknownName, match="did you mean 'wider-face'"):
        open_dataset("widerface", tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_broken_annotations_are_sentences_or_counts_and_never_tracebacks(name: str, tmp_path: Path):
    root = written(name, tmp_path / "set")
    annotations = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix not in MEDIA]
    one_of_each = {(path.relative_to(root).parts[0], path.suffix): path for path in annotations}
    for path in one_of_each.values():
        content = path.read_bytes()
        poisoned = content.replace(b"1", b"nan")
        for broken in (b"", b"\x00\xff\xfe" * 50, b"nan nan\n", content[: len(content) // 2], poisoned, content * 2):
            path.write_bytes(broken)
            for face in faces_read(open_dataset(name, root)):
                assert face.marked is None or np.isfinite(face.marked.points_px).all()
                assert face.box is None or (face.box.width_px > 0 and face.box.height_px > 0)
        path.write_bytes(content)


@pytest.mark.parametrize("name", DATASETS)
def test_links_out_of_the_folder_are_not_followed(name: str, tmp_path: Path):
    root = written(name, tmp_path / "set")
    for path in [path for path in sorted(root.rglob("*")) if path.suffix in MEDIA]:
        outside = tmp_path / f"outside-{path.parent.name}-{path.name}"
        path.rename(outside)
        path.symlink_to(outside)
    dataset = open_dataset(name, root)
    with pytest.raises(CommediaError):  # nothing is left to read
        list(dataset)
    assert dataset.left_out.counts.total() > 0


def test_without_scipy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dataset = open_dataset("300w-lp", written("300w-lp", tmp_path / "set"))
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(MissingExtra, match=r"commedia\[train\]"):
        list(dataset)


@pytest.mark.parametrize("name", DATASETS)
def test_the_document_says_what_the_table_says(name: str):
    document = DOCUMENT.read_text(encoding="utf-8")
    spec = DATASETS[name]
    assert f"| `{name}` | {spec.title} | {spec.truth} | {spec.licence} |" in document
    assert all(line.rstrip() in document for line in spec.tree.splitlines())
