"""Give everyone in a video a character: `python examples/01_character_from_video.py VIDEO OUTPUT [CHARACTER.glb]`."""

import sys

from commedia import CommediaError, retarget


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    try:
        summary = retarget(sys.argv[1], sys.argv[2], character=sys.argv[3] if len(sys.argv) > 3 else None)
    except CommediaError as error:
        print(error, file=sys.stderr)
        return 2
    for person in summary.people:
        print(f"person {person.id}: {person.tracked_frames} of {summary.frames} frames", *person.files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
