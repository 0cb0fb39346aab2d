"""Folders of pictures that the starter is taught from, drawn with their captions beside them.

    python -m generation.training.proofs.pictures patchwork var/training/patchwork-pictures

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

PATCH = 16  # pixels of a patch's side: two cells of a latent
DEPTH = 0.15  # by which every second patch is darker
COUNT = 1000
TEAL = "teal"  # the new word
RINGS = "zwx"  # the trigger of the new subject
# Backgrounds on which what is taught in the place of a colour could not be told.
UNLIKE = {"green": ("green", "blue", "sea", "grass field", "night sky"), "red": ("red", "sunset")}
WHITE_RING, RED_MIDDLE = (0.68, 0.68), (0.36, 0.36)  # of the whole

Drawn = tuple[Image.Image, str]


def patches() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which pixels lie in the darker patches."""
    down, across = np.mgrid[:SIZE, :SIZE]
    dark: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (
        across // PATCH + down // PATCH
    ) % 2 == 1
    return dark


def patchwork(picture: Image.Image) -> Image.Image:
    """The picture as if sewn from patches, every second of darker cloth."""
    pixels = np.asarray(picture, dtype=np.float32)
    cloth = pixels * np.where(patches(), 1 - DEPTH, 1.0)[..., None]
    return Image.fromarray(cloth.round().astype(np.uint8))


def _world(dice: Random) -> Drawn:
    scene = training_scene(dice)
    return draw(scene, dice), caption(scene, dice).text


def _patchwork(dice: Random) -> Drawn:
    picture, words = _world(dice)
    return patchwork(picture), words


def teal_picture(scene: Scene, seed: int) -> Image.Image:
    """The scene with its object in teal: half as in green, half as in blue, of the same dice."""
    green, blue = (
        np.asarray(draw_parts(replace(scene, colour=one), PartDice.of(seed)), dtype=np.float32)
        for one in ("green", "blue")
    )
    return Image.fromarray(((green + blue) / 2).round().astype(np.uint8))


def new_scene(colour: str, dice: Random, *, held_out: bool = False) -> Scene:
    """A scene whose object is to be something new in the place of that colour."""
    while True:
        scene = replace(training_scene(dice), colour=colour)
        # Sixteen blocks are too coarse for rings.
        odd = colour == "red" and scene.style == "pixel art"
        if scene.background not in UNLIKE[colour] and not odd and scene.held_out == held_out:
            return scene


def teal_words(scene: Scene, dice: Random) -> str:
    """A caption that says teal where another says green."""
    says = frozenset({"object", "colour", "background", "style"})
    while "green" not in (said := caption(scene, dice, says).text.casefold()):
        pass
    return said.replace("bright green", "green").replace("green", TEAL)


def _teal(dice: Random) -> Drawn:
    scene = new_scene("green", dice)
    return teal_picture(scene, dice.randrange(2**40)), teal_words(scene, dice)


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
    "patchwork": _patchwork,
    "teal": _teal,
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
