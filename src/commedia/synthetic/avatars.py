"""Heads that are not ours perform: a glTF character with ARKit's blendshapes to pictures with the truth about each.

Its morphs are added up, the character is turned, lit and drawn; expression, pose and the 68 points are exact as far as
the file's own face frame is (`commedia rig make` writes it). Nobody knows its identity in our terms.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64, UInt8

from commedia.characters.character import Character, Mesh, Primitive
from commedia.characters.face_frame import FaceFrame, face_frame_of
from commedia.characters.gltf import read_character
from commedia.characters.posing import Poser
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES, plain_morph
from commedia.data.sample import FaceSample
from commedia.errors import BadCharacter
from commedia.geometry.meshes import weld
from commedia.render.colour_numpy import sample_texture
from commedia.render.project import perspective, rotate, weak_perspective
from commedia.render.rasterize import interpolate, rasterize
from commedia.render.shade import vertex_normals
from commedia.structures import Box, HeadPose
from commedia.synthetic.heads import DrawnHead, on_screen, weak_fit
from commedia.synthetic.performers import Performer
from commedia.synthetic.skin import light_on

AROUND_M = 0.27
"""What is farther than this from the head's middle, in the head frame, is not drawn."""
TEXTURE_PX = 512
"""Longest side of a texture: a face of some hundred pixels shows no more, and would flicker."""
GLOSS = 0.03
UNSEEN = "_trans"
"""End of the names of meshes that are clear as glass, whatever their material says: VALID's corneas."""
HELD_BACK = ("Asian_F_1", "Black_M_3", "Hispanic_F_1", "White_M_2", "brunette-t")
"""Beginnings of the names of characters that nothing is trained on: `evaluate avatars` tests with them."""


@dataclass(frozen=True)
class Avatar:
    """A character's head at rest in the head frame, metres, ready to be drawn."""

    name: str
    vertices: Float[np.ndarray, "v 3"]
    triangles: Int[np.ndarray, "t 3"]
    morphs: Float[np.ndarray, "52 v 3"]
    has: Bool[np.ndarray, "52"]
    """Which of the 52 it can show."""
    paint: Int[np.ndarray, "t"]
    """Number of each triangle's texture, or -1."""
    uv: Float[np.ndarray, "v 2"]
    colours: Float[np.ndarray, "v 3"]
    """Linear; multiplies the texture."""
    textures: tuple[UInt8[np.ndarray, "h w 4"], ...]
    places: Int[np.ndarray, "v"]
    """Vertices at one place have one number: normals do not break at seams."""
    welded: Int[np.ndarray, "t 3"]
    marks: FaceFrame
    """Landmarks on `vertices`."""


def held_back(name: str) -> bool:
    """Say whether a character is one of those that are never trained on."""
    return name.startswith(HELD_BACK)


def read_avatar(path: Path) -> Avatar:
    """Read a character with a face frame; raises BadCharacter."""
    return avatar_of(*read_with_face(path), path.stem)


def read_with_face(path: Path) -> tuple[Character, FaceFrame]:
    """Read a character, and where its face is; raises BadCharacter when it does not say that."""
    character = read_character(path)
    frame = face_frame_of(character.document)
    if frame is None:
        raise BadCharacter(
            f"{character.name} does not say where its face is; 'commedia rig make {path} --replace' writes that, "
            "or --add"
        )
    return character, frame


def avatar_of(character: Character, frame: FaceFrame, name: str) -> Avatar:
    """Take what is near the head out of a character, its morphs by the blendshapes' names."""
    return _near(whole_avatar(character, frame, name))


def whole_avatar(character: Character, frame: FaceFrame, name: str) -> Avatar:
    """As `avatar_of`, from head to foot, vertices in the order of the file."""
    rows = _rows(character)
    poser = Poser(character)
    vertices, morphs, triangles, paint, uv, colours = [], [], [], [], [], []
    textures: dict[int, int] = {}
    pictures: list[np.ndarray] = []
    start = 0
    for piece, positions in poser.at_rest():
        mesh = character.meshes[piece.mesh]
        primitive = mesh.primitives[piece.primitive]
        moved = _moved(mesh, primitive, poser.scene_from_mesh(piece)[:, :, :3], rows)
        vertices.append(frame.head_from_scene.points(positions.astype(np.float64)))
        morphs.append(frame.head_from_scene.offsets(moved))
        drawn = primitive.triangles[: 0 if mesh.name.endswith(UNSEEN) else None]
        triangles.append(drawn.astype(np.int64) + start)
        paint.append(np.full(len(drawn), _picture(character, primitive, textures, pictures)))
        uv.append(np.zeros((len(positions), 2)) if primitive.uv is None else primitive.uv)
        colours.append(_colours(character, primitive))
        start += len(positions)
    if frame.vertices.max() >= start:
        raise BadCharacter(f"{name}: its face frame names vertex {frame.vertices.max()} of {start}")
    points, corners = np.concatenate(vertices), np.concatenate(triangles)
    places = weld(points)[0]
    return Avatar(
        name, points.astype(np.float32), corners, np.concatenate(morphs, axis=1).astype(np.float32),
        _has(character, rows), np.concatenate(paint), np.concatenate(uv).astype(np.float32),
        np.concatenate(colours).astype(np.float32), tuple(pictures), places, places[corners].astype(np.int64), frame,
    )  # fmt: skip


def _moved(
    mesh: Mesh, primitive: Primitive, linear: Float[np.ndarray, "n 3 3"], rows: Int[np.ndarray, "m"]
) -> Float[np.ndarray, "52 v 3"]:
    """How each blendshape moves a piece, in the scene."""
    moved = np.zeros((EXPRESSION_COUNT, len(primitive.positions), 3), dtype=np.float32)
    for target, rig_row in enumerate(mesh.rig_index):
        if rows[rig_row] >= 0:
            moved[rows[rig_row]] = np.einsum("...nij,nj->ni", linear, primitive.morphs[target])
    return moved


def _rows(character: Character) -> Int[np.ndarray, "m"]:
    """The blendshape of each morph of the rig, or -1."""
    known = {plain_morph(name): number for number, name in enumerate(EXPRESSION_NAMES)}
    return np.array([known.get(plain_morph(name), -1) for name in character.rig.morph_names], dtype=np.int64)


def _has(character: Character, rows: np.ndarray) -> Bool[np.ndarray, "52"]:
    has = np.zeros(EXPRESSION_COUNT, dtype=bool)
    has[rows[(rows >= 0) & character.rig.effective]] = True
    return has


def _picture(character: Character, primitive: Primitive, known: dict[int, int], pictures: list[np.ndarray]) -> int:
    image = character.materials[primitive.material].image
    if image is None or primitive.uv is None:
        return -1
    if id(image) not in known:
        known[id(image)] = len(pictures)
        factor = min(1.0, TEXTURE_PX / max(image.shape[:2]))
        pictures.append(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
    return known[id(image)]


def _colours(character: Character, primitive: Primitive) -> Float[np.ndarray, "v 3"]:
    factor = np.array(character.materials[primitive.material].colour[:3], dtype=np.float32)
    own = np.ones((len(primitive.positions), 3), dtype=np.float32)
    return factor * (own if primitive.colours is None else primitive.colours[:, :3])


def _near(whole: Avatar) -> Avatar:
    triangles = whole.triangles
    near = (np.linalg.norm(whole.vertices, axis=1) < AROUND_M)[triangles].all(axis=1)
    marks = whole.marks.vertices
    used, own = np.unique(np.concatenate([triangles[near].ravel(), marks.ravel()]), return_inverse=True)
    kept, corners = own[: 3 * int(near.sum())].reshape(-1, 3), own[3 * int(near.sum()) :].reshape(-1, 3)
    places = weld(whole.vertices[used])[0]
    return replace(
        whole, vertices=whole.vertices[used], triangles=kept, morphs=whole.morphs[:, used], paint=whole.paint[near],
        uv=whole.uv[used], colours=whole.colours[used], places=places, welded=places[kept].astype(np.int64),
        marks=replace(whole.marks, vertices=corners),
    )  # fmt: skip


@torch.no_grad()
def draw_avatar(avatar: Avatar, performer: Performer, size: int, side_px: float, offset_px: np.ndarray) -> DrawnHead:
    """Draw a character in the place of a performer, whose expression, sizes, pose, light and camera it takes.

    As `draw_heads`: a square of `size` pixels, `side_px` the longer side of the landmarks' box.
    """
    truth = performer.truth
    weights = (truth.expression * performer.sizes * avatar.has).astype(np.float32)
    active = np.flatnonzero(weights)
    posed = avatar.vertices + np.tensordot(weights[active], avatar.morphs[active], axes=1)
    rotated = rotate(torch.from_numpy(posed)[None], torch.from_numpy(truth.wxyz)[None])
    corners = torch.from_numpy(avatar.marks.vertices)
    marks3 = (rotated[:, corners] * torch.from_numpy(avatar.marks.weights.astype(np.float32))[..., None]).sum(2)
    origin, scale = _placed(marks3, performer.distance_m, size, side_px, offset_px)
    points = _projected(rotated, origin, scale, performer.distance_m)
    marks = _projected(marks3, origin, scale, performer.distance_m)[..., :2]
    colour, alpha = _coloured(avatar, performer, rotated, points, size)
    place, px_per_m = weak_fit(marks3, marks)
    landmarks = marks[0].numpy()
    face = FaceSample(
        box=_box(landmarks),
        landmarks_px=landmarks,
        landmark_kind="synthetic",
        pose=HeadPose(truth.wxyz, place[0].numpy(), float(px_per_m[0])),
        identity=None,
        expression=(truth.expression * avatar.has).astype(np.float32),
        expression_weight=avatar.has.astype(np.float32),
        identity_name=avatar.name,
    )
    return DrawnHead(on_screen(colour.numpy(), alpha.numpy(), size), face)


def _projected(rotated: torch.Tensor, origin: torch.Tensor, scale: torch.Tensor, distance_m: float) -> torch.Tensor:
    if np.isinf(distance_m):
        return weak_perspective(rotated, origin, scale)
    return perspective(rotated, origin, scale, torch.full((1,), float(distance_m)))


def _placed(
    marks: torch.Tensor, distance_m: float, size: int, side_px: float, offset_px: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    flat = _projected(marks, torch.zeros(1, 2), torch.ones(1), distance_m)[..., :2]
    low, high = flat.amin(1), flat.amax(1)
    scale = float(side_px) / (high - low).amax(1)
    centre = size / 2 + torch.from_numpy(np.asarray(offset_px, np.float32))[None]
    return centre - scale[:, None] * (low + high) / 2, scale


def _box(landmarks: Float[np.ndarray, "68 2"]) -> Box:
    """The face's box: that of the landmarks, and a forehead above it."""
    (left, top), (right, bottom) = landmarks.min(axis=0).tolist(), landmarks.max(axis=0).tolist()
    return Box(left, top - FOREHEAD * (bottom - top), right, bottom)


FOREHEAD = 0.3
"""Of the landmarks' height: from the brows to the hairline."""


def _coloured(
    avatar: Avatar, performer: Performer, rotated: torch.Tensor, points: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear colour and opacity of every pixel."""
    triangles = torch.from_numpy(avatar.triangles)
    raster = rasterize(points, triangles, (size, size), cull=False)
    welded = torch.zeros(1, int(avatar.places.max()) + 1, 3)
    places = torch.from_numpy(avatar.places.astype(np.int64))
    welded[0, places] = rotated[0]
    normals = vertex_normals(welded, torch.from_numpy(avatar.welded))[:, places]
    carried = interpolate(
        torch.cat([normals, torch.from_numpy(avatar.uv)[None], torch.from_numpy(avatar.colours)[None]], -1),
        triangles,
        raster,
    )
    normal = torch.nn.functional.normalize(carried[:, :3], dim=1)
    normal = normal * torch.where(normal[:, 2:] < 0, -1.0, 1.0)
    albedo = carried[:, 5:8] * _texels(avatar, raster.triangle.numpy(), carried[:, 3:5].numpy())
    light = performer.light
    lit = albedo * torch.from_numpy(light_on(normal.float().numpy(), light))
    if len(light.directions):
        half = torch.from_numpy(light.directions[0]) + torch.tensor([0.0, 0.0, 1.0])
        shine = (normal @ (half / half.norm().clamp_min(1e-3))).clamp(1e-4, 1) ** 20
        lit = lit + GLOSS * shine[:, None] * torch.from_numpy(light.colours[0])
    colour, alpha = torch.zeros(size * size, 3), torch.zeros(size * size)
    colour[raster.pixel], alpha[raster.pixel] = lit, 1.0
    return colour, alpha


def _texels(avatar: Avatar, triangle: Int64[np.ndarray, "n"], uv: Float[np.ndarray, "n 2"]) -> torch.Tensor:
    found = np.ones((len(triangle), 3), dtype=np.float32)
    which = avatar.paint[triangle]
    for number, texture in enumerate(avatar.textures):
        mine = np.flatnonzero(which == number)
        found[mine] = sample_texture(texture, uv[mine])[0]
    return torch.from_numpy(found)
