"""Claims about the files of Qwen-Image and 2.1: told by their tensors, and read as named."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from generation.catalog.catalog import Catalog
from generation.catalog.components import read_part_file
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import Contents
from generation.draft import complete
from generation.errors import OutOfRange
from generation.families import qwen_image_21
from generation.families.builds import causal_vae, image_vae
from generation.families.builds import qwen_image as build
from generation.families.builds import qwen_image_21 as build_21
from generation.families.family import FAMILIES
from generation.families.qwen_image import QWEN_IMAGE, edited_at
from generation.recipe import Canvas, Recipe, needed
from generation.tasks import Task
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.edit import Edit
from generation.worker.tasks.task import Bench
from tests.given import loaded, tinymodels
from tests.given.builders import a_draft, a_model, changed
from tests.given.checkpoints import the_single_file
from tests.given.partly import an_input
from tests.given.splitfiles import model_of, split
from tests.given.thinmodels import write_file
from tests.given.tiny import qwen_image as tiny
from tests.given.tiny import qwen_image_21 as tiny_21

MARK = "model.diffusion_model.__index_timestep_zero__"


def shapes_of(architecture: str) -> dict[str, tuple[int, ...]]:
    """A tiny single file's tensors."""
    return {k: tuple(t.shape) for k, t in the_single_file(architecture)[0].items()}


def scanned(shapes: Mapping[str, tuple[int, ...]], folder: Path, card: str = "") -> Catalog:
    file = write_file(folder / "m" / "any-name.safetensors", shapes)
    if card:
        file.with_name(f"{file.name}.atelier.toml").write_text(card)
    configs = the_single_file("qwen-image")[1]
    catalog = Catalog([folder / "m"], folder / "digests.json", configs=configs)
    catalog.scan()
    return catalog


@pytest.mark.parametrize(
    ("mark", "card", "family"),
    [
        ({}, "", "qwen-image"),
        ({}, 'family = "qwen-image-2512"', "qwen-image-2512"),
        ({}, 'family = "qwen-image-edit"', "qwen-image-edit"),
        ({}, 'family = "qwen-image-edit-2509"', "qwen-image-edit-2509"),
        ({MARK: (0,)}, "", "qwen-image-edit-2511"),
    ],
)
def test_a_file_is_told_by_a_mark_or_by_a_card(
    mark: dict[str, tuple[int, ...]], card: str, family: str, tmp_path: Path
) -> None:
    catalog = scanned(shapes_of("qwen-image") | mark, tmp_path, card)
    assert catalog.refused() == ()
    (entry,) = catalog.models()
    assert entry.family == family


def test_all_draw_from_words_and_those_that_edit_change_pictures_too() -> None:
    for name, family in FAMILIES.items():
        if family.architecture is QWEN_IMAGE:
            assert Task.TEXT_TO_IMAGE in family.tasks
            assert (Task.EDIT in family.tasks) == ("edit" in name)


@pytest.mark.parametrize(
    ("family", "most"),
    [("qwen-image-edit", 1), ("qwen-image-edit-2511", 3), ("qwen-image-2.1", 10)],
)
def test_an_edit_looks_at_as_many_pictures_as_the_model_knows(family: str, most: int) -> None:
    def edit(count: int) -> Recipe:
        inputs = tuple(an_input("reference", bytes([n])) for n in range(count))
        draft = a_draft(prompt="make it night", inputs=inputs, width=900, height=600)
        return complete(draft, a_model(family=family), seed=1, device="cpu")

    recipe = edit(most)
    assert recipe.task is Task.EDIT
    assert needed(recipe.sampling).image_cfg is None
    assert recipe.drawn == Canvas(width=1248, height=832)
    assert needed(recipe.canvas) == Canvas(width=900, height=600)
    with pytest.raises(OutOfRange):
        edit(most + 1)


def test_levels_follow_the_size_and_end_where_the_published_scheduler_says() -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    draft = a_draft(prompt="a cat", steps=50, width=1328, height=1328, scheduler="simple")
    sampling = needed(complete(draft, a_model(family="qwen-image"), seed=1, device="").sampling)
    kind: Any = FlowMatchEulerDiscreteScheduler
    theirs = kind.from_config(tiny.SCHEDULER)
    mu = 0.5 + (0.9 - 0.5) / (8192 - 256) * (1328 * 1328 / 256 - 256)
    theirs.set_timesteps(sigmas=np.linspace(1.0, 1 / 50, 50), mu=mu)
    assert np.allclose(sampling.sigmas, theirs.sigmas, atol=2e-4)
    assert sampling.sigmas[-2] == pytest.approx(0.02)


# Names.


def test_diffusers_reads_wans_names_of_the_vae_as_the_same_tensors() -> None:
    from diffusers import AutoencoderKLQwenImage
    from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers

    with torch.device("meta"):
        right = AutoencoderKLQwenImage().state_dict()
        own = causal_vae.tensors({}) or {}
        file = {k: torch.empty(shape) for k, shape in causal_vae.layout(own, {}).items()}
    theirs = convert_wan_vae_to_diffusers(file)
    assert {k: t.shape for k, t in theirs.items()} == {k: t.shape for k, t in right.items()}
    for key, name in zip(own, causal_vae.layout(own, {}), strict=True):
        assert list(convert_wan_vae_to_diffusers({name: 0})) == [key]


def test_diffusers_reads_comfyuis_names_of_2_1_as_the_same_tensors() -> None:
    from diffusers import QwenImage21Transformer2DModel
    from diffusers.loaders.single_file_utils import (
        convert_qwen_image21_transformer_checkpoint_to_diffusers,
    )

    with torch.device("meta"):
        right = QwenImage21Transformer2DModel().state_dict()
        own = build_21.tensors({}) or {}
        file = {k: torch.empty(shape) for k, shape in qwen_image_21.layout(own, {}).items()}
    theirs = convert_qwen_image21_transformer_checkpoint_to_diffusers(file)
    assert not file  # nothing is left over
    assert {k: t.shape for k, t in theirs.items()} == {k: t.shape for k, t in right.items()}


@pytest.mark.parametrize(
    "config",
    [
        {"num_layers": 12, "num_attention_heads": 6, "joint_attention_dim": 96},
        {"zero_cond_t": True},
    ],
)
def test_the_size_of_a_transformer_is_told_by_its_tensors(config: dict[str, Any]) -> None:
    shapes = dict(build.tensors(config) or {})
    if config.get("zero_cond_t"):
        shapes[build.TIMELESS] = (0,)
    told = build.told(shapes)
    assert {key: told[key] for key in config} == config


def test_the_size_of_2_1s_is_told_by_its_tensors() -> None:
    config = {"num_layers": 3, "num_attention_heads": 2, "context_in_dim": 96, "mlp_ratio": 2}
    own = build_21.tensors(config) or {}
    told = qwen_image_21.told(qwen_image_21.layout(own, {}))
    assert {key: told[key] for key in config} == config


@pytest.mark.parametrize(
    ("vae", "odd"),
    [
        (causal_vae.tensors, {"attn_scales": [1.0]}),
        (causal_vae.tensors, {"dim_mult": [1, 2], "temperal_downsample": []}),
        (causal_vae.tensors, {"base_dim": "many"}),
        (image_vae.tensors, {"is_residual": False}),
        (image_vae.tensors, {"patch_size": 2}),
    ],
)
def test_a_config_that_is_not_understood_has_no_blueprint(vae: Any, odd: Any) -> None:
    assert vae({}) is not None
    assert vae(odd) is None


def test_a_vae_whose_kernels_have_a_side_of_one_frame_draws_the_same(tmp_path: Path) -> None:
    files = split("qwen-image-2.1", tmp_path / "split", "single file")
    framed = tiny_21.vae_file(tinymodels.of("qwen-image-2.1"), frames=True)
    assert any(tensor.ndim == 5 for tensor in framed.values())
    save_file(framed, files["vae"])
    ours, theirs = model_of("qwen-image-2.1", files), loaded.model("qwen-image-2.1")
    for key, tensor in theirs.parts["vae"].state_dict().items():
        assert torch.equal(ours.parts["vae"].state_dict()[key], tensor)


@pytest.mark.parametrize("architecture", ["qwen-image", "qwen-image-2.1"])
def test_a_vae_of_the_published_sizes_is_told_alone(architecture: str) -> None:
    built = next(f.architecture for f in FAMILIES.values() if f.architecture.name == architecture)
    config = config_of(CONFIGS / built.vae.config)
    whole = built.vae.layout(built.vae.network.tensors(config) or {}, config)
    alone = {key.removeprefix(built.vae.prefix): shape for key, shape in whole.items()}
    found = read_part_file(Contents(shapes=alone, dtypes={}, metadata={}), "x")
    assert found is not None
    assert architecture in found.vae_of


# What stays keeps its place.


@pytest.mark.parametrize("size", [(900, 600), (1024, 1024), (1000, 1500), (640, 481)])
def test_a_pattern_keeps_its_place_through_an_edit(size: tuple[int, int]) -> None:
    """What a model would give back unchanged, at the size at which it is drawn."""
    ys, xs = np.mgrid[: size[1], : size[0]]
    pattern = np.stack([xs % 97 * 2, ys % 89 * 2, (xs + ys) % 101 * 2], axis=-1).astype(np.uint8)
    before = Image.fromarray(pattern).resize(size, Image.Resampling.BICUBIC)
    out = BytesIO()
    before.save(out, "PNG")
    across, down = edited_at(*size)
    recipe = changed(
        loaded.recipe_of("qwen-image"),
        task=Task.EDIT,
        inputs=(an_input("reference", out.getvalue()),),
        width=size[0],
        height=size[1],
        drawn=Canvas(width=across, height=down),
    )
    bench = GivesBack(
        recipe=recipe,
        inputs=(out.getvalue(),),
        model=loaded.model("qwen-image"),
        generator=torch.Generator(),
        locate=lambda _: Path(),
    )
    after = Edit().finish(bench, Edit().begin(bench).seen[0])
    found = np.frombuffer(after.content, np.uint8).reshape(size[1], size[0], 3).astype(int)
    blurred = np.abs(found - np.asarray(before, dtype=int)).mean()
    for shift in ((0, 2), (2, 0), (0, -2), (-2, 0)):
        moved = np.roll(found, shift, axis=(0, 1))
        assert np.abs(moved - np.asarray(before, dtype=int)).mean() > 1.5 * blurred


class GivesBack(Bench):
    """A bench whose VAE is its pixels."""

    def looked_at(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def decoded(self, latents: torch.Tensor) -> Decoded:
        rows = (latents[0].permute(1, 2, 0) * 0.5 + 0.5).clamp(0, 1)
        content = (rows * 255).round().to(torch.uint8).contiguous().numpy().tobytes()
        return Decoded(content=content, again=False)
