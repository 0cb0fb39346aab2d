"""Sounds that people send, written by soundfile."""

from __future__ import annotations

import io

import numpy as np
import soundfile


def a_tone(rate: int, seconds: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    """(frames,) of -1 to 1."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


def a_file(samples: np.ndarray, rate: int, kind: str = "WAV", subtype: str | None = None) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    return out.getvalue()
