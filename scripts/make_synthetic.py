"""Make a shard of synthetic training pictures. Example:

python scripts/make_synthetic.py --kind single --count 5000 --seed 1 --backgrounds photos.tar --out train-001.tar
python scripts/make_synthetic.py --characters rigs/*.glb --count 2500 --backgrounds photos.tar --out avatars-001.tar
python scripts/make_synthetic.py --kind people --characters rigs/*.glb --count 2500 --out people-001.tar
"""

import argparse
import sys
import time
from pathlib import Path

import torch

from commedia.errors import CommediaError
from commedia.synthetic.people import generate_people_shard
from commedia.synthetic.performers import STREAMS
from commedia.synthetic.shards import generate_avatar_shard, generate_shard


def write(given: argparse.Namespace) -> int:
    """The arguments to a shard; returns how many pictures it holds."""
    common = {"stream": given.stream, "seed": given.seed, "backgrounds": given.backgrounds, "size": given.size}
    if given.kind in ("people", "close-ups"):
        close_ups = given.kind == "close-ups"
        return generate_people_shard(given.out, given.characters, given.count, close_ups=close_ups, **common)
    if given.characters:
        return generate_avatar_shard(given.out, given.characters, given.count, **common)
    frames = given.frames_per_person
    return generate_shard(given.out, given.kind, given.count, **common, frames=frames, truth=given.truth)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--kind",
        choices=("single", "crowd", "people", "close-ups"),
        default="single",
        help="one face each; 0 to 20; --characters from head to foot; hands, knees and shirts of theirs without a face",
    )
    parser.add_argument(
        "--characters",
        type=Path,
        nargs="+",
        help="glTF that 'commedia rig make' wrote: they perform instead of our head",
    )
    parser.add_argument("--count", type=int, required=True, help="how many pictures")
    parser.add_argument(
        "--frames-per-person",
        type=int,
        default=1,
        help="of our head, single: so many pictures show one person, with another expression, pose and light each",
    )
    parser.add_argument(
        "--truth",
        action="store_true",
        help="of our head, single: with parse maps, exact 3D and wrinkles of each person's own",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stream", choices=STREAMS, default="train", help="test shares nobody and nothing with train")
    parser.add_argument("--backgrounds", type=Path, help="tar of photographs; made-up backdrops when not given")
    parser.add_argument("--out", type=Path, required=True, help="the shard to write")
    parser.add_argument(
        "--size",
        type=int,
        help="side of a picture in pixels; by default 176, crowds 288 to 320, people 448, close-ups 320",
    )
    parser.add_argument("--threads", type=int, default=1, help="of torch; several processes beat several threads")
    given = parser.parse_args()
    if given.kind in ("people", "close-ups") and not given.characters:
        parser.error(f"--kind {given.kind} needs --characters: glTF of whole people that 'commedia rig make' wrote")
    if given.frames_per_person < 1 or (given.frames_per_person > 1 and (given.kind != "single" or given.characters)):
        parser.error("--frames-per-person, 1 or more, is for single pictures of our own head")
    if given.truth and (given.kind != "single" or given.characters):
        parser.error("--truth is for single pictures of our own head")
    torch.set_num_threads(given.threads)
    start = time.monotonic()
    try:
        count = write(given)
    except CommediaError as error:
        print(f"make_synthetic: {error}", file=sys.stderr)
        return 2
    seconds = time.monotonic() - start
    print(f"{given.out}: {count} pictures in {seconds:.0f} s, {count / seconds:.1f} per second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
