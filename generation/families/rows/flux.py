"""The families of FLUX.1.  What is usual is what ComfyUI's templates of them say."""

from __future__ import annotations

from dataclasses import replace

from generation.families.flux import FLUX1, SCHNELL
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision
from generation.tasks import Task

_FROM_WORDS = FLUX1.tasks - {Task.EDIT}

DEV = Family(
    name="flux1-dev",
    title="FLUX.1 dev",
    architecture=FLUX1,
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=2048 * 1024,  # trained on up to two megapixels
    steps=20,
    cfg=1.0,
    guidance=3.5,
    cfg_of_edits=1.0,
    image_cfg=None,
    does=_FROM_WORDS,
    denoise=DENOISE_OF_IMAGES,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,  # its CLIP's summary is of the last
    syntax="a1111-2",
    dialect="flux1",
    negative=False,  # at the cfg that is usual
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)

ROWS: tuple[Family, ...] = (
    DEV,
    replace(DEV, name="flux1-krea", title="FLUX.1 Krea", dialect="flux-krea", kin="flux1-dev"),
    replace(
        DEV,
        name="flux1-kontext",
        title="FLUX.1 Kontext",
        guidance=2.5,
        dialect="kontext",
        does=None,
        references=4,
        kin="flux1-dev",
    ),
    replace(
        DEV,
        name="flux1-fill",
        title="FLUX.1 Fill",
        guidance=30.0,
        scheduler="normal",
        kin="flux1-dev",
    ),
    replace(
        DEV,
        name="flux1-control",
        title="FLUX.1 Canny and Depth",
        guidance=30.0,  # Canny's; Depth's tensors are the same, and 10 is usual for it
        scheduler="normal",
        kin="flux1-dev",
    ),
    replace(
        DEV,
        name="flux1-schnell",
        title="FLUX.1 schnell",
        architecture=SCHNELL,
        steps=4,
        guidance=None,
        does=None,
        kin="flux1-dev",
    ),
)
