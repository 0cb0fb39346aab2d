"""The options of slash commands that say something of a picture, as `generation.parameters` has it.

A signature names each option's type here and its callback is `described`; discord.py reads both.
The invariant: no command has a range or a sentence of its own for what the table describes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from discord import app_commands
from discord.app_commands import Range

from generation.parameters import (
    BEST_OF,
    BPM,
    CFG,
    CLIP_SKIP,
    COUNT,
    DENOISE,
    FPS,
    FRAMES,
    GUIDANCE,
    KEY,
    LORA,
    LYRICS,
    METER,
    NEGATIVE,
    PARAMETERS,
    PASSES,
    PRESET,
    PROMPT,
    RESOLUTION,
    SECONDS,
    SEED,
    SHIFT,
    SIZE,
    STEPS,
    STYLE,
    VAE,
)

Prompt = Range[str, PROMPT.shortest, PROMPT.longest]
Negative = Range[str, NEGATIVE.shortest, NEGATIVE.longest]
Denoise = Range[float, DENOISE.low, DENOISE.high]
Size = Range[str, SIZE.shortest, SIZE.longest]
Count = Range[int, COUNT.low, COUNT.high]
BestOf = Range[int, BEST_OF.low, BEST_OF.high]
Steps = Range[int, STEPS.low, STEPS.high]
Cfg = Range[float, CFG.low, CFG.high]
Guidance = Range[float, GUIDANCE.low, GUIDANCE.high]
Shift = Range[float, SHIFT.low, SHIFT.high]
Seed = Range[str, SEED.shortest, SEED.longest]
ClipSkip = Range[int, CLIP_SKIP.low, CLIP_SKIP.high]
Style = Range[str, STYLE.shortest, STYLE.longest]
Lora = Range[str, LORA.shortest, LORA.longest]
Vae = Range[str, VAE.shortest, VAE.longest]
Preset = Range[str, PRESET.shortest, PRESET.longest]
Frames = Range[int, FRAMES.low, FRAMES.high]
Fps = Range[float, FPS.low, FPS.high]
Passes = Range[int, PASSES.low, PASSES.high]
Seconds = Range[float, SECONDS.low, SECONDS.high]
Lyrics = Range[str, LYRICS.shortest, LYRICS.longest]
Bpm = Range[int, BPM.low, BPM.high]
Key = Range[str, KEY.shortest, KEY.longest]
Meter = Range[str, METER.shortest, METER.longest]
Resolution = Range[int, RESOLUTION.low, RESOLUTION.high]

C = TypeVar("C", bound=Callable[..., object])


def described(callback: C) -> C:
    """The callback, its options described by the table's sentences."""
    return _described(callback, {name: row.sentence for name, row in PARAMETERS.items()})


def described_as_settings(callback: C) -> C:
    """The callback, its options described as a person's defaults."""
    sentences = {name: row.as_setting or row.sentence for name, row in PARAMETERS.items()}
    return _described(callback, sentences)


def _described(callback: C, sentences: dict[str, str]) -> C:
    known = inspect.signature(callback).parameters.keys() & sentences.keys()
    return app_commands.describe(**{name: sentences[name] for name in known})(callback)
