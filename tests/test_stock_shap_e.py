"""The claim that Shap-E's latents and meshes are those of the stock pipelines, bit for bit."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation.errors import RenderFailed
from generation.media.surfaces import Mesh, is_watertight, mesh_of
from generation.recipe import Recipe, Sha256, needed
from generation.sigmas import expand
from generation.spans import Surface
from generation.worker.codecs import mesh as codec
from generation.worker.model import Model
from generation.worker.render import latents_sha256, render
from generation.worker.sampling.denoiser import alphas_of
from tests.given import loaded, tinymodels
from tests.given.builders import changed, encoded
from tests.given.plain_diffusers import in_memory_of_its_own

# diffusers makes an array of a tensor in a way that numpy will not take for ever.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WORDS, PICTURE = "shap-e", "shap-e-image"
SIDE = 20


def a_form(architecture: str = WORDS, **changes: Any) -> Recipe:
    base = replace(loaded.recipe_of(architecture), form=Surface(resolution=SIDE), seed=5)
    return changed(base, **{"cfg": 3.0, "prompt": "a red cat"} | changes)


def a_view() -> bytes:
    dice = np.random.default_rng(1)
    return encoded(Image.fromarray(dice.integers(0, 255, (50, 70, 3), dtype=np.uint8)))


@cache
def stock(architecture: str) -> Any:
    """The pipeline as anybody loads it from the same folder, its scheduler with it."""
    import diffusers

    kind = {WORDS: "ShapEPipeline", PICTURE: "ShapEImg2ImgPipeline"}[architecture]
    found = getattr(diffusers, kind).from_pretrained(tinymodels.of(architecture))
    found.set_progress_bar_config(disable=True)
    for part in found.components.values():
        if isinstance(part, torch.nn.Module):
            in_memory_of_its_own(part)
    return found


def walking(pipeline: Any, recipe: Recipe) -> Any:
    """The same, down the recipe's levels, at the times that its own scheduler finds for them."""
    sampling, scheduler = needed(recipe.sampling), pipeline.scheduler
    levels = torch.tensor(sampling.sigmas, dtype=torch.float32)
    kept = scheduler.alphas_cumprod
    logs = np.log((((1 - kept) / kept) ** 0.5).numpy())
    each = [scheduler._sigma_to_t(np.array(float(s)), logs) for s in levels[:-1]]
    times = torch.tensor(np.array(each), dtype=torch.float32)
    plain = type(scheduler).set_timesteps

    def set_timesteps(count: int, device: object = None) -> None:
        plain(scheduler, count, device)
        scheduler.sigmas = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])
        scheduler.timesteps = torch.cat([times[:1], times[1:].repeat_interleave(2)])

    scheduler.set_timesteps = set_timesteps
    return pipeline


def by_stock(recipe: Recipe, architecture: str, given: object) -> torch.Tensor:
    found: torch.Tensor = walking(stock(architecture), recipe)(
        given,
        num_inference_steps=needed(recipe.sampling).steps,
        guidance_scale=needed(recipe.sampling).cfg,
        generator=torch.Generator().manual_seed(recipe.seed),
        output_type="latent",
    ).images
    return found


def stock_mesh(architecture: str, latents: torch.Tensor, side: int = SIDE) -> Mesh:
    found = stock(architecture).shap_e_renderer.decode_to_mesh(latents, "cpu", grid_size=side)
    x, y, z = found.verts.unbind(-1)
    colours = torch.stack([found.vertex_channels[name] for name in "RGB"], dim=-1)
    return Mesh(
        positions=torch.stack([x, z, -y], dim=-1).numpy(),
        colours=colours.numpy(),
        faces=found.faces.numpy().astype(np.uint32),
    )


@pytest.mark.parametrize("cfg", [1.0, 3.0])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a (red:1.3) cat, [dog] " * 18])
def test_a_form_of_words_has_the_stock_pipelines_latents_and_mesh(cfg: float, prompt: str) -> None:
    recipe, model = a_form(cfg=cfg, prompt=prompt), loaded.model(WORDS)
    made = render(recipe, (), model, on_step=lambda *_: None)
    latents = by_stock(recipe, WORDS, prompt)
    assert made.latents_sha256 == latents_sha256(latents)
    assert made.content == stock_mesh(WORDS, latents).content


def test_a_form_of_a_picture_has_them_too() -> None:
    view = a_view()
    recipe, model = a_form(PICTURE), loaded.model(PICTURE)
    made = render(recipe, (view,), model, on_step=lambda *_: None)
    latents = by_stock(recipe, PICTURE, Image.open(io.BytesIO(view)).convert("RGB"))
    assert made.latents_sha256 == latents_sha256(latents)
    assert made.content == stock_mesh(PICTURE, latents).content


@pytest.mark.parametrize("steps", [2, 16, 64])
def test_the_levels_are_those_that_its_scheduler_lays_out(steps: int) -> None:
    scheduler = type(stock(WORDS).scheduler).from_config(stock(WORDS).scheduler.config)
    scheduler.set_timesteps(steps)
    theirs = torch.cat([scheduler.sigmas[:1], scheduler.sigmas[1:-1:2], scheduler.sigmas[-1:]])
    ours = expand("heun", "karras", steps=steps, denoise=1.0, noise="exp")
    assert ours == pytest.approx(theirs.tolist(), rel=2e-5)
    assert torch.equal(alphas_of("exp"), scheduler.alphas_cumprod)


def test_the_mesh_is_the_same_however_fine_the_grid_and_rough_the_field() -> None:
    latents = torch.randn((1, 32, 16), generator=torch.Generator().manual_seed(9))
    model = loaded.model(WORDS)
    for side in (8, 17, 33):  # the last in several pieces
        ours = mesh_of(form_of(model, latents, side))
        assert ours.content == stock_mesh(WORDS, latents, side).content
        assert len(ours.faces) > 50


def form_of(model: Model, latents: torch.Tensor, side: int) -> bytes:
    from generation.worker.engines.shap_e import ShapE

    assert isinstance(model.engine, ShapE)
    with torch.inference_mode():
        return model.engine.form(model.parts, latents, Surface(resolution=side)).content


def test_two_forms_in_turn_leave_nothing_in_the_renderer() -> None:
    model = loaded.model(WORDS)
    before = {k: v.clone() for k, v in model.parts["shap_e_renderer"].state_dict().items()}
    one, other = (
        torch.randn((1, 32, 16), generator=torch.Generator().manual_seed(n)) for n in (1, 2)
    )
    first = form_of(model, one, 9)
    assert form_of(model, other, 9) != first == form_of(model, one, 9)
    after = model.parts["shap_e_renderer"].state_dict()
    assert all(torch.equal(tensor, after[key]) for key, tensor in before.items())


def test_a_field_without_a_surface_or_without_numbers_is_refused_kindly() -> None:
    with pytest.raises(RenderFailed, match="nothing came into being"):
        codec.check_surface(torch.full((1, 8, 1), -0.5))
    with pytest.raises(RenderFailed, match="no numbers"):
        codec.check_surface(torch.tensor([0.5, float("nan")]))


def test_a_surface_of_a_field_is_closed() -> None:
    noise = torch.rand((12, 12, 12), generator=torch.Generator().manual_seed(2))
    ball = (
        noise * 0.02
        + 0.5
        - torch.linalg.norm(
            torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 12)] * 3, indexing="ij")), dim=0
        )
    )
    tables = loaded.model(WORDS).parts["shap_e_renderer"].mesh_decoder
    table = codec.Table(cases=tables.cases, masks=tables.masks)
    box = codec.Box(low=torch.full((3,), -1.0), high=torch.full((3,), 1.0))
    vertices, faces = codec.surface_of(ball, box, table)
    found = mesh_of(codec.to_mesh(vertices, faces, torch.zeros(len(vertices), 3)).content)
    assert is_watertight(found)


def test_another_seed_or_prompt_is_another_form_and_the_same_recipe_the_same() -> None:
    model = loaded.model(WORDS)

    def digest(recipe: Recipe) -> Sha256:
        return render(recipe, (), model, on_step=lambda *_: None).latents_sha256

    first = digest(a_form())
    assert first == digest(a_form())
    assert len({first, digest(replace(a_form(), seed=6)), digest(a_form(prompt="a dog"))}) == 3
