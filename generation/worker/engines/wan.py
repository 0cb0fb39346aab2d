r"""Wan at work: a transformer of films that reads UMT5, with one expert or two, and Wan's VAEs.

    words, cleaned -> UMT5 -> the states of the words' own tokens, and zeros up to 512
    (noisy latents (1, C, T, h, w), timestep, states) -> transformer -> the flow's velocity

Each prompt is a call of its own.  Of 2.2 A14B the first expert draws while much is noise, and the
second below the recipe's boundary; each has its own cfg.  Of 2.2 5B every token has a timestep of
its own.  Brackets are text.  The invariant: a prompt that fits 512 tokens gives the stock
pipelines' bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.worker.codecs.causal_film import STEP, decoded, encoded, latent_frames
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import back_by_channel, pieced, to_frames
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import apart
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.umt5 import TOKENS, read_words

# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment.
ACTIVATIONS = 17
ENCODING = 8
# The same of the VAE: how many of its first width each pixel of a latent frame's frames does.
VAE_ACTIVATIONS = 18


class Wan:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(parts["vae"].config.scale_factor_spatial)

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        context, negative = read_words(parts, needed(recipe.words))
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        _, *patch = network.patch_size
        for side, pixels, each in zip(
            ("height", "width"), (canvas.height, canvas.width), patch, strict=True
        ):
            step, most = scale * each, network.rope_max_seq_len * scale * each
            if pixels % step or pixels > most:
                raise OutOfRange(side, pixels, f"a multiple of {step}, up to {most} for this model")
        latents = latent_frames(needed(recipe.motion).frames)
        channels = parts["vae"].config.z_dim
        return 1, channels, latents, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words = parts["transformer"], given.words
        sampling = needed(recipe.sampling)

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            out: Tensor = network(
                hidden_states=y.to(network.dtype),
                timestep=t.expand(1),
                encoder_hidden_states=(words.negative if negative else words.context).to(
                    network.dtype
                ),
                return_dict=False,
            )[0]
            return out

        return apart(ask, sampling)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return encoded(parts["vae"], pixels if pixels.ndim == 5 else pixels.unsqueeze(2), generator)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_frames(parts["vae"], latents, decoded, back_by_channel)

    def film(self, parts: Parts, latents: Tensor, motion: Motion) -> Decoded:
        return to_frames(parts["vae"], latents, pieced(decoded, motion, STEP), back_by_channel)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels, frames = recipe.drawn_at.pixels, needed(recipe.motion).frames
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                (width,) = _numbers(configs["text_encoder"], "d_model")
                return ENCODING * width * TOKENS * itemsize
            case Stage.DENOISE:
                heads, head = _numbers(
                    configs["transformer"], "num_attention_heads", "attention_head_dim"
                )
                tokens = pixels // (2 * _scale(configs["vae"])) ** 2 * latent_frames(frames)
                return ACTIVATIONS * heads * head * tokens * itemsize
            case Stage.DECODE:
                (width,) = _numbers(configs["vae"], "base_dim")
                return VAE_ACTIVATIONS * width * pixels * itemsize + 12 * pixels * frames


def _scale(vae: Config) -> int:
    """Pixels of a latent pixel's side."""
    said = vae.get("scale_factor_spatial", 8)
    return said if isinstance(said, int) else 8


def _numbers(config: Config, *keys: str) -> list[int]:
    """Whole numbers, which the catalog looked at."""
    found = [config[key] for key in keys]
    return [number for number in found if isinstance(number, int)]
