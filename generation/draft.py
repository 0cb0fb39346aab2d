"""A draft: what a person asked for, with gaps; and the one place where the gaps are closed.

`complete` is pure: the seed and the model are arguments, so a draft can be completed again in a
test.  After it, no default is ever looked up for this picture again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from generation.errors import OutOfRange, WrongFamily
from generation.families import sizes
from generation.families.family import Family, family
from generation.names import USUAL
from generation.names import sampler as sampler_named
from generation.names import scheduler as scheduler_named
from generation.recipe import MAX_SEED, Adapter, Input, Recipe, Sha256, Task, Weights
from generation.sigmas import ZERO_SNR, expand

MAX_PROMPT = 6000  # characters: Discord's own limit for a command option
MAX_STEPS = 150
MAX_ADAPTERS = 32  # one LoRA may stand there twice: its effects add up


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A wish with gaps.  None means "whatever is usual"."""

    prompt: str
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    denoise: float | None = None
    clip_skip: int | None = None
    adapters: tuple[Adapter, ...] = ()
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint of the catalog, as far as completing a draft needs it."""

    weights: Weights
    family: str
    vae: Weights | None = None
    levels: str | None = None  # the noise its file says it was trained with; None: its family's
    prediction: str | None = None  # what its card says, where the file says nothing or wrong
    noise: str | None = None  # the same


# How much of an input picture is redrawn when nobody says: enough to follow new words, little
# enough to keep the composition (ComfyUI's and A1111's examples lie between 0.5 and 0.75).
DENOISE_OF_IMAGES = 0.6


_NO_FAMILIES: Mapping[Sha256, str] = MappingProxyType({})


def complete(
    draft: Draft,
    model: Checkpoint,
    *,
    seed: int,
    device: str,
    families: Mapping[Sha256, str] = _NO_FAMILIES,
) -> Recipe:
    """Close every gap of the draft.

    `device` is "cuda", "mps" or "cpu" and decides the precision that is usual there; `families`
    are those of the adapters, as far as they are known.  Raises Unacceptable with the field, what
    was found and what is allowed.
    """
    usual = family(model.family)
    if len(draft.adapters) > MAX_ADAPTERS:
        raise OutOfRange("number of adapters", len(draft.adapters), f"at most {MAX_ADAPTERS}")
    for adapter in draft.adapters:
        theirs = families.get(adapter.weights.sha256, usual.name)
        if theirs != usual.name:
            raise WrongFamily(
                adapter.kind,
                adapter.weights.name,
                family(theirs).title,
                model.weights.name,
                usual.title,
            )
    prompt = clean_text("prompt", draft.prompt)
    if not prompt and not draft.inputs:
        raise OutOfRange("prompt", draft.prompt, "at least one word")
    task = Task.IMAGE_TO_IMAGE if draft.inputs else Task.TEXT_TO_IMAGE
    if task not in usual.tasks:
        raise OutOfRange("task", task.value, f"what {usual.title} can do")
    width, height = _size(draft, usual)
    steps = draft.steps if draft.steps is not None else usual.steps
    if not 1 <= steps <= MAX_STEPS:
        raise OutOfRange("steps", steps, f"1 to {MAX_STEPS}")
    draft = named(draft)
    sampler = draft.sampler or usual.sampler
    noise = model.noise or model.levels or usual.noise
    # Karras's levels leave few steps below 100 when they begin at 4096.
    usual_scheduler = "sgm_uniform" if noise.endswith(ZERO_SNR) else usual.scheduler
    scheduler = draft.scheduler or USUAL
    scheduler = usual_scheduler if scheduler == USUAL else scheduler
    if task is Task.IMAGE_TO_IMAGE:
        denoise = draft.denoise if draft.denoise is not None else DENOISE_OF_IMAGES
    else:
        denoise = 1.0
    if not 0.01 <= denoise <= 1.0:  # also refuses NaN
        raise OutOfRange("denoise", denoise, "0.01 to 1")
    sigmas = expand(sampler, scheduler, steps=steps, denoise=denoise, noise=noise)
    clip_skip = draft.clip_skip if draft.clip_skip is not None else 1
    check_clip_skip(clip_skip, usual)
    return Recipe(
        task=task,
        family=usual.name,
        prompt=prompt,
        negative_prompt=clean_text("negative prompt", draft.negative_prompt or ""),
        syntax=usual.syntax,
        checkpoint=model.weights,
        vae=model.vae,
        adapters=draft.adapters,
        inputs=draft.inputs,
        width=width,
        height=height,
        sampler=sampler,
        scheduler=scheduler,
        sigmas=sigmas,
        # Some schedules have fewer distinct levels than the steps asked for.
        steps=len(sigmas) - 1,
        cfg=float(draft.cfg if draft.cfg is not None else usual.cfg),
        denoise=float(denoise),
        clip_skip=clip_skip,
        seed=_seed(seed),
        precision=usual.precision_cuda if device == "cuda" else usual.precision_cpu,
        prediction=model.prediction,
        noise=model.noise,
    )


def check_clip_skip(clip_skip: int, usual: Family) -> None:
    """Raise OutOfRange where the family's text encoder has not so many layers."""
    if not 1 <= clip_skip <= usual.clip_layers:
        raise OutOfRange("clip_skip", clip_skip, f"1 to {usual.clip_layers} for {usual.title}")


def named(draft: Draft) -> Draft:
    """The draft with a sampler and a scheduler in our names, whoever's names they were given in.

    A scheduler that is asked for as the usual one stays so, whatever a person's settings say; one
    in the sampler's name ("DPM++ 2M Karras") is what is meant when no other is named.  Raises
    NoSuchName.
    """
    said = sampler_named(draft.sampler) if draft.sampler is not None else None
    scheduler = draft.scheduler
    if scheduler is not None:
        scheduler = scheduler_named(scheduler) or USUAL
    elif said is not None:
        scheduler = said.scheduler
    return replace(draft, sampler=said.name if said else None, scheduler=scheduler)


def clean_text(what: str, text: str) -> str:
    """The text as it is seen, every blank a plain one.  Raises OutOfRange when too long.

    Line breaks, tabs, no-break and ideographic spaces become blanks: they mean nothing else to a
    text encoder, and a picture's words should survive being copied from a chat.  What is not seen
    goes (zero-width and bidirectional marks, half surrogates), except joiners in emoji and in the
    scripts that need them.
    """
    if len(text) > MAX_PROMPT:
        raise OutOfRange(what, f"{len(text)} characters", f"at most {MAX_PROMPT} characters")
    if text.isascii() and text.isprintable():
        return text.strip()
    return _cleaned(text)


@lru_cache(maxsize=32)  # the pictures of one request share their words
def _cleaned(text: str) -> str:
    return "".join(_seen(text, at, char) for at, char in enumerate(text)).strip()


def _seen(text: str, at: int, char: str) -> str:
    if char.isspace() or char in _LOOK_BLANK:
        return " "
    if char in "\u200c\u200d":
        joined = at and at + 1 < len(text) and text[at - 1] > _LATIN and text[at + 1] > _LATIN
        return char if joined else ""
    # Private and unassigned ones stay: an emoji may be younger than this Python.
    return "" if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char


_LOOK_BLANK = "\u2800\u3164\uffa0"  # a Braille pattern without dots, Hangul fillers
_LATIN = "\u036f"  # the last of the letters that no joiner is needed between


def _size(draft: Draft, usual: Family) -> tuple[int, int]:
    width = draft.width if draft.width is not None else usual.width
    height = draft.height if draft.height is not None else usual.height
    sizes.check(width, height, usual)
    return width, height


def _seed(seed: int) -> int:
    if not 0 <= seed <= MAX_SEED:
        raise OutOfRange("seed", seed, f"0 to {MAX_SEED}")
    return seed
