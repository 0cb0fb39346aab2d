r"""Z-Image at work: a transformer that reads a chat with Qwen3, and FLUX.1's VAE.

    words -> the chat's template -> Qwen3, before its last layer -> the words' own tokens
    ([noisy latents], 1 - sigma, [words]) -> transformer -> the flow's velocity, negated

Each lane has a list entry of its own, so prompts are as long as they are.  Brackets are text.  The
invariant: a prompt that fits 512 tokens gives the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, Words, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, beyond
from generation.worker.engines.stable_diffusion import VAE_ACTIVATIONS, first_width
from generation.worker.parts import Parts
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PromptForm, PromptReader, encode

TOKENS = 512  # that the stock pipeline fills a prompt up to, and cuts it at
FORM = PromptForm(
    template="<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    layers=(-2,),
    least=TOKENS,
)
PATCH = 2  # latent pixels of a token's side
MULTIPLE = 32  # tokens that words, and a picture, are filled up to by the transformer
# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment, and the same of the encoder beside the states of its layers.
ACTIVATIONS = 17
ENCODING = 8


class ZImage:
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
        context, negative = _read(parts, needed(recipe.words))
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

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
        said = [words.context[0]]
        if sampling.guided:
            said.append(words.negative[0])

        def both(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            lanes = y.to(network.dtype).repeat(len(said), 1, 1, 1).unsqueeze(2)
            time = (1000 - t.expand(len(said))) / 1000
            out = network(list(lanes.unbind(0)), time, said, return_dict=False)[0]
            positive, negative = out[0].float(), out[-1].float()
            towards = beyond(positive, negative, sampling.cfg) if sampling.guided else positive
            return -towards.squeeze(1)[None], -negative.squeeze(1)[None]

        return Guided(both)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return to_latents(parts["vae"], pixels, generator)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return to_latents(parts["vae"], pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels, tokens = recipe.drawn_at.pixels, TOKENS + MULTIPLE
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                width, layers = _numbers(
                    configs["text_encoder"], "hidden_size", "num_hidden_layers"
                )
                return (layers + ENCODING) * width * tokens * itemsize
            case Stage.DENOISE | Stage.REFINE:
                (width,) = _numbers(configs["transformer"], "dim")
                tokens += pixels // (8 * PATCH) ** 2
                return ACTIVATIONS * width * needed(recipe.sampling).lanes * tokens * itemsize
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize


def _numbers(config: Config, *keys: str) -> list[int]:
    """Whole numbers, which the catalog looked at."""
    found = [config[key] for key in keys]
    return [number for number in found if isinstance(number, int)]


def _most_tokens(parts: Parts) -> int:
    """How many tokens of words still have positions, when they are filled up."""
    places = int(parts["transformer"].config.axes_lens[0]) - 2  # one before, one for the picture
    return places - places % MULTIPLE


def _read(parts: Parts, said: Words) -> Iterator[Tensor]:
    """The states of the tokens of the prompt, and of the negative one: (1, tokens, width)."""
    reader = PromptReader.of(parts)
    most, texts = _most_tokens(parts), (said.prompt, said.negative_prompt)
    for read in encode(reader, texts, FORM, syntax=said.syntax):
        tokens = len(read.words)
        if tokens > most:
            allowed = f"at most {most} tokens long for this model"
            raise OutOfRange("prompt", f"{tokens} tokens", allowed)
        yield read.words[None]
