"""Whatever stands in a config or a file's head is used or refused, and hides no other file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.given import thinmodels
from tests.given.checkpoints import scanned

JUNK: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    ["x", 3],
    {"a": []},
)
# What is absent in thin models, and would be read if it were there.
ABSENT = {
    "model_index.json": ("image_encoder", "requires_aesthetics_score", "text_encoder_2", "extra"),
    "scheduler/scheduler_config.json": (
        *("rescale_betas_zero_snr", "trained_betas", "timestep_type", "sigma_data"),
    ),
    "unet/config.json": (
        *("transformer_layers_per_block", "reverse_transformer_layers_per_block"),
        *("mid_block_type", "addition_embed_type", "quantization_config", "class_embed_type"),
        "attention_head_dim",
    ),
    "vae/config.json": ("scaling_factor", "shift_factor", "latents_mean", "use_quant_conv"),
    "text_encoder/config.json": ("text_config", "quantization_config"),
}


def oddities(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each config with each of its values replaced by each piece of junk."""
    for file, absent in ABSENT.items():
        said = json.loads((folder / file).read_text())
        for key in (*said, *absent):
            for junk in JUNK:
                yield folder / file, json.dumps(said | {key: junk})


@pytest.mark.parametrize("architecture", ["sd1", "sdxl"])
def test_no_value_of_a_config_is_more_than_a_refusal(tmp_path: Path, architecture: str) -> None:
    folder = thinmodels.write_folder(tmp_path / "m" / "odd", architecture)
    thinmodels.write_file(tmp_path / "m" / "good.safetensors", thinmodels.SD15)
    catalog = scanned(tmp_path / "m")
    assert {e.name for e in catalog.models()} == {"good", "odd"}
    for file, text in oddities(folder):
        before = file.read_text()
        file.write_text(text)
        catalog.scan()
        names = {e.name for e in catalog.models()} | {e.name for e in catalog.refused()}
        assert "good" in {e.name for e in catalog.models()}
        assert any(name.startswith("odd") for name in names), text
        file.write_text(before)


@pytest.mark.parametrize("text", ["[]", "3", "{", "", "null", "[" * 10_000, '{"a": NaN}'])
def test_a_config_that_is_none_is_a_refusal_or_plain(tmp_path: Path, text: str) -> None:
    for file in (*ABSENT, "atelier.toml", "unet/diffusion_pytorch_model.safetensors.index.json"):
        home = tmp_path / file.replace("/", "-")
        folder = thinmodels.write_folder(home / "odd")
        (folder / file).write_text(text)
        catalog = scanned(home)
        assert len(catalog.entries()) + len(catalog.refused()) == 1


@pytest.mark.parametrize(
    "metadata",
    [
        {"_quantization_metadata": "["},
        {"_quantization_metadata": '{"layers": 3}'},
        {"_quantization_metadata": '{"layers": {"a": {"format": ["x"]}}}'},
        {"modelspec.prediction_type": "[]"},
    ],
)
def test_no_metadata_is_more_than_a_refusal(tmp_path: Path, metadata: dict[str, str]) -> None:
    file = thinmodels.write_file(tmp_path / "m" / "odd.safetensors", thinmodels.SD15)
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length]) | {"__metadata__": metadata}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    catalog = scanned(tmp_path / "m")
    assert len(catalog.entries()) + len(catalog.refused()) == 1
