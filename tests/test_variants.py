"""Of a folder's variants one is read, whole and always the same, and it is said which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests.given.checkpoints import only, reason
from tests.given.thinmodels import write_folder


def as_variant(folder: Path, variant: str, *, sharded: bool, keep: bool = False) -> None:
    """The weights of a part again as a variant, in two shards or one file."""
    (file,) = folder.glob("*.safetensors")
    tensors, stem = load_file(file), file.stem
    if not keep:
        file.unlink()
    if not sharded:
        save_file(tensors, folder / f"{stem}.{variant}.safetensors")
        return
    names = sorted(tensors)
    places: dict[str, str] = {}
    for number, part in ((1, names[::2]), (2, names[1::2])):
        shard = f"{stem}.{variant}-0000{number}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / shard)
        places |= dict.fromkeys(part, shard)
    index = json.dumps({"weight_map": places})
    (folder / f"{stem}.safetensors.index.{variant}.json").write_text(index)


@pytest.mark.parametrize("variant", ["fp16", "bf16", "non_ema"])
@pytest.mark.parametrize("sharded", [True, False])
def test_a_variant_alone_is_read(tmp_path: Path, variant: str, sharded: bool) -> None:
    folder = write_folder(tmp_path / "m" / "x")
    for part in ("unet", "text_encoder"):
        as_variant(folder / part, variant, sharded=sharded)
    assert only(tmp_path / "m").note == ""


def test_a_missing_shard_of_a_variant_is_noticed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m" / "x")
    as_variant(folder / "unet", "fp16", sharded=True)
    next((folder / "unet").glob("*-00002-*")).unlink()
    assert "1 of its 2 shards" in reason(tmp_path / "m")


def test_a_shard_cannot_lie_elsewhere(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m" / "x")
    as_variant(folder / "unet", "fp16", sharded=True)
    (index,) = (folder / "unet").glob("*.index.fp16.json")
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": "../vae/x.safetensors"}}))
    assert "elsewhere" in reason(tmp_path / "m")


def test_the_plain_weights_are_read_where_they_lie_and_it_is_said(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m" / "x")
    for variant in ("fp16", "non_ema"):
        as_variant(folder / "unet", variant, sharded=False, keep=True)
        (folder / "unet" / f"diffusion_pytorch_model.{variant}.safetensors").rename(
            folder / "unet" / f"kept-{variant}"
        )
    for kept in (folder / "unet").glob("kept-*"):
        variant = kept.name.removeprefix("kept-")
        kept.rename(folder / "unet" / f"diffusion_pytorch_model.{variant}.safetensors")
    assert only(tmp_path / "m").note == "the plain weights of its unet, not fp16 or non_ema"
