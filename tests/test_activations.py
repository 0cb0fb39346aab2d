"""Claims about memory: what an engine says that a stage takes is what its networks keep alive.

The networks have their real widths and fewer layers: a layer's numbers are gone before the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Stage
from generation.families.family import FAMILIES
from generation.recipe import Recipe, needed
from generation.worker.engines.table import ENGINES
from generation.worker.loading.building import class_of
from tests.given.builders import a_recipe
from tests.given.peaks import peak_bytes

WORDS = 544  # as many as a prompt of 512 tokens takes

Call = Callable[[Any, int, int, int], object]  # (network, lanes, height, width)


def z_image(network: Any, lanes: int, height: int, width: int) -> object:
    pictures = [torch.empty(16, 1, height // 8, width // 8) for _ in range(lanes)]
    words = [torch.empty(WORDS, network.config.cap_feat_dim) for _ in range(lanes)]
    return network(pictures, torch.ones(lanes), words, return_dict=False)


def krea2(network: Any, _lanes: int, height: int, width: int) -> object:
    """Each prompt is a call of its own."""
    said, picture = network.config, height * width // 256
    return network(
        hidden_states=torch.empty(1, picture, said.in_channels),
        encoder_hidden_states=torch.empty(1, 512, said.num_text_layers, said.text_hidden_dim),
        timestep=torch.ones(1),
        position_ids=torch.zeros(512 + picture, 3),
        encoder_attention_mask=torch.ones(1, 512, dtype=torch.bool),
        return_dict=False,
    )


def anima(network: Any, _lanes: int, height: int, width: int) -> object:
    """Each prompt is a call of its own."""
    network.register_to_config(concat_padding_mask=False)
    return network(
        hidden_states=torch.empty(1, 16, 1, height // 8, width // 8),
        timestep=torch.ones(1),
        encoder_hidden_states=torch.empty(1, 512, network.config.text_embed_dim),
        condition_mask=torch.zeros(1, 1, 1, height // 8, width // 8),
        return_dict=False,
    )


def qwen_image(network: Any, _lanes: int, height: int, width: int) -> object:
    return network(  # each lane is a call of its own
        hidden_states=torch.empty(1, height * width // 256, 64),
        timestep=torch.ones(1),
        encoder_hidden_states=torch.empty(1, WORDS, network.config.joint_attention_dim),
        img_shapes=[[(1, height // 16, width // 16)]],
        return_dict=False,
    )


def ernie_image(network: Any, lanes: int, height: int, width: int) -> object:
    return network(
        hidden_states=torch.empty(lanes, network.config.in_channels, height // 16, width // 16),
        timestep=torch.ones(lanes),
        text_bth=torch.empty(lanes, 512, network.config.text_in_dim),
        text_lens=torch.full([lanes], 512),
        return_dict=False,
    )


def lumina2(network: Any, _lanes: int, height: int, width: int) -> object:
    """Each prompt is a call of its own."""
    return network(
        hidden_states=torch.empty(1, 16, height // 8, width // 8),
        timestep=torch.ones(1),
        encoder_hidden_states=torch.empty(1, 256, network.config.cap_feat_dim),
        encoder_attention_mask=_AllWords(),
        return_dict=False,
    )


def sana(network: Any, lanes: int, height: int, width: int) -> object:
    return network(
        torch.empty(lanes, network.config.in_channels, height // 32, width // 32),
        encoder_hidden_states=torch.empty(lanes, 300, network.config.caption_channels),
        encoder_attention_mask=torch.ones(lanes, 300, dtype=torch.long),
        timestep=torch.ones(lanes),
        return_dict=False,
    )


class _AllWords:
    """A mask of words alone, which are counted: numbers that fake tensors do not have."""

    shape = (1, 256)

    def sum(self, **_: int) -> _AllWords:
        return self

    def tolist(self) -> list[int]:
        return [self.shape[1]]

    def bool(self) -> torch.Tensor:
        return torch.ones(self.shape, dtype=torch.bool)


def flux1(network: Any, _lanes: int, height: int, width: int) -> object:
    """Each prompt is a call of its own."""
    told = {"pooled_projections": torch.empty(1, 768), "guidance": torch.ones(1)}
    return _flux(network, height * width // 256, 512, told)


def chroma(network: Any, _lanes: int, height: int, width: int) -> object:
    return _flux(network, height * width // 256, 5, {})


def longcat_image(network: Any, _lanes: int, height: int, width: int) -> object:
    picture = height * width // 256
    return network(
        hidden_states=torch.empty(1, picture, 64),
        encoder_hidden_states=torch.empty(1, 512, 3584),
        timestep=torch.ones(1),
        img_ids=torch.zeros(picture, 3),
        txt_ids=torch.zeros(512, 3),
        return_dict=False,
    )


def _flux(network: Any, picture: int, words: int, told: dict[str, Any]) -> object:
    return network(
        hidden_states=torch.empty(1, picture, 64),
        encoder_hidden_states=torch.empty(1, words, 4096),
        timestep=torch.ones(1),
        img_ids=torch.zeros(picture, 3),
        txt_ids=torch.zeros(words, 3),
        return_dict=False,
        **told,
    )


CALLS: Mapping[str, tuple[dict[str, object], Call]] = {
    "qwen-image": ({"num_layers": 2}, qwen_image),
    "z-image": ({"n_layers": 2, "n_refiner_layers": 1}, z_image),
    "ernie-image": ({"num_layers": 2}, ernie_image),
    "sana": ({"num_layers": 2}, sana),
    "flux1": ({"num_layers": 1, "num_single_layers": 1}, flux1),
    "chroma": ({"num_layers": 1, "num_single_layers": 1}, chroma),
    "krea2": ({"num_layers": 2}, krea2),
    "longcat-image": ({"num_layers": 1, "num_single_layers": 1}, longcat_image),
    "anima": ({"num_layers": 2}, anima),
    "lumina2": ({"num_layers": 2, "num_refiner_layers": 1}, lumina2),
}


def of_size(architecture: str, width: int, height: int, cfg: float) -> Recipe:
    family = next(f.name for f in FAMILIES.values() if f.architecture.name == architecture)
    return a_recipe(family=family, width=width, height=height, cfg=cfg)


@pytest.mark.parametrize("size", [(512, 768, 1.0), (1024, 1024, 4.0)])
@pytest.mark.parametrize("architecture", CALLS)
def test_a_step_takes_what_was_said_and_a_quarter_less_at_most(
    architecture: str, size: tuple[int, int, float]
) -> None:
    recipe = of_size(architecture, *size)
    part = FAMILIES[recipe.family].architecture.denoiser
    config, (fewer, call) = config_of(CONFIGS / part.config), CALLS[architecture]
    kind, lanes = class_of(part.network.module, part.network.name), needed(recipe.sampling).lanes
    canvas = needed(recipe.canvas)
    taken = peak_bytes(
        lambda: kind.from_config({**config, **fewer}),
        lambda network: call(network, lanes, canvas.height, canvas.width),
    )
    said = ENGINES[architecture].activation_bytes(recipe, {part.name: config}, 4, Stage.DENOISE)
    assert 0.75 * said <= taken <= said
