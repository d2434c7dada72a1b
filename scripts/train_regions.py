"""Train SFN with patch readers on one core; goes on where it stopped. Example:

taskset -c 1 python scripts/train_regions.py --shards drawn/ labelled/ --held held.tar --out runs/desktop --minutes 480

Minutes are processor minutes, so that a busy machine changes nothing but the wall clock. Shards that appear in the
folders while it runs are taken up at the next checkpoint. `--minutes` may grow between two starts: the cosine follows.
Written: checkpoint.pt, log.txt, sfn.onnx (of the averaged weights, for `--sfn`), predictions.png.
"""

import argparse
import copy
import math
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch

from commedia.errors import BadShard
from commedia.losses.faces import DM_PER_M
from commedia.losses.landmark import project
from commedia.losses.regions import RegionLossConfig, region_loss
from commedia.networks.export import OPSET, folded
from commedia.networks.half_storage import stored_in_half
from commedia.networks.heads import JudgedFaces
from commedia.networks.ours.sfn import NETWORK_SIZES, SfnRegions
from commedia.synthetic.backgrounds import load_backgrounds
from commedia.training.checkpoints import Average
from commedia.training.config import Optimisation
from commedia.training.face_model import default_face_model
from commedia.training.face_store import FaceStore, open_store
from commedia.training.judge import Verdict, judged
from commedia.training.loop import native_precision
from commedia.training.pictures import shard_paths
from commedia.training.region_batches import STILL, VARIED, recoloured, region_batch
from commedia.training.schedules import optimiser_for
from commedia.training.sheets import faces_sheet, write_picture

CHECKPOINT_MIN = 3.0
WARM_UP_MIN = 0.3
JUDGED_MOST = 600
SHOWN = 24


class Run:
    """Network, average, optimiser and the minutes used."""

    def __init__(self, given: argparse.Namespace):
        torch.manual_seed(given.seed)
        self.given, self.model = given, default_face_model()
        self.network = SfnRegions(NETWORK_SIZES[given.network])
        self.network.to(memory_format=torch.channels_last)
        self.average = Average(copy.deepcopy(self.network), given.ema)
        self.optimisation = Optimisation(
            optimiser=given.optimiser, learning_rate=given.rate, weight_decay=given.decay, schedule="cosine"
        )
        self.optimiser = optimiser_for(self.network, self.optimisation)
        self.loss_config = replace(RegionLossConfig(), absolute=given.absolute)
        self.step, self.used_s = 0, 0.0
        self.half = native_precision("bf16-mixed") == "bf16-mixed"
        self.checkpoint = given.out / "checkpoint.pt"
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.network.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.used_s = state["step"], state["used_s"]

    def save(self) -> None:
        state = {
            "network": self.network.state_dict(), "average": self.average.network.state_dict(),
            "optimiser": self.optimiser.state_dict(), "step": self.step, "used_s": self.used_s,
        }  # fmt: skip
        aside = self.checkpoint.with_suffix(".part")
        torch.save(state, aside)
        aside.replace(self.checkpoint)

    def rate(self) -> float:
        minutes = self.used_s / 60
        share = min(1.0, minutes / self.given.minutes)
        warm = min(1.0, (self.step + 1) / 50, (minutes + 0.02) / WARM_UP_MIN) if minutes < WARM_UP_MIN else 1.0
        return max(1e-6, self.given.rate * warm * (1 + math.cos(math.pi * share)) / 2)

    def train_on(self, store: FaceStore, negatives: np.ndarray | None, clock: dict[str, float]) -> dict[str, float]:
        """One step; adds the seconds of each part to `clock`."""
        given = self.given
        rng = np.random.default_rng((given.seed, self.step))
        marks = [time.process_time()]
        rows = rng.choice(len(store), given.batch, p=drawing_chances(store, given.labelled_share))
        batch = region_batch(store, rows, self.network.config, VARIED, self.model.identity_mirror, rng, negatives)
        views = recoloured(batch, VARIED, torch.Generator().manual_seed(self.step))
        marks.append(time.process_time())
        if self.step == 0:
            with torch.no_grad():  # the mean face, which a rate per number reaches after 7,000 faces
                known = batch.targets.landmark_trust > 0
                self.network.points.bias.copy_(batch.targets.landmarks[known].mean(0).flatten())
                self.average.network.points.bias.copy_(self.network.points.bias)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            read = self.network.read_cut(*views)
        marks.append(time.process_time())
        read = read._replace(faces=type(read.faces)(*(part.float() for part in read.faces)))
        loss = region_loss(read, batch.targets, batch.present, self.model.landmarks, self.loss_config)
        if not math.isfinite(float(loss.total.detach())):
            raise FloatingPointError(f"the loss is {float(loss.total.detach())} at step {self.step}")
        marks.append(time.process_time())
        loss.total.backward()
        marks.append(time.process_time())
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), given.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update(self.network, self.step)
        marks.append(time.process_time())
        for name, first, last in zip(("batch", "forward", "loss", "backward", "optimiser"), marks, marks[1:], strict=False):
            clock[name] = clock.get(name, 0.0) + last - first
        self.step += 1
        self.used_s += marks[-1] - marks[0]
        return {name: float(value.detach()) for name, value in loss._asdict().items()}


def drawing_chances(store: FaceStore, labelled_share: float) -> np.ndarray | None:
    """Give photographs their share of a batch, where there are any."""
    if not store.labelled.any() or store.labelled.all():
        return None
    return np.where(store.labelled, labelled_share / store.labelled.sum(), (1 - labelled_share) / (~store.labelled).sum())


@torch.no_grad()
def answers(network: SfnRegions, store: FaceStore, mirror: np.ndarray, most: int = JUDGED_MOST):
    """Read held-back faces in the crops inference would see; patches are placed by the network's own points."""
    network.eval()
    rows = np.arange(min(most, len(store)))
    batch = region_batch(store, rows, network.config, STILL, mirror, np.random.default_rng(0))
    pixels = torch.from_numpy(batch.crops).movedim(-1, -3)
    reads = [network.read(part.contiguous().float() / 255) for part in pixels.split(50)]
    faces = type(reads[0].faces)(*(torch.cat(parts) for parts in zip(*(read.faces for read in reads), strict=True)))
    return batch, faces, torch.cat([read.points for read in reads])


@torch.no_grad()
def judge(run: Run, held: FaceStore, picture: Path | None = None) -> Verdict:
    batch, faces, points = answers(run.average.network, held, run.model.identity_mirror)
    truth = batch.targets
    landmarks = project(DM_PER_M * run.model.landmarks(faces.identity, faces.expression), faces)
    if picture is not None:
        few = slice(0, SHOWN)
        size = run.network.config.input_size
        at = [((places[few] + 0.5) * size).numpy() for places in (landmarks, truth.landmarks)]
        told = (faces.expression[few].numpy(), truth.expression[few].numpy())
        write_picture(picture, faces_sheet(batch.crops[few], *at, *told))
    parts = (faces.expression, truth.expression, faces.wxyz, truth.wxyz, landmarks, points, truth.landmarks)
    return judged(*(part.numpy() for part in parts))


def write_network(network: SfnRegions, path: Path, head_sha256: str) -> None:
    """Write the graph that `--sfn` takes, weights in 16 bit."""
    size = network.config.input_size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            folded(network.cpu().to(memory_format=torch.contiguous_format)), (torch.rand(2, 3, size, size),),
            input_names=["pixels"], output_names=list(JudgedFaces._fields), opset_version=OPSET, dynamo=True,
            dynamic_shapes={"pixels": {0: torch.export.Dim("batch", min=1, max=1024)}}, verbose=False, optimize=True,
        )  # fmt: skip
    model = program.model_proto
    for noted in (model, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del noted.metadata_props[:]
    facts = {"network": "sfn-regions", "input_size": str(size), "head_sha256": head_sha256, "anchors": "[]"}
    onnx.helper.set_model_props(model, facts)
    onnx.save(stored_in_half(model), path)


def negatives_from(backgrounds: Path, count: int = 2000, size: int = 256) -> np.ndarray:
    """Windows of photographs without people."""
    rng, pictures = np.random.default_rng(0), load_backgrounds(backgrounds, "train")
    return np.stack([pictures.window(rng, size, size) for _ in range(count)])


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=Path, nargs="+", required=True)
    parser.add_argument("--held", type=Path, nargs="+", required=True, help="drawn faces kept back")
    parser.add_argument("--backgrounds", type=Path, required=True, help="tar of photographs without faces")
    parser.add_argument("--store", type=Path, required=True, help="folder for decoded squares")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of processor time, in all")
    parser.add_argument("--network", choices=NETWORK_SIZES, default="desktop")
    parser.add_argument("--optimiser", choices=("adamw", "muon"), default="adamw")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=1e-2)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--clip", type=float, default=20.0)
    parser.add_argument("--absolute", type=float, default=0.0, help="share of absolute error in expression's loss")
    parser.add_argument("--labelled-share", type=float, default=0.4)
    parser.add_argument("--judge-every", type=float, default=2.0, help="processor minutes")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def main() -> None:
    given = arguments()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    run = Run(given)
    held = open_store(given.held, given.store)
    store = open_store(shard_paths(given.shards), given.store)
    negatives = negatives_from(given.backgrounds)
    log = (given.out / "log.txt").open("a", buffering=1)
    print(f"start: {vars(given)} faces {len(store)} step {run.step} pid {os.getpid()}", file=log)
    saved, said = run.used_s, run.used_s
    clock: dict[str, float] = {}
    sums: dict[str, float] = {}
    steps, wall = 0, time.monotonic()
    while run.used_s < 60 * given.minutes:
        parts = run.train_on(store, negatives, clock)
        sums = {name: sums.get(name, 0.0) + value for name, value in parts.items()}
        steps += 1
        done = run.used_s >= 60 * given.minutes
        if done or run.used_s - said >= 60 * given.judge_every:
            spent = sum(clock.values())
            verdict = judge(run, held, given.out / "predictions.png" if done else None)
            left = (60 * given.minutes - run.used_s) * (time.monotonic() - wall) / spent / 60
            losses = " ".join(f"{name} {value / steps:.4f}" for name, value in sums.items())
            shares = " ".join(f"{name} {seconds / spent:.0%}" for name, seconds in clock.items())
            print(f"{run.used_s / 60:.1f} min step {run.step} {steps * given.batch / spent:.0f}/s ({shares}) left {left:.0f} wall min | {verdict} | {losses}", file=log)  # fmt: skip
            clock, sums, steps, said, wall = {}, {}, 0, run.used_s, time.monotonic()
        if done or run.used_s - saved >= 60 * CHECKPOINT_MIN:
            run.save()
            saved = run.used_s
            try:
                store = open_store(shard_paths(given.shards), given.store)
            except BadShard as problem:
                print(problem, file=log)
    write_network(run.average.network.eval(), given.out / "sfn.onnx", run.model.sha256)


if __name__ == "__main__":
    main()
