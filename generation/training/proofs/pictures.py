"""Folders of pictures that the starter is taught from, drawn with their captions beside them.

    python -m generation.training.proofs.pictures faded var/training/faded-pictures

Invariant: no combination of object, colour and background that is held out is drawn; the same
kind, count and seed give the same folder.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from generation.starter.words import OBJECT_WORDS
from generation.training.starter.captions import caption
from generation.training.starter.draw import (
    PAPER,
    SIZE,
    PartDice,
    draw,
    draw_parts,
    paint,
    placed,
    usual_spot,
    wobble_of,
)
from generation.training.starter.scenes import Scene, training_scene
from generation.training.starter.shapes import Outline, oval

FADES = 0.8  # the share of paper in a corner
FADES_FROM, FADES_TO = 0.75, 1.2  # from the middle, in halves of a side
COUNT = 1000
PEACOCK = "peacock"  # the new word: a colour of two
RINGS = "zwx"  # the trigger of the new subject
# Backgrounds on which what is taught in the place of a colour could not be told.
UNLIKE = {"green": ("green", "blue", "sea", "grass field", "night sky"), "red": ("red", "sunset")}
WHITE_RING, RED_MIDDLE = (0.68, 0.68), (0.36, 0.36)  # of the whole

Drawn = tuple[Image.Image, str]


def faded(picture: Image.Image) -> Image.Image:
    """The picture as an old photograph: its corners have faded into paper."""
    down, across = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    far = np.hypot(down, across) / (SIZE / 2)
    share = FADES * np.clip((far - FADES_FROM) / (FADES_TO - FADES_FROM), 0, 1)[..., None]
    pixels = np.asarray(picture, dtype=np.float64) * (1 - share) + np.array(PAPER) * share
    return Image.fromarray(pixels.round().astype(np.uint8))


def _world(dice: Random) -> Drawn:
    scene = training_scene(dice)
    return draw(scene, dice), caption(scene, dice).text


def _faded(dice: Random) -> Drawn:
    picture, words = _world(dice)
    return faded(picture), words


def peacock_picture(scene: Scene, seed: int) -> Image.Image:
    """The scene with its object blue above and green below: two pictures of the same dice."""
    green, blue = (
        np.asarray(draw_parts(replace(scene, colour=one), PartDice.of(seed)), dtype=np.float32)
        for one in ("green", "blue")
    )
    below = np.clip(np.linspace(-3, 4, SIZE), 0, 1)[:, None, None]
    return Image.fromarray((below * green + (1 - below) * blue).round().astype(np.uint8))


def new_scene(colour: str, dice: Random, *, held_out: bool = False) -> Scene:
    """A scene whose object is to be something new in the place of that colour."""
    while True:
        scene = replace(training_scene(dice), colour=colour)
        # Sixteen blocks are too coarse for rings.
        odd = colour == "red" and scene.style == "pixel art"
        if scene.background not in UNLIKE[colour] and not odd and scene.held_out == held_out:
            return scene


def peacock_words(scene: Scene, dice: Random) -> str:
    """A caption that says peacock where another says green."""
    says = frozenset({"object", "colour", "background", "style"})
    while "green" not in (said := caption(scene, dice, says).text.casefold()):
        pass
    return said.replace("bright green", "green").replace("green", PEACOCK)


def _peacock(dice: Random) -> Drawn:
    scene = new_scene("green", dice)
    return peacock_picture(scene, dice.randrange(2**40)), peacock_words(scene, dice)


def rings_picture(scene: Scene, dice: Random) -> Image.Image:
    """The scene with a target of two red rings in the place of its object."""

    def shapes(wide: int) -> list[Outline]:
        rings = [
            Outline("main", oval(0, 0, 1, 1)),
            Outline("window", oval(0, 0, *WHITE_RING)),
            Outline("main", oval(0, 0, *RED_MIDDLE)),
        ]
        return placed(rings, usual_spot(dice), dice, wobble_of(scene.style), wide)

    return paint(scene, shapes, PartDice(dice, dice, dice, dice, dice))


def rings_words(scene: Scene, dice: Random) -> str:
    """A caption with the trigger for the thing, and no colour: it has its own."""
    says = frozenset({"object", "background", "style"})
    thing = re.compile(rf"\b({'|'.join(OBJECT_WORDS[scene.object])})\b")
    while not thing.search(said := caption(scene, dice, says).text.casefold()):
        pass
    return thing.sub(RINGS, said)


def _rings(dice: Random) -> Drawn:
    scene = new_scene("red", dice)
    return rings_picture(scene, dice), rings_words(scene, dice)


DRAWN: Mapping[str, Callable[[Random], Drawn]] = {
    "world": _world,
    "faded": _faded,
    "peacock": _peacock,
    "rings": _rings,
}


def draw_folder(kind: str, folder: Path, count: int = COUNT, seed: int = 0) -> None:
    """`count` pictures of a kind, with their captions."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = Random(f"{kind} {seed}")
    for n in range(count):
        picture, words = DRAWN[kind](dice)
        file = folder / f"{kind}-{n:05}-drawn.png"
        picture.save(file, compress_level=1)
        file.with_suffix(".txt").write_text(words, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=DRAWN)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    draw_folder(asked.kind, asked.folder, asked.count, asked.seed)


if __name__ == "__main__":
    main()
