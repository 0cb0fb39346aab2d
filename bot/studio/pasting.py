"""A wish whose prompt is another program's generation data: its settings fill the wish's gaps.

What was said by an option counts more.  What is not here (a sampler, a model) is not an error in a
pasted text: it is left to what is usual, and noted.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace
from typing import TypeVar

from bot.studio import notes
from bot.studio.wishes import SEEDS, Wish, seed_named
from generation import names
from generation.draft import DraftCanvas, DraftSampling, DraftWords
from generation.errors import NoSuchName, OutOfRange
from generation.families import sizes
from generation.families.model_family import Family
from generation.interchange.infotext import VARIATION_SEED, VARIATION_STRENGTH, VARIATIONS
from generation.parameters import (
    CFG,
    CLIP_SKIP,
    DENOISE,
    GUIDANCE,
    IMAGE_CFG,
    MODEL,
    SAMPLER,
    SCHEDULER,
    SEED,
    SHIFT,
    SIZE,
    STEPS,
    AmountParameter,
    WholeParameter,
)
from generation.recipe import MAX_VARIATIONS, Variation
from prompting.reading.pasted import Pasted, pasted

T = TypeVar("T")

_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")


def unpasted(wish: Wish, usual: Family, model: str) -> tuple[Wish, tuple[str, ...]]:
    """The wish with what its prompt says of settings, and what is to be said of it.

    `model` is what draws it, by name.
    """
    found = pasted(wish.draft.words.prompt or "")
    if found is None or not found.prompt:
        return wish, ()
    read = _Reading(found)
    draft = wish.draft
    if found.negative and draft.words.negative_prompt is not None:
        read.left.append("the negative prompt")
    elif not found.pairs:
        read.taken.append("the negative prompt")
    words = DraftWords(
        prompt=found.prompt,
        negative_prompt=_first(draft.words.negative_prompt, found.negative or None),
        clip_skip=_first(draft.words.clip_skip, read.number(CLIP_SKIP)),
    )
    sampling = _sampled(draft.sampling, read, {given.role for given in draft.inputs}, usual)
    canvas = draft.canvas
    if wish.size is None and canvas == DraftCanvas() and not draft.inputs:
        canvas = _sized(canvas, read, usual)
    seed = _first(wish.seed, read.seed())
    variations = draft.variations or read.variations()
    other = found.pairs.get(MODEL.key, "")
    if other and other.casefold() != model.casefold():
        read.left.append(f"Model {other}")
    said = notes.pasted_settings(read.taken, read.left)
    filled = replace(draft, words=words, canvas=canvas, sampling=sampling, variations=variations)
    return replace(wish, draft=filled, seed=seed), (said,)


class _Reading:
    """Pairs that are read one by one; what was taken and what was not."""

    def __init__(self, found: Pasted) -> None:
        self.pairs = found.pairs
        self.taken: list[str] = []
        self.left: list[str] = []

    def amount(self, row: AmountParameter | WholeParameter) -> float | None:
        text = self.pairs.get(row.key)
        if text is None:
            return None
        is_number = re.fullmatch(r"[0-9]{1,5}(?:\.[0-9]{1,6})?", text)
        if is_number and row.low <= float(text) <= row.high:
            self.taken.append(f"{row.key} {text}")
            return float(text)
        self.left.append(f"{row.key} {text}")
        return None

    def number(self, row: WholeParameter) -> int | None:
        found = self.amount(row)
        return None if found is None else round(found)

    def variations(self) -> tuple[Variation, ...]:
        keys = [key.casefold() for key in (VARIATION_SEED, VARIATION_STRENGTH, VARIATIONS)]
        seed, strength, several = (self.pairs.get(key) for key in keys)
        said = f"{seed}:{strength}" if seed and strength else several
        if said is None:
            return ()
        try:
            each = [one.strip().partition(":")[::2] for one in said.split(",")]
            found = tuple(Variation(seed=int(s) % SEEDS, strength=float(by)) for s, by in each)
        except (OutOfRange, ValueError):
            self.left.append(f"variation {said}")
            return ()
        self.taken.append(f"variation {said}")
        return found[:MAX_VARIATIONS]

    def seed(self) -> int | None:
        text = self.pairs.get(SEED.key)
        if text is None:
            return None
        try:
            seed = seed_named(text)
        except OutOfRange:
            self.left.append(f"seed {text}")
            return None
        self.taken.append(f"seed {text}")
        return seed


def _sampled(
    before: DraftSampling, read: _Reading, roles: Set[str], usual: Family
) -> DraftSampling:
    """With the numbers of the sampling, and the sampler and the scheduler where these are here."""
    steps = _first(before.steps, read.number(STEPS))
    cfg = _first(before.cfg, read.amount(CFG))
    denoise, image_cfg = before.denoise, before.image_cfg
    if "init" in roles:
        denoise = _first(denoise, read.amount(DENOISE))
    if "reference" in roles:
        image_cfg = _first(image_cfg, read.amount(IMAGE_CFG))
    guidance, shift = before.guidance, before.shift
    if usual.guidance is not None:
        guidance = _first(guidance, read.amount(GUIDANCE))
    if usual.flows:
        shift = _first(shift, read.amount(SHIFT))
    said, typed = read.pairs.get(SAMPLER.key), read.pairs.get(SCHEDULER.key)
    sampler = scheduler = None
    if said and before.sampler is None:
        try:
            found = names.sampler(said)
            sampler, scheduler = found.name, found.scheduler
            read.taken.append(f"sampler {said}")
        except NoSuchName:
            read.left.append(f"sampler {said}")
    if typed and before.scheduler is None:
        try:
            scheduler = names.scheduler(typed) or scheduler
            read.taken.append(f"scheduler {typed}")
        except NoSuchName:
            read.left.append(f"scheduler {typed}")
    return DraftSampling(
        sampler=_first(before.sampler, sampler),
        scheduler=_first(before.scheduler, scheduler),
        steps=steps,
        cfg=cfg,
        image_cfg=image_cfg,
        denoise=denoise,
        guidance=guidance,
        shift=shift,
    )


def _sized(canvas: DraftCanvas, read: _Reading, usual: Family) -> DraftCanvas:
    match = _SIZE.fullmatch(read.pairs.get(SIZE.key, ""))
    if match is None:
        return canvas
    asked = int(match[1]), int(match[2])
    width, height = sizes.nearest(*asked, usual)
    read.taken.append(f"size {width}x{height}")
    if (width, height) != asked:
        read.left.append(f"size {match[0]}")
    return DraftCanvas(width=width, height=height)


def _first(said: T | None, pasted: T | None) -> T | None:
    return said if said is not None else pasted
