"""The families of Krea 2."""

from __future__ import annotations

import math
from dataclasses import replace

from generation.families.krea2 import KREA2
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision

# Turbo's steps, cfg, sampler and scheduler are those of ComfyUI's template, the base model's steps
# and guidance the stock pipeline's (4.5 there is 5.5 here).
_TURBO = Family(
    name="krea2-turbo",
    title="Krea 2 Turbo",
    architecture=KREA2,
    levels=f"flow:{math.exp(1.15):.7f}:10000",
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=2048 * 2048,
    steps=8,
    cfg=1.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="krea2-turbo",
    negative=False,  # without cfg nobody asks what it says
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)

ROWS: tuple[Family, ...] = (
    _TURBO,
    replace(
        _TURBO,
        name="krea2",
        title="Krea 2",
        levels="",
        steps=28,
        cfg=5.5,
        dialect="krea2",
        negative=True,
        kin="krea2-turbo",
    ),
)
