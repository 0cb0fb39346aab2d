"""What a weight file is, told from the names and shapes of its tensors, never from its own name.

Each function looks at shapes and answers with an `Anatomy`, or raises UnusableWeights with the
reason why nothing here could draw with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from generation.catalog import strangers, upscalers
from generation.catalog.checkpoint import check_types, read_checkpoint
from generation.catalog.components import read_part_file
from generation.catalog.controlnets import ControlReading, is_controlnet, read_controlnet
from generation.catalog.denoiser_names import Named, recognised
from generation.catalog.embeddings import family_of_words, is_embedding, read_words
from generation.catalog.folderparts import read_part
from generation.catalog.loras.kin import family_of
from generation.catalog.loras.plan import is_lora, read_plan
from generation.catalog.loras.triggers import triggers_of
from generation.catalog.modelfolder import read_json
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import Contents, understood
from generation.draft import UNSAID, Draft
from generation.errors import BrokenWeights, UnknownWeights, UnusableWeights
from generation.families.architecture import Architecture, Config, Part, Stage
from generation.families.controlnets import KIND as CONTROLNET
from generation.families.family import ARCHITECTURES, FAMILIES
from generation.modes import Distilled, of_header

Kind = Literal[
    "checkpoint",
    "lora",
    "vae",
    "embedding",
    "controlnet",
    "motion",
    "upscaler",
    "segmenter",
    "captioner",
    "scorer",
    "component",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Shapes = Mapping[str, tuple[int, ...]]
NO_METADATA: Mapping[str, str] = MappingProxyType({})

NOT_YET = "not supported yet"

# Parts that are adapters, by the kind of them.
_ADAPTERS: Mapping[Kind, Part] = {
    kind: part
    for one in ARCHITECTURES
    for part in one.parts
    for kind in KINDS
    if kind == part.adapter
}

# One word, such as "decoder." or "transformer.", begins names of VAEs and text encoders as well: it
# tells no denoiser.
_DENOISERS = tuple({p for one in ARCHITECTURES if (p := one.denoiser.prefix).count(".") > 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Kind and family of a file; "" for VAEs and others whose shapes do not tell it."""

    kind: Kind
    family: str
    # Of a checkpoint alone.
    channels: int | None = None  # that its denoiser takes
    levels: str | None = None  # of a folder with betas of its own; None: its family's
    prediction: str | None = None  # what its card or metadata says
    says: str | None = None  # what it predicts, by whatever says so
    noise: str | None = None  # what its card says, or that it ends without signal
    vae: str | None = None  # the name of the VAE that its card chooses
    usual: Draft = UNSAID  # the settings that its card and its mode say are usual
    distilled: Distilled | None = None  # its mode, of a LoRA too
    dialect: str = ""  # in which its card says it is spoken to
    lacks: tuple[str, ...] = ()  # its parts that are files of their own, by `Part.kind`
    denoiser: Config = field(default_factory=dict)  # of one that lacks some: its denoiser's config
    others: Mapping[str, Config] = field(default_factory=dict)  # of its other parts, by name
    components: tuple[str, ...] = ()  # the names of the files that its card chooses for them
    # Of a VAE alone: the architectures that have such a VAE.
    built: tuple[str, ...] = ()
    # Of a LoRA alone: the words that it listens to.
    triggers: tuple[str, ...] = ()
    strength: float = 1.0  # where nobody names one
    expert: str | None = None  # which of two denoisers it is for
    # Of a ControlNet alone: what its picture may show, to one that knows several kinds.
    modes: tuple[str, ...] = ()
    # Of an upscaler alone: how many times as long the sides become.
    factor: int | None = None
    # Of a component or VAE alone: the parts that it can be, by `Part.kind`, with their configs.
    fills: Mapping[str, Config] = field(default_factory=dict)
    besides: frozenset[str] = frozenset()  # those of them beside which it holds much else


def of_file(
    shapes: Shapes,
    name: str,
    metadata: Mapping[str, str] = NO_METADATA,
    kind: str | None = None,
    family: str | None = None,
    *,
    dtypes: Mapping[str, str] = NO_METADATA,
    read: Callable[[str], bytes] | None = None,
    configs: Path = CONFIGS,
) -> Anatomy:
    """What a single safetensors file is.

    `kind` and `family` are what its owner says it is; `read` gives a small tensor.
    Raises UnusableWeights when it cannot be drawn, and of
    those UnknownWeights when only nobody knows what it is.
    """
    lora = is_lora(shapes)
    if lora and kind not in (None, "lora"):
        raise UnusableWeights(name, f"its card calls it a {kind}, and it is a LoRA")
    if lora or kind == "lora":
        plan = read_plan(shapes, metadata, name, dtypes=dtypes)
        return Anatomy(
            kind="lora",
            family=_told(lambda: family_of(plan, shapes, metadata, name), family),
            triggers=triggers_of(metadata),
            distilled=of_header(metadata),
        )
    if kind == "embedding" or (kind is None and is_embedding(shapes)):
        words = read_words(shapes, name)
        check_types(words, dtypes, name)
        return Anatomy(
            kind="embedding", family=_told(lambda: family_of_words(shapes, words, name), family)
        )
    contents = understood(
        Contents(shapes=shapes, dtypes=dtypes, metadata=metadata, read=read), name
    )
    shapes = contents.shapes
    if kind == upscalers.KIND or (kind is None and upscalers.is_upscaler(shapes)):
        build = upscalers.read_upscaler(contents, name).build
        return Anatomy(kind="upscaler", family="", factor=build.factor)
    if kind == CONTROLNET or (kind is None and is_controlnet(shapes)):
        return of_controlnet(read_controlnet(contents, name, configs), family)
    if (other := strangers.architecture(shapes)) is not None:
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    found = recognised(shapes, configs)
    if found or kind == "checkpoint" or any(key.startswith(_DENOISERS) for key in shapes):
        return _checkpoint(contents, name, family, configs, found)
    if (part := _part_alone(contents, name, kind, configs)) is not None:
        return part
    if (alone := strangers.part(shapes)) is not None:
        raise UnusableWeights(name, f"{alone}, {NOT_YET}")
    raise UnknownWeights(name, strangers.likeness(shapes))


def _part_alone(contents: Contents, name: str, kind: str | None, configs: Path) -> Anatomy | None:
    """A VAE or text encoder that is a file of its own; None: it is none."""
    if kind not in (None, "vae", "component", *_ADAPTERS):
        return None
    try:
        found = read_part_file(contents, name, configs)
    except BrokenWeights:
        if (other := strangers.vae(contents.shapes)) is not None:
            raise UnusableWeights(name, f"{other}, {NOT_YET}") from None
        raise
    if found is None:
        return None
    for part in _ADAPTERS.values():
        if part.kind in found.fills:
            return _of_adapter(part, found.fills[part.kind])
    built = found.vae_of
    return Anatomy(
        kind="vae" if built else "component",
        family="",
        built=built,
        fills=found.fills,
        besides=found.besides,
    )


def _of_adapter(part: Part, config: Config) -> Anatomy:
    """A part that is an adapter, of the family that has the published one's shapes."""
    usual = part.network.tensors(config_of(CONFIGS / part.config))
    known = usual == part.network.tensors(config)
    family = next(one.family for one in ARCHITECTURES if part in one.parts) if known else ""
    kind = next(kind for kind, one in _ADAPTERS.items() if one is part)
    return Anatomy(kind=kind, family=family, fills={part.kind: config})


def of_adapter_folder(path: Path, name: str, part: Part) -> Anatomy:
    """What a folder is that is such a part alone.  Raises UnusableWeights."""
    read_part(path, name, part)
    return _of_adapter(part, read_json(path / "config.json", name))


def _told(read: Callable[[], str], said: str | None) -> str:
    """The family that a file tells, or what its card says where nobody can tell."""
    try:
        return read()
    except UnknownWeights:
        if said is None:
            raise
        return said


def of_controlnet(read: ControlReading, said: str | None) -> Anatomy:
    """What a ControlNet is; `said`: the family that its card names."""
    return Anatomy(kind="controlnet", family=read.family or said or "", modes=read.modes)


def anatomy_of_vae(architectures: Sequence[Architecture]) -> Anatomy:
    """That of a VAE which these architectures have."""
    return Anatomy(
        kind="vae",
        family="",
        built=tuple(one.name for one in architectures),
        fills={one.vae.kind: {} for one in architectures},
    )


def of_folder(index: Config, config: Config, name: str, said: str | None = None) -> Anatomy:
    """What a diffusers folder is, from its model_index.json and its denoiser's config.json.

    `said`: the family that its card names.
    """
    class_name = index.get("_class_name")
    if isinstance(class_name, str) and (other := strangers.pipeline(class_name)) is not None:
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    found = next((one for one in ARCHITECTURES if one.recognise_folder(config)), None)
    other = strangers.unet_of_folder(config) if found is None else None
    if other is not None and not _is_made_for(said, lambda _: config):
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    if class_name is None and said is None:
        raise UnknownWeights(name, "its model_index.json does not name its pipeline (_class_name)")
    family = said or (found and found.family_of(index, config))
    if family not in FAMILIES:
        width = config.get("cross_attention_dim")
        raise UnknownWeights(name, f"a {class_name!s:.60} with words of width {width!r:.20}")
    usual = FAMILIES[family].architecture
    if class_name is not None and not usual.is_pipeline(str(class_name)):
        raise UnusableWeights(name, f"a {class_name!s:.60} that is called {family}, {NOT_YET}")
    apart = tuple(part.kind for part in usual.at(Stage.ENLARGE))  # no folder has it
    return Anatomy(
        kind="checkpoint",
        family=family,
        channels=usual.channels(config),
        lacks=apart,
        denoiser=config if apart else {},
    )


def _checkpoint(
    contents: Contents,
    name: str,
    said: str | None,
    configs: Path,
    found: tuple[Architecture, Named] | None,
) -> Anatomy:
    """`said`: the family that its card names; needed only where the tensors tell none."""
    shapes = contents.shapes
    other = strangers.unet(shapes) if found is None else None
    if other is not None and not _is_made_for(said, lambda one: one.denoiser.told(shapes)):
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    family = said
    if found is not None:
        family = found[0].finer(found[1].shapes, contents.metadata) or found[0].family
    if family not in FAMILIES:
        raise UnknownWeights(name, strangers.part(shapes) or strangers.likeness(shapes))
    usual = FAMILIES[family].architecture
    named = found[1] if found is not None and found[0] is usual else None
    reading = read_checkpoint(contents, name, usual, configs, named)
    others = dict(reading.configs)
    denoiser = others.pop(usual.denoiser.name)
    lacks = tuple(part.kind for part in usual.parts if part not in reading.parts)
    return Anatomy(
        kind="checkpoint",
        family=family,
        channels=usual.channels(denoiser),
        prediction=reading.told,
        says=reading.says,
        noise=reading.noise,
        distilled=of_header(contents.metadata),
        lacks=lacks,
        # A denoiser alone may be the second one of another file's model.
        fills={part.kind: denoiser for part in usual.at(Stage.REFINE) if len(reading.parts) == 1},
        denoiser=denoiser if lacks else {},
        others=others if lacks else {},
    )


def _is_made_for(said: str | None, told: Callable[[Architecture], Config]) -> bool:
    """Whether models of the family that a card names are made for something with that config."""
    if said is None or said not in FAMILIES:
        return False
    built = FAMILIES[said].architecture
    return built.channels(told(built)) in built.purposes
