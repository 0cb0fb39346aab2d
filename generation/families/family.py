"""What each model family is: native size, steps, cfg, sampler, tasks and prompt dialect, as data.

A family is recognised by the shape of its weights (`generation.catalog.catalog`), or named by the
model's card (`atelier.toml` beside the weights), never by a file's name.
Adding one is a row here and, if its pipeline is a new one, an entry in
`generation.worker.loading.loader`.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.errors import NoSuchName
from generation.recipe import Precision, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Data of one model family."""

    name: str
    title: str
    architecture: str  # what the worker loads: "sd1", "sdxl"
    width: int  # native size, pixels
    height: int
    grid: int  # width and height are multiples of it
    min_side: int
    max_pixels: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    clip_layers: int  # of its text encoder that can be read: how far clip skip may go back
    syntax: str  # one of generation.recipe.SYNTAXES
    dialect: str  # a key of prompting.speaking.dialects
    negative: bool  # whether a negative prompt has an effect
    noise: str  # "scaled-linear": the SD betas; "flow": rectified flow, sigma from 1 to 0
    tasks: frozenset[Task]
    precision_cuda: Precision
    precision_cpu: Precision  # also used where a GPU has no such format


_BOTH = frozenset({Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE})

FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        Family(
            name="starter",
            title="Starter (built in)",
            architecture="sd1",
            width=128,
            height=128,
            grid=8,
            min_side=64,
            max_pixels=256 * 256,
            steps=20,
            cfg=2.0,
            sampler="dpmpp_2m",
            scheduler="karras",
            clip_layers=3,
            syntax="a1111-2",
            dialect="starter",
            negative=True,
            noise="scaled-linear",
            tasks=_BOTH,
            precision_cuda=Precision.FP32,
            precision_cpu=Precision.FP32,
        ),
        Family(
            name="sd15",
            title="Stable Diffusion 1.x",
            architecture="sd1",
            width=512,
            height=512,
            grid=8,
            min_side=256,
            max_pixels=1024 * 1024,
            steps=25,
            cfg=7.0,
            sampler="dpmpp_2m",
            scheduler="karras",
            clip_layers=12,
            syntax="a1111-2",
            dialect="sd15",
            negative=True,
            noise="scaled-linear",
            tasks=_BOTH,
            precision_cuda=Precision.FP16,
            precision_cpu=Precision.FP32,
        ),
        Family(
            name="sdxl",
            title="Stable Diffusion XL",
            architecture="sdxl",
            width=1024,
            height=1024,
            grid=8,
            min_side=512,
            max_pixels=2048 * 2048,
            steps=28,
            cfg=6.0,
            sampler="dpmpp_2m",
            scheduler="karras",
            clip_layers=12,
            syntax="a1111-2",
            dialect="sdxl",
            negative=True,
            noise="scaled-linear",
            tasks=_BOTH,
            precision_cuda=Precision.FP16,
            precision_cpu=Precision.FP32,
        ),
    )
}


def family(name: str) -> Family:
    """The family of that name.  Raises NoSuchName."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise NoSuchName("family", name, tuple(FAMILIES)) from None
