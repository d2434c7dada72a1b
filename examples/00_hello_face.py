"""Read faces from a picture: `python examples/00_hello_face.py [PICTURE]`, by default scikit-image's astronaut."""

import sys
from pathlib import Path

from commedia import EXPRESSION_NAMES, track


def astronaut() -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data" / "astronaut.png"


def main() -> None:
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else astronaut()
    for frame in track(picture):
        print(f"{picture.name}: {len(frame.faces)} face(s)")
        for face in frame.faces:
            print(f"  face {face.id} at {face.box}, turned by the quaternion (w, x, y, z) {face.params.pose.wxyz}")
            strongest = face.params.expression.argsort()[::-1][:5]
            print("   ", ", ".join(f"{EXPRESSION_NAMES[i]} {face.params.expression[i]:.2f}" for i in strongest))


if __name__ == "__main__":
    main()
