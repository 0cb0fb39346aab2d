"""The families of HiDream I1."""

from __future__ import annotations

from dataclasses import replace

from generation.families.hidream import HIDREAM
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision

# Steps, cfg, sampler, scheduler and shift of ComfyUI's templates.
_FULL = Family(
    name="hidream-full",
    title="HiDream I1 Full",
    architecture=HIDREAM,
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=1024 * 1024,  # the tokens that its network has room for
    steps=50,
    cfg=5.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="uni_pc",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="hidream",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)
_DEV = replace(
    _FULL,
    name="hidream-dev",
    title="HiDream I1 Dev",
    levels="flow:6.0",
    steps=28,
    cfg=1.0,
    sampler="lcm",
    scheduler="normal",
    dialect="hidream-dev",
    negative=False,  # without cfg nobody asks what it says
    kin="hidream-full",
)

ROWS: tuple[Family, ...] = (
    _FULL,
    _DEV,
    replace(_DEV, name="hidream-fast", title="HiDream I1 Fast", levels="flow:3.0", steps=16),
)
