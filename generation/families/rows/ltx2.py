"""The families of LTX-2 and LTX-2.3."""

from __future__ import annotations

from dataclasses import replace

from generation.families.ltx import STEP
from generation.families.ltx2 import DISTILLED, DISTILLED_23, LTX_2, LTX_23
from generation.families.model_family import Family, Moving, Sounding
from generation.recipe import Precision
from generation.spans import SecondPass

# Steps, cfg, size and frames of the stock pipeline's examples; its places reach 20 seconds.
_WHOLE = Family(
    name="ltx-2",
    title="LTX-2",
    architecture=LTX_2,
    width=768,
    height=512,
    min_side=256,
    max_pixels=1920 * 1088,
    steps=40,
    cfg=4.0,
    denoise=0.6,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="ltx2",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    moving=Moving(frames=121, fps=24.0, max_frames=473, step=STEP, loosely=True),
    sounding=Sounding(seconds=5.0, max_seconds=20.0, rate=24_000, channels=2),
    # The levels of a distilled one, from where half of the noise is left (diffusers' utils.py).
    second=SecondPass(sampler="euler", sigmas=(0.909375, 0.725, 0.421875, 0.0), cfg=1.0),
)


def _distilled(whole: Family, name: str) -> Family:
    return replace(
        whole,
        name=name,
        title=f"{whole.title} distilled",
        steps=8,
        cfg=1.0,
        # The levels that it was distilled at.
        scheduler="manual:1:0.99375:0.9875:0.98125:0.975:0.909375:0.725:0.421875",
        dialect="ltx2-distilled",
        negative=False,
        kin="ltx-2",
    )


_NEWER = replace(
    _WHOLE,
    name="ltx-2.3",
    title="LTX-2.3",
    kin="ltx-2",  # most layers are called and sized alike, so that nothing tells whose a LoRA is
    architecture=LTX_23,
    steps=30,
    cfg=3.0,
    sounding=Sounding(seconds=5.0, max_seconds=20.0, rate=48_000, channels=2),
)

ROWS: tuple[Family, ...] = (
    _WHOLE,
    _distilled(_WHOLE, DISTILLED),
    _NEWER,
    _distilled(_NEWER, DISTILLED_23),
)
