"""What a sound is, told by formulas: no network has a say in whether the model did as asked.

    loudness   the loudest hundredth of a second's worth of level
    length     from the first to the last moment that is at least a fifth as loud
    pitch      where the middle of the spectrum's power lies, against what the kind calls high
    kind       how level, spectrum and the strongest frequency go through time

Invariant: pure numpy, and no number here was fitted to what the model makes.
"""

from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt

from .formulas import MAX_SECONDS, MIN_SECONDS, RATE, sound
from .wishes import ATTRIBUTES, SoundWish, combinations, target

Array = npt.NDArray[np.float64]
FRAME, STEP = 256, 64
LOUD_LEVEL = 0.4
LONG_S = 0.3
# The middle of the spectrum in Hz from which a kind is high.
HIGH_FROM = {
    "beep": 700.0,
    "rise": 620.0,
    "fall": 620.0,
    "click": 950.0,
    "noise": 900.0,
    "hum": 150.0,
    "siren": 760.0,
    "drum": 185.0,
    "bell": 720.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundMeasures:
    """The numbers that the judge goes by."""

    level: Array  # of every STEP
    first: int  # the first and the last step that sound
    last: int
    peaks: Array  # the strongest frequency of every sounding step, Hz
    clear: Array  # how much of the step's power is about that frequency
    middle: float  # Hz under which half of the power lies
    humps: int  # how often the level rises from nearly nothing


def _frames(wave: Array) -> Array:
    padded = np.pad(wave, (FRAME // 2, FRAME))
    return np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::STEP][: len(wave) // STEP]


def level_of(wave: Array) -> Array:
    """The peak of every STEP, smoothed over three."""
    count = len(wave) // STEP
    peaks = np.abs(wave[: count * STEP]).reshape(count, STEP).max(axis=1)
    return np.asarray(np.maximum(np.maximum(peaks, np.roll(peaks, 1)), np.roll(peaks, -1)))


def heard(wave: npt.NDArray[np.floating]) -> SoundMeasures:
    """Measures one channel of samples in -1..1."""
    sound = np.asarray(wave, dtype=np.float64)
    level = level_of(sound)
    above = np.flatnonzero(level > max(0.2 * level.max(), 1e-4))
    first, last = (int(above[0]), int(above[-1])) if len(above) else (0, 0)
    frames = _frames(sound)[first : last + 1] * np.hanning(FRAME)
    power = np.abs(np.fft.rfft(frames, 2 * FRAME, axis=1)) ** 2 + 1e-12
    hertz = np.fft.rfftfreq(2 * FRAME, 1 / RATE)
    strongest = power[:, 3:].argmax(axis=1) + 3
    near = np.stack([power[np.arange(len(power)), np.clip(strongest + k, 0, FRAME)]
                     for k in range(-5, 6)]).sum(axis=0)  # fmt: skip
    total = power.mean(axis=0)
    share = np.cumsum(total) / total.sum()
    quiet = level < 0.3 * level.max()
    humps = int(np.count_nonzero(quiet[:-1] & ~quiet[1:]))
    return SoundMeasures(
        level=level,
        first=first,
        last=last,
        peaks=hertz[strongest],
        clear=near / power.sum(axis=1),
        middle=float(hertz[int(np.searchsorted(share, 0.5))]),
        humps=humps,
    )


def _slope(told: SoundMeasures) -> tuple[float, float]:
    """By how many octaves the strongest frequency goes up, and how far from a line it is."""
    weights = told.level[told.first : told.last + 1][: len(told.peaks)]
    octaves = np.log2(np.maximum(told.peaks[: len(weights)], 20.0))
    time = np.linspace(0, 1, len(octaves))
    middle = np.average(time, weights=weights)
    slope = np.average((time - middle) * octaves, weights=weights) / np.average(
        (time - middle) ** 2, weights=weights
    )
    rest = octaves - np.average(octaves, weights=weights) - slope * (time - middle)
    return float(slope), float(np.sqrt(np.average(rest**2, weights=weights)))


def kind_of(told: SoundMeasures) -> str:
    """Struck sounds fall off or come in strokes; others are told by their strongest frequency."""
    level = told.level[told.first : told.last + 1]
    lasts_s = len(level) * STEP / RATE
    uneven = float(level.std() / level.mean()) if level.mean() else 0.0
    slope, off_line = _slope(told)
    clear = float(np.median(told.clear))
    if lasts_s < 0.08 or uneven > 1.2:
        return "click"
    if uneven > 0.4:
        return "drum" if told.humps > 1 or slope < -0.6 else "bell"
    if off_line > 0.15:
        return "siren" if clear > 0.6 else "noise"
    if abs(slope) > 0.6:
        return "rise" if slope > 0 else "fall"
    return "beep" if clear > 0.83 else "hum"


def judged(wave: npt.NDArray[np.floating], pitch_of: str | None = None) -> SoundWish:
    """What the sound is; `pitch_of` names the kind whose high and low are meant."""
    told = heard(wave)
    kind = kind_of(told)
    high = told.middle > HIGH_FROM[pitch_of or kind]
    lasts_s = (told.last - told.first + 1) * STEP / RATE
    return SoundWish(
        kind=kind,
        pitch="high" if high else "low",
        length="long" if lasts_s > LONG_S else "short",
        loudness="loud" if told.level.max() > LOUD_LEVEL else "soft",
    )


def rights(wave: npt.NDArray[np.floating], asked: SoundWish) -> list[bool]:
    """Whether each attribute is as asked, in the order of ATTRIBUTES."""
    found = target(judged(wave, asked.kind))
    return [a == b for a, b in zip(found, target(asked), strict=True)]


def right_on_renders(count: int, seed: int) -> list[float]:
    """Share of fresh renders of every combination that are told rightly."""
    dice = Random(seed)
    told = []
    for _ in range(count):
        asked = dice.choice(combinations())
        told.append(rights(sound(asked, dice.uniform(MIN_SECONDS, MAX_SECONDS), dice), asked))
    return [float(np.mean([row[i] for row in told])) for i in range(len(ATTRIBUTES))]
