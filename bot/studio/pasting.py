"""Another picture's settings in a wish: of a file that came with it, or pasted as its prompt.

What was said by an option counts more.  What is not here (a sampler, a model) is not an error: it
is left to what is usual, and noted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.languages.speaking import tr
from bot.studio import notes
from bot.studio.importing import its_loras, its_model, its_vae
from bot.studio.wishes import Wish
from generation import names
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.catalog.matching import MatchedFile, matched
from generation.draft import DraftCanvas, DraftSampling, DraftWords
from generation.draft_spans import (
    NO_SECOND,
    DraftExperts,
    DraftMotion,
    DraftSecond,
    DraftSound,
)
from generation.families import lengths, sizes
from generation.families.family import FAMILIES
from generation.families.model_family import Family
from generation.interchange.a1111 import imported_of
from generation.interchange.imported import Imported, Loss, Why
from generation.interchange.infotext_grammar import pasted
from generation.parameters import (
    BPM,
    CFG,
    CLIP_SKIP,
    DENOISE,
    FPS,
    FRAMES,
    GUIDANCE,
    IMAGE_CFG,
    KEY,
    METER,
    PASSES,
    SECONDS,
    SHIFT,
    STEPS,
)
from generation.recipe import Adapter
from generation.tasks import AUDIO

T = TypeVar("T")

# Inputs of which `denoise` says how much is made anew.
_DRAWN_OVER = {"init", "clip", "sound"}

# Losses that are told where somebody asks what was read, and not below every picture.
_QUIET = (Why.OTHER_NOISE, Why.TWICE, Why.A_STEP_OF_ITS_OWN, Why.WANTS_A_PICTURE)


def pasted_in(wish: Wish) -> Imported | None:
    """What the prompt of a wish says of settings; its words, with their tags, stay as they are."""
    found = pasted(wish.draft.words.prompt or "")
    if found is None or not found.prompt:
        return None
    read = imported_of(found)
    words = replace(read.draft.words, prompt=found.prompt, negative_prompt=found.negative or None)
    return replace(read, draft=replace(read.draft, words=words))


@dataclass(frozen=True, slots=True, kw_only=True)
class WithSettings:
    """A wish, the settings that fill its gaps, and which of their files are here."""

    wish: Wish
    imported: Imported | None = None
    files: tuple[MatchedFile, ...] = ()


async def with_settings(wish: Wish, catalog: Catalog) -> WithSettings:
    """The wish with the model that its settings name, if that is here."""
    imported = wish.imported or pasted_in(wish)
    if imported is None:
        return WithSettings(wish=wish)
    files: tuple[MatchedFile, ...] = ()
    if imported.files:  # LoRAs may be read for their hash
        files = await asyncio.to_thread(matched, imported.files, catalog.entries())
    wish = replace(wish, model=its_model(wish, files))
    return WithSettings(wish=wish, imported=imported, files=files)


def filled_in(found: WithSettings, usual: Family, model: str) -> tuple[Wish, tuple[str, ...]]:
    """The wish with what the settings say, and what is to be said of it.

    `model` is what draws it, by name.
    """
    wish, imported = found.wish, found.imported
    if imported is None:
        return wish, ()
    read = _Reading(imported, pasted=wish.imported is None)
    draft = wish.draft
    words = _worded(draft.words, read, usual)
    sampling = _sampled(draft.sampling, read, usual, {given.role for given in draft.inputs})
    canvas = draft.canvas
    if wish.size is None and canvas == DraftCanvas() and not draft.inputs:
        canvas = _sized(read, usual)
    seed = wish.seed
    if seed is None and imported.seed is not None:
        seed = imported.seed
        read.taken.append(tr("seed {seed}", seed=seed))
    variations = draft.variations or imported.draft.variations
    if imported.draft.variations and not draft.variations:
        each = ", ".join(f"{one.seed}:{one.strength:g}" for one in variations)
        read.taken.append(tr("variation {seeds}", seeds=each))
    # The tags of a pasted prompt are still in its words.
    loras = () if read.pasted else its_loras(found.files)
    adapters = (*draft.adapters, *_fitting(loras, draft.adapters, read, usual))
    vae = _vae(found, read, usual)
    read.left += _left(found, imported, model)
    filled = replace(
        draft,
        words=words,
        canvas=canvas,
        sampling=sampling,
        variations=variations,
        adapters=adapters,
        motion=_moved(draft.motion, read, usual),
        sound=_sounded(draft.sound, read, usual),
        experts=_shared(draft.experts, read, usual),
        second=_drawn_on(draft.second, read, usual),
    )
    count = wish.count
    if wish.imported is not None and count is None and wish.best_of is None:
        count = 1  # of somebody's picture, one
    say = notes.pasted_settings if read.pasted else notes.settings_of_a_file
    said = say(read.taken, read.left)
    return replace(wish, draft=filled, vae=vae, seed=seed, count=count), (said,) if said else ()


class _Reading:
    """What was taken and what was not, while it is decided."""

    def __init__(self, imported: Imported, *, pasted: bool) -> None:
        self.said, self.pasted = imported.draft, pasted
        self.alone = pasted and imported.seed is None and self.said.sampling == DraftSampling()
        self.taken: list[str] = []
        self.left: list[str] = []

    def first(self, what: str, before: T | None, found: T | None, *, fits: bool = True) -> T | None:
        """What counts of the two; of what was found it is noted what becomes of it."""
        if found is None or before is not None:
            return before
        shown = f"{found:g}" if isinstance(found, float) else notes.said(str(found), 40)[1:-1]
        (self.taken if fits else self.left).append(f"{what} {shown}")
        return found if fits else None


def _worded(before: DraftWords, read: _Reading, usual: Family) -> DraftWords:
    found = read.said.words
    negative = before.negative_prompt
    if found.negative_prompt and negative is not None:
        read.left.append(tr("the negative prompt"))
    elif found.negative_prompt and read.alone:
        read.taken.append(tr("the negative prompt"))
    fits = found.clip_skip is None or found.clip_skip <= usual.clip_layers
    from_file = not read.pasted and not before.prompt
    return DraftWords(
        # Who says other words says them in the usual way.
        syntax=found.syntax if from_file else before.syntax,
        # A pasted text is the prompt; words beside a file are said.
        prompt=found.prompt if read.pasted else (before.prompt or found.prompt),
        negative_prompt=found.negative_prompt if negative is None else negative,
        clip_skip=read.first(CLIP_SKIP.key, before.clip_skip, found.clip_skip, fits=fits),
    )


def _sampled(
    before: DraftSampling, read: _Reading, usual: Family, roles: set[str]
) -> DraftSampling:
    """With the numbers of the sampling, the sampler and the scheduler."""
    found = read.said.sampling
    first = read.first
    return DraftSampling(
        steps=first(STEPS.key, before.steps, found.steps),
        cfg=first(CFG.key, before.cfg, found.cfg),
        sampler=before.sampler or _titled(read, "sampler", found.sampler),
        # A sampler that was said may bring a scheduler of its own.
        scheduler=before.scheduler
        or (_titled(read, "scheduler", found.scheduler) if before.sampler is None else None),
        denoise=first(DENOISE.key, before.denoise, found.denoise if roles & _DRAWN_OVER else None),
        image_cfg=first(
            IMAGE_CFG.key, before.image_cfg, found.image_cfg if "reference" in roles else None
        ),
        guidance=first(
            GUIDANCE.key, before.guidance, found.guidance, fits=usual.guidance is not None
        ),
        shift=first(SHIFT.key, before.shift, found.shift, fits=usual.flows),
    )


def _moved(before: DraftMotion, read: _Reading, usual: Family) -> DraftMotion:
    """How long a clip is; a count of frames that the model does not draw is left out."""
    found, moving = read.said.motion, usual.moving
    moves = moving is not None
    fits = moving is not None and lengths.fit(found.frames or 0, moving)
    return replace(
        before,
        frames=read.first(FRAMES.name, before.frames, found.frames, fits=fits),
        fps=read.first(FPS.name, before.fps, found.fps, fits=moves),
        held=read.first(
            tr("of its first picture"),
            before.held,
            found.held,
            fits=moving is not None and moving.loosely,
        ),
    )


def _sounded(before: DraftSound, read: _Reading, usual: Family) -> DraftSound:
    """How long a sound is, and what is sung by models that sing."""
    found, sounding = read.said.sound, usual.sounding if usual.medium == AUDIO else None
    sings = sounding is not None and sounding.sings
    fits = sounding is not None and (found.seconds or 0.0) <= sounding.max_seconds
    if found.lyrics is not None and before.lyrics is None:
        (read.taken if sings else read.left).append(tr("the lyrics"))
    return replace(
        before,
        seconds=read.first(SECONDS.name, before.seconds, found.seconds, fits=fits),
        lyrics=before.lyrics or (found.lyrics if sings else None),
        bpm=read.first(BPM.name, before.bpm, found.bpm, fits=sings),
        key=read.first(KEY.name, before.key, found.key, fits=sings),
        meter=read.first(METER.name, before.meter, found.meter, fits=sings),
    )


def _shared(before: DraftExperts, read: _Reading, usual: Family) -> DraftExperts:
    """Where a second network takes over, of models that have one."""
    found = read.said.experts
    if usual.experts is None:
        return before
    return DraftExperts(
        boundary=read.first(tr("the second network from"), before.boundary, found.boundary),
        cfg=read.first(tr("its cfg"), before.cfg, found.cfg),
    )


def _drawn_on(before: DraftSecond, read: _Reading, usual: Family) -> DraftSecond:
    """How a film is drawn on in a second pass, by models that do."""
    found, fits = read.said.second, usual.second is not None
    if found == NO_SECOND:
        return before
    if before.passes is not None and before.passes != found.passes:
        read.left.append(f"{PASSES.name} {found.passes}")
        return before
    passes = read.first(PASSES.name, before.passes, found.passes, fits=fits)
    return replace(found, passes=passes) if fits else before


def _titled(read: _Reading, what: str, name: str | None) -> str | None:
    if name is not None:
        title = names.sampler_title if what == "sampler" else names.scheduler_title
        read.taken.append(f"{what} {title(name)}")
    return name


def _sized(read: _Reading, usual: Family) -> DraftCanvas:
    asked = read.said.canvas
    if asked.width is None or asked.height is None or not usual.sized:
        return DraftCanvas()
    usual = usual.in_passes(read.said.second.passes)
    width, height = sizes.nearest(asked.width, asked.height, usual)
    read.taken.append(tr("size {size}", size=f"{width}x{height}"))
    if (width, height) != (asked.width, asked.height):
        read.left.append(tr("size {size}", size=f"{asked.width}x{asked.height}"))
    return DraftCanvas(width=width, height=height)


def _fitting(
    loras: Sequence[tuple[Entry, Adapter]],
    before: Sequence[Adapter],
    read: _Reading,
    usual: Family,
) -> Iterator[Adapter]:
    """The LoRAs that are not on already, without those for models of another kind."""
    for entry, adapter in loras:
        its = FAMILIES.get(entry.family)
        fits = its is None or usual.takes(adapter.kind, its)
        if any(adapter.meets(one) for one in before):
            continue
        said = tr("LoRA {name}", name=f"{entry.name} {adapter.said}")
        (read.taken if fits else read.left).append(said)
        if fits:
            yield adapter


def _vae(found: WithSettings, read: _Reading, usual: Family) -> str | None:
    """The VAE, where it is one for this model."""
    entry = its_vae(found.wish, found.files)
    if entry is None:
        return found.wish.vae
    (read.taken if entry.fits(usual.name) else read.left).append(tr("VAE {name}", name=entry.name))
    return entry.name if entry.fits(usual.name) else None


def _left(found: WithSettings, imported: Imported, model: str) -> list[str]:
    """What is not taken: losses, and files that are not here.  A pasted LoRA's tag is refused."""
    told = [_short(loss) for loss in imported.lost if loss.why not in _QUIET]
    named = next((one.name for one in imported.files if one.kind == "checkpoint"), "")
    if named and named.casefold() != model.casefold():
        told.append(tr("Model {name}", name=named))
    if found.wish.imported is not None:
        away = (
            one.wanted
            for one in found.files
            if one.entry is None and not (one.part or one.wanted.idle)
        )
        told += [f"{one.kind} {one.name}" for one in away if one.kind != "checkpoint"]
    return told


def _short(loss: Loss) -> str:
    return f"{loss.what} {loss.found}".strip()
