"""What a recipe must satisfy to be drawn for somebody, whoever wrote it.

`draft.complete` makes recipes that do; a PNG may carry one that a stranger made up.  The invariant:
a recipe that passes costs no more than one that could be asked for here, is drawn with weights that
are here, and carries the names that we gave them and not those that the stranger did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from generation import draft_spans
from generation.draft import (
    MAX_ADAPTERS,
    check_clip_skip,
    check_control,
    check_distilled,
    check_purpose,
    check_references,
    check_tiles,
    uncontrolled,
)
from generation.draft_parts import check_parts
from generation.enlarging import MAX_UPSCALER_TILE, check_canvas, check_clip
from generation.errors import NoSuchName, NotPresent, OutOfRange, WrongFamily
from generation.families import sizes
from generation.families.family import FAMILIES, family
from generation.families.model_family import Family
from generation.media.photos import FITS, MAX_PIXELS
from generation.media.preprocessors import PREPROCESSORS
from generation.parameters import DENOISE, NEGATIVE, PROMPT, STEPS
from generation.recipe import (
    NO_WEIGHTS,
    SYNTAXES,
    Adapter,
    Canvas,
    Enlarging,
    Masking,
    Recipe,
    Sampling,
    Sha256,
    Weights,
    Words,
    needed,
)
from generation.samplers import SAMPLERS, SCHEDULERS, TOKENS
from generation.schedule_rules import schedule_rule
from generation.sigmas import strongest
from generation.tasks import CONTROLNET, MOTION, Task
from generation.two_passes import lacking, passes

# A schedule may have more levels than the steps that were asked for: of ddim_uniform, at 145, 167.
MAX_LEVELS = STEPS.high + 25
ADAPTERS = ("lora", "embedding", CONTROLNET, MOTION)
_ROUNDED = 1.0 + 1e-5  # levels are spelled with seven digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Weights that lie here."""

    kind: str
    weights: Weights  # under our name
    family: str  # "" where nobody knows
    purpose: str | None = None  # what a checkpoint alone is made for
    noise: str | None = None  # a checkpoint's, for recipes that say none; None: its family's


Here = Mapping[Sha256, Present]


def for_somebody(recipe: Recipe, here: Here) -> Recipe:
    """The recipe as it may be queued: with our names for its weights.

    Raises Unacceptable with the field, what was found and what is allowed.
    """
    if recipe.sampling is None:
        return _undrawn(recipe, here)
    usual = family(_known("family", recipe.family, tuple(FAMILIES)))
    model = _present("checkpoint", recipe.checkpoint, usual, here)
    check_purpose(model.weights.name, model.purpose, recipe.task, usual)
    _check_task(recipe)
    if recipe.shows is not None:
        PROMPT.check(recipe.shows, "description")
    if recipe.words is not None:
        _check_words(recipe.words, usual)
    if recipe.second is not None and usual.second is None:
        raise OutOfRange("passes", recipe.second.passes, f"1 for {usual.title}")
    if recipe.second is not None and not recipe.components:
        raise lacking(model.weights.name, usual.architecture)
    if recipe.canvas is not None:
        _check_canvas(recipe.canvas, recipe, usual)
    draft_spans.check(recipe, usual)
    for each in passes(recipe):
        _check_sampling(needed(each.sampling), recipe.task, model.noise or usual.noise)
    check_distilled(recipe.sampling.guidance, recipe.sampling.shift, usual)
    check_references(recipe.inputs, usual)
    free = uncontrolled(recipe.inputs, recipe.adapters)
    check_control(free, model.weights.name, model.purpose)
    return replace(
        recipe,
        checkpoint=model.weights,
        components=tuple(_part(part, usual, here) for part in recipe.components),
        vae=_present("vae", recipe.vae, usual, here).weights if recipe.vae is not None else None,
        adapters=_adapters(recipe, usual, here),
        masking=_masking(recipe.masking, usual, here),
        enlarging=_enlarging(recipe.enlarging, here),
    )


def _undrawn(recipe: Recipe, here: Here) -> Recipe:
    """One in which nothing is drawn: a picture with more pixels."""
    _check_task(recipe)
    if recipe.shows is not None:
        PROMPT.check(recipe.shows, "description")
    if recipe.canvas is not None:
        frames = recipe.motion.frames if recipe.motion is not None else 1
        check_clip(recipe.canvas.width, recipe.canvas.height, frames)
    return replace(
        recipe, checkpoint=NO_WEIGHTS, enlarging=_enlarging(recipe.enlarging, here), seed=0
    )


def _check_canvas(canvas: Canvas, recipe: Recipe, usual: Family) -> None:
    if recipe.enlarging is not None:
        check_canvas(canvas.width, canvas.height)
        check_tiles(recipe.enlarging, canvas, usual)
        return
    second = recipe.second
    usual = usual.in_passes(second.passes if second is not None else None)
    sizes.check(recipe.drawn_at.width, recipe.drawn_at.height, usual)
    if canvas.pixels > MAX_PIXELS:
        raise OutOfRange("size", f"{canvas.width}x{canvas.height}", f"at most {MAX_PIXELS} pixels")


def _enlarging(how: Enlarging | None, here: Here) -> Enlarging | None:
    if how is None or how.upscaler is None:
        return how
    found = here.get(how.upscaler.sha256)
    if found is None or found.kind != "upscaler":
        raise NotPresent("upscaler", how.upscaler.name, how.upscaler.sha256)
    if how.tile is None or how.tile > MAX_UPSCALER_TILE:
        raise OutOfRange("tile", how.tile, f"at most {MAX_UPSCALER_TILE}")
    return replace(how, upscaler=found.weights)


def _masking(masking: Masking | None, usual: Family, here: Here) -> Masking | None:
    if masking is None or masking.segmenter is None:
        return masking
    segmenter = _present("segmenter", masking.segmenter, usual, here).weights
    return replace(masking, segmenter=segmenter)


def _check_words(words: Words, usual: Family) -> None:
    PROMPT.check(words.prompt)
    NEGATIVE.check(words.negative_prompt, "negative prompt")
    _known("syntax", words.syntax, SYNTAXES)
    check_clip_skip(words.clip_skip, usual)


def _check_task(recipe: Recipe) -> None:
    needs = recipe.task.needs
    if not all(item.fit in FITS for item in recipe.inputs) or not needs.takes(
        [item.role for item in recipe.inputs]
    ):
        wanted = "one picture to start from" if needs.redraws else "none"
        raise OutOfRange("inputs", len(recipe.inputs), wanted)


def _check_sampling(sampling: Sampling, task: Task, noise: str) -> None:
    """`noise` is the model's, for a recipe that names none."""
    if sampling.sampler == TOKENS:
        STEPS.check(sampling.steps, MAX_LEVELS)
        return
    _known("sampler", sampling.sampler, SAMPLERS)
    if schedule_rule(sampling.scheduler) is None:
        _known("scheduler", sampling.scheduler, SCHEDULERS)
    if not task.needs.redraws and sampling.denoise != 1.0:
        raise OutOfRange("denoise", sampling.denoise, "1 without a picture to start from")
    DENOISE.check(sampling.denoise)
    STEPS.check(sampling.steps, MAX_LEVELS)
    most = strongest(sampling.noise or noise)
    levels = sampling.sigmas
    if levels[0] > most * _ROUNDED:
        raise OutOfRange("noise levels", levels[0], f"at most {most:g} for this model")
    descending = all(high > low for high, low in pairwise(levels))
    if levels[-1] != 0.0 or not descending:
        raise OutOfRange("noise levels", len(levels), "a list that descends to 0")


def _adapters(recipe: Recipe, usual: Family, here: Here) -> tuple[Adapter, ...]:
    if len(recipe.adapters) > MAX_ADAPTERS:
        raise OutOfRange("number of adapters", len(recipe.adapters), f"at most {MAX_ADAPTERS}")
    check_parts(recipe.adapters, usual, recipe.checkpoint.name)
    for adapter in recipe.adapters:
        _known("kind of adapter", adapter.kind, ADAPTERS)
        if adapter.control is not None and (how := adapter.control.preprocessor) is not None:
            _known("preprocessor", how, PREPROCESSORS)
    return tuple(
        replace(adapter, weights=_present(adapter.kind, adapter.weights, usual, here).weights)
        for adapter in recipe.adapters
    )


def _part(weights: Weights, usual: Family, here: Here) -> Weights:
    """A part of a checkpoint that is a file of its own: a text encoder, or its VAE."""
    found = here.get(weights.sha256)
    kind = "vae" if found is not None and found.kind == "vae" else "component"
    return _present(kind, weights, usual, here).weights


def _present(kind: str, weights: Weights, usual: Family, here: Here) -> Present:
    """What lies here with that digest."""
    found = here.get(weights.sha256)
    if found is None or found.kind != kind:
        raise NotPresent(kind, weights.name, weights.sha256)
    known = FAMILIES.get(found.family)
    if found.family and not (known and usual.takes(kind, known)):
        if kind == "checkpoint":
            raise OutOfRange("family", usual.name, f"{found.family}, as {found.weights.name} is")
        title = known.title if known else found.family
        raise WrongFamily(kind, found.weights.name, title, "that recipe", usual.title)
    return found


def _known(kind: str, name: str, names: Collection[str]) -> str:
    if name not in names:
        raise NoSuchName(kind, name)
    return name
