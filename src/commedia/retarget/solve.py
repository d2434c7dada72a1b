"""From a tracked face to a rig's pose: weights by name, the head's turn, gaze. Equal faces give equal poses."""

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.characters.look_at import LookAt, eye_angles_deg
from commedia.characters.vrm import read_vrm
from commedia.geometry.gaze import LOOKS, gaze_yaw_pitch
from commedia.geometry.rotations import canonical_wxyz, wxyz_from_yaw_pitch_roll
from commedia.retarget.mapping import Mapping, MorphMap, map_morphs
from commedia.structures import FaceParams, RigPose, TrackedFace

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


class Retargeter:
    """Turns faces into poses of one character."""

    def __init__(self, character: Character, *, mapping: str | Mapping | None = None):
        # Not the character: its shapes are megabytes, and everybody gets one of their own.
        self.rig = character.rig
        self.morphs: MorphMap = map_morphs(character, mapping)
        bones = character.rig.bones
        vrm = read_vrm(character.document)
        self._look_at = vrm.look_at if vrm is not None and vrm.look_at and vrm.look_at.kind == "bone" else None
        self._left_by_bone = bones.left_eye is not None and not self._has_looks("Left")
        self._right_by_bone = bones.right_eye is not None and not self._has_looks("Right")

    def pose(self, face: TrackedFace) -> RigPose:
        """Retarget one tracked face."""
        return self.pose_from_params(face.params)

    def pose_from_params(self, params: FaceParams) -> RigPose:
        """Retarget parameters. Where no face answers for a morph, it keeps the file's own weight."""
        expression = np.clip(params.expression.astype(np.float64), 0, 1)
        driven = self.morphs.morph_from_blendshape.any(axis=1)
        weights = np.where(driven, self.morphs.weights(expression), self.rig.rest_weights)
        by_bone = self._left_by_bone, self._right_by_bone
        gaze = gaze_from_expression(expression, self._look_at) if any(by_bone) else (IDENTITY, IDENTITY)
        left, right = (turn if turns else IDENTITY for turn, turns in zip(gaze, by_bone, strict=True))
        return RigPose(weights, canonical_wxyz(params.pose.wxyz.astype(np.float64)), left, right)

    def _has_looks(self, side: str) -> bool:
        return not any(look + side in self.morphs.missing for look in LOOKS)


def gaze_from_expression(
    expression: Float[np.ndarray, "e"], look_at: LookAt | None = None
) -> tuple[Float[np.ndarray, "4"], Float[np.ndarray, "4"]]:
    """Rotations (wxyz, head frame) of the left and the right eyeball that the eight `eyeLook*` weights stand for.

    A VRM's `look_at` says how far its eyes may turn: drawn eyes leave the face much sooner than a human's.
    """
    left, right = gaze_yaw_pitch(expression)
    if look_at is not None:
        left = np.deg2rad(eye_angles_deg(look_at, *np.rad2deg(left).tolist(), left=True))
        right = np.deg2rad(eye_angles_deg(look_at, *np.rad2deg(right).tolist(), left=False))
    return (wxyz_from_yaw_pitch_roll(np.array([*left, 0.0])), wxyz_from_yaw_pitch_roll(np.array([*right, 0.0])))
