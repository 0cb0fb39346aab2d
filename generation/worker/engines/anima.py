r"""Anima at work: Cosmos-Predict2's transformer, which reads T5's tokens by what Qwen3 says.

    words -> Qwen3-0.6B -> the states of its last layer --+
    words -> T5's tokens, by their numbers alone ---------+--> text conditioner -> 512 and more
    (noisy latents as a film of one frame, sigma, words) -> transformer -> the flow's velocity

Each prompt is a call of its own.  Brackets are text.  The invariant: a prompt that fits 512 tokens
gives the bits of diffusers' own blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import BY_CHANNEL, to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import apart
from generation.worker.engines.qwen_image import VAE_ACTIVATIONS, width_of
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import HiddenStates, PromptForm, PromptReader, encode
from generation.worker.text.t5 import plain

FORM = PromptForm(least=1)  # an empty prompt is a token that is no word
MAX_TOKENS = 4096  # of a prompt, by T5's count
# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment.
ACTIVATIONS = 13


class Anima:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** len(parts["vae"].config.temperal_downsample))

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said = needed(recipe.words)
        reader = PromptReader.of(parts)
        texts = said.prompt, said.negative_prompt
        context, negative = (
            _conditioned(parts, plain(text, said.syntax), read)
            for text, read in zip(
                texts, encode(reader, texts, FORM, syntax=said.syntax), strict=True
            )
        )
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        patch = network.patch_size
        places = max(most // each for most, each in zip(network.max_size, patch, strict=True))
        for side, pixels in (("width", canvas.width), ("height", canvas.height)):
            step = scale * patch[1]
            if pixels % step or pixels > places * step:
                allowed = f"a multiple of {step}, up to {places * step} for this model"
                raise OutOfRange(side, pixels, allowed)
        return 1, network.in_channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words = parts["transformer"], given.words
        _, _, height, width = self.noise_shape(parts, recipe)
        dtype, filled = network.dtype, torch.zeros(1, 1, 1, height, width)
        filled = filled.to(network.device, dtype)
        # The class makes these zeros of larger ones, by a library that need not be there: what it
        # is given ready made it lays beside the latents as well.
        network.register_to_config(concat_padding_mask=False)

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            out: Tensor = network(
                hidden_states=y.to(dtype).unsqueeze(2),
                timestep=t.expand(1).to(dtype) / 1000,
                encoder_hidden_states=(words.negative if negative else words.context).to(dtype),
                condition_mask=filled,
                return_dict=False,
            )[0]
            return out[:, :, 0]

        return apart(ask, needed(recipe.sampling))

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return to_latents(parts["vae"], pixels, generator, BY_CHANNEL)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return to_latents(parts["vae"], pixels, None, BY_CHANNEL)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents, BY_CHANNEL)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels = recipe.drawn_at.pixels
        match stage:
            case Stage.ENCODE | Stage.ENLARGE:
                return 0  # words are few beside a picture's tokens
            case Stage.DENOISE | Stage.REFINE:
                return ACTIVATIONS * width_of(configs["transformer"]) * pixels // 256 * itemsize
            case Stage.DECODE:
                base = configs["vae"]["base_dim"]
                assert isinstance(base, int)  # the catalog looked at it
                return int(VAE_ACTIVATIONS * base * pixels) * itemsize


def _conditioned(parts: Parts, text: str, read: HiddenStates) -> Tensor:
    """What the transformer reads of a prompt: (1, 512 tokens or more, width)."""
    conditioner, device = parts["text_conditioner"], read.ids.device
    ids = parts.tokenizers["text_conditioner"](text, verbose=False).input_ids
    if len(ids) > MAX_TOKENS:
        allowed = f"at most {MAX_TOKENS} of them long"
        raise OutOfRange("prompt", f"{len(ids)} tokens of T5", allowed)
    (states,) = read.states
    found: Tensor = conditioner(
        source_hidden_states=states * read.mask.to(states).unsqueeze(-1),
        target_input_ids=torch.tensor([ids], device=device),
        target_attention_mask=torch.ones(1, len(ids), dtype=torch.long, device=device),
        source_attention_mask=read.mask,
    )
    return found
