"""Claims about HunyuanVideo 1.5's files as ComfyUI has them: what tells them, and what they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.card import Card, as_carded
from generation.catalog.catalog import Catalog
from generation.catalog.header import read_header
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import Anatomy, of_file
from generation.families.architecture import Shapes
from generation.families.family import FAMILIES
from generation.families.hunyuan_video import HUNYUAN_VIDEO
from generation.sigmas import expand, resolved
from generation.worker.loading.stored import StoredFile
from generation.worker.loading.tokenizers import tokenizer_for
from tests.given import loaded
from tests.given.splitfiles import model_of, split
from tests.given.stock_films import a_film, drawn
from tests.given.tiny import hunyuan_video

NAME = "hunyuan-video-1.5"


def file_of(before: str = "", **config: object) -> Shapes:
    """A transformer alone."""
    part = HUNYUAN_VIDEO.denoiser
    said = {**config_of(CONFIGS / part.config), "num_layers": 3, **config}
    named = part.layout(part.network.tensors(said) or {}, said)
    return {before + key.removeprefix(part.prefix): shape for key, shape in named.items()}


def what_is(shapes: Shapes) -> Anatomy:
    return of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "F16"))


@pytest.mark.parametrize("before", ["", "model.diffusion_model."])
def test_a_transformer_alone_is_told_by_its_tensors(before: str) -> None:
    shapes = file_of(before)
    # The names that ComfyUI's published file has.
    for name in (
        *("double_blocks.0.img_attn_qkv.weight", "double_blocks.0.img_mod.linear.bias"),
        *("txt_in.individual_token_refiner.blocks.0.self_attn_qkv.weight", "byt5_in.fc3.bias"),
        *("vision_in.proj.4.weight", "cond_type_embedding.weight", "final_layer.linear.weight"),
        *("double_blocks.2.txt_attn_q_norm.weight", "double_blocks.1.txt_mlp.fc2.weight"),
    ):
        assert before + name in shapes
    found = what_is(shapes)
    assert (found.kind, found.family) == ("checkpoint", NAME)
    assert set(found.lacks) == {part.kind for part in HUNYUAN_VIDEO.parts[1:]}


def test_one_that_leaps_says_it_itself() -> None:
    assert what_is(file_of(use_meanflow=True)).family == f"{NAME}-i2v-step-distilled"


@pytest.mark.parametrize("family", HUNYUAN_VIDEO.alike[NAME])
def test_a_card_says_which_of_those_alike_a_file_is(family: str) -> None:
    assert as_carded(what_is(file_of()), Card(family=family), "x").family == family


def test_at_720p_the_levels_are_bent_further_though_no_file_says_it() -> None:
    first = {}
    for family in (NAME, f"{NAME}-720p", f"{NAME}-720p-i2v-distilled"):
        usual = FAMILIES[family]
        noise = resolved(usual.noise, pixels=848 * 480, steps=4)
        first[family] = expand("euler", "simple", steps=4, denoise=1.0, noise=noise)[1]
    assert [round(level / (1 - level) * 1 / 3, 3) for level in first.values()] == [5.0, 9.0, 7.0]


@pytest.mark.parametrize(("shift", "levels"), [(9.0, None), (11.0, "flow:11.0")])
def test_a_folder_at_720p_says_how_its_levels_are_bent(
    shift: float, levels: str | None, tmp_path: Path
) -> None:
    folder = hunyuan_video.build(tmp_path / "m")
    for file, said in (
        ("transformer/config.json", {"target_size": 960}),
        ("scheduler/scheduler_config.json", {"shift": shift}),
    ):
        config = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(config | said))
    catalog = Catalog([folder], tmp_path / "digests.json")
    catalog.scan()
    (entry,) = catalog.models()
    assert (entry.family, entry.levels) == (f"{NAME}-720p", levels)


def test_files_of_its_parts_draw_what_its_folder_draws(tmp_path: Path) -> None:
    recipe = a_film(NAME, prompt='a sign that says "open"')
    files = split(NAME, tmp_path / "split", "single file")
    theirs = drawn(recipe, loaded.model(NAME))
    assert np.array_equal(drawn(recipe, model_of(NAME, files)), theirs)
    assert len(files) == 4


def test_a_byt5_is_read_without_a_tokenizer_beside_it(tmp_path: Path) -> None:
    """It is bytes; Qwen's comes with the program."""
    file = tmp_path / "byt5.safetensors"
    save_file({"shared.weight": torch.zeros(1, 1)}, file)
    wanted = HUNYUAN_VIDEO.part("text_encoder_2").tokenizer
    assert wanted is not None
    letters = tokenizer_for(wanted, StoredFile(path=file, header=read_header(file, "byt5")))
    assert letters("A\u00f6").input_ids == [68, 198, 185, 1]
