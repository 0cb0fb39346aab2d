"""The families of FLUX.2."""

from __future__ import annotations

from dataclasses import replace

from generation.families.flux2 import FLUX2_DEV, FLUX2_KLEIN
from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.recipe import Precision

# Steps, cfg and size are ComfyUI's templates', where dev and base models have 20 steps.
_KLEIN = Family(
    name="flux2-klein",
    title="FLUX.2 klein 4B",
    architecture=FLUX2_KLEIN,
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=2048 * 2048,
    steps=4,
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
_BASE = replace(
    _KLEIN,
    name="flux2-klein-base",
    title="FLUX.2 klein 4B base",
    steps=20,
    cfg=5.0,
    cfg_of_edits=5.0,
    negative=True,
    dialect="flux2-klein-base",
    kin="flux2-klein",
)
_KLEIN_9B = replace(_KLEIN, name="flux2-klein-9b", title="FLUX.2 klein 9B")

ROWS: tuple[Family, ...] = (
    replace(
        _KLEIN,
        name="flux2-dev",
        title="FLUX.2 dev",
        architecture=FLUX2_DEV,
        steps=20,
        guidance=4.0,
        dialect="flux2",
    ),
    _KLEIN,
    _BASE,
    _KLEIN_9B,
    replace(
        _KLEIN_9B,
        name="flux2-klein-9b-kv",
        title="FLUX.2 klein 9B KV",
        seen_apart=True,
        kin="flux2-klein-9b",
    ),
    replace(_BASE, name="flux2-klein-9b-base", title="FLUX.2 klein 9B base", kin="flux2-klein-9b"),
)
