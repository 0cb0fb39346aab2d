"""What an owner says of a model is in its pictures' recipes, or its card is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generation.draft import complete
from generation.recipe import dump, needed, parse
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import render
from tests.given import tinymodels
from tests.given.builders import a_draft, changed
from tests.given.checkpoints import only, reason, recipe_for, scanned, zero_snr_folder
from tests.given.thinmodels import SD15, SDXL, VAE, write_file

CPU = torch.device("cpu")


def test_a_card_says_what_a_file_does_not(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "x.safetensors", SDXL)
    card = tmp_path / "m" / "x.safetensors.atelier.toml"
    card.write_text('prediction = "v_prediction"\nnoise = "scaled-linear-zsnr"\n')
    entry = only(tmp_path / "m")
    recipe = recipe_for(entry, width=512, height=512)
    assert (needed(recipe.sampling).prediction, needed(recipe.sampling).noise) == (
        "v_prediction",
        "scaled-linear-zsnr",
    )
    assert needed(recipe.sampling).sigmas[0] == pytest.approx(4096, abs=0.01)
    assert parse(dump(recipe)) == recipe
    assert changed(recipe, prediction=None).id != recipe.id != changed(recipe, noise=None).id


def test_a_card_says_what_is_usual_for_its_model_so_nobody_need_know(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "x.safetensors", SD15)
    card = tmp_path / "m" / "x.safetensors.atelier.toml"
    card.write_text('steps = 4\ncfg = 1\nsampler = "LCM"\nnegative = "blur"\nheight = 768\n')
    model = only(tmp_path / "m").model
    recipe = complete(a_draft(prompt="a cat", steps=6), model, seed=1, device="cpu")
    sampling, canvas = needed(recipe.sampling), needed(recipe.canvas)
    assert (sampling.steps, sampling.cfg, sampling.sampler) == (6, 1.0, "lcm")
    assert sampling.scheduler == model.family.scheduler
    assert (canvas.width, canvas.height) == (512, 768)
    assert needed(recipe.words).negative_prompt == "blur"


def test_a_card_of_what_is_no_checkpoint_says_no_settings(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "x.safetensors", VAE)
    (tmp_path / "m" / "x.safetensors.atelier.toml").write_text("steps = 4\n")
    assert "no checkpoint" in reason(tmp_path / "m")


def test_a_cards_prediction_and_noise_decide_the_picture(tmp_path: Path) -> None:
    """The same picture as from a folder that says it of itself."""
    said = zero_snr_folder(tmp_path / "said" / "x")
    silent = tinymodels.build_sd15(tmp_path / "silent" / "x")
    card = 'family = "starter"\nprediction = "v_prediction"\nnoise = "scaled-linear-zsnr"\n'
    (silent / "atelier.toml").write_text(card)
    drawn = []
    for folder in (said, silent):
        catalog = scanned(folder)
        recipe = recipe_for(catalog.models()[0], steps=3)
        with ModelCache(catalog, CPU, None).take(recipe, on_load=lambda _: None) as model:
            drawn.append(render(recipe, (), model, on_step=lambda *_: None).latents_sha256)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ('predicton = "v_prediction"', "predicton"),
        ('prediction = "velocity"', "velocity"),
        ("prediction = true", "prediction"),
        ('noise = "pink"', "pink"),
        ('vae = "nowhere"', "nowhere"),
        ('family = "sdxl"', "sdxl"),
        ('kind = "lora"', "cannot be drawn"),
        ('steps = "many"', "whole number"),
        ("steps = true", "whole number"),
        ("steps = 151", "1 to 150"),
        ("cfg = []", "number"),
        ('sampler = "eulr"', "sampler"),
        ("width = 100", "size"),
        ("clip_skip = 40", "clip_skip"),
        ("denoise = 2.0", "denoise"),
        ("count = 2", "count"),
    ],
)
def test_a_card_that_cannot_be_followed_refuses_the_file(
    tmp_path: Path, card: str, said: str
) -> None:
    write_file(tmp_path / "m" / "x.safetensors", SD15)
    (tmp_path / "m" / "x.safetensors.atelier.toml").write_text(card)
    assert said in reason(tmp_path / "m")


def test_a_prediction_of_a_vae_is_refused(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "x.safetensors", VAE)
    (tmp_path / "m" / "x.safetensors.atelier.toml").write_text('prediction = "epsilon"')
    assert "no checkpoint" in reason(tmp_path / "m")
