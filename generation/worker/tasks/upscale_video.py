"""The same clip with more pixels: each frame as a picture is enlarged, one after the other.

    frame -> more pixels -> the result's frame        between two frames others may have the device
    its sound -> as it is

Nothing is drawn, and nothing thrown: a frame depends on no other.  A sound that cannot be read is
silence: no frame is lost for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generation.errors import BadSound
from generation.families.architecture import Stage
from generation.families.pixels import UPSCALER
from generation.media.pyav import Frames
from generation.media.sounds import content_of
from generation.recipe import needed
from generation.spans import Sound
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.more_pixels import more_pixels, tiles_ahead
from generation.worker.tasks.task import Begun, Bench
from generation.worker.tasks.upscale import shaped


class UpscalingVideo:
    """Each tile of each frame is a step."""

    def begin(self, bench: Bench) -> Begun:
        canvas, motion = needed(bench.recipe.canvas), needed(bench.recipe.motion)
        how, size = needed(bench.recipe.enlarging), (canvas.width, canvas.height)
        network = bench.model.parts.modules.get(UPSCALER.name)
        if network is not None:
            bench.at(Stage.ENLARGE)
        made: Frames = np.empty((motion.frames, canvas.height, canvas.width, 3), np.uint8)
        steps = count(1)
        for number, frame in enumerate(bench.sampled("clip", motion.frames, motion.fps)):
            samples = shaped(Image.fromarray(frame), canvas)
            total = motion.frames * tiles_ahead(samples, size, how, network)
            larger = more_pixels(
                samples, size, how, network, partial(_stepped, bench, steps, total)
            )
            made[number] = np.rint(np.clip(larger, 0, 255))
            pulse.rest()
        return Begun(init=torch.from_numpy(made))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        frames, sound = np.ascontiguousarray(latents.numpy()), bench.recipe.sound
        heard = _heard(bench, sound) if sound is not None else b""
        return Decoded(content=b"".join((frames.data, heard)), again=False)


def _heard(bench: Bench, sound: Sound) -> bytes:
    """The samples of the clip's sound, and silence behind them."""
    whole = np.zeros((sound.channels, sound.samples), np.float32)
    pulse.beat()
    with suppress(BadSound):
        found = bench.sound("clip", sound)
        whole[:, : found.shape[1]] = found
    return content_of(whole)


def _stepped(bench: Bench, steps: Iterator[int], total: int) -> None:
    bench.on_step(next(steps), total, None)
