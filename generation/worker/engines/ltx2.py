r"""LTX-2 and 2.3 at work: one transformer of a film and its sound, which look at each other.

    words -> Gemma 3, all layers -> connectors -> what the film reads, and what the sound reads
    (film and sound as tokens, time, both words) -> transformer -> the flow's velocity of both
    film --> VAE --> frames        sound --> VAE --> mel spectra --> vocoder --> samples

Samplers know one tensor.  A moment of sound is as wide as a latent pixel, so the sound lies behind
the film, as further latent frames; what is left of the last of them is nought, and stays so:

    (1, 128, film's frames + sound's, h, w)

In two passes the film is drawn at half its sides, its latents become twice as wide and high, and
both are drawn on from there under less noise:

    film -> VAE's own scale -> latent upsampler -> scaled        sound: as it is

A sound is as long as its clip.  Guidance is cfg, the same of both, in the order of the stock
pipeline, which guides guesses of what is drawn and not velocities.  Brackets are text.  The
invariant: a prompt that fits gives the stock pipelines' bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange, RenderFailed
from generation.families.architecture import Config, Stage
from generation.families.ltx import STEP, latent_frames, tokens
from generation.families.ltx2 import ENLARGER, MEL
from generation.media.sounds import content_of
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import in_fp32
from generation.worker.codecs.video import film_shape, pieced, seen_latents, to_frames
from generation.worker.engines.engine import Beginning, Given
from generation.worker.engines.flux import width_of
from generation.worker.engines.guidance import Guided, in_lanes
from generation.worker.engines.ltx import (
    as_it_is,
    eaten,
    frames_of,
    last_width,
    means_and_stds,
    packed,
    partly,
    posterior,
    times_of,
)
from generation.worker.parts import Parts
from generation.worker.text import llm
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.t5 import plain

TOKENS = 1024  # that a prompt is filled up to, and has at most
MOMENTS = 25  # of sound, a second
# Measured with fake tensors (tests/test_activations_of_films.py): how many of its width each token
# of a lane keeps alive at the worst moment (one of sound is half as wide), and each of the words;
# how many of its decoder's last width each pixel of all frames that are decoded at once, and of one
# more; of the upsampler's width how many of each token that it makes; how many of its first width
# the vocoder keeps of a moment; and how often the connectors have all layers of the words.
ACTIVATIONS, OF_WORDS = 16.8, 3.5
VAE_ACTIVATIONS, ONE_MORE = 0.335, 0.4
VAE_OF_23 = 0.285, 0.27
ENLARGING = 4.1
OF_SOUND = 310
LAYERS_AT_ONCE = 5.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ltx2:
    """How its networks draw."""

    newer: bool = False  # 2.3: each stream looks at the other by the other's time

    def scale(self, parts: Parts) -> int:
        return int(parts["vae"].spatial_compression_ratio)

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, reader = needed(recipe.words), llm.PromptReader.of(parts)
        texts = [plain(text, said.syntax).strip() for text in (said.prompt, said.negative_prompt)]
        for text in texts:
            count = len(reader.tokenizer(text, verbose=False).input_ids)
            if count > TOKENS:
                raise OutOfRange(
                    "prompt",
                    f"{count} tokens of a language model",
                    f"at most {TOKENS} of them long",
                )
        layers = tuple(range(parts["connectors"].config.text_proj_in_factor))
        form = llm.PromptForm(layers=layers, least=TOKENS, left=True)
        read = llm.encode(reader, texts, form, syntax="plain")
        (film, sound, mask), (other_film, other_sound, other_mask) = (
            _connected(parts, states) for states in read
        )
        return EncodedWords(
            context=film,
            negative=other_film,
            pooled=None,
            negative_pooled=None,
            more={
                "sound": sound,
                "negative_sound": other_sound,
                "mask": mask,
                "negative_mask": other_mask,
            },
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        _check_track(parts, recipe)
        _, channels, frames, down, across = _film_shape(parts, recipe, self.scale(parts))
        moments = _moments(parts, needed(recipe.motion))
        return 1, channels, frames + -(-moments // (down * across)), down, across

    def thrown(self, parts: Parts, recipe: Recipe, generator: torch.Generator) -> Tensor:
        """That of the film, then that of the sound."""
        film = torch.randn(_film_shape(parts, recipe, self.scale(parts)), generator=generator)
        heard, moments = parts["audio_vae"].config, _moments(parts, needed(recipe.motion))
        shape = 1, heard.latent_channels, moments, heard.mel_bins // MEL
        sound = torch.randn(shape, generator=generator)
        return _together(film, sound.transpose(1, 2).flatten(2))

    def enlarged(
        self, parts: Parts, first: Recipe, latents: Tensor, at: Callable[[Stage], None]
    ) -> Tensor:
        motion, network = needed(first.motion), parts[ENLARGER]
        film, sound = _apart(latents, latent_frames(motion.frames), _moments(parts, motion))
        at(Stage.DECODE)  # the VAEs have the scales, and may give way to what enlarges
        mean, std = (value.clone() for value in means_and_stds(parts["vae"], film))
        # Its makers give the sound back and take it again, which moves its last bits.
        its_mean, its_std = _heard(parts["audio_vae"], sound)
        sound = (sound * its_std + its_mean - its_mean) / its_std
        at(Stage.ENLARGE)
        larger = network((film * std + mean).to(network.dtype)).to(film.dtype)
        return _together((larger - mean) / std, sound)

    def thrown_over(self, parts: Parts, second: Recipe, generator: torch.Generator) -> Tensor:
        """As `thrown`, but token after token, and moment after moment of the sound."""
        _, wide, *sides = _film_shape(parts, second, self.scale(parts))
        moments = _moments(parts, needed(second.motion))
        film, sound = (
            torch.randn((1, count, wide), generator=generator) for count in (prod(sides), moments)
        )
        return _together(film.transpose(1, 2).reshape(1, wide, *sides), sound)

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        motion = needed(recipe.motion)
        _, _, *sides = _film_shape(parts, recipe, self.scale(parts))
        frames, moments = sides[0], _moments(parts, motion)
        context = in_lanes(words.context, words.negative, sampling).to(network.dtype)
        told = in_lanes(words.more["sound"], words.more["negative_sound"], sampling)
        mask = in_lanes(words.more["mask"], words.more["negative_mask"], sampling)
        places: dict[str, Any] = {
            **dict(zip(("num_frames", "height", "width"), sides, strict=True)),
            "fps": motion.fps,
            "audio_num_frames": moments,
        }
        share = motion.held
        last = None if given.extra is None else torch.cat([packed(given.extra)] * len(context))
        if last is not None:
            places["video_coords"] = _with_last(network, sides, motion.fps, last)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            film, sound = _apart(lanes, frames, moments)
            time, shown = t.expand(len(lanes)), packed(film)
            times = times_of(film, t, given.held, share)
            if last is not None:  # behind all others, and without noise
                shown = torch.cat([shown, last], dim=1)
                times = torch.cat([times, times.new_zeros(last.shape[:2])], dim=1)
            found = network(
                hidden_states=shown.to(network.dtype),
                audio_hidden_states=sound.contiguous().to(network.dtype),
                encoder_hidden_states=context,
                audio_encoder_hidden_states=told.to(network.dtype),
                timestep=times,
                audio_timestep=time,
                sigma=time,
                encoder_attention_mask=mask,
                audio_encoder_attention_mask=mask,
                use_cross_timestep=self.newer,
                return_dict=False,
                **places,
            )
            own = found[0][:, : prod(sides)]
            drawn = own.transpose(1, 2).reshape(len(lanes), -1, *sides)
            return _together(drawn.float(), found[1].float())

        def both(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            whole = given.held if share is None else None
            seen, level = eaten(y, whole), _level(t, sampling.sigmas)
            lanes = torch.cat([seen] * sampling.lanes) if sampling.guided else seen
            *negative, said = (seen - out * level for out in ask(lanes, t).chunk(len(lanes)))
            guided = said
            if negative:
                guided = said + (sampling.cfg - 1) * (said - negative[0])
            free = negative[0] if negative else said
            if share is not None:
                guided, free = (partly(guess, given.held, share) for guess in (guided, free))
            return (seen - guided) / level, (seen - free) / level

        return Guided(both)

    def opening(
        self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None
    ) -> Beginning:
        frames = needed(recipe.motion).frames
        if last is not None and frames <= STEP:
            raise OutOfRange("frames", frames, f"at least {STEP + 1} between two pictures")
        ended = None if last is None else self.encode(parts, last, None)
        return Beginning(held=self.encode(parts, first, None), extra=ended)

    def carries(self, _parts: Parts, _recipe: Recipe) -> int:
        return 1

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        vae, film = parts["vae"], pixels if pixels.ndim == 5 else pixels.unsqueeze(2)
        return _scaled(vae, seen_latents(vae, film, generator, posterior))

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_frames(parts["vae"], _unscaled(parts["vae"], latents), frames_of, as_it_is)

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, _generator: torch.Generator
    ) -> Decoded:
        vae = parts["vae"]
        film, sound = _apart(latents, latent_frames(motion.frames), _moments(parts, motion))
        unscaled = _unscaled(vae, film.to(parts["transformer"].dtype))
        frames = to_frames(vae, unscaled, pieced(frames_of, motion, STEP), as_it_is)
        pulse.between()
        track = to_track(parts, sound)
        return Decoded(content=frames.content + track.content, again=frames.again or track.again)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels, frames = recipe.drawn_at.pixels, needed(recipe.motion).frames
        match stage:
            case Stage.ENLARGE:
                wide = configs.get(ENLARGER, {}).get("mid_channels", 1024)
                assert isinstance(wide, int)  # the catalog looked at it
                return int(ENLARGING * wide * tokens(pixels, frames) * itemsize)
            case Stage.ENCODE:
                words, reads = configs["text_encoder"], configs["connectors"]
                layers = reads.get("text_proj_in_factor", 49)
                assert isinstance(layers, int)  # the catalog looked at it
                return llm.activation_bytes(
                    words, tokens=TOKENS, layers=int(LAYERS_AT_ONCE * layers), itemsize=itemsize
                )
            case Stage.DENOISE | Stage.REFINE:
                lanes, width = needed(recipe.sampling).lanes, width_of(configs["transformer"])
                ends = any(one.role == "last" for one in recipe.inputs)
                film = tokens(pixels, frames) + (tokens(pixels, 1) if ends else 0)
                count = film + _heard_in(recipe) / 2
                each = ACTIVATIONS * count + OF_WORDS * TOKENS
                return int(each * width * lanes * itemsize)
            case Stage.DECODE:
                at_once = needed(recipe.motion).piece or latent_frames(frames)
                shown = min(frames, (at_once - 1) * STEP + 1)
                width = last_width(configs["vae"])
                each, more = VAE_OF_23 if self.newer else (VAE_ACTIVATIONS, ONE_MORE)
                pieces = (each * shown + more) * width * pixels
                voice = configs.get("vocoder", {}).get("hidden_channels", 1024)
                assert isinstance(voice, int)
                return int(max(pieces, OF_SOUND * voice * _heard_in(recipe)) * itemsize)


def to_track(parts: Parts, sound: Tensor) -> Decoded:
    """Moments of sound (1, moments, width) -> samples, those of all channels side by side.

    Raises RenderFailed when numbers overflow in fp32 too.
    """
    heard, voice = parts["audio_vae"], parts["vocoder"]
    samples, again = _voiced(heard, voice, sound), False
    if not bool(torch.isfinite(samples).all()) and heard.dtype != torch.float32:
        samples, again = _voiced(in_fp32(heard), in_fp32(voice), sound), True
    if not bool(torch.isfinite(samples).all()):
        raise RenderFailed(
            "the VAE of its sound overflowed in float32: its result holds values that are no "
            "numbers (NaN)"
        )
    return Decoded(content=content_of(samples[0].float().detach().cpu().numpy()), again=again)


def _voiced(heard: Any, voice: Any, sound: Tensor) -> Tensor:
    mean, std = _heard(heard, sound)
    bands = heard.config.mel_bins // MEL
    latents = (sound * std + mean).view(*sound.shape[:2], -1, bands).transpose(1, 2)
    mels = heard.decode(latents.to(heard.dtype), return_dict=False)[0]
    pulse.between()
    samples: Tensor = voice(mels.to(voice.dtype))
    return samples


def _heard(vae: Any, sound: Tensor) -> tuple[Tensor, Tensor]:
    """Means and deviations of the moments of a sound."""
    mean, std = (
        value.to(sound.device, sound.dtype) for value in (vae.latents_mean, vae.latents_std)
    )
    return mean, std


def _connected(parts: Parts, read: llm.HiddenStates) -> tuple[Tensor, Tensor, Tensor]:
    """What the film reads of a prompt, what its sound does, and which of both are words."""
    states = torch.stack(read.states, dim=-1).flatten(2, 3).to(parts["text_encoder"].dtype)
    pulse.rest()
    film, sound, mask = parts["connectors"](states, read.mask.long(), padding_side="left")
    return film, sound, mask


def _check_track(parts: Parts, recipe: Recipe) -> None:
    """Raise OutOfRange where the recipe's sound is none that the model makes."""
    made, sound = parts["vocoder"].config, recipe.sound
    if sound is None:
        raise OutOfRange("sound", "none", "one: this model makes films with their sound")
    if (sound.rate, sound.channels) != (made.output_sampling_rate, made.out_channels):
        raise OutOfRange("rate", sound.rate, f"{made.output_sampling_rate} for this model")


def _film_shape(parts: Parts, recipe: Recipe, scale: int) -> tuple[int, ...]:
    """That of the film's latents alone.  Raises OutOfRange."""
    channels = parts["transformer"].config.in_channels
    return film_shape(recipe, channels=channels, scale=scale, step=STEP)


def _moments(parts: Parts, motion: Motion) -> int:
    """How many latent moments a clip's sound has."""
    heard = parts["audio_vae"].config
    a_second: float = heard.sample_rate / heard.mel_hop_length / float(MEL)
    return round(motion.seconds * a_second)


def _heard_in(recipe: Recipe) -> float:
    """About how many moments its sound has, as every checkpoint makes them."""
    return needed(recipe.motion).seconds * MOMENTS


def _together(film: Tensor, sound: Tensor) -> Tensor:
    """A film's latents with its sound (lanes, moments, width) as further frames behind it."""
    lanes, channels, _, down, across = film.shape
    room = down * across
    wanted = -(-sound.shape[1] // room) * room
    filled = torch.nn.functional.pad(sound, (0, 0, 0, wanted - sound.shape[1]))
    behind = filled.transpose(1, 2).reshape(lanes, channels, -1, down, across)
    return torch.cat([film, behind], dim=2)


def _apart(latents: Tensor, frames: int, moments: int) -> tuple[Tensor, Tensor]:
    """The film's latents, and its sound (lanes, moments, width)."""
    sound = latents[:, :, frames:].flatten(2)[:, :, :moments]
    return latents[:, :, :frames], sound.transpose(1, 2)


def _with_last(network: Any, sides: Sequence[int], fps: float, lanes: Tensor) -> Tensor:
    """Where tokens lie, and behind them those of the picture that the film ends with.

    That one lasts for the first of the frames that are the last latent one, as in the stock
    pipeline.
    """
    count, down, across = sides
    film = network.rope.prepare_video_coords(len(lanes), count, down, across, lanes.device, fps=fps)
    only = network.rope.prepare_video_coords(1, 1, down, across, lanes.device, fps=1.0)
    begins = float((count - 2) * STEP + 1)
    only[:, 0, :, 0], only[:, 0, :, 1] = begins / fps, (begins + 1) / fps
    return torch.cat([film, torch.cat([only] * len(lanes))], dim=2)


def _level(t: Tensor, sigmas: Sequence[float]) -> Tensor:
    """The level of which the network is told a thousand times as much; dividing would round it."""
    levels = torch.tensor(sigmas, dtype=torch.float32, device=t.device)
    same = levels[levels * 1000.0 == t]
    return same[0] if len(same) else t / 1000.0


def _scaled(vae: Any, latents: Tensor) -> Tensor:
    mean, std = means_and_stds(vae, latents)
    scaled: Tensor = (latents - mean) / std
    return scaled


def _unscaled(vae: Any, latents: Tensor) -> Tensor:
    mean, std = means_and_stds(vae, latents)
    unscaled: Tensor = latents * std + mean
    return unscaled
