"""Recipes of each family that is written as a ComfyUI workflow, and their golden files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from generation.draft import Checkpoint, Draft, DraftCanvas, DraftSampling, DraftWords, complete
from generation.families.family import family
from generation.interchange.comfy.written import api_prompt
from generation.recipe import Adapter, Recipe, Sha256, Weights

GOLDEN = Path(__file__).parents[1] / "data" / "interchange" / "comfyui"


def weights(name: str) -> Weights:
    """A file of that name."""
    return Weights(name=name, sha256=Sha256(name.encode().hex().ljust(64, "0")[:64]))


def a_recipe_of(name: str, **said: Any) -> Recipe:
    """A recipe of the family, with what is said of words and sampling; the rest is usual."""
    words = {f.name: said[f.name] for f in fields(DraftWords) if f.name in said}
    sampling = {f.name: said[f.name] for f in fields(DraftSampling) if f.name in said}
    prompt = {"prompt": "a red cat", "negative_prompt": "dog"} | words
    parts = said.get("components", ())
    trained = said.get("model", {})
    model = Checkpoint(weights=weights(name), family=family(name), components=parts, **trained)
    draft = Draft(
        words=DraftWords(**prompt),
        sampling=DraftSampling(**sampling),
        canvas=DraftCanvas(**said.get("canvas", {})),
    )
    return complete(draft, model, seed=said.get("seed", 7), device="cuda")


_LORA = Adapter(kind="lora", weights=weights("ink"), strength=0.8, control=None)
_ENCODERS = (weights("clip_l"), weights("t5xxl_fp8_e4m3fn"), weights("ae"))

RECIPES: Mapping[str, Recipe] = {
    "sd15": a_recipe_of("sd15", sampler="dpmpp_2m", scheduler="karras", steps=20, cfg=7.0),
    "sd15-by-hand": a_recipe_of("sd15", sampler="euler", scheduler="sigmas:14.6,5,1"),
    "sd15-v-prediction": a_recipe_of(
        "sd15", model={"prediction": "v_prediction", "noise": "scaled-linear-zsnr"}
    ),
    "sd15-clip-skip": a_recipe_of("sd15", clip_skip=2),
    "sdxl-lora": replace(
        a_recipe_of("sdxl", steps=30), adapters=(_LORA,), vae=weights("sdxl_vae.safetensors")
    ),
    "sd3": a_recipe_of("sd3"),
    "sd3-shift": a_recipe_of("sd3", shift=1.5),
    "flux1-dev": a_recipe_of("flux1-dev", components=_ENCODERS, guidance=3.0),
    "flux1-dev-wide": a_recipe_of(
        "flux1-dev", components=_ENCODERS, canvas={"width": 1536, "height": 640}
    ),
    "flux1-schnell": a_recipe_of("flux1-schnell", components=_ENCODERS),
}


def write() -> None:
    """Write the golden files anew."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, recipe in RECIPES.items():
        written = api_prompt(recipe)
        data = {"prompt": written.nodes, "otherwise": [each.name for each in written.otherwise]}
        (GOLDEN / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
