"""A person as one file, `me.commedia`, and back: a zip of `person.json` and what that names.

    person.json       {"format": "commedia-person", "version": 1, "id": ..., "head_sha256": ..., "blendshapes": [...],
                      "calibration": null or {"rest": [52 numbers], "gain": [52 numbers]},
                      "wrinkles": [{"name": ..., "weights": {blendshape: share, ...}}, ...], "facts": {...}}
    identity.f32      50 numbers
    neutral.f32       own mesh at rest: vertices x 3 numbers, in metres of the head frame
    blendshapes.f32   own displacements at weight 1: one mesh for each name of `blendshapes`
    skin.png          own skin in the head's texture coordinates, or skin.f32: a colour of each vertex, 0 to 1
    wrinkles-0.png    how skin changes with the blendshapes of the first of `wrinkles`, see `wrinkles.py`; and so on

Numbers are little-endian and 32 bits wide. All but `person.json` may be missing: then the head's own stands. Whatever a
file holds, nothing is allocated before its size is judged, and what is wrong is said in a sentence.
"""

import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.errors import CommediaError
from commedia.face_model.calibration import Calibration, calibration_read_back
from commedia.face_model.model import HeadModel, head_or_default, head_sha256
from commedia.face_model.person import Albedo, Person
from commedia.face_model.wrinkles import WrinkleMap
from commedia.files import write_file

FORMAT, VERSION, SUFFIX = "commedia-person", 1, ".commedia"
TREE, IDENTITY, NEUTRAL, SHAPES, SKIN, COLOURS = (
    *("person.json", "identity.f32", "neutral.f32", "blendshapes.f32", "skin.png", "skin.f32"),
)
WRINKLES = "wrinkles-{}.png"
MOST_BYTES, MOST_TREE_BYTES, MOST_SKIN_PX, LONGEST_ID = 64 << 20, 1 << 20, 4096, 64
MOST_MAPS, MOST_MAP_PX = 8, 1024
MOST_NUMBER = 100.0
"""No coordinate, colour or component of anybody is larger."""
_SAME_DATE = (1980, 1, 1, 0, 0, 0)


class BadPersonFile(CommediaError):
    """A person's file that cannot be read: which, and why."""

    def __init__(self, path: Path, why: str):
        super().__init__(f"'{path}' is not a person that 'commedia personalize' wrote: {why}")


def is_person_file(path: Path) -> bool:
    """Say whether a name is that of a person's file."""
    return path.suffix.lower() == SUFFIX


def write_person(path: Path, person: Person, facts: Mapping[str, Any] | None = None) -> None:
    """Write all that is known of somebody, whole or not at all; `facts` is for people who read `person.json`."""
    if person.template is not None and person.template.sha256 != head_sha256():
        raise CommediaError(f"cannot write {path}: only people with the default head's mesh have files")
    own = dict(person.blendshapes or {})
    calibration = person.calibration
    tree = {
        "format": FORMAT,
        "version": VERSION,
        "id": person.id,
        "head_sha256": head_sha256(),
        "blendshapes": list(own),
        "calibration": calibration and {"rest": calibration.rest.tolist(), "gain": calibration.gain.tolist()},
        "wrinkles": [{"name": one.name, "weights": dict(one.weights)} for one in person.wrinkles],
        "facts": dict(facts or {}),
    }
    members = {TREE: json.dumps(tree, indent=1).encode()}
    if person.identity is not None:
        members[IDENTITY] = _packed(person.identity)
    if person.neutral is not None:
        members[NEUTRAL] = _packed(person.neutral)
    if own:
        members[SHAPES] = _packed(np.stack(list(own.values())))
    if person.albedo is not None:
        textured = person.albedo.ndim == 3
        members[SKIN if textured else COLOURS] = _png(person.albedo) if textured else _packed(person.albedo)
    members |= {WRINKLES.format(row): _png(one.change) for row, one in enumerate(person.wrinkles)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _SAME_DATE), data, zipfile.ZIP_DEFLATED)
    write_file(path, file.getvalue())


def read_person(path: Path, head: HeadModel | None = None) -> Person:
    """Read somebody; raises BadPersonFile."""
    head = head_or_default(head)
    count = len(head.model.mean)
    with _reading(path):
        if path.stat().st_size > MOST_BYTES:
            raise BadPersonFile(path, f"it has more than {MOST_BYTES >> 20} MiB")
        with zipfile.ZipFile(path) as archive:
            tree = _tree(path, _member(path, archive, TREE, MOST_TREE_BYTES), head)
            names = tree["blendshapes"]
            return Person(
                id=tree["id"],
                identity=_numbers(path, archive, IDENTITY, (len(head.model.identity_basis),)),
                neutral=_numbers(path, archive, NEUTRAL, (count, 3)),
                blendshapes=_shapes(_numbers(path, archive, SHAPES, (len(names), count, 3)), path, names),
                albedo=_skin(path, archive, count),
                calibration=_calibration(tree["calibration"]),
                template=head,
                wrinkles=_wrinkles(path, archive, tree.get("wrinkles", [])),
            )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except CommediaError:
        raise
    except OSError as error:
        raise BadPersonFile(path, error.strerror or "it is no zip of numbers and a picture") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, RuntimeError, NotImplementedError) as error:
        # The last two are for a password and for unknown ways to pack.
        raise BadPersonFile(path, f"it is no whole zip file ({error})") from error
    except (ValueError, KeyError, TypeError, SyntaxError, OverflowError, Image.DecompressionBombError) as error:
        raise BadPersonFile(path, f"what it says of itself is damaged ({str(error)[:80]})") from error


def _member(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    if name not in archive.namelist():
        raise BadPersonFile(path, f"it holds no {name}")
    info = archive.getinfo(name)
    if info.file_size > most:
        raise BadPersonFile(path, f"{name} in it has {info.file_size} bytes, where at most {most} are expected")
    with archive.open(info) as file:
        return file.read(most + 1)


def _tree(path: Path, data: bytes, head: HeadModel) -> dict[str, Any]:
    try:
        tree = json.loads(data)
    except RecursionError:
        tree = None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise BadPersonFile(path, f"its {TREE} does not say '{FORMAT}'")
    if tree.get("version") != VERSION:
        raise BadPersonFile(path, f"it is of version {str(tree.get('version'))[:20]}, and this program reads {VERSION}")
    if tree.get("head_sha256") != head.sha256:
        raise BadPersonFile(path, "it was made for another head model; personalize again with this version")
    name, shapes = tree["id"], tree["blendshapes"]
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST_ID:
        raise BadPersonFile(path, f"its id is no name of 1 to {LONGEST_ID} letters")
    known = isinstance(shapes, list) and all(isinstance(one, str) and one in EXPRESSION_INDEX for one in shapes)
    if not known or len(set(shapes)) != len(shapes):
        raise BadPersonFile(path, "its blendshapes are not names of the 52, each once")
    return tree


def _numbers(path: Path, archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    if name not in archive.namelist():
        return None
    wanted = 4 * math.prod(shape)
    data = _member(path, archive, name, wanted)
    if len(data) != wanted:
        raise BadPersonFile(path, f"{name} in it has {len(data)} bytes, where {wanted} are expected")
    values = np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > MOST_NUMBER:
        raise BadPersonFile(path, f"{name} in it holds numbers that no face has")
    return values


def _shapes(values: np.ndarray | None, path: Path, names: list[str]) -> dict[str, np.ndarray] | None:
    if values is None and names:
        raise BadPersonFile(path, f"it holds no {SHAPES}")
    return None if values is None else dict(zip(names, values, strict=True))


def _skin(path: Path, archive: zipfile.ZipFile, count: int) -> Albedo | None:
    if SKIN not in archive.namelist():
        return _numbers(path, archive, COLOURS, (count, 3))
    return _square(path, archive, SKIN, MOST_SKIN_PX)


def _wrinkles(path: Path, archive: zipfile.ZipFile, told: Any) -> tuple[WrinkleMap, ...]:
    if not isinstance(told, list) or len(told) > MOST_MAPS:
        raise BadPersonFile(path, f"its wrinkles are no list of at most {MOST_MAPS} maps")
    found = []
    for row, one in enumerate(told):
        name, weights = str(one["name"]), {str(key): float(value) for key, value in dict(one["weights"]).items()}
        if not set(weights) <= set(EXPRESSION_INDEX) or not np.isfinite(list(weights.values())).all():
            raise BadPersonFile(path, "its wrinkles are not of the 52 blendshapes")
        found.append(WrinkleMap(name, weights, _square(path, archive, WRINKLES.format(row), MOST_MAP_PX)))
    return tuple(found)


def _square(path: Path, archive: zipfile.ZipFile, name: str, most_px: int) -> UInt8[np.ndarray, "s s 3"]:
    data = _member(path, archive, name, MOST_BYTES)
    with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        if picture.width != picture.height or not 1 <= picture.width <= most_px:
            found = f"{picture.width} x {picture.height} pixels"
            raise BadPersonFile(path, f"{name} in it has {found}; a square of at most {most_px} is expected")
        return np.asarray(picture.convert("RGB"))


def _calibration(tree: Any) -> Calibration | None:
    if tree is None:
        return None
    rest, gain = (np.array(tree[key], dtype=np.float64) for key in ("rest", "gain"))
    if not rest.shape == gain.shape == (EXPRESSION_COUNT,) or not np.isfinite([rest, gain]).all():
        raise ValueError("its calibration is not 52 numbers of each kind")
    return calibration_read_back(rest, gain)


def _packed(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def _png(texture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(texture).save(file, "PNG")
    return file.getvalue()
