"""From a picture and a factor to the wish that makes it larger, and to its recipe.

    larger(wish, start, facts, Larger(factor=2.0), offers) -> Wish      for `Requests.submit`
    Requests.enlarge(data, wish, Larger(...)) -> Request                keeps the bytes, and submits

`wish` says who asks (`origin`) and which picture it is (`parent`, where it is one of ours; `after`,
where another recipe has its words and model, as for one that was enlarged before); `start`
and `facts` are what `Requests.keep_input` gives for its bytes.  `Larger.upscaler` is a name of the
catalog, LANCZOS for no network at all, or None for what is usual here; `Larger.redraw` is how much
is drawn over afterwards, None for nothing: the very same pixels.

The invariant: nothing but the size, and what is drawn over, differs from the picture, and a clip
keeps its sound; where nothing is drawn no model is asked, and there is nothing that a seed or
words could change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.studio.layers import Drafted
from bot.studio.offers import Offers
from bot.studio.wishes import Wish
from generation import enlarging
from generation.draft import Draft, DraftCanvas, complete
from generation.draft import said as said_of
from generation.draft_enlarged import enlarged
from generation.draft_spans import NO_SOUND, DraftMotion, DraftSound
from generation.errors import OutOfRange
from generation.media.clips import ClipFacts
from generation.media.photos import InputFacts
from generation.media.sounds import MIN_SECONDS
from generation.parameters import MAX_SECONDS
from generation.recipe import Enlarging, Input, Recipe
from generation.spans import MAX_CHANNELS, MAX_FPS, RATES, Sound
from generation.tasks import Task
from storage.people import AssistMode

USUAL_FACTOR = 2.0
LANCZOS = "lanczos"  # in place of an upscaler's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Larger:
    """How much larger, and how."""

    factor: float
    upscaler: str | None = None
    redraw: float | None = None  # `generation.enlarging.DENOISE` is little


def larger(wish: Wish, start: Input, facts: InputFacts, asked: Larger, offers: Offers) -> Wish:
    """The wish for that picture, so many times as large.  Raises OutOfRange, NoSuchName."""
    width, height = enlarging.enlarged_size(facts.width, facts.height, asked.factor)
    said = wish.draft.words.prompt
    shown = said or (wish.parent.recipe.described if wish.parent is not None else None) or None
    draft = replace(
        wish.draft,
        task=Task.UPSCALE,
        canvas=DraftCanvas(width=width, height=height),
        sampling=replace(wish.draft.sampling, denoise=asked.redraw),
        enlarging=_way(asked.upscaler, offers),
        inputs=(start,),
        # Whoever draws over it reads these words; else nobody does, and people are told them.
        words=replace(wish.draft.words, prompt=shown if asked.redraw is not None else None),
        shows=shown if asked.redraw is None else None,
    )
    return replace(wish, draft=draft, count=1, assist=AssistMode.OFF)


def larger_clip(wish: Wish, start: Input, facts: ClipFacts, asked: Larger, offers: Offers) -> Wish:
    """The wish for that clip, so many times as large.  Raises OutOfRange, NoSuchName."""
    if asked.redraw is not None:
        raise OutOfRange("redraw", asked.redraw, "nothing of a clip")
    ours = wish.parent.recipe.motion if wish.parent is not None else None
    fps = ours.fps if ours is not None else round(min(facts.fps, MAX_FPS), 3)
    frames = ours.frames if ours is not None else max(1, round(facts.seconds * fps))
    width, height = enlarging.enlarged_size(facts.width, facts.height, asked.factor)
    enlarging.check_clip(width, height, frames)
    shown = wish.draft.words.prompt
    if shown is None and wish.parent is not None:
        shown = wish.parent.recipe.described
    draft = Draft(
        task=Task.UPSCALE_VIDEO,
        canvas=DraftCanvas(width=width, height=height),
        motion=DraftMotion(frames=frames, fps=fps),
        sound=_kept(facts, wish.parent.recipe.sound if wish.parent else None, frames / fps),
        enlarging=_way(asked.upscaler, offers),
        inputs=(start,),
        shows=shown or None,
    )
    return replace(wish, draft=draft, count=1, assist=AssistMode.OFF)


def _kept(facts: ClipFacts, ours: Sound | None, seconds: float) -> DraftSound:
    """The sound of a clip, where it has one: as it is, or as near as a recipe can say it."""
    if not facts.sound or seconds < MIN_SECONDS:
        return NO_SOUND
    least, most = RATES
    return DraftSound(
        seconds=min(seconds, MAX_SECONDS),
        rate=ours.rate if ours is not None else min(max(facts.rate, least), most),
        channels=ours.channels if ours is not None else min(facts.channels, MAX_CHANNELS),
    )


def drafted(wish: Wish, offers: Offers, *, device: str) -> Drafted | None:
    """The recipe of a wish for more pixels; None where the usual fold finds it, as for any other.

    Raises Unacceptable.
    """
    if wish.draft.task not in (Task.UPSCALE, Task.UPSCALE_VIDEO):
        return None
    recipe = _recipe(wish, offers, device)
    if recipe is None:
        return None
    return Drafted(recipes=(recipe,), wording=None, notes=wish.notes)


def _recipe(wish: Wish, offers: Offers, device: str) -> Recipe | None:
    if wish.draft.sampling.denoise is None:
        return enlarged(wish.draft)
    before = wish.after or (wish.parent.recipe if wish.parent is not None else None)
    model = offers.checkpoint_of(before) if before is not None and wish.model is None else None
    if before is None or model is None:
        return None  # drawn over from words that are said now
    return complete(
        _drawn_over(wish.draft, before),
        model,
        seed=before.seed if wish.seed is None else wish.seed,
        device=device,
        families=offers.catalog.families(),
    )


def _drawn_over(asked: Draft, before: Recipe) -> Draft:
    """All that the picture was drawn with, over itself and larger."""
    whole = said_of(before)
    return replace(
        asked,
        words=replace(whole.words, prompt=asked.words.prompt or before.described),
        sampling=replace(whole.sampling, denoise=asked.sampling.denoise),
        adapters=whole.adapters,
    )


def _way(name: str | None, offers: Offers) -> Enlarging:
    """How it is done by what is called so.  Raises NoSuchName."""
    if name is not None and name.strip().casefold() == LANCZOS:
        return enlarging.plain()
    found = offers.upscaler(name)
    return enlarging.plain(found.weights, found.factor) if found is not None else enlarging.plain()
