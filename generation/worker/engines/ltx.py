r"""LTX-Video at work: a transformer of films that reads T5, and a VAE that is told a time.

    words -> T5, which reads padding as well until 0.9.1 -> its states, and a mask of what is words
    (latents (1, C, T, h, w) as tokens, time, states, mask) -> transformer -> the flow's velocity
    latents --with a little noise, from 0.9.1 on--> VAE --> frames

A token's place is told in seconds and pixels, so the rate of frames decides what is drawn.  From
0.9.5 on the first latent frame, which is of one frame, lies at 0, and the others behind it.  What a
film goes on from is in it from the start, and its tokens are told that there is no noise in them.
So are those of a picture that it ends with, which stand before all others, at the last frame.
Brackets are text.  The invariant: a prompt that fits its tokens gives the stock pipelines' bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.families.ltx import LATER, SIDE, STEP, latent_frames, tokens
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import film_shape, pieced, seen_latents, to_frames
from generation.worker.engines.engine import Beginning, Given
from generation.worker.engines.flux import width_of
from generation.worker.engines.guidance import guided, in_lanes
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text import t5
from generation.worker.text.clip import Clip, EncodedWords, Learned

TOKENS, TOKENS_OF_LATER = 128, 256  # that a prompt is filled up to
CARRIED = 2  # latent frames that are held beside the first, where a clip is gone on from
# A VAE that is told a time is told this one, of a film with so much noise: as ComfyUI does, and as
# the stock pipelines' cards say.
DECODED_AT, DECODED_WITH = 0.05, 0.025
# Measured with fake tensors (tests/test_activations_of_films.py): how many of its width each token
# of a lane keeps alive at the worst moment, and how many of its decoder's last width each pixel of
# all frames that are decoded at once.
ACTIVATIONS = 15
VAE_ACTIVATIONS = 0.31
ENCODING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LtxVideo:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(parts["vae"].spatial_compression_ratio)

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, name = needed(recipe.words), "text_encoder"
        reader = t5.T5(tokenizer=parts.tokenizers[name], encoder=parts[name])
        texts = said.prompt, said.negative_prompt
        later = recipe.family == LATER
        least, kept = (TOKENS_OF_LATER, t5.MAX_TOKENS) if later else (TOKENS, None)
        context, negative = t5.encode(reader, texts, syntax=said.syntax, least=least, padding=kept)
        places = torch.arange(context.shape[1], device=context.device)[None]
        own, others = (places < count for count in t5.counted(reader, texts, syntax=said.syntax))
        return EncodedWords(
            context=context,
            negative=negative,
            pooled=None,
            negative_pooled=None,
            more={"mask": own, "negative_mask": others},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        channels = parts["transformer"].config.in_channels
        return film_shape(recipe, channels=channels, scale=self.scale(parts), step=STEP)

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        context = in_lanes(words.context, words.negative, sampling).to(network.dtype)
        mask = in_lanes(words.more["mask"], words.more["negative_mask"], sampling)
        _, _, *sides = self.noise_shape(parts, recipe)
        fps = needed(recipe.motion).fps
        later = recipe.family == LATER
        places = _later_places(sides, fps, context, given.extra) if later else _places(sides, fps)
        last = None if given.extra is None else torch.cat([packed(given.extra)] * len(context))

        def ask(y: Tensor, t: Tensor) -> Tensor:
            lanes = eaten(y, given.held)
            tokens, times = packed(lanes), times_of(lanes, t, given.held)
            if last is not None:
                tokens = torch.cat([last, tokens], dim=1)
                times = torch.cat([times.new_zeros(last.shape[:2]), times], dim=1)
            out: Tensor = network(
                hidden_states=tokens.to(network.dtype),
                encoder_hidden_states=context,
                encoder_attention_mask=mask,
                timestep=times,
                return_dict=False,
                **places,
            )[0]
            own = out[:, -prod(sides) :]
            return own.transpose(1, 2).reshape(len(own), -1, *sides)

        return guided(ask, sampling)

    def opening(
        self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None
    ) -> Beginning:
        if last is not None and recipe.family != LATER:
            raise OutOfRange("last frame", "given", "none for this model")
        ended = None if last is None else self.encode(parts, last, None)
        return Beginning(held=self.encode(parts, first, None), extra=ended)

    def carries(self, _parts: Parts, recipe: Recipe) -> int:
        """The first ones were taught to go on from a picture, the later ones from clips as well."""
        if recipe.family != LATER:
            return 1
        return 1 + STEP * min(CARRIED, latent_frames(needed(recipe.motion).frames) // 2)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        vae, film = parts["vae"], pixels if pixels.ndim == 5 else pixels.unsqueeze(2)
        latents = seen_latents(vae, film, generator, posterior)
        mean, std = means_and_stds(vae, latents)
        scaled: Tensor = (latents - mean) * vae.config.scaling_factor / std
        return scaled

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_frames(parts["vae"], _unscaled(parts["vae"], latents), frames_of, as_it_is)

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, generator: torch.Generator
    ) -> Decoded:
        """Where the VAE is told a time, the noise is the generator's next."""
        vae = parts["vae"]
        latents = _unscaled(vae, latents).to(parts["transformer"].dtype)
        if vae.config.timestep_conditioning:
            noise = torch.randn(latents.shape, generator=generator, dtype=latents.dtype)
            share = torch.tensor([DECODED_WITH], device=latents.device, dtype=latents.dtype)
            share = share[:, None, None, None, None]
            latents = (1 - share) * latents + share * noise.to(latents.device)
        return to_frames(vae, latents, pieced(frames_of, motion, STEP), as_it_is)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels, frames = recipe.drawn_at.pixels, needed(recipe.motion).frames
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                width = configs["text_encoder"].get("d_model")
                assert isinstance(width, int)  # the catalog looked at it
                return ENCODING * width * TOKENS_OF_LATER * itemsize
            case Stage.DENOISE | Stage.REFINE:
                lanes = needed(recipe.sampling).lanes
                ends = any(one.role == "last" for one in recipe.inputs)
                count = tokens(pixels, frames) + (tokens(pixels, 1) if ends else 0)
                return ACTIVATIONS * width_of(configs["transformer"]) * count * lanes * itemsize
            case Stage.DECODE:
                at_once = needed(recipe.motion).piece or latent_frames(frames)
                shown = min(frames, (at_once - 1) * STEP + 1)
                width = last_width(configs["vae"])
                return int(VAE_ACTIVATIONS * width * pixels * shown * itemsize)


def eaten(lanes: Tensor, held: Tensor | None) -> Tensor:
    """The noisy film of each lane with what it goes on from."""
    if held is None:
        return lanes
    return torch.cat([torch.cat([held] * len(lanes)), lanes[:, :, held.shape[2] :]], dim=2)


def times_of(lanes: Tensor, t: Tensor, held: Tensor | None, share: float | None = None) -> Tensor:
    """What each lane is told of its noise; each token, where some are held, or a share of them."""
    if held is None:
        return t.expand(len(lanes))
    times = t.expand(len(lanes), *lanes.shape[2:]).clone()
    free = 0.0 if share is None else 1.0 - torch.tensor(share, device=lanes.device)
    times[:, : held.shape[2]] *= free
    return times.flatten(1)


def partly(guess: Tensor, held: Tensor | None, share: float) -> Tensor:
    """What a film is guessed to be, with a share of what it goes on from in its first frames."""
    if held is None:
        return guess
    count, kept = held.shape[2], torch.tensor(share, device=guess.device)
    first = guess[:, :, :count] * (1 - kept) + held * kept
    return torch.cat([first, guess[:, :, count:]], dim=2)


def packed(y: Tensor) -> Tensor:
    """Each latent pixel as a token."""
    return y.flatten(2).transpose(1, 2).contiguous()


def _places(sides: Sequence[int], fps: float) -> dict[str, Any]:
    """Where tokens lie: their frames last as long as all of a latent one's."""
    frames, down, across = sides
    return {
        "num_frames": frames,
        "height": down,
        "width": across,
        "rope_interpolation_scale": (STEP / fps, SIDE, SIDE),
    }


def _later_places(
    sides: Sequence[int], fps: float, lanes: Tensor, ended: Tensor | None
) -> dict[str, Any]:
    """The same from 0.9.5 on: the first latent frame is of one frame."""
    frames, down, across = (torch.arange(side, device=lanes.device) for side in sides)
    begins = (frames * STEP + 1 - STEP).clamp(min=0)
    if ended is not None:  # at the last frame of all
        begins = torch.cat([frames[-1:] * STEP, begins])
    grid = torch.meshgrid(begins, down * SIDE, across * SIDE, indexing="ij")
    coords = torch.stack(grid).flatten(1)[None].float()
    coords[:, 0] = coords[:, 0] * (1.0 / fps)
    return {"video_coords": torch.cat([coords] * len(lanes))}


def posterior(vae: Any, pixels: Tensor) -> Any:
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    pulse.beat()
    return DiagonalGaussianDistribution(vae.encoder(pixels))


def means_and_stds(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    mean, std = (
        values.view(1, -1, 1, 1, 1).to(like.device, like.dtype)
        for values in (vae.latents_mean, vae.latents_std)
    )
    return mean, std


def _unscaled(vae: Any, latents: Tensor) -> Tensor:
    mean, std = means_and_stds(vae, latents)
    unscaled: Tensor = latents * std / vae.config.scaling_factor + mean
    return unscaled


def as_it_is(_vae: Any, latents: Tensor) -> Tensor:
    return latents


def frames_of(vae: Any, latents: Tensor) -> Iterator[Tensor]:
    """All at once: each frame is seen by those before it as well."""
    told = None
    if vae.config.timestep_conditioning:
        told = torch.tensor([DECODED_AT], device=latents.device, dtype=latents.dtype)
    yield vae.decoder(latents, told)


def last_width(vae: Config) -> int:
    widths, factors = vae.get("decoder_block_out_channels"), vae.get("upsample_factor")
    assert isinstance(widths, Sequence)  # the catalog looked at it
    factor = factors[0] if isinstance(factors, Sequence) else 1
    return int(widths[0]) // int(factor)
