"""Draws the training clips: a moving scene and a die make thirteen frames of 64x64 pixels.

Invariant: `draw_clip(scene, Random(n))` gives the same frames every time, and a clip of fewer
frames is the beginning of the longer one.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from generation.training.starter.draw import PALETTE, jittered, role_colour
from generation.training.starter.shapes import SHAPES, Outline

from .scenes import MovingScene

SIDE = 64
FRAMES = 13  # 4k + 1: the autoencoder keeps the first frame, then four frames a latent
FPS = 8
ZOOM = 3  # drawn larger, then reduced: smooth edges
LATENT = 4  # frames of a latent one, but the first
SPIN = 0.6 * pi  # radians over the whole clip
HEADS_LEFT = frozenset({"fish"})  # swims ahead, where it goes to the side


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the object is in one frame: shares of the side, a turn in radians, seen or not."""

    x: float
    y: float
    scale: float
    turn: float
    seen: bool


def lit(frame: int) -> bool:
    """Whether what blinks is seen in that frame: it comes and goes from one latent to the next."""
    return -(-frame // LATENT) % 2 == 0


def _poses(motion: str, frames: int, dice: Random) -> list[Pose]:
    """The motion, frame after frame; the whole of it takes FRAMES."""
    scale, tilt = dice.uniform(0.32, 0.40), dice.uniform(-8, 8) * pi / 180
    x, y = (0.5 + dice.uniform(-0.06, 0.06) for _ in range(2))
    reach, small, large = (
        dice.uniform(0.30, 0.40),
        dice.uniform(0.15, 0.19),
        dice.uniform(0.42, 0.50),
    )
    dx, dy = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}.get(motion, (0, 0))
    sizes = {"grow": (small, large), "shrink": (large, small)}.get(motion, (scale, scale))
    poses = []
    for i in range(frames):
        share = i / (FRAMES - 1)
        poses.append(
            Pose(
                x=x + dx * reach * (share - 0.5),
                y=y + dy * reach * (share - 0.5),
                scale=sizes[0] + (sizes[1] - sizes[0]) * share,
                turn=tilt + (SPIN * share if motion == "spin" else 0),
                seen=motion != "blink" or lit(i),
            )
        )
    return poses


def _centred(parts: list[Outline]) -> list[Outline]:
    """The shape with its middle where it turns."""
    total, x, y = 0.0, 0.0, 0.0
    for part in parts:
        ring = [*part.outline, part.outline[0]]
        crosses = [ax * by - bx * ay for (ax, ay), (bx, by) in pairwise(ring)]
        around = 1 if sum(crosses) > 0 else -1
        total += 3 * around * sum(crosses)
        for ((ax, ay), (bx, by)), cross in zip(pairwise(ring), crosses, strict=True):
            x, y = x + around * cross * (ax + bx), y + around * cross * (ay + by)
    return [
        Outline(part.role, [(px - x / total, py - y / total) for px, py in part.outline])
        for part in parts
    ]


def _put(parts: list[Outline], pose: Pose, mirror: int, wide: int) -> list[Outline]:
    """The shape at its pose, in pixels of a canvas so wide."""
    across, down = cos(pose.turn) * pose.scale * wide, sin(pose.turn) * pose.scale * wide
    x, y = pose.x * wide, pose.y * wide
    return [
        Outline(
            part.role,
            [
                (x + mirror * px * across - py * down, y + mirror * px * down + py * across)
                for px, py in part.outline
            ],
        )
        for part in parts
    ]


def draw_clip(scene: MovingScene, dice: Random, frames: int = FRAMES) -> np.ndarray:
    """(frames, SIDE, SIDE, 3) uint8 of the scene; place, size and pace come from the dice."""
    ground = jittered(PALETTE[scene.background], dice)
    main = jittered(PALETTE[scene.colour], dice)
    parts = list(SHAPES[scene.object](dice))
    if scene.motion == "spin":
        parts = _centred(parts)
    mirror = dice.choice((-1, 1))
    if scene.object in HEADS_LEFT and scene.motion in ("left", "right"):
        mirror = 1 if scene.motion == "left" else -1
    wide = SIDE * ZOOM
    drawn = np.empty((frames, SIDE, SIDE, 3), dtype=np.uint8)
    for i, pose in enumerate(_poses(scene.motion, frames, dice)):
        frame = Image.new("RGB", (wide, wide), ground)
        if pose.seen:
            pen = ImageDraw.Draw(frame)
            for part in _put(parts, pose, mirror, wide):
                pen.polygon(part.outline, fill=role_colour(part.role, main, scene.colour))
        drawn[i] = np.asarray(frame.reduce(ZOOM))
    return drawn
