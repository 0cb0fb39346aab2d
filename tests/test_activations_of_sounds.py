"""Claims about memory: what engines of sounds say that a stage takes is what their networks keep.

The networks have their real widths and fewer layers: a layer's numbers are gone before the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Stage
from generation.families.family import FAMILIES
from generation.recipe import Recipe, needed
from generation.worker.engines.musicgen import A_SECOND
from generation.worker.engines.table import ENGINES
from generation.worker.loading.building import class_of
from tests.given.builders import a_recipe, as_a_sound
from tests.given.peaks import peak_bytes
from tests.given.thinmodels import architecture

Call = Callable[[Any, Recipe], object]


def of_length(family: str, seconds: float, cfg: float) -> Recipe:
    seconds = min(seconds, needed(FAMILIES[family].sounding).max_seconds)
    recipe = as_a_sound(a_recipe(family="ace-step", cfg=cfg), seconds)
    its = as_a_sound(replace(recipe, family=family), seconds)
    return its if family != "ace-step" else with_lines(its, round(40 * seconds))


def with_lines(recipe: Recipe, letters: int) -> Recipe:
    return replace(recipe, sound=replace(needed(recipe.sound), lyrics="la " * (letters // 3)))


def oobleck(network: Any, recipe: Recipe) -> object:
    frames = int(needed(recipe.sound).seconds * 25)
    return network.decode(torch.empty(1, 64, frames)).sample


def ace_step(network: Any, recipe: Recipe) -> object:
    sound, lanes = needed(recipe.sound), needed(recipe.sampling).lanes
    frames = int(sound.seconds * 25)
    words = 256 + min(2048, len(sound.lyrics or "") + 16)
    return network(
        hidden_states=torch.empty(lanes, frames, 64),
        timestep=torch.ones(lanes),
        timestep_r=torch.ones(lanes),
        encoder_hidden_states=torch.empty(lanes, words, 2048),
        context_latents=torch.empty(lanes, frames, 128),
        return_dict=False,
    )


def musicgen(network: Any, recipe: Recipe) -> object:
    """The last token: all before it are remembered."""
    from transformers import DynamicCache, EncoderDecoderCache

    lanes, config = needed(recipe.sampling).lanes, network.config
    words = len(needed(recipe.words).prompt) + 1
    before = int(needed(recipe.sound).seconds * A_SECOND) + config.num_codebooks - 1
    wide = config.hidden_size // config.num_attention_heads
    own, of_words = DynamicCache(config=config), DynamicCache(config=config)
    cache = EncoderDecoderCache(own, of_words)
    for layer in range(config.num_hidden_layers):
        for kept, many in ((own.layers[layer], before), (of_words.layers[layer], words)):
            shape = lanes, config.num_attention_heads, many, wide
            keys, values = torch.empty(shape), torch.empty(shape)
            kept.lazy_initialization(keys, values)
            kept.keys, kept.values = keys, values
        cache.is_updated[layer] = True
    del keys, values
    return network(
        input_ids=torch.zeros(config.num_codebooks * lanes, 1, dtype=torch.long),
        encoder_hidden_states=torch.empty(lanes, words, config.hidden_size),
        encoder_attention_mask=torch.ones(lanes, words, dtype=torch.long),
        past_key_values=cache,
        use_cache=True,
    )


def encodec(network: Any, recipe: Recipe) -> object:
    frames = int(needed(recipe.sound).seconds * A_SECOND)
    return network.decode(torch.zeros(1, 1, 4, frames, dtype=torch.long), [None])


CALLS: dict[str, tuple[str, Stage, dict[str, object], Call]] = {
    "ace-step": ("transformer", Stage.DENOISE, {"num_hidden_layers": 2}, ace_step),
    "ace-step, its VAE": ("vae", Stage.DECODE, {}, oobleck),
    "musicgen": ("decoder", Stage.DENOISE, {"num_hidden_layers": 2}, musicgen),
    "musicgen, its VAE": ("vae", Stage.DECODE, {}, encodec),
}


@pytest.mark.parametrize(("seconds", "cfg"), [(10.0, 3.0), (600.0, 1.0)])
@pytest.mark.parametrize("name", CALLS)
def test_a_stage_takes_what_was_said_and_15_percent_less_at_most(
    name: str, seconds: float, cfg: float
) -> None:
    family = name.partition(",")[0]
    recipe = of_length(family, seconds, cfg)
    which, stage, fewer, call = CALLS[name]
    part = architecture(family).part(which)
    config = {**config_of(CONFIGS / part.config), **fewer}
    kind = class_of(part.network.module, part.network.name)
    taken = peak_bytes(lambda: _made(kind, config), lambda network: call(network, recipe))
    vae = config_of(CONFIGS / architecture(family).vae.config)
    said = ENGINES[family].activation_bytes(recipe, {"vae": vae, part.name: config}, 4, stage)
    assert 0.85 * said <= taken <= said, taken / said


def _made(kind: Any, config: dict[str, object]) -> Any:
    """A network as its config says: of diffusers, or of transformers."""
    if (read := getattr(kind, "config_class", None)) is None:
        return kind.from_config(config)
    return kind(read.from_dict(config)).eval()
