"""Weights -> a model that can draw.

    a file's or folder's head -> parts before they have numbers -> (Residence) numbers

The invariant: the same values give the same bits, from a folder or from a single file, and nothing
that a file lacks is made up at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from generation.errors import BrokenWeights, GenerationError, UnusableWeights
from generation.families.architecture import Architecture, Dtype, Part, Stage, Trained
from generation.families.family import ARCHITECTURES, family
from generation.families.pixels import PIXELS, UNTRAINED, UPSCALER
from generation.recipe import Precision, Recipe, Sha256, Weights
from generation.worker import pulse
from generation.worker.engines.table import ENGINES, NOTHING
from generation.worker.loading import folder, single_file
from generation.worker.loading.building import Built, class_of
from generation.worker.loading.controlnet_file import opened_controlnet
from generation.worker.loading.folder import Folder
from generation.worker.loading.single_file import SingleFile
from generation.worker.loading.upscaler_file import UpscalerFile, opened_upscaler
from generation.worker.model import LoadedPart, Model, PartKey
from generation.worker.packed import unpacking_bytes
from generation.worker.residence import MayGoOn, Residence, always

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


Source = Folder | SingleFile | UpscalerFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHeads:
    """The heads of a model's files: what can be built from them.

    `sources` and `digests`: where each part comes from, by its name.
    """

    architecture: Architecture
    dtype: torch.dtype
    trained: Trained
    sources: Mapping[str, Source]
    digests: Mapping[str, Sha256]
    steering: tuple[Part, ...] = ()  # ControlNets, each by its digest

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those that there are."""
        known = (*self.architecture.parts, UPSCALER, *self.steering)
        return tuple(part for part in known if part.name in self.sources)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of weights, each once."""
        found = {file: None for part in self.parts for file in self.sources[part.name].files(part)}
        return tuple(found)

    def key(self, part: Part) -> PartKey:
        """What makes a part the same as another model's."""
        return PartKey(file=self.digests[part.name], part=part.name, dtype=self._dtype(part))

    def _dtype(self, part: Part) -> torch.dtype:
        """An upscaler is small, and its numbers are what people look at."""
        return torch.float32 if part is UPSCALER else self.dtype

    def built(self, part: Part) -> LoadedPart:
        """A part whose numbers are nowhere yet.  Raises UnusableWeights."""
        source = self.sources[part.name]
        with translated(source.name):
            built = _built(source, part, self._dtype(part))
            tokenizer = source.tokenizer(part) if part.tokenizer is not None else None
        pulse.follow(built.module, abreast=part.stage is Stage.DECODE)
        if part.stage in (Stage.DENOISE, Stage.REFINE):
            pulse.let_others_in(built.module)
        return LoadedPart(
            key=self.key(part),
            stage=part.stage,
            module=built.module,
            tokenizer=tokenizer,
            residence=Residence(built.module, built.numbers),
            unpacking_bytes=unpacking_bytes(built.module),
        )

    def model(self, loaded: Sequence[LoadedPart] | None = None) -> Model:
        """The model of these parts, or of its own.  Raises UnusableWeights."""
        return Model(
            architecture=self.architecture,
            engine=ENGINES.get(self.architecture.name, NOTHING),
            loaded=tuple(map(self.built, self.parts) if loaded is None else loaded),
            trained=self.trained,
            files=self.files,
        )


# Of a picture that is enlarged by no network.
NO_HEADS = FileHeads(
    architecture=PIXELS, dtype=torch.float32, trained=UNTRAINED, sources={}, digests={}
)


def load(
    recipe: Recipe,
    path: Path | None,
    vae_path: Path | None,
    device: torch.device,
    *,
    components: Sequence[Path] = (),
    may_go_on: MayGoOn = always,
) -> Model:
    """Load what lies at these paths.  Raises UnusableWeights when it does not fit together.

    `may_go_on` is asked between two pieces; Cancelled is raised when it says no.
    """
    model = opened(recipe, path, vae_path, components).model()
    model.residence.enter(device, may_go_on)
    return model


def opened(
    recipe: Recipe,
    path: Path | None,
    vae_path: Path | None,
    components: Sequence[Path] = (),
    upscaler: Path | None = None,
    controlnets: Sequence[Path] = (),
) -> FileHeads:
    """Read the heads of what lies at these paths.  Raises UnusableWeights.

    `path`: the checkpoint's, where it draws; `components` and `controlnets`: where the recipe's
    parts apart and networks lie, in its order.
    """
    heads = NO_HEADS if path is None else _drawing(recipe, path, vae_path, components)
    for weights, file in zip(recipe.controlnets, controlnets, strict=True):
        heads = _steered(heads, weights, file)
    larger = recipe.enlarging.upscaler if recipe.enlarging is not None else None
    if larger is None or upscaler is None:
        return heads
    with translated(larger.name):
        source = opened_upscaler(upscaler, larger.name)
    return replace(
        heads,
        sources={**heads.sources, UPSCALER.name: source},
        digests={**heads.digests, UPSCALER.name: larger.sha256},
    )


def _steered(heads: FileHeads, weights: Weights, path: Path) -> FileHeads:
    """With a ControlNet.  Raises UnusableWeights where it cannot steer that model."""
    with translated(weights.name):
        net = opened_controlnet(path, weights)
    denoiser, (part,) = heads.architecture.denoiser, net.source.parts
    if heads.architecture.name not in net.kind.architectures:
        raise UnusableWeights(weights.name, "a ControlNet for models that are built otherwise")
    mine = heads.sources[denoiser.name].config(denoiser)
    if (why := net.kind.misfit(net.source.config(part), mine)) is not None:
        raise UnusableWeights(weights.name, f"it does not fit this model: {why}"[:250])
    return replace(
        heads,
        sources={**heads.sources, part.name: net.source},
        digests={**heads.digests, part.name: weights.sha256},
        steering=(*heads.steering, part),
    )


def _drawing(
    recipe: Recipe, path: Path, vae_path: Path | None, components: Sequence[Path]
) -> FileHeads:
    """The heads of a checkpoint, its components and another VAE."""
    architecture, name = family(recipe.family).architecture, recipe.checkpoint.name
    kind = folder if path.is_dir() else single_file
    with translated(name):
        checkpoint = kind.opened(path, architecture, name)
    others: list[tuple[Source, Sha256]] = []
    for weights, file in zip(recipe.parts_apart, components, strict=True):
        with translated(weights.name):
            kind = folder if file.is_dir() else single_file
            part = kind.opened_component(file, architecture, weights.name)
            others.append((part, weights.sha256))
    if vae_path is not None and recipe.vae is not None:
        kind = folder if vae_path.is_dir() else single_file
        with translated(recipe.vae.name):
            vae = kind.opened_vae(vae_path, architecture, recipe.vae.name)
        others.append((vae, recipe.vae.sha256))
    dtype = DTYPES[recipe.precision]
    return together(architecture, dtype, (checkpoint, recipe.checkpoint.sha256), others)


def together(
    architecture: Architecture,
    dtype: torch.dtype,
    checkpoint: tuple[Source, Sha256],
    others: Sequence[tuple[Source, Sha256]] = (),
) -> FileHeads:
    """A checkpoint, with parts of others in place of its own, or of what it lacks.

    Each head comes with its file's digest.  Raises UnusableWeights.
    """
    head, _ = checkpoint
    assert head.trained is not None  # it is no part alone
    found = {part.name: pair for pair in (checkpoint, *others) for part in pair[0].parts}
    for part in architecture.parts:
        if part.name not in found and not part.optional:
            raise UnusableWeights(head.name, f"a checkpoint without its {part.title}")
    _check_fit(architecture, found)
    trained = head.trained
    if architecture.borrows:  # what its checkpoints were trained under counts for no more
        trained = replace(trained, noise=architecture.noise.levels)
    return FileHeads(
        architecture=architecture,
        dtype=dtype,
        trained=trained,
        sources={name: source for name, (source, _) in found.items()},
        digests={name: digest for name, (_, digest) in found.items()},
    )


def _check_fit(architecture: Architecture, found: Mapping[str, tuple[Source, Sha256]]) -> None:
    """Raises UnusableWeights where parts of several files cannot draw together."""
    known = {part.name: part for part in architecture.parts if part.name in found}
    configs = {name: found[name][0].config(part) for name, part in known.items()}
    if (why := architecture.fits(configs)) is not None:
        raise UnusableWeights(found[architecture.denoiser.name][0].name, f"its parts: {why}")


def _built(source: Source, part: Part, dtype: torch.dtype) -> Built:
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
