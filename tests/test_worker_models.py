"""Claims about loading: the right bits, from a folder or a single file, or a refusal by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.catalog.catalog import Catalog
from generation.errors import BrokenWeights, OutOfMemory, OutOfRange, RenderFailed, UnusableWeights
from generation.families.architecture import Stage
from generation.families.trained import of_scheduler
from generation.recipe import Precision, Recipe, Weights
from generation.worker.loading import single_file
from generation.worker.loading.loader import load
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import render
from generation.worker.sampling.denoiser import alphas_of
from tests.given import loaded, tinymodels
from tests.given.builders import a_digest, a_recipe, changed
from tests.given.checkpoints import assembled, the_single_file
from tests.given.singlefiles import write
from tests.given.thinmodels import architecture as build_of

CPU = torch.device("cpu")


@contextmanager
def opened(
    folder: Path, *, limit: int | None = None, **changes: Any
) -> Iterator[tuple[ModelCache, Recipe]]:
    """A model cache over this folder's only checkpoint, and a recipe for it."""
    catalog = Catalog([folder], folder.parent / f"{folder.name}.json")
    catalog.scan()
    (entry,) = catalog.models()
    recipe = a_recipe(
        **{
            "checkpoint": entry.weights,
            "family": entry.family,
            "width": 64,
            "height": 64,
            "negative_prompt": "dog",
            **changes,
        }
    )
    yield ModelCache(catalog, CPU, limit), recipe


def drawn(cache: ModelCache, recipe: Recipe) -> bytes:
    with cache.take(recipe, on_load=lambda _: None) as model:
        return render(recipe, (), model, on_step=lambda *_: None).content


def refused_alike(folder: Path, said: str) -> UnusableWeights:
    """The catalog's refusal of a folder, which is the loader's too."""
    catalog = Catalog([folder], folder.parent / f"{folder.name}.json")
    catalog.scan()
    (refused,) = catalog.refused()
    assert catalog.entries() == ()
    assert said in refused.reason
    recipe = a_recipe(checkpoint=Weights(name=folder.name, sha256=a_digest()))
    with pytest.raises(UnusableWeights) as loading:
        load(recipe, folder, None, CPU)
    assert str(loading.value) == str(refused)
    return refused


def copied(folder: Path) -> Path:
    shutil.copytree(tinymodels.sd15(), folder / "mine")
    return folder / "mine"


@pytest.mark.parametrize("architecture", [*tinymodels.BUILDS, *tinymodels.SOUNDS])
def test_a_single_file_of_the_same_values_gives_the_same_picture(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: torch gives other last bits for memory-mapped, unaligned weights."""
    _, configs = the_single_file(architecture)
    file = tinymodels.home() / f"{architecture}.safetensors"
    model = loaded.model(architecture)
    built = build_of(architecture)
    read_by = {part.tokenizer.name: part.name for part in built.parts if part.tokenizer}
    monkeypatch.setattr(
        single_file,
        "tokenizer_for",
        lambda wanted, _file: model.parts.tokenizers[read_by[wanted.name]],
    )
    opened_file = single_file.opened(file, built, "single", configs=configs)
    single = assembled(built, torch.float32, opened_file)
    single.residence.enter(CPU)
    # A file of 2.x does not say it: its recipes do.
    single.trained = replace(single.trained, prediction=model.trained.prediction)
    recipe = loaded.recipe_of(architecture)
    one = render(recipe, (), model, on_step=lambda *_: None)
    two = render(recipe, (), single, on_step=lambda *_: None)
    assert one.latents_sha256 == two.latents_sha256
    assert one.content == two.content


def test_a_single_file_without_all_its_tensors_is_refused(tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    shutil.copytree(tinymodels.sd15(), configs / "sd1")
    file = tmp_path / "single.safetensors"
    write("sd1", tinymodels.sd15(), file)
    tensors = load_file(file)
    del tensors["model.diffusion_model.out.2.weight"]
    save_file(tensors, file)
    with pytest.raises(BrokenWeights, match="missing"):
        single_file.opened(file, build_of("sd1"), "single", configs=configs)


def test_a_folder_without_all_its_tensors_is_refused_and_not_completed_at_random(
    tmp_path: Path,
) -> None:
    for part, key in (
        ("unet/diffusion_pytorch_model", "conv_in.weight"),
        ("text_encoder/model", "final_layer_norm.weight"),
    ):
        folder = copied(tmp_path / part.partition("/")[0])
        file = folder / f"{part}.safetensors"
        tensors = load_file(file)
        (key,) = [k for k in tensors if k.endswith(key)]
        del tensors[key]
        save_file(tensors, file, metadata={"format": "pt"})
        assert isinstance(refused_alike(folder, "missing"), BrokenWeights)


def test_tensors_of_another_shape_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    config = folder / "unet" / "config.json"
    config.write_text(
        config.read_text().replace('"cross_attention_dim": 32', '"cross_attention_dim": 64')
    )
    refused_alike(folder, "has the shape")


def test_weights_of_one_precision_are_drawn_in_the_recipes(tmp_path: Path) -> None:
    with opened(tinymodels.sd15(), precision=Precision.BF16) as (cache, recipe):
        half = drawn(cache, recipe)
        assert half == drawn(cache, recipe)
        full = drawn(cache, replace(recipe, precision=Precision.FP32))
    assert half != full
    del tmp_path


def test_a_velocity_model_draws_by_its_own_rule(tmp_path: Path) -> None:
    velocity = tinymodels.build_sd15(tmp_path / "v" / "v", prediction="v_prediction")
    noise = tinymodels.build_sd15(tmp_path / "e" / "e")
    with opened(velocity) as (cache, recipe):
        one = drawn(cache, recipe)
    with opened(noise) as (cache, recipe):
        two = drawn(cache, recipe)
    assert one != two


def test_an_unknown_prediction_or_schedule_is_refused(tmp_path: Path) -> None:
    for key, value in (("prediction_type", "sample"), ("beta_schedule", "squaredcos_cap_v2")):
        folder = copied(tmp_path / key)
        config = folder / "scheduler" / "scheduler_config.json"
        config.write_text(json.dumps({**tinymodels.SCHEDULER, key: value}))
        refused_alike(folder, value)


def test_a_separate_vae_is_used_and_is_part_of_the_identity(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    other = tinymodels.build_sd15(tmp_path / "other", seed=9)
    catalog = Catalog([folder], tmp_path / "digests.json")
    catalog.scan()
    cache = ModelCache(VaeCatalog(catalog, other / "vae"), CPU, None)  # type: ignore[arg-type]  # a fake
    recipe = a_recipe(checkpoint=catalog.find("mine").weights, width=64, height=64)
    own = drawn(cache, recipe)
    swapped = replace(recipe, vae=Weights(name="other", sha256=VaeCatalog.DIGEST))  # type: ignore[arg-type]  # a digest
    assert recipe.id != swapped.id
    assert drawn(cache, swapped) != own
    assert drawn(cache, recipe) == own


class VaeCatalog:
    """A catalog that also knows one VAE folder."""

    DIGEST = "7" * 64

    def __init__(self, catalog: Catalog, vae: Path) -> None:
        self._catalog, self._vae = catalog, vae

    def locate(self, weights: Weights) -> Path:
        return self._vae if weights.sha256 == self.DIGEST else self._catalog.locate(weights)


def test_a_vae_that_overflows_is_told_and_never_a_black_picture(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    tensors["decoder.conv_out.bias"] = torch.full((3,), torch.nan)
    save_file(tensors, file, metadata={"format": "pt"})
    with opened(folder) as (cache, recipe), pytest.raises(RenderFailed, match="VAE overflowed"):
        drawn(cache, recipe)


def test_models_are_kept_and_the_least_recently_used_gives_way(tmp_path: Path) -> None:
    catalog = Catalog(
        [tinymodels.sd15(), tinymodels.build_sd15(tmp_path / "second", seed=3)],
        tmp_path / "digests.json",
    )
    catalog.scan()
    recipes = [
        a_recipe(checkpoint=catalog.find(name).weights, width=64, height=64)
        for name in ("tiny-sd15", "second")
    ]
    loads: list[str] = []

    def use(cache: ModelCache, recipe: Recipe) -> None:
        with cache.take(recipe, on_load=loads.append):
            pass

    roomy = ModelCache(catalog, CPU, None)
    for number in (0, 1, 0, 1):
        use(roomy, recipes[number])
    assert loads == ["tiny-sd15", "second"]

    loads.clear()
    narrow = ModelCache(catalog, CPU, 9 * 2**20)  # one model of 5.5 MB and its drawing
    for number in (0, 1, 1, 0):
        use(narrow, recipes[number])
    assert loads == ["tiny-sd15", "second", "tiny-sd15"]

    # A paused job's model gives way last, and is the same when it comes back.
    loads.clear()
    with narrow.take(recipes[0], on_load=loads.append) as model:
        before = [tensor.clone() for tensor in model.parts["unet"].parameters()]
        use(narrow, recipes[1])
        assert model.residence.nowhere
        unet = list(model.parts["unet"].parameters())
        assert sum(tensor.untyped_storage().nbytes() for tensor in unet) <= 4 * len(unet)
        narrow.bring_back(recipes[0], Stage.DENOISE, on_load=loads.append)
        assert all(map(torch.equal, before, model.parts["unet"].parameters()))
    assert loads == ["second", "tiny-sd15"]


def test_a_hopeless_size_is_refused_before_anything_is_loaded() -> None:
    with opened(tinymodels.sd15(), limit=8 * 2**20, width=2048, height=2048) as (cache, recipe):
        with pytest.raises(OutOfMemory) as refusal:
            drawn(cache, recipe)
        assert (refusal.value.needed_bytes or 0) > 8 * 2**20


def test_the_noise_schedule_is_the_checkpoints_own() -> None:
    usual = alphas_of(of_scheduler(tinymodels.SCHEDULER, "x").noise)
    assert torch.equal(usual, alphas_of("scaled-linear"))
    said = {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
    linear = alphas_of(of_scheduler({**tinymodels.SCHEDULER, **said}, "x").noise)
    assert linear.shape == (1000,)
    assert not torch.equal(linear, usual)


def test_sizes_off_the_grid_and_layers_that_are_not_there_are_refused() -> None:
    recipe = loaded.recipe_of("sd1")
    for wrong, what in (({"width": 68}, "width"), ({"clip_skip": 9}, "clip_skip")):
        with pytest.raises(OutOfRange, match=what):
            render(changed(recipe, **wrong), (), loaded.sd15(), on_step=lambda *_: None)


def test_nothing_touches_the_global_random_numbers() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    recipe = loaded.recipe_of("sd1")
    render(recipe, (), loaded.sd15(), on_step=lambda *_: None)
    assert torch.equal(before, torch.get_rng_state())
