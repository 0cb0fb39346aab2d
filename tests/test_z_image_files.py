"""Claims about files of Z-Image: told by their tensors, and named as their makers name them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import Anatomy, of_file
from generation.families import z_image
from generation.families.architecture import Shapes

TRANSFORMER = z_image.Z_IMAGE.part("transformer")


def published(**config: object) -> Shapes:
    """The transformer as it is published alone, of its real sizes or others."""
    said = {**config_of(CONFIGS / TRANSFORMER.config), **config}
    laid = TRANSFORMER.layout(TRANSFORMER.network.tensors(said) or {}, said)
    return {key.removeprefix(TRANSFORMER.prefix): shape for key, shape in laid.items()}


def judged(shapes: Shapes) -> Anatomy:
    return of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))


def test_the_stock_library_makes_the_networks_tensors_of_a_file_of_these() -> None:
    from diffusers.loaders.single_file_utils import (
        convert_z_image_transformer_checkpoint_to_diffusers,
        infer_diffusers_model_type,
    )

    laid = {f"{TRANSFORMER.prefix}{key}": shape for key, shape in published().items()}
    made = {key: torch.empty(shape, device="meta") for key, shape in laid.items()}
    assert infer_diffusers_model_type(made).startswith("z-image-turbo")
    theirs = convert_z_image_transformer_checkpoint_to_diffusers(made)
    ours = TRANSFORMER.network.tensors(config_of(CONFIGS / TRANSFORMER.config))
    assert {key: tuple(tensor.shape) for key, tensor in theirs.items()} == ours


@pytest.mark.parametrize(
    "config", [{}, {"dim": 2304, "n_heads": 18, "n_kv_heads": 18, "n_layers": 12}, {"n_layers": 1}]
)
def test_each_size_is_told_by_its_tensors(config: dict[str, object]) -> None:
    shapes = published(**config)
    told = z_image.told({TRANSFORMER.prefix + key: shape for key, shape in shapes.items()})
    assert {key: told[key] for key in config} == config
    assert judged(shapes).family == "z-image-turbo"


def test_a_transformer_alone_takes_its_encoder_and_vae_from_other_files() -> None:
    lacks = " and ".join(judged(published()).lacks)
    assert all(part.config in lacks for part in z_image.Z_IMAGE.parts if part is not TRANSFORMER)


def test_a_norm_that_does_nothing_is_passed_over() -> None:
    assert judged({**published(), "norm_final.weight": (3840,)}).family == "z-image-turbo"


def test_a_folder_that_looks_at_pictures_is_refused_by_its_name(tmp_path: Path) -> None:
    from tests.given.checkpoints import reason
    from tests.given.tiny import z_image as tiny

    folder = tiny.build(tmp_path / "m" / "omni")
    config = folder / "transformer" / "config.json"
    config.write_text(config.read_text().replace('"siglip_feat_dim": null', '"siglip_feat_dim": 8'))
    assert "siglip_feat_dim" in reason(tmp_path / "m")
