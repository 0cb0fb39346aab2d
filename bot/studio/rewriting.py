"""Rewriting: the words and settings of a picture, changed by hand in a form, as a wish.

Pure.  Invariant: what was not changed in the form stays what it was, whatever a person's own
settings say; and a form in which nothing was changed asks for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.studio.phrasing import NothingNew
from bot.studio.wishes import Wish, init_from, seed_named
from generation.draft import DraftCanvas, DraftSampling, DraftWords, said
from generation.errors import OutOfRange
from generation.parameters import DENOISE
from generation.recipe import Recipe
from prompting.changes import understand
from prompting.changing.intents import ShownPicture
from prompting.changing.rewording import reworded
from storage.people import AssistMode
from storage.pictures import StoredPicture
from storage.requests import Origin

FIELD = 4000  # characters that a field of a form holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """What stands in the form."""

    prompt: str
    negative: str
    seed: str
    size: str
    strength: str  # how much is drawn anew; nothing where nothing is drawn over


def written_of(recipe: Recipe) -> Rewriting:
    """What was said of a picture, for the form.  Raises OutOfRange where it does not fit into one.

    Words that were cut would be lost when the form comes back.
    """
    if recipe.words is None:
        raise OutOfRange("picture", "one without words", "one that was drawn from words")
    words, canvas = recipe.words, recipe.canvas
    for name, text in (("prompt", words.prompt), ("negative prompt", words.negative_prompt)):
        if len(text) > FIELD:
            raise OutOfRange(
                name,
                f"{len(text)} characters",
                f"at most {FIELD} characters for a form; a reply or `/imagine` takes it whole",
            )
    return Rewriting(
        prompt=words.prompt,
        negative=words.negative_prompt,
        seed=str(recipe.seed),
        size=f"{canvas.width}x{canvas.height}" if canvas is not None else "",
        strength=f"{recipe.sampling.denoise:g}" if recipe.sampling is not None else "",
    )


def rewritten(picture: StoredPicture, form: Rewriting, origin: Origin, *, base: str = "") -> Wish:
    """The wish for the picture as the form has it now.

    It starts from what the picture itself started from.  One that was drawn from words alone is
    itself the start as soon as less than all of it is to be drawn anew.  `base` are the words of
    that start, where they are known: what an edit shows follows from them and the instruction.
    Raises OutOfRange, and NothingNew where nothing was changed.
    """
    if form == written_of(picture.recipe):
        raise NothingNew("form")
    return _drawn_as(picture, form, origin, base)


def as_it_was(picture: StoredPicture, origin: Origin) -> Wish:
    """The wish for the picture as it is, to be said otherwise in something.

    Raises OutOfRange for one that was drawn from no words.
    """
    return _drawn_as(picture, written_of(picture.recipe), origin, "")


def _drawn_as(picture: StoredPicture, form: Rewriting, origin: Origin, base: str) -> Wish:
    recipe, before = picture.recipe, written_of(picture.recipe)
    strength = _strength(form.strength or before.strength)
    draft = replace(
        said(recipe),
        task=recipe.task,
        words=DraftWords(prompt=form.prompt, negative_prompt=form.negative),
        canvas=DraftCanvas(),
        sampling=DraftSampling(denoise=strength),
        shows=_shown_by(recipe, form.prompt, base),
    )
    if not recipe.task.needs.redraws:
        if strength is not None and strength < 1:
            draft = replace(draft, task=None, inputs=(init_from(picture.png_sha256),))
        else:
            draft = replace(draft, sampling=DraftSampling())  # there is nothing to draw over
    return Wish(
        origin=origin,
        draft=draft,
        size=form.size or before.size or None,
        seed=seed_named(form.seed or before.seed),
        count=1,
        parent=picture,
        # The words stand there as they are to be drawn.
        assist=AssistMode.OFF,
        style="",
    )


def _shown_by(recipe: Recipe, prompt: str, base: str) -> str | None:
    """What the picture shows, where it is told something else than before."""
    if recipe.shows is None or prompt == recipe.prompt:
        return recipe.shows
    if recipe.shows == recipe.prompt:
        return prompt  # it was told all that it shows, and is again
    base = base or recipe.shows
    intents = understand(prompt, ShownPicture(prompt=base)).intents
    changes = tuple(change for intent in intents for change in intent.changes)
    style = next((intent.style for intent in intents if intent.style), None)
    if not changes and style is None:
        return prompt
    return reworded(base, "", changes, style).prompt


def _strength(typed: str) -> float | None:
    if not typed:
        return None
    try:
        strength = float(typed.replace(",", "."))
    except ValueError:
        raise OutOfRange("strength", typed, f"a number from {DENOISE.range}") from None
    DENOISE.check(strength)
    return strength
