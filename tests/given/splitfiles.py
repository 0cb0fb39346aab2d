"""Writes the tiny models as split files: the denoiser, each text encoder and the VAE alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.worker.loading import folder, single_file
from generation.worker.loading.loader import FileHeads, Source, together
from generation.worker.model import Model
from tests.given import loaded, tinymodels
from tests.given.builders import a_digest
from tests.given.checkpoints import the_single_file
from tests.given.thinmodels import architecture as build_of

# Of the names that a whole file has, without their prefixes; or as diffusers keeps each part.
Spelling = Literal["single file", "folder"]

# A token by which each is told, and its number.
NOT_HANDED_ON = {
    "llama3": ("<|begin_of_text|>", 128000),
    "gemma2": ("<start_of_turn>", 106),
    "gemma3": ("<start_of_turn>", 105),
    "t5gemma": ("<start_of_turn>", 106),
    "umt5": ("</s>", 1),
}

Files = dict[str, Path]  # of each part, by its name


def split(architecture: str, home: Path, spelling: Spelling, before: str = "") -> Files:
    """Each part as a file in `home`; `before` the denoiser's names stands another prefix."""
    home.mkdir(parents=True)
    for part in build_of(architecture).parts:  # what may not be handed on with the program
        if part.tokenizer is not None and part.tokenizer.bare in NOT_HANDED_ON:
            _tokenizer(*NOT_HANDED_ON[part.tokenizer.bare]).save(
                str(home / f"{part.name}.tokenizer.json")
            )
    return (_of_folder if spelling == "folder" else _of_file)(architecture, home, before)


def _tokenizer(token: str, number: int) -> Any:
    """One that is taken for it."""
    from tokenizers import Tokenizer, models

    made = Tokenizer(models.WordLevel(vocab={"<unk>": 0, token: number}, unk_token="<unk>"))
    made.add_special_tokens([token])
    return made


def _of_folder(architecture: str, home: Path, before: str) -> Files:
    assert not before  # diffusers has none
    source, found = tinymodels.of(architecture), Files()
    for part in build_of(architecture).parts:
        if (source / part.name).is_dir():
            found[part.name] = home / f"{part.name}.safetensors"
            file = source / part.name / f"{part.network.weights}.safetensors"
            shutil.copyfile(file, found[part.name])
    return found


def _of_file(architecture: str, home: Path, before: str) -> Files:
    tensors, _ = the_single_file(architecture)
    built, found = build_of(architecture), Files()
    for part in built.parts:
        begin = before if part is built.denoiser else ""
        inside = tuple(p.prefix for p in built.parts if len(p.prefix) > len(part.prefix))
        mine = {key: tensor for key, tensor in tensors.items() if not key.startswith(inside)}
        alone = behind(mine, part.prefix, begin)
        if alone:
            found[part.name] = home / f"{part.name}.safetensors"
            save_file(alone, found[part.name])
    return found


def behind(tensors: dict[str, Tensor], prefix: str, instead: str = "") -> dict[str, Tensor]:
    """Those that have a prefix, with another instead."""
    return {
        instead + key.removeprefix(prefix): tensor.clone()
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }


def in_shards(file: Path, count: int = 3) -> Path:
    """A file as that many shards in its place; returns their index."""
    tensors, stem = load_file(file), file.name.removesuffix(".safetensors")
    file.unlink()
    keys = sorted(tensors)
    named: dict[str, str] = {}
    for nth in range(count):
        shard = f"{stem}-{nth + 1:05}-of-{count:05}.safetensors"
        mine = {key: tensors[key] for key in keys[nth::count]}
        save_file(mine, file.with_name(shard))
        named |= dict.fromkeys(mine, shard)
    index = file.with_name(f"{file.name}.index.json")
    index.write_text(json.dumps({"metadata": {}, "weight_map": named}))
    return index


def heads(architecture: str, files: Mapping[str, Path]) -> FileHeads:
    """The heads of split files, read as the loader reads them."""
    built, given = build_of(architecture), the_single_file(architecture)[1]
    denoiser = single_file.opened(files[built.denoiser.name], built, "denoiser", configs=given)
    others: list[Source] = [
        folder.opened_vae(file, built, name)
        if file.is_dir()
        else single_file.opened_component(file, built, name, configs=given)
        for name, file in files.items()
        if name != built.denoiser.name
    ]
    digest = a_digest()
    return together(built, torch.float32, (denoiser, digest), [(o, digest) for o in others])


def model_of(architecture: str, files: Mapping[str, Path]) -> Model:
    """Their model, which reads words as the folder does: no file brings a tokenizer."""
    whole, found = loaded.model(architecture), heads(architecture, files)
    parts = [found.built(part) for part in found.parts]
    for part in parts:
        part.tokenizer = whole.parts.tokenizers.get(part.key.part)
    model = found.model(parts)
    model.residence.enter(torch.device("cpu"), lambda: True)
    # A file of 2.x does not say it: its recipes do.
    model.trained = replace(model.trained, prediction=whole.trained.prediction)
    return model
