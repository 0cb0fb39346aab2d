"""The families of MusicGen."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import Family, Sounding
from generation.families.musicgen import MUSICGEN
from generation.recipe import Precision
from generation.samplers import TOKENS
from generation.spans import TokenDice

_BASE = Family(
    name="musicgen",
    title="MusicGen",
    architecture=MUSICGEN,
    width=0,
    height=0,
    min_side=0,
    max_pixels=0,
    steps=1,  # a second of tokens each: the sound's length says how many
    cfg=3.0,
    denoise=1.0,
    sampler=TOKENS,
    scheduler=TOKENS,
    clip_layers=1,
    syntax="plain",
    dialect="musicgen",
    negative=False,
    precision_cuda=Precision.FP16,
    precision_cpu=Precision.FP32,
    sounding=Sounding(seconds=10.0, max_seconds=30.0, rate=32_000, channels=1),
    dice=TokenDice(temperature=1.0, top_k=250),
)

ROWS: tuple[Family, ...] = (
    _BASE,
    replace(
        _BASE,
        name="musicgen-stereo",
        title="MusicGen stereo",
        sounding=Sounding(seconds=10.0, max_seconds=30.0, rate=32_000, channels=2),
    ),
)
