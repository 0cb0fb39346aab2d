r"""Qwen-Image 2.1 at work: one stream of words and pictures, which Qwen3-VL has read together.

    words, with pictures among them --> Qwen3-VL --> states before its last norm
    the same pictures --> VAE --> latents, in the places that the encoder left for them
    (states, latents of pictures, noisy latents, timestep) -> transformer -> the flow's velocity

What stands before the drawn picture is the same at every step, so the first one keeps what its
layers say of it for the others, as the stock pipeline does; each drawing keeps its own.  The
invariant: whatever is drawn has the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image, Resampling
from torch import Tensor

from generation.families.architecture import Config, Stage
from generation.families.qwen_image import edited_at
from generation.recipe import Recipe, needed
from generation.sigmas import TOKEN
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import BY_CHANNEL_RGBA, to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import apart
from generation.worker.engines.qwen_image import WORDS, tokens_of, width_of
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PROMPT, PromptForm, PromptReader, encode
from generation.worker.text.sight import without_marks

_SYSTEM = "<|im_start|>system\nComprehend and analyze the provided prompt.<|im_end|>\n"
_USER, _ANSWER = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"
_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
_SLOT = 4  # latent pixels of one token of the encoder's


# Measured as in Qwen-Image's engine: how many of its width each token keeps alive at the worst
# moment of a call that keeps what stands before the picture, and each pixel in the VAE (22.3 in 16
# bits, 21.3 in fp32).
ACTIVATIONS = 18
VAE_ACTIVATIONS = 22.4


class QwenImage21:
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
        said, encoder = needed(recipe.words), parts["text_encoder"]
        tokenizer = parts.tokenizers["text_encoder"]
        told = " ".join(f"<image{n}>{_PICTURE}" for n in range(1, len(pictures) + 1))
        form = PromptForm(
            template=_SYSTEM + _USER + told + PROMPT + _ANSWER,
            normed=False,
            drop=len(tokenizer(_SYSTEM).input_ids),
        )
        # It has no token that begins a text, so of none nothing would be left to read.
        texts = [without_marks(text) or " " for text in (said.prompt, said.negative_prompt)]
        words, negative = encode(
            PromptReader(tokenizer=tokenizer, encoder=encoder),
            texts,
            form,
            syntax=said.syntax,
            pictures=[one.resize(edited_at(*one.size), Resampling.LANCZOS) for one in pictures],
        )
        picture = encoder.config.image_token_id
        return EncodedWords(
            context=words.states[0],
            negative=negative.states[0],
            pooled=None,
            negative_pooled=None,
            more={"pictures": words.ids == picture, "negative_pictures": negative.ids == picture},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        scale, canvas = self.scale(parts), recipe.drawn_at
        channels = parts["vae"].config.z_dim
        return 1, channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        from diffusers.models.transformers.transformer_qwenimage21 import QwenImage21KVCache

        network, words = parts["transformer"], given.words
        _, _, height, width = self.noise_shape(parts, recipe)
        shapes = [[*((1, *one.shape[-2:]) for one in given.seen), (1, height, width)]]
        seen = [_tokens(one).to(network.dtype) for one in given.seen]
        slots = torch.ones(1, height * width // _SLOT, dtype=torch.bool, device=network.device)
        told = {
            False: (words.context, torch.cat([words.more["pictures"], slots], dim=1)),
            True: (words.negative, torch.cat([words.more["negative_pictures"], slots], dim=1)),
        }
        kept = {negative: QwenImage21KVCache(len(network.transformer_blocks)) for negative in told}
        read = set[bool]()

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            context, mask = told[negative]
            out: Tensor = network(
                hidden_states=torch.cat([*seen, _tokens(y).to(network.dtype)], dim=1),
                timestep=t.expand(1) / 1000,
                encoder_hidden_states=context,
                img_shapes=shapes,
                img_mask=mask,
                kv_cache=kept[negative],
                kv_cache_mode="cached" if negative in read else "extract",
                return_dict=False,
            )[0]
            read.add(negative)
            return out[:, -height * width :].transpose(1, 2).reshape(y.shape)

        return apart(ask, needed(recipe.sampling))

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return to_latents(parts["vae"], pixels, generator, BY_CHANNEL_RGBA)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return to_latents(parts["vae"], pixels, None, BY_CHANNEL_RGBA)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents, BY_CHANNEL_RGBA)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        match stage:
            case Stage.ENCODE | Stage.ENLARGE:
                return 0  # words are few beside a picture's tokens
            case Stage.DENOISE | Stage.REFINE:
                network, tokens = configs["transformer"], tokens_of(recipe)
                layers = network["num_layers"]
                assert isinstance(layers, int)  # the catalog looked at it
                before = tokens - recipe.drawn_at.pixels // TOKEN + WORDS
                kept = 2 * layers * needed(recipe.sampling).lanes * before
                return width_of(network) * (ACTIVATIONS * (tokens + WORDS) + kept) * itemsize
            case Stage.DECODE:
                base = configs["vae"]["decoder_base_dim"]
                assert isinstance(base, int)  # the catalog looked at it
                return int(VAE_ACTIVATIONS * base * recipe.drawn_at.pixels) * itemsize


def _tokens(latents: Tensor) -> Tensor:
    """Latents (1, C, h, w) -> tokens of one latent pixel: (1, h * w, C)."""
    return latents.flatten(2).transpose(1, 2)
