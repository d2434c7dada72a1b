"""The turning of neck, head and eyes as BVH, which every motion tool reads, without blendshapes: BVH has no place.

A skeleton of its own, the same for every character: `Neck` carries `Head`, that carries `LeftEye` and `RightEye`. At
rest all joints are parallel to the head frame, and offsets are metres. Channels are `Yrotation Xrotation Zrotation` in
degrees, which in BVH means Ry Rx Rz: the yaw, pitch and roll of `conventions.py`.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.characters.bones import neck_and_head
from commedia.errors import BadRate
from commedia.face_model.model import Pivots, head_or_default
from commedia.files import FileWriter
from commedia.geometry.rotations import canonical_wxyz, yaw_pitch_roll_from_wxyz
from commedia.outputs.files.finite import require_finite_params
from commedia.retarget.solve import gaze_from_expression
from commedia.structures import FaceParams

JOINTS = ("Neck", "Head", "LeftEye", "RightEye")
ROTATIONS = "Yrotation Xrotation Zrotation"
NECK_M = 0.1
"""From the root of the neck up to the pivot of the head."""
EYE_M = 0.012
"""From the middle of an eyeball to its front, where the joint ends."""
COUNT_WIDTH = 12
"""Digits kept free for the number of frames, which is known only at the end."""


class BvhWriter(FileWriter):
    """Writes one person's BVH frame by frame."""

    def __init__(self, path: Path, rate: Fraction, pivots: Pivots | None = None):
        """Write frames at a fixed `rate` (see `resampled` for others) and a head's pivots (None: the default's)."""
        if rate <= 0:
            raise BadRate(path, "BVH", rate)
        super().__init__(path)
        self.rate, self._count = rate, 0
        text = f"{_hierarchy(pivots or head_or_default(None).pivots)}MOTION\nFrames: "
        self._count_at = len(text)
        # Ten digits of a second: an hour of frames drifts by less than a tenth of a millisecond.
        text += f"{'':{COUNT_WIDTH}}\nFrame Time: {float(1 / rate):.10f}\n"
        self._file.write(text.encode())

    def add(self, time_s: Fraction, params: FaceParams) -> None:
        """Write one frame; `time_s` must be the next of the fixed rate."""
        assert time_s * self.rate == self._count, f"frame {self._count} at {time_s} s is not at {self.rate} per second"
        require_finite_params(self.path, time_s, params)
        # Adding 0.0 turns -0.0 into 0.0.
        numbers = " ".join(f"{value + 0.0:.6f}" for value in np.round(joint_angles_deg(params), 6))
        self._file.write(f"0 0 0 {numbers}\n".encode())
        self._count += 1

    def _finish(self) -> None:
        self._file.overwrite(self._count_at, f"{self._count:<{COUNT_WIDTH}}".encode())


def joint_angles_deg(params: FaceParams) -> Float[np.ndarray, "12"]:
    """Yaw, pitch and roll of each of `JOINTS` against its parent."""
    neck, head = neck_and_head(canonical_wxyz(params.pose.wxyz.astype(np.float64)))
    eyes = gaze_from_expression(np.clip(params.expression.astype(np.float64), 0, 1))
    return np.rad2deg(yaw_pitch_roll_from_wxyz(np.stack([neck, head, *eyes]))).reshape(-1)


def _hierarchy(pivots: Pivots) -> str:
    lines = ["HIERARCHY", "ROOT Neck", "{", "\tOFFSET 0 0 0"]
    lines += [f"\tCHANNELS 6 Xposition Yposition Zposition {ROTATIONS}"]
    lines += ["\tJOINT Head", "\t{", f"\t\tOFFSET 0 {NECK_M} 0", f"\t\tCHANNELS 3 {ROTATIONS}"]
    for name, pivot in (("LeftEye", pivots.left_eye), ("RightEye", pivots.right_eye)):
        offset = " ".join(f"{value:.6f}" for value in pivot - pivots.head)
        lines += [f"\t\tJOINT {name}", "\t\t{", f"\t\t\tOFFSET {offset}", f"\t\t\tCHANNELS 3 {ROTATIONS}"]
        lines += ["\t\t\tEnd Site", "\t\t\t{", f"\t\t\t\tOFFSET 0 0 {EYE_M}", "\t\t\t}", "\t\t}"]
    # No end site of the head itself: some readers take one as a sign that a joint has no children.
    return "\n".join([*lines, "\t}", "}"]) + "\n"
