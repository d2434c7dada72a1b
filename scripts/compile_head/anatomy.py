"""The iBUG-68 points on the head: rings for lids and lips, MediaPipe's for nose, brows and jaw."""

from dataclasses import dataclass

import numpy as np
from surface import SurfacePoint, along_path, at_vertex, nearest, nearest_on_edges

from commedia.conventions import LANDMARK_MIRROR

# MediaPipe's face oval on the subject's left, from the chin to the temple.
LEFT_OVAL = (152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356, 389)
# The jaw line ends before the ear at eye height.
CONTOUR_TOP_M = 0.004


@dataclass(frozen=True)
class Rings:
    """Left halves in head numbers, each from the inner end (nose side or midline) to the outer corner."""

    lid_upper: list[int]
    lid_lower: list[int]
    border_upper: list[int]
    border_lower: list[int]
    rim_upper: list[int]
    rim_lower: list[int]


@dataclass(frozen=True)
class Surface:
    """The mean head as the landmark tables need it: which triangles a point may lie on, and who faces the viewer."""

    mean: np.ndarray
    mirror: np.ndarray
    face: np.ndarray
    midline: np.ndarray
    """Edges whose two ends are on the midline of the face's outside."""


def half_rings(loops: dict[str, list[int]], mean: np.ndarray) -> Rings:
    """Cut the rings into upper and lower arcs: lids at both corners, lips at the midline and the left corner."""
    lid_upper, lid_lower = _arcs(loops["lid"], mean, start=int(np.argmin(mean[loops["lid"], 0])))
    halves = []
    for name in ("border", "rim"):
        loop = loops[name]
        # A lip ring starts at its upper midpoint; height cannot tell, since the rims overlap.
        upper, lower = _arcs(loop, mean, start=0)
        # The arc that starts at the top runs over the corner to the other side; cut both at the midline.
        left = upper if mean[upper[1], 0] > 0 else lower
        bottom = next(i for i, v in enumerate(left) if i and abs(mean[v, 0]) < 1e-7)
        corner = int(np.argmax(mean[left[: bottom + 1], 0]))
        halves += [left[: corner + 1], left[corner : bottom + 1][::-1]]
    return Rings(lid_upper, lid_lower, *halves)


def left_and_middle(surface: Surface, rings: Rings, teacher: dict[int, np.ndarray]) -> dict[int, SurfacePoint]:
    """Place the points of the subject's left side and the midline; `teacher` holds MediaPipe's mean positions."""
    mean, found = surface.mean, {}
    for number, source in {22: (336, 285), 23: (296, 295), 24: (334, 282), 25: (293, 283), 26: (300, 276)}.items():
        found[number] = nearest(sum(teacher[i] for i in source) / 2, mean, surface.face)
    top, tip = teacher[168], teacher[4]
    for number, share in zip((27, 28, 29, 30), (0, 1 / 3, 2 / 3, 1), strict=True):
        found[number] = nearest_on_edges(top + share * (tip - top), mean, surface.midline)
    found[33] = nearest_on_edges(teacher[2], mean, surface.midline)
    found[34] = nearest(teacher[326], mean, surface.face)
    found[35] = nearest(teacher[327], mean, surface.face)
    found[42], found[45] = at_vertex(rings.lid_upper[0]), at_vertex(rings.lid_upper[-1])
    found[43], found[44] = (along_path(rings.lid_upper, mean, share) for share in (0.34, 0.66))
    found[47], found[46] = (along_path(rings.lid_lower, mean, share) for share in (0.34, 0.66))
    found |= _mouth(rings, mean)
    return found | _contour(surface, teacher)


def completed(found: dict[int, SurfacePoint], mirror: np.ndarray) -> list[SurfacePoint]:
    """Mirror the left side to the right."""
    return [
        found[number] if number in found else found[LANDMARK_MIRROR[number]].mirrored(mirror) for number in range(68)
    ]


def _mouth(rings: Rings, mean: np.ndarray) -> dict[int, SurfacePoint]:
    upper, lower = rings.border_upper, rings.border_lower
    peak = int(np.argmax(mean[upper, 1]))
    return {
        51: at_vertex(upper[0]),
        52: at_vertex(upper[peak]),
        53: along_path(upper[peak:], mean, 0.5),
        54: at_vertex(upper[-1]),
        55: along_path(lower, mean, 0.66),
        56: along_path(lower, mean, 0.32),
        57: at_vertex(lower[0]),
        62: at_vertex(rings.rim_upper[0]),
        63: along_path(rings.rim_upper, mean, 0.42),
        64: at_vertex(rings.rim_upper[-1]),
        65: along_path(rings.rim_lower, mean, 0.42),
        66: at_vertex(rings.rim_lower[0]),
    }


def _contour(surface: Surface, teacher: dict[int, np.ndarray]) -> dict[int, SurfacePoint]:
    """Walk the jaw line from the chin to the ear on the left: points 8 to 16, evenly by length.

    Seen from the front it is the outline of the face, seen from the side the lower edge of the jaw; MediaPipe's oval is
    both at once.
    """
    line = np.array([teacher[number] for number in LEFT_OVAL])
    steps = np.concatenate([[0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    stop = np.interp(CONTOUR_TOP_M, line[-4:, 1], steps[-4:])
    wanted = np.linspace(0, stop, 9)
    positions = np.stack([np.interp(wanted, steps, line[:, axis]) for axis in range(3)], axis=1)
    found = {8 + k: nearest(positions[k], surface.mean, surface.face) for k in range(1, 9)}
    return found | {8: nearest_on_edges(positions[0], surface.mean, surface.midline)}


def _arcs(loop: list[int], mean: np.ndarray, *, start: int) -> tuple[list[int], list[int]]:
    """Open a loop at one place into two arcs that end at its largest x: the one that runs higher first."""
    turned = loop[start:] + loop[:start]
    end = int(np.argmax(mean[turned, 0]))
    if abs(mean[turned[0], 0]) < 1e-7:
        return turned + turned[:1], (turned[:1] + turned[1:][::-1]) + turned[:1]
    first, second = turned[: end + 1], (turned[end:] + turned[:1])[::-1]
    return (first, second) if mean[first, 1].mean() > mean[second, 1].mean() else (second, first)
