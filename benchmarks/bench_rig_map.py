"""How well `commedia rig map` finds shapes whose names are hidden: python benchmarks/bench_rig_map.py [CHARACTER ...]

Rows: a stranger with other triangles than our head (see `bench_rig_make.py`), whose shapes are our own; then characters
with known names, which are taken away. Landmarks are seen on characters, exact for the stranger. A blendshape
is right when its shapes are those which the name says; `left over` is of its displacement, by the right shapes.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from commedia.characters.open import open_character
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES
from commedia.retarget.mapping import propose_map
from commedia.rigging.assignment import Assignment, assign, products, vertex_areas
from commedia.rigging.blendshapes import make_blendshapes
from commedia.rigging.closure import find_closures
from commedia.rigging.contact import find_openings
from commedia.rigging.landmark_search import find_landmarks
from commedia.rigging.map import Known, solve_blendshapes
from commedia.rigging.sculpt import assembled
from commedia.rigging.template import load_template

# The strangers are made where their tests are.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "rigging"))
from strangers import other_topology


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("characters", nargs="*", type=Path)
    given = parser.parse_args()
    start = time.monotonic()
    _say("stranger", *_stranger(1), start)
    for path in given.characters:
        start = time.monotonic()
        _say(path.stem, *_character(path), start)


def _stranger(seed: int) -> tuple[Assignment, np.ndarray]:
    own = other_topology(seed)
    made = make_blendshapes(own.vertices, own.triangles, own.landmarks, load_template())
    rows = np.unique(np.concatenate([piece.vertices for piece in made.pieces]))
    areas = vertex_areas(own.vertices, own.triangles)[rows]
    everything = np.ones(EXPRESSION_COUNT, dtype=bool)
    found = assign(products(own.blendshapes[:, rows], made.displacements[:, rows], areas), everything, everything)
    return found, np.eye(EXPRESSION_COUNT)


def _character(path: Path) -> tuple[Assignment, np.ndarray]:
    character = open_character(path)
    sculpt = assembled(character)
    made = make_blendshapes(sculpt.vertices, sculpt.triangles, find_landmarks(sculpt), load_template())
    truth = propose_map(character).morph_from_blendshape * character.rig.effective[:, None]
    hidden = Known(np.zeros_like(truth), ("",) * EXPRESSION_COUNT)
    found, _ = solve_blendshapes(sculpt, made, hidden)
    for closure in find_closures(sculpt, find_openings(sculpt.vertices, sculpt.triangles, made), truth):
        print(
            f"  {closure.blendshape}: {closure.open_before:.1%} open where the source is closed, gain {closure.gain:g}"
        )
    return found, truth.T


def _say(name: str, found: Assignment, truth: np.ndarray, start: float) -> None:
    named = truth.any(axis=1)
    used = found.weights > 0
    right = named & (used == (truth > 0)).all(axis=1)
    alone = named & ~used.any(axis=1)
    wrong = [EXPRESSION_NAMES[blendshape] for blendshape in np.flatnonzero(named & ~right & ~alone)]
    left = found.residual[right] if right.any() else np.ones(1)
    print(
        f"{name}: {right.sum()} of {named.sum()} right among {truth.shape[1]} shapes, {alone.sum()} left alone, "
        f"{len(wrong)} wrong ({', '.join(wrong) or 'none'}); left over {left.mean():.0%}, at most {left.max():.0%}; "
        f"{time.monotonic() - start:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
