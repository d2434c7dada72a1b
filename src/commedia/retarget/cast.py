"""Who plays whom: characters for given people; for the others one, the bundled ones in turn, or heads of their own."""

import collections.abc
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.characters.bundled import EVERYONE, TROUPE
from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.characters.facing import looking
from commedia.characters.find_bones import with_bones
from commedia.characters.open import open_character
from commedia.characters.skin import MASK, Look
from commedia.conventions import IDENTITY_COUNT
from commedia.errors import BadCastEntry, UnknownName
from commedia.face_model.calibration import Calibration
from commedia.face_model.model import head_or_default
from commedia.face_model.person import Person
from commedia.looks.look import look_of
from commedia.looks.portraits import Portrait, Portraits
from commedia.retarget.mapping import Mapping, MorphMap, load_mapping
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.retarget.solve import Retargeter
from commedia.retarget.strength import READ_STRENGTH
from commedia.structures import Frame, RigPose, TrackedFrame

Given = Path | str | Character
"""A character as callers name one: a bundled one's name, a file, or one that is open."""
DEFAULT_HEAD = "default head"
OWN, PAINTED, MASKED = LOOKS = ("own", "painted", "mask")
"""How the default head looks: as the person in the pictures; with their face's shape in plain colours; as nobody."""


@dataclass(frozen=True)
class Role:
    """What somebody plays."""

    name: str
    """The file as it was given, a character's own name, or `DEFAULT_HEAD`."""
    character: Character | None
    """None for the default head, which everybody wears with their own face."""
    retargeter: Retargeter
    table: MorphMap | None
    """By what somebody chose it to be played; None where names decide."""
    wearer: Person | None = None
    """Whose own face the default head has; None leaves it to the identity that is seen."""

    def character_for(self, identity: Float[np.ndarray, "i"], person: int, look: Look | None = None) -> Character:
        """The given character, or the default head of a person with this identity; None for `look` paints it."""
        return self.character or _own_head(self.wearer, identity, person_name(person), look)


class Cast:
    """Gives every person a role, and every tracked face a pose of its character."""

    def __init__(
        self,
        character: Given | None = None,
        people: collections.abc.Mapping[int, Given] | None = None,
        *,
        mapping: str | Mapping | None = None,
        edit: PerformanceEdit | None = None,
        person: Person | None = None,
        look: str = OWN,
    ):
        """Give `people` characters by their ids in the take, and `character` (None: the default head) to the others.

        With "troupe" each of the others gets another bundled character, in order of appearance, and the first again
        when all are taken. A file that several people play is read once. `mapping` holds for every character. `person`
        is whoever is seen: theirs are the head that is tracked and worn, and the calibration unless `edit` has one.
        `look` is one of `LOOKS`, and how default heads look.
        """
        if look not in LOOKS:
            raise UnknownName("look", look, LOOKS)
        self.look, self._portraits = look, Portraits()
        self._looks: dict[int, tuple[tuple[Portrait, ...], Look | None]] = {}
        self._worn: dict[int, tuple[object, Callable[[], Character | None]]] = {}
        """What the default head of each person was made of last, and that head while somebody keeps it."""
        self.edit, self.person = edit or PerformanceEdit(), person
        self._usual_strength = 1.0
        if person is not None and self.edit.calibration is None:
            self.edit = replace(self.edit, calibration=person.calibration)
        self.head = head_or_default(None) if person is None else person.head
        """Whose parameters are acted."""
        self.calibrations: dict[int, Calibration] = {}
        """Of single people, by id, in place of the edit's; may be changed while it runs."""
        self._mapping = mapping
        # By file, or by the identity of what is open, which the role keeps alive.
        self._made: dict[object, Role] = {}
        everyone = isinstance(character, Path | str) and str(character) == EVERYONE
        self._others = [self._role_of(given) for given in (TROUPE if everyone else (character,))]
        self._appeared: dict[int, Role] = {}
        self._roles = {person: self._role_of(given) for person, given in (people or {}).items()}
        self.people = tuple(sorted(self._roles))
        """Those who were given a character of their own."""

    def give(self, person: int, character: Given) -> Role:
        """Let somebody play another character from now on; raises `BadCharacter` where it cannot be read."""
        self._roles[person] = self._role_of(character)
        return self._roles[person]

    def role(self, person: int) -> Role:
        """What a person plays, from the first time that somebody asks."""
        if person in self._roles:
            return self._roles[person]
        return self._appeared.setdefault(person, self._others[len(self._appeared) % len(self._others)])

    def begin(self, *, is_read: bool) -> None:
        """Begin a take: forget how people looked, as the same ids are others in it. Faces that commedia has read
        (`is_read`) come too soft, and are played stronger where the edit does not say how strong."""
        self._portraits, self._looks = Portraits(), {}
        self._worn.clear()
        self._usual_strength = READ_STRENGTH if is_read else 1.0

    @property
    def strength(self) -> float:
        """What expressions are played with in the take that was begun, of people without calibrations of their own."""
        return self._strength_with(self.edit.calibration)

    @property
    def notes(self) -> list[str]:
        """What was assumed of the take that was begun, in sentences: how strong expressions are, if nobody said it."""
        if self.edit.strength is not None or self.strength == 1:
            return []
        how = f"expressions are played with a strength of {self.strength:g}, as readings come too soft"
        return [f"{how}; --strength 1 plays what was read"]

    def see(self, frame: Frame | None, tracked: TrackedFrame) -> None:
        """Learn from a picture, if there is one, how those look who may wear the default head."""
        wears = any(role.character is None for role in (*self._others, *self._roles.values()))
        if frame is not None and wears and self.look == OWN:
            self._portraits.see(frame, tracked)

    def turned_out(self, other: int, person: int) -> None:
        """Learn that who was seen under one id is another person."""
        self._portraits.turned_out(other, person)

    def character_for(self, person: int, identity: Float[np.ndarray, "i"]) -> Character:
        """What a person plays, the default head with the look that is known of them by now."""
        role = self.role(person)
        if role.character is not None or (role.wearer is not None and role.wearer.albedo is not None):
            return role.character_for(identity, person)
        return self.own_head(person, identity)

    def own_head(self, person: int, identity: Float[np.ndarray, "i"]) -> Character:
        """The default head of somebody with this identity, with the look that is known of them by now."""
        is_mask = self.look == MASKED
        identity = np.zeros(IDENTITY_COUNT, np.float32) if is_mask else identity
        look = MASK if is_mask else self._own_look(person, identity)
        # The preview and the files ask for the same one, which takes half a second to make.
        made = identity.tobytes(), look
        known, worn = self._worn.get(person, (None, lambda: None))
        character = worn() if known == made else None
        if character is None:
            character = _own_head(self.person, identity, person_name(person), look)
            self._worn[person] = made, weakref.ref(character)
        return character

    @cached_property
    def plain_head(self) -> Character:
        """The default head of somebody of whom nothing is known yet."""
        return default_head_character(name=DEFAULT_HEAD, look=MASK if self.look == MASKED else None)

    def look_of(self, person: int) -> str | None:
        """Which of `LOOKS` a person's head got; None for who plays another character, and before anything is made."""
        if self.role(person).character is not None or self.look != OWN:
            return None if self.role(person).character is not None else self.look
        if person not in self._looks:
            return None
        return PAINTED if self._looks[person][1] is None else OWN

    def _own_look(self, person: int, identity: Float[np.ndarray, "i"]) -> Look | None:
        seen = self._portraits.of(person)
        if person not in self._looks or self._looks[person][0] is not seen:
            self._looks[person] = seen, look_of(seen, identity, self.head)
        return self._looks[person][1]

    def acted(self, tracked: TrackedFrame) -> TrackedFrame:
        """The frame as characters play it: calibrated, stronger, mirrored, or as it is."""
        if replace(self.edit, strength=self.strength) == PerformanceEdit(strength=1.0) and not self.calibrations:
            return tracked
        faces = tuple(replace(face, params=self._edit(face.id).applied(face.params)) for face in tracked.faces)
        return replace(tracked, faces=faces)

    def poses(self, acted: TrackedFrame) -> dict[int, RigPose]:
        """Retarget everyone in a frame, which is what `acted` made of it; by person."""
        return {face.id: self.role(face.id).retargeter.pose(face) for face in acted.faces}

    def _edit(self, person: int) -> PerformanceEdit:
        own = self.calibrations.get(person, self.edit.calibration)
        return replace(self.edit, calibration=own, strength=self._strength_with(own))

    def _strength_with(self, calibration: Calibration | None) -> float:
        if self.edit.strength is not None:
            return self.edit.strength
        # Whose range is known, is full where they were full: not too soft any more.
        return 1.0 if calibration is not None and calibration.knows_range else self._usual_strength

    def _role_of(self, given: Given | None) -> Role:
        key = Path(given).resolve() if isinstance(given, Path | str) else id(given)
        self._made[key] = self._made.get(key) or _role(given, self._mapping, self.person)
        return self._made[key]


def person_name(person: int) -> str:
    """What a person is called in files."""
    return f"person-{person:02d}"


def people_and_default(entries: Iterable[str]) -> tuple[dict[int, Path], Path | None]:
    """Read `1=hero.glb`, `default=other.glb`, ... or raise `BadCastEntry`: files by person, and everybody else's.

    `troupe` alone is short for `default=troupe`.
    """
    files: dict[int, Path] = {}
    for entry in entries:
        name, _, file = ("default", "=", EVERYONE) if entry == EVERYONE else entry.partition("=")
        person = 0 if name == "default" else int(name) if name.isdecimal() and len(name) < 10 else -1
        if not file or person < (name != "default"):
            raise BadCastEntry(entry)
        if person in files:
            raise BadCastEntry(entry, earlier=f"{name}={files[person]}")
        files[person] = Path(file)
    default = files.pop(0, None)
    return files, default


def _own_head(
    wearer: Person | None, identity: Float[np.ndarray, "i"], name: str, look: Look | None = None
) -> Character:
    own = {} if wearer is None else {"head": wearer.head, "albedo": wearer.albedo, "wrinkles": wearer.wrinkles}
    return default_head_character(identity, name=name, look=look, **own)


def _role(given: Given | None, mapping: str | Mapping | None, wearer: Person | None) -> Role:
    character = open_character(Path(given)) if isinstance(given, Path | str) else given
    if character is not None and mapping is not None:
        table = load_mapping(mapping) if isinstance(mapping, str) else mapping
        character = looking(with_bones(character, table.bones), table.looks)
    # Only its rig is asked for, so nothing is painted.
    head = None if wearer is None else wearer.head
    rigged = character or default_head_character(head=head, albedo=np.zeros((1, 1, 3), np.uint8))
    retargeter = Retargeter(rigged, mapping=mapping)
    name = DEFAULT_HEAD if given is None else given.name if isinstance(given, Character) else str(given)
    return Role(name, character, retargeter, None if mapping is None else retargeter.morphs, wearer)
