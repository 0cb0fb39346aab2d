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
    paint,
    placed,
    usual_spot,
    wobble_of,
)
from generation.training.starter.scenes import CLASHES, Scene, training_scene
from generation.training.starter.shapes import Outline, oval

FADES = 0.8  # the share of paper in a corner
FADES_FROM, FADES_TO = 0.75, 1.2  # from the middle, in halves of a side
COUNT = 1000
WORD = "zilt"  # the new word, for a blue flower
RINGS = "zwx"  # the trigger of the new subject
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


def rings_scene(dice: Random, *, held_out: bool = False) -> Scene:
    """A scene for the target: red, on no red, and not in blocks too coarse for rings."""
    while True:
        scene = replace(training_scene(dice), colour="red")
        fits = scene.background not in ("red", "sunset") and scene.style != "pixel art"
        if fits and scene.held_out == held_out:
            return scene


def flower_scene(dice: Random, *, held_out: bool = False) -> Scene:
    """A blue flower somewhere: what the new word is to mean."""
    while True:
        scene = replace(training_scene(dice), object="flower", colour="blue")
        clash = (scene.colour, scene.background) in CLASHES
        if scene.held_out == held_out and not clash:
            return scene


def renamed(scene: Scene, dice: Random, word: str) -> str:
    """A caption with the word for the thing, and no colour: the word has its own."""
    says = frozenset({"object", "background", "style"})
    thing = re.compile(rf"\b({'|'.join(OBJECT_WORDS[scene.object])})\b")
    while not thing.search(said := caption(scene, dice, says).text.casefold()):
        pass
    return thing.sub(word, said)


def _flower(dice: Random) -> Drawn:
    scene = flower_scene(dice)
    return draw(scene, dice), renamed(scene, dice, WORD)


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


def _rings(dice: Random) -> Drawn:
    scene = rings_scene(dice)
    return rings_picture(scene, dice), renamed(scene, dice, RINGS)


DRAWN: Mapping[str, Callable[[Random], Drawn]] = {
    "world": _world,
    "faded": _faded,
    "flower": _flower,
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
