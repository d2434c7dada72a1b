"""Make a multilinear model of the default head, as FaceWarehouse was made: people's expressions, then an N-mode SVD.

python scripts/make_multilinear.py --out head-68.npz

Everybody's expressions are transferred from the mean head by deformation transfer, so that they change with the face;
our own head is linear and gives everyone the same. `load_model` reads the result. It is reproducible and therefore not
committed: some 0.7 s of one core per person, 2 MB for 204 x 50 x 47.

Reference:
    Cao et al. 2014 (150 people, 47 shapes, two-mode SVD); Chaudhuri et al. 2019, Eq. 1 and 2.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.errors import CommediaError
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.formats.facewarehouse import BLENDSHAPE_NAMES
from commedia.face_model.landmarks import LandmarkScheme, load_scheme, points
from commedia.face_model.model import HeadModel, load_head
from commedia.face_model.multilinear import PeopleTensor, tensor_from_people
from commedia.retarget.deformation_transfer import transfer_deformations

ARKIT_BLENDSHAPES: tuple[tuple[str, ...], ...] = (
    *(("eyeBlinkRight",), ("eyeBlinkLeft",), ("eyeSquintRight",), ("eyeSquintLeft",), ("eyeLookDownRight",)),
    *(("eyeLookDownLeft",), ("eyeLookInRight",), ("eyeLookInLeft",), ("eyeWideRight",), ("eyeWideLeft",)),
    *(("eyeLookOutRight",), ("eyeLookOutLeft",), ("eyeLookUpRight",), ("eyeLookUpLeft",), ("browDownRight",)),
    *(("browDownLeft",), ("browInnerUp",), ("browOuterUpRight",), ("browOuterUpLeft",), ("jawForward",), ("jawRight",)),
    *(("jawOpen",), ("jawLeft",), ("mouthRight",), ("mouthLeft",), ("mouthFrownRight",), ("mouthFrownLeft",)),
    *(("mouthSmileRight",), ("mouthSmileLeft",), ("mouthDimpleRight",), ("mouthDimpleLeft",), ("mouthStretchRight",)),
    *(("mouthStretchLeft",), ("mouthRollUpper",), ("mouthRollLower",), ("mouthUpperUpLeft", "mouthUpperUpRight")),
    *(("mouthLowerDownLeft", "mouthLowerDownRight"), ("mouthLowerDownLeft", "mouthLowerDownRight"), ("mouthFunnel",)),
    *(
        ("mouthPucker",),
        ("mouthShrugLower",),
        ("mouthUpperUpLeft", "mouthUpperUpRight"),
        ("noseSneerLeft", "noseSneerRight"),
    ),
    *(("cheekPuff",), ("cheekSquintRight",), ("cheekSquintLeft",)),
)
"""What the collection's blendshapes are in ARKit's names and sides, where ours must stand in for them."""
HALF_BLENDSHAPES = ("LipsLowerOpen", "LipsUpperOpen")
"""Blendshapes that have no relative in ARKit's list: half of the stronger blendshape with the same muscles."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the npz to write")
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--held-out", type=int, default=10, help="people the tensor does not see, to measure it by")
    parser.add_argument("--identities", type=int, default=50)
    parser.add_argument("--blendshapes", choices=("facewarehouse", "arkit"), default="facewarehouse", help="46 or 52")
    parser.add_argument("--whole", action="store_true", help="every vertex instead of the 68 points: 0.13 GB")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    start = time.monotonic()
    try:
        _make(given)
    except (CommediaError, OSError) as error:
        print(f"make_multilinear: {error}", file=sys.stderr)
        return 2
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB in {time.monotonic() - start:.0f} s")
    return 0


def arkit_mixture() -> Float[np.ndarray, "46 52"]:
    """Return each of the collection's 46 blendshapes as a sum of ARKit's 52."""
    mixture = np.zeros((len(BLENDSHAPE_NAMES), EXPRESSION_COUNT))
    for row, (name, blendshapes) in enumerate(zip(BLENDSHAPE_NAMES, ARKIT_BLENDSHAPES, strict=True)):
        mixture[row, [EXPRESSION_INDEX[blendshape] for blendshape in blendshapes]] = (
            0.5 if name in HALF_BLENDSHAPES else 1.0
        )
    return mixture


def _make(given: argparse.Namespace) -> None:
    head, scheme = load_head(), None if given.whole else load_scheme("ibug68")
    drawn = np.random.default_rng(given.seed).standard_normal((given.people + given.held_out, IDENTITY_COUNT))
    mixture = arkit_mixture() if given.blendshapes == "facewarehouse" else np.eye(EXPRESSION_COUNT)
    people = np.stack([_person(head, identity, mixture, scheme) for identity in drawn])
    seen, unseen = people[: given.people], people[given.people :]
    made = tensor_from_people(seen, given.identities)
    print(f"{' x '.join(map(str, made.tensor.shape))}: error {_error_mm(made, seen):.3f} mm on its {len(seen)} people")
    if len(unseen):
        print(f"error {_error_mm(made, unseen):.3f} mm on {len(unseen)} others")
    linear = seen[:, :1] + (seen[:, 1:] - seen[:, :1]).mean(axis=0)
    print(f"error {_rms_mm(linear - seen[:, 1:]):.3f} mm if everyone moved as the average does")
    np.savez(
        given.out,
        tensor=made.tensor,
        axes=np.array("vie"),
        identity_mean=made.weights.mean(axis=0),
        identity_std=made.weights.std(axis=0),
        **({} if scheme else {"triangles": head.model.triangles}),
    )


def _person(
    head: HeadModel, identity: Float[np.ndarray, "i"], mixture: Float[np.ndarray, "e u"], scheme: LandmarkScheme | None
) -> Float[np.ndarray, "n v 3"]:
    """Return one person's neutral and expressions, metres."""
    model = head.model
    neutral = vertices_from_params(model, identity, np.zeros(EXPRESSION_COUNT))
    shapes = model.mean + np.tensordot(mixture, model.expression_basis, axes=1)
    # What no blendshape moves holds the rest in place.
    still = np.flatnonzero(np.abs(model.expression_basis).max(axis=(0, 2)) < 1e-6)
    moved = transfer_deformations(model.mean, shapes, neutral, model.triangles, anchors=still)
    whole = np.concatenate([neutral[None], moved]).astype(np.float32)
    return whole if scheme is None else np.stack([points(scheme, shape) for shape in whole])


def _error_mm(made: PeopleTensor, people: Float[np.ndarray, "p n v 3"]) -> float:
    """Return the root mean square distance of people from their best fit, each with one set of identity weights."""
    columns = made.tensor.transpose(0, 2, 1).reshape(-1, made.tensor.shape[1]).astype(np.float64)
    wanted = people.reshape(*people.shape[:2], -1).transpose(2, 1, 0).reshape(len(columns), -1).astype(np.float64)
    fitted = columns @ np.linalg.solve(columns.T @ columns, columns.T @ wanted)
    return _rms_mm((fitted - wanted).T.reshape(-1, 3))


def _rms_mm(offsets: Float[np.ndarray, "... 3"]) -> float:
    return 1000 * float(np.sqrt(np.square(offsets).sum(axis=-1).mean()))


if __name__ == "__main__":
    sys.exit(main())
