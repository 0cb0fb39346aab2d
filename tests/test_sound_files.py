"""Claims about models of sounds as ComfyUI has them: a checkpoint, with a text encoder beside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.catalog.catalog import Catalog
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.family import FAMILIES
from generation.worker.engines import stable_audio
from generation.worker.loading import single_file
from generation.worker.parts import Parts
from generation.worker.render import render
from generation.worker.text import pieces, t5
from tests.given import loaded, tinymodels
from tests.given.checkpoints import loaded as numbers_of
from tests.given.checkpoints import the_single_file
from tests.given.splitfiles import model_of
from tests.given.thinmodels import architecture as build_of
from tests.given.tiny.lumina2 import PIECES

WORDS = {
    "ace-step": "text_encoders.qwen3_06b.transformer.",
    "stable-audio": "text_encoders.t5base.transformer.",
    "stable-audio-3": "text_encoders.t5gemma.transformer.",
}


def published(architecture: str, folder: Path) -> Path:
    """The files as they are downloaded: what draws, a VAE where it is apart, and what reads."""
    tensors, _ = the_single_file(architecture)
    found: dict[str, dict[str, torch.Tensor]] = {"drawing": {}, "words": {}, "vae": {}}
    for key, tensor in tensors.items():
        if key.startswith(WORDS[architecture]):
            found["words"][key.removeprefix(WORDS[architecture])] = tensor.clone()
        elif key.startswith("vae."):
            found["vae"][key.removeprefix("vae.")] = tensor.clone()
        else:
            found["drawing"][key.removeprefix("model.diffusion_model.")] = tensor.clone()
    folder.mkdir()
    for name, mine in found.items():
        if mine:
            save_file(mine, folder / f"{name}.safetensors")
    return folder


def scanned(architecture: str, folder: Path) -> Catalog:
    catalog = Catalog(
        [folder], folder.parent / "digests.json", configs=the_single_file(architecture)[1]
    )
    catalog.scan()
    return catalog


@pytest.mark.parametrize("architecture", tinymodels.SOUNDS)
def test_a_checkpoint_with_its_text_encoder_beside_it_makes_the_folders_sound(
    architecture: str, tmp_path: Path
) -> None:
    folder = published(architecture, tmp_path / "m")
    catalog = scanned(architecture, folder)
    assert catalog.refused() == ()
    (entry,) = catalog.models()
    built = entry.model.family.architecture
    assert built is build_of(architecture)
    assert "text encoder" in entry.note or "T5" in entry.note
    files = {"text_encoder": folder / "words.safetensors", "vae": folder / "vae.safetensors"}
    there = {name: file for name, file in files.items() if file.exists()}
    model = model_of(architecture, {built.denoiser.name: folder / "drawing.safetensors"} | there)
    recipe = loaded.recipe_of(architecture)
    ours = render(recipe, (), model, on_step=lambda *_: None)
    theirs = render(recipe, (), loaded.model(architecture), on_step=lambda *_: None)
    assert ours.latents_sha256 == theirs.latents_sha256
    assert ours.content == theirs.content


def test_the_silence_that_comfyuis_files_lack_is_as_long_as_ten_minutes() -> None:
    """Four frames with which silence begins, and one that it goes on with."""
    file = CONFIGS / "ace-step" / "condition_encoder" / "silence_latent.json"
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert [len(row) for row in rows] == [64] * 5
    assert config_of(file.parent)["timbre_hidden_dim"] == 64


def test_a_silence_that_a_file_has_is_taken_from_it(tmp_path: Path) -> None:
    tensors, _ = the_single_file("ace-step")
    own = {"model.diffusion_model.encoder.silence_latent": torch.randn(1, 15_000, 8)}
    (silence,) = (
        tensor
        for key, tensor in numbers_of(tensors | own, "ace-step", tmp_path).items()
        if key.endswith(".silence_latent")
    )
    assert torch.equal(silence, *own.values())


def test_a_plan_of_a_song_beside_it_is_passed_over(tmp_path: Path) -> None:
    """ComfyUI's file of all parts has the language model that plans."""
    tensors, configs = the_single_file("ace-step")
    more = {"text_encoders.qwen3_2b.transformer.model.norm.weight": torch.ones(4)}
    save_file({k: t.contiguous() for k, t in (tensors | more).items()}, tmp_path / "x.safetensors")
    opened = single_file.opened(
        tmp_path / "x.safetensors", build_of("ace-step"), "x", configs=configs
    )
    assert len(opened.parts) == len(build_of("ace-step").parts)


def test_the_small_stable_audio_3_is_named_when_it_is_refused(tmp_path: Path) -> None:
    folder = published("stable-audio-3", tmp_path / "m")
    file = folder / "drawing.safetensors"
    tensors = load_file(file) | {
        "pretransform.model.encoder.layers.0.new_tokens": torch.ones(1, 1, 768)
    }
    save_file(tensors, file)
    (refused,) = (one for one in scanned("stable-audio-3", folder).refused())
    assert "the small Stable Audio 3" in refused.reason


def test_a_base_of_stable_audio_3_is_told_by_a_card(tmp_path: Path) -> None:
    folder = published("stable-audio-3", tmp_path / "m")
    (folder / "drawing.safetensors.atelier.toml").write_text('family = "stable-audio-3-base"\n')
    (entry,) = scanned("stable-audio-3", folder).models()
    assert entry.model.family is FAMILIES["stable-audio-3-base"]


def test_t5s_words_of_a_file_are_filled_up_as_a_folders() -> None:
    """Our tokenizer says 512, as most who read by T5 have it; a folder of this model says 128."""
    tokenizer = t5.tokenizer()
    words = Parts(modules={}, tokenizers={"text_encoder": tokenizer})
    assert stable_audio.counted(words, "rain") == 128
    assert stable_audio.counted(words, "rain " * 200) > 200


def test_t5gemma_begins_with_the_first_word() -> None:
    one, other = pieces.t5gemma(PIECES, "x"), pieces.gemma(PIECES, "x")
    assert other("a cat").input_ids[1:] == one("a cat").input_ids
    assert one.bos_token_id not in one("a cat").input_ids
