"""Stable Audio 3 at work: a transformer of sounds that reads T5Gemma and a number of seconds.

    words -> T5Gemma -> a state for each token; what fills has one that is learnt
    (noisy latents (1, C, T), sigma, states and seconds behind them, seconds) -> transformer -> flow

As many latents are drawn as the sound is long.  Brackets are text.  A sound that is made over is
encoded as it is, without a draw.  The invariant: a prompt that fits 256 tokens gives the stock
pipeline's bits; longer ones are read to their end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.families.builds import stable_audio_3 as build
from generation.families.stable_audio_3 import read_by
from generation.recipe import Recipe, needed
from generation.worker.codecs import same
from generation.worker.codecs.audio import heard_as_it_is, to_sound
from generation.worker.codecs.decoded import Decoded
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, guided, in_lanes
from generation.worker.engines.stable_audio import number, read_words
from generation.worker.parts import Parts
from generation.worker.text import llm
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.t5 import plain

TOKENS = 256  # that short prompts are filled up to
# Measured with fake tensors (tests/test_sounds_memory.py): how many of its width each latent, and
# each word, keeps alive at the worst moment; and each token of SAME.
ACTIVATIONS, OF_WORDS, OF_LAYERS = 21, 2, 20


class StableAudio3:
    """How its networks draw."""

    def scale(self, _parts: Parts) -> int:
        return 1

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
        prompt = plain(said.prompt, said.syntax)
        unwanted = plain(said.negative_prompt, said.syntax)
        longest = max(_counted(parts, text) for text in (prompt, unwanted))
        context, mask = read_words(parts, prompt, longest)
        negative, left = read_words(parts, unwanted, longest)
        return EncodedWords(
            context=context,
            negative=negative,
            pooled=None,
            negative_pooled=None,
            more={"mask": mask, "negative_mask": left},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        vae, sound = parts["vae"], needed(recipe.sound)
        longest = parts["duration_embedder"].config.max_val
        if sound.seconds > longest:
            raise OutOfRange("seconds", sound.seconds, f"up to {longest:.4g} seconds")
        made = vae.config.sampling_rate, vae.config.audio_channels
        if made != (sound.rate, sound.channels):
            raise OutOfRange("rate", sound.rate, f"{made[0]} for this model")
        latents = math.ceil(sound.seconds * sound.rate / vae.downsampling_ratio)
        return 1, vae.config.latent_dim, latents

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, sampling, words = parts["transformer"], needed(recipe.sampling), given.words
        reader = parts["duration_embedder"]
        seconds = torch.tensor([needed(recipe.sound).seconds], device=words.context.device)
        length = reader(seconds)
        behind = length.unsqueeze(1)
        told = in_lanes(
            torch.cat([words.context, behind.to(words.context.dtype)], dim=1),
            torch.cat([words.negative, behind.to(words.negative.dtype)], dim=1),
            sampling,
        )
        mask = in_lanes(words.more["mask"], words.more["negative_mask"], sampling)
        mask = torch.cat([mask, mask.new_ones(mask.shape[0], 1)], dim=1)
        lengths = torch.cat([length] * sampling.lanes)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out: Tensor = network(
                lanes.to(network.dtype),
                t.expand(lanes.shape[0]),
                encoder_hidden_states=told.to(network.dtype),
                global_hidden_states=lengths.to(network.dtype),
                encoder_attention_mask=mask,
                return_dict=False,
            )[0]
            return out

        return guided(ask, sampling)

    def encode(self, parts: Parts, pixels: Tensor, _generator: torch.Generator | None) -> Tensor:
        """Samples (1, channels, frames) in -1 to 1."""
        return heard_as_it_is(parts["vae"], pixels, same.encode)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_sound(parts["vae"], latents, decode=same.decode)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        latents = -(-needed(recipe.sound).samples // build.hop(configs["vae"]))
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                words = read_by(configs["text_encoder"])
                return llm.activation_bytes(words, tokens=TOKENS, layers=1, itemsize=itemsize)
            case Stage.DENOISE | Stage.REFINE:
                said = {**build.DIT, **configs["transformer"]}
                width, beside = number(said, "embed_dim"), number(said, "num_memory_tokens")
                each = (ACTIVATIONS * (latents + beside) + OF_WORDS * TOKENS) * width
                return each * itemsize * needed(recipe.sampling).lanes
            case Stage.DECODE:
                return _decoding(configs["vae"], latents, itemsize)


def _decoding(config: Config, latents: int, itemsize: int) -> int:
    """SAME has a number for each pair of its tokens, though they look at their neighbours alone."""
    said = {**build.SAME, **config}
    patch, base = number(said, "patch_size"), number(said, "encoder_channels")
    many = said["encoder_c_mults"]
    assert isinstance(many, Sequence)  # the catalog looked at it
    tokens = latents * build.hop(config) // patch + latents
    width = base * max(int(one) for one in many)
    return tokens * (tokens + OF_LAYERS * width) * itemsize


def _counted(parts: Parts, text: str) -> int:
    """How many tokens a text is filled up to."""
    tokenizer: Any = parts.tokenizers["text_encoder"]
    least = min(int(tokenizer.model_max_length), TOKENS)
    return max(least, len(tokenizer(text, verbose=False).input_ids))
