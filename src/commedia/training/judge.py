"""How good an SFN is on held-back faces, by all of what loudness, silence and luck cannot improve together."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.evaluation.metrics import correlation, geodesic_deg, unit_scores


class Verdict(NamedTuple):
    """Expression over all blendshapes of drawn faces, head pose and points."""

    auc: float
    """Mean over blendshapes: active above resting."""
    correlation: float
    """Median over blendshapes."""
    everywhere: float
    """Mean absolute error of all blendshapes."""
    resting: float
    """Mean answer where the truth is 0."""
    active: float
    """Mean absolute error where the truth is above 0.5."""
    pose_deg: float
    pose_beyond_60_deg: float
    nme: float
    """68 points of the head model, % of the root of the box's area."""
    points: float
    """The same of the points that place the patches."""

    def __str__(self) -> str:
        return (
            f"AUC {self.auc:.3f} corr {self.correlation:.3f} all {self.everywhere:.3f} rest {self.resting:.3f} "
            f"active {self.active:.3f} pose {self.pose_deg:.1f}/{self.pose_beyond_60_deg:.1f} deg "
            f"NME {self.nme:.2f} points {self.points:.2f}"
        )


def judged(
    expression: Float[np.ndarray, "n 52"],
    true_expression: Float[np.ndarray, "n 52"],
    wxyz: Float[np.ndarray, "n 4"],
    true_wxyz: Float[np.ndarray, "n 4"],
    landmarks: Float[np.ndarray, "n 68 2"],
    points: Float[np.ndarray, "n 68 2"],
    true_landmarks: Float[np.ndarray, "n 68 2"],
) -> Verdict:
    """Measure predictions, row by row, against exact truth."""
    scores = unit_scores(expression, true_expression)
    alike = [correlation(a, b) for a, b in zip(expression.T, true_expression.T, strict=True)]
    w, x, y, z = true_wxyz.T
    yaw = np.degrees(np.arctan2(2 * (w * y + x * z), 1 - 2 * (x * x + y * y)))
    turned, wide = geodesic_deg(wxyz, true_wxyz), np.abs(yaw) > 60
    root = np.sqrt(np.ptp(true_landmarks, axis=1).prod(-1))
    nme, points_nme = (
        100 * float((np.linalg.norm(some - true_landmarks, axis=-1).mean(1) / root).mean()) for some in (landmarks, points)
    )
    error = np.abs(expression - true_expression)
    return Verdict(
        float(np.nanmean([score.ranking for score in scores])), float(np.median(alike)), float(error.mean()),
        float(expression[true_expression == 0].mean()), float(error[true_expression > 0.5].mean()),
        float(turned[~wide].mean()), float(turned[wide].mean()) if wide.any() else float("nan"), nme, points_nme,
    )  # fmt: skip
