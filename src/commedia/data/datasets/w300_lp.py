"""300W-LP: 61,225 pictures of 450 x 450 pixels, made by turning the faces of 300W about; points and pose in .mat files.

`pt2d` are the marks of 300W, moved with the picture, on the visible outline. The 3D points of `landmarks/` follow the
jaw itself and come from the same fit as the pose; they are the set `300w-lp-3d`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.data.datasets.items import IBUG68, DatasetFace, DatasetItem, MarkedPoints, StoredPicture
from commedia.data.datasets.matlab import mat_array
from commedia.data.datasets.pts import ONE_BASED_CENTRES
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import PICTURES, NoPicture, Tree
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle, wxyz_from_matrix


def wxyz_from_pose_para(pitch: float, yaw: float, roll: float) -> Float[np.ndarray, "4"]:
    """Turn 3DDFA's angles into our rotation.

    Its frame is ours (x to image right, y up, z towards the viewer), but its elementary rotations are left-handed and
    composed as Rx(pitch) Ry(yaw) Rz(roll). So its positive yaw turns to the subject's right, its positive pitch looks
    up and its positive roll is clockwise: all three against our signs.
    """
    # Each row is the rotation vector of one factor.
    factors = matrix_from_wxyz(wxyz_from_axis_angle(np.array([[-pitch, 0, 0], [0, -yaw, 0], [0, 0, -roll]])))
    return wxyz_from_matrix(factors[0] @ factors[1] @ factors[2]).astype(np.float32)


def read_pose(path: Path) -> Float[np.ndarray, "4"]:
    """Read the head's rotation from the `Pose_Para` of a .mat file: pitch, yaw, roll, three of position, scale."""
    pitch, yaw, roll = mat_array(path, "Pose_Para", (1, 7))[0, :3].tolist()
    return wxyz_from_pose_para(pitch, yaw, roll)


def read_pt2d(picture: Path, tree: Tree) -> MarkedPoints:
    """Read the marks beside a picture."""
    points = mat_array(picture.with_suffix(".mat"), "pt2d", (2, 68)).T + ONE_BASED_CENTRES
    return MarkedPoints(points.astype(np.float32), IBUG68, "gold")


def read_pts_3d(picture: Path, tree: Tree) -> MarkedPoints:
    """Read the points of the fitted face, which are fixed on it."""
    path = tree.root / "landmarks" / picture.parent.name / f"{picture.stem}_pts.mat"
    if not path.is_file():
        raise NoPicture(path, "there is no such file")
    points = mat_array(path, "pts_3d", (68, 2), (68, 3))[:, :2] + ONE_BASED_CENTRES
    return MarkedPoints(points.astype(np.float32), IBUG68, "fit")


def _read(tree: Tree, read_points: Callable[[Path, Tree], MarkedPoints]) -> Iterator[DatasetItem]:
    for path in tree.files(PICTURES):
        item = tree.attempt(_item, tree, path, read_points)
        if item is not None:
            yield item


def _item(tree: Tree, path: Path, read_points: Callable[[Path, Tree], MarkedPoints]) -> DatasetItem:
    mat = path.with_suffix(".mat")
    if not mat.is_file():
        raise NoPicture(path, "has no .mat file beside it")
    marked = read_points(path, tree)
    # AFW_134212_1_0 and _1, _2 ... are one photograph turned further and further; its mirror image is the same person.
    face = DatasetFace(None, marked, read_pose(mat), re.sub(r"_\d+$", "", path.stem))
    return tree.item(StoredPicture(path), (face,), split=path.parent.name)


SPEC = DatasetSpec(
    name="300w-lp",
    title="300W-LP",
    read=lambda tree: _read(tree, read_pt2d),
    needs=("*/*.mat",),
    tree="""\
300W_LP/
  AFW/                  and HELEN, IBUG, LFPW, and each again with _Flip
    AFW_134212_1_0.jpg
    AFW_134212_1_0.mat
  landmarks/            needed for 300w-lp-3d only
    AFW/
      AFW_134212_1_0_pts.mat""",
    licence="research use only; the pictures are those of 300W",
    truth="68 points that people marked, moved with the picture (`pt2d`, centres from one); rotation of a fit",
)

SPEC_3D = replace(
    SPEC,
    name="300w-lp-3d",
    title="300W-LP with 3D points",
    read=lambda tree: _read(tree, read_pts_3d),
    needs=("landmarks/*/*_pts.mat",),
    truth="68 points of a fitted face (`pts_3d`, centres from one) and its rotation",
)
