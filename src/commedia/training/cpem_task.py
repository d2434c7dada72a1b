"""Training of CPEM: frames of one person side by side, drawn again from what the network says of them."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.errors import WeightsMismatch
from commedia.faces.parser import open_parser
from commedia.losses.cpem import CpemLossConfig, Explained, cpem_loss
from commedia.losses.exclusive import FACEWAREHOUSE_PAIRS, PAIRS, together
from commedia.losses.faces import FaceTargets, Loss
from commedia.losses.perceptual import perceptual_error
from commedia.networks.paper3.cpem import CpemOutputs
from commedia.networks.registry import spec_of
from commedia.training.batches import SfnBatch, gathered, unit_pixels
from commedia.training.config import STILL
from commedia.training.cpem_face import Compared, CpemFace
from commedia.training.crops import crops
from commedia.training.measures import active_error, angles_deg, correlations, normalised_error, rankings
from commedia.training.recogniser import Recogniser, open_recogniser
from commedia.training.sfn_task import groups_of, sampling_chances
from commedia.training.sheets import faces_sheet, grid_of
from commedia.training.skin_masks import with_skin_masks
from commedia.training.tasks import AT_THE_END, RunShare, TaskSetup, split_rows

VALIDATION_MOST = 600
AT_ONCE = 50
FACEWAREHOUSE_COUNT = 46


class CpemBatch(NamedTuple):
    """Rows for the network; the first `groups` times `group_size` are frames of one person each."""

    crops: SfnBatch
    groups: int
    group_size: int


class CpemValidation(NamedTuple):
    """How good it is on held-back pictures; expression and identity on drawn faces alone, whose truth is exact."""

    loss: float
    auc: float
    """Mean over blendshapes: active above resting."""
    correlation: float
    """Median over blendshapes."""
    everywhere: float
    """Mean absolute error of all blendshapes."""
    active: float
    """Mean absolute error where the truth is above 0.5."""
    contradiction: float
    """Mean weight of the weaker of two contradictory blendshapes."""
    identity: float
    """Median correlation of the identity's components with the truth."""
    pose_deg: float
    error: float
    """68 points, % of the root of the box's area."""
    photometric: float
    """Of photographs, 0 to 1; NaN without any."""


class CpemTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.seed, self.loss_config = stage, setup.seed, stage.loss
        self.size, self.mirror = spec_of(setup.network).input_size, setup.model.identity_mirror
        self.face, loss = CpemFace(setup.model), self.loss_config
        self.labelled, self.pairs = setup.model.source is None, PAIRS
        _check_fit(setup.network.config, self.face, loss, labelled=self.labelled)
        if setup.model.source is not None and self.face.counts[1] == FACEWAREHOUSE_COUNT:
            self.pairs = FACEWAREHOUSE_PAIRS
        self.recogniser: Recogniser | None = None
        if loss.perceptual:
            self.recogniser = open_recogniser(loss.recogniser, loss.recogniser_sees, size=loss.recogniser_px)
        pictures = setup.pictures.face_crops
        if stage.data.skin_parser is not None:
            pictures = with_skin_masks(pictures, open_parser(stage.data.skin_parser))
        training, held = split_rows(pictures.faces.landmarks, stage.data.validation_share, VALIDATION_MOST)
        self.pictures, self.held = pictures, pictures.at(held)
        self.chances = sampling_chances(pictures, training, stage.data)
        self.groups = groups_of(pictures, self.chances, stage.data.groups)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> CpemBatch:
        rng = np.random.default_rng((self.seed, step))
        data, count = self.stage.data, self.stage.optimisation.batch_size
        groups = int(data.grouped_share * count) // data.group_size if self.groups else 0
        grouped = [] if self.groups is None else [self._cut(self.groups.draw(rng, groups, data.group_size), rng)]
        singles = count - groups * data.group_size
        alone = [self._cut(rng.choice(len(self.pictures), singles, p=self.chances), rng)] if singles else []
        return CpemBatch(joined_crops([*grouped, *alone]), groups, data.group_size)

    def pixels(self, batch: CpemBatch) -> Tensor:
        return unit_pixels(batch.crops.pixels)

    def read(self, network: Any, pixels: Tensor) -> CpemOutputs:
        return network.read(pixels)

    def loss(self, outputs: CpemOutputs, batch: CpemBatch, run: RunShare) -> Loss:
        device = outputs.identity.device
        self.face.to(device)
        targets = FaceTargets(*(part.to(device) for part in batch.crops.targets))
        # What is drawn takes most of the time beside a small network: where there are groups, they alone are drawn.
        drawn = batch.groups * batch.group_size or len(outputs.identity)
        outputs = CpemOutputs(*(part.float() for part in outputs))
        compared = self._compared(outputs, batch.crops, slice(drawn))
        points = self.face.points(outputs)
        explained = Explained(points, compared.photometric, self._perceptual(compared, targets.landmarks[:drawn]))
        sizes = {"groups": batch.groups, "group_size": batch.group_size}
        return cpem_loss(outputs, explained, targets, self.loss_config, **sizes, share=run.share, pairs=self.pairs)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> CpemValidation:
        batch, outputs = self._read_held(network, np.arange(len(self.held)))
        targets, drawn = batch.targets, torch.from_numpy(~self.held.labelled)
        points, photographs = self.face.points(outputs), torch.from_numpy(self.held.labelled).nonzero()[:, 0]
        errors = self._compared(outputs, batch, photographs).photometric
        explained = Explained(points, errors)
        share, pairs = AT_THE_END.share, self.pairs
        loss = cpem_loss(
            outputs, explained, targets, self.loss_config, groups=0, group_size=1, share=share, pairs=pairs
        )
        known = targets.pose_weight > 0
        truth = FaceTargets(*(part[drawn] for part in targets))
        return CpemValidation(
            loss=float(loss.total),
            **self._against_labels(outputs.expression[drawn], outputs.identity[drawn], truth),
            contradiction=float(together(outputs.expression, pairs).mean()),
            pose_deg=float(angles_deg(outputs.wxyz, targets.wxyz)[known].mean()),
            error=normalised_error(points, targets),
            photometric=float(errors.mean()),
        )

    def _against_labels(self, told: Tensor, identity: Tensor, truth: FaceTargets) -> dict[str, float]:
        """What only labels of the same model can say; NaN for a model of somebody else's."""
        if not self.labelled:
            return dict.fromkeys(("auc", "correlation", "everywhere", "active", "identity"), float("nan"))
        return {
            "auc": float(rankings(told, truth.expression).nanmean()),
            "correlation": float(correlations(told, truth.expression).median()),
            "everywhere": float((told - truth.expression).abs().mean()),
            "active": active_error(told, truth),
            "identity": float(correlations(identity, truth.identity).median()),
        }

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        """Points and blendshapes, and below them what was drawn, over the pictures it should explain."""
        rows = np.linspace(0, len(self.held) - 1, min(12, len(self.held))).astype(int)
        batch, outputs = self._read_held(network, rows)
        plain = batch.pixels.permute(0, 2, 3, 1)
        above = faces_sheet(
            plain, self.face.points(outputs), outputs.expression if self.labelled else None, batch.targets
        )
        pictures = self.face.pictures(outputs, self.size)
        laid = torch.where(pictures.mask[..., None], 255 * pictures.image.clamp(0, 1), plain.float()).byte().numpy()
        below = grid_of(list(laid))
        missing = above.shape[1] - below.shape[1]
        return np.concatenate([above, np.pad(below, ((0, 0), (0, missing), (0, 0)))])

    def _compared(self, outputs: CpemOutputs, batch: SfnBatch, rows: slice | Tensor) -> Compared:
        """Draw some faces again; none where no loss looks at pictures."""
        config, some = self.loss_config, CpemOutputs(*(part[rows] for part in outputs))
        if not (config.photometric or config.perceptual) or not len(some.identity):
            nothing = some.identity.new_zeros(0, 3, config.picture_px, config.picture_px)
            return Compared(some.identity.new_zeros(0), nothing, nothing)
        device = some.identity.device
        pixels, masks = batch.pixels[rows].to(device), None if batch.masks is None else batch.masks[rows].to(device)
        return self.face.compared(some, pixels, masks, config.picture_px)

    def _perceptual(self, compared: Compared, points: Float[Tensor, "r 68 2"]) -> Float[Tensor, "r"] | None:
        """Ask whether photograph and drawn face show one person."""
        if self.recogniser is None:
            return None
        recogniser = self.recogniser.to(points.device)
        with torch.no_grad():
            seen = recogniser(compared.photographs, points)
        return perceptual_error(seen, recogniser(compared.laid_over.clamp(0, 1), points))

    def _cut(self, rows: np.ndarray, rng: np.random.Generator) -> SfnBatch:
        return crops(self.pictures, rows, self.stage.augmentation, self.mirror, rng, size=self.size)

    def _read_held(self, network: Any, rows: np.ndarray) -> tuple[SfnBatch, CpemOutputs]:
        """Run over held-back crops in slices, results on the CPU."""
        batch = crops(self.held, rows, STILL, self.mirror, np.random.default_rng(self.seed), size=self.size)
        self.face.cpu()
        device = next(network.parameters()).device
        return batch, gathered([network.read(unit_pixels(part.to(device))) for part in batch.pixels.split(AT_ONCE)])


def _check_fit(config: Any, face: CpemFace, loss: CpemLossConfig, *, labelled: bool) -> None:
    """Refuse a network or a loss that is for another face model."""
    told = (config.identity_count, config.expression_count, config.texture_count)
    if told != face.counts:
        names = ("identity", "expression", "texture")
        ours, theirs = (", ".join(f"{n} {name}" for n, name in zip(c, names, strict=True)) for c in (told, face.counts))
        raise WeightsMismatch(f"the network says {ours}; the face model has {theirs}")
    if not labelled and (loss.identity or loss.expression):
        raise WeightsMismatch(
            "labels are of our head; with somebody else's model take a recipe that learns without them"
        )


def joined_crops(parts: list[SfnBatch]) -> SfnBatch:
    """Batches one after the other."""
    targets = FaceTargets(*(torch.cat(same) for same in zip(*(part.targets for part in parts), strict=True)))
    whole = {"masks": [part.masks for part in parts], "parse": [part.parse for part in parts]}
    maps = {
        name: torch.cat(some) if (some := [m for m in part if m is not None]) else None for name, part in whole.items()
    }
    return SfnBatch(torch.cat([part.pixels for part in parts]), targets, **maps)
