"""What the pages of `commedia live` show and may change: who plays whom, gains, calibrations, smoothing, recording.

Called from several threads; what the pipeline reads of it (`Cast`) is replaced in one step, never half.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from commedia.characters.bundled import TROUPE
from commedia.characters.character import Character
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import CommediaError, UnknownName
from commedia.face_model.calibration import Calibration
from commedia.outputs.live.calibrating import RANGE_S, REST_S, Calibrating
from commedia.outputs.live.characters import Characters
from commedia.outputs.live.own_heads import OwnHeads
from commedia.outputs.live.profiles import Profile, Profiles, checked_gains
from commedia.outputs.live.recorder import Recorder
from commedia.retarget.cast import Cast
from commedia.structures import TrackedFrame

MOST_SENTENCES = 20
SMOOTHINGS = (0.2, 5.0)
"""By how much a page may slow down or speed up the filters."""


@dataclass(frozen=True)
class Controls:
    """What a run lets its pages see and change beyond the cast."""

    source: str
    """What is watched."""
    receivers: tuple[str, ...] = ()
    """Where faces are sent besides."""
    browser_camera: bool = False
    """Pictures are those of a page."""
    set_smoothing: Callable[[float], None] | None = None
    """Takes the factor of all filters' cut-offs; None where faces come smoothed."""
    measure: Callable[[], dict[str, Any]] = dict
    """Latency of each stage and what was left out, now."""


@dataclass
class Settings:
    """One person's."""

    calibration: Calibration | None = None
    gains: dict[str, float] = field(default_factory=dict)

    def combined(self) -> Calibration | None:
        """Both as one calibration; None where nothing is changed."""
        if self.calibration is None and not self.gains:
            return None
        own = self.calibration or Calibration(np.zeros(EXPRESSION_COUNT), np.ones(EXPRESSION_COUNT))
        gain = own.gain.copy()
        for name, factor in self.gains.items():
            gain[EXPRESSION_INDEX[name]] *= factor
        return replace(own, gain=gain)


class Show:
    """The state that all pages share. `version` grows with every change."""

    def __init__(self, cast: Cast, controls: Controls, recorder: Recorder, profiles: Profiles):
        self.cast, self.controls, self.recorder, self._profiles = cast, controls, recorder, profiles
        self.characters, self.version = Characters(), 1
        self._phase, self._smoothing = "starting", 1.0
        self._sentences: list[str] = []
        self._settings: dict[int, Settings] = {}
        self._calibrating: Calibrating | None = None
        self.heads = OwnHeads(cast, self.changed)
        self._lock = threading.RLock()
        recorder.changed = self.changed

    def changed(self) -> None:
        with self._lock:
            self.version += 1

    def say(self, sentence: str) -> None:
        """Show all pages a sentence, as the terminal does."""
        with self._lock:
            self._sentences = [*self._sentences, sentence][-MOST_SENTENCES:]
            self.version += 1

    def set_phase(self, phase: str) -> None:
        """`starting`, `running` or `over`."""
        with self._lock:
            self._phase = phase
            self.version += 1

    def frame_done(self, tracked: TrackedFrame) -> None:
        """Let whoever is being calibrated be read, and whoever has no character get a head of their own."""
        self.heads.frame_done(tracked)
        calibrating = self._calibrating
        if calibrating is None or not calibrating.add(tracked):
            return
        with self._lock:
            if calibrating.phase == "done":
                self._settings.setdefault(calibrating.person, Settings()).calibration = calibrating.calibration
                self._apply(calibrating.person)
                self.say(f"person {calibrating.person} is calibrated")
            elif calibrating.phase == "given up":
                self.say(f"person {calibrating.person} was not seen for long enough to be calibrated")
            if calibrating.phase in ("done", "given up"):
                self._calibrating = None
            self.version += 1

    def to_json(self) -> dict[str, Any]:
        """Everything at this moment, as plain values."""
        with self._lock:
            calibrating = self._calibrating
            return {
                "type": "state",
                "phase": self._phase,
                "source": self.controls.source,
                "receivers": list(self.controls.receivers),
                "browser_camera": self.controls.browser_camera,
                "mirror": self.cast.edit.mirror,
                "smoothing": self._smoothing if self.controls.set_smoothing else None,
                "recording": self.recorder.folder and str(self.recorder.folder),
                "names": EXPRESSION_NAMES,
                "choices": TROUPE,
                "characters": [one.to_json() for one in self.characters.all()],
                "profiles": self._profiles.names(),
                "people": {
                    str(person): {"gains": own.gains, "calibrated": own.calibration is not None}
                    for person, own in self._settings.items()
                },
                "calibrating": calibrating
                and {
                    "person": calibrating.person,
                    "phase": calibrating.phase,
                    "seconds": REST_S if calibrating.phase == "rest" else RANGE_S,
                },
                "sentences": self._sentences,
            }

    def give(self, person: int, character: str | Character) -> None:
        """Let somebody play a bundled character by name, or one that is open."""
        if isinstance(character, str) and character not in TROUPE:
            raise UnknownName("character", character[:80], TROUPE)
        self.cast.give(person, character)
        self.changed()

    def do(self, asked: Mapping[str, Any]) -> None:
        """What a page asks for, `{"do": "mirror", "on": true}`; `CommediaError` says what is wrong with it."""
        act = _ACTS.get(str(asked.get("do")))
        if act is None:
            raise UnknownName("request", str(asked.get("do"))[:40], _ACTS)
        with self._lock:
            act(self, asked)
            self.version += 1

    def _mirror(self, asked: Mapping[str, Any]) -> None:
        self.cast.edit = replace(self.cast.edit, mirror=asked.get("on") is True)

    def _smooth(self, asked: Mapping[str, Any]) -> None:
        factor = asked.get("factor")
        if self.controls.set_smoothing is None:
            raise CommediaError("what arrives here is smooth already; there is nothing to set")
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not _within(factor, *SMOOTHINGS):
            raise CommediaError("smoothing is a number from {} to {}".format(*SMOOTHINGS))
        self._smoothing = float(factor)
        self.controls.set_smoothing(self._smoothing)

    def _gains(self, asked: Mapping[str, Any]) -> None:
        person = _person(asked)
        self._settings.setdefault(person, Settings()).gains = checked_gains(asked.get("gains"))
        self._apply(person)

    def _cast(self, asked: Mapping[str, Any]) -> None:
        self.give(_person(asked), str(asked.get("character")))

    def _calibrate(self, asked: Mapping[str, Any]) -> None:
        self._calibrating = Calibrating(_person(asked))

    def _stop_calibrating(self, asked: Mapping[str, Any]) -> None:
        self._calibrating = None

    def _forget(self, asked: Mapping[str, Any]) -> None:
        person = _person(asked)
        self._settings.pop(person, None)
        self._apply(person)

    def _record(self, asked: Mapping[str, Any]) -> None:
        self.recorder.want(asked.get("on") is True)

    def _save(self, asked: Mapping[str, Any]) -> None:
        person, name = _person(asked), str(asked.get("name"))
        own, role = self._settings.get(person, Settings()), self.cast.role(person)
        character = role.name if role.name in TROUPE else ""
        self._profiles.save(name, Profile(own.calibration, own.gains, character))

    def _load(self, asked: Mapping[str, Any]) -> None:
        person, profile = _person(asked), self._profiles.load(str(asked.get("name")))
        self._settings[person] = Settings(profile.calibration, dict(profile.gains))
        self._apply(person)
        if profile.character:
            with contextlib.suppress(UnknownName):
                self.give(person, profile.character)

    def _apply(self, person: int) -> None:
        combined = self._settings.get(person, Settings()).combined()
        kept = {one: own for one, own in self.cast.calibrations.items() if one != person}
        self.cast.calibrations = kept if combined is None else kept | {person: combined}


_ACTS: dict[str, Callable[[Show, Mapping[str, Any]], None]] = {
    "mirror": Show._mirror,
    "smooth": Show._smooth,
    "gains": Show._gains,
    "cast": Show._cast,
    "calibrate": Show._calibrate,
    "stop calibrating": Show._stop_calibrating,
    "forget": Show._forget,
    "record": Show._record,
    "save": Show._save,
    "load": Show._load,
}
"""What a page may ask for."""


def _person(asked: Mapping[str, Any]) -> int:
    person = asked.get("person")
    if type(person) is not int or not 0 < person < 1 << 31:
        raise CommediaError("a person is a whole number from 1 up")
    return person


def _within(value: float, least: float, most: float) -> bool:
    return least <= value <= most
