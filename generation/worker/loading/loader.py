"""Weights -> a model that can draw.

The invariant: the same values give the same bits, from a folder or from a single file (torch
computes differently on memory-mapped, unaligned weights, so every tensor is copied once into
memory of its own), and nothing that a file lacks is made up at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from generation.catalog.folderparts import chosen_weights, read_parts, read_vae_folder
from generation.catalog.modelfolder import INDEX, read_json
from generation.errors import BrokenWeights, Cancelled, GenerationError, UnusableWeights
from generation.families.architecture import Architecture, Dtype, Part, Trained
from generation.families.family import ARCHITECTURES, family
from generation.recipe import Precision, Recipe
from generation.worker.engines.table import ENGINES
from generation.worker.loading import single_file
from generation.worker.loading.building import BUILDING, class_of
from generation.worker.model import Model
from generation.worker.parts import Parts
from generation.worker.residence import Residence

DTYPES = {
    Precision.FP32: torch.float32,
    Precision.FP16: torch.float16,
    Precision.BF16: torch.bfloat16,
}


def import_libraries(architecture: Architecture = ARCHITECTURES[0]) -> None:
    """Import what loading and drawing need: some seconds that a first job need not wait for."""
    for part in architecture.parts:
        class_of(part.network.module, part.network.name)
        if (tokenizer := part.tokenizer) is not None:
            class_of(tokenizer.module, tokenizer.classes[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How a checkpoint is read.

    `beside`: another thread draws meanwhile, and must not notice; `may_go_on` is asked between two
    parts.
    """

    name: str
    dtype: torch.dtype
    beside: bool
    may_go_on: Callable[[], bool]


def _always() -> bool:
    return True


def load(
    recipe: Recipe,
    path: Path,
    vae_path: Path | None,
    device: torch.device,
    *,
    beside: bool = False,
    may_go_on: Callable[[], bool] = _always,
) -> Model:
    """Load what lies at these paths.  Raises UnusableWeights when it does not fit together.

    `beside`: another thread draws meanwhile, and must not notice.  `may_go_on` is asked between
    two parts; Cancelled is raised when it says no.
    """
    name, dtype = recipe.checkpoint.name, DTYPES[recipe.precision]
    architecture = family(recipe.family).architecture
    reading = _Reading(name=name, dtype=dtype, beside=beside, may_go_on=may_go_on)
    import_libraries(architecture)
    with _translated(name):
        if path.is_dir():
            parts, trained = _from_folder(path, architecture, reading)
        else:
            parts, trained = single_file.load(path, architecture, dtype, name, may_go_on=may_go_on)
    vae = architecture.vae
    if vae_path is not None and recipe.vae is not None:
        with _translated(recipe.vae.name):
            other = _separate_vae(vae_path, architecture, replace(reading, name=recipe.vae.name))
            parts = parts.having(vae.name, other)
    for part in architecture.parts:
        if part.name in parts:
            _in_its_format(part, parts[part.name], dtype)
            settle(parts[part.name], device)
    return Model(
        architecture=architecture,
        engine=ENGINES[architecture.name],
        parts=parts,
        trained=trained,
        residence=Residence(parts.modules.values()),
    )


def _from_folder(
    path: Path, architecture: Architecture, reading: _Reading
) -> tuple[Parts, Trained]:
    index = read_json(path / INDEX, reading.name)
    trained = read_parts(path, reading.name, index, architecture)
    modules: dict[str, Any] = {}
    tokenizers: dict[str, Any] = {}
    for part in architecture.parts:
        if part.optional and not (path / part.name).is_dir():
            continue
        modules[part.name] = _pretrained(part, path / part.name, reading)
        if (made := part.tokenizer) is not None:
            kind = class_of(made.module, made.classes[0])
            tokenizers[part.name] = kind.from_pretrained(
                path, subfolder=made.name, local_files_only=True
            )
    return Parts(modules=modules, tokenizers=tokenizers), trained


def _separate_vae(path: Path, architecture: Architecture, reading: _Reading) -> Any:
    if path.is_dir():
        read_vae_folder(path, reading.name)
        return _pretrained(architecture.vae, path, reading)
    return single_file.load_vae(path, architecture, reading.dtype, reading.name)


def _in_its_format(part: Part, module: Any, dtype: torch.dtype) -> None:
    """Bring a part to the number format that its architecture keeps it in."""
    overflows = part.dtype is Dtype.UPCAST and dtype == torch.float16
    if part.dtype is Dtype.FLOAT32 or (overflows and module.config.force_upcast):
        module.to(torch.float32)


def _pretrained(part: Part, folder: Path, reading: _Reading) -> Any:
    """One part of a folder.  Raises BrokenWeights when it would be completed at random."""
    if not reading.may_go_on():
        raise Cancelled
    # The libraries make a part's dtype the default of the whole process for a moment, also for
    # the thread that draws; float32 is the default anyway.
    dtype = torch.float32 if reading.beside else reading.dtype
    network = part.network
    kind = class_of(network.module, network.name)
    said = "torch_dtype" if network.library == "diffusers" else "dtype"
    with BUILDING:
        module, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            variant=chosen_weights(folder, reading.name, network).variant,
            output_loading_info=True,
            **{said: dtype},
        )
    missing = sorted(info["missing_keys"])
    if missing:
        raise BrokenWeights(
            reading.name,
            f"{len(missing)} tensors of its {folder.name} are missing, such as {missing[0]}",
        )
    if dtype != reading.dtype:
        _lower(module, reading.dtype)
    return module


def _lower(module: Any, dtype: torch.dtype) -> None:
    """Bring a part to a format as the libraries do: some of its layers overflow in fp16."""
    kept = (getattr(module, "_keep_in_fp32_modules", None) or ()) if dtype == torch.float16 else ()
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.is_floating_point() and not set(name.split(".")) & set(kept):
            tensor.data = tensor.data.to(dtype)


def settle(module: Any, device: torch.device) -> None:
    """Bring a module to its place for good."""
    module.eval().requires_grad_(False)
    if device.type != "cpu":
        module.to(device)
        return
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.clone()


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """The loaders' many ways to say that weights do not fit, as one."""
    from safetensors import SafetensorError

    try:
        yield
    except (GenerationError, torch.OutOfMemoryError, MemoryError):
        raise
    except SafetensorError as error:
        raise BrokenWeights(name, f"not readable as safetensors: {error}"[:200]) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableWeights(name, f"it cannot be loaded: {error}"[:300]) from error
