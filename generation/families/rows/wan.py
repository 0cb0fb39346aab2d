"""The families of Wan."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import Family, Moving
from generation.families.wan import WAN
from generation.recipe import Precision

FPS = 16.0
FRAMES = 81  # of the films that they are trained on

# Steps, cfg, sampler, scheduler and shift of ComfyUI's templates.
_WAN = Family(
    name="wan-2.1",
    title="Wan 2.1",
    architecture=WAN,
    width=832,
    height=480,
    min_side=256,
    max_pixels=1280 * 720,
    steps=30,
    cfg=6.0,
    denoise=0.6,
    sampler="uni_pc",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="wan",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    moving=Moving(frames=FRAMES, fps=FPS, max_frames=161, step=4),
)

# The built-in one: as large as all that it was taught with, and as long.
_STARTER = replace(
    _WAN,
    name="starter-video",
    title="Starter video (built in)",
    width=64,
    height=64,
    min_side=64,
    max_pixels=64 * 64,
    steps=20,
    cfg=4.0,
    dialect="starter-video",
    few_words=True,
    precision_cuda=Precision.FP32,
    moving=Moving(frames=13, fps=8.0, max_frames=13, step=4),
)

ROWS: tuple[Family, ...] = (_STARTER, _WAN)
