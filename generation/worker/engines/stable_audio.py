"""Stable Audio at work: a transformer of sounds that reads T5, two seconds, and Oobleck latents.

    words -> T5 -> a state for each token, and nothing behind them
    (noisy latents (1, C, T), what it is told of the level, states and seconds) -> transformer -> v

All latents that the network has are drawn, however short the sound: where it ends is one of the two
numbers that it reads, and the rest is cut away.  Without a negative prompt the other lane reads
noughts.  Brackets are text.  The invariant: a prompt that fits gives the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.worker.codecs.audio import heard, to_sound
from generation.worker.codecs.decoded import Decoded
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, guided
from generation.worker.parts import Parts
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.t5 import plain

# Measured with fake tensors (tests/test_sounds_memory.py): how many of its width each latent, and
# each word, keeps alive at the worst moment; and each sample of its VAE's first width.
ACTIVATIONS, OF_WORDS, OF_SAMPLES = 20, 2, 5
_OF_T5 = 15
_TOKENS = 128


class StableAudio:
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
        longest = max(counted(parts, text) for text in (prompt, unwanted))
        context, mask = read_words(parts, prompt, longest)
        negative, left = torch.zeros_like(context), torch.zeros_like(mask)
        if unwanted.strip():
            negative, left = read_words(parts, unwanted, longest)
            negative = torch.where(left.to(torch.bool).unsqueeze(2), negative, 0.0)
        return EncodedWords(
            context=context,
            negative=negative,
            pooled=None,
            negative_pooled=None,
            more={"mask": mask, "negative_mask": left},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, vae, sound = parts["transformer"].config, parts["vae"], needed(recipe.sound)
        longest = network.sample_size * vae.hop_length / vae.config.sampling_rate
        if sound.seconds > min(longest, parts["projection_model"].config.max_value):
            raise OutOfRange("seconds", sound.seconds, f"up to {longest:.4g} seconds")
        made = vae.config.sampling_rate, vae.config.audio_channels
        if made != (sound.rate, sound.channels):
            raise OutOfRange("rate", sound.rate, f"{made[0]} for this model")
        return 1, network.in_channels, network.sample_size

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        from diffusers.models.embeddings import get_1d_rotary_pos_embed

        network, sampling = parts["transformer"], needed(recipe.sampling)
        told, ends = _told(parts, recipe, given.words)
        turns = get_1d_rotary_pos_embed(
            network.config.attention_head_dim // 2,
            network.config.sample_size + ends.shape[1],
            use_real=True,
            repeat_interleave_real=False,
        )
        ends = torch.cat([ends] * sampling.lanes)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out: Tensor = network(
                lanes.to(network.dtype),
                t.unsqueeze(0),
                encoder_hidden_states=told,
                global_hidden_states=ends,
                rotary_embedding=turns,
                return_dict=False,
            )[0]
            return out

        return guided(ask, sampling)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        """Samples (1, channels, frames) in -1 to 1, behind which is silence."""
        return heard(parts["vae"], pixels, parts["transformer"].config.sample_size, generator)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_sound(parts["vae"], latents)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        network = configs["transformer"]
        latents = number(network, "sample_size")
        match stage:
            case Stage.ENCODE:
                return _OF_T5 * _TOKENS * number(configs["text_encoder"], "d_model") * itemsize
            case Stage.ENLARGE:
                return 0
            case Stage.DENOISE | Stage.REFINE:
                width = number(network, "num_attention_heads")
                width *= number(network, "attention_head_dim")
                each = (ACTIVATIONS * latents + OF_WORDS * _TOKENS) * width
                return each * itemsize * needed(recipe.sampling).lanes
            case Stage.DECODE:
                vae = configs["vae"]
                ratios = vae["downsampling_ratios"]
                assert isinstance(ratios, Sequence)  # the catalog looked at it
                samples = latents
                for ratio in ratios:
                    samples *= int(ratio)
                return OF_SAMPLES * number(vae, "decoder_channels") * samples * itemsize


def number(config: Config, key: str) -> int:
    value = config[key]
    assert isinstance(value, int)  # the catalog looked at it
    return value


def counted(parts: Parts, text: str) -> int:
    """How many tokens a text is filled up to."""
    tokenizer: Any = parts.tokenizers["text_encoder"]
    least = min(int(tokenizer.model_max_length), _TOKENS)
    return max(least, len(tokenizer(text, verbose=False).input_ids))


def read_words(parts: Parts, text: str, longest: int) -> tuple[Tensor, Tensor]:
    """The states of so many tokens, and which of them are words; (1, tokens) both."""
    tokenizer: Any = parts.tokenizers["text_encoder"]
    encoder = parts["text_encoder"]
    read = tokenizer(text, padding="max_length", max_length=longest, return_tensors="pt")
    mask = read.attention_mask.to(encoder.device)
    states: Tensor = encoder(read.input_ids.to(encoder.device), attention_mask=mask)[0]
    return states, mask


def _told(parts: Parts, recipe: Recipe, words: EncodedWords) -> tuple[Tensor, Tensor]:
    """What each lane reads: words with the seconds behind them; and the seconds beside."""
    reader, sampling = parts["projection_model"], needed(recipe.sampling)
    dtype = next(reader.parameters()).dtype
    device = words.context.device
    seconds = torch.tensor([0.0, needed(recipe.sound).seconds], device=device)
    said = reader(start_seconds=seconds[:1], end_seconds=seconds[1:])
    start, end = said.seconds_start_hidden_states, said.seconds_end_hidden_states
    context = _projected(reader, words.context, words.more["mask"], dtype)
    told = torch.cat([context, start, end], dim=1)
    if sampling.guided:
        other = torch.zeros_like(told)
        if bool(words.more["negative_mask"].any()):
            negative = _projected(reader, words.negative, words.more["negative_mask"], dtype)
            other = torch.cat([negative, start, end], dim=1)
        told = torch.cat([other, told])
    return told, torch.cat([start, end], dim=2)


def _projected(reader: torch.nn.Module, states: Tensor, mask: Tensor, dtype: torch.dtype) -> Tensor:
    """The words as the transformer reads them, and noughts where no word is."""
    found: Tensor = reader(text_hidden_states=states.to(dtype)).text_hidden_states
    return found * mask.unsqueeze(-1).to(found.dtype)
