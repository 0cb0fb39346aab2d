"""Settings as one flat object of JSON: what A1111's API answers, and what Civitai's API tells.

    {"prompt": ..., "negativePrompt": ..., "cfgScale": 7, "sampler": "Euler a", "resources": [...]}
    {"prompt": ..., "sampler_name": "Euler a", "cfg_scale": 7, "infotexts": ["a cat\\nSteps: ..."]}

Pure.  They are read as the infotext that says the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from generation.interchange.a1111 import imported_of
from generation.interchange.imported import Imported
from generation.interchange.infotext_grammar import Infotext, infotext_in
from generation.interchange.json_texts import object_in, object_of, objects

KEYS = ("parameters", "UserComment", "comment", "")

# What infotext calls each; a key that stands here under no other name is taken as it is.
_CALLED = {
    "cfgscale": "CFG scale",
    "cfg_scale": "CFG scale",
    "cfg": "CFG scale",
    "steps": "Steps",
    "seed": "Seed",
    "sampler": "Sampler",
    "sampler_name": "Sampler",
    "scheduler": "Schedule type",
    "clipskip": "Clip skip",
    "clip_skip": "Clip skip",
    "sd_model_name": "Model",
    "sd_model_hash": "Model hash",
    "sd_vae_name": "VAE",
    "sd_vae_hash": "VAE hash",
    "model": "Model",
    "size": "Size",
    "width": "Width",
    "height": "Height",
    "denoising_strength": "Denoising strength",
    "denoise": "Denoising strength",
    "subseed": "Variation seed",
    "subseed_strength": "Variation seed strength",
    "version": "Version",
    "vae": "VAE",
}
_RESOURCES = ("civitaiResources", "additionalResources", "resources")
_TEXTS = ("prompt", "negativeprompt", "negative_prompt")


def read(texts: Mapping[str, str]) -> Imported | None:
    """What such an object says; None where there is none."""
    for key in KEYS:
        said = object_in(texts.get(key))
        if said is None:
            continue
        said = object_of(said.get("meta")) or said
        if isinstance(written := said.get("infotexts"), list) and written:
            found = infotext_in(str(written[0]))
            if found is not None:
                return imported_of(found)
        folded = {name.casefold() for name in said}
        if "prompt" in folded and folded & {"cfgscale", "cfg_scale"} and _sampled(folded):
            return imported_of(_infotext(said))
    return None


def _sampled(folded: set[str]) -> bool:
    return bool(folded & {"sampler", "sampler_name"}) and "steps" in folded


def _infotext(said: Mapping[str, object]) -> Infotext:
    pairs: dict[str, str] = {}
    words = dict.fromkeys(_TEXTS, "")
    for key, value in said.items():
        folded = key.casefold()
        if folded in words:
            words[folded] = value if isinstance(value, str) else ""
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            pairs[_CALLED.get(folded, key)] = str(value)
    ruled = object_of(said.get("override_settings"))  # of what A1111's API is asked
    for key, called in (("sd_model_checkpoint", "Model"), ("sd_vae", "VAE")):
        if isinstance(value := ruled.get(key), str):
            pairs.setdefault(called, value)
    if isinstance(hashes := said.get("hashes"), dict):
        pairs["Hashes"] = json.dumps(hashes)
    if resources := [one for key in _RESOURCES for one in objects(said.get(key))]:
        pairs["Civitai resources"] = json.dumps(resources)
    negative = words["negativeprompt"] or words["negative_prompt"]
    return Infotext(prompt=words["prompt"], negative=negative, pairs=pairs)
