"""What every architecture keeps, so that files are told apart and parts do not mix."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from generation.catalog import strangers
from generation.catalog.checkpoint import expected_tensors, laid_out
from generation.catalog.header import read_header
from generation.catalog.partconfigs import CONFIGS
from generation.families.architecture import Architecture, Config, Shapes
from generation.families.family import ARCHITECTURES, FAMILIES
from generation.tasks import AUDIO, MESH
from tests.given import tinymodels
from tests.given.singlefiles import write

OWN = [one for one in ARCHITECTURES if not one.borrows]  # that files are of
every = pytest.mark.parametrize("one", OWN, ids=lambda one: one.name)


def shapes_of(one: Architecture) -> Shapes:
    """A whole single file's: the published one's, or a tiny one's where sizes are many."""
    if all((CONFIGS / part.config / "config.json").is_file() for part in one.parts):
        return expected_tensors(one)
    file = tinymodels.home() / f"whole-{one.name}.safetensors"
    if not file.exists():
        write(one.name, tinymodels.of(one.name), file)
    return read_header(file, one.name).shapes


def config_of_denoiser(one: Architecture) -> Config:
    """The same of a folder's denoiser."""
    published = CONFIGS / one.denoiser.config / "config.json"
    tiny = tinymodels.of(one.name) / one.denoiser.name / "config.json"
    found: Config = json.loads((published if published.is_file() else tiny).read_text("utf-8"))
    return found


@every
def test_a_whole_file_is_of_one_architecture_and_no_stranger(one: Architecture) -> None:
    shapes = shapes_of(one)
    assert [other.name for other in ARCHITECTURES if other.recognise(shapes)] == [one.name]
    assert strangers.architecture(shapes) is None


@every
def test_a_folder_is_of_one_architecture_and_no_stranger(one: Architecture) -> None:
    if not one.pipelines:  # no folder is of it
        return
    config = config_of_denoiser(one)
    assert [other.name for other in ARCHITECTURES if other.recognise_folder(config)] == [one.name]
    index = json.loads((tinymodels.of(one.name) / "model_index.json").read_text("utf-8"))
    assert one.is_pipeline(index["_class_name"])
    assert strangers.pipeline(index["_class_name"]) is None


@every
def test_a_checkpoint_without_a_card_is_of_a_family_of_its_architecture(one: Architecture) -> None:
    assert FAMILIES[one.family].architecture is one


@every
def test_no_part_takes_anothers_tensors_or_folder(one: Architecture) -> None:
    assert len({part.name for part in one.parts}) == len(one.parts)
    for mine, other in permutations(one.parts, 2):
        assert other is one.denoiser or not mine.prefix.startswith(other.prefix)
    for key in shapes_of(one):
        assert any(key.startswith(part.prefix) for part in one.parts), key
    alone = [laid_out(part, CONFIGS, {}) for part in one.parts]
    assert sum(map(len, alone)) == len(shapes_of(one))


@every
def test_on_its_grid_a_picture_has_whole_latents(one: Architecture) -> None:
    if one.medium in (AUDIO, MESH):
        return
    config = json.loads((CONFIGS / one.vae.config / "config.json").read_text("utf-8"))
    keys = ("block_out_channels", "dim_mult", "encoder_block_out_channels")
    levels = next(config[key] for key in keys if key in config)
    assert config.get("latent_channels", config.get("z_dim")) == one.latent_channels
    assert one.grid % 2 ** (len(levels) - 1) == 0
