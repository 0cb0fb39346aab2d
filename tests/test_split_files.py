"""Split files: a denoiser, text encoders and a VAE that lie alone draw what they draw together."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.catalog.candidates import candidates
from generation.catalog.catalog import Catalog
from generation.catalog.digests import Digests
from generation.catalog.entry import Entry
from generation.draft import complete
from generation.fleet.cluster import manifest
from generation.recipe import Recipe
from generation.worker.loading import single_file
from generation.worker.render import render
from tests.given import loaded, thinmodels, tinymodels
from tests.given.builders import a_draft
from tests.given.checkpoints import the_single_file
from tests.given.splitfiles import Spelling, heads, in_shards, model_of, split
from tests.given.thinmodels import architecture as build_of
from tests.given.thinmodels import configs, write_file

CPU = torch.device("cpu")
DENOISER = "model.diffusion_model."
THIN = {
    "sd1": thinmodels.SD15,
    "sd2": thinmodels.SD2,
    "sdxl": thinmodels.SDXL,
    "sdxl-refiner": thinmodels.REFINER,
}
PREFIXES = ("", DENOISER, "diffusion_model.", "transformer.", "unet.", "net.")

each = pytest.mark.parametrize("architecture", tinymodels.BUILDS)


# Folders' names are told by their configs, for all alike: most are drawn by `make test-all`.
AS_FOLDERS = {"sd1", "sdxl", "sd3", "flux1", "wan", "ltx-video"}


@pytest.mark.parametrize(
    ("architecture", "spelling"),
    [
        *((name, "single file") for name in tinymodels.BUILDS),
        *(
            pytest.param(name, "folder", marks=() if name in AS_FOLDERS else pytest.mark.slow)
            for name in tinymodels.BUILDS
        ),
    ],
)
def test_split_files_draw_the_picture_of_the_folder(
    architecture: str, spelling: Spelling, tmp_path: Path
) -> None:
    """As a single file does: `tests/test_worker_models.py`."""
    files = split(architecture, tmp_path / "split", spelling)
    assert files.keys() == loaded.model(architecture).parts.modules.keys()
    recipe = loaded.recipe_of(architecture)
    whole = render(recipe, (), loaded.model(architecture), on_step=lambda *_: None)
    parts = render(recipe, (), model_of(architecture, files), on_step=lambda *_: None)
    assert parts.latents_sha256 == whole.latents_sha256
    assert parts.content == whole.content


@each
@pytest.mark.parametrize("before", PREFIXES)
def test_a_denoiser_is_read_behind_any_prefix_that_programs_give_it(
    architecture: str, before: str, tmp_path: Path
) -> None:
    built, given = build_of(architecture), the_single_file(architecture)[1]
    files = split(architecture, tmp_path / "split", "single file", before)
    head = single_file.opened(files[built.denoiser.name], built, "x", configs=given)
    assert head.parts == (built.denoiser,)
    assert len(head.reading.used) == len(head.file.header.shapes)


def test_parts_in_shards_have_the_numbers_of_whole_ones(tmp_path: Path) -> None:
    files = split("sd3", tmp_path / "split", "folder")
    indices = {name: in_shards(file) for name, file in files.items()}
    mine, whole = model_of("sd3", indices), loaded.model("sd3")
    for name in whole.parts:
        ours, theirs = mine.parts[name].state_dict(), whole.parts[name].state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


# What the catalog makes of them.


def catalog_of(folder: Path, given: Path) -> Catalog:
    catalog = Catalog([folder], folder.parent / "digests.json", configs=given)
    catalog.scan()
    return catalog


def of_sd3(folder: Path, spelling: Spelling = "single file") -> Catalog:
    if not folder.exists():
        split("sd3", folder, spelling)
    return catalog_of(folder, the_single_file("sd3")[1])


def only_model(catalog: Catalog) -> Entry:
    assert catalog.refused() == ()
    (entry,) = catalog.models()
    return entry


def recipe_of(entry: Entry, **model: Any) -> Recipe:
    checkpoint = replace(entry.model, **model)
    return complete(a_draft(prompt="a cat"), checkpoint, seed=1, device="cpu")


@pytest.mark.parametrize("spelling", ["single file", "folder"])
def test_a_transformer_alone_takes_all_that_it_lacks_from_the_folder(
    spelling: Spelling, tmp_path: Path
) -> None:
    catalog = of_sd3(tmp_path / "m", spelling)
    entry = only_model(catalog)
    assert (entry.name, entry.family) == ("transformer", "sd3")
    names = [weights.name for weights in recipe_of(entry).components]
    assert names == ["text_encoder", "text_encoder_2", "text_encoder_3", "vae"]
    assert "vae is its VAE" in entry.note
    assert {e.kind for e in catalog.entries()} == {"checkpoint", "component", "vae"}


def test_a_vae_that_somebody_names_takes_the_place_of_the_one_that_was_found(
    tmp_path: Path,
) -> None:
    entry = only_model(of_sd3(tmp_path / "m"))
    other = entry.weights  # any
    recipe = recipe_of(entry, vae=other)
    assert recipe.vae == other
    assert entry.vae_apart not in recipe.components


def thin(name: str, folder: Path, before: str = "") -> Path:
    """A thin model as split files; returns that of its UNet."""
    whole = THIN[name]
    for part in build_of(name).parts:
        begin = before if part.prefix == DENOISER else ""
        alone = {
            begin + k.removeprefix(part.prefix): s for k, s in whole.items() if part.prefix in k
        }
        write_file(folder / f"{part.name}.safetensors", alone)
    return folder / "unet.safetensors"


@pytest.mark.parametrize("name", ["sd1", "sd2", "sdxl", "sdxl-refiner"])
@pytest.mark.parametrize("before", PREFIXES)
def test_a_unet_alone_is_told_by_its_tensors(name: str, before: str, tmp_path: Path) -> None:
    file = thin(name, tmp_path / "m", before)
    if name == "sd2":
        card = file.with_name(f"{file.name}.atelier.toml")
        card.write_text('prediction = "v_prediction"\n')
    entry = only_model(catalog_of(tmp_path / "m", configs()))
    assert entry.model.family.architecture is build_of(name)
    assert entry.vae_apart is not None
    assert len(entry.components) == len(build_of(name).parts) - 2


@pytest.mark.parametrize("name", ["sd1", "sdxl", "sdxl-refiner"])
def test_a_unet_in_diffusers_names_is_told_by_its_tensors(name: str, tmp_path: Path) -> None:
    for part, (_, shapes) in thinmodels.parts(name).items():
        write_file(tmp_path / "m" / part / "model.safetensors", shapes)
    entry = only_model(catalog_of(tmp_path / "m", configs()))
    assert entry.model.family.architecture is build_of(name)
    assert entry.vae_apart is not None


def test_the_folders_of_parts_are_read_where_the_model_index_is_not_there(tmp_path: Path) -> None:
    """As somebody has them who fetched some of a model's folders only."""
    shutil.copytree(tinymodels.of("sd3"), tmp_path / "m" / "any")
    (tmp_path / "m" / "any" / "model_index.json").unlink()
    catalog = of_sd3(tmp_path / "m")
    entry = only_model(catalog)
    assert entry.path.parent.name == "transformer"
    recipe, names = recipe_of(entry), ["text_encoder", "text_encoder_2", "text_encoder_3", "vae"]
    found = map(catalog.locate, recipe.components)
    files = {"transformer": entry.path, **dict(zip(names, found, strict=True))}
    assert files["vae"].is_dir()
    assert heads("sd3", files).parts == build_of("sd3").parts


def test_the_folder_of_a_text_encoder_that_sees_is_one_where_it_cannot_describe(
    tmp_path: Path,
) -> None:
    """Of a whole model's folders it has no tokenizer; with one it describes pictures."""
    shutil.copytree(tinymodels.of("qwen-image") / "text_encoder", tmp_path / "m" / "any")
    (only,) = candidates([tmp_path / "m"], [])
    assert only.name == "model.safetensors"
    (tmp_path / "m" / "any" / "tokenizer.json").write_text("{}")
    (only,) = candidates([tmp_path / "m"], [])
    assert only.name == "any"


def test_what_is_missing_is_said_with_its_usual_name(tmp_path: Path) -> None:
    files = split("sd3", tmp_path / "m", "single file")
    for name in ("text_encoder", "vae", "text_encoder_3"):
        files[name].unlink()
    catalog = of_sd3(tmp_path / "m")
    assert catalog.models() == ()
    (refused,) = catalog.refused()
    assert refused.reason == (
        "a checkpoint without its VAE: sd3_vae.safetensors; "
        "its first text encoder (CLIP-L): clip_l.safetensors; "
        "each may be a file of its own in a model folder"
    )


@pytest.mark.parametrize("part", ["transformer", "text_encoder_2", "vae"])
@pytest.mark.parametrize("spelling", ["single file", "folder"])
def test_half_a_file_is_refused_by_what_is_missing(
    part: str, spelling: Spelling, tmp_path: Path
) -> None:
    file = split("sd3", tmp_path / "m", spelling)[part]
    tensors = load_file(file)
    gone = sorted(key for key in tensors if ".1." in key)
    save_file({k: t for k, t in tensors.items() if k not in gone[: len(gone) // 2]}, file)
    refused = [r.reason for r in of_sd3(tmp_path / "m").refused() if r.name == file.name]
    assert "missing, such as" in refused[0]
    assert build_of("sd3").part(part).title in refused[0]


def test_a_pickle_is_refused_and_takes_no_part(tmp_path: Path) -> None:
    files = split("sd3", tmp_path / "m", "single file")
    files["text_encoder"].rename(tmp_path / "m" / "clip_l.bin")
    reasons = {r.name: r.reason for r in of_sd3(tmp_path / "m").refused()}
    assert "pickle" in reasons["clip_l.bin"]
    assert "clip_l.safetensors" in reasons["transformer"]


# Shards.


def test_shards_are_one_entry_by_their_index(tmp_path: Path) -> None:
    files = split("sd3", tmp_path / "m", "folder")
    for file in files.values():
        in_shards(file)
    catalog = of_sd3(tmp_path / "m")
    entry = only_model(catalog)
    assert entry.name == "transformer"
    assert {e.name for e in catalog.entries()} == files.keys()
    sizes = sum(e.size_bytes for e in catalog.entries())
    assert sizes == sum(f.stat().st_size for f in (tmp_path / "m").glob("*.safetensors"))
    assert catalog.locate(entry.weights) == entry.path


def test_other_numbers_in_a_shard_are_other_weights(tmp_path: Path) -> None:
    index = in_shards(split("sd3", tmp_path / "m", "folder")["transformer"])
    before = only_model(of_sd3(tmp_path / "m")).weights
    shard = min(index.parent.glob("transformer-*"))
    save_file({key: tensor + 1 for key, tensor in load_file(shard).items()}, shard)
    assert only_model(of_sd3(tmp_path / "m")).weights.sha256 != before.sha256


def test_a_node_is_told_of_all_shards_and_finds_the_same_weights_in_them(tmp_path: Path) -> None:
    split("sd3", tmp_path / "m", "folder")
    in_shards(tmp_path / "m" / "transformer.safetensors")
    entry = only_model(of_sd3(tmp_path / "m"))
    told = manifest.of(entry.path, Digests(tmp_path / "digests.json"))
    assert manifest.parse(manifest.dump(told), entry.weights.sha256) == told
    files = [manifest.home_of(entry.path) / part.path for part in told.parts]
    assert [file.name for file in files if file.suffix == ".json"] == [entry.path.name]
    assert len(files) == 4
    assert all(file.is_file() for file in files)


def test_a_missing_shard_is_said_once(tmp_path: Path) -> None:
    index = in_shards(split("sd3", tmp_path / "m", "folder")["transformer"])
    min(index.parent.glob("transformer-*")).unlink()
    reasons = {r.name: r.reason for r in of_sd3(tmp_path / "m").refused()}
    assert reasons == {index.name: "1 of its 3 shards are missing"}


def test_a_shard_without_its_index_is_refused_as_one(tmp_path: Path) -> None:
    in_shards(split("sd3", tmp_path / "m", "folder")["transformer"]).unlink()
    reasons = [r.reason for r in of_sd3(tmp_path / "m").refused()]
    assert reasons == ["a shard whose index (.safetensors.index.json) is missing"] * 3


# What the owner of a file reads.


def test_what_a_file_may_also_be_is_said_unless_its_card_says_it(tmp_path: Path) -> None:
    split("flux1", tmp_path / "m", "single file")
    given = the_single_file("flux1")[1]
    entry = only_model(catalog_of(tmp_path / "m", given))
    assert "by its tensors FLUX.1 dev, and FLUX.1 Krea and FLUX.1 Kontext" in entry.note
    assert 'family = "flux1-kontext"' in entry.note
    (vae,) = catalog_of(tmp_path / "m", given).entries("vae")
    assert vae.note == ""  # the only one of its shape here
    card = tmp_path / "m" / "transformer.safetensors.atelier.toml"
    card.write_text('family = "flux1-kontext"\n')
    entry = only_model(catalog_of(tmp_path / "m", given))
    assert (entry.family, "by its tensors" in entry.note) == ("flux1-kontext", False)


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ({"modelspec.architecture": "flux-1-kontext-dev"}, "flux1-kontext"),
        ({"modelspec.architecture": "Flux.1-Krea/lora"}, "flux1-krea"),
        ({"ss_base_model_version": "FLUX 1 Kontext"}, "flux1-kontext"),
        ({"modelspec.architecture": "flux-1-dev"}, "flux1-dev"),
        ({"comment": "krea"}, "flux1-dev"),
    ],
)
def test_a_mark_in_the_metadata_tells_families_of_the_same_tensors(
    said: dict[str, str], family: str, tmp_path: Path
) -> None:
    file = split("flux1", tmp_path / "m", "folder")["transformer"]
    save_file(load_file(file), file, metadata=said)
    entry = only_model(catalog_of(tmp_path / "m", the_single_file("flux1")[1]))
    assert entry.family == family


def test_a_vae_that_may_be_of_several_says_whose_it_may_be(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "any.safetensors", thinmodels.VAE)
    (vae,) = catalog_of(tmp_path / "m", configs()).entries()
    assert vae.note.startswith("by its tensors the VAE of Stable Diffusion 1.x or Stable Diffusion")
    (tmp_path / "m" / "any.safetensors.atelier.toml").write_text('family = "sdxl"\n')
    (vae,) = catalog_of(tmp_path / "m", configs()).entries()
    assert vae.note == ""


# Which of several is taken.


def two_vaes(folder: Path, **sizes: torch.dtype) -> dict[str, Path]:
    """An SD3 whose VAE lies there as these files."""
    files = split("sd3", folder, "single file")
    tensors = load_file(files["vae"])
    files["vae"].unlink()
    found = {}
    for name, dtype in sizes.items():
        found[name] = folder / f"{name}.safetensors"
        save_file({key: tensor.to(dtype) for key, tensor in tensors.items()}, found[name])
    return found


def vae_of(folder: Path) -> tuple[str, str]:
    entry = only_model(of_sd3(folder))
    assert entry.vae_apart is not None
    return entry.vae_apart.name, entry.note


def test_of_two_vaes_the_larger_is_taken_and_the_note_says_so(tmp_path: Path) -> None:
    two_vaes(tmp_path / "m", alpha=torch.float16, beta=torch.float32)
    name, note = vae_of(tmp_path / "m")
    assert name == "beta"
    assert "beta is its VAE, not alpha: it is the largest" in note


def test_of_two_alike_the_first_by_its_name_is_taken(tmp_path: Path) -> None:
    two_vaes(tmp_path / "m", beta=torch.float16, alpha=torch.float16)
    name, note = vae_of(tmp_path / "m")
    assert name == "alpha"
    assert "the first by its name" in note


def test_a_vae_that_is_called_as_usual_is_taken_before_a_larger_one(tmp_path: Path) -> None:
    """Shapes do not tell whose VAE it is."""
    two_vaes(tmp_path / "m", alpha=torch.float32, sd3_vae=torch.float16)
    assert vae_of(tmp_path / "m")[0] == "sd3_vae"


def test_a_vaes_card_comes_before_its_name(tmp_path: Path) -> None:
    files = two_vaes(tmp_path / "m", alpha=torch.float16, sd3_vae=torch.float32)
    files["alpha"].with_name("alpha.safetensors.atelier.toml").write_text('family = "sd3"\n')
    assert vae_of(tmp_path / "m")[0] == "alpha"


@pytest.mark.parametrize(
    "said", ['components = ["alpha"]', 'components = "Alpha"', 'vae = "alpha"']
)
def test_a_checkpoints_card_comes_before_all(said: str, tmp_path: Path) -> None:
    two_vaes(tmp_path / "m", alpha=torch.float16, sd3_vae=torch.float32)
    (tmp_path / "m" / "transformer.safetensors.atelier.toml").write_text(f"{said}\n")
    name, note = vae_of(tmp_path / "m")
    assert name == "alpha"
    assert "alpha is its VAE, not sd3_vae: its card says so" in note


def test_a_component_that_a_card_names_and_that_is_not_here_is_said(tmp_path: Path) -> None:
    split("sd3", tmp_path / "m", "single file")
    card = tmp_path / "m" / "transformer.safetensors.atelier.toml"
    card.write_text('components = ["qwen"]\n')
    (refused,) = of_sd3(tmp_path / "m").refused()
    assert refused.reason == "its card's component 'qwen' is not here, or is none of its parts"
    card.write_text("components = [7]\n")
    (refused,) = of_sd3(tmp_path / "m").refused()
    assert "gives no names as components" in refused.reason


def test_a_vae_of_another_family_is_not_taken(tmp_path: Path) -> None:
    """It has the same shapes, and a card that says so."""
    thin("sd1", tmp_path / "m")
    (tmp_path / "m" / "vae.safetensors.atelier.toml").write_text('family = "sdxl"\n')
    (refused,) = catalog_of(tmp_path / "m", configs()).refused()
    assert "vae does not fit: its card says that it is of Stable Diffusion XL" in refused.reason
