"""Recalling: a stored picture with all that the next reply builds on.

Invariant: words and negative are the person's own, as they were drawn; a style and what an
assistant added beside them are known apart, where they were kept apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.studio.answered import Answered, NamedLora
from bot.studio.phrasing import Phrasing
from generation.media.table import medium_of
from generation.recipe import Recipe, Sha256
from generation.tasks import Task
from storage.pictures import StoredPicture
from storage.revisions import Revision
from storage.stores import Stores
from storage.words import Wording

MOST_STEPS = 100  # that are looked back

WORDLESS = (Task.EDIT, Task.UPSCALE)  # tasks whose prompt does not say what is to be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A picture, what it says of itself, and how it came about."""

    recipe: Recipe
    file: Sha256  # its bytes, among those that are kept
    answered: Answered
    drawn_by: Recipe | None = None  # the last in its history that draws from words
    picture: StoredPicture | None = None  # None: somebody sent it
    known: bool = True  # whether the recipe is what it was drawn by
    wording: Wording | None = None
    revision: Revision | None = None


class Recall:
    """Looks up what was kept with a picture."""

    def __init__(self, stores: Stores, phrasing: Phrasing) -> None:
        self._stores, self._phrasing = stores, phrasing

    async def of(self, picture: StoredPicture, *, count: int = 1) -> Recalled:
        """The picture as a reply finds it, in a message that shows `count`."""
        wording = await self._stores.words.of_picture(picture.id)
        request = await self._stores.tickets.request(picture.request)
        parent = picture.parent and await self._stores.pictures.find(picture.parent)
        drawn_by = await self._drawn_by(picture)
        own = self._phrasing.own_words(picture.recipe, wording)
        style = (wording.assisted.style or None) if wording else None
        return Recalled(
            recipe=picture.recipe,
            file=picture.png_sha256,
            picture=picture,
            drawn_by=drawn_by,
            answered=answered_of(
                picture.recipe,
                # What was enlarged has no words of its own.
                prompt=own or picture.words,
                negative=wording.own_negative if wording else _negative(drawn_by),
                style=style,
                count=count,
                before=parent.recipe.prompt if parent else None,
            ),
            wording=wording,
            revision=request.revision,
        )

    async def _drawn_by(self, picture: StoredPicture) -> Recipe | None:
        """The recipe whose model and settings a change goes on with: an edit's draw no words."""
        for _ in range(MOST_STEPS):
            if picture.recipe.task not in WORDLESS and picture.recipe.sampling is not None:
                return picture.recipe
            before = picture.parent and await self._stores.pictures.find(picture.parent)
            if not before:
                return None
            picture = before
        return None


def _lasting(recipe: Recipe) -> dict[str, Any]:
    """How long a clip or a sound is, and how fast."""
    found: dict[str, Any] = {}
    if (sound := recipe.sound) is not None:
        found |= {"seconds": sound.seconds, "bpm": sound.bpm}
    if (motion := recipe.motion) is not None:
        found |= {"seconds": motion.seconds, "frames": motion.frames, "fps": motion.fps}
    if recipe.second is not None:
        found["passes"] = recipe.second.passes
    return found


def _negative(recipe: Recipe | None) -> str | None:
    words = recipe.words if recipe is not None else None
    return words.negative_prompt if words is not None else None


def answered_of(
    recipe: Recipe,
    *,
    prompt: str,
    negative: str | None,
    style: str | None,
    count: int = 1,
    before: str | None = None,
) -> Answered:
    """What a recipe says, in plain values; negative None: the recipe's."""
    words, canvas, sampling = recipe.words, recipe.canvas, recipe.sampling
    own = (words.negative_prompt if words else "") if negative is None else negative
    return Answered(
        family=recipe.family,
        prompt=prompt,
        medium=medium_of(recipe).name,
        negative=own,
        style=style,
        width=canvas.width if canvas else 0,
        height=canvas.height if canvas else 0,
        steps=sampling.steps if sampling else None,
        cfg=sampling.cfg if sampling else None,
        sampler=sampling.sampler if sampling else None,
        scheduler=sampling.scheduler if sampling else None,
        denoise=sampling.denoise if sampling else None,
        clip_skip=words.clip_skip if words else None,
        **_lasting(recipe),
        seed=recipe.seed,
        count=count,
        model=recipe.checkpoint.name if recipe.checkpoint is not None else None,
        loras=tuple(
            NamedLora(name=a.weights.name, strength=a.strength, expert=a.expert)
            for a in recipe.adapters
            if a.kind == "lora"
        ),
        before=before,
        redraws=recipe.task.needs.redraws,
    )
