"""`commedia shards NAME:DIR`: a published data set to training shards, with all the truth that it has."""

from collections.abc import Iterator
from itertools import chain, count, islice
from pathlib import Path
from typing import Annotated

import tyro

from commedia.cli.options import require_counts
from commedia.data.datasets.filters import PAPER_RULES, FilterRules, filtered
from commedia.data.datasets.samples import samples_from_dataset
from commedia.data.datasets.table import DATASETS, open_dataset
from commedia.data.sample import PictureSample
from commedia.data.shards import write_shard
from commedia.errors import CommediaError


def run(
    inputs: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="NAME:DIR")],
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    shard_size: int = 4000,
    max_side: int | None = None,
    most_faces: int = PAPER_RULES.most_faces,
    smallest_face: float = PAPER_RULES.smallest_face,
    refuse: tuple[str, ...] = (),
) -> None:
    """Turn published data sets into training shards: points, rotation, who it is, clip, skin mask, action units.

    Args:
        inputs: Name and folder of each data set; docs/datasets.md lists the names.
        out: Folder for NAME-000.tar, NAME-001.tar ...
        shard_size: Pictures per shard.
        max_side: Reduce pictures whose longer side has more pixels.
        most_faces: Leave out pictures with more faces; paper 1's 20.
        smallest_face: Leave out faces smaller than this share of their picture; paper 1's 0.02.
        refuse: Leave out faces that annotators flagged so, such as invalid or blurred.
    """
    require_counts(shard_size=shard_size, max_side=max_side)
    if not inputs:
        raise CommediaError(
            f"nothing to read: give NAME:DIR of a published data set; known names: {', '.join(DATASETS)}"
        )
    rules = FilterRules(most_faces, smallest_face, frozenset(refuse))
    for text in inputs:
        name, colon, folder = text.partition(":")
        if not colon:
            raise CommediaError(f"'{text}' is not NAME:DIR of a published data set; known names: {', '.join(DATASETS)}")
        dataset = open_dataset(name, Path(folder))
        samples = samples_from_dataset(filtered(dataset, dataset.left_out, rules), dataset.left_out, max_side=max_side)
        written = sum(_write(name, samples, out, shard_size))
        if written == 0:
            raise CommediaError(f"no picture of {dataset.spec.title} became a sample; left out: {dataset.left_out}")
        print(f"{name}: {written:,} pictures in {out}; left out: {dataset.left_out}")


def _write(name: str, samples: Iterator[PictureSample], out: Path, size: int) -> Iterator[int]:
    """Write shard after shard; yields how many pictures are in each."""
    for number in count():
        first = next(samples, None)
        if first is None:
            return
        yield write_shard(out / f"{name}-{number:03d}.tar", chain([first], islice(samples, size - 1)))
