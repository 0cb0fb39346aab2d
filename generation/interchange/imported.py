"""What another program's file says of its picture: a draft, the losses, the files it wants.

    a file's named texts --a reader--> Imported --the bot--> words, a card, a wish

The invariant: what a reader found and could not take over is a `Loss`, and never nothing; what
nobody needs to draw (the version of a program, a time, the hash of a prompt) is silent.  Facts
alone: sentences are made in `bot.pages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from generation.draft import UNSAID, Draft
from generation.errors import Unacceptable
from generation.recipe import Recipe
from generation.tasks import Task

LONGEST = 2**20  # characters of one text of words and settings; a graph may be longer
LONGEST_FACT = 200  # of what is told of a loss, and of a file's name
MOST = 100  # losses, and files, of one picture

# What people call the programs.
PROGRAMS = {
    "atelier": "Atelier",
    "a1111": "A1111",
    "comfyui": "ComfyUI",
    "swarmui": "SwarmUI",
    "invokeai": "InvokeAI",
    "fooocus": "Fooocus",
    "novelai": "NovelAI",
    "draw things": "Draw Things",
    "easy diffusion": "Easy Diffusion",
}


class Why(StrEnum):
    """Why something that a file says is not in the draft as it stands there."""

    NOT_HERE = "not here"  # another program has it, and nothing of ours is the same
    UNKNOWN = "unknown"  # a name or a key that nothing here knows
    OUT_OF_RANGE = "out of range"  # beyond what can be asked for here
    UNREADABLE = "unreadable"  # a value that is none of its kind
    A_STEP_OF_ITS_OWN = "a step of its own"  # done to the picture afterwards, as by a button here
    WANTS_A_PICTURE = "wants a picture"  # that the file does not hold: an init, a mask, a control
    OTHERWISE = "otherwise"  # taken as what comes nearest: `took` says what that is
    OTHER_NOISE = "other noise"  # taken, but the noise is drawn otherwise: another picture
    TWICE = "twice"  # said more than once; the first, or what `took` says, counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that the file says and that the draft does not say as it stands there."""

    what: str  # "sampler", "hires fix", "ADetailer": a parameter's name, or the program's word
    why: Why
    found: str = ""  # what stood there, cut short
    where: str = ""  # the key, the node, the line; empty: it goes without saying
    took: str = ""  # what was taken in its place


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file of weights that the picture was drawn with, as far as it is named."""

    kind: str  # "checkpoint", "lora", "vae", "embedding", "controlnet", "upscaler", ...
    name: str  # without folders and endings
    hash: str = ""  # lower-case hex digits: of the file, of its tensors, or the first of them
    address: str = ""  # a page, a file, "civitai:MODEL@VERSION", an AIR
    strength: float | None = None  # of what has one
    expert: str | None = None  # of a LoRA, which of two denoisers it changes, or BOTH
    # Named there, and not for this draft: a switch stood otherwise, or another pass has it.
    idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What was read."""

    program: str  # "atelier", "a1111", "comfyui", "swarmui", "invokeai", "fooocus", ...
    draft: Draft = UNSAID  # gaps stay gaps; its adapters are `files` until somebody finds them
    task: Task | None = None  # what was done there; None: nobody can tell
    seed: int | None = None  # up to 64 bits
    lost: tuple[Loss, ...] = ()
    files: tuple[WantedFile, ...] = ()
    recipe: Recipe | None = None  # the whole of it, in a file of ours


class NotRead(Unacceptable):
    """Nothing here reads it; `reason` is a clause, as in "it carries no text"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def facts(self) -> tuple[object, ...]:
        """What it was made of."""
        return (self.reason,)

    def __str__(self) -> str:
        return self.reason


def cut(text: object) -> str:
    """What is told of something found: one line, short enough, printable."""
    line = " ".join(str(text)[: 4 * LONGEST_FACT].split())
    line = "".join(c if c.isprintable() else "\ufffd" for c in line)
    return line if len(line) <= LONGEST_FACT else line[: LONGEST_FACT - 1] + "…"
