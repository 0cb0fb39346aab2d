"""What a reply to a picture asks for, as plain values.

    "2: make it night and less steps, pls"  ▶  edit(pick 2, set light "night")
                                               parameters(pick 2, steps: less)

Neither recipes nor models are known here: what is relative ("less steps") stays so, for whoever
knows the parent.  The invariant: every word here was said in the reply, or is the canonical name
of something that was said; nothing is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IntentKind(StrEnum):
    """What is to be done; the names are those of the answers of `python -m bot change`."""

    EDIT = "edit"  # the words of the picture change, as `changes` say
    REWRITE = "rewrite"  # another picture is described: `prompt`
    RESTYLE = "restyle"  # drawn in another style: `style`
    VARY = "vary"  # the same, a little or much different: `strength`
    UPSCALE = "upscale"  # the same with more pixels: `factor`
    OUTPAINT = "outpaint"  # more around it: `directions`, `amount`
    INPAINT = "inpaint"  # only a named region is drawn anew: `region`, `changes`
    PARAMETERS = "parameters"  # `settings` alone
    AGAIN = "again"  # the same words with another seed
    REPRODUCE = "reproduce"  # the very same picture
    INFO = "info"  # a question about how it was made
    UNDO = "undo"
    DESCRIBE = "describe"  # a question about what is to be seen
    VIDEO = "video"  # the picture in motion: `changes` of the aspect MOTION say how
    SOUND = "sound"  # what it sounds like
    FORM = "form"  # the thing in three dimensions
    EXTEND = "extend"  # a clip or a sound goes on: `amount` seconds
    FRAME = "frame"  # a picture of a clip's `moment`
    PICK = "pick"  # one of several pictures is chosen, and nothing else said
    DELETE = "delete"
    NONE = "none"  # thanks, talk, words to others: nothing is drawn
    ASK = "ask"  # what is meant cannot be told: `question`


# Kinds after which no picture is drawn.
QUIET = frozenset(
    {
        *(IntentKind.NONE, IntentKind.INFO, IntentKind.UNDO),
        *(IntentKind.ASK, IntentKind.DELETE, IntentKind.DESCRIBE),
    }
)


class Action(StrEnum):
    """What becomes of a thing in the picture."""

    SET = "set"  # `what` becomes `into`: the cup blue, the picture night
    ADD = "add"  # `into` comes into the picture, at `where`
    REMOVE = "remove"  # `what` goes
    SWAP = "swap"  # `into` takes the place of `what`


class Aspect(StrEnum):
    """Which side of a picture a change is about; how strongly it is redrawn depends on it."""

    LIGHT = "light"  # time of day, season, brightness
    WEATHER = "weather"
    COLOUR = "colour"  # and material
    OBJECT = "object"  # things, their number, how they are and what they do
    BACKGROUND = "background"  # and place
    STYLE = "style"
    FRAMING = "framing"  # close-up, from above
    TEXT = "text"  # letters to be read in the picture
    MOOD = "mood"
    MOTION = "motion"  # what moves, of a clip
    SOUND = "sound"  # what is heard, and how


class Direction(StrEnum):
    """Which way a setting goes that is said relative to the parent's."""

    MORE = "more"
    LESS = "less"
    OFF = "off"  # it goes away: a LoRA, a style


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentChange:
    """One change of what the picture shows."""

    action: Action
    aspect: Aspect
    what: str = ""  # "cup"; empty: the picture, or the main thing in it
    into: str = ""  # "blue", "a skateboard", "at night"
    where: str = ""  # "on the left", "on a sign"; of what is given to somebody, to whom: `to`
    to: str = ""  # "cat", of "give the cat a scarf"
    language: str = "en"  # of these words


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSetting:
    """One setting, absolute or relative.

    Names: steps, cfg, seed, sampler, scheduler, count, model, style, lora, denoise, clip_skip,
    negative, width, height, size ("768x512", "3:2", "portrait"), aspect (only relative: more is
    wider, less is taller); of clips and sounds also seconds, frames, fps and bpm.
    """

    name: str
    of: str = ""  # of a LoRA, which one
    value: str | int | float | None = None  # with a direction: by how much
    direction: Direction | None = None
    factor: float | None = None  # "twice the steps"
    slightly: bool = False  # "a bit wider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One thing that a reply asks for; what does not belong to its kind is empty."""

    kind: IntentKind
    pick: tuple[int, ...] = ()  # which pictures, from 1; empty: nobody said
    changes: tuple[ContentChange, ...] = ()
    prompt: str | None = None  # the whole description, of a rewrite
    style: str | None = None  # as the style library names it, or as it was said
    strength: str | None = None  # of a vary: "subtle", "strong"
    factor: float | None = None  # of an upscale
    directions: tuple[str, ...] = ()  # of an outpaint: left, right, up, down; empty: all around
    moves: bool = False  # of an outpaint: in the same size, as a camera that pans that way
    # Of an outpaint, as it was said: "a bit", "200 px", "50 %"; of an extension, seconds: "2".
    amount: str | None = None
    moment: str = ""  # of a frame: "first", "middle", "last"
    region: str = ""  # of an inpaint: "the vase"
    settings: tuple[AskedSetting, ...] = ()
    question: str = ""  # of an ask: what is to be answered, as a key of `questions`
    remark: str = ""  # what somebody asked about, of an info: "seed", "steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPicture:
    """What the answered message shows, as plain values."""

    prompt: str
    medium: str = "image"  # or "video", "audio", "mesh"
    negative: str = ""
    style: str | None = None  # a name of the style library
    count: int = 1  # how many pictures the message shows
    before: str | None = None  # the words before the last change
    samplers: tuple[str, ...] = ()  # names that may be said for one
    models: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()  # those of the picture, and others that are there


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a reply means."""

    intents: tuple[Intent, ...]  # at least one, in the order in which they were said
    sure: bool  # whether the rules had no doubt
    by: str = "rules"  # or the name of the writer that read it
    language: str = "en"  # of the reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Reworded:
    """The parent's words with a change in them."""

    prompt: str
    negative: str
    instruction: str = ""  # for a model that changes a picture: "make the cup blue"
    region: str = ""  # where it happens, if that is a part of the picture: "cup"
    said: str = ""  # the change in a few words: "red → blue"
