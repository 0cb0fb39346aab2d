"""The families of Shap-E."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import Family, Shaping
from generation.families.shap_e import SHAP_E, SHAP_E_IMAGE
from generation.recipe import Precision

# Steps, guidance and grid are those of the stock pipelines' examples.
_SHAP_E = Family(
    name="shap-e",
    title="Shap-E",
    architecture=SHAP_E,
    width=0,
    height=0,
    min_side=0,
    max_pixels=0,
    steps=64,
    cfg=15.0,
    denoise=1.0,
    sampler="heun",
    scheduler="karras",
    clip_layers=1,
    syntax="plain",
    dialect="shap-e",
    negative=False,  # what is not told is nothing, never something else
    precision_cuda=Precision.FP32,
    precision_cpu=Precision.FP32,
    shaping=Shaping(resolution=128, max_resolution=256),
)
_STARTER = replace(
    _SHAP_E,
    name="starter-form",
    title="Starter for 3D (built in)",
    steps=16,
    cfg=2.0,
    dialect="starter-form",
    few_words=True,
    shaping=Shaping(resolution=64, max_resolution=256),
)

ROWS: tuple[Family, ...] = (
    _STARTER,
    _SHAP_E,
    replace(
        _SHAP_E,
        name="shap-e-image",
        title="Shap-E of pictures",
        architecture=SHAP_E_IMAGE,
        cfg=3.0,
    ),
)
