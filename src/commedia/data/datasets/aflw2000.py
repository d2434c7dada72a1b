"""AFLW2000-3D: 2,000 pictures of 450 x 450 pixels, each a face with pose and 68 points, as fitted or re-annotated."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.data.datasets.items import IBUG68, DatasetFace, DatasetItem, MarkedPoints, StoredPicture
from commedia.data.datasets.matlab import checked, mat_array
from commedia.data.datasets.pts import ONE_BASED_CENTRES
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import PICTURES, BadAnnotation, NoPicture, Tree
from commedia.data.datasets.w300_lp import read_pose

REANNOTATED = "AFLW2000-3D-Reannotated.pts68.npy"
"""3DDFA's packing of LS3D-W's points: one row per picture, in the order of their names."""


def _read(tree: Tree) -> Iterator[DatasetItem]:
    for path in _pictures(tree):
        points = tree.attempt(mat_array, path.with_suffix(".mat"), "pt3d_68", (3, 68))
        item = None if points is None else tree.attempt(_item, tree, path, points)
        if item is not None:
            yield item


def _read_reannotated(tree: Tree) -> Iterator[DatasetItem]:
    pictures = list(_pictures(tree))
    path = tree.inside(REANNOTATED, said_by=tree.root)
    for picture, row in zip(pictures, _rows(path, len(pictures)), strict=True):
        points = tree.attempt(checked, path, f"row of {picture.name}", row, (2, 68), (3, 68))
        item = None if points is None else tree.attempt(_item, tree, picture, points)
        if item is not None:
            yield item


def _rows(path: Path, count: int) -> np.ndarray:
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadAnnotation(path, f"not an array that can be read ({error})") from error
    shape = getattr(rows, "shape", None)
    if shape not in ((count, 2, 68), (count, 3, 68)):
        raise BadAnnotation(path, f"has shape {shape}, expected ({count}, 2 or 3, 68): a row for each picture")
    return rows


def _pictures(tree: Tree) -> Iterator[Path]:
    for path in tree.files(PICTURES):
        if path.with_suffix(".mat").is_file():
            yield path
        else:
            tree.left_out.add(NoPicture.reason, f"{path} has no .mat file beside it")


def _item(tree: Tree, path: Path, points: Float[np.ndarray, "c 68"]) -> DatasetItem:
    marked = MarkedPoints((points[:2].T + ONE_BASED_CENTRES).astype(np.float32), IBUG68, "fit")
    return tree.item(StoredPicture(path), (DatasetFace(None, marked, read_pose(path.with_suffix(".mat"))),))


SPEC = DatasetSpec(
    name="aflw2000-3d",
    title="AFLW2000-3D",
    read=_read,
    needs=("image*.mat", "*/image*.mat"),
    tree=f"""\
AFLW2000/
  image00002.jpg
  image00002.mat
  image00004.jpg
  ...
  {REANNOTATED}   needed for aflw2000-3d-reannotated only""",
    licence="research use only; the pictures are AFLW's, from Flickr",
    truth="68 points of a fitted face (`pt3d_68`, centres from one) and its rotation; most published tables use these",
)

SPEC_REANNOTATED = replace(
    SPEC,
    name="aflw2000-3d-reannotated",
    title="AFLW2000-3D, re-annotated",
    read=_read_reannotated,
    needs=(REANNOTATED,),
    truth="68 points of LS3D-W (centres from one); the rotation is that of the original fit",
)
