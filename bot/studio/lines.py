"""Lines: what a change of a picture changes and what stays; and what cannot be done here.

    day → night; seed, size, model stay

Pure.  Each is plain words without Markdown, in one line, and is shown beside the picture as a note
is (`bot.studio.notes`).  Invariant: what is said to stay is what did not change, field by field.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from bot.languages.amounts import all_of
from bot.languages.amounts import listed as names
from bot.languages.speaking import mark, name_of, tr, trn
from bot.studio.answered import Answered, NamedLora
from bot.studio.notes import listed
from bot.studio.notes import said as quoted
from bot.studio.settling import Settled
from prompting.changing.intents import Intent, IntentKind

MOST_SAID = 200  # characters of what changes

# What people call the fields of a recipe; those that change with another are not named.
_CALLED = {
    "words.prompt": "words",
    "words.negative_prompt": "negative",
    "canvas.width": "size",
    "canvas.height": "size",
    "checkpoint": "model",
    "family": "model",
    "adapters": "LoRAs",
    "seed": "seed",
}
_SAID = {
    "words": mark("words"),
    "seed": mark("seed"),
    "size": mark("size"),
    "style": mark("style"),
    "LoRAs": mark("LoRAs"),
    "model": mark("model"),
}
_OFTEN_ASKED = ("words", "seed", "size", "style", "LoRAs", "model")
MOST_STAY = 3  # the line is read at a glance


def change_line(what: Sequence[str], changed: Collection[str], there: Collection[str]) -> str:
    """What changes and what stays.

    `changed` are names of what people call the parts of a recipe, `there` those that the picture
    has at all: nobody is told that no LoRA stays no LoRA.
    """
    head = _plain(", ".join(part for part in what if part))
    if len(head) > MOST_SAID:
        head = head[: MOST_SAID - 1] + "…"
    stays = [name for name in _OFTEN_ASKED if name in there and name not in changed][:MOST_STAY]
    # The model is what people ask about most.
    if "model" not in changed and "model" not in stays:
        stays = [*stays[: MOST_STAY - 1], "model"]
    if not stays:
        return head
    many = 1 if len(stays) == 1 and stays[0] not in ("words", "LoRAs") else 2
    named = names([tr(_SAID[name]) for name in stays])
    kept = trn("{names} stays", "{names} stay", many, names=named)
    return tr("{changes}; {kept}", changes=head, kept=kept) if head else kept


def called(fields: Collection[str]) -> frozenset[str]:
    """What people call the fields that `difference` names."""
    return frozenset(_CALLED.get(name, name.rpartition(".")[2]) for name in fields)


def done(kind: IntentKind, intent: Intent) -> Iterator[str]:
    """What is done to the picture as a whole, in a few words."""
    match kind:
        case IntentKind.VARY:
            strong = intent.strength == "strong"
            yield tr("strong variation") if strong else tr("subtle variation")
        case IntentKind.OUTPAINT:
            if intent.moves:
                yield tr(_TOWARDS[intent.directions[0]])
                return
            sides = all_of([tr(_SIDES[side]) for side in intent.directions])
            yield tr("more {sides}", sides=sides) if sides else tr("more all around")
        case IntentKind.UPSCALE:
            yield tr("{n} times as large", n=f"{intent.factor or 2:g}")
        case IntentKind.AGAIN:
            yield tr("another seed")
        case IntentKind.VIDEO | IntentKind.SOUND | IntentKind.FORM | IntentKind.FRAME:
            yield tr(_AS[kind])
        case IntentKind.EXTEND:
            yield tr("goes on from its end")


_AS = {
    IntentKind.VIDEO: mark("in motion"),
    IntentKind.SOUND: mark("as a sound"),
    IntentKind.FORM: mark("in three dimensions"),
    IntentKind.FRAME: mark("a frame of the clip"),
}
_SIDES = {
    "left": mark("to the left"),
    "right": mark("to the right"),
    "up": mark("above"),
    "down": mark("below"),
}
_TOWARDS = {
    "left": mark("moved to the left"),
    "right": mark("moved to the right"),
    "up": mark("moved upwards"),
    "down": mark("moved downwards"),
}


_SETTINGS = {
    "steps": mark("steps"),
    "cfg": "cfg",
    "sampler": mark("sampler"),
    "scheduler": mark("scheduler"),
    "denoise": mark("denoise"),
    "clip_skip": mark("clip skip"),
    "seconds": mark("seconds"),
    "frames": mark("frames"),
    "fps": mark("fps"),
    "bpm": mark("bpm"),
    "seed": mark("seed"),
    "model": mark("model"),
}


def settings_said(new: Settled, before: Answered) -> Iterator[str]:
    """Each setting that differs from before, in a few words."""
    width, height = new.width or before.width, new.height or before.height
    if (width, height) != (before.width, before.height):
        old, now = f"{before.width}x{before.height}", f"{width}x{height}"
        yield tr("size {old} → {new}", old=old, new=now)
    for name, said in _SETTINGS.items():
        value, was = getattr(new, name), getattr(before, name)
        if value is None or value == was:
            continue
        if was is None:
            yield f"{tr(said)} {_number(value)}"
        else:
            yield f"{tr(said)} {_number(was)} → {_number(value)}"
    if new.count is not None and new.count > 1:
        yield trn("{n} picture", "{n} pictures", new.count)
    if new.loras is not None and new.loras != before.loras:
        yield tr("LoRAs {old} → {new}", old=_loras(before.loras), new=_loras(new.loras))


def _number(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _loras(loras: Sequence[NamedLora]) -> str:
    return names([f"{lora.name} {lora.said}" for lora in loras]) or tr("none")


def _plain(text: str) -> str:
    """One line that pings nobody."""
    return " ".join(re.sub(r"@(?=\w)|<@[!&]?\d+>", "", text).split())


def taken(place: int, count: int) -> str:
    """For a reply that does not say which of several pictures it means."""
    if place == 1:
        return tr("I took picture 1 of {count}; “2: …” takes the second.", count=count)
    return tr(
        "I took picture {place} of {count}, which is picked there; “1: …” takes the first.",
        place=place,
        count=count,
    )


def alone(place: int, others: Sequence[int]) -> str:
    """For a reply that names several pictures as one is to be made of them."""
    return tr(
        "I drew from picture {place} alone and took nothing of picture {others}: a reply changes "
        "one at a time; /{blend} mixes several.",
        place=place,
        others=all_of(map(str, others)),
        blend=name_of("blend"),
    )


# --- what is shown again, and what is taken away ----------------------------------------------

NOTHING_BEFORE = mark(
    "That is where it began: there is nothing before this picture. A reply to it changes it."
)


NOT_MINE = mark(
    "That picture was not drawn here, so I know nothing of how it was made. I can change it: say "
    "what it should become."
)


def back_to(number: int) -> str:
    """After an undo."""
    return tr("↩️ Back to #{number}. Nothing is lost: what came after it is above.", number=number)


def chosen(number: int) -> str:
    """One of several."""
    return tr("#{number}, alone: whatever you reply here is about this one.", number=number)


def together(count: int) -> str:
    """One of several pictures is to go."""
    return tr(
        "A message goes as a whole: it shows {count} pictures. “delete all”, or 🗑 below it, takes "
        "all of them away; to go on with one, reply with its number.",
        count=count,
    )


# --- what is asked back, and answered ---------------------------------------------------------

_FACTS = {
    **_SETTINGS,
    "size": mark("size"),
    "style": mark("style"),
    "loras": mark("loras"),
    "negative": mark("negative"),
    "prompt": mark("prompt"),
}


def facts(answered: Answered, asked: str = "") -> str:
    """How a picture was made, in one line; what was asked about comes first."""
    loras = _loras(answered.loras) if answered.loras else None
    rows = {
        "seed": answered.seed,
        "size": f"{answered.width}x{answered.height}" if answered.width else None,
        "steps": answered.steps,
        "cfg": None if answered.cfg is None else f"{answered.cfg:g}",
        "sampler": answered.sampler,
        "scheduler": answered.scheduler,
        "seconds": None if answered.seconds is None else f"{answered.seconds:.3g}",
        "frames": answered.frames,
        "fps": None if answered.fps is None else f"{answered.fps:g}",
        "bpm": answered.bpm,
        "model": answered.model or answered.family,
        "style": answered.style,
        "loras": loras,
        "negative": answered.negative or None,
        "prompt": quoted(answered.prompt, 300),
    }
    first = sorted(rows, key=lambda name: name != asked)
    return " · ".join(
        f"{tr(_FACTS[name])} {rows[name]}" for name in first if rows[name] is not None
    )


# --- what cannot be done ----------------------------------------------------------------------

NO_VIDEO = mark(
    "I cannot set a picture in motion here: no model that makes clips is installed. Whoever runs "
    "the bot gets one with /models add."
)
NO_SOUND = mark(
    "I cannot make a sound here: no model that makes sounds is installed. Whoever runs the bot "
    "gets one with /models add."
)
NO_FORM = mark(
    "I cannot make a form that turns here: no 3D model is installed. Whoever runs the bot gets one "
    "with /models add."
)
NO_EXTENSION = mark(
    "I cannot go on from its end with the models here. What comes nearest: say how long it shall "
    "be, such as “6 seconds”, and it is made anew."
)
NO_OUTPAINT = mark(
    "I cannot draw further around a picture with this model. What comes nearest: reply “wider” or "
    "“portrait”, and I draw the same words anew in that shape."
)
NO_UPSCALE = mark(
    "I cannot enlarge a picture here. What comes nearest: the same words and seed drawn larger; "
    "reply with a size, such as “768x768”."
)


NO_SIZE = mark(
    "A sound or a form has no pixels: it can be made again, varied, and made of other words."
)


def no_region(region: str) -> str:
    """A part of a picture was named, and nothing here can find it."""
    if not region:
        return tr("I cannot see where that is, so all of the picture is drawn over a little.")
    return tr(
        "I cannot see where {what} is, so all of the picture is drawn over a little.",
        what=quoted(region, 40),
    )


def left_for_later(kinds: Sequence[str]) -> str:
    """More was asked than one picture can be at once."""
    return tr(
        "One step at a time: {what} was left out; reply with it to the result.",
        what=listed(kinds),
    )


def described(prompt: str) -> str:
    """A picture that nobody here can look at."""
    return tr("I cannot see pictures; this one was drawn from {words}.", words=quoted(prompt, 900))
