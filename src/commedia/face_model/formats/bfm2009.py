"""Basel Face Model 2009 as MATLAB file: `01_MorphableModel.mat`, and the `BFM_model_front.mat` others made of it.

Refuses version 7.3 files, which are HDF5 in disguise: save them again with `-v7`.

Reference:
    Paysan et al. 2009; for the front model Deng et al. 2019 (Deep3DFaceReconstruction), decimetres, indices from 1.
"""

from pathlib import Path

import numpy as np

from commedia.face_model.formats import source
from commedia.face_model.formats.archives import mat_arrays, mat_headers
from commedia.face_model.formats.source import Options, RawModel, SourceModel
from commedia.face_model.model import MorphableModel

KIND = "bfm2009"
MICROMETRES, DECIMETRES = 1e-6, 0.1


def read_bfm2009(path: Path, options: Options) -> SourceModel:
    """Read shape, and in the front model expression, in standard deviations (`shapeEV`); albedo is left in the file."""
    return source.in_our_frame(path, KIND, (_whole if "shapeMU" in mat_headers(path) else _front)(path), options)


def _whole(path: Path) -> RawModel:
    found = mat_arrays(path, ("shapeMU", "shapePC", "shapeEV", "tl"))
    mean = source.vertices_of(path, "shapeMU", found["shapeMU"])
    identity = source.columns(path, "shapePC", found["shapePC"], len(mean))
    deviation = source.numbers(path, "shapeEV", found["shapeEV"].reshape(-1), (len(identity),))
    model = MorphableModel(
        mean=mean,
        identity_basis=identity * deviation[:, None, None],
        expression_basis=np.zeros((0, *mean.shape), dtype=np.float32),
        triangles=_triangles(path, "tl", found["tl"], len(mean)),
    )
    return RawModel(model, (), MICROMETRES)


def _front(path: Path) -> RawModel:
    found = mat_arrays(path, ("meanshape", "idBase", "exBase", "tri"), optional=("keypoints",))
    mean = source.vertices_of(path, "meanshape", found["meanshape"])
    expression = source.columns(path, "exBase", found["exBase"], len(mean))
    model = MorphableModel(
        mean=mean,
        identity_basis=source.columns(path, "idBase", found["idBase"], len(mean)),
        expression_basis=expression,
        triangles=_triangles(path, "tri", found["tri"], len(mean)),
    )
    landmarks = source.ibug68_of(path, KIND, "keypoints", found.get("keypoints"), len(mean), first=1)
    return RawModel(model, tuple(f"component{number:03d}" for number in range(len(expression))), DECIMETRES, landmarks)


def _triangles(path: Path, name: str, value: np.ndarray, count: int) -> np.ndarray:
    source.numbers(path, name, value, (None, 3))
    return source.indices(path, name, value, count, first=1)
