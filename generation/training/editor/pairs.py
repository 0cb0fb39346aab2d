"""Families of pictures: one scene and what it becomes when one or two things are changed.

Invariant: the members of a family are drawn with the same dice, so two of them differ only where
their scenes differ; no member shows a held-out combination.
"""

from dataclasses import dataclass
from random import Random

from generation.training.starter.scenes import CLASHES, Scene, training_scene
from generation.training.starter.text import KINDS

from .instructions import (
    Instruction,
    described,
    differing,
    instruction,
    removal,
)

MEMBERS = 8
# What is changed from the first member to each of the others; the last one may be bare.
_PLAN = (
    ("object",),
    ("colour",),
    ("background",),
    ("background",),
    ("style",),
    ("object", "colour"),
    ("background", "style"),
)
BARE = 0.35  # share of families whose last member has no object


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyMember:
    """One picture of a family."""

    scene: Scene
    bare: bool = False


def legible(scene: Scene) -> bool:
    """True where the object can be told from its background."""
    return (scene.colour, scene.background) not in CLASHES


def varied(scene: Scene, kinds: tuple[str, ...], dice: Random) -> Scene:
    """The scene with other values for these attributes, legible and of the training stream."""
    while True:
        values = {kind: getattr(scene, kind) for kind in KINDS}
        for kind in kinds:
            values[kind] = dice.choice([v for v in KINDS[kind] if v != values[kind]])
        other = Scene(**values)
        if legible(other) and not other.held_out:
            return other


def family(dice: Random) -> list[FamilyMember]:
    """A scene of the training stream and MEMBERS - 1 variations of it."""
    first = training_scene(dice)
    members = [
        FamilyMember(scene=first),
        *(FamilyMember(scene=varied(first, kinds, dice)) for kinds in _PLAN),
    ]
    if dice.random() < BARE:
        members[-1] = FamilyMember(scene=first, bare=True)
    return members


def pair(members: list[FamilyMember], dice: Random) -> tuple[int, int, Instruction]:
    """Two members, and words that lead from the one to the other."""
    while True:
        before, after = dice.randrange(len(members)), dice.randrange(len(members))
        old, new = members[before], members[after]
        changes = differing(old.scene, new.scene)
        if old.bare or len(changes) > 2 or (len(changes) == 2 and dice.random() < 0.5):
            continue
        if new.bare:
            if set(changes) - {"colour"}:
                continue
            return before, after, removal(old.scene, dice)
        if not changes and dice.random() < 0.6:
            continue
        if not changes or dice.random() < 0.2:
            return before, after, described(old.scene, new.scene, dice)
        return before, after, instruction(old.scene, new.scene, dice)
