"""Reshaping: a picture varied, drawn further, or drawn anew in a part, as a wish.

    varied    the same words, settings and seed; noise on the arc to another seed's
    widened   more around it, on the sides that are named
    zoomed    the same size, with the picture smaller in its middle
    panned    the same size, with the picture moved: more on one side, less on the other
    masked    anew where a mask is white
    named     anew where a segmenter finds what words name, or all but that

Pure.  Invariant: what is not asked is the picture's own, whatever a person's settings say; the
sizes that come out are sizes that the picture's family draws.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.studio.wishes import Wish, init_from
from generation.draft import Draft, DraftCanvas, DraftSampling, DraftWords, said, usual_masking
from generation.errors import OutOfRange
from generation.families import sizes
from generation.families.model_family import Family
from generation.recipe import Input, Masking, Placement, Recipe, Sha256, Variation, Weights
from generation.tasks import IMAGE, Task
from storage.people import AssistMode
from storage.pictures import StoredPicture
from storage.requests import Origin

MOST_ZOOM, LEAST_ZOOM = 4.0, 1.1
USUAL_ZOOM = 1.5
USUAL_FACTOR = 2.0  # of an enlargement
USUAL_MORE = 0.5  # of the picture's side, on each side that it is drawn further


class Distance(StrEnum):
    """How far a variation goes."""

    SUBTLE = "subtle"
    STRONG = "strong"


# On the arc between the two seeds' noise; and for a picture that has no noise to vary, how much of
# it is redrawn.
ON_THE_ARC = {Distance.SUBTLE: 0.15, Distance.STRONG: 0.45}
REDRAWN = {Distance.SUBTLE: 0.35, Distance.STRONG: 0.65}

BEYOND = 1 / 64  # of the shorter side: how far beyond a region in words is drawn
_ALL_BUT = re.compile(
    r"(all|everything|anything|whatever|the rest)( else)?,? (but|except|besides|other than)( for)? "
    r"|not (?!only )|除了?|alles außer |tout sauf |todo menos |всё,? кроме ",
    re.IGNORECASE,
)

SIDES = ("left", "right", "up", "down")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The picture that is reshaped: one of ours, or one that somebody sent."""

    origin: Origin
    file: Sha256
    width: int
    height: int
    family: Family
    picture: StoredPicture | None = None
    own: tuple[int, int] | None = None  # the file's size, where the model draws in another
    medium: str = IMAGE  # a key of generation.media.table

    @property
    def recipe(self) -> Recipe | None:
        """How it was drawn, if it was drawn here."""
        return self.picture.recipe if self.picture is not None else None

    @property
    def start(self) -> Input:
        """The picture as the start of another one."""
        return init_from(self.file)


def varied(base: Base, distance: Distance, seed: int) -> Wish:
    """Another picture close by; `seed` is the one that it goes towards."""
    recipe = base.recipe
    if recipe is not None and "variations" in recipe.task.needs.optional:
        further = Variation(seed=seed, strength=ON_THE_ARC[distance])
        draft = replace(said(recipe), task=recipe.task, variations=(*recipe.variations, further))
        return _wish(base, draft, seed=recipe.seed)
    draft = Draft(
        words=_words(base, None),
        sampling=DraftSampling(denoise=REDRAWN[distance]),
        inputs=(base.start,),
    )
    return _wish(base, draft, seed=seed)


def widened(
    base: Base, sides: Collection[str], more: str | None, prompt: str | None = None
) -> Wish:
    """More around it on these sides, all four where none is named.  Raises OutOfRange.

    `more` is as people say it: "50 %" of the picture's side, "64 px"; half of it where it is None.
    """
    sides = tuple(sides) or SIDES
    grown = {side: _pixels(more, _side(base, side)) if side in sides else 0 for side in SIDES}
    # Off the grid the picture would have to be made smaller, and lose its own pixels.
    for first, second in (("left", "right"), ("up", "down")):
        if added := grown[first] + grown[second]:
            side = second if grown[second] else first
            grown[side] += -(_side(base, side) + added) % base.family.grid
    width = base.width + grown["left"] + grown["right"]
    height = base.height + grown["up"] + grown["down"]
    placed = Placement(left=grown["left"], top=grown["up"], width=base.width, height=base.height)
    return _further(base, width, height, placed, prompt)


def zoomed(base: Base, factor: float, prompt: str | None = None) -> Wish:
    """The same size, with the picture `factor` times smaller in its middle.  Raises OutOfRange."""
    if not LEAST_ZOOM <= factor <= MOST_ZOOM:
        raise OutOfRange("zoom", factor, f"{LEAST_ZOOM:g} to {MOST_ZOOM:g}")
    width, height = (max(1, round(side / factor)) for side in (base.width, base.height))
    placed = Placement(
        left=(base.width - width) // 2,
        top=(base.height - height) // 2,
        width=width,
        height=height,
    )
    return _further(base, base.width, base.height, placed, prompt)


def panned(base: Base, side: str, more: str | None, prompt: str | None = None) -> Wish:
    """The same size, as a camera that turns to that side sees it.  Raises OutOfRange."""
    length = _side(base, side)
    by = _pixels(more, length)
    if by >= length:
        raise OutOfRange("amount", more, f"1 to {length - 1} px, so that some of it stays")
    left, top = {"left": (by, 0), "right": (-by, 0), "up": (0, by), "down": (0, -by)}[side]
    placed = Placement(left=left, top=top, width=base.width, height=base.height)
    return _further(base, base.width, base.height, placed, prompt)


def masked(base: Base, mask: Sha256, prompt: str | None) -> Wish:
    """What is white in the mask, drawn anew; the picture's own words where none are given."""
    return _part(base, prompt, None, Input(role="mask", sha256=mask, fit="cover"))


def named(base: Base, region: str, segmenter: Weights, prompt: str | None) -> Wish:
    """What these words name, drawn anew; of "everything but the cat" all but that."""
    size = base.own or (base.width, base.height)
    return _part(base, prompt, masking_of(region, segmenter, size))


def masking_of(region: str, segmenter: Weights, size: tuple[int, int]) -> Masking:
    """The mask that these words mean in a picture of that size."""
    but = _ALL_BUT.match(region.strip())
    return replace(
        usual_masking(*size),
        # What finds it is coarse; of all but it, growing would give the thing itself away.
        grow=0 if but else round(min(size) * BEYOND),
        region=region.strip()[but.end() :] if but else region.strip(),
        segmenter=segmenter,
        inverse=True if but else None,
    )


def _part(base: Base, prompt: str | None, masking: Masking | None, *mask: Input) -> Wish:
    """In the picture's own size, whatever size is drawn: another one would change all of it."""
    width, height = base.own or (base.width, base.height)
    draft = Draft(
        task=Task.INPAINT,
        words=_words(base, prompt),
        canvas=DraftCanvas(width=width, height=height),
        sampling=_settings(base, Task.INPAINT),
        masking=masking,
        inputs=(base.start, *mask),
    )
    return _wish(base, draft, seed=_seed(base))


def _further(base: Base, width: int, height: int, placed: Placement, prompt: str | None) -> Wish:
    """On a canvas of about that size: as large as the family draws, the picture smaller with it."""
    across, down = _fitting(base, width, height)
    scale = min(across / width, down / height, 1.0)
    if scale < 1.0:
        placed = Placement(
            left=round(placed.left * scale),
            top=round(placed.top * scale),
            width=max(1, round(placed.width * scale)),
            height=max(1, round(placed.height * scale)),
        )
    draft = Draft(
        task=Task.OUTPAINT,
        words=_words(base, prompt),
        canvas=DraftCanvas(width=across, height=down),
        sampling=_settings(base, Task.OUTPAINT),
        placement=placed,
        inputs=(base.start,),
    )
    return _wish(base, draft, seed=_seed(base))


def _fitting(base: Base, width: int, height: int) -> tuple[int, int]:
    if sizes.fit(width, height, base.family):
        return width, height
    return sizes.nearest(width, height, base.family)


def _side(base: Base, side: str) -> int:
    return base.width if side in ("left", "right") else base.height


def _pixels(more: str | None, side: int) -> int:
    """So many pixels of that side as `more` says."""
    text = (more or "").replace(" ", "").casefold()
    try:
        if not text:
            pixels = side * USUAL_MORE
        elif text.endswith("%"):
            pixels = side * float(text[:-1]) / 100
        else:
            pixels = float(text.removesuffix("px").removesuffix("pixels"))
    except ValueError:
        raise OutOfRange("amount", more, "such as `50 %`, or `64 px`") from None
    if not 1 <= pixels <= 4 * side:  # also what is no number
        raise OutOfRange("amount", more, f"1 to {4 * side} px, or up to 400 %")
    return round(pixels)


def _words(base: Base, prompt: str | None) -> DraftWords:
    """The words that are given, or the picture's own; what it must not show is its own."""
    words = base.recipe.words if base.recipe is not None else None
    shown = prompt if prompt is not None else base.recipe.described if base.recipe else ""
    return DraftWords(
        prompt=shown, negative_prompt=words.negative_prompt if words is not None else None
    )


def _settings(base: Base, task: Task) -> DraftSampling:
    """How it was drawn, and as much drawn anew as is usual for the task."""
    settings = said(base.recipe).sampling if base.recipe is not None else DraftSampling()
    return replace(settings, denoise=base.family.denoise_for(task))


def _seed(base: Base) -> int | None:
    return base.recipe.seed if base.recipe is not None else None


def _wish(base: Base, draft: Draft, *, seed: int | None) -> Wish:
    return Wish(
        origin=base.origin,
        draft=draft,
        seed=seed,
        count=1,
        parent=base.picture,
        assist=AssistMode.OFF,
        style="",
    )
