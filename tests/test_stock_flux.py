"""The claim that FLUX.1's pictures are those of diffusers' own pipelines, pixel for pixel.

Given the same sigmas and noise, a picture of the worker and one of the stock pipeline have 0
differing pixels, whichever layout its files have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation.catalog.entry import Entry
from generation.errors import NotMadeFor
from generation.families.architecture import Purpose
from generation.families.family import FAMILIES
from generation.media.photos import load
from generation.recipe import Input, Recipe, needed
from generation.sigmas import expand, resolved
from generation.tasks import CONTROL, Task
from generation.worker.engines.tokens import packed
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed, encoded
from tests.given.checkpoints import scanned
from tests.given.partly import a_mask_on_the_grid, an_input, masked, white_in
from tests.given.plain_diffusers import forced
from tests.given.tiny import flux
from tests.given.worker_process import a_photo

PHOTO = a_photo()
WIDTH, HEIGHT, STEPS = 96, 64, 6
MASK = a_mask_on_the_grid(WIDTH, HEIGHT, (32, 16, 80, 48))


def stock(model: Model, kind: str, sigmas: tuple[float, ...]) -> Any:
    """diffusers' pipeline of that class around the model's parts, walking these sigmas."""
    import diffusers

    parts: dict[str, Any] = dict(model.parts.modules)
    for name, tokenizer in model.parts.tokenizers.items():
        parts[name.replace("text_encoder", "tokenizer")] = tokenizer
    scheduler = forced(diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0), sigmas)
    found = getattr(diffusers, kind)(scheduler=scheduler, **parts)
    found.set_progress_bar_config(disable=True)
    return found


def a_flux(architecture: str = "flux1", **changes: Any) -> Recipe:
    base = loaded.recipe_of(architecture)
    usual = FAMILIES[base.family]
    noise = resolved(usual.noise, pixels=WIDTH * HEIGHT, steps=STEPS)
    sigmas = expand("euler", "simple", steps=STEPS, denoise=1.0, noise=noise)
    fields = {
        "prompt": "a red cat",
        "negative_prompt": "dog",
        "width": WIDTH,
        "height": HEIGHT,
        "sampler": "euler",
        "scheduler": "simple",
        "sigmas": sigmas,
        "steps": STEPS,
        "cfg": 1.0,
        "guidance": usual.guidance,
    }
    return changed(base, **(fields | changes))


def noise_of(recipe: Recipe) -> torch.Tensor:
    """The worker's first draw, as the stock pipelines take it."""
    shape = 1, 16, HEIGHT // 8, WIDTH // 8
    return packed(torch.randn(shape, generator=torch.Generator().manual_seed(recipe.seed)))


def asked(recipe: Recipe, **more: Any) -> dict[str, Any]:
    """What a stock pipeline is called with for a recipe."""
    sampling, words = needed(recipe.sampling), needed(recipe.words)
    guided = {"negative_prompt": words.negative_prompt} if sampling.guided else {}
    return {
        "prompt": words.prompt,
        "width": WIDTH,
        "height": HEIGHT,
        "true_cfg_scale": sampling.cfg,
        "guidance_scale": sampling.guidance or 0.0,
        "num_inference_steps": sampling.steps,
        "max_sequence_length": 512 if sampling.guidance is not None else 256,
        **guided,
        **more,
    }


def drawn(recipe: Recipe, model: Model, *inputs: bytes) -> NDArray[np.uint8]:
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    return np.frombuffer(content, np.uint8).reshape(HEIGHT, WIDTH, 3)


def theirs(pipe: Any, **asked: Any) -> NDArray[np.uint8]:
    return np.asarray(pipe(**asked).images[0])


@pytest.mark.parametrize("cfg", [1.0, 3.0])
@pytest.mark.parametrize("architecture", ["flux1", "flux1-schnell"])
def test_text_to_image_has_no_differing_pixel(architecture: str, cfg: float) -> None:
    recipe, model = a_flux(architecture, cfg=cfg), loaded.model(architecture)
    pipe = stock(model, "FluxPipeline", needed(recipe.sampling).sigmas)
    plain = theirs(pipe, **asked(recipe, latents=noise_of(recipe)))
    assert np.count_nonzero(drawn(recipe, model) != plain) == 0


def test_guidance_and_a_negative_prompt_change_the_picture() -> None:
    model = loaded.model("flux1")
    usual, guided = a_flux(), a_flux(cfg=3.0)
    assert not np.array_equal(drawn(usual, model), drawn(a_flux(guidance=8.0), model))
    assert not np.array_equal(
        drawn(guided, model), drawn(changed(guided, negative_prompt="red"), model)
    )
    assert np.array_equal(drawn(usual, model), drawn(changed(usual, negative_prompt="red"), model))


@pytest.mark.parametrize("architecture", ["flux1", "flux1-schnell"])
def test_image_to_image_has_no_differing_pixel(architecture: str) -> None:
    sigmas = needed(a_flux(architecture).sampling).sigmas[2:]
    recipe = a_flux(
        architecture,
        task=Task.IMAGE_TO_IMAGE,
        inputs=(an_input("init", PHOTO),),
        denoise=0.6,
        sigmas=sigmas,
        steps=len(sigmas) - 1,
    )
    model = loaded.model(architecture)
    plain = theirs(
        stock(model, "FluxImg2ImgPipeline", sigmas),
        **asked(
            recipe,
            image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
            strength=1.0,  # the sigmas say where it begins
            generator=torch.Generator().manual_seed(recipe.seed),
        ),
    )
    assert np.count_nonzero(drawn(recipe, model, PHOTO) != plain) == 0


def test_a_part_that_is_drawn_over_has_no_differing_pixel() -> None:
    """From the picture under noise; what ours does otherwise on purpose, others' tests say."""
    recipe = masked(a_flux(), PHOTO, MASK, blur=0.0, steps=4, denoise=0.6)
    sigmas, model = needed(recipe.sampling).sigmas, loaded.model("flux1")
    pipe = stock(model, "FluxInpaintPipeline", (sigmas[0], *sigmas))
    plain = theirs(
        pipe,
        **asked(
            recipe,
            image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
            mask_image=load(MASK, width=WIDTH, height=HEIGHT, fit="cover").convert("L"),
            strength=4 / 5,
            num_inference_steps=5,
            generator=torch.Generator().manual_seed(recipe.seed),
        ),
    )
    area = white_in(MASK, recipe)
    assert np.count_nonzero(drawn(recipe, model, PHOTO, MASK)[area] != plain[area]) == 0


@contextmanager
def built(folder: Path, **build: Any) -> Iterator[tuple[Entry, Model]]:
    """Another build of the tiny model, from its folder."""
    flux.build(folder / "m" / "other", **build)
    catalog = scanned(folder / "m")
    (entry,) = catalog.models()
    recipe = changed(a_flux(), checkpoint=entry.weights, family=entry.family)
    cache = ModelCache(catalog, torch.device("cpu"), None)
    with cache.take(recipe, on_load=lambda _: None) as model:
        yield entry, model


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_an_edit_by_kontext_has_no_differing_pixel(tmp_path: Path, cfg: float) -> None:
    with built(tmp_path, pipeline="FluxKontextPipeline") as (entry, model):
        assert entry.family == "flux1-kontext"
        recipe = edited(entry, PHOTO, cfg=cfg)
        plain = theirs(
            stock(model, "FluxKontextPipeline", needed(recipe.sampling).sigmas),
            **asked(
                recipe,
                image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
                max_area=WIDTH * HEIGHT,
                _auto_resize=False,
                latents=noise_of(recipe),
            ),
        )
        assert np.count_nonzero(drawn(recipe, model, PHOTO) != plain) == 0


def edited(entry: Entry, *pictures: bytes, **changes: Any) -> Recipe:
    inputs = tuple(an_input("reference", picture) for picture in pictures)
    said = {"checkpoint": entry.weights, "family": entry.family, "inputs": inputs, **changes}
    return a_flux("flux1", task=Task.EDIT, **said)


def test_kontext_looks_at_further_pictures_in_their_order(tmp_path: Path) -> None:
    """Each in its own shape, a megapixel large: the larger one takes the longer row of tokens."""
    other = encoded(Image.new("RGB", (30, 40), "red"))
    with built(tmp_path, pipeline="FluxKontextPipeline") as (entry, model):
        tokens: list[int] = []
        hook = model.parts["transformer"].register_forward_pre_hook(
            lambda _, __, named: tokens.append(named["hidden_states"].shape[1]), with_kwargs=True
        )
        recipe = changed(edited(entry, PHOTO, other), sigmas=(1.0, 0.0), steps=1)
        both = drawn(recipe, model, PHOTO, other)
        hook.remove()
        own = WIDTH * HEIGHT // 256
        assert tokens == [own + own + 880 * 1184 // 256]
        alone = changed(edited(entry, PHOTO), sigmas=(1.0, 0.0), steps=1)
        assert not np.array_equal(both, drawn(alone, model, PHOTO))


def test_the_part_that_fill_draws_has_no_differing_pixel(tmp_path: Path) -> None:
    """From noise alone, which comes after the picture without what is masked; theirs before."""
    with built(tmp_path, channels=384, pipeline="FluxFillPipeline") as (entry, model):
        assert (entry.family, entry.purpose) == ("flux1-fill", Purpose.INPAINTING)
        whole = changed(a_flux(), checkpoint=entry.weights, family=entry.family, guidance=30.0)
        recipe = masked(whole, PHOTO, MASK, blur=0.0, steps=STEPS)
        generator = torch.Generator().manual_seed(recipe.seed)
        shape = 1, 16, HEIGHT // 8, WIDTH // 8
        torch.randn(shape, generator=generator)
        plain = theirs(
            stock(model, "FluxFillPipeline", needed(recipe.sampling).sigmas),
            **without(asked(recipe), "true_cfg_scale"),
            image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
            mask_image=load(MASK, width=WIDTH, height=HEIGHT, fit="cover").convert("L"),
            latents=packed(torch.randn(shape, generator=generator)),
            generator=torch.Generator().manual_seed(recipe.seed),
        )
        area = white_in(MASK, recipe)
        assert np.count_nonzero(drawn(recipe, model, PHOTO, MASK)[area] != plain[area]) == 0
        with pytest.raises(NotMadeFor):
            drawn(whole, model)


@pytest.mark.parametrize("over", [False, True], ids=["words", "over a picture"])
def test_what_looks_at_a_control_picture_has_no_differing_pixel(tmp_path: Path, over: bool) -> None:
    """The picture's posterior is the first draw, as theirs; noise over a picture is the last."""
    edges = encoded(Image.new("RGB", (90, 70), "white"))
    inputs: tuple[Input, ...] = (an_input(CONTROL, edges),)
    given: tuple[bytes, ...] = (edges,)
    with built(tmp_path, channels=128, pipeline="FluxControlPipeline") as (entry, model):
        assert (entry.family, entry.purpose) == ("flux1-control", Purpose.CONTROL)
        plain = changed(a_flux(), checkpoint=entry.weights, family=entry.family, guidance=30.0)
        task, kind = Task.TEXT_TO_IMAGE, "FluxControlPipeline"
        more: dict[str, Any] = {}
        sigmas = needed(plain.sampling).sigmas
        if over:
            task, given, kind = Task.IMAGE_TO_IMAGE, (PHOTO, edges), "FluxControlImg2ImgPipeline"
            inputs, sigmas = (an_input("init", PHOTO), *inputs), sigmas[2:]
            picture = load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover")
            more = {"image": picture, "strength": 1.0}
        recipe = changed(plain, task=task, inputs=inputs, sigmas=sigmas, steps=len(sigmas) - 1)
        right = theirs(
            stock(model, kind, sigmas),
            **without(asked(recipe), "true_cfg_scale"),
            **more,
            control_image=load(edges, width=WIDTH, height=HEIGHT, fit="cover"),
            generator=torch.Generator().manual_seed(recipe.seed),
        )
        assert np.count_nonzero(drawn(recipe, model, *given) != right) == 0
        with pytest.raises(NotMadeFor):
            drawn(changed(plain, task=Task.TEXT_TO_IMAGE, inputs=()), model)


def without(said: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}
