"""The families of Wan."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import Family, Moving
from generation.families.wan import GOING_ON, WAN, WAN_5B, WAN_VACE
from generation.recipe import Precision
from generation.spans import Experts
from generation.tasks import Task

_FROM_WORDS = frozenset({Task.TEXT_TO_VIDEO, Task.VIDEO_TO_VIDEO})

# Steps, cfg, sampler, scheduler and shift of ComfyUI's templates; frames and frames a second of the
# films that they are trained on.
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
    does=_FROM_WORDS,
    moving=Moving(frames=81, fps=16.0, max_frames=161, step=4),
)
# Boundary and cfgs of the stock pipelines.
_TWO = replace(
    _WAN,
    name="wan-2.2",
    title="Wan 2.2",
    steps=20,
    cfg=4.0,
    sampler="euler",
    experts=Experts(boundary=0.875, cfg=3.0),
    kin="wan-2.1",
)

# The built-in one: as large as all that it was taught with, and as long; shorter clips are worse.
_STARTER = replace(
    _WAN,
    name="starter-video",
    title="Starter video (built in)",
    width=64,
    height=64,
    min_side=64,
    max_pixels=64 * 64,
    steps=20,
    cfg=3.0,
    dialect="starter-video",
    few_words=True,
    precision_cuda=Precision.FP32,
    moving=Moving(frames=13, fps=8.0, max_frames=13, step=4),
)

ROWS: tuple[Family, ...] = (
    _STARTER,
    _WAN,
    replace(
        _WAN,
        name="wan-2.1-i2v",
        title="Wan 2.1 I2V",
        steps=20,
        does=GOING_ON,
        kin="wan-2.1",
    ),
    replace(
        _WAN,
        name="wan-2.1-flf2v",
        title="Wan 2.1 FLF2V",
        steps=20,
        does=frozenset({Task.IMAGE_TO_VIDEO}),
        kin="wan-2.1",
    ),
    _TWO,
    replace(
        _TWO,
        name="wan-2.2-i2v",
        title="Wan 2.2 I2V",
        experts=Experts(boundary=0.9, cfg=3.0),
        does=GOING_ON,
    ),
    replace(
        _WAN,
        name="wan-vace",
        title="Wan VACE",
        architecture=WAN_VACE,
        steps=20,
        does=None,
        kin="wan-2.1",
    ),
    replace(
        _WAN,
        name="wan-2.2-5b",
        title="Wan 2.2 5B",
        architecture=WAN_5B,
        width=1280,
        height=704,
        max_pixels=1280 * 736,
        steps=20,
        cfg=5.0,
        does=None,
        moving=Moving(frames=121, fps=24.0, max_frames=241, step=4),
    ),
)
