"""Claims about memory: what Stable Audio's engine says that a stage takes is what is kept alive.

The transformer has its real width and fewer layers: a layer's numbers are gone before the next.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderOobleck, StableAudioDiTModel
from diffusers.models.embeddings import get_1d_rotary_pos_embed

from generation.families.architecture import Stage
from generation.families.builds.stable_audio import DIT, OOBLECK
from generation.tasks import Task
from generation.worker.engines.stable_audio import StableAudio
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
