"""What training needs of a face model: its 68 points as a torch layer, how identities mirror, how it looks."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import nn

from commedia.errors import WeightsMismatch
from commedia.face_model.albedo import AlbedoModel, load_albedo, skin_triangles
from commedia.face_model.formats.load import load_model
from commedia.face_model.formats.source import SourceModel
from commedia.face_model.model import HeadModel, MorphableModel, head_or_default
from commedia.files import sha256_of


class FaceModel(NamedTuple):
    """A face model reduced to the points the losses look at."""

    landmarks: nn.Module
    """(identity, expression) -> (b, 68, 3) in metres."""
    identity_mirror: Float[np.ndarray, "i"]
    """+1 for a symmetric identity component, -1 for an antisymmetric one; of the head that labels are about."""
    sha256: str = ""
    """Of the head's file: weights are of use only with the head they were trained for."""
    head: HeadModel | None = None
    """All of it, for losses that look at other points too; None is the default head."""
    source: SourceModel | None = None
    """Somebody else's model in place of our head: labels of identity and expression say nothing of it."""


def default_face_model(head: HeadModel | None = None) -> FaceModel:
    """Reduce a head, None for the one that ships with the package."""
    from commedia.face_model.landmarks import load_scheme
    from commedia.face_model.layer import MorphableLayer

    head = head_or_default(head)
    return FaceModel(MorphableLayer(head.model).reduced(load_scheme("ibug68")), head.identity_mirror, head.sha256, head)


def read_face_model(path: Path, blendshapes: Path | None = None) -> FaceModel:
    """Read somebody else's model for networks that draw faces; raises WeightsMismatch where it lacks what they need."""
    from commedia.face_model.layer import MorphableLayer

    source = load_model(path, blendshapes=blendshapes)
    parts = {
        "68 points (keypoints)": source.landmarks,
        "colours (meantex, texBase)": source.albedo,
        "expressions": len(source.expression_names),
    }
    if missing := [name for name, part in parts.items() if not part]:
        raise WeightsMismatch(f"'{path}' cannot be trained on: it has no {', no '.join(missing)}")
    assert source.landmarks is not None
    points = MorphableLayer(source.model).reduced(source.landmarks)
    return FaceModel(points, head_or_default(None).identity_mirror, sha256_of(path), source=source)


def drawn_skin(model: FaceModel, albedo: AlbedoModel | None = None) -> tuple[MorphableModel, AlbedoModel]:
    """The part of a face that is drawn in training, skin without eyes and the inside of the mouth, and its colours."""
    if model.source is None:
        head = head_or_default(model.head)
        return head.model.part(skin_triangles(head)), albedo or load_albedo()
    whole, skin, colours = model.source.model, model.source.skin, model.source.albedo
    assert colours is not None
    triangles = whole.triangles if skin is None else whole.triangles[skin[whole.triangles].all(1)]
    kept = np.unique(triangles)
    return whole.part(triangles), AlbedoModel(colours.mean[kept], np.ascontiguousarray(colours.basis[:, kept]))
