"""Latent consistency models, whose UNet is told its guidance: known by it, drawn as stock does.

LCM-LoRAs change no tensor's shape and are modes instead (`tests/test_modes.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from generation.draft import complete
from generation.errors import OutOfRange
from generation.families.blueprint import unet as tensors_of
from generation.families.stable_diffusion import SD1
from generation.recipe import Recipe, needed
from generation.worker.loading import single_file
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import tinymodels
from tests.given.builders import a_draft, changed
from tests.given.checkpoints import assembled, configs_of, only, scanned
from tests.given.plain_diffusers import forced, scheduler_for, stock_pipeline
from tests.given.singlefiles import write
from tests.given.thinmodels import SD15, SDXL, write_file, write_folder

CPU = torch.device("cpu")
# numpy 2 warns of how diffusers turns torch's tables into arrays; the values are right.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

GUIDED = "model.diffusion_model.time_embed.cond_proj.weight"


@pytest.mark.parametrize(("shapes", "family"), [(SD15, "sd15-lcm"), (SDXL, "sdxl-lcm")])
def test_a_file_is_told_by_the_tensor_that_reads_the_guidance(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], family: str
) -> None:
    first = shapes["model.diffusion_model.time_embed.0.weight"][1]
    write_file(tmp_path / "m" / "x.safetensors", {**shapes, GUIDED: (first, 256)})
    entry = only(tmp_path / "m")
    assert entry.family == family
    draft = a_draft(prompt="a cat", width=512, height=512)
    sampling = needed(complete(draft, entry.model, seed=1, device="cpu").sampling)
    assert (sampling.steps, sampling.cfg, sampling.guidance) == (4, 1.0, 8.5)
    assert (sampling.sampler, sampling.scheduler, sampling.lanes) == ("lcm", "sgm_uniform", 1)


def test_a_folder_is_told_by_its_unets_config_whatever_its_pipeline(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m" / "x")
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"_class_name": "LatentConsistencyModelPipeline"}
    (folder / "model_index.json").write_text(json.dumps(index))
    config = json.loads((folder / "unet" / "config.json").read_text()) | {"time_cond_proj_dim": 256}
    (folder / "unet" / "config.json").write_text(json.dumps(config))
    write_file(folder / "unet" / "diffusion_pytorch_model.safetensors", needed(tensors_of(config)))
    assert only(tmp_path / "m").family == "sd15-lcm"


def a_model(tmp_path: Path) -> tuple[Model, Recipe]:
    """A tiny one, and a recipe for it."""
    home = tinymodels.build_sd15(tmp_path / "m" / "x", time_cond_proj_dim=256)
    (home / "atelier.toml").write_text('family = "sd15-lcm"\n')
    catalog = scanned(tmp_path / "m")
    (entry,) = catalog.models()
    draft = a_draft(prompt="a red cat", width=256, height=256, sampler="euler")
    recipe = complete(draft, entry.model, seed=3, device="cpu")
    with ModelCache(catalog, CPU, None).take(recipe, on_load=lambda _: None) as model:
        return model, recipe


def test_it_draws_the_stock_pipelines_pixels_at_any_guidance(tmp_path: Path) -> None:
    model, recipe = a_model(tmp_path)
    drawn = []
    for guidance in (8.5, 2.0):
        told = changed(recipe, guidance=guidance)
        content = render(told, (), model, on_step=lambda *_: None).content
        ours = np.frombuffer(content, np.uint8).reshape(256, 256, 3)
        pipe = stock_pipeline(model)
        scheduler = scheduler_for("euler")
        scheduler.register_to_config(steps_offset=1)
        pipe.scheduler = forced(scheduler, needed(recipe.sampling).sigmas)
        pipe.set_progress_bar_config(disable=True)
        plain = pipe(
            prompt=recipe.prompt,
            width=256,
            height=256,
            guidance_scale=guidance,
            num_inference_steps=4,
            latents=torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(3)),
        ).images[0]
        assert np.count_nonzero(ours != np.asarray(plain)) == 0
        drawn.append(content)
    assert drawn[0] != drawn[1]


def test_a_file_has_the_folders_numbers_though_no_config_says_how_wide_the_guidance_is(
    tmp_path: Path,
) -> None:
    model, _ = a_model(tmp_path)
    home, file = tmp_path / "m" / "x", tmp_path / "x.safetensors"
    configs = configs_of("sd1", home, tmp_path)
    unet = configs / "sd1" / "unet" / "config.json"
    unet.write_text(json.dumps(json.loads(unet.read_text()) | {"time_cond_proj_dim": None}))
    write("sd1", home, file)
    head = single_file.opened(file, SD1, "x", configs=configs)
    single = assembled(SD1, torch.float32, head)
    single.residence.enter(CPU)
    theirs = single.parts["unet"].state_dict()
    assert "time_embedding.cond_proj.weight" in theirs
    assert all(torch.equal(theirs[k], t) for k, t in model.parts["unet"].state_dict().items())


def test_a_recipe_that_tells_it_none_is_refused(tmp_path: Path) -> None:
    model, recipe = a_model(tmp_path)
    with pytest.raises(OutOfRange, match="guidance"):
        render(changed(recipe, guidance=None), (), model, on_step=lambda *_: None)
