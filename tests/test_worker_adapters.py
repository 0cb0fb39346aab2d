"""Claims about LoRAs and embeddings: the recipe's, in its order, and none besides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.catalog import recognition
from generation.errors import UnusableWeights
from generation.limits import ADAPTERS
from generation.recipe import Adapter, Recipe, Sha256, Weights
from generation.worker.adapters.switching import switch, taught
from generation.worker.adapters.table import KINDS
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import changed
from tests.given.loaded import clips
from tests.given.loras import lora_tensors


def test_the_kinds_that_are_let_in_are_found_and_put_on() -> None:
    assert set(ADAPTERS) == KINDS.keys()
    others = {"checkpoint", "component", "vae", "upscaler", "segmenter", "captioner", "scorer"}
    assert {*others, *ADAPTERS} == set(recognition.KINDS)


class Drawer:
    """A folder with adapter files, and a model of its own that they are loaded into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Path] = {}
        catalog = loaded.cache_of().catalog
        from generation.worker.memory.model_cache import ModelCache

        cache = ModelCache(catalog, torch.device("cpu"), None)
        self.recipe: Recipe = loaded.recipe_of("sd1")
        with cache.take(self.recipe, on_load=lambda _: None) as model:
            self.model: Model = model

    def lora(self, name: str, tensors: Mapping[str, Tensor], strength: float = 1.0) -> Adapter:
        return self._adapter("lora", name, tensors, strength)

    def embedding(self, name: str, tensors: Mapping[str, Tensor]) -> Adapter:
        return self._adapter("embedding", name, tensors, 1.0)

    def _adapter(
        self, kind: str, name: str, tensors: Mapping[str, Tensor], strength: float
    ) -> Adapter:
        file = self.folder / f"{name}.safetensors"
        save_file(dict(tensors), file)
        digest = Sha256(hashlib.sha256(file.read_bytes()).hexdigest())
        self.files[digest] = file
        return Adapter(
            kind=kind, weights=Weights(name=name, sha256=digest), strength=strength, control=None
        )

    def locate(self, weights: Weights) -> Path:
        return self.files[weights.sha256]

    def draw(self, *adapters: Adapter, prompt: str = "a red cat") -> str:
        recipe = changed(self.recipe, adapters=adapters, prompt=prompt)
        switch(self.model, recipe, self.locate)
        learned = taught(self.model, recipe, self.locate).words
        raster = render(recipe, (), self.model, on_step=lambda *_: None, learned=learned)
        return raster.latents_sha256


@pytest.fixture
def drawer(tmp_path: Path) -> Drawer:
    return Drawer(tmp_path)


def test_a_lora_changes_the_picture_and_leaves_no_trace(drawer: Drawer) -> None:
    plain = drawer.draw()
    ink = drawer.lora("ink", lora_tensors(1))
    inked = drawer.draw(ink)
    assert inked != plain
    assert drawer.draw() == plain
    assert drawer.draw(ink) == inked
    assert drawer.draw(replace(ink, strength=0.5)) not in (plain, inked)
    assert drawer.draw(ink) == inked


def test_what_was_loaded_before_decides_nothing(drawer: Drawer, tmp_path: Path) -> None:
    ink, wash = drawer.lora("ink", lora_tensors(1)), drawer.lora("wash", lora_tensors(2), 0.7)
    drawer.draw(ink)
    late = drawer.draw(wash)
    both = drawer.draw(wash, ink)
    (tmp_path / "fresh").mkdir()
    fresh = Drawer(tmp_path / "fresh")
    fresh.files = drawer.files
    assert fresh.draw(wash) == late
    assert fresh.draw(wash, ink) == both


def test_a_lora_of_which_no_layer_is_known_is_refused(drawer: Drawer) -> None:
    """Trap: diffusers accepts it with 0 layers."""
    strange = {
        "diffusion_model.blocks.0.lora_A.weight": torch.ones(2, 4),
        "diffusion_model.blocks.0.lora_B.weight": torch.ones(4, 2),
    }
    with pytest.raises(UnusableWeights, match=r"strange: .*diffusion_model\.blocks\.0\.lora_A"):
        drawer.draw(drawer.lora("strange", strange))


OF_TEXT = "text_encoder.text_model.encoder.layers.0."


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("self_attn.q_proj.lora_linear_layer", "mlp.fc1.lora_linear_layer"),
        ("self_attn.to_q_lora", "mlp.fc1.lora"),
        ("self_attn.q_proj.lora", "mlp.fc1.lora"),
    ],
)
def test_text_encoders_in_diffusers_spellings_draw_the_same(
    drawer: Drawer, query: str, first: str
) -> None:
    kohya, spelled = {}, {}
    for ours, theirs, rows in (("self_attn_q_proj", query, 32), ("mlp_fc1", first, 37)):
        for end, tensor in (("down", torch.ones(2, 32)), ("up", torch.ones(rows, 2) / 9)):
            layer = f"lora_te_text_model_encoder_layers_0_{ours}"
            kohya[f"{layer}.lora_{end}.weight"] = tensor
            spelled[f"{OF_TEXT}{theirs}.{end}.weight"] = tensor.clone()
    right = drawer.draw(drawer.lora("kohya", kohya))
    assert right != drawer.draw()
    assert drawer.draw(drawer.lora("spelled", spelled)) == right


def test_layers_that_the_model_does_not_have_are_refused_by_name(drawer: Drawer) -> None:
    """Trap: diffusers leaves out the layers it does not find, without a word."""
    plain = drawer.draw()
    wide = {k: torch.ones(v.shape[0] * 2, v.shape[1] * 2) for k, v in lora_tensors(1).items()}
    with pytest.raises(UnusableWeights, match=r"wide: .*attn1\.to_q is 128x128 in the file and"):
        drawer.draw(drawer.lora("wide", {k: v for k, v in wide.items() if "unet" in k}))
    deep = {
        "lora_unet_up_blocks_3_resnets_0_conv1.lora_down.weight": torch.ones(2, 4, 3, 3),
        "lora_unet_up_blocks_3_resnets_0_conv1.lora_up.weight": torch.ones(4, 2, 1, 1),
    }
    with pytest.raises(UnusableWeights, match=r"there is no unet up_blocks\.3\.resnets\.0\.conv1"):
        drawer.draw(drawer.lora("deep", {**lora_tensors(1), **deep}))
    assert drawer.draw() == plain
    ink = drawer.lora("ink", lora_tensors(1))
    assert drawer.draw(ink) != plain


def test_one_lora_twice_adds_up(drawer: Drawer) -> None:
    """Trap: PEFT gives both the strength of the last."""
    ink = drawer.lora("ink", lora_tensors(1))
    wash = drawer.lora("wash", {k: v.clone() for k, v in lora_tensors(1).items()})
    twice = drawer.draw(replace(ink, strength=0.3), replace(ink, strength=0.5))
    assert twice == drawer.draw(replace(ink, strength=0.3), replace(wash, strength=0.5))
    assert twice != drawer.draw(replace(ink, strength=0.5), replace(ink, strength=0.5))


def test_the_words_that_a_lora_brings_are_used(drawer: Drawer) -> None:
    table = load_file(tinymodels.sd15() / "text_encoder" / "model.safetensors")
    (key,) = [k for k in table if k.endswith("token_embedding.weight")]
    cat = clips(drawer.model)[0].tokenizer("cat", add_special_tokens=False).input_ids[0]
    vector = table[key][cat : cat + 1].clone()
    ink = drawer.lora("ink", lora_tensors(1), 0.5)
    bundled = {"bundle_emb.My.Hero.string_to_param.*": vector}
    hero = drawer.lora("hero", {**lora_tensors(1), **bundled}, 0.5)
    assert drawer.draw(hero, prompt="a red my.hero") == drawer.draw(ink, prompt="a red cat")


def test_an_unknown_kind_of_adapter_is_refused(drawer: Drawer) -> None:
    with pytest.raises(UnusableWeights, match="hypernetwork"):
        drawer.draw(replace(drawer.lora("ink", lora_tensors(1)), kind="hypernetwork"))


def test_an_embedding_is_a_word_of_its_files_name(drawer: Drawer) -> None:
    table = load_file(tinymodels.sd15() / "text_encoder" / "model.safetensors")
    (key,) = [k for k in table if k.endswith("token_embedding.weight")]
    cat = clips(drawer.model)[0].tokenizer("cat", add_special_tokens=False).input_ids[0]
    taught = drawer.embedding("my-cat", {"emb_params": table[key][cat : cat + 1].clone()})
    assert drawer.draw(taught, prompt="a red my-cat") == drawer.draw(prompt="a red cat")
    with pytest.raises(UnusableWeights, match="wide"):
        drawer.draw(drawer.embedding("wide", {"emb_params": torch.ones(1, 768)}))


def test_paused_under_another_jobs_loras_it_is_the_same_picture(drawer: Drawer) -> None:
    ink, wash = drawer.lora("ink", lora_tensors(1)), drawer.lora("wash", lora_tensors(2))
    undisturbed = drawer.draw(ink)
    recipe = changed(drawer.recipe, adapters=(ink,), prompt="a red cat")

    def others_draw(*_: object) -> None:
        drawer.draw(wash)
        drawer.draw()
        switch(drawer.model, recipe, drawer.locate)

    switch(drawer.model, recipe, drawer.locate)
    raster = render(recipe, (), drawer.model, on_step=others_draw)
    assert raster.latents_sha256 == undisturbed
