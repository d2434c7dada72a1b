"""Tables of measurements, and where they came from: on screen, as Markdown, CSV and JSON."""

import csv
import io
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table as ScreenTable

from commedia import __version__
from commedia.files import sha256_of, write_file

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Goal:
    """A number that has to be reached."""

    name: str
    value: float
    bound: float
    at_most: bool

    @property
    def is_met(self) -> bool:
        """NaN meets nothing."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


@dataclass(frozen=True)
class Table:
    """One table of results."""

    name: str
    """File name without suffix."""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    """What a reader must know to repeat or judge the numbers, one sentence each."""
    goals: tuple[Goal, ...] = ()

    def cell(self, column: str, row: int = 0) -> Cell:
        """The number under a heading."""
        return self.rows[row][self.columns.index(column)]

    def __post_init__(self):
        assert all(len(row) == len(self.columns) for row in self.rows), f"a row of '{self.name}' has another width"


@dataclass(frozen=True)
class Origin:
    """Where numbers came from."""

    machine: str
    commit: str
    date: str
    version: str
    seed: int
    weights: Mapping[str, str] = field(default_factory=dict)
    """File name to sha256 of every network that was used."""


def origin_of(weights: Sequence[Path], seed: int) -> Origin:
    """Look at the machine, the repository and the weights."""
    return Origin(
        machine=f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        commit=source_commit(),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        seed=seed,
        weights={path.name: sha256_of(path) for path in weights},
    )


def show(table: Table, console: Console) -> None:
    """Print a table with its goals and notes."""
    screen = ScreenTable(title=table.title, title_justify="left", title_style="bold")
    for index, column in enumerate(table.columns):
        numeric = any(isinstance(row[index], int | float) for row in table.rows)
        screen.add_column(column, justify="right" if numeric else "left")
    for row in table.rows:
        screen.add_row(*map(cell_text, row))
    console.print(screen)
    for goal in table.goals:
        console.print(goal_text(goal), style="green" if goal.is_met else "red")
    for note in table.notes:
        console.print(note, style="dim")


def write_report(folder: Path, tables: Sequence[Table], origin: Origin) -> list[Path]:
    """Write each table as CSV, and all of them as one Markdown page and one JSON file, named after the first table."""
    texts = {f"{table.name}.csv": csv_text(table) for table in tables}
    name = tables[0].name
    texts[f"{name}.md"] = markdown_text(tables, origin)
    texts[f"{name}.json"] = json_text(tables, origin)
    for file_name, text in texts.items():
        write_file(folder / file_name, text.encode("utf-8"))
    return [folder / file_name for file_name in texts]


def markdown_text(tables: Sequence[Table], origin: Origin) -> str:
    """All tables on one page, with the origin at its end."""
    parts = []
    for table in tables:
        lines = [f"## {table.title}", ""]
        lines += [_markdown_row(table.columns), _markdown_row(["---"] * len(table.columns))]
        lines += [_markdown_row([cell_text(cell) for cell in row]) for row in table.rows]
        lines += [""] * bool(table.goals or table.notes)
        lines += [f"- {text}" for text in (*map(goal_text, table.goals), *table.notes)]
        parts.append("\n".join(lines))
    weights = ", ".join(f"{name} {digest[:12]}" for name, digest in origin.weights.items()) or "none"
    parts.append(
        f"Measured {origin.date} with commedia {origin.version}, commit {origin.commit}, seed {origin.seed}, "
        f"on {origin.machine}; weights: {weights}."
    )
    return "\n\n".join(parts) + "\n"


def csv_text(table: Table) -> str:
    """One table in full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def json_text(tables: Sequence[Table], origin: Origin) -> str:
    """Everything in full precision; what is not a number is null."""
    content = {
        "origin": asdict(origin),
        "tables": [
            {
                **asdict(table),
                "rows": [[_json_cell(cell) for cell in row] for row in table.rows],
                "goals": [
                    {**asdict(goal), "value": _json_cell(goal.value), "met": goal.is_met} for goal in table.goals
                ],
            }
            for table in tables
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def cell_text(cell: Cell) -> str:
    """A cell for people: four significant digits, a dash for what is not there."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def goal_text(goal: Goal) -> str:
    """One line that says whether a goal is met."""
    bound = f"{'<=' if goal.at_most else '>='} {cell_text(goal.bound)}"
    return f"{goal.name}: {cell_text(goal.value)}, goal {bound}: {'met' if goal.is_met else 'NOT met'}"


def _json_cell(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def source_commit() -> str:
    """The commit of the source that runs, with a mark when files differ from it; "unknown" outside a checkout."""
    folder = Path(__file__).resolve().parent
    try:
        # An installed copy may lie within somebody else's repository, which does not track it.
        _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}+changes" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
