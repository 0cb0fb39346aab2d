"""Claims about LTX-2 in one file, as its makers publish it, with Gemma 3 beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.catalog.catalog import Catalog
from generation.catalog.header import read_header
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.errors import GenerationError
from generation.families.architecture import Architecture, Shapes
from generation.families.ltx2 import ENLARGER, LTX_2, LTX_23
from generation.worker.loading.stored import StoredFile
from generation.worker.loading.tokenizers import tokenizer_for
from generation.worker.render import render
from tests.given import loaded
from tests.given.checkpoints import the_single_file
from tests.given.heard_films import a_heard_film
from tests.given.splitfiles import model_of
from tests.given.thinmodels import architecture as build_of

WORDS = "text_encoders.gemma3_12b.transformer."
each = pytest.mark.parametrize("name", ["ltx-2", "ltx-2.3"])


def published(name: str, folder: Path, *, before: str = "model.diffusion_model.") -> Path:
    """A checkpoint, and its text encoder beside it."""
    tensors, _ = the_single_file(name)
    found: dict[str, dict[str, Tensor]] = {"drawing": {}, "words": {}}
    for key, tensor in tensors.items():
        if key.startswith(WORDS):
            found["words"][key.removeprefix(WORDS)] = tensor.clone()
        else:
            found["drawing"][key.replace("model.diffusion_model.", before)] = tensor.clone()
    folder.mkdir()
    for which, mine in found.items():
        save_file(mine, folder / f"{which}.safetensors")
    return folder


@each
def test_a_checkpoint_with_gemma_beside_it_draws_the_folders_film_and_sound(
    name: str, tmp_path: Path
) -> None:
    folder = published(name, tmp_path / "m")
    catalog = Catalog([folder], tmp_path / "digests.json", configs=the_single_file(name)[1])
    catalog.scan()
    assert catalog.refused() == ()
    (entry,) = catalog.models()
    assert entry.family == name
    assert "text encoder" in entry.note
    files = {"transformer": folder / "drawing.safetensors"}
    model = model_of(name, files | {"text_encoder": folder / "words.safetensors"})
    recipe = a_heard_film(name)
    ours = render(recipe, (), model, on_step=lambda *_: None)
    theirs = render(recipe, (), loaded.model(name), on_step=lambda *_: None)
    assert ours.latents_sha256 == theirs.latents_sha256
    assert ours.content == theirs.content


def file_of(built: Architecture, **less: object) -> Shapes:
    """The names and shapes of a published file of four blocks, without its text encoder."""
    found: dict[str, tuple[int, ...]] = {}
    for part in built.parts:
        if part.name in ("text_encoder", ENLARGER):
            continue
        said = config_of(CONFIGS / part.config)
        said = {**said, "num_layers": 4} if part is built.denoiser else said
        found |= part.layout(part.network.tensors({**said, **less}) or {}, said)
    return {_as_published(key): shape for key, shape in found.items()}


def _as_published(key: str) -> str:
    inner = key.removeprefix("connectors.")
    within = inner.startswith(("video_embeddings", "audio_embeddings"))
    return f"model.diffusion_model.{inner}" if within else inner


@pytest.mark.parametrize(("built", "family"), [(LTX_2, "ltx-2"), (LTX_23, "ltx-2.3")])
def test_a_file_is_told_by_its_tensors(built: Architecture, family: str) -> None:
    shapes = file_of(built)
    for key in (
        *("model.diffusion_model.av_ca_video_scale_shift_adaln_single.linear.weight",),
        *("model.diffusion_model.transformer_blocks.0.scale_shift_table_a2v_ca_audio",),
        *("model.diffusion_model.audio_embeddings_connector.learnable_registers",),
        *(
            "vae.encoder.down_blocks.1.conv.conv.weight",
            "vae.decoder.up_blocks.0.res_blocks.0",
        ),
        *("audio_vae.per_channel_statistics.mean-of-means", "vae.per_channel_statistics.std-of"),
    ):
        assert any(one.startswith(key) for one in shapes), key
    found = of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))
    assert (found.kind, found.family) == ("checkpoint", family)
    assert set(found.lacks) == {built.part(name).kind for name in ("text_encoder", ENLARGER)}


def test_what_lacks_a_part_or_is_newer_is_refused_in_one_sentence() -> None:
    whole = file_of(LTX_23)

    def reason(shapes: Mapping[str, tuple[int, ...]]) -> str:
        with pytest.raises(GenerationError) as refused:
            of_file(dict(shapes), "x", dtypes=dict.fromkeys(shapes, "BF16"))
        return str(refused.value)

    mute = {key: shape for key, shape in whole.items() if not key.startswith("vocoder.")}
    assert "without its vocoder" in reason(mute)
    later = {k: s for k, s in whole.items() if not k.endswith("ff.net.0.proj.bias")}
    assert "LTX-2.5" in reason(later)


def test_its_tokenizer_is_gemma_3s(tmp_path: Path) -> None:
    tensors, _ = the_single_file("ltx-2")
    file = tmp_path / "gemma_3_12B_it.safetensors"
    save_file({"spiece_model": tensors[f"{WORDS}spiece_model"].clone()}, file)
    wanted = build_of("ltx-2").part("text_encoder").tokenizer
    assert wanted is not None
    ours = tokenizer_for(wanted, StoredFile(path=file, header=read_header(file, "gemma")))
    theirs = loaded.model("ltx-2").parts.tokenizers["text_encoder"]
    for text in ("a red cat", "  two\nlines\u00f6 <x>", ""):
        assert ours(text).input_ids == theirs(text).input_ids
    assert torch.tensor(ours("a cat").input_ids).numel() > 1
