"""Draw the default head for people to look at: `docs/sheets/head-*.jpg`; about a minute, without torch."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from commedia.characters.skin import paint_head
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import FACE_REGIONS, REGIONS, load_head
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll
from commedia.render.scene import Surface, View
from commedia.render.shade_numpy import render_mesh

SHEETS = Path(__file__).resolve().parents[1] / "docs" / "sheets"
JPEG_QUALITY = 80
FULL, FACE = (-0.010, 0.27), (-0.022, 0.185)
"""Height of the picture's centre and its extent, metres: the whole head, and the face alone."""


def main() -> None:
    """Draw all sheets, or those named."""
    sheets = {
        "units": _units,
        "identities": _identities,
        "components": _components,
        "regions": _regions,
        "landmarks": _landmarks,
        "mediapipe": _mediapipe,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheets", nargs="*", choices=[*sheets, []], help="which; all when left out")
    SHEETS.mkdir(parents=True, exist_ok=True)
    for name in parser.parse_args().sheets or sheets:
        path = SHEETS / f"head-{name}.jpg"
        cv2.imwrite(str(path), sheets[name]()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _units() -> np.ndarray:
    """Each unit at weight 1 from the front and from three quarters; `mouthClose` and `tongueOut` with an open jaw."""
    tiles = []
    for name in EXPRESSION_NAMES:
        weights = {name: 1.0}
        if name in ("mouthClose", "tongueOut"):
            weights["jawOpen"] = 1.0 if name == "mouthClose" else 0.5
        # The three-quarter view shows the side that moves.
        yaw_deg = 35 if name.endswith("Right") else -35
        pair = [_picture(_head(expression=weights), yaw_deg=yaw, framing=FACE, side=145) for yaw in (0, yaw_deg)]
        tiles.append(_titled(np.hstack(pair), name))
    return _grid(tiles, columns=6)


def _identities() -> np.ndarray:
    """24 people drawn at random: every component a standard normal."""
    rng = np.random.default_rng(24)
    tiles = []
    for index in range(24):
        vertices = _head(identity=rng.standard_normal(IDENTITY_COUNT))
        pair = [_picture(vertices, yaw_deg=yaw, framing=FULL, side=170) for yaw in (0, -35)]
        tiles.append(_titled(np.hstack(pair), str(index + 1)))
    return _grid(tiles, columns=4)


def _components() -> np.ndarray:
    """The first components at -2.5, and +2.5 standard deviations; A marks antisymmetric ones."""
    head, tiles = load_head(), []
    for index in range(24):
        pair = [
            _picture(_head(identity=np.eye(IDENTITY_COUNT)[index] * by), framing=FULL, side=150) for by in (-2.5, 2.5)
        ]
        tiles.append(_titled(np.hstack(pair), f"{index}{'' if head.identity_mirror[index] > 0 else ' A'}"))
    return _grid(tiles, columns=6)


def _regions() -> np.ndarray:
    """Parsing regions in colours; what is not of the face mask is darker."""
    head = load_head()
    hues = np.linspace(0, 179, len(REGIONS), endpoint=False)[np.random.default_rng(2).permutation(len(REGIONS))]
    hsv = np.stack([hues, np.full(len(REGIONS), 130), [235 if n in FACE_REGIONS else 130 for n in REGIONS]], axis=1)
    palette = cv2.cvtColor(hsv[None].astype(np.uint8), cv2.COLOR_HSV2RGB)[0] / 255
    colours = palette[head.vertex_region]
    return np.hstack(
        [_picture(head.model.mean, yaw_deg=yaw, framing=FULL, side=420, colours=colours) for yaw in (0, -40, -90)]
    )


def _landmarks() -> np.ndarray:
    """The 68 points, numbered, on the mean head and on open mouth with closed eyes."""
    busy = _head(expression={"jawOpen": 0.6, "eyeBlinkLeft": 1, "eyeBlinkRight": 1})
    rows = []
    for vertices in (load_head().model.mean, busy):
        rows.append(np.hstack([_marked(vertices, "ibug68", yaw_deg=yaw, side=560) for yaw in (0, -40, -85)]))
    return np.vstack(rows)


def _mediapipe() -> np.ndarray:
    """The 478 points."""
    busy = _head(expression={"jawOpen": 0.6, "eyeBlinkLeft": 1})
    first = [_marked(load_head().model.mean, "mediapipe478", yaw_deg=yaw, side=560) for yaw in (0, -40)]
    return np.hstack([*first, _marked(busy, "mediapipe478", yaw_deg=0, side=560)])


def _head(*, identity: np.ndarray | None = None, expression: dict[str, float] | None = None) -> np.ndarray:
    weights = np.zeros(EXPRESSION_COUNT, dtype=np.float32)
    for name, weight in (expression or {}).items():
        weights[EXPRESSION_NAMES.index(name)] = weight
    who = np.zeros(IDENTITY_COUNT) if identity is None else identity
    return vertices_from_params(load_head().model, who, weights)


def _picture(
    vertices: np.ndarray,
    *,
    framing: tuple[float, float],
    side: int,
    yaw_deg: float = 0,
    colours: np.ndarray | None = None,
) -> np.ndarray:
    head = load_head()
    turned = (vertices @ _turn(yaw_deg).T).astype(np.float32)
    center, extent = framing
    view = View((_aside(yaw_deg), center), side / extent, side, side)
    normals = smooth_normals(turned, head.model.triangles)
    if colours is not None:
        surface = Surface(turned, head.model.triangles, normals, colours=colours, gloss=0.0)
    else:
        # One vertex per texture coordinate, since seams have several.
        owner = np.zeros(len(head.uv), dtype=np.int64)
        owner[head.uv_triangles] = head.model.triangles
        surface = Surface(turned[owner], head.uv_triangles, normals[owner], uv=head.uv, texture=paint_head())
    return render_mesh(surface, view, background=(40, 43, 48), cull_back=True)


def _marked(vertices: np.ndarray, scheme_name: str, *, yaw_deg: float, side: int) -> np.ndarray:
    """Draw the points over the head, numbered where they are few."""
    center, extent = FACE
    picture = _picture(vertices, yaw_deg=yaw_deg, framing=FACE, side=side).copy()
    turned = points(load_scheme(scheme_name), vertices) @ _turn(yaw_deg).T
    pixels = (turned[:, :2] - [_aside(yaw_deg), center]) * [1, -1] * side / extent + side / 2
    numbered = len(pixels) < 100
    for number, (x, y) in enumerate(pixels):
        cv2.circle(picture, (round(x), round(y)), 2 if numbered else 1, (40, 255, 90), -1, cv2.LINE_AA)
        if numbered:
            place = (round(x) + 3, round(y) - 3)
            cv2.putText(picture, str(number), place, cv2.FONT_HERSHEY_PLAIN, 0.75, (20, 30, 160), 1, cv2.LINE_AA)
    return picture


def _aside(yaw_deg: float) -> float:
    """Follow the middle of the head, which lies some centimetres behind the eyes, as it turns."""
    return -0.05 * float(np.sin(np.deg2rad(yaw_deg)))


def _turn(yaw_deg: float) -> np.ndarray:
    return matrix_from_wxyz(wxyz_from_yaw_pitch_roll(np.deg2rad(np.array([yaw_deg, 0.0, 0.0]))))


def _titled(picture: np.ndarray, title: str) -> np.ndarray:
    picture = picture.copy()
    cv2.putText(picture, title, (4, 13), cv2.FONT_HERSHEY_PLAIN, 0.9, (255, 240, 140), 1, cv2.LINE_AA)
    return picture


def _grid(tiles: Iterable[np.ndarray], *, columns: int) -> np.ndarray:
    tiles = list(tiles)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


if __name__ == "__main__":
    main()
