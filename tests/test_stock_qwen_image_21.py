"""The claim that Qwen-Image 2.1's pictures are those of diffusers' own pipeline, pixel for pixel.

Given the same sigmas and noise, a picture of the worker and one of the stock pipeline have 0
differing pixels, from words alone and with pictures among them.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation.families import qwen_image
from generation.recipe import Canvas, Recipe, needed
from generation.sigmas import expand
from generation.tasks import Task
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed, levels_of
from tests.given.partly import an_input
from tests.given.plain_diffusers import forced, in_memory_of_its_own
from tests.given.processors import together, with_system_words

WIDTH, HEIGHT, STEPS = 96, 64, 4
SIDE = 320  # of edits, in place of 1024; their encoder would enlarge much smaller ones


def recipe_of(**changes: Any) -> Recipe:
    base = loaded.recipe_of("qwen-image-2.1")
    noise = levels_of(base.family, WIDTH * HEIGHT, STEPS)
    fields = {
        "prompt": "a red cat",
        "negative_prompt": "dog",
        "width": WIDTH,
        "height": HEIGHT,
        "scheduler": "simple",
        "sigmas": expand("euler", "simple", steps=STEPS, denoise=1.0, noise=noise),
        "steps": STEPS,
        "cfg": 1.0,
    }
    return changed(base, **(fields | changes))


@cache
def stock_parts() -> dict[str, Any]:
    """The folder's parts, as their own libraries read them."""
    import diffusers
    from transformers import Qwen2Tokenizer, Qwen3VLForConditionalGeneration, Qwen3VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    folder = loaded.folder_of(loaded.model("qwen-image-2.1"))
    encoder = Qwen3VLForConditionalGeneration.from_pretrained(folder / "text_encoder").eval()
    transformer = diffusers.QwenImage21Transformer2DModel.from_pretrained(folder / "transformer")
    vae = diffusers.AutoencoderKLQwenImage21.from_pretrained(folder / "vae")
    for part in (encoder, transformer, vae):
        in_memory_of_its_own(part)
    # As the published processor says.
    prepare = Qwen2VLImageProcessorPil(
        patch_size=16, image_mean=[0.5] * 3, image_std=[0.5] * 3, min_pixels=65536, max_pixels=2**24
    )
    tokenizer = Qwen2Tokenizer.from_pretrained(folder / "processor")
    return {
        "text_encoder": encoder,
        "transformer": transformer,
        "vae": vae,
        "processor": with_system_words(together(Qwen3VLProcessor, prepare, tokenizer)),
    }


def stock(recipe: Recipe, **asked: Any) -> Image.Image:
    """diffusers' own picture of a recipe, without how opaque it is."""
    import diffusers

    sampling, words = needed(recipe.sampling), needed(recipe.words)
    scheduler = forced(diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0), sampling.sigmas)
    pipe = diffusers.QwenImage21Pipeline(scheduler=scheduler, **stock_parts())
    pipe.set_progress_bar_config(disable=True)
    guided = {"negative_prompt": words.negative_prompt} if sampling.guided else {}
    across, down = recipe.drawn_at.width, recipe.drawn_at.height
    shape = 1, 64, down // 16, across // 16
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(recipe.seed))
    picture: Image.Image = pipe(
        prompt=words.prompt,
        width=across,
        height=down,
        true_cfg_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=noise.flatten(2).transpose(1, 2),
        **guided,
        **asked,
    ).images[0]
    assert picture.mode == "RGBA"
    return Image.fromarray(np.asarray(picture)[..., :3])


def drawn(recipe: Recipe, model: Model, *inputs: bytes) -> NDArray[np.uint8]:
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    canvas = needed(recipe.canvas)
    return np.frombuffer(content, np.uint8).reshape(canvas.height, canvas.width, 3)


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_text_to_image_has_no_differing_pixel(cfg: float) -> None:
    recipe = recipe_of(cfg=cfg)
    ours = drawn(recipe, loaded.model("qwen-image-2.1"))
    assert np.count_nonzero(ours != np.asarray(stock(recipe))) == 0
    assert ours.std() > 1


@pytest.mark.parametrize("sizes", [[(120, 70)], [(200, 150), (90, 90)]])
def test_an_edit_has_no_differing_pixel(
    sizes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qwen_image, "EDITED", SIDE * SIDE)
    dice = np.random.default_rng(2)
    pictures = []
    for size in sizes:
        rough = Image.fromarray(dice.integers(0, 256, (5, 7, 3), dtype=np.uint8))
        out = BytesIO()
        rough.resize(size, Image.Resampling.BICUBIC).save(out, "PNG")
        pictures.append(out.getvalue())
    width, height = sizes[0]
    across, down = qwen_image.edited_at(width, height)
    recipe = recipe_of(
        task=Task.EDIT,
        inputs=tuple(an_input("reference", picture) for picture in pictures),
        width=width,
        height=height,
        drawn=Canvas(width=across, height=down),
    )
    images = [Image.open(BytesIO(picture)).convert("RGB") for picture in pictures]
    plain = stock(recipe, image=images, output_resolution=SIDE)
    back = plain.resize((width, height), Image.Resampling.LANCZOS)
    ours = drawn(recipe, loaded.model("qwen-image-2.1"), *pictures)
    assert np.count_nonzero(ours != np.asarray(back)) == 0
