"""The family of clips that checkpoints of Stable Diffusion 1.x draw with a motion module."""

from __future__ import annotations

from generation.families.animatediff import ANIMATEDIFF, USUAL
from generation.families.model_family import Family, Moving
from generation.recipe import Precision

ROWS: tuple[Family, ...] = (
    Family(
        name="animatediff",
        title="AnimateDiff (Stable Diffusion 1.x)",
        architecture=ANIMATEDIFF,
        width=512,
        height=512,
        min_side=256,
        max_pixels=768 * 768,
        steps=25,
        cfg=7.5,
        denoise=0.6,
        sampler="ddim",
        scheduler="normal",
        clip_layers=12,
        syntax="a1111-2",
        dialect="sd15",
        negative=True,
        precision_cuda=Precision.FP16,
        precision_cpu=Precision.FP32,
        kin="sd15",
        moving=Moving(frames=16, fps=8.0, max_frames=USUAL, piece=4),
    ),
)
