"""Find the 68 landmarks of a character by looking at it: it is drawn from many sides, and our own networks read it.

Works where the networks see a face, which takes one like a person's; a mask, an animal or a robot needs `--landmarks`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from commedia.characters.posing import PosedPrimitive, Poser
from commedia.conventions import LANDMARK_COUNT
from commedia.errors import CommediaError
from commedia.face_model.model import HeadModel
from commedia.faces.crop import crop_from_box, crop_from_landmarks
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.mfn import open_mfn
from commedia.faces.protocol import DetectorProtocol
from commedia.faces.sfn import SfnPredictor, open_sfn
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle
from commedia.render.rasterize_numpy import rasterize
from commedia.render.scene import View, framing_view
from commedia.render.shade_numpy import render_mesh
from commedia.rigging.registration import Landmarks
from commedia.rigging.sculpt import Sculpt
from commedia.rigging.sheet import surface_of
from commedia.structures import Face, FaceParams, RigPose

SIDE_PX = 512
LEAST_CONFIDENCE = 0.35
"""Of a face in a render; a real person's are above 0.9."""
TURNS_DEG = (-20.0, -10.0, 0.0, 10.0, 20.0)
"""Views round the face whose candidates are put together."""
CLAY = np.array([[0.86, 0.70, 0.62]])
BACKDROP = (118, 124, 132)
CLOSE = 1.9
"""Side of the picture over the side of the face."""
FAR_HALF = 0.12
"""Of the face's side: how far past its middle points are believed in a view from the other side."""
JAW_LINE, BROWS_END = 17, 27
"""Landmarks before these are the jaw line's, and the brows'."""
JAW_WEIGHT, BROW_WEIGHT, WEIGHT = 0.0005, 0.001, 0.006
"""Weights, against 1 for a landmark that somebody picked. Points of the jaw line are where the outline is, which is
another place in every view, and clay has no brows; the others are some 3 mm off."""
ROUNDS = 2
SECOND_LOOKS = 4
"""How often a face is read again, in the crop of the points read last. After two times, lips of a bundled character in
a box that lacks the chin lay up to 9 % of the face off (a script that is not kept), after four within 1 % (a test)."""


class NoFaceSeen(CommediaError):
    """A character in whose pictures the networks find no face."""


@dataclass(frozen=True)
class _Stage:
    """A character that can be drawn from anywhere."""

    pieces: list[PosedPrimitive]
    sculpt: Sculpt

    def picture(self, camera_from_scene: Float[np.ndarray, "3 3"], view: View) -> UInt8[np.ndarray, "h w 3"]:
        return render_mesh(
            [surface_of(piece, camera_from_scene, CLAY) for piece in self.pieces], view, background=BACKDROP
        )


def find_landmarks(sculpt: Sculpt, head: HeadModel | None = None) -> Landmarks:
    """Look for the face from all sides, then look at it closely, and put a head's landmarks on the surface."""
    stage = _stage(sculpt)
    mfn, sfn = open_mfn(threshold=0.1, head=head), open_sfn(flip_average=True, head=head)
    camera, center, side, confidence = _search(stage, mfn)
    if confidence < LEAST_CONFIDENCE:
        raise NoFaceSeen(
            f"no face was seen on {sculpt.character.name} from any side (most sure {confidence:.0%}, needed "
            f"{LEAST_CONFIDENCE:.0%}); name its landmarks in a file instead: --landmarks pairs.toml"
        )
    for _ in range(ROUNDS):
        camera, center, side = _look_ahead(stage, mfn, sfn, camera, center, side)
    return _collect(stage, mfn, sfn, camera, center, side)


def _stage(sculpt: Sculpt) -> _Stage:
    straight = wxyz_from_axis_angle(np.zeros(3))
    pose = RigPose(sculpt.character.rig.rest_weights, straight, straight, straight)
    return _Stage(Poser(sculpt.character).pose(pose), sculpt)


def _search(stage: _Stage, mfn: DetectorProtocol) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return the best view's rotation, the face's centre in the camera (x, y), its side, and how sure it is."""
    best = (np.eye(3), np.zeros(2), 1.0, 0.0)
    # Upright as glTF says, then as tools with z up write OBJ files; then upside down.
    for up in (np.eye(3), _turn("x", -90.0), _turn("x", 90.0)):
        for yaw_deg in (0.0, 180.0, 90.0, -90.0, 45.0, -45.0, 135.0, -135.0):
            camera = _turn("y", yaw_deg) @ up
            placed = stage.sculpt.vertices @ camera.T
            for view in _views(placed):
                for face in mfn.detect(stage.picture(camera, view))[:1]:
                    if face.confidence > best[3] + 0.02:
                        best = (camera, *_in_camera(face, view), face.confidence)
        if best[3] > 0.8:
            break
    return best


def _views(placed: Float[np.ndarray, "w 3"]) -> list[View]:
    """The whole, and what is on top of a standing figure."""
    whole = framing_view(placed, SIDE_PX, SIDE_PX, margin=0.12)
    low, high = placed.min(axis=0), placed.max(axis=0)
    views = [whole]
    if high[1] - low[1] > 1.6 * (high[2] - low[2]):
        for share in (0.25, 0.15):
            top = placed[placed[:, 1] > high[1] - share * (high[1] - low[1])]
            views.append(framing_view(top, SIDE_PX, SIDE_PX, margin=0.2))
    return views


def _in_camera(face: Face, view: View) -> tuple[np.ndarray, float]:
    """Centre and side of a face's box in the camera's x-y plane."""
    x, y = face.box.center_px
    center = np.array([x - view.width / 2, view.height / 2 - y]) / view.px_per_unit + view.center
    return center, max(face.box.width_px, face.box.height_px) / view.px_per_unit


def _look_ahead(
    stage: _Stage, mfn: DetectorProtocol, sfn: SfnPredictor, camera: np.ndarray, center: np.ndarray, side: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Turn the camera to where the face looks, as SFN sees it."""
    view = _close(center, side)
    image = stage.picture(camera, view)
    faces = mfn.detect(image)
    if not faces:
        return camera, center, side
    params = _read(image, faces[0], sfn)
    pivot = _middle(stage, camera, view)
    turned = matrix_from_wxyz(params.pose.wxyz).T @ camera
    center, side = _in_camera(faces[0], view)
    # The face's middle stays in the middle when the camera goes round it.
    return turned, (turned @ camera.T @ pivot)[:2], side


def _read(image: UInt8[np.ndarray, "h w 3"], found: Face, sfn: SfnPredictor) -> FaceParams:
    """The face in its box, and again in the crops its own points ask for: boxes of drawn people may lack the chin."""
    params = sfn.regress(image, [crop_from_box(found.box)])[0]
    for _ in range(SECOND_LOOKS):
        params = sfn.regress(image, [crop_from_landmarks(landmarks_of_faces([params], sfn.head)[0])])[0]
    return params


def _close(center: np.ndarray, side: float) -> View:
    return View((float(center[0]), float(center[1])), SIDE_PX / (CLOSE * side), SIDE_PX, SIDE_PX)


def _middle(stage: _Stage, camera: np.ndarray, view: View) -> Float[np.ndarray, "3"]:
    """The surface point in the middle of a view, in the camera."""
    hit = _surface_points(stage, camera, view, np.array([[view.width / 2, view.height / 2]]))[0]
    depth = hit[2] if np.isfinite(hit).all() else float((stage.sculpt.vertices @ camera.T)[:, 2].mean())
    return np.array([*view.center, depth])


def _surface_points(
    stage: _Stage, camera: np.ndarray, view: View, pixels: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 3"]:
    """What is seen at pixels, in the camera; NaN where there is nothing."""
    placed = stage.sculpt.vertices @ camera.T
    seen = rasterize(view.pixels(placed), stage.sculpt.triangles, view.height, view.width)
    column, row = np.clip(pixels.astype(np.int64), 0, [view.width - 1, view.height - 1]).T
    triangle = seen.triangle[row, column]
    points = np.einsum("nk,nkc->nc", seen.barycentric[row, column], placed[stage.sculpt.triangles[triangle]])
    points[triangle < 0] = np.nan
    return points


def _collect(
    stage: _Stage, mfn: DetectorProtocol, sfn: SfnPredictor, camera: np.ndarray, center: np.ndarray, side: float
) -> Landmarks:
    """Read the face from several sides, and take the median of where each landmark meets the surface."""
    pivot = _middle(stage, camera, _close(center, side))
    found = np.full((len(TURNS_DEG), LANDMARK_COUNT, 3), np.nan)
    for number, yaw_deg in enumerate(TURNS_DEG):
        turn = _turn("y", yaw_deg)
        own, near = turn @ camera, _close((turn @ pivot)[:2], side)
        image = stage.picture(own, near)
        faces = mfn.detect(image)
        if faces:
            pixels = landmarks_of_faces([_read(image, faces[0], sfn)], sfn.head)[0]
            found[number] = _surface_points(stage, own, near, pixels) @ own
            # Points of the far half of the face lie on its outline in this view, or behind.
            middle = float(np.median(pixels[JAW_LINE:, 0]))
            found[number, (pixels[:, 0] - middle) * np.sign(yaw_deg) > FAR_HALF * SIDE_PX / CLOSE] = np.nan
    known = np.flatnonzero(np.isfinite(found).all(axis=2).any(axis=0))
    points = np.nanmedian(found[:, known], axis=0)
    weights = np.where(known < JAW_LINE, JAW_WEIGHT, np.where(known < BROWS_END, BROW_WEIGHT, WEIGHT))
    return Landmarks(known, points, weights)


def _turn(axis: str, angle_deg: float) -> Float[np.ndarray, "3 3"]:
    vector = np.zeros(3)
    vector["xyz".index(axis)] = np.deg2rad(angle_deg)
    return matrix_from_wxyz(wxyz_from_axis_angle(vector))
