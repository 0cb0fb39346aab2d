"""The family of Qwen-Image 2.1."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.families.qwen_image_21 import QWEN_IMAGE_21
from generation.recipe import Precision

# Steps, cfg, sampler and scheduler are those of ComfyUI's templates, which draw a megapixel; its
# README asks for 2048 pixels and 40 steps.
_WHOLE = Family(
    name="qwen-image-2.1",
    title="Qwen-Image 2.1",
    architecture=QWEN_IMAGE_21,
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=2752 * 1600,
    steps=25,
    cfg=1.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",  # its encoder reads brackets as text
    dialect="qwen-image-2.1",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    cfg_of_edits=1.0,
    image_cfg=None,
    references=10,
)

ROWS: tuple[Family, ...] = (
    _WHOLE,
    replace(
        _WHOLE,
        name="qwen-image-2.1-turbo",
        title="Qwen-Image 2.1 Turbo",
        steps=8,
        # The levels that it was taught at: ManualSigmas of its templates.
        scheduler="manual:1:0.978453:0.95418:0.926626:0.89508:0.845148:0.704534:0.414568",
        kin="qwen-image-2.1",
    ),
)
