"""A folder that the Live Link Face app saved: a CSV with the motion, and beside it the video, `take.json`, a thumbnail.

The CSV is what is played. What its timecodes do not say, the others do: the exact frame rate.
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from commedia.errors import UnreadableMedia
from commedia.formats.arkit_table import ArkitTable, open_table
from commedia.formats.columns import rate_of
from commedia.formats.json_objects import flat_items

DESCRIPTIONS = ("take.json", "video_metadata.json")
THUMBNAILS = ("thumbnail.jpg", "thumbnail.jpeg", "thumbnail.png")
VIDEOS = (".mov", ".mp4", ".m4v")
CALIBRATED = "_cal"
"""Ends the name of a CSV in which the app has taken the neutral face away; it is played before the raw one."""
NEUTRAL_ENDS = ("_neutral", "_raw")
MOST_BYTES = 1 << 20
MOST_FILES = 64
SAID = ("slate", "takeNumber", "take", "subject", "deviceName", "device")


@dataclass(frozen=True)
class TakeFolder:
    """The parts of one take."""

    table: Path
    videos: tuple[Path, ...]
    rest: tuple[Path, ...]
    """Files that nothing is read of."""
    rate: Fraction | None
    """Frames per second, by the take's description."""
    said: dict[str, str]
    """What the description calls the take."""

    def notes(self, *, watched: bool) -> list[str]:
        """What the parts are; `watched` says whether a video gave its rate."""
        about = ", ".join(f"{key} {value}" for key, value in self.said.items())
        opening = f"'{self.table.parent.name}' is a take of Live Link Face" + (f" ({about})" if about else "")
        notes = [f"{opening}: its motion is '{self.table.name}'"]
        if self.videos:
            used = ", of which only the frame rate was read; give it alone to have it tracked" if watched else ""
            notes.append(f"its video is {_listed(self.videos)}{used}")
        if self.rest:
            notes.append(f"not read: {_listed(self.rest)}")
        return notes


def take_folder(path: Path) -> TakeFolder | None:
    """Recognise such a folder by a table of Live Link Face with its video, description or thumbnail; None for all
    others."""
    try:
        files = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
    except OSError:
        return None
    if len(files) > MOST_FILES:
        return None
    tables = [file for file in files if file.suffix.lower() == ".csv" and _is_live_link(file)]
    if not tables:
        return None
    table = max(tables, key=lambda file: (file.stem.endswith(CALIBRATED), not file.stem.endswith(NEUTRAL_ENDS)))
    stems = {table.stem, table.stem.removesuffix(CALIBRATED).removesuffix("_raw")}
    videos = [file for file in files if file.suffix.lower() in VIDEOS and file.stem in stems]
    described = [file for file in files if file.name.lower() in DESCRIPTIONS]
    if not videos and not described and not any(file.name.lower() in THUMBNAILS for file in files):
        return None
    facts = [item for file in described for item in _facts(file)]
    rate = next((rate for name, value in facts if (rate := rate_of(name, value))), None)
    said = {name: str(value)[:40] for name, value in facts if name in SAID and isinstance(value, str | int)}
    rest = [file for file in files if file != table and file not in videos and file not in described]
    return TakeFolder(table, tuple(videos), tuple(rest), rate, said)


def _is_live_link(path: Path) -> bool:
    try:
        table = open_table(path)
    except UnreadableMedia:
        return False
    return isinstance(table, ArkitTable) and table.from_app


def _facts(path: Path) -> list[tuple[str, Any]]:
    """Names and values of a small JSON file, nothing of one that cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return []
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return flat_items(tree) if isinstance(tree, dict) else []


def _listed(paths: tuple[Path, ...]) -> str:
    return ", ".join(f"'{path.name}'" for path in paths)
