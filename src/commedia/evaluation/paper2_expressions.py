"""Table `paper2-table-3`: strong expressions on drawn people, category by category, beside paper 2's numbers. Torch.

The paper's pictures are private; drawn people make each of the nine expressions as far as they can, and nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.evaluation import entries
from commedia.evaluation.paper3_constraints import named_networks
from commedia.evaluation.paper_expressions import category_means, expression_error, load_categories
from commedia.evaluation.published import PAPERS, published
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.protocol import RegressorProtocol
from commedia.faces.sfn import open_sfn
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.heads import draw_heads
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.shards import paste

SEED, PEOPLE, SIZE_PX = 5151, 20, 224
TURN_DEG = (12.0, 6.0, 5.0)
"""Standard deviations of yaw, pitch and roll: people who show an expression look at the camera, more or less."""

Shown = tuple[str, tuple[str, ...], UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "68 2"]]
"""Category, blendshapes that are 1, picture, true points."""


def paper2_table_3(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Draw the expressions, and read them with every network in crops that the true points place."""
    readers = {name: open_sfn(file, threads=1) for name, file in named_networks(settings).items()}
    people = settings.limit or PEOPLE
    paper = published("table-3", "eccv2020")
    rows: list[tuple[Cell, ...]] = [(row.name, "paper", *row.values) for row in paper.rows]
    means = read_expressions(readers, people, progress)
    rows += [(f"ours, {name}", "drawn", *numbers) for name, numbers in means.items()]
    notes = (
        f"Paper: {PAPERS['eccv2020']}, Table 3, on paper 1's 1008 private pictures. Ours: {people} drawn people of the "
        "test stream, who make each expression at weight 1, and nothing else, in a style of their own: the two are not "
        "of the same faces.",
        "Mean of |1 - weight| over the category's blendshapes; lower is better. Half of the people move the jaw "
        "left. With pictures of your own: 'commedia evaluate paper-table-5'.",
    )
    heads = ("model", "faces", *paper.columns)
    goals = (entries.rows_measured(means),)
    return [Table("paper2-table-3", "Strong expressions, distance from 1", heads, tuple(rows), notes, goals)]


def read_expressions(
    readers: Mapping[str, RegressorProtocol], people: int, progress: Progress
) -> dict[str, tuple[float, ...]]:
    """Mean error by category and of all, by reader."""
    errors: dict[str, dict[str, list[float]]] = {name: {} for name in readers}
    for number, (category, blendshapes, image, points) in enumerate(shown_expressions(people)):
        progress("drawing and reading", number, people * len(load_categories()))
        for name, regressor in readers.items():
            (params,) = regressor.regress(image, [crop_from_landmarks(points)])
            errors[name].setdefault(category, []).append(expression_error(params.expression, blendshapes))
    return {name: category_means(parts) for name, parts in errors.items()}


def shown_expressions(people: int) -> Iterator[Shown]:
    """Everybody in every expression."""
    rng, backgrounds = stream_rng("test", SEED), load_backgrounds(None, "test")
    for number, performer in enumerate(sample_performers(rng, people, name="strong")):
        shown = []
        for category in load_categories().values():
            chosen = category.blendshapes
            shown.append((category.name, chosen[number % 2 :][:1] if category.labelled else chosen))
        taken = [_showing(rng, performer, blendshapes) for _, blendshapes in shown]
        sides, offsets = np.full(len(taken), SIZE_PX / 2), np.zeros((len(taken), 2))
        background = backgrounds.window(rng, SIZE_PX, SIZE_PX)
        for (name, blendshapes), drawn in zip(shown, draw_heads(taken, SIZE_PX, sides, offsets), strict=True):
            yield name, blendshapes, paste(drawn.rgba, background), drawn.face.landmarks_px


def _showing(rng: np.random.Generator, performer: Performer, blendshapes: tuple[str, ...]) -> Performer:
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    expression[[EXPRESSION_INDEX[name] for name in blendshapes]] = 1
    wxyz = wxyz_from_yaw_pitch_roll(np.radians(rng.normal(size=3) * TURN_DEG)).astype(np.float32)
    return replace(performer, truth=replace(performer.truth, expression=expression, wxyz=wxyz))
