"""Measure the renderer and the synthetic generator on the default head, in pictures per second of one thread.

python benchmarks/bench_render.py
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import load_head
from commedia.render.project import rotate, weak_perspective
from commedia.render.rasterize import interpolate, paint, rasterize
from commedia.render.shade import irradiance, vertex_normals
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.performers import sample_identities, sample_poses
from commedia.synthetic.shards import single_pictures

COUNT = 64
BATCH = 8


def render_batch(layer: MorphableLayer, triangles: torch.Tensor, size: int) -> torch.Tensor:
    """Evaluate, project, rasterize and light bare heads."""
    rng = np.random.default_rng(0)
    identity = torch.from_numpy(sample_identities(rng, BATCH))
    rotated = rotate(layer(identity, torch.rand(BATCH, 52) * 0.3), torch.from_numpy(sample_poses(rng, BATCH)))
    points = weak_perspective(rotated, torch.full((BATCH, 2), size / 2), torch.full((BATCH,), size * 3.4))
    raster = rasterize(points, triangles, (size, size))
    carried = interpolate(vertex_normals(rotated, triangles), triangles, raster)
    colour = irradiance(torch.nn.functional.normalize(carried, dim=1), torch.zeros(BATCH, 3, 9), raster.picture)
    return paint(colour, raster, torch.zeros(BATCH, size, size, 3))


def report(name: str, work: Callable[[], object], pictures: int) -> None:
    """Print speed by processor time, which other programs on the machine do not spoil, and by the clock."""
    work()
    clock, used = time.perf_counter(), time.process_time()
    work()
    clock, used = time.perf_counter() - clock, time.process_time() - used
    print(f"{name:44s} {pictures / used:7.1f} per processor second {pictures / clock:7.1f} per second")


def main() -> None:
    torch.set_num_threads(1)
    head = load_head()
    layer, triangles = MorphableLayer(head.model), torch.from_numpy(head.model.triangles).long()
    backdrops = load_backgrounds(None, "train")
    with torch.no_grad():
        for size in (128, 144, 160, 176):
            report(
                f"bare head, {len(triangles)} triangles, {size} px",
                lambda size=size: [render_batch(layer, triangles, size) for _ in range(COUNT // BATCH)],
                COUNT,
            )
    report("synthetic single face, 176 px", lambda: list(single_pictures("train", 0, COUNT, backdrops)), COUNT)


if __name__ == "__main__":
    main()
