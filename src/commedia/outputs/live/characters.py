"""The characters that pages can draw: each with a number, its file as one GLB, and what of it a pose moves."""

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from commedia.characters.bones import local_rotations, rest_rotations, turned_nodes
from commedia.characters.bundled import TROUPE
from commedia.characters.character import Character
from commedia.outputs.files.packing import header_of, pack
from commedia.structures import RigPose


@dataclass(frozen=True, eq=False)
class ShownCharacter:
    """A character as pages know it."""

    number: int
    character: Character

    @property
    def name(self) -> str:
        """What people read: bundled characters are people, and other files have their own names."""
        name = self.character.name
        return name.title() if name in TROUPE else name

    @cached_property
    def turned(self) -> tuple[int, ...]:
        """The nodes that a pose turns."""
        return turned_nodes(self.character)

    def rotations(self, pose: RigPose) -> Float[np.ndarray, "r 4"]:
        """A pose to the local rotations xyzw of the nodes that it turns."""
        turns = (pose.head_wxyz[None], pose.left_eye_wxyz[None], pose.right_eye_wxyz[None])
        local = local_rotations(self.character, *(turn.astype(np.float64) for turn in turns), rest=self._rest)
        return np.array([local[node][0][[1, 2, 3, 0]] for node in self.turned]).reshape(-1, 4)

    def to_json(self) -> dict[str, Any]:
        """What a page has to know beside the file: which nodes are turned, which weight is which target's, where the
        head is and which way it looks (xyzw)."""
        rig, meshes = self.character.rig, self.character.meshes
        return {
            "number": self.number,
            "name": self.name,
            "turned": list(self.turned),
            "weights": {str(index): mesh.rig_index.tolist() for index, mesh in enumerate(meshes) if mesh.target_names},
            "head": rig.bones.head,
            "facing": rig.character_from_head[[1, 2, 3, 0]].tolist(),
        }

    def glb(self) -> bytes:
        """The file, with everything in it."""
        packed = pack(self.character.document)
        header = header_of(Path(self.name), "a GLB", packed.tree, packed.length)
        return b"".join([header, *packed.chunks])

    @cached_property
    def _rest(self) -> dict[int, np.ndarray]:
        return rest_rotations(self.character)


class Characters:
    """Those that somebody plays or played, numbered from 1 in the order of their first use."""

    def __init__(self) -> None:
        self._shown: dict[int, ShownCharacter] = {}
        self._lock = threading.Lock()

    def shown(self, character: Character) -> ShownCharacter:
        """A character under its number."""
        with self._lock:
            found = next((one for one in self._shown.values() if one.character is character), None)
            if found is None:
                found = ShownCharacter(len(self._shown) + 1, character)
                self._shown[found.number] = found
            return found

    def find(self, number: int) -> ShownCharacter | None:
        return self._shown.get(number)

    def all(self) -> list[ShownCharacter]:
        return list(self._shown.values())
