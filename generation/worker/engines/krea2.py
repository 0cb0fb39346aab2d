r"""Krea 2 at work: a transformer that reads twelve layers of Qwen3-VL, and Qwen-Image's VAE.

    words in a template, filled up behind the prompt -> Qwen3-VL -> its states, layer beside layer
    (tokens of noisy latents, sigma, states, which of them are words) -> the flow's velocity

Each prompt is a call of its own.  Brackets are text.  The invariant: a prompt that fits 512 tokens
gives the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor

from generation.families.architecture import Config, Stage
from generation.families.krea2 import LAYERS
from generation.recipe import Recipe, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import BY_CHANNEL, to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, beyond
from generation.worker.engines.qwen_image import VAE_ACTIVATIONS, width_of
from generation.worker.engines.tokens import packed, places, unpacked
from generation.worker.parts import Parts
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import HiddenStates, PromptForm, PromptReader, encode
from generation.worker.text.sight import without_marks

TOKENS = 512  # that the stock pipeline fills a prompt up to, and cuts it at
_BEFORE = 34  # tokens of the template that are read and not handed on
FORM = PromptForm(
    template="<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, "
    "quantity, text, spatial relationships of the objects and background:<|im_end|>\n"
    "<|im_start|>user\n{}",
    behind="<|im_end|>\n<|im_start|>assistant\n",
    layers=LAYERS,
    least=_BEFORE + TOKENS,
    drop=_BEFORE,
)
# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment, and the same of a layer of words while the layers are fused.
ACTIVATIONS = 13
FUSING = 13


class Krea2:
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
        texts = [without_marks(text) for text in (said.prompt, said.negative_prompt)]
        positive, negative = encode(reader, texts, FORM, syntax=said.syntax)
        return EncodedWords(
            context=_stacked(positive),
            negative=_stacked(negative),
            pooled=None,
            negative_pooled=None,
            more={"mask": positive.mask, "negative_mask": negative.mask},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        scale, canvas = self.scale(parts), recipe.drawn_at
        return 1, parts["vae"].config.z_dim, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        _, _, height, width = shape = self.noise_shape(parts, recipe)
        picture = places(torch.empty(shape, device="meta"), 0)

        def ask(y: Tensor, t: Tensor, states: Tensor, mask: Tensor) -> Tensor:
            origin = torch.zeros(states.shape[1], 3)
            out: Tensor = network(
                hidden_states=packed(y).to(network.dtype),
                encoder_hidden_states=states,
                timestep=t.expand(1) / 1000,
                position_ids=torch.cat([origin, picture]).to(y.device),
                encoder_attention_mask=mask,
                return_dict=False,
            )[0]
            return unpacked(out, height, width).float()

        def both(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            positive = ask(y, t, words.context, words.more["mask"])
            if not sampling.guided:
                return positive, positive
            negative = ask(y, t, words.negative, words.more["negative_mask"])
            return beyond(positive, negative, sampling.cfg), negative

        return Guided(both)

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
                return 0  # 546 tokens are few beside a picture's
            case Stage.DENOISE | Stage.REFINE:
                config = configs["transformer"]
                step = ACTIVATIONS * width_of(config) * (pixels // 256 + TOKENS)
                words, layers = config["text_hidden_dim"], config["num_text_layers"]
                assert isinstance(words, int)  # the catalog looked at both
                assert isinstance(layers, int)
                return max(step, FUSING * words * layers * TOKENS) * itemsize
            case Stage.DECODE:
                base = configs["vae"]["base_dim"]
                assert isinstance(base, int)  # the catalog looked at it
                return int(VAE_ACTIVATIONS * base * pixels) * itemsize


def _stacked(read: HiddenStates) -> Tensor:
    """(1, tokens, layers, width)."""
    return torch.stack(list(read.states), dim=2)
