"""The families of LTX-Video."""

from __future__ import annotations

from dataclasses import replace

from generation.families.ltx import LATER, LTX_VIDEO, STEP
from generation.families.model_family import Family, Moving
from generation.recipe import Precision

# Steps, cfg, size and frames of ComfyUI's templates; the schedules are the stock pipelines'.
_FIRST = Family(
    name="ltx-video",
    title="LTX-Video 0.9",
    architecture=LTX_VIDEO,
    width=768,
    height=512,
    min_side=256,
    max_pixels=1280 * 768,
    steps=30,
    cfg=3.0,
    denoise=0.6,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="ltx",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    moving=Moving(frames=97, fps=24.0, max_frames=257, step=STEP),
)

ROWS: tuple[Family, ...] = (
    _FIRST,
    replace(
        _FIRST,
        name=LATER,
        title="LTX-Video 0.9.5 and later",
        scheduler="linear_quadratic",
        levels="flow",  # the schedule bends them itself
        kin="ltx-video",
    ),
)
