"""Table `paper3-still`: still faces on heads that turn, drawn; does it calm the expression to know who it is?

Who somebody is, is settled over the clip; the expression is then what keeps the 68 points where the frame's own
identity and expression put them, and is compared with the expression as it was read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT
from commedia.evaluation.metrics import correlation
from commedia.evaluation.paper3_constraints import named_networks
from commedia.evaluation.report import Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.face_model.landmarks import load_scheme, reduced_model
from commedia.face_model.model import MorphableModel, head_or_default
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.protocol import RegressorProtocol
from commedia.faces.sfn import open_sfn
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.synthetic.heads import draw_heads
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.shards import paste

SEED, PEOPLE, FRAMES, SIZE_PX, AT_ONCE = 4242, 12, 24, 224, 8
TURN_DEG = (25.0, 10.0, 8.0)
"""Yaw, pitch and roll swing so far, the pitch twice a clip."""
NOISE = 3.0
"""Standard deviation of the camera's noise, in grey levels."""
RIDGES = (0.1, 1.0)
"""How much a blendshape resists being changed, against the mean strength of all on the points."""
GOAL_JITTER = 0.7
COLUMNS = ("network", "expression", "jitter", "from as read", "spread", "error", "correlation", "identity jitter")


@dataclass(frozen=True)
class Clips:
    """People's identity and expression, frame by frame."""

    identity: Float[np.ndarray, "p n i"]
    expression: Float[np.ndarray, "p n 52"]


def paper3_still(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Draw the clips, and read them with every network in crops that the true points place."""
    readers = {name: open_sfn(file, threads=1) for name, file in named_networks(settings).items()}
    truth, read = read_clips(readers, settings.limit or PEOPLE, progress)
    model = reduced_model(head_or_default(None).model, load_scheme("ibug68"))
    rows, best = [], []
    for name, clips in read.items():
        ways = {"as read": clips.expression}
        ways |= {f"given who it is, ridge {ridge}": given_identity(clips, model, ridge) for ridge in RIDGES}
        plain = jitter(clips.expression)
        for way, expression in ways.items():
            numbers = (jitter(expression), jitter(expression) / plain, spread(expression), *_against(expression, truth))
            rows.append((name, way, *numbers, jitter(clips.identity)))
        best.append(min(row[3] for row in rows if row[0] == name))
    notes = (
        f"{len(truth)} drawn people of the test stream, {FRAMES} frames each; the head swings by {TURN_DEG} degrees of "
        "yaw, pitch and roll, the expression stays.",
        "Jitter: root mean square of the change from frame to frame; spread: around the clip's mean; correlation with "
        "the truth of all blendshapes of all clips.",
    )
    goals = (Goal("jitter with the identity known, over that as read", min(best), GOAL_JITTER, at_most=True),)
    return [Table("paper3-still", "Still faces on heads that turn", COLUMNS, tuple(rows), notes, goals)]


def read_clips(
    readers: Mapping[str, RegressorProtocol], people: int, progress: Progress
) -> tuple[Float[np.ndarray, "p 52"], dict[str, Clips]]:
    """The expression of each person, and what every network says of each frame."""
    truth: list[np.ndarray] = []
    said: dict[str, list[list[tuple[np.ndarray, np.ndarray]]]] = {name: [] for name in readers}
    for number, (performer, frames) in enumerate(drawn_clips(people)):
        progress("drawing and reading", number, people)
        truth.append(performer.truth.expression)
        for clips in said.values():
            clips.append([])
        for image, points in frames:
            for name, regressor in readers.items():
                (params,) = regressor.regress(image, [crop_from_landmarks(points)])
                said[name][-1].append((params.identity, params.expression))
    return np.stack(truth), {name: _clips(clips) for name, clips in said.items()}


def drawn_clips(
    people: int,
) -> Iterator[tuple[Performer, Iterator[tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "68 2"]]]]]:
    """People, and of each the pictures and the true points of a clip."""
    rng, backgrounds = stream_rng("test", SEED), load_backgrounds(None, "test")
    for performer in sample_performers(rng, people, name="still"):
        phase, background = rng.uniform(0, 2 * np.pi, 3), backgrounds.window(rng, SIZE_PX, SIZE_PX)
        turn = np.array([1, 2, 1]) * 2 * np.pi * np.arange(FRAMES)[:, None] / FRAMES + phase
        wxyz = wxyz_from_yaw_pitch_roll(np.radians(np.sin(turn) * TURN_DEG)).astype(np.float32)
        taken = [replace(performer, truth=replace(performer.truth, wxyz=one)) for one in wxyz]
        yield performer, _filmed(taken, background, rng)


def given_identity(clips: Clips, model: MorphableModel, ridge: float) -> Float[np.ndarray, "p n 52"]:
    """The expressions that, with each person's mean identity, leave the model's points where they were.

    Least squares on the model's bases; interactions of identity and expression are left out.
    """
    identity, expression = (basis.reshape(len(basis), -1) for basis in (model.identity_basis, model.expression_basis))
    normal = expression @ expression.T
    resisted = normal + ridge * np.trace(normal) / EXPRESSION_COUNT * np.eye(EXPRESSION_COUNT)
    change = np.linalg.solve(resisted, expression @ identity.T)
    apart = clips.identity - clips.identity.mean(1, keepdims=True)
    return np.clip(clips.expression + apart @ change.T, 0, 1)


def jitter(values: Float[np.ndarray, "p n k"]) -> float:
    """Root mean square of the change from frame to frame."""
    return float(np.sqrt(np.square(np.diff(values, axis=1)).mean()))


def spread(values: Float[np.ndarray, "p n k"]) -> float:
    """Root mean square of the distance from the clip's mean."""
    return float(np.sqrt(np.square(values - values.mean(1, keepdims=True)).mean()))


def _against(said: Float[np.ndarray, "p n 52"], truth: Float[np.ndarray, "p 52"]) -> tuple[float, float]:
    whole = np.broadcast_to(truth[:, None], said.shape)
    return float(np.abs(said - whole).mean()), correlation(said.ravel(), whole.ravel())


def _filmed(
    taken: list[Performer], background: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator
) -> Iterator[tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "68 2"]]]:
    for start in range(0, len(taken), AT_ONCE):
        some = taken[start : start + AT_ONCE]
        sides, offsets = np.full(len(some), SIZE_PX / 2), np.zeros((len(some), 2))
        for drawn in draw_heads(some, SIZE_PX, sides, offsets):
            noisy = paste(drawn.rgba, background) + NOISE * rng.standard_normal((SIZE_PX, SIZE_PX, 3))
            yield noisy.clip(0, 255).astype(np.uint8), drawn.face.landmarks_px


def _clips(rows: list[list[tuple[np.ndarray, np.ndarray]]]) -> Clips:
    identity, expression = (np.array([[frame[part] for frame in clip] for clip in rows]) for part in (0, 1))
    return Clips(identity, expression)
