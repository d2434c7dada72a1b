"""Labelled pictures of people who never lived: one face each, or none to twenty in a crowd. Seeded, endless.

`single_pictures` makes what SFN trains on and `single_performers` says who they show, `crowd_pictures` makes what MFN
trains on, `generate_shard` writes either to a file. The same stream, seed and backgrounds give the same pictures on the
same machine.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from commedia.data.sample import PictureSample
from commedia.data.shards import write_shard
from commedia.data.truth import COVERED
from commedia.errors import BadCharacter
from commedia.face_model.model import HeadModel
from commedia.synthetic.avatars import Avatar, draw_avatar, held_back, read_avatar
from commedia.synthetic.backgrounds import Backgrounds, load_backgrounds
from commedia.synthetic.crowds import crowd_pictures
from commedia.synthetic.degradations import degrade
from commedia.synthetic.heads import DrawnHead, draw_heads
from commedia.synthetic.occluders import occlude
from commedia.synthetic.painting import loop
from commedia.synthetic.performers import Performer, Stream, filmed_again, sample_performers, stream_rng
from commedia.synthetic.truth import truth_of, with_own_wrinkles

Kind = Literal["single", "crowd"]

LICENCE = "Apache-2.0"
"""Of the pictures; where the backgrounds are photographs, their licence limits what may be passed on."""

CROP_MARGIN = 2.0
"""Picture side over the landmark box's longer side: room for the training's shifts around the 1.5 of SFN's crop."""

AVATAR_SEEDS = 1_000_000
"""Added to the seed: characters play other expressions than our own head does under the same seed."""

DRAWN_AT_ONCE = 8


def single_pictures(
    stream: Stream,
    seed: int,
    count: int,
    backgrounds: Backgrounds,
    *,
    size: int = 176,
    frames: int = 1,
    head: HeadModel | None = None,
    truth: bool = False,
) -> Iterator[PictureSample]:
    """Make pictures of one face, centred but for a few pixels, its landmark box half as long as the picture.

    With `frames` above 1 so many pictures in a row show one person. With `truth` parse map and exact truth stand beside
    each picture, and wrinkles are everybody's own (`with_own_wrinkles`).
    """
    draw, name = partial(draw_heads, head=head), f"synthetic-{stream}-{seed}"
    taken = _singles(stream, seed, count, backgrounds, draw, size=size, frames=frames, truth=truth)
    for number, (performer, drawn, image, parse) in enumerate(taken):
        extras = {"parse": parse, "truth": truth_of(performer, drawn)} if truth else {}
        yield PictureSample(image, (drawn.face,), f"{name}/{number}", LICENCE, "synthetic", **extras)


def single_performers(
    stream: Stream, seed: int, count: int, backgrounds: Backgrounds, *, size: int = 176
) -> Iterator[Performer]:
    """Who `single_pictures` shows, without drawing them."""
    # One head stands in for all: random numbers do not depend on what is drawn.
    somebody = sample_performers(stream_rng(stream, seed), 1, name="stand-in")
    heads = draw_heads(somebody, size, np.full(1, size / CROP_MARGIN), np.zeros((1, 2)))
    taken = _singles(stream, seed, count, backgrounds, lambda performers, *_: heads * len(performers), size=size)
    return (one.performer for one in taken)


class _Single(NamedTuple):
    performer: Performer
    drawn: DrawnHead
    image: np.ndarray
    parse: np.ndarray | None


def _singles(
    stream: Stream,
    seed: int,
    count: int,
    backgrounds: Backgrounds,
    draw: Callable[[list[Performer], int, np.ndarray, np.ndarray], list[DrawnHead]],
    *,
    size: int,
    frames: int = 1,
    truth: bool = False,
) -> Iterator[_Single]:
    """Take performers, as `draw` draws them, one after the other: the order in which random numbers are used."""
    rng = stream_rng(stream, seed)
    for start in range(0, count, batch := max(DRAWN_AT_ONCE // frames, 1) * frames):
        many = min(batch, count - start)
        performers = sample_performers(rng, -(-many // frames), name=f"synthetic-{stream}-{seed}-{start:06d}")
        if truth:
            performers = [with_own_wrinkles(performer) for performer in performers]
        if frames > 1:
            performers = [taken for one in performers for taken in filmed_again(rng, one, frames)][:many]
        sides = size / CROP_MARGIN * rng.uniform(0.92, 1.06, len(performers))
        offsets = rng.uniform(-0.04, 0.04, (len(performers), 2)) * size
        drawn = draw(performers, size, sides, offsets)
        for performer, head, side in zip(performers, drawn, sides.tolist(), strict=True):
            yield _Single(performer, head, *_taken(rng, head, side, backgrounds))


def avatar_pictures(
    stream: Stream, seed: int, count: int, backgrounds: Backgrounds, avatars: Sequence[Avatar], *, size: int = 176
) -> Iterator[PictureSample]:
    """As `single_pictures`, of characters that take turns."""
    rng = stream_rng(stream, AVATAR_SEEDS + seed)
    name = f"avatars-{stream}-{seed}"
    for number, performer in enumerate(sample_performers(rng, count, name=name)):
        side, offset = size / CROP_MARGIN * rng.uniform(0.92, 1.06), rng.uniform(-0.04, 0.04, 2) * size
        drawn = draw_avatar(avatars[number % len(avatars)], performer, size, side, offset)
        image, _ = _taken(rng, drawn, side, backgrounds)
        yield PictureSample(image, (drawn.face,), f"{name}/{number}", LICENCE, "synthetic")


def _taken(
    rng: np.random.Generator, drawn: DrawnHead, side_px: float, backgrounds: Backgrounds
) -> tuple[np.ndarray, np.ndarray | None]:
    """A photograph of it, before a background, sometimes behind something, as a camera sees it; and its parse map."""
    size, parse = len(drawn.rgba), drawn.parse
    image = paste(drawn.rgba, backgrounds.window(rng, size, size))
    if rng.uniform() < 0.22:
        uncovered = image.copy()
        occlude(rng, image, drawn.face.box, backgrounds.window(rng, size, size))
        if parse is not None:
            parse = np.where((parse > 0) & (image != uncovered).any(-1), np.uint8(COVERED), parse)
    return degrade(rng, image, side_px), parse


def paste(rgba: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Lay a drawn head over a background of the same size."""
    picture = np.zeros(background.shape, np.uint8)
    loop("lay_over")(rgba.reshape(-1, 4), np.ascontiguousarray(background).reshape(-1, 3), picture.reshape(-1, 3))
    return picture


def generate_shard(
    path: Path,
    kind: Kind,
    count: int,
    *,
    stream: Stream = "train",
    seed: int = 0,
    backgrounds: Path | None = None,
    size: int | None = None,
    frames: int = 1,
    truth: bool = False,
    head: HeadModel | None = None,
) -> int:
    """Make `count` pictures of `size` pixels (by default 176; crowds 288 to 320), write them, return how many.

    Singles show `frames` times the same person, one after the other, and may carry their `truth`.
    """
    loaded = load_backgrounds(backgrounds, stream)
    if kind == "single":
        pictures = single_pictures(stream, seed, count, loaded, size=size or 176, frames=frames, truth=truth, head=head)
    else:
        pictures = crowd_pictures(stream, seed, count, loaded, size=size, head=head)
    return write_shard(path, pictures)


def generate_avatar_shard(
    path: Path,
    characters: Sequence[Path],
    count: int,
    *,
    stream: Stream = "train",
    seed: int = 0,
    backgrounds: Path | None = None,
    size: int | None = None,
) -> int:
    """Make `count` pictures in which characters with a face frame perform, and write them; returns how many.

    Raises BadCharacter for one that is held back from training.
    """
    for character in characters:
        if stream == "train" and held_back(character.stem):
            raise BadCharacter(f"{character.stem} tests how heads that are not ours are read, and is never trained on")
    avatars = [read_avatar(character) for character in characters]
    loaded = load_backgrounds(backgrounds, stream)
    return write_shard(path, avatar_pictures(stream, seed, count, loaded, avatars, size=size or 176))
