"""Claims about memory: what Stable Audio's engines say that a stage takes is what is kept alive.

Networks have their real widths and fewer layers: a layer's numbers are gone before the next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import (
    AutoencoderOobleck,
    AutoencoderSAME,
    StableAudio3DiTModel,
    StableAudioDiTModel,
)
from diffusers.models.embeddings import get_1d_rotary_pos_embed

from generation.families.architecture import Stage
from generation.families.builds import stable_audio_3
from generation.families.builds.stable_audio import DIT, OOBLECK
from generation.recipe import needed
from generation.tasks import Task
from generation.worker.codecs import same
from generation.worker.engines.stable_audio import StableAudio
from generation.worker.engines.stable_audio_3 import StableAudio3
from tests.given.builders import a_recipe_of, changed
from tests.given.peaks import peak_bytes

CONFIGS = {"transformer": DIT, "vae": OOBLECK}


def said(stage: Stage, cfg: float) -> int:
    recipe = changed(a_recipe_of(Task.TEXT_TO_AUDIO), cfg=cfg)
    return StableAudio().activation_bytes(recipe, CONFIGS, 4, stage)


@pytest.mark.parametrize(("cfg", "lanes"), [(1.0, 1), (7.0, 2)])
def test_a_step_takes_what_was_said(cfg: float, lanes: int) -> None:
    def called(network: Any) -> object:
        turns = get_1d_rotary_pos_embed(32, 1025, use_real=True, repeat_interleave_real=False)
        return network(
            torch.empty(lanes, 64, 1024),
            torch.ones(1),
            encoder_hidden_states=torch.empty(lanes, 130, 768),
            global_hidden_states=torch.empty(lanes, 1, 1536),
            rotary_embedding=turns,
            return_dict=False,
        )

    taken = peak_bytes(lambda: StableAudioDiTModel.from_config({**DIT, "num_layers": 2}), called)
    assert 0.85 * said(Stage.DENOISE, cfg) <= taken <= said(Stage.DENOISE, cfg)


def test_decoding_takes_what_was_said() -> None:
    taken = peak_bytes(
        lambda: AutoencoderOobleck.from_config(OOBLECK),
        lambda vae: vae.decode(torch.empty(1, 64, 1024)).sample,
    )
    assert 0.85 * said(Stage.DECODE, 1.0) <= taken <= said(Stage.DECODE, 1.0)


def said_of_3(stage: Stage, cfg: float, latents: int) -> int:
    recipe = changed(a_recipe_of(Task.TEXT_TO_AUDIO), cfg=cfg)
    sound = replace(needed(recipe.sound), seconds=4096 * latents / 44_100, rate=44_100)
    configs = {"transformer": stable_audio_3.DIT, "vae": stable_audio_3.SAME}
    return StableAudio3().activation_bytes(replace(recipe, sound=sound), configs, 4, stage)


@pytest.mark.parametrize(("cfg", "lanes", "latents"), [(1.0, 1, 323), (7.0, 2, 1024)])
def test_a_step_of_the_third_takes_what_was_said(cfg: float, lanes: int, latents: int) -> None:
    def called(network: Any) -> object:
        return network(
            torch.empty(lanes, 256, latents),
            torch.ones(lanes),
            encoder_hidden_states=torch.empty(lanes, 257, 768),
            global_hidden_states=torch.empty(lanes, 768),
            encoder_attention_mask=torch.ones(lanes, 257, dtype=torch.long),
            return_dict=False,
        )

    few = {**stable_audio_3.DIT, "depth": 2}
    taken = peak_bytes(lambda: StableAudio3DiTModel.from_config(few), called)
    allowed = said_of_3(Stage.DENOISE, cfg, latents)
    assert 0.85 * allowed <= taken <= allowed


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("latents", [108, 646])
def test_decoding_and_hearing_of_the_third_take_what_was_said(latents: int) -> None:
    few = {**stable_audio_3.SAME, "encoder_transformer_depths": [2]}
    allowed = said_of_3(Stage.DECODE, 1.0, latents)
    for call in (
        lambda vae: same.decode(vae, torch.empty(1, 256, latents)),
        lambda vae: same.encode(vae, torch.empty(1, 2, 4096 * latents)),
    ):
        taken = peak_bytes(lambda: AutoencoderSAME.from_config(few), call)
        assert 0.85 * allowed <= taken <= allowed
