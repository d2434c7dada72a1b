"""What paper 1 publishes, read from `paper_numbers.toml`; measures nothing."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

NUMBERS_FILE = Path(__file__).with_name("paper_numbers.toml")
PAPER = "Chaudhuri et al., CVPR 2019"


@dataclass(frozen=True)
class Variant:
    """A network that a row of the paper asks for."""

    name: str
    kind: Literal["sfn", "mfn"]
    recipe: str
    """Trains it."""
    labels: str | None = None
    """The variant whose labels it learns from."""
    reads: bool = True
    """False where it finds boxes only."""


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table."""

    name: str
    values: tuple[float, ...]
    variant: str | None = None
    """None for other people's methods."""


@dataclass(frozen=True)
class PublishedTable:
    """One published table."""

    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]

    def __post_init__(self):
        assert all(len(row.values) == len(self.columns) for row in self.rows), "a published row has another width"


@cache
def variants() -> dict[str, Variant]:
    """Every network the paper's tables ask for, by name."""
    return {part["name"]: Variant(**part) for part in _numbers()["variant"]}


@cache
def published(table: str) -> PublishedTable:
    """Look up one table, such as `table-2`."""
    content = _numbers()[table]
    rows = (PublishedRow(row["name"], tuple(map(float, row["values"])), row.get("variant")) for row in content["row"])
    return PublishedTable(tuple(content["columns"]), tuple(rows))


def _numbers() -> dict:
    return tomllib.loads(NUMBERS_FILE.read_text(encoding="utf-8"))
