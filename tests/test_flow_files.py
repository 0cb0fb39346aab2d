"""Claims about the files of Stable Diffusion 3: told by their tensors, and read as they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.catalog import Catalog
from generation.catalog.checkpoint import expected_tensors
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.draft import complete
from generation.families import sd3
from generation.recipe import Precision, needed
from generation.worker.loading import single_file
from generation.worker.loading.building import class_of
from generation.worker.loading.loader import DTYPES, load
from generation.worker.render import render
from tests.given import tinymodels
from tests.given.builders import a_draft, a_recipe
from tests.given.checkpoints import assembled, configs_of, the_single_file
from tests.given.plain_diffusers import in_memory_of_its_own
from tests.given.singlefiles import write
from tests.given.thinmodels import write_file

CPU = torch.device("cpu")

Shapes = Mapping[str, tuple[int, ...]]

TRANSFORMER = "model.diffusion_model."


def catalog_of(folder: Path, configs: Path = CONFIGS) -> Catalog:
    catalog = Catalog([folder], folder.parent / "digests.json", configs=configs)
    catalog.scan()
    return catalog


def thin(**config: object) -> Shapes:
    """A whole single file of narrow parts, its transformer built so."""
    _, configs = the_single_file("sd3")
    small = {"attention_head_dim": 64, "num_attention_heads": 1, "caption_projection_dim": 64}
    whole = {**config_of(configs / "sd3" / "transformer"), **small, **config}
    rest = {
        key: shape
        for key, shape in expected_tensors(sd3.SD3, configs).items()
        if not key.startswith(TRANSFORMER)
    }
    return {**sd3.layout(sd3.tensors(whole) or {}, whole), **rest}


def scanned(shapes: Shapes, folder: Path) -> Catalog:
    write_file(folder / "m" / "any-name.safetensors", shapes)
    return catalog_of(folder / "m", the_single_file("sd3")[1])


def reason(shapes: Shapes, folder: Path) -> str:
    catalog = scanned(shapes, folder)
    assert catalog.entries() == ()
    return catalog.refused()[0].reason


@pytest.mark.parametrize(
    "config",
    [
        {"num_layers": 24, "qk_norm": None, "dual_attention_layers": ()},
        {"num_layers": 24, "dual_attention_layers": tuple(range(13)), "pos_embed_max_size": 38},
        {"num_layers": 38, "dual_attention_layers": (), "pos_embed_max_size": 19},
    ],
    ids=["3 medium", "3.5 medium", "3.5 large"],
)
def test_each_size_is_told_by_its_tensors(config: dict[str, Any], tmp_path: Path) -> None:
    shapes = thin(**config)
    (entry,) = scanned(shapes, tmp_path).models()
    assert entry.family == "sd3"
    told = sd3.told(shapes)
    assert {key: told[key] for key in config} == config


def without(shapes: Shapes, *begins: str) -> Shapes:
    return {key: shape for key, shape in shapes.items() if not key.startswith(begins)}


def test_a_file_without_t5_is_whole(tmp_path: Path) -> None:
    assert scanned(without(thin(), "text_encoders.t5xxl."), tmp_path).models()


def test_what_official_files_hold_besides_is_passed_over(tmp_path: Path) -> None:
    more: Shapes = {
        "text_encoders.clip_l.transformer.text_projection.weight": (32, 32),
        "text_encoders.clip_l.logit_scale": (),
        "text_encoders.t5xxl.transformer.encoder.embed_tokens.weight": (300, 96),
    }
    assert scanned({**thin(), **more}, tmp_path).models()


@pytest.mark.parametrize(
    ("prefix", "part"),
    [
        ("text_encoders.clip_l.", "CLIP-L"),
        ("text_encoders.clip_g.", "CLIP-G"),
        ("first_stage_model.", "VAE"),
    ],
)
def test_a_missing_part_is_named(prefix: str, part: str, tmp_path: Path) -> None:
    said = reason(without(thin(), prefix), tmp_path)
    assert said.startswith("a checkpoint without its ")
    assert part in said


def test_a_transformer_alone_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    bare = {
        key.removeprefix(TRANSFORMER): shape
        for key, shape in thin().items()
        if key.startswith(TRANSFORMER)
    }
    said = reason(bare, tmp_path)
    assert all(file in said for file in ("sd3_vae", "clip_l", "clip_g"))


@pytest.mark.parametrize(
    "key", ["joint_blocks.1.x_block.mlp.fc1.weight", "pos_embed", "x_embedder.proj.weight"]
)
def test_a_missing_tensor_is_named(key: str, tmp_path: Path) -> None:
    shapes = dict(thin())
    del shapes[TRANSFORMER + key]
    assert key in reason(shapes, tmp_path)


def test_half_a_t5_is_refused(tmp_path: Path) -> None:
    shapes = without(thin(), "text_encoders.t5xxl.transformer.encoder.block.1.")
    assert "T5" in reason(shapes, tmp_path)


def folder_with(tmp_path: Path, **scheduler: object) -> Catalog:
    folder = tinymodels.build_sd3(tmp_path / "m" / "any", t5=False)
    config = {**tinymodels.FLOW_SCHEDULER, **scheduler}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    return catalog_of(tmp_path / "m")


def test_the_shift_of_a_folder_is_that_of_its_levels(tmp_path: Path) -> None:
    (entry,) = folder_with(tmp_path, shift=1).models()
    assert entry.levels == "flow:1.0"


def test_a_usual_shift_needs_no_word(tmp_path: Path) -> None:
    (entry,) = folder_with(tmp_path).models()
    assert (entry.levels, entry.noise, entry.prediction) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "value"), [("time_shift_type", "linear"), ("shift", "3"), ("shift", 0), ("new", 1)]
)
def test_a_schedule_of_another_kind_is_refused_by_its_setting(
    key: str, value: object, tmp_path: Path
) -> None:
    assert key in folder_with(tmp_path, **{key: value}).refused()[0].reason


def test_a_card_makes_it_turbo_and_says_nothing_of_its_noise(tmp_path: Path) -> None:
    folder = tinymodels.build_sd3(tmp_path / "m" / "any", t5=False)
    (folder / "atelier.toml").write_text("steps = 4\ncfg = 1.0\n")
    (entry,) = catalog_of(tmp_path / "m").models()
    recipe = complete(a_draft(prompt="a cat"), entry.model, seed=1, device="cpu")
    assert (needed(recipe.sampling).steps, needed(recipe.sampling).cfg) == (4, 1.0)
    (folder / "atelier.toml").write_text('prediction = "epsilon"\n')
    assert "prediction" in catalog_of(tmp_path / "m").refused()[0].reason


def test_a_vae_that_may_be_another_models_is_kept_for_one_by_its_card(tmp_path: Path) -> None:
    """That of FLUX.1 has the same tensors, and makes other numbers of a picture."""
    from generation.families.blueprint import vae

    config = config_of(CONFIGS / "sd3" / "vae")
    file = write_file(tmp_path / "m" / "ae.safetensors", vae(config) or {})
    (entry,) = catalog_of(tmp_path / "m").entries("vae")
    assert entry.fits("sd3")
    assert not entry.fits("sdxl")
    file.with_name("ae.safetensors.atelier.toml").write_text('family = "sdxl"\n')
    (refused,) = catalog_of(tmp_path / "m").refused()
    assert refused.reason == "its card says sdxl, whose VAE has other tensors"


def test_a_single_file_draws_the_stock_pipelines_picture_of_the_same_folder(
    tmp_path: Path,
) -> None:
    """With the tokenizers that come along; the stock pipeline reads the folder's own."""
    import diffusers

    folder = tinymodels.build_sd3(tmp_path / "real", real_words=True)
    file = tmp_path / "real.safetensors"
    write("sd3", folder, file)
    configs = configs_of("sd3", folder, tmp_path)
    head = single_file.opened(file, sd3.SD3, "real", configs=configs)
    model = assembled(sd3.SD3, torch.float32, head)
    model.residence.enter(CPU)
    words = {"prompt": "A red cat, naïve painting", "negative_prompt": "dog"}
    recipe = a_recipe(family="sd3", **words, width=64, height=96, steps=3)
    ours = render(recipe, (), model, on_step=lambda *_: None).content
    pipe: Any = diffusers.StableDiffusion3Pipeline.from_pretrained(folder)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            in_memory_of_its_own(part)
    pipe.scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)
    pipe.set_progress_bar_config(disable=True)
    plain = pipe(
        **words,
        width=64,
        height=96,
        guidance_scale=needed(recipe.sampling).cfg,
        sigmas=list(needed(recipe.sampling).sigmas[:-1]),
        num_inference_steps=3,
        latents=torch.randn((1, 16, 12, 8), generator=torch.Generator().manual_seed(recipe.seed)),
    ).images[0]
    assert np.count_nonzero(np.frombuffer(ours, np.uint8) != np.asarray(plain).ravel()) == 0


@pytest.mark.parametrize("precision", list(Precision))
def test_every_number_of_a_folder_is_as_the_libraries_read_it(
    tmp_path: Path, precision: Precision
) -> None:
    """T5 overflows in fp16 behind each of its layers: the libraries keep these in fp32."""
    folder = tinymodels.build_sd3(tmp_path / "m" / "any")
    (entry,) = catalog_of(tmp_path / "m").models()
    recipe = a_recipe(family="sd3", checkpoint=entry.weights, precision=precision)
    model = load(recipe, entry.path, None, CPU)
    for part in sd3.SD3.parts:
        kind = class_of(part.network.module, part.network.name)
        word = "torch_dtype" if part.network.library == "diffusers" else "dtype"
        theirs = kind.from_pretrained(folder / part.name, **{word: DTYPES[precision]}).state_dict()
        mine = model.parts[part.name].state_dict()
        assert {k: t.dtype for k, t in mine.items()} == {k: t.dtype for k, t in theirs.items()}
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_half_precision_keeps_what_a_folder_keeps_in_fp32(tmp_path: Path) -> None:
    """T5 overflows in fp16 behind each of its layers, and the libraries know it."""
    tensors, configs = the_single_file("sd3")
    file = tmp_path / "x.safetensors"
    save_file(tensors, file)
    head = single_file.opened(file, sd3.SD3, "x", configs=configs)
    model = assembled(sd3.SD3, torch.float16, head)
    for name, tensor in model.parts["text_encoder_3"].named_parameters():
        assert tensor.dtype == (torch.float32 if name.endswith("wo.weight") else torch.float16)
