"""The claim that Qwen-Image's pictures are those of diffusers' own pipelines, pixel for pixel.

Given the same sigmas and noise, a picture of the worker and one of the stock pipeline have 0
differing pixels, of models that draw from words and of those that change pictures.
"""

from __future__ import annotations

import math
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation.catalog.catalog import Catalog
from generation.families import qwen_image
from generation.media.photos import load
from generation.recipe import Canvas, Recipe, needed
from generation.sigmas import expand
from generation.tasks import Task
from generation.worker.engines import qwen_image as engine
from generation.worker.engines.tokens import packed
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import tinymodels
from tests.given.builders import a_recipe, changed, levels_of
from tests.given.partly import a_mask_on_the_grid, an_input, masked, white_in
from tests.given.plain_diffusers import forced, in_memory_of_its_own
from tests.given.processors import together
from tests.given.tiny import qwen_image as tiny
from tests.given.worker_process import a_photo, redrawing

PHOTO = a_photo()
WIDTH, HEIGHT, STEPS = 96, 64, 4
AREA = 96 * 96  # of edits, in place of a megapixel


def model_of(pipeline: str, timeless: bool = False) -> tuple[Model, Recipe, Path]:
    """A tiny model of that pipeline's, a recipe for it, and where it lies."""
    return _model_of(pipeline, timeless)


@cache
def _model_of(pipeline: str, timeless: bool) -> tuple[Model, Recipe, Path]:
    home = tinymodels.home() / f"{pipeline}{timeless}"
    tiny.build(home / "model", pipeline=pipeline, timeless=timeless)
    catalog = Catalog([home], tinymodels.home() / f"{home.name}.json")
    catalog.scan()
    assert catalog.refused() == ()
    (entry,) = catalog.models()
    noise = levels_of(entry.family, WIDTH * HEIGHT, STEPS)
    recipe = a_recipe(
        checkpoint=entry.weights,
        family=entry.family,
        prompt="a red cat",
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        scheduler="simple",
        sigmas=expand("euler", "simple", steps=STEPS, denoise=1.0, noise=noise),
        steps=STEPS,
    )
    cache = ModelCache(catalog, torch.device("cpu"), None)
    with cache.take(recipe, on_load=lambda _: None) as found:
        return found, recipe, home / "model"


def stock(folder: Path, kind: str, recipe: Recipe) -> Any:
    """diffusers' pipeline of that class over the folder, walking the recipe's sigmas."""
    import diffusers
    from transformers import Qwen2_5_VLForConditionalGeneration as Encoder
    from transformers import Qwen2Tokenizer, Qwen2VLProcessor

    parts: dict[str, Any] = {
        "text_encoder": Encoder.from_pretrained(folder / "text_encoder").eval(),
        "transformer": diffusers.QwenImageTransformer2DModel.from_pretrained(
            folder / "transformer"
        ),
        "vae": diffusers.AutoencoderKLQwenImage.from_pretrained(folder / "vae"),
    }
    for part in parts.values():
        in_memory_of_its_own(part)
    tokenizer = Qwen2Tokenizer.from_pretrained(folder / "tokenizer")
    if "Edit" in kind:
        parts["processor"] = together(Qwen2VLProcessor, tiny.processor(), tokenizer)
        parts["text_encoder"].register_forward_pre_hook(_tell_where_pictures_are, with_kwargs=True)
    walked = needed(recipe.sampling).sigmas
    scheduler = forced(diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0), walked)
    found = getattr(diffusers, kind)(scheduler=scheduler, tokenizer=tokenizer, **parts)
    found.set_progress_bar_config(disable=True)
    return found


def _tell_where_pictures_are(module: Any, args: Any, given: Any) -> Any:
    """As the models were trained: diffusers 0.42.1 leaves it out, and transformers 5 then counts a
    picture's tokens like words, where transformers 4 looked for them itself."""
    seen = given["input_ids"] == module.config.image_token_id
    return args, {**given, "mm_token_type_ids": seen.int()}


def noise_of(recipe: Recipe) -> torch.Tensor:
    """The worker's first draw, as the stock pipelines take it."""
    shape = 1, 16, recipe.drawn_at.height // 8, recipe.drawn_at.width // 8
    return packed(torch.randn(shape, generator=torch.Generator().manual_seed(recipe.seed)))


def asked(recipe: Recipe, **more: Any) -> dict[str, Any]:
    """What a stock pipeline is called with for a recipe."""
    sampling, words = needed(recipe.sampling), needed(recipe.words)
    guided = {"negative_prompt": words.negative_prompt} if sampling.guided else {}
    return {
        "prompt": words.prompt,
        "width": recipe.drawn_at.width,
        "height": recipe.drawn_at.height,
        "true_cfg_scale": sampling.cfg,
        "num_inference_steps": sampling.steps,
        **guided,
        **more,
    }


def drawn(recipe: Recipe, model: Model, *inputs: bytes) -> NDArray[np.uint8]:
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    canvas = needed(recipe.canvas)
    return np.frombuffer(content, np.uint8).reshape(canvas.height, canvas.width, 3)


def theirs(pipe: Any, **asked: Any) -> NDArray[np.uint8]:
    return np.asarray(pipe(**asked).images[0])


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_text_to_image_has_no_differing_pixel(cfg: float) -> None:
    model, base, folder = model_of("QwenImagePipeline")
    recipe = changed(base, cfg=cfg)
    pipe = stock(folder, "QwenImagePipeline", recipe)
    plain = theirs(pipe, **asked(recipe, latents=noise_of(recipe)))
    assert np.count_nonzero(drawn(recipe, model) != plain) == 0


def test_image_to_image_has_no_differing_pixel() -> None:
    model, base, folder = model_of("QwenImagePipeline")
    recipe = redrawing(base, PHOTO)
    image = load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover")
    pipe = stock(folder, "QwenImageImg2ImgPipeline", recipe)
    generator = torch.Generator().manual_seed(recipe.seed)
    # The sigmas say where it begins.
    plain = theirs(pipe, **asked(recipe, image=image, strength=1.0, generator=generator))
    assert np.count_nonzero(drawn(recipe, model, PHOTO) != plain) == 0


def test_a_masked_part_has_no_differing_pixel() -> None:
    model, base, folder = model_of("QwenImagePipeline")
    mask = a_mask_on_the_grid(WIDTH, HEIGHT, (32, 16, 80, 48))
    recipe = masked(base, PHOTO, mask, blur=0.0, steps=STEPS)
    image = load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover")
    pipe = stock(folder, "QwenImageInpaintPipeline", recipe)
    generator = torch.Generator().manual_seed(recipe.seed)
    plain = theirs(
        pipe,
        **asked(
            recipe,
            image=image,
            mask_image=Image.open(BytesIO(mask)),
            strength=1.0,
            generator=generator,
        ),
    )
    inside = white_in(mask, recipe)
    assert np.count_nonzero(drawn(recipe, model, PHOTO, mask)[inside] != plain[inside]) == 0


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits of few pixels, here and there."""
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit as first
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus

    of_a_megapixel = first.calculate_dimensions
    monkeypatch.setattr(qwen_image, "EDITED", AREA)
    monkeypatch.setattr(plus, "VAE_IMAGE_SIZE", AREA)
    monkeypatch.setattr(plus, "CONDITION_IMAGE_SIZE", AREA // 4)
    looked_at = dict.fromkeys(qwen_image.LOOKED_AT, AREA // 4)
    monkeypatch.setattr(engine, "LOOKED_AT", looked_at)
    monkeypatch.setattr(
        first, "calculate_dimensions", lambda _area, ratio: of_a_megapixel(AREA, ratio)
    )


def edited(base: Recipe, *pictures: bytes) -> Recipe:
    """An edit of the first of these pictures, in its own size."""
    with Image.open(BytesIO(pictures[0])) as first:
        width, height = first.size
    across, down = qwen_image.edited_at(width, height)
    return changed(
        base,
        task=Task.EDIT,
        inputs=tuple(an_input("reference", picture) for picture in pictures),
        width=width,
        height=height,
        drawn=Canvas(width=across, height=down),
    )


def photo(width: int, height: int, seed: int = 0) -> bytes:
    dice = np.random.default_rng(seed)
    rough = dice.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("pipeline", "timeless", "sizes"),
    [
        ("QwenImageEditPipeline", False, [(120, 70)]),
        ("QwenImageEditPlusPipeline", False, [(120, 70)]),
        ("QwenImageEditPlusPipeline", False, [(70, 101), (64, 64), (200, 90)]),
        ("QwenImageEditPlusPipeline", True, [(120, 70), (64, 96)]),
    ],
)
def test_an_edit_has_no_differing_pixel(
    pipeline: str, timeless: bool, sizes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    model, base, folder = model_of(pipeline, timeless)
    pictures = [photo(*size, seed) for seed, size in enumerate(sizes)]
    recipe = edited(changed(base, cfg=2.5), *pictures)
    images = [Image.open(BytesIO(picture)).convert("RGB") for picture in pictures]
    pipe = stock(folder, pipeline, recipe)
    image = images if "Plus" in pipeline else images[0]
    plain = Image.fromarray(theirs(pipe, **asked(recipe, image=image, latents=noise_of(recipe))))
    canvas = needed(recipe.canvas)
    back = plain.resize((canvas.width, canvas.height), Image.Resampling.LANCZOS)
    assert np.count_nonzero(drawn(recipe, model, *pictures) != np.asarray(back)) == 0


def test_a_family_is_told_by_the_pipeline_and_by_what_pictures_time_is() -> None:
    told = {
        ("QwenImagePipeline", False): "qwen-image",
        ("QwenImageEditPipeline", False): "qwen-image-edit",
        ("QwenImageEditPlusPipeline", False): "qwen-image-edit-2509",
        ("QwenImageEditPlusPipeline", True): "qwen-image-edit-2511",
    }
    for (pipeline, timeless), family in told.items():
        assert model_of(pipeline, timeless)[1].family == family


@pytest.mark.parametrize(
    ("width", "height"), [(1024, 1024), (1328, 1328), (3000, 2000), (640, 1536), (97, 4000)]
)
def test_a_picture_is_edited_at_the_size_of_the_stock_pipelines(width: int, height: int) -> None:
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import (
        CONDITION_IMAGE_SIZE,
        calculate_dimensions,
    )

    across, down = qwen_image.edited_at(width, height)
    assert (across, down) == calculate_dimensions(1024 * 1024, width / height)
    assert math.isclose(across * down, 1024 * 1024, rel_tol=0.1)
    looked_at = set(qwen_image.LOOKED_AT.values())
    assert looked_at == {CONDITION_IMAGE_SIZE}
