"""Draw the README's picture: two public-domain portraits, and the bundled characters that play them.

python scripts/draw_readme.py [OUT.jpg]
"""

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

from commedia import open_models, retarget
from commedia.demo.portraits import portrait_frames


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/readme.jpg")
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "portraits.png"
        Image.fromarray(next(portrait_frames())).save(photo)
        models = open_models().largest(2)
        summary = retarget(photo, Path(folder) / "out", character="troupe", models=models)
        (preview,) = (path for path in summary.files if path.name == "preview.jpg")
        shutil.copyfile(preview, out)
    print(f"{out}: {len(summary.people)} people")


if __name__ == "__main__":
    main()
