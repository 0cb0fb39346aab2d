"""What a family of models is, as data: native size, steps, cfg, sampler and prompt dialect.

The invariant: whatever is usual for its models, and whatever can be made with them, stands here and
in its architecture, and nowhere by its name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from generation.families.architecture import Architecture
from generation.recipe import Precision
from generation.spans import TWICE, Experts, SecondPass, TokenDice
from generation.tasks import Task

# Enough to follow new words, little enough to keep the composition (ComfyUI's and A1111's examples
# lie between 0.5 and 0.75).
DENOISE_OF_IMAGES = 0.6
PARTLY = (Task.INPAINT, Task.OUTPAINT)  # of whose pictures a part stays as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """The clips that a family draws."""

    frames: int  # usually
    fps: float  # at which they are played
    max_frames: int
    step: int = 1  # a count of frames is a multiple of it, and one more
    loosely: bool = False  # whether less than all of the picture it begins with can be held
    # Latent frames that are usually decoded at once, and that neighbouring pieces share.
    piece: int | None = None
    overlap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounding:
    """The sounds that a family makes."""

    seconds: float  # usually
    max_seconds: float
    rate: int  # samples a second
    channels: int
    sings: bool = False  # whether it is told lyrics, a measure and a key


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaping:
    """The forms that a family makes."""

    resolution: int  # points of a side of the grid in which a surface is usually looked for
    max_resolution: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Data of one model family."""

    name: str
    title: str
    architecture: Architecture
    width: int  # native size, pixels; 0: what it makes has no size
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
    image_cfg: float | None = 1.5  # None: the picture guides by no cfg of its own
    references: int = 1  # pictures that an edit looks at, at most
    # Whether these look at each other alone, and never at the picture that is drawn.
    seen_apart: bool = False
    # What a network that was distilled from guidance is told of it; None: it is told nothing.
    guidance: float | None = None
    # The noise it is trained under, where that is not its architecture's, whatever its folder says.
    levels: str = ""
    told: bool = False  # but a folder that says others has them
    # What is made with it, where that is not what its architecture can do.
    does: frozenset[Task] | None = None
    # Finetunes that are spoken to otherwise: how their files are called, and in which dialect.  A
    # name decides words alone; a card says better.
    finetunes: tuple[tuple[str, str], ...] = ()
    few_words: bool = False  # trained with the words of generation.starter, and no others
    kin: str = ""  # the family whose LoRAs and embeddings are made for it too
    moving: Moving | None = None
    sounding: Sounding | None = None
    shaping: Shaping | None = None
    dice: TokenDice | None = None  # of models that write tokens, one after the other
    experts: Experts | None = None  # how models with two denoisers usually share the work
    second: SecondPass | None = None  # the usual, of those whose films can be drawn in two passes
    coarse: int = 1  # how many steps of the architecture's grid are one of this

    @property
    def medium(self) -> str:
        """What its models make by themselves: a key of generation.media.table."""
        return self.architecture.medium

    @property
    def sized(self) -> bool:
        """Whether what it makes has a width and a height."""
        return self.width > 0

    def takes(self, kind: str, other: Family) -> bool:
        """Whether weights of that kind fit it that are made for the other family."""
        match kind:
            case "checkpoint":
                borrowed = self.architecture.borrows == other.architecture.name
                return self is other or (borrowed and self.guidance == other.guidance)
            case "controlnet":
                return self.architecture.denoiser is other.architecture.denoiser
            case "motion":
                return self.architecture is other.architecture
            case "vae":
                return self.architecture.vae is other.architecture.vae
            case _:
                # What was taught to move moves nothing in a picture.
                moves = other.architecture.medium not in ("image", self.architecture.medium)
                return not moves and (self.kin or self.name) == (other.kin or other.name)

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
        return self.architecture.grid * self.coarse

    def in_passes(self, passes: int | None) -> Family:
        """As it draws in so many: half of what two passes draw is on its grid as well."""
        if passes != TWICE or self.second is None:
            return self
        return replace(self, coarse=TWICE, min_side=max(self.min_side, self.architecture.grid * 2))

    @property
    def noise(self) -> str:
        """The noise it is trained under: a name of generation.sigmas.levels."""
        return self.levels or self.architecture.noise.levels

    @property
    def flows(self) -> bool:
        """Whether its levels can be shifted."""
        return self.noise.startswith("flow")

    @property
    def tasks(self) -> frozenset[Task]:
        """What can be made with it."""
        return self.architecture.tasks if self.does is None else self.does
