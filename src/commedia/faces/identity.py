"""Who somebody is in 3D, how sure that is, and what they do: identity networks on SFN's crops of some frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, IDENTITY_COUNT
from commedia.face_model.model import HeadModel
from commedia.face_model.rest_shape import RestShape, rest_shape
from commedia.faces.crop import AROUND, Crop, around, crop_image
from commedia.faces.mirrored import with_mirrored
from commedia.faces.session import DEFAULT_THREADS, OnnxSession, open_session, pixels_from_images
from commedia.faces.weights import DEFAULT_IDENTITY, find_weights

IDENTITY_OUTPUTS = ("identity", "sure", "expression")
SHARED = 0.3
"""Of the square of what a frame adds in error to what is known of people, how much is the same in all frames of a
person; measured on 70 drawn people in four frames each."""
KNOWS_LEAST = 0.02
"""A frame knows at least this share of how people differ in a direction: what it says is divided by that."""


class SeenIdentity(NamedTuple):
    """What n crops show."""

    identity: Float[np.ndarray, "n i"]
    """In standard deviations of people."""
    spread_mm: Float[np.ndarray, "n i"]
    """Of errors, at rest, in each direction of `RestShape`."""
    expression: Float[np.ndarray, "n e"]


class KnownPerson(NamedTuple):
    """Who somebody is, of all frames, and what they do in each."""

    identity: Float[np.ndarray, "i"]
    sure: Float[np.ndarray, "i i"]
    """An error of the identity times this has a length of about 1 in each direction."""
    expression: Float[np.ndarray, "n e"]


@dataclass(frozen=True)
class IdentityPredictor:
    """Says who somebody is with identity networks, of the head model that they were trained for."""

    networks: tuple[OnnxSession, ...]
    """Who it is, says the last, which has seen most people and is nearer alone than the mean. What faces do, is the
    mean."""
    head: HeadModel

    @cached_property
    def rest(self) -> RestShape:
        return rest_shape(self.head)

    def read(self, image: UInt8[np.ndarray, "h w 3"], crops: Sequence[Crop]) -> SeenIdentity:
        """Read one face per crop: the mean of what is said of the crops around it and in a mirror."""
        if not crops:
            return SeenIdentity(*(np.zeros((0, n), np.float32) for n in (IDENTITY_COUNT,) * 2 + (EXPRESSION_COUNT,)))
        near = [one for crop in crops for one in around(crop)]
        said = [self._said(network, image, near) for network in self.networks]
        who, sure, _ = said[-1]
        does = np.mean([expression for *_, expression in said], axis=0)
        identity, sure, expression = (part.reshape(len(crops), len(AROUND), -1).mean(1) for part in (who, sure, does))
        return SeenIdentity(identity.astype(np.float32), np.exp(sure), expression)

    def _said(self, network: OnnxSession, image: UInt8[np.ndarray, "h w 3"], crops: Sequence[Crop]) -> list[np.ndarray]:
        """What one network says of each crop, the mean with its mirror's; of spreads the logarithm."""
        images = np.stack([crop_image(image, crop, network.input_size) for crop in crops])
        outputs = network.run(pixels_from_images(with_mirrored(images)))
        first, second = slice(len(crops)), slice(len(crops), None)
        plain, mirrored = ({name: part[half] for name, part in outputs.items()} for half in (first, second))
        # Directions at rest are symmetric or antisymmetric, so that a mirror changes no spread.
        back = {
            "identity": mirrored["identity"] * self.head.identity_mirror,
            "sure": mirrored["sure"],
            "expression": mirrored["expression"][:, list(EXPRESSION_MIRROR)],
        }
        return [(plain[name] + back[name]) / 2 for name in IDENTITY_OUTPUTS]

    def of_one_person(self, seen: SeenIdentity) -> KnownPerson:
        """Put together what frames of one person say, by how sure each is."""
        return together(seen, self.rest)


def together(seen: SeenIdentity, rest: RestShape) -> KnownPerson:
    """What several frames know of somebody, direction by direction at rest.

    A frame that is not sure says what is likeliest, which is near the mean face; several that say the same are surer,
    and so farther from it. Each is taken for a normal observation beside the spread of people, which counts once.
    """
    people = rest.spread_mm**2
    errors = np.minimum(seen.spread_mm.astype(np.float64) ** 2, (1 - KNOWS_LEAST) * people)
    adds = 1 / errors - 1 / people
    observed = (seen.identity @ rest.mm_from_identity / errors).sum(0) / adds.sum(0)
    noise = (SHARED + (1 - SHARED) / len(adds)) / adds.mean(0)
    variance = 1 / (1 / noise + 1 / people)
    identity = observed * variance / noise @ rest.identity_from_mm
    return KnownPerson(identity, rest.mm_from_identity / np.sqrt(variance), seen.expression)


def open_identity(
    names: Sequence[str] = DEFAULT_IDENTITY, *, head: HeadModel, threads: int = DEFAULT_THREADS
) -> IdentityPredictor:
    """Open identity networks by the names of shipped weights or by the paths of .onnx files."""
    paths = [find_weights(name) for name in names]
    networks = [open_session(path, kind="identity", outputs=IDENTITY_OUTPUTS, threads=threads) for path in paths]
    return IdentityPredictor(tuple(networks), head)
