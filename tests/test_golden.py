"""What the program found in bundled media once, it finds again: `golden.json`, to what another processor may change.

After a change that is meant: `COMMEDIA_GOLDEN=write pytest tests/test_golden.py` writes it anew; look at what differs.
"""

import csv
import json
import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from commedia.cli.main import main

PHOTOS = (("skimage", "data/astronaut.png"), ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"))
GOLDEN = Path(__file__).with_name("golden.json")
WITHIN = {"weights": 2e-3, "metres": 2e-4, "px": 0.3, "exact": 0}
FRAMES = 4


def clip(path: Path) -> None:
    """The camera moves over two photographs, side by side."""
    one, two = (np.asarray(Image.open(photo(index)).convert("RGB")) for index in range(2))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 600, 300, "yuv420p"
        for i in range(0, 4 * FRAMES, 4):
            picture = np.hstack([one[i : 300 + i, 90 + i : 390 + i], two[:300, 120 - i : 420 - i]])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def photo(index: int) -> Path:
    package, file = PHOTOS[index]
    return Path(pytest.importorskip(package).__file__).parent / file


def run(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def take_facts(path: Path) -> dict:
    """Who is in a take, and the last frame of everyone."""
    header, *frames = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    faces = frames[-1]["faces"]
    return {
        "exact": {
            "ids": [[face["id"] for face in frame["faces"]] for frame in frames],
            "times": [frame["time_s"] for frame in frames],
            "frame_size_px": header["frame_size_px"],
        },
        "weights": {
            "expression": [dict(zip(header["expression_names"], face["expression"], strict=True)) for face in faces],
            "identity / 10": [[value / 10 for value in face["identity"][:8]] for face in faces],
            "wxyz": [face["wxyz"] for face in faces],
        },
        "px": {"boxes": [face["box_px"] for face in faces], "points": [face["landmarks_px"][::12] for face in faces]},
    }


def csv_facts(path: Path) -> dict:
    """The heads of the columns, and the mean of each."""
    with path.open(encoding="utf-8", newline="") as file:
        heads, *rows = csv.reader(file)
    means = np.array([row[2:] for row in rows], float).mean(axis=0).round(5)
    stamps = [row[0] for row in rows]
    return {"exact": {"stamps": stamps}, "weights": dict(zip(heads[2:], means.tolist(), strict=True))}


def glb_facts(path: Path) -> dict:
    """Sizes, names of what moves, where the surface lies, and the means of the animation."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    tree, binary = json.loads(data[20 : 20 + length]), data[28 + length :]
    primitives = [(mesh["name"], one) for mesh in tree["meshes"] for one in mesh["primitives"]]
    accessors = tree["accessors"]
    (motion,) = tree["animations"]
    keys = {}
    for channel in motion["channels"]:
        target, sampler = channel["target"], motion["samplers"][channel["sampler"]]
        values = values_of(binary, tree, sampler["output"])
        count = accessors[sampler["input"]]["count"]
        node = tree["nodes"][target["node"]].get("name", target["node"])
        keys[f"{node}.{target['path']}"] = values.reshape(count, -1).mean(axis=0).round(5).tolist()
    return {
        "exact": {
            "vertices": [[name, accessors[one["attributes"]["POSITION"]]["count"]] for name, one in primitives],
            "morphs": [[name, len(one.get("targets", ()))] for name, one in primitives],
            "nodes": [node.get("name") for node in tree["nodes"]],
        },
        "metres": {"high": [accessors[one["attributes"]["POSITION"]]["max"] for _, one in primitives]},
        "weights": keys,
    }


def values_of(binary: bytes, tree: dict, index: int) -> np.ndarray:
    accessor = tree["accessors"][index]
    view = tree["bufferViews"][accessor["bufferView"]]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
    begin = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    return np.frombuffer(binary, "<f4", accessor["count"] * width, begin)


def rig_facts(path: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    run("rig", "inspect", path)
    return {"exact": {"said": capsys.readouterr().out.replace(str(path), "FILE").splitlines()}}


def measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    """Everything that is compared, from a photograph, a clip, and the clip's own take played again as in a mirror; all
    is played as it was read, as it is about what was found."""
    film, still, moving, again = (folder / name for name in ("clip.mp4", "still", "moving", "again"))
    as_read = ("--no-preview", "--strength", 1)
    clip(film)
    Image.open(photo(1)).crop((100, 0, 400, 300)).save(folder / "photo.png")
    run("retarget", folder / "photo.png", "-o", still, *as_read, "--formats", "csv", "obj")
    run("retarget", film, "-o", moving, *as_read)
    run("retarget", moving / "take.jsonl", "-o", again, *as_read, "--mirror", "--formats", "csv", "bvh")
    capsys.readouterr()
    facts = {
        "files": {"exact": {one.name: names(one) for one in (still, moving, again)}},
        "take of the clip": take_facts(moving / "take.jsonl"),
        "photograph": csv_facts(still / "person-01.csv"),
        "rig": rig_facts(moving / "person-01.glb", capsys),
    }
    facts |= {f"clip as {name}": csv_facts(moving / name) for name in names(moving) if name.endswith(".csv")}
    facts |= {f"mirrored as {name}": csv_facts(again / name) for name in names(again) if name.endswith(".csv")}
    return facts | {f"clip as {name}": glb_facts(moving / name) for name in names(moving) if name.endswith(".glb")}


def flat(tree: object, place: str = "") -> dict[str, object]:
    """Every leaf by its path; numbers, words, None."""
    if not isinstance(tree, dict | list):
        return {place: tree}
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {at: leaf for key, value in inside for at, leaf in flat(value, f"{place}/{key}").items()}


def test_the_program_finds_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = measured(tmp_path, capsys)
    if os.environ.get("COMMEDIA_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert found.keys() == golden.keys()
    for what, kinds in golden.items():
        assert found[what].keys() == kinds.keys(), what
        for kind, tree in kinds.items():
            before, after = flat(tree), flat(found[what][kind])
            assert before.keys() == after.keys(), f"{what}: {kind}"
            far = {at: (old, after[at]) for at, old in before.items() if not alike(old, after[at], WITHIN[kind])}
            assert not far, f"{what}: {kind} was and is {dict(list(far.items())[:5])}, {len(far)} in all"


def alike(old: object, new: object, within: float) -> bool:
    if isinstance(old, float) and isinstance(new, float | int):
        return abs(old - new) <= within
    return old == new
