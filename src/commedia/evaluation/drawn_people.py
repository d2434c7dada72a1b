"""People who never lived, for the stories of `ids`: the same performer drawn several times, before a photograph."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from commedia.evaluation.id_stories import SHOT, SIDE_PX, Somebody
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.expressions import sample_expressions
from commedia.synthetic.heads import draw_heads
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.shards import paste

SEED = 14
VIEWS, HELD = 8, 3
"""Poses of each person, and the frames that one is held; half of them fill an appearance."""
TURN_DEG = (18.0, 8.0, 6.0)
"""Standard deviations of yaw, pitch and roll."""
FACE_SHARE = 0.4
"""Longer side of the landmark box over the side of the picture."""


def drawn_people(count: int, backgrounds: Path) -> list[Somebody]:
    """Draw people of the test stream: nobody that a network was trained on."""
    assert VIEWS * HELD == 2 * SHOT
    rng, photographs = stream_rng("test", SEED), load_backgrounds(backgrounds, "test")
    people = []
    for performer in sample_performers(rng, count, name="stories"):
        place = photographs.window(rng, SIDE_PX, SIDE_PX)
        sides, offsets = np.full(VIEWS, FACE_SHARE * SIDE_PX), rng.uniform(-0.04, 0.04, (VIEWS, 2)) * SIDE_PX
        heads = draw_heads(_views(performer, rng), SIDE_PX, sides, offsets)
        pictures = [paste(head.rgba, place) for head in heads for _ in range(HELD)]
        people.append(Somebody(performer.truth.name, pictures, place))
    return people


def _views(performer: Performer, rng: np.random.Generator) -> list[Performer]:
    """The same person in other poses, with other expressions, in the same light."""
    turns = np.radians(rng.normal(size=(VIEWS, 3)) * TURN_DEG)
    poses, faces = wxyz_from_yaw_pitch_roll(turns).astype(np.float32), sample_expressions(rng, VIEWS)
    truths = (
        replace(performer.truth, wxyz=wxyz, expression=expression)
        for wxyz, expression in zip(poses, faces, strict=True)
    )
    return [replace(performer, truth=truth) for truth in truths]
