"""The families of LongCat-Image."""

from __future__ import annotations

from dataclasses import replace

from generation.families.longcat_image import LONGCAT_IMAGE
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision
from generation.tasks import Task

# Steps, cfg, sampler, scheduler and size of ComfyUI's templates for each.
_WORDS = Family(
    name="longcat-image",
    title="LongCat-Image",
    architecture=LONGCAT_IMAGE,
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
    dialect="longcat-image",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    does=LONGCAT_IMAGE.tasks - {Task.EDIT},
)

ROWS: tuple[Family, ...] = (
    _WORDS,
    replace(
        _WORDS,
        name="longcat-image-edit",
        title="LongCat-Image-Edit",
        steps=50,
        cfg=4.5,
        cfg_of_edits=4.5,
        image_cfg=None,
        dialect="longcat-image-edit",
        does=frozenset({Task.EDIT}),  # its words are read beside a picture
        kin="longcat-image",
    ),
)
