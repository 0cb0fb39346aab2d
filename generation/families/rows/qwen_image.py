"""The families of Qwen-Image."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.families.qwen_image import QWEN_IMAGE
from generation.recipe import Precision
from generation.tasks import Task

# Steps, cfg, sampler, scheduler and size are those of ComfyUI's templates for each.
_WORDS = Family(
    name="qwen-image",
    title="Qwen-Image",
    architecture=QWEN_IMAGE,
    width=1328,
    height=1328,
    min_side=256,
    max_pixels=2048 * 2048,
    steps=20,
    cfg=4.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",  # its encoder reads brackets as text
    dialect="qwen-image",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    does=QWEN_IMAGE.tasks - {Task.EDIT},
)
_EDIT = replace(
    _WORDS,
    name="qwen-image-edit",
    title="Qwen-Image-Edit",
    width=1024,
    height=1024,
    dialect="qwen-image-edit",
    does=None,  # they draw from words alone as well
    cfg=2.5,
    cfg_of_edits=2.5,
    image_cfg=None,
    kin="qwen-image",
)

ROWS: tuple[Family, ...] = (
    _WORDS,
    replace(_WORDS, name="qwen-image-2512", title="Qwen-Image 2512", steps=50, kin="qwen-image"),
    _EDIT,
    replace(
        _EDIT,
        name="qwen-image-edit-2509",
        title="Qwen-Image-Edit 2509",
        cfg=4.0,
        cfg_of_edits=4.0,
        references=3,
    ),
    replace(
        _EDIT,
        name="qwen-image-edit-2511",
        title="Qwen-Image-Edit 2511",
        steps=40,
        cfg=4.0,
        cfg_of_edits=4.0,
        references=3,
    ),
)
