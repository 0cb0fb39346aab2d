r"""Stable Diffusion 3 and 3.5 at work: a transformer that reads two CLIPs and T5, and a VAE.

    words -> CLIP-L beside CLIP-G, filled up to T5's width --+
    words -> T5, or zeros where there is none ---------------+--> one behind the other
    (noisy latents, timestep, words, pooled words) -> transformer -> the flow's velocity

A weight in the prompt scales what the CLIPs say of a word; T5 reads the word as it is.  The
invariant: a prompt without weights that fits the encoders gives the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn.functional import pad

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, Words, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import guided, in_lanes
from generation.worker.engines.stable_diffusion import VAE_ACTIVATIONS, first_width
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text import t5
from generation.worker.text.clip import Clip, EncodedWords, Learned, encode

T5_TOKENS = 256  # that a short prompt is filled up to, and as many zeros without T5
WORDS = T5_TOKENS + 77  # tokens beside the picture's
SHALLOWEST = 2  # both CLIPs are read before their last layer
# Measured with fake tensors: how many of its width each token keeps alive at the worst moment.
ACTIVATIONS = 14


class StableDiffusion3:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** (len(parts["vae"].config.block_out_channels) - 1))

    def learners(self, parts: Parts) -> tuple[Clip, ...]:
        return tuple(
            Clip(tokenizer=parts.tokenizers[name], encoder=parts[name])
            for name in ("text_encoder", "text_encoder_2")
        )

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said = needed(recipe.words)
        clips = [
            _read_by_clip(clip, said, learned[number : number + 1])
            for number, clip in enumerate(self.learners(parts))
        ]
        sentences = _read_by_t5(parts, said, clips[0].context)
        return EncodedWords(
            context=_joined([words.context for words in clips], sentences[0]),
            negative=_joined([words.negative for words in clips], sentences[1]),
            pooled=_beside([words.pooled for words in clips]),
            negative_pooled=_beside([words.negative_pooled for words in clips]),
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale = parts["transformer"].config, self.scale(parts)
        step, longest = scale * network.patch_size, network.pos_embed_max_size
        canvas = recipe.drawn_at
        for side, pixels in (("width", canvas.width), ("height", canvas.height)):
            if pixels % step or pixels > longest * step:
                raise OutOfRange(
                    side, pixels, f"a multiple of {step}, up to {longest * step} for this model"
                )
        return 1, network.in_channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        context = in_lanes(words.context, words.negative, sampling)
        pooled = in_lanes(needed(words.pooled), needed(words.negative_pooled), sampling)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out: Tensor = network(
                hidden_states=lanes.to(network.dtype),
                timestep=t.expand(len(lanes)),
                encoder_hidden_states=context,
                pooled_projections=pooled,
                return_dict=False,
            )[0]
            return out

        return guided(ask, sampling)

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
                return 0  # 256 tokens are few beside a picture's
            case Stage.DENOISE | Stage.REFINE:
                lanes = needed(recipe.sampling).lanes
                width = configs["transformer"]["caption_projection_dim"]
                assert isinstance(width, int)  # the catalog looked at it
                tokens = pixels // 256 + WORDS
                return ACTIVATIONS * width * lanes * tokens * itemsize
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize


def _read_by_clip(clip: Clip, said: Words, learned: Sequence[Learned]) -> EncodedWords:
    layer, deepest = max(said.clip_skip, SHALLOWEST), clip.encoder.config.num_hidden_layers
    if layer > deepest:
        raise OutOfRange("clip_skip", said.clip_skip, f"1 to {deepest} for this model")
    return encode(
        [clip],
        said.prompt,
        said.negative_prompt,
        syntax=said.syntax,
        layer=layer,
        final_norm=False,
        learned=learned,
    )


def _read_by_t5(parts: Parts, said: Words, like: Tensor) -> tuple[Tensor, ...]:
    """What T5 says of the prompt and of the negative one; zeros where there is no T5."""
    if "text_encoder_3" not in parts:
        width = parts["transformer"].config.joint_attention_dim
        none = torch.zeros(1, T5_TOKENS, width, dtype=like.dtype, device=like.device)
        return none, none
    reader = t5.T5(tokenizer=parts.tokenizers["text_encoder_3"], encoder=parts["text_encoder_3"])
    texts = said.prompt, said.negative_prompt
    return t5.encode(reader, texts, syntax=said.syntax, least=T5_TOKENS)


def _joined(clips: Sequence[Tensor], sentences: Tensor) -> Tensor:
    """Both CLIPs side by side, as wide as T5 and before it: (1, tokens, width)."""
    words = torch.cat(list(clips), dim=-1)
    return torch.cat([pad(words, (0, sentences.shape[-1] - words.shape[-1])), sentences], dim=-2)


def _beside(pooled: Sequence[Tensor | None], dim: int = -1) -> Tensor:
    """Pooled words, which every encoder with a projection has."""
    return torch.cat([one for one in pooled if one is not None], dim=dim)
