"""A draft: what a person asked for, with gaps; and the one place where the gaps are closed.

`complete` is pure: the seed and the model are arguments, so a draft can be completed again in a
test.  After it, no default is ever looked up for this picture again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from generation import sizes
from generation.errors import NoSuchName, OutOfRange, WrongFamily
from generation.families import Family, family
from generation.recipe import MAX_SEED, Adapter, Input, Recipe, Sha256, Task, Weights
from generation.sigmas import SAMPLERS, SCHEDULERS, expand

MAX_PROMPT = 6000  # characters: Discord's own limit for a command option
MAX_STEPS = 150


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
class Model:
    """A checkpoint of the catalog, as far as completing a draft needs it."""

    weights: Weights
    family: str
    vae: Weights | None = None


# How much of an input picture is redrawn when nobody says: enough to follow new words, little
# enough to keep the composition (ComfyUI's and A1111's examples lie between 0.5 and 0.75).
DENOISE_OF_IMAGES = 0.6


_NO_FAMILIES: Mapping[Sha256, str] = MappingProxyType({})


def complete(
    draft: Draft,
    model: Model,
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
    sampler = _known("sampler", draft.sampler or usual.sampler, SAMPLERS)
    scheduler = _known("scheduler", draft.scheduler or usual.scheduler, SCHEDULERS)
    if task is Task.IMAGE_TO_IMAGE:
        denoise = draft.denoise if draft.denoise is not None else DENOISE_OF_IMAGES
    else:
        denoise = 1.0
    if not 0.01 <= denoise <= 1.0:  # also refuses NaN
        raise OutOfRange("denoise", denoise, "0.01 to 1")
    sigmas = expand(sampler, scheduler, steps=steps, denoise=denoise, noise=usual.noise)
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
        clip_skip=draft.clip_skip if draft.clip_skip is not None else 1,
        seed=_seed(seed),
        precision=usual.precision_cuda if device == "cuda" else usual.precision_cpu,
    )


def clean_text(what: str, text: str) -> str:
    """The text without control characters and outer blanks.  Raises OutOfRange when too long.

    Line breaks and tabs become blanks: they mean nothing to a text encoder, and a picture's words
    should survive being copied from a chat.
    """
    if len(text) > MAX_PROMPT:
        raise OutOfRange(what, f"{len(text)} characters", f"at most {MAX_PROMPT} characters")
    spaced = "".join(" " if c in "\n\r\t" else c for c in text)
    return "".join(c for c in spaced if c.isprintable() or c == "\u200d").strip()


def _size(draft: Draft, usual: Family) -> tuple[int, int]:
    width = draft.width if draft.width is not None else usual.width
    height = draft.height if draft.height is not None else usual.height
    sizes.check(width, height, usual)
    return width, height


def _known(kind: str, name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise NoSuchName(kind, name, tuple(get_close_matches(name, names, n=3)), names)
    return name


def _seed(seed: int) -> int:
    if not 0 <= seed <= MAX_SEED:
        raise OutOfRange("seed", seed, f"0 to {MAX_SEED}")
    return seed
