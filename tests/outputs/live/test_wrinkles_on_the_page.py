"""The page draws skin that changes with the expression, as the preview does; a plain viewer draws it at rest."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from oracles import CHROMIUM, FOLDER, needs_chromium
from served import Served, serving

from commedia.characters.default_head import own_character
from commedia.face_model.person import Person
from commedia.face_model.wrinkles import WrinkleMap
from commedia.retarget.cast import Cast

HALF = WrinkleMap("brow raise", {"browInnerUp": 1.0}, np.zeros((8, 8, 3), np.uint8))
"""Halves all of the skin's colours."""


@contextmanager
def stage(served: Served, folder: Path) -> Iterator[Callable[[], np.ndarray]]:
    """What the stage shows whenever it is called, BGRA."""
    command = ["node", FOLDER / "watch_stage.mjs", CHROMIUM, f"http://127.0.0.1:{served.server.port}/?view=stage"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browser:
        assert browser.stdin is not None
        assert browser.stdout is not None
        path = folder / "stage.png"

        def shot() -> np.ndarray:
            print(path, file=browser.stdin, flush=True)
            assert browser.stdout.readline().strip() == str(path)
            return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

        try:
            yield shot
            browser.stdin.close()
            assert json.loads(browser.stdout.readline()) == []
        finally:
            browser.terminate()


def skin(shot: np.ndarray) -> float:
    """Mean brightness of the middle of the face."""
    middle = shot[130:200, 110:190]
    return float(middle[..., :3][middle[..., 3] == 255].mean())


@pytest.mark.slow
@needs_chromium
def test_skin_darkens_with_its_blendshape_and_with_no_other(tmp_path: Path) -> None:
    mara = own_character(Person("mara", wrinkles=(HALF,)))
    with serving(tmp_path, cast=Cast(mara)) as served:
        served.said(0)
        with stage(served, tmp_path) as shot:
            drawn = next(one for one in (shot() for _ in range(60)) if (one[130:200, 110:190, 3] == 255).all())
            served.said(1, cheekPuff=1.0)
            puffed = shot()
            served.said(2, browInnerUp=1.0)
            raised = shot()
            served.said(3, browInnerUp=0.5)
            half = shot()
    rest = skin(drawn)
    assert skin(puffed) == pytest.approx(rest, rel=0.06)
    assert skin(raised) < 0.8 * rest
    assert skin(raised) < skin(half) < rest
