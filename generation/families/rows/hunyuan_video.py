"""The families of HunyuanVideo 1.5."""

from __future__ import annotations

from dataclasses import replace

from generation.families.hunyuan_video import (
    HUNYUAN_VIDEO,
    LARGE,
    LEAPING,
    NAME,
    SEEING,
    STEP,
    TAUGHT,
)
from generation.families.model_family import Family, Moving
from generation.recipe import Precision
from generation.tasks import Task

# Steps, cfg, frames and sizes of its makers; a folder says how its levels are shifted.
_WORDS = Family(
    name=NAME,
    title="HunyuanVideo 1.5 480p",
    architecture=HUNYUAN_VIDEO,
    width=848,
    height=480,
    min_side=256,
    max_pixels=640 * 640,
    steps=50,
    cfg=6.0,
    denoise=0.6,
    sampler="euler",
    scheduler="simple",
    clip_layers=1,
    syntax="plain",
    dialect="hunyuan-video",
    negative=True,
    precision_cuda=Precision.BF16,
    precision_cpu=Precision.FP32,
    does=frozenset({Task.TEXT_TO_VIDEO}),
    moving=Moving(frames=121, fps=24.0, max_frames=241, step=STEP),
)
_PICTURES = replace(
    _WORDS,
    name=NAME + SEEING,
    title="HunyuanVideo 1.5 480p I2V",
    does=frozenset({Task.IMAGE_TO_VIDEO, Task.EXTEND_VIDEO}),
    kin=NAME,
)


def _large(row: Family, name: str, levels: str) -> Family:
    """The same at 720p, whose levels are bent further: a file says nothing of them."""
    title = row.title.replace("480p", "720p")
    row = replace(row, name=name, title=title, kin=NAME, levels=levels, told=True)
    return replace(row, width=1280, height=720, max_pixels=960 * 960)


def _guided(row: Family) -> Family:
    """One that was taught what guidance makes of both prompts: a negative one says nothing."""
    title = f"{row.title} distilled"
    return replace(row, name=row.name + TAUGHT, title=title, cfg=1.0, negative=False, kin=NAME)


_EACH = (
    _WORDS,
    _PICTURES,
    _large(_WORDS, NAME + LARGE, "flow:9.0"),
    _large(_PICTURES, NAME + LARGE + SEEING, "flow:7.0"),
)
_FEW_STEPS = replace(
    _guided(_PICTURES),
    name=NAME + SEEING + LEAPING,
    title="HunyuanVideo 1.5 480p I2V step-distilled",
    steps=8,
)
ROWS: tuple[Family, ...] = (*_EACH, *map(_guided, _EACH), _FEW_STEPS)
