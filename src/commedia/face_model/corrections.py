"""A face model made somebody's own by maps on the chart of the face: Eq. 1 and 2 of Chaudhuri et al. 2020. Numpy.

Whatever says the maps, a network or a fit, what comes out is a `Person`, which characters, GLB files, retargeting and
tracking take. Its torch twin, for training, is `training/modelled_face.py`.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.face_model.albedo import AlbedoModel, load_albedo
from commedia.face_model.chart import FaceChart, attention_masks, edges_of, load_chart
from commedia.face_model.evaluate import blendshapes_of_identity, vertices_from_params
from commedia.face_model.model import PARTS, HeadModel, MorphableModel, head_or_default
from commedia.face_model.person import Person

KEPT = 0.97
"""Share of its neighbours' mean that a vertex beside the face takes, so that corrections fade out."""


@dataclass(frozen=True, eq=False)
class Corrections:
    """What is added to a template; maps of any one size, metres of the head frame and colours of 0 to 1."""

    neutral: Float[np.ndarray, "3 s s"]
    blendshapes: Float[np.ndarray, "52 3 s s"]
    """At weight 1; counts where the blendshape's mask says so."""
    albedo: Float[np.ndarray, "3 s s"]
    wrinkles: Float[np.ndarray, "52 3 s s"]
    """What a blendshape at weight 1 adds to the albedo, where its mask says so."""

    def mirrored(self) -> "Corrections":
        """What a mirror shows."""
        order, flip = list(EXPRESSION_MIRROR), np.array([-1, 1, 1], np.float32)[:, None, None]
        return Corrections(
            self.neutral[..., ::-1] * flip,
            self.blendshapes[order][..., ::-1] * flip,
            self.albedo[..., ::-1],
            self.wrinkles[order][..., ::-1],
        )


def no_corrections(size: int) -> Corrections:
    """Maps that leave the template as it is."""
    one, each = np.zeros((3, size, size), np.float32), np.zeros((EXPRESSION_COUNT, 3, size, size), np.float32)
    return Corrections(one, each, one, each)


@dataclass(frozen=True, eq=False)
class PersonalRig:
    """Somebody's shape, blendshapes and colours."""

    corrections: Corrections
    identity: Float[np.ndarray, "i"] | None = None
    """Of the head model; None is the mean face, from which the paper starts."""
    texture: Float[np.ndarray, "k"] | None = None
    """Of the albedo model; None is the mean."""
    mean_albedo: Float[np.ndarray, "3 s s"] | None = None
    """R_0^t, which training moves; None is the albedo model's."""
    template: HeadModel | None = None
    """None is the default head, the only one with a chart."""

    @cached_property
    def model(self) -> MorphableModel:
        """Their own head, linear and without a basis of identities."""
        head, chart = head_or_default(self.template), load_chart()
        model, who = head.model, np.zeros(len(head.model.identity_basis), np.float32)
        who = who if self.identity is None else self.identity.astype(np.float32)
        neutral = vertices_from_params(model, who, np.zeros(EXPRESSION_COUNT, np.float32))
        shapes = blendshapes_of_identity(model, who)
        masked = self.corrections.blendshapes * self._masks[:, None]
        added = chart.sampled(np.concatenate([self.corrections.neutral[None], masked])).swapaxes(1, 2)
        whole = carried(added.swapaxes(0, 1).reshape(len(chart.vertices), -1), head, chart)
        whole = whole.reshape(-1, 1 + EXPRESSION_COUNT, 3).swapaxes(0, 1)
        return replace(
            model,
            mean=neutral + whole[0],
            identity_basis=np.zeros_like(model.identity_basis),
            expression_basis=shapes + whole[1:],
            interaction=None,
        )

    def vertices(self, expression: Float[np.ndarray, "52"]) -> Float[np.ndarray, "v 3"]:
        """Eq. 1, with w_0 = 1 - sum w_i put in: metres of the head frame, before pose."""
        return vertices_from_params(self.model, np.zeros(len(self.model.identity_basis)), expression)

    def albedo(self, expression: Float[np.ndarray, "52"]) -> Float32[np.ndarray, "3 s s"]:
        """Eq. 2: colours as a screen shows them, on the chart."""
        moved = np.tensordot(expression.astype(np.float32), self.corrections.wrinkles * self._masks[:, None], axes=1)
        return (self._static_albedo + moved).astype(np.float32)

    def person(self, name: str) -> Person:
        """All of it but wrinkles, which only `albedo` knows."""
        own = dict(zip(EXPRESSION_NAMES, self.model.expression_basis, strict=True))
        return Person(name, self.identity, self.model.mean, own, template=self.template)

    @cached_property
    def _static_albedo(self) -> Float[np.ndarray, "3 s s"]:
        size, colours = self.corrections.albedo.shape[-1], load_albedo()
        mean = map_of(colours.mean, size) if self.mean_albedo is None else self.mean_albedo
        return mean + self.corrections.albedo + (0 if self.texture is None else _textured(colours, self.texture, size))

    @property
    def _masks(self) -> Float32[np.ndarray, "52 s s"]:
        return masks_of(head_or_default(self.template), self.corrections.blendshapes.shape[-1])


@lru_cache(maxsize=4)
def masks_of(head: HeadModel, size: int) -> Float32[np.ndarray, "52 s s"]:
    """A_i of a head's blendshapes, for maps of `size`."""
    chart = load_chart()
    return resized(attention_masks(chart, head.model.expression_basis[:, chart.vertices]), size)


def map_of(values: Float[np.ndarray, "n c"], size: int) -> Float32[np.ndarray, "c s s"]:
    """Draw values of the chart's vertices as a map of `size`."""
    return resized(load_chart().painted(values), size)


def resized(maps: Float[np.ndarray, "c s s"], size: int) -> Float32[np.ndarray, "c s2 s2"]:
    """Average maps down; as they are where they have that size."""
    if maps.shape[-1] == size:
        return maps
    return np.stack([cv2.resize(one, (size, size), interpolation=cv2.INTER_AREA) for one in maps])


def carried(values: Float[np.ndarray, "n c"], head: HeadModel, chart: FaceChart) -> Float32[np.ndarray, "v c"]:
    """Let the rest of the skin (ears, scalp, neck, the insides of mouth and lids) follow the face, fading out.

    Eyes, teeth and tongue stay.
    """
    rim, rest, shares = _followers(head)
    whole = np.zeros((len(head.model.mean), values.shape[1]), np.float32)
    whole[chart.vertices] = values
    whole[rest] = shares @ whole[rim]
    return whole


@lru_cache(maxsize=2)
def _followers(
    head: HeadModel,
) -> tuple[Int[np.ndarray, "r"], Int[np.ndarray, "m"], Float32[np.ndarray, "m r"]]:
    """The rim of the face, the skin beyond, and what of each vertex of the rim each of those takes."""
    face = load_chart().vertices
    edges = edges_of(head.model.triangles[head.triangle_part == PARTS.index("skin")])
    rest = np.setdiff1d(edges, face)
    beside = np.isin(edges, rest)
    rim = np.intersect1d(edges[beside.any(1)], face)
    used = np.concatenate([rest, rim])
    place = np.full(len(head.model.mean), -1)
    place[used] = np.arange(len(used))
    first, second = place[edges[beside.any(1)]].T
    joined = np.zeros((len(used), len(used)), np.float32)
    joined[first, second] = joined[second, first] = 1
    means = KEPT * joined[: len(rest)] / joined[: len(rest)].sum(1, keepdims=True)
    mutual = np.eye(len(rest), dtype=np.float32) - means[:, : len(rest)]
    return rim, rest, np.linalg.solve(mutual, means[:, len(rest) :])


def _textured(colours: AlbedoModel, texture: Float[np.ndarray, "k"], size: int) -> Float32[np.ndarray, "3 s s"]:
    return map_of(np.tensordot(texture.astype(np.float32), colours.basis, axes=1), size)
