"""The families of Lumina-Image 2.0."""

from __future__ import annotations

from dataclasses import replace

from generation.families.lumina2 import LUMINA2
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision

# The stock pipeline's steps and cfg; the sampler, scheduler and shift of ComfyUI's template.
_BASE = Family(
    name="lumina2",
    title="Lumina-Image 2.0",
    architecture=LUMINA2,
    width=1024,
    height=1024,
    min_side=512,
    max_pixels=2048 * 2048,
    steps=30,
    cfg=4.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="res_multistep",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="lumina",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)

ROWS: tuple[Family, ...] = (
    _BASE,
    replace(
        _BASE,
        name="netayume",
        title="NetaYume Lumina",
        levels="flow:4.0",
        dialect="netayume",
        kin="lumina2",
    ),
)
