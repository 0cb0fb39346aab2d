"""Small checkpoints in folders of their own, and what a catalog says of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.catalog.partconfigs import CONFIGS
from generation.draft import complete
from generation.families.architecture import Architecture
from generation.recipe import Recipe
from generation.worker.loading import single_file
from generation.worker.loading.loader import Source, together
from generation.worker.model import Model
from generation.worker.packed import PackedLinear, weight_of
from tests.given import tinymodels
from tests.given.builders import a_digest, a_draft
from tests.given.singlefiles import write
from tests.given.thinmodels import architecture as build_of
from tests.given.thinmodels import configs


def scanned(folder: Path) -> Catalog:
    catalog = Catalog([folder], folder.parent / f"{folder.name}.json", configs=configs())
    catalog.scan()
    return catalog


def only(folder: Path) -> Entry:
    catalog = scanned(folder)
    assert catalog.refused() == ()
    (entry,) = catalog.entries()
    return entry


def reason(folder: Path) -> str:
    catalog = scanned(folder)
    assert catalog.entries() == ()
    (refused,) = catalog.refused()
    return refused.reason


def recipe_for(entry: Entry, **said: Any) -> Recipe:
    return complete(
        a_draft(prompt="a red cat", **{"width": 64, "height": 64, **said}),
        entry.model,
        seed=1,
        device="cpu",
    )


def zero_snr_folder(path: Path, **config: object) -> Path:
    folder = tinymodels.build_sd15(path)
    file = folder / "scheduler" / "scheduler_config.json"
    said = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, **config}
    file.write_text(json.dumps(tinymodels.SCHEDULER | said))
    return folder


def configs_of(architecture: str, source: Path, folder: Path) -> Path:
    """A folder of the configs by which that model's single file is read; others as published."""
    home = folder / "configs"
    for part in build_of(architecture).parts:
        if part.optional and not (source / part.name).is_dir():
            continue
        shutil.copytree(source / part.name, home / part.config)
        file = home / part.config / "config.json"
        config = json.loads(file.read_text())
        if config.get("model_type") in (
            "mistral3",
            "gemma3",
        ):  # that of its words is what a file is read by
            file.write_text(json.dumps(config["text_config"]))
    for published in CONFIGS.glob("*/*"):
        here = home / published.relative_to(CONFIGS)
        if published.is_dir() and not here.exists():
            here.parent.mkdir(parents=True, exist_ok=True)
            here.symlink_to(published)
    return home


@cache
def the_single_file(architecture: str) -> tuple[dict[str, Tensor], Path]:
    """The tensors of a tiny model's single file, and its configs."""
    source = tinymodels.of(architecture)
    config = configs_of(architecture, source, tinymodels.home() / f"single-{architecture}")
    file = tinymodels.home() / f"{architecture}.safetensors"
    write(architecture, source, file)
    return load_file(file), config


def assembled(
    architecture: Architecture, dtype: torch.dtype, head: Source, others: Sequence[Source] = ()
) -> Model:
    """The model of a file, with parts of others, its numbers nowhere yet."""
    digest = a_digest()
    return together(architecture, dtype, (head, digest), [(o, digest) for o in others]).model()


def loaded(tensors: dict[str, Tensor], architecture: str, tmp_path: Path) -> dict[str, Tensor]:
    """Every number of the parts that a file of these tensors is loaded to."""
    config = the_single_file(architecture)[1]
    file = tmp_path / "x.safetensors"
    save_file({key: tensor.contiguous().clone() for key, tensor in tensors.items()}, file)
    built = build_of(architecture)
    model = assembled(built, torch.float32, single_file.opened(file, built, "x", configs=config))
    model.residence.enter(torch.device("cpu"))
    return {
        f"{number}.{key}": tensor
        for number, module in enumerate(model.parts.modules.values())
        for key, tensor in numbers_in(module).items()
    }


def numbers_in(module: Any) -> dict[str, Tensor]:
    """Every number of a network, packed weights unpacked."""
    found = module.state_dict()
    for path, layer in module.named_modules():
        if isinstance(layer, PackedLinear):
            found = {key: one for key, one in found.items() if not _is_packed(key, path)}
            found[f"{path}.weight"] = weight_of(layer)
    return dict(found)


def _is_packed(key: str, path: str) -> bool:
    return key.startswith(f"{path}.") and key != f"{path}.bias"
