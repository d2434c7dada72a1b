"""Files that somebody damaged, by chance or on purpose, are read or refused in a sentence, soon, without a traceback.

Slow: `MUTATIONS` inputs per reader, drawn from a seed. What fails names its seed, and `mutated(seed, data)` makes it
again.
"""

import base64
import io
import json
import os
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from data.datasets.trees import WRL
from drawn_rigs import figure_builder
from heic import heic_bytes
from PIL import Image
from rigs import params, small_builder

from commedia import retarget
from commedia.characters.gltf import read_character
from commedia.characters.obj import read_neutral
from commedia.conventions import EXPRESSION_NAMES
from commedia.data.datasets.scans import read_wrl
from commedia.data.truth import DrawnTruth, truth_from_bytes, truth_to_bytes
from commedia.errors import BadShard, CommediaError
from commedia.formats.livelink_csv import HEADER
from commedia.outputs.files.packing import pack
from commedia.retarget.solve import Retargeter
from commedia.retarget.tables import load_mapping_file
from commedia.sources.open import open_source

MUTATIONS = int(os.environ.get("COMMEDIA_MUTATIONS", "2000"))
LONGEST_S = 5.0
MOST_BYTES = 1 << 30


def watch(path: Path) -> None:
    """Read a source to its end."""
    with open_source(path) as source:
        for _ in source:
            continue


def play(path: Path) -> None:
    """Read a character and everything that is asked of it."""
    character = read_character(path)
    pack(character.document)
    Retargeter(character).pose_from_params(params(jawOpen=0.5))


def livelink() -> bytes:
    rows = [f"10:20:30:{index % 30:02d}.000,61,{','.join(['0.25'] * 61)}" for index in range(20)]
    return "\n".join([HEADER, *rows]).encode()


def plain_table(encoding: str = "utf-8") -> bytes:
    rows = [f"{index / 30:.4f};{0.02 * index:.3f};12,5;0,1" for index in range(20)]
    return ("# fps: 30\ntime;jawOpen;HeadYaw (deg);eyeBlinkLeft\n" + "\n".join(rows)).encode(encoding)


def iso_table() -> bytes:
    rows = [f"2024-05-01T12:00:{index // 12:02d}.{index % 12 * 83:03d}Z,0.5,0.1" for index in range(24)]
    return ("timestamp,jawOpen,HeadPitch\n" + "\n".join(rows)).encode()


def results() -> bytes:
    matrix = np.eye(4).reshape(-1).tolist()
    frames = [
        {"timestamp_ms": 33 * index, "faceBlendshapes": [{"categories": [{"categoryName": "jawOpen", "score": 0.5}]}],
         "facialTransformationMatrixes": [{"rows": 4, "columns": 4, "data": matrix}]}
        for index in range(12)
    ]  # fmt: skip
    return json.dumps({"fps": 30, "frames": frames, "end": {"n": 12}}).encode()


def take(folder: Path) -> bytes:
    table = folder / "a.csv"
    table.write_bytes(livelink())
    retarget(table, folder / "out", preview=False, formats=["csv"])
    return (folder / "out" / "take.jsonl").read_bytes()


def picture(kind: str) -> bytes:
    memory = io.BytesIO()
    shown = Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8))
    more = {"save_all": True, "append_images": [shown.rotate(90)]} if kind == "GIF" else {}
    shown.save(memory, kind, **more)
    return memory.getvalue()


def video(folder: Path, ending: str, codec: str) -> bytes:
    path = folder / f"a.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if ending == "mov":
            stream.metadata["timecode"] = "01:00:00:00"
        for index in range(6):
            shown = np.full((48, 64, 3), 40 * index, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


def figure() -> bytes:
    return figure_builder(("Hips", "Spine", "Neck", "Head", "LeftEye", "RightEye")).to_bytes()


def vrm() -> bytes:
    builder = small_builder(("jawOpen", "eyeBlinkLeft", "eyeBlinkRight"))
    binds = [{"node": 4, "index": 0, "weight": 1.0}]
    expressions = {"preset": {"aa": {"morphTargetBinds": binds}}, "custom": {"JawOpen": {"morphTargetBinds": binds}}}
    look = {"type": "bone", "rangeMapHorizontalInner": {"inputMaxValue": 90, "outputScale": 10}}
    human = {"humanBones": {"head": {"node": 2}, "neck": {"node": 1}}}
    builder.tree["extensions"] = {
        "VRMC_vrm": {"specVersion": "1.0", "expressions": expressions, "lookAt": look, "humanoid": human}
    }
    return builder.to_bytes()


def gltf() -> bytes:
    data = figure()
    length = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + length])
    tree["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(data[28 + length :]).decode()
    return json.dumps(tree).encode()


def wavefront() -> bytes:
    return b"v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nvt 0 0\nvn 0 0 1\nf 1/1/1 2/1/1 3/1/1\nf 2//1 4//1 3//1\n"


def truth() -> bytes:
    zeros = {"identity": (50,), "sizes": (52,), "deviations": (52, 4, 8), "expression": (52,), "wxyz": (4,)}
    arrays = {name: np.zeros(shape, np.float32) for name, shape in zeros.items()}
    return truth_to_bytes(DrawnTruth(**arrays, camera=np.ones(4, np.float32), paint={"noise_at": [1.0, 2.0]}))


def known(path: Path) -> None:
    """Read a drawn face's truth; its errors are a shard's business, which says where it is."""
    try:
        truth_from_bytes(path.read_bytes())
    except ValueError as error:
        raise BadShard(str(error)) from error


def mapping() -> bytes:
    lines = [f"{name}2 = {{ {name} = 1.0, bias = 0.1, clamp = [0.0, 1.0] }}" for name in EXPRESSION_NAMES[:8]]
    return (
        "sides = 'geometry'\n[morphs]\n" + "\n".join(lines) + "\n[[limits]]\nsum = { jawOpen = 1.0 }\nmost = 1.0"
    ).encode()


READERS = {
    **{"livelink.csv": (livelink, watch), "semicolons.csv": (plain_table, watch), "iso.csv": (iso_table, watch)},
    **{"utf16.csv": (lambda: plain_table("utf-16"), watch), "results.json": (results, watch)},
    **{"a.jpg": (lambda: picture("JPEG"), watch), "a.png": (lambda: picture("PNG"), watch)},
    **{"a.webp": (lambda: picture("WEBP"), watch), "a.gif": (lambda: picture("GIF"), watch)},
    **{"figure.glb": (figure, play), "figure.gltf": (gltf, play), "figure.vrm": (vrm, play)},
    **{"sculpt.obj": (wavefront, read_neutral), "table.toml": (mapping, load_mapping_file)},
    **{"scan.wrl": (WRL.encode, read_wrl), "truth.npz": (truth, known)},
}
IN_A_FOLDER = {
    "take.jsonl": (take, watch),
    "a.mov": (lambda folder: video(folder, "mov", "mpeg4"), watch),
    "a.mkv": (lambda folder: video(folder, "mkv", "libx264"), watch),
    "a.avi": (lambda folder: video(folder, "avi", "mjpeg"), watch),
}


def mutated(seed: int, data: bytes) -> bytes:
    """Damage in one of the ways that files are damaged, or several."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        way = int(rng.integers(7))
        at, to = sorted(int(place) for place in rng.integers(0, len(changed) + 1, size=2))
        if way == 0:
            for place in rng.integers(0, max(1, len(changed)), size=int(rng.integers(1, 16))):
                changed[int(place) : int(place) + 1] = bytes([int(rng.integers(256))])
        elif way == 1:
            del changed[at:]
        elif way == 2:
            del changed[at : min(to, at + 64)]
        elif way == 3:
            changed[at:at] = changed[at : min(to, at + 4096)]
        elif way == 4:
            changed[at : at + 4] = [b"\xff" * 4, bytes(4), b"\x00\x00\x00\x80", b"\x7f\xff\xff\xff"][
                int(rng.integers(4))
            ]
        elif way == 5:
            changed = _with_another_field(rng, bytes(changed))
        else:
            changed[at:to] = bytes(changed[at:to])[::-1][:4096]
        if not changed:
            return b""
    return bytes(changed)


FIELDS = (
    b"-1",
    b"0",
    b"1e999",
    b"nan",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"99999999999999999999",
    b"",
    b"true",
    b"-0.5",
    b"/../",
)


def _with_another_field(rng: np.random.Generator, data: bytes) -> bytearray:
    """Put something else, or another field, in the place of a number or a word."""
    found = list(re.finditer(rb"[A-Za-z0-9_.+-]+", data))
    if not found:
        return bytearray(data)
    one, other = (found[int(place)] for place in rng.integers(0, len(found), size=2))
    new = other[0] if rng.random() < 0.5 else FIELDS[int(rng.integers(len(FIELDS)))]
    return bytearray(data[: one.start()] + new + data[one.end() :])


def check(name: str, data: bytes, read: Callable[[Path], object], folder: Path) -> None:
    process = psutil.Process()
    inputs = folder / "in"
    inputs.mkdir(exist_ok=True)
    path = inputs / name
    first_seed = sum(name.encode()) * 100_000
    before = process.memory_info().rss
    for seed in range(first_seed, first_seed + MUTATIONS):
        path.write_bytes(mutated(seed, data))
        start = time.process_time()
        try:
            read(path)
        except CommediaError as error:
            # The judge of types that tests have speaks in several lines.
            if "\n" in str(error) and "violates type hint" not in str(error):
                raise AssertionError(f"{name}, seed {seed}: {error}") from error
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}: {type(error).__name__}: {error}") from error
        assert time.process_time() - start < LONGEST_S, f"{name}, seed {seed} takes too long"
        assert process.memory_info().rss - before < MOST_BYTES, f"{name}, seed {seed} takes too much memory"
        assert sorted(file.name for file in inputs.iterdir()) == [name], f"{name}, seed {seed} leaves a file"


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    sample, read = READERS[name]
    check(name, sample(), read, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_A_FOLDER)
def test_damaged_recordings_are_read_or_refused(name: str, tmp_path: Path) -> None:
    sample, read = IN_A_FOLDER[name]
    check(name, sample(tmp_path), read, tmp_path)


@pytest.mark.slow
def test_damaged_heic_is_read_or_refused(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif", reason="HEIC needs the extra 'heic'")
    shown = np.zeros((48, 64, 3), dtype=np.uint8)
    check("a.heic", heic_bytes(shown), watch, tmp_path)


@pytest.mark.slow
def test_damaged_motion_leaves_no_half_written_results(tmp_path: Path) -> None:
    path, data = tmp_path / "a.csv", livelink()
    for seed in range(max(1, MUTATIONS // 40)):
        path.write_bytes(mutated(seed, data))
        output = tmp_path / f"out{seed}"
        try:
            summary = retarget(path, output, preview=False, formats=["csv"])
            assert all(file.is_file() for file in summary.files)
        except CommediaError:
            assert not output.exists(), f"seed {seed} leaves {list(output.iterdir())}"
