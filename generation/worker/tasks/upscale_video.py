"""The same clip with more pixels: each frame as a picture is enlarged, one after the other.

    frame -> more pixels -> the result's frame        between two frames others may have the device

Nothing is drawn, and nothing thrown: a frame depends on no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generation.families.architecture import Stage
from generation.families.pixels import UPSCALER
from generation.media.pyav import Frames
from generation.recipe import needed
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

    def finish(self, _bench: Bench, latents: Tensor) -> Decoded:
        return Decoded(content=latents.numpy().tobytes(), again=False)


def _stepped(bench: Bench, steps: Iterator[int], total: int) -> None:
    bench.on_step(next(steps), total, None)
