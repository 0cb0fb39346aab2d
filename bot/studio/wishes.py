"""What a person asked for, as it was said: sizes and seeds in people's words.

Pure: settings and dice are arguments.  What nobody said is filled in by `bot.studio.layers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from generation.draft import Draft, DraftCanvas
from generation.errors import OutOfRange
from generation.families.model_family import Family
from generation.families.sizes import drawn_for
from generation.interchange.imported import Imported
from generation.recipe import MAX_SEED, Input, Recipe, Sha256
from prompting.assist import Assisted
from storage.people import AssistMode, SeedMode
from storage.pictures import StoredPicture
from storage.requests import Origin

OWN_VAE = "own"  # in place of a VAE's name: the one that lies in the checkpoint

SEEDS = MAX_SEED + 1

LARGEST_SEED = 2**64 - 1  # that other programs take
RANDOM_SEED = -1  # A1111's word for a fresh one

_SEED = re.compile(r"-?[0-9]{1,20}")
_SIZE = re.compile(r"\s*([0-9]{1,5})\s*[x×*]\s*([0-9]{1,5})\s*", re.IGNORECASE)
_SIDE = r"([0-9]{1,5}(?:\.[0-9]{1,3})?)"
_RATIO = re.compile(rf"\s*{_SIDE}\s*[:：/]\s*{_SIDE}\s*")

# The shapes people ask for by name, as width : height.
SHAPES = {
    "square": (1, 1),
    "portrait": (2, 3),
    "landscape": (3, 2),
    "tall": (9, 16),
    "wide": (16, 9),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One request for pictures, before any gap is filled."""

    origin: Origin
    draft: Draft
    model: str | None = None  # a name of the catalog
    vae: str | None = None  # the same, or OWN_VAE
    size: str | None = None  # "768x512", "3:2", "portrait"
    count: int | None = None
    best_of: int | None = None  # how many, the best of which is told
    seed: int | None = None  # as it was asked for: -1 is a fresh one, and 64 bits may be large
    parent: StoredPicture | None = None  # the picture that is being changed
    after: Recipe | None = None  # what hands on its settings; None: the parent's recipe
    assist: AssistMode | None = None  # whether to look for more words
    style: str | None = None  # a name of the style library
    preset: str | None = None  # a name of a preset
    words: Assisted | None = None  # words that were found and chosen already
    imported: Imported | None = None  # another picture's settings, which fill the gaps
    notes: tuple[str, ...] = ()  # what is to be said beside the pictures already
    flags: str = ""  # the parameters that its words held, spelled as in a reply


def sized(draft: Draft, size: str, family: Family) -> Draft:
    """The draft with a width and height from "768x512", "3:2" or "portrait".

    A shape keeps the model's native number of pixels, on its grid.  Raises OutOfRange.
    """
    if match := _SIZE.fullmatch(size):
        return replace(draft, canvas=DraftCanvas(width=int(match[1]), height=int(match[2])))
    ratio: tuple[float, float]
    if match := _RATIO.fullmatch(size):
        ratio = float(match[1]), float(match[2])
    elif size.strip().lower() in SHAPES:
        ratio = SHAPES[size.strip().lower()]
    else:
        raise OutOfRange(
            "size", size, f"such as {family.width}x{family.height}, 3:2, or {', '.join(SHAPES)}"
        )
    if 0 in ratio:
        raise OutOfRange("size", size, "two numbers above 0")
    width, height = shape(family, ratio[0], ratio[1])
    return replace(draft, canvas=DraftCanvas(width=width, height=height))


def shape(family: Family, across: float, down: float) -> tuple[int, int]:
    """Width and height on the family's grid with its native area and about this aspect ratio.

    Where the family cannot draw so long a shape, the nearest that it can.
    """
    area = family.width * family.height
    # Beyond 1:4 no model of ours was trained; a panorama is cropped to that.
    aspect = min(4.0, max(0.25, across / down))

    def on_grid(pixels: float) -> int:
        snapped = family.grid * max(1, round(pixels / family.grid))
        return max(snapped, family.min_side)

    return drawn_for(on_grid((area * aspect) ** 0.5), on_grid((area / aspect) ** 0.5), family)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Where the next seed comes from when none is named: in which way, and from which one."""

    mode: SeedMode = SeedMode.RANDOMIZE
    last: int | None = None

    def after(self, used: tuple[int, ...]) -> Counting:
        """The same, once these were drawn with."""
        last = used[-1] if self.mode is SeedMode.INCREMENT else used[0]
        return replace(self, last=last)


def seeds(
    asked: int | None, count: int, counting: Counting, dice: Callable[[], int]
) -> tuple[int, ...]:
    """The seeds of `count` pictures: consecutive, as every other tool numbers a batch.

    A seed of 64 bits is folded: the noise is a function of its low 32 bits, in ComfyUI too.
    """
    last = counting.last
    if asked is not None and asked != RANDOM_SEED:
        first = checked_seed(asked) % SEEDS
    elif asked or last is None or counting.mode is SeedMode.RANDOMIZE:
        first = dice() % SEEDS
    elif counting.mode is SeedMode.INCREMENT:
        first = last + 1
    elif counting.mode is SeedMode.DECREMENT:
        first = last - count
    else:
        first = last
    return tuple((first + i) % SEEDS for i in range(count))


def rerolled(before: Sequence[int], counting: Counting, dice: Callable[[], int]) -> tuple[int, ...]:
    """The seeds of the same pictures once more: where they stay fixed, their own."""
    if counting.mode is SeedMode.FIXED:
        return tuple(before)
    if counting.last is None:
        counting = counting.after(tuple(before))
    return seeds(None, len(before), counting, dice)


def seed_named(text: str) -> int:
    """A seed as people type it: a number of up to 64 bits, -1 or "random".  Raises OutOfRange."""
    typed = text.strip()
    if typed.casefold() == "random":
        return RANDOM_SEED
    if not _SEED.fullmatch(typed):
        raise OutOfRange(
            "seed", text, f"a whole number from 0 to {LARGEST_SEED}, or -1 for a fresh one"
        )
    return checked_seed(int(typed))


def checked_seed(seed: int) -> int:
    """The seed, if it can be taken.  Raises OutOfRange."""
    if seed != RANDOM_SEED and not 0 <= seed <= LARGEST_SEED:
        raise OutOfRange(
            "seed", seed, f"a whole number from 0 to {LARGEST_SEED}, or -1 for a fresh one"
        )
    return seed


def init_from(sha256: Sha256) -> Input:
    """A picture as the starting point of another one."""
    return Input(role="init", sha256=sha256, fit="cover")
