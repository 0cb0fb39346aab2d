"""Claims about parts that are files of their own: found, taken, and written into the recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.draft import complete
from generation.errors import MissingWeights, UnusableWeights
from generation.families.sd3 import SD3
from generation.model_key import model_key, weights_of
from generation.recipe import Weights
from generation.worker.loading import single_file
from generation.worker.loading.loader import opened
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_digest, a_draft, a_recipe
from tests.given.checkpoints import assembled, the_single_file

PREFIXES = {
    "clip_l": "text_encoders.clip_l.transformer.",
    "clip_g": "text_encoders.clip_g.transformer.",
    "t5xxl": "text_encoders.t5xxl.transformer.",
}


def write(folder: Path, *parts: str) -> None:
    """A checkpoint without its text encoders, and those of them that are named, each alone."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors, _ = the_single_file("sd3")
    bare = {k: v for k, v in tensors.items() if not k.startswith("text_encoders.")}
    save_file(bare, folder / "bare.safetensors")
    for part in parts:
        save_file(part_of(tensors, part), folder / f"{part}.safetensors")


def part_of(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = PREFIXES[part]
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def scanned(folder: Path) -> Catalog:
    catalog = Catalog([folder], folder.parent / "digests.json", configs=the_single_file("sd3")[1])
    catalog.scan()
    return catalog


def only_model(folder: Path) -> Entry:
    (entry,) = scanned(folder).models()
    return entry


def test_a_checkpoint_without_its_encoders_takes_those_that_lie_in_the_folders(
    tmp_path: Path,
) -> None:
    write(tmp_path / "m", *PREFIXES)
    catalog = scanned(tmp_path / "m")
    assert catalog.refused() == ()
    assert {e.name for e in catalog.entries("component")} == set(PREFIXES)
    entry = only_model(tmp_path / "m")
    recipe = complete(a_draft(prompt="a cat"), entry.model, seed=1, device="cpu")
    assert [part.name for part in recipe.components] == ["clip_l", "clip_g", "t5xxl"]
    assert recipe.components == tuple(catalog.find(n, "component").weights for n in PREFIXES)


def test_without_t5_it_takes_the_others(tmp_path: Path) -> None:
    write(tmp_path / "m", "clip_l", "clip_g")
    assert [part.name for part in only_model(tmp_path / "m").components] == ["clip_l", "clip_g"]


def test_what_it_cannot_be_without_is_named_all_at_once(tmp_path: Path) -> None:
    write(tmp_path / "m", "t5xxl")
    catalog = scanned(tmp_path / "m")
    assert catalog.models() == ()
    (refused,) = catalog.refused()
    assert "CLIP-L" in refused.reason
    assert "CLIP-G" in refused.reason
    assert "a file of its own" in refused.reason


def test_a_whole_checkpoint_takes_none(tmp_path: Path) -> None:
    write(tmp_path / "m", *PREFIXES)
    (tmp_path / "m" / "bare.safetensors").unlink()
    save_file(the_single_file("sd3")[0], tmp_path / "m" / "whole.safetensors")
    assert only_model(tmp_path / "m").components == ()


def test_of_two_that_could_be_a_part_the_one_with_more_digits_is_and_the_note_says_so(
    tmp_path: Path,
) -> None:
    write(tmp_path / "m", *PREFIXES)
    half = part_of(the_single_file("sd3")[0], "t5xxl")
    save_file(
        {key: tensor.to(torch.float8_e4m3fn) for key, tensor in half.items()},
        tmp_path / "m" / "a-smaller-t5.safetensors",
    )
    entry = only_model(tmp_path / "m")
    assert entry.components[2].name == "t5xxl"
    assert "t5xxl is its third text encoder (T5-XXL), not a-smaller-t5" in entry.note


@pytest.mark.parametrize("damage", ["cut", "other", "more"])
def test_what_is_not_wholly_a_part_is_none(tmp_path: Path, damage: str) -> None:
    write(tmp_path / "m", "clip_l", "clip_g")
    tensors = part_of(the_single_file("sd3")[0], "t5xxl")
    last = "encoder.final_layer_norm.weight"
    if damage == "cut":
        del tensors[last]
    elif damage == "other":
        tensors[last] = torch.zeros(7)
    else:
        tensors["adapter.block.0.weight"] = torch.zeros(7)  # a decoder may lie there
    save_file(tensors, tmp_path / "m" / "t5.safetensors")
    catalog = scanned(tmp_path / "m")
    assert len(catalog.models()) == 1
    assert [refused.name for refused in catalog.refused()] == ["t5.safetensors"]


def assembled_of(folder: Path, *parts: str) -> Model:
    configs = the_single_file("sd3")[1]
    bare = single_file.opened(folder / "bare.safetensors", SD3, "bare", configs=configs)
    others = [
        single_file.opened_component(folder / f"{part}.safetensors", SD3, part, configs=configs)
        for part in parts
    ]
    model = assembled(SD3, torch.float32, bare, others)
    model.residence.enter(torch.device("cpu"), lambda: True)
    return model


@pytest.mark.parametrize("order", [("clip_l", "clip_g", "t5xxl"), ("t5xxl", "clip_g", "clip_l")])
def test_its_numbers_are_those_of_a_whole_checkpoint(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    """So is its picture, as `tests/test_worker_models.py` has it of a whole one."""
    write(tmp_path / "m", *PREFIXES)
    file = tmp_path / "whole.safetensors"
    save_file(the_single_file("sd3")[0], file)
    head = single_file.opened(file, SD3, "whole", configs=the_single_file("sd3")[1])
    whole = assembled(SD3, torch.float32, head)
    whole.residence.enter(torch.device("cpu"), lambda: True)
    model = assembled_of(tmp_path / "m", *order)
    assert list(model.parts) == list(whole.parts)
    assert list(model.parts.tokenizers) == list(whole.parts.tokenizers)
    for name in whole.parts:
        mine, other = model.parts[name].state_dict(), whole.parts[name].state_dict()
        assert mine.keys() == other.keys()
        assert all(torch.equal(mine[key], other[key]) for key in mine)


def test_a_recipe_that_names_too_few_is_refused_by_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "m", *PREFIXES)
    with pytest.raises(UnusableWeights, match="CLIP-G"):
        assembled_of(tmp_path / "m", "clip_l")


def test_a_file_that_is_no_part_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "m", "clip_l", "clip_g")
    (tmp_path / "m" / "clip_g.safetensors").write_bytes(
        (tmp_path / "m" / "bare.safetensors").read_bytes()
    )
    with pytest.raises(UnusableWeights, match="no part"):
        assembled_of(tmp_path / "m", "clip_g")


def test_a_component_that_is_not_here_is_named_before_anything_is_read(tmp_path: Path) -> None:
    entry = loaded.cache_of("sd3").catalog.models()[0]
    gone = Weights(name="t5xxl", sha256=a_digest("7"))
    recipe = a_recipe(family="sd3", checkpoint=entry.weights, components=(gone,))
    with (
        pytest.raises(MissingWeights, match="t5xxl"),
        loaded.cache_of("sd3").take(recipe, on_load=pytest.fail),
    ):
        pass
    write(tmp_path / "m", "clip_l")
    small = (tmp_path / "m" / "clip_l.safetensors",)
    with pytest.raises(UnusableWeights, match=r"t5xxl.*no part"):
        opened(recipe, entry.path, None, small)


def test_its_size_is_that_of_all_its_files(tmp_path: Path) -> None:
    write(tmp_path / "m", *PREFIXES)
    catalog = scanned(tmp_path / "m")
    sizes = sum(file.stat().st_size for file in (tmp_path / "m").iterdir())
    recipe = complete(a_draft(prompt="a cat"), catalog.find("bare").model, seed=1, device="cpu")
    assert sum(map(catalog.size_of, weights_of(model_key(recipe)))) == sizes


def test_a_model_is_another_one_with_another_encoder(tmp_path: Path) -> None:
    """Which numbers are at hand is asked by all the files that they came from."""
    write(tmp_path / "m", *PREFIXES)
    entry = only_model(tmp_path / "m")
    recipe = complete(a_draft(prompt="a cat"), entry.model, seed=1, device="cpu")
    fewer = replace(recipe, components=recipe.components[:2])
    assert recipe.id != fewer.id
    assert model_key(recipe) != model_key(fewer)
