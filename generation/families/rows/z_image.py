"""The families of Z-Image."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.families.z_image import Z_IMAGE
from generation.recipe import Precision

# Steps, cfg, sampler and scheduler of ComfyUI's templates; sizes that its makers name.
_TURBO = Family(
    name="z-image-turbo",
    title="Z-Image-Turbo",
    architecture=Z_IMAGE,
    width=1024,
    height=1024,
    min_side=512,
    max_pixels=2048 * 2048,
    steps=8,
    cfg=1.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="res_multistep",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="z-image",
    negative=False,  # without cfg nobody asks what it says
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)

ROWS: tuple[Family, ...] = (
    _TURBO,
    replace(
        _TURBO,
        name="z-image",
        title="Z-Image",
        steps=25,
        cfg=4.0,
        dialect="z-image-base",
        negative=True,
        kin="z-image-turbo",
    ),
)
