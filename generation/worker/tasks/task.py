"""A task at work: the port of what is made of what.

    begin -> what drawing starts with     finish(final latents) -> pixels

What a recipe of it has is in `generation.tasks.NEEDS`; how networks draw is the engine's.  The
invariant: a task draws from the generator nothing but what its docstring says, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generation.errors import BadPicture
from generation.families.architecture import LOOKS_BY, Stage
from generation.media.clips import check, frames, is_clip, sampled
from generation.media.photos import as_rgb, load, upright
from generation.media.pyav import Frame, Frames
from generation.media.sounds import Samples
from generation.media.sounds import load as load_sound
from generation.recipe import Recipe, Weights, needed
from generation.spans import Sound
from generation.tasks import CONTROL, VIEW, Task
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.joining import Area, Pixels, joined, resized
from generation.worker.engines.engine import Filming, Forming, OnStep
from generation.worker.model import Model
from generation.worker.sampling.masked import Kept

_TITLES = {
    "first": "first frame",
    "last": "last frame",
    "init": "picture to start from",
    "mask": "mask",
    "reference": "picture to change",
    "clip": "clip",
    "sound": "sound",
    CONTROL: "control picture",
}


Locate = Callable[[Weights], Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a task works with."""

    recipe: Recipe
    inputs: Sequence[bytes]  # in the recipe's order
    model: Model
    generator: torch.Generator  # the recipe's
    locate: Locate  # where other files of the recipe lie
    at: Callable[[Stage], None] = lambda _: None  # has the parts of a stage on the device
    on_step: OnStep = lambda _done, _total, _x0: None  # may wait, and may raise

    def picture(self, role: str, size: tuple[int, int] | None = None) -> Image.Image:
        """The input of that role, brought to that size, or to the canvas.  Raises BadPicture."""
        canvas = needed(self.recipe.canvas)
        width, height = size or (canvas.width, canvas.height)
        data, fit = self._one(role)
        return load(data, width=width, height=height, fit=fit)

    def whole(self, role: str) -> Image.Image:
        """The input of that role in its own size, as RGB.  Raises BadPicture."""
        return as_rgb(upright(self._one(role)[0]))

    def _one(self, role: str) -> tuple[bytes, str]:
        """The only input of that role: its bytes, and how they are brought to a size."""
        given = self._given(role)
        if len(given) != 1:
            title = _TITLES.get(role, role)
            raise BadPicture(f"one {title} is needed, {len(given)} were sent")
        return given[0]

    def pictures(self, role: str, size: tuple[int, int] | None = None) -> list[Image.Image]:
        """All inputs of that role, in their order.  Raises BadPicture."""
        canvas = needed(self.recipe.canvas)
        width, height = size or (canvas.width, canvas.height)
        return [load(data, width=width, height=height, fit=fit) for data, fit in self._given(role)]

    def references(self) -> list[Image.Image]:
        """The pictures that are looked at, in their order, as RGB: the one that is changed at the
        canvas's size, others in their own; of a film those that it goes on from, or what a form
        is made of.  Raises BadPicture."""
        if views := self._given(VIEW):
            return [as_rgb(upright(data)) for data, _ in views]
        if self.recipe.motion is not None and LOOKS_BY in self.model.parts:
            if self.recipe.task is Task.EXTEND_VIDEO:
                return [Image.fromarray(self.ending(1)[0])]
            return [*self.pictures("first"), *self.pictures("last")]
        given = self._given("reference")
        first = self.pictures("reference")[:1] if given else []
        return [*first, *(as_rgb(upright(data)) for data, _ in given[1:])]

    def clip(
        self, role: str, *, count: int, fps: float, size: tuple[int, int], start: float = 0.0
    ) -> Frames:
        """So many frames of the clip of that role, at that rate and size.  Raises BadPicture."""
        data, fit = self._one(role)
        width, height = size
        return frames(data, width=width, height=height, count=count, fps=fps, start=start, fit=fit)

    def film(self, role: str) -> Frames:
        """The clip of that role, as long and as large as the film that is drawn; of a picture as
        many times that.  Raises BadPicture."""
        motion, canvas = needed(self.recipe.motion), self.recipe.drawn_at
        size = canvas.width, canvas.height
        if is_clip(self._one(role)[0]):
            return self.clip(role, count=motion.frames, fps=motion.fps, size=size)
        return np.repeat(np.asarray(self.picture(role, size))[None], motion.frames, axis=0)

    def ending(self, count: int) -> Frames:
        """The last frames of the clip that is gone on from.  Raises BadPicture."""
        fps, canvas = needed(self.recipe.motion).fps, self.recipe.drawn_at
        seconds = check(self._one("clip")[0]).seconds
        start = max(0.0, seconds - count / fps)
        size = canvas.width, canvas.height
        return self.clip("clip", count=count, fps=fps, size=size, start=start)

    def each_whole(self, role: str) -> list[Image.Image]:
        """All inputs of that role in their own sizes, as RGB.  Raises BadPicture."""
        return [as_rgb(upright(data)) for data, _ in self._given(role)]

    def has(self, role: str) -> bool:
        """Whether there is an input of that role."""
        return bool(self._given(role))

    def sampled(self, role: str, count: int, fps: float) -> Iterator[Frame]:
        """Frames of the clip of that role in its own size, at that rate.  Raises BadClip."""
        data, _ = self._one(role)
        return sampled(data, count, fps)

    def sound(self, role: str, wanted: Sound) -> Samples:
        """The beginning of the sound of that role, as a sound of that kind.  Raises BadPicture."""
        data, _ = self._one(role)
        return load_sound(data, rate=wanted.rate, channels=wanted.channels, seconds=wanted.seconds)

    def _given(self, role: str) -> list[tuple[bytes, str]]:
        pairs = zip(self.inputs, self.recipe.inputs, strict=False)
        return [(data, what.fit) for data, what in pairs if what.role == role]

    def encoded(self, pixels: Tensor) -> Tensor:
        """Latents of pixels (1, 3, H, W) in -1 to 1; a draw from the generator."""
        return self.model.engine.encode(self.model.parts, pixels, self.generator)

    def mean(self, pixels: Tensor) -> Tensor:
        """The most likely latents of pixels (1, 3, H, W) in -1 to 1; nothing is drawn for them."""
        return self.model.engine.encode(self.model.parts, pixels, None)

    def looked_at(self, pixels: Tensor) -> Tensor:
        """What the denoiser sees of pixels (1, 3, H, W) in -1 to 1; nothing is drawn for it."""
        return self.model.engine.look(self.model.parts, pixels)

    def formed(self, latents: Tensor) -> Decoded:
        """The form of latents."""
        engine, surface = self.model.engine, needed(self.recipe.form)
        assert isinstance(engine, Forming)  # its architecture makes forms
        return engine.form(self.model.parts, latents, surface)

    def noise_like(self) -> Tensor:
        """Zeros of the shape that the latents have."""
        shape = self.model.engine.noise_shape(self.model.parts, self.recipe)
        return torch.zeros(shape, device=self.model.device)

    def decoded(self, latents: Tensor) -> Decoded:
        """Pixels of latents."""
        engine, motion = self.model.engine, self.recipe.motion
        if motion is not None and isinstance(engine, Filming):
            return engine.film(self.model.parts, latents, motion, self.generator)
        return engine.decode(self.model.parts, latents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """A picture of which only an area is drawn anew."""

    picture: Pixels
    area: Area
    blur: float
    drawn_at: tuple[int, int]  # height and width of what is drawn, where that is another size

    def around(self, drawn: Decoded) -> Decoded:
        """The picture with what was drawn in its area."""
        content = np.frombuffer(drawn.content, np.uint8).reshape(*self.drawn_at, 3)
        if self.drawn_at != self.picture.shape[:2]:
            content = resized(content, self.picture.shape[:2])
        whole = joined(self.picture, content, self.area, self.blur)
        return replace(drawn, content=whole.tobytes())


def as_pixels(picture: Pixels) -> Tensor:
    """A picture as networks take it: (1, 3, H, W) in -1 to 1."""
    pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255.0)
    # Batch first, then permuted: strides choose among convolutions that differ in their last bits,
    # and these strides are the stock pipelines'.
    pulse.beat()
    return 2.0 * pixels[None].permute(0, 3, 1, 2) - 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A picture that is drawn over in pieces of equal size, one after the other."""

    recipe: Recipe  # of each of them
    inits: tuple[Tensor, ...]
    noises: tuple[Tensor, ...]  # that each begins with, before it is on the device
    corners: tuple[tuple[int, int], ...]  # left and top of each, in latents
    board: Tensor  # the whole picture's latents, as far as they are there: to look at
    before: int  # steps that were done already

    @property
    def total(self) -> int:
        """The steps of all, and those before."""
        return self.before + len(self.inits) * needed(self.recipe.sampling).steps

    def shown(self, number: int, x0: Tensor) -> Tensor:
        """The whole picture while that piece of it looks so."""
        left, top = self.corners[number]
        down, across = x0.shape[-2:]
        self.board[..., top : top + down, left : left + across] = x0.to(self.board.device)
        return self.board


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What drawing starts with."""

    init: Tensor | None = None  # latents that the first noise is laid over; None: noise alone
    noise: Tensor | None = None  # that it begins with; None: the generator's next
    extra: Tensor | None = None  # channels that the denoiser reads beside the noisy ones
    kept: Kept | None = None  # latents that are not drawn
    stays: Stays | None = None  # pixels that are not drawn
    seen: tuple[Tensor, ...] = ()  # pictures that it looks at, in the recipe's order
    pieces: Pieces | None = None  # each with its own `init`
    held: Tensor | None = None  # latents of a film's first frames, which stay as they are


class TaskWork(Protocol):
    """How a task begins and ends."""

    def begin(self, bench: Bench, /) -> Begun:
        """What drawing starts with."""

    def finish(self, bench: Bench, latents: Tensor, /) -> Decoded:
        """The result, from the final latents."""
