"""The sounds that the model learns, each a formula: a kind, a pitch, a length, a loudness.

Invariant: a sound is a function of what was asked, its seconds and a die; nothing was recorded.

Every pitch is a multiple of `GRAIN` hertz, and changes only where a hop of `HOP` samples begins: a
hop holds whole waves then, so all hops of a pitch are alike, and so are the latents of a tone all
along.  (With free pitches each latent of a tone is another, by where its wave happens to stand; a
network of this size learnt no tone in a thousand steps of that, and hears none of the difference.)
"""

from collections.abc import Callable
from random import Random

import numpy as np
import numpy.typing as npt

from .wishes import SoundWish

RATE = 8_000
MAX_SECONDS = 2.0
MIN_SECONDS = 0.8
HOP = 128
GRAIN = RATE / HOP  # 62.5 Hz
TAIL_S = 0.1  # of silence behind a long sound
SHORT = 16  # hops of a short sound: 256 ms
PEAKS = {"soft": 0.22, "loud": 0.7}

Wave = npt.NDArray[np.float64]


def _time(hops: int) -> Wave:
    return np.arange(hops * HOP) / RATE


def _tone(grains: Wave) -> Wave:
    """A sine of so many grains of pitch in each hop; a hop begins where its wave does."""
    whole = np.maximum(1, np.round(grains))
    place = np.tile(np.arange(HOP) / HOP, len(whole))
    wave: Wave = np.sin(2 * np.pi * np.repeat(whole, HOP) * place)
    return wave


def _steady(time: Wave, grains: float) -> Wave:
    return _tone(np.full(len(time) // HOP, float(grains)))


def _faded(wave: Wave, seconds: float = 0.01) -> Wave:
    count = min(round(seconds * RATE), len(wave) // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, count)) ** 2
    faded = wave.copy()
    faded[:count] *= ramp
    faded[len(faded) - count :] *= ramp[::-1]
    return faded


def _beep(time: Wave, high: bool, _dice: Random) -> Wave:
    return _faded(_steady(time, 20 if high else 7))


def _sweep(time: Wave, first: float, last: float) -> Wave:
    way = np.linspace(0, 1, len(time) // HOP)
    return _faded(_tone(first * (last / first) ** way))


def _rise(time: Wave, high: bool, _dice: Random) -> Wave:
    first = 12 if high else 4
    return _sweep(time, first, 2.5 * first)


def _fall(time: Wave, high: bool, _dice: Random) -> Wave:
    last = 12 if high else 4
    return _sweep(time, 2.5 * last, last)


def _hum(time: Wave, high: bool, _dice: Random) -> Wave:
    pitch = 4 if high else 2
    parts = [_steady(time, k * pitch) / k for k in range(1, 7)]
    return _faded(sum(parts, np.zeros_like(time)), 0.03)


def _siren(time: Wave, high: bool, _dice: Random) -> Wave:
    middle = 20 if high else 8
    hops = np.arange(len(time) // HOP)
    return _faded(_tone(middle * (1 + 0.35 * np.sin(2 * np.pi * hops / 16))))


def _noise(time: Wave, high: bool, dice: Random) -> Wave:
    grains = np.random.default_rng(dice.getrandbits(64)).standard_normal(len(time))
    spectrum = np.fft.rfft(grains)
    heard = np.fft.rfftfreq(len(time), 1 / RATE)
    low, top = (1600.0, 3400.0) if high else (80.0, 600.0)
    spectrum[(heard < low) | (heard > top)] = 0
    wave = np.fft.irfft(spectrum, len(time))
    return _faded(np.clip(wave / (2.2 * wave.std()), -1, 1))


def _struck(time: Wave, every: int, one: Callable[[Wave], Wave]) -> Wave:
    """One stroke, or one every so many hops for as long as the sound lasts."""
    wave = np.zeros_like(time)
    step = every * HOP
    last = 1 if len(time) <= SHORT * HOP else len(time)
    for start in range(0, last, step):
        if len(time) - start >= step // 2 or start == 0:
            wave[start:] += one(time[: len(time) - start])
    return wave


def _click(time: Wave, high: bool, _dice: Random) -> Wave:
    pitch, fall_s = (35 * GRAIN, 0.002) if high else (7 * GRAIN, 0.005)
    return _struck(time, 10, lambda t: np.sin(2 * np.pi * pitch * t) * np.exp(-t / fall_s))


def _drum(time: Wave, high: bool, dice: Random) -> Wave:
    # Grains of pitch hop by hop: a skin gives way when it is struck.
    skins = (7, 5, 4) if high else (3, 2, 1)
    fall_s = 0.06 if high else 0.08
    grains = np.random.default_rng(dice.getrandbits(64)).standard_normal(len(time))

    def stroke(t: Wave) -> Wave:
        pitches = np.minimum(np.arange(len(t) // HOP), len(skins) - 1)
        skin = _tone(np.array(skins, dtype=np.float64)[pitches]) * np.exp(-t / fall_s)
        stick = 0.25 * grains[: len(t)] * np.exp(-t / 0.006)
        return np.asarray(skin + stick)

    return _struck(time, 16, stroke)


def _bell(time: Wave, high: bool, _dice: Random) -> Wave:
    partials = (17, 45, 55) if high else (7, 19, 24)
    fall_s = time[-1] / 3
    wave = np.zeros_like(time)
    for grains, loud, rest in zip(partials, (1.0, 0.6, 0.35), (1.0, 0.7, 0.5), strict=True):
        wave += loud * _steady(time, grains) * np.exp(-time / (fall_s * rest))
    wave[:16] *= np.linspace(0, 1, 16)
    return wave


MAKERS: dict[str, Callable[[Wave, bool, Random], Wave]] = {
    "beep": _beep,
    "rise": _rise,
    "fall": _fall,
    "click": _click,
    "noise": _noise,
    "hum": _hum,
    "siren": _siren,
    "drum": _drum,
    "bell": _bell,
}


def sound(asked: SoundWish, seconds: float, dice: Random) -> npt.NDArray[np.float32]:
    """MAX_SECONDS of samples in -1..1: the sound, then silence."""
    lasts = int((seconds - TAIL_S) * GRAIN) - 1 if asked.length == "long" else SHORT
    wave = MAKERS[asked.kind](_time(lasts), asked.pitch == "high", dice)
    peak = PEAKS[asked.loudness] * dice.uniform(0.9, 1.1)
    held = np.zeros(round(MAX_SECONDS * RATE), dtype=np.float32)
    held[HOP : HOP + len(wave)] = peak * wave / np.abs(wave).max()
    return held
