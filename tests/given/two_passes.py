"""Films of LTX-2 and 2.3 in two passes: tiny models, and what enlarges between the two."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.recipe import Recipe, needed
from generation.spans import SecondPass
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from tests.given import tinymodels
from tests.given.heard_films import a_heard_film
from tests.given.tiny import ltx2

WIDTH, HEIGHT = 128, 64  # of the whole film: half of them are whole latent pixels, too
LEVELS = (0.909375, 0.725, 0.421875, 0.0)


def write_enlarger(folder: Path, name: str, **said: Any) -> Path:
    """The file that is usually beside that model; 2.0's and 2.3's are built otherwise."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}-spatial-upscaler-x2-1.0.safetensors"
    made = ltx2.enlarger(**{"rational": name == "ltx-2"} | said)
    save_file({key: value.contiguous() for key, value in made.state_dict().items()}, file)
    return file


def write_lora(folder: Path) -> Path:
    """A LoRA of the tiny transformer's first block, with a card."""
    generator, found = torch.Generator().manual_seed(3), dict[str, torch.Tensor]()
    for layer in ("attn1.to_q", "attn1.to_out.0"):
        name = f"transformer.transformer_blocks.0.{layer}"
        found[f"{name}.lora_A.weight"] = torch.randn(2, 48, generator=generator)
        found[f"{name}.lora_B.weight"] = torch.randn(48, 2, generator=generator)
    file = folder / "quick.safetensors"
    save_file(found, file)
    card = folder / f"{file.name}.atelier.toml"
    card.write_text('family = "ltx-2"\nkind = "lora"\n')
    return file


@cache
def cache_of(name: str) -> ModelCache:
    """A cache over the tiny model of that name and its enlarger."""
    exactness.switch_on(threads=1)
    beside = tinymodels.home() / f"enlarger-{name}"
    write_enlarger(beside, name)
    catalog = Catalog([tinymodels.of(name), beside], tinymodels.home() / f"passes-{name}.json")
    catalog.scan()
    return ModelCache(catalog, torch.device("cpu"), None)


def entry_of(name: str) -> Entry:
    """The model."""
    [entry] = cache_of(name).catalog.models()
    return entry


def in_two_passes(name: str, **changes: Any) -> Recipe:
    """A recipe of a small film in two passes, the second without guidance."""
    film = a_heard_film(name, **{"width": WIDTH, "height": HEIGHT} | changes)
    second = changes.get("second", SecondPass(sampler="euler", sigmas=LEVELS, cfg=1.0))
    return replace(film, second=second, components=(needed(entry_of(name).model.enlarger),))


@cache
def model_of(name: str) -> Model:
    """All that draws it, loaded."""
    with cache_of(name).take(in_two_passes(name), on_load=lambda _: None) as found:
        return found
