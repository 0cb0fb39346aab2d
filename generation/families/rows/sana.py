"""The families of Sana."""

from __future__ import annotations

import math
from dataclasses import replace

from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.families.sana import SANA
from generation.recipe import Precision

# Steps, cfg, sampler and shift of the stock pipeline: ComfyUI has no template of it.
_SANA = Family(
    name="sana",
    title="Sana",
    architecture=SANA,
    width=1024,
    height=1024,
    min_side=256,
    max_pixels=2048 * 2048,
    steps=20,
    cfg=4.5,
    denoise=DENOISE_OF_IMAGES,
    sampler="dpmpp_2m",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="sana",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
)

ROWS: tuple[Family, ...] = (
    _SANA,
    replace(_SANA, name="sana-512", title="Sana 512", width=512, height=512, kin="sana"),
    replace(_SANA, name="sana-2k", title="Sana 2K", width=2048, height=2048, kin="sana"),
    replace(
        _SANA,
        name="sana-4k",
        title="Sana 4K",
        width=4096,
        height=4096,
        max_pixels=4096 * 4096,
        levels="flow:6.0",
        kin="sana",
    ),
    replace(
        _SANA,
        name="sana-sprint",
        title="Sana Sprint",
        steps=2,
        cfg=1.0,
        guidance=4.5,
        # Two steps of its pipeline stand at angles of 90 degrees and of 1.3: their tangent, noise
        # by picture, is a flow's shift where levels are laid evenly.
        levels=f"flow:{math.tan(1.3):.6f}",
        sampler="lcm",
        dialect="sana-sprint",
        negative=False,  # without cfg nobody asks what it says
    ),
)
