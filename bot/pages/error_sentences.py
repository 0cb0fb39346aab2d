"""Sentences about errors that depend on their facts, and the pieces that such sentences have.

Pure.  `bot.pages.apologies` says which error has which.
"""

from __future__ import annotations

from bot.languages.amounts import listed
from bot.languages.amounts import number as counted
from bot.languages.clauses import clause
from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import code, plain, quoted
from bot.studio.servers import (
    NotOffered,
    Resting,
)
from bot.studio.which import NotThatMany
from generation import errors as g
from prompting import errors as p

MANY = 1_000_000  # the exact number says no more
CHANNELS = 10  # that are named in a sentence
GLANCE = 300  # characters of names that are listed in a sentence

LISTED_IN_CHAT = mark("`/help` lists them all.")
LISTED_IN_TERMINAL = mark("`python start.py models` lists what is here.")
KINDS = {"lora": "LoRA", "vae": "VAE", "controlnet": "ControlNet"}  # as people write them


def unknown_name(error: g.NoSuchName, more: str = LISTED_IN_CHAT) -> str:
    """Nothing of that kind is called so; what is, and what is there."""
    kind, name = clause(KINDS.get(error.kind, error.kind)), code(error.name)
    if error.there == ():
        return tr(
            "There are no {kind}s here, and so none called {name}. "
            "The owner puts them into a folder that is named under `models`.",
            kind=kind,
            name=name,
        )
    said = tr("I know no {kind} called {name}.", kind=kind, name=name)
    there = those_there(error.there, more) if error.there else ""
    return " ".join(filter(None, (said, _nearest(error.nearest), there)))


def unknown_word(error: p.UnknownName) -> str:
    """The same of styles and dialects."""
    said = tr("I know no {kind} called {name}.", kind=clause(error.kind), name=code(error.name))
    hint = _nearest(error.nearest) or (tr(LISTED_IN_CHAT) if error.kind == "style" else "")
    return f"{said} {hint}" if hint else said


def _nearest(names: tuple[str, ...]) -> str:
    return tr("Did you mean {names}?", names=listed(map(code, names))) if names else ""


def those_there(names: tuple[str, ...], more: str) -> str:
    """All the names, or as many as can be read at a glance."""
    shown = [code(name) for name in names]
    while len(shown) > 1 and len(", ".join(shown)) > GLANCE:
        shown.pop()
    if len(shown) == len(names):
        return trn("There is only {names}.", "There are: {names}.", len(names), names=listed(shown))
    few = tr("There are: {names}, and {n} more.", names=listed(shown), n=len(names) - len(shown))
    return f"{few} {tr(more) if more else ''}"


def out_of_range(error: g.OutOfRange) -> str:
    """A number, size or text beyond its limits."""
    return tr(
        "The {what} must be {allowed}; I was given {found}.",
        what=clause(error.what),
        allowed=clause(error.allowed),
        found=what_was_found(error.found),
    )


def memory(error: g.OutOfMemory) -> str:
    """The picture does not fit into the memory here; what would."""
    if error.needed_bytes and error.free_bytes is not None:
        said = tr(
            "That picture does not fit into the memory here (it needs {needed}, {free} are free).",
            needed=gib(error.needed_bytes),
            free=gib(error.free_bytes),
        )
    else:
        said = tr("That picture does not fit into the memory here.")
    return f"{said} {would_fit(error)}"


def would_fit(error: BaseException | None) -> str:
    """The smallest change with which it is drawn, where one was found."""
    match error:
        case g.OutOfMemory(references=int(count)):
            return trn(
                "With {n} picture to look at it would.",
                "With {n} pictures to look at it would.",
                count,
            )
        case g.OutOfMemory(width=int(width), height=int(height)):
            return tr("At {width}x{height} it would.", width=width, height=height)
        case g.OutOfMemory(bits=int(bits)):
            return tr(
                "A file of the same model in {bits} bits would: the owner can add one.", bits=bits
            )
    return tr("Try a smaller size.")


NOTHING_NEW = {
    "further wish": mark(
        "I see nothing in that to change. Say it like “warmer, no dog” or “at night”."
    ),
    "wording": mark("I found no other words for that. Other words of yours, or 🎨, change more."),
    "own words": mark("It was drawn from your own words already: I had added nothing to them."),
    "form": mark(
        "Nothing in the form was changed. ♻️ draws the same picture again, 🎲 another one."
    ),
    "picture": mark(
        "It was only made larger: there is nothing in it that another seed, or other words, "
        "would change. Its original can be drawn again."
    ),
    "style": mark("It is drawn in that style already, or the model has nothing of the kind."),
}

# A model that was asked for something else than it is made for.
MADE_FOR = {
    "inpainting": mark(
        "{model} is made to redraw a masked part of a picture: give it a picture and a mask "
        "(`/inpaint`), or choose another model."
    ),
    "editing": mark(
        "{model} is made to change a picture as it is told to, and cannot draw from words alone: "
        "reply to a picture with what is to change, or choose another model."
    ),
    "control": mark(
        "{model} is made to draw what a picture of edges or of depth says: give it such a picture, "
        "or choose another model."
    ),
    "pictures without a control picture": mark("{model} does not look at a control picture."),
    "image-to-image": mark(
        "{model} draws over a picture, and cannot draw from words alone: give it a picture to "
        "start from (`image`), or draw with another model first and start from what it drew."
    ),
}


def made_for(error: g.NotMadeFor) -> str:
    """A model was asked for something that it is not made for."""
    model = code(error.model)
    if error.purpose in MADE_FOR:
        return tr(MADE_FOR[error.purpose], model=model)
    purpose = clause(error.purpose)
    return tr("{model} is made for {purpose} alone.", model=model, purpose=purpose)


def no_maker(error: g.NoMaker) -> str:
    """A clip, a sound or a form is wanted, and no model here makes one."""
    return tr(NO_MAKER.get(error.medium, NO_MAKER["image"]))


NO_MAKER = {
    "image": mark(
        "No model that draws pictures is here. (The owner fetches one with `/models add`, or puts "
        "it into `models`: docs/models.md.)"
    ),
    "video": mark(
        "No model that makes clips is here, so I began nothing. (The owner fetches one with "
        "`/models add`, or puts it into `models`: docs/models.md.)"
    ),
    "audio": mark(
        "No model that makes sounds is here, so I began nothing. (The owner fetches one with "
        "`/models add`, or puts it into `models`: docs/models.md.)"
    ),
    "mesh": mark(
        "No model that makes forms is here, so I began nothing. (The owner fetches one with "
        "`/models add`, or puts it into `models`: docs/models.md.)"
    ),
}


def other_medium(error: g.OtherMedium) -> str:
    """What is asked of a sound, and goes with pictures alone."""
    return tr(
        "That is {what}, and this wants {wanted}.",
        what=tr(MEDIA_CALLED[error.medium]),
        wanted=tr(MEDIA_CALLED[error.wanted]),
    )


# What works of each medium are called.
MEDIA_CALLED = {
    "image": mark("a picture"),
    "video": mark("a clip"),
    "audio": mark("a sound"),
    "mesh": mark("a form"),
}


def not_here(error: g.NotHere) -> str:
    """Other programs have it, and nothing here is the same."""
    kind, name = clause(error.kind), code(error.name)
    there = those_there(error.there or (), LISTED_IN_CHAT)
    if error.reason:
        said = tr(
            "The {kind} {name} is another program's, and nothing of mine draws the same: {reason}.",
            kind=kind,
            name=name,
            reason=clause(error.reason),
        )
    else:
        said = tr(
            "The {kind} {name} is another program's, and nothing of mine draws the same.",
            kind=kind,
            name=name,
        )
    return f"{said} {there}"


def that_many(error: NotThatMany) -> str:
    """A picture was named by a number that the message does not have."""
    if error.count == 1:
        return tr(
            "There is 1 picture in that message, so there is no number {number}. I drew nothing; "
            "say it without a number.",
            number=error.number,
        )
    return tr(
        "There are {count} pictures in that message, so there is no number {number}. I drew "
        "nothing; begin with `1:` to `{count}:`.",
        number=error.number,
        count=error.count,
    )


FILE_GONE = mark(
    "I no longer keep the file of that picture. If I drew it, `/reproduce` draws it again "
    "from its recipe; then start from the new one."
)
NOT_REMEMBERED = mark(
    "I do not remember that one, or it is not shown where you can see it. "
    "`/reproduce` lists your own pictures."
)


def not_offered(error: NotOffered) -> str:
    """The server does not offer that model or style."""
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


def channels_named(channels: tuple[int, ...]) -> str:
    """Some channels as Discord shows them."""
    shown = listed(f"<#{channel}>" for channel in channels[:CHANNELS])
    return shown + (" …" if len(channels) > CHANNELS else "")


def resting(error: Resting) -> str:
    """Nothing is drawn in this server at present."""
    if error.reason:
        return tr(
            "Drawing rests in this server at present: {reason}. What waits keeps its place; please "
            "ask again later.",
            reason=quoted(error.reason),
        )
    return tr(
        "Drawing rests in this server at present. What waits keeps its place; please ask again "
        "later."
    )


def as_clause(reason: str, limit: int = 120) -> str:
    """Why, in the words of whoever knows; as code where they would format something."""
    reason = clause(reason)
    line = plain(reason, limit)
    return line if line == quoted(reason, limit) else code(reason, limit)


def counted_to(number: int) -> str:
    """A number, as far as it says something."""
    return str(number) if number <= MANY else tr("more than {count}", count=counted(MANY))


def what_was_found(found: object) -> str:
    """What was given, as code."""
    endless = isinstance(found, int) and abs(found) >= 2**64
    return tr("a number beyond 64 bits") if endless else code(clause(str(found)))


def kind_of_weights(kind: str) -> str:
    """What people call weights of that kind."""
    return clause("model" if kind == "checkpoint" else KINDS.get(kind, kind))


def minutes(seconds: float) -> str:
    """A time, roughly."""
    if seconds >= 90:
        return tr("{n} min", n=f"{seconds / 60:.0f}")
    return tr("{n} s", n=f"{seconds:.0f}")


def gib(count: int) -> str:
    """Bytes as people say them."""
    return tr("{n} GiB", n=f"{count / 2**30:.1f}")
