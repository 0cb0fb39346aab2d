"""Pictures of what is not of the starter's world, by kinds.

The captioner learns from TRAINED to say that it cannot tell, and is measured with KEPT, which it
never saw.  Invariant: none of them shows one object of that world alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from generation.training.starter.draw import (
    SIZE,
    ZOOM,
    PartDice,
    Spot,
    draw,
    draw_parts,
    paint,
    placed,
    usual_spot,
    wobble_of,
)
from generation.training.starter.scenes import OBJECTS, training_scene
from generation.training.starter.shapes import SHAPES, Outline, Point, Role, box, oval

Kind = Callable[[Random], Image.Image]
_ROLES: tuple[Role, ...] = ("main", "main", "main", "shade", "ink", "wood", "leaf", "heart")


def _painted(shape: list[Outline], dice: Random, spot: Spot | None = None) -> Image.Image:
    """A shape in the colours, styles and on the backgrounds of the starter's world."""
    scene = training_scene(dice)

    def shapes(wide: int) -> list[Outline]:
        at = spot or usual_spot(dice)._replace(scale=dice.uniform(0.2, 0.5))
        return placed(shape, at, dice, wobble_of(scene.style), wide)

    return paint(scene, shapes, PartDice(dice, dice, dice, dice, dice))


def _ring(corners: int, radii: Sequence[float], turn: float) -> list[Point]:
    steps = [turn + 2 * pi * i / corners for i in range(corners)]
    return [(r * cos(a), r * sin(a)) for r, a in zip(radii, steps, strict=True)]


def blob(dice: Random) -> Image.Image:
    """A shape that is nothing."""
    corners = dice.randint(5, 14)
    radii = [dice.uniform(0.35, 1.0) for _ in range(corners)]
    return _painted([Outline("main", _ring(corners, radii, dice.uniform(0, pi)))], dice)


def polygon(dice: Random) -> Image.Image:
    """A triangle, a square, a hexagon, a disc or an oval, in one or two colours."""
    corners = dice.choice((3, 4, 4, 5, 6, 8, 40, 40))
    shape = [
        Outline("main", _ring(corners, [dice.uniform(0.7, 1.0)] * corners, dice.uniform(0, 6)))
    ]
    if dice.random() < 0.5:
        inner = _ring(corners, [dice.uniform(0.2, 0.6)] * corners, dice.uniform(0, 6))
        shape.append(Outline(dice.choice(_ROLES), inner))
    return _painted(shape, dice)


def bars(dice: Random) -> Image.Image:
    """Crosses, letters of beams, tables and ladders."""
    shape = []
    for _ in range(dice.randint(2, 5)):
        x, y = dice.uniform(-0.8, 0.6), dice.uniform(-0.8, 0.6)
        long, thin = dice.uniform(0.5, 1.5), dice.uniform(0.12, 0.3)
        right, low = (x + long, y + thin) if dice.random() < 0.5 else (x + thin, y + long)
        shape.append(Outline(dice.choice(_ROLES), box(x, y, min(right, 1), min(low, 1))))
    return _painted(shape, dice)


def creature(dice: Random) -> Image.Image:
    """A body of ovals on legs, with a head somewhere: no animal of that world."""
    shape = [Outline("main", oval(0, 0.1, dice.uniform(0.4, 0.7), dice.uniform(0.2, 0.4)))]
    for _ in range(dice.choice((2, 3, 4, 6))):
        x = dice.uniform(-0.6, 0.5)
        shape.append(Outline("main", box(x, 0.2, x + dice.uniform(0.07, 0.16), 0.95)))
    side = dice.choice((-1, 1))
    head, up = side * dice.uniform(0.4, 0.75), dice.uniform(-0.7, -0.2)
    shape.append(Outline("main", oval(head, up, dice.uniform(0.15, 0.3), dice.uniform(0.15, 0.3))))
    shape.append(Outline("ink", oval(head, up, 0.05, 0.05)))
    if dice.random() < 0.5:
        neck = [(head - 0.1, up), (head + 0.1, up), (side * 0.3, 0.2), (side * 0.1, 0.2)]
        shape.append(Outline("main", neck))
    return _painted(shape, dice)


def person(dice: Random) -> Image.Image:
    """A figure: head, trunk, arms, legs."""
    half = dice.uniform(0.14, 0.35)
    shape = [
        Outline("main", oval(0, -0.7, 0.24, 0.26)),
        Outline(
            "main",
            [(-half, -0.4), (half, -0.4), (half * dice.uniform(0.7, 2), 0.35), (-half, 0.35)],
        ),
    ]
    for side in (-1, 1):
        lean, reach = dice.uniform(-0.3, 0.5), side * dice.uniform(0.4, 0.9)
        arm = [(side * half, -0.38), (reach, lean), (reach + 0.1, lean + 0.08), (side * half, -0.2)]
        shape.append(Outline(dice.choice(_ROLES), arm))
        x = side * half * 0.6
        shape.append(Outline(dice.choice(_ROLES), box(x - 0.09, 0.3, x + 0.09, 1.0)))
    return _painted(shape, dice)


def lettering(dice: Random) -> Image.Image:
    """A letter or a word, large, on a background of that world."""
    picture = draw_parts(training_scene(dice), PartDice.of(dice.randrange(2**32)), bare=True)
    pen = ImageDraw.Draw(picture)
    letters = [chr(dice.randint(65, 90) + dice.choice((0, 32))) for _ in range(dice.randint(1, 6))]
    size = int(170 / (len(letters) + 0.8))
    font = ImageFont.load_default(size)
    pen.text((64, 64), "".join(letters), fill=_colour(dice), font=font, anchor="mm")
    return picture


def scrambled(dice: Random) -> Image.Image:
    """Parts of several objects put together: none of them is there."""
    shape: list[Outline] = []
    for name in dice.sample(OBJECTS, 3):
        whole = SHAPES[name](dice)
        part = dice.choice(list(whole))
        turn = dice.choice((1, 2, 3))
        shape.append(Outline(part.role, [_turned(point, turn) for point in part.outline]))
    return _painted(shape, dice)


def _turned(point: Point, quarters: int) -> Point:
    x, y = point
    for _ in range(quarters):
        x, y = -y, x
    return x, y


def pair(dice: Random) -> Image.Image:
    """Two different objects beside each other."""
    scene = training_scene(dice)
    both = dice.sample(OBJECTS, 2)
    spots = (Spot(0.22, 0.27, 0.5), Spot(0.22, 0.73, 0.5))

    def shapes(wide: int) -> list[Outline]:
        found: list[Outline] = []
        for name, spot in zip(both, spots, strict=True):
            found += placed(list(SHAPES[name](dice)), spot, dice, wobble_of(scene.style), wide)
        return found

    return paint(scene, shapes, PartDice(dice, dice, dice, dice, dice))


def empty(dice: Random) -> Image.Image:
    """A background alone."""
    return draw_parts(training_scene(dice), PartDice.of(dice.randrange(2**32)), bare=True)


def sheet(dice: Random) -> Image.Image:
    """Four or nine different pictures of that world in a grid."""
    across = dice.choice((2, 2, 3))
    side = SIZE // across
    whole = Image.new("RGB", (side * across, side * across))
    for i in range(across * across):
        one = draw(training_scene(dice), dice).resize((side, side))
        whole.paste(one, (i % across * side, i // across * side))
    return whole.resize((SIZE, SIZE))


def detail(dice: Random) -> Image.Image:
    """A small part of a picture, far too near to tell what it belongs to."""
    whole = draw(training_scene(dice), dice, 2 * SIZE)
    side = dice.randint(24, 60)
    x, y = (dice.randint(0, 2 * SIZE - side) for _ in range(2))
    return whole.crop((x, y, x + side, y + side)).resize((SIZE, SIZE))


def _colour(dice: Random) -> tuple[int, int, int]:
    return dice.randint(0, 255), dice.randint(0, 255), dice.randint(0, 255)


def _numbers(dice: Random) -> np.random.Generator:
    return np.random.default_rng(dice.randrange(2**32))


def _clouds(numbers: np.random.Generator, steep: float, bands: int = 3) -> np.ndarray:
    """Noise whose grain falls with its frequency, as in photographs: (SIZE, SIZE, bands), 0..1."""
    across = np.fft.fftfreq(SIZE)
    far = np.sqrt(across[:, None] ** 2 + across[None, :] ** 2)
    far[0, 0] = 1 / SIZE
    made = []
    for _ in range(bands):
        spectrum = np.fft.fft2(numbers.normal(size=(SIZE, SIZE))) / far**steep
        plain = np.real(np.fft.ifft2(spectrum))
        made.append((plain - plain.min()) / (np.ptp(plain) + 1e-9))
    return np.stack(made, axis=-1)


def _picture(samples: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(samples * 255, 0, 255).astype(np.uint8))


def clouds(dice: Random) -> Image.Image:
    """Coloured noise, from static to fog."""
    numbers = _numbers(dice)
    noise = _clouds(numbers, dice.uniform(0, 2.2))
    if dice.random() < 0.5:
        one, other = np.array(_colour(dice)) / 255, np.array(_colour(dice)) / 255
        noise = one + noise[..., :1] * (other - one)
    return _picture(noise)


def leaves(dice: Random) -> Image.Image:
    """Shaded things over things in all sizes, as photographs are made of."""
    numbers = _numbers(dice)
    made = Image.fromarray((_clouds(numbers, 1.5) * 255).astype(np.uint8))
    for _ in range(dice.randint(8, 90)):
        r = 4 + 40 * dice.random() ** 3
        x, y = dice.uniform(0, SIZE), dice.uniform(0, SIZE)
        wide, tall = (max(2, int(2 * r * dice.uniform(0.4, 1))) for _ in range(2))
        mask = Image.new("L", (wide, tall), 0)
        pen = ImageDraw.Draw(mask)
        if dice.random() < 0.6:
            pen.ellipse((0, 0, wide, tall), fill=255)
        else:
            pen.rectangle((0, 0, wide, tall), fill=255)
        mask = mask.rotate(dice.uniform(0, 90), expand=True)
        light = Image.linear_gradient("L").resize(mask.size).rotate(dice.choice((0, 90, 180, 270)))
        light = light.resize(mask.size)
        tint = Image.new("RGB", mask.size, _colour(dice))
        dark = Image.new("RGB", mask.size, _colour(dice))
        made.paste(Image.composite(tint, dark, light), (int(x - r), int(y - r)), mask)
    grain = numbers.normal(0, dice.uniform(0, 14), (SIZE, SIZE, 3))
    made = made.filter(ImageFilter.GaussianBlur(dice.uniform(0, 1.2)))
    return _picture((np.asarray(made, float) + grain) / 255)


def land(dice: Random) -> Image.Image:
    """A sky over hills of noise."""
    numbers = _numbers(dice)
    ridge = _clouds(numbers, 1.6, 1)[:, 0, 0]
    level = SIZE * (dice.uniform(0.2, 0.7) + 0.3 * (ridge - 0.5))
    below = np.arange(SIZE)[:, None] > level[None, :]
    sky, ground = (np.array(_colour(dice)) / 255 for _ in range(2))
    rough = _clouds(numbers, dice.uniform(0.6, 1.6)) * dice.uniform(0.1, 0.6)
    fade = np.linspace(0, dice.uniform(-0.4, 0.4), SIZE)[:, None, None]
    return _picture(np.where(below[..., None], ground + rough - 0.3, sky + fade + 0.3 * rough))


def stripes(dice: Random) -> Image.Image:
    """Stripes, checks and rings."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    turn, fine = dice.uniform(0, pi), dice.uniform(2, 24)
    along, over = x * cos(turn) + y * sin(turn), y * cos(turn) - x * sin(turn)
    wave = {
        0: np.sin(2 * pi * fine * along),
        1: np.sin(2 * pi * fine * along) * np.sin(2 * pi * fine * over),
        2: np.sin(2 * pi * fine * np.hypot(x - dice.uniform(-0.4, 0.4), y)),
    }[dice.randint(0, 2)]
    sharp = dice.choice((1, 1, 60))
    share = (1 / (1 + np.exp(-4 * sharp * wave)))[..., None]
    one, other = np.array(_colour(dice)) / 255, np.array(_colour(dice)) / 255
    return _picture(one + share * (other - one))


def page(dice: Random) -> Image.Image:
    """A page or a screen: lines of text, boxes, buttons."""
    paper = _colour(dice) if dice.random() < 0.4 else (dice.randint(225, 255),) * 3
    made = Image.new("RGB", (2 * SIZE, 2 * SIZE), paper)
    pen = ImageDraw.Draw(made)
    for _ in range(dice.randint(0, 5)):
        x, y = dice.uniform(0, 200), dice.uniform(0, 200)
        corners = (x, y, x + dice.uniform(20, 120), y + dice.uniform(10, 90))
        pen.rectangle(corners, fill=_colour(dice), outline=_colour(dice))
    size, y = dice.randint(8, 26), dice.uniform(2, 40)
    font, ink = ImageFont.load_default(size), _colour(dice)
    while y < 2 * SIZE - size:
        words = [
            "".join(chr(dice.randint(97, 122)) for _ in range(dice.randint(1, 9))) for _ in range(9)
        ]
        pen.text((dice.choice((8, 8, 8, 40)), y), " ".join(words), fill=ink, font=font)
        y += size * dice.uniform(1.1, 1.9)
    return made.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def scribble(dice: Random) -> Image.Image:
    """Lines drawn by hand."""
    made = Image.new("RGB", (SIZE * ZOOM, SIZE * ZOOM), _colour(dice))
    pen = ImageDraw.Draw(made)
    for _ in range(dice.randint(1, 12)):
        x, y, turn = dice.uniform(0, 384), dice.uniform(0, 384), dice.uniform(0, 2 * pi)
        ink, wide = _colour(dice), dice.randint(2, 14)
        bend = dice.uniform(-0.15, 0.15)
        line = [(x, y)]
        for _ in range(dice.randint(10, 60)):
            turn += bend + dice.uniform(-0.2, 0.2)
            x, y = x + 9 * cos(turn), y + 9 * sin(turn)
            line.append((x, y))
        pen.line(line, fill=ink, width=wide, joint="curve")
    return made.reduce(ZOOM)


TRAINED: tuple[Kind, ...] = (
    blob,
    polygon,
    bars,
    creature,
    person,
    lettering,
    scrambled,
    pair,
    empty,
    sheet,
    detail,
    clouds,
    leaves,
    land,
    stripes,
    page,
    scribble,
)


def spiral(dice: Random) -> Image.Image:
    """A spiral on a background of that world."""
    turns, arms = dice.uniform(2, 5), dice.randint(1, 2)
    shape = []
    for arm in range(arms):
        steps = [i / 60 for i in range(61)]
        outer = [_polar(s, turns * 2 * pi * s + pi * arm) for s in steps]
        inner = [_polar(max(s - 0.09, 0), turns * 2 * pi * s + pi * arm) for s in steps]
        shape.append(Outline("main", [*outer, *reversed(inner)]))
    return _painted(shape, dice)


def _polar(far: float, turn: float) -> Point:
    return far * cos(turn), far * sin(turn)


def umbrella(dice: Random) -> Image.Image:
    """An umbrella: a half disc on a thin stick."""
    ribs = [Outline("shade", oval(x, 0, 0.24, 0.12)) for x in (-0.6, 0.0, 0.6)]
    stick = Outline(dice.choice(_ROLES), box(-0.05, -0.8, 0.05, dice.uniform(0.7, 1.0)))
    return _painted([Outline("main", oval(0, 0, 0.9, 0.8, 180, 360)), stick, *ribs], dice)


def arrow(dice: Random) -> Image.Image:
    """An arrow that points anywhere."""
    turn = dice.randint(0, 3)
    body = [_turned(point, turn) for point in box(-0.9, -0.15, 0.2, 0.15)]
    head = [_turned(point, turn) for point in ((0.1, -0.5), (0.95, 0.0), (0.1, 0.5))]
    return _painted([Outline("main", body), Outline(dice.choice(_ROLES), head)], dice)


def rocket(dice: Random) -> Image.Image:
    """A rocket with fins and a flame."""
    wide = dice.uniform(0.2, 0.35)
    return _painted(
        [
            Outline("heart", [(-wide, 0.6), (wide, 0.6), (0, 1.0)]),
            Outline("shade", [(-wide, 0.2), (-0.7, 0.75), (-wide, 0.6)]),
            Outline("shade", [(wide, 0.2), (0.7, 0.75), (wide, 0.6)]),
            Outline("main", oval(0, -0.1, wide, 0.8)),
            Outline("window", oval(0, -0.3, 0.11, 0.11)),
        ],
        dice,
    )


def face(dice: Random) -> Image.Image:
    """A round face with eyes and a mouth, no ears."""
    eye = dice.uniform(0.08, 0.16)
    return _painted(
        [
            Outline("main", oval(0, 0, 0.85, dice.uniform(0.75, 1.0))),
            Outline("ink", oval(-0.32, -0.2, eye, eye)),
            Outline("ink", oval(0.32, -0.2, eye, eye)),
            Outline("ink", oval(0, 0.25, 0.4, 0.3, 0, 180)),
        ],
        dice,
    )


def maze(dice: Random) -> Image.Image:
    """Walls on a grid."""
    cells = dice.choice((8, 12, 16))
    grid = Image.new("RGB", (cells, cells), _colour(dice))
    wall = _colour(dice)
    for _ in range(cells * cells // 2):
        grid.putpixel((dice.randrange(cells), dice.randrange(cells)), wall)
    return grid.resize((SIZE, SIZE), Image.Resampling.NEAREST)


def fractal(dice: Random) -> Image.Image:
    """A Julia set in two colours."""
    y, x = np.mgrid[-1.5 : 1.5 : SIZE * 1j, -1.5 : 1.5 : SIZE * 1j]
    z = x + 1j * y
    c = complex(dice.uniform(-0.9, 0.1), dice.uniform(0.2, 0.8))
    count = np.zeros(z.shape)
    for _ in range(30):
        inside = np.abs(z) < 4
        z = np.where(inside, z * z + c, z)
        count += inside
    one, other = np.array(_colour(dice)) / 255, np.array(_colour(dice)) / 255
    return _picture(one + (count / 30)[..., None] * (other - one))


def chart(dice: Random) -> Image.Image:
    """Bars on a white page, with axes."""
    made = Image.new("RGB", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(made)
    pen.line([(14, 8), (14, 114), (122, 114)], fill=(40, 40, 40), width=2)
    count, ink = dice.randint(3, 9), _colour(dice)
    for i in range(count):
        left, top = 20 + i * 100 / count, dice.uniform(12, 100)
        pen.rectangle((left, top, left + 70 / count, 113), fill=ink)
    return made


KEPT: tuple[Kind, ...] = (spiral, umbrella, arrow, rocket, face, maze, fractal, chart)
