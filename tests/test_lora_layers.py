"""The claim that the layers a LoRA can change are those that the networks have."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from generation.catalog.loras.layers import PARTS, SHAPED, Part, layers_of, paths
from generation.catalog.partconfigs import CONFIGS
from generation.families.architecture import Part as PartOfModel
from generation.worker.loading.building import class_of


def network(part: PartOfModel) -> Any:
    """The real one, without its numbers."""
    kind = class_of(part.network.module, part.network.name)
    config = json.loads((CONFIGS / part.config / "config.json").read_text())
    with torch.device("meta"):
        if part.network.library == "diffusers":
            return kind.from_config(config)
        return kind(kind.config_class(**config))


@pytest.mark.parametrize(
    ("family", "part"), [(family, part) for family in SHAPED for part in layers_of(family)]
)
def test_the_layers_are_the_networks_own(family: str, part: Part) -> None:
    found = {
        name.removeprefix("text_model."): tuple(module.weight.shape)
        for name, module in network(SHAPED[family].part(part)).named_modules()
        if getattr(module, "weight", None) is not None and "embeddings" not in name
    }
    assert dict(layers_of(family)[part]) == found


@pytest.mark.parametrize("part", PARTS)
def test_no_two_layers_are_spelled_alike_with_underscores(part: Part) -> None:
    known = {path for family in SHAPED for path in layers_of(family).get(part, ())}
    assert set(paths(part).values()) == known
