"""Paper 1's comparisons on our own data: each pair trained alike, over several seeds, and measured.

    python scripts/ablations.py --face-crops shards/{helen-train,synth-train-001}.tar \
      --pictures shards/crowd-train-00?.tar --held shards/{helen-dev,ytf-dev,synth-test}-000.tar \
      --crowds shards/crowd-test-000.tar --out runs/ablations --seeds 0 1

Asks: are several scales better than one (NME of SFN), does learning to read help to find (AP of MFN), does truth from
a better SFN make a better MFN (NME of MFN): from several scales instead of one, as in the paper, and from a finished
training instead of a tenth of it. The second is asked early, after three times as many scenes, and after six times.
What is compared sees equally many pictures. What is trained already is not trained again, so that a run that was
stopped goes on; runs of one core each, one for every seed, may share a folder. Pin it as docs/training.md says.
SFNs are the paper's.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from commedia.data.shards import read_encoded
from commedia.errors import CommediaError
from commedia.evaluation.crowds import mfn_crowds
from commedia.evaluation.metrics import normalised_mean_error
from commedia.evaluation.report import Goal, Table, origin_of, show, source_commit, write_report
from commedia.evaluation.settings import EvaluationSettings
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.sfn import open_sfn
from commedia.networks.export import write_onnx
from commedia.networks.registry import spec_of
from commedia.networks.weights import facts_of_weights, network_from_weights
from commedia.training.config import Budget
from commedia.training.loop import RunConfig, train
from commedia.training.recipes import recipe_named


@dataclass(frozen=True)
class Arm:
    """One side of a comparison."""

    question: str
    name: str
    recipe: str
    teacher: "Arm | None" = None
    """Whose SFN gives the truth."""
    expected_better: bool = False
    share: float = 1.0
    """How many of the pictures it sees; the arms of one question see equally many, but for what it asks."""
    goes_on: "Arm | None" = None
    """Whose training it continues, by the schedule of its own, longer one."""

    @property
    def run(self) -> str:
        """Name of the training; arms that train alike share it."""
        part = "" if self.share == 1 else f"-{self.share:g}"
        return self.recipe + part + ("" if self.teacher is None else f"-{self.teacher.run}")

    def pictures(self, given: argparse.Namespace) -> int:
        """How many it sees."""
        return round(self.share * (given.faces_seen if self.recipe.startswith("sfn") else given.pictures_seen))


SINGLE_SCALE = Arm("scales", "single scale", "sfn-paper-single-scale")
MULTI_SCALE = Arm("scales", "multi scale", "sfn-paper", expected_better=True)
EARLY = Arm("scales", "multi scale, early", "sfn-paper", share=0.1)
FINDS = Arm("joint", "detection only", "mfn-desktop-detect-only", share=3.0)
READS = Arm("joint", "detection and reading", "mfn-desktop", expected_better=True, share=3.0)
ARMS = (
    SINGLE_SCALE,
    MULTI_SCALE,
    replace(FINDS, question="joint-early", share=1.0),
    replace(READS, question="joint-early", share=1.0),
    FINDS,
    READS,
    replace(FINDS, question="joint-long", share=6.0, goes_on=FINDS),
    replace(READS, question="joint-long", share=6.0, goes_on=READS),
    Arm("teacher", "truth from the single-scale SFN", "mfn-desktop-relabelled", SINGLE_SCALE),
    Arm("teacher", "truth from the multi-scale SFN", "mfn-desktop-relabelled", MULTI_SCALE, expected_better=True),
    Arm("teacher-early", "truth from an SFN after a tenth of its faces", "mfn-desktop-relabelled", EARLY),
    Arm("teacher-early", "truth from the finished SFN", "mfn-desktop-relabelled", MULTI_SCALE, expected_better=True),
)


Row = tuple[Arm, int, float, float | None]
"""Arm, seed, what it measures, and the NME of the SFN that gave it the truth."""


def main() -> int:
    given = _arguments()
    try:
        rows = [_row(arm, seed, given) for arm in ARMS if arm.question in given.only for seed in given.seeds]
        table = _table(rows, given)
    except CommediaError as error:
        print(f"ablations: {error}", file=sys.stderr)
        return 2
    show(table, Console())
    write_report(given.out, [table], origin_of([], seed=given.seeds[0]))
    return 0 if all(goal.is_met for goal in table.goals) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--face-crops", type=Path, nargs="+", required=True, help="shards of one face a picture")
    parser.add_argument("--pictures", type=Path, nargs="+", default=[], help="shards of crowds and of nobody, for MFN")
    parser.add_argument("--held", type=Path, nargs="+", required=True, help="shards that NME is measured on")
    parser.add_argument("--crowds", type=Path, nargs="+", default=[], help="shards that AP is measured on")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--faces-seen", type=int, default=60_000, help="by each SFN")
    parser.add_argument("--pictures-seen", type=int, default=10_000, help="by each MFN")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", choices=list(QUESTIONS), default=list(QUESTIONS))
    return parser.parse_args()


def _row(arm: Arm, seed: int, given: argparse.Namespace) -> Row:
    taught = None if arm.teacher is None else _measured(arm.teacher, seed, given)
    return arm, seed, _measured(arm, seed, given), taught


def _measured(arm: Arm, seed: int, given: argparse.Namespace) -> float:
    network = _onnx(_trained(arm, seed, given))
    measure = QUESTIONS[arm.question].measure
    kept = network.with_name(f"{measure.__name__}.txt")
    if not kept.exists():
        kept.write_text(repr(measure(network, given)))
    return float(kept.read_text())


def _trained(arm: Arm, seed: int, given: argparse.Namespace) -> Path:
    """Train an arm, or take what an earlier run has left; arms that train alike share a run."""
    taught = None if arm.teacher is None else _trained(arm.teacher, seed, given)
    folder = given.out / f"{arm.run}-seed-{seed}"
    done = folder / "done"
    if not done.exists():
        if arm.goes_on is not None and not (folder / "checkpoint.pt").exists():
            begun = _trained(arm.goes_on, seed, given).with_name("checkpoint.pt")
            folder.mkdir(exist_ok=True)
            shutil.copy(begun, folder)
        recipe = recipe_named(arm.recipe)
        single = arm.recipe.startswith("sfn")
        shards = given.face_crops if single else [*given.face_crops, *given.pictures]
        steps = arm.pictures(given) // recipe.stages[0].optimisation.batch_size
        run = RunConfig(seed=seed, teacher=taught, accelerator="cpu", quiet=True, resume=True, commit=source_commit())
        train(recipe, shards, folder, Budget(steps=steps), run)
        done.touch()
    return folder / "weights.safetensors"


def _onnx(weights: Path) -> Path:
    path = weights.with_name("network.onnx")
    if not path.exists():
        network = network_from_weights(weights)
        write_onnx(network, path, facts_of_weights(weights), batch=spec_of(network).batch)
    return path


def sfn_error(network: Path, given: argparse.Namespace) -> float:
    """Mean over the held shards, each counting the same."""
    regressor = open_sfn(str(network), threads=1)
    means = []
    for shard in given.held:
        errors = []
        for encoded in read_encoded(shard):
            image = encoded.decoded().image
            for face in encoded.faces:
                found = landmarks_of_faces(regressor.regress(image, [crop_from_landmarks(face.landmarks_px)]))[0]
                errors.append(100 * normalised_mean_error(found, face.landmarks_px))
        means.append(np.mean(errors))
    return float(np.mean(means))


def mfn_precision(network: Path, given: argparse.Namespace) -> float:
    return float(_crowds(network, given)[0].cell("AP"))  # type: ignore[arg-type]


def mfn_error(network: Path, given: argparse.Namespace) -> float:
    value = _crowds(network, given)[1].cell("68 points")
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]


def _crowds(network: Path, given: argparse.Namespace) -> list[Table]:
    settings = EvaluationSettings(given.out, mfn=str(network), shards=tuple(given.crowds), smallest_face=0.03)
    return mfn_crowds(settings, lambda stage, done, total: None)


def _table(rows: Sequence[Row], given: argparse.Namespace) -> Table:
    return Table(
        "ablations",
        "Paper 1's comparisons, by our recipes on our data",
        ("question", "arm", "recipe", "pictures seen", "seed", "its teacher's NME, %", "measured", "value"),
        tuple(
            (asked.title, arm.name, arm.recipe, arm.pictures(given), seed, taught, asked.head, value)
            for arm, seed, value, taught in rows
            for asked in (QUESTIONS[arm.question],)
        ),
        ("Every training has a cosine schedule. Pictures: faces of an SFN, scenes of an MFN.",),
        tuple(
            Goal(f"gain: {QUESTIONS[question].title}", _gain(question, rows), 0.0, at_most=False)
            for question in given.only
        ),
    )


def _gain(question: str, rows: Sequence[Row]) -> float:
    """Mean over seeds of the arm that should be better over that of the other, positive when it is."""
    means = [
        np.mean([value for arm, _, value, _ in rows if arm.question == question and arm.expected_better is better])
        for better in (False, True)
    ]
    return float(means[0] - means[1] if QUESTIONS[question].lower_is_better else means[1] - means[0])


@dataclass(frozen=True)
class Question:
    """What is asked of a pair of arms."""

    title: str
    head: str
    measure: Callable[[Path, argparse.Namespace], float]
    lower_is_better: bool = True


_FOUND_ERROR = "NME of the faces found, %"
QUESTIONS = {
    "scales": Question("one scale or several", "NME, %", sfn_error),
    "joint-early": Question("finding alone, or reading too: early", "AP", mfn_precision, lower_is_better=False),
    "joint": Question("finding alone, or reading too", "AP", mfn_precision, lower_is_better=False),
    "joint-long": Question("finding alone, or reading too: twice as long", "AP", mfn_precision, lower_is_better=False),
    "teacher": Question("whose truth MFN learns: one scale's or several'", _FOUND_ERROR, mfn_error),
    "teacher-early": Question("whose truth MFN learns: an early or a finished SFN's", _FOUND_ERROR, mfn_error),
}


if __name__ == "__main__":
    sys.exit(main())
