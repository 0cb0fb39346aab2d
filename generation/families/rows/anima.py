"""The family of Anima."""

from __future__ import annotations

from generation.families.anima import ANIMA
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision

# Steps, cfg, sampler, scheduler and size of ComfyUI's template.
ROWS: tuple[Family, ...] = (
    Family(
        name="anima",
        title="Anima",
        architecture=ANIMA,
        width=1024,
        height=1024,
        min_side=256,
        max_pixels=2048 * 2048,
        steps=30,
        cfg=4.0,
        denoise=DENOISE_OF_IMAGES,
        sampler="euler",
        scheduler="simple",
        clip_layers=1,
        syntax="plain",
        dialect="anima",
        negative=True,
        precision_cuda=Precision.BF16,
        precision_cpu=Precision.FP32,
    ),
)
