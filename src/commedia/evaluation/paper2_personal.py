"""Table `paper2-personal`: are rigs that are made of clips nearer to unseen frames than the head model, and whose?

Of each clip a rig is made, as `commedia personalize` makes it. It is drawn in three moments and compared with frames
that it was not made of, of everybody. What is measured of a clip is kept in the output folder, so that a run that was
cut off goes on. A sheet shows each actor beside their rig in the three moments.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.errors import CommediaError
from commedia.evaluation.looks import MOMENTS, NAMED_OF_TWELVE, SIDE_PX, embedded, named
from commedia.evaluation.report import Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.sheets import Stage, write_sheet
from commedia.face_model.landmarks import landmarks_from_params
from commedia.face_model.model import head_or_default
from commedia.face_model.person_file import read_person, write_person
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.points import open_points
from commedia.files import write_file
from commedia.looks.portraits import Portrait
from commedia.personal.choose import chosen_cuts
from commedia.personal.make import Cuts, Effort, make_person
from commedia.personal.watch import ME, watched, who_is_meant
from commedia.retarget.cast import Cast
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace
from commedia.tracking.models import Models, open_models

SHORT = Effort(size_px=72, prior_steps=45, own_steps=60, judge_steps=25)
"""A third of the work that `commedia personalize` takes, so that twelve clips take minutes."""
LEAST_COSINE = LEAST_CORRELATION = 0.9
ACTED = 0.1
"""Standard deviation over frames from which on a blendshape is acted in a clip."""
COLUMNS = (
    *("clip", "made of", "unseen", "error, head model", "error, own rig", "own blendshapes", "cosine"),
    *("to own actor", "to the nearest other", "read back", "seconds"),
)
NOTES = (
    "error: photometric, 0 to 1 in sRGB, over the skin of frames the rig was not made of, in which pose, expression "
    "and light are fitted to either rig alike. Both begin with the skin that `looks` finds.",
    "cosine: median over a rig's own blendshapes with the head model's.",
    "to own actor: cosine of embeddings, the rig's over three drawn moments (calm, most jawOpen, most mouthSmileLeft), "
    "the actor's over unseen frames.",
    "read back: what this clip's actor does, played by the next clip's rig, drawn, and read again: median correlation "
    "over the blendshapes that are acted.",
    "seconds: processor time of one core, reading included.",
)


@dataclass(frozen=True)
class Measured:
    """What is kept of one clip."""

    name: str
    told: dict
    """Frames, errors, cosine, seconds."""
    likeness: Float[np.ndarray, "e"]
    """Mean embedding of frames that the rig was not made of."""
    pictures: UInt8[np.ndarray, "k s s 3"]
    """The actor in three moments."""
    expressions: Float[np.ndarray, "k 52"]
    poses: Float[np.ndarray, "k 7"]
    """Rotation, origin and scale in these pictures."""
    acted: Float[np.ndarray, "n 52"]
    """Expressions of all frames that were cut out."""


def paper2_personal(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure clips of one person each, of `--files` or of the data's `clips/`."""
    paths = (settings.files or tuple(sorted(settings.file("clips").glob("*.mp4"))))[: settings.limit]
    folder, measured, models = settings.output / "paper2-personal", [], None
    for number, path in enumerate(paths):
        progress("personalizing", number, len(paths))
        if not _kept(folder, path.stem).exists():
            models = models or open_models(settings.mfn, settings.sfn)
            if not _measure(path, folder, models):
                continue
        measured.append(_read(folder, path.stem))
    progress("personalizing", len(paths), len(paths))
    if len(measured) < 2:
        raise CommediaError(f"rigs are told from each other, and {len(measured)} of {len(paths)} clips show a person")
    models = models or open_models(settings.mfn, settings.sfn)
    rigs = [_Played(one.name, folder) for one in measured]
    drawn = [_drawn(one, rig) for one, rig in zip(measured, rigs, strict=True)]
    back = [_read_back(one, rig, models) for one, rig in zip(measured, (*rigs[1:], rigs[0]), strict=True)]
    tiles = [
        np.concatenate(pair, axis=1)
        for one, rig in zip(measured, drawn, strict=True)
        for pair in zip(one.pictures, rig, strict=True)
    ]
    write_sheet(settings.output / "paper2-personal.jpg", tiles, columns=len(MOMENTS))
    theirs = np.stack([one.likeness for one in measured])
    cosines = np.stack([embedded(rig, models, theirs.shape[1]) for rig in drawn]) @ theirs.T
    return [personal_table(measured, cosines, back)]


def personal_table(measured: list[Measured], cosines: Float[np.ndarray, "n n"], back: list[float]) -> Table:
    """What was measured of each clip, the cosine of each rig (row) with each actor, and what was read back, to the
    table."""
    rows = []
    for row, one in enumerate(measured):
        told = [one.told[key] for key in ("made_of", "unseen", "prior", "own", "blendshapes", "cosine")]
        nearest = float(np.delete(cosines[row], row).max())
        rows.append((one.name, *told, float(cosines[row, row]), nearest, back[row], one.told["seconds"]))
    better = sum(one.told["own"] < one.told["prior"] for one in measured)
    moving = [one.told["cosine"] for one in measured if one.told["blendshapes"]]
    count, least = len(measured), int(np.ceil(NAMED_OF_TWELVE / 12 * len(measured)))
    reached = (
        ("rigs nearer to unseen frames than the head model", better, count),
        (f"rigs nearer to their own actor than to the {count - 1} others", named(cosines), least),
        ("median cosine of own blendshapes with the head model's", np.median(moving or [np.nan]), LEAST_COSINE),
        ("median correlation of what is read back from another's rig", np.nanmedian(back), LEAST_CORRELATION),
    )
    goals = tuple(Goal(name, float(value), float(bound), at_most=False) for name, value, bound in reached)
    return Table("paper2-personal", "Rigs of one's own", COLUMNS, tuple(rows), NOTES, goals)


def _measure(path: Path, folder: Path, models: Models) -> bool:
    """Make a rig of a clip and keep what is measured; False where nobody is seen."""
    began, head = process_time(), head_or_default(None)
    try:
        takes, _ = watched([path], models, lambda *_: None)
        cuts, _ = chosen_cuts(takes, who_is_meant(takes, None), lambda *_: None)
    except CommediaError:
        return False
    made = make_person(path.stem, cuts, head, SHORT, lambda *_: None, finder=open_points(threads=1))
    told = {
        "made_of": len(cuts.made_of),
        "unseen": len(cuts.unseen),
        "prior": made.judgement.prior,
        "own": made.judgement.own,
        "blendshapes": len(made.cosines),
        "cosine": float(np.median(list(made.cosines.values()) or [np.nan])),
        "seconds": process_time() - began,
    }
    write_person(folder / f"{path.stem}.commedia", made.person, told)
    _keep(_kept(folder, path.stem), told, cuts, models)
    return True


def _keep(path: Path, told: dict, cuts: Cuts, models: Models) -> None:
    """Write what is needed to compare a rig with its actor."""
    assert models.embedder is not None
    looks = [
        models.embedder.embed(one.image, [landmarks_from_params(one.params)])[0] for one in cuts.unseen or cuts.made_of
    ]
    total, moments = np.sum(looks, axis=0), _moments([*cuts.made_of, *cuts.unseen])
    poses = [one.params.pose for one in moments]
    file = io.BytesIO()
    np.savez_compressed(
        file,
        told=np.frombuffer(json.dumps(told).encode(), np.uint8),
        likeness=total / np.linalg.norm(total),
        pictures=np.stack([cv2.resize(one.image, (SIDE_PX, SIDE_PX)) for one in moments]),
        expressions=np.stack([one.params.expression for one in moments]),
        poses=np.stack([np.concatenate([pose.wxyz, pose.origin_px, [pose.px_per_m]]) for pose in poses]),
        acted=np.stack([one.params.expression for one in (*cuts.made_of, *cuts.unseen)]),
    )
    write_file(path, file.getvalue())


def _moments(cuts: list[Portrait]) -> list[Portrait]:
    expressions = np.stack([one.params.expression for one in cuts])
    most = [int(expressions[:, EXPRESSION_INDEX[name]].argmax()) for name in MOMENTS[1:]]
    return [cuts[index] for index in (int(expressions.sum(axis=1).argmin()), *most)]


def _kept(folder: Path, name: str) -> Path:
    return folder / f"{name}.npz"


def _read(folder: Path, name: str) -> Measured:
    try:
        with np.load(_kept(folder, name)) as kept:
            told = json.loads(kept["told"].tobytes())
            return Measured(name, told, *(kept[part] for part in _ARRAYS))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CommediaError(f"'{_kept(folder, name)}' cannot be read; remove it, and it is measured again") from error


_ARRAYS = ("likeness", "pictures", "expressions", "poses", "acted")


class _Played:
    """A rig that plays what it is told."""

    def __init__(self, name: str, folder: Path):
        self.person = read_person(folder / f"{name}.commedia")
        self.stage = Stage(SIDE_PX, Cast(person=self.person))

    def picture(self, expression: Float[np.ndarray, "52"], pose: HeadPose) -> UInt8[np.ndarray, "s s 3"]:
        identity = np.zeros(IDENTITY_COUNT, np.float32)
        params, nowhere = FaceParams(identity, expression.astype(np.float32), pose), np.zeros((68, 2), np.float32)
        return self.stage.character(TrackedFace(ME, "tracked", Box(0.0, 0.0, 1.0, 1.0), params, nowhere, 1.0))


def _drawn(one: Measured, rig: _Played) -> list[UInt8[np.ndarray, "s s 3"]]:
    """The rig in the three moments."""
    placed = (HeadPose(*(part.astype(np.float32) for part in (row[:4], row[4:6])), float(row[6])) for row in one.poses)
    return [rig.picture(expression, pose) for expression, pose in zip(one.expressions, placed, strict=True)]


def _read_back(one: Measured, rig: _Played, models: Models) -> float:
    """Median correlation of what is acted with what is read in the drawn rig; NaN where nothing is acted or read."""
    ahead = HeadPose(np.array([1, 0, 0, 0], np.float32), np.zeros(2, np.float32), 1.0)
    asked, found = [], []
    for expression in one.acted:
        picture = rig.picture(expression, ahead)
        faces = [face for face in models.detector.detect(picture) if face.landmarks_px is not None][:1]
        for face in faces:
            (read,) = models.regressor.regress(picture, [crop_from_landmarks(face.landmarks_px)])
            asked.append(expression)
            found.append(read.expression)
    if len(asked) < 3:
        return float("nan")
    told, heard = np.stack(asked), np.stack(found)
    acted = np.flatnonzero((told.std(axis=0) >= ACTED) & (heard.std(axis=0) > 0))
    known = [float(np.corrcoef(told[:, row], heard[:, row])[0, 1]) for row in acted]
    return float(np.median(known)) if known else float("nan")
