"""A picture of which a part is drawn anew, and where the rest stays: of masks and of outpainting.

    four channels   the rest stays in the latents at every level (`sampling.masked`)
    more channels   a network made for it sees the mask, and the picture without what is masked

From the generator are drawn: the posterior of the picture (not for more channels, where it starts
from noise alone), and for more channels that of the picture without what is masked.  Where
everything is drawn anew (a denoise of 1), the area starts from noise, whatever lay there.  Models
that edit look at the picture as well, of which they draw a part.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generation.families.architecture import Purpose
from generation.recipe import needed
from generation.tasks import Task
from generation.worker.codecs.joining import Area, Pixels, resized, touched
from generation.worker.sampling.masked import Kept
from generation.worker.tasks.task import Begun, Bench, Stays, as_pixels


def begun(bench: Bench, picture: Pixels, area: Area) -> Begun:
    """What drawing the area of a picture anew starts with."""
    recipe = bench.recipe
    size = recipe.drawn_at.height, recipe.drawn_at.width
    blur = needed(recipe.masking).blur
    stays = Stays(picture=picture, area=area, blur=blur, drawn_at=size)
    if size != area.shape:
        picture, area = resized(picture, size), touched(area, size)
    pixels, afresh = as_pixels(picture), needed(recipe.sampling).denoise == 1.0
    if bench.model.purpose is not Purpose.INPAINTING:
        latents = bench.encoded(pixels)
        kept = Kept(latents=latents, where=~_cells(area, bench).to(latents.device))
        looks = bench.model.architecture.looks_at_the_rest and recipe.task is Task.INPAINT
        seen = (bench.looked_at(pixels),) if looks else ()
        return Begun(init=None if afresh else latents, kept=kept, stays=stays, seen=seen)
    init = None if afresh else bench.encoded(pixels)
    spared = bench.encoded(pixels * torch.from_numpy(~area)[None, None])
    mask = _mask(area, bench).to(spared.device, spared.dtype)
    extra = torch.cat([mask, spared], dim=1)
    return Begun(init=init, extra=extra, stays=stays)


def _mask(area: Area, bench: Bench) -> Tensor:
    """The area as a network sees it that is made to inpaint: bool, (1, channels, h, w)."""
    if bench.model.architecture.mask_channels == 1:
        return _cells(area, bench)
    each = _by_cell(area, bench.model.scale).permute(1, 3, 0, 2)
    return each.reshape(1, -1, *each.shape[-2:])


def _cells(area: Area, bench: Bench) -> Tensor:
    """The latent pixels that have any of the area: bool, (1, 1, h, w)."""
    return _by_cell(area, bench.model.scale).any(dim=3).any(dim=1)[None, None]


def _by_cell(area: Area, scale: int) -> Tensor:
    """(h, scale, w, scale)."""
    height, width = area.shape
    return torch.from_numpy(area).reshape(height // scale, scale, width // scale, scale)
