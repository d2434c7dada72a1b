"""Frames of any rhythm at a fixed rational rate, for the formats that know no times, only a rate.

Blendshapes are blended linearly and rotations the shorter way at constant speed. A source that has the rate already
comes through unchanged, frame by frame.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from commedia.geometry.rotations import between_wxyz
from commedia.structures import FaceParams, HeadPose

Key = tuple[Fraction, FaceParams]


def resampled(motion: Iterable[Key], rate: Fraction) -> Iterator[Key]:
    """Give the motion at 0, 1/rate, 2/rate, ... seconds.

    Before its first and after its last moment the motion stands still; the last sample is the one nearest to the
    end, so that a rate rounded by a hair loses no frame. Holds two moments at a time.
    """
    before: Key | None = None
    number = 0
    for moment in motion:
        first = before or moment
        while Fraction(number) / rate <= moment[0]:
            time_s = Fraction(number) / rate
            yield time_s, _at(time_s, first, moment)
            number += 1
        before = moment
    if before is not None and number <= before[0] * rate + Fraction(1, 2):
        yield Fraction(number) / rate, before[1]


def _at(time_s: Fraction, first: Key, second: Key) -> FaceParams:
    if time_s <= first[0] or first[0] == second[0]:
        return first[1]
    share = float((time_s - first[0]) / (second[0] - first[0]))
    if share >= 1:
        return second[1]
    return between_params(first[1], second[1], share)


def between_params(first: FaceParams, second: FaceParams, share: float) -> FaceParams:
    """Blend what two moments of one person say: all of `first` at a share of 0, all of `second` at 1."""
    start, end = first.pose, second.pose
    pose = HeadPose(
        between_wxyz(start.wxyz, end.wxyz, share),
        start.origin_px + share * (end.origin_px - start.origin_px),
        start.px_per_m + share * (end.px_per_m - start.px_per_m),
    )
    return FaceParams(
        first.identity + share * (second.identity - first.identity),
        first.expression + share * (second.expression - first.expression),
        pose,
    )
