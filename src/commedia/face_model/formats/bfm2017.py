"""Basel Face Model 2017 and 2019 as HDF5: shape and expression; albedo and noise are left in the file.

Refuses links and data sets that lie outside the file: an HDF5 file can name any other on this machine.

Reference: Gerig et al. 2018. Millimetres; variances, of which the roots are the standard deviations.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from commedia.errors import optional
from commedia.face_model.formats import source
from commedia.face_model.formats.source import BadFaceModel, Options, RawModel, SourceModel
from commedia.face_model.model import MorphableModel

KIND = "bfm2017"
MILLIMETRES = 1e-3


def read_bfm2017(path: Path, options: Options) -> SourceModel:
    """Read identity and expression in standard deviations; the mean holds the mean expression too, as the model's
    authors add it."""
    h5py = _h5py()
    with source.reading(path, "HDF5"), h5py.File(path, "r") as file:
        mean = source.vertices_of(path, "shape/model/mean", _array(path, file, "shape/model/mean"))
        identity = _basis(path, file, "shape", len(mean))
        expression = np.zeros((0, *mean.shape), dtype=np.float32)
        if "expression" in file:
            offset = _array(path, file, "expression/model/mean").reshape(-1)
            mean = mean + source.numbers(path, "expression/model/mean", offset, (mean.size,)).reshape(-1, 3)
            expression = _basis(path, file, "expression", len(mean))
        cells = _array(path, file, "shape/representer/cells")
    source.numbers(path, "shape/representer/cells", cells, (3, None))
    triangles = source.indices(path, "shape/representer/cells", cells.T, len(mean))
    names = tuple(f"component{number:03d}" for number in range(len(expression)))
    return source.in_our_frame(
        path, KIND, RawModel(MorphableModel(mean, identity, expression, triangles), names, MILLIMETRES), options
    )


def _basis(path: Path, file: Any, group: str, count: int) -> Float[np.ndarray, "k v 3"]:
    basis = source.columns(path, f"{group}/model/pcaBasis", _array(path, file, f"{group}/model/pcaBasis"), count)
    values = _array(path, file, f"{group}/model/pcaVariance").reshape(-1)
    variance = source.numbers(path, f"{group}/model/pcaVariance", values, (len(basis),))
    if (variance < 0).any():
        raise BadFaceModel(f"'{path}': {group}/model/pcaVariance is negative somewhere, expected variances")
    return basis * np.sqrt(variance)[:, None, None]


def _array(path: Path, file: Any, name: str) -> Shaped[np.ndarray, "..."]:
    """Read a data set that lies in this very file, once its size is known to be sane."""
    h5py, here = _h5py(), file
    for part in name.split("/"):
        link = here.get(part, getlink=True) if isinstance(here, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            found = "a link to elsewhere" if link is not None else f"only {', '.join(list(file)[:12]) or 'nothing'}"
            raise BadFaceModel(f"'{path}': expected {name}, found {found}")
        here = here[part]
    if not isinstance(here, h5py.Dataset) or here.external or here.is_virtual or here.shape is None:
        raise BadFaceModel(f"'{path}': {name} holds no numbers of its own")
    source.check_size(path, name, here.shape)
    return here[()] if here.shape else np.asarray(here[()])[None]


def _h5py() -> Any:
    return optional("h5py", "reading HDF5 face models", "train")
