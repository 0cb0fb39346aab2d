"""The layers of the families that draw, as their UNets and text encoders have them in diffusers.

Paths are diffusers' and transformers' own, without the "text_model." that some versions put before
a text encoder's; shapes are those that the configs of single files give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from generation.catalog.loras.transformers import TRANSFORMERS
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Part as PartOfModel
from generation.families.architecture import Shape, Shapes, Stage
from generation.families.family import ARCHITECTURES

Part = str  # a part's name: "unet", "text_encoder"

# The architectures that LoRAs are read for, by the family of their checkpoints: all of one have
# the shapes of its configs.
SHAPED = {
    one.family: one for one in ARCHITECTURES if one.trainers_names and one not in TRANSFORMERS
}


# Parts of theirs that are adapters, whose layers lie between those of a UNet.
ADAPTERS = tuple(part for one in SHAPED.values() for part in one.parts if part.adapter)


@cache
def layers_of(family: str) -> Mapping[Part, Shapes]:
    """The shape of every layer's weight; empty for a family without a fixed shape."""
    if family not in SHAPED:
        return {}
    changed = [part for part in SHAPED[family].parts if part.stage is not Stage.DECODE]
    return {part.name: dict(_layers(part)) for part in changed}


@cache
def paths(part: Part) -> Mapping[str, str]:
    """Every layer that any family has in this part, by its path with underscores for dots."""
    known = (path for family in SHAPED for path in layers_of(family).get(part, ()))
    return {path.replace(".", "_"): path for path in known}


def _layers(part: PartOfModel) -> Iterator[tuple[str, Shape]]:
    shapes = part.network.tensors(config_of(CONFIGS / part.config)) or {}
    for key, shape in shapes.items():
        path, _, kind = key.rpartition(".")
        if kind == "weight" and "embeddings." not in path:
            yield path, shape


# Those of transformers are named in `generation.catalog.loras.transformers`.
PARTS: tuple[Part, ...] = tuple(
    dict.fromkeys(
        (*(part for f in SHAPED for part in layers_of(f)), "transformer", "text_encoder_3")
    )
)
