"""Training of TrackNet and ModelNet: people in several frames each, drawn again with a face model of their own."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT
from commedia.data.truth import COVERED
from commedia.errors import BadShard
from commedia.face_model.chart import load_chart
from commedia.face_model.model import PARSE_CLASSES, head_or_default
from commedia.losses.faces import FaceTargets, Loss
from commedia.losses.landmark import DM_PER_M
from commedia.losses.parsing import parsing_error
from commedia.losses.personal import Terms, reading_terms, weighted_sum
from commedia.losses.picture import image_gradient_error, photometric_error
from commedia.networks.paper2.personal import ModelledFaces, first_rows
from commedia.networks.registry import spec_of
from commedia.synthetic.truth import true_vertices
from commedia.training.batches import SfnBatch, gathered, unit_pixels
from commedia.training.config import STILL, Augmentation
from commedia.training.cpem_task import joined_crops
from commedia.training.crops import crops
from commedia.training.measures import correlations, normalised_error
from commedia.training.modelled_face import Corrected, ModelledFace
from commedia.training.sfn_task import groups_of, sampling_chances
from commedia.training.sheets import grid_of
from commedia.training.tasks import AT_THE_END, RunShare, TaskSetup, split_rows

VALIDATION_MOST = 400
VALIDATION_GROUPS = 30
AT_ONCE = 8


class PersonalBatch(NamedTuple):
    """Rows for the network; the first `groups` times `group_size` are frames of one person each."""

    crops: SfnBatch
    groups: int
    group_size: int
    vertices: Float[Tensor, "r n 3"]
    """True faces of drawn people in those frames, metres; NaN of photographs."""
    chosen: list[int]
    """Blendshapes whose deformation gradients are looked at."""


class PersonalValidation(NamedTuple):
    """How good it is on frames of held-back people; shapes, expressions of drawn ones, whose truth is exact."""

    loss: float
    shape_mm: float
    """Mean distance of the face's vertices in the head frame."""
    prior_mm: float
    """The same without what ModelNet adds."""
    correlation: float
    error: float
    """68 points, % of the root of the box's area."""
    photometric: float
    prior_photometric: float


class PersonalTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.seed, self.loss_config = stage, setup.seed, stage.loss
        self.size, self.mirror = spec_of(setup.network).input_size, setup.model.identity_mirror
        config = setup.network.config.model
        self.charts = config.frames == "charts"
        self.face = ModelledFace(setup.model, config.map_size)
        self.truths = TrueFaces(setup)
        pictures = setup.pictures.face_crops
        training, held = people_apart(pictures, stage.data.validation_share)
        self.pictures, self.chances = pictures, sampling_chances(pictures, training, stage.data)
        self.groups = groups_of(pictures, self.chances, stage.data.groups)
        if self.groups is None:
            raise BadShard("a face model is made of several pictures of a person; group by person or clip")
        self.held = groups_of(pictures, np.isin(np.arange(len(pictures)), held) * 1.0, stage.data.groups)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> PersonalBatch:
        rng = np.random.default_rng((self.seed, step))
        data, count = self.stage.data, self.stage.optimisation.batch_size
        groups = max(1, int(data.grouped_share * count) // data.group_size)
        assert self.groups is not None
        rows = self.groups.draw(rng, groups, data.group_size)
        alone = rng.choice(len(self.pictures), max(0, count - rows.size), p=self.chances)
        return self._cut(rows, alone, self.stage.augmentation, rng)

    def pixels(self, batch: PersonalBatch) -> Any:
        return unit_pixels(batch.crops.pixels), batch.groups, batch.group_size

    def read(self, network: Any, pixels: Any) -> ModelledFaces:
        frames = self.face.to(pixels[0].device).on_chart if self.charts else None
        return network.read(*pixels, frames)

    def loss(self, outputs: ModelledFaces, batch: PersonalBatch, run: RunShare) -> Loss:
        return weighted_sum(self.terms(outputs, batch), self.loss_config)

    def terms(self, outputs: ModelledFaces, batch: PersonalBatch) -> Terms:
        """All terms of Eq. 3 and ours."""
        device, grouped = outputs.mean_albedo.device, batch.groups * batch.group_size
        face, faces = self.face.to(device), first_rows(outputs.faces, grouped)
        corrected = face.corrected(outputs)
        targets = FaceTargets(*(part.to(device) for part in batch.crops.targets))
        points, vertices = face.points(outputs.faces, corrected, grouped), face.vertices(faces, corrected)
        terms = reading_terms(outputs.faces, points, targets, self.loss_config)
        terms["vertices"] = partial(shape_errors, vertices, batch.vertices.to(device))
        if corrected.shape is not None:
            terms["roughness"] = partial(face.roughness, corrected)
            terms["blendshape_gradient"] = partial(face.blendshape_gradient, corrected, batch.chosen)
        albedo = face.albedo(faces, corrected, outputs.mean_albedo)
        drawn = Drawn(face.pictures(faces, vertices, albedo, self.loss_config.picture_px), batch.crops, grouped)
        return terms | {"photometric": drawn.photometric, "image_gradient": drawn.gradient, "parsing": drawn.parsing}

    @torch.no_grad()
    def validate(self, network: nn.Module) -> PersonalValidation:
        found = [self._measured(network, batch) for batch in self._held_batches()]
        loss, *others = (torch.cat(part) for part in zip(*found, strict=True))
        shape, prior, said, truth, points, photometric, plain = others
        return PersonalValidation(
            loss=float(loss.mean()),
            shape_mm=float(shape.nanmean()),
            prior_mm=float(prior.nanmean()),
            correlation=float(correlations(said, truth).nanmedian()) if len(said) else float("nan"),
            error=float(points.nanmean()),
            photometric=float(photometric.mean()),
            prior_photometric=float(plain.mean()),
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        """Frames of held-back people; below them the prior, and what was made of it."""
        rows = []
        for batch in self._held_batches(4)[:3]:
            outputs = self._outputs(network, batch)
            plain = unit_pixels(batch.crops.pixels).movedim(1, -1)
            if rows and len(plain) < len(rows[0]):
                break
            rows.append(plain)
            for corrected in (Corrected(None, None), self.face.corrected(outputs)):
                drawn = self._pictures(outputs, corrected, self.size)
                rows.append(torch.where(drawn.mask[..., None], drawn.image.clamp(0, 1), plain))
        return grid_of([one for row in rows for one in (255 * row).byte().numpy()], columns=len(rows[0]))

    def _measured(self, network: nn.Module, batch: PersonalBatch) -> tuple[Tensor, ...]:
        outputs = self._outputs(network, batch)
        loss = self.loss(outputs, batch, AT_THE_END).total[None]
        corrected, nobody = self.face.corrected(outputs), Corrected(None, None)
        shapes, pictures = [], []
        for one in (corrected, nobody):
            vertices = self.face.vertices(outputs.faces, one)
            shapes.append(1000 * (vertices - batch.vertices).norm(dim=-1).mean(1))
            drawn = Drawn(self._pictures(outputs, one, self.loss_config.picture_px), batch.crops, len(vertices))
            pictures.append(drawn.photometric())
        known = ~shapes[0].isnan()
        points = self.face.points(outputs.faces, corrected, len(batch.vertices))
        error = torch.tensor([normalised_error(points, batch.crops.targets)])
        said, truth = outputs.faces.expression[known], batch.crops.targets.expression[known]
        return loss, *shapes, said, truth, error, *pictures

    def _pictures(self, outputs: ModelledFaces, corrected: Corrected, size: int) -> Any:
        vertices = self.face.vertices(outputs.faces, corrected)
        return self.face.pictures(
            outputs.faces, vertices, self.face.albedo(outputs.faces, corrected, outputs.mean_albedo), size
        )

    def _outputs(self, network: nn.Module, batch: PersonalBatch) -> ModelledFaces:
        self.face.cpu()
        pixels, *groups = self.pixels(batch)
        device = next(network.parameters()).device
        outputs = self.read(network, (pixels.to(device), *groups))
        self.face.cpu()
        return _on_cpu(outputs)

    def _held_batches(self, at_once: int = AT_ONCE) -> list[PersonalBatch]:
        """The same frames of the same people every time, a few people at once."""
        assert self.held is not None
        rng, size = np.random.default_rng(self.seed), self.stage.data.group_size
        people = [rows[np.linspace(0, len(rows) - 1, size).astype(int)] for rows in self.held.rows]
        kept = np.linspace(0, len(people) - 1, min(VALIDATION_GROUPS, len(people))).astype(int)
        chosen = np.stack([people[place] for place in kept])
        parts = np.split(chosen, range(at_once, len(chosen), at_once))
        return [self._cut(part, np.zeros(0, int), STILL, rng) for part in parts]

    def _cut(
        self, rows: np.ndarray, alone: np.ndarray, config: Augmentation, rng: np.random.Generator
    ) -> PersonalBatch:
        cut = partial(crops, self.pictures, config=config, identity_mirror=self.mirror, rng=rng, size=self.size)
        people = cut(rows)
        assert people.mirrored is not None
        vertices = self.truths.of(self.pictures, rows.ravel(), people.mirrored.numpy())
        chosen = rng.choice(EXPRESSION_COUNT, min(self.loss_config.shapes_at_once, EXPRESSION_COUNT), replace=False)
        whole = joined_crops([people, cut(alone)] if len(alone) else [people])
        return PersonalBatch(whole, *rows.shape, torch.from_numpy(vertices), chosen.tolist())


class Drawn:
    """Drawn faces beside the crops they should explain."""

    def __init__(self, pictures: Any, batch: SfnBatch, count: int):
        self.pictures, size, device = pictures, pictures.mask.shape[-1], pictures.image.device
        smaller = partial(pooled, size=size)
        self.photographs = smaller(unit_pixels(batch.pixels[:count].to(device))).movedim(1, -1)
        parse = None if batch.parse is None else batch.parse[:count].to(device)
        self.parse = None if parse is None else smaller(shares_of(parse)).movedim(1, -1)
        covered = None if parse is None else 1 - smaller((parse == COVERED)[:, None].float())[:, 0]
        masks = None if batch.masks is None else smaller(batch.masks[:count, None].to(device).float() / 255)[:, 0]
        self.skin = masks if covered is None else covered if masks is None else covered * masks

    def photometric(self) -> Float[Tensor, "b"]:
        return photometric_error(self.photographs, self.pictures.image, self.pictures.mask, self.skin)

    def gradient(self) -> Float[Tensor, "b"]:
        return image_gradient_error(self.photographs, self.pictures.image, self.pictures.mask, self.skin)

    def parsing(self) -> Float[Tensor, "b"]:
        """Of the pictures that have a parse map."""
        if self.parse is None:
            return self.photographs.new_zeros(0)
        known = self.parse.sum(-1)
        some = known.amax((1, 2)) > 0
        return parsing_error(self.parse[some], self.pictures.shares[some], self.pictures.mask[some], known[some])


def pooled(maps: Float[Tensor, "b k s s"], size: int) -> Float[Tensor, "b k size size"]:
    """Average down; where sizes divide there is a quicker way."""
    if maps.shape[-1] % size == 0:
        return nn.functional.avg_pool2d(maps, maps.shape[-1] // size)
    return nn.functional.adaptive_avg_pool2d(maps, size)


class TrueFaces:
    """Exact vertices of the faces of drawn people, made when first asked for."""

    def __init__(self, setup: TaskSetup):
        self.head, self.chart = head_or_default(setup.model.head), load_chart()
        self.mirror = np.searchsorted(self.chart.vertices, self.head.mirror_vertex[self.chart.vertices])
        self.found: dict[int, np.ndarray] = {}

    def of(self, pictures: Any, rows: np.ndarray, mirrored: np.ndarray) -> Float[np.ndarray, "r n 3"]:
        """Metres of the head frame, NaN of faces nobody drew."""
        faces = np.full((len(rows), len(self.chart.vertices), 3), np.nan, np.float32)
        for place, (row, flipped) in enumerate(zip(rows.tolist(), mirrored, strict=True)):
            if pictures.truth is None or pictures.truth[row] is None:
                continue
            if row not in self.found:
                whole = true_vertices(pictures.truth[row], self.head)
                self.found[row] = whole[self.chart.vertices].astype(np.float32)
            face = self.found[row]
            faces[place] = face[self.mirror] * (-1, 1, 1) if flipped else face
        return faces


def shape_errors(vertices: Float[Tensor, "r n 3"], truth: Float[Tensor, "r n 3"]) -> Float[Tensor, "s"]:
    """Mean distance of each face whose truth is known, in decimetres."""
    known = ~truth[:, 0, 0].isnan()
    return DM_PER_M * ((vertices[known] - truth[known]).square().sum(-1) + 1e-12).sqrt().mean(1)


def shares_of(parse: UInt8[Tensor, "b s s"]) -> Float[Tensor, "b k s s"]:
    """One for the class that a pixel shows, and nothing at all where nobody knows."""
    classes = torch.arange(len(PARSE_CLASSES), device=parse.device)[:, None, None]
    return (parse[:, None] == classes).float()


def people_apart(pictures: Any, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows into training and validation by who is seen, so that nobody is on both sides; the nameless train."""
    names, of_row = np.unique(pictures.person, return_inverse=True)
    shown = [np.frombuffer(name.encode() or b" ", np.uint8) for name in names.tolist()]
    training, held = split_rows(shown, share, VALIDATION_MOST)
    named = pictures.person != ""
    return np.flatnonzero(np.isin(of_row, training) | ~named), np.flatnonzero(np.isin(of_row, held) & named)


def _on_cpu(outputs: ModelledFaces) -> ModelledFaces:
    faces = gathered([outputs.faces])
    maps = outputs.maps._replace(
        **{name: part.cpu() for name, part in outputs.maps._asdict().items() if part is not None}
    )
    return ModelledFaces(faces, maps, outputs.mean_albedo.cpu())
