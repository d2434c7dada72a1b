"""The page as a viewer sees it, in headless Chromium whose camera is a clip of two drawn people."""

import json
import os
import re
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from oracles import CHROMIUM, FOLDER, needs_chromium
from rigs import small_builder

from commedia.demo.performance import STAGE_WIDTH_PX
from commedia.demo.troupe import troupe_frames


def camera_file(path: Path) -> Path:
    """The first two of the troupe as motion JPEG."""
    with path.open("wb") as file:
        for image in islice(troupe_frames(), 0, None, 3):
            bgr = cv2.cvtColor(np.ascontiguousarray(image[:, : STAGE_WIDTH_PX // 2]), cv2.COLOR_RGB2BGR)
            file.write(cv2.imencode(".jpg", bgr)[1].tobytes())
    return path


def small_character(folder: Path, person: int) -> Path:
    path = folder / f"small-{person}.glb"
    path.write_bytes(small_builder(("jawOpen", "eyeBlinkLeft", "mouthSmileLeft", "browInnerUp")).to_bytes())
    return path


@pytest.mark.slow
@needs_chromium
def test_two_people_before_a_browsers_camera_are_two_characters_that_move(tmp_path: Path) -> None:
    camera = camera_file(tmp_path / "camera.mjpeg")
    # Chromium draws on the processor here, and the bundled characters would take it seconds.
    cast = [f"{person}={small_character(tmp_path, person)}" for person in (1, 2)]
    command = [sys.executable, "-m", "commedia.cli.main", "live", "browser://", "--no-browser", "--port", "0"]
    command += ["--cast", *cast]
    environment = os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}
    with subprocess.Popen([*command, "--seconds", "240"], stderr=subprocess.PIPE, text=True, env=environment) as live:
        try:
            assert live.stderr is not None
            url = next(found[1] for line in live.stderr if (found := re.search(r"the page is at (\S+)", line)))
            watch = ["node", FOLDER / "watch_live.mjs", CHROMIUM, url, tmp_path, camera]
            done = subprocess.run(watch, capture_output=True, text=True, timeout=400)
        finally:
            live.terminate()
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert sorted(seen["tags"]) == ["small-1", "small-2"]
    assert seen["people"][:2] == ["Person 1", "Person 2"]
    assert seen["privacy"] == ["No picture leaves this machine."]
    assert seen["calibration"] == ["Look into the camera, at rest"]
    assert seen["width"] <= 390, "nothing is wider than a phone"
    assert (seen["errors"], seen["strangers"]) == ([], [])
    assert_two_move_on_nothing(
        [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(tmp_path.glob("stage-*"))]
    )


def assert_two_move_on_nothing(shots: list[np.ndarray]) -> None:
    """BGRA pictures of the stage alone: alpha 0 behind, and in both halves somebody who moves."""
    height, width = shots[0].shape[:2]
    middle = width // 2
    there = [shot for shot in shots if (shot[:, :middle, 3] == 255).any() and (shot[:, middle:, 3] == 255).any()]
    assert len(there) >= 2
    for shot in there:
        assert (shot[: height // 12, :, 3] == 0).all(), "above the heads there is nothing"
        assert 0.2 < (shot[..., 3] == 0).mean() < 0.9
        assert (shot[..., :3][shot[..., 3] == 0] == 0).all()
    for half in (slice(0, middle), slice(middle, width)):
        changes = [abs(one[:, half].astype(int) - other[:, half]).max(axis=2) for one, other in pairwise(there)]
        assert max((change > 24).mean() for change in changes) > 0.01
