"""One person: what is known of their face beyond a name, and the head model that says it.

Each fact is optional and replaces the template's, so whoever takes a head need not ask what of it is the person's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import CommediaError, UnknownName
from commedia.face_model.calibration import Calibration
from commedia.face_model.evaluate import blendshapes_of_identity, vertices_from_params
from commedia.face_model.model import HeadModel, MorphableModel, head_or_default
from commedia.face_model.wrinkles import WrinkleMap

Albedo = UInt8[np.ndarray, "h w 3"] | Float[np.ndarray, "v 3"]
"""An sRGB texture in the template's texture coordinates, or one sRGB colour per vertex, 0 to 1."""


class BadPerson(CommediaError):
    """Facts of a person that do not fit the template: what, what shape was found, what shape is wanted."""

    def __init__(self, person: str, what: str, found: tuple[int, ...], wanted: tuple[int, ...]):
        super().__init__(f"{what} of the person '{person}' has the shape {found}; the template wants {wanted}")


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody, as far as known; meshes have the template's vertices, in metres of the head frame."""

    id: str
    """A name that lasts from one recording to the next."""
    identity: Float[np.ndarray, "i"] | None = None
    """`FaceParams.identity`, known so far; None leaves it to what is predicted in each recording."""
    neutral: Float[np.ndarray, "v 3"] | None = None
    """Own mesh at rest, instead of the one that `identity` gives."""
    blendshapes: Mapping[str, Float[np.ndarray, "v 3"]] | None = None
    """Own displacements at weight 1, by names of `EXPRESSION_NAMES`; the template's for all others."""
    albedo: Albedo | None = None
    """Own skin; None is painted."""
    calibration: Calibration | None = None
    """What counts as rest and as full; None takes predictions as they are."""
    template: HeadModel | None = None
    """None is the default head."""
    wrinkles: tuple[WrinkleMap, ...] = ()
    """How own skin changes with the expression."""

    def __post_init__(self) -> None:
        template, own = head_or_default(self.template).model, dict(self.blendshapes or {})
        for name in own:
            if name not in EXPRESSION_INDEX:
                raise UnknownName("blendshape", name, EXPRESSION_NAMES)
        if self.identity is not None and self.identity.shape != template.identity_basis.shape[:1]:
            raise BadPerson(self.id, "identity", self.identity.shape, template.identity_basis.shape[:1])
        colours = self.albedo if self.albedo is not None and self.albedo.ndim == 2 else None
        for name, values in {"neutral": self.neutral, "albedo": colours, **own}.items():
            if values is not None and values.shape != template.mean.shape:
                raise BadPerson(self.id, name, values.shape, template.mean.shape)

    @cached_property
    def head(self) -> HeadModel:
        """The template with this person's model, made once."""
        template = head_or_default(self.template)
        if self.identity is None and self.neutral is None and not self.blendshapes:
            return template
        return replace(template, model=_model(self, template.model))


def _model(person: Person, template: MorphableModel) -> MorphableModel:
    """Whose neutral is known does not change with the identity that is predicted: that basis becomes zero."""
    mean, identity_basis, expression_basis = template.mean, template.identity_basis, template.expression_basis
    crossed = template.interaction
    if person.identity is not None or person.neutral is not None:
        identity = np.zeros(len(identity_basis)) if person.identity is None else person.identity
        identity = identity.astype(mean.dtype)
        rest = np.zeros(len(expression_basis), mean.dtype)
        mean = vertices_from_params(template, identity, rest) if person.neutral is None else person.neutral
        expression_basis, crossed = blendshapes_of_identity(template, identity), None
        identity_basis = np.zeros_like(identity_basis)
    own = person.blendshapes or {}
    rows = [EXPRESSION_INDEX[name] for name in own]
    if rows:
        expression_basis = _replaced(expression_basis, rows, np.stack(list(own.values())))
        crossed = crossed and replace(crossed, basis=crossed.basis * ~np.isin(crossed.expressions, rows)[:, None, None])
    mean, expression_basis = mean.astype(np.float32), expression_basis.astype(np.float32)
    return MorphableModel(mean, identity_basis, expression_basis, template.triangles, crossed)


def _replaced(basis: np.ndarray, rows: list[int], own: np.ndarray) -> np.ndarray:
    basis = basis.copy()
    basis[rows] = own
    return basis
