"""From an error to one kind sentence: what happened, and what to do.

Pure: a table from exception classes, walked along the error's ancestors, so that the most specific
entry speaks.  The cause belongs in the log; a person reads only this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.languages.clauses import clause
from bot.languages.speaking import mark, tr
from bot.pages.allowance_pages import quota_spent, too_large
from bot.pages.error_sentences import (
    FILE_GONE,
    GLANCE,
    KINDS,
    LISTED_IN_TERMINAL,
    NOT_REMEMBERED,
    NOTHING_NEW,
    as_clause,
    channels_named,
    counted_to,
    kind_of_weights,
    made_for,
    memory,
    minutes,
    no_maker,
    not_here,
    not_offered,
    other_medium,
    out_of_range,
    resting,
    that_many,
    unknown_name,
    unknown_word,
    would_fit,
)
from bot.pages.quoting import code, plain
from bot.pages.sheet_page import no_comparison
from bot.studio import lines
from bot.studio.changing import NothingBefore
from bot.studio.deleting import TooLate
from bot.studio.describing import NotInTime
from bot.studio.phrasing import NothingNew
from bot.studio.privacy import StillDrawing
from bot.studio.quotas import QuotaSpent, TooLarge
from bot.studio.rights import NotAllowed
from bot.studio.safety import NoClassifier
from bot.studio.servers import (
    Blocked,
    Leaving,
    NotDirectly,
    NothingPrivate,
    NotOffered,
    OtherChannels,
    Resting,
    ServerDeclines,
)
from bot.studio.sheets import NoComparison
from bot.studio.which import NotThatMany
from generation import errors as g
from generation.interchange.imported import NotRead
from generation.queue.fair_queue import QueueFull, TooLong
from generation.reasons import Reason, error_of
from prompting import errors as p
from storage import errors as s

MAX_CHARACTERS = 1800  # Discord's 2000, less what is written around it

UNKNOWN = mark(
    "Something went wrong on my side, and it is written in the log. Nothing of yours is lost; "
    "please try once more."
)


# The facts of an error that fill the gaps of its sentence.
_Facts = Callable[[Any], dict[str, object]]


def _one(text: str, facts: _Facts | None = None) -> Callable[[Any], str]:
    """A sentence of one text."""
    return lambda error: tr(text, **(facts(error) if facts is not None else {}))


def _because(error: Any) -> dict[str, object]:
    return {"reason": as_clause(error.reason)}


def _named(error: Any) -> dict[str, object]:
    return {"name": code(error.name)}


def _named_because(error: Any) -> dict[str, object]:
    return _named(error) | _because(error)


_SENTENCES: dict[type[BaseException], Callable[[Any], str]] = {
    g.OutOfRange: out_of_range,
    g.NoSuchName: unknown_name,
    g.NotUsable: _one(
        mark("{name} lies here, but cannot be used: {reason}."),
        lambda e: {"name": code(e.name), "reason": as_clause(e.reason, GLANCE)},
    ),
    g.WrongFamily: _one(
        mark(
            "{name} is made for {family}, and {model} is {wanted}: they do not fit together. "
            "Choose another model, or another {kind}."
        ),
        lambda e: {
            "name": code(e.name),
            "family": e.family,
            "model": code(e.model),
            "wanted": e.wanted,
            "kind": clause(KINDS.get(e.kind, e.kind)),
        },
    ),
    g.NotMadeFor: made_for,
    g.NotPresent: _one(
        mark(
            "The {kind} {name} that this recipe names is not here: nothing has its sha256, "
            "`{sha256}`. The owner can put it into the folder of models."
        ),
        lambda e: {"kind": kind_of_weights(e.kind), "name": code(e.name), "sha256": e.sha256},
    ),
    g.NotHere: not_here,
    g.BadPicture: _one(
        mark("I cannot use that picture: {reason}. Please send another one (PNG, JPEG or WebP)."),
        lambda e: {"reason": as_clause(e.reason)},
    ),
    g.BadClip: _one(
        mark(
            "I cannot use that clip: {reason}. Please send another one (MP4, WebM, GIF or an "
            "animated WebP)."
        ),
        lambda e: {"reason": as_clause(e.reason)},
    ),
    g.Lossy: _one(
        mark(
            "That file cannot tell what it was made of: {kind} keeps a work only nearly. The one "
            "that I keep can: name its number."
        ),
        lambda e: {"kind": e.kind},
    ),
    g.BadSound: _one(
        mark(
            "I cannot use that sound: {reason}. Please send another one "
            "(WAV, FLAC, MP3, Ogg, or a video with sound)."
        ),
        lambda e: {"reason": as_clause(e.reason)},
    ),
    NotRead: _one(
        mark(
            "I cannot read from that file how it was drawn: {reason}. A picture that was edited, "
            "or sent on by a site, often lost what was written in it."
        ),
        lambda e: {"reason": as_clause(e.reason)},
    ),
    g.NoSegmenter: _one(
        mark(
            "Nothing here finds a part of a picture by words, so I drew nothing. What comes "
            "nearest: `/inpaint` with a mask, or with a copy of the picture on which you drew over "
            "that part. (The owner can put a CLIPSeg folder into `models`: docs/changing.md.)"
        )
    ),
    g.NoCaptioner: _one(
        mark(
            "Nothing here says what a picture shows. (The owner can put a captioner into `models`: "
            "docs/describing.md.)"
        )
    ),
    g.NoMaker: no_maker,
    g.OtherMedium: other_medium,
    g.NoControlNet: _one(
        mark(
            "No ControlNet here is for {family}: nothing looks at that picture. (The owner can put "
            "one into `models`: docs/models.md.)"
        ),
        lambda e: {"family": plain(e.family)},
    ),
    g.NoMotionModule: _one(
        mark(
            "{model} draws pictures, and no motion module is here with which it draws clips. (The "
            "owner can put one of AnimateDiff into `models`: docs/models.md.)"
        ),
        lambda e: {"model": plain(e.model)},
    ),
    g.NoEnlarger: _one(
        mark(
            "{model} draws in two passes with what enlarges its latents between them, and that is "
            "not here; in one pass it draws. (The owner can put a file such as {file} into "
            "`models`: docs/models.md.)"
        ),
        lambda e: {"model": plain(e.model), "file": plain(e.file)},
    ),
    g.NoScorer: _one(
        mark(
            "Nothing here tells how well words fit such a picture, so I began nothing; `count` "
            "draws several for you to choose from. (The owner can put a CLIP or SigLIP folder into "
            "`models`: docs/scoring.md.)"
        )
    ),
    NotInTime: _one(mark("It was not your turn while you could be answered. Please ask again.")),
    g.BadMask: _one(mark("I drew nothing: {reason}."), lambda e: {"reason": as_clause(e.reason)}),
    NotThatMany: that_many,
    g.Unacceptable: _one(
        mark("I cannot draw that as it is: {reason}."), lambda e: {"reason": as_clause(str(e))}
    ),
    g.PickleRefused: _one(
        mark(
            "I do not open {name}: files of that kind can run code. Please ask the owner for a "
            "`.safetensors` version."
        ),
        _named,
    ),
    g.BrokenWeights: _one(
        mark("The model file {name} is damaged ({reason}). The owner needs to fetch it again."),
        _named_because,
    ),
    g.MissingWeights: _one(
        mark(
            "The model {name} of that picture is not here any more. The owner can bring it back: "
            "its sha256 is `{sha256}`."
        ),
        lambda e: _named(e) | {"sha256": e.sha256},
    ),
    g.WeightsChanged: _one(
        mark(
            "The file {name} is not the one that picture was drawn with: then its sha256 was "
            "`{recorded}`, now it is `{found}`. The owner can put the old file back."
        ),
        lambda e: _named(e) | {"recorded": e.recorded, "found": e.found},
    ),
    g.UnusableWeights: _one(mark("I cannot use {name}: {reason}."), _named_because),
    g.OutOfMemory: memory,
    g.Cancelled: _one(mark("Cancelled.")),
    g.Quarantined: _one(
        mark(
            "I gave this one up: the drawing program stopped {tries} times while working on it. "
            "The log says why; a smaller size or another model may work."
        ),
        lambda e: {"tries": e.tries},
    ),
    g.WorkerDied: _one(
        mark("The drawing program is being restarted. Nothing is lost; try again in a minute.")
    ),
    g.RenderFailed: _one(
        mark(
            "Drawing this one failed ({reason}). Other settings may work; the details are in the "
            "log."
        ),
        _because,
    ),
    p.UnknownName: unknown_word,
    p.TooMany: _one(
        mark("That stands for {count} {what}; I take at most {limit} at once."),
        lambda e: {"count": counted_to(e.count), "what": clause(e.what), "limit": e.limit},
    ),
    p.Declined: _one(
        mark("That contains a word that is not drawn on this server. Please say it another way.")
    ),
    p.PromptingError: _one(
        mark("I could not find words for that. Your own words work: `/imagine` with `assist: off`.")
    ),
    TooLong: _one(
        mark(
            "That would take about {time} here, and I draw {limit} at most for one picture. Fewer "
            "steps or a smaller size would do."
        ),
        lambda e: {"time": minutes(e.seconds), "limit": minutes(e.limit)},
    ),
    QueueFull: _one(
        mark(
            "You would have {waiting} of at most {limit} {what} waiting, so I queued nothing. Let "
            "some finish, or `/cancel` them."
        ),
        lambda e: {
            "waiting": f"{e.waiting:.0f}",
            "limit": f"{e.limit:.0f}",
            "what": clause(e.what),
        },
    ),
    NoComparison: no_comparison,
    NothingNew: lambda e: tr(NOTHING_NEW[e.what]),
    NothingBefore: lambda _: tr(lines.NOTHING_BEFORE),
    TooLate: _one(
        mark(
            "That minute is over, and its files are gone. Its recipe is whole: "
            "its owner can draw it again with `/reproduce`."
        )
    ),
    Blocked: _one(
        mark(
            "The admins of this server do not let me draw for you. They can change that; "
            "elsewhere nothing is different."
        )
    ),
    OtherChannels: _one(
        mark("I draw nothing in this channel. Please ask in {channels}."),
        lambda e: {"channels": channels_named(e.channels)},
    ),
    Leaving: _one(
        mark("Everything of yours is just being erased. Please ask again when I have said so.")
    ),
    NoClassifier: _one(
        mark(
            "Nothing here tells whether a picture is for everybody, so I changed nothing: words "
            "can be refused, and channels chosen. (Whoever runs the bot can put a CLIP or SigLIP "
            "folder into `models` and name it as `safety_scorer`: docs/servers.md.)"
        )
    ),
    StillDrawing: _one(
        mark(
            "A picture of yours is just being drawn and does not end. Nothing was erased; please "
            "press the button of `/privacy delete` again in a minute."
        )
    ),
    NotDirectly: _one(
        mark("I draw in servers only: please ask me in a channel of one that we share.")
    ),
    NothingPrivate: _one(
        mark(
            "In this server all see what is drawn, and so I drew nothing. Please ask without "
            "`private`, or in direct messages."
        )
    ),
    Resting: resting,
    NotOffered: not_offered,
    TooLarge: too_large,
    QuotaSpent: quota_spent,
    NotAllowed: _one(
        mark("Only its owner or a moderator can {what}."), lambda e: {"what": clause(e.what)}
    ),
    s.DiskFull: _one(
        mark(
            "The disk here is full, so I cannot keep your request. "
            "Please tell the owner; nothing that was queued is lost."
        )
    ),
    s.DatabaseLocked: _one(
        mark(
            "Another program is holding my database. Please try again in a minute; "
            "if it goes on, the owner should stop the other program."
        )
    ),
    s.DatabaseCorrupt: _one(
        mark(
            "My database is damaged, and I have not touched it. "
            "The owner should restore the newest backup."
        )
    ),
    s.DatabaseTooNew: _one(
        mark("My database was written by a newer version of this program. Please update it.")
    ),
    s.InUse: _one(
        mark(
            "Another copy of this program works in the same folder. Stop it first, or name another "
            "data folder."
        )
    ),
    s.DamagedFile: _one(
        mark(
            "The file of that picture is damaged on my disk, so I do not use it. Its recipe is "
            "whole: `/reproduce` draws it again."
        )
    ),
    s.Missing: lambda e: tr(FILE_GONE if e.what == "file" else NOT_REMEMBERED),
    s.Unstorable: _one(mark("A number or a letter in that is none that I can keep or look up.")),
    s.StorageError: _one(
        mark("I could not write that down, so I did not begin. Please try again in a minute.")
    ),
}


def apology_for(error: BaseException, *, terminal: bool = False) -> str:
    """One sentence or two for the person who met this error, in chat or in a terminal."""
    if terminal and type(error) is g.NoSuchName and error.kind in ("model", "lora"):
        said = f"{unknown_name(error, '')} {tr(LISTED_IN_TERMINAL)}"
        return said.replace("  ", " ")[:MAX_CHARACTERS]
    for kind in type(error).__mro__:
        if (sentence := _SENTENCES.get(kind)) is not None:
            return sentence(error)[:MAX_CHARACTERS]
    return tr(UNKNOWN)


def apology_for_reason(reason: Reason | None) -> str:
    """The sentence for why a job ended without a picture."""
    error = error_of(reason) if reason is not None else None
    match reason and reason.kind:
        case "OutOfMemory":
            return f"{tr('It did not fit into the memory here.')} {would_fit(error)}"
        case "Quarantined":
            return tr(
                "I gave it up: the drawing program stopped several times while working on it."
            )
        case "Cancelled" | None:
            return tr("Cancelled.")
    if error is None:
        return tr("Drawing it failed; the details are in the log.")
    return plain(clause(str(error)), 300)


def expected(error: BaseException) -> bool:
    """Whether the error is a person's to mend, so that the log needs no stack trace."""
    kinds = (
        g.Unacceptable,
        g.Cancelled,
        QueueFull,
        TooLong,
        NotAllowed,
        ServerDeclines,
        NoClassifier,
        NothingNew,
        NoComparison,
        NotInTime,
        s.Missing,
        s.Unstorable,
        p.PromptingError,
    )
    return isinstance(error, kinds)
