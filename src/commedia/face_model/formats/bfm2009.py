"""Basel Face Model 2009 as MATLAB file: `01_MorphableModel.mat`, and the `BFM_model_front.mat` others made of it.

Refuses version 7.3 files, which are HDF5 in disguise: save them again with `-v7`.

Reference:
    Paysan et al. 2009; for the front model Deng et al. 2019 (Deep3DFaceReconstruction), decimetres, indices from 1.
"""

from pathlib import Path

import numpy as np

from commedia.face_model.formats.archives import mat_arrays, mat_headers
from commedia.face_model.formats.source import (
    Options,
    RawModel,
    SourceModel,
    columns,
    in_our_frame,
    indices,
    numbers,
    scheme_from_vertices,
    vertices_of,
)
from commedia.face_model.model import MorphableModel

KIND = "bfm2009"
MICROMETRES, DECIMETRES = 1e-6, 0.1


def read_bfm2009(path: Path, options: Options) -> SourceModel:
    """Read shape, and in the front model expression; albedo is left in the file.

    Identity is in standard deviations: the components are multiplied by `shapeEV`, which holds those.
    """
    whole = "shapeMU" in mat_headers(path)
    return in_our_frame(path, KIND, (_whole if whole else _front)(path), options)


def _whole(path: Path) -> RawModel:
    found = mat_arrays(path, ("shapeMU", "shapePC", "shapeEV", "tl"))
    mean = vertices_of(path, "shapeMU", found["shapeMU"])
    identity = columns(path, "shapePC", found["shapePC"], len(mean))
    deviation = numbers(path, "shapeEV", found["shapeEV"].reshape(-1), (len(identity),))
    model = MorphableModel(
        mean=mean,
        identity_basis=identity * deviation[:, None, None],
        expression_basis=np.zeros((0, *mean.shape), dtype=np.float32),
        triangles=_triangles(path, "tl", found["tl"], len(mean)),
    )
    return RawModel(model, (), MICROMETRES)


def _front(path: Path) -> RawModel:
    found = mat_arrays(path, ("meanshape", "idBase", "exBase", "tri"), optional=("keypoints",))
    mean = vertices_of(path, "meanshape", found["meanshape"])
    expression = columns(path, "exBase", found["exBase"], len(mean))
    model = MorphableModel(
        mean=mean,
        identity_basis=columns(path, "idBase", found["idBase"], len(mean)),
        expression_basis=expression,
        triangles=_triangles(path, "tri", found["tri"], len(mean)),
    )
    marks = found.get("keypoints")
    landmarks = None
    if marks is not None and marks.size == 68:
        landmarks = scheme_from_vertices(KIND, indices(path, "keypoints", marks.reshape(-1), len(mean), first=1))
    names = tuple(f"component{number:03d}" for number in range(len(expression)))
    return RawModel(model, names, DECIMETRES, landmarks)


def _triangles(path: Path, name: str, value: np.ndarray, count: int) -> np.ndarray:
    numbers(path, name, value, (None, 3))
    return indices(path, name, value, count, first=1)
