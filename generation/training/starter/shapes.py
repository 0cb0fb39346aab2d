"""The silhouettes: each object as a list of filled outlines in a box from -1 to 1, y downwards.

Invariant: a shape is a pure function of its dice; colours are named by their role only, so that one
drawing serves every colour and style.
"""

from collections.abc import Callable, Sequence
from math import cos, pi, sin
from random import Random
from typing import Literal, NamedTuple

Point = tuple[float, float]
Role = Literal["main", "shade", "ink", "wood", "leaf", "heart", "window"]


class Outline(NamedTuple):
    """One closed outline and what it is coloured as."""

    role: Role
    outline: list[Point]


def oval(
    x: float, y: float, rx: float, ry: float, start: float = 0, end: float = 360
) -> list[Point]:
    """An arc of an ellipse (degrees, clockwise from the right), closed by its chord."""
    steps = max(8, int(abs(end - start) / 9))
    angles = [(start + (end - start) * i / steps) * pi / 180 for i in range(steps + 1)]
    return [(x + rx * cos(a), y + ry * sin(a)) for a in angles]


def box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    """A rectangle."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _flower(dice: Random) -> list[Outline]:
    petals, turn = dice.choice((5, 6)), dice.uniform(0, 2 * pi)
    head = -0.28
    parts = [
        Outline("leaf", box(-0.07, 0.1, 0.07, 1.0)),
        Outline("leaf", oval(0.28, 0.72, 0.26, 0.12)),
    ]
    for i in range(petals):
        a = turn + 2 * pi * i / petals
        parts.append(Outline("main", oval(0.42 * cos(a), head + 0.42 * sin(a), 0.31, 0.31)))
    return [*parts, Outline("heart", oval(0, head, 0.25, 0.25))]


def _tree(dice: Random) -> list[Outline]:
    wide = dice.uniform(0.9, 1.05)
    return [
        Outline("wood", box(-0.15, 0.2, 0.15, 1.0)),
        Outline("main", oval(-0.4 * wide, 0.05, 0.42, 0.38)),
        Outline("main", oval(0.4 * wide, 0.05, 0.42, 0.38)),
        Outline("main", oval(0, -0.42, 0.5, 0.5)),
        Outline("main", oval(0, 0.0, 0.45, 0.4)),
    ]


def _house(dice: Random) -> list[Outline]:
    eave = dice.uniform(-0.22, -0.1)
    door = dice.choice((-0.35, 0.35))
    return [
        Outline("main", box(-0.72, eave, 0.72, 0.9)),
        Outline("shade", [(-0.95, eave), (0, -0.95), (0.95, eave)]),
        Outline("wood", box(door - 0.17, 0.3, door + 0.17, 0.9)),
        Outline("window", box(-door - 0.22, 0.12, -door + 0.22, 0.5)),
    ]


def _fish(dice: Random) -> list[Outline]:
    tail = dice.uniform(0.4, 0.5)
    return [
        Outline("main", [(0.35, 0), (0.98, -tail), (0.84, 0), (0.98, tail)]),
        Outline("shade", [(-0.3, -0.4), (0.05, -0.72), (0.35, -0.3)]),
        Outline("main", oval(-0.2, 0, 0.75, 0.5)),
        Outline("shade", [(-0.1, 0.05), (0.3, 0.22), (-0.02, 0.32)]),
        Outline("ink", oval(-0.6, -0.12, 0.1, 0.1)),
    ]


def _cat(dice: Random) -> list[Outline]:
    tip = dice.uniform(0.0, 0.2)
    tail = [
        (0.35, 0.95),
        (0.8, 0.9),
        (1.0, 0.55),
        (0.95, tip),
        (0.75, tip),
        (0.78, 0.5),
        (0.6, 0.68),
    ]
    return [
        Outline("main", tail),
        Outline("main", oval(0.02, 0.58, 0.52, 0.44)),
        Outline("main", [(-0.62, -0.2), (-0.6, -0.98), (-0.08, -0.6)]),
        Outline("main", [(0.52, -0.2), (0.5, -0.98), (-0.02, -0.6)]),
        Outline("main", oval(-0.05, -0.22, 0.6, 0.48)),
        Outline("ink", oval(-0.28, -0.27, 0.09, 0.13)),
        Outline("ink", oval(0.18, -0.27, 0.09, 0.13)),
        Outline("ink", [(-0.14, -0.06), (0.04, -0.06), (-0.05, 0.06)]),
    ]


def _boat(dice: Random) -> list[Outline]:
    mast = dice.uniform(-0.08, 0.08)
    return [
        Outline("wood", box(mast - 0.05, -0.95, mast + 0.05, 0.4)),
        Outline("main", [(mast + 0.1, -0.9), (mast + 0.8, 0.2), (mast + 0.1, 0.2)]),
        Outline("main", [(mast - 0.1, -0.7), (mast - 0.6, 0.2), (mast - 0.1, 0.2)]),
        Outline("shade", [(-0.98, 0.35), (0.98, 0.35), (0.62, 0.85), (-0.62, 0.85)]),
    ]


def _mushroom(dice: Random) -> list[Outline]:
    stem = dice.uniform(0.2, 0.27)
    return [
        Outline("window", [(-stem, -0.05), (stem, -0.05), (stem + 0.1, 0.9), (-stem - 0.1, 0.9)]),
        Outline("main", oval(0, 0.1, 0.95, 0.92, 180, 360)),
        Outline("window", oval(-0.42, -0.25, 0.15, 0.15)),
        Outline("window", oval(0.1, -0.5, 0.16, 0.16)),
        Outline("window", oval(0.5, -0.15, 0.13, 0.13)),
    ]


def _cup(dice: Random) -> list[Outline]:
    foot = dice.uniform(0.42, 0.52)
    handle = [*oval(0.55, 0.12, 0.42, 0.42, -90, 90), *oval(0.55, 0.12, 0.22, 0.22, 90, -90)]
    return [
        Outline("main", handle),
        Outline("main", [(-0.75, -0.6), (0.6, -0.6), (foot, 0.8), (-foot - 0.12, 0.8)]),
        Outline("shade", oval(-0.075, -0.6, 0.675, 0.17)),
    ]


def _star(dice: Random) -> list[Outline]:
    inner = dice.uniform(0.4, 0.46)
    turn = -pi / 2
    radii = [1.0 if i % 2 == 0 else inner for i in range(10)]
    return [
        Outline(
            "main",
            [(r * cos(turn + pi * i / 5), r * sin(turn + pi * i / 5)) for i, r in enumerate(radii)],
        )
    ]


def _heart(dice: Random) -> list[Outline]:
    wide = dice.uniform(0.92, 1.0)
    angles = [2 * pi * i / 60 for i in range(60)]
    return [
        Outline(
            "main",
            [
                (
                    wide * sin(a) ** 3,
                    -(13 * cos(a) - 5 * cos(2 * a) - 2 * cos(3 * a) - cos(4 * a)) / 15 - 0.1,
                )
                for a in angles
            ],
        )
    ]


def _moon(dice: Random) -> list[Outline]:
    bite = dice.uniform(0.38, 0.5)
    outside = oval(0, 0, 0.95, 0.95, 50, 310)
    x, y = 0.95 * cos(50 * pi / 180), 0.95 * sin(50 * pi / 180)
    inside = [(x - (x + bite) * (1 - (t / 12) ** 2) ** 0.5, y * t / 12) for t in range(-12, 13)]
    return [Outline("main", [*outside, *inside])]


def _car(dice: Random) -> list[Outline]:
    roof = dice.uniform(-0.62, -0.52)
    return [
        Outline("main", [(-0.55, 0.05), (-0.35, roof), (0.35, roof), (0.65, 0.05)]),
        Outline("main", [(-0.98, -0.02), (0.9, -0.02), (0.98, 0.15), (0.98, 0.48), (-0.98, 0.48)]),
        Outline(
            "window", [(-0.36, -0.03), (-0.24, roof + 0.14), (-0.04, roof + 0.14), (-0.04, -0.03)]
        ),
        Outline("window", [(0.06, -0.03), (0.06, roof + 0.14), (0.28, roof + 0.14), (0.44, -0.03)]),
        Outline("ink", oval(-0.5, 0.5, 0.25, 0.25)),
        Outline("ink", oval(0.5, 0.5, 0.25, 0.25)),
    ]


SHAPES: dict[str, Callable[[Random], Sequence[Outline]]] = {
    "flower": _flower,
    "tree": _tree,
    "house": _house,
    "fish": _fish,
    "cat": _cat,
    "boat": _boat,
    "mushroom": _mushroom,
    "cup": _cup,
    "star": _star,
    "heart": _heart,
    "moon": _moon,
    "car": _car,
}
