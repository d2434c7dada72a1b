"""Lids slide over eyeballs, and a tongue that has grown into a row of teeth goes with the teeth."""

import numpy as np

from commedia.geometry.closest import ClosestPoints
from commedia.rigging.lids import keep_off_eyeball
from commedia.rigging.pieces import Anatomy, Kind, _mouth_pieces

RADIUS = 0.012


def ball(count: int = 400) -> np.ndarray:
    """Points spread evenly over a sphere."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    ring = np.sqrt(1 - height**2)
    return RADIUS * np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], axis=1)


def test_a_lid_that_would_cut_through_the_eyeball_lies_on_it() -> None:
    eye = ball()
    lid = np.array([[x, 0.008, 0.0105] for x in np.linspace(-0.004, 0.004, 9)])
    inside = np.array([[0.0, 0.002, 0.002]])
    target = np.concatenate([eye, lid, inside, lid + np.array([0, 0.05, 0])])
    moved = np.zeros((2, len(target), 3))
    moved[0, len(eye) :] = [0, -0.012, -0.003]
    before = moved.copy()
    keep_off_eyeball(moved, target, np.arange(len(eye), len(target)), np.arange(len(eye)))
    rows = slice(len(eye), len(eye) + len(lid))
    straight = np.linalg.norm(target[rows] + before[0, rows], axis=1)
    taken = np.linalg.norm(target[rows] + moved[0, rows], axis=1)
    assert (straight < 0.95 * RADIUS).any()
    assert (taken > RADIUS).all()
    assert (taken < 1.06 * RADIUS).all()
    np.testing.assert_array_equal(moved[0, len(eye) + len(lid) :], before[0, len(eye) + len(lid) :])
    np.testing.assert_array_equal(moved[1], 0)


def block(low: tuple[float, ...], high: tuple[float, ...]) -> np.ndarray:
    axes = [np.linspace(a, b, 9) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 3)


def test_a_tongue_grown_into_the_lower_teeth_is_a_row_of_teeth() -> None:
    def arch(y: float) -> np.ndarray:
        angle = np.linspace(-1.3, 1.3, 200)
        return np.stack([0.025 * np.sin(angle), np.full(200, y), 0.03 * np.cos(angle)], axis=1)

    upper, lower, tongue = arch(0.0), arch(-0.012), block((-0.018, -0.015, -0.01), (0.018, -0.009, 0.025))
    anatomy = Anatomy(
        ClosestPoints(np.eye(3), np.array([[0, 1, 2]]), 0.5), np.zeros((2, 3)), (np.zeros(3), np.zeros(3)), -0.005
    )

    def told(*pieces: np.ndarray) -> list[tuple[Kind, int]]:
        ends = np.cumsum([len(piece) for piece in pieces])
        groups = np.split(np.arange(ends[-1]), ends[:-1])
        found = _mouth_pieces(np.concatenate(pieces), list(groups), anatomy)
        first = {int(piece.vertices[0]): (piece.kind, piece.part) for piece in found}
        return [first[int(group[0])] for group in groups]

    assert told(upper, lower, tongue) == [(Kind.TEETH, 0), (Kind.TEETH, 1), (Kind.TONGUE, 0)]
    assert told(upper, np.concatenate([lower, tongue])) == [(Kind.TEETH, 0), (Kind.TEETH, 1)]
    # A row with its gum is filled too, and wider than the tongue that lies in it.
    gum = block((-0.024, -0.016, -0.01), (0.024, -0.014, 0.025))
    assert told(upper, np.concatenate([lower, gum]), tongue) == [(Kind.TEETH, 0), (Kind.TEETH, 1), (Kind.TONGUE, 0)]
