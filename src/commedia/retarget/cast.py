"""Who plays whom: one given character for everybody, or the default head with each person's own identity."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.characters.open import open_character
from commedia.retarget.acting import Acting
from commedia.retarget.mapping import Mapping
from commedia.retarget.solve import Retargeter
from commedia.structures import RigPose, TrackedFace, TrackedFrame


class Cast:
    """Gives every person a character, and every tracked face a pose of it.

    All default heads are the same rig, so one `Retargeter` serves everybody.
    """

    def __init__(
        self,
        character: Path | str | None = None,
        *,
        mapping: str | Mapping | None = None,
        acting: Acting | None = None,
    ):
        self.acting = acting or Acting()
        self._given = None if character is None else open_character(Path(character))
        self.retargeter = Retargeter(self._given or default_head_character(), mapping=mapping)
        self.table = None if mapping is None else self.retargeter.morphs
        """What somebody chose to be played by; None where names decide."""
        self._faces: dict[int, TrackedFace] = {}

    def poses(self, acted: TrackedFrame) -> dict[int, RigPose]:
        """Retarget everyone in a frame, which is what `acted` made of it."""
        self._faces = {face.id: face for face in acted.faces}
        return {face.id: self.retargeter.pose(face) for face in acted.faces}

    def acted(self, tracked: TrackedFrame) -> TrackedFrame:
        """The frame as characters play it: calibrated, mirrored, or as it is."""
        if self.acting == Acting():
            return tracked
        faces = tuple(replace(face, params=self.acting.applied(face.params)) for face in tracked.faces)
        return replace(tracked, faces=faces)

    def character_of(self, person: int) -> Character:
        """The character of a person in the last frame; a default head has the identity known so far."""
        return self.character_for(self._faces[person].params.identity, f"person-{person:02d}")

    def character_for(self, identity: Float[np.ndarray, "i"], name: str) -> Character:
        """The given character, or the default head of somebody with this identity."""
        return self._given or default_head_character(identity, name=name)
