"""From an error to one kind sentence: what happened, and what to do.

Pure: a table from exception classes, walked along the error's ancestors, so that the most specific
entry speaks.  The cause belongs in the log; a person reads only this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.languages.speaking import tr
from bot.pages.quoting import code, plain, quoted
from bot.studio import lines
from bot.studio.changing import NothingBefore
from bot.studio.deleting import TooLate
from bot.studio.describing import NotInTime
from bot.studio.phrasing import NothingNew
from bot.studio.rights import NotAllowed
from bot.studio.servers import Blocked, NotOffered, OtherChannels, Resting, ServerDeclines
from bot.studio.which import NotThatMany
from generation import errors as g
from generation.queue.fair_queue import QueueFull, TooLong
from generation.reasons import Reason, error_of
from prompting import errors as p
from storage import errors as s

MANY = 1_000_000  # the exact number says no more
MAX_CHARACTERS = 1800  # Discord's 2000, less what is written around it
CHANNELS = 10  # that are named in a sentence
GLANCE = 300  # characters of names that are listed in a sentence

LISTED_IN_CHAT = "`/help` lists them all."
LISTED_IN_TERMINAL = "`python start.py models` lists what is here."
KINDS = {"lora": "LoRA", "vae": "VAE", "controlnet": "ControlNet"}  # as people write them

UNKNOWN = (
    "Something went wrong on my side, and it is written in the log. Nothing of yours is lost; "
    "please try once more."
)


def _name(error: g.NoSuchName, more: str = LISTED_IN_CHAT) -> str:
    kind = KINDS.get(error.kind, error.kind)
    if error.there == ():
        return (
            f"There are no {kind}s here, and so none called {code(error.name)}. "
            "The owner puts them into a folder that is named under `models`."
        )
    said = f"I know no {kind} called {code(error.name)}.{_nearest(error.nearest)}"
    return f"{said} {_listed(error.there, more)}" if error.there else said


def _unknown(error: p.UnknownName) -> str:
    hint = _nearest(error.nearest) or (f" {LISTED_IN_CHAT}" if error.kind == "style" else "")
    return f"I know no {error.kind} called {code(error.name)}.{hint}"


def _nearest(names: tuple[str, ...]) -> str:
    return f" Did you mean {', '.join(map(code, names))}?" if names else ""


def _listed(names: tuple[str, ...], more: str) -> str:
    """All the names, or as many as can be read at a glance."""
    shown = [code(name) for name in names]
    while len(shown) > 1 and len(", ".join(shown)) > GLANCE:
        shown.pop()
    if len(shown) == len(names):
        which = "There is only" if len(names) == 1 else "There are:"
        return f"{which} {', '.join(shown)}."
    return f"There are: {', '.join(shown)}, and {len(names) - len(shown)} more. {more}"


def _range(error: g.OutOfRange) -> str:
    return f"The {error.what} must be {error.allowed}; I was given {_found(error.found)}."


def _memory(error: g.OutOfMemory) -> str:
    size = ""
    if error.needed_bytes and error.free_bytes is not None:
        size = f" (it needs {_gib(error.needed_bytes)}, {_gib(error.free_bytes)} are free)"
    return f"That picture does not fit into the memory here{size}. {_would_fit(error)}"


def _would_fit(error: BaseException | None) -> str:
    """The smallest change with which it is drawn, where one was found."""
    match error:
        case g.OutOfMemory(references=int(count)):
            return f"With {count} picture{'s' if count > 1 else ''} to look at it would."
        case g.OutOfMemory(width=int(width), height=int(height)):
            return f"At {width}x{height} it would."
        case g.OutOfMemory(bits=int(bits)):
            return f"A file of the same model in {bits} bits would: the owner can add one."
    return "Try a smaller size."


_NOTHING_NEW = {
    "further wish": "I see nothing in that to change. Say it like “warmer, no dog” or “at night”.",
    "wording": "I found no other words for that. Other words of yours, or 🎨, change more.",
    "own words": "It was drawn from your own words already: I had added nothing to them.",
    "form": "Nothing in the form was changed. ♻️ draws the same picture again, 🎲 another one.",
    "picture": "It was only made larger: there is nothing in it that another seed, or other words, "
    "would change. Its original can be drawn again.",
    "style": "It is drawn in that style already, or the model has nothing of the kind.",
}

# What follows the name of a model that was asked for something else.
_MADE_FOR = {
    "inpainting": (
        "is made to redraw a masked part of a picture: give it a picture and a mask (`/inpaint`), "
        "or choose another model"
    ),
    "editing": (
        "is made to change a picture as it is told to, and cannot draw from words alone: reply to "
        "a picture with what is to change, or choose another model"
    ),
    "control": (
        "is made to draw what a picture of edges or of depth says: give it such a picture, or "
        "choose another model"
    ),
    "pictures without a control picture": "does not look at a control picture",
    "image-to-image": (
        "draws over a picture, and cannot draw from words alone: give it a picture to start from "
        "(`image`), or draw with another model first and start from what it drew"
    ),
}


def _not_offered(error: NotOffered) -> str:
    name = code(error.name)
    if error.kind == "style":
        return tr(
            "The style {name} is not offered in this server. `/styles` shows those that are; if it "
            "is the one of your settings, `/settings` changes that.",
            name=name,
        )
    return tr(
        "The model {name} is not offered in this server. `/models list` shows those that are; if "
        "it is the one of your settings, `/settings` changes that.",
        name=name,
    )


def _channels(channels: tuple[int, ...]) -> str:
    shown = [f"<#{channel}>" for channel in channels[:CHANNELS]]
    return ", ".join(shown) + (" …" if len(channels) > CHANNELS else "")


_SENTENCES: dict[type[BaseException], Callable[[Any], str]] = {
    g.OutOfRange: _range,
    g.NoSuchName: _name,
    g.NotUsable: lambda e: (
        f"{code(e.name)} lies here, but cannot be used: {_clause(e.reason, GLANCE)}."
    ),
    g.WrongFamily: lambda e: (
        f"{code(e.name)} is made for {e.family}, and {code(e.model)} is {e.wanted}: they "
        f"do not fit together. Choose another model, or another {KINDS.get(e.kind, e.kind)}."
    ),
    g.NotMadeFor: lambda e: (
        f"{code(e.model)} {_MADE_FOR.get(e.purpose, f'is made for {e.purpose} alone')}."
    ),
    g.NotPresent: lambda e: (
        f"The {_kind(e.kind)} {code(e.name)} that this recipe names is not here: nothing has its "
        f"sha256, `{e.sha256}`. The owner can put it into the folder of models."
    ),
    g.NotHere: lambda e: (
        f"The {e.kind} {code(e.name)} is another program's, and nothing of mine draws the same"
        f"{f': {e.reason}' if e.reason else ''}. "
        f"{_listed(e.there, LISTED_IN_CHAT)}"
    ),
    g.BadPicture: lambda e: (
        f"I cannot use that picture: {e.reason}. Please send another one (PNG, JPEG or WebP)."
    ),
    g.NoSegmenter: lambda _: (
        "Nothing here finds a part of a picture by words, so I drew nothing. What comes nearest: "
        "`/inpaint` with a mask, or with a copy of the picture on which you drew over that part. "
        "(The owner can put a CLIPSeg folder into `models`: docs/changing.md.)"
    ),
    g.NoCaptioner: lambda _: (
        "Nothing here says what a picture shows. (The owner can put a captioner into `models`: "
        "docs/describing.md.)"
    ),
    g.NoControlNet: lambda e: (
        f"No ControlNet here is for {plain(e.family)}: nothing looks at that picture. (The owner "
        "can put one into `models`: docs/models.md.)"
    ),
    g.NoScorer: lambda _: (
        "Nothing here tells how well words fit such a picture, so I began nothing; `count` draws "
        "several for you to choose from. (The owner can put a CLIP or SigLIP folder into `models`: "
        "docs/scoring.md.)"
    ),
    NotInTime: lambda _: "It was not your turn while you could be answered. Please ask again.",
    g.BadMask: lambda e: f"I drew nothing: {e.reason}.",
    NotThatMany: lambda e: (
        f"There {'is 1 picture' if e.count == 1 else f'are {e.count} pictures'} in that message, "
        f"so there is no number {e.number}. I drew nothing; "
        + ("say it without a number." if e.count == 1 else f"begin with `1:` to `{e.count}:`.")
    ),
    g.Unacceptable: lambda e: f"I cannot draw that as it is: {_clause(str(e))}.",
    g.PickleRefused: lambda e: (
        f"I do not open {code(e.name)}: files of that kind can run code. "
        "Please ask the owner for a `.safetensors` version."
    ),
    g.BrokenWeights: lambda e: (
        f"The model file {code(e.name)} is damaged ({_clause(e.reason)}). "
        "The owner needs to fetch it again."
    ),
    g.MissingWeights: lambda e: (
        f"The model {code(e.name)} of that picture is not here any more. The owner can bring it "
        f"back: its sha256 is `{e.sha256}`."
    ),
    g.WeightsChanged: lambda e: (
        f"The file {code(e.name)} is not the one that picture was drawn with: then its sha256 was "
        f"`{e.recorded}`, now it is `{e.found}`. The owner can put the old file back."
    ),
    g.UnusableWeights: lambda e: f"I cannot use {code(e.name)}: {_clause(e.reason)}.",
    g.OutOfMemory: _memory,
    g.Cancelled: lambda _: "Cancelled.",
    g.Quarantined: lambda e: (
        f"I gave this one up: the drawing program stopped {e.tries} times while working on it. "
        "The log says why; a smaller size or another model may work."
    ),
    g.WorkerDied: lambda _: (
        "The drawing program is being restarted. Nothing is lost; try again in a minute."
    ),
    g.RenderFailed: lambda e: (
        f"Drawing this one failed ({_clause(e.reason)}). Other settings may work; "
        "the details are in the log."
    ),
    p.UnknownName: _unknown,
    p.TooMany: lambda e: (
        f"That stands for {_count(e.count)} {e.what}; I take at most {e.limit} at once."
    ),
    p.Declined: lambda _: (
        "That contains a word that is not drawn on this server. Please say it another way."
    ),
    p.PromptingError: lambda _: (
        "I could not find words for that. Your own words work: `/imagine` with `assist: off`."
    ),
    TooLong: lambda e: (
        f"That would take about {_minutes(e.seconds)} here, and I draw {_minutes(e.limit)} at most "
        "for one picture. Fewer steps or a smaller size would do."
    ),
    QueueFull: lambda e: (
        f"You would have {e.waiting:.0f} of at most {e.limit:.0f} {e.what} waiting, so I queued "
        "nothing. Let some finish, or `/cancel` them."
    ),
    NothingNew: lambda e: _NOTHING_NEW[e.what],
    NothingBefore: lambda _: lines.NOTHING_BEFORE,
    TooLate: lambda _: (
        "That minute is over, and its files are gone. Its recipe is whole: "
        "its owner can draw it again with `/reproduce`."
    ),
    Blocked: lambda _: tr(
        "The admins of this server do not let me draw for you. They can change that; "
        "elsewhere nothing is different."
    ),
    OtherChannels: lambda e: tr(
        "I draw nothing in this channel. Please ask in {channels}.", channels=_channels(e.channels)
    ),
    Resting: lambda e: tr(
        "Drawing rests in this server at present{reason}. What waits keeps its place; please ask "
        "again later.",
        reason=f": {quoted(e.reason)}" if e.reason else "",
    ),
    NotOffered: _not_offered,
    NotAllowed: lambda e: f"Only its owner or a moderator can {e.what}.",
    s.DiskFull: lambda _: (
        "The disk here is full, so I cannot keep your request. "
        "Please tell the owner; nothing that was queued is lost."
    ),
    s.DatabaseLocked: lambda _: (
        "Another program is holding my database. Please try again in a minute; "
        "if it goes on, the owner should stop the other program."
    ),
    s.DatabaseCorrupt: lambda _: (
        "My database is damaged, and I have not touched it. "
        "The owner should restore the newest backup."
    ),
    s.DatabaseTooNew: lambda _: (
        "My database was written by a newer version of this program. Please update it."
    ),
    s.InUse: lambda _: (
        "Another copy of this program works in the same folder. Stop it first, or name another "
        "data folder."
    ),
    s.DamagedFile: lambda _: (
        "The file of that picture is damaged on my disk, so I do not use it. Its recipe is whole: "
        "`/reproduce` draws it again."
    ),
    s.Missing: lambda e: (
        "I no longer keep the file of that picture. If I drew it, `/reproduce` draws it again "
        "from its recipe; then start from the new one."
        if e.what == "file"
        else "I do not remember that one, or it is not shown where you can see it. "
        "`/reproduce` lists your own pictures."
    ),
    s.Unstorable: lambda _: "A number or a letter in that is none that I can keep or look up.",
    s.StorageError: lambda _: (
        "I could not write that down, so I did not begin. Please try again in a minute."
    ),
}


def apology_for(error: BaseException, *, terminal: bool = False) -> str:
    """One sentence or two for the person who met this error, in chat or in a terminal."""
    if terminal and type(error) is g.NoSuchName and error.kind in ("model", "lora"):
        return f"{_name(error, '')} {LISTED_IN_TERMINAL}".replace("  ", " ")[:MAX_CHARACTERS]
    for kind in type(error).__mro__:
        if (sentence := _SENTENCES.get(kind)) is not None:
            return sentence(error)[:MAX_CHARACTERS]
    return UNKNOWN


def apology_for_reason(reason: Reason | None) -> str:
    """The sentence for why a job ended without a picture."""
    error = error_of(reason) if reason is not None else None
    match reason and reason.kind:
        case "OutOfMemory":
            return f"It did not fit into the memory here. {_would_fit(error)}"
        case "Quarantined":
            return "I gave it up: the drawing program stopped several times while working on it."
        case "Cancelled" | None:
            return "Cancelled."
    if error is None:
        return "Drawing it failed; the details are in the log."
    return plain(str(error), 300)


def expected(error: BaseException) -> bool:
    """Whether the error is a person's to mend, so that the log needs no stack trace."""
    kinds = (
        g.Unacceptable,
        g.Cancelled,
        QueueFull,
        TooLong,
        NotAllowed,
        ServerDeclines,
        NothingNew,
        NotInTime,
        s.Missing,
        s.Unstorable,
        p.PromptingError,
    )
    return isinstance(error, kinds)


def _clause(reason: str, limit: int = 120) -> str:
    """Why, in the words of whoever knows; as code where they would format something."""
    line = plain(reason, limit)
    return line if line == quoted(reason, limit) else code(reason, limit)


def _count(number: int) -> str:
    return str(number) if number <= MANY else f"more than {MANY:,}"


def _found(found: object) -> str:
    endless = isinstance(found, int) and abs(found) >= 2**64
    return "a number beyond 64 bits" if endless else code(str(found))


def _kind(kind: str) -> str:
    return "model" if kind == "checkpoint" else KINDS.get(kind, kind)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
