"""What a character gets in place of the take's own values: a person's neutral and range, its strength, what a face can
make, and the mirror."""

from dataclasses import dataclass, replace

from commedia.conventions import EXPRESSION_MIRROR
from commedia.face_model.calibration import Calibration
from commedia.geometry.rotations import mirrored_wxyz
from commedia.retarget.possible import possible_expression
from commedia.retarget.strength import require_strength, strengthened
from commedia.structures import FaceParams


@dataclass(frozen=True)
class PerformanceEdit:
    """How a performance is changed; the default leaves it to the source, see `strength`."""

    calibration: Calibration | None = None
    mirror: bool = False
    """Play it as a mirror would show it: the character's left does what the person's right does."""
    possible: bool = False
    """Of blendshapes that exclude each other let the weaker give way, see `possible.py`."""
    strength: float | None = None
    """How much stronger or weaker expressions are played than they were read, see `strength.py`; None is what the
    source asks for, which a `Cast` knows once it has begun, and as read without one."""

    def __post_init__(self) -> None:
        if self.strength is not None:
            require_strength(self.strength)

    def applied(self, params: FaceParams) -> FaceParams:
        """The parameters that characters play."""
        if self.calibration is not None:
            params = replace(params, expression=self.calibration.applied(params.expression))
        if self.strength is not None and self.strength != 1:
            params = replace(params, expression=strengthened(params.expression, self.strength))
        if self.possible:
            params = replace(params, expression=possible_expression(params.expression))
        return mirrored(params) if self.mirror else params


def mirrored(params: FaceParams) -> FaceParams:
    """Exchange left and right of what a face does; who it is and where it stands stay."""
    pose = replace(params.pose, wxyz=mirrored_wxyz(params.pose.wxyz))
    return replace(params, expression=params.expression[list(EXPRESSION_MIRROR)], pose=pose)
