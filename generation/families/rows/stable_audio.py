"""The families of Stable Audio."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import Family, Sounding
from generation.families.stable_audio import STABLE_AUDIO
from generation.recipe import Precision

# Steps and cfg of the stock pipeline; its solver is the midpoint one with fresh noise.
_STABLE_AUDIO = Family(
    name="stable-audio",
    title="Stable Audio",
    architecture=STABLE_AUDIO,
    width=0,
    height=0,
    min_side=0,
    max_pixels=0,
    steps=100,
    cfg=7.0,
    denoise=0.7,
    sampler="dpmpp_2m_sde",
    scheduler="exponential",
    clip_layers=1,
    syntax="plain",
    dialect="audio",
    negative=True,
    precision_cuda=Precision.FP16,
    precision_cpu=Precision.FP32,
    # 1024 latents of 2048 samples.
    sounding=Sounding(seconds=30.0, max_seconds=47.55, rate=44_100, channels=2),
)

# The built-in one: as long as all that it was taught with, at the levels that it was taught at.
_STARTER = replace(
    _STABLE_AUDIO,
    name="starter-sound",
    title="Starter for sounds (built in)",
    steps=20,
    cfg=1.4,
    sampler="dpmpp_2m",
    scheduler="karras",
    dialect="starter-sound",
    few_words=True,
    precision_cuda=Precision.FP32,
    sounding=Sounding(seconds=1.5, max_seconds=2.0, rate=8_000, channels=1),
)

ROWS: tuple[Family, ...] = (_STARTER, _STABLE_AUDIO)
