"""Table `identity`: how far people at rest are from the true ones, as the identity network and SFN say who they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.data.sample import PictureSample
from commedia.data.shards import read_shard
from commedia.errors import BadShard, CommediaError
from commedia.evaluation.paper2_people import CROP_MM, surface_of
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.shape_error import shape_error_mm
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import HeadModel, head_or_default
from commedia.face_model.rest_shape import RestShape
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.identity import IdentityPredictor, SeenIdentity, open_identity
from commedia.faces.sfn import open_sfn

COLUMNS = ("who it is", "people", "one frame mm", "all frames mm", "shared", "sure")
NOTES = (
    "Drawn people at rest, in crops that the true points place. mm: root mean square distance of the face's vertices "
    f"within {CROP_MM:g} mm of the nose tip from the true ones, after the best rigid motion; mean over people, of each "
    "frame alone and of all frames of a person together.",
    "shared: part of the square of errors that is the same in all frames of a person. sure: square of errors over what "
    "they were said to be, one frame and all frames; 1 is right.",
)


@dataclass
class RestErrors:
    """Of one way to say who somebody is: a number a frame, and one a person."""

    one_mm: list[float] = field(default_factory=list)
    all_mm: list[float] = field(default_factory=list)
    shared: list[tuple[float, float]] = field(default_factory=list)
    """Sum over pairs of frames of what their errors share, and the same of one frame with itself."""
    surprise: list[tuple[float, float]] = field(default_factory=list)


def identity(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Read everybody in shards of drawn people."""
    if not settings.shards:
        raise CommediaError("this table needs held-back shards of drawn people; name them with --shards")
    head = head_or_default(None)
    errors = {"mean face": RestErrors(), "SFN": RestErrors(), "identity network": RestErrors()}
    sfn, network, count = open_sfn(settings.sfn, threads=1), open_identity(head=head, threads=1), 0
    for count, frames in enumerate(islice(_people(settings), settings.limit), start=1):
        progress("reading people", count - 1, settings.limit or 0)
        crops = [crop_from_landmarks(frame.faces[0].landmarks_px) for frame in frames]
        pairs = list(zip(frames, crops, strict=True))
        truth = frames[0].faces[0].identity
        assert truth is not None
        read = np.stack([sfn.regress(frame.image, [crop])[0].identity for frame, crop in pairs])
        seen = [network.read(frame.image, [crop]) for frame, crop in pairs]
        nobody = np.zeros_like(read)
        add(errors["mean face"], nobody, nobody[0], truth, head, network.rest)
        add(errors["SFN"], read, read.mean(0), truth, head, network.rest)
        _add_network(errors["identity network"], seen, truth, network)
    if not count:
        raise BadShard(f"nobody whose identity is known is in {', '.join(path.name for path in settings.shards)}")
    rows = tuple((name, count, *measured(one)) for name, one in errors.items())
    return [Table("identity", "Who drawn people are, at rest", COLUMNS, rows, NOTES)]


def add(
    errors: RestErrors,
    said: Float[np.ndarray, "n i"],
    together: Float[np.ndarray, "i"],
    truth: Float[np.ndarray, "i"],
    head: HeadModel,
    rest: RestShape,
) -> None:
    """Compare what was said of each frame and of all with who it is."""
    errors.one_mm += [rest_error_mm(one, truth, head) for one in said]
    errors.all_mm.append(rest_error_mm(together, truth, head))
    off, count = (said - truth) @ rest.mm_from_identity, len(said)
    itself = float(np.square(off).sum()) / count
    if count > 1:
        errors.shared.append(((float(np.square(off.sum(0)).sum()) / count - itself) / (count - 1), itself))


def rest_error_mm(said: Float[np.ndarray, "i"], truth: Float[np.ndarray, "i"], head: HeadModel) -> float:
    """How far apart two people are at rest."""
    rest = np.zeros(EXPRESSION_COUNT, np.float32)
    shapes = [surface_of(vertices_from_params(head.model, who.astype(np.float32), rest)) for who in (said, truth)]
    return shape_error_mm(shapes[0], shapes[1], crop_mm=CROP_MM)


def measured(errors: RestErrors) -> tuple[Cell, ...]:
    """The numbers of a row, from the third of `COLUMNS`."""
    shared, itself = np.sum(errors.shared, axis=0) if errors.shared else (0.0, 0.0)
    sure = np.mean(errors.surprise, axis=0) if errors.surprise else None
    return (
        float(np.mean(errors.one_mm)),
        float(np.mean(errors.all_mm)),
        float(shared / itself) if itself else None,
        None if sure is None else f"{sure[0]:.2f}, {sure[1]:.2f}",
    )


def _add_network(
    errors: RestErrors, seen: Sequence[SeenIdentity], truth: Float[np.ndarray, "i"], network: IdentityPredictor
) -> None:
    frames = SeenIdentity(*(np.concatenate(part) for part in zip(*seen, strict=True)))
    known = network.of_one_person(frames)
    add(errors, frames.identity, known.identity, truth, network.head, network.rest)
    off = (frames.identity - truth) @ network.rest.mm_from_identity / frames.spread_mm
    together = (known.identity - truth) @ known.sure
    errors.surprise.append((float(np.square(off).mean()), float(np.square(together).sum()) / IDENTITY_COUNT))


def _people(settings: EvaluationSettings) -> Iterator[list[PictureSample]]:
    samples = (sample for path in settings.shards for sample in read_shard(path))
    known = (one for one in samples if len(one.faces) == 1 and one.faces[0].identity is not None)
    for _, frames in groupby(known, key=_name):
        yield list(frames)


def _name(sample: PictureSample) -> str | None:
    return sample.faces[0].identity_name
