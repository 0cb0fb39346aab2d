r"""ERNIE-Image at work: a transformer that reads what Ministral 3 says of words, and FLUX.2's VAE.

    words as they are -> Ministral 3 -> the states before its last layer
    (noisy latents, timestep, states, how many each lane has) -> transformer -> the flow's velocity

Prompts of different lengths are filled up with nothing, which the transformer masks.  Brackets are
text.  The invariant: a prompt gives the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.flux2 import standardised
from generation.worker.engines.guidance import Guided, guided
from generation.worker.engines.stable_diffusion import VAE_ACTIVATIONS, first_width
from generation.worker.parts import Parts
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PromptForm, PromptReader, encode

FORM = PromptForm(layers=(-2,))
WORDS = 512  # tokens of a long prompt
# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment.
ACTIVATIONS = 24
# Its pipeline holds to this whatever the config of its VAE says of the statistics.
_LATENTS = standardised(1e-5)


class ErnieImage:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** len(parts["vae"].config.block_out_channels))

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
            read.states[0] for read in encode(reader, texts, FORM, syntax=said.syntax)
        )
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        for side, pixels in (("width", canvas.width), ("height", canvas.height)):
            if pixels % scale:
                raise OutOfRange(side, pixels, f"a multiple of {scale} for this model")
        return 1, network.in_channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        said = [words.context[0]]
        if sampling.guided:
            said = [words.negative[0], *said]
        filled = pad_sequence(said, batch_first=True).to(network.dtype)
        lengths = torch.tensor([len(each) for each in said], device=filled.device)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out: Tensor = network(
                hidden_states=lanes.to(network.dtype),
                timestep=t.expand(len(lanes)).to(network.dtype),
                text_bth=filled,
                text_lens=lengths,
                return_dict=False,
            )[0]
            return out

        return guided(ask, sampling)

    def encode(self, parts: Parts, pixels: Tensor, _: torch.Generator | None, /) -> Tensor:
        """The posterior's mean with a generator, too, as with FLUX.2, whose VAE it is."""
        return to_latents(parts["vae"], pixels, None, _LATENTS)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return to_latents(parts["vae"], pixels, None, _LATENTS)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents, _LATENTS)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels = recipe.drawn_at.pixels
        match stage:
            case Stage.ENCODE | Stage.ENLARGE:
                return 0  # words are few beside a picture's tokens
            case Stage.DENOISE | Stage.REFINE:
                width = configs["transformer"]["hidden_size"]
                assert isinstance(width, int)  # the catalog looked at it
                tokens = (pixels // 256 + WORDS) * needed(recipe.sampling).lanes
                return ACTIVATIONS * width * tokens * itemsize
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize
