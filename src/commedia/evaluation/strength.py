"""Expressions and their truth to a table of what playing them stronger is worth (`--strength`)."""

import numpy as np
from jaxtyping import Bool, Float

from commedia.evaluation.metrics import ACTIVE, correlation
from commedia.evaluation.report import Table
from commedia.retarget.strength import STAYS, strengthened

STRENGTHS = (1.0, 1.25, 1.5, 2.0)
COLUMNS = (
    "strength", "mean error", f"where truth > {ACTIVE}", "amount there", "where truth is 0 (mean)", "correlation"
)  # fmt: skip
NOTES = (
    f"`--strength` of retarget, stream and live: weights above {STAYS} grow, others shrink, but for blinks and gaze.",
    f"Amount: mean of what is played over the mean of the truth, where that is above {ACTIVE}; 1 is right.",
    "Correlation: median over blendshapes. Ranks, and so AUC, stay.",
)


def strength_table(
    name: str, said: Float[np.ndarray, "n 52"], truth: Float[np.ndarray, "n 52"], known: Bool[np.ndarray, "n 52"]
) -> Table:
    """Errors of what was read, played at several strengths, over all that is known."""
    active, resting = known & (truth > ACTIVE), known & (truth == 0)
    rows = []
    for strength in STRENGTHS:
        played = strengthened(said, strength)
        error = np.abs(played - truth)
        amount = _mean(played[active]) / _mean(truth[active])
        follows = float(np.nanmedian(_correlations(played, truth, known)))
        rows.append((strength, _mean(error[known]), _mean(error[active]), amount, _mean(played[resting]), follows))
    return Table(f"{name}-strength", "Played stronger", COLUMNS, tuple(rows), NOTES)


def _correlations(played: np.ndarray, truth: np.ndarray, known: np.ndarray) -> list[float]:
    columns = zip(played.T, truth.T, known.T, strict=True)
    return [correlation(ours[there], true[there]) for ours, true, there in columns if there.any()]


def _mean(values: Float[np.ndarray, "k"]) -> float:
    return float(values.mean()) if values.size else float("nan")
