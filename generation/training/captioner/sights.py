"""What there is to say of a picture of the starter's world, and pictures of it.

Invariant: what a sight says is true of the picture drawn for it; no combination of object, colour
and background that is held out of the starter's training is drawn unless it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image

from generation.starter.sentences import SOMETHING_ELSE
from generation.training.starter.draw import (
    SIZE,
    PartDice,
    Spot,
    draw,
    paint,
    placed,
    usual_spot,
    wobble_of,
)
from generation.training.starter.scenes import BACKGROUNDS, COLOURS, OBJECTS, STYLES, Scene
from generation.training.starter.shapes import SHAPES, Outline

COUNTS = ("one", "two", "three", "several")
SIZES = ("small", "medium", "large")
PLACES = ("middle", "left", "right", "top", "bottom")
HEADS: dict[str, tuple[str, ...]] = {
    "object": (*OBJECTS, SOMETHING_ELSE),
    "colour": COLOURS,
    "background": BACKGROUNDS,
    "style": STYLES,
    "count": COUNTS,
    "size": SIZES,
    "place": PLACES,
}
_SCALES = {"small": (0.14, 0.22), "medium": (0.3, 0.42), "large": (0.49, 0.58)}
_CROWDS = {"two": 2, "three": 3}
_FAR = (0.2, 0.28)  # from the middle to where a shape counts as lying aside


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeScene:
    """A scene, how many of its object there are, how large they are and where they lie."""

    scene: Scene
    count: str = "one"
    size: str = "medium"
    place: str = "middle"

    def classes(self) -> list[int]:
        """The index of each attribute, in the order of HEADS."""
        said = {name: getattr(self.scene, name, None) or getattr(self, name) for name in HEADS}
        return [names.index(said[name]) for name, names in HEADS.items()]


def usual_sight(scene: Scene) -> WholeScene:
    """A sight as the starter's own pictures are."""
    return WholeScene(scene=scene)


def some_sight(scene: Scene, dice: Random) -> WholeScene:
    """A sight of the scene in which number, size or place may be unusual."""
    # Sixteen blocks a side are too few for anything small.
    way = dice.uniform(0.6, 1.0) if scene.style == "pixel art" else dice.random()
    if way < 0.3:
        return WholeScene(scene=scene, count=dice.choice(COUNTS[1:]), size="small")
    if way < 0.6:
        return WholeScene(scene=scene, size="small", place=dice.choice(PLACES))
    if way < 0.8:
        return WholeScene(scene=scene, size="large")
    return WholeScene(scene=scene, place=dice.choice(PLACES))


def drawn(sight: WholeScene, dice: Random, side: int = SIZE) -> Image.Image:
    """A picture of the sight."""
    if sight == usual_sight(sight.scene):
        return draw(sight.scene, dice, side)
    spots = _spots(sight, dice)
    wobble = wobble_of(sight.scene.style)

    def shapes(wide: int) -> list[Outline]:
        parts: list[Outline] = []
        for spot in spots:
            parts += placed(list(SHAPES[sight.scene.object](dice)), spot, dice, wobble, wide)
        return parts

    return paint(sight.scene, shapes, PartDice(dice, dice, dice, dice, dice), side)


def _spots(sight: WholeScene, dice: Random) -> list[Spot]:
    if sight.count != "one":
        return _crowd(_CROWDS.get(sight.count) or dice.choice((4, 5, 6)), dice)
    scale = dice.uniform(*_SCALES[sight.size])
    if sight.place == "middle":
        about = usual_spot(dice)
        return [about._replace(scale=scale)]
    far = dice.uniform(*_FAR)
    across = {"left": -far, "right": far}.get(sight.place, dice.uniform(-0.05, 0.05))
    down = {"top": -far, "bottom": far}.get(sight.place, dice.uniform(-0.05, 0.05))
    return [Spot(scale, 0.5 + across, 0.5 + down)]


def _crowd(number: int, dice: Random) -> list[Spot]:
    """Spots beside each other, none over another."""
    scale = {2: 0.21, 3: 0.17}.get(number, 0.13) * dice.uniform(0.85, 1.1)
    for _ in range(200):
        spots: list[Spot] = []
        for _ in range(60):
            x, y = (dice.uniform(0.06 + scale, 0.94 - scale) for _ in range(2))
            apart = 2.15 * scale
            if all(abs(x - s.x) > apart or abs(y - s.y) > apart for s in spots):
                spots.append(Spot(scale, x, y))
            if len(spots) == number:
                return spots
        scale *= 0.98
    raise ValueError("no room for that many")
