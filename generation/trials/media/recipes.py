"""Recipes of everything that the models of a catalog make, thrown by one pair of dice.

The invariant: a seed decides all of it, words, settings and the bytes of inputs; and each is what
somebody could have asked for: `complete` has closed it.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw

from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.draft import (
    Checkpoint,
    Draft,
    DraftCanvas,
    DraftSampling,
    DraftWords,
    complete,
)
from generation.draft_spans import DraftForm, DraftMotion, DraftSound
from generation.families import lengths, sizes
from generation.families.family import FAMILIES
from generation.families.model_family import Family
from generation.media import sounds, wav
from generation.media.table import MEDIA
from generation.recipe import Input, Recipe, Sha256, Variation
from generation.samplers import SAMPLERS, SCHEDULERS
from generation.starter import form_words, sound_words, words
from generation.tasks import AUDIO, IMAGE, MESH, VIDEO, Task

STEPS = (2, 6)
COARSEST = 16  # points of a side of a form's grid
SHORTEST = 0.3  # seconds
SHARE_OF_VARIATIONS = 0.2
MADE_WHOLE = ("words", "canvas", "sampling", "motion", "sound", "form")  # sections that are thrown


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedWork:
    """A recipe, and the bytes of its inputs in their order."""

    medium: str
    recipe: Recipe
    inputs: tuple[bytes, ...]


def models_of(catalog: Catalog) -> dict[str, list[Entry]]:
    """What draws of words, or over what it is given, by what it makes."""
    found: dict[str, list[Entry]] = {}
    for entry in catalog.models():
        medium = entry.model.family.medium
        if entry.purpose is None and tasks_of(entry.model):
            found.setdefault(medium, []).append(entry)
    return {medium: found[medium] for medium in MEDIA if medium in found}


def missing(catalog: Catalog) -> list[Family]:
    """The families of built-in models of which none is in the catalog."""
    here = {entry.family for entry in catalog.models()}
    return [one for one in FAMILIES.values() if one.few_words and one.name not in here]


def tasks_of(model: Checkpoint) -> list[Task]:
    """Those of its tasks that need nothing but what is thrown here."""
    return [
        task
        for task in Task
        if task in model.tasks
        and task.needs.medium == model.family.medium
        and set(task.needs.sections) <= set(MADE_WHOLE)
        and set(task.needs.roles) <= set(INPUTS)
    ]


def thrown(
    models: Mapping[str, Sequence[Entry]], count: int, seed: int, device: str
) -> list[AskedWork]:
    """So many recipes, of each medium as many as of any other, or one more."""
    dice, media = Random(seed), list(models)
    return [
        _asked(dice.choice(models[media[number % len(media)]]).model, dice, device)
        for number in range(count)
    ]


def _asked(model: Checkpoint, dice: Random, device: str) -> AskedWork:
    family = model.family
    task = dice.choice(tasks_of(model))
    inputs = tuple(INPUTS[role](dice) for role in task.needs.roles)
    given = zip(task.needs.roles, inputs, strict=True)
    draft = Draft(
        task=task,
        words=_words(family, dice),
        canvas=_canvas(family, dice) if family.sized else DraftCanvas(),
        sampling=_sampling(family, task, dice),
        motion=_motion(family, dice),
        sound=_sound(family, dice),
        form=_form(family, dice),
        variations=_variations(dice),
        inputs=tuple(Input(role=r, sha256=_sha256(data), fit="cover") for r, data in given),
    )
    recipe = complete(draft, model, seed=dice.randrange(2**32), device=device)
    return AskedWork(medium=family.medium, recipe=recipe, inputs=inputs)


def _sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())


# -- settings --------------------------------------------------------------------------------------


def _canvas(family: Family, dice: Random) -> DraftCanvas:
    """Any size that it draws, up to the one it was taught with."""
    across, down = (
        range(-(-family.min_side // family.grid) * family.grid, native + 1, family.grid)
        for native in (family.width, family.height)
    )
    fits = [(w, h) for w in across for h in down if sizes.fit(w, h, family)]
    width, height = dice.choice(fits)
    return DraftCanvas(width=width, height=height)


def _sampling(family: Family, task: Task, dice: Random) -> DraftSampling:
    return DraftSampling(
        sampler=dice.choice(list(SAMPLERS)),
        scheduler=dice.choice(list(SCHEDULERS)),
        steps=dice.randint(*STEPS),
        cfg=dice.choice((1.0, family.cfg, round(dice.uniform(1, 2 * family.cfg), 1))),
        denoise=round(dice.uniform(0.3, 1.0), 2) if task.needs.redraws else None,
    )


def _motion(family: Family, dice: Random) -> DraftMotion:
    moving = family.moving
    if moving is None:
        return DraftMotion()
    most = min(moving.max_frames, moving.frames)
    frames = dice.choice([n for n in range(2, most + 1) if lengths.fit(n, moving)])
    return DraftMotion(frames=frames, fps=dice.choice((6.0, 8.0, 12.5)))


def _sound(family: Family, dice: Random) -> DraftSound:
    sounding = family.sounding
    if sounding is None or family.medium != AUDIO:  # a clip's sound is as long as the clip
        return DraftSound()
    return DraftSound(seconds=round(dice.uniform(SHORTEST, sounding.max_seconds), 2))


def _form(family: Family, dice: Random) -> DraftForm:
    shaping = family.shaping
    if shaping is None:
        return DraftForm()
    return DraftForm(resolution=dice.randint(COARSEST, shaping.resolution))


def _variations(dice: Random) -> tuple[Variation, ...]:
    if dice.random() > SHARE_OF_VARIATIONS:
        return ()
    strength = round(dice.uniform(0.1, 0.9), 2)
    return (Variation(seed=dice.randrange(2**32), strength=strength),)


# -- words -----------------------------------------------------------------------------------------


def _words(family: Family, dice: Random) -> DraftWords:
    told = family.negative and dice.random() < 0.5
    return DraftWords(
        prompt=WORDS[family.medium](dice),
        negative_prompt=dice.choice(words.FAULTS) if told else None,
        clip_skip=dice.randint(1, family.clip_layers),
    )


def _one(table: Mapping[str, Sequence[str]], dice: Random) -> str:
    return dice.choice(table[dice.choice(list(table))])


def _thing(dice: Random) -> str:
    return f"{_one(words.COLOUR_WORDS, dice)} {_one(words.OBJECT_WORDS, dice)}"


def _picture(dice: Random) -> str:
    where, how = _one(words.SCENERY_WORDS, dice), _one(words.STYLE_WORDS, dice)
    return f"{_thing(dice)} {where}, {how}"


def _clip(dice: Random) -> str:
    return f"{_thing(dice)} {_one(words.MOTION_WORDS, dice)}"


def _heard(dice: Random) -> str:
    tables = sound_words.LOUDNESS_WORDS, sound_words.PITCH_WORDS, sound_words.KIND_WORDS
    return dice.choice(sound_words.ASKED).format(" ".join(_one(table, dice) for table in tables))


def _solid(dice: Random) -> str:
    tables = form_words.SIZE_WORDS, words.COLOUR_WORDS, form_words.FORM_WORDS
    return " ".join(_one(table, dice) for table in tables)


WORDS: Mapping[str, Callable[[Random], str]] = MappingProxyType(
    {IMAGE: _picture, VIDEO: _clip, AUDIO: _heard, MESH: _solid}
)


# -- what they are made of -------------------------------------------------------------------------


def _frames(dice: Random, count: int) -> list[Image.Image]:
    """A box that moves over a ground, on neither of which a model's grid lies."""
    side = dice.randint(50, 100)
    ground, colour = (tuple(dice.randrange(256) for _ in "rgb") for _ in range(2))
    left, top, wide = (dice.randrange(side // 2) for _ in range(3))
    found = []
    for number in range(count):
        frame = Image.new("RGB", (side, side + 7), ground)
        box = (left + number, top, left + number + wide + 5, top + 20)
        ImageDraw.Draw(frame).rectangle(box, fill=colour)
        found.append(frame)
    return found


def _a_picture(dice: Random) -> bytes:
    out = io.BytesIO()
    _frames(dice, 1)[0].save(out, "PNG")
    return out.getvalue()


def _a_clip(dice: Random) -> bytes:
    first, *others = _frames(dice, dice.randint(5, 16))
    out = io.BytesIO()
    first.save(
        out, "WEBP", save_all=True, append_images=others, duration=100, loop=0, lossless=True
    )
    return out.getvalue()


def _a_sound(dice: Random) -> bytes:
    rate, seconds, hertz = dice.choice((8_000, 11_025, 44_100)), 1.2, dice.uniform(100, 2_000)
    moments = np.arange(round(rate * seconds)) / rate
    tone = dice.uniform(0.1, 0.9) * np.sin(2 * math.pi * hertz * moments)
    content = sounds.content_of(tone[None].astype(np.float32))
    return wav.written(content, rate=rate, channels=1, text="")


INPUTS: Mapping[str, Callable[[Random], bytes]] = MappingProxyType(
    {"init": _a_picture, "first": _a_picture, "view": _a_picture, "clip": _a_clip}
    | {"sound": _a_sound}
)
