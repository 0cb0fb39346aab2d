"""What a recipe says of a clip, of a sound and of a form, besides what every recipe says.

Sections of a recipe as its words and its canvas are: each is absent where a task has it not.  The
invariant: the shape of a work's content follows from its recipe (of a mesh, from the content).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from generation.bounds import check_integer, check_number
from generation.errors import OutOfRange
from generation.parameters import (
    FASTEST_BPM,
    MAX_FRAMES,
    MAX_SECONDS,
    SLOWEST_BPM,
    TEMPERATURE,
    TOP_K,
)
from generation.spelling import at_most

MAX_FPS = 240.0
RATES = (4_000, 192_000)  # samples a second
MAX_CHANNELS = 2
MAX_LYRICS = 20_000  # characters that are kept; people may say fewer
RESOLUTIONS = (8, 512)
EXPERTS = ("high", "low")  # which of two denoisers: of much noise, which comes first, or of little
TWICE = 2  # passes: at half the sides, and then at all of them
BOTH = "both"  # said where a name alone would mean one of them


def expert_named(text: str) -> str | None:
    """Which of two denoisers somebody says, or BOTH; None where it is no such word."""
    said = text.strip().casefold()
    return said if said in (*EXPERTS, BOTH) else None


def on_one(text: str) -> tuple[str, str | None]:
    """What is said of a LoRA before the denoiser that is meant, and that one, or both."""
    before, _, last = text.rpartition(":")
    expert = expert_named(last) if before else None
    return (text, None) if expert is None else (before.strip(), expert)


def strength_on(strength: float, expert: str | None) -> str:
    """How people write a LoRA's strength, with the denoiser that it changes alone: 0.8:high."""
    return f"{strength:g}" + (f":{expert}" if expert else "")


def meant(said: str | None, usual: str | None) -> str | None:
    """The one that counts, where a file's name or card has a `usual` one; None: both."""
    return None if said == BOTH else said or usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How long a clip is, and in which pieces it is decoded, which decides pixels as well."""

    frames: int
    fps: float  # frames a second, as it is played
    # Latent frames that are decoded at once, and that neighbouring pieces share; None: all at once.
    piece: int | None
    overlap: int | None
    # How much of the picture that it begins with stays; what is left of it is drawn.  None: all.
    held: float | None = None

    def __post_init__(self) -> None:
        check_integer("frames", self.frames, 1, MAX_FRAMES)
        if self.held is not None:
            check_number("held", self.held, 0.0, 1.0)
            # One spelling of all and of none, as equal recipes share an id.
            if self.held == 1.0 or str(self.held) == "-0.0":
                raise OutOfRange("held", self.held, "0 to less than 1, or nothing")
        check_number("fps", self.fps, 0.1, MAX_FPS)
        if self.piece is not None:
            check_integer("piece", self.piece, 1, MAX_FRAMES)
        if self.overlap is not None:
            check_integer("overlap", self.overlap, 1, (self.piece or 1) - 1)

    @property
    def seconds(self) -> float:
        """How long it is played."""
        return self.frames / self.fps


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """Of a model with two denoisers: which share of the noise the second draws, and how."""

    boundary: float  # of the noise levels' 0 to 1, below which the second draws
    cfg: float  # of the second

    def __post_init__(self) -> None:
        check_number("boundary", self.boundary, 0.0, 1.0)
        check_number("cfg", self.cfg, 0.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPass:
    """How a film that was drawn at half its sides is drawn on, once its latents are enlarged."""

    sampler: str  # ComfyUI's name
    sigmas: tuple[float, ...]  # descending noise levels; the last is 0
    cfg: float

    def __post_init__(self) -> None:
        check_number("cfg", self.cfg, 0.0, 100.0)
        if len(self.sigmas) < 2 or list(self.sigmas) != sorted(self.sigmas, reverse=True):
            raise OutOfRange("sigmas", len(self.sigmas), "a descending list of at least two")
        for sigma in self.sigmas:
            check_number("sigma", sigma, 0.0, 1.0)

    @property
    def passes(self) -> int:
        """In how many a film is drawn, as people say it."""
        return TWICE

    @property
    def steps(self) -> int:
        """Those of this pass."""
        return len(self.sigmas) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """How long a sound is, how it is sampled, and what is sung to which measure."""

    seconds: float
    rate: int  # samples a second, of each channel
    channels: int
    lyrics: str | None = field(metadata=at_most(MAX_LYRICS))
    bpm: int | None
    key: str | None  # "C major"
    meter: str | None  # "4": beats of a bar

    def __post_init__(self) -> None:
        check_number("seconds", self.seconds, 0.01, MAX_SECONDS)
        check_integer("rate", self.rate, *RATES)
        check_integer("channels", self.channels, 1, MAX_CHANNELS)
        if self.lyrics == "":  # one spelling of none, as equal recipes share an id
            raise OutOfRange("lyrics", "", "some, or nothing")
        if self.bpm is not None:
            check_integer("bpm", self.bpm, SLOWEST_BPM, FASTEST_BPM)

    @property
    def samples(self) -> int:
        """How many each channel has."""
        return int(self.seconds * self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDice:
    """How each token is thrown, by models that write a sound one token after the other."""

    temperature: float  # 0: nothing is thrown, the likeliest is taken
    top_k: int  # among how many, the likeliest; 0: among all

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature, TEMPERATURE.low, TEMPERATURE.high)
        check_integer("top_k", self.top_k, TOP_K.low, TOP_K.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """How finely the surface of a form is looked for."""

    resolution: int  # points of a side of the grid

    def __post_init__(self) -> None:
        check_integer("resolution", self.resolution, *RESOLUTIONS)
