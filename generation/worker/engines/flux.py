r"""FLUX.1 at work: a transformer that reads one CLIP's summary and T5's sentences, and a VAE.

    words -> CLIP-L, pooled; words -> T5
    noisy latents, packed two by two -+
    pictures that are looked at ------+--> tokens with their places -> transformer -> velocity

Each prompt has a call of its own, as in the stock pipelines: one lane beside another has other last
bits.  A weight in the prompt changes nothing: T5 reads the words as they are, and CLIP's summary
has none.  The invariant: a prompt without brackets that fits the encoders gives the stock
pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import NotMadeFor, OutOfRange
from generation.families.architecture import Config, Stage
from generation.families.family import family
from generation.recipe import Recipe, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.flux_controls import steered
from generation.worker.engines.guidance import apart
from generation.worker.engines.stable_diffusion import VAE_ACTIVATIONS, first_width
from generation.worker.engines.tokens import packed, places, unpacked
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text import t5
from generation.worker.text.clip import Clip, EncodedWords, Learned, encode

# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment, and how many bytes more, as places are turned in fp32; a second prompt
# is asked afterwards.
ACTIVATIONS = 13
TURNED = 10
STEP = 2  # latent pixels of a token's side


@dataclass(frozen=True, slots=True, kw_only=True)
class Flux:
    """How its networks draw."""

    tokens: int  # of T5, that a short prompt is filled up to

    def scale(self, parts: Parts) -> int:
        return int(2 ** (len(parts["vae"].config.block_out_channels) - 1))

    def learners(self, parts: Parts) -> tuple[Clip, ...]:
        name = "text_encoder"
        return (Clip(tokenizer=parts.tokenizers[name], encoder=parts[name]),)

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, name = needed(recipe.words), "text_encoder_2"
        summary = encode(
            self.learners(parts),
            said.prompt,
            said.negative_prompt,
            syntax=said.syntax,
            layer=None,
            final_norm=False,
            learned=learned,
        )
        reader = t5.T5(tokenizer=parts.tokenizers[name], encoder=parts[name])
        texts = said.prompt, said.negative_prompt
        context, negative = t5.encode(reader, texts, syntax=said.syntax, least=self.tokens)
        return EncodedWords(
            context=context,
            negative=negative,
            pooled=summary.pooled,
            negative_pooled=summary.negative_pooled,
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        scale, canvas = self.scale(parts), recipe.drawn_at
        for side, pixels in (("width", canvas.width), ("height", canvas.height)):
            if pixels % (STEP * scale):
                raise OutOfRange(side, pixels, f"a multiple of {STEP * scale} for this model")
        channels = parts["transformer"].out_channels // STEP**2
        return 1, channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        _check_channels(recipe, network, given)
        device, seen = network.device, [packed(each) for each in given.seen]
        at = [places(each, number) for number, each in enumerate(given.seen, start=1)]

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            tokens = packed(_beside(y, given.extra))
            reads = self.reads(parts, recipe, words, negative=negative)
            context = needed(reads["encoder_hidden_states"])
            inputs: dict[str, Any] = {
                "hidden_states": torch.cat([tokens, *seen], dim=1).to(network.dtype),
                "timestep": t.expand(1) / 1000,
                "txt_ids": torch.zeros(context.shape[1], 3, device=device),
                "img_ids": torch.cat([places(y, 0), *at]).to(device),
            }
            besides = {}
            if given.controls is not None:
                said = self.reads(parts, recipe, words, negative=False)
                besides = steered(given.controls, network, {**inputs, **said}, sampling.guidance)
            out: Tensor = network(**inputs, **reads, **besides, return_dict=False)[0]
            return unpacked(out[:, : tokens.shape[1]], *y.shape[-2:])

        return apart(ask, sampling)

    def sight(self, parts: Parts, _: Any, pixels: Tensor, generator: torch.Generator) -> Tensor:
        return packed(to_latents(parts["vae"], 2.0 * pixels - 1.0, generator))

    def reads(
        self, parts: Parts, recipe: Recipe, words: EncodedWords, *, negative: bool
    ) -> Mapping[str, Tensor | None]:
        """What the transformer reads of a prompt, by its own names, and is told besides."""
        sampling = needed(recipe.sampling)
        return {
            "encoder_hidden_states": words.negative if negative else words.context,
            "pooled_projections": words.negative_pooled if negative else words.pooled,
            "guidance": _told(parts["transformer"], sampling.guidance),
        }

    def tokens_of_words(self, recipe: Recipe) -> int:
        """How many words take beside a picture's, about."""
        del recipe  # they are filled up
        return self.tokens

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
            case Stage.ENCODE | Stage.ENLARGE:
                return 0  # 512 tokens are few beside a picture's
            case Stage.DENOISE | Stage.REFINE:
                seen = sum(each.role == "reference" for each in recipe.inputs)
                tokens = (1 + seen) * pixels // 256 + self.tokens_of_words(recipe)
                each = ACTIVATIONS * itemsize + TURNED
                return each * width_of(configs["transformer"]) * tokens
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize


def width_of(config: Config) -> int:
    """Numbers of a token inside the transformer."""
    heads, each = config["num_attention_heads"], config["attention_head_dim"]
    assert isinstance(heads, int)  # the catalog looked at it
    assert isinstance(each, int)
    return heads * each


def _beside(y: Tensor, extra: Tensor | None) -> Tensor:
    """Noisy latents, and what is laid beside them: a picture, and behind it its mask."""
    if extra is None:
        return y
    picture = y.shape[1]
    return torch.cat([y, extra[:, -picture:], extra[:, :-picture]], dim=1)


def _check_channels(recipe: Recipe, network: Any, given: Given) -> None:
    """Raises NotMadeFor where a transformer reads more than it is given."""
    channels = network.config.in_channels
    beside = 0 if given.extra is None else given.extra.shape[1] * STEP**2
    if channels != network.out_channels + beside:
        purposes = family(recipe.family).architecture.purposes
        raise NotMadeFor(recipe.checkpoint.name, purposes.get(channels, f"{channels} channels"))


def _told(network: Any, guidance: float | None) -> Tensor | None:
    """The guidance that a network which was distilled from it is told."""
    if not network.config.guidance_embeds:
        return None
    return torch.full([1], needed(guidance), device=network.device, dtype=torch.float32)
