"""FaceWarehouse: the raw folders of `shape.bs` files, and bilinear cores that people made of them.

The collection comes as `Tester_1/Blendshape/shape.bs` to `Tester_150/...`: the neutral and 46 blendshapes of one person
each. Cores have no fixed layout; the order of their axes is taken from the caller, from the file's own `axes`, or from
the sizes where only one reading is possible.

Reference:
    Cao et al. 2014; Chaudhuri et al. 2019, Eq. 1 (50 identities x 47 blendshapes) and 2 (204 rows for 68 points).
"""

import re
from itertools import permutations
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int32, Shaped

from commedia.face_model.formats import source
from commedia.face_model.formats.archives import (
    mat_arrays,
    mat_headers,
    npy_array,
    npz_arrays,
    npz_headers,
    read_positions,
    read_surface,
)
from commedia.face_model.formats.sides import sided_names
from commedia.face_model.formats.source import BadFaceModel, Options, RawModel, SourceModel
from commedia.face_model.model import MorphableModel
from commedia.face_model.multilinear import model_from_people, model_from_tensor

KIND = "facewarehouse"
BLENDSHAPES = 47
MAX_BLENDSHAPES, MAX_PEOPLE = 200, 2000
IDENTITIES = 50
JAW_OPEN = 22
AXES = tuple("".join(order) for order in permutations("vie"))
TESTER = re.compile(r"Tester_(\d+)$")

BLENDSHAPE_NAMES: tuple[str, ...] = (
    *("EyeBlink_L", "EyeBlink_R", "EyeSquint_L", "EyeSquint_R", "EyeDown_L", "EyeDown_R", "EyeIn_L", "EyeIn_R"),
    *("EyeOpen_L", "EyeOpen_R", "EyeOut_L", "EyeOut_R", "EyeUp_L", "EyeUp_R", "BrowsD_L", "BrowsD_R", "BrowsU_C"),
    *("BrowsU_L", "BrowsU_R", "JawFwd", "JawLeft", "JawOpen", "JawRight", "MouthLeft", "MouthRight", "MouthFrown_L"),
    *("MouthFrown_R", "MouthSmile_L", "MouthSmile_R", "MouthDimple_L", "MouthDimple_R", "LipsStretch_L"),
    *("LipsStretch_R", "LipsUpperClose", "LipsLowerClose", "LipsUpperUp", "LipsLowerDown", "LipsLowerOpen"),
    *("LipsFunnel", "LipsPucker", "ChinLowerRaise", "LipsUpperOpen", "Sneer", "Puff", "CheekSquint_L", "CheekSquint_R"),
)
"""The 46 blendshapes in the collection's order, by Faceshift's names; sides as the lists in circulation have them,
which is the viewer's, so that `sided_names` has the last word."""


def read_facewarehouse(path: Path, options: Options) -> SourceModel:
    """Read a folder of people, one person's `shape.bs`, or a core in npy, npz or mat.

    The unit of length is guessed from the size of the mean face, since no file says it. A core that does not say either
    who is the mean person gets a mean person of 0.3 m between opposite corners of his box.
    """
    raw = path.is_dir() or path.name.endswith(".bs")
    model, metres_per_unit = _raw(path) if raw else _core(path, options)
    count = len(model.expression_basis)
    names = (
        BLENDSHAPE_NAMES
        if count == BLENDSHAPES - 1
        else tuple(f"blendshape{number:02d}" for number in range(1, count + 1))
    )
    names = sided_names(path, names, model.mean, model.expression_basis)
    return source.in_our_frame(path, KIND, RawModel(model, names, metres_per_unit), options)


def read_shapes(path: Path) -> Float[np.ndarray, "u v 3"]:
    """Read one `shape.bs`: three int32 (blendshapes, vertices, faces), then neutral and blendshapes as float32, little-
    endian."""
    with source.reading(path, "shape.bs"), path.open("rb") as file:
        header = np.frombuffer(file.read(12), dtype="<i4")
        blendshapes, vertices, size = int(header[0]) + 1, int(header[1]), path.stat().st_size
        sane = 2 <= blendshapes <= MAX_BLENDSHAPES and 3 <= vertices <= source.MAX_VERTICES
        if not sane or size != 12 + 12 * blendshapes * vertices:
            raise BadFaceModel(
                f"'{path}' has {blendshapes - 1} shapes of {vertices} vertices in {size} bytes; expected 46 of 11510: "
                f"{12 + 12 * BLENDSHAPES * 11510}, or other counts that fit the size"
            )
        found = np.frombuffer(file.read(), dtype="<f4").reshape(blendshapes, vertices, 3)
    return source.numbers(path, "the shapes", found, (None, None, 3))


def _raw(path: Path) -> tuple[MorphableModel, float]:
    folder, files = _people(path)
    first = read_shapes(files[0])
    source.check_size(path, "the collection", (len(files), *first.shape))
    people = np.zeros((len(files), *first.shape), dtype=np.float32)
    for row, file in enumerate(files):
        found = read_shapes(file)
        if found.shape != first.shape:
            raise BadFaceModel(f"'{file}' has shapes of {found.shape}, expected {first.shape} as in '{files[0]}'")
        people[row] = found
    triangles = _triangles(folder, first[0])
    metres_per_unit = source.metres_from_size(people[:, 0].mean(axis=0))
    if len(files) > 1:
        return model_from_people(people, triangles, IDENTITIES), metres_per_unit
    nobody = np.zeros((0, *first[0].shape), dtype=np.float32)
    return MorphableModel(first[0], nobody, first[1:] - first[0], triangles), metres_per_unit


def _people(path: Path) -> tuple[Path, list[Path]]:
    """Return the first person's folder and everybody's shapes, in the order of their numbers."""
    if path.is_file():
        return path.parent.parent, [path]
    own = path / "Blendshape" / "shape.bs"
    if own.is_file():
        return path, [own]
    numbered = {int(found[1]): entry for entry in path.iterdir() if (found := TESTER.match(entry.name))}
    folders = [numbered[number] for number in sorted(numbered)]
    files = [file for folder in folders if (file := folder / "Blendshape" / "shape.bs").is_file()]
    if not 1 <= len(files) <= MAX_PEOPLE:
        raise BadFaceModel(f"'{path}' has {len(files)} files Tester_*/Blendshape/shape.bs, expected 1 to {MAX_PEOPLE}")
    return files[0].parent.parent, files


def _triangles(folder: Path, neutral: Float[np.ndarray, "v 3"]) -> Int32[np.ndarray, "t 3"]:
    """Take the faces of the person's neutral scan, where it numbers its vertices as the shapes do.

    Some scans in circulation do not; their faces would be scattered over the head, so they are left out.
    """
    scan = folder / "TrainingPose" / "pose_0.obj"
    if not scan.is_file():
        return source.no_triangles()
    positions = read_positions(scan)
    size = np.linalg.norm(np.ptp(neutral, axis=0))
    if positions.shape != neutral.shape or np.linalg.norm(positions - neutral, axis=1).mean() > 0.1 * size:
        return source.no_triangles()
    return read_surface(scan)[1]


def _core(path: Path, options: Options) -> tuple[MorphableModel, float]:
    found = _core_arrays(path)
    tensor = source.numbers(path, "the core", found["tensor"], (None, None, None))
    axes = options.axes or (str(found["axes"]) if "axes" in found else _axes_from_sizes(path, tensor.shape))
    if axes not in AXES:
        raise BadFaceModel(f"'{path}': axes '{axes}' are unknown; known: {', '.join(AXES)}")
    tensor = np.transpose(tensor, [axes.index(axis) for axis in "vie"])
    rows, people, blendshapes = tensor.shape
    if rows % 3 or rows < 9 or blendshapes < 2:
        raise BadFaceModel(
            f"'{path}' read as {axes} has {rows} coordinates and {blendshapes} blendshapes, expected 3 v and 2 or more"
        )
    triangles = source.no_triangles()
    if "triangles" in found:
        source.numbers(path, "triangles", found["triangles"], (None, 3))
        triangles = source.indices(path, "triangles", found["triangles"], rows // 3)
    mean, std = (
        source.numbers(path, name, found[name].reshape(-1), (people,)) if name in found else None
        for name in ("identity_mean", "identity_std")
    )
    known = _first(tensor) if mean is None else mean
    model = model_from_tensor(tensor, triangles, identity_mean=known, identity_std=std)
    # The strongest component's weight and the unit of length cannot be told apart.
    guessed = source.HEAD_DIAGONAL_M / max(source.diagonal_of(model.mean), 1e-12)
    return model, guessed if mean is None else source.metres_from_size(model.mean)


def _first(tensor: Float[np.ndarray, "n i u"]) -> Float[np.ndarray, "i"]:
    """Take the strongest component alone as the mean person: in the N-mode SVD of uncentred faces it is nearly that.

    Its sign is free there; an opening jaw, blendshape 22 of 47, goes down.
    """
    mean = np.zeros(tensor.shape[1], dtype=np.float32)
    opening = tensor[1::3, 0, JAW_OPEN] - tensor[1::3, 0, 0] if tensor.shape[2] == BLENDSHAPES else np.full(1, -1.0)
    mean[0] = -1 if opening.sum() > 0 else 1
    return mean


def _core_arrays(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Find the one array with three axes, and whatever our own script writes beside it."""
    with source.reading(path, "a bilinear core"), path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\x93NUMPY"):
        return {"tensor": npy_array(path)}
    npz = start.startswith(b"PK")
    shapes = {name: shape for name, (shape, _) in npz_headers(path).items()} if npz else mat_headers(path)
    cores = [name for name, shape in shapes.items() if len(shape) == 3]
    if len(cores) != 1:
        raise BadFaceModel(
            f"'{path}' has {len(cores)} arrays with three axes, expected one; it has {', '.join(shapes)}"
        )
    beside = ("axes", "identity_mean", "identity_std", "triangles")
    beside = tuple(name for name in beside if name in shapes and 0 not in shapes[name])
    found = (npz_arrays if npz else mat_arrays)(path, cores, optional=beside)
    return {"tensor": found.pop(cores[0]), **found}


def _axes_from_sizes(path: Path, shape: tuple[int, ...]) -> str:
    """Tell the axes apart: 47 blendshapes, 3 v coordinates, the most of all, and identities are what remains."""
    blendshapes = [axis for axis, length in enumerate(shape) if length == BLENDSHAPES]
    coordinates = max(range(3), key=lambda axis: shape[axis])
    if (
        len(blendshapes) != 1
        or blendshapes[0] == coordinates
        or shape[coordinates] % 3
        or sorted(shape)[1] == max(shape)
    ):
        sizes = " x ".join(map(str, shape))
        raise BadFaceModel(
            f"'{path}' is a core of {sizes}, whose order is not plain; say axes, one of {', '.join(AXES)}"
        )
    return "".join("e" if axis == blendshapes[0] else "v" if axis == coordinates else "i" for axis in range(3))
