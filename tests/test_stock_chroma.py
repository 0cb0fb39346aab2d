"""The claim that Chroma's pictures are those of diffusers' pipelines, where these hide padding.

The stock pipelines mean to hide all padding but one token from the transformer, and add a number to
its attention instead (diffusers' issue 12116).  Given the same sigmas and noise, and the padding
cut off, they have 0 differing pixels; cutting it off is what hiding it would be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from generation.families.family import FAMILIES
from generation.media.photos import load
from generation.recipe import Recipe, needed
from generation.sigmas import expand
from generation.tasks import Task
from generation.worker.engines.tokens import packed
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed
from tests.given.partly import a_mask_on_the_grid, an_input, masked, white_in
from tests.given.plain_diffusers import forced
from tests.given.worker_process import a_photo

PHOTO = a_photo()
WIDTH, HEIGHT, STEPS = 96, 64, 6
MASK = a_mask_on_the_grid(WIDTH, HEIGHT, (32, 16, 80, 48))


def stock(kind: str, sigmas: tuple[float, ...], *, cut: bool = True) -> Any:
    """diffusers' pipeline of that class, walking these sigmas; `cut`: with the padding cut off."""
    import diffusers

    plain: Any = getattr(diffusers, kind)

    class Cut(plain):  # type: ignore[misc]
        def _get_t5_prompt_embeds(self, *args: Any, **named: Any) -> tuple[Any, Any]:
            states, mask = super()._get_t5_prompt_embeds(*args, **named)
            kept = int(mask.sum())
            return states[:, :kept], mask[:, :kept]

        def _prepare_attention_mask(self, **_: object) -> None:
            return None

    parts: dict[str, Any] = dict(loaded.model("chroma").parts.modules)
    parts["tokenizer"] = loaded.model("chroma").parts.tokenizers["text_encoder"]
    scheduler = forced(diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0), sigmas)
    found = (Cut if cut else plain)(scheduler=scheduler, **parts)
    found.set_progress_bar_config(disable=True)
    return found


def a_chroma(**changes: Any) -> Recipe:
    base = loaded.recipe_of("chroma")
    noise = FAMILIES[base.family].noise
    sigmas = expand("euler", "beta", steps=STEPS, denoise=1.0, noise=noise)
    size = {"width": WIDTH, "height": HEIGHT, "prompt": "a red cat", "negative_prompt": "dog"}
    walk = {"sampler": "euler", "scheduler": "beta", "sigmas": sigmas, "steps": STEPS, "cfg": 3.5}
    return changed(base, **size | walk | changes)


def asked(recipe: Recipe, **more: Any) -> dict[str, Any]:
    """What a stock pipeline is called with for a recipe."""
    sampling, words = needed(recipe.sampling), needed(recipe.words)
    said = {"prompt": words.prompt, "negative_prompt": words.negative_prompt}
    steps = {"num_inference_steps": sampling.steps, "guidance_scale": sampling.cfg}
    return {**said, **steps, "width": WIDTH, "height": HEIGHT, **more}


def noise_of(recipe: Recipe) -> torch.Tensor:
    """The worker's first draw, as the stock pipelines take it."""
    shape = 1, 16, HEIGHT // 8, WIDTH // 8
    return packed(torch.randn(shape, generator=torch.Generator().manual_seed(recipe.seed)))


def drawn(recipe: Recipe, *inputs: bytes) -> NDArray[np.uint8]:
    content = render(recipe, inputs, loaded.model("chroma"), on_step=lambda *_: None).content
    return np.frombuffer(content, np.uint8).reshape(HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("cfg", [1.0, 3.5])
@pytest.mark.parametrize("prompt", ["cat", "a red cat and a dog", ""])
def test_text_to_image_has_no_differing_pixel(prompt: str, cfg: float) -> None:
    recipe = a_chroma(prompt=prompt, cfg=cfg)
    pipe = stock("ChromaPipeline", needed(recipe.sampling).sigmas)
    plain = pipe(**asked(recipe, latents=noise_of(recipe))).images[0]
    assert np.count_nonzero(drawn(recipe) != np.asarray(plain)) == 0


def test_cut_off_padding_is_hidden_padding_and_the_stock_pipeline_hides_none() -> None:
    """A mask that says true and false has the same picture, to rounding; theirs is another."""
    recipe, network = a_chroma(prompt="cat", cfg=1.0), loaded.model("chroma").parts["transformer"]
    weighed = stock("ChromaPipeline", needed(recipe.sampling).sigmas, cut=False)
    said = asked(recipe, latents=noise_of(recipe))
    theirs = np.asarray(weighed(**said).images[0], dtype=int)

    def hide(_: object, __: object, named: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
        return (), {**named, "attention_mask": named["attention_mask"].bool()}

    hook = network.register_forward_pre_hook(hide, with_kwargs=True)
    try:
        hidden = np.asarray(weighed(**said).images[0], dtype=int)
    finally:
        hook.remove()
    ours = drawn(recipe).astype(int)
    assert np.abs(ours - hidden).max() <= 1
    assert np.abs(ours - theirs).max() > 1


def test_image_to_image_has_no_differing_pixel() -> None:
    sigmas = needed(a_chroma().sampling).sigmas[2:]
    over = {"task": Task.IMAGE_TO_IMAGE, "inputs": (an_input("init", PHOTO),), "denoise": 0.6}
    recipe = a_chroma(**over, sigmas=sigmas, steps=len(sigmas) - 1)
    picture = load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover")
    dice = torch.Generator().manual_seed(recipe.seed)
    pipe = stock("ChromaImg2ImgPipeline", sigmas)
    plain = pipe(**asked(recipe, image=picture, strength=1.0, generator=dice)).images[0]
    assert np.count_nonzero(drawn(recipe, PHOTO) != np.asarray(plain)) == 0


def test_a_part_that_is_drawn_over_has_no_differing_pixel() -> None:
    recipe = masked(a_chroma(), PHOTO, MASK, blur=0.0, steps=4, denoise=0.6)
    sigmas = needed(recipe.sampling).sigmas
    pipe = stock("ChromaInpaintPipeline", (sigmas[0], *sigmas))
    # diffusers 0.42's asks for a setting that its own transformer does not have.
    pipe.transformer.register_to_config(guidance_embeds=False)
    plain = pipe(
        **asked(
            recipe,
            image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
            mask_image=load(MASK, width=WIDTH, height=HEIGHT, fit="cover").convert("L"),
            strength=4 / 5,
            num_inference_steps=5,
            generator=torch.Generator().manual_seed(recipe.seed),
        )
    ).images[0]
    area = white_in(MASK, recipe)
    differing = drawn(recipe, PHOTO, MASK)[area] != np.asarray(plain)[area]
    assert np.count_nonzero(differing) == 0
