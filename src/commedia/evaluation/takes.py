"""Table `takes`: drawn performers whose truth is known, filmed; read twice, are they calmer, and do blinks stay?

Everything is measured three ways: as read, frame by frame; as a stream (`--causal`); and read twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Bool, Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.demo.clip import write_clip
from commedia.demo.performance import BLINK, TROUPE, Beat, Performer, params_at
from commedia.demo.troupe import stage_picture
from commedia.evaluation.metrics import correlation
from commedia.evaluation.report import Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.winks import OPEN, SHUT, WINKING, face_at
from commedia.face_model.model import head_or_default
from commedia.sources.open import open_frames
from commedia.structures import TrackedFrame
from commedia.tracking.models import open_models
from commedia.tracking.neutral import GAZE
from commedia.tracking.tracker import Tracker
from commedia.tracking.whole_take import read_as_whole

FRAME_RATE, FRAMES = 30, 255
BLINKS = ((0.9, 0.08), (1.5, 0.1), (2.1, 0.12), (2.7, 0.15))
"""Middles and lengths in seconds."""
WORDS = ("jawOpen", "mouthFunnel", "jawOpen", "mouthPucker", "jawOpen", "mouthStretchLeft", "jawOpen")
"""Spoken one after another, each an eighth of a second after the one before."""
SPEECH: tuple[Beat, ...] = tuple((3.3 + place / 8, 0.25, 0.7, (word,)) for place, word in enumerate(WORDS))
WINKS: tuple[Beat, ...] = ((4.8, 0.4, 1.0, (BLINK[0],)), (5.5, 0.4, 1.0, (BLINK[1],)))
MURMUR: tuple[Beat, ...] = tuple(
    (6.3 + place / 6, 0.3, height, ("jawOpen",)) for place, height in enumerate((0.1, 0.2, 0.15, 0.05, 0.2, 0.1, 0.15))
)
"""Lips that hardly part: what a smoothing that is too strong takes for noise."""
SCRIPT: tuple[Beat, ...] = (*((middle, length, 1.0, BLINK) for middle, length in BLINKS), *SPEECH, *WINKS, *MURMUR)
NOISE = 4.0
"""Standard deviation of the camera's noise, in grey levels."""
AROUND_S = 0.15
"""Nothing is calm so soon before and after something is played; and a blink may be read so far from its middle."""
READ, STREAM, TWICE = "as read", "as a stream", "read twice"
LIDS, JAW = [EXPRESSION_INDEX[name] for name in BLINK], EXPRESSION_INDEX["jawOpen"]
GOAL_JITTER, GOAL_DEPTH, GOAL_WINKS, GOAL_REST, GOAL_MURMUR = 0.5, 0.9, 0.9, 0.03, 0.9

Curves = Float[np.ndarray, "p n 52"]
"""Expression of each performer in each frame; NaN where they are not found."""


@dataclass(frozen=True)
class Measured:
    """What one way of reading makes of the takes."""

    jitter: float
    """Root mean square of the change from frame to frame, of all blendshapes, while nothing is played."""
    rest: float
    """Mean of all blendshapes but gaze then."""
    depths: tuple[float, ...]
    """Mean depth of the blinks of each length."""
    winks: float
    """Share of frames that stay one-eyed."""
    speech: float
    """Mean correlation of jawOpen with the truth while they talk."""
    murmur: float
    """The same while they hardly open their mouths."""


def takes(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Draw the take, film it, and read it in each way."""
    cast = tuple(
        replace(one, script=SCRIPT, sway_deg=one.sway_deg if place else (0.0, 0.0, 0.0))
        for place, one in enumerate(TROUPE)
    )
    truth = np.array([[params_at(one, index / FRAME_RATE).expression for index in range(FRAMES)] for one in cast])
    with TemporaryDirectory() as folder:
        film = Path(folder) / "take.mp4"
        write_clip(film, filmed(cast, lambda done: progress("drawing", done, FRAMES)), FRAME_RATE)
        ways = _readings(film, settings, progress)
    curves = {name: curves_of(frames, cast) for name, frames in ways.items()}
    return [takes_table({name: measured(read, truth) for name, read in curves.items()})]


def filmed(cast: Sequence[Performer], drawn: Callable[[int], None]) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """The cast's pictures, as a camera sees them."""
    rng = np.random.default_rng(0)
    for index in range(FRAMES):
        drawn(index)
        picture = stage_picture([(one, params_at(one, index / FRAME_RATE)) for one in cast], head_or_default(None))
        yield np.clip(picture + NOISE * rng.standard_normal(picture.shape, np.float32), 0, 255).astype(np.uint8)
    drawn(FRAMES)


def _readings(film: Path, settings: EvaluationSettings, progress: Progress) -> dict[str, list[TrackedFrame]]:
    models = open_models(settings.mfn, settings.sfn)
    ways: dict[str, list[TrackedFrame]] = {READ: [], STREAM: []}
    for place, (name, raw) in enumerate(((READ, True), (STREAM, False))):
        with open_frames(film) as source:
            for _, tracked in Tracker(models).follow(source, raw=raw):
                ways[name].append(tracked)
                progress("reading", place * FRAMES + len(ways[name]), 2 * FRAMES)
    return ways | {TWICE: read_as_whole(ways[READ], models.landmarker)}


def curves_of(frames: Sequence[TrackedFrame], cast: Sequence[Performer]) -> Curves:
    """What was read of each performer."""
    read = np.full((len(cast), FRAMES, EXPRESSION_COUNT), np.nan)
    for frame in frames:
        for row, performer in enumerate(cast):
            if (face := face_at(frame.faces, performer)) is not None:
                read[row, frame.index] = face.params.expression
    return read


def measured(read: Curves, truth: Curves) -> Measured:
    """Readings of the takes against what was played."""
    calm = calm_frames(truth)
    both = calm[:, 1:] & calm[:, :-1]
    return Measured(
        jitter=float(np.sqrt(np.nanmean(np.diff(read, axis=1)[both] ** 2))),
        rest=float(np.nanmean(read[calm][:, ~GAZE])),
        depths=tuple(_depth(read, middle_s) for middle_s, _ in BLINKS),
        winks=_one_eyed(read, truth),
        speech=_follows(read, truth, SPEECH),
        murmur=_follows(read, truth, MURMUR),
    )


def calm_frames(truth: Curves) -> Bool[np.ndarray, "p n"]:
    """Frames far from everything that is played."""
    played, calm = truth.any(axis=2), np.ones(truth.shape[:2], bool)
    for offset in range(-round(FRAME_RATE * AROUND_S), round(FRAME_RATE * AROUND_S) + 1):
        moved = np.roll(played, offset, axis=1)
        moved[:, slice(0, offset) if offset > 0 else slice(played.shape[1] + offset, None)] = False
        calm &= ~moved
    return calm


def takes_table(ways: Mapping[str, Measured]) -> Table:
    """Tabulate, way by way."""
    rows: list[tuple[str, ...] | tuple] = [
        ("jitter while nothing is played", *(way.jitter for way in ways.values())),
        ("mean of all blendshapes but gaze then", *(way.rest for way in ways.values())),
    ]
    for place, (_, length_s) in enumerate(BLINKS):
        rows.append((f"depth of a blink of {1000 * length_s:.0f} ms", *(way.depths[place] for way in ways.values())))
    rows.append(("winks that stay one-eyed, share of frames", *(way.winks for way in ways.values())))
    rows.append(("jawOpen while they talk, correlation", *(way.speech for way in ways.values())))
    rows.append(("jawOpen while they murmur, correlation", *(way.murmur for way in ways.values())))
    read, stream, twice = ways[READ], ways[STREAM], ways[TWICE]
    kept = min(after / before for after, before in zip(twice.depths, read.depths, strict=True))
    goals = (
        Goal("jitter over that of a stream", twice.jitter / stream.jitter, GOAL_JITTER, at_most=True),
        Goal("depth of blinks over that as read, the least", kept, GOAL_DEPTH, at_most=False),
        Goal("winks that stay one-eyed, share of frames", twice.winks, GOAL_WINKS, at_most=False),
        Goal("mean of all blendshapes but gaze at rest", twice.rest, GOAL_REST, at_most=True),
        Goal("soft speech followed, over that as read", twice.murmur / read.murmur, GOAL_MURMUR, at_most=False),
    )
    notes = (
        f"{len(TROUPE)} drawn performers, {FRAMES} frames at {FRAME_RATE} a second, with the noise of a camera "
        f"(standard deviation {NOISE:g} of 255) and a video's compression; one holds the head still.",
        f"Nothing is played: no blendshape within {AROUND_S} s. Blinks and winks rise and fall within their lengths.",
    )
    return Table("takes", "Takes read twice, and as a stream", ("measure", *ways), tuple(rows), notes, goals)


def _depth(read: Curves, middle_s: float) -> float:
    """How far both eyes are seen to shut, the mean over performers and eyes."""
    near = slice(*(round(FRAME_RATE * (middle_s + shift)) for shift in (-AROUND_S, AROUND_S)))
    return float(np.nan_to_num(read[:, near, LIDS]).max(axis=1).mean())


def _one_eyed(read: Curves, truth: Curves) -> float:
    shares = []
    for shut, other in (LIDS, LIDS[::-1]):
        wink = (truth[:, :, shut] > WINKING) & (truth[:, :, other] == 0)
        shares.append((read[wink][:, shut] > SHUT) & (read[wink][:, other] < OPEN))
    return float(np.concatenate(shares).mean())


def _follows(read: Curves, truth: Curves, words: Sequence[Beat]) -> float:
    """Mean over the performers of how jawOpen follows the truth during some words."""
    spoken = slice(*(round(FRAME_RATE * time_s) for time_s in (words[0][0] - AROUND_S, words[-1][0] + AROUND_S)))
    return float(np.mean([_agreement(*pair) for pair in zip(read[:, spoken], truth[:, spoken], strict=True)]))


def _agreement(read: Float[np.ndarray, "n 52"], truth: Float[np.ndarray, "n 52"]) -> float:
    seen = np.isfinite(read[:, JAW])
    return correlation(read[seen, JAW], truth[seen, JAW]) if seen.sum() > 2 else 0.0
