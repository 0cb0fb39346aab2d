"""A denoiser in a GGUF file, beside text encoders and a VAE, draws what its numbers draw."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from generation.catalog.catalog import Catalog
from generation.families.architecture import Stage
from generation.worker.packed import PackedLinear
from generation.worker.render import render
from tests.given import loaded, quantising, tinymodels
from tests.given.checkpoints import the_single_file
from tests.given.splitfiles import model_of, split
from tests.given.thinmodels import architecture as build_of

WIDE = ("sd3", "flux1")


def quantised_keys(file: Path) -> set[str]:
    return {
        key
        for key, one in load_file(file).items()
        if key.endswith(".weight") and one.ndim == 2 and one.shape[1] % 32 == 0
    }


@pytest.mark.parametrize("architecture", [one for one in WIDE if one in tinymodels.BUILDS])
@pytest.mark.parametrize("kind", ["Q4_0", "Q8_0"])
def test_a_gguf_denoiser_draws_what_its_numbers_draw(
    architecture: str, kind: str, tmp_path: Path
) -> None:
    files = split(architecture, tmp_path / "split", "single file")
    denoiser = files[build_of(architecture).denoiser.name]
    tensors, keys = load_file(denoiser), quantised_keys(denoiser)
    assert len(keys) > 5
    plain = tmp_path / "plain.safetensors"
    save_file(quantising.meant_by_gguf(tensors, kind, keys), plain)
    packed = quantising.write_gguf(tmp_path / "packed.gguf", tensors, kind, keys)
    recipe = loaded.recipe_of(architecture)
    drawn = []
    for file in (plain, packed):
        model = model_of(architecture, {**files, build_of(architecture).denoiser.name: file})
        drawn.append(render(recipe, (), model, on_step=lambda *_: None))
    assert drawn[0].latents_sha256 == drawn[1].latents_sha256
    layers = [one for one in model.denoiser.modules() if isinstance(one, PackedLinear)]
    assert len(layers) > 5
    (part,) = model.at(Stage.DENOISE)
    assert part.bytes < 2 * packed.stat().st_size  # tiny layers are mostly biases and norms


def test_a_gguf_file_lies_in_the_catalog_as_others_do(tmp_path: Path) -> None:
    files = split("sd3", tmp_path / "m", "single file")
    denoiser = files.pop("transformer")
    keys = quantised_keys(denoiser)
    quantising.write_gguf(tmp_path / "m" / "medium.gguf", load_file(denoiser), "Q8_0", keys)
    denoiser.unlink()
    given = the_single_file("sd3")[1]
    catalog = Catalog([tmp_path / "m"], tmp_path / "digests.json", configs=given)
    catalog.scan()
    (entry,) = catalog.models()
    assert (entry.name, entry.family) == ("medium.gguf", "sd3")
    assert catalog.refused() == ()
