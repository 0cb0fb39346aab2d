"""The families of FLUX.3."""

from __future__ import annotations

from dataclasses import replace

from generation.families.flux3 import FLUX3
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision

_KLEIN = Family(
    name="flux3-klein",
    title="FLUX.3 klein",
    architecture=FLUX3,
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=2048 * 2048,
    steps=16,  # diffusers' and ComfyUI's, as those of the base model
    cfg=1.0,
    cfg_of_edits=1.0,
    image_cfg=None,
    references=8,
    denoise=DENOISE_OF_IMAGES,
    sampler="euler",
    scheduler="even",
    clip_layers=1,
    syntax="plain",
    dialect="flux2-klein",
    negative=False,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)

ROWS: tuple[Family, ...] = (
    _KLEIN,
    replace(
        _KLEIN,
        name="flux3-klein-base",
        title="FLUX.3 klein base",
        steps=50,
        cfg=3.5,
        cfg_of_edits=3.5,
        dialect="flux2-klein-base",
        negative=True,
        kin="flux3-klein",
    ),
)
