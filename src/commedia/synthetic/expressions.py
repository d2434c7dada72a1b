"""Expressions that people make: correlated acts, talk, blinks, gaze, sparse mixtures, every blendshape's extreme.

Everything drawn obeys three rules: no two blendshapes of `CONTRADICTORY_PAIRS` together, `mouthClose` never above
`jawOpen`, and weights in [0, 1].
"""

import numpy as np
from jaxtyping import Float

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_COUNT, EXPRESSION_INDEX, sideless_name

# A name without its side stands for both sides.
_MOUTH_ACTS: tuple[dict[str, float], ...] = (
    {"mouthSmile": 0.8, "cheekSquint": 0.5, "mouthDimple": 0.3},
    {"mouthSmile": 0.9, "cheekSquint": 0.7, "jawOpen": 0.4, "mouthUpperUp": 0.5, "eyeSquint": 0.4},
    {"mouthSmile": 0.9, "cheekSquint": 0.5, "mouthUpperUp": 0.7, "mouthLowerDown": 0.4},
    {"mouthSmile": 0.6, "mouthPress": 0.5, "mouthDimple": 0.5},
    {"mouthFrown": 0.8, "mouthShrugLower": 0.5},
    {"mouthFrown": 0.6, "mouthPucker": 0.4, "mouthShrugLower": 0.7},
    {"jawOpen": 0.9, "mouthFunnel": 0.4},
    {"jawOpen": 0.8, "mouthStretch": 0.6, "mouthLowerDown": 0.5},
    {"jawOpen": 1.0, "mouthUpperUp": 0.5, "mouthLowerDown": 0.6},
    {"noseSneer": 0.8, "mouthUpperUp": 0.7, "mouthShrugUpper": 0.4},
    {"mouthStretch": 0.9, "mouthLowerDown": 0.6},
    {"mouthPress": 0.8, "mouthRollLower": 0.4, "mouthRollUpper": 0.3},
    {"mouthRollLower": 0.9, "mouthRollUpper": 0.9, "jawOpen": 0.1},
    {"mouthPucker": 1.0, "mouthFunnel": 0.2},
    {"mouthPucker": 0.6, "jawOpen": 0.6, "mouthClose": 0.5},
    {"jawOpen": 0.7, "mouthClose": 0.65},
    {"mouthSmile": 1.0, "mouthUpperUp": 0.6, "mouthLowerDown": 0.7, "cheekSquint": 0.6, "mouthDimple": 0.2},
    {"mouthSmile": 0.9, "mouthStretch": 0.4, "mouthUpperUp": 0.3, "mouthLowerDown": 0.6},
    {"mouthSmile": 0.8, "mouthUpperUp": 0.8, "mouthLowerDown": 0.5, "cheekSquint": 0.7, "eyeSquint": 0.3},
    {"mouthSmile": 0.8},
    {"mouthSmile": 0.6, "cheekSquint": 0.3},
    {"mouthPucker": 0.9},
    {"mouthPucker": 0.7, "mouthFunnel": 0.5, "jawOpen": 0.25},
    {"cheekPuff": 1.0},
    {"cheekPuff": 1.0, "mouthPress": 0.4},
    {"cheekPuff": 0.8, "mouthPucker": 0.6},
    {"mouthShrugLower": 0.8, "mouthShrugUpper": 0.7},
    {"jawForward": 0.9, "mouthLowerDown": 0.3},
    {"jawForward": 0.7, "mouthShrugLower": 0.6},
    {"tongueOut": 0.9, "jawOpen": 0.5},
    {"tongueOut": 1.0, "jawOpen": 0.9, "mouthStretch": 0.3},
    {"jawLeft": 0.9, "mouthLeft": 0.4},
    {"jawRight": 0.9, "mouthRight": 0.4},
    {"mouthLeft": 0.9},
    {"mouthRight": 0.9},
    {"mouthDimple": 0.9, "mouthPress": 0.3},
    {"mouthUpperUp": 0.9, "mouthLowerDown": 0.8, "jawOpen": 0.2},
)
_SPEECH: tuple[dict[str, float], ...] = (
    {"jawOpen": 0.6, "mouthLowerDown": 0.3},
    {"jawOpen": 0.3, "mouthStretch": 0.4, "mouthSmile": 0.2},
    {"mouthPucker": 0.8, "mouthFunnel": 0.4, "jawOpen": 0.1},
    {"mouthFunnel": 0.8, "jawOpen": 0.4},
    {"jawOpen": 0.3, "mouthClose": 0.3, "mouthPress": 0.4},
    {"mouthRollLower": 0.6, "mouthUpperUp": 0.4, "jawOpen": 0.1},
    {"mouthFunnel": 0.6, "mouthPucker": 0.5, "mouthShrugUpper": 0.4},
    {"tongueOut": 0.3, "jawOpen": 0.3},
    {"mouthShrugUpper": 0.5, "mouthLowerDown": 0.5, "jawOpen": 0.2},
)
_BROW_ACTS: tuple[dict[str, float], ...] = (
    {"browInnerUp": 0.9, "browOuterUp": 0.8},
    {"browInnerUp": 0.9},
    {"browOuterUp": 0.9},
    {"browOuterUpLeft": 0.9, "browDownRight": 0.5},
    {"browOuterUpRight": 0.9, "browDownLeft": 0.5},
    {"browInnerUp": 0.9, "browDown": 0.35},
    {"browInnerUp": 0.7, "mouthFrown": 0.4},
    {"browDown": 0.9},
    {"browDown": 0.8, "eyeSquint": 0.6, "noseSneer": 0.4},
    {"browDown": 0.7, "noseSneer": 0.9, "cheekSquint": 0.5},
)
_EYE_ACTS: tuple[dict[str, float], ...] = (
    {"eyeWide": 0.9},
    {"eyeSquint": 0.8},
    {"eyeSquint": 0.6, "cheekSquint": 0.8},
    {"eyeBlink": 1.0},
    {"eyeBlink": 1.0},
    {"eyeBlink": 1.0},
    {"eyeBlink": 0.75},
    {"eyeBlink": 0.5},
    {"eyeBlink": 0.9, "eyeSquint": 0.6},
    {"eyeBlink": 1.0, "eyeSquint": 0.7, "cheekSquint": 0.4},
    {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.5},
    {"eyeBlinkRight": 1.0, "cheekSquintRight": 0.5},
)
_BLENDSHAPES = tuple(dict.fromkeys(sideless_name(name) for name in EXPRESSION_INDEX))
"""`mouthSmile` for both sides, `jawOpen`; also `jaw` and `mouth`, which stand for the pairs jawLeft/jawRight etc."""
_EXCLUSIVE_SIDES = ("jaw", "mouth")
_PLENTIFUL = "eyeLookDown eyeLookIn eyeLookOut eyeLookUp eyeBlink jawOpen browOuterUp browInnerUp".split()
_ODDS = {"jaw": 3.2, "mouth": 3.6, "mouthFrown": 2.0, "mouthSmile": 1.6, "mouthStretch": 1.7, "mouthDimple": 1.6}
# Blendshapes that the acts and the gaze bring seldom are drawn more often among the extremes.
_BLENDSHAPE_ODDS = np.array([0.35 if name in _PLENTIFUL else _ODDS.get(name, 1.15) for name in _BLENDSHAPES])
_BLENDSHAPE_ODDS /= _BLENDSHAPE_ODDS.sum()
_PAIRS = np.array([[EXPRESSION_INDEX[a], EXPRESSION_INDEX[b]] for a, b in CONTRADICTORY_PAIRS])


def sample_expressions(rng: np.random.Generator, count: int) -> Float[np.ndarray, "count 52"]:
    """Draw expressions; each blendshape is above one half in at least some 6 % of many."""
    return np.stack([_one(rng) for _ in range(count)]).astype(np.float32)


def obey_rules(rng: np.random.Generator, expression: Float[np.ndarray, "52"]) -> Float[np.ndarray, "52"]:
    """Of each contradictory pair keep one, the stronger more often; close the mouth no further than the jaw is open."""
    kept = np.clip(expression, 0, 1)
    for first, second in _PAIRS[rng.permutation(len(_PAIRS))]:
        total = kept[first] + kept[second]
        if kept[first] > 0 and kept[second] > 0:
            share = float(kept[first] / total)
            loser = second if rng.uniform() < share**2 / (share**2 + (1 - share) ** 2) else first
            kept[loser] = 0
    close, jaw = EXPRESSION_INDEX["mouthClose"], EXPRESSION_INDEX["jawOpen"]
    kept[close] = min(kept[close], kept[jaw])
    return kept


def _one(rng: np.random.Generator) -> np.ndarray:
    expression = np.zeros(EXPRESSION_COUNT)
    kind = rng.uniform()
    if kind < 0.04:
        return expression
    if kind < 0.13:
        return obey_rules(rng, _resting(rng, expression))
    if kind < 0.53:
        _act(rng, expression, _MOUTH_ACTS if rng.uniform() < 0.65 else _SPEECH)
        if rng.uniform() < 0.6:
            _act(rng, expression, _BROW_ACTS)
        if rng.uniform() < 0.6:
            _act(rng, expression, _EYE_ACTS)
    else:
        _extremes(rng, expression, count=int(rng.integers(1, 11)))
    _faint(rng, expression)
    if rng.uniform() < 0.75:
        expression = _gaze(rng, expression, reach=1.0)
    return obey_rules(rng, expression)


def _resting(rng: np.random.Generator, expression: np.ndarray) -> np.ndarray:
    """Look somewhere and hardly move: a trace of one act, or of nothing."""
    if rng.uniform() < 0.6:
        acts = (_MOUTH_ACTS, _SPEECH, _BROW_ACTS)[rng.integers(3)]
        for name, weight in acts[rng.integers(len(acts))].items():
            for index, _ in _sides_of(name):
                expression[index] = weight * rng.uniform(0.02, 0.15)
    return _gaze(rng, expression, reach=0.3)


def _act(rng: np.random.Generator, expression: np.ndarray, acts: tuple[dict[str, float], ...]) -> None:
    """Add one act, stronger or weaker as a whole, each blendshape a little off, the sides often unequal."""
    strength = rng.uniform(0.35, 1.25)
    sides = _side_weights(rng)
    for name, weight in acts[rng.integers(len(acts))].items():
        for index, side in _sides_of(name):
            value = weight * strength * rng.uniform(0.7, 1.2) * (sides[side] if side >= 0 else 1.0)
            expression[index] = max(expression[index], value)


def _extremes(rng: np.random.Generator, expression: np.ndarray, count: int) -> None:
    """Put random blendshapes high, whether or not anyone would do that: the network must not know acts only."""
    for name in rng.choice(_BLENDSHAPES, count, replace=False, p=_BLENDSHAPE_ODDS):
        top = rng.uniform(0.75, 1.0) if rng.uniform() < 0.65 else rng.uniform(0.1, 0.8)
        chosen = _sides_of(str(name))
        if name in _EXCLUSIVE_SIDES:
            chosen = [chosen[rng.integers(2)]]
        sides = _side_weights(rng)
        for index, side in chosen:
            expression[index] = top * rng.uniform(0.9, 1.1) * (sides[side] if side >= 0 else 1.0)
        if name == "mouthClose":
            _raise(expression, "jawOpen", float(expression[EXPRESSION_INDEX["mouthClose"]]) * rng.uniform(1.0, 1.4))
        if name == "tongueOut":
            _raise(expression, "jawOpen", rng.uniform(0.15, 0.8))


def _faint(rng: np.random.Generator, expression: np.ndarray) -> None:
    """Let some idle blendshapes be slightly on, as they are on real faces."""
    idle = (expression == 0) & (rng.uniform(size=EXPRESSION_COUNT) < 0.12)
    expression[idle] = rng.uniform(0, 0.25, int(idle.sum()))


def _gaze(rng: np.random.Generator, expression: np.ndarray, reach: float) -> np.ndarray:
    """Turn both eyes together in any direction; the lids follow, as lids do."""
    across, up = rng.uniform(-1, 1, 2) * reach * (1.0 if rng.uniform() < 0.55 else 0.3)
    cross = rng.uniform(0, 0.5) if rng.uniform() < 0.05 else 0.0
    for side, inward in (("Left", -across), ("Right", across)):
        turn = np.clip(inward + cross + rng.normal() * 0.04, -1, 1)
        for name in ("In", "Out", "Up", "Down"):
            expression[EXPRESSION_INDEX[f"eyeLook{name}{side}"]] = 0
        expression[EXPRESSION_INDEX[f"eyeLook{'In' if turn > 0 else 'Out'}{side}"]] = abs(turn)
        expression[EXPRESSION_INDEX[f"eyeLook{'Up' if up > 0 else 'Down'}{side}"]] = min(abs(up), 1)
    follow = rng.uniform(0, 0.4) * abs(up)
    for side in ("Left", "Right"):
        _raise(expression, f"eye{'Wide' if up > 0 else 'Blink'}{side}", follow)
    return expression


def _side_weights(rng: np.random.Generator) -> tuple[float, float]:
    draw, weak = rng.uniform(), rng.uniform(0, 0.7)
    if draw < 0.15:
        return 1.0, weak
    return (weak, 1.0) if draw < 0.30 else (1.0, 1.0)


def _sides_of(name: str) -> list[tuple[int, int]]:
    """Indices of a blendshape with the side each is on: 0 left, 1 right, -1 both."""
    if name in EXPRESSION_INDEX:
        return [(EXPRESSION_INDEX[name], -1)]
    return [(EXPRESSION_INDEX[name + side], number) for number, side in enumerate(("Left", "Right"))]


def _raise(expression: np.ndarray, name: str, value: float) -> None:
    index = EXPRESSION_INDEX[name]
    expression[index] = max(expression[index], value)
