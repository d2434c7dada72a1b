"""Table `avatars`: expressions read off heads that are not ours, where the truth of every blendshape is exact.

Each character plays every blendshape it has by itself, mixtures, and nothing; SFN reads in crops that the true points
place, and MediaPipe's landmarker in the same pictures.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from commedia.characters.face_frame import face_frame_of
from commedia.characters.gltf import read_character
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.data.sample import FaceSample
from commedia.errors import CommediaError
from commedia.evaluation import metrics
from commedia.evaluation.metrics import ACTIVE
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.strength import strength_table
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.protocol import RegressorProtocol
from commedia.faces.sfn import open_sfn
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.labelling.teacher import Teacher
from commedia.rigging.face_frame import find_face_frame
from commedia.synthetic.avatars import Avatar, avatar_of, draw_avatar
from commedia.synthetic.backgrounds import Backgrounds
from commedia.synthetic.expressions import sample_expressions
from commedia.synthetic.performers import sample_performers, stream_rng
from commedia.synthetic.shards import CROP_MARGIN, paste

WEIGHTS = (0.6, 1.0)
"""At which every blendshape is played by itself."""
MIXTURES, NEUTRAL = 30, 8
"""Pictures of each character."""
WITH = {"mouthClose": ("jawOpen", 1.0), "tongueOut": ("jawOpen", 0.6)}
"""What a blendshape is not played without, and how much of it per weight."""
TURN_DEG = (25.0, 12.0, 10.0)
"""Most yaw, pitch and roll: what a motion looks like is asked, not whether a profile is found."""
SIZE_PX = 256
GOAL_AUC, GOAL_CORRELATION, GOAL_REST, GOAL_NEUTRAL = 0.88, 0.50, 0.05, 0.05

Reader = Callable[[UInt8[np.ndarray, "h w 3"], FaceSample], Float[np.ndarray, "52"] | None]
"""A picture and its face to an expression; None where no face was found."""


@dataclass(frozen=True)
class Readings:
    """What one reader said, picture by picture, of faces that it found."""

    truth: Float[np.ndarray, "n 52"]
    said: Float[np.ndarray, "n 52"]
    known: Bool[np.ndarray, "n 52"]
    """Which blendshapes the character of a picture has."""
    missed: int
    """Pictures without an answer."""


def avatars(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure SFN, and the landmarker where it is given, on every character of --characters."""
    if not settings.characters:
        raise CommediaError("this table needs characters with ARKit's blendshapes; name their files with --characters")
    regressor = open_sfn(settings.sfn, threads=1, flip_average=settings.flip_average)
    landmarker = settings.landmarker_file()
    with ExitStack() as open_:
        readers = {f"ours, {Path(settings.sfn).name}": sfn_expression(regressor)}
        if landmarker is not None:
            teacher = open_.enter_context(Teacher(landmarker))
            readers["MediaPipe"] = lambda image, _: None if (found := teacher.read(image)) is None else found.scores
        readings = read_characters(readers, settings, progress)
    names = [path.stem for path in settings.characters]
    ours = next(iter(readings.values()))
    return [summary_table(readings, names), blendshape_table(readings), *_played(ours)]


def _played(ours: Readings) -> list[Table]:
    """What a strength is worth; nothing where nobody was read."""
    return [strength_table("avatars", ours.said, ours.truth, ours.known)] if len(ours.said) else []


def sfn_expression(regressor: RegressorProtocol) -> Reader:
    """Read in the crop that the true points place."""
    return lambda image, face: regressor.regress(image, [crop_from_landmarks(face.landmarks_px)])[0].expression


def read_characters(
    readers: dict[str, Reader], settings: EvaluationSettings, progress: Progress
) -> dict[str, Readings]:
    """Show every reader every picture."""
    rows: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {name: [] for name in readers}
    missed = dict.fromkeys(readers, 0)
    for path in settings.characters:
        for number, (image, face) in enumerate(pictures_of(open_avatar(path), settings.limit)):
            progress(path.stem, number, settings.limit or 0)
            assert face.expression is not None
            assert face.expression_weight is not None
            for name, read in readers.items():
                said = read(image, face)
                if said is None:
                    missed[name] += 1
                else:
                    rows[name].append((face.expression, said, face.expression_weight > 0))
    return {name: _readings(found, missed[name]) for name, found in rows.items()}


def _readings(rows: list, missed: int) -> Readings:
    empty = np.zeros((0, EXPRESSION_COUNT))
    truth, said, known = (np.stack(part) for part in zip(*rows, strict=True)) if rows else (empty, empty, empty > 0)
    return Readings(truth, said, known, missed)


def open_avatar(path: Path) -> Avatar:
    """Read a character; where its file does not say where the face is, look for it."""
    character = read_character(path)
    return avatar_of(character, face_frame_of(character.document) or find_face_frame(character), path.stem)


def pictures_of(avatar: Avatar, limit: int | None = None) -> Iterator[tuple[UInt8[np.ndarray, "h w 3"], FaceSample]]:
    """Draw a character's pictures, the same for the same shipped SFN; of fewer than all a random choice."""
    rng = stream_rng("test", 0)
    expressions = performed(rng, avatar.has)
    expressions = expressions[rng.permutation(len(expressions))[:limit]]
    turns = np.radians(rng.uniform(-1, 1, (len(expressions), 3)) * TURN_DEG)
    performers = sample_performers(rng, len(expressions), name=avatar.name)
    backgrounds = Backgrounds([])
    for performer, expression, turn in zip(performers, expressions, turns, strict=True):
        truth = replace(performer.truth, expression=expression, wxyz=wxyz_from_yaw_pitch_roll(turn).astype(np.float32))
        # A weight of 1 is the character's own extreme here: nobody's sizes but its own.
        own = replace(performer, truth=truth, sizes=np.ones(EXPRESSION_COUNT, dtype=np.float32))
        drawn = draw_avatar(avatar, own, SIZE_PX, SIZE_PX / CROP_MARGIN, np.zeros(2))
        yield paste(drawn.rgba, backgrounds.window(rng, SIZE_PX, SIZE_PX)), drawn.face


def performed(rng: np.random.Generator, has: Bool[np.ndarray, "52"]) -> Float[np.ndarray, "n 52"]:
    """What a character plays: each blendshape it has at each of `WEIGHTS`, mixtures, and nothing."""
    single = []
    for name in np.array(EXPRESSION_NAMES)[has]:
        for weight in WEIGHTS:
            expression = np.zeros(EXPRESSION_COUNT, dtype=np.float32)
            expression[EXPRESSION_INDEX[name]] = weight
            if name in WITH:
                other, share = WITH[name]
                expression[EXPRESSION_INDEX[other]] = share * weight
            single.append(expression)
    nothing = np.zeros((NEUTRAL, EXPRESSION_COUNT), dtype=np.float32)
    return np.concatenate([np.array(single).reshape(-1, EXPRESSION_COUNT), sample_expressions(rng, MIXTURES), nothing])


def summary_table(readings: dict[str, Readings], characters: list[str]) -> Table:
    """One row per reader, and our goals."""
    rows: list[tuple[Cell, ...]] = []
    goals: tuple[Goal, ...] = ()
    for name, one in readings.items():
        scores = [_scores(one, blendshape) for blendshape in range(EXPRESSION_COUNT)]
        auc = _there(np.mean, [score[0] for score in scores])
        correlation = _there(np.median, [score[1] for score in scores])
        resting = one.said[one.known & (one.truth == 0)]
        neutral = one.said[(one.truth == 0).all(axis=1)]
        active = one.known & (one.truth > ACTIVE)
        means = [_mean(np.abs(one.said - one.truth)[active]), _mean(resting), _mean(neutral)]
        rows.append((name, auc, correlation, *means, len(one.truth), one.missed))
        # Goals are ours, and ours is read first.
        goals = goals or (
            Goal("AUC, mean over blendshapes", auc, GOAL_AUC, at_most=False),
            Goal("median correlation", correlation, GOAL_CORRELATION, at_most=False),
            Goal("mean where truth is 0", means[1], GOAL_REST, at_most=True),
            Goal("mean on neutral faces", means[2], GOAL_NEUTRAL, at_most=True),
        )
    columns = (
        *("reader", "AUC", "median correlation", f"MAE where truth > {ACTIVE}", "mean where truth is 0"),
        *("mean on neutral faces", "pictures", "no face found"),
    )
    notes = (
        f"Characters: {', '.join(characters)}; single blendshapes at {WEIGHTS}, mixtures and neutral faces, yaw up to "
        f"{TURN_DEG[0]:g} degrees; the pictures are the same as long as the shipped SFN is, "
        "which finds the face to be framed.",
        f"AUC: chance that a face with the blendshape above {ACTIVE} gets a higher value than one with it at 0.",
        "Our crops are placed by the true points; MediaPipe looks for the face in the picture, at several zooms.",
    )
    return Table("avatars", "Heads that are not ours", columns, tuple(rows), notes, goals)


def blendshape_table(readings: dict[str, Readings]) -> Table:
    """Every blendshape by itself, reader beside reader."""
    columns = ["blendshape"]
    for name in readings:
        columns += [f"AUC, {name}", f"correlation, {name}", f"at rest, {name}"]
    rows = [
        (name, *(value for one in readings.values() for value in _scores(one, number)))
        for number, name in enumerate(EXPRESSION_NAMES)
    ]
    return Table(
        "avatars-blendshapes", "Heads that are not ours, blendshape by blendshape", tuple(columns), tuple(rows)
    )


def _scores(one: Readings, blendshape: int) -> tuple[float, float, float]:
    """AUC, correlation and mean at rest of one blendshape, over the characters that have it."""
    known = one.known[:, blendshape]
    truth, said = one.truth[known, blendshape], one.said[known, blendshape]
    active, resting = truth > ACTIVE, truth == 0
    if not active.any():
        return float("nan"), float("nan"), _mean(said[resting])
    either = active | resting
    return (
        metrics.ranking_quality(said[either], active[either]),
        metrics.correlation(said, truth),
        _mean(said[resting]),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")


def _there(reduce: Callable, values: list[float]) -> float:
    """A mean or median of the numbers there are."""
    there = [value for value in values if not np.isnan(value)]
    return float(reduce(there)) if there else float("nan")
