"""Saved drafts: what a preset holds, as JSON that every later release reads.

    a picture's recipe, or given options  ▶  SavedDraft  ⇄  text      SavedDraft  ▶  a layer

Pure.  Invariant: whatever was saved is in the layer, or noted as no longer here; a new field is
`| None` or a tuple, so that older texts are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TypeVar

from bot.studio import notes
from bot.studio.layers import RequestDraft
from bot.studio.offers import Offers
from bot.studio.wishes import OWN_VAE
from generation import names
from generation.draft import UNSAID, DraftCanvas, DraftSampling, DraftWords, picked
from generation.errors import OutOfRange, Unacceptable
from generation.recipe import Adapter, Recipe, Weights
from generation.spelling import at_most, plain, read
from prompting.errors import PromptingError
from storage.people import AssistMode

T = TypeVar("T")

LONGEST_SUFFIX = 500  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDraft:
    """A draft with gaps.  Of its words, the prompt is never said."""

    words: DraftWords = UNSAID.words
    canvas: DraftCanvas = UNSAID.canvas
    sampling: DraftSampling = UNSAID.sampling
    adapters: tuple[Adapter, ...] = ()
    model: Weights | None = None
    vae: str | None = None  # a name of the catalog, or OWN_VAE
    count: int | None = None
    best_of: int | None = None
    style: str | None = None
    assist: AssistMode | None = None
    suffix: str | None = field(default=None, metadata=at_most(LONGEST_SUFFIX))

    def dump(self) -> str:
        """As it is kept."""
        return json.dumps(plain(self), ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> SavedDraft:
        """As it was kept."""
        return read(cls, json.loads(text), kept=True)

    def over(self, other: SavedDraft) -> SavedDraft:
        """What this one says, and else the other."""
        found = {}
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if each.name in ("words", "canvas", "sampling"):
                said = {f.name: getattr(mine, f.name) for f in fields(mine)}
                given = {name: value for name, value in said.items() if value is not None}
                found[each.name] = replace(theirs, **given)
            else:
                found[each.name] = theirs if mine is None or mine == () else mine
        return SavedDraft(**found)


def of_picture(recipe: Recipe, *, negative: str, style: str | None) -> SavedDraft:
    """What another picture is drawn with to be like that one: all but its words and its seed.

    `negative` and `style` are the person's own.  Raises OutOfRange where nothing was drawn.
    """
    if recipe.sampling is None or recipe.words is None:
        raise OutOfRange("picture", "one that was only made larger", "one that was drawn")
    sampling = replace(picked(DraftSampling, recipe.sampling), denoise=None)
    return SavedDraft(
        words=DraftWords(negative_prompt=negative or None, clip_skip=recipe.words.clip_skip),
        canvas=picked(DraftCanvas, recipe.drawn_at),
        sampling=sampling,
        adapters=tuple(a for a in recipe.adapters if a.kind == "lora" and a.control is None),
        model=recipe.checkpoint,
        vae=recipe.vae.name if recipe.vae is not None else OWN_VAE,
        style=style,
    )


def layer_of(saved: SavedDraft, offers: Offers) -> tuple[RequestDraft, tuple[str, ...]]:
    """The layer that it is for a wish, and what of it is not here any more."""
    gone: list[str] = []

    def here(what: str, name: str, find: Callable[[], T]) -> T | None:
        try:
            return find()
        except (Unacceptable, PromptingError):
            gone.append(notes.vanished(what, name))
            return None

    adapters = [
        here("lora", adapter.weights.name, partial(_put_on, adapter, offers))
        for adapter in saved.adapters
    ]
    model, vae, style = saved.model, saved.vae, saved.style
    sampler, scheduler = saved.sampling.sampler, saved.sampling.scheduler
    sampling = replace(
        saved.sampling,
        sampler=here("sampler", sampler, partial(_sampler, sampler)) if sampler else None,
        scheduler=here("scheduler", scheduler, partial(_scheduler, scheduler))
        if scheduler
        else None,
    )
    draft = RequestDraft(
        words=replace(saved.words, prompt=None),
        canvas=saved.canvas,
        sampling=sampling,
        adapters=tuple(adapter for adapter in adapters if adapter is not None),
        model=here("model", model.name, partial(_model, model, offers)) if model else None,
        vae=here("vae", vae, partial(_vae, vae, offers)) if vae else None,
        count=saved.count,
        best_of=saved.best_of,
        style=here("style", style, partial(_style, style, offers)) if style else None,
        assist=saved.assist,
    )
    return draft, tuple(gone)


def _model(weights: Weights, offers: Offers) -> str:
    """The checkpoint's name here, whatever it was called then."""
    for entry in offers.catalog.models():
        if entry.weights.sha256 == weights.sha256:
            return entry.name
    return offers.catalog.find(weights.name).name


def _put_on(adapter: Adapter, offers: Offers) -> Adapter:
    known = offers.catalog.known(adapter.weights)
    entry = known if known is not None else offers.catalog.find(adapter.weights.name, "lora")
    return replace(adapter, weights=entry.weights)


def _sampler(name: str) -> str:
    return names.sampler(name).name


def _scheduler(name: str) -> str:
    names.scheduler(name)
    return name


def _vae(name: str, offers: Offers) -> str:
    offers.check_vae(name)
    return name


def _style(name: str, offers: Offers) -> str:
    return offers.styles.named(name).name
