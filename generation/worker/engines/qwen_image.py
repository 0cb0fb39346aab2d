r"""Qwen-Image at work: a transformer that reads what Qwen2.5-VL says of words, and Wan's VAE.

    words, in a sentence of their own -----------+--> Qwen2.5-VL --> the states of its last layer
    pictures that an edit looks at, made small --+
    the same pictures --> VAE --> latents, as tokens behind the noisy ones
    (tokens, timestep, states) -> transformer -> the flow's velocity

Each prompt is a call of its own, so that none is filled up to the other's length; what guidance
makes of both keeps, token by token, the length that the words alone have.  The invariant: whatever
is drawn has the stock pipelines' bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL.Image import Image, Resampling
from torch import Tensor

from generation.families.architecture import Config, Stage
from generation.families.qwen_image import EDITED, LOOKED_AT, edited_at
from generation.recipe import Recipe, needed
from generation.sigmas import TOKEN
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import (
    BY_CHANNEL,
    looked,
    means_and_stds,
    to_latents,
    to_pixels,
)
from generation.worker.engines.engine import Given
from generation.worker.engines.flux_controls import spread
from generation.worker.engines.guidance import apart
from generation.worker.engines.tokens import packed, unpacked
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.steering import summed
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PROMPT, PromptForm, PromptReader, encode
from generation.worker.text.sight import without_marks

_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
_BEGIN, _END = "<|im_start|>", "<|im_end|>\n"
_ANSWER = f"{_END}{_BEGIN}assistant\n"
_DESCRIBE = (
    f"{_BEGIN}system\nDescribe the image by detailing the color, shape, size, texture, quantity, "
    f"text, spatial relationships of the objects and background:{_END}{_BEGIN}user\n"
)
_CHANGE = (
    f"{_BEGIN}system\nDescribe the key features of the input image (color, shape, size, texture, "
    "objects, background), then explain how the user's text instruction should alter or modify "
    "the image. Generate a new image that meets the user's requirements while maintaining "
    f"consistency with the original input where appropriate.{_END}{_BEGIN}user\n"
)
# What stands before the person's words is read with them and not handed on.
_WORDS = PromptForm(template=_DESCRIBE + PROMPT + _ANSWER, drop=34)
_BEFORE_CHANGES = 64


WORDS = 512  # tokens of a long prompt
# Measured with fake tensors, at 512 to 1328 pixels and with up to three pictures that are looked
# at: how many of its width each token keeps alive at the worst moment (13.3 to 15.1; 17.0 in
# -Edit-2511), and how many of its first width each pixel does in the VAE (18.0; encoding: 10.1).
ACTIVATIONS = 17
VAE_ACTIVATIONS = 18.1


class QwenImage:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** len(parts["vae"].config.temperal_downsample))

    def learners(self, _: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        pictures: Sequence[Image],
    ) -> EncodedWords:
        said = needed(recipe.words)
        reader = PromptReader.of(parts)
        texts = [without_marks(text) for text in (said.prompt, said.negative_prompt)]
        form, small = _form(recipe.family, pictures)
        context, negative = (
            found.states[0]
            for found in encode(reader, texts, form, syntax=said.syntax, pictures=small)
        )
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        scale, canvas = self.scale(parts), recipe.drawn_at
        channels = parts["vae"].config.z_dim
        return 1, channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words = parts["transformer"], given.words
        _, _, height, width = self.noise_shape(parts, recipe)
        sides = [(height, width), *((one.shape[-2], one.shape[-1]) for one in given.seen)]
        shapes = [[(1, down // 2, across // 2) for down, across in sides]]
        seen = [packed(one).to(network.dtype) for one in given.seen]

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            tokens = packed(y)
            inputs: dict[str, Any] = {
                "hidden_states": torch.cat([tokens.to(network.dtype), *seen], dim=1),
                "timestep": t.expand(1) / 1000,
                "img_shapes": shapes,
            }
            out: Tensor = network(
                **inputs,
                encoder_hidden_states=words.negative if negative else words.context,
                return_dict=False,
                **_steered(given, network, {**inputs, "encoder_hidden_states": words.context}),
            )[0]
            return unpacked(out[:, : tokens.shape[1]], height, width)

        return apart(ask, needed(recipe.sampling), _as_long)

    def sight(self, parts: Parts, _: Any, pixels: Tensor, generator: torch.Generator) -> Tensor:
        return packed(self.encode(parts, 2.0 * pixels - 1.0, generator))

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return to_latents(parts["vae"], pixels, generator, BY_CHANNEL)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        seen = looked(parts["vae"], pixels, BY_CHANNEL)
        mean, std = means_and_stds(parts["vae"], seen)
        return (seen - mean) / std

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents, BY_CHANNEL)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        match stage:
            case Stage.ENCODE | Stage.ENLARGE:
                return 0  # words are few beside a picture's tokens
            case Stage.DENOISE | Stage.REFINE:
                width = width_of(configs["transformer"])
                return ACTIVATIONS * width * (tokens_of(recipe) + WORDS) * itemsize
            case Stage.DECODE:
                base = configs["vae"]["base_dim"]
                assert isinstance(base, int)  # the catalog looked at it
                return int(VAE_ACTIVATIONS * base * recipe.drawn_at.pixels) * itemsize


def width_of(config: Config) -> int:
    """How wide a transformer's tokens are."""
    heads, each = config["num_attention_heads"], config["attention_head_dim"]
    assert isinstance(heads, int)  # the catalog looked at both
    assert isinstance(each, int)
    return heads * each


def tokens_of(recipe: Recipe) -> int:
    """Those of the picture that is drawn, and of those that are looked at: 256 pixels each."""
    seen = sum(one.role == "reference" for one in recipe.inputs)
    return (recipe.drawn_at.pixels + seen * EDITED) // TOKEN


def _steered(given: Given, network: Any, reads: Mapping[str, Any]) -> dict[str, Any]:
    """What ControlNets add behind the blocks; they read the words alone, for both prompts."""
    on = () if given.controls is None else given.controls.on
    said = [
        one.network(
            **reads,
            controlnet_cond=one.picture.to(one.network.dtype),
            conditioning_scale=one.strength,
            return_dict=False,
        )
        for one in on
    ]
    if not said:
        return {}
    layers = len(network.transformer_blocks)
    return {"controlnet_block_samples": list(summed([spread(each, layers) for each in said]))}


def _as_long(towards: Tensor, alone: Tensor) -> Tensor:
    """What guidance says, each token as long as the words alone have it."""
    tokens = packed(towards)
    was: Tensor = torch.norm(packed(alone), dim=-1, keepdim=True)
    now: Tensor = torch.norm(tokens, dim=-1, keepdim=True)
    return unpacked(tokens * (was / now), *towards.shape[-2:])


def _form(family: str, pictures: Sequence[Image]) -> tuple[PromptForm, Sequence[Image]]:
    """How a prompt is put to the encoder, and the pictures as it looks at them."""
    if not pictures:
        return _WORDS, ()
    area = LOOKED_AT.get(family)
    small = [one.resize(edited_at(*one.size, area), Resampling.LANCZOS) for one in pictures]
    told = [_PICTURE]
    if area is not None:
        told = [f"Picture {number}: {_PICTURE}" for number in range(1, len(pictures) + 1)]
    template = _CHANGE + "".join(told) + PROMPT + _ANSWER
    return PromptForm(template=template, drop=_BEFORE_CHANGES), small
