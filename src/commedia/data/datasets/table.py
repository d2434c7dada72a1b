"""Every data set that can be read, by name, and the door to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from commedia.data.datasets import (
    aflw2000,
    afw,
    bu_3dfe,
    celeba,
    cpem,
    face_warehouse,
    fddb,
    feafa,
    helen,
    lfw,
    music_videos,
    voxceleb2,
    w300,
    w300_lp,
    w300_vw,
    wider_face,
)
from commedia.data.datasets.items import DatasetItem
from commedia.data.datasets.spec import DatasetSpec, MissingDataset, require
from commedia.data.datasets.tree import LeftOut, Tree
from commedia.errors import UnknownName

DATASETS: dict[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        w300_lp.SPEC,
        w300_lp.SPEC_3D,
        aflw2000.SPEC,
        aflw2000.SPEC_REANNOTATED,
        lfw.SPEC,
        w300_vw.SPEC,
        afw.SPEC,
        w300.SPEC,
        helen.SPEC,
        fddb.SPEC,
        wider_face.SPEC,
        voxceleb2.SPEC,
        cpem.SPEC,
        feafa.SPEC,
        music_videos.SPEC,
        celeba.SPEC,
        celeba.SPEC_ALIGNED,
        bu_3dfe.SPEC,
        face_warehouse.SPEC,
    )
}


@dataclass(frozen=True)
class Dataset:
    """A data set on this machine. Iterating again starts from the beginning, and counts again."""

    spec: DatasetSpec
    root: Path
    left_out: LeftOut = field(default_factory=LeftOut)
    """What could not be used; complete when the iteration is."""

    def __iter__(self) -> Iterator[DatasetItem]:
        self.left_out.clear()
        found = False
        for item in self.spec.read(Tree(self.root, self.spec.name, self.spec.licence, self.left_out)):
            found = True
            yield item
        if not found:
            raise MissingDataset(
                f"nothing of {self.spec.title} in '{self.root}' could be read; left out: {self.left_out}"
            )


def open_dataset(name: str, root: Path | str) -> Dataset:
    """Open a data set that lies under `root`; raises UnknownName or MissingDataset."""
    if name not in DATASETS:
        raise UnknownName("data set", name, DATASETS)
    spec = DATASETS[name]
    require(spec, Path(root))
    return Dataset(spec, Path(root))
