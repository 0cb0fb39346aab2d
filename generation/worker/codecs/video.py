"""Films <-> latents, in pieces: none of a film is on the device but the piece that is decoded.

    latents --piece by piece--> frames (1, 3, F, H, W) in -1 to 1 --> RGB bytes, frame by frame

Between two pieces others may have the device, so a piece keeps nothing in its VAE.  A causal VAE
that hands on what the frame before left gives the same bits frame by frame as in one call; where
pieces overlap instead, which decides pixels, the recipe says how (`Motion.piece`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generation.errors import OutOfRange, RenderFailed
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import in_fp32

Frames = NDArray[np.uint8]  # (frames, height, width, 3)
# (a VAE, latents as it has them) -> their frames in order: (1, 3, F, H, W) in -1 to 1.
DecodeFrames = Callable[[Any, Tensor], Iterator[Tensor]]


def by_channel(vae: Any, latents: Tensor) -> Tensor:
    """A VAE's latents (1, C, T, h, w) -> those that are drawn."""
    mean, std = _means_and_stds(vae, latents)
    return (latents - mean) * (1.0 / std)


def back_by_channel(vae: Any, latents: Tensor) -> Tensor:
    """And back."""
    mean, std = _means_and_stds(vae, latents)
    return latents / (1.0 / std) + mean


def _means_and_stds(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1, 1).to(like.device, like.dtype)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, std


def check_frames(frames: int, step: int) -> None:
    """Raise OutOfRange where not all latent frames but the first are of `step` frames."""
    if over := (frames - 1) % step:
        raise OutOfRange("frames", frames, f"{frames - over} or {frames - over + step}")


def film_shape(recipe: Recipe, *, channels: int, scale: int, step: int) -> tuple[int, ...]:
    """That of a film's latents: `scale` pixels a side, `step` frames each but the first.

    Raises OutOfRange.
    """
    canvas, frames = recipe.drawn_at, needed(recipe.motion).frames
    for side, pixels in (("width", canvas.width), ("height", canvas.height)):
        if pixels % scale:
            raise OutOfRange(side, pixels, f"a multiple of {scale} for this model")
    check_frames(frames, step)
    down, across = canvas.height // scale, canvas.width // scale
    return 1, channels, (frames - 1) // step + 1, down, across


def seen_latents(
    vae: Any,
    pixels: Tensor,
    generator: torch.Generator | None,
    posterior: Callable[[Any, Tensor], Any],
) -> Tensor:
    """Pixels of frames (1, 3, F, H, W) in -1 to 1 -> latents as the VAE has them, float32.

    With a generator a sample of the posterior is drawn from it, else its mode is taken.  Where
    numbers overflow in few bits all is encoded again, in fp32.
    """
    found = posterior(vae, pixels.to(vae.device, vae.dtype))
    finite = bool(torch.isfinite(found.mean).all() and torch.isfinite(found.std).all())
    if not finite and vae.dtype != torch.float32:
        found = posterior(in_fp32(vae), pixels.to(vae.device, torch.float32))
    latents: Tensor = found.mode() if generator is None else found.sample(generator)
    return latents.float()


def to_frames(
    vae: Any, latents: Tensor, decode: DecodeFrames, unscaled: Callable[[Any, Tensor], Tensor]
) -> Decoded:
    """Decode latents (1, C, T, h, w) to the RGB bytes of the frames, one after the other.

    Where numbers overflow in few bits all is decoded again, in fp32 and from the same weights.
    Raises RenderFailed where they overflow in fp32 too.
    """
    content, again = _content(vae, latents, decode, unscaled), False
    if content is None and vae.dtype != torch.float32:
        content, again = _content(in_fp32(vae), latents, decode, unscaled), True
    if content is None:
        raise RenderFailed(
            "the VAE overflowed in float32: its result holds values that are no numbers (NaN); "
            "another VAE may help (the option vae)"
        )
    return Decoded(content=content, again=again)


def _content(
    vae: Any, latents: Tensor, decode: DecodeFrames, unscaled: Callable[[Any, Tensor], Tensor]
) -> bytes | None:
    """None: some numbers are none."""
    found: list[bytes] = []
    for piece in decode(vae, unscaled(vae, latents.to(vae.dtype))):
        if not bool(torch.isfinite(piece).all()):
            return None
        found.append(rgb(piece))
        pulse.between()
    return b"".join(found)


def rgb(piece: Tensor) -> bytes:
    """Frames (1, 3, F, H, W) in -1 to 1 as bytes."""
    pixels = (piece * 0.5 + 0.5).clamp(0, 1)
    rows = pixels.detach()[0].permute(1, 2, 3, 0).cpu().float()
    return (rows * 255).round().to(torch.uint8).contiguous().numpy().tobytes()


def as_film(frames: Frames) -> Tensor:
    """Frames as networks take them: (1, 3, F, H, W) in -1 to 1."""
    pulse.beat()
    pixels = torch.from_numpy(np.asarray(frames, dtype=np.float32) / 255.0)
    # As the stock pipelines lay it out: strides decide last bits.
    return 2.0 * pixels.permute(0, 3, 1, 2).contiguous().permute(1, 0, 2, 3)[None] - 1.0


def pieced(decode: DecodeFrames, motion: Motion, step: int) -> DecodeFrames:
    """What decodes a film as its recipe says: all at once, or in pieces that meet softly.

    `step`: frames of each latent one but a piece's first, which has one.  So a piece that begins
    at the n-th latent frame begins at the frame n * step, and ends where it would end of the whole.
    """
    piece = motion.piece
    if piece is None:
        return decode
    # Without a latent frame that both have, the frames between two pieces would be in none.
    overlap = motion.overlap or (0 if step == 1 else 1)

    def joined(vae: Any, latents: Tensor) -> Iterator[Tensor]:
        count, shared = latents.shape[2], (overlap - 1) * step + 1 if overlap else 0
        fading: Tensor | None = None  # the end of the piece before
        for begin in range(0, max(1, count - overlap), max(1, piece - overlap)):
            frames = torch.cat(list(decode(vae, latents[:, :, begin : begin + piece])), dim=2)
            if fading is not None:
                frames = _met(fading, frames)
            last = begin + piece >= count
            kept = 0 if last else shared
            fading = frames[:, :, frames.shape[2] - kept :] if kept else None
            yield frames[:, :, : frames.shape[2] - kept]

    return joined


def _met(before: Tensor, frames: Tensor) -> Tensor:
    """Frames whose first ones come out of the last ones before them."""
    shared = before.shape[2]
    share = torch.arange(1, shared + 1, dtype=frames.dtype, device=frames.device) / (shared + 1)
    share = share.view(1, 1, -1, 1, 1)
    mixed = before * (1 - share) + frames[:, :, :shared] * share
    return torch.cat([mixed, frames[:, :, shared:]], dim=2)
