"""BU-3DFE: 100 people at rest and in six expressions of four strengths: 2,500 scans, each with a picture of it.

A folder a person; a file's name says person, expression, strength and ancestry (`F0001_AN01WH_F2D.bmp`). Not read are
the unprocessed scans (`_RAW`), the texture of both cameras (`_F3D.bmp`), and the points (`_F3D.bnd`, `_RAW.pse`), of
which nobody says publicly which is which.

Source of the layout: public programs that read the set agree on folders and names, and that scans are VRML 2.0 in
millimetres; the set itself is given on request only, and was not at hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from commedia.data.datasets.items import DatasetFace, DatasetItem, StoredPicture
from commedia.data.datasets.scans import StoredScan
from commedia.data.datasets.spec import DatasetSpec
from commedia.data.datasets.tree import BadAnnotation, NoPicture, Tree

EXPRESSIONS = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
_ENDING = "_F2D.bmp"
_NAME = re.compile(r"(?P<person>[FM]\d{4})_(?P<expression>[A-Z]{2})(?P<level>0[0-4])[A-Z]{2}", re.ASCII)


def _read(tree: Tree) -> Iterator[DatasetItem]:
    for path in tree.files((".bmp",)):
        if path.name.lower().endswith(_ENDING.lower()):
            item = tree.attempt(_item, tree, path)
            if item is not None:
                yield item


def _item(tree: Tree, path: Path) -> DatasetItem:
    named = _NAME.fullmatch(path.name[: -len(_ENDING)])
    if named is None or named["expression"] not in EXPRESSIONS:
        raise BadAnnotation(path, f"its name is not such as 'F0001_AN01WH{_ENDING}'")
    if path.parent.name != named["person"]:
        raise BadAnnotation(path, f"it says {named['person']}, and lies in the folder of {path.parent.name}")
    scan = path.with_name(f"{path.name[: -len(_ENDING)]}_F3D.wrl")
    if not scan.is_file() or not tree.holds(scan):
        raise NoPicture(path, f"there is no scan '{scan.name}' beside it")
    flags = frozenset({EXPRESSIONS[named["expression"]], f"level {int(named['level'])}"})
    face = DatasetFace(identity_name=named["person"], flags=flags, scan=StoredScan(scan, 0.001))
    return tree.item(StoredPicture(path), (face,), all_faces=True)


SPEC = DatasetSpec(
    name="bu-3dfe",
    title="BU-3DFE",
    read=_read,
    needs=tuple(f"{folder}[FM][0-9][0-9][0-9][0-9]/*{_ENDING}" for folder in ("", "*/")),
    tree=f"""\
BU_3DFE/
  F0001/                          to F0056, and M0001 to M0044
    F0001_NE00WH{_ENDING}          the picture
    F0001_NE00WH_F3D.wrl          its scan
    F0001_AN01WH{_ENDING}          AN DI FE HA SA SU, 01 to 04""",
    licence="research use only, on request from Binghamton University",
    truth="a scan in millimetres, who it is, which of six expressions and how strong (as flags)",
)
