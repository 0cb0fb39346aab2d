r"""What an architecture of models is, as data: the port that a new one is written against.

    families/<name>.py          Network, Part, Noise, Architecture: how its files look and are known
    worker/engines/<name>.py    how its networks draw (`generation.worker.engines.engine`)

    Architecture --- parts: Part ... --- network: Network      a class of diffusers or transformers
                 \-- noise: Noise

No torch and no imports of those libraries: classes are named here and imported by the worker alone.
The invariant: catalog, loader, memory and costs know these values and no architecture by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from generation.recipe import Recipe
from generation.tasks import Task

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]  # of tensors, by their names
Config = Mapping[str, object]  # a config.json


def _nothing(_: Mapping[str, object]) -> str | None:
    return None


def untold(_: Shapes) -> Config:
    """Nothing: its config has all sizes."""
    return {}


def _none(_: Config) -> tuple[str, ...]:
    return ()


def with_told(config: Config, told: Config) -> dict[str, object]:
    """A config with what a file's tensors say of it."""
    found = dict(config)
    for key, value in told.items():
        outer, _, inner = key.partition(".")
        if not inner:
            found[key] = value
        elif isinstance(level := found.get(outer), Mapping):
            found[outer] = {**level, inner: value}
    return found


def no_marks(_: Mapping[str, object], __: Mapping[str, object]) -> str | None:
    """No family: its checkpoints are all of one."""
    return None


# The values that a setting may have, by its name.
Settings = Mapping[str, tuple[object, ...]]


class Purpose(StrEnum):
    """What a checkpoint is made for that draws neither from words alone nor over a picture."""

    INPAINTING = "inpainting"
    EDITING = "editing"
    CONTROL = "control"


# What checkpoints of a purpose draw.
SERVES: Mapping[str, frozenset[Task]] = {
    Purpose.INPAINTING: frozenset({Task.INPAINT, Task.OUTPAINT}),
    Purpose.EDITING: frozenset({Task.EDIT}),
    Purpose.CONTROL: frozenset(
        {Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT, Task.OUTPAINT}
    ),
}


# What a folder's guider says of cfg, among what its model_index.json says.
GUIDED_AT = "_cfg"
LOOKS_BY = "image_encoder"  # the part by which a film's networks see what it goes on from


class Stage(StrEnum):
    """When a part must be on the device."""

    ENLARGE = "enlarge"  # pixels -> more pixels, before anything is drawn
    ENCODE = "encode"  # words -> what the denoiser reads
    DENOISE = "denoise"
    REFINE = "refine"  # what a second denoiser draws, where little noise is left
    DECODE = "decode"  # latents -> pixels, and pixels -> latents


class Dtype(StrEnum):
    """The number format that a part is kept in."""

    RECIPE = "recipe"  # the recipe's precision
    UPCAST = "upcast"  # fp32 instead of fp16 where its config says `force_upcast`
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A class of networks, and what its folder must hold."""

    module: str  # "diffusers.models.autoencoders.autoencoder_kl"
    name: str  # "AutoencoderKL"
    weights: str  # the stem of its files: "diffusion_pytorch_model"
    # From its config: every tensor that it has, by its own names; None: a build not written down.
    tensors: Callable[[Config], Shapes | None]
    # Settings that are passed on to the class, which builds what they say; None: whatever it says.
    settings: frozenset[str] | None
    only: Settings = field(default_factory=dict)  # settings of which only these values are drawn
    # Its name of today for a tensor's name of an older release.
    modern: Callable[[str], str] = str
    # Beginnings of the names of what its files may hold beside its tensors.
    harmless: tuple[str, ...] = ()
    # Why nothing can be drawn with a config, as a clause; None: nothing speaks against it.
    fault: Callable[[Config], str | None] = _nothing
    # What tensors of its names say of its config; "a.b": the b of its a.
    told: Callable[[Shapes], Config] = untold
    # Tensors that are whole numbers, or yes and no: they are read as they lie.
    tables: tuple[str, ...] = ()
    # Modules of the class that a config leaves out, and that nothing needs to draw.
    without: Callable[[Config], tuple[str, ...]] = _none

    @property
    def library(self) -> str:
        """The package that has it: "diffusers" or "transformers"."""
        return self.module.partition(".")[0]  # "generation": one of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizer:
    """What turns a text encoder's text into numbers; it has no weights."""

    name: str  # its folder: "tokenizer"
    module: str
    classes: tuple[str, ...]  # the first is the one that is used
    padding: str  # the token that fills short prompts, where a single file does not say
    # That of single files, by worker/loading/tokenizers.py; empty: that of the first class.
    bare: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lies:
    """Where rows of a network's tensor lie in a single file."""

    key: str  # the layout's name of the file's tensor
    nth: int = 0  # of `of` equal shares of its rows
    of: int = 1
    transposed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One network of an architecture: where it lies in a folder and in a single file."""

    name: str  # its folder, and its key among the loaded parts: "unet"
    title: str  # in sentences: "UNet"
    network: Network
    stage: Stage
    config: str  # the folder of its config for single files, in generation/worker/configs
    prefix: str  # of its tensors in a single file: "model.diffusion_model."
    # (by the network's names, its config) -> the same by the single file's, prefix included.
    layout: Callable[[Shapes, Config], Shapes]
    # The same, but where the rows of each tensor lie, one piece after the other; no rows: it is the
    # identity.  None: the layout has as many tensors as the network, in the same order.
    lies: Callable[[Shapes, Config], Mapping[str, Sequence[Lies]]] | None = None
    # Names that the file may give a tensor instead: (the file's) -> the layout's.
    spelling: Callable[[str], str] = str
    # What a single file's tensors say of its config otherwise; "a.b": the b of its a.
    told: Callable[[Shapes], Config] = untold
    # Beginnings of the names of what a single file may hold beside its tensors, from its config.
    spare: Callable[[Config], tuple[str, ...]] = _none
    # Of the network's buffers those that a file may lack: its class computes them, or a list of
    # rows lies beside the config as `<name>.json`, of which the last goes on to the end.
    supplied: tuple[str, ...] = ()
    dtype: Dtype = Dtype.RECIPE
    classes: tuple[str, ...] = ()  # that model_index.json may name; empty: the network's alone
    # Settings with which it has every layer that any checkpoint has.
    fullest: Config = field(default_factory=dict)
    # What its config must say to be of this architecture; what it does not say counts as None.
    settings: Settings = field(default_factory=dict)
    tokenizer: Tokenizer | None = None  # of a text encoder
    optional: bool = False  # drawn without where it is not there
    # Published alone as well: a checkpoint without it takes that file.  A denoiser always may be.
    apart: bool = True
    # The kind of adapter that a file of it is: no checkpoint has it, and a recipe names which.
    adapter: str = ""
    # What such a file is usually called, of a checkpoint whose denoiser has a config; for people.
    file: str | Callable[[Config], str] = ""

    @property
    def kind(self) -> str:
        """What a file of it alone is: the same for parts that take the same files."""
        return f"{self.config} {self.network.name}"

    def usual_file(self, config: Config) -> str:
        """What a file of it alone is usually called, beside a denoiser with that config."""
        return self.file if isinstance(self.file, str) else self.file(config)

    def where(self, config: Config) -> Mapping[str, Sequence[Lies]]:
        """Where each of the network's tensors lies in a single file."""
        own = self.network.tensors(config) or {}
        if self.lies is not None:
            return self.lies(own, config)
        layout = self.layout(own, config)
        return {key: (Lies(key=theirs),) for key, theirs in zip(own, layout, strict=True)}

    @property
    def named(self) -> tuple[str, ...]:
        """The classes that it may have in model_index.json."""
        return self.classes or (self.network.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a checkpoint says of its training."""

    prediction: str  # "epsilon", "v_prediction", "flow"
    noise: str  # a name of generation.sigmas.levels
    # Whether it needs guidance, where its scheduler tells: one that was distilled from it does not.
    guided: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The noise that an architecture is trained under."""

    levels: str  # the usual: a name of generation.sigmas.levels
    prediction: str | None  # of a single file that does not say it; None: its owner has to
    schedulers: frozenset[str]  # the classes that a folder's scheduler may have
    # (a scheduler_config.json, the model's name) -> what it says.  Raises UnusableWeights.
    read: Callable[[Config, str], Trained]
    # What a flow's network is told where all is noise; of less of it that share.
    whole: float = 1000.0


def megapixels(recipe: Recipe) -> float:
    """The work of a call: a picture's or a clip's megapixels, a sound's seconds."""
    if recipe.canvas is None:
        return recipe.sound.seconds if recipe.sound is not None else 1.0
    frames = recipe.motion.frames if recipe.motion is not None else 1
    return frames * recipe.drawn_at.pixels / 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Architecture:
    """A build of networks that many checkpoints share, and how their files are recognised."""

    name: str  # the key of its engine
    family: str  # of its checkpoints whose card names none: a key of generation.families.family
    parts: tuple[Part, ...]
    # A single file's tensors, and the config of a folder's denoiser: whether they are this one's.
    recognise: Callable[[Shapes], bool]
    recognise_folder: Callable[[Config], bool]
    pipelines: str  # a regular expression: the classes that its model_index.json may name
    noise: Noise
    tasks: frozenset[Task]
    grid: int  # pixels that a picture's sides are multiples of
    latent_channels: int
    medium: str = "image"  # what it makes: a key of generation.media.table
    # The architecture whose checkpoints it draws with, by its name: no file is one of its own.
    borrows: str = ""
    # What one call of the denoiser works on: a step's cost is its calls times this.
    work: Callable[[Recipe], float] = megapixels
    # (pixels, frames of a film) -> the pixels by which the levels of its flow are shifted.
    levels_by: Callable[[int, int], int] = lambda pixels, _frames: pixels
    # What is built like it and is another model, by its name; None: nothing.
    relative: Callable[[Shapes], str | None] = _nothing
    # (the configs of some of its parts, by their names) -> why these cannot draw together, as a
    # clause, such as "it gives words 2560 wide, 4096 are read"; None: nothing speaks against it.
    fits: Callable[[Mapping[str, Config]], str | None] = _nothing
    # How wide the vectors of an embedding are, for each text encoder that learns words.
    embedding_widths: tuple[int, ...] = ()
    # What trainers of LoRAs write into the metadata: beginnings; empty: no LoRA of it is read.
    trainers_names: tuple[str, ...] = ()
    # The family for whose a LoRA is taken that has no layer but those which both have alike.
    elder: str = ""
    # The families of its checkpoints by what they predict, where that tells them apart.
    by_prediction: Mapping[str, str] = field(default_factory=dict)
    # The families of its folders by the levels that these say, where those tell them apart.
    by_levels: Mapping[str, str] = field(default_factory=dict)
    # The families of folders that need guidance, by those that they would be of without.
    by_guidance: Mapping[str, str] = field(default_factory=dict)
    # Channels that its denoiser takes in models that are made for something else.
    purposes: Mapping[int, Purpose] = field(default_factory=dict)
    # Channels of a mask beside a latent pixel, in those that are made to inpaint: one of all of its
    # pixels, or one of each.
    mask_channels: int = 1
    # The families of folders by the pipelines that they name: regular expressions.
    by_pipeline: Mapping[str, str] = field(default_factory=dict)
    # (a model_index.json, its denoiser's config) -> the family that a folder's marks tell; None:
    # they tell none.
    finer_folder: Callable[[Config, Config], str | None] = no_marks
    # (a single file's tensors, its metadata) -> the family that its marks tell, of those that have
    # the same tensors; None: they tell none, and a card may.
    finer: Callable[[Shapes, Mapping[str, str]], str | None] = no_marks
    # What a file may be besides that is taken for a family: others with the same tensors.
    alike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # A picture's width and height -> those at which it is edited; the result comes back to its own.
    edits_at: Callable[[int, int], tuple[int, int]] | None = None
    # (width, height, which of several) -> the size at which an edit looks at a picture; None: that
    # at which the edit is drawn.
    seen_at: Callable[[int, int, int], tuple[int, int] | None] | None = None
    # Whether it looks at the picture of which it draws a part, as an edit does.
    looks_at_the_rest: bool = False
    # What a model_index.json must say where it says it.
    index: Settings = field(default_factory=dict)

    def part(self, name: str) -> Part:
        """The part of that name.  Raises KeyError."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    def at(self, stage: Stage) -> tuple[Part, ...]:
        """The parts that a stage needs."""
        return tuple(part for part in self.parts if part.stage is stage)

    @property
    def denoiser(self) -> Part:
        """The part that is called once or twice per step."""
        return self.at(Stage.DENOISE)[0]

    @property
    def vae(self) -> Part:
        """The part that another file may take the place of: a recipe's `vae`."""
        return self.at(Stage.DECODE)[0]

    def family_of(self, index: Config, denoiser: Config) -> str:
        """The family of a folder with that model_index.json and config of its denoiser."""
        if (marked := self.finer_folder(index, denoiser)) is not None:
            return marked
        for classes, family in self.by_pipeline.items():
            if re.fullmatch(classes, str(index.get("_class_name"))):
                return family
        return self.family

    def channels(self, config: Config) -> int | None:
        """How many channels a denoiser with that config takes."""
        found = config.get("in_channels", self.latent_channels)
        return found if isinstance(found, int) else None

    def predicts(self, family: str) -> str | None:
        """What its checkpoints of that family predict, where that tells them apart."""
        return next((what for what, name in self.by_prediction.items() if name == family), None)

    def is_pipeline(self, class_name: str) -> bool:
        """Whether a folder may name that class as its pipeline."""
        return re.fullmatch(self.pipelines, class_name) is not None
