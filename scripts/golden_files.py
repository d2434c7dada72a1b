"""What differs between two files that ought to say the same; used by `golden_record.py`."""

import json
import re
import struct
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import av
import numpy as np

CLOSE = 1e-6
"""Numbers nearer than this, or this share of themselves where they are larger than 1, are taken for equal."""
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ORIGIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC|(?<=commit )[0-9a-f]{12}(\+changes)?|(?<=\"commit\": \").*?(?=\")")
"""When a table was made, and from which commit."""
PICTURES = (".mp4", ".jpg", ".png")
POINT_CACHE_HEADER = 32
COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
"""glTF's types of numbers."""


def file_difference(old: Path, new: Path) -> str:
    """Two files in; what differs out, nothing when they are equal or their numbers are as close as `CLOSE`."""
    before, after = old.read_bytes(), new.read_bytes()
    if before == after:
        return ""
    if old.suffix in PICTURES:
        return picture_difference(old, new)
    if before[:4] == after[:4] == b"glTF":
        return glb_difference(before, after)
    if old.suffix == ".usd":
        return text_difference(usd_text(old), usd_text(new))
    if old.suffix == ".pc2" and before[:POINT_CACHE_HEADER] == after[:POINT_CACHE_HEADER]:
        points = (np.frombuffer(data[POINT_CACHE_HEADER:], "<f4") for data in (before, after))
        return number_difference(*points, "number")
    if b"\0" in before or b"\0" in after:
        return byte_difference(before, after)
    return text_difference(before.decode("utf-8"), after.decode("utf-8"))


def text_difference(old: str, new: str) -> str:
    """Two texts in; the first line that differs, or the largest difference of their numbers, out."""
    old, new = ORIGIN.sub("ORIGIN", old), ORIGIN.sub("ORIGIN", new)
    if NUMBER.sub("0", old) == NUMBER.sub("0", new):
        before, after = (list(NUMBER.finditer(text)) for text in (old, new))
        values = (np.array([float(match[0]) for match in found]) for found in (before, after))
        return number_difference(*values, "line", lambda index: old.count("\n", 0, before[index].start()) + 1)
    pairs = list(zip_longest(old.splitlines(), new.splitlines(), fillvalue="(no line)"))
    lines = [index for index, (one, two) in enumerate(pairs) if one != two]
    if not lines:
        return "line ends differ"
    one, two = around(*pairs[lines[0]])
    return f"{len(lines)} lines differ, first line {lines[0] + 1}: {one!r} became {two!r}"


def around(old: str, new: str, width: int = 80) -> tuple[str, str]:
    """Two lines in; the part of each out where they begin to differ."""
    same = next((index for index, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), 0)
    begin = max(same - width // 4, 0)
    return old[begin : begin + width], new[begin : begin + width]


def number_difference(old: np.ndarray, new: np.ndarray, what: str, place: Callable[[int], int] = int) -> str:
    """Two rows of numbers in; how many differ, where first and by how much at most out."""
    if old.shape != new.shape:
        return f"{old.size} numbers became {new.size}"
    with np.errstate(invalid="ignore"):
        apart = np.where(old == new, 0, np.abs(old.astype(np.float64) - new))
    far = np.flatnonzero(~(apart <= CLOSE * np.maximum(1, np.abs(old))))
    if not len(far):
        return ""
    return f"{len(far)} numbers differ by up to {apart.max():.3g}, first at {what} {place(far[0])}"


def byte_difference(old: bytes, new: bytes) -> str:
    """Two strings of bytes in; the first place where they differ out."""
    first = next((index for index, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), "the end")
    return f"bytes differ from {first} on, {len(old)} and {len(new)} long"


def glb_difference(old: bytes, new: bytes) -> str:
    """Two GLB files in; what differs in their JSON, or else in their arrays, out."""
    (old_json, old_binary), (new_json, new_binary) = glb_parts(old), glb_parts(new)
    said = text_difference(*(json.dumps(tree, indent=1) for tree in (old_json, new_json)))
    if said:
        return f"JSON: {said}"
    types = {one.get("bufferView"): COMPONENTS[one["componentType"]] for one in old_json.get("accessors", ())}
    for index, view in enumerate(old_json.get("bufferViews", ())):
        begin, length = view.get("byteOffset", 0), view["byteLength"]
        one, two = old_binary[begin : begin + length], new_binary[begin : begin + length]
        if types.get(index) == "<f4" and length % 4 == 0:
            said = number_difference(np.frombuffer(one, "<f4"), np.frombuffer(two, "<f4"), "number")
        else:
            said = "" if one == two else byte_difference(one, two)
        if said:
            return f"buffer view {index}: {said}"
    return ""


def glb_parts(data: bytes) -> tuple[dict, bytes]:
    """A GLB file in; its JSON and its binary chunk out."""
    (length,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def usd_text(path: Path) -> str:
    """A USD file in; the same as text out."""
    from pxr import Sdf

    return Sdf.Layer.FindOrOpen(str(path)).ExportToString()


def picture_difference(old: Path, new: Path) -> str:
    """Two pictures or films in; the largest difference of a pixel out, nothing when all are equal."""
    before, after = pixels(old), pixels(new)
    if [one.shape for one in before] != [one.shape for one in after]:
        return f"{len(before)} pictures of {before[0].shape[:2]} became {len(after)} of {after[0].shape[:2]}"
    apart = [int(np.abs(one.astype(int) - two).max()) for one, two in zip(before, after, strict=True)]
    return f"pixels differ by up to {max(apart)} of 255, in {sum(map(bool, apart))} pictures" if any(apart) else ""


def pixels(path: Path) -> list[np.ndarray]:
    """A picture or film in; its RGB pictures out."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
