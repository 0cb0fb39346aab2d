"""What each model family is: native size, steps, cfg, sampler and prompt dialect, as data.

A family is recognised by the shape of its weights (its `Architecture`), or named by the model's
card (`atelier.toml` beside the weights), never by a file's name.  Adding one is a row here and, if
its networks are built as no other's, a file beside this one and an engine (CONTRIBUTING).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from generation.errors import NoSuchName
from generation.families.architecture import Architecture
from generation.families.sd3 import SD3
from generation.families.stable_diffusion import REFINER, SD1, SD2, SDXL
from generation.recipe import Precision, Task
from generation.samplers import samplers_of

PARTLY = (Task.INPAINT, Task.OUTPAINT)  # of whose pictures a part stays as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Data of one model family."""

    name: str
    title: str
    architecture: Architecture
    width: int  # native size, pixels
    height: int
    min_side: int
    max_pixels: int
    steps: int
    cfg: float
    denoise: float  # of a picture that is drawn over
    sampler: str
    scheduler: str
    clip_layers: int  # of its text encoder that can be read: how far clip skip may go back
    syntax: str  # one of generation.recipe.SYNTAXES
    dialect: str  # a key of prompting.speaking.dialects
    negative: bool  # whether a negative prompt has an effect
    precision_cuda: Precision
    precision_cpu: Precision  # also used where a GPU has no such format
    # Of a part of a picture, and of what is drawn around it: nothing of what lay there.
    denoise_of_a_part: float = 1.0
    # Of pictures that are changed as they are told to, by models made for it.
    cfg_of_edits: float = 7.5
    image_cfg: float = 1.5
    # Finetunes that are spoken to otherwise: how their files are called, and in which dialect.  A
    # name decides words alone; a card says better.
    finetunes: tuple[tuple[str, str], ...] = ()
    few_words: bool = False  # trained with the words of generation.starter.words, and no others
    kin: str = ""  # the family whose LoRAs and embeddings are made for it too

    def takes(self, kind: str, other: Family) -> bool:
        """Whether weights of that kind fit it that are made for the other family."""
        match kind:
            case "checkpoint":
                return self is other
            case "vae":
                return self.architecture.vae is other.architecture.vae
            case _:
                return (self.kin or self.name) == (other.kin or other.name)

    def dialect_of(self, called: str) -> str:
        """How a checkpoint of that name wants to be spoken to, as far as a name tells."""
        plain = called.casefold()
        return next((dialect for part, dialect in self.finetunes if part in plain), self.dialect)

    def denoise_for(self, task: Task | None) -> float:
        """How much of a picture is drawn anew, where nobody says."""
        return self.denoise if task not in PARTLY else self.denoise_of_a_part

    @property
    def grid(self) -> int:
        """Pixels that width and height are multiples of."""
        return self.architecture.grid

    @property
    def noise(self) -> str:
        """The noise it is trained under: a name of generation.sigmas.levels."""
        return self.architecture.noise.levels

    @property
    def samplers(self) -> tuple[str, ...]:
        """Those that can draw with it."""
        return samplers_of(flow=self.architecture.noise.prediction == "flow")

    @property
    def tasks(self) -> frozenset[Task]:
        """What can be made with it."""
        return self.architecture.tasks


# Enough to follow new words, little enough to keep the composition (ComfyUI's and A1111's examples
# lie between 0.5 and 0.75).
DENOISE_OF_IMAGES = 0.6

_SD15 = Family(
    name="sd15",
    title="Stable Diffusion 1.x",
    architecture=SD1,
    width=512,
    height=512,
    min_side=256,
    max_pixels=1024 * 1024,
    steps=25,
    cfg=7.0,
    denoise=DENOISE_OF_IMAGES,
    sampler="dpmpp_2m",
    scheduler="karras",
    clip_layers=12,
    syntax="a1111-2",
    dialect="sd15",
    negative=True,
    precision_cuda=Precision.FP16,
    precision_cpu=Precision.FP32,
)

_SD2 = replace(_SD15, name="sd2", title="Stable Diffusion 2.x", architecture=SD2, dialect="sd21")
_SDXL = replace(
    _SD15,
    name="sdxl",
    title="Stable Diffusion XL",
    architecture=SDXL,
    width=1024,
    height=1024,
    min_side=512,
    max_pixels=2048 * 2048,
    steps=28,
    cfg=6.0,
    dialect="sdxl",
    finetunes=(
        *(("noob", "noobai"), ("illustrious", "illustrious"), ("ilxl", "illustrious")),
        *(("animagine", "illustrious"), ("pony", "pony")),
    ),
)
_SD3 = Family(
    name="sd3",
    title="Stable Diffusion 3 and 3.5",
    architecture=SD3,
    width=1024,
    height=1024,
    min_side=512,
    max_pixels=1536 * 1024,  # so that no side is longer than 3072, where its positions end
    steps=28,
    cfg=4.5,
    denoise=DENOISE_OF_IMAGES,
    sampler="euler",
    scheduler="sgm_uniform",
    clip_layers=12,
    syntax="a1111-2",
    dialect="sd3",
    negative=True,
    precision_cuda=Precision.FP16,
    precision_cpu=Precision.FP32,
)

FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        replace(
            _SD15,
            name="starter",
            title="Starter (built in)",
            width=128,
            height=128,
            min_side=64,
            max_pixels=256 * 256,
            steps=20,
            cfg=2.0,
            cfg_of_edits=2.0,
            clip_layers=3,
            dialect="starter",
            few_words=True,
            precision_cuda=Precision.FP32,
        ),
        _SD15,
        _SD2,
        replace(
            _SD2,
            name="sd2-768",
            title="Stable Diffusion 2.x (768)",
            width=768,
            height=768,
            kin="sd2",
        ),
        _SDXL,
        replace(
            _SDXL,
            name="sdxl-refiner",
            title="Stable Diffusion XL refiner",
            architecture=REFINER,
            denoise=0.3,  # it was trained on the last fifth of the noise
            denoise_of_a_part=0.3,
        ),
        _SD3,
    )
}

ARCHITECTURES: tuple[Architecture, ...] = tuple(
    dict.fromkeys(f.architecture for f in FAMILIES.values())
)


def has_few_words(name: str) -> bool:
    """Whether models of that family have seen few things, and the program knows which."""
    return name in FAMILIES and FAMILIES[name].few_words


def family(name: str) -> Family:
    """The family of that name.  Raises NoSuchName."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise NoSuchName("family", name, tuple(FAMILIES)) from None
