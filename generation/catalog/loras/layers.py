"""The layers of the families that draw, as their UNets and text encoders have them in diffusers.

Paths are diffusers' and transformers' own, without the "text_model." that some versions put before
a text encoder's; shapes are those that the configs of single files give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from generation.catalog import blueprint
from generation.catalog.checkpoint import CONFIGS, config_of

Part = Literal["unet", "text_encoder", "text_encoder_2"]
PARTS: tuple[Part, ...] = ("unet", "text_encoder", "text_encoder_2")

Shape = tuple[int, ...]
Layers = Mapping[str, Shape]

# The families whose layers are known: all of one have the shapes of its architecture's configs.
SHAPED = {"sd15": "sd1", "sdxl": "sdxl"}


@cache
def layers_of(family: str) -> Mapping[Part, Layers]:
    """The shape of every layer's weight; empty for a family without a fixed shape."""
    if family not in SHAPED:
        return {}
    folder = CONFIGS / SHAPED[family]
    return {
        part: dict(_layers(config_of(folder / part), part))
        for part in PARTS
        if (folder / part).is_dir()
    }


@cache
def paths(part: Part) -> Mapping[str, str]:
    """Every layer that any family has in this part, by its path with underscores for dots."""
    known = (path for family in SHAPED for path in layers_of(family).get(part, ()))
    return {path.replace(".", "_"): path for path in known}


def _layers(config: Mapping[str, object], part: Part) -> Iterator[tuple[str, Shape]]:
    shapes = (blueprint.unet if part == "unet" else blueprint.clip)(config) or {}
    for key, shape in shapes.items():
        path, _, kind = key.rpartition(".")
        if kind == "weight" and "embeddings." not in path:
            yield path, shape
