"""The families of ERNIE-Image."""

from __future__ import annotations

from dataclasses import replace

from generation.families.ernie_image import ERNIE_IMAGE
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision

# Steps, cfg, sampler, scheduler and size of ComfyUI's templates.
_BASE = Family(
    name="ernie-image",
    title="ERNIE-Image",
    architecture=ERNIE_IMAGE,
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=2048 * 2048,
    steps=20,
    cfg=4.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="ernie-image",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)

ROWS: tuple[Family, ...] = (
    _BASE,
    replace(
        _BASE,
        name="ernie-image-turbo",
        title="ERNIE-Image Turbo",
        steps=8,
        cfg=1.0,
        dialect="ernie-image-turbo",
        negative=False,  # without cfg nobody asks what it says
        kin="ernie-image",
    ),
)
