"""A draft: what a person asked for, with gaps; and the one place where the gaps are closed.

`complete` is pure: the seed and the model are arguments, so a draft can be completed again in a
test.  After it, no default is ever looked up for this picture again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from generation import draft_spans, enlarging, two_passes
from generation.draft_parts import check_parts, in_their_turns, with_parts
from generation.draft_spans import (
    DraftDice,
    DraftExperts,
    DraftForm,
    DraftMotion,
    DraftSecond,
    DraftSound,
)
from generation.errors import NotMadeFor, OutOfRange, WrongFamily
from generation.families import sizes
from generation.families.architecture import SERVES, Purpose
from generation.families.family import family
from generation.families.model_family import Family
from generation.layers import filled
from generation.names import USUAL
from generation.names import sampler as sampler_named
from generation.names import scheduler as scheduler_named
from generation.parameters import DENOISE, GUIDANCE, PARAMETERS, SHIFT, STEPS
from generation.recipe import (
    COMFY,
    PLAIN,
    Adapter,
    Canvas,
    Enlarging,
    Input,
    Masking,
    Placement,
    Recipe,
    Sampling,
    Sha256,
    Sparing,
    Variation,
    Weights,
    Words,
    needed,
)
from generation.samplers import TOKENS
from generation.sigmas import ZERO_SNR, expand, resolved, shifted
from generation.spans import TWICE
from generation.tasks import CONTROL, Needs, Task, task_for
from generation.texts import clean_text

SOFT = 1 / 64  # of a canvas's shorter side: how softly a masked part meets the rest

# Of shades that drift in an edit, as measured in docs/starter.md, and of what changes on purpose.
WITHIN = 8.0  # delta E
MOST = 0.6  # of a picture

MAX_ADAPTERS = 32  # one LoRA may stand there twice: its effects add up


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftWords:
    """A recipe's Words, as far as they can be said."""

    prompt: str | None = None
    negative_prompt: str | None = None
    syntax: str | None = None  # how it is read, where that is not as it is usual
    clip_skip: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftCanvas:
    """A recipe's Canvas, as far as it can be said."""

    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSampling:
    """A recipe's Sampling, as far as it can be said; its noise levels follow from it."""

    sampler: str | None = None
    scheduler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    image_cfg: float | None = None
    denoise: float | None = None
    guidance: float | None = None
    shift: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A recipe with gaps, section by section.  None, or an empty tuple, is a gap."""

    task: Task | None = None  # None: the first that is made of the inputs
    words: DraftWords = DraftWords()
    canvas: DraftCanvas = DraftCanvas()
    sampling: DraftSampling = DraftSampling()
    motion: DraftMotion = draft_spans.NO_MOTION
    experts: DraftExperts = draft_spans.NO_EXPERTS
    second: DraftSecond = draft_spans.NO_SECOND
    sound: DraftSound = draft_spans.NO_SOUND
    form: DraftForm = draft_spans.NO_FORM
    dice: DraftDice = draft_spans.NO_DICE
    # What nobody fills in: a task brings these whole.
    masking: Masking | None = None
    placement: Placement | None = None
    enlarging: Enlarging | None = None
    sparing: Sparing | None = None
    variations: tuple[Variation, ...] = ()
    shares: tuple[float, ...] = ()
    shows: str | None = None
    adapters: tuple[Adapter, ...] = ()
    inputs: tuple[Input, ...] = ()


UNSAID = Draft()

# What a task brings whole, and no layer fills in.
OF_A_TASK = (
    "task",
    "masking",
    "placement",
    "enlarging",
    "sparing",
    "variations",
    "shares",
    "shows",
)

SECTIONS = {
    "words": DraftWords,
    "canvas": DraftCanvas,
    "sampling": DraftSampling,
    "motion": DraftMotion,
    "experts": DraftExperts,
    "second": DraftSecond,
    "sound": DraftSound,
    "form": DraftForm,
    "dice": DraftDice,
}


def draft_of(said: Mapping[str, Any]) -> Draft:
    """The draft that says these parameters, by their names in the table."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for name, value in said.items():
        row = PARAMETERS[name]
        sections[row.section][row.field] = value
    return Draft(**{name: kind(**sections[name]) for name, kind in SECTIONS.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint of the catalog, as far as completing a draft needs it."""

    weights: Weights
    family: Family
    purpose: str | None = None  # what it alone is made for: a key of SERVES
    components: tuple[Weights, ...] = ()  # its text encoders that are files of their own
    vae_apart: Weights | None = None  # its VAE, where that is one
    vae: Weights | None = None
    enlarger: Weights | None = None  # of films in two passes alone: what enlarges between them
    levels: str | None = None  # the noise its file says it was trained with; None: its family's
    prediction: str | None = None  # what its card says, where the file says nothing or wrong
    noise: str | None = None  # the same
    usual: Draft = UNSAID  # what its card says is usual
    # Those that are a part of it where nobody names one of their kind.
    adapters: tuple[Adapter, ...] = ()
    dialect: str = ""  # what its card says that it wants to be spoken to in; empty: its family's

    @property
    def parts_apart(self) -> tuple[Weights, ...]:
        """The files that are its parts; its VAE is none where another takes its place."""
        own = self.vae_apart if self.vae is None else None
        return (*self.components, *((own,) if own else ()))

    @property
    def tasks(self) -> frozenset[Task]:
        """What is made with it."""
        return SERVES[self.purpose] if self.purpose is not None else self.family.tasks

    @property
    def able(self) -> Family:
        """The family, as far as files are here: in two passes only with what enlarges between."""
        return self.family if self.enlarger is not None else replace(self.family, second=None)

    @property
    def spoken_to(self) -> Family:
        """The family, with the dialect in which this model is spoken to."""
        return replace(self.family, dialect=self.dialect) if self.dialect else self.family


_NO_FAMILIES: Mapping[Sha256, str] = MappingProxyType({})


def complete(
    draft: Draft,
    model: Checkpoint,
    *,
    seed: int,
    device: str,
    families: Mapping[Sha256, str] = _NO_FAMILIES,
) -> Recipe:
    """Close every gap of the draft with what is usual for the model.

    `device` is "cuda", "mps" or "cpu" and decides the precision that is usual there; `families`
    are those of the adapters, as far as they are known.  Raises Unacceptable with the field, what
    was found and what is allowed.
    """
    family = model.family
    said = replace(draft, sampling=named(draft.sampling), adapters=_seeing(draft))
    task = _task(said, model, family)
    draft = filled(Draft, [("said", said), ("usual", usual_of(model, task))]).value
    draft = replace(draft, adapters=with_parts(draft.adapters, model.adapters))
    _check_adapters(draft.adapters, model, families)
    check_parts(draft.adapters, family, model.weights.name)
    second = draft_spans.second(draft.second, task.needs, family)
    components = model.parts_apart
    if second is not None:
        components = two_passes.with_enlarger(components, _enlarger(model))
    words, canvas, sampling = sections(draft, task.needs, model)
    roles = {one.role for one in draft.inputs}
    motion = draft_spans.motion(draft.motion, task.needs, roles, family)
    experts = draft_spans.experts(draft.experts, task.needs)
    return Recipe(
        task=task,
        family=family.name,
        checkpoint=model.weights,
        components=components,
        vae=model.vae,
        adapters=in_their_turns(draft.adapters, experts, second, family),
        inputs=draft.inputs,
        words=words,
        canvas=canvas,
        sampling=sampling,
        drawn=_drawn(canvas, task.needs, family) if canvas is not None else None,
        masking=_masking(draft, task.needs, canvas),
        placement=draft.placement,
        enlarging=_redrawn(draft.enlarging, canvas, family),
        sparing=draft.sparing,
        variations=draft.variations,
        shares=draft.shares,
        motion=motion,
        experts=experts,
        second=second,
        sound=draft_spans.sound(draft.sound, task.needs, family, motion),
        form=draft_spans.form(draft.form, task.needs, family),
        dice=draft_spans.dice(draft.dice, task.needs, family),
        shows=clean_text("description", draft.shows) if draft.shows is not None else None,
        seed=seed,
        precision=family.precision_cuda if device == "cuda" else family.precision_cpu,
    )


def sections(
    draft: Draft, needs: Needs, model: Checkpoint
) -> tuple[Words | None, Canvas | None, Sampling | None]:
    """The sections that a task needs, of a draft without gaps.  Raises Unacceptable."""
    has = (*needs.sections, *needs.optional)
    usual = model.family.in_passes(draft.second.passes)
    canvas = _canvas(draft, needs, usual) if "canvas" in has else None
    return (
        _words(draft.words, model.family) if "words" in has else None,
        canvas,
        _sampling(draft, needs, model, canvas) if "sampling" in has else None,
    )


def check_settings(draft: Draft, model: Checkpoint) -> None:
    """Raise Unacceptable where its settings cannot be drawn, whatever the words and the task."""
    sections(draft, Task.IMAGE_TO_IMAGE.needs, model)


def usual_of(model: Checkpoint, task: Task | None = None) -> Draft:
    """What is drawn with a model where nobody says otherwise: as its card says, then its family."""
    return filled(Draft, [("card", model.usual), ("family", usual_of_family(model, task))]).value


def usual_of_family(model: Checkpoint, task: Task | None = None) -> Draft:
    """What is usual for the model's family, under the noise that the model was trained with."""
    family = model.family
    return Draft(
        words=DraftWords(negative_prompt="", syntax=family.syntax, clip_skip=1),
        canvas=DraftCanvas(width=family.width or None, height=family.height or None),
        motion=picked(DraftMotion, family.moving),
        experts=picked(DraftExperts, family.experts),
        # How a second pass goes, and not that there is one.
        second=replace(picked(DraftSecond, family.second), passes=None),
        sound=picked(DraftSound, family.sounding),
        form=picked(DraftForm, family.shaping),
        dice=picked(DraftDice, family.dice),
        sampling=DraftSampling(
            sampler=family.sampler,
            # Karras's levels leave few steps below 100 when they begin at 4096.
            scheduler="sgm_uniform" if _noise(model).endswith(ZERO_SNR) else family.scheduler,
            steps=family.steps,
            cfg=family.cfg if task is not Task.EDIT else family.cfg_of_edits,
            image_cfg=family.image_cfg if task is Task.EDIT else None,
            denoise=family.denoise_for(task),
            guidance=family.guidance,
        ),
    )


def usual_masking(width: int, height: int) -> Masking:
    """How what is drawn meets what stays on a canvas of that size, where nobody says."""
    blur = round(min(width, height) * SOFT, 1)
    return Masking(grow=0, blur=blur, region=None, segmenter=None, threshold=None, inverse=None)


def usual_sparing(width: int, height: int) -> Sparing:
    """How much of a picture of that size an edit leaves as it was, where little is to change."""
    return Sparing(within=WITHIN, soft=max(1.0, round(min(width, height) * SOFT, 1)), most=MOST)


def _enlarger(model: Checkpoint) -> Weights:
    """What enlarges between two passes.  Raises NoEnlarger."""
    if model.enlarger is None:
        raise two_passes.lacking(model.weights.name, model.family.architecture)
    return model.enlarger


def _masking(draft: Draft, needs: Needs, canvas: Canvas | None) -> Masking | None:
    if draft.masking is not None or "masking" not in needs.sections:
        return draft.masking
    return usual_masking(needed(canvas).width, needed(canvas).height)


def _noise(model: Checkpoint) -> str:
    return model.noise or model.levels or model.family.noise


def _check_adapters(
    adapters: Sequence[Adapter], model: Checkpoint, families: Mapping[Sha256, str]
) -> None:
    usual = model.family
    if len(adapters) > MAX_ADAPTERS:
        raise OutOfRange("number of adapters", len(adapters), f"at most {MAX_ADAPTERS}")
    for adapter in adapters:
        theirs = families.get(adapter.weights.sha256, usual.name)
        if not usual.takes(adapter.kind, family(theirs)):
            title = family(theirs).title
            raise WrongFamily(
                adapter.kind, adapter.weights.name, title, model.weights.name, usual.title
            )


def _task(draft: Draft, model: Checkpoint, usual: Family) -> Task:
    prompt = draft.words.prompt or ""
    if not clean_text("prompt", prompt) and not draft.inputs:
        raise OutOfRange("prompt", prompt, "at least one word")
    task = task_of(draft, usual)
    if task is Task.EDIT and not clean_text("prompt", prompt):
        raise OutOfRange("prompt", prompt, "what is to be changed")
    check_purpose(model.weights.name, model.purpose, task, usual)
    check_references(draft.inputs, usual)
    free = uncontrolled(draft.inputs, draft.adapters)
    check_control(free, model.weights.name, model.purpose)
    return task


def task_of(draft: Draft, usual: Family) -> Task:
    """The task that it says, or else the family's first of such inputs.  Raises OutOfRange."""
    return draft.task or task_for((one.role for one in draft.inputs), usual.medium)


def _words(said: DraftWords, usual: Family) -> Words:
    clip_skip = needed(said.clip_skip)
    check_clip_skip(clip_skip, usual)
    return Words(
        prompt=clean_text("prompt", said.prompt or ""),
        negative_prompt=clean_text("negative prompt", needed(said.negative_prompt)),
        # Encoders that take no weights take none in any syntax.
        syntax=usual.syntax if usual.syntax == PLAIN else needed(said.syntax),
        clip_skip=clip_skip,
    )


def _canvas(draft: Draft, needs: Needs, usual: Family) -> Canvas:
    width, height = needed(draft.canvas.width), needed(draft.canvas.height)
    if draft.enlarging is not None:
        enlarging.check_canvas(width, height)
    elif not needs.any_size:
        sizes.check(width, height, usual)
    return Canvas(width=width, height=height)


def _drawn(canvas: Canvas, needs: Needs, usual: Family) -> Canvas | None:
    """The size at which a picture is drawn that the family does not draw as it is."""
    if not needs.any_size:
        return None
    edits_at = usual.architecture.edits_at if "reference" in needs.roles else None
    find = edits_at or partial(sizes.drawn_for, usual=usual)
    width, height = find(canvas.width, canvas.height)
    drawn = Canvas(width=width, height=height)
    return drawn if drawn != canvas else None


def _redrawn(how: Enlarging | None, canvas: Canvas | None, usual: Family) -> Enlarging | None:
    """In tiles of the size that the family was trained at, where nobody says other ones."""
    if how is None or canvas is None:
        return how
    if how.redrawn_tile is None:
        tile = min(usual.width, usual.height)
        shared = tile // 4 // usual.grid * usual.grid
        how = replace(how, redrawn_tile=tile, redrawn_overlap=shared)
    check_tiles(how, canvas, usual)
    return how


def check_tiles(how: Enlarging, canvas: Canvas, usual: Family) -> None:
    """Raise OutOfRange where the pieces that are drawn anew are none that the family draws."""
    width, height = enlarging.piece(how, canvas, usual.grid)
    sizes.check(width, height, usual)
    if (how.redrawn_overlap or 0) % usual.grid:
        raise OutOfRange("overlap", how.redrawn_overlap, f"a multiple of {usual.grid}")


def _sampling(draft: Draft, needs: Needs, model: Checkpoint, canvas: Canvas | None) -> Sampling:
    said = draft.sampling
    if model.family.dice is not None:
        return draft_spans.written(needed(said.cfg), needed(draft.sound.seconds))
    steps, sampler = needed(said.steps), needed(said.sampler)
    STEPS.check(steps)
    usual = said.scheduler == USUAL
    scheduler = needed(usual_of(model).sampling.scheduler if usual else said.scheduler)
    denoise = needed(said.denoise) if needs.redraws else 1.0
    DENOISE.check(denoise)
    check_distilled(said.guidance, said.shift, model.family)
    noise = resolved(_noise(model), pixels=_seen(draft, needs, model.family, canvas), steps=steps)
    if said.shift is not None:
        noise = shifted(noise, said.shift)
    sigmas = expand(sampler, scheduler, steps=steps, denoise=denoise, noise=noise)
    return Sampling(
        sampler=sampler,
        scheduler=scheduler,
        sigmas=sigmas,
        # Some schedules have fewer distinct levels than the steps asked for.
        steps=len(sigmas) - 1,
        cfg=float(needed(said.cfg)),
        denoise=float(denoise),
        prediction=model.prediction,
        noise=model.noise,
        image_cfg=_image_cfg(said, needs, model.family),
        guidance=float(said.guidance) if said.guidance is not None else None,
        shift=float(said.shift) if said.shift is not None else None,
    )


def check_distilled(guidance: float | None, shift: float | None, usual: Family) -> None:
    """Raise OutOfRange for what models of the family are not told, or have not."""
    for row, value, there in (
        (GUIDANCE, guidance, usual.guidance is not None),
        (SHIFT, shift, usual.flows),
    ):
        if value is not None:
            row.check(value)
        if value is not None and not there:
            raise OutOfRange(row.field, value, f"none for {usual.title}")


def _seen(draft: Draft, needs: Needs, usual: Family, canvas: Canvas | None) -> int:
    """How many the networks look at, on which the levels of some flows depend."""
    if canvas is None:
        return max(1, usual.width * usual.height)
    if (how := _redrawn(draft.enlarging, canvas, usual)) is not None:
        width, height = enlarging.piece(how, canvas, usual.grid)
        return width * height
    drawn = _drawn(canvas, needs, usual) or canvas
    if draft.second.passes == TWICE and usual.second is not None:
        drawn = two_passes.smaller(drawn)
    return usual.architecture.levels_by(drawn.pixels, draft.motion.frames or 1)


def _image_cfg(said: DraftSampling, needs: Needs, usual: Family) -> float | None:
    """Models without one leave it out: somebody's defaults may have it for others."""
    if said.image_cfg is None or usual.image_cfg is None or "reference" not in needs.roles:
        return None
    return float(said.image_cfg)


S = TypeVar("S")


def said(recipe: Recipe) -> Draft:
    """The draft that says all of a recipe that can be said.

    Where nothing is drawn over, no denoise was: that all of it is drawn stands in the recipe alone.
    """
    sampling = picked(DraftSampling, recipe.sampling)
    return Draft(
        words=_words_of(recipe),
        canvas=picked(DraftCanvas, recipe.canvas),
        sampling=sampling if recipe.task.needs.redraws else replace(sampling, denoise=None),
        motion=picked(DraftMotion, recipe.motion),
        experts=picked(DraftExperts, recipe.experts),
        second=picked(DraftSecond, recipe.second),
        sound=picked(DraftSound, recipe.sound),
        form=picked(DraftForm, recipe.form),
        dice=picked(DraftDice, recipe.dice),
        masking=recipe.masking,
        placement=recipe.placement,
        enlarging=recipe.enlarging,
        sparing=recipe.sparing,
        variations=recipe.variations,
        shares=recipe.shares,
        shows=recipe.shows,
        adapters=recipe.adapters,
        inputs=recipe.inputs,
    )


def _words_of(recipe: Recipe) -> DraftWords:
    """A recipe's words; how they are read is said only where somebody chose it."""
    words = picked(DraftWords, recipe.words)
    return words if words.syntax == COMFY else replace(words, syntax=None)


def picked(kind: type[S], source: object) -> S:
    """A draft's section, of what the source has by the same names."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # a section of a draft
    return kind(**{name: getattr(source, name, None) for name in names})


def check_purpose(model: str, purpose: str | None, task: Task, usual: Family) -> None:
    """Raise NotMadeFor where a checkpoint, or its whole family, is made for something else."""
    if purpose is not None and task not in SERVES.get(purpose, ()):
        raise NotMadeFor(model, purpose)
    if purpose is None and task not in usual.tasks:
        over = {Task.IMAGE_TO_IMAGE} & usual.tasks if task is Task.TEXT_TO_IMAGE else ()
        raise NotMadeFor(model, " or ".join(sorted(over or usual.tasks)))


def check_references(inputs: Sequence[Input], usual: Family) -> None:
    """Raise OutOfRange for more pictures than models of the family look at."""
    count = sum(one.role == "reference" for one in inputs)
    if count > usual.references:
        raise OutOfRange("pictures", count, f"at most {usual.references} for {usual.title}")


def _seeing(draft: Draft) -> tuple[Adapter, ...]:
    """The draft's adapters, without those whose control picture it has not."""
    there = {n for n, one in enumerate(draft.inputs) if one.role == CONTROL}
    return tuple(a for a in draft.adapters if a.control is None or a.control.input in there)


def uncontrolled(inputs: Sequence[Input], adapters: Sequence[Adapter]) -> tuple[Input, ...]:
    """The inputs that no adapter looks at: the model itself does."""
    taken = {adapter.control.input for adapter in adapters if adapter.control is not None}
    return tuple(one for number, one in enumerate(inputs) if number not in taken)


def check_control(inputs: Sequence[Input], model: str, purpose: str | None) -> None:
    """Raise NotMadeFor for a control picture that nothing looks at, or where one is missing."""
    count = sum(one.role == CONTROL for one in inputs)
    looks, given = purpose == Purpose.CONTROL, count > 0
    if looks and count > 1:
        raise OutOfRange("control pictures", count, "one for this model")
    if looks and not given:
        raise NotMadeFor(model, Purpose.CONTROL)
    if given and not looks:
        raise NotMadeFor(model, "pictures without a control picture")


def check_clip_skip(clip_skip: int, usual: Family) -> None:
    """Raise OutOfRange where the family's text encoder has not so many layers."""
    if not 1 <= clip_skip <= usual.clip_layers:
        raise OutOfRange("clip_skip", clip_skip, f"1 to {usual.clip_layers} for {usual.title}")


def named(said: DraftSampling) -> DraftSampling:
    """With a sampler and a scheduler in our names, whoever's names they were given in.

    A scheduler that is asked for as the usual one stays so, whatever a person's settings say; one
    in the sampler's name ("DPM++ 2M Karras") is what is meant when no other is named.  Raises
    NoSuchName.
    """
    if said.sampler == TOKENS:  # handed on by a sound that was written so
        said = replace(said, sampler=None, scheduler=None)
    sampler = sampler_named(said.sampler) if said.sampler is not None else None
    scheduler = said.scheduler
    if scheduler is not None:
        scheduler = scheduler_named(scheduler) or USUAL
    elif sampler is not None:
        scheduler = sampler.scheduler
    return replace(said, sampler=sampler.name if sampler else None, scheduler=scheduler)
