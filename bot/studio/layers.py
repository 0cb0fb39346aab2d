"""Who fills in what nobody said: the layers of a request, from what was said to what is usual.

    said      the wish itself, and what its prompt carries of another program's settings
    parent    the picture that is being changed
    preset    the preset that the wish names, or that the person draws with there
    person    the person's own settings
    channel   the settings of the channel; of a thread, then those of its channel
    server    the settings of the server
    house     what the owner of the bot decided
    (LoRAs)   how those that are on want to be sampled (`bot.studio.sped_up`)
    card      what the model's card says is usual
    family    what is usual for every model of its kind

Each is a Draft, or a RequestDraft where it says more than a recipe holds; the first that says
anything counts (`generation.layers`).  What is not that simple is a function here: what a parent
hands on, and what was chosen without this model in mind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from bot.studio.wishes import OWN_VAE, Counting, Wish, sized
from generation.draft import (
    Checkpoint,
    Draft,
    DraftCanvas,
    DraftSampling,
    DraftWords,
    named,
    picked,
    said,
    usual_of_family,
)
from generation.draft_spans import NO_EXPERTS, NO_FORM, NO_MOTION, NO_SECOND, NO_SOUND
from generation.errors import OutOfRange
from generation.families import lengths, sizes
from generation.families.model_family import Family
from generation.layers import Filled
from generation.recipe import Recipe, Weights
from generation.tasks import Task
from storage.people import AssistMode, Preferences, SeedMode
from storage.words import Wording


class Whence(StrEnum):
    """Where a value comes from; the first that says one counts."""

    SAID = "said"
    PARENT = "parent"
    PRESET = "preset"
    PERSON = "person"
    CHANNEL = "channel"
    SERVER = "server"
    HOUSE = "house"
    CARD = "card"
    FAMILY = "family"


# Whoever chose without knowing which model it would be drawn with.
OF_NO_MODEL = (Whence.PRESET, Whence.PERSON, Whence.CHANNEL, Whence.SERVER, Whence.HOUSE)

Layers = Sequence[tuple[Whence, Draft]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDraft(Draft):
    """A draft with what is chosen for a request and stands in no recipe, or otherwise."""

    model: str | Checkpoint | None = None  # a name of the catalog, or what it names
    vae: str | Weights | None = None  # the same, or OWN_VAE
    count: int | None = None
    best_of: int | None = None  # the same, and the best of them is told
    style: str | None = None  # a name of the style library
    assist: AssistMode | None = None  # whether to look for more words
    seed_mode: SeedMode | None = None  # where the next seed comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What counts where a wish says nothing: what those around it like."""

    layers: Layers = ()  # preset, person, channel, server
    counting: Counting = field(default_factory=Counting)
    suffix: str = ""  # words that a preset puts behind those of every new picture
    notes: tuple[str, ...] = ()  # what of it is not here any more


NOBODY = Around()

FilledRequest = Filled[RequestDraft, Whence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """The recipes of a request, one per picture, and where they came from."""

    recipes: tuple[Recipe, ...]
    wording: Wording | None  # when an assistant found their words
    notes: tuple[str, ...] = ()  # what is to be said beside the pictures (`bot.studio.notes`)
    scorer: Weights | None = None  # by what the best of them is told
    whence: Mapping[str, Whence] = field(default_factory=dict)  # of each value: "sampling.steps"


def of_wish(wish: Wish, family: Family) -> RequestDraft:
    """What was said, with the size that its words mean for the family.  Raises Unacceptable."""
    draft = replace(wish.draft, sampling=named(wish.draft.sampling))
    if wish.size is not None and family.sized:
        draft = sized(draft, wish.size, family.in_passes(draft.second.passes))
    draft = lasting(draft, family)
    return _requested(
        draft,
        model=wish.model,
        vae=wish.vae,
        count=wish.count,
        best_of=wish.best_of,
        style=wish.style,
        assist=wish.assist,
    )


def lasting(draft: Draft, family: Family) -> Draft:
    """The draft with as many frames as its seconds are.  Raises OutOfRange for more than fit."""
    seconds, moving = draft.sound.seconds, family.moving
    if seconds is None or moving is None or draft.motion.frames is not None:
        return draft
    fps = draft.motion.fps or moving.fps
    if seconds * fps > moving.max_frames + moving.step:
        raise OutOfRange("seconds", seconds, f"up to {moving.max_frames / fps:g} seconds")
    frames = lengths.of_seconds(seconds, fps, family)
    return replace(draft, motion=replace(draft.motion, frames=frames))


def of_parent(parent: Recipe, checkpoint: Checkpoint | None) -> RequestDraft:
    """What the picture that is being changed hands on; with its checkpoint, also its VAE.

    The words are new, so the prompt is not handed on; nor is denoise, which said how much of an
    older picture to keep, nor that picture and how much of it was held, nor how it became this one:
    its mask, its place on the canvas, its shares, its variations.  Of an edit it is the size at
    which it was drawn alone: its model and settings draw from no words, but for another edit by the
    same `checkpoint`.
    """
    before = said(parent)
    if parent.task is Task.EDIT and checkpoint is None:
        return RequestDraft(canvas=picked(DraftCanvas, parent.drawn_at))
    draft = replace(
        before,
        words=replace(before.words, prompt=None),
        sampling=replace(before.sampling, denoise=None),
        motion=replace(before.motion, held=None),
        masking=None,
        placement=None,
        enlarging=None,
        sparing=None,
        variations=(),
        shares=(),
        shows=None,
        inputs=(),
    )
    vae = (parent.vae or OWN_VAE) if checkpoint is not None else None
    return _requested(draft, model=checkpoint, vae=vae)


def of_preferences(liked: Preferences) -> RequestDraft:
    """What somebody's settings say."""
    return RequestDraft(
        words=picked(DraftWords, liked),
        canvas=picked(DraftCanvas, liked),
        sampling=picked(DraftSampling, liked),
        model=liked.model,
        vae=liked.vae,
        count=liked.count or None,
        style=liked.style,
        assist=liked.assist,
        seed_mode=liked.seed_mode,
    )


def of_model(model: Checkpoint, task: Task | None = None) -> Layers:
    """What is usual for a model and a task: as its card says, and for its family."""
    card = _requested(model.usual, vae=model.vae)
    family = _requested(usual_of_family(model, task), vae=OWN_VAE, count=1)
    return ((Whence.CARD, card), (Whence.FAMILY, family))


def for_edits(layers: Layers) -> Layers:
    """What they say of how many pictures; how one is changed, its model alone says.

    Settings that somebody likes to draw with, and those of the picture that is changed, are another
    model's, and a style or a negative prompt has no place in an instruction.  Those of an edit that
    is made once more are its own.
    """
    return [
        (whence, layer)
        if whence is Whence.PARENT and layer.sampling.image_cfg is not None
        else (whence, RequestDraft(count=getattr(layer, "count", None)))
        for whence, layer in layers
    ]


def of_pictures(layers: Layers, makes: Callable[[str | Checkpoint], str], medium: str) -> Layers:
    """The layers for what is no picture: without what was chosen for pictures.

    Sizes, steps, samplers and counts that people like are those of their pictures; a preset or a
    setting whose own model makes that medium is about it.
    """
    return [
        (whence, layer)
        if whence is Whence.PARENT or _is_about(layer, makes, medium)
        else (whence, RequestDraft(assist=getattr(layer, "assist", None)))
        for whence, layer in layers
    ]


def _is_about(layer: Draft, makes: Callable[[str | Checkpoint], str], medium: str) -> bool:
    model = layer.model if isinstance(layer, RequestDraft) else None
    return model is not None and makes(model) == medium


def fitting(layers: Layers, family: Family, vae_fits: Callable[[str], bool]) -> Layers:
    """The layers, without what others chose for a model of another kind: sizes, VAEs.

    Of a parent's, which was drawn with a model, without what this one is not told.
    """
    return [
        (whence, _fitting(layer, family, vae_fits))
        if whence in OF_NO_MODEL
        else (whence, _told(layer, family) if whence is Whence.PARENT else layer)
        for whence, layer in layers
    ]


def _told(layer: Draft, family: Family) -> Draft:
    """The layer, without what a model of the family is not told."""
    said = layer.sampling
    fitting = replace(
        said,
        guidance=said.guidance if family.guidance is not None else None,
        shift=said.shift if family.flows else None,
    )
    return replace(
        layer,
        sampling=fitting,
        motion=layer.motion if _draws_so_many(layer, family) else NO_MOTION,
        experts=layer.experts if family.experts is not None else NO_EXPERTS,
        second=layer.second if family.second is not None else NO_SECOND,
        sound=layer.sound if family.sounding is not None else NO_SOUND,
        form=layer.form if family.shaping is not None else NO_FORM,
    )


def _draws_so_many(layer: Draft, family: Family) -> bool:
    frames, moving = layer.motion.frames, family.moving
    return moving is not None and (frames is None or lengths.fit(frames, moving))


def _fitting(layer: Draft, family: Family, vae_fits: Callable[[str], bool]) -> Draft:
    layer = _told(layer, family)
    width, height = layer.canvas.width, layer.canvas.height
    if width is not None and height is not None and not sizes.fit(width, height, family):
        layer = replace(layer, canvas=DraftCanvas())
    if isinstance(layer, RequestDraft) and isinstance(layer.vae, str) and not vae_fits(layer.vae):
        layer = replace(layer, vae=None)
    return layer


def _requested(draft: Draft, **chosen: Any) -> RequestDraft:
    """A draft, and what is chosen besides."""
    return RequestDraft(**{f.name: getattr(draft, f.name) for f in fields(Draft)}, **chosen)
