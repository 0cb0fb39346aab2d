"""The same picture with more pixels; with words, drawn over in pieces afterwards.

    picture -> more pixels -+--------------------------------------------> the result
                            +-> pieces -> latents -> drawn over -> joined -> the result

What the generator gives, in this order: the VAE's posterior of each piece, row by row; the noise of
the whole picture, of which each piece has what lies where it lies, so that neighbours agree where
they overlap; then what the sampler draws per step of each piece.  Nothing where nothing is drawn.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generation.enlarging import Size, of_a_piece, on_grid, piece, tiles
from generation.errors import OutOfRange
from generation.families.architecture import Stage
from generation.families.pixels import UPSCALER
from generation.recipe import Canvas, needed
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.more_pixels import more_pixels, tiles_ahead
from generation.worker.tasks.task import Begun, Bench, Pieces, as_pixels
from generation.worker.tasks.tiles import Joining, Samples, cut

ROUNDED = 1.01  # pixels


class Upscaling:
    """Each tile of the network is a step, and so is each step of a piece."""

    def begin(self, bench: Bench) -> Begun:
        recipe, model = bench.recipe, bench.model
        canvas, how = needed(recipe.canvas), needed(recipe.enlarging)
        network = model.parts.modules.get(UPSCALER.name)
        if network is not None:
            bench.at(Stage.ENLARGE)
        given, size = shaped(bench.whole("init"), canvas), (canvas.width, canvas.height)
        places = _places(bench) if recipe.sampling is not None else ()
        steps = recipe.sampling.steps * len(places) if recipe.sampling is not None else 0
        ahead = tiles_ahead(given, size, how, network)
        done = iter(range(1, ahead + 1))
        larger = more_pixels(
            given, size, how, network, lambda: bench.on_step(next(done), ahead + steps, None)
        )
        if recipe.sampling is None:
            return Begun(init=torch.from_numpy(larger))
        bench.at(Stage.DECODE)
        return _pieces(bench, larger, places, before=ahead)

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        recipe = bench.recipe
        canvas = needed(recipe.canvas)
        if recipe.sampling is None:
            return Decoded(content=_bytes(latents.numpy()), again=False)
        how, grid = needed(recipe.enlarging), bench.model.architecture.grid
        each = piece(how, canvas, grid)
        joining, again = Joining(on_grid(canvas, grid), each, how.redrawn_overlap or 0), False
        for (left, top), its in zip(_places(bench), latents, strict=True):
            decoded = bench.decoded(its[None])
            again = again or decoded.again
            pixels = np.frombuffer(decoded.content, np.uint8).reshape(each[1], each[0], 3)
            joining.add(pixels.astype(np.float32), left, top)
            pulse.rest()
        whole = joining.whole()[: canvas.height, : canvas.width]
        return Decoded(content=_bytes(whole), again=again)


def _pieces(bench: Bench, larger: Samples, places: tuple[Size, ...], *, before: int) -> Begun:
    """Each piece in latents, with the noise of its place."""
    recipe, engine = bench.recipe, bench.model.engine
    grid, scale = bench.model.architecture.grid, bench.model.scale
    canvas = needed(recipe.canvas)
    each, whole = of_a_piece(recipe, grid), on_grid(canvas, grid)
    size = needed(each.canvas)
    odd = ((0, whole[1] - canvas.height), (0, whole[0] - canvas.width), (0, 0))
    filled = np.pad(larger, odd, mode="edge")
    inits = []
    for left, top in places:
        pixels = np.rint(cut(filled, left, top, (size.width, size.height)))
        inits.append(bench.encoded(as_pixels(pixels.astype(np.uint8))))
        pulse.rest()
    everywhere = replace(each, canvas=Canvas(width=whole[0], height=whole[1]))
    shape = engine.noise_shape(bench.model.parts, everywhere)
    noise = torch.randn(shape, generator=bench.generator, dtype=torch.float32)
    down, across = inits[0].shape[-2:]
    corners = [(left // scale, top // scale) for left, top in places]
    return Begun(
        pieces=Pieces(
            recipe=each,
            inits=tuple(inits),
            noises=tuple(noise[..., y : y + down, x : x + across] for x, y in corners),
            corners=tuple(corners),
            board=torch.zeros(shape),
            before=before,
        )
    )


def _places(bench: Bench) -> tuple[Size, ...]:
    """Left and top of each piece that is drawn over."""
    canvas, how = needed(bench.recipe.canvas), needed(bench.recipe.enlarging)
    whole = on_grid(canvas, bench.model.architecture.grid)
    return tiles(whole, how.redrawn_tile, how.redrawn_overlap)


def shaped(picture: Image.Image, canvas: Canvas) -> Samples:
    """The picture's own pixels; of another shape, the middle that has the canvas's.

    Raises OutOfRange where the canvas is smaller.
    """
    width, height = picture.size
    across, down = canvas.width / width, canvas.height / height
    # By what a size is off that was rounded to whole pixels, it is no other shape.
    if abs(across - down) * min(width, height) > ROUNDED:
        width = min(width, max(1, round(width * across / down)))
        height = min(height, max(1, round(height * down / across)))
    if width > canvas.width or height > canvas.height:
        least = f"at least {picture.width}x{picture.height}, as large as the picture"
        raise OutOfRange("size", f"{canvas.width}x{canvas.height}", least)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    middle = picture.crop((left, top, left + width, top + height))
    return np.asarray(middle, dtype=np.float32)


def _bytes(samples: Samples) -> bytes:
    return np.rint(np.clip(samples, 0, 255)).astype(np.uint8).tobytes()
