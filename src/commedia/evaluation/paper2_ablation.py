"""Table `paper2-personal-ablation`: what a rig that is made of a clip loses where a part of the method is left out.

The parts are the blendshape gradient loss (Chaudhuri et al. 2020, Eq. 7), which keeps each blendshape what it is, and
albedo that changes with the expression (Eq. 2), as wrinkle maps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from commedia.errors import CommediaError
from commedia.evaluation.paper2_personal import LEAST_COSINE, SHORT
from commedia.evaluation.report import Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.face_model.model import head_or_default
from commedia.faces.points import PointsPredictor, open_points
from commedia.looks.portraits import Portrait
from commedia.personal.choose import JUDGED_BY, chosen_cuts
from commedia.personal.fit import Weights, error_of
from commedia.personal.make import OWN, Cuts, make_person, settled
from commedia.personal.shots import as_fitted, shots_of
from commedia.personal.watch import watched, who_is_meant
from commedia.personal.wrinkles import skin_error, skin_sights
from commedia.tracking.models import Models, open_models

WITHOUT_GRADIENT = OWN._replace(blendshape_gradient=0.0)
COLUMNS = (
    *("clip", "own blendshapes", "cosine", "without Eq. 7", "least cosine", "least without Eq. 7"),
    *("error", "error without Eq. 7", "skin at rest", "with wrinkle maps", "wrinkle maps"),
)
NOTES = (
    "cosine: of a rig's own blendshapes with the head model's, displacements of all vertices; median and least.",
    "Errors are on frames by which a rig was neither made nor judged, nor its maps kept. error: photometric, 0 to 1 in "
    "sRGB, with skin at rest. skin: how far a frame's is from that at rest as the rig's own frames show it, where "
    "brows, eyes, nose, cheeks or jaw move it, once light is divided out; in doublings of linear colour.",
    "All rigs of a clip begin alike and take the same steps.",
)


@dataclass(frozen=True)
class Rig:
    """What is measured of one rig."""

    cosines: tuple[float, ...]
    error: float
    skin: float
    skin_wrinkled: float
    wrinkles: tuple[str, ...]


def paper2_ablation(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Make each clip's rig with and without the parts; clips of one person, of `--files` or of the data's `clips/`."""
    paths = (settings.files or tuple(sorted(settings.file("clips").glob("*.mp4"))))[: settings.limit]
    models, finder, rigs = open_models(settings.mfn, settings.sfn), open_points(threads=1), {}
    for number, path in enumerate(paths):
        progress("personalizing", number, len(paths))
        if (pair := _both(path, models, finder)) is not None:
            rigs[path.stem] = pair
    progress("personalizing", len(paths), len(paths))
    return [ablation_table(rigs)]


def ablation_table(rigs: dict[str, tuple[Rig, Rig]]) -> Table:
    """Rigs of clips, whole and without Eq. 7, to the table."""
    rows, medians = [], []
    for name, (whole, without) in rigs.items():
        found = [one.cosines or (np.nan,) for one in (whole, without)]
        middle, least = ([float(measure(each)) for each in found] for measure in (np.median, np.min))
        medians.append(middle)
        errors = whole.error, without.error, whole.skin, whole.skin_wrinkled
        rows.append((name, len(whole.cosines), *middle, *least, *errors, ", ".join(whole.wrinkles)))
    kept, free = np.nanmedian(np.array(medians), axis=0) if rows else (np.nan, np.nan)
    goal = Goal("median cosine of own blendshapes with the head model's", float(kept), LEAST_COSINE, at_most=False)
    note = f"median over clips without Eq. 7: {free:.3f}"
    return Table("paper2-personal-ablation", "Rigs without a part", COLUMNS, tuple(rows), (*NOTES, note), (goal,))


def _both(path: Path, models: Models, finder: PointsPredictor) -> tuple[Rig, Rig] | None:
    """The rig of a clip, and the one without Eq. 7; None where nobody is seen, or too briefly to measure."""
    try:
        takes, _ = watched([path], models, lambda *_: None)
        cuts, _ = chosen_cuts(takes, who_is_meant(takes, None), lambda *_: None, judged_by=2 * JUDGED_BY)
    except CommediaError:
        return None
    if len(cuts.unseen) < 2:
        return None
    measured_by, cuts = cuts.unseen[1::2], replace(cuts, unseen=cuts.unseen[::2])
    whole, without = (_rig(path.stem, cuts, measured_by, weights, finder) for weights in (OWN, WITHOUT_GRADIENT))
    return whole, without


def _rig(name: str, cuts: Cuts, measured_by: Sequence[Portrait], weights: Weights, finder: PointsPredictor) -> Rig:
    head = head_or_default(None)
    made = make_person(name, cuts, head, SHORT, lambda *_: None, weights=weights, finder=finder)
    shots, person = shots_of(measured_by, head, SHORT.size_px), made.person
    moments = settled(made.rig, shots, SHORT)
    assert person.identity is not None
    seen = skin_sights(as_fitted(measured_by, moments), person.identity, person.head)
    skin, wrinkled = (
        float("nan") if made.rest is None else skin_error(maps, seen, made.rest, head) for maps in ((), person.wrinkles)
    )
    names = tuple(one.name for one in person.wrinkles)
    return Rig(tuple(made.cosines.values()), error_of(made.rig, shots, moments), skin, wrinkled, names)
