r"""HunyuanVideo 1.5 at work: one attention of film and words, and a VAE that decodes in tiles.

    words, in a sentence of their own -> Qwen2.5-VL -> the states before its last two layers
    what they have in quotes          -> ByT5       -> its states
    the picture a film begins with    -> SigLIP     -> its states; none: as many zeros
    (latents (1, C, T, h, w), those of the picture and where it is, time, states) -> transformer
        -> the flow's velocity

Each prompt is a call of its own, the negative one second.  What was taught to leap is told where a
step ends as well.  Brackets are text.  The invariant: the stock pipelines' bits, as they are with
`vae.enable_tiling()`, for prompts that fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import NotMadeFor, OutOfRange
from generation.families.architecture import LOOKS_BY, Config, Stage
from generation.families.hunyuan_video import SIDE, STEP, latent_frames
from generation.recipe import Recipe, Words, needed
from generation.spans import Motion
from generation.tasks import Task
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.tiled_film import decoded, posterior
from generation.worker.codecs.video import film_shape, seen_latents, to_frames
from generation.worker.engines.engine import Beginning, Given
from generation.worker.engines.flux import width_of
from generation.worker.engines.flux3 import goal
from generation.worker.engines.guidance import apart
from generation.worker.engines.hunyuan_attention import in_one_row
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text import llm
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.glyphs import BYTES, glyphs_of
from generation.worker.text.llm import PROMPT, PromptForm, PromptReader
from generation.worker.text.looks import seen_by_siglip
from generation.worker.text.t5 import plain

# As its makers' program breaks its lines: the blanks are read.
_ASPECTS = (" " * 9).join(
    (
        "You are a helpful assistant. Describe the video by detailing the following aspects:",
        "1. The main content and theme of the video.",
        "2. The color, shape, size, texture, quantity, text, and spatial relationships of the "
        "objects.",
        "3. Actions, events, behaviors temporal relationships, physical movement changes of the "
        "objects.",
        "4. background environment, light, style and atmosphere.",
        "5. camera angles, movements, and transitions used in the video.",
    )
)
_DROPPED, TOKENS = 108, 1000  # tokens before the words, and that these are filled up to
_FORM = PromptForm(
    template=(
        f"<|im_start|>system\n{_ASPECTS}<|im_end|>\n<|im_start|>user\n{PROMPT}<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
    layers=(-3,),
    least=_DROPPED + TOKENS,
    drop=_DROPPED,
)
PLACES = 729  # of what SigLIP sees, where there is no picture
TILE = 256  # pixels of a side of what its VAE decodes at once
_LOOKS = "looks"
# Measured with fake tensors (tests/test_activations_of_films.py): how many of its width each token
# of the film, and each of words and picture, keeps alive in the film's layers and in the words'; of
# the VAE how many of its decoder's last width each pixel of a tile does in all frames, whose norms
# are in fp32, and how many numbers each pixel of the film that is there.
ACTIVATIONS = (11.4, 4.2), (5.3, 12.1)
VAE_ACTIVATIONS, JOINED = 6.05, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class HunyuanVideo:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(parts["vae"].config.spatial_compression_ratio)

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        pictures: Sequence[Image],
    ) -> EncodedWords:
        texts = _texts(needed(recipe.words))
        own, others = llm.encode(PromptReader.of(parts), texts, _FORM, syntax="plain")
        if (most := max(own.mask.shape[1], others.mask.shape[1])) > TOKENS:
            raise OutOfRange("prompt", f"{most} tokens", f"at most {TOKENS} of them long")
        name = "text_encoder_2"
        quoted, unquoted = (glyphs_of(parts.tokenizers[name], parts[name], text) for text in texts)
        more = {
            "mask": own.mask,
            "negative_mask": others.mask,
            "quoted": quoted.states,
            "quoted_mask": quoted.mask,
            "negative_quoted": unquoted.states,
            "negative_quoted_mask": unquoted.mask,
        }
        if pictures and LOOKS_BY in parts:
            more[_LOOKS] = seen_by_siglip(parts, pictures)
        return EncodedWords(
            context=own.states[0],
            negative=others.states[0],
            pooled=None,
            negative_pooled=None,
            more=more,
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        channels = parts["vae"].config.latent_channels
        return film_shape(recipe, channels=channels, scale=self.scale(parts), step=STEP)

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words = in_one_row(parts["transformer"]), given.words
        sampling, more = needed(recipe.sampling), given.words.more
        seen = more.get(_LOOKS)
        if seen is None:
            seen = words.context.new_zeros(1, PLACES, network.config.image_embed_dim)
        leaps = network.config.use_meanflow and recipe.task is not Task.TEXT_TO_VIDEO

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            of = "negative_" if negative else ""
            out: Tensor = network(
                hidden_states=torch.cat([y, _beside(y, given.extra)], dim=1).to(network.dtype),
                image_embeds=seen.to(network.dtype),
                timestep=t.expand(1).to(network.dtype),
                timestep_r=goal(sampling, t).expand(1).to(network.dtype) if leaps else None,
                encoder_hidden_states=(words.negative if negative else words.context).to(
                    network.dtype
                ),
                encoder_attention_mask=more[f"{of}mask"],
                encoder_hidden_states_2=more[f"{of}quoted"].to(network.dtype),
                encoder_attention_mask_2=more[f"{of}quoted_mask"],
                return_dict=False,
            )[0]
            return out

        return apart(ask, sampling)

    def opening(
        self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None
    ) -> Beginning:
        if last is not None:
            raise OutOfRange("last frame", "given", "none for this model")
        if LOOKS_BY not in parts:
            raise NotMadeFor(recipe.checkpoint.name, "films that go on from no picture")
        latents = self.encode(parts, first, None)
        _, channels, frames, down, across = self.noise_shape(parts, recipe)
        extra = latents.new_zeros(1, channels + 1, frames, down, across)
        extra[:, :channels, :1], extra[:, channels:, :1] = latents, 1
        return Beginning(extra=extra)

    def carries(self, _parts: Parts, _recipe: Recipe) -> int:
        return 1

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        film = pixels if pixels.ndim == 5 else pixels.unsqueeze(2)
        vae = parts["vae"]
        scaled: Tensor = seen_latents(vae, film, generator, posterior) * vae.config.scaling_factor
        return scaled

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_frames(
            parts["vae"], latents, decoded, lambda vae, y: y / vae.config.scaling_factor
        )

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, _generator: torch.Generator
    ) -> Decoded:
        if motion.piece is not None:
            raise OutOfRange("piece", motion.piece, "none: this VAE sees all frames at once")
        return self.decode(parts, latents)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        canvas, frames = recipe.drawn_at, needed(recipe.motion).frames
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                words, tokens = configs["text_encoder"], _DROPPED + TOKENS
                return llm.activation_bytes(words, tokens=tokens, layers=1, itemsize=itemsize)
            case Stage.DENOISE | Stage.REFINE:
                film = canvas.pixels // SIDE**2 * latent_frames(frames)
                rest = TOKENS + BYTES + PLACES
                alive = max(own * film + others * rest for own, others in ACTIVATIONS)
                return int(alive * width_of(configs["transformer"]) * itemsize)
            case Stage.DECODE:
                widths = configs["vae"].get("block_out_channels")
                assert isinstance(widths, Sequence)  # the catalog looked at it
                tile = min(canvas.width, TILE) * min(canvas.height, TILE)
                each = VAE_ACTIVATIONS + (1 if itemsize < 4 else 0)
                shown = each * int(widths[0]) * tile + JOINED * canvas.pixels
                return int(shown * frames * itemsize)


def _texts(said: Words) -> tuple[str, str]:
    """Both prompts, as both text encoders read them; of nothing a blank."""
    prompt, negative = (
        plain(text, said.syntax) or " " for text in (said.prompt, said.negative_prompt)
    )
    return prompt, negative


def _beside(y: Tensor, extra: Tensor | None) -> Tensor:
    """What lies beside the noise: of a film of words that nothing is known of it."""
    if extra is not None:
        return extra
    _, channels, *sides = y.shape
    return y.new_zeros(1, channels + 1, *sides)
