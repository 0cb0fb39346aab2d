"""FLUX.2 at work: a transformer that reads three layers of a language model, and a VAE.

    prompt in a chat template -> layers of the encoder, side by side -> words
    (picture's tokens, those of pictures to look at, timestep, words) -> transformer -> velocity

A latent here is one token: 2x2 of the VAE's, brought to mean 0 and deviation 1 by its statistics.
Each lane is asked alone, as the stock pipelines do, so that prompts may be of different lengths.
The invariant: a prompt that fits 512 tokens gives the stock pipelines' bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.families.family import family
from generation.recipe import Recipe, needed
from generation.tasks import Task
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import LatentFormat, to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.flux import width_of
from generation.worker.engines.guidance import apart
from generation.worker.engines.stable_diffusion import VAE_ACTIVATIONS, first_width
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text import llm
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PromptForm

APART = 10  # of the places in time of pictures that are looked at
TOKENS = 512  # that a short prompt is filled up to; the fillings are read like words

# As the encoders were trained to be asked; without the thinking of Qwen3.
QWEN3 = PromptForm(
    template="<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
    layers=(9, 18, 27),
    normed=False,
    least=TOKENS,
)
MISTRAL = PromptForm(
    template=(
        "<s>[SYSTEM_PROMPT]You are an AI that reasons about image descriptions. You give "
        "structured responses focusing on object relationships, object\nattribution and actions "
        "without speculation.[/SYSTEM_PROMPT][INST]{}[/INST]"
    ),
    layers=(10, 20, 30),
    normed=False,
    least=TOKENS,
    left=True,
    begun=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flux2:
    """How its networks draw."""

    form: PromptForm  # the template, and which layers are read
    # Measured with fake tensors: how many of its width each token keeps alive at the worst moment.
    activations: int = 22

    def scale(self, parts: Parts) -> int:
        return int(2 ** len(parts["vae"].config.block_out_channels))

    def learners(self, _parts: Parts, /) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
        /,
    ) -> EncodedWords:
        said = needed(recipe.words)
        reader = llm.PromptReader.of(parts)
        texts = said.prompt, said.negative_prompt
        words, negative = llm.encode(reader, texts, self.form, syntax=said.syntax)
        return EncodedWords(
            context=words.beside, negative=negative.beside, pooled=None, negative_pooled=None
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        for side, pixels in (("width", canvas.width), ("height", canvas.height)):
            if pixels % scale:
                raise OutOfRange(side, pixels, f"a multiple of {scale} for this model")
        return 1, network.in_channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        seen = [packed(one.to(network.device, network.dtype)) for one in given.seen]
        _, _, height, width = self.noise_shape(parts, recipe)
        grids = [(height, width), *(one.shape[-2:] for one in given.seen)]
        where = [_places(APART * n, *grid) for n, grid in enumerate(grids)]
        alone = _alone(network, seen) if family(recipe.family).seen_apart else {}
        places = torch.cat([*where[1:], where[0]] if alone else where).to(network.device)
        told = _told(network, sampling.guidance)

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            context = words.negative if negative else words.context
            tokens = packed(y.to(network.dtype))
            row = [*seen, tokens] if alone else [tokens, *seen]
            out: Tensor = network(
                hidden_states=torch.cat(row, dim=1),
                timestep=t.expand(1).to(network.dtype) / 1000,
                guidance=told,
                encoder_hidden_states=context,
                txt_ids=in_a_row(context.shape[1]).to(network.device),
                img_ids=places,
                return_dict=False,
                **alone,
            )[0]
            return unpacked(out[:, : tokens.shape[1]], height, width)

        return apart(ask, sampling)

    def encode(self, parts: Parts, pixels: Tensor, _: torch.Generator | None, /) -> Tensor:
        """The posterior's mean with a generator, too, as the stock pipelines take it."""
        return to_latents(parts["vae"], pixels, None, _STANDARDISED)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return to_latents(parts["vae"], pixels, None, _STANDARDISED)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents, _STANDARDISED)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels = recipe.drawn_at.pixels
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                config, count = configs["text_encoder"], len(self.form.layers)
                return llm.activation_bytes(config, tokens=TOKENS, layers=count, itemsize=itemsize)
            case Stage.DENOISE | Stage.REFINE:
                tokens = pixels // 256 * (1 + _looks(recipe)) + TOKENS
                return self.activations * width_of(configs["transformer"]) * tokens * itemsize
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize


def _alone(network: Any, seen: Sequence[Tensor]) -> Mapping[str, Any]:
    """What a network is told whose pictures to look at see each other alone; none: nothing.

    Its layers' processors are the stock pipeline's for it, which without this compute what the
    usual ones do.  What they would keep for the next step is computed in each: a job that is
    paused keeps nothing on the device.
    """
    if not seen:
        return {}
    from diffusers.models.transformers.transformer_flux2 import (  # takes seconds to load
        Flux2KVAttnProcessor,
        Flux2KVParallelSelfAttnProcessor,
    )

    for block in network.transformer_blocks:
        block.attn.set_processor(Flux2KVAttnProcessor())
    for block in network.single_transformer_blocks:
        block.attn.set_processor(Flux2KVParallelSelfAttnProcessor())
    return {"kv_cache_mode": "extract", "num_ref_tokens": sum(one.shape[1] for one in seen)}


def _looks(recipe: Recipe) -> int:
    """How many pictures are looked at."""
    seen = sum(each.role == "reference" for each in recipe.inputs)
    return 1 if recipe.task is Task.INPAINT else seen


def _told(network: Any, guidance: float | None) -> Tensor | None:
    """The guidance, for a network that was distilled from it."""
    if guidance is None or not network.config.guidance_embeds:
        return None
    return torch.full([1], guidance, device=network.device, dtype=torch.float32)


def packed(latents: Tensor) -> Tensor:
    """(1, C, h, w) as a row of tokens: (1, h * w, C)."""
    return latents.flatten(2).permute(0, 2, 1)


def unpacked(tokens: Tensor, height: int, width: int) -> Tensor:
    """The other way."""
    return tokens.permute(0, 2, 1).reshape(1, -1, height, width)


def _places(time: int, height: int, width: int) -> Tensor:
    """Where a picture's tokens are: time, row, column, and 0, which is the place of a word."""
    axes = torch.tensor([time]), torch.arange(height), torch.arange(width), torch.arange(1)
    return torch.cartesian_prod(*axes)


def in_a_row(count: int) -> Tensor:
    """Where words are: one behind the other, and nowhere in a picture."""
    none = torch.arange(1)
    return torch.cartesian_prod(none, none, none, torch.arange(count))


def _statistics(vae: Any, like: Tensor, eps: float | None) -> tuple[Tensor, Tensor]:
    """The mean and deviation of each channel of tokens, in the training's pictures."""
    mean, variance = (one.view(1, -1, 1, 1) for one in (vae.bn.running_mean, vae.bn.running_var))
    deviation = torch.sqrt(variance + (vae.config.batch_norm_eps if eps is None else eps))
    return mean.to(like.device, like.dtype), deviation.to(like.device, like.dtype)


def _standardised(vae: Any, latents: Tensor, eps: float | None) -> Tensor:
    """The VAE's latents (1, C, 2h, 2w) as those that are drawn (1, 4C, h, w)."""
    count, channels, height, width = latents.shape
    parts = latents.reshape(count, channels, height // 2, 2, width // 2, 2)
    tokens = parts.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)
    mean, deviation = _statistics(vae, tokens, eps)
    return (tokens - mean) / deviation


def _original(vae: Any, latents: Tensor, eps: float | None) -> Tensor:
    """The other way."""
    mean, deviation = _statistics(vae, latents, eps)
    count, channels, height, width = latents.shape
    parts = (latents * deviation + mean).reshape(count, channels // 4, 2, 2, height, width)
    return parts.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)


def standardised(eps: float | None = None) -> LatentFormat:
    """Latents by the VAE's statistics; `eps`: what is added to its variances, if not as it says."""
    return LatentFormat(
        scaled=partial(_standardised, eps=eps), unscaled=partial(_original, eps=eps)
    )


_STANDARDISED = standardised()
