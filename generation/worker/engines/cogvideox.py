r"""CogVideoX at work: one attention of words and film, and a VAE that decodes two frames at a time.

    words -> T5, which reads padding as well -> its states
    (latents (1, C, T, h, w), the picture's beside them, time, states) -> transformer -> velocity

What goes on from a picture sees its latents beside the first frame's noise, and nothing beside the
others'.  1.5, of which two latent frames are one token, draws one more where their number is odd,
which is first and is not shown.  Brackets are text.  The invariant: the stock pipelines' bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.families.cogvideox import FILMS, latent_frames
from generation.recipe import Recipe, needed
from generation.spans import Motion
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import check_frames, seen_latents, to_frames
from generation.worker.engines.engine import Beginning, Given
from generation.worker.engines.flux import width_of
from generation.worker.engines.guidance import guided, in_lanes
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text import t5
from generation.worker.text.clip import Clip, EncodedWords, Learned

AT_ONCE, ENCODED_AT_ONCE = 2, 8  # latent frames that are decoded, and frames that are encoded
TOKENS = 226  # that a prompt is filled up to
_OFFSET = 2.0  # what 1.5 I2V is told beside the time
# Measured with fake tensors (tests/test_activations_of_films.py): how many of its width each token
# of a lane keeps alive at the worst moment, and how many of its decoder's last width each pixel,
# with what the frames before left.
ACTIVATIONS = 12.3
VAE_ACTIVATIONS, LEFT = 135, 44
ENCODING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CogVideoX:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** (len(parts["vae"].config.block_out_channels) - 1))

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, name = needed(recipe.words), "text_encoder"
        reader = t5.T5(tokenizer=parts.tokenizers[name], encoder=parts[name])
        texts = said.prompt, said.negative_prompt
        if (most := max(t5.counted(reader, texts, syntax=said.syntax))) > TOKENS:
            raise OutOfRange("prompt", f"{most} tokens of T5", f"at most {TOKENS} of them long")
        context, negative = t5.encode(reader, texts, syntax=said.syntax, least=TOKENS)
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        _check_size(network, scale, canvas.width, canvas.height)
        frames = needed(recipe.motion).frames
        check_frames(frames, FILMS)
        count, each = latent_frames(frames), network.patch_size_t or 1
        down, across = canvas.height // scale, canvas.width // scale
        return 1, parts["vae"].config.latent_channels, count + -count % each, down, across

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        context = in_lanes(words.context, words.negative, sampling).to(network.dtype)
        places = _places(network.config, self.noise_shape(parts, recipe), context.device)
        told = network.config.ofs_embed_dim is not None

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            seen = lanes if given.extra is None else _beside(lanes, given.extra)
            offset = lanes.new_full((1,), _OFFSET) if told else None
            out: Tensor = network(
                hidden_states=seen.transpose(1, 2).contiguous().to(network.dtype),
                encoder_hidden_states=context,
                timestep=t.expand(len(lanes)),
                ofs=offset,
                image_rotary_emb=places,
                return_dict=False,
            )[0]
            return out.transpose(1, 2)

        return guided(ask, sampling)

    def opening(
        self, parts: Parts, recipe: Recipe, first: Tensor, last: Tensor | None
    ) -> Beginning:
        if last is not None:
            raise OutOfRange("last frame", "given", "none for this model")
        vae, config = parts["vae"], parts["vae"].config
        latents, factor = seen_latents(vae, first, None, _posterior), config.scaling_factor
        latents = 1 / factor * latents if config.invert_scale_latents else factor * latents
        _, channels, frames, down, across = self.noise_shape(parts, recipe)
        rest = latents.new_zeros(1, channels, frames - latents.shape[2], down, across)
        return Beginning(extra=torch.cat([latents, rest], dim=2))

    def carries(self, _parts: Parts, _recipe: Recipe) -> int:
        return 1

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        film = pixels if pixels.ndim == 5 else pixels.unsqueeze(2)
        vae = parts["vae"]
        scaled: Tensor = vae.config.scaling_factor * seen_latents(vae, film, generator, _posterior)
        return scaled

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_frames(parts["vae"], latents, decoded, _unscaled)

    def film(
        self, parts: Parts, latents: Tensor, motion: Motion, _generator: torch.Generator
    ) -> Decoded:
        if motion.piece is not None:
            raise OutOfRange("piece", motion.piece, "none: this VAE hands on what it saw before")
        first = latents.shape[2] - latent_frames(motion.frames)
        return self.decode(parts, latents[:, :, first:])

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels, frames = recipe.drawn_at.pixels, needed(recipe.motion).frames
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                width = configs["text_encoder"].get("d_model")
                assert isinstance(width, int)  # the catalog looked at it
                return ENCODING * width * TOKENS * itemsize
            case Stage.DENOISE | Stage.REFINE:
                each = 2 if configs["transformer"].get("patch_size_t") else 1
                count = pixels // 16**2 * -(-latent_frames(frames) // each) + TOKENS
                lanes = needed(recipe.sampling).lanes
                width = width_of(configs["transformer"])
                return int(ACTIVATIONS * width * count * lanes * itemsize)
            case Stage.DECODE:
                widths = configs["vae"].get("block_out_channels")
                assert isinstance(widths, Sequence)  # the catalog looked at it
                left = LEFT if frames > 1 + FILMS else 0
                return (VAE_ACTIVATIONS + left) * int(widths[0]) * pixels * itemsize


def _check_size(network: Any, scale: int, width: int, height: int) -> None:
    """Raise OutOfRange for a side that is no whole token, or none that was learned."""
    step = scale * network.patch_size
    for side, pixels, learned in (
        ("width", width, network.sample_width),
        ("height", height, network.sample_height),
    ):
        if network.use_learned_positional_embeddings and pixels != learned * scale:
            raise OutOfRange(side, pixels, f"{learned * scale} for this model")
        if pixels % step:
            raise OutOfRange(side, pixels, f"a multiple of {step} for this model")


def _places(network: Any, shape: Sequence[int], device: torch.device) -> Any:
    """Where tokens lie, as angles; None: the network knows it itself."""
    from diffusers.models.embeddings import get_3d_rotary_pos_embed
    from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

    if not network.use_rotary_positional_embeddings:
        return None
    _, _, frames, *sides = shape
    grid = tuple(side // network.patch_size for side in sides)
    base = network.sample_height // network.patch_size, network.sample_width // network.patch_size
    if network.patch_size_t is None:
        return get_3d_rotary_pos_embed(
            embed_dim=network.attention_head_dim,
            crops_coords=get_resize_crop_region_for_grid(grid, base[1], base[0]),
            grid_size=grid,
            temporal_size=frames,
            device=device,
        )
    return get_3d_rotary_pos_embed(
        embed_dim=network.attention_head_dim,
        crops_coords=None,
        grid_size=grid,
        temporal_size=-(-frames // network.patch_size_t),
        grid_type="slice",
        max_size=base,
        device=device,
    )


def _beside(lanes: Tensor, extra: Tensor) -> Tensor:
    return torch.cat([lanes, torch.cat([extra] * len(lanes))], dim=1)


def decoded(vae: Any, latents: Tensor) -> Iterator[Tensor]:
    """The frames of two latent ones, of the first with one more: what they left is handed on."""
    left = None
    for begin, end in _batches(latents.shape[2], AT_ONCE):
        frames, left = vae.decoder(latents[:, :, begin:end], conv_cache=left)
        yield frames


def _posterior(vae: Any, pixels: Tensor) -> Any:
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    found, left = list[Tensor](), None
    for begin, end in _batches(pixels.shape[2], ENCODED_AT_ONCE):
        latents, left = vae.encoder(pixels[:, :, begin:end], conv_cache=left)
        found.append(latents)
        pulse.beat()
    return DiagonalGaussianDistribution(torch.cat(found, dim=2))


def _batches(count: int, each: int) -> Iterator[tuple[int, int]]:
    """So many, of which the first has what is left over."""
    rest = count % each
    for nth in range(max(count // each, 1)):
        yield each * nth + (rest if nth else 0), each * (nth + 1) + rest


def _unscaled(vae: Any, latents: Tensor) -> Tensor:
    unscaled: Tensor = 1 / vae.config.scaling_factor * latents
    return unscaled
