"""The families of Stable Diffusion 1, 2 and XL, and the built-in one, which is shaped like 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from generation.families.model_family import DENOISE_OF_IMAGES, Family
from generation.families.stable_diffusion import REFINER, SD1, SD2, SDXL
from generation.recipe import Precision

_SD15 = Family(
    name="sd15",
    title="Stable Diffusion 1.x",
    architecture=SD1,
    width=512,
    height=512,
    min_side=256,
    max_pixels=1024 * 1024,
    steps=25,
    cfg=7.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="dpmpp_2m",
    scheduler="karras",
    clip_layers=12,
    syntax="a1111-2",
    dialect="sd15",
    negative=True,
    precision_cuda=Precision.FP16,
    precision_cpu=Precision.FP32,
)
_SD2 = replace(_SD15, name="sd2", title="Stable Diffusion 2.x", architecture=SD2, dialect="sd21")
_SDXL = replace(
    _SD15,
    name="sdxl",
    title="Stable Diffusion XL",
    architecture=SDXL,
    width=1024,
    height=1024,
    min_side=512,
    max_pixels=2048 * 2048,
    steps=28,
    cfg=6.0,
    dialect="sdxl",
    finetunes=(
        *(("noob", "noobai"), ("illustrious", "illustrious"), ("ilxl", "illustrious")),
        *(("animagine", "illustrious"), ("pony", "pony")),
    ),
)

# Latent consistency models (Luo et al. 2023): the whole UNet was taught, and is told its guidance.
# As its makers' pipeline draws: 4 steps, guidance 8.5.
_CONSISTENT: dict[str, Any] = {
    "steps": 4,
    "cfg": 1.0,
    "guidance": 8.5,
    "sampler": "lcm",
    "scheduler": "sgm_uniform",
    "negative": False,
}

ROWS: tuple[Family, ...] = (
    replace(
        _SD15,
        name="starter",
        title="Starter (built in)",
        width=128,
        height=128,
        min_side=64,
        max_pixels=256 * 256,
        steps=20,
        cfg=2.0,
        cfg_of_edits=2.0,
        clip_layers=3,
        dialect="starter",
        few_words=True,
        precision_cuda=Precision.FP32,
    ),
    _SD15,
    replace(_SD15, name="sd15-lcm", title="LCM of SD 1.x", kin="sd15", **_CONSISTENT),
    _SD2,
    replace(
        _SD2,
        name="sd2-768",
        title="Stable Diffusion 2.x (768)",
        width=768,
        height=768,
        kin="sd2",
    ),
    _SDXL,
    replace(_SDXL, name="sdxl-lcm", title="LCM of SDXL", kin="sdxl", **_CONSISTENT),
    replace(
        _SDXL,
        name="sdxl-refiner",
        title="Stable Diffusion XL refiner",
        architecture=REFINER,
        denoise=0.3,  # it was trained on the last fifth of the noise
        denoise_of_a_part=0.3,
    ),
)
