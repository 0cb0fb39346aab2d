r"""Lumina-Image 2.0 at work: a transformer that reads sentences with Gemma 2, and FLUX.1's VAE.

    a sentence that says what is asked for <Prompt Start> words -> Gemma 2, before its last layer
    (noisy latents, 1 - sigma, states, which are words) -> transformer -> the flow, backwards

Each prompt is a call of its own.  Words that have a <Prompt Start> bring their own sentence.
Brackets are text.  The invariant: a prompt that fits 256 tokens gives the stock pipeline's bits.
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
from generation.worker.codecs.image import to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, apart
from generation.worker.engines.stable_diffusion import VAE_ACTIVATIONS, first_width
from generation.worker.parts import Parts
from generation.worker.text import llm
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import HiddenStates, PromptForm, PromptReader, encode

TOKENS = 256  # that the stock pipeline fills a prompt up to, and cuts it at
PATCH = 2  # latent pixels of a token's side
START = "<Prompt Start>"
# What is said before a prompt, and before a negative one: the stock pipeline's, and what NetaYume
# was tuned with.
_ASKED = (
    "You are an assistant designed to generate superior images with the superior degree of "
    f"image-text alignment based on textual prompts or user prompts. {START} "
)
ANIME = (
    "You are an assistant designed to generate high quality anime images based on textual "
    f"prompts. {START} ",
    "You are an assistant designed to generate low-quality images based on textual prompts "
    f"{START} ",
)
_BEFORE: Mapping[str, tuple[str, str]] = {"netayume": ANIME}
# Families whose guidance makes a direction as long as it is: the others' has the length of what the
# words alone say.
_AS_LONG_AS_IT_IS = frozenset({"netayume"})
# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment.
ACTIVATIONS = 19


class Lumina2:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** (len(parts["vae"].config.block_out_channels) - 1))

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, before = needed(recipe.words), _BEFORE.get(recipe.family, (_ASKED, ""))
        texts = (said.prompt, said.negative_prompt)
        positive, negative = (
            _read(parts, text, first, said.syntax)
            for text, first in zip(texts, before, strict=True)
        )
        return EncodedWords(
            context=positive.states[0],
            negative=negative.states[0],
            pooled=None,
            negative_pooled=None,
            more={"mask": positive.mask, "negative_mask": negative.mask},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        step = scale * PATCH
        for nth, side, pixels in ((1, "height", canvas.height), (2, "width", canvas.width)):
            longest = network.axes_lens[nth] * step
            if pixels % step or pixels > longest:
                allowed = f"a multiple of {step}, up to {longest} for this model"
                raise OutOfRange(side, pixels, allowed)
        return 1, network.in_channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            out: Tensor = network(
                hidden_states=y.to(network.dtype),
                timestep=1 - t.expand(1) / 1000,
                encoder_hidden_states=words.negative if negative else words.context,
                encoder_attention_mask=words.more["negative_mask" if negative else "mask"],
                return_dict=False,
            )[0]
            return -out

        return apart(ask, sampling, None if recipe.family in _AS_LONG_AS_IT_IS else _as_long)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return to_latents(parts["vae"], pixels, generator)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return to_latents(parts["vae"], pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels = recipe.drawn_at.pixels
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                return llm.activation_bytes(
                    configs["text_encoder"], tokens=TOKENS, layers=1, itemsize=itemsize
                )
            case Stage.DENOISE | Stage.REFINE:
                width = configs["transformer"]["hidden_size"]
                assert isinstance(width, int)  # the catalog looked at it
                tokens = TOKENS + pixels // (8 * PATCH) ** 2
                return ACTIVATIONS * width * tokens * itemsize
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize


def _read(parts: Parts, text: str, before: str, syntax: str) -> HiddenStates:
    """What the encoder says of a prompt.  Raises OutOfRange for one that has too few places."""
    reader = PromptReader.of(parts)
    template = ("" if START in text else before) + llm.PROMPT
    form = PromptForm(template=template, layers=(-2,), least=TOKENS)
    (read,) = encode(reader, (text,), form, syntax=syntax)
    most = int(parts["transformer"].config.axes_lens[0]) - 1  # the picture has a place behind them
    if (tokens := int(read.mask.sum())) > most:
        allowed = f"at most {most} tokens long for this model"
        raise OutOfRange("prompt", f"{tokens} tokens", allowed)
    return read


def _as_long(towards: Tensor, alone: Tensor) -> Tensor:
    """What guidance says, each row of latent pixels as long as the words alone have it."""
    was: Tensor = torch.norm(alone, dim=-1, keepdim=True)
    now: Tensor = torch.norm(towards, dim=-1, keepdim=True)
    return towards * (was / now)
