"""Stable Audio 3: its parts, and how a folder is told.

A folder alone is read, as diffusers keeps it: ComfyUI's files have the makers' names, and their
tokenizer may not be handed on.

It is a flow whose levels lie evenly by the logarithm of signal to noise, and the network is told a
level as it is.  Most are distilled from guidance and renew all of the noise at each step, which the
folder's scheduler says (`stochastic_sampling`); the others are the bases that these were made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Shapes,
    Stage,
    Trained,
)
from generation.families.builds import stable_audio_3 as build
from generation.families.laid import folder_part
from generation.families.text.decoder import Stack
from generation.families.text.language import gemma_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import AUDIO, Task

_WEIGHTS = "diffusion_pytorch_model"
LEVELS = "log-snr:-6.2:2.0"  # which its pipeline says; a folder's scheduler knows none
_MEDIUM = 1536  # how wide the medium model is; small ones are narrower, and make shorter sounds

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_stable_audio3",
    name="StableAudio3DiTModel",
    weights=_WEIGHTS,
    tensors=build.transformer,
    settings=frozenset(build.DIT),
    only={"patch_size": (1, None)},  # others need a whole number of patches
)
DURATION = Network(
    module="diffusers.pipelines.stable_audio_3.modeling_stable_audio_3",
    name="StableAudio3DurationEmbedder",
    weights=_WEIGHTS,
    tensors=build.duration,
    settings=frozenset(build.DURATION),
)
SAME = Network(
    module="diffusers.models.autoencoders.autoencoder_same",
    name="AutoencoderSAME",
    weights=_WEIGHTS,
    tensors=build.same,
    settings=frozenset(build.SAME),
)
_STACK = Stack(
    usual={
        "head_dim": 256,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_attention_heads": 8,
        "num_hidden_layers": 26,
        "num_key_value_heads": 4,
        "vocab_size": 256000,
    },
    norms=(
        "pre_self_attn_layernorm",
        "post_self_attn_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
    ),
)


def read_by(config: Config) -> Config:
    """The encoder's own config, of what is built as an encoder and a decoder."""
    inner = config.get("encoder")
    return inner if isinstance(inner, Mapping) else {}


def _of_encoder(config: Config) -> Shapes | None:
    found = _STACK.tensors(read_by(config))
    return None if found is None else {f"encoder.{key}": shape for key, shape in found.items()}


def _another(config: Config) -> str | None:
    """What its class does not build."""
    if (kind := config.get("model_type", "t5gemma")) != "t5gemma":
        return f"a text encoder of the type {kind!r:.40}"
    if config.get("is_encoder_decoder", True):
        return "a text encoder with a decoder behind it"
    return None


T5GEMMA = Network(
    module="transformers.models.t5gemma.modeling_t5gemma",
    name="T5GemmaEncoderModel",
    weights="model",
    tensors=_of_encoder,
    settings=None,
    fault=_another,
)


def _of_scheduler(config: Config, name: str) -> Trained:
    """What a folder's scheduler says: whether its network was distilled from guidance."""
    if config.get("num_train_timesteps") != 1:
        said = config.get("num_train_timesteps")
        raise UnusableWeights(name, f"its scheduler's num_train_timesteps is {said!r:.60}")
    found = of_flow_scheduler({**config, "num_train_timesteps": 1000}, name)
    if found.noise != "flow:1.0":
        raise UnusableWeights(name, f"its scheduler's levels are {found.noise}, not its pipeline's")
    guided = not config.get("stochastic_sampling", False)
    return Trained(prediction=found.prediction, noise=LEVELS, guided=guided)


def _fits(configs: Mapping[str, Config]) -> str | None:
    """Words and seconds are read side by side, so they are as wide."""
    read = configs.get("transformer", {})
    wanted = {
        "text_encoder": ("words", "cond_token_dim", _width_of_words),
        "duration_embedder": ("seconds", "cond_token_dim", _width_of_seconds),
        "vae": ("latents", "io_channels", _width_of_latents),
    }
    for part, (what, key, width) in wanted.items():
        if part not in configs or not read:
            continue
        looked_at, given = {**build.DIT, **read}[key], width(configs[part])
        if given is not None and given != looked_at:
            return f"its {what} are {given} wide, and {looked_at} are read"
    return None


def _width_of_words(config: Config) -> object:
    return read_by(config).get("hidden_size")


def _width_of_seconds(config: Config) -> object:
    return {**build.DURATION, **config}["output_dim"]


def _width_of_latents(config: Config) -> object:
    return {**build.SAME, **config}["latent_dim"]


def _finer_folder(_index: Config, denoiser: Config) -> str | None:
    width = {**build.DIT, **denoiser}["embed_dim"]
    return "stable-audio-3-small" if isinstance(width, int) and width < _MEDIUM else None


_part = partial(folder_part, "stable-audio-3")


STABLE_AUDIO_3 = Architecture(
    name="stable-audio-3",
    family="stable-audio-3",
    parts=(
        _part("transformer", "transformer", TRANSFORMER, Stage.DENOISE),
        # One layer, whose number stands among the words and beside them.
        _part("duration_embedder", "reader of seconds", DURATION, Stage.DENOISE),
        _part("vae", "VAE (SAME)", SAME, Stage.DECODE),
        _part("text_encoder", "T5Gemma", T5GEMMA, Stage.ENCODE, gemma_tokenizer()),
    ),
    recognise=lambda shapes: "transformer.prompt_padding_embedding" in shapes,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="StableAudio3(AudioToAudio|Inpaint)?Pipeline",
    fits=_fits,
    noise=Noise(
        levels=LEVELS,
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=_of_scheduler,
        whole=1.0,
    ),
    finer_folder=_finer_folder,
    by_guidance={
        "stable-audio-3": "stable-audio-3-base",
        "stable-audio-3-small": "stable-audio-3-small-base",
    },
    tasks=frozenset({Task.TEXT_TO_AUDIO, Task.AUDIO_TO_AUDIO}),
    grid=1,
    latent_channels=256,
    medium=AUDIO,
)
