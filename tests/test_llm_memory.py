"""What language models take while they read, besides their weights: no less than is said.

The networks have their real widths and fewer layers: a layer's numbers are gone before the next.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.worker.loading.building import class_of
from generation.worker.text import llm
from tests.given.languagemodels import NETWORKS
from tests.given.peaks import peak_bytes


def narrow(name: str, layers: int) -> dict[str, Any]:
    """The real config with few layers, blocks and words."""
    config: dict[str, Any] = copy.deepcopy(config_of(CONFIGS / "text" / name))
    words = config.get("text_config", config)
    words |= {"num_hidden_layers": layers, "vocab_size": 64, "bos_token_id": 1, "eos_token_id": 2}
    if "vision_config" in config:
        config["vision_config"] |= {"depth": 1, "fullatt_block_indexes": [0]}
        if "deepstack_visual_indexes" in config["vision_config"]:
            config["vision_config"] |= {"deepstack_visual_indexes": [0]}
            del config["vision_config"]["fullatt_block_indexes"]
    return config


def built(name: str, config: dict[str, Any]) -> Any:
    kind = class_of(NETWORKS[name].module, NETWORKS[name].name)
    return kind(kind.config_class.from_dict(copy.deepcopy(config))).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tokens", [300, 2048])
@pytest.mark.parametrize("name", NETWORKS)
def test_reading_takes_what_was_said_and_a_quarter_less_at_most(
    name: str, tokens: int, dtype: torch.dtype
) -> None:
    config, form = narrow(name, 4), llm.PromptForm(layers=(1, 2, 4))

    def read(network: Any) -> None:
        ids = torch.zeros(1, tokens, dtype=torch.long)
        llm._states(network, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, form)

    taken = peak_bytes(lambda: built(name, config), read, dtype)
    said = llm.activation_bytes(config, tokens=tokens, layers=3, itemsize=dtype.itemsize)
    # A mask of pairs, which the library makes or not: little beside real widths.
    pairs = tokens**2 * dtype.itemsize if "vision_config" in config else 0
    assert 0.75 * said <= taken <= said + pairs


@pytest.mark.parametrize("name", ["qwen2.5-vl", "qwen3-vl"])
def test_looking_at_pictures_is_counted(name: str) -> None:
    config = narrow(name, 1)
    read = {"tokens": 100, "layers": 1, "itemsize": 2}
    without = llm.activation_bytes(config, **read)
    assert llm.activation_bytes(config, **read, pixels=28 * 28) == without
    tower = config["vision_config"]
    patches = 1024 * 1024 // tower["patch_size"] ** 2
    large = llm.activation_bytes(config, **read, pixels=1024 * 1024)
    assert large > max(without, patches * 4 * 3 * tower["intermediate_size"])
