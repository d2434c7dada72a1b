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
POSES = 6
"""Of each person, through which they move; half of them in each appearance."""
TURN_DEG = (18.0, 8.0, 6.0)
"""Standard deviations of yaw, pitch and roll."""
FACE_SHARE = 0.4
"""Longer side of the landmark box over the side of the picture."""


def drawn_people(count: int, backgrounds: Path) -> list[Somebody]:
    """Draw people of the test stream: nobody that a network was trained on."""
    frames = 2 * SHOT
    rng, photographs = stream_rng("test", SEED), load_backgrounds(backgrounds, "test")
    people = []
    for performer in sample_performers(rng, count, name="stories"):
        place = photographs.window(rng, SIDE_PX, SIDE_PX)
        sides, offsets = np.full(frames, FACE_SHARE * SIDE_PX), np.zeros((frames, 2))
        heads = draw_heads(_moving(performer, frames, rng), SIDE_PX, sides, offsets)
        pictures = [paste(head.rgba, place) for head in heads]
        people.append(Somebody(performer.truth.name, pictures, place))
    return people


def _moving(performer: Performer, frames: int, rng: np.random.Generator) -> list[Performer]:
    """The same person on the way from pose to pose and expression to expression, in the same light."""
    angles, faces = np.radians(rng.normal(size=(POSES, 3)) * TURN_DEG), sample_expressions(rng, POSES)
    place = np.linspace(0, POSES - 1, frames)
    low = np.minimum(place.astype(int), POSES - 2)
    share = (place - low)[:, None]
    turns, acted = (part[low] + share * (part[low + 1] - part[low]) for part in (angles, faces))
    poses = wxyz_from_yaw_pitch_roll(turns).astype(np.float32)
    truths = (
        replace(performer.truth, wxyz=wxyz, expression=expression)
        for wxyz, expression in zip(poses, acted.astype(np.float32), strict=True)
    )
    return [replace(performer, truth=truth) for truth in truths]
