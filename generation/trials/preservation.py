"""What an edit left as it was: size, place, colour, and each pixel that a mask spares.

    python -m generation.trials.preservation before.png after.png [--mask mask.png]     one line
    of JSON on stdout

No judge is asked.  Place is phase correlation of where edges are, in overlapping windows, so that
what was changed on purpose is outvoted; of the windows' ways a shift and a zoom are made.  The
invariant: a picture compared with itself is preserved, and one that was shifted, zoomed or tinted
is not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from generation.media.colour import Numbers, apart

MOVED = 1.0  # pixels; from there on people see it
DRIFTED = 2.0  # delta E (CIE76); about what a person notices side by side

FINE = 32  # parts of a pixel that a peak is looked for in
CALM = 0.02  # edges of a window, as a share of the richest one's: with less it has no say
RESPONSE = 0.05  # of a peak in a window, where 1 is a copy: with less it is a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Preservation:
    """How much of a picture was left in its place and colour."""

    same_size: bool
    shift: float  # pixels that the middle moved
    zoom: float  # pixels that the corner which moved most was zoomed by
    drift: float  # median delta E (CIE76) outside the change
    outside: int | None  # pixels that differ outside the mask; None: there was no mask

    @property
    def faults(self) -> tuple[str, ...]:
        """What a person would complain of; empty: nothing."""
        found = (
            ("another size", not self.same_size),
            (f"moved by {self.shift:.2f} pixels", self.shift >= MOVED),
            (f"zoomed by {self.zoom:.2f} pixels at a corner", self.zoom >= MOVED),
            (f"colours drifted by {self.drift:.2f}", self.drift >= DRIFTED),
            (f"{self.outside} pixels differ outside the mask", bool(self.outside)),
        )
        return tuple(said for said, holds in found if holds)


def preservation(
    before: Image.Image, after: Image.Image, *, mask: Image.Image | None = None
) -> Preservation:
    """Compare a picture with its edit; `mask` is white where a change was asked for.

    Colour is compared outside the mask, and without one over the whole picture: there the change
    has to be of less than half of it.
    """
    same_size = before.size == after.size
    if not same_size:
        after = after.resize(before.size, Image.Resampling.LANCZOS)
    spared = np.ones(before.size[::-1], dtype=bool) if mask is None else _spared(mask, before)
    shift, zoom = _moved(_edges(before) * spared, _edges(after) * spared)
    return Preservation(
        same_size=same_size,
        shift=shift,
        zoom=zoom,
        drift=_drift(before, after, spared),
        outside=None if mask is None else _differing(before, after, spared),
    )


def _spared(mask: Image.Image, like: Image.Image) -> Any:
    return np.asarray(mask.convert("L").resize(like.size, Image.Resampling.NEAREST)) == 0


def _differing(before: Image.Image, after: Image.Image, spared: Any) -> int:
    one, two = (np.asarray(picture.convert("RGB")) for picture in (before, after))
    return int(np.count_nonzero((one != two).any(axis=-1) & spared))


# -- colour ----------------------------------------------------------------------------------------


def _drift(before: Image.Image, after: Image.Image, spared: Any) -> float:
    found = apart(before, after)[spared]
    return float(np.median(found)) if found.size else 0.0


# -- place -----------------------------------------------------------------------------------------


def _edges(picture: Image.Image) -> Numbers:
    """Where edges are, whichever side of them is the lighter one."""
    light = np.asarray(picture.convert("L"), dtype=np.float64)
    down, across = np.gradient(light)
    found: Numbers = np.hypot(down, across)
    return found


def _moved(before: Numbers, after: Numbers) -> tuple[float, float]:
    """Pixels that the middle was shifted and that a corner was zoomed by."""
    places, ways, says = [], [], []
    for top, left, high, wide in _windows(before.shape):
        one, two = (edges[top : top + high, left : left + wide] for edges in (before, after))
        way, response = _correlated(one, two)
        places.append((top + (high - before.shape[0]) / 2, left + (wide - before.shape[1]) / 2))
        ways.append(way)
        says.append((float(np.square(one).sum()), response))
    rich = max(edges for edges, _ in says)
    weights = np.array(
        [r * (edges > CALM * rich and r > RESPONSE) for edges, r in says], dtype=np.float64
    )
    if not weights.any():
        return 0.0, 0.0
    shift, zoom = _fitted(np.array(places), np.array(ways), weights)
    return float(np.hypot(*shift)), abs(zoom) * float(np.hypot(*before.shape)) / 2


def _windows(shape: tuple[int, ...]) -> Iterator[tuple[int, int, int, int]]:
    """(top, left, height, width): nine that overlap by half."""
    high, wide = shape[0] // 2, shape[1] // 2
    for down in range(3):
        for across in range(3):
            yield down * (shape[0] - high) // 2, across * (shape[1] - wide) // 2, high, wide


def _correlated(one: Numbers, two: Numbers) -> tuple[tuple[float, float], float]:
    """How far the second lies from the first, down and to the right, and how sure that is."""
    taper = np.outer(np.hanning(one.shape[0] + 2)[1:-1], np.hanning(one.shape[1] + 2)[1:-1])
    first, second = (np.fft.fft2((each - each.mean()) * taper) for each in (one, two))
    cross = second * np.conj(first)
    size = np.abs(cross)
    if not size.any():
        return (0.0, 0.0), 0.0
    down, across = (np.fft.fftfreq(n) for n in one.shape)
    # Fine detail is noise: the last octave has little say.
    soft = np.exp(-((down[:, None] ** 2 + across[None, :] ** 2) / (2 * 0.15**2)))
    phase = cross / (size + 1e-3 * size.max()) * soft
    coarse = np.fft.ifft2(phase).real
    peak = np.unravel_index(int(coarse.argmax()), coarse.shape)
    at = [int(p) - n if p > n // 2 else int(p) for p, n in zip(peak, one.shape, strict=True)]
    near = np.arange(-1.0, 1.0 + 1 / FINE, 1 / FINE)
    rows = np.exp(2j * np.pi * np.outer(near + at[0], down))
    columns = np.exp(2j * np.pi * np.outer(across, near + at[1]))
    fine = (rows @ phase @ columns).real
    best = np.unravel_index(int(fine.argmax()), fine.shape)
    way = at[0] + float(near[best[0]]), at[1] + float(near[best[1]])
    return way, float(fine.max() / soft.sum())


def _fitted(places: Numbers, ways: Numbers, weights: Numbers) -> tuple[Numbers, float]:
    """The shift and the zoom that most windows agree with: least absolute distances."""
    ones, none = np.ones(len(places)), np.zeros(len(places))
    system = np.concatenate(
        [
            np.stack([ones, none, places[:, 0]], axis=1),
            np.stack([none, ones, places[:, 1]], axis=1),
        ]
    )
    target = np.concatenate([ways[:, 0], ways[:, 1]])
    said = np.concatenate([weights, weights])
    found = np.zeros(3)
    for _ in range(30):
        off = np.abs(system @ found - target)
        root = np.sqrt(said / np.maximum(off, 0.05))
        found, *_ = np.linalg.lstsq(system * root[:, None], target * root, rcond=None)
    return found[:2], float(found[2])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how much of one picture the other has left."""
    parser = argparse.ArgumentParser(description="Says what an edit left as it was.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--mask", type=Path, help="white where a change was asked for")
    asked = parser.parse_args(arguments)
    with Image.open(asked.before) as before, Image.open(asked.after) as after:
        mask = None if asked.mask is None else Image.open(asked.mask)
        found = preservation(before, after, mask=mask)
    print(json.dumps({**asdict(found), "faults": found.faults}))


if __name__ == "__main__":
    main()
