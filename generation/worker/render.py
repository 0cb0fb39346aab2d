"""render(recipe) -> pixels, in three exact stages: encode, denoise, decode.

Every random number comes from one CPU generator, seeded with the recipe's seed and used in this
order: (1) what the task draws to begin (image-to-image: the VAE's posterior), (2) the noise of the
start, (3) what the sampler draws per step.  Nothing reads or moves torch's global generators.

The picture is one forward batch of one (of two with cfg: negative first, then positive), so that
it never depends on who else is drawing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generation.errors import OutOfRange, RenderFailed
from generation.picture import DECODED_AGAIN
from generation.recipe import Recipe, Sampling, Sha256, Task, needed
from generation.worker import pulse
from generation.worker.codecs.image import to_pixels
from generation.worker.loading.loader import Model, alphas_of
from generation.worker.sampling.samplers import Denoiser, sample
from generation.worker.tasks import image_to_image, text_to_image
from generation.worker.text.clip import EncodedWords, Learned, encode

OnStep = Callable[[int, Tensor], None]

# Ten times what /imagine takes.  Beyond, it would be read for as long as somebody likes.
MAX_LETTERS = 60_000

TASKS = {Task.TEXT_TO_IMAGE: text_to_image.begin, Task.IMAGE_TO_IMAGE: image_to_image.begin}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """The result, before it is a file."""

    rgb: bytes  # height rows of width times 3 bytes
    latents_sha256: Sha256
    remark: str = ""  # what belongs to the picture's environment: it was decoded again in fp32


def render(
    recipe: Recipe,
    inputs: Sequence[bytes],
    model: Model,
    *,
    on_step: OnStep,
    learned: Sequence[Learned] = (),
) -> Raster:
    """Draw.  `on_step(step, x0)` is called after each step; it may wait, and may raise."""
    _check_size(recipe, model)
    generator = torch.Generator("cpu").manual_seed(recipe.seed)
    with torch.inference_mode():
        pulse.stage("words")
        words = read_words(recipe, model, learned)
        pulse.stage("picture")
        init: Tensor | None = TASKS[recipe.task](recipe, inputs, model, generator)
        pulse.stage("steps")
        pulse.rest()
        latents = denoise(recipe, model, words, init, generator, on_step)
        if not bool(torch.isfinite(latents).all()):
            raise RenderFailed(
                f"the numbers overflowed in {recipe.precision}: the latents hold values that are "
                "no numbers (NaN); a lower cfg, or LoRAs at less strength, may help"
            )
        pulse.stage("decode")
        decoded = to_pixels(model.vae, latents)
    return Raster(
        rgb=decoded.rgb,
        latents_sha256=latents_sha256(latents),
        remark=DECODED_AGAIN if decoded.again else "",
    )


def read_words(recipe: Recipe, model: Model, learned: Sequence[Learned] = ()) -> EncodedWords:
    """Stage one.  Raises OutOfRange for what nobody reads in a minute.

    SDXL was trained on the layer before the last: clip skip 1 and 2 both mean it."""
    said = needed(recipe.words)
    for text in recipe.texts:
        if len(text) > MAX_LETTERS:
            raise OutOfRange(
                "prompt", f"{len(text)} letters", f"at most {MAX_LETTERS} letters long"
            )
    if model.architecture == "sdxl":
        layer: int | None = max(said.clip_skip, 2)
    else:
        layer = said.clip_skip if said.clip_skip > 1 else None
    deepest = min(clip.encoder.config.num_hidden_layers for clip in model.clips)
    if layer is not None and layer > deepest:
        raise OutOfRange("clip_skip", said.clip_skip, f"1 to {deepest} for this model")
    return encode(
        model.clips,
        said.prompt,
        said.negative_prompt,
        syntax=said.syntax,
        layer=layer,
        final_norm=model.architecture != "sdxl",
        learned=learned,
    )


def denoise(
    recipe: Recipe,
    model: Model,
    words: EncodedWords,
    init: Tensor | None,
    generator: torch.Generator,
    on_step: OnStep,
) -> Tensor:
    """Stage two: the final latents, float32."""
    sampling, canvas = needed(recipe.sampling), needed(recipe.canvas)
    device = model.unet.device
    shape = (
        1,
        model.unet.config.in_channels,
        canvas.height // model.scale,
        canvas.width // model.scale,
    )

    def noise() -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float32).to(device)

    denoiser = Denoiser(
        predictor(recipe, model, words),
        prediction=sampling.prediction or model.prediction,
        alphas_cumprod=_alphas(sampling, model),
    )
    return sample(
        sampling.sampler, denoiser, sampling.sigmas, noise=noise, on_step=on_step, init=init
    )


def _alphas(sampling: Sampling, model: Model) -> Tensor:
    """The recipe's noise schedule; pictures from before zero terminal SNR was read name none."""
    if sampling.noise is not None:
        return alphas_of(sampling.noise)
    return model.alphas_cumprod if model.unmarked is None else model.unmarked


def predictor(
    recipe: Recipe, model: Model, words: EncodedWords
) -> Callable[[Tensor, Tensor], Tensor]:
    """The UNet with its words and cfg: (what it eats, timestep) -> its output, float32."""
    unet = model.unet
    sampling = needed(recipe.sampling)
    cfg, guided = sampling.cfg, sampling.guided
    context = torch.cat([words.negative, words.context]) if guided else words.context
    added = _added(recipe, model, words, guided)

    def predict(y: Tensor, t: Tensor) -> Tensor:
        lanes = torch.cat([y, y]) if guided else y
        out: Tensor = unet(
            lanes.to(unet.dtype),
            t,
            encoder_hidden_states=context,
            added_cond_kwargs=added,
            return_dict=False,
        )[0].float()
        if not guided:
            return out
        negative, positive = out.chunk(2)
        return negative + cfg * (positive - negative)

    return predict


def _added(
    recipe: Recipe, model: Model, words: EncodedWords, guided: bool
) -> dict[str, Any] | None:
    """What SDXL reads besides words: the pooled prompt, and sizes as if the picture were whole."""
    if model.architecture != "sdxl":
        return None
    assert words.pooled is not None  # its last encoder has a projection
    assert words.negative_pooled is not None
    canvas = needed(recipe.canvas)
    size = float(canvas.height), float(canvas.width)
    ids = torch.tensor([[*size, 0.0, 0.0, *size]], dtype=model.unet.dtype, device=model.unet.device)
    if not guided:
        return {"text_embeds": words.pooled, "time_ids": ids}
    pooled = torch.cat([words.negative_pooled, words.pooled])
    return {"text_embeds": pooled, "time_ids": torch.cat([ids, ids])}


def latents_sha256(latents: Tensor) -> Sha256:
    """The digest of the final latents: float32, little-endian, in their natural order."""
    values = (
        latents.detach().to("cpu", torch.float32).contiguous().numpy().astype("<f4", copy=False)
    )
    return Sha256(hashlib.sha256(values.tobytes()).hexdigest())


def _check_size(recipe: Recipe, model: Model) -> None:
    canvas = needed(recipe.canvas)
    for side, pixels in (("width", canvas.width), ("height", canvas.height)):
        if pixels % model.scale:
            raise OutOfRange(side, pixels, f"a multiple of {model.scale}")
