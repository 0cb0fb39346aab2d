"""One architecture at work: the port between drawing and the networks that draw.

    words --condition--> EncodedWords --predictor--> Predict --sampler--> latents --decode--> pixels
    pixels --encode--> latents (of a picture to begin with)

Everything above a `Predict` (samplers, pauses, previews, exactness) knows no architecture, and an
engine knows no sampler, task or job.  The invariant: an engine keeps nothing; the same parts and
recipe give the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from PIL.Image import Image
from torch import Tensor

from generation.families.architecture import Config, Stage
from generation.recipe import Recipe
from generation.spans import Motion, Surface
from generation.worker.codecs.decoded import Decoded
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.steering import Controls
from generation.worker.text.clip import Clip, EncodedWords, Learned

# Steps done, of so many, and the guess of x0 where there is one.
OnStep = Callable[[int, int, Tensor | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a denoiser reads besides noisy latents."""

    words: EncodedWords
    extra: Tensor | None = None  # channels that are laid beside the noisy ones: (1, C, h, w)
    controls: Controls | None = None  # networks that steer it
    seen: tuple[Tensor, ...] = ()  # pictures that are looked at, as `look` gives them, in order
    # Latents that a film begins with and that stay as they are: (1, C, frames, h, w).
    held: Tensor | None = None
    at: Callable[[Stage], None] = lambda _: None  # has the parts of a stage on the device


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a film goes on from, as its networks take it."""

    # Channels beside the noisy ones, or what it ends with: (1, C, T, h, w).
    extra: Tensor | None = None
    held: Tensor | None = None  # latents of its first frames


@runtime_checkable
class Filming(Protocol):
    """An engine whose networks draw films."""

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, generator: torch.Generator, /
    ) -> Decoded:
        """Latents -> frames, in the recipe's pieces.  Raises RenderFailed as `decode` does.

        A VAE that is shown some noise is shown the generator's, on the CPU.
        """


@runtime_checkable
class Throwing(Protocol):
    """An engine whose latents are of more than one thing, each with noise of its own."""

    def thrown(self, parts: Parts, recipe: Recipe, generator: torch.Generator, /) -> Tensor:
        """Noise of the latents' shape, float32, from the generator, on the CPU."""


@runtime_checkable
class DrawingOn(Protocol):
    """An engine whose films can be drawn in two passes."""

    def enlarged(
        self, parts: Parts, first: Recipe, latents: Tensor, at: Callable[[Stage], None]
    ) -> Tensor:
        """The latents of a first pass at all sides, for the second to draw on.

        `at` has the parts of a stage on the device, and may take those of others away.
        """

    def thrown_over(self, parts: Parts, second: Recipe, generator: torch.Generator, /) -> Tensor:
        """The noise that is laid over them, float32, from the generator, on the CPU."""


@runtime_checkable
class Forming(Protocol):
    """An engine whose networks make forms."""

    def form(self, parts: Parts, latents: Tensor, surface: Surface) -> Decoded:
        """Latents -> a mesh.  Raises RenderFailed where there is nothing, or numbers overflow."""


@runtime_checkable
class Continuing(Protocol):
    """An engine whose films go on from pictures."""

    def opening(
        self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None
    ) -> Beginning:
        """What a film goes on from that begins with these frames, and may end with one.

        Pixels (1, 3, F, H, W) in -1 to 1; nothing is drawn from a generator.  Raises OutOfRange for
        a last frame that the networks cannot be told, or that they lack.
        """

    def carries(self, parts: Parts, recipe: Recipe) -> int:
        """How many frames of a clip the film of that recipe begins with, which follows it."""


@runtime_checkable
class Composing(Protocol):
    """An engine whose films are made of clips, of their parts, and of pictures to look at."""

    def composed(
        self,
        parts: Parts,
        recipe: Recipe,
        clip: Tensor | None,
        white: Tensor | None,
        pictures: Sequence[Tensor],
    ) -> Tensor:
        """What the networks see of them beside the film.

        Pixels (1, 3, F, H, W) in -1 to 1; `white`, of that shape in 0 to 1: what is drawn; pictures
        (1, 3, h, w), each in its own size.
        """


@runtime_checkable
class Writing(Protocol):
    """An engine whose network writes tokens, one after the other, instead of a walk from noise."""

    def write(
        self,
        parts: Parts,
        recipe: Recipe,
        given: Given,
        generator: torch.Generator,
        on_step: OnStep,
        /,
    ) -> Tensor:
        """All tokens, as latents are: float32, without a number that is none.

        Whatever is thrown comes from the generator, on the CPU and in the tokens' order.  `on_step`
        is called behind each of the recipe's steps; it may wait, and may raise.
        """


class Engine(Protocol):
    """How the networks of one architecture draw."""

    def scale(self, parts: Parts) -> int:
        """Pixels of a latent pixel's side."""

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        learned: Sequence[Learned],
        pictures: Sequence[Image],
        /,
    ) -> EncodedWords:
        """The words, encoded: they and these pictures decide it, so it is remembered by them.

        `learned`: new words, for each of `learners`; `pictures`: what an edit looks at, as RGB, the
        first in the size of the canvas, others in their own, for encoders that can see.

        Raises OutOfRange for words, or a clip skip, that these encoders cannot read.
        """

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        """The shape of the latents, and so of the noise they begin as."""

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        """(what the network eats, timestep) -> its output in float32, guidance applied.

        Packing, image ids, and what else the network reads besides, happen in here.
        """

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        """Pixels (1, 3, H, W) in -1 to 1 -> latents, float32.

        With a generator a sample of the posterior is drawn from it, else its mean is taken.
        """

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        """Pixels (1, 3, H, W) in -1 to 1 -> what the denoiser sees of such a picture.

        Nothing is drawn from a generator for it.
        """

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        """Latents -> pixels.  Raises RenderFailed when numbers overflow."""

    def learners(self, parts: Parts) -> tuple[Clip, ...]:
        """The text encoders that embeddings and LoRAs can teach words; empty: none can."""

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        """What a stage needs besides its weights, at its worst moment.

        `configs`: those of the parts, by name; `itemsize`: bytes of a number of the recipe's
        precision.
        """
