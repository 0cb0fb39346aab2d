"""Weights -> a model that can draw.

    a file's or folder's head -> parts before they have numbers -> (Residence) numbers

The invariant: the same values give the same bits, from a folder or from a single file, and nothing
that a file lacks is made up at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from generation.errors import BrokenWeights, GenerationError, UnusableWeights
from generation.families.architecture import Architecture, Dtype, Part
from generation.families.family import ARCHITECTURES, family
from generation.recipe import Precision, Recipe
from generation.worker.engines.table import ENGINES
from generation.worker.loading import folder, single_file
from generation.worker.loading.building import Built, class_of
from generation.worker.loading.folder import Folder
from generation.worker.loading.single_file import SingleFile
from generation.worker.model import Model
from generation.worker.parts import Parts
from generation.worker.residence import MayGoOn, Residence, Residences, always

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


def load(
    recipe: Recipe,
    path: Path,
    vae_path: Path | None,
    device: torch.device,
    *,
    components: Sequence[Path] = (),
    may_go_on: MayGoOn = always,
) -> Model:
    """Load what lies at these paths.  Raises UnusableWeights when it does not fit together.

    `may_go_on` is asked between two pieces; Cancelled is raised when it says no.
    """
    model = build(recipe, path, vae_path, components)
    model.residence.enter(device, may_go_on)
    return model


def build(
    recipe: Recipe, path: Path, vae_path: Path | None, components: Sequence[Path] = ()
) -> Model:
    """What lies at these paths as a model, its numbers nowhere yet.  Raises UnusableWeights.

    `components`: where the recipe's lie, in its order.
    """
    architecture, name = family(recipe.family).architecture, recipe.checkpoint.name
    import_libraries(architecture)
    kind = folder if path.is_dir() else single_file
    with translated(name):
        checkpoint = kind.opened(path, architecture, name)
    others: list[Folder | SingleFile] = []
    for weights, file in zip(recipe.components, components, strict=True):
        with translated(weights.name):
            others.append(single_file.opened_component(file, architecture, weights.name))
    if vae_path is not None and recipe.vae is not None:
        kind = folder if vae_path.is_dir() else single_file
        with translated(recipe.vae.name):
            others.append(kind.opened_vae(vae_path, architecture, recipe.vae.name))
    return assembled(architecture, DTYPES[recipe.precision], checkpoint, others)


def assembled(
    architecture: Architecture,
    dtype: torch.dtype,
    checkpoint: Folder | SingleFile,
    others: Sequence[Folder | SingleFile] = (),
) -> Model:
    """The model of a checkpoint, with parts of others in place of its own, or of what it lacks.

    Raises UnusableWeights.
    """
    assert checkpoint.trained is not None  # it is no part alone
    modules, tokenizers, residences = {}, {}, []
    sources = {part.name: one for one in (checkpoint, *others) for part in one.parts}
    for part in architecture.parts:
        if part.name not in sources:
            if not part.optional:
                raise UnusableWeights(checkpoint.name, f"a checkpoint without its {part.title}")
            continue
        source = sources[part.name]
        with translated(source.name):
            built = _built(source, part, dtype)
            if part.tokenizer is not None:
                tokenizers[part.name] = source.tokenizer(part)
        modules[part.name] = built.module
        residences.append(Residence(built.module, built.numbers))
    return Model(
        architecture=architecture,
        engine=ENGINES[architecture.name],
        parts=Parts(modules=modules, tokenizers=tokenizers),
        trained=checkpoint.trained,
        residence=Residences(residences),
    )


def _built(source: Folder | SingleFile, part: Part, dtype: torch.dtype) -> Built:
    """In the number format that the architecture keeps the part in, rounded to the recipe's."""
    built = source.built(part, dtype)
    overflows = part.dtype is Dtype.UPCAST and dtype == torch.float16
    if part.dtype is Dtype.FLOAT32 or (overflows and built.module.config.force_upcast):
        built = source.built(part, torch.float32)
        return Built(module=built.module, numbers=built.numbers.rounded(dtype))
    return built


@contextmanager
def translated(name: str) -> Iterator[None]:
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
