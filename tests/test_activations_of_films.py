"""Claims about memory: what an engine of films says that a stage takes, its networks keep alive."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families import ltx
from generation.families.architecture import Stage
from generation.families.family import FAMILIES
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.tasks import Task
from generation.worker.codecs.causal_film import decoded, latent_frames
from generation.worker.codecs.tiled_film import decoded as decoded_in_tiles
from generation.worker.engines.cogvideox import decoded as decoded_by_twos
from generation.worker.engines.hunyuan_attention import in_one_row
from generation.worker.engines.moved import moved
from generation.worker.engines.table import ENGINES
from generation.worker.loading.building import class_of
from tests.given.builders import a_recipe
from tests.given.peaks import peak_bytes

FEWER: dict[str, dict[str, Any]] = {
    "wan-2.1": {"num_layers": 2},
    "wan-2.2-5b": {"num_layers": 2},
    "wan-vace": {"num_layers": 4, "vace_layers": [0, 2]},
    "ltx-video": {"num_layers": 2},
    "cogvideox": {"num_layers": 2},
    "ltx-2": {"num_layers": 2},
    "ltx-2.3": {"num_layers": 2},
    "hunyuan-video-1.5": {"num_layers": 2},
}
SIZES = {"hunyuan-video-1.5": (256, 256, 5)}  # one tile


@pytest.mark.parametrize("family", FEWER)
@pytest.mark.parametrize("stage", [Stage.DENOISE, Stage.DECODE])
def test_a_stage_takes_what_was_said_and_15_percent_less_at_most(family: str, stage: Stage) -> None:
    width, height, frames = SIZES.get(family, (832, 448, 9))
    motion = Motion(frames=frames, fps=16.0, piece=None, overlap=None)
    recipe = a_recipe(
        family=family, task=Task.TEXT_TO_VIDEO, motion=motion, width=width, height=height
    )
    built = FAMILIES[family].architecture
    configs = {
        part.name: {**config_of(CONFIGS / part.config), **fewer}
        for part, fewer in ((built.denoiser, FEWER[family]), (built.vae, {}))
    }
    part = built.denoiser if stage is Stage.DENOISE else built.vae
    calls = {
        "ltx-video": ltx_video,
        "ltx-2": ltx_2,
        "ltx-2.3": ltx_2,
        "cogvideox": cogvideox,
        "hunyuan-video-1.5": hunyuan_video,
    }
    call = calls.get(family, wan)

    def work(network: Any) -> object:
        return call(network, family, stage, recipe)

    kind = class_of(part.network.module, part.network.name)
    taken = peak_bytes(lambda: kind.from_config(configs[part.name]), work)
    said = ENGINES[built.name].activation_bytes(recipe, configs, 4, stage)
    assert 0.85 * said <= taken <= said


def wan(network: Any, family: str, stage: Stage, recipe: Recipe) -> object:
    canvas, frames = recipe.drawn_at, latent_frames(needed(recipe.motion).frames)
    channels, scale = (48, 16) if family == "wan-2.2-5b" else (16, 8)
    shape = 1, channels, frames, canvas.height // scale, canvas.width // scale
    if stage is Stage.DECODE:
        return [piece.shape for piece in decoded(network, torch.empty(shape))]
    beside = {"control_hidden_states": torch.empty(1, 96, *shape[2:])}
    tokens = shape[2] * shape[3] * shape[4] // 4
    return network(
        hidden_states=torch.empty(shape),
        timestep=torch.ones(1, tokens) if family == "wan-2.2-5b" else torch.ones(1),
        encoder_hidden_states=torch.empty(1, 512, 4096),
        return_dict=False,
        **(beside if family == "wan-vace" else {}),
    )


def ltx_video(network: Any, _family: str, stage: Stage, recipe: Recipe) -> object:
    canvas, lanes = recipe.drawn_at, needed(recipe.sampling).lanes
    frames = ltx.latent_frames(needed(recipe.motion).frames)
    down, across = canvas.height // ltx.SIDE, canvas.width // ltx.SIDE
    if stage is Stage.DECODE:
        return network.decoder(torch.empty(1, 128, frames, down, across))
    return network(
        hidden_states=torch.empty(lanes, frames * down * across, 128),
        timestep=torch.ones(lanes),
        encoder_hidden_states=torch.empty(lanes, 128, 4096),
        encoder_attention_mask=torch.ones(lanes, 128, dtype=torch.bool),
        num_frames=frames,
        height=down,
        width=across,
        rope_interpolation_scale=(ltx.STEP / 16.0, ltx.SIDE, ltx.SIDE),
        return_dict=False,
    )


def ltx_2(network: Any, family: str, stage: Stage, recipe: Recipe) -> object:
    """The film's VAE takes more than that of its sound; of the transformer both are asked."""
    canvas, lanes, moments = recipe.drawn_at, needed(recipe.sampling).lanes, 14
    frames = ltx.latent_frames(needed(recipe.motion).frames)
    down, across = canvas.height // ltx.SIDE, canvas.width // ltx.SIDE
    if stage is Stage.DECODE:
        return network.decoder(torch.empty(1, 128, frames, down, across))
    mask, newer = torch.ones(lanes, 1024), family == "ltx-2.3"
    return network(
        hidden_states=torch.empty(lanes, frames * down * across, 128),
        audio_hidden_states=torch.empty(lanes, moments, 128),
        encoder_hidden_states=torch.empty(lanes, 1024, 4096 if newer else 3840),
        audio_encoder_hidden_states=torch.empty(lanes, 1024, 2048 if newer else 3840),
        encoder_attention_mask=mask,
        audio_encoder_attention_mask=mask,
        timestep=torch.ones(lanes),
        sigma=torch.ones(lanes),
        num_frames=frames,
        height=down,
        width=across,
        fps=16.0,
        audio_num_frames=moments,
        use_cross_timestep=newer,
        return_dict=False,
    )


@pytest.mark.parametrize("rational", [True, False])
def test_enlarging_latents_takes_what_was_said(rational: bool) -> None:
    recipe = a_recipe(
        family="ltx-2",
        task=Task.TEXT_TO_VIDEO,
        motion=Motion(frames=17, fps=16.0, piece=None, overlap=None),
        width=832,
        height=448,
    )
    built = FAMILIES["ltx-2"].architecture
    [part] = built.at(Stage.ENLARGE)
    config = {**config_of(CONFIGS / part.config), "use_rational_resampler": rational}
    kind = class_of(part.network.module, part.network.name)
    small = 1, 128, 3, 448 // 64, 832 // 64
    taken = peak_bytes(lambda: kind.from_config(config), lambda net: net(torch.empty(small)))
    said = ENGINES[built.name].activation_bytes(recipe, {part.name: config}, 4, Stage.ENLARGE)
    assert 0.85 * said <= taken <= said


def cogvideox(network: Any, _family: str, stage: Stage, recipe: Recipe) -> object:
    canvas, lanes = recipe.drawn_at, needed(recipe.sampling).lanes
    frames = latent_frames(needed(recipe.motion).frames)
    down, across = canvas.height // 8, canvas.width // 8
    if stage is Stage.DECODE:
        latents = torch.empty(1, 16, frames, down, across)
        return [piece.shape for piece in decoded_by_twos(network, latents)]
    return network(
        hidden_states=torch.empty(lanes, frames, 16, down, across),
        timestep=torch.ones(lanes),
        encoder_hidden_states=torch.empty(lanes, 226, 4096),
        return_dict=False,
    )


def hunyuan_video(network: Any, _family: str, stage: Stage, recipe: Recipe) -> object:
    """Of the transformer its blocks: which tokens count, decides shapes before them."""
    canvas, frames = recipe.drawn_at, latent_frames(needed(recipe.motion).frames)
    down, across = canvas.height // 16, canvas.width // 16
    channels = 65 if stage is Stage.DENOISE else 32
    latents = torch.empty(1, channels, frames, down, across, dtype=network.dtype)
    if stage is Stage.DECODE:
        return [piece.shape for piece in decoded_in_tiles(network, latents)]
    time, words = latents.new_empty(1, 2048), latents.new_empty(1, 1000 + 256 + 729, 2048)
    turned, tokens = network.rope(latents), network.x_embedder(latents)
    mask = torch.ones(1, words.shape[1], dtype=torch.bool)
    for block in in_one_row(network).transformer_blocks:
        tokens, words = block(tokens, words, time, mask, turned)
    return network.proj_out(network.norm_out(tokens, time))


# The first levels of AnimateDiff's networks, whose numbers are the most that are alive at once.
LEVELS: dict[str, dict[str, Any]] = {
    "unet": {
        "block_out_channels": [320, 640],
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    },
    "motion": {"block_out_channels": [320, 640]},
    "vae": {},
}


class Moving(nn.Module):
    """A UNet and what moves its frames."""

    def __init__(self, parts: dict[str, Any]) -> None:
        super().__init__()
        self.unet, self.motion = parts["unet"](), parts["motion"]()


@pytest.mark.parametrize("size", [(512, 512, 16, 1.0), (384, 256, 8, 7.0)])
@pytest.mark.parametrize("stage", [Stage.DENOISE, Stage.DECODE])
def test_animatediff_takes_what_was_said(stage: Stage, size: tuple[int, int, int, float]) -> None:
    width, height, frames, cfg = size
    motion = Motion(frames=frames, fps=8.0, piece=None, overlap=None)
    recipe = a_recipe(
        family="animatediff",
        task=Task.TEXT_TO_VIDEO,
        motion=motion,
        width=width,
        height=height,
        cfg=cfg,
    )
    built, lanes = FAMILIES["animatediff"].architecture, needed(recipe.sampling).lanes
    configs = {
        name: {**config_of(CONFIGS / built.part(name).config), **fewer}
        for name, fewer in LEVELS.items()
    }
    networks = {name: built.part(name).network for name in LEVELS}
    kinds = {name: class_of(one.module, one.name) for name, one in networks.items()}
    parts = {name: partial(kind.from_config, configs[name]) for name, kind in kinds.items()}

    def drawn(both: Any) -> object:
        pictures = torch.empty(lanes * frames, 4, height // 8, width // 8)
        words = torch.empty(lanes * frames, 77, 768)
        with moved(both.unet, both.motion, frames, 1.0):
            return both.unet(pictures, torch.ones(()), encoder_hidden_states=words)

    def decoded_frames(vae: Any) -> object:
        return vae.decode(torch.empty(frames, 4, height // 8, width // 8))

    taken = (
        peak_bytes(partial(Moving, parts), drawn)
        if stage is Stage.DENOISE
        else peak_bytes(parts["vae"], decoded_frames)
    )
    said = ENGINES[built.name].activation_bytes(recipe, configs, 4, stage)
    assert 0.85 * said <= taken <= said
