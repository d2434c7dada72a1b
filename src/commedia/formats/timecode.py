"""Frame rates, and the labels HH:MM:SS:FF that count frames at one of them."""

from fractions import Fraction

from commedia.errors import CommediaError

DAY_S = 24 * 3600
PLAUSIBLE_RATES = (Fraction(1, 10), Fraction(1000))
USUAL_RATES = tuple(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 100, 120)) + tuple(
    Fraction(1000 * rate, 1001) for rate in (24, 30, 48, 60, 120)
)
"""Those that cameras and editors know."""


def usual_rate(rate: Fraction) -> Fraction | None:
    """The usual rate within 1 in 5000 of a measured one; None where there is none."""
    return next((usual for usual in USUAL_RATES if abs(usual - rate) * 5000 <= usual), None)


def rate_from_text(text: str) -> Fraction:
    """Read `30`, `29.97` or `30000/1001`; a rate next to a usual one is that."""
    slowest, fastest = PLAUSIBLE_RATES
    try:
        # Checked as a float first: as a Fraction, 1e999999999 would fill the memory.
        parts = [Fraction(part) for part in text.split("/") if 0 <= float(part) < 1e9]
        rate = parts[0] / (parts[1] if len(parts) > 1 else 1) if len(parts) == text.count("/") + 1 <= 2 else None
    except (ValueError, ZeroDivisionError, OverflowError):
        rate = None
    if rate is None or not slowest <= rate <= fastest:
        raise CommediaError(f"--rate {text[:40]} is no frame rate; give one such as 30, 29.97 or 30000/1001")
    return usual_rate(rate) or rate


def timecode(time_s: Fraction, rate: Fraction, start_day_s: Fraction | None = None) -> str:
    """Count frames at an exact rational rate and label them HH:MM:SS:FF.fff without dropping numbers.

    At 30000/1001 the label counts 30 frames to its second, as every non-drop timecode does: it is a frame count in
    another dress, exactly invertible, and no importer has to know which numbers drop-frame leaves out. The price is
    that a label runs 3.6 s per hour behind the clock. `start_day_s` is what the label of time 0 shows, by default
    00:00:00:00; midnight is passed.
    """
    per_second = labels_per_second(rate)
    thousandths = round(time_s * rate * 1000)
    if start_day_s is not None:
        thousandths = (round(start_day_s * per_second * 1000) + thousandths) % (DAY_S * per_second * 1000)
    frames, fraction = divmod(thousandths, 1000)
    seconds, frame = divmod(frames, per_second)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}:{frame:02d}.{fraction:03d}"


def milliframes_from_timecode(label: str, rate: Fraction) -> int:
    """Thousandths of frames since zero; also of labels without a fraction, which some versions of the app write."""
    hour, minute, second, frame = label.replace(";", ":").split(":")
    whole, _, fraction = frame.partition(".")
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)
    return (seconds * labels_per_second(rate) + int(whole)) * 1000 + int((fraction + "000")[:3])


def labels_per_second(rate: Fraction) -> int:
    """Frames that a timecode counts to its second: the rate, rounded up."""
    return max(1, -(-rate.numerator // rate.denominator))
