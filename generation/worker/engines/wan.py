r"""Wan at work: a transformer of films that reads UMT5, with one expert or two, and Wan's VAEs.

    words, cleaned -> UMT5 -> the states of the words' own tokens, and zeros up to 512
    (noisy latents (1, C, T, h, w), timestep, states) -> transformer -> the flow's velocity

Each prompt is a call of its own.  Of 2.2 A14B the first expert draws while much is noise, and the
second below the recipe's boundary; each has its own cfg, and one of 1 asks of the prompt alone.
What goes on from pictures sees them as channels beside the noise (and, in 2.1, by CLIP); 2.2 5B has
them in the film from the start, and tells each token how noisy it is.  Brackets are text.  The
invariant: a prompt that fits 512 tokens gives the stock pipelines' bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import LOOKS_BY, Config, Stage
from generation.recipe import Recipe, Sampling, needed
from generation.spans import Motion
from generation.worker.codecs.causal_film import STEP, decoded, encoded, latent_frames
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import back_by_channel, check_frames, pieced, to_frames
from generation.worker.engines.engine import Beginning, Given
from generation.worker.engines.guidance import Guided, apart
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.looks import looks_of
from generation.worker.text.umt5 import TOKENS, read_words

CARRIED = 2  # latent frames that are held beside the first, where a clip is gone on from
LOOKS = "looks"  # what CLIP sees of the pictures that a film goes on from
# Measured with fake tensors (tests/test_activations.py): how many of its width each token keeps
# alive at the worst moment.
ACTIVATIONS = 17
BY_TOKEN = 28  # where each token has a time of its own
ENCODING = 8
# The same of the VAE: how many of its decoder's first width each pixel does, in 2.1's and in 5B's.
VAE_ACTIVATIONS = 52
VAE_ACTIVATIONS_OF_5B = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Wan:
    """How its networks draw; `by_token`: each token is told its own time."""

    by_token: bool = False

    def scale(self, parts: Parts) -> int:
        return int(parts["vae"].config.scale_factor_spatial)

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        pictures: Sequence[Image],
    ) -> EncodedWords:
        context, negative = read_words(parts, needed(recipe.words))
        more: dict[str, Tensor] = {}
        if pictures and LOOKS_BY in parts:
            more[LOOKS] = looks_of(parts, pictures)
        return EncodedWords(
            context=context, negative=negative, pooled=None, negative_pooled=None, more=more
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        _, *patch = network.patch_size
        for side, pixels, each in zip(
            ("height", "width"), (canvas.height, canvas.width), patch, strict=True
        ):
            step, most = scale * each, network.rope_max_seq_len * scale * each
            if pixels % step or pixels > most:
                raise OutOfRange(side, pixels, f"a multiple of {step}, up to {most} for this model")
        channels, frames = parts["vae"].config.z_dim, needed(recipe.motion).frames
        check_frames(frames, STEP)
        down, across = canvas.height // scale, canvas.width // scale
        return 1, channels, latent_frames(frames), down, across

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        sampling, experts = needed(recipe.sampling), recipe.experts
        if ("transformer_2" in parts) != (experts is not None):
            raise OutOfRange("experts", experts and experts.boundary, "what the model has")
        first = self._guided(parts["transformer"], given, sampling)
        if experts is None:
            return first
        theirs = replace(sampling, cfg=experts.cfg)
        second = self._guided(parts["transformer_2"], given, theirs)
        turns = _Turns(given=given)

        def both(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            early = float(t) >= experts.boundary * 1000
            turns.begin(Stage.DENOISE if early else Stage.REFINE)
            return (first if early else second).both(y, t)

        return Guided(both)

    def _guided(self, network: Any, given: Given, sampling: Sampling) -> Guided:
        """What one expert says, guided."""
        words = given.words

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            said = words.negative if negative else words.context
            out: Tensor = network(
                **self._inputs(network, y, t, given),
                encoder_hidden_states=said.to(network.dtype),
                return_dict=False,
            )[0]
            return out

        return apart(ask, sampling)

    def _inputs(self, network: Any, y: Tensor, t: Tensor, given: Given) -> dict[str, Any]:
        """What a network is shown of the film besides words."""
        looks = given.words.more.get(LOOKS)
        seen = {} if looks is None else {"encoder_hidden_states_image": looks.to(network.dtype)}
        times = _by_token(network.config, y, t, given.held) if self.by_token else t.expand(1)
        return {"hidden_states": _eaten(y, given).to(network.dtype), "timestep": times, **seen}

    def opening(
        self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None
    ) -> Beginning:
        several = parts["transformer"].config.pos_embed_seq_len is not None
        if several != (last is not None) and (several or self.by_token or LOOKS_BY in parts):
            allowed = "one: it draws what lies between" if several else "none for this model"
            raise OutOfRange("last frame", "none" if last is None else "given", allowed)
        if self.by_token:
            return Beginning(held=self.encode(parts, first, None))
        return Beginning(extra=self._beside(parts, recipe, first, last))

    def carries(self, _parts: Parts, recipe: Recipe) -> int:
        """2.2 5B, which has the frames themselves in the film, goes on from several."""
        if not self.by_token:
            return 1
        return 1 + STEP * min(CARRIED, latent_frames(needed(recipe.motion).frames) // 2)

    def _beside(self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None) -> Tensor:
        """Which frames are there, and the film that has them and is grey elsewhere, in latents."""
        frames = needed(recipe.motion).frames
        begun, ended = first.shape[2], 0 if last is None else 1
        rest = first.new_zeros(1, 3, frames - begun - ended, *first.shape[-2:])
        film = torch.cat([first, rest] if last is None else [first, rest, last], dim=2)
        latents = self.encode(parts, film, None)
        there = latents.new_zeros(1, 1, frames, *latents.shape[-2:])
        there[:, :, :begun] = 1
        if ended:
            there[:, :, -1:] = 1
        there = torch.cat([there[:, :, :1].repeat_interleave(STEP, dim=2), there[:, :, 1:]], dim=2)
        channels = there.view(1, -1, STEP, *latents.shape[-2:]).transpose(1, 2)
        return torch.cat([channels, latents], dim=1)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        film = pixels if pixels.ndim == 5 else pixels.unsqueeze(2)
        return encoded(parts["vae"], film, generator)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_frames(parts["vae"], latents, decoded, back_by_channel)

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, _generator: torch.Generator
    ) -> Decoded:
        return to_frames(parts["vae"], latents, pieced(decoded, motion, STEP), back_by_channel)

    def _alive(self, _configs: Mapping[str, Config]) -> int:
        """How many of its width each token keeps alive."""
        return BY_TOKEN if self.by_token else ACTIVATIONS

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels, frames = recipe.drawn_at.pixels, needed(recipe.motion).frames
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                (width,) = _numbers(configs["text_encoder"], "d_model")
                return ENCODING * width * TOKENS * itemsize
            case Stage.DENOISE | Stage.REFINE:
                heads, head = _numbers(
                    configs["transformer"], "num_attention_heads", "attention_head_dim"
                )
                tokens = pixels // (2 * _scale(configs["vae"])) ** 2 * latent_frames(frames)
                return self._alive(configs) * heads * head * tokens * itemsize
            case Stage.DECODE:
                vae = configs["vae"]
                width, *_ = _numbers(vae, "decoder_base_dim", "base_dim")
                each = VAE_ACTIVATIONS_OF_5B if vae.get("is_residual") else VAE_ACTIVATIONS
                return each * width * pixels * itemsize


@dataclass(slots=True)
class _Turns:
    """Which of two experts is at work."""

    given: Given
    now: Stage = Stage.DENOISE

    def begin(self, stage: Stage) -> None:
        """That expert's turn: it is on the device."""
        if stage is not self.now:
            self.given.at(stage)
            self.now = stage


def _eaten(y: Tensor, given: Given) -> Tensor:
    """The noisy film with what it goes on from."""
    if given.held is not None:
        return torch.cat([given.held, y[:, :, given.held.shape[2] :]], dim=2)
    return y if given.extra is None else torch.cat([y, given.extra], dim=1)


def _by_token(config: Any, y: Tensor, t: Tensor, held: Tensor | None) -> Tensor:
    """The timestep of each token: of what is held, 0."""
    _, _, count, height, width = y.shape
    _, down, across = config.patch_size
    times = t.expand(count, height // down, width // across).clone()
    if held is not None:
        times[: held.shape[2]] = 0
    return times.reshape(1, -1)


def _scale(vae: Config) -> int:
    """Pixels of a latent pixel's side."""
    said = vae.get("scale_factor_spatial", 8)
    return said if isinstance(said, int) else 8


def _numbers(config: Config, *keys: str) -> list[int]:
    """Whole numbers, which the catalog looked at."""
    found = [config.get(key) for key in keys]
    return [number for number in found if isinstance(number, int)]
