"""The family of Stable Diffusion 3 and 3.5."""

from __future__ import annotations

from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.families.sd3 import SD3
from generation.recipe import Precision

ROWS: tuple[Family, ...] = (
    Family(
        name="sd3",
        title="Stable Diffusion 3 and 3.5",
        architecture=SD3,
        width=1024,
        height=1024,
        min_side=512,
        max_pixels=1536 * 1024,  # so that no side is longer than 3072, where its positions end
        steps=28,
        cfg=4.5,
        denoise=DENOISE_OF_IMAGES,
        sampler="euler",
        scheduler="sgm_uniform",
        clip_layers=12,
        syntax="a1111-2",
        dialect="sd3",
        negative=True,
        precision_cuda=Precision.FP16,
        precision_cpu=Precision.FP32,
    ),
)
