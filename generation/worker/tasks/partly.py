"""A picture of which a part is drawn anew, and where the rest stays: of masks and of outpainting.

    four channels   the rest stays in the latents at every level (`sampling.masked`)
    nine channels   a network made for it sees the mask, and the picture without what is masked

From the generator are drawn: the posterior of the picture (not for nine channels, where it starts
from noise alone), and for nine channels that of the picture without what is masked.  Where
everything is drawn anew (a denoise of 1), the area starts from noise, whatever lay there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generation.families.architecture import Purpose
from generation.recipe import needed
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
        return Begun(init=None if afresh else latents, kept=kept, stays=stays)
    init = None if afresh else bench.encoded(pixels)
    spared = bench.encoded(pixels * torch.from_numpy(~area)[None, None])
    extra = torch.cat([_cells(area, bench).to(spared.device, spared.dtype), spared], dim=1)
    return Begun(init=init, extra=extra, stays=stays)


def _cells(area: Area, bench: Bench) -> Tensor:
    """The latent pixels that have any of the area: bool, (1, 1, h, w)."""
    scale = bench.model.scale
    height, width = area.shape
    cells = torch.from_numpy(area).reshape(height // scale, scale, width // scale, scale)
    return cells.any(dim=3).any(dim=1)[None, None]
