"""The programs that teach people's own checkpoints: what they write, that they can be stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.catalog.header import read_header
from generation.catalog.loras.plan import read_plan
from generation.catalog.loras.triggers import triggers_of
from generation.training.adapters.checkpoint import load_checkpoint
from generation.training.adapters.commands import KINDS, main, parsed, run
from generation.training.adapters.lessons import captioned
from generation.training.proofs.pictures import draw_folder
from tests.given import tinymodels
from tests.given.checkpoints import the_single_file

pytestmark = pytest.mark.filterwarnings("ignore")
MODELS = {"sd1": tinymodels.sd15, "sdxl": tinymodels.sdxl}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw_folder("world", folder, 6)
    return folder


def asked_for(kind: str, model: str, pictures: Path, work: Path, *more: str) -> list[str]:
    """A short run of a kind."""
    out = work / ("it" if kind == "controlnet" else "it.safetensors")
    usual = [kind, "--data", str(pictures), "--model", str(MODELS[model]()), "--out", str(out)]
    short = ["--steps", "3", "--batch", "2", "--rate", "1e-2", "--work", str(work / "run")]
    own = {
        "textual-inversion": ["--word", "qwv", "--trigger", "qwv", "--vectors", "2"],
        "dreambooth": ["--trigger", "qwv", "--others", str(pictures)],
    }.get(kind, [])
    return [*usual, *short, *own, *more]


def metadata_of(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as held:
        return dict(held.metadata())


def pipeline_of(model: str) -> Any:
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(MODELS[model](), safety_checker=None)


Runs = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def whole_run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The folder that an undisturbed run of a kind has written; each runs once."""

    @cache
    def folder(kind: str, model: str) -> Path:
        written = tmp_path_factory.mktemp("whole")
        main(asked_for(kind, model, pictures, written))
        return written

    return folder


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        pytest.param(m, k, marks=pytest.mark.slow if m == "sdxl" and k != "lora" else ())
        for m in MODELS
        for k in KINDS
    ],
)
def test_every_kind_writes_what_stock_diffusers_reads(
    kind: str, model: str, whole_run: Runs
) -> None:
    folder = whole_run(kind, model)
    pipeline, out = pipeline_of(model), folder / "it.safetensors"
    if kind == "controlnet":
        from diffusers import ControlNetModel

        net = ControlNetModel.from_pretrained(folder / "it")
        assert any(float(block.weight.abs().max()) > 0 for block in net.controlnet_down_blocks)
    elif kind == "textual-inversion":
        held = load_file(out)
        for key, n in {"emb_params": "", "clip_l": "", "clip_g": "_2"}.items():
            if key in held:
                pipeline.load_textual_inversion(
                    held[key],
                    token="qwv",
                    text_encoder=getattr(pipeline, f"text_encoder{n}"),
                    tokenizer=getattr(pipeline, f"tokenizer{n}"),
                )
        assert "qwv_1" in pipeline.tokenizer.get_vocab()
    else:
        pipeline.load_lora_weights(folder, weight_name="it.safetensors")
        taught = {n: p for n, p in pipeline.unet.named_parameters() if ".lora_B." in n}
        assert len(taught) == sum(
            key.startswith("lora_unet_") and key.endswith(".lora_up.weight")
            for key in load_file(out)
        )
        assert all(float(number.abs().max()) > 0 for number in taught.values())


class Stopped(Exception):
    """Somebody pulled the plug."""


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=() if k in ("lora", "controlnet") else pytest.mark.slow) for k in KINDS],
)
def test_a_run_that_was_stopped_ends_in_the_same_bytes(
    kind: str, pictures: Path, tmp_path: Path, whole_run: Runs
) -> None:
    whole, parts = whole_run(kind, "sd1"), tmp_path / "parts"
    asked = asked_for(kind, "sd1", pictures, parts, "--keep-every", "0")

    def plug(step: int, _numbers: Mapping[str, Tensor]) -> None:
        if step == 3:  # the second has been kept, the third has not
            raise Stopped

    with pytest.raises(Stopped):
        run(parsed(asked), plug)
    assert not (parts / "it.safetensors").exists()
    main(asked)
    files = [f for f in whole.rglob("*") if f.parent.name == "it" or f.name == "it.safetensors"]
    assert files
    for file in files:
        assert file.read_bytes() == (parts / file.relative_to(whole)).read_bytes()


def test_a_run_does_not_go_on_with_other_settings(pictures: Path, whole_run: Runs) -> None:
    with pytest.raises(SystemExit, match="other settings"):
        main(asked_for("lora", "sd1", pictures, whole_run("lora", "sd1"), "--rate", "2e-2"))


def test_a_lora_tells_what_it_is_in_everybodys_words(pictures: Path, tmp_path: Path) -> None:
    main(asked_for("lora", "sdxl", pictures, tmp_path, "--trigger", "qwv", "--text-encoder"))
    out = tmp_path / "it.safetensors"
    said = metadata_of(out)
    assert said["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"
    assert said["ss_base_model_version"] == "sdxl_base_v1-0"
    assert said["ss_network_dim"] == said["ss_network_alpha"] == "16"
    assert json.loads(said["ss_tag_frequency"])["qwv"]["qwv"] == 6
    assert triggers_of(said) == ("qwv",)
    header = read_header(out, "it")
    plan = read_plan(header.shapes, header.metadata, "it", dtypes=header.dtypes)
    assert {change.part for change in plan.changes} == {"unet", "text_encoder", "text_encoder_2"}


def test_a_trigger_comes_before_captions_that_lack_it(tmp_path: Path) -> None:
    for name, words in {"a": "a cat", "b": "QWV, a dog", "c": None}.items():
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.control.png")
        if words is not None:
            (tmp_path / f"{name}.txt").write_text(words)
    assert [one.caption for one in captioned(tmp_path, "qwv")] == [
        "qwv, a cat",
        "QWV, a dog",
        "qwv",
    ]


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no picture"):
        captioned(tmp_path)


def test_a_row_of_samples_changes_nothing_that_is_learned(
    pictures: Path, tmp_path: Path, whole_run: Runs
) -> None:
    quiet, shown = whole_run("lora", "sd1"), tmp_path / "shown"
    main(asked_for("lora", "sd1", pictures, shown, "--sample", "a cat", "--sample-every", "1"))
    assert (quiet / "it.safetensors").read_bytes() == (shown / "it.safetensors").read_bytes()
    with Image.open(shown / "run" / "samples.png") as sheet:
        assert sheet.height == 3 * sheet.width


def test_a_dreambooth_is_written_whole_where_it_is_asked_for(
    pictures: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionPipeline

    folder = tmp_path / "checkpoint"
    main(asked_for("dreambooth", "sd1", pictures, tmp_path, "--whole", str(folder)))
    whole = StableDiffusionPipeline.from_pretrained(folder)
    bare, taught = pipeline_of("sd1"), pipeline_of("sd1")
    taught.load_lora_weights(tmp_path, weight_name="it.safetensors")
    taught.fuse_lora()
    name = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    merged = whole.unet.get_submodule(name).weight.float()
    assert torch.equal(merged, taught.unet.get_submodule(name).base_layer.weight.half().float())
    assert not torch.equal(merged, bare.unet.get_submodule(name).weight.half().float())


def test_pictures_of_a_proof_are_the_same_for_the_same_dice(tmp_path: Path) -> None:
    for name in ("one", "again"):
        draw_folder("rings", tmp_path / name, 3)
    files = sorted((tmp_path / "one").iterdir())
    assert len(files) == 6
    assert all(f.read_bytes() == (tmp_path / "again" / f.name).read_bytes() for f in files)


@pytest.mark.parametrize("model", MODELS)
def test_a_single_file_is_taught_as_its_folder_is(model: str, tmp_path: Path) -> None:
    tensors, configs = the_single_file(model)
    save_file(tensors, tmp_path / "it.safetensors")
    alone = load_checkpoint(
        tmp_path / "it.safetensors", side=None, work=tmp_path / "run", configs=configs
    )
    folder = load_checkpoint(MODELS[model](), side=None, work=tmp_path)
    for one, other in (
        (alone.unet, folder.unet),
        (alone.vae, folder.vae),
        *zip(alone.encoders, folder.encoders, strict=True),
    ):
        numbers = other.state_dict()
        assert set(one.state_dict()) == set(numbers)
        assert all(torch.equal(one.state_dict()[name], numbers[name]) for name in numbers)
    assert alone.prediction == "epsilon"
    assert len(alone.tokenizers[-1]) == 49408
