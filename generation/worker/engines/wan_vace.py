r"""Wan VACE at work: a film made of a clip, of its parts, and of pictures to look at.

    clip, without what the mask is white in --+
    clip, of that alone ----------------------+--> VAE --> 32 channels --+
    the mask itself, 8 x 8 pixels as channels ------------> 64 ----------+--> beside the blocks
    pictures to look at, on white -> VAE -> latent frames before the film's own

What is white is drawn, and of the rest something like it; where there is no clip all is white, and
grey lies below.  Pictures that a film begins or ends with are a clip of them.  The invariant: the
stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from generation.families.architecture import Config
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.worker.codecs.causal_film import STEP, latent_frames
from generation.worker.codecs.decoded import Decoded
from generation.worker.engines.engine import Beginning, Given
from generation.worker.engines.wan import ACTIVATIONS, CARRIED, Wan
from generation.worker.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class WanVace(Wan):
    """How its networks draw."""

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        lanes, channels, frames, down, across = Wan.noise_shape(self, parts, recipe)
        looked_at = sum(one.role == "reference" for one in recipe.inputs)
        return lanes, channels, frames + looked_at, down, across

    def opening(
        self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None
    ) -> Beginning:
        frames, begun = needed(recipe.motion).frames, first.shape[2]
        rest = first.new_zeros(1, 3, frames - begun, *first.shape[-2:])
        film = torch.cat([first, rest], dim=2)
        white = torch.ones_like(film)
        white[:, :, :begun] = 0
        if last is not None:
            film[:, :, -1:], white[:, :, -1:] = last, 0
        return Beginning(extra=self.composed(parts, recipe, film, white, ()))

    def carries(self, _parts: Parts, recipe: Recipe) -> int:
        return 1 + STEP * min(CARRIED, latent_frames(needed(recipe.motion).frames) // 2)

    def composed(
        self,
        parts: Parts,
        recipe: Recipe,
        clip: Tensor | None,
        white: Tensor | None,
        pictures: Sequence[Tensor],
    ) -> Tensor:
        vae, canvas = parts["vae"], recipe.drawn_at
        if clip is None:
            clip = torch.zeros(1, 3, needed(recipe.motion).frames, canvas.height, canvas.width)
        white = torch.ones_like(clip) if white is None else white
        drawn = torch.where(white > 0.5, 1.0, 0.0)
        halves = (self.encode(parts, clip * part, None) for part in (1 - drawn, drawn))
        latents = torch.cat([half.to(vae.dtype) for half in halves], dim=1)
        for picture in pictures:
            one = _on_white(picture, canvas.height, canvas.width)[None, :, None]
            seen = self.encode(parts, one, None).to(vae.dtype)
            seen = torch.cat([seen, torch.zeros_like(seen)], dim=1)
            latents = torch.cat([seen, latents], dim=2)
        channels = self._white_in_latents(parts, white, len(pictures)).to(latents)
        return torch.cat([latents, channels], dim=1)

    def _white_in_latents(self, parts: Parts, white: Tensor, before: int) -> Tensor:
        """The mask with the pixels of each latent pixel as channels."""
        scale, (frames, height, width) = self.scale(parts), white.shape[2:]
        down, across = height // scale, width // scale
        cells = white[0, 0].view(frames, down, scale, across, scale)
        cells = cells.permute(2, 4, 0, 1, 3).flatten(0, 1)[None]
        size = (frames + STEP - 1) // STEP, down, across
        found = interpolate(cells, size=size, mode="nearest-exact")
        return torch.cat([torch.zeros_like(found[:, :, :before]), found], dim=2)

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, generator: torch.Generator
    ) -> Decoded:
        own = latent_frames(motion.frames)  # behind those of pictures that it looks at
        return Wan.film(self, parts, latents[:, :, latents.shape[2] - own :], motion, generator)

    def _alive(self, configs: Mapping[str, Config]) -> int:
        """What each block beside says is kept until its own block is at work."""
        beside = configs["transformer"].get("vace_layers")
        return ACTIVATIONS + 1 + (len(beside) if isinstance(beside, Sequence) else 0)

    def _inputs(self, network: Any, y: Tensor, t: Tensor, given: Given) -> dict[str, Any]:
        assert given.extra is not None  # its tasks compose some
        return {
            "hidden_states": y.to(network.dtype),
            "timestep": t.expand(1),
            "control_hidden_states": given.extra.to(network.dtype),
        }


def _on_white(picture: Tensor, height: int, width: int) -> Tensor:
    """A picture (1, 3, h, w) as large as it fits, in the middle of a white one (3, H, W)."""
    share = min(height / picture.shape[-2], width / picture.shape[-1])
    down, across = int(picture.shape[-2] * share), int(picture.shape[-1] * share)
    small = interpolate(picture, size=(down, across), mode="bilinear", align_corners=False)[0]
    top, left = (height - down) // 2, (width - across) // 2
    canvas = torch.ones(3, height, width)
    canvas[:, top : top + down, left : left + across] = small
    return canvas
