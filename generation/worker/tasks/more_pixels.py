"""The step of upscaling that draws nothing: a network's pixels or Lanczos', kept true to the start.

    picture -> [network, in tiles, once or more] -> Lanczos to the very size -> corrections

A correction reduces what was made to the picture's size, and lays what differs over it: whatever
the network or the filter made up, halved again it is the picture that was given.  The invariant:
the same picture, size, weights and settings give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from generation.enlarging import Size, passes, tiles
from generation.recipe import Enlarging
from generation.worker import pulse
from generation.worker.tasks.tiles import Joining, Samples, cut, tile_of

OnTile = Callable[[], None]

# How it is made small again, in turn: what is true by these two is so by Lanczos and by others that
# people use.  By one alone it is not by the other (docs/changing.md has what was measured).
HALVINGS = (Image.Resampling.BOX, Image.Resampling.BICUBIC)


def more_pixels(
    picture: Samples, size: Size, how: Enlarging, network: Any | None, on_tile: OnTile
) -> Samples:
    """The picture, (h, w, 3) in 0 to 255, in that size.  `on_tile` is called after each tile."""
    made = picture
    for now in _passes(picture, size, network):
        made = _through(made, now, how, network, on_tile)
    if network is None:
        on_tile()
    if made.shape[1::-1] != size:
        made = resized(made, size, Image.Resampling.LANCZOS)
    made = np.clip(made, 0.0, 255.0)
    before: Size = (picture.shape[1], picture.shape[0])
    for number in range(how.corrections or 0):
        pulse.beat()
        lost = picture - resized(made, before, HALVINGS[number % len(HALVINGS)])
        made = np.clip(made + resized(lost, size, Image.Resampling.BICUBIC), 0.0, 255.0)
    return made


def tiles_ahead(picture: Samples, size: Size, how: Enlarging, network: Any | None) -> int:
    """How often `on_tile` will be called."""
    return sum(
        len(tiles(now, how.tile, how.overlap)) for now in _passes(picture, size, network)
    ) + (network is None)


def resized(samples: Samples, size: Size, filter_: Image.Resampling) -> Samples:
    """The same in another size, each colour for itself and none of it rounded."""
    colours = [
        Image.fromarray(np.ascontiguousarray(samples[..., number])).resize(size, filter_)
        for number in range(3)
    ]
    return np.stack([np.asarray(colour, np.float32) for colour in colours], axis=-1)


def _passes(picture: Samples, size: Size, network: Any | None) -> tuple[Size, ...]:
    if network is None:
        return ()
    return passes((picture.shape[1], picture.shape[0]), size, network.factor)


def _through(
    samples: Samples, size: Size, how: Enlarging, network: Any, on_tile: OnTile
) -> Samples:
    """Once through the network, tile by tile."""
    times, tile = network.factor, tile_of(size, how.tile)
    joining = Joining(
        (size[0] * times, size[1] * times),
        (tile[0] * times, tile[1] * times),
        (how.overlap or 0) * times,
    )
    for left, top in tiles(size, how.tile, how.overlap):
        joining.add(_asked(network, cut(samples, left, top, tile)), left * times, top * times)
        on_tile()
    return joining.whole()


def _asked(network: Any, samples: Samples) -> Samples:
    """What a network makes of a tile; its sides are filled up to what it takes as one."""
    height, width = samples.shape[:2]
    odd = ((0, -height % network.shuffle), (0, -width % network.shuffle), (0, 0))
    filled = torch.from_numpy(np.pad(samples, odd, mode="edge") / np.float32(255.0))
    weight = network.conv_first.weight
    pixels = filled.permute(2, 0, 1)[None].contiguous().to(weight.device, weight.dtype)
    made = network(pixels)[0, :, : height * network.factor, : width * network.factor]
    out: Samples = made.permute(1, 2, 0).float().cpu().numpy() * np.float32(255.0)
    return out
