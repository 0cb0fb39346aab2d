"""Draws the training pictures: a scene and a die make one 128x128 picture, or a larger one.

Invariant: `draw(scene, Random(n))` gives the same pixels every time; the picture shows the scene's
four words and nothing a caption could not have said.
"""

from collections.abc import Callable
from math import cos, pi, sin
from random import Random
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

from .scenes import COLOURS, Scene
from .shapes import SHAPES, Outline, Point, Role, box, oval

SIZE = 128
ZOOM = 3  # drawn larger, then reduced: smooth edges
PIXEL = 8  # one block of pixel art is one latent cell of the f=8 VAE

Colour = tuple[int, int, int]
PALETTE: dict[str, Colour] = {
    "red": (218, 36, 40),
    "orange": (246, 136, 24),
    "yellow": (252, 222, 48),
    "green": (44, 160, 66),
    "blue": (40, 92, 216),
    "purple": (146, 54, 186),
    "pink": (250, 150, 196),
    "white": (246, 246, 246),
    "black": (32, 32, 36),
}
INK: Colour = (34, 28, 36)
CHALK: Colour = (250, 248, 240)
WOOD: Colour = (112, 70, 40)
LEAF: Colour = (60, 140, 60)
PAPER: Colour = (251, 247, 238)


def jittered(colour: Colour, dice: Random, by: int = 8) -> Colour:
    red, green, blue = (max(0, min(255, c + dice.randint(-by, by))) for c in colour)
    return red, green, blue


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _gradient(top: Colour, bottom: Colour, wide: int) -> Image.Image:
    strip = Image.new("RGB", (1, 64))
    for y in range(64):
        strip.putpixel((0, y), _mix(top, bottom, y / 63))
    return strip.resize((wide, wide), Image.Resampling.BILINEAR)


def _to_canvas(outline: list[Point], x: float, y: float, scale: float) -> list[Point]:
    return [(x + px * scale, y + py * scale) for px, py in outline]


def _backdrop(name: str, dice: Random, wide: int) -> Image.Image:
    """The background alone, wide x wide."""
    if name in COLOURS:
        return Image.new("RGB", (wide, wide), jittered(PALETTE[name], dice))
    half = wide / 2
    horizon = wide * dice.uniform(0.52, 0.62)
    if name == "night sky":
        sky = _gradient((12, 16, 58), (40, 44, 110), wide)
        pen = ImageDraw.Draw(sky)
        for _ in range(dice.randint(14, 20)):
            x, y, r = dice.uniform(0, wide), dice.uniform(0, wide), wide * dice.uniform(0.012, 0.02)
            pen.polygon(oval(x, y, r, r), fill=(255, 246, 190))
        return sky
    if name == "sunset":
        sky = _gradient((92, 52, 132), (255, 138, 60), wide)
        pen = ImageDraw.Draw(sky)
        low = horizon + wide * 0.16
        pen.polygon(
            oval(half * dice.uniform(0.4, 1.6), low, wide * 0.16, wide * 0.16), fill=(255, 226, 110)
        )
        pen.polygon(box(0, low, wide, wide), fill=(74, 36, 72))
        return sky
    land = Image.new("RGB", (wide, wide), (166, 216, 246) if name != "snow" else (196, 212, 228))
    pen = ImageDraw.Draw(land)
    if name == "grass field":
        for corner in (0.12, 0.88):
            pen.polygon(
                _to_canvas(
                    oval(0, 0, 0.2, 0.09), wide * corner, wide * dice.uniform(0.1, 0.22), wide
                ),
                fill=(244, 248, 252),
            )
        pen.polygon(oval(half, wide * 1.3, wide * 1.1, wide * 1.3 - horizon), fill=(96, 182, 62))
    elif name == "sea":
        pen.polygon(box(0, horizon, wide, wide), fill=(22, 104, 178))
        for row in range(3):
            y = horizon + wide * (0.1 + 0.13 * row)
            shift = dice.uniform(0, 1)
            for i in range(-1, 4):
                x = (i + shift) * wide / 3
                wave = [
                    (x + wide * 0.2 * t, y - wide * 0.035 * sin(pi * t))
                    for t in (0, 0.25, 0.5, 0.75, 1)
                ]
                pen.line(wave, fill=(150, 208, 240), width=round(wide * 0.018), joint="curve")
    else:  # snow
        pen.polygon(
            oval(half * dice.uniform(0.5, 1.5), wide * 1.5, wide * 1.4, wide * 1.5 - horizon),
            fill=(250, 252, 255),
        )
        for _ in range(dice.randint(14, 20)):
            x, y, r = (
                dice.uniform(0, wide),
                dice.uniform(0, horizon),
                wide * dice.uniform(0.014, 0.022),
            )
            pen.polygon(oval(x, y, r, r), fill=(255, 255, 255))
    return land


def role_colour(role: Role, main: Colour, name: str) -> Colour:
    """What a role looks like on an object of this colour."""
    if role == "main":
        return main
    if role == "shade":
        return _mix(main, CHALK, 0.25) if name == "black" else _mix(main, (0, 0, 0), 0.28)
    if role == "ink":
        return CHALK if name == "black" else INK
    if role == "heart":
        return PALETTE["orange"] if name in ("yellow", "white") else PALETTE["yellow"]
    return {"wood": WOOD, "leaf": LEAF, "window": CHALK if name != "white" else (150, 190, 214)}[
        role
    ]


class Spot(NamedTuple):
    """Where a shape lies and how large it is, as shares of the picture's side."""

    scale: float
    x: float
    y: float


def usual_spot(dice: Random) -> Spot:
    """Near the middle, of about the same size."""
    scale = dice.uniform(0.33, 0.42)
    x, y = (0.5 + dice.uniform(-0.06, 0.06) for _ in range(2))
    return Spot(scale, x, y)


def placed(
    parts: list[Outline], spot: Spot, dice: Random, wobble: float, wide: int
) -> list[Outline]:
    """The shape at its spot; tilt and stretch vary a little."""
    scale, x, y = (wide * share for share in spot)
    tilt = dice.uniform(-8, 8) * pi / 180
    across, down = dice.uniform(0.93, 1.07), dice.uniform(0.93, 1.07)
    mirror = dice.choice((-1, 1))
    phase = dice.uniform(0, 2 * pi)

    def put(point: Point) -> Point:
        px, py = point[0] * across * mirror, point[1] * down
        px += wobble * sin(5 * py + phase)
        py += wobble * cos(5 * px + phase)
        return (
            x + scale * (px * cos(tilt) - py * sin(tilt)),
            y + scale * (px * sin(tilt) + py * cos(tilt)),
        )

    return [Outline(part.role, [put(point) for point in part.outline]) for part in parts]


def _wash(picture: Image.Image, dice: Random) -> Image.Image:
    """Watercolor: soft edges, pigment in blotches, and the paper left bare around the painting."""
    side = picture.width
    blots = Image.new("L", (6, 6))
    blots.putdata([dice.randint(0, 84) for _ in range(36)])
    soft = picture.filter(ImageFilter.GaussianBlur(side / SIZE))
    paper = Image.new("RGB", (side, side), PAPER)
    washed = Image.composite(paper, soft, blots.resize((side, side), Image.Resampling.BICUBIC))
    edge = Image.new("L", (side, side), 0)
    steps = 24
    ring = [2 * pi * i / steps for i in range(steps)]
    reach = [side * dice.uniform(0.455, 0.485) for _ in ring]
    # A rounded square: the painting stops short of the paper's border.
    rim = [
        (
            side / 2 + r * max(-1, min(1, 1.3 * cos(a))),
            side / 2 + r * max(-1, min(1, 1.3 * sin(a))),
        )
        for a, r in zip(ring, reach, strict=True)
    ]
    ImageDraw.Draw(edge).polygon(rim, fill=255)
    return Image.composite(washed, paper, edge.filter(ImageFilter.GaussianBlur(1.5 * side / SIZE)))


class PartDice(NamedTuple):
    """A die for each part of a picture: where one part is another, the rest falls as before."""

    backdrop: Random
    colour: Random
    shape: Random
    place: Random
    wash: Random

    @classmethod
    def of(cls, seed: int) -> "PartDice":
        """Dice that fall alike whenever the seed is the same."""
        return cls(*(Random(f"{seed} {part}") for part in cls._fields))


def draw(scene: Scene, dice: Random, side: int = SIZE) -> Image.Image:
    """One side x side RGB picture of the scene; place, size and tilt come from the dice.

    The same dice give the same picture in any size.
    """
    return draw_parts(scene, PartDice(dice, dice, dice, dice, dice), side)


def draw_parts(
    scene: Scene, dice: PartDice, side: int = SIZE, *, bare: bool = False
) -> Image.Image:
    """The picture of these dice, one for each part; `bare` leaves the object out."""

    def parts(wide: int) -> list[Outline]:
        shape = [] if bare else list(SHAPES[scene.object](dice.shape))
        return placed(shape, usual_spot(dice.place), dice.place, wobble_of(scene.style), wide)

    return paint(scene, parts, dice, side)


def wobble_of(style: str) -> float:
    """How far a style's contours wander."""
    return 0.035 if style == "watercolor" else 0.0


def paint(
    scene: Scene, shapes: Callable[[int], list[Outline]], dice: PartDice, side: int = SIZE
) -> Image.Image:
    """What the shapes, given for the canvas's width, look like in the scene's colours and style."""
    wide = side * ZOOM
    picture = _backdrop(scene.background, dice.backdrop, wide)
    pen = ImageDraw.Draw(picture)
    main = jittered(PALETTE[scene.colour], dice.colour)
    parts = shapes(wide)
    if scene.style == "outline":
        # All contours first: where parts of an object overlap, only the outer contour remains.
        dark = scene.colour == "black" or scene.background in ("black", "night sky")
        contour = CHALK if dark else INK
        for part in parts:
            ring = [*part.outline, *part.outline[:2]]
            pen.line(ring, fill=contour, width=round(wide * 0.062), joint="curve")
    for part in parts:
        pen.polygon(part.outline, fill=role_colour(part.role, main, scene.colour))
    if scene.style == "pixel art":
        blocks = SIZE // PIXEL
        small = picture.resize((blocks, blocks), Image.Resampling.BOX)
        return small.resize((side, side), Image.Resampling.NEAREST)
    small = picture.reduce(ZOOM)
    return _wash(small, dice.wash) if scene.style == "watercolor" else small
