"""Where a character's face is: its head frame in the scene, its 68 landmarks on the mesh. `rig make` writes it down.

It lies in the file under `asset.extras.commediaFace`, beside what a viewer reads.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from commedia.characters.character import Document
from commedia.conventions import LANDMARK_COUNT
from commedia.errors import BadCharacter
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_matrix
from commedia.geometry.similarity import Similarity

KEY = "commediaFace"


@dataclass(frozen=True)
class FaceFrame:
    """A face on a character."""

    head_from_scene: Similarity
    """Takes the scene, at rest, to our head frame: our default head's size, metres."""
    vertices: Int[np.ndarray, "68 3"]
    """Corners of the triangle of each iBUG-68 point; primitives count on from one another as the scene shows them."""
    weights: Float[np.ndarray, "68 3"]
    """Of the corners; each row sums to one."""

    def to_json(self) -> dict:
        """Plain numbers."""
        placed = self.head_from_scene
        return {
            "scale": placed.scale,
            "wxyz": wxyz_from_matrix(placed.rotation).tolist(),
            "translation": placed.translation.tolist(),
            "vertices": self.vertices.tolist(),
            "weights": np.round(self.weights, 4).tolist(),
        }


def face_frame_of(document: Document) -> FaceFrame | None:
    """Read what the file says about its face; None where it says nothing. Raises BadCharacter."""
    extras = (document.json.get("asset") or {}).get("extras")
    entry = extras.get(KEY) if isinstance(extras, dict) else None
    if entry is None:
        return None
    try:
        vertices, weights = np.array(entry["vertices"], dtype=np.int64), np.array(entry["weights"], dtype=np.float64)
        rotation = matrix_from_wxyz(np.array(entry["wxyz"], dtype=np.float64))
        place = Similarity(float(entry["scale"]), rotation, np.array(entry["translation"], dtype=np.float64))
        sound = vertices.shape == weights.shape == (LANDMARK_COUNT, 3) and place.translation.shape == (3,)
    except (KeyError, TypeError, ValueError) as error:
        raise BadCharacter(f"{document.name}: '{KEY}' is not what 'commedia rig make' writes ({error})") from None
    if not sound or vertices.min() < 0 or not place.scale > 0:
        raise BadCharacter(f"{document.name}: '{KEY}' does not place {LANDMARK_COUNT} landmarks")
    return FaceFrame(place, vertices, weights)
