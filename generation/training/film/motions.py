"""How a clip's object moves, by formulas: place, area, visibility and turn over the frames.

Invariant: no network and no training; what is drawn in one plain colour behind one object is told
from any such clip, whoever made it.
"""

from dataclasses import dataclass

import numpy as np

CONTRAST = 60.0  # of the 441 between black and white: what stands out from the background
SEEN = 0.04  # share of the largest area that counts as being there
BLINKS = 2  # times that it comes or goes, at least
SIZED = 1.7  # how much larger the last frames are than the first, or the other way round
TRAVEL = 0.15  # of the side
TURNED = 0.15  # share of the object's pixels that change within LAG frames
LAG = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What a clip's object does, frame by frame; places are shares of the side, y downwards."""

    areas: np.ndarray  # (frames,) share of the pixels
    places: np.ndarray  # (frames, 2) x and y of the middle, NaN where it is not seen
    seen: np.ndarray  # (frames,) bool
    masks: np.ndarray  # (frames, H, W) bool


def track_of(frames: np.ndarray) -> Track:
    """The object of (frames, H, W, 3) uint8: what differs from the commonest colour."""
    pixels = frames.astype(np.float32)
    ground = np.median(pixels.reshape(-1, 3), axis=0)
    masks = np.linalg.norm(pixels - ground, axis=-1) > CONTRAST
    areas = masks.mean(axis=(1, 2))
    rows, columns = (np.arange(n) for n in masks.shape[1:])
    mass = np.maximum(masks.sum(axis=(1, 2)), 1)
    x = (masks.sum(axis=1) * (columns + 0.5)).sum(axis=1) / mass / masks.shape[2]
    y = (masks.sum(axis=2) * (rows + 0.5)).sum(axis=1) / mass / masks.shape[1]
    seen = areas > max(SEEN * areas.max(), 0.002)
    places = np.where(seen[:, None], np.stack([x, y], axis=1), np.nan)
    return Track(areas=areas, places=places, seen=seen, masks=masks)


def motion_of(frames: np.ndarray) -> str:
    """One of the motions of `scenes.MOTIONS`; "" where no object is seen."""
    track = track_of(frames)
    if track.seen.sum() < 2:
        return ""
    changes = int(np.abs(np.diff(track.seen.astype(int))).sum())
    if changes >= BLINKS:
        return "blink"
    areas, places = track.areas[track.seen], track.places[track.seen]
    third = max(1, len(areas) // 4)
    ratio = areas[-third:].mean() / areas[:third].mean()
    if ratio > SIZED or ratio < 1 / SIZED:
        return "grow" if ratio > 1 else "shrink"
    dx, dy = places[-third:].mean(axis=0) - places[:third].mean(axis=0)
    if max(abs(dx), abs(dy)) > TRAVEL:
        if abs(dx) > abs(dy):
            return "right" if dx > 0 else "left"
        return "down" if dy > 0 else "up"
    return "spin" if _turning(track) > TURNED else "still"


def _turning(track: Track) -> float:
    """Share of the object's pixels that change within LAG frames."""
    masks = track.masks[track.seen]
    if len(masks) <= LAG:
        return 0.0
    changed = (masks[LAG:] ^ masks[:-LAG]).sum(axis=(1, 2))
    either = np.maximum((masks[LAG:] | masks[:-LAG]).sum(axis=(1, 2)), 1)
    return float((changed / either).mean())
