"""What the three papers publish, read from `papers/`; measures nothing."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).with_name("papers")
PAPERS = {
    "cvpr2019": "Chaudhuri et al., CVPR 2019",
    "eccv2020": "Chaudhuri et al., ECCV 2020",
    "aaai2022": "Mo et al., AAAI 2022",
}
"""File in `papers/` to paper: 1, 2 and 3 in this order."""
PAPER = PAPERS["cvpr2019"]


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
    """Every network the papers' tables ask for, by name."""
    parts = (part for paper in PAPERS for part in _numbers(paper).get("variant", ()))
    return {part["name"]: Variant(**part) for part in parts}


@cache
def published(table: str, paper: str = "cvpr2019") -> PublishedTable:
    """Look up one table, such as `table-2`."""
    content = _numbers(paper)[table]
    rows = (PublishedRow(row["name"], tuple(map(float, row["values"])), row.get("variant")) for row in content["row"])
    return PublishedTable(tuple(content["columns"]), tuple(rows))


def _numbers(paper: str) -> dict:
    return tomllib.loads((FOLDER / f"{paper}.toml").read_text(encoding="utf-8"))
