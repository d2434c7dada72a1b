"""FaceWarehouse's scans: 150 people in 20 expressions, each a picture and a mesh that was fitted to a depth camera's.

The meshes share one topology (11,510 vertices); their unit is not published. The blendshapes made of them
(`Blendshape/shape.bs`) are read as a face model instead (`face_model/formats`). Not read are the depth maps and the 74
points (`.land`), which are not iBUG's 68.

Source of the layout: public programs that read the set agree on folders and names; the set is given on request only,
and was not at hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from commedia.data.datasets.items import DatasetFace, DatasetItem, StoredPicture
from commedia.data.datasets.scans import StoredScan
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import BadAnnotation, NoPicture, Tree

POSES = 20
_PERSON = re.compile(r"Tester_\d{1,3}", re.ASCII)
_POSE = re.compile(r"pose_(\d{1,2})", re.ASCII)
_FOLDER = "TrainingPose"


def _read(tree: Tree) -> Iterator[DatasetItem]:
    for path in tree.files((".obj",)):
        if path.parent.name == _FOLDER:
            item = tree.attempt(_item, tree, path)
            if item is not None:
                yield item


def _item(tree: Tree, scan: Path) -> DatasetItem:
    person, pose = scan.parent.parent.name, _POSE.fullmatch(scan.stem)
    if not _PERSON.fullmatch(person) or pose is None or int(pose[1]) >= POSES:
        raise BadAnnotation(scan, f"it is not such as 'Tester_1/{_FOLDER}/pose_0.obj', with poses 0 to {POSES - 1}")
    pictures = (scan.with_suffix(suffix) for suffix in (".png", ".jpg"))
    picture = next((path for path in pictures if path.is_file() and tree.holds(path)), None)
    if picture is None:
        raise NoPicture(scan, "there is no picture of its name beside it")
    face = DatasetFace(identity_name=person, flags=frozenset({f"pose {int(pose[1])}"}), scan=StoredScan(scan, None))
    return tree.item(StoredPicture(picture), (face,), all_faces=True)


SPEC = DatasetSpec(
    name="facewarehouse",
    title="FaceWarehouse's scans",
    read=_read,
    needs=tuple(f"{folder}Tester_*/{_FOLDER}/pose_*.obj" for folder in ("", "*/")),
    tree=f"""\
FaceWarehouse/
  Tester_1/              to Tester_150, also in folders of parts
    {_FOLDER}/
      pose_0.png         the picture
      pose_0.obj         its scan; poses 0 to {POSES - 1}""",
    licence="research use only, on request from Zhejiang University",
    truth="a mesh of the face in a unit that is not published, who it is, which of 20 poses (as a flag)",
)
