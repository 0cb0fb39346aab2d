"""Stable Diffusion at work: a UNet that reads CLIP's words, and a VAE.

    words -> CLIP (one or two, side by side) -> context, pooled
    (noisy latents, timestep, context; in XL pooled words and sizes) -> UNet -> noise or velocity

The picture is one forward batch of one (of two with cfg: negative first, then positive; of three
where a picture guides as well), so that it never depends on who else is drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import NotMadeFor, OutOfRange
from generation.families.architecture import Config, Stage
from generation.families.family import family
from generation.recipe import Recipe, Sampling, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import looked, to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import guided, in_lanes, looked_at
from generation.worker.engines.half_unets import Halves
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text.clip import Clip, EncodedWords, Learned, encode

# Measured for SD 1.x and SDXL with fake tensors: how many full-size activations of its first width
# a network keeps alive at its worst moment.
UNET_ACTIVATIONS = 16
VAE_ACTIVATIONS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class StableDiffusion:
    """How the networks of Stable Diffusion draw."""

    # The layer that is read when nobody skips any, counted from the encoders' end; and whether what
    # a layer before the last one puts out goes through the encoder's last norm.
    shallowest: int = 1
    final_norm: bool = True
    # The score of beauty that is asked for, and the negative prompt's, where sizes are not.
    scores: tuple[float, float] | None = None

    def scale(self, parts: Parts) -> int:
        return int(2 ** (len(parts["vae"].config.block_out_channels) - 1))

    def learners(self, parts: Parts) -> tuple[Clip, ...]:
        return tuple(
            Clip(tokenizer=tokenizer, encoder=parts[name])
            for name, tokenizer in parts.tokenizers.items()
        )

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        clips, said = self.learners(parts), needed(recipe.words)
        wanted = max(said.clip_skip, self.shallowest)
        layer = wanted if wanted > 1 else None
        deepest = min(clip.encoder.config.num_hidden_layers for clip in clips)
        if layer is not None and layer > deepest:
            raise OutOfRange("clip_skip", said.clip_skip, f"1 to {deepest} for this model")
        return encode(
            clips,
            said.prompt,
            said.negative_prompt,
            syntax=said.syntax,
            layer=layer,
            final_norm=self.final_norm,
            learned=learned,
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        scale, canvas = self.scale(parts), recipe.drawn_at
        channels = parts["unet"].config.out_channels
        return 1, channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        return guided(self.asking(parts, recipe, given), needed(recipe.sampling))

    def asking(
        self, parts: Parts, recipe: Recipe, given: Given
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """(all lanes, timestep) -> what the UNet says of each."""
        unet, words, sampling = parts["unet"], given.words, needed(recipe.sampling)
        context = in_lanes(words.context, words.negative, sampling)
        added = _added(recipe, unet, words, self.scores)
        _check_channels(recipe, unet, given)
        seen = [looked_at(picture, sampling) for picture in given.seen]
        if given.extra is not None:
            seen.insert(0, torch.cat([given.extra] * sampling.lanes))

        told = _told(unet, sampling)
        steering = Halves(context=context, added=added, controls=given.controls)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out: Tensor = unet(
                torch.cat([lanes, *seen], dim=1).to(unet.dtype),
                t,
                encoder_hidden_states=context,
                timestep_cond=None if told is None else told.expand(len(lanes), -1),
                added_cond_kwargs=added,
                return_dict=False,
                **steering.beside(lanes, t),
            )[0]
            return out

        return ask

    def sight(self, _: Parts, network: Any, pixels: Tensor, __: torch.Generator) -> Tensor:
        return pixels.to(network.device, network.dtype)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return to_latents(parts["vae"], pixels, generator)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return looked(parts["vae"], pixels)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels = recipe.drawn_at.pixels
        match stage:
            case Stage.ENCODE | Stage.ENLARGE:
                return 0  # a chunk of words is small beside a picture
            case Stage.DENOISE | Stage.REFINE:
                lanes = needed(recipe.sampling).lanes
                width = first_width(configs["unet"])
                return UNET_ACTIVATIONS * width * lanes * pixels // 64 * itemsize
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize


def first_width(config: Config) -> int:
    """The channels of a network's first and largest level."""
    widths = config["block_out_channels"]
    assert isinstance(widths, Sequence)  # the catalog looked at it
    return int(widths[0])


def _told(unet: Any, sampling: Sampling) -> Tensor | None:
    """The guidance that a latent consistency model is told, as sines (Luo et al. 2023)."""
    width = unet.config.time_cond_proj_dim
    if width is None:
        return None
    if sampling.guidance is None:
        raise OutOfRange("guidance", None, "a number, which this model is told")
    steps = torch.arange(width // 2, dtype=torch.float32)
    speeds = torch.exp(steps * -(torch.log(torch.tensor(10000.0)) / (width // 2 - 1)))
    turns = torch.tensor(sampling.guidance - 1).mul(1000.0)[None, None] * speeds[None, :]
    said = torch.cat([torch.sin(turns), torch.cos(turns)], dim=1)
    return said.to(unet.device, unet.dtype)


def _added(
    recipe: Recipe,
    unet: Any,
    words: EncodedWords,
    scores: tuple[float, float] | None,
) -> dict[str, Any] | None:
    """What XL reads besides words: the pooled prompt, and sizes as if the picture were whole.

    Its refiner reads a score in place of the last size.
    """
    if unet.config.addition_embed_type is None:
        return None
    assert words.pooled is not None  # its last encoder has a projection
    assert words.negative_pooled is not None
    canvas, sampling = recipe.drawn_at, needed(recipe.sampling)
    size = float(canvas.height), float(canvas.width)
    good, bad = ((scores[0],), (scores[1],)) if scores else (size, size)
    said, negative = (
        torch.tensor([[*size, 0.0, 0.0, *last]], dtype=unet.dtype, device=unet.device)
        for last in (good, bad)
    )
    return {
        "text_embeds": in_lanes(words.pooled, words.negative_pooled, sampling),
        "time_ids": in_lanes(said, negative, sampling),
    }


def _check_channels(recipe: Recipe, unet: Any, given: Given) -> None:
    """Raises NotMadeFor where a UNet reads more than it is given."""
    besides = [*given.seen, *([] if given.extra is None else [given.extra])]
    beside = sum(channels.shape[1] for channels in besides)
    if unet.config.in_channels != unet.config.out_channels + beside:
        purposes = family(recipe.family).architecture.purposes
        channels = unet.config.in_channels
        raise NotMadeFor(recipe.checkpoint.name, purposes.get(channels, f"{channels} channels"))
