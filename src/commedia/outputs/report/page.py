"""A summary and the traces of its people to `report.html`: one file that needs no server, no network and no script.

All text from outside is escaped. Only the preview beside it is linked, by its name.
"""

import base64
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from commedia.conventions import EXPRESSION_NAMES
from commedia.files import write_file
from commedia.outputs.preview.found import person_colour
from commedia.outputs.report.curves import curve_svg, strongest
from commedia.outputs.report.sink import PEOPLE, Thumbnail, Trace
from commedia.outputs.report.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: file: 'self'; media-src file: 'self'"
"""What the page may load: nothing from elsewhere, whatever a name in it says."""
JPEG_QUALITY = 82


def write_report(path: Path, summary: Mapping[str, Any], traces: Mapping[int, Trace]) -> None:
    """Write the report of a take. `summary` is what `Summary.to_json` gives; what it does not say is not shown."""
    write_file(path, report_html(summary, traces).encode("utf-8"))


def report_html(summary: Mapping[str, Any], traces: Mapping[int, Trace]) -> str:
    """The page as text."""
    title = _text(Path(summary["source"]).name)
    people, frames = summary["people"], summary["frames"]
    count = "nobody" if not people else "1 person" if len(people) == 1 else f"{len(people)} people"
    length = f"{frames} {'frame' if frames == 1 else 'frames'}, {summary['duration_s']:.2f} s"
    sections = [_person(person, traces.get(person["id"]), summary) for person in people]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title} - commedia</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
            f"<header><h1>{title}</h1>",
            f"<p>{count} in {length}</p></header>",
            _preview(summary["files"]),
            *sections,
            _assumptions(summary, len(people)),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _preview(files: Iterable[str]) -> str:
    for name in (Path(file).name for file in files):
        if name == "preview.mp4":
            return '<video controls muted loop preload="metadata" src="preview.mp4"></video>'
        if name == "preview.jpg":
            return '<img class="preview" src="preview.jpg" alt="The picture, what was found in it, and the characters">'
    return ""


def _person(person: Mapping[str, Any], trace: Trace | None, summary: Mapping[str, Any]) -> str:
    colour = "#{:02x}{:02x}{:02x}".format(*person_colour(person["id"]))
    parts = [
        f'<section style="--person: {colour}">',
        f"<h2>person {person['id']}</h2>",
        '<div class="who">',
        _thumbnails(trace.thumbnails, person["id"]) if trace else "",
        _facts(person, summary),
        "</div>",
    ]
    if trace is not None and summary["frames"] > 1:
        parts.append(_curves(trace, summary))
    return "\n".join([*parts, _neutral_and_range(person), "</section>"])


def _thumbnails(thumbnails: Iterable[Thumbnail], person: int) -> str:
    shown = {thumbnail.time_s: thumbnail for thumbnail in reversed(tuple(thumbnails)) if thumbnail.picture is not None}
    figures = [
        f'<figure><img width="112" height="112" src="{_data(thumbnail)}" alt="person {person}, {thumbnail.caption}">'
        f"<figcaption>{thumbnail.caption}, {float(thumbnail.time_s):.2f} s</figcaption></figure>"
        for thumbnail in reversed(shown.values())
    ]
    return f'<div class="faces">{"".join(figures)}</div>'


def _data(thumbnail: Thumbnail) -> str:
    assert thumbnail.picture is not None
    bgr = cv2.cvtColor(thumbnail.picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def _facts(person: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    facts = person.get("facts") or {}
    share = person["tracked_frames"] / max(summary["frames"], 1)
    rows = [("seen in", f"{person['tracked_frames']} frames ({share:.0%})")]
    if summary["frames"] > 1:
        rows.append(("from, to", f"{person['first_s']:.2f} s, {person['last_s']:.2f} s"))
    if facts.get("seen_s"):
        rows.append(("seen for", f"{facts['seen_s']:.2f} s"))
        filled_s = facts.get("filled_s", 0)
        rows.append(("filled", f"{filled_s:.2f} s, in which nobody saw the face" if filled_s else "nothing"))
    if facts.get("blinks_per_minute") is not None:
        each_minute = facts["blinks_per_minute"]
        rows.append(("blinks", f"{each_minute * facts['seen_s'] / 60:.0f}, {each_minute:g} a minute"))
    rows.append(("plays", Path(person["character"]).name))
    entries = [f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in rows]
    names = [Path(file).name for file in person["files"]]
    links = ", ".join(f'<a href="{quote(name)}">{_text(name)}</a>' for name in names) or "none: seen too briefly"
    return f"<dl>{''.join(entries)}<dt>files</dt><dd>{links}</dd></dl>"


def _curves(trace: Trace, summary: Mapping[str, Any]) -> str:
    values = trace.curves.until(summary["frames"])
    figures = [
        f"<figure>{curve_svg(values[index])}"
        f"<figcaption>{EXPRESSION_NAMES[index]} <b>{np.nanmax(values[index]):.2f}</b></figcaption></figure>"
        for index in strongest(values)
    ]
    per = trace.curves.frames_per_column
    how = "every frame" if per == 1 else f"the highest of every {per} frames"
    said = (
        "The blendshapes that move most, and the most of each; from 0 (lower line) to 1 (upper line) over the whole "
        f"take of {summary['duration_s']:.2f} s, {how}; a gap where the face was not there."
    )
    return f'<div class="curves">{"".join(figures)}</div>\n<p class="how">{said}</p>'


def _neutral_and_range(person: Mapping[str, Any]) -> str:
    facts = person.get("facts") or {}
    neutral, ranges = facts.get("neutral") or {}, facts.get("range") or {}
    parts = []
    if neutral:
        rows = sorted(neutral.items(), key=lambda entry: -entry[1])
        cells = "".join(f"<li>{_text(name)} <b>{value:.2f}</b></li>" for name, value in rows)
        said = "How the face reads at rest; taken away from every frame"
        parts.append(f"<details><summary>{said} ({len(rows)} blendshapes)</summary><ul>{cells}</ul></details>")
    if ranges:
        rows = sorted(ranges.items(), key=lambda entry: entry[1][0] - entry[1][1])
        cells = "".join(f"<li>{_text(name)} <b>{low:.2f} to {high:.2f}</b></li>" for name, (low, high) in rows)
        said = f"Range of all {len(rows)} blendshapes in nine of ten frames"
        parts.append(f"<details><summary>{said}</summary><ul>{cells}</ul></details>")
    return "\n".join(parts)


def _assumptions(summary: Mapping[str, Any], people: int) -> str:
    notes = [_text(note) for note in summary["notes"]]
    if people > PEOPLE:
        notes.append(f"curves and pictures are shown of the first {PEOPLE} people")
    said = "".join(f"<li>{note}</li>" for note in notes) or "<li>nothing had to be assumed, skipped or filled</li>"
    return f'<section><h2>What was assumed</h2><ul class="notes">{said}</ul></section>'


def _text(anything: object) -> str:
    return escape(str(anything), quote=True)
