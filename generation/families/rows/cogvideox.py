"""The families of CogVideoX."""

from __future__ import annotations

from dataclasses import replace

from generation.families.cogvideox import COGVIDEOX, FILMS
from generation.families.model_family import Family, Moving
from generation.recipe import Precision
from generation.tasks import Task

_GOING_ON = frozenset({Task.IMAGE_TO_VIDEO, Task.EXTEND_VIDEO})

# Steps, cfg, size and frames of the stock pipelines.
_WORDS = Family(
    name="cogvideox",
    title="CogVideoX",
    architecture=COGVIDEOX,
    width=720,
    height=480,
    min_side=256,
    max_pixels=720 * 480,
    steps=50,
    cfg=6.0,
    denoise=0.6,
    sampler="euler",
    scheduler="sgm_uniform",
    clip_layers=1,
    syntax="plain",
    dialect="cogvideox",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    does=frozenset({Task.TEXT_TO_VIDEO, Task.VIDEO_TO_VIDEO}),
    moving=Moving(frames=49, fps=8.0, max_frames=49, step=FILMS),
)
_NEWER = replace(
    _WORDS,
    name="cogvideox-1.5",
    title="CogVideoX 1.5",
    width=1360,
    height=768,
    max_pixels=1360 * 768,
    # Its tokens are of two latent frames: most clips lack the one before the first.
    does=frozenset({Task.TEXT_TO_VIDEO}),
    moving=Moving(frames=81, fps=16.0, max_frames=161, step=FILMS),
)

ROWS: tuple[Family, ...] = (
    _WORDS,
    # Its places were learned: it draws at one size.
    replace(_WORDS, name="cogvideox-i2v", title="CogVideoX I2V", min_side=480, does=_GOING_ON),
    _NEWER,
    replace(_NEWER, name="cogvideox-1.5-i2v", title="CogVideoX 1.5 I2V", does=_GOING_ON),
)
