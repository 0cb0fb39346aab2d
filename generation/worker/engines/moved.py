"""A UNet of pictures that draws clips: attention over time is laid between its layers for a call.

    (lanes * frames pictures) -> resnet, attention over space, attention over time, ... -> the same

The arithmetic is that of diffusers' UNetMotionModel, of which the UNet here is the part that a
checkpoint has: the same bits.  The invariant: after a call the UNet is the one of pictures again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor


@contextmanager
def moved(unet: Any, module: Any, frames: int, strength: float) -> Iterator[None]:
    """With the motion module between the UNet's layers, for lanes of so many frames each."""
    hooks = [
        layer.register_forward_hook(_behind(motion, frames, strength))
        for layer, motion in _places(unet, module)
    ]
    # What time it is, is worked out once for each lane.
    hooks.append(unet.time_embedding.register_forward_pre_hook(_once(frames)))
    hooks.append(unet.time_embedding.register_forward_hook(_for_each(frames)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _places(unet: Any, module: Any) -> Iterator[tuple[Any, Any]]:
    """Each layer of the UNet with what comes behind it."""
    for side in ("down_blocks", "up_blocks"):
        for block, motions in zip(getattr(unet, side), getattr(module, side), strict=True):
            layers = getattr(block, "attentions", None) or block.resnets
            yield from zip(layers, motions.motion_modules, strict=True)
    if module.mid_block is not None:
        middle = module.mid_block.motion_modules
        yield from zip(unet.mid_block.attentions, middle, strict=True)


def _behind(motion: Any, frames: int, strength: float) -> Any:
    def add(_: Any, __: object, out: Any) -> Any:
        still = out[0] if isinstance(out, tuple) else out
        found = motion(still, num_frames=frames)
        if strength != 1.0:
            found = still + (found - still) * strength
        return (found, *out[1:]) if isinstance(out, tuple) else found

    return add


def _once(frames: int) -> Any:
    def pick(_: Any, given: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
        return tuple(each if each is None else each[::frames] for each in given)

    return pick


def _for_each(frames: int) -> Any:
    def repeat(_: Any, __: object, out: Tensor) -> Tensor:
        return out.repeat_interleave(frames, dim=0)

    return repeat
