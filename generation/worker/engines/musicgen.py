"""MusicGen at work: a decoder that writes tokens, 50 a second for each codebook, and EnCodec.

    words -> T5 -> as wide as the decoder
    (the tokens so far, words, no words) -> decoder -> scores of the next tokens, guided
    scores / temperature, the top_k likeliest -> a throw of the recipe's generator for each codebook
    tokens -> EnCodec -> samples; of stereo those of each side for itself

Each codebook is written a token later than the one before it.  What was written is kept on the
stack, so a job may be paused between two tokens.  The invariant: the same throws give the tokens of
transformers' `generate`, and without any (temperature 0) they are its greedy ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import RenderFailed
from generation.families.architecture import Config, Stage
from generation.media.sounds import content_of
from generation.recipe import Recipe, Sampling, needed
from generation.spans import Sound, TokenDice
from generation.worker.codecs.decoded import Decoded
from generation.worker.engines.engine import Given, OnStep
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text import t5
from generation.worker.text.clip import Clip, EncodedWords, Learned

A_SECOND = 50  # tokens of a codebook
TOKENS = 512  # of words, at most, in what is said of memory
# Counted in the network's source, not measured: how many of its width each token of words keeps
# alive at the worst moment while it is read.
ACTIVATIONS = 12
# Measured with fake tensors (tests/test_activations_of_sounds.py): of its width what a token keeps
# alive, beside all that is remembered; and how many of its first filters EnCodec for each sample.
AT_WORK, DECODING = 16, 3.51
ANEW = 2**21  # bytes beside the widest weights, which are made of directions and lengths each time


class MusicGen:
    """How its networks make music."""

    def scale(self, parts: Parts) -> int:
        return math.prod(parts["vae"].config.upsampling_ratios)

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
        reader = t5.T5(tokenizer=parts.tokenizers["text_encoder"], encoder=parts["text_encoder"])
        (read,) = t5.encode(reader, (said.prompt,), syntax=said.syntax, least=0, padding=0)
        widened = parts["words"](read)
        return EncodedWords(
            context=widened,
            negative=torch.zeros_like(widened),
            pooled=None,
            negative_pooled=None,
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        return 1, int(parts["decoder"].num_codebooks), _frames(needed(recipe.sound))

    def predictor(self, _parts: Parts, _recipe: Recipe, _given: Given) -> Predict:
        raise RenderFailed("this model writes tokens, and predicts no noise")

    def write(
        self,
        parts: Parts,
        recipe: Recipe,
        given: Given,
        generator: torch.Generator,
        on_step: OnStep,
    ) -> Tensor:
        network, frames = parts["decoder"], _frames(needed(recipe.sound))
        writer = _Writer(network, given.words, needed(recipe.sampling), frames)
        steps, dice = needed(recipe.sampling).steps, needed(recipe.dice)
        done = 0
        while not writer.ended:
            writer.take(_thrown(writer.scores(), dice, generator))
            reached = min(steps, writer.frames // A_SECOND)
            if reached > done and not writer.ended:
                done = reached
                on_step(done, steps, None)
        if done < steps:
            on_step(steps, steps, None)
        return writer.tokens().float()

    def encode(self, _parts: Parts, _samples: Tensor, _dice: torch.Generator | None) -> Tensor:
        raise RenderFailed("this model begins with no sound")

    def look(self, _parts: Parts, _samples: Tensor) -> Tensor:
        raise RenderFailed("this model looks at no sound")

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        codec, tokens = parts["vae"], latents.long().to(parts["vae"].device)
        stereo = parts["decoder"].config.audio_channels == 2
        sides = (tokens[:, ::2], tokens[:, 1::2]) if stereo else (tokens,)
        # A frame of all: EnCodec can be told of several.
        heard = [codec.decode(side[None], [None]).audio_values for side in sides]
        samples = torch.cat(heard, dim=1)
        if not bool(torch.isfinite(samples).all()):
            raise RenderFailed("the codec overflowed: its result holds values that are no numbers")
        return Decoded(content=content_of(samples[0].float().cpu().numpy()), again=False)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        sound = needed(recipe.sound)
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                width, inner = _numbers(configs["text_encoder"], "d_model", "d_ff")
                return (ACTIVATIONS * width + 3 * inner) * TOKENS * itemsize
            case Stage.DENOISE | Stage.REFINE:
                sizes = "hidden_size", "num_hidden_layers", "num_codebooks"
                width, layers, books = _numbers(configs["decoder"], *sizes)
                lanes = needed(recipe.sampling).lanes
                written = _frames(sound) + books
                read = min(TOKENS, len(needed(recipe.words).prompt.encode()) + 1)
                # What each layer remembers of sound and of words, and a layer's half once more
                # while a token is added; or what it first finds in the words.
                last = (2 * layers + 1) * (written + read)
                kept = max(last, (2 * layers + 3) * read) + AT_WORK
                return kept * width * lanes * itemsize
            case Stage.DECODE:
                (filters,) = _numbers(configs["vae"], "num_filters")
                rises = configs["vae"]["upsampling_ratios"]
                assert isinstance(rises, Sequence)  # the catalog looked at it
                wide = filters * 2 ** len(rises)
                widest: int = wide * wide // 2 * 2 * rises[0]
                return max(round(DECODING * filters * sound.samples), widest) * 4 + ANEW


class _Writer:
    """A sound in tokens, as far as it is written."""

    def __init__(self, network: Any, words: EncodedWords, sampling: Sampling, frames: int) -> None:
        from transformers import DynamicCache, EncoderDecoderCache

        self._network, config = network, network.config
        self._books = int(config.num_codebooks)
        self._cfg, self._guided = sampling.cfg, sampling.guided
        lanes = [words.context, words.negative] if self._guided else [words.context]
        self._words = torch.cat(lanes)
        known = torch.ones(words.context.shape[:2], device=self._words.device, dtype=torch.long)
        self._known = torch.cat([known, torch.zeros_like(known)]) if self._guided else known
        begun = torch.full((self._books, 1), int(config.pad_token_id), device=self._words.device)
        self._written, self._pattern = network.build_delay_pattern_mask(
            begun, int(config.pad_token_id), max_length=frames + self._delay
        )
        self._cache = EncoderDecoderCache(DynamicCache(config=config), DynamicCache(config=config))

    @property
    def _delay(self) -> int:
        """By how many tokens the last codebook comes later than none would."""
        stereo = self._network.config.audio_channels == 2
        return self._books // 2 if stereo else self._books

    @property
    def ended(self) -> bool:
        """Whether all is written."""
        return bool(self._written.shape[1] >= self._pattern.shape[1])

    @property
    def frames(self) -> int:
        """How many tokens every codebook has."""
        return max(0, int(self._written.shape[1]) - self._delay)

    def scores(self) -> Tensor:
        """Of the next token of each codebook: (codebooks, tokens), float32, guided."""
        ids = self._masked()[:, -1:]
        ids = ids.repeat(2, 1) if self._guided else ids
        out = self._network(
            input_ids=ids,
            encoder_hidden_states=self._words,
            encoder_attention_mask=self._known,
            past_key_values=self._cache,
            use_cache=True,
        )
        scores: Tensor = out.logits[:, -1, :].to(torch.float32)
        if not self._guided:
            return scores
        positive, negative = scores.chunk(2)
        return negative + (positive - negative) * self._cfg

    def take(self, tokens: Tensor) -> None:
        """The next token of each codebook."""
        self._written = torch.cat([self._written, tokens[:, None]], dim=1)

    def tokens(self) -> Tensor:
        """Without what only stands for a beginning or an end: (1, codebooks, frames)."""
        empty = self._network.config.pad_token_id
        written = self._masked()
        return written[written != empty].reshape(1, self._books, -1)

    def _masked(self) -> Tensor:
        """Each codebook a token later than the one before it."""
        pattern = self._pattern[:, : self._written.shape[1]]
        return torch.where(pattern == -1, self._written, pattern)


def _thrown(scores: Tensor, dice: TokenDice, generator: torch.Generator) -> Tensor:
    """A token for each row of scores; the throw is the processor's, wherever the model is."""
    if dice.temperature == 0.0:
        return scores.argmax(dim=-1)
    scores = scores / dice.temperature
    if 0 < dice.top_k < scores.shape[-1]:
        least = torch.topk(scores, dice.top_k)[0][..., -1, None]
        scores = scores.masked_fill(scores < least, -torch.inf)
    likely = torch.nn.functional.softmax(scores, dim=-1)
    thrown = torch.multinomial(likely.cpu(), num_samples=1, generator=generator)
    return thrown.squeeze(1).to(scores.device)


def _frames(sound: Sound) -> int:
    return math.ceil(sound.seconds * A_SECOND)


def _numbers(config: Config, *keys: str) -> list[int]:
    """Whole numbers, which the catalog looked at."""
    found = [config[key] for key in keys]
    return [number for number in found if isinstance(number, int)]
