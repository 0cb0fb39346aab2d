"""Editing and blending: a picture changed as it is told to, or several made into one, as a wish.

    edited     an instruction for a model that changes pictures, at the picture's own size
    blended    the shares of two to four pictures, and the words of all of them

Pure.  Invariant: an edit says all that its model reads, so that nothing that was meant for drawing
from words (a style, a negative prompt) gets into an instruction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.studio.wishes import Wish, init_from
from generation.draft import Draft, DraftCanvas, DraftSampling, DraftWords, usual_sparing
from generation.errors import OutOfRange
from generation.families import sizes
from generation.families.model_family import Family
from generation.recipe import Input, Recipe, Sha256
from generation.tasks import Task
from storage.people import AssistMode
from storage.pictures import StoredPicture
from storage.requests import Origin

FEWEST, MOST = 2, 4  # pictures of a blend
AS_USUAL = DraftSampling()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """A picture that goes into another: one of ours, or one that somebody sent."""

    file: Sha256
    width: int
    height: int
    picture: StoredPicture | None = None

    @property
    def recipe(self) -> Recipe | None:
        """How it was drawn, if it was drawn here."""
        return self.picture.recipe if self.picture is not None else None

    @property
    def described(self) -> str:
        """What it shows, as far as anybody said so."""
        return self.recipe.described if self.recipe is not None else ""

    @property
    def negative(self) -> str:
        """What it was not to show."""
        words = self.recipe.words if self.recipe is not None else None
        return words.negative_prompt if words is not None else ""


def edited(
    start: Ingredient,
    instruction: str,
    *,
    origin: Origin,
    model: str,
    shows: str | None = None,
    seed: int | None = None,
    sampling: DraftSampling = AS_USUAL,
    throughout: bool = False,
) -> Wish:
    """The picture as the instruction changes it, by a model that can (`Offers.editors`).

    `shows` is what the changed picture will show, in words; the next change begins with them.
    Without a seed it has the picture's own, if it has one.  What hardly changes stays as it is, bit
    for bit, but where the picture is to change `throughout`, as in another light.
    """
    own = start.recipe.seed if start.recipe is not None else None
    draft = Draft(
        task=Task.EDIT,
        words=DraftWords(prompt=instruction, negative_prompt=""),
        canvas=DraftCanvas(width=start.width, height=start.height),
        sampling=sampling,
        sparing=None if throughout else usual_sparing(start.width, start.height),
        inputs=(reference(start.file),),
        shows=shows,
    )
    return Wish(
        origin=origin,
        draft=draft,
        model=model,
        seed=seed if seed is not None else own,
        count=1,
        parent=start.picture,
        assist=AssistMode.OFF,
        style="",
    )


def reference(sha256: Sha256) -> Input:
    """A picture to look at; the first of an edit is the one that is changed."""
    return Input(role="reference", sha256=sha256, fit="cover")


def as_edit(wish: Wish, start: Input, width: int, height: int) -> Wish:
    """A wish for a model that changes pictures, with the picture that was meant as its start."""
    words = wish.draft.words
    draft = replace(
        wish.draft,
        task=Task.EDIT,
        words=replace(words, negative_prompt=words.negative_prompt or ""),
        canvas=wish.draft.canvas if wish.size else DraftCanvas(width=width, height=height),
        sparing=usual_sparing(width, height),
        inputs=(reference(start.sha256),),
    )
    return replace(wish, draft=draft, assist=AssistMode.OFF)


def blended(
    pictures: Sequence[Ingredient],
    shares: Sequence[float] = (),
    *,
    origin: Origin,
    family: Family,
    prompt: str | None = None,
    seed: int | None = None,
) -> Wish:
    """One picture of two to four, by their shares; none named: all count alike.

    The one that counts most decides size, seed and settings, the first of equals; the others are
    brought to its size.  The words are `prompt`, or those of all of them.  Raises OutOfRange.
    """
    if not FEWEST <= len(pictures) <= MOST:
        raise OutOfRange("pictures", len(pictures), f"{FEWEST} to {MOST}")
    counted = _shares(shares or [1.0] * len(pictures), len(pictures))
    leading = pictures[counted.index(max(counted))]
    width, height = sizes.drawn_for(leading.width, leading.height, family)
    draft = Draft(
        task=Task.BLEND,
        words=DraftWords(
            prompt=prompt if prompt is not None else _joined(one.described for one in pictures),
            negative_prompt=_joined(one.negative for one in pictures),
        ),
        canvas=DraftCanvas(width=width, height=height),
        shares=counted,
        inputs=tuple(init_from(one.file) for one in pictures),
    )
    own = leading.recipe.seed if leading.recipe is not None else None
    return Wish(
        origin=origin,
        draft=draft,
        seed=seed if seed is not None else own,
        count=1,
        parent=leading.picture,
        assist=AssistMode.OFF,
        style="",
    )


def _shares(said: Sequence[float], count: int) -> tuple[float, ...]:
    """So that they are 1 together, to four digits."""
    if len(said) != count:
        raise OutOfRange("shares", len(said), f"one for each of {count} pictures")
    if not all(math.isfinite(share) and share >= 0 for share in said) or not sum(said) > 0:
        raise OutOfRange(
            "shares", " ".join(f"{share:g}" for share in said), "such as 2 1, or 50 50"
        )
    return tuple(round(share / sum(said), 4) for share in said)


def _joined(texts: Iterable[str]) -> str:
    """Each once, in their order."""
    return ", ".join(dict.fromkeys(text.strip().rstrip(".,") for text in texts if text.strip()))
