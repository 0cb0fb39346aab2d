"""The families of ACE-Step 1.5."""

from __future__ import annotations

from dataclasses import replace

from generation.families.ace_step import ACE_STEP
from generation.families.model_family import Family, Sounding
from generation.recipe import Precision

# Steps and cfg of ComfyUI's templates; the levels are the pipeline's own for any number of steps.
_BASE = Family(
    name="ace-step",
    title="ACE-Step 1.5",
    architecture=ACE_STEP,
    width=0,
    height=0,
    min_side=0,
    max_pixels=0,
    steps=50,
    cfg=6.0,
    denoise=1.0,  # a cover follows a sound from noise on
    sampler="euler",
    scheduler="even",
    clip_layers=1,
    syntax="plain",
    dialect="ace-step",
    negative=False,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    sounding=Sounding(seconds=60.0, max_seconds=600.0, rate=48_000, channels=2, sings=True),
)

ROWS: tuple[Family, ...] = (
    _BASE,
    replace(
        _BASE,
        name="ace-step-turbo",
        title="ACE-Step 1.5 Turbo",
        steps=8,
        cfg=1.0,
        kin="ace-step",
    ),
)
