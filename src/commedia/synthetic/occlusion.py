"""How much of the sky each point of the resting head sees: nostrils, lid folds and the back of the ears are dark."""

import numpy as np
import torch
from jaxtyping import Float

from commedia.face_model.model import HeadModel
from commedia.render.project import rotate, weak_perspective
from commedia.render.rasterize import barycentric_at, visible_triangles
from commedia.render.shade import vertex_normals

_VIEWS = 96
_SIZE = 224


def ambient_occlusion(head: HeadModel) -> Float[np.ndarray, "v"]:
    """Share of directions above the surface, weighted by their cosine, that no other skin blocks; 0 to 1 per vertex.

    Looks at the resting head from all sides with the renderer itself: a vertex is open to a direction when it lies on
    the visible surface. Teeth and tongue do not count as blockers nor as closed in.
    """
    mean = torch.from_numpy(head.model.mean)
    outer = torch.from_numpy((head.triangle_part < 3)[:, None] * head.model.triangles).long()
    normals = vertex_normals(mean[None], torch.from_numpy(head.model.triangles).long())[0]
    wxyz = torch.nn.functional.normalize(torch.randn(_VIEWS, 4, generator=torch.Generator().manual_seed(4)), dim=1)
    rotated = rotate(mean.expand(_VIEWS, -1, -1), wxyz)
    place = torch.full((_VIEWS, 2), _SIZE / 2), torch.full((_VIEWS,), 650.0)
    # Shift towards the middle of the head so that the crown stays in the picture.
    middle = rotate(torch.tensor([[[0.0, -0.03, -0.06]]]).expand(_VIEWS, 1, 3), wxyz)
    points = weak_perspective(rotated - middle, *place)
    facing = rotate(normals.expand(_VIEWS, -1, -1), wxyz)[..., 2].clamp_min(0)
    seen = visible_triangles(points, outer, (_SIZE, _SIZE))
    column = points[..., 0].floor().long().clamp(0, _SIZE - 1)
    row = points[..., 1].floor().long().clamp(0, _SIZE - 1)
    view = torch.arange(_VIEWS)[:, None].expand(column.shape)
    triangle = seen[view, row, column].clamp_min(0)
    corners = outer[triangle.reshape(-1)]
    pixel = (row * _SIZE + column).reshape(-1)
    weights = barycentric_at(points, corners, view.reshape(-1), pixel, _SIZE).clamp(0, 1)
    depth = points[..., 2].reshape(-1)[(view.reshape(-1) * len(mean))[:, None] + corners]
    nearest = (weights * depth).sum(1).reshape(_VIEWS, -1)
    open_to = (points[..., 2] < nearest + 0.004).float()
    return ((open_to * facing).sum(0) / facing.sum(0).clamp_min(1e-6)).numpy().astype(np.float32)
