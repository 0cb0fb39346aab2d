"""AnimateDiff at work: Stable Diffusion's engine, each frame a picture of one batch.

    (latents of all frames, timestep, words) -> UNet with a motion module -> noise, frame by frame

A clip's frames know each other by attention over time alone, which knows so many places; the VAE
draws each frame by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import NoMotionModule, OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.tasks import MOTION
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import pieced, to_frames
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, guided
from generation.worker.engines.moved import moved
from generation.worker.engines.stable_diffusion import StableDiffusion, first_width
from generation.worker.parts import Parts
from generation.worker.text.clip import Clip, EncodedWords, Learned

# Measured with fake tensors (tests/test_activations_of_films.py): how many of its first width each
# latent of the UNet keeps alive, with a motion module between its layers.
MOVED = 28
AS_DECODED = 12  # numbers of each latent, beside its picture: three times its channels


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimateDiff:
    """How checkpoints of Stable Diffusion draw clips."""

    still: StableDiffusion

    def scale(self, parts: Parts) -> int:
        return self.still.scale(parts)

    def learners(self, parts: Parts) -> tuple[Clip, ...]:
        return self.still.learners(parts)

    def condition(
        self, parts: Parts, recipe: Recipe, learned: Sequence[Learned], pictures: Sequence[Image]
    ) -> EncodedWords:
        return self.still.condition(parts, recipe, learned, pictures)

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        one, channels, height, width = self.still.noise_shape(parts, recipe)
        return one, channels, needed(recipe.motion).frames, height, width

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        frames = needed(recipe.motion).frames
        module, strength = _module(parts, recipe, frames)
        words = replace(
            given.words,
            context=given.words.context.repeat_interleave(frames, dim=0),
            negative=given.words.negative.repeat_interleave(frames, dim=0),
        )
        ask = self.still.asking(parts, recipe, replace(given, words=words))

        def film(lanes: Tensor, t: Tensor) -> Tensor:
            pictures = lanes.permute(0, 2, 1, 3, 4).flatten(0, 1)
            with moved(parts["unet"], module, frames, strength):
                out = ask(pictures, t)
            return out.reshape(-1, frames, *out.shape[1:]).permute(0, 2, 1, 3, 4)

        return guided(film, needed(recipe.sampling))

    def sight(self, parts: Parts, network: Any, pixels: Tensor, dice: torch.Generator) -> Tensor:
        return self.still.sight(parts, network, pixels, dice)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        """Of a clip (1, 3, F, H, W) each frame by itself."""
        if pixels.ndim == 4:
            return self.still.encode(parts, pixels, generator)
        each = [self.still.encode(parts, frame, generator) for frame in pixels.unbind(2)]
        return torch.stack(each, dim=2)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.still.look(parts, pixels)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return self.still.decode(parts, latents)

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, _generator: torch.Generator
    ) -> Decoded:
        return to_frames(parts["vae"], latents, pieced(_frames, motion, 1), _unscaled)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        motion = needed(recipe.motion)
        latents = motion.frames * recipe.drawn_at.pixels // 64 * itemsize
        match stage:
            case Stage.ENCODE | Stage.ENLARGE:
                return self.still.activation_bytes(recipe, configs, itemsize, stage)
            case Stage.DENOISE | Stage.REFINE:
                lanes = needed(recipe.sampling).lanes
                return MOVED * first_width(configs["unet"]) * lanes * latents
            case Stage.DECODE:
                one = self.still.activation_bytes(recipe, configs, itemsize, stage)
                at_once = min(motion.piece or motion.frames, motion.frames)
                return one * at_once + AS_DECODED * latents


def _module(parts: Parts, recipe: Recipe, frames: int) -> tuple[Any, float]:
    """What moves the frames, and how much.  Raises NoMotionModule and OutOfRange."""
    if MOTION not in parts:
        raise NoMotionModule(recipe.checkpoint.name)
    module = parts[MOTION]
    if frames > (most := module.config.motion_max_seq_length):
        raise OutOfRange("frames", frames, f"at most {most} with this motion module")
    strength = next(one.strength for one in recipe.adapters if one.kind == MOTION)
    return module, strength


def _unscaled(vae: Any, latents: Tensor) -> Tensor:
    scaled: Tensor = 1 / vae.config.scaling_factor * latents  # in the stock pipeline's order
    return scaled


def _frames(vae: Any, latents: Tensor) -> Iterator[Tensor]:
    """Each frame of a piece is a picture of one batch."""
    pictures = latents.permute(0, 2, 1, 3, 4).flatten(0, 1)
    found: Tensor = vae.decode(pictures, return_dict=False)[0]
    yield found[None].permute(0, 2, 1, 3, 4)
