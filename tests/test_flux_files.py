"""Claims about the files of FLUX.1: told by their tensors, and read as they say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.catalog.catalog import Catalog
from generation.catalog.checkpoint import expected_tensors
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.draft import complete
from generation.errors import NotMadeFor
from generation.families import flux
from generation.families.architecture import Purpose
from generation.families.builds import flux as build
from generation.families.chroma import CHROMA
from generation.families.family import FAMILIES
from generation.recipe import Canvas, needed
from generation.sigmas import expand
from generation.tasks import CONTROL, Task
from tests.given.builders import a_draft, a_model
from tests.given.checkpoints import the_single_file
from tests.given.partly import an_input
from tests.given.thinmodels import write_file

Shapes = Mapping[str, tuple[int, ...]]


def real(**config: object) -> Shapes:
    """The transformer of a whole file of the published sizes, or of others."""
    whole = {**config_of(CONFIGS / "flux1" / "transformer"), **config}
    return flux.TRANSFORMER_PART.layout(build.flux(whole) or {}, whole)


@pytest.mark.parametrize("guided", [True, False], ids=["dev", "schnell"])
def test_the_stock_library_reads_a_file_of_the_published_sizes_as_the_same_tensors(
    guided: bool,
) -> None:
    from diffusers import FluxTransformer2DModel
    from diffusers.loaders.single_file_utils import (
        convert_flux_transformer_checkpoint_to_diffusers,
    )

    with torch.device("meta"):
        right = FluxTransformer2DModel(guidance_embeds=guided).state_dict()
        file = {key: torch.empty(shape) for key, shape in real(guidance_embeds=guided).items()}
    theirs = convert_flux_transformer_checkpoint_to_diffusers(file)
    assert not file  # nothing is left over
    assert {k: t.shape for k, t in theirs.items()} == {k: t.shape for k, t in right.items()}


@pytest.mark.parametrize(
    "config",
    [
        {"num_layers": 8, "num_single_layers": 38},  # with layers taken out, as FLUX.1 lite
        {"num_layers": 19, "num_single_layers": 38, "guidance_embeds": False},
        {"num_attention_heads": 2, "joint_attention_dim": 96, "pooled_projection_dim": 32},
        {"in_channels": 384},
    ],
)
def test_its_size_is_told_by_its_tensors(config: dict[str, Any]) -> None:
    told = flux.told(real(**config))
    assert {key: told[key] for key in config} == config


def thin(architecture: str = "flux1") -> dict[str, tuple[int, ...]]:
    """A tiny single file's tensors."""
    return {k: tuple(t.shape) for k, t in the_single_file(architecture)[0].items()}


def scanned(
    shapes: Shapes,
    folder: Path,
    built: str = "flux1",
    *,
    card: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Catalog:
    file = write_file(folder / "m" / "any-name.safetensors", shapes, metadata=metadata)
    if card:
        file.with_name(f"{file.name}.atelier.toml").write_text(card)
    configs = the_single_file(built)[1]
    catalog = Catalog([folder / "m"], folder / "digests.json", configs=configs)
    catalog.scan()
    return catalog


@pytest.mark.parametrize(
    ("architecture", "family"), [("flux1", "flux1-dev"), ("flux1-schnell", "flux1-schnell")]
)
def test_what_is_told_its_guidance_is_dev_and_what_is_not_is_schnell(
    architecture: str, family: str, tmp_path: Path
) -> None:
    (entry,) = scanned(thin(architecture), tmp_path, architecture).models()
    assert entry.family == family


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ({"card": 'family = "flux1-kontext"'}, "flux1-kontext"),
        ({"card": 'family = "flux1-krea"'}, "flux1-krea"),
        ({"metadata": {"modelspec.architecture": "flux-1-kontext-dev"}}, "flux1-kontext"),
        ({"metadata": {"modelspec.title": "FLUX.1 Krea [dev]"}}, "flux1-krea"),
        ({"metadata": {"modelspec.architecture": "flux-1-dev"}}, "flux1-dev"),
    ],
)
def test_kontext_and_krea_have_devs_tensors_and_are_told_by_words(
    said: dict[str, Any], family: str, tmp_path: Path
) -> None:
    (entry,) = scanned(thin(), tmp_path, **said).models()
    assert entry.family == family
    assert (Task.EDIT in FAMILIES[family].tasks) == (family == "flux1-kontext")


def test_what_takes_a_mask_besides_is_fill_and_draws_parts_alone(tmp_path: Path) -> None:
    first = f"{flux.DENOISER}img_in.weight"
    shapes = thin() | {first: (thin()[first][0], 384)}
    (entry,) = scanned(shapes, tmp_path).models()
    assert (entry.family, entry.purpose) == ("flux1-fill", Purpose.INPAINTING)
    usual = FAMILIES[entry.family]
    assert (usual.guidance, usual.scheduler) == (30.0, "normal")
    with pytest.raises(NotMadeFor):
        complete(a_draft(prompt="a cat", width=512, height=512), entry.model, seed=1, device="")


def test_what_takes_a_picture_besides_looks_at_edges_or_depth(tmp_path: Path) -> None:
    first = f"{flux.DENOISER}img_in.weight"
    shapes = thin() | {first: (thin()[first][0], 128)}
    (entry,) = scanned(shapes, tmp_path).models()
    assert (entry.family, entry.purpose) == ("flux1-control", Purpose.CONTROL)
    draft = a_draft(prompt="a cat", width=512, height=512)
    with pytest.raises(NotMadeFor):
        complete(draft, entry.model, seed=1, device="")
    edges = replace(draft, inputs=(an_input(CONTROL, b"edges"),))
    recipe = complete(edges, entry.model, seed=1, device="")
    assert (recipe.task, needed(recipe.sampling).guidance) == (Task.TEXT_TO_IMAGE, 30.0)
    with pytest.raises(NotMadeFor):
        complete(edges, a_model(family="flux1-dev"), seed=1, device="")


def test_kontext_edits_at_the_size_of_the_nearest_shape_that_the_stock_pipeline_knows() -> None:
    from diffusers.pipelines.flux.pipeline_flux_kontext import PREFERRED_KONTEXT_RESOLUTIONS

    for width, height in [*PREFERRED_KONTEXT_RESOLUTIONS, (1, 9), (640, 480), (4000, 1000)]:
        aspect = width / height
        _, *right = min((abs(aspect - w / h), w, h) for w, h in PREFERRED_KONTEXT_RESOLUTIONS)
        assert flux.edited_at(width, height) == tuple(right)


def test_an_edit_comes_back_in_the_size_of_the_picture() -> None:
    inputs = (an_input("reference", b"photo"),)
    draft = a_draft(prompt="make it red", width=640, height=470, inputs=inputs)
    recipe = complete(draft, a_model(family="flux1-kontext"), seed=1, device="")
    assert (recipe.task, recipe.canvas) == (Task.EDIT, Canvas(width=640, height=470))
    assert recipe.drawn == Canvas(width=1184, height=880)
    sampling = needed(recipe.sampling)
    assert (sampling.cfg, sampling.image_cfg, sampling.guidance) == (1.0, None, 2.5)
    mu = 0.5 + 0.65 * (1184 * 880 // 256 - 256) / 3840
    assert sampling.sigmas[10] == pytest.approx(math.exp(mu) / (math.exp(mu) + 1), abs=1e-5)


def test_other_programs_names_mean_the_same(tmp_path: Path) -> None:
    """The VAE's where Stable Diffusion's lies, and norms that are called weights."""
    renamed = {
        key.replace("_norm.scale", "_norm.weight").replace("vae.", "first_stage_model."): shape
        for key, shape in thin().items()
    }
    assert renamed.keys() != thin().keys()
    (entry,) = scanned(renamed, tmp_path).models()
    assert entry.family == "flux1-dev"


@pytest.mark.parametrize(
    "key", ["single_blocks.1.linear1.weight", "double_blocks.0.img_mlp.2.bias"]
)
def test_a_missing_tensor_is_named(key: str, tmp_path: Path) -> None:
    shapes = thin()
    del shapes[flux.DENOISER + key]
    (refused,) = scanned(shapes, tmp_path).refused()
    assert key in refused.reason


@pytest.mark.parametrize(("side", "mu"), [(1024, 1.15), (512, 0.63), (256, 0.5)])
def test_the_larger_a_picture_of_dev_the_longer_it_stays_in_the_noise(side: int, mu: float) -> None:
    """The shift's logarithm is linear in the tokens, 0.5 at 256 and 1.15 at 4096."""
    draft = a_draft(prompt="a cat", width=side, height=side)
    sampling = needed(complete(draft, a_model(family="flux1-dev"), seed=1, device="").sampling)
    middle = math.exp(mu) / (math.exp(mu) + 1)  # half of the way
    assert sampling.sigmas[10] == pytest.approx(middle, abs=1e-5)
    assert (sampling.steps, sampling.cfg, sampling.guidance) == (20, 1.0, 3.5)
    assert (sampling.sampler, sampling.scheduler) == ("euler", "simple")


def test_schnell_takes_four_even_steps_and_is_told_no_guidance() -> None:
    draft = a_draft(prompt="a cat", width=1024, height=1024)
    sampling = needed(complete(draft, a_model(family="flux1-schnell"), seed=1, device="").sampling)
    assert sampling.sigmas == (1.0, 0.75, 0.5, 0.25, 0.0)
    assert sampling.guidance is None


def test_a_file_of_it_has_all_of_its_parts_and_no_tensor_twice() -> None:
    keys = expected_tensors(flux.FLUX1)
    begins = {part.prefix for part in flux.FLUX1.parts}
    assert all(sum(key.startswith(begin) for begin in begins) == 1 for key in keys)


def test_the_stock_library_reads_a_chroma_of_the_published_sizes_as_the_same_tensors() -> None:
    from diffusers import ChromaTransformer2DModel
    from diffusers.loaders.single_file_utils import (
        convert_chroma_transformer_checkpoint_to_diffusers,
    )

    config = config_of(CONFIGS / "chroma" / "transformer")
    shapes = CHROMA.denoiser.layout(build.chroma(config) or {}, config)
    with torch.device("meta"):
        right = ChromaTransformer2DModel().state_dict()
        file = {key: torch.empty(shape) for key, shape in shapes.items()}
    theirs = convert_chroma_transformer_checkpoint_to_diffusers(file)
    assert not file  # nothing is left over
    assert {k: t.shape for k, t in theirs.items()} == {k: t.shape for k, t in right.items()}


@pytest.mark.parametrize(
    "config", [{"approximator_layers": 3}, {"approximator_hidden_dim": 64}, {"num_layers": 8}]
)
def test_the_size_of_a_chroma_is_told_by_its_tensors(config: dict[str, Any]) -> None:
    whole = {**config_of(CONFIGS / "chroma" / "transformer"), **config}
    shapes = CHROMA.denoiser.layout(build.chroma(whole) or {}, whole)
    told = CHROMA.denoiser.told(shapes)
    assert {key: told[key] for key in config} == config


def test_chroma_is_guided_and_walks_even_levels() -> None:
    draft = a_draft(prompt="a cat", width=1024, height=1024)
    sampling = needed(complete(draft, a_model(family="chroma"), seed=1, device="").sampling)
    assert (sampling.steps, sampling.cfg, sampling.guidance) == (26, 3.5, None)
    assert (sampling.sampler, sampling.scheduler) == ("euler", "beta")
    even = expand("euler", "beta", steps=26, denoise=1.0, noise="flow:1.0")
    assert sampling.sigmas == even
